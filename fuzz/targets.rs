// What each target does with its bytes. Shared by the fuzz targets and by the plain tests over `corpus/`. A target fails
// by panicking; a refusal is an answer. `fuzz/run 60 page` runs one for a minute, on stable Rust.

use std::{fs, io::Write, path::Path};

use storywatch::{
    alert::{self, log::AlertLog, tail},
    article::Found,
    config::{self, Env, QueryFault},
    journal::{Journal, Position, reader::Reader, state_dir::StateDir},
    pipeline::{decide_again, dedupe, kept, story, topic::query},
    source::{format, page, parse},
};
use tempfile::TempDir;
use zstd::{bulk::Compressor, zstd_safe::CParameter};

/// Finds of one file that are looked at.
const FOUND_MAX: usize = 1000;

/// Of a day of the journal, before what is tried.
const FIRST_LINE: &[u8] = br#"{"journal":{"schema":1}}"#;

/// Behind it: all of it is one batch, unless it has commits of its own.
const LAST_LINE: &[u8] =
    br#"{"commit":{"batch":9,"articles":0,"seq":0,"alert_seq":0,"checkpoints":[],"schema":1,"start":0}}"#;

/// Takes whatever bytes there are, and lives.
pub type Target = fn(&[u8]);

/// Every target, by name.
pub const TARGETS: [(&str, Target); 15] = [
    ("drop_text", |bytes| drop_file("a.txt", bytes)),
    ("drop_markdown", |bytes| drop_file("a.md", bytes)),
    ("drop_html", |bytes| drop_file("a.html", bytes)),
    ("drop_mail", |bytes| drop_file("a.eml", bytes)),
    ("drop_xml", |bytes| drop_file("a.xml", bytes)),
    ("drop_json", |bytes| drop_file("a.jsonl", bytes)),
    ("drop_warc", |bytes| drop_file("a.warc", bytes)),
    ("drop_packed", |bytes| drop_file("a.zip", bytes)),
    ("drop_pdf", |bytes| drop_file("a.pdf", bytes)),
    ("page", page),
    ("feed", feed),
    ("config", config),
    ("query", query),
    ("stored", stored),
    ("records", records),
];

/// Gives the bytes to a target.
pub fn run(name: &str, bytes: &[u8]) {
    TARGETS.iter().filter(|(target, _)| *target == name).for_each(|(_, target)| target(bytes));
}

/// A place for files, in memory where the system has one.
fn place() -> TempDir {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    TempDir::with_prefix_in("storywatch-fuzz-", base).unwrap()
}

/// A dropped file, by its content whatever its name.
fn drop_file(name: &str, bytes: &[u8]) {
    let place = place();
    let path = place.path().join(name);
    fs::write(&path, bytes).unwrap();
    for found in format::read_whole(&path, FOUND_MAX).unwrap_or_default() {
        match found {
            Found::Article(article) => {
                assert!(!article.title.contains('\n') && is_clean(&article.title), "{:?}", article.title);
                assert!(is_clean(&article.text), "{:?}", article.text);
            }
            // a parser's panic is an answer to the user, and a finding here; that of the PDF reader is not ours
            Found::Rejected(rejected) => {
                assert!(!rejected.reason.contains("broke down") || name == "a.pdf", "{}", rejected.reason);
            }
        }
    }
}

fn is_clean(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && c != '\n')
}

fn page(bytes: &[u8]) {
    if let Err(error) = page::read(bytes, Some("text/html"), Some("https://paper.example/a")) {
        assert!(!matches!(error, page::PageError::BrokeDown(_)), "{error}");
    }
}

fn feed(bytes: &[u8]) {
    // the foreign parser under it may break down; that is an answer
    if let Ok(feed) = parse::parse(bytes, None, Some("https://paper.example/feed")) {
        assert!(feed.entries.len() <= parse::ENTRIES_MAX);
    }
}

fn config(bytes: &[u8]) {
    let place = place();
    let path = place.path().join("c.toml");
    fs::write(&path, bytes).unwrap();
    let parsed = |text: &str| {
        query::parse(text).map(drop).map_err(|fault| QueryFault { line: 1, column: 1, what: fault.what })
    };
    for fault in config::load(&path, &Env::default(), &parsed).err().unwrap_or_default() {
        assert!(!fault.to_string().is_empty());
    }
}

fn query(bytes: &[u8]) {
    let Ok(written) = std::str::from_utf8(bytes) else { return };
    if let Err(fault) = query::parse(written) {
        assert!(fault.line >= 1 && fault.column >= 1, "{fault:?}");
    }
}

/// A damaged alert log is mended and shown; of a damaged journal what is whole is read. Either is read again as it was.
fn stored(bytes: &[u8]) {
    let place = place();
    let log = place.path().join("alerts.log");
    fs::write(&log, bytes).unwrap();
    drop(AlertLog::open(&log, alert::Format::Text));
    let mended = fs::read(&log).unwrap();
    drop(AlertLog::open(&log, alert::Format::Text));
    assert_eq!(mended, fs::read(&log).unwrap());
    tail::show(&log, &tail::Filter::default(), tail::Style::Json, None, &mut std::io::sink()).unwrap();

    let state = place.path().join("state");
    fs::create_dir_all(state.join("journal")).unwrap();
    let day = state.join("journal/2024-05-06.jsonl.zst");
    fs::File::create(&day).and_then(|mut file| file.write_all(bytes)).unwrap();
    let lock = StateDir::lock_with_floor(&state, 0).unwrap();
    if let Ok((journal, _)) = Journal::open(&lock) {
        let end = journal.end();
        let (again, cut) = Journal::open(&lock).unwrap();
        assert!(cut.is_none() && again.end() == end);
    }
}

/// A journal of whole frames is read and decided again whatever its lines say; so is a row of the window, whatever it says.
fn records(bytes: &[u8]) {
    if let Some(member) = story::Member::decode(bytes) {
        assert!(story::Member::decode(&member.encode()).is_some());
    }
    if let Some(entry) = dedupe::Entry::decode(bytes) {
        assert!(dedupe::Entry::decode(&entry.encode()).is_some());
    }

    let place = place();
    let state = place.path().join("records");
    fs::create_dir_all(state.join("journal")).unwrap();
    let mut encoder = Compressor::new(1).unwrap();
    encoder.set_parameter(CParameter::ChecksumFlag(true)).unwrap();
    let lines =
        [FIRST_LINE].into_iter().chain(bytes.split_inclusive(|byte| *byte == b'\n')).chain([LAST_LINE]);
    let day: Vec<u8> = lines.flat_map(|line| encoder.compress(line).unwrap()).collect();
    fs::write(state.join("journal/2024-05-06.jsonl.zst"), day).unwrap();
    if let Ok(reader) = Reader::open(&state) {
        for (at, line) in reader.scan(Position::default()).into_iter().flatten().flatten() {
            reader.read_article(at).ok();
            kept::keep(line);
        }
        decide_again(&reader, &mut |_, _| ()).ok();
    }
}
