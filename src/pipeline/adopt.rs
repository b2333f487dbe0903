//! A topic that is new, or matches otherwise than before, looks over the stories that go on and follows from then on those
//! that it is sure of. It tells nothing of what it finds there. The journal keeps what it found, because the texts which
//! say so expire.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    batch::in_parallel,
    decide::event_time,
    record::{Known, encode, follow_key},
    state::State,
    story::{ACTIVE_SECS, Assignment, Loaded},
    topic::{self, Doc, Learned, Memory, Scope, Topics, Trace, Traced},
    view::{Changes, Locator, Tree, View, ViewError},
};
use crate::{
    article::{Article, Decision, Entity, Id},
    event::{Rules, TopicRule, TrackedName},
};

/// Articles that are looked at, the latest.
const ARTICLES_MAX: usize = 30_000;
/// Articles whose texts are in memory at once.
const ARTICLES_AT_ONCE: usize = 256;

/// What topics found when they looked over the stories that go on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Adoption {
    /// Names of the topics: what they remembered of any story before is forgotten.
    pub topics: Vec<String>,
    /// Stories that they are sure of, and what they remember of them from now on.
    pub stories: Vec<(Id, Traced)>,
}

/// Names of the topics that match otherwise than they did, or are new.
pub(crate) fn changed(before: &Rules, after: &Rules) -> Vec<String> {
    let asks = |rule: &TopicRule| {
        let TopicRule { name, query, names, examples, not_examples, sensitivity, .. } = rule.clone();
        TopicRule { name, query, names, examples, not_examples, sensitivity, ..TopicRule::default() }
    };
    let before: BTreeMap<&str, &TopicRule> =
        before.topics.iter().map(|rule| (rule.name.as_str(), rule)).collect();
    let same = |rule: &TopicRule| before.get(rule.name.as_str()).is_some_and(|old| asks(old) == asks(rule));
    after.topics.iter().filter(|rule| !same(rule)).map(|rule| rule.name.clone()).collect()
}

/// Has some topics of the rules in force look over the stories that go on. Changes nothing; `beat` is called now and then.
pub(crate) fn look_over(
    state: &State,
    view: &dyn View,
    topics: Vec<String>,
    beat: &mut dyn FnMut(),
) -> Result<Adoption, ViewError> {
    let rules = state.rules.topics.iter().filter(|rule| topics.contains(&rule.name));
    let rules = Rules { topics: rules.cloned().collect(), ..Rules::default() };
    let (asked, _) = Topics::compile(&rules);
    let names: Vec<&TrackedName> = rules.topics.iter().flat_map(|rule| &rule.names).collect();
    let mut found: BTreeMap<(Id, usize), (Trace, bool)> = BTreeMap::new();
    let known = Known { view, changes: &Changes::default() };
    for part in going_on(state).chunks(ARTICLES_AT_ONCE) {
        let mut articles = Vec::with_capacity(part.len());
        for (seq, story, at) in part {
            // Of a copy nothing is kept to compare: its original speaks for it.
            let words = state.stories.words_of(*seq, &|seq| known.member(seq))?;
            if let Some(words) = words.filter(|words| !words.entries().is_empty())
                && let Some((article, decision)) = view.decided(*at)?
            {
                articles.push((*seq, *story, article, decision, words));
            }
        }
        let verdicts = in_parallel(&articles, |(seq, _, article, decision, words)| {
            judge(state, &asked, &names, (*seq, words), article, decision)
        });
        for ((_, story, ..), verdicts) in articles.iter().zip(verdicts) {
            for (place, trace, sure) in verdicts {
                let (all, any_sure) = found.entry((*story, place)).or_default();
                all.best = all.best.max(trace.best);
                all.sum = all.sum.saturating_add(trace.sum);
                all.sample |= trace.sample;
                all.adopted |= trace.adopted;
                *any_sure |= sure;
            }
        }
        beat();
    }
    let sure = found.into_iter().filter(|(_, (_, sure))| *sure);
    let stories = sure.filter_map(|((story, place), (trace, _))| {
        Some((story, Traced { topic: asked.name(place)?.to_owned(), trace, learned: false }))
    });
    Ok(Adoption { stories: stories.collect(), topics })
}

/// The latest articles of the stories that an article of today may still join, oldest first.
fn going_on(state: &State) -> Vec<(u64, Id, Locator)> {
    let all =
        || state.window.iter().filter_map(|(seq, kept)| Some((seq, state.stories.story_of(seq)?, kept)));
    let latest = all().map(|(.., kept)| kept.seen_at).max().unwrap_or(i64::MIN);
    let since = latest.saturating_sub(ACTIVE_SECS);
    let lately = all().filter(|(.., kept)| kept.seen_at >= since);
    let stories: BTreeSet<Id> = lately.map(|(_, story, _)| story).collect();
    let articles = all().rev().filter(|(_, story, _)| stories.contains(story));
    let mut articles: Vec<_> =
        articles.take(ARTICLES_MAX).map(|(seq, story, kept)| (seq, story, kept.at)).collect();
    articles.reverse();
    articles
}

/// What each topic makes of an article by itself: its trace, and whether it is sure.
fn judge(
    state: &State,
    asked: &Topics,
    names: &[&TrackedName],
    (seq, loaded): (u64, &Loaded),
    article: &Article,
    decision: &Decision,
) -> Vec<(usize, Trace, bool)> {
    let assignment =
        Assignment { loaded: loaded.clone(), normal: state.stories.normal(loaded), ..Assignment::default() };
    let (time, dated) = event_time(article);
    let doc = Doc {
        title: &article.title,
        text: &article.text,
        outlet: &article.outlet,
        url: article.url.as_deref(),
        language: decision.article.language.as_deref(),
        entities: &tracked(&decision.entities, names),
        time,
        dated,
    };
    let learned = &Learned::default();
    let (traces, followed_beside) = (BTreeMap::new(), BTreeSet::new());
    let memory = Memory { story: None, traces, learned, besides: Some(seq), followed_beside };
    let verdicts = asked.judge(&doc, &assignment, &state.stories, &memory, Scope::Matches);
    let sure = |place| verdicts.matches.iter().any(|found| found.topic == place && found.sure);
    verdicts.traces.iter().map(|(place, trace, _)| (*place, *trace, sure(*place))).collect()
}

/// The names as they were found, those that are tracked now under their tracked name.
fn tracked(entities: &[Entity], names: &[&TrackedName]) -> Vec<Entity> {
    let under = |entity: &Entity| {
        let same = |spelling: &String| *spelling == entity.name;
        names.iter().find(|name| same(&name.name) || name.aliases.iter().any(same))
    };
    entities
        .iter()
        .map(|entity| match under(entity) {
            Some(name) => Entity { name: name.name.clone(), tracked: true, ..entity.clone() },
            None => entity.clone(),
        })
        .collect()
}

/// From here on topics remember of the window's stories what they found, and nothing else. When they last told of a
/// story, and what of it waits, stays.
pub(crate) fn adopt(state: &mut State, changes: &mut Changes, adoption: &Adoption) {
    let topics: BTreeSet<u64> = adoption.topics.iter().map(|name| topic::key(name)).collect();
    let mut touched = BTreeSet::new();
    for (key, follow) in state.follows.iter_mut().filter(|((_, topic), _)| topics.contains(topic)) {
        follow.trace = Trace::default();
        touched.insert(*key);
    }
    for (story, Traced { topic, trace, .. }) in &adoption.stories {
        if state.stories.summary(*story).reports > 0 {
            let key = (*story, topic::key(topic));
            state.follows.entry(key).or_default().trace = *trace;
            touched.insert(key);
        }
    }
    for (story, topic) in touched {
        let row = follow_key(story, topic);
        let Some(follow) = state.follows.get(&(story, topic)) else { continue };
        if follow.trace == Trace::default() && follow.told.is_none() && follow.held.is_none() {
            state.follows.remove(&(story, topic));
            changes.remove(Tree::Topics, row);
        } else {
            changes.put(Tree::Topics, row, encode(follow));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Sensitivity;

    fn rules(topics: &[TopicRule]) -> Rules {
        Rules { topics: topics.to_vec(), ..Rules::default() }
    }

    #[track_caller]
    fn check(after: TopicRule, expected: &[&str]) {
        let before = rules(&[TopicRule {
            name: "ferry".to_owned(),
            query: Some("ferry".to_owned()),
            ..TopicRule::default()
        }]);
        assert_eq!(changed(&before, &rules(&[after])), expected);
    }

    #[test]
    fn a_topic_looks_again_where_it_matches_otherwise() {
        let ferry =
            TopicRule { name: "ferry".to_owned(), query: Some("ferry".to_owned()), ..TopicRule::default() };
        check(ferry.clone(), &[]);
        check(TopicRule { cooldown_secs: 60, min_outlets: 2, ..ferry.clone() }, &[]);
        check(TopicRule { query: Some("ferries".to_owned()), ..ferry.clone() }, &["ferry"]);
        check(TopicRule { sensitivity: Sensitivity::Strict, ..ferry.clone() }, &["ferry"]);
        check(TopicRule { not_examples: vec![Article::default()], ..ferry.clone() }, &["ferry"]);
        check(TopicRule { name: "boats".to_owned(), ..ferry }, &["boats"]);
    }

    #[test]
    fn a_name_that_was_filed_otherwise_is_found() {
        let entity = |name: &str| Entity {
            name: name.to_owned(),
            kind: crate::article::EntityKind::Person,
            role: None,
            tracked: false,
            mentions: Vec::new(),
        };
        let name = TrackedName { name: "Ilse Varga".to_owned(), aliases: vec!["Captain Varga".to_owned()] };
        let found = tracked(&[entity("Captain Varga"), entity("Oskar Lund")], &[&name]);
        let told: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.tracked)).collect();
        assert_eq!(told, [("Ilse Varga", true), ("Oskar Lund", false)]);
    }
}
