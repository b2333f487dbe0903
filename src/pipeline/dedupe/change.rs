//! What one text says otherwise than another: the words in no common run, and the longest passage of them.

use crate::{
    article::{Change, PASSAGE_CHARS},
    pipeline::{
        fingerprint::{RUN_WORDS, runs},
        text::Words,
    },
};

/// What changed from one text to the next; each comes with its words.
pub fn change(before: (&str, &Words), after: (&str, &Words)) -> Change {
    let (added, words_added) = not_in(after, before.1);
    let (removed, words_removed) = not_in(before, after.1);
    Change { words_added, words_removed, added, removed }
}

/// The longest passage of a text that the other does not have, and how many words there are of the kind in all.
fn not_in((text, words): (&str, &Words), other: &Words) -> (Option<String>, u32) {
    let mut common: Vec<u32> = runs(other.hashes()).collect();
    common.sort_unstable();
    let mut covered = vec![words.hashes() == other.hashes(); words.len()];
    for (place, run) in runs(words.hashes()).enumerate() {
        if common.binary_search(&run).is_ok() {
            covered.iter_mut().skip(place).take(RUN_WORDS).for_each(|word| *word = true);
        }
    }
    let mut longest = 0..0;
    let mut from = 0;
    for (place, covered) in covered.iter().enumerate() {
        if *covered {
            from = place + 1;
        } else if place + 1 - from > longest.len() {
            longest = from..place + 1;
        }
    }
    let count = covered.iter().filter(|covered| !**covered).count();
    let spans = words.spans().get(longest).unwrap_or_default();
    let passage = match (spans.first(), spans.last()) {
        (Some((start, _)), Some((_, end))) => text.get(*start as usize..*end as usize),
        _ => None,
    };
    let passage = passage.map(|passage| passage.chars().take(PASSAGE_CHARS).collect());
    (passage, u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::text::words;

    fn check(before: &str, after: &str, added: &str, removed: &str) {
        let found = change((before, &words(before)), (after, &words(after)));
        assert_eq!(
            (found.added.as_deref().unwrap_or(""), found.removed.as_deref().unwrap_or("")),
            (added, removed)
        );
        assert_eq!(
            (found.words_added == 0, found.words_removed == 0),
            (added.is_empty(), removed.is_empty())
        );
    }

    #[test]
    fn a_figure_that_changed_is_the_passage() {
        check(
            "The bridge at Orle was closed on Monday after 12 people had been hurt there.",
            "The bridge at Orle was closed on Monday after 14 people had been hurt there.",
            "14",
            "12",
        );
    }

    #[test]
    fn the_longest_of_several_passages_is_given() {
        check(
            "The bridge was closed on Monday. Nobody knows for how long it will stay so.",
            "Late: the bridge was closed on Monday. Nobody knows for how long it will stay so. A ferry goes, “free of charge”.",
            "A ferry goes, “free of charge",
            "",
        );
    }

    #[test]
    fn another_dress_is_no_change() {
        check("The gate is shut", "the GATE — is shut!", "", "");
        check("", "", "", "");
    }

    #[test]
    fn all_of_a_short_text_may_be_new() {
        check("Shut.", "Open again", "Open again", "Shut");
    }

    #[test]
    fn a_long_passage_is_cut() {
        let added = change(("", &words("")), (&"é ".repeat(900), &words(&"é ".repeat(900)))).added;
        assert_eq!(added.map(|passage| passage.chars().count()), Some(PASSAGE_CHARS));
    }
}
