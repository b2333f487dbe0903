//! How the allocator deals with the system, for what runs long or reads much.

use crate::again;

/// For how many milliseconds the allocator keeps freed memory; read by it when a process begins, and never again. With its
/// own second, what batches and large feeds took would stay for good, since the next one comes sooner.
const PURGE_DELAY: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "10");

/// Begins the process once more with this setting, unless its user has given it.
pub(super) fn settle() {
    let (name, delay) = PURGE_DELAY;
    if std::env::var_os(name).is_none() {
        // Where it cannot be done more memory is kept, and that is all.
        let _fault = again::begin(&[(name, delay)]);
    }
}
