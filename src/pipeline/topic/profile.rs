//! What topics know from sample articles, and how like them an article is.

use std::collections::{BTreeMap, BTreeSet};

use super::{Doc, Trace};
use crate::{
    article::{Article, Id},
    event::TopicRule,
    pipeline::story::{Assignment, Features, Loaded, Samples, Stories, features, model},
};

/// Samples of one topic that are compared with one article.
const SAMPLES_MAX: usize = 8;
/// Samples that the index may name for one article.
const FOUND_MAX: usize = 160;
/// Topics that are compared closely with one article.
const TOPICS_MAX: usize = 48;
/// Letters by which an article is seen to be no sample.
const OPENING_CHARS: usize = 48;
/// A counterexample forbids a match from this cosine on, if no sample is nearer.
const VETO_COSINE_MIN: f64 = 0.3;

/// All samples of all topics.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    samples: Vec<Sample>,
    index: Samples,
    /// Topic → its samples.
    of_topic: BTreeMap<usize, Vec<usize>>,
    /// Topic → what it must not match.
    against: BTreeMap<usize, Vec<Features>>,
    /// Hash of a sample's letters → topics.
    keys: BTreeMap<Id, BTreeSet<usize>>,
    /// How samples begin: the letters of all others need not be hashed.
    openings: BTreeSet<String>,
}

#[derive(Debug)]
struct Sample {
    topic: usize,
    features: Features,
    time: Option<i64>,
}

/// How like a topic's samples an article is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Likeness {
    pub(super) topic: usize,
    /// Log odds, by the article alone.
    pub(super) odds: f64,
    /// Inputs of the model.
    pub(super) inputs: [f64; model::TOPIC_INPUTS],
    /// To the nearest sample, all words.
    pub(super) cosine: f64,
    pub(super) is_sample: bool,
    pub(super) headline: bool,
}

impl Likeness {
    /// Log odds, with what the topic remembers of the article's story.
    pub(super) fn with_story(&self, trace: Trace, reports: u32) -> f64 {
        let best = f64::from(trace.best) / model::STEPS;
        let mean = if reports == 0 { 0.0 } else { f64::from(trace.sum) / model::STEPS / f64::from(reports) };
        model::topic_score(&self.inputs, best, mean, reports, trace.sample)
    }

    pub(super) fn step(&self) -> u16 {
        step_of(if self.is_sample { model::LIKENESS_MAX } else { self.odds })
    }
}

/// Log odds as a trace keeps them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of the trace"
)]
pub(super) fn step_of(odds: f64) -> u16 {
    ((odds.clamp(model::LIKENESS_MIN, model::LIKENESS_MAX) - model::LIKENESS_MIN) * model::STEPS).round()
        as u16
}

impl Profiles {
    pub(super) fn compile(rules: &[TopicRule]) -> Self {
        let mut profiles = Self::default();
        for (topic, rule) in rules.iter().enumerate() {
            for example in &rule.examples {
                let features = features_of(example);
                profiles.keys.entry(key(&example.title, &example.text)).or_default().insert(topic);
                profiles.openings.insert(opening(&example.title, &example.text));
                let place = profiles.samples.len();
                profiles.index.add(place, &features);
                profiles.of_topic.entry(topic).or_default().push(place);
                let time = example.published.map(jiff::Timestamp::as_second);
                profiles.samples.push(Sample { topic, features, time });
            }
            if !rule.not_examples.is_empty() {
                profiles
                    .against
                    .insert(topic, rule.not_examples.iter().take(SAMPLES_MAX).map(features_of).collect());
            }
        }
        profiles
    }

    /// The topics whose samples are like the article, and those that remember its story.
    pub(super) fn compare(
        &self,
        doc: &Doc<'_>,
        assignment: &Assignment,
        stories: &Stories,
        touched: &BTreeSet<usize>,
    ) -> Vec<Likeness> {
        if self.samples.is_empty() {
            return Vec::new();
        }
        let none = BTreeSet::new();
        let opens = self.openings.contains(&opening(doc.title, doc.text));
        let same = opens.then(|| self.keys.get(&key(doc.title, doc.text))).flatten().unwrap_or(&none);
        let found = self.index.nearest(&assignment.loaded, FOUND_MAX);
        let mut close: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for place in found {
            let Some(sample) = self.samples.get(place) else { continue };
            if close.len() < TOPICS_MAX || close.contains_key(&sample.topic) {
                close.entry(sample.topic).or_default().push(place);
            }
        }
        for topic in same.iter().chain(touched) {
            let samples = self.of_topic.get(topic).into_iter().flatten();
            close.entry(*topic).or_default().extend(samples);
        }
        close
            .into_iter()
            .filter(|(_, samples)| !samples.is_empty())
            .map(|(topic, mut samples)| {
                let mut known = BTreeSet::new();
                samples.retain(|place| known.insert(*place));
                let rest =
                    self.of_topic.get(&topic).into_iter().flatten().filter(|place| !known.contains(place));
                samples.extend(rest);
                samples.truncate(SAMPLES_MAX);
                self.likeness(topic, &samples, doc, assignment, stories, same.contains(&topic))
            })
            .collect()
    }

    fn likeness(
        &self,
        topic: usize,
        samples: &[usize],
        doc: &Doc<'_>,
        assignment: &Assignment,
        stories: &Stories,
        is_sample: bool,
    ) -> Likeness {
        let samples: Vec<&Sample> = samples.iter().filter_map(|place| self.samples.get(*place)).collect();
        let loaded: Vec<Loaded> =
            samples.iter().map(|sample| stories.weigh(&sample.features).load()).collect();
        let times = samples.iter().filter_map(|sample| sample.time);
        let gap =
            times.map(|time| doc.time.saturating_sub(time).saturating_abs()).min().filter(|_| doc.dated);
        let article = &assignment.loaded;
        let (headline, length) = article.regime();
        let lengths = loaded.iter().map(|sample| sample.regime().1);
        let shorter = lengths.fold(f64::MAX, f64::min).max(model::LENGTH_MIN).min(length);
        let compared = stories.compare(article, assignment.normal, &loaded, gap);
        let inputs = model::topic_inputs(&compared, (headline, shorter), gap.is_none());
        let odds = model::topic_score_alone(&inputs);
        let cosine = compared.nearest;
        Likeness { topic, odds, inputs, cosine, is_sample, headline }
    }

    /// Why a counterexample forbids the match, if one does.
    pub(super) fn veto(
        &self,
        topic: usize,
        likeness: Option<&Likeness>,
        assignment: &Assignment,
        stories: &Stories,
    ) -> Option<String> {
        let against = self.against.get(&topic)?;
        let least = likeness.map_or(0.0, |likeness| likeness.cosine).max(VETO_COSINE_MIN);
        let cosine = |features| {
            let [all, ..] = stories.weigh(features).load().cosines(&assignment.loaded);
            all
        };
        let nearest = against.iter().map(cosine).fold(0.0, f64::max);
        (nearest >= least).then(|| format!("like a counterexample ({nearest:.2})"))
    }
}

fn features_of(article: &Article) -> Features {
    features(&article.title, &article.text, article.language.as_deref())
}

/// The letters and digits alone, so that line breaks and marks make no difference.
fn key(title: &str, text: &str) -> Id {
    Id::of(&[letters(title, text).collect::<String>().as_bytes()])
}

/// The first letters of a key.
fn opening(title: &str, text: &str) -> String {
    letters(title, text).take(OPENING_CHARS).collect()
}

fn letters<'a>(title: &'a str, text: &'a str) -> impl Iterator<Item = char> + 'a {
    title.chars().chain(text.chars()).filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase)
}
