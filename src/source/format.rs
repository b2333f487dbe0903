//! Files to articles, recognised by what is in them, not by their names. JSON Lines, web archives and mailboxes are read
//! as they stream by, packed or not; all else at once. Each format has a file of its own.

use std::{
    fs::File,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use zip::ZipArchive;

use self::{
    draft::{Fault, Piece},
    lines::Lines,
    recognise::{Kind, recognise},
    stream::{Bytes, Holder, LINE_BYTES_MAX, buffered_from},
};
use crate::{
    article::{Article, DELIVERY_BYTES_MAX, DELIVERY_FOUND_MAX, Found, Occasion, Rejected},
    failpoint,
    poison::Reading,
    source::{
        parse::{self, charset},
        worker,
    },
};

mod archive;
mod docx;
mod draft;
mod html;
mod json;
mod lines;
mod mail;
mod markdown;
mod newsml1;
mod newsml_g2;
mod ninjs;
mod nitf;
mod pdf;
mod recognise;
mod stream;
mod text;
mod warc;
mod xml;

/// Bytes of a file that is read at once.
pub const FILE_BYTES_MAX: usize = 8 << 20;

/// The same of documents whose pictures and fonts are most of them.
const DOCUMENT_BYTES_MAX: usize = 32 << 20;

/// Packings and archives may stand in each other so deep.
const DEPTH_MAX: usize = 3;

/// What an article's arrival is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clock {
    /// It arrives now.
    Live(Timestamp),
    /// It arrived when it was published; an undated one with the latest before it, which is carried here from file to
    /// file, else when its file was last written.
    Replay(Option<Timestamp>),
}

/// How far a file has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes that are done with, of what is unpacked; 0 of what is read at once.
    pub offset: u64,
    /// Lines that are done with, or finds.
    pub line: u64,
    /// Of a replay: the latest time so far.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latest: Option<Timestamp>,
    /// Nothing is left.
    pub done: bool,
}

/// Who a file's articles come from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// The drop's directory, or `ingest`.
    pub name: &'a str,
    /// Who publishes, where an article neither says so nor has an address.
    pub outlet: &'a str,
}

/// What reading depends on beside the bytes.
#[derive(Clone, Debug)]
struct Context {
    file: String,
    origin: String,
    outlet: String,
    /// When the file was last written.
    written: Timestamp,
}

/// A file being read.
pub struct Reader {
    path: PathBuf,
    context: Context,
    clock: Clock,
    progress: Progress,
    body: Body,
}

/// A file's content, by how it is read.
enum Body {
    Lines(Lines),
    Records(warc::Records),
    Messages(mail::Messages),
    Parts(archive::Parts),
    /// Last first.
    Whole(Vec<Piece>),
}

impl Body {
    /// What can be read of a file in an archive.
    fn open(bytes: Bytes, name: &Path, context: &Context, depth: usize) -> Self {
        Self::resume(bytes, None, name, context, depth, Progress::default())
    }

    /// Goes on with a file; a holder lets it be read from any place at once.
    fn resume(
        bytes: Bytes,
        holder: Option<Holder>,
        name: &Path,
        context: &Context,
        depth: usize,
        from: Progress,
    ) -> Self {
        let opened = Self::opened(bytes, holder, name, context, depth, from);
        opened.unwrap_or_else(|reason| Self::Whole(vec![Err(Fault::of(reason))]))
    }

    fn opened(
        bytes: Bytes,
        holder: Option<Holder>,
        name: &Path,
        context: &Context,
        depth: usize,
        from: Progress,
    ) -> Result<Self, String> {
        let unreadable = |error: io::Error| format!("could not read on: {error}");
        let (head, bytes) = stream::peek(bytes).map_err(unreadable)?;
        if let Some(packing) = stream::packing(&head) {
            if depth >= DEPTH_MAX {
                return Err(format!("it is packed more than {DEPTH_MAX} times"));
            }
            let inner = stream::unpacked(bytes, packing).map_err(unreadable)?;
            return Self::opened(inner, None, &name.with_extension(""), context, depth + 1, from);
        }
        let kind = recognise(&head, name);
        let at = |mut bytes: Bytes| match &holder {
            Some(holder) => Ok(buffered_from(holder, from.offset)),
            None => stream::skip(&mut bytes, from.offset).map(|_| bytes).map_err(unreadable),
        };
        Ok(match kind {
            Kind::Unreadable(reason) => return Err(reason.to_owned()),
            Kind::JsonLines => Self::Lines(Lines::new(at(bytes)?, from.offset, from.line)),
            Kind::Archive(form) => Self::Records(warc::Records::new(at(bytes)?, form, from.offset)),
            Kind::Mailbox => Self::Messages(mail::Messages::new(at(bytes)?, from.offset, from.line)),
            Kind::Zip => {
                let holder = match holder {
                    Some(holder) => holder,
                    None => Holder::Memory(Arc::from(stream::all(bytes, DOCUMENT_BYTES_MAX)?)),
                };
                Self::zip(holder, context, depth, from)?
            }
            kind => {
                let bytes = stream::all(bytes, kind.bytes_max())?;
                Self::Whole(rest(whole(kind, bytes, context), from))
            }
        })
    }

    fn zip(holder: Holder, context: &Context, depth: usize, from: Progress) -> Result<Self, String> {
        if depth >= DEPTH_MAX {
            return Err(format!("it is packed more than {DEPTH_MAX} times"));
        }
        let place = holder.clone();
        // as much as names it: its bytes are read one by one later
        let named = format!("{} {}", context.file, holder.length());
        let reading = Reading::of(named.as_bytes(), || format!("archive {}", context.file));
        let reading = reading.map_err(|quarantined| quarantined.to_string())?;
        let opened =
            guarded(&reading, move || ZipArchive::new(place.from(0)).map_err(|error| error.to_string()));
        let mut archive = opened?.map_err(|error| format!("could not read the archive: {error}"))?;
        if docx::is(&archive) {
            let piece = guarded(&reading, move || docx::article(&mut archive))?;
            return Ok(Self::Whole(rest(vec![piece], from)));
        }
        if ["mimetype", "[Content_Types].xml"].iter().any(|name| archive.index_for_name(name).is_some()) {
            return Err("it is an office document of a kind that is not read; save its text".to_owned());
        }
        let mut parts = archive::Parts::new(archive, holder, depth);
        for _ in 0..from.line {
            parts.next(context);
        }
        Ok(Self::Parts(parts))
    }

    fn next(&mut self, context: &Context) -> Option<Piece> {
        match self {
            Self::Lines(lines) => lines.next(&context.file),
            Self::Records(records) => records.next(&context.file),
            Self::Messages(messages) => messages.next(&context.file),
            Self::Parts(parts) => parts.next(context),
            Self::Whole(pieces) => pieces.pop(),
        }
    }

    /// Where the next find begins, and how many lines or finds stand before it.
    fn place(&self, before: u64) -> (u64, u64) {
        match self {
            Self::Lines(lines) => (lines.offset, lines.number),
            Self::Records(records) => (records.offset, before + 1),
            Self::Messages(messages) => (messages.offset, before + 1),
            Self::Parts(_) | Self::Whole(_) => (0, before + 1),
        }
    }
}

/// What is not done with, last first.
fn rest(mut pieces: Vec<Piece>, from: Progress) -> Vec<Piece> {
    let known = usize::try_from(from.line).unwrap_or(usize::MAX);
    pieces.drain(..known.min(pieces.len()));
    pieces.reverse();
    pieces
}

/// Runs a reader on the parsers' thread, where depth has room and a panic is an answer.
fn guarded<T: Send + 'static>(
    reading: &Reading,
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    worker::run(reading, read).map_err(|error| error.to_string())
}

/// Runs a reader of our own, which is counted too.
fn noted(bytes: &[u8], place: impl FnOnce() -> String, read: impl FnOnce(&[u8]) -> Piece) -> Piece {
    let reading = Reading::of(bytes, place).map_err(|quarantined| Fault::of(quarantined.to_string()))?;
    let _note = reading.note();
    failpoint::pass_with("file-read", bytes);
    read(bytes)
}

/// Reads what is read at once.
fn whole(kind: Kind, bytes: Vec<u8>, context: &Context) -> Vec<Piece> {
    let reading = match Reading::of(&bytes, || context.file.clone()) {
        Ok(reading) => reading,
        Err(quarantined) => return vec![Err(Fault::of(quarantined.to_string()))],
    };
    let read: Box<dyn FnOnce() -> Vec<Piece> + Send> = match kind {
        // these see to their threads themselves
        Kind::Feed => return feed(&bytes, context),
        Kind::Html => return vec![html::article(&bytes, None, None)],
        Kind::Json => Box::new(move || json::document(&bytes)),
        Kind::Mail => Box::new(move || vec![mail::article(&bytes)]),
        Kind::Markdown => Box::new(move || vec![markdown::article(&charset::decode(&bytes, None))]),
        Kind::NewsMlG2 => Box::new(move || newsml_g2::articles(&charset::decode(&bytes, None))),
        Kind::NewsMl1 => Box::new(move || newsml1::articles(&charset::decode(&bytes, None))),
        Kind::Nitf => Box::new(move || nitf::articles(&charset::decode(&bytes, None))),
        Kind::Pdf => Box::new(move || vec![pdf::article(&bytes)]),
        _ => {
            let _note = reading.note();
            failpoint::pass_with("file-read", &bytes);
            let article = text::article(&charset::decode(&bytes, None));
            return vec![article.ok_or_else(|| Fault::of("there is no text in it"))];
        }
    };
    guarded(&reading, read).unwrap_or_else(|reason| vec![Err(Fault::of(reason))])
}

/// A feed that was saved as a file.
fn feed(bytes: &[u8], context: &Context) -> Vec<Piece> {
    let arrival = parse::Arrival {
        origin: &context.origin,
        outlet: Some(context.outlet.as_str()).filter(|outlet| !outlet.is_empty()),
        seen_at: context.written,
        occasion: Occasion::Live,
    };
    let found = match parse::parse(bytes, None, None) {
        Ok(feed) => parse::articles(feed, &arrival),
        Err(error) => return vec![Err(Fault::of(format!("could not read it as a feed: {error}")))],
    };
    if found.is_empty() {
        return vec![Err(Fault::of("it is a feed without an item"))];
    }
    let piece = |found| match found {
        Found::Article(article) => Ok(article),
        Found::Rejected(Rejected { place, reason, .. }) => Err(Fault::at(format!(" {place}"), reason)),
    };
    found.into_iter().map(piece).collect()
}

impl Reader {
    /// Opens a file, a regular one only, and goes on where it was left. What cannot be opened is a rejection.
    pub fn open(
        path: &Path,
        origin: Origin<'_>,
        clock: Clock,
        resume: Option<Progress>,
    ) -> Result<Self, Box<Rejected>> {
        let unreadable = |error: io::Error| {
            Box::new(Rejected {
                origin: origin.name.to_owned(),
                place: path.display().to_string(),
                reason: format!("could not read the file: {error}"),
                input_id: None,
                seen_at: time_of(clock, None, Timestamp::UNIX_EPOCH),
            })
        };
        let file = open_regular(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let context = Context {
            file: path.display().to_string(),
            origin: origin.name.to_owned(),
            outlet: origin.outlet.to_owned(),
            written: Timestamp::new(metadata.mtime(), 0).unwrap_or_default(),
        };
        let holder = Holder::of_file(file).map_err(unreadable)?;
        let progress = resume.unwrap_or_default();
        let clock = match (clock, progress.latest) {
            (Clock::Replay(latest), Some(resumed)) => Clock::Replay(latest.max(Some(resumed))),
            (clock, _) => clock,
        };
        let body = Body::resume(buffered_from(&holder, 0), Some(holder), path, &context, 0, progress);
        Ok(Self { path: path.to_owned(), context, clock, progress, body })
    }

    /// The next finds, at most a delivery full, and how far the file is read with them; `None` at its end.
    pub fn next_delivery(&mut self) -> Option<(Vec<Found>, Progress)> {
        if self.progress.done {
            return None;
        }
        let (mut found, mut bytes) = (Vec::new(), 0);
        while found.len() < DELIVERY_FOUND_MAX && bytes < DELIVERY_BYTES_MAX - LINE_BYTES_MAX / 2 {
            let Some(piece) = self.body.next(&self.context) else {
                self.progress.done = true;
                break;
            };
            (self.progress.offset, self.progress.line) = self.body.place(self.progress.line);
            let next = self.arrived(piece);
            bytes += weight(&next);
            found.push(next);
        }
        if let Clock::Replay(latest) = self.clock {
            self.progress.latest = latest;
        }
        Some((found, self.progress))
    }

    /// The clock for the next file of the same run.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Gives a find what depends on the file and the clock.
    fn arrived(&mut self, piece: Piece) -> Found {
        match piece {
            Ok(mut article) => {
                let said = article.published.max(article.embargo);
                let seen_at = time_of(self.clock, said, self.context.written);
                if let Clock::Replay(latest) = &mut self.clock {
                    *latest = (*latest).max(said);
                    article.occasion = Occasion::Replay;
                }
                if article.outlet.is_empty() {
                    article.outlet.clone_from(&self.context.outlet);
                }
                article.origin.clone_from(&self.context.origin);
                Found::Article(Article { seen_at, ..article })
            }
            Err(Fault { reason, input_id, place }) => Found::Rejected(Rejected {
                origin: self.context.origin.clone(),
                place: format!("{}{place}", self.path.display()),
                reason,
                input_id,
                seen_at: time_of(self.clock, None, self.context.written),
            }),
        }
    }
}

fn time_of(clock: Clock, published: Option<Timestamp>, written: Timestamp) -> Timestamp {
    match clock {
        Clock::Live(now) => now,
        Clock::Replay(latest) => published.or(latest).unwrap_or(written),
    }
}

fn weight(found: &Found) -> usize {
    match found {
        Found::Article(article) => article.title.len() + article.text.len(),
        Found::Rejected(rejected) => rejected.reason.len(),
    }
}

/// Opens what is a file and nothing else: a pipe would block, a link could lead anywhere.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(file)
}

/// All that is in a file, at most so many finds: for samples and questions, which are read at once.
///
/// # Errors
/// When it cannot be opened.
pub fn read_whole(path: &Path, found_max: usize) -> Result<Vec<Found>, Box<Rejected>> {
    let mut reader = Reader::open(path, Origin::default(), Clock::Live(Timestamp::now()), None)?;
    let mut all = Vec::new();
    while let Some((found, _)) = reader.next_delivery() {
        all.extend(found);
        if all.len() >= found_max {
            break;
        }
    }
    all.truncate(found_max);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Titles, and for what is rejected its place after the directory with the reason.
    fn check(name: &str, bytes: &[u8], expected: &[&str]) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        let found = read_whole(&path, 100).unwrap();
        let said: Vec<String> = found
            .into_iter()
            .map(|found| match found {
                Found::Article(article) => article.title,
                Found::Rejected(rejected) => {
                    let place = rejected.place.rsplit('/').next().unwrap_or_default().to_owned();
                    format!("{place} {}", rejected.reason)
                }
            })
            .collect();
        assert_eq!(said.len(), expected.len(), "{said:?}");
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.starts_with(expected), "{said:?} is not {expected:?}");
        }
    }

    #[test]
    fn lines() {
        check(
            "x",
            b"{\"title\":\"a\",\"text\":\"x\"}\n\n{\"title\":\n{\"title\":\"c\",\"text\":\"x\"}",
            &["a", "x:3 it is not sound JSON", "c"],
        );
    }

    #[test]
    fn a_document_over_several_lines() {
        check("x", b"{\n \"title\": \"a\",\n \"text\": \"x\"\n}", &["a"]);
        check("x", b"[{\"title\":\"a\",\"text\":\"x\"},\n{\"id\":1}]", &["a", "x:2 there is neither"]);
    }

    #[test]
    fn a_feed() {
        check(
            "x",
            b"<?xml version='1.0'?><rss><channel><item><title>a</title></item></channel></rss>",
            &["a"],
        );
        check(
            "x",
            br#"{"version":"https://jsonfeed.org/version/1","title":"t","items":[{"id":"1","title":"a"}]}"#,
            &["a"],
        );
    }

    #[test]
    fn a_page() {
        check(
            "x",
            b"<!DOCTYPE html><title>A dam in Lindmouth</title><body><p>It broke on Monday, the mayor said.</body>",
            &["A dam in Lindmouth"],
        );
    }

    #[test]
    fn a_text() {
        check("x.txt", b"A dam in Lindmouth\n\nIt broke.", &["A dam in Lindmouth"]);
        check("x.txt", b"\xff\xfeA\0 \0d\0a\0m\0", &["A dam"]);
    }

    #[test]
    fn what_is_none_of_them() {
        check("x", b"ab\0cd", &["x it holds NUL bytes"]);
        check("x", b"", &["x it is empty"]);
        check("x", b"{\\rtf1 x}", &["x it is RTF"]);
        check("x", b"a,b\n1,2\n3,4\n", &["x it is a table"]);
        check("x", b"<?xml version='1.0'?><menu/>", &["x it is XML of a kind"]);
        check("x", b"<groupSet root='x'>\n</groupSet>", &["x it is XML of a kind"]);
        check("x.html", b"<html><form><input type=password></form></html>", &["x.html there is no text"]);
    }

    /// A file packed with gzip.
    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            std::io::Write::write_all(&mut writer, bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    const MAIL: &[u8] =
        b"From: a@b.example\nDate: Mon, 6 May 2024 09:08:09 +0200\nSubject: A dam\n\nIt broke.\n";

    #[test]
    fn mail() {
        check("x", MAIL, &["A dam"]);
        let mailbox =
            [b"From a@b Mon May 6 09:08:09 2024\n", MAIL, b"\nFrom a@b Mon May 6 09:08:09 2024\n", MAIL]
                .concat();
        check("x", &mailbox, &["A dam", "A dam"]);
    }

    #[test]
    fn agencies_markup() {
        let body = "<body><body.head><hedline><hl1>A dam</hl1></hedline></body.head><body.content><p>It broke.</p></body.content></body>";
        check("x", format!("<?xml version='1.0'?><nitf>{body}</nitf>").as_bytes(), &["A dam"]);
        let wide: Vec<u8> =
            format!("<nitf>{body}</nitf>").encode_utf16().flat_map(u16::to_le_bytes).collect();
        check("x", &[&b"\xff\xfe"[..], &wide].concat(), &["A dam"]);
        check("x", b"<NewsML><NewsItem/></NewsML>", &["x there is neither"]);
        check("x", b"<newsMessage><itemSet/></newsMessage>", &["x it is a news message"]);
    }

    #[test]
    fn packed_files_are_what_they_hold() {
        let lines = b"{\"title\":\"a\",\"text\":\"x\"}\n{}\n";
        check("x.jsonl.gz", &gzip(lines), &["a", "x.jsonl.gz:2 there is neither"]);
        check("x.zst", &zstd::encode_all(MAIL, 1).unwrap(), &["A dam"]);
        check("x.gz", &gzip(&gzip(MAIL)), &["A dam"]);
        check("x.gz", &gzip(&gzip(&gzip(&gzip(MAIL)))), &["x.gz it is packed more than 3 times"]);
        let files = zip(&[
            ("../a.eml", MAIL),
            ("b/c.jsonl", lines),
            ("__MACOSX/._a", b"x"),
            ("d.zip", &zip(&[("e.eml", MAIL)])),
        ]);
        check("x.zip", &files, &["A dam", "a", "c.jsonl:2 there is neither", "A dam"]);
    }

    #[test]
    fn a_packed_file_goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl.gz");
        let lines: String =
            (0..1000).map(|number| format!("{{\"text\":\"{number}\"}}\n")).collect::<Vec<_>>().concat();
        fs::write(&path, gzip(lines.as_bytes())).unwrap();
        let open = |resume| {
            Reader::open(&path, Origin::default(), Clock::Live(Timestamp::UNIX_EPOCH), resume).unwrap()
        };
        let (first, progress) = open(None).next_delivery().unwrap();
        let (second, _) = open(Some(progress)).next_delivery().unwrap();
        let Found::Article(article) = &second[0] else { panic!("{second:?}") };
        assert_eq!((first.len(), second.len(), article.text.as_str()), (512, 488, "512"));
    }

    /// Documents of every kind, cut and changed in many ways, must end, and as something.
    #[test]
    fn no_damage_breaks_a_reader() {
        const ROUNDS: u64 = 60;
        let page = "<html><title>A dam</title><article><h1>A dam</h1><p>It broke on Monday, said the mayor.</p></article></html>";
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{page}\r\n0\r\n\r\n",
            page.len()
        );
        let warc = format!(
            "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://a.example/\r\nContent-Type: application/http\r\nContent-Length: {}\r\n\r\n{answer}\r\n\r\n",
            answer.len()
        );
        let g2 = "<newsMessage><itemSet><newsItem guid='a'><itemMeta><itemClass qcode='ninat:text'/><pubStatus qcode='stat:usable'/></itemMeta><contentSet><inlineXML><html><body><p>It broke.</p></body></html></inlineXML></contentSet></newsItem></itemSet></newsMessage>";
        let v1 = "<NewsML><NewsItem><NewsComponent><NewsLines><HeadLine>A dam</HeadLine></NewsLines><ContentItem><DataContent><nitf><body><body.content><p>x</p></body.content></body></nitf></DataContent></ContentItem></NewsComponent></NewsItem></NewsML>";
        let ninjs = r#"[{"uri":"a","versioncreated":"2024-05-06T07:08:09Z","headline":"A dam","bodies":[{"role":"nitf","value":"<nitf>"}],"body_xhtml":"<p>x"}]"#;
        let pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n4 0 obj<</Length 42>>stream\nBT /F1 18 Tf 50 700 Td (A dam broke.) Tj ET \nendstream endobj\n5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n";
        let docx = zip(&[(
            "word/document.xml",
            b"<w:document><w:body><w:p><w:r><w:t>A dam</w:t></w:r></w:p></w:body></w:document>",
        )]);
        let mime = b"From: a@b.example\nSubject: =?utf-8?q?A_dam?=\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; charset=x\nContent-Transfer-Encoding: base64\n\nPHA+SXQ=\n--b--\n";
        let seeds: Vec<Vec<u8>> = vec![
            page.into(), warc.clone().into(), gzip(warc.as_bytes()), g2.into(), v1.into(), ninjs.into(), pdf.to_vec(), docx, mime.to_vec(),
            [b"From a@b Mon\n", &mime[..]].concat(), zip(&[("a.eml", MAIL), ("b.html", page.as_bytes())]),
            b"---\ntitle: A dam\n---\n# A dam\n\n> It [broke](x) ![y](z)\n\n|a|b|\n|-|-|\n".to_vec(),
            b"{\"@type\":\"NewsArticle\",\"headline\":\"A\",\"articleBody\":\"b\",\"author\":[{\"name\":\"c\"}]}\n{\"title\":\"x\",\"text\":\"y\"}".to_vec(),
            b"filedesc://x 0 0 text/plain 1\n1\nhttp://a.example/ 1.2.3.4 2024 text/html 20\nHTTP/1.1 200 OK\r\n\r\nx\n".to_vec(),
        ];
        let context = Context {
            file: String::new(),
            origin: String::new(),
            outlet: String::new(),
            written: Timestamp::UNIX_EPOCH,
        };
        let mut dice = 1_u64;
        let mut roll = |sides: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(dice >> 33).unwrap() % sides.max(1)
        };
        for seed in &seeds {
            for round in 0..ROUNDS {
                let mut bytes = seed.clone();
                match round % 3 {
                    0 => bytes.truncate(roll(bytes.len())),
                    1 => {
                        for _ in 0..=roll(8) {
                            bytes[roll(seed.len())] = u8::try_from(roll(256)).unwrap();
                        }
                    }
                    _ => {
                        let (from, length) = (roll(bytes.len()), roll(40));
                        let piece: Vec<u8> = bytes.iter().skip(from).take(length).copied().collect();
                        let at = roll(bytes.len());
                        bytes.splice(at..at, piece.repeat(1 + roll(20)));
                    }
                }
                let mut body =
                    Body::open(Box::new(std::io::Cursor::new(bytes.clone())), Path::new("x"), &context, 0);
                let found = std::iter::from_fn(|| body.next(&context)).take(1000).count();
                assert!((1..1000).contains(&found), "{found} of {:?}", String::from_utf8_lossy(&bytes));
            }
        }
    }

    #[test]
    fn a_long_line_is_not_read_whole() {
        let mut bytes = vec![b'x'; LINE_BYTES_MAX + 1];
        bytes.extend_from_slice(b"\n{\"title\":\"b\",\"text\":\"x\"}\n");
        check("x.jsonl", &bytes, &["x.jsonl:1 the line has 4194306 bytes", "b"]);
    }

    #[test]
    fn a_replay_goes_by_the_articles_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        fs::write(&path, "{\"text\":\"a\",\"published\":\"2020-01-02\"}\n{\"text\":\"b\"}\n{\"text\":\"c\",\"published\":\"2020-01-01\"}").unwrap();
        let days = |clock, resume| {
            let mut reader = Reader::open(&path, Origin::default(), clock, resume).unwrap();
            let (found, progress) = reader.next_delivery().unwrap();
            let day = |found: &Found| match found {
                Found::Article(article) => article.seen_at.strftime("%d").to_string(),
                Found::Rejected(_) => String::new(),
            };
            (found.iter().map(day).collect::<Vec<_>>(), progress, reader.clock())
        };
        let (found, progress, clock) = days(Clock::Replay(None), None);
        assert_eq!(found, ["02", "02", "01"]);
        assert_eq!(clock, Clock::Replay("2020-01-02T00:00:00Z".parse().ok()));
        let resumed = Progress { offset: 38, line: 1, ..progress };
        assert_eq!(days(Clock::Replay(None), Some(Progress { done: false, ..resumed })).0, ["02", "01"]);
    }
}
