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

use super::schema::Fields;
use crate::pipeline::topic::query::{Place, Query, Words, bare_source};

/// Words, phrases and the like of one query.
const LEAVES_MAX: usize = 64;
/// Words that one prefix at the end of a phrase may stand for.
const EXPANSIONS_MAX: u32 = 20_000;
/// A shorter prefix stands for too much of the language; of other scripts one character says enough.
const PREFIX_CHARS_MIN: usize = 2;
/// How much more a word in the headline counts.
const TITLE_BOOST: f32 = 2.0;

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
            None => Err("an expression alone, for which every article would have to be read: \
                 expected a word, an outlet or the like beside it"
                .to_owned()),
        }
    }

    fn side(&self, query: &Query) -> Result<Side, String> {
        Ok(match query {
            Query::And(parts) => self.all(parts)?,
            Query::Or(parts) => self.any(parts)?,
            Query::Not(part) => self.all(std::slice::from_ref(&Query::Not(part.clone())))?,
            Query::Near(_, pair) => {
                let [a, b] = pair.as_ref();
                let both = [a, b].map(|words| self.anywhere(words));
                let [a, b] = both;
                Side { query: Some(Box::new(BooleanQuery::intersection(vec![a?, b?]))), exact: false }
            }
            Query::Words(Place::Anywhere, words) => {
                Side { query: Some(self.anywhere(words)?), exact: !words.is_exact() }
            }
            Query::Words(Place::Title, words) => {
                Side { query: Some(in_field(self.fields.title, words)?), exact: !words.is_exact() }
            }
            Query::Entity(words) => {
                Side { query: Some(in_field(self.fields.entity, words)?), exact: !words.is_exact() }
            }
            Query::Source(source) => is(self.fields.source, &bare_source(source)),
            Query::Lang(language) => is(self.fields.language, language),
            Query::Regex(_) => Side { query: None, exact: false },
        })
    }

    fn anywhere(&self, words: &Words) -> Result<Box<dyn Asked>, String> {
        let whole = in_field(self.fields.words, words)?;
        if !self.scored {
            return Ok(whole);
        }
        let title = Box::new(BoostQuery::new(in_field(self.fields.title, words)?, TITLE_BOOST));
        Ok(Box::new(BooleanQuery::new(vec![(Occur::Must, whole), (Occur::Should, title)])))
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

fn in_field(field: Field, words: &Words) -> Result<Box<dyn Asked>, String> {
    let lower: Vec<String> = words.lower().collect();
    let terms: Vec<Term> = lower.iter().map(|word| Term::from_field_text(field, word)).collect();
    let [first, rest @ ..] = terms.as_slice() else { return Ok(Box::new(EmptyQuery)) };
    if !words.is_prefix() {
        return Ok(if rest.is_empty() {
            Box::new(TermQuery::new(first.clone(), IndexRecordOption::WithFreqs))
        } else {
            Box::new(PhraseQuery::new(terms))
        });
    }
    let last = lower.last().map(String::as_str).unwrap_or_default();
    if last.is_ascii() && last.len() < PREFIX_CHARS_MIN {
        return Err(format!("{last}*, expected at least {PREFIX_CHARS_MIN} letters before the star"));
    }
    if rest.is_empty() {
        let behind = behind(last)
            .map_or(Bound::Unbounded, |behind| Bound::Excluded(Term::from_field_text(field, &behind)));
        return Ok(Box::new(RangeQuery::new(Bound::Included(first.clone()), behind)));
    }
    let mut phrase = PhrasePrefixQuery::new(terms);
    phrase.set_max_expansions(EXPANSIONS_MAX);
    Ok(Box::new(phrase))
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
