//! What servers say of robots (RFC 9309). Only user of `robotxt`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use url::Url;

use crate::{
    article::Id,
    source::{
        fetch::{Failure, Fetcher, Outcome, Request, Step},
        turns::{Turns, host_of},
    },
};

/// By this name robots.txt may speak of us.
const AGENT: &str = "storywatch";

/// Rules that are kept, and the bytes that they were read from.
const HOSTS_MAX: usize = 5000;
const BYTES_MAX: usize = 32 << 20;

/// Rules are read again after a day (RFC 9309, 2.4), those of a server that could not be asked after some minutes.
const KEPT: Duration = Duration::from_secs(86_400);
const FAILURE_KEPT: Duration = Duration::from_secs(600);

/// Redirects of a robots.txt that are followed (RFC 9309, 2.3.1.2).
const REDIRECTS_MAX: usize = 5;

/// What a server says.
#[derive(Clone, Debug)]
pub(super) enum Rules {
    /// Its file, or that it has none.
    Said(Arc<robotxt::Robots>),
    /// Nothing: until it does nothing is allowed.
    Silent(Failure),
}

struct Entry {
    rules: Rules,
    bytes: usize,
    until: Instant,
}

/// The rules of all servers. Shared by the requests under way; the lock guards a look-up and is never held across a
/// wait.
#[derive(Default)]
pub(super) struct Robots(Mutex<HashMap<Id, Entry>>);

impl Robots {
    /// What is known of the server of an address.
    pub(super) fn known(&self, url: &Url, now: Instant) -> Option<Rules> {
        let hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.get(&host_of(url.as_str())).filter(|entry| entry.until > now).map(|entry| entry.rules.clone())
    }

    fn keep(&self, url: &Url, rules: Rules, bytes: usize, now: Instant) {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = hosts.values().map(|entry| entry.bytes).sum();
        if hosts.len() >= HOSTS_MAX || all + bytes > BYTES_MAX {
            hosts.retain(|_, entry| entry.until > now);
            // few have so many: then it is cheaper to ask again than to find out whom
            if hosts.len() >= HOSTS_MAX || all + bytes > BYTES_MAX {
                hosts.clear();
            }
        }
        let until = now + if matches!(rules, Rules::Said(_)) { KEPT } else { FAILURE_KEPT };
        hosts.insert(host_of(url.as_str()), Entry { rules, bytes, until });
    }

    /// Asks the server of an address, whose turn it is.
    pub(super) async fn ask(&self, fetcher: &Fetcher, turns: &Turns, url: &Url, configured: &str) -> Rules {
        let (rules, bytes) = read(fetcher, turns, url, configured).await;
        self.keep(url, rules.clone(), bytes, Instant::now());
        rules
    }
}

async fn read(fetcher: &Fetcher, turns: &Turns, url: &Url, configured: &str) -> (Rules, usize) {
    let unavailable = || (Rules::Said(Arc::new(robotxt::Robots::allow_all())), 0);
    let Ok(mut at) = url.join("/robots.txt") else { return unavailable() };
    for _ in 0..=REDIRECTS_MAX {
        let request = Request { url: at.as_str(), configured: Some(configured), ..Request::default() };
        match fetcher.robots(request).await {
            Step::Elsewhere(to) => {
                if to.origin() != at.origin() {
                    turns.wait(to.as_str()).await;
                }
                at = to;
            }
            Step::Answered(Outcome::Fetched(fetched)) => {
                let robots = robotxt::Robots::parse(&fetched.body, AGENT);
                return (Rules::Said(Arc::new(robots)), fetched.body.len());
            }
            Step::Answered(Outcome::Transient(failure)) => return (Rules::Silent(failure), 0),
            Step::Answered(Outcome::Permanent(_) | Outcome::Gone(_) | Outcome::NotModified(_)) => {
                return unavailable();
            }
        }
    }
    unavailable()
}
