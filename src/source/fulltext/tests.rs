//! Items through the desk, their pages on a real server.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use super::*;
use crate::{
    article::{Delivery, TextFrom},
    source::FetchLimits,
};

const PATIENCE: Duration = Duration::from_secs(20);
const NEWS: &str = "The harbour of Lindmouth was closed after a crane fell, the mayor said on Monday. ";

/// A server that answers each request by its path and headers, the desk that asks it, and the door.
struct World {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    feeds: watch::Sender<Specs>,
    parcels: mpsc::Sender<Parcel>,
    events: mpsc::Receiver<Event>,
    stop: CancellationToken,
    tasks: [JoinHandle<()>; 2],
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}

fn page(text: &str) -> String {
    let body = format!(
        "<html><head><title>Crane falls in Lindmouth</title></head><body><article><p>{text}</p></article></body></html>"
    );
    answer("200 OK", "Content-Type: text/html\r\nETag: \"1\"\r\n", &body)
}

fn whole() -> String {
    page(&NEWS.repeat(10))
}

impl World {
    /// `None` of an answer: none is ever given.
    async fn start(
        wait: Duration,
        known: Known,
        answer_to: impl Fn(&str) -> Option<String> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let serving = async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap();
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                log.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                match answer_to(&request) {
                    Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap_or_default(),
                    None => open.push(stream),
                }
            }
        };
        let limits = FetchLimits {
            allow_private: vec![address.to_string().parse().unwrap()],
            body_bytes_max: 20_000,
            ..FetchLimits::default()
        };
        let (feeds, feeds_now) = watch::channel(Arc::new(vec![spec(address)]));
        let (parcels, parcels_in) = mpsc::channel(PARCELS_MAX);
        let beginning = Beginning {
            fetcher: Arc::new(Fetcher::new(&limits)),
            turns: Arc::new(Turns::new(Duration::ZERO)),
            page_wait: wait,
            known,
            parcels: parcels_in,
        };
        let (door, events) = mpsc::channel(8);
        let stop = CancellationToken::new();
        let running = run(feeds_now, beginning, door, Pulse::default(), stop.clone());
        #[expect(clippy::disallowed_methods, reason = "`end` joins them")]
        let tasks = [tokio::spawn(serving), tokio::spawn(running)];
        Self { address, asked, feeds, parcels, events, stop, tasks }
    }

    fn article(&self, path: &str, text: &str) -> Article {
        Article {
            url: Some(format!("http://{}{path}", self.address)),
            title: "Crane falls in Lindmouth harbour".to_owned(),
            text: text.to_owned(),
            ..Article::default()
        }
    }

    /// An answer of the feed with these items.
    async fn give(&self, items: &[Article]) {
        let spec = spec(self.address);
        let parcel = Parcel {
            configured: spec.url.clone(),
            spec,
            found: items.iter().cloned().map(Found::Article).collect(),
            checkpoint: Checkpoint { key: "feed x".to_owned(), state: json!({}) },
            receipt: None,
        };
        self.parcels.send(parcel).await.unwrap();
    }

    async fn delivery(&mut self) -> Delivery {
        let event = time::timeout(PATIENCE, self.events.recv()).await.expect("nothing came").unwrap();
        let Event::Batch(delivery) = event else { panic!("{event:?}") };
        delivery
    }

    /// Whether the text of the next article is its page's, and how many words it has.
    async fn next(&mut self) -> (TextFrom, usize) {
        loop {
            if let Some(Found::Article(article)) = self.delivery().await.found.into_iter().next() {
                return (article.text_from, article.text.split_whitespace().count());
            }
        }
    }

    /// What was asked for, robots.txt aside.
    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|request| !request.starts_with("GET /robots.txt")).cloned().collect()
    }

    async fn end(self) {
        let [serving, running] = self.tasks;
        self.stop.cancel();
        time::timeout(PATIENCE, running).await.expect("it does not stop").unwrap();
        serving.abort();
    }
}

fn spec(address: SocketAddr) -> Arc<FeedSpec> {
    let url = format!("http://{address}/feed");
    Arc::new(FeedSpec { url: url.into(), full_text: FullText::Teasers, ..FeedSpec::default() })
}

/// Everything is allowed, and each page is this one.
fn always(page: Option<String>) -> impl Fn(&str) -> Option<String> + Send + 'static {
    move |request| match request {
        robots if robots.starts_with("GET /robots.txt") => Some(answer("404 Not Found", "", "")),
        _ => page.clone(),
    }
}

/// The teaser stands whatever is at the page's address; so many requests were made for it.
async fn check_teaser(answer_to: impl Fn(&str) -> Option<String> + Send + 'static, requests: usize) {
    let mut world = World::start(PATIENCE, Known::default(), answer_to).await;
    world.give(&[world.article("/a", "A crane fell.")]).await;
    assert_eq!(world.next().await, (TextFrom::Source, 3));
    assert_eq!(world.asked().len(), requests);
    world.end().await;
}

#[tokio::test]
async fn an_item_waits_for_its_page() {
    let mut world = World::start(PATIENCE, Known::default(), always(Some(whole()))).await;
    world.give(&[world.article("/a", "A crane fell.")]).await;
    let kept = world.delivery().await;
    let keys: Vec<_> =
        kept.checkpoints.iter().map(|checkpoint| checkpoint.key.split(' ').next().unwrap()).collect();
    assert_eq!((kept.found.len(), keys), (0, vec!["page", "feed"]));
    let joined = world.delivery().await;
    let [Found::Article(article)] = joined.found.as_slice() else { panic!("{joined:?}") };
    assert_eq!(article.title, "Crane falls in Lindmouth harbour");
    assert!(article.text_from == TextFrom::Page && article.text.starts_with(NEWS.trim()), "{article:?}");
    assert_eq!(joined.checkpoints[0].state.get("waiting"), None);
    world.end().await;
}

#[tokio::test]
async fn one_that_has_waited_long_enough_is_told_and_joined_later() {
    let mut world = World::start(Duration::ZERO, Known::default(), always(Some(whole()))).await;
    world.give(&[world.article("/a", "A crane fell.")]).await;
    assert_eq!(world.next().await, (TextFrom::Source, 3));
    assert_eq!(world.next().await.0, TextFrom::Page);
    world.end().await;
}

#[tokio::test]
async fn a_page_that_never_comes_holds_nothing_up() {
    let mut world = World::start(Duration::from_millis(50), Known::default(), always(None)).await;
    world.give(&[world.article("/a", "A crane fell.")]).await;
    assert_eq!(world.next().await, (TextFrom::Source, 3));
    world.end().await;
}

#[tokio::test]
async fn a_busy_server_costs_a_page_its_time_and_no_other_page_anything() {
    let busy = |request: &str| {
        let busy = answer("503 Service Unavailable", "Retry-After: 3600\r\n", "busy");
        let page = if request.starts_with("GET /a ") { busy } else { whole() };
        always(Some(page))(request)
    };
    let mut world = World::start(Duration::from_secs(3), Known::default(), busy).await;
    world.give(&[world.article("/a", "A crane fell."), world.article("/b", "Another fell.")]).await;
    assert_eq!(world.next().await.0, TextFrom::Page);
    let told = world.delivery().await;
    let [Found::Article(teaser)] = told.found.as_slice() else { panic!("{told:?}") };
    assert_eq!((teaser.text_from, teaser.text.as_str()), (TextFrom::Source, "A crane fell."));
    // it is still wanted, and was asked for once
    assert_eq!(told.checkpoints[0].state["waiting"]["told"], true);
    let asked = world.asked();
    assert_eq!(asked.iter().filter(|request| request.starts_with("GET /a ")).count(), 1, "{asked:?}");
    world.end().await;
}

/// The first so many requests for a page end badly.
fn failing(times: usize) -> impl Fn(&str) -> Option<String> + Send + 'static {
    let asked = AtomicUsize::new(0);
    move |request| {
        let fails = request.starts_with("GET /a ") && asked.fetch_add(1, Ordering::Relaxed) < times;
        always(Some(if fails { answer("503 Service Unavailable", "", "busy") } else { whole() }))(request)
    }
}

#[tokio::test]
async fn a_page_is_asked_for_again_and_joined_to_what_was_told() {
    let mut world = World::start(Duration::ZERO, Known::default(), failing(2)).await;
    world.give(&[world.article("/a", "A crane fell.")]).await;
    assert_eq!(world.next().await, (TextFrom::Source, 3));
    assert_eq!(world.next().await.0, TextFrom::Page);
    assert_eq!(world.asked().len(), 3);
    world.end().await;
}

#[tokio::test]
async fn a_page_that_cannot_be_had_is_given_up() {
    let mut world = World::start(Duration::ZERO, Known::default(), failing(usize::MAX)).await;
    world.give(&[world.article("/a", "A crane fell.")]).await;
    assert_eq!(world.next().await, (TextFrom::Source, 3));
    let given_up = world.delivery().await;
    assert_eq!((given_up.found.len(), given_up.checkpoints[0].state.get("waiting")), (0, None));
    assert_eq!(world.asked().len(), TRIES_MAX as usize);
    // the same item again is known, and its page not asked for
    world.give(&[world.article("/a", "A crane fell."), world.article("/b", "Another fell.")]).await;
    while world.next().await.0 != TextFrom::Page {}
    assert_eq!(world.asked().len(), TRIES_MAX as usize + 1);
    world.end().await;
}

#[tokio::test]
async fn where_robots_are_kept_out_nothing_is_asked() {
    let rules = "User-agent: *\nDisallow:\n\nUser-agent: Storywatch\nDisallow: /a\n";
    check_teaser(
        move |request| {
            request
                .starts_with("GET /robots.txt")
                .then(|| answer("200 OK", "Content-Type: text/plain\r\n", rules))
        },
        0,
    )
    .await;
    let slow = "User-agent: *\nCrawl-delay: 3600\n";
    check_teaser(
        move |request| request.starts_with("GET /robots.txt").then(|| answer("200 OK", "", slow)),
        0,
    )
    .await;
}

#[tokio::test]
async fn what_is_not_the_article_is_not_taken_for_it() {
    check_teaser(always(Some(answer("404 Not Found", "", "There is nothing."))), 1).await;
    check_teaser(always(Some(page(&format!("{}Subscribe to continue reading", NEWS.repeat(10))))), 1).await;
    check_teaser(always(Some(page(&NEWS.repeat(1000)))), 1).await;
    check_teaser(always(Some(answer("200 OK", "Content-Type: image/png\r\n", &NEWS.repeat(10)))), 1).await;
}

#[tokio::test]
async fn a_redirect_into_the_private_net_ends_there() {
    check_teaser(always(Some(answer("302 Found", "Location: http://127.0.0.2:9/\r\n", ""))), 1).await;
}

#[tokio::test]
async fn a_redirect_is_followed_as_far_as_robots_may_go() {
    let to = |request: &str| {
        Some(match request.split(' ').nth(1) {
            Some("/robots.txt") => answer("200 OK", "", "User-agent: *\nDisallow: /members/\n"),
            Some("/a") => answer("301 Moved", "Location: /b\r\n", ""),
            Some("/b") => answer("301 Moved", "Location: /members/b\r\n", ""),
            _ => whole(),
        })
    };
    check_teaser(to, 2).await;
}

#[tokio::test]
async fn a_known_page_is_not_asked_for_again_and_a_changed_item_asks_whether_it_changed() {
    let answer_to = |request: &str| {
        let known = request.contains("if-none-match: \"1\"");
        let page = if known { answer("304 Not Modified", "", "") } else { whole() };
        always(Some(page))(request)
    };
    let mut world = World::start(PATIENCE, Known::default(), answer_to).await;
    world.give(&[world.article("/a", "A crane fell.")]).await;
    assert_eq!(world.next().await.0, TextFrom::Page);
    world.give(&[world.article("/a", "A crane fell.")]).await;
    let again = world.delivery().await;
    assert_eq!((again.found.len(), again.checkpoints.len(), world.asked().len()), (0, 1, 1));
    world.give(&[world.article("/a", "A crane fell at noon.")]).await;
    let (kept, settled) = (world.delivery().await, world.delivery().await);
    assert_eq!((kept.found.len(), settled.found.len(), world.asked().len()), (0, 0, 2));
    assert_eq!(settled.checkpoints[0].state["etag"], "\"1\"");
    world.end().await;
}

#[tokio::test]
async fn what_waits_outlives_a_crash() {
    let mut world = World::start(PATIENCE, Known::default(), always(None)).await;
    world.give(&[world.article("/a", "A crane fell."), world.article("/b", "Another fell.")]).await;
    let kept = world.delivery().await.checkpoints;
    world.end().await;
    let remembered = || {
        let mut known = Known::default();
        for Checkpoint { key, state } in &kept {
            known.learn(key, state.to_string().as_bytes());
        }
        assert_eq!(known.0.len(), 2);
        known
    };
    // the server is another one now, so that the pages belong to no feed that wants them
    let mut world = World::start(PATIENCE, remembered(), always(None)).await;
    let told = world.delivery().await;
    assert_eq!(
        (told.found.len(), told.checkpoints.iter().filter(|gone| gone.state == Value::Null).count()),
        (2, 2)
    );
    world.end().await;
}

#[tokio::test]
async fn a_feed_that_wants_no_pages_any_more_gives_its_teasers() {
    let mut world = World::start(PATIENCE, Known::default(), always(None)).await;
    world.give(&[world.article("/a", "A crane fell.")]).await;
    assert_eq!(world.delivery().await.found.len(), 0);
    let never = FeedSpec { full_text: FullText::Never, ..FeedSpec::clone(&spec(world.address)) };
    world.feeds.send_replace(Arc::new(vec![Arc::new(never)]));
    assert_eq!(world.next().await, (TextFrom::Source, 3));
    world.end().await;
}

#[tokio::test]
async fn what_has_no_page_of_its_own_is_passed_on() {
    let mut world = World::start(PATIENCE, Known::default(), always(None)).await;
    let long = world.article("/long", &NEWS.repeat(20));
    world.give(&[world.article("/live", "First."), world.article("/live", "Second."), long]).await;
    assert_eq!((world.delivery().await.found.len(), world.asked().len()), (3, 0));
    world.end().await;
}

#[tokio::test]
async fn beyond_the_end_of_the_line_items_are_passed_on() {
    let mut world = World::start(PATIENCE, Known::default(), always(None)).await;
    let items: Vec<_> =
        (0..502).map(|number| world.article(&format!("/{number}"), "A crane fell.")).collect();
    world.give(&items).await;
    let delivery = world.delivery().await;
    assert_eq!((delivery.found.len(), delivery.checkpoints.len()), (2, 501));
    world.end().await;
}
