//! `status`: how things stand.

use clap::Args;
use serde_json::Value;

use super::{ConfigFlag, Failure};
use crate::{daemon, health::Health};

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

/// Feeds that are not well and are named one by one.
const ILL_SHOWN_MAX: usize = 20;

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
    lines.extend(of_feeds(status));
    lines.push(String::new());
    lines.join("\n")
}

/// How many feeds are how, and the first of those that are not well.
fn of_feeds(status: &Value) -> Vec<String> {
    let feeds = status["feeds"].as_array().map(Vec::as_slice).unwrap_or_default();
    let now = jiff::Timestamp::now();
    let all: Vec<Health<'_>> = feeds.iter().map(|feed| Health::of(feed, now)).collect();
    let mut lines = vec![format!("  feeds     {}", Health::summary(&all))];
    let ill: Vec<&Health<'_>> = all.iter().filter(|health| health.is_ill()).collect();
    lines.extend(ill.iter().take(ILL_SHOWN_MAX).map(|health| format!("  feed      {}", health.line())));
    if let Some(more) = ill.len().checked_sub(ILL_SHOWN_MAX).filter(|more| *more > 0) {
        lines.push(format!("            and {more} more: `storywatch feeds list --failing`"));
    }
    lines
}
