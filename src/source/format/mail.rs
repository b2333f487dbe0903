//! E-mail: one message a file, or a mailbox of many. Attachments are no articles. Only user of `mail_parser`.

use std::io;

use jiff::Timestamp;
use mail_parser::{Address, HeaderValue, Message, MessageParser, PartType};

use super::{
    draft::{Draft, Fault, Piece},
    guarded,
    stream::{Bytes, read_line},
    text,
};
use crate::{poison::Reading, source::clean};

/// Bytes of one message, its attachments included.
pub(super) const MESSAGE_BYTES_MAX: usize = 32 << 20;

/// Parts of one message that are read.
const PARTS_MAX: usize = 64;

/// Reads one message.
pub(super) fn article(bytes: &[u8]) -> Piece {
    let Some(message) = MessageParser::default().parse(bytes) else {
        return Err(Fault::of("it could not be read as an e-mail"));
    };
    let id = message.message_id().map(str::to_owned);
    let title = clean::line(message.subject().unwrap_or_default());
    let text = words(&message);
    let from = message.from().or_else(|| message.sender()).and_then(Address::first);
    let name = from.and_then(|from| from.name()).map(str::to_owned);
    let host = from.and_then(|from| from.address()).and_then(|address| address.rsplit_once('@'));
    let list = match message.list_id() {
        HeaderValue::Text(list) => {
            list.split('<').next().map(|name| clean::line(name.trim().trim_matches('"')))
        }
        HeaderValue::Address(list) => list.first().and_then(|first| first.name()).map(clean::line),
        _ => None,
    };
    let language = match message.header("Content-Language") {
        Some(HeaderValue::Text(tag)) => Some(tag.to_string()),
        _ => None,
    };
    let date = message.date().and_then(|date| Timestamp::from_second(date.to_timestamp()).ok());
    Draft {
        id,
        title: if title.is_empty() { text::sentence(&text) } else { title },
        text,
        published: date,
        source: list
            .filter(|list| !list.is_empty())
            .or_else(|| host.map(|(_, host)| host.to_ascii_lowercase())),
        language,
        authors: name.into_iter().collect(),
        ..Draft::default()
    }
    .finish()
}

/// The body as plain text, else the words of its HTML; what is attached or quoted below a signature mark is left out.
fn words(message: &Message<'_>) -> String {
    let mut out = String::new();
    let bodies = if has_plain(message) {
        message.text_bodies().collect::<Vec<_>>()
    } else {
        message.html_bodies().collect()
    };
    for part in bodies.into_iter().take(PARTS_MAX) {
        let words = match &part.body {
            PartType::Text(text) => without_signature(&text.replace("\r\n", "\n")).to_owned(),
            PartType::Html(html) => clean::html(body_of(html)),
            _ => continue,
        };
        let words = words.trim();
        if !words.is_empty() {
            if !out.is_empty() {
                out.push_str("\n\n");
            }
            out.push_str(words);
        }
    }
    out
}

/// Newsletters often say in their plain part only that there is another one.
fn has_plain(message: &Message<'_>) -> bool {
    let length = |parts: &mut dyn Iterator<Item = usize>| parts.sum::<usize>();
    let plain = length(&mut message.text_bodies().filter_map(|part| match &part.body {
        PartType::Text(text) => Some(text.trim().len()),
        _ => None,
    }));
    let html = length(&mut message.html_bodies().filter_map(|part| match &part.body {
        PartType::Html(html) => Some(clean::html(body_of(html)).len()),
        _ => None,
    }));
    plain > 0 && plain * 4 >= html
}

/// The title of an HTML part says what the subject says.
fn body_of(html: &str) -> &str {
    let start = html.find("<body").or_else(|| html.find("<BODY")).unwrap_or(0);
    html.get(start..).unwrap_or(html)
}

fn without_signature(text: &str) -> &str {
    text.split_once("\n-- \n").map_or(text, |(body, _)| body)
}

/// A mailbox as it streams by: each message begins with a line `From `.
pub(super) struct Messages {
    bytes: Bytes,
    /// Bytes that are read, of what is unpacked.
    read: u64,
    /// Where the next message begins.
    pub(super) offset: u64,
    number: u64,
    /// The line `From ` of the next message is read already.
    begun: bool,
    over: bool,
}

impl Messages {
    pub(super) fn new(bytes: Bytes, offset: u64, number: u64) -> Self {
        Self { bytes, read: offset, offset, number, begun: false, over: false }
    }

    pub(super) fn next(&mut self, file: &str) -> Option<Piece> {
        while !self.over {
            let message = match self.message() {
                Ok(message) => message,
                Err(error) => {
                    self.over = true;
                    return Some(Err(Fault::of(format!("could not read on: {error}"))));
                }
            };
            if message.trim_ascii().is_empty() {
                continue;
            }
            self.number += 1;
            let place = format!(":{}", self.number);
            if message.len() > MESSAGE_BYTES_MAX {
                let reason = format!("the message has more than the {MESSAGE_BYTES_MAX} bytes that are read");
                return Some(Err(Fault::at(place, reason)));
            }
            let reading = Reading::of(&message, || format!("message {} of {file}", self.number));
            let piece = reading
                .map_err(|quarantined| quarantined.to_string())
                .and_then(|reading| guarded(&reading, move || article(&message)))
                .unwrap_or_else(|reason| Err(Fault::of(reason)));
            return Some(piece.map_err(|fault| fault.within(&place)));
        }
        None
    }

    /// Up to the next line `From ` after a blank one, or to the end. Of a message that is too long a little more than
    /// allowed is kept.
    fn message(&mut self) -> io::Result<Vec<u8>> {
        let (mut message, mut line) = (Vec::new(), Vec::new());
        let mut blank = true;
        loop {
            line.clear();
            let length = read_line(&mut self.bytes, &mut line)?;
            let starts = blank && line.starts_with(b"From ");
            if length == 0 || starts && self.begun {
                // the line that begins the next message belongs to it: who resumes finds it there
                self.offset = self.read;
                self.read += length;
                self.over = length == 0;
                return Ok(message);
            }
            self.read += length;
            blank = line.trim_ascii().is_empty();
            if starts {
                self.begun = true;
            } else if message.len() <= MESSAGE_BYTES_MAX {
                message.extend_from_slice(unquoted(&line));
            }
        }
    }
}

/// Mailboxes write `>From ` for a line of a message that begins with `From `.
fn unquoted(line: &[u8]) -> &[u8] {
    let rest = line.strip_prefix(b">").unwrap_or(line);
    let marks = rest.iter().take_while(|byte| **byte == b'>').count();
    if rest.get(marks..).is_some_and(|rest| rest.starts_with(b"From ")) { rest } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, title: &str, text: &str) {
        let article = article(message.replace('\n', "\r\n").as_bytes()).unwrap();
        assert_eq!((article.title.as_str(), article.text.as_str()), (title, text));
    }

    const HEAD: &str = "From: \"Ann Lee\" <ann@paper.example>\nSubject: =?utf-8?q?Crane_f=C3=A4llt?=\n\
        Date: Mon, 6 May 2024 09:08:09 +0200\nMessage-ID: <7@paper.example>\n";

    #[test]
    fn a_message() {
        let message = format!("{HEAD}\nThe harbour is closed.\n\nShips wait.\n-- \nAnn\n");
        check(&message, "Crane fällt", "The harbour is closed.\n\nShips wait.");
        let read = article(message.as_bytes()).unwrap();
        assert_eq!(read.published, "2024-05-06T07:08:09Z".parse().ok());
        assert_eq!(
            (read.outlet.as_str(), read.input_id.as_deref()),
            ("paper.example", Some("7@paper.example"))
        );
        assert_eq!(read.authors, ["Ann Lee"]);
    }

    #[test]
    fn html_without_plain_text_and_no_attachment() {
        let body = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<title>x</title><body><p>The \
            harbour</p><p>is closed.</p></body>\n--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nNot this.\n--b--\n";
        check(&format!("{HEAD}{body}"), "Crane fällt", "The harbour\nis closed.");
    }

    #[test]
    fn nothing_in_it() {
        assert!(article(format!("{HEAD}\n\n").as_bytes()).unwrap_err().reason.contains("no text"));
    }

    #[test]
    fn a_mailbox_also_from_its_middle() {
        let one = |words: &str| {
            format!("From a@b.example Mon May  6 09:08:09 2024\n{HEAD}\n{words}\n>From here on.\n\n")
        };
        let mailbox = one("First") + &one("Second") + &one("Third");
        let open = |offset: usize| {
            Messages::new(
                Box::new(io::Cursor::new(mailbox.get(offset..).unwrap().to_owned())),
                offset as u64,
                0,
            )
        };
        let mut messages = open(0);
        assert_eq!(messages.next("").unwrap().unwrap().text, "First\nFrom here on.");
        let mut messages = open(usize::try_from(messages.offset).unwrap());
        let rest: Vec<String> =
            std::iter::from_fn(|| messages.next("")).map(|piece| piece.unwrap().text).collect();
        assert_eq!(rest, ["Second\nFrom here on.", "Third\nFrom here on."]);
        assert_eq!(messages.offset, mailbox.len() as u64);
    }
}
