//! What the `store` verbs do with an index that no daemon uses: count, check, compact.

use std::{collections::BTreeMap, fs, path::Path};

use super::{
    Options, Store, StoreError, aside, catching,
    opening::open_db,
    row,
    shelf::{self, Shelf},
    sync,
    sync::Durable,
    unwrap_row,
    window::{self, Mark},
};
use crate::{
    journal::state_dir::{StateDir, dir_bytes, sync_dir},
    pipeline::view::Tree,
};

/// Rows of one write when the index is copied.
const COPY_ROWS_MAX: usize = 1024;

/// Damaged rows that are named.
const DAMAGED_NAMED_MAX: usize = 100;

/// How large an index is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Of all its files.
    pub disk_bytes: u64,
    /// Of those in which the window's rows stand, the rest is sled's.
    pub window_disk_bytes: u64,
    /// In memory: where each of the window's rows stands.
    pub window_places_bytes: usize,
    /// Rows and bytes of keys and values, by tree.
    pub trees: BTreeMap<Tree, TreeStats>,
}

/// How large a tree is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeStats {
    /// Keys.
    pub rows: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

/// What a check of every row has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Rows that are as they were written.
    pub rows: u64,
    /// Rows that are not.
    pub damaged_rows: u64,
    /// Their keys, at most `DAMAGED_NAMED_MAX`.
    pub damaged: Vec<String>,
}

/// What compacting has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Size on disk before.
    pub bytes_before: u64,
    /// and after.
    pub bytes_after: u64,
}

impl Store {
    /// Counts all rows; reads the whole index.
    pub fn stats(&self) -> Result<Stats, StoreError> {
        let disk_bytes = dir_bytes(&self.dir).map_err(StoreError::io("measure", &self.dir))?;
        let window_dir = self.dir.join("window");
        let window_disk_bytes = dir_bytes(&window_dir).map_err(StoreError::io("measure", &window_dir))?;
        let mut trees = BTreeMap::new();
        let window = self.window();
        trees.insert(Tree::Window, TreeStats { rows: window.len(), bytes: window.live_bytes() });
        let window_places_bytes = window.memory_bytes();
        drop(window);
        for tree in Tree::ALL.into_iter().filter(|tree| *tree != Tree::Window) {
            let mut stats = TreeStats::default();
            let mut rows = self.db.scan_prefix([row::code(tree)]);
            while let Some((key, value)) = self.guarded(|| rows.next().transpose())? {
                stats.rows += self.rows_in(tree, &key, &value)?;
                stats.bytes += (key.len() + value.len()) as u64;
            }
            trees.insert(tree, stats);
        }
        Ok(Stats { disk_bytes, window_disk_bytes, window_places_bytes, trees })
    }

    /// How many rows of a tree stand in one of sled's.
    fn rows_in(&self, tree: Tree, key: &[u8], row: &[u8]) -> Result<u64, StoreError> {
        if !shelf::is_shelved(tree) {
            return Ok(1);
        }
        Ok(Shelf(self.unwrapped(key, row)?).count() as u64)
    }

    /// Reads every row and checks it. Damage that sled itself finds is the error.
    pub fn verify(&self) -> Result<Verified, StoreError> {
        let mut verified = Verified { rows: self.window().check()?, ..Verified::default() };
        let mut rows = self.db.iter();
        while let Some((key, row)) = self.guarded(|| rows.next().transpose())? {
            if row::unwrap(&key, &row).is_ok() {
                verified.rows += 1;
                continue;
            }
            verified.damaged_rows += 1;
            if verified.damaged.len() < DAMAGED_NAMED_MAX {
                verified.damaged.push(key.escape_ascii().to_string());
            }
        }
        if verified.damaged_rows > 0 {
            aside::mark(&self.dir, &format!("{} rows do not have their checksum", verified.damaged_rows));
        }
        Ok(verified)
    }
}

/// Copies the index into a new database and puts that in its place: sled's files only grow.
pub fn compact(state: &StateDir, options: &Options) -> Result<Compacted, StoreError> {
    let store = Store::open(state, options)?.store;
    let dir = store.dir.clone();
    let bytes_before = dir_bytes(&dir).map_err(StoreError::io("measure", &dir))?;
    let new_dir = aside::new_index_dir(state.path());
    copy_rows(&store, &new_dir)?;
    store.close()?;
    let bytes_after = dir_bytes(&new_dir).map_err(StoreError::io("measure", &new_dir))?;
    aside::swap(state.path()).map_err(StoreError::io("replace", &dir))?;
    Ok(Compacted { bytes_before, bytes_after })
}

fn copy_rows(store: &Store, to: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(to)
        .and_then(|()| sync::write_synced(to, &Durable::default()))
        .map_err(StoreError::io("make", to))?;
    let new = open_db(to)?;
    let mut rows = store.db.iter();
    loop {
        store.state.check_room()?;
        let chunk = store.guarded(|| rows.by_ref().take(COPY_ROWS_MAX).collect::<sled::Result<Vec<_>>>())?;
        if chunk.is_empty() {
            break;
        }
        let mut batch = sled::Batch::default();
        for (key, row) in chunk {
            unwrap_row(&store.dir, &key, &row).map_err(|error| store.noted(error))?;
            batch.insert(key, row);
        }
        catching(|| new.apply_batch(batch), to)?;
    }
    let window = window::open(to, Mark::default())?;
    let mut from = 0;
    loop {
        store.state.check_room()?;
        let rows = store.window().scan(from, COPY_ROWS_MAX)?;
        let rows: Vec<_> =
            rows.iter().filter_map(|(key, row)| Some((window::number_of(key)?, row))).collect();
        let Some((last, _)) = rows.last() else { break };
        from = last + 1;
        window::lock(&window).write(rows.into_iter().map(|(number, row)| (number, Some(row.as_slice()))))?;
    }
    sync::sync(&new, &window, to, store.applied())?;
    sync_dir(to).map_err(StoreError::io("sync", to))
}
