//! A new topic, from sample reports.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use super::{
    backtest::try_topic,
    samples::{self, Samples},
};
use crate::{
    config::{self, Config},
    event::TopicRule,
    pipeline::{
        backtest::Backtest,
        topic::propose::{Proposal, propose},
    },
};

/// A topic that is proposed.
#[derive(Debug)]
pub struct NewTopic {
    /// As the user calls it.
    pub name: String,
    /// From the samples.
    pub proposal: Proposal,
    /// Number of sample articles.
    pub samples: usize,
    /// Their files, absolute.
    pub examples: Vec<PathBuf>,
    /// What it would have done over the journal; none where nothing is stored.
    pub tried: Option<Backtest>,
}

/// Reads samples (files, stored reports by id or address, pages), proposes a topic, and tries it over the journal. What is
/// no file yet is saved into `folder`, and `saved` hears where.
///
/// # Errors
/// When the name is taken or none, a sample cannot be read or saved, or the journal cannot be read.
pub fn new_topic(
    config: &Config,
    (name, folder): (&str, &Path),
    wanted: &[String],
    saved: &mut dyn FnMut(&str, &Path),
) -> anyhow::Result<NewTopic> {
    let name = &config::topic_name(name)
        .map_err(|expected| anyhow!("a topic cannot be called \"{name}\": expected {expected}"))?;
    if config.topics.iter().any(|topic| topic.name == *name) {
        bail!("{} has a topic \"{name}\" already: choose another name", config.path.display());
    }
    let Samples { articles, files: examples } = samples::read(config, (name, folder), wanted, saved)?;
    let proposal = propose(&articles);
    let samples = articles.len();
    let topic = TopicRule {
        name: name.to_owned(),
        query: proposal.query.clone(),
        examples: articles,
        min_outlets: 1,
        ..TopicRule::default()
    };
    let tried = try_topic(config, topic)?;
    Ok(NewTopic { name: name.to_owned(), proposal, samples, examples, tried })
}
