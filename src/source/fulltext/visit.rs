//! One visit to a page: whether the server allows it, the way there, and whether what is there is the article.

use std::{sync::Arc, time::Duration};

use tokio::{
    task,
    time::{self, Instant},
};
use url::Url;

use super::{
    fit,
    item::Key,
    robots::{Robots, Rules},
};
use crate::{
    article::{Article, Id},
    source::{
        credentials::Credentials,
        fetch::{Failure, Fetched, Fetcher, Outcome, Request, Step, Validity},
        page::{self, Page},
        turns::{Turns, host_of},
    },
};

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 8;

/// Whoever wants more time between two requests wants no robots.
const DELAY_MAX: Duration = Duration::from_secs(60);

/// A visit with all its waiting; one that takes longer is made again later.
const VISIT_MAX: Duration = Duration::from_secs(180);

/// What visits are made with.
pub(super) struct Tools {
    pub(super) fetcher: Arc<Fetcher>,
    pub(super) turns: Arc<Turns>,
    pub(super) robots: Robots,
}

/// A page that is asked for.
pub(super) struct Wanted {
    pub(super) key: Key,
    /// Whose turn was taken for it.
    pub(super) host: Id,
    /// As the feed gives it.
    pub(super) article: Article,
    /// The feed's address.
    pub(super) configured: String,
    pub(super) credentials: Option<Arc<Credentials>>,
    pub(super) etag: Option<Box<str>>,
    pub(super) last_modified: Option<Box<str>>,
}

/// What comes of a visit.
#[derive(Debug)]
pub(super) enum Came {
    /// The article.
    Whole(Box<Page>, Validity),
    /// The page is as it was when it was last read.
    Unchanged,
    /// The teaser stays; the reason is a lower-case fragment.
    Nothing(String),
    /// It is tried again.
    Later(Failure),
}

/// Goes to the page of an item.
pub(super) async fn visit(tools: &Tools, wanted: &Wanted) -> Came {
    let way = async { go(tools, wanted).await.unwrap_or_else(|came| came) };
    let late = |_| {
        let reason = format!("it could not be had within {} s", VISIT_MAX.as_secs());
        Came::Later(Failure { reason, ..Failure::default() })
    };
    time::timeout(VISIT_MAX, way).await.unwrap_or_else(late)
}

async fn go(tools: &Tools, wanted: &Wanted) -> Result<Came, Came> {
    let asked = wanted.article.url.as_deref().and_then(|url| Url::parse(url).ok());
    let asked = asked.ok_or_else(|| Came::Nothing("its address is none".to_owned()))?;
    let mut at = asked.clone();
    // the first turn was taken before
    let mut has_turn = true;
    for _ in 0..=REDIRECTS_MAX {
        let delay = tools.admit(&at, wanted, &mut has_turn).await?;
        if !has_turn {
            tools.turns.wait(at.as_str()).await;
        }
        let request = Request {
            url: at.as_str(),
            etag: wanted.etag.as_deref(),
            last_modified: wanted.last_modified.as_deref(),
            configured: Some(&wanted.configured),
            credentials: wanted.credentials.as_deref(),
        };
        let step = tools.fetcher.page(request).await;
        tools.turns.hold(host_of(at.as_str()), Instant::now() + delay);
        match step {
            Step::Elsewhere(to) => {
                has_turn = to.origin() == at.origin();
                at = to;
            }
            Step::Answered(outcome) => return Ok(tools.judge(outcome, wanted, &asked, &at).await),
        }
    }
    Err(Came::Nothing(format!("it leads on after {REDIRECTS_MAX} redirects")))
}

impl Tools {
    /// Whether the server lets robots have the page, and the time that it wants between two requests.
    async fn admit(&self, url: &Url, wanted: &Wanted, has_turn: &mut bool) -> Result<Duration, Came> {
        let rules = match self.robots.known(url, Instant::now()) {
            Some(rules) => rules,
            None => {
                if !*has_turn {
                    self.turns.wait(url.as_str()).await;
                }
                *has_turn = false;
                self.robots.ask(&self.fetcher, &self.turns, url, &wanted.configured).await
            }
        };
        let robots = match rules {
            Rules::Said(robots) => robots,
            Rules::Silent(failure) => {
                let reason = format!("its server's robots.txt could not be read: {}", failure.reason);
                return Err(Came::Later(Failure { reason, ..failure }));
            }
        };
        if !robots.is_url_allowed(url) {
            return Err(Came::Nothing("its server's robots.txt keeps robots out".to_owned()));
        }
        let delay = robots.crawl_delay().unwrap_or_default();
        if delay > DELAY_MAX {
            let secs = delay.as_secs();
            return Err(Came::Nothing(format!("its server's robots.txt asks for {secs} s between requests")));
        }
        if !*has_turn {
            self.turns.hold(host_of(url.as_str()), Instant::now() + delay);
        }
        Ok(delay)
    }

    async fn judge(&self, outcome: Outcome, wanted: &Wanted, asked: &Url, at: &Url) -> Came {
        match outcome {
            Outcome::Fetched(fetched) => {
                let validity = fetched.validity.clone();
                match read(*fetched).await {
                    Ok(page) => match fit::unfit(&page, &wanted.article, asked, at) {
                        None => Came::Whole(Box::new(page), validity),
                        Some(reason) => Came::Nothing(reason.to_owned()),
                    },
                    Err(reason) => Came::Nothing(reason),
                }
            }
            Outcome::NotModified(_) => Came::Unchanged,
            Outcome::Permanent(failure) | Outcome::Gone(failure) => Came::Nothing(failure.reason),
            Outcome::Transient(failure) => {
                if let Some(wish) = failure.retry_after.filter(|_| failure.whole_host) {
                    self.turns.hold(host_of(at.as_str()), Instant::now() + wish.min(super::RETRY_MAX));
                }
                Came::Later(failure)
            }
        }
    }
}

/// Reads the body away from the threads that wait.
async fn read(fetched: Fetched) -> Result<Page, String> {
    let reading = task::spawn_blocking(move || {
        page::read(&fetched.body, fetched.content_type.as_deref(), Some(&fetched.url))
    });
    match reading.await {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
