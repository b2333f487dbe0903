//! The one scaffold: a directory with a config, the real program in it, and a feed server.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that is waited for.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until `done` gives something.
pub fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = done() {
            return found;
        }
        assert!(started.elapsed() < DEADLINE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A directory of its own, with a config.
pub struct World {
    dir: TempDir,
}

impl World {
    /// A config with state, alert log, one drop directory, and what `more` adds (whole tables).
    pub fn new(more: &str) -> Self {
        let dir = TempDir::with_prefix("storywatch-it-").unwrap();
        let world = Self { dir };
        fs::create_dir(world.path("drop")).unwrap();
        world.write(
            "storywatch.toml",
            &format!(
                "state_dir = \"state\"\n[alerts]\nlog = \"alerts.log\"\nformat = \"json\"\n[[drop]]\npath = \"drop\"\n{more}"
            ),
        );
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes beside the drop directory and moves the file in, as a careful program does.
    pub fn drop_file(&self, name: &str, text: &str) {
        let beside = self.write("on-its-way", text);
        fs::rename(beside, self.path("drop").join(name)).unwrap();
    }

    pub fn command(&self, verb: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_storywatch"));
        command
            .args(verb)
            .args(["--config", "storywatch.toml"])
            .current_dir(self.dir.path())
            .env_remove("NOTIFY_SOCKET")
            .env_remove("STATE_DIRECTORY")
            .env_remove("LOGS_DIRECTORY")
            .env_remove("RUNTIME_DIRECTORY");
        command
    }

    pub fn output(&self, verb: &[&str]) -> Output {
        self.command(verb).output().unwrap()
    }

    /// Runs a verb that must succeed, and gives its standard output.
    pub fn ok(&self, verb: &[&str]) -> String {
        let output = self.output(verb);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{verb:?} ended with {}: {errors}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a verb that must fail, and gives exit code and standard error.
    pub fn fails(&self, verb: &[&str]) -> (Option<i32>, String) {
        let output = self.output(verb);
        assert!(!output.status.success(), "{verb:?} succeeded");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    /// The JSON lines that a verb prints.
    pub fn json_lines(&self, verb: &[&str]) -> Vec<Value> {
        self.ok(verb).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The alert log so far. Of a line that is being written only a part may be seen, at the end of a page of the file.
    pub fn alerts(&self) -> Vec<Value> {
        let log = fs::read(self.path("alerts.log")).unwrap_or_default();
        let lines = log.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }

    /// Every decision in the journal.
    pub fn decisions(&self) -> Vec<Value> {
        let decisions = storywatch::daemon::decisions(&self.path("state")).unwrap();
        decisions.iter().map(|decision| serde_json::to_value(decision).unwrap()).collect()
    }

    /// Starts the daemon, ready or not.
    pub fn spawn(&self) -> Daemon {
        self.spawn_with(&[])
    }

    /// The same with these variables in its environment.
    pub fn spawn_with(&self, variables: &[(&str, &str)]) -> Daemon {
        let mut command = self.command(&["run"]);
        command.envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut bytes) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Daemon { child, said }
    }

    /// Starts the daemon and waits until it is ready.
    pub fn start(&self) -> Daemon {
        self.start_with(&[])
    }

    /// The same with these variables in its environment.
    pub fn start_with(&self, variables: &[(&str, &str)]) -> Daemon {
        let daemon = self.spawn_with(variables);
        wait_for("the daemon to be ready", || daemon.said().contains("running:").then_some(()));
        daemon
    }
}

/// Whether all that is asked for is to be run: the long forms, and what needs root.
pub fn is_long() -> bool {
    std::env::var_os("STORYWATCH_LONG").is_some()
}

/// How many rounds: few in the usual run, more where the system is ours, all in the long form.
pub fn rounds(few: usize, ci: usize, all: usize) -> usize {
    match (is_long(), std::env::var_os("STORYWATCH_SYSTEM_TESTS").is_some()) {
        (true, _) => all,
        (false, true) => ci,
        (false, false) => few,
    }
}

/// Whether tests may mount, boot and install; says what is left out where they may not.
pub fn may_use_the_system(what: &str) -> bool {
    let may = std::env::var_os("STORYWATCH_SYSTEM_TESTS").is_some() && rustix::process::geteuid().is_root();
    if !may {
        // The test harness catches print macros.
        writeln!(std::io::stderr().lock(), "not run without root and STORYWATCH_SYSTEM_TESTS: {what}").ok();
    }
    may
}

/// A running daemon; killed when it goes out of scope.
pub struct Daemon {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Daemon {
    /// What it wrote to its standard error so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// SIGTERM, and waits for a good end.
    pub fn stop(mut self) {
        self.signal(rustix::process::Signal::TERM);
        let status = wait_for("the daemon to stop", || self.child.try_wait().unwrap());
        assert!(status.success(), "the daemon ended with {status}: {}", self.said());
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end, and gives its exit code.
    pub fn wait(mut self) -> Option<i32> {
        wait_for("the daemon to end", || self.child.try_wait().unwrap()).code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What a feed server answers to one path.
#[derive(Clone)]
pub struct Served {
    pub body: String,
    pub content_type: &'static str,
    pub etag: Option<String>,
}

/// A request as the server saw it: path and lower-case header lines.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub headers: String,
}

/// An HTTP server on 127.0.0.1 that answers what it is told to.
pub struct Server {
    pub address: SocketAddr,
    answers: Arc<Mutex<std::collections::BTreeMap<String, Served>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap())
    }

    /// The same at an address of one's own.
    pub fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self { address, answers: Arc::default(), asked: Arc::default() };
        let (answers, asked) = (Arc::clone(&server.answers), Arc::clone(&server.asked));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
                thread::spawn(move || answer(&stream, &answers, &asked));
            }
        });
        server
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn serve(&self, path: &str, served: Served) {
        self.answers.lock().unwrap().insert(path.to_owned(), served);
    }

    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.path == path).cloned().collect()
    }
}

fn answer(
    stream: &TcpStream,
    answers: &Mutex<std::collections::BTreeMap<String, Served>>,
    asked: &Mutex<Vec<Asked>>,
) {
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(first)) = lines.next() {
        let path = first.split(' ').nth(1).unwrap_or("/").to_owned();
        let headers: Vec<String> =
            lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let headers = headers.join("\n").to_lowercase();
        asked.lock().unwrap().push(Asked { path: path.clone(), headers: headers.clone() });
        let served = answers.lock().unwrap().get(&path).cloned();
        let reply = match served {
            None if path.ends_with("/gone") => "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n".to_owned(),
            None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            Some(Served { etag: Some(etag), .. })
                if headers.contains(&format!("if-none-match: {}", etag.to_lowercase())) =>
            {
                format!("HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n")
            }
            Some(Served { body, content_type, etag }) => {
                let etag = etag.map_or(String::new(), |etag| format!("ETag: {etag}\r\n"));
                let length = body.len();
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{etag}Content-Length: {length}\r\n\r\n{body}"
                )
            }
        };
        let mut stream = stream;
        if stream.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

/// An RSS feed of such items: address, title, text.
pub fn rss(items: &[(String, String, String)]) -> String {
    let mut body = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\"><channel><title>Made</title>",
    );
    for (url, title, text) in items {
        let now =
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_string(&jiff::Timestamp::now()).unwrap();
        body.push_str(&format!(
            "<item><pubDate>{now}</pubDate><guid>{url}</guid><link>{url}</link><title>{title}</title><description>{text}</description></item>"
        ));
    }
    body.push_str("</channel></rss>");
    body
}

/// Below `path`, every file.
pub fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
