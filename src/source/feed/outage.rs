//! Whether it is the network that is down, and not a server.

use std::collections::BTreeSet;

use crate::{article::Id, source::fetch::Outcome};

/// So many hosts that fail together have one cause, and it is on our side.
const OUTAGE_HOSTS_MIN: usize = 3;

/// Hosts that could not be reached since one was.
#[derive(Debug, Default)]
pub(super) struct Outage(BTreeSet<Id>);

impl Outage {
    pub(super) fn learn(&mut self, host: Id, outcome: &Outcome) {
        let was = self.is_the_networks();
        match outcome {
            Outcome::Transient(failure) if failure.unreached => {
                if self.0.len() < OUTAGE_HOSTS_MIN {
                    self.0.insert(host);
                }
            }
            // among these are addresses that were never asked
            Outcome::Permanent(_) => {}
            _ => self.0.clear(),
        }
        match (was, self.is_the_networks()) {
            (false, true) => tracing::warn!("no server can be reached: the network is down"),
            (true, false) => tracing::info!("servers can be reached again"),
            _ => {}
        }
    }

    pub(super) fn is_the_networks(&self) -> bool {
        self.0.len() >= OUTAGE_HOSTS_MIN
    }
}
