//! Finds names by the model: a score for each word and label, and the best chain of labels. Twice: the second pass knows
//! what the first one said of each word over the whole article.

use super::{
    clues::{Clues, SLOTS, Vote},
    model::{LABELS, Model, ROW, Steps},
    page::Page,
    span::Span,
};
use crate::article::EntityKind;

/// Sums of weights: the first pass's labels, then the second's.
type Sum = [i16; ROW];

const HALF: usize = ROW / 2;

/// The kinds of the labels, in their order.
pub(super) const KINDS: [EntityKind; 3] = [EntityKind::Person, EntityKind::Org, EntityKind::Place];

/// Names by the model, in order, none inside another.
pub(super) fn spans(page: &Page<'_>, model: &Model) -> Vec<Span> {
    let clues = Clues::new(page, model.clusters());
    let mut scores = Scores::new(&clues, model);
    let mut chains = Viterbi::default();
    let mut votes = vec![Vote::default(); page.slots_max() + 1];
    for chain in &clues.chains {
        let first = scores.sums.len();
        for at in chain.0..chain.1 {
            scores.add_token(at);
        }
        scores.add_phrases(*chain, first);
        let sums = scores.sums.get(first..).unwrap_or(&[]);
        let labels = chains.best(sums.iter().map(|sum| half(sum, 0)), model.steps(0));
        count(page, *chain, labels, &mut votes);
    }
    let mut spans = Vec::with_capacity(page.capitals.len() / 2);
    let mut sums = std::mem::take(&mut scores.sums);
    let mut rest = sums.as_mut_slice();
    for chain in &clues.chains {
        let (own, others) = rest.split_at_mut_checked(chain.1 - chain.0).unwrap_or_default();
        rest = others;
        for (at, sum) in (chain.0..chain.1).zip(own.iter_mut()) {
            scores.add_votes(at, &votes, sum);
        }
        let labels = chains.best(own.iter().map(|sum| half(sum, 1)), model.steps(1));
        names(*chain, labels, &mut spans);
    }
    spans
}

fn half(sum: &Sum, pass: usize) -> [i16; HALF] {
    let (halves, _) = sum.as_chunks::<HALF>();
    halves.get(pass).copied().unwrap_or_default()
}

/// Counts what the labels say of each word.
pub(super) fn count(page: &Page<'_>, chain: (usize, usize), labels: &[u8], votes: &mut [Vote]) {
    let mut longest = 0;
    for (at, label) in (chain.0..chain.1).zip(labels).rev() {
        // From the back, the length of a name is known from its last word on.
        let part = (label.wrapping_sub(1)) & 3;
        longest = match (label, part) {
            (0, _) => 0,
            (_, 2 | 3) => 1,
            _ => longest + 1,
        };
        let slot = page.slot(at);
        if let Some(vote) = votes.get_mut(slot).filter(|_| slot > 0 && page.capital(at)) {
            let kind = usize::from(label.div_ceil(4));
            if let Some(count) = vote.counts.get_mut(kind) {
                *count = count.saturating_add(1);
            }
            vote.longest = vote.longest.max(longest);
        }
    }
}

/// The names that labels spell.
pub(super) fn names(chain: (usize, usize), labels: &[u8], spans: &mut Vec<Span>) {
    let mut from = chain.0;
    for (at, label) in (chain.0..chain.1).zip(labels) {
        let Some(label) = label.checked_sub(1) else { continue };
        if matches!(label & 3, 0 | 3) {
            from = at;
        }
        if let Some(kind) = KINDS.get(usize::from(label >> 2)).filter(|_| label & 3 >= 2) {
            spans.push(Span::new(from, at + 1, *kind));
        }
    }
}

/// Sums of the weights of a token's features. What depends on spelling and slot alone is summed once an article.
struct Scores<'c, 'p, 'a> {
    clues: &'c Clues<'p, 'a>,
    model: &'c Model,
    features: Vec<u32>,
    /// Sums by spelling and slot.
    known: Vec<Sum>,
    /// For each spelling and slot one more than its place in `known`.
    places: Vec<u32>,
    /// The same of the votes.
    voted: Vec<u32>,
    of_runs: Vec<u32>,
    /// Of the tokens of all chains, in order.
    sums: Vec<Sum>,
}

impl<'c, 'p, 'a> Scores<'c, 'p, 'a> {
    fn new(clues: &'c Clues<'p, 'a>, model: &'c Model) -> Self {
        Self {
            clues,
            model,
            features: Vec::with_capacity(64),
            known: Vec::with_capacity(1024),
            places: vec![0; clues.forms() * SLOTS],
            voted: vec![0; clues.forms() * 3],
            of_runs: vec![0; clues.runs()],
            sums: Vec::with_capacity(clues.page().capitals.len() * 3 / 2),
        }
    }

    fn add_token(&mut self, at: usize) {
        let mut sum = [0; ROW];
        for slot in 0..SLOTS {
            if let Some(form) = self.clues.form_at(at, slot) {
                let clues = self.clues;
                let known = cached(
                    &mut self.places,
                    form * SLOTS + slot,
                    &mut self.known,
                    &mut self.features,
                    self.model,
                    |out| clues.of_form(form, slot, out),
                );
                add(&mut sum, known);
            }
        }
        if let Some(run) = self.clues.run_at(at) {
            let clues = self.clues;
            let known =
                cached(&mut self.of_runs, run, &mut self.known, &mut self.features, self.model, |out| {
                    clues.of_run(run, out);
                });
            add(&mut sum, known);
        }
        self.features.clear();
        self.clues.of_place(at, &mut self.features);
        for feature in &self.features {
            self.model.add(*feature, &mut sum);
        }
        self.sums.push(sum);
    }

    fn add_phrases(&mut self, chain: (usize, usize), first: usize) {
        let Self { clues, model, sums, .. } = self;
        clues.of_phrases(chain, &mut |at, feature| {
            if let Some(sum) = sums.get_mut(first + at - chain.0) {
                model.add(feature, sum);
            }
        });
    }

    fn add_votes(&mut self, at: usize, votes: &[Vote], sum: &mut Sum) {
        for near in 0..3 {
            let slot = near + SLOTS / 2 - 1;
            if let Some(form) = self.clues.form_at(at, slot) {
                let clues = self.clues;
                let known = cached(
                    &mut self.voted,
                    form * 3 + near,
                    &mut self.known,
                    &mut self.features,
                    self.model,
                    |out| clues.of_votes(form, slot, votes, out),
                );
                add(sum, known);
            }
        }
    }
}

/// The sum that is kept at a place, made the first time.
fn cached<'k>(
    places: &mut [u32],
    place: usize,
    known: &'k mut Vec<Sum>,
    features: &mut Vec<u32>,
    model: &Model,
    ask: impl FnOnce(&mut Vec<u32>),
) -> &'k Sum {
    const NOTHING: &Sum = &[0; ROW];
    let Some(place) = places.get_mut(place) else { return NOTHING };
    if *place == 0 {
        features.clear();
        ask(features);
        let mut sum = [0; ROW];
        for feature in features.iter() {
            model.add(*feature, &mut sum);
        }
        known.push(sum);
        *place = u32::try_from(known.len()).unwrap_or(0);
    }
    known.get((*place as usize).wrapping_sub(1)).unwrap_or(NOTHING)
}

fn add(sum: &mut Sum, other: &Sum) {
    for (sum, other) in sum.iter_mut().zip(other) {
        *sum = sum.saturating_add(*other);
    }
}

/// Finds the best chain of labels.
#[derive(Default)]
pub(super) struct Viterbi {
    /// For each token and label the best label before.
    back: Vec<[u8; LABELS]>,
    labels: Vec<u8>,
}

const NEVER: i32 = i32::MIN / 2;

impl Viterbi {
    /// The best labels of a chain that stands between tokens that are no names.
    pub(super) fn best(&mut self, scores: impl Iterator<Item = [i16; HALF]>, steps: &Steps) -> &[u8] {
        let mut before = [NEVER; LABELS];
        before[0] = 0;
        self.back.clear();
        for scores in scores {
            let mut now = [NEVER; LABELS];
            let mut back = [0; LABELS];
            let each = now.iter_mut().zip(&mut back).zip(steps).zip(&scores).zip(0..);
            for ((((now, back), steps), score), label) in each {
                let (best, from) = step(&before, steps, label);
                *now = best + i32::from(*score);
                *back = from;
            }
            self.back.push(back);
            before = now;
        }
        self.labels.clear();
        let [to_outside, ..] = steps;
        let (_, mut label) = step(&before, to_outside, 0);
        for back in self.back.iter().rev() {
            self.labels.push(label);
            label = back.get(usize::from(label)).copied().unwrap_or(0);
        }
        self.labels.reverse();
        &self.labels
    }
}

/// The best label before this one.
fn step(before: &[i32; LABELS], steps: &[i16; LABELS], label: u8) -> (i32, u8) {
    let mut best = (NEVER * 2, 0);
    let mut ask = |from: u8| {
        let place = usize::from(from);
        if let (Some(score), Some(step)) = (before.get(place), steps.get(place)) {
            let score = score + i32::from(*step);
            if score > best.0 {
                best = (score, from);
            }
        }
    };
    // Inner and last words follow the first or an inner word of the same kind.
    if label > 0 && matches!((label - 1) & 3, 1 | 2) {
        let first = (label - 1) / 4 * 4 + 1;
        ask(first);
        ask(first + 1);
    } else {
        for from in [0, 3, 4, 7, 8, 11, 12] {
            ask(from);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::entity::model::model;

    fn check(text: &str, expected: &str) {
        let page = Page::new("", text);
        let found: Vec<String> = spans(&page, model())
            .iter()
            .map(|span| format!("{:?} {}", span.kind, page.phrase(span.from, span.to)))
            .collect();
        assert_eq!(found.join("; "), expected);
    }

    #[test]
    fn names_are_told_from_what_opens_a_sentence() {
        check(
            "Yesterday Margaret Venn flew to Oslo. However, nobody met her.",
            "Person Margaret Venn; Place Oslo",
        );
    }

    #[test]
    fn labels_spell_names() {
        let mut found = Vec::new();
        names((4, 9), &[1, 2, 3, 0, 8], &mut found);
        assert_eq!(found, [Span::new(4, 7, EntityKind::Person), Span::new(8, 9, EntityKind::Org)]);
    }

    #[test]
    fn only_whole_names_are_spelt() {
        let steps = [[0; LABELS]; LABELS];
        // An inner word of a person scores best everywhere, but a name must begin and end.
        let mut inner = [0; HALF];
        inner[2] = 9;
        assert_eq!(Viterbi::default().best([inner; 3].into_iter(), &steps), [1, 2, 3]);
    }

    #[test]
    fn the_article_votes_on_its_words() {
        let page = Page::new("", "Venn and Venn met Venn.");
        let mut votes = vec![Vote::default(); page.slots_max() + 1];
        count(&page, (0, 5), &[4, 0, 4, 0, 0], &mut votes);
        assert_eq!((votes[page.slot(0)].counts, votes[page.slot(0)].longest), ([1, 2, 0, 0], 1));
    }
}
