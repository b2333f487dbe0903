//! What the page knows of the house that it shows.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use tokio::{
    sync::{Mutex, Semaphore, broadcast, mpsc, oneshot, watch},
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

use super::{guard::Hosts, live::Watcher, metrics::Counters};
use crate::{
    article::Alert,
    event::{Ask, Event, Question},
    health::Standing,
    reading::Room,
    source::feed,
};

/// How long an account of how things stand is good enough: however many ask, the pipeline is asked no more often.
const STATUS_FRESH: Duration = Duration::from_secs(3);
/// A pipeline that takes longer to say how it is doing is busy.
const STATUS_WAIT_MAX: Duration = Duration::from_secs(2);
/// While it is busy, an account as old as this will do.
const STATUS_OLD_MAX: Duration = Duration::from_secs(60);

/// Readers who watch for alerts at once.
const WATCHERS_MAX: usize = 32;

/// Feeds that the page tells of at one time: where there are more, it has parts.
pub(super) const FEEDS_PART: usize = 5_000;
/// Of these the pipeline is asked at one time.
const FEEDS_AT_ONCE: usize = 250;
/// What is known of the feeds is good enough for so long.
const FEEDS_FRESH: Duration = Duration::from_secs(10);

/// What the page needs.
pub struct House {
    /// What is stored.
    pub(super) room: Arc<Room>,
    pub(super) hosts: Hosts,
    door: mpsc::Sender<Event>,
    heard: broadcast::Sender<Arc<Alert>>,
    /// As the config has them.
    feeds: watch::Receiver<Arc<[Standing]>>,
    /// Parts that stand still.
    pub(super) stuck: watch::Receiver<Vec<&'static str>>,
    pub(super) started: Timestamp,
    pub(super) counters: Counters,
    watchers: Arc<Semaphore>,
    /// Locked while the pipeline is asked, so that one asks for all.
    status: Mutex<Option<Answered<Value>>>,
    /// The same of a part of the feeds, the one that was asked for last.
    standing: Mutex<Option<(usize, Answered<[Standing]>)>>,
}

impl House {
    /// `door` leads to the pipeline, `heard` gives the alerts as they come.
    pub fn new(
        room: Arc<Room>,
        hosts: Hosts,
        door: mpsc::Sender<Event>,
        heard: broadcast::Sender<Arc<Alert>>,
        feeds: watch::Receiver<Arc<[Standing]>>,
        stuck: watch::Receiver<Vec<&'static str>>,
    ) -> Self {
        Self {
            room,
            hosts,
            door,
            heard,
            feeds,
            stuck,
            started: Timestamp::now(),
            counters: Counters::default(),
            watchers: Arc::new(Semaphore::new(WATCHERS_MAX)),
            status: Mutex::new(None),
            standing: Mutex::new(None),
        }
    }

    /// How things stand; none where the pipeline has not said so for long.
    pub(super) async fn status(&self) -> Option<Arc<Value>> {
        let mut known = self.status.lock().await;
        if let Some(status) = younger(known.as_ref(), STATUS_FRESH) {
            return Some(status);
        }
        match self.ask(Question::Status).await {
            Some(status) => {
                let status = Arc::new(status);
                *known = Some((Instant::now(), Arc::clone(&status)));
                Some(status)
            }
            None => younger(known.as_ref(), STATUS_OLD_MAX),
        }
    }

    /// Asks only where the door is free: news goes before questions.
    async fn ask(&self, question: Question) -> Option<Value> {
        let (answer, waiting) = oneshot::channel();
        self.door.try_send(Event::Ask(Ask { question, answer })).ok()?;
        time::timeout(STATUS_WAIT_MAX, waiting).await.ok()?.ok()
    }

    /// How many feeds the config has.
    pub(super) fn feeds_in_all(&self) -> usize {
        self.feeds.borrow().len()
    }

    /// How the feeds of a part are doing, the first part being 0; none where the pipeline has not said so for long.
    pub(super) async fn feeds(&self, part: usize) -> Option<Arc<[Standing]>> {
        let mut known = self.standing.lock().await;
        let of_part = known.as_ref().filter(|(known, _)| *known == part).map(|(_, standing)| standing);
        if let Some(standing) = younger(of_part, FEEDS_FRESH) {
            return Some(standing);
        }
        match self.ask_of_feeds(part).await {
            Some(standing) => {
                let standing: Arc<[Standing]> = standing.into();
                *known = Some((part, (Instant::now(), Arc::clone(&standing))));
                Some(standing)
            }
            None => younger(of_part, STATUS_OLD_MAX),
        }
    }

    async fn ask_of_feeds(&self, part: usize) -> Option<Vec<Standing>> {
        let feeds = Arc::clone(&self.feeds.borrow());
        let of_part = feeds.chunks(FEEDS_PART).nth(part).unwrap_or_default();
        let mut standing = Vec::with_capacity(of_part.len());
        for some in of_part.chunks(FEEDS_AT_ONCE) {
            let keys = some.iter().map(|feed| format!("{}{}", feed::KEY_PREFIX, feed.url)).collect();
            let states = self.ask(Question::Checkpoints(keys)).await?;
            let states: Vec<Option<String>> = serde_json::from_value(states).ok()?;
            let told = some.iter().zip(states).map(|(feed, state)| Standing { state, ..feed.clone() });
            standing.extend(told);
        }
        Some(standing)
    }

    /// One more who watches, if there is a place.
    pub(super) fn watch(&self, stop: CancellationToken) -> Option<Watcher> {
        let place = Arc::clone(&self.watchers).try_acquire_owned().ok()?;
        Some(Watcher::new(self.heard.subscribe(), place, stop))
    }

    pub(super) fn watching(&self) -> usize {
        WATCHERS_MAX - self.watchers.available_permits()
    }
}

/// What was answered, and when.
type Answered<T> = (Instant, Arc<T>);

fn younger<T: ?Sized>(known: Option<&Answered<T>>, limit: Duration) -> Option<Arc<T>> {
    known.filter(|(at, _)| at.elapsed() < limit).map(|(_, told)| Arc::clone(told))
}
