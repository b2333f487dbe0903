//! Articles that topics were given as samples: how like them an article is, and which come into question.

use super::{
    Features, Loaded, Normal, Stories, Vector, Weights,
    counts::Counts,
    index::Postings,
    model,
    vector::{Probe, VIEWS, cosines},
};

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
        article: &Loaded,
        normal: Normal,
        samples: &[&Loaded],
        gap: Option<i64>,
    ) -> Compared {
        let probe = Probe::new(article);
        let mut most = [0.0_f64; VIEWS];
        let mut out_back = [0.0_f64; 2];
        let (mut sums, mut squares) = ([0_u64; VIEWS], [0_u64; VIEWS]);
        for (number, sample) in samples.iter().enumerate() {
            let dots = probe.dots(sample).map(u64::from);
            let cosines = cosines(dots, article.squares(), sample.squares().map(u64::from));
            for (((most, cosine), sum), dot) in most.iter_mut().zip(cosines).zip(&mut sums).zip(dots) {
                *most = most.max(cosine);
                *sum += dot;
            }
            let out = self.ring.normal(sample).stand_out(&cosines);
            for (most, out) in out_back.iter_mut().zip(out) {
                *most = most.max(out.clamp(-4.0, 40.0));
            }
            let own = Probe::new(sample);
            for other in samples.iter().take(number) {
                for (square, dot) in squares.iter_mut().zip(own.dots(other)) {
                    *square += 2 * u64::from(dot);
                }
            }
            for (square, own) in squares.iter_mut().zip(sample.squares()) {
                *square += u64::from(own);
            }
        }
        let sum = cosines(sums, article.squares(), squares);
        let features = model::features(&sum, &most, normal, gap);
        let [nearest, ..] = most;
        Compared { features, out_back, nearest }
    }
}

/// Finds sample articles by their words, weighed by the shipped statistics alone.
#[derive(Debug, Default)]
pub struct Samples {
    postings: Postings,
    latest: u64,
}

impl Samples {
    /// Takes a sample in under a number.
    pub fn add(&mut self, number: usize, features: &Features) {
        let loaded = Vector::weighed(features, &Weights::by(Counts::shipped_ref(), features)).load();
        self.postings.add(number as u64, &loaded);
        self.latest = self.latest.max(number as u64);
    }

    /// Numbers of the samples that share most with an article.
    pub fn nearest(&self, loaded: &Loaded, max: usize) -> Vec<usize> {
        let found = self.postings.nearest(loaded, self.latest, max);
        found.into_iter().filter_map(|number| usize::try_from(number).ok()).collect()
    }
}
