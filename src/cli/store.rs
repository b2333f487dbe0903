//! `store`: what is kept, and how it is looked after.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{ConfigFlag, Failure};
use crate::daemon;

/// Look after what is stored: figures, checks, repair.
///
/// The journal (a zstd file of JSON lines a day, below `journal` in the state directory) is the truth; the index (below
/// `index`) is built from it and can be built again. Days older than `text_days` give up their texts: what is left of them
/// stands in DAY.kept-BYTES.jsonl.zst. No daemon may run on the state directory meanwhile.
#[derive(Args, Debug)]
pub(super) struct Flags {
    #[command(subcommand)]
    what: What,

    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,

    /// The config file [default: /etc/storywatch/storywatch.toml, else storywatch/storywatch.toml in the XDG folder].
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// How much is stored, and what each kind of row takes.
    ///
    /// In sled stand, for years: `identities` (id, address, text of an article; each leads to its report), `reports` (revision,
    /// hashes of its texts, story, original, what was told of it), `checkpoints` of feeds and files, `topics` (how a topic
    /// follows a story). In files of their own, for as long as it is compared with what comes in: `window` (an article's
    /// sketch, and the words and names by which stories are found). `memory` is what a daemon holds of the window. `search`
    /// is the index of `stories`, `story` and `search`.
    Stats,
    /// Read everything, and decide the journal's articles again: nothing damaged, and every decision the same?
    ///
    /// Left out are articles whose texts have expired, and those that may have been compared with such.
    Verify,
    /// Build the index again from the journal.
    Rebuild,
    /// Give up old texts now, and write the index anew without what was deleted: its files only grow.
    ///
    /// The daemon gives up texts by itself, as `text_days` and `disk_gib_max` say.
    Compact,
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    use std::io::Write;
    super::log_for_people();
    let config = super::config(&ConfigFlag { config: flags.config.clone() })?;
    let (figures, good) = match flags.what {
        What::Stats => (daemon::stats(&config)?, true),
        What::Rebuild => (daemon::rebuild(&config)?, true),
        What::Compact => (daemon::compact(&config)?, true),
        What::Verify => {
            let figures = daemon::verify(&config)?;
            let good = figures.get("good") == Some(&json!(true));
            (figures, good)
        }
    };
    let mut out = std::io::stdout().lock();
    if flags.json {
        writeln!(out, "{figures}")?;
    } else {
        for (name, figure) in figures.as_object().into_iter().flatten() {
            writeln!(out, "{:<24} {}", name.replace('_', " "), figure.to_string().trim_matches('"'))?;
        }
    }
    if good { Ok(()) } else { Err(Failure::Told) }
}
