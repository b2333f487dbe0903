//! What topics know from sample articles, and how like them an article is.

use std::collections::{BTreeMap, BTreeSet};

use super::{Compared, Doc, Memory, Trace};
use crate::{
    article::{Article, Id},
    event::TopicRule,
    pipeline::story::{Assignment, Features, Loaded, Probe, Rough, Samples, Stories, features, model},
};

/// Samples of one topic that are compared with one article.
const SAMPLES_MAX: usize = 8;
/// Samples that the index may name for one article.
const FOUND_MAX: usize = 160;
/// Topics that are compared closely with one article.
const TOPICS_MAX: usize = 48;
/// Topics that are asked because they learned from an article like it.
const TAUGHT_MAX: usize = 64;
/// Articles that share most with one, from which such topics learned.
const NEAR_MAX: usize = 16;
/// Log odds, by a rough comparison, below which a topic is not compared closely: on the labelled sets leaving these out
/// costs nothing; from -3 on more is missed.
const ROUGH_MIN: f64 = -3.5;
/// Letters by which an article is seen to be no sample.
const OPENING_CHARS: usize = 48;
/// A counterexample forbids a match from this cosine on,
const VETO_COSINE_MIN: f64 = 0.2;
/// if it is so many times as near as samples and what was learned: reports of two neighbouring events are much alike, and
/// one that is only a little nearer to the counterexample may well be of the topic. Chosen on the labelled sets.
const VETO_FACTOR: f64 = 1.5;

/// All samples of all topics.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    samples: Vec<Sample>,
    /// Topic with samples → what it is known by to what is learned.
    learners: BTreeMap<usize, u64>,
    /// And back.
    places: BTreeMap<u64, usize>,
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
#[derive(Clone, Debug)]
pub(super) struct Likeness {
    pub(super) compared: Compared,
    /// Log odds, by the article alone.
    pub(super) odds: f64,
    /// To the nearest sample, all words.
    pub(super) cosine: f64,
    /// To what was learned: the greatest cosine of all words, log odds.
    pub(super) learned: Option<(f64, f64)>,
    pub(super) headline: bool,
}

impl Likeness {
    /// Log odds, with what the topic remembers of the article's story.
    pub(super) fn with_story(&self, trace: Trace, reports: u32) -> f64 {
        let best = f64::from(trace.best) / model::STEPS;
        let mean = if reports == 0 { 0.0 } else { f64::from(trace.sum) / model::STEPS / f64::from(reports) };
        let learned = self.learned.map(|(_, odds)| odds);
        model::topic_score(&self.compared.inputs, best, mean, reports, trace.sample, learned)
    }

    pub(super) fn step(&self) -> u16 {
        step_of(if self.compared.is_sample { model::LIKENESS_MAX } else { self.odds })
    }

    /// Whether the topic may learn from the article.
    pub(super) fn teaches(&self) -> bool {
        !self.compared.is_sample && self.odds >= model::TOPIC_LEARNS
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
            let mut learner = super::key(&rule.name);
            for example in &rule.examples {
                let features = features_of(example);
                let key = key(&example.title, &example.text);
                learner = Id::of(&[&learner.to_be_bytes(), &key.0.to_be_bytes()]).0;
                profiles.keys.entry(key).or_default().insert(topic);
                profiles.openings.insert(opening(&example.title, &example.text));
                let place = profiles.samples.len();
                profiles.index.add(&features);
                profiles.of_topic.entry(topic).or_default().push(place);
                let time = example.published.map(jiff::Timestamp::as_second);
                profiles.samples.push(Sample { topic, features, time });
            }
            if !rule.examples.is_empty() {
                profiles.learners.insert(topic, learner);
                profiles.places.insert(learner, topic);
            }
            if !rule.not_examples.is_empty() {
                profiles
                    .against
                    .insert(topic, rule.not_examples.iter().take(SAMPLES_MAX).map(features_of).collect());
            }
        }
        profiles
    }

    /// By what a topic with samples is known to what is learned.
    pub(super) fn learner(&self, topic: usize) -> Option<u64> {
        self.learners.get(&topic).copied()
    }

    /// The topics whose samples are like the article, those that remember its story, and those that learned from one
    /// like it.
    pub(super) fn compare(
        &self,
        doc: &Doc<'_>,
        assignment: &Assignment,
        stories: &Stories,
        memory: &Memory<'_>,
    ) -> Vec<Likeness> {
        if self.samples.is_empty() {
            return Vec::new();
        }
        let none = BTreeSet::new();
        let opens = self.openings.contains(&opening(doc.title, doc.text));
        let same = opens.then(|| self.keys.get(&key(doc.title, doc.text))).flatten().unwrap_or(&none);
        let found = self.index.nearest(&assignment.loaded, stories, FOUND_MAX);
        let probe = Probe::new(&assignment.loaded);
        let rough = Rough::new(&self.index, assignment, &probe);
        let asked = Asked { doc, assignment, probe: &probe, stories };
        let likely = |place: usize, sample: &Sample| rough.odds(place, gap(doc, [sample.time])) >= ROUGH_MIN;
        let mut close: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for place in found {
            let Some(sample) = self.samples.get(place) else { continue };
            let known = close.contains_key(&sample.topic);
            if known || close.len() < TOPICS_MAX && likely(place, sample) {
                close.entry(sample.topic).or_default().push(place);
            }
        }
        let near: Vec<u64> = assignment.near.iter().take(NEAR_MAX).copied().collect();
        let taught = memory.learned.by(&near).filter_map(|learner| self.places.get(&learner));
        let taught: BTreeSet<usize> = taught.take(TAUGHT_MAX).copied().collect();
        let traced = memory.traces.keys().filter(|topic| {
            let samples = self.of_topic.get(*topic).into_iter().flatten().take(SAMPLES_MAX);
            samples
                .filter_map(|place| Some((*place, self.samples.get(*place)?)))
                .any(|(place, sample)| likely(place, sample))
        });
        for topic in same.iter().chain(traced).chain(&taught) {
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
                let mut likeness = self.likeness(topic, &samples, &asked);
                likeness.compared.is_sample = same.contains(&topic);
                self.learn(&mut likeness, &asked, memory);
                likeness
            })
            .collect()
    }

    fn likeness(&self, topic: usize, samples: &[usize], asked: &Asked<'_>) -> Likeness {
        let samples: Vec<&Sample> = samples.iter().filter_map(|place| self.samples.get(*place)).collect();
        let loaded: Vec<Loaded> =
            samples.iter().map(|sample| asked.stories.weigh(&sample.features).load()).collect();
        let gap = gap(asked.doc, samples.iter().map(|sample| sample.time));
        let (inputs, cosine) = asked.inputs(&loaded.iter().collect::<Vec<_>>(), gap);
        let compared = Compared { topic, inputs, learned: None, is_sample: false };
        let odds = model::topic_score_alone(&inputs);
        Likeness { compared, odds, cosine, learned: None, headline: asked.assignment.loaded.regime().0 }
    }

    /// Compares with what the topic learned as if that were its samples.
    fn learn(&self, likeness: &mut Likeness, asked: &Asked<'_>, memory: &Memory<'_>) {
        let Some(learner) = self.learner(likeness.compared.topic) else { return };
        let articles = memory.learned.of(learner).filter(|seq| Some(*seq) != memory.besides);
        let members: Vec<_> = articles.filter_map(|seq| asked.stories.member(seq)).collect();
        if members.is_empty() {
            return;
        }
        let gap = gap(asked.doc, members.iter().map(|(_, time)| *time));
        let loaded: Vec<&Loaded> = members.iter().map(|(loaded, _)| *loaded).collect();
        let (inputs, cosine) = asked.inputs(&loaded, gap);
        likeness.learned = Some((cosine, model::topic_score_alone(&inputs)));
        likeness.compared.learned = Some(inputs);
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
        let own = likeness.map_or(0.0, |likeness| {
            likeness.learned.map_or(likeness.cosine, |(cosine, _)| cosine.max(likeness.cosine))
        });
        // Cosines end at 1: what is much like both has to be nearer to the counterexample by half.
        let least = (own * VETO_FACTOR).min(f64::midpoint(own, 1.0)).max(VETO_COSINE_MIN);
        let cosine = |features| {
            let [all, ..] = stories.weigh(features).load().cosines(&assignment.loaded);
            all
        };
        let nearest = against.iter().map(cosine).fold(0.0, f64::max);
        (nearest >= least).then(|| format!("like a counterexample ({nearest:.2})"))
    }
}

/// An article that topics are asked about.
struct Asked<'a> {
    doc: &'a Doc<'a>,
    assignment: &'a Assignment,
    probe: &'a Probe<'a>,
    stories: &'a Stories,
}

impl Asked<'_> {
    /// The inputs of the model against samples, and the cosine to the nearest one.
    fn inputs(&self, samples: &[&Loaded], gap: Option<i64>) -> ([f64; model::TOPIC_INPUTS], f64) {
        let Assignment { loaded: article, normal, likest, .. } = self.assignment;
        let (headline, length) = article.regime();
        let lengths = samples.iter().map(|sample| sample.regime().1);
        let shorter = lengths.fold(f64::MAX, f64::min).max(model::LENGTH_MIN).min(length);
        let compared = self.stories.compare(self.probe, *normal, samples, gap);
        (model::topic_inputs(&compared, *likest, (headline, shorter), gap.is_none()), compared.nearest)
    }
}

/// Seconds between an article and the nearest of these times; none where either side has no date.
fn gap(doc: &Doc<'_>, times: impl IntoIterator<Item = Option<i64>>) -> Option<i64> {
    let gaps = times.into_iter().flatten().map(|time| doc.time.saturating_sub(time).saturating_abs());
    gaps.min().filter(|_| doc.dated)
}

fn features_of(article: &Article) -> Features {
    features(&article.title, &article.text, article.language.as_deref())
}

/// The letters and digits alone, so that line breaks and marks make no difference.
fn key(title: &str, text: &str) -> Id {
    Id::of(&[letters(title, text, usize::MAX).as_bytes()])
}

/// The first letters of a key.
fn opening(title: &str, text: &str) -> String {
    letters(title, text, OPENING_CHARS)
}

/// The first letters and digits in lower case, so many.
fn letters(title: &str, text: &str, chars_max: usize) -> String {
    let mut letters = String::new();
    let mut left = chars_max;
    for part in [title, text] {
        for char in part.chars().filter(|char| char.is_alphanumeric()) {
            if left == 0 {
                return letters;
            }
            left -= 1;
            if char.is_ascii() {
                letters.push(char.to_ascii_lowercase());
            } else {
                letters.extend(char.to_lowercase());
            }
        }
    }
    letters
}
