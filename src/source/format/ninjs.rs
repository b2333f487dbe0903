//! IPTC ninjs, versions 1 to 3: one news item as JSON.

use serde_json::{Map, Value};

use super::{
    draft::{Draft, Fault, Piece, byline, is_web},
    nitf, xml,
};
use crate::source::{clean, date};

/// Members by which an item is known, beside its `uri`.
const MARKS: [&str; 10] = [
    "versioncreated",
    "pubstatus",
    "headline",
    "headlines",
    "body_text",
    "body_xhtml",
    "bodies",
    "standard",
    "$standard",
    "representationtype",
];

/// Whether an object is such an item.
pub(super) fn is(object: &Map<String, Value>) -> bool {
    let of_standard = ["standard", "$standard"].iter().filter_map(|key| object.get(*key));
    of_standard.filter_map(|of| of.get("name")).any(|name| name == "ninjs")
        || object.contains_key("uri")
            && !object.contains_key("text")
            && object.keys().any(|key| MARKS.iter().any(|mark| key.eq_ignore_ascii_case(mark)))
}

/// A member, however its name is cased: the versions differ in that.
fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn string<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    member(object, name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// Reads one item.
pub(super) fn article(object: &Map<String, Value>) -> Piece {
    let uri = string(object, "uri").map(str::to_owned);
    let kind = string(object, "type").unwrap_or("text");
    let withdrawn = string(object, "pubstatus")
        .is_some_and(|status| matches!(status, "canceled" | "cancelled" | "withheld"));
    if !matches!(kind, "text" | "composite" | "article" | "story") && !withdrawn {
        let reason = format!("it is a {}, not a report", clean::line(kind));
        return Err(Fault { reason, input_id: uri, place: String::new() });
    }
    let time = |name: &str| string(object, name).and_then(date::parse);
    let title = headline(object);
    let source = string(object, "copyrightholder").or_else(|| first_name(object, "infosources"));
    Draft {
        url: uri.clone().filter(|uri| is_web(uri)),
        id: uri,
        text: without_title(&text(object), title),
        title: title.unwrap_or_default().to_owned(),
        published: time("firstcreated").or_else(|| time("contentcreated")).or_else(|| time("versioncreated")),
        updated: time("versioncreated"),
        source: source.map(str::to_owned),
        language: string(object, "language").map(str::to_owned),
        authors: authors(object),
        section: first_name(object, "subjects").or_else(|| first_name(object, "subject")).map(str::to_owned),
        embargo: time("embargoed").or_else(|| time("embargoeduntil")),
        withdrawn,
        ..Draft::default()
    }
    .finish()
}

fn first_name<'a>(object: &'a Map<String, Value>, list: &str) -> Option<&'a str> {
    member(object, list)?.as_array()?.iter().find_map(|one| one.get("name")?.as_str())
}

fn headline(object: &Map<String, Value>) -> Option<&str> {
    let list = member(object, "headlines").and_then(Value::as_array);
    let of_role = |role: &str| {
        let list = list?.iter().filter_map(Value::as_object);
        list.filter(|one| string(one, "role").is_none_or(|own| own == role))
            .find_map(|one| string(one, "value"))
    };
    let any = || list?.iter().filter_map(Value::as_object).find_map(|one| string(one, "value"));
    let started = || {
        let of = object.iter().find(|(key, _)| key.to_ascii_lowercase().starts_with("headline_"));
        of.and_then(|(_, value)| value.as_str())
    };
    string(object, "headline")
        .or_else(|| of_role("main"))
        .or_else(any)
        .or_else(|| string(object, "title"))
        .or_else(started)
}

/// The body in the form that loses least: plain, HTML, NITF; else what describes the report.
fn text(object: &Map<String, Value>) -> String {
    let mut forms: Vec<(u8, String)> = Vec::new();
    let mut take = |role: &str, kind: &str, value: &str| {
        let kind = format!("{} {}", role.to_ascii_lowercase(), kind.to_ascii_lowercase());
        let (rank, words) = if kind.contains("nitf") {
            let document = xml::parse(value).ok();
            (3, document.map(|document| nitf::draft(&document.root).text).unwrap_or_default())
        } else if kind.contains("html") {
            (1, clean::html(value))
        } else {
            (0, value.trim().to_owned())
        };
        forms.push((if words.is_empty() { u8::MAX } else { rank }, words));
    };
    for (key, value) in object {
        let key = key.to_ascii_lowercase();
        if let (Some(role), Some(value)) = (key.strip_prefix("body_"), value.as_str()) {
            take(role, "", value);
        }
    }
    for body in member(object, "bodies").and_then(Value::as_array).into_iter().flatten() {
        let Some(body) = body.as_object() else { continue };
        let value = string(body, "value").unwrap_or_default();
        take(
            string(body, "role").unwrap_or_default(),
            string(body, "contenttype").unwrap_or_default(),
            value,
        );
    }
    let best = forms.into_iter().min_by_key(|(rank, _)| *rank).filter(|(rank, _)| *rank != u8::MAX);
    best.map_or_else(|| described(object), |(_, text)| text)
}

fn described(object: &Map<String, Value>) -> String {
    let list = member(object, "descriptions").and_then(Value::as_array);
    let listed = list.into_iter().flatten().filter_map(Value::as_object);
    let listed = listed.filter(|one| string(one, "role").is_none_or(|role| !role.contains("caption")));
    let plain =
        string(object, "description_text").or_else(|| listed.clone().find_map(|one| string(one, "value")));
    clean::html(plain.or_else(|| string(object, "description_xhtml")).unwrap_or_default())
}

/// Some agencies begin the text with the headline.
fn without_title(text: &str, title: Option<&str>) -> String {
    let first = text.lines().next().unwrap_or_default();
    match text.split_once('\n') {
        Some((_, rest)) if title.is_some_and(|title| title == first.trim()) => rest.trim().to_owned(),
        _ => text.to_owned(),
    }
}

fn authors(object: &Map<String, Value>) -> Vec<String> {
    let line = string(object, "byline").or_else(|| string(object, "by"));
    if let Some(line) = line {
        return byline(line);
    }
    let list = member(object, "bylines").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|one| one.as_str().or_else(|| one.get("byline").or_else(|| one.get("name"))?.as_str()))
        .flat_map(byline)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::article::Standing;

    fn read(value: &Value) -> Piece {
        let object = value.as_object().unwrap();
        assert!(is(object), "{value}");
        article(object)
    }

    #[test]
    fn version_1() {
        let article = read(&json!({"uri": "urn:x:7", "type": "text", "versioncreated": "2024-05-06T07:08:09Z",
            "headline": "Crane falls", "body_xhtml": "<p>One.</p><p>Two.</p>", "byline": "By Ann Lee", "language": "en-GB"}))
        .unwrap();
        assert_eq!((article.title.as_str(), article.text.as_str()), ("Crane falls", "One.\nTwo."));
        assert_eq!((article.authors, article.language.as_deref()), (vec!["Ann Lee".to_owned()], Some("en")));
        assert_eq!((article.input_id.as_deref(), article.url), (Some("urn:x:7"), None));
    }

    #[test]
    fn version_3() {
        let article =
            read(&json!({"uri": "https://wire.example/7", "versionCreated": "2024-05-06T07:08:09Z",
            "headlines": [{"role": "short", "value": "Crane"}, {"role": "main", "value": "Crane falls"}],
            "bodies": [{"role": "html5", "contentType": "text/html", "value": "<p>x</p>"},
                {"contentType": "text/plain", "value": "Crane falls\nThe harbour is closed."}]}))
            .unwrap();
        assert_eq!(
            (article.title.as_str(), article.text.as_str()),
            ("Crane falls", "The harbour is closed.")
        );
        assert_eq!(article.url.as_deref(), Some("https://wire.example/7"));
    }

    #[test]
    fn statuses_and_other_kinds() {
        let killed = read(&json!({"uri": "u", "pubStatus": "canceled", "headline": "x"})).unwrap();
        assert_eq!(killed.standing, Standing::Withdrawn);
        let held = read(
            &json!({"uri": "u", "headline": "x", "body_text": "y", "embargoed": "2024-05-07T00:00:00Z"}),
        );
        assert_eq!(held.unwrap().embargo, "2024-05-07T00:00:00Z".parse().ok());
        assert!(
            read(&json!({"uri": "u", "type": "picture", "headline": "x"}))
                .unwrap_err()
                .reason
                .contains("picture")
        );
    }
}
