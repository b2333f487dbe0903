//! Text from outside, made fit for the house: no control or direction marks, NFC, and HTML reduced to its words.

use std::borrow::Cow;

use html_escape::decode_html_entities;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use url::Url;

/// What a text has no use for: it would move a reader's cursor, turn the line around, or hide inside a word.
fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0b'..='\x1f' | '\x7f'..='\u{9f}')
        || (c >= '\u{ad}'
            && matches!(c,
                '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'))
}

/// Whether a character can be in need of normalisation; the common punctuation and the Latin letters never are.
fn may_compose(c: char) -> bool {
    c >= '\u{300}'
        && !matches!(c, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{20ac}' | '\u{4e00}'..='\u{9fff}')
}

fn nfc(text: Cow<'_, str>) -> Cow<'_, str> {
    if !any_char(&text, may_compose) || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text;
    }
    Cow::Owned(text.nfc().collect())
}

/// Whether any character is such, the usual ones of ASCII apart: those are passed over in pieces that a processor takes
/// at once.
fn any_char(raw: &str, is_such: impl Fn(char) -> bool) -> bool {
    let usual = |b: u8| matches!(b, b' '..=b'~' | b'\n');
    let mut rest = raw;
    loop {
        let whole = rest.as_bytes().chunks_exact(32);
        let whole = whole.take_while(|piece| piece.iter().fold(true, |all, b| all & usual(*b))).count() * 32;
        // a character that is cut in two ends no piece of usual ones
        let mut chars = rest.get(whole..).unwrap_or("").chars();
        if chars.by_ref().take(32).any(|c| !u8::try_from(c).is_ok_and(usual) && is_such(c)) {
            return true;
        }
        rest = chars.as_str();
        if rest.is_empty() {
            return false;
        }
    }
}

/// A text of several lines. Plain text keeps its length and its blank lines, so that offsets into what the user wrote
/// hold: control characters become blanks, only invisible marks go.
pub fn text(raw: &str) -> Cow<'_, str> {
    if !any_char(raw, |c| is_forbidden(c) || c == '\t') {
        return nfc(Cow::Borrowed(raw));
    }
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() != Some(&'\n') => out.push('\n'),
            '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\t' => out.push(' '),
            c if !is_forbidden(c) => out.push(c),
            c if c <= '\u{9f}' => out.push(' '),
            _ => {}
        }
    }
    Cow::Owned(nfc(Cow::Owned(out)).into_owned())
}

/// A text of one line: white space folded, none at its ends.
pub fn line(raw: &str) -> String {
    let plain = |pair: &[u8]| !matches!(pair, [b' ', b' ']);
    let ends = raw.starts_with(' ') || raw.ends_with(' ');
    if !ends && raw.bytes().all(|b| matches!(b, b' '..=b'~')) && raw.as_bytes().windows(2).all(plain) {
        return raw.to_owned();
    }
    let mut out = String::with_capacity(raw.len());
    for word in text(raw).split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The words of a piece of HTML, a line a paragraph, entities decoded once.
pub fn html(raw: &str) -> String {
    if !raw.bytes().any(|b| b == b'<' || b == b'&') {
        return folded(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'<', rest.as_bytes()) {
        let (before, tag) = rest.split_at_checked(at).unwrap_or((rest, ""));
        push_words(&mut out, before);
        rest = after_tag(&mut out, tag);
    }
    push_words(&mut out, rest);
    folded(&out)
}

/// One line of HTML.
pub fn html_line(raw: &str) -> String {
    if raw.bytes().any(|b| b == b'<' || b == b'&') { line(&html(raw)) } else { line(raw) }
}

/// White space folded within lines, blank lines gone.
fn folded(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for part in text(raw).lines() {
        let start = out.len();
        if is_folded(part) {
            if start > 0 {
                out.push('\n');
            }
            out.push_str(part);
            continue;
        }
        for word in part.split_whitespace() {
            if !out.is_empty() {
                out.push(if out.len() == start { '\n' } else { ' ' });
            }
            out.push_str(word);
        }
    }
    out
}

/// Whether a line has single blanks between its words, none at its ends, and no other white space.
fn is_folded(line: &str) -> bool {
    let mut blank = true;
    for c in line.chars() {
        match c {
            ' ' if blank => return false,
            ' ' => blank = true,
            '!'..='~' => blank = false,
            c if c.is_whitespace() => return false,
            _ => blank = false,
        }
    }
    !blank
}

/// Line breaks in the source are blanks; those of the text come from its tags.
fn push_words(out: &mut String, raw: &str) {
    let decoded = decode_html_entities(raw);
    let mut rest = &*decoded;
    while let Some(at) = memchr::memchr2(b'\n', b'\r', rest.as_bytes()) {
        let (before, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        out.push(' ');
        rest = after.get(1..).unwrap_or("");
    }
    out.push_str(rest);
}

/// Reads what begins with `<` and gives what follows it.
fn after_tag<'a>(out: &mut String, tag: &'a str) -> &'a str {
    let Some(inner) = tag.strip_prefix('<') else { return tag };
    if let Some(comment) = inner.strip_prefix("!--") {
        return after_comment(comment);
    }
    if let Some(literal) = inner.strip_prefix("![CDATA[") {
        let (words, rest) = literal.split_once("]]>").unwrap_or((literal, ""));
        push_words(out, words);
        return rest;
    }
    let closing = inner.starts_with('/');
    let named = inner.strip_prefix('/').unwrap_or(inner);
    if !named.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!' || c == '?') {
        out.push('<');
        return inner;
    }
    let length = named.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(named.len());
    let (name, attributes) = named.split_at_checked(length).unwrap_or((named, ""));
    let name = name.to_ascii_lowercase();
    let rest = after_attributes(attributes);
    match name.as_str() {
        "script" | "style" | "template" | "applet" | "noscript" | "svg" if !closing => {
            after_element(rest, &name)
        }
        "td" | "th" => {
            out.push(' ');
            rest
        }
        _ => {
            if is_block(&name) {
                out.push('\n');
            }
            rest
        }
    }
}

/// One that never ends is over with its tag.
fn after_comment(comment: &str) -> &str {
    comment.split_once("-->").or_else(|| comment.split_once('>')).map_or("", |(_, rest)| rest)
}

/// HTML without its scripts, styles and comments, the addresses of its links and pictures resolved against `base`.
pub fn sound_html(raw: &str, base: Option<&Url>) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'<', rest.as_bytes()) {
        let (before, tag) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        let inner = tag.get(1..).unwrap_or("");
        if let Some(comment) = inner.strip_prefix("!--") {
            rest = after_comment(comment);
            continue;
        }
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
            out.push('<');
            rest = inner;
            continue;
        }
        let length = inner.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inner.len());
        let (name, attributes) = inner.split_at_checked(length).unwrap_or((inner, ""));
        rest = after_attributes(attributes);
        if let Some(unseen) = ["script", "style", "applet"].iter().find(|one| name.eq_ignore_ascii_case(one))
        {
            rest = after_element(rest, unseen);
            continue;
        }
        let written = tag.get(..tag.len() - rest.len()).unwrap_or(tag);
        match base {
            Some(base) => push_tag(&mut out, written, base),
            None => out.push_str(written),
        }
    }
    out.push_str(rest);
    out
}

fn push_tag(out: &mut String, tag: &str, base: &Url) {
    let mut rest = tag;
    while let Some((before, quote, value, after)) = next_address(rest) {
        out.push_str(before);
        out.push(quote);
        let relative = matches!(Url::parse(value), Err(url::ParseError::RelativeUrlWithoutBase));
        let whole = relative.then(|| base.join(value).ok()).flatten().filter(|_| !value.starts_with('#'));
        match whole {
            Some(whole) => out.push_str(&whole.as_str().replace('\'', "%27")),
            None => out.push_str(value),
        }
        out.push(quote);
        rest = after;
    }
    out.push_str(rest);
}

/// The next quoted address in a tag: what stands before its quote, the quote, itself, what follows.
fn next_address(tag: &str) -> Option<(&str, char, &str, &str)> {
    let mut at = 0;
    while let Some(found) = tag.get(at..)?.find('=') {
        let name = tag.get(at..at + found)?.trim_end();
        at += found + 1;
        let value = tag.get(at..)?.trim_start();
        let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
        let (value, after) = value.get(1..)?.split_once(quote)?;
        at = tag.len() - after.len();
        let name = name.to_ascii_lowercase();
        if name.ends_with("href") || name.ends_with("src") {
            let before = at - value.len() - 2;
            return Some((tag.get(..before)?, quote, value, after));
        }
    }
    None
}

fn after_attributes(raw: &str) -> &str {
    let mut quote = None;
    for (at, byte) in raw.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return raw.get(at + 1..).unwrap_or(""),
            // a quote opens a value only after `=`, so that a stray apostrophe does not swallow the rest
            (None, b'"' | b'\'') if raw.get(..at).is_some_and(|before| before.trim_end().ends_with('=')) => {
                quote = Some(byte);
            }
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    // a quote that never ends: the tag ends at the first `>`, or is cut off
    raw.split_once('>').map_or("", |(_, rest)| rest)
}

fn after_element<'a>(raw: &'a str, name: &str) -> &'a str {
    let bytes = raw.as_bytes();
    for at in memchr::memchr_iter(b'<', bytes) {
        let end = raw.get(at + 1..).and_then(|tag| tag.strip_prefix('/')).unwrap_or("");
        if end.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)) {
            return end.split_once('>').map_or("", |(_, rest)| rest);
        }
    }
    ""
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "br"
            | "div"
            | "li"
            | "ul"
            | "ol"
            | "dl"
            | "dt"
            | "dd"
            | "tr"
            | "table"
            | "blockquote"
            | "pre"
            | "hr"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "aside"
            | "figure"
            | "figcaption"
            | "main"
            | "nav"
            | "form"
            | "title"
            | "address"
            | "center"
            | "body"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(clean: impl Fn(&str) -> String, raw: &str, expected: &str) {
        assert_eq!(clean(raw), expected, "{raw:?}");
    }

    fn plain(raw: &str) -> String {
        text(raw).into_owned()
    }

    #[test]
    fn plain_text_keeps_its_length() {
        check(plain, " Rain.\r\n\r\n\tMore\x07 rain. ", " Rain. \n \n More  rain. ");
    }

    #[test]
    fn direction_marks_go() {
        check(plain, "safe\u{202e}txt\u{200b}.\u{feff}", "safetxt.");
    }

    #[test]
    fn letters_are_composed() {
        check(plain, "Cafe\u{301} – “now”", "Café – “now”");
    }

    #[test]
    fn a_line_is_one_line() {
        check(line, "  Rain \n\x1b[2J in\u{2028}Spain  ", "Rain [2J in Spain");
    }

    #[test]
    fn entities_are_decoded_once() {
        check(html, "a &amp;lt;b&gt; &eacute;", "a &lt;b> é");
    }

    #[test]
    fn paragraphs_are_lines() {
        check(html, "<p>One\ntwo</p><p>th<b>r</b>ee<br/>four</p>\n", "One two\nthree\nfour");
    }

    #[test]
    fn scripts_and_comments_are_not_words() {
        check(html, "a<script>if (1<2) x('</b>')</script><!-- no <p> --><STYLE>b{}</style>b", "ab");
    }

    #[test]
    fn a_quoted_mark_does_not_end_a_tag() {
        check(html, "a<img alt=\"x > y\" src=z>b", "ab");
    }

    #[test]
    fn a_comment_that_never_ends_is_over_with_its_tag() {
        check(html, "a<!-- x >b", "ab");
    }

    #[test]
    fn shown_html_is_sound() {
        let base = Url::parse("https://a.example/b/c").unwrap();
        let sound = |raw: &str| sound_html(raw, Some(&base));
        check(sound, "x<SCRIPT>y</script>z<!-- y --><style>y</style>", "xz");
        check(sound, "1 < 2 &lt; <b c>3", "1 < 2 &lt; <b c>3");
        check(
            sound,
            "<a id=x HREF = '../d?e=1&amp;f' title=\"href='g'\">",
            "<a id=x HREF = 'https://a.example/d?e=1&amp;f' title=\"href='g'\">",
        );
        check(
            sound,
            "<img src=\"d\" data-src='e'><a href='mailto:x'><a href='#y'>",
            "<img src=\"https://a.example/b/d\" data-src='https://a.example/b/e'><a href='mailto:x'><a href='#y'>",
        );
        check(sound, "<a href='", "<a href='");
    }

    #[test]
    fn a_stray_mark_is_a_mark() {
        check(html, "1 < 2 and <3", "1 < 2 and <3");
    }

    #[test]
    fn what_is_cut_off_ends() {
        for raw in ["a<", "a<b", "a<!--", "a<script>", "a<b c=\"", "a<![CDATA[", "a&", "a&#x", "a</"] {
            assert!(html(raw).starts_with('a'), "{raw}");
        }
    }
}
