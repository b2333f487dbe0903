//! What ended the program before is not tried for ever. Before bytes from outside are read it is noted which, in a file
//! that a process which dies leaves as it is; after them the note is wiped out. Whoever starts next finds in it what the
//! last process died over, and counts. What three processes died over is laid into quarantine. A note that stays too long
//! also shows what a thread is stuck in.
//!
//! One count for the process, since it is the process that dies.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::article::Id;

/// So many processes may die over the same bytes.
pub const STRIKES_MAX: u32 = 3;

/// Cases that are kept; of more, the oldest are forgotten.
const CASES_MAX: usize = 200;

/// Bytes of a case that are kept for whoever looks into it.
const KEPT_BYTES_MAX: usize = 8 << 20;

/// Notes at one time; what is read beside these is not counted.
const NOTES_MAX: usize = 64;

/// A note: an id, a blank, where the bytes come from, blanks up to the line's end.
const NOTE_BYTES: usize = 256;

/// Below the state directory.
const DIR: &str = "quarantine";
const NOTES: &str = "notes";

/// Bytes that ended processes while they were read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Of the bytes.
    pub id: Id,
    /// Where they came from.
    pub place: String,
    /// How many processes ended.
    pub strikes: u32,
    /// When the first was noticed, at the start after it.
    pub first: Timestamp,
    /// When the last was.
    pub last: Timestamp,
}

impl Case {
    /// Whether it is not tried any more.
    pub fn is_quarantined(&self) -> bool {
        self.strikes >= STRIKES_MAX
    }
}

/// Bytes that are not read any more.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "the program ended {STRIKES_MAX} times while it read this: it is in quarantine as {0}; \
     `storywatch quarantine release {0}` lets it be tried again"
)]
pub struct Quarantined(pub Id);

/// The count of this process.
struct Watch {
    dir: PathBuf,
    notes: File,
    /// Locked for a look, by every thread that reads something.
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    /// Places of notes that are free.
    free: Vec<usize>,
    /// Since when each of the others is written, and what it says.
    busy: BTreeMap<usize, (Instant, Arc<str>)>,
    /// By the bytes' id.
    cases: BTreeMap<Id, Case>,
}

static WATCH: OnceLock<Watch> = OnceLock::new();

impl Watch {
    fn open(state_dir: &Path) -> io::Result<(Self, Vec<Case>)> {
        let dir = state_dir.join(DIR);
        fs::create_dir_all(&dir)?;
        let path = dir.join(NOTES);
        let notes = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut cases: BTreeMap<Id, Case> = cases_in(&dir)?.into_iter().map(|case| (case.id, case)).collect();
        let now = Timestamp::now();
        let mut struck = Vec::new();
        for (id, place) in read_notes(&notes)? {
            let case = cases.entry(id).or_insert(Case { id, place, strikes: 0, first: now, last: now });
            case.strikes += 1;
            case.last = now;
            write_case(&dir, case)?;
            struck.push(case.clone());
        }
        while cases.len() > CASES_MAX {
            let oldest = cases.values().min_by_key(|case| (case.last, case.id)).map(|case| case.id);
            let Some(oldest) = oldest else { break };
            cases.remove(&oldest);
            remove_case(&dir, oldest)?;
        }
        wipe(&notes)?;
        let book = Book { free: (0..NOTES_MAX).collect(), busy: BTreeMap::new(), cases };
        Ok((Self { dir, notes, book: Mutex::new(book) }, struck))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // whoever panicked with it left it whole: each change is one step
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that are about to be read. Its end tells that this went well.
#[derive(Clone, Debug)]
pub(crate) struct Reading(Option<Arc<Noted>>);

#[derive(Debug)]
struct Noted {
    id: Id,
    place: Arc<str>,
    suspect: bool,
}

/// Counts from here on, in the state directory. Gives what the process before died over.
///
/// # Errors
/// When the directory cannot be used: then nothing is counted.
pub fn watch_over(state_dir: &Path) -> io::Result<Vec<Case>> {
    let (watch, struck) = Watch::open(state_dir)?;
    // A second start in one process counts where the first did.
    WATCH.set(watch).ok();
    Ok(struck)
}

/// The process ends as it should, whatever is still being read.
pub fn ends_well() {
    if let Some(watch) = WATCH.get() {
        let mut book = watch.book();
        book.free.clear();
        // What cannot be wiped out costs a strike.
        wipe(&watch.notes).ok();
    }
}

/// What has been read for longer than `limit`.
pub fn stuck(limit: Duration) -> Option<String> {
    let book = WATCH.get()?.book();
    let (since, place) = book.busy.values().min_by_key(|(since, _)| *since)?;
    (since.elapsed() > limit).then(|| place.to_string())
}

/// How many are in quarantine.
pub fn quarantined() -> usize {
    WATCH.get().map_or(0, |watch| watch.book().cases.values().filter(|case| case.is_quarantined()).count())
}

/// All that was counted in a state directory, in the order of their ids.
///
/// # Errors
/// When it cannot be read.
pub fn cases(state_dir: &Path) -> io::Result<Vec<Case>> {
    match cases_in(&state_dir.join(DIR)) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        cases => cases,
    }
}

/// Forgets a case, so that its bytes are tried again; a running daemon sees it too. False where there is none.
///
/// # Errors
/// When it cannot be removed.
pub fn release(state_dir: &Path, id: Id) -> io::Result<bool> {
    let dir = state_dir.join(DIR);
    let known = case_path(&dir, id).exists();
    remove_case(&dir, id)?;
    Ok(known)
}

impl Reading {
    /// Bytes from `place`, unless they are in quarantine: then they are kept there for whoever looks into it.
    pub(crate) fn of(bytes: &[u8], place: impl FnOnce() -> String) -> Result<Self, Quarantined> {
        let Some(watch) = WATCH.get() else { return Ok(Self(None)) };
        let id = Id::of(&[b"reading", bytes]);
        let mut book = watch.book();
        let suspect = match book.cases.get(&id) {
            Some(_) if !case_path(&watch.dir, id).exists() => {
                book.cases.remove(&id);
                false
            }
            Some(case) if case.is_quarantined() => {
                drop(book);
                keep_bytes(&watch.dir, id, bytes);
                return Err(Quarantined(id));
            }
            case => case.is_some(),
        };
        drop(book);
        Ok(Self(Some(Arc::new(Noted { id, place: place().into(), suspect }))))
    }

    /// It is noted as long as what is returned lives. A panic does not leave the note behind: whoever catches it goes on.
    pub(crate) fn note(&self) -> Option<Note> {
        Note::write(self.0.as_deref()?, false)
    }

    /// The same where a panic ends the process: the note then stays.
    pub(crate) fn last_note(&self) -> Option<Note> {
        Note::write(self.0.as_deref()?, true)
    }
}

/// What was read well has no strikes any more.
impl Drop for Noted {
    fn drop(&mut self) {
        if !self.suspect || thread::panicking() {
            return;
        }
        if let Some(watch) = WATCH.get() {
            watch.book().cases.remove(&self.id);
            // What stays is one strike too many.
            remove_case(&watch.dir, self.id).ok();
        }
    }
}

/// A note as long as it is written.
pub(crate) struct Note {
    watch: &'static Watch,
    at: usize,
    last: bool,
}

impl Note {
    fn write(noted: &Noted, last: bool) -> Option<Self> {
        let watch = WATCH.get()?;
        let mut book = watch.book();
        let at = book.free.pop()?;
        book.busy.insert(at, (Instant::now(), Arc::clone(&noted.place)));
        drop(book);
        // What cannot be noted is read all the same.
        write_note(&watch.notes, at, &format!("{} {}", noted.id, noted.place)).ok();
        Some(Self { watch, at, last })
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if self.last && thread::panicking() {
            return;
        }
        write_note(&self.watch.notes, self.at, "").ok();
        let mut book = self.watch.book();
        book.busy.remove(&self.at);
        book.free.push(self.at);
    }
}

/// One line of the file, cut to its length.
fn write_note(notes: &File, at: usize, said: &str) -> io::Result<()> {
    let mut line = [b' '; NOTE_BYTES];
    for (place, byte) in line.iter_mut().zip(said.bytes()) {
        *place = if byte.is_ascii_control() { b' ' } else { byte };
    }
    if let Some(end) = line.last_mut() {
        *end = b'\n';
    }
    notes.write_all_at(&line, (at * NOTE_BYTES) as u64)
}

fn wipe(notes: &File) -> io::Result<()> {
    (0..NOTES_MAX).try_for_each(|at| write_note(notes, at, ""))
}

/// What stands in the file, by id. Whatever else stands there is no note.
fn read_notes(notes: &File) -> io::Result<BTreeMap<Id, String>> {
    let mut bytes = vec![0; NOTES_MAX * NOTE_BYTES];
    let length = notes.read_at(&mut bytes, 0)?;
    bytes.truncate(length);
    let text = String::from_utf8_lossy(&bytes);
    let note = |line: &str| {
        let (id, place) = line.split_once(' ')?;
        Some((id.parse().ok()?, place.trim_end().to_owned()))
    };
    Ok(text.lines().filter_map(note).collect())
}

fn case_path(dir: &Path, id: Id) -> PathBuf {
    dir.join(format!("{id}.json"))
}

fn bytes_path(dir: &Path, id: Id) -> PathBuf {
    dir.join(format!("{id}.bytes"))
}

fn write_case(dir: &Path, case: &Case) -> io::Result<()> {
    let aside = dir.join("case.tmp");
    fs::write(&aside, serde_json::to_vec(case)?)?;
    fs::rename(aside, case_path(dir, case.id))
}

fn remove_case(dir: &Path, id: Id) -> io::Result<()> {
    for path in [case_path(dir, id), bytes_path(dir, id)] {
        match fs::remove_file(path) {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
            _ => {}
        }
    }
    Ok(())
}

/// Once; a case of bytes that cannot be kept is a case all the same.
fn keep_bytes(dir: &Path, id: Id, bytes: &[u8]) {
    let path = bytes_path(dir, id);
    if !path.exists() {
        let kept = bytes.get(..KEPT_BYTES_MAX).unwrap_or(bytes);
        fs::write(path, kept).ok();
    }
}

/// A file that is no case, because it is damaged, is as if there were none.
fn cases_in(dir: &Path) -> io::Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let case = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            cases.extend(case.filter(|case: &Case| case_path(dir, case.id) == path));
        }
    }
    cases.sort_by_key(|case| case.id);
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a process that dies leaves.
    fn die_over(dir: &Path, bytes: &[u8], place: &str) {
        let notes = OpenOptions::new().write(true).open(dir.join(DIR).join(NOTES)).unwrap();
        let id = Id::of(&[b"reading", bytes]);
        write_note(&notes, 3, &format!("{id} {place}")).unwrap();
        write_note(&notes, 7, &format!("{id} {place}")).unwrap();
    }

    /// The only test with the count of the whole process.
    #[test]
    fn the_third_strike_is_the_last() {
        let dir = tempfile::tempdir().unwrap();
        let (bad, good) = (b"bad\nbytes".as_slice(), b"good bytes".as_slice());
        assert_eq!(Watch::open(dir.path()).unwrap().1, []);
        for strike in 1..=STRIKES_MAX {
            die_over(dir.path(), bad, "file a\nb.txt");
            let struck = Watch::open(dir.path()).unwrap().1;
            assert_eq!(
                (struck.len(), struck[0].strikes, struck[0].place.as_str()),
                (1, strike, "file a b.txt")
            );
        }
        assert_eq!(Watch::open(dir.path()).unwrap().1, [], "an end without a note is no strike");
        die_over(dir.path(), good, "file c.txt");
        let struck = watch_over(dir.path()).unwrap();
        assert!(!struck[0].is_quarantined());

        let reading = Reading::of(good, || "file c.txt".to_owned()).unwrap();
        let note = reading.note();
        assert_eq!(stuck(Duration::ZERO).as_deref(), Some("file c.txt"));
        drop(note);
        assert_eq!(stuck(Duration::ZERO), None);
        drop(reading);
        assert_eq!(quarantined(), 1);
        assert_eq!(cases(dir.path()).unwrap().len(), 1, "what went well has no strikes any more");

        let Err(Quarantined(id)) = Reading::of(bad, String::new) else { panic!("it was tried again") };
        assert_eq!(fs::read(bytes_path(&dir.path().join(DIR), id)).unwrap(), bad);
        assert!(release(dir.path(), id).unwrap() && !release(dir.path(), id).unwrap());
        assert!(Reading::of(bad, String::new).is_ok());
        assert_eq!(quarantined(), 0);
    }

    #[test]
    fn damaged_notes_and_cases_are_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join(DIR);
        fs::create_dir(&own).unwrap();
        fs::write(own.join(NOTES), [0xff, b' ', 0, b'\n', b'1']).unwrap();
        fs::write(own.join("0123456789abcdef.json"), "{").unwrap();
        assert_eq!(Watch::open(dir.path()).unwrap().1, []);
        assert_eq!(cases(dir.path()).unwrap(), []);
    }
}
