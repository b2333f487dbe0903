//! What becomes of a file that is done with: left, moved to `done/`, deleted; a rejected one is moved to `rejected/`, its
//! reason beside it. Nothing is touched before its decisions are durable.

use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use tokio::sync::oneshot;

use super::file::State;
use crate::{
    article::{Found, Receipt},
    source::{DropSpec, Finished},
};

/// Where finished files go, below the drop.
pub(super) const DONE: &str = "done";
/// Where rejected files go, below the drop.
pub(super) const REJECTED: &str = "rejected";

/// Files that wait for their decisions to be durable.
pub(super) const WAITING_MAX: usize = 1024;

/// Names that are tried where one is taken.
const NAMES_MAX: u32 = 1000;

/// Reasons that are written beside a rejected file.
const REASONS_MAX: usize = 200;

/// What was found in a file, as far as its end depends on it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    articles: usize,
    reasons: Vec<String>,
}

impl Outcome {
    /// Whether nothing of it was an article.
    pub(super) fn is_rejected(&self) -> bool {
        self.articles == 0 && !self.reasons.is_empty()
    }

    /// Of a file that was rejected before the daemon stopped.
    pub(super) fn reject(&mut self, path: &Path) {
        self.reasons.push(format!("{}: rejected earlier; the decision says why", path.display()));
    }

    pub(super) fn add(&mut self, found: &[Found]) {
        for one in found {
            match one {
                Found::Article(_) => self.articles += 1,
                Found::Rejected(rejected) if self.reasons.len() < REASONS_MAX => {
                    self.reasons.push(format!("{}: {}", rejected.place, rejected.reason));
                }
                Found::Rejected(_) => {}
            }
        }
    }
}

struct Waiting {
    path: PathBuf,
    state: State,
    spec: DropSpec,
    outcome: Outcome,
    receipt: oneshot::Receiver<Receipt>,
}

/// Files whose decisions are on their way.
#[derive(Default)]
pub(super) struct Finishing(VecDeque<Waiting>);

impl Finishing {
    pub(super) fn push(
        &mut self,
        path: &Path,
        state: State,
        spec: &DropSpec,
        outcome: Outcome,
        receipt: oneshot::Receiver<Receipt>,
    ) {
        self.0.push_back(Waiting { path: path.to_owned(), state, spec: spec.clone(), outcome, receipt });
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn holds(&self, path: &Path) -> bool {
        self.0.iter().any(|waiting| waiting.path == path)
    }

    /// Finishes those whose decisions are durable by now.
    pub(super) fn turn(&mut self) {
        // deliveries are answered in their order
        while let Some(first) = self.0.front_mut() {
            match first.receipt.try_recv() {
                Ok(_) => {
                    if let Some(done) = self.0.pop_front() {
                        finish(&done);
                    }
                }
                Err(oneshot::error::TryRecvError::Empty) => return,
                // the daemon stops: the file is finished when it is found again
                Err(oneshot::error::TryRecvError::Closed) => {
                    self.0.pop_front();
                }
            }
        }
    }
}

fn finish(done: &Waiting) {
    let Waiting { path, state, spec, outcome, .. } = done;
    // one that was written on meanwhile is read again
    let same = fs::symlink_metadata(path).is_ok_and(|metadata| State::of(&metadata).unchanged(state));
    if !same {
        return;
    }
    let ended = if outcome.is_rejected() && spec.move_rejected {
        move_to(path, &spec.path.join(REJECTED)).and_then(|to| write_reasons(&to, outcome))
    } else {
        match spec.finished {
            Finished::Keep => Ok(()),
            Finished::Delete => fs::remove_file(path),
            Finished::Done => move_to(path, &spec.path.join(DONE))
                .and_then(|to| if outcome.reasons.is_empty() { Ok(()) } else { write_reasons(&to, outcome) }),
        }
    };
    if let Err(error) = ended {
        tracing::warn!(
            file = %path.display(), %error,
            "could not put the finished file away, it stays and is remembered; let the daemon's user write the drop"
        );
    }
}

/// Moves a file into a directory, under another name if its own is taken.
fn move_to(path: &Path, dir: &Path) -> io::Result<PathBuf> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    for number in 0..NAMES_MAX {
        let to = dir.join(if number == 0 { name.to_string() } else { format!("{number}-{name}") });
        match renameat_with(CWD, path, CWD, &to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(to),
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::other(format!("{} holds too many files of this name", dir.display())))
}

/// Written aside and renamed: whoever sees the file sees all of it.
fn write_reasons(to: &Path, outcome: &Outcome) -> io::Result<()> {
    let named = |ending| {
        let mut name = to.as_os_str().to_owned();
        name.push(ending);
        name
    };
    let aside = named(".reason.tmp");
    fs::write(&aside, outcome.reasons.join("\n") + "\n")?;
    fs::rename(aside, named(".reason"))
}
