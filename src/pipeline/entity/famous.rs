//! Whom the news of years means by a surname alone. Only asked where neither the article nor what is known of its story
//! tells it.

use std::sync::LazyLock;

use super::lexicon::{FixedMap, hash};

/// A full name a line; no two with the same surname. Counted by `examples/train_tagger.rs`.
static PERSONS: &str = include_str!("../../../models/persons.txt");

static BY_SURNAME: LazyLock<FixedMap<u64, &str>> = LazyLock::new(|| {
    PERSONS.lines().filter_map(|name| Some((hash(&name.rsplit(' ').next()?.to_lowercase()), name))).collect()
});

/// The full name that the news hardly ever leaves open.
pub(crate) fn full_name(surname: &str) -> Option<&'static str> {
    BY_SURNAME.get(&hash(&surname.to_lowercase())).copied().filter(|_| !surname.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surnames_lead_to_full_names() {
        let name = PERSONS.lines().next().unwrap();
        let surname = name.rsplit(' ').next().unwrap();
        assert_eq!(full_name(surname), Some(name));
        assert_eq!(full_name(name), None);
    }

    #[test]
    fn nobody_shares_a_surname() {
        assert_eq!(BY_SURNAME.len(), PERSONS.lines().count());
    }
}
