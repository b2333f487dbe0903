//! An article cut into tokens, with what is known of each word from the lists and from the article itself.

use super::{
    lexicon::{DEMONYM, FUNCTION, hash, lexicon},
    token::{ADDRESS, ANY_CAPITAL, CAPITAL, DIGIT, GLUED, MARK, Token, cut},
};
use crate::article::Field;

/// First word of its sentence or line.
pub(crate) const START: u8 = 1;
/// In a line most of whose words are capitalised.
pub(crate) const HEADING: u8 = 1 << 1;
/// In a line without small letters.
pub(crate) const SHOUTED: u8 = 1 << 2;

/// A word of the article that stands there with a capital at least once, however it is capitalised.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Word {
    /// Hash of the lower-cased word.
    id: u64,
    /// Where `Page::lowers` has it.
    lower: (usize, usize),
    /// What the lists say.
    pub(crate) class: u32,
    /// How often it stands without a capital.
    pub(crate) small: u32,
    /// How often it stands with a capital where no sentence begins and no heading is.
    pub(crate) capital: u32,
}

/// Tokens of title and text, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Page<'a> {
    /// All tokens.
    pub(crate) tokens: Vec<Token<'a>>,
    /// The tokens that are words with a capital first letter, by place.
    pub(crate) capitals: Vec<usize>,
    /// For each token its place in sentence and line.
    places: Vec<u8>,
    /// For each token one more than its word's place in `words`; 0 where nothing but small letters are.
    slots: Vec<u16>,
    words: Vec<Word>,
    /// The words in lower case, one behind the other.
    lowers: String,
}

/// What stands only in small letters.
static SMALL_WORD: Word = Word { id: 0, lower: (0, 0), class: 0, small: 1, capital: 0 };

/// Different words with a capital at most; a further one is taken for one in small letters.
const WORDS_MAX: usize = 30_000;

impl<'a> Page<'a> {
    /// Cuts an article.
    pub(crate) fn new(title: &'a str, text: &'a str) -> Self {
        let mut tokens = Vec::with_capacity((title.len() + text.len()) / 4);
        cut(title, Field::Title, 0, &mut tokens);
        let lines = tokens.last().map_or(0, |token| token.line + 1);
        cut(text, Field::Text, lines, &mut tokens);
        Self::of(tokens)
    }

    fn of(tokens: Vec<Token<'a>>) -> Self {
        let mut page = Self { tokens, ..Self::default() };
        page.places();
        page.words();
        page
    }

    /// The token, if there is one.
    pub(crate) fn token(&self, at: usize) -> Option<&Token<'a>> {
        self.tokens.get(at)
    }

    /// The token's text; empty past the ends.
    pub(crate) fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| token.text)
    }

    /// Whether the token has one of these shapes.
    pub(crate) fn is(&self, at: usize, shape: u8) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(shape))
    }

    /// Whether the token has one of these places.
    pub(crate) fn stands(&self, at: usize, place: u8) -> bool {
        self.places.get(at).is_some_and(|places| places & place != 0)
    }

    fn known(&self, at: usize) -> Option<&Word> {
        let slot = self.slots.get(at).copied().unwrap_or(0);
        self.words.get(usize::from(slot).checked_sub(1)?)
    }

    /// Number of the token's word among those with a capital; 0 of one that stands only in small letters.
    pub(crate) fn slot(&self, at: usize) -> usize {
        self.slots.get(at).map_or(0, |slot| usize::from(*slot))
    }

    /// The greatest of these numbers.
    pub(crate) fn slots_max(&self) -> usize {
        self.words.len()
    }

    /// What the article has of the token's word.
    pub(crate) fn word(&self, at: usize) -> &Word {
        self.known(at).unwrap_or(&SMALL_WORD)
    }

    /// What two tokens with the same word have in common, and others have not.
    pub(crate) fn id(&self, at: usize) -> Option<u64> {
        let token = self.tokens.get(at)?;
        Some(self.known(at).map_or_else(|| hash(token.text), |word| word.id))
    }

    /// What the lists say of the token's word.
    pub(crate) fn class(&self, at: usize) -> u32 {
        match (self.known(at), self.tokens.get(at)) {
            (Some(word), _) => word.class,
            (None, Some(token)) if !token.is(MARK) => lexicon().class(hash(token.text)),
            _ => 0,
        }
    }

    /// Whether the lists know the word as one of these.
    pub(crate) fn has(&self, at: usize, class: u32) -> bool {
        self.class(at) & class != 0
    }

    /// The token's word, lower-cased.
    pub(crate) fn lower(&self, at: usize) -> &str {
        match self.known(at) {
            Some(Word { lower: (from, to), .. }) => self.lowers.get(*from..*to).unwrap_or(""),
            None => self.text(at),
        }
    }

    /// Whether both stand in the same line of the same field.
    pub(crate) fn same_line(&self, one: usize, other: usize) -> bool {
        match (self.tokens.get(one), self.tokens.get(other)) {
            (Some(one), Some(other)) => one.line == other.line,
            _ => false,
        }
    }

    /// The token before, if it is in the same line.
    pub(crate) fn before(&self, at: usize) -> Option<usize> {
        at.checked_sub(1).filter(|before| self.same_line(*before, at))
    }

    /// Whether the token is a word with a capital first letter.
    pub(crate) fn capital(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(CAPITAL) && !token.is(ADDRESS))
    }

    /// Whether a possessive mark follows the token before `end`.
    pub(crate) fn possessive(&self, end: usize) -> bool {
        self.is(end, GLUED) && matches!(self.text(end), "'s" | "’s" | "'" | "’")
    }

    /// Where the tokens stand: `start` is the first and `end` one past the last. White space becomes one space.
    pub(crate) fn phrase(&self, start: usize, end: usize) -> String {
        let mut phrase = String::new();
        for token in self.tokens.get(start..end).unwrap_or(&[]) {
            if !phrase.is_empty() && !token.is(GLUED) {
                phrase.push(' ');
            }
            phrase.push_str(token.text);
        }
        phrase
    }

    fn places(&mut self) {
        self.places.reserve(self.tokens.len());
        for line in self.tokens.chunk_by(|one, other| one.line == other.line) {
            let (mut words, mut capitals, mut shouted) = (0_usize, 0_usize, 0_usize);
            for token in line.iter().filter(|token| !token.is(MARK | DIGIT | ADDRESS)) {
                words += 1;
                if token.is(CAPITAL) {
                    capitals += 1;
                    shouted += usize::from(!token.text.chars().any(char::is_lowercase));
                }
            }
            let heading = words >= 3 && capitals * 10 > words * 6;
            let shouts = words >= 3 && shouted * 10 > words * 8;
            let of_line = if heading { HEADING } else { 0 } | if shouts { SHOUTED } else { 0 };
            let mut start = true;
            for token in line {
                self.places.push(of_line | if start { START } else { 0 });
                if token.text.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    start = start && token.is(DIGIT);
                    continue;
                }
                start = match token.text {
                    "." | "!" | "?" | ":" | ";" | "…" | "•" | "|" | ">" => true,
                    "\"" | "'" | "“" | "‘" | "«" | "(" | "[" | "-" | "—" | "–" | "*" | "”" | "’" | ")" => {
                        start || opens(token)
                    }
                    _ => start && token.is(MARK | DIGIT),
                };
            }
        }
    }

    /// Words with a capital are looked up. One in small letters is only counted, and only where it also stands with a
    /// capital: most are never asked for.
    fn words(&mut self) {
        let capitals = self.tokens.iter().filter(|token| token.is(ANY_CAPITAL)).count();
        let mut table = Table::new(capitals);
        self.slots = vec![0; self.tokens.len()];
        self.capitals.reserve(capitals);
        self.words.reserve(capitals.min(WORDS_MAX));
        self.lowers.reserve(capitals * 8);
        for (at, (token, place)) in self.tokens.iter().zip(&self.places).enumerate() {
            if !token.is(ANY_CAPITAL) {
                continue;
            }
            if token.is(CAPITAL) && !token.is(ADDRESS) {
                self.capitals.push(at);
            }
            let from = self.lowers.len();
            push_lower(&mut self.lowers, token.text);
            let lower = self.lowers.get(from..).unwrap_or("");
            let id = hash(lower);
            let mut slot = table.find(id, &self.words);
            if slot != 0 {
                self.lowers.truncate(from);
            } else if self.words.len() < WORDS_MAX {
                let lower = (from, self.lowers.len());
                self.words.push(Word { id, lower, class: 0, small: 0, capital: 0 });
                slot = u16::try_from(self.words.len()).unwrap_or(0);
                table.add(id, slot);
                table.note(self.lowers.get(from..).unwrap_or(""));
            }
            if let Some(own) = self.slots.get_mut(at) {
                *own = slot;
            }
            if let Some(word) = self.words.get_mut(usize::from(slot).wrapping_sub(1)) {
                if !token.is(CAPITAL) {
                    word.small += 1;
                } else if *place == 0 {
                    word.capital += 1;
                }
            }
        }
        // One after the other, so that the memory's delays run side by side.
        let lexicon = lexicon();
        for word in &mut self.words {
            word.class = lexicon.class(word.id);
        }
        for (token, own) in self.tokens.iter().zip(&mut self.slots) {
            if token.is(ANY_CAPITAL) || !table.noted(token.text) {
                continue;
            }
            *own = table.find(hash(token.text), &self.words);
            if let Some(word) = self.words.get_mut(usize::from(*own).wrapping_sub(1)) {
                word.small += 1;
            }
        }
    }
}

/// The places of words by their hashes, open-addressed.
struct Table {
    slots: Vec<u16>,
    /// Which lengths and first letters there are, so that most other words need no hash.
    noted: [u64; 64],
}

impl Table {
    fn new(words: usize) -> Self {
        let slots = (words.min(WORDS_MAX) * 2 + 1).next_power_of_two();
        Self { slots: vec![0; slots], noted: [0; 64] }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the place is taken from the low bits")]
    fn find(&self, id: u64, words: &[Word]) -> u16 {
        let mask = self.slots.len() - 1;
        let mut at = id as usize & mask;
        loop {
            let slot = self.slots.get(at).copied().unwrap_or(0);
            match words.get(usize::from(slot).wrapping_sub(1)) {
                Some(word) if word.id != id => at = (at + 1) & mask,
                _ => return slot,
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the place is taken from the low bits")]
    fn add(&mut self, id: u64, new: u16) {
        let mask = self.slots.len() - 1;
        let mut at = id as usize & mask;
        while let Some(slot) = self.slots.get_mut(at) {
            if *slot == 0 {
                *slot = new;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    fn bit(lower: &str) -> (usize, u64) {
        let mut letters = lower.bytes().map(|byte| usize::from(byte & 31));
        let (first, second) = (letters.next().unwrap_or(0), letters.next().unwrap_or(0));
        (first << 1 | second & 1, 1 << (lower.len() & 15 | (second >> 1 & 3) << 4))
    }

    fn note(&mut self, lower: &str) {
        let (row, bit) = Self::bit(lower);
        if let Some(row) = self.noted.get_mut(row) {
            *row |= bit;
        }
    }

    fn noted(&self, lower: &str) -> bool {
        let (row, bit) = Self::bit(lower);
        self.noted.get(row).is_some_and(|row| row & bit != 0)
    }
}

fn push_lower(lowers: &mut String, word: &str) {
    if word.is_ascii() {
        let from = lowers.len();
        lowers.push_str(word);
        if let Some(own) = lowers.get_mut(from..) {
            own.make_ascii_lowercase();
        }
    } else {
        lowers.extend(word.chars().flat_map(char::to_lowercase));
    }
}

/// Whether an opening mark begins something that may begin with a capital for that reason alone.
fn opens(token: &Token<'_>) -> bool {
    !token.is(GLUED) && matches!(token.text, "\"" | "'" | "“" | "‘" | "«")
}

/// Whether the class says that a capital comes from the word's kind, not from being a name.
pub(crate) fn is_common(class: u32) -> bool {
    class & FUNCTION != 0 && class & DEMONYM == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, word: &str, small: u32, capital: u32) {
        let page = Page::new("", text);
        let at = (0..page.tokens.len()).find(|at| page.lower(*at) == word).unwrap();
        let found = page.word(at);
        assert_eq!((found.small, found.capital), (small, capital), "{word}");
    }

    #[test]
    fn capitals_count_where_no_sentence_begins() {
        check("Rivers rose. We saw Rivers there, and rivers.", "rivers", 1, 1);
        check("“Rivers” rose high.", "rivers", 0, 0);
    }

    #[test]
    fn lines_in_capitals_are_headings() {
        let page = Page::new("Venn Meets Envoy in Oslo", "Plain text follows here");
        assert!(page.stands(0, HEADING) && !page.stands(6, HEADING));
    }
}
