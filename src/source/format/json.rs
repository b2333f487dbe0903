//! Articles as JSON: the house's own `{"id"?, "url"?, "title", "text", "published"?, "source"?, "language"?, "authors"?}`,
//! and those of news-please, Media Cloud, CC-News, schema.org and ninjs, told by their members.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    draft::{AUTHORS_MAX, Draft, Fault, Piece, bounded, byline},
    ninjs,
};
use crate::source::{clean, date, net, parse::charset, schema};

/// Articles of one document that are read.
const ARTICLES_MAX: usize = 100_000;

/// By which members each field goes, in the order of trust: the house's own name first.
const ID: &[&str] =
    &["id", "_id", "guid", "uuid", "article_id", "articleId", "stories_id", "story_id", "uri"];
const URL: &[&str] =
    &["url", "link", "canonical_url", "article_url", "web_url", "webUrl", "permalink", "href"];
const TITLE: &[&str] = &["title", "headline", "title_page", "title_rss", "webTitle", "heading", "name"];
const TEXT: &[&str] = &[
    "text",
    "maintext",
    "story_text",
    "article_text",
    "articleBody",
    "full_text",
    "fulltext",
    "body",
    "body_text",
    "content_text",
    "plain_text",
    "cleaned_text",
    "content",
    "content_html",
    "article",
    "main_text",
    "description",
    "summary",
    "abstract",
];
const PUBLISHED: &[&str] = &[
    "published",
    "date_publish",
    "publish_date",
    "published_at",
    "publishedAt",
    "date_published",
    "datePublished",
    "published_date",
    "publication_date",
    "pub_date",
    "pubDate",
    "webPublicationDate",
    "first_publication_date",
    "date",
    "timestamp",
    "created_at",
    "datetime",
    "time",
];
const UPDATED: &[&str] = &[
    "updated",
    "date_modify",
    "modified",
    "dateModified",
    "updated_at",
    "updatedAt",
    "last_modified",
    "date_modified",
];
const SOURCE: &[&str] = &[
    "source",
    "outlet",
    "media_name",
    "source_name",
    "publisher",
    "site_name",
    "sitename",
    "publication",
    "newspaper",
    "provider",
    "site",
];
const HOST: &[&str] = &["source_domain", "domain", "hostname", "media_url"];
const LANGUAGE: &[&str] = &["language", "lang", "inLanguage", "language_code", "languageCode"];
const AUTHORS: &[&str] = &["authors", "author", "byline", "creator", "by", "writers"];
const SECTION: &[&str] = &["section", "articleSection", "sectionName", "category", "rubric"];

/// Members that may hold a list of articles, where an object is not one itself.
const LISTS: &[&str] =
    &["articles", "results", "stories", "items", "documents", "docs", "data", "response", "hits", "news"];

/// Reads one object: a line of JSON Lines.
pub(super) fn line(bytes: &[u8]) -> Piece {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        // JSON is UTF-8; a stray byte costs a letter, not the article
        Err(_) => String::from_utf8_lossy(bytes),
    };
    if !text.starts_with('{') {
        return Err(Fault::of("it is no JSON object: it does not begin with {"));
    }
    match serde_json::from_str::<Map<String, Value>>(&text) {
        Ok(object) => article(&object),
        Err(error) => Err(Fault::of(reason(&error))),
    }
}

fn reason(error: &serde_json::Error) -> String {
    let text = clean::line(&error.to_string());
    let text = text.split(" at line ").next().unwrap_or_default();
    format!("it is not sound JSON: {text}, at column {}", error.column())
}

/// Reads a document of one object or a list of objects.
pub(super) fn document(bytes: &[u8]) -> Vec<Piece> {
    let text = charset::decode(bytes, None);
    let value: Value = match serde_json::from_str(&text) {
        Ok(value) => value,
        Err(error) => return vec![Err(Fault::of(format!("{} of line {}", reason(&error), error.line())))],
    };
    match &value {
        Value::Array(values) if values.is_empty() => vec![Err(Fault::of("the list is empty"))],
        Value::Array(values) => list(values),
        Value::Object(object) => match listed(object) {
            Some(values) => list(values),
            None => vec![article(object)],
        },
        _ => vec![Err(Fault::of("the document is neither an object nor a list of objects"))],
    }
}

fn list(values: &[Value]) -> Vec<Piece> {
    let one = |(at, value): (usize, &Value)| {
        let piece = value.as_object().map_or_else(|| Err(Fault::of("it is no JSON object")), article);
        piece.map_err(|fault| fault.within(&format!(":{}", at + 1)))
    };
    values.iter().take(ARTICLES_MAX).enumerate().map(one).collect()
}

/// The list that an object is only the wrapping of, such as an answer of a news service.
fn listed(object: &Map<String, Value>) -> Option<&Vec<Value>> {
    if ninjs::is(object)
        || schema::is_article(object)
        || TEXT.iter().any(|key| object.get(*key).is_some_and(Value::is_string))
    {
        return None;
    }
    let direct = LISTS.iter().filter_map(|key| object.get(*key));
    let inner = direct
        .clone()
        .filter_map(Value::as_object)
        .flat_map(|inner| LISTS.iter().filter_map(|key| inner.get(*key)));
    let graph = object.get("@graph").into_iter();
    direct
        .chain(inner)
        .chain(graph)
        .filter_map(Value::as_array)
        .find(|values| values.iter().any(Value::is_object))
}

/// Reads one object in whichever vocabulary it is.
pub(super) fn article(object: &Map<String, Value>) -> Piece {
    if object.contains_key("$schema") && (object.contains_key("properties") || object.contains_key("$id")) {
        return Err(Fault::of("it is a JSON schema, not an article"));
    }
    if ninjs::is(object) {
        return ninjs::article(object);
    }
    let named =
        schema::is_article(object) || object.contains_key("headline") && object.contains_key("articleBody");
    if named && !object.contains_key("text") {
        return of_schema(object);
    }
    let source = said(object, SOURCE).or_else(|| said(object, HOST).map(|host| host_of(&host)));
    let hidden = ["status", "pubstatus", "pub_status"].iter().find_map(|key| object.get(*key)?.as_str());
    Draft {
        id: id_of(object),
        url: said(object, URL),
        title: said(object, TITLE).map(|title| clean::html_line(&title)).unwrap_or_default(),
        text: text(object),
        published: moment(object, PUBLISHED),
        updated: moment(object, UPDATED),
        source,
        language: said(object, LANGUAGE),
        authors: authors(object),
        section: said(object, SECTION),
        embargo: moment(object, &["embargo", "embargoed", "embargo_until"]),
        withdrawn: hidden
            .is_some_and(|status| matches!(status, "withdrawn" | "canceled" | "cancelled" | "retracted")),
        // A text that is there and empty is meant; one that is missing was forgotten.
        headline_only: object.get("text").is_some_and(Value::is_string),
    }
    .finish()
}

fn of_schema(object: &Map<String, Value>) -> Piece {
    let stated = schema::read(object, &Value::Null);
    let (published, updated) = (stated.published_at(), stated.modified_at());
    let text = stated.body.or_else(|| said(object, &["description"])).unwrap_or_default();
    Draft {
        id: said(object, &["identifier", "@id"]),
        url: stated.url,
        title: clean::html_line(&stated.headline.unwrap_or_default()),
        text: if is_markup(&text) { clean::html(&text) } else { text },
        published,
        updated,
        source: stated.publisher,
        language: stated.language,
        authors: stated.authors,
        section: stated.section,
        ..Draft::default()
    }
    .finish()
}

/// The first of these members that says something.
fn said(object: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| scalar(object.get(*key)?))
}

/// A text or number; of an object its name or value.
fn scalar(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Object(object) => {
            let inner = ["name", "rendered", "value", "title", "domain", "code", "$oid", "$date"];
            return inner.iter().find_map(|key| scalar(object.get(*key).filter(|value| !value.is_object())?));
        }
        _ => return None,
    };
    Some(text).filter(|text| !text.trim().is_empty())
}

fn id_of(object: &Map<String, Value>) -> Option<String> {
    said(object, ID).map(|id| bounded(&id))
}

/// The house's own `text` is plain; elsewhere it may be HTML.
fn text(object: &Map<String, Value>) -> String {
    if let Some(Value::String(text)) = object.get("text")
        && !text.trim().is_empty()
    {
        return text.clone();
    }
    let text = said(object, TEXT).unwrap_or_default();
    if is_markup(&text) { clean::html(&text) } else { text }
}

fn is_markup(text: &str) -> bool {
    ["</p>", "<p>", "<br", "</div>", "</a>", "<p "].iter().any(|tag| text.contains(tag))
}

fn moment(object: &Map<String, Value>, keys: &[&str]) -> Option<jiff::Timestamp> {
    keys.iter().find_map(|key| date::parse(&scalar(object.get(*key)?)?))
}

fn host_of(site: &str) -> String {
    let host = if site.contains("://") { net::outlet_of(site) } else { site.to_owned() };
    host.strip_prefix("www.").unwrap_or(&host).to_owned()
}

fn authors(object: &Map<String, Value>) -> Vec<String> {
    let Some((key, value)) = AUTHORS.iter().find_map(|key| {
        let value = object.get(*key)?;
        let said = value.as_array().is_none_or(|list| !list.is_empty()) && !value.is_null();
        said.then_some((*key, value))
    }) else {
        return Vec::new();
    };
    match value {
        Value::Array(list) => list.iter().filter_map(scalar).take(AUTHORS_MAX).collect(),
        // the house's own is one name
        _ if key == "authors" => scalar(value).into_iter().collect(),
        _ => byline(&scalar(value).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::Article;

    fn check(raw: &str, expected: &Article) {
        assert_eq!(line(raw.as_bytes()).as_ref(), Ok(expected), "{raw}");
    }

    fn refused(raw: &str, expected: &str, id: Option<&str>) {
        let fault = line(raw.as_bytes()).unwrap_err();
        assert!(fault.reason.contains(expected), "{fault:?}");
        assert_eq!(fault.input_id.as_deref(), id);
    }

    fn written(title: &str, text: &str) -> Article {
        Article { title: title.to_owned(), text: text.to_owned(), ..Article::default() }
    }

    #[test]
    fn all_fields() {
        check(
            r#"{"id":7,"url":"https://www.a.example/x","title":" A  dam\n","text":"One.\n\nTwo.","published":"2017-03-02","language":"en-US","authors":["Ann Lee"],"more":{}}"#,
            &Article {
                input_id: Some("7".to_owned()),
                url: Some("https://www.a.example/x".to_owned()),
                published: "2017-03-02T00:00:00Z".parse().ok(),
                outlet: "a.example".to_owned(),
                language: Some("en".to_owned()),
                authors: vec!["Ann Lee".to_owned()],
                ..written("A dam", "One.\n\nTwo.")
            },
        );
    }

    #[test]
    fn the_stated_source_is_the_outlet() {
        check(
            r#"{"title":"x","text":"<p>y","source":"Wire","authors":"A, B"}"#,
            &Article { outlet: "Wire".to_owned(), authors: vec!["A, B".to_owned()], ..written("x", "<p>y") },
        );
    }

    #[test]
    fn other_vocabularies() {
        let dated = |article: Article| Article { published: "2017-03-02T15:04:05Z".parse().ok(), ..article };
        check(
            r#"{"title":"x","maintext":"y","date_publish":"2017-03-02 15:04:05","authors":[],"source_domain":"www.a.example","description":"z"}"#,
            &dated(Article { outlet: "a.example".to_owned(), ..written("x", "y") }),
        );
        check(
            r#"{"stories_id":3,"title":"x","publish_date":"2017-03-02 15:04:05","media_name":"Post","story_text":"y"}"#,
            &dated(Article {
                outlet: "Post".to_owned(),
                input_id: Some("3".to_owned()),
                ..written("x", "y")
            }),
        );
        check(
            r#"{"@type":"NewsArticle","headline":"x","articleBody":"y","datePublished":"2017-03-02T15:04:05Z","author":{"name":"A"},"publisher":{"name":"Post"}}"#,
            &dated(Article { outlet: "Post".to_owned(), authors: vec!["A".to_owned()], ..written("x", "y") }),
        );
    }

    #[test]
    fn a_document_of_many() {
        let pieces =
            document(br#"{"status":"ok","articles":[{"title":"a","content":"<p>b</p>"},{"title":"c"},5]}"#);
        assert_eq!(pieces[0].as_ref().unwrap().text, "b");
        assert_eq!((pieces[1].as_ref().unwrap_err().place.as_str(), pieces.len()), (":2", 3));
    }

    #[test]
    fn what_is_wrong_is_told() {
        refused("{\"title\":", "not sound JSON", None);
        refused(r#"{"id":"a"}"#, "neither a title nor a text", Some("a"));
        refused(r#"{"id":"a","title":"b"}"#, "only a title", Some("a"));
        refused("[1]", "no JSON object", None);
        refused(r#"{"$schema":"x","properties":{},"title":"t","description":"d"}"#, "JSON schema", None);
    }

    #[test]
    fn depth_has_a_bound() {
        let deep = "[".repeat(100_000);
        assert!(document(deep.as_bytes())[0].as_ref().unwrap_err().reason.contains("recursion"));
    }
}
