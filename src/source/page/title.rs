//! A page's headline: the heading that the head's own titles hold, else what they say without the site's name.

use dom_query::Document;

use super::head::{Head, host_name, letters};
use crate::source::clean;

/// Headings of one kind that are looked at.
const HEADINGS_MAX: usize = 60;

/// Longest headline, in characters.
const TITLE_CHARS_MAX: usize = 300;

/// A heading says something from so many letters on.
const LETTERS_MIN: usize = 4;

pub(super) fn of(document: &Document, head: &Head, address: &str) -> String {
    let site = letters(&head.site().unwrap_or_default());
    let host = letters(&host_name(address));
    let stated = head.said(|stated| stated.headline.as_deref().map(clean::html_line)).unwrap_or_default();
    let shared = head.meta("og:title").unwrap_or_default();
    let titles =
        [head.title.as_str(), shared, stated.as_str(), head.meta("twitter:title").unwrap_or_default()];
    let known: Vec<String> =
        titles.iter().map(|title| letters(title)).filter(|title| !title.is_empty()).collect();
    let mut first = Vec::new();
    for kind in ["h1", "h2"] {
        let headings = headings(document, kind);
        let fits = headings.iter().filter(|line| {
            let own = letters(line);
            own.chars().count() >= LETTERS_MIN
                && line.split_whitespace().count() > 1
                && own != site
                && own != host
                && known.iter().any(|title| title.contains(&own))
        });
        if let Some(longest) = fits.rev().max_by_key(|line| line.chars().count()) {
            return longest.clone();
        }
        if kind == "h1" {
            first = headings;
        }
    }
    let first: Vec<String> = first
        .into_iter()
        .filter(|line| line.split_whitespace().count() > 1 && ![&site, &host].contains(&&letters(line)))
        .collect();
    let short = |title: &str| without_site(&without_site(title, &site), &host);
    let shorter: Vec<String> = [shared, &head.title].iter().map(|title| letters(&short(title))).collect();
    let holds = |line: &&String| {
        let own = letters(line);
        shorter.iter().any(|title| title.chars().count() > 12 && own.contains(title.as_str()))
    };
    if let Some(heading) = first.iter().find(holds) {
        return heading.clone();
    }
    if !stated.is_empty() {
        return stated;
    }
    if !shared.is_empty() {
        return short(shared);
    }
    match first.as_slice() {
        [only] => only.clone(),
        _ if !head.title.is_empty() => short(&head.title),
        _ => first.into_iter().next().unwrap_or_default(),
    }
}

fn headings(document: &Document, kind: &str) -> Vec<String> {
    let found = document.select(kind);
    let lines = found.iter().take(HEADINGS_MAX).map(|heading| clean::line(&heading.text()));
    lines.filter(|line| !line.is_empty() && line.chars().count() <= TITLE_CHARS_MAX).collect()
}

/// `Crane falls | The Post` without the site's name at either end.
fn without_site(title: &str, site: &str) -> String {
    const MARKS: [&str; 9] = [" | ", " - ", " – ", " — ", " » ", " · ", " • ", "|", " :: "];
    if site.chars().count() < 3 {
        return title.to_owned();
    }
    let names = |part: &str| {
        let part = letters(part);
        !part.is_empty() && (site.contains(&part) || part.contains(site))
    };
    for mark in MARKS {
        if let Some((before, after)) = title.rsplit_once(mark)
            && names(after)
        {
            return without_site(before.trim(), site);
        }
        if let Some((before, after)) = title.split_once(mark)
            && names(before)
        {
            return without_site(after.trim(), site);
        }
    }
    title.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &str) {
        let document = Document::from(html);
        let address = "https://www.harbourpost.example/a";
        assert_eq!(of(&document, &Head::of(&document, Some(address)), address), expected, "{html}");
    }

    #[test]
    fn the_heading_that_the_title_holds() {
        check(
            "<title>Crane falls – Harbour Post</title><h1>Harbour Post</h1><h1>Crane falls</h1>",
            "Crane falls",
        );
        check(
            "<title>Crane falls | Harbour Post</title><h1>News of today</h1><h2>Crane falls</h2>",
            "Crane falls",
        );
    }

    #[test]
    fn a_longer_heading_over_a_shortened_title() {
        check(
            "<title>Crane falls in harbour - Harbour Post</title><h1>Crane falls in harbour, one hurt</h1>",
            "Crane falls in harbour, one hurt",
        );
    }

    #[test]
    fn else_the_head_says_it_without_the_site() {
        check("<title>Harbour Post | Crane falls | Harbour Post</title>", "Crane falls");
        check(
            "<meta property=og:site_name content='The Post'><meta property=og:title content='Crane falls — The Post'>",
            "Crane falls",
        );
        check("<h1>Crane falls</h1>", "Crane falls");
        check("", "");
    }
}
