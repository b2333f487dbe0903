//! Cuts text into words and marks, with their places. Knows abbreviations and initials, so that "Co." and "J." stay
//! whole, and possessives, so that "Smith's" is two tokens.

use crate::article::Field;

/// Begins with a capital letter.
pub(crate) const CAPITAL: u8 = 1;
/// Two letters or more, none of them lower-case.
pub(crate) const UPPER: u8 = 1 << 1;
/// No white space before it.
pub(crate) const GLUED: u8 = 1 << 2;
/// Has a digit.
pub(crate) const DIGIT: u8 = 1 << 3;
/// Neither letter nor digit in it.
pub(crate) const MARK: u8 = 1 << 4;
/// Address, handle: one token whatever stands in it.
pub(crate) const ADDRESS: u8 = 1 << 5;
/// Has a capital letter somewhere.
pub(crate) const ANY_CAPITAL: u8 = 1 << 6;

/// Tokens of one field at most; what follows is not looked at.
pub(crate) const TOKENS_MAX: usize = 40_000;

/// A word or mark.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    /// As written.
    pub(crate) text: &'a str,
    /// Bytes from the start of the field.
    pub(crate) start: usize,
    /// Line of the field, from 0.
    pub(crate) line: u32,
    /// Where it stands.
    pub(crate) field: Field,
    /// `CAPITAL` and so on.
    pub(crate) shape: u8,
}

impl Token<'_> {
    /// One past its last byte.
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it has any of these marks.
    pub(crate) fn is(&self, shape: u8) -> bool {
        self.shape & shape != 0
    }
}

const LOWER_LETTER: u8 = 1;
const UPPER_LETTER: u8 = 2;
const DIGITS: u8 = 4;
const OTHER: u8 = 8;
const HIGH: u8 = 16;
/// White space and control characters, which part chunks, have no class.
const SPACE: u8 = 0;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "constant, below 256")]
        {
            table[byte] = match byte as u8 {
                b'a'..=b'z' => LOWER_LETTER,
                b'A'..=b'Z' => UPPER_LETTER,
                b'0'..=b'9' => DIGITS,
                128.. => HIGH,
                0..=b' ' | 127 => SPACE,
                _ => OTHER,
            };
        }
        byte += 1;
    }
    table
}

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(OTHER)
}

/// Appends the tokens of one field.
pub(crate) fn cut<'a>(source: &'a str, field: Field, first_line: u32, out: &mut Vec<Token<'a>>) {
    let mut cutter = Cutter { source, field, line: first_line, out, most: 0 };
    cutter.most = cutter.out.len() + TOKENS_MAX;
    let bytes = source.as_bytes();
    let mut at = 0;
    while at < bytes.len() && cutter.out.len() < cutter.most {
        match bytes.get(at) {
            Some(b'\n') => {
                cutter.line += 1;
                at += 1;
            }
            Some(byte) if class(*byte) == SPACE => at += 1,
            _ => {
                let (end, classes) = chunk(bytes, at);
                cutter.chunk(at, end, classes);
                at = end;
            }
        }
    }
}

/// End of the run without ASCII white space, and the classes of its bytes.
fn chunk(bytes: &[u8], start: usize) -> (usize, u8) {
    let mut classes = 0;
    for (offset, byte) in bytes.get(start..).unwrap_or(&[]).iter().enumerate() {
        let class = class(*byte);
        if class == SPACE {
            return (start + offset, classes);
        }
        classes |= class;
    }
    (bytes.len(), classes)
}

struct Cutter<'a, 'o> {
    source: &'a str,
    field: Field,
    line: u32,
    out: &'o mut Vec<Token<'a>>,
    most: usize,
}

impl Cutter<'_, '_> {
    fn part(&self, start: usize, end: usize) -> &str {
        self.source.get(start..end).unwrap_or("")
    }

    fn push(&mut self, start: usize, end: usize, shape: u8) {
        if let Some(text) = self.source.get(start..end)
            && !text.is_empty()
            && self.out.len() < self.most
        {
            self.out.push(Token { text, start, line: self.line, field: self.field, shape });
        }
    }

    fn word(&mut self, start: usize, end: usize, glued: bool) {
        let shape = shape_of(self.part(start, end)) | if glued { GLUED } else { 0 };
        self.push(start, end, shape);
    }

    fn chunk(&mut self, start: usize, end: usize, classes: u8) {
        // Most chunks are a plain word, or one with a comma or full stop behind it.
        if classes == LOWER_LETTER {
            self.push(start, end, 0);
        } else if classes & (OTHER | HIGH) == 0 {
            self.push(start, end, ascii_shape(self.part(start, end)));
        } else if classes & HIGH == 0 {
            self.mixed_ascii(start, end);
        } else {
            // Other white space and control characters than ASCII's part words too.
            let mut from = start;
            let part = self.source.get(start..end).unwrap_or("");
            for (offset, space) in part.char_indices().filter(|(_, c)| c.is_whitespace() || c.is_control()) {
                self.mixed(from, start + offset);
                from = start + offset + space.len_utf8();
            }
            self.mixed(from, end);
        }
    }

    /// The same as `mixed` for the chunks that are one word with marks around it, which most are.
    fn mixed_ascii(&mut self, start: usize, end: usize) {
        let part = self.source.as_bytes().get(start..end).unwrap_or(&[]);
        let is_core = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'#');
        let ends = part.iter().position(is_core).zip(part.iter().rposition(u8::is_ascii_alphanumeric));
        let Some((first, last)) = ends else { return self.mixed(start, end) };
        let core = part.get(first..=last).unwrap_or(&[]);
        let classes = core.iter().fold(0, |classes, byte| classes | class(*byte));
        if core.is_empty() || classes & OTHER != 0 || core.starts_with(b"http") {
            return self.mixed(start, end);
        }
        let (core_start, mut core_end) = (start + first, start + last + 1);
        self.marks(start, core_start, start);
        if part.get(last + 1) == Some(&b'.') && keeps_full_stop(self.part(core_start, core_end)) {
            core_end += 1;
        }
        let shape = if classes == LOWER_LETTER { 0 } else { ascii_shape(self.part(core_start, core_end)) };
        self.push(core_start, core_end, shape | if first > 0 { GLUED } else { 0 });
        self.marks(core_end, end, start);
    }

    /// Peels marks off both ends and cuts the rest.
    fn mixed(&mut self, start: usize, end: usize) {
        let part = self.source.get(start..end).unwrap_or("");
        let is_core = |c: char| alphanumeric(c) || c == '@' || c == '#';
        let Some(first) = part.find(is_core) else {
            self.marks(start, end, start);
            return;
        };
        let last = part.char_indices().rfind(|(_, c)| alphanumeric(*c));
        let core_start = start + first;
        let mut core_end = last.map_or(end, |(offset, c)| start + offset + c.len_utf8()).max(core_start);
        self.marks(start, core_start, start);
        let core = self.part(core_start, core_end);
        if is_address(core) {
            let glued = if core_start > start { GLUED } else { 0 };
            self.push(core_start, core_end, ADDRESS | glued);
        } else {
            if self.part(core_end, end).starts_with('.') && keeps_full_stop(core) {
                core_end += 1;
            }
            self.inside(core_start, core_end, start);
        }
        self.marks(core_end, end, start);
    }

    /// Each mark is a token of its own.
    fn marks(&mut self, start: usize, end: usize, chunk_start: usize) {
        let part = self.source.get(start..end).unwrap_or("");
        for (offset, mark) in part.char_indices() {
            let at = start + offset;
            let glued = if at > chunk_start { GLUED } else { 0 };
            self.push(at, at + mark.len_utf8(), MARK | glued);
        }
    }

    /// Cuts where a word ends inside a chunk.
    fn inside(&mut self, start: usize, end: usize, chunk_start: usize) {
        let part = self.source.get(start..end).unwrap_or("");
        if part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            self.word(start, end, start > chunk_start);
            return;
        }
        let capital = part.chars().any(char::is_uppercase);
        let mut from = 0;
        let mut before = '\0';
        let mut at = 0;
        while let Some(rest) = part.get(at..)
            && let Some(mark) = rest.chars().next()
        {
            let behind = rest.get(mark.len_utf8()..).unwrap_or("");
            let after = behind.chars().next().unwrap_or('\0');
            let (width, whole) = match mark {
                '/' | '—' | '–' | '…' | ';' | '(' | ')' | '[' | ']' | '"' | '“' | '”' | '‘' => {
                    (mark.len_utf8(), true)
                }
                ':' if !(before.is_ascii_digit() && after.is_ascii_digit()) => (1, true),
                '-' if capital => (1, true),
                ',' if before.is_alphabetic() && after.is_alphabetic() => (1, true),
                '.' if before.is_lowercase() && after.is_uppercase() => (1, true),
                '\'' | '’' => (apostrophe(part.get(from..at).unwrap_or(""), behind, mark), false),
                'n' if before.is_alphabetic() && matches!(behind, "'t" | "’t") => (part.len() - at, false),
                _ => (0, true),
            };
            if width > 0 && at > 0 {
                if at > from {
                    self.word(start + from, start + at, start + from > chunk_start);
                }
                let shape = if whole { MARK | GLUED } else { GLUED };
                self.push(start + at, start + at + width, shape);
                at += width;
                from = at;
                before = '\0';
            } else {
                before = mark;
                at += mark.len_utf8();
            }
        }
        if from < part.len() {
            self.word(start + from, end, start + from > chunk_start);
        }
    }
}

/// Bytes of the contraction or bare apostrophe that is cut off here; 0 where the word goes on.
fn apostrophe(before: &str, behind: &str, mark: char) -> usize {
    let ends = |len: usize| behind.get(len..).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    for (suffix, only_at_end) in
        [("s", false), ("re", true), ("ve", true), ("ll", true), ("d", true), ("m", true)]
    {
        let here = behind.get(..suffix.len()).is_some_and(|head| head.eq_ignore_ascii_case(suffix));
        if here && ends(suffix.len()) && (!only_at_end || behind.len() == suffix.len()) {
            return mark.len_utf8() + suffix.len();
        }
    }
    let lower_follows = behind.chars().next().is_some_and(char::is_lowercase);
    let letters = before.chars().filter(|c| c.is_alphabetic()).count();
    let contraction = before.ends_with('n') && behind == "t";
    if letters >= 3 && lower_follows && !contraction { mark.len_utf8() } else { 0 }
}

fn is_address(core: &str) -> bool {
    let bytes = core.as_bytes();
    memchr::memchr2(b'@', b'#', bytes).is_some()
        || core.starts_with("http")
        || core.starts_with("www.")
        || memchr::memmem::find(bytes, b"://").is_some()
        || (bytes.ends_with(b".com") && core.len() > 5)
}

/// Abbreviations that a full stop belongs to, beside initials and dotted ones; sorted.
const ABBREVIATIONS: &[&str] = &[
    "adm", "ala", "alta", "apr", "ariz", "ark", "assn", "aug", "ave", "bldg", "blvd", "bros", "calif",
    "capt", "cllr", "cmdr", "co", "col", "colo", "conn", "corp", "cpl", "dec", "del", "dept", "det", "dr",
    "dra", "drs", "feb", "fla", "ft", "ga", "gen", "gens", "gov", "govs", "hon", "ill", "inc", "ind", "insp",
    "jan", "jr", "jul", "jun", "kan", "ky", "la", "lt", "ltd", "maj", "mar", "mass", "md", "messrs", "mgr",
    "mich", "minn", "miss", "mo", "mont", "mr", "mrs", "ms", "mt", "neb", "nev", "no", "nov", "oct", "okla",
    "ont", "ore", "pa", "prof", "pvt", "que", "rep", "reps", "rev", "sask", "sen", "sens", "sep", "sept",
    "sgt", "sr", "sra", "srta", "st", "supt", "tenn", "tex", "univ", "va", "vs", "vt", "wash", "wis", "wyo",
];

/// Bytes of the longest abbreviation.
const ABBREVIATION_BYTES_MAX: usize = 6;

fn keeps_full_stop(core: &str) -> bool {
    let last = core.rsplit(['-', '/', '–', '—']).next().unwrap_or(core);
    let mut letters = last.chars();
    let first = letters.next().unwrap_or('\0');
    if !first.is_alphabetic() {
        return false;
    }
    if letters.next().is_none() {
        return first.is_uppercase();
    }
    if last.contains('.') {
        return last.split('.').all(|part| (1..=2).contains(&part.chars().count()) && !part.contains('\''));
    }
    first.is_uppercase() && last.len() <= ABBREVIATION_BYTES_MAX && last.is_ascii() && {
        let lower = last.to_ascii_lowercase();
        ABBREVIATIONS.binary_search(&lower.as_str()).is_ok()
    }
}

/// Whether a character belongs to words; the marks of typography, which are frequent, are told without a table.
fn alphanumeric(c: char) -> bool {
    !matches!(c, '\u{2010}'..='\u{2027}') && c.is_alphanumeric()
}

/// The shape of a word of ASCII.
fn ascii_shape(word: &str) -> u8 {
    let mut classes = 0;
    for byte in word.bytes() {
        classes |= class(byte);
    }
    let mut shape = 0;
    if classes & UPPER_LETTER != 0 {
        let first = word.as_bytes().first().is_some_and(u8::is_ascii_uppercase);
        let letters = word.len() > 1 && word.bytes().filter(u8::is_ascii_uppercase).nth(1).is_some();
        shape |= ANY_CAPITAL
            | if first { CAPITAL } else { 0 }
            | if letters && classes & LOWER_LETTER == 0 { UPPER } else { 0 };
    }
    if classes & DIGITS != 0 {
        shape |= DIGIT;
    }
    if classes & (UPPER_LETTER | LOWER_LETTER | DIGITS) == 0 {
        shape |= MARK;
    }
    shape
}

fn shape_of(word: &str) -> u8 {
    if word.is_ascii() {
        return ascii_shape(word);
    }
    let mut shape = 0;
    let (mut upper, mut lower) = (0_u32, 0_u32);
    for (index, letter) in word.chars().enumerate() {
        if letter.is_uppercase() {
            upper += 1;
            shape |= ANY_CAPITAL | if index == 0 { CAPITAL } else { 0 };
        } else if letter.is_numeric() {
            shape |= DIGIT;
        } else if letter.is_alphabetic() {
            lower += 1;
        }
    }
    if upper >= 2 && lower == 0 {
        shape |= UPPER;
    }
    if upper == 0 && lower == 0 && shape & DIGIT == 0 {
        shape |= MARK;
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut tokens = Vec::new();
        cut(text, Field::Text, 0, &mut tokens);
        let words: Vec<&str> = tokens.iter().map(|token| token.text).collect();
        assert_eq!(words.join(" "), expected);
        for token in &tokens {
            assert_eq!(text.get(token.start..token.end()), Some(token.text));
        }
    }

    #[test]
    fn plain_words_and_marks() {
        check("The cat, the hat.", "The cat , the hat .");
        check("(Well…) \"So?\"", "( Well … ) \" So ? \"");
    }

    #[test]
    fn abbreviations_keep_their_full_stop() {
        check("Mr. Orla J. Venn of Quill Co. in the U.S.", "Mr. Orla J. Venn of Quill Co. in the U.S.");
        check("He saw the cat. She left.", "He saw the cat . She left .");
    }

    #[test]
    fn possessives_and_contractions_are_cut() {
        check("Venn's and the Venns' don't I’m", "Venn 's and the Venns ' do n't I ’m");
        check("O'Hara wasn’t", "O'Hara was n’t");
        check("Court’to", "Court ’ to");
    }

    #[test]
    fn hyphens_part_names_only() {
        check("Oslo-based well-known", "Oslo - based well-known");
    }

    #[test]
    fn addresses_stay_whole() {
        check("see https://a.example/b-C?d=1, @venn", "see https://a.example/b-C?d=1 , @venn");
    }

    #[test]
    fn sentences_without_a_space_are_parted() {
        check("It ended.Next day", "It ended . Next day");
        check("Sadly,venn", "Sadly , venn");
    }

    #[test]
    fn other_white_space_parts_words() {
        check("Orla\u{a0}Venn", "Orla Venn");
    }

    #[test]
    fn control_characters_part_words() {
        check("Orla\u{0}Venn\u{b}\u{85}Quill\u{7f}é\u{9b}a", "Orla Venn Quill é a");
    }
}
