//! Why a feed is asked next at the time that it is. Pure.

use serde::{Deserialize, Serialize};

/// What decided the time of the next request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// How often it changes.
    #[default]
    Rhythm,
    /// `poll_secs` of the config.
    Fixed,
    /// The headers of its server's last answer.
    Headers,
    /// The feed's own wish: `ttl` or the syndication module.
    Ttl,
    /// Hours or days that the feed wants to be skipped.
    Skip,
    /// Failures in a row.
    Failures,
    /// `Retry-After`.
    RetryAfter,
    /// The network is down.
    Outage,
    /// Its hub tells us; it is asked now and then all the same.
    Hub,
}

impl Why {
    /// For people, after "next … , ".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Rhythm => "as often as it changes",
            Self::Fixed => "as its poll_secs says",
            Self::Headers => "as its server's headers ask",
            Self::Ttl => "as the feed itself asks (ttl)",
            Self::Skip => "as the feed asks to be left alone before (skipHours, skipDays)",
            Self::Failures => "later with each failure",
            Self::RetryAfter => "as its server asks (Retry-After)",
            Self::Outage => "the network is down",
            Self::Hub => "only to check: its hub tells us",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if asks for a reference")]
    pub(super) fn is_rhythm(&self) -> bool {
        *self == Self::Rhythm
    }
}
