//! From the topics' query language to a query of the index. What the index cannot tell (case, expressions, nearness)
//! is widened to what surely holds it, and said to be so: the reader of the texts decides then.

use std::ops::Bound;

use tantivy::{
    Term,
    query::{
        AllQuery, BooleanQuery, BoostQuery, EmptyQuery, Occur, PhrasePrefixQuery, PhraseQuery,
        Query as Asked, RangeQuery, TermQuery,
    },
    schema::{Field, IndexRecordOption},
};

use super::schema::{Fields, is_everywhere};
use crate::pipeline::topic::query::{Place, Query, Words, bare_source};

/// Words, phrases and the like of one query.
const LEAVES_MAX: usize = 64;
/// Words that one prefix at the end of a phrase may stand for.
const EXPANSIONS_MAX: u32 = 20_000;
/// A shorter prefix stands for too much of the language; of other scripts one character says enough.
const PREFIX_CHARS_MIN: usize = 2;
/// How much more a word in the headline counts.
const TITLE_BOOST: f32 = 2.0;

/// Prefixes of two letters and more of words that are left out of the body.
const EVERYWHERE_PREFIXES: [&str; 15] =
    ["an", "and", "as", "fo", "for", "in", "is", "it", "of", "on", "th", "tha", "that", "the", "to"];

/// A query of the index.
pub(super) struct Side {
    /// None holds of everything.
    query: Option<Box<dyn Asked>>,
    /// Whether all that it finds is what was asked for.
    pub(super) exact: bool,
}

/// Turns queries into those of an index.
pub(super) struct Translator<'a> {
    pub(super) fields: &'a Fields,
    /// Whether hits are scored.
    pub(super) scored: bool,
}

impl Translator<'_> {
    /// The whole query.
    ///
    /// # Errors
    /// What would cost too much, as a fragment that says what to write instead.
    pub(super) fn whole(&self, query: &Query) -> Result<(Box<dyn Asked>, bool), String> {
        let leaves = count(query);
        if leaves > LEAVES_MAX {
            return Err(format!("{leaves} words and phrases, expected at most {LEAVES_MAX}"));
        }
        let side = self.side(query)?;
        match side.query {
            Some(query) => Ok((query, side.exact)),
            None if side.exact => Ok((Box::new(AllQuery), true)),
            None => Err("nothing but an expression or words that stand everywhere, for which every article would have to be \
                 read: expected a word, an outlet or the like beside it"
                .to_owned()),
        }
    }

    fn side(&self, query: &Query) -> Result<Side, String> {
        Ok(match query {
            Query::And(parts) => self.all(parts)?,
            Query::Or(parts) => self.any(parts)?,
            Query::Not(part) => self.all(std::slice::from_ref(&Query::Not(part.clone())))?,
            Query::Near(distance, pair) => self.near(*distance, pair)?,
            Query::Words(Place::Anywhere, words) => self.anywhere(words)?,
            Query::Words(Place::Title, words) => in_field(self.fields.title, words, false)?,
            Query::Entity(words) => in_field(self.fields.entity, words, false)?,
            Query::Source(source) => is(self.fields.source, &bare_source(source)),
            Query::Lang(language) => is(self.fields.language, language),
            Query::Regex(_) => Side { query: None, exact: false },
        })
    }

    /// Two plain words are looked for by their places; of all else both must occur, and the texts decide.
    fn near(&self, distance: u16, pair: &[Words; 2]) -> Result<Side, String> {
        let terms = pair.each_ref().map(|words| {
            let mut lower = words.lower();
            let word = lower.next().filter(|word| !words.is_prefix() && !is_everywhere(word));
            word.filter(|_| lower.next().is_none())
                .map(|word| Term::from_field_text(self.fields.words, &word))
        });
        if let [Some(a), Some(b)] = terms {
            let within = |first: &Term, second: &Term| {
                let places = vec![(0, first.clone()), (1, second.clone())];
                Box::new(PhraseQuery::new_with_offset_and_slop(places, u32::from(distance))) as Box<dyn Asked>
            };
            let either = BooleanQuery::union(vec![within(&a, &b), within(&b, &a)]);
            return Ok(Side { query: Some(Box::new(either)), exact: false });
        }
        let [a, b] = pair;
        let both = [self.anywhere(a)?, self.anywhere(b)?].into_iter().filter_map(|side| side.query);
        let both: Vec<Box<dyn Asked>> = both.collect();
        let query = (!both.is_empty()).then(|| Box::new(BooleanQuery::intersection(both)) as Box<dyn Asked>);
        Ok(Side { query, exact: false })
    }

    fn anywhere(&self, words: &Words) -> Result<Side, String> {
        let whole = in_field(self.fields.words, words, true)?;
        let Some(query) = whole.query.filter(|_| self.scored) else {
            return in_field(self.fields.words, words, true);
        };
        let in_title =
            in_field(self.fields.title, words, false)?.query.unwrap_or_else(|| Box::new(EmptyQuery));
        let title = Box::new(BoostQuery::new(in_title, TITLE_BOOST));
        let both = BooleanQuery::new(vec![(Occur::Must, query), (Occur::Should, title)]);
        Ok(Side { query: Some(Box::new(both)), exact: whole.exact })
    }

    fn all(&self, parts: &[Query]) -> Result<Side, String> {
        let mut clauses: Vec<(Occur, Box<dyn Asked>)> = Vec::new();
        let mut exact = true;
        for part in parts {
            match part {
                Query::Not(inner) => {
                    let inner = self.side(inner)?;
                    exact &= inner.exact;
                    if inner.exact {
                        clauses.push((Occur::MustNot, inner.query.unwrap_or_else(|| Box::new(AllQuery))));
                    }
                }
                part => {
                    let side = self.side(part)?;
                    exact &= side.exact;
                    clauses.extend(side.query.map(|query| (Occur::Must, query)));
                }
            }
        }
        if clauses.is_empty() {
            return Ok(Side { query: None, exact });
        }
        if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
            clauses.push((Occur::Must, Box::new(AllQuery)));
        }
        Ok(Side { query: Some(Box::new(BooleanQuery::new(clauses))), exact })
    }

    fn any(&self, parts: &[Query]) -> Result<Side, String> {
        let mut queries = Vec::new();
        let mut exact = true;
        for part in parts {
            let side = self.side(part)?;
            exact &= side.exact;
            let Some(query) = side.query else { return Ok(Side { query: None, exact }) };
            queries.push(query);
        }
        Ok(Side { query: Some(Box::new(BooleanQuery::union(queries))), exact })
    }
}

fn count(query: &Query) -> usize {
    match query {
        Query::And(parts) | Query::Or(parts) => parts.iter().map(count).sum(),
        Query::Not(part) => count(part),
        Query::Near(..) => 2,
        _ => 1,
    }
}

fn is(field: Field, text: &str) -> Side {
    let term = Term::from_field_text(field, text);
    Side { query: Some(Box::new(TermQuery::new(term, IndexRecordOption::Basic))), exact: true }
}

/// `skipped` are words that stand everywhere; of them alone nothing is asked.
fn in_field(field: Field, words: &Words, skipped: bool) -> Result<Side, String> {
    let lower: Vec<String> = words.lower().collect();
    let last = lower.last().map(String::as_str).unwrap_or_default();
    if words.is_prefix() && last.is_ascii() && last.len() < PREFIX_CHARS_MIN {
        return Err(format!("{last}*, expected at least {PREFIX_CHARS_MIN} letters before the star"));
    }
    let count = lower.len();
    let terms: Vec<(usize, Term)> = lower
        .iter()
        .enumerate()
        .filter(|(place, word)| {
            let is_open = words.is_prefix() && place + 1 == count;
            is_open || !skipped || !is_everywhere(word)
        })
        .map(|(place, word)| (place, Term::from_field_text(field, word)))
        .collect();
    // A prefix may stand for a word that is left out.
    let opens = skipped && words.is_prefix() && EVERYWHERE_PREFIXES.contains(&last);
    let exact = !words.is_exact() && terms.len() == count && !opens;
    let first = terms.first().map(|(_, term)| term.clone());
    let query: Box<dyn Asked> = match (first, terms.len(), words.is_prefix()) {
        (None, ..) => return Ok(Side { query: None, exact }),
        (Some(_), 1, true) if opens => return Ok(Side { query: None, exact }),
        (Some(first), 1, false) => Box::new(TermQuery::new(first, IndexRecordOption::WithFreqs)),
        (Some(first), 1, true) => {
            let end = behind(last).map(|behind| Bound::Excluded(Term::from_field_text(field, &behind)));
            Box::new(RangeQuery::new(Bound::Included(first), end.unwrap_or(Bound::Unbounded)))
        }
        (Some(_), _, false) => Box::new(PhraseQuery::new_with_offset(terms)),
        (Some(_), _, true) if opens => {
            let whole: Vec<(usize, Term)> =
                terms.into_iter().filter(|(place, _)| place + 1 < count).collect();
            match whole.as_slice() {
                [(_, only)] => Box::new(TermQuery::new(only.clone(), IndexRecordOption::WithFreqs)),
                _ => Box::new(PhraseQuery::new_with_offset(whole)),
            }
        }
        (Some(_), _, true) => {
            let mut phrase = PhrasePrefixQuery::new_with_offset(terms);
            phrase.set_max_expansions(EXPANSIONS_MAX);
            Box::new(phrase)
        }
    };
    Ok(Side { query: Some(query), exact })
}

/// The first text behind all that begin with `prefix`.
fn behind(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        if let Some(next) = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_alike_ends_before_its_bound() {
        for (prefix, expected) in [("ab", Some("ac")), ("a\u{d7ff}", Some("a\u{e000}")), ("\u{10ffff}", None)]
        {
            assert_eq!(behind(prefix).as_deref(), expected, "{prefix:?}");
        }
    }
}
