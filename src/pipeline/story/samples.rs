//! Articles that topics were given as samples: how like them an article is. They are found by their words at a small part
//! of what a comparison costs, so that an article is compared with the few topics that it may belong to, however many
//! there are.

use std::collections::HashMap;

use super::{
    Assignment, Normal, Stories, Vector,
    counts::{Counts, shipped_weight},
    model,
    terms::{Features, FixedState},
    vector::{Entry, Loaded, Probe, Sums, VIEWS, cosines},
};

/// Heaviest terms of an article by which samples are looked for.
const SOUGHT_TERMS: usize = 40;
/// Terms of samples that are looked at for one article, those of its heaviest terms first.
const VISITS_MAX: usize = 16_384;
/// What a sample must share with an article, as a cosine that is estimated, to be compared with it.
const SHARE_MIN: f64 = 0.04;
/// Square of a unit vector's length in a view.
const SQUARE: f64 = 255.0 * 255.0;

/// How an article compares with a topic's samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Compared {
    /// As of an article and a story.
    pub features: [f64; model::FEATURES],
    /// How far the nearest sample stands out, seen from the samples: all words, names.
    pub out_back: [f64; 2],
    /// Cosine to the nearest sample, all words.
    pub nearest: f64,
}

impl Stories {
    /// Compares an article with samples; `gap` is the seconds between them, none where either is undated.
    pub fn compare(
        &self,
        article: &Probe<'_>,
        normal: Normal,
        samples: &[&Loaded],
        gap: Option<i64>,
    ) -> Compared {
        let squares = article.loaded().squares();
        let mut most = [0.0_f64; VIEWS];
        let mut sums = [0_u64; VIEWS];
        let mut compared = Vec::with_capacity(samples.len());
        for sample in samples {
            let dots = article.dots(sample).map(u64::from);
            let cosines = cosines(dots, squares, sample.squares().map(u64::from));
            for (((most, cosine), sum), dot) in most.iter_mut().zip(cosines).zip(&mut sums).zip(dots) {
                *most = most.max(cosine);
                *sum += dot;
            }
            compared.push((cosines, *sample));
        }
        let sum = cosines(sums, squares, Sums::of(samples.iter().copied()).squares());
        let features = model::features(&sum, &most, normal, gap);
        let [nearest, ..] = most;
        Compared { features, out_back: self.out_back(compared), nearest }
    }

    /// How far the nearest of some samples stands out, seen from the samples.
    fn out_back(&self, mut compared: Vec<([f64; VIEWS], &Loaded)>) -> [f64; 2] {
        let mut most = [0.0_f64; 2];
        compared.sort_by(|([a, ..], _), ([b, ..], _)| b.total_cmp(a));
        for (cosines, sample) in compared {
            // What is normal for a sample takes long to find, and of many samples few can stand out the most.
            let at_most = self.ring.least(sample).stand_out(&cosines);
            if at_most.iter().zip(most).all(|(at_most, most)| *at_most <= most) {
                continue;
            }
            let out = self.ring.normal(sample).stand_out(&cosines);
            for (most, out) in most.iter_mut().zip(out) {
                *most = most.max(out.clamp(-4.0, 40.0));
            }
        }
        most
    }
}

/// Samples by their terms, weighed by the shipped statistics. How a term weighs at the time of the question is taken from
/// the article's side: samples need no weighing anew as the statistics move on.
#[derive(Debug, Default)]
pub struct Samples {
    /// Term → samples, and what it weighs there.
    terms: HashMap<u32, Vec<(u32, u8)>, FixedState>,
    samples: Vec<Loaded>,
}

impl Samples {
    /// Takes in the next sample; the first is number 0.
    pub fn add(&mut self, features: &Features) {
        let weights = Counts::shipped_ref().weights(features.terms());
        let loaded = Vector::of(features, weights).load();
        let number = u32::try_from(self.samples.len()).unwrap_or(u32::MAX);
        for entry in loaded.entries() {
            let weight = weight(*entry);
            if weight > 0 {
                self.terms.entry(entry.term).or_default().push((number, weight));
            }
        }
        self.samples.push(loaded);
    }

    /// Numbers of the samples that share most with an article, at most so many, best first.
    pub fn nearest(&self, loaded: &Loaded, stories: &Stories, max: usize) -> Vec<usize> {
        let sought = loaded.heaviest(SOUGHT_TERMS);
        let now = stories.counts.weights(sought.iter().map(|(term, _)| *term));
        let mut shares = vec![0.0_f32; self.samples.len()];
        let mut visits = VISITS_MAX;
        for ((term, weight), now) in sought.into_iter().zip(now) {
            let Some(postings) = self.terms.get(&term) else { continue };
            let weight = f32::from(weight) * f32::from(now) / f32::from(shipped_weight(term).max(1));
            for (number, of_sample) in postings.iter().take(visits) {
                if let Some(share) = shares.get_mut(*number as usize) {
                    *share += weight * f32::from(*of_sample);
                }
            }
            visits = visits.saturating_sub(postings.len());
        }
        #[expect(clippy::cast_possible_truncation, reason = "far below what an f32 holds")]
        let least = (SHARE_MIN * SQUARE) as f32;
        let shares = shares.into_iter().enumerate().filter(|(_, share)| *share >= least);
        let mut found: Vec<(usize, f32)> = shares.collect();
        found.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found.truncate(max);
        found.into_iter().map(|(number, _)| number).collect()
    }
}

/// An article that is compared with one sample after the other, roughly: by how the samples weigh in news at large, and
/// with what is normal for the article alone.
#[derive(Debug)]
pub struct Rough<'a> {
    samples: &'a Samples,
    normal: Normal,
    likest: f64,
    probe: &'a Probe<'a>,
}

impl<'a> Rough<'a> {
    /// Of the article of `assignment`, made ready as `probe`.
    pub fn new(samples: &'a Samples, assignment: &Assignment, probe: &'a Probe<'a>) -> Self {
        let Assignment { normal, likest, .. } = *assignment;
        Self { samples, normal, likest, probe }
    }

    /// Log odds that it belongs to a topic with this sample; `gap` is the seconds between them, none where either is
    /// undated.
    pub fn odds(&self, number: usize, gap: Option<i64>) -> f64 {
        let Some(sample) = self.samples.samples.get(number) else { return f64::MIN };
        let cosines = self.probe.cosines(sample);
        let features = model::features(&cosines, &cosines, self.normal, gap);
        let out_back = self.normal.stand_out(&cosines);
        let [nearest, ..] = cosines;
        let compared = Compared { features, out_back, nearest };
        let (headline, length) = self.probe.loaded().regime();
        let shorter = sample.regime().1.max(model::LENGTH_MIN).min(length);
        model::topic_score_alone(&model::topic_inputs(
            &compared,
            self.likest,
            (headline, shorter),
            gap.is_none(),
        ))
    }
}

fn weight(entry: Entry) -> u8 {
    let [all, lead, ..] = entry.weights;
    all.max(lead)
}

#[cfg(test)]
mod tests {
    use super::{super::features, *};

    const FERRY: &str = "The ferry Aurelia ran aground off Holm island with ninety passengers aboard, and coast guard boats \
        took everyone to Holm harbour, where Captain Ilse Varga told reporters that the rudder had failed. Inspectors will examine the \
        steering, and the shipping line Nordlinje apologised to all who had to wait.";
    const STRIKE: &str = "Dockers at the Tarnow terminal walked out at noon over the sacking of their foreman Oskar Lund, \
        and the union says that cranes will stand still until he is back while lorries queue along the quay road. Managers called the strike \
        unlawful and want to see the foreman in court.";

    fn samples(texts: &[&str]) -> Samples {
        let mut samples = Samples::default();
        for text in texts {
            samples.add(&features("", text, None));
        }
        samples
    }

    #[test]
    fn only_samples_that_share_weighty_words_are_found() {
        let (samples, stories) = (samples(&[STRIKE, FERRY, FERRY]), Stories::new());
        let found =
            |text, max| samples.nearest(&stories.weigh(&features("", text, None)).load(), &stories, max);
        assert_eq!(found(FERRY, 9), [1, 2]);
        assert_eq!(found(FERRY, 1), [1]);
        assert!(found("Parliament passed the budget late on Tuesday after a long debate.", 9).is_empty());
    }

    #[test]
    fn a_rough_look_tells_an_event_from_another() {
        let (samples, stories) = (samples(&[STRIKE, FERRY]), Stories::new());
        let loaded = stories.weigh(&features("", FERRY, None)).load();
        let normal = stories.normal(&loaded);
        let assignment = Assignment { normal, ..Assignment::default() };
        let probe = Probe::new(&loaded);
        let rough = Rough::new(&samples, &assignment, &probe);
        let [strike, ferry, none] = [0, 1, 2].map(|number| rough.odds(number, Some(0)));
        assert!(ferry > 0.0 && strike < 0.0 && none < strike, "{ferry} {strike} {none}");
    }
}
