//! What had to be put right in a feed, to be told to whoever looks after it. Pure.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One kind of fault that was put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// The stated charset is not the one that its bytes are in.
    Charset,
    /// Something stands before the root element.
    Junk,
    /// Ampersands that mean themselves, entities that nobody knows.
    Ampersands,
    /// Elements whose end is missing.
    Ends,
    /// The document breaks off.
    Tail,
    /// Dates that no reader knows.
    Dates,
    /// Entries that had to be left out so that others could be read.
    Entries,
}

/// Each kind with the word that stands in checkpoints, and what people are told.
const ALL: [(Repair, &str, &str); 7] = [
    (Repair::Charset, "charset", "its bytes are not in the charset that it states"),
    (Repair::Junk, "junk", "something stands before its beginning"),
    (Repair::Ampersands, "ampersands", "ampersands that should be written &amp;"),
    (Repair::Ends, "ends", "elements without their end"),
    (Repair::Tail, "tail", "it breaks off before its end"),
    (Repair::Dates, "dates", "dates that cannot be read"),
    (Repair::Entries, "entries", "entries that cannot be read and were left out"),
];

/// The kinds of faults that one feed had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs(u8);

impl Repairs {
    /// Notes a fault.
    pub fn note(&mut self, repair: Repair) {
        self.0 |= 1 << repair as u8;
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    fn each(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        ALL.into_iter()
            .filter(move |(repair, ..)| self.0 >> *repair as u8 & 1 == 1)
            .map(|(_, word, told)| (word, told))
    }

    /// Each fault in words for people.
    pub fn in_words(self) -> impl Iterator<Item = &'static str> {
        self.each().map(|(_, told)| told)
    }
}

impl Serialize for Repairs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.each().map(|(word, _)| word))
    }
}

/// A word that is not known is of another version and counts for nothing.
impl<'de> Deserialize<'de> for Repairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut repairs = Self::default();
        for said in Vec::<String>::deserialize(deserializer)? {
            if let Some((repair, ..)) = ALL.iter().find(|(_, word, _)| *word == said) {
                repairs.note(*repair);
            }
        }
        Ok(repairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_they_are_the_same() {
        let mut repairs = Repairs::default();
        repairs.note(Repair::Dates);
        repairs.note(Repair::Charset);
        let written = serde_json::to_string(&repairs).unwrap();
        assert_eq!(written, r#"["charset","dates"]"#);
        assert_eq!(serde_json::from_str::<Repairs>(&written).unwrap(), repairs);
        assert_eq!(repairs.in_words().count(), 2);
    }

    #[test]
    fn the_words_stand_in_the_order_of_the_kinds() {
        assert!((0..).zip(ALL).all(|(at, (repair, ..))| repair as u8 == at));
    }
}
