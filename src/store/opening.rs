//! Opens the files of an index, or begins new ones where there are none that can be used.

use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{
    ANALYSIS_KEY, APPLIED_KEY, CACHE_BYTES, Options, SCHEMA, SCHEMA_KEY, SetAside, StoreError, aside,
    catch::catching,
    position_of,
    row::{self, OWN},
    sync::{self, Durable},
    unwrap_row, window,
};
use crate::journal::{Position, state_dir::sync_dir};

/// sled gives its lock back a moment after the last handle is dropped.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// An index whose files are open.
pub(super) struct KnownIndex {
    pub(super) db: sled::Db,
    pub(super) window: window::Shared,
    /// How far it is durable.
    pub(super) synced: Position,
    /// Version of the analysis that its rows come from.
    pub(super) analysis: u32,
}

enum OpenFault {
    /// An earlier version of the program made it, with this schema: it is as good as none.
    Outdated(u32),
    /// Build it again.
    Unusable(String),
    /// Don't touch it.
    Fatal(StoreError),
}

impl From<StoreError> for OpenFault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged { why, .. } => Self::Unusable(why),
            other => Self::Fatal(other),
        }
    }
}

/// The index in `dir`. One that is damaged or ahead of the journal is moved aside, one of an older schema is removed, and
/// an empty one takes its place.
pub(super) fn open(
    state_dir: &Path,
    dir: &Path,
    options: &Options,
) -> Result<(KnownIndex, Option<SetAside>), StoreError> {
    let mut set_aside = None;
    if dir.join("db").exists() {
        match open_known(dir, options) {
            Ok(known) => return Ok((known, None)),
            Err(OpenFault::Fatal(error)) => return Err(error),
            Err(OpenFault::Outdated(schema)) => {
                tracing::info!(index = %dir.display(), schema, needed = SCHEMA,
                    "the index was made by an older version, it is built again from the journal");
                aside::give_up(state_dir).map_err(StoreError::io("remove", dir))?;
            }
            Err(OpenFault::Unusable(why)) => {
                let to = aside::set_aside(state_dir).map_err(StoreError::io("move aside", dir))?;
                tracing::error!(index = %dir.display(), moved_to = %to.display(), why,
                    "the index cannot be used, it is built again from the journal");
                set_aside = Some(SetAside { why, to });
            }
        }
    }
    Ok((open_empty(state_dir, dir, options)?, set_aside))
}

fn open_empty(state_dir: &Path, dir: &Path, options: &Options) -> Result<KnownIndex, StoreError> {
    // Whatever lies there has no `db`; and `synced` comes before `db`, so that a kill in between is no damage.
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StoreError::io("empty", dir)(error));
        }
        _ => {}
    }
    fs::create_dir_all(dir)
        .and_then(|()| sync::write_synced(dir, &Durable::default()))
        .map_err(StoreError::io("make", dir))?;
    let db = open_db(dir)?;
    put_versions(&db, dir, options)?;
    let window = window::open(dir, window::Mark::default())?;
    sync::sync(&db, &window, dir, Position::default())?;
    sync_dir(dir).and_then(|()| sync_dir(state_dir)).map_err(StoreError::io("sync", dir))?;
    Ok(KnownIndex { db, window, synced: Position::default(), analysis: options.analysis })
}

fn open_known(dir: &Path, options: &Options) -> Result<KnownIndex, OpenFault> {
    if let Some(why) = aside::marked(dir) {
        return Err(OpenFault::Unusable(why));
    }
    let synced =
        sync::read_synced(dir).map_err(|source| OpenFault::Fatal(StoreError::io("read", dir)(source)))?;
    let Some(Durable { applied: synced, window }) = synced else {
        return Err(OpenFault::Unusable("it does not say how far it is durable".to_owned()));
    };
    let db = open_db(dir)?;
    let window = window::open(dir, window)?;
    let Some(schema) = own_number(&db, dir, SCHEMA_KEY)? else {
        if synced != Position::default() {
            return Err(OpenFault::Unusable("it has lost its version".to_owned()));
        }
        put_versions(&db, dir, options)?;
        return Ok(KnownIndex { db, window, synced, analysis: options.analysis });
    };
    let analysis = own_number(&db, dir, ANALYSIS_KEY)?.unwrap_or(0);
    for (what, found, known) in
        [("index schema", schema, SCHEMA), ("analysis version", analysis, options.analysis)]
    {
        if found > known {
            return Err(OpenFault::Fatal(StoreError::Newer { dir: dir.to_owned(), what, found, known }));
        }
    }
    if schema < SCHEMA {
        return Err(OpenFault::Outdated(schema));
    }
    let applied = own(&db, dir, APPLIED_KEY)?.and_then(|bytes| position_of(&bytes)).unwrap_or_default();
    if applied < synced {
        return Err(OpenFault::Unusable(format!(
            "it was durable up to {synced:?}, but has only {applied:?}"
        )));
    }
    if applied > options.journal_end {
        let end = options.journal_end;
        return Err(OpenFault::Unusable(format!(
            "it goes up to {applied:?}, but the journal ends at {end:?}"
        )));
    }
    Ok(KnownIndex { db, window, synced, analysis })
}

pub(super) fn open_db(dir: &Path) -> Result<sled::Db, StoreError> {
    let config = sled::Config::default().path(dir).cache_capacity(CACHE_BYTES).flush_every_ms(None);
    let began = Instant::now();
    loop {
        match catching(|| config.open(), dir) {
            Err(StoreError::Io { source, .. })
                if source.to_string().contains("could not acquire lock") && began.elapsed() < LOCK_WAIT =>
            {
                thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

fn own(db: &sled::Db, dir: &Path, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let key = row::key(OWN, key);
    let Some(found) = catching(|| db.get(&key), dir)? else { return Ok(None) };
    unwrap_row(dir, &key, &found).map(|value| Some(value.to_vec()))
}

fn own_number(db: &sled::Db, dir: &Path, key: &[u8]) -> Result<Option<u32>, StoreError> {
    Ok(own(db, dir, key)?.and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes))
}

pub(super) fn put_own(batch: &mut sled::Batch, key: &[u8], value: &[u8]) {
    let key = row::key(OWN, key);
    let row = row::wrap(&key, value);
    batch.insert(key, row);
}

fn put_versions(db: &sled::Db, dir: &Path, options: &Options) -> Result<(), StoreError> {
    let mut batch = sled::Batch::default();
    put_own(&mut batch, SCHEMA_KEY, &SCHEMA.to_be_bytes());
    put_own(&mut batch, ANALYSIS_KEY, &options.analysis.to_be_bytes());
    catching(|| db.apply_batch(batch), dir)
}
