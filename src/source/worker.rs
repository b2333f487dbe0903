//! One thread with a big stack on which foreign parsers run. What panics there is an answer, not an end.

use std::{
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{
        OnceLock,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

use tokio::sync::oneshot;

use crate::poison::Reading;

/// Parsers recurse with the depth of what they read: enough for the depths that are let through to them. Only the pages
/// that are touched take memory.
const STACK_BYTES: usize = 64 << 20;

/// Jobs that may wait; whoever brings more waits with them.
const JOBS_MAX: usize = 16;

/// The thread's name.
const NAME: &str = "parser";

type Job = Box<dyn FnOnce() + Send>;

/// The parser gave up in a way that it should not have.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the parser broke down over it")]
pub struct BrokeDown;

/// The way to the thread; `None` where the system gives no thread.
fn jobs() -> Option<&'static SyncSender<Job>> {
    static JOBS: OnceLock<Option<SyncSender<Job>>> = OnceLock::new();
    JOBS.get_or_init(|| {
        keep_quiet();
        let (sender, receiver) = sync_channel::<Job>(JOBS_MAX);
        let turn = move || receiver.into_iter().for_each(|job| job());
        let thread = thread::Builder::new().name(NAME.to_owned()).stack_size(STACK_BYTES).spawn(turn);
        thread.ok().map(|_| sender)
    })
    .as_ref()
}

/// A panic on this thread is somebody's feed: it is told where the feed is, not on the terminal.
fn keep_quiet() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if thread::current().name() != Some(NAME) {
            usual(panic);
        }
    }));
}

fn start<T: Send + 'static>(
    reading: Reading,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<oneshot::Receiver<T>> {
    let (sender, receiver) = oneshot::channel();
    let job = move || {
        let note = reading.note();
        let answer = catch_unwind(AssertUnwindSafe(work));
        drop(note);
        if let Ok(answer) = answer {
            // whoever asked may have gone
            sender.send(answer).ok();
        }
    };
    jobs()?.send(Box::new(job)).ok()?;
    Some(receiver)
}

/// Runs a parser and waits for it. For threads that may block.
pub(crate) fn run<T: Send + 'static>(
    reading: &Reading,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BrokeDown> {
    start(reading.clone(), work).and_then(|answer| answer.blocking_recv().ok()).ok_or(BrokeDown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, BrokeDown> {
        super::run(&Reading::of(b"", String::new).unwrap(), work)
    }

    fn deep(levels: u32) -> u32 {
        let ballast = [levels; 64];
        if levels == 0 { 0 } else { deep(levels - 1) + ballast[7].min(1) }
    }

    #[test]
    fn a_panic_is_an_answer_and_the_thread_lives_on() {
        assert_eq!(run(|| -> u32 { panic!("as a parser might") }), Err(BrokeDown));
        assert_eq!(run(|| 7), Ok(7));
    }

    #[test]
    fn the_stack_is_big() {
        assert_eq!(run(|| deep(30_000)), Ok(30_000));
    }
}
