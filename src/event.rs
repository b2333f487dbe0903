//! What comes in by the one door of the pipeline, and the rules by which it decides.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::{
    article::{AlertKind, Article, Delivery},
    quiet::Quiet,
};

/// Everything that reaches the pipeline, in the order of happening.
#[derive(Debug)]
pub enum Event {
    /// Articles, rejections and checkpoints of one source.
    Batch(Delivery),
    /// From here on these rules hold.
    Rules(Box<Rules>),
    /// Time goes on though nothing arrives.
    Tick(Timestamp),
    /// Write the alert log to a new file from here on: it was rotated.
    Reopen,
    /// A question of the user.
    Ask(Ask),
    /// Nothing more is taken in: what waits before this is decided, and that is all.
    Close,
}

impl From<Delivery> for Event {
    fn from(delivery: Delivery) -> Self {
        Self::Batch(delivery)
    }
}

/// How the pipeline gets on since the start, for `systemctl status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Articles that were decided, repeats not counted.
    pub articles: u64,
    /// Alerts that were committed.
    pub alerts: u64,
    /// When the last of them was.
    pub last_alert: Option<Timestamp>,
    /// What nothing goes on without, in words.
    pub waits: Option<String>,
}

/// A question, and where the answer goes. Answers are JSON in the form of the contracts.
#[derive(Debug)]
pub struct Ask {
    /// What is asked.
    pub question: Question,
    /// Where the answer goes.
    pub answer: oneshot::Sender<serde_json::Value>,
}

/// What can be asked of a running pipeline.
#[derive(Debug)]
pub enum Question {
    /// Why an article, read from a file, would do what it would do.
    ExplainArticle(Box<Article>),
    /// Why a known report, by address or id, did what it did.
    ExplainKnown(String),
    /// A known report, by address or id, as a drop takes it.
    Article(String),
    /// How things stand.
    Status,
    /// Tell a test alert of a topic.
    Test(String),
    /// How far these sources have come: for each key its checkpoint as JSON text, or null.
    Checkpoints(Vec<String>),
    /// The same from this key on, in the order of the keys: some pairs of key and checkpoint; none at the end.
    CheckpointsFrom(String),
    /// Have these sinks try again what they have laid aside or wait for.
    Retry(Vec<String>),
}

/// All that decisions depend on beside the articles. Written to the journal when it changes, so that the same journal
/// always gives the same decisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Topics in the order of the config.
    pub topics: Vec<TopicRule>,
    /// Names that are tracked whatever the topics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<TrackedName>,
    /// Articles published longer ago than this when they arrive are `suppressed:old`. Whole seconds.
    pub max_age_secs: i64,
    /// Of a feed's first answer, what was published longer ago than this is not told. Whole seconds.
    pub first_fetch_secs: i64,
    /// Dedupe compares within so many days.
    pub window_days: u32,
    /// and within so many articles.
    pub window_articles_max: u32,
    /// Addresses of the feeds whose silence is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<String>,
}

/// A topic as the user wrote it, with its sample articles read in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TopicRule {
    /// Unique, `[a-z0-9-]`.
    pub name: String,
    /// In the query language; already checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Canonical name and its aliases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<TrackedName>,
    /// Sample reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Article>,
    /// Reports that the topic must not match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_examples: Vec<Article>,
    /// How sure a match must be.
    #[serde(default)]
    pub sensitivity: Sensitivity,
    /// A story alerts from so many outlets on.
    pub min_outlets: u32,
    /// After an alert of a story, silence about it for so long; what comes meanwhile is told in one line. Whole seconds.
    pub cooldown_secs: i64,
    /// Reports are told together, so long after the first of them; 0 tells each. Whole seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub digest_secs: i64,
    /// Hours in which nothing is told; what comes then is told together at their end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
    /// Alerts of the topic within an hour; what is more is told together an hour later. 0 sets no bound.
    #[serde(default, skip_serializing_if = "is_none_an_hour")]
    pub max_per_hour: u32,
    /// Kinds that are told; all where it is empty. Digests and tests always are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<AlertKind>,
}

impl TopicRule {
    /// Whether alerts of that kind are wanted.
    pub fn tells(&self, kind: AlertKind) -> bool {
        let always = matches!(kind, AlertKind::Digest | AlertKind::Test);
        always || self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if asks for a reference")]
fn is_zero(secs: &i64) -> bool {
    *secs == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if asks for a reference")]
fn is_none_an_hour(alerts: &u32) -> bool {
    *alerts == 0
}

/// A name that the user tracks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackedName {
    /// What mentions are filed under.
    pub name: String,
    /// Other spellings.
    pub aliases: Vec<String>,
}

/// When the page behind an item of a feed is read for its full text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FullText {
    /// Never: the feed's own text is all.
    #[default]
    Never,
    /// Where the feed's text is but a teaser.
    Teasers,
    /// For every item.
    Always,
}

/// How sure a match must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    /// Hardly ever wrong, misses some.
    Strict,
    /// The default.
    #[default]
    Balanced,
    /// Misses hardly any, is wrong more often.
    Sensitive,
}
