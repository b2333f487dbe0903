//! Makes sled durable behind the pipeline's back, and keeps a small file that says how far it is.
//! sled's `flush` only starts the writing (`sync_file_range`); with `fdatasync` behind it, it is durable.

use std::{
    error::Error,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    StoreError, aside,
    catch::catching,
    window::{self, Mark, lock},
};
use crate::journal::{
    Position,
    state_dir::{is_full, sync_dir},
};

/// How long a write to sled stays in danger of a power cut; the journal is replayed from there.
const SYNC_EVERY: Duration = Duration::from_secs(1);

const SYNCED_FILE: &str = "synced";

/// The thread that syncs, and what it and the pipeline tell each other.
pub(super) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How far an index is known to be durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Durable {
    /// The journal is in it up to there.
    pub(super) applied: Position,
    /// So many of the window's bytes must be there.
    pub(super) window: Mark,
}

struct Shared {
    /// Locked, because the pipeline sets what the thread takes; held for a few instructions only.
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// How far the journal is in sled.
    applied: Position,
    /// Something was written since the last sync began.
    dirty: bool,
    stop: bool,
    failed: Option<String>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, error: &StoreError) {
        let cause = error.source().map(|cause| format!(": {cause}"));
        self.lock().failed = Some(format!("{error}{}", cause.unwrap_or_default()));
    }
}

impl Syncer {
    pub(super) fn start(
        db: sled::Db,
        window: window::Shared,
        dir: PathBuf,
        applied: Position,
    ) -> io::Result<Self> {
        let state = State { applied, dirty: false, stop: false, failed: None };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let for_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("store-sync".to_owned())
            .spawn(move || run(&for_thread, &db, &window, &dir))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Something was written, `applied` with it.
    pub(super) fn written(&self, applied: Option<Position>) {
        let mut state = self.shared.lock();
        state.applied = applied.unwrap_or(state.applied);
        if !state.dirty {
            state.dirty = true;
            self.shared.changed.notify_one();
        }
    }

    pub(super) fn applied(&self) -> Position {
        self.shared.lock().applied
    }

    /// Why nothing may be written any more.
    pub(super) fn failed(&self) -> Option<String> {
        self.shared.lock().failed.clone()
    }

    /// Nothing may be written any more, nor synced.
    pub(super) fn fail(&self, why: &str) {
        self.shared.lock().failed.get_or_insert_with(|| why.to_owned());
    }

    /// Ends the thread; what it had not synced is left to the caller.
    pub(super) fn stop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_one();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            self.fail("the thread that syncs the index panicked");
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(shared: &Shared, db: &sled::Db, window: &window::Shared, dir: &Path) {
    let mut waits = false;
    loop {
        let state = shared.lock();
        let state = shared
            .changed
            .wait_while(state, |state| !state.stop && !state.dirty)
            .unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = shared
            .changed
            .wait_timeout_while(state, SYNC_EVERY, |state| !state.stop)
            .unwrap_or_else(PoisonError::into_inner);
        if state.stop || state.failed.is_some() {
            return;
        }
        state.dirty = false;
        let applied = state.applied;
        drop(state);
        match flush(db, window, dir).map(|mark| write_synced(dir, &Durable { applied, window: mark })) {
            Ok(Ok(())) => {
                if waits {
                    tracing::info!(index = %dir.display(), "it is noted again how far the index is durable");
                }
                waits = false;
            }
            // All that is lost is how far it is durable: the note before stands, and is renewed once there is room.
            Ok(Err(fault)) if is_full(&fault) => {
                if !waits {
                    tracing::warn!(index = %dir.display(), %fault, "could not note how far the index is durable; trying again");
                }
                waits = true;
                shared.lock().dirty = true;
            }
            Ok(Err(fault)) => return shared.fail(&StoreError::io("sync", dir)(fault)),
            Err(error) => {
                if let StoreError::Damaged { why, .. } = &error {
                    aside::mark(dir, why);
                }
                return shared.fail(&error);
            }
        }
    }
}

/// Makes all that was written durable, and notes that the journal up to `applied` is among it.
pub(super) fn sync(
    db: &sled::Db,
    window: &window::Shared,
    dir: &Path,
    applied: Position,
) -> Result<(), StoreError> {
    let mark = flush(db, window, dir)?;
    write_synced(dir, &Durable { applied, window: mark }).map_err(StoreError::io("sync", dir))
}

/// Makes all that was written durable, and says how many of the window's bytes are.
fn flush(db: &sled::Db, window: &window::Shared, dir: &Path) -> Result<Mark, StoreError> {
    let (mark, rows) = {
        let window = lock(window);
        (window.mark(), window.last_file().map_err(StoreError::io("sync the window of", dir))?)
    };
    catching(|| db.flush(), dir)?;
    rows.map_or(Ok(()), |file| file.sync_data())
        .and_then(|()| File::open(dir.join("db")))
        .and_then(|file| file.sync_data())
        .and_then(|()| sync_blobs(&dir.join("blobs")))
        .map_err(StoreError::io("sync", dir))?;
    Ok(mark)
}

/// sled puts what is larger than a segment into files of its own and does not sync them. There are none as long as values
/// stay small.
fn sync_blobs(dir: &Path) -> io::Result<()> {
    let mut any = false;
    for entry in fs::read_dir(dir)? {
        match File::open(entry?.path()) {
            Ok(file) => file.sync_data()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        any = true;
    }
    if any { sync_dir(dir) } else { Ok(()) }
}

/// The file is written aside and renamed, so that there is always a whole one; an older one only means more replay.
pub(super) fn write_synced(dir: &Path, durable: &Durable) -> io::Result<()> {
    let Durable { applied, window } = durable;
    let body = format!("2 {} {} {} {}", applied.day, applied.offset, window.file, window.bytes);
    let aside = dir.join("synced.new");
    let mut file = File::create(&aside)?;
    writeln!(file, "{body} {:08x}", crc32fast::hash(body.as_bytes()))?;
    file.sync_data()?;
    fs::rename(aside, dir.join(SYNCED_FILE))
}

/// How far the index in `dir` is known to be durable; `None` where the file is missing or damaged.
pub(super) fn read_synced(dir: &Path) -> io::Result<Option<Durable>> {
    match fs::read(dir.join(SYNCED_FILE)) {
        Ok(bytes) => Ok(str::from_utf8(&bytes).ok().and_then(parse_synced)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse_synced(text: &str) -> Option<Durable> {
    let (body, checksum) = text.strip_suffix('\n')?.rsplit_once(' ')?;
    if u32::from_str_radix(checksum, 16).ok()? != crc32fast::hash(body.as_bytes()) {
        return None;
    }
    let mut numbers = body.strip_prefix("2 ")?.split(' ');
    let mut next = || numbers.next()?.parse().ok();
    let applied = Position { day: u32::try_from(next()?).ok()?, offset: next()? };
    let window = Mark { file: next()?, bytes: next()? };
    Some(Durable { applied, window })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synced_is_read_as_written() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_synced(dir.path()).unwrap(), None);
        let durable = Durable {
            applied: Position { day: 20_170_302, offset: 123_456_789_012 },
            window: Mark { file: 3, bytes: 1_234_567 },
        };
        write_synced(dir.path(), &durable).unwrap();
        assert_eq!(read_synced(dir.path()).unwrap(), Some(durable));
    }

    #[test]
    fn every_flipped_bit_of_synced_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let durable = Durable {
            applied: Position { day: 20_170_302, offset: 77 },
            window: Mark { file: 1, bytes: 4096 },
        };
        write_synced(dir.path(), &durable).unwrap();
        let path = dir.path().join(SYNCED_FILE);
        let whole = fs::read(&path).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, damaged).unwrap();
            let found = read_synced(dir.path()).unwrap();
            assert!(found.is_none() || found == Some(durable), "bit {bit}: {found:?}");
        }
    }
}
