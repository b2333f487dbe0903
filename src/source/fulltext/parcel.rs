//! What feeds bring, on its way to the desk.

use std::sync::Arc;

use tokio::{
    sync::{mpsc, oneshot},
    time,
};

use crate::{
    article::{Checkpoint, Found, Receipt},
    source::{
        FeedSpec,
        send::{BEAT, Closed, Way},
    },
};

/// What a feed's answer, or its hub, brought.
#[derive(Debug)]
pub struct Parcel {
    pub(in crate::source) spec: Arc<FeedSpec>,
    /// The configured address on whose behalf pages are asked for.
    pub(in crate::source) configured: Box<str>,
    pub(in crate::source) found: Vec<Found>,
    pub(in crate::source) checkpoint: Checkpoint,
    pub(in crate::source) receipt: Option<oneshot::Sender<Receipt>>,
}

impl Parcel {
    /// Hands it over, and waits as long as there is no place.
    pub(in crate::source) async fn send(self, to: &mpsc::Sender<Self>, way: &Way) -> Result<(), Closed> {
        loop {
            way.pulse.beat();
            tokio::select! {
                biased;
                () = way.stop.cancelled() => return Err(Closed),
                place = to.reserve() => {
                    place.map_err(|_| Closed)?.send(self);
                    return Ok(());
                }
                () = time::sleep(BEAT) => {}
            }
        }
    }
}
