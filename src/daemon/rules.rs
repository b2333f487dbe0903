//! From the config's topics to the rules by which the pipeline decides: reads the sample articles.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::{
    article::{Article, Found},
    config::{self, Config},
    event::{Rules, TopicRule},
    source::format,
};

/// Most sample articles of one topic; of more, the first in the order of patterns and names count.
pub(super) const SAMPLES_MAX: usize = 64;

/// Reads the rules of a config. A sample that cannot be read is a warning; of a topic that had samples before, the
/// last ones then stay.
pub fn read_rules(config: &Config, before: Option<&Rules>) -> (Rules, Vec<String>) {
    let mut warnings = Vec::new();
    let mut topics = Vec::with_capacity(config.topics.len());
    for topic in &config.topics {
        let last = before.and_then(|rules| rules.topics.iter().find(|rule| rule.name == topic.name));
        let mut samples = |patterns: &[PathBuf], last: Option<&Vec<Article>>| {
            let (read, faults) = read_samples(patterns);
            let missing = !faults.is_empty();
            warnings.extend(faults.into_iter().map(|fault| format!("topic \"{}\": {fault}", topic.name)));
            match last {
                Some(last) if missing && read.len() < last.len() => last.clone(),
                _ => read,
            }
        };
        let examples = samples(&topic.examples, last.map(|rule| &rule.examples));
        let not_examples = samples(&topic.not_examples, last.map(|rule| &rule.not_examples));
        topics.push(TopicRule {
            name: topic.name.clone(),
            query: topic.query.clone(),
            names: topic.names.clone(),
            examples,
            not_examples,
            sensitivity: topic.sensitivity,
            min_outlets: topic.min_outlets,
            cooldown_secs: topic.cooldown_secs,
            digest_secs: topic.digest_secs,
            quiet: topic.quiet.clone(),
            max_per_hour: topic.max_per_hour,
            kinds: topic.kinds.clone(),
        });
    }
    let rules = Rules {
        topics,
        names: config.names.clone(),
        max_age_secs: config.alerts.max_age_secs,
        first_fetch_secs: config.alerts.first_fetch_secs,
        window_days: config.store.window_days,
        window_articles_max: config.store.window_articles_max,
        feeds: if config.alerts.silent_feeds {
            config.feeds.iter().map(|feed| feed.url.clone()).collect()
        } else {
            Vec::new()
        },
    };
    (rules, warnings)
}

/// The articles in the files of some patterns, and what could not be read.
fn read_samples(patterns: &[PathBuf]) -> (Vec<Article>, Vec<String>) {
    let (mut articles, mut faults) = (Vec::new(), Vec::new());
    for pattern in patterns {
        let paths = match config::expand(pattern) {
            Ok(paths) => paths,
            Err(fault) => {
                faults.push(format!("the examples {} could not be listed: {fault}", pattern.display()));
                continue;
            }
        };
        if paths.is_empty() {
            faults.push(format!(
                "no file matches the examples {}: add one, or mend the path",
                pattern.display()
            ));
        }
        for path in paths {
            match read_articles(&path) {
                Ok(found) => articles.extend(found),
                Err(fault) => {
                    faults.push(format!("the example {} could not be read: {fault}", path.display()));
                }
            }
        }
    }
    if articles.len() > SAMPLES_MAX {
        faults.push(format!("of {} example articles only the first {SAMPLES_MAX} are used", articles.len()));
        articles.truncate(SAMPLES_MAX);
    }
    (articles, faults)
}

/// The articles of one file. Samples have no arrival; their own date stands for it, so that reading them again gives
/// the same rules.
pub(super) fn read_articles(path: &Path) -> Result<Vec<Article>, String> {
    let found = format::read_whole(path, SAMPLES_MAX).map_err(|rejected| rejected.reason)?;
    let mut articles = Vec::new();
    for one in found {
        match one {
            Found::Article(article) => {
                let seen_at = article.published.unwrap_or(Timestamp::UNIX_EPOCH);
                articles.push(Article { seen_at, origin: String::from("example"), ..article });
            }
            Found::Rejected(rejected) => return Err(rejected.reason),
        }
    }
    Ok(articles)
}
