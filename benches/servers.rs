//! Feed servers for the benches, each in a process of its own. The first line that one prints is its port.

use std::{
    collections::HashMap,
    io::{self, Write as _},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// Asked for, a server closes each connection after one answer from then on, or keeps it.
pub(crate) const CLOSE: &str = "/close";
pub(crate) const KEEP: &str = "/keep";

/// Asked for, a server tells as its validator how many connections it has seen, as it does for the two above.
pub(crate) const COUNT: &str = "/count";

/// The world's news, articles a second.
const NEWS_A_SECOND: f64 = 17.0;

/// Requests of one connection.
const HEAD_BYTES_MAX: usize = 4096;

/// The address of one of many hosts on loopback.
pub(crate) fn host(number: usize) -> IpAddr {
    let [.., b, c, d] = u32::try_from(number + 0x1_0001).unwrap_or(0).to_be_bytes();
    IpAddr::from([127, b, c, d])
}

fn tell(port: u16) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{port}")?;
    out.flush()
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// Each host has a certificate of its own, as they have in the world; the authority's goes into the file `ca`.
pub(crate) fn tls(hosts: usize, ca: &str) -> io::Result<()> {
    let key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&key).expect("a certificate");
    std::fs::write(ca, root.pem())?;
    let issuer = Issuer::new(authority, key);
    let configs: HashMap<IpAddr, Arc<ServerConfig>> =
        (0..hosts).map(host).map(|host| (host, Arc::new(of_host(host, &issuer)))).collect();
    runtime()?.block_on(async {
        let listener = TcpListener::bind("0.0.0.0:0").await?;
        tell(listener.local_addr()?.port())?;
        let (closing, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await?;
            seen.fetch_add(1, Ordering::Relaxed);
            let (closing, seen) = (Arc::clone(&closing), Arc::clone(&seen));
            let config = configs.get(&stream.local_addr()?.ip()).map(Arc::clone);
            connections.spawn(async move {
                let acceptor = TlsAcceptor::from(config?);
                let stream = acceptor.accept(stream).await.ok()?;
                serve(stream, &closing, |path, conditional| {
                    match path {
                        CLOSE => closing.store(true, Ordering::Relaxed),
                        KEEP => closing.store(false, Ordering::Relaxed),
                        _ => {}
                    }
                    let body = if conditional { String::new() } else { feed(&[1, 2, 3]) };
                    let seen = if path.starts_with("/feed") { 1 } else { seen.load(Ordering::Relaxed) };
                    (conditional, format!("\"{seen}\""), body)
                })
                .await
            });
            while connections.try_join_next().is_some() {}
        }
    })
}

fn of_host(host: IpAddr, issuer: &Issuer<'_, KeyPair>) -> ServerConfig {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::IpAddress(host)];
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .expect("the usual versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("the key of the certificate")
}

/// Empty feeds, and news at the world's rate, always in the feed that is asked for next.
pub(crate) fn world() -> io::Result<()> {
    runtime()?.block_on(async {
        let listener = TcpListener::bind("0.0.0.0:0").await?;
        tell(listener.local_addr()?.port())?;
        let begun = Instant::now();
        let told = Arc::new(AtomicUsize::new(0));
        let feeds: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await?;
            let (told, feeds) = (Arc::clone(&told), Arc::clone(&feeds));
            let answer = move |path: &str, conditional| {
                let mut feeds = feeds.lock().unwrap_or_else(PoisonError::into_inner);
                let due = begun.elapsed().as_secs_f64() * NEWS_A_SECOND;
                let fresh = f64::from(u32::try_from(told.load(Ordering::Relaxed)).unwrap_or(0)) < due;
                let last = feeds.entry(path.to_owned()).or_default();
                if fresh {
                    *last = told.fetch_add(1, Ordering::Relaxed) + 1;
                }
                let known = conditional && !fresh;
                let body = if known {
                    String::new()
                } else {
                    feed(&[*last].into_iter().filter(|last| *last > 0).collect::<Vec<_>>())
                };
                (known, format!("\"{last}\""), body)
            };
            connections.spawn(async move { serve(stream, &AtomicBool::new(false), answer).await });
            while connections.try_join_next().is_some() {}
        }
    })
}

fn feed(numbers: &[usize]) -> String {
    let articles: Vec<_> =
        numbers.iter().flat_map(|number| super::corpus::articles(super::SEED + *number as u64, 1)).collect();
    let mut feed = super::feed(&articles);
    let now = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_string(&jiff::Timestamp::now());
    feed = feed.replace(super::PUBLISHED, &now.unwrap_or_default());
    // the same words under one address would be the same report
    if let [number] = numbers {
        feed = feed
            .replace("</link><guid>", &format!("?n={number}</link><guid isPermaLink=\"false\">{number} "));
    }
    feed
}

/// Answers one connection's requests: whether nothing has changed, the validator, the body.
async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    closing: &AtomicBool,
    answer: impl Fn(&str, bool) -> (bool, String, String),
) -> Option<()> {
    let mut head = Vec::with_capacity(HEAD_BYTES_MAX);
    loop {
        head.clear();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() > HEAD_BYTES_MAX || stream.read_buf(&mut head).await.ok()? == 0 {
                return None;
            }
        }
        let text = String::from_utf8_lossy(&head);
        let path = text.split(' ').nth(1).unwrap_or_default();
        let (unchanged, etag, body) = answer(path, text.contains("if-none-match:"));
        let status = if unchanged { "304 Not Modified" } else { "200 OK" };
        let length = body.len();
        let close = closing.load(Ordering::Relaxed);
        let connection = if close { "close" } else { "keep-alive" };
        let reply = format!(
            "HTTP/1.1 {status}\r\nETag: {etag}\r\nConnection: {connection}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(reply.as_bytes()).await.ok()?;
        if close {
            return stream.shutdown().await.ok();
        }
    }
}

/// Where a server listens.
pub(crate) fn at(number: usize, port: u16) -> SocketAddr {
    SocketAddr::new(host(number), port)
}
