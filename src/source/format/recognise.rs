//! What a file is, by what is in it; the name only decides where the content leaves it open.

use std::path::Path;

use super::{DOCUMENT_BYTES_MAX, FILE_BYTES_MAX, mail, markdown, stream::HEAD_BYTES, warc};
use crate::source::parse::charset;

/// What was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    JsonLines,
    Json,
    Feed,
    Html,
    Text,
    Markdown,
    Mail,
    Mailbox,
    NewsMlG2,
    NewsMl1,
    Nitf,
    Archive(warc::Form),
    Pdf,
    Zip,
    Unreadable(&'static str),
}

impl Kind {
    /// Bytes of a file of this kind that is read at once.
    pub(super) fn bytes_max(self) -> usize {
        match self {
            Self::Mail => mail::MESSAGE_BYTES_MAX,
            Self::Pdf | Self::Zip => DOCUMENT_BYTES_MAX,
            _ => FILE_BYTES_MAX,
        }
    }
}

/// Starts of files, and what they are.
const MAGIC: [(&[u8], Kind); 20] = [
    (b"WARC/", Kind::Archive(warc::Form::Warc)),
    (b"filedesc://", Kind::Archive(warc::Form::Arc)),
    (b"%PDF", Kind::Pdf),
    (b"PK\x03\x04", Kind::Zip),
    (b"PK\x05\x06", Kind::Unreadable("the zip archive is empty")),
    (b"\xfd7zXZ", Kind::Unreadable("it is xz data, which is not read; unpack it")),
    (b"BZh", Kind::Unreadable("it is bzip2 data, which is not read; unpack it")),
    (b"7z\xbc\xaf", Kind::Unreadable("it is a 7-zip archive, which is not read; unpack it")),
    (b"Rar!", Kind::Unreadable("it is a RAR archive, which is not read; unpack it")),
    (
        b"\xd0\xcf\x11\xe0",
        Kind::Unreadable("it is an old office document, which is not read; save it as .docx or text"),
    ),
    (b"{\\rtf", Kind::Unreadable("it is RTF, which is not read; save it as .docx or text")),
    (b"%!PS", Kind::Unreadable("it is PostScript, which is not read; save its text")),
    (b"\x89PNG", Kind::Unreadable("it is a picture")),
    (b"\xff\xd8\xff", Kind::Unreadable("it is a picture")),
    (b"GIF8", Kind::Unreadable("it is a picture")),
    (b"RIFF", Kind::Unreadable("it is a picture, a film or a recording")),
    (b"OggS", Kind::Unreadable("it is a recording")),
    (b"ID3", Kind::Unreadable("it is a recording")),
    (b"SQLite format 3", Kind::Unreadable("it is a database")),
    (b"\x7fELF", Kind::Unreadable("it is a program")),
];

pub(super) fn recognise(head: &[u8], path: &Path) -> Kind {
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return *kind;
    }
    if head.get(257..).is_some_and(|rest| rest.starts_with(b"ustar")) {
        return Kind::Unreadable("it is a tar archive, which is not read; unpack it or make it a zip");
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
    if is_mailbox(head) {
        return Kind::Mailbox;
    }
    if is_mail(head) {
        return Kind::Mail;
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
        _ if named(&["md", "markdown", "mdown"]) => Kind::Markdown,
        _ if named(&["csv", "tsv"]) || is_table(head) => Kind::Unreadable("it is a table, not a text"),
        _ if markdown::is(&String::from_utf8_lossy(head)) => Kind::Markdown,
        _ => Kind::Text,
    }
}

/// Lines of as many cells each, without the blanks that follow commas in a text.
fn is_table(head: &[u8]) -> bool {
    const LINES_MAX: usize = 30;
    let lines: Vec<&[u8]> = head
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
        .take(LINES_MAX)
        .collect();
    // the last line that is looked at may be cut
    let whole = if lines.len() > 2 { lines.len() - 1 } else { lines.len() };
    let cells = |mark: u8| {
        let counts = lines.iter().take(whole).map(move |line| memchr::memchr_iter(mark, line).count());
        let same: Vec<usize> = counts.collect();
        same.len() > 1
            && same.first().is_some_and(|first| *first > 0 && same.iter().all(|count| count == first))
    };
    let in_words = |mark: u8| lines.iter().any(|line| line.windows(2).any(|pair| pair == [mark, b' ']));
    cells(b'\t') || [b',', b';', b'|'].into_iter().any(|mark| cells(mark) && !in_words(mark))
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
    let end =
        memchr::memmem::find(head, b"\n\n").into_iter().chain(memchr::memmem::find(head, b"\n\r\n")).min();
    let headers = String::from_utf8_lossy(head.get(..end.unwrap_or(head.len())).unwrap_or_default())
        .to_ascii_lowercase();
    if !headers.lines().next().is_some_and(is_header) {
        return false;
    }
    let has = |name: &str| headers.lines().any(|line| line.starts_with(name));
    let known = ["subject:", "from:", "date:", "to:", "message-id:", "mime-version:", "received:"];
    known.iter().filter(|name| has(name)).count() >= 2 && (has("subject:") || has("message-id:"))
}

fn is_header(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// A mailbox begins with a line `From `, and headers follow it.
fn is_mailbox(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n');
    lines.next().is_some_and(|first| first.starts_with(b"From "))
        && lines.next().is_some_and(|second| is_header(&String::from_utf8_lossy(second)))
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
        "nitf" => Kind::Nitf,
        "newsml" => Kind::NewsMl1,
        "newsmessage" | "newsitem" | "packageitem" | "conceptitem" | "knowledgeitem" | "planningitem"
        | "catalogitem" => Kind::NewsMlG2,
        _ if start.starts_with("<?xml")
            || !root.is_empty() && start.starts_with('<') && is_closed(head, root) =>
        {
            Kind::Unreadable(
                "it is XML of a kind that is not known; known are feeds, web pages, NITF and NewsML",
            )
        }
        _ => Kind::Text,
    }
}

/// Whether markup of another kind ends as it began; a text may begin with `<` too.
fn is_closed(head: &[u8], root: &str) -> bool {
    let end = head.len().saturating_sub(1024);
    let tail = String::from_utf8_lossy(head.get(end..).unwrap_or_default()).to_ascii_lowercase();
    head.len() >= HEAD_BYTES || tail.contains(&format!("</{root}"))
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
