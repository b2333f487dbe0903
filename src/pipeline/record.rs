//! The records that the index keeps of articles, reports and topics, and their keys. Changes of form go with
//! `pipeline::ANALYSIS`.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    desk::Held,
    story::Member,
    topic::Trace,
    view::{Changes, Locator, Tree, View, ViewError},
};
use crate::article::{Article, Id};

/// Most revisions whose texts are remembered of one report; of more, the oldest are forgotten.
const TEXTS_MAX: usize = 16;

/// Most topics remembered as told of one report.
const TOLD_MAX: usize = 64;

/// What is known of a report, in its newest revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Where the newest revision stands in the journal.
    pub(crate) at: Locator,
    /// Its sequence number, which is also its key in the window.
    pub(crate) seq: u64,
    /// From 1.
    pub(crate) revision: u32,
    /// Hashes of title and text of the revisions, newest last.
    pub(crate) texts: Vec<u64>,
    /// Hash of the newest revision as the source delivered it.
    #[serde(with = "postcard::fixint::le")]
    pub(crate) raw: u64,
    /// Hash of the outlet's site.
    #[serde(with = "postcard::fixint::le")]
    pub(crate) site: u64,
    /// Number of words.
    pub(crate) words: u32,
    /// Its story.
    pub(crate) story: Id,
    /// Of a copy: its original.
    pub(crate) root: Option<Id>,
    /// The first report of all that are copies or updates of each other.
    pub(crate) family: Id,
    /// The drop's own id.
    pub(crate) input_id: Option<String>,
    /// Hashes of the topics that were told of it.
    pub(crate) told: Vec<u64>,
    /// When an `update` alert about it last went out, unix seconds; 0 never.
    pub(crate) update_told: i64,
}

impl Report {
    /// Remembers the text of one more revision.
    pub(crate) fn remember_text(&mut self, text: u64) {
        if !self.texts.contains(&text) {
            self.texts.push(text);
        }
        let over = self.texts.len().saturating_sub(TEXTS_MAX);
        self.texts.drain(..over);
    }

    /// Remembers that a topic was told.
    pub(crate) fn remember_told(&mut self, topic: u64) {
        if !self.told.contains(&topic) && self.told.len() < TOLD_MAX {
            self.told.push(topic);
        }
    }
}

/// What the window needs of an accepted article, so that a restart finds the same state. The stages write their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Windowed {
    /// Where it stands in the journal.
    pub(crate) at: Locator,
    /// When it reached the daemon, unix seconds.
    pub(crate) seen_at: i64,
    /// Of `dedupe::Entry`.
    pub(crate) entry: Vec<u8>,
    /// Of `story::Member`.
    pub(crate) member: Vec<u8>,
    /// Of `bearers`: the persons whom it names in full.
    pub(crate) persons: Vec<String>,
    /// The topics that learned from it, by `topic::Topics::learner`.
    pub(crate) learned: Vec<u64>,
    /// Of `kin`: other stories that it fits as well.
    pub(crate) fits_too: Vec<Id>,
}

/// The same as it is read, without copying.
#[derive(Debug, Deserialize)]
pub(crate) struct WindowedRow<'a> {
    pub(crate) at: Locator,
    pub(crate) seen_at: i64,
    pub(crate) entry: &'a [u8],
    pub(crate) member: &'a [u8],
    #[serde(borrow)]
    pub(crate) persons: Vec<&'a str>,
    pub(crate) learned: Vec<u64>,
    pub(crate) fits_too: Vec<Id>,
}

/// What stands first in a row, up to what the stories need of it.
#[derive(Debug, Deserialize)]
struct MemberRow<'a> {
    _at: Locator,
    _seen_at: i64,
    _entry: &'a [u8],
    member: &'a [u8],
}

/// A member of the window has no row.
#[derive(Debug, thiserror::Error)]
#[error("there is none, or it is no row of a member")]
struct NoMember;

/// How a topic follows a story.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Follow {
    /// What the topic remembers of the story.
    pub(crate) trace: Trace,
    /// The last alert, unix seconds; `None` before the first.
    pub(crate) told: Option<i64>,
    /// Reports since then that were not told one by one.
    pub(crate) held: Option<Held>,
    /// Sequence number of the last line of the journal that changed `held`.
    pub(crate) seq: u64,
}

/// Totals since the state directory was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// Sequence number of the last journalled article or rejection.
    pub(crate) seq: u64,
    /// Of the last alert.
    pub(crate) alert_seq: u64,
    /// Of the last committed batch.
    pub(crate) batch: u64,
    /// Decisions by verdict: new, copy, update, rejected. Repeats are counted in the process alone.
    pub(crate) verdicts: [u64; 4],
}

/// Key of the counters in `Tree::Meta`.
pub(crate) const COUNTERS: &[u8] = b"counters";

/// Key of the locator of the rules in force, in `Tree::Meta`.
pub(crate) const RULES: &[u8] = b"rules";

/// Key of the last alert that the log holds, in `Tree::Meta`.
pub(crate) const TOLD: &[u8] = b"told";

/// As bytes. Records hold nothing that postcard could refuse.
pub(crate) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    postcard::to_stdvec(record).unwrap_or_default()
}

/// From bytes.
pub(crate) fn decode<T: DeserializeOwned>(tree: Tree, bytes: &[u8]) -> Result<T, ViewError> {
    decode_row(tree, bytes)
}

/// From bytes that it goes on borrowing.
pub(crate) fn decode_row<'a, T: Deserialize<'a>>(tree: Tree, bytes: &'a [u8]) -> Result<T, ViewError> {
    postcard::from_bytes(bytes)
        .map_err(|fault| ViewError { what: format!("a record of {tree:?}"), source: Box::new(fault) })
}

/// Key of a story followed by a topic.
pub(crate) fn follow_key(story: Id, topic: u64) -> [u8; 16] {
    (u128::from(story.0) << 64 | u128::from(topic)).to_be_bytes()
}

/// Story and topic of such a key.
pub(crate) fn follow_of(key: &[u8]) -> Option<(Id, u64)> {
    let (story, topic) = key.split_first_chunk::<8>()?;
    Some((Id(u64::from_be_bytes(*story)), u64::from_be_bytes(topic.try_into().ok()?)))
}

/// Reads what the batch so far has changed before what is stored.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    /// What was committed.
    pub(crate) view: &'a dyn View,
    /// What this batch adds.
    pub(crate) changes: &'a Changes,
}

impl Known<'_> {
    /// A record.
    pub(crate) fn get<T: DeserializeOwned>(&self, tree: Tree, key: &[u8]) -> Result<Option<T>, ViewError> {
        match self.changes.get(tree, key) {
            Some(None) => Ok(None),
            Some(Some(bytes)) => decode(tree, bytes).map(Some),
            None => self.view.get(tree, key)?.map(|bytes| decode(tree, &bytes)).transpose(),
        }
    }

    /// A report by its id.
    pub(crate) fn report(&self, id: Id) -> Result<Option<Report>, ViewError> {
        self.get(Tree::Reports, &id.0.to_be_bytes())
    }

    /// A report by one of its identities.
    pub(crate) fn identity(&self, key: u64) -> Result<Option<(Id, Report)>, ViewError> {
        let Some(id) = self.identified(key)? else { return Ok(None) };
        Ok(self.report(id)?.map(|report| (id, report)))
    }

    /// What one of the identities leads to.
    pub(crate) fn identified(&self, key: u64) -> Result<Option<Id>, ViewError> {
        let key = key.to_be_bytes();
        let of = |bytes: &[u8]| bytes.try_into().ok().map(|bytes| Id(u64::from_le_bytes(bytes)));
        match self.changes.get(Tree::Identities, &key) {
            Some(changed) => Ok(changed.and_then(of)),
            None => Ok(self.view.get(Tree::Identities, &key)?.and_then(|bytes| of(&bytes))),
        }
    }

    /// What the stories need of an article in the window.
    pub(crate) fn member(&self, seq: u64) -> Result<Member, ViewError> {
        let key = seq.to_be_bytes();
        let read;
        let row = if let Some(changed) = self.changes.get(Tree::Window, &key) {
            changed
        } else {
            read = self.view.get(Tree::Window, &key)?;
            read.as_deref()
        };
        let member = row.and_then(|row| {
            let (MemberRow { member, .. }, _) = postcard::take_from_bytes(row).ok()?;
            Member::decode(member)
        });
        member.ok_or_else(|| ViewError { what: format!("row {seq} of the window"), source: NoMember.into() })
    }

    /// An article of the journal.
    pub(crate) fn article(&self, at: Locator) -> Result<Article, ViewError> {
        self.view.article(at)
    }
}
