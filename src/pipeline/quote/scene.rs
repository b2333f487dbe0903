//! A text laid out for the question who speaks: sentences, quotes, and the people at their places.

use std::cell::{Cell, OnceCell};

use super::marks::Marked;
use crate::{
    article::{Entity, EntityKind, Field},
    pipeline::entity::{
        FEMALE, MALE, MARK, Page, ROLE_NOUN, SAID, Seen, TITLE, Tagged, is_womans, lexicon_class,
    },
};

/// Mentions before a pronoun that it may refer to.
const MENTIONS_BACK_MAX: usize = 48;

/// The text with what is known of it.
pub(super) struct Scene<'a> {
    pub(super) page: &'a Page<'a>,
    /// First token of the text.
    pub(super) first: usize,
    entities: &'a [Entity],
    /// For each quote its tokens.
    quoted: Vec<Option<(usize, usize)>>,
    inside: Vec<bool>,
    sentences: Vec<u32>,
    /// The mentions in the text.
    seen: &'a [Seen],
    /// Tokens of the quote whose speaker is asked for.
    asked: Cell<(usize, usize)>,
    /// For each entity whether it is a woman, once a pronoun asks.
    women: OnceCell<Vec<Option<bool>>>,
}

impl<'a> Scene<'a> {
    /// Lays out a text.
    pub(super) fn new(spans: &[Marked], tagged: &'a Tagged<'a>) -> Self {
        let Tagged { page, entities, seen } = tagged;
        let first = page.tokens.partition_point(|token| token.field == Field::Title);
        let before = seen.partition_point(|seen| seen.from < first);
        let mut scene = Self {
            page,
            first,
            entities,
            quoted: Vec::with_capacity(spans.len()),
            inside: vec![false; page.tokens.len()],
            sentences: Vec::new(),
            seen: seen.get(before..).unwrap_or(&[]),
            asked: Cell::new((0, 0)),
            women: OnceCell::new(),
        };
        scene.quotes(spans);
        scene.cut_sentences();
        scene
    }

    /// Tokens of a quote, without its marks.
    pub(super) fn quoted(&self, quote: usize) -> Option<(usize, usize)> {
        self.quoted.get(quote).copied().flatten()
    }

    /// Says which quote the next questions are about: who is named in it does not speak.
    pub(super) fn ask(&self, quote: (usize, usize)) {
        self.asked.set(quote);
    }

    fn is_named_in_it(&self, entity: usize) -> bool {
        let (from, to) = self.asked.get();
        let first = self.seen.partition_point(|seen| seen.from < from);
        let inside = self.seen.iter().skip(first).take_while(|seen| seen.to <= to);
        inside.take(MENTIONS_BACK_MAX).any(|seen| seen.entity == entity)
    }

    /// Whether the token stands in a quote.
    pub(super) fn is_inside(&self, at: usize) -> bool {
        self.inside.get(at).copied().unwrap_or(false)
    }

    /// The token's line.
    pub(super) fn line(&self, at: usize) -> u32 {
        self.page.token(at).map_or(u32::MAX, |token| token.line)
    }

    /// Number of the token's sentence.
    pub(super) fn sentence(&self, at: usize) -> u32 {
        self.sentences.get(at).copied().unwrap_or(u32::MAX)
    }

    /// The entity whose name begins here.
    pub(super) fn mention_from(&self, at: usize) -> Option<&Seen> {
        self.seen.binary_search_by_key(&at, |seen| seen.from).ok().and_then(|index| self.seen.get(index))
    }

    /// The entity whose name ends before `to`.
    pub(super) fn mention_to(&self, to: usize) -> Option<&Seen> {
        self.seen.binary_search_by_key(&to, |seen| seen.to).ok().and_then(|index| self.seen.get(index))
    }

    /// What the entity is.
    pub(super) fn kind(&self, entity: usize) -> Option<EntityKind> {
        self.entities.get(entity).map(|entity| entity.kind)
    }

    /// Whether such an entity can say something.
    pub(super) fn may_speak(&self, entity: usize) -> bool {
        matches!(self.kind(entity), Some(EntityKind::Person | EntityKind::Org))
    }

    /// Whether a name can be a subject where it stands: no possessive, not behind a preposition, not "the Venn ally".
    pub(super) fn may_be_subject(&self, seen: &Seen) -> bool {
        let page = self.page;
        if page.possessive(seen.to) {
            return false;
        }
        let mut first = seen.from;
        while first > 0 && page.has(first - 1, TITLE) && page.same_line(first - 1, first) {
            first -= 1;
        }
        let preposition = page.before(first).is_some_and(|at| {
            let at = if matches!(page.lower(at), "the" | "a") { at.saturating_sub(1) } else { at };
            matches!(
                page.lower(at),
                "of" | "to"
                    | "with"
                    | "by"
                    | "from"
                    | "against"
                    | "about"
                    | "on"
                    | "for"
                    | "in"
                    | "at"
                    | "between"
                    | "over"
                    | "into"
                    | "behind"
                    | "told"
                    | "than"
                    | "after"
            )
        });
        let noun = page.same_line(seen.from, seen.to)
            && !page.capital(seen.to)
            && (page.has(seen.to, ROLE_NOUN)
                || matches!(
                    page.lower(seen.to),
                    "ally"
                        | "allies"
                        | "aide"
                        | "aides"
                        | "campaign"
                        | "administration"
                        | "supporter"
                        | "supporters"
                        | "team"
                        | "staff"
                        | "family"
                        | "official"
                        | "officials"
                        | "presidency"
                        | "report"
                        | "-"
                ));
        !preposition && !noun
    }

    /// The organisation named last before the token.
    pub(super) fn organisation_before(&self, at: usize) -> Option<usize> {
        let before = self.seen.partition_point(|seen| seen.to <= at);
        let mut back = self.seen.iter().take(before).rev().take(8);
        back.find(|seen| self.kind(seen.entity) == Some(EntityKind::Org)).map(|seen| seen.entity)
    }

    /// Who bears an office, by lower-cased words.
    pub(super) fn bearer(&self, office: &str) -> Option<usize> {
        self.entities.iter().take(64).position(|entity| {
            entity.kind == EntityKind::Person
                && entity.role.as_ref().is_some_and(|role| in_full(&role.to_lowercase()).ends_with(office))
        })
    }

    /// Whether the tokens stand inside a name: "Orla “Olly” Venn".
    pub(super) fn is_in_name(&self, from: usize, to: usize) -> bool {
        let next = self.seen.partition_point(|seen| seen.to < to);
        self.seen.get(next).is_some_and(|seen| seen.from < from && to < seen.to)
    }

    /// Whom a pronoun means, or a description that tells neither man nor woman: the first fitting person of its sentence,
    /// else of the sentences before.
    pub(super) fn person_before(&self, at: usize, female: Option<bool>, sentences_max: u32) -> Option<usize> {
        let here = self.sentence(at);
        let end = self.seen.partition_point(|seen| seen.to <= at);
        let earlier = self.seen.get(..end).unwrap_or(&[]);
        for group in by_sentence(earlier, |seen| self.sentence(seen.from)) {
            let Some(first) = group.first() else { continue };
            if here.saturating_sub(self.sentence(first.from)) > sentences_max {
                return None;
            }
            let fits = |seen: &&Seen| {
                self.fits(seen.entity, female)
                    && !self.is_inside(seen.from)
                    && !self.is_named_in_it(seen.entity)
            };
            let subject = group.iter().find(|seen| fits(seen) && self.may_be_subject(seen));
            if let Some(seen) = subject.or_else(|| group.iter().find(fits)) {
                return Some(seen.entity);
            }
        }
        None
    }

    /// Whether the quote's sentence has a verb of speech before the quote.
    pub(super) fn has_verb(&self, from: usize) -> bool {
        let sentence = self.sentence(from);
        (from.saturating_sub(40)..from)
            .any(|at| self.sentence(at) == sentence && self.page.has(at, SAID) && !self.is_inside(at))
    }

    fn fits(&self, entity: usize, female: Option<bool>) -> bool {
        self.kind(entity) == Some(EntityKind::Person)
            && self
                .women
                .get_or_init(|| self.genders())
                .get(entity)
                .copied()
                .flatten()
                .is_none_or(|woman| female.is_none_or(|female| woman == female))
    }

    fn quotes(&mut self, spans: &[Marked]) {
        let mut at = self.first;
        for span in spans {
            while self.page.token(at).is_some_and(|token| token.end() <= span.start) {
                at += 1;
            }
            let from = at;
            while self.page.token(at).is_some_and(|token| token.start < span.end) {
                if let Some(inside) = self.inside.get_mut(at) {
                    *inside = true;
                }
                at += 1;
            }
            self.quoted.push((at > from).then_some((from, at)));
        }
    }

    /// A sentence ends at its mark outside quotes, or with a quote that ends in one before a capital.
    fn cut_sentences(&mut self) {
        let mut number = 0;
        let mut sentences = Vec::with_capacity(self.page.tokens.len());
        for at in 0..self.page.tokens.len() {
            let new_line = at > 0 && !self.page.same_line(at - 1, at);
            let ended = at > 0 && !self.is_inside(at) && self.ends_before(at);
            if new_line || ended {
                number += 1;
            }
            sentences.push(number);
        }
        self.sentences = sentences;
    }

    fn ends_before(&self, at: usize) -> bool {
        if !self.page.is(at - 1, MARK) {
            return false;
        }
        let is_end = |at: usize| matches!(self.page.text(at), "." | "!" | "?");
        if is_end(at - 1) && !self.is_inside(at - 1) {
            return true;
        }
        // The token before is the closing mark of a quote.
        let closed = at >= 2 && !self.is_inside(at - 1) && self.is_inside(at - 2) && is_end(at - 2);
        closed && (self.page.capital(at) || self.is_inside(at + 1)) && self.page.text(at - 2) == "."
    }

    fn genders(&self) -> Vec<Option<bool>> {
        let mut women: Vec<Option<bool>> = self
            .entities
            .iter()
            .map(|entity| {
                let first = entity.name.split(' ').next().filter(|_| entity.kind == EntityKind::Person)?;
                let of_role = entity.role.iter().flat_map(|role| role.split(' ')).map(lexicon_class);
                let class = of_role.fold(0, |all, class| all | class);
                match (class & FEMALE != 0, class & MALE != 0) {
                    (true, _) => Some(true),
                    (false, true) => Some(false),
                    (false, false) => is_womans(first),
                }
            })
            .collect();
        for seen in self.seen {
            let title = self.page.before(seen.from).map_or(0, |at| self.page.class(at)) & (MALE | FEMALE);
            if let Some(woman) = women.get_mut(seen.entity).filter(|_| title != 0) {
                *woman = Some(title & FEMALE != 0);
            }
        }
        women
    }
}

/// An office whose last word may be an abbreviation, in lower case.
fn in_full(role: &str) -> String {
    let (front, last) = role.rsplit_once(' ').map_or(("", role), |(front, last)| (front, last));
    let full = match last.trim_end_matches('.') {
        "gov" => "governor",
        "sen" => "senator",
        "rep" => "representative",
        "gen" => "general",
        "col" => "colonel",
        "lt" => "lieutenant",
        "capt" => "captain",
        "sgt" => "sergeant",
        "prof" => "professor",
        "dr" => "doctor",
        "adm" => "admiral",
        "insp" => "inspector",
        "supt" => "superintendent",
        "det" => "detective",
        "ceo" => "chief executive",
        "cllr" => "councillor",
        _ => return role.to_owned(),
    };
    if front.is_empty() { full.to_owned() } else { format!("{front} {full}") }
}

/// The nearest mentions, sentence by sentence, the last sentence first.
fn by_sentence(seen: &[Seen], number: impl Fn(&Seen) -> u32) -> Vec<&[Seen]> {
    let near = seen.get(seen.len().saturating_sub(MENTIONS_BACK_MAX)..).unwrap_or(&[]);
    let mut groups: Vec<&[Seen]> = near.chunk_by(|one, other| number(one) == number(other)).collect();
    groups.reverse();
    groups
}
