//! Questions to the running daemon, or to the store where none runs.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};

use crate::{
    article::{Article, Decision, Found},
    config::Config,
    event::Question,
    journal::{Line, reader::Reader},
    serve::control::{self, Reply, Request},
    source::format,
};

/// Most articles of one file that are explained.
const EXPLAINED_MAX: usize = 100;

/// What `explain` found.
#[derive(Debug)]
pub enum Explained {
    /// One answer an article.
    Known(Vec<Value>),
    /// Why there is nothing to explain.
    Unknown(Value),
}

/// Explains a file's articles, or a known report by address or id.
///
/// # Errors
/// When neither the daemon nor the store can be asked, or the file is no article.
pub fn explain(config: &Config, target: &str) -> anyhow::Result<Explained> {
    let path = Path::new(target);
    if path.is_file() {
        let found = format::read_whole(path, EXPLAINED_MAX)
            .map_err(|rejected| anyhow!("{target} is no article: {}", rejected.reason))?;
        let mut questions = Vec::new();
        for one in found {
            match one {
                Found::Article(article) => questions.push(Asked::Article(Box::new(article))),
                Found::Rejected(rejected) => bail!("{} is no article: {}", rejected.place, rejected.reason),
            }
        }
        return ask(config, questions).map(Explained::Known);
    }
    let mut answers = ask(config, vec![Asked::Known(target.to_owned())])?;
    match answers.pop() {
        Some(answer) if answer.get("verdict").is_some() => Ok(Explained::Known(vec![answer])),
        Some(answer) => Ok(Explained::Unknown(answer)),
        None => bail!("the daemon gave no answer"),
    }
}

/// How things stand.
///
/// # Errors
/// When neither the daemon nor the store can be asked.
pub fn status(config: &Config) -> anyhow::Result<Value> {
    let mut answer = ask(config, vec![Asked::Status])?.pop().context("the daemon gave no answer")?;
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("config".to_owned(), json!(config.path));
        fields.insert("state_dir".to_owned(), json!(config.state_dir));
        fields.insert("alert_log".to_owned(), json!(config.alerts.log));
    }
    Ok(answer)
}

enum Asked {
    Article(Box<Article>),
    Known(String),
    Status,
}

/// The running daemon first; else the store is opened for the questions alone.
fn ask(config: &Config, asked: Vec<Asked>) -> anyhow::Result<Vec<Value>> {
    let mut answers = Vec::new();
    let mut pipeline = None;
    // Where nothing was ever stored, a question leaves nothing behind either.
    let scratch = if config.state_dir.exists() { None } else { Some(tempfile::tempdir()?) };
    let mut here = config.clone();
    if let Some(scratch) = &scratch {
        scratch.path().clone_into(&mut here.state_dir);
        here.alerts.log = scratch.path().join("alerts.log");
    }
    for question in asked {
        let request = match &question {
            Asked::Article(article) => Request::ExplainArticle(article.clone()),
            Asked::Known(target) => Request::Explain(target.clone()),
            Asked::Status => Request::Status,
        };
        if pipeline.is_none()
            && let Some(mut replies) = control::request(&config.control, &request)?
        {
            answers.push(match replies.next().context("the daemon went away")?? {
                Reply::Answer(json) => with_running(serde_json::from_str(json.get())?, true),
                Reply::Fault(fault) => bail!(fault),
                Reply::Decision(_) | Reply::End => bail!("the daemon answered in a form of another version"),
            });
            continue;
        }
        let pipeline = match &mut pipeline {
            Some(open) => open,
            none => {
                let mut open = super::open(&here)?;
                let (rules, _) = super::read_rules(config, Some(open.rules()));
                open.suppose_rules(rules);
                none.insert(open)
            }
        };
        let answer = pipeline.answer(match question {
            Asked::Article(article) => Question::ExplainArticle(article),
            Asked::Known(target) => Question::ExplainKnown(target),
            Asked::Status => Question::Status,
        });
        answers.push(with_running(answer, false));
    }
    if let Some(pipeline) = pipeline {
        pipeline.close()?;
    }
    Ok(answers)
}

/// A status says whether it comes from a daemon.
fn with_running(mut answer: Value, running: bool) -> Value {
    if let Some(fields) = answer.as_object_mut()
        && fields.contains_key("articles")
    {
        fields.insert("running".to_owned(), json!(running));
    }
    answer
}

/// Every decision in the journal of a state directory, in order.
///
/// # Errors
/// When the journal cannot be read.
pub fn decisions(state_dir: &Path) -> anyhow::Result<Vec<Decision>> {
    let mut decisions = Vec::new();
    let reader = Reader::open(state_dir)?;
    for line in reader.scan(crate::journal::Position::default())? {
        match line?.1 {
            Line::Article { decision, .. } | Line::Rejected { decision, .. } => decisions.push(decision),
            Line::Notice { .. } | Line::Rules(_) | Line::Commit(_) => {}
        }
    }
    Ok(decisions)
}
