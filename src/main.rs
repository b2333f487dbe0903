//! Storywatch, the command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// An article is many small strings that live for a batch: with the system's allocator a sixth of all time goes there.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    storywatch::cli::main()
}
