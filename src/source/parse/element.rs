//! What a single element says of its feed or item. Pure.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use url::Url;

use super::{
    draft::{Draft, Person, Words},
    entity::{self, Own},
    names::{Kind, Space},
    repair::{Walk, address},
    repairs::Repair,
    scan::{Scanner, Tag, Token},
};
use crate::source::{clean, date};

/// An element whose content is being read over.
pub(super) struct Capture<'a> {
    pub(super) kind: Kind,
    pub(super) tag: Tag<'a>,
    /// Where its content begins.
    pub(super) start: usize,
    /// Elements of the same name that are open, itself included.
    pub(super) depth: usize,
    /// Items that are open in it: a whole feed may stand in an entry's content.
    pub(super) items: usize,
    /// It has elements in it.
    pub(super) elements: bool,
}

impl<'a> Walk<'a> {
    /// Takes in the element that ends here.
    pub(super) fn commit(&mut self, end: usize) {
        let Some(capture) = self.capture.take() else { return };
        let raw = self.source.get(capture.start..end).unwrap_or("");
        let tag = &capture.tag;
        match capture.kind {
            Kind::Nothing | Kind::Unknown | Kind::Item | Kind::Around => {}
            Kind::Title(rank) => {
                let words = self.words(&capture, raw);
                self.draft(|draft| draft.title.offer(rank, words));
            }
            Kind::Summary(rank) => {
                let words = self.words(&capture, raw);
                self.draft(|draft| draft.summary.offer(rank, words));
            }
            Kind::Content(rank) => {
                self.note_language(tag);
                let words = self.words(&capture, raw);
                self.draft(|draft| draft.content.offer(rank, words));
            }
            Kind::Link => self.commit_link(tag, raw),
            Kind::OwnLink => {
                if let Some(address) = self.address(&self.line(raw)) {
                    self.draft(|draft| draft.link.offer_last(0, address));
                }
            }
            Kind::Id => self.commit_id(tag, raw),
            Kind::Published(rank) => {
                let at = self.date(raw);
                self.draft(|draft| draft.published.offer(rank, at));
            }
            Kind::Updated(rank) => {
                let at = self.date(raw);
                self.draft(|draft| draft.updated.offer(rank, at));
            }
            Kind::Author(rank) => {
                let person = self.person(&capture, raw);
                self.draft(|draft| draft.author(rank, person));
            }
            Kind::Category => {
                let named = ["term", "text"].iter().find_map(|name| tag.attribute(name));
                let named = named.map(|term| entity::plain(term, &self.own));
                let category = named.unwrap_or_else(|| {
                    let text = self.words(&capture, raw);
                    text.map(|words| clean::html_line(&words.read(&self.own))).unwrap_or_default()
                });
                self.draft(|draft| draft.category(category));
            }
            Kind::Enclosure => {
                let address = tag.attribute("url").or_else(|| tag.attribute("href"));
                let address = address.and_then(|url| self.address(&entity::plain(url, &self.own)));
                self.draft(|draft| draft.enclosure(address));
                self.look_inside(raw);
            }
            Kind::Language => {
                let language = self.line(raw);
                if !language.is_empty() {
                    self.draft(|draft| draft.language.offer(0, language));
                }
            }
            Kind::Ttl => self.out.pace.ttl(raw),
            Kind::Period => self.period = Some(self.line(raw)),
            Kind::Frequency => self.frequency = Some(self.line(raw)),
            Kind::SkipHour => self.out.pace.skip_hour(raw),
            Kind::SkipDay => self.out.pace.skip_day(raw),
        }
    }

    fn draft(&mut self, change: impl FnOnce(&mut Draft<'a>)) {
        change(self.item.as_mut().unwrap_or(&mut self.feed));
    }

    /// A value of one line, without its markup.
    fn line(&self, raw: &'a str) -> String {
        clean::line(&Words::Plain(raw).read(&self.own))
    }

    fn date(&mut self, raw: &'a str) -> Option<Timestamp> {
        let said = self.line(raw);
        let at = date::parse(&said);
        if at.is_none() && !said.is_empty() {
            self.note_repair(Repair::Dates);
        }
        at
    }

    fn note_language(&mut self, tag: &Tag<'a>) {
        if let Some(language) = language_of(tag, &self.own) {
            self.draft(|draft| draft.language.offer(1, language));
        }
    }

    fn commit_link(&mut self, tag: &Tag<'a>, raw: &'a str) {
        let Some(href) = tag.attribute("href") else {
            if let Some(address) = self.address(&self.line(raw)) {
                let rank = if self.format == "atom" { 2 } else { 0 };
                self.draft(|draft| draft.link.offer_last(rank, address));
            }
            return;
        };
        let href = entity::plain(href, &self.own);
        let base = base_of(tag, self.base(), &self.own);
        let Some(address) = address(&href, base.as_ref()) else { return };
        let rel = tag.attribute("rel").map(str::trim).unwrap_or_default();
        let rel = rel.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let page = tag.attribute("type").is_none_or(|kind| kind.contains("html"));
        match rel.as_str() {
            "" if self.usual() == Space::Rss && !tag.name.contains(':') => {
                self.draft(|draft| draft.link.offer_last(0, address));
            }
            "" | "alternate" => self.draft(|draft| draft.link.offer(if page { 1 } else { 2 }, address)),
            "enclosure" => self.draft(|draft| draft.enclosure(address)),
            "hub" if self.item.is_none() => _ = self.out.hub.get_or_insert(address),
            "self" if self.item.is_none() => _ = self.out.own_url.get_or_insert(address),
            _ => {}
        }
    }

    fn commit_id(&mut self, tag: &Tag<'a>, raw: &'a str) {
        let id = self.line(raw);
        if id.is_empty() {
            return;
        }
        let permalink = self.format != "atom"
            && !tag.attribute("isPermaLink").is_some_and(|is| is.trim().eq_ignore_ascii_case("false"));
        let address = permalink.then(|| address(&id, None)).flatten();
        self.draft(|draft| {
            draft.id.offer(0, id);
            draft.link.offer(2, address);
        });
    }

    fn person(&self, capture: &Capture<'a>, raw: &'a str) -> Person {
        if !capture.elements {
            return Person::parse(&Words::Html(raw).read(&self.own));
        }
        let mut person = Person::default();
        let mut scanner = Scanner::new(raw);
        let mut name = "";
        loop {
            let at = scanner.at();
            match scanner.next() {
                None => break,
                Some(Token::Start(tag)) => name = tag.local(),
                Some(Token::End(_)) => name = "",
                Some(Token::Text(_) | Token::Literal(_)) => {
                    let text = self.line(raw.get(at..scanner.at()).unwrap_or(""));
                    match name {
                        "name" => person.name.push_str(&text),
                        "email" | "mail" => person.mail.push_str(&text),
                        _ => {}
                    }
                }
            }
        }
        if person == Person::default() { Person::parse(raw) } else { person }
    }

    /// `media:content` has titles, texts and others of its kind in it.
    fn look_inside(&mut self, raw: &'a str) {
        for token in Scanner::new(raw) {
            if let Token::Start(tag) = token
                && self.spaces.kind(&tag, self.usual()) == Kind::Enclosure
                && let Some(url) = tag.attribute("url")
                && let Some(address) = self.address(&entity::plain(url, &self.own))
            {
                self.draft(|draft| draft.enclosure(address));
            }
        }
    }

    /// The text of an element, by what it says of its type.
    fn words(&self, capture: &Capture<'a>, raw: &'a str) -> Option<Words<'a>> {
        if raw.trim().is_empty() {
            return None;
        }
        let form = self.form(capture, raw);
        let words = match form {
            Form::Plain => Words::Plain(raw),
            Form::Html => Words::Html(raw),
            Form::Markup => Words::Markup(raw),
            Form::Base64 => from_base64(&self.line(raw))?,
        };
        let base = base_of(&capture.tag, self.base(), &self.own);
        // addresses in all other texts are resolved when they are read
        if words != Words::Plain(raw) && base.as_ref() != self.got_at {
            let html = clean::sound_html(&words.read(&self.own), base.as_ref());
            return Some(Words::ReadHtml(html));
        }
        Some(words)
    }

    fn form(&self, capture: &Capture<'a>, raw: &str) -> Form {
        let tag = &capture.tag;
        let kind = tag.attribute("type").map(|kind| kind.trim().to_ascii_lowercase());
        let mode = tag.attribute("mode").map(|mode| mode.trim().to_ascii_lowercase());
        let by_nature = if capture.elements { Form::Markup } else { Form::Html };
        if mode.as_deref() == Some("base64") {
            return Form::Base64;
        }
        let Some(kind) = kind.as_deref().or((self.format == "atom").then_some("")) else {
            return by_nature;
        };
        match kind {
            _ if capture.elements => Form::Markup,
            "xhtml" | "application/xhtml+xml" if mode.as_deref() != Some("escaped") => Form::Markup,
            _ if kind.contains("html") => Form::Html,
            // what authors call text is often HTML all the same
            _ if kind.is_empty() || kind.starts_with("text") || mode.is_some() => {
                let marked = ["&lt;/", "&lt;br", "</"].iter().any(|mark| raw.contains(mark));
                if marked { Form::Html } else { Form::Plain }
            }
            _ if kind.ends_with("xml") => Form::Html,
            _ if kind.contains('/') => Form::Base64,
            _ => Form::Plain,
        }
    }
}

enum Form {
    Plain,
    Html,
    Markup,
    Base64,
}

/// Pictures and recordings are no words.
fn from_base64(text: &str) -> Option<Words<'static>> {
    let packed: String = text.split_whitespace().collect();
    let text = String::from_utf8(STANDARD.decode(packed).ok()?).ok()?;
    let binary = text.chars().any(|c| c < ' ' && !c.is_whitespace());
    (!binary).then_some(Words::ReadHtml(text))
}

pub(super) fn language_of(tag: &Tag<'_>, own: &Own<'_>) -> Option<String> {
    let language = clean::line(&entity::plain(tag.attribute("xml:lang")?, own));
    (!language.is_empty()).then_some(language)
}

pub(super) fn base_of(tag: &Tag<'_>, outer: Option<&Url>, own: &Own<'_>) -> Option<Url> {
    let inner = tag.attributes.contains("xml:base").then(|| tag.attribute("xml:base")).flatten();
    inner.and_then(|base| address(&entity::plain(base, own), outer)).or_else(|| outer.cloned())
}
