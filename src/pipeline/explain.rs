//! Answers to questions: why an article did what it did, and how things stand. Changes nothing.

use serde_json::{Map, Value, json};

use super::{
    Pipeline, PipelineError, address,
    decide::{self, Analysis, Decided},
    dedupe::{self, Judgement, Weighed},
    identity,
    record::{Known, Report},
    state,
    story::Assignment,
    text,
    topic::Miss,
    view::{Tree, View},
};
use crate::{
    article::{Article, ArticleId, Change, Decision, Id},
    event::Question,
    journal::Line,
    store::known::Known as Stored,
};

/// Candidates of stories that are shown.
const CANDIDATES_SHOWN: usize = 5;

/// Checkpoints of one answer.
const CHECKPOINTS_AT_ONCE: usize = 500;

impl Pipeline {
    /// Answers a question in the form of the contracts; what fails is said in `error`.
    pub fn answer(&self, question: Question) -> Value {
        let answer = match question {
            Question::ExplainArticle(article) => self.explain(&article),
            Question::ExplainKnown(target) => self.explain_known(&target),
            Question::Status => self.status(),
            Question::Test(_) => Ok(json!({ "error": "only a running daemon tells a test alert" })),
            Question::Checkpoints(keys) => self.checkpoints_of(&keys),
            Question::CheckpointsFrom(key) => self.checkpoints_from(&key),
        };
        answer.unwrap_or_else(|fault| json!({ "error": fault.to_string() }))
    }

    /// What an article would do now.
    fn explain(&self, article: &Article) -> Result<Value, PipelineError> {
        let mut analysis = decide::analyse(article, &self.state.names);
        let stored = Stored { store: &self.store, journal: &self.journal };
        let known = Known { view: &stored, changes: &self.changes };
        let decided = decide::decide(&self.state, known, article, &mut analysis)?;
        let Decided { decision, judgement, assignment, misses, .. } = decided;
        let judgement = match judgement {
            Some(judgement) => judgement,
            // An id, an address or the very same text had decided already.
            None => decide::judge_again(&self.state, known, decision.article.id.report, article, &analysis)?,
        };
        let compared = self.compared(known, article, &analysis, &judgement)?;
        let why = self.why(&decision, compared, assignment.as_ref(), &misses, false);
        with_why(&decision, why)
    }

    /// What a known article did, by id or address.
    fn explain_known(&self, target: &str) -> Result<Value, PipelineError> {
        let stored = Stored { store: &self.store, journal: &self.journal };
        let known = Known { view: &stored, changes: &self.changes };
        let Some(report) = find(known, target)? else {
            return Ok(json!({
                "error": format!(
                    "no article is known by {target}: give an id or address as decisions and alerts have it, or a file"
                ),
            }));
        };
        let Line::Article { article, decision, .. } = self.journal.read(report.at)? else {
            return Ok(json!({ "error": format!("the journal holds no article for {target}") }));
        };
        let analysis = decide::analyse(&article, &self.state.names);
        let judgement =
            decide::judge_again(&self.state, known, decision.article.id.report, &article, &analysis)?;
        let compared = self.compared(known, &article, &analysis, &judgement)?;
        let (verdicts, assignment) =
            decide::judge_topics(&self.state, &article, &analysis, decision.story, report.seq);
        let why = self.why(&decision, compared, Some(&assignment), &verdicts.misses, true);
        with_why(&decision, why)
    }

    /// The candidates that dedupe compared word by word, nearest first.
    fn compared(
        &self,
        known: Known<'_>,
        article: &Article,
        analysis: &Analysis,
        judgement: &Judgement,
    ) -> Result<Vec<Value>, PipelineError> {
        let mut compared = Vec::new();
        for candidate in &judgement.candidates {
            let Weighed { seq, report, share, gap, why } = *candidate;
            let mut shown = Map::new();
            shown.insert("id".to_owned(), json!(report));
            shown.insert("shared".to_owned(), json!(rounded(f64::from(share))));
            shown.insert("longest_difference_words".to_owned(), json!(gap));
            shown.insert("because".to_owned(), json!(why));
            if let Some(kept) = self.state.window.get(&seq) {
                let other = known.article(kept.at)?;
                let words = text::words(&other.text);
                let Change { added, removed, .. } =
                    dedupe::change((&other.text, &words), (&article.text, &analysis.words));
                shown.insert("source".to_owned(), json!(other.outlet));
                shown.insert("title".to_owned(), json!(other.title));
                shown.insert("only_here".to_owned(), json!(added));
                shown.insert("only_there".to_owned(), json!(removed));
            }
            compared.push(Value::Object(shown));
        }
        Ok(compared)
    }

    fn why(
        &self,
        decision: &Decision,
        compared: Vec<Value>,
        assignment: Option<&Assignment>,
        misses: &[Miss],
        recorded: bool,
    ) -> Value {
        let mut why = Map::new();
        why.insert("recorded".to_owned(), json!(recorded));
        why.insert("compared".to_owned(), Value::Array(compared));
        let stories = assignment.into_iter().flat_map(|assignment| &assignment.candidates);
        let stories = stories.take(CANDIDATES_SHOWN).map(|candidate| {
            json!({
                "story": candidate.story,
                "nearest": candidate.nearest,
                "score": rounded(candidate.score),
                "joins_from": 0.0,
            })
        });
        why.insert("stories".to_owned(), stories.collect());
        let missed = misses.iter().map(|miss| {
            json!({
                "topic": self.state.topics.name(miss.topic),
                "score": rounded(f64::from(miss.score)),
                "evidence": miss.evidence,
                "missing": miss.missing,
            })
        });
        let mut topics: Vec<Value> = missed.collect();
        for rule in &self.state.rules.topics {
            let told = decision.matches.iter().any(|found| found.topic == rule.name)
                || topics.iter().any(|miss| miss["topic"] == rule.name.as_str());
            if !told {
                topics.push(json!({
                    "topic": rule.name,
                    "score": 0.0,
                    "evidence": [],
                    "missing": "none of its words or names stand in it, and it is like no sample",
                }));
            }
        }
        why.insert("topics_missed".to_owned(), Value::Array(topics));
        Value::Object(why)
    }

    fn checkpoints_of(&self, keys: &[String]) -> Result<Value, PipelineError> {
        let stored = Stored { store: &self.store, journal: &self.journal };
        let get = |key: &String| Ok(stored.get(Tree::Checkpoints, key.as_bytes())?.map_or(Value::Null, told));
        keys.iter().map(get).collect::<Result<Vec<_>, PipelineError>>().map(Value::Array)
    }

    fn checkpoints_from(&self, key: &str) -> Result<Value, PipelineError> {
        let stored = Stored { store: &self.store, journal: &self.journal };
        let rows = stored.scan(Tree::Checkpoints, key.as_bytes(), CHECKPOINTS_AT_ONCE)?;
        let pair = |(key, value): (Vec<u8>, Vec<u8>)| json!([told(key), told(value)]);
        Ok(rows.into_iter().map(pair).collect())
    }

    fn status(&self) -> Result<Value, PipelineError> {
        let [new, copy, update, rejected] = self.state.counters.verdicts;
        let (members, stories) = self.state.stories.size();
        let stored = Stored { store: &self.store, journal: &self.journal };
        let mut files = 0_u64;
        state::each_row(&stored, Tree::Checkpoints, |key, _| {
            files += u64::from(!key.starts_with(b"feed "));
            Ok(())
        })?;
        let topics: Vec<_> = self.state.rules.topics.iter().map(|rule| &rule.name).collect();
        Ok(json!({
            "articles": {
                "new": new, "copy": copy, "update": update, "rejected": rejected, "seen_since_start": self.seen,
            },
            "alerts": {
                "last": self.state.counters.alert_seq,
                "in_log": self.outbox.told(),
                "log_fault": self.outbox.fault(),
            },
            "window": { "articles": self.state.window.len(), "in_stories": members, "stories": stories },
            "topics": topics,
            "files_remembered": files,
            "journal": { "bytes": self.journal.bytes(), "days": self.journal.days().count() },
        }))
    }
}

/// Checkpoints are text where they are told on: whoever wants to know what stands in them reads it.
fn told(checkpoint: Vec<u8>) -> Value {
    String::from_utf8(checkpoint).map_or(Value::Null, Value::String)
}

fn with_why(decision: &Decision, why: Value) -> Result<Value, PipelineError> {
    let mut answer = serde_json::to_value(decision)?;
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("why".to_owned(), why);
    }
    Ok(answer)
}

/// A report by `ID`, `ID.2` or address.
fn find(known: Known<'_>, target: &str) -> Result<Option<Report>, PipelineError> {
    if let Ok(ArticleId { report, .. }) = target.parse() {
        return Ok(known.report(report)?);
    }
    let Some(url) = address::canonical(target) else { return Ok(None) };
    Ok(known.identity(identity::url_key(&url))?.map(|(_, report): (Id, Report)| report))
}

fn rounded(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}
