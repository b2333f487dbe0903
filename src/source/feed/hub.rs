//! What the schedule does with hubs: asks them to tell us of a feed, answers their questions, takes their news in.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{
    Done, Schedule, at,
    push::Push,
    state::{Plan, State},
};
use crate::{
    article::{Id, Occasion},
    hub::{Call, Heard, News, Verify},
    source::{
        clean,
        fetch::Fetched,
        net, parse,
        send::{Closed, Way},
    },
};

/// What a hub told us, read.
pub(super) struct Told {
    feed: Id,
    read: Result<parse::Feed, parse::ParseError>,
    answer: oneshot::Sender<Heard>,
}

impl Schedule {
    /// A subscription outlives a restart, but not another callback.
    pub(super) fn remember_hub(&mut self, url: &str, key: Id, state: &mut State) {
        let Some(callback) = self.callback.as_ref() else {
            state.push = None;
            return;
        };
        if let Some(push) = &mut state.push {
            if push.callback != callback.id() {
                **push = Push::new(push.hub.to_string(), push.topic.to_string());
            }
            self.tokens.insert(callback.token(url), key);
        }
    }

    /// Asks a feed's hub for a subscription, where there is one and it is time.
    pub(super) fn subscribe(&mut self, key: Id, now: Timestamp) {
        let Some(callback) = self.callback.as_ref() else { return };
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let Some(push) = slot.state.push.as_mut() else { return };
        if !push.ask(now) {
            return;
        }
        push.callback = callback.id();
        self.tokens.insert(callback.token(&slot.spec.url), key);
        let (hub, form) = (push.hub.to_string(), callback.form(&slot.spec.url, push));
        let configured = slot.configured().to_owned();
        let fetcher = Arc::clone(&self.fetcher);
        self.in_flight.spawn(async move {
            let asked = fetcher.post_form(&hub, &form, &configured).await;
            Done::Subscribed(key, asked.map_err(|failure| failure.reason))
        });
    }

    /// Tells the hub of a feed that is not asked for any more, or has no hub any more, that we want to hear nothing. One
    /// that does not listen ends with its lease.
    pub(super) fn unsubscribe(&mut self, feed: &str, push: &Push) {
        let Some(callback) = self.callback.as_ref() else { return };
        self.tokens.remove(&callback.token(feed));
        if push.callback != callback.id() || !push.is_pending_or_active() {
            return;
        }
        let (hub, form, configured) = (push.hub.to_string(), callback.farewell(feed, push), feed.to_owned());
        let fetcher = Arc::clone(&self.fetcher);
        self.in_flight.spawn(async move {
            if let Err(failure) = fetcher.post_form(&hub, &form, &configured).await {
                let (feed, hub, reason) = (net::redacted(&configured), net::redacted(&hub), failure.reason);
                tracing::info!(
                    feed,
                    hub,
                    reason,
                    "the hub could not be told that we want no more of the feed"
                );
            }
            Done::Nothing
        });
    }

    /// A hub was asked; that it agrees it says at the callback.
    pub(super) async fn subscribed(
        &mut self,
        key: Id,
        outcome: Result<(), String>,
        way: &Way,
    ) -> Result<(), Closed> {
        let Some(slot) = self.slots.get_mut(&key) else { return Ok(()) };
        let Some(push) = &mut slot.state.push else { return Ok(()) };
        let Err(reason) = outcome else { return Ok(()) };
        let (feed, hub) = (net::redacted(&slot.spec.url), net::redacted(&push.hub));
        tracing::warn!(feed, hub, reason, "the feed's hub could not be asked: the feed is asked instead");
        push.refuse(&reason);
        let checkpoint = slot.checkpoint();
        way.deliver(Vec::new(), vec![checkpoint]).await
    }

    /// Answers a hub.
    pub(super) async fn hear(&mut self, call: Option<Call>, way: &Way) -> Result<(), Closed> {
        match call {
            Some(Call::Verify(verify)) => self.verify(verify, way).await,
            Some(Call::News(news)) => {
                self.read_news(news);
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn verify(&mut self, verify: Verify, way: &Way) -> Result<(), Closed> {
        let Verify { token, mode, topic, lease, reason, answer } = verify;
        let now = Timestamp::now();
        let key = self.tokens.get(&token).copied();
        let slot = key.and_then(|key| self.slots.get_mut(&key));
        let Some((key, slot)) = key.zip(slot) else {
            // what is not known here may well be forgotten there
            answer.send(mode == "unsubscribe").ok();
            return Ok(());
        };
        let Some(push) = &mut slot.state.push else {
            answer.send(mode == "unsubscribe").ok();
            return Ok(());
        };
        let (feed, hub) = (net::redacted(&slot.spec.url), net::redacted(&push.hub));
        let agreed = match mode.as_str() {
            "subscribe" => push.agree(&topic, lease, now),
            "denied" if *topic == *push.topic => {
                let reason =
                    reason.map_or_else(|| "it gives no reason".to_owned(), |reason| clean::line(&reason));
                tracing::warn!(feed, hub, reason, "the feed's hub refuses us: the feed is asked instead");
                push.until = None;
                push.refuse(&format!("it refuses us: {reason}"));
                true
            }
            _ => false,
        };
        if agreed && mode == "subscribe" {
            let until = push.until.map(|until| until.to_string());
            tracing::info!(feed, hub, until, "the feed's hub tells us of its news");
            if slot.state.errors() == 0 {
                slot.state.schedule(&Plan { spec: &slot.spec, limits: &self.limits, now });
                let (due, asked) = (at(slot.state.due.map(Timestamp::from), &self.limits), slot.asked);
                if !asked {
                    self.enqueue(key, due, false);
                }
            }
        }
        // whoever asked may have gone
        answer.send(agreed).ok();
        let Some(slot) = self.slots.get(&key) else { return Ok(()) };
        way.deliver(Vec::new(), vec![slot.checkpoint()]).await
    }

    /// Reads what a hub brings, if it is from the hub.
    fn read_news(&mut self, news: News) {
        let News { token, content_type, signature, body, answer } = news;
        let key = self.tokens.get(&token).copied();
        let slot = key.and_then(|key| self.slots.get(&key));
        let (Some(key), Some(slot), Some(callback)) = (key, slot, self.callback.as_ref()) else {
            answer.send(Heard::Unknown).ok();
            return;
        };
        if !callback.is_signed(&slot.spec.url, signature.as_deref(), &body) {
            tracing::warn!(
                feed = net::redacted(&slot.spec.url),
                "what claims to come from the feed's hub is not signed by it, and is left alone"
            );
            answer.send(Heard::Taken).ok();
            return;
        }
        let fetched = Fetched { body, content_type, url: slot.address().to_owned(), ..Fetched::default() };
        let readers = Arc::clone(&self.readers);
        self.in_flight.spawn(async move {
            let (_, read) = super::read(Box::new(fetched), &readers).await;
            Done::Told(Box::new(Told { feed: key, read, answer }))
        });
    }

    /// Delivers what a hub told us. It hears of it once all is durable.
    pub(super) async fn told(&mut self, told: Told, way: &Way) -> Result<(), Closed> {
        let Told { feed, read, answer } = told;
        let Some(slot) = self.slots.get_mut(&feed) else {
            answer.send(Heard::Unknown).ok();
            return Ok(());
        };
        let now = Timestamp::now();
        let feed = match read {
            Ok(feed) => feed,
            Err(error) => {
                let feed = net::redacted(&slot.spec.url);
                tracing::warn!(feed, reason = %error, "could not read what the feed's hub brought");
                answer.send(Heard::Taken).ok();
                return Ok(());
            }
        };
        if let Some(push) = &mut slot.state.push {
            push.hear(now);
        }
        let outlet = slot.spec.outlet.as_deref();
        let arrival =
            parse::Arrival { origin: &slot.spec.url, outlet, seen_at: now, occasion: Occasion::Live };
        let found = parse::articles(feed, &arrival);
        let (receipt, received) = oneshot::channel();
        let parcel = slot.parcel(found, Some(receipt));
        self.in_flight.spawn(async move {
            // without a receipt the hub hears nothing, and comes again
            if received.await.is_ok() {
                answer.send(Heard::Taken).ok();
            }
            Done::Nothing
        });
        self.pass_on(parcel, way).await
    }
}
