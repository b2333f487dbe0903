//! `story`: one event, from its first report to its last.

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;

use super::{ConfigFlag, Failure};
use crate::{
    alert::line::harmless,
    article::{Id, Verdict},
    counted::counted,
    daemon,
    reading::{
        Asked,
        storyline::{QuoteGroup, Report, Storyline},
        wording::{Wording, wordings},
    },
};

/// Show a story: who reported what and when, what each report added, who is in it, who words a statement differently.
///
/// ID stands in the alerts' JSON, in decisions, and in `storywatch stories`. Copies are folded under their original.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// The story: 16 hexadecimal digits.
    #[arg(value_name = "ID")]
    id: String,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    config: ConfigFlag,
}

/// Most names shown.
const NAMES_SHOWN: usize = 12;

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    use std::io::Write;
    super::log_for_people();
    let config = super::config(&flags.config)?;
    let id: Id = flags.id.parse().with_context(|| format!("{:?}", flags.id))?;
    let found: Option<Storyline> = daemon::read(&config, &Asked::Story(id))?;
    let story =
        found.with_context(|| format!("no story is known by {id}: `storywatch stories` lists them"))?;
    let mut out = std::io::stdout().lock();
    if flags.json {
        serde_json::to_writer(&mut out, &story)?;
        writeln!(out)?;
    } else {
        out.write_all(in_words(&story).as_bytes())?;
    }
    Ok(())
}

fn in_words(story: &Storyline) -> String {
    let mut lines = vec![
        format!("{}  {}", story.id, harmless(&story.title)),
        format!(
            "  {}, {} independent{}, {}",
            counted(story.outlets, "outlet"),
            story.independent,
            match story.copies {
                0 => String::new(),
                copies => format!(", {}", counted(copies, "wire copy")),
            },
            counted(story.articles.len(), "report")
        ),
    ];
    let named: Vec<String> =
        story.entities.iter().take(NAMES_SHOWN).map(|named| harmless(&named.name)).collect();
    if !named.is_empty() {
        lines.push(format!("  {}", named.join(", ")));
    }
    lines.push(String::new());
    let resumed = story.resumed_by();
    for report in story.listed() {
        if resumed == Some(report.id) {
            lines.push(format!("  … {} reports and revisions between are left out …", story.left_out));
        }
        told(report, story, &mut lines);
    }
    let days = story.new_names();
    if !days.is_empty() {
        lines.extend([String::new(), "  new names by day:".to_owned()]);
    }
    for (day, names) in &days {
        let shown: Vec<String> = names.iter().take(NAMES_SHOWN).map(|name| harmless(name)).collect();
        let more = match names.len().saturating_sub(NAMES_SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        lines.push(format!("      {day}  {}{more}", shown.join(", ")));
    }
    for group in &story.quote_groups {
        lines.push(String::new());
        quoted(group, &mut lines);
    }
    lines.push(String::new());
    lines.join("\n")
}

fn told(report: &Report, story: &Storyline, lines: &mut Vec<String>) {
    let verdict = if report.verdict == Verdict::Copy { " (copy)" } else { "" };
    lines.push(format!(
        "  {}  {}{verdict}: {}",
        minute(report.seen_at),
        harmless(&report.source),
        harmless(&report.title)
    ));
    if let Some(novel) = &report.novel {
        lines.push(format!("      “{}”", harmless(novel)));
    }
    let new: Vec<String> = report.new_entities.iter().take(NAMES_SHOWN).map(|name| harmless(name)).collect();
    if !new.is_empty() {
        lines.push(format!("      new: {}", new.join(", ")));
    }
    for update in &report.updates {
        let changed = || update.novel.as_deref().unwrap_or("nothing that matters");
        let what = update.reason.as_deref().unwrap_or_else(changed);
        lines.push(format!("      {}  updated: {}", minute(update.seen_at), harmless(what)));
    }
    let copies: Vec<String> = story
        .articles
        .iter()
        .filter(|other| other.copy_of == Some(report.id))
        .map(|copy| harmless(&copy.source))
        .collect();
    if !copies.is_empty() {
        lines.push(format!("      printed by {} more: {}", copies.len(), copies.join(", ")));
    }
}

fn quoted(group: &QuoteGroup, lines: &mut Vec<String>) {
    let speaker = group.speaker.as_deref().map_or("speaker not known".to_owned(), harmless);
    lines.push(format!("  {speaker}, as each outlet has it:"));
    for wording in wordings(group) {
        let outlets: Vec<String> = wording.outlets.iter().map(|outlet| harmless(outlet)).collect();
        let only = if outlets.len() == 1 { "only " } else { "" };
        lines.push(format!("      {only}{}: “{}”", outlets.join(", "), marked(&wording)));
    }
}

/// What the first wording does not have stands between brackets.
fn marked(wording: &Wording) -> String {
    let mut text = String::new();
    for (at, char) in (0_u32..).zip(wording.text.chars().chain([' '])) {
        text.extend(wording.marks.iter().filter(|(_, to)| *to == at).map(|_| ']'));
        text.extend(wording.marks.iter().filter(|(from, _)| *from == at).map(|_| '['));
        text.push(char);
    }
    harmless(&text)
}

fn minute(time: Timestamp) -> String {
    time.strftime("%F %H:%M").to_string()
}
