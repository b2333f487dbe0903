//! The index as it stood at one moment: what is asked of it.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    ops::ControlFlow,
    time::Instant,
};

use serde::{Deserialize, Serialize};
use tantivy::{
    DocAddress, DocSet, SegmentReader, TERMINATED, TantivyDocument, TantivyError,
    query::{EnableScoring, Query, Weight},
};

use super::{
    Filter, Hit, LOOK_EVERY, Outline, SearchError, Shown, Snapshot,
    schema::{self, Columns, Kind},
};
use crate::{article::Id, caught::caught, journal::Position, pipeline::story::terms::FixedState};

/// Reports in a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// With words of their own.
    pub originals: u32,
    /// Copies.
    pub copies: u32,
}

/// What bounds a walk through the hits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    since: Option<i64>,
    until: Option<i64>,
    deadline: Option<Instant>,
    pub(super) scored: bool,
    /// What is no report is wanted too.
    notices: bool,
}

impl Limits {
    pub(super) fn of(filter: &Filter, deadline: Option<Instant>) -> Self {
        let notices = filter.told.is_some();
        Self { since: filter.since, until: filter.until, deadline, scored: false, notices }
    }

    fn holds(&self, time: i64) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }

    fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() > deadline)
    }
}

impl Snapshot {
    /// How far the journal is in it.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Whether its publisher took a report back.
    pub fn is_withdrawn(&self, report: Id) -> bool {
        self.withdrawn.contains(&report)
    }

    /// The reports that pass the filter, every revision, in order of arrival.
    ///
    /// # Errors
    /// When the index cannot be read, or the deadline passes.
    pub fn hits(&self, filter: &Filter, deadline: Option<Instant>) -> Result<Vec<Hit>, SearchError> {
        let mut hits = Vec::new();
        let limits = Limits::of(filter, deadline);
        self.each(&self.fields.passes(filter), &limits, |columns, _, doc, _| hits.push(columns.hit(doc)))?;
        hits.sort_unstable_by_key(|hit| hit.at);
        Ok(hits)
    }

    /// The same, with what a list shows of each.
    ///
    /// # Errors
    /// When the index cannot be read, or the deadline passes.
    pub fn shown(&self, filter: &Filter, deadline: Option<Instant>) -> Result<Vec<Shown>, SearchError> {
        let mut found = Vec::new();
        let limits = Limits::of(filter, deadline);
        self.each(&self.fields.passes(filter), &limits, |columns, segment, doc, _| {
            found.push((columns.hit(doc), columns.outlet(doc), DocAddress::new(segment, doc)));
        })?;
        let mut shown = Vec::with_capacity(found.len());
        for (hit, outlet, address) in found {
            let document: TantivyDocument = self.searcher.doc(address).map_err(|fault| self.failed(fault))?;
            shown.push(Shown {
                hit,
                outlet,
                title: schema::stored(&document, self.fields.headline).unwrap_or_default(),
                input_id: schema::stored(&document, self.fields.input_id),
            });
        }
        shown.sort_unstable_by_key(|shown| shown.hit.at);
        Ok(shown)
    }

    /// A story in short; none where no report belongs to it.
    ///
    /// # Errors
    /// When the index cannot be read, or the deadline passes.
    pub fn outline(&self, story: Id, deadline: Option<Instant>) -> Result<Option<Outline>, SearchError> {
        let filter = Filter { story: Some(story), ..Filter::default() };
        let (mut reports, mut outlets) = (HashSet::new(), HashSet::new());
        let mut ends: Option<(Hit, DocAddress, Hit)> = None;
        let limits = Limits::of(&filter, deadline);
        self.each(&self.fields.passes(&filter), &limits, |columns, segment, doc, _| {
            let hit = columns.hit(doc);
            reports.insert(hit.report);
            outlets.insert((segment, columns.outlet_number(doc)));
            let address = DocAddress::new(segment, doc);
            ends = Some(match ends {
                None => (hit, address, hit),
                Some((first, _, last)) if hit.at < first.at => (hit, address, last),
                Some((first, at, last)) if hit.at > last.at => (first, at, hit),
                Some(ends) => ends,
            });
        })?;
        let Some((first, address, last)) = ends else { return Ok(None) };
        let document: TantivyDocument = self.searcher.doc(address).map_err(|fault| self.failed(fault))?;
        let name = |(segment, number): &(u32, Option<u64>)| {
            let columns = usize::try_from(*segment).ok().and_then(|segment| self.columns.get(segment));
            columns.zip(*number).map(|(columns, number)| columns.outlet_of(number))
        };
        let outlets: HashSet<Option<String>> = outlets.iter().map(name).collect();
        Ok(Some(Outline {
            title: schema::stored(&document, self.fields.headline).unwrap_or_default(),
            first: first.time,
            last: last.time,
            reports: reports.len(),
            outlets: outlets.len(),
        }))
    }

    /// How many reports that pass the filter each story has, later revisions not counted, and when the last of them or of
    /// their revisions came.
    ///
    /// # Errors
    /// When the index cannot be read, or the deadline passes.
    pub fn by_story(
        &self,
        filter: &Filter,
        deadline: Instant,
    ) -> Result<HashMap<Id, (u32, i64), FixedState>, SearchError> {
        let mut stories: HashMap<Id, (u32, i64), FixedState> = HashMap::default();
        let limits = Limits::of(filter, Some(deadline));
        self.each(&self.fields.passes(filter), &limits, |columns, _, doc, _| {
            let (reports, last) = stories.entry(columns.story(doc)).or_default();
            *reports += u32::from(matches!(columns.kind(doc), Kind::New | Kind::Copy));
            *last = columns.time(doc).max(*last);
        })?;
        Ok(stories)
    }

    /// How many reports of each kind that pass the filter arrived in each span of `width` seconds from `filter.since`
    /// on; later revisions are not counted.
    ///
    /// # Errors
    /// When the index cannot be read, or the deadline passes.
    pub fn histogram(
        &self,
        filter: &Filter,
        width: i64,
        spans: usize,
        deadline: Option<Instant>,
    ) -> Result<Vec<Bar>, SearchError> {
        let mut bars = vec![Bar::default(); spans];
        let since = filter.since.unwrap_or(0);
        let limits = Limits::of(filter, deadline);
        self.each(&self.fields.passes(filter), &limits, |columns, _, doc, _| {
            let span = (columns.time(doc) - since).checked_div(width);
            let span = span.and_then(|span| usize::try_from(span).ok());
            let Some(bar) = span.and_then(|span| bars.get_mut(span)) else { return };
            match columns.kind(doc) {
                Kind::New => bar.originals += 1,
                Kind::Copy => bar.copies += 1,
                Kind::Later | Kind::Withdrawn | Kind::Notice => {}
            }
        })?;
        Ok(bars)
    }

    /// Reads all of its files, and tells whether one of them is not as it was written.
    pub fn is_damaged(&self) -> bool {
        let check = || self.searcher.index().validate_checksum().map_or(true, |damaged| !damaged.is_empty());
        caught(check).unwrap_or(true)
    }

    /// How many documents there are.
    pub fn documents(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// Calls `take` with each hit's columns, segment, number and score.
    pub(super) fn each(
        &self,
        query: &dyn Query,
        limits: &Limits,
        mut take: impl FnMut(&Columns, u32, u32, f32),
    ) -> Result<(), SearchError> {
        let walk = self.walk(query, *limits)?;
        for piece in &walk.pieces {
            walk.piece(piece, &mut |columns, doc, score| {
                take(columns, piece.number, doc, score);
                ControlFlow::Continue(())
            })?;
        }
        Ok(())
    }

    /// A walk through the hits, piece by piece of the index, the one with the newest report first.
    pub(super) fn walk(&self, query: &dyn Query, limits: Limits) -> Result<Walk<'_>, SearchError> {
        let failed = |fault| self.failed(fault);
        let scoring = if limits.scored {
            EnableScoring::enabled_from_searcher(&self.searcher)
        } else {
            EnableScoring::disabled_from_searcher(&self.searcher)
        };
        let weight = query.weight(scoring).map_err(failed)?;
        let mut pieces = Vec::new();
        for (number, (segment, columns)) in
            (0..).zip(self.searcher.segment_readers().iter().zip(&self.columns))
        {
            if columns.may_hold(limits.since, limits.until) {
                pieces.push(Piece { number, segment, columns });
            }
        }
        pieces.sort_by_key(|piece| Reverse(piece.columns.newest()));
        Ok(Walk { snapshot: self, weight, limits, pieces })
    }

    fn failed(&self, source: TantivyError) -> SearchError {
        SearchError::Index { path: self.path.clone(), source: Box::new(source) }
    }
}

/// A walk through the hits of a query.
pub(super) struct Walk<'a> {
    snapshot: &'a Snapshot,
    weight: Box<dyn Weight>,
    limits: Limits,
    /// The newest first.
    pub(super) pieces: Vec<Piece<'a>>,
}

/// A piece of the index.
pub(super) struct Piece<'a> {
    number: u32,
    segment: &'a SegmentReader,
    columns: &'a Columns,
}

impl Piece<'_> {
    /// When its newest document arrived.
    pub(super) fn newest(&self) -> i64 {
        self.columns.newest()
    }
}

impl Walk<'_> {
    /// Calls `take` with the columns, number and score of each hit of a piece, in the order of arrival, until it breaks.
    pub(super) fn piece(
        &self,
        piece: &Piece<'_>,
        take: &mut dyn FnMut(&Columns, u32, f32) -> ControlFlow<()>,
    ) -> Result<(), SearchError> {
        let Self { snapshot, weight, limits, .. } = self;
        let Piece { segment, columns, .. } = piece;
        if limits.is_over() {
            return Err(SearchError::Late);
        }
        let alive = segment.alive_bitset();
        let timed = limits.since.is_some() || limits.until.is_some();
        let mut scorer = weight.scorer(segment, 1.0).map_err(|fault| snapshot.failed(fault))?;
        let mut doc = scorer.doc();
        let mut until_look = LOOK_EVERY;
        while doc != TERMINATED {
            let wanted = limits.notices || columns.kind(doc) != Kind::Notice;
            if wanted
                && alive.is_none_or(|alive| alive.is_alive(doc))
                && (!timed || limits.holds(columns.time(doc)))
            {
                let score = if limits.scored { scorer.score() } else { 0.0 };
                if take(columns, doc, score).is_break() {
                    return Ok(());
                }
            }
            until_look -= 1;
            if until_look == 0 {
                until_look = LOOK_EVERY;
                if limits.is_over() {
                    return Err(SearchError::Late);
                }
            }
            doc = scorer.advance();
        }
        Ok(())
    }
}
