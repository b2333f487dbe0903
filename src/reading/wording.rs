//! One statement in its different wordings: what is the same is told once, what differs is marked.

use super::storyline::QuoteGroup;
use crate::pipeline::story::terms::words::tokens;

/// Characters of a wording that are compared.
const CHARS_MAX: usize = 4_000;
/// Words of a wording that are compared.
const WORDS_MAX: usize = 400;

/// A wording, and who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// As the first outlet prints it.
    pub text: String,
    /// In order of arrival, each once. One alone words it so.
    pub outlets: Vec<String>,
    /// What the first wording does not have in that place: from, to, in Unicode scalar values of `text`.
    pub marks: Vec<(u32, u32)>,
}

struct Word {
    lower: String,
    start: usize,
    end: usize,
}

/// The wordings of a group, that of most outlets first, then in order of arrival.
pub fn wordings(group: &QuoteGroup) -> Vec<Wording> {
    let mut found: Vec<(Vec<Word>, Wording)> = Vec::new();
    for variant in &group.variants {
        let words = split(&variant.text);
        let same = |(known, _): &&mut (Vec<Word>, Wording)| {
            known.len() == words.len() && known.iter().zip(&words).all(|(a, b)| a.lower == b.lower)
        };
        match found.iter_mut().find(same) {
            Some((_, wording)) if wording.outlets.contains(&variant.source) => {}
            Some((_, wording)) => wording.outlets.push(variant.source.clone()),
            None => {
                let outlets = vec![variant.source.clone()];
                found.push((words, Wording { text: variant.text.clone(), outlets, marks: Vec::new() }));
            }
        }
    }
    found.sort_by_key(|(words, wording)| std::cmp::Reverse((wording.outlets.len(), words.len())));
    let mut rest = found.into_iter();
    let Some((base, first)) = rest.next() else { return Vec::new() };
    let mut wordings = vec![first];
    for (words, mut wording) in rest {
        wording.marks = marks(&wording.text, &words, &base);
        wordings.push(wording);
    }
    wordings
}

fn split(text: &str) -> Vec<Word> {
    let origin = text.as_ptr().addr();
    let word = |word: &str| {
        let start = word.as_ptr().addr().wrapping_sub(origin);
        let lower = word.to_lowercase().replace(['’', 'ʼ'], "'");
        Word { lower, start, end: start + word.len() }
    };
    tokens(text, CHARS_MAX).iter().take(WORDS_MAX).map(|token| word(token.word)).collect()
}

/// Runs of words that are not in the longest common part with the base.
fn marks(text: &str, words: &[Word], base: &[Word]) -> Vec<(u32, u32)> {
    let columns = base.len() + 1;
    let mut lengths = vec![0_u16; (words.len() + 1) * columns];
    let at = |row: usize, column: usize| row * columns + column;
    for (row, word) in words.iter().enumerate().rev() {
        for (column, other) in base.iter().enumerate().rev() {
            let get = |place: usize| lengths.get(place).copied().unwrap_or(0);
            let best = if word.lower == other.lower {
                get(at(row + 1, column + 1)) + 1
            } else {
                get(at(row + 1, column)).max(get(at(row, column + 1)))
            };
            if let Some(place) = lengths.get_mut(at(row, column)) {
                *place = best;
            }
        }
    }
    let get = |place: usize| lengths.get(place).copied().unwrap_or(0);
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let (mut column, mut open) = (0, false);
    for (row, word) in words.iter().enumerate() {
        while base.get(column).is_some_and(|other| other.lower != word.lower)
            && get(at(row, column + 1)) == get(at(row, column))
        {
            column += 1;
        }
        let common = base.get(column).is_some_and(|other| other.lower == word.lower)
            && get(at(row, column)) == get(at(row + 1, column + 1)) + 1;
        if common {
            column += 1;
            open = false;
            continue;
        }
        match runs.last_mut() {
            Some(run) if open => run.1 = word.end,
            _ => runs.push((word.start, word.end)),
        }
        open = true;
    }
    let chars =
        |byte: usize| u32::try_from(text.get(..byte).unwrap_or_default().chars().count()).unwrap_or(u32::MAX);
    runs.into_iter().map(|(start, end)| (chars(start), chars(end))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{article::Id, reading::storyline::Variant};

    /// Each wording with its outlets, what differs between brackets.
    #[track_caller]
    fn check(variants: &[(&str, &str)], expected: &[(&str, &str)]) {
        let variants = variants.iter().map(|(source, text)| Variant {
            input_id: None,
            article: Id(1),
            source: (*source).to_owned(),
            start: 0,
            end: 0,
            text: (*text).to_owned(),
        });
        let group = QuoteGroup { speaker: None, variants: variants.collect() };
        let shown: Vec<(String, String)> = wordings(&group)
            .into_iter()
            .map(|wording| {
                let mut text = String::new();
                for (at, char) in (0_u32..).zip(wording.text.chars().chain([' '])) {
                    text.extend(wording.marks.iter().filter(|mark| mark.1 == at).map(|_| ']'));
                    text.extend(wording.marks.iter().filter(|mark| mark.0 == at).map(|_| '['));
                    text.push(char);
                }
                (wording.outlets.join("+"), text.trim().to_owned())
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_most_print_comes_first_and_others_are_marked_against_it() {
        check(
            &[
                ("gull", "I haven't had dealings with that shipyard"),
                ("heron", "I did not have dealings with the shipyard."),
                ("wire", "I did not have dealings, with the shipyard"),
            ],
            &[
                ("heron+wire", "I did not have dealings with the shipyard."),
                ("gull", "I [haven't had] dealings with [that] shipyard"),
            ],
        );
    }

    #[test]
    fn what_is_only_shorter_has_nothing_marked() {
        check(
            &[("gull", "It is false."), ("heron", "I have no idea. It is false.")],
            &[("heron", "I have no idea. It is false."), ("gull", "It is false.")],
        );
    }
}
