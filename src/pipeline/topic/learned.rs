//! Articles of the window that topics are sure of by their samples alone: what comes later is compared with them too, so
//! that a topic keeps up with what it follows. Samples alone say what is learned, never what was learned before, and
//! only a few are: a topic cannot drift away from what it was given.

use std::collections::{BTreeMap, BTreeSet};

/// Articles that one topic learns from at most.
const LEARNED_MAX: usize = 12;

/// What all topics learned. A topic is known here by its name and samples, so that one whose samples change starts anew.
#[derive(Debug, Default)]
pub struct Learned {
    /// Topic → sequence numbers of articles.
    of_topic: BTreeMap<u64, BTreeSet<u64>>,
    /// Article → topics.
    by_article: BTreeMap<u64, Vec<u64>>,
}

impl Learned {
    /// A topic learns from an article.
    pub fn add(&mut self, topic: u64, seq: u64) {
        if self.of_topic.entry(topic).or_default().insert(seq) {
            self.by_article.entry(seq).or_default().push(topic);
        }
    }

    /// An article leaves the window.
    pub(crate) fn forget(&mut self, seq: u64) {
        for topic in self.by_article.remove(&seq).unwrap_or_default() {
            if let Some(articles) = self.of_topic.get_mut(&topic) {
                articles.remove(&seq);
                if articles.is_empty() {
                    self.of_topic.remove(&topic);
                }
            }
        }
    }

    /// Whether a topic has learned all that it may.
    pub fn is_full(&self, topic: u64) -> bool {
        self.of_topic.get(&topic).is_some_and(|articles| articles.len() >= LEARNED_MAX)
    }

    /// Memory taken, in bytes and without the allocator's own.
    pub(crate) fn memory_bytes(&self) -> usize {
        let numbers: usize = self.of_topic.values().map(BTreeSet::len).sum();
        let lists = (self.of_topic.len() + self.by_article.len()) * size_of::<(u64, Vec<u64>)>();
        lists + 2 * numbers * size_of::<u64>()
    }

    /// What a topic learned, oldest first.
    pub(super) fn of(&self, topic: u64) -> impl Iterator<Item = u64> {
        self.of_topic.get(&topic).into_iter().flatten().copied()
    }

    /// Topics that learned from one of these articles.
    pub(super) fn by<'l>(&'l self, articles: &'l [u64]) -> impl Iterator<Item = u64> + 'l {
        articles.iter().filter_map(|seq| self.by_article.get(seq)).flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_window_is_forgotten() {
        let mut learned = Learned::default();
        for (topic, seq) in [(7, 1), (7, 2), (8, 2), (7, 2)] {
            learned.add(topic, seq);
        }
        assert_eq!(learned.by(&[2, 9]).collect::<Vec<_>>(), [7, 8]);
        learned.forget(2);
        assert_eq!((learned.of(7).collect::<Vec<_>>(), learned.of(8).count()), (vec![1], 0));
    }

    #[test]
    fn a_topic_learns_a_few_articles() {
        let mut learned = Learned::default();
        for seq in 0..LEARNED_MAX as u64 {
            assert!(!learned.is_full(7));
            learned.add(7, seq);
        }
        assert!(learned.is_full(7));
    }
}
