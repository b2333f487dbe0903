//! Document frequencies: the shipped table of English plus what the window holds.

use std::{collections::HashMap, sync::LazyLock};

use rayon::prelude::*;

use super::{
    terms::{FixedState, part},
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

#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    documents: u32,
    /// By the upper byte of the term, see [`part`].
    terms: Vec<HashMap<u32, Count, FixedState>>,
    /// What a term that the shipped table does not have weighs by that table.
    unknown: u8,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// Documents that have the term.
    with: u32,
    /// What it weighs by the shipped table.
    shipped: u8,
}

/// What a term weighs, in 16ths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    /// By the shipped table and the window.
    pub(super) now: u8,
    /// By the shipped table alone.
    pub(super) shipped: u8,
}

static TABLE: LazyLock<Counts> = LazyLock::new(|| read(SHIPPED).unwrap_or_default());

fn read(packed: &[u8]) -> Option<Counts> {
    let bytes = zstd::bulk::decompress(packed, SHIPPED_BYTES_MAX).ok()?;
    let mut rest = bytes.as_slice();
    let documents = take_varint(&mut rest)?;
    let weight = |with| weight((f64::from(documents) + 1.0).ln(), with);
    let terms = vec![HashMap::default(); GROUPS];
    let mut counts = Counts { documents, terms, unknown: weight(0) };
    let mut term = 0_u32;
    while !rest.is_empty() {
        term = term.checked_add(take_varint(&mut rest)?)?;
        let with = take_varint(&mut rest)?;
        if let Some(part) = counts.terms.get_mut(usize::from(part(term))) {
            part.insert(term, Count { with, shipped: weight(with) });
        }
    }
    Some(counts)
}

static LOGARITHMS: LazyLock<Vec<f64>> =
    LazyLock::new(|| (0..TABLED).map(|with| (f64::from(with) + 0.5).ln()).collect());

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest byte"
)]
fn byte(value: f64) -> u8 {
    value.round() as u8
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
        TABLE.clone()
    }

    /// The shipped table, to read.
    pub(super) fn shipped_ref() -> &'static Self {
        &TABLE
    }

    pub(super) fn idf(&self, term: u32) -> f64 {
        let with = self.count(term).map_or(0, |count| count.with);
        ((f64::from(self.documents) + 1.0) / (f64::from(with) + 0.5)).ln()
    }

    /// The same in 16ths, for all terms of an article.
    pub(super) fn weights(&self) -> impl Fn(u32) -> Weight {
        let all = (f64::from(self.documents) + 1.0).ln();
        move |term| {
            let unknown = Count { with: 0, shipped: self.unknown };
            let Count { with, shipped } = self.count(term).unwrap_or(unknown);
            Weight { now: weight(all, with), shipped }
        }
    }

    fn count(&self, term: u32) -> Option<Count> {
        self.terms.get(usize::from(part(term)))?.get(&term).copied()
    }

    pub(super) fn add(&mut self, loaded: &Loaded) {
        self.documents = self.documents.saturating_add(1);
        let unknown = Count { with: 0, shipped: self.unknown };
        for entry in loaded.entries() {
            if let Some(counts) = self.terms.get_mut(usize::from(part(entry.term))) {
                counts.entry(entry.term).or_insert(unknown).with += 1;
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
        let unknown = Count { with: 0, shipped: self.unknown };
        let grouped = Grouped::by(&terms, |term| part(*term));
        self.terms.par_iter_mut().zip(grouped.groups()).for_each(|(counts, terms)| {
            for term in terms {
                counts.entry(*term).or_insert(unknown).with += 1;
            }
        });
    }

    pub(super) fn subtract(&mut self, loaded: &Loaded) {
        self.documents = self.documents.saturating_sub(1);
        for entry in loaded.entries() {
            let Some(counts) = self.terms.get_mut(usize::from(part(entry.term))) else { continue };
            if let Some(count) = counts.get_mut(&entry.term) {
                count.with = count.with.saturating_sub(1);
                if count.with == 0 {
                    counts.remove(&entry.term);
                }
            }
        }
    }

    pub(super) fn checksum(&self) -> u64 {
        let sum = self.terms.iter().flatten().fold(0_u64, |sum, (term, count)| {
            sum.wrapping_add(
                (u64::from(*term) << 32 | u64::from(count.with)).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            )
        });
        sum ^ u64::from(self.documents)
    }
}
