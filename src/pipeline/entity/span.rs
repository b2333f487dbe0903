//! A run of tokens that names something, before it is filed under a name.

use super::page::Page;
use crate::article::EntityKind;

/// Tokens `from..to` name something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// First token.
    pub(crate) from: usize,
    /// One past the last token.
    pub(crate) to: usize,
    /// What it names.
    pub(crate) kind: EntityKind,
    /// Whether a list says so, so that no vote of the document changes it.
    pub(crate) sure: bool,
    /// Which tracked name it is.
    pub(crate) tracked: Option<u32>,
}

impl Span {
    /// Tokens that name a thing of this kind.
    pub(crate) fn new(from: usize, to: usize, kind: EntityKind) -> Self {
        Self { from, to, kind, sure: false, tracked: None }
    }

    /// The same, as a list says.
    pub(crate) fn sure(from: usize, to: usize, kind: EntityKind) -> Self {
        Self { sure: true, ..Self::new(from, to, kind) }
    }

    /// Number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.to.saturating_sub(self.from)
    }
}

/// Which tokens belong to a span.
pub(crate) fn covered(page: &Page<'_>, spans: &[Span]) -> Vec<bool> {
    let mut covered = vec![false; page.tokens.len()];
    for span in spans {
        for token in covered.iter_mut().take(span.to).skip(span.from) {
            *token = true;
        }
    }
    covered
}
