//! What an article is compared by: its words, stemmed and counted, and the names in it. Pure and without weights.

use std::hash::{BuildHasherDefault, Hasher};

use self::words::{Gap, Reader, Token};

pub mod words;

/// Characters of a body that are read.
const BODY_CHARS: usize = 4_000;
/// Tokens of a body that are read.
const BODY_WORDS: usize = 300;
/// Tokens of the body that belong to the lead.
const LEAD_WORDS: usize = 70;
/// A body with fewer tokens is as good as none.
const HEADLINE_WORDS: usize = 25;
/// Tokens, stop words counted, within which names count twice.
const EARLY_WORDS: usize = 110;
/// Words of one name.
const NAME_WORDS: usize = 4;
/// Bits of a term's hash: three bytes as difference in a sorted list, and few clashes.
const TERM_BITS: u32 = 28;
const NAME_SEED: u64 = 0x6e61_6d65;

/// Counts of an article's words and names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Term, and how often in title twice and body, in title twice and lead, in the title; in order of the terms.
    pub(super) words: Vec<(u32, [u8; 3])>,
    /// Name, and how often; in order of the names.
    pub(super) names: Vec<(u32, u8)>,
    /// Tokens of the body, without stop words.
    pub(super) length: u16,
    /// Whether there is hardly a body.
    pub(super) headline: bool,
}

impl Features {
    /// Every term once: those of the words, then those of the names.
    pub fn terms(&self) -> impl Iterator<Item = u32> {
        self.words.iter().map(|(term, _)| *term).chain(self.names.iter().map(|(name, _)| *name))
    }
}

/// A word with its term; none of a stop word.
struct Read<'a> {
    token: Token<'a>,
    term: Option<u32>,
}

/// Counts the words and names of an article. The language is a BCP 47 primary subtag; English if none.
pub fn features(title: &str, text: &str, language: Option<&str>) -> Features {
    let reader = &mut Reader::new(language.unwrap_or("en"));
    let mut read = |text| {
        let tokens = words::tokens(text, BODY_CHARS).into_iter();
        let read = tokens.map(|token| Read { token, term: reader.stemmed(token.word, 0).map(short) });
        read.collect::<Vec<_>>()
    };
    let (title, body) = (read(title), read(text));
    let mut counted = Vec::with_capacity(BODY_WORDS + title.len());
    let mut length = 0;
    for term in body.iter().filter_map(|read| read.term).take(BODY_WORDS) {
        counted.push((term, [1, u8::from(length < LEAD_WORDS), 0]));
        length += 1;
    }
    let titled = title.iter().filter_map(|read| read.term).take(BODY_WORDS);
    counted.extend(titled.map(|term| (term, [2, 2, 1])));
    counted.sort_unstable_by_key(|(term, _)| *term);
    counted.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            for (kept, next) in kept.1.iter_mut().zip(next.1) {
                *kept = kept.saturating_add(next);
            }
        }
        same
    });
    let headline = length < HEADLINE_WORDS;
    let names = if headline { all_words(&title, &body, reader) } else { names(&title, &body, reader) };
    Features { words: counted, names, length: u16::try_from(length).unwrap_or(u16::MAX), headline }
}

/// Where there is no body, all words count as names.
fn all_words(title: &[Read<'_>], body: &[Read<'_>], reader: &mut Reader) -> Vec<(u32, u8)> {
    let words = title.iter().chain(body).filter(|read| read.term.is_some());
    let names = words.filter_map(|read| reader.stemmed(read.token.word, NAME_SEED));
    summed(names.map(|name| (short(name), 1)).collect())
}

/// Capitalised runs and their words. In a headline in title case, and at the start of a sentence, a word counts only
/// if it is also seen capitalised elsewhere.
fn names(title: &[Read<'_>], body: &[Read<'_>], reader: &mut Reader) -> Vec<(u32, u8)> {
    let mut names = Names { reader, run: Vec::new(), counted: Vec::new() };
    let inside = body.iter().filter(|read| read.token.gap < Gap::Sentence && is_capital(read.token.word));
    let mut seen: Vec<u64> = inside.map(|read| hash(read.token.word, 0)).collect();
    seen.sort_unstable();
    for (all, in_title) in [(title, true), (body, false)] {
        for (place, read) in all.iter().enumerate() {
            let Token { word, gap } = read.token;
            let times = if in_title || place < EARLY_WORDS { 2 } else { 1 };
            if gap > Gap::Space {
                names.finish(times);
            }
            let opens = in_title || gap == Gap::Sentence;
            if read.term.is_some()
                && is_capital(word)
                && (!opens || seen.binary_search(&hash(word, 0)).is_ok())
            {
                names.run.push(word);
            } else {
                names.finish(times);
            }
        }
        names.finish(if in_title { 2 } else { 1 });
    }
    summed(names.counted)
}

/// Names while they are read.
struct Names<'a, 'b> {
    reader: &'b mut Reader,
    run: Vec<&'a str>,
    counted: Vec<(u32, u8)>,
}

impl Names<'_, '_> {
    fn finish(&mut self, times: u8) {
        if let ([first, .., last], true) = (self.run.as_slice(), self.run.len() <= NAME_WORDS) {
            let mut whole = Fnv::new(NAME_SEED);
            whole.take(self.reader.bare(first).as_bytes());
            whole.take(b"_");
            whole.take(self.reader.bare(last).as_bytes());
            self.counted.push((short(whole.mixed()), times));
        }
        for word in self.run.drain(..) {
            self.counted.push((short(hash(self.reader.bare(word), NAME_SEED)), times));
        }
    }
}

fn summed(mut counted: Vec<(u32, u8)>) -> Vec<(u32, u8)> {
    counted.sort_unstable_by_key(|(name, _)| *name);
    counted.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = kept.1.saturating_add(next.1);
        }
        same
    });
    counted
}

fn is_capital(word: &str) -> bool {
    match word.as_bytes() {
        [first, _, ..] if first.is_ascii() => first.is_ascii_uppercase(),
        _ => word.chars().next().is_some_and(char::is_uppercase) && word.chars().nth(1).is_some(),
    }
}

/// The term of a word; none if it is a stop word.
pub fn term(word: &str, reader: &mut Reader) -> Option<u32> {
    reader.stemmed(word, 0).map(short)
}

fn short(hash: u64) -> u32 {
    u32::try_from(hash >> (64 - TERM_BITS)).unwrap_or(0)
}

/// A term's bits as the upper ones of 32: its drawer follows from these, so that all drawers are used.
pub(super) fn spread(term: u32) -> u32 {
    term << (u32::BITS - TERM_BITS)
}

/// The part of a large table that a term belongs to: the upper byte of its bits.
pub(super) fn part(term: u32) -> u8 {
    spread(term).to_be_bytes()[0]
}

/// Hashes text (FNV-1a, then mixed); the same on every machine and in every version.
pub fn hash(text: &str, seed: u64) -> u64 {
    hash_of([text], seed)
}

fn hash_of<const PARTS: usize>(parts: [&str; PARTS], seed: u64) -> u64 {
    let mut sum = Fnv::new(seed);
    for part in parts {
        sum.take(part.as_bytes());
    }
    sum.mixed()
}

struct Fnv(u64);

impl Fnv {
    fn new(seed: u64) -> Self {
        Self(0xcbf2_9ce4_8422_2325_u64 ^ seed)
    }

    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn mixed(&self) -> u64 {
        let sum = (self.0 ^ self.0 >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        sum ^ sum >> 29
    }
}

/// A hasher that is the same on every start; for maps of which only look-ups matter, with keys that are hashes already.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedHasher(u64);

/// Builds `FixedHasher`s.
pub type FixedState = BuildHasherDefault<FixedHasher>;

impl Hasher for FixedHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }
}
