//! What topics would have alerted over the journal: read in this process, whether a daemon runs or not.

use anyhow::{Context, bail};

use super::{journal_progress, read_rules};
use crate::{
    config::Config,
    event::{Rules, TopicRule},
    journal::reader::Reader,
    pipeline::backtest::{self, Backtest},
};

/// Tries the config's topics, or one of them, over the journal.
///
/// # Errors
/// When there is no such topic, or the journal cannot be read.
pub fn backtest(config: &Config, topic: Option<&str>) -> anyhow::Result<(Backtest, Vec<String>)> {
    let (mut rules, warnings) = read_rules(config, None);
    if let Some(topic) = topic {
        rules.topics.retain(|rule| rule.name == topic);
        if rules.topics.is_empty() {
            bail!("{} has no topic \"{topic}\": it has {}", config.path.display(), names(config));
        }
    } else if rules.topics.is_empty() {
        bail!("{} has no topics: add a [[topic]]", config.path.display());
    }
    Ok((over_the_journal(config, rules)?, warnings))
}

/// Tries a topic that stands in no config yet; nothing where nothing was ever stored.
///
/// # Errors
/// When the journal cannot be read.
pub(super) fn try_topic(config: &Config, topic: TopicRule) -> anyhow::Result<Option<Backtest>> {
    if !config.state_dir.exists() {
        return Ok(None);
    }
    let (rules, _) = read_rules(&Config { topics: Vec::new(), ..config.clone() }, None);
    over_the_journal(config, Rules { topics: vec![topic], ..rules }).map(Some)
}

fn over_the_journal(config: &Config, rules: Rules) -> anyhow::Result<Backtest> {
    let journal = Reader::open(&config.state_dir)
        .with_context(|| format!("could not read the journal in {}", config.state_dir.display()))?;
    let bar = journal_progress("judging");
    let tried = backtest::backtest(&journal, rules, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    Ok(tried)
}

fn names(config: &Config) -> String {
    let names: Vec<_> = config.topics.iter().map(|topic| topic.name.as_str()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
