//! `papers`: man pages and completions, for packages and for who installs by hand.

use std::{fs, path::PathBuf};

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Failure};

/// Write the man pages and the completions for bash, zsh and fish into a directory.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// Made where it is missing.
    dir: PathBuf,
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    let dir = &flags.dir;
    let failed = || format!("could not write into {}", dir.display());
    fs::create_dir_all(dir).with_context(failed)?;
    // Nobody looks for the man page of `help`.
    let mut command = Cli::command().disable_help_subcommand(true);
    clap_mangen::generate_to(command.clone(), dir).with_context(failed)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command, "storywatch", dir).with_context(failed)?;
    }
    Ok(())
}
