//! Handing things through the door without standing still: while the pipeline is busy the source waits, alive.

use std::time::Duration;

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot},
    time,
};
use tokio_util::sync::CancellationToken;

use crate::{
    article::{Checkpoint, DELIVERY_BYTES_MAX, DELIVERY_FOUND_MAX, Delivery, Found, Receipt},
    event::Event,
    failpoint,
    pulse::Pulse,
};

/// Longest time without a beat.
pub(crate) const BEAT: Duration = Duration::from_millis(500);

/// The pipeline is gone or the daemon stops: there is nobody to deliver to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// What a source works with: where it delivers, how it shows that it lives, when it ends.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) door: mpsc::Sender<Event>,
    pub(crate) pulse: Pulse,
    pub(crate) stop: CancellationToken,
}

impl Way {
    /// Hands over, and waits as long as the door is full.
    pub(crate) async fn deliver(
        &self,
        found: Vec<Found>,
        checkpoints: Vec<Checkpoint>,
    ) -> Result<(), Closed> {
        self.hand_over(found, checkpoints, None).await
    }

    /// The same for one who must know when all of it is durable.
    pub(crate) async fn deliver_for_receipt(
        &self,
        found: Vec<Found>,
        checkpoints: Vec<Checkpoint>,
    ) -> Result<oneshot::Receiver<Receipt>, Closed> {
        let (receipt, received) = oneshot::channel();
        self.hand_over(found, checkpoints, Some(receipt)).await?;
        Ok(received)
    }

    /// The same in deliveries of bounded size, checkpoints and receipt with the last.
    pub(crate) async fn deliver_in_parts(
        &self,
        found: Vec<Found>,
        checkpoints: Vec<Checkpoint>,
        receipt: Option<oneshot::Sender<Receipt>>,
    ) -> Result<(), Closed> {
        let mut part = Vec::new();
        let mut bytes = 0;
        for next in found {
            let weight = match &next {
                Found::Article(article) => article.title.len() + article.text.len(),
                Found::Rejected(_) => 0,
            };
            if part.len() == DELIVERY_FOUND_MAX || (!part.is_empty() && bytes + weight > DELIVERY_BYTES_MAX) {
                self.deliver(std::mem::take(&mut part), Vec::new()).await?;
                bytes = 0;
            }
            bytes += weight;
            part.push(next);
        }
        self.hand_over(part, checkpoints, receipt).await
    }

    /// The same; the receipt comes once all is durable.
    pub(crate) async fn hand_over(
        &self,
        found: Vec<Found>,
        checkpoints: Vec<Checkpoint>,
        receipt: Option<oneshot::Sender<Receipt>>,
    ) -> Result<(), Closed> {
        loop {
            self.pulse.beat();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Closed),
                permit = self.door.reserve() => {
                    let delivery = Delivery { at: Timestamp::now(), found, checkpoints, receipt };
                    failpoint::pass("hand-over");
                    permit.map_err(|_| Closed)?.send(delivery.into());
                    return Ok(());
                }
                () = time::sleep(BEAT) => {}
            }
        }
    }
}
