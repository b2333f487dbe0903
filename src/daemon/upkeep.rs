//! Looking after a state directory that no daemon uses.

use anyhow::Context;
use serde_json::{Value, json};

use super::{journal_progress, store_options};
use crate::{
    config::Config,
    journal::{Journal, JournalError, Position, reader::Reader, state_dir::StateDir},
    pipeline::{self, view::Tree},
    store::{Store, upkeep},
};

/// How much is stored.
///
/// # Errors
/// When the state directory is in use or cannot be read.
pub fn stats(config: &Config) -> anyhow::Result<Value> {
    let state = StateDir::lock(&config.state_dir)?;
    let (journal, _) = Journal::open(&state)?;
    let opened = Store::open(&state, &store_options(&journal))?;
    let stats = opened.store.stats()?;
    let articles = stats.trees.get(&Tree::Reports).map_or(0, |of_tree| of_tree.rows);
    let each = |bytes: u64, count: u64| bytes.checked_div(count);
    let sled_bytes = stats.disk_bytes - stats.window_disk_bytes;
    let mut figures = json!({
        "articles_known": articles,
        "journal_bytes": journal.bytes(),
        "journal_days": journal.days().count(),
        "index_bytes": stats.disk_bytes,
        "sled_bytes": sled_bytes,
        "sled_bytes_an_article": each(sled_bytes, articles),
    });
    if let Some(fields) = figures.as_object_mut() {
        for (tree, of_tree) in stats.trees {
            let name = format!("{tree:?}").to_lowercase();
            fields.insert(format!("{name}_rows"), json!(of_tree.rows));
            fields.insert(format!("{name}_bytes"), json!(of_tree.bytes));
            fields.insert(format!("{name}_bytes_a_row"), json!(each(of_tree.bytes, of_tree.rows)));
        }
        fields.insert("window_bytes_on_disk".to_owned(), json!(stats.window_disk_bytes));
    }
    opened.store.close()?;
    Ok(figures)
}

/// Reads journal and index whole, and decides every article again.
///
/// # Errors
/// When the state directory is in use or cannot be read.
pub fn verify(config: &Config) -> anyhow::Result<Value> {
    // The index is first brought to where the journal ends, as every start does.
    super::open(config)?.close()?;
    let state = StateDir::lock(&config.state_dir)?;
    let (journal, _) = Journal::open(&state)?;
    let opened = Store::open(&state, &store_options(&journal))?;
    let rows = opened.store.verify()?;
    opened.store.close()?;
    drop(journal);
    let reader = Reader::open(&config.state_dir)?;
    let mut damaged = Vec::new();
    let mut lines = 0_u64;
    for line in reader.scan(Position::default())? {
        match line {
            Ok(_) => lines += 1,
            Err(fault @ JournalError::Damaged { .. }) => damaged.push(fault.to_string()),
            Err(fault) => return Err(fault).context("could not read the journal"),
        }
    }
    let bar = journal_progress("deciding again");
    let again = pipeline::decide_again(&reader, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    Ok(json!({
        "good": rows.damaged_rows == 0 && damaged.is_empty() && again.differ == 0,
        "journal_lines": lines,
        "journal_damage": damaged,
        "index_rows": rows.rows,
        "index_rows_damaged": rows.damaged_rows,
        "articles_decided_again": again.articles,
        "decided_differently": again.differ,
        "different": again.different,
    }))
}

/// Builds the index again from the journal.
///
/// # Errors
/// When the state directory is in use, or cannot be read or written.
pub fn rebuild(config: &Config) -> anyhow::Result<Value> {
    {
        let state = StateDir::lock(&config.state_dir)?;
        crate::store::remove(&state)?;
    }
    let pipeline = super::open(config)?;
    let articles = pipeline.articles();
    pipeline.close()?;
    Ok(json!({ "articles": articles }))
}

/// Writes the index anew without what was deleted.
///
/// # Errors
/// When the state directory is in use, or cannot be read or written.
pub fn compact(config: &Config) -> anyhow::Result<Value> {
    let state = StateDir::lock(&config.state_dir)?;
    let (journal, _) = Journal::open(&state)?;
    let compacted = upkeep::compact(&state, &store_options(&journal))?;
    Ok(json!({ "bytes_before": compacted.bytes_before, "bytes_after": compacted.bytes_after }))
}
