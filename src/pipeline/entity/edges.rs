//! Where a name begins and ends: articles tied to it, forms of companies behind it, what is stuck to it by mistake.

use super::{
    full::is_generation,
    lexicon::{FIRST, ORG_TAIL, PARTICLE, ROLE_NOUN, TITLE, TITLE_PART},
    page::{HEADING, Page, SHOUTED, is_common},
    span::{Span, covered},
    token::{DIGIT, GLUED, MARK},
};
use crate::article::EntityKind;

/// Words before the form of a company that belong to its name, at most.
const COMPANY_WORDS_MAX: usize = 6;

/// Mends the edges of what the model found.
pub(super) fn mend(page: &Page<'_>, spans: &mut Vec<Span>) {
    for span in spans.iter_mut() {
        if span.kind == EntityKind::Person {
            shorten(page, span);
            hyphened(page, span);
        }
        if is_body_of_a_title(page, span) {
            *span = Span { tracked: span.tracked, ..Span::new(span.from, span.to + 2, EntityKind::Org) };
        } else if span.len() > 1 && is_foreign_body(page.lower(span.from)) {
            span.kind = EntityKind::Org;
        }
        if page.is(span.from, GLUED) && page.text(span.from.wrapping_sub(1)) == "-" {
            let article = span.from.wrapping_sub(2);
            if is_arabic_article(page.text(article)) && page.same_line(article, span.from) {
                span.from = article;
            }
        }
    }
    companies(page, spans);
    generations(page, spans);
    nicknames(page, spans);
    spans.retain(|span| span.from < span.to);
    spans.sort_by_key(|span| (span.from, usize::MAX - span.to));
    let mut end = 0;
    spans.retain(|span| {
        let free = span.from >= end;
        end = end.max(span.to);
        free
    });
}

/// "Lindmouth Sheriff's Office".
fn is_body_of_a_title(page: &Page<'_>, span: &Span) -> bool {
    page.possessive(span.to)
        && page.capital(span.to - 1)
        && page.has(span.to - 1, TITLE)
        && page.capital(span.to + 1)
        && page.has(span.to + 1, ORG_TAIL)
        && page.same_line(span.from, span.to + 1)
        && !page.capital(span.to + 2)
}

/// The word for an organisation that opens its name in other languages.
fn is_foreign_body(lower: &str) -> bool {
    matches!(
        lower,
        "banco"
            | "banca"
            | "banque"
            | "grupo"
            | "groupe"
            | "gruppo"
            | "société"
            | "societe"
            | "compagnie"
            | "crédit"
            | "instituto"
            | "institut"
            | "istituto"
            | "universidad"
            | "université"
            | "università"
            | "universität"
            | "partido"
            | "ministerio"
            | "ministère"
            | "ministero"
            | "fundación"
            | "fondation"
            | "fondazione"
            | "asociación"
    )
}

/// The article that Arabic names are tied to: "al-Rahim".
pub(super) fn is_arabic_article(word: &str) -> bool {
    matches!(word, "al" | "el" | "an" | "ar" | "as" | "ash" | "at" | "ad" | "az" | "ul")
}

/// A person's name has no digits in it, ends before a dash with spaces and before the letters of an honour.
fn shorten(page: &Page<'_>, span: &mut Span) {
    let stops =
        |at: usize| page.is(at, DIGIT) || matches!(page.text(at), "-" | "–" | "—") && !page.is(at, GLUED);
    if let Some(stop) = (span.from + 1..span.to).find(|at| stops(*at)) {
        span.to = stop;
    }
    while span.len() > 1 && (is_honour(page.text(span.to - 1)) || page.text(span.to - 1) == ",") {
        span.to -= 1;
    }
}

/// "Kim Min-ji": the second half of a Korean given name is in small letters.
fn hyphened(page: &Page<'_>, span: &mut Span) {
    if !is_korean(page.lower(span.from)) || span.len() > 2 {
        return;
    }
    let first = span.from + 1;
    let syllable = |at: usize| {
        let word = page.text(at);
        (2..=6).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let joined = page.text(first + 1) == "-" && page.is(first + 1, GLUED) && page.is(first + 2, GLUED);
    if page.capital(first)
        && page.same_line(span.from, first + 2)
        && joined
        && syllable(first)
        && syllable(first + 2)
    {
        span.to = first + 3;
    }
}

fn is_korean(lower: &str) -> bool {
    matches!(
        lower,
        "kim"
            | "lee"
            | "park"
            | "choi"
            | "jung"
            | "jeong"
            | "chung"
            | "cho"
            | "kang"
            | "yoon"
            | "yun"
            | "jang"
            | "chang"
            | "lim"
            | "im"
            | "han"
            | "oh"
            | "seo"
            | "suh"
            | "shin"
            | "kwon"
            | "hwang"
            | "ahn"
            | "song"
            | "ryu"
            | "yoo"
            | "hong"
            | "ko"
            | "koh"
            | "moon"
            | "mun"
            | "yang"
            | "son"
            | "bae"
            | "baek"
            | "nam"
            | "noh"
            | "roh"
            | "kwak"
            | "sung"
            | "cha"
            | "joo"
            | "woo"
            | "koo"
            | "ri"
            | "rhee"
            | "pak"
            | "jo"
            | "hyun"
            | "ban"
    )
}

fn is_honour(word: &str) -> bool {
    matches!(
        word,
        "QC" | "KC"
            | "MP"
            | "MEP"
            | "MSP"
            | "OBE"
            | "CBE"
            | "MBE"
            | "PhD"
            | "Ph.D"
            | "Ph.D."
            | "MD"
            | "M.D."
            | "Esq"
            | "Esq."
    )
}

/// The legal form of a company.
pub(super) fn is_company_form(word: &str) -> bool {
    matches!(
        word,
        "Inc"
            | "Inc."
            | "INC"
            | "Corp"
            | "Corp."
            | "CORP"
            | "Co."
            | "Ltd"
            | "Ltd."
            | "LTD"
            | "LLC"
            | "LLP"
            | "Plc"
            | "plc"
            | "PLC"
            | "GmbH"
            | "AG"
            | "SA"
            | "S.A."
            | "NV"
            | "N.V."
            | "SpA"
            | "S.p.A."
            | "AB"
            | "ASA"
            | "Oyj"
            | "SE"
            | "KK"
            | "Pty"
            | "Bhd"
            | "Limited"
            | "Incorporated"
            | "Holdings"
    )
}

/// Whether the form is no word of anything else.
fn is_sure_form(word: &str) -> bool {
    is_company_form(word)
        && !matches!(word, "AG" | "SA" | "AB" | "SE" | "KK" | "NV" | "Holdings" | "Limited" | "Co.")
}

/// "Venn & Quill, Inc." is one organisation, whatever its words are alone.
fn companies(page: &Page<'_>, spans: &mut Vec<Span>) {
    let mut whole = Vec::new();
    for at in page.capitals.iter().copied().filter(|at| is_sure_form(page.text(*at))) {
        if page.stands(at, SHOUTED) {
            continue;
        }
        let Some(mut last) = page.before(at) else { continue };
        if page.text(last) == "," {
            last = last.saturating_sub(1);
        }
        let mut from = last + 1;
        while let Some(before) = page.before(from).filter(|before| page.same_line(*before, at)) {
            let joins = matches!(page.text(before), "&" | "-" | "'s" | "’s") && from <= last;
            if !(page.capital(before) || joins) || at - before > COMPANY_WORDS_MAX + 2 {
                break;
            }
            from = before;
        }
        // Not the word that opens the sentence, nor who is spoken of before the company.
        let inside =
            spans.get(spans.partition_point(|span| span.to <= last)).filter(|span| span.from <= last);
        let begin = match inside {
            Some(span) if span.kind == EntityKind::Org => span.from,
            Some(span) if page.is(span.from.wrapping_sub(1), MARK) && page.text(span.from - 1) == "&" => from,
            Some(span) => span.from,
            None if page.stands(from, HEADING) => continue,
            None => (from..=last).find(|at| !is_common(page.class(*at))).unwrap_or(last),
        };
        if begin <= last {
            let mut to = at + 1;
            while is_company_form(page.text(to)) && page.same_line(at, to) {
                to += 1;
            }
            whole.push(Span::new(begin, to, EntityKind::Org));
        }
    }
    replace(page, spans, whole);
}

/// Puts names in the place of those that they overlap.
fn replace(page: &Page<'_>, spans: &mut Vec<Span>, names: Vec<Span>) {
    if names.is_empty() {
        return;
    }
    let taken = covered(page, &names);
    let is_taken = |at: usize| taken.get(at).copied().unwrap_or(false);
    spans.retain_mut(|span| {
        while span.from < span.to && is_taken(span.to - 1) {
            span.to -= 1;
        }
        span.from < span.to && !is_taken(span.from)
    });
    spans.extend(names);
    spans.sort_by_key(|span| span.from);
}

/// "Venn Jr." is one name.
pub(super) fn generations(page: &Page<'_>, spans: &mut Vec<Span>) {
    let is_one = |at: usize| matches!(page.lower(at), "jr" | "jr." | "sr" | "sr.");
    spans.retain(|span| !(span.len() == 1 && is_one(span.from)));
    for span in spans.iter_mut().filter(|span| span.kind == EntityKind::Person) {
        let comma = usize::from(page.text(span.to) == ",");
        let at = span.to + comma;
        if is_generation(page.lower(at))
            && is_one(at)
            && page.same_line(span.from, at)
            && (comma == 0 || span.len() > 1)
        {
            span.to = at + 1;
        }
    }
}

/// "Orla “Olly” Venn" is one name.
fn nicknames(page: &Page<'_>, spans: &mut Vec<Span>) {
    let opens = |at: usize| matches!(page.text(at), "\"" | "“" | "'" | "‘");
    let closes = |at: usize| matches!(page.text(at), "\"" | "”" | "'" | "’") && page.is(at, GLUED);
    let mut found = Vec::new();
    for at in page.capitals.iter().copied() {
        let behind = at + 1;
        if !page.has(at, FIRST) || !opens(behind) || page.is(behind, GLUED) || !page.capital(at + 2) {
            continue;
        }
        let Some(close) = (at + 3..at + 5).find(|close| closes(*close)) else { continue };
        let mut to = close + 1;
        while page.has(to, PARTICLE) && page.same_line(at, to) {
            to += 1;
        }
        let surname =
            page.capital(to) && !page.is(to, GLUED) && !page.has(to, TITLE | TITLE_PART | ROLE_NOUN);
        if surname && page.same_line(at, to) && !is_common(page.class(to)) {
            found.push(Span::new(at, to + 1, EntityKind::Person));
        }
    }
    replace(page, spans, found);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, from: usize, to: usize, expected: &str) {
        let page = Page::new("", text);
        let mut spans = vec![Span::new(from, to, EntityKind::Person)];
        mend(&page, &mut spans);
        let found: Vec<String> =
            spans.iter().map(|span| format!("{:?} {}", span.kind, page.phrase(span.from, span.to))).collect();
        assert_eq!(found.join("; "), expected);
    }

    #[test]
    fn bodies_are_told_by_their_nouns() {
        check("The Rill Valley Sheriff's Office closed.", 1, 4, "Org Rill Valley Sheriff's Office");
        check("It met Banco Tarnhill there.", 2, 4, "Org Banco Tarnhill");
    }

    #[test]
    fn what_is_no_part_of_a_name_is_left_off() {
        check("Thanks, Margaret Venn 36349", 2, 5, "Person Margaret Venn");
        check("Orla Venn - Harbour Board", 0, 5, "Person Orla Venn");
        check("Then Orla Venn KC rose.", 1, 4, "Person Orla Venn");
    }

    #[test]
    fn what_belongs_to_a_name_is_added() {
        check("It was al-Rahim again.", 4, 5, "Person al-Rahim");
        check("They met Kim Min-ji again.", 2, 4, "Person Kim Min-ji");
        check("Magnus Venn Jr. rose.", 0, 2, "Person Magnus Venn Jr.");
        check("It sued Quill & Venn, Inc. again.", 4, 5, "Org Quill & Venn, Inc.");
        check("He was Daniel “Danny” Venn.", 2, 3, "Person Daniel “Danny” Venn");
    }
}
