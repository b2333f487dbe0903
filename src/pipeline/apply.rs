//! What a decision changes, in the state and in the index. Applying the same decision again changes nothing more.

use jiff::Timestamp;

use super::{
    bearers,
    decide::{Analysis, event_time},
    dedupe::{self, Entry, Relation},
    desk,
    record::{self, Known, Report, Windowed, encode, follow_key},
    state::State,
    story::{Member, Vector},
    topic::{self, Traced},
    view::{Changes, Locator, Tree, View, ViewError},
};
use crate::{
    article::{Alert, Article, Checkpoint, Decision, Id, Standing, Verdict, Withheld},
    journal::remains::KeptArticle,
};

/// A decided article at its place in the journal.
#[derive(Clone, Copy)]
pub(crate) struct Placed<'a> {
    pub(crate) seq: u64,
    pub(crate) at: Locator,
    pub(crate) article: &'a Article,
    pub(crate) decision: &'a Decision,
    pub(crate) alerts: &'a [Alert],
    pub(crate) traces: &'a [Traced],
    /// The features as the decision weighed them, where that is at hand.
    pub(crate) vector: Option<&'a Vector>,
}

/// Applies the decision of an article.
pub(crate) fn apply(
    state: &mut State,
    view: &dyn View,
    changes: &mut Changes,
    placed: &Placed<'_>,
    analysis: &Analysis,
) -> Result<(), ViewError> {
    let Placed { seq, at, article, decision, alerts, .. } = *placed;
    let known = Known { view, changes };
    let id = decision.article.id.report;
    let before = known.report(id)?;
    let original = match decision.copy_of.or(decision.of_id) {
        Some(of) if of != id => known.report(of)?.map(|report| (of, report)),
        _ => None,
    };
    let report = report_after(before.as_ref(), original.as_ref(), placed, analysis);
    let windowed = match known.get::<Windowed>(Tree::Window, &seq.to_be_bytes())? {
        Some(stored) => stored,
        None => Windowed {
            at,
            seen_at: article.seen_at.as_second(),
            entry: entry(seq, &report, original.as_ref(), placed, analysis).encode(),
            member: member(state, seq, &report, placed, analysis).encode(),
            persons: bearers::named_in_full(&decision.entities),
            learned: learned(state, placed.traces),
            fits_too: decision.fits_too.clone(),
        },
    };
    let keys: Vec<u64> = analysis.keys.known_by().collect();
    for key in keys {
        // A text belongs to who had it first.
        if key != analysis.keys.body || (Known { view, changes }).identity(key)?.is_none() {
            changes.put(Tree::Identities, key.to_be_bytes(), id.0.to_le_bytes().to_vec());
        }
    }
    changes.put(Tree::Reports, id.0.to_be_bytes(), encode(&report));
    changes.put(Tree::Window, seq.to_be_bytes(), encode(&windowed));
    state.take_in(Known { view, changes }, seq, &windowed)?;
    if let Some(old) = before.map(|before| before.seq).filter(|old| *old != seq) {
        state.let_go(view, changes, old)?;
    }
    desk::take_in(state, changes, placed);
    follow(state, changes, report.story, placed);
    for alert in alerts {
        changes.put(Tree::Alerts, alert.seq.to_be_bytes(), encode(&at));
        state.counters.alert_seq = state.counters.alert_seq.max(alert.seq);
    }
    count(state, seq, decision.verdict);
    state.trim(view, changes)
}

/// A known report was seen again: it is remembered from this line of the journal on.
pub(crate) fn sighted(
    view: &dyn View,
    changes: &mut Changes,
    at: Locator,
    kept: &KeptArticle,
) -> Result<(), ViewError> {
    let known = Known { view, changes };
    let (id, marks) = (kept.id.report, &kept.marks);
    let report = if let Some(report) = known.report(id)? {
        Report { at, ..report }
    } else {
        let copied = kept.of_id.filter(|_| kept.verdict == Verdict::Copy);
        let original = match kept.copy_of.or(copied) {
            Some(of) => known.report(of)?.map(|report| (of, report)),
            None => None,
        };
        Report {
            at,
            seq: kept.seq,
            revision: kept.id.revision,
            texts: vec![marks.text.0],
            raw: marks.raw.0,
            site: marks.site.0,
            words: marks.words,
            story: kept.story.unwrap_or(id),
            root: original.as_ref().map(|(of, report)| report.root.unwrap_or(*of)),
            family: original.as_ref().map_or(id, |(_, report)| report.family),
            input_id: kept.article.input_id.clone(),
            told: Vec::new(),
            update_told: 0,
        }
    };
    changes.put(Tree::Reports, id.0.to_be_bytes(), encode(&report));
    for key in [marks.guid, marks.url, marks.body].into_iter().filter(|key| key.0 != 0) {
        if (Known { view, changes }).identity(key.0)?.is_none() {
            changes.put(Tree::Identities, key.0.to_be_bytes(), id.0.to_le_bytes().to_vec());
        }
    }
    Ok(())
}

/// Records a rejection, so that it is told once.
pub(crate) fn rejected(state: &mut State, changes: &mut Changes, seq: u64, decision: &Decision) {
    let id = decision.article.id.report.0;
    changes.put(Tree::Identities, id.to_be_bytes(), id.to_le_bytes().to_vec());
    count(state, seq, Verdict::Rejected);
}

/// What alerts that are about no single article change.
pub(crate) fn notice(
    state: &mut State,
    changes: &mut Changes,
    (seq, at): (u64, Locator),
    time: Timestamp,
    alerts: &[Alert],
) {
    for alert in alerts {
        changes.put(Tree::Alerts, alert.seq.to_be_bytes(), encode(&at));
        state.counters.alert_seq = state.counters.alert_seq.max(alert.seq);
    }
    desk::tell_notice(state, changes, seq, time, alerts);
    state.counters.seq = state.counters.seq.max(seq);
}

/// How far the sources have come.
pub(crate) fn checkpoints(changes: &mut Changes, checkpoints: &[Checkpoint]) {
    for Checkpoint { key, state } in checkpoints {
        if state.is_null() {
            changes.remove(Tree::Checkpoints, key.as_bytes());
        } else {
            changes.put(Tree::Checkpoints, key.as_bytes(), state.to_string().into_bytes());
        }
    }
}

/// The log holds all alerts up to this one; they need not be found again.
pub(crate) fn told(changes: &mut Changes, before: u64, now: u64) {
    if now <= before {
        return;
    }
    for seq in before + 1..=now {
        changes.remove(Tree::Alerts, seq.to_be_bytes());
    }
    changes.put(Tree::Meta, record::TOLD, encode(&now));
}

/// Counts a journalled decision, once.
fn count(state: &mut State, seq: u64, verdict: Verdict) {
    if seq <= state.counters.seq {
        return;
    }
    state.counters.seq = seq;
    let [new, copy, update, rejected] = &mut state.counters.verdicts;
    match verdict {
        Verdict::New => *new += 1,
        Verdict::Copy => *copy += 1,
        Verdict::Update => *update += 1,
        Verdict::Rejected => *rejected += 1,
        Verdict::Seen => {}
    }
}

/// The report as it is after this revision.
fn report_after(
    before: Option<&Report>,
    original: Option<&(Id, Report)>,
    placed: &Placed<'_>,
    analysis: &Analysis,
) -> Report {
    let Placed { seq, at, article, decision, .. } = *placed;
    let id = decision.article.id.report;
    let mut report = before.cloned().unwrap_or_else(|| Report {
        at,
        seq,
        revision: 1,
        texts: Vec::new(),
        raw: 0,
        site: analysis.keys.site,
        words: 0,
        story: id,
        root: original.map(|(of, report)| report.root.unwrap_or(*of)),
        family: original.map_or(id, |(_, report)| report.family),
        input_id: None,
        told: Vec::new(),
        update_told: 0,
    });
    if let (Some(of), None, Some((_, original))) = (decision.copy_of, report.root, original) {
        report.root = Some(original.root.unwrap_or(of));
        report.family = original.family;
    }
    report.at = at;
    report.seq = seq;
    report.revision = decision.article.id.revision;
    report.raw = analysis.keys.raw;
    report.words = analysis.fingerprint.words;
    report.story = decision.story.unwrap_or(report.story);
    report.remember_text(analysis.keys.text);
    if report.input_id.is_none() {
        report.input_id.clone_from(&article.input_id);
    }
    if article.standing == Standing::Withdrawn {
        // who was told is told of this; if the report comes back, that is news again
        report.told.clear();
        return report;
    }
    for found in decision.matches.iter().filter(|found| desk::is_told(&found.outcome)) {
        let key = topic::key(&found.topic);
        if decision.verdict == Verdict::Update && report.told.contains(&key) {
            report.update_told = article.seen_at.as_second();
        }
        report.remember_told(key);
    }
    report
}

fn entry(
    seq: u64,
    report: &Report,
    original: Option<&(Id, Report)>,
    placed: &Placed<'_>,
    analysis: &Analysis,
) -> Entry {
    let id = placed.decision.article.id.report;
    let words = analysis.fingerprint.words;
    let relation = original.map_or(Relation::None, |(of, original)| Relation::Copy {
        report: *of,
        root: original.root.unwrap_or(*of),
        family: original.family,
    });
    let original_words = original.map_or(0, |(_, original)| original.words);
    Entry {
        seq,
        report: id,
        root: report.root.unwrap_or(id),
        family: report.family,
        site: analysis.keys.site,
        time: event_time(placed.article).0,
        words,
        sketch: analysis.fingerprint.sketch.clone().into(),
        indexed: dedupe::is_indexed(&relation, words, original_words),
    }
}

fn member(state: &State, seq: u64, report: &Report, placed: &Placed<'_>, analysis: &Analysis) -> Member {
    let (time, dated) = event_time(placed.article);
    Member {
        seq,
        report: placed.decision.article.id.report,
        story: report.story,
        time,
        dated,
        outlet: analysis.keys.site,
        copy: report.root.is_some(),
        vector: placed.vector.cloned().unwrap_or_else(|| state.stories.weigh(&analysis.features)),
        entities: placed.decision.entities.iter().map(|entity| topic::key(&entity.name)).collect(),
    }
}

/// The topics that learn from the article.
fn learned(state: &State, traces: &[Traced]) -> Vec<u64> {
    let learns = traces.iter().filter(|traced| traced.learned);
    learns.filter_map(|traced| state.topics.learner(state.topics.place(&traced.topic)?)).collect()
}

/// What the topics remember of the story from here on.
fn follow(state: &mut State, changes: &mut Changes, story: Id, placed: &Placed<'_>) {
    for Traced { topic, trace, .. } in placed.traces {
        state.follows.entry((story, topic::key(topic))).or_default().trace = *trace;
    }
    let now = placed.article.seen_at.as_second();
    for found in &placed.decision.matches {
        let key = topic::key(&found.topic);
        let withheld = desk::waits(&found.outcome) == Some(Withheld::Cooldown);
        let item = withheld.then(|| desk::item(state, key, placed));
        if item.is_none() && !desk::is_told(&found.outcome) {
            continue;
        }
        let follow = state.follows.entry((story, key)).or_default();
        match item {
            None => follow.told = Some(now),
            Some(item) if follow.seq < placed.seq => {
                follow.seq = placed.seq;
                desk::hold_story(&mut follow.held, item, now);
            }
            Some(_) => {}
        }
        desk::settle_story(state, story, key);
    }
    let traced = placed.traces.iter().map(|traced| &traced.topic);
    for topic in traced.chain(placed.decision.matches.iter().map(|found| &found.topic)) {
        let topic = topic::key(topic);
        if let Some(follow) = state.follows.get(&(story, topic)) {
            changes.put(Tree::Topics, follow_key(story, topic), encode(follow));
        }
    }
}
