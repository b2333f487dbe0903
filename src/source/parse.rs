//! Bytes to a feed: decode, repair, parse, read. Only user of `feed_rs`, which runs on a thread of its own.

pub mod charset;
mod draft;
mod element;
pub(in crate::source) mod entity;
mod json;
mod names;
mod pace;
mod read;
mod repair;
pub mod repairs;
pub(in crate::source) mod scan;
mod sitemap;

use std::{borrow::Cow, io::Read, sync::Arc, time::SystemTime};

use feed_rs::{model, parser};
use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use serde::Serialize;
use url::Url;

pub use pace::Pace;
use repair::Repaired;
pub use repair::Unfit;
use repairs::{Repair, Repairs};

use crate::{
    article::{Article, Found, Occasion, Rejected},
    failpoint,
    poison::{self, Reading},
    source::{clean, net, worker},
};

/// Bytes of a feed that are read.
pub const FEED_BYTES_MAX: usize = 8 << 20;

/// Entries of a feed that are read, in its order.
pub const ENTRIES_MAX: usize = 2000;

/// What a feed says: the answer of `inspect feed`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Feed {
    /// `rss`, `atom`, `rdf`, `json` or `sitemap`.
    pub format: &'static str,
    /// Its name.
    pub title: Option<String>,
    /// The page that it belongs to.
    pub link: Option<String>,
    /// In its own words.
    pub description: Option<String>,
    /// BCP 47 tag as stated.
    pub language: Option<String>,
    /// When it last changed, as stated.
    pub updated: Option<Timestamp>,
    /// What it asks of those who poll it.
    #[serde(skip)]
    pub pace: Pace,
    /// Where it can be subscribed to (`WebSub`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<String>,
    /// By which address its hub knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_url: Option<String>,
    /// What had to be put right.
    #[serde(skip_serializing_if = "Repairs::is_empty")]
    pub repairs: Repairs,
    /// Of an index of sitemaps: what it names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<Map>,
    /// In its order.
    pub entries: Vec<Entry>,
}

/// A sitemap that an index names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Map {
    /// http or https.
    pub url: String,
    /// As stated.
    pub changed: Option<Timestamp>,
}

/// One entry of a feed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Entry {
    /// Its own id, else its address, else a hash of its title and text.
    pub id: String,
    /// Where people read it, http or https.
    pub url: Option<String>,
    /// One line of plain text.
    pub title: Option<String>,
    /// As stated.
    pub published: Option<Timestamp>,
    /// As stated.
    pub updated: Option<Timestamp>,
    /// `Name`, `Name (mail)` or `mail`.
    pub authors: Vec<String>,
    /// As it stands in the feed, markup included but scripts, its addresses whole.
    pub summary: Option<String>,
    /// As it stands in the feed, markup included but scripts, its addresses whole.
    pub content: Option<String>,
    /// In words.
    pub categories: Vec<String>,
    /// Addresses of what is attached.
    pub enclosures: Vec<String>,
    /// BCP 47 tag as stated.
    #[serde(skip)]
    pub language: Option<String>,
    /// The longer of content and summary as plain text, a line a paragraph.
    #[serde(skip)]
    pub text: String,
}

/// The bytes are no feed that can be read.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// Too big.
    #[error("it has {0} bytes, more than the {FEED_BYTES_MAX} that are read")]
    Big(usize),
    /// Compressed, and damaged.
    #[error("it is gzip data that cannot be unpacked")]
    Packed,
    /// Not given to the parser.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The parser refused it.
    #[error("it is no sound feed: {0}")]
    Unsound(String),
    /// It has entries, but none could be read.
    #[error("none of its {0} items could be read")]
    NoneOf(usize),
    /// The parser panicked.
    #[error(transparent)]
    BrokeDown(#[from] worker::BrokeDown),
    /// It ended the program too often.
    #[error(transparent)]
    Quarantined(#[from] poison::Quarantined),
}

/// Reads a feed. `base` is where it was got. Blocks while the parser's thread is busy.
pub fn parse(bytes: &[u8], content_type: Option<&str>, base: Option<&str>) -> Result<Feed, ParseError> {
    let bytes = unpacked(bytes)?;
    if bytes.len() > FEED_BYTES_MAX {
        return Err(ParseError::Big(bytes.len()));
    }
    let base = base.and_then(|base| Url::parse(base).ok());
    let reading = Reading::of(&bytes, || {
        base.as_ref()
            .map_or("a feed in a file".to_owned(), |url| format!("feed {}", net::redacted(url.as_str())))
    })?;
    let note = reading.note();
    let (text, odd) = charset::decode_noting(&bytes, content_type);
    if let Some(root) = repair::sitemap_root(&text) {
        return Ok(sitemap::read(text.get(root..).unwrap_or_default(), base.as_ref()));
    }
    let mut repaired = repair::repair(&text, base.as_ref())?;
    if odd {
        repaired.repairs.note(Repair::Charset);
    }
    drop(note);
    let repaired = Arc::new(repaired);
    let mut repairs = repaired.repairs;
    let feed = match read_by_parser(&reading, Part::Whole, &repaired, base.as_ref()) {
        Err(_) if repaired.ends.len() > 1 => {
            repairs.note(Repair::Entries);
            one_by_one(&reading, &repaired, base.as_ref())?
        }
        feed => feed?,
    };
    if feed.entries.is_empty() && repaired.items > 0 {
        return Err(ParseError::NoneOf(repaired.items));
    }
    Ok(Feed {
        format: repaired.format,
        pace: repaired.pace,
        hub: repaired.hub.as_ref().map(Url::to_string),
        own_url: repaired.own_url.as_ref().map(Url::to_string),
        repairs,
        ..feed
    })
}

/// How many bytes the parser is given of a document: what repair costs can be measured by it.
pub fn repaired(bytes: &[u8], content_type: Option<&str>, base: Option<&str>) -> Result<usize, ParseError> {
    let base = base.and_then(|base| Url::parse(base).ok());
    let repaired = repair::repair(&charset::decode_noting(bytes, content_type).0, base.as_ref())?;
    Ok(repaired.head.len() + repaired.entries.len())
}

/// How many entries the parser finds in a document once it is repaired: what both cost can be measured by it.
pub fn parsed(bytes: &[u8], content_type: Option<&str>, base: Option<&str>) -> Result<usize, ParseError> {
    let base = base.and_then(|base| Url::parse(base).ok());
    let repaired = repair::repair(&charset::decode_noting(bytes, content_type).0, base.as_ref())?;
    Ok(raw(repaired.whole())?.entries.len())
}

/// A document that is served as the compressed file that it is, as sitemaps are.
fn unpacked(bytes: &[u8]) -> Result<Cow<'_, [u8]>, ParseError> {
    if !bytes.starts_with(b"\x1f\x8b") {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut plain = Vec::new();
    let read = MultiGzDecoder::new(bytes).take(FEED_BYTES_MAX as u64 + 1).read_to_end(&mut plain);
    read.map(|_| Cow::Owned(plain)).map_err(|_| ParseError::Packed)
}

/// What is read at a time.
#[derive(Clone, Copy, Debug)]
enum Part {
    Whole,
    /// An entry alone.
    Single(usize),
}

fn read_by_parser(
    reading: &Reading,
    part: Part,
    repaired: &Arc<Repaired>,
    base: Option<&Url>,
) -> Result<Feed, ParseError> {
    let (repaired, base) = (Arc::clone(repaired), base.cloned());
    worker::run(reading, move || {
        failpoint::pass_with("feed-parse", repaired.entries.as_bytes());
        let raw = match part {
            Part::Whole => raw(repaired.whole()),
            Part::Single(number) => raw(repaired.single(number)),
        };
        Ok(read::feed(raw?, base.as_ref()))
    })?
}

fn raw(document: impl Read) -> Result<model::Feed, ParseError> {
    let parser = parser::Builder::new()
        .id_generator(|_, _, _| String::new())
        // there are no dates in it but our own
        .timestamp_parser(|text| Some(SystemTime::from(text.parse::<Timestamp>().ok()?).into()))
        .sanitize_content(false)
        .build();
    parser.parse(document).map_err(|error| ParseError::Unsound(clean::line(&error.to_string())))
}

/// What the parser can read of a feed that it refuses as a whole; its fault is told if that is nothing.
fn one_by_one(reading: &Reading, repaired: &Arc<Repaired>, base: Option<&Url>) -> Result<Feed, ParseError> {
    let mut all: Option<Feed> = None;
    let mut fault = ParseError::NoneOf(repaired.items);
    for number in 0..repaired.ends.len() {
        match (read_by_parser(reading, Part::Single(number), repaired, base), &mut all) {
            (Ok(feed), Some(all)) => all.entries.extend(feed.entries),
            (Ok(feed), None) => all = Some(feed),
            (Err(error), _) => fault = error,
        }
    }
    all.ok_or(fault)
}

/// What an entry's article depends on beside the feed.
#[derive(Clone, Debug)]
pub struct Arrival<'a> {
    /// The feed's address, or the drop that the feed was saved in.
    pub origin: &'a str,
    /// Who publishes, where the user says so.
    pub outlet: Option<&'a str>,
    /// Now.
    pub seen_at: Timestamp,
    /// First fetch or not.
    pub occasion: Occasion,
}

/// The articles of a feed, in its order.
pub fn articles(feed: Feed, arrival: &Arrival<'_>) -> Vec<Found> {
    let language = feed.language.as_deref().and_then(primary_language);
    let site = feed.link.as_deref().map(net::outlet_of).filter(|host| !host.is_empty());
    let site = site.unwrap_or_else(|| net::outlet_of(arrival.origin));
    let mut feed = feed;
    if feed.format == "sitemap" {
        // most sitemaps give addresses alone
        feed.entries.retain(|entry| entry.title.is_some());
    }
    feed.entries.into_iter().map(|entry| article(entry, arrival, language.as_ref(), &site)).collect()
}

fn article(entry: Entry, arrival: &Arrival<'_>, language: Option<&String>, site: &str) -> Found {
    let title = entry.title.unwrap_or_default();
    if title.is_empty() && entry.text.is_empty() {
        return Found::Rejected(Rejected {
            origin: arrival.origin.to_owned(),
            place: format!("item {}", entry.id),
            reason: "the item has neither a title nor a text".to_owned(),
            input_id: None,
            seen_at: arrival.seen_at,
        });
    }
    let outlet = arrival.outlet.map(str::to_owned);
    let outlet = outlet.or_else(|| entry.url.as_deref().map(net::outlet_of).filter(|host| !host.is_empty()));
    Found::Article(Article {
        input_id: None,
        guid: (entry.url.as_ref() != Some(&entry.id)).then_some(entry.id),
        url: entry.url,
        title,
        text: entry.text,
        published: entry.published.or(entry.updated),
        outlet: outlet.unwrap_or_else(|| site.to_owned()),
        language: entry.language.as_deref().and_then(primary_language).or_else(|| language.cloned()),
        authors: entry.authors,
        seen_at: arrival.seen_at,
        origin: arrival.origin.to_owned(),
        occasion: arrival.occasion,
        updated: entry
            .updated
            .filter(|updated| entry.published.is_some_and(|published| published != *updated)),
        section: entry.categories.into_iter().next(),
        ..Article::default()
    })
}

/// The primary subtag of a BCP 47 tag.
pub(crate) fn primary_language(tag: &str) -> Option<String> {
    let primary = tag.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    ((2..=3).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_lowercase())).then_some(primary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::Id;

    fn check(document: &str, expected: &[(&str, &str, &str, &str)]) {
        let feed = parse(document.as_bytes(), None, Some("https://paper.example/feed")).unwrap();
        let said: Vec<_> = feed
            .entries
            .iter()
            .map(|e| (&*e.id, e.url.as_deref().unwrap_or(""), e.title.as_deref().unwrap_or(""), &*e.text))
            .collect();
        assert_eq!(said, expected);
    }

    fn refused(document: &str, expected: &str) {
        let error = parse(document.as_bytes(), None, None).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn rss() {
        check(
            "<rss><channel><item><title>Dam &amp;amp; bridge</title><link>/a</link><guid>7</guid>\
             <description>&lt;p&gt;One&lt;/p&gt;&lt;p&gt;two&lt;/p&gt;</description></item></channel></rss>",
            &[("7", "https://paper.example/a", "Dam & bridge", "One\ntwo")],
        );
    }

    #[test]
    fn atom() {
        check(
            "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title type='html'>A &lt;b&gt;dam&lt;/b&gt;</title>\
             <link rel='self' href='/self'/><link href='https://paper.example/b'/><summary>Short</summary>\
             <content type='html'>&lt;p&gt;A longer text&lt;/p&gt;</content></entry></feed>",
            &[("https://paper.example/b", "https://paper.example/b", "A dam", "A longer text")],
        );
    }

    #[test]
    fn json() {
        check(
            r#"{"version":"https://jsonfeed.org/version/1.1","title":"T","items":[{"id":"9","url":"https://paper.example/c","title":"A <dam>","content_text":"Words"}]}"#,
            &[("9", "https://paper.example/c", "A <dam>", "Words")],
        );
    }

    #[test]
    fn ids_are_never_random() {
        let document = "<rss><channel><item><title>Only a title</title></item></channel></rss>";
        let id = || parse(document.as_bytes(), None, None).unwrap().entries.remove(0).id;
        assert_eq!(id(), id());
    }

    #[test]
    fn one_id_for_several_entries_costs_none_of_them() {
        check(
            "<rss><channel><item><guid isPermaLink='false'>1</guid><title>a</title></item><item><guid isPermaLink='false'>1</guid><title>b</title>\
             <link>/b</link></item><item><guid isPermaLink='false'>1</guid><title>a</title></item></channel></rss>",
            &[("1", "", "a", ""), ("https://paper.example/b", "https://paper.example/b", "b", "")],
        );
    }

    #[test]
    fn only_web_addresses_are_links() {
        check(
            "<rss><channel><item><title>x</title><link>javascript:alert(1)</link></item></channel></rss>",
            &[(&Id::of(&[b"title", b"x", b""]).to_string(), "", "x", "")],
        );
    }

    #[test]
    fn a_deep_feed_is_read() {
        check(
            &format!("<rss><channel><item><title>x</title><guid>1</guid>{}", "<media:group>".repeat(100_000)),
            &[("1", "", "x", "")],
        );
    }

    #[test]
    fn what_the_parser_refuses_costs_no_other_item() {
        let repaired = Arc::new(Repaired {
            format: "rss",
            head: "<feed xmlns=\"http://www.w3.org/2005/Atom\">".to_owned(),
            entries: "<entry><id>1</id></entry><entry><</entry><entry><id>3</id></entry>".to_owned(),
            ends: vec![25, 41, 66],
            items: 3,
            ..Repaired::default()
        });
        let reading = Reading::of(b"", String::new).unwrap();
        assert!(read_by_parser(&reading, Part::Whole, &repaired, None).is_err());
        let feed = one_by_one(&reading, &repaired, None).unwrap();
        assert_eq!(feed.entries.iter().map(|entry| &*entry.id).collect::<Vec<_>>(), ["1", "3"]);
    }

    #[test]
    fn addresses_in_texts_are_whole_and_scripts_are_gone() {
        let document = "<rss><item><description>&lt;a href='/x'>y&lt;/a>&lt;script>z&lt;/script></description></item></rss>";
        let feed = parse(document.as_bytes(), None, Some("https://paper.example/feed")).unwrap();
        let summary = feed.entries.first().unwrap().summary.as_deref();
        assert_eq!(summary, Some("<a href='https://paper.example/x'>y</a>"));
    }

    fn repaired(document: &str, expected: &[Repair]) {
        let feed = parse(document.as_bytes(), None, None).unwrap();
        let mut repairs = Repairs::default();
        for repair in expected {
            repairs.note(*repair);
        }
        assert_eq!(feed.repairs, repairs, "{document}");
    }

    #[test]
    fn what_was_put_right_is_noted() {
        let item = "<item><title>a</title><guid>1</guid></item>";
        repaired(&format!("<?xml version='1.0'?><!-- x --><rss><channel>{item}</channel></rss>"), &[]);
        repaired(&format!("oops<rss>{item}"), &[Repair::Junk, Repair::Tail]);
        repaired("<rss><item><title>A & B</title></item></rss>", &[Repair::Ampersands]);
        repaired("<rss><item><title>a<item></rss>", &[Repair::Ends]);
        repaired(
            "<?xml version='1.0' encoding='us-ascii'?><rss><item><title>é</title><pubDate>soon</pubDate></item></rss>",
            &[Repair::Dates],
        );
        let wrong = b"<?xml version='1.0' encoding='utf-8'?><rss><item><title>caf\xe9</title></item></rss>";
        let feed = parse(wrong, None, None).unwrap();
        assert_eq!(feed.entries[0].title.as_deref(), Some("café"));
        assert!(!feed.repairs.is_empty());
    }

    #[test]
    fn entries_have_languages_of_their_own() {
        let document = "<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='en'><entry xml:lang='de-AT'><title>a</title>\
            <category term='x'/></entry><entry><title>b</title><content xml:lang='fr'>c</content></entry>\
            <entry><title>d</title></entry></feed>";
        let feed = parse(document.as_bytes(), None, None).unwrap();
        let languages: Vec<_> = feed.entries.iter().map(|entry| entry.language.as_deref()).collect();
        assert_eq!(languages, [Some("de-AT"), Some("fr"), None]);
        assert_eq!(
            (feed.language.as_deref(), &*feed.entries[0].categories),
            (Some("en"), &["x".to_owned()][..])
        );
    }

    #[test]
    fn hubs_are_found() {
        for document in [
            "<rss><channel><atom:link rel='hub' href='https://hub.example/'/><atom:link rel='self' href='/f'/></channel></rss>",
            "<feed xmlns='http://www.w3.org/2005/Atom'><link rel='hub' href='https://hub.example/'/><link rel='self' href='/f'/></feed>",
            r#"{"version":"https://jsonfeed.org/version/1.1","feed_url":"/f","hubs":[{"type":"x","url":"/no"},{"type":"WebSub","url":"https://hub.example/"}],"items":[]}"#,
        ] {
            let feed = parse(document.as_bytes(), None, Some("https://paper.example/x")).unwrap();
            assert_eq!(feed.hub.as_deref(), Some("https://hub.example/"), "{document}");
            assert_eq!(feed.own_url.as_deref(), Some("https://paper.example/f"), "{document}");
        }
    }

    #[test]
    fn packed_sitemaps_are_read() {
        use std::io::Write as _;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer
            .write_all(b"<?xml version='1.0'?><urlset><url><loc>https://a.example/1</loc></url></urlset>")
            .unwrap();
        let feed = parse(&packer.finish().unwrap(), None, None).unwrap();
        assert_eq!((feed.format, feed.entries.len()), ("sitemap", 1));
    }

    #[test]
    fn a_page_is_refused() {
        refused("<html><body>Not found</body></html>", "web page");
    }

    #[test]
    fn an_entry_becomes_an_article() {
        let document = "<rss><channel><language>en-GB</language><item><title>x</title><link>https://www.a.example/1</link>\
            <pubDate>Thu, 02 Mar 2017 15:04:05 GMT</pubDate></item><item><guid>2</guid></item></channel></rss>";
        let feed = parse(document.as_bytes(), None, None).unwrap();
        let arrival = Arrival {
            origin: "f",
            outlet: None,
            seen_at: Timestamp::UNIX_EPOCH,
            occasion: Occasion::FirstFetch,
        };
        let found = articles(feed, &arrival);
        let expected = Article {
            url: Some("https://www.a.example/1".to_owned()),
            title: "x".to_owned(),
            published: "2017-03-02T15:04:05Z".parse().ok(),
            outlet: "a.example".to_owned(),
            language: Some("en".to_owned()),
            seen_at: Timestamp::UNIX_EPOCH,
            origin: "f".to_owned(),
            occasion: Occasion::FirstFetch,
            ..Article::default()
        };
        assert_eq!(found.first(), Some(&Found::Article(expected)));
        assert!(matches!(found.get(1), Some(Found::Rejected(rejected)) if rejected.place == "item 2"));
    }
}
