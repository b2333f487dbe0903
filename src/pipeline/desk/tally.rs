//! What became of a topic's matches in the last two weeks, day by day (UTC).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const DAYS: i64 = 14;
const DAY_SECS: i64 = 86_400;

type Days = [u32; 14];

/// Counts by day; the place of a day is its number modulo their number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// The last day that is counted, in days since 1970.
    day: i64,
    matches: Days,
    alerts: Days,
    /// Matches that were not told, by reason.
    suppressed: BTreeMap<String, Days>,
    /// Number and time of the last alert.
    last: Option<(u64, i64)>,
}

impl Tally {
    /// A match at this time, unix seconds, and what became of it.
    pub(super) fn count_match(&mut self, at: i64, outcome: &str) {
        let place = self.pass_to(at);
        add(&mut self.matches, place);
        if let Some(reason) = outcome.strip_prefix("suppressed:") {
            add(self.suppressed.entry(reason.to_owned()).or_default(), place);
        }
    }

    /// An alert of this number.
    pub(super) fn count_alert(&mut self, at: i64, seq: u64) {
        let place = self.pass_to(at);
        add(&mut self.alerts, place);
        self.last = Some((seq, at));
    }

    /// What lies two weeks before this day goes.
    fn pass_to(&mut self, at: i64) -> usize {
        let day = at.div_euclid(DAY_SECS);
        if day > self.day {
            for passed in (self.day + 1).max(day - DAYS + 1)..=day {
                let place = place(passed);
                let all =
                    [&mut self.matches, &mut self.alerts].into_iter().chain(self.suppressed.values_mut());
                for days in all {
                    if let Some(count) = days.get_mut(place) {
                        *count = 0;
                    }
                }
            }
            self.suppressed.retain(|_, days| days.iter().any(|count| *count > 0));
            self.day = day;
        }
        place(day.max(self.day - DAYS + 1))
    }

    /// As `topics` shows it: the two weeks up to now, the oldest day first.
    pub(crate) fn shown(&self, now: i64) -> Value {
        let mut upto = self.clone();
        upto.pass_to(now);
        let in_order = |days: &Days| -> Vec<u32> {
            (upto.day - DAYS + 1..=upto.day).filter_map(|day| days.get(place(day)).copied()).collect()
        };
        let suppressed =
            upto.suppressed.iter().map(|(reason, days)| (reason.clone(), json!(days.iter().sum::<u32>())));
        json!({
            "matches": in_order(&upto.matches),
            "alerts": in_order(&upto.alerts),
            "suppressed": suppressed.collect::<serde_json::Map<_, _>>(),
            "last_alert": upto.last.map(|(seq, at)| json!({ "seq": seq, "time": Timestamp::from_second(at).ok() })),
        })
    }
}

fn add(days: &mut Days, place: usize) {
    if let Some(count) = days.get_mut(place) {
        *count = count.saturating_add(1);
    }
}

fn place(day: i64) -> usize {
    usize::try_from(day.rem_euclid(DAYS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_weeks_are_shown_and_what_is_older_goes() {
        let at = |day: i64| 1_900_000_000 + day * DAY_SECS;
        let mut tally = Tally::default();
        tally.count_match(at(0), "suppressed:copy");
        tally.count_match(at(3), "alerted");
        tally.count_alert(at(3), 7);
        tally.count_match(at(4), "suppressed:cooldown");
        let shown = tally.shown(at(13));
        assert_eq!(shown["matches"], json!([1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        assert_eq!(shown["suppressed"], json!({"copy": 1, "cooldown": 1}));
        assert_eq!(shown["last_alert"]["seq"], 7);
        tally.count_match(at(15), "alerted");
        let shown = tally.shown(at(15));
        assert_eq!(shown["matches"], json!([0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
        assert_eq!(shown["suppressed"], json!({"cooldown": 1}));
        assert_eq!(tally.shown(at(100))["matches"], json!(vec![0; 14]));
    }
}
