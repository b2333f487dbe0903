//! Who bears a surname or given name in a document, as persons are named in full there.

use super::{
    lexicon::{FEMALE, FixedMap, FixedSet, MALE, PARTICLE, TITLE, lexicon},
    page::{HEADING, Page, SHOUTED},
    span::Span,
    token::{GLUED, MARK},
};
use crate::article::{EntityKind, Field};

/// Bearers of one surname that are told apart, at most.
const SAME_SURNAME_MAX: usize = 8;

/// A person who is named in full.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bearer {
    /// First token.
    pub(crate) from: usize,
    /// One past the last token.
    pub(crate) to: usize,
    /// Which tracked name it is.
    pub(crate) tracked: Option<u32>,
    woman: Option<bool>,
    /// Somebody's son or sister, and the surname alone stood there before: it means the other one.
    kin: bool,
    /// The next person with this surname.
    next: Option<u32>,
}

/// The full names of a document, first come first.
#[derive(Debug, Default)]
pub(crate) struct FullNames {
    bearers: Vec<Bearer>,
    last: FixedMap<u64, u32>,
    first: FixedMap<u64, u32>,
}

/// The full names of the document.
pub(crate) fn full_names(page: &Page<'_>, spans: &[Span]) -> FullNames {
    let mut names = FullNames::default();
    let mut alone: FixedSet<u64> = FixedSet::default();
    for span in spans.iter().filter(|span| span.kind == EntityKind::Person) {
        let at = surname_token(page, span);
        if at == span.from {
            let told = !page.stands(span.from, HEADING | SHOUTED)
                && page.token(span.from).is_some_and(|token| token.field == Field::Text);
            if let Some(id) = page.id(span.from).filter(|_| told) {
                alone.insert(id);
            }
            continue;
        }
        let (Some(first), Some(last)) = (page.id(span.from), page.id(at)) else { continue };
        let kin = (is_kin(page, span.from) || at + 1 < span.to) && alone.contains(&last);
        let bearer = Bearer {
            from: span.from,
            to: span.to,
            tracked: span.tracked,
            woman: woman(page, span.from),
            kin,
            next: None,
        };
        names.add(page, bearer, first, last);
    }
    names
}

impl Bearer {
    fn has_generation(&self, page: &Page<'_>) -> bool {
        is_generation(page.lower(self.to - 1))
    }
}

impl FullNames {
    fn add(&mut self, page: &Page<'_>, bearer: Bearer, first: u64, last: u64) {
        let Ok(new) = u32::try_from(self.bearers.len()) else { return };
        if let Some(known) = self.last.get(&last).copied() {
            let same = |other: &Bearer| {
                page.id(other.from) == Some(first)
                    && other.has_generation(page) == bearer.has_generation(page)
            };
            let chain = self.chain(Some(known));
            if chain.clone().count() >= SAME_SURNAME_MAX || chain.clone().any(|(_, other)| same(other)) {
                return;
            }
            let end = chain.last().map_or(0, |(place, _)| place as usize);
            if let Some(last) = self.bearers.get_mut(end) {
                last.next = Some(new);
            }
        } else {
            self.last.insert(last, new);
        }
        self.first.entry(first).or_insert(new);
        let quoted = |at: &usize| page.is(at + 1, MARK) && page.is(at - 1, MARK) && page.text(at - 1) != "-";
        if let Some(nickname) = (bearer.from + 1..bearer.to - 1).find(quoted).and_then(|at| page.id(at)) {
            self.first.entry(nickname).or_insert(new);
        }
        self.bearers.push(bearer);
    }

    fn chain(&self, first: Option<u32>) -> impl Iterator<Item = (u32, &Bearer)> + Clone {
        let get = |place: u32| self.bearers.get(place as usize).map(|bearer| (place, bearer));
        std::iter::successors(first.and_then(get), move |(_, bearer)| bearer.next.and_then(get))
    }

    /// Whether anybody has the word for a surname.
    pub(crate) fn is_surname(&self, id: u64) -> bool {
        self.last.contains_key(&id)
    }

    /// Who is meant by a surname alone; a title before it tells man from woman.
    pub(crate) fn by_surname(&self, page: &Page<'_>, at: usize) -> Option<&Bearer> {
        let known = self.last.get(&page.id(at)?).copied();
        let mut bearers = self.chain(known).map(|(_, bearer)| bearer);
        let Some(woman) = titled_woman(page, at) else { return bearers.find(|bearer| !bearer.kin) };
        let surely = |bearer: &&Bearer| bearer.woman == Some(woman);
        let mut others = bearers.clone().filter(|bearer| !bearer.kin);
        let latest = others.clone().filter(surely).filter(|bearer| bearer.from < at).last();
        let named = latest.or_else(|| others.clone().find(surely));
        let named = named.or_else(|| others.clone().find(|bearer| bearer.woman.is_none()));
        // A wife is meant only where her husband was named.
        named.or_else(|| others.next().and_then(|_| bearers.find(surely)))
    }

    /// Who is meant by a first word alone, as in "Orla", or "Liu" of Liu Wen.
    pub(crate) fn by_first(&self, page: &Page<'_>, at: usize) -> Option<&Bearer> {
        self.bearers.get(*self.first.get(&page.id(at)?)? as usize)
    }

    /// Tokens of the full name that a person's shorter one stands for: "Venn", "van der Venn", "Venn Jr.".
    pub(crate) fn of(&self, page: &Page<'_>, from: usize, to: usize) -> Option<(usize, usize)> {
        if to - from == 1 {
            let bearer = self.by_surname(page, from).or_else(|| self.by_first(page, from))?;
            return Some((bearer.from, bearer.to));
        }
        let last = surname_token(page, &Span::new(from, to, EntityKind::Person));
        let known = self.last.get(&page.id(last)?).copied();
        let ends = |bearer: &&Bearer| {
            bearer.to - bearer.from > to - from
                && (from..to)
                    .rev()
                    .zip((bearer.from..bearer.to).rev())
                    .all(|(one, other)| page.id(one) == page.id(other))
        };
        let found = self.chain(known).map(|(_, bearer)| bearer).find(ends)?;
        Some((found.from, found.to))
    }

    /// Where a name begins that was found without its particles: "Venn" of "van der Venn".
    pub(crate) fn with_particles(&self, page: &Page<'_>, at: usize) -> usize {
        let Some(bearer) =
            page.id(at).and_then(|id| self.last.get(&id)).and_then(|last| self.bearers.get(*last as usize))
        else {
            return at;
        };
        let last = surname_token(page, &Span::new(bearer.from, bearer.to, EntityKind::Person));
        let mut from = at;
        for own in (bearer.from + 1..last).rev() {
            let part = page.has(own, PARTICLE) || page.text(own) == "-";
            let here = from.checked_sub(1).filter(|before| page.same_line(*before, at));
            match here {
                Some(before) if part && page.id(before) == page.id(own) => from = before,
                _ => break,
            }
        }
        if page.text(from) == "-" { at } else { from }
    }
}

/// "Jr" and the like are not the surname.
pub(crate) fn surname_token(page: &Page<'_>, span: &Span) -> usize {
    let last = span.to.saturating_sub(1);
    if is_generation(page.lower(last)) && span.len() > 1 { last - 1 } else { last }
}

/// What tells father from son.
pub(crate) fn is_generation(lower: &str) -> bool {
    matches!(lower, "jr" | "jr." | "sr" | "sr." | "ii" | "iii" | "iv")
}

/// Whether the title before a name, or the given name, says that it is a woman's.
fn woman(page: &Page<'_>, from: usize) -> Option<bool> {
    titled_woman(page, from)
        .or_else(|| lexicon().woman(page.lower(from)).filter(|_| page.text(from + 1) != "-"))
}

/// Whether the title before a name says that it is a woman's.
pub(crate) fn titled_woman(page: &Page<'_>, at: usize) -> Option<bool> {
    let class = page.before(at).filter(|before| page.has(*before, TITLE)).map(|before| page.class(before))?;
    match (class & FEMALE != 0, class & MALE != 0) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// "his son Orla Venn", "the wife, Orla Venn".
pub(super) fn is_kin(page: &Page<'_>, from: usize) -> bool {
    let Some(mut before) = page.before(from) else { return false };
    if page.text(before) == "," || page.is(before, GLUED) && page.text(before) == "-" {
        before = before.saturating_sub(1);
    }
    matches!(
        page.lower(before),
        "son"
            | "sons"
            | "daughter"
            | "wife"
            | "husband"
            | "brother"
            | "sister"
            | "father"
            | "mother"
            | "uncle"
            | "aunt"
            | "nephew"
            | "niece"
            | "cousin"
            | "widow"
            | "widower"
            | "grandson"
            | "granddaughter"
            | "stepson"
            | "stepdaughter"
            | "son-in-law"
            | "daughter-in-law"
            | "brother-in-law"
            | "sister-in-law"
            | "grandfather"
            | "grandmother"
    )
}
