//! Copies and updates: which known article, if any, a text was taken from. Pure; what it must look up is given to it.

mod align;
mod change;
mod index;
mod verdict;

pub use change::change;
pub use index::{Entry, Index};
pub use verdict::Measures;

use self::{
    index::Known,
    verdict::{Setting, Tie},
};
use super::{
    fingerprint::{FINGERPRINT_WORDS_MIN, Fingerprint, OPENING_WORDS, RUN_WORDS, runs},
    text::Words,
};
use crate::article::Id;

/// Articles whose event times lie farther apart are not compared: years-old templates cost nothing.
const APART_SECS_MAX: u64 = 30 * 86_400;

/// Candidates have so many runs in common, and so large a share of the smaller sketch.
const SHARED_RUNS_MIN: u32 = 2;
const SHARED_PERCENT_MIN: usize = 10;

/// The best so many candidates are compared word by word.
const COMPARED_MAX: usize = 6;

/// A copy that is longer than its original by more than this is compared with later articles too: a teaser came
/// first, the full text after it.
const INDEXED_COPY_PERCENT: u64 = 130;

/// An article to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// Of its outlet, see [`site_hash`]; 0 where it is not known.
    pub site: u64,
    /// Event time, in seconds since 1970.
    pub time: i64,
    /// Of its text.
    pub fingerprint: &'a Fingerprint,
    /// Of its text.
    pub words: &'a Words,
    /// A report that it is not compared with: itself, where it is known already.
    pub besides: Option<Id>,
}

/// What an article is of a known one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Relation {
    /// Of none.
    #[default]
    None,
    /// The same text.
    Copy {
        /// The report that it was found to be a copy of.
        report: Id,
        /// The original of that report's copy group.
        root: Id,
        /// The first report of its family.
        family: Id,
    },
    /// The same outlet's later text.
    Update {
        /// The report that it goes on from.
        report: Id,
        /// The first report of its family.
        family: Id,
    },
}

/// A candidate and what became of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighed {
    /// Of the entry.
    pub seq: u64,
    /// Of the entry.
    pub report: Id,
    /// Share of the shorter text that stands in the longer one.
    pub share: f32,
    /// Longest stretch of the shorter text that does not, in words.
    pub gap: u32,
    /// What decided.
    pub why: &'static str,
}

/// What was decided of an article, and on what grounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// The decision.
    pub relation: Relation,
    /// Share of the shorter text that stands in the longer one, of the candidate decided for, else of the nearest.
    pub similarity: f32,
    /// All that were compared, nearest first.
    pub candidates: Vec<Weighed>,
}

/// The number under which an outlet's site is compared.
pub fn site_hash(site: &str) -> u64 {
    if site.is_empty() { 0 } else { Id::of(&[b"site", site.as_bytes()]).0 }
}

/// Whether later articles are compared with this one: always, but for a copy that says no more than its original.
/// So every copy is measured by the original, and chains of small changes lead nowhere.
pub fn is_indexed(relation: &Relation, words: u32, original_words: u32) -> bool {
    !matches!(relation, Relation::Copy { .. })
        || u64::from(words) * 100 > u64::from(original_words) * INDEXED_COPY_PERCENT
}

/// Compares two texts word by word, in either order.
pub fn compare(one: &Words, other: &Words) -> Measures {
    let (shorter, longer) = by_length(one, other);
    verdict::measures(shorter, longer, &align::align(shorter, longer), &[])
}

/// The shorter one first; of equally long ones always the same one, so that who came first makes no difference.
fn by_length<'a>(one: &'a Words, other: &'a Words) -> (&'a Words, &'a Words) {
    if (one.len(), one.hashes()) <= (other.len(), other.hashes()) { (one, other) } else { (other, one) }
}

/// Judges an article by the entries of the index. `text_of` gives the words of an entry's text while there is one.
pub fn judge(index: &Index, probe: &Probe<'_>, text_of: &mut dyn FnMut(u64) -> Option<Words>) -> Judgement {
    if probe.words.len() < FINGERPRINT_WORDS_MIN {
        return Judgement::default();
    }
    let sketch = &probe.fingerprint.sketch;
    let near = index.shared(sketch, SHARED_RUNS_MIN).into_iter().filter(|(shared, known)| {
        let smaller = sketch.len().min(known.runs);
        known.time.abs_diff(probe.time) <= APART_SECS_MAX
            && probe.besides != Some(known.report)
            && *shared as usize * 100 >= smaller * SHARED_PERCENT_MIN
    });
    let mut weighed: Vec<Compared> = near
        .take(COMPARED_MAX)
        .map(|(_, known)| match text_of(known.seq) {
            Some(text) => by_words(index, probe, &known, &text),
            None => by_sketch(index, probe, &known),
        })
        .collect();
    // the sort is stable: of equal ones the candidate with more common runs, then the older, stays ahead
    weighed
        .sort_by(|a, b| (b.tie, b.rank).partial_cmp(&(a.tie, a.rank)).unwrap_or(std::cmp::Ordering::Equal));
    let relation = weighed.first().map_or(Relation::None, |best| match best.tie {
        Tie::None => Relation::None,
        Tie::Update => Relation::Update { report: best.known.report, family: best.known.family },
        Tie::Copy => {
            Relation::Copy { report: best.known.report, root: best.known.root, family: best.known.family }
        }
    });
    Judgement {
        relation,
        similarity: weighed.first().map_or(0.0, |best| best.weighed.share),
        candidates: weighed.iter().map(|compared| compared.weighed).collect(),
    }
}

struct Compared {
    known: Known,
    tie: Tie,
    /// Of candidates with the same tie the higher is nearer.
    rank: f32,
    weighed: Weighed,
}

/// The days between the two articles, whole seconds counted.
fn days_apart(a: i64, b: i64) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "compared with whole days")]
    let seconds = a.abs_diff(b) as f32;
    seconds / 86_400.0
}

fn by_words(index: &Index, probe: &Probe<'_>, known: &Known, text: &Words) -> Compared {
    let grew = probe.words.len() > text.len();
    let (shorter, longer) = by_length(probe.words, text);
    let setting = Setting {
        same_outlet: probe.site != 0 && probe.site == known.site,
        days_apart: days_apart(probe.time, known.time),
        grew,
    };
    let aligned = align::align(shorter, longer);
    let plain = verdict::measures(shorter, longer, &aligned, &[]);
    let (mut tie, mut why) = verdict::tie(&plain, setting);
    if tie != Tie::None && shorter.len() >= BOILERPLATE_WORDS_MIN {
        let marked = boilerplate(index, probe, known, shorter);
        if marked.contains(&true) {
            let without = verdict::measures(shorter, longer, &aligned, &marked);
            let (weaker, _) = verdict::tie(&without, setting);
            // taking words out may also raise the share of a quotation: never upwards
            if weaker < tie {
                (tie, why) = (weaker, "what it has in common stands in the outlet's other articles too");
            }
        }
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of words")]
    let gap = plain.gap() as u32;
    Compared {
        known: *known,
        tie,
        rank: plain.span + 0.2 * plain.span_words / plain.longer_words.max(1.0),
        weighed: Weighed { seq: known.seq, report: known.report, share: plain.span, gap, why },
    }
}

/// In shorter texts a few lines of boilerplate would leave nothing of a teaser.
const BOILERPLATE_WORDS_MIN: usize = 100;

/// A run is the outlet's boilerplate if so many of its other families hold it.
const BOILERPLATE_FAMILIES: usize = 2;

/// Holders of a run that are looked at for that.
const BOILERPLATE_HOLDERS_MAX: usize = 512;

/// What stands between two pieces of boilerplate so near to each other is boilerplate too, in words.
const BOILERPLATE_BRIDGE_WORDS: usize = 60;

/// Marks the words that stand in other families of either outlet.
fn boilerplate(index: &Index, probe: &Probe<'_>, known: &Known, text: &Words) -> Vec<bool> {
    let mut marked = vec![false; text.len()];
    let mut last: Option<usize> = None;
    for (place, run) in runs(text.hashes()).enumerate() {
        if !is_boilerplate(index, probe.site, known, run) {
            continue;
        }
        let from = last.filter(|&end| place <= end + BOILERPLATE_BRIDGE_WORDS).unwrap_or(place).min(place);
        marked.iter_mut().take(place + RUN_WORDS).skip(from).for_each(|mark| *mark = true);
        last = Some(place + RUN_WORDS);
    }
    marked
}

fn is_boilerplate(index: &Index, site: u64, known: &Known, run: u32) -> bool {
    let mut families = [None; BOILERPLATE_FAMILIES];
    for holder in index.holders(run).take(BOILERPLATE_HOLDERS_MAX) {
        let outlets = holder.site != 0 && (holder.site == site || holder.site == known.site);
        if !outlets || holder.family == known.family || families.contains(&Some(holder.family)) {
            continue;
        }
        let Some(free) = families.iter_mut().find(|family| family.is_none()) else { break };
        *free = Some(holder.family);
        if families.iter().all(Option::is_some) {
            return true;
        }
    }
    false
}

/// Without the text only a large share of common sampled runs counts: copies of parts are passed over rather than
/// reports merged.
fn by_sketch(index: &Index, probe: &Probe<'_>, known: &Known) -> Compared {
    /// Fewer common runs are chance or boilerplate.
    const RUNS_MIN: f32 = 8.0;
    let sketch = &probe.fingerprint.sketch;
    let holds = |run: &&u32| index.holds(known.seq, **run);
    let shared = count(sketch.iter().skip(OPENING_WORDS).filter(holds).count());
    let sampled = |runs: f32| (runs - count(OPENING_WORDS)).max(0.0);
    let (words, known_words) = (count(probe.words.len()), count(known.words as usize));
    let (shorter, longer) = (words.min(known_words), words.max(known_words).max(1.0));
    // of the runs that both hold, the one sampled more thinly has kept so many
    let density = (sampled(count(sketch.len())) / words).min(sampled(count(known.runs)) / known_words);
    let share = (shared / (shorter * density).max(RUNS_MIN)).min(1.0);
    let alike = shared >= RUNS_MIN && share >= 0.8 && shorter / longer >= 0.5;
    let same_outlet = probe.site != 0 && probe.site == known.site;
    let tie = match (alike, same_outlet && shorter / longer < 0.9) {
        (false, _) => Tie::None,
        (true, true) => Tie::Update,
        (true, false) => Tie::Copy,
    };
    let why = if alike { "most of its sampled runs; the text is gone" } else { "the text is gone" };
    let weighed = Weighed { seq: known.seq, report: known.report, share, gap: 0, why };
    Compared { known: *known, tie, rank: share, weighed }
}

/// A count of words or runs, far below the 16 million that a float holds exactly.
fn count(of: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "at most WORDS_MAX")]
    let count = of as f32;
    count
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use proptest::prelude::*;

    use super::*;
    use crate::pipeline::{
        fingerprint::fingerprint,
        text::{high, mix, words},
    };

    const DAY: i64 = 86_400;

    /// Words that are like no others, each number its own.
    fn prose(numbers: Range<u64>) -> String {
        let mut text = String::new();
        for number in numbers {
            let mut rest = high(mix(number ^ 0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93));
            for _ in 0..6 {
                text.push(char::from(b'a' + u8::try_from(rest % 26).unwrap()));
                rest /= 26;
            }
            text.push(' ');
        }
        text
    }

    struct Window {
        index: Index,
        texts: Vec<String>,
        kept: bool,
    }

    impl Window {
        fn of(articles: &[(&str, String)]) -> Self {
            let mut window = Self { index: Index::default(), texts: Vec::new(), kept: true };
            for (outlet, text) in articles {
                let found = fingerprint(&words(text));
                let seq = window.texts.len() as u64;
                window.index.insert(&Entry {
                    seq,
                    report: Id(100 + seq),
                    root: Id(100 + seq),
                    family: Id(100 + seq),
                    site: site_hash(outlet),
                    time: 0,
                    words: found.words,
                    sketch: found.sketch.into(),
                    indexed: true,
                });
                window.texts.push(text.clone());
            }
            window
        }

        fn judge(&self, outlet: &str, time: i64, text: &str) -> Judgement {
            let read = words(text);
            let found = fingerprint(&read);
            let probe =
                Probe { site: site_hash(outlet), time, fingerprint: &found, words: &read, besides: None };
            judge(&self.index, &probe, &mut |seq| {
                self.texts.get(usize::try_from(seq).unwrap()).filter(|_| self.kept).map(|text| words(text))
            })
        }

        fn check(&self, outlet: &str, days: i64, text: &str, expected: &str) {
            let judged = self.judge(outlet, days * DAY, text);
            let told = match judged.relation {
                Relation::None => "none".to_owned(),
                Relation::Copy { report, .. } => format!("copy of {}", report.0 - 100),
                Relation::Update { report, .. } => format!("update of {}", report.0 - 100),
            };
            assert_eq!(told, expected, "{:?}", judged.candidates);
        }
    }

    fn check(known: &str, later: &str, other_outlet: &str, same_outlet: &str) {
        let window = Window::of(&[("gull", known.to_owned())]);
        window.check("tern", 1, later, other_outlet);
        window.check("gull", 1, later, same_outlet);
    }

    #[test]
    fn the_same_text_is_a_copy() {
        check(&prose(0..400), &prose(0..400).to_uppercase(), "copy of 0", "copy of 0");
    }

    #[test]
    fn a_teaser_is_joined_before_and_after_its_article() {
        check(&prose(0..400), &prose(0..60), "copy of 0", "update of 0");
        check(&prose(0..60), &prose(0..400), "copy of 0", "update of 0");
    }

    #[test]
    fn a_second_page_is_a_copy() {
        check(&prose(0..800), &prose(400..800), "copy of 0", "update of 0");
    }

    #[test]
    fn a_new_lead_makes_no_new_report() {
        check(&prose(0..500), &format!("{}{}", prose(1000..1150), prose(0..420)), "copy of 0", "update of 0");
    }

    #[test]
    fn moved_paragraphs_make_no_new_report() {
        let moved = [prose(0..50), prose(250..400), prose(150..250), prose(50..150)].concat();
        check(&prose(0..400), &moved, "copy of 0", "copy of 0");
    }

    #[test]
    fn misprints_all_over_make_no_new_report() {
        let text = prose(0..400);
        let misread: Vec<_> = text.split(' ').map(|word| word.replacen(['a', 'e'], "o", 1)).collect();
        check(&text, &misread.join(" "), "copy of 0", "copy of 0");
    }

    #[test]
    fn a_shared_statement_makes_no_copy() {
        let first = [prose(1000..1200), prose(0..150), prose(1200..1250)].concat();
        let second = [prose(2000..2120), prose(0..150), prose(2120..2200)].concat();
        check(&first, &second, "none", "none");
    }

    #[test]
    fn a_long_quotation_makes_no_copy() {
        let first = format!("{}“{}” {}", prose(1000..1040), prose(0..380), prose(1040..1070));
        let second = format!("{}“{}” {}", prose(2000..2040), prose(0..380), prose(2040..2070));
        Window::of(&[("gull", first)]).check("tern", 0, &second, "none");
    }

    #[test]
    fn a_round_up_that_holds_a_brief_is_news() {
        let round_up = [prose(1000..1400), prose(0..120), prose(1400..1500)].concat();
        check(&prose(0..120), &round_up, "none", "update of 0");
        check(&round_up, &prose(0..120), "copy of 0", "update of 0");
    }

    #[test]
    fn an_outlet_writes_on() {
        let later = [prose(0..200), prose(3000..3120), prose(300..390)].concat();
        check(&prose(0..400), &later, "none", "update of 0");
        Window::of(&[("gull", prose(0..400))]).check("gull", 5, &later, "none");
    }

    #[test]
    fn short_texts_are_not_compared() {
        check(&prose(0..24), &prose(0..24), "none", "none");
    }

    #[test]
    fn texts_a_month_apart_are_not_compared() {
        let window = Window::of(&[("gull", prose(0..400))]);
        window.check("tern", 30, &prose(0..400), "copy of 0");
        window.check("tern", 31, &prose(0..400), "none");
    }

    #[test]
    fn an_unknown_outlet_is_no_ones_own() {
        let window = Window::of(&[("", prose(0..400))]);
        window.check("", 0, &prose(0..60), "copy of 0");
    }

    #[test]
    fn the_nearest_is_chosen() {
        let window = Window::of(&[
            ("gull", [prose(0..300), prose(500..560)].concat()),
            ("tern", prose(0..400)),
            ("auk", prose(0..200)),
        ]);
        window.check("kite", 0, &prose(0..390), "copy of 1");
    }

    #[test]
    fn figures_are_no_misprints() {
        let table = |first: u64| -> String {
            let lines = (0..80).map(|line| format!("{} {}", first + line * 7, prose(line..line + 1)));
            lines.collect::<Vec<_>>().concat()
        };
        check(&table(11_000), &table(11_003), "none", "none");
    }

    #[test]
    fn what_an_outlet_prints_under_everything_ties_nothing() {
        let article = |own: u64| [prose(own..own + 60), prose(0..150)].concat();
        let one = Window::of(&[("gull", article(1000))]);
        one.check("gull", 0, &article(2000), "update of 0");
        let many = Window::of(&[("gull", article(1000)), ("gull", article(3000)), ("gull", article(4000))]);
        many.check("gull", 0, &article(2000), "none");
    }

    #[test]
    fn without_the_text_the_sketch_decides() {
        let mut window = Window::of(&[("gull", prose(0..400))]);
        window.kept = false;
        window.check("tern", 0, &prose(0..380), "copy of 0");
        window.check("gull", 0, &prose(0..300), "update of 0");
        window.check("tern", 0, &[prose(0..200), prose(1000..1200)].concat(), "none");
    }

    #[test]
    fn it_says_what_was_compared() {
        let window = Window::of(&[("gull", prose(0..400))]);
        let judged = window.judge("tern", 0, &[prose(0..150), prose(900..1000)].concat());
        assert_eq!(judged.relation, Relation::None);
        let told: Vec<_> = judged.candidates.iter().map(|c| (c.report, c.gap, c.why)).collect();
        assert_eq!(told, [(Id(100), 100, "too little in common")]);
        assert!((judged.similarity - 0.6).abs() < 0.01, "{}", judged.similarity);
    }

    #[test]
    fn a_copy_is_compared_with_later_ones_where_it_is_much_longer() {
        let copy = Relation::Copy { report: Id(1), root: Id(1), family: Id(1) };
        assert!(is_indexed(&Relation::None, 10, 0) && is_indexed(&copy, 131, 100));
        assert!(!is_indexed(&copy, 130, 100));
    }

    #[test]
    fn texts_of_one_phrase_are_compared_too() {
        let (one, other) = (words(&"la la li ".repeat(20_000)), words(&"la li la ".repeat(20_000)));
        assert!(compare(&one, &other).span > 0.9);
    }

    /// A text made of pieces of one, of other words, and of strange characters.
    fn texts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => (0_u64..300, 1_u64..120).prop_map(|(from, count)| prose(from..from + count)),
            1 => (1000_u64..9000, 1_u64..60).prop_map(|(from, count)| prose(from..from + count)),
            1 => "\\PC{0,20}",
        ];
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn who_came_first_makes_no_difference_to_what_is_shared(one in texts(), other in texts()) {
            let (one, other) = (words(&one), words(&other));
            prop_assert_eq!(compare(&one, &other), compare(&other, &one));
        }

        #[test]
        fn all_of_a_text_is_in_itself(text in texts()) {
            if words(&text).len() >= FINGERPRINT_WORDS_MIN {
                let window = Window::of(&[("gull", text.clone())]);
                let copied = matches!(window.judge("tern", 0, &text).relation, Relation::Copy { .. });
                prop_assert!(copied);
            }
        }

        #[test]
        fn unrelated_articles_change_nothing(known in texts(), later in texts(), own in 20_000_u64..90_000) {
            let alone = Window::of(&[("gull", known.clone())]);
            let among = Window::of(&[("gull", known), ("auk", prose(own..own + 200))]);
            prop_assert_eq!(alone.judge("tern", 0, &later), among.judge("tern", 0, &later));
        }

        #[test]
        fn shares_are_shares(one in texts(), other in texts()) {
            let m = compare(&words(&one), &words(&other));
            for share in [m.contained, m.jaccard, m.span, m.density, m.span_jaccard, m.unquoted_span] {
                prop_assert!((0.0..=1.0).contains(&share), "{:?}", m);
            }
            prop_assert!(m.gap() <= m.words && m.run_gap <= m.words, "{:?}", m);
        }
    }
}
