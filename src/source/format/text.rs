//! Plain text as people and scrapers save it: with or without a headline, with captions and credits on top.

use jiff::Timestamp;

use crate::{
    article::Article,
    source::{clean, date},
};

/// Longest headline, in characters.
const HEADLINE_CHARS_MAX: usize = 160;

/// A headline that is made of a sentence is cut there, in characters.
const SENTENCE_CHARS_MAX: usize = 120;

/// Lines at the top that are searched for a headline, captions left out.
const TOP_LINES_MAX: usize = 12;

/// Reads a text; `None` where there is none in it.
pub(super) fn article(raw: &str) -> Option<Article> {
    let text = clean::text(raw);
    let (published, text) = leading_date(&text);
    let body = text.trim();
    if body.is_empty() {
        return None;
    }
    let first = body.lines().next().unwrap_or_default().trim();
    let rest = body.get(first.len()..).unwrap_or_default();
    let lone =
        rest.starts_with("\n\n") || rest.trim_start_matches(['\r', ' ']).starts_with('\n') || rest.is_empty();
    if lone && is_headline(first) && rest.lines().map(str::trim).all(|line| line != first) {
        return Some(Article {
            title: clean::line(first),
            text: rest.trim().to_owned(),
            published,
            ..Article::default()
        });
    }
    Some(Article { title: sentence(body), text: body.to_owned(), published, ..Article::default() })
}

/// A date that some scrapers put at the very start: `date 2017-03-02 Words`.
fn leading_date(text: &str) -> (Option<Timestamp>, &str) {
    let start = text.trim_start();
    let word = start.get(..4).filter(|word| word.eq_ignore_ascii_case("date")).and_then(|_| start.get(4..));
    let Some(after) = word.map(|after| after.trim_start_matches([':', ' '])) else { return (None, text) };
    let end = after.find(char::is_whitespace).unwrap_or(after.len());
    let Some((date, rest)) = after.split_at_checked(end) else { return (None, text) };
    match date::parse(date) {
        Some(at) => (Some(at), rest),
        None => (None, text),
    }
}

/// Whether a line stands over a report rather than in it: short, in words, not a finished sentence, not a caption.
fn is_headline(line: &str) -> bool {
    let length = line.chars().count();
    let words = line.split_whitespace().count();
    let ends = line.trim_end_matches(['"', '\'', '”', '’', ')']);
    let finished = ends.ends_with('.') && !ends.ends_with("...");
    length <= HEADLINE_CHARS_MAX
        && words >= 2
        && !finished
        && !ends.ends_with([':', ',', ';'])
        && !is_caption(line)
}

/// Whether a line says who took a picture.
fn is_caption(line: &str) -> bool {
    ["Credit:", "Photo:", "Photograph:", "Image:", "Picture:", "(AP Photo", "Getty Images", "File photo"]
        .iter()
        .any(|mark| line.contains(mark))
}

/// The first sentence of the report itself: past captions, which are repeated or name who took a picture.
pub(super) fn sentence(body: &str) -> String {
    let lines: Vec<&str> =
        body.lines().map(str::trim).filter(|line| !line.is_empty()).take(TOP_LINES_MAX).collect();
    let repeated = |at: usize, line: &str| {
        lines.iter().enumerate().any(|(other, text)| other != at && text.starts_with(line))
    };
    let own = lines
        .iter()
        .enumerate()
        .find(|(at, line)| !is_caption(line) && !repeated(*at, line) && !is_repeat(&lines, *at));
    let line = own.map(|(_, line)| *line).or_else(|| lines.first().copied()).unwrap_or_default();
    cut(&clean::line(first_sentence(line)))
}

fn is_repeat(lines: &[&str], at: usize) -> bool {
    let Some(line) = lines.get(at) else { return false };
    lines.iter().take(at).any(|earlier| earlier.len() > 20 && line.starts_with(earlier))
}

/// Up to the first full stop, question or exclamation mark with a blank and a capital after it; initials and titles of
/// a few letters do not end a sentence.
fn first_sentence(line: &str) -> &str {
    for (at, mark) in line.char_indices().filter(|(_, c)| matches!(c, '.' | '?' | '!')) {
        let (before, after) = line.split_at_checked(at).unwrap_or((line, ""));
        let after =
            after.get(mark.len_utf8()..).unwrap_or_default().trim_start_matches(['"', '”', '\'', '’']);
        let next = after.trim_start().chars().next();
        let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
        let short = mark == '.' && (word.chars().count() <= 2 || word.contains('.') || is_title(word));
        if after.starts_with(' ') && !short && next.is_some_and(|c| !c.is_lowercase()) {
            return before;
        }
    }
    line.trim_end_matches('.')
}

fn is_title(word: &str) -> bool {
    matches!(
        word,
        "Gen"
            | "Sen"
            | "Rep"
            | "Gov"
            | "Mrs"
            | "Prof"
            | "Feb"
            | "Jan"
            | "Aug"
            | "Sept"
            | "Oct"
            | "Nov"
            | "Dec"
            | "Col"
            | "Lt"
    )
}

fn cut(line: &str) -> String {
    if line.chars().count() <= SENTENCE_CHARS_MAX {
        return line.to_owned();
    }
    let head: String = line.chars().take(SENTENCE_CHARS_MAX).collect();
    let head = head.rsplit_once(' ').map_or(head.as_str(), |(head, _)| head);
    format!("{}…", head.trim_end_matches([',', ';', ':', ' ', '-', '–']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, title: &str, text: &str) {
        let article = article(raw).unwrap();
        assert_eq!((article.title.as_str(), article.text.as_str()), (title, text));
    }

    #[test]
    fn a_headline_is_the_title() {
        check(
            "Harbour closed after crane falls\n\nThe harbour is closed. Ships wait.",
            "Harbour closed after crane falls",
            "The harbour is closed. Ships wait.",
        );
    }

    #[test]
    fn else_the_first_sentence_is() {
        let text = "The harbour of St. Ives closed on Monday. Ships wait.\n\nNobody was hurt.";
        check(text, "The harbour of St. Ives closed on Monday", text);
    }

    #[test]
    fn a_long_sentence_is_cut() {
        let text = "word ".repeat(60) + "end.";
        let title = article(&text).unwrap().title;
        assert!(title.ends_with("word…") && title.chars().count() <= SENTENCE_CHARS_MAX, "{title}");
    }

    #[test]
    fn a_date_on_top_is_the_date() {
        let raw = " date 2021-05-06 The mayor at the harbour. Credit: ABC\n\nThe harbour stays closed, the mayor said. Ships wait.";
        let read = article(raw).unwrap();
        assert_eq!(read.published, "2021-05-06T00:00:00Z".parse().ok());
        assert_eq!(read.title, "The harbour stays closed, the mayor said");
        assert!(read.text.starts_with("The mayor at the harbour. Credit: ABC\n\nThe harbour"));
    }

    #[test]
    fn a_repeated_caption_is_no_title() {
        let caption = "The mayor speaks at the harbour, May 5, in Lindmouth.";
        let text = format!("{caption}\n{caption}\n\nLINDMOUTH - The harbour stays closed. Ships wait.");
        check(&text, "LINDMOUTH - The harbour stays closed", &text);
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(article(" \n\t\n"), None);
    }
}
