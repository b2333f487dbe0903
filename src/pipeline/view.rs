//! What the pure part of the pipeline may look up, and the changes that it asks for: keys and values of the index,
//! and articles of the journal. The store answers in the daemon, memory in a backtest.

use std::collections::BTreeMap;

use crate::article::{Article, Decision};

/// The trees of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tree {
    /// What articles are recognised by (address, guid, body) → report.
    Identities,
    /// Report → where its newest revision stands in the journal, its story, its original.
    Reports,
    /// Sequence number of an accepted article → what the window needs of it. Oldest first.
    Window,
    /// Story → what is kept of it beyond the window.
    Stories,
    /// Topic and story → how the topic follows the story.
    Topics,
    /// Source → its checkpoint.
    Checkpoints,
    /// Sequence number of an alert → where it stands in the journal.
    Alerts,
    /// Counters and versions.
    Meta,
    /// Topic or feed → its usual pace, and what of it waits to be told.
    Desks,
}

impl Tree {
    /// All trees.
    pub const ALL: [Self; 9] = [
        Self::Identities,
        Self::Reports,
        Self::Window,
        Self::Stories,
        Self::Topics,
        Self::Checkpoints,
        Self::Alerts,
        Self::Meta,
        Self::Desks,
    ];
}

/// Where a line of the journal begins.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Locator {
    /// The journal's day as the decimal number yyyymmdd, UTC.
    pub day: u32,
    /// Bytes from the start of that day's file to the line's frame.
    pub offset: u64,
}

/// A look-up failed for good: the index or the journal is damaged or cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("could not look up {what}")]
pub struct ViewError {
    /// Tree and key, or file and offset.
    pub what: String,
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Keys and values of one tree, in the keys' order.
pub type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// Read-only access to what is already known.
pub trait View {
    /// The value of one key.
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError>;

    /// At most `rows_max` rows whose keys are at least `from`, in order.
    fn scan(&self, tree: Tree, from: &[u8], rows_max: usize) -> Result<Rows, ViewError>;

    /// The article that stands at that place in the journal.
    fn article(&self, at: Locator) -> Result<Article, ViewError>;

    /// The same with what was decided of it; `None` where that is not kept.
    fn decided(&self, at: Locator) -> Result<Option<(Article, Decision)>, ViewError>;
}

/// Changes to the index, gathered over a batch: the last one of a key counts, `None` takes it out.
#[derive(Debug, Default)]
pub struct Changes {
    trees: BTreeMap<Tree, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl Changes {
    /// Sets a key.
    pub fn put(&mut self, tree: Tree, key: impl Into<Vec<u8>>, value: Vec<u8>) {
        self.trees.entry(tree).or_default().insert(key.into(), Some(value));
    }

    /// Takes a key out.
    pub fn remove(&mut self, tree: Tree, key: impl Into<Vec<u8>>) {
        self.trees.entry(tree).or_default().insert(key.into(), None);
    }

    /// Leaves out all changes of a tree.
    pub fn forget(&mut self, tree: Tree) {
        self.trees.remove(&tree);
    }

    /// What the batch so far says of a key: `None` nothing, `Some(None)` that it is gone.
    pub fn get(&self, tree: Tree, key: &[u8]) -> Option<Option<&[u8]>> {
        self.trees.get(&tree)?.get(key).map(Option::as_deref)
    }

    /// All changes, by tree and key.
    pub fn iter(&self) -> impl Iterator<Item = (Tree, &[u8], Option<&[u8]>)> {
        self.trees.keys().flat_map(|&tree| self.of_tree(tree).map(move |(key, value)| (tree, key, value)))
    }

    /// The changes of one tree, by key.
    pub fn of_tree(&self, tree: Tree) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let rows = self.trees.get(&tree).into_iter().flatten();
        rows.map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }
}
