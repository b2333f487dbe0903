//! The page of a running daemon: where it is, and what of the house it is shown.

use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{feeds, listening};
use crate::{
    article::Alert,
    config::{Feed, Listen, Serve},
    event::Event,
    health::Standing,
    pulse::Pulse,
    reading::Room,
    serve::page::{self, Door, Hosts, House},
};

/// What the page is shown.
pub(super) struct Shown {
    pub(super) room: Arc<Room>,
    pub(super) door: mpsc::Sender<Event>,
    pub(super) heard: broadcast::Sender<Arc<Alert>>,
    /// The feeds of the config as it is now.
    pub(super) feeds: watch::Receiver<Arc<[Standing]>>,
    /// Parts that stand still.
    pub(super) stuck: watch::Receiver<Vec<&'static str>>,
}

/// Opens the page.
pub(super) fn open(serve: &Serve) -> anyhow::Result<Door> {
    let door = match &serve.listen {
        Listen::Tcp(address) => Door::tcp(*address)?,
        Listen::Unix(path) => Door::unix(path)?,
    };
    let place =
        door.address().map_or_else(|| serve.listen.to_string(), |address| format!("http://{address}/"));
    tracing::info!("the page is at {place}");
    Ok(door)
}

/// Serves it, as soon as it is open, until `stop`.
pub(super) async fn serve(
    first: anyhow::Result<Door>,
    serve: Serve,
    shown: Shown,
    pulse: Pulse,
    stop: CancellationToken,
) {
    let opened = pulse.along(listening::opened(first, || open(&serve)));
    let Some(door) = stop.run_until_cancelled(opened).await else { return };
    let hosts = Hosts::new(door.address(), &serve.public_hosts);
    let house = House::new(shown.room, hosts, shown.door, shown.heard, shown.feeds, shown.stuck);
    page::serve(door, house, pulse, stop).await;
}

/// What the page knows of the feeds by the config alone.
pub(super) fn feeds_shown(feeds: &[Feed]) -> Arc<[Standing]> {
    feeds.iter().map(feeds::unasked).collect()
}
