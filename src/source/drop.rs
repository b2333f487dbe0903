//! Watched directories: what is dropped there is read once, at once, and across restarts. Only user of `notify`.

mod file;
mod finish;
mod gather;
mod held;
mod notice;
mod scan;
mod take;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, sync_channel},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use notify::RecommendedWatcher;
use serde_json::Value;
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
    task,
};
use tokio_util::sync::CancellationToken;

use self::{
    file::{State, is_temporary, known},
    finish::{DONE, Finishing, REJECTED},
    gather::Gathered,
    held::Held,
    notice::{Notice, watcher},
};
use super::{
    DropSpec,
    send::{BEAT, Closed, Way},
};
use crate::{
    article::{Checkpoint, DELIVERY_FOUND_MAX, Found},
    event::Event,
    pulse::Pulse,
};

/// Begins the key of a file's checkpoint.
pub const KEY_PREFIX: &str = "file ";

/// A file whose writer did not tell that it is done is read when it has not changed for this time.
const SETTLE: Duration = Duration::from_secs(1);

/// Files that wait for the commit of their decisions are looked at so often.
const FINISH: Duration = Duration::from_millis(20);

/// Directories are looked through so often, whatever the kernel tells.
const RESCAN: Duration = Duration::from_secs(30);

/// It is looked so often whether each directory is there, and the one that is watched: a disk may have been mounted.
const LOOK: Duration = Duration::from_secs(1);

/// Notices that may wait; what is beyond them is found by a scan.
const NOTICES_MAX: usize = 4096;

/// Watches the directories until it is told to stop or the door closes. `checkpoints` are all that it ever delivered and
/// did not take out again.
pub async fn run(
    mut drops: watch::Receiver<Arc<Vec<DropSpec>>>,
    checkpoints: BTreeMap<String, Value>,
    door: mpsc::Sender<Event>,
    pulse: Pulse,
    stop: CancellationToken,
) {
    let way = Way { door, pulse, stop: stop.clone() };
    let (sender, notices) = sync_channel(NOTICES_MAX);
    let (rescan, ours) = (Arc::new(AtomicBool::new(false)), drops.clone());
    let watcher = watcher(sender.clone(), Arc::clone(&rescan));
    let room = Room {
        watcher: watcher
            .inspect_err(|error| tracing::error!(%error, "directories are looked through every 30 s only"))
            .ok(),
        directories: BTreeMap::new(),
        held: Held::known(&checkpoints),
        files: known(checkpoints),
        gathered: Gathered::default(),
        finishing: Finishing::default(),
        kept_back: BTreeSet::new(),
        settling: BTreeMap::new(),
        rescan,
        next_look: Instant::now(),
        way,
        handle: Handle::current(),
    };
    let turns = task::spawn_blocking(move || room.run(ours, &notices));
    let wake = async {
        loop {
            let changed = tokio::select! {
                () = stop.cancelled() => false,
                changed = drops.changed() => changed.is_ok(),
            };
            // full is as good as woken
            sender.try_send(Notice::Wake).ok();
            if !changed {
                break std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        ended = turns => if let Err(error) = ended { tracing::error!(%error, "watching directories broke down") },
        () = wake => {}
    }
}

/// One watched directory.
struct Directory {
    spec: DropSpec,
    /// Device and inode that are watched; none while it is missing.
    watched: Option<(u64, u64)>,
    /// The watch may have ended: it is set up again, whatever is found there.
    anew: bool,
    next_scan: Instant,
}

struct Room {
    watcher: Option<RecommendedWatcher>,
    directories: BTreeMap<PathBuf, Directory>,
    files: BTreeMap<PathBuf, State>,
    held: Held,
    gathered: Gathered,
    finishing: Finishing,
    /// Files that were to be put away and stayed.
    kept_back: BTreeSet<PathBuf>,
    /// Files that are looked at again at a time, with what they were like.
    settling: BTreeMap<PathBuf, (Instant, State)>,
    rescan: Arc<AtomicBool>,
    next_look: Instant,
    way: Way,
    handle: Handle,
}

impl Room {
    fn run(mut self, mut drops: watch::Receiver<Arc<Vec<DropSpec>>>, notices: &Receiver<Notice>) {
        let list = drops.borrow_and_update().clone();
        if self.adjust(&list).is_err() {
            return;
        }
        while !self.way.stop.is_cancelled() && !self.way.door.is_closed() {
            self.way.pulse.beat();
            if drops.has_changed().unwrap_or(false) {
                let list = drops.borrow_and_update().clone();
                if self.adjust(&list).is_err() {
                    return;
                }
            }
            let wait = self.next_turn().saturating_duration_since(Instant::now()).min(BEAT);
            let first = notices.recv_timeout(wait).ok();
            if self.turn(first.into_iter().chain(notices.try_iter().take(NOTICES_MAX))).is_err() {
                return;
            }
        }
    }

    fn next_turn(&self) -> Instant {
        let settled = self.settling.values().map(|(at, _)| *at).min();
        let scan = self.directories.values().map(|directory| directory.next_scan).min();
        let released = self.held.next().map(|until| {
            let wait = until.duration_since(Timestamp::now());
            Instant::now() + Duration::try_from(wait).unwrap_or_default()
        });
        // what waits for its commit is waited for a moment
        let finished = (self.finishing.len() > 0).then(|| Instant::now() + FINISH);
        let next = settled.into_iter().chain(scan).chain(released).chain(finished).min();
        next.unwrap_or_else(|| Instant::now() + BEAT)
    }

    fn turn(&mut self, notices: impl Iterator<Item = Notice>) -> Result<(), Closed> {
        let mut whole = Vec::new();
        let mut seen = BTreeSet::new();
        for notice in notices {
            match notice {
                Notice::Wake => {}
                Notice::Whole(path) if self.is_ours(&path) => {
                    if seen.insert(path.clone()) {
                        whole.push(path);
                    }
                }
                Notice::Touched(path) if self.is_ours(&path) => self.settle_later(&path),
                // the directory itself was touched: it may be gone
                Notice::Touched(path) | Notice::Whole(path) => {
                    if let Some(directory) = self.directories.get_mut(&path) {
                        // one made anew in its place can have the same inode, but the watch ended with the old one
                        directory.anew = true;
                        directory.next_scan = Instant::now();
                    }
                }
            }
        }
        for path in whole {
            self.settling.remove(&path);
            self.take(&path)?;
        }
        self.take_settled()?;
        self.release()?;
        self.finishing.turn();
        self.look();
        let all = self.rescan.swap(false, Ordering::AcqRel);
        let now = Instant::now();
        let due = |directory: &&Directory| all || directory.next_scan <= now;
        let due: Vec<PathBuf> = self.directories.values().filter(due).map(|d| d.spec.path.clone()).collect();
        due.iter().try_for_each(|path| self.scan(path))?;
        self.flush()
    }

    fn is_ours(&self, path: &Path) -> bool {
        self.directory_of(path).is_some() && !is_temporary(path)
    }

    /// The drop that a file lies in, directly or, where that is asked for, further down.
    fn directory_of(&self, path: &Path) -> Option<&Directory> {
        let parent = path.parent()?;
        if let Some(directory) = self.directories.get(parent) {
            return Some(directory);
        }
        parent.ancestors().skip(1).find_map(|above| {
            let directory = self.directories.get(above).filter(|directory| directory.spec.subdirectories)?;
            let below = parent.strip_prefix(above).ok()?;
            let first = below.components().next()?.as_os_str();
            let hidden = below.components().any(|part| is_temporary(Path::new(part.as_os_str())));
            (first != DONE && first != REJECTED && !hidden).then_some(directory)
        })
    }

    /// Delivers what its embargo holds no longer.
    fn release(&mut self) -> Result<(), Closed> {
        let now = Timestamp::now();
        while self.held.next().is_some_and(|until| until <= now) {
            let (found, checkpoints) = self.held.release(now, DELIVERY_FOUND_MAX);
            self.deliver(found, checkpoints)?;
        }
        Ok(())
    }

    fn settle_later(&mut self, path: &Path) {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_file() => {
                let state = State::of(&metadata);
                if !self.files.get(path).is_some_and(|known| known.unchanged(&state) && known.progress.done) {
                    self.settling.insert(path.to_owned(), (Instant::now() + SETTLE, state));
                }
            }
            // what lies in a new subdirectory may have come before it was watched
            Ok(metadata) if metadata.is_dir() => self.scan_soon(path),
            Ok(_) => {}
            // its checkpoint goes with the next scan
            Err(_) => {
                self.settling.remove(path);
                self.scan_soon(path);
            }
        }
    }

    fn scan_soon(&mut self, path: &Path) {
        let Some(drop) = self.directory_of(path).map(|directory| directory.spec.path.clone()) else { return };
        if let Some(directory) = self.directories.get_mut(&drop) {
            directory.next_scan = directory.next_scan.min(Instant::now() + SETTLE);
        }
    }

    fn take_settled(&mut self) -> Result<(), Closed> {
        let now = Instant::now();
        let due: Vec<PathBuf> =
            self.settling.iter().filter(|(_, (at, _))| *at <= now).map(|(path, _)| path.clone()).collect();
        for path in due {
            let Some((_, before)) = self.settling.remove(&path) else { continue };
            match fs::symlink_metadata(&path).map(|metadata| State::of(&metadata)) {
                Ok(state) if state.unchanged(&before) => self.take(&path)?,
                Ok(state) => {
                    self.settling.insert(path, (now + SETTLE, state));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn deliver(&mut self, found: Vec<Found>, checkpoints: Vec<Checkpoint>) -> Result<(), Closed> {
        self.flush()?;
        self.handle.block_on(self.way.deliver(found, checkpoints))
    }

    /// Delivers what is gathered.
    fn flush(&mut self) -> Result<(), Closed> {
        let Gathered { found, checkpoints, .. } = std::mem::take(&mut self.gathered);
        if checkpoints.is_empty() {
            return Ok(());
        }
        self.handle.block_on(self.way.deliver(found, checkpoints))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tokio::{task::JoinHandle, time};

    use super::{file::key, *};
    use crate::article::Delivery;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A watched directory with what was delivered of it.
    struct World {
        dir: tempfile::TempDir,
        checkpoints: BTreeMap<String, Value>,
        stop: CancellationToken,
        events: mpsc::Receiver<Event>,
        task: JoinHandle<()>,
    }

    impl World {
        fn start(dir: tempfile::TempDir, checkpoints: BTreeMap<String, Value>) -> Self {
            let path = dir.path().join("drop");
            let spec = DropSpec { path, outlet: Some("Desk".to_owned()), ..DropSpec::default() };
            let (sender, drops) = watch::channel(Arc::new(vec![spec]));
            let (door, events) = mpsc::channel(8);
            let stop = CancellationToken::new();
            let running = run(drops, checkpoints.clone(), door, Pulse::default(), stop.clone());
            #[expect(clippy::disallowed_methods, reason = "`stop` joins it")]
            let task = tokio::spawn(async move {
                running.await;
                drop(sender);
            });
            Self { dir, checkpoints, stop, events, task }
        }

        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("drop")).unwrap();
            Self::start(dir, BTreeMap::new())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join("drop").join(name)
        }

        async fn delivery(&mut self) -> Delivery {
            let event = time::timeout(PATIENCE, self.events.recv()).await.expect("nothing came").unwrap();
            let Event::Batch(delivery) = event else { panic!("{event:?}") };
            for checkpoint in &delivery.checkpoints {
                self.checkpoints.insert(checkpoint.key.clone(), checkpoint.state.clone());
            }
            delivery
        }

        /// The titles that come next, until as many are there.
        async fn titles(&mut self, count: usize) -> Vec<String> {
            let mut titles = Vec::new();
            while titles.len() < count {
                titles.extend(self.delivery().await.found.into_iter().map(|found| match found {
                    Found::Article(article) => article.title,
                    Found::Rejected(rejected) => rejected.reason,
                }));
            }
            titles
        }

        /// Waits until the watch is set up: a file that is dropped is seen.
        async fn ready(&mut self) {
            fs::write(self.path("first.jsonl"), "{\"title\":\"first\",\"text\":\"x\"}\n").unwrap();
            assert_eq!(self.titles(1).await, ["first"]);
        }

        async fn restart(mut self) -> Self {
            self.stop.cancel();
            time::timeout(PATIENCE, &mut self.task).await.expect("it does not stop").unwrap();
            let kept = self.checkpoints.into_iter().filter(|(_, state)| !state.is_null()).collect();
            Self::start(self.dir, kept)
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_file_is_read_once_also_across_restarts() {
        let mut world = World::new();
        world.ready().await;
        fs::write(world.path("a.txt"), "A dam in Lindmouth\n\nIt broke.").unwrap();
        assert_eq!(world.titles(1).await, ["A dam in Lindmouth"]);
        let mut world = world.restart().await;
        fs::write(world.path("b.jsonl"), "{\"title\":\"b\",\"text\":\"x\"}").unwrap();
        assert_eq!(world.titles(1).await, ["b"]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_there_at_the_start_is_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("drop")).unwrap();
        fs::write(
            dir.path().join("drop/a.jsonl"),
            "{\"title\":\"a\",\"text\":\"x\"}\nnonsense\n{\"title\":\"c\",\"text\":\"x\"}",
        )
        .unwrap();
        let mut world = World::start(dir, BTreeMap::new());
        let titles = world.titles(3).await;
        assert_eq!((titles[0].as_str(), titles[2].as_str()), ("a", "c"));
        assert!(titles[1].contains("no JSON object"), "{titles:?}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_file_that_grows_is_read_on() {
        let mut world = World::new();
        world.ready().await;
        let mut file = fs::OpenOptions::new().append(true).open(world.path("first.jsonl")).unwrap();
        file.write_all(b"{\"title\":\"second\",\"text\":\"x\"}\n").unwrap();
        drop(file);
        assert_eq!(world.titles(1).await, ["second"]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn temporary_names_wait_for_their_rename() {
        let mut world = World::new();
        world.ready().await;
        fs::write(world.path("x.jsonl.part"), "{\"title\":\"x\",\"text\":\"x\"}").unwrap();
        fs::write(world.path("y.jsonl"), "{\"title\":\"y\",\"text\":\"x\"}").unwrap();
        assert_eq!(world.titles(1).await, ["y"]);
        fs::rename(world.path("x.jsonl.part"), world.path("x.jsonl")).unwrap();
        assert_eq!(world.titles(1).await, ["x"]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_directory_made_anew_is_watched_and_the_old_files_are_forgotten() {
        let mut world = World::new();
        world.ready().await;
        fs::remove_dir_all(world.dir.path().join("drop")).unwrap();
        fs::create_dir(world.dir.path().join("drop")).unwrap();
        fs::write(world.path("new.jsonl"), "{\"title\":\"new\",\"text\":\"x\"}").unwrap();
        assert_eq!(world.titles(1).await, ["new"]);
        let old = key(&world.path("first.jsonl"));
        assert_eq!(world.checkpoints.get(&old), Some(&Value::Null));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn another_directory_in_its_place_is_seen_soon_though_the_kernel_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("one")).unwrap();
        fs::create_dir(dir.path().join("two")).unwrap();
        fs::write(dir.path().join("two/new.jsonl"), "{\"title\":\"new\",\"text\":\"x\"}\n").unwrap();
        let link = |name: &str, to: &str| std::os::unix::fs::symlink(to, dir.path().join(name)).unwrap();
        link("drop", "one");
        link("next", "two");
        let mut world = World::start(dir, BTreeMap::new());
        world.ready().await;
        fs::rename(world.dir.path().join("next"), world.dir.path().join("drop")).unwrap();
        assert_eq!(world.titles(1).await, ["new"]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn pipes_and_links_are_left_alone() {
        let mut world = World::new();
        world.ready().await;
        std::os::unix::fs::symlink("/etc/hostname", world.path("link.txt")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(world.path("pipe.txt")).status().unwrap();
        assert!(made.success());
        fs::write(world.path("y.jsonl"), "{\"title\":\"y\",\"text\":\"x\"}").unwrap();
        assert_eq!(world.titles(1).await, ["y"]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_big_file_comes_in_parts() {
        let mut world = World::new();
        world.ready().await;
        let lines = "{\"title\":\"t\",\"text\":\"x\"}\n".repeat(1300);
        fs::write(world.path("staged"), lines).unwrap();
        let sizes =
            [world.delivery().await, world.delivery().await, world.delivery().await].map(|d| d.found.len());
        assert_eq!(sizes, [512, 512, 276]);
    }
}
