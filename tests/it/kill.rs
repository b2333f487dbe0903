//! SIGKILL at any moment: each article one decision, no alert lost, none told twice, and the same decisions again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{
    corpus::{self, Dice},
    world::{Served, Server, World, rounds, rss, wait_for},
};

/// Every place between a source and a sink at which the daemon is killed.
const FAILPOINTS: [&str; 12] = [
    "feed-parse",
    "file-read",
    "hand-over",
    "analyse",
    "journal-commit",
    "journal-unsynced",
    "journal-synced",
    "index-written",
    "log-write",
    "log-unsynced",
    "log-written",
    "sink-delivered",
];

/// From a thousandth of a second to about one second, spread by powers of two, so that starts and recoveries are hit too.
fn moment(dice: &mut Dice) -> Duration {
    let least = 1 << dice.roll(10);
    Duration::from_millis(least) + Duration::from_micros(u64::from(dice.roll32(1000)) * least)
}

/// Feeds and drops that go on while the daemon is killed.
fn produce(world: &World, server: &Server, stop: &AtomicBool) -> BTreeSet<String> {
    let mut dice = Dice(7);
    let mut made = BTreeSet::new();
    let mut feeds: Vec<Vec<(String, String, String)>> = vec![Vec::new(); 3];
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let title = format!("Report {number}: {}", corpus::sentence(&mut dice));
        let body = format!("The zephyrine affair goes on. {}", corpus::text(&mut dice, 6));
        let url = format!("https://outlet{}.example/{number}", number % 7);
        made.insert(url.clone());
        if number % 2 == 0 {
            let article = serde_json::json!({"url": url, "title": title, "text": body});
            world.drop_file(&format!("{number}.json"), &article.to_string());
        } else {
            let at = number / 2 % feeds.len();
            feeds[at].push((url, title, body));
            let body = rss(&feeds[at]);
            let etag = Some(format!("\"{number}\""));
            server.serve(&format!("/{at}.xml"), Served { body, content_type: "application/rss+xml", etag });
        }
        thread::sleep(Duration::from_millis(20));
    }
    made
}

fn config(server: &Server) -> String {
    let mut more = format!(
        "[fetch]\npoll_secs_min = 1\nper_host_gap_secs = 0\nallow_private = [\"{}\"]\n\
         [[topic]]\nname = \"affair\"\nquery = \"zephyrine\"\n",
        server.address
    );
    for feed in 0..3 {
        more.push_str(&format!(
            "[[feed]]\nurl = \"{}\"\npoll_secs = 1\n",
            server.url(&format!("/{feed}.xml"))
        ));
    }
    more
}

/// The decisions in the journal, by address.
fn decided(world: &World) -> BTreeMap<String, Vec<Value>> {
    let mut decided: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for decision in world.decisions() {
        let url = decision["article"]["url"].as_str().unwrap_or_else(|| panic!("{decision}")).to_owned();
        decided.entry(url).or_default().push(decision);
    }
    decided
}

#[test]
fn killed_while_feeds_and_drops_flow() {
    let server = Server::start();
    let world = Arc::new(World::new(&config(&server)));
    for feed in 0..3 {
        let empty = Served { body: rss(&[]), content_type: "application/rss+xml", etag: None };
        server.serve(&format!("/{feed}.xml"), empty);
    }
    let stop = AtomicBool::new(false);
    let made = thread::scope(|scope| {
        let producer = scope.spawn(|| produce(&world, &server, &stop));
        let mut dice = Dice(11);
        for _ in 0..rounds(50, 50, 500) {
            let daemon = world.spawn();
            thread::sleep(moment(&mut dice));
            daemon.kill();
        }
        stop.store(true, Ordering::Relaxed);
        producer.join().unwrap()
    });
    let daemon = world.start();
    let decided = wait_for("every article to be decided", || {
        let decided = decided(&world);
        (decided.len() == made.len()).then_some(decided)
    });
    daemon.stop();
    judge(&world, &made, &decided);
    world.ok(&["store", "verify"]);
}

/// Addresses of the articles that are to be told.
fn to_tell(decided: &BTreeMap<String, Vec<Value>>) -> BTreeSet<&str> {
    let alerted = decided.iter().filter(|(_, decisions)| decisions[0]["matches"][0]["outcome"] == "alerted");
    alerted.map(|(url, _)| url.as_str()).collect()
}

/// Each article one decision, and each that is to be told one line, in order and without a gap.
fn judge(world: &World, made: &BTreeSet<String>, decided: &BTreeMap<String, Vec<Value>>) {
    for (url, decisions) in decided {
        assert!(made.contains(url), "{url} comes from nowhere");
        assert_eq!(decisions.len(), 1, "decisions of {url}");
    }

    let alerts = world.alerts();
    let seqs: Vec<u64> = alerts.iter().map(|alert| alert["seq"].as_u64().unwrap()).collect();
    let wanted: Vec<u64> = (1..=seqs.len() as u64).collect();
    assert_eq!(seqs, wanted, "sequence numbers of the alert log");
    let told: Vec<&str> = alerts.iter().map(|alert| alert["article"]["url"].as_str().unwrap()).collect();
    let to_tell = to_tell(decided);
    assert_eq!(told.len(), to_tell.len(), "lines of the alert log");
    assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), to_tell, "articles told");
    assert!(to_tell.len() * 10 > made.len() * 9, "{} of {} told", to_tell.len(), made.len());
}

#[test]
fn killed_at_each_place_between_source_and_sink() {
    let server = Server::start();
    let world = World::new(&format!(
        "{}[[sink]]\nname = \"ring\"\nkind = \"exec\"\ncommand = [\"/bin/sh\", \"-c\", \"cat >> rung\"]\n",
        config(&server)
    ));
    for feed in 0..3 {
        let empty = Served { body: rss(&[]), content_type: "application/rss+xml", etag: None };
        server.serve(&format!("/{feed}.xml"), empty);
    }
    let (mut dice, mut made, mut items) = (Dice(23), BTreeSet::new(), Vec::new());
    let mut make = |world: &World| {
        for drops in [true, false, true] {
            let number = made.len();
            let title = format!("Report {number}: {}", corpus::sentence(&mut dice));
            let body = format!("The zephyrine affair goes on. {}", corpus::text(&mut dice, 6));
            let url = format!("https://outlet{}.example/{number}", number % 7);
            made.insert(url.clone());
            if drops {
                let article = serde_json::json!({"url": url, "title": title, "text": body});
                world.drop_file(&format!("{number}.json"), &article.to_string());
            } else {
                items.push((url, title, body));
                // Long enough that nothing leaves it unread, also where a slow machine's daemons end before they ask.
                let body = rss(&items[items.len().saturating_sub(1_500)..]);
                let etag = Some(format!("\"{number}\""));
                server.serve("/0.xml", Served { body, content_type: "application/rss+xml", etag });
            }
        }
    };
    for round in 0..rounds(1, 4, 40) {
        for place in FAILPOINTS {
            make(&world);
            let failpoint = format!("{place}=kill@{}", 1 + round % 4);
            let variables = [("STORYWATCH_FAILPOINTS", failpoint.as_str())];
            let mut daemon = world.spawn_with(&variables);
            // more comes until it is there for the n-th time
            while daemon.is_alive() {
                make(&world);
                thread::sleep(Duration::from_millis(200));
            }
        }
    }
    let daemon = world.start();
    let decided = wait_for("every article to be decided", || {
        let decided = decided(&world);
        (decided.len() == made.len()).then_some(decided)
    });
    let to_tell = to_tell(&decided).len();
    let rung = wait_for("the sink to have all", || {
        let rung = std::fs::read_to_string(world.path("rung")).unwrap_or_default();
        let seq = |line: &str| serde_json::from_str::<Value>(line).ok()?["seq"].as_u64();
        let rung: BTreeSet<u64> = rung.lines().filter_map(seq).collect();
        (rung.len() >= to_tell).then_some(rung)
    });
    daemon.stop();
    assert_eq!(rung.len(), world.alerts().len());
    judge(&world, &made, &decided);
    world.ok(&["store", "verify"]);
}

#[test]
fn an_ingest_that_is_killed_decides_as_one_that_was_not() {
    let file = corpus::json_lines(5, 400);
    let whole = World::new(TOPIC);
    whole.write("articles.jsonl", &file);
    whole.ok(&["ingest", "articles.jsonl"]);

    let killed = World::new(TOPIC);
    killed.write("articles.jsonl", &file);
    let mut dice = Dice(3);
    for _ in 0..20 {
        let mut child = killed
            .command(&["ingest", "articles.jsonl"])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(moment(&mut dice) / 4);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    killed.ok(&["ingest", "articles.jsonl"]);

    let (whole_decisions, killed_decisions) = (whole.decisions(), killed.decisions());
    assert!(whole_decisions.len() > 300, "{} decisions", whole_decisions.len());
    assert_eq!(whole_decisions, killed_decisions);
    assert_eq!(whole.alerts(), killed.alerts());
    assert!(!whole.alerts().is_empty());
    killed.ok(&["store", "verify"]);
}

const TOPIC: &str = "[[topic]]\nname = \"ferry\"\nquery = '\"ferry contract\"'\n";
