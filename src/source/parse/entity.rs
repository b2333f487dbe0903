//! Text between tags: entities that only HTML or the document itself knows, ampersands that mean themselves, characters
//! that XML does not have. Pure.

use std::{borrow::Cow, cell::Cell, collections::BTreeMap};

/// Longest name of an HTML entity with its `;`, rounded up.
const ENTITY_BYTES_MAX: usize = 40;

/// Longest text that a document may give a name, in bytes.
const OWN_BYTES_MAX: usize = 1024;

/// Names that a document may give.
const OWN_MAX: usize = 300;

/// What may come of a document's own entities altogether, in bytes: one that asks for more means harm.
const EXPANDED_BYTES_MAX: usize = 256 << 10;

/// The entities that a document names itself, in its DOCTYPE. They are taken literally: none leads to another, none to
/// a file.
#[derive(Debug)]
pub(in crate::source) struct Own<'a> {
    texts: BTreeMap<&'a str, &'a str>,
    left: Cell<usize>,
    /// An ampersand meant itself.
    bare: Cell<bool>,
}

impl<'a> Own<'a> {
    /// Reads what stands before a document's root.
    pub(in crate::source) fn read(prologue: &'a str) -> Self {
        let declared = prologue.split("<!ENTITY").skip(1).filter_map(|entity| {
            let (name, rest) = entity.trim_start().split_once(char::is_whitespace)?;
            let rest = rest.trim_start();
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (text, _) = rest.get(1..)?.split_once(quote)?;
            (text.len() <= OWN_BYTES_MAX && !text.contains('&')).then_some((name, text))
        });
        Self {
            texts: declared.take(OWN_MAX).collect(),
            left: Cell::new(EXPANDED_BYTES_MAX),
            bare: Cell::new(false),
        }
    }

    /// Whether an ampersand meant itself in what was read so far.
    pub(super) fn had_bare_ampersands(&self) -> bool {
        self.bare.get()
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        let text = *self.texts.get(name)?;
        self.left.set(self.left.get().checked_sub(text.len())?);
        Some(text)
    }
}

/// Writes text from between tags so that XML has it.
pub(super) fn push_text(out: &mut String, raw: &str, own: &Own<'_>) {
    each(raw, own, |piece| push_literal(out, piece));
}

/// Writes text from between tags as it is meant.
pub(super) fn push_plain(out: &mut String, raw: &str, own: &Own<'_>) {
    each(raw, own, |piece| push_allowed(out, piece));
}

/// Gives a text in pieces as they are meant.
fn each(raw: &str, own: &Own<'_>, mut push: impl FnMut(&str)) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'&', rest.as_bytes()) {
        let (before, entity) = rest.split_at_checked(at).unwrap_or((rest, ""));
        push(before);
        let inner = entity.get(1..).unwrap_or("");
        let length = inner.bytes().take(ENTITY_BYTES_MAX).position(|b| b == b';');
        let name = length.and_then(|length| inner.get(..length)).unwrap_or("");
        rest = if let Some(text) = resolved(name, own) {
            push(&text);
            inner.get(name.len() + 1..).unwrap_or("")
        } else {
            own.bare.set(true);
            push("&");
            inner
        };
    }
    push(rest);
}

/// Writes text that means what it says.
pub(in crate::source) fn push_literal(out: &mut String, raw: &str) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr2(b'&', b'<', rest.as_bytes()) {
        let (before, mark) = rest.split_at_checked(at).unwrap_or((rest, ""));
        push_allowed(out, before);
        out.push_str(if mark.starts_with('&') { "&amp;" } else { "&lt;" });
        rest = mark.get(1..).unwrap_or("");
    }
    push_allowed(out, rest);
}

/// The same for an attribute's value in double quotes.
pub(in crate::source) fn push_value(out: &mut String, raw: &str) {
    for (at, part) in raw.split('"').enumerate() {
        if at > 0 {
            out.push_str("&quot;");
        }
        push_literal(out, part);
    }
}

/// Text or an attribute's value as it is meant.
pub(in crate::source) fn plain(raw: &str, own: &Own<'_>) -> String {
    let mut text = String::with_capacity(raw.len());
    push_plain(&mut text, raw, own);
    text
}

/// Characters that XML does not have go.
pub(super) fn push_allowed(out: &mut String, raw: &str) {
    if is_allowed(raw.as_bytes()) {
        return out.push_str(raw);
    }
    let forbidden =
        |c: char| (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    out.extend(raw.chars().filter(|c| !forbidden(*c)));
}

/// In pieces that a processor takes at once: no branch within one.
fn is_allowed(raw: &[u8]) -> bool {
    let control =
        |b: u8| u8::from(b < b' ') & u8::from(b != b'\t') & u8::from(b != b'\n') & u8::from(b != b'\r');
    let any = |piece: &[u8]| piece.iter().fold(0, |any, b| any | control(*b)) != 0;
    let (pieces, rest) = raw.as_chunks::<64>();
    if any(rest) || pieces.iter().any(|piece| any(piece)) {
        return false;
    }
    let after = |at: usize| raw.get(at + 1..at + 3);
    !memchr::memchr_iter(0xef, raw).any(|at| matches!(after(at), Some([0xbf, 0xbe | 0xbf])))
}

/// What stands between `&` and `;`, as it is meant.
fn resolved(name: &str, own: &Own<'_>) -> Option<Cow<'static, str>> {
    if let Some(number) = name.strip_prefix('#') {
        return numeric(number).map(Cow::Owned);
    }
    match name {
        "amp" => Some("&".into()),
        "lt" => Some("<".into()),
        "gt" => Some(">".into()),
        "quot" => Some("\"".into()),
        "apos" => Some("'".into()),
        _ if name.is_empty() => None,
        _ if !own.texts.is_empty() && own.texts.contains_key(name) => {
            Some(Cow::Owned(own.text(name).unwrap_or("").to_owned()))
        }
        _ if !name.bytes().all(|b| b.is_ascii_alphanumeric()) => None,
        _ => {
            let written = format!("&{name};");
            let decoded = html_escape::decode_html_entities(&written).into_owned();
            (decoded != written).then_some(Cow::Owned(decoded))
        }
    }
}

/// A numbered character; those that windows-1252 has at 128 to 159 are meant as there, as browsers read them.
fn numeric(number: &str) -> Option<String> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    let c = match code {
        128..=159 => encoding_rs::WINDOWS_1252.decode(&[u8::try_from(code).ok()?]).0.chars().next()?,
        _ => char::from_u32(code).unwrap_or('\u{fffd}'),
    };
    Some(c.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: &str) {
        let own =
            Own::read("<!ENTITY firm 'A < B'><!ENTITY more '&firm;&firm;'><!ENTITY file SYSTEM 'file:///x'>");
        let mut out = String::new();
        push_text(&mut out, raw, &own);
        assert_eq!(out, expected, "{raw}");
    }

    #[test]
    fn ampersands_are_made_sound() {
        check("R&D &nbsp;&eacute;&nosuch; &#146;&#38; a&", "R&amp;D \u{a0}é&amp;nosuch; ’&amp; a&amp;");
    }

    #[test]
    fn control_characters_go() {
        check("a\x07\u{ffff}b&#7;&#0;\u{fffd}\n", "ab\u{fffd}\n");
    }

    #[test]
    fn a_document_may_name_its_own() {
        check("&firm; &more; &file;", "A &lt; B &amp;more; &amp;file;");
    }

    #[test]
    fn what_comes_of_them_is_bounded() {
        let declared = format!("<!ENTITY a '{}'>", "x".repeat(1000));
        let own = Own::read(&declared);
        let mut out = String::new();
        push_text(&mut out, &"&a;".repeat(100_000), &own);
        assert!(out.len() <= EXPANDED_BYTES_MAX, "{}", out.len());
    }

    #[test]
    fn values_are_read_as_they_are_meant() {
        let own = Own::read("");
        assert_eq!(plain("a&amp;lt;&b=&eacute;&quot;", &own), "a&lt;&b=é\"");
    }
}
