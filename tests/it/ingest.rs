//! `ingest`: one shot through the pipeline.

use crate::{
    corpus,
    world::{World, wait_for},
};

const TOPIC: &str = "[[topic]]\nname = \"ferry\"\nquery = '\"ferry contract\"'\n";

#[test]
fn prints_a_decision_an_article_in_order() {
    let world = World::new(TOPIC);
    world.write("articles.jsonl", &corpus::json_lines(1, 50));
    let decisions = world.json_lines(&["ingest", "articles.jsonl"]);
    assert_eq!(decisions.len(), 50);
    let told = decisions.iter().flat_map(|decision| decision["matches"].as_array().unwrap());
    let told = told.filter(|found| found["outcome"] == "alerted").count();
    assert_eq!(world.alerts().len(), told);
    assert!(told > 0);
}

#[test]
fn a_second_time_everything_is_seen_and_nothing_told() {
    let world = World::new(TOPIC);
    world.write("articles.jsonl", &corpus::json_lines(2, 60));
    world.ok(&["ingest", "articles.jsonl"]);
    let (alerts, decided) = (world.alerts(), world.decisions().len());
    let again = world.json_lines(&["ingest", "articles.jsonl"]);
    assert_eq!(again.len(), 60);
    for decision in &again {
        assert_eq!(decision["verdict"], "seen", "{decision}");
    }
    assert_eq!(world.alerts(), alerts);
    assert_eq!(world.decisions().len(), decided);
}

#[test]
fn a_revision_and_the_one_before_it_in_one_batch() {
    let world = World::new(TOPIC);
    let line =
        |text: &str| serde_json::json!({"id": "x", "title": "Ferry contract", "text": text}).to_string();
    let first = line("The ferry contract was signed on Monday after a long night of talks.");
    let second =
        line("The ferry contract was signed on Monday after a long night of talks. The union protests.");
    world.write("a.jsonl", &first);
    world.ok(&["ingest", "a.jsonl"]);
    world.write("b.jsonl", &format!("{second}\n{first}\n"));
    let decisions = world.json_lines(&["ingest", "b.jsonl"]);
    let verdicts: Vec<_> = decisions.iter().map(|decision| decision["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["update", "seen"]);
}

#[test]
fn a_control_socket_that_is_removed_is_made_again() {
    let world = World::new("");
    let daemon = world.start();
    std::fs::remove_file(world.path("state/control.sock")).unwrap();
    wait_for("word of it", || daemon.said().contains("is made again").then_some(()));
    assert!(world.ok(&["status"]).contains("running"));
    daemon.stop();
}

#[test]
fn through_a_running_daemon_it_goes_by_the_control_socket() {
    let world = World::new(TOPIC);
    let daemon = world.start();
    world.write("one.json", r#"{"id": "x1", "title": "Council signs the ferry contract", "text": "The ferry contract was signed on Monday."}"#);
    let decisions = world.json_lines(&["ingest", "one.json"]);
    assert_eq!(decisions.len(), 1);
    assert_eq!(decisions[0]["article"]["input_id"], "x1");
    assert_eq!(world.alerts().len(), 1);
    daemon.stop();
}

#[test]
fn what_comes_by_the_control_socket_is_not_trusted() {
    use std::io::{Read, Write};
    let world = World::new(TOPIC);
    let daemon = world.start();
    world.write("one.json", r#"{"title": "Ferry contract", "text": "The ferry contract was signed."}"#);
    let decision = &world.json_lines(&["ingest", "one.json"])[0];
    let say = |request: String| {
        let mut stream = std::os::unix::net::UnixStream::connect(world.path("state/control.sock")).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        said
    };
    let article = |title: &str, seen_at: &str| {
        let article = serde_json::json!({
            "title": title, "text": "Forged.", "outlet": "", "origin": "ingest", "seen_at": seen_at,
        });
        format!("{}\n", serde_json::json!({"take": [{"article": article}]}))
    };
    assert!(say(article("Forged\n2031", "2031-01-01T00:00:00Z")).contains("control characters"));
    assert!(say(article("Late", "2031-01-01T00:00:00Z")).contains("\"decision\""));
    let late = &world.decisions()[1]["article"];
    let day = |article: &serde_json::Value| article["seen_at"].as_str().unwrap()[..10].to_owned();
    assert_eq!((late["title"].as_str(), day(late)), (Some("Late"), day(&decision["article"])));
    let many = serde_json::json!({"take": vec![serde_json::json!({"rejected": {
        "origin": "ingest", "place": "x", "reason": "y", "seen_at": "2031-01-01T00:00:00Z"}}); 513]});
    assert!(say(format!("{many}\n")).contains("more than 512"));
    assert_eq!(world.decisions().len(), 2);
    daemon.stop();
}

#[test]
fn batches_and_restarts_change_no_decision() {
    let lines = corpus::json_lines(9, 120);
    let whole = World::new(TOPIC);
    whole.write("articles.jsonl", &lines);
    whole.ok(&["ingest", "articles.jsonl"]);
    let parts = World::new(TOPIC);
    let all: Vec<&str> = lines.lines().collect();
    for some in all.chunks(7) {
        parts.write("articles.jsonl", &some.join("\n"));
        parts.ok(&["ingest", "articles.jsonl"]);
    }
    assert_eq!(whole.decisions(), parts.decisions());
    assert_eq!(whole.alerts(), parts.alerts());
}
