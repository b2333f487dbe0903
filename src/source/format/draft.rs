//! What a format's own fields say of one article, and what makes it fit for the house.

use jiff::Timestamp;

use crate::{
    article::{Article, Standing},
    source::{clean, net, parse::primary_language},
};

/// Authors of one article that are kept.
pub(super) const AUTHORS_MAX: usize = 50;

/// Longest id and address, in bytes.
const NAME_BYTES_MAX: usize = 4096;

/// What one part of a file gives.
pub(super) type Piece = Result<Article, Fault>;

/// What is wrong with one part of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: String,
    pub(super) input_id: Option<String>,
    /// Where in the file, such as `:3` or `/name`; empty for all of it.
    pub(super) place: String,
}

impl Fault {
    pub(super) fn of(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..Self::default() }
    }

    pub(super) fn at(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), place: place.into(), ..Self::default() }
    }

    /// The same within a part of the file.
    pub(super) fn within(self, place: &str) -> Self {
        Self { place: format!("{place}{}", self.place), ..self }
    }
}

/// One article as its format states it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Draft {
    /// The drop's own id.
    pub(super) id: Option<String>,
    pub(super) url: Option<String>,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) published: Option<Timestamp>,
    pub(super) updated: Option<Timestamp>,
    /// Who publishes, by name.
    pub(super) source: Option<String>,
    pub(super) language: Option<String>,
    pub(super) authors: Vec<String>,
    pub(super) section: Option<String>,
    /// Not to be told before.
    pub(super) embargo: Option<Timestamp>,
    /// The publisher takes it back.
    pub(super) withdrawn: bool,
    /// It says itself that a headline is all there is.
    pub(super) headline_only: bool,
}

impl Draft {
    /// The article, if there is a text in it; a report that is taken back needs none, nor one that is a headline alone.
    pub(super) fn finish(self) -> Piece {
        let input_id = self.id.map(|id| bounded(&id)).filter(|id| !id.is_empty());
        let title = clean::line(&self.title);
        let text = clean::text(&self.text);
        let headline = self.headline_only && !title.is_empty();
        if text.trim().is_empty() && !self.withdrawn && !headline {
            let reason = if title.is_empty() {
                "there is neither a title nor a text in it"
            } else {
                "there is no text in it, only a title"
            };
            return Err(Fault { reason: reason.to_owned(), input_id, place: String::new() });
        }
        let url = self.url.map(|url| bounded(&url)).filter(|url| is_web(url));
        let source = self.source.map(|source| clean::line(&source)).filter(|source| !source.is_empty());
        let authors = self.authors.iter().map(|name| clean::line(name)).filter(|name| !name.is_empty());
        Ok(Article {
            input_id,
            outlet: source.or_else(|| url.as_deref().map(net::outlet_of)).unwrap_or_default(),
            url,
            title,
            text: text.into_owned(),
            published: self.published,
            updated: self.updated.filter(|updated| Some(*updated) != self.published),
            language: self.language.as_deref().and_then(primary_language),
            authors: authors.take(AUTHORS_MAX).collect(),
            section: self.section.map(|section| clean::line(&section)).filter(|section| !section.is_empty()),
            embargo: self.embargo,
            standing: if self.withdrawn { Standing::Withdrawn } else { Standing::Usable },
            ..Article::default()
        })
    }
}

pub(super) fn is_web(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme).unwrap_or_default();
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// One line that is not longer than an id or address may be.
pub(super) fn bounded(text: &str) -> String {
    let line = clean::line(text);
    let end = line.char_indices().map(|(at, _)| at).take_while(|at| *at <= NAME_BYTES_MAX).last();
    if line.len() <= NAME_BYTES_MAX { line } else { line.get(..end.unwrap_or(0)).unwrap_or("").to_owned() }
}

/// The names in a byline: `By Ann Lee and Bo Ek, Staff Writer`.
pub(super) fn byline(line: &str) -> Vec<String> {
    let line = clean::line(line);
    let start = ["By ", "by ", "BY ", "Von ", "Par ", "Por ", "Door ", "Av ", "Af ", "Di ", "De "];
    let line = start.iter().find_map(|start| line.strip_prefix(start)).unwrap_or(&line);
    let names = [" and ", " und ", " et ", " y ", " e ", " och ", " og ", " en "]
        .iter()
        .fold(vec![line.to_owned()], |parts, mark| {
            parts.iter().flat_map(|part| part.split(*mark)).map(str::to_owned).collect()
        });
    let names = names.iter().flat_map(|part| part.split([',', ';', '/', '|', '&'])).map(str::trim);
    names.filter(|name| name.chars().any(char::is_alphabetic)).take(AUTHORS_MAX).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byline_is_names() {
        assert_eq!(byline("By Ann Lee, Bo Ek and Cy Dee"), ["Ann Lee", "Bo Ek", "Cy Dee"]);
        assert_eq!(byline("Eva Lind/WIRE"), ["Eva Lind", "WIRE"]);
        assert_eq!(byline(" - "), [""; 0]);
    }

    #[test]
    fn a_title_alone_is_no_article_unless_it_is_taken_back() {
        let draft = Draft { id: Some("7".to_owned()), title: "A dam".to_owned(), ..Draft::default() };
        let fault = draft.clone().finish().unwrap_err();
        assert_eq!(fault.input_id.as_deref(), Some("7"));
        let headline = Draft { headline_only: true, ..draft.clone() }.finish().unwrap();
        assert_eq!((headline.title.as_str(), headline.text.as_str()), ("A dam", ""));
        let article = Draft { withdrawn: true, ..draft }.finish().unwrap();
        assert_eq!(article.standing, Standing::Withdrawn);
    }

    #[test]
    fn an_address_is_one_of_the_web() {
        let url = |url: &str| {
            let draft = Draft { url: Some(url.to_owned()), text: "x".to_owned(), ..Draft::default() };
            draft.finish().unwrap().url
        };
        assert_eq!(url("javascript:alert(1)"), None);
        assert_eq!(url("HTTPS://a.example/b").as_deref(), Some("HTTPS://a.example/b"));
    }
}
