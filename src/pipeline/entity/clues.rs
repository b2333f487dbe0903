//! What the model is asked about a word: features, hashed into the rows of its table. The program that trains the model
//! and the tagger ask the same questions here.

use super::{
    gate::{connects, digits, is_formal, live, particle_before},
    lexicon::{FixedMap, PHRASE_WORDS_MAX, Phrase, hash, joined},
    listed::phrase_at,
    model::{Clusters, NO_CLUSTER, TABLE_BITS},
    page::{HEADING, Page, SHOUTED, START},
    token::{CAPITAL, GLUED, UPPER},
};

/// Small words between two capitalised ones that may belong to a name with them, at most.
const CONNECTORS_MAX: usize = 3;

/// Words to both sides that tell something of a word.
const REACH: usize = 3;

/// Where a word stands seen from the word that is asked about.
pub(super) const SLOTS: usize = 2 * REACH + 1;

/// The slot of the word itself.
const HERE: usize = REACH;

/// Different spellings in one article at most; words beyond are asked about without their neighbours.
const FORMS_MAX: usize = 60_000;

/// A word as it is spelt.
#[derive(Clone, Copy, Debug)]
struct Form {
    /// A token with it.
    at: usize,
    /// Hash of the spelling.
    exact: u64,
    /// Hash of the lower-cased word.
    id: u64,
    /// Its letters by kind.
    shape: u64,
    clusters: u32,
    class: u32,
}

/// Capitalised words side by side.
#[derive(Clone, Copy, Debug)]
struct Run {
    from: usize,
    to: usize,
}

/// An article laid out for the questions.
pub(super) struct Clues<'p, 'a> {
    page: &'p Page<'a>,
    clusters: &'p Clusters,
    forms: Vec<Form>,
    /// For each token one more than the place of its form; 0 where no question needs it.
    form_of: Vec<u16>,
    runs: Vec<Run>,
    /// For each token one more than the place of its run.
    run_of: Vec<u16>,
    /// Tokens that could be part of a name, in chains of neighbours.
    pub(super) chains: Vec<(usize, usize)>,
}

/// How often the first pass saw a word as what, over the article.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Vote {
    /// Outside names, persons, organisations, places.
    pub(super) counts: [u16; 4],
    /// Words of the longest name that had it.
    pub(super) longest: u16,
}

/// The numbers of the templates; a new one gets a new number.
mod template {
    pub(super) const BIAS: u64 = 1;
    pub(super) const EXACT: u64 = 2;
    pub(super) const LOWER: u64 = 3;
    pub(super) const SHAPE: u64 = 4;
    pub(super) const PREFIX: u64 = 5;
    pub(super) const SUFFIX: u64 = 10;
    pub(super) const CLUSTER: u64 = 15;
    pub(super) const CLUSTER_SHAPE: u64 = 20;
    pub(super) const PLACES: u64 = 21;
    pub(super) const LISTS: u64 = 22;
    pub(super) const PLACES_SHAPE: u64 = 23;
    pub(super) const START_SHAPE: u64 = 30;
    pub(super) const START_EXACT: u64 = 31;
    pub(super) const GLUED_SHAPE: u64 = 33;
    pub(super) const START_SMALL: u64 = 34;
    pub(super) const PAIR: u64 = 40;
    pub(super) const PHRASE: u64 = 50;
    pub(super) const RUN: u64 = 60;
    pub(super) const VOTE: u64 = 80;
    /// Slots are this far apart.
    pub(super) const SLOT: u64 = 128;
}

#[expect(clippy::cast_possible_truncation, reason = "both halves of the product are folded into one")]
fn feature(template: u64, value: u64) -> u32 {
    let keyed = value ^ template.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let product = u128::from(keyed) * u128::from(0xd6e8_feb8_6659_fd93_u64);
    let folded = (product >> 64) as u64 ^ product as u64;
    (folded >> (64 - TABLE_BITS)) as u32
}

fn both(one: u64, other: u64) -> u64 {
    joined(one, other)
}

/// Places and personal names of the gazetteer.
const GAZETTEER: u32 = (1 << 9) - 1;

/// The closed lists.
const LISTED: u32 = !GAZETTEER & ((1 << 28) - 1);

impl<'p, 'a> Clues<'p, 'a> {
    /// Lays out an article.
    pub(super) fn new(page: &'p Page<'a>, clusters: &'p Clusters) -> Self {
        let mut clues = Self {
            page,
            clusters,
            forms: Vec::new(),
            form_of: vec![0; page.tokens.len()],
            runs: Vec::with_capacity(page.capitals.len()),
            run_of: vec![0; page.tokens.len()],
            chains: Vec::with_capacity(page.capitals.len()),
        };
        clues.find_runs();
        clues.find_chains();
        clues.find_forms();
        clues
    }

    fn find_runs(&mut self) {
        let page = self.page;
        let mut rest = page.capitals.as_slice();
        while let Some(first) = rest.first().copied() {
            let same = |(offset, at): (usize, &usize)| *at == first + offset && page.same_line(first, *at);
            let length = rest.iter().enumerate().take_while(|pair| same(*pair)).count().max(1);
            rest = rest.get(length..).unwrap_or(&[]);
            let run = Run { from: first, to: first + length };
            self.runs.push(run);
            let number = u16::try_from(self.runs.len()).unwrap_or(0);
            self.run_of.iter_mut().skip(first).take(length).for_each(|of| *of = number);
        }
    }

    /// Chains of tokens that could be part of a name: with a capital, digits beside one, and a few small words between
    /// two. A line that does not begin with a capital is one chain: capitals tell nothing there.
    fn find_chains(&mut self) {
        let page = self.page;
        let mut at = 0;
        let mut line_from = 0;
        while line_from < page.tokens.len() {
            let mut line_to = line_from + 1;
            while page.same_line(line_from, line_to) {
                line_to += 1;
            }
            at = at.max(line_from);
            if !is_formal(page, line_from, line_to) {
                self.chains.push((line_from, line_to));
                line_from = line_to;
                continue;
            }
            while at < line_to {
                if !live(page, at) {
                    at += 1;
                    continue;
                }
                let mut from = at;
                if from > line_from
                    && digits(page, from - 1)
                    && self.chains.last().is_none_or(|(_, end)| *end < from)
                {
                    from -= 1;
                }
                if particle_before(page, at) && self.chains.last().is_none_or(|(_, end)| *end <= at - 2) {
                    from = at - 2;
                }
                let mut to = at + 1;
                loop {
                    if to < line_to && (live(page, to) || digits(page, to)) {
                        to += 1;
                        continue;
                    }
                    let next = (to..line_to.min(to + CONNECTORS_MAX + 1)).find(|next| !connects(page, *next));
                    match next {
                        Some(next) if next > to && live(page, next) => to = next + 1,
                        _ => break,
                    }
                }
                self.chains.push((from, to));
                at = to;
            }
            line_from = line_to;
        }
    }

    /// The spellings of all words that a question is about, or that stand near one.
    fn find_forms(&mut self) {
        let mut table: FixedMap<u64, u16> = FixedMap::default();
        table.reserve(512);
        let mut next = 0;
        for chain in 0..self.chains.len() {
            let Some((from, to)) = self.chains.get(chain).copied() else { break };
            for at in from.saturating_sub(REACH).max(next)..(to + REACH).min(self.page.tokens.len()) {
                let Some(token) = self.page.token(at) else { break };
                let exact = hash(token.text);
                let number = *table.entry(exact).or_insert_with(|| {
                    if self.forms.len() < FORMS_MAX {
                        self.forms.push(form(self.page, self.clusters, at, exact));
                    }
                    u16::try_from(self.forms.len()).unwrap_or(0)
                });
                if let Some(of) = self.form_of.get_mut(at) {
                    *of = number;
                }
            }
            next = to;
        }
    }

    /// How many spellings there are.
    pub(super) fn forms(&self) -> usize {
        self.forms.len()
    }

    /// How many runs there are.
    pub(super) fn runs(&self) -> usize {
        self.runs.len()
    }

    /// The spelling that stands in a slot of the token; `None` past the ends of the line.
    pub(super) fn form_at(&self, at: usize, slot: usize) -> Option<usize> {
        let there = (at + slot).checked_sub(HERE)?;
        if slot != HERE && !self.page.same_line(at, there) {
            return None;
        }
        usize::from(self.form_of.get(there).copied()?).checked_sub(1)
    }

    /// The run that has the token.
    pub(super) fn run_at(&self, at: usize) -> Option<usize> {
        usize::from(self.run_of.get(at).copied()?).checked_sub(1)
    }

    /// What a spelling tells in a slot, whatever stands beside it.
    pub(super) fn of_form(&self, form: usize, slot: usize, out: &mut Vec<u32>) {
        let Some(form) = self.forms.get(form) else { return };
        let base = slot as u64 * template::SLOT;
        let mut add = |template: u64, value: u64| out.push(feature(base + template, value));
        let clusters = Clusters::parts(form.clusters);
        let places = u64::from(form.class & GAZETTEER);
        let lists = u64::from(form.class & LISTED);
        let distance = slot.abs_diff(HERE);
        add(template::LOWER, form.id);
        if distance == REACH {
            return;
        }
        add(template::SHAPE, form.shape);
        let levels = if distance == 2 { 3 } else { 4 };
        for (level, cluster) in clusters.into_iter().enumerate().take(levels) {
            add(template::CLUSTER + level as u64, u64::from(cluster));
        }
        if distance == 2 {
            return;
        }
        add(template::PLACES, places);
        add(template::LISTS, lists);
        let lower = self.page.lower(form.at).as_bytes();
        if distance == 1 {
            add(template::SUFFIX + 3, packed(tail(lower, 3)));
            return;
        }
        add(template::BIAS, 0);
        add(template::EXACT, form.exact);
        for length in 1..=4 {
            add(template::PREFIX + length as u64, packed(lower.get(..length).unwrap_or(lower)));
            add(template::SUFFIX + length as u64, packed(tail(lower, length)));
        }
        let [_, cluster, ..] = clusters;
        add(template::CLUSTER_SHAPE, both(form.shape, u64::from(cluster)));
        add(template::PLACES_SHAPE, both(form.shape, places));
    }

    /// What the run tells of each of its tokens.
    pub(super) fn of_run(&self, run: usize, out: &mut Vec<u32>) {
        let Some(Run { from, to }) = self.runs.get(run).copied() else { return };
        let page = self.page;
        let mut add = |template: u64, value: u64| out.push(feature(template::RUN + template, value));
        let last = to - 1;
        let last_form = self.form_at(last, HERE).and_then(|form| self.forms.get(form));
        let clusters = last_form.map_or(0, |form| form.clusters);
        let [_, coarse, _, fine] = Clusters::parts(clusters);
        let length = (to - from).min(4) as u64;
        add(0, both(page.id(from).unwrap_or(0), length.min(2)));
        add(1, both(page.id(last).unwrap_or(0), length.min(2)));
        add(2, both(u64::from(coarse), length));
        add(3, both(u64::from(fine), length));
        let before = page.before(from).and_then(|at| page.id(at)).unwrap_or(1);
        let after = if page.same_line(last, to) { page.id(to).unwrap_or(1) } else { 1 };
        add(4, both(before, length));
        add(5, both(after, length));
        let sets = u64::from(page.class(from) & GAZETTEER) << 32 | u64::from(page.class(last) & GAZETTEER);
        add(6, both(sets, length));
        let lists = u64::from(page.class(from) & LISTED) << 32 | u64::from(page.class(last) & LISTED);
        add(7, both(lists, length));
        let cluster = |at: usize| {
            let near = page.same_line(from, at).then(|| self.form_of.get(at)).flatten();
            let form = near.and_then(|form| self.forms.get(usize::from(*form).checked_sub(1)?));
            form.map_or(600, |form| u64::from(Clusters::parts(form.clusters)[2]))
        };
        add(13, both(from.checked_sub(1).map_or(600, cluster), length));
        add(14, both(cluster(to), length));
        // "the town of Venn", "Venn, a maker of".
        add(15, both(both(from.checked_sub(2).map_or(600, cluster), before), length));
        add(16, both(both(after, cluster(to + 1)), both(cluster(to + 2), length)));
        if length > 1 {
            let whole = (from..to.min(from + 8)).map(|at| page.id(at).unwrap_or(0)).fold(0, both);
            add(17, whole);
            add(18, both(cluster(from), cluster(last)));
        }
    }

    /// What only this place tells.
    pub(super) fn of_place(&self, at: usize, out: &mut Vec<u32>) {
        let page = self.page;
        let Some(form) = self.form_at(at, HERE).and_then(|form| self.forms.get(form)) else { return };
        let mut add = |template: u64, value: u64| out.push(feature(template, value));
        let start = u64::from(page.stands(at, START));
        let line = u64::from(page.stands(at, HEADING)) << 1 | u64::from(page.stands(at, SHOUTED));
        let word = page.word(at);
        add(template::START_SHAPE, both(form.shape, start << 2 | line));
        if start == 1 {
            add(template::START_EXACT, form.exact);
        }
        add(
            template::START_SMALL,
            start << 8 | line << 6 | u64::from(word.small.min(2)) << 2 | u64::from(word.capital.min(3)),
        );
        let glued = u64::from(page.is(at, GLUED)) << 1 | u64::from(page.is(at + 1, GLUED));
        add(template::GLUED_SHAPE, both(form.shape, glued));
        let near = |slot: usize| self.form_at(at, slot).and_then(|form| self.forms.get(form));
        let id = |form: Option<&Form>| form.map_or(3, |form| form.id);
        let shape = |form: Option<&Form>| form.map_or(3, |form| form.shape);
        let (before, after) = (near(HERE - 1), near(HERE + 1));
        add(template::PAIR, both(id(before), form.id));
        add(template::PAIR + 1, both(form.id, id(after)));
        add(template::PAIR + 2, both(both(shape(before), form.shape), shape(after)));
        add(template::PAIR + 3, both(id(before), form.shape));
        add(template::PAIR + 4, both(id(after), form.shape));
        add(template::PAIR + 5, both(both(id(near(HERE - 2)), id(before)), form.shape));
        add(template::PAIR + 6, both(both(id(near(HERE + 2)), id(after)), form.shape));
        let coarse =
            |form: Option<&Form>| form.map_or(200, |form| u64::from(Clusters::parts(form.clusters)[1]));
        add(template::PAIR + 7, coarse(before) << 8 | coarse(Some(form)));
        add(template::PAIR + 8, coarse(Some(form)) << 8 | coarse(after));
        if let Some(Run { from, to }) = self.run_at(at).and_then(|run| self.runs.get(run)).copied() {
            let (left, right) = ((at - from).min(4) as u64, (to - 1 - at).min(4) as u64);
            add(template::RUN + 10, left << 3 | right);
            add(template::RUN + 11, both(packed(tail(page.lower(to - 1).as_bytes(), 3)), right));
            add(template::RUN + 12, both(u64::from(page.class(from) & GAZETTEER), left << 3 | right));
        }
    }

    /// What the lists of phrases say of the tokens of a chain: for each its place in the longest phrase.
    pub(super) fn of_phrases(&self, chain: (usize, usize), each: &mut impl FnMut(usize, u32)) {
        let page = self.page;
        let mut at = chain.0;
        while at < chain.1 {
            let Some((end, phrase)) = phrase_at(page, at).filter(|_| page.capital(at)) else {
                at += 1;
                continue;
            };
            let kind = u64::from(phrase == Phrase::Org);
            for (place, token) in (at..end.min(at + PHRASE_WORDS_MAX)).enumerate() {
                let part = u64::from(place > 0) << 1 | u64::from(token + 1 == end);
                each(token, feature(template::PHRASE, kind << 2 | part));
            }
            at = end;
        }
    }

    /// What the first pass said of the word over the article, in a slot at most one away.
    pub(super) fn of_votes(&self, form: usize, slot: usize, votes: &[Vote], out: &mut Vec<u32>) {
        let Some(form) = self.forms.get(form) else { return };
        let Some(vote) = votes.get(self.page.slot(form.at)) else { return };
        let all: u16 = vote.counts.iter().fold(0, |all, count| all.saturating_add(*count));
        let base = slot as u64 * template::SLOT + template::VOTE;
        let most = vote.counts.iter().max().copied().unwrap_or(0);
        if all == 0 {
            out.push(feature(base, 9));
            return;
        }
        let label = vote.counts.iter().position(|count| *count == most).unwrap_or(0) as u64;
        let share = if most == all { 2 } else { u64::from(u32::from(most) * 3 >= u32::from(all) * 2) };
        out.push(feature(base, label));
        out.push(feature(base + 1, label << 2 | share));
        out.push(feature(base + 2, label << 8 | u64::from(all.min(4)) << 4 | u64::from(vote.longest.min(3))));
    }
}

fn form(page: &Page<'_>, clusters: &Clusters, at: usize, exact: u64) -> Form {
    let text = page.text(at);
    let id = page.id(at).unwrap_or(exact);
    let shouted = text.len() > 1 && page.is(at, CAPITAL);
    let mut found = NO_CLUSTER;
    if !(shouted && page.stands(at, SHOUTED)) {
        found = clusters.of(exact);
    }
    if found == NO_CLUSTER && shouted && (page.stands(at, SHOUTED) || page.is(at, UPPER)) {
        found = clusters.of(hash(&titled(page.lower(at))));
    }
    Form { at, exact, id, shape: shape(text), clusters: found, class: page.class(at) }
}

fn titled(lower: &str) -> String {
    let mut letters = lower.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The kinds of the letters, runs cut at two.
fn shape(text: &str) -> u64 {
    let (mut shape, mut last, mut same) = (0_u64, 0_u64, 0);
    for letter in text.chars().take(24) {
        let kind = match letter {
            'a'..='z' => 1,
            'A'..='Z' => 2,
            '0'..='9' => 3,
            '.' => 4,
            '-' => 5,
            '\'' | '’' => 6,
            _ if letter.is_uppercase() => 2,
            _ if letter.is_alphabetic() => 1,
            _ => 7,
        };
        same = if kind == last { same + 1 } else { 1 };
        last = kind;
        if same <= 2 {
            shape = shape << 3 | kind;
        }
    }
    shape
}

fn tail(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(bytes.len().saturating_sub(length)..).unwrap_or(bytes)
}

/// Up to four bytes and their number.
fn packed(bytes: &[u8]) -> u64 {
    bytes.iter().fold(bytes.len() as u64, |all, byte| all << 8 | u64::from(*byte))
}
