//! The command line: one file a verb.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

mod alerts;
mod allocator;
mod backtest;
mod check;
mod demo;
mod explain;
mod export;
mod feeds;
mod ingest;
mod inspect;
mod papers;
mod quarantine;
mod run;
mod search;
mod status;
mod store;
mod stories;
mod story;
mod tail;
mod topics;

/// Tells you within seconds, and only once, when there is new coverage of a story you track.
///
/// A daemon (`storywatch run`) polls feeds and watches directories, tells copies and updates from new reports, groups
/// reports into stories, and writes a line to the alert log when one belongs to a topic of yours. Topics are written
/// in a TOML file; `storywatch demo` shows it all on invented news in a few seconds.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Demo(demo::Flags),
    Run(run::Flags),
    Check(check::Flags),
    Ingest(ingest::Flags),
    Inspect(inspect::Flags),
    Explain(explain::Flags),
    Backtest(backtest::Flags),
    Feeds(feeds::Flags),
    Status(status::Flags),
    Tail(tail::Flags),
    Alerts(alerts::Flags),
    Topics(topics::Flags),
    Search(search::Flags),
    Export(export::Flags),
    Stories(stories::Flags),
    Story(story::Flags),
    Store(store::Flags),
    Quarantine(quarantine::Flags),
    Papers(papers::Flags),
}

/// Which config file.
#[derive(Args, Debug)]
struct ConfigFlag {
    /// The config file [default: /etc/storywatch/storywatch.toml, else storywatch/storywatch.toml in the XDG folder].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Exit code of a config with faults, as in sysexits.h.
const EX_CONFIG: u8 = 78;

/// Why a verb did not do what it was asked.
enum Failure {
    /// The config has faults, told already as a list.
    Config(Vec<crate::config::Fault>),
    /// Anything else.
    Other(anyhow::Error),
    /// Said already.
    Told,
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(fault: E) -> Self {
        Self::Other(fault.into())
    }
}

/// Parses the command line, does what it says, and gives the exit code: 0 done, 1 failed, 2 usage, 78 bad config.
pub fn main() -> ExitCode {
    let done = match Cli::parse().verb {
        Verb::Demo(flags) => demo::run(&flags),
        Verb::Run(flags) => run::run(&flags),
        Verb::Check(flags) => check::run(&flags),
        Verb::Ingest(flags) => ingest::run(&flags),
        Verb::Inspect(flags) => inspect::run(&flags),
        Verb::Explain(flags) => explain::run(&flags),
        Verb::Backtest(flags) => backtest::run(&flags),
        Verb::Feeds(flags) => feeds::run(&flags),
        Verb::Status(flags) => status::run(&flags),
        Verb::Tail(flags) => tail::run(&flags),
        Verb::Alerts(flags) => alerts::run(&flags),
        Verb::Topics(flags) => topics::run(&flags),
        Verb::Search(flags) => search::run(&flags),
        Verb::Export(flags) => export::run(&flags),
        Verb::Stories(flags) => stories::run(&flags),
        Verb::Story(flags) => story::run(&flags),
        Verb::Store(flags) => store::run(&flags),
        Verb::Quarantine(flags) => quarantine::run(&flags),
        Verb::Papers(flags) => papers::run(&flags),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Told) => ExitCode::FAILURE,
        Err(Failure::Config(faults)) => {
            for fault in &faults {
                complain(&fault.to_string());
            }
            ExitCode::from(EX_CONFIG)
        }
        Err(Failure::Other(fault)) if is_broken_pipe(&fault) => ExitCode::SUCCESS,
        Err(Failure::Other(fault)) => {
            complain(&format!("storywatch: {fault:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whoever read our output has had enough.
fn is_broken_pipe(fault: &anyhow::Error) -> bool {
    fault
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// To the standard error.
fn complain(line: &str) {
    use std::io::Write;
    // Where even that cannot be written, nobody is left to be told.
    writeln!(std::io::stderr().lock(), "{line}").ok();
}

/// Logs of a verb that a person runs: warnings and worse, to the standard error.
fn log_for_people() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("STORYWATCH_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
}

/// Reads the config, and says its warnings.
fn config(flag: &ConfigFlag) -> Result<crate::config::Config, Failure> {
    let config = crate::daemon::load_config(flag.config.as_deref()).map_err(Failure::Config)?;
    for warning in &config.warnings {
        complain(&format!("warning: {warning}"));
    }
    Ok(config)
}
