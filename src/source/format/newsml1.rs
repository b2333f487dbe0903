//! NewsML 1: items of components in components, each with its role. The body is the report; pictures, contacts and
//! style sheets are not.

use super::{
    draft::{Draft, Fault, Piece, byline},
    newsml_g2::of_html_text,
    nitf,
    xml::{self, Element},
};
use crate::source::{clean, date};

/// Items of one document that are read.
const ITEMS_MAX: usize = 10_000;

/// Roles of components that are not the words of the report.
const OTHER_ROLES: [&str; 14] = [
    "stylesheet",
    "headline",
    "subheadline",
    "contact",
    "logo",
    "photo",
    "picture",
    "caption",
    "video",
    "audio",
    "graphic",
    "thumbnail",
    "byline",
    "copyright",
];

/// Reads a document.
pub(super) fn articles(text: &str) -> Vec<Piece> {
    let document = match xml::parse(text) {
        Ok(document) => document,
        Err(reason) => return vec![Err(Fault::of(reason))],
    };
    let envelope = document.root.child("NewsEnvelope");
    let root = &document.root;
    let items =
        if root.is("NewsItem") { vec![root] } else { root.below("NewsItem").take(ITEMS_MAX).collect() };
    let many = items.len() > 1;
    let mut pieces: Vec<Piece> = items
        .iter()
        .enumerate()
        .map(|(at, of)| {
            let place = if many { format!(":{}", at + 1) } else { String::new() };
            item(of, envelope).map_err(|fault| fault.within(&place))
        })
        .collect();
    if pieces.is_empty() {
        pieces.push(Err(Fault::of("it holds no news item")));
    }
    if let Some(reason) = document.broken {
        if pieces.last().is_some_and(Result::is_ok) {
            pieces.pop();
        }
        pieces.push(Err(Fault::of(reason)));
    }
    pieces
}

fn item(item: &Element, envelope: Option<&Element>) -> Piece {
    let management = item.child("NewsManagement");
    let managed = |name: &str| management.and_then(|of| of.child(name));
    let formal = |of: Option<&Element>| of.and_then(|of| of.attribute("FormalName")).map(str::to_owned);
    let time = |of: Option<&Element>| of.and_then(|of| date::parse(&of.line()));
    let identifier = item.at(&["Identification", "NewsIdentifier"]);
    let id = identifier.map(id_of).filter(|id| !id.is_empty());
    let status = formal(managed("Status")).unwrap_or_default().to_ascii_lowercase();
    let instruction = formal(managed("Instruction")).unwrap_or_default();
    let release = match managed("StatusWillChange") {
        Some(change) if status == "embargoed" => time(change.child("DateAndTime")),
        _ => None,
    };
    let lines = |name: &'static str| {
        item.below("NewsLines").flat_map(move |lines| lines.children().filter(move |line| line.is(name)))
    };
    let title = lines("HeadLine").map(Element::line).find(|line| !line.is_empty());
    let language =
        formal(item.below("Language").next()).or_else(|| item.attribute("lang").map(str::to_owned));
    let party = |name: &'static str| {
        let of = item.below("AdministrativeMetadata").find_map(move |of| of.at(&[name, "Party"]));
        formal(of)
    };
    let sender = envelope.and_then(|of| of.at(&["SentFrom", "Party"]));
    let authors: Vec<String> = lines("ByLine").flat_map(|line| byline(&line.line())).collect();
    let (text, inner_title) = body(item);
    Draft {
        id,
        title: title.or(inner_title).unwrap_or_default(),
        text,
        published: time(managed("FirstCreated"))
            .or_else(|| time(envelope.and_then(|of| of.child("DateAndTime")))),
        updated: time(managed("ThisRevisionCreated")),
        source: party("Provider").or_else(|| formal(sender)),
        language,
        authors: if authors.is_empty() {
            party("Creator").iter().flat_map(|name| byline(name)).collect()
        } else {
            authors
        },
        embargo: release,
        withdrawn: matches!(status.as_str(), "canceled" | "cancelled" | "withheld")
            || nitf::is_kill(&instruction),
        ..Draft::default()
    }
    .finish()
}

/// Names the item, whatever its revision.
fn id_of(identifier: &Element) -> String {
    let part = |name: &str| identifier.child(name).map(Element::line).unwrap_or_default();
    let (provider, day, item) = (part("ProviderId"), part("DateId"), part("NewsItemId"));
    if item.is_empty() { part("PublicIdentifier") } else { format!("urn:newsml:{provider}:{day}:{item}") }
}

/// The longest of what may be the report's words, and a headline that stands with it.
fn body(item: &Element) -> (String, Option<String>) {
    let mut found = Vec::new();
    collect(item, "", 0, &mut found);
    let longest =
        found.into_iter().enumerate().max_by_key(|(at, (text, _))| (text.len(), std::cmp::Reverse(*at)));
    longest.map(|(_, body)| body).unwrap_or_default()
}

fn collect(element: &Element, role: &str, depth: usize, found: &mut Vec<(String, Option<String>)>) {
    const DEPTH_MAX: usize = 16;
    let own =
        element.child("Role").and_then(|role| role.attribute("FormalName")).map(str::to_ascii_lowercase);
    let role = own.as_deref().unwrap_or(role);
    if depth > DEPTH_MAX || OTHER_ROLES.contains(&role) {
        return;
    }
    for child in element.children() {
        if child.is("NewsComponent") || child.is("NewsItem") {
            collect(child, role, depth + 1, found);
        } else if child.is("ContentItem") && is_text(child) {
            found.extend(child.children().filter(|data| data.is("DataContent")).map(words));
        }
    }
}

fn is_text(content: &Element) -> bool {
    let says = |name: &str| {
        content.child(name).and_then(|of| of.attribute("FormalName")).unwrap_or_default().to_ascii_lowercase()
    };
    let (media, mime, format) = (says("MediaType"), says("MimeType"), says("Format"));
    matches!(media.as_str(), "" | "text" | "complexdata" | "composite")
        && !mime.contains("css")
        && !mime.starts_with("image/")
        && !mime.starts_with("video/")
        && format != "css"
}

fn words(data: &Element) -> (String, Option<String>) {
    let Some(inner) = data.children().next() else {
        let raw = data.raw();
        let marked = raw.contains("</") || raw.contains("<p>");
        return (if marked { clean::html(&raw) } else { raw.trim().to_owned() }, None);
    };
    if inner.is("nitf") {
        let draft = nitf::draft(inner);
        return (draft.text, Some(draft.title).filter(|title| !title.is_empty()));
    }
    (of_html_text(if inner.is("html") { inner } else { data }), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::Standing;

    fn message(status: &str, components: &str) -> Piece {
        let document = format!(
            "<NewsML><NewsEnvelope><DateAndTime>20240506T070809Z</DateAndTime></NewsEnvelope><NewsItem><Identification>\
             <NewsIdentifier><ProviderId>wire.example</ProviderId><DateId>20240506</DateId><NewsItemId>7</NewsItemId>\
             </NewsIdentifier></Identification><NewsManagement><FirstCreated>20240506T060000Z</FirstCreated>{status}\
             </NewsManagement><NewsComponent><NewsLines><HeadLine>Crane falls</HeadLine><ByLine>By Ann Lee</ByLine></NewsLines>\
             <AdministrativeMetadata><Provider><Party FormalName='Wire'/></Provider></AdministrativeMetadata>\
             <DescriptiveMetadata><Language FormalName='en'/></DescriptiveMetadata>{components}</NewsComponent></NewsItem></NewsML>"
        );
        let mut pieces = articles(&document);
        assert_eq!(pieces.len(), 1, "{pieces:?}");
        pieces.remove(0)
    }

    fn component(role: &str, words: &str) -> String {
        format!(
            "<NewsComponent><Role FormalName='{role}'/><ContentItem><MimeType FormalName='text/xhtml'/>\
             <DataContent><html><body><p>{words}</p></body></html></DataContent></ContentItem></NewsComponent>"
        )
    }

    #[test]
    fn the_body_is_the_report() {
        let parts = component("Contact", "Call the harbour at any hour of the day")
            + &component("Body", "It is closed.");
        let article = message("<Status FormalName='Usable'/>", &parts).unwrap();
        assert_eq!((article.title.as_str(), article.text.as_str()), ("Crane falls", "It is closed."));
        assert_eq!(
            (article.outlet.as_str(), article.authors.as_slice()),
            ("Wire", &["Ann Lee".to_owned()][..])
        );
        assert_eq!(article.input_id.as_deref(), Some("urn:newsml:wire.example:20240506:7"));
        assert_eq!(article.published, "2024-05-06T06:00:00Z".parse().ok());
    }

    #[test]
    fn statuses() {
        let killed = message("<Status FormalName='Canceled'/>", "").unwrap();
        assert_eq!(killed.standing, Standing::Withdrawn);
        let change = "<StatusWillChange><FutureStatus FormalName='Usable'/><DateAndTime>20240507T000000Z</DateAndTime></StatusWillChange>";
        let held =
            message(&format!("<Status FormalName='Embargoed'/>{change}"), &component("Body", "x")).unwrap();
        assert_eq!(held.embargo, "2024-05-07T00:00:00Z".parse().ok());
        assert!(message("", &component("Photo", "A crane")).is_err());
    }
}
