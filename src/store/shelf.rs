//! Small rows under keys that are hashes stand together: all whose keys begin alike are one row of sled, a shelf. sled
//! splits a page of more than sixteen rows and keeps half a kilobyte in memory for each page, read or not: a million small
//! rows by themselves would be over sixty thousand pages, on shelves they are at most eight thousand.

use super::{Store, StoreError, row};
use crate::pipeline::view::{Changes, Rows, Tree};

/// Bytes of the key that all rows of a shelf have. So many that a shelf of a million rows holds sixteen.
const PREFIX_BYTES: usize = 2;

/// Trees whose rows stand on shelves.
pub(super) const SHELVED: [Tree; 2] = [Tree::Identities, Tree::Reports];

pub(super) fn is_shelved(tree: Tree) -> bool {
    SHELVED.contains(&tree)
}

/// The shelf's own key, and what tells a row from the others on it.
fn split(key: &[u8]) -> (&[u8], &[u8]) {
    key.split_at_checked(PREFIX_BYTES).unwrap_or((key, &[]))
}

/// Rows of a shelf, in the order of their keys: the rest of the key and the value, each after its length.
pub(super) struct Shelf<'s>(pub(super) &'s [u8]);

impl<'s> Iterator for Shelf<'s> {
    type Item = (&'s [u8], &'s [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut take = || {
            let (length, rest) = self.0.split_first_chunk()?;
            let (bytes, rest) = rest.split_at_checked(u32::from_le_bytes(*length).try_into().ok()?)?;
            self.0 = rest;
            Some(bytes)
        };
        Some((take()?, take()?))
    }
}

/// A shelf with its changes made; the changes are in the order of their keys, as the rows are.
fn changed<'s>(rows: Shelf<'s>, changes: impl Iterator<Item = (&'s [u8], Option<&'s [u8]>)>) -> Vec<u8> {
    let mut whole = Vec::with_capacity(rows.0.len() + 64);
    let mut put = |row: (&[u8], &[u8])| {
        for part in [row.0, row.1] {
            // longer ones are refused before
            whole.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            whole.extend_from_slice(part);
        }
    };
    let mut rows = rows.peekable();
    for (key, value) in changes {
        while let Some(before) = rows.next_if(|(other, _)| *other < key) {
            put(before);
        }
        rows.next_if(|(other, _)| *other == key);
        if let Some(value) = value {
            put((key, value));
        }
    }
    rows.for_each(put);
    whole
}

impl Store {
    /// The value of a key of a shelved tree.
    pub(super) fn get_from_shelf(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let (prefix, rest) = split(key);
        let place = row::key(row::code(tree), prefix);
        let Some(found) = self.guarded(|| self.db.get(&place))? else { return Ok(None) };
        let mut rows = Shelf(self.unwrapped(&place, &found)?);
        Ok(rows.find(|(other, _)| *other == rest).map(|(_, value)| value.to_vec()))
    }

    /// At most `rows_max` rows of a shelved tree whose keys are at least `from`, in order.
    pub(super) fn scan_shelves(&self, tree: Tree, from: &[u8], rows_max: usize) -> Result<Rows, StoreError> {
        let code = row::code(tree);
        let mut shelves = self.db.range(row::key(code, split(from).0)..vec![code + 1]);
        let mut rows = Rows::new();
        while rows.len() < rows_max
            && let Some((place, shelf)) = self.guarded(|| shelves.next().transpose())?
        {
            let prefix = place.get(1..).unwrap_or_default();
            let all = Shelf(self.unwrapped(&place, &shelf)?);
            let all = all.map(|(rest, value)| ([prefix, rest].concat(), value.to_vec()));
            rows.extend(all.filter(|(key, _)| key.as_slice() >= from).take(rows_max - rows.len()));
        }
        Ok(rows)
    }

    /// Adds the changes of a shelved tree to a batch. Only one batch may be made at a time, as by the only writer.
    pub(super) fn shelve(
        &self,
        tree: Tree,
        changes: &Changes,
        batch: &mut sled::Batch,
    ) -> Result<(), StoreError> {
        let changes: Vec<_> = changes.of_tree(tree).map(|(key, value)| (split(key), value)).collect();
        for of_shelf in changes.chunk_by(|((one, _), _), ((other, _), _)| one == other) {
            let Some(((prefix, _), _)) = of_shelf.first() else { continue };
            let place = row::key(row::code(tree), prefix);
            let found = self.guarded(|| self.db.get(&place))?;
            let before = found.as_ref().map(|found| self.unwrapped(&place, found)).transpose()?;
            let made = of_shelf.iter().map(|((_, rest), value)| (*rest, *value));
            let shelf = changed(Shelf(before.unwrap_or_default()), made);
            if shelf.is_empty() {
                batch.remove(place);
            } else {
                let row = row::wrap(&place, &shelf);
                batch.insert(place, row);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Made = Vec<(Vec<u8>, Option<Vec<u8>>)>;

    fn made() -> impl Strategy<Value = Made> {
        let key = proptest::collection::vec(0..3_u8, 0..3);
        let value = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..9));
        proptest::collection::btree_map(key, value, 0..9).prop_map(|all| all.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_shelf_holds_what_was_put_and_not_removed(batches in proptest::collection::vec(made(), 0..9)) {
            let (mut shelf, mut expected) = (Vec::new(), BTreeMap::new());
            for made in &batches {
                let changes = made.iter().map(|(key, value)| (key.as_slice(), value.as_deref()));
                shelf = changed(Shelf(&shelf), changes);
                for (key, value) in made {
                    match value {
                        Some(value) => expected.insert(key.clone(), value.clone()),
                        None => expected.remove(key),
                    };
                }
            }
            let rows: BTreeMap<_, _> =
                Shelf(&shelf).map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
            prop_assert_eq!(rows.len(), Shelf(&shelf).count());
            prop_assert!(Shelf(&shelf).is_sorted());
            prop_assert_eq!(rows, expected);
        }

        #[test]
        fn what_is_cut_short_ends(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(Shelf(&bytes).count() <= bytes.len());
        }
    }
}
