//! The reading room: what is known of a story so far, who said it first, who says it differently. Reads the journal
//! by way of the search index; stands in nobody's way.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::storyline::{Storyline, Told};
use crate::{
    article::Id,
    journal::{JournalError, Line, reader::Reader},
    search::{Filter, Hit, Search, SearchError},
};

pub mod drift;
pub mod storyline;

/// Most reports of one story that are read: the first, from which the rest follows.
const STORY_REPORTS_MAX: usize = 1_000;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Which stories there are: `[Listed]`.
    Stories(Filter),
    /// One story whole: a `Storyline`, or null.
    Story(Id),
}

/// A question cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum ReadingError {
    /// The search index fails.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The answer cannot be written as JSON.
    #[error("could not write an answer as JSON")]
    Json(#[from] serde_json::Error),
}

/// A story in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The story.
    pub id: Id,
    /// Headline of its first report.
    pub title: String,
    /// Arrival of its first and its last report, unix seconds.
    pub first: i64,
    /// See `first`.
    pub last: i64,
    /// How many outlets reported.
    pub outlets: usize,
    /// Its reports in order of arrival, each once.
    pub articles: Vec<ListedArticle>,
}

/// An article in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedArticle {
    /// The report.
    pub id: Id,
    /// The drop's own id.
    pub input_id: Option<String>,
}

/// Journal and index, open for reading.
pub struct Room {
    search: Search,
    journal: Reader,
}

impl Room {
    /// Opens journal and search index of a state directory, and brings the index to where the journal ends; `progress`
    /// is told bytes done and in all.
    ///
    /// # Errors
    /// When either cannot be read, or the index not be written.
    pub fn open(state_dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Self, ReadingError> {
        let journal = Reader::open(state_dir)?;
        let search = Search::open(state_dir)?;
        search.catch_up(&journal, progress)?;
        Ok(Self { search, journal })
    }

    /// The answer to a question, as JSON.
    ///
    /// # Errors
    /// When index or journal cannot be read.
    pub fn answer(&self, asked: &Asked) -> Result<Value, ReadingError> {
        Ok(match asked {
            Asked::Stories(filter) => serde_json::to_value(self.stories(filter)?)?,
            Asked::Story(id) => serde_json::to_value(self.story(*id)?)?,
        })
    }

    /// The stories that pass the filter, the one with the newest report first.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn stories(&self, filter: &Filter) -> Result<Vec<Listed>, ReadingError> {
        let mut stories: BTreeMap<Id, Vec<Hit>> = BTreeMap::new();
        for hit in self.search.hits(filter)? {
            stories.entry(hit.story).or_default().push(hit);
        }
        let mut listed: Vec<Listed> =
            stories.into_iter().filter_map(|(id, hits)| listed(id, &hits)).collect();
        listed.sort_by_key(|story| (std::cmp::Reverse(story.last), story.id));
        Ok(listed)
    }

    /// One story whole; none where no report belongs to it.
    ///
    /// # Errors
    /// When index or journal cannot be read.
    pub fn story(&self, id: Id) -> Result<Option<Storyline>, ReadingError> {
        let hits = self.search.hits(&Filter { story: Some(id), ..Filter::default() })?;
        let mut told = Vec::new();
        for hit in hits.iter().take(STORY_REPORTS_MAX) {
            match self.journal.read(hit.at) {
                Ok(Line::Article { article, decision, .. }) => told.push(Told { article, decision }),
                Ok(_) => {}
                Err(fault @ (JournalError::Damaged { .. } | JournalError::Forgotten { .. })) => {
                    tracing::warn!("{fault}; the story is shown without this report");
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        let left_out = hits.len().saturating_sub(STORY_REPORTS_MAX);
        Ok((!told.is_empty()).then(|| storyline::storyline(id, &told, left_out)))
    }
}

/// `hits` in order of arrival.
fn listed(id: Id, hits: &[Hit]) -> Option<Listed> {
    let (first, last) = (hits.first()?, hits.last()?);
    let mut articles: Vec<ListedArticle> = Vec::new();
    let mut outlets: Vec<&str> = Vec::new();
    for hit in hits {
        if !articles.iter().any(|known| known.id == hit.report) {
            articles.push(ListedArticle { id: hit.report, input_id: hit.input_id.clone() });
        }
        if !outlets.contains(&hit.outlet.as_str()) {
            outlets.push(&hit.outlet);
        }
    }
    Some(Listed {
        id,
        title: first.title.clone(),
        first: first.time,
        last: last.time,
        outlets: outlets.len(),
        articles,
    })
}
