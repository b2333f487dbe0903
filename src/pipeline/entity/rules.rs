//! First guess of what the capitalised runs of an article name, by lists and neighbours alone.

use super::{
    lexicon::{
        CALENDAR, CITY, COUNTRY, DEMONYM, EVENT_TAIL, FIRST, FIRST_TOP, NOT_A_NAME, ORG_HEAD, ORG_TAIL,
        ORG_WORD, PARTICLE, PARTY, PHRASE_WORDS_MAX, PLACE, PLACE_TAIL, Phrase, ROLE_NOUN, SAID, STATE,
        SURNAME, SURNAME_TOP, TITLE, TITLE_PART, WHERE, joined, lexicon, phrase_words,
    },
    page::{HEADING, Page, SHOUTED, START, is_common},
    span::Span,
    token::{DIGIT, GLUED, MARK, UPPER},
};
use crate::article::EntityKind;

/// Words of a personal name at most.
const PERSON_WORDS_MAX: usize = 4;

/// Words of an organisation's name before its last one, at most.
const ORG_WORDS_MAX: usize = 6;

/// Words that qualify a title, at most.
const QUALIFIERS_MAX: usize = 6;

/// Names by rules, in order, none inside another.
pub(crate) fn spans(page: &Page<'_>) -> Vec<Span> {
    let mut spans = Vec::with_capacity(page.capitals.len() / 2);
    let mut next = 0;
    for at in page.capitals.iter().copied() {
        if at >= next {
            let end = run_end(page, at);
            run(page, at, end, &mut spans);
            next = spans.last().map_or(end, |span| end.max(span.to));
        }
    }
    spans
}

/// One past the last of the capitalised tokens that stand side by side.
fn run_end(page: &Page<'_>, start: usize) -> usize {
    let mut end = start + 1;
    while page.same_line(start, end) && page.capital(end) {
        end += 1;
    }
    end
}

fn run(page: &Page<'_>, start: usize, end: usize, spans: &mut Vec<Span>) {
    let mut at = start;
    while at < end {
        let found = listed(page, at)
            .or_else(|| headed(page, at))
            .or_else(|| skipped(page, at, end))
            .or_else(|| organisation(page, at, end))
            .or_else(|| place(page, at, end))
            .or_else(|| person(page, at, end))
            .or_else(|| single(page, at, end));
        match found {
            Some(Found::Name(span)) => {
                at = span.to.max(at + 1);
                spans.push(span);
            }
            Some(Found::Nothing(next)) => at = next.max(at + 1),
            None => at += 1,
        }
    }
}

enum Found {
    Name(Span),
    Nothing(usize),
}

fn name(from: usize, to: usize, kind: EntityKind) -> Found {
    Found::Name(Span::new(from, to, kind))
}

/// The longest phrase of the lists that begins here.
pub(crate) fn phrase_at(page: &Page<'_>, at: usize) -> Option<(usize, Phrase)> {
    let most = phrase_words(page.class(at)).min(PHRASE_WORDS_MAX);
    if most < 2 {
        return None;
    }
    let mut found = None;
    let mut hash = joined(0, page.id(at)?);
    for end in at + 1..at + most {
        if !page.same_line(at, end) || page.is(end, GLUED) {
            break;
        }
        hash = joined(hash, page.id(end)?);
        if page.capital(end)
            && let Some(phrase) = lexicon().phrase_by_hash(hash)
        {
            found = Some((end + 1, phrase));
        }
    }
    found
}

fn listed(page: &Page<'_>, at: usize) -> Option<Found> {
    let (end, phrase) = phrase_at(page, at)?;
    let kind = match phrase {
        Phrase::Place => EntityKind::Place,
        Phrase::Org => EntityKind::Org,
    };
    // "New York Times", "Trump Tower Bank": what follows makes it another name.
    let longer = page.capital(end) && page.same_line(at, end) && page.has(end, ORG_TAIL);
    (!longer).then(|| Found::Name(Span::sure(at, end, kind)))
}

/// "Department of Fisheries and Food", "University of Oslo".
fn headed(page: &Page<'_>, at: usize) -> Option<Found> {
    let opens = |head: usize| {
        page.capital(head) && page.has(head, ORG_HEAD) && matches!(page.lower(head + 1), "of" | "for")
    };
    let head = (at..at + 4)
        .take_while(|head| page.capital(*head) && page.same_line(at, *head))
        .find(|head| opens(*head))?;
    if (at..head).any(|word| is_common(page.class(word)) || page.has(word, DEMONYM | TITLE)) {
        return None;
    }
    let mut end = head + 2;
    if page.lower(end) == "the" {
        end += 1;
    }
    if !page.capital(end) || !page.same_line(at, end) {
        return None;
    }
    end = run_end(page, end);
    if matches!(page.lower(end), "and" | "&")
        && page.capital(end + 1)
        && page.has(end - 1, ORG_HEAD | ORG_TAIL)
    {
        end = run_end(page, end + 1);
    }
    Some(name(at, end, EntityKind::Org))
}

/// What begins with a capital and is no name, or belongs to a role.
fn skipped(page: &Page<'_>, at: usize, end: usize) -> Option<Found> {
    let class = page.class(at);
    if class & (DEMONYM | PARTY) != 0 && class & COUNTRY == 0 {
        let org = (at + 1..end).take(3).find(|word| page.has(*word, ORG_TAIL | EVENT_TAIL));
        return match org {
            Some(tail) if class & PARTY != 0 || !page.has(at + 1, TITLE) => {
                let kind = if page.has(tail, ORG_TAIL) { EntityKind::Org } else { EntityKind::Event };
                Some(name(at, tail + 1, kind))
            }
            _ => Some(Found::Name(Span::sure(at, at + 1, EntityKind::Norp))),
        };
    }
    let starts = page.stands(at, START | HEADING);
    if class & CALENDAR != 0
        && (class & FIRST == 0 || page.word(at).small > 0 || at + 1 == end || dated(page, at, end))
    {
        return Some(Found::Nothing(at + 1));
    }
    if is_common(class) && (starts || at + 1 == end || page.text(at) == "I") && class & FIRST_TOP == 0 {
        return Some(Found::Nothing(at + 1));
    }
    if class & TITLE != 0 && class & FIRST_TOP == 0 && !page.has(at + 1, ORG_TAIL) {
        return Some(Found::Nothing(at + 1));
    }
    // Qualifiers up to a title: "House Minority Leader".
    let mut title = at;
    while title < end.min(at + QUALIFIERS_MAX) && page.has(title, TITLE_PART) && !page.has(title, TITLE) {
        title += 1;
    }
    if title > at && title < end && page.has(title, TITLE) {
        if page.has(at, ORG_WORD) {
            return Some(name(at, at + 1, EntityKind::Org));
        }
        if page.has(at, COUNTRY) {
            return Some(name(at, at + 1, EntityKind::Place));
        }
        if page.lower(at) == "house" {
            return Some(name(at, at + 1, EntityKind::Org));
        }
        return Some(Found::Nothing(title));
    }
    if class & NOT_A_NAME != 0 && class & (FIRST | ORG_WORD | COUNTRY) == 0 && at + 1 == end {
        return Some(Found::Nothing(at + 1));
    }
    None
}

/// Whether a month that is a given name too stands as a month: "14 June Orla Venn arrives".
fn dated(page: &Page<'_>, at: usize, end: usize) -> bool {
    if page.has(end - 1, EVENT_TAIL | ORG_TAIL) {
        return false;
    }
    page.before(at).is_some_and(|before| page.is(before, DIGIT) || page.has(before, CALENDAR | WHERE))
        || page.same_line(at, at + 1) && page.is(at + 1, DIGIT)
        || page.has(at + 1, FIRST_TOP) && page.capital(at + 2) && page.same_line(at, at + 2)
}

/// A run that ends in "Committee", "Inc", "Times".
fn organisation(page: &Page<'_>, at: usize, end: usize) -> Option<Found> {
    let mut tail = None;
    for word in at..end.min(at + ORG_WORDS_MAX) {
        if page.has(word, TITLE) && word > at {
            break;
        }
        if word > at && page.has(word, ORG_TAIL) {
            tail = Some(word);
        }
    }
    if let Some(tail) = tail {
        return Some(name(at, tail + 1, EntityKind::Org));
    }
    let class = page.class(at);
    if class & ORG_WORD != 0 && (page.is(at, UPPER) || page.text(at).len() > 3) && !page.stands(at, SHOUTED) {
        return Some(Found::Name(Span::sure(at, at + 1, EntityKind::Org)));
    }
    None
}

fn place(page: &Page<'_>, at: usize, end: usize) -> Option<Found> {
    let class = page.class(at);
    if let Some(tail) = (at + 1..end.min(at + 4)).find(|word| page.has(*word, PLACE_TAIL)) {
        return Some(name(at, tail + 1, EntityKind::Place));
    }
    if page.has(at, EVENT_TAIL) && at + 1 == end {
        return Some(Found::Nothing(at + 1));
    }
    if let Some(tail) = (at + 1..end.min(at + 4)).find(|word| page.has(*word, EVENT_TAIL)) {
        return Some(name(at, tail + 1, EntityKind::Event));
    }
    if matches!(page.lower(at), "lake" | "mount" | "fort" | "cape" | "port") && at + 1 < end {
        return Some(name(at, at + 2, EntityKind::Place));
    }
    let alone = at + 1 == end || page.has(at + 1, TITLE | ORG_WORD);
    let short = page.text(at).len() <= 2 && !page.is(at, UPPER);
    if short {
        return None;
    }
    if class & (COUNTRY | STATE) != 0 && (class & FIRST == 0 || alone) {
        // "US" is a country, "us" shouted is none.
        let shouted_word = page.lower(at) == "us" && page.stands(at, SHOUTED);
        return (!shouted_word).then(|| Found::Name(Span::new(at, at + 1, EntityKind::Place)));
    }
    let located = at.checked_sub(1).is_some_and(|before| page.has(before, WHERE));
    let personal = class & (FIRST_TOP | SURNAME_TOP) != 0;
    if class & CITY != 0 && alone && (located || !personal) {
        return Some(name(at, at + 1, EntityKind::Place));
    }
    if class & PLACE != 0 && alone && located && !page.has(at, FIRST_TOP) {
        return Some(name(at, at + 1, EntityKind::Place));
    }
    None
}

fn person(page: &Page<'_>, at: usize, end: usize) -> Option<Found> {
    let titled =
        at.checked_sub(1).is_some_and(|before| page.has(before, TITLE) && page.same_line(before, at));
    let titled = titled || appositive(page, at, end) || described(page, at, end);
    let class = page.class(at);
    let initial = page.text(at).len() <= 2 && page.text(at).ends_with('.') || page.text(at).contains('.');
    if !titled && class & FIRST == 0 && !initial {
        return surnamed(page, at, end);
    }
    let mut to = at + 1;
    loop {
        if to < end && to < at + PERSON_WORDS_MAX && !stops_a_person(page, to) {
            to += 1;
        } else if to == end && page.has(to, PARTICLE) && !page.capital(to) && page.same_line(at, to) {
            let name = if page.has(to + 1, PARTICLE) && !page.capital(to + 1) { to + 2 } else { to + 1 };
            if !page.capital(name) || !page.same_line(at, name) {
                break;
            }
            to = name + 1;
            break;
        } else {
            break;
        }
    }
    if to == at + 1 && !titled {
        return None;
    }
    if to == at + 2 && !titled && is_common(class) && page.stands(at, START) && !page.has(at + 1, SURNAME) {
        return None;
    }
    Some(name(at, to, EntityKind::Person))
}

/// "the ambassador, Orla Venn": a role in small letters, a comma, two or three words, and then no more capitals.
fn appositive(page: &Page<'_>, at: usize, end: usize) -> bool {
    let Some(comma) = page.before(at).filter(|comma| page.text(*comma) == ",") else { return false };
    let role =
        page.before(comma).is_some_and(|role| page.has(role, TITLE | ROLE_NOUN) && !page.capital(role));
    role && (2..=3).contains(&(end - at)) && !(at..end).any(|word| page.has(word, TITLE | ORG_TAIL))
}

/// "Orla Venn, the ambassador", "Venn, 52,": what stands behind a comma can only be said of a person.
fn described(page: &Page<'_>, at: usize, end: usize) -> bool {
    let behind = end + 1;
    if page.text(end) != "," || (at..end).any(|word| page.has(word, TITLE | ORG_TAIL | PLACE)) {
        return false;
    }
    if end - at <= 3 && aged(page, end) {
        return true;
    }
    if !(2..=3).contains(&(end - at)) || !matches!(page.lower(behind), "the" | "a" | "an") {
        return false;
    }
    let role = (behind + 1..behind + 5)
        .take_while(|word| page.same_line(end, *word) && !page.is(*word, MARK))
        .find(|word| page.has(*word, ROLE_NOUN) && !page.capital(*word) && !page.has(*word + 1, ROLE_NOUN));
    role.is_some_and(|role| page.lower(role + 1) != "in" && !page.possessive(role + 1))
}

/// An age between commas.
pub(crate) fn aged(page: &Page<'_>, comma: usize) -> bool {
    page.text(comma) == ","
        && page.text(comma + 1).len() == 2
        && page.is(comma + 1, DIGIT)
        && page.text(comma + 2) == ","
        && page.same_line(comma, comma + 2)
}

fn stops_a_person(page: &Page<'_>, at: usize) -> bool {
    let class = page.class(at);
    class & (ORG_WORD | CALENDAR | DEMONYM | PARTY | ORG_TAIL) != 0 && class & (FIRST_TOP | SURNAME) == 0
        || page.is(at, GLUED)
        || phrase_at(page, at).is_some()
        || class & TITLE != 0 && class & SURNAME == 0
}

/// Two or three words whose last one is a frequent surname, or that are followed by a verb of speech.
fn surnamed(page: &Page<'_>, at: usize, end: usize) -> Option<Found> {
    let to = (at..end).take(3).take_while(|word| !stops_a_person(page, *word)).last()? + 1;
    if to < at + 2 || to < end {
        return None;
    }
    let speaks = page.has(to, SAID) && !page.capital(to);
    let known = page.has(to - 1, SURNAME_TOP | SURNAME) && !page.has(at, ORG_TAIL);
    (speaks || known).then(|| Found::Name(Span::new(at, to, EntityKind::Person)))
}

/// One word, or a run of which nothing is known.
fn single(page: &Page<'_>, at: usize, end: usize) -> Option<Found> {
    if page.stands(at, HEADING | SHOUTED) {
        return None;
    }
    let class = page.class(at);
    if end - at == 1 && (page.lower(at) == "house" || page.text(at).len() == 1 || page.is(at, DIGIT)) {
        return None;
    }
    // "Venn White House" is two names.
    let listed = (at + 1..end).find(|word| phrase_at(page, *word).is_some());
    let end = listed.filter(|_| !page.has(end - 1, ORG_TAIL)).unwrap_or(end);
    if end - at >= 2 && !page.stands(at, START) {
        return Some(name(at, end, EntityKind::Org));
    }
    let word = page.word(at);
    if word.small > 0 || page.stands(at, START) && word.capital == 0 {
        return None;
    }
    let speaks = page.has(at + 1, SAID) && !page.capital(at + 1);
    if speaks || class & (SURNAME_TOP | FIRST_TOP) != 0 {
        return Some(name(at, at + 1, EntityKind::Person));
    }
    if page.is(at, UPPER) && (2..=6).contains(&page.text(at).len()) && class & NOT_A_NAME == 0 {
        return Some(name(at, at + 1, EntityKind::Org));
    }
    if class & SURNAME != 0 {
        return Some(name(at, at + 1, EntityKind::Person));
    }
    let located = at.checked_sub(1).is_some_and(|before| page.has(before, WHERE));
    if located || class & PLACE != 0 {
        return Some(name(at, at + 1, EntityKind::Place));
    }
    (!is_common(class) && class & (TITLE | TITLE_PART | NOT_A_NAME) == 0)
        .then(|| Found::Name(Span::new(at, at + 1, EntityKind::Org)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let page = Page::new("", text);
        let found: Vec<String> = spans(&page)
            .iter()
            .map(|span| format!("{:?} {}", span.kind, page.phrase(span.from, span.to)))
            .collect();
        assert_eq!(found.join("; "), expected);
    }

    #[test]
    fn given_names_and_titles_make_persons() {
        check("We met Margaret Venn and Mr Quill.", "Person Margaret Venn; Person Quill");
    }

    #[test]
    fn tails_and_heads_make_organisations() {
        check(
            "It sued the Harbour Safety Committee and the Department of Tides.",
            "Org Harbour Safety Committee; Org Department of Tides",
        );
    }

    #[test]
    fn roles_before_a_comma_make_persons() {
        check("Norway's ambassador, Ysolde Rackmere, left.", "Place Norway; Person Ysolde Rackmere");
    }

    #[test]
    fn roles_and_ages_behind_a_comma_make_persons() {
        check("It was Ysolde Rackmere, the transport minister.", "Person Ysolde Rackmere");
        check("There Rackmere, 52, left.", "Person Rackmere");
        check("There Rackmere Vints, the leader in locks, left.", "Org Rackmere Vints");
    }

    #[test]
    fn months_are_no_given_names() {
        check("On 14 January Margaret Venn spoke.", "Person Margaret Venn");
        check("On 14 June Margaret Venn spoke.", "Person Margaret Venn");
        check("We met June Venn.", "Person June Venn");
    }

    #[test]
    fn listed_names_are_no_part_of_a_person() {
        check("Updates on the Quill White House follow.", "Person Quill; Org White House");
    }

    #[test]
    fn lists_make_places() {
        check("They flew from New Zealand to Norway.", "Place New Zealand; Place Norway");
    }

    #[test]
    fn sentences_do_not_make_names() {
        check("Yesterday it rained. However, it stopped.", "");
    }
}
