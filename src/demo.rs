//! The main job on invented news, without network: a feed server and a drop directory on one side, the real daemon as
//! a process of its own on the other, and the alert log that fills between them.

pub mod pieces;
pub mod server;

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    io::{self, Read, Seek, SeekFrom, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::{Instant, sleep},
};

use self::{
    pieces::{EXAMPLE_TEXT, EXAMPLE_TITLE, Kind, OUTLETS, Piece, Story, Via, WAVES, pieces},
    server::{Server, feed_url, published},
};
use crate::article::{Decision, Verdict};

const DEADLINE_SECS: u64 = 60;
const STOP_SECS: u64 = 10;
const LOOK_MILLIS: u64 = 30;
/// Between the last alert of a wave and the next wave, so that a reader can follow.
const PAUSE_MILLIS: u64 = 1200;
const TITLE_CHARS_MAX: usize = 54;
const TOPIC: &str = "farrenby-korrin";
/// Variables of the user's that would send the demo's daemon elsewhere.
const FOREIGN_VARIABLES: [&str; 12] = [
    "STATE_DIRECTORY",
    "LOGS_DIRECTORY",
    "RUNTIME_DIRECTORY",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "LISTEN_FDS",
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
];

/// Gives every decision of a state directory whose daemon has stopped, in order.
pub type ReadDecisions<'a> = &'a dyn Fn(&Path) -> Result<Vec<Decision>, Box<dyn Error + Send + Sync>>;

/// What the demo needs from outside.
pub struct Stage<'a> {
    /// The program to start as `PROGRAM run --config FILE`; it must stop at SIGTERM.
    pub program: PathBuf,
    /// The clock.
    pub now: fn() -> Timestamp,
    /// Of the narration.
    pub zone: TimeZone,
    /// Reads what the daemon decided.
    pub decisions: ReadDecisions<'a>,
}

/// Why the demo did not show what it should.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The machine refuses.
    #[error("could not {doing}")]
    Io {
        /// What was tried.
        doing: String,
        /// Why not.
        source: io::Error,
    },
    /// The daemon has ended by itself.
    #[error("the daemon ended by itself with {status}; it said:\n{said}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// Its last lines.
        said: String,
    },
    /// Something did not happen in time.
    #[error("{missing} did not happen within {DEADLINE_SECS} s; the daemon said:\n{said}")]
    Late {
        /// What was awaited.
        missing: String,
        /// The daemon's last lines.
        said: String,
    },
    /// The result is not the expected one.
    #[error("the demo ran, but {0}")]
    Wrong(String),
    /// The decisions cannot be read.
    #[error("could not read the decisions")]
    Decisions(#[source] Box<dyn Error + Send + Sync>),
    /// By Ctrl-C or SIGTERM.
    #[error("stopped before its end")]
    Interrupted,
}

/// Plays the demo and writes it out line by line. Leaves nothing behind, also where it fails or is interrupted.
///
/// # Errors
/// What did not happen as expected.
pub fn run(stage: &Stage<'_>, out: &mut dyn Write) -> Result<(), DemoError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(io_error("start a runtime"))?;
    let folder = tempfile::Builder::new().prefix("storywatch-demo-").tempdir();
    let folder = folder.map_err(io_error("make a temporary directory"))?;
    let played = runtime.block_on(async {
        let ended = async {
            let mut terminate = signal(SignalKind::terminate()).map_err(io_error("listen for signals"))?;
            tokio::select! {
                _ = tokio::signal::ctrl_c() => Err(DemoError::Interrupted),
                _ = terminate.recv() => Err(DemoError::Interrupted),
            }
        };
        tokio::select! {
            played = play(stage, folder.path(), out) => played,
            interrupted = ended => interrupted,
        }
    });
    let path = folder.path().display().to_string();
    folder.close().map_err(io_error(&format!("remove {path}")))?;
    played
}

/// A real config for the demo's server: its feeds, a drop directory and one topic, all below `dir`.
pub fn config_text(server: SocketAddr, dir: &Path) -> String {
    let mut parts = vec![format!(
        "state_dir = {state}\ncontrol = {control}\n\n[fetch]\npoll_secs_default = 1\npoll_secs_min = 1\nper_host_gap_secs = 0\n\
         allow_private = [{address}]\n",
        state = quoted(&dir.join("state").to_string_lossy()),
        control = quoted(&dir.join("control.sock").to_string_lossy()),
        address = quoted(&server.to_string()),
    )];
    for outlet in OUTLETS.iter().filter(|outlet| outlet.via != Via::Drop) {
        parts.push(format!(
            "\n[[feed]]\nurl = {}\nname = {}\noutlet = {}\npoll_secs = 1\n",
            quoted(&feed_url(server, outlet)),
            quoted(outlet.name),
            quoted(outlet.host)
        ));
    }
    parts.push(format!(
        "\n[[drop]]\npath = {drop}\n\n[alerts]\nlog = {log}\n\n[[topic]]\nname = {topic}\n\
         query = 'Farrenby AND (Brackholt OR Korrin OR dredg* OR contractor)'\n\
         names = {{ \"Odile Farrenby\" = [\"Ms Farrenby\", \"Minister Farrenby\"], \"Tomas Brackholt\" = [] }}\n\
         examples = [\"example-*.txt\"]\n",
        drop = quoted(&dir.join("drop").to_string_lossy()),
        log = quoted(&dir.join("alerts.log").to_string_lossy()),
        topic = quoted(TOPIC),
    ));
    parts.concat()
}

fn quoted(text: &str) -> String {
    // As serde_json writes it, with nothing but control characters escaped, a JSON string is a TOML string.
    serde_json::Value::from(text).to_string()
}

fn io_error(doing: &str) -> impl FnOnce(io::Error) -> DemoError {
    let doing = doing.to_owned();
    move |source| DemoError::Io { doing, source }
}

async fn play(stage: &Stage<'_>, dir: &Path, out: &mut dyn Write) -> Result<(), DemoError> {
    let began = (stage.now)();
    let mut tasks = JoinSet::new();
    let server = Server::start(&mut tasks, began).await.map_err(io_error("serve feeds on 127.0.0.1"))?;
    let config = dir.join("storywatch.toml");
    let write = |name: &str, text: &str| {
        fs::write(dir.join(name), text).map_err(io_error(&format!("write {}", dir.join(name).display())))
    };
    write("storywatch.toml", &config_text(server.address(), dir))?;
    write("example-contract.txt", &format!("{EXAMPLE_TITLE}\n\n{EXAMPLE_TEXT}\n"))?;
    fs::create_dir(dir.join("drop")).map_err(io_error("make the drop directory"))?;

    let mut teller = Teller { stage, out };
    teller.plain(
        "Six invented outlets publish news: five by feeds on this machine, one by files in a directory.",
    )?;
    teller.plain(&format!("One topic is tracked, [{TOPIC}]: a minister's talks with a dredging company."))?;
    teller.plain("Lines with > are what the daemon writes into its alert log.\n")?;
    let mut daemon = Daemon::start(&stage.program, &config, dir)?;
    teller.line("the daemon starts")?;

    let mut log = Log { path: dir.join("alerts.log"), read_bytes: 0, partial: Vec::new(), lines: Vec::new() };
    let deadline = Instant::now() + Duration::from_secs(DEADLINE_SECS);
    let all = pieces();
    for wave in 1..=WAVES {
        let published = all.iter().filter(|piece| piece.wave == wave);
        for piece in published.clone() {
            teller.line(&narrated(piece))?;
            if piece.outlet.via == Via::Drop {
                drop_file(dir, piece, began).map_err(io_error("put an article into the drop directory"))?;
            }
        }
        server.release(wave);
        let awaited: Vec<&Piece> = published.filter(|piece| is_news(piece)).collect();
        loop {
            for line in log.more().map_err(io_error("read the alert log"))? {
                teller.plain(&format!("          > {line}"))?;
            }
            let missing = awaited.iter().find(|piece| !log.lines.iter().any(|line| tells(line, piece)));
            if missing.is_none() && server.all_seen() {
                break;
            }
            daemon.check(deadline, || match missing {
                Some(piece) => format!("an alert of \"{}\" ({})", piece.title, piece.outlet.name),
                None => "a look at every feed".to_owned(),
            })?;
            sleep(Duration::from_millis(LOOK_MILLIS)).await;
        }
        sleep(Duration::from_millis(PAUSE_MILLIS)).await;
    }
    daemon.stop().await?;
    for line in log.more().map_err(io_error("read the alert log"))? {
        teller.plain(&format!("          > {line}"))?;
    }
    teller.line("the daemon has stopped\n")?;
    let decisions = (stage.decisions)(&dir.join("state")).map_err(DemoError::Decisions)?;
    teller.plain(&summary(&decisions))?;
    judge(&all, &decisions, &log.lines)?;
    teller.plain(&format!(
        "{} articles came in, {} were news about the topic, and nothing else would have reached you.",
        decisions.len(),
        log.lines.len()
    ))
}

fn narrated(piece: &Piece) -> String {
    let name = piece.outlet.name;
    match (piece.kind, piece.outlet.via) {
        (Kind::Update, _) => format!("{name} rewrites its report: \"{}\"", piece.title),
        (Kind::Copy, _) => format!("{name} prints the wire's report as \"{}\"", piece.title),
        (Kind::Report, Via::Drop) => format!("{name} drops a file: \"{}\"", piece.title),
        (Kind::Report, _) => format!("{name} publishes \"{}\"", piece.title),
    }
}

/// Whether the topic's user must hear of it.
fn is_news(piece: &Piece) -> bool {
    piece.story == Story::Minister && piece.kind != Kind::Copy
}

fn tells(line: &str, piece: &Piece) -> bool {
    let update = line.contains("] UPDATE ");
    line.contains(&piece.url()) && update == (piece.kind == Kind::Update)
}

/// Written elsewhere and moved in, as a careful newsroom does.
fn drop_file(dir: &Path, piece: &Piece, began: Timestamp) -> io::Result<()> {
    let article = serde_json::json!({
        "id": piece.path.trim_start_matches('/'),
        "url": piece.url(),
        "title": piece.title,
        "text": piece.text,
        "published": published(piece, began).to_string(),
        "source": piece.outlet.host,
    });
    let aside = dir.join("article.part");
    fs::write(&aside, format!("{article}\n"))?;
    fs::rename(aside, dir.join("drop").join("article.jsonl"))
}

/// Writes the lines of the demo.
struct Teller<'a, 'b> {
    stage: &'a Stage<'b>,
    out: &'a mut dyn Write,
}

impl Teller<'_, '_> {
    fn line(&mut self, text: &str) -> Result<(), DemoError> {
        let time = (self.stage.now)().to_zoned(self.stage.zone.clone()).strftime("%H:%M:%S").to_string();
        self.plain(&format!("{time}  {text}"))
    }

    fn plain(&mut self, text: &str) -> Result<(), DemoError> {
        writeln!(self.out, "{text}")
            .and_then(|()| self.out.flush())
            .map_err(io_error("write the demo's lines"))
    }
}

/// The alert log, as far as it has been read.
struct Log {
    path: PathBuf,
    read_bytes: u64,
    partial: Vec<u8>,
    lines: Vec<String>,
}

impl Log {
    /// The whole lines that are new.
    fn more(&mut self) -> io::Result<Vec<String>> {
        let mut file = match fs::File::open(&self.path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(cause),
        };
        file.seek(SeekFrom::Start(self.read_bytes))?;
        self.read_bytes += file.read_to_end(&mut self.partial)? as u64;
        let whole = self.partial.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let bytes: Vec<u8> = self.partial.drain(..whole).collect();
        let lines: Vec<String> = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
        self.lines.extend(lines.iter().cloned());
        Ok(lines)
    }
}

/// The daemon as a process; killed where the demo ends without having stopped it.
struct Daemon {
    child: Child,
    said: PathBuf,
}

impl Daemon {
    fn start(program: &Path, config: &Path, dir: &Path) -> Result<Self, DemoError> {
        let said = dir.join("daemon.log");
        let doing = format!("start {}", program.display());
        let started = || -> io::Result<Child> {
            let output = fs::File::create(&said)?;
            let mut command = Command::new(program);
            command.arg("run").arg("--config").arg(config).current_dir(dir);
            command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
            for name in FOREIGN_VARIABLES {
                command.env_remove(name);
            }
            command.spawn()
        };
        Ok(Self { child: started().map_err(io_error(&doing))?, said })
    }

    fn last_words(&self) -> String {
        let bytes = fs::read(&self.said).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().rev().take(20).collect();
        lines.into_iter().rev().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }

    /// An error where the daemon has ended or the time is up.
    fn check(&mut self, deadline: Instant, missing: impl FnOnce() -> String) -> Result<(), DemoError> {
        if let Some(status) = self.child.try_wait().map_err(io_error("ask for the daemon's state"))? {
            return Err(DemoError::Ended { status, said: self.last_words() });
        }
        if Instant::now() >= deadline {
            return Err(DemoError::Late { missing: missing(), said: self.last_words() });
        }
        Ok(())
    }

    async fn stop(&mut self) -> Result<(), DemoError> {
        if let Some(id) = Pid::from_raw(self.child.id().cast_signed()) {
            kill_process(id, Signal::TERM).map_err(|cause| io_error("stop the daemon")(cause.into()))?;
        }
        let deadline = Instant::now() + Duration::from_secs(STOP_SECS);
        loop {
            match self.child.try_wait().map_err(io_error("ask for the daemon's state"))? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(DemoError::Ended { status, said: self.last_words() }),
                None if Instant::now() >= deadline => {
                    let missing = "the daemon's end after SIGTERM".to_owned();
                    return Err(DemoError::Late { missing, said: self.last_words() });
                }
                None => sleep(Duration::from_millis(LOOK_MILLIS)).await,
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Both fail only where the daemon has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A line a decision.
fn summary(decisions: &[Decision]) -> String {
    let mut stories = BTreeMap::new();
    let mut lines = vec!["Every article, and what became of it:".to_owned()];
    lines.push(row("outlet", "verdict", "story", "title", "told"));
    for decision in decisions {
        let story = decision.story.map_or_else(String::new, |id| {
            let next = stories.len() + 1;
            stories.entry(id).or_insert(next).to_string()
        });
        let outcome: Vec<&str> = decision.matches.iter().map(|found| found.outcome.as_str()).collect();
        let told = if outcome.is_empty() { "no topic".to_owned() } else { outcome.join(", ") };
        let mut title: String = decision.article.title.chars().take(TITLE_CHARS_MAX).collect();
        if title.len() < decision.article.title.len() {
            title.pop();
            title.push('…');
        }
        lines.push(row(&decision.article.source, decision.verdict.word(), &story, &title, &told));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn row(outlet: &str, verdict: &str, story: &str, title: &str, told: &str) -> String {
    format!("  {outlet:<26}  {verdict:<8}  {story:<5}  {title:<TITLE_CHARS_MAX$}  {told}")
}

/// Compares what was decided and told with what should have been.
fn judge(all: &[Piece], decisions: &[Decision], alerts: &[String]) -> Result<(), DemoError> {
    let wrong = |what: String| Err(DemoError::Wrong(what));
    let stray =
        |line: &&String| !all.iter().any(|piece| piece.story == Story::Minister && tells(line, piece));
    if let Some(line) = alerts.iter().find(stray) {
        return wrong(format!("an alert tells what the topic is not about: {line}"));
    }
    let mut told = BTreeSet::new();
    if let Some(line) = alerts.iter().find(|line| !told.insert(line.as_str())) {
        return wrong(format!("an alert is told twice: {line}"));
    }
    for piece in all {
        let of_piece = |decision: &&Decision| {
            decision.article.url.as_deref() == Some(&piece.url()) && decision.article.title == piece.title
        };
        let Some(decision) = decisions.iter().find(of_piece) else {
            return wrong(format!("there is no decision about \"{}\" ({})", piece.title, piece.outlet.name));
        };
        let expected = match piece.kind {
            Kind::Report => Verdict::New,
            Kind::Copy => Verdict::Copy,
            Kind::Update => Verdict::Update,
        };
        if decision.verdict != expected {
            let (is, should) = (decision.verdict.word(), expected.word());
            return wrong(format!("\"{}\" is taken for `{is}`, expected `{should}`", piece.title));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::{
        article::{ArticleHead, ArticleId, Id, Match},
        config::{self, Env},
    };

    fn decision(piece: &Piece) -> Decision {
        let id = ArticleId { report: Id::of(&[piece.url().as_bytes()]), revision: 1 };
        let verdict = match piece.kind {
            Kind::Report => Verdict::New,
            Kind::Copy => Verdict::Copy,
            Kind::Update => Verdict::Update,
        };
        let outcome = if is_news(piece) { "alerted" } else { "suppressed:copy" }.to_owned();
        let found = Match { topic: TOPIC.to_owned(), score: 1.0, evidence: Vec::new(), outcome };
        Decision {
            story: Some(Id(u64::from(piece.wave))),
            matches: if piece.story == Story::Minister { vec![found] } else { Vec::new() },
            ..Decision::of(
                ArticleHead {
                    id,
                    input_id: None,
                    source: piece.outlet.host.to_owned(),
                    url: Some(piece.url()),
                    title: piece.title.to_owned(),
                    published: None,
                    seen_at: Timestamp::UNIX_EPOCH,
                    language: None,
                    lead: String::new(),
                },
                verdict,
            )
        }
    }

    fn alert(piece: &Piece) -> String {
        let kind = if piece.kind == Kind::Update { "UPDATE" } else { "NEW COVERAGE" };
        format!("2031-03-06T12:00:00Z [{TOPIC}] {kind} {} · <{}> · #1", piece.outlet.host, piece.url())
    }

    /// What is wrong with a run that is right but for what `spoil` does to it.
    fn check(spoil: impl FnOnce(&mut Vec<Decision>, &mut Vec<String>), expected: Option<&str>) {
        let all = pieces();
        let mut decisions: Vec<Decision> = all.iter().map(decision).collect();
        let mut alerts = all.iter().filter(|piece| is_news(piece)).map(alert).collect();
        spoil(&mut decisions, &mut alerts);
        match (judge(&all, &decisions, &alerts), expected) {
            (Ok(()), None) => {}
            (Err(wrong), Some(expected)) => assert!(wrong.to_string().contains(expected), "{wrong}"),
            (judged, _) => panic!("{judged:?}"),
        }
    }

    #[test]
    fn judges_a_run() {
        check(|_, _| {}, None);
        check(|decisions, _| decisions.truncate(9), Some("no decision about \"Farrenby admits"));
        check(|decisions, _| decisions[6].verdict = Verdict::New, Some("taken for `new`, expected `copy`"));
        check(|_, alerts| alerts.push(alert(&pieces()[1])), Some("what the topic is not about"));
        check(|_, alerts| alerts.push(alerts[0].clone()), Some("told twice"));
    }

    #[test]
    fn an_update_is_told_as_one() {
        let all = pieces();
        let (report, update) = (&all[0], &all[9]);
        assert!(tells(&alert(report), report) && tells(&alert(update), update));
        assert!(!tells(&alert(report), update) && !tells(&alert(update), report));
    }

    #[test]
    fn the_summary_has_a_line_a_decision() {
        let decisions: Vec<Decision> = pieces().iter().map(decision).collect();
        let summary = summary(&decisions);
        assert_eq!(summary.lines().filter(|line| line.contains(".example")).count(), decisions.len());
        assert!(summary.contains("no topic") && summary.contains("suppressed:copy"));
    }

    #[test]
    fn the_config_is_without_fault() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("storywatch.toml");
        let server: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        fs::write(&path, config_text(server, dir.path())).unwrap();
        let config = config::load(&path, &Env::default(), &|_| Ok(())).unwrap();
        assert_eq!((config.feeds.len(), config.drops.len(), config.topics.len()), (5, 1, 1));
        assert_eq!(config.feeds[0].poll_secs, Some(1));
        assert_eq!(config.fetch.allow_private, ["127.0.0.1:8080"]);
        assert_eq!(config.topics[0].examples, [dir.path().join("example-*.txt")]);
    }

    #[test]
    fn the_log_is_read_by_whole_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("alerts.log");
        let mut log = Log { path: path.clone(), read_bytes: 0, partial: Vec::new(), lines: Vec::new() };
        assert_eq!(log.more().unwrap(), [""; 0]);
        fs::write(&path, "one\ntw").unwrap();
        assert_eq!(log.more().unwrap(), ["one"]);
        fs::write(&path, "one\ntwo\n").unwrap();
        assert_eq!(log.more().unwrap(), ["two"]);
        assert_eq!(log.lines, ["one", "two"]);
    }

    #[test]
    fn a_daemon_that_ends_is_told_with_its_last_words() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("ends");
        fs::write(&program, "#!/bin/sh\necho \"in $3\" >&2\nexit 78\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let stage = Stage {
            program,
            now: || Timestamp::UNIX_EPOCH,
            zone: TimeZone::UTC,
            decisions: &|_| Ok(Vec::new()),
        };
        let mut out = Vec::new();
        let failed = run(&stage, &mut out).unwrap_err().to_string();
        assert!(failed.contains("exit status: 78"), "{failed}");
        let config = failed.split_whitespace().find(|word| word.ends_with("storywatch.toml")).unwrap();
        assert!(!Path::new(config).parent().unwrap().exists(), "{config} is left behind");
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("00:00:00  Harbour Post publishes"), "{out}");
    }
}
