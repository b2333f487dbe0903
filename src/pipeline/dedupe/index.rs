//! The window: which known articles hold a run of words. About four and a half bytes a
//! run and forty an article.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use crate::{
    article::Id,
    pipeline::{
        drawers::Drawers,
        roll::{Roll, lower},
    },
};

/// A run that more articles than this hold is nobody's own: no candidates come of it.
const HOLDERS_MAX: usize = 64;

/// What the window keeps of one article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Rises with every article that is decided.
    pub seq: u64,
    /// The report that it is (a revision of).
    pub report: Id,
    /// The original of its copy group; itself where it is no copy.
    pub root: Id,
    /// The first report of its family: copies and updates of one report, and theirs.
    pub family: Id,
    /// Hash of the outlet's site, see [`super::site_hash`].
    pub site: u64,
    /// Event time, in seconds since 1970.
    pub time: i64,
    /// Words of the text.
    pub words: u32,
    /// Of the fingerprint.
    pub sketch: Box<[u32]>,
    /// Whether other articles are compared with this one: see [`super::is_indexed`].
    pub indexed: bool,
}

/// An entry as it is written: fixed widths, since hashes gain nothing from varints.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    seq: u64,
    #[serde(with = "postcard::fixint::le")]
    report: u64,
    #[serde(with = "postcard::fixint::le")]
    root: u64,
    #[serde(with = "postcard::fixint::le")]
    family: u64,
    #[serde(with = "postcard::fixint::le")]
    site: u64,
    time: i64,
    words: u32,
    indexed: bool,
    #[serde(borrow)]
    sketch: Cow<'a, [u8]>,
}

impl Entry {
    /// The entry as bytes, for the store: about 330 for an article of 5 KB.
    pub fn encode(&self) -> Vec<u8> {
        let written = Written {
            seq: self.seq,
            report: self.report.0,
            root: self.root.0,
            family: self.family.0,
            site: self.site,
            time: self.time,
            words: self.words,
            indexed: self.indexed,
            sketch: self.sketch.iter().flat_map(|run| run.to_le_bytes()).collect(),
        };
        // writing to memory does not fail; an empty record would be refused by `decode`
        postcard::to_stdvec(&written).unwrap_or_default()
    }

    /// The entry that `encode` wrote; none where the bytes are something else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let written: Written<'_> = postcard::from_bytes(bytes).ok()?;
        let runs = written.sketch.chunks_exact(4);
        if !runs.remainder().is_empty() {
            return None;
        }
        Some(Self {
            seq: written.seq,
            report: Id(written.report),
            root: Id(written.root),
            family: Id(written.family),
            site: written.site,
            time: written.time,
            words: written.words,
            sketch: runs.filter_map(|run| Some(u32::from_le_bytes(run.try_into().ok()?))).collect(),
            indexed: written.indexed,
        })
    }
}

/// What is looked up of an entry that has candidates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) seq: u64,
    pub(super) report: Id,
    pub(super) root: Id,
    pub(super) family: Id,
    pub(super) site: u64,
    pub(super) time: i64,
    pub(super) words: u32,
    /// How many runs its sketch has.
    pub(super) runs: usize,
}

/// The same as it is kept; most reports are the first of their family, and the original of their copies.
#[derive(Clone, Copy, Debug)]
struct Kept {
    report: Id,
    site: u64,
    time: i64,
    words: u32,
    runs: u8,
    is_first: bool,
}

/// All indexed articles of the window, by their runs. A function of the entries in it: how it came to hold them, and
/// what it held before, makes no difference.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// Runs of articles; also of those that left, until their room is wanted.
    runs: Drawers<()>,
    kept: Roll<Kept>,
    /// Root and family of those that have others than themselves.
    families: BTreeMap<u64, (Id, Id)>,
    /// The latest that was taken out.
    last_gone: Option<u64>,
}

impl Index {
    /// Takes an entry in. Entries come in the order of their `seq`: one that is not later than the last is known
    /// already and left out, as is one that is not indexed.
    pub fn insert(&mut self, entry: &Entry) {
        if !self.note(entry) {
            return;
        }
        let first = self.first();
        for &run in &entry.sketch {
            self.runs.put((run, lower(entry.seq), ()), first);
        }
    }

    /// The same for many entries, drawer by drawer.
    pub fn insert_all<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) {
        let mut runs = Vec::new();
        for entry in entries {
            if self.note(entry) {
                runs.extend(entry.sketch.iter().map(|run| (*run, lower(entry.seq), ())));
            }
        }
        self.runs.put_all(&runs, self.first());
    }

    fn first(&self) -> u32 {
        lower(self.kept.first().unwrap_or_default())
    }

    /// Whether an entry is to be taken in; its runs have to follow.
    fn note(&mut self, entry: &Entry) -> bool {
        let Entry { seq, report, root, family, site, time, words, ref sketch, indexed } = *entry;
        if !indexed || self.kept.last().max(self.last_gone) >= Some(seq) {
            return false;
        }
        let is_first = root == report && family == report;
        if !is_first {
            self.families.insert(seq, (root, family));
        }
        let runs = u8::try_from(sketch.len()).unwrap_or(u8::MAX);
        self.kept.insert(seq, Kept { report, site, time, words, runs, is_first });
        true
    }

    /// Takes an entry out, the oldest or any other.
    pub fn remove(&mut self, seq: u64) {
        if self.kept.remove(seq).is_some() {
            self.families.remove(&seq);
            self.last_gone = self.last_gone.max(Some(seq));
        }
    }

    /// How many entries it holds.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The oldest entry's `seq`.
    pub fn oldest(&self) -> Option<u64> {
        self.kept.first()
    }

    /// Memory taken, in bytes, without the allocator's own.
    pub fn memory_bytes(&self) -> usize {
        // a map's nodes are two thirds full
        let families = self.families.len() * size_of::<(u64, Id, Id)>() * 3 / 2;
        self.runs.memory_bytes() + self.kept.memory_bytes() + families
    }

    /// The articles that hold a run, oldest first.
    pub(super) fn holders(&self, run: u32) -> impl Iterator<Item = Known> {
        self.seqs(run).filter_map(|seq| self.known(seq))
    }

    fn seqs(&self, run: u32) -> impl Iterator<Item = u64> {
        let seqs = self.runs.of(run).map(|(low, ())| self.kept.whole(low));
        seqs.filter(|seq| self.kept.contains(*seq))
    }

    fn known(&self, seq: u64) -> Option<Known> {
        let Kept { report, site, time, words, runs, is_first } = *self.kept.get(seq)?;
        let kin = if is_first { None } else { self.families.get(&seq).copied() };
        let (root, family) = kin.unwrap_or((report, report));
        Some(Known { seq, report, root, family, site, time, words, runs: runs.into() })
    }

    /// Whether an article holds a run.
    pub(super) fn holds(&self, seq: u64, run: u32) -> bool {
        self.seqs(run).any(|holder| holder == seq)
    }

    /// How many runs of the sketch each article holds that shares at least `shared_min`; most first, then oldest
    /// first.
    pub(super) fn shared(&self, sketch: &[u32], shared_min: u32) -> Vec<(u32, Known)> {
        let mut seqs: Vec<u64> = Vec::with_capacity(sketch.len());
        for &run in sketch {
            let before = seqs.len();
            seqs.extend(self.seqs(run).take(HOLDERS_MAX + 1));
            if seqs.len() - before > HOLDERS_MAX {
                seqs.truncate(before);
            }
        }
        seqs.sort_unstable();
        let mut counted: Vec<(u32, u64)> = Vec::new();
        for group in seqs.chunk_by(|a, b| a == b) {
            let shared = u32::try_from(group.len()).unwrap_or(u32::MAX);
            if let Some(&seq) = group.first()
                && shared >= shared_min
            {
                counted.push((shared, seq));
            }
        }
        counted.sort_unstable_by_key(|&(shared, seq)| (std::cmp::Reverse(shared), seq));
        counted.into_iter().filter_map(|(shared, seq)| Some((shared, self.known(seq)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(seq: u64, sketch: &[u32]) -> Entry {
        Entry {
            seq,
            report: Id(seq),
            root: Id(seq),
            family: Id(seq),
            site: 7,
            time: -5,
            words: 300,
            sketch: sketch.into(),
            indexed: true,
        }
    }

    fn check(entries: &[(u64, &[u32])], gone: &[u64], probe: &[u32], expected: &[(u32, u64)]) {
        let mut index = Index::default();
        for (seq, sketch) in entries {
            index.insert(&entry(*seq, sketch));
        }
        for &seq in gone {
            index.remove(seq);
        }
        let found: Vec<_> =
            index.shared(probe, 2).into_iter().map(|(runs, known)| (runs, known.seq)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn counts_common_runs_most_first_then_oldest() {
        check(
            &[(1, &[1, 2, 9]), (2, &[1, 2, 3]), (5, &[2, 3, 4])],
            &[],
            &[1, 2, 3],
            &[(3, 2), (2, 1), (2, 5)],
        );
    }

    #[test]
    fn leaves_out_what_shares_too_little() {
        check(&[(1, &[1, 8, 9]), (2, &[6, 7])], &[], &[1, 2, 3], &[]);
    }

    #[test]
    fn forgets_what_was_taken_out() {
        check(&[(1, &[1, 2]), (2, &[1, 2]), (3, &[1, 2])], &[1, 2, 9], &[1, 2], &[(2, 3)]);
    }

    #[test]
    fn forgets_one_in_the_middle() {
        check(&[(1, &[1, 2]), (2, &[1, 2]), (3, &[1, 2])], &[2], &[1, 2], &[(2, 1), (2, 3)]);
    }

    #[test]
    fn tells_runs_with_equal_halves_apart() {
        check(
            &[(1, &[0x0001_0005, 0x0002_0006]), (2, &[0x0002_0005, 0x0001_0006])],
            &[],
            &[0x0001_0005, 0x0002_0006],
            &[(2, 1)],
        );
    }

    #[test]
    fn takes_an_entry_in_once() {
        check(&[(1, &[1, 2]), (1, &[1, 2]), (3, &[1, 2]), (2, &[1, 2])], &[], &[1, 2], &[(2, 1), (2, 3)]);
    }

    #[test]
    fn passes_over_runs_that_everybody_holds() {
        let mut index = Index::default();
        for seq in 1..=64 {
            index.insert(&entry(seq, &[1, 2]));
        }
        assert_eq!(index.shared(&[1, 2], 2).len(), 64);
        index.insert(&entry(65, &[1, 2]));
        assert_eq!(index.shared(&[1, 2], 2).len(), 0);
        index.remove(1);
        assert_eq!(index.shared(&[1, 2], 2).len(), 64);
    }

    #[test]
    fn leaves_out_what_is_not_indexed() {
        let mut index = Index::default();
        index.insert(&Entry { indexed: false, ..entry(1, &[1, 2]) });
        assert!(index.is_empty());
    }

    #[test]
    fn a_known_entry_does_not_come_back_after_it_was_taken_out() {
        let mut index = Index::default();
        index.insert(&entry(4, &[1, 2]));
        index.remove(4);
        index.insert(&entry(4, &[1, 2]));
        assert_eq!((index.len(), index.oldest()), (0, None));
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        assert_eq!(Entry::decode(b""), None);
        assert_eq!(Entry::decode(b"no entry at all, but long enough to be one"), None);
    }

    #[test]
    fn an_article_takes_at_most_400_bytes() {
        let mut index = Index::default();
        let mut state = 1_u64;
        for seq in 1..=60_000 {
            let sketch: Vec<u32> = (0..60)
                .map(|_| {
                    state = crate::pipeline::text::mix(state ^ 0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93);
                    crate::pipeline::text::high(state)
                })
                .collect();
            index.insert(&entry(seq, &sketch));
        }
        assert!(index.memory_bytes() / index.len() <= 400, "{} bytes", index.memory_bytes() / index.len());
    }

    proptest! {
            #![proptest_config(ProptestConfig::with_cases(32))]

            #[test]
            fn an_entry_is_read_as_it_was_written(seq: u64, time: i64, words: u32, sketch: Vec<u32>, indexed: bool) {
                let entry = Entry { time, words, sketch: sketch.into(), indexed, ..entry(seq, &[]) };
                prop_assert_eq!(Entry::decode(&entry.encode()), Some(entry));
            }

            /// A restart takes in what is left; it must find the same.
            #[test]
            fn what_was_held_before_makes_no_difference(
                sketches in prop::collection::vec(prop::collection::vec(0_u32..40, 1..12), 1..40),
                gone in prop::collection::vec(0_usize..40, 0..30),
            ) {
                let entries: Vec<Entry> = (1..).zip(&sketches).map(|(seq, sketch)| entry(seq, sketch)).collect();
                let (mut lived, mut restarted) = (Index::default(), Index::default());
                for entry in &entries {
     lived.insert(entry);
    }
                for &place in &gone {
     lived.remove(place as u64 + 1);
    }
                let left = |entry: &&Entry| !gone.contains(&(usize::try_from(entry.seq).unwrap() - 1));
                entries.iter().filter(left).for_each(|entry| restarted.insert(entry));
                lived.insert(&entry(999, &[1, 2, 3]));
                restarted.insert(&entry(999, &[1, 2, 3]));
                let mut at_once = Index::default();
                at_once.insert_all(entries.iter().filter(left));
                at_once.insert(&entry(999, &[1, 2, 3]));
                let found = |index: &Index| -> Vec<(u32, u64)> {
                    index.shared(&[1, 2, 3, 4, 5], 1).into_iter().map(|(runs, known)| (runs, known.seq)).collect()
                };
                prop_assert_eq!(found(&lived), found(&restarted));
                prop_assert_eq!(found(&at_once), found(&restarted));
                prop_assert_eq!(lived.len(), restarted.len());
            }
        }
}
