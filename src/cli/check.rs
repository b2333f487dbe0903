//! `check`: the config, and all that it names, is as the daemon needs it.

use clap::Args;

use super::{ConfigFlag, Failure};
use crate::daemon;

/// Check the config and say every fault in it, with its place.
///
/// Exit code 0: the daemon would start with it. 78: faults, each with file, line and column, what is wrong, and what
/// was expected. 1: a place that it names is taken by something else, as the alert log by a directory. Warnings alone are
/// no fault.
#[derive(Args, Debug)]
pub(super) struct Flags {
    #[command(flatten)]
    config: ConfigFlag,
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    use std::io::Write;
    let config = super::config(&flags.config)?;
    daemon::can_start(&config)?;
    let (_, mut warnings) = daemon::read_rules(&config, None);
    warnings.extend(daemon::advice(&config));
    for warning in &warnings {
        super::complain(&format!("warning: {warning}"));
    }
    writeln!(
        std::io::stdout().lock(),
        "{} is good: {}; state in {}, alerts in {}",
        config.path.display(),
        daemon::in_words(&config),
        config.state_dir.display(),
        config.alerts.log.display(),
    )?;
    Ok(())
}
