//! Who wrote a page: JSON-LD, meta tags, marked elements, then what is called an author or a byline.

use dom_query::{Document, NodeRef};

use super::{
    body,
    head::{Head, host_name, letters},
    published,
};
use crate::source::clean;

/// People named for one page.
const AUTHORS_MAX: usize = 20;

/// Longest byline, in characters.
const LINE_CHARS_MAX: usize = 200;

/// Longest name, in characters and words.
const NAME_CHARS_MAX: usize = 50;
const NAME_WORDS_MAX: usize = 5;

const METAS: [&str; 10] = [
    "author",
    "article:author",
    "dc.creator",
    "dcterms.creator",
    "parsely-author",
    "sailthru.author",
    "citation_author",
    "byl",
    "article:author_name",
    "cxenseparse:author",
];

/// Marked elements in the order of trust, and how many of each are read.
const MARKED: [(&str, usize); 10] = [
    ("a[rel='author']", 3),
    ("[itemprop='author'] [itemprop='name']", 3),
    ("[itemprop='author']", 3),
    (".author a", 1),
    (
        "[class*='author-name'], [class*='author_name'], [class*='authorname'], [class*='byline-name'], [class*='byline__name'], [class*='author__name']",
        2,
    ),
    ("a[href*='/author/'], a[href*='/autor/'], a[href*='/authors/'], a[href*='/autoren/']", 1),
    (
        ".author, .vcard, [class*='post-author'], [class*='entry-author'], [class*='article-author'], [class*='article__author']",
        1,
    ),
    ("[class*='byline'], [id*='byline']", 1),
    ("[class*='author'], [id*='author']", 1),
    ("[class*='autor'], [id*='autor']", 1),
];

/// What stands before a name.
const STARTS: [&str; 32] = [
    "by:",
    "by ",
    "von:",
    "von ",
    "par ",
    "por ",
    "di ",
    "door ",
    "av ",
    "af ",
    "written by ",
    "posted by ",
    "published by ",
    "author:",
    "author ",
    "autor:",
    "autor ",
    "autorin:",
    "autorin ",
    "auteur:",
    "auteur ",
    "text:",
    "text ",
    "geschrieben von ",
    "veröffentlicht von ",
    "erstellt von ",
    "eingestellt von ",
    "artikel von:",
    "artikel von ",
    "alle artikel von ",
    "written by:",
    "posted by:",
];

/// What ends a name.
const ENDS: [&str; 29] = [
    " | ",
    " • ",
    " · ",
    " – ",
    " — ",
    " - ",
    " am ",
    " on ",
    "(",
    "@",
    "http",
    " updated",
    " published",
    " posted",
    " veröffentlicht",
    " aktualisiert",
    " date",
    " tags",
    " quelle",
    " sagt",
    " says",
    " is a ",
    " ist ",
    ", staff",
    ", editor",
    ", reporter",
    " im gespräch",
    " im interview",
    " for the ",
];

/// What is no name, as letters.
const NOBODY: [&str; 37] = [
    "admin",
    "administrator",
    "editor",
    "staff",
    "author",
    "authors",
    "autor",
    "guest",
    "team",
    "webmaster",
    "user",
    "unknown",
    "anonymous",
    "by",
    "von",
    "kommentare",
    "kommentar",
    "share",
    "mehr",
    "more",
    "follow",
    "allposts",
    "artikel",
    "online",
    "news",
    "root",
    "leaveacomment",
    "home",
    "wordpress",
    "noauthor",
    "name",
    "posted",
    "postedon",
    "publiziertam",
    "allearticle",
    "allartikel",
    "drupal",
];

pub(super) fn of(document: &Document, head: &Head, address: &str) -> Vec<String> {
    let site = letters(&head.site().unwrap_or_default());
    let host = host_name(address);
    let someone = |lines: &mut dyn Iterator<Item = String>| {
        let mut names: Vec<String> = Vec::new();
        for name in lines.flat_map(|line| split(&line)) {
            let own = letters(&name);
            let nobody = NOBODY.contains(&own.as_str()) || own == site || own == host;
            if !nobody && names.len() < AUTHORS_MAX && !names.iter().any(|known| letters(known) == own) {
                names.push(name);
            }
        }
        names
    };
    let mut spare = Vec::new();
    // one word is a name only where nothing better is said
    let mut best = |names: Vec<String>| {
        let full: Vec<String> = names
            .iter()
            .filter(|name| name.split_whitespace().count() > 1 && !is_body(name))
            .cloned()
            .collect();
        if spare.is_empty() {
            spare = names;
        }
        (!full.is_empty()).then_some(full)
    };
    if let Some(names) =
        head.stated.iter().find_map(|stated| best(someone(&mut stated.authors.iter().cloned())))
    {
        return names;
    }
    if let Some(names) =
        METAS.iter().find_map(|name| best(someone(&mut head.meta(name).map(str::to_owned).into_iter())))
    {
        return names;
    }
    let labelled = head.meta("twitter:label1").is_some_and(|label| {
        let label = label.to_lowercase();
        ["written", "verfasst", "écrit", "author"].iter().any(|word| label.contains(word))
    });
    if labelled
        && let Some(names) = best(someone(&mut head.meta("twitter:data1").map(str::to_owned).into_iter()))
    {
        return names;
    }
    for (selector, most) in MARKED {
        let found = document.select(selector);
        let nodes = found.nodes().iter().filter(|node| !is_of_comment(node)).take(most);
        if let Some(names) = best(someone(&mut nodes.map(|node| clean::line(&node.text())))) {
            return names;
        }
    }
    let lines = document.body().map(|body| body::lines(&body)).unwrap_or_default();
    if let Some(names) = lines
        .iter()
        .filter_map(|line| byline(&line.text))
        .find_map(|line| best(someone(&mut std::iter::once(line))))
    {
        return names;
    }
    if spare.is_empty()
        && let Some(line) = lines.iter().find_map(|line| dated_byline(&line.text))
    {
        return someone(&mut std::iter::once(line));
    }
    spare
}

/// `6 May 2024 by Ann Lee`: a line that says when and who, and no more.
fn dated_byline(line: &str) -> Option<String> {
    const LINE_CHARS_MAX: usize = 70;
    let mark = [" by ", " von ", " par ", " por ", " di "].iter().find(|mark| line.contains(**mark))?;
    let (before, after) = line.split_once(*mark)?;
    let words: Vec<&str> = after.split_whitespace().collect();
    let named =
        (2..=3).contains(&words.len()) && words.iter().all(|word| word.starts_with(char::is_uppercase));
    (named && line.chars().count() <= LINE_CHARS_MAX && published::holds_date(before))
        .then(|| after.to_owned())
}

/// Houses sign what nobody else does.
fn is_body(name: &str) -> bool {
    const WORDS: [&str; 16] = [
        "gmbh",
        "e.v.",
        "e.v",
        "ag",
        "redaktion",
        "verlag",
        "stiftung",
        "magazin",
        "team",
        "editorial",
        "online",
        "media",
        "welle",
        "agencies",
        "news",
        "universität",
    ];
    name.to_lowercase().split_whitespace().any(|word| {
        WORDS.contains(&word)
            || [".de", ".com", ".at", ".org", ".net", "-archiv"].iter().any(|end| word.ends_with(end))
    })
}

/// Comments have authors too.
fn is_of_comment(node: &NodeRef<'_>) -> bool {
    const ANCESTORS_MAX: usize = 8;
    std::iter::once(*node).chain(node.ancestors_it(Some(ANCESTORS_MAX))).any(|node| {
        [node.class(), node.id_attr()]
            .into_iter()
            .flatten()
            .any(|name| name.to_lowercase().contains("comment"))
            && !node.has_name("body")
            && !node.has_name("html")
    })
}

/// A short line that begins as a byline does, with two names in capitals.
fn byline(line: &str) -> Option<String> {
    const BYLINE_CHARS_MAX: usize = 90;
    let rest = [
        "By ",
        "BY ",
        "Von ",
        "VON ",
        "Text: ",
        "Autor: ",
        "Author: ",
        "Written by ",
        "Geschrieben von ",
        "Posted by ",
    ]
    .iter()
    .find_map(|start| line.strip_prefix(start))?;
    let capital = |word: &&str| word.starts_with(char::is_uppercase);
    let named = rest.split_whitespace().take(2).filter(capital).count() == 2;
    (named && line.chars().count() <= BYLINE_CHARS_MAX).then(|| rest.to_owned())
}

/// The names in a byline.
fn split(line: &str) -> Vec<String> {
    if line.chars().count() > LINE_CHARS_MAX {
        return Vec::new();
    }
    let mut line = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    loop {
        let head: String = line.chars().take(24).collect();
        let Some(start) = STARTS.iter().find(|start| begins(&head, start)) else { break };
        line = line.get(start.len()..).unwrap_or_default().trim_start_matches(|c: char| !c.is_alphanumeric());
    }
    let lower = line.to_lowercase();
    // lower case of another length would shift the places
    let end =
        ENDS.iter().filter_map(|end| lower.find(end)).chain(line.find(|c: char| c.is_ascii_digit())).min();
    let line = match end {
        Some(end) if lower.len() == line.len() => line.get(..end).unwrap_or(line),
        _ => line,
    };
    let mut parts = vec![line.to_owned()];
    for mark in [",", ";", "&", " and ", " und ", " et ", " y ", " og ", " och ", " with ", " mit "] {
        parts = parts.iter().flat_map(|part| part.split(mark)).map(str::to_owned).collect();
    }
    parts.iter().filter_map(|part| name(part)).collect()
}

fn begins(head: &str, start: &str) -> bool {
    head.get(..start.len()).is_some_and(|head| head.to_lowercase() == *start)
}

fn name(part: &str) -> Option<String> {
    let trimmed = part.trim_matches(|c: char| c.is_whitespace() || ":,-–—|·•\"'*".contains(c));
    // a picture beside it often says the name again
    let trimmed = match trimmed.split_at_checked(trimmed.len() / 2) {
        Some((first, second)) if first.trim() == second.trim() && first.contains(' ') => first.trim(),
        _ => trimmed,
    };
    let (words, length) = (trimmed.split_whitespace().count(), trimmed.chars().count());
    let sound = (1..=NAME_WORDS_MAX).contains(&words)
        && (3..=NAME_CHARS_MAX).contains(&length)
        && trimmed.chars().any(char::is_alphabetic)
        && !trimmed.contains("www.")
        && !trimmed.contains('©');
    sound.then(|| trimmed.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &[&str]) {
        let document = Document::from(html);
        let head = Head::of(&document, None);
        assert_eq!(of(&document, &head, "https://www.harbourpost.example/a"), expected, "{html}");
    }

    #[test]
    fn bylines_are_split() {
        assert_eq!(split("By Ann Lee, Bo Ek and Cy Dee"), ["Ann Lee", "Bo Ek", "Cy Dee"]);
        assert_eq!(split("Written by: Ann Lee | 6 May 2024"), ["Ann Lee"]);
        assert_eq!(split("Erstellt von Ann Lee am Montag"), ["Ann Lee"]);
        assert_eq!(split("wire/al"), ["wire/al"]);
    }

    #[test]
    fn the_order_of_trust() {
        let text = "<p>By Cy Dee</p>";
        check(text, &["Cy Dee"]);
        let called = format!(
            "<div class=comment><b class=author>Fay Orr</b></div><span class=post-author>von Bo Ek</span>{text}"
        );
        check(&called, &["Bo Ek"]);
        let meta = format!("<meta name=author content='Ann Lee'>{called}");
        check(&meta, &["Ann Lee"]);
    }

    #[test]
    fn a_dated_line_names_its_author() {
        check("<p>6. Mai 2024 von Ann Lee</p>", &["Ann Lee"]);
        check("<a rel=author>Ann Lee Ann Lee</a>", &["Ann Lee"]);
        check("<p>In 2024 it was sold by Ann Lee to others</p>", &[]);
        check("<meta name=author content='Harbour Stiftung e.V.'><p>By Bo Ek</p>", &["Bo Ek"]);
    }

    #[test]
    fn a_site_or_an_office_is_nobody() {
        check(
            "<meta name=author content='Harbour Post'><meta property=og:site_name content='Harbour Post'>",
            &[],
        );
        check("<meta name=author content=admin><a rel=author>Ann Lee</a>", &["Ann Lee"]);
        check("<meta name=author content=annlee>", &["annlee"]);
    }
}
