//! Walks a parsed TOML document, key by key, and notes every fault on the way. Knows TOML and the names of the keys,
//! not what they are for.

use std::ops::{Range, RangeInclusive};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A part of the config, with the keys that may stand in it.
pub(super) struct Heading {
    /// As the user writes it.
    pub(super) title: &'static str,
    /// Every key.
    pub(super) keys: &'static [&'static str],
}

pub(super) const TOP: Heading = Heading {
    title: "the top of the file, before any [section]",
    keys: &[
        "state_dir",
        "control",
        "fetch",
        "feed",
        "sitemap",
        "websub",
        "serve",
        "drop",
        "alerts",
        "store",
        "names",
        "topic",
        "sink",
    ],
};
pub(super) const FETCH: Heading = Heading {
    title: "[fetch]",
    keys: &[
        "poll_secs_default",
        "poll_secs_min",
        "poll_secs_max",
        "per_host_gap_secs",
        "timeout_secs",
        "page_wait_secs",
        "body_bytes_max",
        "allow_private",
        "contact",
        "proxy",
        "proxy_credentials",
    ],
};
pub(super) const FEED: Heading = Heading {
    title: "[[feed]]",
    keys: &["url", "name", "outlet", "poll_secs", "full_text", "credentials", "folder"],
};
pub(super) const SITEMAP: Heading = Heading { title: "[[sitemap]]", keys: FEED.keys };
pub(super) const WEBSUB: Heading = Heading { title: "[websub]", keys: &["listen", "callback"] };
pub(super) const SERVE: Heading = Heading { title: "[serve]", keys: &["listen", "public_hosts"] };
pub(super) const DROP: Heading =
    Heading { title: "[[drop]]", keys: &["path", "outlet", "finished", "rejected", "subdirectories"] };
pub(super) const ALERTS: Heading =
    Heading { title: "[alerts]", keys: &["log", "format", "max_age", "first_fetch", "silent_feeds"] };
pub(super) const STORE: Heading = Heading { title: "[store]", keys: &["window_days", "window_articles_max"] };
pub(super) const TOPIC: Heading = Heading {
    title: "[[topic]]",
    keys: &["name", "query", "names", "examples", "not_examples", "sensitivity", "alert"],
};
pub(super) const TOPIC_ALERT: Heading = Heading {
    title: "`alert` of a [[topic]]",
    keys: &["min_outlets", "cooldown", "digest", "quiet", "max_per_hour", "kinds"],
};
pub(super) const SINK: Heading = Heading {
    title: "[[sink]]",
    keys: &[
        "name",
        "kind",
        "topics",
        "kinds",
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
    ],
};

pub(super) const HEADINGS: [&Heading; 12] =
    [&TOP, &FETCH, &FEED, &SITEMAP, &WEBSUB, &SERVE, &DROP, &ALERTS, &STORE, &TOPIC, &TOPIC_ALERT, &SINK];

/// Most characters of a wrong value that a message repeats.
const SHOWN_CHARS_MAX: usize = 60;

/// A value, and the bytes of the file that it was read from.
#[derive(Clone, Debug)]
pub(super) struct Written<T> {
    pub(super) value: T,
    pub(super) at: Range<usize>,
}

/// A table of the document under its heading.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    heading: &'static Heading,
    table: &'a DeTable<'a>,
    at: usize,
}

impl<'a> Section<'a> {
    /// The whole document.
    pub(super) fn top(table: &'a DeTable<'a>) -> Self {
        Self { heading: &TOP, table, at: 0 }
    }

    /// Where its heading stands, in bytes from the start of the file.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether a key is there, be its value right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        debug_assert!(self.heading.keys.contains(&key), "`{key}` is missing in {}", self.heading.title);
        self.table.get(key)
    }
}

/// Gathers the faults of one file.
#[derive(Default)]
pub(super) struct Walker {
    /// Byte offset and message, in the order of finding.
    pub(super) faults: Vec<(usize, String)>,
    /// Set where the parser gave up: what is missing may stand behind that point.
    pub(super) partial: bool,
}

impl Walker {
    /// Notes a fault.
    pub(super) fn fault(&mut self, at: usize, what: impl Into<String>) {
        self.faults.push((at, what.into()));
    }

    /// Notes that something is not there.
    pub(super) fn missing(&mut self, at: usize, what: impl Into<String>) {
        if !self.partial {
            self.fault(at, what);
        }
    }

    /// The table under `key`, its unknown keys noted; an empty one where it is not there.
    pub(super) fn section<'a>(
        &mut self,
        of: &Section<'a>,
        key: &str,
        heading: &'static Heading,
    ) -> Option<Section<'a>> {
        let value = of.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(key, value, &format!("one table, written {}", heading.title));
            return None;
        };
        Some(self.enter(Section { heading, table, at: value.span().start }))
    }

    /// The tables under `key`, their unknown keys noted.
    pub(super) fn sections<'a>(
        &mut self,
        of: &Section<'a>,
        key: &str,
        heading: &'static Heading,
    ) -> Vec<Section<'a>> {
        let Some(value) = of.get(key) else { return Vec::new() };
        let expected = format!("a list of tables, each written {}", heading.title);
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(key, value, &expected);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for value in array {
            match value.get_ref().as_table() {
                Some(table) => {
                    sections.push(self.enter(Section { heading, table, at: value.span().start }));
                }
                None => self.wrong(key, value, &expected),
            }
        }
        sections
    }

    /// Notes the keys that the heading does not have.
    pub(super) fn enter<'a>(&mut self, section: Section<'a>) -> Section<'a> {
        for key in section.table.keys() {
            let name = key.get_ref().as_ref();
            if !section.heading.keys.contains(&name) {
                self.fault(key.span().start, unknown(name, section.heading));
            }
        }
        section
    }

    /// The text under `key`; empty text is a fault.
    pub(super) fn text(&mut self, of: &Section<'_>, key: &str) -> Option<Written<String>> {
        let value = of.get(key)?;
        self.text_of(key, value)
    }

    /// The text under `key` as `parse` understands it; its error says what was expected.
    pub(super) fn parsed<T>(
        &mut self,
        of: &Section<'_>,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Written<T>> {
        let Written { value, at } = self.text(of, key)?;
        match parse(&value) {
            Ok(value) => Some(Written { value, at }),
            Err(expected) => {
                self.fault(at.start, format!("`{key}` is {}, expected {expected}", shown(&value)));
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        of: &Section<'_>,
        key: &str,
        choices: &[(&'static str, T)],
    ) -> Option<Written<T>> {
        self.parsed(of, key, |text| {
            let found = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            found.ok_or_else(|| match nearest(text, &words) {
                Some(word) => format!("one of {}; did you mean `{word}`?", listed(&words)),
                None => format!("one of {}", listed(&words)),
            })
        })
    }

    /// The whole number under `key`.
    pub(super) fn number(
        &mut self,
        of: &Section<'_>,
        key: &str,
        range: &RangeInclusive<u32>,
    ) -> Option<Written<u32>> {
        let value = of.get(key)?;
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong(key, value, &expected);
            return None;
        };
        let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
        if let Some(value_in_range) = number.filter(|number| range.contains(number)) {
            return Some(Written { value: value_in_range, at: value.span() });
        }
        self.fault(value.span().start, format!("`{key}` is {integer}, expected {expected}"));
        None
    }

    /// `true` or `false` under `key`.
    pub(super) fn flag(&mut self, of: &Section<'_>, key: &str) -> Option<Written<bool>> {
        let value = of.get(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong(key, value, "true or false");
        }
        flag.map(|flag| Written { value: flag, at: value.span() })
    }

    /// The texts under `key`; none of them empty.
    pub(super) fn texts(&mut self, of: &Section<'_>, key: &str) -> Vec<Written<String>> {
        of.get(key).map(|value| self.texts_of(key, value)).unwrap_or_default()
    }

    /// The table of lists of texts under `key`, in the order of its keys.
    pub(super) fn named_texts(
        &mut self,
        of: &Section<'_>,
        key: &str,
    ) -> Vec<(Written<String>, Vec<Written<String>>)> {
        let Some(value) = of.get(key) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            let expected = "a table of names with their aliases, such as { \"Jane Doe\" = [\"Mrs Doe\"] }";
            self.wrong(key, value, expected);
            return Vec::new();
        };
        let mut named = Vec::new();
        for (name, aliases) in table {
            let written = Written { value: name.get_ref().to_string(), at: name.span() };
            if written.value.trim().is_empty() {
                self.fault(written.at.start, format!("a name in `{key}` is empty, expected text"));
                continue;
            }
            let aliases = self.texts_of(&written.value, aliases);
            named.push((written, aliases));
        }
        named
    }

    fn texts_of(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Vec<Written<String>> {
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(key, value, "a list of texts, such as [\"one\", \"two\"]");
            return Vec::new();
        };
        array.iter().filter_map(|value| self.text_of(key, value)).collect()
    }

    fn text_of(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Written<String>> {
        let at = value.span();
        match value.get_ref().as_str() {
            Some(text) if text.trim().is_empty() => {
                self.fault(at.start, format!("`{key}` is empty, expected text"));
                None
            }
            Some(text) => Some(Written { value: text.to_owned(), at }),
            None => {
                self.wrong(key, value, "text in quotes");
                None
            }
        }
    }

    fn wrong(&mut self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        let kind = match value.get_ref() {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a decimal number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.fault(value.span().start, format!("`{key}` is {kind}, expected {expected}"));
    }
}

/// A value of the user's in a message: quoted, escaped, not too long, and without the password of an address.
pub(super) fn shown(text: &str) -> String {
    let text = &without_password(text);
    let mut head: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if head.len() < text.len() {
        head.push('…');
    }
    format!("{head:?}")
}

fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match host.rsplit_once('@') {
        Some((secret, _)) => format!("{scheme}://…{}", rest.get(secret.len()..).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn unknown(name: &str, heading: &Heading) -> String {
    let said = shown(name);
    let name = name.to_lowercase().replace('-', "_");
    if let Some(near) = nearest(&name, heading.keys) {
        return format!("unknown key {said} in {}, did you mean `{near}`?", heading.title);
    }
    let others = HEADINGS.iter().filter(|other| other.keys.contains(&name.as_str()));
    let others: Vec<&str> = others.map(|other| other.title).collect();
    match others.as_slice() {
        [] => format!("unknown key {said} in {}, expected one of {}", heading.title, listed(heading.keys)),
        others => format!("unknown key {said} in {}, it belongs in {}", heading.title, others.join(" or ")),
    }
}

fn nearest<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    let mistakes_max = (word.chars().count() / 3).clamp(1, 4);
    let distances = words.iter().map(|near| (strsim::damerau_levenshtein(word, near), *near));
    distances.filter(|(mistakes, _)| *mistakes <= mistakes_max).min().map(|(_, near)| near)
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
