//! Reads what is committed: a line by its place, or all in their order.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::{
    JournalError, Line, Position, SCHEMA, day_of_name,
    frame::{Decoder, FrameFault, LINE_READ_BYTES, Window},
    journal_dir, path_of,
    scan::{self, Scan},
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{article::Article, pipeline::view::Locator};

/// Day files that are kept open for reading.
const OPEN_DAYS_MAX: usize = 8;

/// The committed part of the journal, for reading. Needs no lock, and can be opened beside a running daemon; it then
/// ends where the journal ended when it was opened.
pub struct Reader {
    pub(super) dir: PathBuf,
    /// Days and where the committed lines of each end.
    pub(super) days: BTreeMap<u32, u64>,
    /// Locked, because look-ups take `&self` and zstd's context is worth keeping: one look-up at a time.
    look_up: Mutex<LookUp>,
}

struct LookUp {
    decoder: Decoder,
    files: Vec<(u32, File)>,
}

impl Reader {
    /// Opens the journal below a state directory.
    pub fn open(state_dir: &Path) -> Result<Self, JournalError> {
        Ok(Self::open_to_tail(&journal_dir(state_dir))?.0)
    }

    /// The reader, and what stands behind the last commit.
    pub(super) fn open_to_tail(dir: &Path) -> Result<(Self, Tail), JournalError> {
        let mut days = list_days(dir)?;
        let mut tail = Tail::default();
        if let Some(mut newest) = days.last_entry() {
            let path = path_of(dir, *newest.key());
            check_header(&path)?;
            let bytes = *newest.get();
            let found = File::open(&path)
                .and_then(|file| scan::last_commit(file, bytes))
                .map_err(JournalError::io("read", &path))?;
            if found.schema > SCHEMA {
                return Err(JournalError::newer(&path, found.schema));
            }
            tail = Tail { bytes: bytes - found.end, torn_commit: found.torn_commit };
            newest.insert(found.end);
        }
        let decoder = Decoder::new().map_err(JournalError::Zstd)?;
        let look_up = Mutex::new(LookUp { decoder, files: Vec::new() });
        Ok((Self { dir: dir.to_owned(), days, look_up }, tail))
    }

    /// Behind the last commit.
    pub fn end(&self) -> Position {
        self.days.last_key_value().map_or(Position::default(), |(&day, &offset)| Position { day, offset })
    }

    /// Days that have a file, as numbers yyyymmdd, with the bytes of their committed lines.
    pub fn days(&self) -> impl DoubleEndedIterator<Item = (u32, u64)> {
        self.days.iter().map(|(&day, &bytes)| (day, bytes))
    }

    /// Bytes of all committed lines.
    pub fn bytes(&self) -> u64 {
        self.days.values().sum()
    }

    /// The committed lines from a position on.
    pub fn scan(&self, from: Position) -> Result<Scan, JournalError> {
        Scan::new(&self.dir, self.days(), from)
    }

    /// One committed line.
    pub fn read(&self, at: Locator) -> Result<Line, JournalError> {
        self.read_as(at)
    }

    /// The article of one committed line, without what was decided of it.
    pub fn read_article(&self, at: Locator) -> Result<Article, JournalError> {
        self.read_as(at).map(|line: ArticleLine| line.article.article)
    }

    fn read_as<T: DeserializeOwned>(&self, at: Locator) -> Result<T, JournalError> {
        let path = path_of(&self.dir, at.day);
        let end = self.days.get(&at.day).copied().unwrap_or(0);
        let mut look_up = self.look_up.lock().unwrap_or_else(PoisonError::into_inner);
        let LookUp { decoder, files } = &mut *look_up;
        let file = open_day(files, at.day, &path)
            .and_then(File::try_clone)
            .map_err(JournalError::io("open", &path))?;
        let mut window = Window::new(file, end, LINE_READ_BYTES);
        match window.line(at.offset, decoder) {
            Ok((line, end)) => understand(line, &path, at.offset, end),
            Err(fault) => Err(fault_at(fault, &path, at.offset)),
        }
    }

    /// The line whose frame begins at the head of `bytes`, which stand at `at`.
    pub(super) fn read_bytes<T: DeserializeOwned>(
        &self,
        bytes: &[u8],
        at: Locator,
    ) -> Result<T, JournalError> {
        let path = path_of(&self.dir, at.day);
        let mut look_up = self.look_up.lock().unwrap_or_else(PoisonError::into_inner);
        match look_up.decoder.decode(bytes) {
            Ok((line, length)) => understand(line, &path, at.offset, at.offset + length as u64),
            Err(fault) => Err(fault_at(fault, &path, at.offset)),
        }
    }
}

/// What stands behind the last commit of the newest file.
#[derive(Debug, Default)]
pub(super) struct Tail {
    pub(super) bytes: u64,
    /// A commit is among it, but not all of its batch.
    pub(super) torn_commit: bool,
}

fn list_days(dir: &Path) -> Result<BTreeMap<u32, u64>, JournalError> {
    let failed = || JournalError::io("list", dir);
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.map_err(failed())?,
    };
    let mut days = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(failed())?;
        if let Some(day) = entry.file_name().to_str().and_then(day_of_name) {
            days.insert(day, fs::metadata(entry.path()).map_err(failed())?.len());
        }
    }
    Ok(days)
}

/// Refuses a newer file by its first line. One that has no whole first line has no commit either.
fn check_header(path: &Path) -> Result<(), JournalError> {
    let failed = |source| JournalError::io("read", path)(source);
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    let mut decoder = Decoder::new().map_err(JournalError::Zstd)?;
    match Window::new(file, bytes, LINE_READ_BYTES).line(0, &mut decoder) {
        Ok((line, _)) => match scan::header(line) {
            Some(Ok(header)) => header.check(path),
            _ => Ok(()),
        },
        Err(FrameFault::Damaged(_)) => Ok(()),
        Err(FrameFault::Io(source)) => Err(failed(source)),
    }
}

fn open_day<'f>(files: &'f mut Vec<(u32, File)>, day: u32, path: &Path) -> io::Result<&'f File> {
    if let Some(at) = files.iter().position(|(open, _)| *open == day) {
        let entry = files.remove(at);
        files.push(entry);
    } else {
        let file = File::open(path)?;
        if files.len() >= OPEN_DAYS_MAX {
            files.remove(0);
        }
        files.push((day, file));
    }
    files.last().map(|(_, file)| file).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// As much of `Line::Article` as a look-up of the text needs.
#[derive(Deserialize)]
pub(super) struct ArticleLine {
    pub(super) article: ArticleOfLine,
}

#[derive(Deserialize)]
pub(super) struct ArticleOfLine {
    pub(super) article: Article,
}

pub(super) fn understand<T: DeserializeOwned>(
    line: &[u8],
    path: &Path,
    offset: u64,
    end: u64,
) -> Result<T, JournalError> {
    serde_json::from_slice(line).map_err(|source| JournalError::Damaged {
        path: path.to_owned(),
        offset,
        bytes: end - offset,
        why: format!("the line is not understood: {source}"),
    })
}

pub(super) fn fault_at(fault: FrameFault, path: &Path, offset: u64) -> JournalError {
    match fault {
        FrameFault::Damaged(why) => {
            JournalError::Damaged { path: path.to_owned(), offset, bytes: 0, why: why.to_owned() }
        }
        FrameFault::Io(source) => JournalError::io("read", path)(source),
    }
}
