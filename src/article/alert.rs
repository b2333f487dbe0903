//! The line that the user reads.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ArticleHead, Change, Id};

/// Kind of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertKind {
    /// First match of a story by a topic.
    NewStory,
    /// A further report.
    NewCoverage,
    /// A told report has changed.
    Update,
    /// A report was taken back.
    Withdrawn,
    /// Coverage far above the usual pace.
    Surge,
    /// Coverage far below it.
    Silence,
    /// Several in one line.
    Digest,
    /// Sent by the user to try the way.
    Test,
}

impl AlertKind {
    /// As it stands in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::NewStory => "new-story",
            Self::NewCoverage => "new-coverage",
            Self::Update => "update",
            Self::Withdrawn => "withdrawn",
            Self::Surge => "surge",
            Self::Silence => "silence",
            Self::Digest => "digest",
            Self::Test => "test",
        }
    }
}

/// The line that the user reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Counts all alerts of a state directory from 1, without a gap.
    pub seq: u64,
    /// Hash of topic, report, revision and kind: the idempotency key.
    pub id: Id,
    /// When it was decided: the article's `seen_at`.
    pub time: Timestamp,
    /// What kind of news.
    pub kind: AlertKind,
    /// Name of the topic.
    pub topic: String,
    /// Null for `silence` and `test`, and for a digest of several stories.
    pub story: Option<Id>,
    /// Null for `silence`, `digest` and `test`.
    pub article: Option<ArticleHead>,
    /// How many outlets have told the story so far, this one counted.
    pub outlets: u32,
    /// Whether this outlet had told nothing of it before.
    #[serde(default)]
    pub new_outlet: bool,
    /// How many of them with words of their own: copies don't count.
    pub independent: u32,
    /// How many reports the story has so far, this one counted, copies too.
    pub reports: u32,
    /// How many of them are copies of another one's text.
    #[serde(default)]
    pub copies: u32,
    /// Canonical names that the story's earlier reports did not have.
    pub new_entities: Vec<String>,
    /// The sentence, in the article's own words, that says most that earlier coverage did not.
    pub novel: Option<String>,
    /// Of the match.
    pub score: f32,
    /// Of the match; of an alert without one, what it says.
    pub evidence: Vec<String>,
    /// Of an `update`: what the revision says otherwise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub change: Option<Change>,
    /// Of a `digest`: what it gathers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<Digest>,
    /// Of a `silence`: the address of the feed that is quiet; null where it is the topic.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub feed: Option<String>,
}

impl Alert {
    /// An alert that is about no article, with nothing told yet.
    pub fn bare(id: Id, time: Timestamp, kind: AlertKind, topic: &str) -> Self {
        Self {
            seq: 0,
            id,
            time,
            kind,
            topic: topic.to_owned(),
            story: None,
            article: None,
            outlets: 0,
            new_outlet: false,
            independent: 0,
            reports: 0,
            copies: 0,
            new_entities: Vec::new(),
            novel: None,
            score: 0.0,
            evidence: Vec::new(),
            change: None,
            digest: None,
            feed: None,
        }
    }
}

/// Why reports were not told one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Withheld {
    /// The story had just been told.
    Cooldown,
    /// The topic is told in digests.
    Digest,
    /// It was night.
    Quiet,
    /// There had been enough for one hour.
    MaxPerHour,
}

impl Withheld {
    /// As it stands in JSON, and after `suppressed:`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cooldown => "cooldown",
            Self::Digest => "digest",
            Self::Quiet => "quiet",
            Self::MaxPerHour => "max-per-hour",
        }
    }
}

/// What was not told one by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Why the first of them was not.
    pub why: Withheld,
    /// When the first of them came.
    pub since: Timestamp,
    /// How many reports, updates and withdrawals it gathers.
    pub reports: u32,
    /// One entry a story, in the order of their coming; of very many, the first ones.
    pub items: Vec<DigestItem>,
}

/// A story in a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestItem {
    /// Which.
    pub story: Id,
    /// What the first of its reports was.
    pub kind: AlertKind,
    /// How many of the digest's reports are of this story.
    pub reports: u32,
    /// Outlet of the first of them.
    pub source: String,
    /// Its headline.
    pub title: String,
    /// Its address.
    pub url: Option<String>,
}
