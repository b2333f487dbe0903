//! Who wrote a page: JSON-LD, meta tags, marked elements, then what is called an author or a byline.

use dom_query::{Document, NodeRef};

use super::{
    body,
    byline::{byline, dated_byline, is_full_name, is_label, labelled, split},
    head::{Head, host_name, letters},
};
use crate::source::clean;

/// People named for one page.
const AUTHORS_MAX: usize = 20;

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

/// Marked elements in the order of trust: how many of each are read together, and how many one after the other until
/// one has names.
const MARKED: [(&str, usize, usize); 12] = [
    (
        "[class*='author-name'], [class*='author_name'], [class*='authorname'], [class*='byline-name'], [class*='byline__name'], [class*='author__name']",
        2,
        1,
    ),
    ("a[rel='author']", 3, 1),
    ("[itemprop='author'] [itemprop='name']", 3, 1),
    ("[itemprop='author']", 3, 1),
    ("[class*='byline'], [id*='byline']", 1, 2),
    (".author a", 1, 1),
    (
        "a[href*='/author/'], a[href*='/autor/'], a[href*='/authors/'], a[href*='/autoren/'], a[href*='/writers/'], a[href*='/staff/'], a[href*='/journalist']",
        1,
        3,
    ),
    (
        ".author, .vcard, [class*='post-author'], [class*='entry-author'], [class*='article-author'], [class*='article__author']",
        1,
        2,
    ),
    ("[class*='author'], [id*='author']", 1, 4),
    ("[class*='autor'], [id*='autor']", 1, 2),
    (".submitted .username, .itemPoster", 1, 1),
    ("a[href*='/profil/'], a[href*='/profile/']", 1, 1),
];

/// What is no name, as letters.
const NOBODY: [&str; 38] = [
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
    "alleartikel",
    "allartikel",
    "drupal",
];

pub(super) fn of(document: &Document, head: &Head, address: &str) -> Vec<String> {
    let site = letters(&head.site().unwrap_or_default());
    let host = letters(&host_name(address));
    let someone = |lines: &mut dyn Iterator<Item = String>| {
        let mut names: Vec<String> = Vec::new();
        for name in lines.flat_map(|line| split(&line)) {
            let own = letters(&name);
            let nobody = NOBODY.contains(&own.as_str()) || is_site(&own, &site, &host);
            if !nobody && names.len() < AUTHORS_MAX && !names.iter().any(|known| letters(known) == own) {
                names.push(name);
            }
        }
        names
    };
    let mut spare = Vec::new();
    if let Some(names) =
        head.stated.iter().find_map(|stated| full(&mut spare, someone(&mut stated.authors.iter().cloned())))
    {
        return names;
    }
    if let Some(names) = METAS
        .iter()
        .find_map(|name| full(&mut spare, someone(&mut head.meta(name).map(str::to_owned).into_iter())))
    {
        return names;
    }
    let is_signed = head.meta("twitter:label1").is_some_and(|label| {
        let label = label.to_lowercase();
        ["written", "verfasst", "écrit", "author"].iter().any(|word| label.contains(word))
    });
    if is_signed
        && let Some(names) =
            full(&mut spare, someone(&mut head.meta("twitter:data1").map(str::to_owned).into_iter()))
    {
        return names;
    }
    for (selector, together, tries) in MARKED {
        let found = document.select(selector);
        // one that is known by a word is not taken for one further down
        let tries = if spare.is_empty() { tries } else { 1 };
        let nodes: Vec<_> =
            found.nodes().iter().filter(|node| !is_of_comment(node)).take(together * tries).collect();
        let named = nodes.chunks(together).find_map(|nodes| {
            full(&mut spare, someone(&mut nodes.iter().map(|node| clean::line(&node.text()))))
        });
        if let Some(names) = named {
            return names;
        }
    }
    let lines = document.body().map(|body| body::lines(&body)).unwrap_or_default();
    let said = lines.iter().filter_map(|line| byline(&line.text));
    let below = lines.iter().zip(lines.iter().skip(1)).filter(|(label, _)| is_label(&label.text));
    let below = below.filter_map(|(_, line)| labelled(&line.text));
    if let Some(names) =
        said.chain(below).find_map(|line| full(&mut spare, someone(&mut std::iter::once(line))))
    {
        return names;
    }
    if spare.is_empty()
        && let Some(line) = lines.iter().find_map(|line| dated_byline(&line.text))
    {
        return someone(&mut std::iter::once(line));
    }
    if spare.is_empty() {
        return own_site(head, address).into_iter().collect();
    }
    spare
}

/// The full names of people; one word, or an office, is a name only where nothing better is said.
fn full(spare: &mut Vec<String>, names: Vec<String>) -> Option<Vec<String>> {
    let is_full = |name: &&String| name.split_whitespace().count() > 1 && !is_body(name);
    let full: Vec<String> = names.iter().filter(is_full).cloned().collect();
    if spare.is_empty() {
        *spare = names;
    }
    (!full.is_empty()).then_some(full)
}

/// Whose the whole site is, where it bears a person's name.
fn own_site(head: &Head, address: &str) -> Option<String> {
    let host = letters(&host_name(address));
    let site = head.site().unwrap_or_default();
    let ends = head.title.rsplit(['|', '–', '—', '»', '·']).next().unwrap_or_default();
    [site.as_str(), ends]
        .into_iter()
        .map(str::trim)
        .find(|name| letters(name) == host && is_full_name(name) && !is_paper(name))
        .map(str::to_owned)
}

/// Whether a name ends as those of newspapers do.
fn is_paper(name: &str) -> bool {
    const WORDS: [&str; 20] = [
        "anzeiger",
        "chronicle",
        "daily",
        "express",
        "gazette",
        "globe",
        "guardian",
        "herald",
        "journal",
        "kurier",
        "mail",
        "observer",
        "post",
        "review",
        "standard",
        "star",
        "tageblatt",
        "telegraph",
        "times",
        "tribune",
    ];
    let last = name.split_whitespace().next_back().unwrap_or_default().to_lowercase();
    WORDS.contains(&last.as_str())
}

/// Whether a name is the site's own, also with an article or a word more.
fn is_site(name: &str, site: &str, host: &str) -> bool {
    const LETTERS_MIN: usize = 6;
    let plain =
        ["die", "der", "das", "the", "le", "la", "el"].iter().find_map(|article| name.strip_prefix(article));
    let is = |own: &str| own == site || own == host;
    is(name) || plain.is_some_and(is) || (host.len() >= LETTERS_MIN && name.contains(host) && name != host)
}

/// Houses sign what nobody else does.
fn is_body(name: &str) -> bool {
    const WORDS: [&str; 28] = [
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
        "university",
        "institut",
        "institute",
        "landesanstalt",
        "ministerium",
        "ministry",
        "foundation",
        "association",
        "agentur",
        "agency",
        "verband",
        "zeitung",
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &[&str]) {
        let document = Document::from(html);
        let head = Head::of(&document, None);
        assert_eq!(of(&document, &head, "https://www.harbourpost.example/a"), expected, "{html}");
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
