//! The directories themselves: which are watched, what lies in them, what is gone.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Instant,
};

use jiff::Timestamp;
use notify::{RecursiveMode, Watcher};
use serde_json::Value;

use super::{
    Directory, LOOK, RESCAN, Room, SETTLE,
    file::{key, list},
};
use crate::{
    article::Checkpoint,
    source::{DropSpec, send::Closed},
};

/// Device and inode of a directory.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().filter(fs::Metadata::is_dir).map(|metadata| (metadata.dev(), metadata.ino()))
}

impl Room {
    /// Takes in another list of drops; files of those that went are forgotten.
    pub(super) fn adjust(&mut self, specs: &[DropSpec]) -> Result<(), Closed> {
        let wanted: BTreeSet<&Path> = specs.iter().map(|spec| spec.path.as_path()).collect();
        let gone: Vec<PathBuf> =
            self.directories.keys().filter(|path| !wanted.contains(path.as_path())).cloned().collect();
        for path in gone {
            self.directories.remove(&path);
            self.unwatch(&path);
        }
        for spec in specs {
            let new = Directory { spec: spec.clone(), watched: None, anew: false, next_scan: Instant::now() };
            self.directories.entry(spec.path.clone()).or_insert(new).spec = spec.clone();
        }
        let strange = |path: &&PathBuf| self.directory_of(path).is_none();
        let strangers: Vec<PathBuf> = self.files.keys().filter(strange).cloned().collect();
        self.forget(&strangers)?;
        let paths: Vec<PathBuf> = self.directories.keys().cloned().collect();
        paths.iter().try_for_each(|path| self.scan(path))?;
        self.flush()
    }

    fn unwatch(&mut self, path: &Path) {
        if let Some(watcher) = &mut self.watcher {
            // it may be gone already, with its watch
            watcher.unwatch(path).ok();
        }
    }

    /// A directory that is not the one that is watched is looked through at once.
    pub(super) fn look(&mut self) {
        let now = Instant::now();
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK;
        for (path, directory) in &mut self.directories {
            if identity(path) != directory.watched {
                directory.next_scan = now;
            }
        }
    }

    /// Looks a directory through: watches it if it is another one than before, reads what is new, forgets what is gone.
    pub(super) fn scan(&mut self, path: &Path) -> Result<(), Closed> {
        let identity = identity(path);
        let Some(directory) = self.directories.get_mut(path) else { return Ok(()) };
        let before = std::mem::replace(&mut directory.watched, identity);
        let anew = std::mem::take(&mut directory.anew);
        directory.next_scan = Instant::now() + RESCAN;
        let spec = directory.spec.clone();
        if before != identity || (anew && identity.is_some()) {
            self.watch_anew(&spec, before.is_some(), identity.is_some());
        }
        if identity.is_none() {
            // a disk that is not mounted yet must not cost what is known of its files
            return Ok(());
        }
        let present = match list(path, spec.subdirectories) {
            Ok(present) => present,
            Err(error) => {
                tracing::warn!(drop = %path.display(), %error, "could not look through the drop; give the daemon's group access to it");
                return Ok(());
            }
        };
        let names: BTreeSet<&PathBuf> = present.iter().map(|(file, _)| file).collect();
        let inside = |file: &&PathBuf| {
            let of = self.directory_of(file).map(|directory| directory.spec.path.as_path());
            of == Some(path) && !names.contains(file)
        };
        let gone: Vec<PathBuf> = self.files.keys().filter(inside).cloned().collect();
        self.forget(&gone)?;
        let now = Timestamp::now();
        for (file, state) in present {
            if self.files.get(&file).is_some_and(|known| {
                known.unchanged(&state) && known.progress.done && known.refused.is_none() && !spec.puts_away()
            }) || self.settling.contains_key(&file)
            {
                continue;
            }
            // what was written a moment ago may be written on
            let age = now.as_second() - state.mtime.0;
            if (0..=1).contains(&age) {
                self.settling.insert(file, (Instant::now() + SETTLE, state));
            } else {
                self.take(&file)?;
            }
        }
        Ok(())
    }

    fn watch_anew(&mut self, spec: &DropSpec, was: bool, is: bool) {
        let path = &spec.path;
        if was {
            self.unwatch(path);
        }
        let shown = path.display();
        let depth = if spec.subdirectories { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        match (&mut self.watcher, is) {
            (Some(watcher), true) => match watcher.watch(path, depth) {
                Ok(()) => tracing::info!(drop = %shown, "watching the drop"),
                Err(error) => {
                    tracing::warn!(drop = %shown, %error, "could not watch the drop; it is looked through every 30 s");
                }
            },
            (_, false) => {
                tracing::warn!(drop = %shown, "the drop is missing; it is watched as soon as it is there");
            }
            (None, true) => {}
        }
    }

    fn forget(&mut self, files: &[PathBuf]) -> Result<(), Closed> {
        if files.is_empty() {
            return Ok(());
        }
        for file in files {
            self.files.remove(file);
            self.kept_back.remove(file);
        }
        let gone = files.iter().map(|file| Checkpoint { key: key(file), state: Value::Null }).collect();
        self.deliver(Vec::new(), gone)
    }
}
