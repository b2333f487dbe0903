//! `export`: what is stored, for other programs and for people elsewhere.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{ConfigFlag, Failure, tail::when};
use crate::{
    article::{Alert, Id},
    config::Config,
    daemon,
    reading::{
        Asked, atom,
        export::{Kind, Wanted},
        markdown,
        storyline::Storyline,
    },
};

/// Write what is stored for other programs: articles and decisions as JSON Lines, a story as Markdown, alerts as Atom.
///
/// `DuckDB`, pandas and the like read JSON Lines as a table: `duckdb -c "SELECT source, count(*) FROM 'articles.jsonl' GROUP
/// BY source"` after `storywatch export articles -o articles.jsonl`.
#[derive(Args, Debug)]
pub(super) struct Flags {
    #[command(subcommand)]
    what: What,

    /// Write to this file instead of the standard output; it appears once it is whole.
    #[arg(short, long, value_name = "FILE", global = true)]
    output: Option<PathBuf>,

    /// The config file [default: /etc/storywatch/storywatch.toml, else storywatch/storywatch.toml in the XDG folder].
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Articles, each revision a flat JSON object on a line, with text, verdict, story, topics, names and quotes.
    Articles(Which),
    /// Decisions, a JSON object a line, in the form that `ingest` prints; rejections too.
    Decisions(Which),
    /// A story as Markdown, with its sources.
    Story {
        /// The story: 16 hexadecimal digits.
        #[arg(value_name = "ID")]
        id: String,
    },
    /// The latest alerts as an Atom feed.
    Atom {
        /// Only of this topic.
        #[arg(long, value_name = "NAME")]
        topic: Option<String>,

        /// How many.
        #[arg(short = 'n', long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
        count: u16,
    },
}

#[derive(Args, Debug)]
struct Which {
    /// Only what belongs to this topic.
    #[arg(long, value_name = "NAME")]
    topic: Option<String>,

    /// Only what arrived then or later: a time (2026-03-02T15:04:05Z), a day (2026-03-02), or how long ago
    /// (90m, 12h, 3d).
    #[arg(long, value_name = "WHEN", value_parser = when)]
    since: Option<Timestamp>,

    /// Only what arrived before then.
    #[arg(long, value_name = "WHEN", value_parser = when)]
    until: Option<Timestamp>,
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    super::log_for_people();
    let config = super::config(&ConfigFlag { config: flags.config.clone() })?;
    let Some(path) = &flags.output else {
        let mut out = BufWriter::new(io::stdout().lock());
        write(&config, &flags.what, &mut out)?;
        out.flush()?;
        return Ok(());
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let unwritten = || format!("could not write {}", path.display());
    let beside = tempfile::Builder::new()
        .prefix(".storywatch-export-")
        .permissions(readable())
        .tempfile_in(folder.unwrap_or(std::path::Path::new(".")));
    let mut beside = beside.with_context(unwritten)?;
    let mut out = BufWriter::new(beside.as_file_mut());
    write(&config, &flags.what, &mut out)?;
    let file: &mut File = out.into_inner().map_err(io::IntoInnerError::into_error).with_context(unwritten)?;
    file.sync_all().with_context(unwritten)?;
    beside.persist(path).with_context(unwritten)?;
    Ok(())
}

/// As a file that was made in the plain way; the umask takes from it.
fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

fn write(config: &Config, what: &What, out: &mut dyn Write) -> anyhow::Result<()> {
    let wanted =
        |which: &Which| Wanted { topic: which.topic.clone(), since: which.since, until: which.until };
    match what {
        What::Articles(which) => daemon::export(config, Kind::Articles, &wanted(which), out).map(drop),
        What::Decisions(which) => daemon::export(config, Kind::Decisions, &wanted(which), out).map(drop),
        What::Story { id } => {
            let id: Id = id.parse().with_context(|| format!("{id:?}"))?;
            let found: Option<Storyline> = daemon::read(config, &Asked::LongStory(id))?;
            let story = found
                .with_context(|| format!("no story is known by {id}: `storywatch stories` lists them"))?;
            Ok(out.write_all(markdown::story(&story).as_bytes())?)
        }
        What::Atom { topic, count } => {
            let asked = Asked::Alerts { topic: topic.clone(), count: usize::from(*count) };
            let alerts: Vec<Alert> = daemon::read(config, &asked)?;
            let title =
                topic.as_ref().map_or("Storywatch".to_owned(), |topic| format!("Storywatch: {topic}"));
            Ok(out.write_all(atom::feed(&title, &alerts).as_bytes())?)
        }
    }
}
