//! NITF, the markup of an agency's text: a document of its own, or within NewsML.

use super::{
    draft::{Draft, Fault, Piece, byline},
    xml::{self, Element, Flow},
};
use crate::source::date;

/// Reads a document.
pub(super) fn articles(text: &str) -> Vec<Piece> {
    let document = match xml::parse(text) {
        Ok(document) => document,
        Err(reason) => return vec![Err(Fault::of(reason))],
    };
    let mut pieces = vec![draft(&document.root).finish()];
    if let Some(reason) = document.broken {
        pieces.push(Err(Fault::of(reason)));
    }
    pieces
}

/// What an element `nitf` says.
pub(super) fn draft(nitf: &Element) -> Draft {
    let headline = nitf.at(&["body", "body.head", "hedline", "hl1"]).map(Element::line);
    let title = headline.filter(|line| !line.is_empty());
    let docdata = nitf.at(&["head", "docdata"]);
    let docdata = |name: &str| docdata.and_then(|docdata| docdata.child(name));
    let norm = |name: &str| docdata(name).and_then(|date| date.attribute("norm")).and_then(date::parse);
    let publication = nitf.at(&["head", "pubdata"]).and_then(|pubdata| pubdata.attribute("date.publication"));
    let story_date = nitf.at(&["body", "body.head", "dateline", "story.date"]);
    let story_date = story_date.and_then(|date| date.attribute("norm")).and_then(date::parse);
    let issued = norm("date.issue").or_else(|| publication.and_then(date::parse)).or(story_date);
    let release = norm("date.release");
    let bylines = nitf.below("byline").map(authors);
    let language = ["lang", "baselang"].iter().find_map(|name| {
        [Some(nitf), nitf.child("body")].into_iter().flatten().find_map(|at| at.attribute(name))
    });
    let distributor = nitf.at(&["body", "body.head", "distributor"]).map(Element::line);
    let named = nitf.at(&["head", "pubdata"]).and_then(|pubdata| pubdata.attribute("name"));
    Draft {
        id: docdata("doc-id").and_then(|id| id.attribute("id-string")).map(str::to_owned),
        url: docdata("doc-id").and_then(|id| id.attribute("href")).map(str::to_owned),
        title: title.or_else(|| nitf.at(&["head", "title"]).map(Element::line)).unwrap_or_default(),
        text: nitf.at(&["body", "body.content"]).map(content).unwrap_or_default(),
        published: issued.or(release),
        updated: nitf.attribute("change.date").and_then(date::parse),
        source: named.map(str::to_owned).or(distributor),
        language: language.map(str::to_owned),
        authors: bylines.flatten().collect(),
        section: nitf.at(&["head", "tobject"]).and_then(|of| of.attribute("tobject.type")).map(str::to_owned),
        // what is released later than it was issued is not to be told before
        embargo: release.filter(|release| issued.is_none_or(|issued| *release > issued)),
        withdrawn: is_withdrawn(nitf),
        ..Draft::default()
    }
}

/// A kill is a status of the document, or an order to the desk.
fn is_withdrawn(nitf: &Element) -> bool {
    let Some(docdata) = nitf.at(&["head", "docdata"]) else { return false };
    let status = docdata.attribute("management-status").unwrap_or_default().to_ascii_lowercase();
    let message = docdata.child("ed-msg");
    let order = ["msg-type", "info"].iter().filter_map(|name| message.and_then(|of| of.attribute(name)));
    let correction = docdata.child("correction").and_then(|of| of.attribute("info"));
    matches!(status.as_str(), "canceled" | "cancelled" | "withheld") || order.chain(correction).any(is_kill)
}

/// Whether an order to the desk takes a report back.
pub(super) fn is_kill(order: &str) -> bool {
    let order = order.to_ascii_lowercase();
    let first = order.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or("");
    matches!(
        first,
        "kill"
            | "killed"
            | "withdrawn"
            | "withdraw"
            | "withdrawal"
            | "cancel"
            | "canceled"
            | "cancelled"
            | "retracted"
            | "retraction"
    ) || order.contains("mandatory kill")
}

/// `By <person>Ann Lee</person>, <byttl>Staff Writer</byttl>` names people, not their posts.
fn authors(line: &Element) -> Vec<String> {
    let people: Vec<String> =
        line.below("person").map(Element::line).filter(|name| !name.is_empty()).collect();
    if !people.is_empty() {
        return people;
    }
    byline(&line.paragraphs(&|element| if element.is("byttl") { Flow::Skip } else { Flow::Inline }))
}

/// The words of `body.content`: paragraphs, headings, lists and tables, not the captions.
fn content(body: &Element) -> String {
    body.paragraphs(&|element| flow(&element.name))
}

fn flow(name: &str) -> Flow {
    match name.to_ascii_lowercase().as_str() {
        "media" | "media-caption" | "media-producer" | "fn" | "nitf-table-metadata" | "style" | "script" => {
            Flow::Skip
        }
        "p" | "hl2" | "hl1" | "block" | "bq" | "ul" | "ol" | "li" | "dl" | "dt" | "dd" | "table" | "tr"
        | "pre" | "hr" | "br" | "note" | "credit" | "abstract" | "tagline" => Flow::Block,
        _ => Flow::Inline,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nitf(docdata: &str, body: &str) -> Draft {
        let text = format!(
            "<nitf><head><title>slug</title><docdata>{docdata}</docdata></head><body>{body}</body></nitf>"
        );
        draft(&xml::parse(&text).unwrap().root)
    }

    #[test]
    fn a_report() {
        let read = nitf(
            "<doc-id id-string='x:7'/><date.issue norm='20240506T070809Z'/>",
            "<body.head><hedline><hl1>Crane <em>falls</em></hl1></hedline><byline>By <person>Ann Lee</person></byline>
             </body.head><body.content><p>The harbour
             is closed.</p><media><media-caption>A crane</media-caption></media><hl2>Ships</hl2><p>They wait.</p></body.content>",
        );
        assert_eq!(
            (read.title.as_str(), read.text.as_str()),
            ("Crane falls", "The harbour is closed.\nShips\nThey wait.")
        );
        assert_eq!((read.id.as_deref(), read.authors), (Some("x:7"), vec!["Ann Lee".to_owned()]));
        assert_eq!(read.published, "2024-05-06T07:08:09Z".parse().ok());
        assert!(!read.withdrawn && read.embargo.is_none());
    }

    #[test]
    fn a_kill_and_an_embargo() {
        assert!(nitf("<ed-msg info='KILL: the crane stands'/>", "").withdrawn);
        assert!(!nitf("<ed-msg info='Adds quote; no killing frost'/>", "").withdrawn);
        let held = nitf("<date.issue norm='20240506T070809Z'/><date.release norm='20240507T000000Z'/>", "");
        assert_eq!(held.embargo, "2024-05-07T00:00:00Z".parse().ok());
    }
}
