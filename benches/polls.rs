//! The schedule of feeds against many TLS hosts: what a poll costs on a new connection and on one that is open.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use storywatch::{
    event::Event,
    pulse::Pulse,
    source::{
        FeedSpec, FetchLimits,
        feed::{self, Beginning, Known, Specs},
        fetch::{Fetcher, Outcome, Request},
        turns::Turns,
    },
};
use tokio::{
    sync::{mpsc, watch},
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

use super::{cpu, servers};

pub(crate) const HOSTS: usize = 5_000;

/// Before polls are counted, and while they are.
const SETTLE_SECS: u64 = 10;
const MEASURED_SECS: u64 = 10;

/// A child that ends with us.
pub(crate) struct Ended(pub(crate) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts a server of this program, and gives its port.
pub(crate) fn serve(words: &[&str]) -> io::Result<(Ended, u16)> {
    let mut child = Ended(Command::new(std::env::current_exe()?).args(words).stdout(Stdio::piped()).spawn()?);
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().expect("a pipe")).read_line(&mut line)?;
    let port = line.trim().parse().map_err(io::Error::other)?;
    Ok((child, port))
}

pub(crate) fn run(hosts: usize) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let ca = folder.path().join("ca.pem");
    let ca = ca.to_str().expect("a path in UTF-8");
    let (_server, port) = serve(&["serve-tls", &hosts.to_string(), ca])?;
    let words = ["ask", &hosts.to_string(), &port.to_string()];
    let asked = Command::new(std::env::current_exe()?).args(words).env("SSL_CERT_FILE", ca).status()?;
    if asked.success() { Ok(()) } else { Err(io::Error::other("the polls came to nothing")) }
}

fn specs(hosts: usize, port: u16, poll_secs: u32) -> Specs {
    let spec = |number| {
        let url = format!("https://{}/feed.xml", servers::at(number, port));
        Arc::new(FeedSpec { url: url.into(), poll_secs: Some(poll_secs), ..FeedSpec::default() })
    };
    Arc::new((0..hosts).map(spec).collect())
}

pub(crate) fn ask(hosts: usize, port: u16) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let limits = FetchLimits {
            poll_secs_min: 1,
            per_host_gap_secs: 0,
            allow_private: vec!["127.0.0.0/8".parse().expect("a network")],
            ..FetchLimits::default()
        };
        let (feeds, feeds_now) = watch::channel(specs(hosts, port, 3600));
        let (door, mut events) = mpsc::channel(64);
        let stop = CancellationToken::new();
        let beginning = Beginning {
            limits: limits.clone(),
            fetcher: Arc::new(Fetcher::new(&limits)),
            turns: Arc::new(Turns::new(limits.per_host_gap())),
            pages: None,
            known: Known::default(),
            callback: None,
            calls: mpsc::channel(1).1,
        };
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(feed::run(feeds_now, beginning, door, Pulse::default(), stop.clone()));
        let (mut polls, mut failed, begun) = (0, 0, cpu());
        while (polls as usize) < hosts {
            count(&mut events, &mut polls, &mut failed).await;
        }
        tell("unknown servers", polls, failed, begun)?;
        let fetcher = Fetcher::new(&limits);
        let modes = [(1, "new connections", servers::CLOSE), (2, "open connections", servers::KEEP)];
        for (every, what, mode) in modes {
            connections(&fetcher, &servers::at(0, port), mode).await?;
            // as often as may be: a changed interval is a reason to ask at once
            feeds.send_replace(specs(hosts, port, every));
            settle(&mut events).await;
            let before = connections(&fetcher, &servers::at(0, port), servers::COUNT).await?;
            measure(what, &mut events).await?;
            let made = connections(&fetcher, &servers::at(0, port), servers::COUNT).await? - before;
            writeln!(io::stdout(), "                  over {made} new connections")?;
        }
        stop.cancel();
        time::timeout(Duration::from_secs(5), tasks.join_next()).await.ok();
        Ok(())
    })
}

/// How many connections the server has seen; it does what the path says.
async fn connections(fetcher: &Fetcher, server: &SocketAddr, path: &str) -> io::Result<u64> {
    let url = format!("https://{server}{path}");
    let request = Request { url: &url, configured: Some(&url), ..Request::default() };
    let Outcome::Fetched(fetched) = fetcher.get(request).await else {
        return Err(io::Error::other("the server does not answer"));
    };
    let count = fetched.validity.etag.unwrap_or_default();
    count.trim_matches('"').parse().map_err(io::Error::other)
}

/// Lets some seconds pass, until all connections are as they will be.
async fn settle(events: &mut mpsc::Receiver<Event>) {
    let (mut polls, mut failed) = (0, 0);
    let settled = Instant::now() + Duration::from_secs(SETTLE_SECS);
    while Instant::now() < settled {
        count(events, &mut polls, &mut failed).await;
    }
}

async fn measure(what: &str, events: &mut mpsc::Receiver<Event>) -> io::Result<()> {
    let (mut polls, mut failed) = (0, 0);
    let (begun, end) = (cpu(), Instant::now() + Duration::from_secs(MEASURED_SECS));
    while Instant::now() < end {
        count(events, &mut polls, &mut failed).await;
    }
    tell(what, polls, failed, begun)
}

fn tell(what: &str, polls: u32, failed: u32, begun: Duration) -> io::Result<()> {
    let rate = f64::from(polls) / cpu().saturating_sub(begun).as_secs_f64();
    writeln!(io::stdout(), "{what:<17} {polls} polls, {failed} failed, {rate:.0} a CPU-second")
}

async fn count(events: &mut mpsc::Receiver<Event>, polls: &mut u32, failed: &mut u32) {
    let event = time::timeout(Duration::from_secs(1), events.recv()).await;
    if let Ok(Some(Event::Batch(delivery))) = event {
        for checkpoint in delivery.checkpoints {
            *polls += 1;
            *failed += u32::from(checkpoint.state.get("trouble").is_some());
        }
    }
}
