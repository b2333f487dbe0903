//! JSON Feeds, also careless ones, as drafts. Pure.

use serde_json::{Deserializer, Map, Value};
use url::Url;

use super::{
    ENTRIES_MAX,
    draft::{Draft, Person, Words},
    entity::Own,
    repair::{Repaired, Unfit, address},
};
use crate::source::date;

/// Makes a JSON Feed fit for the parser.
pub(super) fn repair(text: &str, base: Option<&Url>) -> Result<Repaired, Unfit> {
    let feed = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(feed)) => feed,
        Ok(_) => return Err(Unfit::NoFeed),
        Err(error) => salvage(text).ok_or_else(|| Unfit::Json(error.to_string()))?,
    };
    let named = feed.get("version").and_then(Value::as_str).is_some_and(|name| name.contains("jsonfeed"));
    let items = match feed.get("items") {
        Some(Value::Array(items)) => items.as_slice(),
        _ if named => &[],
        _ => return Err(Unfit::NoFeed),
    };
    let own = Own::read("");
    let mut head = Draft::default();
    let plain = |name: &str| said(&feed, name).map(Words::ReadPlain);
    head.title.offer(0, plain("title"));
    head.summary.offer(0, plain("description"));
    head.language.offer(0, said(&feed, "language"));
    head.link.offer(0, web(&feed, "home_page_url", base));
    let mut out = Repaired {
        format: "json",
        items: items.len(),
        hub: many(&feed, "hubs").iter().filter_map(Value::as_object).find_map(|hub| websub(hub, base)),
        own_url: web(&feed, "feed_url", base),
        ..Repaired::default()
    };
    for one in items.iter().filter_map(Value::as_object).take(ENTRIES_MAX) {
        let entry = item(one, base);
        let changed = entry.updated.get().or(entry.published.get());
        // the format has no field for it
        if let Some(at) = changed.filter(|at| Some(*at) > head.updated.get()) {
            head.updated.offer_last(0, *at);
        }
        entry.push_entry(&mut out.entries, &own);
        out.ends.push(out.entries.len());
    }
    out.head = head.head(&own);
    Ok(out)
}

fn item(item: &Map<String, Value>, base: Option<&Url>) -> Draft<'static> {
    let mut draft = Draft::default();
    draft.id.offer(0, said(item, "id"));
    for (rank, name) in [(0, "url"), (1, "external_url")] {
        draft.link.offer(rank, web(item, name, base));
    }
    draft.title.offer(0, said(item, "title").map(Words::ReadPlain));
    draft.summary.offer(0, said(item, "summary").map(Words::ReadPlain));
    draft.content.offer(0, said(item, "content_html").map(Words::ReadHtml));
    draft.content.offer(1, said(item, "content_text").map(Words::ReadPlain));
    draft.language.offer(0, said(item, "language"));
    let at = |name| said(item, name).and_then(|at| date::parse(&at));
    draft.published.offer(0, at("date_published"));
    draft.updated.offer(0, at("date_modified"));
    let people = many(item, "authors").iter().chain(item.get("author"));
    for (rank, person) in people.filter_map(person).map(|person| (0, person)) {
        draft.author(rank, person);
    }
    for tag in many(item, "tags").iter().filter_map(Value::as_str) {
        draft.category(tag.to_owned());
    }
    for attached in many(item, "attachments").iter().filter_map(Value::as_object) {
        draft.enclosure(web(attached, "url", base));
    }
    draft
}

/// The address of a hub, if it speaks `WebSub`.
fn websub(hub: &Map<String, Value>, base: Option<&Url>) -> Option<Url> {
    said(hub, "type").filter(|kind| kind.eq_ignore_ascii_case("websub")).and_then(|_| web(hub, "url", base))
}

fn person(person: &Value) -> Option<Person> {
    match person {
        Value::String(name) => Some(Person::parse(name)),
        Value::Object(person) => Some(Person::parse(&said(person, "name")?)),
        _ => None,
    }
}

fn many<'a>(from: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    from.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text, also where somebody wrote a number.
fn said(from: &Map<String, Value>, name: &str) -> Option<String> {
    match from.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn web(from: &Map<String, Value>, name: &str, base: Option<&Url>) -> Option<Url> {
    address(&said(from, name)?, base)
}

/// What can be read of broken JSON: what stands before its items, and those up to the first that is broken.
fn salvage(text: &str) -> Option<Map<String, Value>> {
    // a raw line break or tab in a text is the commonest fault
    let text = text.replace(|c: char| c.is_control(), " ");
    if let Ok(Value::Object(feed)) = serde_json::from_str(&text) {
        return Some(feed);
    }
    let (before, after) = text.split_once("\"items\"")?;
    let mut rest = after.split_once('[')?.1;
    let before = [before.trim_end().trim_end_matches(','), "}"].concat();
    let mut feed: Map<String, Value> = serde_json::from_str(&before).unwrap_or_default();
    let mut items = Vec::new();
    while items.len() < ENTRIES_MAX {
        rest = rest.trim_start_matches([',', ' ']);
        let mut values = Deserializer::from_str(rest).into_iter::<Value>();
        let Some(Ok(item)) = values.next() else { break };
        rest = rest.get(values.byte_offset()..).unwrap_or("");
        items.push(item);
    }
    if items.is_empty() {
        return None;
    }
    feed.insert("items".to_owned(), Value::Array(items));
    Some(feed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(document: &str, expected: &str) {
        assert_eq!(repair(document, None).map(|fit| fit.entries), Ok(expected.to_owned()), "{document}");
    }

    const A: &str = "<entry><id>1</id><title type=\"text\">a</title></entry>";

    #[test]
    fn careless_feeds_are_read() {
        check(r#"{"items":[{"id":1,"title":"a"}]}"#, A);
        check(r#"{"version":"x","items":[{"id":"1","title":"a","url":7,"tags":"x","author":null}, 8]}"#, A);
        check(r#"{"version":"https://jsonfeed.org/version/1"}"#, "");
    }

    #[test]
    fn broken_feeds_are_read_as_far_as_they_go() {
        check(r#"{"title":"t","items":[{"id":1,"title":"a"},{"id":2,"ti"#, A);
        check(
            "{\"items\":[{\"id\":1,\"title\":\"a\n\"}]}",
            "<entry><id>1</id><title type=\"text\">a </title></entry>",
        );
    }

    #[test]
    fn an_item_is_read_whole() {
        check(
            r#"{"items":[{"external_url":"http://a.example/x","content_html":"<p>a","date_modified":"2017-03-02T15:04:05Z",
                "authors":[{"name":"X"}],"tags":["y"],"attachments":[{"url":"http://a.example/z"}]}]}"#,
            "<entry><link rel=\"alternate\" href=\"http://a.example/x\"/><updated>2017-03-02T15:04:05Z</updated>\
             <author><name>X</name></author><category term=\"y\"/><link rel=\"enclosure\" href=\"http://a.example/z\"/>\
             <content type=\"html\"><![CDATA[<p>a]]></content></entry>",
        );
    }

    #[test]
    fn other_json_is_none() {
        assert_eq!(repair(r#"{"error":"no"}"#, None).err(), Some(Unfit::NoFeed));
        let deep = format!("{{\"items\":{}", "[".repeat(100_000));
        assert!(matches!(repair(&deep, None), Err(Unfit::Json(_))));
    }
}
