//! The pages that are wanted: a line at each host, one request at a time, and when it is its turn.

use std::collections::{BTreeSet, HashMap, VecDeque};

use tokio::time::Instant;

use super::item::Key;
use crate::{article::Id, source::turns::Turns};

/// Pages of one host that may wait.
const LINE_MAX: usize = 500;

/// Those who wait at one host.
#[derive(Debug, Default)]
struct Line {
    /// Not decided yet.
    fresh: VecDeque<Key>,
    /// Decided on their teasers.
    late: VecDeque<Key>,
    /// A request is under way.
    busy: bool,
    /// A turn is kept for it.
    reserved: bool,
}

/// The lines of all hosts.
#[derive(Debug, Default)]
pub(super) struct Lines {
    hosts: HashMap<Id, Line>,
    /// Hosts that are not busy and at which somebody waits, by when to look at them.
    ready: BTreeSet<(Instant, Id)>,
}

impl Lines {
    pub(super) fn has_room(&self, host: Id) -> bool {
        self.hosts.get(&host).is_none_or(|line| line.fresh.len() + line.late.len() < LINE_MAX)
    }

    /// Puts an item at the end; those that are not decided come before those that are.
    pub(super) fn push(&mut self, host: Id, key: Key, is_late: bool, now: Instant) {
        let line = self.hosts.entry(host).or_default();
        let is_idle = !line.busy && line.fresh.is_empty() && line.late.is_empty();
        if is_late {
            line.late.push_back(key)
        } else {
            line.fresh.push_back(key)
        }
        if is_idle {
            self.ready.insert((now, host));
        }
    }

    /// It is decided on its teaser: others come first now.
    pub(super) fn put_back(&mut self, host: Id, key: Key) {
        let Some(line) = self.hosts.get_mut(&host) else { return };
        if let Some(at) = line.fresh.iter().position(|other| *other == key) {
            line.fresh.remove(at);
            line.late.push_back(key);
        }
    }

    /// Whose page is asked for now; else when to look again, if anybody waits.
    pub(super) fn next(&mut self, turns: &Turns, now: Instant) -> Result<(Id, Key), Option<Instant>> {
        loop {
            let (at, host) = *self.ready.first().ok_or(None)?;
            if at > now {
                return Err(Some(at));
            }
            self.ready.remove(&(at, host));
            let Some(line) = self.hosts.get_mut(&host) else { continue };
            if let Some(later) = turns.take(host, line.reserved, now) {
                line.reserved = true;
                self.ready.insert((later, host));
                continue;
            }
            line.reserved = false;
            if let Some(key) = line.fresh.pop_front().or_else(|| line.late.pop_front()) {
                line.busy = true;
                return Ok((host, key));
            }
            self.hosts.remove(&host);
        }
    }

    /// A request has ended.
    pub(super) fn done(&mut self, host: Id, now: Instant) {
        let Some(line) = self.hosts.get_mut(&host) else { return };
        line.busy = false;
        if line.fresh.is_empty() && line.late.is_empty() {
            self.hosts.remove(&host);
        } else {
            self.ready.insert((now, host));
        }
    }

    /// All requests have ended, in whatever way.
    pub(super) fn all_done(&mut self, now: Instant) {
        let busy: Vec<Id> = self.hosts.iter().filter(|(_, line)| line.busy).map(|(host, _)| *host).collect();
        busy.into_iter().for_each(|host| self.done(host, now));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOST: Id = Id(1);

    fn key(number: u64) -> Key {
        (Id(0), Id(number))
    }

    #[test]
    fn a_host_is_asked_one_page_at_a_time_those_undecided_first() {
        let gap = Duration::from_secs(5);
        let (turns, now) = (Turns::new(gap), Instant::now());
        let mut lines = Lines::default();
        lines.push(HOST, key(1), true, now);
        lines.push(HOST, key(2), false, now);
        lines.push(HOST, key(3), false, now);
        lines.put_back(HOST, key(2));
        assert_eq!(lines.next(&turns, now), Ok((HOST, key(3))));
        assert_eq!(lines.next(&turns, now), Err(None));
        lines.done(HOST, now);
        assert_eq!(lines.next(&turns, now), Err(Some(now + gap)));
        assert_eq!(lines.next(&turns, now + gap), Ok((HOST, key(1))));
        lines.all_done(now + gap);
        assert_eq!(lines.next(&turns, now + gap * 2), Ok((HOST, key(2))));
        lines.done(HOST, now + gap * 2);
        assert_eq!(lines.next(&turns, now + gap * 9), Err(None));
    }

    #[test]
    fn a_line_has_an_end() {
        let (mut lines, now) = (Lines::default(), Instant::now());
        for number in 0..LINE_MAX {
            assert!(lines.has_room(HOST));
            lines.push(HOST, key(number as u64), false, now);
        }
        assert!(!lines.has_room(HOST) && lines.has_room(Id(2)));
    }
}
