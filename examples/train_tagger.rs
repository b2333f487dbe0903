//! Fits the model that finds names: `train_tagger FOLDER [TAUGHT]` writes `models/tagger.zst`, the same bytes from the
//! same files, and prints how it does on the sets it was not fitted on: alone, and after the pass over the document. Run
//! it in the project's directory.
//!
//! The folder holds `clusters.tsv.gz` (a word and its clusters among 32, 128, 512 and 2000), `train/*.conll.gz` to fit on
//! and `*.conll` to score: a token, a tab, its tag (PER, ORG, LOC in IOB2), perhaps a tab and `SpaceAfter=No`; an empty
//! line between sentences, `# newdoc` before a document.
//!
//! TAUGHT is a file of JSON lines, another tagger's answers: `{"text", "ents": [[start, end, kind]]}` in characters. They
//! are cleaned by document, and each chain of tokens is drawn in some rounds only. The file that the model in the project was
//! fitted on has the answers of spaCy's `en_core_web_md` 3.8.0 (its tagger `ner` alone; PERSON as PER, ORG, and GPE, LOC
//! and FAC as LOC) over the first 6,000 characters of 6,009 news articles of at least 200 characters, from the collections
//! that `NOTICE` names, in the order in which they stand there.
//!
//! It is an averaged structured perceptron (Collins 2002). The second pass is fitted on what a first pass says of texts
//! that it was not fitted on, else it would trust it too much.

#![expect(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a program for developers, over data they chose"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read as _,
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use storywatch::{
    article::EntityKind,
    pipeline::entity::{
        learn::{self, Decoder, Lesson},
        model::{Clusters, LABELS, Model, ROW},
    },
};

const PACKED: &str = "models/tagger.zst";
const ROUNDS: usize = 6;
/// Rounds of the models that tag what they were not fitted on.
const CROSS_ROUNDS: usize = 3;
/// The mean of so many orders of the chains.
const ORDERS: u64 = 3;
/// In a round a chain that was taught takes part with this probability, in percent.
const TAUGHT_PERCENT: u64 = 30;
/// The right label must be ahead of every other one by so much, or the weights are moved.
const MARGIN: f32 = 80.0;
/// Of 1024 features so many are left out each time, so that no word is learnt by heart.
const LEFT_OUT: u32 = 51;
/// Weights below this are nothing.
const LEAST: f32 = 0.3;

const HALF: usize = ROW / 2;

type Name = (usize, usize, EntityKind);
type Steps<T> = [[T; LABELS]; LABELS];

struct Document {
    text: String,
    /// In bytes, in order.
    names: Vec<Name>,
    taught: bool,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(folder) = arguments.first().map(Path::new) else { bail!("usage: train_tagger FOLDER [TAUGHT]") };
    let clusters = clusters(&folder.join("clusters.tsv.gz"))?;
    let mut documents = sets(&folder.join("train"), ".conll.gz")?;
    if let Some(path) = arguments.get(1) {
        documents.extend(taught(Path::new(path))?);
    }
    println!("{} documents", documents.len());
    let packed = fit(&documents, &clusters)?;
    fs::write(PACKED, &packed).with_context(|| format!("could not write {PACKED}"))?;
    println!("{} bytes", packed.len());
    let model = Model::unpack(&packed)?;
    for path in paths(folder, ".conll")? {
        let documents = read_set(&path)?;
        let [alone, settled] =
            [learn::names, learn::settled].map(|names| 100.0 * score(&documents, &model, names));
        println!("{:40} {alone:.1} {settled:.1}", path.display());
    }
    Ok(())
}

fn fit(documents: &[Document], clusters: &Clusters) -> Result<Vec<u8>> {
    let lessons: Vec<Lesson> =
        documents.iter().map(|one| Lesson::new(&one.text, &one.names, clusters)).collect();
    let all: Vec<usize> = (0..lessons.len()).collect();
    let nothing = vec![Vec::new(); lessons.len()];
    let school = |votes| School { lessons: &lessons, documents, votes };
    let first = school(&nothing).mean(&all, ROUNDS, ORDERS);
    println!("first pass fitted");
    // Each half is tagged by a model of the other one.
    let mut votes = nothing.clone();
    for half in 0..2 {
        let (own, others): (Vec<usize>, Vec<usize>) = all.iter().partition(|at| *at % 2 == half);
        let crossed = school(&nothing).mean(&others, CROSS_ROUNDS, 1);
        for at in own {
            let labels = school(&nothing).tag(&crossed, at);
            votes[at] = learn::votes(&documents[at].text, &labels, clusters);
        }
    }
    let second = school(&votes).mean(&all, ROUNDS, ORDERS);
    println!("second pass fitted");
    let mut rows = vec![[0; ROW]; Model::rows()];
    for (row, (one, two)) in rows.iter_mut().zip(first.rows.iter().zip(&second.rows)) {
        let (left, right) = row.split_at_mut(HALF);
        for (half, weights) in [(left, one), (right, two)] {
            for (kept, weight) in half.iter_mut().zip(weights) {
                *kept = if weight.abs() < LEAST { 0 } else { scaled(*weight) };
            }
        }
    }
    let steps = [&first, &second].map(|weights| weights.steps.map(|row| row.map(scaled)));
    Ok(Model::pack(&steps, clusters, &rows)?)
}

fn scaled(weight: f32) -> i16 {
    (weight * SCALE).round() as i16
}

/// What is to be learnt, with the features that the second pass adds.
struct School<'a> {
    lessons: &'a [Lesson],
    documents: &'a [Document],
    votes: &'a [Vec<Vec<u32>>],
}

#[derive(Clone)]
struct Weights {
    rows: Vec<[f32; HALF]>,
    steps: Steps<f32>,
}

impl Weights {
    fn new() -> Self {
        Self { rows: vec![[0.0; HALF]; Model::rows()], steps: [[0.0; LABELS]; LABELS] }
    }

    fn sum(&self, features: impl Iterator<Item = u32>) -> [f32; HALF] {
        let mut sum = [0.0; HALF];
        for feature in features {
            for (sum, weight) in sum.iter_mut().zip(&self.rows[feature as usize]) {
                *sum += weight;
            }
        }
        sum
    }

    fn add(&mut self, other: &Self, factor: f32) {
        let mine = self.rows.iter_mut().flatten().chain(self.steps.iter_mut().flatten());
        let others = other.rows.iter().flatten().chain(other.steps.iter().flatten());
        for (mine, other) in mine.zip(others) {
            *mine += other * factor;
        }
    }
}

impl School<'_> {
    fn mean(&self, chosen: &[usize], rounds: usize, orders: u64) -> Weights {
        let mut mean = Weights::new();
        for order in 0..orders {
            mean.add(&self.learn(chosen, rounds, order + 1), 1.0 / orders as f32);
        }
        mean
    }

    fn learn(&self, chosen: &[usize], rounds: usize, seed: u64) -> Weights {
        let mut random = Random(seed);
        let mut chains: Vec<(usize, usize)> = chosen
            .iter()
            .flat_map(|at| (0..self.lessons[*at].chains.len()).map(move |chain| (*at, chain)))
            .collect();
        let (mut weights, mut late) = (Weights::new(), Weights::new());
        let mut decoder = Decoder::default();
        let mut count = 1.0_f32;
        for _ in 0..rounds {
            for at in (1..chains.len()).rev() {
                chains.swap(at, random.below(at as u64 + 1) as usize);
            }
            for (document, chain) in &chains {
                if self.documents[*document].taught && random.below(100) >= TAUGHT_PERCENT {
                    continue;
                }
                self.correct(*document, *chain, &mut decoder, &mut weights, &mut late, count);
                count += 1.0;
            }
        }
        weights.add(&late, -1.0 / count);
        weights
    }

    /// Moves the weights where the best chain of labels is not the right one.
    fn correct(
        &self,
        document: usize,
        chain: usize,
        decoder: &mut Decoder,
        weights: &mut Weights,
        late: &mut Weights,
        count: f32,
    ) {
        let lesson = &self.lessons[document];
        let (from, to) = lesson.chains[chain];
        let right = &lesson.labels[from..to];
        let salt = (count as u32).wrapping_mul(0x9e37_79b1);
        let kept = |feature: &u32| (feature ^ salt).wrapping_mul(0x85eb_ca6b) >> 22 >= LEFT_OUT;
        let scores: Vec<[i16; HALF]> = (from..to)
            .map(|token| {
                let mut sum = weights.sum(self.features(document, token).filter(kept));
                sum[usize::from(lesson.labels[token])] -= MARGIN;
                sum.map(|score| (score * SCALE) as i16)
            })
            .collect();
        let found =
            decoder.best(&scores, &weights.steps.map(|row| row.map(|weight| (weight * SCALE) as i16)));
        if found == right {
            return;
        }
        let (mut last_found, mut last_right) = (0, 0);
        for (at, (found, right)) in
            (from..to).zip(found.iter().zip(right).map(|(a, b)| (usize::from(*a), usize::from(*b))))
        {
            if found != right {
                for feature in self.features(document, at).filter(kept) {
                    for (table, step) in [(&mut *weights, 1.0), (&mut *late, count)] {
                        table.rows[feature as usize][right] += step;
                        table.rows[feature as usize][found] -= step;
                    }
                }
            }
            for (table, step) in [(&mut *weights, 1.0), (&mut *late, count)] {
                table.steps[right][last_right] += step;
                table.steps[found][last_found] -= step;
            }
            (last_found, last_right) = (found, right);
        }
        for (table, step) in [(&mut *weights, 1.0), (&mut *late, count)] {
            table.steps[0][last_right] += step;
            table.steps[0][last_found] -= step;
        }
    }

    fn features(&self, document: usize, token: usize) -> impl Iterator<Item = u32> + '_ {
        let more = self.votes[document].get(token).map_or(&[][..], Vec::as_slice);
        self.lessons[document].features(token).iter().chain(more).copied()
    }

    fn best(&self, weights: &Weights, document: usize, chain: usize, decoder: &mut Decoder) -> Vec<u8> {
        let (from, to) = self.lessons[document].chains[chain];
        let scores: Vec<[i16; HALF]> = (from..to)
            .map(|token| weights.sum(self.features(document, token)).map(|score| (score * SCALE) as i16))
            .collect();
        decoder.best(&scores, &weights.steps.map(|row| row.map(|weight| (weight * SCALE) as i16)))
    }

    fn tag(&self, weights: &Weights, document: usize) -> Vec<u8> {
        let mut decoder = Decoder::default();
        (0..self.lessons[document].chains.len())
            .flat_map(|chain| self.best(weights, document, chain, &mut decoder))
            .collect()
    }
}

/// Scores are compared in steps of so much less than one.
const SCALE: f32 = 4.0;

/// A linear congruential generator (Knuth's MMIX): the same on each machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// F1 of exact names with their kinds.
fn score(documents: &[Document], model: &Model, names: fn(&str, &Model) -> Vec<Name>) -> f64 {
    let (mut right, mut all) = (0, 0);
    for document in documents {
        let found: BTreeSet<Name> = names(&document.text, model)
            .into_iter()
            .map(|(from, to, kind)| (trimmed(&document.text, from, to), to, kind))
            .collect();
        let wanted: BTreeSet<Name> = document.names.iter().copied().collect();
        right += 2 * found.intersection(&wanted).count();
        all += found.len() + wanted.len();
    }
    f64::from(right as u32) / f64::from(all as u32).max(1.0)
}

fn trimmed(text: &str, from: usize, to: usize) -> usize {
    let the = to > from + 4 && text.get(from..from + 4).is_some_and(|head| head.eq_ignore_ascii_case("the "));
    if the { from + 4 } else { from }
}

fn paths(folder: &Path, ending: &str) -> Result<Vec<std::path::PathBuf>> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .with_context(|| format!("could not read {}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    paths.sort();
    Ok(paths)
}

fn sets(folder: &Path, ending: &str) -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    for path in paths(folder, ending)? {
        documents.extend(read_set(&path)?);
    }
    Ok(documents)
}

fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text)?;
    } else {
        text = String::from_utf8(bytes)?;
    }
    Ok(text)
}

fn clusters(path: &Path) -> Result<Clusters> {
    let list = read(path)?;
    let mut words = Vec::new();
    for (line, number) in list.lines().zip(1..) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [word, one, two, three, four] = columns[..] else {
            bail!("{}:{number}: expected a word and four numbers", path.display())
        };
        words.push((word, [one.parse()?, two.parse()?, three.parse()?, four.parse()?]));
    }
    Ok(Clusters::of_words(words))
}

#[derive(Default)]
struct Sentence<'a> {
    words: Vec<&'a str>,
    tags: Vec<&'a str>,
    spaces: Vec<Option<bool>>,
}

/// The documents of a set, their tokens joined to running text again.
fn read_set(path: &Path) -> Result<Vec<Document>> {
    let list = read(path)?;
    let mut documents = Vec::new();
    let mut document = Document { text: String::new(), names: Vec::new(), taught: false };
    let mut closed = false;
    let mut sentence = Sentence::default();
    for line in list.lines().chain([""]) {
        let new = line.starts_with("# newdoc") && !line.contains('\t');
        if line.is_empty() || new {
            end_sentence(&std::mem::take(&mut sentence), &mut document, &mut closed);
            if new && !document.text.is_empty() {
                let empty = Document { text: String::new(), names: Vec::new(), taught: false };
                documents.push(std::mem::replace(&mut document, empty));
                closed = false;
            }
            continue;
        }
        let mut columns = line.split('\t');
        let (Some(word), Some(tag)) = (columns.next(), columns.next()) else { continue };
        sentence.words.push(unescaped(word));
        sentence.tags.push(tag);
        sentence.spaces.push(columns.next().map(|spacing| spacing != "SpaceAfter=No"));
    }
    documents.push(document);
    documents.retain(|document| !document.text.is_empty());
    for document in &mut documents {
        clean(document);
    }
    Ok(documents)
}

fn unescaped(word: &str) -> &str {
    match word {
        "-LRB-" => "(",
        "-RRB-" => ")",
        "-LSB-" => "[",
        "-RSB-" => "]",
        "-LCB-" => "{",
        "-RCB-" => "}",
        "``" | "''" => "\"",
        other => other,
    }
}

fn end_sentence(sentence: &Sentence<'_>, document: &mut Document, closed: &mut bool) {
    let Sentence { words, tags, spaces } = sentence;
    if words.is_empty() {
        return;
    }
    let ends = words.iter().rev().take(3).any(|word| word.contains(['.', '!', '?', '…']));
    if !document.text.is_empty() {
        document.text.push(if ends && *closed { ' ' } else { '\n' });
    }
    *closed = ends;
    let by_rule = spaces_by_rule(words);
    let known = spaces.iter().any(Option::is_some);
    let mut open: Option<(usize, EntityKind)> = None;
    for (at, (word, tag)) in words.iter().zip(tags).enumerate() {
        let start = document.text.len();
        if let Some((from, kind)) = open.filter(|_| !tag.starts_with("I-")) {
            document.names.push((from, document.text.trim_end().len(), kind));
            open = None;
        }
        if let Some(kind) = tag.get(2..).and_then(kind_of).filter(|_| open.is_none()) {
            open = Some((start, kind));
        }
        document.text.push_str(word);
        let space = if known { spaces[at].unwrap_or(true) } else { by_rule[at] };
        if space && at + 1 < words.len() {
            document.text.push(' ');
        }
    }
    if let Some((from, kind)) = open {
        document.names.push((from, document.text.len(), kind));
    }
}

fn kind_of(tag: &str) -> Option<EntityKind> {
    match tag {
        "PER" => Some(EntityKind::Person),
        "ORG" => Some(EntityKind::Org),
        "LOC" => Some(EntityKind::Place),
        _ => None,
    }
}

/// For each word whether a space follows it.
fn spaces_by_rule(words: &[&str]) -> Vec<bool> {
    const NONE_BEFORE: &str =
        ". , ; : ! ? ) ] } % ” … ... 's ’s n't n’t 're 've 'll 'd 'm ’re ’ve ’ll ’d ’m 'S ’S N'T";
    const NONE_AFTER: &str = "( [ { $ “ ‘ # £ €";
    let mut inside = false;
    let mut spaces = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).copied();
        let mut glued = next.is_none_or(|next| NONE_BEFORE.split(' ').any(|mark| mark == next))
            || NONE_AFTER.split(' ').any(|mark| mark == *word);
        if *word == "\"" {
            inside = !inside;
            glued |= inside;
        } else if next == Some("\"") && inside {
            glued = true;
        }
        spaces.push(!glued);
    }
    spaces
}

/// Without articles and possessives, handles, and names in small letters.
fn clean(document: &mut Document) {
    let Document { text, names, .. } = document;
    for (from, to, _) in names.iter_mut() {
        *from = trimmed(text, *from, *to);
        for ending in ["'s", "’s", "'S", "'", "’"] {
            if let Some(rest) = text[*from..*to].strip_suffix(ending) {
                *to = *from + rest.trim_end().len();
                break;
            }
        }
    }
    names.retain(|(from, to, _)| from < to && !text[*from..*to].starts_with('@'));
}

#[derive(Deserialize)]
struct Taught {
    text: String,
    ents: Vec<(usize, usize, String)>,
}

/// Another tagger's answers, cleaned: a surname is the person who is named in full, and one string is of one kind.
fn taught(path: &Path) -> Result<Vec<Document>> {
    let list = read(path)?;
    let mut documents = Vec::new();
    for line in list.lines() {
        let Taught { text, ents } = serde_json::from_str(line)?;
        let bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let names = ents
            .iter()
            .filter_map(|(from, to, tag)| Some((*bytes.get(*from)?, *bytes.get(*to)?, kind_of(tag)?)))
            .collect();
        let mut document = Document { text, names, taught: true };
        clean(&mut document);
        agree(&mut document);
        documents.push(document);
    }
    Ok(documents)
}

fn agree(document: &mut Document) {
    let Document { text, names, .. } = document;
    names.retain(|(from, to, _)| !text[*from..*to].contains('\n'));
    let surnames: BTreeSet<&str> = names
        .iter()
        .filter(|name| name.2 == EntityKind::Person)
        .filter_map(|(from, to, _)| {
            let words: Vec<&str> = text[*from..*to].split(' ').collect();
            (2..=4).contains(&words.len()).then(|| words[words.len() - 1])
        })
        .filter(|word| word.starts_with(char::is_uppercase) && word.len() > 2)
        .collect();
    let mut votes: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let place = |kind| {
        [EntityKind::Person, EntityKind::Org, EntityKind::Place].iter().position(|known| *known == kind)
    };
    for (from, to, kind) in names.iter() {
        votes.entry(&text[*from..*to]).or_default()[place(*kind).unwrap_or(0)] += 1;
    }
    let mut cleaned: Vec<Name> = names
        .iter()
        .map(|(from, to, kind)| {
            let form = &text[*from..*to];
            if surnames.contains(form) {
                return (*from, *to, EntityKind::Person);
            }
            let counts = votes[form];
            let most = counts.iter().max().copied().unwrap_or(0);
            if counts[place(*kind).unwrap_or(0)] == most {
                return (*from, *to, *kind);
            }
            let best = counts.iter().position(|count| *count == most).unwrap_or(0);
            (*from, *to, [EntityKind::Person, EntityKind::Org, EntityKind::Place][best])
        })
        .collect();
    // Surnames that were not found where they stand alone.
    for surname in surnames {
        for (from, _) in text.match_indices(surname) {
            let to = from + surname.len();
            let alone = !text[..from].ends_with(char::is_alphanumeric)
                && !text[to..].starts_with(char::is_alphanumeric);
            let taken = cleaned.iter().any(|(start, end, _)| *start < to && from < *end);
            if alone && !taken {
                cleaned.push((from, to, EntityKind::Person));
            }
        }
    }
    cleaned.sort_by_key(|(from, ..)| *from);
    *names = cleaned;
}
