//! Which articles share weighty words, and how like each other the latest articles are in general.
//! Both depend only on the members that are in, not on how they came to be.

use std::collections::{HashMap, VecDeque};

use super::{
    model,
    terms::{FixedState, spread},
    vector::{Loaded, VIEWS},
};
use crate::{
    article::Id,
    pipeline::{drawers::Drawers, roll::lower},
};

/// Heaviest terms by which an article is found.
const INDEXED_TERMS: usize = 40;
/// Heaviest terms by which others are looked for.
const SOUGHT_TERMS: usize = 40;
/// Latest articles of one term that are looked at.
const POSTINGS_MAX: usize = 160;
/// Articles looked at for one article, all terms together.
const VISITS_MAX: usize = 1_024;
/// Latest articles that serve as background.
pub(super) const RING: usize = 128;
/// Weight of the shipped background, in articles.
const SHIPPED_WEIGHT: f64 = 64.0;
/// A cosine counts at most so many of the shipped spreads, so that articles of the own story are not background.
const SPREADS_MAX: f64 = 4.0;

/// Numbers of the window's articles lie at most so far apart.
const SPAN: u32 = 1 << 30;

/// Which articles have a term among their heaviest.
#[derive(Debug, Default)]
pub(super) struct Postings {
    terms: Drawers<u8>,
}

impl Postings {
    pub(super) fn add(&mut self, seq: u64, loaded: &Loaded) {
        for (term, weight) in indexed(loaded) {
            self.terms.put((spread(term), lower(seq), weight), lower(seq).wrapping_sub(SPAN));
        }
    }

    /// The same for many articles: term as filed, lower half of the number, and weight of each of their indexed terms.
    pub(super) fn add_all(&mut self, postings: &[(u32, u32, u8)]) {
        let latest = postings.last().map_or(0, |(_, low, _)| *low);
        self.terms.put_all(postings, latest.wrapping_sub(SPAN));
    }

    pub(super) fn remove(&mut self, seq: u64, loaded: &Loaded) {
        for (term, _) in indexed(loaded) {
            self.terms.remove(spread(term), lower(seq));
        }
    }

    /// The articles that share most, at most so many, best first; of equals the later one first. `latest` is
    /// none of them or the last.
    pub(super) fn nearest(&self, loaded: &Loaded, latest: u64, max: usize) -> Vec<u64> {
        let mut shares = Shares::new();
        let mut visits = VISITS_MAX;
        for (term, weight) in loaded.heaviest(SOUGHT_TERMS) {
            let postings = self.terms.of(spread(term)).rev().take(POSTINGS_MAX.min(visits));
            postings.for_each(|(low, theirs)| {
                let behind = lower(latest).wrapping_sub(low);
                shares.add(latest.wrapping_sub(u64::from(behind)), u32::from(weight) * u32::from(theirs));
                visits -= 1;
            });
        }
        let mut found: Vec<(u32, u64)> = shares.0.into_iter().filter(|(share, _)| *share > 0).collect();
        if found.len() > max {
            found.select_nth_unstable_by(max, |a, b| b.cmp(a));
            found.truncate(max);
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.into_iter().map(|(_, seq)| seq).collect()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.terms.memory_bytes()
    }

    pub(super) fn checksum(&self) -> u64 {
        self.terms.checksum()
    }
}

/// Terms by which an article is found, with their weights.
pub(super) fn indexed(loaded: &Loaded) -> Vec<(u32, u8)> {
    loaded.heaviest(INDEXED_TERMS)
}

/// What articles share, by their numbers: twice as many places as visits, so that a free one is near.
struct Shares(Vec<(u32, u64)>);

impl Shares {
    const PLACES: usize = (2 * VISITS_MAX).next_power_of_two();

    fn new() -> Self {
        Self(vec![(0, 0); Self::PLACES])
    }

    fn add(&mut self, seq: u64, share: u32) {
        let [.., a, b] = seq.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        let mut at = usize::from(u16::from_le_bytes([a, b])) % Self::PLACES;
        while let Some(place) = self.0.get_mut(at) {
            if place.0 == 0 || place.1 == seq {
                *place = (place.0 + share, seq);
                return;
            }
            at = (at + 1) % Self::PLACES;
        }
    }
}

/// Mean and spread of something's cosines to the latest articles: all words, names.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Normal {
    /// Means.
    pub mean: [f64; 2],
    /// Standard deviations.
    pub spread: [f64; 2],
}

impl Normal {
    /// How far cosines stand out, in standard deviations: all words, names.
    pub fn stand_out(&self, [all, _, _, names]: &[f64; VIEWS]) -> [f64; 2] {
        let mut out = [0.0; 2];
        for (((out, cosine), mean), spread) in
            out.iter_mut().zip([all, names]).zip(self.mean).zip(self.spread)
        {
            *out = (cosine - mean) / (spread + model::SPREAD_MIN);
        }
        out
    }
}

/// Lists that the terms of the latest articles are spread over; a power of two.
const BUCKETS: usize = 4096;

/// One term of one of the latest articles: its weight among all words and among the names.
#[derive(Clone, Copy, Debug)]
struct Posting {
    term: u32,
    slot: u16,
    weights: [u8; 2],
}

/// One of the latest articles.
#[derive(Clone, Copy, Debug)]
struct Latest {
    seq: u64,
    story: Id,
    /// Place in the sums.
    slot: u16,
    inverse_lengths: [f64; 2],
}

/// The latest articles.
#[derive(Debug)]
pub(super) struct Ring {
    /// Oldest first.
    latest: VecDeque<Latest>,
    /// Story → how many of the latest articles it has.
    stories: HashMap<Id, u32, FixedState>,
    /// Short lists beside each other are read faster than a map of lists.
    buckets: Vec<Vec<Posting>>,
    free: Vec<u16>,
}

impl Default for Ring {
    fn default() -> Self {
        Self {
            latest: VecDeque::new(),
            stories: HashMap::default(),
            buckets: vec![Vec::new(); BUCKETS],
            free: Vec::new(),
        }
    }
}

impl Ring {
    pub(super) fn add(&mut self, seq: u64, story: Id, loaded: &Loaded) {
        let next = u16::try_from(self.latest.len()).unwrap_or(u16::MAX);
        let slot = self.free.pop().unwrap_or(next);
        for entry in loaded.entries() {
            if let Some(bucket) = self.buckets.get_mut(entry.term as usize % BUCKETS) {
                let [all, _, _, names] = entry.weights;
                bucket.push(Posting { term: entry.term, slot, weights: [all, names] });
            }
        }
        *self.stories.entry(story).or_default() += 1;
        let place = self.latest.partition_point(|other| other.seq < seq);
        self.latest.insert(place, Latest { seq, story, slot, inverse_lengths: inverse_lengths(loaded) });
    }

    /// The article that is one too many.
    pub(super) fn overflow(&self) -> Option<u64> {
        (self.latest.len() > RING).then(|| self.front()).flatten()
    }

    pub(super) fn front(&self) -> Option<u64> {
        self.latest.front().map(|oldest| oldest.seq)
    }

    pub(super) fn remove(&mut self, seq: u64, loaded: &Loaded) -> bool {
        let place = self.latest.partition_point(|other| other.seq < seq);
        if self.latest.get(place).is_none_or(|other| other.seq != seq) {
            return false;
        }
        let Some(Latest { slot, story, .. }) = self.latest.remove(place) else { return false };
        for entry in loaded.entries() {
            let Some(bucket) = self.buckets.get_mut(entry.term as usize % BUCKETS) else { continue };
            let own = |posting: &Posting| posting.slot == slot && posting.term == entry.term;
            if let Some(place) = bucket.iter().position(own) {
                bucket.swap_remove(place);
            }
        }
        if let Some(count) = self.stories.get_mut(&story) {
            *count -= 1;
            if *count == 0 {
                self.stories.remove(&story);
            }
        }
        self.free.push(slot);
        true
    }

    /// How like the latest articles something is, each of them counting the same.
    pub(super) fn normal(&self, loaded: &Loaded) -> Normal {
        self.smoothed(loaded, &self.dots(loaded), |_| 1.0)
    }

    /// The same, and each story counting the same: where the latest articles are a burst of one story, the background
    /// is that of all others.
    pub(super) fn normals(&self, loaded: &Loaded) -> [Normal; 2] {
        let dots = self.dots(loaded);
        let share = |story| f64::from(self.stories.get(&story).copied().unwrap_or(1)).recip();
        [self.smoothed(loaded, &dots, |_| 1.0), self.smoothed(loaded, &dots, share)]
    }

    /// Means and spreads of which neither is greater than what is normal for something: what follows from the shipped
    /// background alone.
    #[expect(clippy::cast_precision_loss, reason = "the latest articles are few")]
    pub(super) fn least(&self, loaded: &Loaded) -> Normal {
        /// For what is lost in rounding.
        const NEARLY_ONE: f64 = 1.0 - 1e-9;
        let (means, spreads) = model::background(loaded.regime().0);
        let shipped = NEARLY_ONE * SHIPPED_WEIGHT / (SHIPPED_WEIGHT + self.latest.len() as f64);
        Normal {
            mean: means.map(|mean| mean * shipped),
            spread: spreads.map(|spread| spread * shipped.sqrt()),
        }
    }

    /// Products with each of the latest articles: all words, names.
    fn dots(&self, loaded: &Loaded) -> [[u32; 2]; RING + 2] {
        let mut dots = [[0_u32; 2]; RING + 2];
        for entry in loaded.entries() {
            let [all, _, _, names] = entry.weights.map(u32::from);
            for posting in self.buckets.get(entry.term as usize % BUCKETS).into_iter().flatten() {
                // which of a list's terms is this one cannot be foreseen: the others count nothing, without a branch
                let same = u32::from(posting.term == entry.term);
                if let Some(dots) = dots.get_mut(usize::from(posting.slot)) {
                    let [a, b] = posting.weights.map(|weight| u32::from(weight) * same);
                    *dots = [dots[0] + all * a, dots[1] + names * b];
                }
            }
        }
        dots
    }

    /// Mean and spread of the cosines, smoothed by the shipped background; `share` is what an article of a story counts.
    fn smoothed(&self, loaded: &Loaded, dots: &[[u32; 2]; RING + 2], share: impl Fn(Id) -> f64) -> Normal {
        let (means, spreads) = model::background(loaded.regime().0);
        let own = inverse_lengths(loaded);
        let mut number = SHIPPED_WEIGHT;
        let mut sums = means.map(|mean| mean * SHIPPED_WEIGHT);
        let mut squares = [0.0; 2];
        let mut most = means;
        for (((square, most), mean), spread) in squares.iter_mut().zip(&mut most).zip(means).zip(spreads) {
            *square = (mean * mean + spread * spread) * SHIPPED_WEIGHT;
            *most += SPREADS_MAX * spread;
        }
        for Latest { slot, inverse_lengths: theirs, story, .. } in &self.latest {
            let share = share(*story);
            number += share;
            let Some(dots) = dots.get(usize::from(*slot)) else { continue };
            let sums = sums.iter_mut().zip(&mut squares).zip(most);
            for (((sum, square), most), ((dot, own), theirs)) in sums.zip(dots.iter().zip(own).zip(theirs)) {
                let cosine = (f64::from(*dot) * own * theirs).min(most);
                *sum += cosine * share;
                *square += cosine * cosine * share;
            }
        }
        let mut normal = Normal::default();
        for (((mean, spread), sum), square) in
            normal.mean.iter_mut().zip(&mut normal.spread).zip(sums).zip(squares)
        {
            *mean = sum / number;
            *spread = (square / number - *mean * *mean).max(0.0).sqrt();
        }
        normal
    }

    pub(super) fn checksum(&self) -> u64 {
        let sum =
            self.latest.iter().fold(0_u64, |sum, Latest { seq, story, inverse_lengths: lengths, .. }| {
                (sum.rotate_left(9)
                    ^ seq
                    ^ story.0
                    ^ lengths[0].to_bits()
                    ^ lengths[1].to_bits().rotate_left(1))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            });
        sum ^ self.buckets.iter().map(|postings| postings.len() as u64).sum::<u64>()
    }
}

fn inverse_lengths(loaded: &Loaded) -> [f64; 2] {
    let [all, _, _, names] = loaded.squares();
    [all, names].map(|square| if square == 0 { 0.0 } else { 1.0 / f64::from(square).sqrt() })
}
