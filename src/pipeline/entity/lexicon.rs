//! What is known of words before any article is read, by hash: closed lists, and the gazetteer of places and personal
//! names.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
    sync::LazyLock,
};

use super::lists::{LISTS, MENS_NAMES, NO_GIVEN_NAMES, ORG_PHRASES, PLACE_PHRASES, WOMENS_NAMES};

/// A hasher with fixed keys, for maps that are only looked up: the result never depends on the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fixed(u64);

impl Default for Fixed {
    fn default() -> Self {
        Self(0x243f_6a88_85a3_08d3)
    }
}

impl Hasher for Fixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<8>();
        for chunk in chunks {
            self.write_u64(u64::from_le_bytes(*chunk));
        }
        let word = rest.iter().rev().fold(rest.len() as u64, |word, byte| word << 8 | u64::from(*byte));
        self.write_u64(word);
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    #[expect(clippy::cast_possible_truncation, reason = "both halves of the product are folded into one")]
    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

/// A map for look-ups only.
pub(crate) type FixedMap<K, V> = HashMap<K, V, BuildHasherDefault<Fixed>>;

/// A set for the same.
pub(crate) type FixedSet<K> = HashSet<K, BuildHasherDefault<Fixed>>;

/// Large city.
pub(crate) const CITY: u32 = 1;
/// Smaller town.
pub(crate) const TOWN: u32 = 1 << 1;
/// Country.
pub(crate) const COUNTRY: u32 = 1 << 2;
/// State of the US, or a region hardly ever meant as anything else.
pub(crate) const STATE: u32 = 1 << 3;
/// Given name.
pub(crate) const FIRST: u32 = 1 << 5;
/// Frequent given name.
pub(crate) const FIRST_TOP: u32 = 1 << 6;
/// Surname.
pub(crate) const SURNAME: u32 = 1 << 7;
/// Frequent surname.
pub(crate) const SURNAME_TOP: u32 = 1 << 8;
/// Stands before a name and belongs to the role: Senator, Mr, President.
pub(crate) const TITLE: u32 = 1 << 9;
/// Qualifies a title: Deputy, former, House, Foreign.
pub(crate) const TITLE_PART: u32 = 1 << 10;
/// Verb of speech.
pub(crate) const SAID: u32 = 1 << 11;
/// Last word of an organisation's name.
pub(crate) const ORG_TAIL: u32 = 1 << 12;
/// Opens an organisation's name with "of" or "for": Department, University.
pub(crate) const ORG_HEAD: u32 = 1 << 13;
/// Word that no name begins with though a sentence may.
pub(crate) const FUNCTION: u32 = 1 << 14;
/// Nationality, religion.
pub(crate) const DEMONYM: u32 = 1 << 15;
/// Member of a party.
pub(crate) const PARTY: u32 = 1 << 16;
/// Month, day, season of speech that is capitalised and no name.
pub(crate) const CALENDAR: u32 = 1 << 17;
/// Organisation known by this one word.
pub(crate) const ORG_WORD: u32 = 1 << 18;
/// Last word of a place's name: River, Street, Airport.
pub(crate) const PLACE_TAIL: u32 = 1 << 19;
/// Capitals that are no name: CEO, FILE, WATCH.
pub(crate) const NOT_A_NAME: u32 = 1 << 20;
/// Postal or newspaper abbreviation of a US state.
pub(crate) const STATE_SHORT: u32 = 1 << 21;
/// Title that says: a man.
pub(crate) const MALE: u32 = 1 << 22;
/// Title or given name that says: a woman.
pub(crate) const FEMALE: u32 = 1 << 23;
/// Preposition of place.
pub(crate) const WHERE: u32 = 1 << 24;
/// Particle inside a personal name.
pub(crate) const PARTICLE: u32 = 1 << 25;
/// Last word of an event's name.
pub(crate) const EVENT_TAIL: u32 = 1 << 26;
/// Given name of men.
pub(crate) const ROLE_NOUN: u32 = 1 << 27;
/// Any place of the gazetteer.
pub(crate) const PLACE: u32 = CITY | TOWN | COUNTRY | STATE;

/// From this bit on stands how many words the longest phrase has that begins with the word.
const OPENER_SHIFT: u32 = 28;

/// How many words a phrase that begins with a word of this class has at most; 0 if none does.
pub(crate) fn phrase_words(class: u32) -> usize {
    (class >> OPENER_SHIFT & 7) as usize
}

static GAZETTEER_ZST: &[u8] = include_bytes!("../../../models/gazetteer.zst");

/// Bytes of the unpacked gazetteer at most.
const GAZETTEER_BYTES_MAX: usize = 1 << 20;

/// The lists, by lower-cased word or phrase.
pub(crate) struct Lexicon {
    words: Words,
    /// By the hash of the words' hashes.
    phrases: FixedMap<u64, Phrase>,
    /// Whether a given name is a woman's, by its hash.
    women: FixedMap<u64, bool>,
}

/// Classes by the hash of a word, open-addressed: an unknown word costs one miss of the cache, and the table is small
/// enough for the inner ones. Another word looks like a known one at one in millions.
struct Words {
    /// Twenty bits of the hash and the number of the class; 0 where nothing is.
    slots: Vec<u32>,
    classes: Vec<u32>,
}

/// Slots of `Words`, a power of two, twice as many as there are words.
const SLOTS: usize = 1 << 17;

/// Bits of a slot for the number of a class.
const NUMBER_BITS: u32 = 12;

impl Words {
    fn new(words: &FixedMap<&'static str, u32>) -> Self {
        let mut classes: Vec<u32> = words.values().copied().collect();
        classes.extend([0]);
        classes.sort_unstable();
        classes.dedup();
        let mut slots = vec![0; SLOTS];
        for (word, class) in words {
            let (mut at, check) = Self::place(hash(word));
            let number = classes.binary_search(class).ok().and_then(|number| u32::try_from(number).ok());
            let Some(number) = number.filter(|number| (1..1 << NUMBER_BITS).contains(number)) else {
                continue;
            };
            while let Some(slot) = slots.get_mut(at % SLOTS) {
                if *slot == 0 {
                    *slot = check | number;
                    break;
                }
                at += 1;
            }
        }
        Self { slots, classes }
    }

    fn class(&self, hash: u64) -> u32 {
        let (mut at, check) = Self::place(hash);
        loop {
            let slot = self.slots.get(at % SLOTS).copied().unwrap_or(0);
            if slot == 0 {
                return 0;
            }
            if slot >> NUMBER_BITS == check >> NUMBER_BITS {
                let number = slot & ((1 << NUMBER_BITS) - 1);
                return self.classes.get(number as usize).copied().unwrap_or(0);
            }
            at += 1;
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the two halves of a hash")]
    fn place(hash: u64) -> (usize, u32) {
        ((hash >> 32) as usize, hash as u32 >> NUMBER_BITS << NUMBER_BITS)
    }
}

/// The hash by which words are known; the same in every process.
pub(crate) fn hash(lower: &str) -> u64 {
    let mut hasher = Fixed::default();
    hasher.write(lower.as_bytes());
    hasher.finish()
}

/// The hash of a phrase to which a word is added.
pub(crate) fn joined(phrase: u64, word: u64) -> u64 {
    let mut hasher = Fixed(phrase);
    hasher.write_u64(word);
    hasher.finish()
}

fn phrase_hash(lower: &str) -> u64 {
    lower.split(' ').map(hash).fold(0, joined)
}

/// What several words together name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phrase {
    /// A place, whatever stands around it.
    Place,
    /// A place of the gazetteer: its team and its people may bear the name too.
    Town,
    /// An organisation.
    Org,
}

/// Words of a phrase at most.
pub(crate) const PHRASE_WORDS_MAX: usize = 5;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(build);

/// The lists; the first call unpacks them.
pub(crate) fn lexicon() -> &'static Lexicon {
    &LEXICON
}

impl Lexicon {
    /// What is known of a lower-cased word.
    pub(crate) fn word(&self, lower: &str) -> u32 {
        self.words.class(hash(lower))
    }

    /// What is known of a lower-cased word with this hash.
    pub(crate) fn class(&self, hash: u64) -> u32 {
        self.words.class(hash)
    }

    /// Whether a lower-cased given name is a woman's, where nearly all who bear it are of one sex.
    pub(crate) fn woman(&self, lower: &str) -> Option<bool> {
        self.women.get(&hash(lower)).copied()
    }

    /// What lower-cased words, joined by one space each, name together.
    pub(crate) fn phrase(&self, lower: &str) -> Option<Phrase> {
        self.phrase_by_hash(phrase_hash(lower))
    }

    /// The same, by `joined` over the hashes of the words.
    pub(crate) fn phrase_by_hash(&self, hash: u64) -> Option<Phrase> {
        self.phrases.get(&hash).copied()
    }
}

fn unpacked() -> &'static str {
    let bytes = zstd::bulk::decompress(GAZETTEER_ZST, GAZETTEER_BYTES_MAX).unwrap_or_default();
    Box::leak(String::from_utf8(bytes).unwrap_or_default().into_boxed_str())
}

fn build() -> Lexicon {
    let text = unpacked();
    let mut words = FixedMap::with_capacity_and_hasher(64 << 10, BuildHasherDefault::default());
    let mut phrases: FixedMap<&str, Phrase> =
        FixedMap::with_capacity_and_hasher(16 << 10, BuildHasherDefault::default());
    let mut women = FixedMap::with_capacity_and_hasher(8 << 10, BuildHasherDefault::default());
    let (mut class, mut woman) = (0, None);
    for line in text.lines() {
        if let Some(head) = line.strip_prefix('=') {
            let number = head.trim_end_matches(['f', 'm']);
            class = number.parse().unwrap_or(0);
            woman = head.chars().next_back().filter(|_| number.len() < head.len()).map(|mark| mark == 'f');
            continue;
        }
        if let Some(woman) = woman {
            women.insert(hash(line), woman);
        }
        if !line.contains(' ') {
            words.insert(line, class);
        } else if class & PLACE != 0 && line.split(' ').count() <= PHRASE_WORDS_MAX {
            phrases.insert(line, Phrase::Town);
        }
    }
    for (class, list) in LISTS {
        for word in list.split_ascii_whitespace() {
            *words.entry(word).or_insert(0) |= class;
        }
    }
    // A surname or a far town that is also a word of every sentence says nothing.
    for word in words.values_mut() {
        if *word & FUNCTION != 0 {
            *word &= !(PLACE | SURNAME | SURNAME_TOP);
        }
    }
    for month in NO_GIVEN_NAMES.split_ascii_whitespace() {
        words.entry(month).and_modify(|class| *class &= !(FIRST | FIRST_TOP));
    }
    for (list, phrase) in [(PLACE_PHRASES, Phrase::Place), (ORG_PHRASES, Phrase::Org)] {
        for line in list.split('|') {
            phrases.insert(line.trim(), phrase);
        }
    }
    for phrase in phrases.keys() {
        let mut parts = phrase.split(' ');
        if let Some(first) = parts.next() {
            let most = u32::try_from(parts.count() + 1).unwrap_or(0).min(7);
            let class = words.entry(first).or_insert(0);
            *class = *class & !(7 << OPENER_SHIFT) | (*class >> OPENER_SHIFT & 7).max(most) << OPENER_SHIFT;
        }
    }
    for (list, woman) in [(WOMENS_NAMES, true), (MENS_NAMES, false)] {
        women.extend(list.split_ascii_whitespace().map(|name| (hash(name), woman)));
    }
    let phrases = phrases.into_iter().map(|(phrase, names)| (phrase_hash(phrase), names)).collect();
    Lexicon { words: Words::new(&words), phrases, women }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, class: u32) {
        assert_ne!(lexicon().word(word) & class, 0, "{word}");
    }

    #[test]
    fn the_lists_and_the_gazetteer_are_there() {
        check("senator", TITLE);
        check("norway", COUNTRY);
        check("margaret", FIRST_TOP);
        check("smith", SURNAME_TOP);
        check("said", SAID);
        assert_eq!(lexicon().phrase("new zealand"), Some(Phrase::Town));
        assert_eq!(lexicon().word("the") & PLACE, 0);
    }

    #[test]
    fn the_classes_fit_their_number() {
        assert!(lexicon().words.classes.len() < 1 << NUMBER_BITS);
        let filled = lexicon().words.slots.iter().filter(|slot| **slot != 0).count();
        assert!((50_000..SLOTS / 2).contains(&filled));
    }

    #[test]
    fn the_same_word_has_the_same_hash_in_every_process() {
        let mut hasher = Fixed::default();
        hasher.write(b"a word of some length");
        assert_eq!(hasher.finish(), 15_253_390_112_889_126_976);
    }
}
