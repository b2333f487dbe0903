//! Which tokens could be part of a name at all: the others are asked nothing.

use super::{
    edges::is_arabic_article,
    page::Page,
    token::{ADDRESS, ANY_CAPITAL, DIGIT, GLUED, MARK},
};

/// Whether the first word of a line has a capital, as it has where capitals are used at all.
pub(super) fn is_formal(page: &Page<'_>, from: usize, to: usize) -> bool {
    (from..to)
        .find(|at| !page.is(*at, MARK | DIGIT | ADDRESS))
        .is_none_or(|first| page.is(first, ANY_CAPITAL))
}

/// A word with a capital.
pub(super) fn live(page: &Page<'_>, at: usize) -> bool {
    page.is(at, ANY_CAPITAL) && !page.is(at, ADDRESS)
}

/// A number, which belongs to a name only beside a word of it.
pub(super) fn digits(page: &Page<'_>, at: usize) -> bool {
    page.is(at, DIGIT) && !page.is(at, ADDRESS)
}

/// Whether the word's own article is tied to it: "al-Rahim".
pub(super) fn particle_before(page: &Page<'_>, at: usize) -> bool {
    at >= 2
        && page.is(at, GLUED)
        && page.text(at - 1) == "-"
        && page.is(at - 1, GLUED)
        && page.same_line(at - 2, at)
        && is_arabic_article(page.text(at - 2))
}

/// A small word or mark that may stand between two words of one name.
pub(super) fn connects(page: &Page<'_>, at: usize) -> bool {
    matches!(
        page.text(at),
        "of" | "the"
            | "and"
            | "for"
            | "in"
            | "de"
            | "la"
            | "du"
            | "del"
            | "della"
            | "des"
            | "les"
            | "et"
            | "en"
            | "y"
            | "und"
            | "ter"
            | "ten"
            | "van"
            | "von"
            | "der"
            | "den"
            | "bin"
            | "ibn"
            | "al"
            | "el"
            | "da"
            | "di"
            | "do"
            | "dos"
            | "le"
            | "-"
            | "&"
            | "'"
            | "’"
            | "'s"
            | "’s"
            | ","
            | "."
            | "/"
            | "on"
            | "at"
            | "to"
    )
}
