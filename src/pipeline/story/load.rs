//! Many members at once, at a start: what inserting them one by one would give, at a small part of its cost.

use rayon::prelude::*;

use super::{
    Held, Member, Stories,
    index::{self, RING},
};
use crate::article::Id;

/// A member that is ready to be taken in. Its row alone makes it, so that several threads can.
#[derive(Debug)]
pub struct Ready {
    seq: u64,
    held: Held,
    /// Terms by which it is found, with their weights.
    indexed: Vec<(u32, u8)>,
}

impl Ready {
    /// Makes a member ready.
    pub fn of(member: Member) -> Self {
        let seq = member.seq;
        let held = Held::of(member);
        let indexed = if held.copy { Vec::new() } else { index::indexed(&held.loaded) };
        Self { seq, held, indexed }
    }

    /// Order of arrival.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The story that it is in.
    pub fn story(&self) -> Id {
        self.held.story
    }
}

impl Stories {
    /// Takes in members that come after all that are in, in their order. `settle` has to follow before anything else
    /// is asked.
    pub fn insert_all(&mut self, ready: Vec<Ready>) {
        let own = || ready.iter().filter(|ready| !ready.held.copy);
        let postings: Vec<(u32, u64)> = own()
            .flat_map(|ready| {
                ready.indexed.iter().map(|(term, weight)| (*term, index::posting(ready.seq, *weight)))
            })
            .collect();
        self.counts.add_all(own().map(|ready| &ready.held.loaded));
        self.postings.add_all(&postings);
        self.own.extend(own().map(|ready| ready.seq));
        for Ready { seq, held, .. } in ready {
            let story = held.story;
            self.members.insert(seq, held);
            self.open.entry(story).or_default().list(seq, &self.members);
        }
    }

    /// Makes what depends on the latest members alone: the ring, and of each story the length of its core.
    pub fn settle(&mut self) {
        let Self { ring, members, own, open, .. } = self;
        open.par_iter_mut().for_each(|(_, story)| story.measure(members));
        let latest: Vec<u64> = own.iter().rev().take(RING).copied().collect();
        for seq in latest.into_iter().rev() {
            if let Some(held) = members.get(&seq) {
                ring.add(seq, held.story, &held.loaded);
            }
        }
    }
}
