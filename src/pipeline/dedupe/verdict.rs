//! From what two texts share to what they are of each other.

use super::align::{Alignment, Cell};
use crate::pipeline::{fingerprint::RUN_WORDS, text::Words};

/// What the shorter of two texts shares with the longer one. Shares are of 1, lengths in words.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measures {
    /// Length of the shorter text.
    pub words: f32,
    /// Length of the longer text.
    pub longer_words: f32,
    /// Share of the shorter text's runs of four words that stand in the longer one.
    pub contained: f32,
    /// Share of all their runs that is common to both.
    pub jaccard: f32,
    /// Longest stretch of the shorter text without a common run.
    pub run_gap: f32,
    /// Share of the shorter text in aligned blocks.
    pub span: f32,
    /// Words in aligned blocks.
    pub span_words: f32,
    /// Share of those that are the same words, or nearly.
    pub density: f32,
    /// Share of both texts in aligned blocks.
    pub span_jaccard: f32,
    /// Words before the first block, after the last, and the longest stretch between blocks.
    pub head: f32,
    /// See `head`.
    pub tail: f32,
    /// See `head`.
    pub inner: f32,
    /// Where the first block begins in the longer text.
    pub first_in_longer: f32,
    /// Share in aligned blocks of the shorter text's words outside quotation marks; 1 where there are few.
    pub unquoted_span: f32,
}

impl Measures {
    /// The longest stretch of the shorter text in no block.
    pub fn gap(&self) -> f32 {
        self.head.max(self.tail).max(self.inner)
    }

    /// Share in blocks of what stands between the first and the last block.
    fn core(&self) -> f32 {
        share(self.span_words, self.words - self.head - self.tail)
    }

    /// How far down both texts the common part begins.
    fn late(&self) -> f32 {
        self.head.min(self.first_in_longer)
    }
}

/// Fewer words than this outside quotation marks say nothing of quoting.
const UNQUOTED_WORDS_MIN: u32 = 30;

/// Measures an alignment. Words marked as `boilerplate` are left out of the shorter text and of what it shares.
pub(super) fn measures(
    shorter: &Words,
    longer: &Words,
    aligned: &Alignment,
    boilerplate: &[bool],
) -> Measures {
    let mut sums = Sums::default();
    let mut in_runs_until = 0;
    for (place, cell) in aligned.cells.iter().enumerate() {
        if cell.run {
            in_runs_until = place + RUN_WORDS;
        }
        if boilerplate.get(place).copied().unwrap_or_default() {
            sums.boilerplate += 1;
            sums.boilerplate_covered += u32::from(cell.covered);
        } else {
            let quoted = shorter.quoted().get(place).copied().unwrap_or_default();
            sums.add(*cell, quoted, place < in_runs_until);
        }
    }
    let longer_words = number(longer.len()) - float(sums.boilerplate_covered);
    let longer_covered = float(aligned.longer_covered.saturating_sub(sums.boilerplate_covered));
    let (words, span_words) = (float(sums.words), float(sums.covered));
    let (runs, longer_runs) = ((words - 3.0).max(1.0), (longer_words - 3.0).max(1.0));
    Measures {
        words,
        longer_words,
        contained: share(float(sums.runs), runs),
        jaccard: share(float(sums.runs), runs + longer_runs - float(sums.runs)),
        run_gap: float(sums.run_gap.longest()),
        span: share(span_words, words),
        span_words,
        density: share(float(sums.matched), span_words),
        span_jaccard: share(span_words, words + longer_words - span_words.max(longer_covered)),
        head: float(sums.gap.head()),
        tail: float(sums.gap.open),
        inner: float(sums.gap.inner),
        first_in_longer: float(aligned.first_in_longer),
        unquoted_span: if sums.unquoted < UNQUOTED_WORDS_MIN {
            1.0
        } else {
            share(float(sums.unquoted_covered), float(sums.unquoted))
        },
    }
}

#[derive(Default)]
struct Sums {
    words: u32,
    covered: u32,
    matched: u32,
    runs: u32,
    unquoted: u32,
    unquoted_covered: u32,
    boilerplate: u32,
    boilerplate_covered: u32,
    gap: Gaps,
    run_gap: Gaps,
}

impl Sums {
    fn add(&mut self, cell: Cell, quoted: bool, in_run: bool) {
        self.words += 1;
        self.covered += u32::from(cell.covered);
        self.matched += u32::from(cell.matched);
        self.runs += u32::from(cell.run);
        self.unquoted += u32::from(!quoted);
        self.unquoted_covered += u32::from(!quoted && cell.covered);
        self.gap.add(cell.covered);
        self.run_gap.add(in_run);
    }
}

/// Lengths of the stretches that are not covered.
#[derive(Default)]
struct Gaps {
    head: Option<u32>,
    inner: u32,
    /// Since the last covered word.
    open: u32,
}

impl Gaps {
    fn add(&mut self, covered: bool) {
        if !covered {
            self.open += 1;
            return;
        }
        match self.head {
            None => self.head = Some(self.open),
            Some(_) => self.inner = self.inner.max(self.open),
        }
        self.open = 0;
    }

    fn head(&self) -> u32 {
        self.head.unwrap_or(self.open)
    }

    fn longest(&self) -> u32 {
        self.head().max(self.inner).max(self.open)
    }
}

/// Counts are far below the 16 million that a float holds exactly.
fn float(count: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "at most twice WORDS_MAX")]
    let float = count as f32;
    float
}

fn number(count: usize) -> f32 {
    u32::try_from(count).map_or(f32::MAX, float)
}

fn share(part: f32, whole: f32) -> f32 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}

/// What one text is of another; the greater says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tie {
    None,
    Update,
    Copy,
}

/// What is known of two articles beside their texts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) same_outlet: bool,
    pub(super) days_apart: f32,
    /// The text that came later is the longer one.
    pub(super) grew: bool,
}

/// Both texts begin with more words of their own than this: they are two reports that share a passage. A copy has a
/// new opening, or is cut out of something, but not both.
const OWN_OPENINGS_MAX: f32 = 45.0;

/// How much more of all words is shared than of those outside quotation marks, at most: beyond it the two reports
/// quote the same document.
const QUOTED_EXCESS_MAX: f32 = 0.25;

/// The tie and, in a few words, why. The thresholds lie in the middle of the gaps between labelled copies and labelled
/// separate reports that share text, not at the best point: what is near to them is rare in either.
pub(super) fn tie(m: &Measures, setting: Setting) -> (Tie, &'static str) {
    let apart = if m.late() > OWN_OPENINGS_MAX {
        Some("both begin with words of their own")
    } else if m.span - m.unquoted_span > QUOTED_EXCESS_MAX {
        Some("what they have in common is quoted")
    } else {
        None
    };
    let kept = if is_full(m) {
        Some("all of the shorter text")
    } else if apart.is_none() && is_part(m) {
        Some("most of the shorter text")
    } else if apart.is_none() && is_lead(m) {
        Some("all but one end of the shorter text")
    } else {
        None
    };
    if setting.same_outlet {
        return match kept {
            Some(why) if m.late() <= OWN_OPENINGS_MAX && is_full(m) && m.span_jaccard >= 0.9 => {
                (Tie::Copy, why)
            }
            Some(why) if m.late() <= OWN_OPENINGS_MAX => (Tie::Update, why),
            _ if is_rolling(m, setting) => (Tie::Update, "the outlet's own text goes on"),
            _ => (Tie::None, apart.unwrap_or("too little in common")),
        };
    }
    match kept {
        // a round-up that holds a brief is news
        Some(_) if setting.grew && m.span_jaccard < 0.30 && m.first_in_longer > 60.0 => {
            (Tie::None, "holds the earlier text as a part of its own")
        }
        Some(why) => (Tie::Copy, why),
        None => (Tie::None, apart.unwrap_or("too little in common")),
    }
}

/// Cuts, teasers, and texts with changed words or misread letters all over. Templates, whose names and figures
/// change, are less dense.
fn is_full(m: &Measures) -> bool {
    m.span >= 0.92 && m.gap() <= 80.0 && m.span_words >= 25.0 && m.density >= 0.85
}

/// Edited copies. Runs left whole and words in blocks are two views of one thing, and their mean errs less than
/// either.
fn is_part(m: &Measures) -> bool {
    f32::midpoint(m.contained, m.span) >= 0.75
        && (m.jaccard >= 0.37 || m.contained >= 0.90)
        && m.run_gap <= 100.0
}

/// One end was replaced or cut off, whatever its length; all else stands.
fn is_lead(m: &Measures) -> bool {
    m.core() >= 0.95
        && m.span >= 0.70
        && m.head.min(m.tail) <= 30.0
        && m.inner <= 40.0
        && m.span_words >= 100.0
        && m.density >= 0.92
}

/// A report that the same outlet writes on within a few days.
fn is_rolling(m: &Measures, setting: Setting) -> bool {
    m.span >= 0.55
        && m.span_jaccard >= 0.25
        && m.gap() <= 150.0
        && m.late() <= 85.0
        && setting.days_apart <= 4.0
}
