//! What the reading room costs over a large journal: `cargo bench --bench room -- [--articles N] [--state DIR]
//! [make|index|search|story|page]...`. Makes the journal where DIR has none, and the index where that is missing; then
//! asks, in this process (search, story) and of the daemon over HTTP (page). Without DIR all is gone in the end.
#![expect(clippy::expect_used, reason = "a bench that cannot run has nothing to say")]

use std::{
    fmt::Write as _,
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};
use storywatch::{
    article::Id,
    reading::{Room, found::Search},
    search::{By, Filter},
};

#[expect(dead_code, reason = "its words are wanted here, not its articles")]
mod corpus;
mod invented;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ARTICLES: u64 = 100_000;
/// Each question is asked so often; every answer counts.
const ROUNDS: usize = 7;
const SEARCH_SHOWN: usize = 20;
/// The daemon first builds its index of the journal.
const START_SECS_MAX: u64 = 1_800;
const DAY_SECS: i64 = 86_400;

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let value = |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1));
    let articles = value("--articles").and_then(|count| count.parse().ok()).unwrap_or(ARTICLES);
    let folder = tempfile::tempdir()?;
    let state = value("--state").map_or_else(|| folder.path().join("state"), PathBuf::from);
    let parts = ["make", "index", "search", "story", "page"];
    let named: Vec<&str> = parts.into_iter().filter(|part| words.iter().any(|word| word == part)).collect();
    let asked = |part: &str| named.is_empty() || named.contains(&part);
    if asked("make") && !state.join("journal").exists() {
        fs::create_dir_all(&state)?;
        let begun = Instant::now();
        let bytes = invented::fill(&state, articles)?;
        fs::write(state.join("text-bytes"), bytes.to_string())?;
        told(&format!(
            "{articles} articles, {} bytes of text each, made in {:.0} s",
            bytes / articles.max(1),
            begun.elapsed().as_secs_f64()
        ));
    }
    if asked("index") {
        index(&state)?;
    }
    if asked("search") || asked("story") {
        let room = Room::open(&state).expect("a sound store");
        told(&format!("{} reports are in the index", room.view().extent().0));
        if asked("search") {
            searches(&room);
        }
        if asked("story") {
            stories(&room);
        }
    }
    if asked("page") {
        pages(&state)?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a bench is read on the terminal, line by line")]
fn told(line: &str) {
    println!("{line}");
}

fn index(state: &Path) -> io::Result<()> {
    let (begun, cpu) = (Instant::now(), cpu());
    let room = Room::open(state).expect("a sound store");
    let before = room.view().extent().0;
    room.catch_up(&mut |_, _| {}, &mut |_| {}).expect("a sound store");
    let articles = room.view().extent().0.saturating_sub(before);
    let cpu = self::cpu().saturating_sub(cpu);
    let bytes = bytes_below(&state.join("search"))?;
    let text: u64 = fs::read_to_string(state.join("text-bytes"))?.trim().parse().map_err(io::Error::other)?;
    told(&format!(
        "index: {:.1} µs of CPU and {:.1} µs an article, {:.1} % of the text, {:.1} % of the journal's files",
        micros(cpu) / float(articles),
        micros(begun.elapsed()) / float(articles),
        100.0 * float(bytes) / float(text),
        100.0 * float(bytes) / float(bytes_below(&state.join("journal"))?),
    ));
    Ok(())
}

/// What people look for: words from everywhere to nowhere, and all that the language has.
fn questions() -> Vec<(String, Search)> {
    let ranks = [14, 39, 60, 200, 1_000, 10_000, 200_000];
    let [he, people, common, usual, some, few, rare] = ranks.map(corpus::word);
    let (known, unknown) = (invented::person(0), invented::person(9_000));
    let now = Timestamp::now();
    let since = |days: i64| Some((now - SignedDuration::from_secs(days * DAY_SECS)).as_second());
    let mut asked = Vec::new();
    let words = [
        he.clone(),
        people.clone(),
        common.clone(),
        usual.clone(),
        some.clone(),
        few.clone(),
        rare.clone(),
        "nowhereatall".to_owned(),
        format!("{people} {common}"),
        format!("{common} {usual} {some}"),
        format!("{common} OR {usual} OR {some}"),
        format!("{few} OR {rare}"),
        format!("{common} NOT {people}"),
        format!("({few} OR {rare}) {people} NOT {he}"),
        format!("\"{he} {people}\""),
        format!("\"{common} {usual}\""),
        format!("\"{people} of the\""),
        format!("\"{known}\""),
        format!("\"{unknown}\""),
        format!("{usual}*"),
        "ma*".to_owned(),
        "tolis* barenver".to_owned(),
        format!("{common} NEAR/5 {usual}"),
        format!("{people} NEAR/3 {he}"),
        format!("title:{common}"),
        format!("title:\"{known}\""),
        format!("entity:\"{known}\""),
        format!("source:{}", invented::outlet(0)),
        format!("lang:de {common}"),
        format!("={}", invented::person(3).split(' ').next().unwrap_or_default()),
        format!("/{usual}[a-z]+/ {common}"),
    ];
    for by in [By::Date, By::Relevance] {
        let one =
            |words: &str| Search { words: words.to_owned(), by, count: SEARCH_SHOWN, ..Search::default() };
        asked.extend(words.iter().map(|words| (format!("{by:?} {words}"), one(words))));
        let kept = [
            ("nothing", Search { ..one("") }),
            ("one outlet", Search { outlet: Some(invented::outlet(3)), ..one(&usual) }),
            ("one person", Search { entity: Some(known.clone()), ..one(&usual) }),
            ("one language", Search { language: Some("de".to_owned()), ..one(&usual) }),
            ("one day", Search { filter: Filter { since: since(1), ..Filter::default() }, ..one(&common) }),
            (
                "one day long ago",
                Search {
                    filter: Filter { since: since(21), until: since(20), ..Filter::default() },
                    ..one(&common)
                },
            ),
            (
                "one topic",
                Search {
                    filter: Filter { topic: Some(invented::topic(3)), ..Filter::default() },
                    ..one(&common)
                },
            ),
            ("the fifth page", Search { skip: 80, ..one(&usual) }),
        ];
        asked.extend(
            kept.into_iter().map(|(name, search)| (format!("{by:?} {} of {name}", search.words), search)),
        );
    }
    asked
}

fn searches(room: &Room) {
    let view = room.view();
    let mut all = Vec::new();
    for (name, search) in questions() {
        let mut times = Vec::new();
        let mut found = String::new();
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let answer = view.search(&search);
            times.push(begun.elapsed());
            found = answer.map_or_else(|fault| fault.to_string(), |found| found.reports.to_string());
        }
        row(&name, &mut times, &found);
        all.append(&mut times);
    }
    sum("search", &mut all);
}

fn stories(room: &Room) {
    let mut listed = room.view().stories(&Filter::default()).expect("a sound index");
    listed.sort_by_key(|story| std::cmp::Reverse(story.articles.len()));
    let mut all = Vec::new();
    for place in places(listed.len()) {
        let Some(story) = listed.get(place) else { continue };
        let begun = Instant::now();
        let told = room.view().story(story.id).expect("a sound journal");
        let mut times = vec![begun.elapsed()];
        let statements = told.map_or(0, |told| told.quote_groups.len());
        row(
            &format!("story of {} reports, drawn for the first time", story.articles.len()),
            &mut times,
            &format!("{statements} statements"),
        );
        all.append(&mut times);
    }
    sum("story", &mut all);
}

/// The largest few, and some of all sizes.
fn places(count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..4).collect();
    let mut next = 4;
    while next < count {
        places.push(next);
        next = next * 5 / 4 + 1;
    }
    places
}

/// The daemon over the state directory, with its page.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn pages(state: &Path) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut config = format!(
        "state_dir = '{}'\n[alerts]\nlog = \"alerts.log\"\n[serve]\nlisten = \"127.0.0.1:0\"\n[store]\nwindow_days = 1\n",
        fs::canonicalize(state)?.display()
    );
    for topic in invented::topics() {
        // Writing to a String cannot fail.
        write!(config, "[[topic]]\nname = \"{topic}\"\nquery = \"nowhereatall\"\n").ok();
    }
    fs::write(folder.path().join("storywatch.toml"), config)?;
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_storywatch"));
    child.args(["run", "--config", "storywatch.toml"]).current_dir(folder.path()).stderr(Stdio::piped());
    let mut daemon = Daemon(child.spawn()?);
    let stderr = daemon.0.stderr.take().expect("a pipe");
    let mut port: Option<u16> = None;
    let mut said = BufReader::new(stderr);
    let mut line = String::new();
    while port.is_none()
        && said.read_line(&mut line)? > 0
        && begun.elapsed() < Duration::from_secs(START_SECS_MAX)
    {
        port = line
            .split_once("http://127.0.0.1:")
            .and_then(|(_, rest)| rest.trim().trim_end_matches('/').parse().ok());
        line.clear();
    }
    // What it says later is read on, so that it can go on saying it.
    thread::spawn(move || io::copy(&mut said, &mut io::stderr()));
    let port = port.ok_or_else(|| io::Error::other("the daemon has no page"))?;
    told(&format!("the page is there after {:.0} s", begun.elapsed().as_secs_f64()));
    let listed = largest(state);
    let mut paths: Vec<String> =
        ["/", "/?from=15", "/stories", "/stories?from=200", "/search", "/feeds", "/metrics", "/alerts.atom"]
            .map(ToOwned::to_owned)
            .to_vec();
    for topic in invented::topics().take(4) {
        paths.extend([format!("/topic?name={topic}"), format!("/topic?name={topic}&by=day")]);
    }
    paths.extend(listed.iter().map(|story| format!("/story/{story}")));
    for words in [60, 200, 10_000].map(corpus::word) {
        paths.extend([format!("/search?q={words}"), format!("/search?q={words}&by=relevance")]);
    }
    let (mut first, mut all, mut largest) = (Vec::new(), Vec::new(), 0);
    for path in paths {
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            bytes = get(port, &path)?;
            times.push(begun.elapsed());
        }
        largest = largest.max(bytes);
        first.extend(times.first().copied());
        row(&path, &mut times, &format!("{bytes} bytes"));
        all.append(&mut times);
    }
    sum("page, the first time", &mut first);
    sum("page", &mut all);
    told(&format!("largest page {largest} bytes"));
    Ok(())
}

/// Stories of all sizes, the largest first.
fn largest(state: &Path) -> Vec<Id> {
    let room = Room::open(state).expect("a sound store");
    let mut listed = room.view().stories(&Filter::default()).expect("a sound index");
    listed.sort_by_key(|story| std::cmp::Reverse(story.articles.len()));
    places(listed.len()).iter().filter_map(|place| listed.get(*place)).map(|story| story.id).collect()
}

fn get(port: u16, path: &str) -> io::Result<usize> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    if !answer.starts_with(b"HTTP/1.1 200") {
        let head = String::from_utf8_lossy(answer.get(..60).unwrap_or(&answer)).into_owned();
        return Err(io::Error::other(format!("{path}: {head}")));
    }
    Ok(answer.len())
}

fn row(name: &str, times: &mut [Duration], what: &str) {
    times.sort_unstable();
    let (half, most) = (percentile(times, 50), percentile(times, 100));
    told(&format!("{half:>9.2} {most:>9.2} ms  {name}: {what}"));
}

fn sum(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let (half, most) = (percentile(times, 50), percentile(times, 95));
    told(&format!("{name}: p50 {half:.1} ms, p95 {most:.1} ms over {} answers", times.len()));
}

/// In milliseconds; of sorted times.
fn percentile(times: &[Duration], share: usize) -> f64 {
    let place = (times.len() * share).div_ceil(100).saturating_sub(1);
    times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

fn bytes_below(folder: &Path) -> io::Result<u64> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "bytes and articles are far fewer than 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}
