//! The public callback: hubs ask here whether we meant it, and bring news (`WebSub`). Plain HTTP for a web server before
//! it; all that comes is hostile until the schedule of feeds has checked its signature. Only user of `hyper`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc, oneshot},
    task::JoinSet,
    time,
};
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

use crate::hub::{Call, Heard, News, Verify};

/// Connections served at once; more wait.
const CONNECTIONS_MAX: usize = 32;

/// Largest body.
const BODY_BYTES_MAX: usize = 4 << 20;

/// Longest challenge that is repeated.
const CHALLENGE_BYTES_MAX: usize = 4096;

/// For the whole of one connection's request line and headers.
const HEAD_SECS_MAX: u64 = 10;

/// For a whole connection.
const CONNECTION_SECS_MAX: u64 = 60;

/// For the answer of the house; a hub that waits longer comes again.
const ANSWER_SECS_MAX: u64 = 20;

type Answer = Response<Full<Bytes>>;

/// Listens for hubs.
///
/// # Errors
/// When the address cannot be had.
pub fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    use anyhow::Context;
    super::listen(address)
        .with_context(|| format!("could not listen for hubs at {address} (listen in [websub])"))
}

/// Serves until `stop`.
pub async fn serve(listener: TcpListener, calls: mpsc::Sender<Call>, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { break };
        let accepted = loop {
            tokio::select! {
                () = stop.cancelled() => break None,
                accepted = listener.accept() => break Some(accepted),
                Some(_) = connections.join_next() => {}
            }
        };
        let Some(accepted) = accepted else { break };
        let Ok((stream, _)) = accepted else {
            time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let calls = calls.clone();
        connections.spawn(async move {
            let whole = Duration::from_secs(CONNECTION_SECS_MAX);
            if time::timeout(whole, connection(stream, calls)).await.is_err() {
                tracing::debug!("a caller of the public callback took too long");
            }
            drop(place);
        });
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, calls: mpsc::Sender<Call>) {
    let answer = service_fn(move |request| {
        let calls = calls.clone();
        async move { Ok::<_, hyper::Error>(answer(request, &calls).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_SECS_MAX))
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a caller of the public callback went away");
    }
}

async fn answer(request: Request<Incoming>, calls: &mpsc::Sender<Call>) -> Answer {
    let token = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    match *request.method() {
        Method::GET => verify(token, request.uri().query().unwrap_or_default(), calls).await,
        Method::POST => news(token, request, calls).await,
        _ => plain(StatusCode::METHOD_NOT_ALLOWED, ""),
    }
}

async fn verify(token: String, query: &str, calls: &mpsc::Sender<Call>) -> Answer {
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let (mode, topic) = (value("hub.mode").unwrap_or_default(), value("hub.topic").unwrap_or_default());
    let challenge = value("hub.challenge").unwrap_or_default();
    if challenge.len() > CHALLENGE_BYTES_MAX {
        return plain(StatusCode::BAD_REQUEST, "");
    }
    let lease = value("hub.lease_seconds").and_then(|secs| secs.parse().ok()).map(Duration::from_secs);
    let (answer, answered) = oneshot::channel();
    let call = Verify { token, mode, topic, lease, reason: value("hub.reason"), answer };
    match ask(Call::Verify(call), answered, calls).await {
        Some(true) => plain(StatusCode::OK, &challenge),
        Some(false) => plain(StatusCode::NOT_FOUND, ""),
        None => plain(StatusCode::SERVICE_UNAVAILABLE, ""),
    }
}

async fn news(token: String, request: Request<Incoming>, calls: &mpsc::Sender<Call>) -> Answer {
    let text =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (content_type, signature) = (text("content-type"), text("x-hub-signature"));
    let Ok(body) = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "");
    };
    let (answer, answered) = oneshot::channel();
    let call = News { token, content_type, signature, body: body.to_bytes().into(), answer };
    match ask(Call::News(call), answered, calls).await {
        Some(Heard::Taken) => plain(StatusCode::ACCEPTED, ""),
        Some(Heard::Unknown) => plain(StatusCode::GONE, ""),
        None => plain(StatusCode::SERVICE_UNAVAILABLE, ""),
    }
}

/// What the schedule of feeds says; nothing where it is busy for too long, or stops.
async fn ask<T>(call: Call, answered: oneshot::Receiver<T>, calls: &mpsc::Sender<Call>) -> Option<T> {
    let told = async {
        calls.send(call).await.ok()?;
        answered.await.ok()
    };
    time::timeout(Duration::from_secs(ANSWER_SECS_MAX), told).await.ok().flatten()
}

/// What is repeated from a request is never a page.
fn plain(status: StatusCode, body: &str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(body.as_bytes())));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("60"));
    }
    answer
}
