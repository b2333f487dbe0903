//! One active story: what is told of it, and the members that stand for it.

use std::collections::{HashMap, VecDeque};

use super::{
    Held, Summary, count,
    terms::FixedState,
    vector::{Entry, Probe, VIEWS},
};

/// Latest members of a story, with words of their own, that stand for it: the core.
const CORE_MAX: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Story {
    /// In order, as all lists here.
    members: VecDeque<u64>,
    /// Members with words of their own.
    own: VecDeque<u64>,
    /// Undated or not, event time, member.
    times: VecDeque<(bool, i64, u64)>,
    /// Outlet, reports, and those that are no copies.
    outlets: Vec<(u64, u32, u32)>,
    /// Entity, and members that name it.
    entities: Vec<(u64, u32)>,
    /// Squares of the lengths of the sum of the core's unit vectors.
    squares: [u64; VIEWS],
}

impl Story {
    /// Takes a member in. `held` must hold it already.
    pub(super) fn join(&mut self, seq: u64, held: &HashMap<u64, Held, FixedState>) {
        if held.get(&seq).is_some_and(|member| !member.copy) {
            let first = self.own.len().checked_sub(CORE_MAX).and_then(|first| self.own.get(first)).copied();
            if let Some(first) = first.filter(|first| *first < seq) {
                self.change(first, held, -1);
            }
        }
        self.list(seq, held);
        if self.core().any(|core| core == seq) {
            self.change(seq, held, 1);
        }
    }

    /// Lists a member. The core's length is not what it was: `measure` has to follow.
    pub(super) fn list(&mut self, seq: u64, held: &HashMap<u64, Held, FixedState>) {
        let Some(member) = held.get(&seq) else { return };
        put(&mut self.members, seq);
        put(&mut self.times, (!member.dated, member.time, seq));
        let place = self.outlets.partition_point(|(outlet, ..)| *outlet < member.outlet);
        if self.outlets.get(place).is_none_or(|(outlet, ..)| *outlet != member.outlet) {
            self.outlets.insert(place, (member.outlet, 0, 0));
        }
        if let Some((_, told, own)) = self.outlets.get_mut(place) {
            *told += 1;
            *own += u32::from(!member.copy);
        }
        for entity in &member.entities {
            match self.entities.binary_search_by_key(entity, |(known, _)| *known) {
                Ok(place) => {
                    if let Some((_, count)) = self.entities.get_mut(place) {
                        *count += 1;
                    }
                }
                Err(place) => self.entities.insert(place, (*entity, 1)),
            }
        }
        if !member.copy {
            put(&mut self.own, seq);
        }
    }

    /// Measures the core anew.
    pub(super) fn measure(&mut self, held: &HashMap<u64, Held, FixedState>) {
        let core: Vec<&Held> = self.core().filter_map(|seq| held.get(&seq)).collect();
        if let [only] = core.as_slice() {
            self.squares = only.loaded.squares().map(u64::from);
            return;
        }
        let mut entries: Vec<Entry> = core.iter().flat_map(|held| held.loaded.entries()).copied().collect();
        entries.sort_unstable_by_key(|entry| entry.term);
        self.squares = [0; VIEWS];
        for of_term in entries.chunk_by(|a, b| a.term == b.term) {
            let mut sums = [0_u64; VIEWS];
            for entry in of_term {
                sums.iter_mut().zip(entry.weights).for_each(|(sum, weight)| *sum += u64::from(weight));
            }
            self.squares.iter_mut().zip(sums).for_each(|(square, sum)| *square += sum * sum);
        }
    }

    /// Lets a member go. `held` must hold it still.
    pub(super) fn leave(&mut self, seq: u64, held: &HashMap<u64, Held, FixedState>) {
        let Some(member) = held.get(&seq) else { return };
        take(&mut self.members, &seq);
        take(&mut self.times, &(!member.dated, member.time, seq));
        let place = self.outlets.partition_point(|(outlet, ..)| *outlet < member.outlet);
        if let Some((_, told, own)) = self.outlets.get_mut(place) {
            *told = told.saturating_sub(1);
            *own = own.saturating_sub(u32::from(!member.copy));
            if *told == 0 {
                self.outlets.remove(place);
            }
        }
        for entity in &member.entities {
            let Ok(place) = self.entities.binary_search_by_key(entity, |(known, _)| *known) else { continue };
            let Some((_, count)) = self.entities.get_mut(place) else { continue };
            *count -= 1;
            if *count == 0 {
                self.entities.remove(place);
            }
        }
        if self.core().any(|core| core == seq) {
            self.change(seq, held, -1);
            take(&mut self.own, &seq);
            // The core takes in the one before it.
            let first = self.own.len().checked_sub(CORE_MAX).and_then(|first| self.own.get(first)).copied();
            if let Some(first) = first {
                self.change(first, held, 1);
            }
        } else {
            take(&mut self.own, &seq);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn members(&self) -> impl Iterator<Item = u64> {
        self.members.iter().copied()
    }

    /// The members that stand for it, latest first.
    pub(super) fn core(&self) -> impl Iterator<Item = u64> {
        self.own.iter().rev().take(CORE_MAX).copied()
    }

    pub(super) fn squares(&self) -> [u64; VIEWS] {
        self.squares
    }

    pub(super) fn names(&self, entity: u64) -> bool {
        self.entities.binary_search_by_key(&entity, |(known, _)| *known).is_ok()
    }

    /// Reports of an outlet, and those that are no copies.
    pub(super) fn told_by(&self, outlet: u64) -> (u32, u32) {
        let known = self.outlets.iter().find(|(other, ..)| *other == outlet);
        known.map_or((0, 0), |(_, told, own)| (*told, *own))
    }

    /// Seconds between an article and the time that the story covers; none where either has no date.
    pub(super) fn gap(&self, time: i64, dated: bool) -> Option<i64> {
        let (first, last) = self.span(false)?;
        dated.then(|| time.saturating_sub(last).max(first.saturating_sub(time)).max(0))
    }

    /// Event times of the first and the last member among the dated or the undated.
    fn span(&self, undated: bool) -> Option<(i64, i64)> {
        let dated = self.times.partition_point(|(undated, ..)| !undated);
        let (from, to) = if undated { (dated, self.times.len()) } else { (0, dated) };
        let (_, first, _) = self.times.get(from).filter(|_| from < to)?;
        let (_, last, _) = self.times.get(to.checked_sub(1)?)?;
        Some((*first, *last))
    }

    pub(super) fn summary(&self) -> Summary {
        let (first, last) = self.span(false).or_else(|| self.span(true)).unwrap_or_default();
        Summary {
            outlets: count(self.outlets.len()),
            independent: count(self.outlets.iter().filter(|(_, _, own)| *own > 0).count()),
            reports: count(self.members.len()),
            copies: count(self.members.len() - self.own.len()),
            first,
            last,
        }
    }

    /// All that the members alone decide, for the checksum.
    pub(super) fn told(&self) -> String {
        let Self { members, own, times, outlets, squares, .. } = self;
        format!("{members:?} {own:?} {times:?} {outlets:?} {squares:?}")
    }

    /// Adds one to the core or takes it from there: the square of a sum grows by twice its product with what is added.
    fn change(&mut self, seq: u64, held: &HashMap<u64, Held, FixedState>, sign: i64) {
        let Some(member) = held.get(&seq) else { return };
        let mut change = member.loaded.squares().map(i64::from);
        let others = || self.core().filter(|other| *other != seq).filter_map(|other| held.get(&other));
        if others().next().is_some() {
            let probe = Probe::new(&member.loaded);
            for other in others() {
                for (change, dot) in change.iter_mut().zip(probe.dots(&other.loaded)) {
                    *change += 2 * i64::from(dot);
                }
            }
        }
        for (square, change) in self.squares.iter_mut().zip(change) {
            *square = square.saturating_add_signed(change * sign);
        }
    }
}

fn put<T: Ord>(list: &mut VecDeque<T>, one: T) {
    if list.back().is_none_or(|last| *last < one) {
        list.push_back(one);
        return;
    }
    let place = list.partition_point(|other| *other < one);
    list.insert(place, one);
}

fn take<T: Ord>(list: &mut VecDeque<T>, one: &T) {
    if let Ok(place) = list.binary_search(one) {
        list.remove(place);
    }
}
