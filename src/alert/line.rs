//! The line of the alert log: an alert printed as text or JSON, and what can be read back from it. Every word that
//! comes from outside is made harmless here: it can end no line, move no cursor and pass for no other field.

use std::{borrow::Cow, fmt::Write as _};

use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use crate::{
    article::{Alert, AlertKind, ArticleHead, Change, Digest, DigestItem, Withheld},
    counted::counted,
};

const TITLE_CHARS_MAX: usize = 300;
const OUTLET_CHARS_MAX: usize = 80;
const TOPIC_CHARS_MAX: usize = 80;
const NAME_CHARS_MAX: usize = 60;
const NAMES_MAX: usize = 4;
const NOVEL_CHARS_MAX: usize = 200;
const EVIDENCE_CHARS_MAX: usize = 300;
/// Of what an update replaces.
const BEFORE_CHARS_MAX: usize = 100;
/// Stories that the line of a digest names.
const ITEMS_MAX: usize = 5;
const ITEM_TITLE_CHARS_MAX: usize = 120;
/// A longer address is left out: no line may grow without bound, and half an address leads elsewhere.
const ADDRESS_BYTES_MAX: usize = 8192;

const SEPARATOR: &str = " · ";
const ELLIPSIS: &str = " …";

const KINDS: [AlertKind; 8] = [
    AlertKind::NewStory,
    AlertKind::NewCoverage,
    AlertKind::Update,
    AlertKind::Withdrawn,
    AlertKind::Surge,
    AlertKind::Silence,
    AlertKind::Digest,
    AlertKind::Test,
];

/// The kind as the text form writes it: in capitals.
pub fn caption(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::NewStory => "NEW STORY",
        AlertKind::NewCoverage => "NEW COVERAGE",
        AlertKind::Update => "UPDATE",
        AlertKind::Withdrawn => "WITHDRAWN",
        AlertKind::Surge => "SURGE",
        AlertKind::Silence => "SILENCE",
        AlertKind::Digest => "DIGEST",
        AlertKind::Test => "TEST",
    }
}

/// The kind that a word of the JSON form stands for.
pub fn kind_of(word: &str) -> Option<AlertKind> {
    KINDS.into_iter().find(|kind| kind.word() == word)
}

/// The alert as one line for people, without the line feed.
pub fn text(alert: &Alert) -> String {
    let topic = cut(&harmless(&alert.topic).replace('[', "(").replace(']', ")"), TOPIC_CHARS_MAX);
    let mut line = format!("{:.0} [{topic}] {}", alert.time, caption(alert.kind));
    if let Some(article) = &alert.article {
        line.push(' ');
        line.push_str(&outlet(article));
        line.push_str(" \"");
        line.push_str(&headline(article));
        line.push('"');
    }
    let url = alert.article.as_ref().and_then(|article| article.url.as_deref());
    let mut parts = vec![coverage(alert), news(alert), address(url)];
    if let Some(digest) = &alert.digest {
        parts.extend(gathered(digest));
    }
    for part in parts.iter().filter(|part| !part.is_empty()) {
        line.push_str(SEPARATOR);
        line.push_str(part);
    }
    push(&mut line, format_args!("{SEPARATOR}#{:06}", alert.seq));
    line
}

/// What an alert says beside its topic and its kind, for whoever shows those elsewhere.
pub(crate) fn body(alert: &Alert) -> String {
    let mut parts = Vec::new();
    if let Some(article) = &alert.article {
        parts.push(format!("{} \"{}\"", outlet(article), headline(article)));
    }
    parts.extend([coverage(alert), news(alert)]);
    if let Some(digest) = &alert.digest {
        parts.extend(gathered(digest));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(SEPARATOR)
}

/// The alert as one line of JSON, without the line feed. Text from outside keeps its invisible characters, as escapes,
/// but for control characters, which are taken out.
pub fn json(alert: &Alert) -> String {
    let mut alert = alert.clone();
    let Alert { topic, article, new_entities, novel, evidence, change, digest, feed, .. } = &mut alert;
    let passages = change.iter_mut().flat_map(|change| [&mut change.added, &mut change.removed]).flatten();
    let items = digest.iter_mut().flat_map(|digest| &mut digest.items).flat_map(|item| {
        [Some(&mut item.source), Some(&mut item.title), item.url.as_mut()].into_iter().flatten()
    });
    let head = article.as_mut().map(|article| {
        let ArticleHead { input_id, source, url, title, language, lead, .. } = article;
        [Some(source), Some(title), Some(lead), input_id.as_mut(), url.as_mut(), language.as_mut()]
    });
    let fields = head.into_iter().flatten().flatten().chain(new_entities).chain(novel).chain(evidence);
    for field in fields.chain([topic]).chain(passages).chain(items).chain(feed) {
        if field.contains(char::is_control) {
            *field = without_controls(field);
        }
    }
    // Nothing in an alert can fail to print. Were that to change, its number still keeps it from being told twice.
    let printed = serde_json::to_string(&alert).unwrap_or_else(|_| format!("{{\"seq\":{}}}", alert.seq));
    if !printed.contains(is_invisible) {
        return printed;
    }
    let mut line = String::with_capacity(printed.len() + 64);
    for c in printed.chars() {
        if is_invisible(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                push(&mut line, format_args!("\\u{unit:04x}"));
            }
        } else {
            line.push(c);
        }
    }
    line
}

/// The sequence number of a whole line of the log, in either form; none where the line is not an alert's.
pub fn seq_of(line: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Numbered {
        seq: u64,
    }
    if line.starts_with('{') {
        return serde_json::from_str::<Numbered>(line).ok().map(|numbered| numbered.seq);
    }
    parts(line).map(|parts| parts.seq)
}

/// Whether bytes that no line feed ends are the beginning of an alert's line, or could become one.
pub(crate) fn begins_like_ours(torn: &[u8]) -> bool {
    const TEXT: &[u8] = b"0000-00-00T00:00:00Z [";
    const JSON: &[u8] = b"{\"seq\":";
    let like_text = torn.iter().zip(TEXT).all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => byte == form,
    });
    // After a power cut some file systems give a tail that was never written as zeros.
    like_text || torn.iter().zip(JSON).all(|(byte, form)| byte == form) || torn.iter().all(|byte| *byte == 0)
}

/// A text line taken apart. Joined again with the marks between them, the fields are the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parts<'a> {
    /// When it was decided, to the second.
    pub time: Timestamp,
    /// Name of the topic.
    pub topic: &'a str,
    /// What kind of news.
    pub kind: AlertKind,
    /// The outlet; empty where the alert is about no article.
    pub outlet: &'a str,
    /// All that follows, up to the end of the line.
    pub rest: &'a str,
    /// Sequence number.
    pub seq: u64,
}

/// Reads a text line back; none where it is not an alert's.
pub fn parts(line: &str) -> Option<Parts<'_>> {
    let (time, line) = line.split_once(" [")?;
    let time = time.strip_suffix('Z').filter(|time| !time.contains(' ')).and(time.parse().ok())?;
    let (topic, line) = line.split_once("] ")?;
    let (kind, after) = KINDS.into_iter().find_map(|kind| {
        let after = line.strip_prefix(caption(kind))?;
        after.starts_with(' ').then_some((kind, after))
    })?;
    let (_, number) = after.rsplit_once(" · #")?;
    let digits = number.len() >= 6 && number.bytes().all(|byte| byte.is_ascii_digit());
    let seq = digits.then(|| number.parse().ok()).flatten()?;
    let (outlet, rest) = if after.starts_with(SEPARATOR) {
        ("", after)
    } else {
        let after = after.strip_prefix(' ')?;
        after.split_at_checked(after.find(" \"")?)?
    };
    Some(Parts { time, topic, kind, outlet, rest, seq })
}

pub(crate) fn outlet(article: &ArticleHead) -> Cow<'_, str> {
    let outlet = cut(&harmless(&article.source), OUTLET_CHARS_MAX);
    if outlet.is_empty() { Cow::Borrowed("unknown outlet") } else { Cow::Owned(outlet) }
}

pub(crate) fn headline(article: &ArticleHead) -> String {
    let title = cut(&harmless(&article.title), TITLE_CHARS_MAX);
    if title.is_empty() { cut(&harmless(&article.lead), OUTLET_CHARS_MAX) } else { title }
}

fn coverage(alert: &Alert) -> String {
    let Alert { outlets, new_outlet, independent, reports, copies, .. } = *alert;
    if reports == 0 {
        return String::new();
    }
    let outlets_so_far =
        if new_outlet { format!("{} outlet", ordinal(outlets)) } else { counted(outlets, "outlet") };
    let mut coverage = format!("{outlets_so_far}, {}", counted(reports, "report"));
    if independent != outlets {
        push(&mut coverage, format_args!(", {}", counted(independent, "independent outlet")));
    }
    match copies {
        0 => {}
        1 => coverage.push_str(", 1 wire copy"),
        more => push(&mut coverage, format_args!(", {more} wire copies")),
    }
    coverage
}

fn news(alert: &Alert) -> String {
    let mut news = String::new();
    let names = alert.new_entities.iter().map(|name| cut(&harmless(name), NAME_CHARS_MAX));
    let names: Vec<_> = names.filter(|name| !name.is_empty()).take(NAMES_MAX).collect();
    if !names.is_empty() {
        push(&mut news, format_args!("new: {}", names.join(", ")));
        let further = alert.new_entities.len().saturating_sub(NAMES_MAX);
        if further > 0 {
            push(&mut news, format_args!(", +{further}"));
        }
    }
    let quoted = alert.novel.as_deref().map(|novel| cut(&harmless(novel), NOVEL_CHARS_MAX));
    if let Some(novel) = quoted.filter(|novel| !novel.is_empty()) {
        let between = if news.is_empty() { "" } else { "; " };
        push(&mut news, format_args!("{between}\"{novel}\""));
    }
    if let Some(Change { words_added, words_removed, removed, .. }) = &alert.change {
        let before = removed.as_deref().map(|removed| cut(&harmless(removed), BEFORE_CHARS_MAX));
        if let Some(before) = before.filter(|before| !before.is_empty()) {
            push(&mut news, format_args!("; before: \"{before}\""));
        }
        push(&mut news, format_args!("; +{words_added} -{words_removed} words"));
    }
    let says = alert.article.is_none() || alert.kind == AlertKind::Surge;
    if says && news.is_empty() {
        news = cut(&harmless(&alert.evidence.join("; ")), EVIDENCE_CHARS_MAX);
    }
    news
}

/// What a digest gathers: how much of it, and its first stories.
fn gathered(digest: &Digest) -> Vec<String> {
    let Digest { why, since, reports, items } = digest;
    let more = if *why == Withheld::Cooldown { "more " } else { "" };
    let plural = if *reports == 1 { "" } else { "s" };
    let mut head = format!("{reports} {more}report{plural}");
    if items.len() > 1 {
        push(&mut head, format_args!(" of {} stories", items.len()));
    }
    push(&mut head, format_args!(" since {since:.0}"));
    let mut parts = vec![head];
    for DigestItem { source, title, url, reports, .. } in items.iter().take(ITEMS_MAX) {
        let [source, title] = [(source, OUTLET_CHARS_MAX), (title, ITEM_TITLE_CHARS_MAX)]
            .map(|(text, chars_max)| cut(&harmless(text), chars_max));
        let mut part = format!("{source} \"{title}\"");
        if *reports > 1 {
            push(&mut part, format_args!(" +{}", reports - 1));
        }
        let address = address(url.as_deref());
        if !address.is_empty() {
            push(&mut part, format_args!(" {address}"));
        }
        parts.push(part);
    }
    if let Some(further) = items.len().checked_sub(ITEMS_MAX).filter(|further| *further > 0) {
        parts.push(format!("+{further} stories"));
    }
    parts
}

fn address(stated: Option<&str>) -> String {
    plain_address(stated).map(|url| format!("<{url}>")).unwrap_or_default()
}

/// The address as it can be shown; none where it is too long, or leads elsewhere than it seems to.
pub(crate) fn plain_address(stated: Option<&str>) -> Option<String> {
    let mut url = Url::parse(stated?).ok()?;
    // What stands before an @ looks like the host and is not.
    let plain = matches!(url.scheme(), "http" | "https")
        && url.set_username("").is_ok()
        && url.set_password(None).is_ok()
        && url.as_str().len() <= ADDRESS_BYTES_MAX
        && !url.as_str().contains(|c: char| !c.is_ascii_graphic() || matches!(c, '<' | '>' | '"'));
    plain.then(|| url.into())
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// Writing to a string cannot fail; this spares each caller to say so.
fn push(line: &mut String, words: std::fmt::Arguments<'_>) {
    if line.write_fmt(words).is_err() {
        line.push('?');
    }
}

/// Text from outside as it may stand in a line: one line, nothing invisible, and none of the marks that the line itself
/// is built with (double quotes become typographic, angle brackets single guillemets, a free middle dot a bullet).
pub(crate) fn harmless(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    // A blank that is due is written before the next visible character, so that none stands at either end.
    let mut blank_due = false;
    for c in text.chars() {
        if c.is_whitespace() || (c.is_control() && !is_deleted_control(c)) {
            blank_due = true;
            continue;
        }
        if is_invisible(c) {
            continue;
        }
        let opens = blank_due
            || plain.is_empty()
            || plain.ends_with(['(', '[', '{', '‘', '“', '-', '–', '—', '/', ':', '=']);
        if blank_due && !plain.is_empty() {
            plain.push(' ');
        }
        let free = blank_due || plain.is_empty();
        blank_due = false;
        plain.push(match c {
            '"' if opens => '“',
            '"' => '”',
            '<' => '‹',
            '>' => '›',
            '·' if free => '•',
            other => other,
        });
    }
    plain
}

/// A line of the log that is no alert's, fit to be shown on a terminal.
pub(crate) fn showable(line: &str) -> Cow<'_, str> {
    if line.contains(is_invisible) {
        Cow::Owned(line.chars().map(|c| if is_invisible(c) { '\u{fffd}' } else { c }).collect())
    } else {
        Cow::Borrowed(line)
    }
}

fn without_controls(text: &str) -> String {
    let visible = text.chars().filter(|c| !is_deleted_control(*c));
    visible.map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

/// Escape, delete and their like go without a trace; tabs and line ends part words, and leave a blank.
fn is_deleted_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t'..='\r' | '\u{85}')
}

/// Control characters, and those that Unicode calls default-ignorable or format: bidi marks and overrides, zero-width
/// characters, separators of lines and paragraphs, tags. Variation selectors stay: emoji need them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1345f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// At most so many characters, cut at a word where there is one in the second half.
fn cut(text: &str, chars_max: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(chars_max) else { return text.to_owned() };
    let head = text.get(..end).unwrap_or_default();
    let at_word = head.rfind(' ').filter(|at| *at >= end / 2).and_then(|at| head.get(..at));
    format!("{}{ELLIPSIS}", at_word.unwrap_or(head).trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::article::{ArticleId, Id};

    fn alert() -> Alert {
        let report = Id(7);
        Alert {
            seq: 123,
            id: Id(9),
            time: "2031-03-02T15:04:05.987Z".parse().unwrap(),
            kind: AlertKind::NewCoverage,
            topic: "harbour-strike".to_owned(),
            story: Some(Id(3)),
            article: Some(ArticleHead {
                id: ArticleId { report, revision: 1 },
                input_id: None,
                source: "coast.example".to_owned(),
                url: Some("https://coast.example/a b/ü?q=\"<>".to_owned()),
                title: "Cranes stand still in \"Old Port\"".to_owned(),
                published: None,
                seen_at: "2031-03-02T15:04:05Z".parse().unwrap(),
                language: Some("en".to_owned()),
                lead: "The cranes stood still.\nNobody came.".to_owned(),
            }),
            outlets: 4,
            new_outlet: true,
            independent: 4,
            reports: 5,
            copies: 0,
            new_entities: vec!["Ada Quill".to_owned()],
            novel: Some("They had asked for three weeks of rest.".to_owned()),
            score: 0.75,
            evidence: vec!["query".to_owned()],
            change: None,
            digest: None,
            feed: None,
        }
    }

    fn check(change: impl FnOnce(&mut Alert), expected: &str) {
        let mut alert = alert();
        change(&mut alert);
        assert_eq!(text(&alert), expected);
    }

    fn check_title(title: &str, expected: &str) {
        let mut alert = alert();
        alert.article.as_mut().unwrap().title = title.to_owned();
        let line = text(&alert);
        let shown = line.strip_prefix("2031-03-02T15:04:05Z [harbour-strike] NEW COVERAGE coast.example \"");
        assert_eq!(shown.and_then(|rest| rest.split_once("\" · 4th outlet")).unwrap().0, expected);
    }

    fn check_end(change: impl FnOnce(&mut Alert), expected: &str) {
        let mut alert = alert();
        change(&mut alert);
        let line = text(&alert);
        assert!(line.ends_with(expected), "{line}\nends not with\n{expected}");
    }

    fn head(alert: &mut Alert) -> &mut ArticleHead {
        alert.article.as_mut().unwrap()
    }

    #[test]
    fn whole_line() {
        check(
            |_| (),
            "2031-03-02T15:04:05Z [harbour-strike] NEW COVERAGE coast.example \"Cranes stand still in “Old Port”\" · \
             4th outlet, 5 reports · new: Ada Quill; \"They had asked for three weeks of rest.\" · \
             <https://coast.example/a%20b/%C3%BC?q=%22%3C%3E> · #000123",
        );
    }

    #[test]
    fn alert_without_article() {
        let silence = |alert: &mut Alert| {
            *alert = Alert {
                kind: AlertKind::Silence,
                article: None,
                story: None,
                reports: 0,
                copies: 0,
                new_entities: vec![],
                novel: None,
                evidence: vec!["no report for 3 days".to_owned(), "usual: 4 a day".to_owned()],
                ..alert.clone()
            };
        };
        check(
            silence,
            "2031-03-02T15:04:05Z [harbour-strike] SILENCE · no report for 3 days; usual: 4 a day · #000123",
        );
    }

    #[test]
    fn first_report_is_counted_in_the_singular() {
        let first = |alert: &mut Alert| (alert.outlets, alert.independent, alert.reports) = (1, 1, 1);
        let mut alert = alert();
        first(&mut alert);
        assert!(text(&alert).contains("\" · 1st outlet, 1 report · new"));
    }

    #[test]
    fn an_outlet_that_told_before_is_not_the_nth() {
        let mut alert = alert();
        alert.new_outlet = false;
        assert!(text(&alert).contains(" · 4 outlets, 5 reports · "));
    }

    #[test]
    fn copies_show_as_fewer_independent_outlets() {
        let mut alert = alert();
        alert.independent = 3;
        assert!(text(&alert).contains(" · 4th outlet, 5 reports, 3 independent outlets · "));
        alert.copies = 1;
        assert!(text(&alert).contains(" · 4th outlet, 5 reports, 3 independent outlets, 1 wire copy · "));
        alert.copies = 2;
        assert!(text(&alert).contains(" 3 independent outlets, 2 wire copies · "));
    }

    #[test]
    fn ordinals() {
        let shown = [1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111, 113].map(ordinal).join(" ");
        assert_eq!(shown, "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 101st 111th 113th");
    }

    #[test]
    fn long_lists_of_names_end_in_a_count() {
        check_end(
            |alert| {
                (alert.novel, head(alert).url) = (None, None);
                alert.new_entities = "A B C D E F G".split(' ').map(str::to_owned).collect();
            },
            " reports · new: A, B, C, D, +3 · #000123",
        );
    }

    #[test]
    fn sentence_without_names() {
        check_end(
            |alert| (alert.new_entities, head(alert).url) = (vec![], None),
            " reports · \"They had asked for three weeks of rest.\" · #000123",
        );
    }

    #[test]
    fn long_sentence_is_cut_at_a_word() {
        let long = format!("{} eleven {}", "ten words ".repeat(19).trim_end(), "tail ".repeat(9));
        let expected = format!("; \"{} eleven …\" · #000123", "ten words ".repeat(19).trim_end());
        check_end(|alert| (alert.novel, head(alert).url) = (Some(long), None), &expected);
    }

    #[test]
    fn one_long_word_is_cut_all_the_same() {
        assert_eq!(cut(&"ü".repeat(30), 10), format!("{} …", "ü".repeat(10)));
    }

    #[test]
    fn only_web_addresses_are_shown() {
        check_end(|alert| head(alert).url = Some("javascript:alert(1)".to_owned()), "rest.\" · #000123");
        check_end(|alert| head(alert).url = Some("no address".to_owned()), "rest.\" · #000123");
    }

    #[test]
    fn user_info_does_not_pass_for_a_host() {
        check_end(
            |alert| head(alert).url = Some("https://coast.example@elsewhere.example/".to_owned()),
            " · <https://elsewhere.example/> · #000123",
        );
    }

    #[test]
    fn report_without_outlet_and_title() {
        let mut alert = alert();
        (head(&mut alert).source, head(&mut alert).title) = (String::new(), String::new());
        assert!(
            text(&alert).contains("NEW COVERAGE unknown outlet \"The cranes stood still. Nobody came.\" · ")
        );
    }

    #[test]
    fn title_cannot_break_the_line() {
        check_title("One\nTwo\r\n\u{2028}Three\u{85}Four\u{b}Five", "One Two Three Four Five");
    }

    #[test]
    fn title_cannot_move_the_cursor() {
        check_title("Red\u{1b}[31m alarm\u{7}\u{9b}2J", "Red[31m alarm2J");
    }

    #[test]
    fn title_cannot_turn_the_text_around() {
        check_title("safe \u{202e}elif\u{2066}\u{200b}\u{feff}\u{200f}", "safe elif");
    }

    #[test]
    fn title_cannot_fake_the_fields_after_it() {
        check_title(
            "Calm\" · 9th outlet, 9 reports · <https://fake.example> · #000999",
            "Calm” • 9th outlet, 9 reports • ‹https://fake.example› • #000999",
        );
    }

    #[test]
    fn catalan_middle_dot_stays() {
        check_title("El Col·legi obre", "El Col·legi obre");
    }

    #[test]
    fn json_is_the_alert() {
        let read: Alert = serde_json::from_str(&json(&alert())).unwrap();
        assert_eq!(read, alert());
    }

    #[test]
    fn json_has_no_control_characters_and_escapes_invisible_ones() {
        let mut alert = alert();
        head(&mut alert).title = "a\u{1b}[2J\tb\u{202e}c\u{2028}\u{e0041}".to_owned();
        let line = json(&alert);
        assert!(!line.contains(is_invisible) && line.contains("\\u202e"), "{line}");
        let read: Alert = serde_json::from_str(&line).unwrap();
        assert_eq!(read.article.unwrap().title, "a[2J b\u{202e}c\u{2028}\u{e0041}");
    }

    #[test]
    fn json_of_a_score_that_is_no_number_keeps_its_seq() {
        assert_eq!(seq_of(&json(&Alert { score: f32::NAN, ..alert() })), Some(123));
    }

    #[test]
    fn foreign_lines_have_no_seq() {
        for line in [
            "",
            "#000123",
            "a note · #000123",
            "2031-03-02T15:04:05Z [a] NEWS x \"y\" · #000123",
            "2031-03-02T15:04:05Z [a] TEST · #12",
            "2031-03-02T15:04:05Z [a] TEST · #00012x",
            "2031-03-02 [a] TEST · #000012",
            "{\"sequence\":3}",
            "{\"seq\":3",
        ] {
            assert_eq!(seq_of(line), None, "{line}");
        }
    }

    #[test]
    fn text_line_is_taken_apart() {
        let line = text(&alert());
        let parts = parts(&line).unwrap();
        assert_eq!(
            (parts.topic, parts.kind, parts.outlet),
            ("harbour-strike", AlertKind::NewCoverage, "coast.example")
        );
        assert_eq!(parts.time, "2031-03-02T15:04:05Z".parse().unwrap());
        assert!(parts.rest.starts_with(" \"Cranes") && parts.rest.ends_with("> · #000123"));
    }

    #[test]
    fn torn_lines_of_ours_are_known_by_their_beginning() {
        for torn in ["2", "2031-03-02T15:04", "2031-03-02T15:04:05Z [ha", "{", "{\"seq\":12,\"id", "\0\0\0"] {
            assert!(begins_like_ours(torn.as_bytes()), "{torn}");
        }
        for foreign in ["note", "2031 was a good year", "{\"other\":1}", "2031-03-02T15:04:05Z restarted"] {
            assert!(!begins_like_ours(foreign.as_bytes()), "{foreign}");
        }
    }

    fn any_alert() -> impl Strategy<Value = Alert> {
        // Among any characters those that could do harm are frequent.
        let hostile = "(\\PC|[\\x00-\\x1f\\x7f-\\x9f\u{2028}\u{202e}\u{200b}\"<>·#{}\\[\\] 0-9]){0,40}";
        let words = (hostile, hostile, hostile, hostile, proptest::option::of(hostile));
        let further =
            (proptest::collection::vec(hostile, 0..7), any::<u64>(), 0..KINDS.len(), any::<[u32; 4]>());
        (words, further, any::<bool>(), proptest::num::f32::ANY).prop_map(
            |((topic, source, title, path, novel), (names, seq, kind, counts), with_article, score)| {
                let mut alert = Alert { seq, topic, novel, score, kind: KINDS[kind], ..alert() };
                [alert.outlets, alert.independent, alert.reports, alert.copies] = counts;
                (alert.evidence, alert.new_entities) = (names.clone(), names);
                let article = head(&mut alert);
                (article.lead, article.source, article.title) = (path.clone(), source, title);
                article.url = Some(format!("https://coast.example/{path}"));
                alert.article = alert.article.filter(|_| with_article);
                alert
            },
        )
    }

    fn check_line(line: &str, seq: u64) -> Result<(), TestCaseError> {
        prop_assert_eq!(line.lines().count(), 1);
        prop_assert!(!line.contains(is_invisible), "{:?}", line);
        prop_assert_eq!(seq_of(line), Some(seq), "{:?}", line);
        for (at, _) in line.char_indices().skip(1) {
            prop_assert!(begins_like_ours(&line.as_bytes()[..at]));
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn any_alert_is_one_line_that_gives_its_seq_back(alert in any_alert()) {
            let line = text(&alert);
            check_line(&line, alert.seq)?;
            check_line(&json(&alert), alert.seq)?;
            let read = parts(&line).unwrap();
            prop_assert_eq!(read.kind, alert.kind);
            prop_assert_eq!(read.outlet.is_empty(), alert.article.is_none());
            prop_assert_eq!(line.matches(" · <").count(), usize::from(alert.article.is_some()));
            prop_assert_eq!(line.matches(" · #").count(), 1);
        }

        #[test]
        fn any_line_can_be_read(line in "\\PC{0,80}") {
            seq_of(&line);
        }
    }
}
