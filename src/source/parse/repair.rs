//! What the world's feeds get wrong, put right before the parser sees it: one pass over the document gathers what it
//! says of the feed and of each item, and writes that down in the dialect that the parser reads best. Pure.

use std::io::Read;

use url::Url;

use super::{
    ENTRIES_MAX, Pace,
    draft::Draft,
    element::{Capture, base_of, language_of},
    entity::{self, Own},
    json,
    names::{Kind, Space, Spaces},
    repairs::{Repair, Repairs},
    scan::{self, Scanner, Tag, Token},
    sitemap,
};
use crate::source::clean;

/// Why a document is not given to the parser.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unfit {
    /// Nothing there.
    #[error("it is empty")]
    Empty,
    /// A page for people.
    #[error("it is a web page, not a feed; `inspect page` reads it, and its own address may name the feed")]
    WebPage,
    /// No root element that is known.
    #[error("it is no feed: no RSS, Atom, RDF or JSON Feed begins in it")]
    NoFeed,
    /// JSON that is broken from its beginning on, or nested beyond reason.
    #[error("it is no JSON that can be read: {0}")]
    Json(String),
}

/// A document made fit for the parser.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Repaired {
    /// `rss`, `atom`, `rdf` or `json`.
    pub(super) format: &'static str,
    /// The feed up to its first entry.
    pub(super) head: String,
    /// The entries, one after the other.
    pub(super) entries: String,
    /// Where each entry ends.
    pub(super) ends: Vec<usize>,
    /// Elements `item` and `entry` that were seen.
    pub(super) items: usize,
    /// What the feed asks for.
    pub(super) pace: Pace,
    /// Where it can be subscribed to.
    pub(super) hub: Option<Url>,
    /// The address by which its hub knows it.
    pub(super) own_url: Option<Url>,
    /// What was put right.
    pub(super) repairs: Repairs,
}

const TAIL: &str = "</feed>";

impl Repaired {
    /// The whole feed.
    pub(super) fn whole(&self) -> impl Read + '_ {
        self.with(&self.entries)
    }

    /// The feed with one entry alone.
    pub(super) fn single(&self, number: usize) -> impl Read + '_ {
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(number).copied().unwrap_or(start);
        self.with(self.entries.get(start..end).unwrap_or(""))
    }

    fn with<'a>(&'a self, entries: &'a str) -> impl Read + 'a {
        self.head.as_bytes().chain(entries.as_bytes()).chain(TAIL.as_bytes())
    }
}

/// Makes a decoded document fit for the parser. `base` is where it was got.
pub(super) fn repair(text: &str, base: Option<&Url>) -> Result<Repaired, Unfit> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    if text.is_empty() {
        return Err(Unfit::Empty);
    }
    if text.starts_with('{') {
        return json::repair(text, base);
    }
    let root = root(text)?;
    let (prologue, text) = text.split_at_checked(root).unwrap_or(("", text));
    let mut walk = Walk::new(text, prologue, base);
    if Scanner::new(prologue).any(|token| !matches!(token, Token::Text(text) if text.trim().is_empty())) {
        walk.note_repair(Repair::Junk);
    }
    walk.run();
    Ok(walk.end())
}

/// Where the root element begins, if it is a sitemap's.
pub(super) fn sitemap_root(text: &str) -> Option<usize> {
    let mut scanner = Scanner::new(text);
    loop {
        let at = scanner.at();
        if let Token::Start(tag) = scanner.next()? {
            return sitemap::is_root(tag.local()).then_some(at);
        }
    }
}

const ROOTS: [&str; 6] = ["rss", "feed", "rdf", "channel", "entry", "item"];

/// Where the root element begins: declaration, doctype and whatever a server wrote before it are not needed.
fn root(text: &str) -> Result<usize, Unfit> {
    let mut page = false;
    let mut scanner = Scanner::new(text);
    loop {
        let at = scanner.at();
        match scanner.next() {
            Some(Token::Start(tag)) => {
                let local = tag.local();
                if ROOTS.iter().any(|root| local.eq_ignore_ascii_case(root)) {
                    return Ok(at);
                }
                page |= local.eq_ignore_ascii_case("html") || local.eq_ignore_ascii_case("body");
            }
            Some(_) => {}
            None => return Err(if page { Unfit::WebPage } else { Unfit::NoFeed }),
        }
    }
}

/// The pass over a document.
pub(super) struct Walk<'a> {
    pub(super) source: &'a str,
    pub(super) scanner: Scanner<'a>,
    pub(super) spaces: Spaces<'a>,
    pub(super) own: Own<'a>,
    pub(super) format: &'static str,
    pub(super) root: &'a str,
    pub(super) feed: Draft<'a>,
    pub(super) item: Option<Draft<'a>>,
    pub(super) feed_base: Option<Url>,
    pub(super) item_base: Option<Url>,
    pub(super) got_at: Option<&'a Url>,
    pub(super) capture: Option<Capture<'a>>,
    pub(super) frequency: Option<String>,
    pub(super) period: Option<String>,
    pub(super) out: Repaired,
}

impl<'a> Walk<'a> {
    fn new(source: &'a str, prologue: &'a str, base: Option<&'a Url>) -> Self {
        Self {
            source,
            scanner: Scanner::new(source),
            spaces: Spaces::default(),
            own: Own::read(prologue),
            format: "rss",
            root: "",
            feed: Draft::default(),
            item: None,
            feed_base: base.cloned(),
            item_base: None,
            got_at: base,
            capture: None,
            frequency: None,
            period: None,
            out: Repaired { entries: String::with_capacity(source.len()), ..Repaired::default() },
        }
    }

    fn run(&mut self) {
        loop {
            let at = self.scanner.at();
            let Some(token) = self.scanner.next() else { break };
            match token {
                Token::Start(tag) => self.begin(tag, at),
                Token::End(name) => {
                    if self.close(name, at) {
                        return;
                    }
                }
                Token::Text(_) | Token::Literal(_) => {}
            }
            if self.out.ends.len() >= ENTRIES_MAX {
                self.capture = None;
                return;
            }
        }
        self.cut_off();
    }

    /// The names that are used here without a prefix.
    pub(super) fn usual(&self) -> Space {
        if self.format == "atom" { Space::Atom } else { Space::Rss }
    }

    fn begin(&mut self, tag: Tag<'a>, at: usize) {
        self.spaces.learn(tag.attributes);
        let local = tag.local();
        let item = local.eq_ignore_ascii_case("item") || local.eq_ignore_ascii_case("entry");
        if self.root.is_empty() {
            self.begin_root(tag);
            if !item {
                return self.note(&tag);
            }
        }
        if let Some(capture) = &mut self.capture {
            // a feed's own elements hold no items: its end was forgotten
            if !(item && self.item.is_none()) {
                capture.elements = true;
                capture.depth += usize::from(tag.name == capture.tag.name && !tag.empty);
                capture.items += usize::from(item && !tag.empty);
                return;
            }
            self.note_repair(Repair::Ends);
            self.commit(at);
        }
        let kind = self.spaces.kind(&tag, self.usual());
        match kind {
            Kind::Item => self.begin_item(&tag),
            Kind::Around => self.note(&tag),
            Kind::Unknown if self.item.is_none() && !tag.name.contains(':') => {}
            _ => {
                let start = self.scanner.at();
                self.capture = Some(Capture { kind, tag, start, depth: 1, items: 0, elements: false });
                if tag.empty {
                    self.commit(start);
                }
            }
        }
    }

    fn begin_root(&mut self, tag: Tag<'a>) {
        self.root = tag.name;
        self.format = match tag.local().to_ascii_lowercase().as_str() {
            "feed" | "entry" => "atom",
            "rdf" => "rdf",
            _ => "rss",
        };
    }

    /// What an element around others says of all that is in it.
    fn note(&mut self, tag: &Tag<'a>) {
        if !tag.attributes.contains("xml:") {
            return;
        }
        let language = language_of(tag, &self.own);
        if let Some(item) = &mut self.item {
            item.language.offer(1, language);
        } else {
            self.feed.language.offer(1, language);
            self.feed_base = base_of(tag, self.feed_base.as_ref(), &self.own);
        }
    }

    fn begin_item(&mut self, tag: &Tag<'a>) {
        if self.item.is_some() {
            self.note_repair(Repair::Ends);
        }
        self.end_item();
        self.out.items += 1;
        let mut item = Draft::default();
        self.item_base = base_of(tag, self.feed_base.as_ref(), &self.own);
        item.language.offer(1, language_of(tag, &self.own));
        if let Some(about) = tag.attribute("rdf:about") {
            let about = clean::line(&entity::plain(about, &self.own));
            if let Some(address) = self.address(&about) {
                item.link.offer(3, address);
            }
            if !about.is_empty() {
                item.id.offer(1, about);
            }
        }
        self.item = Some(item);
        if tag.empty {
            self.end_item();
        }
    }

    fn end_item(&mut self) {
        if let Some(item) = self.item.take() {
            item.push_entry(&mut self.out.entries, &self.own);
            self.out.ends.push(self.out.entries.len());
        }
    }

    /// Whether the document is at its end.
    fn close(&mut self, name: &str, at: usize) -> bool {
        let local = scan::local(name);
        let item = local.eq_ignore_ascii_case("item") || local.eq_ignore_ascii_case("entry");
        let root = name == self.root;
        if let Some(capture) = &mut self.capture {
            if name == capture.tag.name {
                capture.depth -= 1;
                if capture.depth == 0 {
                    self.commit(at);
                }
                return false;
            }
            if item && capture.items > 0 {
                capture.items -= 1;
                return false;
            }
            let channel = local.eq_ignore_ascii_case("channel");
            if !(item && self.item.is_some() || channel || root) {
                return false;
            }
            self.note_repair(Repair::Ends);
            self.commit(at);
        }
        if item || root {
            self.end_item();
        }
        root
    }

    pub(super) fn note_repair(&mut self, repair: Repair) {
        self.out.repairs.note(repair);
    }

    /// Of a document that was cut off: drops the item that is not whole, if others are.
    fn cut_off(&mut self) {
        self.note_repair(Repair::Tail);
        if self.out.items > 1 {
            self.item = None;
            self.capture = None;
        }
        if self.capture.is_some() {
            self.commit(self.source.len());
        }
        self.end_item();
    }

    fn end(mut self) -> Repaired {
        self.out.format = self.format;
        if let Some(period) = &self.period {
            self.out.pace.period(period, self.frequency.as_deref());
        }
        self.out.head = self.feed.head(&self.own);
        if self.own.had_bare_ampersands() {
            self.note_repair(Repair::Ampersands);
        }
        self.out
    }

    pub(super) fn address(&self, raw: &str) -> Option<Url> {
        address(raw, self.base())
    }

    pub(super) fn base(&self) -> Option<&Url> {
        if self.item.is_some() { self.item_base.as_ref() } else { self.feed_base.as_ref() }
    }
}

/// A web address; nothing else is one, and a relative one needs a base.
pub(in crate::source) fn address(raw: &str, base: Option<&Url>) -> Option<Url> {
    let raw = clean::line(raw);
    if raw.is_empty() {
        return None;
    }
    let url = Url::parse(&raw).ok().or_else(|| base?.join(&raw).ok())?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The entries, written without what all have.
    fn check(raw: &str, expected: &str) {
        let base = "http://a.example/f".parse().ok();
        assert_eq!(repair(raw, base.as_ref()).map(|fit| fit.entries), Ok(expected.to_owned()), "{raw}");
    }

    fn head(raw: &str, expected: &str) {
        let fit = repair(raw, None).unwrap();
        assert_eq!(fit.head.split_once('>').map(|(_, rest)| rest), Some(expected), "{raw}");
    }

    fn refused(raw: &str, expected: &Unfit) {
        assert_eq!(repair(raw, None).as_ref().err(), Some(expected), "{raw}");
    }

    const A: &str = "<entry><title type=\"html\">a</title></entry>";
    const B: &str = "<entry><title type=\"html\">b</title></entry>";

    #[test]
    fn roots_and_versions_do_not_matter() {
        for (open, close) in [
            ("<rss><channel>", "</channel></rss>"),
            ("<rss version='0.93' xmlns='http://backend.userland.com/rss'><channel>", "</channel></rss>"),
            ("junk <?xml version='1.0'?><!DOCTYPE rss><!-- <rss> --><RSS><Channel>", "</Channel></RSS>junk"),
            ("<rdf:RDF xmlns='http://my.netscape.com/rdf/simple/0.9/'><channel/>", "</rdf:RDF>"),
            ("<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>", "</rdf:RDF>"),
            ("<channel>", "</channel>"),
            ("<wrapper><rss:rss xmlns:rss='http://purl.org/rss/1.0/'>", "</rss:rss></wrapper>"),
        ] {
            check(&format!("{open}<item><title>a</title></item>{close}"), A);
        }
    }

    #[test]
    fn a_cut_tail_costs_one_item() {
        for tail in
            ["<item><title>c", "<item><title>c</title>", "<item", "<item><title><![CDATA[c", "<item><!--"]
        {
            check(
                &format!("<rss><channel><item><title>a</title></item><item><title>b</title></item>{tail}"),
                &[A, B].concat(),
            );
        }
        check("<rss><channel><item><title>a</title><li", A);
    }

    #[test]
    fn forgotten_ends_cost_nothing() {
        check(
            "<rss><channel><title>t<item><title>a<item></item></title></item></channel></rss>",
            "<entry><title type=\"html\"><![CDATA[a<item></item>]]></title></entry>",
        );
        check("<rss><item><title>a</item><item><title>b</title></rss>", &[A, B].concat());
        check("<rss><item><title>a</title><item><title>b</title></item></rss>", &[A, B].concat());
    }

    #[test]
    fn what_begins_like_an_item_is_none() {
        let fit = repair("<rss><channel><itemx>a</itemx><items/><entry-x/></channel></rss>", None).unwrap();
        assert_eq!((fit.items, fit.entries.as_str()), (0, ""));
    }

    #[test]
    fn depth_does_not_matter() {
        let deep = "<media:group>".repeat(100_000);
        check(&format!("<rss><item><title>a</title>{deep}</item></rss>"), A);
    }

    #[test]
    fn substitutes_are_taken_where_the_usual_is_missing() {
        check("<rss><item><dc:title>a</dc:title></item></rss>", A);
        check("<rss><item><dc:title>b</dc:title><title>a</title></item></rss>", A);
        check(
            "<rss><item><dcterms:created>2017-03-02</dcterms:created><dc:creator>X</dc:creator></item></rss>",
            "<entry><published>2017-03-02T00:00:00Z</published><author><name>X</name></author></entry>",
        );
    }

    #[test]
    fn parts_of_other_things_are_not_the_items() {
        check(
            "<rss><item><title>a</title><image><title>x</title><link>/x</link></image><source url='/y'>z</source></item></rss>",
            A,
        );
        check("<feed><entry><title type='html'>a</title><source><title>x</title></source></entry></feed>", A);
    }

    #[test]
    fn links_are_web_addresses() {
        let link = |raw: &str, expected: &str| {
            let written = format!("<entry><link rel=\"alternate\" href=\"{expected}\"/></entry>");
            check(&format!("<rss><item>{raw}</item></rss>"), &written);
        };
        link("<link> /x </link>", "http://a.example/x");
        link("<link>/x</link><link/><link>/y</link>", "http://a.example/y");
        link("<link>/x</link><link href='/y'/><atom:link href='/z'/>", "http://a.example/y");
        link("<atom:link rel='self' href='/s'/><atom:link href='/x'/>", "http://a.example/x");
        link(
            "<link>http://count.example/1</link><f:origLink>http://b.example/</f:origLink>",
            "http://b.example/",
        );
        check("<rss><item><link>javascript:x</link></item></rss>", "<entry></entry>");
    }

    #[test]
    fn bases_hold_where_they_are_said() {
        check(
            "<feed xml:base='/b/'><entry xml:base='c/'><link href='d'/><summary type='html'>&lt;a href='e'></summary></entry></feed>",
            "<entry><link rel=\"alternate\" href=\"http://a.example/b/c/d\"/>\
             <summary type=\"html\"><![CDATA[<a href='http://a.example/b/c/e'>]]></summary></entry>",
        );
    }

    #[test]
    fn types_are_what_they_look_like() {
        let title = |raw: &str, expected: &str| {
            check(&format!("<feed><entry>{raw}</entry></feed>"), &format!("<entry>{expected}</entry>"));
        };
        title("<title>a &lt; b</title>", "<title type=\"text\"><![CDATA[a < b]]></title>");
        title("<title>&lt;p>a&lt;/p></title>", "<title type=\"html\"><![CDATA[<p>a</p>]]></title>");
        title("<title>a <b>c</b></title>", "<title type=\"html\"><![CDATA[a <b>c</b>]]></title>");
        title(
            "<title type='no/such'>PGI+YTwvYj4=</title>",
            "<title type=\"html\"><![CDATA[<b>a</b>]]></title>",
        );
        title("<title mode='base64'>YQ==</title>", "<title type=\"html\">a</title>");
        title("<content type='image/png'>iVBORw==</content>", "");
    }

    #[test]
    fn an_entry_may_hold_another() {
        check(
            "<feed><entry><title type='html'>a</title><content type='application/atom+xml'><entry><title>x</title></entry></content></entry></feed>",
            "<entry><title type=\"html\">a</title><content type=\"html\"><![CDATA[<entry><title>x</title></entry>]]></content></entry>",
        );
    }

    #[test]
    fn a_feed_has_a_name() {
        head(
            "<rss><channel><image><title>x</title></image><description>d</description><title>t</title></channel></rss>",
            "<title type=\"html\">t</title><subtitle type=\"html\">d</subtitle>",
        );
        head(
            "<feed version='0.3'><modified>2017-03-02T15:04:05Z</modified></feed>",
            "<updated>2017-03-02T15:04:05Z</updated>",
        );
    }

    #[test]
    fn a_feed_may_ask_for_peace() {
        let fit = repair(
            "<rss><channel><ttl>5</ttl><sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2\
             </sy:updateFrequency><skipHours><hour>1</hour></skipHours><skipDays><day>Sunday</day></skipDays></channel></rss>",
            None,
        );
        assert_eq!(fit.unwrap().pace, Pace { floor_secs: 1800, skip_hours: 2, skip_days: 64 });
    }

    #[test]
    fn what_is_no_feed_is_told() {
        refused("  ", &Unfit::Empty);
        refused("<!doctype html><html><body>x", &Unfit::WebPage);
        refused("hello", &Unfit::NoFeed);
    }
}
