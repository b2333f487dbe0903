//! Markdown: the words without the marks; a first heading is the title, a block of `---` on top says the rest. Only user
//! of `pulldown_cmark`.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{
    draft::{Draft, Piece, byline},
    text,
};
use crate::source::{clean, date};

/// Reads a text.
pub(super) fn article(raw: &str) -> Piece {
    let (matter, body) = front_matter(raw);
    let said = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| matter.iter().find(|(key, _)| key == name))
            .map(|(_, value)| value.clone())
    };
    let (heading, words) = words(body);
    let title = said(&["title", "headline"]).or(heading);
    Draft {
        id: said(&["id", "guid"]),
        url: said(&["url", "canonical_url", "link", "source_url"]),
        title: title.unwrap_or_else(|| text::sentence(&words)),
        text: words,
        published: said(&["date", "published", "publishdate", "pubdate"]).and_then(|date| date::parse(&date)),
        updated: said(&["updated", "lastmod", "modified"]).and_then(|date| date::parse(&date)),
        source: said(&["source", "outlet", "publisher", "site"]),
        language: said(&["language", "lang"]),
        authors: said(&["author", "authors", "byline"])
            .map(|line| byline(line.trim_matches(['[', ']'])))
            .unwrap_or_default(),
        section: said(&["section", "category"]),
        ..Draft::default()
    }
    .finish()
}

/// Whether a text is written so, where its name does not say it.
pub(super) fn is(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    match lines.next() {
        Some("---") => front_matter(text).0.iter().any(|(key, _)| key == "title" || key == "date"),
        Some(first) => first.strip_prefix("# ").is_some_and(|title| title.split_whitespace().count() > 1),
        None => false,
    }
}

/// `key: value` lines between two lines `---`, keys in lower case, and what follows them.
fn front_matter(raw: &str) -> (Vec<(String, String)>, &str) {
    const LINES_MAX: usize = 100;
    let text = raw.trim_start_matches(['\u{feff}', '\n', '\r', ' ']);
    let inner = text
        .strip_prefix("---")
        .and_then(|rest| rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')));
    let Some((matter, body)) = inner.and_then(|inner| inner.split_once("\n---")) else {
        return (Vec::new(), raw);
    };
    let field = |line: &str| {
        let (key, value) = line.split_once(':')?;
        let value = value.trim().trim_matches(['"', '\'']).to_owned();
        (!value.is_empty()).then(|| (key.trim().to_lowercase(), value))
    };
    let body = body.split_once('\n').map_or("", |(_, body)| body);
    (matter.lines().take(LINES_MAX).filter_map(field).collect(), body)
}

/// The first heading, if it stands before all words, and the rest, a line a paragraph.
fn words(body: &str) -> (Option<String>, String) {
    let (mut out, mut heading) = (String::new(), None);
    let mut hidden = 0_usize;
    for event in Parser::new_ext(body, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::Image { .. } | Tag::MetadataBlock(_)) => hidden += 1,
            Event::End(TagEnd::Image | TagEnd::MetadataBlock(_)) => hidden = hidden.saturating_sub(1),
            Event::End(TagEnd::Heading(_))
                if heading.is_none() && out.lines().filter(|line| !line.trim().is_empty()).count() == 1 =>
            {
                heading = Some(clean::line(&out));
                out.clear();
            }
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::Item
                | TagEnd::CodeBlock
                | TagEnd::TableRow
                | TagEnd::TableHead,
            )
            | Event::HardBreak
            | Event::Rule
            | Event::Start(Tag::List(_) | Tag::BlockQuote(_)) => out.push('\n'),
            Event::SoftBreak | Event::End(TagEnd::TableCell) => out.push(' '),
            Event::Text(text) | Event::Code(text) if hidden == 0 => out.push_str(&text),
            Event::Html(html) | Event::InlineHtml(html) if hidden == 0 => out.push_str(&clean::html(&html)),
            _ => {}
        }
    }
    let lines: Vec<String> = out.lines().map(clean::line).filter(|line| !line.is_empty()).collect();
    (heading, lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, title: &str, text: &str) {
        let article = article(raw).unwrap();
        assert_eq!((article.title.as_str(), article.text.as_str()), (title, text));
    }

    #[test]
    fn marks_are_no_words() {
        check(
            "# Crane *falls*\n\nThe [harbour](https://a.example) is\nclosed. ![crane](a.jpg)\n\n- one\n- **two**\n\n> said so",
            "Crane falls",
            "The harbour is closed.\none\ntwo\nsaid so",
        );
    }

    #[test]
    fn the_block_on_top_says_the_rest() {
        let read = article("---\ntitle: \"Crane falls\"\nDate: 2024-05-06\nauthor: [Ann Lee, Bo Ek]\n---\n\nThe harbour is closed.").unwrap();
        assert_eq!((read.title.as_str(), read.text.as_str()), ("Crane falls", "The harbour is closed."));
        assert_eq!(read.authors, ["Ann Lee", "Bo Ek"]);
        assert_eq!(read.published, "2024-05-06T00:00:00Z".parse().ok());
    }

    #[test]
    fn it_is_known_by_its_start() {
        assert!(is("# Crane falls\n\nx") && is("---\ntitle: x\n---\ny"));
        assert!(!is("Crane falls\n\n# x") && !is("#1 is gone") && !is("---\nCrane falls"));
    }
}
