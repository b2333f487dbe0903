//! A dropped file as it is remembered: which file it is, how far it was read, and whether it has changed since.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    KEY_PREFIX,
    finish::{DONE, REJECTED},
};
use crate::source::format::{self, Progress};

/// What is remembered of a file: the checkpoint `file PATH`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) dev: u64,
    pub(super) ino: u64,
    pub(super) size: u64,
    pub(super) mtime: (i64, i64),
    /// Of a file that could not be opened: it is tried again when its permissions change.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) refused: Option<(i64, i64)>,
    pub(super) progress: Progress,
    /// Nothing of it was an article.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(super) rejected: bool,
    /// Hash of what stands just before the progress.
    #[serde(default)]
    pub(super) mark: u64,
}

impl State {
    pub(super) fn of(metadata: &fs::Metadata) -> Self {
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            size: metadata.size(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            ..Self::default()
        }
    }

    pub(super) fn same_file(&self, other: &Self) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }

    pub(super) fn unchanged(&self, other: &Self) -> bool {
        self.same_file(other) && (self.size, self.mtime) == (other.size, other.mtime)
    }
}

pub(super) fn known(checkpoints: BTreeMap<String, Value>) -> BTreeMap<PathBuf, State> {
    let read = |(key, state): (String, Value)| {
        Some((PathBuf::from(key.strip_prefix(KEY_PREFIX)?), State::deserialize(state).unwrap_or_default()))
    };
    checkpoints.into_iter().filter_map(read).collect()
}

/// Where to go on in a file that is known: where it was left, if what stands before that place is still the same.
pub(super) fn resume(path: &Path, known: &State, state: &State) -> Option<Progress> {
    let going_on = !known.progress.done && known.unchanged(state);
    let grown = known.progress.offset > 0 && state.size >= known.size && !known.unchanged(state);
    // what is packed is longer unpacked than it is
    let same = mark(path, known.progress.offset.min(known.size)).is_ok_and(|mark| mark == known.mark);
    ((going_on || grown) && same).then_some(Progress { done: false, ..known.progress })
}

/// Bytes before a place by which it is recognised.
const MARK_BYTES: u64 = 256;

pub(super) fn mark(path: &Path, offset: u64) -> io::Result<u64> {
    use std::os::unix::fs::FileExt;
    let length = offset.min(MARK_BYTES);
    if length == 0 {
        return Ok(0);
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    format::open_regular(path)?.read_exact_at(&mut bytes, offset - length)?;
    Ok(crate::article::Id::of(&[&bytes]).0)
}

pub(super) fn key(path: &Path) -> String {
    format!("{KEY_PREFIX}{}", path.display())
}

/// Directories below a drop are looked into so deep.
const DEPTH_MAX: usize = 16;

/// Regular files that are not temporary, oldest first; also those further down, but for what was put away.
pub(super) fn list(path: &Path, subdirectories: bool) -> io::Result<Vec<(PathBuf, State)>> {
    let mut present = Vec::new();
    let mut waiting = vec![(path.to_owned(), 0)];
    while let Some((dir, depth)) = waiting.pop() {
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if depth == 0 => return Err(error),
            // it may have gone meanwhile, or be none of ours
            Err(_) => continue,
        };
        for entry in entries {
            let entry = entry?;
            let file = entry.path();
            if is_temporary(&file) {
                continue;
            }
            let Ok(metadata) = fs::symlink_metadata(&file) else { continue };
            let put_away = depth == 0 && [DONE, REJECTED].iter().any(|name| entry.file_name() == *name);
            if metadata.is_file() {
                present.push((file, State::of(&metadata)));
            } else if subdirectories && metadata.is_dir() && depth < DEPTH_MAX && !put_away {
                waiting.push((file, depth + 1));
            }
        }
    }
    present.sort_unstable_by(|(a, before), (b, after)| (before.mtime, a).cmp(&(after.mtime, b)));
    Ok(present)
}

/// Names under which programs write what they will rename; and names that are no text, by which nothing could be kept.
pub(super) fn is_temporary(path: &Path) -> bool {
    let Some(name) = path.file_name().map(OsStrExt::as_bytes) else { return true };
    let endings: [&[u8]; 8] =
        [b"~", b".tmp", b".temp", b".part", b".partial", b".crdownload", b".filepart", b".swp"];
    matches!(name.first(), Some(b'.' | b'#')) || endings.iter().any(|ending| name.ends_with(ending))
}
