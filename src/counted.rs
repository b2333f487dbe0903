//! A number with what it counts, for people.

use std::{borrow::Cow, fmt::Display};

/// `1 report`, `2 reports`, `3 stories`.
pub(crate) fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    format!("{count} {}", noun_of(count == N::from(1), noun))
}

/// The noun for one, or for any other number.
pub(crate) fn noun_of(one: bool, noun: &str) -> Cow<'_, str> {
    match noun.strip_suffix('y') {
        _ if one => noun.into(),
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies").into(),
        _ => format!("{noun}s").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many() {
        let said = [counted(1_u32, "report"), counted(0_u64, "day"), counted(2_usize, "wire copy")];
        assert_eq!(said, ["1 report", "0 days", "2 wire copies"]);
    }
}
