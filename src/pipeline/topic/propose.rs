//! A topic proposed from sample reports: a query of the names and words that set them apart from other news.

use std::collections::BTreeMap;

use super::{
    Doc,
    query::{self, Subject},
};
use crate::{
    article::{Article, Entity, EntityKind, Field},
    event::TrackedName,
    pipeline::{
        entity, quote,
        story::{
            Stories,
            terms::{
                term,
                words::{Reader, tokens},
            },
        },
    },
};

/// Names in the proposed query.
const NAMES_MAX: usize = 4;
/// Further words in it.
const WORDS_MAX: usize = 5;
/// Of these so many, where there are no names: one of them and one of the others has to stand in an article.
const WORDS_FIRST: usize = 2;
/// Other spellings of one name.
const ALIASES_MAX: usize = 8;
/// Characters of a sample that are read for words.
const SAMPLE_CHARS: usize = 3_000;
/// A word of fewer letters says too little.
const LETTERS_MIN: usize = 4;
/// Role of people who are named for a picture: they are not in the news.
const PHOTO_CREDIT: &str = "photo credit";

/// What samples suggest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// In the query language; none where the samples have too little in common.
    pub query: Option<String>,
    /// In how many samples the query holds by itself.
    pub held: usize,
    /// The query's names, with the spellings that the samples use.
    pub names: Vec<TrackedName>,
}

/// A name or word in the samples.
#[derive(Debug, Default)]
struct Candidate {
    /// As it is most often written.
    written: BTreeMap<String, u32>,
    samples: usize,
    times: u32,
    /// Its rarity in general, as an inverse document frequency.
    idf: f64,
    spellings: BTreeMap<String, u32>,
}

/// A sample and the names in it.
struct Sample<'a> {
    article: &'a Article,
    entities: Vec<Entity>,
}

/// Proposes a query and names for what the samples have in common.
pub fn propose(articles: &[Article]) -> Proposal {
    let statistics = Stories::new();
    let samples: Vec<Sample<'_>> = articles.iter().map(tagged).collect();
    let names = best(names(&samples, &statistics), samples.len(), NAMES_MAX);
    let words = best(words(&samples, &statistics, &names), samples.len(), WORDS_MAX);
    let of_names = alternatives(names.iter().map(|(name, _)| name.as_str()));
    let written: Vec<&str> = words.iter().filter_map(|(_, word)| most(&word.written)).collect();
    let of_words = alternatives(written.iter().copied());
    let and = |one: &Option<String>, other: &Option<String>| {
        Some(format!("{} AND {}", one.as_ref()?, other.as_ref()?))
    };
    let both = and(&of_names, &of_words);
    // A single word stands in much other news, two of them together do not.
    let (first, rest) = written.split_at(written.len().min(WORDS_FIRST));
    let two_words = and(&alternatives(first.iter().copied()), &alternatives(rest.iter().copied()));
    // The narrowest that holds in all samples, else the one that holds in most.
    let tried = [both, of_names, two_words, of_words].into_iter().flatten();
    let tried = tried.map(|query| (held(&query, &samples), query));
    let (held, query) = tried.reduce(|best, next| if next.0 > best.0 { next } else { best }).unzip();
    let tracked = names.into_iter().map(|(name, candidate)| {
        let aliases = candidate.spellings.into_keys().filter(|other| *other != name).take(ALIASES_MAX);
        TrackedName { aliases: aliases.collect(), name }
    });
    Proposal { query, held: held.unwrap_or(0), names: tracked.collect() }
}

fn tagged(article: &Article) -> Sample<'_> {
    let Article { title, text, language, .. } = article;
    let language = entity::language(title, text, language.as_deref());
    let (entities, _) = quote::read(title, text, language.as_deref(), &entity::Names::default());
    Sample { article, entities }
}

fn names(samples: &[Sample<'_>], statistics: &Stories) -> BTreeMap<String, Candidate> {
    let reader = &mut Reader::new("en");
    let mut found: BTreeMap<String, Candidate> = BTreeMap::new();
    for Sample { article, entities } in samples {
        for entity in entities {
            let tells = match entity.kind {
                EntityKind::Person => entity.name.contains(' '),
                EntityKind::Org | EntityKind::Event => true,
                EntityKind::Place | EntityKind::Norp => false,
            };
            if !tells || entity.role.as_deref() == Some(PHOTO_CREDIT) {
                continue;
            }
            let candidate = found.entry(entity.name.clone()).or_default();
            candidate.samples += 1;
            candidate.times += u32::try_from(entity.mentions.len()).unwrap_or(u32::MAX);
            let parts =
                tokens(&entity.name, SAMPLE_CHARS).into_iter().filter_map(|token| term(token.word, reader));
            candidate.idf = parts.map(|part| statistics.idf(part)).fold(0.0, f64::max);
            for mention in &entity.mentions {
                let side = if mention.field == Field::Title { &article.title } else { &article.text };
                let length = mention.end.saturating_sub(mention.start) as usize;
                let spelled: String = side.chars().skip(mention.start as usize).take(length).collect();
                if spelled.contains(' ') && !spelled.contains('\n') {
                    *candidate.spellings.entry(spelled).or_default() += 1;
                }
            }
        }
    }
    found
}

/// Words that are no part of the names.
fn words(
    samples: &[Sample<'_>],
    statistics: &Stories,
    names: &[(String, Candidate)],
) -> BTreeMap<u32, Candidate> {
    let reader = &mut Reader::new("en");
    let mut found: BTreeMap<u32, Candidate> = BTreeMap::new();
    let taken: Vec<u32> = names
        .iter()
        .flat_map(|(name, _)| tokens(name, SAMPLE_CHARS))
        .filter_map(|token| term(token.word, reader))
        .collect();
    for Sample { article, .. } in samples {
        let mut own: BTreeMap<u32, BTreeMap<String, u32>> = BTreeMap::new();
        for side in [&article.title, &article.text] {
            for token in tokens(side, SAMPLE_CHARS) {
                let plain = token.word.chars().all(char::is_alphabetic);
                if !plain || token.word.chars().count() < LETTERS_MIN {
                    continue;
                }
                if let Some(term) = term(token.word, reader).filter(|term| !taken.contains(term)) {
                    *own.entry(term).or_default().entry(token.word.to_lowercase()).or_default() += 1;
                }
            }
        }
        for (term, written) in own {
            let candidate = found.entry(term).or_default();
            candidate.samples += 1;
            candidate.idf = statistics.idf(term);
            for (word, times) in written {
                candidate.times += times;
                *candidate.written.entry(word).or_default() += times;
            }
        }
    }
    // What one sample says once is an accident of its author.
    found.retain(|_, candidate| candidate.times > 1 || samples.len() == 1);
    found
}

/// Those that stand in at least half of the samples and say most, the best first.
fn best<K: Ord>(found: BTreeMap<K, Candidate>, samples: usize, max: usize) -> Vec<(K, Candidate)> {
    let weight = |candidate: &Candidate| {
        let times = f64::from(candidate.times).ln_1p();
        let share = f64::from(u32::try_from(candidate.samples).unwrap_or(u32::MAX));
        share * times * candidate.idf
    };
    let mut all: Vec<_> = found.into_iter().filter(|(_, one)| one.samples * 2 >= samples).collect();
    all.sort_by(|(_, a), (_, b)| weight(b).total_cmp(&weight(a)));
    all.truncate(max);
    all
}

fn most(written: &BTreeMap<String, u32>) -> Option<&str> {
    written.iter().max_by_key(|(_, times)| **times).map(|(word, _)| word.as_str())
}

/// One of these, as a query.
fn alternatives<'a>(of: impl Iterator<Item = &'a str>) -> Option<String> {
    let words = of.filter_map(|word| query::Words::new(word, false, false));
    let parts: Vec<String> = words.map(|words| words.to_string()).collect();
    match parts.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("({})", many.join(" OR "))),
    }
}

/// In how many samples a query holds.
fn held(written: &str, samples: &[Sample<'_>]) -> usize {
    let Ok(query) = query::parse(written) else { return 0 };
    let holds = |Sample { article, entities }: &&Sample<'_>| {
        let subject = Subject::new(Doc {
            title: &article.title,
            text: &article.text,
            outlet: &article.outlet,
            url: article.url.as_deref(),
            language: article.language.as_deref(),
            entities,
            time: 0,
            dated: false,
        });
        query.holds(&subject, &mut Vec::new())
    };
    samples.iter().filter(holds).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FERRY: &str = "The ferry Aurelia ran aground off Holm on Monday. Captain Ilse Varga said that the rudder had \
        failed. Inspectors examine the ferry, Ilse Varga told reporters, and its rudder.";
    const AGAIN: &str = "Ninety people left a stranded ferry on Monday. The rudder failed, said the captain, Ilse Varga, \
        in the harbour; the ferry is to be towed away.";

    fn samples(texts: &[&str]) -> Proposal {
        let article = |text: &&str| Article { text: (*text).to_owned(), ..Article::default() };
        propose(&texts.iter().map(article).collect::<Vec<_>>())
    }

    #[test]
    fn what_samples_share_is_proposed() {
        let proposal = samples(&[FERRY, AGAIN]);
        let query = proposal.query.unwrap();
        assert!(query.contains("\"Ilse Varga\"") && query.contains("rudder"), "{query}");
        assert_eq!(proposal.held, 2, "{query}");
        assert!(proposal.names.iter().any(|name| name.name == "Ilse Varga"));
        assert!(query::parse(&query).is_ok());
    }

    #[test]
    fn words_alone_are_proposed_in_pairs() {
        let proposal = samples(&[
            "the ferry lay on the rocks and its rudder was gone, so the ferry waited for a tug and the rudder for a diver",
            "a tug pulled the ferry from the rocks; the rudder lies there still, and a diver looks for the rudder and the tug",
        ]);
        let query = proposal.query.unwrap();
        let (first, rest) = query.split_once(") AND (").unwrap();
        assert_eq!((first.matches(" OR ").count(), proposal.held), (1, 2), "{query}");
        assert!(rest.contains(" OR ") && proposal.names.is_empty(), "{query}");
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(samples(&[]), Proposal::default());
        assert_eq!(samples(&["", ""]).query, None);
    }
}
