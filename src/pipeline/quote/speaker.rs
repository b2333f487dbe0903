//! Who says what stands in quotation marks: a verb of speech and its subject, before, inside or behind; else who spoke
//! last nearby. Where the text names nobody, nobody is named.

use super::{marks::Marked, scene::Scene};
use crate::{
    article::EntityKind,
    pipeline::entity::{DEMONYM, ROLE_NOUN, SAID, TITLE, Tagged},
};

/// Bytes behind a quote within which its verb stands.
const BEHIND_BYTES_MAX: usize = 80;

/// Tokens that are looked at to find a subject.
const SUBJECT_TOKENS_MAX: usize = 40;

/// Tokens of a body's name before the noun that it describes.
const BODY_TOKENS_MAX: usize = 5;

/// Tokens between a verb and the subject behind it.
const INVERTED_TOKENS_MAX: usize = 9;

/// Sentences back that a pronoun refers to.
const SENTENCES_BACK_MAX: u32 = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// The entity of this index.
    Named(usize),
    /// Somebody, whom the text does not name.
    Unnamed,
}

/// The quotes worth keeping, each with its speaker's canonical name.
pub(crate) fn attribute(text: &str, spans: &[Marked], tagged: &Tagged<'_>) -> Vec<(Marked, Option<String>)> {
    let scene = Scene::new(spans, tagged);
    let mut spoken: Vec<(Marked, Option<String>)> = Vec::with_capacity(spans.len());
    let mut last: Option<(u32, usize)> = None;
    let mut line = None;
    for (index, span) in spans.iter().enumerate() {
        let Some((from, to)) = scene.quoted(index) else { continue };
        scene.ask((from, to));
        let here = scene.line(from);
        let opens_line = line != Some(here);
        let earlier = last.filter(|(at, _)| *at == here && !opens_line);
        let said = if another_clause(&scene, to) {
            before(&scene, from).or_else(|| behind(&scene, text, *span, to))
        } else {
            behind(&scene, text, *span, to).or_else(|| before(&scene, from))
        };
        let attributed = said
            .or_else(|| earlier.map(|(_, who)| Who::Named(who)))
            .or_else(|| opening(&scene, from, last))
            .or_else(|| in_sentence(&scene, from));
        let within = said.is_none() && from > 1 && scene.sentence(from - 2) == scene.sentence(from);
        let work = (attributed.is_none() || within || is_named_work(&scene, from))
            && looks_like_a_work(&scene, from, to);
        let scare = to - from <= 2 && !scene.has_verb(from) && attributed.is_none()
            || so_called(&scene, from)
            || scene.is_in_name(from, to);
        line = Some(scene.line(to.saturating_sub(1)));
        if work || scare {
            continue;
        }
        let who = match attributed {
            Some(Who::Named(entity)) => {
                last = Some((scene.line(to.saturating_sub(1)), entity));
                tagged.entities.get(entity).map(|entity| entity.name.clone())
            }
            _ => None,
        };
        spoken.push((*span, who));
    }
    spoken
}

/// Whether what follows the quote is a clause about something else.
fn another_clause(scene: &Scene<'_>, to: usize) -> bool {
    let first = if scene.page.text(to + 1) == "," { to + 2 } else { to + 1 };
    matches!(
        scene.page.lower(first),
        "while" | "but" | "and" | "although" | "though" | "whereas" | "because" | "as"
    )
}

/// A verb behind the quote, where the quote ends as direct speech does before one.
fn behind(scene: &Scene<'_>, text: &str, span: Marked, to: usize) -> Option<Who> {
    let inside = text.get(span.start..span.end)?.trim_end();
    let tail = text.get(span.end..)?;
    let comma = tail
        .char_indices()
        .nth(1)
        .is_some_and(|(at, _)| tail.get(at..).is_some_and(|rest| rest.starts_with(',')));
    if !inside.ends_with([',', '?', '!', ':', '…', '-', '—']) && !comma {
        return None;
    }
    let page = scene.page;
    let first = to + 1;
    let mut at = first;
    while page.same_line(to, at)
        && page.token(at).is_some_and(|token| token.start < span.end + BEHIND_BYTES_MAX)
        && !scene.is_inside(at)
        && page.text(at) != "."
    {
        if page.has(at, SAID) && !page.capital(at) {
            return subject(scene, at, first);
        }
        if page.lower(at) == "according" && page.lower(at + 1) == "to" {
            return Some(inverted(scene, at + 1).unwrap_or(Who::Unnamed));
        }
        at += 1;
    }
    None
}

/// The last verb of the sentence before the quote.
fn before(scene: &Scene<'_>, from: usize) -> Option<Who> {
    let page = scene.page;
    let sentence = scene.sentence(from);
    let mut first = from;
    while first > 0 && scene.sentence(first - 1) == sentence && from - first < SUBJECT_TOKENS_MAX * 2 {
        first -= 1;
    }
    let verb =
        (first..from).rev().find(|at| page.has(*at, SAID) && !page.capital(*at) && !scene.is_inside(*at))?;
    let passive = verb
        .checked_sub(1)
        .is_some_and(|at| matches!(page.lower(at), "was" | "were" | "been" | "being" | "is" | "are"));
    if passive {
        let by = (verb..from).find(|at| page.lower(at.to_owned()) == "by");
        let progressive = page.lower(verb).ends_with("ing");
        if !progressive {
            return Some(by.and_then(|by| inverted(scene, by)).unwrap_or(Who::Unnamed));
        }
    }
    if page.lower(verb).ends_with("ing") && !passive {
        return sentence_opener(scene, first, verb).or_else(|| subject(scene, verb, first));
    }
    subject(scene, verb, first)
}

/// The first name of a sentence that may be its subject, or its pronoun.
fn sentence_opener(scene: &Scene<'_>, first: usize, end: usize) -> Option<Who> {
    let mut at = first;
    while at < end {
        if !scene.is_inside(at) {
            if let Some(mention) = scene.mention_from(at) {
                if scene.may_speak(mention.entity) && scene.may_be_subject(mention) {
                    return Some(Who::Named(mention.entity));
                }
                at = mention.to.max(at + 1);
                continue;
            }
            if let Some(who) = pronoun(scene, at) {
                return Some(who);
            }
        }
        at += 1;
    }
    None
}

/// Who does what the verb says: the nearest before it, else the first behind it.
fn subject(scene: &Scene<'_>, verb: usize, first: usize) -> Option<Who> {
    let page = scene.page;
    let mut at = past_aside(scene, verb, first);
    let least = first.max(at.saturating_sub(SUBJECT_TOKENS_MAX));
    let mut organisation = None;
    while at > least {
        at -= 1;
        if scene.is_inside(at) {
            continue;
        }
        if let Some(mention) = scene.mention_to(at + 1) {
            at = mention.from.max(least);
            if scene.may_be_subject(mention) {
                match scene.kind(mention.entity) {
                    Some(EntityKind::Person) => return Some(Who::Named(mention.entity)),
                    Some(EntityKind::Org) => organisation = organisation.or(Some(Who::Named(mention.entity))),
                    Some(EntityKind::Norp)
                        if organisation.is_none() && described(scene, mention.from, verb) =>
                    {
                        return Some(
                            scene.person_before(mention.from, None, 2).map_or(Who::Unnamed, Who::Named),
                        );
                    }
                    _ => {}
                }
            }
            continue;
        }
        if organisation.is_none() {
            let aged = page.lower(at).ends_with("-year-old")
                && page.before(at).is_some_and(|the| page.lower(the) == "the");
            if aged && (at + 1..verb).all(|between| adverbial(page.lower(between))) {
                return Some(scene.person_before(at, None, 2).map_or(Who::Unnamed, Who::Named));
            }
            if let Some(who) = pronoun(scene, at).or_else(|| role(scene, at)) {
                return Some(who);
            }
            // "the paper": the outlet named last.
            if matches!(page.lower(at), "paper" | "newspaper" | "outlet" | "magazine" | "network" | "agency")
                && at.checked_sub(1).is_some_and(|article| page.lower(article) == "the")
            {
                return scene.organisation_before(at).map(Who::Named).or(Some(Who::Unnamed));
            }
        }
    }
    organisation.or_else(|| inverted(scene, verb))
}

/// Where to look for the subject: before a relative clause between commas, if one stands before the verb.
fn past_aside(scene: &Scene<'_>, verb: usize, first: usize) -> usize {
    let page = scene.page;
    let mut at = verb;
    while at > first && adverbial(page.lower(at - 1)) {
        at -= 1;
    }
    if at == first || page.text(at - 1) != "," {
        return verb;
    }
    let least = first.max(at.saturating_sub(SUBJECT_TOKENS_MAX));
    let comma = (least..at - 1).rev().find(|comma| page.text(*comma) == "," && !scene.is_inside(*comma));
    match comma {
        // "the leader, Margaret Venn, said": what stands between the commas is the name itself.
        Some(comma) if scene.mention_from(comma + 1).is_some_and(|mention| mention.to == at - 1) => verb,
        Some(comma) => comma,
        None => verb,
    }
}

fn adverbial(lower: &str) -> bool {
    matches!(
        lower,
        "also" | "later" | "then" | "has" | "had" | "have" | "once" | "again" | "previously" | "told"
    ) || lower.ends_with("ly")
}

/// The subject behind the verb: "said Minister Margaret Venn".
fn inverted(scene: &Scene<'_>, verb: usize) -> Option<Who> {
    let page = scene.page;
    let mut organisation = None;
    for at in verb + 1..verb + 1 + INVERTED_TOKENS_MAX {
        // "said the board's chairman, Margaret Venn".
        if page.text(at) == ","
            && page.has(at - 1, ROLE_NOUN | TITLE)
            && let Some(mention) = scene.mention_from(at + 1)
            && scene.kind(mention.entity) == Some(EntityKind::Person)
        {
            return Some(Who::Named(mention.entity));
        }
        if !page.same_line(verb, at) || scene.is_inside(at) || matches!(page.text(at), "," | "." | ";" | ":")
        {
            break;
        }
        if matches!(page.lower(at), "that" | "in" | "at" | "on" | "to" | "during" | "after" | "when")
            && at > verb + 1
        {
            break;
        }
        if let Some(mention) = scene.mention_from(at) {
            match scene.kind(mention.entity) {
                Some(EntityKind::Person) if !page.possessive(mention.to) => {
                    return Some(Who::Named(mention.entity));
                }
                Some(EntityKind::Org) if scene.may_be_subject(mention) => {
                    organisation = organisation.or(Some(Who::Named(mention.entity)));
                }
                _ => {}
            }
        } else if at == verb + 1
            && let Some(who) = pronoun(scene, at)
        {
            return Some(who);
        }
    }
    organisation.or_else(|| {
        let role = (verb + 1..verb + 6)
            .find(|at| page.has(*at, ROLE_NOUN) && !page.capital(*at) && page.same_line(verb, *at));
        role.filter(|_| matches!(page.lower(verb + 1), "a" | "an" | "the" | "one" | "another"))
            .map(|_| Who::Unnamed)
    })
}

fn pronoun(scene: &Scene<'_>, at: usize) -> Option<Who> {
    let female = match scene.page.lower(at) {
        "he" => false,
        "she" => true,
        _ => return None,
    };
    Some(scene.person_before(at, Some(female), SENTENCES_BACK_MAX).map_or(Who::Unnamed, Who::Named))
}

/// "the attorney general": who bears the office in this text; a spokesman bears none.
fn role(scene: &Scene<'_>, at: usize) -> Option<Who> {
    let page = scene.page;
    let lower = page.lower(at);
    if matches!(
        lower,
        "spokesman"
            | "spokeswoman"
            | "spokesperson"
            | "official"
            | "officials"
            | "source"
            | "sources"
            | "report"
            | "statement"
            | "letter"
            | "police"
            | "critics"
            | "experts"
            | "lawmakers"
            | "witnesses"
            | "people"
            | "lawyers"
            | "residents"
    ) {
        return Some(Who::Unnamed);
    }
    if !page.has(at, ROLE_NOUN | TITLE) || page.has(at + 1, TITLE | ROLE_NOUN) && page.capital(at + 1) {
        return None;
    }
    let mut from = at;
    while from > 0
        && page.has(from - 1, TITLE | crate::pipeline::entity::TITLE_PART)
        && page.same_line(from - 1, at)
    {
        from -= 1;
    }
    // "a Tide Board lawyer": the body only describes somebody.
    let indefinite = |at: usize| matches!(page.lower(at), "a" | "an" | "one" | "another");
    let mut body = from;
    while body > 1
        && from - body < BODY_TOKENS_MAX
        && page.same_line(body - 1, at)
        && page.capital(body - 1)
        && !indefinite(body - 1)
    {
        body -= 1;
    }
    if body < from && !page.capital(at) && body.checked_sub(1).is_some_and(indefinite) {
        return Some(Who::Unnamed);
    }
    let article = from.checked_sub(1).map(|before| page.lower(before));
    match article {
        Some("the") => {
            let office = page.phrase(from, at + 1).to_lowercase();
            Some(scene.bearer(&office).map_or(Who::Unnamed, Who::Named))
        }
        Some("a" | "an" | "one" | "another" | "his" | "her" | "their") => Some(Who::Unnamed),
        _ => None,
    }
}

/// A quote that opens a paragraph goes on from the paragraph before.
fn opening(scene: &Scene<'_>, from: usize, last: Option<(u32, usize)>) -> Option<Who> {
    let page = scene.page;
    let here = scene.line(from);
    let mut first = from;
    while first > 0 && scene.line(first - 1) == here {
        first -= 1;
    }
    if from > first + 1 || first == scene.first {
        return None;
    }
    let previous = scene.line(first - 1);
    if let Some((_, who)) = last.filter(|(line, _)| *line == previous) {
        return Some(Who::Named(who));
    }
    let mut start = first;
    while start > 0 && scene.line(start - 1) == previous {
        start -= 1;
    }
    let speaks = (start..first).any(|at| page.has(at, SAID) && !page.capital(at));
    let mut mentions =
        (start..first).filter(|at| !scene.is_inside(*at)).filter_map(|at| scene.mention_from(at));
    let person = mentions.find(|mention| {
        scene.kind(mention.entity) == Some(EntityKind::Person) && scene.may_be_subject(mention)
    });
    person.filter(|_| speaks).map(|mention| Who::Named(mention.entity))
}

/// The first person of the sentence that the quote is a part of.
fn in_sentence(scene: &Scene<'_>, from: usize) -> Option<Who> {
    let sentence = scene.sentence(from);
    let mut first = from;
    while first > 0 && scene.sentence(first - 1) == sentence && from - first < SUBJECT_TOKENS_MAX * 2 {
        first -= 1;
    }
    let mut organisations = (first..from).filter_map(|at| scene.mention_from(at));
    let person = organisations
        .find(|mention| {
            scene.kind(mention.entity) == Some(EntityKind::Person) && scene.may_be_subject(mention)
        })
        .map(|mention| Who::Named(mention.entity));
    person.or_else(|| (first..from).filter(|at| !scene.is_inside(*at)).find_map(|at| pronoun(scene, at)))
}

/// "the Norwegian said": one person, by where he is from.
fn described(scene: &Scene<'_>, at: usize, verb: usize) -> bool {
    let page = scene.page;
    page.has(at, DEMONYM)
        && page.before(at).is_some_and(|article| page.lower(article) == "the")
        && (at + 1..verb).all(|between| adverbial(page.lower(between)))
}

/// The noun before the marks says that a work's title follows.
fn is_named_work(scene: &Scene<'_>, from: usize) -> bool {
    from.checked_sub(2).is_some_and(|at| {
        matches!(
            scene.page.lower(at),
            "series"
                | "film"
                | "movie"
                | "book"
                | "novel"
                | "song"
                | "album"
                | "musical"
                | "single"
                | "memoir"
                | "comedy"
                | "drama"
                | "documentary"
                | "play"
                | "show"
                | "thriller"
                | "hit"
        )
    })
}

/// A title of a book or film: capitals throughout, and nobody says it.
fn looks_like_a_work(scene: &Scene<'_>, from: usize, to: usize) -> bool {
    let page = scene.page;
    let words = || (from..to).filter(|at| !page.is(*at, crate::pipeline::entity::MARK));
    let small = words().filter(|at| !page.capital(*at)).count();
    let all = words().count();
    all <= 8 && small * 3 <= all && (all > 1 || small == 0)
}

fn so_called(scene: &Scene<'_>, from: usize) -> bool {
    from.checked_sub(2)
        .is_some_and(|at| matches!(scene.page.lower(at), "so-called" | "nicknamed" | "titled" | "entitled"))
}
