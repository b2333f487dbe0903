//! When a host may be asked: feeds, their pages and whatever else is asked for share one gap and one patience a host.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{self, Instant};
use url::Url;

use crate::article::Id;

/// Hosts whose last request is remembered; beyond it the ones that may be asked again are forgotten.
const HOSTS_MAX: usize = 10_000;

/// When a host may be asked.
#[derive(Clone, Copy, Debug)]
struct Host {
    /// The last request began then.
    asked: Option<Instant>,
    /// The first time that is not kept for somebody.
    free: Instant,
    /// It wants to be left alone until then.
    held: Option<Instant>,
}

/// The turns of all hosts. Shared by whoever asks; the lock guards a look-up and is never held across a wait.
#[derive(Debug)]
pub struct Turns {
    gap: Duration,
    hosts: Mutex<HashMap<Id, Host>>,
}

impl Turns {
    /// With so much time between the starts of two requests to one host.
    pub fn new(gap: Duration) -> Self {
        Self { gap, hosts: Mutex::default() }
    }

    /// Whether a host may be asked now, and then it counts as asked; else when, and then that time is kept. Whoever
    /// comes back at a time that was kept says `reserved`.
    pub(crate) fn take(&self, host: Id, reserved: bool, now: Instant) -> Option<Instant> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() > HOSTS_MAX {
            hosts.retain(|_, host| host.free > now || host.held.is_some_and(|held| held > now));
        }
        let host = hosts.entry(host).or_insert(Host { asked: None, free: now, held: None });
        let gap = self.gap;
        let soonest = host.asked.map_or(now, |asked| asked + gap).max(host.held.unwrap_or(now)).max(now);
        let turn = if reserved { soonest } else { soonest.max(host.free) };
        if turn > now {
            host.free = host.free.max(turn + gap);
            return Some(turn);
        }
        host.asked = Some(now);
        host.free = host.free.max(now + gap);
        None
    }

    /// The host wants to be left alone until then.
    pub(crate) fn hold(&self, host: Id, until: Instant) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let host =
            hosts.entry(host).or_insert_with(|| Host { asked: None, free: Instant::now(), held: None });
        host.held = host.held.max(Some(until));
    }

    /// Waits until the host of this address may be asked, for those who are not on the schedule of feeds.
    pub async fn wait(&self, url: &str) {
        let host = host_of(url);
        let mut reserved = false;
        while let Some(turn) = self.take(host, reserved, Instant::now()) {
            reserved = true;
            time::sleep_until(turn).await;
        }
    }
}

/// Host and port: what a request is a burden to.
pub(crate) fn host_of(url: &str) -> Id {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let port = url.as_ref().and_then(Url::port_or_known_default).unwrap_or_default();
    Id::of(&[host.as_bytes(), &port.to_be_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_secs(5);

    fn check(turns: &Turns, start: Instant, urls: &[&str], expected: &[u64]) {
        let turn = |url: &&str| {
            turns.take(host_of(url), false, start).map_or(0, |at| at.duration_since(start).as_secs())
        };
        assert_eq!(urls.iter().map(turn).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn hosts_are_asked_with_a_gap_between() {
        let (turns, start) = (Turns::new(GAP), Instant::now());
        check(
            &turns,
            start,
            &["http://a/1", "http://a/2", "http://b/1", "http://a:8080/", "http://a/3"],
            &[0, 5, 0, 0, 10],
        );
    }

    #[test]
    fn a_host_that_wants_peace_has_it() {
        let (turns, start) = (Turns::new(GAP), Instant::now());
        turns.hold(host_of("http://a/"), start + Duration::from_secs(60));
        check(&turns, start, &["http://a/1", "http://b/1"], &[60, 0]);
    }

    #[tokio::test]
    async fn whoever_waits_comes_in_turn() {
        let gap = Duration::from_millis(20);
        let (turns, start) = (Turns::new(gap), Instant::now());
        for before in 0..3 {
            turns.wait("http://a/").await;
            assert!(start.elapsed() >= gap * before);
        }
    }
}
