//! Markup as a row of tags and texts, however broken it is: nothing is nested here, nothing fails, and every byte is
//! looked at a few times at most. Pure.

use memchr::memmem;

/// A piece of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Token<'a> {
    /// Entities and all.
    Text(&'a str),
    /// What stands in a CDATA section.
    Literal(&'a str),
    Start(Tag<'a>),
    /// Its name.
    End(&'a str),
}

/// A start tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) struct Tag<'a> {
    /// With its prefix.
    pub(in crate::source) name: &'a str,
    /// As written.
    pub(in crate::source) attributes: &'a str,
    /// Ends as it begins: `<a/>`.
    pub(in crate::source) empty: bool,
}

impl<'a> Tag<'a> {
    pub(in crate::source) fn local(&self) -> &'a str {
        local(self.name)
    }

    /// The value as written of the attribute with this name, in any case.
    pub(in crate::source) fn attribute(&self, name: &str) -> Option<&'a str> {
        attributes(self.attributes).find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A name without its prefix.
pub(in crate::source) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// The pieces of a document. Comments and instructions are left out.
#[derive(Clone, Debug)]
pub(in crate::source) struct Scanner<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(in crate::source) fn new(source: &'a str) -> Self {
        Self { source, at: 0 }
    }

    /// Where the next piece begins, in bytes.
    pub(in crate::source) fn at(&self) -> usize {
        self.at
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let rest = self.source.get(self.at..).unwrap_or("");
        let (taken, _) = rest.split_at_checked(bytes).unwrap_or((rest, ""));
        self.at += taken.len();
        taken
    }

    /// Reads up to and over a mark, or to the end.
    fn take_past(&mut self, mark: &str) -> &'a str {
        let rest = self.source.get(self.at..).unwrap_or("");
        match memmem::find(rest.as_bytes(), mark.as_bytes()) {
            Some(at) => {
                self.at += at + mark.len();
                rest.get(..at).unwrap_or("")
            }
            None => self.take(rest.len()),
        }
    }
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.source.get(self.at..).filter(|rest| !rest.is_empty())?;
            let text = memchr::memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
            if text > 0 {
                return Some(Token::Text(self.take(text)));
            }
            let inner = rest.get(1..).unwrap_or("");
            if inner.starts_with("!--") {
                self.take(4);
                self.take_past("-->");
            } else if inner.starts_with("![CDATA[") {
                self.take(9);
                return Some(Token::Literal(self.take_past("]]>")));
            } else if inner.starts_with('?') {
                self.take_past("?>");
            } else if inner.starts_with('!') {
                self.take_past(">");
            } else if let Some(closing) = inner.strip_prefix('/') {
                let name = name_of(closing.trim_start());
                self.take_past(">");
                return Some(Token::End(name));
            } else if inner.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                return Some(Token::Start(self.tag(inner)));
            } else {
                return Some(Token::Text(self.take(1)));
            }
        }
    }
}

impl<'a> Scanner<'a> {
    fn tag(&mut self, inner: &'a str) -> Tag<'a> {
        let name = name_of(inner);
        let end = end_of_tag(inner);
        let within = inner.get(name.len()..end).unwrap_or("");
        self.at += 1 + end;
        if inner.get(end..).is_some_and(|rest| rest.starts_with('>')) {
            self.at += 1;
        }
        let within = within.trim_end();
        Tag { name, attributes: within.strip_suffix('/').unwrap_or(within), empty: within.ends_with('/') }
    }
}

fn name_of(tag: &str) -> &str {
    let end =
        tag.find(|c: char| !(c.is_alphanumeric() || matches!(c, ':' | '-' | '_' | '.'))).unwrap_or(tag.len());
    tag.get(..end).unwrap_or("")
}

/// Where a tag's `>` is. A `<` before it means that it was never written, unless it stands in a quoted value; a quote
/// that never ends is none.
fn end_of_tag(inner: &str) -> usize {
    let bytes = inner.as_bytes();
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr3(b'>', b'"', b'\'', rest)) {
        let here = at + found;
        if let Some(unclosed) = bytes.get(at..here).and_then(|part| memchr::memchr(b'<', part)) {
            return at + unclosed;
        }
        match bytes.get(here) {
            Some(&quote @ (b'"' | b'\'')) => {
                let close = bytes.get(here + 1..).and_then(|rest| memchr::memchr(quote, rest));
                at = here + 1 + close.map_or(0, |close| close + 1);
            }
            _ => return here,
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    memchr::memchr(b'<', rest).map_or(bytes.len(), |unclosed| at + unclosed)
}

/// Names and values of a tag's attributes, as written.
pub(in crate::source) fn attributes(raw: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = raw;
    std::iter::from_fn(move || {
        let (name, value) = rest.split_once('=')?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => {
                let inner = value.get(1..).unwrap_or("");
                inner.split_once(quote).unwrap_or((inner, ""))
            }
            None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
        };
        rest = after;
        // names without a value may stand before it
        Some((name.split_whitespace().next_back().unwrap_or(""), value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let said: Vec<String> = Scanner::new(source)
            .map(|token| match token {
                Token::Text(text) => format!("'{text}'"),
                Token::Literal(text) => format!("[{text}]"),
                Token::Start(tag) => {
                    let attributes =
                        attributes(tag.attributes).map(|(name, value)| format!(" {name}={value}"));
                    format!(
                        "{}{}{}",
                        tag.name,
                        attributes.collect::<String>(),
                        if tag.empty { "/" } else { "" }
                    )
                }
                Token::End(name) => format!("/{name}"),
            })
            .collect();
        assert_eq!(said.join("|"), expected, "{source}");
    }

    #[test]
    fn sound_markup() {
        check(
            "<a b='c d' e=\"f\">x<!-- <y> --><g:h/><?z?><![CDATA[<k>]]></a >",
            "a b=c d e=f|'x'|g:h/|[<k>]|/a",
        );
    }

    #[test]
    fn broken_markup() {
        check("<a b=c d>1 < 2</ a><b", "a b=c|'1 '|'<'|' 2'|/a|b");
        check("<a <b>x", "a|b|'x'");
        check("<a b=\"x>y<c>", "a b=x|'y'|c");
        check("<a b='>'>y", "a b=>|'y'");
    }

    #[test]
    fn what_is_cut_off_ends() {
        for (source, expected) in
            [("a<!--", "'a'"), ("a<![CDATA[b", "'a'|[b]"), ("a</b", "'a'|/b"), ("a<?b", "'a'"), ("<", "'<'")]
        {
            check(source, expected);
        }
    }

    #[test]
    fn many_open_quotes_take_no_longer() {
        assert!(Scanner::new(&"<a b=\"".repeat(200_001)).count() < 200_002);
        assert!(Scanner::new(&"<a '\">".repeat(200_001)).count() < 200_002);
    }
}
