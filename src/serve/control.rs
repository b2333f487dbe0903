//! The control socket: a request a connection, one JSON line, answered by JSON lines. Server and client stand together
//! so that the form is written once.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt},
    sync::{Semaphore, mpsc, oneshot},
    task::JoinSet,
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use super::socket::Socket;
use crate::{
    article::{Article, DELIVERY_FOUND_MAX, Delivery, Found},
    event::{Ask, Event, Question},
    reading::Asked,
};

/// Longest request; a delivery is the largest, and JSON takes up to twice its bytes.
const REQUEST_BYTES_MAX: u64 = 32 << 20;

/// Connections served at once; more wait.
const CONNECTIONS_MAX: usize = 16;

/// How long a client may take to send its request.
const REQUEST_SECS_MAX: u64 = 10;

/// Between two looks whether the socket is still there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Lines waiting to be sent to one client.
const LINES_WAITING_MAX: usize = 64;

/// What a client asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Why a known report did what it did.
    Explain(String),
    /// What an article would do.
    ExplainArticle(Box<Article>),
    /// How things stand.
    Status,
    /// How far these sources have come.
    Checkpoints(Vec<String>),
    /// How far sources have come, from this key on.
    CheckpointsFrom(String),
    /// A known report as a drop takes it.
    Article(String),
    /// Decide on what was read, as if a source had found it now: at most `DELIVERY_FOUND_MAX` finds. None at all only ask
    /// whether a daemon is there.
    Take(Vec<Found>),
    /// A question to the reading room.
    Read(Asked),
    /// Tell a test alert of a topic.
    Test(String),
    /// Try again what these sinks have laid aside or wait for.
    Retry(Vec<String>),
}

/// One line of an answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The whole answer to a question.
    Answer(Box<RawValue>),
    /// A committed decision on what was taken, in its order.
    Decision(Box<RawValue>),
    /// Something went wrong; the rest goes on.
    Fault(String),
    /// All is said.
    End,
}

/// Answers a question to the reading room: called on a blocking thread.
pub type Read = Arc<dyn Fn(&Asked) -> anyhow::Result<Value> + Send + Sync>;

/// Serves until `stop`.
pub async fn serve(mut socket: Socket, door: mpsc::Sender<Event>, read: Read, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = socket.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = look.tick() => {
                socket.look();
                continue;
            }
        };
        let Ok(stream) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { break };
        let (door, read) = (door.clone(), Arc::clone(&read));
        connections.spawn(async move {
            if let Err(fault) = connection(stream, door, read).await {
                tracing::debug!(%fault, "a client of the control socket went away");
            }
            drop(place);
        });
    }
    connections.shutdown().await;
}

async fn connection(
    mut stream: tokio::net::UnixStream,
    door: mpsc::Sender<Event>,
    read: Read,
) -> io::Result<()> {
    let (request, mut write) = stream.split();
    let mut line = String::new();
    let mut reader = tokio::io::BufReader::new(request.take(REQUEST_BYTES_MAX));
    tokio::time::timeout(Duration::from_secs(REQUEST_SECS_MAX), reader.read_line(&mut line)).await??;
    let (lines, mut replies) = mpsc::channel(LINES_WAITING_MAX);
    let work = answer(line, door, read, lines);
    let send = async {
        while let Some(reply) = replies.recv().await {
            let mut bytes = serde_json::to_vec(&reply)?;
            bytes.push(b'\n');
            write.write_all(&bytes).await?;
        }
        Ok(())
    };
    let ((), sent) = tokio::join!(work, send);
    sent
}

async fn answer(line: String, door: mpsc::Sender<Event>, read: Read, lines: mpsc::Sender<Reply>) {
    let reply = match serde_json::from_str(&line) {
        Err(fault) => Reply::Fault(format!("the request is none of this version's: {fault}")),
        Ok(Request::Take(found)) => take(found, &door, &lines).await,
        Ok(Request::Explain(target)) => ask(&door, Question::ExplainKnown(target)).await,
        Ok(Request::ExplainArticle(article)) => ask(&door, Question::ExplainArticle(article)).await,
        Ok(Request::Article(target)) => ask(&door, Question::Article(target)).await,
        Ok(Request::Status) => ask(&door, Question::Status).await,
        Ok(Request::Checkpoints(keys)) => ask(&door, Question::Checkpoints(keys)).await,
        Ok(Request::CheckpointsFrom(key)) => ask(&door, Question::CheckpointsFrom(key)).await,
        Ok(Request::Test(topic)) => ask(&door, Question::Test(topic)).await,
        Ok(Request::Retry(sinks)) => ask(&door, Question::Retry(sinks)).await,
        Ok(Request::Read(asked)) => match tokio::task::spawn_blocking(move || read(&asked)).await {
            Ok(Ok(value)) => answered(&value),
            Ok(Err(fault)) => Reply::Fault(format!("{fault:#}")),
            Err(fault) => Reply::Fault(format!("reading failed by a fault of the program: {fault}")),
        },
    };
    // A client that has gone needs no answer.
    lines.send(reply).await.ok();
}

async fn ask(door: &mpsc::Sender<Event>, question: Question) -> Reply {
    let (answer, waiting) = oneshot::channel();
    if door.send(Event::Ask(Ask { question, answer })).await.is_err() {
        return stopping();
    }
    match waiting.await {
        Ok(value) => answered(&value),
        Err(_) => stopping(),
    }
}

/// The decisions, once they are durable. What comes from another process is not trusted to be sound.
async fn take(mut found: Vec<Found>, door: &mpsc::Sender<Event>, lines: &mpsc::Sender<Reply>) -> Reply {
    if found.is_empty() {
        return Reply::End;
    }
    let at = Timestamp::now();
    for one in &mut found {
        match one {
            Found::Article(article) if !article.is_sound() => {
                return Reply::Fault("an article holds control characters".to_owned());
            }
            Found::Article(article) => article.seen_at = at,
            Found::Rejected(rejected) => rejected.seen_at = at,
        }
    }
    if found.len() > DELIVERY_FOUND_MAX {
        return Reply::Fault(format!("more than {DELIVERY_FOUND_MAX} finds at once"));
    }
    let (receipt, received) = oneshot::channel();
    let delivery = Delivery { at, found, checkpoints: Vec::new(), receipt: Some(receipt) };
    if door.send(Event::Batch(delivery)).await.is_err() {
        return stopping();
    }
    let Ok(decisions) = received.await else { return stopping() };
    for decision in decisions {
        let reply = match RawValue::from_string(decision) {
            Ok(raw) => Reply::Decision(raw),
            Err(fault) => Reply::Fault(format!("a decision is no JSON: {fault}")),
        };
        // A client that has gone needs no answer.
        lines.send(reply).await.ok();
    }
    Reply::End
}

fn stopping() -> Reply {
    Reply::Fault("the daemon is stopping: ask again when it runs".to_owned())
}

fn answered(value: &Value) -> Reply {
    match serde_json::value::to_raw_value(value) {
        Ok(raw) => Reply::Answer(raw),
        Err(fault) => Reply::Fault(format!("the answer cannot be written: {fault}")),
    }
}

/// Asks a running daemon: `None` where none listens on that socket.
///
/// # Errors
/// When the socket is there, but cannot be used.
pub fn request(path: &Path, request: &Request) -> anyhow::Result<Option<Replies>> {
    use anyhow::Context;
    let mut stream = match UnixStream::connect(path) {
        Ok(stream) => stream,
        Err(fault) if matches!(fault.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(fault) => {
            return Err(fault).with_context(|| {
                format!(
                    "could not talk to the daemon at {} (is this user in the group that may?)",
                    path.display()
                )
            });
        }
    };
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).context("could not ask the daemon")?;
    Ok(Some(Replies(BufReader::new(stream).lines())))
}

/// The lines of an answer.
pub struct Replies(io::Lines<BufReader<UnixStream>>);

impl Iterator for Replies {
    type Item = anyhow::Result<Reply>;

    fn next(&mut self) -> Option<Self::Item> {
        use anyhow::Context;
        let line = self.0.next()?;
        Some(line.context("the daemon went away").and_then(|line| {
            serde_json::from_str(&line).context("the daemon answered in a form of another version")
        }))
    }
}
