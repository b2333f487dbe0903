//! A `View` that holds all in memory: for a backtest, and for deciding the journal's articles again.

use std::{collections::BTreeMap, ops::Bound};

use super::view::{Changes, Locator, Rows, Tree, View, ViewError};
use crate::article::{Article, Decision};

/// Rows and articles, kept until they are removed.
#[derive(Debug, Default)]
pub struct MemoryView {
    trees: BTreeMap<Tree, BTreeMap<Vec<u8>, Vec<u8>>>,
    articles: BTreeMap<Locator, Article>,
}

/// It was never put there, or is forgotten.
#[derive(Debug, thiserror::Error)]
#[error("no article stands there")]
struct NoArticle;

impl MemoryView {
    /// Does what a commit of these changes would do.
    pub fn apply(&mut self, changes: &Changes) {
        for (tree, key, value) in changes.iter() {
            let rows = self.trees.entry(tree).or_default();
            match value {
                Some(value) => rows.insert(key.to_vec(), value.to_vec()),
                None => rows.remove(key),
            };
        }
    }

    /// Keeps an article.
    pub fn put_article(&mut self, at: Locator, article: Article) {
        self.articles.insert(at, article);
    }

    /// Forgets all articles before a place: the bound of its memory is the caller's window.
    pub fn forget_articles_before(&mut self, at: Locator) {
        self.articles = self.articles.split_off(&at);
    }

    /// All rows of a tree, in order.
    pub fn rows(&self, tree: Tree) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.trees.get(&tree).into_iter().flatten().map(|(key, value)| (key.as_slice(), value.as_slice()))
    }
}

impl View for MemoryView {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError> {
        Ok(self.trees.get(&tree).and_then(|rows| rows.get(key)).cloned())
    }

    fn scan(&self, tree: Tree, from: &[u8], rows_max: usize) -> Result<Rows, ViewError> {
        let Some(rows) = self.trees.get(&tree) else { return Ok(Rows::new()) };
        let range = rows.range::<[u8], _>((Bound::Included(from), Bound::Unbounded));
        Ok(range.take(rows_max).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn article(&self, at: Locator) -> Result<Article, ViewError> {
        self.articles.get(&at).cloned().ok_or_else(|| ViewError {
            what: format!("the article at byte {} of day {}", at.offset, at.day),
            source: NoArticle.into(),
        })
    }

    fn decided(&self, _at: Locator) -> Result<Option<(Article, Decision)>, ViewError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_change_of_a_key_counts() {
        let mut view = MemoryView::default();
        let mut changes = Changes::default();
        changes.put(Tree::Meta, *b"b", vec![1]);
        changes.put(Tree::Meta, *b"a", vec![2]);
        changes.put(Tree::Stories, *b"c", vec![3]);
        view.apply(&changes);
        let mut changes = Changes::default();
        changes.remove(Tree::Meta, *b"a");
        changes.put(Tree::Meta, *b"c", vec![4]);
        view.apply(&changes);
        assert_eq!(view.get(Tree::Meta, b"a").unwrap(), None);
        let rows = vec![(b"b".to_vec(), vec![1]), (b"c".to_vec(), vec![4])];
        assert_eq!(view.scan(Tree::Meta, b"", 9).unwrap(), rows);
        assert_eq!(view.scan(Tree::Meta, b"b", 1).unwrap(), rows[..1]);
        assert_eq!(view.scan(Tree::Meta, b"bb", 9).unwrap(), rows[1..]);
        assert_eq!(view.scan(Tree::Window, b"", 9).unwrap(), []);
    }

    #[test]
    fn articles_are_kept_until_forgotten() {
        let mut view = MemoryView::default();
        let at = |offset| Locator { day: 20_170_302, offset };
        for offset in [1, 2] {
            let title = format!("Ferry line reopens, part {offset}");
            view.put_article(at(offset), Article { title, ..Article::default() });
        }
        view.forget_articles_before(at(2));
        assert_eq!(view.article(at(2)).unwrap().title, "Ferry line reopens, part 2");
        assert_eq!(
            view.article(at(1)).unwrap_err().to_string(),
            "could not look up the article at byte 1 of day 20170302"
        );
    }
}
