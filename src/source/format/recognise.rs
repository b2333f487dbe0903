//! What a file is, by what is in it; the name only decides where the content leaves it open.

use std::path::Path;

use super::HEAD_BYTES;
use crate::source::parse::charset;

/// What was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    JsonLines,
    Json,
    Feed,
    Html,
    Text,
    Unreadable(&'static str),
}

/// Starts of files that are no text, and what to say of them.
const MAGIC: [(&[u8], &str); 10] = [
    (b"WARC/", "it is a web archive, which is not read; drop its pages"),
    (b"%PDF", "it is a PDF file, which is not read; save its text"),
    (
        b"PK\x03\x04",
        "it is a zip archive or an office document, which is not read; unpack it or save its text",
    ),
    (b"\x1f\x8b", "it is gzip data, which is not read; unpack it"),
    (b"\x28\xb5\x2f\xfd", "it is zstd data, which is not read; unpack it"),
    (b"\xfd7zXZ", "it is xz data, which is not read; unpack it"),
    (b"\x89PNG", "it is a picture"),
    (b"\xff\xd8\xff", "it is a picture"),
    (b"GIF8", "it is a picture"),
    (b"\x7fELF", "it is a program"),
];

pub(super) fn recognise(head: &[u8], path: &Path) -> Kind {
    if let Some((_, reason)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Kind::Unreadable(reason);
    }
    let wide = matches!(head, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'<', 0, ..] | [0, b'<', ..]);
    if !wide && head.contains(&0) {
        return Kind::Unreadable("it holds NUL bytes: it is no text");
    }
    if !wide && is_noise(head) {
        return Kind::Unreadable("it holds control characters as no text does");
    }
    let decoded;
    let head = if wide {
        decoded = charset::decode(head, None).into_bytes();
        decoded.as_slice()
    } else {
        head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head)
    };
    let head = head.trim_ascii_start();
    if is_mail(head) {
        return Kind::Unreadable("it is an e-mail, which is not read; save its text");
    }
    let named = |names: &[&str]| {
        path.extension()
            .is_some_and(|extension| names.iter().any(|name| extension.eq_ignore_ascii_case(name)))
    };
    match head.first() {
        None => Kind::Unreadable("it is empty"),
        _ if named(&["jsonl", "ndjson"]) && !wide => Kind::JsonLines,
        Some(b'{') => {
            if memchr::memmem::find(head, b"jsonfeed.org/version").is_some_and(|at| at < 4096) {
                return Kind::Feed;
            }
            if wide { Kind::Json } else { of_objects(head) }
        }
        Some(b'[') if matches!(head.get(1..).unwrap_or_default().trim_ascii_start(), [b'{' | b']', ..]) => {
            Kind::Json
        }
        Some(b'<') => of_markup(head),
        _ if named(&["json"]) => Kind::Json,
        _ => Kind::Text,
    }
}

/// Bytes that are no UTF-8 and hold control characters beyond a stray one are of a program, not of a person.
fn is_noise(head: &[u8]) -> bool {
    const ONE_IN: usize = 200;
    // A character that the end of the head cuts through is no fault.
    let whole = match std::str::from_utf8(head) {
        Ok(_) => return false,
        Err(fault) => fault.error_len().is_none(),
    };
    let control = |byte: &&u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c);
    !whole && head.iter().filter(control).count() * ONE_IN > head.len()
}

/// A message as mail programs save it begins with its headers.
fn is_mail(head: &[u8]) -> bool {
    let headers = memchr::memmem::find(head, b"\n\n").or_else(|| memchr::memmem::find(head, b"\n\r\n"));
    let headers = head.get(..headers.unwrap_or(head.len())).unwrap_or_default();
    let starts =
        [&b"From:"[..], b"Return-Path:", b"Received:", b"Delivered-To:", b"MIME-Version:", b"Date:", b"To:"];
    starts.iter().any(|start| headers.starts_with(start))
        && memchr::memmem::find(headers, b"\nSubject:").is_some()
}

/// A document over several lines, or one object a line.
fn of_objects(head: &[u8]) -> Kind {
    let mut lines = head.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    // a first line that is longer than what is looked at has no end here
    let long = first.len() + 1 >= HEAD_BYTES;
    let second = lines.next().unwrap_or_default();
    if long || first.ends_with(b"}") || second.starts_with(b"{") { Kind::JsonLines } else { Kind::Json }
}

fn of_markup(head: &[u8]) -> Kind {
    let start =
        String::from_utf8_lossy(head.get(..head.len().min(4096)).unwrap_or_default()).to_ascii_lowercase();
    let root = first_element(&start);
    match root.rsplit_once(':').map_or(root, |(_, local)| local) {
        "rss" | "feed" | "rdf" | "channel" => Kind::Feed,
        "html" | "head" | "body" | "article" | "div" | "p" | "h1" | "h2" | "title" | "meta" | "main"
        | "section" | "span" | "b" | "i" | "a" | "br" | "table" | "link" | "base" => Kind::Html,
        "" if start.starts_with("<!doctype html") => Kind::Html,
        "nitf" | "newsitem" | "newsmessage" | "newsml" => {
            Kind::Unreadable("it is an agency's XML, of a kind that is not read")
        }
        _ if start.starts_with("<?xml") => {
            Kind::Unreadable("it is XML of a kind that is not known; known are feeds and web pages")
        }
        _ => Kind::Text,
    }
}

/// The name of the first element, past declarations and comments.
fn first_element(text: &str) -> &str {
    let mut rest = text;
    while let Some((_, tag)) = rest.split_once('<') {
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
        } else if tag.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let end = tag.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_')));
            return tag.get(..end.unwrap_or(tag.len())).unwrap_or("");
        } else {
            rest = tag;
        }
    }
    ""
}
