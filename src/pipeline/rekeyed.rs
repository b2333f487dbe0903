//! Feeds that give nearly all their known items in another form at once: under other ids, rewritten from teasers to full
//! texts, or under ids and addresses that are all new. None of that is news.

use std::collections::BTreeSet;

use super::{
    fingerprint,
    identity::{self, Keys},
    record::Known,
    text,
    view::ViewError,
};
use crate::article::{Article, Found, Occasion};

/// Fewer changed items than this may well have changed by themselves,
const ITEMS_MIN: usize = 5;

/// as may a smaller part of all items of the answer.
const ITEMS_PERCENT_MIN: usize = 80;

/// A feed whose known items came in another form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rekeyed {
    pub(crate) feed: String,
    pub(crate) items: usize,
    /// By their texts alone: whatever else they were known by is new.
    pub(crate) by_text: bool,
}

/// Marks the known items of such a feed's answer, and names the feed.
pub(crate) fn mark(found: &mut [Found], known: Known<'_>) -> Result<Option<Rekeyed>, ViewError> {
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
    if !are_nearly_all(changed.len(), found.len()) {
        return known_by_text(found, known);
    }
    let mut rekeyed = None;
    let items = changed.len();
    for place in changed {
        if let Some(Found::Article(article)) = found.get_mut(place) {
            article.occasion = Occasion::Rekeyed;
            rekeyed = Some(Rekeyed { feed: article.origin.clone(), items, by_text: false });
        }
    }
    Ok(rekeyed)
}

/// Such items are repeats without a mark; the feed is only named. A feed that is new is told by its first few items.
fn known_by_text(found: &[Found], known: Known<'_>) -> Result<Option<Rekeyed>, ViewError> {
    let (mut items, mut others, mut feed) = (0, 0, None);
    for one in found {
        if !are_nearly_all(found.len() - others, found.len()) {
            return Ok(None);
        }
        match one {
            Found::Article(article) if is_of_feed(article) && is_known_by_text(article, known)? => {
                items += 1;
                feed = Some(&article.origin);
            }
            _ => others += 1,
        }
    }
    let feed = feed.filter(|_| are_nearly_all(items, found.len()));
    Ok(feed.map(|feed| Rekeyed { feed: feed.clone(), items, by_text: true }))
}

/// Whether the outlet gave this text before, under another id and address.
fn is_known_by_text(article: &Article, known: Known<'_>) -> Result<bool, ViewError> {
    if identity::is_known(article, known)? {
        return Ok(false);
    }
    let (title, words) = (text::words(&article.title), text::words(&article.text));
    let Keys { body, site, .. } = identity::keys(article, &title, &words, &fingerprint::fingerprint(&words));
    let report = if body == 0 { None } else { known.identity(body)? };
    Ok(report.is_some_and(|(_, report)| report.site == site))
}

fn are_nearly_all(items: usize, of: usize) -> bool {
    items >= ITEMS_MIN && items * 100 >= of * ITEMS_PERCENT_MIN
}

fn is_of_feed(article: &Article) -> bool {
    article.occasion == Occasion::Live
        && (article.origin.starts_with("https://") || article.origin.starts_with("http://"))
}
