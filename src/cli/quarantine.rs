//! `quarantine`: what is not read any more because the program ended over it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConfigFlag, Failure};
use crate::{
    alert::line::harmless,
    article::Id,
    poison::{self, Case, STRIKES_MAX},
};

/// List what the program has died over, and let it be tried again.
///
/// Bytes from outside (a feed's answer, a page, a file, a line of it, an article) are noted before they are read. If the
/// process dies over the same bytes three times, by a crash or because systemd's watchdog ended it, they are not read any
/// more: a feed fails with that as its reason, a page leaves the teaser as it is, a file or article is rejected. The bytes
/// stand in `quarantine/ID.bytes` of the state directory, for a report of the fault. Without a verb: list.
#[derive(Args, Debug)]
pub(super) struct Flags {
    #[command(subcommand)]
    what: Option<What>,

    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,

    /// The config file [default: /etc/storywatch/storywatch.toml, else storywatch/storywatch.toml in the XDG folder].
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the cases, the last first. Those with fewer strikes are still tried.
    List,
    /// Forget cases, so that they are tried again: a feed when it is next asked, a file once it is changed or touched.
    Release {
        /// As `list` shows them.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<Id>,
    },
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    super::log_for_people();
    let config = super::config(&ConfigFlag { config: flags.config.clone() })?;
    match &flags.what {
        None | Some(What::List) => list(poison::cases(&config.state_dir)?, flags.json),
        Some(What::Release { ids }) => {
            let mut unknown = false;
            for id in ids {
                if !poison::release(&config.state_dir, *id)? {
                    super::complain(&format!("storywatch: there is no case {id}"));
                    unknown = true;
                }
            }
            if unknown { Err(Failure::Told) } else { Ok(()) }
        }
    }
}

fn list(mut cases: Vec<Case>, json: bool) -> Result<(), Failure> {
    use std::io::Write;
    cases.sort_by_key(|case| std::cmp::Reverse((case.last, case.id)));
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &cases)?;
        writeln!(out)?;
        return Ok(());
    }
    if cases.is_empty() {
        writeln!(out, "nothing: the program has not died over anything that it read")?;
    }
    for case in cases {
        let state = if case.is_quarantined() {
            "quarantined".to_owned()
        } else {
            format!("{} of {STRIKES_MAX} strikes", case.strikes)
        };
        let last = case.last.strftime("%F %TZ");
        writeln!(out, "{}  {state:<16}  {last}  {}", case.id, harmless(&case.place))?;
    }
    Ok(())
}
