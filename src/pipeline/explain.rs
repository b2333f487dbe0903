//! Answers to questions: why an article did what it did, and how things stand. Changes nothing.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    Pipeline, PipelineError, address,
    decide::{self, Analysis, Decided},
    dedupe::{self, Judgement, Weighed},
    desk, identity, place,
    record::{Known, Report},
    state,
    story::Assignment,
    text,
    topic::{self, Miss, Scope},
    view::{Tree, View},
};
use crate::{
    alert::{Post, Retry, sink},
    article::{Article, ArticleId, Change, Decision, Id},
    event::Question,
    journal::{Line, Position},
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
            Question::Article(target) => self.article_of(&target),
            Question::Status => self.status(),
            Question::Retry(sinks) => self.retry(&sinks),
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
        let decided = decide::decide(&self.state, known, article, &mut analysis, Scope::NearMisses)?;
        let Decided { decision, judgement, assignment, misses, .. } = decided;
        let judgement = match judgement {
            Some(judgement) => judgement,
            // An id, an address or the very same text had decided already.
            None => place::judge_again(&self.state, known, decision.article.id.report, article, &analysis)?,
        };
        let compared = self.compared(known, article, &analysis, &judgement)?;
        let why = self.why(&decision, compared, assignment.as_ref(), &misses, false);
        with_why(&decision, why)
    }

    /// A known article as a drop takes it, so that it can serve as a sample.
    fn article_of(&self, target: &str) -> Result<Value, PipelineError> {
        let stored = Stored { store: &self.store, journal: &self.journal };
        let known = Known { view: &stored, changes: &self.changes };
        let Some(report) = find(known, target)? else { return Ok(unknown(target)) };
        let at = place::text_of(&self.state, &report).unwrap_or(report.at);
        let Line::Article { article, decision, marks: None, .. } = self.journal.read(at)? else {
            return Ok(json!({ "error": format!("the text of {target} has expired") }));
        };
        Ok(json!({
            "url": article.url,
            "title": article.title,
            "text": article.text,
            "published": article.published,
            "source": article.outlet,
            "language": decision.article.language,
            "authors": article.authors,
        }))
    }

    /// What a known article did, by id or address.
    fn explain_known(&self, target: &str) -> Result<Value, PipelineError> {
        let stored = Stored { store: &self.store, journal: &self.journal };
        let known = Known { view: &stored, changes: &self.changes };
        let Some(report) = find(known, target)? else { return Ok(unknown(target)) };
        let at = place::text_of(&self.state, &report).unwrap_or(report.at);
        let line = match self.journal.read(at)? {
            Line::Sighted(kept) => Line::from(kept),
            line => line,
        };
        let Line::Article { article, decision, marks, .. } = line else {
            return Ok(json!({ "error": format!("the journal holds no article for {target}") }));
        };
        let analysis = decide::analyse(&article, &self.state.names);
        let judgement =
            place::judge_again(&self.state, known, decision.article.id.report, &article, &analysis)?;
        let compared = self.compared(known, &article, &analysis, &judgement)?;
        let (verdicts, assignment) =
            decide::judge_topics(&self.state, known, &article, &analysis, decision.story, report.seq)?;
        let mut why = self.why(&decision, compared, Some(&assignment), &verdicts.misses, true);
        if let Some(fields) = why.as_object_mut().filter(|_| marks.is_some()) {
            fields.insert("text_expired".to_owned(), json!(true));
        }
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
            if let Some(kept) = self.state.window.get(seq) {
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
        // What matched when it was decided is no miss, though without what the topic remembered then it might be one now.
        let matched = |topic: &str| decision.matches.iter().any(|found| found.topic == topic);
        let missed = misses.iter().filter_map(|miss| {
            let topic = self.state.topics.name(miss.topic).filter(|topic| !matched(topic))?;
            Some(json!({
                "topic": topic,
                "score": rounded(f64::from(miss.score)),
                "evidence": miss.evidence,
                "missing": miss.missing,
            }))
        });
        let mut topics: Vec<Value> = missed.collect();
        for rule in &self.state.rules.topics {
            let told = matched(&rule.name) || topics.iter().any(|miss| miss["topic"] == rule.name.as_str());
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

    /// Has sinks try again, and says how many letters they have laid aside.
    fn retry(&self, sinks: &[String]) -> Result<Value, PipelineError> {
        let stored = Stored { store: &self.store, journal: &self.journal };
        let mut letters = Vec::new();
        state::each_row(&stored, Tree::Checkpoints, |key, value| {
            let key = String::from_utf8_lossy(key);
            if let Some((sink, seq)) = sink::dead_of(&key)
                && sinks.iter().any(|name| name == sink)
                && let Ok(sink::Dead { from, .. }) = serde_json::from_slice(value)
            {
                letters.push(Retry { sink: sink.to_owned(), seq, from });
            }
            Ok(())
        })?;
        let count = letters.len();
        // Number 0 is no letter: it only ends a wait.
        let wake = |sink: &String| Retry { sink: sink.clone(), seq: 0, from: Position::default() };
        for retry in sinks.iter().map(wake).chain(letters) {
            if let Some(post) = &self.post {
                post.send(Arc::new(Post::Retry(retry))).ok();
            }
        }
        Ok(json!({ "letters": count }))
    }

    fn status(&self) -> Result<Value, PipelineError> {
        let [new, copy, update, rejected] = self.state.counters.verdicts;
        let (members, stories) = self.state.stories.size();
        let stored = Stored { store: &self.store, journal: &self.journal };
        let (mut files, mut pages, mut pages_awaited) = (0_u64, 0_u64, 0_u64);
        let mut sinks: BTreeMap<String, (Value, Vec<Value>)> = BTreeMap::new();
        state::each_row(&stored, Tree::Checkpoints, |key, value| {
            let key = String::from_utf8_lossy(key);
            if let Some((sink, seq, state)) = of_sink(&key, value) {
                let (cursor, dead) = sinks.entry(sink).or_default();
                match seq {
                    None => *cursor = state,
                    Some(seq) => {
                        dead.push(json!({ "seq": seq, "why": state.get("why"), "at": state.get("at") }));
                    }
                }
            } else if key.starts_with("page ") {
                pages += 1;
                let state: Option<Value> = serde_json::from_slice(value).ok();
                pages_awaited += u64::from(state.is_some_and(|state| state.get("waiting").is_some()));
            } else {
                files += u64::from(!key.starts_with("feed "));
            }
            Ok(())
        })?;
        let topics: Vec<_> = self.state.rules.topics.iter().map(|rule| &rule.name).collect();
        let now = self.now.as_second();
        let of_topics = self.state.rules.topics.iter().map(|rule| {
            let desk = self.state.desks.get(&topic::key(&rule.name)).cloned().unwrap_or_default();
            let mut shown = desk.tally.shown(now);
            if let Some(fields) = shown.as_object_mut() {
                fields.insert("name".to_owned(), json!(rule.name));
                fields.insert("held".to_owned(), json!(desk.held.as_ref().map(desk::Held::digest)));
            }
            shown
        });
        let sizes = self.journal.sizes()?;
        Ok(json!({
            "articles": {
                "new": new, "copy": copy, "update": update, "rejected": rejected, "seen_since_start": self.seen,
            },
            "alerts": {
                "last": self.state.counters.alert_seq,
                "in_log": self.outbox.told(),
                "log": self.outbox.path(),
                "log_fault": self.outbox.fault(),
            },
            "window": { "articles": self.state.window.len(), "in_stories": members, "stories": stories },
            "topics": topics,
            "of_topics": of_topics.collect::<Value>(),
            "sinks": sinks
                .into_iter()
                .map(|(name, (state, dead))| json!({ "name": name, "state": state, "dead": dead }))
                .collect::<Value>(),
            "files_remembered": files,
            "pages": { "remembered": pages, "awaited": pages_awaited },
            "journal": {
                "bytes": sizes.whole_bytes + sizes.kept_bytes,
                "days": sizes.whole_days + sizes.kept_days,
                "days_without_texts": sizes.kept_days,
            },
        }))
    }
}

fn unknown(target: &str) -> Value {
    json!({
        "error": format!(
            "no article is known by {target}: give an id or address as decisions and alerts have it, or a file"
        ),
    })
}

/// Checkpoints are text where they are told on: whoever wants to know what stands in them reads it.
fn told(checkpoint: Vec<u8>) -> Value {
    String::from_utf8(checkpoint).map_or(Value::Null, Value::String)
}

/// Name of the sink, number of the letter that it has laid aside, and its state.
fn of_sink(key: &str, state: &[u8]) -> Option<(String, Option<u64>, Value)> {
    let name = key.strip_prefix(sink::KEY_PREFIX).map(|name| (name, None));
    let (name, seq) = name.or_else(|| sink::dead_of(key).map(|(name, seq)| (name, Some(seq))))?;
    Some((name.to_owned(), seq, serde_json::from_slice(state).unwrap_or_default()))
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
