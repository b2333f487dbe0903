//! What is remembered of a feed's item whose page is read: the checkpoint `page FEED-ITEM`. It holds the item itself as
//! long as that waits, so that a crash loses none.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    article::{Article, Checkpoint, Id, TextFrom},
    event::FullText,
    source::{clean, fetch::Validity, page::Page, parse::primary_language},
};

/// Begins the key of an item's checkpoint.
pub const KEY_PREFIX: &str = "page ";

/// A text of fewer words is a teaser; longer ones are if they break off.
const TEASER_WORDS_MAX: usize = 150;

/// So much of a text's end is looked at for a sign that it breaks off, in characters.
const END_CHARS: usize = 60;

/// What stands where a text breaks off, in lower case.
const BREAKS: [&str; 20] = [
    "…",
    "...",
    "[…]",
    "[...]",
    "read more",
    "continue reading",
    "more »",
    "full story",
    "full article",
    "weiterlesen",
    "mehr lesen",
    "lire la suite",
    "leer más",
    "seguir leyendo",
    "leia mais",
    "leggi tutto",
    "lees verder",
    "läs mer",
    "les mer",
    "appeared first on",
];

/// Which item of which feed.
pub(super) type Key = (Id, Id);

/// An item as it is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Item {
    /// Hash of what the feed said of it.
    pub(super) said: Id,
    /// Of its page when it was last read, verbatim.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) etag: Option<Box<str>>,
    /// The same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) last_modified: Option<Box<str>>,
    /// None once it is settled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) waiting: Option<Box<Waiting>>,
    /// When the feed last had it; counted from the start where that is later.
    #[serde(skip)]
    pub(super) listed: Timestamp,
}

/// An item that waits for its page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Waiting {
    /// As the feed gives it.
    pub(super) article: Article,
    /// Then it is decided on its teaser.
    pub(super) until: Timestamp,
    /// It was.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(super) told: bool,
    /// Requests that came to nothing.
    #[serde(skip)]
    pub(super) tries: u32,
}

impl Item {
    pub(super) fn checkpoint(&self, key: Key) -> Checkpoint {
        Checkpoint { key: name_of(key), state: serde_json::to_value(self).unwrap_or(Value::Null) }
    }

    /// Its page was read, or never will be.
    pub(super) fn settle(&mut self, validity: Option<Validity>) {
        self.waiting = None;
        if let Some(Validity { etag, last_modified, .. }) = validity {
            self.etag = etag.map(String::into_boxed_str);
            self.last_modified = last_modified.map(String::into_boxed_str);
        }
    }
}

/// What is remembered of items.
#[derive(Debug, Default)]
pub struct Known(pub(super) BTreeMap<Key, Item>);

impl Known {
    /// Takes in a checkpoint as JSON; one of another source is left alone.
    pub fn learn(&mut self, key: &str, state: &[u8]) {
        let Some((feed, item)) = key.strip_prefix(KEY_PREFIX).and_then(|ids| ids.split_once('-')) else {
            return;
        };
        if let (Ok(feed), Ok(item), Ok(state)) = (feed.parse(), item.parse(), serde_json::from_slice(state)) {
            self.0.insert((feed, item), state);
        }
    }
}

fn name_of((feed, item): Key) -> String {
    format!("{KEY_PREFIX}{feed}-{item}")
}

/// Takes an item out of what is remembered.
pub(super) fn gone(key: Key) -> Checkpoint {
    Checkpoint { key: name_of(key), state: Value::Null }
}

/// By what the feed's items are known here.
pub(super) fn feed_of(configured: &str) -> Id {
    Id::of(&[b"feed", configured.as_bytes()])
}

/// By what an item is known: its page.
pub(super) fn item_of(url: &str) -> Id {
    let url = url.split('#').next().unwrap_or(url);
    Id::of(&[b"page", url.as_bytes()])
}

/// Hash of what a feed says of an item.
pub(super) fn said(article: &Article) -> Id {
    Id::of(&[article.title.as_bytes(), article.text.as_bytes()])
}

/// Whether the item's page is to be read.
pub(super) fn wants_page(article: &Article, full_text: FullText) -> bool {
    let web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    article.url.as_deref().is_some_and(web)
        && match full_text {
            FullText::Never => false,
            FullText::Teasers => is_teaser(&article.text),
            FullText::Always => true,
        }
}

fn is_teaser(text: &str) -> bool {
    if text.split_whitespace().nth(TEASER_WORDS_MAX).is_none() {
        return true;
    }
    let end = text.char_indices().rev().nth(END_CHARS - 1).map_or(0, |(at, _)| at);
    let end = text.get(end..).unwrap_or(text).to_lowercase();
    BREAKS.iter().any(|mark| end.contains(mark))
}

/// The item with its page's text; what the feed says of it otherwise stands.
pub(super) fn joined(article: Article, page: Page, now: Timestamp) -> Article {
    let Page { title, authors, published, modified, section, language, text, .. } = page;
    let published = article.published.or(published);
    Article {
        title: if article.title.is_empty() { clean::line(&title) } else { article.title },
        text: clean::text(&text).into_owned(),
        published,
        updated: article.updated.or(modified).filter(|updated| Some(*updated) != published),
        language: article.language.or_else(|| language.as_deref().and_then(primary_language)),
        authors: if article.authors.is_empty() {
            authors.iter().map(|name| clean::line(name)).collect()
        } else {
            article.authors
        },
        section: article.section.or(section),
        seen_at: now,
        text_from: TextFrom::Page,
        ..article
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn article(text: &str) -> Article {
        Article {
            url: Some("https://paper.example/a".to_owned()),
            text: text.to_owned(),
            ..Article::default()
        }
    }

    #[test]
    fn a_short_or_broken_text_is_a_teaser() {
        let long = "A word ".repeat(TEASER_WORDS_MAX);
        for (text, expected) in [
            (String::new(), true),
            ("The mayor resigned.".to_owned(), true),
            (long.clone(), false),
            (format!("{long} and then […]"), true),
            (format!("{long} Continue reading"), true),
        ] {
            assert_eq!(wants_page(&article(&text), FullText::Teasers), expected, "{text}");
        }
        assert!(wants_page(&article(&long), FullText::Always));
        assert!(!wants_page(&article(""), FullText::Never));
        assert!(!wants_page(&Article::default(), FullText::Always));
    }

    #[test]
    fn what_is_remembered_is_read_back() {
        let key = (feed_of("https://paper.example/feed"), item_of("https://paper.example/a#top"));
        let waiting = Waiting {
            article: article("Short"),
            until: Timestamp::from_second(7).unwrap(),
            told: true,
            tries: 0,
        };
        let item = Item {
            said: said(&article("Short")),
            etag: Some("\"1\"".into()),
            last_modified: None,
            waiting: Some(Box::new(waiting)),
            listed: Timestamp::default(),
        };
        let Checkpoint { key: name, state } = item.checkpoint(key);
        let mut known = Known::default();
        known.learn(&name, state.to_string().as_bytes());
        known.learn("file /x", b"{}");
        assert_eq!(known.0, BTreeMap::from([(key, item)]));
        assert_eq!(gone(key), Checkpoint { key: name, state: Value::Null });
    }

    #[test]
    fn the_feeds_own_words_stand() {
        let of_feed = Article {
            title: "Of the feed".to_owned(),
            authors: vec!["Ann Lee".to_owned()],
            ..article("Short")
        };
        let page = Page {
            title: "Of the page".to_owned(),
            authors: vec!["Bo Ek".to_owned()],
            text: "Long".to_owned(),
            language: Some("de-AT".to_owned()),
            ..Page::default()
        };
        let whole = joined(of_feed, page, Timestamp::from_second(9).unwrap());
        assert_eq!(
            (whole.title.as_str(), whole.text.as_str(), whole.authors),
            ("Of the feed", "Long", vec!["Ann Lee".to_owned()])
        );
        assert_eq!(
            (whole.language.as_deref(), whole.text_from, whole.seen_at.as_second()),
            (Some("de"), TextFrom::Page, 9)
        );
    }
}
