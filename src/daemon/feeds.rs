//! From the config's feeds to those of the schedule: their credentials, the limits, and where hubs reach us.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, anyhow};
use ring::rand::{SecureRandom, SystemRandom};

use super::questions::Desk;
use crate::{
    alert::sink::webhook::Secret,
    config::{self, Config},
    health::Standing,
    serve::control::Request,
    source::{
        FeedKind, FeedSpec, FetchLimits, Proxy,
        credentials::Credentials,
        feed::{self, push::Callback},
        net,
    },
};

/// Larger files hold no credentials.
const CREDENTIALS_BYTES_MAX: u64 = 64 << 10;

/// Feeds that are asked about at one time.
const FEEDS_AT_ONCE: usize = 500;

/// In the state directory: from this the paths and secrets of hubs' callbacks are made.
const HUB_KEY_FILE: &str = "websub.key";

/// The feeds to ask, and what keeps some of their credentials from being used.
pub(super) fn feed_specs(config: &Config) -> (feed::Specs, Vec<String>) {
    let mut warnings = Vec::new();
    let mut spec = |feed: &config::Feed| {
        let credentials = feed.credentials.as_deref().and_then(|path| {
            let read = read_credentials(path);
            read.map_err(|fault| warnings.push(format!("feed {}: {fault}", net::redacted(&feed.url)))).ok()
        });
        Arc::new(FeedSpec {
            url: feed.url.as_str().into(),
            outlet: feed.outlet.as_deref().map(Box::from),
            poll_secs: feed.poll_secs,
            full_text: feed.full_text,
            kind: match feed.kind {
                config::FeedKind::Feed => FeedKind::Feed,
                config::FeedKind::Sitemap => FeedKind::Sitemap,
            },
            credentials: credentials.map(Arc::new),
        })
    };
    let specs = config.feeds.iter().map(&mut spec).collect();
    (Arc::new(specs), warnings)
}

/// How feeds are asked, and what keeps the proxy's credentials from being used.
pub(super) fn fetch_limits(config: &Config) -> (FetchLimits, Vec<String>) {
    let fetch = &config.fetch;
    let mut warnings = Vec::new();
    let proxy = fetch.proxy.as_deref().and_then(|proxy| proxy.parse().ok()).map(|url| Proxy {
        url,
        credentials: fetch.proxy_credentials.as_deref().and_then(|path| {
            let read = read_credentials(path);
            read.map_err(|fault| warnings.push(format!("the proxy: {fault}"))).ok().map(Arc::new)
        }),
    });
    let limits = FetchLimits {
        poll_secs_default: fetch.poll_secs_default,
        poll_secs_min: fetch.poll_secs_min,
        poll_secs_max: fetch.poll_secs_max,
        per_host_gap_secs: fetch.per_host_gap_secs,
        timeout_secs: fetch.timeout_secs,
        page_wait_secs: fetch.page_wait_secs,
        body_bytes_max: fetch.body_bytes_max,
        // Checked with the same grammar when the config was read.
        allow_private: fetch.allow_private.iter().filter_map(|exemption| exemption.parse().ok()).collect(),
        contact: fetch.contact.clone(),
        proxy,
    };
    (limits, warnings)
}

pub(super) fn read_credentials(path: &Path) -> Result<Credentials, String> {
    let text = read_private(path)?;
    text.parse().map_err(|fault| format!("the credentials {} cannot be used: {fault}", path.display()))
}

/// The secret that a webhook is signed with.
pub(super) fn read_secret(path: &Path) -> Result<Secret, String> {
    let text = read_private(path)?;
    text.parse().map_err(|fault| format!("the secret {} cannot be used: {fault}", path.display()))
}

/// A file that others should not read.
fn read_private(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let mut text = String::new();
    let file =
        fs::File::open(path).map_err(|fault| format!("could not open the credentials {shown}: {fault}"))?;
    let metadata =
        file.metadata().map_err(|fault| format!("could not look at the credentials {shown}: {fault}"))?;
    if metadata.mode() & 0o007 != 0 {
        tracing::warn!("everybody on this machine may use the credentials {shown}: chmod o= it");
    }
    let read = file.take(CREDENTIALS_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|fault| format!("could not read the credentials {shown}: {fault}"))?;
    Ok(text)
}

/// Where hubs reach us, if the config says so; the key is made once.
pub(super) fn callback(config: &Config) -> anyhow::Result<Option<Callback>> {
    let Some(websub) = &config.websub else { return Ok(None) };
    let path = config.state_dir.join(HUB_KEY_FILE);
    let key = hub_key(&path).with_context(|| format!("could not read or make {}", path.display()))?;
    let base = websub.callback.parse().context("the callback of [websub] is no address")?;
    Ok(Some(Callback { base, key }))
}

fn hub_key(path: &Path) -> anyhow::Result<[u8; 32]> {
    match fs::read(path) {
        Ok(bytes) => {
            bytes.try_into().map_err(|_| anyhow!("it does not hold 32 bytes: remove it to have it made anew"))
        }
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
            let mut key = [0; 32];
            SystemRandom::new().fill(&mut key).map_err(|_| anyhow!("the system gives no random bytes"))?;
            let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(&key)?;
            file.sync_all()?;
            Ok(key)
        }
        Err(fault) => Err(fault.into()),
    }
}

/// A feed of the config, nothing known of it.
pub(super) fn unasked(feed: &config::Feed) -> Standing {
    Standing {
        url: feed.url.clone(),
        name: Some(feed.name.clone()),
        kind: match feed.kind {
            config::FeedKind::Feed => "feed",
            config::FeedKind::Sitemap => "sitemap",
        },
        outlet: feed.outlet.clone(),
        folder: feed.folder.clone(),
        state: None,
    }
}

/// Tells of each feed in the config's order, some at a time: there may be very many.
///
/// # Errors
/// When neither the daemon nor the store can be asked, and what `each` says.
pub fn each_feed(
    desk: &mut Desk<'_>,
    mut each: impl FnMut(Standing) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let feeds = &desk.config.feeds;
    for some in feeds.chunks(FEEDS_AT_ONCE) {
        let key = |feed: &config::Feed| format!("{}{}", feed::KEY_PREFIX, feed.url);
        let states = desk.ask(Request::Checkpoints(some.iter().map(key).collect()))?;
        let states: Vec<Option<String>> = serde_json::from_value(states)?;
        for (feed, state) in some.iter().zip(states) {
            each(Standing { state, ..unasked(feed) })?;
        }
    }
    if !feeds.iter().any(|feed| feed.kind == config::FeedKind::Sitemap) {
        return Ok(());
    }
    let mut from = feed::KEY_PREFIX.to_owned();
    loop {
        let rows: Vec<(String, String)> = serde_json::from_value(desk.ask(Request::CheckpointsFrom(from))?)?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        from = format!("{last}\0");
        for (key, state) in rows {
            let Some(url) = key.strip_prefix(feed::KEY_PREFIX) else { return Ok(()) };
            // the index stands by its name in few of them
            if state.contains("\"below\"") {
                each(Standing {
                    url: url.to_owned(),
                    kind: "sitemap",
                    state: Some(state),
                    ..Standing::default()
                })?;
            }
        }
    }
}
