//! `inspect text`: the names and quotes of articles, as JSON or, for people, in colour.

use std::{
    borrow::Cow,
    io::{IsTerminal as _, Write},
    path::PathBuf,
};

use clap::Args;
use serde::Serialize;

use crate::{
    alert::line::harmless,
    article::{Article, Entity, EntityKind, Field, Found, Quote, Tagger},
    cli::{Failure, complain},
    pipeline::{entity, quote},
    source::format,
};

/// Most articles of one file.
const ARTICLES_MAX: usize = 10_000_000;

#[derive(Args, Debug)]
pub(super) struct Flags {
    /// Files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Print JSON, a line an article, also on a terminal.
    #[arg(long)]
    json: bool,
}

/// What is found in an article.
#[derive(Serialize)]
struct Read<'a> {
    input_id: Option<&'a str>,
    language: Option<String>,
    tagger: Tagger,
    entities: Vec<Entity>,
    quotes: Vec<Quote>,
}

/// How an article is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Json,
    Colour,
    /// For a terminal whose user wants no colour: the kinds stand in brackets.
    Plain,
}

/// Whether all could be read.
pub(super) fn run(flags: &Flags, out: &mut impl Write) -> Result<bool, Failure> {
    let look = look(flags.json);
    let names = entity::Names::compile(&[]);
    let mut good = true;
    for file in &flags.files {
        let found = match format::read_whole(file, ARTICLES_MAX) {
            Ok(found) => found,
            Err(rejected) => {
                good = false;
                complain(&format!("storywatch: {}: {}", rejected.place, rejected.reason));
                continue;
            }
        };
        for one in found {
            match one {
                Found::Article(article) => {
                    let read = read(&article, &names);
                    if look == Look::Json {
                        serde_json::to_writer(&mut *out, &read)?;
                        writeln!(out)?;
                    } else {
                        out.write_all(painted(&article, &read, look).as_bytes())?;
                    }
                }
                Found::Rejected(rejected) => {
                    good = false;
                    complain(&format!("storywatch: {}: {}", rejected.place, rejected.reason));
                }
            }
        }
    }
    Ok(good)
}

/// Colour only where a terminal can show it and its user has not said no (<https://no-color.org>).
fn look(json: bool) -> Look {
    if json || !std::io::stdout().is_terminal() {
        return Look::Json;
    }
    let refused = std::env::var_os("NO_COLOR").is_some_and(|said| !said.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    if refused || dumb { Look::Plain } else { Look::Colour }
}

fn read<'a>(article: &'a Article, names: &entity::Names) -> Read<'a> {
    let language = entity::language(&article.title, &article.text, article.language.as_deref());
    let (entities, quotes) = quote::read_alone(&article.title, &article.text, language.as_deref(), names);
    let tagger = entity::tagger_of(language.as_deref());
    Read { input_id: article.input_id.as_deref(), language, tagger, entities, quotes }
}

/// A place in a field, in characters, whether a name begins there or ends, and what is written there.
type Mark = (u32, bool, Cow<'static, str>);

fn painted(article: &Article, read: &Read<'_>, look: Look) -> String {
    let mut shown = String::new();
    for (field, text) in [(Field::Title, &article.title), (Field::Text, &article.text)] {
        if !text.is_empty() {
            paint(text, &marks(read, field, look), &mut shown);
            shown.push_str("\n\n");
        }
    }
    let quotes = read.quotes.iter().map(|quote| {
        format!("{}: “{}”", harmless(quote.speaker.as_deref().unwrap_or("?")), harmless(&quote.text))
    });
    let names = read.entities.iter().map(|entity| {
        let role = entity.role.as_ref().map_or(String::new(), |role| format!(", {}", harmless(role)));
        format!("{} ({}{role}; {}×)", harmless(&entity.name), word(entity.kind), entity.mentions.len())
    });
    let mut lines: Vec<String> = names.map(|name| format!("  names   {name}\n")).collect();
    lines.extend(quotes.map(|quote| format!("  quotes  {quote}\n")));
    if read.tagger == Tagger::Lists {
        let language = read.language.as_deref().unwrap_or("this language");
        lines.push(format!("  note    no model for {language}: names by lists alone\n"));
    }
    shown.extend(lines);
    shown.push('\n');
    shown
}

fn marks(read: &Read<'_>, field: Field, look: Look) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for entity in &read.entities {
        for mention in entity.mentions.iter().filter(|mention| mention.field == field) {
            let (open, close) = match look {
                Look::Colour => (Cow::from(colour(entity.kind)), Cow::from("\u{1b}[0m")),
                _ => (Cow::from("["), Cow::from(format!("|{}]", word(entity.kind)))),
            };
            marks.push((mention.start, true, open));
            marks.push((mention.end, false, close));
        }
    }
    marks.sort_by_key(|(at, opens, _)| (*at, *opens));
    marks
}

fn paint(text: &str, marks: &[Mark], shown: &mut String) {
    let mut marks = marks.iter().peekable();
    for (letter, at) in text.chars().chain(['\n']).zip(0..) {
        while let Some((_, _, mark)) = marks.next_if(|(place, ..)| *place <= at) {
            shown.push_str(mark);
        }
        if letter == '\n' || !letter.is_control() {
            shown.push(letter);
        }
    }
    shown.truncate(shown.trim_end_matches('\n').len());
}

fn colour(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Person => "\u{1b}[1;36m",
        EntityKind::Org => "\u{1b}[1;33m",
        EntityKind::Place => "\u{1b}[1;32m",
        EntityKind::Norp => "\u{1b}[35m",
        EntityKind::Event => "\u{1b}[34m",
    }
}

fn word(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Person => "person",
        EntityKind::Org => "org",
        EntityKind::Place => "place",
        EntityKind::Norp => "norp",
        EntityKind::Event => "event",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, language: &str, look: Look, expected: &str) {
        let article =
            Article { text: text.to_owned(), language: Some(language.to_owned()), ..Article::default() };
        let read = read(&article, &entity::Names::compile(&[]));
        assert_eq!(painted(&article, &read, look), expected);
    }

    #[test]
    fn kinds_have_colours() {
        check(
            "Né: Margaret Venn left.",
            "en",
            Look::Colour,
            "Né: \u{1b}[1;36mMargaret Venn\u{1b}[0m left.\n\n  names   Margaret Venn (person; 1×)\n\n",
        );
    }

    #[test]
    fn without_colour_kinds_stand_in_brackets() {
        check(
            "We met Margaret Venn",
            "en",
            Look::Plain,
            "We met [Margaret Venn|person]\n\n  names   Margaret Venn (person; 1×)\n\n",
        );
    }

    #[test]
    fn where_no_model_was_used_it_is_said() {
        check("og så", "da", Look::Plain, "og så\n\n  note    no model for da: names by lists alone\n\n");
    }
}
