//! Texts don't last for ever: the finished days of the journal give up theirs, the oldest first, when they are too old or
//! take too much room. What identity and the reading room need of their articles stays.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{
    config::Store,
    journal::{day::day_before, kept::GivenUp, reader::Reader, state_dir::dir_bytes},
    pipeline::{OldestDay, kept::keep},
};

/// After the start, so that what is to be told comes first,
const FIRST_PAUSE: Duration = Duration::from_secs(60);

/// and from then on: days end once a day, but a disk can fill at any time.
const PAUSE: Duration = Duration::from_secs(600);

/// What one round has brought.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Days that gave up their texts.
    pub(super) given_up: Vec<GivenUp>,
    /// Bytes of the state directory where it is still larger than it should be.
    pub(super) still_over: Option<u64>,
}

/// Gives up the texts of a state directory now and then, until `stop`. What fails is told once, and tried again.
pub(super) async fn keep_up(state_dir: PathBuf, limits: Store, oldest: OldestDay, stop: CancellationToken) {
    let (mut failed, mut over) = (false, false);
    let mut pause = FIRST_PAUSE;
    while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        pause = PAUSE;
        let (state_dir, of_round, needed) = (state_dir.clone(), limits.clone(), oldest.get());
        let stopped = stop.clone();
        let work = tokio::task::spawn_blocking(move || {
            round(&state_dir, &of_round, needed, &|| stopped.is_cancelled())
        });
        let Some(done) = stop.run_until_cancelled(work).await else { return };
        match done {
            Ok(Ok(Round { still_over, .. })) => {
                failed = false;
                if let Some(bytes) = still_over.filter(|_| !over) {
                    tracing::warn!(
                        gib = bytes >> 30,
                        limit_gib = limits.disk_gib_max,
                        "the state directory is over disk_gib_max though all old texts are given up: lower \
                         window_days or fingerprint_years, or raise the limit"
                    );
                }
                over = still_over.is_some();
            }
            Ok(Err(fault)) if !failed => {
                tracing::error!("{fault:#}; old texts stay until that is mended");
                failed = true;
            }
            Ok(Err(_)) => {}
            Err(fault) => tracing::error!("giving up old texts failed by a fault of the program: {fault}"),
        }
    }
}

/// Gives up the texts of all days before `needed` that are older than `text_days`, and of more as long as the state
/// directory is over its limit. Tells each in the log.
pub(super) fn round(
    state_dir: &Path,
    limits: &Store,
    needed: u32,
    stopped: &dyn Fn() -> bool,
) -> anyhow::Result<Round> {
    let journal = Reader::open(state_dir)?;
    let too_old = day_before(journal.end().day, limits.text_days);
    let limit = u64::from(limits.disk_gib_max) << 30;
    let mut round = Round::default();
    for (day, _) in journal.whole_days()?.into_iter().filter(|(day, _)| *day < needed) {
        if stopped() {
            return Ok(round);
        }
        let why = if day < too_old {
            "text_days"
        } else if limit > 0 && dir_bytes(state_dir)? > limit {
            "disk_gib_max"
        } else {
            break;
        };
        let given_up = journal.give_up(day, &mut keep)?;
        let GivenUp { articles, bytes_before, bytes_after, .. } = given_up;
        tracing::info!(day, articles, bytes_before, bytes_after, why, "gave up the texts of an old day");
        round.given_up.push(given_up);
    }
    if limit > 0 {
        round.still_over = Some(dir_bytes(state_dir)?).filter(|bytes| *bytes > limit);
    }
    Ok(round)
}
