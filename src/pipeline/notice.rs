//! Alerts that no single article brings: digests whose time has come, silences, tests. What is due is read from the
//! state; the caller journals it as a fact and applies that.

use jiff::Timestamp;

use super::{
    desk::{self, WHOLE_TOPIC},
    pace::Silence,
    state::State,
};
use crate::article::{Alert, AlertKind, Digest, Id};

/// Alerts of one notice.
const ALERTS_MAX: usize = 256;

/// Stands in the place of the topic where a feed is silent.
pub(crate) const FEEDS: &str = "feeds";

/// Digests that are due by now.
pub(crate) fn digests(state: &State, now: Timestamp) -> Vec<Alert> {
    let due = state.agenda.by(now.as_second()).take(ALERTS_MAX);
    let alerts = due.filter_map(|(story, key)| {
        let rule = state.rule(key)?;
        let held = if story == WHOLE_TOPIC {
            state.desks.get(&key)?.held.as_ref()?
        } else {
            state.follows.get(&(story, key))?.held.as_ref()?
        };
        Some(digest(state, &rule.name, (story != WHOLE_TOPIC).then_some(story), held.digest(), now))
    });
    numbered(state, alerts.collect())
}

fn digest(state: &State, topic: &str, story: Option<Id>, digest: Digest, now: Timestamp) -> Alert {
    let id = id(topic, AlertKind::Digest, story, now);
    let summary = story.map(|story| state.stories.summary(story)).unwrap_or_default();
    Alert {
        story,
        outlets: summary.outlets,
        independent: summary.independent,
        reports: summary.reports,
        copies: summary.copies,
        digest: Some(digest),
        ..Alert::bare(id, now, AlertKind::Digest, topic)
    }
}

/// Topics and feeds that are silent, and were not told as such. Nobody looked before `watched`.
pub(crate) fn silences(state: &State, now: Timestamp, watched: Timestamp) -> Vec<Alert> {
    let silent = |key: u64| {
        let desk = state.desks.get(&key).filter(|desk| !desk.silent)?;
        desk.pace.silence(now.as_second(), watched.as_second())
    };
    let mut alerts = Vec::new();
    for rule in state.rules.topics.iter().filter(|rule| rule.tells(AlertKind::Silence)) {
        let key = super::topic::key(&rule.name);
        if state.quiet_until(key, now.as_second()).is_none()
            && let Some(silence) = silent(key)
        {
            let id = id(&rule.name, AlertKind::Silence, None, now);
            let evidence = in_words(silence, "nothing");
            alerts.push(Alert { evidence, ..Alert::bare(id, now, AlertKind::Silence, &rule.name) });
        }
    }
    for url in &state.rules.feeds {
        if let Some(silence) = silent(desk::feed_key(url)) {
            let id = Id::of(&[&id(FEEDS, AlertKind::Silence, None, now).0.to_be_bytes(), url.as_bytes()]);
            let mut evidence = vec![url.clone()];
            evidence.extend(in_words(silence, "nothing new"));
            let bare = Alert::bare(id, now, AlertKind::Silence, FEEDS);
            alerts.push(Alert { evidence, feed: Some(url.clone()), ..bare });
        }
    }
    alerts.truncate(ALERTS_MAX);
    numbered(state, alerts)
}

fn in_words(Silence { secs, usual }: Silence, what: &str) -> Vec<String> {
    let hours = secs / 3600;
    let time = if hours < 48 { format!("{hours} hours") } else { format!("{} days", hours / 24) };
    vec![format!("{what} for {time}"), format!("usual in that time: {usual:.0} reports")]
}

/// The user tries the way.
pub(crate) fn test(state: &State, topic: &str, now: Timestamp) -> Vec<Alert> {
    let id = Id::of(&[
        &id(topic, AlertKind::Test, None, now).0.to_be_bytes(),
        &state.counters.alert_seq.to_be_bytes(),
    ]);
    let evidence = vec!["a test, asked for by `topics test`: no news".to_owned()];
    numbered(state, vec![Alert { evidence, ..Alert::bare(id, now, AlertKind::Test, topic) }])
}

fn id(topic: &str, kind: AlertKind, story: Option<Id>, now: Timestamp) -> Id {
    let story = story.map_or(0, |story| story.0).to_be_bytes();
    Id::of(&[b"alert", topic.as_bytes(), kind.word().as_bytes(), &story, &now.as_millisecond().to_be_bytes()])
}

fn numbered(state: &State, mut alerts: Vec<Alert>) -> Vec<Alert> {
    for (seq, alert) in (state.counters.alert_seq + 1..).zip(&mut alerts) {
        alert.seq = seq;
    }
    alerts
}
