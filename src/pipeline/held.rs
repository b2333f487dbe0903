//! What the window takes in memory, and what for.

use super::{
    record::Follow,
    state::State,
    view::{View, ViewError},
};
use crate::article::Id;

/// What a start with the rows of this index holds in memory of the window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Articles in the window.
    pub articles: usize,
    /// Bytes by what they are for, without the allocator's own.
    pub parts: Vec<(&'static str, usize)>,
}

/// Loads the window, and measures it.
///
/// # Errors
/// When a row cannot be read.
pub fn held(view: &dyn View) -> Result<Held, ViewError> {
    let state = State::load(view, u64::MAX)?;
    let mut parts = vec![
        ("runs_of_words_for_copies", state.index.memory_bytes()),
        ("places_in_the_journal", state.window.memory_bytes()),
    ];
    parts.extend(state.stories.memory_bytes());
    parts.push(("surnames_and_kin_of_stories", state.bearers.memory_bytes() + state.kin.memory_bytes()));
    parts.push(("what_topics_remember_of_stories", remembered_bytes(&state)));
    Ok(Held { articles: state.window.len(), parts })
}

/// What topics remember of the stories of the window, and which of its articles they learned from.
pub(super) fn remembered_bytes(state: &State) -> usize {
    state.follows.len() * size_of::<((Id, u64), Follow)>() + state.learned.memory_bytes()
}
