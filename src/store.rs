//! The journal's index: what is known, by key. It can always be built again from the journal, and is whenever it is
//! damaged. The only user of sled, whose traps are handled here and in the modules below.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, MutexGuard},
};

use self::{
    catch::catching,
    opening::{KnownIndex, put_own},
    row::RowFault,
    sync::Syncer,
    window::{WindowLog, lock},
};
use crate::{
    journal::{
        Position,
        state_dir::{StateDir, StateError},
    },
    pipeline::view::{Changes, Rows, Tree},
};

mod aside;
mod catch;
pub mod known;
mod opening;
mod row;
mod shelf;
mod sync;
pub mod upkeep;
mod window;

/// Version of the trees, their keys and values. An older one is built again from the journal, a newer one is refused.
pub const SCHEMA: u32 = 2;

/// sled's cache; the process grows by about eight times as much.
const CACHE_BYTES: u64 = 4 << 20;

/// Largest value. What is large belongs into the journal.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

const APPLIED_KEY: &[u8] = b"applied";
const SCHEMA_KEY: &[u8] = b"schema";
const ANALYSIS_KEY: &[u8] = b"analysis";

/// The index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// In use by another process, or no room.
    #[error(transparent)]
    State(#[from] StateError),
    /// Written by a newer version.
    #[error(
        "the index in {} was written by a newer storywatch ({what} {found}, this one knows {known}): install that \
         version, or remove the directory to have it built again from the journal",
        dir.display()
    )]
    Newer {
        /// The index.
        dir: PathBuf,
        /// What is newer.
        what: &'static str,
        /// Its version.
        found: u32,
        /// The newest that this program can read.
        known: u32,
    },
    /// It is marked as such; the next start moves it aside and builds it again.
    #[error("the index in {} is damaged: {why}; start again to have it built again from the journal", dir.display())]
    Damaged {
        /// The index.
        dir: PathBuf,
        /// What was found.
        why: String,
    },
    /// An earlier failure, of the background sync for one: nothing is written after it.
    #[error("the index in {} is not written any more: {why}", dir.display())]
    Stopped {
        /// The index.
        dir: PathBuf,
        /// The earlier failure.
        why: String,
    },
    /// Over `VALUE_BYTES_MAX`.
    #[error("a value of {bytes} bytes is too large for the index ({tree:?}, at most {VALUE_BYTES_MAX})")]
    TooLarge {
        /// The tree.
        tree: Tree,
        /// Size of the value.
        bytes: usize,
    },
    /// Rows of the window are numbered.
    #[error("the key {} of a row of the window is no number of eight bytes", key.escape_ascii())]
    NoNumber {
        /// The key.
        key: Vec<u8>,
    },
    /// The file system says no.
    #[error("could not {what} {}", path.display())]
    Io {
        /// A verb.
        what: &'static str,
        /// Of what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl StoreError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

/// What the store must know to judge an index.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Version of the analysis (tokeniser, sketch, model) that this program does.
    pub analysis: u32,
    /// Where the journal ends; an index that knows more belongs to another journal.
    pub journal_end: Position,
}

/// An index that is ready, and what is to be done before it is used.
pub struct Opened {
    /// The index.
    pub store: Store,
    /// Apply the journal from here on again. After an unclean stop this lies before what is applied already.
    pub replay_from: Position,
    /// The index was damaged and is empty now.
    pub set_aside: Option<SetAside>,
    /// The rows were analysed by this older version: analyse the active window again, then call `Store::set_analysis`.
    pub older_analysis: Option<u32>,
}

/// An index that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Why not.
    pub why: String,
    /// Where it is now.
    pub to: PathBuf,
}

/// The index, open. One tree of sled holds all of `Tree` but the window's rows, so that a batch is one atomic write.
pub struct Store {
    dir: PathBuf,
    state: StateDir,
    db: sled::Db,
    window: window::Shared,
    syncer: Syncer,
}

/// Takes the index away, so that the next start builds it again from the journal.
///
/// # Errors
/// When its files cannot be removed.
pub fn remove(state: &StateDir) -> Result<(), StoreError> {
    let dir = aside::index_dir(state.path());
    match std::fs::remove_dir_all(&dir) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", &dir)(fault)),
        _ => Ok(()),
    }
}

impl Store {
    /// Opens the index of a state directory. One that is damaged or ahead of the journal is moved aside, one of an older
    /// schema is removed, and an empty one takes its place.
    pub fn open(state: &StateDir, options: &Options) -> Result<Opened, StoreError> {
        let state_dir = state.path();
        let dir = aside::index_dir(state_dir);
        aside::clear_leftovers(state_dir).map_err(StoreError::io("clean up", state_dir))?;
        if let Err(StateError::Full { .. }) = state.check_room() {
            aside::remove_damaged(state_dir).map_err(StoreError::io("clean up", state_dir))?;
        }
        state.check_room()?;
        if dir.exists() {
            state.check_room_at(&dir)?;
        }
        let (index, set_aside) = opening::open(state_dir, &dir, options)?;
        let KnownIndex { db, window, synced, analysis } = index;
        let syncer = Syncer::start(db.clone(), Arc::clone(&window), dir.clone(), synced)
            .map_err(StoreError::io("start the thread that syncs", &dir))?;
        let store = Self { dir, state: state.clone(), db, window, syncer };
        let older_analysis = Some(analysis).filter(|found| *found < options.analysis);
        Ok(Opened { store, replay_from: synced, set_aside, older_analysis })
    }

    /// The value of one key.
    pub fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if tree == Tree::Window {
            let Some(number) = window::number_of(key) else { return Ok(None) };
            return self.window().get(number).map_err(|error| self.noted(error));
        }
        if shelf::is_shelved(tree) {
            return self.get_from_shelf(tree, key);
        }
        let key = row::key(row::code(tree), key);
        let Some(found) = self.guarded(|| self.db.get(&key))? else { return Ok(None) };
        self.unwrapped(&key, &found).map(|value| Some(value.to_vec()))
    }

    /// At most `rows_max` rows whose keys are at least `from`, in order.
    pub fn scan(&self, tree: Tree, from: &[u8], rows_max: usize) -> Result<Rows, StoreError> {
        if tree == Tree::Window {
            let Some(from) = window::first_from(from) else { return Ok(Rows::new()) };
            return self.window().scan(from, rows_max).map_err(|error| self.noted(error));
        }
        if shelf::is_shelved(tree) {
            return self.scan_shelves(tree, from, rows_max);
        }
        let code = row::code(tree);
        let range = row::key(code, from)..vec![code + 1];
        let found = self.guarded(|| self.db.range(range).take(rows_max).collect::<sled::Result<Vec<_>>>())?;
        let rows = found.iter().map(|(key, row)| {
            let value = self.unwrapped(key, row)?;
            Ok((key.get(1..).unwrap_or_default().to_vec(), value.to_vec()))
        });
        rows.collect()
    }

    /// Writes the changes, and that the journal is applied up to there, in one atomic step, the window's rows before it. It
    /// is durable about a second later; until then the journal has it.
    pub fn commit(&self, changes: &Changes, applied: Position) -> Result<(), StoreError> {
        self.check_writable()?;
        let rows = changes.of_tree(Tree::Window).map(|(key, value)| {
            let number = window::number_of(key).ok_or_else(|| StoreError::NoNumber { key: key.to_vec() })?;
            Ok((number, value))
        });
        let rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
        self.window().write(rows.into_iter()).map_err(|error| self.noted(error))?;
        let mut batch = sled::Batch::default();
        for (tree, key, value) in changes.iter().filter(|(tree, ..)| *tree != Tree::Window) {
            if let Some(value) = value.filter(|value| value.len() > VALUE_BYTES_MAX) {
                return Err(StoreError::TooLarge { tree, bytes: value.len() });
            }
            if shelf::is_shelved(tree) {
                continue;
            }
            let key = row::key(row::code(tree), key);
            match value {
                None => batch.remove(key),
                Some(value) => {
                    let row = row::wrap(&key, value);
                    batch.insert(key, row);
                }
            }
        }
        for tree in shelf::SHELVED {
            self.shelve(tree, changes, &mut batch)?;
        }
        put_own(&mut batch, APPLIED_KEY, &position_bytes(applied));
        self.write(batch)?;
        self.syncer.written(Some(applied));
        Ok(())
    }

    /// How far the journal is applied: after an unclean stop only what was durable counts.
    pub fn applied(&self) -> Position {
        self.syncer.applied()
    }

    /// The rows are analysed anew.
    pub fn set_analysis(&self, analysis: u32) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        put_own(&mut batch, ANALYSIS_KEY, &analysis.to_be_bytes());
        self.write(batch)?;
        self.syncer.written(None);
        Ok(())
    }

    /// Makes all durable and closes: the next start then has nothing to replay.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.syncer.stop();
        if let Some(why) = self.syncer.failed() {
            return Err(StoreError::Stopped { dir: self.dir.clone(), why });
        }
        sync::sync(&self.db, &self.window, &self.dir, self.syncer.applied())
    }

    fn window(&self) -> MutexGuard<'_, WindowLog> {
        lock(&self.window)
    }

    fn write(&self, batch: sled::Batch) -> Result<(), StoreError> {
        self.check_writable()?;
        self.guarded(|| self.db.apply_batch(batch))
    }

    fn check_writable(&self) -> Result<(), StoreError> {
        if let Some(why) = self.syncer.failed() {
            return Err(StoreError::Stopped { dir: self.dir.clone(), why });
        }
        Ok(self.state.check_room_at(&self.dir)?)
    }

    /// Runs an operation of sled. What goes wrong there is not retried; damage is noted for the next start.
    fn guarded<T>(&self, operation: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
        catching(operation, &self.dir).map_err(|error| self.noted(error))
    }

    fn unwrapped<'r>(&self, key: &[u8], row: &'r [u8]) -> Result<&'r [u8], StoreError> {
        unwrap_row(&self.dir, key, row).map_err(|error| self.noted(error))
    }

    fn noted(&self, error: StoreError) -> StoreError {
        if let StoreError::Damaged { why, .. } = &error {
            aside::mark(&self.dir, why);
        }
        self.syncer.fail(&error.to_string());
        error
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.syncer.stop();
        if self.syncer.failed().is_some() {
            // After an error, sled's own drop may panic or wait for ever; the process is about to end anyway.
            std::mem::forget(self.db.clone());
        }
    }
}

fn unwrap_row<'r>(dir: &Path, key: &[u8], row: &'r [u8]) -> Result<&'r [u8], StoreError> {
    row::unwrap(key, row).map_err(|fault| match fault {
        RowFault::Damaged => {
            let why = format!("the row {} does not have its checksum", key.escape_ascii());
            StoreError::Damaged { dir: dir.to_owned(), why }
        }
        RowFault::Newer(found) => StoreError::Newer {
            dir: dir.to_owned(),
            what: "row version",
            found: u32::from(found),
            known: u32::from(row::ROW_VERSION),
        },
    })
}

fn position_bytes(position: Position) -> [u8; 12] {
    let mut bytes = [0; 12];
    let (day, offset) = bytes.split_at_mut(4);
    day.copy_from_slice(&position.day.to_be_bytes());
    offset.copy_from_slice(&position.offset.to_be_bytes());
    bytes
}

fn position_of(bytes: &[u8]) -> Option<Position> {
    let (day, offset) = bytes.split_first_chunk::<4>()?;
    Some(Position { day: u32::from_be_bytes(*day), offset: u64::from_be_bytes(offset.try_into().ok()?) })
}

#[cfg(test)]
mod tests;
