//! Alerts on their way out of the pipeline, and those that it tells by the clock or because the user asked.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

use super::{Pipeline, PipelineError, apply, desk, notice, rekeyed::Rekeyed};
use crate::{
    alert::Post,
    article::{Alert, Occasion},
    event::Report,
    journal::{LineRef, Position},
};

/// Since when news is watched: what is not seen because nobody looks is no silence.
#[derive(Debug, Default)]
pub(super) struct Watch {
    since: Option<Timestamp>,
    /// The last tick.
    last: Option<Timestamp>,
    /// When something was last found.
    pub(super) found: Option<Timestamp>,
    /// When silences were last looked for.
    looked: Option<Timestamp>,
}

/// Between two looks for silences.
const SILENCE_LOOK_SECS: i64 = 60;

/// Ticks further apart than this were missed: the machine slept.
const TICKS_MISSED_SECS: i64 = 300;

/// Where nothing was found for so long, the fault may be on our side: nothing is called silent.
const ALIVE_SECS: i64 = 3600;

/// A feed's known items came in another form: told in the log alone. Items that are known by their texts stay so at every
/// fetch, and are told of once.
pub(super) fn rekeyed(told: &mut BTreeSet<u64>, rekeyed: Rekeyed) {
    let Rekeyed { feed, items, by_text } = rekeyed;
    if !by_text {
        tracing::warn!(
            feed,
            items,
            "the feed gives nearly all its known items in another form: none of them is told again"
        );
    } else if told.insert(desk::feed_key(&feed)) {
        tracing::warn!(
            feed,
            items,
            "the feed gives nearly all its items under other ids and addresses: they are known by their texts, and none \
             of them is told again"
        );
    }
}

impl Pipeline {
    /// Alerts on their way: to the log, and to whoever listens once they are committed.
    pub(super) fn push(&mut self, alerts: Vec<Alert>, occasion: Occasion) {
        if self.post.is_some() && occasion != Occasion::Replay {
            self.unposted.extend(alerts.iter().cloned());
        }
        self.outbox.push(alerts);
    }

    /// Alerts are posted here from now on, each once its commit is durable.
    pub fn post_to(&mut self, post: broadcast::Sender<Arc<Post>>) {
        self.post = Some(post);
    }

    /// How it gets on, from now on.
    pub fn report(&self) -> watch::Receiver<Report> {
        self.report.subscribe()
    }

    /// The last alert so far, and where the journal ends.
    pub fn alerts_end(&self) -> (u64, Position) {
        (self.state.counters.alert_seq, self.journal.end())
    }

    /// Journals and applies alerts that are about no single article.
    pub(super) fn notice(
        &mut self,
        at: Timestamp,
        time: Timestamp,
        alerts: Vec<Alert>,
    ) -> Result<(), PipelineError> {
        if alerts.is_empty() {
            return Ok(());
        }
        let seq = self.state.counters.seq + 1;
        let place = self.journal.append(at, &LineRef::Notice { seq, at: time, alerts: &alerts })?;
        self.lines = true;
        apply::notice(&mut self.state, &mut self.changes, (seq, place), time, &alerts);
        self.push(alerts, Occasion::Live);
        Ok(())
    }

    /// Tells what waits and is due by `now`, before what comes after it is decided.
    pub(super) fn tell_digests(&mut self, at: Timestamp, now: Timestamp) -> Result<(), PipelineError> {
        let digests = notice::digests(&self.state, now);
        self.notice(at, now, digests)
    }

    /// Tells what is silent.
    pub(super) fn tell_silences(&mut self, now: Timestamp) -> Result<(), PipelineError> {
        let Watch { since, last, found, looked } = &mut self.watch;
        let secs_since = |then: &Option<Timestamp>| then.map(|then| now.as_second() - then.as_second());
        if secs_since(last).is_none_or(|secs| secs > TICKS_MISSED_SECS) {
            *since = Some(now);
        }
        *last = Some(now);
        if secs_since(looked).is_some_and(|secs| secs < SILENCE_LOOK_SECS)
            || secs_since(found).is_none_or(|secs| secs > ALIVE_SECS)
        {
            return Ok(());
        }
        *looked = Some(now);
        let Some(since) = *since else { return Ok(()) };
        let silences = notice::silences(&self.state, now, since);
        self.notice(now, now, silences)
    }

    /// Tells a test alert of a topic, and says under which number.
    pub(super) fn test(&mut self, topic: &str) -> Result<Value, PipelineError> {
        if !self.state.rules.topics.iter().any(|rule| rule.name == topic) {
            return Ok(json!({ "error": format!("the daemon has no topic \"{topic}\"") }));
        }
        let test = notice::test(&self.state, topic, self.now);
        self.notice(self.now, self.now, test)?;
        self.commit(self.now)?;
        self.deliver();
        Ok(json!({ "seq": self.state.counters.alert_seq, "in_log": self.outbox.told() }))
    }
}
