//! From the journal to the alert log: each alert once, in order. What the log refuses waits in the journal, not in
//! memory.

use std::{collections::VecDeque, path::Path, thread, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    PipelineError,
    record::decode,
    view::{Locator, Tree},
};
use crate::{
    alert::log::AlertLog,
    article::Alert,
    event::Report,
    journal::{Journal, JournalError, Line, state_dir::is_full},
    pulse::Pulse,
    store::{Store, StoreError},
};

/// Alerts that are kept at hand; of more, all are read back from the journal.
const AT_HAND_MAX: usize = 16_384;

/// Alerts written at once when they are read back.
const READ_BACK: usize = 256;

/// Pause before a full disk is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// For people.
const WAITS: &str = "WAITING for room on the disk of the state directory";

/// Alerts on their way to the log.
pub(super) struct Outbox {
    log: AlertLog,
    /// The last alert that the log holds.
    told: u64,
    /// The last alert that exists.
    last: u64,
    /// Those after `told`, without a gap, unless there are too many.
    at_hand: VecDeque<Alert>,
    /// Why the log was last not to be written.
    fault: Option<String>,
}

impl Outbox {
    /// `told` is what the index remembers, `last` the journal's last alert. A log that knows more than the journal
    /// belongs to an older state directory, and its numbers say nothing.
    pub(super) fn new(log: AlertLog, told: u64, last: u64) -> Self {
        let logged = log.last_seq().unwrap_or(0);
        if logged > last {
            tracing::warn!(
                logged,
                last,
                "the alert log is of another state directory; its numbers begin anew"
            );
        }
        let told = if logged > last { told } else { told.max(logged) };
        Self { log, told: told.min(last), last, at_hand: VecDeque::new(), fault: None }
    }

    /// The last alert that the log holds.
    pub(super) fn told(&self) -> u64 {
        self.told
    }

    /// Where the log is.
    pub(super) fn path(&self) -> &Path {
        self.log.path()
    }

    /// Why the log cannot be written just now.
    pub(super) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Alerts that will be committed with the batch.
    pub(super) fn push(&mut self, alerts: Vec<Alert>) {
        self.last = alerts.last().map_or(self.last, |alert| alert.seq);
        if self.at_hand.len() + alerts.len() <= AT_HAND_MAX {
            self.at_hand.extend(alerts);
        } else {
            self.at_hand.clear();
        }
    }

    /// Writes to another file from here on, if the log was renamed.
    pub(super) fn reopen(&mut self) {
        if let Err(fault) = self.log.reopen() {
            self.complain(&fault);
        }
    }

    /// Writes what is committed and not yet told. What fails is tried again with the next batch or tick.
    pub(super) fn deliver(&mut self, journal: &Journal, store: &Store) {
        while self.told < self.last {
            if self.at_hand.front().is_none_or(|alert| alert.seq != self.told + 1) {
                match read_back(journal, store, self.told) {
                    Ok(alerts) if !alerts.is_empty() => self.at_hand = alerts.into(),
                    Ok(_) => {
                        tracing::error!(
                            from = self.told + 1,
                            to = self.last,
                            "alerts are missing from the journal"
                        );
                        self.told = self.last;
                        return;
                    }
                    Err(fault) => {
                        tracing::error!(%fault, "could not read alerts back from the journal");
                        return;
                    }
                }
            }
            let alerts: Vec<&Alert> = self.at_hand.iter().collect();
            match self.log.write(&alerts) {
                Ok(told) => {
                    self.told = told;
                    self.at_hand.clear();
                    if self.fault.take().is_some() {
                        tracing::info!("the alert log can be written again");
                    }
                }
                Err(fault) => return self.complain(&fault),
            }
        }
    }

    /// Once for each new reason, not once a second.
    fn complain(&mut self, fault: &dyn std::error::Error) {
        let why = match fault.source() {
            Some(cause) => format!("{fault}: {cause}"),
            None => fault.to_string(),
        };
        if self.fault.as_ref() != Some(&why) {
            tracing::error!("{why}; alerts wait, and are written once it can be");
            self.fault = Some(why);
        }
    }
}

/// The next alerts after `told`, in order.
fn read_back(journal: &Journal, store: &Store, told: u64) -> Result<Vec<Alert>, PipelineError> {
    let rows = store.scan(Tree::Alerts, &(told + 1).to_be_bytes(), READ_BACK)?;
    let mut alerts = Vec::new();
    for (_, value) in rows {
        let at: Locator = decode(Tree::Alerts, &value)?;
        if let Line::Article { alerts: found, .. } | Line::Notice { alerts: found, .. } = journal.read(at)? {
            alerts.extend(found);
        }
    }
    alerts.retain(|alert: &Alert| alert.seq > told);
    alerts.sort_by_key(|alert| alert.seq);
    alerts.dedup_by_key(|alert| alert.seq);
    Ok(alerts)
}

/// A failure that goes by once the disk has room again.
pub(super) trait Passing {
    /// Whether to wait and try again.
    fn passes(&self) -> bool;
}

impl Passing for JournalError {
    fn passes(&self) -> bool {
        match self {
            Self::State(state) => state.is_full(),
            Self::NotCommitted { source, .. } => is_full(source),
            _ => false,
        }
    }
}

impl Passing for StoreError {
    fn passes(&self) -> bool {
        matches!(self, Self::State(state) if state.is_full())
    }
}

/// How it is waited for room.
#[derive(Clone, Copy)]
pub(super) struct Wait<'a> {
    pub(super) pulse: &'a Pulse,
    /// Cancelled when there is no more time.
    pub(super) hurry: &'a CancellationToken,
    /// Says what is waited for.
    pub(super) report: &'a watch::Sender<Report>,
}

/// Tries until it works or fails for good, or there is no more time; says once that it waits.
pub(super) fn patiently<T, E: Passing + std::error::Error>(
    what: &str,
    Wait { pulse, hurry, report }: Wait<'_>,
    mut work: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mut waited = false;
    loop {
        match work() {
            Err(fault) if fault.passes() && !hurry.is_cancelled() => {
                if !waited {
                    tracing::error!("could not {what}: {fault}; nothing is lost, waiting for room");
                    report.send_modify(|report| report.waits = Some(WAITS.to_owned()));
                }
                waited = true;
                pulse.beat();
                thread::sleep(PAUSE);
            }
            done => {
                if waited && done.is_ok() {
                    tracing::info!("there is room again: going on");
                    report.send_modify(|report| report.waits = None);
                }
                return done;
            }
        }
    }
}
