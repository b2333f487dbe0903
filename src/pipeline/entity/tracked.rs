//! The names that the user tracks, found in one pass over the text, however many they are.

use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, MatchKind, StartKind};

use super::{
    lexicon::{FIRST, FixedMap, ORG_TAIL, ORG_WORD, PLACE, SURNAME, hash, lexicon},
    page::Page,
    span::Span,
};
use crate::{
    article::{EntityKind, Field},
    event::TrackedName,
};

/// Shortest name or alias in bytes; shorter ones match nothing.
const NAME_BYTES_MIN: usize = 2;

/// Longest name or alias in bytes; longer ones match nothing.
const NAME_BYTES_MAX: usize = 200;

/// Names to look for, compiled. Of two names that share an alias the first has it.
#[derive(Clone, Debug, Default)]
pub struct Names {
    automaton: Option<AhoCorasick>,
    /// How spellings begin.
    heads: Heads,
    /// For each pattern: its name, and whether its first letter must be a capital.
    patterns: Vec<Pattern>,
    canonical: Vec<(String, EntityKind)>,
    /// Whose surname it is, by hash; `None` where it is that of several.
    surnames: FixedMap<u64, Option<u32>>,
}

#[derive(Clone, Copy, Debug)]
struct Pattern {
    name: u32,
    capital: bool,
    /// One word that is the whole tracked name, so that a longer name with it may be someone else.
    alone: bool,
}

/// How all spellings begin, as bits of two small tables, so that most words need no look at the automaton. What begins
/// with a capital is looked for with a capital.
#[derive(Clone, Debug)]
struct Heads {
    /// The first three bytes of short spellings.
    short: Box<[u64]>,
    /// The first six bytes of the others.
    long: Box<[u64]>,
    /// Whether any begins with a small letter.
    small: bool,
}

impl Default for Heads {
    fn default() -> Self {
        Self {
            short: vec![0; Self::SHORT_WORDS].into(),
            long: vec![0; Self::LONG_WORDS].into(),
            small: false,
        }
    }
}

impl Heads {
    const SHORT: usize = 3;
    const LONG: usize = 6;

    /// 2^14 and 2^17 bits: a dozen for each head of ten thousand names, and small enough for an inner cache.
    const SHORT_WORDS: usize = 1 << 8;
    const LONG_WORDS: usize = 1 << 11;

    fn add(&mut self, spelling: &[u8]) {
        let Some((&first, rest)) = spelling.split_first() else { return };
        for first in [first, first.to_ascii_uppercase()] {
            if let Some(rest) = rest.get(..Self::LONG - 1) {
                set(&mut self.long, head(first, rest));
            } else if let Some(rest) = rest.get(..Self::SHORT - 1) {
                set(&mut self.short, head(first, rest));
            } else {
                for last in 0..=u8::MAX {
                    set(&mut self.short, head(first, &[rest, &[last]].concat()));
                }
            }
        }
    }

    fn may_begin(&self, rest: Option<&[u8]>) -> bool {
        let Some((&first, rest)) = rest.and_then(<[u8]>::split_first) else { return false };
        let long = rest.get(..Self::LONG - 1).is_some_and(|rest| is_set(&self.long, head(first, rest)));
        // At the end of a text a zero stands for what is not there.
        let [second, third] = [0, 1].map(|at| rest.get(at).copied().unwrap_or(0));
        long || is_set(&self.short, head(first, &[second, third]))
    }
}

/// The first byte counts as it is, the others whatever their case.
fn head(first: u8, rest: &[u8]) -> u32 {
    let head =
        rest.iter().fold(u64::from(first), |head, byte| head << 8 | u64::from(byte.to_ascii_lowercase()));
    let product = head.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (product >> 32) as u32
}

fn set(bits: &mut [u64], head: u32) {
    let place = head as usize >> 6 & (bits.len() - 1);
    if let Some(bits) = bits.get_mut(place) {
        *bits |= 1 << (head & 63);
    }
}

fn is_set(bits: &[u64], head: u32) -> bool {
    bits.get(head as usize >> 6 & (bits.len() - 1)).is_some_and(|bits| bits >> (head & 63) & 1 != 0)
}

impl Names {
    /// Makes the names ready to be found. Names beyond what an automaton can hold match nothing.
    pub fn compile(tracked: &[TrackedName]) -> Self {
        let mut names = Vec::with_capacity(tracked.len());
        let mut spellings = Vec::new();
        let mut patterns = Vec::new();
        for entry in tracked {
            let name = clean(&entry.name);
            let index = u32::try_from(names.len()).unwrap_or(u32::MAX);
            for spelling in std::iter::once(&entry.name).chain(&entry.aliases) {
                let spelling = clean(spelling);
                if (NAME_BYTES_MIN..=NAME_BYTES_MAX).contains(&spelling.len()) {
                    patterns.push(Pattern {
                        name: index,
                        capital: spelling.starts_with(char::is_uppercase),
                        alone: !name.contains(' '),
                    });
                    spellings.push(spelling);
                }
            }
            names.push((name.clone(), kind_of(&name)));
        }
        let mut heads = Heads::default();
        for spelling in &spellings {
            heads.add(spelling.as_bytes());
            heads.small |= spelling.starts_with(char::is_lowercase);
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .start_kind(StartKind::Anchored)
            .build(&spellings)
            .ok()
            .filter(|_| !spellings.is_empty());
        let mut surnames: FixedMap<u64, Option<u32>> = FixedMap::default();
        for ((name, kind), index) in names.iter().zip(0..) {
            if let Some((_, last)) = name.rsplit_once(' ').filter(|_| *kind == EntityKind::Person) {
                let same = |known: &mut Option<u32>| {
                    let is_same = known.is_some_and(|known| {
                        names.get(known as usize).is_some_and(|(other, _)| other == name)
                    });
                    *known = known.filter(|_| is_same);
                };
                surnames.entry(hash(&last.to_lowercase())).and_modify(same).or_insert(Some(index));
            }
        }
        Self { automaton, heads, patterns, canonical: names, surnames }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.automaton.is_none()
    }

    /// The canonical name of a match.
    pub(crate) fn name(&self, index: u32) -> &str {
        self.canonical.get(index as usize).map_or("", |(name, _)| name)
    }

    /// The tracked person with this surname, if there is one and no other.
    pub(crate) fn bearer(&self, surname: &str) -> Option<String> {
        let index = (*self.surnames.get(&hash(&surname.to_lowercase()))?)?;
        Some(self.name(index).to_owned())
    }

    /// All places of tracked names in the tokens of an article, in order.
    pub(crate) fn spans(&self, page: &Page<'_>, title: &str, text: &str) -> Vec<Span> {
        let mut spans = Vec::new();
        let Some(automaton) = &self.automaton else { return spans };
        let mut token = 0;
        for (field, source) in [(Field::Title, title), (Field::Text, text)] {
            let (mut at, mut before) = (0, ' ');
            for (start, c) in source.char_indices() {
                let opens = !before.is_alphanumeric() || !c.is_alphanumeric();
                before = c;
                let open =
                    opens && start >= at && !c.is_whitespace() && (self.heads.small || !c.is_lowercase());
                if !open || !self.heads.may_begin(source.as_bytes().get(start..)) {
                    continue;
                }
                let here = Input::new(source).range(start..).anchored(Anchored::Yes);
                let Some(found) = automaton.find(here) else { continue };
                let Some(pattern) = self.patterns.get(found.pattern().as_usize()) else { continue };
                if !ends_alone(source, found.end()) || pattern.capital && !c.is_uppercase() {
                    continue;
                }
                at = found.end();
                let Some((from, to)) = tokens_of(page, field, found.start(), found.end(), &mut token) else {
                    continue;
                };
                let kind =
                    self.canonical.get(pattern.name as usize).map_or(EntityKind::Person, |(_, kind)| *kind);
                let full = self.name(pattern.name);
                // The word before tells of whom a longer name with this surname speaks.
                let same = pattern.alone
                    || from.checked_sub(1).is_some_and(|before| full.starts_with(page.text(before)));
                spans.push(Span { from, to, kind, sure: same, tracked: Some(pattern.name) });
            }
        }
        spans
    }
}

fn clean(name: &str) -> String {
    let words = name.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

fn kind_of(name: &str) -> EntityKind {
    let lexicon = lexicon();
    let lower = name.to_lowercase();
    let mut words = lower.split(' ');
    let last = lexicon.word(words.next_back().unwrap_or(""));
    if lower.contains(' ') {
        return match lexicon.phrase(&lower) {
            Some(super::lexicon::Phrase::Place | super::lexicon::Phrase::Town) => EntityKind::Place,
            Some(super::lexicon::Phrase::Org) => EntityKind::Org,
            None if last & ORG_TAIL != 0 && last & SURNAME == 0 => EntityKind::Org,
            None => EntityKind::Person,
        };
    }
    if last & ORG_WORD != 0 {
        EntityKind::Org
    } else if last & PLACE != 0 && last & (SURNAME | FIRST) == 0 {
        EntityKind::Place
    } else {
        EntityKind::Person
    }
}

/// Whether a match that ends here does not go on within a word.
fn ends_alone(source: &str, end: usize) -> bool {
    let last = source.get(..end).and_then(|head| head.chars().next_back());
    let after = source.get(end..).and_then(|tail| tail.chars().next());
    !last.is_some_and(char::is_alphanumeric) || !after.is_some_and(char::is_alphanumeric)
}

/// The tokens that cover these bytes; `token` is where the last search ended.
fn tokens_of(
    page: &Page<'_>,
    field: Field,
    start: usize,
    end: usize,
    token: &mut usize,
) -> Option<(usize, usize)> {
    while page.token(*token).is_some_and(|t| t.field < field || t.field == field && t.end() <= start) {
        *token += 1;
    }
    let from = *token;
    let mut to = from;
    while page.token(to).is_some_and(|t| t.field == field && t.start < end) {
        to += 1;
    }
    (to > from).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[(&str, &[&str])], text: &str, expected: &[(&str, &str)]) {
        let tracked: Vec<TrackedName> = names
            .iter()
            .map(|(name, aliases)| TrackedName {
                name: (*name).to_owned(),
                aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            })
            .collect();
        let names = Names::compile(&tracked);
        let page = Page::new("", text);
        let spans = names.spans(&page, "", text);
        let found: Vec<(String, &str)> = spans
            .iter()
            .map(|span| (page.phrase(span.from, span.to), names.name(span.tracked.unwrap())))
            .collect();
        let expected: Vec<(String, &str)> = expected.iter().map(|(a, b)| ((*a).to_owned(), *b)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn aliases_stand_for_the_name() {
        check(
            &[("Orla Venn", &["Ms Venn"])],
            "Orla Venn left, Ms Venn’s aide said.",
            &[("Orla Venn", "Orla Venn"), ("Ms Venn", "Orla Venn")],
        );
    }

    #[test]
    fn a_surname_is_that_of_one_alone() {
        let named = |name: &str| TrackedName { name: name.to_owned(), aliases: Vec::new() };
        let names = Names::compile(&["Orla Venn", "Magnus Quill", "Ann Quill", "Orla Venn"].map(named));
        assert_eq!(names.bearer("Venn").as_deref(), Some("Orla Venn"));
        assert_eq!(names.bearer("Quill"), None);
    }

    #[test]
    fn words_are_whole_and_capitals_count() {
        check(&[("Rill", &[])], "Rilling a rill, the RILL and Rill.", &[("RILL", "Rill"), ("Rill", "Rill")]);
    }

    #[test]
    fn names_of_two_letters_and_other_scripts() {
        check(
            &[("EU", &[]), ("Åse Lund", &[]), ("iZettle", &[])],
            "The EU, EUR, eu; Åse Lund at iZettle and IZETTLE",
            &[("EU", "EU"), ("Åse Lund", "Åse Lund"), ("iZettle", "iZettle"), ("IZETTLE", "iZettle")],
        );
        check(
            &[("EU", &[]), ("@harbour", &[])],
            "(@harbour @harbour EU",
            &[("@harbour", "@harbour"), ("@harbour", "@harbour"), ("EU", "EU")],
        );
    }

    #[test]
    fn the_longest_wins() {
        check(&[("Orla", &[]), ("Orla Venn", &[])], "Orla Venn", &[("Orla Venn", "Orla Venn")]);
    }

    #[test]
    fn short_and_long_spellings_are_found_whatever_their_case() {
        check(
            &[("Io", &[]), ("Venn", &[]), ("Lindmouth", &[]), ("éclair-Rack", &[])],
            "Io, VENN, LINDMOUTH, éclair-rack and Io",
            &[
                ("Io", "Io"),
                ("VENN", "Venn"),
                ("LINDMOUTH", "Lindmouth"),
                ("éclair-rack", "éclair-Rack"),
                ("Io", "Io"),
            ],
        );
    }

    #[test]
    fn nothing_tracked_finds_nothing() {
        check(&[], "Orla Venn", &[]);
    }
}
