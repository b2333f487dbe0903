//! `stories`: what was reported, by event.

use clap::Args;
use jiff::Timestamp;

use super::{ConfigFlag, Failure, tail::when};
use crate::{
    alert::line::harmless,
    counted::counted,
    daemon,
    reading::{Asked, Listed},
    search::Filter,
};

/// List the stories: articles of several outlets about one event, as the daemon grouped them.
///
/// The newest comes first. Without a filter all stories of the journal are listed, also those of a single report.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// Only stories that this topic follows.
    #[arg(long, value_name = "NAME")]
    topic: Option<String>,

    /// Only stories with a report in the last five days.
    #[arg(long, conflicts_with = "since")]
    active: bool,

    /// Only stories with a report from then on: a time (2026-03-02T15:04:05Z), a day (2026-03-02), or how long ago
    /// (90m, 12h, 3d).
    #[arg(long, value_name = "WHEN", value_parser = when)]
    since: Option<Timestamp>,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    config: ConfigFlag,
}

/// As long a story stays open for a further report where nothing else is said.
const ACTIVE_SECS: i64 = 5 * 86_400;

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    use std::io::Write;
    super::log_for_people();
    let config = super::config(&flags.config)?;
    let active = flags.active.then(|| Timestamp::now().as_second() - ACTIVE_SECS);
    let since = active.or(flags.since.map(Timestamp::as_second));
    let filter = Filter { topic: flags.topic.clone(), ..Filter::default() };
    let mut stories: Vec<Listed> = daemon::read(&config, &Asked::Stories(filter))?;
    stories.retain(|story| since.is_none_or(|since| story.last >= since));
    let mut out = std::io::stdout().lock();
    if flags.json {
        serde_json::to_writer(&mut out, &stories)?;
        writeln!(out)?;
    } else if stories.is_empty() {
        writeln!(out, "no story; `storywatch status` tells what has come in")?;
    } else {
        for story in &stories {
            writeln!(out, "{}", in_words(story))?;
        }
    }
    Ok(())
}

fn in_words(story: &Listed) -> String {
    let day = |second| {
        Timestamp::from_second(second).map_or_else(|_| String::new(), |time| time.strftime("%F").to_string())
    };
    let (first, last) = (day(story.first), day(story.last));
    let days = if first == last { first } else { format!("{first} to {last}") };
    format!(
        "{}  {days}  {}, {}  {}",
        story.id,
        counted(story.articles.len(), "report"),
        counted(story.outlets, "outlet"),
        harmless(&story.title),
    )
}
