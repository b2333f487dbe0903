//! The end: the sources end first, the pipeline drains and commits behind them, and all of it within a bound.

use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::time::{Instant, timeout_at};

use super::{Daemon, said};
use crate::{event::Event, systemd};

/// How long a stop may take, from the signal on.
const STOP_SECS_MAX: u64 = 9;

/// After so long the sources are not waited for any more, and what they have handed over is left to come again.
const HURRY_SECS: u64 = 4;

impl Daemon {
    /// The sources end, the pipeline drains and ends behind them.
    pub(super) async fn finish(mut self) -> anyhow::Result<()> {
        tracing::info!("stopping");
        drop(self.vigil);
        said(systemd::stopping("committing what was taken in"));
        let now = Instant::now();
        let (soon, deadline) =
            (now + Duration::from_secs(HURRY_SECS), now + Duration::from_secs(STOP_SECS_MAX));
        self.stop.cancel();
        let drained = async {
            while let Some(task) = self.tasks.join_next().await {
                if let Err(fault) = task {
                    tracing::error!(%fault, "a part of the daemon failed while it stopped");
                }
            }
        };
        if timeout_at(soon, drained).await.is_err() {
            tracing::debug!("a part is still at work: what it does is begun again at the next start");
            self.tasks.abort_all();
        }
        std::fs::remove_file(&self.config.control).ok();
        // Threads that still read something hold the door open.
        let closed = timeout_at(soon, self.door.send(Event::Close)).await;
        drop(self.door);
        let ended = async {
            if closed.is_ok()
                && let Ok(ended) = timeout_at(soon, &mut self.pipeline_ended).await
            {
                return ended;
            }
            self.hurry.cancel();
            self.pipeline_ended.await
        };
        match timeout_at(deadline, ended).await {
            Ok(Ok(done)) => done.context("the last commit failed"),
            Ok(Err(_)) => Err(anyhow!("the pipeline failed while it stopped")),
            Err(_) => {
                Err(anyhow!("the last commit took longer than {STOP_SECS_MAX} s: what it held comes again"))
            }
        }
    }
}
