//! The reading room: what is known of a story so far, who said it first, who says it differently, and where a word
//! stands. Reads the journal by way of the search index; stands in nobody's way.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock, TryLockError},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::{
    found::Search,
    storyline::{Storyline, Told},
};
use crate::{
    article::{Alert, Article, Decision, Id},
    caught::caught,
    journal::{JournalError, Line, reader::Reader},
    search::{self, Filter, Hit, SearchError, Shown, Snapshot},
};

pub mod atom;
pub mod cast;
pub mod drift;
pub mod export;
pub mod found;
pub mod markdown;
mod overview;
mod snippet;
pub mod storyline;
pub mod wording;

/// Of a long story, reports and revisions that are read: how it began, and how it stands now. Nobody reads all of them,
/// and who looks at a story waits for it.
const STORY_ENDS: Ends = Ends { first: 60, last: 140 };
/// The same for who takes it away.
const EXPORT_ENDS: Ends = Ends { first: 1_000, last: 4_000 };

/// For an answer that is not waited for longer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Stories that are kept as they were drawn.
const DRAWN_MAX: usize = 24;

/// A story that took so long to draw is shown as it was for this many times as long.
const LONG: Duration = Duration::from_millis(50);
/// See `LONG`.
const REST: u32 = 20;

/// Alerts that are told of one round of indexing; of more, the last.
const TOLD_MAX: usize = 256;

/// Between two tries to be the one who takes in what is new.
const TRY_EVERY: Duration = Duration::from_millis(20);

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Which stories there are: `[Listed]`.
    Stories(Filter),
    /// One story, of a long one both ends: a `Storyline`, or null.
    Story(Id),
    /// The same with far more of a long one.
    LongStory(Id),
    /// The latest alerts, the newest first, of one topic or of all: `[Alert]`.
    Alerts {
        /// Its name.
        topic: Option<String>,
        /// How many.
        count: usize,
    },
    /// Which reports hold some words: a `Found`.
    Search(Search),
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
    /// A fault of the program; its last words are in the log.
    #[error("answering failed by a fault of the program")]
    Panicked,
    /// The query cannot be read.
    #[error("the query is not understood: {0}")]
    Query(String),
}

impl ReadingError {
    /// Whether the index is at fault, so that one that is built again may answer.
    fn is_of_index(&self) -> bool {
        matches!(self, Self::Search(SearchError::Index { .. }) | Self::Panicked)
    }
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

/// Journal and index, open for reading. One process has one; it is shared.
pub struct Room {
    state_dir: PathBuf,
    /// Locked by the one who writes the index, so that others can wait for what is written.
    search: Mutex<search::Search>,
    /// Locked for the moment in which it is exchanged or taken; those who took it read on in theirs.
    view: RwLock<Arc<View>>,
    drawn: Arc<Drawn>,
}

/// Journal and index as they stood at one moment.
pub struct View {
    journal: Reader,
    index: Snapshot,
    drawn: Arc<Drawn>,
}

/// How much of a long story is read.
#[derive(Clone, Copy)]
struct Ends {
    first: usize,
    last: usize,
}

/// Stories that were drawn lately: a long one takes a while. Locked to look and to add.
#[derive(Default)]
struct Drawn(Mutex<VecDeque<OneDrawn>>);

struct OneDrawn {
    story: Arc<Storyline>,
    /// Of how many hits it was made, and the last one.
    made_of: (usize, Option<Hit>),
    at: Instant,
    took: Duration,
}

impl Drawn {
    fn get(&self, id: Id, hits: &[Hit]) -> Option<Arc<Storyline>> {
        let drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = drawn.iter().find(|one| one.story.id == id)?;
        let same = one.made_of == (hits.len(), hits.last().copied());
        // However many look at it, no more than a small share of the time goes into a story that grows.
        let good_enough = one.took >= LONG && one.at.elapsed() < one.took * REST;
        (same || good_enough).then(|| Arc::clone(&one.story))
    }

    fn add(&self, hits: &[Hit], began: Instant, story: &Arc<Storyline>) {
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drawn.retain(|one| one.story.id != story.id);
        if drawn.len() >= DRAWN_MAX {
            drawn.pop_front();
        }
        drawn.push_back(OneDrawn {
            story: Arc::clone(story),
            made_of: (hits.len(), hits.last().copied()),
            at: Instant::now(),
            took: began.elapsed(),
        });
    }
}

impl Room {
    /// Opens journal and search index of a state directory as they are; in place of an index that is damaged an empty
    /// one.
    ///
    /// # Errors
    /// When either cannot be read.
    pub fn open(state_dir: &Path) -> Result<Self, ReadingError> {
        // A damaged file may show itself as a panic in the midst of the index.
        match caught(|| Self::open_as_it_is(state_dir)) {
            Ok(Err(fault)) if !fault.is_of_index() => Err(fault),
            Ok(Ok(room)) => Ok(room),
            Ok(Err(_)) | Err(_) => {
                tracing::warn!("the search index is damaged: it is built again");
                search::Search::discard(state_dir)?;
                Self::open_as_it_is(state_dir)
            }
        }
    }

    fn open_as_it_is(state_dir: &Path) -> Result<Self, ReadingError> {
        let journal = Reader::open(state_dir)?;
        let search = search::Search::open(state_dir)?;
        let index = search.snapshot()?;
        let drawn: Arc<Drawn> = Arc::default();
        Ok(Self {
            state_dir: state_dir.to_owned(),
            search: Mutex::new(search),
            view: RwLock::new(Arc::new(View { journal, index, drawn: Arc::clone(&drawn) })),
            drawn,
        })
    }

    /// Opens them, and takes in what the index lacks; `progress` is told bytes done and in all.
    ///
    /// # Errors
    /// When the journal cannot be read, or the index not be written.
    pub fn open_whole(state_dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Self, ReadingError> {
        let room = Self::open(state_dir)?;
        match room.catch_up(progress, &mut |_| {}) {
            Err(fault) if fault.is_of_index() && room.view().is_damaged() => {
                room.begin_again()?;
                room.catch_up(progress, &mut |_| {})?;
            }
            done => done?,
        }
        Ok(room)
    }

    /// Takes in what was committed since; `heard` is given each alert of it.
    ///
    /// # Errors
    /// When journal or index fail.
    pub fn catch_up(
        &self,
        progress: &mut dyn FnMut(u64, u64),
        heard: &mut dyn FnMut(Alert),
    ) -> Result<(), ReadingError> {
        let search = self.search.lock().unwrap_or_else(PoisonError::into_inner);
        self.take_in(&search, progress, heard)
    }

    /// The same, but waits no longer than `patience` for another who is at it.
    ///
    /// # Errors
    /// When journal or index fail.
    pub fn catch_up_within(&self, patience: Duration) -> Result<(), ReadingError> {
        let until = Instant::now() + patience;
        while Instant::now() < until {
            match self.search.try_lock() {
                Ok(search) => return self.take_in(&search, &mut |_, _| {}, &mut |_| {}),
                Err(TryLockError::Poisoned(poisoned)) => {
                    return self.take_in(&poisoned.into_inner(), &mut |_, _| {}, &mut |_| {});
                }
                Err(TryLockError::WouldBlock) => thread::sleep(TRY_EVERY),
            }
        }
        Ok(())
    }

    fn take_in(
        &self,
        search: &search::Search,
        progress: &mut dyn FnMut(u64, u64),
        heard: &mut dyn FnMut(Alert),
    ) -> Result<(), ReadingError> {
        let journal = Reader::open(&self.state_dir)?;
        if self.view().index.position() == journal.end() {
            return Ok(());
        }
        let mut shown = Ok(());
        let mut told = VecDeque::new();
        let taken = caught(|| {
            search.catch_up(&journal, progress, &mut |alert| {
                if told.len() == TOLD_MAX {
                    told.pop_front();
                }
                told.push_back(alert);
            })
        });
        // What was committed before a fault is shown all the same.
        match search.snapshot() {
            Ok(index) => {
                *self.view.write().unwrap_or_else(PoisonError::into_inner) =
                    Arc::new(View { journal, index, drawn: Arc::clone(&self.drawn) });
            }
            Err(fault) => shown = Err(fault),
        }
        // Told only now, so that who looks for what was told before finds it.
        told.into_iter().for_each(heard);
        taken.map_err(|_| ReadingError::Panicked)??;
        Ok(shown?)
    }

    /// Throws away an index that is damaged, and begins an empty one.
    ///
    /// # Errors
    /// When it cannot be removed or made.
    pub fn begin_again(&self) -> Result<(), ReadingError> {
        let mut search = self.search.lock().unwrap_or_else(PoisonError::into_inner);
        search::Search::discard(&self.state_dir)?;
        *search = search::Search::open(&self.state_dir)?;
        let drawn = Arc::clone(&self.drawn);
        let view = View { journal: Reader::open(&self.state_dir)?, index: search.snapshot()?, drawn };
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
        Ok(())
    }

    /// Asks what is known now. Where the index turns out to be damaged it is built again, and asked again.
    ///
    /// # Errors
    /// What the question fails by.
    pub fn ask<T>(&self, question: impl Fn(&View) -> Result<T, ReadingError>) -> Result<T, ReadingError> {
        let view = self.view();
        // A damaged file may show itself as a panic in the midst of the index.
        let asked = caught(|| question(&view));
        let of_index =
            asked.as_ref().map_or(true, |asked| asked.as_ref().is_err_and(ReadingError::is_of_index));
        if of_index && view.index.is_damaged() {
            tracing::warn!("the search index is damaged: it is built again");
            self.begin_again()?;
            self.catch_up(&mut |_, _| {}, &mut |_| {})?;
            return question(&self.view());
        }
        asked.unwrap_or(Err(ReadingError::Panicked))
    }

    /// What is known now.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl View {
    /// Whether the index is not as it was written; reads all of it.
    pub fn is_damaged(&self) -> bool {
        self.index.is_damaged()
    }

    /// The answer to a question, as JSON.
    ///
    /// # Errors
    /// When index or journal cannot be read.
    pub fn answer(&self, asked: &Asked) -> Result<Value, ReadingError> {
        Ok(match asked {
            Asked::Stories(filter) => serde_json::to_value(self.stories(filter)?)?,
            Asked::Story(id) => serde_json::to_value(self.story(*id)?.as_deref())?,
            Asked::LongStory(id) => serde_json::to_value(self.draw(*id, &self.hits(*id)?, EXPORT_ENDS)?)?,
            Asked::Alerts { topic, count } => {
                let deadline = Instant::now() + ANSWER_MAX;
                serde_json::to_value(self.alerts(topic.as_deref(), None, *count, deadline)?)?
            }
            Asked::Search(search) => serde_json::to_value(self.search(search)?)?,
        })
    }

    /// The stories that pass the filter, the one with the newest report first.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn stories(&self, filter: &Filter) -> Result<Vec<Listed>, ReadingError> {
        let mut stories: BTreeMap<Id, Vec<Shown>> = BTreeMap::new();
        for shown in self.index.shown(filter, None)? {
            stories.entry(shown.hit.story).or_default().push(shown);
        }
        let mut listed: Vec<Listed> =
            stories.into_iter().filter_map(|(id, hits)| listed(id, &hits)).collect();
        listed.sort_by_key(|story| (std::cmp::Reverse(story.last), story.id));
        Ok(listed)
    }

    /// One story, of a long one both ends; none where no report belongs to it.
    ///
    /// # Errors
    /// When index or journal cannot be read.
    pub fn story(&self, id: Id) -> Result<Option<Arc<Storyline>>, ReadingError> {
        let hits = self.hits(id)?;
        if let Some(story) = self.drawn.get(id, &hits) {
            return Ok(Some(story));
        }
        let began = Instant::now();
        let story = self.draw(id, &hits, STORY_ENDS)?.map(Arc::new);
        if let Some(story) = &story {
            self.drawn.add(&hits, began, story);
        }
        Ok(story)
    }

    /// Of every revision of a story's reports.
    fn hits(&self, story: Id) -> Result<Vec<Hit>, ReadingError> {
        Ok(self.index.hits(&Filter { story: Some(story), ..Filter::default() }, None)?)
    }

    fn draw(&self, id: Id, hits: &[Hit], ends: Ends) -> Result<Option<Storyline>, ReadingError> {
        let from = ends.first.min(hits.len());
        let last = hits.len().saturating_sub(ends.last).max(from);
        let (first, last) = (hits.get(..from), hits.get(last..));
        let (first, last) = (self.told(first.unwrap_or_default())?, self.told(last.unwrap_or_default())?);
        if first.is_empty() && last.is_empty() {
            return Ok(None);
        }
        let left_out = hits.len().saturating_sub(ends.first + ends.last);
        Ok(Some(storyline::storyline(id, &first, left_out, &last)))
    }

    fn told(&self, hits: &[Hit]) -> Result<Vec<Told>, ReadingError> {
        let mut told = Vec::with_capacity(hits.len());
        for hit in hits {
            if let Some((article, decision, _)) = self.read(hit)? {
                told.push(Told { article, decision });
            }
        }
        Ok(told)
    }

    /// What the journal has of a hit; none where that is damaged, or another's by now.
    fn read(&self, hit: &Hit) -> Result<Option<(Article, Decision, Vec<Alert>)>, ReadingError> {
        match self.journal.read(hit.at) {
            Ok(Line::Article { article, decision, alerts, .. }) => {
                let same = decision.article.id.report == hit.report;
                Ok(same.then_some((article, decision, alerts)))
            }
            Ok(_) => Ok(None),
            Err(fault @ (JournalError::Damaged { .. } | JournalError::Forgotten { .. })) => {
                tracing::warn!("{fault}; shown without this report");
                Ok(None)
            }
            Err(fault) => Err(fault.into()),
        }
    }
}

/// `hits` in order of arrival.
fn listed(id: Id, hits: &[Shown]) -> Option<Listed> {
    let (first, last) = (hits.first()?, hits.last()?);
    let mut articles: Vec<ListedArticle> = Vec::new();
    let mut known = std::collections::HashSet::new();
    let mut outlets = std::collections::HashSet::new();
    for shown in hits {
        if known.insert(shown.hit.report) {
            articles.push(ListedArticle { id: shown.hit.report, input_id: shown.input_id.clone() });
        }
        outlets.insert(shown.outlet.as_str());
    }
    Some(Listed {
        id,
        title: first.title.clone(),
        first: first.hit.time,
        last: last.hit.time,
        outlets: outlets.len(),
        articles,
    })
}
