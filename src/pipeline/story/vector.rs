//! An article's words as small integers: frozen at arrival, exact through the store, compared by integer arithmetic.

use super::{terms::Features, weight::Weights};

/// Number of views.
pub const VIEWS: usize = 4;
/// Heaviest words that are kept of an article.
const WORDS_MAX: usize = 160;
/// Heaviest names that are kept of an article.
const NAMES_MAX: usize = 40;
/// Weight of a view that consists of a single term.
const UNIT: f32 = 255.0;

/// The ways in which an article is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Title twice and body.
    All,
    /// Title twice and the body's beginning.
    Lead,
    /// The title alone.
    Title,
    /// Names.
    Names,
}

/// An article's weightiest words: term, inverse document frequency at arrival, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vector {
    /// Body words that were read, at most 300.
    pub length: u16,
    /// Whether there is hardly a body.
    pub headline: bool,
    words: Vec<Word>,
    names: Vec<Word>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    term: u32,
    idf: u8,
    /// Of a word: four bits how often in `All`, two in `Lead`, two in `Title`. Of a name: how often.
    often: u8,
}

/// One term of a vector that is ready to be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Hash of the term.
    pub term: u32,
    /// Share of the unit vector in each view, in 255ths.
    pub weights: [u8; VIEWS],
}

/// A vector that is ready to be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    entries: Box<[Entry]>,
    squares: [u32; VIEWS],
    length: u16,
    headline: bool,
}

impl Vector {
    /// The features with the weights that they had at arrival.
    pub fn weighed(features: &Features, weights: &Weights) -> Self {
        Self::of(features, weights.words())
    }

    /// The features with these inverse document frequencies, in the order of `Features::terms`.
    pub(super) fn of(features: &Features, idfs: impl IntoIterator<Item = u8>) -> Self {
        let mut idfs = idfs.into_iter();
        let mut idf = || idfs.next().unwrap_or_default();
        let words = features.words.iter().map(|(term, often)| {
            let [all, lead, title] = *often;
            let often = all.min(15) << 4 | lead.min(3) << 2 | title.min(3);
            (Word { term: *term, idf: idf(), often }, all)
        });
        let words = heaviest(words.collect(), WORDS_MAX);
        let names = features
            .names
            .iter()
            .map(|(term, often)| (Word { term: *term, idf: idf(), often: (*often).min(15) }, *often));
        Self {
            length: features.length,
            headline: features.headline,
            words,
            names: heaviest(names.collect(), NAMES_MAX),
        }
    }

    /// Makes it ready to be compared.
    pub fn load(&self) -> Loaded {
        let mut norms = [0.0_f32; VIEWS];
        for weights in self
            .words
            .iter()
            .map(|word| word.weights())
            .chain(self.names.iter().map(|name| name.name_weights()))
        {
            for (norm, weight) in norms.iter_mut().zip(weights) {
                *norm += weight * weight;
            }
        }
        let norms = norms.map(|norm| if norm > 0.0 { UNIT / norm.sqrt() } else { 0.0 });
        let mut squares = [0_u32; VIEWS];
        let mut entries = Vec::with_capacity(self.words.len() + self.names.len());
        let mut push = |term, weights: [f32; VIEWS]| {
            let mut entry = Entry { term, weights: [0; VIEWS] };
            for (((unit, square), weight), norm) in
                entry.weights.iter_mut().zip(&mut squares).zip(weights).zip(norms)
            {
                *unit = byte(weight * norm);
                *square += u32::from(*unit) * u32::from(*unit);
            }
            entries.push(entry);
        };
        let mut names = self.names.iter().peekable();
        for word in &self.words {
            while let Some(name) = names.next_if(|name| name.term < word.term) {
                push(name.term, name.name_weights());
            }
            push(word.term, word.weights());
        }
        for name in names {
            push(name.term, name.name_weights());
        }
        Loaded { entries: entries.into(), squares, length: self.length, headline: self.headline }
    }

    /// As bytes, about five a term.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 6 * (self.words.len() + self.names.len()));
        let [low, high] = self.length.to_le_bytes();
        bytes.extend([
            u8::from(self.headline),
            low,
            high,
            byte_of(self.words.len()),
            byte_of(self.names.len()),
        ]);
        for words in [&self.words, &self.names] {
            let mut before = 0;
            for word in words {
                put_varint(&mut bytes, word.term.wrapping_sub(before));
                bytes.extend([word.idf, word.often]);
                before = word.term;
            }
        }
        bytes
    }

    /// Back from bytes; `None` if they were not written by `encode`.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let ([headline, low, high, words, names], mut rest) = bytes.split_first_chunk()?;
        if usize::from(*words) > WORDS_MAX || usize::from(*names) > NAMES_MAX {
            return None;
        }
        let mut lists = [Vec::new(), Vec::new()];
        for (list, length) in lists.iter_mut().zip([*words, *names]) {
            let mut before = 0_u32;
            for _ in 0..length {
                let term = before.checked_add(take_varint(&mut rest)?)?;
                let ([idf, often], after) = rest.split_first_chunk()?;
                list.push(Word { term, idf: *idf, often: *often });
                (before, rest) = (term, after);
            }
        }
        let [words, names] = lists;
        let length = u16::from_le_bytes([*low, *high]);
        rest.is_empty().then_some(Self { length, headline: *headline == 1, words, names })
    }
}

impl Loaded {
    /// Terms in order of their hashes.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Square of the length in each view.
    pub fn squares(&self) -> [u32; VIEWS] {
        self.squares
    }

    /// Whether there is hardly a body, and ln(1 + body words).
    pub fn regime(&self) -> (bool, f64) {
        (self.headline, f64::from(self.length).ln_1p())
    }

    /// Cosines in all views.
    pub fn cosines(&self, other: &Self) -> [f64; VIEWS] {
        Probe::new(self).cosines(other)
    }

    /// The heaviest terms of the words, with their weights, heaviest first; ties by term.
    pub(super) fn heaviest(&self, max: usize) -> Vec<(u32, u8)> {
        let key = |entry: &Entry| {
            let [all, lead, ..] = entry.weights;
            (all.max(lead), std::cmp::Reverse(entry.term))
        };
        let mut terms: Vec<_> = self.entries.iter().map(key).filter(|(weight, _)| *weight > 0).collect();
        if terms.len() > max {
            terms.select_nth_unstable_by(max, |a, b| b.cmp(a));
            terms.truncate(max);
        }
        terms.sort_unstable_by(|a, b| b.cmp(a));
        terms.into_iter().map(|(weight, std::cmp::Reverse(term))| (term, weight)).collect()
    }
}

/// Places of a probe's table; a power of two, so many more than an article has terms that what is found at one is nearly
/// always the term looked for.
const PLACES: usize = 4096;

/// An article whose terms are found at once, to be compared with many others.
#[derive(Debug)]
pub struct Probe<'a> {
    loaded: &'a Loaded,
    /// One more than the place of an entry, at the first free place from its term's on.
    places: [u16; PLACES],
}

impl<'a> Probe<'a> {
    /// Makes an article ready.
    pub fn new(loaded: &'a Loaded) -> Self {
        let mut places = [0; PLACES];
        for (number, entry) in (1..).zip(loaded.entries.iter()) {
            let mut at = entry.term as usize % PLACES;
            while let Some(place) = places.get_mut(at) {
                if *place == 0 {
                    *place = number;
                    break;
                }
                at = (at + 1) % PLACES;
            }
        }
        Self { loaded, places }
    }

    pub(super) fn loaded(&self) -> &'a Loaded {
        self.loaded
    }

    fn find(&self, term: u32) -> Option<&Entry> {
        let mut at = term as usize % PLACES;
        // ends at a place that is free, for there are more places than terms
        loop {
            let place = usize::from(*self.places.get(at)?);
            let entry = self.loaded.entries.get(place.checked_sub(1)?)?;
            if entry.term == term {
                return Some(entry);
            }
            at = (at + 1) % PLACES;
        }
    }

    /// Sums of products in all views.
    pub(super) fn dots(&self, other: &Loaded) -> [u32; VIEWS] {
        // Most terms of two articles differ, and which do not cannot be foreseen: those that may be shared are first
        // listed without a branch.
        let mut likely = [0_u16; WORDS_MAX + NAMES_MAX + 1];
        let mut count = 0;
        for (number, entry) in (0_u16..).zip(&other.entries) {
            if let Some(place) = likely.get_mut(count) {
                *place = number;
            }
            let taken = self.places.get(entry.term as usize % PLACES).is_some_and(|place| *place != 0);
            count += usize::from(taken);
        }
        let mut dots = [0_u32; VIEWS];
        for entry in likely.iter().take(count).filter_map(|number| other.entries.get(usize::from(*number))) {
            if let Some(own) = self.find(entry.term) {
                for ((dot, a), b) in dots.iter_mut().zip(own.weights).zip(entry.weights) {
                    *dot += u32::from(a) * u32::from(b);
                }
            }
        }
        dots
    }

    pub(super) fn cosines(&self, other: &Loaded) -> [f64; VIEWS] {
        cosines(self.dots(other).map(u64::from), self.loaded.squares, other.squares.map(u64::from))
    }
}

/// Sum of some unit vectors, to be measured.
pub(super) enum Sums {
    /// Of one vector all is known.
    One([u32; VIEWS]),
    /// Twice as many places as terms, so that a free one is near: a term, and its sum in each view.
    Many(Vec<(u32, [u16; VIEWS])>),
}

impl Sums {
    pub(super) fn of<'a>(vectors: impl ExactSizeIterator<Item = &'a Loaded> + Clone) -> Self {
        let terms: usize = vectors.clone().map(|loaded| loaded.entries.len()).sum();
        let mut sums = match vectors.len() {
            0 | 1 => Self::One([0; VIEWS]),
            _ => Self::Many(vec![(0, [0; VIEWS]); (2 * terms).next_power_of_two()]),
        };
        vectors.for_each(|loaded| sums.add(loaded));
        sums
    }

    fn add(&mut self, loaded: &Loaded) {
        let places = match self {
            Self::One(squares) => {
                *squares = loaded.squares;
                return;
            }
            Self::Many(places) => places,
        };
        // a term that weighs nothing would take a place and leave it free
        for entry in loaded.entries.iter().filter(|entry| entry.weights != [0; VIEWS]) {
            let mut at = entry.term as usize % places.len();
            while let Some((term, sums)) = places.get_mut(at) {
                if *term == entry.term || *sums == [0; VIEWS] {
                    *term = entry.term;
                    sums.iter_mut().zip(entry.weights).for_each(|(sum, weight)| *sum += u16::from(weight));
                    break;
                }
                at = (at + 1) % places.len();
            }
        }
    }

    /// Squares of the length.
    pub(super) fn squares(&self) -> [u64; VIEWS] {
        let places = match self {
            Self::One(squares) => return squares.map(u64::from),
            Self::Many(places) => places,
        };
        let mut squares = [0_u64; VIEWS];
        for (_, sums) in places {
            for (square, sum) in squares.iter_mut().zip(sums) {
                *square += u64::from(*sum) * u64::from(*sum);
            }
        }
        squares
    }
}

/// Cosines of what has these products and squares of lengths.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(super) fn cosines(dots: [u64; VIEWS], a: [u32; VIEWS], b: [u64; VIEWS]) -> [f64; VIEWS] {
    let mut cosines = [0.0; VIEWS];
    for (((cosine, dot), a), b) in cosines.iter_mut().zip(dots).zip(a).zip(b) {
        if dot > 0 {
            *cosine = dot as f64 / (f64::from(a) * b as f64).sqrt();
        }
    }
    cosines
}

impl Word {
    fn weights(self) -> [f32; VIEWS] {
        let idf = f32::from(self.idf);
        let [all, lead, title] =
            [self.often >> 4, self.often >> 2 & 3, self.often & 3].map(|often| damped(often) * idf);
        [all, lead, title, 0.0]
    }

    fn name_weights(self) -> [f32; VIEWS] {
        [0.0, 0.0, 0.0, damped(self.often) * f32::from(self.idf)]
    }
}

/// The words with the greatest weight, in order of their terms.
fn heaviest(words: Vec<(Word, u8)>, max: usize) -> Vec<Word> {
    let key = |(word, often): &(Word, u8)| {
        ((damped(*often) * f32::from(word.idf)).to_bits(), std::cmp::Reverse(word.term))
    };
    let mut keys: Vec<_> = words.iter().map(key).collect();
    let least = (keys.len() > max).then(|| *keys.select_nth_unstable_by(max, |a, b| b.cmp(a)).1);
    let heavy = words.into_iter().filter(|one| one.0.idf > 0 && least.is_none_or(|least| key(one) > least));
    heavy.map(|(word, _)| word).collect()
}

/// Sublinear term frequency, 1 + ln.
fn damped(often: u8) -> f32 {
    const DAMPED: [f32; 16] = [
        0.0,
        1.0,
        1.693_147_2,
        2.098_612_3,
        2.386_294_4,
        2.609_438,
        2.791_759_5,
        2.945_910_2,
        3.079_441_5,
        3.197_224_6,
        3.302_585,
        3.397_895_3,
        3.484_906_7,
        3.564_949_4,
        3.639_057_3,
        3.708_050_3,
    ];
    DAMPED.get(usize::from(often.min(15))).copied().unwrap_or(0.0)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest byte"
)]
fn byte(value: f32) -> u8 {
    (value + 0.5) as u8
}

fn byte_of(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}

pub(super) fn put_varint(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

pub(super) fn take_varint(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for shift in [0, 7, 14, 21, 28] {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
