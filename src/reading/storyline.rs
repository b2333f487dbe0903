//! One story from its first report to its last: who reported what and when, what each report added, who is in it, and
//! how its statements drift.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    cast::Cast,
    drift::{self, Statement},
};
use crate::{
    article::{Article, Decision, Entity, EntityKind, Id, Verdict},
    pipeline::{novel::Known, story::common_idf},
};

/// Most people, organisations and places of a story that are listed.
const ENTITIES_MAX: usize = 40;

/// A report as the journal has it.
pub struct Told {
    /// As it came.
    pub article: Article,
    /// What was decided.
    pub decision: Decision,
}

/// A story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Storyline {
    /// The story.
    pub id: Id,
    /// Headline of its first report.
    pub title: String,
    /// Outlets in it.
    pub outlets: usize,
    /// Of those, the ones with words of their own.
    pub independent: usize,
    /// Reports that are copies of another one's text.
    #[serde(default)]
    pub copies: usize,
    /// Its reports in order of arrival, each once, in their last revision.
    pub articles: Vec<Report>,
    /// Who and what it is about, the most named first.
    pub entities: Vec<Named>,
    /// Statements that two outlets or more quote.
    pub quote_groups: Vec<QuoteGroup>,
    /// Reports and revisions that are not shown, because there are too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// How many of `articles` came before those.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out_at: usize,
}

impl Storyline {
    /// The reports to list: all but the copies whose originals are there.
    pub fn listed(&self) -> Vec<&Report> {
        let known: HashSet<Id> = self.articles.iter().map(|report| report.id).collect();
        let is_folded = |report: &Report| report.copy_of.is_some_and(|original| known.contains(&original));
        self.articles.iter().filter(|report| !is_folded(report)).collect()
    }

    /// That of them before which others are left out.
    pub fn resumed_by(&self) -> Option<Id> {
        let listed = self.listed();
        let after = self.articles.iter().skip(self.left_out_at).filter(|_| self.left_out > 0);
        let after: HashSet<Id> = after.map(|report| report.id).collect();
        listed.iter().map(|report| report.id).find(|id| after.contains(id))
    }

    /// The names that no report had before, by the day (UTC) on which they came; on the first one everybody is new.
    pub fn new_names(&self) -> Vec<(Date, Vec<&str>)> {
        let mut days: BTreeMap<Date, Vec<&str>> = BTreeMap::new();
        for report in &self.articles {
            let names = days.entry(report.seen_at.to_zoned(TimeZone::UTC).date()).or_default();
            names.extend(report.new_entities.iter().map(String::as_str));
        }
        days.into_iter().skip(1).filter(|(_, names)| !names.is_empty()).collect()
    }
}

/// One outlet's report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The report.
    pub id: Id,
    /// The drop's own id.
    pub input_id: Option<String>,
    /// Who publishes.
    pub source: String,
    /// Headline.
    pub title: String,
    /// Where it stands.
    pub url: Option<String>,
    /// As the outlet states it.
    pub published: Option<Timestamp>,
    /// When its first revision arrived.
    pub seen_at: Timestamp,
    /// `new` or `copy`; also of what proved to be a copy only when there was more of its text.
    pub verdict: Verdict,
    /// Of a copy: its original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<Id>,
    /// The sentence that no earlier report of the story had; null of a copy, and where it adds nothing.
    pub novel: Option<String>,
    /// Names that no earlier report had, people first.
    pub new_entities: Vec<String>,
    /// Later revisions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<Update>,
}

/// A later revision of a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// When it arrived.
    pub seen_at: Timestamp,
    /// What it says that the revision before did not.
    pub novel: Option<String>,
    /// Why it is told otherwise than by its text, such as that its publisher takes the report back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Who or what is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Canonical name.
    pub name: String,
    /// What it is.
    pub kind: EntityKind,
    /// Reports that name it.
    pub articles: usize,
    /// How often in all.
    pub mentions: usize,
}

/// A statement as each outlet words it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuoteGroup {
    /// Whose words they are.
    pub speaker: Option<String>,
    /// In order of arrival.
    pub variants: Vec<Variant>,
}

/// A wording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// The report's own id in its drop.
    pub input_id: Option<String>,
    /// The report.
    pub article: Id,
    /// Who words it so.
    pub source: String,
    /// First character, in Unicode scalar values of the report's text.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// The words.
    pub text: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if asks for a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A story from its reports, all revisions in order of arrival: the first, so many that are left out, and the last.
pub fn storyline(id: Id, first: &[Told], left_out: usize, latest: &[Told]) -> Storyline {
    let mut reports: Vec<Report> = Vec::new();
    let mut last: BTreeMap<Id, &Told> = BTreeMap::new();
    let mut known = Known::default();
    let mut names: HashSet<&str> = HashSet::new();
    let (mut places, mut texts) = (HashMap::<Id, usize>::new(), HashSet::<Id>::new());
    let mut left_out_at = None;
    for (place, one) in first.iter().chain(latest).enumerate() {
        if place == first.len() {
            left_out_at = Some(reports.len());
        }
        let Told { article, decision } = one;
        let report = decision.article.id.report;
        let before = last.insert(report, one);
        // Most copies are to the letter.
        let text = if texts.insert(Id::of(&[article.text.as_bytes()])) { article.text.as_str() } else { "" };
        let next = reports.len();
        let known_report = reports.get_mut(*places.entry(report).or_insert(next));
        let says = known_report.is_none() && decision.verdict != Verdict::Copy;
        let novel = if says { told_by(one, text, &mut known) } else { None };
        match known_report {
            Some(known) => {
                // A notice that takes a report back may have no headline of its own; the decision has the report's.
                known.title.clone_from(&decision.article.title);
                if let Some(original) = decision.copy_of {
                    (known.verdict, known.copy_of) = (Verdict::Copy, Some(original));
                }
                known.updates.push(Update {
                    seen_at: article.seen_at,
                    novel: before.and_then(|before| changed(before, one)),
                    reason: decision.reason.clone(),
                });
            }
            None => reports.push(Report {
                novel,
                new_entities: unheard(&decision.entities, &names),
                ..first_revision(one)
            }),
        }
        if !says {
            known.add(&article.title, text, decision.article.language.as_deref());
        }
        names.extend(decision.entities.iter().map(|entity| entity.name.as_str()));
    }
    let mut outlets: Vec<&str> = reports.iter().map(|report| report.source.as_str()).collect();
    outlets.sort_unstable();
    outlets.dedup();
    let originals = reports.iter().filter(|report| report.verdict != Verdict::Copy);
    let mut independent: Vec<&str> = originals.map(|report| report.source.as_str()).collect();
    independent.sort_unstable();
    independent.dedup();
    let in_order: Vec<&Told> = reports.iter().filter_map(|report| last.get(&report.id).copied()).collect();
    let entities = named(&in_order);
    Storyline {
        id,
        title: reports.first().map(|report| report.title.clone()).unwrap_or_default(),
        outlets: outlets.len(),
        independent: independent.len(),
        copies: reports.iter().filter(|report| report.verdict == Verdict::Copy).count(),
        quote_groups: quote_groups(&in_order, &entities),
        entities: entities.into_iter().take(ENTITIES_MAX).collect(),
        articles: reports,
        left_out,
        left_out_at: left_out_at.filter(|_| left_out > 0).unwrap_or(0),
    }
}

fn first_revision(Told { article, decision }: &Told) -> Report {
    Report {
        id: decision.article.id.report,
        input_id: article.input_id.clone(),
        source: article.outlet.clone(),
        title: article.title.clone(),
        url: article.url.clone(),
        published: article.published,
        seen_at: article.seen_at,
        verdict: decision.verdict,
        copy_of: (decision.verdict == Verdict::Copy).then_some(decision.of_id).flatten(),
        novel: None,
        new_entities: Vec::new(),
        updates: Vec::new(),
    }
}

/// What a report says first.
fn told_by(Told { article, decision }: &Told, text: &str, known: &mut Known) -> Option<String> {
    let language = decision.article.language.as_deref();
    known.tell(&article.title, text, language, &|term| f64::from(common_idf(term)))
}

fn changed(before: &Told, now: &Told) -> Option<String> {
    let mut known = Known::revision();
    let Told { article, decision } = before;
    known.add(&article.title, &article.text, decision.article.language.as_deref());
    told_by(now, &now.article.text, &mut known)
}

/// Names that are not known, people first.
fn unheard(entities: &[Entity], known: &HashSet<&str>) -> Vec<String> {
    let told = |entity: &&Entity| {
        matches!(entity.kind, EntityKind::Person | EntityKind::Org | EntityKind::Place)
            && !known.contains(entity.name.as_str())
    };
    let mut new: Vec<&Entity> = entities.iter().filter(told).collect();
    new.sort_by_key(|entity| (entity.kind, std::cmp::Reverse(entity.mentions.len())));
    new.into_iter().map(|entity| entity.name.clone()).collect()
}

fn named(told: &[&Told]) -> Vec<Named> {
    let mut counts: BTreeMap<(&str, EntityKind), (usize, usize)> = BTreeMap::new();
    for one in told {
        for entity in &one.decision.entities {
            let (articles, mentions) = counts.entry((&entity.name, entity.kind)).or_default();
            *articles += 1;
            *mentions += entity.mentions.len();
        }
    }
    let mut named: Vec<Named> = counts
        .into_iter()
        .map(|((name, kind), (articles, mentions))| Named { name: name.to_owned(), kind, articles, mentions })
        .collect();
    named.sort_by(|a, b| (b.articles, b.mentions).cmp(&(a.articles, a.mentions)).then(a.name.cmp(&b.name)));
    named
}

fn quote_groups(told: &[&Told], entities: &[Named]) -> Vec<QuoteGroup> {
    let mut places = Vec::new();
    let mut statements = Vec::new();
    // A copy words nothing itself.
    for one in told.iter().filter(|one| one.decision.verdict != Verdict::Copy) {
        for quote in &one.decision.quotes {
            places.push((*one, quote));
            statements.push(Statement {
                speaker: quote.speaker.as_deref(),
                outlet: &one.article.outlet,
                text: &quote.text,
                language: one.decision.article.language.as_deref(),
            });
        }
    }
    let variant = |place: &usize| {
        let (Told { article, decision }, quote) = places.get(*place)?;
        Some(Variant {
            input_id: article.input_id.clone(),
            article: decision.article.id.report,
            source: article.outlet.clone(),
            start: quote.start,
            end: quote.end,
            text: quote.text.clone(),
        })
    };
    let named = entities.iter().map(|named| (named.name.as_str(), named.kind, named.articles));
    drift::groups(&statements, &Cast::new(named))
        .into_iter()
        .map(|group| QuoteGroup {
            speaker: group.speaker,
            variants: group.statements.iter().filter_map(variant).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::{ArticleHead, ArticleId};

    fn report(number: u64, verdict: Verdict, of: Option<u64>, text: &str) -> Told {
        let article = Article {
            outlet: format!("outlet{number}.example"),
            title: "Ferry aground".to_owned(),
            text: text.to_owned(),
            ..Article::default()
        };
        let head = ArticleHead {
            id: ArticleId { report: Id(number), revision: 1 },
            input_id: None,
            source: article.outlet.clone(),
            url: None,
            title: article.title.clone(),
            published: None,
            seen_at: article.seen_at,
            language: None,
            lead: String::new(),
        };
        let decision = Decision { of_id: of.map(Id), story: Some(Id(1)), ..Decision::of(head, verdict) };
        Told { article, decision }
    }

    #[test]
    fn a_long_story_says_where_its_middle_is_left_out() {
        let aground = "The ferry ran aground near Holm on Monday with ninety passengers aboard.";
        let found = "Inspectors of Holm Shipyard found that rudder bolts, replaced in April, had cracked.";
        let first = [report(1, Verdict::New, None, aground), report(2, Verdict::Copy, Some(1), aground)];
        let latest = [
            report(8, Verdict::Copy, Some(1), aground),
            report(9, Verdict::New, None, &format!("{aground} {found}")),
        ];
        let story = storyline(Id(1), &first, 5, &latest);
        let listed: Vec<Id> = story.listed().iter().map(|report| report.id).collect();
        assert_eq!((listed, story.left_out_at, story.resumed_by()), (vec![Id(1), Id(9)], 2, Some(Id(9))));
        let novel: Vec<_> = story.articles.iter().map(|report| report.novel.as_deref()).collect();
        assert_eq!(novel, [Some(aground), None, None, Some(found)], "what is added is told of both ends");
        let whole = storyline(Id(1), &first, 0, &[]);
        assert_eq!((whole.left_out_at, whole.resumed_by()), (0, None));
    }
}
