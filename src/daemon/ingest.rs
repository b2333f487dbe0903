//! Files as a source, once: into the pipeline of this process, or through the control socket into a running daemon.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use crate::{
    article::{Article, Delivery, Found, Occasion, Receipt, Rejected},
    config::Config,
    event::Event,
    poison,
    serve::control::{self, Replies, Reply, Request},
    source::format::{Clock, Origin, Reader},
};

/// What `ingest` names as the origin of what it reads.
const ORIGIN: Origin<'static> = Origin { name: "ingest", outlet: "" };

/// Most files below one directory.
const FILES_MAX: usize = 1_000_000;

/// What became of an ingest.
#[derive(Debug, Default)]
pub struct Ingested {
    /// Files or requests that could not be read at all.
    pub failed: usize,
}

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
/// When the store cannot be opened or written, or `print` fails.
pub fn ingest(
    config: &Config,
    paths: &[PathBuf],
    how: How,
    print: &mut dyn FnMut(&[String]) -> io::Result<()>,
) -> anyhow::Result<Ingested> {
    let paths = paths.iter().map(std::path::absolute).collect::<io::Result<Vec<_>>>()?;
    for path in &paths {
        if !path.exists() {
            bail!("there is no file {}", path.display());
        }
    }
    let live = if how.backfill { Occasion::Backfill } else { Occasion::Live };
    if let Some(replies) = control::request(&config.control, &Request::Ingest(paths.clone(), live))? {
        return from_daemon(replies, print);
    }
    let mut pipeline = super::open_for_work(config)?;
    let bar = progress(how.quiet);
    let mut push = |found: Vec<Found>| {
        let (receipt, mut received) = oneshot::channel();
        let at = Timestamp::now();
        pipeline.take(vec![Delivery { at, found, checkpoints: Vec::new(), receipt: Some(receipt) }])?;
        let decisions = received.try_recv().context("the pipeline lost a delivery")?;
        print(&decisions).context("could not print the decisions")?;
        bar.inc(decisions.len() as u64);
        Ok(())
    };
    let replay = if how.backfill { Occasion::Backfill } else { Occasion::Replay };
    read_all(&paths, Clock::Replay(None), replay, &mut push)?;
    bar.finish_and_clear();
    pipeline.close()?;
    poison::ends_well();
    Ok(Ingested::default())
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

fn from_daemon(
    replies: Replies,
    print: &mut dyn FnMut(&[String]) -> io::Result<()>,
) -> anyhow::Result<Ingested> {
    let mut ingested = Ingested::default();
    for reply in replies {
        match reply? {
            Reply::Decision(json) => {
                print(&[json.get().to_owned()]).context("could not print the decisions")?;
            }
            Reply::Fault(fault) => {
                tracing::error!("{fault}");
                ingested.failed += 1;
            }
            Reply::Answer(_) => {}
            Reply::End => return Ok(ingested),
        }
    }
    bail!("the daemon went away before all was read: run it again, what was decided is `seen`")
}

/// How the daemon reads files for a client of the control socket: as if they were dropped now.
pub(super) fn through_the_door() -> control::Ingest {
    Arc::new(|paths, occasion, door, lines| {
        let mut push = |found: Vec<Found>| {
            for json in through(&door, found)? {
                let raw = RawValue::from_string(json).context("a decision is no JSON")?;
                lines.blocking_send(Reply::Decision(raw)).context("the client has gone")?;
            }
            Ok(())
        };
        if let Err(fault) = read_all(&paths, Clock::Live(Timestamp::now()), occasion, &mut push) {
            // A client that has gone needs no answer.
            lines.blocking_send(Reply::Fault(format!("{fault:#}"))).ok();
        }
    })
}

fn through(door: &mpsc::Sender<Event>, found: Vec<Found>) -> anyhow::Result<Receipt> {
    let (receipt, received) = oneshot::channel();
    let at = Timestamp::now();
    let delivery = Delivery { at, found, checkpoints: Vec::new(), receipt: Some(receipt) };
    door.blocking_send(Event::Batch(delivery)).context("the daemon is stopping")?;
    received.blocking_recv().context("the daemon is stopping")
}
