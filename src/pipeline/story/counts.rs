//! Document frequencies: the shipped table of English plus what the window holds.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use rayon::prelude::*;

use super::{
    terms::{FixedState, part, spread},
    vector::{Loaded, take_varint},
};
use crate::pipeline::grouped::{GROUPS, Grouped};

/// Number of documents, then pairs of term (as difference to the one before) and documents with it; zstd.
/// Written by `examples/train_stories.rs`.
static SHIPPED: &[u8] = include_bytes!("../../../models/df_en.zst");
/// Bytes of the table after decompression, at most.
const SHIPPED_BYTES_MAX: usize = 4 << 20;

/// Steps of the inverse document frequency to 1.
const IDF_SCALE: f64 = 16.0;
/// Frequencies below this have their logarithm in a table.
const TABLED: u32 = 4096;

/// Terms are filed by their upper half, so that only the lower half is kept with each.
const DRAWERS: usize = 1 << 16;

/// In place of a count that two bytes do not hold; it stands in `many`.
const MANY: u16 = u16::MAX;

/// Lower halves of terms in order, and how many documents have each.
type Drawer = Vec<(u16, u16)>;

#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    documents: u32,
    /// By the upper half of the term.
    drawers: Vec<Drawer>,
    /// By the term's upper byte: what `MANY` stands for.
    many: Vec<BTreeMap<u32, u32>>,
}

/// The shipped table.
#[derive(Debug, Default)]
struct Shipped {
    counts: Counts,
    /// What its terms weigh by it.
    weights: HashMap<u32, u8, FixedState>,
    /// What all others do.
    unknown: u8,
}

static TABLE: LazyLock<Shipped> = LazyLock::new(|| read(SHIPPED).unwrap_or_default());

fn read(packed: &[u8]) -> Option<Shipped> {
    let bytes = zstd::bulk::decompress(packed, SHIPPED_BYTES_MAX).ok()?;
    let mut rest = bytes.as_slice();
    let documents = take_varint(&mut rest)?;
    let weight = |with| weight((f64::from(documents) + 1.0).ln(), with);
    let counts =
        Counts { documents, drawers: vec![Vec::new(); DRAWERS], many: vec![BTreeMap::new(); GROUPS] };
    let mut shipped = Shipped { counts, weights: HashMap::default(), unknown: weight(0) };
    let mut term = 0_u32;
    while !rest.is_empty() {
        term = term.checked_add(take_varint(&mut rest)?)?;
        let with = take_varint(&mut rest)?;
        if let Some((drawer, many)) = shipped.counts.drawer(term) {
            set(drawer, many, term, |_| with);
        }
        shipped.weights.insert(term, weight(with));
    }
    Some(shipped)
}

/// Changes how many documents have a term; of none nothing is kept.
fn set(drawer: &mut Drawer, many: &mut BTreeMap<u32, u32>, term: u32, to: impl Fn(u32) -> u32) {
    let (_, half) = halves(term);
    let found = drawer.binary_search_by_key(&half, |(other, _)| *other);
    let before = found.ok().and_then(|place| Some(drawer.get(place)?.1)).unwrap_or(0);
    let count = to(if before == MANY { many.get(&term).copied().unwrap_or(0) } else { u32::from(before) });
    let small = u16::try_from(count).unwrap_or(MANY);
    if small == MANY {
        many.insert(term, count);
    } else if before == MANY {
        many.remove(&term);
    }
    match found {
        Ok(place) if small == 0 => {
            drawer.remove(place);
        }
        Ok(place) => {
            if let Some((_, with)) = drawer.get_mut(place) {
                *with = small;
            }
        }
        Err(_) if small == 0 => {}
        Err(place) => {
            if drawer.len() == drawer.capacity() {
                // a Vec doubles by itself: in the mean a quarter would stand empty
                drawer.reserve_exact(drawer.len() / 8 + 2);
            }
            drawer.insert(place, (half, small));
        }
    }
}

/// Drawer, and what is kept in it.
fn halves(term: u32) -> (usize, u16) {
    let [a, b, c, d] = spread(term).to_be_bytes();
    (u16::from_be_bytes([a, b]).into(), u16::from_be_bytes([c, d]))
}

static LOGARITHMS: LazyLock<Vec<f64>> =
    LazyLock::new(|| (0..TABLED).map(|with| (f64::from(with) + 0.5).ln()).collect());

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest byte"
)]
fn byte(value: f64) -> u8 {
    (value + 0.5) as u8
}

/// What a term weighs by the shipped table alone, in 16ths.
pub(super) fn shipped_weight(term: u32) -> u8 {
    TABLE.weights.get(&term).copied().unwrap_or(TABLE.unknown)
}

/// Of a term that so many of all documents have, given the logarithm of their number.
fn weight(all: f64, with: u32) -> u8 {
    let log = LOGARITHMS.get(with as usize).copied();
    let idf = all - log.unwrap_or_else(|| (f64::from(with) + 0.5).ln());
    byte(idf * IDF_SCALE)
}

impl Counts {
    /// The shipped table.
    pub(super) fn shipped() -> Self {
        TABLE.counts.clone()
    }

    /// The shipped table, to read.
    pub(super) fn shipped_ref() -> &'static Self {
        &TABLE.counts
    }

    pub(super) fn idf(&self, term: u32) -> f64 {
        ((f64::from(self.documents) + 1.0) / (f64::from(self.with(term)) + 0.5)).ln()
    }

    /// The same in 16ths, of each of these terms.
    pub(super) fn weights(&self, terms: impl Iterator<Item = u32>) -> Vec<u8> {
        let all = (f64::from(self.documents) + 1.0).ln();
        // Drawers lie far apart in memory: all are found before the first is looked into, so that the waits overlap.
        let found: Vec<(u32, &[(u16, u16)])> = terms.map(|term| (term, self.drawer_of(term))).collect();
        found.into_iter().map(|(term, drawer)| weight(all, self.within(drawer, term))).collect()
    }

    /// How many documents have a term.
    fn with(&self, term: u32) -> u32 {
        self.within(self.drawer_of(term), term)
    }

    fn drawer_of(&self, term: u32) -> &[(u16, u16)] {
        let (drawer, _) = halves(term);
        self.drawers.get(drawer).map_or(&[], Vec::as_slice)
    }

    fn within(&self, drawer: &[(u16, u16)], term: u32) -> u32 {
        let (_, half) = halves(term);
        let found = drawer.binary_search_by_key(&half, |(other, _)| *other).ok();
        match found.and_then(|place| drawer.get(place)) {
            Some((_, MANY)) => {
                let many = self.many.get(usize::from(part(term)));
                many.and_then(|many| many.get(&term)).copied().unwrap_or(0)
            }
            found => found.map_or(0, |(_, with)| u32::from(*with)),
        }
    }

    fn drawer(&mut self, term: u32) -> Option<(&mut Drawer, &mut BTreeMap<u32, u32>)> {
        let (drawer, _) = halves(term);
        Some((self.drawers.get_mut(drawer)?, self.many.get_mut(usize::from(part(term)))?))
    }

    pub(super) fn add(&mut self, loaded: &Loaded) {
        self.documents = self.documents.saturating_add(1);
        for entry in loaded.entries() {
            if let Some((drawer, many)) = self.drawer(entry.term) {
                set(drawer, many, entry.term, |with| with.saturating_add(1));
            }
        }
    }

    /// The same for many articles.
    pub(super) fn add_all<'a>(&mut self, all: impl Iterator<Item = &'a Loaded>) {
        let mut terms = Vec::new();
        for loaded in all {
            self.documents = self.documents.saturating_add(1);
            terms.extend(loaded.entries().iter().map(|entry| entry.term));
        }
        let grouped = Grouped::by(&terms, |term| part(*term));
        let cabinets = self.drawers.par_chunks_mut(DRAWERS / GROUPS).zip(&mut self.many);
        cabinets.zip(grouped.groups()).for_each(|((drawers, many), terms)| {
            for term in terms {
                let (drawer, _) = halves(*term);
                if let Some(drawer) = drawers.get_mut(drawer % (DRAWERS / GROUPS)) {
                    set(drawer, many, *term, |with| with.saturating_add(1));
                }
            }
        });
    }

    pub(super) fn subtract(&mut self, loaded: &Loaded) {
        self.documents = self.documents.saturating_sub(1);
        for entry in loaded.entries() {
            if let Some((drawer, many)) = self.drawer(entry.term) {
                set(drawer, many, entry.term, |with| with.saturating_sub(1));
            }
        }
    }

    /// Memory taken, in bytes, without the few counts that are large.
    pub(super) fn memory_bytes(&self) -> usize {
        let counts: usize = self.drawers.iter().map(Vec::capacity).sum();
        counts * size_of::<(u16, u16)>() + self.drawers.capacity() * size_of::<Drawer>()
    }

    pub(super) fn checksum(&self) -> u64 {
        let numbered = self.drawers.iter().zip(0_u64..);
        let all = numbered.flat_map(|(drawer, number)| {
            drawer.iter().map(move |(half, with)| {
                (number << 48 | u64::from(*half) << 32 | u64::from(*with)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            })
        });
        let many = self.many.iter().flatten();
        let many = many.map(|(term, with)| u64::from(*term) << 32 | u64::from(*with));
        all.chain(many).fold(u64::from(self.documents), u64::wrapping_add)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn large_counts_are_counts_too(steps in proptest::collection::vec((0..3_u32, 0..5_usize), 0..60)) {
            const COUNTS: [u32; 5] = [0, 1, 65_534, 65_535, 4_000_000];
            let mut counts =
                Counts { documents: 0, drawers: vec![Vec::new(); DRAWERS], many: vec![BTreeMap::new(); GROUPS] };
            let mut expected = BTreeMap::new();
            for (term, count) in steps {
                let term = term << 14;
                let (drawer, many) = counts.drawer(term).unwrap();
                set(drawer, many, term, |_| COUNTS[count]);
                expected.insert(term, COUNTS[count]);
            }
            for (term, count) in &expected {
                prop_assert_eq!(counts.with(*term), *count);
            }
            let large = expected.values().filter(|count| **count >= 65_535).count();
            prop_assert_eq!(counts.many.iter().flatten().count(), large);
        }
    }
}
