//! What is gathered of a feed or an item until it ends, and how it is written down for the parser: as Atom, the one
//! dialect in which nothing has to be guessed. Pure.

use jiff::Timestamp;
use memchr::memmem;
use url::Url;

use super::{
    entity::{self, Own},
    scan::{Scanner, Token, local},
};
use crate::source::clean;

/// Of the values that come in numbers (authors, categories, enclosures): most that are kept.
const VALUES_MAX: usize = 50;

/// The parser knows an entry's language only where the entry has a content; so it goes among the categories.
pub(super) const LANGUAGE_SCHEME: &str = "xml:lang";

/// A text as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Words<'a> {
    /// In the document, its entities unread: plain text.
    Plain(&'a str),
    /// In the document, its entities unread: HTML.
    Html(&'a str),
    /// Elements of the document.
    Markup(&'a str),
    /// Read already: plain text.
    ReadPlain(String),
    /// Read already: HTML.
    ReadHtml(String),
}

impl Words<'_> {
    fn is_html(&self) -> bool {
        !matches!(self, Self::Plain(_) | Self::ReadPlain(_))
    }

    /// Plain text, or HTML.
    pub(super) fn read(&self, own: &Own<'_>) -> String {
        let mut text = String::new();
        self.push(&mut text, own);
        text
    }

    fn push(&self, out: &mut String, own: &Own<'_>) {
        match self {
            Self::Plain(raw) | Self::Html(raw) => {
                for piece in Scanner::new(raw) {
                    match piece {
                        Token::Text(raw) => entity::push_plain(out, raw, own),
                        Token::Literal(raw) => entity::push_allowed(out, raw),
                        Token::Start(_) | Token::End(_) => {}
                    }
                }
            }
            Self::Markup(raw) => entity::push_allowed(out, &markup(raw, own)),
            Self::ReadPlain(text) | Self::ReadHtml(text) => entity::push_allowed(out, text),
        }
    }

    /// Whether it reads as it is written.
    fn is_bare(&self) -> bool {
        match self {
            Self::Plain(text) | Self::Html(text) => is_bare(text),
            Self::Markup(_) => false,
            Self::ReadPlain(text) | Self::ReadHtml(text) => is_bare(text),
        }
    }
}

fn is_bare(text: &str) -> bool {
    memchr::memchr2(b'<', b'&', text.as_bytes()).is_none()
}

/// Elements of the document as HTML, without the prefixes that their names have there.
fn markup(raw: &str, own: &Own<'_>) -> String {
    let mut out = String::with_capacity(raw.len());
    for piece in Scanner::new(raw) {
        match piece {
            Token::Text(raw) => entity::push_text(&mut out, raw, own),
            Token::Literal(raw) => entity::push_literal(&mut out, raw),
            Token::Start(tag) => {
                out.push('<');
                out.push_str(tag.local());
                let attributes = tag.attributes.trim();
                if !attributes.is_empty() {
                    out.push(' ');
                    out.push_str(attributes);
                }
                out.push_str(if tag.empty { "/>" } else { ">" });
            }
            Token::End(name) => {
                out.push_str("</");
                out.push_str(local(name));
                out.push('>');
            }
        }
    }
    out
}

/// A value and its rank: the lowest wins.
#[derive(Clone, Debug)]
pub(super) struct Ranked<T>(Option<(u8, T)>);

impl<T> Default for Ranked<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Ranked<T> {
    /// Of equals the first stays; nothing is no offer.
    pub(super) fn offer(&mut self, rank: u8, value: impl Into<Option<T>>) {
        let Some(value) = value.into() else { return };
        if self.0.as_ref().is_none_or(|(best, _)| rank < *best) {
            self.0 = Some((rank, value));
        }
    }

    /// Of equals the last stays.
    pub(super) fn offer_last(&mut self, rank: u8, value: T) {
        if self.0.as_ref().is_none_or(|(best, _)| rank <= *best) {
            self.0 = Some((rank, value));
        }
    }

    pub(super) fn get(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, value)| value)
    }
}

/// A name, a mail address, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) mail: String,
}

impl Person {
    /// Reads `Name`, `mail`, `mail (Name)`, `Name (mail)` and `Name <mail>`.
    pub(super) fn parse(text: &str) -> Self {
        let text = clean::line(text);
        let (outer, inner) = match text.split_once(['(', '<']) {
            Some((outer, inner)) => (outer.trim(), inner.trim_end_matches([')', '>', ' ']).trim()),
            None => (text.as_str(), ""),
        };
        let is_mail = |text: &str| text.contains('@') && !text.contains(' ');
        let (name, mail) = match (is_mail(outer), is_mail(inner)) {
            (true, _) => (inner, outer),
            (false, true) => (outer, inner),
            (false, false) => (text.as_str(), ""),
        };
        Self { name: clean::html_line(name), mail: mail.strip_prefix("mailto:").unwrap_or(mail).to_owned() }
    }
}

/// What is known of a feed or an item.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft<'a> {
    pub(super) title: Ranked<Words<'a>>,
    pub(super) link: Ranked<Url>,
    pub(super) id: Ranked<String>,
    pub(super) published: Ranked<Timestamp>,
    pub(super) updated: Ranked<Timestamp>,
    pub(super) authors: Vec<(u8, Person)>,
    pub(super) categories: Vec<String>,
    pub(super) enclosures: Vec<Url>,
    pub(super) summary: Ranked<Words<'a>>,
    pub(super) content: Ranked<Words<'a>>,
    pub(super) language: Ranked<String>,
}

impl Draft<'_> {
    pub(super) fn author(&mut self, rank: u8, person: Person) {
        let best = self.authors.first().map_or(rank, |(best, _)| *best);
        if rank < best {
            self.authors.clear();
        }
        let empty = person.name.is_empty() && person.mail.is_empty();
        if rank <= best && !empty && self.authors.len() < VALUES_MAX {
            self.authors.push((rank, person));
        }
    }

    pub(super) fn category(&mut self, category: String) {
        if self.categories.len() < VALUES_MAX && !category.trim().is_empty() {
            self.categories.push(category);
        }
    }

    pub(super) fn enclosure(&mut self, address: impl Into<Option<Url>>) {
        let Some(address) = address.into() else { return };
        if self.enclosures.len() < VALUES_MAX && !self.enclosures.contains(&address) {
            self.enclosures.push(address);
        }
    }

    /// A feed's begin, up to its first entry.
    pub(super) fn head(&self, own: &Own<'_>) -> String {
        let mut out = String::from("<feed xmlns=\"http://www.w3.org/2005/Atom\"");
        if let Some(language) = self.language.get() {
            out.push_str(" xml:lang=\"");
            entity::push_value(&mut out, &language.replace('_', "-"));
            out.push('"');
        }
        out.push('>');
        push_words(&mut out, "title", self.title.get(), own);
        push_words(&mut out, "subtitle", self.summary.get(), own);
        self.push_link(&mut out);
        push_time(&mut out, "updated", self.updated.get().or(self.published.get()));
        out
    }

    /// An entry.
    pub(super) fn push_entry(&self, out: &mut String, own: &Own<'_>) {
        out.push_str("<entry>");
        if let Some(id) = self.id.get() {
            out.push_str("<id>");
            entity::push_literal(out, id);
            out.push_str("</id>");
        }
        push_words(out, "title", self.title.get(), own);
        self.push_link(out);
        push_time(out, "published", self.published.get());
        push_time(out, "updated", self.updated.get());
        for (_, person) in &self.authors {
            out.push_str("<author>");
            for (name, value) in [("name", &person.name), ("email", &person.mail)] {
                if !value.is_empty() {
                    push_element(out, name, value);
                }
            }
            out.push_str("</author>");
        }
        for category in &self.categories {
            out.push_str("<category term=\"");
            entity::push_value(out, category);
            out.push_str("\"/>");
        }
        if let Some(language) = self.language.get() {
            out.push_str("<category scheme=\"");
            out.push_str(LANGUAGE_SCHEME);
            out.push_str("\" term=\"");
            entity::push_value(out, language);
            out.push_str("\"/>");
        }
        for address in &self.enclosures {
            out.push_str("<link rel=\"enclosure\" href=\"");
            entity::push_value(out, address.as_str());
            out.push_str("\"/>");
        }
        push_words(out, "summary", self.summary.get(), own);
        push_words(out, "content", self.content.get(), own);
        out.push_str("</entry>");
    }

    fn push_link(&self, out: &mut String) {
        if let Some(address) = self.link.get() {
            out.push_str("<link rel=\"alternate\" href=\"");
            entity::push_value(out, address.as_str());
            out.push_str("\"/>");
        }
    }
}

fn push_element(out: &mut String, name: &str, text: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    entity::push_literal(out, text);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn push_time(out: &mut String, name: &str, at: Option<&Timestamp>) {
    if let Some(at) = at {
        push_element(out, name, &at.to_string());
    }
}

fn push_words(out: &mut String, name: &str, words: Option<&Words<'_>>, own: &Own<'_>) {
    let Some(words) = words else { return };
    let start = out.len();
    out.push('<');
    out.push_str(name);
    out.push_str(if words.is_html() { " type=\"html\"" } else { " type=\"text\"" });
    out.push('>');
    let bare = words.is_bare();
    if !bare {
        out.push_str(OPEN);
    }
    let open = out.len();
    words.push(out, own);
    if out.get(open..).is_none_or(|text| text.trim().is_empty()) {
        // the parser refuses a feed for an element without a word
        out.truncate(start);
        return;
    }
    if !bare {
        close_section(out, open);
    }
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// A text with markup in it goes to the parser as one piece: mark by mark would take it twice the time.
const OPEN: &str = "<![CDATA[";
const CLOSE: &str = "]]>";

/// Ends a section that begins at `open`, and that its own text must not end.
fn close_section(out: &mut String, open: usize) {
    if out.as_bytes().get(open..).is_some_and(|text| memmem::find(text, CLOSE.as_bytes()).is_some()) {
        let text = out.split_off(open);
        out.push_str(&text.replace(CLOSE, "]]]]><![CDATA[>"));
    }
    out.push_str(CLOSE);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, name: &str, mail: &str) {
        assert_eq!(Person::parse(text), Person { name: name.to_owned(), mail: mail.to_owned() }, "{text}");
    }

    #[test]
    fn people_are_written_in_many_ways() {
        check("Ann Lee", "Ann Lee", "");
        check("ann@a.example", "", "ann@a.example");
        check("ann@a.example (Ann Lee)", "Ann Lee", "ann@a.example");
        check("Ann Lee <ann@a.example>", "Ann Lee", "ann@a.example");
        check("Ann Lee (ann@a.example)", "Ann Lee", "ann@a.example");
        check("<i>Ann</i> &amp; Lee", "Ann & Lee", "");
        check("Ann Lee (Agency)", "Ann Lee (Agency)", "");
    }

    #[test]
    fn the_lowest_rank_wins() {
        let mut ranked = Ranked::default();
        for (rank, value) in [(2, "c"), (1, "a"), (1, "b")] {
            ranked.offer(rank, value);
        }
        assert_eq!(ranked.get(), Some(&"a"));
        ranked.offer_last(1, "d");
        assert_eq!(ranked.get(), Some(&"d"));
    }

    #[test]
    fn a_text_cannot_end_its_section() {
        let mut out = String::new();
        push_words(
            &mut out,
            "title",
            Some(&Words::Html("<![CDATA[<a>]]]]>&gt;<b>\u{7}&#7;")),
            &Own::read(""),
        );
        assert_eq!(out, "<title type=\"html\"><![CDATA[<a>]]]]><![CDATA[>]]></title>");
    }

    #[test]
    fn an_entry_is_written_as_atom() {
        let mut draft = Draft::default();
        draft.title.offer(0, Words::Html("A <![CDATA[<b>]]>&amp;amp; B"));
        draft.summary.offer(0, Words::Markup("x &lt; <h:i a='b'>y</h:i>"));
        draft.content.offer(0, Words::Html(" "));
        draft.link.offer(0, Url::parse("https://a.example/?a=1&b=2").unwrap());
        let mut out = String::new();
        draft.push_entry(&mut out, &Own::read(""));
        assert_eq!(
            out,
            "<entry><title type=\"html\"><![CDATA[A <b>&amp; B]]></title>\
             <link rel=\"alternate\" href=\"https://a.example/?a=1&amp;b=2\"/>\
             <summary type=\"html\"><![CDATA[x &lt; <i a='b'>y</i>]]></summary></entry>"
        );
    }
}
