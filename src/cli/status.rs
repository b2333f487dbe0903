//! `status`: how things stand.

use clap::Args;
use serde_json::Value;

use super::{ConfigFlag, Failure};
use crate::daemon;

/// Show how the daemon and its sources are doing.
///
/// Asks the running daemon; where none runs it reads the store itself, and says so.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// Print JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    config: ConfigFlag,
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    use std::io::Write;
    super::log_for_people();
    let config = super::config(&flags.config)?;
    let status = daemon::status(&config)?;
    let mut out = std::io::stdout().lock();
    if flags.json {
        serde_json::to_writer_pretty(&mut out, &status)?;
        writeln!(out)?;
    } else {
        out.write_all(in_words(&status).as_bytes())?;
    }
    Ok(())
}

/// A status for people.
fn in_words(status: &Value) -> String {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let (articles, alerts) = (&status["articles"], &status["alerts"]);
    let (window, journal) = (&status["window"], &status["journal"]);
    let mut lines = vec![
        if status["running"] == true { "running".to_owned() } else { "no daemon runs".to_owned() },
        format!("  config    {}", word(&status["config"])),
        format!("  state     {}", word(&status["state_dir"])),
        format!(
            "  articles  {} new, {} copies, {} updates, {} rejected",
            articles["new"], articles["copy"], articles["update"], articles["rejected"]
        ),
        format!(
            "  alerts    {}, of which {} in {}",
            alerts["last"],
            alerts["in_log"],
            word(&status["alert_log"])
        ),
        format!("  window    {} articles, {} stories", window["articles"], window["stories"]),
        format!("  journal   {} bytes in {} days", journal["bytes"], journal["days"]),
    ];
    if let Some(fault) = alerts["log_fault"].as_str() {
        lines.push(format!("  FAULT     {fault}"));
    }
    for topic in status["topics"].as_array().into_iter().flatten() {
        lines.push(format!("  topic     {}", word(topic)));
    }
    for feed in status["feeds"].as_array().into_iter().flatten() {
        let state = &feed["state"];
        let health = match (state["gone"].as_bool(), state["errors"].as_u64(), state["error"].as_str()) {
            (Some(true), _, _) => {
                "gone: its server says that it is there no more, and it is not asked again".to_owned()
            }
            (_, None | Some(0), None) => "good".to_owned(),
            (_, None | Some(0), Some(error)) => format!("waits: {error}"),
            (_, Some(errors), error) => {
                format!("{errors} errors in a row, the last: {}", error.unwrap_or("not known"))
            }
        };
        lines.push(format!("  feed      {}: {health}", word(&feed["url"])));
    }
    lines.push(String::new());
    lines.join("\n")
}
