//! One string names one kind of thing over the document: by what most of its places say, and by what stands around them.

use super::{
    borne,
    edges::is_company_form,
    full::{FullNames, is_kin},
    lexicon::{
        COUNTRY, DEMONYM, FIRST, FixedMap, FixedSet, ORG_HEAD, ORG_TAIL, ORG_WORD, PLACE, Phrase, ROLE_NOUN,
        STATE, STATE_SHORT, SURNAME, TITLE, TITLE_PART,
    },
    listed::phrase_at,
    page::{HEADING, Page, SHOUTED, START, is_common},
    pass::key,
    span::Span,
    token::{DIGIT, GLUED, MARK, UPPER},
};
use crate::article::{EntityKind, Field};

const KINDS: [EntityKind; 5] =
    [EntityKind::Person, EntityKind::Org, EntityKind::Place, EntityKind::Norp, EntityKind::Event];

/// What a list or a tracked name weighs against single guesses.
const SURE: u32 = 3;

/// What the words around a name say weighs more.
const TOLD: u32 = 6;

/// Tokens between a name and the noun that says what it is: "Venn, a small and old maker of".
const APPOSITION_TOKENS_MAX: usize = 7;

/// One string, one kind.
pub(super) fn by_majority(page: &Page<'_>, spans: &mut [Span], full: &FullNames) {
    let mut votes: FixedMap<u64, [u32; 5]> = FixedMap::default();
    votes.reserve(spans.len());
    let keys: Vec<u64> = spans.iter().map(|span| key(page, span.from, span.to)).collect();
    for (span, key) in spans.iter().zip(&keys) {
        let counts = votes.entry(*key).or_default();
        let sure = span.sure || span.tracked.is_some();
        let mut add = |wanted: EntityKind, weight: u32| {
            for (kind, count) in KINDS.iter().zip(counts.iter_mut()) {
                if *kind == wanted {
                    *count += weight;
                }
            }
        };
        add(span.kind, if sure { SURE } else { 1 });
        if !sure
            && span.len() <= 2
            && let Some(kind) = told(page, span, full)
        {
            add(kind, TOLD);
        }
    }
    for (span, key) in spans.iter_mut().zip(&keys).filter(|(span, _)| !span.sure && span.tracked.is_none()) {
        let Some(counts) = votes.get(key) else { continue };
        let most = counts.iter().max().copied().unwrap_or(0);
        let ties = KINDS.iter().zip(counts).filter(|(_, count)| **count == most);
        let listed = if page.has(span.from, ORG_WORD) { EntityKind::Org } else { span.kind };
        let best = ties.clone().find(|(kind, _)| **kind == listed).or_else(|| ties.clone().next());
        if let Some((kind, _)) = best {
            span.kind = *kind;
        }
    }
    // Where as many say so as say otherwise, the first place has it.
    let mut first: FixedMap<u64, EntityKind> = FixedMap::default();
    for (span, key) in spans.iter_mut().zip(&keys).filter(|(span, _)| !span.sure && span.tracked.is_none()) {
        span.kind = *first.entry(*key).or_insert(span.kind);
    }
    companies(page, spans, full);
}

/// What the words around a name say it is.
fn told(page: &Page<'_>, span: &Span, full: &FullNames) -> Option<EntityKind> {
    let (from, to) = (span.from, span.to);
    if span.kind == EntityKind::Norp || span.len() == 1 && full.is_surname(page.id(from)?) {
        return None;
    }
    if span.len() == 1 && is_listed_organisation(page, span) {
        return Some(EntityKind::Org);
    }
    if span.kind != EntityKind::Person && page.capital(from) && (is_kin(page, from) || borne::aged(page, to))
    {
        return Some(EntityKind::Person);
    }
    if span.kind != EntityKind::Place
        && (is_dateline(page, span) || place_before(page, from) || place_behind(page, span))
    {
        return Some(EntityKind::Place);
    }
    let listed =
        page.has(from, PLACE) || phrase_at(page, from).is_some_and(|(_, phrase)| phrase != Phrase::Org);
    (span.kind != EntityKind::Org
        && !listed
        && (ticker(page, to) || apposition(page, span) || traded(page, span)))
    .then_some(EntityKind::Org)
}

/// "Twitter", "G20": a list knows it, and no person or place of that name.
fn is_listed_organisation(page: &Page<'_>, span: &Span) -> bool {
    let short = span.kind == EntityKind::Place && page.is(span.from, UPPER | DIGIT);
    page.has(span.from, ORG_WORD)
        && !page.has(span.from, FIRST | SURNAME | PLACE)
        && (span.kind == EntityKind::Person || short)
}

/// "VENNMOUTH, Norway (Agency) — It": capitals that open a line, and a dash.
fn is_dateline(page: &Page<'_>, span: &Span) -> bool {
    let opens = page.before(span.from).is_none() || page.text(span.from.wrapping_sub(1)) == "/";
    if !opens || !(span.from..span.to).all(|at| page.is(at, UPPER)) || page.stands(span.from, SHOUTED) {
        return false;
    }
    (span.to..span.to + 10)
        .take_while(|at| page.same_line(span.from, *at))
        .find(|at| {
            matches!(page.text(*at), "-" | "—" | "–" | ":") && !page.is(*at + 1, GLUED)
                || page.text(*at) == "."
        })
        .is_some_and(|at| matches!(page.text(at), "-" | "—" | "–"))
}

/// "the town of Venn".
fn place_before(page: &Page<'_>, from: usize) -> bool {
    let Some(before) = page.before(from).filter(|before| page.text(*before) == "of") else { return false };
    page.before(before).is_some_and(|noun| {
        matches!(
            page.text(noun),
            "town"
                | "city"
                | "village"
                | "district"
                | "province"
                | "region"
                | "suburb"
                | "suburbs"
                | "port"
                | "county"
                | "island"
                | "islands"
                | "outskirts"
                | "mayor"
                | "hamlet"
                | "municipality"
                | "neighborhood"
                | "neighbourhood"
        )
    })
}

/// "Venn island", "Venn, Norway,".
fn place_behind(page: &Page<'_>, span: &Span) -> bool {
    let (from, to) = (span.from, span.to);
    if !page.same_line(from, to) || page.stands(from, HEADING | SHOUTED) {
        return false;
    }
    if matches!(
        page.text(to),
        "island" | "islands" | "province" | "region" | "county" | "peninsula" | "district" | "river"
    ) {
        return true;
    }
    let country = page.text(to) == ","
        && page.capital(to + 1)
        && page.same_line(from, to + 1)
        && page.has(to + 1, COUNTRY | STATE | STATE_SHORT)
        && !page.has(to + 1, FIRST | SURNAME);
    let ends = matches!(page.text(to + 2), "," | "." | ")" | "(" | ";");
    let placed = page.before(from).is_some_and(|before| {
        matches!(page.text(before), "in" | "at" | "near" | "from" | "outside" | "to")
            || page.stands(from, START)
    });
    country && ends && placed
}

/// "(NASDAQ: VENN)".
fn ticker(page: &Page<'_>, to: usize) -> bool {
    page.text(to) == "("
        && (matches!(page.text(to + 1), "NYSE" | "NASDAQ" | "Nasdaq" | "LSE" | "TSX" | "ASX" | "AMEX")
            || page.is(to + 1, UPPER)
                && page.text(to + 2) == "."
                && page.is(to + 3, UPPER | GLUED)
                && page.text(to + 4) == ")")
}

/// "Venn, the maker of".
fn apposition(page: &Page<'_>, span: &Span) -> bool {
    let to = span.to;
    if span.len() > 1
        || page.text(to) != ","
        || !matches!(page.text(to + 1), "a" | "an" | "the" | "one")
        || page.has(span.from, FIRST)
    {
        return false;
    }
    let end = to + 2 + APPOSITION_TOKENS_MAX;
    for at in to + 2..end {
        if !page.same_line(to, at) || page.is(at, MARK) && page.text(at) != "-" {
            return false;
        }
        if page.has(at, ROLE_NOUN | TITLE) {
            return false;
        }
        if is_body(page.text(at)) {
            return !page.possessive(at + 1)
                && !is_body(page.text(at + 1))
                && !page.has(at + 1, ROLE_NOUN | TITLE);
        }
        if matches!(page.text(at), "who" | "whose" | "of" | "in" | "that" | "which" | "at" | "for") {
            return false;
        }
    }
    false
}

/// Nouns that say: an organisation.
fn is_body(word: &str) -> bool {
    matches!(
        word,
        "company"
            | "maker"
            | "firm"
            | "bank"
            | "agency"
            | "charity"
            | "retailer"
            | "startup"
            | "start-up"
            | "newspaper"
            | "magazine"
            | "manufacturer"
            | "airline"
            | "carrier"
            | "lender"
            | "insurer"
            | "brewer"
            | "chain"
            | "operator"
            | "broadcaster"
            | "nonprofit"
            | "consultancy"
            | "brokerage"
            | "conglomerate"
            | "regulator"
            | "automaker"
            | "carmaker"
            | "drugmaker"
            | "chipmaker"
            | "group"
            | "developer"
            | "publisher"
            | "website"
            | "union"
            | "party"
            | "militia"
    )
}

/// "Venn's shares", "shares of Venn".
fn traded(page: &Page<'_>, span: &Span) -> bool {
    if page.has(span.from, FIRST) {
        return false;
    }
    let branch = page.same_line(span.from, span.to)
        && matches!(
            page.text(span.to),
            "store"
                | "stores"
                | "restaurant"
                | "restaurants"
                | "outlet"
                | "factory"
                | "plant"
                | "employees"
                | "shareholders"
        );
    let owned = page.possessive(span.to)
        && matches!(
            page.text(span.to + 1),
            "shares"
                | "stock"
                | "headquarters"
                | "revenue"
                | "revenues"
                | "profits"
                | "shareholders"
                | "subsidiary"
                | "customers"
        );
    let of = page.before(span.from).filter(|before| matches!(page.text(*before), "of" | "in"));
    let held = of.and_then(|of| page.before(of)).is_some_and(|noun| {
        matches!(page.text(noun), "shares" | "Shares" | "shareholders" | "subsidiary" | "stake")
    });
    owned || held || branch
}

/// The first word of a company's full name is the company too, unless it is known for something else.
fn companies(page: &Page<'_>, spans: &mut [Span], full: &FullNames) {
    let heads = heads(page, spans, full);
    if heads.is_empty() {
        return;
    }
    for span in spans.iter_mut().filter(|span| span.len() == 1 && !span.sure && span.tracked.is_none()) {
        let Some(id) = page.id(span.from) else { continue };
        let otherwise = match span.kind {
            EntityKind::Person => full.is_surname(id) || page.has(span.from, FIRST),
            EntityKind::Place => page.has(span.from, PLACE),
            EntityKind::Org => false,
            EntityKind::Norp | EntityKind::Event => true,
        };
        if !otherwise && heads.contains_key(&key(page, span.from, span.to)) {
            span.kind = EntityKind::Org;
        }
    }
}

/// The companies of a document by the first words of their names, as `key`s with tokens.
pub(super) fn heads(page: &Page<'_>, spans: &[Span], full: &FullNames) -> FixedMap<u64, (usize, usize)> {
    let mut heads = FixedMap::default();
    let mut alone: FixedSet<u64> = FixedSet::default();
    for span in spans {
        let told = !page.stands(span.from, HEADING | SHOUTED)
            && page.token(span.from).is_some_and(|token| token.field == Field::Text);
        if span.len() == 1 && told {
            alone.insert(key(page, span.from, span.to));
        }
        if span.kind != EntityKind::Org || !(2..=5).contains(&span.len()) {
            continue;
        }
        // The short form of an organisation that is known by nothing else follows its full name.
        let first = key(page, span.from, span.from + 1);
        let known = page
            .has(span.from, PLACE | FIRST | ORG_WORD | DEMONYM | ORG_HEAD | ORG_TAIL | TITLE | TITLE_PART)
            || is_common(page.class(span.from))
            || page.word(span.from).small > 0
            || page.id(span.from).is_none_or(|id| full.is_surname(id));
        let own = !known
            && page.capital(span.from + 1)
            && !page.possessive(span.from + 1)
            && !alone.contains(&first);
        if own {
            heads.entry(first).or_insert((span.from, span.to));
        }
        let mut commerce = false;
        for at in (span.from + 1..span.to).rev() {
            let trade = is_company_form(page.text(at)) || is_trade(page.lower(at));
            if !page.capital(at) || !(trade || page.has(at, ORG_TAIL)) {
                break;
            }
            commerce |= trade;
            if commerce {
                heads.entry(key(page, span.from, at)).or_insert((span.from, span.to));
            }
        }
    }
    heads
}

/// What a company's name says it does; and clubs.
fn is_trade(lower: &str) -> bool {
    matches!(
        lower,
        "corporation"
            | "company"
            | "co"
            | "group"
            | "holding"
            | "technologies"
            | "technology"
            | "pharmaceuticals"
            | "pharma"
            | "therapeutics"
            | "biosciences"
            | "systems"
            | "industries"
            | "airlines"
            | "airways"
            | "motors"
            | "motor"
            | "capital"
            | "partners"
            | "securities"
            | "insurance"
            | "petroleum"
            | "communications"
            | "entertainment"
            | "studios"
            | "records"
            | "labs"
            | "laboratories"
            | "enterprises"
            | "stores"
            | "ventures"
            | "financial"
            | "bancorp"
            | "brands"
            | "foods"
            | "semiconductor"
            | "software"
            | "networks"
            | "rovers"
            | "wanderers"
            | "albion"
            | "fc"
            | "bros."
            | "brothers"
    )
}
