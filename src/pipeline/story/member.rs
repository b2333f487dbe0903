//! What the window keeps of an article for the stories.

use serde::{Deserialize, Serialize};

use super::Vector;
use crate::article::Id;

/// What the window keeps of an accepted article, and all that the stories are made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Order of arrival; unique.
    pub seq: u64,
    /// The report.
    pub report: Id,
    /// The story that it was put into.
    pub story: Id,
    /// Event time, seconds since 1970.
    pub time: i64,
    /// Whether the outlet states the time.
    pub dated: bool,
    /// Hash of the outlet.
    pub outlet: u64,
    /// Whether it is another outlet's printing of a known report: counted, but no evidence of its own.
    pub copy: bool,
    /// Its words, as weighed when it arrived.
    pub vector: Vector,
    /// Hashes of the canonical names it mentions.
    pub entities: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct Row<'a> {
    seq: u64,
    report: u64,
    story: u64,
    time: i64,
    flags: u8,
    outlet: u64,
    #[serde(borrow)]
    vector: &'a [u8],
    entities: Vec<u64>,
}

impl Member {
    /// As bytes for the index, about 1 KB for a full text.
    pub fn encode(&self) -> Vec<u8> {
        let vector = self.vector.encode();
        let row = Row {
            seq: self.seq,
            report: self.report.0,
            story: self.story.0,
            time: self.time,
            flags: u8::from(self.dated) | u8::from(self.copy) << 1,
            outlet: self.outlet,
            vector: &vector,
            entities: self.entities.clone(),
        };
        postcard::to_stdvec(&row).unwrap_or_default()
    }

    /// Back from bytes; `None` if they were not written by `encode`.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let row: Row<'_> = postcard::from_bytes(bytes).ok()?;
        Some(Self {
            seq: row.seq,
            report: Id(row.report),
            story: Id(row.story),
            time: row.time,
            dated: row.flags & 1 == 1,
            outlet: row.outlet,
            copy: row.flags & 2 == 2,
            vector: Vector::decode(row.vector)?,
            entities: row.entities,
        })
    }
}
