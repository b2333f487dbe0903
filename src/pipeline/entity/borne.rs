//! Who is a person because the surname alone is one elsewhere in the article.

use super::{
    lexicon::{CALENDAR, DEMONYM, ORG_TAIL, PARTY, SAID, TITLE, TITLE_PART},
    page::{Page, START, is_common},
    span::Span,
    token::{DIGIT, GLUED},
};
use crate::article::EntityKind;

/// One to three unknown words are a person where their last one alone is: "Ms Venn", "Venn, 52,", "Venn said".
pub(crate) fn persons(page: &Page<'_>, spans: &mut [Span]) {
    let alone = |span: &&Span| {
        let titled = page.before(span.from).is_some_and(|before| page.has(before, TITLE));
        let speaks = page.has(span.to, SAID) && !page.capital(span.to);
        span.kind == EntityKind::Person && span.len() == 1 && (titled || speaks || aged(page, span.to))
    };
    let mut surnames: Vec<u64> = spans.iter().filter(alone).filter_map(|span| page.id(span.from)).collect();
    surnames.sort_unstable();
    for span in spans.iter_mut() {
        if span.kind == EntityKind::Org
            && !span.sure
            && span.tracked.is_none()
            && span.len() <= 3
            && (span.from..span.to).all(|at| page.capital(at) && !page.has(at, ORG_TAIL | TITLE))
            && page.id(span.to - 1).is_some_and(|id| surnames.binary_search(&id).is_ok())
        {
            span.kind = EntityKind::Person;
        }
    }
    // At a sentence's start the unknown word before was let go.
    let mut end = 0;
    for span in spans.iter_mut() {
        let before = page.before(span.from).filter(|at| *at >= end);
        if span.len() == 1
            && span.kind == EntityKind::Person
            && span.tracked.is_none()
            && page.id(span.from).is_some_and(|id| surnames.binary_search(&id).is_ok())
            && let Some(at) = before.filter(|at| opens_a_name(page, *at))
        {
            span.from = at;
        }
        end = span.to;
    }
}

/// An age between commas.
pub(super) fn aged(page: &Page<'_>, comma: usize) -> bool {
    page.text(comma) == ","
        && page.text(comma + 1).len() == 2
        && page.is(comma + 1, DIGIT)
        && page.text(comma + 2) == ","
        && page.same_line(comma, comma + 2)
}

/// Whether a capitalised word that opens a sentence may be a given name for all that is known.
fn opens_a_name(page: &Page<'_>, at: usize) -> bool {
    page.stands(at, START)
        && page.capital(at)
        && !page.is(at + 1, GLUED)
        && !is_common(page.class(at))
        && !page.has(at, TITLE | TITLE_PART | CALENDAR | DEMONYM | PARTY)
        && page.word(at).small == 0
}
