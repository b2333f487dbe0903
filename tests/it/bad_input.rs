//! What is wrong is named, and the rest goes on.

use std::fs;

use crate::world::{Served, Server, World, wait_for};

#[test]
fn every_fault_of_a_config_is_named_at_once_with_its_place() {
    let world = World::new("");
    world.write(
        "storywatch.toml",
        "stat_dir = \"state\"\n[fetch]\npoll_secs_min = \"often\"\n[[feed]]\nurl = \"ftp://x.example/f\"\n\
         [[topic]]\nname = \"a\"\nquery = \"(ferry\"\n[alerts]\nmax_age = \"3 fortnights\"\n",
    );
    let (code, errors) = world.fails(&["check"]);
    assert_eq!(code, Some(78));
    let places: Vec<_> = errors.lines().map(|line| line.split(": ").next().unwrap().to_owned()).collect();
    assert_eq!(places.len(), 5, "{errors}");
    for place in &places {
        assert!(place.starts_with("storywatch.toml:"), "{errors}");
    }
    assert!(errors.contains("did you mean `state_dir`"), "{errors}");
    assert_eq!(world.fails(&["run"]).0, Some(78));
}

#[test]
fn a_feed_that_is_none_is_named_and_delays_nobody() {
    let server = Server::start();
    let page = Served {
        body: "<html><body>No feed here.</body></html>".to_owned(),
        content_type: "text/html",
        etag: None,
    };
    server.serve("/page", page);
    let world = World::new(&format!(
        "[fetch]\npoll_secs_min = 1\nper_host_gap_secs = 0\nallow_private = [\"{}\"]\n[[feed]]\nurl = \"{}\"\n\
         [[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n",
        server.address,
        server.url("/page")
    ));
    let daemon = world.start();
    wait_for("the warning", || daemon.said().contains(&server.url("/page")).then_some(()));
    world.drop_file("a.txt", "Ferry halted\n\nThe ferry between the islands was halted on Monday.");
    wait_for("the alert", || world.alerts().pop());
    daemon.stop();
}

#[test]
fn a_drop_that_is_no_text_is_rejected_by_name() {
    let world = World::new("");
    let daemon = world.start();
    fs::write(world.path("drop/noise.bin"), [0, 159, 146, 150, 0, 1, 2, 3]).unwrap();
    let rejected = wait_for("the rejection", || world.decisions().pop());
    assert_eq!(rejected["verdict"], "rejected");
    assert!(rejected["article"]["title"].as_str().unwrap().contains("noise.bin"), "{rejected}");
    assert!(!rejected["reason"].as_str().unwrap().is_empty());
    wait_for("the warning", || daemon.said().contains("noise.bin").then_some(()));
    daemon.stop();
}

#[test]
fn noise_without_a_nul_is_no_text_either() {
    let world = World::new("");
    let mut dice = crate::corpus::Dice(1);
    let noise: Vec<u8> = (0..400).map(|_| 1 + u8::try_from(dice.roll(255)).unwrap()).collect();
    fs::write(world.path("noise"), noise).unwrap();
    assert_eq!(world.json_lines(&["ingest", "noise"])[0]["verdict"], "rejected");
}

#[test]
fn a_faulty_line_costs_itself_alone() {
    let world = World::new("");
    world.write("a.jsonl", "{\"title\": \"One\", \"text\": \"The first of them.\"}\n{\"title\": \n{\"title\": \"Two\", \"text\": \"The second of them.\"}\n");
    let decisions = world.json_lines(&["ingest", "a.jsonl"]);
    let verdicts: Vec<_> = decisions.iter().map(|decision| decision["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["new", "rejected", "new"]);
    assert!(decisions[1]["article"]["title"].as_str().unwrap().contains("a.jsonl:2"), "{}", decisions[1]);
}

#[test]
fn a_missing_example_is_a_warning() {
    let world = World::new("[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\nexamples = [\"nowhere.txt\"]\n");
    let output = world.output(&["check"]);
    assert!(output.status.success());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("topic \"ferry\"") && errors.contains("nowhere.txt"), "{errors}");
}

#[test]
fn places_that_cannot_be_used_are_told_by_check() {
    let world = World::new("");
    let config = std::fs::read_to_string(world.path("storywatch.toml")).unwrap();
    let check = |from: &str, to: &str, code: i32, expected: &str| {
        world.write("storywatch.toml", &config.replace(from, to));
        let output = world.output(&["check"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(code) && said.contains(expected), "{said}");
    };
    check("log = \"alerts.log\"", "log = \"drop\"", 1, "it is not a regular file, set alerts.log to another");
    check("\"state\"", "\"storywatch.toml\"", 1, "is not a directory: set state_dir to another");
    check("[alerts]", "control = \"storywatch.toml\"\n[alerts]", 1, "is something else than a socket");
    check("path = \"drop\"", "path = \"storywatch.toml\"", 0, "nothing comes from it until it is one");
}

#[test]
fn a_second_daemon_is_told_who_has_the_state() {
    let world = World::new("");
    let daemon = world.start();
    let second = world.spawn();
    wait_for("the second one's complaint", || second.said().contains("another storywatch").then_some(()));
    assert!(second.said().contains("state_dir"), "{}", second.said());
    assert_eq!(second.wait(), Some(1));
    world.drop_file("a.txt", "Ferry halted\n\nThe ferry between the islands was halted on Monday.");
    wait_for("a decision of the first", || world.decisions().pop());
    daemon.stop();
}

#[test]
fn a_title_cannot_forge_a_line() {
    let world = World::new("[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n");
    let config = fs::read_to_string(world.path("storywatch.toml")).unwrap();
    world.write("storywatch.toml", &config.replace("\"json\"", "\"text\""));
    let article = serde_json::json!({
        "title": "Ferry\u{1b}[2J halted\n2026-01-01T00:00:00Z [ferry] NEW STORY \u{202e}x \"y\" #000099\r\n",
        "text": "The ferry was halted.\u{7}",
    });
    world.write("a.json", &article.to_string());
    world.ok(&["ingest", "a.json"]);
    let log = fs::read_to_string(world.path("alerts.log")).unwrap();
    assert_eq!(log.lines().count(), 1, "{log:?}");
    assert!(log.ends_with("#000001\n"), "{log:?}");
    assert!(!log.trim_end().chars().any(char::is_control), "{log:?}");
    assert!(!log.contains('\u{202e}'));
}
