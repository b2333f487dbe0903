//! How often a topic or a feed has something, hour by hour, and whether that is unusual.
//!
//! The usual pace is a mean over the last two weeks for each hour of the day (and, once two weeks are known, for each
//! day of the week beside it), updated by exponential weighting. The last hour is far above it where a Poisson process
//! of that pace would bring so many reports in fewer than one hour of a million, and a source is silent where it would
//! bring none for so long in fewer than one case of a hundred thousand. The test is that of Hendrickson et al., "Trend
//! Detection in Social Data" (Gnip, 2015); the levels are that strict because news comes in bursts, which a Poisson
//! process does not.

use serde::{Deserialize, Serialize};

const HOUR_SECS: i64 = 3600;
const DAY_HOURS: i64 = 24;
/// The last hour is counted in steps of so many seconds.
const STEP_SECS: i64 = 300;
const STEPS: i64 = 12;
/// Reports an hour are kept as whole numbers of this part.
const UNIT: u32 = 4096;
/// Days over which the mean of an hour is taken.
const HOUR_MEAN_DAYS: i64 = 14;
/// Weeks over which the mean of a day of the week is taken.
const DAY_MEAN_WEEKS: i64 = 4;
/// After so long without anything, what was usual is forgotten.
const FORGOTTEN_HOURS: i64 = 28 * DAY_HOURS;

/// Before that, nothing is known of what is usual.
const SURGE_KNOWN_HOURS: i64 = 3 * DAY_HOURS;
const SILENCE_KNOWN_HOURS: i64 = 7 * DAY_HOURS;
const SILENCE_KNOWN_REPORTS: u32 = 20;
/// Fewer reports within an hour are no surge, however rare.
const SURGE_REPORTS_MIN: u32 = 5;
/// No pace is believed to be slower, in reports an hour.
const SLOWEST: f64 = 0.1;
/// How improbable a surge must be.
const SURGE_TAIL_MAX: f64 = 1e-6;
/// So many reports must be missing before it is a silence: e to the power of minus this is one in a hundred thousand.
const SILENCE_MISSING_MIN: f64 = 11.5;
const SILENCE_SECS_MIN: i64 = 6 * HOUR_SECS;

/// What is remembered: whole numbers, so that it is the same wherever it is counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pace {
    /// The first hour that counts, in hours since 1970; 0 where nothing came yet.
    first: i64,
    /// The hour that is being counted.
    hour: i64,
    of_hour: u32,
    of_day: u32,
    /// Reports in each hour of the day (UTC), in `UNIT`ths.
    hours: [u32; 24],
    /// Reports on each day of the week, in `UNIT`ths.
    days: [u32; 7],
    /// The last hour, in steps; `step` is the one that is being counted.
    steps: [u16; 12],
    step: i64,
    reports: u32,
    /// When the last one came, unix seconds.
    last: i64,
}

/// More than usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Surge {
    /// Within the last hour.
    pub(crate) reports: u32,
    /// Within an hour.
    pub(crate) usual: f64,
}

/// Less than usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Silence {
    /// Since the last report.
    pub(crate) secs: i64,
    /// Reports that would have been usual in that time.
    pub(crate) usual: f64,
}

impl Pace {
    /// Counts a report that came at `now` and happened at `event`, both in unix seconds.
    pub(crate) fn note(&mut self, now: i64, event: i64) {
        let hour = now.div_euclid(HOUR_SECS);
        if self.first == 0 || hour.saturating_sub(self.hour) > FORGOTTEN_HOURS {
            *self = Self { first: hour, hour, ..Self::default() };
        }
        self.pass_to(hour);
        self.of_hour = self.of_hour.saturating_add(1);
        self.of_day = self.of_day.saturating_add(1);
        self.reports = self.reports.saturating_add(1);
        self.last = self.last.max(now);
        if now.saturating_sub(event) < HOUR_SECS {
            self.pass_to_step(now.div_euclid(STEP_SECS));
            if let Some(count) = self.steps.get_mut(place(self.step, STEPS)) {
                *count = count.saturating_add(1);
            }
        }
    }

    fn pass_to(&mut self, hour: i64) {
        while self.hour < hour {
            let days = (self.hour - self.first) / DAY_HOURS + 1;
            learn(&mut self.hours, self.hour, self.of_hour, days.min(HOUR_MEAN_DAYS));
            self.of_hour = 0;
            if self.hour % DAY_HOURS == DAY_HOURS - 1 {
                let weeks = days / 7 + 1;
                learn(&mut self.days, self.hour / DAY_HOURS, self.of_day, weeks.min(DAY_MEAN_WEEKS));
                self.of_day = 0;
            }
            self.hour += 1;
        }
    }

    fn pass_to_step(&mut self, step: i64) {
        if step.saturating_sub(self.step) >= STEPS {
            self.steps = [0; 12];
            self.step = step;
        }
        while self.step < step {
            self.step += 1;
            if let Some(count) = self.steps.get_mut(place(self.step, STEPS)) {
                *count = 0;
            }
        }
    }

    /// Whether a report that comes at `now` makes the last hour far busier than usual.
    pub(crate) fn surge(&self, now: i64, event: i64) -> Option<Surge> {
        if self.first == 0 || now.div_euclid(HOUR_SECS) - self.first < SURGE_KNOWN_HOURS {
            return None;
        }
        let mut with = self.clone();
        with.note(now, event);
        let reports = with.steps.iter().map(|count| u32::from(*count)).sum();
        let mean = self.hours.iter().map(|level| f64::from(*level)).sum::<f64>() / 24.0 / f64::from(UNIT);
        let usual = self.usual(now.div_euclid(HOUR_SECS)).max(mean / 2.0).max(SLOWEST);
        let is = reports >= SURGE_REPORTS_MIN && tail(reports, usual) <= SURGE_TAIL_MAX;
        is.then_some(Surge { reports, usual })
    }

    /// Whether it is unusual that nothing came up to `now`. Time before `watched` does not count: nobody looked.
    pub(crate) fn silence(&self, now: i64, watched: i64) -> Option<Silence> {
        let (since, hour) = (self.last.max(watched), now.div_euclid(HOUR_SECS));
        let known = self.first != 0
            && since.div_euclid(HOUR_SECS) - self.first >= SILENCE_KNOWN_HOURS
            && self.reports >= SILENCE_KNOWN_REPORTS;
        if !known || now.saturating_sub(since) < SILENCE_SECS_MIN {
            return None;
        }
        let from = since.div_euclid(HOUR_SECS) + 1;
        let hours = from.max(hour.saturating_sub(FORGOTTEN_HOURS))..hour;
        let usual: f64 = hours.map(|hour| self.usual(hour)).sum();
        (usual >= SILENCE_MISSING_MIN).then_some(Silence { secs: now - self.last, usual })
    }

    /// Reports that are usual in that hour.
    fn usual(&self, hour: i64) -> f64 {
        let level = |hour: i64| self.hours.get(place(hour, 24)).map_or(0.0, |level| f64::from(*level));
        let of_hour = (level(hour - 1) + 2.0 * level(hour) + level(hour + 1)) / 4.0 / f64::from(UNIT);
        if self.hour - self.first < HOUR_MEAN_DAYS * DAY_HOURS {
            return of_hour;
        }
        let mean = self.days.iter().map(|level| f64::from(*level)).sum::<f64>() / 7.0;
        let of_day = self.days.get(place(hour / DAY_HOURS, 7)).map_or(0.0, |level| f64::from(*level));
        // One report more each way, so that a rare topic is not thought to have its days.
        of_hour * (of_day + f64::from(UNIT)) / (mean + f64::from(UNIT))
    }
}

fn place(number: i64, places: i64) -> usize {
    usize::try_from(number.rem_euclid(places)).unwrap_or(0)
}

/// Moves one mean a step towards what was counted: the first `over` counts weigh the same.
fn learn<const N: usize>(means: &mut [u32; N], number: i64, counted: u32, over: i64) {
    if let Some(mean) = means.get_mut(place(number, i64::try_from(N).unwrap_or(i64::MAX))) {
        let before = i64::from(*mean);
        let after = before + (i64::from(counted) * i64::from(UNIT) - before) / over;
        *mean = u32::try_from(after).unwrap_or(u32::MAX);
    }
}

/// Probability of at least so many events where `mean` are expected, by Poisson's law.
fn tail(events: u32, mean: f64) -> f64 {
    let log_first =
        f64::from(events) * mean.ln() - mean - (1..=events).map(|n| f64::from(n).ln()).sum::<f64>();
    let (mut sum, mut term) = (0.0, 1.0);
    for more in 0..1000 {
        sum += term;
        term *= mean / f64::from(events + more + 1);
        if term < 1e-12 {
            break;
        }
    }
    // Below the mean the terms first grow; nobody asks for the tail there.
    (log_first.exp() * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_900_000_800;

    /// So many reports an hour, by hour of the day, for some days; and when that ends.
    fn paced(days: i64, reports: impl Fn(i64) -> i64) -> (Pace, i64) {
        let mut pace = Pace::default();
        for hour in 0..days * 24 {
            for report in 0..reports(hour) {
                let now = START + hour * HOUR_SECS + report * 60;
                pace.note(now, now);
            }
        }
        (pace, START + days * 24 * HOUR_SECS)
    }

    /// The report of a burst, one a minute, that is a surge.
    fn surge_after(pace: &Pace, from: i64) -> Option<i64> {
        let mut pace = pace.clone();
        (1..=60).find(|n| {
            let now = from + n * 60;
            let surge = pace.surge(now, now).is_some();
            pace.note(now, now);
            surge
        })
    }

    #[test]
    fn the_tail_is_poissons() {
        for (events, mean, expected) in [(1, 1.0, 0.632_121), (5, 1.0, 0.003_659_8), (10, 2.0, 4.649_8e-5)] {
            assert!(
                (tail(events, mean) / expected - 1.0).abs() < 1e-3,
                "{events} {mean}: {}",
                tail(events, mean)
            );
        }
    }

    #[test]
    fn a_burst_is_a_surge_the_usual_is_not() {
        let (quiet, end) = paced(10, |hour| i64::from(hour % 12 == 0));
        assert_eq!(surge_after(&quiet, end), Some(8));
        let (busy, end) = paced(10, |_| 8);
        assert_eq!(surge_after(&busy, end), Some(26));
        let (young, end) = paced(2, |_| 1);
        assert_eq!(surge_after(&young, end), None);
    }

    #[test]
    fn old_news_that_comes_at_once_is_no_surge() {
        let (pace, end) = paced(10, |hour| i64::from(hour % 12 == 0));
        let mut late = pace;
        for n in 1..60 {
            assert_eq!(late.surge(end + n, end - 7200), None);
            late.note(end + n, end - 7200);
        }
    }

    #[track_caller]
    fn check_silence(pace: &Pace, end: i64, watched: i64, hours: Option<i64>) {
        let found = (1..24 * 20).find(|hour| pace.silence(end + hour * HOUR_SECS, watched).is_some());
        assert_eq!(found, hours);
    }

    #[test]
    fn what_is_missing_is_a_silence() {
        let (steady, end) = paced(10, |_| 1);
        check_silence(&steady, end, 0, Some(12));
        check_silence(&steady, end, end + 20 * HOUR_SECS, Some(33));
        let (young, end) = paced(5, |_| 1);
        check_silence(&young, end, 0, None);
    }

    #[test]
    fn a_night_of_its_own_is_none() {
        // The reports of a day come within eight hours of it.
        let (daily, end) = paced(20, |hour| if hour % 24 < 8 { 2 } else { 0 });
        let (evening, night) = (end - 16 * HOUR_SECS, end);
        assert_eq!(daily.silence(night, 0), None, "{evening}");
        check_silence(&daily, end, 0, Some(8));
    }

    #[test]
    fn weekends_are_learnt() {
        let weekday = |hour: i64| ((START / HOUR_SECS + hour) / 24) % 7 < 5;
        let (weekly, _) = paced(28, |hour| i64::from(weekday(hour)));
        let saturday = (0..14 * 24)
            .map(|hour| START / HOUR_SECS + 28 * 24 - 14 * 24 + hour)
            .find(|hour| (hour / 24) % 7 == 5 && hour % 24 == 0)
            .unwrap();
        let mut until_friday = Pace::default();
        for hour in START / HOUR_SECS..saturday {
            if (hour / 24) % 7 < 5 {
                until_friday.note(hour * HOUR_SECS, hour * HOUR_SECS);
            }
        }
        assert_eq!(until_friday.silence((saturday + 47) * HOUR_SECS, 0), None);
        assert!(until_friday.silence((saturday + 72) * HOUR_SECS, 0).is_some());
        assert!(weekly.reports > 0);
    }
}
