//! The window at a start: its rows are read by several threads and taken in table by table. What comes of it is what
//! taking them in one by one would give.

use std::collections::{BTreeSet, VecDeque};

use rayon::prelude::*;

use super::{Kept, State, each_lot};
use crate::{
    article::Id,
    pipeline::{
        bearers, dedupe,
        record::{self, Known, WindowedRow},
        story::{Member, Ready},
        view::{Changes, Locator, Tree, View, ViewError},
    },
};

/// Rows read at once: so many that what is changed in one part of a table comes together, so few that they are soon
/// forgotten.
const ROWS_AT_ONCE: usize = 4_096;

/// A row, read.
struct Row {
    seq: u64,
    at: Locator,
    seen_at: i64,
    entry: Option<dedupe::Entry>,
    ready: Option<Ready>,
    learned: Vec<u64>,
    fits_too: Vec<Id>,
    persons: Vec<String>,
}

impl Row {
    fn read(seq: u64, value: &[u8], latest: u64) -> Result<Self, ViewError> {
        let WindowedRow { at, seen_at, entry, member, persons, learned, fits_too } =
            record::decode_row(Tree::Window, value)?;
        let persons = if bearers::is_recent(seq, latest) { persons } else { Vec::new() };
        Ok(Self {
            seq,
            at,
            seen_at,
            entry: dedupe::Entry::decode(entry),
            ready: Member::decode(member).map(Ready::of),
            learned,
            fits_too,
            persons: persons.into_iter().map(str::to_owned).collect(),
        })
    }
}

impl State {
    /// Takes in what is stored of the window's articles before `seq_end`. Nothing may be in yet.
    pub(super) fn load_window(&mut self, view: &dyn View, seq_end: u64) -> Result<(), ViewError> {
        let (mut recent, mut pinned) = (VecDeque::new(), BTreeSet::new());
        each_lot(view, Tree::Window, ROWS_AT_ONCE, |rows| {
            let numbered = |(key, value)| Some((number(key)?, value));
            let rows: Vec<(u64, &[u8])> = rows
                .iter()
                .map(|(key, value)| (key.as_slice(), value.as_slice()))
                .filter_map(numbered)
                .filter(|(seq, _)| *seq < seq_end)
                .collect();
            let Some((latest, _)) = rows.last() else { return Ok(()) };
            let read = rows.par_iter().map(|(seq, value)| Row::read(*seq, value, *latest));
            let read = read.collect::<Result<Vec<Row>, ViewError>>()?;
            self.take_in_all(read, &mut recent, &mut pinned);
            Ok(())
        })?;
        let known = Known { view, changes: &Changes::default() };
        let recall = |seq| known.member(seq);
        self.stories.settle(&recall)?;
        for seq in pinned {
            self.stories.pin(seq, &recall)?;
        }
        for (seq, story, persons) in recent {
            self.bearers.insert(seq, story, &persons);
        }
        Ok(())
    }

    fn take_in_all(
        &mut self,
        rows: Vec<Row>,
        recent: &mut VecDeque<(u64, Id, Vec<String>)>,
        pinned: &mut BTreeSet<u64>,
    ) {
        let mut entries = Vec::with_capacity(rows.len());
        let mut members = Vec::with_capacity(rows.len());
        for Row { seq, at, seen_at, entry, ready, learned, fits_too, persons } in rows {
            self.clock = self.clock.max(seen_at);
            entries.extend(entry);
            let Some(ready) = ready else { continue };
            let story = ready.story();
            for topic in learned {
                self.learned.add(topic, seq);
                pinned.insert(seq);
            }
            self.kin.insert(seq, story, &fits_too);
            self.window.insert(seq, Kept { at, seen_at });
            members.push(ready);
            recent.push_back((seq, story, persons));
            while recent.front().is_some_and(|(first, ..)| !bearers::is_recent(*first, seq)) {
                recent.pop_front();
            }
        }
        let Self { index, stories, .. } = self;
        rayon::join(|| index.insert_all(&entries), || stories.insert_all(members));
    }
}

fn number(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{
        memory::MemoryView,
        record::{Windowed, encode},
        story::{Member, Vector},
    };

    fn windowed(seq: u64, story: u64, fits_too: &[u64]) -> Windowed {
        let member = Member {
            seq,
            report: Id(seq),
            story: Id(story),
            time: 7,
            dated: true,
            outlet: seq,
            copy: false,
            vector: Vector::default(),
            entities: vec![seq],
        };
        let entry = dedupe::Entry {
            seq,
            report: Id(seq),
            root: Id(seq),
            family: Id(seq),
            site: 1,
            time: 7,
            words: 300,
            sketch: vec![1, 2, 3].into(),
            indexed: true,
        };
        Windowed {
            at: Locator::default(),
            seen_at: 7,
            entry: entry.encode(),
            member: member.encode(),
            persons: vec!["Orla Venn".to_owned()],
            learned: vec![5],
            fits_too: fits_too.iter().map(|story| Id(*story)).collect(),
        }
    }

    #[test]
    fn a_start_finds_what_was_taken_in_one_by_one() {
        let rows = [windowed(1, 21, &[]), windowed(2, 22, &[21]), windowed(3, 22, &[])];
        let (mut view, mut changes, mut before) = (MemoryView::default(), Changes::default(), State::new());
        for (row, seq) in rows.iter().zip(1_u64..) {
            changes.put(Tree::Window, seq.to_be_bytes(), encode(row));
        }
        view.apply(&changes);
        let known = Known { view: &view, changes: &Changes::default() };
        for (row, seq) in rows.iter().zip(1..) {
            before.take_in(known, seq, row).unwrap();
        }
        let after = State::load(&view, u64::MAX).unwrap();
        assert_eq!(before.kin.of(Id(21)).collect::<Vec<_>>(), [Id(22)]);
        for state in [&before, &after] {
            let ties = [21, 22].map(|story| state.kin.of(Id(story)).collect::<Vec<_>>());
            assert_eq!(ties, [[Id(22)], [Id(21)]]);
            assert_eq!((state.index.len(), state.window.len(), state.clock), (3, 3, 7));
            assert_eq!(state.bearers.of(Id(22), "Venn"), Some("Orla Venn"));
            assert!(state.stories.member(2).is_some());
        }
        assert_eq!(before.stories.checksum(), after.stories.checksum());
        assert_eq!(format!("{:?}", before.learned), format!("{:?}", after.learned));
    }
}
