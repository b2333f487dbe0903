//! What ends the program is counted before it is read, and left alone after three tries. The program is made to end over a
//! word, as a parser might that nobody knew to be weak.

use std::fs;

use serde_json::Value;

use crate::world::{Served, Server, World, rss, wait_for};

const TOPIC: &str = "[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n";

/// Lets the daemon die over it as often as it may, and gives the one that lives.
fn die_three_times(world: &World, failpoint: &str) -> crate::world::Daemon {
    let variables = [("STORYWATCH_FAILPOINTS", failpoint)];
    for strike in 1..=3 {
        let code = world.spawn_with(&variables).wait();
        assert_ne!(code, Some(0), "strike {strike}: it was to die");
    }
    world.start_with(&variables)
}

#[test]
fn a_file_that_ends_the_program_is_left_alone_and_the_others_are_told() {
    let world = World::new(TOPIC);
    world.drop_file("a.txt", "Crane falls\n\nThe zirkon crane fell on the quay.");
    world.drop_file("b.txt", "Ferry halted\n\nThe ferry between the islands was halted on Monday.");
    let daemon = die_three_times(&world, "file-read=abort~zirkon");
    wait_for("the alert", || world.alerts().pop());
    let rejected = wait_for("the rejection", || {
        world.decisions().into_iter().find(|decision| decision["verdict"] == "rejected")
    });
    let reason = rejected["reason"].as_str().unwrap();
    assert!(reason.contains("quarantine"), "{reason}");
    assert_eq!(world.decisions().len(), 2);

    let cases: Vec<Value> = serde_json::from_str(&world.ok(&["quarantine", "--json"])).unwrap();
    let id = cases[0]["id"].as_str().unwrap().to_owned();
    assert_eq!((&cases[0]["strikes"], cases.len()), (&3.into(), 1));
    assert!(cases[0]["place"].as_str().unwrap().ends_with("drop/a.txt"), "{cases:?}");
    let kept = fs::read_to_string(world.path(&format!("state/quarantine/{id}.bytes"))).unwrap();
    assert!(kept.contains("zirkon"));
    assert!(world.ok(&["quarantine"]).contains("quarantined"));
    daemon.stop();

    // a version that can read it: released, and touched
    world.ok(&["quarantine", "release", &id]);
    let (code, said) = world.fails(&["quarantine", "release", &id]);
    assert_eq!((code, said.contains("there is no case")), (Some(1), true), "{said}");
    let daemon = world.start();
    let text = fs::read_to_string(world.path("drop/a.txt")).unwrap();
    world.drop_file("a.txt", &text);
    wait_for("the decision", || {
        world.decisions().into_iter().find(|decision| decision["article"]["title"] == "Crane falls")
    });
    daemon.stop();
    world.ok(&["store", "verify"]);
}

#[test]
fn a_feed_that_ends_the_program_fails_and_the_others_go_on() {
    let server = Server::start();
    let item = |word: &str| {
        let text = format!("The {word} between the islands was halted on Monday.");
        rss(&[(format!("https://outlet.example/{word}"), format!("A {word} is halted"), text)])
    };
    for (path, word) in [("/bad.xml", "zirkon"), ("/good.xml", "ferry")] {
        let served = Served { body: item(word), content_type: "application/rss+xml", etag: None };
        server.serve(path, served);
    }
    let feeds = format!(
        "[fetch]\npoll_secs_min = 1\nper_host_gap_secs = 0\nallow_private = [\"{}\"]\n\
         [[feed]]\nurl = \"{}\"\npoll_secs = 1\n[[feed]]\nurl = \"{}\"\npoll_secs = 1\n{TOPIC}",
        server.address,
        server.url("/bad.xml"),
        server.url("/good.xml")
    );
    let world = World::new(&feeds);
    let daemon = die_three_times(&world, "feed-parse=abort~zirkon");
    wait_for("the alert", || world.alerts().pop());
    wait_for("the feed's failure", || {
        let listed = world.ok(&["feeds", "list"]);
        (listed.contains("/bad.xml") && listed.contains("is in quarantine as")).then_some(())
    });
    daemon.stop();
}

#[test]
fn an_article_that_ends_the_pipeline_is_rejected() {
    let world = World::new(TOPIC);
    let lines: Vec<String> = (0..20)
        .map(|number| {
            let title =
                if number == 7 { "The zirkon report".to_owned() } else { format!("Ferry {number} halted") };
            let text = format!(
                "The ferry number {number} was halted on day {number} of the storm, its captain said."
            );
            serde_json::json!({"id": number.to_string(), "title": title, "text": text}).to_string()
        })
        .collect();
    world.drop_file("a.jsonl", &lines.join("\n"));
    let daemon = die_three_times(&world, "analyse=panic~zirkon");
    let decisions = wait_for("all decisions", || Some(world.decisions()).filter(|all| all.len() == 20));
    let rejected: Vec<_> = decisions.iter().filter(|decision| decision["verdict"] == "rejected").collect();
    assert_eq!(rejected.len(), 1, "{rejected:?}");
    assert_eq!(rejected[0]["article"]["input_id"], "7");
    daemon.stop();
    world.ok(&["store", "verify"]);
}

#[test]
fn a_kill_from_outside_counts_for_nothing_once_it_is_read() {
    let world = World::new(TOPIC);
    for round in 0..5 {
        world.drop_file(
            &format!("{round}.txt"),
            &format!("Ferry {round} halted\n\nThe ferry {round} stands still."),
        );
        let daemon = world.start();
        wait_for("the decision", || (world.decisions().len() > round).then_some(()));
        daemon.kill();
    }
    assert!(world.ok(&["quarantine"]).starts_with("nothing"));
}
