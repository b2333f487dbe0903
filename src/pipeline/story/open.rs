//! One active story: what is told of it, and the members that stand for it. Most stories have one article, and what is
//! told of a few follows from the few; of many it is kept.

use std::collections::VecDeque;

use super::{Held, Summary, count};
use crate::pipeline::roll::{Roll, lower};

/// Latest members of a story, with words of their own, that stand for it: the core.
const CORE_MAX: usize = 16;

/// Of more members than these, what is told is kept.
const FEW_MAX: usize = 12;

/// Fewer than these are a few again.
const MANY_MIN: usize = 6;

/// The members by the lower halves of their numbers, in order.
#[derive(Debug)]
pub(super) enum Story {
    One(u32),
    Few(Box<[u32]>),
    Many(Box<Tally>),
}

/// What is told of many members, all in order.
#[derive(Debug, Default)]
pub(super) struct Tally {
    members: VecDeque<u64>,
    /// Members with words of their own.
    own: VecDeque<u64>,
    times: VecDeque<Timed>,
    outlets: Vec<Outlet>,
    /// Entities that members name, and how many; none where nobody asked since the start.
    named: Option<Named>,
}

/// Undated or not, event time, member.
type Timed = (bool, i64, u64);
/// An outlet, its reports, and those that are no copies.
type Outlet = (u64, u32, u32);

#[derive(Debug, Default)]
struct Named {
    entities: Vec<u64>,
    counts: Vec<u32>,
}

impl Named {
    fn add(&mut self, entities: &[u64]) {
        for entity in entities {
            match self.entities.binary_search(entity) {
                Ok(place) => {
                    if let Some(count) = self.counts.get_mut(place) {
                        *count += 1;
                    }
                }
                Err(place) => {
                    self.entities.insert(place, *entity);
                    self.counts.insert(place, 1);
                }
            }
        }
    }

    fn subtract(&mut self, entities: &[u64]) {
        for entity in entities {
            let Ok(place) = self.entities.binary_search(entity) else { continue };
            let Some(count) = self.counts.get_mut(place) else { continue };
            *count -= 1;
            if *count == 0 {
                self.entities.remove(place);
                self.counts.remove(place);
            }
        }
    }
}

impl Tally {
    fn of(members: &[u64], held: &Roll<Held>) -> Self {
        let mut tally = Self::default();
        for seq in members {
            tally.join(*seq, held);
        }
        tally
    }

    fn join(&mut self, seq: u64, held: &Roll<Held>) {
        let Some(member) = held.get(seq) else { return };
        put(&mut self.members, seq);
        put(&mut self.times, (!member.dated, member.time, seq));
        note(&mut self.outlets, member);
        if !member.copy {
            put(&mut self.own, seq);
        }
    }

    fn leave(&mut self, seq: u64, member: &Held) {
        take(&mut self.members, &seq);
        take(&mut self.own, &seq);
        take(&mut self.times, &(!member.dated, member.time, seq));
        let place = self.outlets.partition_point(|(outlet, ..)| *outlet < member.outlet);
        if let Some((_, told, own)) = self.outlets.get_mut(place) {
            *told = told.saturating_sub(1);
            *own = own.saturating_sub(u32::from(!member.copy));
            if *told == 0 {
                self.outlets.remove(place);
            }
        }
    }
}

impl Story {
    pub(super) fn of(seq: u64) -> Self {
        Self::One(lower(seq))
    }

    /// Lists a member. `held` must hold it already.
    pub(super) fn join(&mut self, seq: u64, held: &Roll<Held>) {
        match self {
            Self::Many(tally) => tally.join(seq, held),
            Self::One(_) | Self::Few(_) => {
                let mut members: Vec<u64> = self.members(held).collect();
                members.insert(members.partition_point(|other| *other < seq), seq);
                *self = if members.len() > FEW_MAX {
                    Self::Many(Box::new(Tally::of(&members, held)))
                } else {
                    few(&members)
                };
            }
        }
    }

    /// Lets a member go; `held` must hold it still. Whether others are left.
    pub(super) fn leave(&mut self, seq: u64, held: &Roll<Held>) -> bool {
        let left: Vec<u64> = match self {
            Self::Many(tally) => {
                if let Some(member) = held.get(seq) {
                    tally.leave(seq, member);
                }
                if tally.members.len() >= MANY_MIN {
                    return true;
                }
                tally.members.iter().copied().collect()
            }
            Self::One(_) | Self::Few(_) => self.members(held).filter(|other| *other != seq).collect(),
        };
        *self = few(&left);
        !left.is_empty()
    }

    /// What has to be known of the entities of a member that comes or goes: those of all others, where they were asked for.
    pub(super) fn names_change(&mut self, entities: &[u64], comes: bool) {
        if let Self::Many(tally) = self
            && let Some(named) = &mut tally.named
        {
            if comes { named.add(entities) } else { named.subtract(entities) }
        }
    }

    /// Whether the entities of its members are to be read, because they are many.
    pub(super) fn wants_names(&self) -> bool {
        matches!(self, Self::Many(tally) if tally.named.is_none())
    }

    /// Of all members at once.
    pub(super) fn set_names<'a>(&mut self, entities: impl Iterator<Item = &'a [u64]>) {
        if let Self::Many(tally) = self {
            let mut named = Named::default();
            entities.for_each(|entities| named.add(entities));
            tally.named = Some(named);
        }
    }

    /// The entities that members name, in order; none where they are not kept.
    pub(super) fn names(&self) -> Option<&[u64]> {
        let Self::Many(tally) = self else { return None };
        tally.named.as_ref().map(|named| named.entities.as_slice())
    }

    /// The members, oldest first.
    pub(super) fn members(&self, held: &Roll<Held>) -> impl DoubleEndedIterator<Item = u64> {
        let (few, many) = match self {
            Self::One(one) => (std::slice::from_ref(one), None),
            Self::Few(few) => (&few[..], None),
            Self::Many(tally) => (&[][..], Some(&tally.members)),
        };
        few.iter().map(|low| held.whole(*low)).chain(many.into_iter().flatten().copied())
    }

    /// The members that stand for it, latest first.
    pub(super) fn core(&self, held: &Roll<Held>) -> Vec<u64> {
        match self {
            Self::Many(tally) => tally.own.iter().rev().take(CORE_MAX).copied().collect(),
            Self::One(_) | Self::Few(_) => {
                let own = |seq: &u64| held.get(*seq).is_some_and(|held| !held.copy);
                self.members(held).rev().filter(own).collect()
            }
        }
    }

    /// Reports of an outlet, and those that are no copies.
    pub(super) fn told_by(&self, outlet: u64, held: &Roll<Held>) -> (u32, u32) {
        let known = |outlets: &[Outlet]| {
            let known = outlets.iter().find(|(other, ..)| *other == outlet);
            known.map_or((0, 0), |(_, told, own)| (*told, *own))
        };
        match self {
            Self::Many(tally) => known(&tally.outlets),
            Self::One(_) | Self::Few(_) => known(&self.outlets(held)),
        }
    }

    fn outlets(&self, held: &Roll<Held>) -> Vec<Outlet> {
        let mut outlets = Vec::new();
        for member in self.members(held).filter_map(|seq| held.get(seq)) {
            note(&mut outlets, member);
        }
        outlets
    }

    /// Seconds between an article and the time that the story covers; none where either has no date.
    pub(super) fn gap(&self, time: i64, dated: bool, held: &Roll<Held>) -> Option<i64> {
        let (first, last) = self.span(false, held)?;
        dated.then(|| time.saturating_sub(last).max(first.saturating_sub(time)).max(0))
    }

    /// Event times of the first and the last member among the dated or the undated.
    fn span(&self, undated: bool, held: &Roll<Held>) -> Option<(i64, i64)> {
        if let Self::Many(tally) = self {
            let times = &tally.times;
            let dated = times.partition_point(|(undated, ..)| !undated);
            let (from, to) = if undated { (dated, times.len()) } else { (0, dated) };
            let (_, first, _) = times.get(from).filter(|_| from < to)?;
            let (_, last, _) = times.get(to.checked_sub(1)?)?;
            return Some((*first, *last));
        }
        let members = self.members(held).filter_map(|seq| held.get(seq));
        let times = members.filter(|member| member.dated != undated).map(|member| member.time);
        times.fold(None, |span, time| {
            Some(span.map_or((time, time), |(first, last): (i64, i64)| (first.min(time), last.max(time))))
        })
    }

    pub(super) fn summary(&self, held: &Roll<Held>) -> Summary {
        let few;
        let (members, own, outlets) = match self {
            Self::Many(tally) => (tally.members.len(), tally.own.len(), tally.outlets.as_slice()),
            Self::One(_) | Self::Few(_) => {
                few = self.outlets(held);
                (self.members(held).count(), self.core(held).len(), few.as_slice())
            }
        };
        let (first, last) = self.span(false, held).or_else(|| self.span(true, held)).unwrap_or_default();
        Summary {
            outlets: count(outlets.len()),
            independent: count(outlets.iter().filter(|(_, _, own)| *own > 0).count()),
            reports: count(members),
            copies: count(members - own),
            first,
            last,
        }
    }

    /// Memory taken beside itself, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Few(few) => size_of_val(&**few),
            Self::Many(tally) => {
                let Tally { members, own, times, outlets, named } = &**tally;
                let named = named.as_ref().map_or(0, |named| named.entities.capacity() * 12);
                let lists = (members.capacity() + own.capacity()) * size_of::<u64>();
                let more = times.capacity() * size_of::<Timed>() + outlets.capacity() * size_of::<Outlet>();
                size_of::<Tally>() + lists + more + named
            }
        }
    }

    /// All that the members alone decide, for the checksum.
    pub(super) fn told(&self, held: &Roll<Held>) -> String {
        let members: Vec<u64> = self.members(held).collect();
        let outlets = match self {
            Self::Many(tally) => tally.outlets.clone(),
            Self::One(_) | Self::Few(_) => self.outlets(held),
        };
        let spans = [self.span(false, held), self.span(true, held)];
        format!("{members:?} {:?} {spans:?} {outlets:?} {:?}", self.core(held), self.summary(held))
    }
}

fn few(members: &[u64]) -> Story {
    match members {
        [one] => Story::One(lower(*one)),
        few => Story::Few(few.iter().map(|seq| lower(*seq)).collect()),
    }
}

fn note(outlets: &mut Vec<Outlet>, member: &Held) {
    let place = outlets.partition_point(|(outlet, ..)| *outlet < member.outlet);
    if outlets.get(place).is_none_or(|(outlet, ..)| *outlet != member.outlet) {
        outlets.insert(place, (member.outlet, 0, 0));
    }
    if let Some((_, told, own)) = outlets.get_mut(place) {
        *told += 1;
        *own += u32::from(!member.copy);
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
