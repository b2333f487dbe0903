//! The outbox's sinks. Each writes alerts that are already durable in the journal; none decides anything.

use crate::{article::Alert, journal::Position};

mod back;
pub mod line;
pub mod log;
pub mod tail;

/// An alert that is committed, on its way to whoever listens.
#[derive(Clone, Debug, PartialEq)]
pub struct Posted {
    /// As the journal has it.
    pub alert: Alert,
    /// Where its batch begins: reading the journal from here on finds it.
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
