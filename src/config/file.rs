//! The config as it is written: every key of the right type and in its range, defaults and paths still open.

use std::{collections::BTreeSet, net::SocketAddr, ops::RangeInclusive};

use toml::de::DeTable;
use url::Url;

use super::{
    FeedKind, Finished, LogFormat, pieces,
    serve::{self, ServeFile},
    sink::{self, SinkFile},
    value::{self, duration_secs, feed_url, private_address},
    walk::{
        ALERTS, DROP, FEED, FETCH, Heading, SERVE, SINK, SITEMAP, STORE, Section, TOPIC, TOPIC_ALERT, WEBSUB,
        Walker, Written, shown,
    },
};
use crate::{
    article::AlertKind,
    event::{FullText, Sensitivity},
    quiet::{NotQuiet, Quiet},
};

const POLL_SECS: RangeInclusive<u32> = 1..=30 * 86_400;
const PER_HOST_GAP_SECS: RangeInclusive<u32> = 0..=3_600;
const TIMEOUT_SECS: RangeInclusive<u32> = 1..=600;
const PAGE_WAIT_SECS: RangeInclusive<u32> = 0..=3_600;
const BODY_BYTES_MAX: RangeInclusive<u32> = 1_024..=256 << 20;
const WINDOW_DAYS: RangeInclusive<u32> = 1..=3_650;
const WINDOW_ARTICLES_MAX: RangeInclusive<u32> = 1..=10_000_000;
const MIN_OUTLETS: RangeInclusive<u32> = 1..=1_000;
const MAX_PER_HOUR: RangeInclusive<u32> = 1..=1_000;
const NAME_CHARS_MAX: usize = 100;

#[derive(Default)]
pub(super) struct File {
    pub(super) state_dir: Option<Written<String>>,
    pub(super) control: Option<Written<String>>,
    pub(super) fetch: FetchFile,
    /// Sitemaps after the feeds.
    pub(super) feeds: Vec<FeedFile>,
    pub(super) websub: Option<WebsubFile>,
    pub(super) serve: Option<ServeFile>,
    pub(super) drops: Vec<DropFile>,
    pub(super) alerts: AlertsFile,
    pub(super) store: StoreFile,
    pub(super) names: Vec<(Written<String>, Vec<Written<String>>)>,
    pub(super) topics: Vec<TopicFile>,
    pub(super) sinks: Vec<SinkFile>,
}

#[derive(Default)]
pub(super) struct FetchFile {
    pub(super) poll_secs_default: Option<Written<u32>>,
    pub(super) poll_secs_min: Option<Written<u32>>,
    pub(super) poll_secs_max: Option<Written<u32>>,
    pub(super) per_host_gap_secs: Option<Written<u32>>,
    pub(super) timeout_secs: Option<Written<u32>>,
    pub(super) page_wait_secs: Option<Written<u32>>,
    pub(super) body_bytes_max: Option<Written<u32>>,
    pub(super) allow_private: Vec<String>,
    pub(super) contact: Option<Written<String>>,
    pub(super) proxy: Option<Written<Url>>,
    pub(super) proxy_credentials: Option<Written<String>>,
}

pub(super) struct FeedFile {
    pub(super) kind: FeedKind,
    pub(super) url: Option<Written<Url>>,
    pub(super) name: Option<Written<String>>,
    pub(super) outlet: Option<Written<String>>,
    pub(super) poll_secs: Option<Written<u32>>,
    pub(super) full_text: Option<Written<FullText>>,
    pub(super) credentials: Option<Written<String>>,
    pub(super) folder: Option<Written<String>>,
}

pub(super) struct WebsubFile {
    pub(super) listen: Option<Written<SocketAddr>>,
    pub(super) callback: Option<Written<Url>>,
}

pub(super) struct DropFile {
    pub(super) at: usize,
    pub(super) path: Option<Written<String>>,
    pub(super) outlet: Option<Written<String>>,
    pub(super) finished: Option<Written<Finished>>,
    pub(super) rejected: Option<Written<bool>>,
    pub(super) subdirectories: Option<Written<bool>>,
}

#[derive(Default)]
pub(super) struct AlertsFile {
    pub(super) log: Option<Written<String>>,
    pub(super) format: Option<Written<LogFormat>>,
    pub(super) max_age: Option<Written<i64>>,
    pub(super) first_fetch: Option<Written<i64>>,
    pub(super) silent_feeds: Option<Written<bool>>,
}

#[derive(Default)]
pub(super) struct StoreFile {
    pub(super) window_days: Option<Written<u32>>,
    pub(super) window_articles_max: Option<Written<u32>>,
}

pub(super) struct TopicFile {
    pub(super) name: Option<Written<String>>,
    pub(super) query: Option<Written<String>>,
    pub(super) names: Vec<(Written<String>, Vec<Written<String>>)>,
    pub(super) examples: Vec<Written<String>>,
    pub(super) not_examples: Vec<Written<String>>,
    pub(super) sensitivity: Option<Written<Sensitivity>>,
    pub(super) min_outlets: Option<Written<u32>>,
    pub(super) cooldown: Option<Written<i64>>,
    pub(super) digest: Option<Written<i64>>,
    pub(super) quiet: Option<Written<Quiet>>,
    pub(super) max_per_hour: Option<Written<u32>>,
    pub(super) kinds: Vec<AlertKind>,
}

/// Reads the whole text; what is wrong is noted in the walker and left out.
pub(super) fn read(text: &str, walker: &mut Walker) -> File {
    let (document, errors) = DeTable::parse_recoverable(text);
    walker.partial = !errors.is_empty();
    for error in &errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        let message = error.message().trim();
        walker.fault(at, format!("not TOML: {message}{}", hint(text, at)));
    }
    let top = walker.enter(Section::top(document.get_ref()));
    let file = File {
        state_dir: walker.text(&top, "state_dir"),
        control: walker.text(&top, "control"),
        fetch: walker.section(&top, "fetch", &FETCH).map(|at| fetch(&at, walker)).unwrap_or_default(),
        feeds: [("feed", &FEED, FeedKind::Feed), ("sitemap", &SITEMAP, FeedKind::Sitemap)]
            .into_iter()
            .flat_map(|(key, heading, kind)| feeds(&top, key, heading, kind, walker))
            .collect(),
        websub: walker.section(&top, "websub", &WEBSUB).map(|at| websub(&at, walker)),
        serve: walker.section(&top, "serve", &SERVE).map(|at| serve::serve(&at, walker)),
        drops: walker.sections(&top, "drop", &DROP).iter().map(|at| drop(at, walker)).collect(),
        alerts: walker.section(&top, "alerts", &ALERTS).map(|at| alerts(&at, walker)).unwrap_or_default(),
        store: walker.section(&top, "store", &STORE).map(|at| store(&at, walker)).unwrap_or_default(),
        names: walker.named_texts(&top, "names"),
        topics: walker.sections(&top, "topic", &TOPIC).iter().map(|at| topic(at, walker)).collect(),
        sinks: walker.sections(&top, "sink", &SINK).iter().map(|at| sink::sink(at, walker)).collect(),
    };
    if walker.partial {
        forget_aftermath(text, errors.len(), walker);
    }
    file
}

/// The same of a text without any fault, its feeds parsed in pieces; `None` where the text is to be read whole, which
/// also finds every fault.
pub(super) fn read_in_pieces(text: &str) -> Option<File> {
    let (rest, pieces) = pieces::split(text)?;
    let mut walker = Walker::default();
    let mut file = read(&rest, &mut walker);
    let mut sitemaps = Vec::new();
    for piece in pieces {
        let of_piece = read(piece, &mut walker).feeds;
        let (of_feeds, of_sitemaps): (Vec<_>, Vec<_>) =
            of_piece.into_iter().partition(|feed| feed.kind == FeedKind::Feed);
        file.feeds.extend(of_feeds);
        sitemaps.extend(of_sitemaps);
    }
    file.feeds.append(&mut sitemaps);
    walker.faults.is_empty().then_some(file)
}

/// The parser puts something in the place of what it could not read: other faults of the same line are its own. What
/// follows a broken heading seems to stand under the heading before.
fn forget_aftermath(text: &str, errors: usize, walker: &mut Walker) {
    let ends: Vec<usize> =
        text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
    let line = |at: usize| ends.partition_point(|end| *end < at);
    let is_heading = |line: usize| {
        let start = line.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| end + 1);
        text.get(start..).is_some_and(|rest| rest.trim_start().starts_with('['))
    };
    let broken: BTreeSet<usize> = walker.faults.iter().take(errors).map(|(at, _)| line(*at)).collect();
    let known_until = broken.iter().copied().find(|line| is_heading(*line)).unwrap_or(usize::MAX);
    let later = walker.faults.split_off(errors.min(walker.faults.len()));
    let own = |at: usize| line(at) < known_until && !broken.contains(&line(at));
    walker.faults.extend(later.into_iter().filter(|(at, _)| own(*at)));
}

fn hint(text: &str, at: usize) -> &'static str {
    match text.get(at..).and_then(|rest| rest.chars().next()) {
        Some('“' | '”' | '„' | '‘' | '’') => " (typographic quotation marks; TOML wants \" or ')",
        _ => "",
    }
}

fn fetch(at: &Section<'_>, walker: &mut Walker) -> FetchFile {
    let nets = walker.texts(at, "allow_private");
    let mut allow_private = Vec::new();
    for net in nets {
        match private_address(&net.value) {
            Ok(found) => allow_private.push(found),
            Err(expected) => {
                let said = shown(&net.value);
                walker.fault(net.at.start, format!("`allow_private` has {said}, expected {expected}"));
            }
        }
    }
    FetchFile {
        poll_secs_default: walker.number(at, "poll_secs_default", &POLL_SECS),
        poll_secs_min: walker.number(at, "poll_secs_min", &POLL_SECS),
        poll_secs_max: walker.number(at, "poll_secs_max", &POLL_SECS),
        per_host_gap_secs: walker.number(at, "per_host_gap_secs", &PER_HOST_GAP_SECS),
        timeout_secs: walker.number(at, "timeout_secs", &TIMEOUT_SECS),
        page_wait_secs: walker.number(at, "page_wait_secs", &PAGE_WAIT_SECS),
        body_bytes_max: walker.number(at, "body_bytes_max", &BODY_BYTES_MAX),
        allow_private,
        contact: walker.parsed(at, "contact", value::contact),
        proxy: walker.parsed(at, "proxy", value::proxy_url),
        proxy_credentials: walker.text(at, "proxy_credentials"),
    }
}

fn feeds(
    top: &Section<'_>,
    key: &str,
    heading: &'static Heading,
    kind: FeedKind,
    walker: &mut Walker,
) -> Vec<FeedFile> {
    walker.sections(top, key, heading).iter().map(|at| feed(at, key, kind, walker)).collect()
}

fn feed(at: &Section<'_>, key: &str, kind: FeedKind, walker: &mut Walker) -> FeedFile {
    if !at.has("url") {
        walker.missing(at.at(), format!("[[{key}]] without `url`, expected the address of the {key}"));
    }
    let choices = [("never", FullText::Never), ("teasers", FullText::Teasers), ("always", FullText::Always)];
    FeedFile {
        kind,
        url: walker.parsed(at, "url", feed_url),
        name: walker.parsed(at, "name", name),
        outlet: walker.parsed(at, "outlet", name),
        poll_secs: walker.number(at, "poll_secs", &POLL_SECS),
        full_text: walker.choice(at, "full_text", &choices),
        credentials: walker.text(at, "credentials"),
        folder: walker.parsed(at, "folder", name),
    }
}

fn websub(at: &Section<'_>, walker: &mut Walker) -> WebsubFile {
    for key in ["listen", "callback"] {
        if !at.has(key) {
            walker.missing(at.at(), format!("[websub] without `{key}`, which hubs need to reach us"));
        }
    }
    WebsubFile {
        listen: walker.parsed(at, "listen", value::listen),
        callback: walker.parsed(at, "callback", value::callback_url),
    }
}

fn drop(at: &Section<'_>, walker: &mut Walker) -> DropFile {
    let finished = [("keep", Finished::Keep), ("done", Finished::Done), ("delete", Finished::Delete)];
    DropFile {
        at: at.at(),
        path: walker.text(at, "path"),
        outlet: walker.parsed(at, "outlet", name),
        finished: walker.choice(at, "finished", &finished),
        rejected: walker.choice(at, "rejected", &[("keep", false), ("move", true)]),
        subdirectories: walker.flag(at, "subdirectories"),
    }
}

fn alerts(at: &Section<'_>, walker: &mut Walker) -> AlertsFile {
    AlertsFile {
        log: walker.text(at, "log"),
        format: walker.choice(at, "format", &[("text", LogFormat::Text), ("json", LogFormat::Json)]),
        max_age: walker.parsed(at, "max_age", |text| match duration_secs(text)? {
            0 => Err("a duration of more than nothing, such as \"3d\"".to_owned()),
            secs => Ok(secs),
        }),
        first_fetch: walker.parsed(at, "first_fetch", duration_secs),
        silent_feeds: walker.flag(at, "silent_feeds"),
    }
}

fn store(at: &Section<'_>, walker: &mut Walker) -> StoreFile {
    StoreFile {
        window_days: walker.number(at, "window_days", &WINDOW_DAYS),
        window_articles_max: walker.number(at, "window_articles_max", &WINDOW_ARTICLES_MAX),
    }
}

fn topic(at: &Section<'_>, walker: &mut Walker) -> TopicFile {
    if !at.has("name") {
        walker.missing(at.at(), "[[topic]] without `name`, expected what its alerts are called by");
    }
    if !["query", "names", "examples"].iter().any(|key| at.has(key)) {
        let what = "[[topic]] without `query`, `names` and `examples`, expected at least one of them";
        walker.missing(at.at(), what);
    }
    let alert = walker.section(at, "alert", &TOPIC_ALERT);
    let choices = [
        ("strict", Sensitivity::Strict),
        ("balanced", Sensitivity::Balanced),
        ("sensitive", Sensitivity::Sensitive),
    ];
    TopicFile {
        name: walker.parsed(at, "name", name),
        query: walker.text(at, "query"),
        names: walker.named_texts(at, "names"),
        examples: walker.texts(at, "examples"),
        not_examples: walker.texts(at, "not_examples"),
        sensitivity: walker.choice(at, "sensitivity", &choices),
        min_outlets: alert.and_then(|at| walker.number(&at, "min_outlets", &MIN_OUTLETS)),
        cooldown: alert.and_then(|at| walker.parsed(&at, "cooldown", duration_secs)),
        digest: alert.and_then(|at| walker.parsed(&at, "digest", duration_secs)),
        quiet: alert.and_then(|at| {
            walker.parsed(&at, "quiet", |text| text.parse().map_err(|fault: NotQuiet| fault.to_string()))
        }),
        max_per_hour: alert.and_then(|at| walker.number(&at, "max_per_hour", &MAX_PER_HOUR)),
        kinds: alert.map(|at| sink::kinds(&at, walker)).unwrap_or_default(),
    }
}

/// A name stands in a line of the alert log.
pub(super) fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err("one line without control characters".to_owned());
    }
    if text.chars().count() > NAME_CHARS_MAX {
        return Err(format!("at most {NAME_CHARS_MAX} characters"));
    }
    Ok(text.to_owned())
}
