//! Alerts as an Atom feed (RFC 4287), for feed readers.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::article::{Alert, Id};

/// The feed; `alerts` the newest first, `title` what it is called.
pub fn feed(title: &str, alerts: &[Alert]) -> String {
    let updated = alerts.iter().map(|alert| alert.time).max().unwrap_or(Timestamp::UNIX_EPOCH);
    let id = Id::of(&[b"feed", title.as_bytes()]);
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n",
    );
    // Writing to a String cannot fail.
    writeln!(text, "<title>{}</title>\n<id>urn:storywatch:feed:{id}</id>", escaped(title)).ok();
    writeln!(text, "<updated>{}</updated>\n<generator>Storywatch</generator>", second(updated)).ok();
    for alert in alerts {
        entry(alert, &mut text);
    }
    text.push_str("</feed>\n");
    text
}

fn entry(alert: &Alert, text: &mut String) {
    let head = alert.article.as_ref();
    let title = head.map_or_else(|| said(alert), |head| head.title.clone());
    let author = head.map(|head| head.source.as_str()).filter(|source| !source.is_empty());
    writeln!(text, "<entry>\n<title>{}</title>", escaped(&title)).ok();
    writeln!(text, "<id>urn:storywatch:alert:{}</id>", alert.id).ok();
    writeln!(text, "<updated>{}</updated>", second(alert.time)).ok();
    if let Some(published) = head.and_then(|head| head.published) {
        writeln!(text, "<published>{}</published>", second(published)).ok();
    }
    writeln!(text, "<author><name>{}</name></author>", escaped(author.unwrap_or("Storywatch"))).ok();
    if let Some(url) = head.and_then(|head| head.url.as_deref()) {
        writeln!(text, "<link rel=\"alternate\" href=\"{}\"/>", escaped(url)).ok();
    }
    for term in [alert.topic.as_str(), alert.kind.word()].into_iter().filter(|term| !term.is_empty()) {
        writeln!(text, "<category term=\"{}\"/>", escaped(term)).ok();
    }
    if let Some(summary) =
        alert.novel.as_ref().or(head.map(|head| &head.lead)).filter(|text| !text.is_empty())
    {
        writeln!(text, "<summary>{}</summary>", escaped(summary)).ok();
    }
    text.push_str("</entry>\n");
}

/// What an alert that is about no article says.
fn said(alert: &Alert) -> String {
    match &alert.digest {
        Some(digest) => {
            let titles: Vec<&str> = digest.items.iter().map(|item| item.title.as_str()).collect();
            titles.join(" · ")
        }
        None => alert.evidence.join(" · "),
    }
}

fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Text and attributes alike; what XML cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::AlertKind;

    #[test]
    fn what_is_written_is_a_feed_that_our_own_reader_understands() {
        let mut alert =
            Alert::bare(Id(7), "2026-03-02T09:00:00Z".parse().unwrap(), AlertKind::Surge, "a & b");
        alert.evidence = vec!["12 reports <in> an hour\u{1}".to_owned()];
        let feed = feed("Alerts of \"a\"", &[alert]);
        assert!(feed.contains("<title>Alerts of &quot;a&quot;</title>"), "{feed}");
        assert!(feed.contains("<title>12 reports &lt;in&gt; an hour</title>"), "{feed}");
        assert!(feed.contains("<category term=\"a &amp; b\"/>\n<category term=\"surge\"/>"), "{feed}");
        assert!(feed.contains("<updated>2026-03-02T09:00:00Z</updated>"), "{feed}");
    }
}
