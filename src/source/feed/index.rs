//! Indexes of sitemaps: the sitemaps that changed of late are asked for like sitemaps of the config.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    Schedule, key_of,
    state::{Below, State},
};
use crate::{
    article::Id,
    source::{FeedKind, FeedSpec, parse::Map},
};

/// Sitemaps of one index that are asked for.
const MAPS_MAX: usize = 20;

/// Of those without a date and without a telling name.
const UNDATED_MAX: usize = 5;

/// A sitemap that has not changed for so long holds no news.
const OLD_SECS: i64 = 3 * 86_400;

/// Newly found sitemaps of one index are begun so long after each other.
const APART: Duration = Duration::from_secs(1);

/// A sitemap is asked for as its index is.
pub(super) fn spec_below(index: &FeedSpec, url: &str) -> Arc<FeedSpec> {
    Arc::new(FeedSpec { url: url.into(), kind: FeedKind::Sitemap, ..index.clone() })
}

/// The sitemaps of an index that may hold news.
fn of_late(maps: Vec<Map>, now: Timestamp) -> Vec<String> {
    let since = now.checked_sub(SignedDuration::from_secs(OLD_SECS)).unwrap_or(Timestamp::MIN);
    let (mut dated, undated): (Vec<Map>, Vec<Map>) = maps.into_iter().partition(|map| map.changed.is_some());
    dated.retain(|map| map.changed > Some(since));
    dated.sort_by(|a, b| b.changed.cmp(&a.changed).then_with(|| a.url.cmp(&b.url)));
    let (telling, others): (Vec<Map>, Vec<Map>) =
        undated.into_iter().partition(|map| map.url.to_ascii_lowercase().contains("news"));
    let rest = telling.into_iter().chain(others.into_iter().take(UNDATED_MAX));
    dated.into_iter().chain(rest).take(MAPS_MAX).map(|map| map.url).collect()
}

impl Schedule {
    /// Puts the sitemaps of an index on the schedule, and takes those off that it no longer names. Gives their
    /// addresses.
    pub(super) fn take_index(
        &mut self,
        key: Id,
        maps: Vec<Map>,
        was_known: bool,
        now: Timestamp,
    ) -> Vec<String> {
        let Some(index) = self.slots.get(&key).map(|slot| Arc::clone(&slot.spec)) else { return Vec::new() };
        let urls = of_late(maps, now);
        let wanted: BTreeSet<Id> = urls.iter().map(|url| key_of(url)).collect();
        let below = self.slots.iter().filter(|(_, slot)| slot.state.index() == Some(&*index.url));
        let gone: Vec<Id> = below.map(|(key, _)| *key).filter(|key| !wanted.contains(key)).collect();
        let mut later = Duration::ZERO;
        for url in urls {
            if self.slots.contains_key(&key_of(&url)) {
                continue;
            }
            later += APART;
            let below = Box::new(Below { index: index.url.clone(), fresh: was_known });
            let state = State { below: Some(below), ..State::default() };
            self.insert(spec_below(&index, &url), state, later);
        }
        gone.into_iter().filter_map(|key| self.remove(key)).collect()
    }

    /// After a new list of feeds: what stands below an index is asked for as the index is now.
    pub(super) fn refresh_below(&mut self) {
        let below: Vec<(Id, Id)> =
            self.slots.iter().filter_map(|(key, slot)| Some((*key, key_of(slot.state.index()?)))).collect();
        for (key, index) in below {
            let Some(index) = self.slots.get(&index).map(|slot| Arc::clone(&slot.spec)) else { continue };
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.spec = spec_below(&index, &slot.spec.url);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(maps: &[(&str, Option<&str>)], expected: &[&str]) {
        let map = |(url, changed): &(&str, Option<&str>)| Map {
            url: (*url).to_owned(),
            changed: changed.map(|at| at.parse().unwrap()),
        };
        let now = "2026-03-02T00:00:00Z".parse().unwrap();
        assert_eq!(of_late(maps.iter().map(map).collect(), now), expected);
    }

    #[test]
    fn the_newest_come_first_and_the_old_ones_not_at_all() {
        check(
            &[
                ("a", Some("2026-03-01T00:00:00Z")),
                ("b", Some("2026-03-01T12:00:00Z")),
                ("c", Some("2025-03-01T00:00:00Z")),
                ("google-News", None),
                ("d", None),
            ],
            &["b", "a", "google-News", "d"],
        );
    }

    #[test]
    fn of_very_many_only_some_are_asked_for() {
        let names: Vec<String> = (0..100).map(|number| format!("sitemap-{number}")).collect();
        let maps: Vec<_> = names.iter().map(|name| (name.as_str(), None)).collect();
        check(&maps, &["sitemap-0", "sitemap-1", "sitemap-2", "sitemap-3", "sitemap-4"]);
    }
}
