//! What a page's head says: meta tags, its title, JSON-LD.

use std::collections::BTreeMap;

use dom_query::Document;
use jiff::Timestamp;

use crate::source::{
    clean, date,
    schema::{self, Stated},
};

/// Scripts of JSON-LD that are read, and bytes of one.
const SCRIPTS_MAX: usize = 30;
const SCRIPT_BYTES_MAX: usize = 2 << 20;

/// Meta tags that say when a page was last changed.
const MODIFIED: [&str; 8] = [
    "article:modified_time",
    "og:updated_time",
    "datemodified",
    "og:modified_time",
    "dcterms.modified",
    "dc.date.modified",
    "last-modified",
    "lastmod",
];

/// A page's head.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// The first of each name, in lower case.
    metas: BTreeMap<String, String>,
    /// Articles that JSON-LD states.
    pub(super) stated: Vec<Stated>,
    /// `<title>`.
    pub(super) title: String,
    lang: Option<String>,
    pub(super) canonical: Option<String>,
}

impl Head {
    pub(super) fn of(document: &Document, base: Option<&str>) -> Self {
        let mut metas = BTreeMap::new();
        for meta in &document.select("meta") {
            let name = ["property", "name", "itemprop", "http-equiv"].iter().find_map(|name| meta.attr(name));
            let content = meta.attr("content").or_else(|| meta.attr("datetime"));
            if let (Some(name), Some(content)) = (name, content) {
                let name = name.trim().to_ascii_lowercase();
                if !name.is_empty() && !content.trim().is_empty() {
                    metas.entry(name).or_insert_with(|| clean::html_line(&content));
                }
            }
        }
        let scripts = document.select("script[type='application/ld+json']");
        let stated: Vec<Stated> =
            scripts.iter().take(SCRIPTS_MAX).flat_map(|script| read_script(&script.text())).collect();
        let canonical = document.select("link[rel=canonical]").attr("href").map(|href| href.to_string());
        let canonical =
            canonical.filter(|href| !href.trim().is_empty()).or_else(|| metas.get("og:url").cloned());
        // what JSON-LD says of another page, such as a teaser on this one, is not about this one
        let own = |stated: &Stated| {
            stated.url.as_deref().is_some_and(|url| is_same(url, base, canonical.as_deref()))
        };
        let stated = match stated.iter().position(own) {
            Some(at) if stated.len() > 1 => stated.into_iter().skip(at).take(1).collect(),
            _ => stated,
        };
        Self {
            metas,
            stated,
            title: clean::line(&document.select_single("title").text()),
            lang: document.select_single("html").attr("lang").map(|lang| lang.to_string()),
            canonical,
        }
    }

    pub(super) fn meta(&self, name: &str) -> Option<&str> {
        self.metas.get(name).map(String::as_str)
    }

    /// The first word of JSON-LD on something.
    pub(super) fn said<T>(&self, of: impl Fn(&Stated) -> Option<T>) -> Option<T> {
        self.stated.iter().find_map(of)
    }

    pub(super) fn site(&self) -> Option<String> {
        let named = self.meta("og:site_name").or_else(|| self.meta("application-name")).map(str::to_owned);
        named.or_else(|| self.said(|stated| stated.publisher.clone())).map(|site| clean::line(&site))
    }

    pub(super) fn language(&self) -> Option<String> {
        let said = self.lang.clone().or_else(|| self.said(|stated| stated.language.clone()));
        let said = said
            .or_else(|| self.meta("content-language").or_else(|| self.meta("og:locale")).map(str::to_owned));
        said.map(|tag| clean::line(&tag.replace('_', "-"))).filter(|tag| !tag.is_empty())
    }

    pub(super) fn section(&self) -> Option<String> {
        let said = self.said(|stated| stated.section.clone());
        said.or_else(|| self.meta("article:section").map(str::to_owned))
            .map(|section| clean::html_line(&section))
    }

    pub(super) fn paid(&self) -> bool {
        self.stated.iter().any(|stated| stated.paid) || self.meta("article:content_tier") == Some("locked")
    }

    pub(super) fn modified(&self) -> Option<Timestamp> {
        let said = self.said(Stated::modified_at);
        said.or_else(|| MODIFIED.iter().find_map(|name| date::parse(self.meta(name)?)))
    }
}

fn is_same(url: &str, base: Option<&str>, canonical: Option<&str>) -> bool {
    let path = |url: &str| url.split(['#', '?']).next().unwrap_or_default().trim_end_matches('/').to_owned();
    [base, canonical].into_iter().flatten().any(|known| path(known) == path(url))
}

/// Many sites write line breaks into their strings, and comments around them.
fn read_script(text: &str) -> Vec<Stated> {
    if text.len() > SCRIPT_BYTES_MAX {
        return Vec::new();
    }
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.trim().trim_start_matches("<!--").trim_end_matches("-->").trim().trim_end_matches(';');
    serde_json::from_str(text).map(|value| schema::articles(&value)).unwrap_or_default()
}

/// Letters and digits alone, in lower case: what is left of two writings of the same title.
pub(super) fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The name in a host: `paper` of `www.paper.example`.
pub(super) fn host_name(address: &str) -> String {
    let host =
        address.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    host.trim_start_matches("www.").split('.').next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(html: &str) -> Head {
        Head::of(&Document::from(html), Some("https://paper.example/a?b"))
    }

    #[test]
    fn what_is_said_of_this_page_counts() {
        let two = r#"<script type="application/ld+json">[{"@type":"Article","url":"/x","headline":"Other"},
            {"@type":"Article","url":"https://paper.example/a","headline":"Th
            is"}]</script>"#;
        let head = head(two);
        assert_eq!(head.said(|stated| stated.headline.clone()).as_deref(), Some("Th             is"));
    }

    #[test]
    fn metas_and_language() {
        let head = head(
            "<html lang=en_GB><meta property='OG:site_name' content='Post &amp; Co'><meta name=x content=''>",
        );
        assert_eq!((head.site().as_deref(), head.language().as_deref()), (Some("Post & Co"), Some("en-GB")));
        assert_eq!(head.meta("x"), None);
    }

    #[test]
    fn a_host_has_a_name() {
        assert_eq!(host_name("https://www.paper.example/a"), "paper");
        assert_eq!(host_name("x"), "");
    }
}
