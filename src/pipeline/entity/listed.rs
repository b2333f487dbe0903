//! What the closed lists are sure of: phrases and words that name one thing wherever they stand; and, for languages
//! without a model, the little that a capital and a list tell.

use super::{
    lexicon::{
        COUNTRY, EVENT_TAIL, FIRST_TOP, ORG_WORD, PHRASE_WORDS_MAX, Phrase, SURNAME, TITLE, TITLE_PART,
        joined, lexicon, phrase_words,
    },
    page::{HEADING, Page, SHOUTED, is_common},
    span::{Span, covered},
    token::{GLUED, UPPER},
};
use crate::article::EntityKind;

/// Words of a personal name at most.
const PERSON_WORDS_MAX: usize = 4;

/// Words of an event's name at most.
const EVENT_WORDS_MAX: usize = 4;

/// One past the last of the capitalised tokens that stand side by side.
fn run_end(page: &Page<'_>, start: usize) -> usize {
    let mut end = start + 1;
    while page.same_line(start, end) && page.capital(end) {
        end += 1;
    }
    end
}

/// The longest phrase of the lists that begins here.
pub(super) fn phrase_at(page: &Page<'_>, at: usize) -> Option<(usize, Phrase)> {
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

/// Adds what the lists are sure of to what the model found; a longer name of the model stays.
pub(super) fn settle(page: &Page<'_>, spans: &mut Vec<Span>) {
    let mut found = Vec::new();
    let mut next = 0;
    for at in page.capitals.iter().copied() {
        if at < next {
            continue;
        }
        if let Some((end, phrase)) = phrase_at(page, at) {
            let kind = if phrase == Phrase::Org { EntityKind::Org } else { EntityKind::Place };
            let near = spans.partition_point(|other| other.to <= at);
            let stays = spans.get(near).is_some_and(|other| {
                let least = end - at + usize::from(phrase != Phrase::Town);
                other.from <= at && end <= other.to && other.len() >= least
            });
            if !stays {
                found.push(Span::sure(at, end, kind));
            }
            next = end;
        }
    }
    if !found.is_empty() {
        let taken = covered(page, &found);
        spans.retain(|span| !(span.from..span.to).any(|at| taken.get(at).copied().unwrap_or(false)));
        spans.append(&mut found);
        spans.sort_by_key(|span| span.from);
    }
    words(page, spans);
    events(page, spans);
}

/// Organisations that are known by one word.
fn words(page: &Page<'_>, spans: &mut Vec<Span>) {
    let taken = covered(page, spans);
    let free = |at: usize| !taken.get(at).copied().unwrap_or(true);
    let alone = |at: usize| {
        page.has(at, ORG_WORD)
            && (page.is(at, UPPER) || page.text(at).len() > 3)
            && page.word(at).small == 0
            && !page.stands(at, HEADING | SHOUTED)
            && free(at)
    };
    let found = page.capitals.iter().copied().filter(|at| alone(*at));
    spans.extend(found.map(|at| Span::new(at, at + 1, EntityKind::Org)));
    spans.sort_by_key(|span| span.from);
}

/// Runs that end in "Cup", "Games", "Summit" and that the model says nothing of.
fn events(page: &Page<'_>, spans: &mut Vec<Span>) {
    let taken = covered(page, spans);
    let free = |at: usize| !taken.get(at).copied().unwrap_or(true);
    let mut found = Vec::new();
    for tail in page.capitals.iter().copied().filter(|at| page.has(*at, EVENT_TAIL) && free(*at)) {
        let mut from = tail;
        while let Some(before) = page.before(from)
            && page.capital(before)
            && free(before)
            && !is_common(page.class(before))
            && tail - before < EVENT_WORDS_MAX
        {
            from = before;
        }
        if from < tail && run_end(page, from) == tail + 1 && !page.stands(from, HEADING | SHOUTED) {
            found.push(Span::new(from, tail + 1, EntityKind::Event));
        }
    }
    spans.append(&mut found);
    spans.sort_by_key(|span| span.from);
}

/// Names in a language without a model: a frequent given name with capitalised words behind it, and countries.
pub(super) fn spans(page: &Page<'_>) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut next = 0;
    for at in page.capitals.iter().copied().filter(|at| !page.stands(*at, HEADING | SHOUTED)) {
        if at < next {
            continue;
        }
        let end = run_end(page, at).min(at + PERSON_WORDS_MAX);
        if page.has(at, FIRST_TOP) && end > at + 1 && !page.has(at, TITLE | TITLE_PART) {
            spans.push(Span::new(at, end, EntityKind::Person));
            next = end;
        } else if page.has(at, COUNTRY) && !page.has(at, SURNAME) && page.text(at).len() > 3 {
            spans.push(Span::new(at, at + 1, EntityKind::Place));
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: &[Span], page: &Page<'_>, expected: &str) {
        let found: Vec<String> =
            found.iter().map(|span| format!("{:?} {}", span.kind, page.phrase(span.from, span.to))).collect();
        assert_eq!(found.join("; "), expected);
    }

    #[test]
    fn listed_names_win_over_shorter_ones() {
        let page = Page::new("", "The envoy left the White House for New Zealand.");
        let mut spans = vec![Span::new(5, 6, EntityKind::Person)];
        settle(&page, &mut spans);
        check(&spans, &page, "Org White House; Place New Zealand");
    }

    #[test]
    fn longer_names_stay() {
        let page = Page::new("", "They read the New Zealand Herald there.");
        let mut spans = vec![Span::new(3, 6, EntityKind::Org)];
        settle(&page, &mut spans);
        check(&spans, &page, "Org New Zealand Herald");
    }

    #[test]
    fn events_end_in_their_word() {
        let page = Page::new("", "They won the Harbour Cup again.");
        let mut spans = Vec::new();
        settle(&page, &mut spans);
        check(&spans, &page, "Event Harbour Cup");
    }

    #[test]
    fn without_a_model_only_what_is_sure_is_found() {
        let page = Page::new("", "Gestern traf Margaret Venn den Rat der Stadt in Norway.");
        check(&spans(&page), &page, "Person Margaret Venn; Place Norway");
    }
}
