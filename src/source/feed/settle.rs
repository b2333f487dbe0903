//! Taking an answer in: what it brought goes through the door together with the feed's state, and the feed gets its
//! next time.

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    Answer, START_GAP, Schedule, Slot, at,
    push::Push,
    state::{Plan, State},
    why::Why,
};
use crate::{
    article::{Found, Id, Occasion},
    event::FullText,
    source::{
        FeedKind,
        fetch::{Failure, Fetched, Outcome},
        fulltext::Parcel,
        net, parse,
        send::{Closed, Way},
        turns::host_of,
    },
};

/// A feed with fewer failures in a row may have failed because the network was about to be down.
const FAILURES_BEFORE: u32 = 3;

impl Schedule {
    /// Takes an answer in: delivers what it brought together with the feed's state, and sets its next time.
    pub(super) async fn settle(&mut self, answer: Answer, way: &Way) -> Result<(), Closed> {
        let key = answer.feed;
        let Some(slot) = self.slots.get_mut(&key) else { return Ok(()) };
        let slot = &mut **slot;
        slot.asked = false;
        let host = host_of(slot.address());
        let now = Timestamp::now();
        let plan = Plan { spec: &slot.spec, limits: &self.limits, now };
        let (mut found, mut maps) = (Vec::new(), Vec::new());
        let state = &mut slot.state;
        let (before, was_known) = (state.address().map(str::to_owned), !state.knows_nothing());
        let had_hub = state.push.clone();
        let network_is_back = self.outage.learn(host, &answer.outcome);
        let failed_before = state.errors() > 0;
        match answer.outcome {
            Outcome::NotModified(_) if state.knows_nothing() => {
                let reason = "the server says that nothing has changed, though nothing was known".to_owned();
                fail(state, &Failure { reason, ..Failure::default() }, &plan);
            }
            Outcome::NotModified(validity) => state.confirm(validity, &plan),
            Outcome::Fetched(fetched) => match answer.read.map(|read| fit(read, plan.spec.kind)) {
                None => state.repeat(fetched.validity, &plan),
                Some(Ok(mut feed)) => {
                    maps = std::mem::take(&mut feed.maps);
                    if self.callback.is_some() {
                        learn_hub(state, &feed, &fetched, &plan);
                    }
                    found = take(state, feed, answer.body, *fetched, &plan);
                }
                Some(Err(reason)) => fail(state, &Failure { reason, ..Failure::default() }, &plan),
            },
            Outcome::Transient(failure) if failure.unreached && self.outage.is_the_networks() => {
                state.postpone(&failure.reason, &plan);
            }
            Outcome::Transient(failure) | Outcome::Permanent(failure) => {
                fail(state, &failure, &plan);
                if let Some(wish) = failure.retry_after.filter(|_| failure.whole_host) {
                    state.hold_host(wish, &plan);
                    self.turns.hold(host, at(state.host_held(), &self.limits));
                }
            }
            Outcome::Gone(failure) => {
                state.end(&failure.reason, &plan);
                state.push = None;
                tracing::warn!(
                    event = "feed-gone",
                    feed = net::redacted(&slot.spec.url),
                    reason = failure.reason,
                    "the feed is not asked for any more; take it out of the config"
                );
            }
        }
        if failed_before && slot.state.errors() == 0 {
            tracing::info!(feed = net::redacted(&slot.spec.url), "the feed answers again");
        }
        if slot.state.address() != before.as_deref() {
            tell_move(slot);
        }
        if let Some(push) = had_hub.filter(|_| slot.state.push.is_none()) {
            let feed = slot.spec.url.clone();
            self.unsubscribe(&feed, &push);
        }
        if !maps.is_empty() {
            let removed = self.take_index(key, maps, was_known, now);
            super::forget(way, removed).await?;
        }
        self.subscribe(key, now);
        let Some(slot) = self.slots.get(&key) else { return Ok(()) };
        let due = at(slot.state.due.map(Timestamp::from), &self.limits);
        let (gone, parcel) = (slot.state.gone(), slot.parcel(found, None));
        let waits = slot.state.why == Why::Outage;
        if gone.is_none() {
            let due = if waits { self.outage.look_at(due) } else { due };
            self.enqueue(key, due, false);
        }
        if network_is_back {
            self.hurry();
        }
        self.pass_on(parcel, way).await
    }

    /// Asks the feeds that waited for the network, and those that failed before it was known that all did.
    fn hurry(&mut self) {
        let at_first = |state: &State| state.why == Why::Failures && state.errors() < FAILURES_BEFORE;
        let waits = |slot: &Slot| {
            (slot.state.why == Why::Outage || at_first(&slot.state)) && !slot.asked && slot.due.is_some()
        };
        let waiting: Vec<Id> =
            self.slots.iter().filter(|(_, slot)| waits(slot)).map(|(key, _)| *key).collect();
        let mut due = Instant::now();
        for key in waiting {
            self.enqueue(key, due, false);
            due += START_GAP;
        }
    }

    /// By way of their pages, where those are wanted.
    pub(super) async fn pass_on(&self, parcel: Parcel, way: &Way) -> Result<(), Closed> {
        match &self.pages {
            Some(pages) if parcel.spec.full_text != FullText::Never => parcel.send(pages, way).await,
            _ => way.deliver_in_parts(parcel.found, vec![parcel.checkpoint], parcel.receipt).await,
        }
    }
}

fn tell_move(slot: &Slot) {
    let address = net::redacted(slot.address());
    tracing::info!(feed = net::redacted(&slot.spec.url), address, "the feed is asked for at another address");
}

/// What was read, if it is of the kind that the config says.
fn fit(read: Result<parse::Feed, parse::ParseError>, kind: FeedKind) -> Result<parse::Feed, String> {
    let feed = read.map_err(|error| error.to_string())?;
    match (kind, feed.format == "sitemap") {
        (FeedKind::Feed, true) => {
            Err("it is a sitemap: write it under [[sitemap]] instead of [[feed]]".to_owned())
        }
        (FeedKind::Sitemap, false) => {
            Err("it is a feed and no sitemap: write it under [[feed]] instead of [[sitemap]]".to_owned())
        }
        _ => Ok(feed),
    }
}

/// A body that was read becomes articles.
fn take(
    state: &mut State,
    feed: parse::Feed,
    body: Option<Id>,
    fetched: Fetched,
    plan: &Plan<'_>,
) -> Vec<Found> {
    let first = state.succeeded.is_none() && !state.below.as_deref().is_some_and(|below| below.fresh);
    let occasion = if first { Occasion::FirstFetch } else { Occasion::Live };
    let same = body.is_some() && state.body == body;
    let ids: Vec<&[u8]> = feed.entries.iter().map(|entry| entry.id.as_bytes()).collect();
    if state.convicts(Id::of(&ids), &fetched.validity) {
        tracing::warn!(
            feed = net::redacted(&plan.spec.url),
            "the feed's server says that nothing has changed when something has: the whole is asked for each time"
        );
    }
    state.body = body;
    state.note_read(plan.now);
    state.entries = u16::try_from(feed.entries.len()).unwrap_or(u16::MAX);
    state.repairs = feed.repairs;
    if same {
        state.repeat(fetched.validity, plan);
    } else {
        state.take(fetched.validity, feed.pace, plan);
    }
    let outlet = plan.spec.outlet.as_deref();
    let arrival = parse::Arrival { origin: &plan.spec.url, outlet, seen_at: plan.now, occasion };
    parse::articles(feed, &arrival)
}

/// Which hub tells of the feed, and whether it did.
fn learn_hub(state: &mut State, feed: &parse::Feed, fetched: &Fetched, plan: &Plan<'_>) {
    let hub = fetched.links.hub.as_ref().or(feed.hub.as_ref());
    let Some(hub) = hub else {
        state.push = None;
        return;
    };
    let own = fetched.links.own.as_ref().or(feed.own_url.as_ref()).unwrap_or(&fetched.url);
    let push = match state.push.take() {
        Some(push) if *push.hub == **hub && *push.topic == **own => push,
        _ => Box::new(Push::new(hub.clone(), own.clone())),
    };
    let push = state.push.insert(push);
    let ids: Vec<&[u8]> = feed.entries.iter().map(|entry| entry.id.as_bytes()).collect();
    if push.compare(Id::of(&ids), plan.now) {
        tracing::warn!(
            feed = net::redacted(&plan.spec.url),
            hub = net::redacted(hub),
            "the feed's hub was silent while there was news: it is asked as if there were no hub"
        );
    }
}

/// Says so once; what goes on failing for the same reason is told by `status`.
fn fail(state: &mut State, failure: &Failure, plan: &Plan<'_>) {
    let known = state.error() == Some(failure.reason.as_str()) && state.errors() > 0;
    state.fail(&failure.reason, failure.retry_after, plan);
    let feed = net::redacted(&plan.spec.url);
    let (reason, next) = (failure.reason.as_str(), state.due.map(|due| Timestamp::from(due).to_string()));
    if known {
        tracing::debug!(feed, reason, errors = state.errors(), next, "the feed still fails");
    } else {
        tracing::warn!(feed, reason, next, "could not read the feed");
    }
}
