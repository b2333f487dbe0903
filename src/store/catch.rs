//! Runs sled so that what it does on damaged files, errors and panics alike, becomes a `StoreError`.

use std::{io, path::Path};

use super::StoreError;
use crate::caught::{caught, words_of};

/// Runs an operation of sled on the index in `dir`.
pub(super) fn catching<T>(operation: impl FnOnce() -> sled::Result<T>, dir: &Path) -> Result<T, StoreError> {
    let result = caught(operation);
    let damaged = |why: String| StoreError::Damaged { dir: dir.to_owned(), why };
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(source))) if !is_damage(source.kind()) => {
            Err(StoreError::io("use", dir)(source))
        }
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(panic) => Err(damaged(format!("sled gave up: {}", words_of(&*panic)))),
    }
}

/// What sled's reading of its own files gives when they were shortened, changed or removed.
fn is_damage(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, NotFound, UnexpectedEof};
    matches!(kind, InvalidData | InvalidInput | NotFound | UnexpectedEof)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(operation: impl FnOnce() -> sled::Result<()>, expected: &str) {
        assert_eq!(catching(operation, Path::new("i")).unwrap_err().to_string(), expected);
    }

    #[test]
    fn panic_is_damage() {
        let expected = "the index in i is damaged: sled gave up: page 7; start again to have it built again from the journal";
        check(|| panic!("page {}", 7), expected);
    }

    #[test]
    fn end_of_file_is_damage() {
        let error = || sled::Error::Io(io::ErrorKind::UnexpectedEof.into());
        assert!(matches!(catching::<()>(|| Err(error()), Path::new("i")), Err(StoreError::Damaged { .. })));
    }

    #[test]
    fn full_disk_is_no_damage() {
        check(|| Err(sled::Error::Io(io::ErrorKind::StorageFull.into())), "could not use i");
    }
}
