//! Sitemaps: the reports that one names, and the sitemaps that an index names (sitemaps.org, and Google's news
//! extension, which gives titles). Pure.

use jiff::Timestamp;
use url::Url;

use super::{
    ENTRIES_MAX, Entry, Feed, Map,
    entity::{self, Own},
    repair::address,
    scan::{Scanner, Tag, Token},
};
use crate::source::{clean, date};

/// Sitemaps of one index that are looked at.
const MAPS_MAX: usize = 50_000;

/// Prefixes of extensions that name other things than the report: its pictures, its translations.
const ASIDE: [&str; 6] = ["image", "video", "xhtml", "mobile", "pagemap", "geo"];

/// Whether this is the root of a sitemap or of an index of them.
pub(super) fn is_root(local: &str) -> bool {
    local.eq_ignore_ascii_case("urlset") || local.eq_ignore_ascii_case("sitemapindex")
}

/// Reads a document from its root element on.
pub(super) fn read(text: &str, base: Option<&Url>) -> Feed {
    let own = Own::read("");
    let mut feed = Feed { format: "sitemap", ..Feed::default() };
    let mut one: Option<One> = None;
    let mut name = String::new();
    let mut said = String::new();
    for token in Scanner::new(text) {
        match token {
            Token::Start(tag) => {
                said.clear();
                name = name_of(&tag);
                match name.as_str() {
                    "url" => one = Some(One::default()),
                    "sitemap" => one = Some(One { map: true, ..One::default() }),
                    _ => {}
                }
            }
            Token::Text(raw) => said.push_str(&entity::plain(raw, &own)),
            Token::Literal(raw) => said.push_str(raw),
            Token::End(end) => {
                let local = end.rsplit(':').next().unwrap_or_default();
                if let Some(one) = one.as_mut().filter(|_| name.ends_with(&local.to_ascii_lowercase())) {
                    one.take(&name, &clean::line(&said));
                }
                if matches!(local, "url" | "sitemap")
                    && let Some(done) = one.take()
                {
                    done.push(&mut feed, base);
                }
                name.clear();
                said.clear();
            }
        }
        if feed.entries.len() >= ENTRIES_MAX || feed.maps.len() >= MAPS_MAX {
            break;
        }
    }
    feed
}

/// A tag's name: of the news extension with `news:`, of what is not looked at empty.
fn name_of(tag: &Tag<'_>) -> String {
    let local = tag.local().to_ascii_lowercase();
    match tag.name.split_once(':') {
        Some((prefix, _)) if ASIDE.contains(&prefix) => String::new(),
        Some((prefix, _)) if prefix.starts_with('n') && prefix != "ns" => format!("news:{local}"),
        _ => local,
    }
}

/// One `url` or `sitemap`.
#[derive(Default)]
struct One {
    map: bool,
    at: Option<String>,
    changed: Option<Timestamp>,
    title: Option<String>,
    published: Option<Timestamp>,
    language: Option<String>,
    keywords: Vec<String>,
}

impl One {
    fn take(&mut self, name: &str, said: &str) {
        if said.is_empty() {
            return;
        }
        match name {
            "loc" => self.at = Some(said.to_owned()),
            "lastmod" => self.changed = date::parse(said),
            "news:title" => self.title = Some(clean::html_line(said)).filter(|title| !title.is_empty()),
            "news:publication_date" => self.published = date::parse(said),
            "news:language" => self.language = Some(said.to_owned()),
            "news:keywords" => {
                let words = said.split(',').map(str::trim).filter(|word| !word.is_empty());
                self.keywords = words.take(50).map(str::to_owned).collect();
            }
            _ => {}
        }
    }

    fn push(self, feed: &mut Feed, base: Option<&Url>) {
        let Some(url) = self.at.and_then(|at| address(&at, base)).map(String::from) else { return };
        if self.map {
            feed.maps.push(Map { url, changed: self.changed });
            return;
        }
        feed.entries.push(Entry {
            id: url.clone(),
            url: Some(url),
            title: self.title,
            published: self.published,
            updated: self.changed,
            categories: self.keywords,
            language: self.language,
            ..Entry::default()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWS: &str = "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' \
        xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'>\
        <url><loc>https://paper.example/a?x=1&amp;y=2</loc><news:news><news:publication><news:name>Paper</news:name>\
        <news:language>en</news:language></news:publication>\
        <news:publication_date>2026-03-02T08:00:00+01:00</news:publication_date>\
        <news:title><![CDATA[Dam & bridge]]></news:title><news:keywords>dam, flood</news:keywords></news:news>\
        <image:image><image:loc>https://paper.example/p.jpg</image:loc></image:image></url>\
        <url><loc>/b</loc><lastmod>2026-03-01</lastmod></url></urlset>";

    #[test]
    fn reports_are_read() {
        let feed = read(NEWS, "https://paper.example/news.xml".parse().ok().as_ref());
        let [first, second] = feed.entries.as_slice() else { panic!("{feed:?}") };
        assert_eq!(first.url.as_deref(), Some("https://paper.example/a?x=1&y=2"));
        assert_eq!(first.title.as_deref(), Some("Dam & bridge"));
        assert_eq!(first.published, "2026-03-02T07:00:00Z".parse().ok());
        assert_eq!((first.language.as_deref(), first.categories.len()), (Some("en"), 2));
        assert_eq!((second.url.as_deref(), &second.title), (Some("https://paper.example/b"), &None));
        assert_eq!(second.updated, "2026-03-01T00:00:00Z".parse().ok());
    }

    #[test]
    fn an_index_names_sitemaps() {
        let index = "<sitemapindex><sitemap><loc>https://paper.example/1.xml</loc>\
            <lastmod>2026-03-01</lastmod></sitemap><sitemap><loc>ftp://x/</loc></sitemap><sitemap><loc>http://a.example/2";
        let feed = read(index, None);
        let expected = Map {
            url: "https://paper.example/1.xml".to_owned(),
            changed: "2026-03-01T00:00:00Z".parse().ok(),
        };
        assert_eq!((feed.maps, feed.entries.len()), (vec![expected], 0));
    }
}
