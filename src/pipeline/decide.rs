//! What becomes of one article: verdict, story, matches, alerts. Looks things up, changes nothing.

use std::{cell::OnceCell, mem};

use super::{
    dedupe::Judgement,
    entity,
    fingerprint::{self, Fingerprint},
    identity::{self, Keys},
    kin,
    outcome::Case,
    place::{name_of, place},
    quote,
    record::{Known, Report},
    state::State,
    story::{self, Assignment, Vector, Weights, terms::Features},
    text::{self, Words},
    topic::{Doc, Memory, Miss, Scope, Traced, Verdicts},
    view::ViewError,
    withdraw,
};
use crate::article::{
    Alert, Article, ArticleHead, ArticleId, Decision, Entity, Id, LEAD_CHARS, Match, Quote, Rejected,
    Standing, Verdict,
};

/// The reason of an update that is none of the publisher's: the page of a known item was read.
const FULL_TEXT: &str = "full text";

/// How far ahead of its arrival an article's date is believed.
const FUTURE_SECS_MAX: i64 = 3600;

/// What can be said of an article without knowing any other one.
pub(crate) struct Analysis {
    pub(crate) title: Words,
    pub(crate) words: Words,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) keys: Keys,
    pub(crate) language: Option<String>,
    pub(crate) entities: Vec<Entity>,
    pub(crate) quotes: Vec<Quote>,
    pub(crate) features: Features,
}

/// Analyses an article as it arrives.
pub(crate) fn analyse(article: &Article, names: &entity::Names) -> Analysis {
    let language = entity::language(&article.title, &article.text, article.language.as_deref());
    let (entities, quotes) = quote::read(&article.title, &article.text, language.as_deref(), names);
    analyse_again(article, language, entities, quotes)
}

/// Analyses an article whose decision is known, but for what the decision holds.
pub(crate) fn analyse_again(
    article: &Article,
    language: Option<String>,
    entities: Vec<Entity>,
    quotes: Vec<Quote>,
) -> Analysis {
    let title = text::words(&article.title);
    let words = text::words(&article.text);
    let fingerprint = fingerprint::fingerprint(&words);
    let keys = identity::keys(article, &title, &words, &fingerprint);
    let features = story::terms::features(&article.title, &article.text, language.as_deref());
    Analysis { title, words, fingerprint, keys, language, entities, quotes, features }
}

/// A decision, with what it rests on.
pub(crate) struct Decided {
    pub(crate) decision: Decision,
    pub(crate) alerts: Vec<Alert>,
    /// `None` where dedupe had no need to compare.
    pub(crate) judgement: Option<Judgement>,
    /// `None` of a repeat.
    pub(crate) assignment: Option<Assignment>,
    /// How the article's features weigh now; `None` of a repeat.
    pub(crate) weights: Option<Weights>,
    /// The features with these weights.
    pub(crate) vector: Option<Vector>,
    /// Of a repeat: the known report.
    pub(crate) repeated: Option<(Id, Report)>,
    /// Topics that came near, with what was missing.
    pub(crate) misses: Vec<Miss>,
    /// What topics remember of the story from now on.
    pub(crate) traces: Vec<Traced>,
}

/// When an article happened, unix seconds, and whether the outlet says so.
pub(crate) fn event_time(article: &Article) -> (i64, bool) {
    let seen_at = article.seen_at.as_second();
    match article.published {
        Some(published) => (published.as_second().min(seen_at.saturating_add(FUTURE_SECS_MAX)), true),
        None => (seen_at, false),
    }
}

/// The decision of a repeat.
pub(crate) fn seen(article: &Article, id: Id, report: &Report) -> Decision {
    let article_id = ArticleId { report: id, revision: report.revision };
    Decision {
        of: Some(name_of(id, report)),
        of_id: Some(id),
        similarity: Some(1.0),
        story: Some(report.story),
        ..Decision::of(head(article, article_id, article.language.clone()), Verdict::Seen)
    }
}

/// The decision of what is no article.
pub(crate) fn rejected(rejected: &Rejected) -> Decision {
    let id = Id::of(&[
        b"rejected",
        rejected.origin.as_bytes(),
        rejected.place.as_bytes(),
        rejected.reason.as_bytes(),
    ]);
    Decision {
        reason: Some(rejected.reason.clone()),
        ..Decision::of(
            ArticleHead {
                id: ArticleId { report: id, revision: 1 },
                input_id: rejected.input_id.clone(),
                source: rejected.origin.clone(),
                url: None,
                title: rejected.place.clone(),
                published: None,
                seen_at: rejected.seen_at,
                language: None,
                lead: String::new(),
            },
            Verdict::Rejected,
        )
    }
}

/// Decides one article. The decision takes the names and quotes out of the analysis.
pub(crate) fn decide(
    state: &State,
    known: Known<'_>,
    article: &Article,
    analysis: &mut Analysis,
    scope: Scope,
) -> Result<Decided, ViewError> {
    if article.standing == Standing::Withdrawn {
        return withdraw::decide(state, known, article, analysis);
    }
    let placed = place(state, known, article, analysis)?;
    let mut decided = Decided {
        decision: Decision {
            reason: placed.full_text.then(|| FULL_TEXT.to_owned()),
            of: placed.of,
            of_id: placed.of_id,
            copy_of: placed.copy_of,
            similarity: placed.similarity.map(rounded),
            change: placed.change,
            ..Decision::of(head(article, placed.id, analysis.language.clone()), placed.verdict)
        },
        alerts: Vec::new(),
        judgement: placed.judgement,
        assignment: None,
        weights: None,
        vector: None,
        repeated: None,
        misses: Vec::new(),
        traces: Vec::new(),
    };
    if placed.verdict == Verdict::Seen {
        decided.repeated = placed.other.map(|report| (placed.id.report, report));
        decided.decision.story = decided.repeated.as_ref().map(|(_, report)| report.story);
        return Ok(decided);
    }
    let (time, dated) = event_time(article);
    let weights = state.stories.weights(&analysis.features);
    let vector = Vector::weighed(&analysis.features, &weights);
    let assignment = state.stories.assign(&vector, time, dated, &|seq| known.member(seq))?;
    (decided.weights, decided.vector) = (Some(weights), Some(vector));
    let joined = placed.other.as_ref().map(|report| report.story).or(assignment.story);
    let story = joined.unwrap_or(placed.id.report);
    decided.decision.story = Some(story);
    if placed.verdict == Verdict::New {
        decided.decision.fits_too = fits_too(&assignment);
    }
    entity::resolve(&mut analysis.entities, &mut analysis.quotes, |surname| {
        let tracked = state.names.bearer(surname).map(|name| (name, true));
        let told = || Some((state.bearers.of(joined?, surname)?.to_owned(), false));
        tracked.or_else(told)
    });
    let arrival =
        Arrival { known, article, analysis, assignment: &assignment, joined, other: placed.other.as_ref() };
    let told = arrival.tell(state, &mut decided.decision, scope)?;
    (decided.alerts, decided.misses, decided.traces) = (told.alerts, told.misses, told.traces);
    decided.assignment = Some(assignment);
    decided.decision.tagger = Some(entity::tagger_of(analysis.language.as_deref()));
    decided.decision.entities = mem::take(&mut analysis.entities);
    decided.decision.quotes = mem::take(&mut analysis.quotes);
    Ok(decided)
}

/// Other stories that an article would have joined, had there not been a better one.
fn fits_too(assignment: &Assignment) -> Vec<Id> {
    let others = assignment.candidates.iter().skip(1).take(kin::TIES_MAX);
    others.filter(|other| other.score >= 0.0).map(|other| other.story).collect()
}

/// What the topics make of one article.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) alerts: Vec<Alert>,
    pub(crate) misses: Vec<Miss>,
    pub(crate) traces: Vec<Traced>,
}

/// An article that has its verdict and its story, before the topics are asked.
pub(crate) struct Arrival<'a> {
    pub(crate) known: Known<'a>,
    pub(crate) article: &'a Article,
    pub(crate) analysis: &'a Analysis,
    pub(crate) assignment: &'a Assignment,
    /// Its story, if that has members already.
    pub(crate) joined: Option<Id>,
    /// Of an update the report as it was, of a copy its original.
    pub(crate) other: Option<&'a Report>,
}

impl Arrival<'_> {
    /// Asks the topics, and adds their matches to the decision, whose story is known.
    pub(crate) fn tell(
        &self,
        state: &State,
        decision: &mut Decision,
        scope: Scope,
    ) -> Result<Told, ViewError> {
        let Self { known, article, analysis, assignment, joined, other } = *self;
        let mut told = Told::default();
        let Some(story) = decision.story else { return Ok(told) };
        let doc = doc(article, analysis);
        let memory = Memory {
            followed_beside: state.followed(&decision.fits_too),
            ..state.memory(Some(story), joined, None)
        };
        let verdicts = state.topics.judge(&doc, assignment, &state.stories, &memory, scope);
        told.misses = verdicts.misses;
        let verdict = decision.verdict;
        let copied = verdict == Verdict::Copy || decision.copy_of.is_some();
        let named = |(place, trace, learned)| {
            let topic = state.topics.name(place)?.to_owned();
            Some(Traced { topic, trace, learned: learned && !copied })
        };
        told.traces = verdicts.traces.into_iter().filter_map(named).collect();
        let full_text = decision.reason.as_deref() == Some(FULL_TEXT);
        let novel = OnceCell::new();
        let fits_too = decision.fits_too.clone();
        let case = Case {
            state,
            known,
            article,
            analysis,
            story,
            fits_too,
            verdict,
            full_text,
            copied,
            other,
            novel,
        };
        for found in verdicts.matches {
            let Some(topic) = state.topics.name(found.topic) else { continue };
            let next = |told: &Told| state.counters.alert_seq + told.alerts.len() as u64 + 1;
            let outcome = match case.told(&found, topic)? {
                Ok(telling) => {
                    told.alerts.push(telling.alert(next(&told), decision, topic, &found));
                    "alerted".to_owned()
                }
                Err(reason) => format!("suppressed:{reason}"),
            };
            if let Some((telling, surge)) = case.surge(&found, topic, decision, &outcome) {
                let alert = telling.alert(next(&told), decision, topic, &found);
                told.alerts.push(Alert { evidence: surge, ..alert });
            }
            decision.matches.push(Match {
                topic: topic.to_owned(),
                score: rounded(found.score),
                evidence: found.evidence,
                outcome,
            });
        }
        Ok(told)
    }
}

/// The article as the topics see it.
fn doc<'a>(article: &'a Article, analysis: &'a Analysis) -> Doc<'a> {
    let (time, dated) = event_time(article);
    Doc {
        title: &article.title,
        text: &article.text,
        outlet: &article.outlet,
        url: article.url.as_deref(),
        language: analysis.language.as_deref(),
        entities: &analysis.entities,
        time,
        dated,
    }
}

/// What the topics would say of a known article now, and which stories it is like.
pub(crate) fn judge_topics(
    state: &State,
    known: Known<'_>,
    article: &Article,
    analysis: &Analysis,
    story: Option<Id>,
    seq: u64,
) -> Result<(Verdicts, Assignment), ViewError> {
    let (time, dated) = event_time(article);
    let vector = state.stories.weigh(&analysis.features);
    let recall = |seq| known.member(seq);
    let assignment = state.stories.assign_besides(Some(seq), &vector, time, dated, &recall)?;
    let memory = state.memory(story, story, Some(seq));
    let doc = doc(article, analysis);
    let verdicts = state.topics.judge(&doc, &assignment, &state.stories, &memory, Scope::NearMisses);
    Ok((verdicts, assignment))
}

/// Three digits are all that a reader can use.
fn rounded(share: f32) -> f32 {
    (share * 1000.0).round() / 1000.0
}

pub(super) fn head(article: &Article, id: ArticleId, language: Option<String>) -> ArticleHead {
    ArticleHead {
        id,
        input_id: article.input_id.clone(),
        source: article.outlet.clone(),
        url: article.url.clone(),
        title: article.title.clone(),
        published: article.published,
        seen_at: article.seen_at,
        language,
        lead: article.text.chars().take(LEAD_CHARS).collect(),
    }
}
