//! Web archives, WARC and the older ARC: of their records, the pages that were answered with 200 are articles. Only user
//! of `httparse`.

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use flate2::read::{GzDecoder, ZlibDecoder};

use super::{
    draft::{Fault, Piece},
    html,
    stream::{Bytes, bounded, read_line, skip},
};
use crate::{poison::Reading, source::page};

/// Lines and bytes of one record's own headers.
const HEADERS_MAX: usize = 200;

/// Bytes of one record that is looked at: a page with its HTTP headers.
const RECORD_BYTES_MAX: u64 = page::PAGE_BYTES_MAX as u64 + (1 << 20);

/// What is unpacked of brotli at once.
const BROTLI_BUFFER_BYTES: usize = 4096;

/// HTTP headers of one answer.
const HTTP_HEADERS_MAX: usize = 200;

/// Which of the two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Warc,
    Arc,
}

/// An archive as it streams by.
pub(super) struct Records {
    bytes: Bytes,
    form: Form,
    /// Where the next record begins, in bytes of what is unpacked.
    pub(super) offset: u64,
    seen: u64,
    pages: u64,
    over: bool,
}

/// What stands above a record.
#[derive(Debug, Default, PartialEq, Eq)]
struct Head {
    /// It may hold a page.
    wanted: bool,
    /// The block begins with HTTP headers.
    http: bool,
    url: String,
    content_type: String,
    length: u64,
}

impl Records {
    pub(super) fn new(bytes: Bytes, form: Form, offset: u64) -> Self {
        Self { bytes, form, offset, seen: 0, pages: u64::from(offset > 0), over: false }
    }

    pub(super) fn next(&mut self, file: &str) -> Option<Piece> {
        while !self.over {
            let start = self.offset;
            match self.record(file) {
                Ok(Some(piece)) => {
                    self.pages += 1;
                    return Some(piece.map_err(|fault| fault.within(&format!(":@{start}"))));
                }
                Ok(None) => {}
                Err(reason) => {
                    self.over = true;
                    self.pages += 1;
                    return Some(Err(Fault::at(format!(":@{start}"), reason)));
                }
            }
        }
        if self.pages == 0 {
            self.pages = 1;
            let reason =
                format!("none of its {} records is a web page that was answered with 200", self.seen);
            return Some(Err(Fault::of(reason)));
        }
        None
    }

    /// Reads one record; `None` of one that is no page.
    fn record(&mut self, file: &str) -> Result<Option<Piece>, String> {
        let head = match self.form {
            Form::Warc => self.warc_head()?,
            Form::Arc => self.arc_head()?,
        };
        let Some(head) = head else {
            self.over = true;
            return Ok(None);
        };
        self.seen += 1;
        let unreadable = |error: io::Error| format!("could not read on: {error}");
        if !head.wanted || head.length > RECORD_BYTES_MAX {
            self.offset += skip(&mut self.bytes, head.length).map_err(unreadable)?;
            let big = head.wanted.then(|| {
                format!("the page {} has more than the {RECORD_BYTES_MAX} bytes that are read", head.url)
            });
            return Ok(big.map(|reason| Err(Fault::of(reason))));
        }
        let mut block = Vec::new();
        let mut limited = (&mut self.bytes).take(head.length);
        limited.read_to_end(&mut block).map_err(unreadable)?;
        self.offset += block.len() as u64;
        let cut = (block.len() as u64) < head.length;
        let place = || format!("the record that ends at byte {} of {file}", self.offset);
        let piece = match Reading::of(&block, place) {
            Ok(reading) => {
                let _note = reading.note();
                page_of(&head, &block)
            }
            Err(quarantined) => Some(Err(Fault::of(quarantined.to_string()))),
        };
        if cut {
            self.over = true;
            // what is left of a page that is cut off is told, not taken for the whole
            return Ok(piece.map(|_| Err(Fault::of("the archive ends within the record"))));
        }
        Ok(piece)
    }

    /// The next line that is not blank; `None` at the end.
    fn line(&mut self) -> Result<Option<String>, String> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = read_line(&mut self.bytes, &mut line)
                .map_err(|error| format!("could not read on: {error}"))?;
            self.offset += length;
            let text = line.trim_ascii();
            if length == 0 {
                return Ok(None);
            }
            if !text.is_empty() {
                return Ok(Some(String::from_utf8_lossy(text).into_owned()));
            }
        }
    }

    fn warc_head(&mut self) -> Result<Option<Head>, String> {
        let Some(version) = self.line()? else { return Ok(None) };
        if !version.starts_with("WARC/") {
            return Err("there is no WARC record here: it does not begin with WARC/".to_owned());
        }
        let (mut head, mut kind, mut length) = (Head::default(), String::new(), None);
        for _ in 0..HEADERS_MAX {
            let mut line = Vec::new();
            let read = read_line(&mut self.bytes, &mut line)
                .map_err(|error| format!("could not read on: {error}"))?;
            self.offset += read;
            let line = String::from_utf8_lossy(line.trim_ascii()).into_owned();
            if read == 0 || line.is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "warc-type" => kind = value.to_ascii_lowercase(),
                "warc-target-uri" => value.trim_matches(['<', '>']).clone_into(&mut head.url),
                "content-type" => head.content_type = value.to_ascii_lowercase(),
                "content-length" => length = value.parse().ok(),
                _ => {}
            }
        }
        head.length = length.ok_or("the record does not say its length")?;
        head.http = head.content_type.starts_with("application/http");
        head.wanted = kind == "response" && (head.http || is_html(&head.content_type))
            || kind == "resource" && is_html(&head.content_type);
        Ok(Some(head))
    }

    /// `URL IP date type length`, in version 2 with more before the length.
    fn arc_head(&mut self) -> Result<Option<Head>, String> {
        let Some(line) = self.line()? else { return Ok(None) };
        let words: Vec<&str> = line.split(' ').collect();
        let (Some(url), Some(kind), Some(length)) = (words.first(), words.get(3), words.last()) else {
            return Err("there is no ARC record here".to_owned());
        };
        let length = length.parse().map_err(|_| "the record does not say its length")?;
        let web = url.starts_with("http://") || url.starts_with("https://");
        let content_type = kind.to_ascii_lowercase();
        Ok(Some(Head {
            wanted: web && is_html(&content_type),
            http: true,
            url: (*url).to_owned(),
            content_type,
            length,
        }))
    }
}

fn is_html(content_type: &str) -> bool {
    content_type.contains("text/html") || content_type.contains("application/xhtml")
}

/// The article of a block, if that is a page.
fn page_of(head: &Head, block: &[u8]) -> Option<Piece> {
    if !head.http {
        return Some(html::article(block, Some(&head.content_type), Some(&head.url)));
    }
    let mut headers = [httparse::EMPTY_HEADER; HTTP_HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut headers);
    let body = match answer.parse(block) {
        Ok(httparse::Status::Complete(length)) => block.get(length..).unwrap_or_default(),
        _ => return Some(Err(Fault::of("the HTTP answer in the record is broken"))),
    };
    if answer.code != Some(200) {
        return None;
    }
    let header = |name: &str| {
        let found = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value).to_ascii_lowercase()).unwrap_or_default()
    };
    let content_type = header("content-type");
    if !is_html(&content_type) {
        return None;
    }
    let body = if header("transfer-encoding").contains("chunked") { unchunked(body) } else { None }
        .unwrap_or_else(|| body.to_vec());
    Some(match decoded(body, &header("content-encoding")) {
        Ok(body) => html::article(&body, Some(&content_type), Some(&head.url)),
        Err(reason) => Err(Fault::of(reason)),
    })
}

/// The body of a chunked answer; `None` where the chunks are wrong, as in archives that undid them.
fn unchunked(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let end = body.windows(2).position(|pair| pair == b"\r\n")?;
        let size = std::str::from_utf8(body.get(..end)?).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        let rest = body.get(end + 2..)?;
        if size == 0 {
            return Some(out);
        }
        out.extend_from_slice(rest.get(..size)?);
        body = rest.get(size..)?;
        body = body.strip_prefix(b"\r\n").unwrap_or(body);
    }
}

/// A body as it was meant; what is not packed as it says is taken as it is.
fn decoded(body: Vec<u8>, encoding: &str) -> Result<Vec<u8>, String> {
    let packed = body.clone();
    let length = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(body.len() as u64));
    let reader = match encoding {
        "gzip" | "x-gzip" if body.starts_with(&[0x1f, 0x8b]) => {
            bounded(GzDecoder::new(io::Cursor::new(packed)), length)
        }
        "deflate" => bounded(ZlibDecoder::new(io::Cursor::new(packed)), length),
        "zstd" => match zstd::stream::read::Decoder::with_buffer(io::Cursor::new(packed)) {
            Ok(decoder) => bounded(decoder, length),
            Err(_) => return Ok(body),
        },
        "br" => bounded(Decompressor::new(io::Cursor::new(packed), BROTLI_BUFFER_BYTES), length),
        _ => return Ok(body),
    };
    let mut out = Vec::new();
    match reader.take(page::PAGE_BYTES_MAX as u64 + 1).read_to_end(&mut out) {
        Ok(_) => Ok(out),
        Err(_) if out.is_empty() => Ok(body),
        Err(error) => Err(format!("could not unpack the page: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const PAGE: &str = "<html lang=en><title>Crane falls</title><body><article><h1>Crane falls</h1><p>The harbour of Lindmouth \
        was closed on Tuesday after a crane fell, the mayor said, and it will stay so.</p></article></body></html>";

    fn record(kind: &str, block: &str) -> String {
        format!(
            "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: https://paper.example/a\r\n\
            Content-Type: application/http; msgtype=response\r\nContent-Length: {}\r\n\r\n{block}\r\n\r\n",
            block.len()
        )
    }

    fn answer(status: u16, kind: &str, body: &str) -> String {
        record("response", &format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n\r\n{body}"))
    }

    fn check(archive: &str, form: Form, expected: &[&str]) {
        let mut records = Records::new(Box::new(Cursor::new(archive.to_owned())), form, 0);
        let said: Vec<String> = std::iter::from_fn(|| records.next(""))
            .map(|piece| piece.map_or_else(|fault| fault.reason, |article| article.title))
            .collect();
        assert_eq!(said.len(), expected.len(), "{said:?}");
        assert!(said.iter().zip(expected).all(|(said, expected)| said.starts_with(expected)), "{said:?}");
    }

    #[test]
    fn pages_are_articles_and_nothing_else_is() {
        let archive = record("request", "GET / HTTP/1.1\r\n\r\n")
            + &answer(404, "text/html", PAGE)
            + &answer(200, "image/png", "x");
        check(&(archive.clone() + &answer(200, "text/html", PAGE)), Form::Warc, &["Crane falls"]);
        check(&archive, Form::Warc, &["none of its 3 records"]);
    }

    #[test]
    fn chunks_are_put_together() {
        let (a, b) = PAGE.split_at(50);
        let body = format!("{:x}\r\n{a}\r\n{:x};x\r\n{b}\r\n0\r\n\r\n", a.len(), b.len());
        let kind = "text/html\r\nTransfer-Encoding: chunked";
        check(
            &(answer(200, kind, &body) + &answer(200, kind, PAGE)),
            Form::Warc,
            &["Crane falls", "Crane falls"],
        );
    }

    #[test]
    fn a_body_is_unpacked_as_its_answer_says() {
        // one stretch that stands as it is, and the end (RFC 7932, 9.2)
        let head = (u32::try_from(PAGE.len() - 1).unwrap() << 4) | (1 << 20);
        let brotli = [&head.to_le_bytes()[..3], PAGE.as_bytes(), &[3]].concat();
        assert_eq!(decoded(brotli.clone(), "br").as_deref(), Ok(PAGE.as_bytes()));
        assert!(decoded(brotli[..brotli.len() - 9].to_vec(), "br").unwrap_err().contains("could not unpack"));
        let plain = PAGE.as_bytes().to_vec();
        assert_eq!(decoded(plain.clone(), "gzip"), Ok(plain));
    }

    #[test]
    fn what_is_broken_is_told() {
        let whole = answer(200, "text/html", PAGE);
        check(whole.get(..whole.len() - 100).unwrap(), Form::Warc, &["the archive ends"]);
        check(&(whole.clone() + "nonsense"), Form::Warc, &["Crane falls", "there is no WARC record"]);
        check("WARC/1.0\r\n\r\n", Form::Warc, &["the record does not say"]);
    }

    #[test]
    fn the_older_form() {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{PAGE}");
        let archive = format!(
            "filedesc://x.arc 1.2.3.4 20240506070809 text/plain 4\n1 0 \n\nhttps://paper.example/a 1.2.3.4 20240506070809 text/html {}\n{answer}\n",
            answer.len()
        );
        check(&archive, Form::Arc, &["Crane falls"]);
        check("filedesc://x.arc 1.2.3.4 2024 text/plain -1\n", Form::Arc, &["the record does not say"]);
    }

    #[test]
    fn it_goes_on_where_it_was() {
        let first = answer(200, "text/html", PAGE);
        let archive = first.clone() + &answer(200, "text/html", &PAGE.replace("falls", "stands"));
        let mut records = Records::new(Box::new(Cursor::new(archive.clone())), Form::Warc, 0);
        records.next("").unwrap().unwrap();
        let offset = records.offset;
        let rest = archive.get(usize::try_from(offset).unwrap()..).unwrap().to_owned();
        let mut records = Records::new(Box::new(Cursor::new(rest)), Form::Warc, offset);
        assert_eq!(records.next("").unwrap().unwrap().title, "Crane stands");
        assert!(records.next("").is_none());
    }
}
