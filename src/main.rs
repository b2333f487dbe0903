//! Storywatch, the command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// An article is many small strings that live for a batch: with the system's allocator a sixth of all time goes there.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // The allocator asks for pages of 2 MiB, of which each counts as used once a byte of it is: 60 MB for nothing. Where the
    // kernel does not know them, nothing is lost.
    rustix::thread::disable_transparent_huge_pages(true).ok();
    storywatch::cli::main()
}
