//! What of a topic or feed waits to be told, and its usual pace: a desk each. Desks are part of the fold over the
//! journal: what an article or a notice changes in them follows from its line alone, and applying it again changes
//! nothing. Time comes as an argument.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::tally::Tally;
use super::{
    apply::Placed,
    decide::event_time,
    pace::{Pace, Surge},
    record::encode,
    state::State,
    topic,
    view::{Changes, Tree},
};
use crate::{
    article::{Alert, AlertKind, Decision, Digest, DigestItem, Id, Occasion, Standing, Verdict, Withheld},
    event::TopicRule,
};

mod tally;

const HOUR_SECS: i64 = 3600;

/// Stories that a digest names; reports of more are counted.
const DIGEST_ITEMS_MAX: usize = 20;

/// What the index keeps of a topic or a feed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Desk {
    /// Sequence number of the last line of the journal that changed it.
    pub(crate) seq: u64,
    /// What waits to be told.
    pub(crate) held: Option<Held>,
    /// When alerts were told within the last hour, unix seconds; kept only where their number has a bound.
    pub(crate) told: Vec<i64>,
    pub(crate) pace: Pace,
    /// When a surge was last told, unix seconds; 0 never.
    pub(crate) surged: i64,
    /// Its silence was told, and nothing came since.
    pub(crate) silent: bool,
    pub(crate) tally: Tally,
}

/// What waits to be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) why: Withheld,
    /// When the first came, unix seconds.
    pub(crate) since: i64,
    pub(crate) reports: u32,
    pub(crate) items: Vec<DigestItem>,
}

impl Held {
    /// As it is told.
    pub(crate) fn digest(&self) -> Digest {
        Digest {
            why: self.why,
            since: Timestamp::from_second(self.since).unwrap_or_default(),
            reports: self.reports,
            items: self.items.clone(),
        }
    }

    fn add(held: &mut Option<Self>, why: Withheld, since: i64, item: DigestItem) {
        let held = held.get_or_insert_with(|| Self { why, since, reports: 0, items: Vec::new() });
        held.reports = held.reports.saturating_add(1);
        if let Some(known) = held.items.iter_mut().find(|known| known.story == item.story) {
            known.reports = known.reports.saturating_add(1);
        } else if held.items.len() < DIGEST_ITEMS_MAX {
            held.items.push(item);
        }
    }
}

/// What of a topic waits: all of it, or a story that has just been told.
pub(crate) type Due = (Id, u64);

/// Stands for the whole topic where a story's id stands else.
pub(crate) const WHOLE_TOPIC: Id = Id(0);

/// When what is held is to be told.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    by_time: BTreeSet<(i64, Due)>,
    times: BTreeMap<Due, i64>,
}

impl Agenda {
    fn set(&mut self, due: Due, time: Option<i64>) {
        if let Some(before) = self.times.remove(&due) {
            self.by_time.remove(&(before, due));
        }
        if let Some(time) = time {
            self.times.insert(due, time);
            self.by_time.insert((time, due));
        }
    }

    /// What is to be told by now, the oldest first.
    pub(crate) fn by(&self, now: i64) -> impl Iterator<Item = Due> {
        self.by_time.iter().take_while(move |(time, _)| *time <= now).map(|(_, due)| *due)
    }
}

/// Under this number a feed's desk is kept.
pub(crate) fn feed_key(url: &str) -> u64 {
    Id::of(&[b"feed", url.as_bytes()]).0
}

/// Why a match that is news is not told now.
pub(crate) fn withheld(state: &State, rule: &TopicRule, kind: AlertKind, now: i64) -> Option<Withheld> {
    let key = topic::key(&rule.name);
    if state.quiet_until(key, now).is_some() {
        return Some(Withheld::Quiet);
    }
    let waits = matches!(kind, AlertKind::NewStory | AlertKind::NewCoverage | AlertKind::Update);
    if rule.digest_secs > 0 && waits {
        return Some(Withheld::Digest);
    }
    let told = state
        .desks
        .get(&key)
        .map_or(0, |desk| desk.told.iter().filter(|told| now.saturating_sub(**told) < HOUR_SECS).count());
    let full = rule.max_per_hour > 0 && told >= rule.max_per_hour as usize;
    full.then_some(Withheld::MaxPerHour)
}

/// Whether an article makes the topic's last hour far busier than usual, for the first time in a while.
pub(crate) fn surge(state: &State, topic: u64, now: i64, event: i64) -> Option<Surge> {
    const AGAIN_SECS: i64 = 6 * HOUR_SECS;
    let desk = state.desks.get(&topic)?;
    if desk.surged != 0 && now.saturating_sub(desk.surged) < AGAIN_SECS {
        return None;
    }
    desk.pace.surge(now, event)
}

/// Whether a match counts for the topic's pace: something new that came in the course of things.
pub(crate) fn is_paced(decision: &Decision, outcome: &str) -> bool {
    let reason = outcome.strip_prefix("suppressed:");
    decision.verdict == Verdict::New && !matches!(reason, Some("sample" | "old" | "first-fetch" | "backfill"))
}

/// Why a match waits to be told, by what became of it.
pub(crate) fn waits(outcome: &str) -> Option<Withheld> {
    let all = [Withheld::Cooldown, Withheld::Digest, Withheld::Quiet, Withheld::MaxPerHour];
    let reason = outcome.strip_prefix("suppressed:")?;
    all.into_iter().find(|why| why.word() == reason)
}

/// Whether a match is told, now or in a digest.
pub(crate) fn is_told(outcome: &str) -> bool {
    outcome == "alerted" || waits(outcome).is_some_and(|why| why != Withheld::Cooldown)
}

/// What an article changes on the desks of its topics and of its feed. `follow` was not yet changed by it.
pub(crate) fn take_in(state: &mut State, changes: &mut Changes, placed: &Placed<'_>) {
    let Placed { seq, article, decision, alerts, .. } = *placed;
    let now = article.seen_at.as_second();
    let event = event_time(article).0;
    for found in &decision.matches {
        let key = topic::key(&found.topic);
        let item = || item(state, key, placed);
        let (item, bound) = (waits(&found.outcome).map(|why| (why, item())), state.bound(key));
        let desk = state.desks.entry(key).or_default();
        if desk.seq >= seq {
            continue;
        }
        desk.seq = seq;
        desk.tally.count_match(now, &found.outcome);
        if is_paced(decision, &found.outcome) {
            desk.pace.note(now, event);
            desk.silent = false;
        }
        if let Some((why, item)) = item.filter(|(why, _)| *why != Withheld::Cooldown) {
            Held::add(&mut desk.held, why, now, item);
        }
        for alert in alerts.iter().filter(|alert| alert.topic == found.topic) {
            if alert.kind == AlertKind::Surge {
                desk.surged = now;
            }
            desk.tally.count_alert(now, alert.seq);
            tell(desk, bound, now);
        }
        settle(state, changes, key);
    }
    let key = feed_key(&article.origin);
    let is_watched = article.occasion == Occasion::Live && state.feeds.contains(&key);
    if !is_watched || !matches!(decision.verdict, Verdict::New | Verdict::Copy) {
        return;
    }
    let desk = state.desks.entry(key).or_default();
    if desk.seq < seq {
        desk.seq = seq;
        desk.pace.note(now, event);
        desk.silent = false;
        changes.put(Tree::Desks, key.to_be_bytes(), encode(desk));
    }
}

/// What a notice changes: what it tells waits no longer.
pub(crate) fn tell_notice(
    state: &mut State,
    changes: &mut Changes,
    seq: u64,
    at: Timestamp,
    alerts: &[Alert],
) {
    let now = at.as_second();
    let key_of = |alert: &Alert| match (&alert.feed, alert.kind) {
        (Some(feed), _) => Some(feed_key(feed)),
        (None, AlertKind::Digest | AlertKind::Silence) => Some(topic::key(&alert.topic)),
        _ => None,
    };
    let is_new = |key: &u64| state.desks.get(key).is_none_or(|desk| desk.seq < seq);
    let new: BTreeSet<u64> = alerts.iter().filter_map(key_of).filter(is_new).collect();
    for alert in alerts {
        let Some(key) = key_of(alert) else { continue };
        if let Some(story) = alert.story {
            if let Some(follow) = state.follows.get_mut(&(story, key))
                && follow.seq < seq
            {
                (follow.seq, follow.held, follow.told) = (seq, None, Some(now));
                changes.put(Tree::Topics, super::record::follow_key(story, key), encode(follow));
            }
            state.agenda.set((story, key), None);
        }
        let bound = state.bound(key);
        let desk = state.desks.entry(key).or_default();
        if new.contains(&key) {
            desk.seq = seq;
            match (alert.kind, alert.story) {
                (AlertKind::Silence, _) => desk.silent = true,
                (_, None) => desk.held = None,
                (_, Some(_)) => {}
            }
            desk.tally.count_alert(now, alert.seq);
            tell(desk, bound, now);
        }
        settle(state, changes, key);
    }
}

/// Counts an alert of the last hour.
fn tell(desk: &mut Desk, bound: usize, now: i64) {
    desk.told.retain(|told| now.saturating_sub(*told) < HOUR_SECS);
    if bound > 0 {
        desk.told.push(now);
        let over = desk.told.len().saturating_sub(bound);
        desk.told.drain(..over);
    }
}

/// A desk was changed: the index and the agenda follow.
fn settle(state: &mut State, changes: &mut Changes, key: u64) {
    if let Some(desk) = state.desks.get(&key) {
        changes.put(Tree::Desks, key.to_be_bytes(), encode(desk));
    }
    state.agenda.set((WHOLE_TOPIC, key), due(state, key));
}

/// When the digest of a topic is due.
fn due(state: &State, key: u64) -> Option<i64> {
    let (rule, held) = (state.rule(key)?, state.desks.get(&key)?.held.as_ref()?);
    let wait_secs = match held.why {
        Withheld::MaxPerHour => HOUR_SECS,
        _ => rule.digest_secs,
    };
    let time = held.since.saturating_add(wait_secs);
    Some(state.quiet_until(key, time).unwrap_or(time))
}

/// A story of a topic was told, or one more of its reports was not: the agenda follows.
pub(crate) fn settle_story(state: &mut State, story: Id, key: u64) {
    let time = (|| {
        let (rule, follow) = (state.rule(key)?, state.follows.get(&(story, key))?);
        follow.held.as_ref()?;
        let time = follow.told?.saturating_add(rule.cooldown_secs);
        Some(state.quiet_until(key, time).unwrap_or(time))
    })();
    state.agenda.set((story, key), time);
}

/// A story left the window.
pub(crate) fn forget_story(state: &mut State, story: Id, key: u64) {
    state.agenda.set((story, key), None);
}

/// Makes the agenda anew: the rules have changed, or the state was read.
pub(crate) fn settle_all(state: &mut State) {
    state.agenda = Agenda::default();
    for key in state.desks.keys().copied().collect::<Vec<_>>() {
        let time = due(state, key);
        state.agenda.set((WHOLE_TOPIC, key), time);
    }
    let stories: Vec<_> = state.follows.iter().filter(|(_, follow)| follow.held.is_some()).collect();
    for (story, key) in stories.into_iter().map(|(key, _)| *key).collect::<Vec<_>>() {
        settle_story(state, story, key);
    }
}

/// One more report of a story that was just told.
pub(crate) fn hold_story(held: &mut Option<Held>, item: DigestItem, now: i64) {
    Held::add(held, Withheld::Cooldown, now, item);
}

/// The article as a digest names it.
pub(crate) fn item(state: &State, key: u64, placed: &Placed<'_>) -> DigestItem {
    let Placed { article, decision, .. } = *placed;
    let story = decision.story.unwrap_or(decision.article.id.report);
    let told = state.told(story, &decision.fits_too, key).is_some();
    let kind = match (article.standing, decision.verdict) {
        (Standing::Withdrawn, _) => AlertKind::Withdrawn,
        (_, Verdict::Update) => AlertKind::Update,
        _ if told => AlertKind::NewCoverage,
        _ => AlertKind::NewStory,
    };
    let head = &decision.article;
    let (source, title, url) = (head.source.clone(), head.title.clone(), head.url.clone());
    DigestItem { story, kind, reports: 1, source, title, url }
}
