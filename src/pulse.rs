//! Signs of life: each part that must not stand still beats after each turn of its work, and the watchdog looks on.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// How often a part beats that only waits.
const BEAT: Duration = Duration::from_millis(500);

/// Counts the turns of one part's work.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// A turn is done.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Works, and beats as long as the work is looked after: it stops beating when a step of it does not return.
    pub async fn along<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep(BEAT) => self.beat(),
                done = &mut work => return done,
            }
        }
    }

    /// Turns so far.
    pub fn beats(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
