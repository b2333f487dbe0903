//! Reads the committed lines of the journal in their order, and steps over damage.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    Header, JournalError, Line, Position, SCHEMA,
    frame::{Decoder, FrameFault, SCAN_READ_BYTES, Window},
    path_of,
    reader::understand,
};
use crate::pipeline::view::Locator;

/// Committed lines, each with its place. A `JournalError::Damaged` tells what was stepped over, and the next call goes
/// on behind it; any other error is the last. Holds about 1 MiB, or the longest line.
pub struct Scan {
    dir: PathBuf,
    /// Days still to be read with the ends of their committed lines, the next one last.
    days: Vec<(u32, u64)>,
    decoder: Decoder,
    window: Option<Window>,
    at: Position,
}

impl Scan {
    pub(super) fn new(
        dir: &Path,
        days: impl DoubleEndedIterator<Item = (u32, u64)>,
        from: Position,
    ) -> Result<Self, JournalError> {
        let days = days.filter(|(day, _)| *day >= from.day).rev().collect();
        let decoder = Decoder::new().map_err(JournalError::Zstd)?;
        Ok(Self { dir: dir.to_owned(), days, decoder, window: None, at: from })
    }

    /// Where the next line begins.
    pub fn position(&self) -> Position {
        self.at
    }

    /// The day that the next line stands in is open; `None` when all is read.
    fn open_day(&mut self) -> Result<Option<&mut Window>, JournalError> {
        while self.window.as_ref().is_none_or(|window| self.at.offset >= window.limit()) {
            let Some((day, end)) = self.days.pop() else { return Ok(None) };
            if day != self.at.day {
                self.at = Position { day, offset: 0 };
            }
            let path = path_of(&self.dir, day);
            if self.at.offset > end {
                return Err(JournalError::Beyond { position: self.at, end: Position { day, offset: end } });
            }
            let file = File::open(&path).map_err(JournalError::io("open", &path))?;
            self.window = Some(Window::new(file, end, SCAN_READ_BYTES));
        }
        Ok(self.window.as_mut())
    }

    fn advance(&mut self) -> Result<Option<(Locator, Line)>, JournalError> {
        loop {
            if self.open_day()?.is_none() {
                return Ok(None);
            }
            let Some(window) = self.window.as_mut() else { return Ok(None) };
            let at = self.at;
            let path = path_of(&self.dir, at.day);
            match window.line(at.offset, &mut self.decoder) {
                Ok((line, end)) => {
                    self.at.offset = end;
                    if let Some(Ok(header)) = header(line).filter(|_| at.offset == 0) {
                        header.check(&path)?;
                        continue;
                    }
                    return match understand(line, &path, at.offset, end)? {
                        Line::Commit(commit) if commit.schema > SCHEMA => {
                            Err(JournalError::newer(&path, commit.schema))
                        }
                        line => Ok(Some((Locator { day: at.day, offset: at.offset }, line))),
                    };
                }
                Err(FrameFault::Damaged(why)) => {
                    let end = behind_damage(window, &mut self.decoder, at.offset)
                        .map_err(JournalError::io("read", &path))?;
                    self.at.offset = end;
                    let why = why.to_owned();
                    return Err(JournalError::Damaged {
                        path,
                        offset: at.offset,
                        bytes: end - at.offset,
                        why,
                    });
                }
                Err(FrameFault::Io(source)) => return Err(JournalError::io("read", &path)(source)),
            }
        }
    }
}

impl Iterator for Scan {
    type Item = Result<(Locator, Line), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.advance();
        if let Err(error) = &found
            && !matches!(error, JournalError::Damaged { .. })
        {
            self.window = None;
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
fn behind_damage(window: &mut Window, decoder: &mut Decoder, damaged: u64) -> io::Result<u64> {
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
