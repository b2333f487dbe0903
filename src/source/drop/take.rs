//! Reading a file from where it was left, and what becomes of it then.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    FINISH, Room,
    file::{State, key, mark, resume},
    finish::{Outcome, WAITING_MAX},
    gather::Telling,
};
use crate::{
    article::{Checkpoint, Found, Rejected},
    failpoint,
    source::{
        DropSpec,
        format::{Clock, Origin, Reader},
        send::Closed,
    },
};

impl Room {
    /// Reads a file from where it was left.
    pub(super) fn take(&mut self, path: &Path) -> Result<(), Closed> {
        self.way.pulse.beat();
        if self.way.stop.is_cancelled() {
            return Err(Closed);
        }
        failpoint::pass("drops");
        let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
        if !metadata.is_file() {
            return Ok(());
        }
        let mut state = State::of(&metadata);
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        let Some(spec) = self.directory_of(path).map(|directory| directory.spec.clone()) else {
            return Ok(());
        };
        let known = self.files.get(path).filter(|known| known.same_file(&state)).copied();
        if let Some(known) = known.filter(|known| known.unchanged(&state)) {
            if known.progress.done && known.refused.is_none() {
                return self.put_away(path, known, &spec);
            }
            if known.refused == Some(changed) {
                return Ok(());
            }
        }
        let resume = known.and_then(|known| resume(path, &known, &state));
        let name = spec.path.display().to_string();
        let outlet = spec.outlet.clone().unwrap_or_default();
        let origin = Origin { name: &name, outlet: &outlet };
        let now = Timestamp::now();
        let mut reader = match Reader::open(path, origin, Clock::Live(now), resume) {
            Ok(reader) => reader,
            Err(rejected) => {
                state.refused = Some(changed);
                state.progress.done = true;
                return self.keep(path, state, vec![Found::Rejected(Rejected { seen_at: now, ..*rejected })]);
            }
        };
        let mut outcome = Outcome::default();
        let mut progress = Telling::new(path, state.size);
        while let Some((found, read)) = reader.next_delivery() {
            state.progress = read;
            outcome.add(&found);
            state.rejected = outcome.is_rejected();
            state.mark = mark(path, read.offset.min(state.size)).unwrap_or_default();
            progress.tell(read);
            self.way.pulse.beat();
            if read.done && spec.puts_away() {
                return self.keep_and_put_away(path, state, found, &spec, outcome);
            }
            self.keep(path, state, found)?;
        }
        Ok(())
    }

    /// Gathers what a file gave: many small files make one delivery.
    fn keep(&mut self, path: &Path, state: State, found: Vec<Found>) -> Result<(), Closed> {
        let (found, checkpoints) = self.checkpoints(path, state, found);
        self.files.insert(path.to_owned(), state);
        if !self.gathered.has_room_for(&found) {
            self.flush()?;
        }
        self.gathered.add(found, checkpoints);
        if self.gathered.is_full() { self.flush() } else { Ok(()) }
    }

    /// The same of a file that is put away once that is durable.
    fn keep_and_put_away(
        &mut self,
        path: &Path,
        state: State,
        found: Vec<Found>,
        spec: &DropSpec,
        outcome: Outcome,
    ) -> Result<(), Closed> {
        while self.finishing.len() >= WAITING_MAX && !self.way.stop.is_cancelled() {
            self.way.pulse.beat();
            std::thread::sleep(FINISH);
            self.finishing.turn();
        }
        self.flush()?;
        let (found, checkpoints) = self.checkpoints(path, state, found);
        let receipt = self.handle.block_on(self.way.deliver_for_receipt(found, checkpoints))?;
        self.files.insert(path.to_owned(), state);
        self.finishing.push(path, state, spec, outcome, receipt);
        Ok(())
    }

    /// A file that was read to its end before the daemon stopped, or before the config said what becomes of it.
    fn put_away(&mut self, path: &Path, state: State, spec: &DropSpec) -> Result<(), Closed> {
        if !spec.puts_away() || self.finishing.holds(path) || self.kept_back.contains(path) {
            return Ok(());
        }
        // one that cannot be put away is not tried again and again
        self.kept_back.insert(path.to_owned());
        let mut outcome = Outcome::default();
        if state.rejected {
            outcome.reject(path);
        }
        let receipt = self.handle.block_on(self.way.deliver_for_receipt(Vec::new(), Vec::new()))?;
        self.finishing.push(path, state, spec, outcome, receipt);
        Ok(())
    }

    /// What is found and not held, and what is to be remembered with it.
    fn checkpoints(&mut self, path: &Path, state: State, found: Vec<Found>) -> (Vec<Found>, Vec<Checkpoint>) {
        let (found, mut checkpoints) = self.held.keep_back(found, Timestamp::now());
        let value = serde_json::to_value(state).unwrap_or(Value::Null);
        checkpoints.push(Checkpoint { key: key(path), state: value });
        (found, checkpoints)
    }
}
