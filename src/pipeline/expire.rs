//! Identity records don't last for ever: those whose articles nobody has seen for `fingerprint_years` are forgotten, a day
//! of the journal after the other, a little with each tick. What is still seen is written down anew now and then.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use jiff::Timestamp;

use super::{
    Pipeline, PipelineError, apply, kept,
    record::{self, Known, Report, encode},
    view::{Locator, Tree},
};
use crate::{
    article::Id,
    journal::{
        JournalError, Line, LineRef, Position,
        day::{day_before, day_of},
        remains::{KeptArticle, Marks},
    },
    store::known::Known as Stored,
};

/// What was last written down so many days ago is written down again when it is seen: at most that often, whatever the
/// number of fetches.
const SIGHTED_DAYS: u32 = 30;

/// Lines of one tick.
const LINES_MAX: usize = 256;

const DAYS_A_YEAR: u32 = 366;

/// The first day of the journal whose texts are needed: that of the window's oldest article. Told by the pipeline, asked
/// by whoever gives up texts; 0 as long as it is not known.
#[derive(Clone, Debug, Default)]
pub struct OldestDay(Arc<AtomicU32>);

impl OldestDay {
    /// As a number yyyymmdd.
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, day: u32) {
        self.0.store(day, Ordering::Relaxed);
    }
}

/// How far forgetting has come.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    /// 0: nothing is ever forgotten.
    years: u32,
    /// The day on which it was last looked for old days.
    looked: u32,
    /// Days to be forgotten, the oldest last.
    days: Vec<u32>,
    /// Of the oldest: how much of it is done.
    offset: u64,
}

impl Pipeline {
    /// Forget what nobody has seen for so many years.
    pub fn forget_after(&mut self, years: u32) {
        self.expiry.years = years;
    }

    /// Where it tells which texts it needs.
    pub fn oldest_day(&self) -> OldestDay {
        let oldest = self.state.window.iter().next().map_or(self.journal.end().day, |(_, kept)| kept.at.day);
        self.oldest.set(oldest);
        self.oldest.clone()
    }

    /// A known report was seen again. Where its record was last written down long ago, it is written down anew, so that it
    /// outlives the day on which it came.
    pub(super) fn sight(&mut self, now: Timestamp, id: Id, report: &Report) -> Result<(), PipelineError> {
        if report.at.day > day_before(day_of(now), SIGHTED_DAYS) {
            return Ok(());
        }
        let Some(kept) = self.remains(report.at)? else { return Ok(()) };
        let kept = KeptArticle { alerts: Vec::new(), traces: Vec::new(), ..kept };
        if kept.id.report != id {
            return Ok(());
        }
        let at = self.journal.append(now, &LineRef::Sighted(&kept))?;
        self.lines = true;
        let stored = Stored { store: &self.store, journal: &self.journal };
        apply::sighted(&stored, &mut self.changes, at, &kept)?;
        Ok(())
    }

    fn remains(&self, at: Locator) -> Result<Option<KeptArticle>, PipelineError> {
        Ok(match self.journal.read(at)? {
            Line::Sighted(kept) => Some(*kept),
            Line::Article { seq, article, decision, marks: Some(marks), .. } => {
                Some(KeptArticle::of(seq, &article, &decision, Vec::new(), Vec::new(), marks))
            }
            line => kept::keep(line),
        })
    }

    /// Forgets a little of what nobody has seen for years.
    pub(super) fn expire(&mut self, now: Timestamp) -> Result<(), PipelineError> {
        let today = day_of(now);
        if self.expiry.years == 0 {
            return Ok(());
        }
        if self.expiry.days.is_empty() {
            if self.expiry.looked == today {
                return Ok(());
            }
            self.expiry.looked = today;
            let last = day_before(today, self.expiry.years.saturating_mul(DAYS_A_YEAR));
            let days = self.journal.kept_days()?.into_iter().map(|(day, _)| day);
            self.expiry.days = days.filter(|day| *day < last).rev().collect();
            self.expiry.offset = 0;
        }
        let Some(day) = self.expiry.days.last().copied() else { return Ok(()) };
        let mut scan = self.journal.scan(Position { day, offset: self.expiry.offset })?;
        let mut done = false;
        for _ in 0..LINES_MAX {
            match scan.next() {
                Some(Ok((at, _))) if at.day != day => done = true,
                None => done = true,
                Some(Ok((at, line))) => self.forget(day, at, line)?,
                Some(Err(fault @ JournalError::Damaged { .. })) => {
                    tracing::warn!("{fault}; what stood there is not forgotten");
                }
                Some(Err(fault)) => return Err(fault.into()),
            }
            if done {
                break;
            }
        }
        if scan.position().day == day {
            self.expiry.offset = scan.position().offset;
        }
        self.commit(now)?;
        if done {
            self.journal.remove(day)?;
            self.expiry.days.pop();
            self.expiry.offset = 0;
            tracing::info!(day, years = self.expiry.years, "forgot the articles that nobody has seen since");
        }
        Ok(())
    }

    /// Forgets what a line of an expired day says, unless it still counts: then that is written down anew.
    fn forget(&mut self, day: u32, at: Locator, line: Line) -> Result<(), PipelineError> {
        match line {
            Line::Article { decision, marks: Some(marks), .. } => {
                self.forget_report(day, decision.article.id.report, &marks)?;
            }
            Line::Sighted(kept) => self.forget_report(day, kept.id.report, &kept.marks)?,
            Line::Rejected { decision, .. } => {
                self.changes.remove(Tree::Identities, decision.article.id.report.0.to_be_bytes());
            }
            Line::Commit(commit) => {
                for checkpoint in commit.checkpoints {
                    let stored = self.store.get(Tree::Checkpoints, checkpoint.key.as_bytes())?;
                    if stored.as_deref() == Some(checkpoint.state.to_string().as_bytes()) {
                        self.checkpoints.entry(checkpoint.key.clone()).or_insert(checkpoint);
                    }
                }
            }
            Line::Rules(rules) => {
                let stored = Stored { store: &self.store, journal: &self.journal };
                let known = Known { view: &stored, changes: &self.changes };
                if known.get::<Locator>(Tree::Meta, record::RULES)? == Some(at) {
                    let place = self.journal.append(self.now, &LineRef::Rules(&rules))?;
                    self.changes.put(Tree::Meta, record::RULES, encode(&place));
                    self.lines = true;
                }
            }
            Line::Article { .. } | Line::Notice { .. } | Line::Adopted(_) => {}
        }
        Ok(())
    }

    fn forget_report(&mut self, day: u32, id: Id, marks: &Marks) -> Result<(), PipelineError> {
        let stored = Stored { store: &self.store, journal: &self.journal };
        let known = Known { view: &stored, changes: &self.changes };
        if known.report(id)?.is_some_and(|report| report.at.day > day) {
            return Ok(());
        }
        let mut gone = Vec::new();
        for key in [marks.guid, marks.url, marks.body].into_iter().filter(|key| key.0 != 0) {
            if known.identified(key.0)? == Some(id) {
                gone.push(key);
            }
        }
        for key in gone {
            self.changes.remove(Tree::Identities, key.0.to_be_bytes());
        }
        self.changes.remove(Tree::Reports, id.0.to_be_bytes());
        Ok(())
    }
}
