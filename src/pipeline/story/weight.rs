//! How an article's words weighed when it arrived. The journal keeps it: the window whose counts gave it may have no
//! text any more when the journal is read again.

use std::fmt::Write as _;

use super::{
    counts::{Counts, shipped_weight},
    terms::Features,
};

/// Stands for the differences 0, -1, 1, -2, 2 and so on.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Before two hexadecimal digits: a difference that has no digit of its own.
const LARGE: char = '~';

/// What a term weighs, in 16ths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Weight {
    /// By the shipped table and the window.
    now: u8,
    /// By the shipped table alone.
    shipped: u8,
}

/// The inverse document frequency of each word and each name, in 16ths, in the order of `Features::terms`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weights(Vec<Weight>);

impl Weights {
    pub(super) fn by(counts: &Counts, features: &Features) -> Self {
        let now = counts.weights(features.terms());
        let both = features.terms().zip(now).map(|(term, now)| Weight { now, shipped: shipped_weight(term) });
        Self(both.collect())
    }

    pub(super) fn words(&self) -> impl Iterator<Item = u8> {
        self.0.iter().map(|weight| weight.now)
    }

    /// As text: how each differs from the shipped table's. Few do by much, and zstd makes little of it.
    pub fn write(&self) -> String {
        let mut text = String::with_capacity(self.0.len());
        for Weight { now, shipped } in &self.0 {
            let folded = fold(now.wrapping_sub(*shipped));
            match DIGITS.get(usize::from(folded)) {
                Some(digit) => text.push(char::from(*digit)),
                None => {
                    // writing to a string cannot fail
                    write!(text, "{LARGE}{folded:02x}").ok();
                }
            }
        }
        text
    }

    /// What `write` wrote for these features; none where it was for others.
    pub fn read(text: &str, features: &Features) -> Option<Self> {
        let mut characters = text.chars();
        let mut weights = Vec::with_capacity(text.len());
        for term in features.terms() {
            let folded = match characters.next()? {
                LARGE => {
                    let hex: String = characters.by_ref().take(2).collect();
                    u8::from_str_radix(&hex, 16).ok()?
                }
                digit => {
                    let place = DIGITS.iter().position(|known| char::from(*known) == digit)?;
                    u8::try_from(place).ok()?
                }
            };
            let shipped = shipped_weight(term);
            weights.push(Weight { now: shipped.wrapping_add(unfold(folded)), shipped });
        }
        characters.next().is_none().then_some(Self(weights))
    }
}

/// Small differences become small numbers, whatever their sign.
fn fold(difference: u8) -> u8 {
    if difference < 128 { difference << 1 } else { (!difference) << 1 | 1 }
}

fn unfold(folded: u8) -> u8 {
    if folded & 1 == 0 { folded >> 1 } else { !(folded >> 1) }
}

#[cfg(test)]
mod tests {
    use super::{super::terms::features, *};

    #[test]
    fn every_difference_is_folded_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert!(all.iter().all(|number| unfold(fold(*number)) == *number));
        assert_eq!([0, 255, 1, 254].map(fold), [0, 1, 2, 3]);
    }

    #[test]
    fn what_is_written_is_read() {
        let features =
            features("Ferry strike in Lindholm", "The ferrymen of Lindholm struck on Monday.", None);
        let mut weights = Weights::by(Counts::shipped_ref(), &features);
        assert_eq!(weights.write(), "0".repeat(features.terms().count()));
        for (weight, now) in weights.0.iter_mut().zip((0..=255).step_by(37).cycle()) {
            weight.now = now;
        }
        let text = weights.write();
        assert!(text.is_ascii() && text.contains(LARGE), "{text}");
        assert_eq!(Weights::read(&text, &features), Some(weights));
        assert_eq!(Weights::read(text.get(1..).unwrap(), &features), None);
        assert_eq!(Weights::read(&format!("{text}0"), &features), None);
    }
}
