//! How the allocator deals with the system, for what runs long or reads much.

use std::process::Command;

/// What the allocator reads when a process begins, and never again.
const SETTINGS: [(&str, &str); 2] = [
    // What is freed goes back after so many milliseconds: large feeds come rarely.
    ("MIMALLOC_PURGE_DELAY", "10"),
    // Pages of 2 MiB are cleared whole, and stay whole where little of them is used: a quarter of an ingest's memory.
    ("MIMALLOC_ALLOW_THP", "0"),
];

/// Begins the process once more, in its own place, with these settings, unless its user has given one of them.
pub(super) fn settle() {
    use std::os::unix::process::CommandExt;
    if SETTINGS.iter().any(|(name, _)| std::env::var_os(name).is_some()) {
        return;
    }
    let mut arguments = std::env::args_os();
    if let (Some(name), Ok(program)) = (arguments.next(), std::env::current_exe()) {
        // This returns only where it cannot be done; then more memory is kept, and that is all.
        let _fault = Command::new(program).arg0(name).args(arguments).envs(SETTINGS).exec();
    }
}
