//! Places at which tests make the program die or stand still: `STORYWATCH_FAILPOINTS="journal-synced=kill@3"`. Only debug
//! builds have these doors.

use std::{
    env,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// What happens at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// SIGKILL.
    Kill,
    /// SIGABRT, as when a stack overflows.
    Abort,
    /// A panic.
    Panic,
    /// Nothing goes on from here.
    Hang,
}

/// `PLACE=ACT`, `PLACE=ACT@N` for the n-th time alone, `PLACE=ACT~WORD` only over bytes that hold the word.
#[derive(Debug)]
struct Failpoint {
    place: String,
    act: Act,
    /// 0 for every time.
    at: u64,
    word: Option<String>,
    passed: AtomicU64,
}

/// The program comes by a place.
pub(crate) fn pass(place: &str) {
    pass_with(place, b"");
}

/// The same with the bytes that it has in its hands.
pub(crate) fn pass_with(place: &str, bytes: &[u8]) {
    if cfg!(debug_assertions) {
        for failpoint in asked_for().iter().filter(|failpoint| failpoint.place == place) {
            failpoint.pass(bytes);
        }
    }
}

fn asked_for() -> &'static [Failpoint] {
    static ASKED_FOR: OnceLock<Vec<Failpoint>> = OnceLock::new();
    ASKED_FOR.get_or_init(|| {
        let asked = env::var("STORYWATCH_FAILPOINTS").unwrap_or_default();
        asked.split(',').filter_map(Failpoint::read).collect()
    })
}

impl Failpoint {
    fn read(written: &str) -> Option<Self> {
        let (place, act) = written.split_once('=')?;
        let (act, word) = act.split_once('~').map_or((act, None), |(act, word)| (act, Some(word)));
        let (act, at) = act.split_once('@').unwrap_or((act, "0"));
        let act = match act {
            "kill" => Act::Kill,
            "abort" => Act::Abort,
            "panic" => Act::Panic,
            "hang" => Act::Hang,
            _ => return None,
        };
        let word = word.map(ToOwned::to_owned);
        Some(Self { place: place.to_owned(), act, at: at.parse().ok()?, word, passed: AtomicU64::new(0) })
    }

    #[expect(clippy::panic, reason = "this is what a test asks for")]
    fn pass(&self, bytes: &[u8]) {
        if self.word.as_ref().is_some_and(|word| memchr::memmem::find(bytes, word.as_bytes()).is_none()) {
            return;
        }
        let passed = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
        if self.at != 0 && self.at != passed {
            return;
        }
        match self.act {
            Act::Kill => {
                let own = rustix::process::getpid();
                rustix::process::kill_process(own, rustix::process::Signal::KILL).ok();
            }
            Act::Abort => std::process::abort(),
            Act::Panic => panic!("asked for at {}", self.place),
            Act::Hang => loop {
                thread::sleep(Duration::from_secs(3600));
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, expected: Option<(&str, Act, u64, Option<&str>)>) {
        let read = Failpoint::read(written);
        let read = read.as_ref().map(|one| (one.place.as_str(), one.act, one.at, one.word.as_deref()));
        assert_eq!(read, expected);
    }

    #[test]
    fn written_forms() {
        check("journal-synced=kill@3", Some(("journal-synced", Act::Kill, 3, None)));
        check("read=abort~bad word", Some(("read", Act::Abort, 0, Some("bad word"))));
        check("sinks=hang", Some(("sinks", Act::Hang, 0, None)));
        check("sinks=sing", None);
        check("sinks", None);
    }

    #[test]
    #[should_panic(expected = "asked for at x")]
    fn only_over_the_word_and_only_then() {
        let failpoint = Failpoint::read("x=panic@2~b").unwrap();
        failpoint.pass(b"abc");
        failpoint.pass(b"acc");
        failpoint.pass(b"abc");
    }
}
