//! The page: what is known, for those who would rather look than read, with metrics and health at the same door. Only
//! reads; whoever asks too much is told so, and nobody who asks is waited for.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use hyper::{Method, Request, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

mod answer;
mod chart;
mod desk;
mod feeds;
mod guard;
mod house;
mod layout;
mod live;
mod metrics;
mod parts;
mod search;
mod stories;
mod story;
mod topics;

use self::{
    answer::{Answer, Page},
    desk::{Busy, Desk},
    metrics::View as Counted,
};
pub use self::{guard::Hosts, house::House};
use super::socket::Socket;
use crate::{
    pulse::Pulse,
    reading::{ReadingError, View, atom, found},
    search::SearchError,
};

/// Connections served at once; more wait.
const CONNECTIONS_MAX: usize = 128;

/// Longest time without a beat.
const BEAT: Duration = Duration::from_millis(500);

/// For one request's line and headers, and between two requests.
const HEAD_SECS_MAX: u64 = 20;

/// For a whole connection; a browser makes a new one by itself.
const CONNECTION_SECS_MAX: u64 = 600;

/// Where readers come in.
#[derive(Debug)]
pub enum Door {
    /// Over the network, as a rule that of this machine alone.
    Tcp(TcpListener),
    /// A socket of this machine.
    Unix(Socket),
}

impl Door {
    /// Listens at an address.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn tcp(address: SocketAddr) -> anyhow::Result<Self> {
        super::listen(address)
            .map(Self::Tcp)
            .with_context(|| format!("could not open the page at {address} (listen in [serve])"))
    }

    /// Listens at a path; a stale file of a daemon that is gone makes way.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn unix(path: &Path) -> anyhow::Result<Self> {
        Socket::bind(path).map(Self::Unix).context("could not open the page (listen in [serve])")
    }

    /// Where it is, once the system has chosen a port.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// A socket's file may be removed, an address not.
    fn look(&mut self) {
        if let Self::Unix(socket) = self {
            socket.look();
        }
    }
}

/// Serves until `stop`.
pub async fn serve(mut door: Door, house: House, pulse: Pulse, stop: CancellationToken) {
    let desk = match Desk::open() {
        Ok(desk) => desk,
        Err(fault) => {
            tracing::error!(%fault, "could not start the page's readers");
            return;
        }
    };
    let hall = Arc::new(Hall { house, desk, stop: stop.clone() });
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = pulse.along(Arc::clone(&room).acquire_owned()).await else { break };
        let accepted = loop {
            if !hall.desk.is_stuck() {
                pulse.beat();
            }
            tokio::select! {
                () = stop.cancelled() => break None,
                accepted = accept(&door) => break Some(accepted),
                Some(_) = connections.join_next() => {}
                () = time::sleep(BEAT) => door.look(),
            }
        };
        let Some(accepted) = accepted else { break };
        let hall = Arc::clone(&hall);
        match accepted {
            Err(_) => time::sleep(Duration::from_millis(100)).await,
            Ok(Stream::Tcp(stream)) => {
                connections.spawn(async move {
                    connection(TokioIo::new(stream), hall).await;
                    drop(place);
                });
            }
            Ok(Stream::Unix(stream)) => {
                connections.spawn(async move {
                    connection(TokioIo::new(stream), hall).await;
                    drop(place);
                });
            }
        }
    }
    connections.shutdown().await;
}

enum Stream {
    Tcp(tokio::net::TcpStream),
    Unix(tokio::net::UnixStream),
}

async fn accept(door: &Door) -> std::io::Result<Stream> {
    match door {
        Door::Tcp(listener) => listener.accept().await.map(|(stream, _)| Stream::Tcp(stream)),
        Door::Unix(socket) => socket.accept().await.map(Stream::Unix),
    }
}

/// What all connections share.
struct Hall {
    house: House,
    desk: Desk,
    stop: CancellationToken,
}

async fn connection<T>(stream: T, hall: Arc<Hall>)
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    let answer = service_fn(move |request| {
        let hall = Arc::clone(&hall);
        async move { Ok::<_, std::convert::Infallible>(hall.answer(&request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_SECS_MAX))
        .serve_connection(stream, answer);
    if let Ok(Err(error)) = time::timeout(Duration::from_secs(CONNECTION_SECS_MAX), served).await {
        tracing::debug!(%error, "a reader of the page went away");
    }
}

/// What a request asks for beside its path.
struct Wishes(BTreeMap<String, String>);

impl Wishes {
    fn of(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// What stands under a name, where it is not blank.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn number(&self, name: &str) -> usize {
        self.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
    }
}

impl Hall {
    async fn answer(&self, request: &Request<Incoming>) -> Answer {
        let began = Instant::now();
        let (view, answer) = self.routed(request).await;
        self.house.counters.count(view, answer.status(), began.elapsed());
        answer
    }

    async fn routed(&self, request: &Request<Incoming>) -> (Counted, Answer) {
        if let Err(why) = self.house.hosts.check(request.headers()) {
            return (Counted::Other, answer::plain(StatusCode::FORBIDDEN, why));
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refused = answer::plain(StatusCode::METHOD_NOT_ALLOWED, "this page is for reading\n");
            refused.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
            return (Counted::Other, refused);
        }
        let wishes = Wishes::of(request.uri().query());
        let now = Timestamp::now();
        match request.uri().path() {
            "/" => (Counted::Topics, self.topics(&wishes, now).await),
            "/topic" => (Counted::Topic, self.topic(&wishes, now).await),
            "/stories" => (Counted::Stories, self.stories(&wishes, now).await),
            "/search" => (Counted::Search, self.search(&wishes).await),
            "/feeds" => (Counted::Feeds, self.feeds(&wishes, now).await),
            "/live" => (Counted::Live, self.live(request.headers(), &wishes).await),
            "/alerts.atom" => (Counted::Other, self.atom(&wishes).await),
            "/metrics" => (Counted::Metrics, self.metrics(now).await),
            "/healthz" => (Counted::Health, self.healthy()),
            "/readyz" => (Counted::Health, self.ready().await),
            layout::STYLE_PATH => (Counted::Other, answer::style()),
            path => match path.strip_prefix("/story/") {
                Some(id) => (Counted::Story, self.story(id, &wishes).await),
                None => (Counted::Other, self.lost("There is nothing at this address.")),
            },
        }
    }

    async fn topics(&self, wishes: &Wishes, now: Timestamp) -> Answer {
        let Some(status) = self.house.status().await else { return self.not_now() };
        let names = topics::names(&status);
        let from = wishes.number("from");
        self.read(move |view| topics::all(view, &names, from, &status, now)).await
    }

    async fn topic(&self, wishes: &Wishes, now: Timestamp) -> Answer {
        let Some(name) = wishes.get("name").map(ToOwned::to_owned) else {
            return self.lost("No topic is named.");
        };
        let Some(status) = self.house.status().await else { return self.not_now() };
        if !topics::names(&status).contains(&name) {
            return self.lost("No topic of the config has this name.");
        }
        let by_day = wishes.get("by") == Some("day");
        self.read(move |view| topics::one(view, &name, by_day, now)).await
    }

    async fn stories(&self, wishes: &Wishes, now: Timestamp) -> Answer {
        let from = wishes.number("from");
        self.read(move |view| stories::page(view, from, now)).await
    }

    async fn story(&self, id: &str, wishes: &Wishes) -> Answer {
        let Ok(id) = id.parse() else { return self.lost("A story's address ends in 16 hexadecimal digits.") };
        let from = wishes.number("from");
        self.read(move |view| story::page(view, id, from)).await
    }

    async fn search(&self, wishes: &Wishes) -> Answer {
        let asked = search::Asked::of(|name| wishes.get(name).map(ToOwned::to_owned));
        self.read(move |view| search::page(view, &asked)).await
    }

    async fn feeds(&self, wishes: &Wishes, now: Timestamp) -> Answer {
        let part = wishes.number("part").min(self.house.feeds_in_all() / house::FEEDS_PART);
        let Some(feeds) = self.house.feeds(part).await else { return self.not_now() };
        let asked = feeds::Asked {
            only_ill: wishes.get("ill").is_some(),
            part,
            from: wishes.number("from"),
            in_all: self.house.feeds_in_all(),
        };
        answer::page(feeds::page(&feeds, &asked, now))
    }

    async fn live(&self, headers: &header::HeaderMap, wishes: &Wishes) -> Answer {
        let Some(watcher) = self.house.watch(self.stop.clone()) else { return self.not_now() };
        let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()).or(wishes.get("after"));
        let missed = match last.and_then(|last| last.parse().ok()) {
            Some(last) => self.missed(last).await,
            None => Vec::new(),
        };
        answer::stream(watcher.after(missed))
    }

    async fn atom(&self, wishes: &Wishes) -> Answer {
        let topic = wishes.get("topic").map(ToOwned::to_owned);
        let room = Arc::clone(&self.house.room);
        let title = topic.as_ref().map_or("Storywatch".to_owned(), |topic| format!("Storywatch: {topic}"));
        let read =
            move || room.ask(|view| view.alerts(topic.as_deref(), None, live::MISSED_MAX, desk::deadline()));
        match self.desk.ask(read).await {
            Ok(Ok(alerts)) => answer::atom(atom::feed(&title, &alerts)),
            Ok(Err(_)) | Err(Busy) => self.not_now(),
        }
    }

    /// Alerts since the one that a reader saw last.
    async fn missed(&self, last: u64) -> Vec<crate::article::Alert> {
        let room = Arc::clone(&self.house.room);
        let read = move || room.ask(|view| view.alerts(None, None, live::MISSED_MAX, desk::deadline()));
        let Ok(Ok(mut alerts)) = self.desk.ask(read).await else { return Vec::new() };
        alerts.retain(|alert| alert.seq > last);
        alerts.reverse();
        alerts
    }

    async fn metrics(&self, now: Timestamp) -> Answer {
        let status = self.house.status().await;
        let feeds = self.house.feeds(0).await.unwrap_or_default();
        answer::metrics(metrics::page(&self.house, status.as_deref(), &feeds, now))
    }

    /// Whether every part moves.
    fn healthy(&self) -> Answer {
        let stuck = self.house.stuck.borrow();
        if stuck.is_empty() {
            answer::plain(StatusCode::OK, "ok\n")
        } else {
            answer::plain(StatusCode::SERVICE_UNAVAILABLE, &format!("stuck: {}\n", stuck.join(", ")))
        }
    }

    /// Whether the pipeline answers.
    async fn ready(&self) -> Answer {
        match self.house.status().await {
            Some(_) => answer::plain(StatusCode::OK, "ready\n"),
            None => answer::plain(StatusCode::SERVICE_UNAVAILABLE, "the pipeline does not answer\n"),
        }
    }

    /// A page that is made of what is stored.
    async fn read(&self, make: impl Fn(&View) -> Result<Page, ReadingError> + Send + 'static) -> Answer {
        let room = Arc::clone(&self.house.room);
        match self.desk.ask(move || room.ask(&make)).await {
            Ok(Ok(page)) => answer::page(page),
            Err(Busy) | Ok(Err(ReadingError::Search(SearchError::Late))) => self.not_now(),
            Ok(Err(fault)) if found::is_askers(&fault) => {
                answer::page(layout::message(StatusCode::BAD_REQUEST, "Not understood", &fault.to_string()))
            }
            Ok(Err(fault)) => {
                tracing::warn!("{:#}; a view of the page was left out", anyhow::Error::from(fault));
                answer::page(layout::message(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "That went wrong",
                    "What is stored could not be read. The daemon's log says why.",
                ))
            }
        }
    }

    #[expect(clippy::unused_self, reason = "answers are made by the hall, whatever they are made of")]
    fn lost(&self, what: &str) -> Answer {
        answer::page(layout::message(StatusCode::NOT_FOUND, "Not found", what))
    }

    #[expect(clippy::unused_self, reason = "answers are made by the hall, whatever they are made of")]
    fn not_now(&self) -> Answer {
        let what = "Too much is asked at once, or the daemon is busy. Try again in a moment.";
        let mut busy = answer::page(layout::message(StatusCode::SERVICE_UNAVAILABLE, "Busy", what));
        busy.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
        busy
    }
}
