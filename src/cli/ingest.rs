//! `ingest`: files through the pipeline at once.

use std::path::PathBuf;

use clap::Args;

use super::{ConfigFlag, Failure, allocator};
use crate::daemon;

/// Send files through the pipeline, and print a decision a line.
///
/// Reads any format that a drop takes (text, HTML, JSON, JSON Lines, saved feeds); of a directory, every file. Each
/// decision is printed as JSON once it is durable. Without a running daemon the articles' own dates are the clock, as
/// if they came in on their day; a running daemon is handed what is in the files as if they were dropped now, and does
/// not tell what is old. Run it again after an interruption: what was decided before is `seen`, and nothing is told
/// twice.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// Files or directories.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// It is old coverage: stories and topics learn of it, nothing of it is told.
    #[arg(long)]
    backfill: bool,

    /// Write no progress to the standard error.
    #[arg(long)]
    quiet: bool,

    #[command(flatten)]
    config: ConfigFlag,
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    use std::io::Write;
    allocator::settle();
    super::log_for_people();
    let config = super::config(&flags.config)?;
    let how = daemon::How { quiet: flags.quiet, backfill: flags.backfill };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    daemon::ingest(&config, &flags.paths, how, &mut |lines| {
        for line in lines {
            out.write_all(line.as_bytes())?;
            out.write_all(b"\n")?;
        }
        out.flush()
    })?;
    Ok(())
}
