//! How a feed is doing, in words, for the terminal and the page.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    alert::line::harmless,
    counted::counted,
    source::{
        feed::{state::State, why::Why},
        net,
    },
};

/// How things stand with one feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Good,
    Failing,
    Gone,
    /// The network is down, or its host wants peace.
    Waiting,
    /// Never asked.
    New,
}

const KINDS: [(Kind, &str, &str); 5] = [
    (Kind::Good, "good", "32"),
    (Kind::Failing, "failing", "31"),
    (Kind::Gone, "gone", "31"),
    (Kind::Waiting, "waiting", "33"),
    (Kind::New, "new", "33"),
];

impl Kind {
    fn word(self) -> (&'static str, &'static str) {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or(("", ""), |(_, word, colour)| (word, colour))
    }
}

/// A feed of the config, or a sitemap found below an index of it, and what is remembered of it.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// As the config has it, or the index.
    pub url: String,
    /// The config's.
    pub name: Option<String>,
    /// `feed` or `sitemap`.
    pub kind: &'static str,
    /// The config's.
    pub outlet: Option<String>,
    /// The config's.
    pub folder: Option<String>,
    /// Its state as JSON text; none where it was never asked for.
    pub state: Option<String>,
}

/// A feed with what is remembered of it.
pub(crate) struct Health {
    feed: Standing,
    state: State,
    kind: Kind,
    now: Timestamp,
}

impl Health {
    /// Of a feed as the daemon tells it.
    pub(crate) fn of(feed: Standing, now: Timestamp) -> Self {
        let known: Option<State> = feed.state.as_deref().and_then(|state| serde_json::from_str(state).ok());
        let kind = match &known {
            None => Kind::New,
            Some(state) if state.gone().is_some() => Kind::Gone,
            Some(state) if state.errors() > 0 => Kind::Failing,
            Some(state) if state.error().is_some() => Kind::Waiting,
            Some(_) => Kind::Good,
        };
        Self { feed, state: known.unwrap_or_default(), kind, now }
    }

    /// Whether it does not answer as it should.
    pub(crate) fn is_ill(&self) -> bool {
        matches!(self.kind, Kind::Failing | Kind::Gone | Kind::Waiting)
    }

    /// Whether somebody should look at it.
    pub(crate) fn needs_care(&self) -> bool {
        self.is_ill() || !self.state.repairs.is_empty()
    }

    /// The account on one line.
    pub(crate) fn line(&self) -> String {
        let address = net::redacted(&self.feed.url);
        let first = self.lines().into_iter().next().unwrap_or_default();
        harmless(&format!("{address}: {first}"))
    }

    /// The whole account on some lines.
    pub(crate) fn in_words(&self, coloured: bool) -> String {
        let (word, colour) = self.kind.word();
        let mark = format!("{word:<8}");
        let mark = if coloured { format!("\u{1b}[{colour}m{mark}\u{1b}[0m") } else { mark };
        let address = net::redacted(&self.feed.url);
        let name = self.feed.name.as_deref().unwrap_or_default();
        let kind = if self.feed.kind == "sitemap" { " (sitemap)" } else { "" };
        let mut text = format!("{mark}{}{kind} <{}>\n", harmless(name), harmless(&address));
        for line in self.lines() {
            text.push_str("        ");
            text.push_str(&harmless(&line));
            text.push('\n');
        }
        text
    }

    /// The word for it.
    pub(crate) fn word(&self) -> &'static str {
        self.kind.word().0
    }

    /// Which feed.
    pub(crate) fn feed(&self) -> &Standing {
        &self.feed
    }

    /// The account, a sentence a line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let state = &self.state;
        let mut lines = Vec::new();
        let error = state.error().unwrap_or("the reason is not known");
        match self.kind {
            Kind::New => lines.push("not asked yet".to_owned()),
            Kind::Gone => {
                let ago = state
                    .gone()
                    .map_or_else(String::new, |at| format!(" {}", ago(self.now.duration_since(at))));
                lines.push(format!("{error}{ago}: it is not asked any more; take it out of the config"));
            }
            Kind::Failing if state.why == Why::Outage => lines.push(error.to_owned()),
            Kind::Failing if state.errors() == 1 => lines.push(format!("failed: {error}")),
            Kind::Failing => lines.push(format!("{} failures in a row, the last: {error}", state.errors())),
            Kind::Waiting => lines.push(error.to_owned()),
            Kind::Good => {}
        }
        if self.kind != Kind::New {
            let last = state.succeeded.map_or_else(
                || "never answered".to_owned(),
                |at| format!("last answered {}", ago(self.now.duration_since(at.into()))),
            );
            let next = state.due.map(|due| {
                let wait = Timestamp::from(due).duration_since(self.now);
                let when = if wait.as_secs() > 0 {
                    format!("next in {}", span(wait))
                } else {
                    "next now".to_owned()
                };
                format!(", {when}, {}", state.why.in_words())
            });
            lines.push(last + next.as_deref().unwrap_or_default());
        }
        if state.succeeded.is_some() {
            let unchanged = match state.unchanged {
                0 => "changed when last asked".to_owned(),
                1 => "unchanged when last asked".to_owned(),
                times => format!("unchanged the last {times} times"),
            };
            let entries = if state.entries == 1 { "entry" } else { "entries" };
            lines.push(format!("{} {entries}, {unchanged}", state.entries));
        }
        if let Some(address) = state.address() {
            lines.push(format!("moved to {}: take that into the config", net::redacted(address)));
        }
        if state.false_304 {
            lines.push(
                "its server said that nothing had changed when something had: the whole is asked for each time"
                    .to_owned(),
            );
        }
        for repair in state.repairs.in_words() {
            lines.push(format!("put right: {repair}"));
        }
        if let Some(push) = &state.push {
            let hub = net::redacted(&push.hub);
            lines.push(match (push.is_active(self.now), &push.error) {
                (true, _) => format!("its hub {hub} tells us of news"),
                (false, Some(error)) => format!("its hub {hub} does not tell us: {error}"),
                (false, None) => format!("its hub {hub} was asked to tell us"),
            });
        }
        if let Some(index) = state.index() {
            lines.push(format!("named by {}", net::redacted(index)));
        }
        lines
    }

    /// The account for programs.
    pub(crate) fn json(&self) -> Value {
        let (health, _) = self.kind.word();
        let repaired: Vec<_> = self.state.repairs.in_words().collect();
        json!({
            "url": self.feed.url,
            "name": self.feed.name,
            "kind": self.feed.kind,
            "outlet": self.feed.outlet,
            "folder": self.feed.folder,
            "health": health,
            "words": self.lines(),
            "last_success": self.state.succeeded,
            "next": self.state.due,
            "why": self.state.why,
            "errors": self.state.errors(),
            "error": self.state.error(),
            "gone": self.state.gone(),
            "entries": self.state.entries,
            "repaired": repaired,
            "state": self.state_value(),
        })
    }

    fn state_value(&self) -> Option<Value> {
        serde_json::from_str(self.feed.state.as_deref()?).ok()
    }
}

/// How many are how.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally([usize; KINDS.len()]);

impl Tally {
    pub(crate) fn count(&mut self, health: &Health) {
        for (count, (kind, ..)) in self.0.iter_mut().zip(KINDS) {
            *count += usize::from(kind == health.kind);
        }
    }

    pub(crate) fn in_words(&self) -> String {
        let all: usize = self.0.iter().sum();
        let counts = self.0.iter().zip(KINDS).filter(|(count, _)| **count > 0);
        let counts: Vec<String> = counts.map(|(count, (_, word, _))| format!("{count} {word}")).collect();
        let feeds = if all == 1 { "feed" } else { "feeds" };
        if counts.is_empty() {
            "no feeds".to_owned()
        } else {
            format!("{all} {feeds}: {}", counts.join(", "))
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        self.0.iter().zip(KINDS).map(|(count, (_, word, _))| (word.to_owned(), json!(count))).collect()
    }
}

fn ago(past: SignedDuration) -> String {
    if past.as_secs() > 0 { format!("{} ago", span(past)) } else { "just now".to_owned() }
}

/// A span in its greatest unit.
fn span(span: SignedDuration) -> String {
    let secs = span.as_secs().max(0);
    match secs {
        0..120 => counted(secs, "second"),
        120..7_200 => counted(secs / 60, "minute"),
        7_200..172_800 => counted(secs / 3600, "hour"),
        _ => counted(secs / 86_400, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(state: &Value, expected: &[&str]) {
        let feed = Standing {
            url: "https://a.example/f?key=1".to_owned(),
            name: Some("A".to_owned()),
            kind: "feed",
            state: Some(state.to_string()),
            ..Standing::default()
        };
        let words = Health::of(feed, "2026-03-02T12:00:00Z".parse().unwrap()).in_words(false);
        for expected in expected {
            assert!(words.contains(expected), "{words}\nhas no {expected}");
        }
        assert!(!words.contains("key=1"), "{words}");
    }

    #[test]
    fn health_in_words() {
        check(&Value::Null, &["new     A <https://a.example/f?…>", "not asked yet"]);
        check(
            &json!({"succeeded": "2026-03-02T11:50:00Z", "due": "2026-03-02T14:00:00Z", "entries": 7, "unchanged": 3,
                "why": "ttl", "repairs": ["tail"]}),
            &[
                "good ",
                "last answered 10 minutes ago, next in 2 hours, as the feed itself asks",
                "7 entries, unchanged the last 3 times",
                "put right: it breaks off",
            ],
        );
        check(
            &json!({"trouble": {"errors": 4, "error": "the server answered 503"}, "due": "2026-03-05T12:00:00Z", "why": "failures"}),
            &[
                "failing",
                "4 failures in a row, the last: the server answered 503",
                "never answered, next in 3 days, later",
            ],
        );
        check(
            &json!({"trouble": {"errors": 1, "error": "it was taken away for good (410)", "gone": "2026-02-27T12:00:00Z"}}),
            &["gone ", "(410) 3 days ago: it is not asked any more"],
        );
        check(&json!({"trouble": {"error": "the network is down: x"}}), &["waiting", "the network is down"]);
    }

    #[test]
    fn all_are_counted() {
        let mut tally = Tally::default();
        assert_eq!(tally.in_words(), "no feeds");
        for state in [None, Some("{}"), Some(r#"{"trouble": {"errors": 1}}"#)] {
            let feed = Standing { state: state.map(str::to_owned), ..Standing::default() };
            tally.count(&Health::of(feed, Timestamp::UNIX_EPOCH));
        }
        assert_eq!(tally.in_words(), "3 feeds: 1 good, 1 failing, 1 new");
        assert_eq!(tally.json()["failing"], 1);
    }
}
