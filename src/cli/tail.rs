//! `tail`: the alert log, for people.

use clap::Args;
use jiff::{SignedDuration, Span, Timestamp};

use super::{ConfigFlag, Failure};
use crate::{
    alert::{
        line,
        tail::{self, Filter, Style},
    },
    article::AlertKind,
    daemon,
};

/// Read the alert log: filter it, follow it.
///
/// Shows the last alerts, on a terminal in colour and by your own clock, and with -f each new one as it is written, also
/// after the log was rotated. With --since it reads the journal, which has every alert whatever became of the log.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// Go on with new alerts as they are written.
    #[arg(short, long)]
    follow: bool,

    /// Show so many of the last alerts [default: 10; all with --since].
    #[arg(short = 'n', long, value_name = "COUNT")]
    lines: Option<usize>,

    /// Only alerts of this topic (may be given again).
    #[arg(long, value_name = "NAME")]
    topic: Vec<String>,

    /// Only this kind: new-story, new-coverage, update, ... (may be given again).
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Vec<AlertKind>,

    /// Only alerts from then on: a time (2026-03-02T15:04:05Z), a day (2026-03-02), or how long ago (90m, 12h, 3d).
    #[arg(long, value_name = "WHEN", value_parser = when)]
    since: Option<Timestamp>,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    config: ConfigFlag,
}

/// Alerts shown where nothing else is said.
const LINES_DEFAULT: usize = 10;

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    let config = super::config(&flags.config)?;
    let out = std::io::stdout();
    let style = if flags.json { Style::Json } else { Style::text_for(&out) };
    let filter = Filter { topics: flags.topic.clone(), kinds: flags.kind.clone(), since: flags.since };
    let lines = flags.lines.or_else(|| flags.since.is_none().then_some(LINES_DEFAULT));
    let mut out = out.lock();
    if let Some(since) = flags.since {
        daemon::tail_since(&config, since, &filter, style, (flags.lines, flags.follow), &mut out)?;
    } else if flags.follow {
        tail::follow(&config.alerts.log, &filter, style, lines, &mut out)?;
    } else {
        tail::show(&config.alerts.log, &filter, style, lines, &mut out)?;
    }
    Ok(())
}

fn kind(word: &str) -> Result<AlertKind, String> {
    line::kind_of(word).ok_or_else(|| {
        "expected new-story, new-coverage, update, withdrawn, surge, silence, digest or test".to_owned()
    })
}

/// A time, the start of a day (UTC), or a distance back from now.
pub(super) fn when(text: &str) -> Result<Timestamp, String> {
    let expected = || {
        "expected a time (2026-03-02T15:04:05Z), a day (2026-03-02) or a duration (90m, 12h, 3d)".to_owned()
    };
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        return day.to_zoned(jiff::tz::TimeZone::UTC).map(|start| start.timestamp()).map_err(|_| expected());
    }
    let span: Span = text.parse().map_err(|_| expected())?;
    let back: SignedDuration =
        span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| expected())?;
    Timestamp::now().checked_sub(back).map_err(|_| expected())
}
