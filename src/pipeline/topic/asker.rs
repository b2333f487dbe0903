//! Finds the topics whose query or names are worth asking, by strings of which one occurs wherever they hold.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, MatchKind};

use super::{
    Doc, Topic,
    query::{Place, Query, Subject},
};

/// Characters whose lower case is plain ASCII though they are not: a text with one is looked at closely.
const FOLDED: [&str; 2] = ["\u{212a}", "\u{130}"];

/// Which topics to ask.
#[derive(Debug, Default)]
pub(super) struct Askers {
    /// Parts of the literals, looked for in the text as it is.
    parts: Option<AhoCorasick>,
    /// Literals, looked for between words in lower case.
    literals: Option<AhoCorasick>,
    /// Literal → topics.
    topics: Vec<Vec<usize>>,
    /// Topics whose query may hold without any literal.
    always: Vec<usize>,
}

impl Askers {
    pub(super) fn compile(topics: &[Topic], warnings: &mut Vec<String>) -> Self {
        let mut patterns: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut always = Vec::new();
        for (place, topic) in topics.iter().enumerate() {
            match topic.query.as_ref().map(Query::literals) {
                Some(Some(literals)) => {
                    for literal in literals {
                        patterns.entry(literal).or_default().push(place);
                    }
                }
                Some(None) => always.push(place),
                None => {}
            }
            for (_, words) in topic.names.iter().flat_map(|name| &name.spellings) {
                let query = Query::Words(Place::Anywhere, words.clone());
                for literal in query.literals().unwrap_or_default() {
                    patterns.entry(literal).or_default().push(place);
                }
            }
        }
        if patterns.is_empty() {
            return Self { always, ..Self::default() };
        }
        let built = AhoCorasick::builder().match_kind(MatchKind::Standard).build(patterns.keys());
        let literals =
            built.map_err(|error| warnings.push(format!("could not index the queries: {error}"))).ok();
        if literals.is_none() {
            always = (0..topics.len()).collect();
        }
        let parts: Option<Vec<&str>> = patterns.keys().map(|literal| part(literal)).collect();
        let parts = parts.and_then(|mut parts| {
            parts.extend(FOLDED);
            AhoCorasick::builder().ascii_case_insensitive(true).build(parts).ok()
        });
        Self { parts, literals, topics: patterns.into_values().collect(), always }
    }

    /// Topics whose query or names may hold.
    pub(super) fn of(&self, doc: &Doc<'_>, subject: &Subject<'_>) -> BTreeSet<usize> {
        let mut asked: BTreeSet<usize> = self.always.iter().copied().collect();
        let Some(literals) = &self.literals else { return asked };
        if let Some(parts) = &self.parts
            && !parts.is_match(doc.title)
            && !parts.is_match(doc.text)
        {
            return asked;
        }
        let mut found = BTreeSet::new();
        for side in [subject.title(), subject.text()] {
            let (_, lower) = side.padded();
            found.extend(literals.find_overlapping_iter(lower).map(|hit| hit.pattern().as_usize()));
        }
        for pattern in found {
            asked.extend(self.topics.get(pattern).into_iter().flatten());
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
    use super::*;

    #[track_caller]
    fn check(literal: &str, expected: Option<&str>) {
        assert_eq!(part(literal), expected);
    }

    #[test]
    fn the_longest_plain_run_is_looked_for() {
        check(" donald berg ", Some("donald"));
        check(" o'brien ", Some("brien"));
        check(" übersee", Some("bersee"));
        check(" 东京 ", None);
    }
}
