//! Signs of life: each part that must not stand still beats after each turn of its work, and the watchdog looks on.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counts the turns of one part's work.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// A turn is done.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Turns so far.
    pub fn beats(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
