//! The stories of the last days.

use jiff::Timestamp;
use maud::html;

use super::{
    answer::Page,
    desk::deadline,
    layout::{self, Tab},
    parts::{self, address, counted},
};
use crate::{
    reading::{ReadingError, View},
    search::Filter,
};

/// As long a story stays open for a further report where nothing else is said.
const RECENT_SECS: i64 = 5 * 86_400;
const SHOWN: usize = 40;

pub(super) fn page(view: &View, from: usize, now: Timestamp) -> Result<Page, ReadingError> {
    let filter = Filter { since: Some(now.as_second() - RECENT_SECS), ..Filter::default() };
    let (stories, all) = view.recent(&filter, from, SHOWN, deadline())?;
    let part = |from: usize| address("/stories", &[("from", &from.to_string())]);
    let main = html! {
        h1 { "Stories" }
        p.lead {
            @if all == 0 { "No story had a second report in the last five days." }
            @else { (counted(all, "story")) " of several reports in the last five days, the newest first." }
        }
        ol.stories.wide { @for (id, story) in &stories { (parts::story(*id, story)) } }
        (parts::turn(
            (from > 0).then(|| part(from.saturating_sub(SHOWN))),
            (all > from + SHOWN).then(|| part(from + SHOWN)),
        ))
    };
    Ok(layout::page(Tab::Stories, "Stories", main).into())
}
