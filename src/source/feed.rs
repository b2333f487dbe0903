//! One schedule for all feeds: who is due, who may be asked now, what came of it.

pub mod state;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::{
    sync::{mpsc, watch},
    task::{self, JoinSet},
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;
use url::Url;

use self::state::{Plan, State};
use super::{
    FeedSpec, FetchLimits,
    fetch::{Failure, Fetched, Fetcher, Outcome, Request, Validity},
    net, parse,
    send::{BEAT, Closed, Way},
};
use crate::{
    article::{Checkpoint, DELIVERY_BYTES_MAX, DELIVERY_FOUND_MAX, Found, Id, Occasion},
    event::Event,
    pulse::Pulse,
};

/// Requests under way at one time.
const IN_FLIGHT_MAX: usize = 32;

/// Hosts whose last request is remembered; beyond it the ones that may be asked again are forgotten.
const HOSTS_MAX: usize = 10_000;

/// Feeds that are due together, as all are at first, are asked so long after each other: resolvers and small uplinks
/// choke on a burst.
const START_GAP: Duration = Duration::from_millis(10);

/// Of very many feeds the last is begun after this time.
const START_WITHIN: Duration = Duration::from_secs(60);

/// Begins the key of a feed's checkpoint.
pub const KEY_PREFIX: &str = "feed ";

/// Polls the feeds until it is told to stop or the door closes. `checkpoints` are all that are kept under keys that
/// begin with `KEY_PREFIX`.
pub async fn run(
    mut feeds: watch::Receiver<Arc<Vec<FeedSpec>>>,
    limits: FetchLimits,
    checkpoints: BTreeMap<String, Value>,
    door: mpsc::Sender<Event>,
    pulse: Pulse,
    stop: CancellationToken,
) {
    let way = Way { door, pulse, stop };
    let mut schedule = Schedule::new(limits);
    let known = checkpoints
        .into_iter()
        .filter_map(|(key, state)| Some((key.strip_prefix(KEY_PREFIX)?.to_owned(), state)));
    let removed = schedule.adjust(&feeds.borrow_and_update().clone(), &known.collect());
    if forget(&way, removed).await.is_err() {
        return;
    }
    let mut watched = true;
    while !way.stop.is_cancelled() {
        way.pulse.beat();
        let wake = schedule.start_due().min(Instant::now() + BEAT);
        tokio::select! {
            biased;
            () = way.stop.cancelled() => break,
            Some(answer) = schedule.in_flight.join_next() => {
                let Ok(answer) = answer.inspect_err(|error| tracing::error!(%error, "a request broke down")) else {
                    schedule.recover();
                    continue;
                };
                if schedule.settle(answer, &way).await.is_err() {
                    break;
                }
            }
            changed = feeds.changed(), if watched => {
                watched = changed.is_ok();
                let removed = schedule.adjust(&feeds.borrow_and_update().clone(), &BTreeMap::new());
                if forget(&way, removed).await.is_err() {
                    break;
                }
            }
            () = time::sleep_until(wake) => {}
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
    spec: FeedSpec,
    state: State,
    /// Its place in the queue; none while a request is under way or it is gone.
    due: Option<Instant>,
    /// The queue's time is one that was kept free at the host.
    reserved: bool,
    /// A request is under way.
    asked: bool,
}

/// When a host may be asked.
#[derive(Clone, Copy, Debug)]
struct Host {
    /// The last request began then.
    asked: Option<Instant>,
    /// The first time that is not kept for somebody.
    free: Instant,
    /// It wants to be left alone until then.
    held: Option<Instant>,
}

struct Answer {
    url: String,
    outcome: Outcome,
    /// Read on the parser's thread where there was a body that is not known.
    feed: Option<Result<parse::Feed, parse::ParseError>>,
    body: Option<Id>,
}

/// Hosts that could not be reached since one was.
#[derive(Debug, Default)]
struct Outage(BTreeSet<String>);

/// So many hosts that fail together have one cause, and it is on our side.
const OUTAGE_HOSTS_MIN: usize = 3;

impl Outage {
    fn learn(&mut self, host: &str, outcome: &Outcome) {
        let was = self.is_the_networks();
        match outcome {
            Outcome::Transient(failure) if failure.unreached => {
                if self.0.len() < OUTAGE_HOSTS_MIN {
                    self.0.insert(host.to_owned());
                }
            }
            // among these are addresses that were never asked
            Outcome::Permanent(_) => {}
            _ => self.0.clear(),
        }
        match (was, self.is_the_networks()) {
            (false, true) => tracing::warn!("no server can be reached: the network is down"),
            (true, false) => tracing::info!("servers can be reached again"),
            _ => {}
        }
    }

    fn is_the_networks(&self) -> bool {
        self.0.len() >= OUTAGE_HOSTS_MIN
    }
}

struct Schedule {
    limits: Arc<FetchLimits>,
    fetcher: Arc<Fetcher>,
    slots: BTreeMap<String, Slot>,
    queue: BTreeSet<(Instant, String)>,
    hosts: BTreeMap<String, Host>,
    in_flight: JoinSet<Answer>,
    outage: Outage,
}

impl Schedule {
    fn new(limits: FetchLimits) -> Self {
        Self {
            fetcher: Arc::new(Fetcher::new(&limits)),
            limits: Arc::new(limits),
            slots: BTreeMap::new(),
            queue: BTreeSet::new(),
            hosts: BTreeMap::new(),
            in_flight: JoinSet::new(),
            outage: Outage::default(),
        }
    }

    /// Takes in a new list of feeds and gives the addresses that are known but not in it. Feeds that stay keep their
    /// time, unless their interval was changed.
    fn adjust(&mut self, specs: &[FeedSpec], known: &BTreeMap<String, Value>) -> Vec<String> {
        let wanted: BTreeSet<&str> = specs.iter().map(|spec| spec.url.as_str()).collect();
        let mut removed: Vec<String> =
            known.keys().filter(|url| !wanted.contains(url.as_str())).cloned().collect();
        let gone: Vec<String> =
            self.slots.keys().filter(|url| !wanted.contains(url.as_str())).cloned().collect();
        for url in gone {
            if let Some(due) = self.slots.remove(&url).and_then(|slot| slot.due) {
                self.queue.remove(&(due, url.clone()));
            }
            removed.push(url);
        }
        let count = u32::try_from(specs.len()).unwrap_or(u32::MAX).max(1);
        let apart = START_GAP.min(START_WITHIN / count);
        let mut started = 0;
        for spec in specs {
            if let Some(slot) = self.slots.get_mut(&spec.url) {
                let hurried = slot.spec.poll_secs != spec.poll_secs && slot.state.errors == 0;
                slot.spec = spec.clone();
                if hurried && !slot.asked {
                    self.enqueue(&spec.url, Instant::now(), false);
                }
                continue;
            }
            let state = known.get(&spec.url).and_then(State::deserialize_lenient).unwrap_or_default();
            let mut due = at(state.due, &self.limits);
            let gone = state.gone;
            if due <= Instant::now() {
                due += apart * started;
                started += 1;
            }
            if state.host_held.is_some() {
                let held = at(state.host_held, &self.limits);
                self.host(host_of(asked_at(&spec.url, &state))).held = Some(held);
            }
            self.slots.insert(
                spec.url.clone(),
                Slot { spec: spec.clone(), state, due: None, reserved: false, asked: false },
            );
            if !gone {
                self.enqueue(&spec.url, due, false);
            }
        }
        removed.sort_unstable();
        removed
    }

    fn enqueue(&mut self, url: &str, due: Instant, reserved: bool) {
        let Some(slot) = self.slots.get_mut(url) else { return };
        if let Some(old) = slot.due.replace(due) {
            self.queue.remove(&(old, url.to_owned()));
        }
        slot.reserved = reserved;
        self.queue.insert((due, url.to_owned()));
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
            let Some((_, url)) = self.queue.pop_first() else { return far };
            if let Some(slot) = self.slots.get_mut(&url) {
                slot.due = None;
                let reserved = slot.reserved;
                match self.turn(&url, reserved, now) {
                    None => self.start(url),
                    Some(later) => self.enqueue(&url, later, true),
                }
            }
        }
        // an answer wakes the schedule
        far
    }

    /// Whether the feed's host may be asked now, else when; then that time is kept for it.
    fn turn(&mut self, url: &str, reserved: bool, now: Instant) -> Option<Instant> {
        let gap = Duration::from_secs(self.limits.per_host_gap_secs.into());
        if self.hosts.len() > HOSTS_MAX {
            self.hosts.retain(|_, host| host.free > now || host.held.is_some_and(|held| held > now));
        }
        let address = self.slots.get(url).map_or(url, |slot| asked_at(url, &slot.state));
        let host = self.host(host_of(address));
        let soonest = host.asked.map_or(now, |asked| asked + gap).max(host.held.unwrap_or(now)).max(now);
        let turn = if reserved { soonest } else { soonest.max(host.free) };
        if turn > now {
            host.free = host.free.max(turn + gap);
            return Some(turn);
        }
        host.asked = Some(now);
        host.free = host.free.max(now + gap);
        None
    }

    fn host(&mut self, host: String) -> &mut Host {
        self.hosts.entry(host).or_insert_with(|| Host { asked: None, free: Instant::now(), held: None })
    }

    fn start(&mut self, url: String) {
        let Some(slot) = self.slots.get_mut(&url) else { return };
        slot.asked = true;
        let fetcher = Arc::clone(&self.fetcher);
        let known = slot.state.body;
        let validators =
            (!slot.state.is_audit()).then(|| (slot.state.etag.clone(), slot.state.last_modified.clone()));
        let (etag, last_modified) = validators.unwrap_or_default();
        let address = asked_at(&url, &slot.state).to_owned();
        self.in_flight.spawn(async move {
            let request = Request {
                url: &address,
                etag: etag.as_deref(),
                last_modified: last_modified.as_deref(),
                configured: Some(&url),
            };
            let outcome = fetcher.get(request).await;
            let Outcome::Fetched(fetched) = outcome else {
                return Answer { url, outcome, feed: None, body: None };
            };
            let body = Id::of(&[&fetched.body]);
            if known == Some(body) {
                return Answer { url, outcome: Outcome::Fetched(fetched), feed: None, body: Some(body) };
            }
            let (fetched, feed) = read(fetched).await;
            Answer { url, outcome: Outcome::Fetched(fetched), feed: Some(feed), body: Some(body) }
        });
    }

    /// A request's task ended without an answer: whoever was asked is asked again at its usual time.
    fn recover(&mut self) {
        if self.in_flight.is_empty() {
            let lost: Vec<String> =
                self.slots.iter().filter(|(_, slot)| slot.asked).map(|(url, _)| url.clone()).collect();
            for url in lost {
                if let Some(slot) = self.slots.get_mut(&url) {
                    slot.asked = false;
                }
                self.enqueue(
                    &url,
                    Instant::now() + Duration::from_secs(self.limits.poll_secs_default.into()),
                    false,
                );
            }
        }
    }

    /// Takes an answer in: delivers what it brought together with the feed's state, and sets its next time.
    async fn settle(&mut self, answer: Answer, way: &Way) -> Result<(), Closed> {
        let Some(slot) = self.slots.get_mut(&answer.url) else { return Ok(()) };
        slot.asked = false;
        let plan = Plan { spec: &slot.spec, limits: &self.limits, now: Timestamp::now() };
        let mut found = Vec::new();
        let state = &mut slot.state;
        let before = state.address.clone();
        self.outage.learn(&host_of(asked_at(&answer.url, state)), &answer.outcome);
        let failed_before = state.errors > 0;
        match answer.outcome {
            Outcome::NotModified(_) if state.knows_nothing() => {
                let reason = "the server says that nothing has changed, though nothing was known".to_owned();
                fail(state, &Failure { reason, ..Failure::default() }, &plan);
            }
            Outcome::NotModified(validity) => state.confirm(validity, &plan),
            Outcome::Fetched(fetched) => match answer.feed {
                None => state.repeat(fetched.validity, &plan),
                Some(Ok(feed)) => found = take(state, feed, answer.body, fetched.validity, &plan),
                Some(Err(error)) => {
                    fail(state, &Failure { reason: error.to_string(), ..Failure::default() }, &plan);
                }
            },
            Outcome::Transient(failure) if failure.unreached && self.outage.is_the_networks() => {
                state.postpone(&failure.reason, &plan);
            }
            Outcome::Transient(failure) | Outcome::Permanent(failure) => {
                fail(state, &failure, &plan);
                if let Some(wish) = failure.retry_after.filter(|_| failure.whole_host) {
                    state.hold_host(wish, &plan);
                    let until = at(state.host_held, &self.limits);
                    let host = host_of(asked_at(&answer.url, state));
                    if let Some(host) = self.hosts.get_mut(&host) {
                        host.held = host.held.max(Some(until));
                    }
                }
            }
            Outcome::Gone(failure) => {
                state.fail(&failure.reason, None, &plan);
                state.gone = true;
                state.due = None;
                tracing::warn!(
                    feed = net::redacted(&answer.url),
                    reason = failure.reason,
                    "the feed is not asked for any more; take it out of the config"
                );
            }
        }
        if failed_before && state.errors == 0 {
            tracing::info!(feed = net::redacted(&answer.url), "the feed answers again");
        }
        if state.address != before {
            let address = net::redacted(asked_at(&answer.url, state));
            tracing::info!(
                feed = net::redacted(&answer.url),
                address,
                "the feed is asked for at another address"
            );
        }
        let (due, gone) = (at(state.due, &self.limits), state.gone);
        let state = serde_json::to_value(&*state).unwrap_or(Value::Null);
        if !gone {
            self.enqueue(&answer.url, due, false);
        }
        deliver(way, found, Checkpoint { key: format!("{KEY_PREFIX}{}", answer.url), state }).await
    }
}

/// Reads the body away from the threads that wait.
async fn read(fetched: Box<Fetched>) -> (Box<Fetched>, Result<parse::Feed, parse::ParseError>) {
    let reading = task::spawn_blocking(move || {
        let feed = parse::parse(&fetched.body, fetched.content_type.as_deref(), Some(&fetched.url));
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

/// A body that was read becomes articles.
fn take(
    state: &mut State,
    feed: parse::Feed,
    body: Option<Id>,
    validity: Validity,
    plan: &Plan<'_>,
) -> Vec<Found> {
    let occasion = if state.succeeded.is_none() { Occasion::FirstFetch } else { Occasion::Live };
    state.body = body;
    state.entries = u32::try_from(feed.entries.len()).unwrap_or(u32::MAX);
    state.take(validity, feed.pace, plan);
    let outlet = plan.spec.outlet.as_deref();
    let arrival = parse::Arrival { origin: &plan.spec.url, outlet, seen_at: plan.now, occasion };
    parse::articles(feed, &arrival)
}

/// Says so once; what goes on failing for the same reason is told by `status`.
fn fail(state: &mut State, failure: &Failure, plan: &Plan<'_>) {
    let known = state.error.as_deref() == Some(failure.reason.as_str()) && state.errors > 0;
    state.fail(&failure.reason, failure.retry_after, plan);
    let feed = net::redacted(&plan.spec.url);
    let (reason, next) = (failure.reason.as_str(), state.due.map(|due| due.to_string()));
    if known {
        tracing::debug!(feed, reason, errors = state.errors, next, "the feed still fails");
    } else {
        tracing::warn!(feed, reason, next, "could not read the feed");
    }
}

/// In deliveries of bounded size, the checkpoint with the last.
async fn deliver(way: &Way, found: Vec<Found>, checkpoint: Checkpoint) -> Result<(), Closed> {
    let mut part = Vec::new();
    let mut bytes = 0;
    for next in found {
        let weight = match &next {
            Found::Article(article) => article.title.len() + article.text.len(),
            Found::Rejected(_) => 0,
        };
        if part.len() == DELIVERY_FOUND_MAX || (!part.is_empty() && bytes + weight > DELIVERY_BYTES_MAX) {
            way.deliver(std::mem::take(&mut part), Vec::new()).await?;
            bytes = 0;
        }
        bytes += weight;
        part.push(next);
    }
    way.deliver(part, vec![checkpoint]).await
}

/// A kept time as one to wait for; one that is passed is now, one beyond reason (a clock was wrong) is cut.
fn at(due: Option<Timestamp>, limits: &FetchLimits) -> Instant {
    let wait = due.map_or(0, |due| due.duration_since(Timestamp::now()).as_millis());
    let wait = u64::try_from(wait.max(0)).unwrap_or(u64::MAX).min(state::wait_millis_max(limits));
    Instant::now() + Duration::from_millis(wait)
}

/// Where a feed is asked for: as configured, or where it has moved to.
fn asked_at<'a>(url: &'a str, state: &'a State) -> &'a str {
    state.address.as_deref().unwrap_or(url)
}

/// Host and port: what a request is a burden to.
fn host_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        task::JoinHandle,
    };

    use super::*;
    use crate::article::Delivery;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A server that answers each request by its path and number, and the schedule that asks it.
    struct World {
        address: std::net::SocketAddr,
        feeds: watch::Sender<Arc<Vec<FeedSpec>>>,
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
            let spec = |path: &&str| FeedSpec { url: url(path), poll_secs: Some(1), ..FeedSpec::default() };
            let (feeds, receiver) = watch::channel(Arc::new(paths.iter().map(spec).collect::<Vec<_>>()));
            let limits = FetchLimits {
                poll_secs_min: 1,
                per_host_gap_secs: 0,
                allow_private: vec!["127.0.0.0/8".parse().unwrap()],
                ..FetchLimits::default()
            };
            let known =
                known.iter().map(|(path, state)| (format!("feed {}", url(path)), state.clone())).collect();
            let (door, events) = mpsc::channel(8);
            let stop = CancellationToken::new();
            let running = run(receiver, limits, known, door, Pulse::default(), stop.clone());
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
        assert_eq!(states[0]["error"], "the server answered 503");
        assert_eq!((&states[0]["errors"], &states[1]["errors"]), (&1.into(), &Value::Null));
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
        world.feeds.send_replace(Arc::new(vec![FeedSpec { url: new.clone(), ..FeedSpec::default() }]));
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

    #[test]
    fn hosts_are_asked_with_a_gap_between() {
        let mut schedule = Schedule::new(FetchLimits::default());
        let start = Instant::now();
        let turn = |schedule: &mut Schedule, url: &str| {
            schedule.turn(url, false, start).map_or(0, |at| at.duration_since(start).as_secs())
        };
        let turns =
            ["http://a/1", "http://a/2", "http://b/1", "http://a/3"].map(|url| turn(&mut schedule, url));
        assert_eq!(turns, [0, 5, 0, 10]);
    }
}
