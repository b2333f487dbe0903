//! What stands in several views: times, links, an alert, a story in a list.

use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};
use url::{Url, form_urlencoded};

use crate::{
    alert::line::caption,
    article::{Alert, AlertKind, Id},
    counted::noun_of,
    search::Outline,
};

/// Most names that are shown of what is new.
const NAMES_SHOWN: usize = 6;
/// Most stories of a digest that are shown.
const DIGEST_SHOWN: usize = 8;

/// How a time is written.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// Day and minute.
    Minute,
    /// The minute alone.
    Clock,
    /// The day alone.
    Day,
}

/// A time, in UTC until a script writes it in the reader's zone; with its year where that is not this year.
pub(super) fn time(at: Timestamp, form: Form) -> Markup {
    let year = |time: Timestamp| time.to_zoned(TimeZone::UTC).year();
    let (name, format) = match form {
        Form::Minute if year(at) != year(Timestamp::now()) => ("minute", "%-d %b %Y, %H:%M"),
        Form::Minute => ("minute", "%-d %b, %H:%M"),
        Form::Clock => ("clock", "%H:%M"),
        Form::Day => ("day", "%-d %b %Y"),
    };
    let whole = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    html! { time datetime=(whole) data-form=(name) { (at.strftime(format).to_string()) } }
}

/// The same of unix seconds.
pub(super) fn second(second: i64, form: Form) -> Markup {
    time(Timestamp::from_second(second).unwrap_or_default(), form)
}

/// A link to where an article stands; the words alone where that is no address of the web.
pub(super) fn outward(url: Option<&str>, words: &str) -> Markup {
    let web = url.and_then(|url| Url::parse(url).ok()).filter(|url| matches!(url.scheme(), "http" | "https"));
    html! {
        @if let Some(url) = web { a.out href=(url.as_str()) rel="noopener noreferrer external" { (words) } }
        @else { (words) }
    }
}

/// An address within the page.
pub(super) fn address(path: &str, wishes: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in wishes.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

pub(super) fn story_path(story: Id) -> String {
    format!("/story/{story}")
}

/// `1 report`, `2 reports`, not torn apart at the end of a line.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{}\u{a0}{}", grouped(count), noun_of(count == 1, noun))
}

/// A number in groups of three digits.
pub(super) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// An alert in a list.
pub(super) fn alert(alert: &Alert, with_topic: bool) -> Markup {
    let kind = alert.kind.word();
    html! {
        li.alert data-seq=(alert.seq) data-kind=(kind) {
            p.meta {
                span.kind { (sentence_case(caption(alert.kind))) }
                @if with_topic && !alert.topic.is_empty() {
                    a href=(address("/topic", &[("name", &alert.topic)])) { (alert.topic) }
                }
                (time(alert.time, Form::Minute))
            }
            (headline(alert))
            @if let Some(novel) = &alert.novel { p.novel { "“" (novel) "”" } }
            @if let Some(digest) = &alert.digest {
                ul.digest {
                    @for item in digest.items.iter().take(DIGEST_SHOWN) {
                        li {
                            a href=(story_path(item.story)) { (item.title) }
                            " " span.quiet { (item.source) " · " (counted(item.reports as usize, "report")) }
                        }
                    }
                    @if digest.items.len() > DIGEST_SHOWN {
                        li.quiet { "and " (digest.items.len() - DIGEST_SHOWN) " more" }
                    }
                }
            }
            (details(alert))
        }
    }
}

/// An alert in few words.
pub(super) fn brief(alert: &Alert) -> Markup {
    let source = alert.article.as_ref().map(|article| shown_source(&article.source));
    html! {
        li {
            span.quiet { (time(alert.time, Form::Clock)) }
            div {
                @match &alert.digest {
                    Some(digest) => p.headline { (counted(digest.reports as usize, "report")) " in a digest" },
                    None => (headline(alert)),
                }
                p.quiet {
                    (sentence_case(caption(alert.kind)))
                    @if let Some(source) = source { " · " (source) }
                }
            }
        }
    }
}

fn headline(alert: &Alert) -> Markup {
    let said = alert.evidence.join(" · ");
    html! {
        @match (&alert.article, alert.story) {
            (Some(article), Some(story)) => p.headline { a href=(story_path(story)) { (shown(&article.title)) } },
            (Some(article), None) => p.headline { (shown(&article.title)) },
            (None, Some(story)) => p.headline { a href=(story_path(story)) { (shown(&said)) } },
            (None, None) => @if alert.digest.is_none() { p.headline { (shown(&said)) } },
        }
    }
}

/// A headline, also where there is none.
pub(super) fn shown(title: &str) -> &str {
    if title.trim().is_empty() { "(without a headline)" } else { title }
}

fn details(alert: &Alert) -> Markup {
    let Some(article) = &alert.article else { return html! {} };
    let new: Vec<&str> = alert.new_entities.iter().take(NAMES_SHOWN).map(String::as_str).collect();
    html! {
        p.quiet {
            (outward(article.url.as_deref(), shown_source(&article.source)))
            @if alert.new_outlet && alert.outlets > 1 && alert.kind != AlertKind::Update {
                " · " (ordinal(alert.outlets)) " outlet"
            }
            @if alert.reports > 1 { " · " (counted(alert.reports as usize, "report")) }
            @if !new.is_empty() { " · new: " (new.join(", ")) }
        }
    }
}

pub(super) fn shown_source(source: &str) -> &str {
    if source.is_empty() { "an outlet without a name" } else { source }
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (1, 0..=10 | 14..) => "st",
        (2, 0..=10 | 14..) => "nd",
        (3, 0..=10 | 14..) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

fn sentence_case(capitals: &str) -> String {
    let lower = capitals.to_lowercase();
    let mut chars = lower.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A story in a list.
pub(super) fn story(id: Id, story: &Outline) -> Markup {
    html! {
        li {
            p.headline { a href=(story_path(id)) { (shown(&story.title)) } }
            p.quiet {
                (counted(story.reports, "report")) " of " (counted(story.outlets, "outlet"))
                " · " (second(story.first, Form::Minute))
                @if story.last - story.first >= 60 { " – " (second(story.last, Form::Minute)) }
            }
        }
    }
}

/// Links to what comes before and after a part of a list.
pub(super) fn turn(before: Option<String>, after: Option<String>) -> Markup {
    html! {
        @if before.is_some() || after.is_some() {
            nav.turn aria-label="Parts of the list" {
                @if let Some(before) = before { a rel="prev" href=(before) { "← Before" } }
                @if let Some(after) = after { a rel="next" href=(after) { "More →" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_another_year_says_so() {
        let shown = |at| time(at, Form::Minute).into_string();
        let old = shown("2017-03-02T09:05:00Z".parse().unwrap());
        assert!(old.contains(">2 Mar 2017, 09:05<"), "{old}");
        let now = Timestamp::now();
        assert!(!shown(now).contains(&now.strftime(" %Y,").to_string()));
    }

    #[test]
    fn only_the_web_is_linked_to() {
        assert!(outward(Some("https://gull.example/a?b=\"c"), "Gull").into_string().contains("b=%22c"));
        for url in [Some("javascript:alert(1)"), Some("data:text/html,x"), Some("no address"), None] {
            assert_eq!(outward(url, "<Gull>").into_string(), "&lt;Gull&gt;");
        }
    }

    #[test]
    fn an_alert_about_no_article_says_what_it_has_to_say() {
        let mut silence = Alert::bare(Id(1), Timestamp::UNIX_EPOCH, AlertKind::Silence, "ferry & co");
        silence.evidence = vec!["no report for 3 h <usually 4>".to_owned()];
        let shown = alert(&silence, true).into_string();
        assert!(shown.contains("no report for 3 h &lt;usually 4&gt;"), "{shown}");
        assert!(shown.contains("data-kind=\"silence\"") && !shown.contains("href=\"/story"), "{shown}");
        assert!(brief(&silence).into_string().contains("no report for 3 h"));
    }

    #[test]
    fn numbers_are_grouped_and_nouns_agree() {
        assert_eq!(counted(1, "report"), "1\u{a0}report");
        assert_eq!(counted(1_234_567, "story"), "1\u{202f}234\u{202f}567\u{a0}stories");
        let ordinals = [1, 2, 3, 4, 11, 12, 21, 113].map(ordinal);
        assert_eq!(ordinals, ["1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "113th"]);
    }

    #[test]
    fn an_address_carries_what_is_wished() {
        assert_eq!(address("/topic", &[("name", "a & b"), ("by", "")]), "/topic?name=a+%26+b");
        assert_eq!(address("/", &[]), "/");
    }
}
