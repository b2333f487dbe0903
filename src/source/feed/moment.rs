//! A point in time in eight bytes, also where there may be none: feeds are many.

use std::num::NonZeroU64;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Milliseconds since the first moment that a timestamp can be, and one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Timestamp", into = "Timestamp")]
pub struct Moment(NonZeroU64);

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        let since = at.as_millisecond().abs_diff(Timestamp::MIN.as_millisecond());
        Self(NonZeroU64::MIN.saturating_add(since))
    }
}

impl From<Moment> for Timestamp {
    fn from(Moment(at): Moment) -> Self {
        let since = i64::try_from(at.get() - 1).unwrap_or(i64::MAX);
        Self::from_millisecond(Self::MIN.as_millisecond().saturating_add(since)).unwrap_or(Self::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_kept() {
        for at in ["1970-01-01T00:00:00Z", "2031-03-02T15:04:05.678Z", "-009999-01-02T01:59:59Z"] {
            let at: Timestamp = at.parse().unwrap();
            assert_eq!(Timestamp::from(Moment::from(at)), at);
        }
        assert_eq!(size_of::<Option<Moment>>(), 8);
    }
}
