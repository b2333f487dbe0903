//! A journal of invented news, written day by day without a pipeline: as many articles as wanted, in stories from one
//! report to thousands, with names, statements, copies, topics and alerts. The same from each seed.

#![expect(clippy::expect_used, reason = "a bench that cannot write has nothing to say")]

use std::{io, path::Path};

use jiff::{SignedDuration, Timestamp};
use storywatch::{
    article::{
        Alert, AlertKind, Article, ArticleHead, ArticleId, Decision, Entity, EntityKind, Field, Id,
        LEAD_CHARS, Match, Mention, Quote, Verdict,
    },
    journal::{Commit, Journal, LineRef, state_dir::StateDir},
};

use crate::corpus::{Random, capital, spelled, word};

/// Articles of one batch.
const BATCH: u64 = 512;
/// The last of them comes now, the first so long before.
const DAYS: i64 = 30;
const DAY_SECS: i64 = 86_400;
const BODY_BYTES: usize = 5_000;

const VOCABULARY: u64 = 300_000;
const PEOPLE: u64 = 20_000;
const OUTLETS: u64 = 400;
/// Stories that go on at one time.
const STORIES: u64 = 1_000;
/// Of a hundred articles so many belong to one of these.
const IN_STORIES: u64 = 60;
/// Of a hundred of those so many are copies.
const COPIES: u64 = 15;
/// The story of a rank ends after so many reports at the most: the first ranks have thousands.
const STORY_REPORTS_MAX: u64 = 6_000;
const TOPICS: u64 = 50;
/// Each so-manieth story belongs to a topic.
const TOLD_STORIES: u64 = 10;

/// A story that goes on.
struct Story {
    id: Id,
    reports: u32,
    /// Who is in it.
    people: Vec<u64>,
    /// What was said in it.
    statements: Vec<Vec<u64>>,
    topic: Option<u64>,
    /// What copies copy.
    original: Option<(Id, Article, Decision)>,
}

/// The name of a topic.
pub(crate) fn topic(number: u64) -> String {
    format!("topic-{number:02}")
}

/// Topics that articles belong to.
pub(crate) fn topics() -> impl Iterator<Item = String> {
    (0..TOPICS).map(topic)
}

/// A person of whom more is told the smaller the number is.
pub(crate) fn person(number: u64) -> String {
    format!("{} {}", capital(&spelled(number * 7 + 3)), capital(&spelled(number * 31 + 11)))
}

pub(crate) fn outlet(number: u64) -> String {
    format!("outlet{number}.example")
}

/// Fills the journal of an empty state directory; says how many bytes of headlines and texts it holds.
pub(crate) fn fill(folder: &Path, articles: u64) -> io::Result<u64> {
    let state = StateDir::lock(folder).map_err(io::Error::other)?;
    let (mut journal, _) = Journal::open(&state).map_err(io::Error::other)?;
    let mut press = Press::new();
    let end = Timestamp::now();
    let first = end - SignedDuration::from_secs(DAYS * DAY_SECS);
    let count = i64::try_from(articles).unwrap_or(i64::MAX).max(1);
    let (mut bytes, mut alert_seq) = (0, 0);
    for begin in (0..articles).step_by(usize::try_from(BATCH).unwrap_or(1)) {
        let numbers = begin..(begin + BATCH).min(articles);
        let mut at = end;
        for number in numbers.clone() {
            let passed = i64::try_from(number).unwrap_or(0) * DAYS * DAY_SECS / count;
            let seen_at = first + SignedDuration::from_secs(passed);
            if number == begin {
                at = seen_at;
            }
            let (article, decision, mut alerts) = press.article(number, seen_at);
            for alert in &mut alerts {
                alert_seq += 1;
                alert.seq = alert_seq;
            }
            bytes += (article.title.len() + article.text.len()) as u64;
            let decision = serde_json::value::to_raw_value(&decision).map_err(io::Error::other)?;
            let line = LineRef::Article {
                seq: number + 1,
                article: &article,
                decision: &decision,
                alerts: &alerts,
                traces: &[],
                weights: "",
            };
            journal.append(at, &line).expect("a line");
        }
        let commit = Commit {
            batch: begin / BATCH + 1,
            articles: u32::try_from(numbers.end - begin).unwrap_or(0),
            seq: numbers.end,
            alert_seq,
            told: alert_seq,
            ..Commit::default()
        };
        journal.commit(at, &commit).expect("room on its disk");
    }
    Ok(bytes)
}

struct Press {
    random: Random,
    words: Vec<String>,
    stories: Vec<Story>,
}

impl Press {
    fn new() -> Self {
        let mut press = Self {
            random: Random(20_310_302),
            words: (0..VOCABULARY).map(word).collect(),
            stories: Vec::new(),
        };
        press.stories = (0..STORIES).map(|number| press.story(Id(number + 1))).collect();
        press
    }

    fn story(&mut self, id: Id) -> Story {
        let people = (0..6).map(|_| self.random.rank(PEOPLE)).collect();
        let statements = (0..5)
            .map(|_| (0..6 + self.random.below(14)).map(|_| self.random.rank(VOCABULARY)).collect())
            .collect();
        let topic = (self.random.below(TOLD_STORIES) == 0).then(|| self.random.below(TOPICS));
        Story { id, reports: 0, people, statements, topic, original: None }
    }

    fn article(&mut self, number: u64, seen_at: Timestamp) -> (Article, Decision, Vec<Alert>) {
        let report = Id::of(&[&number.to_be_bytes()]);
        let place = self.random.of_hundred(IN_STORIES).then(|| self.random.rank(STORIES));
        let place = place.and_then(|place| usize::try_from(place).ok());
        let mut story = match place.and_then(|place| self.stories.get_mut(place)) {
            Some(slot) => {
                let empty = Story {
                    id: slot.id,
                    reports: 0,
                    people: Vec::new(),
                    statements: Vec::new(),
                    topic: None,
                    original: None,
                };
                std::mem::replace(slot, empty)
            }
            None => self.story(report),
        };
        let limit = STORY_REPORTS_MAX / (place.unwrap_or(0) as u64 + 1);
        if place.is_some() && u64::from(story.reports) >= limit.max(12) {
            story = self.story(report);
        }
        if story.reports == 0 {
            story.id = report;
        }
        story.reports += 1;
        let outlet = outlet(self.random.rank(OUTLETS));
        let told = self.told(number, report, seen_at, outlet, &mut story);
        if let Some(slot) = place.and_then(|place| self.stories.get_mut(place)) {
            *slot = story;
        }
        told
    }

    fn told(
        &mut self,
        number: u64,
        report: Id,
        seen_at: Timestamp,
        outlet: String,
        story: &mut Story,
    ) -> (Article, Decision, Vec<Alert>) {
        let url = Some(format!("https://{outlet}/news/{number}"));
        let copied = story.original.as_ref().filter(|_| self.random.of_hundred(COPIES));
        let (article, mut decision) = if let Some((original, article, decision)) = copied {
            let article = Article { url, outlet, seen_at, published: Some(seen_at), ..article.clone() };
            let decision = Decision {
                verdict: Verdict::Copy,
                of: Some(original.to_string()),
                of_id: Some(*original),
                similarity: Some(1.0),
                ..decision.clone()
            };
            (article, decision)
        } else {
            let (article, entities, quotes) = self.written(url, outlet, seen_at, story);
            let decision = Decision { entities, quotes, ..blank(report, &article) };
            story.original = Some((report, article.clone(), decision.clone()));
            (article, decision)
        };
        decision.article = head(report, &article);
        decision.story = Some(story.id);
        let mut alerts = Vec::new();
        if let Some(number) = story.topic {
            let outcome = if decision.verdict == Verdict::New { "alerted" } else { "suppressed:copy" };
            decision.matches = vec![Match {
                topic: topic(number),
                score: 0.8,
                evidence: vec!["query".to_owned()],
                outcome: outcome.to_owned(),
            }];
            if decision.verdict == Verdict::New {
                alerts.push(Alert {
                    story: decision.story,
                    article: Some(decision.article.clone()),
                    outlets: story.reports.min(40),
                    independent: story.reports.min(30),
                    reports: story.reports,
                    novel: article.text.split('.').next().map(ToOwned::to_owned),
                    ..Alert::bare(report, seen_at, AlertKind::NewCoverage, &topic(number))
                });
            }
        }
        (article, decision, alerts)
    }

    /// An article of its own words, who is named in it, and what is quoted.
    fn written(
        &mut self,
        url: Option<String>,
        outlet: String,
        seen_at: Timestamp,
        story: &Story,
    ) -> (Article, Vec<Entity>, Vec<Quote>) {
        let people: Vec<u64> = story
            .people
            .iter()
            .copied()
            .chain([self.random.rank(PEOPLE), self.random.rank(PEOPLE)])
            .collect();
        let mut entities: Vec<Entity> = Vec::new();
        let mut quotes = Vec::new();
        let mut title = person(people.first().copied().unwrap_or(0));
        for _ in 0..6 {
            title.push(' ');
            self.push_word(&mut title);
        }
        // All but the quotation marks is ASCII: two of three bytes of each of those count for nothing.
        let (mut text, mut marks) = (String::with_capacity(BODY_BYTES + 400), 0);
        while text.len() < BODY_BYTES {
            let place = u32::try_from(text.len() - 2 * marks).unwrap_or(0);
            let who = usize::try_from(self.random.below(people.len() as u64)).unwrap_or(0);
            let name = person(people.get(who).copied().unwrap_or(0));
            if self.random.of_hundred(30) {
                let end = place + u32::try_from(name.len()).unwrap_or(0);
                mention(&mut entities, &name, place, end);
                text.push_str(&name);
                if self.random.of_hundred(40) {
                    let said = usize::try_from(self.random.below(story.statements.len() as u64)).unwrap_or(0);
                    let statement = story.statements.get(said).map(Vec::as_slice).unwrap_or_default();
                    let statement = self.worded(statement);
                    text.push_str(" said: “");
                    let start = end + 8;
                    let length = u32::try_from(statement.len()).unwrap_or(0);
                    quotes.push(Quote {
                        text: statement.clone(),
                        start,
                        end: start + length,
                        speaker: Some(person(story.people.get(said).copied().unwrap_or(0))),
                    });
                    text.push_str(&statement);
                    text.push_str("” ");
                    marks += 2;
                    continue;
                }
                text.push(' ');
            }
            for _ in 0..8 + self.random.below(16) {
                self.push_word(&mut text);
                text.push(' ');
            }
            text.pop();
            text.push_str(if self.random.of_hundred(20) { ".\n" } else { ". " });
        }
        text.truncate(text.trim_end().len());
        let language = if self.random.of_hundred(80) { "en" } else { "de" };
        let article = Article {
            url,
            title,
            text,
            published: Some(seen_at),
            outlet,
            language: Some(language.to_owned()),
            seen_at,
            ..Article::default()
        };
        (article, entities, quotes)
    }

    /// A statement, in which now and then a word is another one.
    fn worded(&mut self, statement: &[u64]) -> String {
        let mut text = String::new();
        for rank in statement {
            let other = self.random.of_hundred(8);
            let rank = if other { self.random.rank(VOCABULARY) } else { *rank };
            text.push_str(self.words.get(usize::try_from(rank).unwrap_or(0)).map_or("", String::as_str));
            text.push(' ');
        }
        text.truncate(text.trim_end().len());
        text
    }

    fn push_word(&mut self, text: &mut String) {
        let rank = self.random.rank(VOCABULARY);
        text.push_str(self.words.get(usize::try_from(rank).unwrap_or(0)).map_or("", String::as_str));
    }
}

fn mention(entities: &mut Vec<Entity>, name: &str, start: u32, end: u32) {
    let place = Mention { field: Field::Text, start, end };
    match entities.iter_mut().find(|entity| entity.name == name) {
        Some(entity) => entity.mentions.push(place),
        None => entities.push(Entity {
            name: name.to_owned(),
            kind: EntityKind::Person,
            role: None,
            tracked: false,
            mentions: vec![place],
        }),
    }
}

fn head(report: Id, article: &Article) -> ArticleHead {
    ArticleHead {
        id: ArticleId { report, revision: 1 },
        input_id: None,
        source: article.outlet.clone(),
        url: article.url.clone(),
        title: article.title.clone(),
        published: article.published,
        seen_at: article.seen_at,
        language: article.language.clone(),
        lead: article.text.chars().take(LEAD_CHARS).collect(),
    }
}

fn blank(report: Id, article: &Article) -> Decision {
    Decision::of(head(report, article), Verdict::New)
}
