//! `search`: where a word stands.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{ConfigFlag, Failure, tail::when};
use crate::{
    alert::{line::harmless, tail::Style},
    article::Verdict,
    daemon,
    reading::{
        Asked,
        found::{Found, HITS_MAX, Report, Search},
    },
    search::{self, Filter},
};

/// Search all articles, in the query language of topics.
///
/// Words that stand side by side must all occur: `search ferry strike`. Quoted for the shell, all else that a topic's
/// query may have is understood too: `search '"Port Maren" (strike* OR "walk out") NOT sport'`, `title:ferry`,
/// `ferry NEAR/5 bolts`. Asks the running daemon, or reads the journal where none runs.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// What to look for; without any, everything that passes the other flags.
    #[arg(value_name = "WORDS")]
    words: Vec<String>,

    /// Only of this outlet: its name, its host, or a domain above it.
    #[arg(long, value_name = "OUTLET")]
    outlet: Option<String>,

    /// Only what names this person, organisation or place.
    #[arg(long, value_name = "NAME")]
    entity: Option<String>,

    /// Only in this language, two or three letters such as en.
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    lang: Option<String>,

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

    /// What comes first: the newest, or what has most of the words.
    #[arg(long, value_enum, default_value_t = By::Date)]
    by: By,

    /// How many to show.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = count)]
    count: usize,

    /// How many to leave out before them.
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip: usize,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    config: ConfigFlag,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    Date,
    Relevance,
}

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=HITS_MAX) => Ok(count),
        _ => Err(format!("expected a number from 1 to {HITS_MAX}")),
    }
}

fn language(text: &str) -> Result<String, String> {
    let fits = (2..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    fits.then(|| text.to_owned()).ok_or_else(|| "expected two or three letters such as en".to_owned())
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    use std::io::Write;
    super::log_for_people();
    let config = super::config(&flags.config)?;
    let asked = Search {
        words: flags.words.join(" "),
        outlet: flags.outlet.clone(),
        entity: flags.entity.clone(),
        language: flags.lang.clone(),
        filter: Filter {
            topic: flags.topic.clone(),
            since: flags.since.map(Timestamp::as_second),
            until: flags.until.map(Timestamp::as_second),
            ..Filter::default()
        },
        by: match flags.by {
            By::Date => search::By::Date,
            By::Relevance => search::By::Relevance,
        },
        count: flags.count,
        skip: flags.skip,
    };
    let found: Found = daemon::read(&config, &Asked::Search(asked))?;
    let mut out = std::io::stdout().lock();
    if flags.json {
        serde_json::to_writer(&mut out, &found)?;
        writeln!(out)?;
        return Ok(());
    }
    let style = Style::text_for(&out);
    out.write_all(in_words(&found, flags.skip, style).as_bytes())?;
    Ok(())
}

fn in_words(found: &Found, skipped: usize, style: Style) -> String {
    if found.hits.is_empty() && (found.at_least || found.at_most) {
        return "no report found among the newest: name an outlet, a time or a rarer word beside it\n"
            .to_owned();
    }
    if found.hits.is_empty() {
        return if skipped > 0 && found.reports > 0 { "no more reports\n" } else { "no report found\n" }
            .to_owned();
    }
    let mut text = String::new();
    for report in &found.hits {
        one(report, style, &mut text);
    }
    let bound = match (found.at_least, found.at_most) {
        (true, _) => "more than ",
        (_, true) => "at most ",
        _ => "",
    };
    let (first, last) = (skipped + 1, skipped + found.hits.len());
    // Writing to a String cannot fail.
    if found.more {
        writeln!(text, "{first} to {last} of {bound}{}; more with --skip {last}", found.reports).ok();
    } else {
        let reports = if found.reports == 1 { "report" } else { "reports" };
        writeln!(text, "{bound}{} {reports}", found.reports).ok();
    }
    text
}

fn one(report: &Report, style: Style, text: &mut String) {
    let (bold, dim, mark, plain) = match style {
        Style::Colour => ("\u{1b}[1m", "\u{1b}[2m", "\u{1b}[1;33m", "\u{1b}[0m"),
        Style::Plain | Style::Json => ("", "", "", ""),
    };
    let when = report.published.unwrap_or(report.seen_at).strftime("%F %H:%M");
    let kind = if report.withdrawn {
        ", taken back"
    } else if report.verdict == Verdict::Copy {
        ", copy"
    } else {
        ""
    };
    let (source, title) = (harmless(&report.source), harmless(&report.title));
    writeln!(text, "{dim}{when}{plain}  {source}{kind}: {bold}{title}{plain}").ok();
    let mut passage = String::new();
    for (at, char) in (0_u32..).zip(report.snippet.chars()) {
        for (start, end) in &report.marks {
            if at == *end {
                passage.push_str(plain);
            }
            if at == *start {
                passage.push_str(mark);
            }
        }
        // One by one, so that the places of the marks hold: what is invisible goes, all else is as it was.
        if char == ' ' || !harmless(char.encode_utf8(&mut [0; 4])).is_empty() {
            passage.push(char);
        }
    }
    if !passage.is_empty() {
        writeln!(text, "    {passage}{plain}").ok();
    }
    let story = report.story.map(|story| format!("  story {story}")).unwrap_or_default();
    let url = report.url.as_deref().map(harmless).unwrap_or_default();
    writeln!(text, "    {dim}{url}{story}{plain}\n").ok();
}
