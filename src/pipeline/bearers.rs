//! Who bears a surname in a story's recent coverage: an article that says only "Venn" means the one whom the others name
//! in full. A fold over the window's records, like all of the state.

use std::{collections::BTreeMap, sync::Arc};

use super::topic;
use crate::article::{Entity, EntityKind, Id};

/// Coverage is recent among so many articles.
const RECENT_ARTICLES: u64 = 5_000;

/// Full names kept of one article, at most.
const PERSONS_MAX: usize = 24;

/// Bytes of a full name, at most.
const NAME_BYTES_MAX: usize = 80;

/// A full name is meant where it has at least four of five of the articles that name a bearer of the surname in full.
const CLEAR_SHARE: (u32, u32) = (4, 5);

/// Whether an article counts as recent once this one is the latest.
pub(crate) fn is_recent(seq: u64, latest: u64) -> bool {
    seq.saturating_add(RECENT_ARTICLES) > latest
}

/// Of a full name in the coverage of a story: the story, the hash of the surname, the name.
type Bearer = (Id, u64, Arc<str>);

/// An article's story, and the persons whom it names in full.
type Naming = (Id, Box<[Arc<str>]>);

/// For each story who bears which surname.
#[derive(Default)]
pub(crate) struct Bearers {
    latest: u64,
    /// The recent ones.
    articles: BTreeMap<u64, Naming>,
    /// How many articles have each; one map, since one of maps would take four times the memory.
    counts: BTreeMap<Bearer, u32>,
}

impl Bearers {
    /// One more article of a story, with the persons whom it names in full.
    pub(crate) fn insert(&mut self, seq: u64, story: Id, persons: &[String]) {
        self.latest = self.latest.max(seq);
        self.remove(seq);
        if is_recent(seq, self.latest) {
            let persons: Box<[Arc<str>]> = persons.iter().map(|person| person.as_str().into()).collect();
            for person in &persons {
                *self.counts.entry(bearer(story, person)).or_default() += 1;
            }
            self.articles.insert(seq, (story, persons));
        }
        while let Some(first) =
            self.articles.keys().next().copied().filter(|first| !is_recent(*first, self.latest))
        {
            self.remove(first);
        }
    }

    /// An article leaves the window.
    pub(crate) fn remove(&mut self, seq: u64) {
        let Some((story, persons)) = self.articles.remove(&seq) else { return };
        for person in &persons {
            let bearer = bearer(story, person);
            let Some(count) = self.counts.get_mut(&bearer) else { continue };
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&bearer);
            }
        }
    }

    /// Memory taken, in bytes, without the allocator's own.
    pub(crate) fn memory_bytes(&self) -> usize {
        /// Of an `Arc`, beside what it holds.
        const COUNTERS: usize = 2 * size_of::<usize>();
        let persons = self.articles.values().flat_map(|(_, persons)| persons);
        let names: usize = persons.map(|name| size_of::<Arc<str>>() + COUNTERS + name.len()).sum();
        let articles = self.articles.len() * size_of::<(u64, Naming)>();
        let counts = self.counts.len() * size_of::<(Bearer, u32)>();
        // a map's nodes are two thirds full
        names + (articles + counts) * 3 / 2
    }

    /// Who is meant by a surname in a story, where that is clear.
    pub(crate) fn of(&self, story: Id, name: &str) -> Option<&str> {
        let surname = surname(name);
        let from = self.counts.range((story, surname, Arc::from(""))..);
        let same = from.take_while(|((of, theirs, _), _)| (*of, *theirs) == (story, surname));
        let (mut best, mut all) = (None, 0);
        for ((_, _, name), count) in same {
            all += count;
            // of equals the first by name
            if best.is_none_or(|(_, most)| *count > most) {
                best = Some((name, *count));
            }
        }
        let (best, most) = best?;
        let (share, of) = CLEAR_SHARE;
        (most * of >= all * share).then_some(&**best)
    }
}

fn bearer(story: Id, person: &Arc<str>) -> Bearer {
    (story, surname(person), Arc::clone(person))
}

fn surname(name: &str) -> u64 {
    topic::key(name.rsplit(' ').next().unwrap_or(name))
}

/// The persons whom an article names in full.
pub(crate) fn named_in_full(entities: &[Entity]) -> Vec<String> {
    let full = |entity: &&Entity| {
        let last = entity.name.rsplit(' ').next().unwrap_or("").chars().count();
        entity.kind == EntityKind::Person
            && entity.name.contains(' ')
            && entity.name.len() <= NAME_BYTES_MAX
            && entity.mentions.iter().any(|mention| (mention.start..mention.end).len() > last + 1)
    };
    entities.iter().filter(full).take(PERSONS_MAX).map(|entity| entity.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::{Field, Mention};

    const STORY: Id = Id(7);

    fn person(name: &str, start: u32) -> Entity {
        let end = start + u32::try_from(name.len()).unwrap();
        let mentions = vec![Mention { field: Field::Text, start, end }];
        Entity { name: name.to_owned(), kind: EntityKind::Person, role: None, tracked: false, mentions }
    }

    fn check(coverage: &[&str], expected: Option<&str>) {
        let mut bearers = Bearers::default();
        for (name, seq) in coverage.iter().zip(1..) {
            bearers.insert(seq, STORY, &[(*name).to_owned()]);
        }
        assert_eq!(bearers.of(STORY, "Venn"), expected);
        assert_eq!(bearers.of(Id(8), "Venn"), None);
    }

    #[test]
    fn coverage_tells_who_is_meant() {
        check(&["Orla Venn", "Orla Venn", "Ann Quill"], Some("Orla Venn"));
    }

    #[test]
    fn two_bearers_are_not_clear() {
        check(&["Orla Venn", "Magnus Venn"], None);
    }

    #[test]
    fn what_left_the_window_tells_nothing() {
        let mut bearers = Bearers::default();
        bearers.insert(1, STORY, &["Orla Venn".to_owned()]);
        bearers.insert(2, STORY, &["Orla Venn".to_owned()]);
        bearers.remove(1);
        assert_eq!(bearers.of(STORY, "Venn"), Some("Orla Venn"));
        bearers.insert(2 + RECENT_ARTICLES, STORY, &[]);
        assert_eq!(bearers.of(STORY, "Venn"), None);
        assert!(bearers.counts.is_empty());
    }

    #[test]
    fn only_who_is_named_in_full_counts() {
        let mut surname_only = person("Venn", 0);
        surname_only.name = "Orla Venn".to_owned();
        assert_eq!(named_in_full(&[person("Orla Venn", 0), surname_only, person("Quill", 9)]), ["Orla Venn"]);
    }
}
