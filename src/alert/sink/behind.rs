//! Alerts that a sink has missed, from the journal.

use std::path::Path;

use super::Cursor;
use crate::{
    alert::Posted,
    article::Occasion,
    journal::{JournalError, Line, Position, reader::Reader},
};

/// What the journal has.
#[derive(Debug)]
pub(super) struct Read {
    /// The next alerts, in order.
    pub(super) found: Vec<Posted>,
    /// Where all was read.
    pub(super) end: Position,
    /// The last alert up to there, also those that are not for sinks.
    pub(super) last: u64,
}

/// The next alerts after the cursor, somewhat more than `wanted` at most. Those of a replay are not for sinks: they
/// are not of today.
pub(super) fn read(state_dir: &Path, cursor: &Cursor, wanted: usize) -> Result<Read, JournalError> {
    let journal = Reader::open(state_dir)?;
    let from = cursor.from.min(journal.end());
    let mut scan = journal.scan(from)?;
    let mut read = Read { found: Vec::new(), end: from, last: cursor.seq };
    while read.found.len() < wanted {
        let from = scan.position();
        let Some(line) = scan.next() else { break };
        read.end = scan.position();
        let (alerts, replayed) = match line {
            Ok((_, Line::Article { alerts, article, .. })) => (alerts, article.occasion == Occasion::Replay),
            Ok((_, Line::Notice { alerts, .. })) => (alerts, false),
            Ok(_) => continue,
            Err(fault @ JournalError::Damaged { .. }) => {
                tracing::warn!("{fault}; alerts that stood there are not delivered");
                continue;
            }
            Err(fault) => return Err(fault),
        };
        for alert in alerts.into_iter().filter(|alert| alert.seq > cursor.seq) {
            read.last = read.last.max(alert.seq);
            if !replayed {
                read.found.push(Posted { alert, from });
            }
        }
    }
    Ok(read)
}
