//! Where readers' questions are worked off: two threads that give way to the pipeline, and a short queue.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time};

use crate::failpoint;

/// Questions worked on at once.
const THREADS: usize = 2;
/// Questions that wait; of more, each is refused.
const WAITING_MAX: usize = 32;
/// From the asking to the answer.
const ANSWER_SECS_MAX: u64 = 10;
/// For the reading of what makes one page.
const READING_SECS_MAX: u64 = 5;
/// A question that is worked on for longer shows that its thread is stuck.
const STUCK_SECS: u64 = 15;
/// Added to the niceness of the threads.
const NICE: i32 = 5;

type Job = Box<dyn FnOnce() + Send>;

/// Takes questions.
pub(super) struct Desk {
    jobs: mpsc::SyncSender<Job>,
    /// Since when each thread is at its question. Locked for a look.
    busy: Arc<[Mutex<Option<Instant>>; THREADS]>,
}

/// There are too many questions, or the answer took too long.
#[derive(Debug)]
pub(super) struct Busy;

impl Desk {
    pub(super) fn open() -> io::Result<Self> {
        let (jobs, queue) = mpsc::sync_channel::<Job>(WAITING_MAX);
        // Locked only to take the next question.
        let queue = Arc::new(Mutex::new(queue));
        let busy: Arc<[Mutex<Option<Instant>>; THREADS]> = Arc::default();
        for place in 0..THREADS {
            let (queue, busy) = (Arc::clone(&queue), Arc::clone(&busy));
            let now_at = move |what| {
                if let Some(busy) = busy.get(place) {
                    *busy.lock().unwrap_or_else(PoisonError::into_inner) = what;
                }
            };
            thread::Builder::new().name("page reader".to_owned()).spawn(move || {
                rustix::process::nice(NICE).ok();
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = next else { return };
                    now_at(Some(Instant::now()));
                    failpoint::pass("page");
                    job();
                    now_at(None);
                }
            })?;
        }
        Ok(Self { jobs, busy })
    }

    /// Whether a thread is at one question for longer than any may take.
    pub(super) fn is_stuck(&self) -> bool {
        let since = |busy: &Mutex<Option<Instant>>| *busy.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = Duration::from_secs(STUCK_SECS);
        self.busy.iter().filter_map(since).any(|since| since.elapsed() > limit)
    }

    /// The answer to a question. One whose asker has gone is not worked on.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (answer, waiting) = oneshot::channel();
        let job = move || {
            if !answer.is_closed() {
                // The asker may go in the meantime.
                answer.send(question()).ok();
            }
        };
        self.jobs.try_send(Box::new(job)).map_err(|_| Busy)?;
        let answered = time::timeout(Duration::from_secs(ANSWER_SECS_MAX), waiting).await;
        answered.map_err(|_| Busy)?.map_err(|_| Busy)
    }
}

/// Until when what makes one page may be read.
pub(super) fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(READING_SECS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_too_many_questions_the_last_are_refused() {
        let desk = Arc::new(Desk::open().unwrap());
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let mut askers = tokio::task::JoinSet::new();
        for _ in 0..THREADS + WAITING_MAX + 8 {
            let (desk, held) = (Arc::clone(&desk), Arc::clone(&held));
            askers.spawn(async move { desk.ask(move || held.lock().unwrap().recv().is_ok()).await.is_ok() });
        }
        let first = askers.join_next().await.unwrap().unwrap();
        assert!(!first, "a question was answered while all were held");
        for _ in 0..THREADS + WAITING_MAX {
            release.send(()).unwrap();
        }
        let answered = askers.join_all().await.into_iter().filter(|good| *good).count();
        assert!((WAITING_MAX..=WAITING_MAX + THREADS).contains(&answered), "{answered}");
    }
}
