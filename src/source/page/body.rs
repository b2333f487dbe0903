//! A page's main text: boilerplate is taken out before the extractor looks for the article, and what it still lets
//! through afterwards, by how much of a line is links and how the line reads.

use dom_query::{Document, NodeRef};

use super::{head::letters, published};
use crate::source::clean;

/// What elements are called, by whole words of class or id, that hold no words of the report.
const ASIDE_WORDS: [&str; 44] = [
    "caption",
    "figcaption",
    "related",
    "newsletter",
    "promo",
    "promoted",
    "share",
    "sharing",
    "social",
    "breadcrumb",
    "breadcrumbs",
    "recommended",
    "recommendation",
    "recirc",
    "comments",
    "disqus",
    "outbrain",
    "taboola",
    "advert",
    "advertisement",
    "sponsored",
    "subscribe",
    "subscription",
    "paywall",
    "signup",
    "cookie",
    "consent",
    "byline",
    "credit",
    "copyright",
    "timestamp",
    "dateline",
    "pubdate",
    "tags",
    "taglist",
    "readmore",
    "trending",
    "teaser",
    "slideshow",
    "popular",
    "toolbar",
    "bio",
    "rollover",
    "hidden",
];

/// Elements that are so called and yet hold more than this, in bytes, are the page itself.
const ASIDE_BYTES_MAX: usize = 1500;

/// How lines begin that lead elsewhere, in lower case.
const LEADS: [&str; 46] = [
    "read more",
    "related:",
    "related articles",
    "related stories",
    "see also",
    "also read",
    "also see",
    "also:",
    "don't miss",
    "don’t miss",
    "more from",
    "more:",
    "watch:",
    "watch now",
    "listen:",
    "photo:",
    "image:",
    "credit:",
    "advertisement",
    "sign up",
    "subscribe",
    "follow us",
    "follow him on",
    "follow her on",
    "click here",
    "lire aussi",
    "à lire aussi",
    "lees ook",
    "leggi anche",
    "lesen sie auch",
    "mehr zum thema",
    "lea también",
    "lea más",
    "continue reading",
    "story continues",
    "published:",
    "updated:",
    "| updated",
    "posted:",
    "image copyright",
    "media playback",
    "media caption",
    "see more",
    "you may also like",
    "get the latest",
    "have a tip?",
];

/// Lines that lead elsewhere are short, in characters.
const LEAD_CHARS_MAX: usize = 180;

/// Lines at the top that may say no more than when it was written.
const TOP_LINES: usize = 3;

/// A line of more characters does not stand twice in a report.
const REPEATED_CHARS_MIN: usize = 20;

/// Takes out what is no report by what it is called.
pub(super) fn prune(document: &Document) {
    document.select("figcaption, aside, nav, footer, form, button, noscript, template, svg, iframe").remove();
    let Some(body) = document.body() else { return };
    let mut waiting = vec![body];
    while let Some(node) = waiting.pop() {
        for child in node.element_children() {
            if is_aside(&child) {
                child.remove_from_parent();
            } else {
                waiting.push(child);
            }
        }
    }
}

fn is_aside(node: &NodeRef<'_>) -> bool {
    if ["main", "article", "body", "p", "h1"].iter().any(|name| node.has_name(name)) {
        return false;
    }
    let named = |name: Option<String>| name.is_some_and(|name| is_aside_name(&name));
    (named(node.class().map(|name| name.to_string())) || named(node.id_attr().map(|name| name.to_string())))
        && node.text().trim().len() <= ASIDE_BYTES_MAX
}

/// Whether one of its words is of those: `article__share-bar`, `relatedLinks`.
fn is_aside_name(name: &str) -> bool {
    let mut words = name.split(|c: char| !c.is_alphanumeric()).flat_map(|part| {
        let mut ends: Vec<usize> =
            part.char_indices().skip(1).filter(|(_, c)| c.is_uppercase()).map(|(at, _)| at).collect();
        ends.push(part.len());
        let mut start = 0;
        ends.into_iter().map(move |end| {
            let word = part.get(start..end).unwrap_or_default();
            start = end;
            word.to_ascii_lowercase()
        })
    });
    words.any(|word| ASIDE_WORDS.contains(&word.as_str()))
}

/// A line of a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// Characters of it that stand in links.
    linked: usize,
    is_heading: bool,
    is_entry: bool,
}

/// The words of the extractor's article.
pub(super) fn text(html: &str, title: &str) -> String {
    let document = Document::fragment(html.to_owned());
    kept(lines(&document.root()), title)
}

/// The words of a page in which no article was found.
pub(super) fn rest(html: &str, title: &str) -> String {
    let document = Document::from(html.to_owned());
    document.select("head").remove();
    kept(lines(&document.root()), title)
}

fn kept(lines: Vec<Line>, title: &str) -> String {
    let title = letters(title);
    let mut kept: Vec<Line> = Vec::new();
    for line in lines {
        let first = kept.is_empty() && letters(&line.text) == title;
        // the cells of a table may be the same, sentences are not
        let repeated = line.text.chars().count() > REPEATED_CHARS_MIN
            && kept.last().is_some_and(|last| last.text == line.text);
        let dated = kept.len() < TOP_LINES && is_date_line(&line.text);
        if !first && !repeated && !dated && !leads_elsewhere(&line) {
            kept.push(line);
        }
    }
    while kept.last().is_some_and(|last| last.is_heading) {
        kept.pop();
    }
    // a heading over what was taken out stands over another heading
    let mut out: Vec<&str> = Vec::with_capacity(kept.len());
    for (at, line) in kept.iter().enumerate() {
        let empty = line.is_heading && kept.get(at + 1).is_some_and(|next| next.is_heading) && at > 0;
        if !empty {
            out.push(&line.text);
        }
    }
    out.join("\n")
}

/// `Published Monday, 6 May 2024 8:22AM EST`.
fn is_date_line(text: &str) -> bool {
    const DATE_LINE_CHARS_MAX: usize = 60;
    text.chars().count() < DATE_LINE_CHARS_MAX && !text.ends_with('.') && published::holds_date(text)
}

fn leads_elsewhere(line: &Line) -> bool {
    let length = line.text.chars().count();
    if !line.text.chars().any(char::is_alphanumeric) {
        return true;
    }
    let finished =
        line.text.trim_end_matches(['"', '”', '»', ')', '’']).ends_with(['.', '!', '?', '…', '。']);
    if line.linked * 5 > length * 4 && length < LEAD_CHARS_MAX && (!finished || line.is_entry) {
        return true;
    }
    let lower: String = line.text.chars().take(40).flat_map(char::to_lowercase).collect();
    let is_lead = length < LEAD_CHARS_MAX
        && LEADS.iter().any(|lead| lower.starts_with(lead))
        && (line.linked > 0 || !finished || length < 80);
    is_lead || is_credit(&line.text, length)
}

/// `(Image: Wire)`, `Ann Lee | Getty Images`.
fn is_credit(text: &str, length: usize) -> bool {
    let lower = text.to_lowercase();
    let agency = [
        "getty images",
        "(image:",
        "(ap photo",
        "photo by",
        "image credit",
        "shutterstock",
        "© ",
        "photograph:",
        "file photo",
    ];
    length < 140 && agency.iter().any(|mark| lower.contains(mark)) && !text.contains(". ")
        || length < 250 && (lower.contains("(image: ") || lower.contains("(ap photo")) && text.ends_with(')')
}

/// The lines of what is below a node, a block each.
pub(super) fn lines(node: &NodeRef<'_>) -> Vec<Line> {
    let mut out = Vec::new();
    let mut line = Line::default();
    walk(node, Around::default(), &mut line, &mut out);
    finish(&mut line, &mut out);
    out
}

#[derive(Clone, Copy, Default)]
struct Around {
    link: bool,
    heading: bool,
    entry: bool,
}

fn walk(node: &NodeRef<'_>, around: Around, line: &mut Line, out: &mut Vec<Line>) {
    for child in node.children_it(false) {
        if child.is_text() {
            let text = child.text();
            if around.link {
                line.linked += text.split_whitespace().map(|word| word.chars().count() + 1).sum::<usize>();
            }
            line.is_heading |= around.heading && !text.trim().is_empty();
            line.is_entry |= around.entry;
            line.text.push_str(&text);
            continue;
        }
        let Some(name) = child.node_name() else { continue };
        match name.as_ref() {
            "script" | "style" | "noscript" | "template" | "head" | "svg" | "iframe" | "button"
            | "select" | "option" | "textarea" => {}
            "br" => finish(line, out),
            "a" => walk(&child, Around { link: true, ..around }, line, out),
            "b" | "i" | "em" | "strong" | "span" | "u" | "sup" | "sub" | "small" | "cite" | "q" | "font"
            | "abbr" | "mark" | "time" | "code" | "label" | "ins" | "del" | "s" | "kbd" | "bdi" | "bdo"
            | "wbr" | "data" | "dfn" | "var" | "img" => {
                walk(&child, around, line, out);
            }
            name => {
                let heading = around.heading || matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6");
                let entry = around.entry || name == "li";
                finish(line, out);
                walk(&child, Around { heading, entry, ..around }, line, out);
                finish(line, out);
            }
        }
    }
}

fn finish(line: &mut Line, out: &mut Vec<Line>) {
    let done = std::mem::take(line);
    let text = clean::line(&done.text);
    if !text.is_empty() {
        out.push(Line { text, ..done });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &str) {
        assert_eq!(text(html, "Crane falls"), expected, "{html}");
    }

    #[test]
    fn lines_that_lead_elsewhere_are_left_out() {
        check(
            "<h1>Crane falls</h1><p>The <a href=x>harbour</a> is closed.</p><p>Read more: <a href=y>Ships wait</a></p>\
             <ul><li><a href=z>Another crane fell last year</a></li></ul><p>Ships<br>wait.</p><p>___</p><h2>More news</h2>",
            "The harbour is closed.\nShips\nwait.",
        );
    }

    #[test]
    fn a_date_on_top_is_left_out_and_cells_are_not() {
        check(
            "<p>Published May 6, 2024</p><table><tr><td>0</td><td>0</td><td>0</td></tr></table><p>May 6, 2024</p>",
            "0\n0\n0\nMay 6, 2024",
        );
    }

    #[test]
    fn credits_are_left_out() {
        check(
            "<p>The crane lies in the water (Image: WIRE)</p><p>It fell at noon.</p><p>Ann Lee | Getty Images</p>",
            "It fell at noon.",
        );
    }

    #[test]
    fn names_are_words() {
        assert!(
            is_aside_name("article__share-bar")
                && is_aside_name("relatedLinks x")
                && is_aside_name("Caption")
        );
        assert!(!is_aside_name("shareholders-page") && !is_aside_name("story body"));
    }

    #[test]
    fn what_is_called_so_but_is_the_page_stays() {
        let long = "The harbour is closed. ".repeat(100);
        let document =
            Document::from(format!("<body><div class=related>{long}</div><div class=related>x</div></body>"));
        prune(&document);
        assert_eq!(document.select("div").length(), 1);
    }
}
