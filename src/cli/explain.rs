//! `explain`: why an article did what it did.

mod advice;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::{ConfigFlag, Failure};
use crate::{
    config::Config,
    daemon::{self, Explained},
};

/// Tell why an article did, or did not, alert.
///
/// FILE|URL|ID is a file in any drop format (what it would do now, nothing is stored), or the address or id of an
/// article that was decided before. Shows what it was compared with, which story it joined, and for each topic what
/// counted and what was missing, and what to add to a topic that should see it otherwise. Never fetches anything.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// A file, an address, or an id as decisions and alerts give it.
    #[arg(value_name = "FILE|URL|ID")]
    target: String,

    /// Save the stored article as a file, for a topic's `examples` or `not_examples`.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,

    /// Print the decision as JSON, with "why".
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    config: ConfigFlag,
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    use std::io::Write;
    super::log_for_people();
    let config = super::config(&flags.config)?;
    let explained = daemon::explain(&config, &flags.target)?;
    if let Some(path) = &flags.save {
        daemon::save_stored(&config, &flags.target, path)?;
    }
    let (answers, known) = match explained {
        Explained::Known(answers) => (answers, true),
        Explained::Unknown(answer) => (vec![answer], false),
    };
    let mut out = std::io::stdout().lock();
    let alone = answers.len() == 1;
    for mut answer in answers {
        let sample = sample_of(flags, &config, &answer)?.filter(|_| alone && known);
        let advice =
            sample.as_ref().map_or_else(Vec::new, |sample| advice::of(&config.topics, &answer, &sample.path));
        if flags.json {
            if let Some(why) = answer.get_mut("why").and_then(Value::as_object_mut) {
                why.insert("advice".to_owned(), advice.iter().map(advice::Advice::json).collect());
            }
            writeln!(out, "{answer}")?;
            continue;
        }
        out.write_all(in_words(&answer).as_bytes())?;
        for advice in &advice {
            writeln!(out, "{}", advice.in_words())?;
        }
        if let Some(Sample { id: Some(id), path }) = sample.filter(|_| !advice.is_empty()) {
            writeln!(out, "            save it with: storywatch explain {id} --save {}", path.display())?;
        }
    }
    if known { Ok(()) } else { Err(Failure::Told) }
}

/// The file that holds an article, or that it can be saved to.
struct Sample {
    /// Under which it is stored, where it has yet to be saved.
    id: Option<String>,
    path: PathBuf,
}

fn sample_of(flags: &Flags, config: &Config, answer: &Value) -> std::io::Result<Option<Sample>> {
    let file = Path::new(&flags.target);
    if let Some(path) = flags.save.as_deref().or(Some(file).filter(|file| file.is_file())) {
        return Ok(Some(Sample { id: None, path: std::path::absolute(path)? }));
    }
    let expired = answer.pointer("/why/text_expired").is_some();
    let id = answer.pointer("/article/id").and_then(Value::as_str).filter(|_| !expired);
    Ok(id.map(|id| Sample {
        id: Some(id.to_owned()),
        path: daemon::sample_folder(config).join(format!("{id}.json")),
    }))
}

/// An answer for people.
fn in_words(answer: &Value) -> String {
    let mut lines = Vec::new();
    if let Some(error) = answer["error"].as_str() {
        return format!("{error}\n");
    }
    let article = &answer["article"];
    lines.push(format!("{}  {}", word(&article["id"]), word(&article["title"])));
    let outlet = article["source"].as_str().filter(|outlet| !outlet.is_empty()).unwrap_or("not known");
    lines.push(format!("  outlet    {}", crate::alert::line::harmless(outlet)));
    let of = answer["of"].as_str().map_or(String::new(), |of| {
        let share = 100.0 * answer["similarity"].as_f64().unwrap_or(0.0);
        format!(" of {of}: {share:.0} % of the shorter text stands in the other")
    });
    lines.push(format!("  verdict   {}{of}", word(&answer["verdict"])));
    if answer["copy_of"].is_string() {
        lines.push(format!(
            "            its text is now that of {}: it counts as a copy",
            word(&answer["copy_of"])
        ));
    }
    let change = &answer["change"];
    lines.extend(passage(&change["added"], "new in it"));
    lines.extend(passage(&change["removed"], "gone from it"));
    lines.push(format!("  story     {}", word(&answer["story"])));
    let fits_too = rows(&answer["fits_too"]).map(word).collect::<Vec<_>>();
    if !fits_too.is_empty() {
        lines.push(format!("            fits also {}", fits_too.join(", ")));
    }
    let names = rows(&answer["entities"]).map(|entity| word(&entity["name"])).collect::<Vec<_>>();
    lines.push(format!("  names     {}", names.join(", ")));
    if answer["tagger"] == "lists" {
        lines.push(format!("            by lists alone: no model for {}", word(&article["language"])));
    }
    for found in rows(&answer["matches"]) {
        lines.push(format!(
            "  topic     {}: {} ({:.2}; {})",
            word(&found["topic"]),
            word(&found["outcome"]),
            found["score"].as_f64().unwrap_or(0.0),
            evidence(found)
        ));
    }
    let why = &answer["why"];
    for missed in rows(&why["topics_missed"]) {
        let spoke = evidence(missed);
        let spoke = if spoke.is_empty() { String::new() } else { format!("; for it spoke: {spoke}") };
        lines.push(format!("  not       {}: {}{spoke}", word(&missed["topic"]), word(&missed["missing"])));
    }
    for compared in rows(&why["compared"]) {
        lines.push(format!(
            "  compared  {}: {:.0} % of the shorter text shared{}: {}",
            word(&compared["id"]),
            100.0 * compared["shared"].as_f64().unwrap_or(0.0),
            match compared["longest_difference_words"].as_u64() {
                None | Some(0) => String::new(),
                Some(1) => ", but for single words".to_owned(),
                Some(words) => format!(", at most {words} words in a row not"),
            },
            word(&compared["because"])
        ));
        if let Some(title) = compared["title"].as_str() {
            let title = crate::alert::line::harmless(title);
            lines.push(format!("            {} \"{title}\"", word(&compared["source"])));
        }
        lines.extend(passage(&compared["only_here"], "only here"));
        lines.extend(passage(&compared["only_there"], "only there"));
    }
    for story in rows(&why["stories"]) {
        lines.push(format!(
            "  like      story {} (nearest {}): {:.2}, joins from 0 on",
            word(&story["story"]),
            word(&story["nearest"]),
            story["score"].as_f64().unwrap_or(0.0)
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The beginning of a passage, where there is one.
fn passage(passage: &Value, what: &str) -> Option<String> {
    /// As much as tells which passage it is.
    const CHARS: usize = 120;
    let text = crate::alert::line::harmless(passage.as_str()?);
    let dots = if text.chars().count() > CHARS { " …" } else { "" };
    Some(format!("            {what}: “{}{dots}”", text.chars().take(CHARS).collect::<String>()))
}

fn rows(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => crate::alert::line::harmless(text),
        other => other.to_string(),
    }
}

fn evidence(found: &Value) -> String {
    rows(&found["evidence"]).map(word).collect::<Vec<_>>().join("; ")
}
