//! Questions to the reading room, and what keeps its index near to the journal's end.

use std::{sync::Arc, thread, time::Duration};

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{broadcast, oneshot};
use tokio_util::sync::CancellationToken;

use super::journal_progress;
use crate::{
    article::Alert,
    config::Config,
    reading::{Asked, ReadingError, Room},
    serve::control::{self, Read, Reply, Request},
};

/// Pause between two rounds of indexing.
const PAUSE: Duration = Duration::from_secs(1);

/// A question waits so long for what is being indexed, then it is answered from what is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Readers give way to the pipeline.
pub(super) const NICE: i32 = 5;

/// Takes what was committed into the search index, and tells of its alerts, until `stop`. On a thread of its own that
/// gives way to others. What fails is told once, and tried again.
pub(super) async fn keep_up(room: Arc<Room>, heard: broadcast::Sender<Arc<Alert>>, stop: CancellationToken) {
    let (ended, end) = oneshot::channel::<()>();
    let until = stop.clone();
    let started = thread::Builder::new().name("search index".to_owned()).spawn(move || {
        give_way();
        rounds(&room, &heard, &until);
        drop(ended);
    });
    match started {
        // It is told of the stop at its next round; what it is at is begun again at the next start.
        Ok(_) => {
            stop.run_until_cancelled(end).await;
        }
        Err(fault) => tracing::error!(%fault, "could not start indexing"),
    }
    stop.cancelled().await;
}

/// Lowers the priority of the calling thread.
pub(super) fn give_way() {
    if let Err(fault) = rustix::process::nice(NICE) {
        tracing::debug!(%fault, "could not lower a thread's priority");
    }
}

fn rounds(room: &Room, heard: &broadcast::Sender<Arc<Alert>>, stop: &CancellationToken) {
    // What was told before this start is no news to those who watch.
    let mut caught_up = false;
    let mut failed = false;
    while !stop.is_cancelled() {
        let done = room.catch_up(&mut |_, _| {}, &mut |alert| {
            if caught_up {
                // Nobody may be watching.
                heard.send(Arc::new(alert)).ok();
            }
        });
        match done {
            Ok(()) => {
                if failed {
                    tracing::info!("the search index has caught up");
                }
                (caught_up, failed) = (true, false);
            }
            Err(fault) => {
                if !failed {
                    tracing::warn!("{:#}; `stories`, `search` and the page lag behind", told(fault));
                    failed = true;
                }
                mend(room, &mut caught_up);
            }
        }
        thread::sleep(PAUSE);
    }
}

/// An index that is damaged is built again.
fn mend(room: &Room, caught_up: &mut bool) {
    if room.view().is_damaged() {
        *caught_up = false;
        if let Err(fault) = room.begin_again() {
            tracing::warn!("{:#}", told(fault));
        }
    }
}

fn told(fault: ReadingError) -> anyhow::Error {
    anyhow::Error::from(fault)
}

/// Answers questions of the control socket's clients.
pub(super) fn for_clients(room: Arc<Room>) -> Read {
    Arc::new(move |asked| {
        room.catch_up_within(PATIENCE)?;
        Ok(room.ask(|view| view.answer(asked))?)
    })
}

/// Asks the running daemon; where none runs, journal and index are read here, and what the index has not yet taken in
/// is taken in first, with a bar on a terminal where that takes long.
///
/// # Errors
/// When the daemon cannot be asked, the state directory not be read, or the index in it not be written.
pub fn read<T: DeserializeOwned>(config: &Config, asked: &Asked) -> anyhow::Result<T> {
    let answer = match control::request(&config.control, &Request::Read(asked.clone()))? {
        Some(mut replies) => match replies.next().context("the daemon went away")?? {
            Reply::Answer(json) => serde_json::from_str(json.get())?,
            Reply::Fault(fault) => bail!(fault),
            Reply::Decision(_) | Reply::End => bail!("the daemon answered in a form of another version"),
        },
        None => read_here(config, asked)?,
    };
    serde_json::from_value(answer).context("the daemon answered in a form of another version")
}

fn read_here(config: &Config, asked: &Asked) -> anyhow::Result<Value> {
    let room = open_room(config)?;
    match room.ask(|view| view.answer(asked)) {
        Err(fault) if crate::reading::found::is_askers(&fault) => Err(fault.into()),
        answer => answer.with_context(|| unread(config)),
    }
}

/// The reading room of a state directory that no daemon looks after, its index whole.
pub(super) fn open_room(config: &Config) -> anyhow::Result<Room> {
    let bar = journal_progress("indexing the journal");
    let room = Room::open_whole(&config.state_dir, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    room.with_context(|| unread(config))
}

fn unread(config: &Config) -> String {
    format!("could not read what is stored in {}", config.state_dir.display())
}
