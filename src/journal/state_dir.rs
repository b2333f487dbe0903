//! The state directory: who may write it, and how much room is left on its disk.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    process,
    sync::Arc,
};

/// Below this much free space nothing is written: sled cannot open its database on a full disk, so some room must be
/// left for the start after it.
pub const FREE_BYTES_FLOOR: u64 = 64 << 20;

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process holds the lock.
    #[error("another storywatch ({holder}) uses {}: stop it, or give another state_dir", dir.display())]
    Busy {
        /// The state directory.
        dir: PathBuf,
        /// `pid 123`, or that it is not known.
        holder: String,
    },
    /// Too little room on the disk.
    #[error(
        "the disk of {} has only {} MiB free and {} MiB are kept in reserve: make room, the daemon then goes on by itself",
        dir.display(), free_bytes >> 20, floor_bytes >> 20
    )]
    Full {
        /// The state directory.
        dir: PathBuf,
        /// What is left.
        free_bytes: u64,
        /// What must be left.
        floor_bytes: u64,
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

impl StateError {
    /// Whether it goes by once there is room on the disk.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }
}

/// The right to write in a state directory; no second process has it. Held until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct StateDir {
    path: PathBuf,
    free_bytes_floor: u64,
    _lock: Arc<File>,
}

impl StateDir {
    /// Makes the directory where it is missing, and locks it.
    pub fn lock(path: &Path) -> Result<Self, StateError> {
        Self::lock_with_floor(path, FREE_BYTES_FLOOR)
    }

    /// The same with another reserve than `FREE_BYTES_FLOOR`.
    pub fn lock_with_floor(path: &Path, free_bytes_floor: u64) -> Result<Self, StateError> {
        fs::create_dir_all(path).map_err(io_error("make the directory", path))?;
        let lock_path = path.join("lock");
        let failed = |what| io_error(what, &lock_path);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(failed("open"))?;
        match crate::lock::lock(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StateError::Busy { dir: path.to_owned(), holder: holder(&mut lock) });
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        lock.set_len(0).map_err(failed("write"))?;
        lock.rewind().map_err(failed("write"))?;
        writeln!(lock, "{}", process::id()).map_err(failed("write"))?;
        Ok(Self { path: path.to_owned(), free_bytes_floor, _lock: Arc::new(lock) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses when less is free than must be kept in reserve.
    pub fn check_room(&self) -> Result<(), StateError> {
        self.check_room_at(&self.path)
    }

    /// The same for the disk of a directory in it, which may be another one.
    pub fn check_room_at(&self, dir: &Path) -> Result<(), StateError> {
        let free_bytes = free_bytes(dir).map_err(io_error("ask for the free space of", dir))?;
        if free_bytes < self.free_bytes_floor {
            return Err(StateError::Full {
                dir: dir.to_owned(),
                free_bytes,
                floor_bytes: self.free_bytes_floor,
            });
        }
        Ok(())
    }
}

/// Whether a write failed because there is no room, or none left for this user: it goes by once there is.
pub fn is_full(fault: &io::Error) -> bool {
    matches!(fault.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// What an unprivileged process may still write on the disk of `dir`.
pub fn free_bytes(dir: &Path) -> io::Result<u64> {
    let room = rustix::fs::statvfs(dir)?;
    Ok(room.f_bavail.saturating_mul(room.f_frsize))
}

/// Bytes of all files below a directory; what is removed meanwhile is not counted.
pub fn dir_bytes(dir: &Path) -> io::Result<u64> {
    let gone = |fault: &io::Error| fault.kind() == io::ErrorKind::NotFound;
    let mut bytes = 0;
    let mut dirs: Vec<PathBuf> = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        let entries = match fs::read_dir(&dir) {
            Err(fault) if gone(&fault) => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            match entry.metadata() {
                Ok(about) if about.is_dir() => dirs.push(entry.path()),
                Ok(about) => bytes += about.len(),
                Err(fault) if gone(&fault) => {}
                Err(fault) => return Err(fault),
            }
        }
    }
    Ok(bytes)
}

/// Makes the entries of a directory durable: files made, renamed or removed in it.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn holder(lock: &mut File) -> String {
    let mut text = String::new();
    match lock.take(32).read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok()) {
        Some(pid) => format!("pid {pid}"),
        None => "pid unknown".to_owned(),
    }
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
    let path = path.to_owned();
    move |source| StateError::Io { what, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_daemon_is_told_who_the_first_is() {
        let dir = tempfile::tempdir().unwrap();
        let first = StateDir::lock(dir.path()).unwrap();
        let said = StateDir::lock(dir.path()).unwrap_err().to_string();
        let expected =
            format!("another storywatch (pid {}) uses {}: stop it", process::id(), dir.path().display());
        assert!(said.starts_with(&expected), "{said}");
        drop(first);
        StateDir::lock(dir.path()).unwrap();
    }

    #[test]
    fn too_little_room_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        StateDir::lock_with_floor(dir.path(), 0).unwrap().check_room().unwrap();
        let full = StateDir::lock_with_floor(dir.path(), u64::MAX).unwrap();
        assert!(matches!(full.check_room(), Err(StateError::Full { .. })));
    }
}
