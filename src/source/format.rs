//! Files to articles, recognised by what is in them, not by their names. Files of lines are read as they stream by, all
//! else at once.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};

use self::recognise::{Kind, recognise};
use crate::{
    article::{Article, DELIVERY_BYTES_MAX, DELIVERY_FOUND_MAX, Found, Occasion, Rejected},
    source::{
        net, page,
        parse::{self, charset},
    },
};

mod json;
mod recognise;
mod text;

/// Bytes of a file that is read at once.
pub const FILE_BYTES_MAX: usize = 8 << 20;

/// Bytes of one line of JSON Lines.
pub const LINE_BYTES_MAX: usize = 4 << 20;

/// How much of a file is looked at to recognise it, in bytes.
const HEAD_BYTES: usize = 64 << 10;

/// What an article's arrival is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clock {
    /// It arrives now.
    Live(Timestamp),
    /// It arrived when it was published; an undated one with the latest before it, which is carried here from file to
    /// file, else when its file was last written.
    Replay(Option<Timestamp>),
}

/// How far a file has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes that are done with.
    pub offset: u64,
    /// Lines that are done with.
    pub line: u64,
    /// Of a replay: the latest time so far.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latest: Option<Timestamp>,
    /// Nothing is left.
    pub done: bool,
}

/// Who a file's articles come from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// The drop's directory, or `ingest`.
    pub name: &'a str,
    /// Who publishes, where an article neither says so nor has an address.
    pub outlet: &'a str,
}

/// A file being read.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    origin: String,
    outlet: String,
    clock: Clock,
    written: Timestamp,
    progress: Progress,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Lines {
        file: BufReader<File>,
        line: Vec<u8>,
    },
    /// Last first.
    Whole(Vec<Found>),
}

impl Reader {
    /// Opens a file, a regular one only, and goes on where it was left. What cannot be opened is a rejection.
    pub fn open(
        path: &Path,
        origin: Origin<'_>,
        clock: Clock,
        resume: Option<Progress>,
    ) -> Result<Self, Box<Rejected>> {
        let reject = |reason: String| {
            Box::new(Rejected {
                origin: origin.name.to_owned(),
                place: path.display().to_string(),
                reason,
                input_id: None,
                seen_at: time_of(clock, None, Timestamp::UNIX_EPOCH),
            })
        };
        let unreadable = |error: io::Error| reject(format!("could not read the file: {error}"));
        let mut file = open_regular(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let written = Timestamp::new(metadata.mtime(), 0).unwrap_or_default();
        let mut head = Vec::new();
        file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(unreadable)?;
        let mut reader = Self {
            path: path.to_owned(),
            origin: origin.name.to_owned(),
            outlet: origin.outlet.to_owned(),
            clock,
            written,
            progress: resume.unwrap_or_default(),
            body: Body::Whole(Vec::new()),
        };
        if let (Clock::Replay(latest), Some(resumed)) = (clock, reader.progress.latest) {
            reader.clock = Clock::Replay(latest.max(Some(resumed)));
        }
        match recognise(&head, path) {
            Kind::JsonLines => {
                file.seek(SeekFrom::Start(reader.progress.offset)).map_err(unreadable)?;
                reader.body =
                    Body::Lines { file: BufReader::with_capacity(HEAD_BYTES, file), line: Vec::new() };
            }
            Kind::Unreadable(reason) => reader.body = Body::Whole(vec![reader.rejected(None, reason)]),
            kind => {
                let bytes = rest_of(head, file, metadata.len()).map_err(reject)?;
                let mut found = reader.whole(kind, &bytes);
                let known = usize::try_from(reader.progress.line).unwrap_or(usize::MAX);
                found.drain(..known.min(found.len()));
                found.reverse();
                reader.body = Body::Whole(found);
            }
        }
        Ok(reader)
    }

    /// The next finds, at most a delivery full, and how far the file is read with them; `None` at its end.
    pub fn next_delivery(&mut self) -> Option<(Vec<Found>, Progress)> {
        if self.progress.done {
            return None;
        }
        let (mut found, mut bytes) = (Vec::new(), 0);
        while found.len() < DELIVERY_FOUND_MAX && bytes < DELIVERY_BYTES_MAX - LINE_BYTES_MAX / 2 {
            let Some(next) = self.next_found() else {
                self.progress.done = true;
                break;
            };
            bytes += weight(&next);
            found.push(next);
        }
        if let Clock::Replay(latest) = self.clock {
            self.progress.latest = latest;
        }
        Some((found, self.progress))
    }

    /// The clock for the next file of the same run.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    fn next_found(&mut self) -> Option<Found> {
        let found = match &mut self.body {
            Body::Whole(found) => {
                let next = found.pop()?;
                self.progress.line += 1;
                next
            }
            Body::Lines { .. } => self.next_line()?,
        };
        Some(self.arrived(found))
    }

    /// The next line that is not blank.
    fn next_line(&mut self) -> Option<Found> {
        loop {
            let Body::Lines { file, line } = &mut self.body else { return None };
            line.clear();
            let read = match read_line(file, line) {
                Ok(0) => return None,
                Ok(read) => read,
                Err(error) => {
                    let reason = format!("could not read on: {error}");
                    // what cannot be read now is not read again and again
                    self.body = Body::Whole(Vec::new());
                    return Some(self.rejected(Some(self.progress.line + 1), &reason));
                }
            };
            self.progress.offset += read;
            self.progress.line += 1;
            if read > LINE_BYTES_MAX as u64 {
                let reason =
                    format!("the line has {read} bytes, more than the {LINE_BYTES_MAX} that are read");
                return Some(self.rejected(Some(self.progress.line), &reason));
            }
            let bytes = line.trim_ascii();
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            if bytes.is_empty() {
                continue;
            }
            return Some(match json::article(bytes) {
                Ok(article) => Found::Article(article),
                Err(fault) => self.faulty(Some(self.progress.line), fault),
            });
        }
    }

    fn whole(&self, kind: Kind, bytes: &[u8]) -> Vec<Found> {
        match kind {
            Kind::Json => json::document(bytes).map_or_else(
                |fault| vec![self.faulty(None, fault)],
                |found| {
                    let place = |(at, found): (usize, Result<Article, json::Fault>)| match found {
                        Ok(article) => Found::Article(article),
                        Err(fault) => self.faulty(u64::try_from(at + 1).ok(), fault),
                    };
                    found.into_iter().enumerate().map(place).collect()
                },
            ),
            Kind::Feed => match parse::parse(bytes, None, None) {
                Ok(feed) => parse::articles(
                    feed,
                    &parse::Arrival {
                        origin: &self.origin,
                        outlet: Some(self.outlet.as_str()).filter(|outlet| !outlet.is_empty()),
                        seen_at: self.written,
                        occasion: Occasion::Live,
                    },
                ),
                Err(error) => vec![self.rejected(None, &format!("could not read it as a feed: {error}"))],
            },
            Kind::Html => match page::read(bytes, None, None) {
                Ok(page) => vec![self.of_page(page)],
                Err(error) => vec![self.rejected(None, &format!("could not read it as a web page: {error}"))],
            },
            _ => match text::article(&charset::decode(bytes, None)) {
                Some(article) => vec![Found::Article(article)],
                None => vec![self.rejected(None, "there is no text in it")],
            },
        }
    }

    fn of_page(&self, page: page::Page) -> Found {
        if page.title.is_empty() && page.text.is_empty() {
            return self.rejected(None, "the page has neither a title nor a text");
        }
        let url = page.canonical_url.or(page.url);
        Found::Article(Article {
            outlet: url.as_deref().map(net::outlet_of).unwrap_or_default(),
            url,
            title: page.title,
            text: page.text,
            published: page.published,
            language: page.language.as_deref().and_then(parse::primary_language),
            authors: page.authors,
            ..Article::default()
        })
    }

    fn faulty(&self, line: Option<u64>, fault: json::Fault) -> Found {
        match self.rejected(line, &fault.reason) {
            Found::Rejected(rejected) => Found::Rejected(Rejected { input_id: fault.input_id, ..rejected }),
            article @ Found::Article(_) => article,
        }
    }

    fn rejected(&self, line: Option<u64>, reason: &str) -> Found {
        let path = self.path.display();
        Found::Rejected(Rejected {
            origin: self.origin.clone(),
            place: line.map_or_else(|| path.to_string(), |line| format!("{path}:{line}")),
            reason: reason.to_owned(),
            input_id: None,
            seen_at: Timestamp::UNIX_EPOCH,
        })
    }

    /// Gives a find what depends on the file and the clock.
    fn arrived(&mut self, found: Found) -> Found {
        match found {
            Found::Article(mut article) => {
                let seen_at = time_of(self.clock, article.published, self.written);
                if let Clock::Replay(latest) = &mut self.clock {
                    *latest = (*latest).max(article.published);
                    article.occasion = Occasion::Replay;
                }
                if article.outlet.is_empty() {
                    article.outlet.clone_from(&self.outlet);
                }
                article.origin.clone_from(&self.origin);
                Found::Article(Article { seen_at, ..article })
            }
            Found::Rejected(rejected) => {
                Found::Rejected(Rejected { seen_at: time_of(self.clock, None, self.written), ..rejected })
            }
        }
    }
}

fn time_of(clock: Clock, published: Option<Timestamp>, written: Timestamp) -> Timestamp {
    match clock {
        Clock::Live(now) => now,
        Clock::Replay(latest) => published.or(latest).unwrap_or(written),
    }
}

fn weight(found: &Found) -> usize {
    match found {
        Found::Article(article) => article.title.len() + article.text.len(),
        Found::Rejected(rejected) => rejected.reason.len(),
    }
}

/// Opens what is a file and nothing else: a pipe would block, a link could lead anywhere.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(file)
}

fn rest_of(mut head: Vec<u8>, file: File, length: u64) -> Result<Vec<u8>, String> {
    let too_big = || format!("the file has more than the {FILE_BYTES_MAX} bytes that are read of its kind");
    if length > FILE_BYTES_MAX as u64 {
        return Err(too_big());
    }
    let most = (FILE_BYTES_MAX + 1).saturating_sub(head.len()) as u64;
    file.take(most).read_to_end(&mut head).map_err(|error| format!("could not read on: {error}"))?;
    if head.len() > FILE_BYTES_MAX { Err(too_big()) } else { Ok(head) }
}

/// Reads a line with its end, keeping no more of it than is allowed; tells its whole length.
fn read_line(file: &mut BufReader<File>, line: &mut Vec<u8>) -> io::Result<u64> {
    let mut total = 0;
    loop {
        let chunk = file.fill_buf()?;
        if chunk.is_empty() {
            return Ok(total);
        }
        let end = memchr::memchr(b'\n', chunk);
        let length = end.map_or(chunk.len(), |end| end + 1);
        if line.len() + length <= LINE_BYTES_MAX {
            line.extend_from_slice(chunk.get(..length).unwrap_or_default());
        }
        total += length as u64;
        file.consume(length);
        if end.is_some() {
            return Ok(total);
        }
    }
}

/// All that is in a file, at most so many finds: for samples and questions, which are read at once.
///
/// # Errors
/// When it cannot be opened.
pub fn read_whole(path: &Path, found_max: usize) -> Result<Vec<Found>, Box<Rejected>> {
    let mut reader = Reader::open(path, Origin::default(), Clock::Live(Timestamp::now()), None)?;
    let mut all = Vec::new();
    while let Some((found, _)) = reader.next_delivery() {
        all.extend(found);
        if all.len() >= found_max {
            break;
        }
    }
    all.truncate(found_max);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Titles, and for what is rejected its place after the directory with the reason.
    fn check(name: &str, bytes: &[u8], expected: &[&str]) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        let found = read_whole(&path, 100).unwrap();
        let said: Vec<String> = found
            .into_iter()
            .map(|found| match found {
                Found::Article(article) => article.title,
                Found::Rejected(rejected) => {
                    let place = rejected.place.rsplit('/').next().unwrap_or_default().to_owned();
                    format!("{place} {}", rejected.reason)
                }
            })
            .collect();
        assert_eq!(said.len(), expected.len(), "{said:?}");
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.starts_with(expected), "{said:?} is not {expected:?}");
        }
    }

    #[test]
    fn lines() {
        check(
            "x",
            b"{\"title\":\"a\"}\n\n{\"title\":\n{\"title\":\"c\"}",
            &["a", "x:3 it is not sound JSON", "c"],
        );
    }

    #[test]
    fn a_document_over_several_lines() {
        check("x", b"{\n \"title\": \"a\"\n}", &["a"]);
        check("x", b"[{\"title\":\"a\"},\n{\"id\":1}]", &["a", "x:2 there is neither"]);
    }

    #[test]
    fn a_feed() {
        check(
            "x",
            b"<?xml version='1.0'?><rss><channel><item><title>a</title></item></channel></rss>",
            &["a"],
        );
        check(
            "x",
            br#"{"version":"https://jsonfeed.org/version/1","title":"t","items":[{"id":"1","title":"a"}]}"#,
            &["a"],
        );
    }

    #[test]
    fn a_page() {
        check(
            "x",
            b"<!DOCTYPE html><title>A dam in Lindmouth</title><body><p>It broke.</body>",
            &["A dam in Lindmouth"],
        );
    }

    #[test]
    fn a_text() {
        check("x.txt", b"A dam in Lindmouth\n\nIt broke.", &["A dam in Lindmouth"]);
        check("x.txt", b"\xff\xfeA\0 \0d\0a\0m\0", &["A dam"]);
    }

    #[test]
    fn what_is_none_of_them() {
        check("x", b"ab\0cd", &["x it holds NUL bytes"]);
        check("x", b"", &["x it is empty"]);
        check("x", b"%PDF-1.4", &["x it is a PDF"]);
        check("x", b"From: a@b.example\nSubject: A dam\n\nIt broke.", &["x it is an e-mail"]);
        check("x", b"<?xml version='1.0'?><nitf/>", &["x it is an agency's XML"]);
    }

    #[test]
    fn a_long_line_is_not_read_whole() {
        let mut bytes = vec![b'x'; LINE_BYTES_MAX + 1];
        bytes.extend_from_slice(b"\n{\"title\":\"b\"}\n");
        check("x.jsonl", &bytes, &["x.jsonl:1 the line has 4194306 bytes", "b"]);
    }

    #[test]
    fn a_replay_goes_by_the_articles_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        fs::write(&path, "{\"title\":\"a\",\"published\":\"2020-01-02\"}\n{\"title\":\"b\"}\n{\"title\":\"c\",\"published\":\"2020-01-01\"}").unwrap();
        let days = |clock, resume| {
            let mut reader = Reader::open(&path, Origin::default(), clock, resume).unwrap();
            let (found, progress) = reader.next_delivery().unwrap();
            let day = |found: &Found| match found {
                Found::Article(article) => article.seen_at.strftime("%d").to_string(),
                Found::Rejected(_) => String::new(),
            };
            (found.iter().map(day).collect::<Vec<_>>(), progress, reader.clock())
        };
        let (found, progress, clock) = days(Clock::Replay(None), None);
        assert_eq!(found, ["02", "02", "01"]);
        assert_eq!(clock, Clock::Replay("2020-01-02T00:00:00Z".parse().ok()));
        let resumed = Progress { offset: 39, line: 1, ..progress };
        assert_eq!(days(Clock::Replay(None), Some(Progress { done: false, ..resumed })).0, ["02", "01"]);
    }
}
