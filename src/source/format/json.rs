//! Articles as JSON: `{"id"?, "url"?, "title", "text", "published"?, "source"?, "language"?, "authors"?}`.

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};
use serde_json::Value;

use crate::{
    article::Article,
    source::{clean, date, net, parse::primary_language},
};

/// Authors of one article that are kept.
const AUTHORS_MAX: usize = 50;

/// Longest id and address, in bytes.
const NAME_BYTES_MAX: usize = 4096;

/// What is wrong with one object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: String,
    pub(super) input_id: Option<String>,
}

impl Fault {
    fn of(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), input_id: None }
    }
}

#[derive(Debug, Deserialize)]
struct Written<'a> {
    #[serde(default)]
    id: Option<Scalar>,
    #[serde(default, borrow)]
    url: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    title: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(default)]
    published: Option<Scalar>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    authors: Option<Names>,
}

/// A string, or a number as it is written.
#[derive(Debug)]
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string or a number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar(text.to_owned()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }
}

/// One name, or a list of them.
#[derive(Debug)]
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a name or a list of names")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Names, E> {
        Ok(Names(vec![text.to_owned()]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut values: A) -> Result<Names, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = values.next_element::<String>()? {
            if names.len() < AUTHORS_MAX {
                names.push(name);
            }
        }
        Ok(Names(names))
    }
}

/// Reads one object.
pub(super) fn article(bytes: &[u8]) -> Result<Article, Fault> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        // JSON is UTF-8; a stray byte costs a letter, not the article
        Err(_) => String::from_utf8_lossy(bytes),
    };
    if !text.starts_with('{') {
        return Err(Fault::of("it is no JSON object: it does not begin with {"));
    }
    match serde_json::from_str::<Written<'_>>(&text) {
        Ok(written) => read(written),
        Err(error) => Err(Fault { reason: reason(&error), input_id: id_of(&text) }),
    }
}

fn reason(error: &serde_json::Error) -> String {
    let text = clean::line(&error.to_string());
    let text = text.split(" at line ").next().unwrap_or_default();
    let problem = if error.is_data() { "the object does not fit" } else { "it is not sound JSON" };
    format!("{problem}: {text}, at column {}", error.column())
}

/// The id of an object that is sound JSON but no article.
fn id_of(text: &str) -> Option<String> {
    match serde_json::from_str::<Value>(text).ok()?.get("id")? {
        Value::String(id) => Some(bounded(id)),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn bounded(text: &str) -> String {
    let line = clean::line(text);
    let end = line.char_indices().map(|(at, _)| at).take_while(|at| *at <= NAME_BYTES_MAX).last();
    if line.len() <= NAME_BYTES_MAX { line } else { line.get(..end.unwrap_or(0)).unwrap_or("").to_owned() }
}

fn read(written: Written<'_>) -> Result<Article, Fault> {
    let input_id = written.id.map(|id| bounded(&id.0)).filter(|id| !id.is_empty());
    let title = clean::line(written.title.as_deref().unwrap_or_default());
    let text = clean::text(written.text.as_deref().unwrap_or_default());
    if title.is_empty() && text.trim().is_empty() {
        return Err(Fault { reason: "there is neither a title nor a text in it".to_owned(), input_id });
    }
    let url = written.url.map(|url| bounded(&url)).filter(|url| {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme).unwrap_or_default();
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    });
    let source = written.source.map(|source| clean::line(&source)).filter(|source| !source.is_empty());
    let authors = written.authors.map(|names| names.0).unwrap_or_default();
    Ok(Article {
        input_id,
        outlet: source.or_else(|| url.as_deref().map(net::outlet_of)).unwrap_or_default(),
        url,
        title,
        text: text.into_owned(),
        published: written.published.and_then(|published| date::parse(&published.0)),
        language: written.language.as_deref().and_then(primary_language),
        authors: authors.iter().map(|name| clean::line(name)).filter(|name| !name.is_empty()).collect(),
        ..Article::default()
    })
}

/// Reads a document of one object or a list of objects.
pub(super) fn document(bytes: &[u8]) -> Result<Vec<Result<Article, Fault>>, Fault> {
    let text = super::charset::decode(bytes, None);
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        let at = format!("line {}", error.line());
        Fault::of(format!("{} of {at}", reason(&error)))
    })?;
    let one = |value: &Value| article(value.to_string().as_bytes());
    match &value {
        Value::Array(values) if values.is_empty() => Err(Fault::of("the list is empty")),
        Value::Array(values) => Ok(values.iter().map(one).collect()),
        Value::Object(_) => Ok(vec![one(&value)]),
        _ => Err(Fault::of("the document is neither an object nor a list of objects")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: &Article) {
        assert_eq!(article(raw.as_bytes()).as_ref(), Ok(expected), "{raw}");
    }

    fn refused(raw: &str, expected: &str, id: Option<&str>) {
        let fault = article(raw.as_bytes()).unwrap_err();
        assert!(fault.reason.contains(expected), "{fault:?}");
        assert_eq!(fault.input_id.as_deref(), id);
    }

    fn titled(title: &str) -> Article {
        Article { title: title.to_owned(), ..Article::default() }
    }

    #[test]
    fn all_fields() {
        check(
            r#"{"id":7,"url":"https://www.a.example/x","title":" A  dam\n","text":"One.\n\nTwo.","published":"2017-03-02","language":"en-US","authors":["Ann Lee"],"more":{}}"#,
            &Article {
                input_id: Some("7".to_owned()),
                url: Some("https://www.a.example/x".to_owned()),
                text: "One.\n\nTwo.".to_owned(),
                published: "2017-03-02T00:00:00Z".parse().ok(),
                outlet: "a.example".to_owned(),
                language: Some("en".to_owned()),
                authors: vec!["Ann Lee".to_owned()],
                ..titled("A dam")
            },
        );
    }

    #[test]
    fn a_headline_is_enough() {
        check(r#"{"title":"A dam","url":null,"published":"soon"}"#, &titled("A dam"));
    }

    #[test]
    fn the_stated_source_is_the_outlet() {
        check(
            r#"{"title":"x","source":"Wire","authors":"A"}"#,
            &Article { outlet: "Wire".to_owned(), authors: vec!["A".to_owned()], ..titled("x") },
        );
    }

    #[test]
    fn what_is_wrong_is_told() {
        refused("{\"title\":", "not sound JSON", None);
        refused(r#"{"id":"a"}"#, "neither a title nor a text", Some("a"));
        refused(r#"{"id":"a","title":5}"#, "does not fit", Some("a"));
        refused("[1]", "no JSON object", None);
    }
}
