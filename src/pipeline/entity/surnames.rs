//! Files persons who are named by one word alone under the full names that others know.

use crate::article::{Entity, EntityKind, Quote};

/// Asks of each person with one word for a name who that is: the full name, and whether the user tracks it.
pub(crate) fn resolve(
    entities: &mut Vec<Entity>,
    quotes: &mut [Quote],
    who: impl Fn(&str) -> Option<(String, bool)>,
) {
    let mut at = 0;
    while let Some(entity) = entities.get_mut(at) {
        at += 1;
        let alone = entity.kind == EntityKind::Person && !entity.tracked && !entity.name.contains(' ');
        let Some((full, tracked)) = alone.then(|| who(&entity.name)).flatten() else { continue };
        let short = std::mem::replace(&mut entity.name, full.clone());
        entity.tracked = tracked;
        for quote in quotes.iter_mut().filter(|quote| quote.speaker.as_ref() == Some(&short)) {
            quote.speaker = Some(full.clone());
        }
        let same = |other: &Entity| other.kind == EntityKind::Person && other.name == full;
        let Some(first) = entities.iter().position(same).filter(|first| *first + 1 < at) else {
            merge_later(entities, at, &full);
            continue;
        };
        at -= 1;
        let gone = entities.remove(at);
        if let Some(kept) = entities.get_mut(first) {
            merge(kept, gone);
        }
    }
}

/// The name may also stand further behind in full.
fn merge_later(entities: &mut Vec<Entity>, at: usize, full: &str) {
    let same = |other: &Entity| other.kind == EntityKind::Person && other.name == full;
    let Some(later) = entities.iter().skip(at).position(same) else { return };
    let gone = entities.remove(at + later);
    if let Some(kept) = at.checked_sub(1).and_then(|at| entities.get_mut(at)) {
        merge(kept, gone);
    }
}

fn merge(kept: &mut Entity, gone: Entity) {
    kept.mentions.extend(gone.mentions);
    kept.mentions.sort_unstable();
    kept.tracked |= gone.tracked;
    kept.role = kept.role.take().or(gone.role);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::{Field, Mention};

    fn person(name: &str, start: u32) -> Entity {
        let end = start + u32::try_from(name.len()).unwrap();
        let mentions = vec![Mention { field: Field::Text, start, end }];
        Entity { name: name.to_owned(), kind: EntityKind::Person, role: None, tracked: false, mentions }
    }

    fn check(names: &[&str], expected: &[(&str, usize)]) {
        let mut entities: Vec<Entity> =
            names.iter().zip(0..).map(|(name, at)| person(name, at * 20)).collect();
        let text = String::from("It is a shame");
        let mut quotes = [Quote { text, start: 9, end: 22, speaker: Some("Venn".to_owned()) }];
        resolve(&mut entities, &mut quotes, |name| (name == "Venn").then(|| ("Orla Venn".to_owned(), true)));
        let found: Vec<_> = entities.iter().map(|one| (one.name.as_str(), one.mentions.len())).collect();
        assert_eq!(found, expected);
        assert_eq!(quotes[0].speaker.as_deref(), Some("Orla Venn"));
    }

    #[test]
    fn one_word_becomes_the_full_name() {
        check(&["Venn", "Quill"], &[("Orla Venn", 1), ("Quill", 1)]);
    }

    #[test]
    fn the_full_name_is_there_once() {
        check(&["Quill", "Venn", "Orla Venn"], &[("Quill", 1), ("Orla Venn", 2)]);
        check(&["Orla Venn", "Venn", "Quill"], &[("Orla Venn", 2), ("Quill", 1)]);
    }
}
