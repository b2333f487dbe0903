//! One schedule for all feeds: who is due, who may be asked now, what came of it.

mod hub;
mod index;
pub mod moment;
mod outage;
pub mod push;
mod settle;
pub mod state;
pub mod why;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    task::{self, JoinSet},
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

use self::{
    outage::Outage,
    push::{Callback, Token},
    state::State,
};
use super::{
    FeedSpec, FetchLimits,
    fetch::{Fetched, Fetcher, Outcome, Request},
    fulltext::Parcel,
    parse,
    send::{BEAT, Closed, Way},
    turns::{Turns, host_of},
};
use crate::{
    article::{Checkpoint, Found, Id, Receipt},
    event::Event,
    failpoint,
    hub::Call,
    pulse::Pulse,
};

/// Requests under way at one time.
const IN_FLIGHT_MAX: usize = 128;

/// Bodies that are read at one time: a thread of its own for each would only wait for the parser.
const READERS_MAX: usize = 2;

/// Feeds that are due together, as all are at first, are asked so long after each other: resolvers and small uplinks
/// choke on a burst.
const START_GAP: Duration = Duration::from_millis(10);

/// Begins the key of a feed's checkpoint.
pub const KEY_PREFIX: &str = "feed ";

/// The feeds to ask; each is shared with the schedule.
pub type Specs = Arc<Vec<Arc<FeedSpec>>>;

/// What is remembered of feeds, by address.
#[derive(Debug, Default)]
pub struct Known(BTreeMap<String, State>);

impl Known {
    /// Takes in a checkpoint as JSON; one of another source is left alone. What an older version wrote otherwise is as
    /// if there were none.
    pub fn learn(&mut self, key: &str, state: &[u8]) {
        if let Some(url) = key.strip_prefix(KEY_PREFIX) {
            self.0.insert(url.to_owned(), serde_json::from_slice(state).unwrap_or_default());
        }
    }
}

/// What the schedule begins with.
#[derive(Debug)]
pub struct Beginning {
    /// How feeds are asked.
    pub limits: FetchLimits,
    /// Asks.
    pub fetcher: Arc<Fetcher>,
    /// When hosts may be asked.
    pub turns: Arc<Turns>,
    /// Where the items of feeds go that want their pages.
    pub pages: Option<mpsc::Sender<Parcel>>,
    /// What is remembered of them.
    pub known: Known,
    /// Where hubs reach us, if they do.
    pub callback: Option<Callback>,
    /// What hubs say.
    pub calls: mpsc::Receiver<Call>,
}

/// Polls the feeds until it is told to stop or the door closes.
pub async fn run(
    mut feeds: watch::Receiver<Specs>,
    beginning: Beginning,
    door: mpsc::Sender<Event>,
    pulse: Pulse,
    stop: CancellationToken,
) {
    let Beginning { limits, fetcher, turns, pages, known, callback, mut calls } = beginning;
    let way = Way { door, pulse, stop };
    let mut schedule = Schedule::new(limits, fetcher, turns, pages, callback);
    let removed = schedule.adjust(&feeds.borrow_and_update().clone(), known.0);
    if forget(&way, removed).await.is_err() {
        return;
    }
    let (mut watched, mut called) = (true, true);
    while !way.stop.is_cancelled() {
        way.pulse.beat();
        failpoint::pass("feeds");
        let wake = schedule.start_due().min(Instant::now() + BEAT);
        let room = schedule.in_flight.len() < 2 * IN_FLIGHT_MAX;
        let done = tokio::select! {
            biased;
            () = way.stop.cancelled() => break,
            Some(done) = schedule.in_flight.join_next() => match done {
                Ok(done) => schedule.done(done, &way).await,
                Err(error) => {
                    tracing::error!(%error, "a request broke down");
                    schedule.recover();
                    Ok(())
                }
            },
            call = calls.recv(), if called && room => {
                called = call.is_some();
                schedule.hear(call, &way).await
            }
            changed = feeds.changed(), if watched => {
                watched = changed.is_ok();
                let removed = schedule.adjust(&feeds.borrow_and_update().clone(), BTreeMap::new());
                forget(&way, removed).await
            }
            () = time::sleep_until(wake) => Ok(()),
        };
        if done.is_err() {
            break;
        }
    }
}

async fn forget(way: &Way, urls: Vec<String>) -> Result<(), Closed> {
    if urls.is_empty() {
        return Ok(());
    }
    let gone = |url| Checkpoint { key: format!("{KEY_PREFIX}{url}"), state: Value::Null };
    way.deliver(Vec::new(), urls.into_iter().map(gone).collect()).await
}

/// One feed and where it stands.
#[derive(Debug)]
struct Slot {
    spec: Arc<FeedSpec>,
    state: State,
    /// Its place in the queue; none while a request is under way or it is gone.
    due: Option<Instant>,
    /// The queue's time is one that was kept free at the host.
    reserved: bool,
    /// A request is under way.
    asked: bool,
}

impl Slot {
    /// Where the feed is asked for: as configured, or where it has moved to.
    fn address(&self) -> &str {
        self.state.address().unwrap_or(&self.spec.url)
    }

    /// The configured address on whose behalf it is asked for.
    fn configured(&self) -> &str {
        self.state.index().unwrap_or(&self.spec.url)
    }

    /// What came of it, on its way.
    fn parcel(&self, found: Vec<Found>, receipt: Option<oneshot::Sender<Receipt>>) -> Parcel {
        let (spec, configured) = (Arc::clone(&self.spec), self.configured().into());
        Parcel { spec, configured, found, checkpoint: self.checkpoint(), receipt }
    }

    fn checkpoint(&self) -> Checkpoint {
        let state = serde_json::to_value(&self.state).unwrap_or(Value::Null);
        Checkpoint { key: format!("{KEY_PREFIX}{}", self.spec.url), state }
    }
}

/// By what a feed is known here: an address is long, and feeds are many.
fn key_of(url: &str) -> Id {
    Id::of(&[b"feed", url.as_bytes()])
}

/// What came of a request.
struct Answer {
    feed: Id,
    outcome: Outcome,
    /// Read on the parser's thread where there was a body that is not known.
    read: Option<Result<parse::Feed, parse::ParseError>>,
    body: Option<Id>,
}

/// What ended.
enum Done {
    Answered(Box<Answer>),
    /// A hub was asked for a subscription.
    Subscribed(Id, Result<(), String>),
    /// A hub's news was read.
    Told(Box<hub::Told>),
    /// Somebody was told something.
    Nothing,
}

struct Schedule {
    limits: Arc<FetchLimits>,
    fetcher: Arc<Fetcher>,
    readers: Arc<Semaphore>,
    slots: BTreeMap<Id, Box<Slot>>,
    queue: BTreeSet<(Instant, Id)>,
    turns: Arc<Turns>,
    pages: Option<mpsc::Sender<Parcel>>,
    in_flight: JoinSet<Done>,
    outage: Outage,
    callback: Option<Callback>,
    /// The feeds that hubs may call us for.
    tokens: HashMap<Token, Id>,
}

impl Schedule {
    fn new(
        limits: FetchLimits,
        fetcher: Arc<Fetcher>,
        turns: Arc<Turns>,
        pages: Option<mpsc::Sender<Parcel>>,
        callback: Option<Callback>,
    ) -> Self {
        Self {
            fetcher,
            readers: Arc::new(Semaphore::new(READERS_MAX)),
            turns,
            pages,
            limits: Arc::new(limits),
            slots: BTreeMap::new(),
            queue: BTreeSet::new(),
            in_flight: JoinSet::new(),
            outage: Outage::default(),
            callback,
            tokens: HashMap::new(),
        }
    }

    /// Takes in a new list of feeds and gives the addresses that are known but not in it. Feeds that stay keep their
    /// time, unless their interval was changed.
    fn adjust(&mut self, specs: &[Arc<FeedSpec>], mut known: BTreeMap<String, State>) -> Vec<String> {
        let wanted: HashSet<Id> = specs.iter().map(|spec| key_of(&spec.url)).collect();
        let mut removed = self.remove_unwanted(&wanted);
        // of very many the last is begun after the usual interval: so they are spread from the beginning
        let within = Duration::from_secs(self.limits.poll_secs_default.into());
        let apart = START_GAP.min(within / u32::try_from(specs.len()).unwrap_or(u32::MAX).max(1));
        let mut started = 0;
        for spec in specs {
            let key = key_of(&spec.url);
            if let Some(slot) = self.slots.get_mut(&key) {
                let hurried = slot.spec.poll_secs != spec.poll_secs && slot.state.errors() == 0;
                slot.spec = Arc::clone(spec);
                if hurried && !slot.asked && slot.state.gone().is_none() {
                    self.enqueue(key, Instant::now(), false);
                }
                continue;
            }
            let mut state = known.remove(&*spec.url).unwrap_or_default();
            state.below = None;
            self.insert(Arc::clone(spec), state, apart * started);
            started += 1;
        }
        for (url, state) in known {
            if let Some(index) = state.index().map(key_of).and_then(|index| self.slots.get(&index)) {
                self.insert(index::spec_below(&index.spec, &url), state, apart);
                continue;
            }
            if let Some(push) = &state.push {
                self.unsubscribe(&url, push);
            }
            removed.push(url);
        }
        self.refresh_below();
        removed.sort_unstable();
        removed
    }

    /// Takes out what is neither in the new list nor named by an index in it, and gives its addresses.
    fn remove_unwanted(&mut self, wanted: &HashSet<Id>) -> Vec<String> {
        let is_wanted = |key: &Id, slot: &Slot| {
            wanted.contains(key) || slot.state.index().is_some_and(|index| wanted.contains(&key_of(index)))
        };
        let gone = self.slots.iter().filter(|(key, slot)| !is_wanted(key, slot)).map(|(key, _)| *key);
        let gone: Vec<Id> = gone.collect();
        gone.into_iter().filter_map(|key| self.remove(key)).collect()
    }

    fn remove(&mut self, key: Id) -> Option<String> {
        let slot = self.slots.remove(&key)?;
        if let Some(due) = slot.due {
            self.queue.remove(&(due, key));
        }
        if let Some(push) = &slot.state.push {
            self.unsubscribe(&slot.spec.url, push);
        }
        Some(slot.spec.url.to_string())
    }

    /// Puts a feed on the schedule; one that is due already comes `later`.
    fn insert(&mut self, spec: Arc<FeedSpec>, mut state: State, later: Duration) {
        let key = key_of(&spec.url);
        self.remember_hub(&spec.url, key, &mut state);
        // remembered by a clock that was ahead: such a time says nothing
        let ahead = state.succeeded.is_some_and(|at| Timestamp::from(at) > Timestamp::now());
        let mut due = at(state.due.filter(|_| !ahead).map(Timestamp::from), &self.limits);
        if due <= Instant::now() {
            due += later;
        }
        let slot = Slot { spec, state, due: None, reserved: false, asked: false };
        if let Some(until) = slot.state.host_held() {
            self.turns.hold(host_of(slot.address()), at(Some(until), &self.limits));
        }
        let gone = slot.state.gone();
        self.slots.insert(key, Box::new(slot));
        if gone.is_none() {
            self.enqueue(key, due, false);
        }
    }

    fn enqueue(&mut self, key: Id, due: Instant, reserved: bool) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        if let Some(old) = slot.due.replace(due) {
            self.queue.remove(&(old, key));
        }
        slot.reserved = reserved;
        self.queue.insert((due, key));
    }

    /// Starts what is due and may be asked; tells when to look again.
    fn start_due(&mut self) -> Instant {
        let far = Instant::now() + BEAT;
        while self.in_flight.len() < IN_FLIGHT_MAX {
            let now = Instant::now();
            let Some((due, _)) = self.queue.first() else { return far };
            if *due > now {
                return *due;
            }
            let Some((_, key)) = self.queue.pop_first() else { return far };
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.due = None;
                let (host, reserved) = (host_of(slot.address()), slot.reserved);
                match self.turns.take(host, reserved, now) {
                    None => self.start(key),
                    Some(later) => self.enqueue(key, later, true),
                }
            }
        }
        // an answer wakes the schedule
        far
    }

    fn start(&mut self, key: Id) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        slot.asked = true;
        let (fetcher, readers) = (Arc::clone(&self.fetcher), Arc::clone(&self.readers));
        let stale = slot.state.is_stale(Timestamp::now());
        let known = slot.state.body.filter(|_| !stale);
        let validators = (!stale && !slot.state.is_audit())
            .then(|| (slot.state.etag.clone(), slot.state.last_modified.clone()));
        let (etag, last_modified) = validators.unwrap_or_default();
        let (address, configured) = (slot.address().to_owned(), slot.configured().to_owned());
        let credentials = slot.spec.credentials.clone();
        self.in_flight.spawn(async move {
            let request = Request {
                url: &address,
                etag: etag.as_deref(),
                last_modified: last_modified.as_deref(),
                configured: Some(&configured),
                credentials: credentials.as_deref(),
            };
            let answer = match fetcher.get(request).await {
                Outcome::Fetched(fetched) => {
                    let body = Id::of(&[&fetched.body]);
                    let (fetched, read) = if known == Some(body) {
                        (fetched, None)
                    } else {
                        let (fetched, read) = read(fetched, &readers).await;
                        (fetched, Some(read))
                    };
                    Answer { feed: key, outcome: Outcome::Fetched(fetched), read, body: Some(body) }
                }
                outcome => Answer { feed: key, outcome, read: None, body: None },
            };
            Done::Answered(Box::new(answer))
        });
    }

    /// A request's task ended without an answer: whoever was asked is asked again at its usual time.
    fn recover(&mut self) {
        if !self.in_flight.is_empty() {
            return;
        }
        let lost: Vec<Id> = self.slots.iter().filter(|(_, slot)| slot.asked).map(|(key, _)| *key).collect();
        let again = Instant::now() + Duration::from_secs(self.limits.poll_secs_default.into());
        for key in lost {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.asked = false;
            }
            self.enqueue(key, again, false);
        }
    }

    async fn done(&mut self, done: Done, way: &Way) -> Result<(), Closed> {
        match done {
            Done::Answered(answer) => self.settle(*answer, way).await,
            Done::Subscribed(feed, outcome) => self.subscribed(feed, outcome, way).await,
            Done::Told(told) => self.told(*told, way).await,
            Done::Nothing => Ok(()),
        }
    }
}

/// Reads the body away from the threads that wait.
async fn read(
    mut fetched: Box<Fetched>,
    readers: &Semaphore,
) -> (Box<Fetched>, Result<parse::Feed, parse::ParseError>) {
    // nobody closes it
    let _place = readers.acquire().await;
    let reading = task::spawn_blocking(move || {
        let feed = parse::parse(&fetched.body, fetched.content_type.as_deref(), Some(&fetched.url));
        fetched.body = Vec::new();
        (fetched, feed)
    });
    match reading.await {
        Ok(read) => read,
        Err(error) => {
            let reason = parse::ParseError::Unsound(error.to_string());
            (Box::default(), Err(reason))
        }
    }
}

/// A kept time as one to wait for; one that is passed is now, one beyond reason (a clock was wrong) is cut.
fn at(due: Option<Timestamp>, limits: &FetchLimits) -> Instant {
    let wait = due.map_or(0, |due| due.duration_since(Timestamp::now()).as_millis());
    let wait = u64::try_from(wait.max(0)).unwrap_or(u64::MAX).min(state::wait_millis_max(limits));
    Instant::now() + Duration::from_millis(wait)
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        task::JoinHandle,
    };

    use super::*;
    use crate::article::{Delivery, Occasion};

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A server that answers each request by its path and number, and the schedule that asks it.
    struct World {
        address: std::net::SocketAddr,
        feeds: watch::Sender<Specs>,
        events: mpsc::Receiver<Event>,
        stop: CancellationToken,
        tasks: [JoinHandle<()>; 2],
    }

    fn rss(title: &str) -> String {
        let body =
            format!("<rss><channel><item><title>{title}</title><guid>{title}</guid></item></channel></rss>");
        format!(
            "HTTP/1.1 200 OK\r\nETag: \"{title}\"\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn status(line: &str) -> String {
        format!("HTTP/1.1 {line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    }

    impl World {
        async fn start(
            paths: &[&str],
            known: &[(&str, Value)],
            answer: impl Fn(&str, usize) -> String + Send + 'static,
        ) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let serving = async move {
                let mut asked: BTreeMap<String, usize> = BTreeMap::new();
                while let Ok((mut stream, _)) = listener.accept().await {
                    let mut request = vec![0; 4096];
                    let length = stream.read(&mut request).await.unwrap();
                    let request = String::from_utf8_lossy(&request[..length]).into_owned();
                    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                    let count = asked.entry(path.clone()).or_default();
                    *count += 1;
                    stream.write_all(answer(&request, *count).as_bytes()).await.unwrap();
                }
            };
            let url = |path: &str| format!("http://{address}{path}");
            let spec =
                |path: &&str| FeedSpec { url: url(path).into(), poll_secs: Some(1), ..FeedSpec::default() };
            let specs: Vec<_> = paths.iter().map(spec).map(Arc::new).collect();
            let (feeds, receiver) = watch::channel(Arc::new(specs));
            let limits = FetchLimits {
                poll_secs_min: 1,
                per_host_gap_secs: 0,
                allow_private: vec!["127.0.0.0/8".parse().unwrap()],
                ..FetchLimits::default()
            };
            let mut beginning = Beginning {
                fetcher: Arc::new(Fetcher::new(&limits)),
                turns: Arc::new(Turns::new(Duration::ZERO)),
                pages: None,
                limits,
                known: Known::default(),
                callback: None,
                calls: mpsc::channel(1).1,
            };
            for (path, state) in known {
                beginning.known.learn(&format!("feed {}", url(path)), state.to_string().as_bytes());
            }
            let (door, events) = mpsc::channel(8);
            let stop = CancellationToken::new();
            let running = run(receiver, beginning, door, Pulse::default(), stop.clone());
            #[expect(clippy::disallowed_methods, reason = "`end` joins them")]
            let tasks = [tokio::spawn(serving), tokio::spawn(running)];
            Self { address, feeds, events, stop, tasks }
        }

        async fn delivery(&mut self) -> Delivery {
            let event = time::timeout(PATIENCE, self.events.recv()).await.expect("nothing came").unwrap();
            let Event::Batch(delivery) = event else { panic!("{event:?}") };
            delivery
        }

        async fn end(self) {
            let [serving, running] = self.tasks;
            self.stop.cancel();
            time::timeout(PATIENCE, running).await.expect("it does not stop").unwrap();
            serving.abort();
        }
    }

    /// What the next deliveries bring: title and occasion of their articles, and the state that comes with them.
    async fn check(
        known: Option<Value>,
        answers: &'static [&'static str],
        expected: &[(&str, Occasion)],
    ) -> Vec<Value> {
        let known: Vec<_> = known.into_iter().map(|state| ("/f", state)).collect();
        let answer = |_: &str, count: usize| match answers.get(count - 1).copied() {
            Some(line) if line.contains(' ') => status(line),
            Some(title) => rss(title),
            None => status("404 Not Found"),
        };
        let mut world = World::start(&["/f"], &known, answer).await;
        let (mut said, mut states) = (Vec::new(), Vec::new());
        for _ in answers {
            let delivery = world.delivery().await;
            states.extend(delivery.checkpoints.into_iter().map(|checkpoint| checkpoint.state));
            said.extend(delivery.found.into_iter().map(|found| match found {
                Found::Article(article) => (article.title, article.occasion),
                Found::Rejected(rejected) => (rejected.reason, Occasion::Live),
            }));
        }
        world.end().await;
        let expected: Vec<_> =
            expected.iter().map(|(title, occasion)| ((*title).to_owned(), *occasion)).collect();
        assert_eq!(said, expected);
        states
    }

    #[tokio::test]
    async fn the_first_answer_is_marked_and_the_same_body_is_counted() {
        let states =
            check(None, &["a", "a", "b"], &[("a", Occasion::FirstFetch), ("b", Occasion::Live)]).await;
        assert_eq!(states[0]["etag"], "\"a\"");
        assert_eq!((&states[1]["unchanged"], &states[2]["unchanged"]), (&1.into(), &0.into()));
    }

    #[tokio::test]
    async fn what_has_not_changed_for_long_is_read_again() {
        let body = rss("a").split_once("\r\n\r\n").map(|(_, body)| Id::of(&[body.as_bytes()]));
        let known =
            serde_json::json!({"succeeded": "2020-01-01T00:00:00Z", "body": body, "read_day": 18_262});
        let states = check(Some(known), &["a", "a"], &[("a", Occasion::Live)]).await;
        assert_eq!((&states[0]["unchanged"], &states[1]["unchanged"]), (&1.into(), &2.into()));
        assert_eq!(states[0]["read_day"], states[1]["read_day"]);
    }

    #[tokio::test]
    async fn a_known_feed_has_no_first_answer() {
        check(
            Some(serde_json::json!({"succeeded": "2020-01-01T00:00:00Z"})),
            &["a"],
            &[("a", Occasion::Live)],
        )
        .await;
    }

    #[tokio::test]
    async fn failures_are_counted_and_end() {
        let states = check(None, &["503 Busy", "a"], &[("a", Occasion::FirstFetch)]).await;
        assert_eq!(states[0]["trouble"]["error"], "the server answered 503");
        assert_eq!((&states[0]["trouble"]["errors"], &states[1]["trouble"]), (&1.into(), &Value::Null));
    }

    #[tokio::test]
    async fn validators_are_sent_back() {
        let answer = |request: &str, _: usize| {
            if request.contains("if-none-match: \"v\"\r\n") {
                status("304 Not Modified")
            } else {
                rss("wrong")
            }
        };
        let known = [("/f", serde_json::json!({"etag": "\"v\"", "succeeded": "2020-01-01T00:00:00Z"}))];
        let mut world = World::start(&["/f"], &known, answer).await;
        let delivery = world.delivery().await;
        assert!(delivery.found.is_empty());
        assert_eq!(delivery.checkpoints[0].state["etag"], "\"v\"");
        world.end().await;
    }

    #[tokio::test]
    async fn a_feed_that_is_gone_is_not_asked_again() {
        let mut world = World::start(&["/gone", "/f"], &[], |request, _| {
            if request.starts_with("GET /gone") { status("410 Gone") } else { rss("a") }
        })
        .await;
        let mut answers = 0;
        let mut gone = 0;
        while answers < 3 {
            let checkpoint = world.delivery().await.checkpoints.remove(0);
            if checkpoint.key.ends_with("/gone") { gone += 1 } else { answers += 1 }
        }
        world.end().await;
        assert_eq!(gone, 1);
    }

    #[tokio::test]
    async fn a_feed_taken_out_is_forgotten_and_a_new_one_is_asked() {
        let mut world = World::start(&["/old"], &[("/older", Value::Null)], |_, _| rss("a")).await;
        let (old, new) = (format!("http://{}/old", world.address), format!("http://{}/new", world.address));
        let older = world.delivery().await.checkpoints.remove(0);
        assert!(older.key.ends_with("/older") && older.state.is_null());
        world.delivery().await;
        let spec = FeedSpec { url: new.as_str().into(), ..FeedSpec::default() };
        world.feeds.send_replace(Arc::new(vec![Arc::new(spec)]));
        let mut forgotten = false;
        loop {
            let checkpoint = world.delivery().await.checkpoints.remove(0);
            forgotten |= checkpoint.key == format!("feed {old}") && checkpoint.state.is_null();
            if checkpoint.key == format!("feed {new}") {
                break;
            }
        }
        assert!(forgotten);
        world.end().await;
    }
}
