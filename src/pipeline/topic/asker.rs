//! Finds the topics whose query or names are worth asking, by strings of which one occurs wherever they hold.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::{
    Doc, Scope, Topic,
    query::{Query, Subject},
};

/// Characters whose lower case is plain ASCII though they are not: a text with one is looked at closely.
const FOLDED: [&str; 2] = ["\u{212a}", "\u{130}"];

/// Bytes of literals up to which a table with a row for each is made of them, of some hundred bytes a row; of more, one
/// that takes less memory and more time.
const TABLED_BYTES_MAX: usize = 64 << 10;

/// Which topics to ask.
#[derive(Debug, Default)]
pub(super) struct Askers {
    /// Parts of the literals, looked for in the text as it is.
    parts: Option<AhoCorasick>,
    /// Literals, looked for between words in lower case.
    literals: Option<AhoCorasick>,
    /// Literal → topics that are asked about because of it.
    topics: Vec<Vec<usize>>,
    /// Topics whose query may hold without any literal.
    always: Vec<usize>,
    /// Topic → what its query or names need.
    needs: Vec<Needs>,
}

/// Literals that occur wherever something holds, by their numbers.
#[derive(Debug, PartialEq)]
enum Needs {
    /// It may hold without any.
    Nothing,
    Literal(usize),
    All(Vec<Needs>),
    Any(Vec<Needs>),
}

impl Needs {
    /// Of a query; `number` is that of a literal.
    fn of(query: &Query, number: &mut impl FnMut(String) -> usize) -> Self {
        match query {
            Query::Words(_, words) => Self::Literal(number(words.literal())),
            Query::Near(_, pair) => {
                Self::All(pair.iter().map(|words| Self::Literal(number(words.literal()))).collect())
            }
            Query::And(parts) => Self::All(parts.iter().map(|part| Self::of(part, number)).collect()),
            Query::Or(parts) => Self::Any(parts.iter().map(|part| Self::of(part, number)).collect()),
            Query::Not(_) | Query::Entity(_) | Query::Source(_) | Query::Lang(_) | Query::Regex(_) => {
                Self::Nothing
            }
        }
    }

    fn are_met(&self, found: &[bool]) -> bool {
        match self {
            Self::Nothing => true,
            Self::Literal(number) => found.get(*number).copied().unwrap_or(true),
            Self::All(parts) => parts.iter().all(|part| part.are_met(found)),
            Self::Any(parts) => parts.iter().any(|part| part.are_met(found)),
        }
    }
}

impl Askers {
    pub(super) fn compile(topics: &[Topic], warnings: &mut Vec<String>) -> Self {
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        let mut number = |literal| {
            let next = numbers.len();
            *numbers.entry(literal).or_insert(next)
        };
        let mut asked_by: Vec<(usize, usize)> = Vec::new();
        let mut always = Vec::new();
        let mut needs = Vec::with_capacity(topics.len());
        for (place, topic) in topics.iter().enumerate() {
            let mut any = Vec::new();
            if let Some(query) = &topic.query {
                match query.literals() {
                    Some(literals) => {
                        asked_by.extend(literals.into_iter().map(|literal| (number(literal), place)));
                    }
                    None => always.push(place),
                }
                any.push(Needs::of(query, &mut number));
            }
            for (_, words) in topic.names.iter().flat_map(|name| &name.spellings) {
                let literal = number(words.literal());
                asked_by.push((literal, place));
                any.push(Needs::Literal(literal));
            }
            needs.push(Needs::Any(any));
        }
        if numbers.is_empty() {
            return Self { always, needs, ..Self::default() };
        }
        let mut patterns: Vec<(usize, String)> =
            numbers.into_iter().map(|(literal, number)| (number, literal)).collect();
        patterns.sort_unstable();
        let bytes: usize = patterns.iter().map(|(_, literal)| literal.len()).sum();
        let kind = (bytes <= TABLED_BYTES_MAX).then_some(AhoCorasickKind::DFA);
        let built = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(kind)
            .build(patterns.iter().map(|(_, literal)| literal));
        let literals =
            built.map_err(|error| warnings.push(format!("could not index the queries: {error}"))).ok();
        if literals.is_none() {
            always = (0..topics.len()).collect();
        }
        let mut of_literal = vec![Vec::new(); patterns.len()];
        for (number, place) in asked_by {
            if let Some(topics) = of_literal.get_mut(number) {
                topics.push(place);
            }
        }
        let asking = patterns.iter().zip(&of_literal).filter(|(_, topics)| !topics.is_empty());
        let parts: Option<Vec<&str>> = asking.map(|((_, literal), _)| part(literal)).collect();
        let parts = parts.and_then(|mut parts| {
            parts.extend(FOLDED);
            AhoCorasick::builder().ascii_case_insensitive(true).build(parts).ok()
        });
        Self { parts, literals, topics: of_literal, always, needs }
    }

    /// Topics whose query or names may hold; to find those that come near, also those that lack some words.
    pub(super) fn of(&self, doc: &Doc<'_>, subject: &Subject<'_>, scope: Scope) -> BTreeSet<usize> {
        let mut asked: BTreeSet<usize> = self.always.iter().copied().collect();
        let Some(literals) = &self.literals else { return asked };
        if let Some(parts) = &self.parts
            && !parts.is_match(doc.title)
            && !parts.is_match(doc.text)
        {
            return asked;
        }
        let mut found = vec![false; self.topics.len()];
        for side in [subject.title(), subject.text()] {
            let (_, lower) = side.padded();
            for hit in literals.find_overlapping_iter(lower) {
                if let Some(found) = found.get_mut(hit.pattern().as_usize()) {
                    *found = true;
                }
            }
        }
        let with_any = self.topics.iter().zip(&found).filter(|(_, found)| **found);
        asked.extend(with_any.flat_map(|(topics, _)| topics));
        match scope {
            Scope::Matches => {
                asked.retain(|topic| self.needs.get(*topic).is_none_or(|needs| needs.are_met(&found)));
            }
            Scope::NearMisses => {}
        }
        asked
    }
}

/// The longest run of ASCII letters and digits in a literal: it stands in the text as it stands here, but for its case.
fn part(literal: &str) -> Option<&str> {
    let runs = literal.split(|char: char| !char.is_ascii_alphanumeric());
    runs.max_by_key(|run| run.len()).filter(|run| !run.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{super::Topics, *};
    use crate::event::{Rules, TopicRule};

    #[track_caller]
    fn check(literal: &str, expected: Option<&str>) {
        assert_eq!(part(literal), expected);
    }

    /// Places of the topics that are asked, of those with these queries.
    fn asked(queries: &[&str], text: &str, scope: Scope) -> Vec<usize> {
        let rule = |query: &&str| TopicRule { query: Some((*query).to_owned()), ..TopicRule::default() };
        let rules = Rules { topics: queries.iter().map(rule).collect(), ..Rules::default() };
        let (topics, warnings) = Topics::compile(&rules);
        assert_eq!(warnings, Vec::<String>::new());
        let doc = Doc {
            title: "Storm over Holm",
            text,
            outlet: "",
            url: None,
            language: None,
            entities: &[],
            time: 0,
            dated: true,
        };
        topics.askers.of(&doc, &Subject::new(doc), scope).into_iter().collect()
    }

    #[test]
    fn a_topic_whose_words_are_not_all_there_only_comes_near() {
        let queries = [
            "ferry AND aground",
            "ferry AND budget",
            "ferry AND (budget OR holm)",
            "ferry NEAR/3 budget",
            "ferry NOT budget",
            "ferry source:tern",
            "budget",
            "ferr* AND bud*",
            "lang:de",
            "(budget OR /y ran/) ferry",
        ];
        let asked = |scope| asked(&queries, "The ferry ran aground.", scope);
        assert_eq!(asked(Scope::Matches), [0, 2, 4, 5, 8, 9]);
        assert_eq!(asked(Scope::NearMisses), [0, 1, 2, 3, 4, 5, 7, 8, 9]);
    }

    #[test]
    fn the_longest_plain_run_is_looked_for() {
        check(" donald berg ", Some("donald"));
        check(" o'brien ", Some("brien"));
        check(" übersee", Some("bersee"));
        check(" 东京 ", None);
    }
}
