//! The daemon with as many feeds as the world has, and its news.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    polls::{Ended, serve},
    servers,
};

pub(crate) const FEEDS: usize = 180_000;
/// Every feed is asked for the first time, one after the other, and then some of them again.
pub(crate) const SECS: u64 = 720;
const POLL_SECS: u32 = 600;
const FEEDS_A_HOST: usize = 3;
const TICKS_A_SECOND: f64 = 100.0;

pub(crate) fn run(feeds: usize, secs: u64) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (_server, port) = serve(&["serve-world"])?;
    let mut config = String::from(
        "state_dir = \"state\"\n[fetch]\npoll_secs_min = 60\npoll_secs_default = 600\nallow_private = [\"127.0.0.0/8\"]\n\
         [alerts]\nlog = \"alerts.log\"\n[[topic]]\nname = \"t\"\nquery = \"ba AND ren\"\n",
    );
    for number in 0..feeds {
        let at = servers::at(number / FEEDS_A_HOST, port);
        config.push_str("[[feed]]\nurl = \"http://");
        config.push_str(&at.to_string());
        config.push_str("/feed/");
        config.push_str(&number.to_string());
        config.push_str(".xml\"\npoll_secs = ");
        config.push_str(&POLL_SECS.to_string());
        config.push('\n');
    }
    fs::write(folder.path().join("storywatch.toml"), config)?;
    let mut out = io::stdout();
    writeln!(out, "{feeds} feeds, none of them known:")?;
    let begun = Instant::now();
    let daemon = start(folder.path())?;
    let id = daemon.0.id();
    let mut before = (begun.elapsed().as_secs_f64(), cpu_secs(id)?);
    let first = before;
    while begun.elapsed() < Duration::from_secs(secs) {
        thread::sleep(Duration::from_secs(60.min(secs)));
        let now = (begun.elapsed().as_secs_f64(), cpu_secs(id)?);
        let share = 100.0 * (now.1 - before.1) / (now.0 - before.0);
        writeln!(out, "after {:>4.0} s: {share:>5.1} % of a core, {} MB", now.0, resident_mb(id)?)?;
        before = now;
    }
    let share = 100.0 * (before.1 - first.1) / (before.0 - first.0);
    writeln!(out, "in all {share:.1} % of a core, at most {} MB", peak_mb(id)?)?;
    let status = storywatch("status", folder.path()).output()?;
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    for line in status.lines().filter(|line| !line.contains(" http")).take(12) {
        writeln!(out, "{line}")?;
    }
    drop(daemon);
    writeln!(out, "all of them known:")?;
    start(folder.path()).map(drop)
}

fn storywatch(verb: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_storywatch"));
    command.args([verb, "--config", "storywatch.toml"]).current_dir(folder);
    command
}

/// Starts the daemon, and tells what it takes as long as hardly any feed is asked.
fn start(folder: &Path) -> io::Result<Ended> {
    let socket = folder.join("state/control.sock");
    fs::remove_file(&socket).or_else(|fault| match fault.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(fault),
    })?;
    let begun = Instant::now();
    let daemon = Ended(storywatch("run", folder).stderr(Stdio::null()).spawn()?);
    while !socket.exists() && begun.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(10));
    }
    let listening = begun.elapsed().as_secs_f64();
    thread::sleep(Duration::from_secs(1));
    let (now, most) = (resident_mb(daemon.0.id())?, peak_mb(daemon.0.id())?);
    writeln!(io::stdout(), "listening after {listening:.1} s, {now} MB, until then at most {most} MB")?;
    Ok(daemon)
}

fn cpu_secs(id: u32) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / TICKS_A_SECOND)
}

fn resident_mb(id: u32) -> io::Result<u64> {
    memory_mb(id, "VmRSS:")
}

fn peak_mb(id: u32) -> io::Result<u64> {
    memory_mb(id, "VmHWM:")
}

fn memory_mb(id: u32, what: &str) -> io::Result<u64> {
    let status = fs::read_to_string(Path::new("/proc").join(id.to_string()).join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_default();
    let kb: u64 = line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(0);
    Ok(kb / 1024)
}
