//! Days as numbers yyyymmdd, and the names of their files.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, civil::Date, tz::Offset};

pub(super) fn journal_dir(state_dir: &Path) -> PathBuf {
    state_dir.join("journal")
}

pub(super) fn path_of(dir: &Path, day: u32) -> PathBuf {
    dir.join(format!("{:04}-{:02}-{:02}.jsonl.zst", day / 10_000, day / 100 % 100, day % 100))
}

/// Of a day without texts, whose own file ended at `end`.
pub(super) fn kept_path_of(dir: &Path, day: u32, end: u64) -> PathBuf {
    dir.join(format!("{:04}-{:02}-{:02}.kept-{end}.jsonl.zst", day / 10_000, day / 100 % 100, day % 100))
}

/// The day of a file's name, where it is one of the journal's.
pub(super) fn day_of_name(name: &str) -> Option<u32> {
    let date: Date = name.strip_suffix(".jsonl.zst")?.parse().ok()?;
    Some(number_of(date)).filter(|day| path_of(Path::new(""), *day).as_os_str() == name)
}

/// The day of the journal to which a moment belongs.
pub fn day_of(at: Timestamp) -> u32 {
    number_of(Offset::UTC.to_datetime(at.max(Timestamp::UNIX_EPOCH)).date())
}

/// So many days before another one; 0 where there is none.
pub fn day_before(day: u32, days: u32) -> u32 {
    let part = |number: u32| i8::try_from(number % 100).ok();
    let date = || {
        let year = i16::try_from(day / 10_000).ok()?;
        let date = Date::new(year, part(day / 100)?, part(day)?).ok()?;
        date.checked_sub(jiff::Span::new().try_days(days).ok()?).ok()
    };
    date().map_or(0, number_of)
}

fn number_of(date: Date) -> u32 {
    let part = |number: i8| u32::from(number.unsigned_abs());
    u32::from(date.year().unsigned_abs()) * 10_000 + part(date.month()) * 100 + part(date.day())
}
