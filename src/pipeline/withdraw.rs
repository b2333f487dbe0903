//! A report that its publisher takes back: found by its own id or address, told to every topic that was told of it.

use super::{
    decide::{self, Analysis, Decided},
    desk,
    identity::Keys,
    record::{Known, Report},
    state::State,
    topic,
    view::ViewError,
};
use crate::article::{Alert, AlertKind, Article, ArticleId, Decision, Id, Match, Rejected, Verdict};

/// What the decision gives as its reason, and the alert as its evidence.
const REASON: &str = "withdrawn by its publisher";

/// Decides what becomes of a notice that takes a report back. Of a report that is not known the verdict is `rejected`.
pub(super) fn decide(
    state: &State,
    known: Known<'_>,
    article: &Article,
    analysis: &Analysis,
) -> Result<Decided, ViewError> {
    let Some((id, report)) = report(&analysis.keys, known)? else {
        return Ok(decided(decide::rejected(&refused(article)), Vec::new()));
    };
    let last = known.article(report.at)?;
    let article_id = ArticleId { report: id, revision: report.revision.saturating_add(1) };
    let mut head = decide::head(article, article_id, analysis.language.clone());
    if head.title.is_empty() {
        head.title.clone_from(&last.title);
    }
    head.url = head.url.or_else(|| last.url.clone());
    if head.source.is_empty() {
        head.source.clone_from(&last.outlet);
    }
    let mut decision = Decision {
        reason: Some(REASON.to_owned()),
        of: Some(report.input_id.clone().unwrap_or_else(|| id.to_string())),
        of_id: Some(id),
        story: Some(report.story),
        ..Decision::of(head, Verdict::Update)
    };
    let mut alerts = Vec::new();
    for rule in &state.rules.topics {
        if !report.told.contains(&topic::key(&rule.name)) {
            continue;
        }
        let kind = AlertKind::Withdrawn;
        let outcome = if !rule.tells(kind) {
            "suppressed:kind-is-off".to_owned()
        } else if let Some(why) = desk::withheld(state, rule, kind, article.seen_at.as_second()) {
            format!("suppressed:{}", why.word())
        } else {
            alerts.push(alert(state, &decision, &rule.name, alerts.len() as u64));
            "alerted".to_owned()
        };
        let (topic, evidence) = (rule.name.clone(), vec![REASON.to_owned()]);
        decision.matches.push(Match { topic, score: 1.0, evidence, outcome });
    }
    Ok(decided(decision, alerts))
}

/// A notice about a report that never came is no article.
pub(super) fn refused(article: &Article) -> Rejected {
    let name = article.input_id.as_deref().or(article.guid.as_deref()).or(article.url.as_deref());
    Rejected {
        origin: article.origin.clone(),
        place: format!("report {}", name.unwrap_or(&article.title)),
        reason: "it takes back a report that is not known here".to_owned(),
        input_id: article.input_id.clone(),
        seen_at: article.seen_at,
    }
}

/// The report that is meant: its text says nothing, since a notice has its own.
fn report(keys: &Keys, known: Known<'_>) -> Result<Option<(Id, Report)>, ViewError> {
    for key in [keys.guid, keys.url].into_iter().filter(|key| *key != 0) {
        if let Some(found) = known.identity(key)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn alert(state: &State, decision: &Decision, topic: &str, before: u64) -> Alert {
    let article = &decision.article;
    let summary = decision.story.map(|story| state.stories.summary(story)).unwrap_or_default();
    Alert {
        seq: state.counters.alert_seq + before + 1,
        id: Id::of(&[
            b"alert",
            topic.as_bytes(),
            &article.id.report.0.to_be_bytes(),
            &article.id.revision.to_be_bytes(),
            AlertKind::Withdrawn.word().as_bytes(),
        ]),
        time: article.seen_at,
        kind: AlertKind::Withdrawn,
        topic: topic.to_owned(),
        story: decision.story,
        article: Some(article.clone()),
        outlets: summary.outlets,
        new_outlet: false,
        independent: summary.independent,
        reports: summary.reports,
        copies: summary.copies,
        new_entities: Vec::new(),
        novel: None,
        score: 1.0,
        evidence: vec![REASON.to_owned()],
        change: None,
        digest: None,
        feed: None,
    }
}

fn decided(decision: Decision, alerts: Vec<Alert>) -> Decided {
    Decided {
        decision,
        alerts,
        judgement: None,
        assignment: None,
        weights: None,
        vector: None,
        repeated: None,
        misses: Vec::new(),
        traces: Vec::new(),
    }
}
