//! Which report an article is, and whose copy: by its keys first, by its text if they tell nothing.

use super::{
    decide::{Analysis, event_time},
    dedupe::{self, Judgement, Probe, Relation},
    identity::{self, Identified, Keys},
    record::{Known, Report},
    state::State,
    text::{self, Words},
    view::{Locator, ViewError},
};
use crate::article::{Article, ArticleId, Change, Id, TextFrom, Verdict};

/// Where an article stands among those that are known.
pub(super) struct Placed {
    pub(super) id: ArticleId,
    pub(super) verdict: Verdict,
    pub(super) of: Option<String>,
    pub(super) of_id: Option<Id>,
    /// Of an update whose text is now another outlet's: the original.
    pub(super) copy_of: Option<Id>,
    pub(super) similarity: Option<f32>,
    pub(super) change: Option<Change>,
    /// Of an update whose text was a teaser, and is its page's now.
    pub(super) full_text: bool,
    /// Of an update or repeat: the known report. Of a copy: the original.
    pub(super) other: Option<Report>,
    pub(super) judgement: Option<Judgement>,
}

/// Finds out which report this is, and whose copy.
pub(super) fn place(
    state: &State,
    known: Known<'_>,
    article: &Article,
    analysis: &Analysis,
) -> Result<Placed, ViewError> {
    let (mut change, mut full_text) = (None, false);
    let mut share = |report: &Report| {
        let text_at = text_of(state, report);
        let last = known.article(text_at.unwrap_or(report.at))?;
        full_text = article.text_from == TextFrom::Page && last.text_from == TextFrom::Source;
        let titles_meet = titles_meet(&analysis.title, &text::words(&last.title));
        if text_at.is_none() {
            return Ok((None, titles_meet));
        }
        let last_words = text::words(&last.text);
        let part = dedupe::compare(&analysis.words, &last_words).span;
        change = Some(dedupe::change((&last.text, &last_words), (&article.text, &analysis.words)));
        Ok((Some(part), titles_meet))
    };
    match identity::identify(&analysis.keys, known, &mut share)? {
        Identified::Seen(id, report) => Ok(Placed {
            id: ArticleId { report: id, revision: report.revision },
            verdict: Verdict::Seen,
            of: Some(name_of(id, &report)),
            of_id: Some(id),
            copy_of: None,
            similarity: Some(1.0),
            change: None,
            full_text: false,
            other: Some(report),
            judgement: None,
        }),
        Identified::Changed(id, report, part) => {
            let change = change.filter(|_| !full_text);
            let copied = copied(state, known, article, analysis, (id, &report))?;
            let (copy_of, judgement) = copied.map_or((None, None), |(of, judgement)| (of, Some(judgement)));
            Ok(Placed { copy_of, change, full_text, ..update(id, report, part, judgement) })
        }
        Identified::Reprint(id, report) => copy(known, analysis, id, report, 1.0, None),
        Identified::Unknown => judged(state, known, article, analysis),
    }
}

/// The article as dedupe sees it.
pub(crate) fn probe(analysis: &Analysis, time: i64, besides: Option<Id>) -> Probe<'_> {
    let Analysis { keys, fingerprint, words, .. } = analysis;
    Probe { site: keys.site, time, fingerprint, words, besides }
}

/// What dedupe would say of a known article if it came now, itself left aside.
pub(crate) fn judge_again(
    state: &State,
    known: Known<'_>,
    id: Id,
    article: &Article,
    analysis: &Analysis,
) -> Result<Judgement, ViewError> {
    let (time, _) = event_time(article);
    compared(state, known, &probe(analysis, time, Some(id)))
}

/// A report grows by this much where a teaser became a text: whose text it is may be seen only now.
const GREW_PERCENT: u64 = 130;

/// Whether a report that has counted as its outlet's own turns out to be a copy, now that there is more of its text.
fn copied(
    state: &State,
    known: Known<'_>,
    article: &Article,
    analysis: &Analysis,
    (id, report): (Id, &Report),
) -> Result<Option<(Option<Id>, Judgement)>, ViewError> {
    let words = u64::from(analysis.fingerprint.words);
    if report.root.is_some() || words * 100 <= u64::from(report.words) * GREW_PERCENT {
        return Ok(None);
    }
    let judgement = judge_again(state, known, id, article, analysis)?;
    let of = match judgement.relation {
        Relation::Copy { root, .. } if root != id => Some(root),
        _ => None,
    };
    Ok(Some((of, judgement)))
}

/// Compares the text with those of the window.
fn judged(
    state: &State,
    known: Known<'_>,
    article: &Article,
    analysis: &Analysis,
) -> Result<Placed, ViewError> {
    let (time, _) = event_time(article);
    let judgement = compared(state, known, &probe(analysis, time, None))?;
    let part = judgement.similarity;
    match judgement.relation {
        Relation::Copy { report, .. } => {
            if let Some(record) = known.report(report)? {
                return copy(known, analysis, report, record, part, Some(judgement));
            }
        }
        Relation::Update { report, .. } => {
            if let Some(record) = known.report(report)? {
                let last = known.article(text_of(state, &record).unwrap_or(record.at))?;
                let words = text::words(&last.text);
                let change = Some(dedupe::change((&last.text, &words), (&article.text, &analysis.words)));
                return Ok(Placed { change, ..update(report, record, Some(part), Some(judgement)) });
            }
        }
        Relation::None => {}
    }
    Ok(Placed {
        id: ArticleId { report: free_id(known, &analysis.keys)?, revision: 1 },
        verdict: Verdict::New,
        of: None,
        of_id: None,
        copy_of: None,
        similarity: None,
        change: None,
        full_text: false,
        other: None,
        judgement: Some(judgement),
    })
}

fn compared(state: &State, known: Known<'_>, probe: &Probe<'_>) -> Result<Judgement, ViewError> {
    let mut failed = None;
    let mut text_of = |seq: u64| {
        let at = state.window.get(seq)?.at;
        known.article(at).map(|article| text::words(&article.text)).map_err(|fault| failed = Some(fault)).ok()
    };
    let judgement = dedupe::judge(&state.index, probe, &mut text_of);
    failed.map_or(Ok(judgement), Err)
}

fn update(id: Id, report: Report, part: Option<f32>, judgement: Option<Judgement>) -> Placed {
    Placed {
        id: ArticleId { report: id, revision: report.revision.saturating_add(1) },
        verdict: Verdict::Update,
        of: Some(name_of(id, &report)),
        of_id: Some(id),
        copy_of: None,
        similarity: part,
        change: None,
        full_text: false,
        other: Some(report),
        judgement,
    }
}

/// Where the text of a report's newest revision stands. Texts of the window alone are asked for: beyond it they may have
/// expired, and no decision is to depend on when.
pub(super) fn text_of(state: &State, report: &Report) -> Option<Locator> {
    state.window.get(report.seq).map(|kept| kept.at)
}

/// A copy of `report`, attached to the original of its group.
fn copy(
    known: Known<'_>,
    analysis: &Analysis,
    id: Id,
    report: Report,
    part: f32,
    judgement: Option<Judgement>,
) -> Result<Placed, ViewError> {
    let root = report.root.unwrap_or(id);
    let original = if root == id { report } else { known.report(root)?.unwrap_or(report) };
    Ok(Placed {
        id: ArticleId { report: free_id(known, &analysis.keys)?, revision: 1 },
        verdict: Verdict::Copy,
        of: Some(name_of(root, &original)),
        of_id: Some(root),
        copy_of: None,
        similarity: Some(part),
        change: None,
        full_text: false,
        other: Some(Report { root: Some(root), ..original }),
        judgement,
    })
}

fn free_id(known: Known<'_>, keys: &Keys) -> Result<Id, ViewError> {
    let id = identity::report_id(keys);
    Ok(if known.report(id)?.is_some() { identity::other_report_id(keys) } else { id })
}

/// Whether at least half of the shorter title's words stand in the other.
fn titles_meet(a: &Words, b: &Words) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let shared = short.hashes().iter().filter(|hash| long.hashes().contains(hash)).count();
    shared * 2 >= short.len() && shared > 0
}

pub(super) fn name_of(id: Id, report: &Report) -> String {
    report.input_id.clone().unwrap_or_else(|| id.to_string())
}
