//! Locks on files. A process that ends, or a child that was forked and has not yet become another program, holds one a
//! moment longer than it seems; that is no reason to give up.

use std::{
    fs::{File, TryLockError},
    thread,
    time::Duration,
};

const TRIES: u32 = 15;
const PAUSE: Duration = Duration::from_millis(20);

/// Locks a file for this process alone; gives up where another holds it for 300 ms on end.
pub(crate) fn lock(file: &File) -> Result<(), TryLockError> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            done => return done,
        }
    }
    file.try_lock()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_let_go_soon_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let open =
            || File::options().write(true).create(true).truncate(false).open(folder.path().join("lock"));
        let (one, other) = (open().unwrap(), open().unwrap());
        lock(&one).unwrap();
        assert!(matches!(lock(&other), Err(TryLockError::WouldBlock)));
        let letting_go = thread::spawn(move || {
            thread::sleep(PAUSE);
            drop(one);
        });
        lock(&other).unwrap();
        letting_go.join().unwrap();
    }
}
