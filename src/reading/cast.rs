//! Who is named in a story, so that a surname is known for whose it is, and what one report takes for a name for what the
//! others call it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::article::EntityKind;

/// Everyone and everything named in a story.
#[derive(Debug, Default)]
pub struct Cast<'a> {
    names: BTreeMap<&'a str, Member>,
}

#[derive(Debug)]
struct Member {
    kind: EntityKind,
    /// Reports that name it.
    reports: usize,
    words: BTreeSet<String>,
}

/// Whether two statements are one person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speakers {
    Same,
    /// The texts do not say.
    Unknown,
    Other,
}

impl<'a> Cast<'a> {
    /// From canonical names, each with the reports that name it.
    pub fn new(named: impl IntoIterator<Item = (&'a str, EntityKind, usize)>) -> Self {
        let mut names: BTreeMap<&str, Member> = BTreeMap::new();
        for (name, kind, reports) in named {
            let member = Member { kind, reports, words: words(name) };
            match names.get(name) {
                Some(known) if known.reports >= reports => {}
                _ => {
                    names.insert(name, member);
                }
            }
        }
        Self { names }
    }

    /// The whole name of who bears this one: of those that hold all of its words, that which most reports give.
    pub(super) fn whole<'s>(&'s self, name: &'s str) -> &'s str {
        let own = words(name);
        let known = self.names.get(name);
        let kind = known.map_or(EntityKind::Person, |member| member.kind);
        let rank = |name: &'s str, words: usize, reports: usize| {
            (words > 1, reports, std::cmp::Reverse(words), std::cmp::Reverse(name))
        };
        let mut best = rank(name, own.len(), known.map_or(0, |member| member.reports));
        for (other, member) in &self.names {
            if member.kind == kind && member.words.len() > own.len() && own.is_subset(&member.words) {
                best = best.max(rank(other, member.words.len(), member.reports));
            }
        }
        best.3.0
    }

    fn is_org(&self, name: &str) -> bool {
        self.names.get(name).is_some_and(|member| member.kind == EntityKind::Org)
    }

    /// Whether two names, as two texts give them, are one speaker's. A body speaks by people: of those nothing is known.
    pub(super) fn speakers(&self, one: Option<&str>, other: Option<&str>) -> Speakers {
        let Some((one, other)) = one.zip(other) else { return Speakers::Unknown };
        if same_name(one, other) || self.whole(one) == self.whole(other) {
            Speakers::Same
        } else if self.is_org(one) != self.is_org(other) {
            Speakers::Unknown
        } else {
            Speakers::Other
        }
    }

    /// The whole name that most outlets give; of those equal a person's, then that which most reports name. `said` are
    /// names with their outlets.
    pub(super) fn speaker<'s>(&'s self, said: impl Iterator<Item = (&'s str, &'s str)>) -> Option<String> {
        let mut votes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, outlet) in said {
            votes.entry(self.whole(name)).or_default().insert(outlet);
        }
        let rank = |name: &str, outlets: usize| {
            let reports = self.names.get(name).map_or(0, |member| member.reports);
            (outlets, !self.is_org(name), reports, std::cmp::Reverse(name.split(' ').count()))
        };
        let most = votes
            .iter()
            .max_by_key(|(name, outlets)| (rank(name, outlets.len()), std::cmp::Reverse(**name)))?;
        Some((*most.0).to_owned())
    }
}

fn words(name: &str) -> BTreeSet<String> {
    name.to_lowercase().split(' ').map(ToOwned::to_owned).collect()
}

/// Whether two names may be one person's: one holds all words of the other, or first and last word are the same.
fn same_name(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let within = |a: &str, b: &str| a.split(' ').all(|word| b.split(' ').any(|other| word == other));
    let ends = |name: &str| {
        (name.split(' ').next() == a.split(' ').next(), name.rsplit(' ').next() == a.rsplit(' ').next())
    };
    ends(&b) == (true, true) || within(&a, &b) || within(&b, &a)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAST: [(&str, EntityKind, usize); 5] = [
        ("Lena Orvik", EntityKind::Person, 6),
        ("Orvik", EntityKind::Person, 2),
        ("Port Maren Meets Orvik", EntityKind::Person, 1),
        ("Jonas Orvik", EntityKind::Person, 2),
        ("Maren Ferries", EntityKind::Org, 9),
    ];

    #[test]
    fn one_surname_is_not_one_person() {
        assert!(same_name("Lena Orvik", "orvik") && same_name("Lena M. Orvik", "Lena Orvik"));
        assert!(!same_name("Lena Orvik", "Jonas Orvik") && !same_name("Lena Orvik", "Lena Brandt"));
    }

    #[test]
    fn a_surname_is_that_of_whom_most_reports_name() {
        let cast = Cast::new(CAST);
        for (name, whole) in [
            ("Orvik", "Lena Orvik"),
            ("Jonas Orvik", "Jonas Orvik"),
            ("Ferries", "Ferries"),
            ("Brandt", "Brandt"),
        ] {
            assert_eq!(cast.whole(name), whole);
        }
    }

    #[track_caller]
    fn check(said: &[(&str, &str)], expected: Option<&str>) {
        assert_eq!(Cast::new(CAST).speaker(said.iter().copied()).as_deref(), expected);
    }

    #[test]
    fn the_speaker_is_who_most_outlets_say() {
        check(&[("Orvik", "gull"), ("Lena Orvik", "tern"), ("Ole Brandt", "heron")], Some("Lena Orvik"));
        check(&[("Jonas Orvik", "gull"), ("Jonas Orvik", "tern"), ("Orvik", "heron")], Some("Jonas Orvik"));
        check(&[], None);
    }

    #[test]
    fn a_headline_taken_for_a_name_outvotes_nobody() {
        let (odd, orvik) = ("Port Maren Meets Orvik", "Orvik");
        check(
            &[(odd, "gull"), (odd, "gull"), (odd, "gull"), (orvik, "tern"), (orvik, "heron")],
            Some("Lena Orvik"),
        );
    }

    #[test]
    fn a_body_speaks_by_people() {
        let cast = Cast::new(CAST);
        assert_eq!(cast.speakers(Some("Maren Ferries"), Some("Ole Brandt")), Speakers::Unknown);
        assert_eq!(cast.speakers(Some("Lena Orvik"), Some("Ole Brandt")), Speakers::Other);
        assert_eq!(cast.speakers(Some("Lena Orvik"), Some("Orvik")), Speakers::Same);
        assert_eq!(cast.speakers(None, Some("Orvik")), Speakers::Unknown);
        check(&[("Maren Ferries", "gull"), ("Ole Brandt", "tern")], Some("Ole Brandt"));
    }
}
