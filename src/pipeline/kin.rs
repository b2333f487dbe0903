//! Stories that turned out to be about one event: an article fitted both. A story is never merged with another, because
//! what was told of it stands; but who was told of one is not told of its kin as of something new. A fold over the
//! window's records, like all of the state.

use std::collections::BTreeMap;

use crate::article::Id;

/// Further stories that one article may tie to its own.
pub(crate) const TIES_MAX: usize = 4;

/// Which stories are tied.
#[derive(Debug, Default)]
pub(crate) struct Kin {
    articles: BTreeMap<u64, (Id, Vec<Id>)>,
    /// Story and one of its kin → how many articles say so.
    ties: BTreeMap<(Id, Id), u32>,
}

impl Kin {
    /// An article of a story fits others as well.
    pub(crate) fn insert(&mut self, seq: u64, story: Id, others: &[Id]) {
        self.remove(seq);
        if others.is_empty() {
            return;
        }
        for pair in pairs(story, others) {
            *self.ties.entry(pair).or_default() += 1;
        }
        self.articles.insert(seq, (story, others.to_vec()));
    }

    /// An article leaves the window.
    pub(crate) fn remove(&mut self, seq: u64) {
        let Some((story, others)) = self.articles.remove(&seq) else { return };
        for pair in pairs(story, &others) {
            let Some(count) = self.ties.get_mut(&pair) else { continue };
            *count -= 1;
            if *count == 0 {
                self.ties.remove(&pair);
            }
        }
    }

    /// Memory taken, in bytes, without the allocator's own.
    pub(crate) fn memory_bytes(&self) -> usize {
        let others: usize = self.articles.values().map(|(_, others)| size_of_val(others.as_slice())).sum();
        let articles = self.articles.len() * size_of::<(u64, (Id, Vec<Id>))>();
        let ties = self.ties.len() * size_of::<((Id, Id), u32)>();
        // a map's nodes are two thirds full
        others + (articles + ties) * 3 / 2
    }

    /// The stories that are tied to this one.
    pub(crate) fn of(&self, story: Id) -> impl Iterator<Item = Id> {
        self.ties.range((story, Id(0))..=(story, Id(u64::MAX))).map(|((_, other), _)| *other)
    }
}

fn pairs(story: Id, others: &[Id]) -> impl Iterator<Item = (Id, Id)> {
    others.iter().flat_map(move |other| [(story, *other), (*other, story)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kin: &Kin, story: u64, expected: &[u64]) {
        assert_eq!(kin.of(Id(story)).map(|id| id.0).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn ties_hold_as_long_as_an_article_says_so() {
        let mut kin = Kin::default();
        kin.insert(10, Id(1), &[Id(2), Id(3)]);
        kin.insert(11, Id(2), &[Id(1)]);
        kin.insert(12, Id(4), &[]);
        check(&kin, 1, &[2, 3]);
        check(&kin, 2, &[1]);
        check(&kin, 4, &[]);
        kin.remove(10);
        check(&kin, 1, &[2]);
        check(&kin, 3, &[]);
        kin.remove(11);
        kin.remove(11);
        check(&kin, 2, &[]);
        assert!(kin.ties.is_empty() && kin.articles.is_empty());
    }
}
