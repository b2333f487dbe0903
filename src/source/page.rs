//! The article inside a web page: its main text, and what the page says of it, the most trusted word first: JSON-LD, meta
//! tags, marked elements, the address, the text. Only user of `dom_smoothie` and `dom_query`.

mod authors;
mod body;
mod byline;
mod head;
mod published;
mod title;

use dom_smoothie::{Config, Readability, TextMode};
use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use self::head::Head;
use crate::{
    poison::{self, Reading},
    source::{clean, net, parse::charset, worker},
};

/// Bytes of a page that are looked at.
pub const PAGE_BYTES_MAX: usize = 8 << 20;

/// Elements of a page that are looked at: what is above it is no article but a listing or an attack.
const ELEMENTS_MAX: usize = 100_000;

/// Depth of elements from which on a page is not read: walks over the tree take time with the square of it.
const DEPTH_MAX: usize = 1000;

/// What a page says: the answer of `inspect page`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Page {
    /// Where it was got, as far as that is known.
    pub url: Option<String>,
    /// Where the publisher wants it to be.
    pub canonical_url: Option<String>,
    /// Headline.
    pub title: String,
    /// Bylines.
    pub authors: Vec<String>,
    /// As stated in the page.
    pub published: Option<Timestamp>,
    /// As stated, where that is another time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
    /// The site's own rubric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Name of the site.
    pub site: Option<String>,
    /// BCP 47 tag as stated.
    pub language: Option<String>,
    /// The article's words, a line a paragraph.
    pub text: String,
    /// It says itself that it is only for those who pay.
    #[serde(skip)]
    pub paid: bool,
}

/// The page cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PageError {
    /// Too big.
    #[error("the page has {0} bytes, more than the {PAGE_BYTES_MAX} that are read")]
    Big(usize),
    /// Too deep.
    #[error("the page's elements are nested deeper than {DEPTH_MAX}")]
    Deep,
    /// The parser failed or panicked.
    #[error(transparent)]
    BrokeDown(#[from] worker::BrokeDown),
    /// It ended the program too often.
    #[error(transparent)]
    Quarantined(#[from] poison::Quarantined),
}

/// Reads a page. Blocks while the parser's thread is busy.
pub fn read(bytes: &[u8], content_type: Option<&str>, url: Option<&str>) -> Result<Page, PageError> {
    if bytes.len() > PAGE_BYTES_MAX {
        return Err(PageError::Big(bytes.len()));
    }
    let reading = Reading::of(bytes, || format!("page {}", url.map_or("in a file".into(), net::redacted)))?;
    let html = charset::decode(bytes, content_type);
    let url = url.map(str::to_owned);
    worker::run(&reading, move || extract(&html, url))?
}

fn extract(html: &str, url: Option<String>) -> Result<Page, PageError> {
    if depth(html) > DEPTH_MAX {
        return Err(PageError::Deep);
    }
    let config =
        Config { max_elements_to_parse: ELEMENTS_MAX, text_mode: TextMode::Raw, ..Config::default() };
    let base = url
        .as_deref()
        .filter(|url| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")));
    let Ok(mut reader) = Readability::new(html, base, Some(config)) else {
        return Ok(Page { url, text: clean::html(html), ..Page::default() });
    };
    let head = Head::of(&reader.doc, base);
    let canonical_url = head.canonical.as_deref().and_then(|href| absolute(href, base));
    let address = base.or(canonical_url.as_deref()).unwrap_or_default().to_owned();
    let title = title::of(&reader.doc, &head, &address);
    let authors = authors::of(&reader.doc, &head, &address);
    let published = published::of(&reader.doc, &head, &address, html);
    let modified = head.modified().filter(|modified| Some(*modified) != published);
    body::prune(&reader.doc);
    // a page without an article still has its words
    let text = match reader.parse() {
        Ok(article) => body::text(&article.content, &title),
        Err(_) => body::rest(html, &title),
    };
    Ok(Page {
        url,
        canonical_url,
        title,
        authors,
        published,
        modified,
        section: head.section(),
        site: head.site(),
        language: head.language(),
        paid: head.paid(),
        text,
    })
}

fn absolute(href: &str, base: Option<&str>) -> Option<String> {
    let url = match base.and_then(|base| Url::parse(base).ok()) {
        Some(base) => base.join(href.trim()),
        None => Url::parse(href.trim()),
    };
    url.ok().filter(|url| matches!(url.scheme(), "http" | "https")).map(String::from)
}

/// Greatest depth of elements, roughly: elements that never have an end are not counted, those that miss theirs are.
fn depth(html: &str) -> usize {
    let bytes = html.as_bytes();
    let (mut open, mut greatest) = (0_usize, 0);
    for at in memchr::memchr_iter(b'<', bytes) {
        match bytes.get(at + 1) {
            Some(b'/') => open = open.saturating_sub(1),
            Some(b) if b.is_ascii_alphabetic() && !is_void(bytes.get(at + 1..).unwrap_or_default()) => {
                open += 1;
                greatest = greatest.max(open);
            }
            _ => {}
        }
    }
    greatest
}

fn is_void(tag: &[u8]) -> bool {
    const NAMES: [&str; 19] = [
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
        // these end where the next of their kind begins
        "p", "li", "td", "tr", "dd", "option",
    ];
    let length = tag.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    let name = tag.get(..length).unwrap_or_default();
    NAMES.iter().any(|void| name.eq_ignore_ascii_case(void.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(html: &str) -> Page {
        read(html.as_bytes(), None, Some("https://paper.example/a")).unwrap()
    }

    fn story() -> String {
        let paragraphs: String = (1..=6)
            .map(|day| {
                format!(
                    "<p>The harbour of Lindmouth was closed on day {day} after a crane fell, the mayor said, and it \
                     will stay closed until the divers, who came from {day} towns, have found its arm.</p>"
                )
            })
            .collect::<Vec<_>>()
            .concat();
        format!(
            "<html lang=en><head><title>Crane falls in Lindmouth</title><link rel=canonical href=/b>\
             <meta property='article:published_time' content='2024-05-06T07:08:09Z'></head>\
             <body><nav><a href=/>Home</a></nav><article><h1>Crane falls in Lindmouth</h1>{paragraphs}</article></body></html>"
        )
    }

    #[test]
    fn the_article_is_found() {
        let page = page(&story());
        assert_eq!(page.title, "Crane falls in Lindmouth");
        assert_eq!(page.canonical_url.as_deref(), Some("https://paper.example/b"));
        assert_eq!(page.published, "2024-05-06T07:08:09Z".parse().ok());
        assert_eq!(page.language.as_deref(), Some("en"));
        assert!(page.text.starts_with("The harbour") && !page.text.contains("Home"), "{}", page.text);
        assert_eq!(page.text.lines().count(), 6);
    }

    #[test]
    fn a_deep_page_is_refused() {
        let html = "<div>".repeat(DEPTH_MAX + 1);
        assert_eq!(read(html.as_bytes(), None, None), Err(PageError::Deep));
    }

    #[test]
    fn a_page_without_an_article_gives_its_words() {
        assert_eq!(page("<title>Nothing</title><body>Two words</body>").text, "Two words");
    }
}
