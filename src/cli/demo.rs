//! `demo`: the main job on invented news.

use clap::Args;
use jiff::{Timestamp, tz::TimeZone};

use super::Failure;
use crate::{
    daemon,
    demo::{self, Stage},
};

/// Show the main job on invented news: no network, nothing left behind.
///
/// Starts a feed server of its own on 127.0.0.1 and the real daemon with a real config, lets six invented outlets
/// report on two stories, and shows the alert log as it fills and a summary of every decision. Takes some ten seconds.
#[derive(Args, Debug)]
pub(super) struct Flags {}

pub(super) fn run(_: &Flags) -> Result<(), Failure> {
    let stage = Stage {
        program: std::env::current_exe()?,
        now: Timestamp::now,
        zone: TimeZone::system(),
        decisions: &|dir| Ok(daemon::decisions(dir)?),
    };
    demo::run(&stage, &mut std::io::stdout().lock())?;
    Ok(())
}
