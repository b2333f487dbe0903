//! What hubs say to us at the public callback (`WebSub`), on its way from the server of the callback to the schedule of
//! feeds. Knows none of the rooms.

use std::time::Duration;

use tokio::sync::oneshot;

/// One request of a hub.
#[derive(Debug)]
pub enum Call {
    /// It wants to know whether we asked for a subscription.
    Verify(Verify),
    /// It brings news.
    News(News),
}

/// A hub's question whether something was asked for, or its refusal.
#[derive(Debug)]
pub struct Verify {
    /// The last part of the callback's address.
    pub token: String,
    /// `subscribe`, `unsubscribe` or `denied`.
    pub mode: String,
    /// By which address it knows the feed.
    pub topic: String,
    /// For how long it would tell us.
    pub lease: Option<Duration>,
    /// Why it refused.
    pub reason: Option<String>,
    /// Told whether we agree.
    pub answer: oneshot::Sender<bool>,
}

/// What a hub brings.
#[derive(Debug)]
pub struct News {
    /// The last part of the callback's address.
    pub token: String,
    /// As the hub says.
    pub content_type: Option<String>,
    /// `X-Hub-Signature`.
    pub signature: Option<String>,
    /// A feed with what is new, or the whole of it.
    pub body: Vec<u8>,
    /// Told once all of it is durable.
    pub answer: oneshot::Sender<Heard>,
}

/// What became of a hub's news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is kept, or nothing that is to be kept: the hub need not come again with it.
    Taken,
    /// Nobody here wants it: the hub may forget us.
    Unknown,
}
