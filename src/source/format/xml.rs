//! XML as a small tree, for agencies' formats and office documents. Entities of a document's own are not expanded; what
//! follows a fault is lost, what stood before it is kept. Only user of `quick_xml`.

use html_escape::decode_html_entities;
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use crate::source::clean;

/// Elements may stand in each other so deep.
const DEPTH_MAX: usize = 200;

/// Elements and texts of one document.
const NODES_MAX: usize = 400_000;

/// An element; names are without their prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Element(Element),
    Text(String),
}

/// A document as far as it could be read.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) root: Element,
    /// Why it could not be read to its end.
    pub(super) broken: Option<String>,
}

/// Reads a document; `Err` where nothing can be made of it.
pub(super) fn parse(text: &str) -> Result<Document, String> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut nodes = 0;
    let broken = loop {
        nodes += 1;
        if nodes > NODES_MAX {
            return Err(format!("it has more than the {NODES_MAX} elements that are read"));
        }
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                if open.len() >= DEPTH_MAX {
                    return Err(format!("its elements stand more than {DEPTH_MAX} deep in each other"));
                }
                open.push(element(&start));
            }
            Ok(Event::Empty(start)) => close(&mut open, &mut root, element(&start)),
            Ok(Event::End(_)) => {
                if let Some(done) = open.pop() {
                    close(&mut open, &mut root, done);
                }
            }
            Ok(Event::Text(text)) => push_text(&mut open, &text.xml10_content()),
            Ok(Event::CData(text)) => push_text(&mut open, &text.xml10_content()),
            Ok(Event::GeneralRef(entity)) => {
                let written = format!("&{};", entity.xml10_content());
                let read = decode_html_entities(&written);
                // what is not known by name is an entity of the document's own: it says nothing
                if read != written {
                    push_text(&mut open, &read);
                }
            }
            Ok(Event::DocType(doctype)) => {
                if doctype.xml10_content().contains("<!ENTITY") {
                    return Err("it defines XML entities of its own, which are not expanded".to_owned());
                }
            }
            Ok(Event::Eof) if open.is_empty() => break None,
            Ok(Event::Eof) => break Some("it ends before its elements do".to_owned()),
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_)) => {}
            Err(error) => break Some(format!("it is not sound XML: {}", clean::line(&error.to_string()))),
        }
    };
    while let Some(cut) = open.pop() {
        close(&mut open, &mut root, cut);
    }
    match (root, broken) {
        (Some(root), broken) => Ok(Document { root, broken }),
        (None, Some(broken)) => Err(broken),
        (None, None) => Err("it is XML without an element".to_owned()),
    }
}

fn close(open: &mut [Element], root: &mut Option<Element>, done: Element) {
    match open.last_mut() {
        Some(parent) => parent.nodes.push(Node::Element(done)),
        None if root.is_none() => *root = Some(done),
        None => {}
    }
}

fn push_text(open: &mut [Element], text: &str) {
    let Some(parent) = open.last_mut() else { return };
    match parent.nodes.last_mut() {
        Some(Node::Text(before)) => before.push_str(text),
        _ => parent.nodes.push(Node::Text(text.to_owned())),
    }
}

fn element(start: &BytesStart<'_>) -> Element {
    let mut attributes = start.attributes();
    attributes.with_checks(false);
    let attributes = attributes.flatten().map(|attribute| {
        let name = attribute.key.local_name();
        (name.as_ref().to_owned(), decode_html_entities(&attribute.value).into_owned())
    });
    Element {
        name: start.local_name().as_ref().to_owned(),
        attributes: attributes.collect(),
        nodes: Vec::new(),
    }
}

impl Element {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// An attribute that says something.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    pub(super) fn children(&self) -> impl Iterator<Item = &Element> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children().find(|child| child.is(name))
    }

    /// The first element on a way of names from here.
    pub(super) fn at(&self, way: &[&str]) -> Option<&Element> {
        match way {
            [] => Some(self),
            [name, rest @ ..] => {
                self.children().filter(|child| child.is(name)).find_map(|child| child.at(rest))
            }
        }
    }

    /// Elements of a name anywhere below, in the document's order.
    pub(super) fn below<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.all_below().filter(move |element| element.is(name))
    }

    fn all_below(&self) -> impl Iterator<Item = &Element> {
        let mut waiting: Vec<&Element> = self.children().collect();
        waiting.reverse();
        std::iter::from_fn(move || {
            let next = waiting.pop()?;
            let at = waiting.len();
            waiting.extend(next.children());
            waiting.get_mut(at..).unwrap_or_default().reverse();
            Some(next)
        })
    }

    /// All words in it as one line.
    pub(super) fn line(&self) -> String {
        let mut out = String::new();
        self.push_words(&mut out, &|_| Flow::Inline);
        clean::line(&out)
    }

    /// The words as they are, with the line breaks of the document itself.
    pub(super) fn raw(&self) -> String {
        let mut out = String::new();
        self.push_raw(&mut out);
        out
    }

    fn push_raw(&self, out: &mut String) {
        for node in &self.nodes {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Element(element) => element.push_raw(out),
            }
        }
    }

    /// The words below, a line a paragraph, as `flow` says of each element.
    pub(super) fn paragraphs(&self, flow: &dyn Fn(&Element) -> Flow) -> String {
        let mut out = String::new();
        self.push_words(&mut out, flow);
        let lines: Vec<String> = out.lines().map(clean::line).filter(|line| !line.is_empty()).collect();
        lines.join("\n")
    }

    fn push_words(&self, out: &mut String, flow: &dyn Fn(&Element) -> Flow) {
        for node in &self.nodes {
            match node {
                Node::Text(text) => {
                    out.extend(text.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
                }
                Node::Element(element) => match flow(element) {
                    Flow::Inline => element.push_words(out, flow),
                    Flow::Block => {
                        out.push('\n');
                        element.push_words(out, flow);
                        out.push('\n');
                    }
                    Flow::Skip => {}
                },
            }
        }
    }
}

/// What an element is to the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Inline,
    Block,
    Skip,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: &str) {
        assert_eq!(parse(raw).unwrap().root.line(), expected, "{raw}");
    }

    fn refused(raw: &str, expected: &str) {
        let fault = parse(raw).unwrap_err();
        assert!(fault.contains(expected), "{fault}");
    }

    #[test]
    fn words() {
        check(
            "<a>Rain &amp; <b x='1'>sun</b> &#233;&nbsp;<![CDATA[<fog>]]><!-- no --></a>",
            "Rain & sun é <fog>",
        );
        check("<a>one &own; two & three</a>", "one two & three");
    }

    #[test]
    fn a_cut_document_keeps_its_start() {
        let document = parse("<a><b>one</b><b>tw").unwrap();
        assert_eq!(document.root.line(), "onetw");
        assert!(document.broken.is_some());
    }

    #[test]
    fn bombs_are_refused() {
        refused("<!DOCTYPE a [<!ENTITY b 'cc'>]><a>&b;</a>", "entities of its own");
        refused(&"<a>".repeat(DEPTH_MAX + 1), "deep");
        refused(&format!("<a>{}</a>", "<b/>".repeat(NODES_MAX)), "elements");
        refused("", "without an element");
    }

    #[test]
    fn ways_lead_down() {
        let document = parse("<a><b/><x:b><c d='e'>f</c></x:b><b><c>g</c></b></a>").unwrap();
        let found = document.root.at(&["b", "c"]).unwrap();
        assert_eq!((found.attribute("D"), found.line().as_str()), (Some("e"), "f"));
        assert_eq!(document.root.below("c").count(), 2);
    }
}
