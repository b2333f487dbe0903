//! The passage of a text that shows best why it was found.

use crate::pipeline::{
    story::terms::words::tokens,
    topic::query::{Query, Words},
};

/// Length of a passage, in characters.
const SNIPPET_CHARS: usize = 240;
/// Characters of a text that are looked at.
const TEXT_CHARS_MAX: usize = 200_000;

/// A passage on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snippet {
    pub(super) text: String,
    /// What was looked for: from, to, in characters of `text`.
    pub(super) marks: Vec<(u32, u32)>,
}

/// A word in its place, as the query sees it.
struct Token {
    start: usize,
    end: usize,
    lower: String,
}

/// Of a query that asks for nothing, or for nothing in the text, the text's beginning.
pub(super) fn of(text: &str, query: Option<&Query>) -> Snippet {
    let mut wanted = Vec::new();
    if let Some(query) = query {
        gather(query, &mut wanted);
    }
    let tokens = split(text);
    let mut marks: Vec<(usize, usize, usize)> = Vec::new();
    for (number, words) in wanted.iter().enumerate() {
        let list: Vec<String> = words.lower().collect();
        marks.extend(places(&tokens, &list, words.is_prefix()).map(|(start, end)| (start, end, number)));
    }
    marks.sort_unstable();
    let start = best(text, &marks);
    cut(text, start, &marks)
}

/// What a query looks for in the text, but for what must not be there.
fn gather<'q>(query: &'q Query, wanted: &mut Vec<&'q Words>) {
    match query {
        Query::And(parts) | Query::Or(parts) => parts.iter().for_each(|part| gather(part, wanted)),
        Query::Near(_, pair) => wanted.extend(pair.iter()),
        Query::Words(_, words) | Query::Entity(words) => wanted.push(words),
        Query::Not(_) | Query::Source(_) | Query::Lang(_) | Query::Regex(_) => {}
    }
}

fn split(text: &str) -> Vec<Token> {
    let origin = text.as_ptr().addr();
    let token = |word: &str| {
        let start = word.as_ptr().addr().wrapping_sub(origin);
        let mut lower = word.to_lowercase().replace(['’', 'ʼ'], "'");
        let mut end = start + word.len();
        if lower.ends_with("'s") {
            lower.truncate(lower.len() - 2);
            end = word.char_indices().rev().nth(1).map_or(end, |(apostrophe, _)| start + apostrophe);
        }
        Token { start, end, lower }
    };
    tokens(text, TEXT_CHARS_MAX).iter().map(|found| token(found.word)).collect()
}

/// Bytes from and to of each place of the words.
fn places<'t>(
    tokens: &'t [Token],
    list: &'t [String],
    prefix: bool,
) -> impl Iterator<Item = (usize, usize)> + 't {
    tokens.windows(list.len().max(1)).filter_map(move |window| {
        let last = list.len().checked_sub(1)?;
        let same = window.iter().zip(list).enumerate().all(|(place, (token, word))| {
            token.lower == *word || prefix && place == last && token.lower.starts_with(word.as_str())
        });
        same.then(|| Some((window.first()?.start, window.last()?.end))).flatten()
    })
}

/// Where the passage begins that holds most different words of the query, then most of them, the first such.
fn best(text: &str, marks: &[(usize, usize, usize)]) -> usize {
    let mut best = (0, 0, 0);
    for (place, &(start, ..)) in marks.iter().enumerate() {
        let inside = marks.iter().skip(place).take_while(|(_, end, _)| end - start <= SNIPPET_CHARS * 3 / 4);
        let (mut different, mut count) = (Vec::new(), 0);
        for (_, _, word) in inside {
            count += 1;
            if !different.contains(word) {
                different.push(*word);
            }
        }
        if (different.len(), count) > (best.0, best.1) {
            best = (different.len(), count, start);
        }
    }
    let sentence = |before: &str| {
        let end = before.rfind(['\n', '.', '?', '!'])?;
        before.get(end..)?.char_indices().find(|(_, char)| char.is_alphanumeric()).map(|(skip, _)| end + skip)
    };
    let near = |start: usize| best.2.saturating_sub(start) <= SNIPPET_CHARS / 4;
    let before = text.get(..best.2).unwrap_or_default();
    match sentence(before) {
        _ if best.2 <= SNIPPET_CHARS / 4 => 0,
        Some(start) if near(start) => start,
        _ => {
            // A few words before the first mark.
            let spaces = before.rmatch_indices(char::is_whitespace);
            spaces.take(6).last().map_or(best.2, |(at, space)| at + space.len())
        }
    }
}

fn cut(text: &str, start: usize, marks: &[(usize, usize, usize)]) -> Snippet {
    let rest = text.get(start..).unwrap_or_default();
    let mut end = rest.char_indices().nth(SNIPPET_CHARS).map_or(rest.len(), |(end, _)| end);
    if end < rest.len() {
        // Not in the middle of a word, where there are spaces.
        let part = rest.get(..end).unwrap_or_default();
        end = part.rfind(char::is_whitespace).filter(|space| *space > end / 2).unwrap_or(end);
    }
    let mut snippet = Snippet::default();
    let mut length = 0_u32;
    if start > 0 {
        snippet.text.push_str("… ");
        length += 2;
    }
    let mut marks = marks.iter().filter(|(from, ..)| *from >= start).peekable();
    let mut open: Option<(u32, usize)> = None;
    for (at, char) in rest.get(..end).unwrap_or_default().char_indices() {
        let at = start + at;
        if let Some((from, _)) = open.filter(|(_, until)| at >= *until) {
            snippet.marks.push((from, length));
            open = None;
        }
        while let Some((_, until, _)) = marks.next_if(|(from, ..)| *from <= at) {
            open = match open {
                None if *until > at => Some((length, *until)),
                Some((from, before)) => Some((from, before.max(*until))),
                none => none,
            };
        }
        snippet.text.push(if char.is_whitespace() { ' ' } else { char });
        length += 1;
    }
    if let Some((from, _)) = open {
        snippet.marks.push((from, length));
    }
    if end < rest.len() {
        snippet.text.push_str(" …");
    }
    snippet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::topic::query::parse;

    /// The passage, with what is marked between brackets.
    fn marked(text: &str, query: &str) -> String {
        let query = parse(query).unwrap();
        let Snippet { text, marks } = of(text, Some(&query));
        let mut shown = String::new();
        for (at, char) in (0_u32..).zip(text.chars()) {
            shown.extend(marks.iter().filter(|(_, end)| *end == at).map(|_| ']'));
            shown.extend(marks.iter().filter(|(start, _)| *start == at).map(|_| '['));
            shown.push(char);
        }
        let length = u32::try_from(text.chars().count()).unwrap();
        shown.extend(marks.iter().filter(|(_, end)| *end == length).map(|_| ']'));
        shown
    }

    #[track_caller]
    fn check(text: &str, query: &str, expected: &str) {
        assert_eq!(marked(text, query), expected, "{query}");
    }

    #[test]
    fn words_and_phrases_are_marked() {
        let text = "The ferry’s bolts broke.\nFerries of Port Maren stopped.";
        check(text, "ferry", "The [ferry]’s bolts broke. Ferries of Port Maren stopped.");
        check(text, "ferr*", "The [ferry]’s bolts broke. [Ferries] of Port Maren stopped.");
        check(text, "\"port maren\" NOT bolts", "The ferry’s bolts broke. Ferries of [Port Maren] stopped.");
        check(text, "maren OR \"port maren\"", "The ferry’s bolts broke. Ferries of [Port Maren] stopped.");
        check(text, "source:gull.example", "The ferry’s bolts broke. Ferries of Port Maren stopped.");
    }

    #[test]
    fn a_long_text_is_cut_to_where_most_words_stand() {
        let filler = "Nothing of note happened on the quay that day, growers said. ".repeat(20);
        let text =
            format!("The ferry sailed. {filler}Inspectors found the ferry with cracked bolts. {filler}");
        let shown = marked(&text, "ferry bolts");
        assert!(shown.starts_with("… Inspectors found the [ferry] with cracked [bolts]. Nothing"), "{shown}");
        assert!(shown.ends_with(" …") && shown.chars().count() < SNIPPET_CHARS + 12, "{shown}");
    }

    #[test]
    fn a_text_without_spaces_is_cut_too() {
        let text = "东京".repeat(400);
        assert!(marked(&text, "东京").starts_with("[东京]"), "{}", marked(&text, "东京"));
    }
}
