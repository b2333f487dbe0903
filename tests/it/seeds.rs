//! Five outlets on one event: five articles, no copies, one story, and any one of them as a sample finds the others.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use storywatch::demo::pieces::{Kind, Story, pieces};

use crate::world::World;

/// The reports of a folder, through one ingest with a topic for each.
fn five_reports(reports: &[(String, String)], people: &[&str]) {
    let mut topics = String::new();
    for (name, _) in reports {
        topics.push_str("[[topic]]\nname = \"");
        topics.push_str(name);
        topics.push_str("\"\nexamples = [\"reports/");
        topics.push_str(name);
        topics.push_str("\"]\n");
    }
    let world = World::new(&topics);
    fs::create_dir(world.path("reports")).unwrap();
    for (name, text) in reports {
        world.write(&format!("reports/{name}"), text);
    }
    let paths: Vec<String> = reports.iter().map(|(name, _)| format!("reports/{name}")).collect();
    let mut verb = vec!["ingest"];
    verb.extend(paths.iter().map(String::as_str));
    let decisions = world.json_lines(&verb);
    assert_eq!(decisions.len(), 5);
    let mut stories = BTreeSet::new();
    for (decision, (own, text)) in decisions.iter().zip(reports) {
        assert_eq!(decision["verdict"], "new", "{own}");
        stories.insert(decision["story"].to_string());
        let topics: BTreeSet<_> = decision["matches"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| found["topic"].as_str().unwrap())
            .collect();
        for (other, _) in reports.iter().filter(|(other, _)| other != own) {
            assert!(topics.contains(other.as_str()), "the sample {other} does not find {own}");
        }
        let named: BTreeSet<_> = decision["entities"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|entity| entity["kind"] == "person")
            .map(|entity| entity["name"].as_str().unwrap())
            .collect();
        for person in people.iter().filter(|person| text.contains(**person)) {
            assert!(named.contains(person), "{person} is not tagged in {own}: {named:?}");
        }
    }
    assert_eq!(stories.len(), 1, "stories");
    for decision in &decisions {
        let told = &world.json_lines(&["explain", "--json", decision["article"]["id"].as_str().unwrap()])[0];
        let of = |rows: &serde_json::Value| -> BTreeSet<String> {
            rows.as_array().unwrap().iter().map(|row| row["topic"].to_string()).collect()
        };
        let both = of(&told["matches"]).intersection(&of(&told["why"]["topics_missed"])).count();
        assert_eq!(both, 0, "matched and missed: {told}");
        let nearest = &told["why"]["stories"][0]["nearest"];
        assert!(nearest.is_string() && *nearest != decision["article"]["id"], "like itself: {told}");
    }
}

fn text_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    files
}

#[test]
fn the_invented_reports() {
    let pieces = pieces();
    let reports = pieces.iter().filter(|piece| piece.story == Story::Minister && piece.kind == Kind::Report);
    let reports: Vec<_> = reports
        .map(|piece| (format!("{}.txt", piece.outlet.host), format!("{}\n\n{}", piece.title, piece.text)))
        .collect();
    five_reports(&reports, &["Odile Farrenby", "Ines Valdorf", "Tomas Brackholt"]);
}

#[test]
fn the_seeds() {
    let Some(folder) = std::env::var_os("STORYWATCH_SEEDS") else {
        // Past the test runner, which keeps to itself what a test prints that passes.
        writeln!(std::io::stderr(), "not run: the real reports, STORYWATCH_SEEDS names no folder").unwrap();
        return;
    };
    let read = |path: PathBuf| {
        (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap())
    };
    let reports: Vec<_> = text_files(Path::new(&folder)).into_iter().map(read).collect();
    five_reports(&reports, &["Jeff Sessions", "Donald Trump", "Nancy Pelosi", "Sergei Kislyak"]);
}
