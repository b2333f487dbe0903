//! `alerts`: where alerts go, and what did not get through.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::Value;

use super::{ConfigFlag, Failure};
use crate::{alert::line::harmless, daemon};

/// See how far each sink has come, and try again what was refused.
#[derive(Args, Debug)]
pub(super) struct Flags {
    #[command(subcommand)]
    what: Option<What>,

    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,

    /// The config file [default: /etc/storywatch/storywatch.toml, else storywatch/storywatch.toml in the XDG folder].
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<std::path::PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the sinks: how far each has come, what it waits for, and the alerts that it has laid aside [default].
    List,
    /// Have the running daemon try again at once: what was laid aside, and what waits after a failure.
    Retry {
        /// Only this sink.
        sink: Option<String>,
    },
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    use std::io::Write as _;
    super::log_for_people();
    let config = super::config(&ConfigFlag { config: flags.config.clone() })?;
    let text = match &flags.what {
        None | Some(What::List) => {
            let sinks = daemon::sinks(&config)?;
            if flags.json { format!("{sinks:#}\n") } else { in_words(&sinks) }
        }
        Some(What::Retry { sink }) => {
            let letters = daemon::retry(&config, sink.as_deref())?;
            if flags.json {
                format!("{{\"letters\":{letters}}}\n")
            } else {
                format!(
                    "{letters} laid aside: being tried again; `storywatch alerts list` shows what stays\n"
                )
            }
        }
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

fn in_words(sinks: &Value) -> String {
    let mut text = String::new();
    if sinks["running"] != true {
        writeln!(text, "no daemon runs: nothing is delivered").ok();
    }
    let word = |value: &Value| harmless(value.as_str().unwrap_or_default());
    // Of a time, whole seconds.
    let second = |value: &Value| {
        let at: Option<Timestamp> = value.as_str().and_then(|at| at.parse().ok());
        at.map_or_else(|| word(value), |at| at.strftime("%FT%TZ").to_string())
    };
    let log = &sinks["log"];
    writeln!(text, "log {}: {} of {}", word(&log["path"]), log["delivered"], sinks["last"]).ok();
    if let Some(fault) = log["fault"].as_str() {
        writeln!(text, "  FAULT {}", harmless(fault)).ok();
    }
    for sink in sinks["sinks"].as_array().into_iter().flatten() {
        write!(text, "{} {}: ", word(&sink["kind"]), word(&sink["name"])).ok();
        match (&sink["delivered"], &sink["waiting"]) {
            (Value::Null, _) => writeln!(text, "not at work yet").ok(),
            (seq, Value::Number(waiting)) if waiting.as_u64() == Some(0) => {
                writeln!(text, "up to #{seq}, nothing waits").ok()
            }
            (seq, waiting) => writeln!(text, "up to #{seq}, {waiting} wait").ok(),
        };
        if let Some(fault) = sink["fault"].as_str() {
            writeln!(text, "  FAULT since {}: {}", second(&sink["since"]), harmless(fault)).ok();
        }
        for dead in sink["dead"].as_array().into_iter().flatten() {
            writeln!(
                text,
                "  laid aside #{:06} {}: {}",
                dead["seq"].as_u64().unwrap_or(0),
                second(&dead["at"]),
                word(&dead["why"])
            )
            .ok();
        }
    }
    text
}
