//! The best hits of a query, of a bounded number that are kept while all are counted.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{Filter, Hit, Kind, SearchError, Snapshot, snapshot::Limits};
use crate::pipeline::topic::query::Query;

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The newest.
    #[default]
    Date,
    /// What has most of the words (BM25), those in the headline before others.
    Relevance,
}

/// Once the wanted hits are known others are only counted, and where there are enough by relevance the newest pieces of
/// the index have been gone through: for so long.
const FURTHER_MAX: Duration = Duration::from_millis(40);

/// Hits between two looks at the clock.
const LOOK_EVERY: usize = 1_024;

/// The best hits.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// The first first; every revision.
    pub hits: Vec<Hit>,
    /// Reports that the index found, later revisions not counted.
    pub reports: u64,
    /// Whether those are all; else there are more, older ones, which are not ranked either.
    pub all: bool,
    /// Whether there are hits beside these.
    pub more: bool,
    /// Whether they are surely what was asked for; else their texts must be read.
    pub exact: bool,
}

/// A hit by its score or time, then by its place in the journal, so that the order is the same each time.
struct Candidate {
    first: f64,
    hit: Hit,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.first.total_cmp(&other.first).then(self.hit.at.cmp(&other.hit.at))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

impl Snapshot {
    /// At most `count` hits.
    ///
    /// # Errors
    /// When the index cannot be read, the query costs too much, or the deadline passes.
    pub fn ranked(
        &self,
        query: Option<&Query>,
        filter: &Filter,
        by: By,
        count: usize,
        deadline: Instant,
    ) -> Result<Ranked, SearchError> {
        let scored = by == By::Relevance && query.is_some();
        let (asked, exact) = self.fields.asks(query, filter, scored)?;
        let mut limits = Limits::of(filter, Some(deadline));
        limits.scored = scored;
        let begun = Instant::now();
        let mut best = BinaryHeap::with_capacity(count + 1);
        let (mut reports, mut found) = (0, 0_usize);
        let mut floor = f64::NEG_INFINITY;
        let mut all = true;
        let walk = self.walk(asked.as_ref(), limits)?;
        for piece in &walk.pieces {
            // What is as old as the last of the wanted ones may stand before it in the journal.
            let settled = best.len() >= count && (scored || seconds(piece.newest()) < floor);
            if settled && begun.elapsed() > FURTHER_MAX {
                all = false;
                break;
            }
            walk.piece(piece, &mut |columns, doc, score| {
                found += 1;
                if !matches!(columns.kind(doc), Kind::Later | Kind::Withdrawn | Kind::Notice) {
                    reports += 1;
                }
                let first = if scored { f64::from(score) } else { seconds(columns.time(doc)) };
                if first >= floor {
                    best.push(Reverse(Candidate { first, hit: columns.hit(doc) }));
                    if best.len() > count {
                        best.pop();
                        floor = best.peek().map_or(floor, |Reverse(least)| least.first);
                    }
                }
                if found.is_multiple_of(LOOK_EVERY) && settled && begun.elapsed() > FURTHER_MAX {
                    all = false;
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })?;
            if !all {
                break;
            }
        }
        let hits: Vec<Hit> = best.into_sorted_vec().into_iter().map(|Reverse(one)| one.hit).collect();
        Ok(Ranked { more: !all || found > hits.len(), hits, reports, all, exact })
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in an f64")]
fn seconds(time: i64) -> f64 {
    time as f64
}
