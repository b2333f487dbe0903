//! Articles under an embargo: kept as checkpoints, so that a restart loses none, and delivered when their time has come.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::article::{Article, Checkpoint, Found, Id, Rejected};

/// Begins the key of a held article's checkpoint.
pub(super) const KEY_PREFIX: &str = "held ";

/// Articles that are held at a time.
const HELD_MAX: usize = 10_000;

/// A held article as it is remembered: the checkpoint `held HASH`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Waiting {
    until: Timestamp,
    article: Article,
}

/// What waits for its time, by key.
#[derive(Debug, Default)]
pub(super) struct Held(BTreeMap<String, Waiting>);

impl Held {
    pub(super) fn known(checkpoints: &BTreeMap<String, Value>) -> Self {
        let read = |(key, state): (&String, &Value)| {
            key.starts_with(KEY_PREFIX)
                .then(|| Some((key.clone(), Waiting::deserialize(state).ok()?)))
                .flatten()
        };
        Self(checkpoints.iter().filter_map(read).collect())
    }

    /// When the next one may be told.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.values().map(|waiting| waiting.until).min()
    }

    /// Keeps back what is under an embargo, with the checkpoints that remember it. A later version of a held article
    /// takes its place.
    pub(super) fn keep_back(&mut self, found: Vec<Found>, now: Timestamp) -> (Vec<Found>, Vec<Checkpoint>) {
        let (mut free, mut checkpoints) = (Vec::with_capacity(found.len()), Vec::new());
        for one in found {
            let Found::Article(article) = one else {
                free.push(one);
                continue;
            };
            let key = key_of(&article);
            let until = article.embargo.filter(|until| *until > now);
            if self.0.remove(&key).is_some() && until.is_none() {
                checkpoints.push(Checkpoint { key: key.clone(), state: Value::Null });
            }
            match until {
                None => free.push(Found::Article(Article { embargo: None, ..article })),
                Some(_) if self.0.len() >= HELD_MAX => free.push(Found::Rejected(too_many(&article))),
                Some(until) => {
                    tracing::info!(%until, title = %article.title, "an article is held until its embargo ends");
                    let waiting = Waiting { until, article };
                    checkpoints.push(Checkpoint {
                        key: key.clone(),
                        state: serde_json::to_value(&waiting).unwrap_or(Value::Null),
                    });
                    self.0.insert(key, waiting);
                }
            }
        }
        (free, checkpoints)
    }

    /// What may be told now, at most so many, as if it arrived now.
    pub(super) fn release(&mut self, now: Timestamp, most: usize) -> (Vec<Found>, Vec<Checkpoint>) {
        let due: Vec<String> = self
            .0
            .iter()
            .filter(|(_, waiting)| waiting.until <= now)
            .map(|(key, _)| key.clone())
            .take(most)
            .collect();
        let mut found = Vec::with_capacity(due.len());
        let mut checkpoints = Vec::with_capacity(due.len());
        for key in due {
            if let Some(Waiting { article, .. }) = self.0.remove(&key) {
                found.push(Found::Article(Article { embargo: None, seen_at: now, ..article }));
                checkpoints.push(Checkpoint { key, state: Value::Null });
            }
        }
        (found, checkpoints)
    }
}

/// By its own id, else its address, else what it says.
fn key_of(article: &Article) -> String {
    let own = article.input_id.as_deref().or(article.guid.as_deref()).or(article.url.as_deref());
    let own = own.unwrap_or(&article.text);
    format!("{KEY_PREFIX}{}", Id::of(&[article.origin.as_bytes(), article.outlet.as_bytes(), own.as_bytes()]))
}

fn too_many(article: &Article) -> Rejected {
    Rejected {
        origin: article.origin.clone(),
        place: format!("embargoed {}", article.title),
        reason: format!("more than {HELD_MAX} articles are held for their embargo; drop it again later"),
        input_id: article.input_id.clone(),
        seen_at: article.seen_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn article(id: &str, title: &str, embargo: Option<i64>) -> Found {
        Found::Article(Article {
            input_id: Some(id.to_owned()),
            title: title.to_owned(),
            embargo: embargo.map(|secs| Timestamp::from_second(secs).unwrap()),
            ..Article::default()
        })
    }

    fn titles(found: &[Found]) -> Vec<&str> {
        found
            .iter()
            .map(|one| match one {
                Found::Article(article) => article.title.as_str(),
                Found::Rejected(_) => "",
            })
            .collect()
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    #[test]
    fn what_is_embargoed_waits_also_over_a_restart() {
        let mut held = Held::default();
        let (free, checkpoints) =
            held.keep_back(vec![article("a", "free", Some(5)), article("b", "held", Some(20))], at(10));
        assert_eq!(titles(&free), ["free"]);
        let kept = checkpoints.into_iter().map(|checkpoint| (checkpoint.key, checkpoint.state)).collect();
        let mut held = Held::known(&kept);
        assert_eq!(held.next(), Some(at(20)));
        assert!(held.release(at(19), 10).0.is_empty());
        let (found, gone) = held.release(at(20), 10);
        assert_eq!((titles(&found), gone.len(), gone[0].state.is_null()), (vec!["held"], 1, true));
        assert_eq!(held.next(), None);
    }

    #[test]
    fn a_later_version_takes_the_place() {
        let mut held = Held::default();
        held.keep_back(vec![article("a", "first", Some(20))], at(10));
        held.keep_back(vec![article("a", "second", Some(30))], at(11));
        assert_eq!(held.next(), Some(at(30)));
        let (free, gone) = held.keep_back(vec![article("a", "third", None)], at(12));
        assert_eq!((titles(&free), gone.len(), held.next()), (vec!["third"], 1, None));
    }
}
