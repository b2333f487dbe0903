//! Many small files as one delivery, and word of how far a big one is read.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    article::{Checkpoint, DELIVERY_BYTES_MAX, DELIVERY_FOUND_MAX, Found},
    source::format::Progress,
};

/// How far a big file is read is told so often.
const TELL: Duration = Duration::from_secs(10);

/// What files gave and is not delivered yet: at most a delivery full, within one turn.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) found: Vec<Found>,
    pub(super) checkpoints: Vec<Checkpoint>,
    bytes: usize,
}

impl Gathered {
    pub(super) fn has_room_for(&self, found: &[Found]) -> bool {
        self.found.len() + found.len() <= DELIVERY_FOUND_MAX
            && self.bytes + bytes_of(found) <= DELIVERY_BYTES_MAX
    }

    pub(super) fn add(&mut self, mut found: Vec<Found>, mut checkpoints: Vec<Checkpoint>) {
        self.bytes += bytes_of(&found);
        self.found.append(&mut found);
        self.checkpoints.append(&mut checkpoints);
    }

    pub(super) fn is_full(&self) -> bool {
        self.found.len().max(self.checkpoints.len()) >= DELIVERY_FOUND_MAX || self.bytes >= DELIVERY_BYTES_MAX
    }
}

fn bytes_of(found: &[Found]) -> usize {
    let bytes = found.iter().map(|found| match found {
        Found::Article(article) => article.title.len() + article.text.len(),
        Found::Rejected(rejected) => rejected.reason.len(),
    });
    bytes.sum()
}

/// Tells from time to time how far a big file is read.
pub(super) struct Telling<'a> {
    path: &'a Path,
    size: u64,
    next: Instant,
}

impl<'a> Telling<'a> {
    pub(super) fn new(path: &'a Path, size: u64) -> Self {
        Self { path, size, next: Instant::now() + TELL }
    }

    pub(super) fn tell(&mut self, read: Progress) {
        if Instant::now() < self.next || read.done {
            return;
        }
        self.next = Instant::now() + TELL;
        let percent = (read.offset.saturating_mul(100) / self.size.max(1)).min(100);
        tracing::info!(file = %self.path.display(), bytes = read.offset, percent, finds = read.line, "reading a big file");
    }
}
