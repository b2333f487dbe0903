//! Full-text search over the journal, and which reports make a story. An index built from the journal alone: what is
//! missing, damaged or of another form is built again. The only user of tantivy.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tantivy::{
    DocAddress, Index, IndexWriter, TantivyDocument, TantivyError, Term,
    collector::DocSetCollector,
    columnar::Column,
    directory::error::LockError,
    query::{AllQuery, BooleanQuery, Query, RangeQuery, TermQuery},
    schema::{FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TEXT, Value},
};

use crate::{
    article::{Article, Decision, Id},
    journal::{JournalError, Line, Position, reader::Reader},
    pipeline::view::Locator,
};

/// Version of the fields; an index of another is built again.
const FORM: u32 = 1;

/// Memory for documents that are not yet written.
const WRITER_BYTES: usize = 24 << 20;

/// Lines between two commits of the index; a crash costs no more than to read them again.
const COMMIT_LINES: u32 = 20_000;

/// The index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// tantivy fails.
    #[error("the search index {} fails: remove it, and it is built again", path.display())]
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
}

/// What is looked for; nothing said is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Reports of this story.
    pub story: Option<Id>,
    /// Reports that belong to this topic.
    pub topic: Option<String>,
    /// Reports that arrived then or later, unix seconds.
    pub since: Option<i64>,
}

/// A report in one revision, as far as the index knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The journal's sequence number: hits come in this order.
    pub seq: u64,
    /// The report.
    pub report: Id,
    /// The story that it belongs to.
    pub story: Id,
    /// Where its line stands in the journal.
    pub at: Locator,
    /// When it arrived, unix seconds.
    pub time: i64,
    /// Who publishes.
    pub outlet: String,
    /// Headline.
    pub title: String,
    /// The drop's own id.
    pub input_id: Option<String>,
}

/// The open index.
pub struct Search {
    path: PathBuf,
    index: Index,
    fields: Fields,
}

#[derive(Clone, Copy)]
struct Fields {
    seq: Field,
    report: Field,
    story: Field,
    day: Field,
    offset: Field,
    time: Field,
    topic: Field,
    outlet: Field,
    language: Field,
    entity: Field,
    title: Field,
    text: Field,
    input_id: Field,
}

/// How far the journal is indexed: tantivy keeps it with each commit.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Payload {
    form: u32,
    position: Position,
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let fields = Fields {
        seq: schema.add_u64_field("seq", FAST),
        report: schema.add_u64_field("report", FAST | INDEXED),
        story: schema.add_u64_field("story", FAST | INDEXED),
        day: schema.add_u64_field("day", FAST),
        offset: schema.add_u64_field("offset", FAST),
        time: schema.add_i64_field("time", FAST | INDEXED),
        topic: schema.add_text_field("topic", STRING),
        outlet: schema.add_text_field("outlet", STRING | STORED),
        language: schema.add_text_field("language", STRING),
        entity: schema.add_text_field("entity", TEXT),
        title: schema.add_text_field("title", TEXT | STORED),
        text: schema.add_text_field("text", TEXT),
        input_id: schema.add_text_field("input_id", STORED),
    };
    (schema.build(), fields)
}

impl Search {
    /// Opens the index of a state directory; an empty one where there is none that can be used.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(state_dir: &Path) -> Result<Self, SearchError> {
        let path = state_dir.join("search");
        let (schema, fields) = schema();
        if !state_dir.exists() {
            // Nothing was ever stored, and a question leaves nothing behind.
            return Ok(Self { path, index: Index::create_in_ram(schema), fields });
        }
        if let Ok(index) = Index::open_in_dir(&path)
            && index.schema() == schema
            && payload(&index).is_some_and(|payload| payload.form == FORM)
        {
            return Ok(Self { path, index, fields });
        }
        let index = fresh(&path, schema)?;
        Ok(Self { path, index, fields })
    }

    /// Takes in what the journal holds beyond the index. Where another process is at it, that one's work is enough.
    ///
    /// # Errors
    /// When journal or index fail.
    pub fn catch_up(&self, journal: &Reader, progress: &mut dyn FnMut(u64, u64)) -> Result<(), SearchError> {
        if self.position() == journal.end() {
            return Ok(());
        }
        let mut writer = match self.index.writer_with_num_threads(1, WRITER_BYTES) {
            Ok(writer) => writer,
            Err(TantivyError::LockFailure(LockError::LockBusy, _)) => return Ok(()),
            Err(fault) => return Err(self.failed(fault)),
        };
        let from = self.position();
        match self.take_in(&mut writer, journal, from, progress) {
            // The journal is another one, or was shortened: it is read from its start.
            Err(SearchError::Journal(JournalError::Beyond { .. })) => {
                writer.delete_all_documents().map_err(|fault| self.failed(fault))?;
                self.take_in(&mut writer, journal, Position::default(), progress)?;
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
    ) -> Result<(), SearchError> {
        let total = bytes_from(journal, from);
        let mut scan = journal.scan(from)?;
        let mut lines = 0;
        let mut end = from;
        while let Some(line) = scan.next() {
            match line {
                Ok((at, Line::Article { seq, article, decision, .. })) => {
                    let document = self.fields.document(seq, at, &article, &decision);
                    writer.add_document(document).map_err(|fault| self.failed(fault))?;
                    lines += 1;
                }
                Ok((_, Line::Commit(_))) => {
                    end = scan.position();
                    progress(total.saturating_sub(bytes_from(journal, end)), total);
                    if lines >= COMMIT_LINES {
                        self.commit(writer, end)?;
                        lines = 0;
                    }
                }
                Ok(_) => {}
                Err(fault @ JournalError::Damaged { .. }) => tracing::warn!("{fault}; not indexed"),
                Err(fault) => return Err(fault.into()),
            }
        }
        self.commit(writer, end)
    }

    fn commit(&self, writer: &mut IndexWriter, position: Position) -> Result<(), SearchError> {
        let payload = serde_json::json!(Payload { form: FORM, position }).to_string();
        let mut commit = writer.prepare_commit().map_err(|fault| self.failed(fault))?;
        commit.set_payload(&payload);
        commit.commit().map_err(|fault| self.failed(fault))?;
        Ok(())
    }

    fn position(&self) -> Position {
        payload(&self.index).map_or(Position::default(), |payload| payload.position)
    }

    /// The reports that pass the filter, every revision, in order of arrival.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn hits(&self, filter: &Filter) -> Result<Vec<Hit>, SearchError> {
        self.read(filter).map_err(|fault| self.failed(fault))
    }

    fn read(&self, filter: &Filter) -> tantivy::Result<Vec<Hit>> {
        let searcher = self.index.reader()?.searcher();
        let mut found: Vec<DocAddress> =
            searcher.search(&self.fields.query(filter), &DocSetCollector)?.into_iter().collect();
        found.sort_unstable();
        let mut hits = Vec::with_capacity(found.len());
        let mut columns: Option<(u32, Columns)> = None;
        for at in found {
            let of_segment = match columns.take() {
                Some((segment, open)) if segment == at.segment_ord => open,
                _ => Columns::open(&searcher, at.segment_ord)?,
            };
            let document: TantivyDocument = searcher.doc(at)?;
            hits.push(of_segment.hit(at.doc_id, &document, &self.fields));
            columns = Some((at.segment_ord, of_segment));
        }
        hits.sort_by_key(|hit| hit.seq);
        Ok(hits)
    }

    fn failed(&self, source: TantivyError) -> SearchError {
        SearchError::Index { path: self.path.clone(), source: Box::new(source) }
    }
}

impl Fields {
    fn document(&self, seq: u64, at: Locator, article: &Article, decision: &Decision) -> TantivyDocument {
        let head = &decision.article;
        let mut document = TantivyDocument::new();
        document.add_u64(self.seq, seq);
        document.add_u64(self.report, head.id.report.0);
        document.add_u64(self.story, decision.story.unwrap_or(head.id.report).0);
        document.add_u64(self.day, u64::from(at.day));
        document.add_u64(self.offset, at.offset);
        document.add_i64(self.time, article.seen_at.as_second());
        for found in &decision.matches {
            document.add_text(self.topic, &found.topic);
        }
        document.add_text(self.outlet, &article.outlet);
        if let Some(language) = &head.language {
            document.add_text(self.language, language);
        }
        for entity in &decision.entities {
            document.add_text(self.entity, &entity.name);
        }
        document.add_text(self.title, &article.title);
        document.add_text(self.text, &article.text);
        if let Some(input_id) = &article.input_id {
            document.add_text(self.input_id, input_id);
        }
        document
    }

    fn query(&self, filter: &Filter) -> BooleanQuery {
        let exact = |term| Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Box<dyn Query>;
        let mut all: Vec<Box<dyn Query>> = Vec::new();
        all.extend(filter.story.map(|story| exact(Term::from_field_u64(self.story, story.0))));
        all.extend(filter.topic.as_ref().map(|topic| exact(Term::from_field_text(self.topic, topic))));
        if let Some(since) = filter.since {
            let from = std::ops::Bound::Included(Term::from_field_i64(self.time, since));
            all.push(Box::new(RangeQuery::new(from, std::ops::Bound::Unbounded)));
        }
        if all.is_empty() {
            all.push(Box::new(AllQuery));
        }
        BooleanQuery::intersection(all)
    }
}

/// The numbers of one segment's documents.
struct Columns {
    seq: Column<u64>,
    report: Column<u64>,
    story: Column<u64>,
    day: Column<u64>,
    offset: Column<u64>,
    time: Column<i64>,
}

impl Columns {
    fn open(searcher: &tantivy::Searcher, segment: u32) -> tantivy::Result<Self> {
        let fast = searcher.segment_reader(segment).fast_fields();
        Ok(Self {
            seq: fast.u64("seq")?,
            report: fast.u64("report")?,
            story: fast.u64("story")?,
            day: fast.u64("day")?,
            offset: fast.u64("offset")?,
            time: fast.i64("time")?,
        })
    }

    fn hit(&self, doc: u32, document: &TantivyDocument, fields: &Fields) -> Hit {
        let number = |column: &Column<u64>| column.first(doc).unwrap_or(0);
        let text = |field| document.get_first(field).and_then(|value| value.as_str()).map(ToOwned::to_owned);
        Hit {
            seq: number(&self.seq),
            report: Id(number(&self.report)),
            story: Id(number(&self.story)),
            at: Locator { day: u32::try_from(number(&self.day)).unwrap_or(0), offset: number(&self.offset) },
            time: self.time.first(doc).unwrap_or(0),
            outlet: text(fields.outlet).unwrap_or_default(),
            title: text(fields.title).unwrap_or_default(),
            input_id: text(fields.input_id),
        }
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

fn bytes_from(journal: &Reader, from: Position) -> u64 {
    let days = journal.days().filter(|(day, _)| *day >= from.day);
    days.map(|(day, bytes)| if day == from.day { bytes.saturating_sub(from.offset) } else { bytes }).sum()
}
