//! Reads the committed lines of the journal in their order, and steps over damage.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    Header, JournalError, Line, Position, SCHEMA,
    day::{kept_path_of, path_of},
    frame::{Decoder, FrameFault, SCAN_READ_BYTES, Window},
    kept::{KeptNext, KeptScan, line_of},
    reader::{Day, understand},
};
use crate::pipeline::view::Locator;

/// Committed lines, each with its place. A `JournalError::Damaged` tells what was stepped over, and the next call goes
/// on behind it; any other error is the last. Holds about 1 MiB, or the longest line.
pub struct Scan {
    dir: PathBuf,
    /// Days still to be read with the ends of their committed lines, the next one last.
    days: Vec<(u32, u64)>,
    decoder: Decoder,
    open: Option<(u64, Open)>,
    at: Position,
}

/// The file that is read, of a day that ended there.
enum Open {
    Whole(Window),
    Kept(KeptScan),
}

impl Scan {
    pub(super) fn new(
        dir: &Path,
        days: impl DoubleEndedIterator<Item = (u32, u64)>,
        from: Position,
    ) -> Result<Self, JournalError> {
        let days = days.filter(|(day, _)| *day >= from.day).rev().collect();
        let decoder = Decoder::new().map_err(JournalError::Zstd)?;
        Ok(Self { dir: dir.to_owned(), days, decoder, open: None, at: from })
    }

    /// Where the next line begins.
    pub fn position(&self) -> Position {
        self.at
    }

    /// The day that the next line stands in is open; not so when all is read.
    fn open_day(&mut self) -> Result<bool, JournalError> {
        while self.open.as_ref().is_none_or(|(end, _)| self.at.offset >= *end) {
            let Some((day, end)) = self.days.pop() else { return Ok(false) };
            if day != self.at.day {
                self.at = Position { day, offset: 0 };
            }
            if self.at.offset > end {
                return Err(JournalError::Beyond { position: self.at, end: Position { day, offset: end } });
            }
            let open = match Day::open(&self.dir, day, end) {
                Ok(Day::Whole(file)) => Open::Whole(Window::new(file, end, SCAN_READ_BYTES)),
                Ok(Day::Kept(file)) => Open::Kept(KeptScan::new(file, self.at.offset)),
                Err(fault) => {
                    (self.open, self.at.offset) = (None, end);
                    if matches!(fault, JournalError::Forgotten { .. }) {
                        continue;
                    }
                    return Err(fault);
                }
            };
            self.open = Some((end, open));
        }
        Ok(true)
    }

    fn advance(&mut self) -> Result<Option<(Locator, Line)>, JournalError> {
        while self.open_day()? {
            let found = match &mut self.open {
                Some((_, Open::Whole(window))) => {
                    whole_line(window, &mut self.decoder, &self.dir, &mut self.at)?
                }
                Some((end, Open::Kept(scan))) => {
                    kept_line(scan, &mut self.decoder, &self.dir, &mut self.at, *end)?
                }
                None => return Ok(None),
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// The line at a place, which moves on; none of a header.
fn whole_line(
    window: &mut Window,
    decoder: &mut Decoder,
    dir: &Path,
    place: &mut Position,
) -> Result<Option<(Locator, Line)>, JournalError> {
    let at = *place;
    let path = path_of(dir, at.day);
    match window.line(at.offset, decoder) {
        Ok((line, end)) => {
            place.offset = end;
            if let Some(Ok(header)) = header(line).filter(|_| at.offset == 0) {
                header.check(&path)?;
                return Ok(None);
            }
            match understand(line_of(line), || path.clone(), at.offset, end)? {
                Line::Commit(commit) if commit.schema > SCHEMA => {
                    Err(JournalError::newer(&path, commit.schema))
                }
                line => Ok(Some((Locator { day: at.day, offset: at.offset }, line))),
            }
        }
        Err(FrameFault::Damaged(why)) => {
            let end = behind_damage(window, decoder, at.offset).map_err(JournalError::io("read", &path))?;
            place.offset = end;
            let why = why.to_owned();
            Err(JournalError::Damaged { path, offset: at.offset, bytes: end - at.offset, why })
        }
        Err(FrameFault::Io(source)) => Err(JournalError::io("read", &path)(source)),
    }
}

/// The same in a day without texts, which ended at `end`.
fn kept_line(
    scan: &mut KeptScan,
    decoder: &mut Decoder,
    dir: &Path,
    place: &mut Position,
    end: u64,
) -> Result<Option<(Locator, Line)>, JournalError> {
    let path = || kept_path_of(dir, place.day, end);
    match scan.next(place.offset, decoder) {
        KeptNext::End => {
            place.offset = end;
            Ok(None)
        }
        KeptNext::Line(line, at, behind) => {
            let line = understand(*line, path, at, behind);
            place.offset = behind;
            Ok(Some((Locator { day: place.day, offset: at }, line?)))
        }
        KeptNext::Lost(FrameFault::Damaged(why), from, to) => {
            let path = path();
            place.offset = to;
            Err(JournalError::Damaged { path, offset: from, bytes: to - from, why: why.to_owned() })
        }
        KeptNext::Lost(FrameFault::Io(source), ..) => Err(JournalError::io("read", &path())(source)),
    }
}

impl Iterator for Scan {
    type Item = Result<(Locator, Line), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.advance();
        if let Err(error) = &found
            && !matches!(error, JournalError::Damaged { .. })
        {
            self.open = None;
            self.days.clear();
        }
        found.transpose()
    }
}

/// The header of a file, where the line is one.
pub(super) fn header(line: &[u8]) -> Option<serde_json::Result<Header>> {
    #[derive(Deserialize)]
    struct First {
        journal: Header,
    }
    let first = || serde_json::from_slice::<First>(line).map(|first| first.journal);
    line.starts_with(br#"{"journal""#).then(first)
}

/// Where the first whole line behind a damaged one begins, or the end of what is committed.
pub(super) fn behind_damage(window: &mut Window, decoder: &mut Decoder, damaged: u64) -> io::Result<u64> {
    let mut from = damaged + 1;
    while let Some(at) = window.find(from)? {
        match window.line(at, decoder) {
            Ok(_) => return Ok(at),
            Err(FrameFault::Damaged(_)) => from = at + 1,
            Err(FrameFault::Io(source)) => return Err(source),
        }
    }
    Ok(window.limit())
}

/// The last whole batch of a file.
#[derive(Debug, Default)]
pub(super) struct LastCommit {
    /// Where it ends: 0 where there is none.
    pub(super) end: u64,
    pub(super) schema: u32,
    /// Behind it is a commit whose batch is not whole.
    pub(super) torn_commit: bool,
}

/// Looks for the last whole batch from the end, so that the cost is that of the last batch and not of the day. All lines of
/// it are checked, because a power cut can leave the commit and lose what stands before it.
pub(super) fn last_commit(file: File, bytes: u64) -> io::Result<LastCommit> {
    let mut window = Window::new(file, bytes, SCAN_READ_BYTES);
    let mut decoder = Decoder::new()?;
    let mut before = bytes;
    let mut torn_commit = false;
    while let Some(at) = window.find_back(before)? {
        before = at;
        match commit_at(&mut window, &mut decoder, at) {
            Ok(Some((schema, end))) => return Ok(LastCommit { end, schema, torn_commit }),
            Ok(None) => torn_commit = true,
            Err(FrameFault::Damaged(_)) => {}
            Err(FrameFault::Io(source)) => return Err(source),
        }
    }
    Ok(LastCommit { end: 0, schema: 0, torn_commit })
}

/// The schema and the end of the commit that stands there, `None` where its batch is not whole. Reads only what commits
/// of all versions have.
fn commit_at(window: &mut Window, decoder: &mut Decoder, at: u64) -> Result<Option<(u32, u64)>, FrameFault> {
    #[derive(Deserialize)]
    struct Head {
        schema: u32,
        start: u64,
    }
    #[derive(Deserialize)]
    struct First {
        commit: Head,
    }
    let not_commit = FrameFault::Damaged("not a commit");
    let (line, end) = window.line(at, decoder)?;
    if !line.starts_with(br#"{"commit""#) {
        return Err(not_commit);
    }
    let Head { schema, start } = serde_json::from_slice::<First>(line).map_err(|_| not_commit)?.commit;
    let mut next = start;
    while next < at {
        match window.line(next, decoder) {
            Ok((_, end)) => next = end,
            Err(FrameFault::Damaged(_)) => return Ok(None),
            Err(fault) => return Err(fault),
        }
    }
    Ok((next == at).then_some((schema, end)))
}
