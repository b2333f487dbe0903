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

/// How much text may stay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    text_days: u32,
    /// Of the whole state directory; 0 for no limit.
    bytes_max: u64,
}

impl From<&Store> for Limits {
    fn from(store: &Store) -> Self {
        Self { text_days: store.text_days, bytes_max: u64::from(store.disk_gib_max) << 30 }
    }
}

/// What one round has brought.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Days that gave up their texts.
    pub(super) given_up: Vec<GivenUp>,
    /// Bytes of the state directory where it is still larger than it should be.
    pub(super) still_over: Option<u64>,
}

/// Gives up the texts of a state directory now and then, until `stop`. What fails is told once, and tried again.
pub(super) async fn keep_up(state_dir: PathBuf, limits: Limits, oldest: OldestDay, stop: CancellationToken) {
    let (mut failed, mut over) = (false, false);
    let mut pause = FIRST_PAUSE;
    while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        pause = PAUSE;
        let (state_dir, needed) = (state_dir.clone(), oldest.get());
        let stopped = stop.clone();
        let work = tokio::task::spawn_blocking(move || {
            round(&state_dir, limits, needed, &|| stopped.is_cancelled())
        });
        let Some(done) = stop.run_until_cancelled(work).await else { return };
        match done {
            Ok(Ok(Round { still_over, .. })) => {
                failed = false;
                if let Some(bytes) = still_over.filter(|_| !over) {
                    tracing::warn!(
                        gib = bytes >> 30,
                        limit_gib = limits.bytes_max >> 30,
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
    limits: Limits,
    needed: u32,
    stopped: &dyn Fn() -> bool,
) -> anyhow::Result<Round> {
    let journal = Reader::open(state_dir)?;
    let too_old = day_before(journal.end().day, limits.text_days);
    let limit = limits.bytes_max;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        article::Rejected,
        journal::{Commit, Journal, LineRef, state_dir::StateDir},
    };

    /// A line on each of these days.
    fn journal(dir: &Path, days: &[&str]) {
        let (mut journal, _) = Journal::open(&StateDir::lock_with_floor(dir, 0).unwrap()).unwrap();
        for day in days {
            let at = format!("{day}T08:00:00Z").parse().unwrap();
            let (origin, place, reason) =
                ("drop".to_owned(), format!("file {day}"), "it is empty".to_owned());
            let rejected = Rejected { origin, place, reason, input_id: None, seen_at: at };
            let decision = serde_json::value::to_raw_value(&()).unwrap();
            journal
                .append(at, &LineRef::Rejected { seq: 1, rejected: &rejected, decision: &decision })
                .unwrap();
            journal.commit(at, &Commit::default()).unwrap();
        }
    }

    fn check(text_days: u32, bytes_max: u64, needed: u32, expected: &[u32], over: bool) {
        let dir = tempfile::tempdir().unwrap();
        journal(dir.path(), &["2031-03-01", "2031-03-02", "2031-03-20", "2031-03-31"]);
        let done = round(dir.path(), Limits { text_days, bytes_max }, needed, &|| false).unwrap();
        let days: Vec<_> = done.given_up.iter().map(|given_up| given_up.day).collect();
        assert_eq!((days.as_slice(), done.still_over.is_some()), (expected, over));
        assert_eq!(Reader::open(dir.path()).unwrap().kept_days().unwrap().len(), expected.len());
    }

    #[test]
    fn old_days_give_up_their_texts() {
        check(15, 0, 20_310_331, &[20_310_301, 20_310_302], false);
        check(100, 0, 20_310_331, &[], false);
    }

    #[test]
    fn what_is_compared_with_stays() {
        check(15, 0, 20_310_302, &[20_310_301], false);
        check(15, 1, 20_310_302, &[20_310_301], true);
    }

    #[test]
    fn too_large_a_directory_gives_up_more_but_never_today() {
        check(100, 1, 20_310_401, &[20_310_301, 20_310_302, 20_310_320], true);
        check(100, 1 << 30, 20_310_401, &[], false);
    }
}
