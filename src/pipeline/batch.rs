//! What is decided together: all that waits, up to a bound.

use rayon::prelude::*;
use tokio::sync::mpsc;

use super::{
    decide::{self, Analysis},
    state::State,
};
use crate::{
    article::{Article, DELIVERY_BYTES_MAX, DELIVERY_FOUND_MAX, Delivery, Found},
    event::Event,
    failpoint,
    poison::Reading,
};

/// From so many articles on a batch is analysed by several threads.
const PARALLEL_ARTICLES_MIN: usize = 8;

/// So many articles of a batch are analysed before the first of them is decided: what is found in a text takes several
/// times the memory that it takes itself.
pub(super) const ANALYSED_AT_ONCE: usize = 64;

/// A batch: all that waits, up to its bounds, and the first event that is something else.
pub(super) fn gather(first: Delivery, events: &mut mpsc::Receiver<Event>) -> (Vec<Delivery>, Option<Event>) {
    let (mut count, mut bytes) = size(&first);
    let mut deliveries = vec![first];
    while count < DELIVERY_FOUND_MAX && bytes < DELIVERY_BYTES_MAX {
        match events.try_recv() {
            Ok(Event::Batch(delivery)) => {
                let (more, larger) = size(&delivery);
                count += more;
                bytes += larger;
                deliveries.push(delivery);
            }
            Ok(other) => return (deliveries, Some(other)),
            Err(_) => break,
        }
    }
    (deliveries, None)
}

fn size(delivery: &Delivery) -> (usize, usize) {
    let bytes = delivery.found.iter().map(|found| match found {
        Found::Article(article) => article.text.len(),
        Found::Rejected(_) => 0,
    });
    (delivery.found.len(), bytes.sum())
}

/// The results in the order of the input, by several threads where there are many. The threads live as long as the
/// process: new ones would have their memory made anew each time.
pub(super) fn in_parallel<T: Sync, U: Send>(all: &[T], each: impl Fn(&T) -> U + Sync + Send) -> Vec<U> {
    if all.len() < PARALLEL_ARTICLES_MIN {
        return all.iter().map(each).collect();
    }
    all.par_iter().map(each).collect()
}

/// Analyses the articles in their order.
pub(super) fn analyse_all(articles: &[(&Article, &Reading)], state: &State) -> Vec<Analysis> {
    in_parallel(articles, |(article, reading)| {
        let _note = reading.last_note();
        failpoint::pass_with("analyse", article.title.as_bytes());
        decide::analyse(article, &state.names)
    })
}
