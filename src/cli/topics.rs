//! `topics`: what is tracked, and how to begin with a new one.

use std::{fmt::Write as _, path::PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{ConfigFlag, Failure, backtest};
use crate::{
    alert::line::{harmless, showable},
    config::Config,
    daemon::{self, NewTopic, Tested},
    event::TrackedName,
};

/// List the topics with what they did in the last two weeks, try their sinks, or propose a new one.
#[derive(Args, Debug)]
pub(super) struct Flags {
    #[command(subcommand)]
    what: Option<What>,

    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,

    /// The config file [default: /etc/storywatch/storywatch.toml, else storywatch/storywatch.toml in the XDG folder].
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    New(New),
    /// Have the running daemon tell one alert, marked as a test, through every sink of a topic.
    Test {
        /// Which topic.
        name: String,
    },
}

/// Propose a topic from reports of the story that you want to follow.
///
/// Reads the samples, finds the names and words that set them apart, and prints a [[topic]] for the config, with what it
/// would have alerted over everything that is stored: copy it into the config, edit it to your liking, and reload.
///
/// A sample is a file (text, HTML, JSON Lines: whatever a drop takes), the id or address of a report that is stored, or
/// the address of any page, which is asked for once. What is no file yet is saved as one, because the config names
/// files; nothing else is changed.
#[derive(Args, Debug)]
struct New {
    /// What alerts will call the topic.
    name: String,

    /// Sample reports.
    #[arg(required = true, value_name = "FILE|URL|ID")]
    samples: Vec<String>,

    /// Where samples are saved that are no files yet [default: examples beside the config file].
    #[arg(long, value_name = "FOLDER")]
    save: Option<PathBuf>,
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    use std::io::Write as _;
    super::log_for_people();
    let config = super::config(&ConfigFlag { config: flags.config.clone() })?;
    let text = match &flags.what {
        None => {
            let status = &daemon::status_once(&config)?;
            let of_topics = status["of_topics"].as_array().cloned().unwrap_or_default();
            if flags.json {
                format!("{}\n", list_json(&config, &of_topics))
            } else {
                list(&config, &of_topics)
            }
        }
        Some(What::Test { name }) => return test(&config, name, flags.json),
        Some(What::New(New { name, samples, save })) => {
            let folder = save.clone().unwrap_or_else(|| daemon::sample_folder(&config));
            let new = daemon::new_topic(&config, (name, &folder), samples, &mut |sample, path| {
                super::complain(&format!("saved {} as {}", harmless(sample), path.display()));
            })?;
            if flags.json { format!("{}\n", new_json(&new)) } else { new_toml(&new)? }
        }
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// Tells a test alert, and fails where it did not get through everywhere.
fn test(config: &Config, name: &str, as_json: bool) -> Result<(), Failure> {
    use std::io::Write as _;
    let Tested { seq, sinks } = daemon::test_topic(config, name)?;
    let mut text = String::new();
    if as_json {
        let sinks = sinks.iter().map(|(sink, fault)| json!({ "sink": sink, "fault": fault }));
        writeln!(text, "{}", json!({ "seq": seq, "sinks": sinks.collect::<Value>() }))?;
    } else {
        writeln!(text, "test alert #{seq:06}")?;
        for (sink, fault) in &sinks {
            writeln!(text, "  {}: {}", harmless(sink), harmless(fault.as_deref().unwrap_or("delivered")))?;
        }
    }
    std::io::stdout().lock().write_all(text.as_bytes())?;
    if sinks.iter().any(|(_, fault)| fault.is_some()) { Err(Failure::Told) } else { Ok(()) }
}

/// What the daemon knows of a topic.
fn known<'a>(of_topics: &'a [Value], name: &str) -> &'a Value {
    of_topics.iter().find(|topic| topic["name"] == name).unwrap_or(&Value::Null)
}

fn list_json(config: &Config, of_topics: &[Value]) -> Value {
    let topics = config.topics.iter().map(|topic| {
        let known = known(of_topics, &topic.name);
        let names = topic.names.iter().map(|name| (name.name.clone(), json!(name.aliases)));
        json!({
            "name": topic.name,
            "query": topic.query,
            "names": names.collect::<serde_json::Map<_, _>>(),
            "examples": topic.examples,
            "not_examples": topic.not_examples,
            "sensitivity": topic.sensitivity,
            "matches": known["matches"],
            "alerts": known["alerts"],
            "suppressed": known["suppressed"],
            "last_alert": known["last_alert"],
            "held": known["held"],
        })
    });
    topics.collect()
}

fn list(config: &Config, of_topics: &[Value]) -> String {
    let mut text = String::new();
    if config.topics.is_empty() {
        let path = config.path.display();
        writeln!(text, "{path} has no topics: `storywatch topics new NAME FILE|URL...` proposes one").ok();
    }
    for topic in &config.topics {
        writeln!(text, "{}", harmless(&topic.name)).ok();
        let names: Vec<_> = topic.names.iter().map(|name| name.name.as_str()).collect();
        let paths = |paths: &[PathBuf]| {
            paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
        };
        if let Some(query) = &topic.query {
            // as it is written, so that it can be copied
            let lines: Vec<_> = query.split_whitespace().collect();
            writeln!(text, "  {:<9} {}", "query", showable(&lines.join(" "))).ok();
        }
        for (what, value) in [
            ("names", names.join(", ")),
            ("examples", paths(&topic.examples)),
            ("not like", paths(&topic.not_examples)),
        ] {
            if !value.is_empty() {
                writeln!(text, "  {what:<9} {}", harmless(&value)).ok();
            }
        }
        text.push_str(&two_weeks(known(of_topics, &topic.name)));
    }
    text
}

/// Matches and alerts of the last two weeks, the last alert, and what was not told.
fn two_weeks(known: &Value) -> String {
    let mut text = String::new();
    let days = |key: &str| -> Vec<u64> {
        known[key].as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
    };
    let (matches, alerts) = (days("matches"), days("alerts"));
    let most = matches.iter().chain(&alerts).copied().max().unwrap_or(0);
    if most == 0 {
        writeln!(text, "  no match in two weeks").ok();
    } else {
        for (what, days) in [("matches", &matches), ("alerts", &alerts)] {
            writeln!(text, "  {what:<9} {} {} in two weeks", sparkline(days, most), days.iter().sum::<u64>())
                .ok();
        }
    }
    if let Some(seq) = known.pointer("/last_alert/seq").and_then(Value::as_u64) {
        writeln!(
            text,
            "  last      {} #{seq:06}",
            known.pointer("/last_alert/time").and_then(Value::as_str).unwrap_or_default()
        )
        .ok();
    }
    let suppressed = known["suppressed"].as_object().into_iter().flatten();
    let mut suppressed: Vec<_> =
        suppressed.map(|(reason, count)| (count.as_u64().unwrap_or(0), reason)).collect();
    suppressed.sort_by(|a, b| b.cmp(a));
    if !suppressed.is_empty() {
        let words: Vec<_> = suppressed.iter().map(|(count, reason)| format!("{count} {reason}")).collect();
        writeln!(text, "  not told  {}", words.join(", ")).ok();
    }
    if let Some(reports) = known.pointer("/held/reports").and_then(Value::as_u64) {
        writeln!(text, "  waiting   {reports}, to be told together").ok();
    }
    text
}

/// A bar a day.
fn sparkline(days: &[u64], most: u64) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let bar = |count: &u64| match count {
        0 => '·',
        // From the second lowest up: one report is more than none.
        _ => BARS.get(usize::try_from(count * 7 / most.max(1)).unwrap_or(0)).copied().unwrap_or('█'),
    };
    days.iter().map(bar).collect()
}

fn new_json(new: &NewTopic) -> Value {
    let names = new.proposal.names.iter().map(|name| (name.name.clone(), json!(name.aliases)));
    json!({
        "name": new.name,
        "query": new.proposal.query,
        "query_holds_in": new.proposal.held,
        "samples": new.samples,
        "names": names.collect::<serde_json::Map<_, _>>(),
        "examples": new.examples,
        "backtest": new.tried.as_ref().map(backtest::as_json),
    })
}

fn new_toml(new: &NewTopic) -> Result<String, Failure> {
    let mut text = String::new();
    match &new.tried {
        None => writeln!(text, "# Nothing is stored yet that this topic could be tried on.")?,
        Some(tried) => {
            writeln!(text, "# Over what is stored, this topic would have done this:")?;
            for line in backtest::in_words(tried).lines() {
                writeln!(text, "{}", format!("#   {line}").trim_end())?;
            }
        }
    }
    writeln!(text, "[[topic]]\nname = {}", quoted(&new.name)?)?;
    if let Some(query) = &new.proposal.query {
        writeln!(text, "# holds in {} of {} samples", new.proposal.held, new.samples)?;
        writeln!(text, "query = {}", quoted(query)?)?;
    } else {
        writeln!(text, "# The samples share no names or words that other news would not have: no query.")?;
    }
    let examples = new.examples.iter().map(|path| quoted(&path.to_string_lossy()));
    writeln!(text, "examples = [{}]", examples.collect::<Result<Vec<_>, _>>()?.join(", "))?;
    let names = new.proposal.names.iter().map(spelled).collect::<Result<Vec<_>, _>>()?;
    if !names.is_empty() {
        writeln!(text, "# To be told of all else about these, too:\n# names = {{ {} }}", names.join(", "))?;
    }
    Ok(text)
}

/// A name with its other spellings, as an entry of an inline table.
fn spelled(name: &TrackedName) -> Result<String, serde_json::Error> {
    let aliases = name.aliases.iter().map(|alias| quoted(alias)).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("{} = [{}]", quoted(&name.name)?, aliases.join(", ")))
}

/// A string of JSON is one of TOML, too.
fn quoted(value: &str) -> Result<String, serde_json::Error> {
    serde_json::to_string(value)
}
