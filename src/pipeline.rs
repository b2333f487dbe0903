//! Event in: decide, apply, commit, deliver.

pub mod view;
