//! The weights by which words are told to be names, and the clusters of words. Fitted by `examples/train_tagger.rs`.

use std::sync::LazyLock;

/// The model in the binary, as it is packed.
pub static PACKED: &[u8] = include_bytes!("../../../models/tagger.zst");

/// What the file begins with; another form of it gets another number.
const HEAD: Line = *b"storywatch: a model of names, 2\n";

/// The table of weights has two to this power of rows.
pub(super) const TABLE_BITS: u32 = 18;

/// Outside, and for persons, organisations and places: first, inner, last and only word.
pub const LABELS: usize = 13;

/// Weights of a row: those of the first pass, then those of the second, each filled up to half a row.
pub const ROW: usize = 32;

/// Everything in the file stands in lines as long as a row: the head, the steps, the clusters, the rows.
type Line = [u8; ROW];

/// Bytes of a slot of the clusters: a check, then the clusters.
const SLOT_BYTES: usize = 6;

/// Slots of the clusters, a power of two.
const CLUSTER_SLOTS: usize = 1 << 18;

/// zstd's level: the next ones make the file 5 % smaller, and their matches take twice as long to unpack.
const PACKED_LEVEL: i32 = 16;

const STEP_BYTES: usize = 2 * LABELS * LABELS * 2;
const CLUSTER_BYTES: usize = CLUSTER_SLOTS * SLOT_BYTES;
const CLUSTERS_AT: usize = 1 + STEP_BYTES.div_ceil(ROW);
const ROWS_AT: usize = CLUSTERS_AT + CLUSTER_BYTES / ROW;

/// A step from one label to the next, by the next and then the one before.
pub(super) type Steps = [[i16; LABELS]; LABELS];

/// Everything that was fitted.
#[derive(Debug)]
pub struct Model {
    steps: [Steps; 2],
    clusters: Clusters,
    /// The file; its rows are used where they stand. A row has its weights in signed bytes, to be doubled as often as its
    /// last byte says.
    lines: Vec<Line>,
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
        Self { steps: [[[0; LABELS]; LABELS]; 2], clusters: Clusters::default(), lines: Vec::new() }
    }
}

impl Model {
    /// Reads a packed model.
    ///
    /// # Errors
    /// When the bytes are something else.
    pub fn unpack(packed: &[u8]) -> Result<Self, NotAModel> {
        let mut lines = vec![[0; ROW]; ROWS_AT + Self::rows()];
        let all = lines.as_flattened_mut();
        let unpacked = zstd::bulk::decompress_to_buffer(packed, all).map_err(|_| NotAModel)?;
        if unpacked != all.len() || lines.first() != Some(&HEAD) {
            return Err(NotAModel);
        }
        let part = |from: usize, to: usize| lines.get(from..to).unwrap_or(&[]).as_flattened();
        let mut steps = [[[0; LABELS]; LABELS]; 2];
        let (weights, _) = part(1, CLUSTERS_AT).as_chunks();
        for (step, weight) in steps.iter_mut().flatten().flatten().zip(weights) {
            *step = i16::from_le_bytes(*weight);
        }
        let clusters = Clusters { slots: part(CLUSTERS_AT, ROWS_AT).to_vec() };
        Ok(Self { steps, clusters, lines })
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
        bytes.resize(CLUSTERS_AT * ROW, 0);
        bytes.extend_from_slice(&clusters.slots);
        bytes.extend(rows.iter().flat_map(row));
        zstd::bulk::compress(&bytes, PACKED_LEVEL)
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
        if let Some(line) = self.line(feature) {
            Row { line, shift: line[ROW - 1] }.add(sum);
        }
    }

    fn line(&self, feature: u32) -> Option<&Line> {
        self.lines.get(ROWS_AT + feature as usize)
    }
}

/// A feature's weights.
pub(super) struct Row<'m> {
    line: &'m Line,
    shift: u8,
}

impl Row<'_> {
    /// Adds the weights to a sum. What the bytes of no label add is never looked at.
    pub(super) fn add(&self, sum: &mut [i16; ROW]) {
        let shift = self.shift & SHIFT_MAX;
        for (sum, weight) in sum.iter_mut().zip(self.line) {
            *sum = sum.saturating_add(i16::from(weight.cast_signed()) << shift);
        }
    }
}

/// Reads the rows of many features. The table is larger than the caches: a byte of each row is read first, in a loop so
/// short that the memory's delays run side by side.
#[derive(Debug, Default)]
pub(super) struct Weigher {
    shifts: Vec<u8>,
}

impl Weigher {
    /// The rows of features, in their order.
    pub(super) fn rows<'a>(
        &'a mut self,
        model: &'a Model,
        features: &'a [u32],
    ) -> impl Iterator<Item = Row<'a>> {
        const NOTHING: &Line = &[0; ROW];
        self.shifts.clear();
        self.shifts
            .extend(features.iter().map(|feature| model.line(*feature).map_or(0, |line| line[ROW - 1])));
        features
            .iter()
            .zip(&self.shifts)
            .map(|(feature, shift)| Row { line: model.line(*feature).unwrap_or(NOTHING), shift: *shift })
    }
}

/// Doublings at most; all bits of the byte that count.
const SHIFT_MAX: u8 = 7;

/// A row as it stands in the file: exact where the weights are small, as most are.
fn row(weights: &[i16; ROW]) -> Line {
    let most = weights.iter().map(|weight| weight.unsigned_abs()).max().unwrap_or(0);
    let shift = (0..SHIFT_MAX).find(|shift| most >> shift <= 127).unwrap_or(SHIFT_MAX);
    let half = (1_i32 << shift) >> 1;
    let mut line = weights.map(|weight| {
        let rounded = (i32::from(weight) + half) >> shift;
        i8::try_from(rounded.clamp(-127, 127)).unwrap_or(0).cast_unsigned()
    });
    line[ROW - 1] = shift;
    line
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
pub(super) const NO_CLUSTER: u32 = u32::MAX;

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
    fn weights_are_kept_as_well_as_bytes_can() {
        for (weight, kept) in
            [(9, 9), (-127, -127), (129, 130), (-1000, -1000), (1003, 1000), (16_000, 16_000)]
        {
            let mut sum = [0; ROW];
            let mut weights = [0; ROW];
            (weights[0], weights[20]) = (weight, weight / 2);
            Model { lines: vec![row(&weights); ROWS_AT + 1], ..Model::default() }.add(0, &mut sum);
            assert_eq!(sum[0], kept);
        }
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
