//! Looking after a state directory that no daemon uses.

use anyhow::Context;
use serde_json::{Value, json};

use super::{journal_progress, retention, store_options};
use crate::{
    config::Config,
    journal::{
        Journal, JournalError, Position,
        kept::GivenUp,
        reader::Reader,
        state_dir::{StateDir, dir_bytes},
    },
    pipeline::{self, held::held, view::Tree},
    store::{Store, known::Known, upkeep},
};

/// An index with fewer bytes is not worth compacting by itself,
const COMPACT_BYTES_MIN: u64 = 64 << 20;

/// nor one that has not grown by this factor since it was.
const COMPACT_GROWTH: u64 = 3;

/// How much is stored, and what each byte is for.
///
/// # Errors
/// When the state directory is in use or cannot be read.
pub fn stats(config: &Config) -> anyhow::Result<Value> {
    let state = StateDir::lock(&config.state_dir)?;
    let (journal, _) = Journal::open(&state)?;
    let opened = Store::open(&state, &store_options(&journal))?;
    let stats = opened.store.stats()?;
    let sizes = journal.sizes()?;
    let known = Known { store: &opened.store, journal: &journal };
    let held = held(&known)?;
    let articles = stats.trees.get(&Tree::Reports).map_or(0, |of_tree| of_tree.rows);
    let each = |bytes: u64, count: u64| bytes.checked_div(count);
    let sled_bytes = stats.disk_bytes - stats.window_disk_bytes;
    let state_bytes = dir_bytes(&config.state_dir)?;
    let mut figures = json!({
        "articles_known": articles,
        "state_bytes": state_bytes,
        "state_bytes_an_article": each(state_bytes, articles),
        "journal_days_with_texts": sizes.whole_days,
        "journal_bytes_with_texts": sizes.whole_bytes,
        "journal_days_without_texts": sizes.kept_days,
        "journal_bytes_without_texts": sizes.kept_bytes,
        "search_bytes": dir_bytes(&config.state_dir.join("search"))?,
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
        let parts = held.parts.into_iter().chain([("places_of_rows", stats.window_places_bytes)]);
        let (mut memory, articles) = (0, held.articles as u64);
        for (part, bytes) in parts {
            memory += bytes as u64;
            fields.insert(format!("memory_{part}"), json!(bytes));
        }
        fields.insert("memory_of_the_window".to_owned(), json!(memory));
        fields.insert("memory_of_the_window_an_article".to_owned(), json!(each(memory, articles)));
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
        "articles_left_out": again.left_out,
        "decided_again_from": again.whole_from.map(in_words),
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

/// Gives up texts as the config says, and writes the index anew without what was deleted.
///
/// # Errors
/// When the state directory is in use, or cannot be read or written.
pub fn compact(config: &Config) -> anyhow::Result<Value> {
    let pipeline = super::open(config)?;
    let needed = pipeline.oldest_day().get();
    pipeline.close()?;
    let state = StateDir::lock(&config.state_dir)?;
    let round = retention::round(&config.state_dir, (&config.store).into(), needed, &|| false)?;
    let (journal, _) = Journal::open(&state)?;
    let compacted = upkeep::compact(&state, &store_options(&journal))?;
    let sum = |of: fn(&GivenUp) -> u64| round.given_up.iter().map(of).sum::<u64>();
    Ok(json!({
        "index_bytes_before": compacted.bytes_before,
        "index_bytes_after": compacted.bytes_after,
        "days_that_gave_up_texts": round.given_up.len(),
        "texts_given_up": sum(|day| day.articles),
        "bytes_of_these_days_before": sum(|day| day.bytes_before),
        "bytes_of_these_days_after": sum(|day| day.bytes_after),
        "over_disk_gib_max": round.still_over.is_some(),
    }))
}

/// Compacts the index before a daemon's work if its files have grown to several times of what they were after the last
/// time. What fails costs nothing: the index stays as it is.
pub(super) fn compact_if_due(config: &Config) {
    if let Err(fault) = try_compact(config) {
        tracing::warn!("{fault:#}; the index is not compacted");
    }
}

fn try_compact(config: &Config) -> anyhow::Result<()> {
    let (index, mark) = (config.state_dir.join("index"), config.state_dir.join("compacted"));
    let bytes = if index.exists() { dir_bytes(&index)? } else { 0 };
    let last = std::fs::read_to_string(&mark).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    if !is_due(bytes, last) {
        return Ok(());
    }
    let state = StateDir::lock(&config.state_dir)?;
    state.check_room()?;
    let (journal, _) = Journal::open(&state)?;
    let done = upkeep::compact(&state, &store_options(&journal))?;
    std::fs::write(&mark, format!("{}\n", done.bytes_after))?;
    tracing::info!(bytes_before = done.bytes_before, bytes_after = done.bytes_after, "compacted the index");
    Ok(())
}

/// Whether files of so many bytes are worth it, which had `last` bytes after the last time, or 0 if there was none.
fn is_due(bytes: u64, last: u64) -> bool {
    bytes >= COMPACT_BYTES_MIN && bytes >= last.saturating_mul(COMPACT_GROWTH)
}

/// 20170302 as 2017-03-02.
fn in_words(day: u32) -> String {
    format!("{:04}-{:02}-{:02}", day / 10_000, day / 100 % 100, day % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compacted_when_it_has_grown() {
        assert!(!is_due(COMPACT_BYTES_MIN - 1, 0));
        assert!(is_due(COMPACT_BYTES_MIN, 0));
        assert!(!is_due(COMPACT_BYTES_MIN * 2, COMPACT_BYTES_MIN));
        assert!(is_due(COMPACT_BYTES_MIN * 3, COMPACT_BYTES_MIN));
    }
}
