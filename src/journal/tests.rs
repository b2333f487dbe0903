use std::{process::Command, time::Duration};

use proptest::prelude::*;
use tempfile::TempDir;

use super::{
    frame::{Decoder, FrameFault},
    *,
};
use crate::article::{ArticleHead, ArticleId, Id, Verdict};

const NOON: &str = "2017-03-02T12:00:00Z";
const NEXT_DAY: &str = "2017-03-03T00:00:00Z";

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn article(number: u64) -> Article {
    let text = format!("The harbour of Lindholm closes for {number} days.\n").repeat(20);
    Article { title: format!("Harbour report {number}"), text, ..Article::default() }
}

fn decision(number: u64) -> Decision {
    Decision {
        similarity: Some(0.1),
        ..Decision::of(
            ArticleHead {
                id: ArticleId { report: Id(number), revision: 1 },
                input_id: None,
                source: "lindholm.example".to_owned(),
                url: None,
                title: format!("Harbour report {number}"),
                published: None,
                seen_at: at(NOON),
                language: None,
                lead: String::new(),
            },
            Verdict::New,
        )
    }
}

fn append(journal: &mut Journal, time: &str, number: u64) -> Locator {
    let decision = serde_json::value::to_raw_value(&decision(number)).unwrap();
    let line = LineRef::Article {
        seq: number,
        article: &article(number),
        decision: &decision,
        alerts: &[],
        traces: &[],
        weights: "",
    };
    journal.append(at(time), &line).unwrap()
}

fn expected(number: u64) -> Line {
    Line::Article {
        seq: number,
        article: article(number),
        decision: decision(number),
        alerts: Vec::new(),
        traces: Vec::new(),
        weights: String::new(),
        marks: None,
    }
}

fn commit(journal: &mut Journal, time: &str, batch: u64) -> Position {
    journal.commit(at(time), &Commit { batch, ..Commit::default() }).unwrap()
}

fn batch(journal: &mut Journal, time: &str, number: u64, articles: std::ops::Range<u64>) -> Position {
    for number in articles {
        append(journal, time, number);
    }
    commit(journal, time, number)
}

struct World {
    dir: TempDir,
    state: Option<StateDir>,
}

impl World {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), state: None }
    }

    fn open(&mut self) -> (Journal, Option<Cut>) {
        self.state = None;
        let state = StateDir::lock_with_floor(self.dir.path(), 0).unwrap();
        self.state = Some(state.clone());
        Journal::open(&state).unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("journal").join(name)
    }
}

/// The sequence numbers of the committed articles, and what was damaged.
fn read_all(journal: &Journal) -> (Vec<u64>, Vec<(u64, u64)>) {
    read_from(journal, Position::default())
}

fn read_from(journal: &Journal, from: Position) -> (Vec<u64>, Vec<(u64, u64)>) {
    let (mut numbers, mut damage) = (Vec::new(), Vec::new());
    for found in journal.scan(from).unwrap() {
        match found {
            Ok((locator, line)) => {
                assert_eq!(journal.read(locator).unwrap(), line);
                if let Line::Article { seq, .. } = line {
                    assert_eq!(line, expected(seq));
                    numbers.push(seq);
                }
            }
            Err(JournalError::Damaged { offset, bytes, .. }) => damage.push((offset, bytes)),
            Err(error) => panic!("{error}"),
        }
    }
    (numbers, damage)
}

#[test]
fn lines_are_read_in_their_order_across_days() {
    let mut world = World::new();
    let (mut journal, _) = world.open();
    let first = batch(&mut journal, NOON, 1, 1..4);
    let second = batch(&mut journal, NEXT_DAY, 2, 4..6);
    let end = batch(&mut journal, NOON, 3, 6..7);
    assert_eq!((first.day, second.day, end.day), (20_170_302, 20_170_303, 20_170_303));
    assert_eq!(read_all(&journal).0, [1, 2, 3, 4, 5, 6]);
    assert_eq!(read_from(&journal, first).0, [4, 5, 6]);
    assert_eq!(read_from(&journal, second).0, [6]);
    assert_eq!(read_from(&journal, end).0, [0; 0]);
    assert_eq!(journal.end(), end);
    drop(journal);
    let (journal, cut) = world.open();
    assert_eq!((journal.end(), cut), (end, None));
    assert_eq!(read_all(&journal).0, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn line_is_read_before_and_after_its_commit() {
    let mut world = World::new();
    let (mut journal, _) = world.open();
    batch(&mut journal, NOON, 1, 1..3);
    let (third, fourth) = (append(&mut journal, NOON, 3), append(&mut journal, NOON, 4));
    assert_eq!(journal.read(third).unwrap(), expected(3));
    assert_eq!(journal.read(fourth).unwrap(), expected(4));
    assert_eq!(read_all(&journal).0, [1, 2]);
    commit(&mut journal, NOON, 2);
    assert_eq!(journal.read(third).unwrap(), expected(3));
    assert_eq!(journal.read(fourth).unwrap(), expected(4));
}

#[test]
fn discarded_batch_leaves_nothing() {
    let mut world = World::new();
    let (mut journal, _) = world.open();
    batch(&mut journal, NOON, 1, 1..3);
    append(&mut journal, NEXT_DAY, 3);
    journal.discard();
    batch(&mut journal, NEXT_DAY, 2, 4..5);
    assert_eq!(read_all(&journal).0, [1, 2, 4]);
}

#[test]
fn commit_keeps_what_it_is_given() {
    let mut world = World::new();
    let (mut journal, _) = world.open();
    let state = serde_json::json!({ "etag": "\"a1\"" });
    let checkpoints = vec![Checkpoint { key: "feed https://lindholm.example/rss".to_owned(), state }];
    let given = Commit { batch: 7, articles: 0, seq: 12, alert_seq: 3, checkpoints, ..Commit::default() };
    journal.commit(at(NOON), &given).unwrap();
    let lines: Vec<_> = journal.scan(Position::default()).unwrap().map(|found| found.unwrap().1).collect();
    assert_eq!(lines, [Line::Commit(Commit { schema: SCHEMA, ..given })]);
}

#[test]
fn zstdcat_and_json_read_it() {
    let mut world = World::new();
    let (mut journal, _) = world.open();
    batch(&mut journal, NOON, 1, 1..3);
    let bytes = fs::read(world.file("2017-03-02.jsonl.zst")).unwrap();
    let text = String::from_utf8(zstd::decode_all(&bytes[..]).unwrap()).unwrap();
    let heads: Vec<_> = text.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(heads, [r#"{"journal""#, r#"{"article""#, r#"{"article""#, r#"{"commit""#]);
    for line in text.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

/// A power cut can leave any part of the last batch: all of it is cut, nothing before it, and the journal goes on.
#[test]
fn torn_tail_is_cut_at_every_byte() {
    let mut world = World::new();
    let (mut journal, _) = world.open();
    let kept = batch(&mut journal, NOON, 1, 1..3);
    batch(&mut journal, NOON, 2, 3..4);
    drop(journal);
    let path = world.file("2017-03-02.jsonl.zst");
    let whole = fs::read(&path).unwrap();
    for length in usize::try_from(kept.offset).unwrap()..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let (journal, cut) = world.open();
        let bytes = length as u64 - kept.offset;
        assert_eq!(cut, (bytes > 0).then(|| Cut { path: path.clone(), bytes, saved: None }), "{length}");
        assert_eq!(fs::metadata(&path).unwrap().len(), kept.offset);
        assert_eq!(journal.end(), kept);
        assert_eq!(read_all(&journal), (vec![1, 2], vec![]));
    }
    let (mut journal, _) = world.open();
    batch(&mut journal, NOON, 2, 5..6);
    assert_eq!(read_all(&journal).0, [1, 2, 5]);
}

/// Blocks of a file can reach the disk in any order: a commit whose batch is not whole is none.
#[test]
fn commit_without_its_batch_is_cut() {
    let mut world = World::new();
    let (mut journal, _) = world.open();
    let kept = batch(&mut journal, NOON, 1, 1..3);
    let torn = append(&mut journal, NOON, 3);
    append(&mut journal, NOON, 4);
    commit(&mut journal, NOON, 2);
    drop(journal);
    let path = world.file("2017-03-02.jsonl.zst");
    let mut bytes = fs::read(&path).unwrap();
    let from = usize::try_from(torn.offset).unwrap();
    bytes[from + 20..from + 60].fill(0);
    fs::write(&path, &bytes).unwrap();
    let (journal, cut) = world.open();
    let saved = cut.and_then(|cut| cut.saved).unwrap();
    assert_eq!(fs::read(saved).unwrap(), bytes[usize::try_from(kept.offset).unwrap()..]);
    assert_eq!(journal.end(), kept);
    assert_eq!(read_all(&journal), (vec![1, 2], vec![]));
}

#[test]
fn first_batch_torn_leaves_an_empty_day() {
    let mut world = World::new();
    let (mut journal, _) = world.open();
    let kept = batch(&mut journal, NOON, 1, 1..3);
    batch(&mut journal, NEXT_DAY, 2, 3..5);
    drop(journal);
    let path = world.file("2017-03-03.jsonl.zst");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let (mut journal, _) = world.open();
    assert_eq!(journal.end(), Position { day: 20_170_303, offset: 0 });
    assert_eq!(read_from(&journal, kept).0, [0; 0]);
    batch(&mut journal, NEXT_DAY, 2, 5..6);
    assert_eq!(read_from(&journal, kept).0, [5]);
    drop(journal);
    let (journal, cut) = world.open();
    assert_eq!((read_all(&journal).0, cut), (vec![1, 2, 5], None));
}

#[test]
fn flipped_bits_in_the_middle_are_told_and_stepped_over() {
    let mut world = World::new();
    let (mut journal, _) = world.open();
    batch(&mut journal, NOON, 1, 1..3);
    let (second, third) = (append(&mut journal, NOON, 3), append(&mut journal, NOON, 4));
    commit(&mut journal, NOON, 2);
    batch(&mut journal, NOON, 3, 5..6);
    drop(journal);
    let path = world.file("2017-03-02.jsonl.zst");
    let whole = fs::read(&path).unwrap();
    for byte in second.offset..third.offset {
        let mut bytes = whole.clone();
        bytes[usize::try_from(byte).unwrap()] ^= 1 << (byte % 8);
        fs::write(&path, bytes).unwrap();
        let (journal, cut) = world.open();
        assert_eq!(cut, None);
        let found = read_all(&journal);
        // zstd has a reserved bit in a frame's head whose value it ignores on the way to the same text.
        if found.1.is_empty() {
            assert_eq!(found.0, [1, 2, 3, 4, 5], "byte {byte}");
        } else {
            assert_eq!(found, (vec![1, 2, 4, 5], vec![(second.offset, third.offset - second.offset)]));
        }
    }
}

#[test]
fn zeros_to_the_end_of_an_older_day_are_told() {
    let mut world = World::new();
    let (mut journal, _) = world.open();
    let first = batch(&mut journal, NOON, 1, 1..3);
    let second = batch(&mut journal, NOON, 2, 3..9);
    batch(&mut journal, NEXT_DAY, 3, 9..10);
    let path = world.file("2017-03-02.jsonl.zst");
    let mut bytes = fs::read(&path).unwrap();
    bytes[usize::try_from(first.offset).unwrap()..].fill(0);
    fs::write(&path, bytes).unwrap();
    assert_eq!(read_all(&journal), (vec![1, 2, 9], vec![(first.offset, second.offset - first.offset)]));
}

#[test]
fn newer_schema_is_refused_and_nothing_is_cut() {
    for newer in
        [r#"{"journal":{"schema":9,"more":1}}"#, r#"{"commit":{"schema":9,"start":0,"batch":"seven"}}"#]
    {
        let mut world = World::new();
        drop(world.open());
        let bytes = zstd_line(newer);
        let path = world.file("2017-03-02.jsonl.zst");
        fs::write(&path, &bytes).unwrap();
        let state = world.state.as_ref().unwrap();
        let said = Journal::open(state).err().unwrap().to_string();
        assert!(said.contains("newer storywatch (journal schema 9, this one knows 1)"), "{said}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

fn zstd_line(line: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    Encoder::new().unwrap().append(&line, &mut frame).unwrap();
    frame
}

#[test]
fn position_beyond_the_end_is_named() {
    let mut world = World::new();
    let (mut journal, _) = world.open();
    let end = batch(&mut journal, NOON, 1, 1..3);
    let beyond = Position { offset: end.offset + 1, ..end };
    let mut scan = journal.scan(beyond).unwrap();
    assert!(matches!(scan.next(), Some(Err(JournalError::Beyond { .. }))));
    assert!(scan.next().is_none());
}

#[test]
fn locator_of_nothing_is_an_error() {
    let mut world = World::new();
    let (mut journal, _) = world.open();
    batch(&mut journal, NOON, 1, 1..3);
    let first = append(&mut journal, NOON, 3);
    for offset in [1, first.offset + 1, u64::MAX] {
        let found = journal.read(Locator { offset, ..first });
        assert!(matches!(found, Err(JournalError::Damaged { .. })), "{offset}: {found:?}");
    }
    assert!(matches!(
        journal.read(Locator { day: 19_990_101, offset: 0 }),
        Err(JournalError::Forgotten { .. })
    ));
}

#[test]
fn too_little_room_commits_nothing_and_keeps_the_batch() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::lock_with_floor(dir.path(), u64::MAX).unwrap();
    let (mut journal, _) = Journal::open(&state).unwrap();
    let kept = append(&mut journal, NOON, 1);
    let refused = journal.commit(at(NOON), &Commit::default());
    assert!(matches!(refused, Err(JournalError::State(StateError::Full { .. }))));
    assert_eq!(journal.read(kept).unwrap(), expected(1));
    assert_eq!(journal.bytes(), 0);
}

#[test]
fn a_frame_that_grows_beyond_the_limit_is_not_read() {
    let mut encoder = Compressor::new();
    let bomb = encoder.frame(&vec![b' '; frame::LINE_BYTES_MAX + 1]);
    assert!(bomb.len() < 10_000);
    let mut decoder = Decoder::new().unwrap();
    assert!(matches!(decoder.decode(&bomb), Err(FrameFault::Damaged(_))));
}

struct Compressor(zstd::bulk::Compressor<'static>);

impl Compressor {
    fn new() -> Self {
        Self(zstd::bulk::Compressor::new(1).unwrap())
    }

    fn frame(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.compress(bytes).unwrap()
    }
}

const LIMITED: &str = "STORYWATCH_TEST_LIMITED_DIR";

/// The kernel refuses a write half-way: the test runs itself again under a limit of the size of files (`ulimit -f`), with
/// the signal for it ignored.
#[test]
fn write_that_fails_half_way_leaves_nothing_and_can_be_repeated() {
    if let Ok(dir) = std::env::var(LIMITED) {
        return write_under_limit(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let name = "journal::tests::write_that_fails_half_way_leaves_nothing_and_can_be_repeated";
    let output = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -f 16; exec "$0" --exact "$1" --nocapture"#])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(LIMITED, dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(dir.path().join("refused").exists());
}

fn write_under_limit(dir: &Path) {
    let state = StateDir::lock_with_floor(dir, 0).unwrap();
    let (mut journal, _) = Journal::open(&state).unwrap();
    let kept = batch(&mut journal, NOON, 1, 1..3);
    let (first, _) = (append(&mut journal, NOON, 3), 0);
    for number in 4..400 {
        append(&mut journal, NOON, number);
    }
    for _ in 0..2 {
        let refused = journal.commit(at(NOON), &Commit { batch: 2, ..Commit::default() });
        assert!(matches!(refused, Err(JournalError::NotCommitted { .. })), "{refused:?}");
        assert_eq!(fs::metadata(path_of(&journal_dir(dir), kept.day)).unwrap().len(), kept.offset);
        assert_eq!(journal.end(), kept);
        assert_eq!(journal.read(first).unwrap(), expected(3));
    }
    fs::write(dir.join("refused"), "").unwrap();
    journal.discard();
    batch(&mut journal, NOON, 2, 3..5);
    assert_eq!(read_all(&journal), (vec![1, 2, 3, 4], vec![]));
}

#[derive(Clone, Debug)]
enum Step {
    Append(u8),
    Commit,
    Discard,
    NextDay,
    /// A new start on what a crash left: of the uncommitted bytes that many per cent.
    Crash(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..6u8).prop_map(Step::Append),
        3 => Just(Step::Commit),
        1 => Just(Step::Discard),
        1 => Just(Step::NextDay),
        2 => (0..100u8).prop_map(Step::Crash),
    ];
    proptest::collection::vec(step, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is committed is read back, in order, and nothing else, however often it crashes.
    #[test]
    fn committed_is_what_is_read_back(steps in steps()) {
        let mut world = World::new();
        let (mut journal, _) = world.open();
        let (mut committed, mut gathered, mut number) = (Vec::new(), Vec::new(), 0);
        let (mut batches, mut now) = (0, at(NOON));
        for step in steps {
            match step {
                Step::Append(articles) => for _ in 0..articles {
                    number += 1;
                    append(&mut journal, &now.to_string(), number);
                    gathered.push(number);
                },
                Step::Commit => {
                    batches += 1;
                    commit(&mut journal, &now.to_string(), batches);
                    committed.append(&mut gathered);
                }
                Step::Discard => {
                    journal.discard();
                    gathered.clear();
                }
                Step::NextDay => now += Duration::from_hours(24),
                Step::Crash(per_cent) => {
                    let torn = journal.batch.len() * usize::from(per_cent) / 100;
                    if torn > 0 {
                        let path = path_of(&journal.reader.dir, journal.day);
                        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).unwrap();
                        file.write_all_at(&journal.batch[..torn], journal.start).unwrap();
                    }
                    drop(journal);
                    gathered.clear();
                    let (opened, cut) = world.open();
                    journal = opened;
                    prop_assert_eq!(cut.map_or(0, |cut| cut.bytes), torn as u64);
                }
            }
            prop_assert_eq!(read_all(&journal), (committed.clone(), vec![]));
        }
    }
}
