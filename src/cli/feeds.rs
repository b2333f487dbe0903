//! `feeds`: their health, and lists of them from and for other readers.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::{Serializer, ser::SerializeSeq};
use serde_json::{Value, json};

use super::{ConfigFlag, Failure};
use crate::{
    alert::line::harmless,
    config::{Config, FeedKind},
    daemon::{self, Desk},
    health::{Health, Tally},
    source::{
        discover::{self, Discovered},
        opml::{self, Listed},
    },
};

/// Show how each feed is doing; find feeds; exchange lists of them with other readers.
///
/// The daemon never writes the config: `import` and `discover` print what to put into it.
#[derive(Args, Debug)]
pub(super) struct Flags {
    #[command(subcommand)]
    what: What,

    /// The config file [default: /etc/storywatch/storywatch.toml, else storywatch/storywatch.toml in the XDG folder].
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tell of each feed when it last answered, when it is asked next and why then, its failures, what was put right.
    List {
        /// Only feeds that fail, are gone, or have something to mend.
        #[arg(long)]
        failing: bool,

        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the feeds of another reader's OPML file as tables for the config.
    ///
    /// Feeds that the config has already are left out. `storywatch feeds import FILE >> storywatch.toml` adds the rest.
    Import {
        /// The OPML file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print the feeds of the config as OPML, for other readers.
    Export,
    /// Find the feeds and news sitemaps of a site.
    ///
    /// Asks for the page, for the feeds that it names (else for those at the usual places), and for the sitemaps of the
    /// site's robots.txt: some twenty requests at most, half a second apart. Only what could be read is shown.
    Discover {
        /// A page of the site, or a feed.
        #[arg(value_name = "URL")]
        url: String,

        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    super::log_for_people();
    let config = ConfigFlag { config: flags.config.clone() };
    match &flags.what {
        What::List { failing, json } => list(&super::config(&config)?, *failing, *json),
        What::Import { file } => import(flags.config.as_deref(), file),
        What::Export => export(&super::config(&config)?),
        What::Discover { url, json } => discover(url, *json),
    }
}

fn list(config: &Config, failing: bool, as_json: bool) -> Result<(), Failure> {
    let now = Timestamp::now();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut desk = Desk::new(config)?;
    if as_json {
        let mut serializer = serde_json::Serializer::pretty(&mut out);
        let mut shown = serializer.serialize_seq(None)?;
        daemon::each_feed(&mut desk, |feed| {
            let health = Health::of(feed, now);
            if !failing || health.needs_care() {
                shown.serialize_element(&health.json())?;
            }
            Ok(())
        })?;
        shown.end()?;
        writeln!(out)?;
    } else {
        let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let mut tally = Tally::default();
        daemon::each_feed(&mut desk, |feed| {
            let health = Health::of(feed, now);
            tally.count(&health);
            if !failing || health.needs_care() {
                out.write_all(health.in_words(coloured).as_bytes())?;
            }
            Ok(())
        })?;
        writeln!(out, "{}", tally.in_words())?;
    }
    desk.close()?;
    Ok(out.flush()?)
}

/// Most characters of a name in the config.
const NAME_CHARS_MAX: usize = 100;

fn import(config: Option<&Path>, file: &Path) -> Result<(), Failure> {
    let bytes = fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
    let list = opml::read(&bytes).with_context(|| format!("could not read {}", file.display()))?;
    let known: Vec<String> = match daemon::load_config(config) {
        Ok(config) => config.feeds.into_iter().map(|feed| feed.url).collect(),
        Err(faults) if config.is_some() => return Err(Failure::Config(faults)),
        // without a config of one's own nothing is known yet
        Err(_) => Vec::new(),
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let new: Vec<&Listed> = list.feeds.iter().filter(|feed| !known.contains(&feed.url)).collect();
    for feed in &new {
        writeln!(out, "\n[[feed]]\nurl = {}", quoted(&feed.url))?;
        for (key, value) in [("name", &feed.title), ("folder", &feed.folder)] {
            if let Some(value) = value {
                writeln!(out, "{key} = {}", quoted(value))?;
            }
        }
        if feed.secret {
            writeln!(out, "credentials = {}", quoted(&format!("{}.credentials", host(&feed.url))))?;
        }
    }
    out.flush()?;
    let feeds = if new.len() == 1 { "feed" } else { "feeds" };
    super::complain(&format!(
        "{} new {feeds}, {} known already, {} twice in the file",
        new.len(),
        list.feeds.len() - new.len(),
        list.repeated
    ));
    for refused in &list.refused {
        super::complain(&format!("left out, for it is no http(s) address: {}", harmless(refused)));
    }
    for page in &list.scraped {
        super::complain(&format!(
            "left out, for it is a page that the other reader makes a feed of: {}",
            harmless(page)
        ));
    }
    for feed in new.iter().filter(|feed| feed.secret) {
        super::complain(&format!(
            "{} had a user and a password in its address: write them into the file that `credentials` names",
            feed.url
        ));
    }
    Ok(())
}

fn host(url: &str) -> String {
    crate::source::net::outlet_of(url)
}

/// Text as TOML has it; JSON's escapes are among TOML's.
fn quoted(text: &str) -> String {
    let short: String =
        text.chars().take(if text.contains("://") { usize::MAX } else { NAME_CHARS_MAX }).collect();
    Value::String(short).to_string()
}

fn export(config: &Config) -> Result<(), Failure> {
    let feeds: Vec<Listed> = config
        .feeds
        .iter()
        .filter(|feed| feed.kind == FeedKind::Feed)
        .map(|feed| Listed {
            url: feed.url.clone(),
            title: Some(feed.name.clone()),
            folder: feed.folder.clone(),
            secret: false,
        })
        .collect();
    std::io::stdout().lock().write_all(opml::write("Feeds of Storywatch", &feeds).as_bytes())?;
    match config.feeds.len() - feeds.len() {
        0 => {}
        1 => super::complain("a sitemap is left out: OPML has no word for it"),
        more => super::complain(&format!("{more} sitemaps are left out: OPML has no word for them")),
    }
    Ok(())
}

fn discover(url: &str, as_json: bool) -> Result<(), Failure> {
    let url = if url.contains("://") { url.to_owned() } else { format!("https://{url}") };
    let watched = std::io::stderr().is_terminal();
    let asking = |url: &str| {
        if watched {
            super::complain(&format!("asking {}", harmless(url)));
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(discover::discover(&url, &asking));
    let found = found.map_err(|reason| anyhow!("could not read {url}: {reason}"))?;
    let mut out = std::io::stdout().lock();
    if as_json {
        serde_json::to_writer_pretty(&mut out, &json!(found))?;
        writeln!(out)?;
    } else {
        for feed in &found {
            writeln!(out, "{}", in_toml(feed))?;
        }
    }
    if found.is_empty() {
        super::complain(&format!("no feed was found at {url}"));
        return Err(Failure::Told);
    }
    Ok(())
}

/// A table for the config, with what was seen as comments.
fn in_toml(feed: &Discovered) -> String {
    let newest =
        feed.newest.map_or_else(|| "undated".to_owned(), |newest| format!("the newest of {newest:.0}"));
    let name = feed.title.as_deref().filter(|title| !title.trim().is_empty());
    let name = name.map_or(String::new(), |title| format!("name = {}\n", quoted(title)));
    format!(
        "# {}, entries: {}, {newest}\n[[{}]]\nurl = {}\n{name}",
        feed.format,
        feed.entries,
        feed.kind,
        quoted(&feed.url)
    )
}
