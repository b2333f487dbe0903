//! Files as a source, once: into the pipeline of this process, or through the control socket into a running daemon. They
//! are read here in either case, by the rights of whoever asks.

use std::{
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::{
    article::{Article, Delivery, Found, Occasion, Receipt, Rejected},
    config::Config,
    pipeline::Pipeline,
    poison,
    serve::control::{self, Reply, Request},
    source::format::{Clock, Origin, Reader},
};

/// What `ingest` names as the origin of what it reads.
const ORIGIN: Origin<'static> = Origin { name: "ingest", outlet: "" };

/// Most files below one directory.
const FILES_MAX: usize = 1_000_000;

/// How files are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct How {
    /// Show no progress.
    pub quiet: bool,
    /// It is old coverage: nothing of it is told.
    pub backfill: bool,
}

/// Reads files through the pipeline. `print` gets the decisions after their commit.
///
/// # Errors
/// When a path is not there, the store cannot be opened or written, the daemon goes away, or `print` fails.
pub fn ingest(
    config: &Config,
    paths: &[PathBuf],
    how: How,
    print: &mut dyn FnMut(&[String]) -> io::Result<()>,
) -> anyhow::Result<()> {
    let paths = paths.iter().map(std::path::absolute).collect::<io::Result<Vec<_>>>()?;
    for path in &paths {
        if !path.exists() {
            bail!("there is no file {}", path.display());
        }
    }
    let bar = progress(how.quiet);
    let mut print = |decisions: Vec<String>| {
        print(&decisions).context("could not print the decisions")?;
        bar.inc(decisions.len() as u64);
        Ok(())
    };
    let on = |occasion| if how.backfill { Occasion::Backfill } else { occasion };
    if by_the_daemon(config, Vec::new())?.is_some() {
        let mut push = |found| {
            print(by_the_daemon(config, found)?.context(
                "the daemon went away before all was read: run it again, what was decided is `seen`",
            )?)
        };
        read_all(&paths, Clock::Live(Timestamp::now()), on(Occasion::Live), &mut push)?;
    } else {
        let mut pipeline = super::open_for_work(config)?;
        let mut push = |found| print(here(&mut pipeline, found)?);
        read_all(&paths, Clock::Replay(None), on(Occasion::Replay), &mut push)?;
        pipeline.close()?;
        poison::ends_well();
    }
    bar.finish_and_clear();
    Ok(())
}

/// What this process decides.
fn here(pipeline: &mut Pipeline, found: Vec<Found>) -> anyhow::Result<Receipt> {
    let (receipt, mut received) = oneshot::channel();
    let at = Timestamp::now();
    pipeline.take(vec![Delivery { at, found, checkpoints: Vec::new(), receipt: Some(receipt) }])?;
    received.try_recv().context("the pipeline lost a delivery")
}

/// What the running daemon decides; `None` where none runs.
fn by_the_daemon(config: &Config, found: Vec<Found>) -> anyhow::Result<Option<Receipt>> {
    let Some(replies) = control::request(&config.control, &Request::Take(found))? else { return Ok(None) };
    let mut decisions = Vec::new();
    for reply in replies {
        match reply? {
            Reply::Decision(json) => decisions.push(json.get().to_owned()),
            Reply::End => return Ok(Some(decisions)),
            Reply::Fault(fault) => bail!(fault),
            Reply::Answer(_) => bail!("the daemon answered in a form of another version"),
        }
    }
    Ok(None)
}

/// Reads the files in their order; what cannot be opened is pushed as a rejection.
fn read_all(
    paths: &[PathBuf],
    mut clock: Clock,
    occasion: Occasion,
    push: &mut dyn FnMut(Vec<Found>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for path in list(paths)? {
        match Reader::open(&path, ORIGIN, clock, None) {
            Err(rejected) => push(vec![Found::Rejected(*rejected)])?,
            Ok(mut reader) => {
                while let Some((found, _)) = reader.next_delivery() {
                    let found = found.into_iter().map(|one| not_embargoed(one, Timestamp::now()));
                    push(found.map(|one| on(occasion, one)).collect())?;
                }
                clock = reader.clock();
            }
        }
    }
    Ok(())
}

fn on(occasion: Occasion, found: Found) -> Found {
    match found {
        Found::Article(article) => Found::Article(Article { occasion, ..article }),
        rejected @ Found::Rejected(_) => rejected,
    }
}

/// Who asks once cannot be told later: only a watched directory holds what is under an embargo.
fn not_embargoed(found: Found, now: Timestamp) -> Found {
    match found {
        Found::Article(Article { embargo: Some(until), input_id, origin, title, seen_at, .. })
            if until > now =>
        {
            let reason =
                format!("it is embargoed until {until}: put it into a drop, where it is held until then");
            Found::Rejected(Rejected {
                origin,
                place: format!("embargoed {title}"),
                reason,
                input_id,
                seen_at,
            })
        }
        other => other,
    }
}

/// The files themselves, and those in the directories, by name.
fn list(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut below = Vec::new();
            list_below(path, &mut below).with_context(|| format!("could not list {}", path.display()))?;
            below.sort();
            files.append(&mut below);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn list_below(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list_below(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
        if files.len() > FILES_MAX {
            return Err(io::Error::other(format!("it holds more than {FILES_MAX} files")));
        }
    }
    Ok(())
}

fn progress(quiet: bool) -> ProgressBar {
    let bar = if quiet {
        ProgressBar::hidden()
    } else {
        // Draws on a terminal alone.
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5))
    };
    let style = ProgressStyle::with_template("{spinner} {pos} articles decided, {per_sec}, {elapsed}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}
