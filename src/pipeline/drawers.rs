//! Which articles have something that is known by a hash: a run of words, or a term with its weight. About four and a half
//! bytes for each, and what is kept with it.

use rayon::prelude::*;

use crate::pipeline::grouped::{GROUPS, Grouped};

/// Hashes are filed by their upper half, so that only the lower half is kept with each.
const DRAWERS: usize = 1 << 16;

/// What one block holds: so many that what stands once for all of them is little, so few that the last one, half empty in
/// the mean, is little too.
const BLOCK: usize = 16;

/// Some hashes of articles that lie near each other, oldest first. Numbers count from the block's first.
#[derive(Clone, Copy, Debug)]
struct Block<W> {
    /// Lower half of the first article's number.
    first: u32,
    halves: [u16; BLOCK],
    behind: [u16; BLOCK],
    weights: [W; BLOCK],
    length: u8,
}

/// A hash of an article: its lower half, the lower half of the article's number, what is kept with it.
type Filed<W> = (u16, u32, W);

impl<W: Copy> Block<W> {
    fn new((half, low, weight): Filed<W>) -> Self {
        let mut block =
            Self { first: low, halves: [0; BLOCK], behind: [0; BLOCK], weights: [weight; BLOCK], length: 0 };
        block.push((half, low, weight));
        block
    }

    /// False where there is no room for it.
    fn push(&mut self, (half, low, weight): Filed<W>) -> bool {
        let place = usize::from(self.length);
        let Ok(behind) = u16::try_from(low.wrapping_sub(self.first)) else { return false };
        let (Some(halves), Some(behinds), Some(weights)) =
            (self.halves.get_mut(place), self.behind.get_mut(place), self.weights.get_mut(place))
        else {
            return false;
        };
        (*halves, *behinds, *weights) = (half, behind, weight);
        self.length += 1;
        true
    }

    fn last(&self) -> u32 {
        let last = usize::from(self.length).checked_sub(1).and_then(|last| self.behind.get(last));
        self.first.wrapping_add(last.copied().unwrap_or(0).into())
    }

    fn filed(&self) -> impl DoubleEndedIterator<Item = Filed<W>> {
        let length = usize::from(self.length);
        let (halves, behind) = (self.halves.get(..length), self.behind.get(..length));
        let (halves, behind) = (halves.unwrap_or_default(), behind.unwrap_or_default());
        let weights = self.weights.get(..length).unwrap_or_default();
        let all = halves.iter().zip(behind).zip(weights);
        all.map(|((half, behind), weight)| (*half, self.first.wrapping_add(u32::from(*behind)), *weight))
    }

    /// Whether a hash may be among them; in a few vector instructions, for it has no branch.
    fn may_have(&self, half: u16) -> bool {
        self.halves.iter().fold(0, |any, other| any | u8::from(*other == half)) != 0
    }

    fn remove(&mut self, place: usize) {
        let length = usize::from(self.length);
        self.halves.copy_within(place + 1..length, place);
        self.behind.copy_within(place + 1..length, place);
        self.weights.copy_within(place + 1..length, place);
        self.length -= 1;
    }
}

/// The blocks of one sixty-five-thousandth of all hashes.
#[derive(Clone, Debug)]
struct Drawer<W>(Vec<Block<W>>);

impl<W: Copy> Drawer<W> {
    /// Takes one in; of numbers before `first` nothing is wanted any more.
    fn put(&mut self, filed: Filed<W>, first: u32) {
        let Self(blocks) = self;
        if let Some(last) = blocks.last_mut() {
            if is_before(filed.1, last.last()) {
                self.put_among(filed, first);
                return;
            }
            if last.push(filed) {
                return;
            }
        }
        if blocks.len() == blocks.capacity() {
            // what is not wanted any more makes room: no sweep over all drawers is ever needed
            let gone = blocks.partition_point(|block| is_before(block.last(), first));
            blocks.drain(..gone);
        }
        if blocks.len() == blocks.capacity() {
            // a Vec doubles by itself: in the mean a quarter would stand empty
            blocks.reserve_exact(blocks.len() / 8 + 1);
        }
        blocks.push(Block::new(filed));
    }

    /// For what comes late: all is filed anew.
    fn put_among(&mut self, filed: Filed<W>, first: u32) {
        let mut all: Vec<Filed<W>> = self.0.iter().flat_map(Block::filed).collect();
        let place = all.partition_point(|other| is_before(other.1, filed.1));
        all.insert(place, filed);
        self.0.clear();
        for filed in all {
            self.put(filed, first);
        }
    }

    fn remove(&mut self, half: u16, low: u32) {
        let Self(blocks) = self;
        let from = blocks.partition_point(|block| is_before(block.last(), low));
        for at in from..blocks.len() {
            let Some(block) = blocks.get_mut(at).filter(|block| !is_before(low, block.first)) else { return };
            let place = block.filed().position(|(other, other_low, _)| (other, other_low) == (half, low));
            let Some(place) = place else { continue };
            block.remove(place);
            if block.length == 0 {
                blocks.remove(at);
            }
            if blocks.is_empty() {
                *blocks = Vec::new();
            }
            return;
        }
    }

    /// Oldest first.
    fn of(&self, half: u16) -> impl DoubleEndedIterator<Item = (u32, W)> {
        let with = self.0.iter().filter(move |block| block.may_have(half));
        let own = with.flat_map(Block::filed);
        own.filter(move |(other, ..)| *other == half).map(|(_, low, weight)| (low, weight))
    }
}

/// Numbers that lie near each other are compared by their lower halves.
fn is_before(one: u32, other: u32) -> bool {
    one != other && other.wrapping_sub(one) < 1 << 31
}

/// Hashes with the articles that have them. Numbers of articles stand in it by their lower halves: those of a window are
/// near each other.
#[derive(Clone, Debug)]
pub(super) struct Drawers<W>(Vec<Drawer<W>>);

impl<W: Copy> Default for Drawers<W> {
    fn default() -> Self {
        Self(vec![Drawer(Vec::new()); DRAWERS])
    }
}

impl<W: Copy + Send + Sync> Drawers<W> {
    /// Takes one in. What has a number before `first` makes room.
    pub(super) fn put(&mut self, (hash, low, weight): (u32, u32, W), first: u32) {
        let (drawer, half) = halves(hash);
        if let Some(drawer) = self.0.get_mut(drawer) {
            drawer.put((half, low, weight), first);
        }
    }

    /// The same for many, drawer by drawer; in the order of the articles.
    pub(super) fn put_all(&mut self, all: &[(u32, u32, W)], first: u32) {
        let grouped = Grouped::by(all, |(hash, ..)| hash.to_be_bytes()[0]);
        let cabinets = self.0.par_chunks_mut(DRAWERS / GROUPS);
        cabinets.zip(grouped.groups()).for_each(|(drawers, all)| {
            for (hash, low, weight) in all {
                let (drawer, half) = halves(*hash);
                if let Some(drawer) = drawers.get_mut(drawer % (DRAWERS / GROUPS)) {
                    drawer.put((half, *low, *weight), first);
                }
            }
        });
    }

    pub(super) fn remove(&mut self, hash: u32, low: u32) {
        let (drawer, half) = halves(hash);
        if let Some(drawer) = self.0.get_mut(drawer) {
            drawer.remove(half, low);
        }
    }

    /// The articles that have a hash, oldest first.
    pub(super) fn of(&self, hash: u32) -> impl DoubleEndedIterator<Item = (u32, W)> {
        let (drawer, half) = halves(hash);
        self.0.get(drawer).into_iter().flat_map(move |drawer| drawer.of(half))
    }

    /// Memory taken, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        let blocks: usize = self.0.iter().map(|drawer| drawer.0.capacity()).sum();
        blocks * size_of::<Block<W>>() + self.0.capacity() * size_of::<Drawer<W>>()
    }

    /// The same for the same hashes of the same articles.
    pub(super) fn checksum(&self) -> u64
    where
        W: Into<u64>,
    {
        let filed = self.0.iter().zip(0_u64..).flat_map(|(drawer, number)| {
            drawer.0.iter().flat_map(Block::filed).map(move |(half, low, weight)| {
                let key = number << 48 | u64::from(half) << 32 | u64::from(low);
                (key ^ weight.into().rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            })
        });
        filed.fold(0, u64::wrapping_add)
    }
}

/// Drawer, and what is kept in it.
fn halves(hash: u32) -> (usize, u16) {
    let [a, b, c, d] = hash.to_be_bytes();
    (u16::from_be_bytes([a, b]).into(), u16::from_be_bytes([c, d]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_hold_what_was_put_and_not_removed(
            steps in proptest::collection::vec((any::<bool>(), 0..6_u32, 0..90_u32, 0..3_u32), 0..400),
        ) {
            let mut drawers = Drawers::default();
            let mut lists: BTreeMap<u32, BTreeMap<u32, u8>> = BTreeMap::new();
            for (put, term, low, far) in steps {
                // Some stand in one drawer, some far from the others, and the numbers pass 2^32.
                let (term, place) = (term << 14, low + far * 70_000);
                let low = place.wrapping_sub(50);
                if put && lists.entry(term).or_default().insert(place, 7).is_none() {
                    drawers.put((term, low, 7_u8), 0_u32.wrapping_sub(50));
                } else if !put && lists.entry(term).or_default().remove(&place).is_some() {
                    drawers.remove(term, low);
                }
            }
            for (term, list) in &lists {
                let expected: Vec<_> =
                    list.iter().map(|(place, weight)| (place.wrapping_sub(50), *weight)).collect();
                prop_assert_eq!(drawers.of(*term).collect::<Vec<_>>(), expected);
            }
            let mut at_once = Drawers::default();
            let mut all: Vec<_> = lists
                .iter()
                .flat_map(|(term, list)| list.iter().map(|(place, weight)| (*place, *term, *weight)))
                .collect();
            all.sort_unstable();
            let all: Vec<_> =
                all.into_iter().map(|(place, term, weight)| (term, place.wrapping_sub(50), weight)).collect();
            at_once.put_all(&all, 0_u32.wrapping_sub(50));
            prop_assert_eq!(at_once.checksum(), drawers.checksum());
        }
    }
}
