//! `backtest`: what topics would have alerted.

use std::{collections::BTreeSet, fmt::Write as _};

use clap::Args;
use jiff::{ToSpan as _, civil::Date};
use serde_json::{Value, json};

use super::{ConfigFlag, Failure};
use crate::{
    alert::line::{caption, harmless},
    daemon,
    pipeline::backtest::{Backtest, NearMiss, Tried},
};

/// Show what topics would have alerted over everything that is stored.
///
/// Judges the articles of the journal by the topics of the config as it stands now: edit it, or a copy that you name
/// with --config, and see what that changes before the daemon does. Shows the alerts by day, the latest ones, what
/// would not have been told and why, and what came nearest to a match. Nothing is stored, and a daemon may run.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// Only this topic.
    #[arg(long, value_name = "NAME")]
    topic: Option<String>,

    /// Print JSON, with every alert.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    config: ConfigFlag,
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    use std::io::Write as _;
    super::log_for_people();
    let config = super::config(&flags.config)?;
    let (tried, warnings) = daemon::backtest(&config, flags.topic.as_deref())?;
    for warning in warnings {
        super::complain(&format!("warning: {warning}"));
    }
    let mut out = std::io::stdout().lock();
    if flags.json {
        writeln!(out, "{}", as_json(&tried))?;
    } else {
        out.write_all(in_words(&tried).as_bytes())?;
    }
    Ok(())
}

pub(super) fn as_json(backtest: &Backtest) -> Value {
    let topics = backtest.topics.iter().map(|tried| {
        let days = tried.days.iter().map(|(day, alerts)| json!({ "day": day, "alerts": alerts }));
        let misses = tried.misses.iter().map(|miss| {
            json!({
                "article": miss.article, "score": miss.score, "evidence": miss.evidence, "missing": miss.missing,
            })
        });
        json!({
            "topic": tried.topic,
            "alerted": tried.alerted,
            "stories": stories(tried),
            "days": days.collect::<Value>(),
            "suppressed": tried.suppressed,
            "alerts": tried.alerts,
            "misses": misses.collect::<Value>(),
        })
    });
    let (from, to) = backtest.span.unzip();
    let without_text = backtest.without_text;
    json!({ "articles": backtest.articles, "without_text": without_text, "from": from, "to": to, "topics": topics.collect::<Value>() })
}

fn stories(tried: &Tried) -> usize {
    tried.alerts.iter().filter_map(|alert| alert.story).collect::<BTreeSet<_>>().len()
}

/// Alerts that are shown of one topic: the last ones.
const ALERTS_SHOWN: usize = 10;
/// Misses that are shown.
const MISSES_SHOWN: usize = 5;
/// Bars of a chart at most; of more days, several share one.
const BARS_MAX: i32 = 31;
/// Characters of the longest bar.
const BAR_CHARS: u64 = 40;

/// A backtest for people.
pub(super) fn in_words(backtest: &Backtest) -> String {
    let mut text = match backtest.span {
        None => "no articles are stored\n".to_owned(),
        Some((first, last)) => format!("{} articles, {first} to {last}\n", backtest.articles),
    };
    if backtest.without_text > 0 {
        writeln!(text, "{} older ones have no text any more and are left out", backtest.without_text).ok();
    }
    for tried in &backtest.topics {
        text.push('\n');
        one(&mut text, tried, backtest.span).ok();
    }
    text
}

fn one(text: &mut String, tried: &Tried, span: Option<(Date, Date)>) -> std::fmt::Result {
    let plural =
        |number: u64, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    let stories = stories(tried) as u64;
    writeln!(
        text,
        "{}: {} in {}",
        harmless(&tried.topic),
        plural(tried.alerted, "alert", "alerts"),
        plural(stories, "story", "stories")
    )?;
    let reasons: Vec<_> =
        tried.suppressed.iter().map(|(reason, number)| format!("{number} {reason}")).collect();
    if !reasons.is_empty() {
        writeln!(text, "  not told  {}", reasons.join(", "))?;
    }
    if let Some((first, last)) = span.filter(|_| tried.alerted > 0) {
        chart(text, tried, first, last)?;
    }
    let hidden = tried.alerts.len().saturating_sub(ALERTS_SHOWN);
    if hidden > 0 {
        writeln!(text, "  the last {ALERTS_SHOWN}:")?;
    }
    for alert in tried.alerts.iter().skip(hidden) {
        let (outlet, title) =
            alert.article.as_ref().map_or(("", ""), |article| (&article.source, &article.title));
        writeln!(
            text,
            "  {}  {} {} \"{}\" ({:.2}; {})",
            alert.time.strftime("%Y-%m-%d %H:%M"),
            caption(alert.kind),
            harmless(outlet),
            harmless(title),
            alert.score,
            harmless(&alert.evidence.join("; "))
        )?;
    }
    if !tried.misses.is_empty() {
        writeln!(text, "  nearest misses:")?;
    }
    for NearMiss { article, score, missing, .. } in tried.misses.iter().take(MISSES_SHOWN) {
        let (id, title) = (article.id, harmless(&article.title));
        writeln!(text, "  {score:.2}  {id} \"{title}\": {}", harmless(missing))?;
    }
    Ok(())
}

/// A bar for each day, or for each few days.
fn chart(text: &mut String, tried: &Tried, first: Date, last: Date) -> std::fmt::Result {
    let days = first.until(last).map_or(0, |span| span.get_days()) + 1;
    let step = (days + BARS_MAX - 1) / BARS_MAX;
    if step > 1 {
        writeln!(text, "  alerts in {step} days from")?;
    }
    let mut bars = Vec::new();
    let mut from = first;
    while from <= last {
        let to = from.saturating_add(step.days());
        bars.push((from, tried.days.range(from..to).map(|(_, alerts)| *alerts).sum::<u64>()));
        if to == from {
            break;
        }
        from = to;
    }
    let most = bars.iter().map(|(_, alerts)| *alerts).max().unwrap_or(0).max(1);
    // Quiet days before the first alert and after the last one say nothing.
    let begin = bars.iter().position(|(_, alerts)| *alerts > 0).unwrap_or(0);
    let end = bars.iter().rposition(|(_, alerts)| *alerts > 0).map_or(0, |place| place + 1);
    for (day, alerts) in bars.iter().take(end).skip(begin) {
        let length = (alerts * BAR_CHARS).div_ceil(most);
        let bar = "█".repeat(usize::try_from(length).unwrap_or(0));
        let line = format!("  {day}  {bar} {alerts}");
        writeln!(text, "{}", line.trim_end())?;
    }
    Ok(())
}
