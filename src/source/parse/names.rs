//! What the elements of the world's feeds are called, and what they mean here. Pure.

use std::{borrow::Cow, collections::BTreeMap};

use super::scan;

/// A family of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// RSS of all versions.
    Rss,
    Atom,
    DublinCore,
    Terms,
    Content,
    Itunes,
    Media,
    Syndication,
    Xhtml,
    Other,
}

/// What an element of a feed or an item is good for. The number is its rank among those of its kind: the lowest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `item`, `entry`.
    Item,
    /// Of no meaning itself: what is in it counts as if it stood outside.
    Around,
    Title(u8),
    Link,
    /// The address before a counting service put itself between.
    OwnLink,
    Id,
    Published(u8),
    Updated(u8),
    Author(u8),
    Category,
    Summary(u8),
    Content(u8),
    Enclosure,
    Language,
    Ttl,
    Period,
    Frequency,
    SkipHour,
    SkipDay,
    /// Of no use, with all that is in it.
    Nothing,
    /// Not known.
    Unknown,
}

/// Prefixes and what they stand for in one document.
#[derive(Debug, Default)]
pub(super) struct Spaces<'a> {
    declared: BTreeMap<&'a str, Space>,
}

/// Prefixes of one document that are remembered.
const PREFIXES_MAX: usize = 100;

impl<'a> Spaces<'a> {
    /// Learns what a tag declares.
    pub(super) fn learn(&mut self, attributes: &'a str) {
        if !attributes.contains("xmlns:") {
            return;
        }
        for (name, uri) in scan::attributes(attributes) {
            if let Some(prefix) = name.strip_prefix("xmlns:")
                && self.declared.len() < PREFIXES_MAX
            {
                self.declared.insert(prefix, space_of(uri));
            }
        }
    }

    /// What an element means in a document whose names without a prefix are of the family `usual`.
    pub(super) fn kind(&self, tag: &scan::Tag<'_>, usual: Space) -> Kind {
        let local = lower(tag.local());
        let space = match tag.name.split_once(':') {
            Some((prefix, _)) => {
                self.declared.get(prefix).copied().unwrap_or_else(|| space_of_prefix(prefix))
            }
            None => match tag.attribute("xmlns").map(space_of) {
                Some(Space::Other) | None => usual,
                Some(space) => space,
            },
        };
        kind_of(space, &local)
    }
}

fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Compared without case and without what stands before the host: authors are careless with both.
fn space_of(uri: &str) -> Space {
    let uri = uri.trim().to_ascii_lowercase();
    let name = uri.split_once("//").map_or(uri.as_str(), |(_, name)| name).trim_end_matches(['/', '#']);
    match name {
        "www.w3.org/2005/atom" | "purl.org/echo" | "example.com/newformat" => Space::Atom,
        _ if name.starts_with("purl.org/atom") => Space::Atom,
        "www.w3.org/1999/xhtml" => Space::Xhtml,
        "purl.org/dc/terms" => Space::Terms,
        _ if name.starts_with("purl.org/dc/") => Space::DublinCore,
        _ if name.starts_with("purl.org/rss/1.0/modules/content") => Space::Content,
        _ if name.starts_with("purl.org/rss/1.0/modules/syndication") => Space::Syndication,
        _ if name.contains("itunes") => Space::Itunes,
        _ if name.starts_with("search.yahoo.com/mrss") || name.contains("tools.search.yahoo.com/mrss") => {
            Space::Media
        }
        "purl.org/rss/1.0" | "my.netscape.com/rdf/simple/0.9" | "channel.netscape.com/rdf/simple/0.9" => {
            Space::Rss
        }
        _ if name.starts_with("purl.org/net/rss1.1") => Space::Rss,
        _ if name.starts_with("backend.userland.com/rss") || name.starts_with("blogs.law.harvard.edu") => {
            Space::Rss
        }
        _ if name.starts_with("my.netscape.com/publish/formats/rss") => Space::Rss,
        _ => Space::Other,
    }
}

/// What prefixes mean that nobody declared.
fn space_of_prefix(prefix: &str) -> Space {
    match prefix {
        "atom" | "atom10" | "a10" | "atom03" => Space::Atom,
        "dc" => Space::DublinCore,
        "dcterms" => Space::Terms,
        "content" => Space::Content,
        "itunes" => Space::Itunes,
        "media" => Space::Media,
        "sy" => Space::Syndication,
        "xhtml" => Space::Xhtml,
        "rss" => Space::Rss,
        _ => Space::Other,
    }
}

fn kind_of(space: Space, local: &str) -> Kind {
    match (space, local) {
        (_, "item" | "entry") if !matches!(space, Space::Content | Space::Media) => Kind::Item,
        (_, "origlink") => Kind::OwnLink,
        (Space::Rss | Space::Atom, _) => core(space, local),
        (Space::DublinCore, "title") => Kind::Title(1),
        (Space::DublinCore, "date") => Kind::Published(2),
        (Space::DublinCore, "creator" | "author") => Kind::Author(1),
        (Space::DublinCore, "subject") | (Space::Itunes, "category") => Kind::Category,
        (Space::DublinCore, "description") => Kind::Summary(1),
        (Space::DublinCore, "language") => Kind::Language,
        (Space::Terms, "created") => Kind::Published(3),
        (Space::Terms, "issued") => Kind::Published(1),
        (Space::Terms, "modified") => Kind::Updated(1),
        (Space::Terms, "abstract") => Kind::Summary(2),
        (Space::Content, "encoded") => Kind::Content(0),
        (Space::Itunes, "title") => Kind::Title(2),
        (Space::Itunes, "author") => Kind::Author(2),
        (Space::Itunes, "summary") => Kind::Summary(3),
        (Space::Itunes, "subtitle") => Kind::Summary(4),
        (Space::Media, "group") => Kind::Around,
        (Space::Media, "content") => Kind::Enclosure,
        (Space::Media, "title") => Kind::Title(3),
        (Space::Media, "description") => Kind::Summary(5),
        (Space::Syndication, "updateperiod") => Kind::Period,
        (Space::Syndication, "updatefrequency") => Kind::Frequency,
        (Space::Xhtml, "body" | "div") => Kind::Content(1),
        (Space::Other, _) => Kind::Unknown,
        _ => Kind::Nothing,
    }
}

/// The elements of RSS and Atom themselves, which stand in for each other.
fn core(space: Space, local: &str) -> Kind {
    match local {
        "channel" | "items" | "rss" | "feed" | "rdf" | "skiphours" | "skipdays" => Kind::Around,
        "title" => Kind::Title(0),
        "link" => Kind::Link,
        "guid" | "id" => Kind::Id,
        "pubdate" | "published" => Kind::Published(0),
        "issued" => Kind::Published(1),
        "date" => Kind::Published(2),
        "created" => Kind::Published(3),
        "updated" | "modified" => Kind::Updated(0),
        "lastbuilddate" => Kind::Updated(1),
        "author" => Kind::Author(0),
        "category" => Kind::Category,
        "description" | "tagline" | "subtitle" => Kind::Summary(0),
        "summary" if space == Space::Atom => Kind::Summary(0),
        // beside a description: the shorter of two texts, and it is not known which
        "summary" => Kind::Content(2),
        "content" => Kind::Content(0),
        "fullitem" | "body" | "div" => Kind::Content(1),
        "enclosure" => Kind::Enclosure,
        "language" => Kind::Language,
        "ttl" => Kind::Ttl,
        "hour" => Kind::SkipHour,
        "day" => Kind::SkipDay,
        "image" | "textinput" | "source" | "cloud" | "generator" | "rights" | "copyright" | "contributor"
        | "managingeditor" | "webmaster" | "docs" | "rating" | "comments" | "icon" | "logo" => Kind::Nothing,
        _ => Kind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(root: &str, tag: &str, usual: Space, expected: Kind) {
        let mut spaces = Spaces::default();
        spaces.learn(root);
        let Some(scan::Token::Start(tag)) = scan::Scanner::new(tag).next() else { panic!("{tag}") };
        assert_eq!(spaces.kind(&tag, usual), expected, "{tag:?}");
    }

    #[test]
    fn names_are_known_by_their_family() {
        check("", "<title>", Space::Rss, Kind::Title(0));
        check("", "<TiTle>", Space::Rss, Kind::Title(0));
        check("xmlns:x='http://purl.org/dc/elements/1.1/'", "<x:title>", Space::Rss, Kind::Title(1));
        check("xmlns:x='HTTP://www.w3.org/2005/Atom/'", "<x:updated>", Space::Rss, Kind::Updated(0));
        check("xmlns:dc='http://else.example/'", "<dc:title>", Space::Rss, Kind::Unknown);
    }

    #[test]
    fn a_known_prefix_need_not_be_declared() {
        check("", "<content:encoded>", Space::Rss, Kind::Content(0));
        check("", "<my:title>", Space::Rss, Kind::Unknown);
    }

    #[test]
    fn an_element_may_say_what_it_is() {
        check("", "<body xmlns='http://www.w3.org/1999/xhtml'>", Space::Rss, Kind::Content(1));
        check("", "<title xmlns='http://else.example/'>", Space::Rss, Kind::Title(0));
    }

    #[test]
    fn a_picture_is_no_item() {
        check("", "<media:group>", Space::Rss, Kind::Around);
        check("", "<image>", Space::Rss, Kind::Nothing);
    }
}
