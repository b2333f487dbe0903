//! Keeps the sinks of the config at work, each as a task of its own: none waits for another.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::{
        broadcast::{self, error::TryRecvError},
        mpsc, watch,
    },
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Cursor, DEAD_PREFIX, KEY_PREFIX, Post, Sink, Spec, dead_of, send};
use crate::{event::Event, journal::Position, pulse::Pulse};

/// The sinks of the config.
pub type Specs = Arc<Vec<Arc<Spec>>>;

/// What is known of the sinks when the daemon starts.
pub struct Beginning {
    /// How far they came, by name.
    cursors: BTreeMap<String, Cursor>,
    /// How many letters each has laid aside.
    dead: BTreeMap<String, usize>,
    /// The last alert, and from where the journal is read behind it: a new sink begins here.
    end: (u64, Position),
    /// Holds the journal.
    state_dir: PathBuf,
}

impl Beginning {
    /// Nothing but where the journal ends.
    pub fn new(end: (u64, Position), state_dir: PathBuf) -> Self {
        Self { cursors: BTreeMap::new(), dead: BTreeMap::new(), end, state_dir }
    }

    /// Takes a checkpoint, where it is a sink's.
    pub fn learn(&mut self, key: &str, state: &[u8]) -> bool {
        if let Some(name) = key.strip_prefix(KEY_PREFIX) {
            if let Ok(cursor) = serde_json::from_slice(state) {
                self.cursors.insert(name.to_owned(), cursor);
            }
        } else if let Some((sink, _)) = dead_of(key) {
            *self.dead.entry(sink.to_owned()).or_default() += 1;
        }
        key.starts_with(KEY_PREFIX) || key.starts_with(DEAD_PREFIX)
    }

    /// Hears what was told meanwhile: a sink that comes later begins behind it.
    fn hear(&mut self, posts: &mut broadcast::Receiver<Arc<Post>>) {
        loop {
            match posts.try_recv().as_deref() {
                Ok(Post::Alert(posted)) => self.end = (posted.alert.seq, posted.from),
                Ok(Post::Retry(_)) | Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }
}

/// How often it is looked whether every sink gets on.
const LOOK: Duration = Duration::from_millis(500);

/// Each beats several times in so long.
const STILL_MAX: Duration = Duration::from_secs(3);

/// Beats for all sinks if each has beaten lately.
fn beat_if_all_do(pulses: &mut [(Pulse, u64, Instant)], all: &Pulse) {
    for (pulse, before, moved) in pulses.iter_mut() {
        let beats = pulse.beats();
        if beats != *before {
            (*before, *moved) = (beats, Instant::now());
        }
    }
    if pulses.iter().all(|(.., moved)| moved.elapsed() < STILL_MAX) {
        all.beat();
    }
}

/// Keeps the sinks at work until `stop`; those of a new config take over from the old ones.
pub async fn keep(
    mut specs: watch::Receiver<Specs>,
    mut beginning: Beginning,
    posts: broadcast::Sender<Arc<Post>>,
    send: send::Send,
    door: mpsc::Sender<Event>,
    pulse: Pulse,
    stop: CancellationToken,
) {
    let mut heard = posts.subscribe();
    loop {
        beginning.hear(&mut heard);
        let mut pulses: Vec<(Pulse, u64, Instant)> = Vec::new();
        let changed = stop.child_token();
        let mut at_work = JoinSet::new();
        for spec in specs.borrow_and_update().iter() {
            let cursor = beginning.cursors.get(&spec.name).cloned();
            let (last, end) = beginning.end;
            let is_new = cursor.is_none();
            let mut sink = Sink {
                cursor: cursor.unwrap_or(Cursor { seq: last, from: end, ..Cursor::default() }),
                dead: beginning.dead.get(&spec.name).copied().unwrap_or(0),
                spec: Arc::clone(spec),
                state_dir: beginning.state_dir.clone(),
                pulse: Pulse::default(),
                send: Arc::clone(&send),
                door: door.clone(),
                posts: posts.subscribe(),
                // Something may have come while nobody listened: the journal is looked at once.
                last: last + 1,
                due: Vec::new(),
                handed: Instant::now(),
                delivering: watch::Sender::new(false),
                stop: changed.clone(),
            };
            pulses.push((sink.pulse.clone(), 0, Instant::now()));
            at_work.spawn(async move {
                if is_new {
                    sink.note().await;
                }
                sink.run().await
            });
        }
        let stopping = loop {
            beat_if_all_do(&mut pulses, &pulse);
            beginning.hear(&mut heard);
            tokio::select! {
                () = stop.cancelled() => break true,
                changed = specs.changed() => break changed.is_err(),
                () = tokio::time::sleep(LOOK) => {}
            }
        };
        changed.cancel();
        while let Some(ended) = at_work.join_next().await {
            match ended {
                Ok((name, cursor, dead)) => {
                    beginning.dead.insert(name.clone(), dead);
                    beginning.cursors.insert(name, cursor);
                }
                Err(fault) => tracing::error!(%fault, "a sink failed by a fault of the program"),
            }
        }
        if stopping {
            return;
        }
    }
}
