//! What the parts of the daemon begin with: how far each had come, as the journal says.

use std::collections::BTreeMap;

use crate::{
    alert::sink,
    config::Config,
    pipeline::Pipeline,
    source::{self, feed::Known, fulltext},
};

/// How far the parts had come.
pub(super) struct Remembered {
    pub(super) feeds: Known,
    pub(super) pages: fulltext::Known,
    pub(super) sinks: sink::Beginning,
    pub(super) drops: BTreeMap<String, serde_json::Value>,
}

impl Remembered {
    pub(super) fn by(pipeline: &Pipeline, config: &Config) -> anyhow::Result<Self> {
        let (mut feeds, mut pages, mut drops) =
            (Known::default(), fulltext::Known::default(), BTreeMap::new());
        let mut sinks = sink::Beginning::new(pipeline.alerts_end(), config.state_dir.clone());
        pipeline.each_checkpoint(|key, state| {
            if key.starts_with(source::feed::KEY_PREFIX) {
                feeds.learn(key, state);
            } else if key.starts_with(fulltext::KEY_PREFIX) {
                pages.learn(key, state);
            } else if !sinks.learn(key, state)
                && let Ok(state) = serde_json::from_slice(state)
            {
                drops.insert(key.to_owned(), state);
            }
        })?;
        Ok(Self { feeds, pages, sinks, drops })
    }
}
