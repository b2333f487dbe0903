//! The reading room: stories and what is in them.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::world::World;

const GULL: &str = "The ferry Tern ran aground near Holm on Monday with ninety passengers aboard, and the coastguard towed it free at noon. \"I did not have any dealings with the shipyard,\" said Captain Lena Orvik. Inspectors found cracked rudder bolts beneath both engines.";
const HERON: &str = "The ferry Tern, which ran aground near Holm on Monday with ninety passengers aboard, had cracked rudder bolts, inspectors found. Captain Lena Orvik said: \"I haven't had dealings with that shipyard.\" The coastguard had towed the ferry free at noon. Gull Line of Port Maren will answer to minister Jonas Falk on Thursday.";
const MARKET: &str =
    "Apples were dear at the market of Lund on Tuesday after a cold spring, growers told visitors.";

fn article(id: &str, outlet: &str, hour: u32, title: &str, text: &str) -> Value {
    json!({
        "id": id,
        "url": format!("https://{outlet}/{id}"),
        "source": outlet,
        "title": title,
        "text": text,
        "published": format!("2026-03-02T{hour:02}:00:00Z"),
    })
}

fn told() -> World {
    let world = World::new("[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n");
    let articles = [
        article("a", "gull.example", 9, "Ferry Tern aground near Holm", GULL),
        article("b", "wire.example", 10, "Ferry Tern aground near Holm", GULL),
        article("c", "heron.example", 11, "Cracked bolts beneath ferry Tern, aground near Holm", HERON),
        article("d", "market.example", 12, "Apples dear in Lund", MARKET),
    ];
    let lines: Vec<String> = articles.iter().map(Value::to_string).collect();
    world.write("a.jsonl", &lines.join("\n"));
    world.ok(&["ingest", "a.jsonl"]);
    world
}

fn stories(world: &World, more: &[&str]) -> Vec<Vec<String>> {
    let printed: Value = serde_json::from_str(&world.ok(&[&["stories", "--json"], more].concat())).unwrap();
    let ids = |story: &Value| {
        let articles = story["articles"].as_array().unwrap();
        articles.iter().map(|article| article["input_id"].as_str().unwrap().to_owned()).collect()
    };
    printed.as_array().unwrap().iter().map(ids).collect()
}

fn ferry(world: &World) -> String {
    world.decisions()[0]["story"].as_str().unwrap().to_owned()
}

#[test]
fn stories_are_listed_newest_first() {
    let world = told();
    assert_eq!(stories(&world, &[]), [vec!["d"], vec!["a", "b", "c"]]);
    assert_eq!(stories(&world, &["--topic", "ferry"]), [["a", "b", "c"]]);
    assert_eq!(stories(&world, &["--since", "2026-03-02T11:30:00Z"]), [["d"]]);
    assert!(stories(&world, &["--active"]).is_empty());
    let words = world.ok(&["stories"]);
    assert!(words.contains("3 reports, 3 outlets  Ferry Tern aground near Holm"), "{words}");
}

#[test]
fn a_story_is_told_from_first_to_last() {
    let world = told();
    let story: Value = serde_json::from_str(&world.ok(&["story", &ferry(&world), "--json"])).unwrap();
    assert_eq!(
        (&story["outlets"], &story["independent"], &story["copies"]),
        (&json!(3), &json!(2), &json!(1))
    );
    let articles = story["articles"].as_array().unwrap();
    assert_eq!(articles.len(), 3);
    assert_eq!(articles[1]["copy_of"], articles[0]["id"]);
    assert_eq!(articles[1]["novel"], Value::Null);
    let novel = articles[2]["novel"].as_str().unwrap();
    assert!(novel.starts_with("Gull Line of Port Maren"), "{novel}");
    assert_eq!(articles[2]["published"], "2026-03-02T11:00:00Z");
    let groups = story["quote_groups"].as_array().unwrap();
    assert_eq!(groups.len(), 1, "{groups:?}");
    assert_eq!(groups[0]["speaker"], "Lena Orvik");
    for (variant, (id, text)) in
        groups[0]["variants"].as_array().unwrap().iter().zip([("a", GULL), ("c", HERON)])
    {
        assert_eq!(variant["input_id"], id);
        let place = |end: &str| usize::try_from(variant[end].as_u64().unwrap()).unwrap();
        assert_eq!(variant["text"], text[place("start")..place("end")]);
    }
}

#[test]
fn a_story_in_words_folds_copies() {
    let world = told();
    let words = world.ok(&["story", &ferry(&world)]);
    assert!(words.contains("3 outlets, 2 independent, 1 wire copy, 3 reports"), "{words}");
    assert!(words.contains("printed by 1 more: wire.example"), "{words}");
    assert!(words.contains("Lena Orvik, as each outlet has it:"), "{words}");
}

#[test]
fn an_unknown_story_is_told_so() {
    let world = told();
    let (code, said) = world.fails(&["story", "0123456789abcdef"]);
    assert!(code == Some(1) && said.contains("storywatch stories"), "{said}");
    let (code, said) = world.fails(&["story", "no id"]);
    assert!(code == Some(1) && said.contains("16 hexadecimal digits"), "{said}");
}

#[test]
fn a_damaged_or_lost_index_is_built_again() {
    let world = told();
    let before = stories(&world, &[]);
    fs::write(world.path("state/search/meta.json"), "damaged").unwrap();
    assert_eq!(stories(&world, &[]), before);
    fs::remove_dir_all(world.path("state/search")).unwrap();
    assert_eq!(stories(&world, &[]), before);
}

#[test]
fn stories_are_read_beside_a_running_daemon() {
    let world = told();
    assert_eq!(stories(&world, &[]).len(), 2);
    let daemon = world.start();
    let more = article(
        "e",
        "late.example",
        13,
        "Night trains return",
        "Night trains return to Brandt in autumn, the railway said on Tuesday.",
    );
    world.write("e.jsonl", &more.to_string());
    world.ok(&["ingest", "e.jsonl"]);
    assert_eq!(stories(&world, &[])[0], ["e"]);
    daemon.stop();
}

#[test]
fn a_question_about_nothing_leaves_nothing_behind() {
    let world = World::new("");
    assert_eq!(stories(&world, &[]), Vec::<Vec<String>>::new());
    assert!(!fs::exists(world.path("state")).unwrap());
}

fn search(world: &World, more: &[&str]) -> Value {
    serde_json::from_str(&world.ok(&[&["search", "--json"], more].concat())).unwrap()
}

/// The own ids of what a search finds.
fn found(world: &World, more: &[&str]) -> Vec<String> {
    let found = search(world, more);
    let hits = found["hits"].as_array().unwrap();
    hits.iter().map(|hit| hit["input_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn words_are_found_as_topics_find_them() {
    let world = told();
    for (query, expected) in [
        ("ferry", vec!["c", "b", "a"]),
        ("FERR*", vec!["c", "b", "a"]),
        ("\"rudder bolts\" NOT source:wire.example", vec!["c", "a"]),
        ("\"bolts rudder\"", vec![]),
        ("\"dealings with the shipyard\"", vec!["b", "a"]),
        ("\"dealings with th\"*", vec!["c", "b", "a"]),
        ("\"the shipyard\" NOT \"that shipyard\"", vec!["b", "a"]),
        ("\"of Port Maren\"", vec!["c"]),
        ("title:bolts OR title:apples", vec!["d", "c"]),
        ("shipyard NEAR/4 dealings", vec!["c", "b", "a"]),
        ("shipyard NEAR/1 dealings", vec![]),
        ("=Lund", vec!["d"]),
        ("=LUND", vec![]),
        ("spring /grow[a-z]+s/", vec!["d"]),
        ("entity:\"Lena Orvik\" lang:en", vec!["c", "b", "a"]),
        ("NOT ferry", vec!["d"]),
    ] {
        assert_eq!(found(&world, &[query]), expected, "{query}");
    }
}

#[test]
fn what_is_found_is_filtered_ranked_and_shown_in_parts() {
    let world = told();
    assert_eq!(found(&world, &[]), ["d", "c", "b", "a"]);
    assert_eq!(found(&world, &["--outlet", "heron.example"]), ["c"]);
    assert_eq!(found(&world, &["--entity", "orvik", "--topic", "ferry", "-n", "1"]), ["c"]);
    assert_eq!(found(&world, &["--since", "2026-03-02T10:30:00Z", "--until", "2026-03-02T11:30:00Z"]), ["c"]);
    assert_eq!(found(&world, &["bolts", "--by", "relevance"])[0], "c");
    let part = search(&world, &["ferry", "-n", "1", "--skip", "1"]);
    assert_eq!(
        (&part["reports"], &part["more"], &part["hits"][0]["input_id"]),
        (&json!(3), &json!(true), &json!("b"))
    );
    let hit = &search(&world, &["apples"])["hits"][0];
    assert_eq!((&hit["snippet"], &hit["marks"]), (&json!(MARKET), &json!([[0, 6]])));
    let words = world.ok(&["search", "apples"]);
    assert!(words.contains("market.example: Apples dear in Lund\n    Apples were dear"), "{words}");
    assert!(words.ends_with("1 report\n"), "{words}");
}

#[test]
fn a_query_that_cannot_be_answered_says_what_to_write() {
    let world = told();
    for (query, expected) in [
        ("ferry AND", "1:10: the query ends here, expected a word, a phrase or ("),
        ("/fer+y/", "expected a word, an outlet or the like beside it"),
        ("f*", "expected at least 2 letters before the star"),
    ] {
        let (code, said) = world.fails(&["search", query]);
        assert!(code == Some(1) && said.contains(expected), "{query}: {said}");
    }
}

#[test]
fn a_report_that_was_taken_back_is_found_without_its_words() {
    let world = told();
    let mut notice =
        article("a", "gull.example", 14, "Ferry Tern aground near Holm", "Gull withdraws this report.");
    notice["pubstatus"] = json!("canceled");
    notice["uri"] = json!("a");
    notice["headline"] = notice["title"].clone();
    world.write("w.json", &notice.to_string());
    world.ok(&["ingest", "w.json"]);
    let found = search(&world, &["\"towed it free\" source:gull.example"]);
    let hit = &found["hits"][0];
    assert_eq!((&hit["withdrawn"], &hit["snippet"]), (&json!(true), &json!("")), "{found}");
}

#[test]
fn an_index_that_is_damaged_inside_is_built_again() {
    let world = told();
    assert_eq!(found(&world, &["ferry"]).len(), 3);
    let damaged: Vec<_> = fs::read_dir(world.path("state/search"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| ["term", "idx", "fast"].iter().any(|kind| extension == *kind))
        })
        .collect();
    assert!(damaged.len() >= 3, "{damaged:?}");
    for path in damaged {
        let mut bytes = fs::read(&path).unwrap();
        let half = bytes.len() / 2;
        bytes[..half].fill(0xa5);
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(found(&world, &["ferry"]), ["c", "b", "a"]);
}

#[test]
fn a_running_daemon_searches_too() {
    let world = told();
    let daemon = world.start();
    assert_eq!(found(&world, &["ferry"]), ["c", "b", "a"]);
    let (_, said) = world.fails(&["search", "(ferry"]);
    assert!(said.contains("expected )"), "{said}");
    daemon.stop();
}

#[test]
fn what_is_stored_is_exported_line_by_line() {
    let world = told();
    let articles = world.json_lines(&["export", "articles"]);
    let ids: Vec<&str> = articles.iter().map(|article| article["input_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a", "b", "c", "d"]);
    assert_eq!((&articles[1]["verdict"], &articles[1]["copy_of"]), (&json!("copy"), &articles[0]["id"]));
    assert_eq!((&articles[0]["text"], &articles[0]["topics"]), (&json!(GULL), &json!(["ferry"])));
    let ids =
        |decisions: Vec<Value>| decisions.iter().map(|of| of["article"]["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(world.json_lines(&["export", "decisions"])), ids(world.decisions()));
    let part =
        world.json_lines(&["export", "articles", "--topic", "ferry", "--since", "2026-03-02T10:30:00Z"]);
    assert_eq!((part.len(), &part[0]["input_id"]), (1, &json!("c")));
    world.ok(&["export", "articles", "-o", "all.jsonl"]);
    assert_eq!(fs::read_to_string(world.path("all.jsonl")).unwrap().lines().count(), 4);
}

#[test]
fn a_story_is_exported_with_its_sources() {
    let world = told();
    let text = world.ok(&["export", "story", &ferry(&world)]);
    assert!(text.starts_with("# Ferry Tern aground near Holm\n"), "{text}");
    assert!(text.contains("**wire.example** (copy of 1)"), "{text}");
    assert!(
        text.contains("- “I **haven't had** dealings with **that** shipyard.” (only heron.example)"),
        "{text}"
    );
    assert!(text.contains("3. heron.example, “Cracked bolts beneath ferry Tern, aground near Holm”, 2026-03-02 11:00 UTC, <https://heron.example/c>"), "{text}");
}

#[test]
fn alerts_are_exported_as_a_feed_that_is_understood() {
    let world = told();
    let feed = world.ok(&["export", "atom", "--topic", "ferry"]);
    let path = world.write("feed.xml", &feed);
    let inspected =
        Command::new(env!("CARGO_BIN_EXE_storywatch")).args(["inspect", "feed"]).arg(path).output().unwrap();
    let read: Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!((&read["format"], &read["title"]), (&json!("atom"), &json!("Storywatch: ferry")), "{read}");
    let entries = read["entries"].as_array().unwrap();
    assert_eq!(entries.len(), world.alerts().len());
    assert_eq!(entries[0]["title"], "Cracked bolts beneath ferry Tern, aground near Holm");
    assert_eq!(entries[0]["url"], "https://heron.example/c");
}
