//! Whether a match is told, as what, and in which words.

use std::cell::OnceCell;

use super::{
    decide::{Analysis, event_time},
    desk,
    novel::Known as Told,
    place,
    record::{Known, Report},
    state::State,
    topic::{self, TopicMatch},
    view::{Locator, ViewError},
};
use crate::article::{Alert, AlertKind, Article, Decision, EntityKind, Id, Occasion, Verdict};

/// An article's least time between two `update` alerts.
const UPDATE_GAP_SECS: i64 = 3600;

/// Most names listed as new in one alert.
const NEW_ENTITIES_MAX: usize = 8;

/// Role of people who are named for a picture: they are not in the news.
const PHOTO_CREDIT: &str = "photo credit";

/// Earlier reports of a story that a new one is compared with: so many of the first and of the last.
const COMPARED_AT_EACH_END: usize = 4;

/// An article that has its verdict and its story.
pub(super) struct Case<'a> {
    pub(super) state: &'a State,
    pub(super) known: Known<'a>,
    pub(super) article: &'a Article,
    pub(super) analysis: &'a Analysis,
    pub(super) story: Id,
    /// Other stories that it fits as well.
    pub(super) fits_too: Vec<Id>,
    pub(super) verdict: Verdict,
    /// An update that is none of the publisher's: a teaser became its page's text.
    pub(super) full_text: bool,
    /// Another outlet's text: a copy, or an update that proves to be one.
    pub(super) copied: bool,
    /// Of an update the report as it was, of a copy its original.
    pub(super) other: Option<&'a Report>,
    /// The sentence that the story did not have, once a topic has asked for it: it is the same for all.
    pub(super) novel: OnceCell<Option<String>>,
}

/// What is told.
pub(super) struct Telling {
    kind: AlertKind,
    outlets: u32,
    new_outlet: bool,
    independent: u32,
    reports: u32,
    copies: u32,
    new_entities: Vec<String>,
    novel: Option<String>,
}

impl Case<'_> {
    /// What a match tells, or why it is not told.
    pub(super) fn told(
        &self,
        found: &TopicMatch,
        topic: &str,
    ) -> Result<Result<Telling, &'static str>, ViewError> {
        let kind = match self.kind(found, topic) {
            Ok(kind) => kind,
            Err(reason) => return Ok(Err(reason)),
        };
        let Some(rule) = self.state.rules.topics.get(found.topic) else { return Ok(Err("topic-is-gone")) };
        if !rule.tells(kind) {
            return Ok(Err("kind-is-off"));
        }
        let novel = self.novel(kind)?;
        if kind == AlertKind::Update && novel.is_none() {
            return Ok(Err("minor-update"));
        }
        if let Some(why) = desk::withheld(self.state, rule, kind, self.now()) {
            return Ok(Err(why.word()));
        }
        Ok(Ok(Telling { novel, new_entities: self.new_entities()?, ..self.telling(kind) }))
    }

    fn now(&self) -> i64 {
        self.article.seen_at.as_second()
    }

    /// How much coverage there is, this article counted.
    fn telling(&self, kind: AlertKind) -> Telling {
        let Self { state, story, .. } = *self;
        let summary =
            state.stories.summary_with(story, self.analysis.keys.site, self.verdict == Verdict::Update);
        Telling {
            kind,
            outlets: summary.outlets,
            new_outlet: summary.outlets > state.stories.summary(story).outlets,
            independent: summary.independent,
            reports: summary.reports,
            copies: summary.copies,
            new_entities: Vec::new(),
            novel: None,
        }
    }

    /// Whether a match makes the topic's last hour far busier than usual, and how that is said.
    pub(super) fn surge(
        &self,
        found: &TopicMatch,
        topic: &str,
        decision: &Decision,
        outcome: &str,
    ) -> Option<(Telling, Vec<String>)> {
        let rule = self.state.rules.topics.get(found.topic)?;
        let (key, now) = (topic::key(topic), self.now());
        let heard = rule.tells(AlertKind::Surge) && self.state.quiet_until(key, now).is_none();
        if !heard || !desk::is_paced(decision, outcome) {
            return None;
        }
        let surge = desk::surge(self.state, key, now, event_time(self.article).0)?;
        let usual =
            if surge.usual < 10.0 { format!("{:.1}", surge.usual) } else { format!("{:.0}", surge.usual) };
        let words = vec![format!("{} reports within the hour", surge.reports), format!("usual: {usual}")];
        Some((self.telling(AlertKind::Surge), words))
    }

    fn kind(&self, found: &TopicMatch, topic: &str) -> Result<AlertKind, &'static str> {
        if found.is_sample {
            return Err("sample");
        }
        if self.copied {
            return Err("copy");
        }
        self.timely()?;
        if self.verdict == Verdict::Update && self.article.occasion == Occasion::Rekeyed {
            return Err("rekeyed");
        }
        let key = topic::key(topic);
        let now = self.article.seen_at.as_second();
        if let (Verdict::Update, Some(report)) = (self.verdict, self.other)
            && report.told.contains(&key)
        {
            if self.full_text {
                return Err("full-text");
            }
            let lately = report.update_told != 0 && now.saturating_sub(report.update_told) < UPDATE_GAP_SECS;
            return if lately { Err("update-within-the-hour") } else { Ok(AlertKind::Update) };
        }
        let Some(rule) = self.state.rules.topics.get(found.topic) else { return Err("topic-is-gone") };
        let summary = self.state.stories.summary_with(
            self.story,
            self.analysis.keys.site,
            self.verdict == Verdict::Update,
        );
        if summary.independent < rule.min_outlets {
            return Err("min-outlets");
        }
        match self.state.told(self.story, &self.fits_too, key) {
            None => Ok(AlertKind::NewStory),
            Some(told) if rule.cooldown_secs > 0 && now.saturating_sub(told) < rule.cooldown_secs => {
                Err("cooldown")
            }
            Some(_) => Ok(AlertKind::NewCoverage),
        }
    }

    /// Whether the article comes in time to be told.
    fn timely(&self) -> Result<(), &'static str> {
        let rules = &self.state.rules;
        let (limit_secs, reason) = match self.article.occasion {
            Occasion::Replay => return Ok(()),
            Occasion::Backfill => return Err("backfill"),
            Occasion::Live | Occasion::Rekeyed => (rules.max_age_secs, "old"),
            Occasion::FirstFetch => (rules.first_fetch_secs, "first-fetch"),
        };
        let Some(published) = self.article.published else {
            return if self.article.occasion == Occasion::FirstFetch { Err(reason) } else { Ok(()) };
        };
        let age_secs = self.article.seen_at.as_second().saturating_sub(published.as_second());
        if age_secs > limit_secs { Err(reason) } else { Ok(()) }
    }

    /// The sentence that says most that was not known: by the story so far, or, of an update, by the last revision.
    fn novel(&self, kind: AlertKind) -> Result<Option<String>, ViewError> {
        if let (AlertKind::Update, Some(before)) = (kind, self.other) {
            let text = place::text_of(self.state, before);
            return text.map_or(Ok(None), |at| self.novel_after(&[at], Told::revision()));
        }
        if let Some(novel) = self.novel.get() {
            return Ok(novel.clone());
        }
        let members: Vec<u64> = self.state.stories.members(self.story).collect();
        let tail = members.len().saturating_sub(COMPARED_AT_EACH_END).max(COMPARED_AT_EACH_END);
        let compared = members.iter().take(COMPARED_AT_EACH_END).chain(members.iter().skip(tail));
        let places: Vec<_> = compared.filter_map(|seq| Some(self.state.window.get(*seq)?.at)).collect();
        let novel = self.novel_after(&places, Told::default())?;
        Ok(self.novel.get_or_init(|| novel).clone())
    }

    /// The sentence that says most that the articles at these places did not.
    fn novel_after(&self, places: &[Locator], mut told: Told) -> Result<Option<String>, ViewError> {
        let language = self.analysis.language.as_deref();
        for at in places {
            let article = self.known.article(*at)?;
            told.add(&article.title, &article.text, language);
        }
        let Article { title, text, .. } = self.article;
        Ok(told.tell(title, text, language, &|term| self.state.stories.idf(term)))
    }

    /// Names that the story did not have, people first, then by weight.
    fn new_entities(&self) -> Result<Vec<String>, ViewError> {
        let known = self.state.stories.names(self.story, &|seq| self.known.member(seq))?;
        let mut new: Vec<_> = self
            .analysis
            .entities
            .iter()
            .filter(|entity| matches!(entity.kind, EntityKind::Person | EntityKind::Org | EntityKind::Place))
            .filter(|entity| entity.role.as_deref() != Some(PHOTO_CREDIT))
            .filter(|entity| known.binary_search(&topic::key(&entity.name)).is_err())
            .collect();
        new.sort_by_key(|entity| (entity.kind, std::cmp::Reverse(entity.mentions.len())));
        let mut names: Vec<String> = Vec::new();
        for entity in new {
            if names.len() < NEW_ENTITIES_MAX && !names.contains(&entity.name) {
                names.push(entity.name.clone());
            }
        }
        Ok(names)
    }
}

impl Telling {
    pub(super) fn alert(self, seq: u64, decision: &Decision, topic: &str, found: &TopicMatch) -> Alert {
        let Self { kind, outlets, new_outlet, independent, reports, copies, new_entities, novel } = self;
        let change = decision.change.clone().filter(|_| kind == AlertKind::Update);
        let article = &decision.article;
        let id = Id::of(&[
            b"alert",
            topic.as_bytes(),
            &article.id.report.0.to_be_bytes(),
            &article.id.revision.to_be_bytes(),
            kind.word().as_bytes(),
        ]);
        Alert {
            seq,
            id,
            time: article.seen_at,
            kind,
            topic: topic.to_owned(),
            story: decision.story,
            article: Some(article.clone()),
            outlets,
            new_outlet,
            independent,
            reports,
            copies,
            new_entities,
            novel,
            score: (found.score * 1000.0).round() / 1000.0,
            evidence: found.evidence.clone(),
            change,
            digest: None,
            feed: None,
        }
    }
}
