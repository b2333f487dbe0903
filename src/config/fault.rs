//! A fault of the config, and where it stands.

use std::{error, fmt, iter::Peekable, ops::Range, path::PathBuf};

/// What is wrong with the config, where, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The config file, or the path that it names.
    pub path: PathBuf,
    /// `None` where the file as a whole is at fault.
    pub place: Option<Place>,
    /// Lower-case fragment: what is wrong, and what was expected.
    pub what: String,
}

/// A place in a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if let Some(Place { line, column }) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.what)
    }
}

impl error::Error for Fault {}

impl Place {
    /// The place of the byte at `offset`; the end of the text for an offset beyond it.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let (mut line, mut column) = (1, 1);
        for (at, letter) in text.char_indices() {
            if at >= offset {
                break;
            }
            if letter == '\n' {
                (line, column) = (line + 1, 1);
            } else {
                column += 1;
            }
        }
        Self { line, column }
    }
}

/// The byte at which a line and column (in characters, both from 1) of the text of a TOML string stand in the file.
/// `at` is the whole literal, its quotation marks included; a place beyond its end gives its closing mark.
pub(super) fn offset_in_string(file: &str, at: &Range<usize>, place: Place) -> usize {
    let literal = file.get(at.clone()).unwrap_or_default();
    let marks = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|marks| literal.starts_with(marks));
    let marks = marks.unwrap_or_default();
    let inner = literal.strip_prefix(marks).unwrap_or_default();
    let inner = inner.strip_suffix(marks).unwrap_or(inner);
    let first = match marks.len() {
        3 if inner.starts_with("\r\n") => 2,
        3 if inner.starts_with('\n') => 1,
        _ => 0,
    };
    let start = at.start + marks.len();
    let mut letters = inner.char_indices().skip_while(|(offset, _)| *offset < first).peekable();
    let mut now = Place { line: 1, column: 1 };
    while let Some((offset, letter)) = letters.next() {
        let decoded =
            if letter == '\\' && marks.starts_with('"') { escaped(&mut letters) } else { Some(letter) };
        let Some(decoded) = decoded else { continue };
        if now >= place {
            return start + offset;
        }
        now = match decoded {
            '\n' => Place { line: now.line + 1, column: 1 },
            _ => Place { line: now.line, column: now.column + 1 },
        };
    }
    start + inner.len()
}

/// Takes what follows a backslash. Only a line feed among the decoded characters matters; an escaped end of a line
/// stands for none.
fn escaped(letters: &mut Peekable<impl Iterator<Item = (usize, char)>>) -> Option<char> {
    let (_, kind) = letters.next()?;
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        'n' => return Some('\n'),
        blank if blank.is_whitespace() => {
            while letters.next_if(|(_, letter)| letter.is_whitespace()).is_some() {}
            return None;
        }
        _ => 0,
    };
    for _ in 0..digits {
        letters.next();
    }
    Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_string(file: &str, place: (u32, u32), expected: &str) {
        let at = file.find(['"', '\'']).unwrap()..file.trim_end().len();
        let offset = offset_in_string(file, &at, Place { line: place.0, column: place.1 });
        let rest = file.get(offset..).unwrap();
        assert!(rest.starts_with(expected), "{rest}");
    }

    #[test]
    fn places_in_a_plain_string() {
        check_string("query = 'a AND ('", (1, 7), "(");
    }

    #[test]
    fn places_after_escapes() {
        check_string(r#"query = "\"a\" \u00e9 AND (""#, (1, 11), "(");
    }

    #[test]
    fn places_after_an_escaped_line_feed() {
        check_string(r#"query = "a\nOR (""#, (2, 4), "(");
    }

    #[test]
    fn places_in_a_string_of_several_lines() {
        check_string("query = '''\na\n AND (\n'''", (2, 6), "(");
    }

    #[test]
    fn places_after_an_escaped_end_of_line() {
        check_string("query = \"\"\"a \\\n   OR (\n\"\"\"", (1, 6), "(");
    }

    #[test]
    fn a_place_beyond_the_end_is_the_closing_mark() {
        check_string("query = 'a AND'", (1, 99), "'");
    }

    #[track_caller]
    fn check(text: &str, offset: usize, expected: (u32, u32)) {
        let Place { line, column } = Place::of(text, offset);
        assert_eq!((line, column), expected);
    }

    #[test]
    fn counts_from_one() {
        check("a = 1", 0, (1, 1));
    }

    #[test]
    fn counts_characters_not_bytes() {
        check("é = 1", 3, (1, 3));
    }

    #[test]
    fn starts_anew_after_a_line_feed() {
        check("a\r\nbc", 4, (2, 2));
    }

    #[test]
    fn stops_at_the_end() {
        check("a\n", 99, (2, 1));
    }

    #[test]
    fn reads_like_a_compiler_message() {
        let fault =
            Fault { path: "x.toml".into(), place: Some(Place { line: 3, column: 7 }), what: "no".to_owned() };
        assert_eq!(fault.to_string(), "x.toml:3:7: no");
    }
}
