//! What was decided of an article, and what is named and said in it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ArticleId, Id, Verdict};

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

impl Decision {
    /// A verdict, and nothing besides.
    pub fn of(article: ArticleHead, verdict: Verdict) -> Self {
        Self {
            article,
            verdict,
            reason: None,
            of: None,
            of_id: None,
            copy_of: None,
            similarity: None,
            change: None,
            story: None,
            fits_too: Vec::new(),
            tagger: None,
            entities: Vec::new(),
            quotes: Vec::new(),
            matches: Vec::new(),
        }
    }
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
