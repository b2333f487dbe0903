//! The values that flow from the sources through the pipeline to the reader of an alert.
//! Knows nothing of the rest of the crate.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tokio::sync::oneshot;

mod alert;

pub use self::alert::{Alert, AlertKind, Digest, DigestItem, Withheld};

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
#[derive(Clone, Debug, PartialEq)]
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

/// What a decision says of the article it is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArticleHead {
    /// Report and revision.
    pub id: ArticleId,
    /// The drop's own id.
    pub input_id: Option<String>,
    /// The outlet.
    pub source: String,
    /// Address as the source gave it.
    pub url: Option<String>,
    /// Headline.
    pub title: String,
    /// As the outlet states it.
    pub published: Option<Timestamp>,
    /// When it reached the daemon.
    pub seen_at: Timestamp,
    /// Stated, else detected.
    pub language: Option<String>,
    /// The first `LEAD_CHARS` characters of the text.
    pub lead: String,
}

/// Length of `ArticleHead::lead`, in characters.
pub const LEAD_CHARS: usize = 400;

/// The full account of one article.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Which article.
    pub article: ArticleHead,
    /// What dedupe decided.
    pub verdict: Verdict,
    /// Of a rejection.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The original of a copy, the known report of an update or repeat: its `input_id`, else its id.
    pub of: Option<String>,
    /// The id of the report that `of` names.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub of_id: Option<Id>,
    /// Of an update whose new text proves to be another outlet's: the original. From then on the report counts as a copy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub copy_of: Option<Id>,
    /// Share of the shorter text that stands in the other, 0 to 1.
    pub similarity: Option<f32>,
    /// Of an update whose last text was at hand: what is different.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub change: Option<Change>,
    /// Null only where it is rejected.
    pub story: Option<Id>,
    /// Other stories that it fits as well.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub fits_too: Vec<Id>,
    /// How names were found; `None` where none were looked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tagger: Option<Tagger>,
    /// Who and what is named.
    pub entities: Vec<Entity>,
    /// Direct speech.
    pub quotes: Vec<Quote>,
    /// Topics that it belongs to, and what became of that.
    pub matches: Vec<Match>,
}

/// What a revision says otherwise than the one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Words that the one before did not have in that place.
    pub words_added: u32,
    /// Words of the one before that are gone.
    pub words_removed: u32,
    /// The longest new passage, at most `PASSAGE_CHARS` characters of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub added: Option<String>,
    /// The longest passage that is gone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub removed: Option<String>,
}

/// Length of a changed passage, in characters.
pub const PASSAGE_CHARS: usize = 400;

/// How names are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tagger {
    /// By the model of the language, with the lists.
    Model,
    /// By lists alone: tracked names, and what a capital and a list make sure. There is no model for the language.
    Lists,
}

/// Kind of an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityKind {
    /// A human being.
    Person,
    /// A company, body, party, paper.
    Org,
    /// A country, town, building.
    Place,
    /// Nationality, religious or political group.
    Norp,
    /// A named event.
    Event,
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The headline.
    Title,
    /// The body.
    Text,
}

/// One place where an entity is named. Offsets are Unicode scalar values into the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mention {
    /// Title or text.
    pub field: Field,
    /// First character.
    pub start: u32,
    /// One past the last character.
    pub end: u32,
}

/// Who or what the article names, under one canonical name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// Canonical: the fullest form in the document, or the tracked name.
    pub name: String,
    /// What it is.
    pub kind: EntityKind,
    /// Stated office or title, such as "Attorney General".
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<String>,
    /// Found by a list of names that the user tracks.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub tracked: bool,
    /// Every place, in order.
    pub mentions: Vec<Mention>,
}

/// Words in quotation marks, from the opening to the closing mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// The words between the marks.
    pub text: String,
    /// First character between the marks, in Unicode scalar values of the text.
    pub start: u32,
    /// One past the last character.
    pub end: u32,
    /// Canonical name of who says it, where the text makes it clear.
    pub speaker: Option<String>,
}

/// An article belongs to a topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// Name of the topic.
    pub topic: String,
    /// 0 to 1; at least the threshold of the topic's sensitivity.
    pub score: f32,
    /// What counted, in words a user understands.
    pub evidence: Vec<String>,
    /// `alerted` or `suppressed:REASON`.
    pub outcome: String,
}
