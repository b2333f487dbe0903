//! The pass over the whole document: titles are roles, a surname is who bore it in full, one string names one kind of
//! thing, and what is named once is found at its other places.

use std::collections::BTreeSet;

use super::{
    acronyms::Acronyms,
    borne, edges,
    full::{Bearer, FullNames, full_names, surname_token},
    kinds,
    lexicon::{
        DEMONYM, FIRST, FixedMap, ORG_TAIL, ORG_WORD, PARTY, PLACE, Phrase, SAID, STATE_SHORT, TITLE,
        TITLE_PART, joined,
    },
    listed::{self, phrase_at},
    page::{HEADING, Page, SHOUTED, START, is_common},
    span::{Span, covered},
    token::{GLUED, MARK},
};
use crate::article::EntityKind;

/// Names that begin with the same word and are looked for elsewhere, at most.
const SAME_OPENER_MAX: usize = 32;

/// Words of a name that is looked for elsewhere, at most.
const NAME_WORDS_MAX: usize = 8;

/// Settles what a first guess and the tracked names say together. In order, none inside another.
pub(crate) fn settle(page: &Page<'_>, guessed: Vec<Span>, tracked: Vec<Span>) -> Vec<Span> {
    let mut spans: Vec<Span> = guessed.into_iter().filter_map(|span| trimmed(page, span)).collect();
    edges::mend(page, &mut spans);
    listed::settle(page, &mut spans);
    groups(page, &mut spans);
    let mut spans = with_tracked(page, spans, tracked);
    borne::persons(page, &mut spans);
    let full = full_names(page, &spans);
    spans = parted_all(page, spans, &full);
    for span in &mut spans {
        if let Some(person) = surname_of(page, span, &full) {
            span.kind = EntityKind::Person;
            span.tracked = person.tracked;
        }
    }
    kinds::by_majority(page, &mut spans, &full);
    Acronyms::new(page, &spans).settle(page, &mut spans);
    let known = spans.len();
    elsewhere(page, &mut spans, &full);
    if spans.len() > known {
        // What stands around the other places tells too.
        spans.sort_by_key(|span| span.from);
        kinds::by_majority(page, &mut spans, &full);
    }
    for span in spans.iter_mut().filter(|span| span.kind == EntityKind::Person && span.tracked.is_none()) {
        span.from = full.with_particles(page, span.from);
    }
    edges::generations(page, &mut spans);
    chambers(page, &mut spans);
    states(page, &mut spans);
    in_order(&mut spans);
    spans
}

/// Settles names of an article in a language without rules: tracked names win, nothing is added.
pub(crate) fn settle_foreign(guessed: Vec<Span>, tracked: Vec<Span>) -> Vec<Span> {
    let mut spans = tracked;
    spans.extend(guessed);
    in_order(&mut spans);
    spans
}

/// Orders spans and leaves out those that begin inside an earlier one.
fn in_order(spans: &mut Vec<Span>) {
    spans.sort_by_key(|span| (span.from, usize::MAX - span.to));
    let mut end = 0;
    spans.retain(|span| {
        let free = span.from >= end && span.from < span.to;
        end = if free { span.to } else { end };
        free
    });
}

/// Without titles and articles before the name and marks around it; nothing if nothing is left.
fn trimmed(page: &Page<'_>, mut span: Span) -> Option<Span> {
    while span.from < span.to
        && (page.is(span.from, MARK) || matches!(page.lower(span.from), "the" | "a" | "an"))
    {
        span.from += 1;
    }
    while span.from < span.to
        && (page.possessive(span.to - 1) || page.is(span.to - 1, MARK) && page.text(span.to - 1) != ".")
    {
        span.to -= 1;
    }
    if span.from < span.to && is_of_an_office(page, &span) {
        return None;
    }
    if span.len() == 2
        && page.has(span.from, PARTY)
        && matches!(page.lower(span.from + 1), "house" | "senate")
    {
        span.from += 1;
    }
    if span.kind != EntityKind::Person {
        span.to = before_title(page, &span);
    }
    // "U.S. Defense" of "U.S. Defense Secretary".
    if span.kind == EntityKind::Org
        && span.len() == 2
        && page.has(span.from, PLACE)
        && page.has(span.from + 1, TITLE_PART)
        && !page.has(span.from + 1, ORG_TAIL | ORG_WORD)
        && page.has(span.to, TITLE)
        && page.capital(span.to)
    {
        span = Span::new(span.from, span.from + 1, EntityKind::Place);
    }
    let person = span.kind == EntityKind::Person;
    let after_title = span.from.checked_sub(1).is_some_and(|before| honorific(page.lower(before)));
    if after_title && span.kind != EntityKind::Person {
        span.kind = EntityKind::Person;
        span.sure = false;
    }
    if person {
        let mut from = span.from;
        while from + 1 < span.to
            && page.has(from, TITLE | TITLE_PART)
            && (!is_given_name(page, from) || is_royal(page.lower(from)) && span.to - from > 2)
        {
            from += 1;
        }
        // "Press Secretary" alone is no person.
        if from + 1 == span.to && from > span.from && page.has(from, TITLE) && !page.has(from, FIRST) {
            return None;
        }
        if page.has(span.from, TITLE) || from > span.from && page.has(from - 1, TITLE) {
            span.from = from;
        }
        let alone = span.len() == 1 && !page.has(span.from, FIRST) && !after_title;
        let part = page.has(span.from, TITLE_PART) && page.has(span.to, TITLE) && page.capital(span.to);
        if alone && (page.has(span.from, TITLE) || part) {
            return None;
        }
    }
    (span.from < span.to).then_some(span)
}

/// The end of a body's name without the title of whom it is said: "Tide Office Director Venn".
fn before_title(page: &Page<'_>, span: &Span) -> usize {
    let mut to = span.to;
    if !page.capital(to) || !page.same_line(span.from, to) {
        return to;
    }
    while to > span.from + 1
        && page.has(to - 1, TITLE)
        && !page.has(to - 1, ORG_TAIL)
        && !matches!(page.lower(to - 2), "of" | "for" | "and" | "the" | "&")
    {
        to -= 1;
    }
    to
}

fn is_given_name(page: &Page<'_>, at: usize) -> bool {
    page.has(at, FIRST)
        && !page.text(at).ends_with('.')
        && page.word(at).small == 0
        && !page.has(at, TITLE_PART)
}

/// Given names that are titles before a given name.
fn is_royal(lower: &str) -> bool {
    matches!(lower, "prince" | "princess" | "king" | "queen" | "duke" | "major" | "judge" | "bishop")
}

/// "State" of "Secretary of State".
fn is_of_an_office(page: &Page<'_>, span: &Span) -> bool {
    span.len() == 1
        && page.has(span.from, TITLE_PART)
        && page.before(span.from).is_some_and(|of| {
            matches!(page.text(of), "of" | "for")
                && page.before(of).is_some_and(|office| {
                    matches!(page.lower(office), "secretary" | "minister" | "undersecretary" | "secretaries")
                })
        })
}

fn honorific(lower: &str) -> bool {
    matches!(
        lower,
        "mr" | "mr." | "mrs" | "mrs." | "ms" | "ms." | "miss" | "sir" | "sen." | "rep." | "dr." | "dr"
    )
}

/// Nationalities and parties are groups wherever they stand alone.
fn groups(page: &Page<'_>, spans: &mut Vec<Span>) {
    for span in spans.iter_mut() {
        if span.len() == 1 && page.has(span.from, DEMONYM | PARTY) {
            *span = Span::sure(span.from, span.to, EntityKind::Norp);
        }
    }
    let taken = covered(page, spans);
    for at in page.capitals.iter().copied() {
        let free = !taken.get(at).copied().unwrap_or(true);
        if free && page.has(at, DEMONYM | PARTY) {
            let before = page.before(at).filter(|before| {
                !taken.get(*before).copied().unwrap_or(true) && opens_a_group(page, *before, at)
            });
            spans.push(Span::sure(before.unwrap_or(at), at + 1, EntityKind::Norp));
        }
    }
    spans.sort_by_key(|span| span.from);
}

/// "North Korean", "Social Democrats".
fn opens_a_group(page: &Page<'_>, before: usize, at: usize) -> bool {
    match page.text(before) {
        "North" | "South" => page.lower(at).starts_with("korean") || page.lower(at).starts_with("african"),
        "Social" | "Christian" | "Liberal" | "Free" => page.lower(at).starts_with("democrat"),
        _ => false,
    }
}

/// Tracked names win over what they overlap, unless they are only a part of a longer known name.
fn with_tracked(page: &Page<'_>, spans: Vec<Span>, mut tracked: Vec<Span>) -> Vec<Span> {
    if tracked.is_empty() {
        return spans;
    }
    let mut kept = Vec::with_capacity(spans.len() + tracked.len());
    let mut waiting = tracked.iter_mut().peekable();
    let mut dropped = BTreeSet::new();
    for span in spans {
        while waiting.next_if(|name| name.to <= span.from).is_some() {}
        let Some(name) = waiting.peek_mut().filter(|name| name.from < span.to) else {
            kept.push(span);
            continue;
        };
        let inside = span.from <= name.from && name.to <= span.to && span.len() > name.len();
        if !inside {
            if span.from == name.from && span.to == name.to && (span.sure || span.kind == EntityKind::Place) {
                name.kind = span.kind;
            }
        } else if span.kind == EntityKind::Person && name.to == span.to && name.kind == EntityKind::Person {
            // "Orla Venn" where only "Venn" is tracked: whether it is she, the first word says.
            let alone = name.len() == 1 && span.len() > 1;
            if alone && !name.sure {
                dropped.insert((name.from, name.to));
                kept.push(span);
            } else {
                name.from = span.from;
            }
        } else if span.sure || span.kind != EntityKind::Person && page.has(span.to - 1, ORG_TAIL) {
            dropped.insert((name.from, name.to));
            kept.push(span);
        }
    }
    kept.extend(tracked.into_iter().filter(|name| !dropped.contains(&(name.from, name.to))));
    kept.sort_by_key(|span| span.from);
    kept
}

/// "Venn White House", "Venn-Quill": two names where both halves are known.
fn parted_all(page: &Page<'_>, spans: Vec<Span>, full: &FullNames) -> Vec<Span> {
    let mut all = Vec::with_capacity(spans.len());
    for span in spans {
        match parted(page, &span, full) {
            Some(halves) => all.extend(halves),
            None => all.push(span),
        }
    }
    all
}

fn parted(page: &Page<'_>, span: &Span, full: &FullNames) -> Option<[Span; 2]> {
    let known = |at: usize| page.id(at).is_some_and(|id| full.is_surname(id));
    if span.sure
        || span.tracked.is_some()
        || span.len() < 2
        || span.kind == EntityKind::Person
        || !known(span.from)
    {
        return None;
    }
    let rest = if page.text(span.from + 1) == "-" { span.from + 2 } else { span.from + 1 };
    let person = Span::new(span.from, span.from + 1, EntityKind::Person);
    match phrase_at(page, rest) {
        Some((end, phrase)) if end == span.to => {
            let kind = if phrase == Phrase::Org { EntityKind::Org } else { EntityKind::Place };
            Some([person, Span::sure(rest, end, kind)])
        }
        _ if rest + 1 == span.to && rest > span.from + 1 => {
            let kind = match (known(rest), page.has(rest, PLACE)) {
                (true, _) => EntityKind::Person,
                (false, true) => EntityKind::Place,
                (false, false) => span.kind,
            };
            Some([person, Span::new(rest, span.to, kind)])
        }
        _ => None,
    }
}

/// Whether a single word is the name of somebody named in full; with the tracked name of that person.
fn surname_of<'f>(page: &Page<'_>, span: &Span, full: &'f FullNames) -> Option<&'f Bearer> {
    if span.len() != 1 || span.sure || span.tracked.is_some() {
        return None;
    }
    let by_first = || full.by_first(page, span.from).filter(|_| span.kind == EntityKind::Person);
    full.by_surname(page, span.from).or_else(by_first)
}

/// The words of a name, hashed: which names are the same but for capitals.
pub(crate) fn key(page: &Page<'_>, from: usize, to: usize) -> u64 {
    (from..to).map(|at| page.id(at).unwrap_or(0)).fold(0, joined)
}

/// A name to be found elsewhere.
#[derive(Clone, Copy)]
struct Known {
    words: usize,
    key: u64,
    kind: EntityKind,
    tracked: Option<u32>,
}

/// Names found once are found at the other places where they stand with a capital.
fn elsewhere(page: &Page<'_>, spans: &mut Vec<Span>, full: &FullNames) {
    // By first word, the longest first.
    let mut known: FixedMap<u64, Vec<Known>> = FixedMap::default();
    let mut add = |from: usize, to: usize, kind, tracked| {
        if let Some(first) = page.id(from).filter(|_| to - from <= NAME_WORDS_MAX) {
            let same = known.entry(first).or_default();
            let key = key(page, from, to);
            if same.len() < SAME_OPENER_MAX && !same.iter().any(|other| other.key == key) {
                same.push(Known { words: to - from, key, kind, tracked });
            }
        }
    };
    for span in spans.iter().filter(|span| span.kind != EntityKind::Norp && span.from < span.to) {
        add(span.from, span.to, span.kind, span.tracked);
        if span.kind == EntityKind::Person && span.len() >= 2 {
            let last = surname_token(page, span);
            let tracked = full.by_surname(page, last).and_then(|bearer| bearer.tracked);
            add(last, last + 1, EntityKind::Person, tracked);
        }
    }
    for same in known.values_mut() {
        same.sort_by_key(|name| usize::MAX - name.words);
    }
    let mut taken = covered(page, spans);
    let mut next = 0;
    for at in page.capitals.iter().copied() {
        if at < next || taken.get(at).copied().unwrap_or(true) {
            continue;
        }
        let Some(span) = occurrence(page, at, &known, &taken) else { continue };
        for token in taken.iter_mut().take(span.to).skip(span.from) {
            *token = true;
        }
        next = span.to;
        spans.push(span);
    }
}

fn occurrence(page: &Page<'_>, at: usize, known: &FixedMap<u64, Vec<Known>>, taken: &[bool]) -> Option<Span> {
    let same = known.get(&page.id(at)?)?;
    for name in same {
        let end = at + name.words;
        let free = taken.get(at..end).is_some_and(|taken| taken.iter().all(|taken| !taken));
        if free
            && page.same_line(at, end - 1)
            && (name.words > 1 || may_be_a_name(page, at, name.kind))
            && key(page, at, end) == name.key
        {
            return Some(Span { tracked: name.tracked, ..Span::new(at, end, name.kind) });
        }
    }
    None
}

/// Whether one capitalised word is likely to be the name that it could be: not a common word that opens a sentence.
fn may_be_a_name(page: &Page<'_>, at: usize, kind: EntityKind) -> bool {
    let word = page.word(at);
    if is_common(word.class) && !page.possessive(at + 1) {
        return false;
    }
    if kind != EntityKind::Person
        && page.capital(at + 1)
        && page.same_line(at, at + 1)
        && !page.stands(at, HEADING)
    {
        return false;
    }
    let certain = word.small == 0 || !page.stands(at, START | HEADING | SHOUTED);
    certain || page.possessive(at + 1) || page.has(at + 1, SAID)
}

/// House and Senate with their committees, and Congress also in small letters.
fn chambers(page: &Page<'_>, spans: &mut Vec<Span>) {
    let mut found = Vec::new();
    for at in page.capitals.iter().copied() {
        let lower = page.lower(at);
        if !matches!(lower, "house" | "senate") {
            continue;
        }
        let committee = (at + 2..at + 5)
            .find(|end| page.same_line(at, *end) && matches!(page.lower(*end), "committee" | "subcommittee"));
        if let Some(end) = committee
            && (at + 1..end).all(|word| !page.is(word, MARK))
        {
            found.push(Span::sure(at, end + 1, EntityKind::Org));
        } else if lower == "senate" || house_stands_alone(page, at) {
            found.push(Span::sure(at, at + 1, EntityKind::Org));
        }
    }
    let congress = page.tokens.iter().enumerate().filter(|(_, token)| token.text == "congress");
    for (at, _) in congress {
        let preposition = page.before(at).is_some_and(|before| {
            matches!(page.lower(before), "to" | "in" | "by" | "before" | "from" | "through" | "of" | "with")
        });
        if preposition && !page.has(at + 1, TITLE) {
            found.push(Span::sure(at, at + 1, EntityKind::Org));
        }
    }
    if found.is_empty() {
        return;
    }
    let taken = covered(page, spans);
    found.retain(|span| {
        let free = |at: usize| !taken.get(at).copied().unwrap_or(true);
        span.len() > 1 || free(span.from)
    });
    let long: Vec<Span> = found.iter().filter(|span| span.len() > 1).cloned().collect();
    let swallowed = covered(page, &long);
    spans.retain(|span| {
        let inside = |at: usize| swallowed.get(at).copied().unwrap_or(false);
        span.tracked.is_some() || !(inside(span.from) && inside(span.to - 1))
    });
    spans.append(&mut found);
    spans.sort_by_key(|span| span.from);
}

fn house_stands_alone(page: &Page<'_>, at: usize) -> bool {
    let white = page
        .before(at)
        .is_some_and(|before| page.capital(before) && !page.has(before, DEMONYM | PARTY | PLACE));
    let office = page.has(at + 1, TITLE | TITLE_PART | PARTY) && page.same_line(at, at + 1);
    let article = page.before(at).is_some_and(|before| page.lower(before) == "the");
    !white && (office || article) && !page.stands(at, HEADING)
}

/// The state of a member: "(R-AL)", "D-Minn.".
fn states(page: &Page<'_>, spans: &mut Vec<Span>) {
    let mut found = Vec::new();
    let mut letters = Vec::new();
    for at in page.capitals.iter().map(|before| before + 1) {
        if matches!(page.text(at - 1), "R" | "D" | "I")
            && matches!(page.text(at), "-" | "–")
            && page.is(at, GLUED)
        {
            letters.push(Span::new(at - 1, at + 1, EntityKind::Org));
            if page.has(at + 1, STATE_SHORT | PLACE) && page.is(at + 1, GLUED) && page.capital(at + 1) {
                found.push(Span::sure(at + 1, at + 2, EntityKind::Place));
            }
        }
    }
    if letters.is_empty() {
        return;
    }
    letters.extend(found.iter().cloned());
    let spoilt = covered(page, &letters);
    spans.retain(|span| !(span.from..span.to).any(|at| spoilt.get(at).copied().unwrap_or(false)));
    spans.append(&mut found);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::entity::{model, tagger};

    fn check(text: &str, expected: &str) {
        let page = Page::new("", text);
        let spans = settle(&page, tagger::spans(&page, model::model()), Vec::new());
        let found: Vec<String> =
            spans.iter().map(|span| format!("{:?} {}", span.kind, page.phrase(span.from, span.to))).collect();
        assert_eq!(found.join("; "), expected);
    }

    #[test]
    fn surnames_are_persons_once_the_full_name_is_known() {
        check(
            "Then Margaret Rivers spoke. Rivers said the rivers rose.",
            "Person Margaret Rivers; Person Rivers",
        );
    }

    #[test]
    fn unknown_words_are_a_person_where_the_last_alone_is() {
        check(
            "It saw how Ysolde Rackmere went. In the end Ms Rackmere left.",
            "Person Ysolde Rackmere; Person Rackmere",
        );
        check(
            "Ysolde Rackmere left the hall. In the end Ms Rackmere met us.",
            "Person Ysolde Rackmere; Person Rackmere",
        );
    }

    #[test]
    fn states_of_members_are_places() {
        check("Senator Margaret Venn (R-AL) agreed.", "Person Margaret Venn; Place AL");
    }

    #[test]
    fn committees_of_a_chamber_are_one_name() {
        check(
            "It went to the Senate fisheries committee and to congress.",
            "Org Senate fisheries committee; Org congress",
        );
    }

    #[test]
    fn groups_are_no_organisations() {
        check("The Norwegian envoy met Democrats.", "Norp Norwegian; Norp Democrats");
    }

    #[test]
    fn the_edges_of_names_are_mended() {
        check("The militants of al-Rahim met Omar al-Fahd there.", "Org al-Rahim; Person Omar al-Fahd");
        check(
            "They sued Quill & Venn, Inc. and Tarnhill Foods Ltd.",
            "Org Quill & Venn, Inc.; Org Tarnhill Foods Ltd.",
        );
        check(
            "Police named him as Daniel “Danny” Rackmere. Danny was 20.",
            "Person Daniel “Danny” Rackmere; Person Danny",
        );
        check("Mr. Kim Min-ho met Margaret Venn QC.", "Person Kim Min-ho; Person Margaret Venn");
    }

    #[test]
    fn the_words_around_a_name_say_what_it_is() {
        check(
            "BRACKMOOR, England (AP) - It rained in Brackmoor.",
            "Place BRACKMOOR; Place England; Org AP; Place Brackmoor",
        );
        check("Snow fell on the town of Ostrel. Ostrel said no more.", "Place Ostrel; Place Ostrel");
        check(
            "Mellovar, the maker of small boats, closed. It was Mellovar again.",
            "Org Mellovar; Org Mellovar",
        );
        check("Shares of Tovrin (NYSE: TVR) fell, and Tovrin shut.", "Org Tovrin; Org Tovrin");
    }

    #[test]
    fn offices_are_no_organisations() {
        check("Secretary of State Margaret Venn spoke.", "Person Margaret Venn");
        check("Crown Prince Omar bin Fahd spoke.", "Person Omar bin Fahd");
    }
}
