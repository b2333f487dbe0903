//! `run`: the daemon.

use clap::Args;
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

use super::{ConfigFlag, Failure, allocator};
use crate::{daemon, journald::Journald};

/// Run the daemon: poll the feeds, watch the drops, write the alerts.
///
/// Stays in the foreground; systemd (see the unit in systemd/) or a terminal keeps it. SIGTERM or Ctrl-C ends it with
/// all it took in committed, SIGHUP reads the config again and reopens the alert log. Logs go to the standard error;
/// the variable
/// `STORYWATCH_LOG` set to `debug` says more.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// Open the page at `http://127.0.0.1:8470/` though the config has no [serve].
    #[arg(long)]
    page: bool,

    #[command(flatten)]
    config: ConfigFlag,
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    allocator::settle();
    let filter = tracing_subscriber::EnvFilter::try_from_env("STORYWATCH_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,storywatch=info"));
    if let Some(journald) = Journald::of_service() {
        tracing_subscriber::registry().with(filter).with(journald).init();
    } else {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_target(false)
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init();
    }
    let mut config = super::config(&flags.config)?;
    if flags.page {
        config.page_asked = true;
        config.serve.get_or_insert_default();
    }
    daemon::run(config)?;
    Ok(())
}
