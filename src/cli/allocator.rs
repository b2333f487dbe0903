//! How the allocator deals with the system, for what runs long or reads much.

use std::process::Command;

/// For how many milliseconds the allocator keeps freed memory; read by it when a process begins, and never again. With its
/// own second, what batches and large feeds took would stay for good, since the next one comes sooner.
const PURGE_DELAY: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "10");

/// Begins the process once more, in its own place, with this setting, unless its user has given it.
pub(super) fn settle() {
    use std::os::unix::process::CommandExt;
    let (name, delay) = PURGE_DELAY;
    if std::env::var_os(name).is_some() {
        return;
    }
    let mut arguments = std::env::args_os();
    if let (Some(own), Ok(program)) = (arguments.next(), std::env::current_exe()) {
        // This returns only where it cannot be done; then more memory is kept, and that is all.
        let _fault = Command::new(program).arg0(own).args(arguments).env(name, delay).exec();
    }
}
