//! Quote drift: the same statement as each outlet words it. Statements are aligned word by word and tied where enough
//! of the shorter one stands in the other, in order. Pure; the constants were fitted on 336 labelled quotes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
};

use super::cast::{Cast, Speakers};
use crate::pipeline::{
    novel,
    story::{
        common_idf,
        terms::{
            self,
            words::{Reader, tokens},
        },
    },
};

/// A statement as one article quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Whose words they are said to be.
    pub speaker: Option<&'a str>,
    /// Who quotes them. Statements of one outlet are not tied to each other.
    pub outlet: &'a str,
    /// The words.
    pub text: &'a str,
    /// BCP 47 primary subtag of the article.
    pub language: Option<&'a str>,
}

/// Statements that give the same words, or part of them, as places in the list that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name that most of them give.
    pub speaker: Option<String>,
    /// In order.
    pub statements: Vec<usize>,
}

/// Most statements that are compared; of more, the first.
const STATEMENTS_MAX: usize = 2_000;
/// Most words of one clause that are aligned.
const CLAUSE_WORDS_MAX: usize = 120;
/// Most clauses of one statement that are aligned one by one.
const CLAUSES_MAX: usize = 24;
/// Weight of a word without a meaning of its own; others have their inverse document frequency.
const STOP_WEIGHT: f32 = 1.5;
/// Words that stand in more statements than this find no candidates: everybody says them.
const COMMON_STATEMENTS: usize = 200;
/// Of those before it that have the word, a statement is compared with so many of the first, and with so many of the
/// last: what everybody quotes is tied through these.
const OLDEST_MAX: usize = 12;
const LATEST_MAX: usize = 20;
/// Characters of one statement that are read.
const STATEMENT_CHARS_MAX: usize = 2_000;
/// Pairs of words that are compared in all; the pairs of statements that share most come first.
const COMPARED_MAX: usize = 200_000_000;

/// Of one speaker: shared weight as a part of the shorter clause, with two words that mean something,
const SAME_SHARE: f32 = 0.62;
/// or with so many words in all, where half is enough.
const SAME_LONG_WORDS: u32 = 7;
const SAME_LONG_SHARE: f32 = 0.5;
/// and this much weight shared.
const SAME_WEIGHT: f32 = 4.0;
/// Where a speaker is not known.
const UNKNOWN_SHARE: f32 = 0.6;
const UNKNOWN_WORDS: u32 = 4;
const UNKNOWN_WEIGHT: f32 = 8.0;
/// A speaker not known, but all of the shorter one is in the other.
const UNKNOWN_WHOLE_WORDS: u32 = 3;
/// The same without a gap: so many words, of which so many mean something,
const UNKNOWN_RUN_WORDS: usize = 2;
const UNKNOWN_RUN_MEANS: usize = 2;
/// or one does, where the other is hardly longer.
const UNKNOWN_LONGER_MAX: usize = 1;
/// Where the texts name two speakers, one of them wrongly.
const OTHER_SHARE: f32 = 0.9;
const OTHER_WORDS: u32 = 6;
const OTHER_WEIGHT: f32 = 15.0;
/// or where half is the same in a long one.
const OTHER_LONG_SHARE: f32 = 0.5;
const OTHER_LONG_WORDS: u32 = 10;
const OTHER_LONG_WEIGHT: f32 = 25.0;
/// All of it, but for rounding.
const WHOLE: f32 = 0.99;
/// Title case in so many words is a name or a heading, not a statement.
const TERM_WORDS_MAX: usize = 5;

/// The groups of statements that stand in two outlets or more, in the order of their first statement. `cast` is who the
/// story names.
pub fn groups(statements: &[Statement<'_>], cast: &Cast<'_>) -> Vec<Group> {
    let read: Vec<Read> = statements.iter().take(STATEMENTS_MAX).map(Read::new).collect();
    let mut ties = Ties((0..read.len()).collect());
    let pairs = candidates(&read);
    let mut known = BTreeMap::new();
    // Who says a thing according to one outlet, and who according to another: one of them is wrong, there and elsewhere.
    let mut mistaken = BTreeSet::new();
    let mut compared = 0;
    for round in [Round::First, Round::Mistaken] {
        for (a, b) in &pairs {
            let (Some(one), Some(other), Some(left), Some(right)) =
                (statements.get(*a), statements.get(*b), read.get(*a), read.get(*b))
            else {
                continue;
            };
            if one.outlet == other.outlet || ties.root(*a) == ties.root(*b) {
                continue;
            }
            let names = (one.speaker, other.speaker);
            let mut speakers = *known.entry(names).or_insert_with(|| cast.speakers(names.0, names.1));
            if round == Round::Mistaken {
                let one_is = mistaken.contains(&(one.outlet, one.speaker, other.speaker));
                if speakers != Speakers::Other
                    || !one_is && !mistaken.contains(&(other.outlet, other.speaker, one.speaker))
                {
                    continue;
                }
                speakers = Speakers::Unknown;
            }
            compared += left.size() * right.size();
            if compared > COMPARED_MAX {
                break;
            }
            if left.clauses.iter().any(|a| right.clauses.iter().any(|b| tied(speakers, a, b))) {
                ties.tie(*a, *b);
                if speakers == Speakers::Other {
                    mistaken.insert((one.outlet, one.speaker, other.speaker));
                    mistaken.insert((other.outlet, other.speaker, one.speaker));
                }
            }
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for place in 0..read.len() {
        groups.entry(ties.root(place)).or_default().push(place);
    }
    let outlet = |place: &usize| statements.get(*place).map(|statement| statement.outlet);
    let said = |place: &usize| statements.get(*place).and_then(|one| Some((one.speaker?, one.outlet)));
    let mut groups: Vec<Group> = groups
        .into_values()
        .filter(|group| group.iter().any(|place| outlet(place) != group.first().and_then(outlet)))
        .map(|group| Group { speaker: cast.speaker(group.iter().filter_map(said)), statements: group })
        .collect();
    groups.sort_by_key(|group| group.statements.first().copied());
    groups
}

/// Pairs are gone through twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    First,
    /// Those by different speakers, one of whom is known by now to be named wrongly.
    Mistaken,
}

/// A word as it is compared.
#[derive(Clone, Copy, PartialEq)]
struct Word {
    hash: u64,
    weight: f32,
    means: bool,
}

/// A statement, read.
struct Read {
    /// The whole, and, where it has several, each of its clauses.
    clauses: Vec<Vec<Word>>,
}

impl Read {
    fn new(statement: &Statement<'_>) -> Self {
        let reader = &mut Reader::new(statement.language.unwrap_or("en"));
        if is_term(statement, reader) {
            return Self { clauses: Vec::new() };
        }
        let end = statement.text.char_indices().nth(STATEMENT_CHARS_MAX).map(|(end, _)| end);
        let text = statement.text.get(..end.unwrap_or(statement.text.len())).unwrap_or_default();
        let mut clauses = vec![words(text, reader)];
        let parts: Vec<&str> = novel::sentences(text)
            .into_iter()
            .flat_map(|sentence| sentence.split_inclusive(['…', '—', '–', ';']))
            .collect();
        if parts.len() > 1 {
            clauses.extend(parts.into_iter().take(CLAUSES_MAX).map(|part| words(part, reader)));
        }
        clauses.retain(|clause| !clause.is_empty());
        Self { clauses }
    }

    fn size(&self) -> usize {
        self.clauses.iter().map(Vec::len).sum()
    }
}

/// The words of a clause, without those that it quotes itself, which are not the speaker's own.
fn words(text: &str, reader: &mut Reader) -> Vec<Word> {
    let mut words = Vec::new();
    let all = tokens(text, STATEMENT_CHARS_MAX);
    let inner = inner_quotes(text);
    let place = |word: &str| word.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
    let is_own = |word: &str| !inner.iter().any(|inner| inner.contains(&place(word)));
    let quotes_alone = !all.iter().any(|token| is_own(token.word));
    for token in all.iter().filter(|token| quotes_alone || is_own(token.word)) {
        let bare = reader.bare(token.word).to_owned();
        // "didn't" is "did not", "I'm" is "I am": which of them is printed is the outlet's style
        let (stem, tail) = match bare.split_once('\'') {
            Some((stem, "t")) if stem.ends_with('n') => (stem.strip_suffix('n').unwrap_or(stem), Some("not")),
            Some((stem, "m" | "ve" | "re" | "ll" | "d")) => (stem, None),
            _ => (bare.as_str(), None),
        };
        for part in [Some(stem), tail].into_iter().flatten().filter(|part| !part.is_empty()) {
            let term = terms::term(part, reader);
            words.push(match reader.stemmed(part, 0).zip(term) {
                Some((hash, term)) => Word { hash, weight: common_idf(term), means: true },
                None => Word { hash: terms::hash(part, 0), weight: STOP_WEIGHT, means: false },
            });
        }
    }
    words.truncate(CLAUSE_WORDS_MAX);
    words
}

/// Where, in bytes, words stand between single marks.
fn inner_quotes(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut opened = None;
    let mut before = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let word_follows = next.is_some_and(char::is_alphanumeric);
        let opens = matches!(char, '\'' | '‘') && !before.is_some_and(char::is_alphanumeric) && word_follows;
        match opened {
            // An apostrophe within a word is none of the marks.
            Some(start) if matches!(char, '\'' | '’') && !word_follows => {
                found.push(start..at);
                opened = None;
            }
            None if opens => opened = Some(at),
            _ => {}
        }
        before = Some(char);
    }
    found
}

/// A name or a heading in quotation marks: every word that means something begins with a capital.
fn is_term(statement: &Statement<'_>, reader: &mut Reader) -> bool {
    let words = tokens(statement.text, STATEMENT_CHARS_MAX);
    let capital = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
    let capitals = words.iter().filter(|token| capital(token.word)).count();
    (statement.speaker.is_none() || words.len() <= TERM_WORDS_MAX)
        && capitals >= 2
        && words.iter().all(|token| capital(token.word) || terms::term(token.word, reader).is_none())
}

/// Pairs that share a word which not everybody says, those that share most first.
fn candidates(read: &[Read]) -> Vec<(usize, usize)> {
    let mut holders: HashMap<u64, Vec<usize>, terms::FixedState> = HashMap::default();
    for (place, statement) in read.iter().enumerate() {
        let Some(whole) = statement.clauses.first() else { continue };
        // A statement of small words alone is looked for by those.
        let by_all = !whole.iter().any(|word| word.means);
        for word in whole.iter().filter(|word| by_all || word.means) {
            let holding = holders.entry(word.hash).or_default();
            if holding.last() != Some(&place) {
                holding.push(place);
            }
        }
    }
    // A pair once for each word that it shares: sorted, those of one pair stand together.
    let mut shared: Vec<(usize, usize)> = Vec::new();
    for holding in holders.values().filter(|holding| holding.len() <= COMMON_STATEMENTS) {
        for (rank, b) in holding.iter().enumerate() {
            let (oldest, latest) = (rank.min(OLDEST_MAX), rank.saturating_sub(LATEST_MAX));
            let others = (0..oldest).chain(latest.max(oldest)..rank);
            shared.extend(others.filter_map(|other| Some((*holding.get(other)?, *b))));
        }
    }
    shared.sort_unstable();
    let pairs = shared.chunk_by(|a, b| a == b).filter_map(|same| Some((*same.first()?, same.len())));
    let mut pairs: Vec<((usize, usize), usize)> = pairs.collect();
    pairs.sort_unstable_by_key(|(pair, words)| (std::cmp::Reverse(*words), *pair));
    pairs.into_iter().map(|(pair, _)| pair).collect()
}

fn tied(speakers: Speakers, a: &[Word], b: &[Word]) -> bool {
    let shared = align(a, b);
    let weight = |clause: &[Word]| clause.iter().map(|word| word.weight).sum::<f32>();
    let share = shared.weight / weight(a).min(weight(b));
    match speakers {
        Speakers::Same => {
            let enough = share >= SAME_SHARE || (shared.words >= SAME_LONG_WORDS && share >= SAME_LONG_SHARE);
            (enough && shared.means >= 2 && shared.weight >= SAME_WEIGHT)
                || (share >= WHOLE && shared.words >= 2)
                || a == b
        }
        Speakers::Unknown => {
            (share >= UNKNOWN_SHARE
                && shared.words >= UNKNOWN_WORDS
                && shared.means >= 2
                && shared.weight >= UNKNOWN_WEIGHT)
                || (share >= WHOLE && (shared.words >= UNKNOWN_WHOLE_WORDS || stands_in(a, b)))
        }
        Speakers::Other => {
            (share >= OTHER_SHARE && shared.words >= OTHER_WORDS && shared.weight >= OTHER_WEIGHT)
                || (share >= OTHER_LONG_SHARE
                    && shared.words >= OTHER_LONG_WORDS
                    && shared.weight >= OTHER_LONG_WEIGHT)
        }
    }
}

/// Whether the shorter clause stands in the other as it is, and says something.
fn stands_in(a: &[Word], b: &[Word]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let means = short.iter().filter(|word| word.means).count();
    let enough = means >= UNKNOWN_RUN_MEANS || (means > 0 && long.len() - short.len() <= UNKNOWN_LONGER_MAX);
    enough && short.len() >= UNKNOWN_RUN_WORDS && long.windows(short.len()).any(|window| window == short)
}

/// What two clauses share, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Shared {
    weight: f32,
    words: u32,
    means: u32,
}

/// The heaviest common subsequence.
fn align(a: &[Word], b: &[Word]) -> Shared {
    let mut above = vec![Shared::default(); b.len() + 1];
    let mut row = above.clone();
    for one in a {
        let mut left = Shared::default();
        let mut corner = Shared::default();
        for ((other, cell), over) in b.iter().zip(row.iter_mut().skip(1)).zip(above.iter().skip(1)) {
            let mut best = if over.weight > left.weight { *over } else { left };
            if one.hash == other.hash && corner.weight + one.weight > best.weight {
                best = Shared {
                    weight: corner.weight + one.weight,
                    words: corner.words + 1,
                    means: corner.means + u32::from(one.means),
                };
            }
            corner = *over;
            left = best;
            *cell = best;
        }
        std::mem::swap(&mut above, &mut row);
    }
    above.last().copied().unwrap_or_default()
}

/// Which places belong together.
struct Ties(Vec<usize>);

impl Ties {
    fn root(&mut self, place: usize) -> usize {
        let mut root = place;
        while let Some(&up) = self.0.get(root).filter(|up| **up != root) {
            root = up;
        }
        if let Some(slot) = self.0.get_mut(place) {
            *slot = root;
        }
        root
    }

    /// The smaller place becomes the root, so that the order of ties makes no difference.
    fn tie(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if let Some(slot) = self.0.get_mut(a.max(b)) {
            *slot = a.min(b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouped(statements: &[(&str, Option<&str>, &str)]) -> Vec<Vec<usize>> {
        let statements: Vec<_> = statements
            .iter()
            .map(|(outlet, speaker, text)| Statement { speaker: *speaker, outlet, text, language: None })
            .collect();
        groups(&statements, &Cast::default()).into_iter().map(|group| group.statements).collect()
    }

    const ORVIK: Option<&str> = Some("Lena Orvik");

    #[test]
    fn one_statement_in_other_words_is_one_group() {
        let groups = grouped(&[
            ("gull", ORVIK, "I did not have any dealings with the shipyard,"),
            ("tern", Some("Orvik"), "I haven't had dealings with that shipyard"),
            ("heron", ORVIK, "The harbour will open again on Friday."),
        ]);
        assert_eq!(groups, [vec![0, 1]]);
    }

    #[test]
    fn a_part_belongs_to_the_whole() {
        let groups = grouped(&[
            ("gull", ORVIK, "The bolts were old. Nobody looked at the rudder for eleven years."),
            ("tern", ORVIK, "Nobody looked at the rudder"),
            ("heron", ORVIK, "bolts were old"),
        ]);
        assert_eq!(groups, [vec![0, 1, 2]]);
    }

    #[test]
    fn other_people_say_other_things() {
        let words = "safety means safety for everyone";
        assert!(grouped(&[("gull", ORVIK, words), ("tern", Some("Ole Brandt"), words)]).is_empty());
        let long =
            "the inspectors examined seventeen cracked rudder bolts beneath the ferry's engine compartment";
        assert_eq!(grouped(&[("gull", ORVIK, long), ("tern", Some("Ole Brandt"), long)]), [vec![0, 1]]);
    }

    #[test]
    fn what_a_statement_quotes_is_not_its_own() {
        let groups = grouped(&[
            ("gull", ORVIK, "I'm guessing that the yard is short in the 'safe harbour' department, isn't it"),
            ("tern", ORVIK, "short in the ‘safe harbour’ department, isn’t it"),
            ("heron", ORVIK, "safe harbour"),
        ]);
        assert_eq!(groups, [vec![0, 1]]);
        assert!(inner_quotes("the workers' wages and the bosses' own, it's said").is_empty());
    }

    #[test]
    fn names_in_marks_are_no_statements() {
        assert!(grouped(&[("gull", None, "The Long Winter"), ("tern", None, "The Long Winter")]).is_empty());
    }

    #[test]
    fn one_outlet_alone_is_no_drift() {
        let words = "Nobody looked at the rudder";
        assert!(grouped(&[("gull", ORVIK, words), ("gull", ORVIK, words)]).is_empty());
    }

    #[test]
    fn a_few_words_are_the_same_where_no_speaker_is_known() {
        let short =
            ["be scrapped", "must be scrapped", "cracked bolts", "we found cracked bolts in every hull"];
        let groups = grouped(&[
            ("gull", None, short[0]),
            ("tern", None, short[1]),
            ("gull", None, short[2]),
            ("tern", None, short[3]),
            ("heron", None, "the harbour that we know will, in the end, also be one day scrapped"),
        ]);
        assert_eq!(groups, [vec![0, 1], vec![2, 3]]);
    }

    #[test]
    fn who_names_the_wrong_speaker_once_does_so_again() {
        let (long, short) = (
            "the inspectors examined seventeen cracked rudder bolts beneath the ferry's engine compartment",
            "not a job for the night shift",
        );
        let brandt = Some("Ole Brandt");
        assert!(grouped(&[("gull", ORVIK, short), ("tern", brandt, short)]).is_empty());
        let groups = grouped(&[
            ("gull", ORVIK, long),
            ("gull", ORVIK, short),
            ("tern", brandt, long),
            ("tern", brandt, short),
        ]);
        assert_eq!(groups, [vec![0, 2], vec![1, 3]]);
    }

    #[test]
    fn what_a_hundred_outlets_quote_is_one_group() {
        let outlets: Vec<String> = (0..150).map(|number| format!("outlet{number}")).collect();
        let words =
            ["I did not have any dealings with the shipyard,", "I haven't had dealings with that shipyard"];
        let many: Vec<_> =
            outlets.iter().enumerate().map(|(n, outlet)| (outlet.as_str(), ORVIK, words[n % 2])).collect();
        assert_eq!(grouped(&many), [(0..150).collect::<Vec<_>>()]);
    }

    #[test]
    fn many_statements_are_compared_in_time() {
        let long = "word ".repeat(5_000);
        let many: Vec<_> =
            (0..3_000).map(|n| (if n % 2 == 0 { "gull" } else { "tern" }, ORVIK, long.as_str())).collect();
        assert!(grouped(&many).is_empty(), "what everybody says ties nothing");
    }
}
