//! Where alerts go. Each sink writes alerts that are already durable in the journal; none decides anything.

use crate::{article::Alert, journal::Position};

mod back;
pub mod line;
pub mod log;
pub mod sink;
pub mod tail;

/// What the sinks hear while the daemon runs. Who misses it reads the journal.
#[derive(Clone, Debug, PartialEq)]
pub enum Post {
    /// An alert is committed.
    Alert(Box<Posted>),
    /// The user wants one to be tried again.
    Retry(Retry),
}

/// An alert that is committed, on its way to whoever listens.
#[derive(Clone, Debug, PartialEq)]
pub struct Posted {
    /// As the journal has it.
    pub alert: Alert,
    /// Reading the journal from here on finds it.
    pub from: Position,
}

/// A dead letter that is to be tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Whose.
    pub sink: String,
    /// Which alert.
    pub seq: u64,
    /// Reading the journal from here on finds it.
    pub from: Position,
}

/// How the lines of an alert log are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
