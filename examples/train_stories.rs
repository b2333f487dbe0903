//! Fits what stories and topics are judged by.
//!
//! `train_stories counts FOLDER` writes `models/df_en.zst` from the folder's unlabelled articles (`background.jsonl.gz`);
//! `train_stories fit FOLDER` writes `src/pipeline/story/weights.rs` from its labelled ones (`explore` also tells how
//! other settings do on stories that they were not fitted on), and `stories` what stories are judged by alone, which
//! takes a minute and leaves the topics' weights as they are. Run them in the project's directory, in this order, with a
//! build between. A set is a file of JSON lines, gzipped: `title`, `text`, `date`
//! (or null), `source`, and `story`, the label.

#![expect(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "a program for developers, over data they chose"
)]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use rayon::prelude::*;
use storywatch::{
    article::{Article, Id},
    event::{Rules, TopicRule},
    pipeline::{
        story::{Member, Stories, features, model},
        topic::{Compared, Doc, Learned, Memory, Topics, Trace},
        view::ViewError,
    },
};

const SETS: [&str; 4] = ["allsides", "roundups2021", "uci", "ecbplus"];
/// Of these: read once more without dates,
const UNDATED: [&str; 2] = ["allsides", "roundups2021"];
/// and the one of headlines alone.
const HEADLINES: &str = "uci";
/// Sets, samples of a topic, and weights: full texts come from four sets, snippets and undated events from one each.
const TRACKED: [(&str, usize, f64); 7] = [
    ("allsides", 1, 1.0),
    ("roundups2021", 1, 2.0),
    ("uci", 1, 1.0),
    ("ecbplus", 1, 2.0),
    ("basil", 1, 1.0),
    ("shifted", 1, 1.0),
    ("undated", 1, 1.0),
];
/// Cost of a false alarm against a miss, as in topic detection and tracking.
const FALSE_ALARM: f64 = 4.9;
const DAY: i64 = 86_400;

#[derive(Clone, Debug)]
struct Report {
    title: String,
    text: String,
    source: String,
    time: Option<i64>,
    story: Option<String>,
    key: u64,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "counts", folder] => counts(Path::new(folder)),
        [_, "stories", folder] => fit(Path::new(folder), Fit::Stories),
        [_, "fit", folder] => fit(Path::new(folder), Fit::All),
        [_, "explore", folder] => fit(Path::new(folder), Fit::Explore),
        _ => bail!("usage: train_stories counts|stories|fit|explore FOLDER"),
    }
}

fn load(folder: &Path, name: &str) -> Result<Vec<Report>> {
    let path = folder.join(format!("{name}.jsonl.gz"));
    let file = File::open(&path).with_context(|| format!("could not open {}", path.display()))?;
    let mut reports = Vec::new();
    for (number, line) in BufReader::new(flate2::read::GzDecoder::new(file)).lines().enumerate() {
        let row: serde_json::Value = serde_json::from_str(&line?)?;
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let time = row["date"].as_str().and_then(|date| {
            let day: jiff::civil::Date = date.get(..10)?.parse().ok()?;
            let hour = date.get(11..13).and_then(|hour| hour.parse::<i64>().ok()).unwrap_or(0);
            Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second() + hour * 3_600)
        });
        let key = Id::of(&[&number.to_le_bytes(), name.as_bytes()]).0;
        let story = row["story"].as_str().map(ToOwned::to_owned);
        reports.push(Report {
            title: text("title"),
            text: text("text"),
            source: text("source"),
            time,
            story,
            key,
        });
    }
    if reports.iter().any(|report| report.time.is_none()) {
        for report in &mut reports {
            report.time = None;
        }
    }
    Ok(reports)
}

fn counts(folder: &Path) -> Result<()> {
    let background = load(folder, "background")?;
    let mut counts = BTreeMap::<u32, u32>::new();
    for report in &background {
        for term in features(&report.title, &report.text, Some("en")).terms() {
            *counts.entry(term).or_default() += 1;
        }
    }
    counts.retain(|_, with| *with > 1);
    let mut bytes = Vec::new();
    let mut put = |mut number: u32| {
        while number >= 0x80 {
            bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        bytes.push(number.to_le_bytes()[0]);
    };
    put(u32::try_from(background.len())?);
    let mut before = 0;
    for (term, with) in &counts {
        put(term - before);
        put(*with);
        before = *term;
    }
    let packed = zstd::bulk::compress(&bytes, 19)?;
    std::fs::write("models/df_en.zst", &packed)?;
    println!("{} terms of {} articles, {} bytes", counts.len(), background.len(), packed.len());
    Ok(())
}

/// One thing to learn from.
struct Row {
    inputs: Vec<f64>,
    label: bool,
    weight: f64,
    /// Which half of the stories it is of.
    half: bool,
}

/// Logistic regression by Newton's method on standardised inputs; `ridge` is the penalty. The last input of `constant`
/// is not penalised.
fn regress(rows: &[&Row], ridge: f64, constant: usize) -> Vec<f64> {
    let width = rows[0].inputs.len();
    let total: f64 = rows.iter().map(|row| row.weight).sum();
    let mut scale = vec![0.0; width];
    let mut shift = vec![0.0; width];
    for column in (0..width).filter(|column| *column != constant) {
        let mean = rows.iter().map(|row| row.inputs[column] * row.weight).sum::<f64>() / total;
        let square =
            rows.iter().map(|row| (row.inputs[column] - mean).powi(2) * row.weight).sum::<f64>() / total;
        shift[column] = mean;
        scale[column] = if square > 1e-9 { 1.0 / square.sqrt() } else { 0.0 };
    }
    let standard = |row: &Row| -> Vec<f64> {
        let mut values: Vec<f64> = (0..width).map(|i| (row.inputs[i] - shift[i]) * scale[i]).collect();
        values[constant] = 1.0;
        values
    };
    let inputs: Vec<Vec<f64>> = rows.iter().map(|row| standard(row)).collect();
    let mut weights = vec![0.0; width];
    for _ in 0..12 {
        let mut slope = vec![0.0; width];
        let mut curve = vec![vec![0.0; width]; width];
        for (row, values) in rows.iter().zip(&inputs) {
            let odds: f64 = values.iter().zip(&weights).map(|(value, weight)| value * weight).sum();
            let chance = 1.0 / (1.0 + (-odds).exp());
            let error = (if row.label { 1.0 } else { 0.0 }) - chance;
            let bend = (chance * (1.0 - chance)).max(1e-6) * row.weight;
            for i in 0..width {
                slope[i] += error * row.weight * values[i];
                for j in 0..=i {
                    curve[i][j] += bend * values[i] * values[j];
                }
            }
        }
        for i in 0..width {
            let penalty = if i == constant { 1e-6 } else { ridge };
            slope[i] -= penalty * weights[i];
            curve[i][i] += penalty;
        }
        let lower = curve.clone();
        for (i, row) in lower.iter().enumerate() {
            for (j, value) in row.iter().enumerate().take(i) {
                curve[j][i] = *value;
            }
        }
        let step = solve(curve, slope);
        let size = step.iter().fold(0.0_f64, |most, one| most.max(one.abs()));
        let damp = (4.0 / size).min(1.0);
        weights.iter_mut().zip(&step).for_each(|(weight, one)| *weight += one * damp);
        if size < 1e-3 {
            break;
        }
    }
    let offset: f64 = (0..width).map(|i| weights[i] * scale[i] * shift[i]).sum();
    let mut plain: Vec<f64> = (0..width).map(|i| weights[i] * scale[i]).collect();
    plain[constant] = weights[constant] - offset;
    plain
}

/// Gauss elimination; the matrix is symmetric and positive.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let width = right.len();
    for i in 0..width {
        let pivot = matrix[i][i];
        for j in i + 1..width {
            let factor = matrix[j][i] / pivot;
            if factor != 0.0 {
                let above = matrix[i].clone();
                for (value, above) in matrix[j].iter_mut().zip(above).skip(i) {
                    *value -= factor * above;
                }
                right[j] -= factor * right[i];
            }
        }
    }
    for i in (0..width).rev() {
        let known: f64 = (i + 1..width).map(|j| matrix[i][j] * right[j]).sum();
        right[i] = (right[i] - known) / matrix[i][i];
    }
    right
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn half(story: &str) -> bool {
    Id::of(&[story.as_bytes()]).0 & 1 == 1
}

fn story_id(report: &Report) -> Id {
    report.story.as_ref().map_or(Id(report.key), |story| Id::of(&[story.as_bytes()]))
}

fn without_dates(reports: &[Report]) -> Vec<Report> {
    reports.iter().map(|report| Report { time: None, ..report.clone() }).collect()
}

fn arrival(mut reports: Vec<Report>, background: &[Report]) -> Vec<Report> {
    if reports[0].time.is_none() {
        reports.sort_by_key(|report| report.key);
        return background.iter().cloned().chain(reports).collect();
    }
    if background.is_empty() {
        reports.sort_by_key(|report| report.time);
        return reports;
    }
    let last = reports.iter().map(|report| report.time).max().flatten();
    let titles: BTreeSet<String> = reports.iter().map(|report| report.title.clone()).collect();
    let older = background.iter().filter(|one| one.time <= last && !titles.contains(&one.title)).cloned();
    let mut all: Vec<Report> = reports.into_iter().chain(older).collect();
    all.sort_by_key(|report| (report.time, report.key));
    all
}

fn member(seq: usize, report: &Report, story: Id, stories: &Stories) -> Member {
    Member {
        seq: seq as u64,
        report: Id(report.key),
        story,
        time: report.time.unwrap_or(0),
        dated: report.time.is_some(),
        outlet: Id::of(&[report.source.as_bytes()]).0,
        copy: false,
        vector: stories.weigh(&features(&report.title, &report.text, Some("en"))),
        entities: Vec::new(),
    }
}

/// Members as they were taken in, to be read again.
fn recall(members: &[Member]) -> impl Fn(u64) -> Result<Member, ViewError> {
    |seq| Ok(members[seq as usize].clone())
}

/// Articles with their candidates while earlier articles stand in their own stories.
fn story_rows(stream: &Stream) -> Vec<Row> {
    let mut stories = Stories::new();
    let mut members = Vec::new();
    let mut rows = Vec::new();
    let mut known = 0;
    for (seq, report) in stream.reports.iter().enumerate() {
        let own = story_id(report);
        known += usize::from(report.story.is_some() && stories.summary(own).reports > 0);
        let member = member(seq, report, own, &stories);
        let found = stories.assign(&member.vector, member.time, member.dated, &recall(&members)).unwrap();
        let (headline, length) = found.loaded.regime();
        for candidate in report.story.iter().flat_map(|_| &found.candidates) {
            let inputs = model::inputs(&candidate.features, headline, !member.dated, length).to_vec();
            let half = half(report.story.as_deref().unwrap_or_default());
            rows.push(Row { inputs, label: candidate.story == own, weight: 1.0, half });
        }
        members.push(member.clone());
        stories.insert(member, &recall(&members)).unwrap();
    }
    let positives = rows.iter().filter(|row| row.label).count();
    println!("{positives} of {known} articles with an earlier one have its story among the candidates");
    balance(&mut rows, stream.weight);
    rows
}

/// However many rows a stream has, they count for so much.
fn balance(rows: &mut [Row], weight: f64) {
    let positives = rows.iter().filter(|row| row.label).count();
    for row in rows {
        row.weight = 1_000.0 * weight / positives as f64;
    }
}

/// Reports in the order in which they come, and what they weigh in a fit.
struct Stream {
    name: String,
    reports: Vec<Report>,
    weight: f64,
}

/// What stories are fitted on: each set in the order of its dates, and each kind of article once more as it also comes.
fn streams(sets: &BTreeMap<&str, Vec<Report>>) -> Vec<Stream> {
    let stream = |name: &str, reports, weight| Stream { name: name.to_owned(), reports, weight };
    let mut streams: Vec<Stream> =
        SETS.iter().map(|name| stream(name, arrival(sets[name].clone(), &[]), 1.0)).collect();
    // One set alone must not say what is asked of undated articles.
    for name in UNDATED {
        streams.push(stream(&format!("undated {name}"), arrival(without_dates(&sets[name]), &[]), 1.0));
    }
    // Headlines come story by story in a burst, or mixed: the model has to do with both, and they count once.
    for found in streams.iter_mut().filter(|found| found.name == HEADLINES) {
        found.weight = 0.5;
    }
    let mut mixed = sets[HEADLINES].clone();
    mixed.sort_by_key(|report| (report.time, report.key));
    streams.push(stream(&format!("mixed {HEADLINES}"), mixed, 0.5));
    streams
}

/// Articles with their candidates while earlier articles stand where the model puts them: a candidate is right if most
/// of its labelled members are of the article's story. Gold stories alone never show the model a story in pieces, nor
/// one with a stranger in it.
fn made_rows(stream: &Stream, weights: [&[f64]; 2]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (side, weights) in [false, true].into_iter().zip(weights) {
        let mut stories = Stories::new();
        let mut held: HashMap<Id, HashMap<Id, usize>> = HashMap::new();
        let mut members = Vec::new();
        for (seq, report) in stream.reports.iter().enumerate() {
            let mut member = member(seq, report, Id(report.key), &stories);
            let found = stories.assign(&member.vector, member.time, member.dated, &recall(&members)).unwrap();
            let (headline, length) = found.loaded.regime();
            let own = story_id(report);
            let labelled = report.story.as_deref().filter(|story| half(story) == side);
            for candidate in labelled.iter().flat_map(|_| &found.candidates) {
                let Some(held) = held.get(&candidate.story) else { continue };
                let same = held.get(&own).copied().unwrap_or(0);
                let inputs = model::inputs(&candidate.features, headline, !member.dated, length).to_vec();
                let label = 2 * same > held.values().sum();
                rows.push(Row { inputs, label, weight: 1.0, half: side });
            }
            if let Some((story, _)) = join(&found, !member.dated, weights, MADE_THRESHOLDS) {
                member.story = story;
            }
            if report.story.is_some() {
                *held.entry(member.story).or_default().entry(own).or_default() += 1;
            }
            members.push(member.clone());
            stories.insert(member, &recall(&members)).unwrap();
        }
    }
    balance(&mut rows, stream.weight);
    rows
}

/// Stories as the model makes them: one id an article.
fn simulate(reports: &[Report], weights: &[f64], thresholds: [f64; 3]) -> Vec<(Id, bool)> {
    let mut stories = Stories::new();
    let (mut made, mut members) = (Vec::new(), Vec::new());
    for (seq, report) in reports.iter().enumerate() {
        let mut member = member(seq, report, Id(report.key), &stories);
        let found = stories.assign(&member.vector, member.time, member.dated, &recall(&members)).unwrap();
        let joined = join(&found, !member.dated, weights, thresholds);
        member.story = joined.map_or(Id(report.key), |(story, _)| story);
        made.push((member.story, found.loaded.regime().0));
        members.push(member.clone());
        stories.insert(member, &recall(&members)).unwrap();
    }
    made
}

fn join(
    found: &storywatch::pipeline::story::Assignment,
    undated: bool,
    weights: &[f64],
    thresholds: [f64; 3],
) -> Option<(Id, f64)> {
    let (headline, length) = found.loaded.regime();
    let threshold = thresholds[if headline { 2 } else { usize::from(undated) }];
    let scored = found.candidates.iter().map(|candidate| {
        (
            candidate.story,
            dot(&model::inputs(&candidate.features, headline, undated, length), weights) - threshold,
        )
    });
    scored.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, score)| *score >= 0.0)
}

/// Precision, recall and F1 by `BCubed` over the labelled articles that `chosen` picks.
fn b_cubed(reports: &[Report], made: &[(Id, bool)], chosen: impl Fn(&str) -> bool) -> (f64, f64, f64) {
    let pairs: Vec<(Id, &str)> = reports
        .iter()
        .zip(made)
        .filter_map(|(report, (id, _))| Some((*id, report.story.as_deref().filter(|story| chosen(story))?)))
        .collect();
    let (mut of_made, mut of_gold, mut of_both) = (HashMap::new(), HashMap::new(), HashMap::new());
    for (id, gold) in &pairs {
        *of_made.entry(*id).or_insert(0.0) += 1.0;
        *of_gold.entry(*gold).or_insert(0.0) += 1.0;
        *of_both.entry((*id, *gold)).or_insert(0.0) += 1.0;
    }
    let (mut precision, mut recall) = (0.0, 0.0);
    for ((id, gold), both) in &of_both {
        let both: f64 = *both;
        precision += both * both / of_made[id];
        recall += both * both / of_gold[gold];
    }
    let (precision, recall) = (precision / pairs.len() as f64, recall / pairs.len() as f64);
    (precision, recall, 2.0 * precision * recall / (precision + recall))
}

/// Where the constants stand.
const WEIGHTS: &str = "src/pipeline/story/weights.rs";
/// What begins those of topics.
const OF_TOPICS: &str = "/// Weights of a topic's first stage.";

/// What is fitted.
#[derive(Clone, Copy, PartialEq)]
enum Fit {
    Stories,
    All,
    Explore,
}

fn fit(folder: &Path, asked: Fit) -> Result<()> {
    let explore = asked == Fit::Explore;
    let background = load(folder, "background")?;
    let mut sets = BTreeMap::new();
    for name in SETS.into_iter().chain(["basil"]) {
        sets.insert(name, load(folder, name)?);
    }
    let streams = streams(&sets);
    let mut rows: Vec<Row> = streams.par_iter().flat_map(story_rows).collect();
    let constant = model::CONSTANT;
    let of_half = |rows: &[Row], side: bool, ridge: f64| {
        regress(&rows.iter().filter(|row| row.half == side).collect::<Vec<_>>(), ridge, constant)
    };
    let [one, other] = [false, true].map(|side| of_half(&rows, side, STORY_RIDGE));
    let more = streams.par_iter().flat_map(|stream| made_rows(stream, [&one, &other]));
    rows.extend(more.collect::<Vec<_>>());
    println!("{} pairs of article and story", rows.len());
    for ridge in if explore { vec![STORY_RIDGE] } else { Vec::new() } {
        let fitted = [false, true].map(|side| of_half(&rows, side, ridge));
        for threshold in [-2.8, -2.2, -1.6, -0.8, 0.0] {
            let mut line = format!("ridge {ridge}, threshold {threshold}: unseen halves");
            for Stream { name, reports, .. } in &streams {
                let scores = [false, true].map(|side| {
                    let unseen: Vec<Report> = reports
                        .iter()
                        .filter(|report| report.story.as_deref().is_some_and(|story| half(story) != side))
                        .cloned()
                        .collect();
                    let made = simulate(&unseen, &fitted[usize::from(side)], [threshold; 3]);
                    b_cubed(&unseen, &made, |_| true).2
                });
                write!(line, " {name} {:.3}", f64::midpoint(scores[0], scores[1]))?;
            }
            println!("{line}");
        }
    }
    let all: Vec<&Row> = rows.iter().collect();
    let story = regress(&all, STORY_RIDGE, constant);
    for threshold in [-4.0, -3.4, -3.0, -2.6, -2.2, -1.2, -0.8, -0.6, -0.4, -0.2, 0.0, 0.4] {
        let mut line = format!("threshold {threshold}:");
        for Stream { name, reports, .. } in &streams {
            let (precision, recall, f1) =
                b_cubed(reports, &simulate(reports, &story, [threshold; 3]), |_| true);
            write!(line, " {name} {f1:.3} ({precision:.3}/{recall:.3})")?;
        }
        println!("{line}");
    }
    let mut out = String::from(
        "//! Fitted constants; written by `examples/train_stories.rs`, which says from what.\n\nuse super::model::{INPUTS, SECOND_INPUTS, TOPIC_INPUTS};\n\n",
    );
    writeln!(out, "/// Threshold of a story: texts, undated texts, headlines. Chosen, not fitted.")?;
    writeln!(out, "pub(super) const STORY_THRESHOLDS: [f64; 3] = {STORY_THRESHOLDS:?};")?;
    list(&mut out, "Weights of a story's inputs; the last is the constant.", "STORY: [f64; INPUTS]", &story)?;
    if asked == Fit::Stories {
        let before = std::fs::read_to_string(WEIGHTS)?;
        let (_, of_topics) =
            before.split_once(OF_TOPICS).context("no weights of topics to leave as they are")?;
        write!(out, "{OF_TOPICS}{of_topics}")?;
    } else {
        fit_topics(&sets, &background, &story, explore, &mut out)?;
    }
    std::fs::write(WEIGHTS, out)?;
    Ok(())
}

fn list(out: &mut String, told: &str, name: &str, weights: &[f64]) -> Result<()> {
    writeln!(out, "/// {told}\npub(super) const {name} = [")?;
    for weight in weights {
        let rounded = (weight * 1e4).round() / 1e4;
        writeln!(out, "    {:?},", if rounded == 0.0 { 0.0 } else { rounded })?;
    }
    writeln!(out, "];")?;
    Ok(())
}

const STORY_RIDGE: f64 = 1.0;
/// Of texts, undated texts and headlines. Not fitted: chosen by what the whole program makes of the labelled sets (stories,
/// tracking, quotes), of which this one sees a part.
const STORY_THRESHOLDS: [f64; 3] = [-1.05, -2.9, -0.7];
/// Thresholds of the stories in whose pieces the model sees what to join.
const MADE_THRESHOLDS: [f64; 3] = [-0.8, -3.4, -0.6];
/// Chosen by what `explore` tells of the halves that were not fitted on.
const TOPIC_RIDGE: f64 = 2.0;

/// One article of a stream as a topic saw it.
struct Seen {
    topic: usize,
    inputs: [f64; model::TOPIC_INPUTS],
    is_sample: bool,
    /// Against what the topic learned.
    learned: Option<[f64; model::TOPIC_INPUTS]>,
    /// On or off topic; none if it does not count.
    label: Option<bool>,
}

struct Arrived {
    seen: Vec<Seen>,
    story: Id,
    reports: u32,
    headline: bool,
}

struct Run {
    name: String,
    arrived: Vec<Arrived>,
    /// On-topic and off-topic candidates of each topic.
    totals: Vec<(f64, f64)>,
    halves: Vec<bool>,
    weight: f64,
}

/// Topics of a set, as samples and labelled candidates by key; stories moved in time for `shifted`.
fn trials(
    reports: &mut [Report],
    k: usize,
    shifted: bool,
    windowed: bool,
) -> Vec<(Vec<usize>, BTreeMap<u64, bool>, String)> {
    let mut of_story: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, report) in reports.iter().enumerate() {
        if let Some(story) = &report.story {
            of_story.entry(story.clone()).or_default().push(place);
        }
    }
    let day = |report: &Report| report.time.map_or(0, |time| time.div_euclid(DAY));
    let old: Vec<i64> = reports.iter().map(day).collect();
    if shifted {
        let start = old.iter().max().copied().unwrap_or(0) + 30;
        for members in of_story.values() {
            let anchor = members[if members.len() > k { k - 1 } else { 0 }];
            let spread = i64::try_from(reports[anchor].key % 8).unwrap_or(0);
            for member in members {
                reports[*member].time = Some((start + spread + old[*member] - old[anchor]) * DAY);
            }
        }
    }
    let mut trials = Vec::new();
    for (story, members) in &of_story {
        if members.len() <= k {
            continue;
        }
        let samples = members[..k].to_vec();
        let last = samples[k - 1];
        let home = day(&reports[last]);
        let mut candidates = BTreeMap::new();
        for (place, report) in reports.iter().enumerate().filter(|(place, _)| !samples.contains(place)) {
            let on = report.story.as_ref() == Some(story);
            let inside = !windowed || (old[samples[0]] <= old[place] && old[place] <= old[last] + 14);
            let far = (old[place] - old[last]).abs() > 60 && (home..=home + 3).contains(&day(report));
            if (on && inside) || (!on && if shifted { far } else { inside }) {
                candidates.insert(report.key, on);
            }
        }
        if candidates.values().any(|on| *on) {
            trials.push((samples, candidates, story.clone()));
        }
    }
    trials
}

/// Lets the topics of a set see its stream; they learn by the weights `first`, if there are any yet.
fn run(
    (name, k): (&str, usize),
    reports: &[Report],
    background: &[Report],
    story: &[f64],
    first: Option<&[f64]>,
) -> Run {
    let mut reports = reports.to_vec();
    let shifted = name == "shifted";
    let windowed = reports[0].time.is_some() && name != "basil";
    let trials = trials(&mut reports, k, shifted, windowed);
    let rules = Rules {
        topics: trials
            .iter()
            .enumerate()
            .map(|(number, (samples, ..))| TopicRule {
                name: format!("t{number}"),
                examples: samples
                    .iter()
                    .map(|place| Article {
                        title: reports[*place].title.clone(),
                        text: reports[*place].text.clone(),
                        published: reports[*place]
                            .time
                            .and_then(|time| jiff::Timestamp::from_second(time).ok()),
                        ..Article::default()
                    })
                    .collect(),
                ..TopicRule::default()
            })
            .collect(),
        ..Rules::default()
    };
    let (topics, _) = Topics::compile(&rules);
    let mut stories = Stories::new();
    let (mut arrived, mut members) = (Vec::new(), Vec::new());
    let mut touched: BTreeMap<Id, BTreeMap<usize, Trace>> = BTreeMap::new();
    let mut learned = Learned::default();
    for (seq, report) in arrival(reports.clone(), background).iter().enumerate() {
        let mut member = member(seq, report, Id(report.key), &stories);
        let found = stories.assign(&member.vector, member.time, member.dated, &recall(&members)).unwrap();
        let joined = join(&found, !member.dated, story, STORY_THRESHOLDS);
        member.story = joined.map_or(Id(report.key), |(story, _)| story);
        let doc = Doc {
            title: &report.title,
            text: &report.text,
            outlet: "",
            url: None,
            language: None,
            entities: &[],
            time: member.time,
            dated: member.dated,
        };
        let touched = touched.entry(member.story).or_default();
        let memory = Memory {
            story: Some(member.story),
            traces: touched.clone(),
            learned: &learned,
            besides: None,
            followed_beside: BTreeSet::new(),
        };
        let seen: Vec<Seen> = topics
            .compare(&doc, &found, &stories, &memory)
            .into_iter()
            .map(|Compared { topic, inputs, learned, is_sample }| {
                let own = trials[topic].0.iter().any(|place| reports[*place].key == report.key);
                let label = trials[topic].1.get(&report.key).copied();
                Seen { topic, inputs, learned, is_sample: is_sample || own, label }
            })
            .collect();
        let mut teaches = false;
        touched.extend(seen.iter().map(|one| (one.topic, Trace::default())));
        for one in seen.iter().filter(|one| !one.is_sample) {
            let learner = topics.learner(one.topic).filter(|learner| !learned.is_full(*learner));
            let sure = first.is_some_and(|first| dot(&one.inputs, first) >= model::TOPIC_LEARNS);
            if let Some(learner) = learner.filter(|_| sure) {
                learned.add(learner, seq as u64);
                teaches = true;
            }
        }
        let reports = stories.summary(member.story).reports;
        let headline = found.loaded.regime().0;
        arrived.push(Arrived { seen, story: member.story, reports, headline });
        members.push(member.clone());
        stories.insert(member, &recall(&members)).unwrap();
        if teaches {
            stories.pin(seq as u64, &recall(&members)).unwrap();
        }
    }
    let totals = trials.iter().map(|(_, candidates, _)| {
        let on = candidates.values().filter(|on| **on).count();
        (on as f64, (candidates.len() - on) as f64)
    });
    let halves = trials.iter().map(|(.., story)| half(story)).collect();
    Run { name: format!("{name} {k}"), totals: totals.collect(), arrived, halves, weight: 1.0 }
}

/// Second-stage inputs of every labelled pair: topic, inputs, label, headline.
fn second(run: &Run, first: &[f64]) -> Vec<(usize, Vec<f64>, bool, bool)> {
    let mut traces: BTreeMap<(usize, Id), (f64, f64, bool)> = BTreeMap::new();
    let mut pairs = Vec::new();
    for arrived in &run.arrived {
        for seen in &arrived.seen {
            let trace = traces.entry((seen.topic, arrived.story)).or_default();
            if let Some(label) = seen.label.filter(|_| !seen.is_sample) {
                let mean = if arrived.reports == 0 { 0.0 } else { trace.1 / f64::from(arrived.reports) };
                let learned = seen.learned.map(|inputs| dot(&inputs, first));
                let inputs =
                    model::second_inputs(&seen.inputs, trace.0, mean, arrived.reports, trace.2, learned);
                pairs.push((seen.topic, inputs.to_vec(), label, arrived.headline));
            }
            let odds = if seen.is_sample { model::LIKENESS_MAX } else { dot(&seen.inputs, first) };
            let step = odds.clamp(model::LIKENESS_MIN, model::LIKENESS_MAX) - model::LIKENESS_MIN;
            *trace = (trace.0.max(step), trace.1 + step, trace.2 | seen.is_sample);
        }
    }
    pairs
}

/// First-stage inputs of every labelled pair.
fn first_pairs(run: &Run) -> Vec<(usize, Vec<f64>, bool, bool)> {
    let seen = run.arrived.iter().flat_map(|one| &one.seen).filter(|seen| !seen.is_sample);
    seen.filter_map(|seen| Some((seen.topic, seen.inputs.to_vec(), seen.label?, false))).collect()
}

/// Rows in which each topic's positives weigh 1 together and its negatives as much as false alarms cost.
fn topic_rows(run: &Run, pairs: &[(usize, Vec<f64>, bool, bool)]) -> Vec<Row> {
    let topics = run.totals.len() as f64;
    pairs
        .iter()
        .map(|(topic, inputs, label, _)| {
            let (on, off) = run.totals[*topic];
            let one = if *label { 1.0 / on } else { FALSE_ALARM / off };
            Row {
                inputs: inputs.clone(),
                label: *label,
                weight: one * run.weight * 1_000.0 / topics,
                half: run.halves[*topic],
            }
        })
        .collect()
}

/// Misses and false alarms, means over the topics, at thresholds for texts and headlines.
fn detect(
    run: &Run,
    pairs: &[(usize, Vec<f64>, bool, bool)],
    weights: &[f64],
    thresholds: [f64; 2],
    chosen: impl Fn(usize) -> bool,
) -> (f64, f64) {
    let mut hits = vec![(0.0, 0.0); run.totals.len()];
    for (topic, inputs, label, headline) in pairs {
        if dot(inputs, weights) >= thresholds[usize::from(*headline)] {
            let hit = &mut hits[*topic];
            if *label { hit.0 += 1.0 } else { hit.1 += 1.0 }
        }
    }
    let (mut miss, mut alarm, mut number) = (0.0, 0.0, 0.0);
    for (topic, ((on, off), hit)) in run.totals.iter().zip(&hits).enumerate() {
        if chosen(topic) {
            miss += 1.0 - hit.0 / on;
            alarm += if *off > 0.0 { hit.1 / off } else { 0.0 };
            number += 1.0;
        }
    }
    (miss / number, alarm / number)
}

fn fit_topics(
    sets: &BTreeMap<&str, Vec<Report>>,
    background: &[Report],
    story: &[f64],
    explore: bool,
    out: &mut String,
) -> Result<()> {
    let runs = |first: Option<&[f64]>| -> Vec<Run> {
        let run = |(name, k, weight): &(&str, usize, f64)| {
            let reports = &sets[if matches!(*name, "shifted" | "undated") { "allsides" } else { name }];
            let reports = if *name == "undated" { without_dates(reports) } else { reports.clone() };
            Run { weight: *weight, ..run((name, *k), &reports, background, story, first) }
        };
        TRACKED.par_iter().map(run).collect()
    };
    let naive = runs(None);
    for run in &naive {
        let found: usize =
            run.arrived.iter().flat_map(|one| &one.seen).filter(|seen| seen.label == Some(true)).count();
        let on: f64 = run.totals.iter().map(|(on, _)| on).sum();
        println!("{}: {} topics, {found} of {on} on-topic pairs looked at", run.name, run.totals.len());
    }
    let constant = model::TOPIC_CONSTANT;
    let regress = |rows: &[Row], chosen: &dyn Fn(bool) -> bool| {
        regress(&rows.iter().filter(|row| chosen(row.half)).collect::<Vec<_>>(), TOPIC_RIDGE, constant)
    };
    // Topics learn by the first stage, and the second stage is fitted on what came of that.
    let both = |chosen: &dyn Fn(bool) -> bool| {
        let rows: Vec<Row> = naive.iter().flat_map(|run| topic_rows(run, &first_pairs(run))).collect();
        let first = regress(&rows, chosen);
        let learned = runs(Some(&first));
        let rows: Vec<Row> = learned.iter().flat_map(|run| topic_rows(run, &second(run, &first))).collect();
        let second = regress(&rows, chosen);
        (first, second, learned)
    };
    if explore {
        let mut costs = BTreeMap::<&str, f64>::new();
        let sides = [false, true].map(|side| (side, both(&|half| half == side)));
        for (side, (first, weights, learned)) in &sides {
            for run in learned {
                let unseen = |topic: usize| run.halves[topic] != *side;
                let (miss, alarm) = detect(run, &second(run, first), weights, [0.0; 2], unseen);
                *costs.entry(&run.name).or_default() += 0.5 * (miss + FALSE_ALARM * alarm);
            }
        }
        let mean = costs.values().sum::<f64>() / costs.len() as f64;
        println!("Cnorm of unseen halves: mean {mean:.4} {costs:.3?}");
    }
    let (first, weights, runs) = both(&|_| true);
    for step in -4..=24 {
        let threshold = f64::from(step) / 4.0;
        let mut line = format!("threshold {threshold}:");
        for run in &runs {
            let (miss, alarm) = detect(run, &second(run, &first), &weights, [threshold; 2], |_| true);
            write!(line, " {} {:.3}={miss:.3}/{alarm:.5}", run.name, miss + FALSE_ALARM * alarm)?;
        }
        println!("{line}");
    }
    list(out, "Weights of a topic's first stage.", "TOPIC: [f64; TOPIC_INPUTS]", &first)?;
    list(out, "Weights of a topic's second stage.", "SECOND: [f64; SECOND_INPUTS]", &weights)?;
    writeln!(out, "/// Thresholds of strict, balanced, sensitive: each for texts and for headlines.")?;
    writeln!(out, "pub(super) const TOPIC_THRESHOLDS: [[f64; 2]; 3] = {TOPIC_THRESHOLDS:?};")?;
    Ok(())
}

const TOPIC_THRESHOLDS: [[f64; 2]; 3] = [[4.75, 4.75], [0.2, 0.5], [-0.25, 0.0]];
