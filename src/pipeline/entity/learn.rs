//! What the program that fits the model asks: an article's features and right answers, as the tagger sees them.

use super::{
    clues::{Clues, SLOTS, Vote},
    model::{Clusters, LABELS, Model, ROW},
    page::Page,
    pass,
    span::Span,
    tagger::{self, KINDS, Viterbi},
};
use crate::article::EntityKind;

/// A text with its names, as the tagger sees it.
#[derive(Debug)]
pub struct Lesson {
    /// Chains of tokens, as places in `labels`.
    pub chains: Vec<(usize, usize)>,
    /// The right labels.
    pub labels: Vec<u8>,
    /// The features of each token.
    features: Vec<u32>,
    ends: Vec<usize>,
}

/// Scores of labels and steps, as they are while the model is fitted.
pub type Scores<'a> = &'a dyn Fn(usize) -> [i16; ROW / 2];

impl Lesson {
    /// Lays out a text; names are bytes of it with their kinds, in order.
    pub fn new(text: &str, names: &[(usize, usize, EntityKind)], clusters: &Clusters) -> Self {
        let page = Page::new("", text);
        let clues = Clues::new(&page, clusters);
        let mut lesson =
            Self { chains: Vec::new(), labels: Vec::new(), features: Vec::new(), ends: Vec::new() };
        for chain in &clues.chains {
            lesson.take(&page, &clues, *chain, names);
        }
        lesson
    }

    fn take(
        &mut self,
        page: &Page<'_>,
        clues: &Clues<'_, '_>,
        chain: (usize, usize),
        names: &[(usize, usize, EntityKind)],
    ) {
        let first = self.labels.len();
        let mut phrases = Vec::new();
        clues.of_phrases(chain, &mut |at, feature| phrases.push((at, feature)));
        for at in chain.0..chain.1 {
            for slot in 0..SLOTS {
                if let Some(form) = clues.form_at(at, slot) {
                    clues.of_form(form, slot, &mut self.features);
                }
            }
            if let Some(run) = clues.run_at(at) {
                clues.of_run(run, &mut self.features);
            }
            clues.of_place(at, &mut self.features);
            self.features
                .extend(phrases.iter().filter(|(there, _)| *there == at).map(|(_, feature)| *feature));
            self.ends.push(self.features.len());
            self.labels.push(label(page, at, names));
        }
        self.chains.push((first, self.labels.len()));
    }

    /// The features of a token.
    pub fn features(&self, token: usize) -> &[u32] {
        let from = token.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let to = self.ends.get(token).copied().unwrap_or(from);
        self.features.get(from..to).unwrap_or(&[])
    }
}

/// The features that the second pass adds, token by token, given the labels of the first.
pub fn votes(text: &str, labels: &[u8], clusters: &Clusters) -> Vec<Vec<u32>> {
    let page = Page::new("", text);
    let clues = Clues::new(&page, clusters);
    let mut votes = vec![Vote::default(); page.slots_max() + 1];
    let mut rest = labels;
    for chain in &clues.chains {
        let (own, others) = rest.split_at_checked(chain.1 - chain.0).unwrap_or((rest, &[]));
        tagger::count(&page, *chain, own, &mut votes);
        rest = others;
    }
    let mut all = Vec::with_capacity(labels.len());
    for at in clues.chains.iter().flat_map(|chain| chain.0..chain.1) {
        let mut features = Vec::new();
        for slot in SLOTS / 2 - 1..=SLOTS / 2 + 1 {
            if let Some(form) = clues.form_at(at, slot) {
                clues.of_votes(form, slot, &votes, &mut features);
            }
        }
        all.push(features);
    }
    all
}

fn label(page: &Page<'_>, at: usize, names: &[(usize, usize, EntityKind)]) -> u8 {
    let inside = |at: usize| {
        let token = page.token(at)?;
        let next = names.partition_point(|(_, end, _)| *end <= token.start);
        let (from, to, kind) = names.get(next)?;
        (*from <= token.start && token.end() <= *to).then_some((next, *kind))
    };
    let Some((name, kind)) = inside(at) else { return 0 };
    let same = |other: Option<usize>| {
        other.is_some_and(|other| {
            page.same_line(at, other) && inside(other).is_some_and(|(found, _)| found == name)
        })
    };
    let part = match (same(at.checked_sub(1)), same(Some(at + 1))) {
        (false, true) => 0,
        (true, true) => 1,
        (true, false) => 2,
        (false, false) => 3,
    };
    let kind = KINDS.iter().position(|known| *known == kind).and_then(|place| u8::try_from(place).ok());
    kind.map_or(0, |kind| 1 + 4 * kind + part)
}

/// The best labels of a chain, given the scores of its tokens.
#[derive(Default)]
pub struct Decoder(Viterbi);

impl Decoder {
    /// Steps by the label after and the label before.
    pub fn best(&mut self, scores: &[[i16; ROW / 2]], steps: &[[i16; LABELS]; LABELS]) -> Vec<u8> {
        self.0.best(scores.iter().copied(), steps).to_vec()
    }
}

/// The names that a model alone finds in a text, as bytes with their kinds.
pub fn names(text: &str, model: &Model) -> Vec<(usize, usize, EntityKind)> {
    let page = Page::new("", text);
    places(&page, &tagger::spans(&page, model))
}

/// The same after the pass over the document.
pub fn settled(text: &str, model: &Model) -> Vec<(usize, usize, EntityKind)> {
    let page = Page::new("", text);
    let mut spans = pass::settle(&page, tagger::spans(&page, model), Vec::new());
    spans.retain(|span| KINDS.contains(&span.kind));
    places(&page, &spans)
}

fn places(page: &Page<'_>, spans: &[Span]) -> Vec<(usize, usize, EntityKind)> {
    let place = |at: usize| page.token(at).map(|token| (token.start, token.end()));
    spans
        .iter()
        .filter_map(|span| Some((place(span.from)?.0, place(span.to.checked_sub(1)?)?.1, span.kind)))
        .collect()
}
