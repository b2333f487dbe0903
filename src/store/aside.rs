//! What lies beside the index on disk: leftovers of a crash, and damaged indexes that were moved out of the way.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::journal::state_dir::sync_dir;

/// Damaged indexes that are kept for whoever wants to look into them.
const DAMAGED_KEPT_MAX: usize = 2;

const DAMAGED_PREFIX: &str = "index.damaged-";

/// In the index's directory: it was found damaged while it was in use, and says how.
const MARK_FILE: &str = "damaged";

pub(super) fn index_dir(state_dir: &Path) -> PathBuf {
    state_dir.join("index")
}

pub(super) fn new_index_dir(state_dir: &Path) -> PathBuf {
    state_dir.join("index.new")
}

fn old_index_dir(state_dir: &Path) -> PathBuf {
    state_dir.join("index.old")
}

/// Removes what an interrupted start or `swap` left. A snapshot that sled did not finish would keep it from ever opening
/// again.
pub(super) fn clear_leftovers(state_dir: &Path) -> io::Result<()> {
    let index = index_dir(state_dir);
    let old = old_index_dir(state_dir);
    if !index.exists() && old.exists() {
        fs::rename(&old, &index)?;
    }
    for dir in [old, new_index_dir(state_dir)] {
        remove_dir(&dir)?;
    }
    if !index.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(&index)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "generating") {
            tracing::info!(file = %path.display(), "removed a snapshot that sled did not finish");
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Puts the new index in the place of the old one. `clear_leftovers` mends what an interruption leaves.
pub(super) fn swap(state_dir: &Path) -> io::Result<()> {
    let (index, old) = (index_dir(state_dir), old_index_dir(state_dir));
    fs::rename(&index, &old)?;
    fs::rename(new_index_dir(state_dir), &index)?;
    sync_dir(state_dir)?;
    remove_dir(&old)
}

/// Removes the index, by a name first that nobody opens: sled may still write a file of the one it has just closed.
pub(super) fn give_up(state_dir: &Path) -> io::Result<()> {
    let old = old_index_dir(state_dir);
    fs::rename(index_dir(state_dir), &old)?;
    sync_dir(state_dir)?;
    remove_dir(&old)
}

/// Moves a damaged index out of the way, keeping the newest `DAMAGED_KEPT_MAX`, and says where it is now.
pub(super) fn set_aside(state_dir: &Path) -> io::Result<PathBuf> {
    let mut kept = damaged(state_dir)?;
    let number = kept.last().map_or(1, |last| last + 1);
    let to = state_dir.join(format!("{DAMAGED_PREFIX}{number}"));
    fs::rename(index_dir(state_dir), &to)?;
    sync_dir(state_dir)?;
    kept.push(number);
    let surplus = kept.len().saturating_sub(DAMAGED_KEPT_MAX);
    for number in kept.iter().take(surplus) {
        remove_dir(&state_dir.join(format!("{DAMAGED_PREFIX}{number}")))?;
    }
    Ok(to)
}

/// Gives up the damaged indexes: room is worth more.
pub(super) fn remove_damaged(state_dir: &Path) -> io::Result<()> {
    for number in damaged(state_dir)? {
        remove_dir(&state_dir.join(format!("{DAMAGED_PREFIX}{number}")))?;
    }
    Ok(())
}

/// Notes that the index must not be used again. Best effort: what cannot be noted is found again.
pub(super) fn mark(index_dir: &Path, why: &str) {
    let path = index_dir.join(MARK_FILE);
    if let Err(error) = fs::write(&path, why) {
        tracing::warn!(file = %path.display(), %error, "could not note that the index is damaged");
    }
}

/// Why the index was marked as damaged.
pub(super) fn marked(index_dir: &Path) -> Option<String> {
    fs::read(index_dir.join(MARK_FILE)).ok().map(|why| String::from_utf8_lossy(&why).into_owned())
}

fn damaged(state_dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(state_dir)? {
        let name = entry?.file_name();
        let number: Option<u64> =
            name.to_str().and_then(|name| name.strip_prefix(DAMAGED_PREFIX)?.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn remove_dir(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
