//! `WebSub` (W3C Recommendation of 2018): a hub tells us of a feed's news at once. Where one is offered we subscribe; the
//! feed is still asked now and then, so that a hub which has gone silent is found out. Pure but for the callback's key.

use std::time::Duration;

use blake3::Hasher;
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};

use crate::article::Id;

/// The public address under which hubs reach us, and the key from which each feed's own path and secret are made: so
/// neither has to be kept, and nobody can guess them.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    /// Ends in `/`.
    pub base: Url,
    /// Random, kept by the daemon in a file of its own.
    pub key: [u8; 32],
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// The last part of a feed's callback address.
pub(super) type Token = String;

impl Callback {
    fn derive(&self, purpose: &str, feed: &str) -> String {
        let mut hasher = Hasher::new_keyed(&self.key);
        hasher.update(purpose.as_bytes()).update(&[0]).update(feed.as_bytes());
        hasher.finalize().to_hex().to_string()
    }

    /// Tells this callback from another.
    pub(super) fn id(&self) -> Id {
        Id::of(&[b"callback", self.derive("id", self.base.as_str()).as_bytes()])
    }

    pub(super) fn token(&self, feed: &str) -> Token {
        let mut token = self.derive("path", feed);
        token.truncate(32);
        token
    }

    fn secret(&self, feed: &str) -> String {
        self.derive("secret", feed)
    }

    /// The form that asks a hub for a subscription.
    pub(super) fn form(&self, feed: &str, push: &Push) -> String {
        self.begin_form("subscribe", feed, push)
            .append_pair("hub.secret", &self.secret(feed))
            .append_pair("hub.lease_seconds", &LEASE_SECS.to_string())
            .finish()
    }

    /// The form that asks a hub to tell us no more.
    pub(super) fn farewell(&self, feed: &str, push: &Push) -> String {
        self.begin_form("unsubscribe", feed, push).finish()
    }

    fn begin_form(
        &self,
        mode: &str,
        feed: &str,
        push: &Push,
    ) -> form_urlencoded::Serializer<'static, String> {
        let callback = self.base.join(&self.token(feed)).map(String::from).unwrap_or_default();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("hub.callback", &callback)
            .append_pair("hub.mode", mode)
            .append_pair("hub.topic", &push.topic);
        form
    }

    /// Whether a body was signed by whoever knows the feed's secret: `X-Hub-Signature: METHOD=HEX`.
    pub(super) fn is_signed(&self, feed: &str, signature: Option<&str>, body: &[u8]) -> bool {
        let Some((method, hex)) = signature.and_then(|signature| signature.trim().split_once('=')) else {
            return false;
        };
        let algorithm = match method.to_ascii_lowercase().as_str() {
            "sha1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            "sha256" => hmac::HMAC_SHA256,
            "sha384" => hmac::HMAC_SHA384,
            "sha512" => hmac::HMAC_SHA512,
            _ => return false,
        };
        let Some(signature) = from_hex(hex) else { return false };
        hmac::verify(&hmac::Key::new(algorithm, self.secret(feed).as_bytes()), body, &signature).is_ok()
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.as_chunks().0.iter().map(|[high, low]| high << 4 | low).collect())
}

/// What we ask for; a hub gives what it likes.
const LEASE_SECS: u64 = 10 * 86_400;

/// Bounds of what is believed of a lease.
const LEASE_SECS_MIN: u64 = 10;
const LEASE_SECS_MAX: u64 = 90 * 86_400;

/// A request that the hub has not answered by a verification is repeated after this time, and later with each attempt.
const RETRY_SECS: i64 = 600;

/// The longest pause between two attempts.
const RETRY_SECS_MAX: i64 = 86_400;

/// A timer that waits for a time of day may end so much before it: the two clocks are not set alike.
const CLOCKS_SECS: i64 = 1;

/// So often in a row news was found by asking that the hub had not told of: it is silent.
const SILENT_MAX: u8 = 2;

/// A feed's subscription, or our will to have one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Push {
    /// Its address.
    pub hub: Box<str>,
    /// By which address the hub knows the feed.
    pub topic: Box<str>,
    /// The callback that it was told.
    pub callback: Id,
    /// The hub has agreed to tell us until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// A part of the lease before its end in which it is renewed, in seconds.
    pub margin_secs: u32,
    /// We may ask it again from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<Timestamp>,
    /// Attempts since it last agreed.
    pub attempts: u32,
    /// Why it did not agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<str>>,
    /// When it last told us something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<Timestamp>,
    /// It told us something since the feed was last asked.
    pub heard: bool,
    /// News in a row that it had not told us of.
    pub silent: u8,
    /// The ids of the entries when the feed was last asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<Id>,
}

impl Push {
    pub(super) fn new(hub: String, topic: String) -> Self {
        Self { hub: hub.into(), topic: topic.into(), ..Self::default() }
    }

    /// Whether the hub tells us.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until > now)
    }

    /// When it must be asked again, at the latest, for the hub to go on; nothing if that is now.
    pub(super) fn renewal(&self, now: Timestamp) -> Option<Timestamp> {
        let renewal = self.until.map(|until| after(until, -i64::from(self.margin_secs)));
        renewal.filter(|renewal| *renewal > after(now, CLOCKS_SECS))
    }

    /// Whether the hub is to be asked now; then it counts as asked.
    pub(super) fn ask(&mut self, now: Timestamp) -> bool {
        if self.renewal(now).is_some() || self.again.is_some_and(|again| again > now) {
            return false;
        }
        let wait = (RETRY_SECS << self.attempts.min(16)).min(RETRY_SECS_MAX);
        self.attempts = self.attempts.saturating_add(1);
        self.again = Some(after(now, wait));
        true
    }

    /// The hub wants to know whether we asked for this, and for how long it would tell us.
    pub(super) fn agree(&mut self, topic: &str, lease: Option<Duration>, now: Timestamp) -> bool {
        if topic != &*self.topic || self.attempts == 0 {
            return false;
        }
        let lease = lease.map_or(LEASE_SECS, |lease| lease.as_secs()).clamp(LEASE_SECS_MIN, LEASE_SECS_MAX);
        self.until = Some(after(now, i64::try_from(lease).unwrap_or(i64::MAX)));
        self.margin_secs = u32::try_from(lease / 4).unwrap_or(u32::MAX);
        (self.again, self.attempts, self.error, self.silent) = (None, 0, None, 0);
        true
    }

    /// Whether the hub may believe that we want to be told.
    pub(super) fn is_pending_or_active(&self) -> bool {
        self.attempts > 0 || self.until.is_some()
    }

    /// The hub refused, or could not be reached.
    pub(super) fn refuse(&mut self, reason: &str) {
        self.error = Some(reason.into());
    }

    /// The feed was asked and has these entries. Says whether the hub was found to be silent.
    pub(super) fn compare(&mut self, entries: Id, now: Timestamp) -> bool {
        let changed = self.entries.replace(entries).is_some_and(|before| before != entries);
        if !self.is_active(now) || !changed {
            return false;
        }
        self.silent = if self.heard { 0 } else { self.silent.saturating_add(1) };
        self.heard = false;
        if self.silent < SILENT_MAX {
            return false;
        }
        self.until = None;
        self.silent = 0;
        self.again = Some(after(now, RETRY_SECS_MAX));
        self.error = Some("it was silent while the feed had news".into());
        true
    }

    /// The hub told us something.
    pub(super) fn hear(&mut self, now: Timestamp) {
        self.told = Some(now);
        self.heard = true;
        self.silent = 0;
    }
}

fn after(now: Timestamp, secs: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(secs)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn callback() -> Callback {
        Callback { base: "https://we.example/hub/".parse().unwrap(), key: [7; 32] }
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    fn agreed() -> Push {
        let mut push = Push::new("https://hub.example/".to_owned(), "https://a.example/f".to_owned());
        assert!(push.ask(at(0)));
        assert!(push.agree("https://a.example/f", Some(Duration::from_secs(1000)), at(10)));
        push
    }

    #[test]
    fn a_lease_is_renewed_before_its_end() {
        let mut push = agreed();
        assert!(push.is_active(at(1009)) && !push.is_active(at(1010)));
        assert_eq!((push.renewal(at(758)), push.renewal(at(760))), (Some(at(760)), None));
        assert_eq!((push.ask(at(758)), push.ask(at(760)), push.ask(at(761))), (false, true, false));
    }

    #[test]
    fn a_timer_that_ends_a_moment_early_is_in_time_for_the_renewal() {
        assert!(agreed().ask(at(759)));
    }

    #[test]
    fn what_nobody_asked_for_is_not_agreed_to() {
        let mut push = agreed();
        assert!(!push.agree("https://a.example/f", None, at(20)), "nothing is pending");
        push.ask(at(900));
        assert!(!push.agree("https://other.example/f", None, at(901)));
    }

    #[test]
    fn attempts_come_ever_later() {
        let mut push = Push::new("h".to_owned(), "t".to_owned());
        let asked: Vec<i64> = (0..10_000).step_by(100).filter(|now| push.ask(at(*now))).collect();
        assert_eq!(asked, [0, 600, 1800, 4200, 9000]);
    }

    #[test]
    fn a_silent_hub_is_found_out() {
        let mut push = agreed();
        let entries = |number: u64| Id(number);
        assert!(!push.compare(entries(1), at(20)));
        assert!(!push.compare(entries(2), at(30)));
        push.hear(at(40));
        assert!(!push.compare(entries(3), at(50)));
        assert!(!push.compare(entries(3), at(55)), "nothing has changed");
        assert!(!push.compare(entries(4), at(60)));
        assert!(push.compare(entries(5), at(70)));
        assert!(!push.is_active(at(71)) && !push.ask(at(72)));
    }

    #[test]
    fn signatures_are_checked() {
        let callback = callback();
        let secret = callback.secret("feed");
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let hex = hmac::sign(&key, b"news").as_ref().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        let check = |signature: &str, body: &[u8]| callback.is_signed("feed", Some(signature), body);
        assert!(check(&format!("sha256={hex}"), b"news"));
        assert!(!check(&format!("sha256={hex}"), b"lies"));
        assert!(!check(&format!("sha512={hex}"), b"news"));
        assert!(
            !check("sha256=zz", b"news")
                && !check("md5=00", b"news")
                && !callback.is_signed("feed", None, b"")
        );
        assert!(!callback.is_signed("other", Some(&format!("sha256={hex}")), b"news"));
    }

    #[test]
    fn the_form_names_what_is_wanted() {
        let form =
            callback().form("feed", &Push::new("h".to_owned(), "https://a.example/f?x=1&y".to_owned()));
        let pairs: Vec<(String, String)> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        let value =
            |name: &str| pairs.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str()).unwrap();
        assert_eq!(value("hub.topic"), "https://a.example/f?x=1&y");
        assert_eq!(value("hub.callback"), format!("https://we.example/hub/{}", callback().token("feed")));
        assert_ne!(value("hub.secret"), callback().token("feed"));
    }
}
