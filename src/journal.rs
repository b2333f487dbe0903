//! What happened, by day: the truth from which all else can be built again. Append, sync, read back.
//! `<dir>/YYYY-MM-DD.jsonl.zst` holds one zstd frame a line, so that `zstdcat FILE | jq` reads it and a `Locator` finds
//! one line. A batch ends in a commit; what has none behind it never happened.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use self::{
    day::{day_of, journal_dir, path_of},
    frame::{EncodeError, Encoder},
    kept::line_of,
    reader::{Reader, Sizes, article_of},
    remains::{KeptArticle, Marks},
    scan::Scan,
    state_dir::{StateDir, StateError, sync_dir},
};
use crate::{
    article::{Alert, Article, Checkpoint, Decision, Rejected},
    event::Rules,
    failpoint,
    pipeline::{adopt::Adoption, topic::Traced, view::Locator},
};

pub mod day;
mod frame;
pub mod kept;
pub mod reader;
pub mod remains;
pub mod scan;
pub mod state_dir;

/// Version of the lines that are written. Older ones are read, newer ones are refused.
pub const SCHEMA: u32 = 1;

/// A batch's buffer is given back when it grew beyond this.
const BUFFER_KEPT_BYTES: usize = 8 << 20;

/// One line as it is read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly all lines are articles")]
pub enum Line {
    /// An article and what was decided.
    Article {
        /// Counts articles and rejections from 1.
        seq: u64,
        /// As the source delivered it.
        article: Article,
        /// What was decided.
        decision: Decision,
        /// What is to be told of it.
        alerts: Vec<Alert>,
        /// What topics remember of its story from now on.
        #[serde(default)]
        traces: Vec<Traced>,
        /// How its words weighed when it arrived; see `pipeline::story`.
        #[serde(default)]
        weights: String,
        /// Only of an article whose text has expired: by what it is recognised.
        #[serde(skip)]
        marks: Option<Marks>,
    },
    /// A known article was seen again after a long time: what is remembered of it counts from here on.
    Sighted(Box<KeptArticle>),
    /// Something that is no article.
    Rejected {
        /// Counted together with the articles.
        seq: u64,
        /// As the source delivered it.
        rejected: Rejected,
        /// That it is rejected, and why.
        decision: Decision,
    },
    /// Alerts that are about no single article: their time had come, or the user asked. They are facts, which are
    /// applied and not decided again.
    Notice {
        /// Counted together with the articles.
        seq: u64,
        /// When.
        at: Timestamp,
        /// What is to be told.
        alerts: Vec<Alert>,
    },
    /// From here on these rules hold.
    Rules(Rules),
    /// What topics of new rules follow of the stories that go on.
    Adopted(Adoption),
    /// All lines since the last commit hold.
    Commit(Commit),
}

/// One line as it is written; the decision is serialised already, because others want its JSON too.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineRef<'a> {
    /// See `Line::Article`.
    Article {
        /// Counts articles and rejections from 1.
        seq: u64,
        /// As the source delivered it.
        article: &'a Article,
        /// JSON of a `Decision`.
        decision: &'a RawValue,
        /// What is to be told of it.
        alerts: &'a [Alert],
        /// See `Line::Article`.
        #[serde(skip_serializing_if = "<[Traced]>::is_empty")]
        traces: &'a [Traced],
        /// See `Line::Article`.
        #[serde(skip_serializing_if = "str::is_empty")]
        weights: &'a str,
    },
    /// See `Line::Sighted`.
    Sighted(&'a KeptArticle),
    /// See `Line::Rejected`.
    Rejected {
        /// Counted together with the articles.
        seq: u64,
        /// As the source delivered it.
        rejected: &'a Rejected,
        /// JSON of a `Decision`.
        decision: &'a RawValue,
    },
    /// See `Line::Notice`.
    Notice {
        /// Counted together with the articles.
        seq: u64,
        /// When.
        at: Timestamp,
        /// What is to be told.
        alerts: &'a [Alert],
    },
    /// See `Line::Rules`.
    Rules(&'a Rules),
    /// See `Line::Adopted`.
    Adopted(&'a Adoption),
}

/// Ends a batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// Counts the batches from 1.
    pub batch: u64,
    /// Lines of articles in the batch.
    pub articles: u32,
    /// Of the last article or rejection so far.
    pub seq: u64,
    /// Of the last alert so far.
    pub alert_seq: u64,
    /// Of the last alert that stood in the alert log then.
    #[serde(default)]
    pub told: u64,
    /// How far the sources have come with it.
    pub checkpoints: Vec<Checkpoint>,
    /// Version of the batch's lines. Set by `Journal::commit`.
    pub schema: u32,
    /// Where in its file the batch begins. Set by `Journal::commit`.
    pub start: u64,
}

/// A place between two lines, as a rule behind a commit. The default is before all lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// As a number yyyymmdd.
    pub day: u32,
    /// Bytes from the start of the day's file.
    pub offset: u64,
}

/// The first line of each file.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    schema: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum OwnLine<'a> {
    Journal(Header),
    Commit(&'a Commit),
}

/// The journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Written by a newer version.
    #[error(
        "{} was written by a newer storywatch (journal schema {found}, this one knows {SCHEMA}): install that version",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
    },
    /// Bytes that are no line.
    #[error("{} is damaged: {bytes} bytes from byte {offset} on: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damage begins.
        offset: u64,
        /// How many bytes are lost.
        bytes: u64,
        /// What was wrong.
        why: String,
    },
    /// What its articles were is remembered no more, or somebody removed the file.
    #[error("{} is gone, and what it held is forgotten", path.display())]
    Forgotten {
        /// The file.
        path: PathBuf,
    },
    /// Somebody remembers more than there is: files of the journal were removed or replaced.
    #[error("the journal ends at {end:?}, before {position:?}")]
    Beyond {
        /// Where reading should begin.
        position: Position,
        /// Where that day ends.
        end: Position,
    },
    /// The batch is not committed, and nothing of it is in the file: it can be committed again.
    #[error("could not commit a batch to {}; nothing of it was written", path.display())]
    NotCommitted {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A commit failed in a way that leaves the file in doubt: only a new start can tell what it holds.
    #[error("could not restore {} after a failed commit: start again", path.display())]
    InDoubt {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line that cannot be written.
    #[error("could not encode a line")]
    Encode(#[from] EncodeError),
    /// zstd has no memory.
    #[error("could not set up zstd")]
    Zstd(#[source] io::Error),
    /// No room on the disk.
    #[error(transparent)]
    State(#[from] StateError),
    /// The file system says no.
    #[error("could not {what} {}", path.display())]
    Io {
        /// A verb.
        what: &'static str,
        /// Of what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl JournalError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    fn newer(path: &Path, found: u32) -> Self {
        Self::Newer { path: path.to_owned(), found }
    }
}

impl Header {
    fn check(&self, path: &Path) -> Result<(), JournalError> {
        if self.schema > SCHEMA { Err(JournalError::newer(path, self.schema)) } else { Ok(()) }
    }
}

/// A tail without a commit, cut off when the journal was opened: what a crash left of a batch that never counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The file.
    pub path: PathBuf,
    /// How long the tail was.
    pub bytes: u64,
    /// A copy of it, where it holds a commit whose batch is not whole: it may have been damaged after it was
    /// acknowledged.
    pub saved: Option<PathBuf>,
}

/// The journal of a running daemon.
pub struct Journal {
    reader: Reader,
    state: StateDir,
    encoder: Encoder,
    /// The day of the last commit, or of the batch that is gathered.
    day: u32,
    /// Where in the day's file the batch will begin.
    start: u64,
    /// The batch's frames.
    batch: Vec<u8>,
    /// Open for writing.
    file: Option<(u32, File)>,
    in_doubt: bool,
}

impl Journal {
    /// Opens the journal of a state directory for writing. A tail without a commit is cut off.
    pub fn open(state: &StateDir) -> Result<(Self, Option<Cut>), JournalError> {
        let dir = journal_dir(state.path());
        fs::create_dir_all(&dir)
            .and_then(|()| sync_dir(state.path()))
            .map_err(JournalError::io("make the directory", &dir))?;
        kept::clear_leftovers(&dir).map_err(JournalError::io("clean up", &dir))?;
        let (reader, tail) = Reader::open_to_tail(&dir)?;
        let Position { day, offset } = reader.end();
        let mut cut = None;
        if tail.bytes > 0 {
            let path = path_of(&dir, day);
            let saved = if tail.torn_commit { Some(save_tail(&path, offset)?) } else { None };
            cut_to(&path, offset).map_err(JournalError::io("cut", &path))?;
            tracing::warn!(file = %path.display(), bytes = tail.bytes, ?saved,
                "cut what a crash left of a batch that was not committed");
            cut = Some(Cut { path, bytes: tail.bytes, saved });
        }
        let journal = Self {
            reader,
            state: state.clone(),
            encoder: Encoder::new().map_err(JournalError::Zstd)?,
            day,
            start: offset,
            batch: Vec::new(),
            file: None,
            in_doubt: false,
        };
        Ok((journal, cut))
    }

    /// Adds a line to the batch and says where it will stand. The batch's first line chooses its day, which never goes
    /// back; nothing is written before `commit`.
    pub fn append(&mut self, at: Timestamp, line: &LineRef<'_>) -> Result<Locator, JournalError> {
        self.begin(at)?;
        let locator = Locator { day: self.day, offset: self.start + self.batch.len() as u64 };
        self.encoder.append(line, &mut self.batch)?;
        Ok(locator)
    }

    /// Writes the batch with its commit and waits until it is durable: it then holds, for ever. After
    /// `JournalError::NotCommitted` or `State` the batch is still gathered and can be committed again.
    pub fn commit(&mut self, at: Timestamp, commit: &Commit) -> Result<Position, JournalError> {
        self.state.check_room()?;
        self.begin(at)?;
        let path = path_of(&self.reader.dir, self.day);
        if self.in_doubt {
            let source = io::Error::other("an earlier commit failed half-way");
            return Err(JournalError::InDoubt { path, source });
        }
        let lines_bytes = self.batch.len();
        let commit = Commit { schema: SCHEMA, start: self.start, ..commit.clone() };
        self.encoder.append(&OwnLine::Commit(&commit), &mut self.batch)?;
        if let Err(source) = self.write(&path) {
            self.batch.truncate(lines_bytes);
            self.file = None;
            if let Err(source) = cut_to(&path, self.start) {
                self.in_doubt = true;
                return Err(JournalError::InDoubt { path, source });
            }
            return Err(JournalError::NotCommitted { path, source });
        }
        self.start += self.batch.len() as u64;
        self.reader.days.insert(self.day, self.start);
        self.discard();
        Ok(self.end())
    }

    /// Forgets the lines since the last commit.
    pub fn discard(&mut self) {
        self.batch.clear();
        self.batch.shrink_to(BUFFER_KEPT_BYTES);
    }

    /// One line, committed or of the batch that is gathered.
    pub fn read(&self, at: Locator) -> Result<Line, JournalError> {
        if at.day != self.day || at.offset < self.start {
            return self.reader.read(at);
        }
        self.reader.read_bytes(self.gathered(at), at, line_of)
    }

    /// The article of one line, committed or gathered, without what was decided of it.
    pub fn read_article(&self, at: Locator) -> Result<Article, JournalError> {
        if at.day != self.day || at.offset < self.start {
            return self.reader.read_article(at);
        }
        self.reader.read_bytes(self.gathered(at), at, article_of)
    }

    /// The gathered batch from a place on.
    fn gathered(&self, at: Locator) -> &[u8] {
        let skip = usize::try_from(at.offset - self.start).unwrap_or(usize::MAX);
        self.batch.get(skip..).unwrap_or_default()
    }

    /// The committed lines from a position on, up to the last commit as of now.
    pub fn scan(&self, from: Position) -> Result<Scan, JournalError> {
        self.reader.scan(from)
    }

    /// Behind the last commit.
    pub fn end(&self) -> Position {
        self.reader.end()
    }

    /// See `Reader::days`.
    pub fn days(&self) -> impl DoubleEndedIterator<Item = (u32, u64)> {
        self.reader.days()
    }

    /// Bytes of all committed lines, as they were written.
    pub fn bytes(&self) -> u64 {
        self.reader.bytes()
    }

    /// See `Reader::kept_days`.
    pub fn kept_days(&self) -> Result<Vec<(u32, u64)>, JournalError> {
        self.reader.kept_days()
    }

    /// Removes a day whose texts have expired, for good.
    pub fn remove(&mut self, day: u32) -> Result<(), JournalError> {
        self.reader.remove(day)
    }

    /// See `Reader::sizes`.
    pub fn sizes(&self) -> Result<Sizes, JournalError> {
        self.reader.sizes()
    }

    /// Chooses the batch's day with its first line, and puts the header at the head of a new file.
    fn begin(&mut self, at: Timestamp) -> Result<(), JournalError> {
        if !self.batch.is_empty() {
            return Ok(());
        }
        let day = day_of(at);
        if day > self.day {
            self.day = day;
            self.start = 0;
        }
        if self.start == 0 {
            self.encoder.append(&OwnLine::Journal(Header { schema: SCHEMA }), &mut self.batch)?;
        }
        Ok(())
    }

    fn write(&mut self, path: &Path) -> io::Result<()> {
        if self.file.as_ref().is_none_or(|(day, _)| *day != self.day) {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
            self.file = Some((self.day, file));
        }
        let Some((_, file)) = &self.file else { return Ok(()) };
        file.write_all_at(&self.batch, self.start)?;
        failpoint::pass("journal-unsynced");
        file.sync_data()?;
        if self.start == 0 {
            sync_dir(&self.reader.dir)?;
        }
        Ok(())
    }
}

fn save_tail(path: &Path, from: u64) -> Result<PathBuf, JournalError> {
    let saved = path.with_extension(format!("zst.cut-{from}"));
    let copy = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut copy = File::create(&saved)?;
        io::copy(&mut file, &mut copy)?;
        copy.sync_data()
    };
    copy().map_err(JournalError::io("copy the damaged end of", path))?;
    Ok(saved)
}

fn cut_to(path: &Path, bytes: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.set_len(bytes)?;
    file.sync_data()
}

#[cfg(test)]
mod tests;
