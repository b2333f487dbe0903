//! From the journal to the state: what is left to apply after an unclean stop, a whole index that is lost, or, to
//! prove it, every decision once more.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Outbox, Pipeline, PipelineError,
    adopt::{self, Adoption},
    apply,
    batch::in_parallel,
    decide::{self, Analysis},
    expire::{Expiry, OldestDay},
    kept,
    memory::MemoryView,
    record::{self, Known as KnownRecords, encode},
    state::State,
    story::{Vector, Weights},
    tell::Watch,
    topic::{Scope, Traced},
    view::{Changes, Locator, Rows, Tree, View, ViewError},
};
use crate::{
    alert::log::AlertLog,
    article::{Alert, Article, Decision},
    journal::{
        Commit, Journal, JournalError, Line, Position,
        reader::Reader,
        remains::{KeptArticle, Marks},
        scan::Scan,
    },
    store::{Opened, known::Known},
};

/// How far a long work is: bytes of the journal done, and in all.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// A line of the journal that holds an article, and where it stands.
pub(super) struct Decided {
    pub(super) seq: u64,
    pub(super) at: Locator,
    pub(super) article: Article,
    pub(super) decision: Decision,
    pub(super) alerts: Vec<Alert>,
    pub(super) traces: Vec<Traced>,
    weights: String,
    /// Its text has expired.
    pub(super) marks: Option<Marks>,
}

impl Decided {
    pub(super) fn placed<'a>(&'a self, vector: Option<&'a Vector>) -> apply::Placed<'a> {
        let Self { seq, at, article, decision, alerts, traces, .. } = self;
        apply::Placed { seq: *seq, at: *at, article, decision, alerts, traces, vector }
    }

    /// Its features as they weighed when it was decided; none where the line does not say.
    pub(super) fn vector(&self, analysis: &Analysis) -> Option<Vector> {
        let weights = Weights::read(&self.weights, &analysis.features)?;
        Some(Vector::weighed(&analysis.features, &weights))
    }

    /// What the decision does not say of the article.
    pub(super) fn analysis(&self) -> Analysis {
        let Self { article, decision, marks, .. } = self;
        if let Some(marks) = marks {
            return kept::analysis(article, decision, marks);
        }
        let language = decision.article.language.clone();
        decide::analyse_again(article, language, decision.entities.clone(), decision.quotes.clone())
    }
}

/// The lines of one batch.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) articles: Vec<Decided>,
    /// What else there is, and before which article it stands.
    others: Vec<(usize, Other)>,
}

enum Other {
    Rules(Locator, crate::event::Rules),
    Adopted(Adoption),
    Sighted(Locator, Box<KeptArticle>),
    Rejected(u64, Box<Decision>),
    Notice(u64, Locator, Timestamp, Vec<Alert>),
}

impl Pipeline {
    /// Brings state and index to where the journal ends.
    ///
    /// # Errors
    /// When journal or index cannot be read or written.
    pub fn open(
        journal: Journal,
        opened: Opened,
        log: AlertLog,
        now: Timestamp,
        progress: Progress<'_>,
    ) -> Result<Self, PipelineError> {
        let Opened { store, replay_from, .. } = opened;
        let view = Known { store: &store, journal: &journal };
        let first = first_seq(journal.scan(replay_from)?)?;
        let mut state = State::load(&view, first)?;
        let mut changes = Changes::default();
        let at = KnownRecords { view: &view, changes: &changes }.get::<Locator>(Tree::Meta, record::RULES)?;
        if let Some(at) = at
            && let Line::Rules(rules) = journal.read(at)?
        {
            state.set_rules(rules, &mut changes);
        }
        let known = KnownRecords { view: &view, changes: &changes };
        let mut told = known.get::<u64>(Tree::Meta, record::TOLD)?.unwrap_or(0);
        let total = bytes_from(journal.days(), replay_from);
        let mut scan = journal.scan(replay_from)?;
        while let Some((batch, commit, end)) = next_batch(&mut scan)? {
            let view = Known { store: &store, journal: &journal };
            again(&mut state, &view, &mut changes, &batch)?;
            finish(&mut state, &mut changes, &commit);
            apply::told(&mut changes, told, commit.told);
            told = told.max(commit.told);
            store.commit(&changes, end)?;
            changes = Changes::default();
            progress(total.saturating_sub(bytes_from(journal.days(), end)), total);
        }
        let outbox = Outbox::new(log, told, state.counters.alert_seq);
        Ok(Self {
            state,
            journal,
            store,
            outbox,
            changes,
            checkpoints: BTreeMap::new(),
            articles: 0,
            lines: false,
            seen: 0,
            now,
            pulse: crate::pulse::Pulse::default(),
            hurry: tokio_util::sync::CancellationToken::new(),
            report: tokio::sync::watch::Sender::default(),
            expiry: Expiry::default(),
            oldest: OldestDay::default(),
            post: None,
            unposted: Vec::new(),
            watch: Watch::default(),
            rekeyed: BTreeSet::new(),
        })
    }
}

/// Applies a batch whose decisions are known.
fn again(
    state: &mut State,
    view: &dyn View,
    changes: &mut Changes,
    batch: &Batch,
) -> Result<(), PipelineError> {
    let analyses = analyses(batch);
    let mut others = batch.others.iter().peekable();
    for (at, (decided, analysis)) in batch.articles.iter().zip(analyses).enumerate() {
        while let Some((_, other)) = others.next_if(|(before, _)| *before <= at) {
            apply_other(state, view, changes, other)?;
        }
        let vector = decided.vector(&analysis);
        apply::apply(state, view, changes, &decided.placed(vector.as_ref()), &analysis)?;
    }
    for (_, other) in others {
        apply_other(state, view, changes, other)?;
    }
    Ok(())
}

/// What the decisions of a batch do not say of its articles.
pub(super) fn analyses(batch: &Batch) -> Vec<Analysis> {
    in_parallel(&batch.articles, Decided::analysis)
}

fn apply_other(
    state: &mut State,
    view: &dyn View,
    changes: &mut Changes,
    other: &Other,
) -> Result<(), ViewError> {
    match other {
        Other::Rules(at, rules) => {
            changes.put(Tree::Meta, record::RULES, encode(at));
            state.set_rules(rules.clone(), changes);
        }
        Other::Adopted(adoption) => adopt::adopt(state, changes, adoption),
        Other::Sighted(at, kept) => apply::sighted(view, changes, *at, kept)?,
        Other::Rejected(seq, decision) => apply::rejected(state, changes, *seq, decision),
        Other::Notice(seq, at, time, alerts) => apply::notice(state, changes, (*seq, *at), *time, alerts),
    }
    Ok(())
}

fn finish(state: &mut State, changes: &mut Changes, commit: &Commit) {
    state.counters.batch = state.counters.batch.max(commit.batch);
    state.counters.alert_seq = state.counters.alert_seq.max(commit.alert_seq);
    apply::checkpoints(changes, &commit.checkpoints);
    changes.put(Tree::Meta, record::COUNTERS, encode(&state.counters));
}

/// The sequence number that replaying begins with; what lies before it is in the index.
fn first_seq(scan: Scan) -> Result<u64, PipelineError> {
    for line in scan {
        match line {
            Ok((_, Line::Article { seq, .. } | Line::Notice { seq, .. })) => return Ok(seq),
            Ok(_) | Err(JournalError::Damaged { .. }) => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(u64::MAX)
}

/// The next committed batch and where it ends. Damage is told and stepped over.
pub(super) fn next_batch(scan: &mut Scan) -> Result<Option<(Batch, Commit, Position)>, PipelineError> {
    let mut batch = Batch::default();
    while let Some(line) = scan.next() {
        match line {
            Ok((at, Line::Article { seq, article, decision, alerts, traces, weights, marks })) => {
                let decided = Decided { seq, at, article, decision, alerts, traces, weights, marks };
                batch.articles.push(decided);
            }
            Ok((at, Line::Sighted(kept))) => {
                batch.others.push((batch.articles.len(), Other::Sighted(at, kept)));
            }
            Ok((_, Line::Rejected { seq, decision, .. })) => {
                batch.others.push((batch.articles.len(), Other::Rejected(seq, Box::new(decision))));
            }
            Ok((at, Line::Notice { seq, at: time, alerts })) => {
                batch.others.push((batch.articles.len(), Other::Notice(seq, at, time, alerts)));
            }
            Ok((at, Line::Rules(rules))) => {
                batch.others.push((batch.articles.len(), Other::Rules(at, rules)));
            }
            Ok((_, Line::Adopted(adoption))) => {
                batch.others.push((batch.articles.len(), Other::Adopted(adoption)));
            }
            Ok((_, Line::Commit(commit))) => return Ok(Some((batch, commit, Scan::position(scan)))),
            Err(fault @ JournalError::Damaged { .. }) => {
                tracing::error!("{fault}; what stood there is lost, the rest goes on");
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(None)
}

pub(super) fn bytes_from(days: impl Iterator<Item = (u32, u64)>, from: Position) -> u64 {
    days.filter(|(day, _)| *day >= from.day)
        .map(|(day, bytes)| if day == from.day { bytes.saturating_sub(from.offset) } else { bytes })
        .sum()
}

/// What deciding the whole journal again has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redecided {
    /// Articles that were decided again.
    pub articles: u64,
    /// Those that were not, because a text that they may have been compared with has expired.
    pub left_out: u64,
    /// The first day, as a number yyyymmdd, of which every article was decided again; none where there is none.
    pub whole_from: Option<u32>,
    /// Ids of those whose decision or alerts came out differently, and topics that found something else when they looked
    /// over the window; the first hundred.
    pub different: Vec<String>,
    /// How many differ.
    pub differ: u64,
}

/// Most ids that `Redecided` names.
const DIFFERENT_NAMED_MAX: usize = 100;

/// Decides every article of the journal again, in its order, in memory, and compares decisions and alerts byte for
/// byte with those that were made. Needs no index.
///
/// # Errors
/// When the journal cannot be read.
pub fn decide_again(journal: &Reader, progress: Progress<'_>) -> Result<Redecided, PipelineError> {
    let total = journal.bytes();
    let mut state = State::new();
    let mut memory = Again::new(journal);
    let mut redecided = Redecided::default();
    let mut last_kept = None::<u64>;
    let mut scan = journal.scan(Position::default())?;
    while let Some((batch, commit, end)) = next_batch(&mut scan)? {
        let mut changes = Changes::default();
        let mut others = batch.others.iter().peekable();
        for (at, decided) in batch.articles.iter().enumerate() {
            while let Some((_, other)) = others.next_if(|(before, _)| *before <= at) {
                redecided.other(&state, &memory, last_kept, other)?;
                apply_other(&mut state, &memory, &mut changes, other)?;
            }
            if decided.marks.is_some() {
                last_kept = Some(decided.seq);
            }
            let look_back_whole = is_whole(&state, last_kept);
            let analysis = if decided.marks.is_some() || last_kept.is_some() && !look_back_whole {
                redecided.left_out += 1;
                redecided.whole_from = None;
                decided.analysis()
            } else {
                let mut analysis = decide::analyse(&decided.article, &state.names);
                redecided.again(decided, same(&state, &memory, &changes, decided, &mut analysis)?);
                analysis
            };
            let vector = decided.vector(&analysis);
            apply::apply(&mut state, &memory, &mut changes, &decided.placed(vector.as_ref()), &analysis)?;
        }
        for (_, other) in others {
            redecided.other(&state, &memory, last_kept, other)?;
            apply_other(&mut state, &memory, &mut changes, other)?;
        }
        finish(&mut state, &mut changes, &commit);
        memory.apply(&changes);
        progress(total.saturating_sub(bytes_from(journal.days(), end)), total);
    }
    Ok(redecided)
}

/// All that an article is compared with is as it was.
fn is_whole(state: &State, last_kept: Option<u64>) -> bool {
    state.window.first() > last_kept
}

impl Redecided {
    /// Has topics look over the window again where they did.
    fn other(
        &mut self,
        state: &State,
        view: &dyn View,
        last_kept: Option<u64>,
        other: &Other,
    ) -> Result<(), PipelineError> {
        let Other::Adopted(adoption) = other else { return Ok(()) };
        if is_whole(state, last_kept) {
            let again = adopt::look_over(state, view, adoption.topics.clone(), &mut || ())?;
            self.count(again == *adoption, || format!("what {} follow", adoption.topics.join(", ")));
        }
        Ok(())
    }

    fn again(&mut self, decided: &Decided, same: bool) {
        self.articles += 1;
        self.whole_from = self.whole_from.or(Some(decided.at.day));
        self.count(same, || decided.decision.article.id.to_string());
    }

    fn count(&mut self, same: bool, name: impl FnOnce() -> String) {
        if same {
            return;
        }
        self.differ += 1;
        if self.different.len() < DIFFERENT_NAMED_MAX {
            self.different.push(name());
        }
    }
}

/// Rows in memory, articles from the journal.
pub(super) struct Again<'a> {
    rows: MemoryView,
    journal: &'a Reader,
}

impl<'a> Again<'a> {
    pub(super) fn new(journal: &'a Reader) -> Self {
        Self { rows: MemoryView::default(), journal }
    }

    pub(super) fn apply(&mut self, changes: &Changes) {
        self.rows.apply(changes);
    }
}

impl View for Again<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError> {
        self.rows.get(tree, key)
    }

    fn scan(&self, tree: Tree, from: &[u8], rows_max: usize) -> Result<Rows, ViewError> {
        self.rows.scan(tree, from, rows_max)
    }

    fn article(&self, at: Locator) -> Result<Article, ViewError> {
        let failed = |fault: JournalError| ViewError { what: format!("{at:?}"), source: fault.into() };
        self.journal.read_article(at).map_err(failed)
    }

    fn decided(&self, at: Locator) -> Result<Option<(Article, Decision)>, ViewError> {
        let failed = |fault: JournalError| ViewError { what: format!("{at:?}"), source: fault.into() };
        Ok(match self.journal.read(at).map_err(failed)? {
            Line::Article { article, decision, marks: None, .. } => Some((article, decision)),
            _ => None,
        })
    }
}

fn same(
    state: &State,
    view: &dyn View,
    changes: &Changes,
    before: &Decided,
    analysis: &mut Analysis,
) -> Result<bool, PipelineError> {
    let now =
        decide::decide(state, KnownRecords { view, changes }, &before.article, analysis, Scope::Matches)?;
    Ok(serde_json::to_vec(&now.decision)? == serde_json::to_vec(&before.decision)?
        && serde_json::to_vec(&now.alerts)? == serde_json::to_vec(&before.alerts)?
        && now.traces == before.traces
        && now.weights.is_none_or(|weights| weights.write() == before.weights))
}
