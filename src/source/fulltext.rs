//! The full text of feeds' items: stands between the schedule of feeds and the door, keeps back what waits for its page,
//! asks for pages as politely as for feeds, and joins what comes. What waits is a checkpoint of the commit that the
//! feed's answer is, so that a crash loses nothing.

mod fit;
mod item;
mod lines;
mod parcel;
mod robots;
mod visit;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

use self::{
    item::{Item, Key, Waiting, feed_of, item_of, joined, said, wants_page},
    lines::Lines,
    robots::Robots,
    visit::{Came, Tools, Wanted, visit},
};
pub use self::{
    item::{KEY_PREFIX, Known},
    parcel::Parcel,
};
use super::{
    FeedSpec,
    feed::Specs,
    fetch::{Failure, Fetcher},
    net,
    send::{BEAT, Closed, Way},
    turns::{Turns, host_of},
};
use crate::{
    article::{Article, Checkpoint, Found, Id, Occasion},
    event::{Event, FullText},
    failpoint,
    pulse::Pulse,
};

/// Parcels that wait; then the schedule of feeds waits.
pub const PARCELS_MAX: usize = 16;

/// Requests for pages under way.
const IN_FLIGHT_MAX: usize = 16;

/// Items that wait for their page, and the bytes of their teasers; what is beyond it is decided as the feed gives it.
const WAITING_MAX: usize = 5000;
const WAITING_BYTES_MAX: usize = 32 << 20;

/// Items that are remembered, so that no page is asked for twice.
const ITEMS_MAX: usize = 200_000;

/// One that its feed has not had for so long is forgotten.
const UNLISTED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Requests for one page that may come to nothing.
const TRIES_MAX: u32 = 4;

/// After the first of them the page is asked for again in so long, then each time later by this factor.
#[cfg(not(test))]
const RETRY: Duration = Duration::from_secs(60);
#[cfg(test)]
const RETRY: Duration = Duration::from_millis(10);
const RETRY_FACTOR: u32 = 5;
const RETRY_MAX: Duration = Duration::from_secs(6 * 3600);

/// So many changed items in one answer, and that part of all its known ones, are no news but another form.
const REKEYED_MIN: usize = 5;
const REKEYED_PERCENT: usize = 80;

/// Reasons that were told already; more are told again.
const TOLD_MAX: usize = 1000;

/// What it begins with.
pub struct Beginning {
    /// Asks for pages; the feeds' own.
    pub fetcher: Arc<Fetcher>,
    /// When hosts may be asked; the feeds' own.
    pub turns: Arc<Turns>,
    /// So long an item waits for its page.
    pub page_wait: Duration,
    /// What is remembered of items.
    pub known: Known,
    /// What feeds bring.
    pub parcels: mpsc::Receiver<Parcel>,
}

/// Passes on what feeds bring, until it is told to stop or the door closes.
pub async fn run(
    mut feeds: watch::Receiver<Specs>,
    beginning: Beginning,
    door: mpsc::Sender<Event>,
    pulse: Pulse,
    stop: CancellationToken,
) {
    let Beginning { fetcher, turns, page_wait, known, mut parcels } = beginning;
    let way = Way { door, pulse, stop };
    let mut desk = Desk::new(Tools { fetcher, turns, robots: Robots::default() }, page_wait, known);
    let specs = feeds.borrow_and_update().clone();
    if desk.adjust(&specs, &way).await.is_err() {
        return;
    }
    let (mut fed, mut watched) = (true, true);
    while !way.stop.is_cancelled() {
        way.pulse.beat();
        failpoint::pass("pages");
        let wake = desk.start_due().min(desk.next_deadline()).min(Instant::now() + BEAT);
        let done = tokio::select! {
            biased;
            () = way.stop.cancelled() => break,
            Some(done) = desk.in_flight.join_next() => match done {
                Ok((wanted, came)) => desk.take(wanted, came, &way).await,
                Err(error) => {
                    tracing::error!(%error, "a visit to a page broke down");
                    desk.recover();
                    Ok(())
                }
            },
            parcel = parcels.recv(), if fed => {
                fed = parcel.is_some();
                desk.pass_on(parcel, &way).await
            }
            changed = feeds.changed(), if watched => {
                watched = changed.is_ok();
                let specs = feeds.borrow_and_update().clone();
                desk.adjust(&specs, &way).await
            }
            () = time::sleep_until(wake) => Ok(()),
        };
        if done.is_err() || desk.tell_overdue(&way).await.is_err() {
            break;
        }
    }
}

struct Desk {
    tools: Arc<Tools>,
    page_wait: SignedDuration,
    feeds: HashMap<Id, Arc<FeedSpec>>,
    items: Known,
    lines: Lines,
    /// What is not decided yet, by when it is.
    deadlines: BTreeSet<(Timestamp, Key)>,
    /// What is tried again, by when.
    retries: BTreeSet<(Instant, Key)>,
    in_flight: JoinSet<(Wanted, Came)>,
    /// Items that wait, and the bytes of their teasers.
    waiting: (usize, usize),
    /// Feed and reason of what was told.
    reasons: HashSet<(Id, String)>,
}

impl Desk {
    fn new(tools: Tools, page_wait: Duration, known: Known) -> Self {
        let mut desk = Self {
            tools: Arc::new(tools),
            page_wait: SignedDuration::try_from(page_wait).unwrap_or_default(),
            feeds: HashMap::new(),
            items: known,
            lines: Lines::default(),
            deadlines: BTreeSet::new(),
            retries: BTreeSet::new(),
            in_flight: JoinSet::new(),
            waiting: (0, 0),
            reasons: HashSet::new(),
        };
        let now = Timestamp::now();
        let mut waiting = Vec::new();
        for (key, item) in &mut desk.items.0 {
            item.listed = now;
            if let Some(one) = &item.waiting {
                waiting.push((*key, one.article.url.clone().unwrap_or_default(), one.told, one.until));
                desk.waiting.0 += 1;
                desk.waiting.1 += weight(&one.article);
            }
        }
        for (key, url, told, until) in waiting {
            desk.lines.push(host_of(&url), key, told, Instant::now());
            if !told {
                desk.deadlines.insert((until, key));
            }
        }
        desk
    }

    /// Takes in a new list of feeds. Of those that went, or want no pages any more, what waits is decided as it is, and
    /// all is forgotten.
    async fn adjust(&mut self, specs: &Specs, way: &Way) -> Result<(), Closed> {
        let wanting = specs.iter().filter(|spec| spec.full_text != FullText::Never);
        self.feeds = wanting.map(|spec| (feed_of(&spec.url), Arc::clone(spec))).collect();
        let strange = |(feed, _): &Key| !self.feeds.contains_key(feed);
        let strangers: Vec<Key> = self.items.0.keys().copied().filter(strange).collect();
        let (mut found, mut gone) = (Vec::new(), Vec::new());
        for key in strangers {
            found.extend(self.forget(key).map(Found::Article));
            gone.push(item::gone(key));
        }
        if gone.is_empty() { Ok(()) } else { way.deliver_in_parts(found, gone, None).await }
    }

    /// Takes an item out of memory; gives its teaser, if that is not decided yet.
    fn forget(&mut self, key: Key) -> Option<Article> {
        let Item { waiting, .. } = self.items.0.remove(&key)?;
        let waiting = waiting?;
        self.uncount(&waiting.article);
        self.deadlines.remove(&(waiting.until, key));
        (!waiting.told).then_some(waiting.article)
    }

    fn uncount(&mut self, article: &Article) {
        self.waiting.0 = self.waiting.0.saturating_sub(1);
        self.waiting.1 = self.waiting.1.saturating_sub(weight(article));
    }

    /// Passes on what needs no page, together with what remembers the rest.
    async fn pass_on(&mut self, parcel: Option<Parcel>, way: &Way) -> Result<(), Closed> {
        let Some(parcel) = parcel else { return Ok(()) };
        let Parcel { spec, configured, found, checkpoint, receipt } = parcel;
        let (feed, now) = (feed_of(&configured), Timestamp::now());
        // it may be newer than the list that was last taken in
        self.feeds
            .entry(feed)
            .or_insert_with(|| Arc::new(FeedSpec { url: configured.clone(), ..FeedSpec::clone(&spec) }));
        let mut checkpoints = Vec::new();
        let wanted = self.sort(found, feed, spec.full_text);
        let mut free = wanted.free;
        let rekeyed = wanted.changed >= REKEYED_MIN
            && wanted.changed * 100 >= (wanted.changed + wanted.known) * REKEYED_PERCENT;
        for (key, mut article) in wanted.pages {
            if rekeyed && self.items.0.contains_key(&key) {
                article.occasion = Occasion::Rekeyed;
            }
            match self.keep_back(key, article, now) {
                Ok(kept) => checkpoints.push(kept),
                Err(article) => free.push(Found::Article(*article)),
            }
        }
        checkpoints.extend(self.forget_unlisted(feed, now));
        // the feed has come so far once all of it is kept
        checkpoints.push(checkpoint);
        way.deliver_in_parts(free, checkpoints, receipt).await
    }

    /// Tells what wants its page from what does not, and from what is known.
    fn sort(&mut self, found: Vec<Found>, feed: Id, full_text: FullText) -> Sorted {
        let mut addresses: HashMap<Id, usize> = HashMap::new();
        for one in &found {
            if let Found::Article(Article { url: Some(url), .. }) = one {
                *addresses.entry(item_of(url)).or_default() += 1;
            }
        }
        let (mut sorted, now) = (Sorted::default(), Timestamp::now());
        for one in found {
            let Found::Article(article) = one else {
                sorted.free.push(one);
                continue;
            };
            let id = article.url.as_deref().map(item_of);
            // items that all lead to one page have no page of their own
            let alone = id.filter(|id| addresses.get(id) == Some(&1));
            let Some(id) = alone.filter(|_| wants_page(&article, full_text)) else {
                sorted.free.push(Found::Article(article));
                continue;
            };
            match self.items.0.get_mut(&(feed, id)) {
                Some(item) if item.said == said(&article) => {
                    item.listed = now;
                    sorted.known += 1;
                    continue;
                }
                Some(_) => sorted.changed += 1,
                None => {}
            }
            sorted.pages.push(((feed, id), article));
        }
        sorted
    }

    /// Keeps an item back until its page comes; gives it back where too many wait.
    fn keep_back(&mut self, key: Key, article: Article, now: Timestamp) -> Result<Checkpoint, Box<Article>> {
        let host = host_of(article.url.as_deref().unwrap_or_default());
        let is_full = self.waiting.0 >= WAITING_MAX
            || self.waiting.1 + weight(&article) > WAITING_BYTES_MAX
            || self.items.0.len() >= ITEMS_MAX
            || !self.lines.has_room(host);
        let before = self.items.0.get(&key);
        let in_line = before.is_some_and(|item| item.waiting.is_some());
        if is_full && !in_line {
            return Err(Box::new(article));
        }
        let (etag, last_modified) =
            before.map(|item| (item.etag.clone(), item.last_modified.clone())).unwrap_or_default();
        self.forget(key);
        let until = now.checked_add(self.page_wait).unwrap_or(now);
        self.waiting.0 += 1;
        self.waiting.1 += weight(&article);
        self.deadlines.insert((until, key));
        let said = said(&article);
        let waiting = Some(Box::new(Waiting { article, until, told: false, tries: 0 }));
        let item = Item { said, etag, last_modified, waiting, listed: now };
        let kept = item.checkpoint(key);
        self.items.0.insert(key, item);
        if !in_line {
            self.lines.push(host, key, false, Instant::now());
        }
        Ok(kept)
    }

    /// Forgets what a feed has not had for long.
    fn forget_unlisted(&mut self, feed: Id, now: Timestamp) -> Vec<Checkpoint> {
        let since = now.checked_sub(UNLISTED).unwrap_or(Timestamp::MIN);
        let of_feed = self.items.0.range((feed, Id(0))..=(feed, Id(u64::MAX)));
        let old = of_feed.filter(|(_, item)| item.listed < since && item.waiting.is_none());
        let old: Vec<Key> = old.map(|(key, _)| *key).collect();
        for key in &old {
            self.items.0.remove(key);
        }
        old.into_iter().map(item::gone).collect()
    }

    /// Starts the visits whose turn it is; tells when to look again.
    fn start_due(&mut self) -> Instant {
        let now = Instant::now();
        while let Some((at, key)) = self.retries.first().copied().filter(|(at, _)| *at <= now) {
            self.retries.remove(&(at, key));
            if let Some(waiting) = self.items.0.get(&key).and_then(|item| item.waiting.as_ref()) {
                let host = host_of(waiting.article.url.as_deref().unwrap_or_default());
                self.lines.push(host, key, waiting.told, now);
            }
        }
        let retry = self.retries.first().map_or(now + BEAT, |(at, _)| *at);
        while self.in_flight.len() < IN_FLIGHT_MAX {
            match self.lines.next(&self.tools.turns, now) {
                Ok((host, key)) => self.start(host, key),
                Err(later) => return later.map_or(retry, |later| later.min(retry)),
            }
        }
        // an answer wakes the loop
        retry
    }

    fn start(&mut self, host: Id, key: Key) {
        let (Some(item), Some(spec)) = (self.items.0.get(&key), self.feeds.get(&key.0)) else {
            self.lines.done(host, Instant::now());
            return;
        };
        let Some(waiting) = &item.waiting else {
            self.lines.done(host, Instant::now());
            return;
        };
        let wanted = Wanted {
            key,
            host,
            article: waiting.article.clone(),
            configured: spec.url.clone(),
            credentials: spec.credentials.clone(),
            etag: item.etag.clone(),
            last_modified: item.last_modified.clone(),
        };
        let tools = Arc::clone(&self.tools);
        self.in_flight.spawn(async move {
            let came = visit(&tools, &wanted).await;
            (wanted, came)
        });
    }

    /// Joins what a visit brought.
    async fn take(&mut self, wanted: Wanted, came: Came, way: &Way) -> Result<(), Closed> {
        let Wanted { key, host, article: asked, configured, .. } = wanted;
        self.lines.done(host, Instant::now());
        let Some(item) = self.items.0.get_mut(&key) else { return Ok(()) };
        let Some(waiting) = &mut item.waiting else { return Ok(()) };
        if said(&asked) != item.said {
            // the feed has changed it meanwhile
            self.lines.push(host, key, waiting.told, Instant::now());
            return Ok(());
        }
        let (validity, whole) = match came {
            Came::Later(failure) if waiting.tries + 1 < TRIES_MAX => {
                waiting.tries += 1;
                let again = Instant::now() + retry_after(&failure, waiting.tries);
                self.retries.insert((again, key));
                return Ok(());
            }
            Came::Whole(page, validity) => (Some(validity), Ok(Some(page))),
            Came::Unchanged => (None, Ok(None)),
            Came::Nothing(reason) => (None, Err(reason)),
            Came::Later(failure) => (None, Err(failure.reason)),
        };
        let Some(waiting) = item.waiting.take() else { return Ok(()) };
        item.settle(validity);
        let checkpoint = item.checkpoint(key);
        self.deadlines.remove(&(waiting.until, key));
        self.uncount(&waiting.article);
        let Waiting { article, told, .. } = *waiting;
        let found = match whole {
            Ok(Some(page)) => Some(joined(article, *page, Timestamp::now())),
            // its text stands as it was
            Ok(None) => None,
            Err(reason) => {
                self.tell_reason(key.0, &configured, &article, reason);
                (!told).then(|| Article { seen_at: Timestamp::now(), ..article })
            }
        };
        way.deliver(found.into_iter().map(Found::Article).collect(), vec![checkpoint]).await
    }

    /// Says once of each feed why a page is not read.
    fn tell_reason(&mut self, feed: Id, configured: &str, article: &Article, reason: String) {
        let (configured, page) =
            (net::redacted(configured), net::redacted(article.url.as_deref().unwrap_or_default()));
        tracing::debug!(feed = configured, page, reason, "the teaser stands for the page");
        if self.reasons.contains(&(feed, reason.clone())) {
            return;
        }
        if self.reasons.len() >= TOLD_MAX {
            self.reasons.clear();
        }
        tracing::info!(
            feed = configured,
            page,
            reason,
            "a page of the feed is not read: items like it stand as the feed gives them"
        );
        self.reasons.insert((feed, reason));
    }

    /// When the next item has waited long enough.
    fn next_deadline(&self) -> Instant {
        let wait = self.deadlines.first().map(|(until, _)| until.duration_since(Timestamp::now()));
        let wait = wait.map_or(BEAT, |wait| Duration::try_from(wait).unwrap_or_default());
        Instant::now() + wait.min(BEAT)
    }

    /// Decides on their teasers what has waited long enough; it is joined when its page comes.
    async fn tell_overdue(&mut self, way: &Way) -> Result<(), Closed> {
        let now = Timestamp::now();
        let (mut found, mut checkpoints) = (Vec::new(), Vec::new());
        while let Some((until, key)) = self.deadlines.first().copied().filter(|(until, _)| *until <= now) {
            self.deadlines.remove(&(until, key));
            let Some(item) = self.items.0.get_mut(&key) else { continue };
            let Some(waiting) = &mut item.waiting else { continue };
            waiting.told = true;
            found.push(Found::Article(Article { seen_at: now, ..waiting.article.clone() }));
            let host = host_of(waiting.article.url.as_deref().unwrap_or_default());
            checkpoints.push(item.checkpoint(key));
            self.lines.put_back(host, key);
        }
        if checkpoints.is_empty() { Ok(()) } else { way.deliver_in_parts(found, checkpoints, None).await }
    }

    /// A visit ended without an answer: what was asked for waits on.
    fn recover(&mut self) {
        if self.in_flight.is_empty() {
            self.lines.all_done(Instant::now());
        }
    }
}

/// What a parcel holds.
#[derive(Default)]
struct Sorted {
    /// Passed on as it is.
    free: Vec<Found>,
    /// What wants its page.
    pages: Vec<(Key, Article)>,
    /// Items that were in the feed before.
    known: usize,
    /// Of those for which pages are wanted: what the feed says otherwise than before.
    changed: usize,
}

fn weight(article: &Article) -> usize {
    article.title.len() + article.text.len()
}

fn retry_after(failure: &Failure, tries: u32) -> Duration {
    let own = RETRY * RETRY_FACTOR.saturating_pow(tries.saturating_sub(1));
    failure.retry_after.map_or(own, |wish| wish.max(own)).min(RETRY_MAX)
}

#[cfg(test)]
mod tests;
