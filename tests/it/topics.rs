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
    let query = proposed.lines().find_map(|line| line.strip_prefix("query = ")).unwrap();
    let query: String = serde_json::from_str(query).unwrap();
    assert!(query.contains('"') && world.ok(&["topics"]).contains(&query), "{query}");
    let tried = &world.json_lines(&["backtest", "--topic", "aurelia", "--json"])[0];
    let alerted = tried["topics"][0]["alerted"].as_u64().unwrap();
    assert!(alerted >= 1, "{proposed}");
    let heading = format!("aurelia: {alerted} alert");
    assert!(proposed.lines().any(|line| line.starts_with('#') && line.contains(&heading)), "{proposed}");
    assert!(world.fails(&["topics", "new", "ferry", "one.txt"]).1.contains("already"));
    assert!(world.fails(&["topics", "new", " ", "one.txt"]).1.contains("expected text"));
}

/// A ferry, a strike that has nothing to do with it, maybe a report on both, and the strike again.
fn two_affairs(tied: bool) -> World {
    let world = World::new("[[topic]]\nname = \"ferry\"\nquery = \"rudder\"\nalert.cooldown = \"2d\"\n");
    let mut articles = vec![
        line(
            "a",
            2,
            "Ferry Aurelia aground off Holm",
            "The ferry Aurelia ran aground off Holm island on Monday morning with ninety passengers aboard. Coast guard boats took everyone to Holm harbour, where Captain Ilse Varga told reporters that the rudder had failed. The shipping line Nordlinje apologised to the passengers.",
        ),
        line(
            "b",
            2,
            "Dockers walk out in Tarnow",
            "Dockers at the Tarnow terminal walked out at noon over the sacking of their foreman Oskar Lund. The union Hafenbund says that cranes will stand still until he is back, and lorries queue along the quay road. Managers of the terminal called the strike unlawful.",
        ),
    ];
    if tied {
        articles.push(line(
            "c",
            2,
            "Aurelia aground off Holm, dockers out in Tarnow",
            "Nordlinje has had a bad week. On Holm island the coast guard is still busy with the ferry Aurelia, which Captain Ilse Varga ran aground with ninety passengers. In Tarnow the union Hafenbund keeps the cranes of the terminal still: its dockers want foreman Oskar Lund back, whose sacking made them walk out, and the strike goes on while lorries queue.",
        ));
    }
    articles.push(line(
        "d",
        2,
        "Dockers in Tarnow stay out over foreman Lund",
        "Cranes of the Tarnow terminal stood still on Tuesday as dockers of the union Hafenbund went on with their strike over the sacking of foreman Oskar Lund. Managers want to see lorries on the quay road again, and a barge with a broken rudder waits.",
    ));
    world.write("news.jsonl", &articles.concat());
    world
}

#[test]
fn of_stories_that_are_tied_a_topic_is_told_once() {
    let world = two_affairs(true);
    let decisions = world.json_lines(&["ingest", "news.jsonl"]);
    let [ferry, strike, both, again] = decisions.as_slice() else { panic!("{decisions:?}") };
    assert_ne!(ferry["story"], strike["story"]);
    assert_eq!(again["story"], strike["story"]);
    let stories = [&both["story"], &both["fits_too"][0]];
    assert!(stories.contains(&&ferry["story"]) && stories.contains(&&strike["story"]), "{both}");
    assert_eq!(again["matches"][0]["outcome"], "suppressed:cooldown");
    assert_eq!(world.alerts().len(), 1);

    let world = two_affairs(false);
    let decisions = world.json_lines(&["ingest", "news.jsonl"]);
    assert_eq!(decisions[2]["matches"][0]["outcome"], "alerted", "what nothing ties is news");
    assert_eq!(world.alerts().len(), 2);
}
