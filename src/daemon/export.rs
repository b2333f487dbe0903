//! The journal for other programs, read beside a daemon that may be running.

use std::io::Write;

use anyhow::Context;

use super::journal_progress;
use crate::{
    config::Config,
    journal::reader::Reader,
    reading::export::{self, Kind, Wanted},
};

/// Writes a line an article, with a bar on a terminal. Gives how many.
///
/// # Errors
/// When the journal cannot be read, or nobody takes the lines.
pub fn export(config: &Config, kind: Kind, wanted: &Wanted, out: &mut dyn Write) -> anyhow::Result<u64> {
    let unread = || format!("could not read what is stored in {}", config.state_dir.display());
    let journal = Reader::open(&config.state_dir).with_context(unread)?;
    let bar = journal_progress("exporting");
    let written = export::lines(&journal, kind, wanted, out, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    Ok(written?)
}
