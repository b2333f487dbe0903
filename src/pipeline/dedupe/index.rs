//! The window: which known articles hold a run of words. About six bytes a run and fifty an article.

use std::{borrow::Cow, collections::VecDeque};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    article::Id,
    pipeline::grouped::{GROUPS, Grouped},
};

/// A run that more articles than this hold is nobody's own: no candidates come of it.
const HOLDERS_MAX: usize = 64;

/// Hashes are filed by their upper half, so that only the lower half is kept with each.
const DRAWERS: usize = 1 << 16;

/// Slots are numbered anew before they run out.
const SLOT_FIRST_MAX: u32 = u32::MAX / 2;

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

/// What is looked up of an entry that has candidates; its sketch is only in the drawers.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) seq: u64,
    pub(super) report: Id,
    pub(super) root: Id,
    pub(super) family: Id,
    pub(super) site: u64,
    pub(super) time: i64,
    pub(super) words: u32,
    runs: u16,
    /// Taken out before its turn.
    gone: bool,
}

impl Known {
    /// How many runs its sketch has.
    pub(super) fn runs(&self) -> usize {
        usize::from(self.runs)
    }
}

/// The runs of one sixty-five-thousandth of all hashes: lower halves and, in step, the slots that hold them, oldest
/// first.
#[derive(Clone, Debug, Default)]
struct Drawer {
    halves: Vec<u16>,
    slots: Vec<u32>,
}

impl Drawer {
    fn push(&mut self, half: u16, slot: u32, first: u32) {
        if self.halves.len() == self.halves.capacity() {
            // what has left the window makes room: no sweep over the whole index is ever needed
            self.forget_before(first);
        }
        if self.halves.len() == self.halves.capacity() {
            // a Vec doubles by itself: in the mean a quarter of the index would stand empty
            let more = self.halves.len() / 8 + 4;
            self.halves.reserve_exact(more);
            self.slots.reserve_exact(more);
        }
        self.halves.push(half);
        self.slots.push(slot);
    }

    fn forget_before(&mut self, first: u32) {
        let gone = self.slots.partition_point(|&slot| slot < first);
        self.halves.drain(..gone);
        self.slots.drain(..gone);
    }
}

/// All indexed articles of the window, by their runs. A function of the entries in it: how it came to hold them, and
/// what it held before, makes no difference.
#[derive(Clone, Debug)]
pub struct Index {
    drawers: Vec<Drawer>,
    known: VecDeque<Known>,
    /// Slot of the first in `known`.
    first: u32,
    live: usize,
    /// The latest that was taken out from the front.
    last_gone: Option<u64>,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            drawers: vec![Drawer::default(); DRAWERS],
            known: VecDeque::new(),
            first: 0,
            live: 0,
            last_gone: None,
        }
    }
}

impl Index {
    /// Takes an entry in. Entries come in the order of their `seq`: one that is not later than the last is known
    /// already and left out, as is one that is not indexed.
    pub fn insert(&mut self, entry: &Entry) {
        self.renumber_in_time();
        let Some(slot) = self.note(entry) else { return };
        for &run in &entry.sketch {
            let (drawer, half) = halves(run);
            if let Some(drawer) = self.drawers.get_mut(drawer) {
                drawer.push(half, slot, self.first);
            }
        }
    }

    /// The same for many entries, drawer by drawer.
    pub fn insert_all<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) {
        self.renumber_in_time();
        let mut runs = Vec::new();
        for entry in entries {
            let Some(slot) = self.note(entry) else { continue };
            runs.extend(entry.sketch.iter().map(|run| (*run, slot)));
        }
        let first = self.first;
        let grouped = Grouped::by(&runs, |(run, _)| run.to_be_bytes()[0]);
        let cabinets = self.drawers.par_chunks_mut(DRAWERS / GROUPS);
        cabinets.zip(grouped.groups()).for_each(|(drawers, runs)| {
            for (run, slot) in runs {
                let (drawer, half) = halves(*run);
                if let Some(drawer) = drawers.get_mut(drawer % (DRAWERS / GROUPS)) {
                    drawer.push(half, *slot, first);
                }
            }
        });
    }

    /// Gives an entry its slot, where it is to have one.
    fn note(&mut self, entry: &Entry) -> Option<u32> {
        if !entry.indexed || self.known.back().map(|last| last.seq).max(self.last_gone) >= Some(entry.seq) {
            return None;
        }
        let slot = self.first.saturating_add(u32::try_from(self.known.len()).unwrap_or(u32::MAX));
        if self.known.len() == self.known.capacity() {
            self.known.reserve_exact(self.known.len() / 8 + 64);
        }
        self.known.push_back(Known {
            seq: entry.seq,
            report: entry.report,
            root: entry.root,
            family: entry.family,
            site: entry.site,
            time: entry.time,
            words: entry.words,
            runs: u16::try_from(entry.sketch.len()).unwrap_or(u16::MAX),
            gone: false,
        });
        self.live += 1;
        Some(slot)
    }

    /// Takes an entry out, the oldest or any other.
    pub fn remove(&mut self, seq: u64) {
        let Ok(place) = self.known.binary_search_by_key(&seq, |known| known.seq) else { return };
        let Some(known) = self.known.get_mut(place).filter(|known| !known.gone) else { return };
        known.gone = true;
        self.live -= 1;
        while self.known.front().is_some_and(|known| known.gone) {
            self.last_gone = self.known.pop_front().map(|known| known.seq).max(self.last_gone);
            self.first += 1;
        }
    }

    /// How many entries it holds.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The oldest entry's `seq`.
    pub fn oldest(&self) -> Option<u64> {
        self.known.iter().find(|known| !known.gone).map(|known| known.seq)
    }

    /// Memory taken, in bytes, without the allocator's own.
    pub fn memory_bytes(&self) -> usize {
        let drawers: usize =
            self.drawers.iter().map(|d| d.halves.capacity() * 2 + d.slots.capacity() * 4).sum();
        drawers + self.drawers.capacity() * size_of::<Drawer>() + self.known.capacity() * size_of::<Known>()
    }

    /// The articles that hold a run, oldest first.
    pub(super) fn holders(&self, run: u32) -> impl Iterator<Item = (u32, &Known)> {
        self.slots(run).filter_map(|slot| {
            let place = slot.checked_sub(self.first)?;
            let known = self.known.get(place as usize).filter(|known| !known.gone)?;
            Some((slot, known))
        })
    }

    /// How many runs of the sketch each article holds that shares at least `shared_min`; most first, then oldest
    /// first.
    pub(super) fn shared(&self, sketch: &[u32], shared_min: u32) -> Vec<(u32, &Known)> {
        let mut slots: Vec<u32> = Vec::with_capacity(sketch.len());
        for &run in sketch {
            let before = slots.len();
            slots.extend(self.holders(run).map(|(slot, _)| slot).take(HOLDERS_MAX + 1));
            if slots.len() - before > HOLDERS_MAX {
                slots.truncate(before);
            }
        }
        slots.sort_unstable();
        let mut counted: Vec<(u32, u32)> = Vec::new();
        for group in slots.chunk_by(|a, b| a == b) {
            let shared = u32::try_from(group.len()).unwrap_or(u32::MAX);
            if let Some(&slot) = group.first()
                && shared >= shared_min
            {
                counted.push((shared, slot));
            }
        }
        counted.sort_unstable_by_key(|&(shared, slot)| (std::cmp::Reverse(shared), slot));
        let known = |slot: u32| self.known.get(slot.checked_sub(self.first)? as usize);
        counted.into_iter().filter_map(|(shared, slot)| Some((shared, known(slot)?))).collect()
    }

    fn slots(&self, run: u32) -> impl Iterator<Item = u32> {
        /// Compared at once.
        const LANE: usize = 32;
        let (drawer, half) = halves(run);
        let (lower, slots) = self
            .drawers
            .get(drawer)
            .map_or((&[][..], &[][..]), |drawer| (drawer.halves.as_slice(), drawer.slots.as_slice()));
        lower
            .chunks(LANE)
            .zip(slots.chunks(LANE))
            // without a branch in the loop, so that it becomes a few vector instructions
            .filter(move |(lane, _)| lane.iter().fold(0, |any, &lower| any | u8::from(lower == half)) != 0)
            .flat_map(move |(lane, slots)| lane.iter().zip(slots).filter(move |(lower, _)| **lower == half))
            .map(|(_, &slot)| slot)
    }

    fn renumber_in_time(&mut self) {
        if self.first >= SLOT_FIRST_MAX {
            self.renumber();
        }
    }

    /// Numbers the slots from 0 again.
    fn renumber(&mut self) {
        for drawer in &mut self.drawers {
            drawer.forget_before(self.first);
            drawer.slots.iter_mut().for_each(|slot| *slot -= self.first);
        }
        self.first = 0;
    }
}

/// Drawer, and what is kept in it.
fn halves(run: u32) -> (usize, u16) {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
    let lower = run as u16;
    // by the upper half, since sampled hashes end in zeros
    ((run >> 16) as usize, lower)
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
    fn an_article_takes_at_most_500_bytes() {
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
        assert!(index.memory_bytes() / index.len() <= 500, "{} bytes", index.memory_bytes() / index.len());
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
                lived.renumber();
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
