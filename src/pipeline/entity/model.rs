//! The weights by which words are told to be names, and the clusters of words. Fitted by `examples/train_tagger.rs`.

use std::{io::Read as _, sync::LazyLock};

/// The model in the binary, as it is packed.
pub static PACKED: &[u8] = include_bytes!("../../../models/tagger.zst");

/// What the file begins with; another form of it gets another number.
const HEAD: &[u8; 8] = b"swtag\x00\x01\n";

/// The table of weights has two to this power of rows.
pub(super) const TABLE_BITS: u32 = 18;

/// Outside, and for persons, organisations and places: first, inner, last and only word.
pub const LABELS: usize = 13;

/// Weights of a row: those of the first pass, then those of the second, each filled up to half a row.
pub const ROW: usize = 32;

/// Bytes of a slot of the clusters: a check, then the clusters.
const SLOT_BYTES: usize = 6;

/// Slots of the clusters, a power of two.
const CLUSTER_SLOTS: usize = 1 << 18;

/// Rows that are unpacked at once.
const ROWS_AT_ONCE: usize = 1 << 10;

const STEP_BYTES: usize = 2 * LABELS * LABELS * 2;
const CLUSTER_BYTES: usize = CLUSTER_SLOTS * SLOT_BYTES;
const ROW_BYTES: usize = ROW * 2;

/// A feature's weights fill a line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Row([i16; ROW]);

/// A step from one label to the next, by the next and then the one before.
pub(super) type Steps = [[i16; LABELS]; LABELS];

/// Everything that was fitted.
#[derive(Debug)]
pub struct Model {
    steps: [Steps; 2],
    clusters: Clusters,
    rows: Vec<Row>,
}

/// The bytes are no model of this version.
#[derive(Debug, thiserror::Error)]
#[error("not a tagger's model of this version")]
pub struct NotAModel;

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::unpack(PACKED).unwrap_or_default());

/// The model in the binary; the first call unpacks it.
pub fn model() -> &'static Model {
    &MODEL
}

impl Default for Model {
    /// Knows nothing: no word is a name.
    fn default() -> Self {
        Self {
            steps: [[[0; LABELS]; LABELS]; 2],
            clusters: Clusters::default(),
            rows: vec![Row([0; ROW]); Self::rows()],
        }
    }
}

impl Model {
    /// Reads a packed model.
    ///
    /// # Errors
    /// When the bytes are something else.
    pub fn unpack(packed: &[u8]) -> Result<Self, NotAModel> {
        let mut reader = zstd::Decoder::new(packed).map_err(|_| NotAModel)?;
        let mut part = |bytes: usize| {
            let mut buffer = vec![0; bytes];
            reader.read_exact(&mut buffer).map_err(|_| NotAModel)?;
            Ok(buffer)
        };
        if part(HEAD.len())? != HEAD {
            return Err(NotAModel);
        }
        let mut weights = part(STEP_BYTES)?
            .as_chunks()
            .0
            .iter()
            .map(|bytes| i16::from_le_bytes(*bytes))
            .collect::<Vec<_>>()
            .into_iter();
        let mut steps = [[[0; LABELS]; LABELS]; 2];
        for weight in steps.iter_mut().flatten().flatten() {
            *weight = weights.next().unwrap_or(0);
        }
        let clusters = Clusters { slots: part(CLUSTER_BYTES)? };
        let mut rows = Vec::with_capacity(Self::rows());
        while rows.len() < Self::rows() {
            let bytes = part(ROWS_AT_ONCE * ROW_BYTES)?;
            rows.extend(bytes.as_chunks::<ROW_BYTES>().0.iter().map(row));
        }
        Ok(Self { steps, clusters, rows })
    }

    /// Puts a model together and packs it: the steps of both passes, a row of weights for each feature.
    ///
    /// # Errors
    /// When the packer fails.
    pub fn pack(
        steps: &[[[i16; LABELS]; LABELS]; 2],
        clusters: &Clusters,
        rows: &[[i16; ROW]],
    ) -> std::io::Result<Vec<u8>> {
        let mut bytes = HEAD.to_vec();
        bytes.extend(steps.iter().flatten().flatten().flat_map(|weight| weight.to_le_bytes()));
        bytes.extend_from_slice(&clusters.slots);
        bytes.extend(rows.iter().flatten().flat_map(|weight| weight.to_le_bytes()));
        zstd::bulk::compress(&bytes, 22)
    }

    /// Rows of the table.
    pub fn rows() -> usize {
        1 << TABLE_BITS
    }

    /// Clusters of words.
    pub fn clusters(&self) -> &Clusters {
        &self.clusters
    }

    /// Of the first pass (0) or the second (1).
    pub(super) fn steps(&self, pass: usize) -> &Steps {
        let [first, second] = &self.steps;
        if pass == 0 { first } else { second }
    }

    /// Adds a feature's weights.
    pub(super) fn add(&self, feature: u32, sum: &mut [i16; ROW]) {
        if let Some(Row(row)) = self.rows.get(feature as usize) {
            for (sum, weight) in sum.iter_mut().zip(row) {
                *sum = sum.saturating_add(*weight);
            }
        }
    }
}

fn row(bytes: &[u8; ROW_BYTES]) -> Row {
    let mut row = [0; ROW];
    for (weight, bytes) in row.iter_mut().zip(bytes.as_chunks().0) {
        *weight = i16::from_le_bytes(*bytes);
    }
    Row(row)
}

/// Words by what they are used like, in four granularities; by the hash of the spelling.
#[derive(Clone, Debug)]
pub struct Clusters {
    slots: Vec<u8>,
}

impl Default for Clusters {
    fn default() -> Self {
        Self { slots: vec![0; CLUSTER_BYTES] }
    }
}

/// Of a word without clusters.
const NO_CLUSTER: u32 = u32::MAX;

impl Clusters {
    /// Takes words with their clusters among 32, 128, 512 and 2000. Words beyond what the table holds are left out.
    pub fn of_words<'a>(words: impl IntoIterator<Item = (&'a str, [u32; 4])>) -> Self {
        let mut clusters = Self::default();
        for (word, [one, two, three, four]) in words.into_iter().take(CLUSTER_SLOTS / 4 * 3) {
            let packed = (one & 31) << 27 | (two & 127) << 20 | (three & 511) << 11 | four & 2047;
            let (mut at, check) = place(super::lexicon::hash(word));
            let (slots, _) = clusters.slots.as_chunks_mut::<SLOT_BYTES>();
            while let Some(slot) = slots.get_mut(at % CLUSTER_SLOTS) {
                let [low, high, ..] = *slot;
                if [low, high] == [0, 0] {
                    let [a, b, c, d] = packed.to_le_bytes();
                    let [low, high] = check.to_le_bytes();
                    *slot = [low, high, a, b, c, d];
                    break;
                }
                at += 1;
            }
        }
        clusters
    }

    /// The clusters of a word, by the hash of its spelling.
    pub(super) fn of(&self, hash: u64) -> u32 {
        let (mut at, check) = place(hash);
        let (slots, _) = self.slots.as_chunks::<SLOT_BYTES>();
        while let Some([low, high, a, b, c, d]) = slots.get(at % CLUSTER_SLOTS).copied() {
            let found = u16::from_le_bytes([low, high]);
            if found == check {
                return u32::from_le_bytes([a, b, c, d]);
            }
            if found == 0 {
                break;
            }
            at += 1;
        }
        NO_CLUSTER
    }

    /// Among 32, 128, 512 and 2000; beyond them where there is none.
    pub(super) fn parts(packed: u32) -> [u32; 4] {
        if packed == NO_CLUSTER {
            return [32, 128, 512, 2047];
        }
        [packed >> 27, packed >> 20 & 127, packed >> 11 & 511, packed & 2047]
    }
}

#[expect(clippy::cast_possible_truncation, reason = "parts of a hash")]
fn place(hash: u64) -> (usize, u16) {
    ((hash >> 32) as usize, (hash as u16).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::entity::lexicon::hash;

    #[test]
    fn words_have_their_clusters() {
        let clusters = Clusters::of_words([("Oslo", [3, 5, 7, 9]), ("oslo", [31, 127, 511, 1999])]);
        let check = |word: &str, expected: [u32; 4]| {
            assert_eq!(Clusters::parts(clusters.of(hash(word))), expected, "{word}");
        };
        check("Oslo", [3, 5, 7, 9]);
        check("oslo", [31, 127, 511, 1999]);
        check("OSLO", [32, 128, 512, 2047]);
    }

    #[test]
    fn the_model_in_the_binary_is_one() {
        assert!(Model::unpack(PACKED).is_ok());
    }

    #[test]
    fn other_bytes_are_no_model() {
        let other = zstd::bulk::compress(&[7; 100], 1).unwrap();
        for bytes in [other.as_slice(), PACKED.get(..PACKED.len() / 2).unwrap(), &[]] {
            assert!(Model::unpack(bytes).is_err());
        }
    }
}
