//! How a row stands in sled: one byte for the tree before the key; checksum and version before the value.

use crate::pipeline::view::Tree;

/// Version of the wrapping.
pub(super) const ROW_VERSION: u8 = 1;

/// Before the keys of the store's own rows.
pub(super) const OWN: u8 = 0;

const HEAD_BYTES: usize = 5;

/// Never to be changed or used again for another tree: it stands on disk.
pub(super) fn code(tree: Tree) -> u8 {
    match tree {
        Tree::Identities => 1,
        Tree::Reports => 2,
        Tree::Window => 3,
        Tree::Stories => 4,
        Tree::Topics => 5,
        Tree::Checkpoints => 6,
        Tree::Alerts => 7,
        Tree::Meta => 8,
        Tree::Desks => 9,
    }
}

pub(super) fn key(code: u8, key: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(key.len() + 1);
    whole.push(code);
    whole.extend_from_slice(key);
    whole
}

/// Wraps a value for the whole key. The checksum covers the key too, so that a row in another's place is found out.
pub(super) fn wrap(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(HEAD_BYTES + value.len());
    row.extend_from_slice(&checksum(key, ROW_VERSION, value).to_le_bytes());
    row.push(ROW_VERSION);
    row.extend_from_slice(value);
    row
}

/// What is wrong with a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RowFault {
    Damaged,
    Newer(u8),
}

pub(super) fn unwrap<'r>(key: &[u8], row: &'r [u8]) -> Result<&'r [u8], RowFault> {
    let (head, value) = row.split_first_chunk::<HEAD_BYTES>().ok_or(RowFault::Damaged)?;
    let [a, b, c, d, version] = *head;
    if u32::from_le_bytes([a, b, c, d]) != checksum(key, version, value) {
        return Err(RowFault::Damaged);
    }
    if version > ROW_VERSION { Err(RowFault::Newer(version)) } else { Ok(value) }
}

fn checksum(key: &[u8], version: u8, value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(&[version]);
    hasher.update(value);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_found() {
        let row = wrap(b"key", b"value");
        assert_eq!(unwrap(b"key", &row), Ok(&b"value"[..]));
        for bit in 0..row.len() * 8 {
            let mut damaged = row.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unwrap(b"key", &damaged), Err(RowFault::Damaged), "bit {bit}");
        }
    }

    #[test]
    fn row_of_another_key_is_found() {
        assert_eq!(unwrap(b"kex", &wrap(b"key", b"value")), Err(RowFault::Damaged));
    }

    #[test]
    fn short_row_is_damage() {
        assert_eq!(unwrap(b"key", b"1234"), Err(RowFault::Damaged));
    }

    #[test]
    fn newer_row_is_told_from_damage() {
        let mut row = checksum(b"key", 9, b"value").to_le_bytes().to_vec();
        row.push(9);
        row.extend_from_slice(b"value");
        assert_eq!(unwrap(b"key", &row), Err(RowFault::Newer(9)));
    }

    #[test]
    fn codes_of_trees_differ() {
        let codes: std::collections::BTreeSet<u8> = Tree::ALL.into_iter().map(code).collect();
        assert_eq!(codes.len(), Tree::ALL.len());
        assert!(!codes.contains(&OWN));
    }
}
