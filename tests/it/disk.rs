//! Disks that are full and power that fails, on file systems of the test's own: needs root.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    corpus::{self, Dice},
    world::{World, files, may_use_the_system, rounds, wait_for},
};

const TOPIC: &str = "[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n";

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A mounted file system, gone with it.
struct Mount(PathBuf);

impl Mount {
    fn memory(at: PathBuf, mebibytes: u32) -> Self {
        fs::create_dir_all(&at).unwrap();
        run("mount", &["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs", at.to_str().unwrap()]);
        Self(at)
    }

    /// Without ext4's own mending of a rename without fsync, which other file systems do not have.
    fn image(image: &Path, at: PathBuf) -> Self {
        fs::create_dir_all(&at).unwrap();
        let options = "loop,noauto_da_alloc";
        run("mount", &["-t", "ext4", "-o", options, image.to_str().unwrap(), at.to_str().unwrap()]);
        Self(at)
    }

    /// Takes all room but so much.
    fn fill_up_to(&self, left_bytes: u64) {
        let mut ballast = File::create(self.0.join("ballast")).unwrap();
        loop {
            let room = storywatch::journal::state_dir::free_bytes(&self.0).unwrap();
            let size = room.saturating_sub(left_bytes).min(1 << 20);
            if size == 0 || ballast.write_all(&vec![1; usize::try_from(size).unwrap()]).is_err() {
                return;
            }
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(&self.0).status().unwrap();
    }
}

fn drop_ferry(world: &World, number: usize) {
    let text = format!(
        "Ferry {number} halted\n\nThe ferry number {number} was halted on day {number} of the storm."
    );
    world.drop_file(&format!("{number}.txt"), &text);
}

fn numbers_of(world: &World) -> Vec<u64> {
    world.alerts().iter().map(|alert| alert["seq"].as_u64().unwrap()).collect()
}

#[test]
fn a_full_disk_is_waited_for() {
    if !may_use_the_system("a full disk") {
        return;
    }
    // below the reserve that the index needs to open again, and to the last byte
    for left_bytes in [32 << 20, 0] {
        let world = World::new(TOPIC);
        let disk = Mount::memory(world.path("state"), 160);
        let daemon = world.start();
        drop_ferry(&world, 0);
        wait_for("the first alert", || world.alerts().pop());
        disk.fill_up_to(left_bytes);
        (1..40).for_each(|number| drop_ferry(&world, number));
        wait_for("word of it", || daemon.said().contains("waiting for room").then_some(()));
        assert_eq!(world.alerts().len(), 1);
        disk.make_room();
        wait_for("all alerts", || (world.alerts().len() == 40).then_some(()));
        wait_for("the log to say it", || daemon.said().contains("there is room again").then_some(()));

        // a start on a full disk waits too
        disk.fill_up_to(left_bytes);
        daemon.kill();
        drop_ferry(&world, 40);
        let daemon = world.spawn();
        wait_for("word of it", || daemon.said().contains("waiting for room").then_some(()));
        disk.make_room();
        wait_for("the last alert", || (world.alerts().len() == 41).then_some(()));
        daemon.stop();
        assert_eq!(numbers_of(&world), (1..=41).collect::<Vec<_>>());
        world.ok(&["store", "verify"]);
    }
}

#[test]
fn a_stop_is_not_held_up_by_a_full_disk() {
    if !may_use_the_system("a stop on a full disk") {
        return;
    }
    let world = World::new(TOPIC);
    let disk = Mount::memory(world.path("state"), 160);
    let daemon = world.start();
    disk.fill_up_to(0);
    drop_ferry(&world, 0);
    wait_for("word of it", || daemon.said().contains("waiting for room").then_some(()));
    let began = Instant::now();
    daemon.signal(rustix::process::Signal::TERM);
    daemon.wait();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    disk.make_room();
    let daemon = world.start();
    wait_for("the alert", || world.alerts().pop());
    daemon.stop();
}

#[test]
fn a_full_disk_of_the_index_alone_is_waited_for() {
    if !may_use_the_system("a full disk of the index") {
        return;
    }
    let world = World::new(TOPIC);
    let daemon = world.start();
    drop_ferry(&world, 0);
    wait_for("the first alert", || world.alerts().pop());
    daemon.stop();
    let (index, kept) = (world.path("state/index"), world.path("kept"));
    fs::rename(&index, &kept).unwrap();
    let disk = Mount::memory(index.clone(), 160);
    run("cp", &["-a", kept.join(".").to_str().unwrap(), index.to_str().unwrap()]);

    let daemon = world.start();
    disk.fill_up_to(0);
    (1..40).for_each(|number| drop_ferry(&world, number));
    wait_for("word of it", || daemon.said().contains("waiting for room").then_some(()));
    disk.make_room();
    wait_for("all alerts", || (world.alerts().len() == 40).then_some(()));

    // There is room, but a write says that there is none: no file can be made.
    let remount = |inodes: &dyn Fn() -> usize| {
        // refused while there are more, such as a file that will be renamed
        wait_for("the disk to be mounted otherwise", || {
            let options = format!("remount,nr_inodes={}", inodes());
            let done = Command::new("mount").args(["-o", &options]).arg(&index).status().unwrap();
            done.success().then_some(())
        });
    };
    let folders = 3;
    let no_more = || files(&index).iter().filter(|file| !file.ends_with("synced.new")).count() + folders;
    let more = || 10_000;
    remount(&no_more);
    drop_ferry(&world, 40);
    wait_for("word of it", || daemon.said().contains("could not note how far").then_some(()));
    drop_ferry(&world, 41);
    wait_for("its alert", || (world.alerts().len() == 42).then_some(()));
    remount(&more);
    wait_for("the log to say it", || daemon.said().contains("it is noted again").then_some(()));
    daemon.stop();

    // nor at a start
    remount(&no_more);
    drop_ferry(&world, 42);
    let daemon = world.spawn();
    wait_for("word of it", || daemon.said().contains("waiting for room").then_some(()));
    remount(&more);
    wait_for("the last alert", || (world.alerts().len() == 43).then_some(()));
    daemon.stop();
    assert_eq!(numbers_of(&world), (1..=43).collect::<Vec<_>>());
    world.ok(&["store", "verify"]);
}

#[test]
fn a_full_disk_of_the_log_is_waited_for() {
    if !may_use_the_system("a full disk of the alert log") {
        return;
    }
    let world = World::new(TOPIC);
    let config = fs::read_to_string(world.path("storywatch.toml")).unwrap();
    world.write("storywatch.toml", &config.replace("\"alerts.log\"", "\"log/alerts.log\""));
    let disk = Mount::memory(world.path("log"), 1);
    let log = || fs::read_to_string(world.path("log/alerts.log")).unwrap_or_default();
    let daemon = world.start();
    drop_ferry(&world, 0);
    wait_for("the first alert", || (log().lines().count() == 1).then_some(()));
    disk.fill_up_to(0);
    // more than the page that the log has begun
    (1..60).for_each(|number| drop_ferry(&world, number));
    wait_for("word of it", || daemon.said().contains("could not write to the alert log").then_some(()));
    wait_for("all decisions", || (world.decisions().len() == 60).then_some(()));
    disk.make_room();
    wait_for("all alerts", || (log().lines().count() == 60).then_some(()));
    let again = "the alert log can be written again";
    wait_for("the log to say it", || daemon.said().contains(again).then_some(()));
    daemon.stop();
    let seq = |line: &str| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap();
    assert_eq!(log().lines().map(seq).collect::<Vec<_>>(), (1..=60).collect::<Vec<_>>());
}

/// Copies the disk's image as it was at one instant: again if the kernel wrote to it meanwhile.
fn snapshot(image: &Path, to: &Path) {
    let device =
        run("losetup", &["--noheadings", "--output", "NAME", "--associated", image.to_str().unwrap()]);
    let device = device.trim().trim_start_matches("/dev/").to_owned();
    let written = || {
        let stat = fs::read_to_string(format!("/sys/block/{device}/stat")).unwrap();
        let fields: Vec<u64> = stat.split_whitespace().map(|field| field.parse().unwrap()).collect();
        (fields[4], fields[6], fields[8])
    };
    wait_for("the disk to rest", || {
        let before = written();
        run("cp", &["--sparse=always", image.to_str().unwrap(), to.to_str().unwrap()]);
        (before == written() && before.2 == 0).then_some(())
    });
}

/// What was printed is committed, and what is committed is on the disk.
#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    if !may_use_the_system("power cuts") {
        return;
    }
    let world = World::new(TOPIC);
    world.write("articles.jsonl", &corpus::json_lines(17, 1500));
    let config = fs::read_to_string(world.path("storywatch.toml")).unwrap();
    world.write("storywatch.toml", &config.replace("\"alerts.log\"", "\"state/alerts.log\""));
    let (image, cut) = (world.path("disk.img"), world.path("cut.img"));
    let (mut dice, mut acknowledged) = (Dice(41), 0);
    for round in 0..rounds(0, 10, 100) {
        File::create(&image).unwrap().set_len(256 << 20).unwrap();
        run("mkfs.ext4", &["-q", "-F", "-m", "0", image.to_str().unwrap()]);
        let disk = Mount::image(&image, world.path("state"));
        run("sync", &["--file-system", disk.0.to_str().unwrap()]);
        let mut child = world.command(&["ingest", "articles.jsonl"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut printed = child.stdout.take().unwrap();
        let reader = thread::spawn(move || {
            let mut all = String::new();
            printed.read_to_string(&mut all).unwrap();
            all
        });
        thread::sleep(Duration::from_millis(500 + dice.roll(4000) as u64));
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        thread::sleep(Duration::from_millis(20));
        snapshot(&image, &cut);
        child.kill().unwrap();
        child.wait().unwrap();
        let printed = reader.join().unwrap();
        drop(disk);
        wait_for("the disk to be let go", || {
            run("losetup", &["--noheadings", "--output", "NAME", "--associated", image.to_str().unwrap()])
                .is_empty()
                .then_some(())
        });

        let disk = Mount::image(&cut, world.path("state"));
        let acked: BTreeSet<String> = printed
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .map(|decision| decision["article"]["id"].as_str().unwrap().to_owned())
            .collect();
        let logged = fs::read_to_string(world.path("state/alerts.log")).unwrap_or_default().lines().count();
        world.ok(&["store", "verify"]);
        let kept: BTreeSet<String> = world
            .decisions()
            .iter()
            .map(|decision| decision["article"]["id"].as_str().unwrap().to_owned())
            .collect();
        let lost: Vec<_> = acked.difference(&kept).collect();
        assert!(lost.is_empty(), "round {round}: lost {lost:?} of {}", acked.len());
        // what was told before is not told again, and nothing is left out
        world.ok(&["ingest", "--quiet", "articles.jsonl"]);
        let log = fs::read_to_string(world.path("state/alerts.log")).unwrap();
        let seq = |line: &str| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap();
        let seqs: Vec<u64> = log.lines().map(seq).collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "round {round}");
        assert!(seqs.len() >= logged);
        acknowledged += acked.len();
        drop(disk);
        wait_for("the disk to be let go", || {
            run("losetup", &["--noheadings", "--output", "NAME", "--associated", cut.to_str().unwrap()])
                .is_empty()
                .then_some(())
        });
    }
    assert!(acknowledged > 0, "nothing was acknowledged before any cut");
}
