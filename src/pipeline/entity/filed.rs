//! Files the names of a document under one canonical name each.

use std::sync::LazyLock;

use super::{
    acronyms::Acronyms,
    full::{FullNames, full_names, titled_woman},
    kinds::heads,
    lexicon::{DEMONYM, FixedMap, PARTY, TITLE, TITLE_PART, hash, joined, lexicon},
    page::Page,
    pass::key,
    span::Span,
    token::{GLUED, MARK},
    tracked::Names,
};
use crate::article::{Entity, EntityKind, Field, Mention};

/// Words of a role at most.
const ROLE_WORDS_MAX: usize = 6;

/// The role of who took a picture and is otherwise no part of the news.
const PHOTO_CREDIT: &str = "photo credit";

/// Names that are known under another one: lower-cased form, kind, canonical name.
const ALIASES: &[(&str, EntityKind, &str)] = &[
    ("u.s.", EntityKind::Place, "United States"),
    ("u.s", EntityKind::Place, "United States"),
    ("us", EntityKind::Place, "United States"),
    ("usa", EntityKind::Place, "United States"),
    ("u.s.a.", EntityKind::Place, "United States"),
    ("america", EntityKind::Place, "United States"),
    ("united states of america", EntityKind::Place, "United States"),
    ("uk", EntityKind::Place, "United Kingdom"),
    ("u.k.", EntityKind::Place, "United Kingdom"),
    ("britain", EntityKind::Place, "United Kingdom"),
    ("great britain", EntityKind::Place, "United Kingdom"),
    ("uae", EntityKind::Place, "United Arab Emirates"),
    ("washington d.c.", EntityKind::Place, "Washington, D.C."),
    ("d.c.", EntityKind::Place, "Washington, D.C."),
    ("drc", EntityKind::Place, "Democratic Republic of the Congo"),
    ("n.y.", EntityKind::Place, "New York"),
    ("fbi", EntityKind::Org, "Federal Bureau of Investigation"),
    ("cia", EntityKind::Org, "Central Intelligence Agency"),
    ("nsa", EntityKind::Org, "National Security Agency"),
    ("doj", EntityKind::Org, "Department of Justice"),
    ("justice department", EntityKind::Org, "Department of Justice"),
    ("department of justice", EntityKind::Org, "Department of Justice"),
    ("state department", EntityKind::Org, "Department of State"),
    ("treasury department", EntityKind::Org, "Department of the Treasury"),
    ("defense department", EntityKind::Org, "Department of Defense"),
    ("house", EntityKind::Org, "House of Representatives"),
    ("u.s. house", EntityKind::Org, "House of Representatives"),
    ("house of representatives", EntityKind::Org, "House of Representatives"),
    ("senate", EntityKind::Org, "Senate"),
    ("u.s. senate", EntityKind::Org, "Senate"),
    ("congress", EntityKind::Org, "Congress"),
    ("u.s. congress", EntityKind::Org, "Congress"),
    ("un", EntityKind::Org, "United Nations"),
    ("u.n.", EntityKind::Org, "United Nations"),
    ("eu", EntityKind::Org, "European Union"),
    ("e.u.", EntityKind::Org, "European Union"),
    ("eu", EntityKind::Place, "European Union"),
    ("ap", EntityKind::Org, "Associated Press"),
    ("afp", EntityKind::Org, "Agence France-Presse"),
    ("pa", EntityKind::Org, "Press Association"),
    ("new york times", EntityKind::Org, "The New York Times"),
    ("washington post", EntityKind::Org, "The Washington Post"),
    ("wall street journal", EntityKind::Org, "The Wall Street Journal"),
    ("guardian", EntityKind::Org, "The Guardian"),
    ("russia today", EntityKind::Org, "RT"),
    ("who", EntityKind::Org, "World Health Organization"),
    ("imf", EntityKind::Org, "International Monetary Fund"),
    ("epa", EntityKind::Org, "Environmental Protection Agency"),
    ("fda", EntityKind::Org, "Food and Drug Administration"),
    ("irs", EntityKind::Org, "Internal Revenue Service"),
    ("dhs", EntityKind::Org, "Department of Homeland Security"),
    ("dnc", EntityKind::Org, "Democratic National Committee"),
    ("rnc", EntityKind::Org, "Republican National Committee"),
    ("nra", EntityKind::Org, "National Rifle Association"),
    ("isis", EntityKind::Org, "Islamic State"),
    ("isil", EntityKind::Org, "Islamic State"),
];

/// US states by their short forms.
const STATES: &str = "al ala:Alabama|ak alaska:Alaska|az ariz:Arizona|ar ark:Arkansas|ca calif:California|co colo:\
    Colorado|ct conn:Connecticut|de del:Delaware|fl fla:Florida|ga:Georgia|hi:Hawaii|id:Idaho|il ill:Illinois|in ind:\
    Indiana|ia:Iowa|ks kan:Kansas|ky:Kentucky|la:Louisiana|me:Maine|md:Maryland|ma mass:Massachusetts|mi mich:Michigan|\
    mn minn:Minnesota|ms miss:Mississippi|mo:Missouri|mt mont:Montana|ne neb:Nebraska|nv nev:Nevada|nh n.h:\
    New Hampshire|nj n.j:New Jersey|nm n.m:New Mexico|ny n.y:New York|nc n.c:North Carolina|nd n.d:North Dakota|oh:Ohio|\
    ok okla:Oklahoma|or ore:Oregon|pa:Pennsylvania|ri r.i:Rhode Island|sc s.c:South Carolina|sd s.d:South Dakota|tn tenn:\
    Tennessee|tx tex:Texas|ut:Utah|vt:Vermont|va:Virginia|wa wash:Washington|wv w.va:West Virginia|wi wis:Wisconsin|wy \
    wyo:Wyoming";

/// An entity at its place, in tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// First token.
    pub(crate) from: usize,
    /// One past the last token.
    pub(crate) to: usize,
    /// Place among the entities.
    pub(crate) entity: usize,
}

/// Makes entities of settled spans, in the order of their first mention, and says where each stands.
pub(crate) fn entities(
    page: &Page<'_>,
    spans: &[Span],
    names: &Names,
    title: &str,
    text: &str,
) -> (Vec<Entity>, Vec<Seen>) {
    let canonical = Canonical::new(page, spans);
    let mut offsets = [Offsets::new(title), Offsets::new(text)];
    // Most mentions are spelt as an earlier one.
    let mut spelt: FixedMap<u64, usize> = FixedMap::default();
    let mut filed: FixedMap<u64, usize> = FixedMap::default();
    let mut entities: Vec<Entity> = Vec::new();
    let mut seen = Vec::with_capacity(spans.len());
    for span in spans {
        let Some(mention) = mention(page, span, &mut offsets) else { continue };
        let index = *spelt.entry(spelling(page, span)).or_insert_with(|| {
            let name = match span.tracked {
                Some(index) => names.name(index).to_owned(),
                None => canonical.name(page, span),
            };
            let kind = span.kind as u64;
            let index = *filed.entry(joined(kind, hash(&comparable(&name)))).or_insert(entities.len());
            if index == entities.len() {
                let mentions = Vec::new();
                entities.push(Entity { name, kind: span.kind, role: None, tracked: false, mentions });
            }
            index
        });
        seen.push(Seen { from: span.from, to: span.to, entity: index });
        if let Some(entity) = entities.get_mut(index) {
            entity.tracked |= span.tracked.is_some();
            entity.mentions.push(mention);
            if span.kind == EntityKind::Person && entity.role.is_none() {
                entity.role = role(page, span);
            }
        }
    }
    (entities, seen)
}

/// All that a span's canonical name depends on.
fn spelling(page: &Page<'_>, span: &Span) -> u64 {
    let titled = match titled_woman(page, span.from).filter(|_| span.kind == EntityKind::Person) {
        Some(woman) => 1 + u64::from(woman),
        None => 0,
    };
    let kind = titled << 48 | span.kind as u64 | span.tracked.map_or(0, |name| u64::from(name) + 1) << 8;
    let tokens = page.tokens.get(span.from..span.to).unwrap_or(&[]);
    tokens
        .iter()
        .fold(kind, |all, token| joined(all, hash(token.text)).rotate_left(u32::from(token.is(GLUED))))
}

fn comparable(name: &str) -> String {
    let mut lower = name.to_lowercase();
    if lower.starts_with("the ") {
        lower.drain(..4);
    }
    lower
}

fn mention(page: &Page<'_>, span: &Span, offsets: &mut [Offsets<'_>; 2]) -> Option<Mention> {
    let (first, last) = (page.token(span.from)?, page.token(span.to.checked_sub(1)?)?);
    let [title, text] = offsets;
    let of = if first.field == Field::Title { title } else { text };
    (first.field == last.field).then(|| Mention {
        field: first.field,
        start: of.characters(first.start),
        end: of.characters(last.end()),
    })
}

/// Turns bytes into characters, from front to back.
pub(crate) struct Offsets<'a> {
    source: &'a str,
    byte: usize,
    character: u32,
}

impl<'a> Offsets<'a> {
    /// Of this text.
    pub(crate) fn new(source: &'a str) -> Self {
        Self { source, byte: 0, character: 0 }
    }

    /// Characters before this byte. Asking for an earlier byte than before starts again.
    pub(crate) fn characters(&mut self, byte: usize) -> u32 {
        if byte < self.byte {
            (self.byte, self.character) = (0, 0);
        }
        let between = self.source.as_bytes().get(self.byte..byte).unwrap_or(&[]);
        let count = between.iter().filter(|byte| (**byte & 0xc0) != 0x80).count();
        self.character = self.character.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        self.byte = byte;
        self.character
    }
}

struct Canonical {
    full: FullNames,
    acronyms: Acronyms,
    /// First words of a company's name → tokens of its full form. By hash.
    heads: FixedMap<u64, (usize, usize)>,
    /// Last words of an organisation's name → tokens of its full form. By hash.
    endings: FixedMap<u64, (usize, usize)>,
}

type Aliases = [FixedMap<&'static str, &'static str>; 2];

/// Aliases of organisations, then of places.
static ALIASES_BY_KIND: LazyLock<Aliases> = LazyLock::new(|| {
    let [mut orgs, mut places] = Aliases::default();
    for (form, kind, name) in ALIASES {
        let aliases = if *kind == EntityKind::Org { &mut orgs } else { &mut places };
        aliases.insert(*form, *name);
    }
    for (forms, name) in STATES.split('|').filter_map(|state| state.split_once(':')) {
        for form in forms.split_ascii_whitespace() {
            places.insert(form, name.trim());
        }
    }
    [orgs, places]
});

fn alias(form: &str, kind: EntityKind) -> Option<&'static str> {
    let [orgs, places] = &*ALIASES_BY_KIND;
    let aliases = if kind == EntityKind::Org { orgs } else { places };
    aliases.get(form).or_else(|| aliases.get(form.trim_end_matches('.'))).copied()
}

impl Canonical {
    fn new(page: &Page<'_>, spans: &[Span]) -> Self {
        let full = full_names(page, spans);
        let acronyms = Acronyms::new(page, spans);
        let heads = heads(page, spans, &full);
        let mut canonical = Self { full, acronyms, heads, endings: FixedMap::default() };
        let organisations =
            spans.iter().filter(|span| span.kind == EntityKind::Org && (2..=8).contains(&span.len()));
        for span in organisations {
            let place = (span.from, span.to);
            for start in span.from + 1..span.to.saturating_sub(1) {
                canonical.endings.entry(key(page, start, span.to)).or_insert(place);
            }
        }
        canonical
    }

    fn name(&self, page: &Page<'_>, span: &Span) -> String {
        let form = page.phrase(span.from, span.to);
        match span.kind {
            EntityKind::Person => {
                let (from, to) = self.full.of(page, span.from, span.to).unwrap_or((span.from, span.to));
                name_of(page, from, to)
            }
            EntityKind::Norp => group(page, span.from, form),
            EntityKind::Event => form,
            EntityKind::Org | EntityKind::Place => {
                if let Some(name) = alias(&form.to_lowercase(), span.kind) {
                    return name.to_owned();
                }
                if span.kind == EntityKind::Place {
                    return as_a_name(form);
                }
                let own = key(page, span.from, span.to);
                let short =
                    || self.acronyms.full(&form).filter(|_| span.len() == 1 && form.chars().nth(1).is_some());
                let ending = || self.endings.get(&own).filter(|_| span.len() > 1).copied();
                let longer = self.heads.get(&own).copied().or_else(short).or_else(ending);
                let Some((from, to)) = longer else { return as_a_title(form) };
                let full = page.phrase(from, to);
                alias(&full.to_lowercase(), span.kind).map_or_else(|| as_a_title(full), str::to_owned)
            }
        }
    }
}

/// A person's name without middle initials in the way of comparing, in the capitals of a name.
fn name_of(page: &Page<'_>, from: usize, to: usize) -> String {
    let mut to = to;
    while to > from + 1 && page.is(to - 1, MARK) {
        to -= 1;
    }
    if let Some((open, close)) = nickname(page, from, to) {
        return as_a_name(format!("{} {}", page.phrase(from, open), page.phrase(close + 1, to)));
    }
    let initial = |at: usize| {
        at > from && at + 1 < to && to - from == 3 && page.text(at).len() == 2 && page.text(at).ends_with('.')
    };
    let name = if initial(from + 1) {
        format!("{} {}", page.text(from), page.text(to - 1))
    } else {
        page.phrase(from, to)
    };
    as_a_name(name)
}

/// The marks around a nickname inside a name.
fn nickname(page: &Page<'_>, from: usize, to: usize) -> Option<(usize, usize)> {
    let mut marks = (from + 1..to.saturating_sub(1))
        .filter(|at| matches!(page.text(*at), "\"" | "“" | "”" | "'" | "‘" | "’"));
    Some((marks.next()?, marks.next()?))
}

/// In the capitals of a name what stands in capitals throughout, as in headings and datelines.
fn as_a_name(name: String) -> String {
    let shouted = name.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase) && name.len() > 4;
    if shouted && !name.contains('.') { small_capitals(&name) } else { name }
}

/// The same for several words, of which one alone may be a short form.
fn as_a_title(name: String) -> String {
    if name.contains(' ') { as_a_name(name) } else { name }
}

fn small_capitals(name: &str) -> String {
    let mut start = true;
    name.chars()
        .map(|letter| {
            let kept = if start { letter } else { letter.to_lowercase().next().unwrap_or(letter) };
            start = !letter.is_alphanumeric();
            kept
        })
        .collect()
}

fn group(page: &Page<'_>, at: usize, form: String) -> String {
    let lower = page.lower(at);
    if form.contains(' ') {
        return form;
    }
    if page.has(at, PARTY) {
        match lower {
            "democrat" | "democrats" | "democratic" => return "Democratic Party".to_owned(),
            "republican" | "republicans" | "gop" => return "Republican Party".to_owned(),
            "tory" | "tories" => return "Conservative Party".to_owned(),
            _ => {}
        }
    }
    let singular =
        lower.strip_suffix('s').filter(|singular| lexicon().word(singular) & (DEMONYM | PARTY) != 0);
    match (singular, form.char_indices().next_back()) {
        (Some(_), Some((last, _))) => form.get(..last).unwrap_or(&form).to_owned(),
        _ => form,
    }
}

/// The office stated right before the name, or behind it between commas.
fn role(page: &Page<'_>, span: &Span) -> Option<String> {
    let mut from = span.from;
    while let Some(before) = page.before(from)
        && (page.has(before, TITLE | TITLE_PART) || from < span.from && is_of(page, before))
        && span.from - before <= ROLE_WORDS_MAX
    {
        from = before;
    }
    if let Some(role) = office(page, from, span.from) {
        return Some(role);
    }
    if credited(page, span.from) {
        return Some(PHOTO_CREDIT.to_owned());
    }
    if page.text(span.to) != "," {
        return None;
    }
    let mut start = span.to + 1;
    while matches!(page.lower(start), "the" | "a" | "an" | "his" | "her" | "their" | "its") {
        start += 1;
    }
    let mut end = start;
    while page.has(end, TITLE | TITLE_PART | DEMONYM | PARTY)
        && end < start + ROLE_WORDS_MAX
        && page.same_line(span.from, end)
    {
        end += 1;
    }
    if matches!(page.text(end), "," | "of" | "for" | "." | "at") { office(page, start, end) } else { None }
}

/// "of" in "Secretary of State".
fn is_of(page: &Page<'_>, at: usize) -> bool {
    page.text(at) == "of"
        && page.before(at).is_some_and(|office| page.has(office, TITLE) && page.capital(office))
}

fn credited(page: &Page<'_>, at: usize) -> bool {
    let label = at.checked_sub(2).is_some_and(|label| {
        matches!(page.lower(label), "credit" | "photo" | "photograph" | "picture" | "photographer" | "image")
    });
    label && at.checked_sub(1).is_some_and(|mark| matches!(page.lower(mark), ":" | "by" | "/"))
}

fn office(page: &Page<'_>, from: usize, to: usize) -> Option<String> {
    let mut from = from;
    // An office ends in its noun, and "Mr" is none.
    while from < to
        && matches!(page.lower(from), "under" | "mr" | "mr." | "mrs" | "mrs." | "ms" | "ms." | "miss")
    {
        from += 1;
    }
    let named = (from..to)
        .any(|at| page.has(at, TITLE) && !matches!(page.lower(at), "mr" | "mr." | "mrs" | "mrs." | "ms"));
    (from < to && named).then(|| page.phrase(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_characters() {
        let mut offsets = Offsets::new("né “a” b");
        assert_eq!([offsets.characters(3), offsets.characters(7), offsets.characters(1)], [2, 4, 1]);
    }

    #[test]
    fn shouted_names_are_written_as_names() {
        assert_eq!(small_capitals("ORLA O'VENN-QUILL"), "Orla O'Venn-Quill");
    }
}
