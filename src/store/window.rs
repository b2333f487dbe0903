//! The window's rows: written once in the order of their numbers, read through at start, let go from the front. In sled
//! each would be written three times over; here it is appended to a file of its own kind, and a file goes when all its
//! rows are gone. `<index>/window/<number>.rows` holds records of checksum, length, number and value.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rayon::prelude::*;

use super::StoreError;
use crate::{
    journal::state_dir::sync_dir,
    pipeline::{roll::Roll, view::Rows},
};

/// A file that is longer is followed by a new one.
#[cfg(not(test))]
const FILE_BYTES: u64 = 16 << 20;
#[cfg(test)]
const FILE_BYTES: u64 = 4 << 10;

/// Read at once when rows are read through.
const READ_BYTES: usize = 1 << 20;

const HEAD_BYTES: usize = 16;

/// In place of a length: the row is gone.
const GONE: u32 = u32::MAX;

/// Longest value; what claims to be longer is no record.
const VALUE_BYTES_MAX: u32 = 16 << 20;

/// How much of the log is durable: all before this byte of this file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) file: u64,
    pub(super) bytes: u64,
}

/// Where a row's value stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    file: u32,
    offset: u32,
    bytes: u32,
}

#[derive(Debug)]
struct Part {
    number: u64,
    file: File,
    bytes: u64,
    /// Rows that are neither gone nor written again behind it.
    live: u32,
}

/// What a file was found to hold; several are read at once.
struct Found {
    number: u64,
    length: u64,
    /// Behind its last whole record.
    end: u64,
    /// Where rows stand, and which are gone, as written.
    rows: Vec<(u64, Option<Place>)>,
}

impl Found {
    fn read(path: &Path, number: u64, bytes: &mut Vec<u8>) -> Result<Self, StoreError> {
        bytes.clear();
        File::open(path)
            .and_then(|mut file| file.read_to_end(bytes))
            .map_err(StoreError::io("read", path))?;
        let (mut rows, mut at) = (Vec::new(), 0);
        while let Some((seq, value, end)) = record(bytes, at) {
            let place =
                value.map(|value| Place { file: file(number), offset: value, bytes: offset(end) - value });
            rows.push((seq, place));
            at = end;
        }
        Ok(Self { number, length: bytes.len() as u64, end: at as u64, rows })
    }
}

/// Locked, because look-ups take `&self` and the thread that syncs asks where the rows end; held for one look-up, or for
/// the writing of one batch.
pub(super) type Shared = Arc<Mutex<WindowLog>>;

/// After a panic of sled the rows are as they were.
pub(super) fn lock(window: &Shared) -> MutexGuard<'_, WindowLog> {
    window.lock().unwrap_or_else(PoisonError::into_inner)
}

/// See [`WindowLog::open`].
pub(super) fn open(index_dir: &Path, durable: Mark) -> Result<Shared, StoreError> {
    Ok(Arc::new(Mutex::new(WindowLog::open(index_dir, durable)?)))
}

/// Keys of the window are numbers.
pub(super) fn number_of(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

/// The first number whose key is at least `from`, which may be shorter or longer than a key.
pub(super) fn first_from(from: &[u8]) -> Option<u64> {
    let mut key = [0; 8];
    key.iter_mut().zip(from).for_each(|(byte, from)| *byte = *from);
    let number = u64::from_be_bytes(key);
    if from.len() > key.len() { number.checked_add(1) } else { Some(number) }
}

/// The rows, open for reading and writing.
#[derive(Debug)]
pub(super) struct WindowLog {
    dir: PathBuf,
    /// Oldest first; the last one is written.
    parts: VecDeque<Part>,
    places: Roll<Place>,
}

impl WindowLog {
    /// Opens the log below an index. `durable` is what must be there; what a crash tore behind it is cut off.
    pub(super) fn open(index_dir: &Path, durable: Mark) -> Result<Self, StoreError> {
        let dir = index_dir.join("window");
        let failed = |what| StoreError::io(what, &dir);
        fs::create_dir_all(&dir).map_err(failed("make"))?;
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&dir).map_err(failed("list"))? {
            let name = entry.map_err(failed("list"))?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".rows")?.parse::<u64>().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        let mut log = Self { dir: dir.clone(), parts: VecDeque::new(), places: Roll::default() };
        let last = numbers.last().copied();
        // one after the other in the same memory: to be given new memory takes longer than reading
        let read = numbers
            .par_iter()
            .map_init(Vec::new, |bytes, number| Found::read(&log.path(*number), *number, bytes));
        for found in read.collect::<Result<Vec<_>, _>>()? {
            log.take_in(&found, last, durable)?;
        }
        let end = log.mark();
        if end < durable {
            let why = format!("its window was durable up to {durable:?}, but has only {end:?}");
            return Err(StoreError::Damaged { dir: index_dir.to_owned(), why });
        }
        if log.parts.is_empty() {
            log.begin_part(durable.file + 1)?;
        }
        Ok(log)
    }

    fn take_in(&mut self, found: &Found, last: Option<u64>, durable: Mark) -> Result<(), StoreError> {
        let Found { number, length, end, .. } = *found;
        let path = self.path(number);
        let failed = |what| StoreError::io(what, &path);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed("open"))?;
        if end < length {
            if Some(number) != last || (Mark { file: number, bytes: end }) < durable {
                let why = format!("{} is damaged from byte {end} on", path.display());
                return Err(StoreError::Damaged { dir: self.dir.clone(), why });
            }
            file.set_len(end).map_err(failed("cut"))?;
        }
        self.parts.push_back(Part { number, file, bytes: end, live: 0 });
        for (seq, place) in &found.rows {
            match place {
                Some(place) => self.place(*seq, *place),
                None => self.displace(*seq),
            }
        }
        Ok(())
    }

    /// Behind the last row.
    pub(super) fn mark(&self) -> Mark {
        self.parts.back().map_or_else(Mark::default, |part| Mark { file: part.number, bytes: part.bytes })
    }

    /// The file that was written last, to be synced.
    pub(super) fn last_file(&self) -> io::Result<Option<File>> {
        self.parts.back().map(|part| part.file.try_clone()).transpose()
    }

    pub(super) fn len(&self) -> u64 {
        self.places.len() as u64
    }

    /// Of the places, in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        self.places.memory_bytes()
    }

    /// Bytes of all values, with what stands before each.
    pub(super) fn live_bytes(&self) -> u64 {
        self.places.iter().map(|(_, place)| u64::from(place.bytes) + HEAD_BYTES as u64).sum()
    }

    /// One value.
    pub(super) fn get(&self, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(place) = self.places.get(seq) else { return Ok(None) };
        let number = u64::from(place.file);
        let Some(part) = self.part(number) else { return Ok(None) };
        let mut bytes = vec![0; HEAD_BYTES + place.bytes as usize];
        let start = u64::from(place.offset) - HEAD_BYTES as u64;
        part.file
            .read_exact_at(&mut bytes, start)
            .map_err(|error| StoreError::io("read", &self.path(number))(error))?;
        match record(&bytes, 0) {
            Some((found, Some(_), end)) if found == seq && end == bytes.len() => {
                bytes.drain(..HEAD_BYTES);
                Ok(Some(bytes))
            }
            _ => {
                let why = format!("row {seq} of its window does not have its checksum");
                Err(StoreError::Damaged { dir: self.dir.clone(), why })
            }
        }
    }

    /// Reads every row and checks it, and says how many there are.
    pub(super) fn check(&self) -> Result<u64, StoreError> {
        for (seq, _) in self.places.iter() {
            self.get(seq)?;
        }
        Ok(self.len())
    }

    /// At most `rows_max` rows from a number on, in order. Neighbours are read together; their checksums were checked when
    /// the log was opened.
    pub(super) fn scan(&self, from: u64, rows_max: usize) -> Result<Rows, StoreError> {
        let mut rows = Rows::new();
        let (mut held, mut held_file, mut held_from) = (Vec::new(), 0, 0_u64);
        for (seq, place) in self.places.from(from).take(rows_max) {
            let Some(part) = self.part(place.file.into()) else { continue };
            let (start, length) = (u64::from(place.offset), place.bytes as usize);
            let held_until = held_from + held.len() as u64;
            if held_file != part.number || start < held_from || start + length as u64 > held_until {
                let left = usize::try_from(part.bytes - start).unwrap_or(READ_BYTES);
                held.resize(left.min(READ_BYTES).max(length), 0);
                part.file
                    .read_exact_at(&mut held, start)
                    .map_err(StoreError::io("read", &self.path(part.number)))?;
                (held_file, held_from) = (part.number, start);
            }
            let skip = usize::try_from(start - held_from).unwrap_or(usize::MAX);
            let value = held.get(skip..skip + length).unwrap_or_default();
            rows.push((seq.to_be_bytes().to_vec(), value.to_vec()));
        }
        Ok(rows)
    }

    /// Writes what was put (`Some`) and what is gone (`None`). Not durable before the next sync; what fails can be written
    /// again.
    pub(super) fn write<'a>(
        &mut self,
        changes: impl Iterator<Item = (u64, Option<&'a [u8]>)>,
    ) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        let mut places = Vec::new();
        if self.mark().bytes >= FILE_BYTES {
            self.begin_next()?;
        }
        let start = self.mark();
        for (seq, value) in changes {
            if value.is_none() && !self.places.contains(seq) {
                continue;
            }
            let length = value.map_or(GONE, |value| offset(value.len()));
            let body = value.unwrap_or_default();
            bytes.extend_from_slice(&checksum(length, seq, body).to_le_bytes());
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&seq.to_le_bytes());
            let place = value.map(|value| Place {
                file: file(start.file),
                offset: offset(usize::try_from(start.bytes).unwrap_or(usize::MAX) + bytes.len()),
                bytes: offset(value.len()),
            });
            places.push((seq, place));
            bytes.extend_from_slice(body);
        }
        if let Some(part) = self.parts.back_mut()
            && !bytes.is_empty()
        {
            part.file
                .write_all_at(&bytes, start.bytes)
                .map_err(StoreError::io("write", &self.dir.join(name(start.file))))?;
            part.bytes += bytes.len() as u64;
        }
        for (seq, place) in places {
            match place {
                Some(place) => self.place(seq, place),
                None => self.displace(seq),
            }
        }
        Ok(())
    }

    /// Begins the next file, once all before it is durable, and removes the oldest ones that hold nothing any more.
    fn begin_next(&mut self) -> Result<(), StoreError> {
        let next = self.mark().file + 1;
        if let Some(part) = self.parts.back() {
            part.file.sync_data().map_err(StoreError::io("sync", &self.path(part.number)))?;
        }
        self.begin_part(next)?;
        while let Some(part) = self.parts.front().filter(|part| part.live == 0 && part.number != next) {
            let path = self.path(part.number);
            fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
            self.parts.pop_front();
        }
        Ok(())
    }

    fn begin_part(&mut self, number: u64) -> Result<(), StoreError> {
        let path = self.path(number);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .and_then(|file| sync_dir(&self.dir).map(|()| file))
            .map_err(StoreError::io("make", &path))?;
        self.parts.push_back(Part { number, file, bytes: 0, live: 0 });
        Ok(())
    }

    fn place(&mut self, seq: u64, place: Place) {
        let before = self.places.insert(seq, place);
        if let Some(part) = self.part_mut(place.file.into()) {
            part.live += 1;
        }
        self.passed(before);
    }

    fn displace(&mut self, seq: u64) {
        let before = self.places.remove(seq);
        self.passed(before);
    }

    /// A row of its part counts no more.
    fn passed(&mut self, before: Option<Place>) {
        if let Some(part) = before.and_then(|place| self.part_mut(place.file.into())) {
            part.live = part.live.saturating_sub(1);
        }
    }

    fn part(&self, number: u64) -> Option<&Part> {
        let place = self.parts.binary_search_by_key(&number, |part| part.number).ok()?;
        self.parts.get(place)
    }

    fn part_mut(&mut self, number: u64) -> Option<&mut Part> {
        let place = self.parts.binary_search_by_key(&number, |part| part.number).ok()?;
        self.parts.get_mut(place)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(name(number))
    }
}

fn name(number: u64) -> String {
    format!("{number:012}.rows")
}

/// Files are numbered from 1, and each holds thousands of articles.
fn file(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Files are far shorter than 4 GiB: `FILE_BYTES` and one batch.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The whole record that begins at a place: number, where its value begins (`None`: it is gone), where it ends.
fn record(bytes: &[u8], at: usize) -> Option<(u64, Option<u32>, usize)> {
    let (head, rest) = bytes.get(at..)?.split_first_chunk::<HEAD_BYTES>()?;
    let (sum, length_and_seq) = head.split_first_chunk()?;
    let (length, seq) = length_and_seq.split_first_chunk()?;
    let (sum, length) = (u32::from_le_bytes(*sum), u32::from_le_bytes(*length));
    let seq = u64::from_le_bytes(seq.try_into().ok()?);
    let body = match length {
        GONE => &[][..],
        length if length <= VALUE_BYTES_MAX => rest.get(..length as usize)?,
        _ => return None,
    };
    if checksum(length, seq, body) != sum {
        return None;
    }
    let start = at + HEAD_BYTES;
    Some((seq, (length != GONE).then(|| offset(start)), start + body.len()))
}

fn checksum(length: u32, seq: u64, value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(&seq.to_le_bytes());
    hasher.update(value);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(seq: u64) -> Vec<u8> {
        vec![seq.to_le_bytes()[0]; 100 + usize::try_from(seq % 50).unwrap()]
    }

    fn put(log: &mut WindowLog, seqs: std::ops::Range<u64>) {
        for seq in seqs {
            log.write([(seq, Some(value(seq).as_slice()))].into_iter()).unwrap();
        }
    }

    fn remove(log: &mut WindowLog, seqs: std::ops::Range<u64>) {
        log.write(seqs.map(|seq| (seq, None))).unwrap();
    }

    fn check(log: &WindowLog, seqs: std::ops::Range<u64>) {
        let expected: Vec<_> = seqs.clone().map(|seq| (seq.to_be_bytes().to_vec(), value(seq))).collect();
        assert_eq!(log.scan(0, usize::MAX).unwrap(), expected);
        for seq in seqs {
            assert_eq!(log.get(seq).unwrap(), Some(value(seq)));
        }
    }

    #[test]
    fn rows_are_read_as_they_were_written_and_let_go_from_the_front() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = WindowLog::open(dir.path(), Mark::default()).unwrap();
        put(&mut log, 1..200);
        remove(&mut log, 1..120);
        put(&mut log, 200..300);
        check(&log, 120..300);
        assert_eq!(log.get(119).unwrap(), None);
        let mark = log.mark();
        let log = WindowLog::open(dir.path(), mark).unwrap();
        check(&log, 120..300);
        assert!(!log.path(1).exists() && log.path(mark.file).exists());
        assert_eq!(log.scan(150, 2).unwrap().len(), 2);
    }

    #[test]
    fn keys_may_be_cut_or_go_on() {
        let key = 258_u64.to_be_bytes();
        assert_eq!(first_from(&key), Some(258));
        assert_eq!(first_from(&[&key[..], &[0]].concat()), Some(259));
        assert_eq!((first_from(&key[..7]), first_from(b"")), (Some(256), Some(0)));
        assert_eq!(first_from(&[0xff; 9]), None);
    }

    #[test]
    fn a_row_that_is_written_again_counts_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = WindowLog::open(dir.path(), Mark::default()).unwrap();
        put(&mut log, 1..50);
        put(&mut log, 10..50);
        check(&log, 1..50);
        remove(&mut log, 1..50);
        put(&mut log, 50..200);
        let log = WindowLog::open(dir.path(), Mark::default()).unwrap();
        check(&log, 50..200);
        assert_eq!(log.len(), 150);
    }

    /// A crash leaves any part of what was not synced.
    #[test]
    fn a_torn_tail_is_cut_and_what_was_durable_is_missed() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = WindowLog::open(dir.path(), Mark::default()).unwrap();
        put(&mut log, 1..8);
        let durable = log.mark();
        put(&mut log, 8..9);
        let path = log.path(1);
        let whole = fs::read(&path).unwrap();
        for length in usize::try_from(durable.bytes).unwrap()..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let mut log = WindowLog::open(dir.path(), durable).unwrap();
            check(&log, 1..8);
            put(&mut log, 8..10);
            check(&WindowLog::open(dir.path(), durable).unwrap(), 1..10);
        }
        fs::write(&path, &whole[..usize::try_from(durable.bytes).unwrap() - 1]).unwrap();
        let missed = WindowLog::open(dir.path(), durable).unwrap_err();
        assert!(matches!(missed, StoreError::Damaged { .. }), "{missed}");
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = WindowLog::open(dir.path(), Mark::default()).unwrap();
        put(&mut log, 1..4);
        let (path, durable) = (log.path(1), log.mark());
        let whole = fs::read(&path).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, damaged).unwrap();
            let found = WindowLog::open(dir.path(), durable);
            assert!(matches!(found, Err(StoreError::Damaged { .. })), "bit {bit}");
        }
    }
}
