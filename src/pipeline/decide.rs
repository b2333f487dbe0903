//! What becomes of one article: verdict, story, matches, alerts. Looks things up, changes nothing.

use std::{cell::OnceCell, mem};

use super::{
    dedupe::{self, Judgement, Probe, Relation},
    entity,
    fingerprint::{self, Fingerprint},
    identity::{self, Identified, Keys},
    kin,
    outcome::Case,
    quote,
    record::{Known, Report},
    state::State,
    story::{self, Assignment, Vector, Weights, terms::Features},
    text::{self, Words},
    topic::{Doc, Memory, Miss, Traced, Verdicts},
    view::{Locator, ViewError},
    withdraw,
};
use crate::article::{
    Alert, Article, ArticleHead, ArticleId, Change, Decision, Entity, Id, LEAD_CHARS, Match, Quote, Rejected,
    Standing, TextFrom, Verdict,
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

/// Where an article stands among those that are known.
struct Placed {
    id: ArticleId,
    verdict: Verdict,
    of: Option<String>,
    of_id: Option<Id>,
    /// Of an update whose text is now another outlet's: the original.
    copy_of: Option<Id>,
    similarity: Option<f32>,
    change: Option<Change>,
    /// Of an update whose text was a teaser, and is its page's now.
    full_text: bool,
    /// Of an update or repeat: the known report. Of a copy: the original.
    other: Option<Report>,
    judgement: Option<Judgement>,
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
        article: head(article, article_id, article.language.clone()),
        verdict: Verdict::Seen,
        reason: None,
        of: Some(name_of(id, report)),
        of_id: Some(id),
        copy_of: None,
        similarity: Some(1.0),
        change: None,
        story: Some(report.story),
        fits_too: Vec::new(),
        tagger: None,
        entities: Vec::new(),
        quotes: Vec::new(),
        matches: Vec::new(),
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
        article: ArticleHead {
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
        verdict: Verdict::Rejected,
        reason: Some(rejected.reason.clone()),
        of: None,
        of_id: None,
        copy_of: None,
        similarity: None,
        change: None,
        story: None,
        fits_too: Vec::new(),
        tagger: None,
        entities: Vec::new(),
        quotes: Vec::new(),
        matches: Vec::new(),
    }
}

/// Decides one article. The decision takes the names and quotes out of the analysis.
pub(crate) fn decide(
    state: &State,
    known: Known<'_>,
    article: &Article,
    analysis: &mut Analysis,
) -> Result<Decided, ViewError> {
    if article.standing == Standing::Withdrawn {
        return withdraw::decide(state, known, article, analysis);
    }
    let placed = place(state, known, article, analysis)?;
    let mut decided = Decided {
        decision: Decision {
            article: head(article, placed.id, analysis.language.clone()),
            verdict: placed.verdict,
            reason: placed.full_text.then(|| FULL_TEXT.to_owned()),
            of: placed.of,
            of_id: placed.of_id,
            copy_of: placed.copy_of,
            similarity: placed.similarity.map(rounded),
            change: placed.change,
            story: None,
            fits_too: Vec::new(),
            tagger: None,
            entities: Vec::new(),
            quotes: Vec::new(),
            matches: Vec::new(),
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
    let assignment = state.stories.assign(&vector, time, dated);
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
    let told = arrival.tell(state, &mut decided.decision)?;
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
    pub(crate) fn tell(&self, state: &State, decision: &mut Decision) -> Result<Told, ViewError> {
        let Self { known, article, analysis, assignment, joined, other } = *self;
        let mut told = Told::default();
        let Some(story) = decision.story else { return Ok(told) };
        let doc = doc(article, analysis);
        let memory = Memory {
            followed_beside: state.followed(&decision.fits_too),
            ..state.memory(Some(story), joined, None)
        };
        let verdicts = state.topics.judge(&doc, assignment, &state.stories, &memory);
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
    article: &Article,
    analysis: &Analysis,
    story: Option<Id>,
    seq: u64,
) -> (Verdicts, Assignment) {
    let (time, dated) = event_time(article);
    let assignment = state.stories.assign(&state.stories.weigh(&analysis.features), time, dated);
    let memory = state.memory(story, story, Some(seq));
    (state.topics.judge(&doc(article, analysis), &assignment, &state.stories, &memory), assignment)
}

/// Three digits are all that a reader can use.
fn rounded(share: f32) -> f32 {
    (share * 1000.0).round() / 1000.0
}

/// Finds out which report this is, and whose copy.
fn place(
    state: &State,
    known: Known<'_>,
    article: &Article,
    analysis: &Analysis,
) -> Result<Placed, ViewError> {
    let (mut change, mut full_text) = (None, false);
    let mut share = |report: &Report| {
        let text_at = text_of(state, report);
        let last = known.article(text_at.unwrap_or(report.at))?;
        full_text = article.text_from == TextFrom::Page && last.text_from == TextFrom::Source;
        let titles_meet = titles_meet(&analysis.title, &text::words(&last.title));
        if text_at.is_none() {
            return Ok((None, titles_meet));
        }
        let last_words = text::words(&last.text);
        let part = dedupe::compare(&analysis.words, &last_words).span;
        change = Some(dedupe::change((&last.text, &last_words), (&article.text, &analysis.words)));
        Ok((Some(part), titles_meet))
    };
    match identity::identify(&analysis.keys, known, &mut share)? {
        Identified::Seen(id, report) => Ok(Placed {
            id: ArticleId { report: id, revision: report.revision },
            verdict: Verdict::Seen,
            of: Some(name_of(id, &report)),
            of_id: Some(id),
            copy_of: None,
            similarity: Some(1.0),
            change: None,
            full_text: false,
            other: Some(report),
            judgement: None,
        }),
        Identified::Changed(id, report, part) => {
            let change = change.filter(|_| !full_text);
            let copied = copied(state, known, article, analysis, (id, &report))?;
            let (copy_of, judgement) = copied.map_or((None, None), |(of, judgement)| (of, Some(judgement)));
            Ok(Placed { copy_of, change, full_text, ..update(id, report, part, judgement) })
        }
        Identified::Reprint(id, report) => copy(known, analysis, id, report, 1.0, None),
        Identified::Unknown => judged(state, known, article, analysis),
    }
}

/// The article as dedupe sees it.
pub(crate) fn probe(analysis: &Analysis, time: i64, besides: Option<Id>) -> Probe<'_> {
    let Analysis { keys, fingerprint, words, .. } = analysis;
    Probe { site: keys.site, time, fingerprint, words, besides }
}

/// What dedupe would say of a known article if it came now, itself left aside.
pub(crate) fn judge_again(
    state: &State,
    known: Known<'_>,
    id: Id,
    article: &Article,
    analysis: &Analysis,
) -> Result<Judgement, ViewError> {
    let (time, _) = event_time(article);
    compared(state, known, &probe(analysis, time, Some(id)))
}

/// A report grows by this much where a teaser became a text: whose text it is may be seen only now.
const GREW_PERCENT: u64 = 130;

/// Whether a report that has counted as its outlet's own turns out to be a copy, now that there is more of its text.
fn copied(
    state: &State,
    known: Known<'_>,
    article: &Article,
    analysis: &Analysis,
    (id, report): (Id, &Report),
) -> Result<Option<(Option<Id>, Judgement)>, ViewError> {
    let words = u64::from(analysis.fingerprint.words);
    if report.root.is_some() || words * 100 <= u64::from(report.words) * GREW_PERCENT {
        return Ok(None);
    }
    let judgement = judge_again(state, known, id, article, analysis)?;
    let of = match judgement.relation {
        Relation::Copy { root, .. } if root != id => Some(root),
        _ => None,
    };
    Ok(Some((of, judgement)))
}

/// Compares the text with those of the window.
fn judged(
    state: &State,
    known: Known<'_>,
    article: &Article,
    analysis: &Analysis,
) -> Result<Placed, ViewError> {
    let (time, _) = event_time(article);
    let judgement = compared(state, known, &probe(analysis, time, None))?;
    let part = judgement.similarity;
    match judgement.relation {
        Relation::Copy { report, .. } => {
            if let Some(record) = known.report(report)? {
                return copy(known, analysis, report, record, part, Some(judgement));
            }
        }
        Relation::Update { report, .. } => {
            if let Some(record) = known.report(report)? {
                let last = known.article(text_of(state, &record).unwrap_or(record.at))?;
                let words = text::words(&last.text);
                let change = Some(dedupe::change((&last.text, &words), (&article.text, &analysis.words)));
                return Ok(Placed { change, ..update(report, record, Some(part), Some(judgement)) });
            }
        }
        Relation::None => {}
    }
    Ok(Placed {
        id: ArticleId { report: free_id(known, &analysis.keys)?, revision: 1 },
        verdict: Verdict::New,
        of: None,
        of_id: None,
        copy_of: None,
        similarity: None,
        change: None,
        full_text: false,
        other: None,
        judgement: Some(judgement),
    })
}

fn compared(state: &State, known: Known<'_>, probe: &Probe<'_>) -> Result<Judgement, ViewError> {
    let mut failed = None;
    let mut text_of = |seq: u64| {
        let at = state.window.get(&seq)?.at;
        known.article(at).map(|article| text::words(&article.text)).map_err(|fault| failed = Some(fault)).ok()
    };
    let judgement = dedupe::judge(&state.index, probe, &mut text_of);
    failed.map_or(Ok(judgement), Err)
}

fn update(id: Id, report: Report, part: Option<f32>, judgement: Option<Judgement>) -> Placed {
    Placed {
        id: ArticleId { report: id, revision: report.revision.saturating_add(1) },
        verdict: Verdict::Update,
        of: Some(name_of(id, &report)),
        of_id: Some(id),
        copy_of: None,
        similarity: part,
        change: None,
        full_text: false,
        other: Some(report),
        judgement,
    }
}

/// Where the text of a report's newest revision stands. Texts of the window alone are asked for: beyond it they may have
/// expired, and no decision is to depend on when.
pub(super) fn text_of(state: &State, report: &Report) -> Option<Locator> {
    state.window.get(&report.seq).map(|kept| kept.at)
}

/// A copy of `report`, attached to the original of its group.
fn copy(
    known: Known<'_>,
    analysis: &Analysis,
    id: Id,
    report: Report,
    part: f32,
    judgement: Option<Judgement>,
) -> Result<Placed, ViewError> {
    let root = report.root.unwrap_or(id);
    let original = if root == id { report } else { known.report(root)?.unwrap_or(report) };
    Ok(Placed {
        id: ArticleId { report: free_id(known, &analysis.keys)?, revision: 1 },
        verdict: Verdict::Copy,
        of: Some(name_of(root, &original)),
        of_id: Some(root),
        copy_of: None,
        similarity: Some(part),
        change: None,
        full_text: false,
        other: Some(Report { root: Some(root), ..original }),
        judgement,
    })
}

fn free_id(known: Known<'_>, keys: &Keys) -> Result<Id, ViewError> {
    let id = identity::report_id(keys);
    Ok(if known.report(id)?.is_some() { identity::other_report_id(keys) } else { id })
}

/// Whether at least half of the shorter title's words stand in the other.
fn titles_meet(a: &Words, b: &Words) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let shared = short.hashes().iter().filter(|hash| long.hashes().contains(hash)).count();
    shared * 2 >= short.len() && shared > 0
}

fn name_of(id: Id, report: &Report) -> String {
    report.input_id.clone().unwrap_or_else(|| id.to_string())
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
