//! Topics that begin while stories go on, and stories that prove to be about one event.

use super::*;

const GROUNDING: &str = "The ferry Aurelia ran aground off Holm island on Monday morning with ninety passengers aboard. \
    Coast guard boats took everyone to Holm harbour, where Captain Ilse Varga told reporters that the rudder had \
    failed. Inspectors will examine the Aurelia's steering, and the shipping line Nordlinje apologised.";
/// The same event without the word that the topic asks for.
const RESCUE: &str = "Ninety people were rescued on Monday when the Nordlinje ferry Aurelia hit rocks near Holm \
    island. The helm no longer answered, Captain Ilse Varga said in the harbour. The coast guard sent four boats and \
    inspectors are to look at the steering of the Aurelia, the shipping line said.";

fn report(outlet: &str, text: &str) -> Article {
    Article { title: String::new(), text: text.to_owned(), ..elsewhere(&item(1), outlet) }
}

fn asks(query: &str) -> TopicRule {
    TopicRule { name: "ferries".to_owned(), query: Some(query.to_owned()), ..TopicRule::default() }
}

impl World {
    fn follow(&mut self, rule: TopicRule) {
        let mut rules = self.pipeline().rules().clone();
        rules.topics.retain(|old| old.name != rule.name);
        rules.topics.push(rule);
        self.pipeline().set_rules(rules).unwrap();
    }

    /// What the topic makes of an article: its outcome and what counted.
    fn ferries(&mut self, article: Article) -> Option<(String, String)> {
        let decided = self.decide(&[article]);
        let found = decided[0]["matches"].as_array()?.iter().find(|found| found["topic"] == "ferries")?;
        Some((found["outcome"].as_str()?.to_owned(), found["evidence"].to_string()))
    }

    fn alerts(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.dir.path().join("alerts.log")).unwrap_or_default();
        let alerts = log.lines().map(|line| serde_json::from_str(line).unwrap());
        alerts.filter(|alert: &Value| alert["topic"] == "ferries").collect()
    }
}

#[test]
fn a_new_topic_follows_what_goes_on_and_tells_nothing_of_what_was() {
    let mut world = World::new();
    world.give(&[report("gull.example", GROUNDING)]);
    world.follow(asks("rudder"));
    assert_eq!(world.alerts(), Vec::<Value>::new());
    world.restart();
    let (outcome, evidence) = world.ferries(report("tern.example", RESCUE)).unwrap();
    assert_eq!(
        (outcome.as_str(), evidence.as_str()),
        ("alerted", r#"["in a story that the topic follows"]"#)
    );
    let alerts = world.alerts();
    assert_eq!(
        (alerts.len(), &alerts[0]["kind"], &alerts[0]["reports"]),
        (1, &"new-story".into(), &2.into())
    );
    world.verify();
}

#[test]
fn without_it_the_story_is_not_followed() {
    let mut world = World::new();
    world.follow(asks("rudder"));
    assert_eq!(world.ferries(report("tern.example", RESCUE)), None);
    world.verify();
}

#[test]
fn a_sample_is_looked_for_in_what_is_stored() {
    let mut world = World::new();
    world.give(&[report("gull.example", GROUNDING)]);
    let sample = Article { text: GROUNDING.to_owned(), ..Article::default() };
    world.follow(TopicRule { query: None, examples: vec![sample], ..asks("") });
    let (outcome, evidence) = world.ferries(report("tern.example", RESCUE)).unwrap();
    assert_eq!(outcome, "alerted");
    assert!(evidence.contains("in one story with a sample"), "{evidence}");
    world.verify();
}

#[test]
fn a_topic_that_asks_for_something_else_follows_no_more_what_it_did() {
    let mut world = World::new();
    world.follow(asks("rudder"));
    assert!(world.ferries(report("gull.example", GROUNDING)).is_some());
    world.follow(asks("budget"));
    assert_eq!(world.ferries(report("tern.example", RESCUE)), None);
    world.verify();
}

#[test]
fn a_changed_cooldown_changes_nothing_of_what_is_followed() {
    let mut world = World::new();
    world.follow(asks("rudder"));
    assert!(world.ferries(report("gull.example", GROUNDING)).is_some());
    world.follow(TopicRule { cooldown_secs: 60, ..asks("rudder") });
    let (outcome, _) = world.ferries(report("tern.example", RESCUE)).unwrap();
    assert_eq!(outcome, "alerted");
    let alerts = world.alerts();
    assert_eq!((alerts.len(), &alerts[1]["kind"]), (2, &"new-coverage".into()));
    world.verify();
}

#[test]
fn old_coverage_that_is_handed_over_is_known_but_not_told() {
    let mut world = World::new();
    world.follow(asks("rudder"));
    let old = Article { occasion: Occasion::Backfill, ..report("gull.example", GROUNDING) };
    assert_eq!(world.ferries(old).unwrap().0, "suppressed:backfill");
    let (outcome, _) = world.ferries(report("tern.example", RESCUE)).unwrap();
    assert_eq!((outcome.as_str(), world.alerts().len()), ("alerted", 1));
    world.verify();
}
