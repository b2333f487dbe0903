//! Decides which topics an article belongs to: by query, by names, by likeness to sample articles, or because it stands
//! in a story that the topic follows. Holds no state of its own: what a topic remembers of a story is a `Trace` that
//! the caller keeps. Word statistics come from the stories at the moment of the question.

mod asker;
mod learned;
mod profile;
pub mod propose;
pub mod query;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::learned::Learned;
use self::{
    asker::Askers,
    profile::{Likeness, Profiles},
    query::{Place, Query, Subject, Words},
};
use super::story::{Assignment, Stories, model};
use crate::{
    article::{Entity, Id},
    event::{Rules, Sensitivity, TopicRule},
};

/// Evidence strings of one match.
const EVIDENCE_MAX: usize = 8;
/// Following a story as `strict` asks that the article fits it by so much, in log odds.
const STRICT_FOLLOW_SCORE: f64 = 2.0;
/// Topics that remember a story though no article of it matched them, at most.
const TRACES_MAX: usize = 64;
/// Rejected candidates that are told.
const REJECTED_MAX: usize = 20;

/// The article in question.
#[derive(Clone, Copy, Debug)]
pub struct Doc<'a> {
    /// Headline.
    pub title: &'a str,
    /// Body.
    pub text: &'a str,
    /// Who publishes.
    pub outlet: &'a str,
    /// Its address.
    pub url: Option<&'a str>,
    /// Stated or detected.
    pub language: Option<&'a str>,
    /// Who and what is named.
    pub entities: &'a [Entity],
    /// Event time, seconds since 1970.
    pub time: i64,
    /// Whether the outlet states the time.
    pub dated: bool,
}

/// What a topic remembers of a story: the caller keeps one for each topic and story that gave one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The greatest likeness of a member, in 256ths of the log odds above the floor.
    pub best: u16,
    /// Sum over the members.
    pub sum: u32,
    /// One of the samples is a member.
    pub sample: bool,
    /// A member matched surely by query or names: the topic follows the story.
    pub adopted: bool,
}

/// A trace by the name of its topic, as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traced {
    /// Name of the topic.
    pub topic: String,
    /// As it is from now on.
    pub trace: Trace,
    /// The topic learns from the article.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub learned: bool,
}

/// What the topics remember that an article may touch: the caller keeps it.
#[derive(Clone, Debug)]
pub struct Memory<'a> {
    /// The story that the article stands in, if that has members already.
    pub story: Option<Id>,
    /// Of that story, by the topics' places.
    pub traces: BTreeMap<usize, Trace>,
    /// What the topics learned.
    pub learned: &'a Learned,
    /// The article itself, if it is in the window already.
    pub besides: Option<u64>,
    /// Topics that follow another story which the article fits as well, by their places.
    pub followed_beside: BTreeSet<usize>,
}

/// The number under which a topic's or an entity's name is kept.
pub fn key(name: &str) -> u64 {
    Id::of(&[b"name", name.as_bytes()]).0
}

/// An article belongs to a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicMatch {
    /// Place of the topic in the rules.
    pub topic: usize,
    /// 0 to 1.
    pub score: f32,
    /// Sure enough to adopt the story.
    pub sure: bool,
    /// What counted.
    pub evidence: Vec<String>,
    /// The article is itself a sample of the topic.
    pub is_sample: bool,
}

/// A topic that came near.
#[derive(Clone, Debug, PartialEq)]
pub struct Miss {
    /// Place of the topic in the rules.
    pub topic: usize,
    /// 0 to 1.
    pub score: f32,
    /// What spoke for it.
    pub evidence: Vec<String>,
    /// What was missing or forbade it.
    pub missing: String,
}

/// What is asked of the topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those that match.
    Matches,
    /// Also all those that come near by some of their words; it takes longer.
    NearMisses,
}

/// All that the topics say of an article.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdicts {
    /// Topics that it belongs to, in the order of the rules.
    pub matches: Vec<TopicMatch>,
    /// Topics that came near, the nearest first.
    pub misses: Vec<Miss>,
    /// Traces of the article's story as they are from now on, where they changed; and whether the topic learns from
    /// the article.
    pub traces: Vec<(usize, Trace, bool)>,
}

/// How an article compares with a topic: the inputs of the model.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Place of the topic in the rules.
    pub topic: usize,
    /// Against the samples.
    pub inputs: [f64; model::TOPIC_INPUTS],
    /// Against what was learned, if anything was.
    pub learned: Option<[f64; model::TOPIC_INPUTS]>,
    /// It is itself a sample.
    pub is_sample: bool,
}

/// The topics, ready to be asked.
#[derive(Debug, Default)]
pub struct Topics {
    followed: Vec<Topic>,
    askers: Askers,
    profiles: Profiles,
}

#[derive(Debug)]
struct Topic {
    name: String,
    query: Option<Query>,
    names: Vec<Name>,
    sensitivity: Sensitivity,
    has_examples: bool,
}

#[derive(Debug)]
struct Name {
    canonical: String,
    spellings: Vec<(Words, Words)>,
}

/// What speaks for one topic while an article is judged.
#[derive(Debug, Default)]
struct Case {
    score: f64,
    sure: bool,
    matched: bool,
    adopts: bool,
    evidence: Vec<String>,
    missing: Option<String>,
    likeness: Option<Likeness>,
}

impl Topics {
    /// Makes the rules' topics ready; the warnings name what is left out and why.
    pub fn compile(rules: &Rules) -> (Self, Vec<String>) {
        let mut warnings = Vec::new();
        let topics: Vec<Topic> = rules.topics.iter().map(|rule| compile(rule, &mut warnings)).collect();
        let askers = Askers::compile(&topics);
        let profiles = Profiles::compile(&rules.topics);
        (Self { followed: topics, askers, profiles }, warnings)
    }

    /// Place of a topic in the rules.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.followed.iter().position(|topic| topic.name == name)
    }

    /// Name of the topic at a place.
    pub fn name(&self, place: usize) -> Option<&str> {
        self.followed.get(place).map(|topic| topic.name.as_str())
    }

    /// The number by which a topic is known to what is learned.
    pub fn learner(&self, place: usize) -> Option<u64> {
        self.profiles.learner(place)
    }

    /// Judges an article; the scope changes nothing of what matches. Neither the article nor the traces of its own may be in yet.
    pub fn judge(
        &self,
        doc: &Doc<'_>,
        assignment: &Assignment,
        stories: &Stories,
        memory: &Memory<'_>,
        scope: Scope,
    ) -> Verdicts {
        let subject = Subject::new(*doc);
        let mut cases: BTreeMap<usize, Case> = BTreeMap::new();
        for place in self.asked(doc, scope) {
            if let Some(topic) = self.followed.get(place) {
                by_words(topic, &subject, doc.entities, cases.entry(place).or_default());
            }
        }
        let reports = memory.story.map_or(0, |story| stories.summary(story).reports);
        for likeness in self.profiles.compare(doc, assignment, stories, memory) {
            let Some(topic) = self.followed.get(likeness.compared.topic) else { continue };
            let trace = memory.traces.get(&likeness.compared.topic).copied().unwrap_or_default();
            let case = cases.entry(likeness.compared.topic).or_default();
            by_likeness(topic, likeness, trace, reports, case);
        }
        for (place, trace) in memory.traces.iter().filter(|(_, trace)| trace.adopted) {
            if let Some(topic) = self.followed.get(*place) {
                let case = cases.entry(*place).or_default();
                by_following(topic, *trace, assignment.score, case);
            }
        }
        for place in &memory.followed_beside {
            if let Some(topic) = self.followed.get(*place) {
                by_kinship(topic, cases.entry(*place).or_default());
            }
        }
        self.conclude(cases, &subject, assignment, stories, memory)
    }

    /// Topics that an article is like, or that remember its story, with the model's inputs: for the program that fits
    /// the model.
    pub fn compare(
        &self,
        doc: &Doc<'_>,
        assignment: &Assignment,
        stories: &Stories,
        memory: &Memory<'_>,
    ) -> Vec<Compared> {
        let all = self.profiles.compare(doc, assignment, stories, memory);
        all.into_iter().map(|one| one.compared).collect()
    }

    /// Topics whose query or names may hold.
    fn asked(&self, doc: &Doc<'_>, scope: Scope) -> BTreeSet<usize> {
        let mut asked = self.askers.of(doc, scope);
        let tracked =
            |name: &Name| doc.entities.iter().any(|entity| entity.tracked && entity.name == name.canonical);
        if doc.entities.iter().any(|entity| entity.tracked) {
            let named = self.followed.iter().enumerate().filter(|(_, topic)| topic.names.iter().any(tracked));
            asked.extend(named.map(|(place, _)| place));
        }
        asked
    }

    fn conclude(
        &self,
        cases: BTreeMap<usize, Case>,
        subject: &Subject<'_>,
        assignment: &Assignment,
        stories: &Stories,
        memory: &Memory<'_>,
    ) -> Verdicts {
        let mut verdicts = Verdicts::default();
        let mut traced = memory.traces.len();
        for (place, mut case) in cases {
            let Some(topic) = self.followed.get(place) else { continue };
            let likeness = case.likeness.take();
            // A topic that asks for much matches less than what it may learn from.
            let mut teaches = likeness.as_ref().is_some_and(Likeness::teaches);
            if case.matched || teaches {
                let by_query = topic.query.as_ref().and_then(|query| query.veto(subject));
                let forbidden = by_query.map(|part| format!("the query asks for {part}"));
                let forbidden =
                    forbidden.or_else(|| self.profiles.veto(place, likeness.as_ref(), assignment, stories));
                if let Some(reason) = forbidden {
                    (case.matched, case.adopts, teaches) = (false, false, false);
                    case.missing = Some(reason);
                }
            }
            let is_sample = likeness.as_ref().is_some_and(|likeness| likeness.compared.is_sample);
            let old = memory.traces.get(&place).copied().unwrap_or_default();
            let mut trace = old;
            if let Some(likeness) = &likeness {
                let step = likeness.step();
                trace.best = trace.best.max(step);
                trace.sum = trace.sum.saturating_add(u32::from(step));
                trace.sample |= is_sample;
            }
            trace.adopted |= case.adopts;
            let known = memory.traces.contains_key(&place) || trace.sample || trace.adopted || case.matched;
            let like = trace.best >= profile::step_of(model::LIKENESS_KEPT);
            if trace != old && (known || like && traced < TRACES_MAX) {
                traced += usize::from(!memory.traces.contains_key(&place));
                let room = self.learner(place).is_some_and(|learner| !memory.learned.is_full(learner));
                verdicts.traces.push((place, trace, teaches && room));
            }
            case.evidence.truncate(EVIDENCE_MAX);
            let score = shown(case.score);
            if case.matched || is_sample {
                let (sure, evidence) = (case.sure || is_sample, case.evidence);
                verdicts.matches.push(TopicMatch { topic: place, score, sure, evidence, is_sample });
            } else {
                let missing = case.missing.unwrap_or_else(|| "nothing of it was found".to_owned());
                verdicts.misses.push(Miss { topic: place, score, evidence: case.evidence, missing });
            }
        }
        verdicts.misses.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.topic.cmp(&b.topic)));
        verdicts.misses.truncate(REJECTED_MAX);
        verdicts
    }
}

fn compile(rule: &TopicRule, warnings: &mut Vec<String>) -> Topic {
    let query = rule.query.as_deref().and_then(|written| match query::parse(written) {
        Ok(query) => Some(query),
        Err(fault) => {
            warnings.push(format!("topic {}: query left out: {fault}", rule.name));
            None
        }
    });
    let names = rule.names.iter().map(|name| {
        let spellings = std::iter::once(&name.name).chain(&name.aliases);
        let spellings = spellings.filter_map(|spelling| {
            Some((Words::new(spelling, true, false)?, Words::new(spelling, false, false)?))
        });
        Name { canonical: name.name.clone(), spellings: spellings.collect() }
    });
    Topic {
        name: rule.name.clone(),
        query,
        names: names.collect(),
        sensitivity: rule.sensitivity,
        has_examples: !rule.examples.is_empty(),
    }
}

fn by_words(topic: &Topic, subject: &Subject<'_>, entities: &[Entity], case: &mut Case) {
    if let Some(query) = &topic.query {
        let mut found = Vec::new();
        if query.holds(subject, &mut found) {
            (case.matched, case.sure, case.adopts) = (true, true, true);
            case.score = QUERY_SCORE;
            case.evidence.extend(found.into_iter().map(|part| format!("query: {part}")));
            if case.evidence.is_empty() {
                case.evidence.push(format!("query: {query}"));
            }
        } else {
            case.missing = query.missing(subject).map(|part| format!("the query asks for {part}"));
        }
    }
    for name in &topic.names {
        let entity = entities.iter().find(|entity| entity.tracked && entity.name == name.canonical);
        let holds = |place, words: &Words| Query::Words(place, words.clone()).holds(subject, &mut Vec::new());
        let in_title = name.spellings.iter().any(|(_, words)| holds(Place::Title, words));
        let in_text = || name.spellings.iter().any(|(words, _)| holds(Place::Anywhere, words));
        if !in_title && entity.is_none() && !in_text() {
            continue;
        }
        let often = entity.is_some_and(|entity| entity.mentions.len() > 1);
        let weighty = in_title || often;
        let score = if weighty { NAME_SCORE } else { PASSING_NAME_SCORE };
        if weighty || topic.sensitivity != Sensitivity::Strict {
            case.matched = true;
            case.sure |= weighty;
            case.adopts |= weighty;
        } else {
            case.missing = Some(format!("{} is only named in passing", name.canonical));
        }
        case.score = case.score.max(score);
        case.evidence.push(format!("name: {}", name.canonical));
    }
}

const QUERY_SCORE: f64 = 0.95;
const NAME_SCORE: f64 = 0.85;
const PASSING_NAME_SCORE: f64 = 0.65;
const FOLLOW_SCORE: f64 = 0.6;

fn by_likeness(topic: &Topic, likeness: Likeness, trace: Trace, reports: u32, case: &mut Case) {
    let odds =
        if likeness.compared.is_sample { model::LIKENESS_MAX } else { likeness.with_story(trace, reports) };
    let threshold = model::topic_threshold(topic.sensitivity, likeness.headline);
    let score = 1.0 / (1.0 + (-odds).exp());
    let plain = topic.sensitivity == Sensitivity::Strict && !likeness.headline;
    let odds = if plain { model::strict_odds(odds, likeness.cosine) } else { odds };
    let text = if likeness.compared.is_sample {
        "is a sample of the topic".to_owned()
    } else {
        format!("like a sample ({:.2})", likeness.cosine)
    };
    if odds >= threshold {
        case.matched = true;
        case.sure |= odds >= threshold.max(model::TOPIC_SURE);
        case.evidence.push(text);
        if let Some((cosine, _)) = likeness.learned.filter(|(_, odds)| *odds > likeness.odds) {
            case.evidence.push(format!("like an article that is surely on the topic ({cosine:.2})"));
        }
        if trace.sample {
            case.evidence.push("in one story with a sample".to_owned());
        } else if trace.best >= profile::step_of(model::TOPIC_SURE) {
            case.evidence.push("in one story with an article that is like a sample".to_owned());
        }
    } else if !case.matched {
        case.evidence.push(text);
        let odds = (odds * 10.0).round() / 10.0 + 0.0; // no -0.0
        let lacking = format!("too little like the samples: {odds:.1} of {threshold:.1} needed");
        case.missing =
            Some(case.missing.take().map_or(lacking.clone(), |other| format!("{other}; {lacking}")));
    }
    case.score = case.score.max(score);
    case.likeness = Some(likeness);
}

fn by_following(topic: &Topic, trace: Trace, fit: f64, case: &mut Case) {
    debug_assert!(trace.adopted, "only stories that are followed come here");
    if case.matched {
        return;
    }
    if topic.sensitivity == Sensitivity::Strict && (fit < STRICT_FOLLOW_SCORE || topic.has_examples) {
        case.missing.get_or_insert_with(|| "in a story that the topic follows, but too weakly".to_owned());
        return;
    }
    case.matched = true;
    case.score = case.score.max(FOLLOW_SCORE);
    case.evidence.push("in a story that the topic follows".to_owned());
}

/// The article fits a story that the topic follows, though it stands in another.
fn by_kinship(topic: &Topic, case: &mut Case) {
    if case.matched || topic.sensitivity == Sensitivity::Strict {
        return;
    }
    case.matched = true;
    case.score = case.score.max(FOLLOW_SCORE);
    case.evidence.push("fits a story that the topic follows".to_owned());
}

#[expect(clippy::cast_possible_truncation, reason = "a number between 0 and 1 that is shown")]
fn shown(score: f64) -> f32 {
    ((score.clamp(0.0, 1.0) * 1e4).round() / 1e4) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        article::Article,
        event::TrackedName,
        pipeline::story::{Member, features},
    };

    const FERRY: &str = "The ferry Aurelia ran aground off Holm island on Monday morning with ninety passengers aboard. \
        Coast guard boats took everyone to Holm harbour, where Captain Ilse Varga told reporters that the rudder had \
        failed. Inspectors will examine the Aurelia's steering, and the shipping line Nordlinje apologised.";
    const FERRY_AGAIN: &str = "Ninety people were rescued on Monday when the Nordlinje ferry Aurelia hit rocks near Holm \
        island. The rudder failed, Captain Ilse Varga said in the harbour. The coast guard sent four boats and \
        inspectors are to look at the steering of the Aurelia, the shipping line said.";
    const BUDGET: &str = "Parliament in Tarnow passed the budget late on Tuesday after a long debate about pensions. \
        Finance minister Oskar Lund said that taxes on fuel would rise, while farmers protested outside with tractors. \
        The opposition leader Mira Sand called the vote a betrayal of retired workers.";

    fn example(text: &str) -> Article {
        Article { text: text.to_owned(), ..Article::default() }
    }

    fn judge(rule: TopicRule, text: &str, following: Option<Trace>) -> Verdicts {
        let rules = Rules { topics: vec![rule], ..Rules::default() };
        let (topics, warnings) = Topics::compile(&rules);
        assert_eq!(warnings, Vec::<String>::new());
        let mut stories = Stories::new();
        // the latest members are in memory
        let recall = |_| panic!();
        for (seq, text) in [(1, BUDGET), (2, FERRY)] {
            let vector = stories.weigh(&features("", text, None));
            let member = Member {
                seq,
                report: Id(seq),
                story: Id(seq),
                time: 0,
                dated: true,
                outlet: seq,
                copy: false,
                vector,
                entities: Vec::new(),
            };
            stories.insert(member, &recall).unwrap();
        }
        let vector = stories.weigh(&features("", text, None));
        let assignment = stories.assign(&vector, 0, true, &recall).unwrap();
        let doc = Doc {
            title: "",
            text,
            outlet: "The Holm Post",
            url: Some("https://www.holmpost.example/a"),
            language: Some("en"),
            entities: &[],
            time: 0,
            dated: true,
        };
        let traces = following.into_iter().map(|trace| (0, trace)).collect();
        let learned = Learned::default();
        let memory = Memory {
            story: assignment.story,
            traces,
            learned: &learned,
            besides: None,
            followed_beside: BTreeSet::new(),
        };
        topics.judge(&doc, &assignment, &stories, &memory, Scope::NearMisses)
    }

    #[track_caller]
    fn check(rule: TopicRule, text: &str, following: Option<Trace>, expected: bool) {
        let verdicts = judge(rule, text, following);
        assert_eq!(!verdicts.matches.is_empty(), expected, "{verdicts:?}");
    }

    fn asks(query: &str) -> TopicRule {
        TopicRule { name: "t".to_owned(), query: Some(query.to_owned()), ..TopicRule::default() }
    }

    fn like(text: &str) -> TopicRule {
        TopicRule { name: "t".to_owned(), examples: vec![example(text)], ..TopicRule::default() }
    }

    const FOLLOWED: Option<Trace> = Some(Trace { best: 0, sum: 0, sample: false, adopted: true });

    #[test]
    fn a_query_matches() {
        check(asks("ferry AND Holm"), FERRY, None, true);
        check(asks("ferry AND budget"), FERRY, None, false);
        check(asks("lang:en"), FERRY, None, true);
        check(asks("source:holmpost.example NOT budget"), FERRY, None, true);
    }

    #[test]
    fn a_followed_story_needs_no_words_but_no_veto() {
        check(asks("shipwreck"), FERRY_AGAIN, FOLLOWED, true);
        check(asks("shipwreck"), FERRY_AGAIN, None, false);
        check(asks("shipwreck NOT ferry"), FERRY_AGAIN, FOLLOWED, false);
        check(asks("shipwreck lang:de"), FERRY_AGAIN, FOLLOWED, false);
    }

    #[test]
    fn names_match() {
        let names =
            vec![TrackedName { name: "Ilse Varga".to_owned(), aliases: vec!["Captain Varga".to_owned()] }];
        let rule = TopicRule { name: "t".to_owned(), names, ..TopicRule::default() };
        check(rule.clone(), FERRY, None, true);
        check(rule.clone(), BUDGET, None, false);
        check(rule.clone(), "As captain Varga said.", None, false);
        check(TopicRule { sensitivity: Sensitivity::Strict, ..rule }, FERRY, None, false);
    }

    #[test]
    fn one_sample_matches_its_event() {
        check(like(FERRY), FERRY_AGAIN, None, true);
        check(like(FERRY), BUDGET, None, false);
        check(
            TopicRule { not_examples: vec![example(FERRY_AGAIN)], ..like(FERRY) },
            FERRY_AGAIN,
            None,
            false,
        );
    }

    #[test]
    fn an_article_that_is_unlike_the_samples_leaves_no_trace() {
        assert_eq!(judge(like(FERRY), FERRY_AGAIN, None).traces.len(), 1);
        assert_eq!(judge(like(FERRY), BUDGET, None).traces, []);
    }

    #[test]
    fn a_story_is_remembered_by_so_many_topics_at_most_that_it_is_merely_like() {
        let topic = |number: usize| TopicRule { name: number.to_string(), ..like(FERRY) };
        let rules = Rules { topics: (0..TRACES_MAX + 10).map(topic).collect(), ..Rules::default() };
        let (topics, _) = Topics::compile(&rules);
        let learned = Learned::default();
        let doc = Doc {
            title: "",
            text: FERRY_AGAIN,
            outlet: "",
            url: None,
            language: None,
            entities: &[],
            time: 0,
            dated: true,
        };
        let merely_like = |topic| {
            let inputs = [0.0; model::TOPIC_INPUTS];
            let compared = Compared { topic, inputs, learned: None, is_sample: false };
            let odds = model::LIKENESS_KEPT + 1.0;
            let likeness = Likeness { compared, odds, cosine: 0.1, learned: None, headline: false };
            (topic, Case { likeness: Some(likeness), ..Case::default() })
        };
        // All are like the article, and so many of them remember its story already.
        let new = |known: usize| {
            let trace = Trace { best: 1, sum: 1, ..Trace::default() };
            let traces = (0..known).map(|place| (place, trace)).collect();
            let followed_beside = BTreeSet::new();
            let memory = Memory { story: None, traces, learned: &learned, besides: None, followed_beside };
            let cases = (0..rules.topics.len()).map(merely_like).collect();
            let (assignment, stories) = (Assignment::default(), Stories::new());
            let verdicts = topics.conclude(cases, &Subject::new(doc), &assignment, &stories, &memory);
            verdicts.traces.iter().filter(|(place, ..)| *place >= known).count()
        };
        assert_eq!([0, TRACES_MAX - 4, TRACES_MAX].map(new), [TRACES_MAX, 4, 0]);
    }

    #[test]
    fn a_counterexample_forbids_what_is_clearly_nearer_to_it() {
        let rule = |against: &str| TopicRule { not_examples: vec![example(against)], ..like(FERRY) };
        check(rule(FERRY_AGAIN), FERRY_AGAIN, None, false);
        check(rule(BUDGET), FERRY_AGAIN, None, true);
        check(rule(&format!("{FERRY} {BUDGET}")), FERRY_AGAIN, None, true);
    }

    #[test]
    fn a_sample_is_known_by_its_letters() {
        let verdicts = judge(like(FERRY), &FERRY.replace(". ", ".\n\n"), None);
        assert!(verdicts.matches.iter().all(|one| one.is_sample && one.sure), "{verdicts:?}");
        assert!(
            verdicts.traces.iter().all(|(_, trace, learned)| trace.sample && !learned)
                && verdicts.traces.len() == 1
        );
    }

    #[test]
    fn a_miss_says_what_was_missing() {
        let verdicts = judge(asks("ferry AND shipwreck"), FERRY, FOLLOWED);
        assert_eq!(verdicts.matches.len(), 1);
        let verdicts = judge(asks("ferry AND (shipwreck OR storm)"), FERRY, None);
        let missing: Vec<_> = verdicts.misses.iter().map(|miss| miss.missing.as_str()).collect();
        assert!(missing.is_empty() || missing == ["the query asks for shipwreck OR storm"], "{missing:?}");
        let verdicts = judge(asks("shipwreck OR (ferry budget)"), FERRY, None);
        assert!(verdicts.matches.is_empty());
    }

    #[test]
    fn a_wrong_query_is_told_and_left_out() {
        let rules = Rules { topics: vec![asks("(ferry")], ..Rules::default() };
        let (_, warnings) = Topics::compile(&rules);
        assert_eq!(warnings, ["topic t: query left out: 1:7: the query ends here, expected )"]);
    }
}
