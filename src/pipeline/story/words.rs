//! Words and names of members: in memory of the latest, read from their rows of all others.

use std::borrow::Cow;

use super::{Entry, Loaded, Member, Stories, open::Story};
use crate::{
    article::Id,
    pipeline::{roll::Roll, view::ViewError},
};

/// So many terms of the latest members are in memory, eight bytes each: of some 2,000 long articles, or of many more short
/// ones. Of all others they are read where they are asked for. What is compared most is news of the last hours.
#[cfg(not(test))]
const TERMS_MAX: usize = 400_000;
#[cfg(test)]
const TERMS_MAX: usize = 1_000;

/// The same in members, of which some have hardly a term.
pub(super) const LATEST_MAX: usize = 16_384;

/// Gives a member of the window back, as it was taken in.
pub type Recall<'a> = &'a dyn Fn(u64) -> Result<Member, ViewError>;

/// What is in memory of the latest members alone.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) report: Id,
    /// Of a copy none.
    pub(super) loaded: Loaded,
    pub(super) entities: Box<[u64]>,
}

impl Words {
    pub(super) fn of(member: Member) -> Self {
        let loaded = if member.copy { Loaded::default() } else { member.vector.load() };
        Self { report: member.report, loaded, entities: member.entities.into() }
    }
}

/// The latest members with their words.
#[derive(Debug, Default)]
pub(super) struct Latest {
    members: Roll<Words>,
    terms: usize,
}

impl Latest {
    fn keep(&mut self, seq: u64, words: Words) {
        self.remove(seq);
        self.terms += words.loaded.entries().len();
        self.members.insert(seq, words);
        while (self.terms > TERMS_MAX || self.members.len() > LATEST_MAX)
            && let Some(first) = self.members.first()
        {
            self.remove(first);
        }
    }

    pub(super) fn remove(&mut self, seq: u64) {
        if let Some(words) = self.members.remove(seq) {
            self.terms -= words.loaded.entries().len();
        }
    }

    fn memory_bytes(&self) -> usize {
        let names = self.members.iter().map(|(_, words)| size_of_val(&*words.entities)).sum::<usize>();
        self.terms * size_of::<Entry>() + names + self.members.memory_bytes()
    }
}

impl Stories {
    /// A member's words: in memory, or read.
    pub(super) fn words(&self, seq: u64, recall: Recall<'_>) -> Result<Cow<'_, Words>, ViewError> {
        match self.latest.members.get(seq) {
            Some(words) => Ok(Cow::Borrowed(words)),
            None => Ok(Cow::Owned(Words::of(recall(seq)?))),
        }
    }

    /// Keeps the words of one of the latest members.
    pub(super) fn keep(&mut self, seq: u64, words: Words) {
        self.latest.keep(seq, words);
    }

    /// From here on it is known which entities the members of a story name; one is not yet kept.
    pub(super) fn read_names(
        &mut self,
        id: Id,
        new: (u64, &[u64]),
        recall: Recall<'_>,
    ) -> Result<(), ViewError> {
        let Some(story) = self.open.get(&id) else { return Ok(()) };
        let mut all = vec![new.1.to_vec()];
        for seq in story.members(&self.members).filter(|seq| *seq != new.0) {
            all.push(self.words(seq, recall)?.entities.to_vec());
        }
        if let Some(story) = self.open.get_mut(&id) {
            story.set_names(all.iter().map(Vec::as_slice));
        }
        Ok(())
    }

    /// Keeps a member's words in memory for as long as it is in the window.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn pin(&mut self, seq: u64, recall: Recall<'_>) -> Result<(), ViewError> {
        if self.members.contains(seq) {
            let words = self.words(seq, recall)?.into_owned();
            self.pinned.insert(seq, words.loaded);
        }
        Ok(())
    }

    /// The entities that the story's articles name, in order.
    ///
    /// # Errors
    /// When a member cannot be read.
    pub fn names(&self, id: Id, recall: Recall<'_>) -> Result<Cow<'_, [u64]>, ViewError> {
        let Some(story) = self.open.get(&id) else { return Ok(Cow::default()) };
        if let Some(names) = story.names() {
            return Ok(Cow::Borrowed(names));
        }
        let mut names = Vec::new();
        for seq in story.members(&self.members) {
            names.extend_from_slice(&self.words(seq, recall)?.entities);
        }
        names.sort_unstable();
        names.dedup();
        Ok(Cow::Owned(names))
    }

    /// A pinned article's words, and its time where that is known.
    pub fn member(&self, seq: u64) -> Option<(&Loaded, Option<i64>)> {
        let held = self.members.get(seq)?;
        Some((self.pinned.get(&seq)?, held.dated.then_some(held.time)))
    }

    /// Any article's words; none of a copy, nor if the window does not hold it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn words_of(&self, seq: u64, recall: Recall<'_>) -> Result<Option<Loaded>, ViewError> {
        if self.members.get(seq).is_none_or(|held| held.copy) {
            return Ok(None);
        }
        Ok(Some(self.words(seq, recall)?.into_owned().loaded))
    }

    /// Memory taken, by what it is for, in bytes and without the allocator's own.
    pub fn memory_bytes(&self) -> [(&'static str, usize); 5] {
        let stories: usize = self.open.values().map(Story::memory_bytes).sum();
        [
            ("terms_for_stories", self.postings.memory_bytes()),
            ("how_many_articles_have_a_term", self.counts.memory_bytes()),
            ("members_of_stories", self.members.memory_bytes()),
            ("stories", stories + self.open.capacity() * (size_of::<(Id, Story)>() + 1)),
            ("words_of_the_latest", self.latest.memory_bytes()),
        ]
    }
}
