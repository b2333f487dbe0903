//! Whether every part of the daemon gets on: what systemd's watchdog is fed by, and what `systemctl status` shows.

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::{counted::counted, event::Report, poison, pulse::Pulse, systemd};

/// A part that has not moved for so long is stuck, where systemd does not set a watchdog interval.
const STUCK_SECS_DEFAULT: u64 = 30;

/// How things stand is told so often, if it has changed; that a part is stuck, at once.
const TELL: Duration = Duration::from_secs(5);

/// What stands for the readers of articles among the parts.
const READERS: &str = "readers";

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Takes how much there is to do, in words, whenever it has changed.
pub(super) type Words = mpsc::Sender<String>;

/// A part that must not stand still.
struct Part {
    name: &'static str,
    pulse: Pulse,
    beats: u64,
    moved: Instant,
}

impl Part {
    /// How long it has not moved.
    fn still(&mut self) -> Duration {
        let beats = self.pulse.beats();
        if beats != self.beats {
            self.beats = beats;
            self.moved = Instant::now();
        }
        self.moved.elapsed()
    }
}

/// Looks at the parts.
pub(super) struct Vigil {
    parts: Vec<Part>,
    /// Where the page hears which parts are stuck.
    stuck: watch::Sender<Vec<&'static str>>,
    report: watch::Receiver<Report>,
    /// What systemd was told last, and when.
    told: (String, Instant),
}

impl Vigil {
    pub(super) fn new(report: watch::Receiver<Report>) -> Self {
        let (stuck, _) = watch::channel(Vec::new());
        Self { parts: Vec::new(), stuck, report, told: (String::new(), Instant::now()) }
    }

    /// One more part, and where it beats.
    pub(super) fn part(&mut self, name: &'static str) -> Pulse {
        let pulse = Pulse::default();
        self.parts.push(Part { name, pulse: pulse.clone(), beats: 0, moved: Instant::now() });
        pulse
    }

    /// The parts that stand still, as it becomes known.
    pub(super) fn stuck(&self) -> watch::Receiver<Vec<&'static str>> {
        self.stuck.subscribe()
    }

    /// Looks each second until what it returns is dropped, in a thread of its own: a part that holds up the threads of all
    /// others must not keep it from being named.
    pub(super) fn keep(mut self, mut words: String) -> anyhow::Result<Words> {
        let (sender, news) = mpsc::channel();
        let watch = move || loop {
            self.look(&words);
            match news.recv_timeout(LOOK) {
                Ok(news) => words = news,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        };
        let started = thread::Builder::new().name("vigil".to_owned()).spawn(watch);
        started.context("could not start the vigil's thread")?;
        Ok(sender)
    }

    /// Feeds the watchdog if every part gets on, and tells how things stand. `words` say how much there is to do.
    fn look(&mut self, words: &str) {
        let limit = systemd::watchdog_interval().unwrap_or(Duration::from_secs(STUCK_SECS_DEFAULT));
        let mut stuck: Vec<_> =
            self.parts.iter_mut().filter_map(|part| (part.still() > limit).then_some(part.name)).collect();
        let reading = poison::stuck(limit);
        stuck.extend(reading.as_ref().map(|_| READERS));
        let news = self.stuck.send_if_modified(|before| {
            let changed = *before != stuck;
            before.clone_from(&stuck);
            changed
        });
        if stuck.is_empty() {
            super::said(systemd::watchdog());
        } else {
            tracing::error!(parts = ?stuck, reading, "stuck: the watchdog is not fed until it moves");
        }
        if news || self.told.0.is_empty() || self.told.1.elapsed() >= TELL {
            self.tell(words, &stuck);
        }
    }

    fn tell(&mut self, words: &str, stuck: &[&str]) {
        let status = in_words(words, &self.report.borrow(), stuck);
        if status != self.told.0 {
            super::said(systemd::status(&status));
        }
        self.told = (status, Instant::now());
    }
}

/// How things stand, on one line.
pub(super) fn in_words(words: &str, report: &Report, stuck: &[&str]) -> String {
    let Report { articles, alerts, last_alert, waits } = report;
    let mut said = vec![words.to_owned()];
    if *articles > 0 {
        said.push(format!("{} since the start", counted(*articles, "article")));
    }
    if *alerts > 0 {
        let last = last_alert.map(|at: Timestamp| format!(", the last at {}", at.strftime("%F %TZ")));
        said.push(format!("{}{}", counted(*alerts, "alert"), last.unwrap_or_default()));
    }
    said.extend(waits.clone());
    let quarantined = poison::quarantined();
    if quarantined > 0 {
        said.push(format!("{quarantined} in quarantine"));
    }
    if !stuck.is_empty() {
        said.push(format!("STUCK: {}", stuck.join(", ")));
    }
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(report: &Report, stuck: &[&str], expected: &str) {
        assert_eq!(in_words("2 feeds, 1 drop, 3 topics", report, stuck), expected);
    }

    #[test]
    fn words_for_systemctl_status() {
        check(&Report::default(), &[], "2 feeds, 1 drop, 3 topics");
        let report = Report {
            articles: 7,
            alerts: 2,
            last_alert: "2031-03-02T15:04:05Z".parse().ok(),
            waits: Some("waiting for room on the disk".to_owned()),
        };
        check(
            &report,
            &["sinks", "page"],
            "2 feeds, 1 drop, 3 topics; 7 articles since the start; 2 alerts, the last at 2031-03-02 15:04:05Z; \
             waiting for room on the disk; STUCK: sinks, page",
        );
    }

    #[test]
    fn a_part_that_stands_still_is_seen() {
        let mut vigil = Vigil::new(watch::channel(Report::default()).1);
        let pulse = vigil.part("sinks");
        let part = vigil.parts.first_mut().unwrap();
        part.moved = Instant::now().checked_sub(Duration::from_secs(3600)).unwrap();
        assert!(part.still() > Duration::from_secs(3000));
        pulse.beat();
        assert!(part.still() < Duration::from_secs(60));
    }

    #[test]
    fn a_part_that_is_stuck_is_told_at_once() {
        let mut vigil = Vigil::new(watch::channel(Report::default()).1);
        vigil.part("sinks");
        vigil.look("1 feed");
        assert_eq!(vigil.told.0, "1 feed");
        vigil.parts.first_mut().unwrap().moved =
            Instant::now().checked_sub(Duration::from_secs(3600)).unwrap();
        vigil.look("1 feed");
        assert_eq!(vigil.told.0, "1 feed; STUCK: sinks");
    }
}
