//! Whether it is the network that is down, and not a server.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use crate::{article::Id, source::fetch::Outcome};

/// So many hosts that fail together have one cause, and it is on our side.
const OUTAGE_HOSTS_MIN: usize = 3;

/// While the network is down, one feed or another is asked so often: its return is seen within seconds.
const LOOK: Duration = Duration::from_secs(5);

/// Hosts that could not be reached since one was.
#[derive(Debug, Default)]
pub(super) struct Outage {
    unreached: BTreeSet<Id>,
    /// When the next feed is asked only to see whether the network is back.
    look: Option<Instant>,
}

impl Outage {
    /// True where this answer shows that the network is back.
    pub(super) fn learn(&mut self, host: Id, outcome: &Outcome) -> bool {
        let was = self.is_the_networks();
        match outcome {
            Outcome::Transient(failure) if failure.unreached => {
                if self.unreached.len() < OUTAGE_HOSTS_MIN {
                    self.unreached.insert(host);
                }
            }
            // among these are addresses that were never asked
            Outcome::Permanent(_) => {}
            _ => self.unreached.clear(),
        }
        let is = self.is_the_networks();
        match (was, is) {
            (false, true) => tracing::warn!("no server can be reached: the network is down"),
            (true, false) => tracing::info!("servers can be reached again"),
            _ => {}
        }
        was && !is
    }

    /// When a feed is asked that was to be asked at `due`: the next one to look for the network is asked soon.
    pub(super) fn look_at(&mut self, due: Instant) -> Instant {
        let now = Instant::now();
        if self.look.is_some_and(|look| look > now) {
            return due;
        }
        let look = due.min(now + LOOK);
        self.look = Some(look);
        look
    }

    pub(super) fn is_the_networks(&self) -> bool {
        self.unreached.len() >= OUTAGE_HOSTS_MIN
    }
}
