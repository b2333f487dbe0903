//! What is kept of articles by their numbers. They come in order, and most leave from the front: a row of them beside each
//! other takes a third of a tree's memory, and a number says nearly where it stands.

use std::{cmp::Ordering, collections::VecDeque};

/// Where the gaps are unlike each other, guesses may be poor: after so many a search goes by halves.
const GUESSES: u32 = 3;

/// Numbers with what is kept of each.
#[derive(Clone, Debug)]
pub(crate) struct Roll<T> {
    rows: VecDeque<Row<T>>,
    /// The first row's number.
    front: u64,
    live: usize,
}

#[derive(Clone, Debug)]
struct Row<T> {
    seq: u64,
    /// None where it left before those ahead of it.
    one: Option<T>,
}

impl<T> Default for Roll<T> {
    fn default() -> Self {
        Self { rows: VecDeque::new(), front: 0, live: 0 }
    }
}

impl<T> Roll<T> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.live == 0
    }

    pub(crate) fn get(&self, seq: u64) -> Option<&T> {
        self.rows.get(self.place(seq).ok()?)?.one.as_ref()
    }

    pub(crate) fn contains(&self, seq: u64) -> bool {
        self.get(seq).is_some()
    }

    /// The first and the last number.
    pub(crate) fn first(&self) -> Option<u64> {
        Some(self.front).filter(|_| !self.rows.is_empty())
    }

    /// See `first`.
    pub(crate) fn last(&self) -> Option<u64> {
        self.rows.back().map(|row| row.seq)
    }

    /// All from a number on, in order.
    pub(crate) fn from(&self, seq: u64) -> impl DoubleEndedIterator<Item = (u64, &T)> {
        let (Ok(place) | Err(place)) = self.place(seq);
        self.rows.range(place..).filter_map(|row| Some((row.seq, row.one.as_ref()?)))
    }

    /// All, in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, &T)> {
        self.from(0)
    }

    /// The number from the first one on that has this lower half: numbers of a window are near each other.
    pub(crate) fn whole(&self, low: u32) -> u64 {
        self.front.wrapping_add(low.wrapping_sub(lower(self.front)).into())
    }

    /// Takes one in, and gives what stood there.
    pub(crate) fn insert(&mut self, seq: u64, one: T) -> Option<T> {
        self.live += 1;
        match self.place(seq) {
            Ok(place) => {
                let before = self.rows.get_mut(place).and_then(|row| row.one.replace(one));
                self.live -= usize::from(before.is_some());
                before
            }
            Err(place) => {
                if self.rows.len() == self.rows.capacity() {
                    // by itself it would double: in the mean a quarter would stand empty
                    self.rows.reserve_exact(self.rows.len() / 8 + 16);
                }
                if place == 0 {
                    self.front = seq;
                }
                self.rows.insert(place, Row { seq, one: Some(one) });
                None
            }
        }
    }

    /// Takes one out.
    pub(crate) fn remove(&mut self, seq: u64) -> Option<T> {
        let place = self.place(seq).ok()?;
        let one = self.rows.get_mut(place)?.one.take()?;
        self.live -= 1;
        while let Some(Row { one: None, .. }) = self.rows.front() {
            self.rows.pop_front();
            self.front = self.rows.front().map_or(0, |row| row.seq);
        }
        while let Some(Row { one: None, .. }) = self.rows.back() {
            self.rows.pop_back();
        }
        Some(one)
    }

    /// Memory taken, in bytes, without what its parts point to.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row<T>>()
    }

    /// Where a number stands, or would.
    fn place(&self, seq: u64) -> Result<usize, usize> {
        let (Some(last), true) = (self.last(), seq >= self.front) else { return Err(0) };
        let behind = self.rows.len() - 1;
        if seq > last {
            return Err(behind + 1);
        }
        // Numbers rise by one at least from row to row: from a row whose number is known, it stands at most so many rows on
        // as it is greater, and about so many as the gaps are wide in the mean.
        let numbers = last - self.front;
        let rows = |numbers: u64| usize::try_from(numbers).unwrap_or(usize::MAX);
        let about = |ahead: u64| {
            // the numbers of a window are near each other: to divide by more than 64 bits is slow and hardly ever needed
            let share = match ahead.checked_mul(behind as u64) {
                Some(product) => product / numbers.max(1),
                None => ahead / (numbers / behind.max(1) as u64).max(1),
            };
            usize::try_from(share).unwrap_or(behind)
        };
        let (mut from, mut to) =
            (behind.saturating_sub(rows(last - seq)), behind.min(rows(seq - self.front)));
        let mut guess = about(seq - self.front);
        for step in 0.. {
            guess = if step < GUESSES { guess.clamp(from, to) } else { usize::midpoint(from, to) };
            let Some(row) = self.rows.get(guess).filter(|_| from < to) else { break };
            match row.seq.cmp(&seq) {
                Ordering::Equal => return Ok(guess),
                Ordering::Less => {
                    from = guess + 1;
                    to = to.min(guess.saturating_add(rows(seq - row.seq)));
                    guess += about(seq - row.seq);
                }
                Ordering::Greater => {
                    to = guess;
                    from = from.max(guess.saturating_sub(rows(row.seq - seq)));
                    guess = guess.saturating_sub(about(row.seq - seq));
                }
            }
        }
        if self.rows.get(from).is_some_and(|row| row.seq == seq) { Ok(from) } else { Err(from) }
    }
}

/// The lower half of a number.
pub(crate) fn lower(seq: u64) -> u32 {
    let [a, b, c, d, ..] = seq.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const FIRST: u64 = u32::MAX as u64 - 20;

    proptest! {
        #[test]
        fn it_is_a_map(steps in proptest::collection::vec((any::<bool>(), 0..60_u64), 0..200)) {
            let (mut roll, mut map) = (Roll::default(), BTreeMap::new());
            for (one, (put, seq)) in steps.into_iter().enumerate() {
                let seq = FIRST + if seq == 59 { u64::MAX / 2 } else { seq };
                if put {
                    prop_assert_eq!(roll.insert(seq, one), map.insert(seq, one));
                } else {
                    prop_assert_eq!(roll.remove(seq), map.remove(&seq));
                }
                prop_assert_eq!(roll.len(), map.len());
                prop_assert_eq!(roll.first(), map.keys().next().copied());
                prop_assert_eq!(roll.last(), map.keys().next_back().copied());
                for seq in FIRST - 2..FIRST + 62 {
                    prop_assert_eq!(roll.get(seq), map.get(&seq));
                }
                if let Some(first) = roll.first() {
                    prop_assert_eq!(roll.whole(lower(first + 77)), first + 77);
                }
                let ours: Vec<_> = roll.from(seq).map(|(seq, one)| (seq, *one)).collect();
                let theirs: Vec<_> = map.range(seq..).map(|(seq, one)| (*seq, *one)).collect();
                prop_assert_eq!(ours, theirs);
            }
        }
    }
}
