//! How the feeds are doing, in words.

use jiff::Timestamp;
use maud::html;

use super::{
    answer::Page,
    layout::{self, Tab},
    parts::{self, address, outward},
};
use crate::{
    health::{Health, Standing, Tally},
    source::net,
};

const SHOWN: usize = 100;

pub(super) fn page(feeds: &[Standing], only_ill: bool, from: usize, now: Timestamp) -> Page {
    let all: Vec<Health> = feeds.iter().map(|feed| Health::of(feed.clone(), now)).collect();
    let mut tally = Tally::default();
    for health in &all {
        tally.count(health);
    }
    let shown: Vec<&Health> = all.iter().filter(|health| !only_ill || health.needs_care()).collect();
    let part = |from: usize| {
        let from = if from == 0 { String::new() } else { from.to_string() };
        address("/feeds", &[("ill", if only_ill { "1" } else { "" }), ("from", &from)])
    };
    let main = html! {
        h1 { "Feeds" }
        header.row {
            p.lead { (tally.in_words()) "."
                @if feeds.len() == super::FEEDS_MAX { " These are the first; " code { "storywatch feeds list" } " tells of all." } }
            nav.choice aria-label="Which feeds" {
                @if only_ill { a href="/feeds" { "All" } a href="/feeds?ill=1" aria-current="true" { "In need of care" } }
                @else { a href="/feeds" aria-current="true" { "All" } a href="/feeds?ill=1" { "In need of care" } }
            }
        }
        @if shown.is_empty() {
            p.empty { @if only_ill { "None: all is well." } @else { "The config has no feed." } }
        }
        ul.feeds {
            @for health in shown.iter().skip(from).take(SHOWN) {
                @let url = net::redacted(&health.feed().url);
                @let name = health.feed().name.as_deref().unwrap_or(&url);
                li {
                    p.meta { span.health data-health=(health.word()) { (health.word()) } }
                    p.headline { (outward(Some(&url), name)) }
                    @for line in health.lines() { p.quiet { (capital(&line)) "." } }
                }
            }
        }
        (parts::turn(
            (from > 0).then(|| part(from.saturating_sub(SHOWN))),
            (shown.len() > from + SHOWN).then(|| part(from + SHOWN)),
        ))
    };
    layout::page(Tab::Feeds, "Feeds", main).into()
}

fn capital(line: &str) -> String {
    let mut chars = line.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
