//! The outbox's sinks. Each writes alerts that are already durable in the journal; none decides anything.

mod back;
pub mod line;
pub mod log;
pub mod tail;

/// How the lines of an alert log are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
