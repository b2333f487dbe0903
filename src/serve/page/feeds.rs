//! How the feeds are doing, in words.

use jiff::Timestamp;
use maud::html;

use super::{
    answer::Page,
    house::FEEDS_PART,
    layout::{self, Tab},
    parts::{self, address, counted, grouped, outward},
};
use crate::{
    health::{Health, Standing, Tally},
    source::net,
};

const SHOWN: usize = 100;

/// Which feeds.
pub(super) struct Asked {
    pub(super) only_ill: bool,
    /// Of very many feeds the how manieth part, from 0.
    pub(super) part: usize,
    /// The first of those.
    pub(super) from: usize,
    /// Feeds of all parts.
    pub(super) in_all: usize,
}

impl Asked {
    fn path(&self, part: usize, from: usize) -> String {
        let number = |number: usize| if number == 0 { String::new() } else { number.to_string() };
        let ill = if self.only_ill { "1" } else { "" };
        address("/feeds", &[("ill", ill), ("part", &number(part)), ("from", &number(from))])
    }
}

/// `feeds` are those of the part.
pub(super) fn page(feeds: &[Standing], asked: &Asked, now: Timestamp) -> Page {
    let Asked { only_ill, part, from, in_all } = *asked;
    let all: Vec<Health> = feeds.iter().map(|feed| Health::of(feed.clone(), now)).collect();
    let mut tally = Tally::default();
    for health in &all {
        tally.count(health);
    }
    let shown: Vec<&Health> = all.iter().filter(|health| !only_ill || health.needs_care()).collect();
    let first = part * FEEDS_PART;
    let before = (from > 0)
        .then(|| asked.path(part, from.saturating_sub(SHOWN)))
        .or_else(|| part.checked_sub(1).map(|part| asked.path(part, 0)));
    let after = (shown.len() > from + SHOWN)
        .then(|| asked.path(part, from + SHOWN))
        .or_else(|| (in_all > first + FEEDS_PART).then(|| asked.path(part + 1, 0)));
    if in_all == 0 {
        let main = html! { h1 { "Feeds" } p.lead { "The config has no feed." } };
        return layout::page(Tab::Feeds, "Feeds", main).into();
    }
    let main = html! {
        h1 { "Feeds" }
        header.row {
            p.lead {
                @if in_all > FEEDS_PART {
                    (grouped(first + 1)) " to " (grouped(first + feeds.len())) " of " (counted(in_all, "feed")) ": "
                }
                (tally.in_words()) "."
            }
            nav.choice aria-label="Which feeds" {
                @let (whole, ill) = (Asked { only_ill: false, ..*asked }, Asked { only_ill: true, ..*asked });
                a href=(whole.path(part, 0)) aria-current=[(!only_ill).then_some("true")] { "All" }
                a href=(ill.path(part, 0)) aria-current=[only_ill.then_some("true")] { "In need of care" }
            }
        }
        @if shown.is_empty() {
            p.empty { "None" @if in_all > FEEDS_PART { " of these" } ": all is well." }
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
        (parts::turn(before, after))
    };
    layout::page(Tab::Feeds, "Feeds", main).into()
}

fn capital(line: &str) -> String {
    let mut chars = line.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(in_all: usize, part: usize, from: usize) -> String {
        let feed = |number: usize| Standing {
            url: format!("https://gull.example/{number}.xml"),
            name: Some(format!("feed {number}")),
            kind: "feed",
            outlet: None,
            folder: None,
            state: None,
        };
        let first = part * FEEDS_PART;
        let feeds: Vec<Standing> = (first..in_all.min(first + FEEDS_PART)).map(feed).collect();
        let asked = Asked { only_ill: false, part, from, in_all };
        page(&feeds, &asked, Timestamp::UNIX_EPOCH).markup.into_string()
    }

    #[test]
    fn the_last_of_very_many_feeds_can_be_gone_to() {
        let end = shown(5_150, 0, 4_900);
        assert!(end.contains("feed 4999<") && end.contains("href=\"/feeds?part=1\""), "{end}");
        let next = shown(5_150, 1, 0);
        assert!(next.contains("5\u{202f}001 to 5\u{202f}150 of 5\u{202f}150\u{a0}feeds"), "{next}");
        assert!(
            next.contains("href=\"/feeds\"") && next.contains("href=\"/feeds?part=1&amp;from=100\""),
            "{next}"
        );
        let last = shown(5_150, 1, 100);
        assert!(last.contains("feed 5149<") && !last.contains("rel=\"next\""), "{last}");
    }

    #[test]
    fn few_feeds_have_no_parts() {
        let all = shown(2, 0, 0);
        assert!(all.contains("feed 1<") && !all.contains(" of 2") && !all.contains("part="), "{all}");
    }
}
