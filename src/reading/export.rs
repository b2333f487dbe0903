//! What is stored, for other programs: a flat object an article, or the decision as it was made, a line each. Read in the
//! journal's order, a line in memory at a time.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    article::{Article, Decision, EntityKind, Id, Standing, Verdict},
    journal::{JournalError, Line, Position, reader::Reader},
};

/// What is written of each article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The article with what was made of it, flat.
    Articles,
    /// The decision, in the form that `ingest` prints.
    Decisions,
}

/// Which articles; nothing said is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// That belong to this topic.
    pub topic: Option<String>,
    /// That arrived then or later.
    pub since: Option<Timestamp>,
    /// That arrived before then.
    pub until: Option<Timestamp>,
}

/// The export stops.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Whoever reads has gone, or the disk is full.
    #[error("could not write the export")]
    Write(#[from] io::Error),
    /// A line cannot be written as JSON.
    #[error("could not write a line as JSON")]
    Json(#[from] serde_json::Error),
}

/// An article in a line of its own: what a table has columns for.
#[derive(Serialize)]
struct Row<'a> {
    id: Id,
    revision: u32,
    input_id: Option<&'a str>,
    source: &'a str,
    url: Option<&'a str>,
    title: &'a str,
    text: &'a str,
    published: Option<Timestamp>,
    seen_at: Timestamp,
    language: Option<&'a str>,
    authors: &'a [String],
    section: Option<&'a str>,
    verdict: Verdict,
    withdrawn: bool,
    copy_of: Option<Id>,
    similarity: Option<f32>,
    story: Option<Id>,
    topics: Vec<&'a str>,
    alerted: Vec<&'a str>,
    entities: Vec<RowEntity<'a>>,
    quotes: Vec<RowQuote<'a>>,
}

#[derive(Serialize)]
struct RowEntity<'a> {
    name: &'a str,
    kind: EntityKind,
    role: Option<&'a str>,
    mentions: usize,
}

#[derive(Serialize)]
struct RowQuote<'a> {
    text: &'a str,
    speaker: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(article: &'a Article, decision: &'a Decision) -> Self {
        let head = &decision.article;
        let alerted = decision.matches.iter().filter(|found| found.outcome == "alerted");
        Self {
            id: head.id.report,
            revision: head.id.revision,
            input_id: article.input_id.as_deref(),
            source: &article.outlet,
            url: article.url.as_deref(),
            title: &article.title,
            text: &article.text,
            published: article.published,
            seen_at: article.seen_at,
            language: head.language.as_deref(),
            authors: &article.authors,
            section: article.section.as_deref(),
            verdict: decision.verdict,
            withdrawn: article.standing == Standing::Withdrawn,
            copy_of: decision.copy_of.or(decision.of_id.filter(|_| decision.verdict == Verdict::Copy)),
            similarity: decision.similarity,
            story: decision.story,
            topics: decision.matches.iter().map(|found| found.topic.as_str()).collect(),
            alerted: alerted.map(|found| found.topic.as_str()).collect(),
            entities: decision
                .entities
                .iter()
                .map(|entity| RowEntity {
                    name: &entity.name,
                    kind: entity.kind,
                    role: entity.role.as_deref(),
                    mentions: entity.mentions.len(),
                })
                .collect(),
            quotes: decision
                .quotes
                .iter()
                .map(|quote| RowQuote { text: &quote.text, speaker: quote.speaker.as_deref() })
                .collect(),
        }
    }
}

impl Wanted {
    fn has(&self, seen_at: Timestamp, decision: &Decision) -> bool {
        self.since.is_none_or(|since| seen_at >= since)
            && self.until.is_none_or(|until| seen_at < until)
            && self.topic.as_ref().is_none_or(|topic| decision.matches.iter().any(|of| of.topic == *topic))
    }
}

/// Writes a line for each article that is wanted; `progress` is told bytes of the journal, done and in all. Gives how
/// many were written.
///
/// # Errors
/// When the journal cannot be read, or nobody takes the lines. What is damaged is left out, with a warning.
pub fn lines(
    journal: &Reader,
    kind: Kind,
    wanted: &Wanted,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<u64, ExportError> {
    let total = journal.bytes();
    let mut scan = journal.scan(Position::default())?;
    let mut written = 0;
    while let Some(line) = scan.next() {
        let wrote = match line {
            Ok((_, Line::Article { article, decision, .. })) if wanted.has(article.seen_at, &decision) => {
                match kind {
                    Kind::Articles => serde_json::to_writer(&mut *out, &Row::of(&article, &decision)),
                    Kind::Decisions => serde_json::to_writer(&mut *out, &decision),
                }
                .map_err(writing)?;
                true
            }
            Ok((_, Line::Rejected { rejected, decision, .. }))
                if kind == Kind::Decisions && wanted.has(rejected.seen_at, &decision) =>
            {
                serde_json::to_writer(&mut *out, &decision).map_err(writing)?;
                true
            }
            Ok((_, Line::Commit(_))) => {
                let left = crate::search::bytes_from(journal, scan.position());
                progress(total.saturating_sub(left), total);
                false
            }
            Ok(_) => false,
            Err(fault @ JournalError::Damaged { .. }) => {
                tracing::warn!("{fault}; left out");
                false
            }
            Err(fault) => return Err(fault.into()),
        };
        if wrote {
            out.write_all(b"\n")?;
            written += 1;
        }
    }
    out.flush()?;
    Ok(written)
}

/// A pipe that is closed is told as such.
fn writing(fault: serde_json::Error) -> ExportError {
    if fault.is_io() { ExportError::Write(fault.into()) } else { ExportError::Json(fault) }
}
