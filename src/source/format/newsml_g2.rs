//! NewsML-G2: news items, alone or many in a news message. Packages that only point elsewhere, concepts and plans are no
//! articles.

use super::{
    draft::{Draft, Fault, Piece, byline},
    nitf,
    xml::{self, Element, Flow},
};
use crate::source::{clean, date};

/// Items of one message that are read.
const ITEMS_MAX: usize = 10_000;

/// Reads a document.
pub(super) fn articles(text: &str) -> Vec<Piece> {
    let document = match xml::parse(text) {
        Ok(document) => document,
        Err(reason) => return vec![Err(Fault::of(reason))],
    };
    let root = &document.root;
    let mut pieces: Vec<Piece> = if root.is("newsItem") {
        vec![item(root)]
    } else {
        let items = root.below("newsItem").take(ITEMS_MAX);
        items
            .enumerate()
            .map(|(at, of)| item(of).map_err(|fault| fault.within(&format!(":{}", at + 1))))
            .collect()
    };
    if pieces.is_empty() {
        pieces.push(Err(Fault::of(format!("it is a {}, which holds no report", kind_of(root)))));
    }
    if let Some(reason) = document.broken {
        // what a cut took the end of is no whole report
        if pieces.last().is_some_and(Result::is_ok) {
            pieces.pop();
        }
        pieces.push(Err(Fault::of(reason)));
    }
    pieces
}

/// What else there is, in words.
fn kind_of(root: &Element) -> &'static str {
    let name = if root.is("newsMessage") {
        root.child("itemSet").and_then(|set| set.children().next()).map_or("", |first| first.name.as_str())
    } else {
        root.name.as_str()
    };
    match name.to_ascii_lowercase().as_str() {
        "packageitem" => "package of references",
        "conceptitem" => "concept",
        "knowledgeitem" => "list of concepts",
        "planningitem" => "plan of coverage",
        "catalogitem" => "catalogue",
        _ => "news message without a news item",
    }
}

fn item(item: &Element) -> Piece {
    let meta = |way: &[&str]| item.child("itemMeta").and_then(|meta| meta.at(way));
    let content = |way: &[&str]| item.child("contentMeta").and_then(|meta| meta.at(way));
    let id = item.attribute("guid").map(str::to_owned);
    let class = meta(&["itemClass"]).and_then(|class| class.attribute("qcode")).map(code).unwrap_or_default();
    let status = meta(&["pubStatus"]).and_then(|of| of.attribute("qcode").or_else(|| of.attribute("uri")));
    let withdrawn = matches!(status.map(code).as_deref(), Some("canceled" | "cancelled" | "withheld"));
    if matches!(class.as_str(), "picture" | "graphic" | "video" | "audio" | "animation") && !withdrawn {
        let reason = format!("it is a {class}, not a report");
        return Err(Fault { reason, input_id: id, place: String::new() });
    }
    let body = body(item);
    let time = |of: Option<&Element>| of.and_then(|of| date::parse(&of.line()));
    let headline = content(&["headline"]).map(Element::line).filter(|line| !line.is_empty());
    let language = content(&["language"]).and_then(|of| of.attribute("tag"));
    let language = language.or_else(|| item.attribute("lang")).map(str::to_owned);
    let version = time(meta(&["versionCreated"]));
    let created = time(meta(&["firstCreated"])).or_else(|| time(content(&["contentCreated"])));
    let people = item.child("contentMeta").into_iter().flat_map(Element::children);
    let people = people.filter(|of| of.is("by") || of.is("creator")).flat_map(|of| match of.child("name") {
        Some(name) => vec![name.line()],
        None => byline(&of.line()),
    });
    let authors: Vec<String> = people.filter(|name| !name.is_empty()).collect();
    let holder = item.at(&["rightsInfo", "copyrightHolder", "name"]);
    let provider = meta(&["provider", "name"]).or(holder).map(Element::line);
    let provider = provider.or_else(|| {
        meta(&["provider"])
            .and_then(|of| of.attribute("qcode").or_else(|| of.attribute("literal")))
            .map(name_in)
    });
    let section = content(&["subject", "name"]).map(Element::line);
    Draft {
        id,
        url: item
            .at(&["itemMeta", "link"])
            .filter(|link| is_page(link))
            .and_then(|link| link.attribute("href"))
            .map(str::to_owned),
        title: headline.or(body.title).unwrap_or_default(),
        text: body.text,
        published: created.or(version),
        updated: version,
        source: provider.filter(|name| !name.is_empty()),
        language: language.or(body.language),
        authors: if authors.is_empty() { body.authors } else { authors },
        section,
        embargo: time(meta(&["embargoed"])),
        withdrawn,
        ..Draft::default()
    }
    .finish()
}

/// A link to the report as a web page.
fn is_page(link: &Element) -> bool {
    link.attribute("rel")
        .is_some_and(|rel| matches!(code(rel).as_str(), "canonical" | "seealso" | "alternate"))
        && link.attribute("contenttype").is_none_or(|kind| kind.contains("html"))
}

/// `stat:usable`, `http://…/usable` → `usable`.
fn code(qcode: &str) -> String {
    qcode.rsplit([':', '/']).next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The same as it is written: a name.
fn name_in(qcode: &str) -> String {
    qcode.rsplit([':', '/']).next().unwrap_or_default().to_owned()
}

#[derive(Default)]
struct Body {
    title: Option<String>,
    text: String,
    language: Option<String>,
    authors: Vec<String>,
}

/// The first rendition that holds words.
fn body(item: &Element) -> Body {
    let sets = item.children().filter(|child| child.is("contentSet"));
    let renditions = sets.flat_map(Element::children).filter(|of| of.is("inlineXML") || of.is("inlineData"));
    renditions.map(rendition).find(|body| !body.text.is_empty()).unwrap_or_default()
}

fn rendition(inline: &Element) -> Body {
    if inline.is("inlineData") {
        let raw = inline.raw();
        let marked = inline.attribute("contenttype").is_some_and(|kind| kind.contains("html"));
        let text = if marked { clean::html(&raw) } else { raw.trim().to_owned() };
        return Body { text, ..Body::default() };
    }
    match inline.children().next() {
        Some(nitf) if nitf.is("nitf") => {
            let draft = nitf::draft(nitf);
            Body {
                title: Some(draft.title).filter(|title| !title.is_empty()),
                text: draft.text,
                language: draft.language,
                authors: draft.authors,
            }
        }
        Some(html) if html.is("html") || html.is("body") || html.is("article") || html.is("div") => {
            of_html(html)
        }
        _ => Body::default(),
    }
}

/// XHTML within an agency's item.
pub(super) fn of_html_text(html: &Element) -> String {
    let body = html.child("body").unwrap_or(html);
    body.paragraphs(&|element| match element.name.to_ascii_lowercase().as_str() {
        "head" | "script" | "style" | "figure" | "figcaption" | "nav" | "noscript" => Flow::Skip,
        "b" | "i" | "em" | "strong" | "a" | "span" | "u" | "sup" | "sub" | "small" | "cite" | "q"
        | "font" | "abbr" | "mark" | "time" | "code" => Flow::Inline,
        _ => Flow::Block,
    })
}

fn of_html(html: &Element) -> Body {
    let title = html.below("h1").next().or_else(|| html.at(&["head", "title"])).map(Element::line);
    Body {
        title: title.filter(|title| !title.is_empty()),
        text: of_html_text(html),
        language: html.attribute("lang").map(str::to_owned),
        authors: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::Standing;

    fn news_item(class: &str, meta: &str, content: &str) -> String {
        format!(
            "<newsItem guid='urn:x:7' version='2' xml:lang='en-GB'><itemMeta><itemClass qcode='ninat:{class}'/>\
             <provider qcode='p:HarbourWire'/><versionCreated>2024-05-06T08:00:00+02:00</versionCreated>{meta}</itemMeta>\
             <contentMeta><headline>Crane falls</headline></contentMeta><contentSet>{content}</contentSet></newsItem>"
        )
    }

    const HTML: &str = "<inlineXML contenttype='application/xhtml+xml'><html><head><title/></head>\
        <body><p>The harbour is <b>closed</b>.</p><p>Ships wait.</p></body></html></inlineXML>";

    fn one(document: &str) -> Piece {
        let mut pieces = articles(document);
        assert_eq!(pieces.len(), 1, "{pieces:?}");
        pieces.remove(0)
    }

    #[test]
    fn a_report() {
        let article = one(&news_item("text", "", HTML)).unwrap();
        assert_eq!(
            (article.title.as_str(), article.text.as_str()),
            ("Crane falls", "The harbour is closed.\nShips wait.")
        );
        assert_eq!(article.published, "2024-05-06T06:00:00Z".parse().ok());
        assert_eq!((article.outlet.as_str(), article.language.as_deref()), ("HarbourWire", Some("en")));
        assert_eq!(article.input_id.as_deref(), Some("urn:x:7"));
    }

    #[test]
    fn plain_text_in_it() {
        let content = "<inlineData contenttype='text/plain'>The harbour\nis closed.</inlineData>";
        assert_eq!(one(&news_item("text", "", content)).unwrap().text, "The harbour\nis closed.");
    }

    #[test]
    fn a_report_taken_back_and_one_that_is_held() {
        let killed = one(&news_item("text", "<pubStatus qcode='stat:canceled'/>", "")).unwrap();
        assert_eq!(killed.standing, Standing::Withdrawn);
        let held = one(&news_item("text", "<embargoed>2024-05-07T00:00:00Z</embargoed>", HTML)).unwrap();
        assert_eq!(held.embargo, "2024-05-07T00:00:00Z".parse().ok());
    }

    #[test]
    fn what_is_no_report() {
        assert!(one(&news_item("picture", "", HTML)).unwrap_err().reason.contains("picture"));
        assert!(one(&news_item("text", "", "<remoteContent href='a.xml'/>")).is_err());
        assert!(one("<packageItem guid='x'/>").unwrap_err().reason.contains("package"));
        assert!(
            one("<newsMessage><itemSet><planningItem/></itemSet></newsMessage>")
                .unwrap_err()
                .reason
                .contains("plan")
        );
    }

    #[test]
    fn a_cut_message_gives_what_is_whole() {
        let two = format!("<newsMessage><itemSet>{0}{0}", news_item("text", "", HTML));
        let pieces = articles(two.get(..two.len() - 60).unwrap());
        assert!(pieces.len() == 2 && pieces[0].is_ok() && pieces[1].is_err(), "{pieces:?}");
    }
}
