//! A file's bytes as they stream by, whatever they are packed in, within bounds.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    os::unix::fs::FileExt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::read::MultiGzDecoder;

/// Bytes of one line that are kept.
pub(super) const LINE_BYTES_MAX: usize = 4 << 20;

/// How much is looked at to recognise it, in bytes.
pub(super) const HEAD_BYTES: usize = 64 << 10;

/// From so many bytes on it is watched how far something unpacks.
const UNPACKED_BYTES_FREE: u64 = 32 << 20;

/// What unpacks to more than so many times its size is a bomb; texts reach ten, lists of the same hardly a hundred.
const UNPACKED_TIMES_MAX: u64 = 250;

/// Largest window of zstd data, as a power of two: memory that the packer asks for.
const ZSTD_WINDOW_LOG_MAX: u32 = 26;

/// Bytes to be read once.
pub(super) type Bytes = Box<dyn BufRead + Send>;

/// A buffered reader of anything.
pub(super) fn buffered(read: impl Read + Send + 'static) -> Bytes {
    Box::new(BufReader::with_capacity(HEAD_BYTES, read))
}

/// A buffered reader of what is held, from a place on; a small file gets a small buffer.
pub(super) fn buffered_from(holder: &Holder, offset: u64) -> Bytes {
    let left = holder.length().saturating_sub(offset);
    let capacity = usize::try_from(left).unwrap_or(HEAD_BYTES).clamp(1, HEAD_BYTES);
    Box::new(BufReader::with_capacity(capacity, holder.from(offset)))
}

/// The first bytes, and all of them again.
pub(super) fn peek(mut bytes: Bytes) -> io::Result<(Vec<u8>, Bytes)> {
    let mut head = Vec::new();
    bytes.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(bytes))))
}

/// Ways to pack one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

pub(super) fn packing(head: &[u8]) -> Option<Packing> {
    match head {
        [0x1f, 0x8b, 8, ..] => Some(Packing::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Packing::Zstd),
        _ => None,
    }
}

/// The same unpacked, as long as that is no bomb.
pub(super) fn unpacked(bytes: Bytes, packing: Packing) -> io::Result<Bytes> {
    let taken = Arc::new(AtomicU64::new(0));
    let counted = BufReader::with_capacity(HEAD_BYTES, Counted { inner: bytes, taken: Arc::clone(&taken) });
    Ok(match packing {
        Packing::Gzip => bounded(MultiGzDecoder::new(counted), taken),
        Packing::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(counted)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            bounded(decoder, taken)
        }
    })
}

/// What is unpacked of so many packed bytes, as long as that is no bomb.
pub(super) fn bounded(inner: impl Read + Send + 'static, taken: Arc<AtomicU64>) -> Bytes {
    buffered(Bounded { inner, taken, given: 0 })
}

struct Counted<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

struct Bounded<R> {
    inner: R,
    taken: Arc<AtomicU64>,
    given: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.given += read as u64;
        let packed = self.taken.load(Ordering::Relaxed);
        if self.given > UNPACKED_BYTES_FREE && self.given / UNPACKED_TIMES_MAX > packed {
            let reason =
                format!("it unpacks to more than {UNPACKED_TIMES_MAX} times its size, as no text does");
            return Err(io::Error::other(reason));
        }
        Ok(read)
    }
}

/// Skips what is done with, and tells how much there was of it.
pub(super) fn skip(bytes: &mut Bytes, count: u64) -> io::Result<u64> {
    io::copy(&mut bytes.take(count), &mut io::sink())
}

/// All bytes, if they are not more than allowed.
pub(super) fn all(bytes: Bytes, most: usize) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    bytes
        .take(most as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|error| format!("could not read on: {error}"))?;
    if out.len() > most {
        return Err(format!("it has more than the {most} bytes that are read of its kind"));
    }
    Ok(out)
}

/// Reads a line with its end, keeping no more of it than is allowed; tells its whole length.
pub(super) fn read_line(bytes: &mut Bytes, line: &mut Vec<u8>) -> io::Result<u64> {
    let mut total = 0;
    loop {
        let chunk = bytes.fill_buf()?;
        if chunk.is_empty() {
            return Ok(total);
        }
        let end = memchr::memchr(b'\n', chunk);
        let length = end.map_or(chunk.len(), |end| end + 1);
        if line.len() + length <= LINE_BYTES_MAX {
            line.extend_from_slice(chunk.get(..length).unwrap_or_default());
        }
        total += length as u64;
        bytes.consume(length);
        if end.is_some() {
            return Ok(total);
        }
    }
}

/// A part of a file or of memory, read from its own place, so that several can be read at a time.
#[derive(Clone, Debug)]
pub(super) enum Holder {
    File(Arc<File>, u64),
    Memory(Arc<[u8]>),
}

impl Holder {
    pub(super) fn of_file(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self::File(Arc::new(file), length))
    }

    pub(super) fn length(&self) -> u64 {
        match self {
            Self::File(_, length) => *length,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    pub(super) fn from(&self, offset: u64) -> At {
        At { holder: self.clone(), offset }
    }
}

/// A place in a holder.
#[derive(Debug)]
pub(super) struct At {
    holder: Holder,
    offset: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &self.holder {
            Holder::File(file, _) => file.read_at(buffer, self.offset)?,
            Holder::Memory(bytes) => {
                let start = usize::try_from(self.offset).unwrap_or(usize::MAX).min(bytes.len());
                bytes.get(start..).unwrap_or_default().read(buffer)?
            }
        };
        self.offset += read as u64;
        Ok(read)
    }
}

impl io::Seek for At {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let (base, by) = match to {
            io::SeekFrom::Start(at) => (at, 0),
            io::SeekFrom::End(by) => (self.holder.length(), by),
            io::SeekFrom::Current(by) => (self.offset, by),
        };
        let at = base.checked_add_signed(by);
        self.offset =
            at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the start of the file"))?;
        Ok(self.offset)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(packed: Vec<u8>) -> Result<Vec<u8>, String> {
        let packing = packing(&packed).unwrap();
        all(unpacked(Box::new(Cursor::new(packed)), packing).unwrap(), 1 << 30)
    }

    #[test]
    fn what_is_packed_comes_out() {
        assert_eq!(unpack(gzip(b"rain")).unwrap(), b"rain");
        let members = [gzip(b"rain "), gzip(b"and sun")].concat();
        assert_eq!(unpack(members).unwrap(), b"rain and sun");
        assert_eq!(unpack(zstd::encode_all(&b"rain"[..], 1).unwrap()).unwrap(), b"rain");
    }

    #[test]
    fn a_bomb_is_found_early() {
        let zeros = vec![b' '; 3 * usize::try_from(UNPACKED_BYTES_FREE).unwrap()];
        for packed in [gzip(&zeros), zstd::encode_all(&zeros[..], 1).unwrap()] {
            assert!(unpack(packed).is_err_and(|reason| reason.contains("times its size")));
        }
    }

    #[test]
    fn a_place_in_a_file_is_its_own() {
        let holder = Holder::Memory(Arc::from(&b"rain and sun"[..]));
        let mut read = String::new();
        holder.from(9).read_to_string(&mut read).unwrap();
        assert_eq!((read.as_str(), holder.length()), ("sun", 12));
    }
}
