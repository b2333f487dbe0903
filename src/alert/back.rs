//! Reads the lines of a file from its end, so that a long log costs no more than what is asked of it.

use std::{fs::File, io, mem, os::unix::fs::FileExt as _};

const CHUNK_BYTES: u64 = 64 << 10;
/// What is longer is no line of ours; reading back ends before it.
const LINE_BYTES_MAX: u64 = 8 << 20;

/// The lines of a part of a file, last one first, without their line feeds. The very first is what follows the last
/// line feed: empty where the part ends with one.
#[derive(Debug)]
pub(super) struct LinesBack<'a> {
    file: &'a File,
    floor: u64,
    from: u64,
    /// What was read and not yet given out: it begins at `from`.
    unread: Vec<u8>,
    done: bool,
}

/// Reads back from `end` to `floor`, both in bytes from the file's beginning.
pub(super) fn lines_back(file: &File, floor: u64, end: u64) -> LinesBack<'_> {
    LinesBack { file, floor, from: end, unread: Vec::new(), done: false }
}

impl LinesBack<'_> {
    /// Down to where the file was read, in bytes from its beginning.
    pub(super) fn from(&self) -> u64 {
        self.from
    }

    /// Reads as much again as is held, so that a long line costs linear time.
    fn read_more(&mut self) -> io::Result<()> {
        let wanted = CHUNK_BYTES.max(self.unread.len() as u64).min(self.from - self.floor);
        let mut chunk = vec![0; usize::try_from(wanted).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut chunk, self.from - wanted)?;
        chunk.append(&mut self.unread);
        self.unread = chunk;
        self.from -= wanted;
        Ok(())
    }
}

impl Iterator for LinesBack<'_> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            if let Some(at) = memchr::memrchr(b'\n', &self.unread) {
                let line = self.unread.split_off(at + 1);
                self.unread.truncate(at);
                return Some(Ok(line));
            }
            if self.from == self.floor {
                self.done = true;
                return Some(Ok(mem::take(&mut self.unread)));
            }
            if self.unread.len() as u64 > LINE_BYTES_MAX {
                self.done = true;
            } else if let Err(error) = self.read_more() {
                self.done = true;
                return Some(Err(error));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn check(held: &str, floor: u64, expected: &[&str]) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(held.as_bytes()).unwrap();
        let lines = lines_back(&file, floor, held.len() as u64);
        let lines: Vec<_> = lines.map(|line| String::from_utf8(line.unwrap()).unwrap()).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn short_files() {
        check("", 0, &[""]);
        check("a", 0, &["a"]);
        check("a\n", 0, &["", "a"]);
        check("a\nb\n\nc", 0, &["c", "", "b", "a"]);
        check("a\nb\n\nc", 2, &["c", "", "b"]);
    }

    #[test]
    fn lines_across_what_is_read_at_once() {
        let [long, longer] = [70_000, 300_000].map(|length| "x".repeat(length));
        check(&format!("a\n{long}\n{longer}\nb\n"), 0, &["", "b", &longer, &long, "a"]);
    }

    #[test]
    fn what_is_no_line_ends_it() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(64 << 30).unwrap();
        let mut lines = lines_back(&file, 0, 64 << 30);
        assert!(lines.next().is_none() && lines.next().is_none());
    }
}
