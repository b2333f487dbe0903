//! Questions to the reading room, and what keeps its index near to the journal's end.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::journal_progress;
use crate::{
    config::Config,
    reading::{Asked, Room},
    serve::control::{self, Read, Reply, Request},
};

/// Pause between two rounds of indexing: a question takes in the rest itself.
const PAUSE: Duration = Duration::from_secs(15);

/// Takes what was committed into the search index now and then, until `stop`. What fails is told once, and tried again.
pub(super) async fn keep_up(state_dir: PathBuf, stop: CancellationToken) {
    let mut failed = false;
    while stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_some() {
        let state_dir = state_dir.clone();
        let round = tokio::task::spawn_blocking(move || Room::open(&state_dir, &mut |_, _| {}).map(drop));
        let Some(done) = stop.run_until_cancelled(round).await else { return };
        match done {
            Ok(Ok(())) => failed = false,
            Ok(Err(fault)) if !failed => {
                tracing::warn!("{:#}; `stories` and `story` lag behind", anyhow::Error::from(fault));
                failed = true;
            }
            Ok(Err(_)) => {}
            Err(fault) => tracing::error!("indexing failed by a fault of the program: {fault}"),
        }
    }
}

/// Answers questions of the control socket's clients.
pub(super) fn for_clients(state_dir: PathBuf) -> Read {
    Arc::new(move |asked| Ok(Room::open(&state_dir, &mut |_, _| {})?.answer(asked)?))
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
    let bar = journal_progress("indexing the journal");
    let room = Room::open(&config.state_dir, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let unread = || format!("could not read what is stored in {}", config.state_dir.display());
    room.and_then(|room| room.answer(asked)).with_context(unread)
}
