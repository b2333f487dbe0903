//! What is left of an article once its text has expired: by what it is recognised, and what the reading room tells of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Line;
use crate::{
    article::{Alert, Article, ArticleHead, ArticleId, Decision, Entity, EntityKind, Id, Match, Verdict},
    pipeline::topic::Traced,
};

/// By what an article is recognised; see `pipeline::identity`. Zero where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Of the source and its own id.
    pub guid: Id,
    /// Of the address.
    pub url: Id,
    /// Of the normalised text.
    pub body: Id,
    /// Of normalised title and text.
    pub text: Id,
    /// Of title and text to the letter.
    pub raw: Id,
    /// Of the outlet's site.
    pub site: Id,
    /// Words of the text.
    pub words: u32,
}

/// An article without its text, and what was decided of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptArticle {
    /// Counts articles and rejections from 1.
    pub seq: u64,
    /// Report and revision.
    pub id: ArticleId,
    /// What dedupe decided.
    pub verdict: Verdict,
    /// Title, outlet, dates; no text.
    pub article: Article,
    /// Stated, else detected.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub language: Option<String>,
    /// See `Decision::reason`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// See `Decision::of`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub of: Option<String>,
    /// See `Decision::of_id`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub of_id: Option<Id>,
    /// See `Decision::copy_of`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub copy_of: Option<Id>,
    /// See `Decision::similarity`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub similarity: Option<f32>,
    /// Its story.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub story: Option<Id>,
    /// Who and what it names, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub names: BTreeMap<EntityKind, Vec<String>>,
    /// Topics, with score and outcome.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub topics: Vec<(String, f32, String)>,
    /// What was told of it, without the article.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub alerts: Vec<Alert>,
    /// See `Line::Article`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub traces: Vec<Traced>,
    /// By what it is recognised.
    pub marks: Marks,
}

impl KeptArticle {
    /// What is left of an article.
    pub fn of(
        seq: u64,
        article: &Article,
        decision: &Decision,
        alerts: Vec<Alert>,
        traces: Vec<Traced>,
        marks: Marks,
    ) -> Self {
        let head = &decision.article;
        let mut names: BTreeMap<EntityKind, Vec<String>> = BTreeMap::new();
        for entity in &decision.entities {
            names.entry(entity.kind).or_default().push(entity.name.clone());
        }
        let topic = |found: &Match| (found.topic.clone(), found.score, found.outcome.clone());
        Self {
            seq,
            id: head.id,
            verdict: decision.verdict,
            article: Article {
                input_id: article.input_id.clone(),
                url: head.url.clone(),
                title: head.title.clone(),
                published: article.published,
                outlet: head.source.clone(),
                section: article.section.clone(),
                standing: article.standing,
                seen_at: article.seen_at,
                origin: article.origin.clone(),
                occasion: article.occasion,
                ..Article::default()
            },
            language: head.language.clone(),
            reason: decision.reason.clone(),
            of: decision.of.clone(),
            of_id: decision.of_id,
            copy_of: decision.copy_of,
            similarity: decision.similarity,
            story: decision.story,
            names,
            topics: decision.matches.iter().map(topic).collect(),
            alerts: alerts.into_iter().map(|alert| Alert { article: None, ..alert }).collect(),
            traces,
            marks,
        }
    }

    fn decision(&self) -> Decision {
        let Article { input_id, url, title, published, outlet, seen_at, .. } = &self.article;
        let named = |(kind, names): (&EntityKind, &Vec<String>)| {
            let kind = *kind;
            let entity = move |name: &String| Entity {
                name: name.clone(),
                kind,
                role: None,
                tracked: false,
                mentions: Vec::new(),
            };
            names.iter().map(entity).collect::<Vec<_>>()
        };
        let found = |(topic, score, outcome): &(String, f32, String)| Match {
            topic: topic.clone(),
            score: *score,
            evidence: Vec::new(),
            outcome: outcome.clone(),
        };
        Decision {
            reason: self.reason.clone(),
            of: self.of.clone(),
            of_id: self.of_id,
            copy_of: self.copy_of,
            similarity: self.similarity,
            story: self.story,
            entities: self.names.iter().flat_map(named).collect(),
            matches: self.topics.iter().map(found).collect(),
            ..Decision::of(
                ArticleHead {
                    id: self.id,
                    input_id: input_id.clone(),
                    source: outlet.clone(),
                    url: url.clone(),
                    title: title.clone(),
                    published: *published,
                    seen_at: *seen_at,
                    language: self.language.clone(),
                    lead: String::new(),
                },
                self.verdict,
            )
        }
    }
}

impl From<Box<KeptArticle>> for Line {
    fn from(kept: Box<KeptArticle>) -> Self {
        let decision = kept.decision();
        let head = &decision.article;
        let alerts = kept.alerts.into_iter();
        let alerts = alerts.map(|alert| Alert { article: Some(head.clone()), ..alert }).collect();
        let KeptArticle { seq, article, traces, marks, .. } = *kept;
        Self::Article { seq, article, decision, alerts, traces, weights: String::new(), marks: Some(marks) }
    }
}
