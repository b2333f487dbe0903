//! Full-text search over the journal, and which reports make a story. An index built from the journal alone: what is
//! missing, damaged or of another form is built again. The only user of tantivy.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tantivy::{
    Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyError, Term,
    directory::error::LockError,
    indexer::LogMergePolicy,
    query::{AllQuery, BooleanQuery, Query, TermQuery},
    schema::{IndexRecordOption, Schema},
};

use self::{
    schema::{BODY, Columns, FORM, Fields, Splitter, WORDS},
    snapshot::Limits,
};
use crate::{
    article::{Alert, Id},
    journal::{JournalError, Line, Position, reader::Reader},
    pipeline::{topic::query, view::Locator},
};

mod ranked;
mod schema;
mod snapshot;
mod words;

pub use self::{
    ranked::{By, Ranked},
    schema::Kind,
    snapshot::Bar,
};

/// Memory for documents that are not yet written. Only who indexes a long journal needs all of it: the
/// more there is, the larger are the pieces, and the fewer are made one.
const WRITER_BYTES: usize = 128 << 20;

/// Lines between two commits of the index; a crash costs no more than to read them again.
const COMMIT_LINES: u32 = 20_000;

/// Pieces of the index that are made one. A daemon adds a piece a second: where those of all sizes were one level, as they
/// are by default up to 10,000 documents, each document would be written anew again and again.
const MERGED_AT_ONCE: usize = 8;
const SMALLEST_LEVEL_DOCS: u32 = 64;
/// Each level has pieces of up to four times the size of the one below: 2 to the power of this.
const LEVEL_FACTOR_LOG2: f64 = 2.0;
/// Larger ones stay as they are, so that each holds a stretch of time and the newest can be asked alone.
const MERGED_DOCS_MAX: usize = 10_000;

/// Stands for every topic that was told of something.
pub const ANY_TOPIC: &str = "\u{1}";

/// Documents between two looks at the clock.
const LOOK_EVERY: u32 = 4_096;

/// The index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// tantivy fails.
    #[error("the search index {} fails", path.display())]
    Index {
        /// Its directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<TantivyError>,
    },
    /// The directory cannot be made or removed.
    #[error("could not write the search index {} (it belongs to whom the daemon runs as)", path.display())]
    Io {
        /// Its directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What was asked for costs too much.
    #[error("the query has {0}")]
    Refused(String),
    /// The answer took longer than it may.
    #[error("the answer took too long: ask for less, or for a shorter time")]
    Late,
}

/// What is looked for; nothing said is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Reports of this story.
    #[serde(default)]
    pub story: Option<Id>,
    /// Reports that belong to this topic.
    #[serde(default)]
    pub topic: Option<String>,
    /// Reports that this topic was told of.
    #[serde(default)]
    pub told: Option<String>,
    /// Reports that arrived then or later, unix seconds.
    #[serde(default)]
    pub since: Option<i64>,
    /// Reports that arrived before then, unix seconds.
    #[serde(default)]
    pub until: Option<i64>,
}

/// A report in one revision, as far as the index knows it without looking further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Where its line stands in the journal: what came first has the lesser one.
    pub at: Locator,
    /// The report.
    pub report: Id,
    /// The story that it belongs to.
    pub story: Id,
    /// When it arrived, unix seconds.
    pub time: i64,
    /// What it is.
    pub kind: Kind,
}

/// What a list shows of a hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The hit.
    pub hit: Hit,
    /// Who publishes.
    pub outlet: String,
    /// Headline.
    pub title: String,
    /// The drop's own id.
    pub input_id: Option<String>,
}

/// A story, as far as the index knows it without looking further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Headline of its first report.
    pub title: String,
    /// Arrival of its first and its last report, unix seconds.
    pub first: i64,
    /// See `first`.
    pub last: i64,
    /// How many reports.
    pub reports: usize,
    /// Of how many outlets.
    pub outlets: usize,
}

/// The open index.
pub struct Search {
    path: PathBuf,
    index: Index,
    reader: IndexReader,
    fields: Fields,
}

/// The index as it stood at one moment.
pub struct Snapshot {
    path: PathBuf,
    searcher: Searcher,
    fields: Fields,
    position: Position,
    withdrawn: HashSet<Id>,
    /// Of each piece of the index, in their order.
    columns: Vec<Columns>,
}

/// How far the journal is indexed: tantivy keeps it with each commit.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Payload {
    form: u32,
    position: Position,
    /// The journal's first day then: what it has forgotten since goes here too.
    #[serde(default)]
    first_day: u32,
}

impl Search {
    /// Opens the index of a state directory; an empty one where there is none that can be used.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(state_dir: &Path) -> Result<Self, SearchError> {
        let path = state_dir.join("search");
        let (schema, fields) = schema::schema();
        if !state_dir.exists() {
            // Nothing was ever stored, and a question leaves nothing behind.
            return Self::of(path, Index::create_in_ram(schema), fields);
        }
        if let Ok(index) = Index::open_in_dir(&path)
            && index.schema() == schema
            && payload(&index).is_some_and(|payload| payload.form == FORM)
            && let Ok(search) = Self::of(path.clone(), index, fields)
        {
            return Ok(search);
        }
        let index = fresh(&path, schema)?;
        Self::of(path, index, fields)
    }

    fn of(path: PathBuf, index: Index, fields: Fields) -> Result<Self, SearchError> {
        index.tokenizers().register(WORDS, Splitter { skips: false });
        index.tokenizers().register(BODY, Splitter { skips: true });
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into();
        match reader {
            Ok(reader) => Ok(Self { path, index, reader, fields }),
            Err(source) => Err(SearchError::Index { path, source: Box::new(source) }),
        }
    }

    /// Throws the index of a state directory away: the next who opens it builds it again.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn discard(state_dir: &Path) -> Result<(), SearchError> {
        let path = state_dir.join("search");
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(SearchError::Io { path, source }),
            _ => Ok(()),
        }
    }

    /// Takes in what the journal holds beyond the index. Where another process is at it, that one's work is enough.
    /// `heard` is given each alert of it, in order.
    ///
    /// # Errors
    /// When journal or index fail.
    pub fn catch_up(
        &self,
        journal: &Reader,
        progress: &mut dyn FnMut(u64, u64),
        heard: &mut dyn FnMut(Alert),
    ) -> Result<(), SearchError> {
        if self.position() == journal.end() {
            return Ok(());
        }
        let mut writer = match self.index.writer_with_num_threads(1, WRITER_BYTES) {
            Ok(writer) => writer,
            Err(TantivyError::LockFailure(LockError::LockBusy, _)) => return Ok(()),
            Err(fault) => return Err(self.failed(fault)),
        };
        let mut merging = LogMergePolicy::default();
        merging.set_min_num_segments(MERGED_AT_ONCE);
        merging.set_min_layer_size(SMALLEST_LEVEL_DOCS);
        merging.set_level_log_size(LEVEL_FACTOR_LOG2);
        merging.set_max_docs_before_merge(MERGED_DOCS_MAX);
        writer.set_merge_policy(Box::new(merging));
        let from = self.position();
        match self.take_in(&mut writer, journal, from, progress, heard) {
            // The journal is another one, or was shortened: it is read from its start.
            Err(SearchError::Journal(JournalError::Beyond { .. })) => {
                writer.delete_all_documents().map_err(|fault| self.failed(fault))?;
                self.take_in(&mut writer, journal, Position::default(), progress, &mut |_| {})?;
            }
            done => done?,
        }
        writer.wait_merging_threads().map_err(|fault| self.failed(fault))
    }

    fn take_in(
        &self,
        writer: &mut IndexWriter,
        journal: &Reader,
        from: Position,
        progress: &mut dyn FnMut(u64, u64),
        heard: &mut dyn FnMut(Alert),
    ) -> Result<(), SearchError> {
        let total = bytes_from(journal, from);
        let first_day = journal.days().next().map_or(0, |(day, _)| day);
        if payload(&self.index).is_some_and(|payload| payload.first_day < first_day) {
            let forgotten = writer.delete_query(self.fields.before(first_day));
            forgotten.map_err(|fault| self.failed(fault))?;
        }
        let mut scan = journal.scan(from)?;
        let mut lines = 0;
        let mut end = from;
        while let Some(line) = scan.next() {
            match line {
                Ok((at, Line::Article { article, decision, alerts, .. })) => {
                    let document = self.fields.document(at, &article, &decision, &alerts);
                    writer.add_document(document).map_err(|fault| self.failed(fault))?;
                    alerts.into_iter().for_each(&mut *heard);
                    lines += 1;
                }
                Ok((at, Line::Notice { at: time, alerts, .. })) => {
                    let document = self.fields.notice(at, time, &alerts);
                    writer.add_document(document).map_err(|fault| self.failed(fault))?;
                    alerts.into_iter().for_each(&mut *heard);
                }
                Ok((_, Line::Commit(_))) => {
                    end = scan.position();
                    progress(total.saturating_sub(bytes_from(journal, end)), total);
                    if lines >= COMMIT_LINES {
                        self.commit(writer, end, first_day)?;
                        lines = 0;
                    }
                }
                Ok(_) => {}
                Err(fault @ JournalError::Damaged { .. }) => tracing::warn!("{fault}; not indexed"),
                Err(fault) => return Err(fault.into()),
            }
        }
        self.commit(writer, end, first_day)
    }

    fn commit(
        &self,
        writer: &mut IndexWriter,
        position: Position,
        first_day: u32,
    ) -> Result<(), SearchError> {
        let payload = serde_json::json!(Payload { form: FORM, position, first_day }).to_string();
        let mut commit = writer.prepare_commit().map_err(|fault| self.failed(fault))?;
        commit.set_payload(&payload);
        commit.commit().map_err(|fault| self.failed(fault))?;
        Ok(())
    }

    /// How far the journal is indexed.
    pub fn position(&self) -> Position {
        payload(&self.index).map_or(Position::default(), |payload| payload.position)
    }

    /// The index as it stands now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, SearchError> {
        // Read first: what is committed in between is only seen earlier than it is said to be.
        let position = self.position();
        self.reader.reload().map_err(|fault| self.failed(fault))?;
        let searcher = self.reader.searcher();
        let columns: tantivy::Result<_> = searcher.segment_readers().iter().map(Columns::open).collect();
        let mut snapshot = Snapshot {
            path: self.path.clone(),
            columns: columns.map_err(|fault| self.failed(fault))?,
            searcher,
            fields: self.fields,
            position,
            withdrawn: HashSet::new(),
        };
        let term = Term::from_field_u64(self.fields.kind, Kind::Withdrawn.number());
        let withdrawn = TermQuery::new(term, IndexRecordOption::Basic);
        let mut reports = HashSet::new();
        snapshot.each(&withdrawn, &Limits::default(), |columns, _, doc, _| {
            reports.insert(columns.hit(doc).report);
        })?;
        snapshot.withdrawn = reports;
        Ok(snapshot)
    }

    fn failed(&self, source: TantivyError) -> SearchError {
        SearchError::Index { path: self.path.clone(), source: Box::new(source) }
    }
}

impl Fields {
    fn parts(&self, filter: &Filter) -> Vec<Box<dyn Query>> {
        let exact = |term| Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Box<dyn Query>;
        let story = filter.story.map(|story| Term::from_field_u64(self.story, story.0));
        let topic = filter.topic.as_ref().map(|topic| Term::from_field_text(self.topic, topic));
        let told = filter.told.as_ref().map(|topic| Term::from_field_text(self.told, topic));
        [story, topic, told].into_iter().flatten().map(exact).collect()
    }

    /// All but the times of a filter.
    fn passes(&self, filter: &Filter) -> Box<dyn Query> {
        let mut parts = self.parts(filter);
        match parts.pop() {
            None => Box::new(AllQuery),
            Some(only) if parts.is_empty() => only,
            Some(last) => {
                parts.push(last);
                Box::new(BooleanQuery::intersection(parts))
            }
        }
    }

    /// A query of topics' language, and a filter; and whether all that is found is what was asked for.
    fn asks(
        &self,
        query: Option<&query::Query>,
        filter: &Filter,
        scored: bool,
    ) -> Result<(Box<dyn Query>, bool), SearchError> {
        let Some(query) = query else { return Ok((self.passes(filter), true)) };
        let translator = words::Translator { fields: self, scored };
        let (query, exact) = translator.whole(query).map_err(SearchError::Refused)?;
        let mut parts = self.parts(filter);
        if parts.is_empty() {
            return Ok((query, exact));
        }
        parts.push(query);
        Ok((Box::new(BooleanQuery::intersection(parts)), exact))
    }
}

fn payload(index: &Index) -> Option<Payload> {
    serde_json::from_str(&index.load_metas().ok()?.payload?).ok()
}

/// An empty index in place of what was there.
fn fresh(path: &Path, schema: Schema) -> Result<Index, SearchError> {
    let io = |source| SearchError::Io { path: path.to_owned(), source };
    match fs::remove_dir_all(path) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(io(fault)),
        _ => fs::create_dir_all(path).map_err(io)?,
    }
    let failed = |source| SearchError::Index { path: path.to_owned(), source: Box::new(source) };
    Index::create_in_dir(path, schema).map_err(failed)
}

/// Bytes of the journal from a position on.
pub fn bytes_from(journal: &Reader, from: Position) -> u64 {
    let days = journal.days().filter(|(day, _)| *day >= from.day);
    days.map(|(day, bytes)| if day == from.day { bytes.saturating_sub(from.offset) } else { bytes }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        article::AlertKind,
        journal::{Commit, Journal, LineRef, state_dir::StateDir},
    };

    fn documents(search: &Search, dir: &Path) -> u64 {
        let journal = Reader::open(dir).unwrap();
        search.catch_up(&journal, &mut |_, _| {}, &mut |_| {}).unwrap();
        search.snapshot().unwrap().documents()
    }

    #[test]
    fn what_the_journal_forgets_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::lock_with_floor(dir.path(), 0).unwrap();
        let (mut journal, _) = Journal::open(&state).unwrap();
        let mut write = |day: u64| {
            let at = format!("2031-03-0{day}T08:00:00Z").parse().unwrap();
            let alerts = [Alert::bare(Id(day), at, AlertKind::Silence, "ferry")];
            journal.append(at, &LineRef::Notice { seq: day, at, alerts: &alerts }).unwrap();
            journal.commit(at, &Commit::default()).unwrap();
        };
        (1..=2).for_each(&mut write);
        let search = Search::open(dir.path()).unwrap();
        assert_eq!(documents(&search, dir.path()), 2);
        fs::remove_file(dir.path().join("journal/2031-03-01.jsonl.zst")).unwrap();
        (3..=4).for_each(&mut write);
        assert_eq!(documents(&search, dir.path()), 3);
        write(5);
        assert_eq!(documents(&search, dir.path()), 4);
    }
}
