//! Sinks beside the log: each brings the alerts that it is meant for to one place outside, in order and at least once,
//! with the alert's id as the key by which the other side knows one that comes again. How far a sink has come is a
//! checkpoint in the journal. New alerts are heard of as they are committed; what a sink misses, because it was
//! down or is slow, it reads from the journal, so that one that is stuck keeps nobody waiting and no memory.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        mpsc, watch,
    },
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Post, Posted, Retry};
use crate::{
    article::{Alert, AlertKind, Checkpoint, Delivery},
    event::Event,
    failpoint,
    journal::Position,
    pulse::Pulse,
};

pub mod atom;
mod behind;
pub mod exec;
mod keep;
pub mod mail;
pub mod ntfy;
pub mod send;
pub mod webhook;

pub use self::keep::{Beginning, Specs, keep};

/// Before the name of a sink in the key of its checkpoint.
pub const KEY_PREFIX: &str = "sink ";
/// Before name and number in the key of a dead letter.
pub const DEAD_PREFIX: &str = "dead ";

/// Alerts taken at once.
const CHUNK: usize = 256;
/// How often a checkpoint is handed over while alerts flow.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(250);
/// Short, since what fails now and then works again at once.
const BACK_OFF_FIRST: Duration = Duration::from_millis(25);
/// A failure is told from so many tries on, or after so long: most go by at once.
const TOLD_TRIES: u32 = 4;
const TOLD_AFTER: Duration = Duration::from_secs(2);
const BACK_OFF_MAX: Duration = Duration::from_secs(300);
/// What the other side wishes is believed up to here.
const WISH_MAX: Duration = Duration::from_secs(3600);
/// An alert that the other side refuses is tried so often before it is laid aside.
const REFUSED_TRIES: u32 = 3;
/// Letters laid aside of one sink; when there are more, it waits.
const DEAD_MAX: usize = 1000;
/// No way of delivering takes longer, whatever its own limits.
const DELIVER_MAX: Duration = Duration::from_secs(900);
/// At a stop or reload, what is being delivered is waited for so long.
const GRACE: Duration = Duration::from_secs(2);
/// Pause before a journal that cannot be read is tried again.
const UNREADABLE_PAUSE: Duration = Duration::from_secs(10);

/// A sink as it runs.
pub struct Spec {
    /// Unique.
    pub name: String,
    /// Only alerts of these topics; of all where it is empty.
    pub topics: Vec<String>,
    /// Only these kinds; all where it is empty.
    pub kinds: Vec<AlertKind>,
    /// How.
    pub way: Way,
}

/// How alerts leave the house.
pub enum Way {
    /// POST, signed.
    Webhook(webhook::Webhook),
    /// To an ntfy server.
    Ntfy(ntfy::Ntfy),
    /// By SMTP.
    Mail(Box<mail::Mail>),
    /// A program.
    Exec(exec::Exec),
    /// Files for feed readers.
    Atom(atom::Atom),
}

/// Why an alert could not be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The other side is not to be had: the same alert is tried again until it is.
    Later {
        /// Lower-case fragment, without secrets.
        why: String,
        /// The other side's own wish.
        after: Option<Duration>,
    },
    /// The other side does not want this one: after some tries it is laid aside.
    Refused(String),
}

impl Failure {
    fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None }
    }

    fn why(&self) -> &str {
        match self {
            Self::Later { why, .. } | Self::Refused(why) => why,
        }
    }
}

impl Spec {
    fn wants(&self, alert: &Alert) -> bool {
        let of_topic = self.topics.is_empty() || self.topics.contains(&alert.topic);
        of_topic
            && (self.kinds.is_empty() || self.kinds.contains(&alert.kind) || alert.kind == AlertKind::Test)
    }

    /// How many alerts leave together.
    fn at_once(&self) -> usize {
        match &self.way {
            Way::Webhook(_) | Way::Ntfy(_) | Way::Exec(_) => 1,
            Way::Mail(mail) => mail.at_once(),
            Way::Atom(_) => CHUNK,
        }
    }

    /// How long the first alert of several waits for the others.
    fn gathers(&self) -> Duration {
        match &self.way {
            Way::Mail(mail) => mail.gathers,
            _ => Duration::ZERO,
        }
    }

    /// Delivers some alerts together.
    async fn deliver(&self, alerts: &[&Alert], send: &send::Send) -> Result<(), Failure> {
        match &self.way {
            Way::Webhook(webhook) => webhook.deliver(alerts, Timestamp::now(), send).await,
            Way::Ntfy(ntfy) => ntfy.deliver(alerts, send).await,
            Way::Mail(mail) => mail.deliver(alerts).await,
            Way::Exec(exec) => exec.deliver(alerts).await,
            Way::Atom(atom) => atom.deliver(alerts).await,
        }
    }
}

/// How far a sink has come; its checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The last alert that needs no more thought.
    pub seq: u64,
    /// Reading the journal from here on finds the next.
    pub from: Position,
    /// Why the next one is not delivered yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// A letter that was laid aside, as its checkpoint has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dead {
    /// Why it was refused.
    pub why: String,
    /// When it was laid aside.
    pub at: Timestamp,
    /// Reading the journal from here on finds it.
    pub from: Position,
}

/// A sink at work.
struct Sink {
    spec: Arc<Spec>,
    cursor: Cursor,
    dead: usize,
    state_dir: PathBuf,
    pulse: Pulse,
    send: send::Send,
    door: mpsc::Sender<Event>,
    posts: broadcast::Receiver<Arc<Post>>,
    /// The last alert that is known to exist.
    last: u64,
    /// Checkpoints that are not handed over yet.
    due: Vec<Checkpoint>,
    handed: Instant,
    /// Whether something is being delivered.
    delivering: watch::Sender<bool>,
    stop: CancellationToken,
}

impl Sink {
    /// Delivers until `stop`, then says how far it came. What is under way by then may end, so that it need not come again.
    async fn run(mut self) -> (String, Cursor, usize) {
        let (pulse, stop, mut delivering) =
            (self.pulse.clone(), self.stop.clone(), self.delivering.subscribe());
        let end = async {
            stop.cancelled().await;
            tokio::time::timeout(GRACE, delivering.wait_for(|delivering| !delivering)).await.ok();
        };
        tokio::select! {
            () = pulse.along(self.work()) => {}
            () = end => {}
        }
        self.hand_over().await;
        (self.spec.name.clone(), self.cursor, self.dead)
    }

    async fn work(&mut self) {
        loop {
            while self.cursor.seq < self.last {
                let chunk = self.behind().await;
                self.take(chunk).await;
            }
            if !self.due.is_empty() && !self.hears_more() {
                self.hand_over().await;
            }
            let chunk = self.hear().await;
            if !chunk.is_empty() {
                self.take(chunk).await;
            }
        }
    }

    fn hears_more(&self) -> bool {
        !self.posts.is_empty()
    }

    /// Alerts as they are committed, the next ones without a gap; nothing where some were missed.
    async fn hear(&mut self) -> Vec<Posted> {
        let mut chunk: Vec<Posted> = Vec::new();
        let mut heard = self.posts.recv().await;
        loop {
            match heard.as_deref() {
                Ok(Post::Alert(posted)) => {
                    let next = self.cursor.seq + chunk.len() as u64 + 1;
                    self.last = self.last.max(posted.alert.seq);
                    if posted.alert.seq == next {
                        chunk.push(Posted::clone(posted));
                    } else if posted.alert.seq > next {
                        return chunk;
                    }
                }
                Ok(Post::Retry(retry)) => self.retry(&retry.clone()).await,
                // What was missed stands in the journal, up to what is heard next.
                Err(RecvError::Lagged(missed)) => self.last += missed,
                // The daemon stops.
                Err(RecvError::Closed) => std::future::pending().await,
            }
            if chunk.len() >= CHUNK {
                return chunk;
            }
            match self.posts.try_recv() {
                Ok(post) => heard = Ok(post),
                Err(broadcast::error::TryRecvError::Lagged(missed)) => heard = Err(RecvError::Lagged(missed)),
                Err(_) => return chunk,
            }
        }
    }

    /// The next alerts from the journal.
    async fn behind(&mut self) -> Vec<Posted> {
        let (state_dir, cursor) = (self.state_dir.clone(), self.cursor.clone());
        let read = tokio::task::spawn_blocking(move || behind::read(&state_dir, &cursor, CHUNK)).await;
        match read {
            Ok(Ok(behind::Read { found, end, last })) => {
                if found.is_empty() {
                    // Numbers that were heard of and are not there belong to nobody.
                    self.cursor.from = end;
                    self.last = last.max(self.cursor.seq);
                    self.cursor.seq = self.last;
                }
                found
            }
            Ok(Err(fault)) => {
                tracing::error!(sink = %self.spec.name, %fault, "could not read alerts back from the journal");
                tokio::time::sleep(UNREADABLE_PAUSE).await;
                Vec::new()
            }
            Err(fault) => {
                tracing::error!(sink = %self.spec.name, %fault, "reading the journal failed");
                tokio::time::sleep(UNREADABLE_PAUSE).await;
                Vec::new()
            }
        }
    }

    /// Brings some alerts on their way, in order; the cursor follows.
    async fn take(&mut self, chunk: Vec<Posted>) {
        let spec = Arc::clone(&self.spec);
        let mut wanted: Vec<&Posted> = Vec::new();
        for posted in &chunk {
            if spec.wants(&posted.alert) {
                wanted.push(posted);
                if wanted.len() >= spec.at_once() {
                    self.send(&std::mem::take(&mut wanted)).await;
                }
            } else if wanted.is_empty() {
                self.pass(posted).await;
            }
        }
        if let Some(first) = wanted.first() {
            let due = first.alert.time + jiff::SignedDuration::try_from(spec.gathers()).unwrap_or_default();
            let left = Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or_default();
            if !left.is_zero() && first.alert.kind != AlertKind::Test {
                // They are read again once the time has come, with what came meanwhile.
                self.hand_over().await;
                self.idle(left).await;
                return;
            }
            self.send(&wanted).await;
        }
        if let Some(last) = chunk.last() {
            self.pass(last).await;
        }
    }

    /// The alert needs no more thought.
    async fn pass(&mut self, posted: &Posted) {
        if posted.alert.seq <= self.cursor.seq {
            return;
        }
        self.cursor = Cursor { seq: posted.alert.seq, from: posted.from, ..Cursor::default() };
        self.last = self.last.max(posted.alert.seq);
        self.note().await;
    }

    /// Delivers these together, however long it takes.
    async fn send(&mut self, posted: &[&Posted]) {
        let alerts: Vec<&Alert> = posted.iter().map(|posted| &posted.alert).collect();
        let spec = Arc::clone(&self.spec);
        let (mut pause, mut tries, mut refused) = (BACK_OFF_FIRST, 0, 0);
        let began = Instant::now();
        loop {
            self.begin().await;
            failpoint::pass("sinks");
            let delivered = tokio::time::timeout(DELIVER_MAX, spec.deliver(&alerts, &self.send)).await;
            let delivered = delivered.unwrap_or_else(|_| Err(Failure::later("there was no answer for long")));
            failpoint::pass("sink-delivered");
            let Err(failure) = delivered else { break };
            if let Failure::Refused(why) = &failure {
                refused += 1;
                if refused >= REFUSED_TRIES && self.dead + posted.len() <= DEAD_MAX {
                    self.lay_aside(posted, why);
                    break;
                }
            }
            tries += 1;
            self.delivering.send_replace(false);
            if tries >= TOLD_TRIES || began.elapsed() >= TOLD_AFTER {
                self.complain(&failure).await;
            }
            let wish = match failure {
                Failure::Later { after, .. } => after.unwrap_or_default().min(WISH_MAX),
                Failure::Refused(_) => Duration::ZERO,
            };
            self.idle(pause.max(wish)).await;
            pause = (pause * 2).min(BACK_OFF_MAX);
        }
        if self.cursor.fault.is_some() {
            tracing::info!(sink = %spec.name, "alerts get through again");
        }
        if let Some(last) = posted.last() {
            self.pass(last).await;
        }
        self.delivering.send_replace(false);
    }

    /// From here on something is under way. After the stop nothing is begun.
    async fn begin(&self) {
        if self.stop.is_cancelled() {
            std::future::pending::<()>().await;
        }
        self.delivering.send_replace(true);
    }

    /// Once for each new reason; the checkpoint says it too.
    async fn complain(&mut self, failure: &Failure) {
        let why = failure.why();
        if self.cursor.fault.as_deref() != Some(why) {
            tracing::warn!(sink = %self.spec.name, next = self.cursor.seq + 1, "could not deliver an alert: {why}; it is tried again");
            self.cursor.fault = Some(why.to_owned());
            self.cursor.since.get_or_insert_with(Timestamp::now);
            self.note().await;
            self.hand_over().await;
        }
    }

    fn lay_aside(&mut self, posted: &[&Posted], why: &str) {
        for Posted { alert, from } in posted.iter().copied() {
            tracing::error!(
                sink = %self.spec.name, alert = alert.seq,
                "an alert is refused and laid aside: {why}; `storywatch alerts retry` tries it again"
            );
            let dead = Dead { why: why.to_owned(), at: Timestamp::now(), from: *from };
            self.dead += 1;
            self.due.push(Checkpoint {
                key: dead_key(&self.spec.name, alert.seq),
                state: serde_json::to_value(&dead).unwrap_or_default(),
            });
        }
    }

    /// A letter that was laid aside is tried once more.
    async fn retry(&mut self, retry: &Retry) {
        if retry.sink != self.spec.name || retry.seq == 0 {
            return;
        }
        let state_dir = self.state_dir.clone();
        let before = Cursor { seq: retry.seq.saturating_sub(1), from: retry.from, ..Cursor::default() };
        let read = tokio::task::spawn_blocking(move || behind::read(&state_dir, &before, 1)).await;
        let found = match read {
            Ok(Ok(read)) => read.found.into_iter().find(|posted| posted.alert.seq == retry.seq),
            _ => None,
        };
        let spec = Arc::clone(&self.spec);
        match found {
            None => {
                tracing::error!(sink = %spec.name, alert = retry.seq, "an alert that was laid aside is not in the journal any more");
            }
            Some(posted) => {
                self.begin().await;
                if let Err(failure) = spec.deliver(&[&posted.alert], &self.send).await {
                    self.delivering.send_replace(false);
                    tracing::warn!(sink = %spec.name, alert = retry.seq, "an alert stays laid aside: {}", failure.why());
                    return;
                }
                tracing::info!(sink = %spec.name, alert = retry.seq, "an alert that was laid aside is delivered");
            }
        }
        self.dead = self.dead.saturating_sub(1);
        self.due.push(Checkpoint { key: dead_key(&spec.name, retry.seq), state: serde_json::Value::Null });
        self.hand_over().await;
        self.delivering.send_replace(false);
    }

    /// Waits, but not so long that what the others hear is missed in vain; a retry by the user ends the wait.
    async fn idle(&mut self, time: Duration) {
        let until = Instant::now() + time;
        loop {
            let heard = tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                heard = self.posts.recv() => heard,
            };
            match heard.as_deref() {
                Ok(Post::Alert(posted)) => self.last = self.last.max(posted.alert.seq),
                Ok(Post::Retry(retry)) if retry.sink == self.spec.name => {
                    let retry = retry.clone();
                    self.retry(&retry).await;
                    return;
                }
                Ok(Post::Retry(_)) => {}
                Err(RecvError::Lagged(missed)) => self.last += missed,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// The checkpoint is due.
    async fn note(&mut self) {
        let state = serde_json::to_value(&self.cursor).unwrap_or_default();
        let key = format!("{KEY_PREFIX}{}", self.spec.name);
        self.due.retain(|due| due.key != key);
        self.due.push(Checkpoint { key, state });
        if self.handed.elapsed() >= CHECKPOINT_EVERY {
            self.hand_over().await;
        }
    }

    /// Hands the checkpoints that are due to the pipeline.
    async fn hand_over(&mut self) {
        self.handed = Instant::now();
        let checkpoints = std::mem::take(&mut self.due);
        if checkpoints.is_empty() {
            return;
        }
        let delivery = Delivery { at: Timestamp::now(), found: Vec::new(), checkpoints, receipt: None };
        // A daemon that stops forgets it: then these alerts come again.
        self.door.send(Event::Batch(delivery)).await.ok();
    }
}

fn dead_key(sink: &str, seq: u64) -> String {
    format!("{DEAD_PREFIX}{sink} {seq:012}")
}

/// Sink and number of a dead letter's key.
pub fn dead_of(key: &str) -> Option<(&str, u64)> {
    let (sink, seq) = key.strip_prefix(DEAD_PREFIX)?.rsplit_once(' ')?;
    Some((sink, seq.parse().ok()?))
}
