//! What each stage costs an article, in CPU time of the thread that does it, and of the whole process: `cargo bench`.
//! Words after `--` choose stages by their names, `--articles N` says how many articles.

use std::{
    hint::black_box,
    io::{self, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use storywatch::{
    alert::{Format, line, log::AlertLog},
    article::{Alert, AlertKind, Article, ArticleHead, ArticleId, Id, LEAD_CHARS},
    pipeline::entity::model,
};

mod corpus;
mod full;
mod kept;
mod pipeline;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SEED: u64 = 20_310_302;
const ARTICLES: usize = 2_000;
/// The best of so many rounds counts: all that disturbs a measurement makes it longer.
const ROUNDS: usize = 3;
/// As many as a batch holds.
const BATCH_ARTICLES: usize = 512;

/// What the stages work on; nothing of it is made while the clock runs.
struct Corpus {
    articles: Vec<Article>,
    alerts: Vec<Alert>,
}

struct Stage {
    name: &'static str,
    run: fn(&Corpus),
}

const STAGES: [Stage; 19] = [
    Stage { name: "article-id", run: article_id },
    Stage { name: "address", run: pipeline::addresses },
    Stage { name: "words", run: pipeline::words },
    Stage { name: "sketch", run: pipeline::sketch },
    Stage { name: "dedupe", run: pipeline::dedupe },
    Stage { name: "dedupe-window", run: full::dedupe_with_the_window },
    Stage { name: LARGE, run: full::dedupe_with_a_million },
    Stage { name: "window-start", run: pipeline::window_at_start },
    Stage { name: "names-quotes", run: pipeline::names_and_quotes },
    Stage { name: "names-10000", run: pipeline::names_tracked },
    Stage { name: "story-features", run: pipeline::story_features },
    Stage { name: "stories", run: pipeline::stories },
    Stage { name: "topics-1000", run: pipeline::topics },
    Stage { name: "journal", run: kept::journal },
    Stage { name: "index", run: kept::index },
    Stage { name: "whole", run: kept::whole },
    Stage { name: "alert-text", run: |corpus| each_alert(corpus, line::text) },
    Stage { name: "alert-json", run: |corpus| each_alert(corpus, line::json) },
    Stage { name: "alert-log", run: alert_log },
];

/// Fills an index with a million reports, which takes minutes: it runs only where it is named in full.
const LARGE: &str = "dedupe-million";

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let count = words.iter().position(|word| word == "--articles").and_then(|at| words.get(at + 1));
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(ARTICLES);
    let names: Vec<_> = words.iter().filter(|word| word.starts_with(char::is_alphabetic)).collect();
    let articles = corpus::articles(SEED, count);
    let bytes: usize = articles.iter().map(|article| article.text.len()).sum();
    let alerts = articles.iter().zip(1..).map(|(article, seq)| alert(article, seq)).collect();
    let corpus = Corpus { articles, alerts };
    let mut out = io::stdout().lock();
    writeln!(out, "{count} articles, {} bytes of text each; best of {ROUNDS} rounds", bytes / count.max(1))?;
    writeln!(
        out,
        "{:<16} {:>14} {:>15} {:>16}",
        "stage", "CPU µs/article", "of the process", "wall µs/article"
    )?;
    if names.is_empty() || names.iter().any(|name| "model".contains(name.as_str())) {
        let begun = cpu(ClockId::ThreadCPUTime);
        black_box(model::Model::unpack(model::PACKED).is_ok());
        let milliseconds = cpu(ClockId::ThreadCPUTime).saturating_sub(begun).as_secs_f64() * 1e3;
        writeln!(out, "the model of names is unpacked in {milliseconds:.1} ms")?;
    }
    for stage in &STAGES {
        let named = names.iter().any(|name| stage.name.contains(name.as_str()));
        let asked =
            if stage.name == LARGE { words.contains(&LARGE.to_owned()) } else { names.is_empty() || named };
        if asked {
            let [cpu, process, wall] = measured(stage, &corpus);
            writeln!(out, "{:<16} {cpu:>14.2} {process:>15.2} {wall:>16.2}", stage.name)?;
        }
    }
    Ok(())
}

/// Microseconds an article: of CPU time of the thread and of all threads, and of all time.
fn measured(stage: &Stage, corpus: &Corpus) -> [f64; 3] {
    let mut best = [f64::INFINITY; 3];
    for _ in 0..ROUNDS {
        let (begun, thread, process) =
            (Instant::now(), cpu(ClockId::ThreadCPUTime), cpu(ClockId::ProcessCPUTime));
        (stage.run)(corpus);
        let times = [
            cpu(ClockId::ThreadCPUTime).saturating_sub(thread),
            cpu(ClockId::ProcessCPUTime).saturating_sub(process),
            begun.elapsed(),
        ];
        for (best, time) in best.iter_mut().zip(times) {
            *best = best.min(per_article(time, corpus));
        }
    }
    best
}

#[expect(clippy::cast_precision_loss, reason = "a corpus is far smaller than 2^52 articles")]
fn per_article(time: Duration, corpus: &Corpus) -> f64 {
    time.as_secs_f64() * 1e6 / corpus.articles.len().max(1) as f64
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn article_id(corpus: &Corpus) {
    for article in &corpus.articles {
        let url = article.url.as_deref().unwrap_or_default();
        black_box(Id::of(&[article.outlet.as_bytes(), url.as_bytes()]));
    }
}

fn each_alert(corpus: &Corpus, print: fn(&Alert) -> String) {
    for alert in &corpus.alerts {
        black_box(print(alert));
    }
}

/// Written in batches and synced, to a file in the folder for temporary files.
#[expect(clippy::expect_used, reason = "a bench that cannot write has nothing to say")]
fn alert_log(corpus: &Corpus) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path: &Path = &folder.path().join("alerts.log");
    let mut log = AlertLog::open(path, Format::Text).expect("a log in it");
    for batch in corpus.alerts.chunks(BATCH_ARTICLES) {
        log.write(&batch.iter().collect::<Vec<_>>()).expect("room on its disk");
    }
}

fn alert(article: &Article, seq: u64) -> Alert {
    let id = Id(seq);
    let head = ArticleHead {
        id: ArticleId { report: id, revision: 1 },
        input_id: None,
        source: article.outlet.clone(),
        url: article.url.clone(),
        title: article.title.clone(),
        published: article.published,
        seen_at: article.seen_at,
        language: None,
        lead: article.text.chars().take(LEAD_CHARS).collect(),
    };
    Alert {
        seq,
        id,
        time: article.seen_at,
        kind: AlertKind::NewCoverage,
        topic: "bench".to_owned(),
        story: Some(id),
        article: Some(head),
        outlets: 4,
        new_outlet: true,
        independent: 3,
        reports: 5,
        copies: 0,
        new_entities: vec!["Ada Quill".to_owned(), "Bo Marsh".to_owned()],
        novel: article.text.split_inclusive('.').next().map(str::to_owned),
        score: 0.75,
        evidence: vec!["query".to_owned()],
        change: None,
        digest: None,
        feed: None,
    }
}
