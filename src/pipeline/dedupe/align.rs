//! Which words of a shorter text stand in a longer one, in blocks that may have moved and whose words may have been
//! changed here and there. Linear in both texts.

use crate::pipeline::text::{Words, high, mix};

/// Words of the runs by which blocks are found.
const SEED_WORDS: usize = 3;

/// Places of a seed in the longer text that are looked at, and those of them that are tried.
const PLACES_MAX: usize = 8;
const TRIED_MAX: usize = 4;

/// A block of fewer matched words is chance.
const BLOCK_WORDS_MIN: u32 = 6;

/// Most words that may be passed over on either side before a block goes on.
const SKIPPED_MAX: usize = 5;

/// To the left a block ends after so many differing words in a row.
const MISSED_MAX: usize = 3;

/// What one word of the shorter text is in the alignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    /// In a block.
    pub(super) covered: bool,
    /// In a block and the same or nearly the same word there.
    pub(super) matched: bool,
    /// Begins a run of four words that stands in the longer text as it is.
    pub(super) run: bool,
}

/// The shorter text laid over the longer one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Alignment {
    /// A cell for each word of the shorter text.
    pub(super) cells: Vec<Cell>,
    /// Words of the longer text that are in blocks; where blocks overlap they count twice.
    pub(super) longer_covered: u32,
    /// Where in the longer text the first block begins.
    pub(super) first_in_longer: u32,
}

#[derive(Clone, Copy, Default)]
struct Block {
    start: usize,
    /// Where the seed was: to the left the words stand in step.
    seed: usize,
    end: usize,
    other_start: usize,
    other_end: usize,
    matched: u32,
}

/// Lays the shorter text over the longer one.
pub(super) fn align(shorter: &Words, longer: &Words) -> Alignment {
    let seeds = Seeds::of(longer.hashes());
    let mut found = Alignment { cells: vec![Cell::default(); shorter.len()], ..Alignment::default() };
    mark_runs(&mut found.cells, shorter.hashes(), longer.hashes(), &seeds);
    let pair = Pair { a: shorter, b: longer };
    let (mut at, mut last) = (0, Block::default());
    let mut at_first = true;
    while at + SEED_WORDS <= shorter.len() {
        let best = best_block(&pair, &seeds, at, &last);
        if best.matched < BLOCK_WORDS_MIN {
            at += 1;
            continue;
        }
        pair.mark(&mut found.cells, &best);
        found.longer_covered += count(best.other_end - best.other_start);
        if at_first {
            found.first_in_longer = count(best.other_start);
            at_first = false;
        }
        at = best.end;
        last = best;
    }
    found
}

/// Texts have at most `WORDS_MAX` words.
fn count(words: usize) -> u32 {
    u32::try_from(words).unwrap_or(u32::MAX)
}

fn best_block(pair: &Pair<'_>, seeds: &Seeds, at: usize, last: &Block) -> Block {
    let Some(seed) = seed(pair.a.hashes(), at) else { return Block::default() };
    let mut places = [usize::MAX; PLACES_MAX];
    let mut known = 0;
    let here = seeds.places(seed).filter(|&place| same(pair.a.hashes(), at, pair.b.hashes(), place));
    for (place, free) in here.zip(&mut places) {
        *free = place;
        known += 1;
    }
    let places = places.get_mut(..known).unwrap_or_default();
    // what follows the last block goes on from it most likely
    let expected = last.other_end + (at - last.end);
    places.sort_unstable_by_key(|&place| (place.abs_diff(expected), place));
    let mut best = Block::default();
    for &mut place in places.iter_mut().take(TRIED_MAX) {
        let block = pair.extend(at, place, last.end);
        if block.matched > best.matched {
            best = block;
        }
    }
    best
}

fn mark_runs(cells: &mut [Cell], a: &[u32], b: &[u32], seeds: &Seeds) {
    for (at, cell) in cells.iter_mut().enumerate() {
        let fourth = a.get(at + SEED_WORDS);
        cell.run = fourth.is_some()
            && seed(a, at).is_some_and(|seed| {
                let mut places = seeds.places(seed).take(PLACES_MAX);
                places.any(|place| b.get(place + SEED_WORDS) == fourth && same(a, at, b, place))
            });
    }
}

fn same(a: &[u32], at: usize, b: &[u32], place: usize) -> bool {
    a.get(at..at + SEED_WORDS) == b.get(place..place + SEED_WORDS)
}

/// The hash of the seed at that place.
fn seed(hashes: &[u32], at: usize) -> Option<u32> {
    match *hashes.get(at..at + SEED_WORDS)? {
        [a, b, c] => Some(high(mix(u64::from(a) << 32 | u64::from(b), u64::from(c) ^ 0x8EBC_6AF0_9C88_C6E3))),
        _ => None,
    }
}

/// Where the seeds of a text stand: chained lists in two flat arrays, several times faster than a map of vectors.
struct Seeds {
    /// First place and one, by hash; 0 is none.
    heads: Vec<u32>,
    /// Next place and one, by place.
    nexts: Vec<u32>,
    mask: usize,
}

impl Seeds {
    fn of(hashes: &[u32]) -> Self {
        let size = (hashes.len() * 2).next_power_of_two();
        let mut seeds = Self { heads: vec![0; size], nexts: vec![0; hashes.len()], mask: size - 1 };
        // from the end, so that the chains run forwards
        for place in (0..hashes.len()).rev() {
            let Some(seed) = seed(hashes, place) else { continue };
            let head = seeds.heads.get_mut(seed as usize & seeds.mask);
            if let (Some(head), Some(next)) = (head, seeds.nexts.get_mut(place)) {
                *next = std::mem::replace(head, count(place + 1));
            }
        }
        seeds
    }

    /// The first places in order, and those of other seeds that share the chain.
    fn places(&self, seed: u32) -> impl Iterator<Item = usize> {
        let head = self.heads.get(seed as usize & self.mask).copied().unwrap_or_default();
        let step = |place: &u32| self.nexts.get(*place as usize - 1).copied().filter(|&next| next != 0);
        // texts that repeat one phrase make long chains
        std::iter::successors((head != 0).then_some(head), step)
            .take(4 * PLACES_MAX)
            .map(|place| place as usize - 1)
    }
}

struct Pair<'a> {
    a: &'a Words,
    b: &'a Words,
}

impl Pair<'_> {
    fn extend(&self, at: usize, place: usize, floor: usize) -> Block {
        let mut block =
            Block { start: at, seed: at, end: at, other_start: place, other_end: place, matched: 0 };
        loop {
            let (i, j) = (block.end, block.other_end);
            if self.alike(i, j) {
                (block.end, block.other_end) = (i + 1, j + 1);
                block.matched += 1;
            } else if let Some((skip, other_skip)) = self.rejoin(i, j) {
                (block.end, block.other_end) = (i + skip + 2, j + other_skip + 2);
                block.matched += 2;
            } else {
                break;
            }
        }
        let (mut i, mut j, mut missed) = (at, place, 0);
        while i > floor && j > 0 && missed < MISSED_MAX {
            (i, j) = (i - 1, j - 1);
            if self.alike(i, j) {
                (block.start, block.other_start) = (i, j);
                block.matched += 1;
                missed = 0;
            } else {
                missed += 1;
            }
        }
        block
    }

    /// The fewest words to pass over so that two words in a row match, one of them exactly.
    fn rejoin(&self, i: usize, j: usize) -> Option<(usize, usize)> {
        for total in 1..=2 * SKIPPED_MAX {
            // equal numbers first: words are replaced more often than added
            let mut skips: [Option<(usize, usize)>; 2 * SKIPPED_MAX + 1] = [None; 2 * SKIPPED_MAX + 1];
            for (skip, free) in (0..=total).zip(&mut skips) {
                *free =
                    Some((skip, total - skip)).filter(|_| skip <= SKIPPED_MAX && total - skip <= SKIPPED_MAX);
            }
            for (skip, other_skip) in skips.into_iter().flatten() {
                let (i, j) = (i + skip, j + other_skip);
                let exactly = self.equal(i, j) || self.equal(i + 1, j + 1);
                if exactly && self.alike(i, j) && self.alike(i + 1, j + 1) {
                    return Some((skip, other_skip));
                }
            }
        }
        None
    }

    fn equal(&self, i: usize, j: usize) -> bool {
        matches!((self.a.hashes().get(i), self.b.hashes().get(j)), (Some(a), Some(b)) if a == b)
    }

    fn alike(&self, i: usize, j: usize) -> bool {
        self.equal(i, j) || near(self.a.letters(i), self.b.letters(j))
    }

    /// Marks the block's words, and which of them are found again when the block is walked once more.
    fn mark(&self, cells: &mut [Cell], block: &Block) {
        for cell in cells.get_mut(block.start..block.end).unwrap_or_default() {
            cell.covered = true;
        }
        let (mut i, mut j) = (block.start, block.other_start);
        while i < block.end {
            if self.alike(i, j) {
                if let Some(cell) = cells.get_mut(i) {
                    cell.matched = true;
                }
                (i, j) = (i + 1, j + 1);
            } else {
                let beside = if i < block.seed { None } else { self.rejoin(i, j) };
                let (skip, other_skip) = beside.unwrap_or((1, 1));
                (i, j) = (i + skip, j + other_skip);
            }
        }
    }
}

/// Whether two words are one but for a misprint. Figures are never near: 2016 is not 2017.
fn near(a: &[u8], b: &[u8]) -> bool {
    if a.len().abs_diff(b.len()) > 4 {
        return false;
    }
    match (a.is_ascii() && b.is_ascii(), std::str::from_utf8(a), std::str::from_utf8(b)) {
        (true, ..) => misprint(a, b, u8::is_ascii_digit),
        (false, Ok(a), Ok(b)) => {
            let (mut left, mut right) = (['\0'; NEAR_LETTERS_MAX], ['\0'; NEAR_LETTERS_MAX]);
            misprint(letters(a, &mut left), letters(b, &mut right), |letter| letter.is_numeric())
        }
        (false, ..) => false,
    }
}

/// Letters of a word beyond ASCII that are compared.
const NEAR_LETTERS_MAX: usize = 32;

fn letters<'a>(word: &str, room: &'a mut [char; NEAR_LETTERS_MAX]) -> &'a [char] {
    let mut known = 0;
    for (place, letter) in room.iter_mut().zip(word.chars()) {
        *place = letter;
        known += 1;
    }
    room.get(..known).unwrap_or_default()
}

fn misprint<T: PartialEq>(a: &[T], b: &[T], is_figure: impl Fn(&T) -> bool) -> bool {
    let (a, b) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if a.len() < 2 || b.len() - a.len() > 1 || a.iter().chain(b).any(is_figure) {
        return false;
    }
    if a.len() == b.len() {
        let differing = a.iter().zip(b).filter(|(a, b)| a != b).count();
        return differing <= (a.len() / 3).max(1);
    }
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    a.len() >= 4 && a.get(same..) == b.get(same + 1..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::text::words;

    fn check_near(a: &str, b: &str, expected: bool) {
        assert_eq!(near(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
        assert_eq!(near(b.as_bytes(), a.as_bytes()), expected, "{b} {a}");
    }

    /// `=` matched, `~` covered only, `.` neither.
    fn check(shorter: &str, longer: &str, expected: &str) {
        let aligned = align(&words(shorter), &words(longer));
        let told: String = aligned
            .cells
            .iter()
            .map(|cell| match (cell.covered, cell.matched) {
                (true, true) => '=',
                (true, false) => '~',
                _ => '.',
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn misprints_are_near() {
        check_near("council", "councll", true);
        check_near("council", "councils", true);
        check_near("мост", "моет", true);
        check_near("council", "blanket", false);
        check_near("the", "them", false);
        check_near("a", "i", false);
        check_near("橋", "桥", false);
        check_near("2016", "2017", false);
        check_near("", "", false);
    }

    #[test]
    fn a_block_goes_on_over_changed_words() {
        check(
            "the harbour council voted late on friday to close both gates",
            "the harbour council voted late yesterday evening to close both gates",
            "=====~~====",
        );
    }

    #[test]
    fn a_block_grows_to_the_left_over_misprints() {
        check(
            "tne barbour councl voted to close gates",
            "the harbour council voted to close gates",
            "=======",
        );
    }

    #[test]
    fn a_few_common_words_are_chance() {
        check("the old mill at the river burned", "crowds at the river burned flags", ".......");
    }

    #[test]
    fn moved_blocks_count() {
        check(
            "one two three four five six red blue green white black brown",
            "red blue green white black brown one two three four five six",
            "============",
        );
    }

    #[test]
    fn no_words_share_nothing() {
        check("", "", "");
    }
}
