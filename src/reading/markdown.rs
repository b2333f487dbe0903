//! A story as Markdown, with its sources at the end.

use std::fmt::Write as _;

use super::{
    storyline::{Report, Storyline},
    wording::wordings,
};
use crate::article::{EntityKind, Verdict};

const NAMES_SHOWN: usize = 20;

/// The whole of it, for an editor, a wiki, a printer.
pub fn story(story: &Storyline) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    writeln!(text, "# {}\n", plain(&story.title)).ok();
    let reports = story.articles.len();
    writeln!(
        text,
        "{reports} {} of {} {}, {} independent{}. Story `{}`.\n",
        if reports == 1 { "report" } else { "reports" },
        story.outlets,
        if story.outlets == 1 { "outlet" } else { "outlets" },
        story.independent,
        match story.copies {
            0 => String::new(),
            1 => ", 1 wire copy".to_owned(),
            copies => format!(", {copies} wire copies"),
        },
        story.id
    )
    .ok();
    names(story, &mut text);
    writeln!(text, "## What each report added\n").ok();
    for (place, report) in story.articles.iter().enumerate() {
        if story.left_out > 0 && place == story.left_out_at {
            writeln!(text, "\n{} reports and revisions between these are left out.\n", story.left_out).ok();
        }
        told(place + 1, report, story, &mut text);
    }
    statements(story, &mut text);
    sources(story, &mut text);
    text
}

fn names(story: &Storyline, text: &mut String) {
    for (kind, title) in
        [(EntityKind::Person, "People"), (EntityKind::Org, "Organisations"), (EntityKind::Place, "Places")]
    {
        let of_kind = story.entities.iter().filter(|named| named.kind == kind).take(NAMES_SHOWN);
        let list: Vec<String> = of_kind.map(|named| plain(&named.name)).collect();
        if !list.is_empty() {
            writeln!(text, "**{title}:** {}\n", list.join(", ")).ok();
        }
    }
}

fn told(number: usize, report: &Report, story: &Storyline, text: &mut String) {
    let original = report.copy_of.and_then(|of| story.articles.iter().position(|other| other.id == of));
    let copy = match (report.verdict, original) {
        (Verdict::Copy, Some(original)) => format!(" (copy of {})", original + 1),
        (Verdict::Copy, None) => " (copy)".to_owned(),
        _ => String::new(),
    };
    let when = report.seen_at.strftime("%F %H:%M");
    let (source, title) = (plain(&report.source), plain(&report.title));
    writeln!(text, "- {when} UTC, **{source}**{copy}: {title} [{number}]").ok();
    if let Some(novel) = &report.novel {
        writeln!(text, "  > {}", plain(novel)).ok();
    }
    if !report.new_entities.is_empty() {
        let new: Vec<String> = report.new_entities.iter().map(|name| plain(name)).collect();
        writeln!(text, "  New: {}", new.join(", ")).ok();
    }
    for update in &report.updates {
        let what = update.reason.as_deref().or(update.novel.as_deref()).unwrap_or("nothing that matters");
        writeln!(text, "  - {} UTC, updated: {}", update.seen_at.strftime("%F %H:%M"), plain(what)).ok();
    }
}

fn statements(story: &Storyline, text: &mut String) {
    if story.quote_groups.is_empty() {
        return;
    }
    writeln!(text, "\n## Who says it differently\n").ok();
    for group in &story.quote_groups {
        let speaker = group.speaker.as_deref().map_or_else(|| "Speaker not known".to_owned(), plain);
        writeln!(text, "**{speaker}**\n").ok();
        for wording in wordings(group) {
            let outlets: Vec<String> = wording.outlets.iter().map(|outlet| plain(outlet)).collect();
            let only = if outlets.len() == 1 { "only " } else { "" };
            writeln!(text, "- “{}” ({only}{})", marked(&wording.text, &wording.marks), outlets.join(", "))
                .ok();
        }
        text.push('\n');
    }
}

/// What differs is strong.
fn marked(words: &str, marks: &[(u32, u32)]) -> String {
    let mut pieces: Vec<(bool, String)> = Vec::new();
    for (at, char) in (0_u32..).zip(words.chars()) {
        let differs = marks.iter().any(|(from, to)| (*from..*to).contains(&at));
        match pieces.last_mut() {
            Some((same, piece)) if *same == differs => piece.push(char),
            _ => pieces.push((differs, char.to_string())),
        }
    }
    let piece = |(differs, piece): (bool, String)| {
        let plain = escaped(&piece);
        if differs { format!("**{plain}**") } else { plain }
    };
    pieces.into_iter().map(piece).collect::<String>().trim().to_owned()
}

fn sources(story: &Storyline, text: &mut String) {
    writeln!(text, "\n## Sources\n").ok();
    for (place, report) in story.articles.iter().enumerate() {
        let when = report.published.unwrap_or(report.seen_at).strftime("%F %H:%M");
        let (source, title) = (plain(&report.source), plain(&report.title));
        write!(text, "{}. {source}, “{title}”, {when} UTC", place + 1).ok();
        if let Some(url) = report.url.as_deref().and_then(|url| url::Url::parse(url).ok()) {
            // An address as it is parsed has no blank and no bracket that would end it.
            write!(text, ", <{url}>").ok();
        }
        text.push('\n');
    }
}

/// One line in which nothing is markup.
fn plain(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    escaped(&line.join(" "))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&')
        {
            escaped.push('\\');
        }
        escaped.push(if char.is_whitespace() { ' ' } else { char });
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_markup() {
        assert_eq!(plain("a *b*\n# <i>[c](d)"), r"a \*b\* \# \<i\>\[c\](d)");
        assert_eq!(marked("not fit to_day", &[(4, 7)]), r"not **fit** to\_day");
    }
}
