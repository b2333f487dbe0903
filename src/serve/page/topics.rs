//! The topics: what was told today, and how coverage goes.

use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    answer::Page,
    chart::{self, Span, chart},
    desk::deadline,
    layout::{self, Tab},
    parts::{self, address, counted},
};
use crate::{
    reading::{ReadingError, View},
    search::Filter,
};

/// Topics of one page.
const TOPICS_SHOWN: usize = 15;
/// Alerts shown of each.
const ALERTS_SHOWN: usize = 4;
/// Of all together, above them.
const LATEST_SHOWN: usize = 6;
/// Alerts shown of one topic on its own page.
const ALERTS_OF_ONE: usize = 40;
/// Stories of it.
const STORIES_OF_ONE: usize = 15;
const DAY_SECS: i64 = 86_400;

/// The topics' names, in the order of the config.
pub(super) fn names(status: &Value) -> Vec<String> {
    let topics = status.get("topics").and_then(Value::as_array).into_iter().flatten();
    topics.filter_map(|name| name.as_str().map(ToOwned::to_owned)).collect()
}

pub(super) fn all(
    view: &View,
    names: &[String],
    from: usize,
    status: &Value,
    now: Timestamp,
) -> Result<Page, ReadingError> {
    let deadline = deadline();
    let (since, day) = (Span::Hour.since(now), now.as_second() - DAY_SECS);
    let latest = view.alerts(None, None, LATEST_SHOWN, deadline)?;
    let bars = view.coverage(None, since, Span::Hour.secs(), Span::Hour.count(), deadline)?;
    let mut sections = Vec::new();
    for name in names.iter().skip(from).take(TOPICS_SHOWN) {
        sections.push(section(view, name, since, day, deadline)?);
    }
    let last_seq = latest.iter().map(|alert| alert.seq).max().unwrap_or(0);
    let main = html! {
        div.cols {
            section.latest aria-labelledby="latest" {
                h1 #latest { "Latest alerts" }
                ol.alerts #live data-after=(last_seq) data-most=(LATEST_SHOWN) aria-live="polite" {
                    @for alert in &latest { (parts::alert(alert, true)) }
                }
                @if latest.is_empty() {
                    p.empty #none { "Nothing was told yet. Alerts appear here as they come." }
                }
            }
            aside aria-label="The last 24 hours" {
                h2 { "All coverage, 24 hours" }
                p.figure { (counted(chart::total(&bars), "report")) }
                (chart(&bars, since, Span::Hour, true))
                (in_all(status))
            }
        }
        section aria-labelledby="topics" {
            h2 #topics { "Topics" }
            @if names.is_empty() {
                p.empty { "The config has no topic. " code { "storywatch topics new" } " proposes one from sample reports." }
            }
            div.topics { @for section in sections { (section) } }
            (parts::turn(
                (from > 0).then(|| address("/", &[("from", &from.saturating_sub(TOPICS_SHOWN).to_string())])),
                (names.len() > from + TOPICS_SHOWN)
                    .then(|| address("/", &[("from", &(from + TOPICS_SHOWN).to_string())])),
            ))
        }
    };
    Ok(layout::page(Tab::Topics, "Topics", main).into())
}

/// How much there is in all.
fn in_all(status: &Value) -> Markup {
    let number = |part: &str, name: &str| {
        let value = status.get(part).and_then(|part| part.get(name)).and_then(Value::as_u64);
        usize::try_from(value.unwrap_or(0)).unwrap_or(usize::MAX)
    };
    let fault = status.get("alerts").and_then(|alerts| alerts.get("log_fault")).and_then(Value::as_str);
    html! {
        p.quiet {
            "In all " (counted(number("articles", "new"), "report")) ", " (counted(number("articles", "copy"), "copy"))
            ", " (counted(number("articles", "update"), "update")) "; " (counted(number("alerts", "last"), "alert")) "."
        }
        @if let Some(fault) = fault { p.fault { "The alert log cannot be written: " (fault) } }
    }
}

fn section(
    view: &View,
    name: &str,
    since: i64,
    day: i64,
    deadline: std::time::Instant,
) -> Result<Markup, ReadingError> {
    let bars = view.coverage(Some(name), since, Span::Hour.secs(), Span::Hour.count(), deadline)?;
    let mut alerts = view.alerts(Some(name), Some(day), ALERTS_SHOWN + 1, deadline)?;
    let more = alerts.len() > ALERTS_SHOWN;
    alerts.truncate(ALERTS_SHOWN);
    let path = address("/topic", &[("name", name)]);
    Ok(html! {
        article.topic {
            header {
                h3 { a href=(path) { (name) } }
                span.quiet { (counted(chart::total(&bars), "report")) " in 24 hours" }
            }
            (chart(&bars, since, Span::Hour, false))
            @if alerts.is_empty() { p.empty { "No alert in 24 hours." } }
            @else { ol.brief { @for alert in &alerts { (parts::brief(alert)) } } }
            @if more { p.more { a href=(path) { "All alerts of " (name) } } }
        }
    })
}

pub(super) fn one(view: &View, name: &str, by_day: bool, now: Timestamp) -> Result<Page, ReadingError> {
    let deadline = deadline();
    let span = if by_day { Span::Day } else { Span::Hour };
    let since = span.since(now);
    let bars = view.coverage(Some(name), since, span.secs(), span.count(), deadline)?;
    let alerts = view.alerts(Some(name), None, ALERTS_OF_ONE, deadline)?;
    let filter =
        Filter { topic: Some(name.to_owned()), since: Some(Span::Day.since(now)), ..Filter::default() };
    let (stories, in_all) = view.recent(&filter, 0, STORIES_OF_ONE, deadline)?;
    let choice = |day: bool, words: &str| {
        let path = address("/topic", &[("name", name), ("by", if day { "day" } else { "" })]);
        html! { @if day == by_day { a href=(path) aria-current="true" { (words) } } @else { a href=(path) { (words) } } }
    };
    let main = html! {
        p.over { "Topic" }
        h1 { (name) }
        section aria-label="Coverage" {
            header.row {
                p.figure { (counted(chart::total(&bars), "report")) }
                nav.choice aria-label="Span of the chart" { (choice(false, "24 hours")) (choice(true, "30 days")) }
            }
            (chart(&bars, since, span, true))
        }
        div.cols {
            section aria-labelledby="alerts" {
                h2 #alerts { "Alerts" }
                @if alerts.is_empty() { p.empty { "Nothing was told yet." } }
                ol.alerts { @for alert in &alerts { (parts::alert(alert, false)) } }
                p.more { a href=(address("/search", &[("topic", name)])) { "All its articles" } }
            }
            aside aria-labelledby="stories" {
                h2 #stories { "Stories of 30 days" }
                @if stories.is_empty() { p.empty { "No story of several reports." } }
                ol.stories { @for (id, story) in &stories { (parts::story(*id, story)) } }
                @if in_all > stories.len() { p.quiet { "and " (in_all - stories.len()) " more" } }
            }
        }
    };
    Ok(layout::page(Tab::Topics, name, main).into())
}
