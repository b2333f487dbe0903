//! What topics would have alerted over a journal: its articles with the verdicts and stories of their day, judged by
//! other rules. Everything is kept in memory; nothing is written.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use super::{
    PipelineError, apply,
    decide::{self, Arrival},
    notice,
    record::Known,
    recover::{self, Again, Batch, Decided, Progress},
    state::State,
    topic::Scope,
    view::{Changes, Tree},
};
use crate::{
    article::{Alert, ArticleHead},
    event::Rules,
    journal::{Position, reader::Reader},
};

/// Alerts that are kept of one topic: the first ones.
const ALERTS_MAX: usize = 10_000;
/// Nearest misses that are kept of one topic.
const MISSES_MAX: usize = 10;

/// What the topics would have done.
#[derive(Debug, Default)]
pub struct Backtest {
    /// Articles that were judged.
    pub articles: u64,
    /// Articles that could not be judged, because their texts have expired.
    pub without_text: u64,
    /// Days of the first and the last of those that were.
    pub span: Option<(Date, Date)>,
    /// One entry a topic, in the order of the rules.
    pub topics: Vec<Tried>,
}

/// What one topic would have done.
#[derive(Debug, Default)]
pub struct Tried {
    /// Its name.
    pub topic: String,
    /// What it would have alerted, in order.
    pub alerts: Vec<Alert>,
    /// How many alerts that are, also beyond those that are kept.
    pub alerted: u64,
    /// Alerts by day (UTC).
    pub days: BTreeMap<Date, u64>,
    /// Matches that would not have been told, by reason.
    pub suppressed: BTreeMap<String, u64>,
    /// Articles that came near, the nearest first.
    pub misses: Vec<NearMiss>,
}

/// An article that came near.
#[derive(Debug)]
pub struct NearMiss {
    /// Which.
    pub article: ArticleHead,
    /// 0 to 1.
    pub score: f32,
    /// What spoke for it.
    pub evidence: Vec<String>,
    /// What was missing or forbade it.
    pub missing: String,
}

/// Judges every article of the journal by these rules.
///
/// # Errors
/// When the journal cannot be read.
pub fn backtest(journal: &Reader, rules: Rules, progress: Progress<'_>) -> Result<Backtest, PipelineError> {
    let mut backtest = Backtest::default();
    let names = rules.topics.iter().map(|rule| rule.name.clone());
    backtest.topics = names.map(|topic| Tried { topic, ..Tried::default() }).collect();
    let mut state = State::new();
    state.set_rules(rules, &mut Changes::default());
    let mut memory = Again::new(journal);
    let total = journal.bytes();
    let mut scan = journal.scan(Position::default())?;
    while let Some((mut batch, _, end)) = recover::next_batch(&mut scan)? {
        let before = batch.articles.len();
        batch.articles.retain(|decided| decided.marks.is_none());
        backtest.without_text += (before - batch.articles.len()) as u64;
        let changes = judge_batch(&mut state, &memory, batch, &mut backtest)?;
        memory.apply(&changes);
        progress(total.saturating_sub(recover::bytes_from(journal.days(), end)), total);
    }
    Ok(backtest)
}

fn judge_batch(
    state: &mut State,
    memory: &Again<'_>,
    mut batch: Batch,
    backtest: &mut Backtest,
) -> Result<Changes, PipelineError> {
    let mut changes = Changes::default();
    let analyses = recover::analyses(&batch);
    for (decided, analysis) in batch.articles.iter_mut().zip(analyses) {
        // What is told before an article stands before it: every other number is for that.
        let (now, at, seq) = (decided.article.seen_at, decided.at, decided.seq * 2);
        let digests = notice::digests(state, now);
        if !digests.is_empty() {
            apply::notice(state, &mut changes, (seq - 1, at), now, &digests);
            backtest.note_alerts(now, &digests);
        }
        let known = Known { view: memory, changes: &changes };
        decided.decision.matches.clear();
        let (time, dated) = decide::event_time(&decided.article);
        let weighed = decided.vector(&analysis);
        let vector = weighed.unwrap_or_else(|| state.stories.weigh(&analysis.features));
        let Decided { article, decision, .. } = decided;
        let assignment = state.stories.assign(&vector, time, dated, &|seq| known.member(seq))?;
        let joined = decision.story.filter(|story| state.stories.summary(*story).reports > 0);
        let other = decision.of_id.map(|of| known.report(of)).transpose()?.flatten();
        let (other, analysis) = (other.as_ref(), &analysis);
        let arrival = Arrival { known, article, analysis, assignment: &assignment, joined, other };
        let told = arrival.tell(state, decision, Scope::NearMisses)?;
        backtest.note(decided, &told);
        (decided.alerts, decided.traces) = (told.alerts, told.traces);
        let placed = apply::Placed { seq, ..decided.placed(Some(&vector)) };
        apply::apply(state, memory, &mut changes, &placed, analysis)?;
    }
    // Nobody asks which report an article is: the journal says so.
    changes.forget(Tree::Identities);
    changes.forget(Tree::Alerts);
    Ok(changes)
}

impl Backtest {
    fn note(&mut self, decided: &Decided, told: &decide::Told) {
        let day = decided.article.seen_at.to_zoned(jiff::tz::TimeZone::UTC).date();
        self.articles += 1;
        self.span = Some(self.span.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
        self.note_alerts(decided.article.seen_at, &told.alerts);
        for found in &decided.decision.matches {
            let Some(reason) = found.outcome.strip_prefix("suppressed:") else { continue };
            if let Some(tried) = self.topics.iter_mut().find(|tried| tried.topic == found.topic) {
                *tried.suppressed.entry(reason.to_owned()).or_default() += 1;
            }
        }
        for miss in &told.misses {
            let Some(tried) = self.topics.get_mut(miss.topic) else { continue };
            let place = tried.misses.partition_point(|other| other.score >= miss.score);
            if place < MISSES_MAX {
                tried.misses.truncate(MISSES_MAX - 1);
                tried.misses.insert(
                    place,
                    NearMiss {
                        article: decided.decision.article.clone(),
                        score: miss.score,
                        evidence: miss.evidence.clone(),
                        missing: miss.missing.clone(),
                    },
                );
            }
        }
    }

    fn note_alerts(&mut self, at: Timestamp, alerts: &[Alert]) {
        let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        for alert in alerts {
            let Some(tried) = self.topics.iter_mut().find(|tried| tried.topic == alert.topic) else {
                continue;
            };
            tried.alerted += 1;
            *tried.days.entry(day).or_default() += 1;
            if tried.alerts.len() < ALERTS_MAX {
                tried.alerts.push(alert.clone());
            }
        }
    }
}
