use std::{
    collections::BTreeMap,
    fs,
    fs::OpenOptions,
    io::Write,
    os::unix::fs::FileExt,
    thread,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use tempfile::TempDir;

use super::{sync::Durable, *};

const END: Position = Position { day: 99_991_231, offset: 0 };
const OPTIONS: Options = Options { analysis: 3, journal_end: END };

fn position(offset: u64) -> Position {
    Position { day: 20_170_302, offset }
}

struct World {
    dir: TempDir,
}

impl World {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> Opened {
        self.open_as(&OPTIONS).unwrap()
    }

    fn open_as(&self, options: &Options) -> Result<Opened, StoreError> {
        Store::open(&StateDir::lock_with_floor(self.dir.path(), 0).unwrap(), options)
    }

    fn index(&self) -> PathBuf {
        self.dir.path().join("index")
    }

    /// With some rows, durable up to offset 1, closed.
    fn filled() -> Self {
        let world = Self::new();
        let store = world.open().store;
        put(&store, 0..2000, 1);
        store.close().unwrap();
        world
    }
}

fn put(store: &Store, numbers: std::ops::Range<u32>, offset: u64) {
    let mut changes = Changes::default();
    for number in numbers {
        changes.put(Tree::Reports, hashed(number), format!("ferry {number}").into_bytes());
    }
    store.commit(&changes, position(offset)).unwrap();
}

/// A key such as reports have: any is as likely as any other.
fn hashed(number: u32) -> [u8; 4] {
    number.wrapping_mul(0x9e37_79b9).to_be_bytes()
}

fn rows(store: &Store, tree: Tree) -> usize {
    store.scan(tree, b"", 100_000).unwrap().len()
}

#[test]
fn rows_of_a_tree_stay_in_it() {
    let world = World::new();
    let store = world.open().store;
    let mut changes = Changes::default();
    for tree in Tree::ALL {
        changes.put(tree, *b"a.......", format!("{tree:?}").into_bytes());
        changes.put(tree, *b"b.......", vec![]);
        changes.put(tree, [0xff; 8], vec![1]);
    }
    store.commit(&changes, position(5)).unwrap();
    let mut nameless = Changes::default();
    nameless.put(Tree::Window, *b"a", vec![]);
    assert!(matches!(store.commit(&nameless, position(6)), Err(StoreError::NoNumber { .. })));
    for tree in Tree::ALL {
        assert_eq!(store.get(tree, b"a.......").unwrap(), Some(format!("{tree:?}").into_bytes()));
        assert_eq!(store.get(tree, b"c.......").unwrap(), None);
        let keys: Vec<_> =
            store.scan(tree, b"aa......", 9).unwrap().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [b"b.......".to_vec(), vec![0xff; 8]]);
        assert_eq!(store.scan(tree, b"", 1).unwrap().len(), 1);
    }
    assert_eq!(store.applied(), position(5));
}

#[test]
fn clean_stop_leaves_nothing_to_replay() {
    let world = World::filled();
    let opened = world.open();
    assert_eq!((opened.replay_from, opened.store.applied()), (position(1), position(1)));
    assert_eq!((opened.set_aside, opened.older_analysis), (None, None));
    assert_eq!(rows(&opened.store, Tree::Reports), 2000);
}

#[test]
fn unclean_stop_replays_from_where_it_was_synced() {
    let world = World::filled();
    let store = world.open().store;
    put(&store, 2000..2100, 2);
    drop(store);
    let opened = world.open();
    assert_eq!(opened.replay_from, position(1));
    opened.store.close().unwrap();
    assert_eq!(world.open().replay_from, position(1), "nothing was applied again in between");
}

#[test]
fn sync_follows_by_itself() {
    let world = World::filled();
    let store = world.open().store;
    put(&store, 0..10, 7);
    let began = Instant::now();
    while sync::read_synced(&world.index()).unwrap().map(|durable| durable.applied) != Some(position(7)) {
        assert!(began.elapsed() < Duration::from_secs(20), "never synced");
        thread::sleep(Duration::from_millis(10));
    }
    drop(store);
    assert_eq!(world.open().replay_from, position(7));
}

/// Upstream #1527: a kill while sled writes its snapshot.
#[test]
fn unfinished_snapshot_does_not_keep_it_shut() {
    let world = World::filled();
    fs::write(world.index().join("snap.00000000000FFFFF.generating"), b"half").unwrap();
    let opened = world.open();
    assert_eq!((opened.set_aside, opened.replay_from), (None, position(1)));
    assert_eq!(rows(&opened.store, Tree::Reports), 2000);
}

fn check_set_aside(world: &World, expected_why: &str) {
    let opened = world.open();
    let aside = opened.set_aside.expect("the damage was not seen");
    assert!(aside.why.contains(expected_why), "{}", aside.why);
    assert!(aside.to.join("db").exists());
    assert_eq!(opened.replay_from, Position::default());
    assert_eq!(rows(&opened.store, Tree::Reports), 0);
    put(&opened.store, 0..5, 1);
    opened.store.close().unwrap();
    assert_eq!(rows(&world.open().store, Tree::Reports), 5);
}

#[test]
fn damaged_snapshot_is_set_aside() {
    let world = World::filled();
    drop(world.open());
    let snapshots = fs::read_dir(world.index()).unwrap().map(|entry| entry.unwrap().path());
    let snapshot = snapshots.filter(|path| path.to_string_lossy().contains("snap.")).last().unwrap();
    fs::write(snapshot, b"something else entirely").unwrap();
    check_set_aside(&world, "corrupt");
}

#[test]
fn unreadable_config_is_set_aside() {
    let world = World::filled();
    fs::write(world.index().join("conf"), [0xff; 64]).unwrap();
    check_set_aside(&world, "");
}

#[test]
fn lost_synced_is_set_aside() {
    let world = World::filled();
    fs::remove_file(world.index().join("synced")).unwrap();
    check_set_aside(&world, "does not say how far");
}

#[test]
fn rows_lost_after_sync_are_noticed() {
    let world = World::filled();
    sync::write_synced(&world.index(), &Durable { applied: position(9), ..Durable::default() }).unwrap();
    check_set_aside(&world, "but has only");
}

#[test]
fn index_of_another_journal_is_set_aside() {
    let world = World::filled();
    let opened = world.open_as(&Options { journal_end: position(0), ..OPTIONS }).unwrap();
    assert!(opened.set_aside.unwrap().why.contains("the journal ends at"));
}

#[test]
fn removed_index_is_built_again() {
    let world = World::filled();
    fs::remove_dir_all(world.index()).unwrap();
    let opened = world.open();
    assert_eq!((opened.replay_from, rows(&opened.store, Tree::Reports)), (Position::default(), 0));
}

#[test]
fn start_that_was_killed_is_no_damage() {
    let world = World::new();
    fs::create_dir_all(world.index().join("blobs")).unwrap();
    sync::write_synced(&world.index(), &Durable::default()).unwrap();
    fs::write(world.index().join("db"), b"").unwrap();
    let opened = world.open();
    assert_eq!((opened.set_aside, opened.replay_from), (None, Position::default()));
}

#[test]
fn at_most_two_damaged_indexes_are_kept() {
    let world = World::filled();
    for _ in 0..4 {
        aside::mark(&world.index(), "for the test");
        assert!(world.open().set_aside.is_some());
    }
    let names = fs::read_dir(world.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut damaged: Vec<_> = names.filter(|name| name.to_string_lossy().contains("damaged")).collect();
    damaged.sort();
    assert_eq!(damaged, ["index.damaged-3", "index.damaged-4"]);
}

#[test]
fn row_without_its_checksum_is_an_error_and_the_next_start_rebuilds() {
    let world = World::filled();
    let store = world.open().store;
    let key = row::key(row::code(Tree::Reports), &hashed(7)[..2]);
    assert!(store.db.insert(key, &b"no checksum"[..]).unwrap().is_some());
    let said = store.get(Tree::Reports, &hashed(7)).unwrap_err().to_string();
    assert!(said.contains(r"the row \x02S\x84 does not have its checksum"), "{said}");
    let stopped = store.commit(&Changes::default(), position(2));
    assert!(matches!(stopped, Err(StoreError::Stopped { .. })));
    drop(store);
    // The failed store does not give sled's lock back before the process ends: look at a copy.
    let copy = World::new();
    copy_dir(&world.index(), &copy.index());
    check_set_aside(&copy, "does not have its checksum");
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Any byte of sled's file may go bad: all rows are as they were, or the damage is told. Never wrong in silence.
#[test]
fn damage_in_the_database_is_never_silent() {
    let world = World::filled();
    let bytes = fs::metadata(world.index().join("db")).unwrap().len();
    let mut told = 0;
    for case in 0..40u64 {
        let damaged = World::new();
        copy_dir(&world.index(), &damaged.index());
        let file = OpenOptions::new().write(true).open(damaged.index().join("db")).unwrap();
        file.write_all_at(&[0x5a; 64], bytes * case / 40).unwrap();
        let opened = damaged.open();
        let whole = opened.store.verify().is_ok_and(|verified| verified.damaged_rows == 0);
        if opened.set_aside.is_some() || !whole {
            told += 1;
        } else {
            assert_eq!(rows(&opened.store, Tree::Reports), 2000, "case {case}");
        }
        if !whole {
            std::mem::forget(opened.store);
        }
    }
    assert!(told > 0);
}

#[test]
fn newer_index_is_refused_by_name() {
    let world = World::filled();
    let said = world.open_as(&Options { analysis: 2, ..OPTIONS }).err().unwrap().to_string();
    assert!(said.contains("newer storywatch (analysis version 3, this one knows 2)"), "{said}");
    let store = world.open().store;
    let mut batch = sled::Batch::default();
    put_own(&mut batch, SCHEMA_KEY, &9u32.to_be_bytes());
    store.write(batch).unwrap();
    store.close().unwrap();
    let said = world.open_as(&OPTIONS).err().unwrap().to_string();
    assert!(said.contains("newer storywatch (index schema 9, this one knows 2)"), "{said}");
}

#[test]
fn an_index_of_an_older_schema_is_built_again_and_leaves_nothing() {
    let world = World::filled();
    let store = world.open().store;
    let mut batch = sled::Batch::default();
    put_own(&mut batch, SCHEMA_KEY, &(SCHEMA - 1).to_be_bytes());
    store.write(batch).unwrap();
    store.close().unwrap();
    let opened = world.open();
    assert_eq!((opened.set_aside, opened.replay_from), (None, Position::default()));
    assert_eq!(rows(&opened.store, Tree::Reports), 0);
    let beside = |name: &str| world.dir.path().join(name).exists();
    assert!(!beside("index.damaged-1") && !beside("index.old"));
}

#[test]
fn older_analysis_is_told_until_it_is_renewed() {
    let world = World::filled();
    let newer = Options { analysis: 4, ..OPTIONS };
    let opened = world.open_as(&newer).unwrap();
    assert_eq!(opened.older_analysis, Some(3));
    opened.store.set_analysis(4).unwrap();
    opened.store.close().unwrap();
    assert_eq!(world.open_as(&newer).unwrap().older_analysis, None);
}

#[test]
fn too_little_room_is_refused_before_sled_is_touched() {
    let world = World::filled();
    let state = StateDir::lock_with_floor(world.dir.path(), u64::MAX).unwrap();
    let refused = Store::open(&state, &OPTIONS).err().unwrap();
    assert!(matches!(refused, StoreError::State(StateError::Full { .. })));
    drop(state);
    assert_eq!(rows(&world.open().store, Tree::Reports), 2000);
}

#[test]
fn too_large_a_value_is_refused() {
    let world = World::new();
    let store = world.open().store;
    let mut changes = Changes::default();
    changes.put(Tree::Meta, *b"a", vec![0; VALUE_BYTES_MAX + 1]);
    let refused = store.commit(&changes, position(1));
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    put(&store, 0..5, 1);
}

#[test]
fn failed_sync_stops_the_next_commit() {
    let world = World::filled();
    let store = world.open().store;
    fs::remove_dir_all(world.index().join("blobs")).unwrap();
    put(&store, 0..5, 2);
    let began = Instant::now();
    while store.syncer.failed().is_none() {
        assert!(began.elapsed() < Duration::from_secs(20), "the failure was not seen");
        thread::sleep(Duration::from_millis(10));
    }
    let stopped = store.commit(&Changes::default(), position(3));
    assert!(matches!(stopped, Err(StoreError::Stopped { .. })));
    assert!(matches!(store.close(), Err(StoreError::Stopped { .. })));
}

#[test]
fn compacting_keeps_every_row_and_the_position() {
    let world = World::filled();
    for round in 0..20 {
        let store = world.open().store;
        put(&store, 0..2000, round + 2);
        store.close().unwrap();
    }
    let window = |numbers: std::ops::Range<u64>, value: Option<Vec<u8>>| {
        let store = world.open().store;
        let mut changes = Changes::default();
        for number in numbers {
            match &value {
                Some(value) => changes.put(Tree::Window, number.to_be_bytes(), value.clone()),
                None => changes.remove(Tree::Window, number.to_be_bytes()),
            }
        }
        store.commit(&changes, position(21)).unwrap();
        store.close().unwrap();
    };
    window(1..301, Some(vec![7; 90]));
    window(1..101, None);
    let state = StateDir::lock_with_floor(world.dir.path(), 0).unwrap();
    let compacted = upkeep::compact(&state, &OPTIONS).unwrap();
    assert!(compacted.bytes_after < compacted.bytes_before, "{compacted:?}");
    drop(state);
    let opened = world.open();
    assert_eq!((opened.replay_from, opened.store.applied()), (position(21), position(21)));
    let stats = opened.store.stats().unwrap();
    assert_eq!(stats.trees[&Tree::Reports].rows, 2000);
    assert_eq!(stats.trees[&Tree::Window].rows, 200);
    assert_eq!(opened.store.get(Tree::Window, &101u64.to_be_bytes()).unwrap(), Some(vec![7; 90]));
    assert_eq!(opened.store.get(Tree::Window, &100u64.to_be_bytes()).unwrap(), None);
    assert_eq!(opened.store.verify().unwrap().damaged_rows, 0);
}

#[test]
fn swap_that_was_killed_is_mended() {
    let world = World::filled();
    fs::rename(world.index(), world.dir.path().join("index.old")).unwrap();
    fs::create_dir(world.dir.path().join("index.new")).unwrap();
    let opened = world.open();
    assert_eq!(rows(&opened.store, Tree::Reports), 2000);
    assert!(!world.dir.path().join("index.new").exists());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// A copy of the files at any moment, as a crash leaves it, opens; applying the commits again from where it says
    /// gives the same rows.
    #[test]
    fn crash_and_replay_end_as_no_crash(
        commits in proptest::collection::vec(proptest::collection::btree_map(0..200u8, any::<Option<u16>>(), 1..40), 1..12),
        crash in 0..12usize,
    ) {
        let changes = |rows: &BTreeMap<u8, Option<u16>>| {
            let mut changes = Changes::default();
            for (key, value) in rows {
                // beside each other, and a few to a shelf
                for (tree, key) in [(Tree::Stories, vec![*key]), (Tree::Reports, vec![7, *key % 4, *key])] {
                    match value {
                        Some(value) => changes.put(tree, key, value.to_be_bytes().to_vec()),
                        None => changes.remove(tree, key),
                    }
                }
            }
            changes
        };
        let world = World::new();
        let crashed = World::new();
        let store = world.open().store;
        for (number, rows) in commits.iter().enumerate() {
            store.commit(&changes(rows), position(number as u64 + 1)).unwrap();
            if number == crash.min(commits.len() - 1) {
                copy_dir(&world.index(), &crashed.index());
                fs::File::create(crashed.index().join("snap.0000000000000001.generating")).unwrap().write_all(b"x").unwrap();
            }
        }
        let opened = crashed.open();
        prop_assert_eq!(&opened.set_aside, &None);
        for (number, rows) in commits.iter().enumerate().skip(usize::try_from(opened.replay_from.offset).unwrap()) {
            opened.store.commit(&changes(rows), position(number as u64 + 1)).unwrap();
        }
        let last = commits.iter().flatten().collect::<BTreeMap<_, _>>();
        for tree in [Tree::Stories, Tree::Reports] {
            let rows = store.scan(tree, b"", 1000).unwrap();
            prop_assert_eq!(rows.len(), last.values().filter(|value| value.is_some()).count());
            prop_assert_eq!(opened.store.scan(tree, b"", 1000).unwrap(), rows);
        }
    }
}
