//! A line of JSON as one zstd frame with a checksum, so that each can be read alone and `zstdcat` reads them all.

use std::{borrow::Borrow, fs::File, io, os::unix::fs::FileExt};

use memchr::memmem;
use serde::Serialize;
use zstd::{
    bulk::{Compressor, Decompressor},
    zstd_safe::{self, CParameter, get_frame_content_size},
};

/// Longest line, uncompressed. Longer ones are neither written nor read.
pub(super) const LINE_BYTES_MAX: usize = 32 << 20;

/// Longest frame: what zstd needs at worst for the longest line.
const FRAME_BYTES_MAX: usize = LINE_BYTES_MAX + (LINE_BYTES_MAX >> 8) + 1024;

/// One pass over text at 10 KB a line: level 1 takes 25 µs and a third of the space, level 3 twice the time for a tenth less.
const LEVEL: i32 = 1;

const MAGIC: [u8; 4] = zstd_safe::MAGICNUMBER.to_le_bytes();

/// `ZSTD_error_srcSize_wrong`, as zstd returns it: the frame goes on beyond the bytes given.
const SHORT: usize = 72_usize.wrapping_neg();

/// First guess of a frame's length when one line is read alone.
pub(super) const LINE_READ_BYTES: usize = 16 << 10;

/// Read at once when a file is read through.
pub(super) const SCAN_READ_BYTES: usize = 1 << 20;

/// Compresses lines; keeps its context and its scratch space.
pub(super) struct Encoder {
    context: Compressor<'static>,
    line: Vec<u8>,
    frame: Vec<u8>,
}

/// A line that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Not to be put into JSON.
    #[error("the line is no JSON")]
    Json(#[from] serde_json::Error),
    /// Over `LINE_BYTES_MAX`.
    #[error("the line has {0} bytes, more than the {LINE_BYTES_MAX} allowed")]
    TooLong(usize),
    /// It would be two lines to those who read the file.
    #[error("the line has a line feed in it")]
    LineFeed,
    /// zstd gave up.
    #[error("the line cannot be compressed")]
    Zstd(#[from] io::Error),
}

impl Encoder {
    pub(super) fn new() -> io::Result<Self> {
        let mut context = Compressor::new(LEVEL)?;
        context.set_parameter(CParameter::ChecksumFlag(true))?;
        Ok(Self { context, line: Vec::new(), frame: Vec::new() })
    }

    /// Puts the line's frame at the end of `batch`.
    pub(super) fn append(&mut self, line: &impl Serialize, batch: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line)?;
        if self.line.len() >= LINE_BYTES_MAX {
            return Err(EncodeError::TooLong(self.line.len()));
        }
        if memchr::memchr(b'\n', &self.line).is_some() {
            return Err(EncodeError::LineFeed);
        }
        self.line.push(b'\n');
        self.frame.clear();
        self.frame.reserve(zstd_safe::compress_bound(self.line.len()));
        self.context.compress_to_buffer(&self.line, &mut self.frame)?;
        batch.extend_from_slice(&self.frame);
        Ok(())
    }
}

/// Why there is no line at a place.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameFault {
    /// No frame begins here, or its bytes have changed since they were written.
    #[error("{0}")]
    Damaged(&'static str),
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Decompresses lines; keeps its context and its scratch space.
pub(super) struct Decoder {
    context: Decompressor<'static>,
    line: Vec<u8>,
}

impl Decoder {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { context: Decompressor::new()?, line: Vec::new() })
    }

    /// The line in the frame at the head of `bytes`, and the frame's length.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> Result<(&[u8], usize), FrameFault> {
        match length(bytes) {
            Length::Whole(length) => {
                let frame = bytes.get(..length).unwrap_or_default();
                Ok((self.decode_frame(frame)?, length))
            }
            Length::Short => Err(FrameFault::Damaged("the file ends within a frame")),
            Length::Bad => Err(FrameFault::Damaged(NO_FRAME)),
        }
    }

    fn decode_frame(&mut self, frame: &[u8]) -> Result<&[u8], FrameFault> {
        let size = get_frame_content_size(frame).ok().flatten().and_then(|size| usize::try_from(size).ok());
        let size = size
            .filter(|size| *size <= LINE_BYTES_MAX)
            .ok_or(FrameFault::Damaged("the frame states no size"))?;
        self.line.clear();
        self.line.reserve(size);
        self.context
            .decompress_to_buffer(frame, &mut self.line)
            .map_err(|_| FrameFault::Damaged("the frame's checksum does not hold"))?;
        Ok(&self.line)
    }
}

const NO_FRAME: &str = "no frame begins here";

enum Length {
    Whole(usize),
    Short,
    Bad,
}

fn length(bytes: &[u8]) -> Length {
    if !bytes.starts_with(&MAGIC) {
        return if MAGIC.starts_with(bytes) { Length::Short } else { Length::Bad };
    }
    match zstd_safe::find_frame_compressed_size(bytes) {
        Ok(length) if length <= FRAME_BYTES_MAX => Length::Whole(length),
        Err(SHORT) if bytes.len() < FRAME_BYTES_MAX => Length::Short,
        _ => Length::Bad,
    }
}

/// A stretch of a file, up to a limit, of which some is in memory.
pub(super) struct Window<F = File> {
    file: F,
    limit: u64,
    chunk_bytes: usize,
    start: u64,
    bytes: Vec<u8>,
}

impl<F: Borrow<File>> Window<F> {
    pub(super) fn new(file: F, limit: u64, chunk_bytes: usize) -> Self {
        Self { file, limit, chunk_bytes, start: 0, bytes: Vec::new() }
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// The line at `offset`, and where its frame ends.
    pub(super) fn line<'d>(
        &mut self,
        offset: u64,
        decoder: &'d mut Decoder,
    ) -> Result<(&'d [u8], u64), FrameFault> {
        let mut want = LINE_READ_BYTES;
        loop {
            let bytes = self.at(offset, want)?;
            let ended = bytes.len() < want;
            match length(bytes) {
                Length::Whole(_) => break,
                Length::Short if !ended && want < FRAME_BYTES_MAX => {
                    want = want.saturating_mul(4).min(FRAME_BYTES_MAX);
                }
                Length::Short => return Err(FrameFault::Damaged("the file ends within a frame")),
                Length::Bad => return Err(FrameFault::Damaged(NO_FRAME)),
            }
        }
        let (line, length) = decoder.decode(self.at(offset, want)?)?;
        Ok((line, offset + length as u64))
    }

    /// Where the next frame may begin, from `offset` on.
    pub(super) fn find(&mut self, mut offset: u64) -> io::Result<Option<u64>> {
        loop {
            let bytes = self.at(offset, MAGIC.len())?;
            if bytes.len() < MAGIC.len() {
                return Ok(None);
            }
            if let Some(at) = memmem::find(bytes, &MAGIC) {
                return Ok(Some(offset + at as u64));
            }
            offset += (bytes.len() - (MAGIC.len() - 1)) as u64;
        }
    }

    /// Where the last frame that begins before `offset` may begin.
    pub(super) fn find_back(&mut self, mut offset: u64) -> io::Result<Option<u64>> {
        let overlap = MAGIC.len() as u64 - 1;
        while offset > 0 {
            let from = offset.saturating_sub(self.chunk_bytes as u64);
            let until = (offset + overlap).min(self.limit);
            self.load(from, usize::try_from(until - from).unwrap_or(self.chunk_bytes))?;
            if let Some(at) = memmem::rfind(&self.bytes, &MAGIC) {
                return Ok(Some(from + at as u64));
            }
            offset = from;
        }
        Ok(None)
    }

    /// What stands from `offset` on: at least `want` bytes, unless the limit comes before.
    fn at(&mut self, offset: u64, want: usize) -> io::Result<&[u8]> {
        let left = usize::try_from(self.limit.saturating_sub(offset)).unwrap_or(usize::MAX);
        let held_from = offset.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok());
        let held = held_from.and_then(|skip| self.bytes.get(skip..)).map_or(0, <[u8]>::len);
        if held < want.min(left) {
            self.load(offset, want.max(self.chunk_bytes).min(left))?;
        }
        let skip = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        Ok(self.bytes.get(skip..).unwrap_or_default())
    }

    fn load(&mut self, offset: u64, bytes: usize) -> io::Result<()> {
        self.start = offset;
        self.bytes.resize(bytes, 0);
        let result = self.file.borrow().read_exact_at(&mut self.bytes, offset);
        if result.is_err() {
            self.bytes.clear();
        }
        result
    }
}
