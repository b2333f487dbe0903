//! Many members at once, at a start: what inserting them one by one would give, at a small part of its cost.

use super::{
    Held, Member, Recall, Stories,
    index::{self, RING},
    terms::spread,
    words::{LATEST_MAX, Words},
};
use crate::{
    article::Id,
    pipeline::{roll::lower, view::ViewError},
};

/// A member that is ready to be taken in. Its row alone makes it, so that several threads can.
#[derive(Debug)]
pub struct Ready {
    seq: u64,
    held: Held,
    words: Words,
    /// Terms by which it is found, with their weights.
    indexed: Box<[(u32, u8)]>,
}

impl Ready {
    /// Makes a member ready.
    pub fn of(member: Member) -> Self {
        let (seq, held) = (member.seq, Held::of(&member));
        let words = Words::of(member);
        let indexed = if held.copy { Vec::new() } else { index::indexed(&words.loaded) };
        Self { seq, held, words, indexed: indexed.into() }
    }

    /// The story that it is in.
    pub fn story(&self) -> Id {
        self.held.story
    }

    /// Order of arrival.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}

impl Stories {
    /// Takes in members that come after all that are in, in their order. `settle` has to follow before anything else
    /// is asked.
    pub fn insert_all(&mut self, ready: Vec<Ready>) {
        let own = || ready.iter().filter(|ready| !ready.held.copy);
        let postings: Vec<(u32, u32, u8)> = own()
            .flat_map(|ready| {
                let low = lower(ready.seq);
                ready.indexed.iter().map(move |(term, weight)| (spread(*term), low, *weight))
            })
            .collect();
        self.counts.add_all(own().map(|ready| &ready.words.loaded));
        self.postings.add_all(&postings);
        let older = ready.len().saturating_sub(LATEST_MAX);
        for (place, Ready { seq, held, words, .. }) in ready.into_iter().enumerate() {
            self.members.insert(seq, held);
            self.join(seq, held.story);
            if place >= older {
                self.keep(seq, words);
            }
        }
    }

    /// Makes what depends on the latest members alone.
    ///
    /// # Errors
    /// When a member cannot be read.
    pub fn settle(&mut self, recall: Recall<'_>) -> Result<(), ViewError> {
        let own = self.members.iter().rev().filter(|(_, held)| !held.copy).take(RING);
        let latest: Vec<_> = own.map(|(seq, held)| (seq, held.story)).collect();
        for (seq, story) in latest.into_iter().rev() {
            let words = self.words(seq, recall)?.into_owned();
            self.ring.add(seq, story, &words.loaded);
        }
        Ok(())
    }
}
