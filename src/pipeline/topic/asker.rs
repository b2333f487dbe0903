//! Finds the topics whose query or names are worth asking: those whose words all stand in an article, whatever stands
//! between them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Doc, Scope, Topic,
    query::{Query, Words},
};
use crate::pipeline::story::terms::{FixedState, words::runs};

/// What tells the beginning of a run from a run.
const OPEN: u64 = 0x6f70_656e_7275_6e73;
/// Bytes of the beginning of a run that are looked for.
const OPEN_BYTES_MAX: usize = 60;
/// Bits that say of most runs of a text that none looks for them; a power of two.
const BITS: usize = 1 << 16;

/// Which topics to ask.
#[derive(Debug, Default)]
pub(super) struct Askers {
    runs: Runs,
    /// Run → topics that are asked about because of it.
    asked_by: Vec<Vec<usize>>,
    /// Topics that are asked about each article.
    always: Vec<usize>,
    /// By the topics' places.
    asked: Vec<Asked>,
}

/// What has to stand in an article for a topic to be asked.
#[derive(Debug)]
struct Asked {
    /// For the topic to come near.
    near: Needs,
    /// For it to match.
    all: Needs,
}

/// Runs of letters and digits that words are made of, by their numbers.
#[derive(Debug, PartialEq)]
enum Needs {
    /// It may hold without any.
    Nothing,
    Run(usize),
    All(Vec<Needs>),
    Any(Vec<Needs>),
}

impl Needs {
    fn are_met(&self, found: &[bool]) -> bool {
        match self {
            Self::Nothing => true,
            Self::Run(number) => found.get(*number).copied().unwrap_or(true),
            Self::All(parts) => parts.iter().all(|part| part.are_met(found)),
            Self::Any(parts) => parts.iter().any(|part| part.are_met(found)),
        }
    }

    /// Of a query.
    fn of(query: &Query, runs: &mut Runs) -> Self {
        match query {
            Query::Words(_, words) => Self::of_words(words, runs),
            Query::Near(_, pair) => Self::All(pair.iter().map(|words| Self::of_words(words, runs)).collect()),
            Query::And(parts) => Self::All(parts.iter().map(|part| Self::of(part, runs)).collect()),
            Query::Or(parts) => Self::Any(parts.iter().map(|part| Self::of(part, runs)).collect()),
            Query::Not(_) | Query::Entity(_) | Query::Source(_) | Query::Lang(_) | Query::Regex(_) => {
                Self::Nothing
            }
        }
    }

    fn of_words(words: &Words, runs: &mut Runs) -> Self {
        let numbers = runs.of(words).map(|numbers| numbers.into_iter().map(|(number, _)| Self::Run(number)));
        numbers.map_or(Self::Nothing, |numbers| Self::All(numbers.collect()))
    }
}

/// The runs that words are made of.
#[derive(Debug, Default)]
struct Runs {
    numbers: HashMap<u64, usize, FixedState>,
    /// A bit for each of their hashes.
    bits: Vec<u64>,
    /// A bit for each length of those of which the beginning is looked for.
    open_lengths: u64,
}

impl Runs {
    /// The runs of some words, with their lengths; none where their lower case is not sure.
    fn of(&mut self, words: &Words) -> Option<Vec<(usize, usize)>> {
        let (mut found, mut begun, mut plain) = (Vec::new(), None, true);
        for word in words.list() {
            plain &= runs(word, |sum, length, ended| {
                if ended {
                    found.push((sum, length));
                } else if length <= OPEN_BYTES_MAX {
                    begun = Some((sum ^ OPEN, length));
                }
            });
        }
        if let Some((open, length)) = begun.filter(|_| words.is_prefix()) {
            found.pop();
            found.push((open, length));
            self.open_lengths |= 1 << length;
        }
        let numbered = found.into_iter().map(|(sum, length)| (self.number(sum), length));
        Some(numbered.collect()).filter(|_| plain)
    }

    fn number(&mut self, sum: u64) -> usize {
        self.bits.resize(BITS / 64, 0);
        let (word, bit) = bit(sum);
        if let Some(word) = self.bits.get_mut(word) {
            *word |= bit;
        }
        let next = self.numbers.len();
        *self.numbers.entry(sum).or_insert(next)
    }

    /// Which of them stand in a text; false where its lower case is not sure.
    fn find(&self, text: &str, found: &mut [bool]) -> bool {
        let mut note = |sum| {
            let (word, bit) = bit(sum);
            if self.bits.get(word).is_some_and(|word| word & bit != 0)
                && let Some(found) = self.numbers.get(&sum).and_then(|number| found.get_mut(*number))
            {
                *found = true;
            }
        };
        runs(text, |sum, length, ended| {
            if ended {
                note(sum);
            } else if length <= OPEN_BYTES_MAX && self.open_lengths >> length & 1 == 1 {
                note(sum ^ OPEN);
            }
        })
    }
}

/// Place of a hash's bit.
fn bit(sum: u64) -> (usize, u64) {
    let [.., a, b] = sum.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    let place = usize::from(u16::from_le_bytes([a, b])) % BITS;
    (place / 64, 1 << (place % 64))
}

impl Askers {
    pub(super) fn compile(topics: &[Topic]) -> Self {
        let mut askers = Self::default();
        let mut asked_by: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, topic) in topics.iter().enumerate() {
            let names = topic.names.iter().flat_map(|name| &name.spellings).map(|(words, _)| words);
            let mut any: Vec<Needs> =
                names.clone().map(|words| Needs::of_words(words, &mut askers.runs)).collect();
            let anchors = topic.query.as_ref().map(Query::anchors);
            let asks_always = matches!(anchors, Some(None));
            let mut near = Vec::new();
            let mut is_sure = !asks_always;
            for words in anchors.flatten().into_iter().flatten().chain(names) {
                near.push(Needs::of_words(words, &mut askers.runs));
                // The longest run is the rarest, as a rule.
                let numbers = askers.runs.of(words).unwrap_or_default();
                match numbers.into_iter().max_by_key(|(_, length)| *length) {
                    Some((number, _)) => asked_by.entry(number).or_default().push(place),
                    None => is_sure = false,
                }
            }
            if !is_sure {
                askers.always.push(place);
            }
            any.extend(topic.query.iter().map(|query| Needs::of(query, &mut askers.runs)));
            let near = if is_sure { Needs::Any(near) } else { Needs::Nothing };
            askers.asked.push(Asked { near, all: Needs::Any(any) });
        }
        askers.asked_by = vec![Vec::new(); askers.runs.numbers.len()];
        for (number, places) in asked_by {
            if let Some(topics) = askers.asked_by.get_mut(number) {
                *topics = places;
            }
        }
        askers
    }

    /// Topics whose query or names may hold; to find those that come near, also those that lack some words.
    pub(super) fn of(&self, doc: &Doc<'_>, scope: Scope) -> BTreeSet<usize> {
        let mut found = vec![false; self.asked_by.len()];
        if !found.is_empty()
            && !(self.runs.find(doc.title, &mut found) & self.runs.find(doc.text, &mut found))
        {
            return (0..self.asked.len()).collect();
        }
        let with_any = self.asked_by.iter().zip(&found).filter(|(_, found)| **found);
        let mut asked: BTreeSet<usize> = with_any.flat_map(|(topics, _)| topics).copied().collect();
        asked.extend(&self.always);
        asked.retain(|topic| {
            self.asked.get(*topic).is_none_or(|asked| match scope {
                Scope::Matches => asked.all.are_met(&found),
                Scope::NearMisses => asked.near.are_met(&found),
            })
        });
        asked
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Topics, *};
    use crate::event::{Rules, TopicRule};

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
        topics.askers.of(&doc, scope).into_iter().collect()
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
        assert_eq!(asked(Scope::NearMisses), [0, 2, 3, 4, 5, 7, 8, 9]);
    }

    #[test]
    fn runs_of_any_script_are_found() {
        let queries = [
            "Übersee*",
            "=NATO",
            "东京",
            "\"o'brien bros\"",
            "ΟΔΟΣ",
            "москва",
            "\"anna berg\"",
            "überseehafen",
        ];
        let all = |text| asked(&queries, text, Scope::Matches);
        assert_eq!(all("Im ÜBERSEEHAFEN"), [0, 4, 7]);
        assert_eq!(all("nato in 东京, Anna Berg’s МОСКВА"), [1, 2, 4, 5, 6]);
        assert_eq!(all("O’Brien Bros., Berghof, Anna"), [3, 4]);
        assert_eq!(all("İ"), (0..queries.len()).collect::<Vec<_>>());
    }
}
