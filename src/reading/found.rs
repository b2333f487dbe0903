//! Search: reports that hold what a query asks for, each with the passage that shows it.

use std::{
    collections::{BTreeSet, HashSet},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ReadingError, View, snippet};
use crate::{
    article::{Article, Decision, Id, Verdict},
    pipeline::topic::{
        Doc,
        query::{self, Query, Subject, Words},
    },
    search::{By, Filter, Hit, SearchError},
};

/// Hits of one answer.
pub const HITS_MAX: usize = 1_000;
/// Hits before the first one of an answer.
pub const SKIPPED_MAX: usize = 10_000;
/// For a whole answer.
const ANSWER_SECS_MAX: u64 = 5;
/// Of which so much may go by until there is something to show.
const FIRST_SECS_MAX: u64 = 1;
/// Hits that are ranked for it once the first few did not do.
const READ_FIRST: usize = 1_024;
/// Texts that are read at most where the index alone cannot tell.
const READ_MAX: usize = 20_000;

/// What is searched for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// In the topics' query language; nothing asks for everything.
    pub words: String,
    /// Who publishes: a name, a host, or a domain above it.
    pub outlet: Option<String>,
    /// Who or what is named.
    pub entity: Option<String>,
    /// Language of the article, two or three letters.
    pub language: Option<String>,
    /// Topic and time.
    pub filter: Filter,
    /// What comes first.
    pub by: By,
    /// Hits wanted, at most `HITS_MAX`.
    pub count: usize,
    /// Hits to leave out before them, at most `SKIPPED_MAX`.
    pub skip: usize,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Reports in all; at most so many where `at_most`.
    pub reports: u64,
    /// So many were counted; there are more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
    /// The index alone could not tell, and not all texts were read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_most: bool,
    /// Whether more of them can be asked for.
    pub more: bool,
    /// In order, each report once, in the newest revision that was found.
    pub hits: Vec<Report>,
}

/// A report that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The report.
    pub id: Id,
    /// The drop's own id.
    pub input_id: Option<String>,
    /// The story that it belongs to.
    pub story: Option<Id>,
    /// Who publishes.
    pub source: String,
    /// Headline.
    pub title: String,
    /// Where it stands.
    pub url: Option<String>,
    /// As the outlet states it.
    pub published: Option<Timestamp>,
    /// When it arrived.
    pub seen_at: Timestamp,
    /// Stated or detected.
    pub language: Option<String>,
    /// `new`, `copy` or `update`.
    pub verdict: Verdict,
    /// Topics that it belongs to.
    pub topics: Vec<String>,
    /// Its publisher took it back: its text is not shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    /// A passage with the words, on one line.
    pub snippet: String,
    /// Where the words stand in `snippet`: from, to, in Unicode scalar values.
    pub marks: Vec<(u32, u32)>,
}

impl Search {
    /// The whole of it as one query; none where it asks for everything.
    ///
    /// # Errors
    /// When the words are not in the query language, or the entity has no word in it.
    fn query(&self) -> Result<Option<Query>, ReadingError> {
        let mut parts = Vec::new();
        if !self.words.trim().is_empty() {
            let parsed = query::parse(&self.words);
            parts.push(parsed.map_err(|fault| ReadingError::Query(fault.to_string()))?);
        }
        if let Some(entity) = &self.entity {
            let words = Words::new(entity, false, false);
            let none = || ReadingError::Query("no word in the name of the entity".to_owned());
            parts.push(Query::Entity(words.ok_or_else(none)?));
        }
        parts.extend(self.outlet.clone().map(Query::Source));
        parts.extend(self.language.as_ref().map(|language| Query::Lang(language.to_lowercase())));
        Ok(match parts.pop() {
            Some(only) if parts.is_empty() => Some(only),
            Some(last) => {
                parts.push(last);
                Some(Query::And(parts))
            }
            None => None,
        })
    }
}

impl View {
    /// The reports that hold what is asked for.
    ///
    /// # Errors
    /// When the query is not understood or costs too much, or index or journal cannot be read.
    pub fn search(&self, search: &Search) -> Result<Found, ReadingError> {
        let deadline = Instant::now() + Duration::from_secs(ANSWER_SECS_MAX);
        let query = search.query()?;
        let skip = search.skip.min(SKIPPED_MAX);
        let wanted = skip + search.count.min(HITS_MAX);
        // Later revisions of one report fall together, and texts that are read may not hold the query.
        let mut asked_for = wanted + wanted / 4 + 16;
        let enough = Instant::now() + Duration::from_secs(FIRST_SECS_MAX);
        let mut reading =
            Reading { view: self, query: query.as_ref(), read: 0, found: false, enough, deadline };
        loop {
            let ranked = self.index.ranked(query.as_ref(), &search.filter, search.by, asked_for, deadline)?;
            let (hits, passed) = reading.sift(&ranked.hits, wanted + 1, ranked.exact)?;
            let spent = reading.is_spent();
            if hits.len() <= wanted && ranked.more && !spent {
                asked_for = if ranked.exact { asked_for * 4 } else { (asked_for * 4).max(READ_FIRST) };
                continue;
            }
            let more = hits.len() > wanted || ranked.more && !spent;
            let shown: Vec<Report> = hits
                .into_iter()
                .take(wanted)
                .skip(skip)
                .map(|(hit, read)| self.report(&hit, read, query.as_ref()))
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .flatten()
                .collect();
            let all_read = ranked.exact || !ranked.more && !spent;
            // What the index found at most, or, where it did not look at all, what surely holds the query.
            let at_most = !all_read && ranked.all;
            let reports = if ranked.exact || at_most { ranked.reports } else { passed as u64 };
            return Ok(Found {
                reports: reports.max(shown.len() as u64),
                at_least: !ranked.all,
                at_most,
                more,
                hits: shown,
            });
        }
    }

    fn report(
        &self,
        hit: &Hit,
        read: Option<(Article, Decision)>,
        query: Option<&Query>,
    ) -> Result<Option<Report>, ReadingError> {
        let read = match read {
            Some(read) => Some(read),
            None => self.read(hit)?.map(|(article, decision, _)| (article, decision)),
        };
        let Some((article, decision)) = read else { return Ok(None) };
        let withdrawn = self.index.is_withdrawn(hit.report);
        let passage = if withdrawn { snippet::Snippet::default() } else { snippet::of(&article.text, query) };
        let head = decision.article;
        Ok(Some(Report {
            id: hit.report,
            input_id: article.input_id,
            story: decision.story,
            source: article.outlet,
            title: head.title,
            url: article.url,
            published: article.published,
            seen_at: article.seen_at,
            language: head.language,
            verdict: decision.verdict,
            topics: decision.matches.into_iter().map(|found| found.topic).collect(),
            withdrawn,
            snippet: passage.text,
            marks: passage.marks,
        }))
    }
}

/// Reads texts where the index cannot tell whether the query holds.
struct Reading<'a> {
    view: &'a View,
    query: Option<&'a Query>,
    read: usize,
    /// Whether one held the query; then the time until `enough` must do.
    found: bool,
    enough: Instant,
    deadline: Instant,
}

type Read = Option<(Article, Decision)>;

impl Reading<'_> {
    fn is_spent(&self) -> bool {
        self.read >= READ_MAX || Instant::now() > if self.found { self.enough } else { self.deadline }
    }

    /// Of the hits the first that hold the query, each report once; and how many those are in all, as far as was read.
    fn sift(
        &mut self,
        hits: &[Hit],
        wanted: usize,
        exact: bool,
    ) -> Result<(Vec<(Hit, Read)>, usize), ReadingError> {
        let mut known = HashSet::new();
        let mut kept = Vec::new();
        let mut passed = BTreeSet::new();
        for hit in hits {
            if known.contains(&hit.report) {
                continue;
            }
            if exact {
                known.insert(hit.report);
                kept.push((*hit, None));
                if kept.len() >= wanted {
                    break;
                }
                continue;
            }
            if self.is_spent() {
                break;
            }
            self.read += 1;
            let Some((article, decision, _)) = self.view.read(hit)? else { continue };
            if self.query.is_none_or(|query| holds(query, &article, &decision)) {
                self.found = true;
                known.insert(hit.report);
                passed.insert(hit.report);
                if kept.len() < wanted {
                    kept.push((*hit, Some((article, decision))));
                } else {
                    break;
                }
            }
        }
        let passed = passed.len().max(kept.len());
        Ok((kept, passed))
    }
}

fn holds(query: &Query, article: &Article, decision: &Decision) -> bool {
    let subject = Subject::new(Doc {
        title: &article.title,
        text: &article.text,
        outlet: &article.outlet,
        url: article.url.as_deref(),
        language: decision.article.language.as_deref(),
        entities: &decision.entities,
        time: article.seen_at.as_second(),
        dated: article.published.is_some(),
    });
    query.holds(&subject, &mut Vec::new())
}

/// Whether a search fails by its words, not by the house.
pub fn is_askers(fault: &ReadingError) -> bool {
    matches!(
        fault,
        ReadingError::Query(_) | ReadingError::Search(SearchError::Refused(_) | SearchError::Late)
    )
}
