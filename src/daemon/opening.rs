//! Opens what stands in the state directory.

use std::{path::Path, sync::Arc, thread, time::Duration};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use super::{read_rules, upkeep};
use crate::{
    again,
    alert::{self, log::AlertLog},
    config::{self, Config},
    journal::{
        Journal, JournalError,
        state_dir::{self, StateDir, StateError},
    },
    pipeline::{self, Pipeline, PipelineError},
    poison::{self, Case},
    reading::Room,
    store::{self, Store, StoreError},
    systemd,
};

/// Pause before a disk with too little room is looked at again.
const ROOM_PAUSE: Duration = Duration::from_secs(1);

/// The same where a write found no room, which may cost a whole start each time.
const WRITE_PAUSE: Duration = Duration::from_secs(5);

/// Opens what the pipeline needs, and brings it to where the journal ends.
pub(super) fn open(config: &Config) -> anyhow::Result<Pipeline> {
    check_owner(&config.state_dir)?;
    let state = StateDir::lock(&config.state_dir)?;
    let (journal, _) = Journal::open(&state)?;
    let options = store_options(&journal);
    let mut opened = Store::open(&state, &options)?;
    if opened.older_analysis.is_some() {
        tracing::warn!("the index is of an older analysis: it is built again from the journal");
        opened.store.close()?;
        store::remove(&state)?;
        opened = Store::open(&state, &options)?;
    }
    let log = AlertLog::open(&config.alerts.log, log_format(config))?;
    let bar = journal_progress("applying the journal");
    let pipeline = Pipeline::open(journal, opened, log, Timestamp::now(), &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    Ok(pipeline)
}

/// The same for the daemon: where the disk is full it waits for room, so that nobody has to start it again.
pub(super) fn open_when_there_is_room(config: &Config) -> anyhow::Result<Pipeline> {
    let mut waited = false;
    upkeep::compact_if_due(config);
    loop {
        let fault = match open_for_work(config) {
            Err(fault) if is_full(&fault) => fault,
            opened => return opened,
        };
        if !waited {
            tracing::error!("{fault:#}; waiting for room");
            super::said(systemd::status("WAITING for room on the disk of the state directory"));
        }
        waited = true;
        if is_of_reserve(&fault) {
            wait(ROOM_PAUSE);
            continue;
        }
        // An index that could not write holds its lock for as long as the process lives.
        wait(WRITE_PAUSE);
        let cannot = again::begin(&[]);
        return Err(fault.context(format!("could not begin again ({cannot})")));
    }
}

fn wait(pause: Duration) {
    super::said(systemd::extend(pause * 10));
    thread::sleep(pause);
}

/// Whether it goes by with room: too little was left to begin with, or a write found none.
fn is_full(fault: &anyhow::Error) -> bool {
    is_of_reserve(fault) || fault.chain().any(|cause| cause.downcast_ref().is_some_and(state_dir::is_full))
}

/// Whether the reserve was found too small, before anything was written.
fn is_of_reserve(fault: &anyhow::Error) -> bool {
    fault.chain().any(|cause| state_error(cause).is_some_and(StateError::is_full))
}

/// What the rooms say of the state directory, in their own words.
fn state_error<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a StateError> {
    let of_journal = |fault: &'a JournalError| match fault {
        JournalError::State(state) => Some(state),
        _ => None,
    };
    let of_store = |fault: &'a StoreError| match fault {
        StoreError::State(state) => Some(state),
        _ => None,
    };
    let of_pipeline = |fault: &'a PipelineError| match fault {
        PipelineError::Journal(fault) => of_journal(fault),
        PipelineError::Store(fault) => of_store(fault),
        _ => None,
    };
    cause
        .downcast_ref::<StateError>()
        .or_else(|| cause.downcast_ref().and_then(of_journal))
        .or_else(|| cause.downcast_ref().and_then(of_store))
        .or_else(|| cause.downcast_ref().and_then(of_pipeline))
}

fn tell_strike(case: &Case) {
    let Case { id, place, strikes, .. } = case;
    if case.is_quarantined() {
        tracing::error!(
            %id, place, strikes,
            "the program ended again while it read this: it is in quarantine from now on; \
             `storywatch quarantine` lists what is"
        );
    } else {
        tracing::warn!(%id, place, strikes, "the program ended while it read this; it is tried again");
    }
}

/// What one user writes into the state directory of another, that one could not write any more.
fn check_owner(state_dir: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::geteuid().as_raw();
    match std::fs::metadata(state_dir) {
        Ok(metadata) if metadata.uid() != own => bail!(
            "the state directory {} belongs to another user (uid {}): run this as that user, \
             for the service with `sudo -u storywatch`, or start the service and ask it",
            state_dir.display(),
            metadata.uid()
        ),
        _ => Ok(()),
    }
}

/// The same, with the config's rules in force. From here on it is counted what the process dies over.
pub(super) fn open_for_work(config: &Config) -> anyhow::Result<Pipeline> {
    let mut pipeline = open(config)?;
    match poison::watch_over(&config.state_dir) {
        Ok(struck) => struck.iter().for_each(tell_strike),
        Err(fault) => tracing::warn!(%fault, "what the program dies over is not counted"),
    }
    let (rules, warnings) = read_rules(config, Some(pipeline.rules()));
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    pipeline.set_rules(rules)?;
    pipeline.forget_after(config.store.fingerprint_years);
    Ok(pipeline)
}

/// Journal and index for all who read beside the pipeline.
pub(super) fn reading_room(config: &Config) -> anyhow::Result<Arc<Room>> {
    Ok(Arc::new(Room::open(&config.state_dir)?))
}

pub(super) fn store_options(journal: &Journal) -> store::Options {
    store::Options { analysis: pipeline::ANALYSIS, journal_end: journal.end() }
}

/// A bar on a terminal, for work that reads the journal; it shows after a moment only.
pub(super) fn journal_progress(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    let style = ProgressStyle::with_template("{msg} {bar:30} {bytes} of {total_bytes}, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(what)
}

pub(super) fn log_format(config: &Config) -> alert::Format {
    match config.alerts.format {
        config::LogFormat::Text => alert::Format::Text,
        config::LogFormat::Json => alert::Format::Json,
    }
}
