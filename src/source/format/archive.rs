//! Zip archives: each file in them is read as if it had been dropped by itself. Nothing is written anywhere.

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicU64},
};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::{
    Body, Context,
    draft::{Fault, Piece},
    stream::{At, Bytes, Holder, bounded, buffered},
};

/// Files of one archive that are read.
const ENTRIES_MAX: usize = 10_000;

/// An archive as its files are read one by one.
pub(super) struct Parts {
    archive: ZipArchive<At>,
    holder: Holder,
    next: usize,
    /// Packed bytes that were taken: more than there are means files that lie over each other.
    taken: u64,
    depth: usize,
    current: Option<(String, Box<Body>)>,
}

impl Parts {
    pub(super) fn new(archive: ZipArchive<At>, holder: Holder, depth: usize) -> Self {
        Self { archive, holder, next: 0, taken: 0, depth, current: None }
    }

    pub(super) fn next(&mut self, context: &Context) -> Option<Piece> {
        loop {
            if let Some((name, body)) = &mut self.current {
                match body.next(context) {
                    Some(piece) => return Some(piece.map_err(|fault| fault.within(&format!("/{name}")))),
                    None => self.current = None,
                }
            }
            if self.next >= self.archive.len() {
                return None;
            }
            if self.next >= ENTRIES_MAX {
                self.next = self.archive.len();
                return Some(Err(Fault::of(format!(
                    "it holds more than the {ENTRIES_MAX} files that are read"
                ))));
            }
            let at = self.next;
            self.next += 1;
            match self.open(at) {
                Ok(None) => {}
                Ok(Some((name, bytes))) => {
                    let body = Body::open(bytes, Path::new(&name), context, self.depth + 1);
                    self.current = Some((name, Box::new(body)));
                }
                Err(fault) => return Some(Err(fault)),
            }
        }
    }

    /// The bytes of a file; `None` of what is no file of the user's.
    fn open(&mut self, at: usize) -> Result<Option<(String, Bytes)>, Fault> {
        let entry = self
            .archive
            .by_index_raw(at)
            .map_err(|error| Fault::of(format!("could not read the archive: {error}")))?;
        let name = entry.name().map(|name| crate::source::clean::line(&name)).unwrap_or_default();
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        if entry.is_dir() || name.starts_with("__MACOSX/") || last.starts_with('.') {
            return Ok(None);
        }
        let refused = |reason: &str| Fault::at(format!("/{name}"), reason);
        if entry.encrypted() {
            return Err(refused("it is locked with a password"));
        }
        let length = entry.compressed_size();
        self.taken = self.taken.saturating_add(length);
        if self.taken > self.holder.length() {
            self.next = usize::MAX;
            return Err(refused("the files of the archive lie over each other, as those of a bomb do"));
        }
        let Some(start) = entry.data_start() else {
            return Err(refused("the archive does not say where it is"));
        };
        let packed = std::io::Read::take(self.holder.from(start), length);
        let bytes = match entry.compression() {
            CompressionMethod::Stored => buffered(packed),
            CompressionMethod::Deflated => {
                bounded(DeflateDecoder::new(packed), Arc::new(AtomicU64::new(length)))
            }
            _ => return Err(refused("it is packed in a way that is not read; use deflate")),
        };
        drop(entry);
        Ok(Some((name, bytes)))
    }
}
