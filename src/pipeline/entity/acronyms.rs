//! Short forms of organisations that the document names in full: "Tide Research Council (TRC)", "the T.R.C.".

use super::{
    lexicon::{DEMONYM, FixedMap, PLACE, joined},
    page::{Page, SHOUTED},
    span::{Span, covered},
    token::{ADDRESS, UPPER},
};
use crate::article::EntityKind;

/// Letters of a short form, at most.
const LETTERS_MAX: usize = 8;

/// Letters of a short form that no brackets explain, at least.
const LETTERS_MIN: usize = 3;

/// The full forms, as tokens, by the letters of the short ones.
pub(super) struct Acronyms(FixedMap<u64, (usize, usize)>);

impl Acronyms {
    /// Of the organisations of a document.
    pub(super) fn new(page: &Page<'_>, spans: &[Span]) -> Self {
        let mut known = FixedMap::default();
        let full = |span: &&Span| span.kind == EntityKind::Org && (2..=10).contains(&span.len());
        for span in spans.iter().filter(full) {
            let place = (span.from, span.to);
            let mut from = span.from;
            let capitals = |from: usize| (from..span.to).filter(|at| page.capital(*at));
            while capitals(from).count() > 1 {
                known.entry(hash(capitals(from).flat_map(|at| initials(page.text(at))))).or_insert(place);
                // "United States", "U.S.", "British" may be left out.
                if !page.has(from, PLACE | DEMONYM) {
                    break;
                }
                from += 1;
            }
            if page.text(span.to) == "(" && page.text(span.to + 2) == ")" && same_letters(page, span) {
                known.insert(of(page.text(span.to + 1)), place);
            }
        }
        Self(known)
    }

    /// The full form of a word.
    pub(super) fn full(&self, word: &str) -> Option<(usize, usize)> {
        self.0.get(&of(word)).copied()
    }

    /// Takes the short forms for organisations where they stand.
    pub(super) fn settle(&self, page: &Page<'_>, spans: &mut Vec<Span>) {
        if self.0.is_empty() {
            return;
        }
        let short = |at: &usize| {
            let word = page.text(*at);
            let letters = word.chars().filter(|c| c.is_alphabetic()).count();
            let bracketed =
                at.checked_sub(1).is_some_and(|before| page.text(before) == "(") && page.text(at + 1) == ")";
            page.is(*at, UPPER)
                && !page.is(*at, ADDRESS)
                && !page.stands(*at, SHOUTED)
                && (letters >= LETTERS_MIN || bracketed && letters == 2)
                && letters <= LETTERS_MAX
                && self.full(word).is_some_and(|(from, to)| !(from..to).contains(at))
        };
        let found: Vec<usize> = page.capitals.iter().copied().filter(short).collect();
        if found.is_empty() {
            return;
        }
        let longer: Vec<Span> =
            spans.iter().filter(|span| span.len() > 1 || span.tracked.is_some()).cloned().collect();
        let taken = covered(page, &longer);
        let free = found.into_iter().filter(|at| !taken.get(*at).copied().unwrap_or(true));
        let mut found: Vec<Span> = free.map(|at| Span::sure(at, at + 1, EntityKind::Org)).collect();
        let taken = covered(page, &found);
        spans.retain(|span| !taken.get(span.from).copied().unwrap_or(false));
        spans.append(&mut found);
        spans.sort_by_key(|span| span.from);
    }
}

/// The letters that a word of a name gives to its short form.
fn initials(word: &str) -> impl Iterator<Item = char> + '_ {
    let dotted = word.len() > 2
        && word.contains('.')
        && word.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase);
    word.chars().filter(|c| c.is_alphabetic()).take(if dotted { LETTERS_MAX } else { 1 })
}

fn of(word: &str) -> u64 {
    hash(word.chars().filter(|c| c.is_alphabetic()))
}

fn hash(letters: impl Iterator<Item = char>) -> u64 {
    letters.flat_map(char::to_uppercase).fold(0, |all, letter| joined(all, u64::from(letter)))
}

/// Whether what stands in brackets behind a name is upper case, and its letters open words of the name in order.
fn same_letters(page: &Page<'_>, span: &Span) -> bool {
    let short = page.text(span.to + 1);
    if !page.is(span.to + 1, UPPER) || !(2..=LETTERS_MAX).contains(&short.len()) {
        return false;
    }
    let mut words =
        (span.from..span.to).filter(|at| page.capital(*at)).flat_map(|at| initials(page.text(at)));
    let mut letters = short.chars().filter(|c| c.is_alphabetic());
    let first = letters.next();
    let all = first.is_some_and(|first| words.any(|own| own == first))
        && letters.all(|letter| words.any(|own| own == letter));
    all || first == page.text(span.from).chars().next()
}
