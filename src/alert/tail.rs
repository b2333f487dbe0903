//! Shows the alert log to a reader at a terminal, and follows it through rotation. Reads the file only: it needs no
//! daemon and no store.

use std::{
    env,
    fs::{self, File},
    io::{self, BufRead, BufReader, IsTerminal, Read as _, Seek as _, SeekFrom, Write},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{
    back::lines_back,
    line::{self, Parts},
};
use crate::article::{Alert, AlertKind};

/// A longer line is shown in pieces.
const LINE_BYTES_MAX: usize = 1 << 20;
const LOOK_EVERY: Duration = Duration::from_millis(200);

const DIM: &str = "\u{1b}[2m";
const BOLD: &str = "\u{1b}[1m";
const CYAN: &str = "\u{1b}[36m";
const GREEN: &str = "\u{1b}[1;32m";
const YELLOW: &str = "\u{1b}[1;33m";
const RED: &str = "\u{1b}[1;31m";
const PLAIN: &str = "\u{1b}[0m";

/// What is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Only alerts of these topics; of all where empty.
    pub topics: Vec<String>,
    /// Only these kinds; all where empty.
    pub kinds: Vec<AlertKind>,
    /// Only alerts from this time on, by the time that their line states.
    pub since: Option<Timestamp>,
}

impl Filter {
    fn lets_through(&self, parts: &Parts<'_>) -> bool {
        (self.topics.is_empty() || self.topics.iter().any(|topic| topic == parts.topic))
            && (self.kinds.is_empty() || self.kinds.contains(&parts.kind))
            && self.since.is_none_or(|since| parts.time >= since)
    }

    /// Whether an alert is among what is shown.
    pub fn is_for(&self, alert: &Alert) -> bool {
        (self.topics.is_empty() || self.topics.contains(&alert.topic))
            && (self.kinds.is_empty() || self.kinds.contains(&alert.kind))
            && self.since.is_none_or(|since| alert.time >= since)
    }

    fn is_open(&self) -> bool {
        *self == Self::default()
    }
}

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As text without colour.
    Plain,
    /// As text with colour.
    Colour,
    /// As JSON: a line of a JSON log as it stands, of a text log what can be told from it.
    Json,
}

impl Style {
    /// Text, coloured where it goes to a terminal and `NO_COLOR` (<https://no-color.org>) is not set.
    pub fn text_for(out: &impl IsTerminal) -> Self {
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if out.is_terminal() && !unwanted { Self::Colour } else { Self::Plain }
    }
}

/// The alert log cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// There is none.
    #[error("could not find the alert log {path}: nothing was alerted yet, or alerts.log names another file")]
    Missing {
        /// The log.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("could not read the alert log {path}: its readers are the members of its group")]
    Read {
        /// The log.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its reader is gone.
    #[error("could not show the alert log")]
    Show(#[source] io::Error),
}

/// Shows the last `lines` alerts that the filter lets through; all of them where `lines` is `None`.
pub fn show(
    path: &Path,
    filter: &Filter,
    style: Style,
    lines: Option<usize>,
    out: &mut impl Write,
) -> Result<(), TailError> {
    if !path.exists() {
        return Err(TailError::Missing { path: path.to_owned() });
    }
    Tail::open(path, filter.clone(), style).start(lines, out)
}

/// Shows the last `lines` alerts and then each as it is written, until the reader of `out` is gone. Waits for a log that
/// does not exist yet.
pub fn follow(
    path: &Path,
    filter: &Filter,
    style: Style,
    lines: Option<usize>,
    out: &mut impl Write,
) -> Result<(), TailError> {
    let mut tail = Tail::open(path, filter.clone(), style);
    tail.start(lines, out)?;
    loop {
        thread::sleep(LOOK_EVERY);
        tail.step(out)?;
    }
}

/// Shows alerts that come from elsewhere than the log, and then each as it is written to it. `earlier` gives those, as
/// text or JSON lines, up to whatever was last; what the log has of them is not shown again.
pub fn follow_after<E: From<TailError>>(
    path: &Path,
    filter: &Filter,
    style: Style,
    out: &mut impl Write,
    earlier: impl FnOnce(&mut dyn FnMut(&Alert) -> Result<(), TailError>) -> Result<(), E>,
) -> Result<(), E> {
    let mut tail = Tail::open(path, filter.clone(), style);
    tail.start(Some(0), out)?;
    let mut last_seq = 0;
    earlier(&mut |alert| {
        last_seq = last_seq.max(alert.seq);
        show_alert(alert, filter, style, out)
    })?;
    out.flush().map_err(TailError::Show)?;
    tail.shown_to = last_seq;
    loop {
        thread::sleep(LOOK_EVERY);
        tail.step(out)?;
    }
}

/// Shows an alert, where the filter lets it through.
pub fn show_alert(
    alert: &Alert,
    filter: &Filter,
    style: Style,
    out: &mut impl Write,
) -> Result<(), TailError> {
    let line = if style == Style::Json { line::json(alert) } else { line::text(alert) };
    match shown(&line, filter, style) {
        Some(shown) => writeln!(out, "{shown}").map_err(TailError::Show),
        None => Ok(()),
    }
}

/// Where a reader of the log has come to.
#[derive(Debug)]
struct Tail {
    path: PathBuf,
    filter: Filter,
    style: Style,
    current: Option<Reading>,
    /// The file before the last rotation: its writer may have been about to write to it.
    previous: Option<Reading>,
    last_seq: u64,
    /// Alerts up to this one were shown from elsewhere.
    shown_to: u64,
}

#[derive(Debug)]
struct Reading {
    file: BufReader<File>,
    bytes: u64,
    /// Up to here lines were seen before: the file had become shorter, and is read again.
    again_to_bytes: u64,
    begun: Vec<u8>,
}

impl Reading {
    fn from(file: File, bytes: u64) -> io::Result<Self> {
        let mut file = BufReader::new(file);
        file.seek(SeekFrom::Start(bytes))?;
        Ok(Self { file, bytes, again_to_bytes: 0, begun: Vec::new() })
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        let held = self.file.get_ref().metadata()?;
        let found = fs::metadata(path).ok();
        Ok(found.is_none_or(|found| (found.dev(), found.ino()) == (held.dev(), held.ino())))
    }

    fn start_again_if_shorter(&mut self) -> io::Result<()> {
        let len = self.file.get_ref().metadata()?.len();
        if len < self.bytes {
            self.file.seek(SeekFrom::Start(0))?;
            self.begun.clear();
            (self.bytes, self.again_to_bytes) = (0, len);
        }
        Ok(())
    }

    /// The next whole line, without its line feed, and whether it was perhaps seen before.
    fn next_line(&mut self) -> io::Result<Option<(String, bool)>> {
        let room = LINE_BYTES_MAX.saturating_sub(self.begun.len());
        self.bytes += (&mut self.file).take(room as u64).read_until(b'\n', &mut self.begun)? as u64;
        let whole = self.begun.pop_if(|last| *last == b'\n').is_some();
        if !whole && self.begun.len() < LINE_BYTES_MAX {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&self.begun).into_owned();
        self.begun.clear();
        Ok(Some((line, self.bytes <= self.again_to_bytes)))
    }
}

impl Tail {
    fn open(path: &Path, filter: Filter, style: Style) -> Self {
        Self { path: path.to_owned(), filter, style, current: None, previous: None, last_seq: 0, shown_to: 0 }
    }

    fn start(&mut self, lines: Option<usize>, out: &mut impl Write) -> Result<(), TailError> {
        let Some(lines) = lines else { return self.step(out) };
        for shown in self.last(lines)?.iter().rev() {
            writeln!(out, "{shown}").map_err(TailError::Show)?;
        }
        out.flush().map_err(TailError::Show)
    }

    /// The last alerts that the filter lets through, last one first. Reading goes on after the last whole line.
    fn last(&mut self, lines_max: usize) -> Result<Vec<String>, TailError> {
        let Some(file) = self.open_current()? else { return Ok(Vec::new()) };
        let len = file.metadata().map_err(|source| self.unreadable(source))?.len();
        let mut lines = lines_back(&file, 0, len);
        let begun = lines.next().transpose().map_err(|source| self.unreadable(source))?.unwrap_or_default();
        let mut last = Vec::new();
        let mut last_seq = None;
        while last.len() < lines_max || last_seq.is_none() {
            let Some(line) = lines.next() else { break };
            let line = line.map_err(|source| self.unreadable(source))?;
            let line = String::from_utf8_lossy(&line);
            last_seq = last_seq.or_else(|| line::seq_of(&line));
            if last.len() < lines_max {
                last.extend(shown(&line, &self.filter, self.style));
            }
        }
        self.last_seq = last_seq.unwrap_or(0);
        let reading = Reading::from(file, len - begun.len() as u64);
        self.current = Some(reading.map_err(|source| self.unreadable(source))?);
        Ok(last)
    }

    /// Shows what was written since the last step.
    fn step(&mut self, out: &mut impl Write) -> Result<(), TailError> {
        let mut any = false;
        self.read(&mut |shown| {
            any = true;
            writeln!(out, "{shown}")
        })?;
        if any { out.flush().map_err(TailError::Show) } else { Ok(()) }
    }

    fn read(&mut self, show: &mut impl FnMut(String) -> io::Result<()>) -> Result<(), TailError> {
        if let Some(mut previous) = self.previous.take() {
            self.read_to_end(&mut previous, show)?;
        }
        if let Some(mut reading) = self.current.take() {
            // Looked at before the rest is read: what is written to the old file after that, the next step reads.
            let stays = reading.is_at(&self.path).map_err(|source| self.unreadable(source))?;
            reading.start_again_if_shorter().map_err(|source| self.unreadable(source))?;
            self.read_to_end(&mut reading, show)?;
            if stays {
                self.current = Some(reading);
                return Ok(());
            }
            self.previous = Some(reading);
        }
        if let Some(file) = self.open_current()? {
            let mut reading = Reading::from(file, 0).map_err(|source| self.unreadable(source))?;
            self.read_to_end(&mut reading, show)?;
            self.current = Some(reading);
        }
        Ok(())
    }

    fn open_current(&self) -> Result<Option<File>, TailError> {
        match File::open(&self.path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(self.unreadable(source)),
        }
    }

    fn read_to_end(
        &mut self,
        reading: &mut Reading,
        show: &mut impl FnMut(String) -> io::Result<()>,
    ) -> Result<(), TailError> {
        while let Some((line, again)) = reading.next_line().map_err(|source| self.unreadable(source))? {
            if let Some(seq) = line::seq_of(&line) {
                if (again && seq <= self.last_seq) || seq <= self.shown_to {
                    continue;
                }
                self.last_seq = seq;
            }
            if let Some(shown) = shown(&line, &self.filter, self.style) {
                show(shown).map_err(TailError::Show)?;
            }
        }
        Ok(())
    }

    fn unreadable(&self, source: io::Error) -> TailError {
        TailError::Read { path: self.path.clone(), source }
    }
}

/// The line as it is shown; none where the filter does not let it through.
fn shown(line: &str, filter: &Filter, style: Style) -> Option<String> {
    let printed = if line.starts_with('{') {
        serde_json::from_str::<Alert>(line).ok().map(|alert| line::text(&alert))
    } else {
        None
    };
    let text = printed.as_deref().unwrap_or(line);
    let Some(parts) = line::parts(text) else {
        let foreign = filter.is_open() && style != Style::Json;
        return foreign.then(|| line::showable(text).into_owned());
    };
    if !filter.lets_through(&parts) {
        return None;
    }
    Some(match style {
        Style::Json if printed.is_some() => line::showable(line).into_owned(),
        Style::Json => told(&parts, text),
        Style::Plain => line::showable(text).into_owned(),
        Style::Colour => coloured(&parts, &TimeZone::system()),
    })
}

/// What can be told of an alert from its text line.
fn told(parts: &Parts<'_>, text: &str) -> String {
    #[derive(Serialize)]
    struct Told<'a> {
        seq: u64,
        time: Timestamp,
        kind: AlertKind,
        topic: &'a str,
        line: &'a str,
    }
    let Parts { seq, time, kind, topic, .. } = *parts;
    let line = line::showable(text);
    serde_json::to_string(&Told { seq, time, kind, topic, line: &line }).unwrap_or_default()
}

/// In colour, with the time as the reader's clock has it.
fn coloured(parts: &Parts<'_>, zone: &TimeZone) -> String {
    let kind = match parts.kind {
        AlertKind::NewStory | AlertKind::NewCoverage => GREEN,
        AlertKind::Update | AlertKind::Digest | AlertKind::Test => YELLOW,
        AlertKind::Withdrawn | AlertKind::Surge | AlertKind::Silence => RED,
    };
    let Parts { time, topic, outlet, rest, .. } = *parts;
    let [topic, outlet, rest] = [topic, outlet, rest].map(line::showable);
    let time = time.to_zoned(zone.clone()).strftime("%F %T");
    let caption = line::caption(parts.kind);
    let outlet = if outlet.is_empty() { String::new() } else { format!(" {BOLD}{outlet}{PLAIN}") };
    let (rest, number) = rest.rsplit_once(" · ").unwrap_or((&rest, ""));
    format!(
        "{DIM}{time}{PLAIN} {CYAN}[{topic}]{PLAIN} {kind}{caption}{PLAIN}{outlet}{rest} {DIM}· {number}{PLAIN}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::Id;

    fn alert(seq: u64, topic: &str, kind: AlertKind) -> Alert {
        let second = i64::try_from(seq).unwrap();
        Alert {
            seq,
            id: Id(seq),
            time: Timestamp::from_second(1_900_000_000 + second).unwrap(),
            kind,
            topic: topic.to_owned(),
            story: None,
            article: None,
            outlets: 0,
            new_outlet: true,
            independent: 0,
            reports: 0,
            copies: 0,
            new_entities: vec![],
            novel: None,
            score: 0.5,
            evidence: vec![],
            change: None,
            digest: None,
            feed: None,
        }
    }

    fn line(seq: u64) -> String {
        line::text(&alert(seq, "tides", AlertKind::Test)) + "\n"
    }

    fn lines(seqs: impl IntoIterator<Item = u64>) -> String {
        seqs.into_iter().map(line).collect()
    }

    struct World {
        folder: tempfile::TempDir,
        path: PathBuf,
        tail: Tail,
    }

    /// A log with alerts 1 to 3, followed from its end.
    fn world() -> World {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.log");
        fs::write(&path, lines(1..=3)).unwrap();
        let mut tail = Tail::open(&path, Filter::default(), Style::Plain);
        tail.start(Some(0), &mut Vec::new()).unwrap();
        World { folder, path, tail }
    }

    impl World {
        fn append(&self, name: &str, text: &str) {
            let path = self.folder.path().join(name);
            File::options().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
        }

        fn rotate(&self) {
            fs::rename(&self.path, self.folder.path().join("alerts.log.1")).unwrap();
        }

        fn check(&mut self, expected: &str) {
            let mut out = Vec::new();
            self.tail.step(&mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    fn check_last(lines_max: Option<usize>, expected: &str) {
        let world = world();
        let mut out = Vec::new();
        show(&world.path, &Filter::default(), Style::Plain, lines_max, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn last_lines_are_shown() {
        check_last(None, &lines(1..=3));
        check_last(Some(2), &lines(2..=3));
        check_last(Some(9), &lines(1..=3));
        check_last(Some(0), "");
    }

    #[test]
    fn missing_log_is_named() {
        let missing =
            show(Path::new("/nowhere/alerts.log"), &Filter::default(), Style::Plain, None, &mut Vec::new());
        assert!(missing.unwrap_err().to_string().contains("/nowhere/alerts.log"));
    }

    #[test]
    fn new_lines_are_followed_once_whole() {
        let mut world = world();
        world.check("");
        let whole = line(4);
        let (head, end) = whole.split_at(30);
        world.append("alerts.log", head);
        world.check("");
        world.append("alerts.log", &format!("{end}{}", line(5)));
        world.check(&lines(4..=5));
        world.check("");
    }

    #[test]
    fn rotation_is_followed() {
        let mut world = world();
        world.append("alerts.log", &line(4));
        world.rotate();
        world.append("alerts.log", &line(5));
        world.check(&lines(4..=5));
    }

    #[test]
    fn what_reaches_the_old_file_after_its_rotation_is_shown() {
        let mut world = world();
        world.rotate();
        world.append("alerts.log", "");
        world.check("");
        world.append("alerts.log.1", &line(4));
        world.append("alerts.log", &line(5));
        world.check(&lines(4..=5));
    }

    #[test]
    fn log_that_is_gone_for_a_while_is_awaited() {
        let mut world = world();
        world.rotate();
        world.check("");
        world.append("alerts.log.1", &line(4));
        world.check(&line(4));
        world.append("alerts.log", &line(5));
        world.check(&line(5));
    }

    #[test]
    fn log_emptied_in_place_is_read_from_its_beginning() {
        let mut world = world();
        fs::write(&world.path, line(4)).unwrap();
        world.check(&line(4));
    }

    #[test]
    fn log_cut_by_a_failed_write_shows_no_line_twice() {
        let mut world = world();
        world.append("alerts.log", line(4).split_at(20).0);
        world.check("");
        fs::write(&world.path, lines(1..=3)).unwrap();
        world.check("");
        world.append("alerts.log", &line(4));
        world.check(&line(4));
    }

    fn check_filter(filter: &Filter, expected: &[u64]) {
        let alerts = [
            alert(1, "tides", AlertKind::NewStory),
            alert(2, "tides", AlertKind::Update),
            alert(3, "cranes", AlertKind::Update),
        ];
        for print in [line::text, line::json] {
            let shown = alerts.iter().filter_map(|alert| shown(&print(alert), filter, Style::Plain));
            assert_eq!(shown.map(|line| line::seq_of(&line).unwrap()).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn filters() {
        let topics = vec!["tides".to_owned(), "nothing".to_owned()];
        let since = Timestamp::from_second(1_900_000_002).ok();
        let all = Filter::default();
        check_filter(&all, &[1, 2, 3]);
        check_filter(&Filter { topics: topics.clone(), ..all.clone() }, &[1, 2]);
        check_filter(&Filter { kinds: vec![AlertKind::Update], ..all.clone() }, &[2, 3]);
        check_filter(&Filter { since, ..all }, &[2, 3]);
        check_filter(&Filter { topics, since, kinds: vec![AlertKind::Update] }, &[2]);
    }

    #[test]
    fn json_lines_are_shown_as_text_and_text_lines_told_as_json() {
        let alert = alert(4, "tides", AlertKind::Test);
        let (text, json) = (line::text(&alert), line::json(&alert));
        let all = Filter::default();
        assert_eq!(shown(&json, &all, Style::Plain).as_deref(), Some(text.as_str()));
        assert_eq!(shown(&json, &all, Style::Json).as_deref(), Some(json.as_str()));
        let expected = format!(
            "{{\"seq\":4,\"time\":\"2030-03-17T17:46:44Z\",\"kind\":\"test\",\"topic\":\"tides\",\"line\":\"{text}\"}}"
        );
        assert_eq!(shown(&text, &all, Style::Json), Some(expected));
    }

    #[test]
    fn notes_are_shown_where_nothing_is_filtered_and_cannot_move_the_cursor() {
        let narrow = Filter { topics: vec!["tides".to_owned()], ..Filter::default() };
        let note = "note \u{1b}[2J";
        assert_eq!(shown(note, &Filter::default(), Style::Colour).as_deref(), Some("note \u{fffd}[2J"));
        assert_eq!(shown(note, &narrow, Style::Colour), None);
        assert_eq!(shown(note, &Filter::default(), Style::Json), None);
    }

    #[test]
    fn colour_changes_no_word() {
        let text = line(4);
        let coloured = coloured(&line::parts(text.trim_end()).unwrap(), &TimeZone::UTC);
        assert!(coloured.contains("\u{1b}[1;33mTEST\u{1b}[0m"), "{coloured:?}");
        let mut words = coloured;
        for code in [DIM, BOLD, CYAN, GREEN, YELLOW, RED, PLAIN] {
            words = words.replace(code, "");
        }
        assert_eq!(words, text.trim_end().replacen('T', " ", 1).replacen("Z ", " ", 1));
    }
}
