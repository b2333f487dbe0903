//! Search, in a form that works without a script.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use maud::{Markup, html};

use super::{
    answer::Page,
    layout::{self, Tab},
    parts::{self, Form, address, counted, outward, story_path},
};
use crate::{
    article::Verdict,
    reading::{
        ReadingError, View,
        found::{Found, Report, Search, is_askers},
    },
    search::{By, Filter},
};

const SHOWN: usize = 20;

/// What stands in the form.
#[derive(Debug, Default)]
pub(super) struct Asked {
    words: String,
    outlet: String,
    entity: String,
    lang: String,
    topic: String,
    since: String,
    until: String,
    by: String,
    skip: usize,
}

impl Asked {
    pub(super) fn of(get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| get(name).unwrap_or_default();
        Self {
            words: text("q"),
            outlet: text("outlet"),
            entity: text("entity"),
            lang: text("lang"),
            topic: text("topic"),
            since: text("since"),
            until: text("until"),
            by: text("by"),
            skip: text("skip").parse().unwrap_or(0),
        }
    }

    fn is_blank(&self) -> bool {
        let fields =
            [&self.words, &self.outlet, &self.entity, &self.lang, &self.topic, &self.since, &self.until];
        fields.iter().all(|field| field.is_empty())
    }

    fn is_narrowed(&self) -> bool {
        let fields = [&self.outlet, &self.entity, &self.lang, &self.topic, &self.since, &self.until];
        fields.iter().any(|field| !field.is_empty())
    }

    fn search(&self) -> Search {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        Search {
            words: self.words.clone(),
            outlet: some(&self.outlet),
            entity: some(&self.entity),
            language: some(&self.lang),
            filter: Filter {
                topic: some(&self.topic),
                since: day(&self.since),
                // The day itself is meant too.
                until: day(&self.until).map(|start| start + 86_400),
                ..Filter::default()
            },
            by: if self.by == "relevance" { By::Relevance } else { By::Date },
            count: SHOWN,
            skip: self.skip,
        }
    }

    fn path(&self, skip: usize) -> String {
        let skip = if skip == 0 { String::new() } else { skip.to_string() };
        address(
            "/search",
            &[
                ("q", &self.words),
                ("outlet", &self.outlet),
                ("entity", &self.entity),
                ("lang", &self.lang),
                ("topic", &self.topic),
                ("since", &self.since),
                ("until", &self.until),
                ("by", &self.by),
                ("skip", &skip),
            ],
        )
    }
}

/// The start of a day, UTC.
fn day(text: &str) -> Option<i64> {
    let date: Date = text.parse().ok()?;
    date.to_zoned(TimeZone::UTC).ok().map(|start| start.timestamp().as_second())
}

pub(super) fn page(view: &View, asked: &Asked) -> Result<Page, ReadingError> {
    let found = if asked.is_blank() { None } else { Some(view.search(&asked.search())) };
    let result = match found {
        None => html! { (advice()) },
        Some(Err(fault)) if is_askers(&fault) => {
            html! { p.fault role="status" { (fault.to_string()) "." } (advice()) }
        }
        Some(Err(fault)) => return Err(fault),
        Some(Ok(found)) => results(&found, asked),
    };
    let title =
        if asked.words.is_empty() { "Search".to_owned() } else { format!("{} · Search", asked.words) };
    let main = html! {
        h1 { "Search" }
        (form(asked))
        (result)
    };
    Ok(layout::page(Tab::Search, &title, main).into())
}

fn form(asked: &Asked) -> Markup {
    let field = |name: &str, label: &str, value: &str, kind: &str| {
        html! { label { span { (label) } input type=(kind) name=(name) value=(value); } }
    };
    html! {
        form.search action="/search" role="search" {
            div.row {
                input type="search" name="q" value=(asked.words) aria-label="Words" placeholder="\"Port Maren\" AND (strike* OR ferry) NOT sport"
                    maxlength="2000" autofocus[asked.is_blank()];
                select name="by" aria-label="What comes first" {
                    option value="date" { "Newest first" }
                    option value="relevance" selected[asked.by == "relevance"] { "Best first" }
                }
                button type="submit" { "Search" }
            }
            details open[asked.is_narrowed()] {
                summary { "Narrow down" }
                div.fields {
                    (field("outlet", "Outlet", &asked.outlet, "text"))
                    (field("entity", "Person, organisation, place", &asked.entity, "text"))
                    (field("topic", "Topic", &asked.topic, "text"))
                    (field("lang", "Language", &asked.lang, "text"))
                    (field("since", "From", &asked.since, "date"))
                    (field("until", "To", &asked.until, "date"))
                }
            }
        }
    }
}

fn advice() -> Markup {
    html! {
        p.quiet {
            "Words side by side must all occur. Also: " code { "\"a phrase\"" } ", " code { "prefix*" } ", "
            code { "OR" } ", " code { "NOT" } ", parentheses, " code { "a NEAR/5 b" } ", " code { "title:word" } ", "
            code { "entity:\"Jane Doe\"" } ", " code { "source:example.org" } ", " code { "lang:en" } ", " code { "=Case" } "."
        }
    }
}

fn results(found: &Found, asked: &Asked) -> Markup {
    let count = usize::try_from(found.reports).unwrap_or(usize::MAX);
    html! {
        p.lead role="status" {
            @if found.hits.is_empty() && (found.at_least || found.at_most) {
                "No report found among the newest. Name an outlet, a time or a rarer word beside it."
            }
            @else if found.hits.is_empty() { "No report found." }
            @else { @if found.at_least { "More than " } @else if found.at_most { "At most " } (counted(count, "report")) }
        }
        ol.results { @for report in &found.hits { (result(report)) } }
        (parts::turn(
            (asked.skip > 0).then(|| asked.path(asked.skip.saturating_sub(SHOWN))),
            found.more.then(|| asked.path(asked.skip + SHOWN)),
        ))
    }
}

fn result(report: &Report) -> Markup {
    let at: Timestamp = report.published.unwrap_or(report.seen_at);
    html! {
        li {
            p.meta {
                span { (parts::shown_source(&report.source)) }
                @if report.withdrawn { span.kind { "taken back" } }
                @else if report.verdict == Verdict::Copy { span.kind { "copy" } }
                (parts::time(at, Form::Minute))
            }
            p.headline { (outward(report.url.as_deref(), parts::shown(&report.title))) }
            @if !report.snippet.is_empty() { p.snippet { (passage(&report.snippet, &report.marks)) } }
            p.quiet {
                @if let Some(story) = report.story { a href=(story_path(story)) { "Its story" } }
                @for topic in &report.topics { " · " a href=(address("/topic", &[("name", topic)])) { (topic) } }
            }
        }
    }
}

/// A passage with its marks.
fn passage(text: &str, marks: &[(u32, u32)]) -> Markup {
    let mut pieces: Vec<(bool, String)> = Vec::new();
    for (at, char) in (0_u32..).zip(text.chars()) {
        let marked = marks.iter().any(|(from, to)| (*from..*to).contains(&at));
        match pieces.last_mut() {
            Some((same, piece)) if *same == marked => piece.push(char),
            _ => pieces.push((marked, char.to_string())),
        }
    }
    html! { @for (marked, piece) in &pieces { @if *marked { mark { (piece) } } @else { (piece) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_escaped_where_it_is_marked_too() {
        let shown = passage("a <b>ferry</b>", &[(2, 10)]).into_string();
        assert_eq!(shown, "a <mark>&lt;b&gt;ferry</mark>&lt;/b&gt;");
    }

    #[test]
    fn the_last_day_counts_whole() {
        let asked = Asked { since: "2026-03-02".into(), until: "2026-03-02".into(), ..Asked::default() };
        let filter = asked.search().filter;
        assert_eq!(filter.until.unwrap() - filter.since.unwrap(), 86_400);
        assert_eq!(day("no day"), None);
    }
}
