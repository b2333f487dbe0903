//! Where articles come from: feeds that are polled and directories that are watched. Knows nothing of topics, alerts,
//! the store or the config file; what it needs of them comes as the plain values below.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::event::FullText;

pub mod clean;
pub mod credentials;
pub mod date;
pub mod discover;
pub mod drop;
pub mod feed;
pub mod fetch;
pub mod format;
pub mod fulltext;
pub mod net;
pub mod opml;
pub mod page;
pub mod parse;
mod schema;
mod send;
pub mod turns;
mod worker;

/// How feeds and pages are asked for: the table `[fetch]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchLimits {
    /// Interval of a feed whose rhythm is not yet known.
    pub poll_secs_default: u32,
    /// No feed is asked more often than this.
    pub poll_secs_min: u32,
    /// Every feed is asked at least this often, but for a server's wish not to be.
    pub poll_secs_max: u32,
    /// Between the starts of two requests to one host.
    pub per_host_gap_secs: u32,
    /// For the whole of one exchange, redirects and body included.
    pub timeout_secs: u32,
    /// So long an item of a feed waits for its page; then it is decided on its teaser.
    pub page_wait_secs: u32,
    /// Of one body, after decompression.
    pub body_bytes_max: usize,
    /// Private addresses that configured feeds may have.
    pub allow_private: Vec<net::Exemption>,
    /// Address or mail of whoever runs this, for the servers' people.
    pub contact: Option<String>,
    /// By which every public address is asked for.
    pub proxy: Option<Proxy>,
}

impl FetchLimits {
    /// Between the starts of two requests to one host.
    pub fn per_host_gap(&self) -> Duration {
        Duration::from_secs(self.per_host_gap_secs.into())
    }
}

/// An HTTP proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// http or https.
    pub url: url::Url,
    /// What it asks of us.
    pub credentials: Option<Arc<credentials::Credentials>>,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            poll_secs_default: 900,
            poll_secs_min: 300,
            poll_secs_max: 86_400,
            per_host_gap_secs: 5,
            timeout_secs: 30,
            page_wait_secs: 20,
            body_bytes_max: 8 << 20,
            allow_private: Vec::new(),
            contact: None,
            proxy: None,
        }
    }
}

/// What an address is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeedKind {
    /// A feed: its entries.
    #[default]
    Feed,
    /// A sitemap: the reports that it names with a title; of an index of sitemaps those that changed of late.
    Sitemap,
}

/// One feed to poll.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedSpec {
    /// Address as configured, http or https.
    pub url: Box<str>,
    /// Who publishes; else each article's host.
    pub outlet: Option<Box<str>>,
    /// Fixes the interval; the server may ask for a longer one.
    pub poll_secs: Option<u32>,
    /// Whether pages are fetched.
    pub full_text: FullText,
    /// What is expected there.
    pub kind: FeedKind,
    /// Sent to the feed's own server, and to no other.
    pub credentials: Option<Arc<credentials::Credentials>>,
}

/// What becomes of a dropped file once it is read and its decisions are durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Finished {
    /// It stays, and is remembered.
    #[default]
    Keep,
    /// It is moved to `done/` in the drop.
    Done,
    /// It is deleted.
    Delete,
}

/// One directory to watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DropSpec {
    /// The directory, absolute.
    pub path: PathBuf,
    /// Who publishes, where an article neither says so nor has an address.
    pub outlet: Option<String>,
    /// What becomes of a file that was read.
    pub finished: Finished,
    /// A file without any article is moved to `rejected/` in the drop, its reasons beside it.
    pub move_rejected: bool,
    /// Subdirectories are read too.
    pub subdirectories: bool,
}

impl DropSpec {
    /// Whether anything is done to files that were read.
    fn puts_away(&self) -> bool {
        self.finished != Finished::Keep || self.move_rejected
    }
}
