//! What a feed itself asks of those who poll it. Pure.

use jiff::{SignedDuration, Timestamp, Zoned, civil::Weekday, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A feed's own wishes: RSS's `ttl`, `skipHours` and `skipDays`, and the period of the syndication module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pace {
    /// Not to be asked again sooner, in seconds.
    #[serde(skip_serializing_if = "is_none_u32")]
    pub floor_secs: u32,
    /// Hours of the day, UTC, in which it is not to be asked: bit 0 is midnight to one.
    #[serde(skip_serializing_if = "is_none_u32")]
    pub skip_hours: u32,
    /// Days of the week, UTC, on which it is not to be asked: bit 0 is Monday.
    #[serde(skip_serializing_if = "is_none_u8")]
    pub skip_days: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if asks for a reference")]
fn is_none_u32(bits: &u32) -> bool {
    *bits == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if asks for a reference")]
fn is_none_u8(bits: &u8) -> bool {
    *bits == 0
}

/// Hours in a week: beyond them nothing new comes.
const WEEK_HOURS: usize = 7 * 24;

impl Pace {
    /// Whether it asks for nothing.
    pub fn is_free(&self) -> bool {
        *self == Self::default()
    }

    /// The time itself, or the first full hour after it that is not to be skipped. A feed that skips every hour of the
    /// week is mistaken.
    pub fn awake(&self, due: Timestamp) -> Timestamp {
        if self.skip_hours == 0 && self.skip_days == 0 {
            return due;
        }
        let mut at = due;
        for _ in 0..WEEK_HOURS {
            let time = at.to_zoned(TimeZone::UTC);
            if !self.skips(&time) {
                return at;
            }
            let full = at.as_second() - at.as_second().rem_euclid(3600);
            let next =
                Timestamp::from_second(full).and_then(|full| full.checked_add(SignedDuration::from_hours(1)));
            let Ok(next) = next else { return due };
            at = next;
        }
        due
    }

    fn skips(&self, time: &Zoned) -> bool {
        let hour = u32::try_from(time.hour()).unwrap_or(0);
        let day = u32::try_from(time.weekday().to_monday_zero_offset()).unwrap_or(0);
        (self.skip_hours >> hour) & 1 == 1 || (u32::from(self.skip_days) >> day) & 1 == 1
    }

    /// `<ttl>`, in minutes.
    pub(super) fn ttl(&mut self, minutes: &str) {
        let secs = minutes.trim().parse::<u32>().unwrap_or(0).saturating_mul(60);
        self.floor_secs = self.floor_secs.max(secs);
    }

    /// `sy:updatePeriod`, which passes `sy:updateFrequency` times between two updates of the feed.
    pub(super) fn period(&mut self, period: &str, frequency: Option<&str>) {
        let secs: u32 = match period.trim().to_ascii_lowercase().as_str() {
            "hourly" => 3600,
            "daily" => 86_400,
            "weekly" => 604_800,
            "monthly" => 2_592_000,
            "yearly" => 31_536_000,
            _ => return,
        };
        let times = frequency.and_then(|times| times.trim().parse::<u32>().ok()).unwrap_or(1).max(1);
        self.floor_secs = self.floor_secs.max(secs / times);
    }

    /// One of `skipHours`. Some count to 24.
    pub(super) fn skip_hour(&mut self, hour: &str) {
        if let Ok(hour @ 0..=24) = hour.trim().parse::<u32>() {
            self.skip_hours |= 1 << (hour % 24);
        }
    }

    /// One of `skipDays`, by its English name.
    pub(super) fn skip_day(&mut self, day: &str) {
        let day = match day.trim().to_ascii_lowercase().get(..3) {
            Some("mon") => Weekday::Monday,
            Some("tue") => Weekday::Tuesday,
            Some("wed") => Weekday::Wednesday,
            Some("thu") => Weekday::Thursday,
            Some("fri") => Weekday::Friday,
            Some("sat") => Weekday::Saturday,
            Some("sun") => Weekday::Sunday,
            _ => return,
        };
        self.skip_days |= 1 << day.to_monday_zero_offset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hours: &[&str], days: &[&str], due: &str, expected: &str) {
        let mut pace = Pace::default();
        for hour in hours {
            pace.skip_hour(hour);
        }
        for day in days {
            pace.skip_day(day);
        }
        assert_eq!(pace.awake(due.parse().unwrap()).to_string(), expected);
    }

    #[test]
    fn hours_are_skipped() {
        check(&["3", " 4 ", "24"], &[], "2017-03-02T03:10:00Z", "2017-03-02T05:00:00Z");
        check(&["3", "24"], &[], "2017-03-02T04:10:00Z", "2017-03-02T04:10:00Z");
        check(&["24"], &[], "2017-03-02T00:10:00Z", "2017-03-02T01:00:00Z");
    }

    #[test]
    fn days_are_skipped() {
        check(&["0"], &["Thursday", "friday"], "2017-03-02T03:10:00Z", "2017-03-04T01:00:00Z");
    }

    #[test]
    fn whoever_skips_everything_is_not_believed() {
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        check(&[], &days, "2017-03-02T03:10:00Z", "2017-03-02T03:10:00Z");
    }

    #[test]
    fn the_floor_is_the_greatest_wish() {
        let mut pace = Pace::default();
        pace.ttl("10");
        pace.period("hourly", Some("2"));
        pace.period("now and then", None);
        assert_eq!(pace.floor_secs, 1800);
    }
}
