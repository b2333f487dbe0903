//! Topics over what is stored: a backtest says what the log says, and a new topic is proposed from samples.

use std::fs;

use crate::world::World;

const TOPIC: &str = "[[topic]]\nname = \"ferry\"\nquery = \"ferry AND rudder\"\n";

fn line(id: &str, day: u32, title: &str, text: &str) -> String {
    format!(
        "{{\"id\":\"{id}\",\"title\":\"{title}\",\"text\":\"{text}\",\"published\":\"2026-03-{day:02}T09:00:00Z\",\"source\":\"{id}.example\"}}\n"
    )
}

fn told() -> World {
    let world = World::new(TOPIC);
    let articles = [
        line(
            "a",
            2,
            "Ferry aground",
            "The ferry Aurelia ran aground off Holm. Its rudder had failed, said Captain Ilse Varga, who has led the ferry for years.",
        ),
        line(
            "b",
            2,
            "Budget passed",
            "Parliament in Tarnow passed the budget late on Tuesday after a long debate about pensions.",
        ),
        line(
            "c",
            3,
            "Towed away",
            "The ferry is towed to Tarnow. Inspectors blame the rudder, and Ilse Varga agrees with them.",
        ),
        line(
            "d",
            9,
            "Bus on strike",
            "Bus drivers in Tarnow walked out at dawn and want higher pay for nights.",
        ),
    ];
    world.write("news.jsonl", &articles.concat());
    world.ok(&["ingest", "news.jsonl"]);
    world
}

#[test]
fn a_backtest_tells_what_was_told() {
    let world = told();
    let tried = &world.json_lines(&["backtest", "--json"])[0];
    assert_eq!(
        (&tried["articles"], &tried["from"], &tried["to"]),
        (&4.into(), &"2026-03-02".into(), &"2026-03-09".into())
    );
    let topic = &tried["topics"][0];
    let told = world.alerts();
    assert_eq!(told.len(), 2);
    let named = |alert: &serde_json::Value| {
        (alert["kind"].clone(), alert["article"]["id"].clone(), alert["novel"].clone())
    };
    let again: Vec<_> = topic["alerts"].as_array().unwrap().iter().map(named).collect();
    assert_eq!(again, told.iter().map(named).collect::<Vec<_>>());
    assert_eq!(
        topic["days"],
        serde_json::json!([{"day": "2026-03-02", "alerts": 1}, {"day": "2026-03-03", "alerts": 1}])
    );
    assert!(world.ok(&["backtest"]).contains("2026-03-03  ████"));
}

#[test]
fn an_edited_topic_is_tried_before_it_is_in_force() {
    let world = told();
    let config = fs::read_to_string(world.path("storywatch.toml")).unwrap();
    fs::write(world.path("storywatch.toml"), config.replace("ferry AND rudder", "strike")).unwrap();
    let tried = &world.json_lines(&["backtest", "--topic", "ferry", "--json"])[0];
    assert_eq!(tried["topics"][0]["alerted"], 1);
    assert_eq!(tried["topics"][0]["alerts"][0]["article"]["title"], "Bus on strike");
    assert_eq!(world.alerts().len(), 2, "nothing is told by a backtest");
    let (code, said) = world.fails(&["backtest", "--topic", "tram"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("no topic \"tram\": it has ferry"), "{said}");
}

#[test]
fn a_topic_is_proposed_from_samples() {
    let world = told();
    world.write("one.txt", "Ferry aground\n\nThe ferry Aurelia ran aground off Holm. Its rudder had failed, said Captain Ilse Varga. The ferry is safe.");
    let proposed = world.ok(&["topics", "new", "aurelia", "one.txt"]);
    let config = fs::read_to_string(world.path("storywatch.toml")).unwrap();
    fs::write(world.path("storywatch.toml"), format!("{config}\n{proposed}")).unwrap();
    world.ok(&["check"]);
    assert!(world.ok(&["topics"]).contains("aurelia"));
    let tried = &world.json_lines(&["backtest", "--topic", "aurelia", "--json"])[0];
    let alerted = tried["topics"][0]["alerted"].as_u64().unwrap();
    assert!(alerted >= 1, "{proposed}");
    let heading = format!("aurelia: {alerted} alert");
    assert!(proposed.lines().any(|line| line.starts_with('#') && line.contains(&heading)), "{proposed}");
    assert!(world.fails(&["topics", "new", "ferry", "one.txt"]).1.contains("already"));
}
