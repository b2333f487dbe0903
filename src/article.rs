//! The values that flow from the sources through the pipeline to the reader of an alert.
//! Knows nothing of the rest of the crate.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tokio::sync::oneshot;

mod alert;
mod decision;

pub use self::{
    alert::{Alert, AlertKind, Digest, DigestItem, Withheld},
    decision::{
        ArticleHead, Change, Decision, Entity, EntityKind, Field, LEAD_CHARS, Match, Mention, PASSAGE_CHARS,
        Quote, Tagger,
    },
};

/// Sixty-four bits of a BLAKE3 hash; names a report, a story or an alert. Written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u64);

impl Id {
    /// Hashes the parts, each with its length before it, so that no two lists of parts look alike.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut head = [0; 8];
        hasher.finalize_xof().fill(&mut head);
        Self(u64::from_be_bytes(head))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The text is no id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an id: expected 16 hexadecimal digits, and for a revision a point and its number")]
pub struct NotAnId;

impl FromStr for Id {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        digits.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(Self).ok_or(NotAnId)
    }
}

/// Text for people, a number where bytes count.
impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

/// A report in one of its revisions: `ID` for the first, `ID.2` for the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArticleId {
    /// The report.
    pub report: Id,
    /// Its revision, from 1.
    pub revision: u32,
}

impl fmt::Display for ArticleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.revision {
            0 | 1 => write!(f, "{}", self.report),
            later => write!(f, "{}.{later}", self.report),
        }
    }
}

impl FromStr for ArticleId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        match text.split_once('.') {
            None => Ok(Self { report: text.parse()?, revision: 1 }),
            Some((report, revision)) => {
                Ok(Self { report: report.parse()?, revision: revision.parse().map_err(|_| NotAnId)? })
            }
        }
    }
}

impl Serialize for ArticleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ArticleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// One report as a source delivers it: read, but not yet judged. All text is UTF-8 in NFC, without control
/// characters but line feeds in `text`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Article {
    /// The drop's own id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub input_id: Option<String>,
    /// Address as the source gives it, http or https.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<String>,
    /// The feed's own id of the item; meaningful only together with `origin`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub guid: Option<String>,
    /// Headline, one line.
    pub title: String,
    /// Body as plain text, a line a paragraph.
    pub text: String,
    /// When the outlet says that it was published.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub published: Option<Timestamp>,
    /// Who publishes: the name that the source states, else the host of `url`, else empty.
    pub outlet: String,
    /// BCP 47 primary subtag as stated by the source.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub language: Option<String>,
    /// Bylines as stated by the source.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub authors: Vec<String>,
    /// When the outlet says that it last changed it, where that is another time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub updated: Option<Timestamp>,
    /// The outlet's own rubric.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub section: Option<String>,
    /// Not to be told before: the source holds it until then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub embargo: Option<Timestamp>,
    /// Whether its publisher stands by it.
    #[serde(skip_serializing_if = "Standing::is_usable", default)]
    pub standing: Standing,
    /// When it reached the daemon; in a replay the article's own time.
    pub seen_at: Timestamp,
    /// Which feed or drop it came by: the feed's address, the drop's directory, `ingest`.
    pub origin: String,
    /// What of the alert rules depends on how it came.
    #[serde(default, skip_serializing_if = "is_live")]
    pub occasion: Occasion,
    /// Where its text was read.
    #[serde(default, skip_serializing_if = "TextFrom::is_source")]
    pub text_from: TextFrom,
}

impl Article {
    /// Whether no control character stands in what is shown of it.
    pub fn is_sound(&self) -> bool {
        let lines = [&self.title, &self.outlet].into_iter().chain(&self.input_id).chain(&self.authors);
        !lines.flat_map(|line| line.chars()).any(char::is_control)
            && !self.text.chars().any(|c| c.is_control() && c != '\n')
    }
}

/// Where an article's text was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextFrom {
    /// In the feed or the file that it came by.
    #[default]
    Source,
    /// In the page that the feed's item leads to.
    Page,
}

impl TextFrom {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if asks for a reference")]
    fn is_source(&self) -> bool {
        *self == Self::Source
    }
}

/// Whether a publisher stands by a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It may be used.
    #[default]
    Usable,
    /// It is taken back: what came before of it must not be used.
    Withdrawn,
}

impl Standing {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if asks for a reference")]
    fn is_usable(&self) -> bool {
        *self == Self::Usable
    }
}

/// How an article came, as far as alerts depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// In the course of things.
    #[default]
    Live,
    /// In the first answer of a feed that was new to the daemon.
    FirstFetch,
    /// From `ingest` without a running daemon: the article's time is the clock, nothing is too old.
    Replay,
    /// In an answer of a feed that gave nearly all its known items in another form at once.
    Rekeyed,
    /// Old coverage that the user hands over, so that stories and topics know of it: none of it is told.
    Backfill,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if asks for a reference")]
fn is_live(occasion: &Occasion) -> bool {
    *occasion == Occasion::Live
}

/// Something that a source could not read as an article.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rejected {
    /// Which feed or drop.
    pub origin: String,
    /// File and line, or item, that it stood in.
    pub place: String,
    /// Lower-case fragment: what is wrong and, where it can be told, what to do.
    pub reason: String,
    /// The drop's own id, where that could be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub input_id: Option<String>,
    /// When it reached the daemon.
    pub seen_at: Timestamp,
}

/// What a source found, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly all that is found is an article")]
pub enum Found {
    /// An article.
    Article(Article),
    /// Something that is none.
    Rejected(Rejected),
}

/// How far a source has come. Only the source understands `state`; the rest of the house keeps it and gives it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// `feed URL` or `file PATH`.
    pub key: String,
    /// The source's own words; null takes the checkpoint out.
    pub state: serde_json::Value,
}

/// What one source hands through the door at once: at most `DELIVERY_FOUND_MAX` finds.
#[derive(Debug)]
pub struct Delivery {
    /// When it was handed over.
    pub at: Timestamp,
    /// Articles and rejections, in the source's order.
    pub found: Vec<Found>,
    /// Committed together with them.
    pub checkpoints: Vec<Checkpoint>,
    /// Told once all of it is durable and its alerts are in the log.
    pub receipt: Option<oneshot::Sender<Receipt>>,
}

/// The decisions of one delivery as JSON in the form of the contract, in order, after their commit.
pub type Receipt = Vec<String>;

/// Most finds in one delivery; a batch holds as many.
pub const DELIVERY_FOUND_MAX: usize = 512;

/// Most bytes of text in one delivery; a batch holds as many.
pub const DELIVERY_BYTES_MAX: usize = 4 << 20;

/// What dedupe decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// A report not known before.
    New,
    /// Another outlet's printing of a known report.
    Copy,
    /// A known report with a changed text.
    Update,
    /// A known report with a known text.
    Seen,
    /// Not an article; the decision's `reason` says why.
    Rejected,
}

impl Verdict {
    /// As it stands in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Copy => "copy",
            Self::Update => "update",
            Self::Seen => "seen",
            Self::Rejected => "rejected",
        }
    }
}
