//! Questions to the running daemon, or to the store where none runs.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};

use crate::{
    article::{Decision, Found},
    config::Config,
    event::Question,
    journal::{Line, reader::Reader},
    pipeline::Pipeline,
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
                Found::Article(article) => questions.push(Request::ExplainArticle(Box::new(article))),
                Found::Rejected(rejected) => bail!("{} is no article: {}", rejected.place, rejected.reason),
            }
        }
        let mut desk = Desk::new(config)?;
        let answers = questions.into_iter().map(|question| desk.ask(question)).collect::<Result<_, _>>()?;
        desk.close()?;
        return Ok(Explained::Known(answers));
    }
    let mut desk = Desk::new(config)?;
    let answer = desk.ask(Request::Explain(target.to_owned()))?;
    desk.close()?;
    Ok(if answer.get("verdict").is_some() {
        Explained::Known(vec![answer])
    } else {
        Explained::Unknown(answer)
    })
}

/// How things stand.
///
/// # Errors
/// When neither the daemon nor the store can be asked.
pub fn status(desk: &mut Desk<'_>) -> anyhow::Result<Value> {
    let mut answer = desk.ask(Request::Status)?;
    let config = desk.config;
    // The config may name another by now, which a daemon takes at its next start.
    let log = answer.pointer("/alerts/log").filter(|_| desk.open.is_none()).cloned();
    let log = log.unwrap_or_else(|| json!(config.alerts.log));
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("running".to_owned(), json!(desk.open.is_none()));
        fields.insert("config".to_owned(), json!(config.path));
        fields.insert("state_dir".to_owned(), json!(config.state_dir));
        fields.insert("alert_log".to_owned(), log);
    }
    Ok(answer)
}

/// How things stand, asked once.
///
/// # Errors
/// When neither the daemon nor the store can be asked.
pub fn status_once(config: &Config) -> anyhow::Result<Value> {
    let mut desk = Desk::new(config)?;
    let status = status(&mut desk)?;
    desk.close()?;
    Ok(status)
}

/// Where questions are asked: at the running daemon; where none runs the store is opened for them alone.
pub struct Desk<'a> {
    pub(super) config: &'a Config,
    open: Option<Pipeline>,
    /// Where nothing was ever stored, a question leaves nothing behind either.
    scratch: Option<tempfile::TempDir>,
}

impl<'a> Desk<'a> {
    /// Opens nothing yet.
    ///
    /// # Errors
    /// When there is no place for temporary files.
    pub fn new(config: &'a Config) -> anyhow::Result<Self> {
        let scratch = if config.state_dir.exists() { None } else { Some(tempfile::tempdir()?) };
        Ok(Self { config, open: None, scratch })
    }

    /// Answers in the form of the contracts.
    pub(super) fn ask(&mut self, asked: Request) -> anyhow::Result<Value> {
        if self.open.is_none()
            && let Some(mut replies) = control::request(&self.config.control, &asked)?
        {
            return match replies.next().context("the daemon went away")?? {
                Reply::Answer(json) => Ok(serde_json::from_str(json.get())?),
                Reply::Fault(fault) => bail!(fault),
                Reply::Decision(_) | Reply::End => bail!("the daemon answered in a form of another version"),
            };
        }
        let question = match asked {
            Request::ExplainArticle(article) => Question::ExplainArticle(article),
            Request::Explain(target) => Question::ExplainKnown(target),
            Request::Article(target) => Question::Article(target),
            Request::Status => Question::Status,
            Request::Checkpoints(keys) => Question::Checkpoints(keys),
            Request::CheckpointsFrom(key) => Question::CheckpointsFrom(key),
            Request::Test(topic) => Question::Test(topic),
            Request::Retry(sinks) => Question::Retry(sinks),
            Request::Take(_) | Request::Read(_) => bail!("this is asked of another room"),
        };
        Ok(self.pipeline()?.answer(question))
    }

    fn pipeline(&mut self) -> anyhow::Result<&Pipeline> {
        if self.open.is_none() {
            let mut here = self.config.clone();
            if let Some(scratch) = &self.scratch {
                scratch.path().clone_into(&mut here.state_dir);
                here.alerts.log = scratch.path().join("alerts.log");
            }
            let mut open = super::open(&here)?;
            let (rules, _) = super::read_rules(self.config, Some(open.rules()));
            open.suppose_rules(rules);
            self.open = Some(open);
        }
        self.open.as_ref().context("the store is closed")
    }

    /// Closes the store, if it was opened.
    ///
    /// # Errors
    /// When it cannot be closed in order.
    pub fn close(self) -> anyhow::Result<()> {
        self.open.map_or(Ok(()), |open| Ok(open.close()?))
    }
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
            Line::Notice { .. } | Line::Sighted(_) | Line::Rules(_) | Line::Adopted(_) | Line::Commit(_) => {}
        }
    }
    Ok(decisions)
}
