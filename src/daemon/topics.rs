//! A new topic, from sample reports.

use std::{io, path::PathBuf};

use anyhow::{anyhow, bail};

use super::{
    backtest::try_topic,
    rules::{SAMPLES_MAX, read_articles},
};
use crate::{
    config::Config,
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

/// Reads samples, proposes a topic, and tries it over the journal.
///
/// # Errors
/// When the name is taken, a sample cannot be read, or the journal cannot.
pub fn new_topic(config: &Config, name: &str, samples: &[PathBuf]) -> anyhow::Result<NewTopic> {
    if config.topics.iter().any(|topic| topic.name == name) {
        bail!("{} has a topic \"{name}\" already: choose another name", config.path.display());
    }
    let examples = samples.iter().map(std::path::absolute).collect::<io::Result<Vec<_>>>()?;
    let mut articles = Vec::new();
    for path in &examples {
        let read = read_articles(path)
            .map_err(|fault| anyhow!("the sample {} could not be read: {fault}", path.display()))?;
        articles.extend(read);
    }
    articles.truncate(SAMPLES_MAX);
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
