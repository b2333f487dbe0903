//! Servers that mean harm: each of their answers ends soon, in little memory, with an error that names the feed, and no
//! other feed waits for it.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::world::{World, wait_for};

/// The whole process.
const MEMORY_KIB_MAX: u64 = 256 << 10;

/// Paths whose answer is one that a feed may give; all others are an error of their feed.
const GOOD: [&str; 3] = ["/good", "/redirect-permanent", "/cookie"];

struct Hostile {
    server: Child,
    address: String,
}

impl Hostile {
    fn start(tools: &Path) -> Self {
        let mut server = Command::new("python3")
            .arg(tools.join("hostile_server.py"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { server, address: line.trim().trim_start_matches("http://").to_owned() }
    }

    fn get(&self, path: &str) -> String {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

#[test]
fn hostile_servers_cost_little_and_delay_nobody() {
    let Some(tools) = std::env::var_os("STORYWATCH_TORTURE") else { return };
    let hostile = Hostile::start(Path::new(&tools));
    let listing = hostile.get("/");
    let paths: Vec<&str> = listing
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|path| *path != "/good")
        .collect();
    assert!(paths.len() > 60, "{listing}");
    // a server that asks for peace is left in peace with all its feeds: each such answer has a server of its own
    let (holding, paths): (Vec<&str>, Vec<&str>) =
        paths.into_iter().partition(|path| path.starts_with("/429") || path.starts_with("/503"));
    let apart: Vec<(Hostile, &str)> =
        holding.into_iter().map(|path| (Hostile::start(Path::new(&tools)), path)).collect();
    let mut config = format!(
        "[fetch]\npoll_secs_min = 1\nper_host_gap_secs = 0\ntimeout_secs = 25\nallow_private = [{}\"{}\"]\n\
         [[feed]]\nurl = \"http://{}/good\"\npoll_secs = 1\n",
        apart.iter().map(|(server, _)| ["\"", &server.address, "\", "].concat()).collect::<String>(),
        hostile.address,
        hostile.address
    );
    let here = paths.iter().map(|path| (&hostile, *path));
    let all: Vec<_> = here.chain(apart.iter().map(|(server, path)| (server, *path))).collect();
    for (server, path) in &all {
        config.push_str(&format!("[[feed]]\nurl = \"http://{}{path}\"\n", server.address));
    }
    let world = World::new(&config);
    let began = Instant::now();
    let daemon = world.start();
    let feeds = wait_for("an account of every feed", || {
        let feeds: Vec<Value> = serde_json::from_str(&world.ok(&["feeds", "list", "--json"])).ok()?;
        let asked = feeds.iter().filter(|feed| feed["health"] != "new").count();
        (asked == all.len() + 1 || began.elapsed() > Duration::from_secs(29)).then_some(feeds)
    });
    let new: Vec<_> = feeds.iter().filter(|feed| feed["health"] == "new").map(|feed| &feed["url"]).collect();
    assert!(new.is_empty(), "no end after 29 s: {new:?}");

    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak <= MEMORY_KIB_MAX, "{peak} KiB");

    let log: Vec<Value> = serde_json::from_str(&hostile.get("/log")).unwrap();
    let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &log {
        assert_eq!(entry["port"], "public", "it let itself be led to another address: {entry}");
        assert!(entry["headers"].get("cookie").is_none(), "it brought a cookie: {entry}");
        *asked.entry(entry["path"].as_str().unwrap()).or_default() += 1;
    }
    let turns = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!(asked["/good"] * 2 > turns, "the good feed was asked {} times in {turns} s", asked["/good"]);
    for feed in &feeds {
        let url = feed["url"].as_str().unwrap().trim_start_matches("http://");
        let path = url.find('/').map_or("", |at| &url[at..]);
        let failed = feed["error"].is_string();
        assert!(failed || !path.starts_with("/redirect-private"), "{feed}");
        assert!(!failed || !GOOD.contains(&path), "{feed}");
    }
    let lines = daemon.said();
    assert!(!lines.contains("panicked"), "{lines}");
    daemon.stop();
    for decision in world.decisions() {
        let text = decision.to_string();
        assert!(
            !text.contains("SECRET") && !text.contains("root:x:") && !text.contains("javascript:"),
            "{text}"
        );
        let title = decision["article"]["title"].as_str().unwrap();
        assert!(!title.chars().any(char::is_control), "{title:?}");
    }
}
