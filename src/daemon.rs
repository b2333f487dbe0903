//! Opens the store, starts the sources, runs the pipeline, awaits signals. The only file that knows both ends.

use std::{fmt::Display, path::Path, sync::Arc, thread, time::Duration};

use anyhow::{Context, anyhow};
use jiff::Timestamp;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{broadcast, mpsc, oneshot, watch},
    task::JoinSet,
    time::{MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;

mod advice;
mod backtest;
mod descriptors;
mod export;
mod feeds;
mod ingest;
mod listening;
mod opening;
mod page;
mod questions;
mod reading;
mod remembered;
mod retention;
mod rules;
mod samples;
mod sandbox;
mod sinks;
mod stopping;
mod tail;
mod topics;
mod upkeep;
mod vigil;

pub use self::{
    advice::{advice, can_start},
    backtest::backtest,
    export::export,
    feeds::each_feed,
    ingest::{How, ingest},
    questions::{Desk, Explained, decisions, explain, status, status_once},
    reading::read,
    rules::read_rules,
    samples::{fetch_once, sample_folder, save_stored},
    sinks::{Tested, retry, sinks, test_topic},
    tail::tail_since,
    topics::{NewTopic, new_topic},
    upkeep::{compact, rebuild, stats, verify},
};
use self::{
    opening::{journal_progress, open, open_for_work, open_when_there_is_room, reading_room, store_options},
    remembered::Remembered,
    vigil::Vigil,
};
use crate::{
    alert::{self, sink},
    config::{self, Config, Fault, QueryFault},
    counted::counted,
    event::{Event, Rules},
    health::Standing,
    pipeline::{Pipeline, topic::query},
    poison,
    pulse::Pulse,
    serve::{control, socket::Socket, websub},
    source::{self, DropSpec, Finished, feed::Beginning, fetch::Fetcher, fulltext, turns::Turns},
    systemd,
};

/// Deliveries that wait before the door; then the sources wait. What waits there is decided before a stop, in the time
/// that a stop has: this many full ones are some seconds' work.
const DOOR_PLACES: usize = 8;

/// Requests of hubs that wait for the schedule of feeds.
const CALLS_WAITING_MAX: usize = 8;

/// Alerts that wait for a reader of the page; of more, the first are lost to him.
const ALERTS_WAITING_MAX: usize = 256;
/// Alerts that are kept for sinks which are a moment late; those that are later read the journal.
const POSTS_KEPT: usize = 1024;

/// Threads that still read something at the end are left to it after so long.
const STOP_THREADS: Duration = Duration::from_millis(500);

/// So long the pipeline may take to close its store before it is known why it ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Finds and reads the config.
///
/// # Errors
/// Every fault of it.
pub fn load_config(path: Option<&Path>) -> Result<Config, Vec<Fault>> {
    let env = config::Env::new(|name| std::env::var_os(name), rustix::process::geteuid().is_root());
    let found;
    let path = if let Some(path) = path {
        path
    } else {
        found = config::find(&env).map_err(|fault| vec![fault])?;
        &found
    };
    config::load(path, &env, &|text| {
        query::parse(text).map(drop).map_err(|fault| QueryFault {
            line: u32::try_from(fault.line).unwrap_or(u32::MAX),
            column: u32::try_from(fault.column).unwrap_or(u32::MAX),
            what: format!("{}, expected {}", fault.what, fault.expected),
        })
    })
}

/// Runs the daemon until a signal ends it.
///
/// # Errors
/// When something fails that only an operator, or a new start, can mend.
pub fn run(config: Config) -> anyhow::Result<()> {
    descriptors::raise();
    let pipeline = open_when_there_is_room(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("could not start the async runtime")?;
    let done = runtime.block_on(async { Daemon::start(config, pipeline)?.work().await });
    runtime.shutdown_timeout(STOP_THREADS);
    if done.is_ok() {
        poison::ends_well();
    }
    done
}

/// What runs while the daemon runs.
struct Daemon {
    /// Its feeds are those of the schedule: very many are kept once.
    config: Config,
    /// How much there is to do.
    words: String,
    rules: Rules,
    door: mpsc::Sender<Event>,
    feeds: watch::Sender<source::feed::Specs>,
    drops: watch::Sender<Arc<Vec<DropSpec>>>,
    sinks: watch::Sender<alert::sink::Specs>,
    /// Where there is a page: the feeds that it shows.
    shown_feeds: Option<watch::Sender<Arc<[Standing]>>>,
    /// Beats as long as signals are heard.
    pulse: Pulse,
    /// The vigil goes on until this is dropped.
    vigil: vigil::Words,
    tasks: JoinSet<&'static str>,
    pipeline_ended: oneshot::Receiver<anyhow::Result<()>>,
    /// Tells the pipeline that the time of a stop is nearly over.
    hurry: CancellationToken,
    stop: CancellationToken,
}

/// The pipeline works in a thread of its own; what is returned says when it ended, and how.
fn in_a_thread(
    pipeline: Pipeline,
    events: mpsc::Receiver<Event>,
    pulse: Pulse,
    hurry: CancellationToken,
) -> anyhow::Result<oneshot::Receiver<anyhow::Result<()>>> {
    let (ended, pipeline_ended) = oneshot::channel();
    thread::Builder::new()
        .name("pipeline".to_owned())
        .spawn(move || {
            let done = pipeline.run(events, pulse, hurry).map_err(anyhow::Error::from);
            // Nobody waits for it only where the daemon has given up waiting.
            ended.send(done).ok();
        })
        .context("could not start the pipeline's thread")?;
    Ok(pipeline_ended)
}

fn why_the_pipeline_stopped(ended: Result<anyhow::Result<()>, oneshot::error::RecvError>) -> anyhow::Error {
    match ended {
        Ok(Err(fault)) => fault.context("the pipeline stopped"),
        Ok(Ok(())) | Err(_) => {
            anyhow!("the pipeline stopped by a fault of the program; its last words stand above")
        }
    }
}

fn warn(warnings: impl IntoIterator<Item = impl Display>) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

impl Daemon {
    fn start(mut config: Config, mut pipeline: Pipeline) -> anyhow::Result<Self> {
        let socket = Socket::bind(&config.control).context("could not open the control socket (control)")?;
        let page_door = config.serve.as_ref().map(page::open);
        let rules = pipeline.rules().clone();
        let oldest = pipeline.oldest_day();
        let Remembered { feeds: known, pages: of_pages, sinks: of_sinks, drops: of_drops } =
            Remembered::by(&pipeline, &config)?;
        let (door, events) = mpsc::channel(DOOR_PLACES);
        let stop = CancellationToken::new();
        let mut vigil = Vigil::new(pipeline.report());
        let (posts, _) = broadcast::channel(POSTS_KEPT);
        pipeline.post_to(posts.clone());
        let hurry = CancellationToken::new();
        let pipeline_ended = in_a_thread(pipeline, events, vigil.part("pipeline"), hurry.clone())?;
        warn(advice(&config));
        let (specs, _) = feeds::feed_specs(&config);
        let (limits, _) = feeds::fetch_limits(&config);
        let (of_config, _) = sinks::specs(&config);
        let (sinks, sinks_now) = watch::channel(of_config);
        let words = in_words(&config);
        let of_page =
            config.serve.as_ref().map_or_else(Default::default, |_| page::feeds_shown(&config.feeds));
        config.feeds = Vec::new();
        let (feeds, feeds_now) = watch::channel(specs);
        let (drops, drops_now) = watch::channel(Arc::new(drop_specs(&config)));
        make_drops(&config);
        let mut tasks = JoinSet::new();
        let room = reading_room(&config)?;
        let read = reading::for_clients(Arc::clone(&room));
        let serve = control::serve(socket, door.clone(), read, stop.clone());
        tasks.spawn(named("control socket", serve));
        let (callers, calls) = mpsc::channel(CALLS_WAITING_MAX);
        if let Some(of_hubs) = &config.websub {
            let (address, stop) = (of_hubs.listen, stop.clone());
            let opened = listening::opened(websub::bind(address), move || websub::bind(address));
            tasks.spawn(named("callback", async move {
                if let Some(listener) = stop.run_until_cancelled(opened).await {
                    websub::serve(listener, callers, stop).await;
                }
            }));
        }
        let (fetcher, turns) = (Arc::new(Fetcher::new(&limits)), Arc::new(Turns::new(limits.per_host_gap())));
        let (parcels, parcels_in) = mpsc::channel(fulltext::PARCELS_MAX);
        let beginning = fulltext::Beginning {
            fetcher: Arc::clone(&fetcher),
            turns: Arc::clone(&turns),
            page_wait: Duration::from_secs(limits.page_wait_secs.into()),
            known: of_pages,
            parcels: parcels_in,
        };
        let join =
            fulltext::run(feeds_now.clone(), beginning, door.clone(), vigil.part("pages"), stop.clone());
        tasks.spawn(named("pages", join));
        let callback = feeds::callback(&config)?;
        let pages = Some(parcels);
        let beginning = Beginning { limits, fetcher, turns, pages, known, callback, calls };
        let poll = source::feed::run(feeds_now, beginning, door.clone(), vigil.part("feeds"), stop.clone());
        tasks.spawn(named("feeds", poll));
        let watch = source::drop::run(drops_now, of_drops, door.clone(), vigil.part("drops"), stop.clone());
        tasks.spawn(named("drops", watch));
        let send = sinks::sender(&config);
        let deliver =
            sink::keep(sinks_now, of_sinks, posts, send, door.clone(), vigil.part("sinks"), stop.clone());
        tasks.spawn(named("sinks", deliver));
        let (heard, _) = broadcast::channel(ALERTS_WAITING_MAX);
        let index = reading::keep_up(Arc::clone(&room), heard.clone(), stop.clone());
        tasks.spawn(named("search index", index));
        let texts =
            retention::keep_up(config.state_dir.clone(), (&config.store).into(), oldest, stop.clone());
        tasks.spawn(named("retention", texts));
        let mut shown_feeds = None;
        if let (Some(page_door), Some(serve)) = (page_door, &config.serve) {
            let (feeds, feeds_shown) = watch::channel(of_page);
            shown_feeds = Some(feeds);
            let stuck = vigil.stuck();
            let shown = page::Shown { room, door: door.clone(), heard, feeds: feeds_shown, stuck };
            let pulse = vigil.part("page");
            tasks.spawn(named("page", page::serve(page_door, serve.clone(), shown, pulse, stop.clone())));
        }
        Ok(Self {
            config,
            words: words.clone(),
            rules,
            door,
            feeds,
            drops,
            sinks,
            shown_feeds,
            pulse: vigil.part("signals"),
            vigil: vigil.keep(words)?,
            tasks,
            pipeline_ended,
            hurry,
            stop,
        })
    }

    async fn work(mut self) -> anyhow::Result<()> {
        let signals = "could not listen to signals";
        let mut terminate = signal(SignalKind::terminate()).context(signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).context(signals)?;
        let mut hangup = signal(SignalKind::hangup()).context(signals)?;
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Skip);
        said(systemd::ready(&self.words));
        tracing::info!(
            config = %self.config.path.display(),
            alerts = %self.config.alerts.log.display(),
            "running: {}",
            self.words
        );
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => self.reload().await,
                _ = second.tick() => self.each_second(),
                ended = &mut self.pipeline_ended => return Err(why_the_pipeline_stopped(ended)),
                Some(task) = self.tasks.join_next() => {
                    // Where the pipeline ends, what hands over to it ends too, and may be seen first.
                    let ended = timeout(LAST_WORDS, &mut self.pipeline_ended).await;
                    return Err(match (ended, task) {
                        (Ok(ended), _) => why_the_pipeline_stopped(ended),
                        (Err(_), Ok(name)) => anyhow!("the part \"{name}\" stopped by itself"),
                        (Err(_), Err(fault)) => anyhow!(fault).context("a part of the daemon failed"),
                    });
                }
            }
        }
        self.finish().await
    }

    /// Time goes on for the pipeline.
    fn each_second(&mut self) {
        self.pulse.beat();
        // A full channel means that the pipeline is busy, and then it needs no tick.
        self.door.try_send(Event::Tick(Timestamp::now())).ok();
    }

    /// SIGHUP: the alert log is opened anew in any case; the config counts only if it is free of faults.
    async fn reload(&mut self) {
        said(systemd::reloading());
        let reopened = self.door.send(Event::Reopen).await.is_ok();
        match load_config(Some(&self.config.path)) {
            Err(faults) => {
                for fault in &faults {
                    tracing::error!("{fault}");
                }
                tracing::error!("the config has faults: the one before stays in force");
            }
            Ok(config) if reopened => self.take_over(config).await,
            Ok(_) => {}
        }
        said(systemd::ready(&self.words));
    }

    async fn take_over(&mut self, mut config: Config) {
        if self.config.page_asked {
            config.serve.get_or_insert_default();
        }
        for (what, same) in [
            ("state_dir", config.state_dir == self.config.state_dir),
            ("control", config.control == self.config.control),
            ("alerts.log", config.alerts.log == self.config.alerts.log),
            ("alerts.format", config.alerts.format == self.config.alerts.format),
            ("[fetch]", config.fetch == self.config.fetch),
            ("[websub]", config.websub == self.config.websub),
            ("text_days, fingerprint_years or disk_gib_max", same_retention(&config, &self.config)),
            ("[serve]", config.serve == self.config.serve),
        ] {
            if !same {
                tracing::warn!("{what} has changed: it counts from the next start on");
            }
        }
        warn(&config.warnings);
        let (rules, warnings) = read_rules(&config, Some(&self.rules));
        warn(warnings);
        warn(advice(&config));
        self.rules.clone_from(&rules);
        if self.door.send(Event::Rules(Box::new(rules))).await.is_err() {
            return;
        }
        self.feeds.send_replace(feeds::feed_specs(&config).0);
        make_drops(&config);
        self.drops.send_replace(Arc::new(drop_specs(&config)));
        self.sinks.send_replace(sinks::specs(&config).0);
        self.words = in_words(&config);
        // It ends with the process alone.
        self.vigil.send(self.words.clone()).ok();
        self.config.sinks = config.sinks;
        if let Some(shown) = &self.shown_feeds {
            shown.send_replace(page::feeds_shown(&config.feeds));
        }
        self.config.drops = config.drops;
        self.config.topics = config.topics;
        tracing::info!("read the config again: {}", self.words);
    }
}

/// systemd not hearing us is no reason to stop; its watchdog acts on the silence.
fn said(told: std::io::Result<()>) {
    if let Err(fault) = told {
        tracing::warn!(%fault, "could not tell systemd how things stand");
    }
}

fn same_retention(a: &Config, b: &Config) -> bool {
    let of =
        |config: &Config| (config.store.text_days, config.store.fingerprint_years, config.store.disk_gib_max);
    of(a) == of(b)
}

/// How much there is to do.
pub fn in_words(config: &Config) -> String {
    let parts = [(config.feeds.len(), "feed"), (config.drops.len(), "drop"), (config.topics.len(), "topic")];
    parts.map(|(count, what)| counted(count, what)).join(", ")
}

async fn named(name: &'static str, work: impl Future<Output = ()>) -> &'static str {
    work.await;
    name
}

/// A directory that cannot be made is looked for until somebody else makes it.
fn make_drops(config: &Config) {
    for drop in &config.drops {
        if let Err(fault) = std::fs::create_dir_all(&drop.path) {
            tracing::warn!(
                drop = %drop.path.display(), %fault,
                "could not make the drop directory: make it, and let the daemon's user read it"
            );
        }
    }
}

fn drop_specs(config: &Config) -> Vec<DropSpec> {
    config
        .drops
        .iter()
        .map(|drop| DropSpec {
            path: drop.path.clone(),
            outlet: drop.outlet.clone(),
            finished: match drop.finished {
                config::Finished::Keep => Finished::Keep,
                config::Finished::Done => Finished::Done,
                config::Finished::Delete => Finished::Delete,
            },
            move_rejected: drop.move_rejected,
            subdirectories: drop.subdirectories,
        })
        .collect()
}
