//! `[[sink]]`: where alerts go beside the log.

use std::{collections::BTreeMap, ops::RangeInclusive, path::PathBuf};

use url::Url;

use super::{
    compile::Compiler,
    file::name,
    value::{self, duration_secs},
    walk::{Section, Walker, Written, shown},
};
use crate::article::AlertKind;

const TIMEOUT_SECS: u32 = 30;
const TIMEOUTS: RangeInclusive<u32> = 1..=600;
const ENTRIES: u32 = 100;
const ENTRIES_RANGE: RangeInclusive<u32> = 1..=1000;

/// Kinds of alerts that a topic or a sink may leave out.
const KINDS: [(&str, AlertKind); 8] = [
    ("new-story", AlertKind::NewStory),
    ("new-coverage", AlertKind::NewCoverage),
    ("update", AlertKind::Update),
    ("withdrawn", AlertKind::Withdrawn),
    ("surge", AlertKind::Surge),
    ("silence", AlertKind::Silence),
    ("digest", AlertKind::Digest),
    ("test", AlertKind::Test),
];

/// Where alerts go beside the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    /// Unique.
    pub name: String,
    /// Only alerts of these topics; of all where it is empty.
    pub topics: Vec<String>,
    /// Only these kinds; all where it is empty.
    pub kinds: Vec<AlertKind>,
    /// How.
    pub way: Way,
}

/// How alerts leave the house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// POST as a `CloudEvent`, signed as Standard Webhooks has it where there is a secret.
    Webhook {
        /// http or https.
        url: String,
        /// The file with the secret.
        secret: Option<PathBuf>,
        /// The file with what the server asks for.
        credentials: Option<PathBuf>,
        /// For the whole exchange.
        timeout_secs: u32,
    },
    /// To a topic of an ntfy server.
    Ntfy {
        /// Of the topic.
        url: String,
        /// The file with what the server asks for.
        credentials: Option<PathBuf>,
        /// For the whole exchange.
        timeout_secs: u32,
    },
    /// By SMTP.
    Mail {
        /// `smtps://` or `smtp://`, which asks for STARTTLS.
        url: String,
        /// The file with `user` and `password`.
        credentials: Option<PathBuf>,
        /// One address.
        from: String,
        /// At least one address.
        to: Vec<String>,
        /// One mail for the alerts of so long; 0 for each its own.
        digest_secs: i64,
        /// For the whole exchange.
        timeout_secs: u32,
    },
    /// A program that reads the alert as JSON.
    Exec {
        /// The program, as it is found, and its arguments.
        command: Vec<String>,
        /// After that it is killed.
        timeout_secs: u32,
    },
    /// An Atom feed for each topic.
    Atom {
        /// The directory.
        path: PathBuf,
        /// Alerts in one feed.
        entries: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Webhook,
    Ntfy,
    Mail,
    Exec,
    Atom,
}

impl Kind {
    /// Its keys beside those that all have.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Webhook => &["url", "secret", "credentials", "timeout_secs"],
            Self::Ntfy => &["url", "credentials", "timeout_secs"],
            Self::Mail => &["url", "credentials", "from", "to", "digest", "timeout_secs"],
            Self::Exec => &["command", "timeout_secs"],
            Self::Atom => &["path", "entries"],
        }
    }

    /// What it cannot do without.
    fn needed(self) -> &'static [&'static str] {
        match self {
            Self::Webhook | Self::Ntfy => &["url"],
            Self::Mail => &["url", "from", "to"],
            Self::Exec => &["command"],
            Self::Atom => &["path"],
        }
    }
}

pub(super) struct SinkFile {
    name: Option<Written<String>>,
    kind: Option<Written<Kind>>,
    topics: Vec<Written<String>>,
    kinds: Vec<AlertKind>,
    url: Option<Written<Url>>,
    secret: Option<Written<String>>,
    credentials: Option<Written<String>>,
    from: Option<Written<String>>,
    to: Vec<Written<String>>,
    digest: Option<Written<i64>>,
    command: Vec<Written<String>>,
    timeout_secs: Option<Written<u32>>,
    path: Option<Written<String>>,
    entries: Option<Written<u32>>,
}

pub(super) fn sink(at: &Section<'_>, walker: &mut Walker) -> SinkFile {
    for (key, what) in [("name", "expected what logs call it"), ("kind", "expected how alerts leave")] {
        if !at.has(key) {
            walker.missing(at.at(), format!("[[sink]] without `{key}`, {what}"));
        }
    }
    let choices = [
        ("webhook", Kind::Webhook),
        ("ntfy", Kind::Ntfy),
        ("mail", Kind::Mail),
        ("exec", Kind::Exec),
        ("atom", Kind::Atom),
    ];
    let kind = walker.choice(at, "kind", &choices);
    if let Some(Written { value: kind, at: place }) = &kind {
        let word = choices.iter().find(|(_, choice)| choice == kind).map_or("", |(word, _)| word);
        for key in kind.needed().iter().filter(|key| !at.has(key)) {
            walker.missing(at.at(), format!("[[sink]] of the kind \"{word}\" without `{key}`"));
        }
        let own = [
            "url",
            "secret",
            "credentials",
            "from",
            "to",
            "digest",
            "command",
            "timeout_secs",
            "path",
            "entries",
        ];
        for key in own.into_iter().filter(|key| at.has(key) && !kind.keys().contains(key)) {
            walker.fault(place.start, format!("a sink of the kind \"{word}\" has no `{key}`"));
        }
    }
    let is_mail = kind.as_ref().is_some_and(|kind| kind.value == Kind::Mail);
    let (from, to) = (walker.parsed(at, "from", mail_address), walker.texts(at, "to"));
    for address in &to {
        if let Err(expected) = mail_address(&address.value) {
            let said = shown(&address.value);
            walker.fault(address.at.start, format!("`to` has {said}, expected {expected}"));
        }
    }
    SinkFile {
        name: walker.parsed(at, "name", name),
        topics: walker.texts(at, "topics"),
        kinds: kinds(at, walker),
        url: walker.parsed(at, "url", |text| if is_mail { mail_server(text) } else { value::feed_url(text) }),
        secret: walker.text(at, "secret"),
        credentials: walker.text(at, "credentials"),
        from,
        to,
        digest: walker.parsed(at, "digest", duration_secs),
        command: walker.texts(at, "command"),
        timeout_secs: walker.number(at, "timeout_secs", &TIMEOUTS),
        path: walker.text(at, "path"),
        entries: walker.number(at, "entries", &ENTRIES_RANGE),
        kind,
    }
}

/// The kinds of alerts under `kinds`.
pub(super) fn kinds(at: &Section<'_>, walker: &mut Walker) -> Vec<AlertKind> {
    let mut kinds = Vec::new();
    for Written { value, at } in walker.texts(at, "kinds") {
        if let Some((_, kind)) = KINDS.into_iter().find(|(word, _)| *word == value) {
            kinds.push(kind);
        } else {
            let words: Vec<&str> = KINDS.iter().map(|(word, _)| *word).collect();
            let said = shown(&value);
            walker.fault(at.start, format!("`kinds` has {said}, expected some of {}", words.join(", ")));
        }
    }
    kinds
}

fn mail_address(text: &str) -> Result<String, String> {
    let text = text.trim();
    let address = text.rsplit_once('<').map_or(text, |(_, address)| address.trim_end_matches('>'));
    let good = address.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        && !text.chars().any(char::is_control);
    if good { Ok(text.to_owned()) } else { Err("a mail address, such as \"desk@paper.example\"".to_owned()) }
}

fn mail_server(text: &str) -> Result<Url, String> {
    let expected =
        "the address of a mail server: smtps://mail.example.org, or smtp:// for one that begins TLS later";
    let url = Url::parse(text.trim()).map_err(|_| expected.to_owned())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address without user and password: those belong in a file that `credentials` names"
            .to_owned());
    }
    let good = matches!(url.scheme(), "smtp" | "smtps") && url.has_host();
    good.then_some(url).ok_or_else(|| expected.to_owned())
}

impl Compiler<'_> {
    pub(super) fn sinks(&mut self, files: Vec<SinkFile>, topics: &[super::Topic]) -> Vec<Sink> {
        let mut known = BTreeMap::new();
        let mut sinks = Vec::new();
        for file in files {
            for topic in &file.topics {
                if !topics.iter().any(|known| known.name == topic.value) && !self.walker.partial {
                    let said = shown(&topic.value);
                    self.walker
                        .fault(topic.at.start, format!("`topics` has {said}, expected the name of a topic"));
                }
            }
            let (Some(name), Some(kind)) = (file.name.clone(), file.kind.clone()) else { continue };
            if self.twice(&mut known, name.value.clone(), name.at.start, "the same name of a sink") {
                continue;
            }
            let topics = file.topics.iter().map(|topic| topic.value.clone()).collect();
            let kinds = file.kinds.clone();
            if let Some(way) = self.way(kind.value, file) {
                sinks.push(Sink { name: name.value, topics, kinds, way });
            }
        }
        sinks
    }

    fn way(&mut self, kind: Kind, file: SinkFile) -> Option<Way> {
        let timeout_secs = file.timeout_secs.map_or(TIMEOUT_SECS, |secs| secs.value);
        let url = file.url.map(|url| String::from(url.value));
        let credentials = self.credentials(file.credentials.as_ref());
        Some(match kind {
            Kind::Webhook => {
                let secret = self.credentials(file.secret.as_ref());
                Way::Webhook { url: url?, secret, credentials, timeout_secs }
            }
            Kind::Ntfy => Way::Ntfy { url: url?, credentials, timeout_secs },
            Kind::Mail => Way::Mail {
                url: url?,
                credentials,
                from: file.from?.value,
                to: file.to.into_iter().map(|address| address.value).collect(),
                digest_secs: file.digest.map_or(0, |secs| secs.value),
                timeout_secs,
            },
            Kind::Exec => {
                let command: Vec<String> = file.command.into_iter().map(|word| word.value).collect();
                Way::Exec { command: Some(command).filter(|words| !words.is_empty())?, timeout_secs }
            }
            Kind::Atom => Way::Atom {
                path: self.path(file.path.as_ref())?,
                entries: file.entries.map_or(ENTRIES, |entries| entries.value),
            },
        })
    }
}
