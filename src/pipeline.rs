//! Event in: decide, apply, commit, deliver. One plain thread owns all state; what is below it is pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

pub mod address;
pub mod adopt;
mod apply;
pub mod backtest;
mod batch;
mod bearers;
mod decide;
pub mod dedupe;
mod desk;
mod drawers;
pub mod entity;
mod expire;
mod explain;
pub mod fingerprint;
mod grouped;
pub mod held;
mod identity;
pub mod kept;
mod kin;
pub mod memory;
mod notice;
pub mod novel;
mod outbox;
mod outcome;
mod pace;
mod place;
mod quarantine;
pub mod quote;
mod record;
mod recover;
mod rekeyed;
pub(crate) mod roll;
mod state;
pub mod story;
mod tell;
pub mod text;
pub mod topic;
pub mod view;
mod withdraw;

use self::{
    batch::{ANALYSED_AT_ONCE, analyse_all, gather},
    decide::Analysis,
    expire::Expiry,
    outbox::Outbox,
    record::{Known, encode},
    state::State,
    story::Weights,
    tell::Watch,
    topic::Scope,
    view::{Changes, Tree, ViewError},
};
pub use self::{
    expire::OldestDay,
    recover::{Progress, Redecided, decide_again},
};
use crate::{
    alert::{Post, Posted},
    article::{Alert, Article, Checkpoint, Delivery, Found, Rejected, Verdict},
    event::{Ask, Event, Question, Report, Rules},
    failpoint,
    journal::{Commit, Journal, JournalError, LineRef},
    pulse::Pulse,
    store::{Store, StoreError, known::Known as Stored},
};

/// Version of what is kept of an article's analysis (tokeniser, sketch, features); an index of an older one is built
/// again.
pub const ANALYSIS: u32 = 4;

/// The pipeline cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The journal fails for good.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The index fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A look-up fails.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A value cannot be written as JSON.
    #[error("could not write a decision as JSON")]
    Json(#[from] serde_json::Error),
}

/// The one owner of state, journal, index and outbox.
pub struct Pipeline {
    state: State,
    journal: Journal,
    store: Store,
    outbox: Outbox,
    /// Of the batch that is gathered.
    changes: Changes,
    checkpoints: BTreeMap<String, Checkpoint>,
    articles: u32,
    /// Lines were appended to the journal since the last commit.
    lines: bool,
    /// Repeats since the start of the process.
    seen: u64,
    /// As the last event said.
    now: Timestamp,
    pulse: Pulse,
    /// The time that a stop has is nearly over.
    hurry: CancellationToken,
    report: watch::Sender<Report>,
    expiry: Expiry,
    oldest: OldestDay,
    /// Where alerts that are committed are heard of, beside the log.
    post: Option<broadcast::Sender<Arc<Post>>>,
    /// Of the batch that is gathered.
    unposted: Vec<Alert>,
    watch: Watch,
    /// Feeds of which it was told that their items are known by their texts alone; no more than there are feeds.
    rekeyed: BTreeSet<u64>,
}

impl Pipeline {
    /// Serves events until it is told to close or every sender is gone, then commits what is left. Once `hurry` is
    /// cancelled it takes in nothing more: what waited then was not acknowledged, and comes again.
    ///
    /// # Errors
    /// When journal or index fail for good.
    pub fn run(
        mut self,
        mut events: mpsc::Receiver<Event>,
        pulse: Pulse,
        hurry: CancellationToken,
    ) -> Result<(), PipelineError> {
        self.pulse = pulse;
        self.hurry = hurry;
        let mut next = None;
        while let Some(event) = next.take().or_else(|| events.blocking_recv()) {
            failpoint::pass("pipeline");
            match event {
                Event::Batch(_) if self.hurry.is_cancelled() => {}
                Event::Batch(first) => {
                    let (deliveries, other) = gather(first, &mut events);
                    next = other;
                    self.take(deliveries)?;
                }
                Event::Rules(rules) => self.set_rules(*rules)?,
                Event::Tick(now) => self.tick(now)?,
                Event::Reopen => self.outbox.reopen(),
                Event::Close => events.close(),
                Event::Ask(Ask { question: Question::Test(topic), answer }) => {
                    answer.send(self.test(&topic)?).ok();
                }
                Event::Ask(Ask { question, answer }) => {
                    // Whoever asked may have gone.
                    answer.send(self.answer(question)).ok();
                }
            }
            self.pulse.beat();
        }
        self.close()
    }

    /// Decides and commits what some sources delivered, then writes its alerts and answers the receipts.
    ///
    /// # Errors
    /// When journal or index fail for good.
    pub fn take(&mut self, deliveries: Vec<Delivery>) -> Result<(), PipelineError> {
        let Some(at) = deliveries.iter().map(|delivery| delivery.at).max() else { return Ok(()) };
        self.now = at;
        let mut receipts = Vec::new();
        let mut wanted = false;
        let mut found = Vec::new();
        for delivery in deliveries {
            for checkpoint in delivery.checkpoints {
                self.checkpoints.insert(checkpoint.key.clone(), checkpoint);
            }
            wanted |= delivery.receipt.is_some();
            receipts.push((delivery.receipt, delivery.found.len()));
            let mut of_delivery = delivery.found;
            let stored = Stored { store: &self.store, journal: &self.journal };
            let known = Known { view: &stored, changes: &self.changes };
            if let Some(rekeyed) = rekeyed::mark(&mut of_delivery, known)? {
                tell::rekeyed(&mut self.rekeyed, rekeyed);
            }
            found.append(&mut of_delivery);
        }
        if !found.is_empty() {
            self.watch.found = Some(at);
        }
        let decisions = self.decide_all(at, &found, wanted)?;
        if self.lines {
            self.commit(at)?;
        }
        self.deliver();
        failpoint::pass("log-written");
        let mut decisions = decisions.into_iter();
        for (receipt, count) in receipts {
            let own = decisions.by_ref().take(count).collect();
            if let Some(receipt) = receipt {
                // Whoever waited may have gone; the decisions are durable all the same.
                receipt.send(own).ok();
            }
        }
        Ok(())
    }

    /// The decisions' JSON in order; empty strings for repeats where nobody wants them.
    fn decide_all(
        &mut self,
        at: Timestamp,
        found: &[Found],
        wanted: bool,
    ) -> Result<Vec<String>, PipelineError> {
        let fresh = self.fresh(found)?;
        let admitted: Vec<_> = fresh.iter().map(|fresh| fresh.map(quarantine::admit)).collect();
        let sound = fresh.iter().zip(&admitted);
        let sound: Vec<_> = sound
            .filter_map(|(fresh, admitted)| Some(((*fresh)?, admitted.as_ref()?.as_ref().ok()?)))
            .collect();
        if !sound.is_empty() {
            quarantine::load_models(&self.state.names);
        }
        let mut waiting = sound.chunks(ANALYSED_AT_ONCE);
        let mut analyses = Vec::new().into_iter();
        let mut decisions = Vec::with_capacity(found.len());
        for (one, admitted) in found.iter().zip(&admitted) {
            decisions.push(match (one, admitted) {
                (Found::Article(article), Some(Ok(reading))) => {
                    // The portion's own notes say what is read: this article is not to blame for another one.
                    let analysis = analyses.next().or_else(|| {
                        analyses = analyse_all(waiting.next()?, &self.state).into_iter();
                        analyses.next()
                    });
                    let _note = reading.last_note();
                    match analysis {
                        Some(analysis) => self.article(at, article, analysis)?,
                        None => self.repeat(at, article, wanted)?,
                    }
                }
                (Found::Article(_), Some(Err(rejected))) => self.rejected(at, rejected)?,
                (Found::Article(article), None) => self.repeat(at, article, wanted)?,
                (Found::Rejected(rejected), _) => self.rejected(at, rejected)?,
            });
        }
        Ok(decisions)
    }

    /// An article that was known to the letter when the batch began.
    fn repeat(&mut self, at: Timestamp, article: &Article, wanted: bool) -> Result<String, PipelineError> {
        let stored = Stored { store: &self.store, journal: &self.journal };
        let known = Known { view: &stored, changes: &self.changes };
        let Some((id, report)) = identity::known_to_the_letter(article, known)? else {
            // The batch holds a later revision of it, further ahead.
            let analysis = decide::analyse(article, &self.state.names);
            return self.article(at, article, analysis);
        };
        self.seen += 1;
        self.sight(at, id, &report)?;
        if wanted {
            Ok(serde_json::to_string(&decide::seen(article, id, &report))?)
        } else {
            Ok(String::new())
        }
    }

    /// The articles that are not known to the letter already.
    fn fresh<'a>(&mut self, found: &'a [Found]) -> Result<Vec<Option<&'a Article>>, PipelineError> {
        let stored = Stored { store: &self.store, journal: &self.journal };
        let known = Known { view: &stored, changes: &self.changes };
        let mut fresh = Vec::with_capacity(found.len());
        for one in found {
            fresh.push(match one {
                Found::Article(article) if identity::known_to_the_letter(article, known)?.is_none() => {
                    Some(article)
                }
                _ => None,
            });
        }
        Ok(fresh)
    }

    fn article(
        &mut self,
        at: Timestamp,
        article: &Article,
        mut analysis: Analysis,
    ) -> Result<String, PipelineError> {
        self.tell_digests(at, article.seen_at)?;
        let stored = Stored { store: &self.store, journal: &self.journal };
        let known = Known { view: &stored, changes: &self.changes };
        let decided = decide::decide(&self.state, known, article, &mut analysis, Scope::Matches)?;
        if decided.decision.verdict == Verdict::Rejected {
            return self.rejected(at, &withdraw::refused(article));
        }
        let json = serde_json::value::to_raw_value(&decided.decision)?;
        if decided.decision.verdict == Verdict::Seen {
            self.seen += 1;
            if let Some((id, report)) = decided.repeated {
                self.sight(at, id, &report)?;
            }
            return Ok(String::from(Box::<str>::from(json)));
        }
        let seq = self.state.counters.seq + 1;
        let (decision, alerts, traces) = (&decided.decision, &decided.alerts, &decided.traces);
        let weights = decided.weights.as_ref().map(Weights::write);
        let weights = weights.unwrap_or_default();
        let line = LineRef::Article { seq, article, decision: &json, alerts, traces, weights: &weights };
        let place = self.journal.append(at, &line)?;
        self.lines = true;
        self.articles += 1;
        let vector = decided.vector.as_ref();
        let placed = apply::Placed { seq, at: place, article, decision, alerts, traces, vector };
        let stored = Stored { store: &self.store, journal: &self.journal };
        apply::apply(&mut self.state, &stored, &mut self.changes, &placed, &analysis)?;
        self.push(decided.alerts, article.occasion);
        Ok(String::from(Box::<str>::from(json)))
    }

    /// A rejection is recorded once, however often its source tries.
    fn rejected(&mut self, at: Timestamp, rejected: &Rejected) -> Result<String, PipelineError> {
        let decision = decide::rejected(rejected);
        let json = serde_json::value::to_raw_value(&decision)?;
        let stored = Stored { store: &self.store, journal: &self.journal };
        let known = Known { view: &stored, changes: &self.changes };
        if known.identified(decision.article.id.report.0)?.is_none() {
            tracing::warn!(origin = %rejected.origin, place = %rejected.place, "rejected: {}", rejected.reason);
            let seq = self.state.counters.seq + 1;
            self.journal.append(at, &LineRef::Rejected { seq, rejected, decision: &json })?;
            self.lines = true;
            apply::rejected(&mut self.state, &mut self.changes, seq, &decision);
        }
        Ok(String::from(Box::<str>::from(json)))
    }

    /// From here on these rules hold; journalled where they are others than before.
    ///
    /// # Errors
    /// When journal or index fail for good.
    pub fn set_rules(&mut self, rules: Rules) -> Result<(), PipelineError> {
        if rules == self.state.rules {
            return Ok(());
        }
        let changed = adopt::changed(&self.state.rules, &rules);
        let place = self.journal.append(self.now, &LineRef::Rules(&rules))?;
        self.lines = true;
        self.changes.put(Tree::Meta, record::RULES, encode(&place));
        self.state.set_rules(rules, &mut self.changes);
        self.look_over(changed)?;
        self.commit(self.now)
    }

    /// Has topics look over the stories that go on; what they find is journalled, and not told.
    fn look_over(&mut self, topics: Vec<String>) -> Result<(), PipelineError> {
        if topics.is_empty() || self.state.window.is_empty() {
            return Ok(());
        }
        let stored = Stored { store: &self.store, journal: &self.journal };
        let adoption = adopt::look_over(&self.state, &stored, topics, &mut || self.pulse.beat())?;
        for topic in &adoption.topics {
            let stories = adoption.stories.iter().filter(|(_, traced)| traced.topic == *topic).count();
            tracing::info!(
                topic,
                stories,
                "the topic looked over what is stored and follows what it is sure of"
            );
        }
        self.journal.append(self.now, &LineRef::Adopted(&adoption))?;
        adopt::adopt(&mut self.state, &mut self.changes, &adoption);
        Ok(())
    }

    /// The rules in force.
    pub fn rules(&self) -> &Rules {
        &self.state.rules
    }

    /// Rules for questions alone: they are neither journalled nor kept.
    pub fn suppose_rules(&mut self, rules: Rules) {
        self.state.set_rules(rules, &mut Changes::default());
    }

    /// Articles in the window.
    pub fn articles(&self) -> usize {
        self.state.window.len()
    }

    /// Writes to the log what is committed; the next commit remembers how far it came.
    fn deliver(&mut self) {
        let before = self.outbox.told();
        failpoint::pass("log-write");
        self.outbox.deliver(&self.journal, &self.store);
        let fault = self.outbox.fault();
        self.report.send_if_modified(|report| {
            let changed = report.waits.as_deref() != fault;
            if changed {
                report.waits = fault.map(ToOwned::to_owned);
            }
            changed
        });
        apply::told(&mut self.changes, before, self.outbox.told());
    }

    /// Makes the gathered batch durable. A full disk is waited for; every other failure is for good.
    fn commit(&mut self, at: Timestamp) -> Result<(), PipelineError> {
        self.state.counters.batch += 1;
        self.changes.put(Tree::Meta, record::COUNTERS, encode(&self.state.counters));
        let checkpoints: Vec<_> = std::mem::take(&mut self.checkpoints).into_values().collect();
        apply::checkpoints(&mut self.changes, &checkpoints);
        let commit = Commit {
            batch: self.state.counters.batch,
            articles: self.articles,
            seq: self.state.counters.seq,
            alert_seq: self.state.counters.alert_seq,
            told: self.outbox.told(),
            checkpoints,
            ..Commit::default()
        };
        let Self { journal, store, changes, pulse, hurry, report, .. } = self;
        let from = journal.end();
        let wait = outbox::Wait { pulse, hurry, report };
        failpoint::pass("journal-commit");
        let position = outbox::patiently("commit to the journal", wait, || journal.commit(at, &commit))?;
        failpoint::pass("journal-synced");
        outbox::patiently("write the index", wait, || store.commit(changes, position))?;
        failpoint::pass("index-written");
        self.changes = Changes::default();
        let (articles, alerts) = (u64::from(self.articles), self.unposted.len() as u64);
        self.report.send_modify(|report| {
            report.articles += articles;
            report.alerts += alerts;
            report.last_alert = if alerts > 0 { Some(at) } else { report.last_alert };
        });
        self.articles = 0;
        self.lines = false;
        self.oldest_day();
        let unposted = std::mem::take(&mut self.unposted);
        if let Some(post) = &self.post {
            for alert in unposted {
                // Where nobody listens, nobody needs to hear.
                post.send(Arc::new(Post::Alert(Box::new(Posted { alert, from })))).ok();
            }
        }
        Ok(())
    }

    /// Commits checkpoints that came alone, and tries again what the alert log refused.
    ///
    /// # Errors
    /// When journal or index fail for good.
    pub fn tick(&mut self, now: Timestamp) -> Result<(), PipelineError> {
        self.now = now;
        self.expire(now)?;
        self.tell_digests(now, now)?;
        self.tell_silences(now)?;
        self.finish(now)
    }

    /// Commits what is left.
    fn finish(&mut self, now: Timestamp) -> Result<(), PipelineError> {
        if self.lines || !self.checkpoints.is_empty() {
            self.commit(now)?;
        }
        self.deliver();
        Ok(())
    }

    /// Commits what is left and closes the index.
    ///
    /// # Errors
    /// When journal or index fail for good.
    pub fn close(mut self) -> Result<(), PipelineError> {
        self.finish(self.now)?;
        self.store.close()?;
        Ok(())
    }

    /// What the sources last said of how far they came: key and state as JSON, in the order of the keys.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn each_checkpoint(&self, mut each: impl FnMut(&str, &[u8])) -> Result<(), PipelineError> {
        let stored = Stored { store: &self.store, journal: &self.journal };
        state::each_row(&stored, Tree::Checkpoints, |key, state| {
            if let Ok(key) = std::str::from_utf8(key) {
                each(key, state);
            }
            Ok(())
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
