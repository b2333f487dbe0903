//! What the pipeline knows while it runs: a fold over the window's records, so that a restart finds the same.

mod load;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    bearers::Bearers,
    dedupe,
    desk::{self, Agenda, Desk},
    entity::Names,
    kin::Kin,
    record::{self, Counters, Follow, Known, Windowed},
    roll::Roll,
    story::{Member, Stories},
    topic::{self, Learned, Memory, Topics},
    view::{Changes, Locator, Tree, View, ViewError},
};
use crate::{
    article::Id,
    event::{Rules, TopicRule},
    quiet::Hours,
};

/// Rows read at once while the state is built.
const ROWS_AT_ONCE: usize = 4096;

/// The pipeline's knowledge.
pub(crate) struct State {
    pub(crate) rules: Rules,
    pub(crate) names: Names,
    pub(crate) topics: Topics,
    /// Key of a topic's name → its place in the rules.
    places: BTreeMap<u64, usize>,
    pub(crate) index: dedupe::Index,
    pub(crate) stories: Stories,
    pub(crate) bearers: Bearers,
    pub(crate) kin: Kin,
    pub(crate) window: Roll<Kept>,
    pub(crate) follows: BTreeMap<(Id, u64), Follow>,
    pub(crate) learned: Learned,
    /// Topic or feed → what waits there, and its usual pace.
    pub(crate) desks: BTreeMap<u64, Desk>,
    /// When what waits is to be told.
    pub(crate) agenda: Agenda,
    /// Quiet hours by topic.
    quiet: BTreeMap<u64, Hours>,
    /// Feeds whose silence is told.
    pub(crate) feeds: BTreeSet<u64>,
    pub(crate) counters: Counters,
    /// The latest `seen_at` so far, unix seconds: the window's clock.
    pub(crate) clock: i64,
}

/// An article of the window.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) at: Locator,
    pub(crate) seen_at: i64,
}

impl State {
    /// Knows nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            rules: Rules::default(),
            names: Names::compile(&[]),
            topics: Topics::default(),
            places: BTreeMap::new(),
            index: dedupe::Index::default(),
            stories: Stories::new(),
            bearers: Bearers::default(),
            kin: Kin::default(),
            window: Roll::default(),
            follows: BTreeMap::new(),
            learned: Learned::default(),
            desks: BTreeMap::new(),
            agenda: Agenda::default(),
            quiet: BTreeMap::new(),
            feeds: BTreeSet::new(),
            counters: Counters::default(),
            clock: i64::MIN,
        }
    }

    /// Reads what is stored of the window's articles before `seq_end`; what comes after is applied again.
    pub(crate) fn load(view: &dyn View, seq_end: u64) -> Result<Self, ViewError> {
        let mut state = Self::new();
        let changes = Changes::default();
        let known = Known { view, changes: &changes };
        state.counters = known.get(Tree::Meta, record::COUNTERS)?.unwrap_or_default();
        state.load_window(view, seq_end)?;
        each_row(view, Tree::Topics, |key, value| {
            if let Some(key) = record::follow_of(key) {
                state.follows.insert(key, record::decode(Tree::Topics, value)?);
            }
            Ok(())
        })?;
        each_row(view, Tree::Desks, |key, value| {
            if let Ok(key) = key.try_into() {
                state.desks.insert(u64::from_be_bytes(key), record::decode(Tree::Desks, value)?);
            }
            Ok(())
        })?;
        Ok(state)
    }

    /// From here on these rules hold. What was kept of topics and feeds that are gone goes.
    pub(crate) fn set_rules(&mut self, rules: Rules, changes: &mut Changes) {
        let of_topics = rules.topics.iter().flat_map(|topic| &topic.names);
        let names: Vec<_> = of_topics.chain(&rules.names).cloned().collect();
        self.names = Names::compile(&names);
        // The queries were checked when the config was read: there is nothing to warn of.
        (self.topics, _) = Topics::compile(&rules);
        let keys = rules.topics.iter().enumerate().map(|(place, rule)| (topic::key(&rule.name), place));
        self.places = keys.collect();
        let hours = rules
            .topics
            .iter()
            .filter_map(|rule| Some((topic::key(&rule.name), rule.quiet.as_ref()?.hours()?)));
        self.quiet = hours.collect();
        self.feeds = rules.feeds.iter().map(|url| desk::feed_key(url)).collect();
        self.rules = rules;
        let Self { places, feeds, desks, .. } = self;
        desks.retain(|key, _| {
            let stays = places.contains_key(key) || feeds.contains(key);
            if !stays {
                changes.remove(Tree::Desks, key.to_be_bytes());
            }
            stays
        });
        desk::settle_all(self);
    }

    /// The rule of a topic.
    pub(crate) fn rule(&self, topic: u64) -> Option<&TopicRule> {
        self.rules.topics.get(*self.places.get(&topic)?)
    }

    /// Most alerts of a topic within an hour; 0 where there is no bound.
    pub(crate) fn bound(&self, topic: u64) -> usize {
        self.rule(topic).map_or(0, |rule| rule.max_per_hour as usize)
    }

    /// When the quiet hours end that a topic has at this time, unix seconds.
    pub(crate) fn quiet_until(&self, topic: u64, at: i64) -> Option<i64> {
        self.quiet.get(&topic)?.end(at)
    }

    /// What the topics remember that an article of this story may touch; `known` is the story, if it has members, and
    /// `besides` the article itself, if it is in the window.
    pub(crate) fn memory(&self, story: Option<Id>, known: Option<Id>, besides: Option<u64>) -> Memory<'_> {
        let of_story = story.into_iter().flat_map(|story| self.follows.range((story, 0)..=(story, u64::MAX)));
        let traces = of_story
            .filter_map(|((_, topic), follow)| Some((*self.places.get(topic)?, follow.trace)))
            .collect();
        Memory { story: known, traces, learned: &self.learned, besides, followed_beside: BTreeSet::new() }
    }

    /// Places of the topics that follow one of these stories.
    pub(crate) fn followed(&self, stories: &[Id]) -> BTreeSet<usize> {
        let follows = stories.iter().flat_map(|story| self.follows.range((*story, 0)..=(*story, u64::MAX)));
        let adopted = follows.filter(|(_, follow)| follow.trace.adopted);
        adopted.filter_map(|((_, topic), _)| self.places.get(topic).copied()).collect()
    }

    /// When a topic was last told of a story or of its kin, unix seconds; `others` are kin, too.
    pub(crate) fn told(&self, story: Id, others: &[Id], topic: u64) -> Option<i64> {
        let kin = self.kin.of(story).chain(others.iter().copied());
        std::iter::once(story).chain(kin).filter_map(|story| self.follows.get(&(story, topic))?.told).max()
    }

    /// One more article in the window; its row is among the changes.
    pub(crate) fn take_in(
        &mut self,
        known: Known<'_>,
        seq: u64,
        windowed: &Windowed,
    ) -> Result<(), ViewError> {
        let Windowed { at, seen_at, entry, member, persons, learned, fits_too } = windowed;
        self.clock = self.clock.max(*seen_at);
        if let Some(entry) = dedupe::Entry::decode(entry) {
            self.index.insert(&entry);
        }
        let Some(member) = Member::decode(member) else { return Ok(()) };
        self.bearers.insert(seq, member.story, persons);
        self.kin.insert(seq, member.story, fits_too);
        for topic in learned {
            self.learned.add(*topic, seq);
        }
        self.window.insert(seq, Kept { at: *at, seen_at: *seen_at });
        let recall = |seq| known.member(seq);
        self.stories.insert(member, &recall)?;
        if !learned.is_empty() {
            self.stories.pin(seq, &recall)?;
        }
        Ok(())
    }

    /// An article leaves the window.
    pub(crate) fn let_go(
        &mut self,
        view: &dyn View,
        changes: &mut Changes,
        seq: u64,
    ) -> Result<(), ViewError> {
        let story = self.stories.story_of(seq);
        let known = Known { view, changes };
        self.stories.remove(seq, &|seq| known.member(seq))?;
        changes.remove(Tree::Window, seq.to_be_bytes());
        let (Some(story), Some(_)) = (story, self.window.remove(seq)) else { return Ok(()) };
        self.index.remove(seq);
        self.bearers.remove(seq);
        self.kin.remove(seq);
        self.learned.forget(seq);
        if self.stories.summary(story).reports == 0 {
            let of_story = (story, 0)..=(story, u64::MAX);
            let gone: Vec<_> = self.follows.range(of_story).map(|(key, _)| *key).collect();
            for (story, topic) in gone {
                self.follows.remove(&(story, topic));
                desk::forget_story(self, story, topic);
                changes.remove(Tree::Topics, record::follow_key(story, topic));
            }
        }
        Ok(())
    }

    /// Lets go what the window no longer holds: what is too old, and the oldest where there is too much.
    pub(crate) fn trim(&mut self, view: &dyn View, changes: &mut Changes) -> Result<(), ViewError> {
        const DAY_SECS: i64 = 86_400;
        let oldest = self.clock.saturating_sub(i64::from(self.rules.window_days).saturating_mul(DAY_SECS));
        loop {
            let over = self.window.len() > self.rules.window_articles_max as usize;
            let first = self.window.iter().next();
            let Some((seq, _)) = first.filter(|(_, kept)| over || kept.seen_at < oldest) else {
                return Ok(());
            };
            self.let_go(view, changes, seq)?;
        }
    }
}

/// Calls `each` with every row of a tree, in order.
pub(crate) fn each_row(
    view: &dyn View,
    tree: Tree,
    mut each: impl FnMut(&[u8], &[u8]) -> Result<(), ViewError>,
) -> Result<(), ViewError> {
    each_lot(view, tree, ROWS_AT_ONCE, |rows| rows.iter().try_for_each(|(key, value)| each(key, value)))
}

/// Calls `each` with all rows of a tree, in order, so many at once.
fn each_lot(
    view: &dyn View,
    tree: Tree,
    rows_max: usize,
    mut each: impl FnMut(&[(Vec<u8>, Vec<u8>)]) -> Result<(), ViewError>,
) -> Result<(), ViewError> {
    let mut from = Vec::new();
    loop {
        let rows = view.scan(tree, &from, rows_max)?;
        each(&rows)?;
        match rows.last() {
            Some((key, _)) if rows.len() == rows_max => {
                from.clone_from(key);
                from.push(0);
            }
            _ => return Ok(()),
        }
    }
}
