//! What stories and topics are judged by: features, and a linear model over them. Its constants are in `weights`.

use super::{vector::VIEWS, weights};
use crate::event::Sensitivity;

/// Number of features of an article and what it is compared with.
pub const FEATURES: usize = 12;
/// Number of features of an article and a candidate story: also how far that is ahead of the others.
pub const STORY_FEATURES: usize = FEATURES + 1;
/// Number of inputs: the features, the features of headlines alone, those of texts times their length, and three of the
/// regime, with a constant.
pub const INPUTS: usize = 3 * STORY_FEATURES + 4;
/// Place of the constant among the inputs of a story.
pub const CONSTANT: usize = INPUTS - 1;
/// Added to a spread, so that a quiet background is no evidence.
pub const SPREAD_MIN: f64 = 0.01;
const DAY_SECS: f64 = 86_400.0;

/// What an article and a candidate are judged by, in the order of the model's inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Cosine of all words to the sum of the members.
    All,
    /// Cosine of the lead.
    Lead,
    /// Cosine of the title.
    Title,
    /// Cosine of the names.
    Names,
    /// Greatest cosine of all words to a member.
    NearestAll,
    /// Greatest cosine of the lead.
    NearestLead,
    /// Greatest cosine of the names.
    NearestNames,
    /// `ln(1 + days)` between article and candidate; 0 where either is undated.
    Days,
    /// Under a day.
    SameDay,
    /// How far the nearest member stands out from the background, all words.
    OutAll,
    /// How far the sum of the members stands out.
    OutSum,
    /// How far the nearest member stands out, names.
    OutNames,
    /// How much more the article is like this story than like any other one.
    Ahead,
}

/// The features of an article against a candidate: cosines to the sum and the nearest members, and seconds apart.
#[expect(clippy::cast_precision_loss, reason = "times are far below 2^52 seconds")]
pub fn features(
    sum: &[f64; VIEWS],
    most: &[f64; VIEWS],
    normal: super::Normal,
    gap: Option<i64>,
) -> [f64; FEATURES] {
    let [all, lead, title, names] = *sum;
    let [nearest_all, nearest_lead, _, nearest_names] = *most;
    let [out_all, out_names] = normal.stand_out(most);
    let [out_sum, ..] = normal.stand_out(sum);
    let days = gap.map_or(0.0, |gap| gap as f64 / DAY_SECS);
    let same_day = if gap.is_some() && days < 1.0 { 1.0 } else { 0.0 };
    [
        all,
        lead,
        title,
        names,
        nearest_all,
        nearest_lead,
        nearest_names,
        days.ln_1p(),
        same_day,
        out_all.clamp(-4.0, 40.0),
        out_sum.clamp(-4.0, 40.0),
        out_names.clamp(-4.0, 40.0),
    ]
}

/// How like what it is compared with an article is: the cosines of all words to the sum and to the nearest member.
pub fn like([all, _, _, _, nearest, ..]: &[f64; FEATURES]) -> f64 {
    all + nearest
}

/// The features of the candidates of one article: those of each by itself, and how much liker it is than the others.
/// What is likest by far is so even if it is not very like.
pub fn ahead(each: &[[f64; FEATURES]]) -> Vec<[f64; STORY_FEATURES]> {
    let of_others = |place| {
        let others = each.iter().enumerate().filter(move |(other, _)| *other != place);
        others.map(|(_, features)| like(features)).fold(0.0, f64::max)
    };
    let more = |(place, features): (usize, &[f64; FEATURES])| {
        let mut more = [like(features) - of_others(place); STORY_FEATURES];
        more.iter_mut().zip(features).for_each(|(more, feature)| *more = *feature);
        more
    };
    each.iter().enumerate().map(more).collect()
}

/// What the model of a story is linear in.
pub fn inputs(features: &[f64; STORY_FEATURES], headline: bool, undated: bool, length: f64) -> [f64; INPUTS] {
    by_regime(features, headline, undated, length)
}

/// The features as they are, those of headlines alone, those of texts times their length, and the regime itself; `M` is
/// three times `N`, and four.
fn by_regime<const N: usize, const M: usize>(
    features: &[f64; N],
    headline: bool,
    undated: bool,
    length: f64,
) -> [f64; M] {
    let mut inputs = [0.0; M];
    let regime = if headline { 1.0 } else { 0.0 };
    let excess = if headline { 0.0 } else { length - MEAN_LENGTH };
    let rest = [regime, if undated { 1.0 } else { 0.0 }, excess, 1.0];
    let short = features.iter().map(|value| value * regime);
    let long = features.iter().map(|value| value * excess);
    let values = features.iter().copied().chain(short).chain(long).chain(rest);
    for (input, value) in inputs.iter_mut().zip(values) {
        *input = value;
    }
    inputs
}

const MEAN_LENGTH: f64 = 4.5;
/// Length that a topic's samples are at least taken for, as ln(1 + words).
pub const LENGTH_MIN: f64 = 3.0;

/// Log odds that an article belongs to a candidate story, above the threshold for joining.
pub fn story_score(features: &[f64; STORY_FEATURES], (headline, length): (bool, f64), undated: bool) -> f64 {
    let [text, bare, short] = weights::STORY_THRESHOLDS;
    let threshold = if headline { short } else { text };
    let threshold = if undated && !headline { bare } else { threshold };
    dot(&inputs(features, headline, undated, length), &weights::STORY) - threshold
}

/// Sum of products.
pub fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Means and spreads of the cosines of unrelated articles, for texts and for headlines: all words, names.
pub fn background(headline: bool) -> ([f64; 2], [f64; 2]) {
    if headline { BACKGROUND_HEADLINE } else { BACKGROUND_TEXT }
}

const BACKGROUND_TEXT: ([f64; 2], [f64; 2]) = ([0.025, 0.014], [0.028, 0.034]);
const BACKGROUND_HEADLINE: ([f64; 2], [f64; 2]) = ([0.02, 0.02], [0.05, 0.05]);

/// Features of an article and a topic's samples: those of a story, how far the nearest sample stands out seen from the
/// samples, the logarithms of how far it stands out, because the odds rise ever more slowly with it, and how much liker
/// the article is to the samples than to any story.
pub const TOPIC_FEATURES: usize = FEATURES + 7;
/// Inputs of the first stage of a topic.
pub const TOPIC_INPUTS: usize = 3 * TOPIC_FEATURES + 4;
/// Place of the constant among the inputs of both stages.
pub const TOPIC_CONSTANT: usize = TOPIC_INPUTS - 1;
const TOPIC_HEADLINE: usize = 3 * TOPIC_FEATURES;
/// What the second stage knows of the article's story, and of what the topic learned.
const STORY_INPUTS: usize = 10;
/// Inputs of the second stage: those of the first, and the article's story, also for headlines alone.
pub const SECOND_INPUTS: usize = TOPIC_INPUTS + 2 * STORY_INPUTS;
/// A likeness this far above the floor speaks for the topic by itself.
const LIKENESS_TURN: f64 = 6.0;
/// Log odds below which a likeness is not told apart.
pub const LIKENESS_MIN: f64 = -8.0;
/// Log odds from which a topic begins to remember a story.
pub const LIKENESS_KEPT: f64 = -4.0;
/// Log odds of a sample itself, and the most that a likeness counts.
pub const LIKENESS_MAX: f64 = 6.0;
/// Steps of a trace to 1.
pub const STEPS: f64 = 256.0;
/// Log odds, by the article and the samples alone, from which a topic learns from an article.
pub const TOPIC_LEARNS: f64 = 2.5;
/// Log odds from which a match by likeness is sure.
pub const TOPIC_SURE: f64 = 3.0;

/// The inputs of the first stage; `likest` is how like the likest story the article is.
pub fn topic_inputs(
    compared: &super::Compared,
    likest: f64,
    (headline, length): (bool, f64),
    undated: bool,
) -> [f64; TOPIC_INPUTS] {
    let [.., out_all, _, out_names] = compared.features;
    let [back_all, back_names] = compared.out_back;
    let logarithms = [out_all, back_all, out_names, back_names].map(|out| out.max(0.0).ln_1p());
    let more = compared.out_back.into_iter().chain(logarithms).chain([like(&compared.features) - likest]);
    let mut features = [0.0; TOPIC_FEATURES];
    for (feature, value) in features.iter_mut().zip(compared.features.into_iter().chain(more)) {
        *feature = value;
    }
    by_regime(&features, headline, undated, length)
}

/// Log odds by the article alone.
pub fn topic_score_alone(inputs: &[f64; TOPIC_INPUTS]) -> f64 {
    dot(inputs, &weights::TOPIC)
}

/// The inputs of the second stage: greatest and mean likeness of the story's members above the floor, their number,
/// whether a sample is one of them, and the log odds against what the topic learned.
pub fn second_inputs(
    first: &[f64; TOPIC_INPUTS],
    best: f64,
    mean: f64,
    reports: u32,
    sample: bool,
    learned: Option<f64>,
) -> [f64; SECOND_INPUTS] {
    let learnt = learned.map_or(0.0, |odds| odds.clamp(LIKENESS_MIN, LIKENESS_MAX) - LIKENESS_MIN);
    let regime = first.get(TOPIC_HEADLINE).copied().unwrap_or(0.0);
    let one_if = |yes| if yes { 1.0 } else { 0.0 };
    let beyond = |likeness: f64| (likeness - LIKENESS_TURN).max(0.0);
    let story: [f64; STORY_INPUTS] = [
        best,
        mean,
        f64::from(reports).ln_1p(),
        one_if(sample),
        beyond(best),
        beyond(mean),
        one_if(reports > 0),
        learnt,
        beyond(learnt),
        one_if(learned.is_some()),
    ];
    let mut all = [0.0; SECOND_INPUTS];
    let values = first.iter().copied().chain(story).chain(story.map(|value| value * regime));
    for (input, value) in all.iter_mut().zip(values) {
        *input = value;
    }
    all
}

/// Log odds with the article's story.
pub fn topic_score(
    first: &[f64; TOPIC_INPUTS],
    best: f64,
    mean: f64,
    reports: u32,
    sample: bool,
    learned: Option<f64>,
) -> f64 {
    dot(&second_inputs(first, best, mean, reports, sample, learned), &weights::SECOND)
}

/// Log odds as a strict topic takes them: rare words alone do not speak for it where the texts share little else, as
/// those of two affairs of one person. Chosen on the labelled sets moved in time.
pub fn strict_odds(odds: f64, cosine: f64) -> f64 {
    odds + STRICT_LIKENESS * (cosine - STRICT_COSINE)
}

/// Log odds that a strict topic gives for a cosine of 1 more, all words.
const STRICT_LIKENESS: f64 = 10.0;
/// The cosine that changes nothing.
const STRICT_COSINE: f64 = 0.23;

/// What the log odds must reach.
pub fn topic_threshold(sensitivity: Sensitivity, headline: bool) -> f64 {
    let [strict, balanced, sensitive] = weights::TOPIC_THRESHOLDS;
    let [text, short] = match sensitivity {
        Sensitivity::Strict => strict,
        Sensitivity::Balanced => balanced,
        Sensitivity::Sensitive => sensitive,
    };
    if headline { short } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(all: f64, nearest: f64) -> [f64; FEATURES] {
        features(&[all, 0.0, 0.0, 0.0], &[nearest, 0.0, 0.0, 0.0], super::super::Normal::default(), None)
    }

    #[test]
    fn a_candidate_is_ahead_of_the_best_of_the_others() {
        let each = [alike(0.4, 0.3), alike(0.1, 0.2), alike(0.2, 0.2)];
        let ahead: Vec<f64> = ahead(&each).into_iter().filter_map(|all| all.last().copied()).collect();
        for (ahead, expected) in ahead.iter().zip([0.3, -0.4, -0.3]) {
            assert!((ahead - expected).abs() < 1e-9, "{ahead} {expected}");
        }
        assert_eq!(ahead.len(), each.len());
    }

    #[test]
    fn a_lone_candidate_is_ahead_by_its_whole_likeness() {
        let [alone] = ahead(&[alike(0.4, 0.3)])[..] else { panic!("one candidate") };
        assert!((alone[STORY_FEATURES - 1] - 0.7).abs() < 1e-9, "{alone:?}");
        assert_eq!(alone[..FEATURES], alike(0.4, 0.3));
        assert!(ahead(&[]).is_empty());
    }

    #[test]
    fn what_is_likest_by_far_scores_more() {
        let (like, other) = (alike(0.3, 0.3), alike(0.28, 0.28));
        let score = |each: &[[f64; FEATURES]]| {
            ahead(each).first().map(|first| story_score(first, (false, 4.5), true)).unwrap()
        };
        assert!(score(&[like]) > score(&[like, other]));
    }
}
