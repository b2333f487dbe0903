//! `status`: how things stand.

use clap::Args;
use serde_json::{Value, json};

use super::{ConfigFlag, Failure};
use crate::{
    counted::counted,
    daemon::{self, Desk},
    health::{Health, Tally},
};

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

/// Those that are named to programs.
const ILL_KEPT_MAX: usize = 1000;

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    use std::io::Write;
    super::log_for_people();
    let config = super::config(&flags.config)?;
    let mut desk = Desk::new(&config)?;
    let mut status = daemon::status(&mut desk)?;
    let feeds = Feeds::ask(&mut desk)?;
    desk.close()?;
    let mut out = std::io::stdout().lock();
    if flags.json {
        if let Some(fields) = status.as_object_mut() {
            fields.insert("feeds".to_owned(), feeds.json());
        }
        serde_json::to_writer_pretty(&mut out, &status)?;
        writeln!(out)?;
    } else {
        out.write_all(in_words(&status, &feeds).as_bytes())?;
    }
    Ok(())
}

/// How many feeds are how, and those that are not well.
#[derive(Default)]
struct Feeds {
    tally: Tally,
    ill: Vec<Health>,
    more: usize,
}

impl Feeds {
    fn ask(desk: &mut Desk<'_>) -> anyhow::Result<Self> {
        let now = jiff::Timestamp::now();
        let mut feeds = Self::default();
        daemon::each_feed(desk, |feed| {
            let health = Health::of(feed, now);
            feeds.tally.count(&health);
            if health.is_ill() && feeds.ill.len() < ILL_KEPT_MAX {
                feeds.ill.push(health);
            } else {
                feeds.more += usize::from(health.is_ill());
            }
            Ok(())
        })?;
        Ok(feeds)
    }

    fn in_words(&self) -> Vec<String> {
        let mut lines = vec![format!("  feeds     {}", self.tally.in_words())];
        let shown = self.ill.iter().take(ILL_SHOWN_MAX);
        lines.extend(shown.map(|health| format!("  feed      {}", health.line())));
        let more = self.ill.len().saturating_sub(ILL_SHOWN_MAX) + self.more;
        if more > 0 {
            lines.push(format!("            and {more} more: `storywatch feeds list --failing`"));
        }
        lines
    }

    fn json(&self) -> Value {
        let ill: Vec<Value> = self.ill.iter().map(Health::json).collect();
        json!({ "count": self.tally.json(), "ill": ill })
    }
}

/// A status for people.
fn in_words(status: &Value, feeds: &Feeds) -> String {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let number = |value: &Value, noun| counted(value.as_u64().unwrap_or(0), noun);
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
        format!(
            "  window    {}, {}",
            number(&window["articles"], "article"),
            number(&window["stories"], "story")
        ),
        format!("  journal   {} in {}", number(&journal["bytes"], "byte"), number(&journal["days"], "day")),
    ];
    if let Some(fault) = alerts["log_fault"].as_str() {
        lines.push(format!("  FAULT     {fault}"));
    }
    for topic in status["topics"].as_array().into_iter().flatten() {
        lines.push(format!("  topic     {}", word(topic)));
    }
    lines.extend(feeds.in_words());
    lines.push(String::new());
    lines.join("\n")
}
