//! What to add to a topic where the user sees it otherwise than the topic does.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{rows, word};
use crate::config::Topic;

/// Topics that came near and are advised on; the nearest.
const MISSES_MAX: usize = 3;

/// A key of a topic as it would have to stand in the config.
pub(super) struct Advice {
    topic: String,
    /// The article matched: only then it may be one that should not.
    matched: bool,
    key: &'static str,
    paths: Vec<PathBuf>,
}

/// What to add where a match is wrong, or a miss. `sample` is the file that holds the article, or that it can be saved to.
pub(super) fn of(topics: &[Topic], answer: &Value, sample: &Path) -> Vec<Advice> {
    let matched = rows(&answer["matches"]).filter(|found| found["outcome"] != "suppressed:sample");
    let near = answer
        .pointer("/why/topics_missed")
        .into_iter()
        .flat_map(rows)
        .filter(|miss| rows(&miss["evidence"]).next().is_some());
    let matched = matched.map(|found| (&found["topic"], true));
    let all = matched.chain(near.take(MISSES_MAX).map(|miss| (&miss["topic"], false)));
    let advised = all.filter_map(|(name, matched)| {
        let topic = topics.iter().find(|topic| *name == topic.name.as_str())?;
        let (key, paths): (_, fn(&Topic) -> &Vec<PathBuf>) = if matched {
            ("not_examples", |topic| &topic.not_examples)
        } else {
            ("examples", |topic| &topic.examples)
        };
        let paths = paths(topic).iter().map(PathBuf::as_path).chain([sample]);
        Some(Advice {
            topic: topic.name.clone(),
            matched,
            key,
            paths: paths.map(Path::to_path_buf).collect(),
        })
    });
    advised.collect()
}

impl Advice {
    pub(super) fn json(&self) -> Value {
        json!({ "topic": self.topic, "key": self.key, "value": self.paths })
    }

    pub(super) fn in_words(&self) -> String {
        let belongs = if self.matched { "does not belong" } else { "belongs" };
        let paths: Vec<Value> = self.paths.iter().map(|path| json!(path.to_string_lossy())).collect();
        format!(
            "  advice    if it {belongs} to {}, its [[topic]] needs: {} = {}",
            word(&json!(self.topic)),
            self.key,
            word(&Value::Array(paths))
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advised(answer: &Value) -> Vec<String> {
        let topic = |name: &str| Topic {
            name: name.to_owned(),
            examples: vec![PathBuf::from("/c/ferry.txt")],
            ..Topic::default()
        };
        of(&[topic("ferry"), topic("port")], answer, Path::new("/c/examples/new.json"))
            .iter()
            .map(Advice::in_words)
            .collect()
    }

    #[test]
    fn a_match_may_be_one_too_many_and_a_miss_one_too_few() {
        let answer = json!({
            "matches": [{ "topic": "ferry", "outcome": "alerted" }],
            "why": { "topics_missed": [{ "topic": "port", "evidence": ["like a sample (0.21)"] }] },
        });
        assert_eq!(
            advised(&answer),
            [
                "  advice    if it does not belong to ferry, its [[topic]] needs: not_examples = [\"/c/examples/new.json\"]",
                "  advice    if it belongs to port, its [[topic]] needs: examples = [\"/c/ferry.txt\",\"/c/examples/new.json\"]",
            ]
        );
    }

    #[test]
    fn samples_and_what_is_far_need_no_advice() {
        let answer = json!({
            "matches": [{ "topic": "ferry", "outcome": "suppressed:sample" }],
            "why": { "topics_missed": [{ "topic": "port", "evidence": [] }] },
        });
        assert_eq!(advised(&answer), Vec::<String>::new());
    }
}
