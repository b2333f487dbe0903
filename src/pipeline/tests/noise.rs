//! What is held back and told together, what is unusual, and that all of it is a fold over the journal.

use serde_json::Value;

use super::*;
use crate::article::AlertKind;

/// A world whose one topic has these rules.
fn world(rule: TopicRule) -> World {
    let mut world = World::new();
    let topic =
        TopicRule { name: "all".to_owned(), query: Some("harbour".to_owned()), min_outlets: 1, ..rule };
    let rules = Rules { topics: vec![topic], ..world.pipeline().rules().clone() };
    world.pipeline().set_rules(rules).unwrap();
    world
}

impl World {
    /// Articles that come at this time; what became of each.
    fn outcomes(&mut self, at: &str, articles: &[Article]) -> Vec<String> {
        self.now = at.parse::<Timestamp>().unwrap() - HOUR;
        let decided = self.decide(articles);
        decided
            .iter()
            .map(|decision| decision["matches"][0]["outcome"].as_str().unwrap().to_owned())
            .collect()
    }

    fn tick(&mut self, at: &str) {
        self.now = at.parse().unwrap();
        let now = self.now;
        self.pipeline().tick(now).unwrap();
    }

    fn log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.dir.path().join("alerts.log")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The last alert is a digest, the one of this number, of so many reports and stories.
    #[track_caller]
    fn check_digest(&self, seq: u64, why: &str, reports: u64, stories: usize) {
        let last = self.log().pop().unwrap();
        assert_eq!((&last["kind"], &last["seq"]), (&"digest".into(), &seq.into()), "{last}");
        let digest = &last["digest"];
        assert_eq!((&digest["why"], &digest["reports"]), (&why.into(), &reports.into()), "{last}");
        assert_eq!(digest["items"].as_array().unwrap().len(), stories, "{last}");
    }
}

#[test]
fn a_cooldown_ends_in_one_line() {
    let mut world = world(TopicRule { cooldown_secs: 1800, ..TopicRule::default() });
    let first = item(1);
    // The same words in another order: the same story, and no copy.
    let again = |stride: usize| {
        let words: Vec<&str> = first.text.split(' ').collect();
        let text: Vec<&str> = (0..words.len()).map(|place| words[place * stride % words.len()]).collect();
        Article { text: text.join(" "), ..elsewhere(&first, &format!("mole{stride}.example")) }
    };
    assert_eq!(world.outcomes("2031-03-03T10:00:00Z", std::slice::from_ref(&first)), ["alerted"]);
    assert_eq!(world.outcomes("2031-03-03T10:10:00Z", &[again(7), again(11)]), ["suppressed:cooldown"; 2]);
    world.restart();
    world.tick("2031-03-03T10:29:59Z");
    assert_eq!(world.log().len(), 1);
    world.tick("2031-03-03T10:30:00Z");
    world.check_digest(2, "cooldown", 2, 1);
    assert_eq!(world.log()[1]["story"], world.log()[0]["story"]);
    world.tick("2031-03-03T10:30:01Z");
    // What was told in one line begins a cooldown of its own; without more, nothing is told at its end.
    assert_eq!(world.outcomes("2031-03-03T10:40:00Z", &[again(17)]), ["suppressed:cooldown"]);
    assert_eq!(world.outcomes("2031-03-03T11:10:00Z", &[again(19)]), ["suppressed:cooldown"]);
    world.check_digest(3, "cooldown", 1, 1);
    world.verify();
}

#[test]
fn a_digest_gathers() {
    let mut world = world(TopicRule { digest_secs: 3600, ..TopicRule::default() });
    assert_eq!(world.outcomes("2031-03-03T10:00:00Z", &[item(1), item(2)]), ["suppressed:digest"; 2]);
    world.restart();
    assert_eq!(world.outcomes("2031-03-03T10:50:00Z", &[item(3)]), ["suppressed:digest"]);
    world.tick("2031-03-03T10:59:59Z");
    assert_eq!(world.log(), Vec::<Value>::new());
    world.tick("2031-03-03T11:00:00Z");
    world.check_digest(1, "digest", 3, 3);
    world.restart();
    world.tick("2031-03-03T13:00:00Z");
    assert_eq!(world.log().len(), 1);
    world.verify();
}

#[test]
fn a_night_is_quiet() {
    let quiet = Some("22:00-07:00 Europe/Berlin".parse().unwrap());
    let mut world = world(TopicRule { quiet, ..TopicRule::default() });
    assert_eq!(world.outcomes("2031-03-03T20:59:00Z", &[item(1)]), ["alerted"]);
    assert_eq!(world.outcomes("2031-03-03T21:00:00Z", &[item(2)]), ["suppressed:quiet"]);
    assert_eq!(world.outcomes("2031-03-04T03:00:00Z", &[item(3)]), ["suppressed:quiet"]);
    world.tick("2031-03-04T05:59:59Z");
    assert_eq!(world.log().len(), 1);
    // The next report comes before the clock ticks: what waits is told first.
    assert_eq!(world.outcomes("2031-03-04T06:00:01Z", &[item(4)]), ["alerted"]);
    let told: Vec<Value> = world.log().iter().map(|alert| alert["kind"].clone()).collect();
    assert_eq!(told, ["new-story", "digest", "new-story"]);
    // A report that was told in a digest is known to the user: a change of it is an update.
    let changed = Article { text: sentences(5000..5030), ..item(3) };
    assert_eq!(world.outcomes("2031-03-04T08:00:00Z", &[changed]), ["alerted"]);
    assert_eq!(world.log().pop().unwrap()["kind"], "update");
    assert!(world.log().pop().unwrap()["change"]["words_added"].as_u64() > Some(100));
    world.verify();
}

#[test]
fn an_hour_has_a_bound() {
    let mut world = world(TopicRule { max_per_hour: 2, ..TopicRule::default() });
    let outcomes = world.outcomes("2031-03-03T10:00:00Z", &[item(1), item(2), item(3), item(4)]);
    assert_eq!(outcomes, ["alerted", "alerted", "suppressed:max-per-hour", "suppressed:max-per-hour"]);
    world.restart();
    world.tick("2031-03-03T11:00:00Z");
    world.check_digest(3, "max-per-hour", 2, 2);
    assert_eq!(
        world.outcomes("2031-03-03T11:01:00Z", &[item(5), item(6)]),
        ["alerted", "suppressed:max-per-hour"]
    );
    world.verify();
}

#[test]
fn kinds_can_be_off() {
    let kinds = vec![AlertKind::NewCoverage];
    let mut world = world(TopicRule { kinds, ..TopicRule::default() });
    assert_eq!(world.outcomes("2031-03-03T10:00:00Z", &[item(1)]), ["suppressed:kind-is-off"]);
    world.verify();
}

#[test]
fn a_test_is_numbered_like_any_alert() {
    let mut world = world(TopicRule::default());
    let (answer, _heard) = oneshot::channel();
    assert!(world.pipeline().test("nobody").unwrap()["error"].is_string());
    assert_eq!(world.pipeline().test("all").unwrap()["seq"], 1);
    drop(answer.send(Value::Null));
    assert_eq!(world.outcomes("2031-03-03T10:00:00Z", &[item(1)]), ["alerted"]);
    let log = world.log();
    assert_eq!(
        (&log[0]["kind"], &log[0]["story"], &log[1]["seq"]),
        (&"test".into(), &Value::Null, &2.into())
    );
    world.verify();
}

#[test]
fn a_burst_is_a_surge_and_its_end_a_silence() {
    let mut world = world(TopicRule::default());
    let feeds = vec![FEED.to_owned()];
    let rules = Rules { feeds, max_age_secs: 90 * 86_400, ..world.pipeline().rules().clone() };
    world.pipeline().set_rules(rules).unwrap();
    let at = |hour: i64| {
        ("2031-03-03T00:30:00Z".parse::<Timestamp>().unwrap() + HOUR * i32::try_from(hour).unwrap())
            .to_string()
    };
    for hour in 0..10 * 24 {
        world.outcomes(&at(hour), &[item(10_000 + u32::try_from(hour).unwrap())]);
    }
    assert!(world.log().iter().all(|alert| alert["kind"] != "surge"));
    world.restart();
    let burst: Vec<_> = (0..12).map(|n| item(20_000 + n)).collect();
    world.outcomes(&at(240), &burst);
    let surges = world.log().iter().filter(|alert| alert["kind"] == "surge").count();
    assert_eq!(surges, 1);
    // Nothing more comes of the feed and the topic, but elsewhere there is life.
    let elsewhere = |n: i64| Article {
        text: format!("Wool and tea {n}"),
        title: format!("Wool and tea {n}"),
        ..super::elsewhere(&item(30_000 + u32::try_from(n).unwrap()), "mole.example")
    };
    for hour in 241..241 + 30 {
        world.now = at(hour).parse::<Timestamp>().unwrap() - HOUR;
        world.decide(&[elsewhere(hour)]);
        for minute in 0..60 {
            let tick = world.now + SignedDuration::from_mins(minute);
            world.pipeline().tick(tick).unwrap();
        }
    }
    let silences: Vec<_> = world.log().into_iter().filter(|alert| alert["kind"] == "silence").collect();
    let of: Vec<_> = silences.iter().map(|alert| (&alert["topic"], &alert["feed"])).collect();
    assert_eq!(of, [(&"all".into(), &Value::Null), (&"feeds".into(), &FEED.into())]);
    world.verify();
}
