//! What the page knows of the house that it shows.

use std::{pin::Pin, sync::Arc, time::Duration};

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
};

/// How long an account of how things stand is good enough: however many ask, the pipeline is asked no more often.
const STATUS_FRESH: Duration = Duration::from_secs(3);
/// A pipeline that takes longer to say how it is doing is busy.
const STATUS_WAIT_MAX: Duration = Duration::from_secs(2);
/// While it is busy, an account as old as this will do.
const STATUS_OLD_MAX: Duration = Duration::from_secs(60);

/// Readers who watch for alerts at once.
const WATCHERS_MAX: usize = 32;

/// Asks how the feeds of the config are doing.
pub type FeedsOf = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Option<Vec<Standing>>> + Send>> + Send + Sync>;

/// How the feeds are doing, and since when that is known.
type KnownFeeds = Option<(Instant, Arc<Vec<Standing>>)>;

/// What the page needs.
pub struct House {
    /// What is stored.
    pub(super) room: Arc<Room>,
    pub(super) hosts: Hosts,
    door: mpsc::Sender<Event>,
    heard: broadcast::Sender<Arc<Alert>>,
    feeds_of: FeedsOf,
    /// Parts that stand still.
    pub(super) stuck: watch::Receiver<Vec<&'static str>>,
    pub(super) started: Timestamp,
    pub(super) counters: Counters,
    watchers: Arc<Semaphore>,
    /// Locked while the pipeline is asked, so that one asks for all.
    status: Mutex<Option<(Instant, Arc<Value>)>>,
    feeds: Mutex<KnownFeeds>,
}

impl House {
    /// `door` leads to the pipeline, `heard` gives the alerts as they come.
    pub fn new(
        room: Arc<Room>,
        hosts: Hosts,
        door: mpsc::Sender<Event>,
        heard: broadcast::Sender<Arc<Alert>>,
        feeds_of: FeedsOf,
        stuck: watch::Receiver<Vec<&'static str>>,
    ) -> Self {
        Self {
            room,
            hosts,
            door,
            heard,
            feeds_of,
            stuck,
            started: Timestamp::now(),
            counters: Counters::default(),
            watchers: Arc::new(Semaphore::new(WATCHERS_MAX)),
            status: Mutex::new(None),
            feeds: Mutex::new(None),
        }
    }

    /// How things stand; none where the pipeline has not said so for long.
    pub(super) async fn status(&self) -> Option<Arc<Value>> {
        let mut known = self.status.lock().await;
        if let Some(status) = younger(known.as_ref(), STATUS_FRESH) {
            return Some(status);
        }
        match self.ask().await {
            Some(status) => {
                let status = Arc::new(status);
                *known = Some((Instant::now(), Arc::clone(&status)));
                Some(status)
            }
            None => younger(known.as_ref(), STATUS_OLD_MAX),
        }
    }

    /// Asks only where the door is free: news goes before questions.
    async fn ask(&self) -> Option<Value> {
        let (answer, waiting) = oneshot::channel();
        self.door.try_send(Event::Ask(Ask { question: Question::Status, answer })).ok()?;
        time::timeout(STATUS_WAIT_MAX, waiting).await.ok()?.ok()
    }

    /// The feeds of the config; none where the pipeline has not said for long how they are doing.
    pub(super) async fn feeds(&self) -> Option<Arc<Vec<Standing>>> {
        let mut known = self.feeds.lock().await;
        if let Some(feeds) = younger(known.as_ref(), STATUS_FRESH) {
            return Some(feeds);
        }
        match time::timeout(STATUS_WAIT_MAX, (self.feeds_of)()).await.ok().flatten() {
            Some(feeds) => {
                let feeds = Arc::new(feeds);
                *known = Some((Instant::now(), Arc::clone(&feeds)));
                Some(feeds)
            }
            None => younger(known.as_ref(), STATUS_OLD_MAX),
        }
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

fn younger<T>(known: Option<&(Instant, Arc<T>)>, limit: Duration) -> Option<Arc<T>> {
    known.filter(|(at, _)| at.elapsed() < limit).map(|(_, status)| Arc::clone(status))
}
