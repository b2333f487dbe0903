//! A text as queries see it: words with a space before and after each, as written and in lower case.

use memchr::memmem;

use super::Words;
use crate::pipeline::story::terms::words::tokens;

/// A text ready for queries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    plain: String,
    lower: String,
}

impl Text {
    /// Splits a text into words.
    pub fn new(text: &str) -> Self {
        let mut plain = String::with_capacity(text.len() + 2);
        for token in tokens(text, usize::MAX) {
            plain.push(' ');
            // A straight apostrophe stands for all kinds of it.
            if token.word.is_ascii() {
                plain.push_str(token.word);
            } else {
                plain.extend(
                    token.word.chars().map(|char| if matches!(char, '’' | 'ʼ') { '\'' } else { char }),
                );
            }
            if matches!(plain.as_bytes(), [.., b'\'', b's' | b'S']) {
                plain.truncate(plain.len() - 2);
            }
        }
        plain.push(' ');
        let lower = if plain.is_ascii() { plain.to_ascii_lowercase() } else { plain.to_lowercase() };
        Self { plain, lower }
    }

    /// With spaces around, as written and in lower case.
    pub fn padded(&self) -> (&str, &str) {
        (&self.plain, &self.lower)
    }

    pub(super) fn has(&self, words: &Words) -> bool {
        memmem::find(self.side(words), words.needle.as_bytes()).is_some()
    }

    fn side(&self, words: &Words) -> &[u8] {
        if words.exact { self.plain.as_bytes() } else { self.lower.as_bytes() }
    }

    /// Whether both occur with fewer than `distance` words between them.
    pub(super) fn near(&self, a: &Words, b: &Words, distance: usize) -> bool {
        let (starts, others) = (self.starts(a), self.starts(b));
        let mut others = others.iter().peekable();
        for start in starts {
            let last = start + a.list.len() - 1;
            while others.peek().is_some_and(|other| **other + b.list.len() - 1 + distance < start) {
                others.next();
            }
            if others.peek().is_some_and(|other| **other <= last + distance) {
                return true;
            }
        }
        false
    }

    /// Numbers of the words at which the words begin, ascending.
    fn starts(&self, words: &Words) -> Vec<usize> {
        let side = self.side(words);
        let (mut place, mut number) = (0, 0);
        let mut starts = Vec::new();
        for found in memmem::find_iter(side, words.needle.as_bytes()) {
            let passed = side.get(place..found).unwrap_or_default();
            number += memchr::memchr_iter(b' ', passed).count();
            place = found;
            starts.push(number);
        }
        starts
    }
}
