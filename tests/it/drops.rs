//! What newsrooms drop: corrections and kills, embargoes, files that are put away.

use std::fs;

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::world::{World, wait_for};

const TOPIC: &str = "[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n";

fn item(id: &str, headline: &str, more: &Value) -> String {
    let mut item = json!({
        "uri": id, "type": "text", "headline": headline, "versioncreated": Timestamp::now().to_string(),
        "body_text": format!("{headline}. The ferry between the islands was halted on Monday after a storm broke its mast."),
    });
    let fields = item.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    item.to_string()
}

#[test]
fn a_report_that_is_taken_back_is_told_once_to_who_was_told_of_it() {
    let world = World::new(TOPIC);
    let daemon = world.start();
    world.drop_file("a.json", &item("urn:x:1", "Ferry halted", &json!({})));
    wait_for("the alert", || world.alerts().pop());
    let kill = json!({"pubstatus": "canceled", "body_text": "KILL this story."});
    world.drop_file("b.json", &item("urn:x:1", "Ferry halted", &kill));
    let told = wait_for("the second alert", || Some(world.alerts()).filter(|alerts| alerts.len() > 1));
    assert_eq!((told[1]["kind"].as_str(), told[1]["topic"].as_str()), (Some("withdrawn"), Some("ferry")));
    let decisions = world.decisions();
    assert_eq!(decisions[1]["verdict"], "update");
    assert!(decisions[1]["reason"].as_str().unwrap().contains("withdrawn"), "{}", decisions[1]);
    // again, in other words: nobody is left to be told
    let again = json!({"pubstatus": "canceled", "body_text": "KILL, we repeat."});
    world.drop_file("c.json", &item("urn:x:1", "Ferry halted", &again));
    world.drop_file("d.json", &item("urn:x:9", "Never seen", &json!({"pubstatus": "canceled"})));
    let decisions = wait_for("all decisions", || Some(world.decisions()).filter(|all| all.len() > 3));
    assert_eq!(decisions[3]["verdict"], "rejected");
    assert_eq!(world.alerts().len(), 2);
    daemon.stop();
    let story = world.ok(&["story", decisions[0]["story"].as_str().unwrap()]);
    assert!(
        story.contains("Ferry halted") && story.contains("updated: withdrawn by its publisher"),
        "{story}"
    );
    world.ok(&["store", "verify"]);
}

#[test]
fn an_embargo_is_kept_over_a_restart() {
    let world = World::new(TOPIC);
    let daemon = world.start();
    let until = Timestamp::now().checked_add(4.seconds()).unwrap();
    world.drop_file("a.json", &item("urn:x:1", "Ferry halted", &json!({"embargoed": until.to_string()})));
    wait_for("the hold", || daemon.said().contains("is held until").then_some(()));
    daemon.stop();
    assert!(world.decisions().is_empty());
    let daemon = world.start();
    wait_for("the alert", || world.alerts().pop());
    assert!(Timestamp::now() >= until);
    assert_eq!(world.decisions().len(), 1);
    daemon.stop();
    let never = item("urn:x:2", "Ferry sold", &json!({"embargoed": "2999-01-01T00:00:00Z"}));
    world.write("b.json", &never);
    let refused = world.json_lines(&["ingest", "b.json"]);
    assert_eq!(refused[0]["verdict"], "rejected");
}

#[test]
fn finished_files_are_put_away() {
    let world = World::new("");
    let config = fs::read_to_string(world.path("storywatch.toml")).unwrap();
    world.write(
        "storywatch.toml",
        &config.replace("path = \"drop\"", "path = \"drop\"\nfinished = \"done\"\nsubdirectories = true"),
    );
    fs::create_dir(world.path("drop/desk")).unwrap();
    let daemon = world.start();
    world.drop_file("a.txt", "Ferry halted\n\nThe ferry between the islands was halted on Monday.");
    world.drop_file("desk/a.txt", "Crane falls\n\nThe crane in the harbour fell on Tuesday.");
    world.drop_file("b.csv", "a,b\n1,2\n");
    let gone = |name: &str| world.path(&format!("drop/{name}")).exists();
    wait_for("all to be put away", || {
        (gone("done/a.txt") && gone("done/1-a.txt") && gone("rejected/b.csv.reason")).then_some(())
    });
    assert!(!gone("a.txt") && !gone("desk/a.txt") && !gone("b.csv") && gone("rejected/b.csv"));
    let reason = fs::read_to_string(world.path("drop/rejected/b.csv.reason")).unwrap();
    assert!(reason.contains("it is a table"), "{reason}");
    let verdicts = world.decisions().len();
    daemon.stop();
    let daemon = world.start();
    world.drop_file("c.txt", "Bridge closed\n\nThe bridge to the islands was closed on Friday.");
    wait_for("the next", || gone("done/c.txt").then_some(()));
    assert_eq!(world.decisions().len(), verdicts + 1);
    daemon.stop();
}

#[test]
fn files_come_in_many_forms_and_each_decision_is_told() {
    let world = World::new("");
    world.write("a.eml", "From: Ann Lee <ann@paper.example>\nSubject: Ferry halted\nDate: Mon, 6 May 2024 09:08:09 +0200\n\nThe ferry was halted.\n");
    world.write("b.md", "# Crane falls\n\nThe *crane* fell.\n");
    let decisions = world.json_lines(&["ingest", "a.eml", "b.md"]);
    let said: Vec<_> = decisions
        .iter()
        .map(|one| (one["article"]["title"].as_str().unwrap(), one["article"]["lead"].as_str().unwrap()))
        .collect();
    assert_eq!(said, [("Ferry halted", "The ferry was halted."), ("Crane falls", "The crane fell.")]);
    assert_eq!(decisions[0]["article"]["published"], "2024-05-06T07:08:09Z");
}
