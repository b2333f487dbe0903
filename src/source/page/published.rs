//! When a page was published, by what is trusted most: JSON-LD, meta tags, the address, marked elements, elements that are
//! called so, and last the text itself.

use dom_query::{Document, NodeRef};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use super::{body, head::Head};
use crate::source::date;

/// Meta tags in the order of trust.
const METAS: [&str; 38] = [
    "article:published_time",
    "og:published_time",
    "og:article:published_time",
    "datepublished",
    "date.published",
    "article.published",
    "publishdate",
    "publish_date",
    "publish-date",
    "pubdate",
    "publication_date",
    "publicationdate",
    "published_time",
    "parsely-pub-date",
    "sailthru.date",
    "dc.date.issued",
    "dcterms.issued",
    "dc.date",
    "dcterms.date",
    "dcterms.created",
    "dc.date.created",
    "dc.created",
    "citation_publication_date",
    "citation_date",
    "date",
    "article_date_original",
    "articlepublished",
    "cxenseparse:recs:publishtime",
    "cxenseparse:publishtime",
    "originalpublicationdate",
    "release_date",
    "rnews:datepublished",
    "displaydate",
    "video:release_date",
    "datecreated",
    "created",
    "timestamp",
    "prism.publicationdate",
];

/// Names in the page's own scripts.
const SCRIPT_NAMES: [&str; 10] = [
    "datePublished",
    "date_published",
    "publishedAt",
    "publishDate",
    "publishedDate",
    "pubDate",
    "date_publish",
    "firstPublished",
    "published_at",
    "dateCreated",
];

/// Marked elements in the order of trust.
const MARKED: [&str; 8] = [
    "[itemprop='datePublished']",
    "[property='datePublished'], [property='schema:datePublished'], [property='dc:date dc:created']",
    "time[pubdate]",
    "time[class*='publish'], time[class*='entry-date'], time[class*='posted'], time[class*='created']",
    "abbr.published",
    "time:not([class*='updated']):not([class*='modified'])",
    "time",
    "abbr[class*='date']",
];

/// Words of a class or id that say that a date is in it.
const DATE_WORDS: [&str; 24] = [
    "datum",
    "fecha",
    "data",
    "posted",
    "timestamp",
    "time",
    "byline",
    "meta",
    "postmeta",
    "dateline",
    "created",
    "submitted",
    "kicker",
    "info",
    "zeit",
    "details",
    "day",
    "pub",
    "datetime",
    "postdate",
    "stamp",
    "data-publicacao",
    "when",
    "heure",
];

/// Words that stand before a date of publication.
const PHRASES: [&str; 17] = [
    "published",
    "posted",
    "veröffentlicht",
    "erstellt",
    "publié",
    "publicado",
    "pubblicato",
    "datum",
    "date",
    "stand",
    "aktualisiert",
    "eingestellt",
    "geschrieben",
    "gepostet",
    "opublikowano",
    "gepubliceerd",
    "publicerad",
];

/// Elements that are looked at by their names.
const ELEMENTS_MAX: usize = 20_000;

/// Lines of the text that are looked at.
const LINES_MAX: usize = 3000;

/// When a page was published, if that is said anywhere.
pub(super) fn of(document: &Document, head: &Head, address: &str, html: &str) -> Option<Timestamp> {
    let us = head.language().is_some_and(|tag| tag.eq_ignore_ascii_case("en-us"))
        || head.language().is_none_or(|tag| tag.starts_with("en")) && is_american(address);
    head.said(|stated| moment(stated.published.as_deref()?, us))
        .or_else(|| METAS.iter().find_map(|name| moment(head.meta(name)?, us)))
        .or_else(|| in_address(address))
        .or_else(|| in_scripts(html, us))
        .or_else(|| marked(document, us))
        .or_else(|| called_so(document, us))
        .or_else(|| head.modified().filter(|at| is_likely(*at)))
        .or_else(|| in_text(document, us))
}

fn is_american(address: &str) -> bool {
    let host = address.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    [".com", ".us", ".org", ".net"].iter().any(|end| host.ends_with(end))
}

/// What a site of the web can have been published on: not before there were any, not after today.
fn is_likely(at: Timestamp) -> bool {
    let first = Timestamp::constant(788_918_400, 0);
    let last = Timestamp::now().checked_add(48.hours()).unwrap_or(Timestamp::MAX);
    (first..=last).contains(&at)
}

fn midnight(year: i64, month: i64, day: i64) -> Option<Timestamp> {
    let date =
        Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let at = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    is_likely(at).then_some(at)
}

/// What a field says that holds a date and no more: with its time, where that can be read.
fn moment(text: &str, us: bool) -> Option<Timestamp> {
    const FIELD_CHARS_MAX: usize = 80;
    let text: String = text.chars().take(FIELD_CHARS_MAX).collect();
    let day = find(&text, us)?;
    let exact =
        date::parse(text.trim()).filter(|exact| (exact.as_second() - day.as_second()).abs() <= 36 * 3600);
    exact.or(Some(day))
}

/// `/2024/05/06/`, `/2024-05-06-`, `/20240506`.
fn in_address(address: &str) -> Option<Timestamp> {
    let path = address.split("://").nth(1).and_then(|rest| rest.split_once('/')).map(|(_, path)| path)?;
    let tokens = tokens(path);
    let triple = tokens.windows(3).find_map(|three| match three {
        [
            Token::Number(year, 4, _),
            Token::Number(month, 1..=2, before),
            Token::Number(day, 1..=2, again),
        ] if matches!(*before, "/" | "-" | "_") && before == again => midnight(*year, *month, *day),
        _ => None,
    });
    let whole = || {
        tokens.iter().find_map(|token| match token {
            Token::Number(number, 8, _) => midnight(number / 10_000, number / 100 % 100, number % 100),
            _ => None,
        })
    };
    triple.or_else(whole)
}

/// `"datePublished": "2024-05-06"` in any script.
fn in_scripts(html: &str, us: bool) -> Option<Timestamp> {
    SCRIPT_NAMES.iter().find_map(|name| {
        let quoted = format!("\"{name}\"");
        memchr::memmem::find_iter(html.as_bytes(), &quoted).take(5).find_map(|at| {
            let rest = html
                .get(at + quoted.len()..)?
                .trim_start()
                .strip_prefix(':')?
                .trim_start()
                .strip_prefix('"')?;
            let (value, _) = rest.split_once('"')?;
            (6..=40).contains(&value.len()).then(|| moment(value, us)).flatten()
        })
    })
}

fn marked(document: &Document, us: bool) -> Option<Timestamp> {
    MARKED.iter().find_map(|selector| {
        document.select(selector).iter().take(3).find_map(|element| {
            let said =
                ["datetime", "content", "title"].iter().find_map(|name| moment(&element.attr(name)?, us));
            said.or_else(|| moment(&element.text(), us))
        })
    })
}

fn called_so(document: &Document, us: bool) -> Option<Timestamp> {
    const DESCENDANTS_MAX: usize = 40;
    const TEXT_CHARS_MAX: usize = 200;
    let body = document.body()?;
    body.descendants_it().filter(NodeRef::is_element).take(ELEMENTS_MAX).find_map(|node| {
        let class = node.class().unwrap_or_default();
        let id = node.id_attr().unwrap_or_default();
        if class.is_empty() && id.is_empty()
            || ["script", "style", "main", "article", "input"].iter().any(|name| node.has_name(name))
            || !(says_date(&class) || says_date(&id))
            || node.descendants_it().take(DESCENDANTS_MAX + 1).count() > DESCENDANTS_MAX
        {
            return None;
        }
        let text = crate::source::clean::line(&node.text());
        ((5..=TEXT_CHARS_MAX).contains(&text.chars().count())).then(|| find(&text, us)).flatten()
    })
}

fn says_date(name: &str) -> bool {
    let name = name.to_lowercase();
    let other = ["comment", "related", "sidebar", "footer", "copyright", "update", "modif", "event"];
    if name.is_empty() || other.iter().any(|other| name.contains(other)) {
        return false;
    }
    name.contains("date")
        || name.contains("publi")
        || name.split(['-', '_', ' ']).any(|word| DATE_WORDS.contains(&word))
}

/// A date beside a word for it, else one that stands nearly alone, else the first of all.
fn in_text(document: &Document, us: bool) -> Option<Timestamp> {
    let body = document.body()?;
    let lines: Vec<String> = body::lines(&body).into_iter().take(LINES_MAX).map(|line| line.text).collect();
    let beside = lines.iter().find_map(|line| {
        let lower = line.to_lowercase();
        let at = PHRASES.iter().filter_map(|phrase| lower.find(phrase)).min()?;
        let near: String = lower.get(at..)?.chars().take(80).collect();
        find(&near, us)
    });
    let alone = || {
        lines.iter().filter(|line| (5..60).contains(&line.chars().count())).find_map(|line| find(line, us))
    };
    beside.or_else(alone).or_else(|| lines.iter().find_map(|line| find(line, us)))
}

/// A run of digits with its value and length, or of letters, each with what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Number(i64, usize, &'a str),
    Word(&'a str, &'a str),
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    const DIGITS_MAX: usize = 14;
    let (mut out, mut end) = (Vec::new(), 0);
    let mut chars = text.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        if !first.is_alphanumeric() {
            continue;
        }
        let digits = first.is_ascii_digit();
        let same = |c: char| if digits { c.is_ascii_digit() } else { c.is_alphabetic() };
        let mut stop = start + first.len_utf8();
        while let Some((at, c)) = chars.next_if(|(_, c)| same(*c)) {
            stop = at + c.len_utf8();
        }
        let (before, run) =
            (text.get(end..start).unwrap_or_default(), text.get(start..stop).unwrap_or_default());
        end = stop;
        out.push(match run.parse() {
            Ok(number) if digits && run.len() <= DIGITS_MAX => Token::Number(number, run.len(), before),
            _ => Token::Word(run, before),
        });
    }
    out
}

/// The first date in a text, as people and machines write them, at its midnight.
fn find(text: &str, us: bool) -> Option<Timestamp> {
    let tokens = tokens(text);
    let at = |from: usize| tokens.get(from..).unwrap_or_default();
    let full = (0..tokens.len()).find_map(|from| with_year(at(from), us));
    full.or_else(|| (0..tokens.len()).find_map(|from| short(at(from))))
}

/// Whether a date stands in a text.
pub(super) fn holds_date(text: &str) -> bool {
    find(text, false).is_some()
}

fn is_mark(before: &str) -> bool {
    matches!(before.trim(), "." | "/" | "-") || before == "年" || before == "月"
}

fn is_link(word: &str) -> bool {
    ["st", "nd", "rd", "th", "er", "º", "ª", "de", "del", "of", "do", "den", "le", "o"]
        .contains(&word.to_lowercase().as_str())
}

/// Dates with all four digits of their year.
fn with_year(tokens: &[Token<'_>], us: bool) -> Option<Timestamp> {
    match tokens {
        [Token::Number(year, 4, _), Token::Number(month, 1..=2, a), Token::Number(day, 1..=2, b), ..]
            if is_mark(a) && is_mark(b) =>
        {
            midnight(*year, *month, *day)
        }
        [
            Token::Number(year, 4, _),
            Token::Word("年", _),
            Token::Number(month, 1..=2, _),
            Token::Word("月", _),
            Token::Number(day, 1..=2, _),
            ..,
        ] => midnight(*year, *month, *day),
        [Token::Number(first, 1..=2, _), Token::Number(second, 1..=2, a), Token::Number(year, 4, b), ..]
            if is_mark(a) && is_mark(b) =>
        {
            let (day, month) = if us { (*second, *first) } else { (*first, *second) };
            midnight(*year, month, day).or_else(|| midnight(*year, day, month))
        }
        [Token::Number(day, 1..=2, _), rest @ ..] => {
            let rest = past_links(rest);
            let [Token::Word(word, _), rest @ ..] = rest else { return None };
            let month = date::month_named(word)?;
            let [Token::Number(year, 4, _), ..] = past_links(rest) else { return None };
            midnight(*year, month.into(), *day)
        }
        [Token::Word(word, _), Token::Number(day, 1..=2, _), rest @ ..] => {
            let month = date::month_named(word)?;
            let [Token::Number(year, 4, _), ..] = past_links(rest) else { return None };
            midnight(*year, month.into(), *day)
        }
        _ => None,
    }
}

fn past_links<'a, 'b>(mut tokens: &'b [Token<'a>]) -> &'b [Token<'a>] {
    while let [Token::Word(word, _), rest @ ..] = tokens {
        if !is_link(word) {
            break;
        }
        tokens = rest;
    }
    tokens
}

/// `06.05.24`, `20240506`.
fn short(tokens: &[Token<'_>]) -> Option<Timestamp> {
    match tokens {
        [Token::Number(day, 1..=2, _), Token::Number(month, 1..=2, a), Token::Number(year, 2, b), ..]
            if is_mark(a) && a == b && !a.contains(' ') =>
        {
            midnight(2000 + year, *month, *day).or_else(|| midnight(2000 + year, *day, *month))
        }
        [Token::Number(number, 8, _), ..] => midnight(number / 10_000, number / 100 % 100, number % 100),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = find(text, false).map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
        assert_eq!(found, expected, "{text}");
    }

    fn page(html: &str, expected: &str) {
        let document = Document::from(html);
        let head = Head::of(&document, None);
        let found = of(&document, &head, "https://paper.example/a", html).map(|at| at.to_string());
        assert_eq!(found.unwrap_or_default(), expected, "{html}");
    }

    #[test]
    fn dates_in_words() {
        check("Posted on 6. Mai 2024 by Ann", "2024-05-06");
        check("le 1er mars 2019", "2019-03-01");
        check("5 de octubre de 2018 a las 3", "2018-10-05");
        check("Mon, May 6th, 2024 - 10:15", "2024-05-06");
        check("am 06.05.2024 um 10.15 Uhr", "2024-05-06");
        check("2024/5/6 or 2023/1/1", "2024-05-06");
        check("2024年5月6日", "2024-05-06");
        check("on 06.05.24", "2024-05-06");
        check("call 555 2024 12 or 31.02.2024", "");
    }

    #[test]
    fn americans_write_the_month_first() {
        assert_eq!(find("5/6/2024", true), "2024-05-06T00:00:00Z".parse().ok());
        assert_eq!(find("5/6/2024", false), "2024-06-05T00:00:00Z".parse().ok());
        assert_eq!(find("5/16/2024", false), "2024-05-16T00:00:00Z".parse().ok());
    }

    #[test]
    fn the_order_of_trust() {
        let text = "<p>Published May 1, 2020</p>";
        page(text, "2020-05-01T00:00:00Z");
        let called = format!("<div class='post-date'>2 May 2020</div>{text}");
        page(&called, "2020-05-02T00:00:00Z");
        let time = format!("<time datetime='2020-05-03T10:00:00+02:00'>x</time>{called}");
        page(&time, "2020-05-03T08:00:00Z");
        let meta = format!("<meta property='article:published_time' content='2020-05-04'>{time}");
        page(&meta, "2020-05-04T00:00:00Z");
        page(
            &format!(
                "<script type='application/ld+json'>{{\"@type\":\"Article\",\"datePublished\":\"2020-05-05T01:02:03Z\"}}</script>{meta}"
            ),
            "2020-05-05T01:02:03Z",
        );
    }

    #[test]
    fn addresses() {
        assert_eq!(in_address("https://a.example/2024/05/06/x"), "2024-05-06T00:00:00Z".parse().ok());
        assert_eq!(in_address("https://a.example/x-20240506.html"), "2024-05-06T00:00:00Z".parse().ok());
        assert_eq!(in_address("https://a.example/2024/99/x"), None);
    }

    #[test]
    fn what_cannot_be_is_not_taken() {
        page("<meta name=date content='1970-01-01'><time>Jan 1, 2400</time>", "");
    }
}
