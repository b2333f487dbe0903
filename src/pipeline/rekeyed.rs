//! Feeds that give nearly all their known items in another form at once: under other ids, or rewritten from teasers to
//! full texts. None of that is news.

use std::collections::BTreeSet;

use super::{identity, record::Known, view::ViewError};
use crate::article::{Article, Found, Occasion};

/// Fewer changed items than this may well have changed by themselves,
const ITEMS_MIN: usize = 5;

/// as may a smaller part of all items of the answer.
const ITEMS_PERCENT_MIN: usize = 80;

/// Marks the known items of such a feed's answer, and names the feed.
pub(crate) fn mark(found: &mut [Found], known: Known<'_>) -> Result<Option<String>, ViewError> {
    if found.len() < ITEMS_MIN {
        return Ok(None);
    }
    let mut changed = Vec::new();
    let mut addresses = BTreeSet::new();
    for (place, one) in found.iter().enumerate() {
        if let Found::Article(article) = one
            && is_of_feed(article)
            // items that all lead to one page tell nothing by it
            && (article.url.is_none() || addresses.insert(article.url.as_deref()))
            && identity::known_to_the_letter(article, known)?.is_none()
            && identity::is_known(article, known)?
        {
            changed.push(place);
        }
    }
    if changed.len() < ITEMS_MIN || changed.len() * 100 < found.len() * ITEMS_PERCENT_MIN {
        return Ok(None);
    }
    let mut feed = None;
    for place in changed {
        if let Some(Found::Article(article)) = found.get_mut(place) {
            article.occasion = Occasion::Rekeyed;
            feed = Some(article.origin.clone());
        }
    }
    Ok(feed)
}

fn is_of_feed(article: &Article) -> bool {
    article.occasion == Occasion::Live
        && (article.origin.starts_with("https://") || article.origin.starts_with("http://"))
}
