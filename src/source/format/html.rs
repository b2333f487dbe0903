//! A web page saved as a file.

use super::draft::{Draft, Fault, Piece};
use crate::source::page;

/// A page with fewer words has no article: a form, an empty frame.
const WORDS_MIN: usize = 6;

/// Reads a page. Blocks while the parser's thread is busy.
pub(super) fn article(bytes: &[u8], content_type: Option<&str>, url: Option<&str>) -> Piece {
    let page = match page::read(bytes, content_type, url) {
        Ok(page) => page,
        Err(error) => return Err(Fault::of(format!("could not read it as a web page: {error}"))),
    };
    if page.text.split_whitespace().count() < WORDS_MIN {
        return Err(Fault::of("there is no text in the page that reads like an article"));
    }
    Draft {
        url: page.canonical_url.or(page.url),
        title: page.title,
        text: page.text,
        published: page.published,
        updated: page.modified,
        source: None,
        language: page.language,
        authors: page.authors,
        section: page.section,
        ..Draft::default()
    }
    .finish()
}
