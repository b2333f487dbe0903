//! Figures for Prometheus, in its text format. However much there is in the house, there are as many series.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use super::House;
use crate::{
    health::{Health, Standing},
    poison,
};

/// A view, as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Topics,
    Topic,
    Stories,
    Story,
    Search,
    Feeds,
    Live,
    Metrics,
    Health,
    Other,
}

const VIEWS: [(View, &str); 10] = [
    (View::Topics, "topics"),
    (View::Topic, "topic"),
    (View::Stories, "stories"),
    (View::Story, "story"),
    (View::Search, "search"),
    (View::Feeds, "feeds"),
    (View::Live, "live"),
    (View::Metrics, "metrics"),
    (View::Health, "health"),
    (View::Other, "other"),
];

const OUTCOMES: [&str; 4] = ["ok", "refused", "busy", "failed"];

/// Upper bounds of the buckets, in milliseconds.
const BUCKETS_MS: [u64; 8] = [1, 5, 10, 25, 60, 100, 500, 2_500];

/// What was asked for since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: [[AtomicU64; OUTCOMES.len()]; VIEWS.len()],
    /// By the least bucket that holds it; those above all bounds are in none.
    buckets: [AtomicU64; BUCKETS_MS.len()],
    answered: AtomicU64,
    micros: AtomicU64,
}

impl Counters {
    pub(super) fn count(&self, view: View, status: StatusCode, took: Duration) {
        let outcome = match status.as_u16() {
            200..400 => 0,
            503 => 2,
            500.. => 3,
            _ => 1,
        };
        let place = VIEWS.iter().position(|(known, _)| *known == view).unwrap_or(0);
        if let Some(counter) = self.requests.get(place).and_then(|outcomes| outcomes.get(outcome)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let fits = BUCKETS_MS.iter().position(|bound| took <= Duration::from_millis(*bound));
        if let Some(bucket) = fits.and_then(|place| self.buckets.get(place)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// The text under way.
struct Text(String);

impl Text {
    /// One family; values with their labels as they are written between braces.
    fn family(&mut self, name: &str, kind: &str, help: &str, values: &[(String, f64)]) {
        // Writing to a String cannot fail.
        write!(self.0, "# HELP storywatch_{name} {help}\n# TYPE storywatch_{name} {kind}\n").ok();
        for (labels, value) in values {
            self.value(name, labels, *value);
        }
    }

    fn value(&mut self, name: &str, labels: &str, value: f64) {
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        writeln!(self.0, "storywatch_{name}{labels} {value}").ok();
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.family(name, "gauge", help, &[(String::new(), value)]);
    }

    fn counter(&mut self, name: &str, help: &str, value: f64) {
        self.family(name, "counter", help, &[(String::new(), value)]);
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are exact in an f64 far beyond what is counted here")]
fn float(count: u64) -> f64 {
    count as f64
}

/// All figures; of those that the pipeline knows none where it did not answer.
pub(super) fn page(house: &House, status: Option<&Value>, feeds: &[Standing], now: Timestamp) -> String {
    let mut text = Text(String::new());
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    text.family("build_info", "gauge", "Which version runs.", &[(version, 1.0)]);
    let started = std::time::Duration::try_from(house.started.as_duration()).unwrap_or_default();
    text.gauge("start_time_seconds", "When the page was opened, in unix time.", started.as_secs_f64());
    text.gauge("up", "Whether the pipeline answers.", f64::from(u8::from(status.is_some())));
    text.gauge(
        "stuck_parts",
        "Parts of the daemon that stand still.",
        float(house.stuck.borrow().len() as u64),
    );
    text.gauge(
        "quarantined",
        "Feeds, pages, files and articles that are not read any more, because the program ended over them.",
        float(poison::quarantined() as u64),
    );
    if let Some(status) = status {
        of_status(&mut text, status);
    }
    of_feeds(&mut text, feeds, now);
    let (documents, behind) = house.room.view().extent();
    text.gauge("search_index_documents", "Reports and revisions in the search index.", float(documents));
    text.gauge(
        "search_index_behind_bytes",
        "Bytes of the journal that the search index lacks.",
        float(behind),
    );
    of_requests(&mut text, house);
    text.0
}

fn of_status(text: &mut Text, status: &Value) {
    let number = |part: &str, name: &str| {
        status.get(part).and_then(|part| part.get(name)).and_then(Value::as_u64).map_or(0.0, float)
    };
    let verdicts: Vec<(String, f64)> = ["new", "copy", "update", "rejected"]
        .into_iter()
        .map(|verdict| (format!("verdict=\"{verdict}\""), number("articles", verdict)))
        .collect();
    text.family("articles_total", "counter", "Articles taken in, by verdict.", &verdicts);
    text.counter(
        "repeats_total",
        "Known items seen again since the start.",
        number("articles", "seen_since_start"),
    );
    text.counter("alerts_total", "Alerts decided.", number("alerts", "last"));
    text.gauge(
        "alerts_waiting",
        "Alerts that are not in the alert log yet.",
        number("alerts", "last") - number("alerts", "in_log"),
    );
    text.gauge("window_articles", "Articles that new ones are compared with.", number("window", "articles"));
    text.gauge("window_stories", "Stories that a new report may join.", number("window", "stories"));
    text.gauge("journal_bytes", "Size of the journal.", number("journal", "bytes"));
    text.gauge("journal_files", "Files of the journal, one a day.", number("journal", "days"));
    let topics = status.get("topics").and_then(Value::as_array).map_or(0, Vec::len);
    text.gauge("topics", "Topics of the config.", float(topics as u64));
}

fn of_feeds(text: &mut Text, feeds: &[Standing], now: Timestamp) {
    let words: Vec<&str> = feeds.iter().map(|feed| Health::of(feed.clone(), now).word()).collect();
    let counts: Vec<(String, f64)> = ["good", "failing", "gone", "waiting", "new"]
        .into_iter()
        .map(|word| {
            let count = words.iter().filter(|of_feed| **of_feed == word).count();
            (format!("health=\"{word}\""), float(count as u64))
        })
        .collect();
    text.family("feeds", "gauge", "Feeds of the config, by how they are doing.", &counts);
}

fn of_requests(text: &mut Text, house: &House) {
    let counters = &house.counters;
    let mut requests = Vec::new();
    for ((_, view), outcomes) in VIEWS.iter().zip(&counters.requests) {
        for (outcome, count) in OUTCOMES.iter().zip(outcomes) {
            let labels = format!("view=\"{view}\",outcome=\"{outcome}\"");
            requests.push((labels, float(count.load(Ordering::Relaxed))));
        }
    }
    text.family("page_requests_total", "counter", "Requests to the page, by view and outcome.", &requests);
    text.family("page_request_seconds", "histogram", "How long the page took to answer.", &[]);
    let mut below = 0;
    for (bound, bucket) in BUCKETS_MS.iter().zip(&counters.buckets) {
        below += bucket.load(Ordering::Relaxed);
        let bound = Duration::from_millis(*bound).as_secs_f64();
        text.value("page_request_seconds_bucket", &format!("le=\"{bound}\""), float(below));
    }
    let answered = float(counters.answered.load(Ordering::Relaxed));
    text.value("page_request_seconds_bucket", "le=\"+Inf\"", answered);
    let micros = counters.micros.load(Ordering::Relaxed);
    text.value("page_request_seconds_sum", "", Duration::from_micros(micros).as_secs_f64());
    text.value("page_request_seconds_count", "", answered);
    text.gauge("page_watchers", "Readers who watch for alerts.", float(house.watching() as u64));
}
