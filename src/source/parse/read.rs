//! From the parser's model to what the house says of a feed. Pure.

use std::collections::BTreeSet;

use feed_rs::model;
use jiff::Timestamp;

use url::Url;

use super::{ENTRIES_MAX, Entry, Feed, draft::LANGUAGE_SCHEME};
use crate::{article::Id, source::clean};

/// Reads the parser's model. Addresses in texts that are not resolved yet begin at `base`, where the feed was got.
pub(super) fn feed(raw: model::Feed, base: Option<&Url>) -> Feed {
    let line = |text: Option<model::Text>| text.map(|text| one_line(&text)).filter(|line| !line.is_empty());
    let language =
        raw.language.map(|language| clean::line(&language)).filter(|language| !language.is_empty());
    let mut seen = BTreeSet::new();
    let entries = raw.entries.into_iter().take(ENTRIES_MAX).map(|raw| entry(raw, base));
    Feed {
        link: link(&raw.links),
        title: line(raw.title),
        description: line(raw.description),
        language,
        updated: time(raw.updated.or(raw.published).map(|at| at.timestamp())),
        entries: entries.filter_map(|entry| distinct(entry, &mut seen)).collect(),
        ..Feed::default()
    }
}

/// An entry whose id another one has goes by its address, else by its words; one that says the same again is dropped.
fn distinct(mut entry: Entry, seen: &mut BTreeSet<String>) -> Option<Entry> {
    let words = hash_of(entry.title.as_deref().unwrap_or_default(), &entry.text);
    if !seen.insert(entry.id.clone()) {
        entry.id = entry.url.clone().filter(|url| !seen.contains(url)).unwrap_or_else(|| words.clone());
        if !seen.insert(entry.id.clone()) {
            return None;
        }
    }
    seen.insert(words);
    Some(entry)
}

fn hash_of(title: &str, text: &str) -> String {
    Id::of(&[b"title", title.as_bytes(), text.as_bytes()]).to_string()
}

fn is_html(kind: &str) -> bool {
    kind != "text/plain"
}

fn one_line(text: &model::Text) -> String {
    if is_html(text.content_type.as_str()) {
        clean::html_line(&text.content)
    } else {
        clean::line(&text.content)
    }
}

fn time(secs: Option<i64>) -> Option<Timestamp> {
    secs.and_then(|secs| Timestamp::from_second(secs).ok())
}

fn entry(raw: model::Entry, base: Option<&Url>) -> Entry {
    let title = raw.title.map(|title| one_line(&title)).unwrap_or_default();
    let url = link(&raw.links);
    let summary = raw.summary.map(|text| (text.content, is_html(text.content_type.as_str())));
    let content =
        raw.content.and_then(|content| Some((content.body?, is_html(content.content_type.as_str()))));
    let words = |body: Option<&(String, bool)>| {
        let (body, html) = body?;
        let text = if *html { clean::html(body) } else { clean::text(body).trim().to_owned() };
        Some(text).filter(|text| !text.is_empty())
    };
    let (summary_text, content_text) = (words(summary.as_ref()), words(content.as_ref()));
    // what is written as content can be shorter than what is written as its summary
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let longer = if length(&content_text) >= length(&summary_text) { content_text } else { summary_text };
    let text = longer.unwrap_or_default();
    let id = Some(clean::line(&raw.id)).filter(|id| !id.is_empty()).or_else(|| url.clone());
    let id = id.unwrap_or_else(|| hash_of(&title, &text));
    let shown = |body: Option<(String, bool)>| {
        let shown = body.map(|(body, html)| if html { clean::sound_html(&body, base) } else { body });
        shown.filter(|text| !text.trim().is_empty())
    };
    let is_language = |category: &model::Category| category.scheme.as_deref() == Some(LANGUAGE_SCHEME);
    let (language, categories): (Vec<_>, Vec<_>) = raw.categories.into_iter().partition(is_language);
    let enclosures = raw.links.iter().filter(|link| link.rel.as_deref() == Some("enclosure"));
    let enclosures = enclosures.map(|link| link.href.clone()).collect();
    Entry {
        id,
        url,
        title: Some(title).filter(|title| !title.is_empty()),
        published: time(raw.published.map(|at| at.timestamp())),
        updated: time(raw.updated.map(|at| at.timestamp())),
        authors: raw.authors.into_iter().filter_map(author).collect(),
        summary: shown(summary),
        content: shown(content),
        categories: categories.into_iter().map(|category| clean::line(&category.term)).collect(),
        enclosures,
        language: language.into_iter().next().map(|language| language.term),
        text,
    }
}

fn author(person: model::Person) -> Option<String> {
    let line = |text: Option<String>| text.map(|text| clean::line(&text)).filter(|text| !text.is_empty());
    match (line(person.name), line(person.email)) {
        (Some(name), Some(mail)) if name != mail => Some(format!("{name} ({mail})")),
        (name, mail) => name.or(mail),
    }
}

/// The address that people read.
fn link(links: &[model::Link]) -> Option<String> {
    links.iter().find(|link| link.rel.as_deref() == Some("alternate")).map(|link| link.href.clone())
}
