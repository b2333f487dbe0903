//! What schema.org's vocabulary says of an article: in JSON files, and in the JSON-LD of web pages.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{clean, date};

/// Objects may stand in each other so deep.
const DEPTH_MAX: usize = 8;

/// People named for one article.
const NAMES_MAX: usize = 50;

/// An article as it is stated.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Stated {
    pub(super) headline: Option<String>,
    pub(super) body: Option<String>,
    pub(super) published: Option<String>,
    pub(super) modified: Option<String>,
    pub(super) authors: Vec<String>,
    pub(super) publisher: Option<String>,
    pub(super) language: Option<String>,
    pub(super) url: Option<String>,
    pub(super) section: Option<String>,
    /// Whether it is only for those who pay.
    pub(super) paid: bool,
}

impl Stated {
    pub(super) fn published_at(&self) -> Option<Timestamp> {
        self.published.as_deref().and_then(date::parse)
    }

    pub(super) fn modified_at(&self) -> Option<Timestamp> {
        self.modified.as_deref().and_then(date::parse)
    }
}

/// Whether an object says that it is an article.
pub(super) fn is_article(object: &Map<String, Value>) -> bool {
    let named = |name: &str| {
        let name = name.rsplit(['/', ':']).next().unwrap_or_default();
        name.ends_with("Article")
            || matches!(name, "BlogPosting" | "LiveBlogPosting" | "Report" | "SocialMediaPosting")
    };
    match object.get("@type") {
        Some(Value::String(name)) => named(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(named),
        _ => false,
    }
}

/// The articles that a value holds, at its top, in `@graph` or in lists.
pub(super) fn articles(value: &Value) -> Vec<Stated> {
    let mut found = Vec::new();
    collect(value, value, 0, &mut found);
    found
}

fn collect(value: &Value, document: &Value, depth: usize, found: &mut Vec<Stated>) {
    if depth > DEPTH_MAX {
        return;
    }
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, document, depth + 1, found)),
        Value::Object(object) if is_article(object) => found.push(read(object, document)),
        Value::Object(object) => {
            for key in ["@graph", "mainEntity", "mainEntityOfPage", "itemListElement", "item"] {
                if let Some(inner) = object.get(key) {
                    collect(inner, document, depth + 1, found);
                }
            }
        }
        _ => {}
    }
}

/// One article; `document` is where it may refer to.
pub(super) fn read(object: &Map<String, Value>, document: &Value) -> Stated {
    let words = |keys: &[&str]| keys.iter().find_map(|key| word(object.get(*key)?));
    let mut authors = Vec::new();
    for key in ["author", "creator", "authors"] {
        if authors.is_empty()
            && let Some(value) = object.get(key)
        {
            names(value, document, 0, &mut authors);
        }
    }
    let mut publishers = Vec::new();
    for key in ["publisher", "sourceOrganization", "provider"] {
        if let Some(value) = object.get(key) {
            names(value, document, 0, &mut publishers);
        }
    }
    let url = object.get("url").or_else(|| object.get("mainEntityOfPage")).or_else(|| object.get("@id"));
    let url =
        url.and_then(|url| word(url).or_else(|| word(url.get("@id")?)).or_else(|| word(url.get("url")?)));
    Stated {
        headline: words(&["headline", "name", "alternativeHeadline"]),
        body: words(&["articleBody", "text"]),
        published: words(&["datePublished", "dateCreated", "uploadDate"]),
        modified: words(&["dateModified"]),
        authors,
        publisher: publishers.into_iter().next(),
        language: words(&["inLanguage"]),
        url,
        section: words(&["articleSection"]),
        paid: matches!(object.get("isAccessibleForFree"), Some(Value::Bool(false)))
            || words(&["isAccessibleForFree"]).is_some_and(|free| free.eq_ignore_ascii_case("false")),
    }
}

/// A text, also where it is written as an object with a value, or as the first of a list.
fn word(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => return values.iter().find_map(word),
        Value::Object(object) => {
            let inner = ["@value", "value", "name", "alternateName"]
                .iter()
                .find_map(|key| object.get(*key)?.as_str());
            inner?.to_owned()
        }
        _ => return None,
    };
    Some(text).filter(|text| !text.trim().is_empty())
}

fn names(value: &Value, document: &Value, depth: usize, out: &mut Vec<String>) {
    if depth > DEPTH_MAX || out.len() >= NAMES_MAX {
        return;
    }
    match value {
        Value::String(name) if !name.contains("://") => out.push(clean::html_line(name)),
        Value::Array(values) => values.iter().for_each(|value| names(value, document, depth + 1, out)),
        Value::Object(object) => match (object.get("name"), object.get("@id").and_then(Value::as_str)) {
            (Some(name), _) => names(name, document, depth + 1, out),
            (None, Some(id)) => {
                if let Some(meant) = by_id(document, id, 0) {
                    names(meant, document, depth + 1, out);
                }
            }
            (None, None) => {}
        },
        _ => {}
    }
    out.retain(|name| !name.is_empty());
}

/// What an id of the same document stands for, by name.
fn by_id<'a>(value: &'a Value, id: &str, depth: usize) -> Option<&'a Value> {
    match value {
        Value::Array(values) => values.iter().find_map(|value| by_id(value, id, depth + 1)),
        Value::Object(object) if object.get("@id").and_then(Value::as_str) == Some(id) => object.get("name"),
        Value::Object(object) if depth < DEPTH_MAX => by_id(object.get("@graph")?, id, depth + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_article_in_a_graph() {
        let stated = articles(&json!({"@graph": [
            {"@type": "Person", "@id": "#ann", "name": "Ann Lee"},
            {"@type": ["Thing", "NewsArticle"], "headline": "Crane falls", "author": [{"@id": "#ann"}, {"name": "Bo Ek"}],
             "datePublished": "2024-05-06", "publisher": {"name": "Post"}, "isAccessibleForFree": "False"}]}));
        let [stated] = stated.as_slice() else { panic!("{stated:?}") };
        assert_eq!(stated.headline.as_deref(), Some("Crane falls"));
        assert_eq!(stated.authors, ["Ann Lee", "Bo Ek"]);
        assert_eq!((stated.publisher.as_deref(), stated.paid), (Some("Post"), true));
        assert_eq!(stated.published_at(), "2024-05-06T00:00:00Z".parse().ok());
    }

    #[test]
    fn what_refers_to_itself_ends() {
        let looped = json!({"@graph": [{"@type": "Article", "author": {"@id": "#a"}}, {"@id": "#a", "name": {"@id": "#a"}}]});
        assert_eq!(articles(&looped).len(), 1);
    }

    #[test]
    fn other_things_are_no_articles() {
        assert!(articles(&json!({"@type": "WebPage", "name": "x"})).is_empty());
    }
}
