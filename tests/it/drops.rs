//! What newsrooms drop: corrections and kills, embargoes, files that are put away.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    process::Command,
    time::{Duration, Instant},
};

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::{
    corpus::{self, Dice},
    world::{World, rounds, wait_for},
};

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

/// Files in all states that a busy directory has.
#[test]
fn a_storm_of_files_ends_as_one_decision_each() {
    let world = World::new(TOPIC);
    let daemon = world.start();
    let count = rounds(300, 2_000, 30_000);
    let mut dice = Dice(3);
    let drop = world.path("drop");
    for number in 0..count {
        let text = corpus::text(&mut dice, 2);
        let path = drop.join(format!("{number}.txt"));
        let whole = format!("Report {number}\n\n{text}");
        match number % 10 {
            // written in place, and twice
            0 => {
                fs::write(&path, &whole[..whole.len() / 2]).unwrap();
                fs::write(&path, &whole).unwrap();
            }
            1 => {
                fs::write(drop.join(format!("{number}.part")), &whole).unwrap();
                fs::rename(drop.join(format!("{number}.part")), &path).unwrap();
            }
            _ => world.drop_file(&format!("{number}.txt"), &whole),
        }
    }
    let odd = |name: &str| drop.join(name);
    assert!(Command::new("mkfifo").arg(odd("pipe.txt")).status().unwrap().success());
    symlink("/etc/passwd", odd("link.txt")).unwrap();
    symlink(odd("nowhere"), odd("dangling.txt")).unwrap();
    fs::write(odd("empty.txt"), "").unwrap();
    fs::create_dir(odd("folder.txt")).unwrap();
    fs::hard_link(odd("7.txt"), odd("7-again.txt")).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(odd("socket.txt")).unwrap();
    let huge = fs::File::create(odd("huge.jsonl")).unwrap();
    huge.set_len(2 << 30).unwrap();
    // root may open anything
    let unreadable = !rustix::process::geteuid().is_root();
    if unreadable {
        fs::write(odd("secret.txt"), "Secret\n\nIt is one.").unwrap();
        fs::set_permissions(odd("secret.txt"), fs::Permissions::from_mode(0o000)).unwrap();
    }
    let numbers = |verdict: fn(&Value) -> bool| {
        let decisions = world.decisions();
        let title = |one: &Value| one["article"]["title"].as_str().unwrap().to_owned();
        decisions.iter().filter(|one| verdict(&one["verdict"])).map(title).collect::<Vec<_>>()
    };
    let began = Instant::now();
    while numbers(|verdict| verdict != "rejected").len() < count {
        assert!(began.elapsed() < Duration::from_secs(900), "{} decided", numbers(|_| true).len());
        std::thread::sleep(Duration::from_millis(500));
    }
    let rejected = wait_for("what cannot be read", || {
        let rejected =
            world.decisions().into_iter().filter(|one| one["verdict"] == "rejected").collect::<Vec<_>>();
        (rejected.len() >= 2 + usize::from(unreadable)).then_some(rejected)
    });
    let reasons: Vec<_> = rejected.iter().map(|one| one["reason"].as_str().unwrap()).collect();
    assert!(reasons.iter().all(|reason| !reason.is_empty()), "{reasons:?}");
    // a half file that was read before its end came is an update of the same report
    let mut titles = numbers(|verdict| verdict != "rejected");
    titles.sort();
    titles.dedup();
    assert_eq!(titles.len(), count);

    // the directory is taken away and made anew
    drop_all(&drop);
    fs::create_dir(&drop).unwrap();
    world.drop_file("new.txt", "Ferry halted\n\nThe ferry was halted on Monday.");
    wait_for("the alert", || world.alerts().pop());
    daemon.stop();
    std::mem::drop((socket, huge));
}

fn drop_all(path: &std::path::Path) {
    fs::remove_dir_all(path).unwrap();
}

#[test]
fn a_stop_in_a_storm_is_quick() {
    let world = World::new(TOPIC);
    let mut dice = Dice(4);
    let count = rounds(1_000, 3_000, 10_000);
    for number in 0..count {
        let text = corpus::text(&mut dice, 12);
        world.write(&format!("drop/{number}.txt"), &format!("Report {number}\n\n{text}"));
    }
    let daemon = world.start();
    wait_for("the storm", || (!world.decisions().is_empty()).then_some(()));
    let began = Instant::now();
    daemon.stop();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    // what was not decided comes again, once; a quick machine may have decided all of it
    let daemon = world.start();
    let began = Instant::now();
    while world.decisions().len() < count {
        assert!(began.elapsed() < Duration::from_secs(300), "{} decided", world.decisions().len());
        std::thread::sleep(Duration::from_millis(500));
    }
    daemon.stop();
    let mut titles: Vec<_> =
        world.decisions().iter().map(|one| one["article"]["title"].to_string()).collect();
    titles.sort();
    titles.dedup();
    assert_eq!((world.decisions().len(), titles.len()), (count, count));
}
