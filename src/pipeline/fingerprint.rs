//! What is kept of an article's words so that copies of it are found: a sample of its word runs, in text order.

use super::text::{Words, high, mix};
use crate::article::Id;

/// Words of a run. 2 to 5 found the same candidates on labelled news.
pub(crate) const RUN_WORDS: usize = 4;

/// Most sampled runs; the opening comes on top. 96 and 64 found no more, 32 lost second pages.
const SAMPLED_MAX: usize = 48;

/// All runs that begin within so many words are kept, so that a teaser meets its article.
pub(crate) const OPENING_WORDS: usize = 24;

/// Texts of fewer words are compared as a whole only: a headline or a caption is no evidence of copying.
pub const FINGERPRINT_WORDS_MIN: usize = 25;

/// What is kept of the words of one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// How many words.
    pub words: u32,
    /// Hashes of runs of four words, without repeats, in text order; at most 72. Empty under 25 words.
    pub sketch: Vec<u32>,
    /// Hash of all words in their order: equal where the texts are equal but for their dress. None where there is
    /// no word.
    pub body: Option<Id>,
}

/// The fingerprint of a text's words. Level sampling: the runs whose hashes end in so many zero bits that few enough
/// are left, so that two texts keep the same of what they share, whatever their lengths.
pub fn fingerprint(words: &Words) -> Fingerprint {
    let sketch = if words.len() < FINGERPRINT_WORDS_MIN { Vec::new() } else { sketch(words.hashes()) };
    Fingerprint { words: u32::try_from(words.len()).unwrap_or(u32::MAX), sketch, body: body(words) }
}

/// The hash of a run of four words.
pub(crate) fn run_hash([a, b, c, d]: [u32; RUN_WORDS]) -> u32 {
    let (first, second) = (u64::from(a) << 32 | u64::from(b), u64::from(c) << 32 | u64::from(d));
    high(mix(mix(first ^ 0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB) ^ second, 0x8EBC_6AF0_9C88_C6E3))
}

/// All runs of four words.
pub(crate) fn runs(hashes: &[u32]) -> impl Iterator<Item = u32> {
    hashes.windows(RUN_WORDS).filter_map(|run| Some(run_hash(run.try_into().ok()?)))
}

fn sketch(hashes: &[u32]) -> Vec<u32> {
    let mut kept: Vec<u32> = Vec::with_capacity(OPENING_WORDS + SAMPLED_MAX + 1);
    for run in runs(hashes).take(OPENING_WORDS) {
        if !kept.contains(&run) {
            kept.push(run);
        }
    }
    let opening = kept.len();
    let mut ending = 0_u32;
    for run in runs(hashes).skip(OPENING_WORDS) {
        if run & ending != 0 || kept.contains(&run) {
            continue;
        }
        kept.push(run);
        while kept.len() - opening > SAMPLED_MAX {
            ending = ending << 1 | 1;
            let mut place = 0;
            kept.retain(|run| {
                place += 1;
                place <= opening || run & ending == 0
            });
        }
    }
    kept
}

fn body(words: &Words) -> Option<Id> {
    if words.is_empty() {
        return None;
    }
    Some(Id::of(&[b"body", &words.hash_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::text::words;

    /// Words that no other number gives.
    fn prose(numbers: std::ops::Range<u32>) -> String {
        numbers.map(|n| format!("w{n} ")).collect::<Vec<_>>().concat()
    }

    fn of(text: &str) -> Fingerprint {
        fingerprint(&words(text))
    }

    #[test]
    fn a_sketch_is_bounded_whatever_the_length() {
        for count in [0, 24, 25, 80, 1000, 60_000] {
            let runs = of(&prose(0..count)).sketch.len();
            assert!(runs <= OPENING_WORDS + SAMPLED_MAX, "{count} words: {runs} runs");
            assert_eq!(runs == 0, count < 25, "{count} words: {runs} runs");
        }
    }

    #[test]
    fn repeats_are_kept_once() {
        assert_eq!(of(&"round and round ".repeat(500)).sketch.len(), 3);
    }

    #[test]
    fn a_teaser_shares_its_runs_with_the_article() {
        let (teaser, article) = (of(&prose(0..40)), of(&prose(0..2000)));
        let shared = teaser.sketch.iter().filter(|run| article.sketch.contains(run)).count();
        assert!(shared >= OPENING_WORDS, "{shared}");
    }

    #[test]
    fn a_second_page_shares_what_was_sampled() {
        let (page, article) = (of(&prose(1000..2000)), of(&prose(0..2000)));
        let shared = page.sketch.iter().filter(|run| article.sketch.contains(run)).count();
        assert!(shared >= 8, "{shared}");
    }

    #[test]
    fn a_body_is_its_words_in_order() {
        assert_eq!(of("The gate, “shut”.").body, of("the GATE 'shut'").body);
        assert_ne!(of("the gate shut").body, of("shut the gate").body);
        assert_eq!(of(" … ").body, None);
    }

    #[test]
    fn sketches_stay_the_same_for_years() {
        let kept = of(&prose(0..40));
        assert_eq!((kept.sketch[0], kept.sketch[36]), (4_103_783_435, 993_087_665));
    }
}
