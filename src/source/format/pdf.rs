//! PDF: the words of its pages in their order, lines put together to paragraphs by how they stand. Only user of `lopdf`.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use lopdf::{Document, Encoding, LoadOptions, Object, content::Content};

use super::{
    draft::{Draft, Fault, Piece, byline},
    text,
};
use crate::source::{clean, date};

/// Pages of one document that are read.
const PAGES_MAX: usize = 200;

/// Of one stream, unpacked.
const STREAM_BYTES_MAX: usize = 16 << 20;

/// Of what one page draws, unpacked: all its operations stand in memory at once, each larger than its bytes.
const PAGE_BYTES_MAX: usize = 2 << 20;

/// Fonts of one page.
const FONTS_MAX: usize = 64;

/// After this time no more is read: what was read by then is the article.
const TIME_MAX: Duration = Duration::from_secs(10);

/// So many operations are done between two looks at the clock.
const OPERATIONS: usize = 1024;

/// Of all text that is read.
const TEXT_BYTES_MAX: usize = 4 << 20;

/// A step within a line, in thousandths of the letters' size, from which on it is a blank.
const BLANK_STEP: f32 = -180.0;

/// Reads a document.
pub(super) fn article(bytes: &[u8]) -> Piece {
    let options = LoadOptions { max_decompressed_size: Some(STREAM_BYTES_MAX), ..LoadOptions::default() };
    let broken = |error: lopdf::Error| {
        Fault::of(format!("could not read the PDF: {}", clean::line(&error.to_string())))
    };
    let document = Document::load_mem_with_options(bytes, options).map_err(broken)?;
    if document.is_encrypted() {
        return Err(Fault::of("the PDF is locked with a password"));
    }
    let mut lines = Vec::new();
    let mut limit = Limit { end: Instant::now() + TIME_MAX, bytes: TEXT_BYTES_MAX };
    for (_, page) in document.get_pages().into_iter().take(PAGES_MAX) {
        // a page that cannot be read costs its own words
        let Ok(mut found) = page_lines(&document, page, &mut limit) else { continue };
        lines.append(&mut found);
        if limit.is_reached() {
            break;
        }
    }
    if lines.iter().all(|line| line.text.trim().is_empty()) {
        return Err(Fault::of("there is no text in the PDF: its pages may be pictures"));
    }
    let about = |name: &[u8]| {
        let info = document
            .trailer
            .get(b"Info")
            .and_then(|info| document.dereference(info))
            .ok()?
            .1
            .as_dict()
            .ok()?;
        let text = lopdf::decode_text_string(info.get(name).ok()?).ok()?;
        Some(clean::line(&text)).filter(|text| !text.is_empty())
    };
    let (headline, body) = paragraphs(&lines);
    let stated = about(b"Title").filter(|title| is_title(title));
    let read = text::article(&body);
    let title = headline.or(stated).or_else(|| read.as_ref().map(|read| read.title.clone()));
    let body = match (&title, read) {
        (Some(title), Some(read)) if *title == read.title => read.text,
        _ => body,
    };
    Draft {
        title: title.unwrap_or_default(),
        text: body,
        published: about(b"CreationDate").and_then(|date| moment(&date)),
        authors: about(b"Author").map(|name| byline(&name)).unwrap_or_default(),
        ..Draft::default()
    }
    .finish()
}

/// Programs write file names there.
fn is_title(title: &str) -> bool {
    title.split_whitespace().count() > 2 && !title.contains(".doc") && !title.starts_with("Microsoft")
}

/// `D:20240506070809+02'00'`.
fn moment(date: &str) -> Option<jiff::Timestamp> {
    let digits: String = date.trim_start_matches("D:").chars().take_while(char::is_ascii_digit).collect();
    let (day, time) = digits.split_at_checked(8)?;
    let time = time.get(..6).filter(|time| time.len() == 6).unwrap_or("000000");
    let zone =
        date.trim_start_matches("D:").trim_start_matches(|c: char| c.is_ascii_digit()).replace('\'', "");
    let zone = if zone.len() == 5 { zone } else { "Z".to_owned() };
    date::parse(&format!("{day}T{time}{zone}"))
}

/// What may still be read of a document.
struct Limit {
    end: Instant,
    bytes: usize,
}

impl Limit {
    fn is_reached(&self) -> bool {
        self.bytes == 0 || Instant::now() > self.end
    }
}

/// A line as it stands on its page.
#[derive(Clone, Debug, Default)]
struct Line {
    text: String,
    size: f32,
    /// From the line above; negative on top of a page.
    gap: f32,
}

#[derive(Default)]
struct Pen {
    lines: Vec<Line>,
    line: Line,
    size: f32,
    scale: f32,
    leading: f32,
    y: f32,
    last_y: Option<f32>,
}

impl Pen {
    fn to(&mut self, y: f32) {
        self.y = y;
    }

    fn write(&mut self, text: &str) {
        let gap = self.last_y.map_or(-1.0, |last| last - self.y);
        if self.last_y.is_none_or(|last| (last - self.y).abs() > self.height() * 0.3) {
            let done = std::mem::take(&mut self.line);
            if !done.text.trim().is_empty() {
                self.lines.push(done);
            }
            self.line = Line { text: String::new(), size: self.height(), gap };
        } else if !self.line.text.is_empty() && !self.line.text.ends_with(' ') && text.starts_with(' ') {
            self.line.text.push(' ');
        }
        self.last_y = Some(self.y);
        self.line.text.push_str(text);
    }

    fn height(&self) -> f32 {
        (self.size * self.scale).abs()
    }
}

fn number(object: Option<&Object>) -> f32 {
    object.and_then(|object| object.as_float().ok()).unwrap_or_default()
}

fn page_lines(document: &Document, page: lopdf::ObjectId, limit: &mut Limit) -> lopdf::Result<Vec<Line>> {
    let fonts: BTreeMap<Vec<u8>, Encoding<'_>> = document
        .get_page_fonts(page)?
        .into_iter()
        .take(FONTS_MAX)
        .take_while(|_| !limit.is_reached())
        .filter_map(|(name, font)| {
            Some((name, font.get_font_encoding_with_limit(document, STREAM_BYTES_MAX).ok()?))
        })
        .collect();
    let content = Content::decode(&document.get_page_content_with_limit(page, PAGE_BYTES_MAX)?)?;
    let mut pen = Pen { scale: 1.0, ..Pen::default() };
    let mut font = None;
    for (count, operation) in content.operations.iter().enumerate() {
        if limit.bytes == 0 || (count % OPERATIONS == 0 && limit.is_reached()) {
            break;
        }
        let operand = |at: usize| operation.operands.get(at);
        match operation.operator.as_str() {
            "BT" => {
                pen.scale = 1.0;
                pen.to(0.0);
            }
            "Tf" => {
                font = operand(0).and_then(|name| name.as_name().ok()).and_then(|name| fonts.get(name));
                pen.size = number(operand(1));
            }
            "TL" => pen.leading = number(operand(0)),
            "Td" => pen.to(pen.y + number(operand(1)) * pen.scale),
            "TD" => {
                pen.leading = -number(operand(1));
                pen.to(pen.y + number(operand(1)) * pen.scale);
            }
            "Tm" => {
                pen.scale = number(operand(3)).abs().max(0.01);
                pen.to(number(operand(5)));
            }
            "T*" => pen.to(pen.y - pen.leading * pen.scale),
            "'" => {
                pen.to(pen.y - pen.leading * pen.scale);
                show(&mut pen, font, operand(0), limit);
            }
            "\"" => {
                pen.to(pen.y - pen.leading * pen.scale);
                show(&mut pen, font, operand(2), limit);
            }
            "Tj" | "TJ" => show(&mut pen, font, operand(0), limit),
            _ => {}
        }
    }
    let last = std::mem::take(&mut pen.line);
    if !last.text.trim().is_empty() {
        pen.lines.push(last);
    }
    Ok(pen.lines)
}

fn show(pen: &mut Pen, font: Option<&Encoding<'_>>, shown: Option<&Object>, limit: &mut Limit) {
    let Some(font) = font else { return };
    let mut text = String::new();
    // a letter may stand for a long text
    let mut push = |bytes: &[u8]| {
        let Ok(piece) = Document::decode_text(font, bytes) else { return };
        match limit.bytes.checked_sub(piece.len()) {
            Some(left) => {
                limit.bytes = left;
                text.push_str(&piece);
            }
            None => limit.bytes = 0,
        }
    };
    match shown {
        Some(Object::String(bytes, _)) => push(bytes),
        Some(Object::Array(parts)) => {
            for part in parts {
                match part {
                    Object::String(bytes, _) => push(bytes),
                    step if number(Some(step)) < BLANK_STEP => push(b" "),
                    _ => {}
                }
            }
        }
        _ => {}
    }
    if !text.is_empty() {
        pen.write(&text);
    }
}

/// The headline, if one stands on top in larger letters, and the paragraphs: lines that stand closer belong together.
fn paragraphs(lines: &[Line]) -> (Option<String>, String) {
    // most lines go on; what ends a paragraph stands further apart
    let usual_gap = usual(lines.iter().map(|line| line.gap).filter(|gap| *gap > 0.0), 3);
    let usual_size = usual(lines.iter().map(|line| line.size), 2);
    let mut out: Vec<(String, f32)> = Vec::new();
    for line in lines {
        let words = clean::line(&line.text);
        let apart = line.gap < 0.0 && !goes_on(&out)
            || line.gap > usual_gap * 1.25
            || out.last().is_none_or(|(_, size)| (size - line.size).abs() > 0.5);
        match out.last_mut() {
            Some((before, _)) if !apart => {
                let broken = before
                    .strip_suffix('-')
                    .filter(|_| words.starts_with(char::is_lowercase))
                    .map(str::to_owned);
                *before = broken.map_or_else(|| format!("{before} {words}"), |head| format!("{head}{words}"));
            }
            _ => out.push((words, line.size)),
        }
    }
    let headline = match out.first() {
        Some((first, size)) if *size > usual_size * 1.15 && first.chars().count() < 300 && out.len() > 1 => {
            Some(first.clone())
        }
        _ => None,
    };
    let body = out.iter().skip(usize::from(headline.is_some())).map(|(words, _)| words.as_str());
    (headline, body.collect::<Vec<_>>().join("\n\n"))
}

/// Whether a paragraph was cut by the end of its page.
fn goes_on(out: &[(String, f32)]) -> bool {
    out.last().is_some_and(|(text, _)| !text.ends_with(['.', '!', '?', '"', '”', ':']))
}

/// The number below which one in so many are.
fn usual(numbers: impl Iterator<Item = f32>, one_in: usize) -> f32 {
    let mut numbers: Vec<f32> = numbers.collect();
    numbers.sort_by(f32::total_cmp);
    numbers.get(numbers.len().saturating_sub(1) / one_in).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pdf(content: &str) -> Vec<u8> {
        format!(
            "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
             3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n\
             4 0 obj<</Length {}>>stream\n{content}\nendstream endobj\n\
             5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>endobj\n\
             6 0 obj<</CreationDate(D:20240506090809+02'00')>>endobj\ntrailer<</Size 7/Root 1 0 R/Info 6 0 R>>\n%%EOF",
            content.len()
        )
        .into_bytes()
    }

    #[test]
    fn a_document() {
        let article = article(&pdf(
            "BT /F1 18 Tf 50 700 Td (Crane falls in Lindmouth) Tj ET BT /F1 11 Tf 50 670 Td 14 TL (The har-) Tj T* [(bour is)-300(closed) 20 (.)] TJ \
             0 -28 Td (Ships wait.) Tj ET",
        ))
        .unwrap();
        assert_eq!(
            (article.title.as_str(), article.text.as_str()),
            ("Crane falls in Lindmouth", "The harbour is closed.\n\nShips wait.")
        );
        assert_eq!(article.published, "2024-05-06T07:08:09Z".parse().ok());
    }

    #[test]
    fn a_page_ends_where_the_limit_does() {
        let bytes = pdf(
            "BT /F1 11 Tf 50 700 Td (Ships wait.) Tj 0 -14 Td (They wait for the tide.) Tj 0 -14 Td (On.) Tj ET",
        );
        let document = Document::load_mem(&bytes).unwrap();
        let page = *document.get_pages().values().next().unwrap();
        let read = |bytes, time| {
            let mut limit = Limit { end: Instant::now() + time, bytes };
            let lines = page_lines(&document, page, &mut limit).unwrap();
            (lines.into_iter().map(|line| line.text).collect::<Vec<_>>(), limit.is_reached())
        };
        assert_eq!(read(37, TIME_MAX).0.len(), 3);
        assert_eq!(read(33, TIME_MAX), (vec!["Ships wait.".to_owned()], true));
        assert_eq!(read(37, Duration::ZERO), (vec![], true));
    }

    #[test]
    fn no_words_or_no_document() {
        assert!(article(&pdf("0 0 m 5 5 l S")).unwrap_err().reason.contains("pictures"));
        assert!(article(b"%PDF-1.4 nonsense").is_err());
    }
}
