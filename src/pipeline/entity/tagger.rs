//! Finds names by the model: a score for each word and label, and the best chain of labels. Twice: the second pass knows
//! what the first one said of each word over the whole article.

use super::{
    clues::{Clues, SLOTS, Vote},
    model::{LABELS, Model, ROW, Steps, Weigher},
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
        scores.ask(*chain);
    }
    scores.weigh();
    let mut tokens = 0;
    for chain in &clues.chains {
        let sums = scores.first(*chain, tokens);
        let labels = chains.best(sums.iter().map(|sum| half(sum, 0)), model.steps(0));
        count(page, *chain, labels, &mut votes);
        tokens += chain.1 - chain.0;
    }
    for chain in &clues.chains {
        scores.ask_votes(*chain, &votes);
    }
    scores.weigh();
    let mut spans = Vec::with_capacity(page.capitals.len() / 2);
    let mut tokens = 0;
    for chain in &clues.chains {
        let sums = scores.second(*chain, tokens);
        let labels = chains.best(sums.iter().map(|sum| half(sum, 1)), model.steps(1));
        names(*chain, labels, &mut spans);
        tokens += chain.1 - chain.0;
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

/// Slots that the votes are asked about: the word itself and those beside it.
const NEAR: usize = 3;

/// Features that wait to be weighed, at most about so many: their rows fit into an inner cache.
const WAITING_MAX: usize = 4096;

/// Sums of the weights of tokens' features. What depends on spelling and slot alone is summed once an article. Features
/// are first gathered, then weighed many at a time.
struct Scores<'c, 'p, 'a> {
    clues: &'c Clues<'p, 'a>,
    model: &'c Model,
    /// Features that wait, those of one sum side by side.
    features: Vec<u32>,
    /// The sums that wait, with the end of their features.
    waiting: Vec<(usize, usize)>,
    weigher: Weigher,
    /// Of spellings in slots, runs and places. The first is of nothing.
    known: Vec<Sum>,
    /// For each spelling and slot its sum.
    of_forms: Vec<u32>,
    of_runs: Vec<u32>,
    /// The same of the votes.
    of_votes: Vec<u32>,
    /// The sums that each token of the chains consists of: its place, its run, its slots.
    parts: Vec<[u32; 2 + SLOTS]>,
    /// Of the tokens of all chains, in order.
    sums: Vec<Sum>,
}

impl<'c, 'p, 'a> Scores<'c, 'p, 'a> {
    fn new(clues: &'c Clues<'p, 'a>, model: &'c Model) -> Self {
        let tokens = clues.chains.iter().map(|(from, to)| to - from).sum();
        let mut known = Vec::with_capacity(1024 + tokens);
        known.push([0; ROW]);
        Self {
            clues,
            model,
            features: Vec::with_capacity(WAITING_MAX + 64),
            waiting: Vec::with_capacity(WAITING_MAX / 8),
            weigher: Weigher::default(),
            known,
            of_forms: vec![0; clues.forms() * SLOTS],
            of_runs: vec![0; clues.runs()],
            of_votes: vec![0; clues.forms() * NEAR],
            parts: Vec::with_capacity(tokens),
            sums: Vec::with_capacity(tokens),
        }
    }

    /// Gathers what the first pass asks about the tokens of a chain.
    fn ask(&mut self, chain: (usize, usize)) {
        let clues = self.clues;
        for at in chain.0..chain.1 {
            let mut parts = [0; 2 + SLOTS];
            let [place, of_run, slots @ ..] = &mut parts;
            clues.of_place(at, &mut self.features);
            *place = self.wait();
            if let Some(run) = clues.run_at(at) {
                *of_run = self.once(|scores| &mut scores.of_runs, run, |out| clues.of_run(run, out));
            }
            for (slot, part) in slots.iter_mut().enumerate() {
                if let Some(form) = clues.form_at(at, slot) {
                    let ask = |out: &mut Vec<u32>| clues.of_form(form, slot, out);
                    *part = self.once(|scores| &mut scores.of_forms, form * SLOTS + slot, ask);
                }
            }
            self.parts.push(parts);
            if self.features.len() > WAITING_MAX {
                self.weigh();
            }
        }
    }

    /// Gathers what the second pass asks besides.
    fn ask_votes(&mut self, chain: (usize, usize), votes: &[Vote]) {
        let clues = self.clues;
        for at in chain.0..chain.1 {
            for near in 0..NEAR {
                let slot = near + SLOTS / 2 - 1;
                if let Some(form) = clues.form_at(at, slot) {
                    let ask = |out: &mut Vec<u32>| clues.of_votes(form, slot, votes, out);
                    self.once(|scores| &mut scores.of_votes, form * NEAR + near, ask);
                }
            }
        }
        if self.features.len() > WAITING_MAX {
            self.weigh();
        }
    }

    /// The sum that a table has at a place; asked for the first time, it waits.
    fn once(
        &mut self,
        table: impl Fn(&mut Self) -> &mut Vec<u32>,
        place: usize,
        ask: impl FnOnce(&mut Vec<u32>),
    ) -> u32 {
        match table(self).get(place) {
            Some(0) => {}
            Some(known) => return *known,
            None => return 0,
        }
        ask(&mut self.features);
        let new = self.wait();
        if let Some(known) = table(self).get_mut(place) {
            *known = new;
        }
        new
    }

    /// A new sum, of the features at the end.
    fn wait(&mut self) -> u32 {
        self.waiting.push((self.known.len(), self.features.len()));
        self.known.push([0; ROW]);
        u32::try_from(self.known.len() - 1).unwrap_or(0)
    }

    /// Sums up what waits.
    fn weigh(&mut self) {
        let mut rows = self.weigher.rows(self.model, &self.features);
        let mut from = 0;
        for (sum, to) in self.waiting.drain(..) {
            let Some(sum) = self.known.get_mut(sum) else { continue };
            rows.by_ref().take(to - from).for_each(|row| row.add(sum));
            from = to;
        }
        drop(rows);
        self.features.clear();
    }

    /// The sums of a chain; so many tokens of other chains went before.
    fn first(&mut self, chain: (usize, usize), tokens: usize) -> &[Sum] {
        for parts in self.parts.iter().skip(tokens).take(chain.1 - chain.0) {
            let mut sum = [0; ROW];
            for part in parts {
                if let Some(part) = self.known.get(*part as usize) {
                    add(&mut sum, part);
                }
            }
            self.sums.push(sum);
        }
        let (model, sums) = (self.model, self.sums.get_mut(tokens..).unwrap_or(&mut []));
        self.clues.of_phrases(chain, &mut |at, feature| {
            if let Some(sum) = sums.get_mut(at - chain.0) {
                model.add(feature, sum);
            }
        });
        sums
    }

    /// The same for the second pass.
    fn second(&mut self, chain: (usize, usize), tokens: usize) -> &[Sum] {
        let sums = self.sums.get_mut(tokens..tokens + chain.1 - chain.0).unwrap_or(&mut []);
        for (at, sum) in (chain.0..chain.1).zip(&mut *sums) {
            for near in 0..NEAR {
                let form = self.clues.form_at(at, near + SLOTS / 2 - 1);
                let known = form.and_then(|form| self.of_votes.get(form * NEAR + near));
                if let Some(known) = known.and_then(|known| self.known.get(*known as usize)) {
                    add(sum, known);
                }
            }
        }
        sums
    }
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
