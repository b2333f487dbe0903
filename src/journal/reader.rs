//! Reads what is committed: a line by its place, or all in their order.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::Deserialize;

use super::{
    JournalError, Line, Position, SCHEMA,
    day::{day_of_name, journal_dir, kept_path_of, path_of},
    frame::{Decoder, FrameFault, LINE_READ_BYTES, Window},
    kept::{self, GivenUp, Keep, KeptFile, kept_day_of_name, line_of},
    scan::{self, Scan},
};

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
    files: Vec<(u32, Day)>,
}

/// A day's file: with its texts, or what is left of them.
pub(super) enum Day {
    Whole(File),
    Kept(KeptFile),
}

impl Day {
    /// Opens the file of a day whose committed lines ended at `end`. Its texts may expire at any moment.
    pub(super) fn open(dir: &Path, day: u32, end: u64) -> Result<Self, JournalError> {
        let path = path_of(dir, day);
        match File::open(&path) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
                let kept = kept_path_of(dir, day, end);
                match KeptFile::open(&kept) {
                    Ok(file) => Ok(Self::Kept(file)),
                    Err(fault) if fault.kind() == io::ErrorKind::InvalidData => Err(JournalError::Damaged {
                        path: kept,
                        offset: 0,
                        bytes: end,
                        why: fault.to_string(),
                    }),
                    Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
                        Err(JournalError::Forgotten { path: kept })
                    }
                    Err(fault) => Err(JournalError::io("open", &kept)(fault)),
                }
            }
            file => file.map(Self::Whole).map_err(JournalError::io("open", &path)),
        }
    }
}

/// What the journal takes on its disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Days with their texts,
    pub whole_days: u64,
    /// and their bytes.
    pub whole_bytes: u64,
    /// Days whose texts have expired,
    pub kept_days: u64,
    /// and their bytes.
    pub kept_bytes: u64,
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

    /// Bytes of all committed lines, as they were written.
    pub fn bytes(&self) -> u64 {
        self.days.values().sum()
    }

    /// What the days take on the disk now.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn sizes(&self) -> Result<Sizes, JournalError> {
        let mut sizes = Sizes::default();
        for (day, file) in list_files(&self.dir)? {
            match file {
                DayFile::Whole(_) if !self.days.contains_key(&day) => {}
                DayFile::Whole(bytes) => {
                    sizes.whole_days += 1;
                    sizes.whole_bytes += bytes;
                }
                DayFile::Kept { bytes, .. } => {
                    sizes.kept_days += 1;
                    sizes.kept_bytes += bytes;
                }
            }
        }
        Ok(sizes)
    }

    /// Days that still have their texts, oldest first, but for the newest, which is written; with their bytes.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn whole_days(&self) -> Result<Vec<(u32, u64)>, JournalError> {
        let newest = self.end().day;
        let files = list_files(&self.dir)?.into_iter();
        let whole = files.filter_map(|(day, file)| match file {
            DayFile::Whole(bytes) if day < newest => Some((day, bytes)),
            _ => None,
        });
        Ok(whole.collect())
    }

    /// Days whose texts have expired, oldest first, with their bytes.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn kept_days(&self) -> Result<Vec<(u32, u64)>, JournalError> {
        let files = list_files(&self.dir)?.into_iter();
        let kept = files.filter_map(|(day, file)| match file {
            DayFile::Kept { bytes, .. } => Some((day, bytes)),
            DayFile::Whole(_) => None,
        });
        Ok(kept.collect())
    }

    /// Gives up the texts of a finished day: what `keep` says of each article is left. Places in the day stay what they
    /// are. Only who holds the state directory may do this, one day at a time.
    ///
    /// # Errors
    /// When the day cannot be read, or its successor not be written: then all is as it was.
    pub fn give_up(&self, day: u32, keep: Keep<'_>) -> Result<GivenUp, JournalError> {
        let end = self.days.get(&day).copied().unwrap_or(0);
        kept::give_up(&self.dir, day, end, keep)
    }

    /// Removes a day whose texts have expired, for good.
    ///
    /// # Errors
    /// When its file cannot be removed.
    pub(super) fn remove(&mut self, day: u32) -> Result<(), JournalError> {
        let Some(end) = self.days.remove(&day) else { return Ok(()) };
        let path = kept_path_of(&self.dir, day, end);
        let mut look_up = self.look_up.lock().unwrap_or_else(PoisonError::into_inner);
        look_up.files.retain(|(open, _)| *open != day);
        fs::remove_file(&path)
            .and_then(|()| super::sync_dir(&self.dir))
            .map_err(JournalError::io("remove", &path))
    }

    /// The committed lines from a position on.
    pub fn scan(&self, from: Position) -> Result<Scan, JournalError> {
        Scan::new(&self.dir, self.days(), from)
    }

    /// One committed line.
    pub fn read(&self, at: Locator) -> Result<Line, JournalError> {
        self.read_as(at, line_of)
    }

    /// The article of one committed line, without what was decided of it; without a text where that has expired.
    pub fn read_article(&self, at: Locator) -> Result<Article, JournalError> {
        self.read_as(at, article_of)
    }

    fn read_as<T>(
        &self,
        at: Locator,
        read: impl FnOnce(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, JournalError> {
        let path = || path_of(&self.dir, at.day);
        let end = self.days.get(&at.day).copied().unwrap_or(0);
        let mut look_up = self.look_up.lock().unwrap_or_else(PoisonError::into_inner);
        let LookUp { decoder, files } = &mut *look_up;
        match open_day(files, at.day, || Day::open(&self.dir, at.day, end))? {
            Day::Whole(file) => {
                let mut window = Window::new(file, end, LINE_READ_BYTES);
                match window.line(at.offset, decoder) {
                    Ok((line, end)) => understand(read(line), path, at.offset, end),
                    Err(fault) => Err(fault_at(fault, &path(), at.offset)),
                }
            }
            Day::Kept(file) => match file.line(at.offset, decoder, read) {
                Ok(line) => understand(line, || kept_path_of(&self.dir, at.day, end), at.offset, at.offset),
                Err(fault) => Err(fault_at(fault, &kept_path_of(&self.dir, at.day, end), at.offset)),
            },
        }
    }

    /// The line whose frame begins at the head of `bytes`, which stand at `at`.
    pub(super) fn read_bytes<T>(
        &self,
        bytes: &[u8],
        at: Locator,
        read: impl FnOnce(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, JournalError> {
        let path = || path_of(&self.dir, at.day);
        let mut look_up = self.look_up.lock().unwrap_or_else(PoisonError::into_inner);
        match look_up.decoder.decode(bytes) {
            Ok((line, length)) => understand(read(line), path, at.offset, at.offset + length as u64),
            Err(fault) => Err(fault_at(fault, &path(), at.offset)),
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

/// A file of the journal.
enum DayFile {
    /// With its texts; so many bytes.
    Whole(u64),
    /// Without; where the day's own file ended, and how large this one is.
    Kept { end: u64, bytes: u64 },
}

/// Where a day has two files, because its texts are given up just now or a crash came between, the whole one counts.
fn list_files(dir: &Path) -> Result<BTreeMap<u32, DayFile>, JournalError> {
    let failed = || JournalError::io("list", dir);
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.map_err(failed())?,
    };
    let mut days = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(failed())?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let (whole, kept) = (day_of_name(name), kept_day_of_name(name));
        if whole.is_none() && kept.is_none() {
            continue;
        }
        let bytes = match fs::metadata(entry.path()) {
            // its texts were given up a moment ago, and the other name is in the list or will be
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => continue,
            about => about.map_err(failed())?.len(),
        };
        if let Some(day) = whole {
            days.insert(day, DayFile::Whole(bytes));
        } else if let Some((day, end)) = kept {
            days.entry(day).or_insert(DayFile::Kept { end, bytes });
        }
    }
    Ok(days)
}

fn list_days(dir: &Path) -> Result<BTreeMap<u32, u64>, JournalError> {
    let end = |file| match file {
        DayFile::Whole(bytes) => bytes,
        DayFile::Kept { end, .. } => end,
    };
    Ok(list_files(dir)?.into_iter().map(|(day, file)| (day, end(file))).collect())
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

fn open_day(
    files: &mut Vec<(u32, Day)>,
    day: u32,
    open: impl FnOnce() -> Result<Day, JournalError>,
) -> Result<&Day, JournalError> {
    let entry = match files.iter().position(|(open, _)| *open == day) {
        Some(at) => files.remove(at),
        None => (day, open()?),
    };
    if files.len() >= OPEN_DAYS_MAX {
        files.remove(0);
    }
    let at = files.len();
    files.push(entry);
    let gone = || JournalError::io("open", Path::new("a day"))(io::ErrorKind::NotFound.into());
    files.get(at).map(|(_, day)| day).ok_or_else(gone)
}

/// The article of a line, read alone.
pub(super) fn article_of(line: &[u8]) -> serde_json::Result<Article> {
    #[derive(Deserialize)]
    struct ArticleLine {
        article: ArticleOfLine,
    }
    #[derive(Deserialize)]
    struct ArticleOfLine {
        article: Article,
    }
    if line.starts_with(br#"{"article""#) {
        return serde_json::from_slice::<ArticleLine>(line).map(|line| line.article.article);
    }
    match line_of(line)? {
        Line::Article { article, .. } => Ok(article),
        Line::Sighted(kept) => Ok(kept.article),
        _ => Err(serde::de::Error::custom("there is no article")),
    }
}

pub(super) fn understand<T>(
    line: serde_json::Result<T>,
    path: impl FnOnce() -> PathBuf,
    offset: u64,
    end: u64,
) -> Result<T, JournalError> {
    line.map_err(|source| JournalError::Damaged {
        path: path(),
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
