//! What the pipeline may look up in the daemon: rows of the index, articles of the journal.

use super::Store;
use crate::{
    article::{Article, Decision},
    journal::{Journal, Line},
    pipeline::view::{Locator, Rows, Tree, View, ViewError},
};

/// The index and the journal as one `View`.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Answers `get` and `scan`.
    pub store: &'a Store,
    /// Answers `article`, also of the batch that is gathered.
    pub journal: &'a Journal,
}

impl View for Known<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError> {
        self.store.get(tree, key).map_err(|error| row_error(tree, key, error))
    }

    fn scan(&self, tree: Tree, from: &[u8], rows_max: usize) -> Result<Rows, ViewError> {
        self.store.scan(tree, from, rows_max).map_err(|error| row_error(tree, from, error))
    }

    fn article(&self, at: Locator) -> Result<Article, ViewError> {
        let what = || format!("the article at byte {} of day {}", at.offset, at.day);
        self.journal.read_article(at).map_err(|error| ViewError { what: what(), source: error.into() })
    }

    fn decided(&self, at: Locator) -> Result<Option<(Article, Decision)>, ViewError> {
        let what = || format!("the article at byte {} of day {}", at.offset, at.day);
        let line = self.journal.read(at).map_err(|error| ViewError { what: what(), source: error.into() })?;
        Ok(match line {
            Line::Article { article, decision, marks: None, .. } => Some((article, decision)),
            _ => None,
        })
    }
}

fn row_error(tree: Tree, key: &[u8], error: super::StoreError) -> ViewError {
    ViewError { what: format!("{tree:?} {}", key.escape_ascii()), source: error.into() }
}
