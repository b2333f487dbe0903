//! The process, once more in its own place: with its arguments, under its number, and without anything that it held.

use std::{env, io, os::unix::process::CommandExt, process::Command};

/// Begins the process again with these variables besides its own. Returns only where that cannot be done.
pub(crate) fn begin(variables: &[(&str, &str)]) -> io::Error {
    let mut arguments = env::args_os();
    let (Some(own), Ok(program)) = (arguments.next(), env::current_exe()) else {
        return io::Error::other("the program does not know how it was called");
    };
    Command::new(program).arg0(own).args(arguments).envs(variables.iter().copied()).exec()
}
