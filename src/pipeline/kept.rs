//! What is left of an article when its text expires, and what that still says to the fold.

use super::{
    decide::Analysis,
    fingerprint::{self, Fingerprint},
    identity::{self, Keys},
    story::Features,
    text::{self, Words},
};
use crate::{
    article::{Alert, Article, Decision, Id},
    journal::{
        Line,
        remains::{KeptArticle, Marks},
    },
    pipeline::topic::Traced,
};

/// What is left of a line of the journal whose text expires; none of what is no article, or has no text any more.
pub fn keep(line: Line) -> Option<KeptArticle> {
    match line {
        Line::Article { seq, article, decision, alerts, traces, marks: None, .. } => {
            Some(kept(seq, &article, &decision, alerts, traces))
        }
        _ => None,
    }
}

/// What is left of an article.
pub(super) fn kept(
    seq: u64,
    article: &Article,
    decision: &Decision,
    alerts: Vec<Alert>,
    traces: Vec<Traced>,
) -> KeptArticle {
    let words = text::words(&article.text);
    let fingerprint = fingerprint::fingerprint(&words);
    let keys = identity::keys(article, &text::words(&article.title), &words, &fingerprint);
    KeptArticle::of(seq, article, decision, alerts, traces, marks(&keys, fingerprint.words))
}

fn marks(keys: &Keys, words: u32) -> Marks {
    Marks {
        guid: Id(keys.guid),
        url: Id(keys.url),
        body: Id(keys.body),
        text: Id(keys.text),
        raw: Id(keys.raw),
        site: Id(keys.site),
        words,
    }
}

/// What is known of an article without its text: it is recognised, but nothing is compared with it.
pub(super) fn analysis(article: &Article, decision: &Decision, marks: &Marks) -> Analysis {
    Analysis {
        title: text::words(&article.title),
        words: Words::default(),
        fingerprint: Fingerprint { words: marks.words, ..Fingerprint::default() },
        keys: Keys {
            guid: marks.guid.0,
            url: marks.url.0,
            body: marks.body.0,
            text: marks.text.0,
            raw: marks.raw.0,
            site: marks.site.0,
            named_by_feed: false,
        },
        language: decision.article.language.clone(),
        entities: decision.entities.clone(),
        quotes: Vec::new(),
        features: Features::default(),
    }
}
