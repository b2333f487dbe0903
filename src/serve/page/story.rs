//! One story: a lane for each outlet, what each report added, how its statements drift, who is in it.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use maud::{Markup, html};

use super::{
    answer::Page,
    layout::{self, Tab},
    parts::{self, Form, address, counted, outward},
};
use crate::{
    article::{EntityKind, Id, Verdict},
    reading::{
        ReadingError, View,
        storyline::{QuoteGroup, Report, Storyline},
        wording::{Wording, wordings},
    },
};

/// Reports of one page.
const REPORTS_SHOWN: usize = 60;
const LANES_SHOWN: usize = 24;
const GROUPS_SHOWN: usize = 12;
const WORDINGS_SHOWN: usize = 8;
const NAMES_SHOWN: usize = 14;
const DAYS_SHOWN: usize = 10;
const NEW_SHOWN: usize = 8;
const OUTLETS_SHOWN: usize = 12;
/// Width of a lane in its own units.
const LANE: i64 = 1_000;

pub(super) fn page(view: &View, id: Id, from: usize) -> Result<Page, ReadingError> {
    let Some(story) = view.story(id)? else {
        return Ok(layout::message(
            hyper::StatusCode::NOT_FOUND,
            "No such story",
            "No story is known by this address. It may be in the index in a moment.",
        ));
    };
    let shown = story.listed();
    let latest = shown.len().saturating_sub(1) / REPORTS_SHOWN * REPORTS_SHOWN;
    let part = |from: usize| address(&parts::story_path(id), &[("from", &from.to_string())]);
    let title = parts::shown(&story.title);
    let main = html! {
        p.over { "Story" }
        h1 { (title) }
        (summary(&story))
        (lanes(&story))
        div.cols {
            section aria-labelledby="timeline" {
                h2 #timeline { "What each report added" }
                @if from < latest { p.quiet { a href=(part(latest)) { "To the latest reports" } } }
                (timeline(shown.iter().skip(from).take(REPORTS_SHOWN).copied(), &story))
                (parts::turn(
                    (from > 0).then(|| part(from.saturating_sub(REPORTS_SHOWN))),
                    (shown.len() > from + REPORTS_SHOWN).then(|| part(from + REPORTS_SHOWN)),
                ))
            }
            aside aria-label="Statements and names" {
                (statements(&story.quote_groups))
                (names(&story))
                (new_names(&story))
            }
        }
    };
    Ok(layout::page(Tab::Stories, title, main).into())
}

fn summary(story: &Storyline) -> Markup {
    html! {
        p.lead {
            (counted(story.articles.len(), "report")) " of " (counted(story.outlets, "outlet"))
            @if story.copies > 0 || story.outlets > story.independent { ", " (story.independent) " independent" }
            @if story.copies > 0 { ", " (counted(story.copies, "wire copy")) }
            "."
            @if let Some(first) = story.articles.first() {
                " First: " (parts::shown_source(&first.source)) ", " (parts::time(first.seen_at, Form::Minute)) "."
            }
            @if story.left_out > 0 {
                " Of this long story these are the first and the latest; " (story.left_out) " reports and revisions between
                them are left out."
            }
        }
    }
}

/// A row an outlet, a mark a report, from the story's first moment to its last.
fn lanes(story: &Storyline) -> Markup {
    let mut rows: Vec<(&str, Vec<&Report>)> = Vec::new();
    for report in &story.articles {
        match rows.iter_mut().find(|(source, _)| *source == report.source) {
            Some((_, reports)) => reports.push(report),
            None => rows.push((&report.source, vec![report])),
        }
    }
    let times = || {
        story.articles.iter().flat_map(|report| {
            std::iter::once(report.seen_at).chain(report.updates.iter().map(|update| update.seen_at))
        })
    };
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return html! {} };
    let span = (last.as_second() - first.as_second()).max(1);
    let place = |at: Timestamp| (at.as_second() - first.as_second()) * LANE / span;
    html! {
        section.lanes aria-label="Who reported when" {
            table {
                caption.hidden { "Reports of each outlet over time" }
                colgroup { col.outlet; col; col.count; }
                thead {
                    tr {
                        @for title in ["Outlet", "Reports over time", "Reports"] { th scope="col" { span.hidden { (title) } } }
                    }
                }
                tbody {
                    @for (source, reports) in rows.iter().take(LANES_SHOWN) {
                        tr {
                            th scope="row" { (parts::shown_source(source)) }
                            td { (lane(reports, &place)) }
                            td.number { (reports.len()) }
                        }
                    }
                }
            }
            p.scale { (parts::time(first, Form::Minute)) (parts::time(last, Form::Minute)) }
            p.legend {
                span.own { "own words" } span.copies { "copy" } span.updates { "update" }
                @if rows.len() > LANES_SHOWN { "and " (counted(rows.len() - LANES_SHOWN, "outlet")) " more" }
            }
        }
    }
}

fn lane(reports: &[&Report], place: &dyn Fn(Timestamp) -> i64) -> Markup {
    let words: Vec<String> =
        reports.iter().map(|report| report.seen_at.strftime("%-d %b, %H:%M UTC").to_string()).collect();
    html! {
        svg viewBox={ "0 0 " (LANE) " 20" } preserveAspectRatio="none" role="img" aria-label=(words.join("; ")) {
            path.line d={ "M0 10H" (LANE) } vector-effect="non-scaling-stroke" {}
            @for report in reports {
                @for update in &report.updates {
                    path.update d={ "M" (place(update.seen_at)) " 5V15" } vector-effect="non-scaling-stroke" {}
                }
                path class=(if report.verdict == Verdict::Copy { "copy" } else { "own" })
                    d={ "M" (place(report.seen_at)) " 10h.01" } vector-effect="non-scaling-stroke" {}
            }
        }
    }
}

fn timeline<'s>(reports: impl Iterator<Item = &'s Report>, story: &Storyline) -> Markup {
    let mut days: Vec<(Date, Vec<&Report>)> = Vec::new();
    for report in reports {
        let day = report.seen_at.to_zoned(TimeZone::UTC).date();
        match days.last_mut() {
            Some((same, reports)) if *same == day => reports.push(report),
            _ => days.push((day, vec![report])),
        }
    }
    let resumed = story.resumed_by();
    html! {
        @for (_, reports) in &days {
            @if let Some(first) = reports.first() { h3.day { (parts::time(first.seen_at, Form::Day)) } }
            ol.timeline {
                @for report in reports {
                    @if resumed == Some(report.id) {
                        li { p.quiet { (story.left_out) " reports and revisions between are left out" } }
                    }
                    (told(report, story))
                }
            }
        }
    }
}

fn told(report: &Report, story: &Storyline) -> Markup {
    let copies: Vec<&str> = story
        .articles
        .iter()
        .filter(|other| other.copy_of == Some(report.id))
        .map(|copy| parts::shown_source(&copy.source))
        .collect();
    html! {
        li id={ "r-" (report.id) } {
            p.meta {
                (parts::time(report.seen_at, Form::Clock))
                span { (parts::shown_source(&report.source)) }
                @if report.verdict == Verdict::Copy { span.kind { "copy" } }
            }
            p.headline { (outward(report.url.as_deref(), parts::shown(&report.title))) }
            @if let Some(novel) = &report.novel { p.novel { "“" (novel) "”" } }
            @if !report.new_entities.is_empty() {
                p.quiet { "New: " (report.new_entities.iter().take(NEW_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ")) }
            }
            @for update in &report.updates {
                p.update {
                    span.kind { "update" } " " (parts::time(update.seen_at, Form::Minute)) " "
                    @match (&update.reason, &update.novel) {
                        (Some(reason), _) => (reason),
                        (None, Some(novel)) => { "“" (novel) "”" },
                        (None, None) => "nothing that matters",
                    }
                }
            }
            @if !copies.is_empty() {
                details.copies {
                    summary { "Printed by " (copies.len()) " more" }
                    p { (copies.join(", ")) }
                }
            }
        }
    }
}

fn statements(groups: &[QuoteGroup]) -> Markup {
    html! {
        section.drift aria-labelledby="drift" {
            h2 #drift { "Who says it differently" }
            @if groups.is_empty() { p.empty { "No statement stands in two outlets." } }
            @for group in groups.iter().take(GROUPS_SHOWN) {
                figure {
                    figcaption { (group.speaker.as_deref().unwrap_or("Speaker not known")) }
                    @for wording in wordings(group).iter().take(WORDINGS_SHOWN) { (worded(wording)) }
                }
            }
            @if groups.len() > GROUPS_SHOWN { p.quiet { "and " (counted(groups.len() - GROUPS_SHOWN, "statement")) " more" } }
        }
    }
}

fn worded(wording: &Wording) -> Markup {
    let mut pieces: Vec<(bool, String)> = Vec::new();
    for (at, char) in (0_u32..).zip(wording.text.chars()) {
        let differs = wording.marks.iter().any(|(from, to)| (*from..*to).contains(&at));
        match pieces.last_mut() {
            Some((same, piece)) if *same == differs => piece.push(char),
            _ => pieces.push((differs, char.to_string())),
        }
    }
    let outlets: Vec<&str> = wording.outlets.iter().map(|outlet| parts::shown_source(outlet)).collect();
    html! {
        blockquote {
            p { "“" @for (differs, piece) in &pieces { @if *differs { mark { (piece) } } @else { (piece) } } "”" }
            footer {
                @if let [alone] = outlets.as_slice() { span.alone { "only " (alone) } }
                @else {
                    (outlets.iter().take(OUTLETS_SHOWN).copied().collect::<Vec<_>>().join(", "))
                    @if outlets.len() > OUTLETS_SHOWN { " and " (outlets.len() - OUTLETS_SHOWN) " more" }
                }
            }
        }
    }
}

fn names(story: &Storyline) -> Markup {
    let kinds =
        [(EntityKind::Person, "People"), (EntityKind::Org, "Organisations"), (EntityKind::Place, "Places")];
    html! {
        section.names aria-labelledby="names" {
            h2 #names { "Who and what" }
            @for (kind, title) in kinds {
                @let of_kind: Vec<_> = story.entities.iter().filter(|named| named.kind == kind).take(NAMES_SHOWN).collect();
                @if !of_kind.is_empty() {
                    h3 { (title) }
                    ul.tags {
                        @for named in of_kind {
                            li {
                                a href=(address("/search", &[("entity", &named.name)])) { (named.name) }
                                " " span.number { (named.articles) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn new_names(story: &Storyline) -> Markup {
    let days = story.new_names();
    html! {
        @if !days.is_empty() {
            section.names aria-labelledby="new" {
                h2 #new { "New names by day" }
                dl {
                    @for (day, names) in days.iter().take(DAYS_SHOWN) {
                        dt { (day.strftime("%-d %b").to_string()) }
                        dd {
                            (names.iter().take(NAMES_SHOWN).copied().collect::<Vec<_>>().join(", "))
                            @if names.len() > NAMES_SHOWN { " and " (names.len() - NAMES_SHOWN) " more" }
                        }
                    }
                }
            }
        }
    }
}
