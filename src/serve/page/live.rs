//! Alerts on their way to a reader, as server-sent events.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use hyper::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, broadcast};
use tokio_util::sync::CancellationToken;

use super::parts;
use crate::article::Alert;

/// Alerts that are caught up with when a reader comes back.
pub(super) const MISSED_MAX: usize = 50;

/// After so much silence a sign of life is sent.
const SILENCE: Duration = Duration::from_secs(20);

/// One who watches.
pub(super) struct Watcher {
    heard: broadcast::Receiver<Arc<Alert>>,
    missed: VecDeque<Alert>,
    /// Number of the last alert that was sent.
    last: u64,
    greeted: bool,
    stop: CancellationToken,
    /// His place among those who may watch at once.
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    pub(super) fn new(
        heard: broadcast::Receiver<Arc<Alert>>,
        place: OwnedSemaphorePermit,
        stop: CancellationToken,
    ) -> Self {
        Self { heard, missed: VecDeque::new(), last: 0, greeted: false, stop, _place: place }
    }

    /// First these, in their order.
    pub(super) fn after(mut self, missed: Vec<Alert>) -> Self {
        self.missed = missed.into();
        self
    }

    /// The next bytes; none once the daemon stops.
    pub(super) async fn next(mut self) -> Option<(Bytes, Self)> {
        if !self.greeted {
            self.greeted = true;
            return Some((Bytes::from_static(b"retry: 3000\n\n"), self));
        }
        loop {
            if let Some(alert) = self.missed.pop_front() {
                self.last = alert.seq;
                return Some((event(&alert), self));
            }
            let stop = self.stop.clone();
            let heard = tokio::select! {
                () = stop.cancelled() => return None,
                heard = tokio::time::timeout(SILENCE, self.heard.recv()) => heard,
            };
            match heard {
                Err(_) => return Some((Bytes::from_static(b":\n\n"), self)),
                Ok(Ok(alert)) if alert.seq > self.last => {
                    self.last = alert.seq;
                    return Some((event(&alert), self));
                }
                // Sent already, among what was missed; or too many at once: the next is as good.
                Ok(Ok(_) | Err(broadcast::error::RecvError::Lagged(_))) => {}
                Ok(Err(broadcast::error::RecvError::Closed)) => return None,
            }
        }
    }
}

fn event(alert: &Alert) -> Bytes {
    let html = parts::alert(alert, true).into_string().replace(['\n', '\r'], " ");
    Bytes::from(format!("id: {}\nevent: alert\ndata: {html}\n\n", alert.seq))
}
