//! Which report an article is: what it is recognised by, whatever its text says.

use super::{
    address, dedupe,
    fingerprint::{FINGERPRINT_WORDS_MIN, Fingerprint},
    record::{Known, Report},
    text::Words,
    view::ViewError,
};
use crate::article::{Article, Id, Standing};

/// Below so many words of title and text together, equal words are no sign of copying: "Watch live", "Read more".
const COPIED_WORDS_MIN: usize = 8;

/// Two texts under one address that share less than this, and no word of their titles, are two articles.
const SAME_ITEM_SHARE_MIN: f32 = 0.1;

/// The same where the feed gives the item an id of its own that nobody has seen: there are feeds whose items all lead
/// to one page, as well as feeds whose ids change at every fetch.
const RENAMED_ITEM_SHARE_MIN: f32 = 0.3;

/// What an article is recognised by. Hashes, zero where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    /// Of the source and its own id of the item.
    pub(crate) guid: u64,
    /// Of the normalised address.
    pub(crate) url: u64,
    /// Of the normalised text (of title and text where that is short).
    pub(crate) body: u64,
    /// Of normalised title and text.
    pub(crate) text: u64,
    /// Of title and text to the letter.
    pub(crate) raw: u64,
    /// Of the outlet's site.
    pub(crate) site: u64,
    /// `guid` is the feed's, not a drop's.
    pub(crate) named_by_feed: bool,
}

impl Keys {
    /// Those that lead to a report, by how far they are trusted.
    pub(crate) fn known_by(&self) -> impl Iterator<Item = u64> {
        [self.guid, self.url, self.body].into_iter().filter(|key| *key != 0)
    }
}

/// Of the source's own id or the address.
fn outer_keys(article: &Article) -> (u64, u64) {
    // Feeds change their minds about http and https; about all else their ids are taken at their word.
    let guid = article
        .guid
        .as_deref()
        .map(|guid| guid.strip_prefix("http://").or_else(|| guid.strip_prefix("https://")).unwrap_or(guid));
    let own = guid.or(article.input_id.as_deref());
    let guid = own.map_or(0, |own| {
        Id::of(&[b"guid", article.origin.as_bytes(), article.outlet.as_bytes(), own.as_bytes()]).0
    });
    let url = article.url.as_deref().and_then(address::canonical);
    (guid, url.map_or(0, |url| url_key(&url)))
}

/// Of a normalised address.
pub(crate) fn url_key(url: &str) -> u64 {
    Id::of(&[b"url", url.as_bytes()]).0
}

/// Title and text to the letter.
fn raw_key(article: &Article) -> u64 {
    // a notice that takes a report back may repeat its text
    let mark: &[u8] = if article.standing == Standing::Withdrawn { b"withdrawn" } else { b"raw" };
    Id::of(&[mark, article.title.as_bytes(), article.text.as_bytes()]).0
}

/// The site of an article: that of its address, else its outlet's name.
pub(crate) fn site_key(article: &Article) -> u64 {
    dedupe::site_hash(&address::site(article.url.as_deref().unwrap_or(&article.outlet)))
}

/// All keys of an article whose words are known.
pub(crate) fn keys(article: &Article, title: &Words, words: &Words, fingerprint: &Fingerprint) -> Keys {
    let (guid, url) = outer_keys(article);
    let (words_of_title, words) = (title.len(), words.len());
    let title = title.hash_bytes();
    let body = fingerprint.body.map_or([0; 8], |body| body.0.to_be_bytes());
    // A short text is only the same where its title is.
    let body_key = if words < FINGERPRINT_WORDS_MIN {
        Id::of(&[b"short", &title, &body])
    } else {
        Id::of(&[b"body", &body])
    };
    let too_short = words_of_title + words < COPIED_WORDS_MIN;
    Keys {
        guid,
        url,
        body: if too_short { 0 } else { body_key.0 },
        text: Id::of(&[b"text", &title, &body]).0,
        raw: raw_key(article),
        site: site_key(article),
        named_by_feed: article.guid.is_some(),
    }
}

/// The report, if this very article is known to the letter under its own id or address. Costs no analysis, since most
/// of what a feed answers was there before.
pub(crate) fn known_to_the_letter(
    article: &Article,
    known: Known<'_>,
) -> Result<Option<(Id, Report)>, ViewError> {
    let (guid, url) = outer_keys(article);
    let raw = raw_key(article);
    for key in [guid, url].into_iter().filter(|key| *key != 0) {
        if let Some((id, report)) = known.identity(key)?
            && report.raw == raw
        {
            return Ok(Some((id, report)));
        }
    }
    Ok(None)
}

/// Whether some report is known by the article's own id or address.
pub(crate) fn is_known(article: &Article, known: Known<'_>) -> Result<bool, ViewError> {
    let (guid, url) = outer_keys(article);
    for key in [guid, url].into_iter().filter(|key| *key != 0) {
        if known.identity(key)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Tells how much of an article's text stands in a report's, unless that has left the window, and whether their titles
/// meet.
type Share<'a> = &'a mut dyn FnMut(&Report) -> Result<(Option<f32>, bool), ViewError>;

/// What identity alone says.
pub(crate) enum Identified {
    /// A known report with a known text.
    Seen(Id, Report),
    /// A known report with another text; how much of it stands in the last, where that can be told.
    Changed(Id, Report, Option<f32>),
    /// The very text of another outlet's report.
    Reprint(Id, Report),
    /// Not known by any key.
    Unknown,
}

/// Looks an article up by its keys.
pub(crate) fn identify(keys: &Keys, known: Known<'_>, share: Share<'_>) -> Result<Identified, ViewError> {
    let mut reprint = None;
    let mut renamed = false;
    for key in keys.known_by() {
        let Some((id, report)) = known.identity(key)? else {
            renamed |= key == keys.guid && keys.named_by_feed;
            continue;
        };
        if report.texts.contains(&keys.text) && (key != keys.body || report.site == keys.site) {
            return Ok(Identified::Seen(id, report));
        }
        if key == keys.body {
            if report.site == keys.site {
                return Ok(Identified::Changed(id, report, Some(1.0)));
            }
            reprint = Some((id, report));
            continue;
        }
        let (part, titles_meet) = share(&report)?;
        let same_item = match part {
            Some(part) if renamed => {
                part >= RENAMED_ITEM_SHARE_MIN || part >= SAME_ITEM_SHARE_MIN && titles_meet
            }
            Some(part) => part >= SAME_ITEM_SHARE_MIN || titles_meet,
            // an id of its own is trusted for years, an address may have become another item's
            None => key == keys.guid || titles_meet,
        };
        if same_item {
            return Ok(Identified::Changed(id, report, part));
        }
    }
    let Some((id, report)) = reprint else { return Ok(Identified::Unknown) };
    let own = report_id(keys);
    if let Some(own_report) = known.report(own)?
        && own_report.texts.contains(&keys.text)
    {
        return Ok(Identified::Seen(own, own_report));
    }
    Ok(Identified::Reprint(id, report))
}

/// The id of a new report: from the outlet and its address, else its own id, else its text.
pub(crate) fn report_id(keys: &Keys) -> Id {
    let by = [keys.url, keys.guid, keys.body].into_iter().find(|key| *key != 0).unwrap_or(keys.text);
    Id::of(&[b"report", &keys.site.to_be_bytes(), &by.to_be_bytes()])
}

/// The id of a new report whose first choice is taken by another one under the same address.
pub(crate) fn other_report_id(keys: &Keys) -> Id {
    Id::of(&[b"report", &keys.site.to_be_bytes(), &keys.text.to_be_bytes()])
}
