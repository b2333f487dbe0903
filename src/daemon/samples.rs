//! Sample reports for a topic: files, pages on the web, and reports that are stored. What is no file yet becomes one,
//! because a config names its samples by their paths.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use serde_json::{Value, json};

use super::{
    feeds::fetch_limits,
    questions::Desk,
    rules::{SAMPLES_MAX, read_articles},
};
use crate::{
    article::Article,
    config::Config,
    serve::control,
    source::{
        FetchLimits,
        fetch::{Fetched, Fetcher, Outcome, Request},
        page,
        turns::Turns,
    },
};

/// Files that may bear the same name but for a number.
const NUMBERS_MAX: u32 = 1_000;

/// Sample articles, and the files that hold them, absolute.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub(super) articles: Vec<Article>,
    pub(super) files: Vec<PathBuf>,
}

/// Reads files, reports that are stored (by id or address), and pages that are not; these two are saved into `folder` as
/// `NAME-1.json` and so on. `saved` hears what became of each.
pub(super) fn read(
    config: &Config,
    (name, folder): (&str, &Path),
    wanted: &[String],
    saved: &mut dyn FnMut(&str, &Path),
) -> anyhow::Result<Samples> {
    let mut samples = Samples::default();
    let mut desk = Desk::new(config)?;
    let mut web = None;
    for one in wanted {
        let path = if Path::new(one).is_file() {
            std::path::absolute(one)?
        } else {
            let report = match desk.ask(control::Request::Article(one.clone()))? {
                stored if stored.get("text").is_some() => stored,
                _ if is_address(one) => {
                    let web = match &mut web {
                        Some(web) => web,
                        none => none.insert(Web::new(config)?),
                    };
                    web.page(one)?
                }
                unknown => bail!("{one} is no file, and no address of a page; {}", error_of(&unknown, one)),
            };
            let path = save(&report, name, folder)?;
            saved(one, &path);
            path
        };
        let articles = read_articles(&path)
            .map_err(|fault| anyhow!("the sample {} could not be read: {fault}", path.display()))?;
        samples.articles.extend(articles);
        samples.files.push(path);
    }
    desk.close()?;
    samples.articles.truncate(SAMPLES_MAX);
    Ok(samples)
}

/// A stored report, by id or address, as a file that can serve as a sample.
///
/// # Errors
/// When no such report is stored, its text has expired, or the file cannot be written.
pub fn save_stored(config: &Config, target: &str, path: &Path) -> anyhow::Result<()> {
    let mut desk = Desk::new(config)?;
    let report = desk.ask(control::Request::Article(target.to_owned()))?;
    desk.close()?;
    if report.get("text").is_none() {
        bail!(error_of(&report, target));
    }
    let written = create(path).and_then(|mut file| writeln!(file, "{report:#}"));
    written.with_context(|| format!("could not write {}", path.display()))
}

fn error_of(answer: &Value, target: &str) -> String {
    answer["error"].as_str().map_or_else(|| format!("no article is known by {target}"), ToOwned::to_owned)
}

fn is_address(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// A new file: what is there already is never written over.
fn create(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).open(path)
}

/// Writes a report under the first name that is free.
fn save(report: &Value, name: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    let failed = || format!("could not save a sample in {}: choose a folder with --save", folder.display());
    let plain = |char: char| if char.is_alphanumeric() || "-_.".contains(char) { char } else { '-' };
    let name: String = name.trim_start_matches('.').chars().map(plain).collect();
    fs::create_dir_all(folder).with_context(failed)?;
    for number in 1..=NUMBERS_MAX {
        let path = folder.join(format!("{name}-{number}.json"));
        match create(&path) {
            Ok(mut file) => {
                writeln!(file, "{report:#}").with_context(failed)?;
                return Ok(std::path::absolute(path)?);
            }
            Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {}
            Err(fault) => return Err(fault).with_context(failed),
        }
    }
    bail!("{} holds {NUMBERS_MAX} samples of {name} already", folder.display())
}

/// Pages, asked for one after the other, with the config's pause between two of one host.
struct Web {
    runtime: tokio::runtime::Runtime,
    limits: FetchLimits,
    turns: Turns,
}

impl Web {
    fn new(config: &Config) -> anyhow::Result<Self> {
        let (limits, _) = fetch_limits(config);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let turns = Turns::new(Duration::from_secs(u64::from(limits.per_host_gap_secs)));
        Ok(Self { runtime, limits, turns })
    }

    /// The report in a page, as a drop takes it.
    fn page(&mut self, address: &str) -> anyhow::Result<Value> {
        let Self { runtime, limits, turns } = self;
        let fetched = runtime.block_on(async {
            turns.wait(address).await;
            fetch_once(address, limits).await
        });
        let fetched = fetched.with_context(|| format!("could not read {address}"))?;
        let page = page::read(&fetched.body, fetched.content_type.as_deref(), Some(&fetched.url))
            .with_context(|| format!("could not find an article in {address}: save its text to a file"))?;
        Ok(json!({
            "url": page.canonical_url.or(page.url),
            "title": page.title,
            "text": page.text,
            "published": page.published,
            "language": page.language,
            "authors": page.authors,
        }))
    }
}

/// Asks an address once. What the user names may be private; where it redirects to may not.
///
/// # Errors
/// Why there is no answer.
pub async fn fetch_once(address: &str, limits: &FetchLimits) -> anyhow::Result<Fetched> {
    let parsed = url::Url::parse(address)?;
    let named = parsed.host_str().zip(parsed.port_or_known_default());
    let exempt = named.and_then(|(host, port)| format!("{host}:{port}").parse().ok());
    let allow_private = limits.allow_private.iter().cloned().chain(exempt).collect();
    let fetcher = Fetcher::new(&FetchLimits { allow_private, ..limits.clone() });
    let request = Request { url: address, configured: Some(address), ..Request::default() };
    match fetcher.get(request).await {
        Outcome::Fetched(fetched) => Ok(*fetched),
        Outcome::NotModified(_) => {
            bail!("the server says that nothing has changed, though nothing was known")
        }
        Outcome::Transient(failure) | Outcome::Permanent(failure) | Outcome::Gone(failure) => {
            bail!("{}", failure.reason)
        }
    }
}

/// Where samples are saved that are no files yet: beside the config.
pub fn sample_folder(config: &Config) -> PathBuf {
    config.path.parent().unwrap_or(Path::new(".")).join("examples")
}
