//! What is remembered of a feed, and when it is asked next. Pure: time is an argument.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{moment::Moment, push::Push, why::Why};
use crate::{
    article::Id,
    source::{
        FeedSpec, FetchLimits,
        fetch::Validity,
        parse::{Pace, repairs::Repairs},
    },
};

/// A feed's state: the checkpoint `feed URL`, which also tells its health. What few feeds have stands apart: of the rest
/// there may be very many.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<Box<str>>,
    /// Verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<Box<str>>,
    /// When it is asked next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Moment>,
    /// When it last succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub succeeded: Option<Moment>,
    /// Of the last body that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Id>,
    /// The interval that its own rhythm led to, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_secs: Option<u32>,
    /// What the server's headers last asked for, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh_secs: Option<u32>,
    /// What the feed itself last asked for.
    #[serde(skip_serializing_if = "Pace::is_free")]
    pub pace: Pace,
    /// When that body was last read through: a day since 1970, 0 never.
    pub read_day: u16,
    /// Entries in that body.
    pub entries: u16,
    /// Answers since then that brought the same body, or none.
    pub unchanged: u32,
    /// Answers without a body since the last with one: a server may say for ever that nothing has changed.
    #[serde(skip_serializing_if = "is_zero")]
    pub bodiless: u32,
    /// Of the ids of the entries in that body, shortened; 0 where they are not known.
    #[serde(skip_serializing_if = "is_zero")]
    pub items: u32,
    /// Its server said that nothing had changed when something had: the whole is asked for each time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub false_304: bool,
    /// What decided `due`.
    #[serde(skip_serializing_if = "Why::is_rhythm")]
    pub why: Why,
    /// What had to be put right in that body.
    #[serde(skip_serializing_if = "Repairs::is_empty")]
    pub repairs: Repairs,
    /// What keeps it from answering; none after a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Box<Trouble>>,
    /// It is elsewhere, or its server says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<Box<Moved>>,
    /// Its hub, where it has one and hubs can reach us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<Box<Push>>,
    /// The index of sitemaps that names it, where the config does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<Box<Below>>,
}

/// Why a feed does not answer as it should.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trouble {
    /// Failures since the last success; none where the network is down.
    pub errors: u32,
    /// The last of them.
    pub error: Box<str>,
    /// Its host wants to be left alone until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_held: Option<Moment>,
    /// It was taken away for good then, and is not asked for any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone: Option<Moment>,
}

/// Where a feed has moved to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Moved {
    /// Where it is asked for now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Box<str>>,
    /// Where the server says that it has moved to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Box<str>>,
    /// How often in a row it has said so.
    #[serde(skip_serializing_if = "is_zero")]
    pub times: u32,
}

/// A sitemap that an index names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Below {
    /// The index.
    pub index: Box<str>,
    /// It came up when the index was known: already its first answer is news.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if asks for a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Days since 1970, until the year 2149.
fn day_of(now: Timestamp) -> u16 {
    u16::try_from(now.as_second().max(0) / 86_400).unwrap_or(u16::MAX)
}

/// What an answer was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// A body that was not known.
    Some,
    /// The same body, or none.
    Nothing,
}

/// A wish of a server beyond a day, or beyond the user's ceiling if that is higher, is taken for a mistake: one wrong
/// header must not silence a feed for ever.
const WISH_SECS_MAX: u32 = 86_400;

/// Redirects to the same address, one after the other, before a feed counts as moved: one may be a mistake or the page
/// of a network that wants a password.
const MOVES_MIN: u32 = 4;

/// Failures at the new address before the old one is asked again.
const LOST_ERRORS_MIN: u32 = 3;

/// After so many answers without a body one is asked for whatever the server thinks that we have.
const AUDIT_AFTER: u32 = 30;

/// A body that stays the same is read through again after so many days.
const REREAD_DAYS: u16 = 60;

/// While the network is down each feed tries it this often at least: its return is news for all.
const OUTAGE_SECS_MAX: u64 = 60;

/// A feed whose hub tells us is asked this seldom.
const PUSHED_SECS: u32 = 6 * 3600;

/// Back-off doubles with each failure, so many times.
const DOUBLINGS_MAX: u32 = 10;

/// The longest wait that a sound state can ask for, in milliseconds.
pub(super) fn wait_millis_max(limits: &FetchLimits) -> u64 {
    // the jitter, and the hours of a weekend that a feed wants to be skipped
    u64::from(limits.poll_secs_max.max(WISH_SECS_MAX)) * 1100 + 7 * 86_400_000
}

impl State {
    /// After an answer with a body that is not known.
    pub(super) fn take(&mut self, validity: Validity, pace: Pace, plan: &Plan<'_>) {
        self.pace = pace;
        self.unchanged = 0;
        self.replace(validity);
        self.succeed(News::Some, plan);
    }

    /// After an answer with the body that was known.
    pub(super) fn repeat(&mut self, validity: Validity, plan: &Plan<'_>) {
        self.unchanged = self.unchanged.saturating_add(1);
        self.replace(validity);
        self.succeed(News::Nothing, plan);
    }

    /// A server that gives no validators with a body has none.
    fn replace(&mut self, validity: Validity) {
        self.etag = validity.etag.map(String::into_boxed_str);
        self.last_modified = validity.last_modified.map(String::into_boxed_str);
        self.fresh_secs = validity.fresh.map(whole_secs);
        self.bodiless = 0;
        self.follow(validity.moved);
    }

    /// After an answer without a body. What it does not repeat stays as it was (RFC 9111, 4.3.4).
    pub(super) fn confirm(&mut self, validity: Validity, plan: &Plan<'_>) {
        self.etag = validity.etag.map(String::into_boxed_str).or(self.etag.take());
        self.last_modified = validity.last_modified.map(String::into_boxed_str).or(self.last_modified.take());
        self.fresh_secs = validity.fresh.map(whole_secs).or(self.fresh_secs);
        self.bodiless = self.bodiless.saturating_add(1);
        self.unchanged = self.unchanged.saturating_add(1);
        self.follow(validity.moved);
        self.succeed(News::Nothing, plan);
    }

    fn succeed(&mut self, news: News, plan: &Plan<'_>) {
        self.trouble = None;
        self.succeeded = Some(plan.now.into());
        self.interval_secs = Some(plan.adapted(self.interval_secs, news));
        self.schedule(plan);
    }

    /// The next time: the feed's own rhythm, or later where the server or the feed asks for that.
    pub(super) fn schedule(&mut self, plan: &Plan<'_>) {
        let interval = self.interval_secs.unwrap_or(plan.limits.poll_secs_default);
        // one whose lease runs out unrenewed is not relied upon
        let renewal = self.push.as_ref().and_then(|push| push.renewal(plan.now));
        let renewal = renewal.filter(|_| plan.fixed().is_none());
        let own = match renewal {
            Some(_) => (plan.jittered(interval.max(PUSHED_SECS.min(plan.limits.poll_secs_max))), Why::Hub),
            None if plan.fixed().is_some() => (plan.jittered(interval), Why::Fixed),
            None => (plan.jittered(interval), Why::Rhythm),
        };
        let most = millis(plan.wish_secs_max());
        let headers = (millis(self.fresh_secs.unwrap_or(0)).min(most), Why::Headers);
        let ttl = (millis(self.pace.floor_secs).min(most), Why::Ttl);
        // of equal waits the first is the reason
        let later = |a: (u64, Why), b: (u64, Why)| if b.0 > a.0 { b } else { a };
        let (wait, why) = later(later(own, headers), ttl);
        let due = plan.after(wait);
        let due = renewal.filter(|renewal| why == Why::Hub && *renewal < due).unwrap_or(due);
        let awake = self.pace.awake(due);
        self.why = if awake > due { Why::Skip } else { why };
        self.due = Some(awake.into());
    }

    /// Takes a new address after it was named several times.
    fn follow(&mut self, to: Option<String>) {
        let mut moved = self.moved.take().unwrap_or_default();
        let to = to.map(String::into_boxed_str);
        moved.times = if to.is_none() {
            0
        } else if to == moved.to {
            moved.times.saturating_add(1)
        } else {
            1
        };
        moved.to = to;
        if moved.times >= MOVES_MIN {
            moved.address = moved.to.take();
            moved.times = 0;
        }
        self.moved = (*moved != Moved::default()).then_some(moved);
    }

    /// Where it has moved to.
    pub fn address(&self) -> Option<&str> {
        self.moved.as_deref().and_then(|moved| moved.address.as_deref())
    }

    /// Failures since the last success.
    pub fn errors(&self) -> u32 {
        self.trouble.as_deref().map_or(0, |trouble| trouble.errors)
    }

    /// Why it failed last; none after a success.
    pub fn error(&self) -> Option<&str> {
        self.trouble.as_deref().map(|trouble| &*trouble.error)
    }

    /// When it was taken away for good; it is not asked for any more.
    pub fn gone(&self) -> Option<Timestamp> {
        self.trouble.as_deref().and_then(|trouble| trouble.gone).map(Timestamp::from)
    }

    /// The index of sitemaps that names it.
    pub fn index(&self) -> Option<&str> {
        self.below.as_deref().map(|below| &*below.index)
    }

    /// Whether no answer was ever read.
    pub(super) fn knows_nothing(&self) -> bool {
        self.succeeded.is_none()
    }

    /// Whether what is known of the last answer is kept to ourselves this time.
    pub(super) fn is_audit(&self) -> bool {
        self.false_304 || self.bodiless >= AUDIT_AFTER
    }

    /// Whether other entries than those that are known, before their body is taken in, prove for the first time that the
    /// server says wrongly that nothing has changed: they came unasked for with the validators that were known.
    pub(super) fn convicts(&mut self, items: Id, validity: &Validity) -> bool {
        let same = (&self.etag.as_deref(), &self.last_modified.as_deref())
            == (&validity.etag.as_deref(), &validity.last_modified.as_deref());
        let validated = self.etag.is_some() || self.last_modified.is_some();
        let items = u32::try_from(items.0 >> 32).unwrap_or(u32::MAX).max(1);
        let known = std::mem::replace(&mut self.items, items);
        if known == 0 || known == items {
            return false;
        }
        let proved = same && validated && self.is_audit();
        let first = proved && !self.false_304;
        self.false_304 = proved;
        first
    }

    /// Whether what has not changed for long is read through again. Its items then count as seen: the pipeline forgets
    /// what nobody sees any more.
    pub(super) fn is_stale(&self, now: Timestamp) -> bool {
        self.body.is_some() && day_of(now) >= self.read_day.saturating_add(REREAD_DAYS)
    }

    /// Its body is read through.
    pub(super) fn note_read(&mut self, now: Timestamp) {
        self.read_day = day_of(now);
    }

    /// After a failure.
    pub(super) fn fail(&mut self, reason: &str, retry_after: Option<Duration>, plan: &Plan<'_>) {
        let usual = plan.usual(self.interval_secs);
        let trouble = self.trouble.get_or_insert_default();
        trouble.errors = trouble.errors.saturating_add(1);
        trouble.error = reason.into();
        if trouble.errors >= LOST_ERRORS_MIN && self.moved.take_if(|moved| moved.address.is_some()).is_some()
        {
            trouble.errors = 1;
        }
        let most = u64::from(plan.limits.poll_secs_max).max(usual);
        let wait = (usual << trouble.errors.min(DOUBLINGS_MAX)).min(most);
        let wait = plan.jittered(u32::try_from(wait).unwrap_or(u32::MAX));
        let asked = retry_after.map_or(0, |wish| plan.heeded(wish));
        self.why = if asked > wait { Why::RetryAfter } else { Why::Failures };
        self.due = Some(plan.after(wait.max(asked)).into());
    }

    /// After the answer that there is nothing any more, and never will be.
    pub(super) fn end(&mut self, reason: &str, plan: &Plan<'_>) {
        self.fail(reason, None, plan);
        self.trouble.get_or_insert_default().gone = Some(plan.now.into());
        self.due = None;
    }

    /// After a server's wish that holds for all its feeds.
    pub(super) fn hold_host(&mut self, wish: Duration, plan: &Plan<'_>) {
        self.trouble.get_or_insert_default().host_held = Some(plan.after(plan.heeded(wish)).into());
    }

    /// Until when its host wants to be left alone.
    pub(super) fn host_held(&self) -> Option<Timestamp> {
        self.trouble.as_deref().and_then(|trouble| trouble.host_held).map(Timestamp::from)
    }

    /// Nothing answers, this feed's server or any other: it is asked again at its usual time.
    pub(super) fn postpone(&mut self, reason: &str, plan: &Plan<'_>) {
        self.trouble.get_or_insert_default().error = format!("the network is down: {reason}").into();
        self.why = Why::Outage;
        let wait = plan.usual(self.interval_secs).min(OUTAGE_SECS_MAX);
        self.due = Some(plan.after(plan.jittered(u32::try_from(wait).unwrap_or(u32::MAX))).into());
    }
}

fn whole_secs(span: Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap_or(u32::MAX)
}

/// What the next time depends on beside the answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan<'a> {
    pub(super) spec: &'a FeedSpec,
    pub(super) limits: &'a FetchLimits,
    pub(super) now: Timestamp,
}

impl Plan<'_> {
    fn fixed(&self) -> Option<u32> {
        self.spec.poll_secs.map(|secs| secs.max(self.limits.poll_secs_min))
    }

    fn wish_secs_max(&self) -> u32 {
        self.limits.poll_secs_max.max(WISH_SECS_MAX)
    }

    /// A server's wish that came with a failure, in milliseconds.
    fn heeded(&self, wish: Duration) -> u64 {
        millis(wish.as_secs().saturating_add(1)).min(millis(self.wish_secs_max()))
    }

    /// The interval if nothing had happened.
    fn usual(&self, known: Option<u32>) -> u64 {
        self.fixed().or(known).unwrap_or(self.limits.poll_secs_default).max(1).into()
    }

    /// A feed that brings news is asked sooner, one that does not later.
    fn adapted(&self, known: Option<u32>, news: News) -> u32 {
        if let Some(fixed) = self.fixed() {
            return fixed;
        }
        let limits = self.limits;
        let next = match (known, news) {
            (None, _) => limits.poll_secs_default,
            (Some(secs), News::Some) => secs / 3 * 2,
            (Some(secs), News::Nothing) => secs.saturating_add(secs / 4),
        };
        next.clamp(limits.poll_secs_min, limits.poll_secs_max.max(limits.poll_secs_min))
    }

    /// In milliseconds: up to a tenth shorter or longer, by the feed's address, so that feeds which began together drift
    /// apart. What the user set as the least and the most holds.
    fn jittered(&self, secs: u32) -> u64 {
        let least = secs.min(self.limits.poll_secs_min);
        let most = secs.max(self.limits.poll_secs_max);
        let tenth_twice = Id::of(&[b"jitter", self.spec.url.as_bytes()]).0 % 201;
        (u64::from(secs) * (900 + tenth_twice)).clamp(millis(least), millis(most))
    }

    fn after(&self, millis: u64) -> Timestamp {
        let wait = SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
        self.now.checked_add(wait).unwrap_or(Timestamp::MAX)
    }
}

fn millis(secs: impl Into<u64>) -> u64 {
    secs.into().saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> FetchLimits {
        FetchLimits {
            poll_secs_default: 100,
            poll_secs_min: 60,
            poll_secs_max: 1000,
            ..FetchLimits::default()
        }
    }

    /// Seconds until the feed is asked again, give or take a tenth.
    fn check(poll_secs: Option<u32>, change: impl Fn(&mut State, &Plan<'_>), expected: u64) {
        let (least, most) = waits(poll_secs, change);
        let about = expected * 9 / 10..=expected * 11 / 10;
        assert!(about.contains(&least) && about.contains(&most), "{least} to {most} is not about {expected}");
    }

    /// The shortest and the longest time until feeds are asked again, in seconds.
    fn waits(poll_secs: Option<u32>, change: impl Fn(&mut State, &Plan<'_>)) -> (u64, u64) {
        let waits = (0..50).map(|number| wait(number, poll_secs, &change));
        waits.fold((u64::MAX, 0), |(least, most), wait| (least.min(wait), most.max(wait)))
    }

    fn wait(number: u32, poll_secs: Option<u32>, change: impl Fn(&mut State, &Plan<'_>)) -> u64 {
        let url = format!("https://a.example/{number}").into();
        let spec = FeedSpec { url, poll_secs, ..FeedSpec::default() };
        let limits = limits();
        let plan = Plan { spec: &spec, limits: &limits, now: Timestamp::UNIX_EPOCH };
        let mut state = State::default();
        change(&mut state, &plan);
        Timestamp::from(state.due.unwrap()).as_second().try_into().unwrap()
    }

    fn floor(floor_secs: u32) -> Pace {
        Pace { floor_secs, ..Pace::default() }
    }

    fn fresh(secs: u64) -> Validity {
        Validity { fresh: Some(Duration::from_secs(secs)), ..Validity::default() }
    }

    #[test]
    fn a_new_feed_waits_the_default() {
        check(None, |state, plan| state.take(Validity::default(), Pace::default(), plan), 100);
    }

    #[test]
    fn quiet_feeds_are_asked_less() {
        let quiet = |state: &mut State, plan: &Plan<'_>| {
            for _ in 0..30 {
                state.confirm(Validity::default(), plan);
            }
        };
        check(None, quiet, 1000);
        check(Some(70), quiet, 70);
    }

    #[test]
    fn a_feed_whose_hub_tells_us_is_asked_seldom_and_in_time_to_renew() {
        let pushed = |lease: u64| {
            move |state: &mut State, plan: &Plan<'_>| {
                let mut push = Push::new("h".to_owned(), "t".to_owned());
                push.ask(plan.now);
                push.agree("t", Some(Duration::from_secs(lease)), plan.now);
                state.push = Some(Box::new(push));
                state.take(Validity::default(), Pace::default(), plan);
            }
        };
        check(None, pushed(100_000), 1000);
        check(None, pushed(400), 300);
        let overdue = |state: &mut State, plan: &Plan<'_>| {
            pushed(40)(state, plan);
            let later = Plan { now: "1970-01-01T00:00:35Z".parse().unwrap(), ..*plan };
            state.confirm(Validity::default(), &later);
        };
        check(None, overdue, 35 + 125);
        check(Some(70), pushed(100_000), 70);
    }

    #[test]
    fn the_reason_is_the_longest_wait() {
        let why = |poll_secs, fresh: u64, floor_secs| {
            let spec = FeedSpec { poll_secs, ..FeedSpec::default() };
            let limits = limits();
            let mut state = State::default();
            let plan = Plan { spec: &spec, limits: &limits, now: Timestamp::UNIX_EPOCH };
            state.take(
                Validity { fresh: Some(Duration::from_secs(fresh)), ..Validity::default() },
                floor(floor_secs),
                &plan,
            );
            state.why
        };
        assert_eq!(why(None, 0, 0), Why::Rhythm);
        assert_eq!(why(Some(70), 0, 0), Why::Fixed);
        assert_eq!((why(None, 500, 300), why(None, 300, 500)), (Why::Headers, Why::Ttl));
    }

    #[test]
    fn the_server_may_ask_for_more() {
        check(Some(70), |state, plan| state.take(fresh(500), Pace::default(), plan), 500);
        check(Some(70), |state, plan| state.take(fresh(5), floor(300), plan), 300);
        check(Some(70), |state, plan| state.take(fresh(5000), Pace::default(), plan), 5000);
        check(None, |state, plan| state.take(fresh(u64::MAX), Pace::default(), plan), 86_400);
    }

    #[test]
    fn wishes_last_until_they_are_replaced() {
        let silent = |state: &mut State, plan: &Plan<'_>| {
            state.take(fresh(500), floor(300), plan);
            state.confirm(Validity::default(), plan);
        };
        check(Some(70), silent, 500);
        let shorter = |state: &mut State, plan: &Plan<'_>| {
            state.take(fresh(500), floor(300), plan);
            state.confirm(fresh(0), plan);
        };
        check(Some(70), shorter, 300);
        let same_body = |state: &mut State, plan: &Plan<'_>| {
            state.take(fresh(500), floor(300), plan);
            state.repeat(Validity::default(), plan);
        };
        check(Some(70), same_body, 300);
    }

    #[test]
    fn an_outage_is_nobodys_fault() {
        check(Some(70), |state, plan| state.postpone("x", plan), 60);
    }

    fn moved(answers: &[Option<&str>]) -> State {
        let (spec, limits) = (FeedSpec::default(), limits());
        let plan = Plan { spec: &spec, limits: &limits, now: Timestamp::UNIX_EPOCH };
        let mut state = State::default();
        for to in answers {
            let validity = Validity { moved: to.map(str::to_owned), ..Validity::default() };
            state.confirm(validity, &plan);
        }
        state
    }

    #[test]
    fn a_move_is_believed_when_it_is_told_again_and_again() {
        assert_eq!(moved(&[Some("a"); 4]).address(), Some("a"));
        for answers in [[Some("a"), Some("a"), Some("b"), Some("a")], [Some("a"), Some("a"), None, Some("a")]]
        {
            assert_eq!(moved(&answers).address(), None);
        }
    }

    #[test]
    fn a_new_address_that_fails_is_left() {
        let (spec, limits) = (FeedSpec::default(), limits());
        let plan = Plan { spec: &spec, limits: &limits, now: Timestamp::UNIX_EPOCH };
        let mut state = moved(&[Some("a"); 4]);
        (0..3).for_each(|_| state.fail("x", None, &plan));
        assert_eq!((state.address(), state.errors()), (None, 1));
    }

    #[test]
    fn a_server_that_says_304_for_ever_is_found_out() {
        let stuck = || Validity { etag: Some("1".to_owned()), ..Validity::default() };
        let fresh = || Validity { etag: Some("2".to_owned()), ..Validity::default() };
        let items = |number: u64| Id::of(&[&number.to_be_bytes()]);
        let mut state = State { etag: Some("1".into()), bodiless: 30, ..State::default() };
        assert!(!state.convicts(items(1), &stuck()), "nothing was known");
        assert!(!state.clone().convicts(items(1), &stuck()), "nothing has changed");
        assert!(!state.clone().convicts(items(2), &fresh()), "it changed just now");
        assert!(!State { bodiless: 29, ..state.clone() }.convicts(items(2), &stuck()), "we asked for it");
        assert!(state.convicts(items(2), &stuck()) && !state.convicts(items(3), &stuck()));
        state.bodiless = 0;
        assert!(state.is_audit());
        assert!(!state.convicts(items(4), &fresh()) && !state.is_audit());
    }

    #[test]
    fn after_many_answers_without_a_body_one_is_asked_for() {
        assert_eq!((moved(&[None; 29]).is_audit(), moved(&[None; 30]).is_audit()), (false, true));
    }

    #[test]
    fn what_does_not_change_is_read_again_now_and_then() {
        let day = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
        let mut state = State { body: Some(Id(1)), ..State::default() };
        state.note_read(day(20_000));
        assert_eq!([20_059, 20_060].map(|at| state.is_stale(day(at))), [false, true]);
        state.note_read(day(20_060));
        assert!(!state.is_stale(day(20_061)) && !State::default().is_stale(day(20_061)));
    }

    #[test]
    fn the_floor_and_the_ceiling_hold() {
        let take =
            |state: &mut State, plan: &Plan<'_>| state.take(Validity::default(), Pace::default(), plan);
        let at_floor = waits(Some(1), take);
        assert!(at_floor.0 == 60 && (64..=66).contains(&at_floor.1), "{at_floor:?}");
        let at_ceiling = waits(Some(1000), take);
        assert!((900..=910).contains(&at_ceiling.0) && at_ceiling.1 == 1000, "{at_ceiling:?}");
    }

    #[test]
    fn feeds_drift_apart_both_ways_but_never_below_a_servers_wish() {
        let take =
            |secs| move |state: &mut State, plan: &Plan<'_>| state.take(fresh(secs), Pace::default(), plan);
        let (least, most) = waits(Some(200), take(0));
        assert!((180..190).contains(&least) && (210..=220).contains(&most), "{least} to {most}");
        let (least, most) = waits(Some(200), take(200));
        assert!(least == 200 && most > 210, "{least} to {most}");
        let fail = |state: &mut State, plan: &Plan<'_>| state.fail("x", Some(Duration::from_secs(400)), plan);
        let (least, _) = waits(Some(200), fail);
        assert_eq!(least, 401);
    }

    #[test]
    fn a_feed_that_rests_is_small() {
        assert!(size_of::<State>() <= 144, "{}", size_of::<State>());
    }

    #[test]
    fn failures_double_the_wait_up_to_a_ceiling() {
        check(Some(70), |state, plan| state.fail("x", None, plan), 140);
        check(Some(70), |state, plan| (0..99).for_each(|_| state.fail("x", None, plan)), 1000);
        check(Some(70), |state, plan| state.fail("x", Some(Duration::from_secs(700)), plan), 700);
    }

    #[test]
    fn a_304_keeps_the_validators() {
        let spec = FeedSpec::default();
        let limits = limits();
        let plan = Plan { spec: &spec, limits: &limits, now: Timestamp::UNIX_EPOCH };
        let mut state = State { etag: Some("\"a\"".into()), ..State::default() };
        state.confirm(Validity::default(), &plan);
        assert_eq!(state.etag.as_deref(), Some("\"a\""));
        state.take(Validity::default(), Pace::default(), &plan);
        assert_eq!(state.etag, None);
    }
}
