//! The verbs and the JSON of their contracts.

use std::fs;

use crate::world::World;

const TOPIC: &str =
    "[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n[[topic]]\nname = \"tram\"\nquery = \"tramway\"\n";

const ARTICLE: &str = r#"{"id": "x1", "url": "https://harbour.example/ferry?utm_source=feed", "title": "Ferry halted after crash", "text": "The ferry was halted on Monday after a crash. \"Nobody was hurt,\" said Captain Lena Orvik.", "published": "2026-03-02T15:04:05Z", "source": "harbour.example"}"#;

fn told() -> World {
    let world = World::new(TOPIC);
    world.write("a.json", ARTICLE);
    world.ok(&["ingest", "a.json"]);
    world
}

#[test]
fn every_verb_has_help() {
    let world = World::new("");
    let verbs = [
        "demo",
        "run",
        "check",
        "ingest",
        "inspect",
        "explain",
        "backtest",
        "feeds",
        "status",
        "tail",
        "topics",
        "stories",
        "story",
        "store",
        "quarantine",
        "papers",
    ];
    for verb in verbs {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_storywatch"))
            .args([verb, "--help"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{verb}");
        assert!(output.stdout.len() > 100, "{verb}");
    }
    assert_eq!(world.output(&["nonsense"]).status.code(), Some(2));
}

#[test]
fn a_decision_keeps_the_contract() {
    let world = World::new(TOPIC);
    world.write("a.json", ARTICLE);
    let decision = &world.json_lines(&["ingest", "a.json"])[0];
    let article = &decision["article"];
    assert_eq!(article["input_id"], "x1");
    assert_eq!(article["source"], "harbour.example");
    assert_eq!(article["published"], "2026-03-02T15:04:05Z");
    assert_eq!(article["seen_at"], "2026-03-02T15:04:05Z");
    assert_eq!(article["language"], "en");
    assert!(article["lead"].as_str().unwrap().starts_with("The ferry was halted"));
    assert_eq!(decision["verdict"], "new");
    assert_eq!(decision["story"], article["id"]);
    let quote = &decision["quotes"][0];
    assert_eq!(quote["text"].as_str().unwrap().trim_end_matches(','), "Nobody was hurt");
    assert_eq!(quote["speaker"], "Lena Orvik");
    assert_eq!(decision["entities"][0]["name"], "Lena Orvik");
    assert_eq!(decision["matches"].as_array().unwrap().len(), 1);
    assert_eq!(decision["matches"][0]["topic"], "ferry");
    assert_eq!(decision["matches"][0]["outcome"], "alerted");
    let alert = &world.alerts()[0];
    for key in [
        "seq",
        "id",
        "time",
        "kind",
        "topic",
        "story",
        "article",
        "outlets",
        "independent",
        "reports",
        "new_entities",
        "novel",
        "score",
        "evidence",
    ] {
        assert!(alert.get(key).is_some(), "{key} is missing in {alert}");
    }
}

#[test]
fn explain_tells_of_a_file_an_address_and_an_id() {
    let world = told();
    let known = &world.json_lines(&["explain", "--json", "https://harbour.example/ferry"])[0];
    assert_eq!(known["verdict"], "new");
    assert!(known.get("why").is_some());
    let id = known["article"]["id"].as_str().unwrap().to_owned();
    assert_eq!(world.json_lines(&["explain", "--json", &id])[0]["verdict"], "new");
    let file = &world.json_lines(&["explain", "--json", "a.json"])[0];
    assert_eq!(file["verdict"], "seen");
    world.write("b.txt", "Tramway opens\n\nThe tramway to the airport opened on Tuesday after long delays.");
    let words = world.ok(&["explain", "b.txt"]);
    assert!(words.contains("tram") && words.contains("ferry"), "{words}");
    let before = world.decisions().len();
    assert_eq!(before, 1, "explain stores nothing");
}

#[test]
fn a_question_leaves_nothing_behind() {
    let world = World::new(TOPIC);
    world.write("a.json", ARTICLE);
    assert_eq!(world.json_lines(&["explain", "--json", "a.json"])[0]["matches"][0]["topic"], "ferry");
    world.ok(&["status"]);
    assert!(!fs::exists(world.path("state")).unwrap());
    assert!(!fs::exists(world.path("alerts.log")).unwrap());
}

#[test]
fn explain_of_an_unknown_address_says_so() {
    let world = told();
    let output = world.output(&["explain", "--json", "https://nowhere.example/x"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!said.contains("\"verdict\"") && said.contains("nowhere.example"), "{said}");
}

#[test]
fn status_names_the_log_that_the_daemon_writes() {
    let world = World::new("");
    let daemon = world.start();
    let config = fs::read_to_string(world.path("storywatch.toml")).unwrap();
    world.write("storywatch.toml", &config.replace("alerts.log", "other.log"));
    let ends_with = |name: &str| {
        let status: serde_json::Value = serde_json::from_str(&world.ok(&["status", "--json"])).unwrap();
        status["alert_log"].as_str().unwrap().ends_with(name)
    };
    assert!(ends_with("/alerts.log"), "a config that is not in force was believed");
    daemon.stop();
    assert!(ends_with("/other.log"));
}

#[test]
fn status_counts() {
    let world = told();
    let status: serde_json::Value = serde_json::from_str(&world.ok(&["status", "--json"])).unwrap();
    assert_eq!(status["running"], false);
    assert_eq!(status["articles"]["new"], 1);
    let daemon = world.start();
    let status: serde_json::Value = serde_json::from_str(&world.ok(&["status", "--json"])).unwrap();
    assert_eq!(status["running"], true);
    assert!(!world.ok(&["status"]).is_empty());
    daemon.stop();
}

#[test]
fn tail_shows_and_filters() {
    let world = told();
    assert!(world.ok(&["tail"]).contains("Ferry halted after crash"));
    assert_eq!(world.ok(&["tail", "--topic", "tram"]), "");
    assert_eq!(world.ok(&["tail", "--since", "2026-03-03"]), "");
    assert_eq!(world.ok(&["tail", "--since", "2026-03-02", "--json"]).lines().count(), 1);
}

#[test]
fn inspect_reads_without_storing() {
    let world = World::new("");
    let feed = crate::world::rss(&[("https://a.example/1".into(), "One".into(), "The first.".into())]);
    let feed = world.write("feed.xml", &feed);
    let inspect = |kind: &str, file: &std::path::Path| -> serde_json::Value {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_storywatch"))
            .args(["inspect", kind])
            .arg(file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let read = inspect("feed", &feed);
    assert_eq!(read["entries"][0]["url"], "https://a.example/1");
    let page = world.write("page.html", "<html><head><title>Ferry halted</title></head><body><article><h1>Ferry halted</h1><p>The ferry between the islands was halted on Monday after a long night of storm and rain.</p></article></body></html>");
    assert_eq!(inspect("page", &page)["title"], "Ferry halted");
    let text = world.write("t.jsonl", ARTICLE);
    let tags = inspect("text", &text);
    assert_eq!(tags["input_id"], "x1");
    assert_eq!(tags["entities"][0]["name"], "Lena Orvik");
    assert!(!fs::exists(world.path("state")).unwrap());
}

#[test]
fn the_demo_shows_the_main_job_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_storywatch"))
        .arg("demo")
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("10 articles came in, 6 were news about the topic"), "{said}");
    assert_eq!(crate::world::files(folder.path()), Vec::<std::path::PathBuf>::new());
}
