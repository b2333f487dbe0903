//! Many small changes to a large table, put in order first: those that meet in one part of it then come together, where
//! one by one each would wait for memory.

/// Parts that a table has.
pub(crate) const GROUPS: usize = 256;

/// Changes by the part of the table that they concern, each part's in the order in which they were given.
pub(crate) struct Grouped<T> {
    all: Vec<T>,
    ends: Vec<usize>,
}

impl<T: Copy> Grouped<T> {
    /// One pass to count, one to put in order.
    pub(crate) fn by(given: &[T], group: impl Fn(&T) -> u8) -> Self {
        let mut places = vec![0_usize; GROUPS];
        for one in given {
            if let Some(count) = places.get_mut(usize::from(group(one))) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for place in &mut places {
            (*place, sum) = (sum, sum + *place);
        }
        let mut all = given.to_vec();
        for one in given {
            let Some(place) = places.get_mut(usize::from(group(one))) else { continue };
            if let Some(there) = all.get_mut(*place) {
                *there = *one;
            }
            *place += 1;
        }
        Self { all, ends: places }
    }

    /// The changes of each part.
    pub(crate) fn groups(&self) -> Vec<&[T]> {
        let mut from = 0;
        let group = |end: &usize| {
            let group = self.all.get(from..*end).unwrap_or_default();
            from = *end;
            group
        };
        self.ends.iter().map(group).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn groups_hold_all_in_order(given: Vec<(u8, u16)>) {
            let grouped = Grouped::by(&given, |(group, _)| *group);
            prop_assert_eq!(grouped.groups().len(), GROUPS);
            for (number, group) in (0..=u8::MAX).zip(grouped.groups()) {
                let expected: Vec<_> = given.iter().copied().filter(|(group, _)| *group == number).collect();
                prop_assert_eq!(group, &expected);
            }
        }
    }
}
