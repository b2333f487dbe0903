//! From a feed or a drop to the line in the alert log.

use std::fs;

use rustix::process::Signal;

use crate::world::{Served, Server, World, rss, wait_for};

fn feed_config(server: &Server) -> String {
    format!(
        "[fetch]\npoll_secs_min = 1\nper_host_gap_secs = 0\nallow_private = [\"{}\"]\n\
         [[feed]]\nurl = \"{}\"\npoll_secs = 1\n[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n",
        server.address,
        server.url("/feed.xml")
    )
}

fn item(number: u32) -> (String, String, String) {
    (
        format!("https://outlet{number}.example/ferry"),
        format!("Ferry line {number} halted"),
        format!(
            "Report number {number}: the ferry between the islands was halted on day {number} of the storm."
        ),
    )
}

fn serve(server: &Server, items: &[(String, String, String)], etag: &str) {
    let served =
        Served { body: rss(items), content_type: "application/rss+xml", etag: Some(etag.to_owned()) };
    server.serve("/feed.xml", served);
}

#[test]
fn a_file_that_is_dropped_is_told() {
    let world = World::new("[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n");
    let daemon = world.start();
    world.drop_file("a.txt", "Ferry halted\n\nThe ferry between the islands was halted on Monday.");
    let alert = wait_for("the alert", || world.alerts().pop());
    assert_eq!(alert["kind"], "new-story");
    assert_eq!(alert["topic"], "ferry");
    assert_eq!(alert["article"]["title"], "Ferry halted");
    daemon.stop();
}

#[test]
fn a_drop_that_is_missing_is_made() {
    let world = World::new("[[drop]]\npath = \"new/drop\"\n");
    let daemon = world.start();
    wait_for("the directory", || world.path("new/drop").is_dir().then_some(()));
    daemon.stop();
}

#[test]
fn what_was_dropped_while_the_daemon_was_away_is_told_once() {
    let world = World::new("[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n");
    world.drop_file("a.txt", "Ferry halted\n\nThe ferry between the islands was halted on Monday.");
    for _ in 0..3 {
        let daemon = world.start();
        wait_for("the alert", || world.alerts().pop());
        daemon.stop();
    }
    assert_eq!(world.alerts().len(), 1);
}

#[test]
fn a_feed_is_asked_with_what_it_gave() {
    let server = Server::start();
    let world = World::new(&feed_config(&server));
    serve(&server, &[item(1)], "\"first\"");
    let daemon = world.start();
    wait_for("a conditional request", || {
        server
            .asked("/feed.xml")
            .iter()
            .any(|asked| asked.headers.contains("if-none-match: \"first\""))
            .then_some(())
    });
    serve(&server, &[item(1), item(2)], "\"second\"");
    wait_for("the second item", || {
        world
            .decisions()
            .iter()
            .any(|decision| decision["article"]["title"] == "Ferry line 2 halted")
            .then_some(())
    });
    daemon.stop();

    let asked = server.asked("/feed.xml").len();
    let daemon = world.start();
    wait_for("a request after the restart", || server.asked("/feed.xml").get(asked).cloned());
    let first = &server.asked("/feed.xml")[asked];
    assert!(first.headers.contains("if-none-match: \"second\""), "{first:?}");
    daemon.stop();
    assert_eq!(world.decisions().len(), 2);
}

#[test]
fn a_reload_takes_new_topics_and_keeps_the_old_ones_where_they_have_faults() {
    let world = World::new("[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n");
    let config = fs::read_to_string(world.path("storywatch.toml")).unwrap();
    let daemon = world.start();
    world.write("storywatch.toml", &config.replace("query = \"ferry\"", "query = \"(ferry\""));
    daemon.signal(Signal::HUP);
    wait_for("the faults", || daemon.said().contains("stays in force").then_some(()));
    world.drop_file("a.txt", "Ferry halted\n\nThe ferry between the islands was halted on Monday.");
    wait_for("the old topic's alert", || world.alerts().pop());

    world.write("storywatch.toml", &config.replace("query = \"ferry\"", "query = \"tramway\""));
    daemon.signal(Signal::HUP);
    wait_for("the reload", || daemon.said().contains("read the config again").then_some(()));
    world.drop_file(
        "b.txt",
        "Tramway opens\n\nThe tramway to the airport opened on Tuesday after long delays.",
    );
    let alert = wait_for("the new topic's alert", || world.alerts().get(1).cloned());
    assert_eq!(alert["article"]["title"], "Tramway opens");
    daemon.stop();
    world.ok(&["store", "verify"]);
}

#[test]
fn a_rotated_log_goes_on_in_a_new_file() {
    let world = World::new("[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n");
    let daemon = world.start();
    world.drop_file("a.txt", "Ferry halted\n\nThe ferry between the islands was halted on Monday.");
    wait_for("the first alert", || world.alerts().pop());
    fs::rename(world.path("alerts.log"), world.path("alerts.log.1")).unwrap();
    daemon.signal(Signal::HUP);
    world.drop_file(
        "b.txt",
        "Ferry runs again\n\nAfter two days of storm the northern ferry left its harbour at dawn.",
    );
    let alert = wait_for("the second alert", || world.alerts().pop());
    assert_eq!(alert["seq"], 2);
    daemon.stop();
}

#[test]
fn a_lost_index_is_built_again_from_the_journal() {
    let world = World::new("[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n");
    world.write("a.json", r#"{"id": "x", "title": "Ferry halted", "text": "The ferry between the islands was halted on Monday."}"#);
    world.ok(&["ingest", "a.json"]);
    fs::remove_dir_all(world.path("state/index")).unwrap();
    let again = world.json_lines(&["ingest", "a.json"]);
    assert_eq!(again[0]["verdict"], "seen");
    assert_eq!(world.alerts().len(), 1);
    world.ok(&["store", "rebuild"]);
    assert_eq!(world.json_lines(&["ingest", "a.json"])[0]["verdict"], "seen");
    world.ok(&["store", "verify"]);
}
