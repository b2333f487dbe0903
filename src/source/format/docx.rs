//! Word documents: the paragraphs of `word/document.xml`, and what the document says of itself.

use std::io::{Read, Seek};

use zip::ZipArchive;

use super::{
    draft::{Draft, Fault, Piece, byline},
    text,
    xml::{self, Element, Flow},
};
use crate::source::date;

/// Bytes of one part, unpacked.
const PART_BYTES_MAX: u64 = 16 << 20;

/// Whether an archive is such a document.
pub(super) fn is<R: Read + Seek>(archive: &ZipArchive<R>) -> bool {
    archive.index_for_name("word/document.xml").is_some()
}

/// Reads the document in an archive.
pub(super) fn article<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Piece {
    let document = part(archive, "word/document.xml").map_err(Fault::of)?;
    let core = part(archive, "docProps/core.xml").ok().map(|core| core.root);
    let said = |name: &str| core.as_ref()?.child(name).map(Element::line).filter(|line| !line.is_empty());
    let root = document.root;
    let paragraphs = root.child("body").into_iter().flat_map(|body| body.below("p"));
    let (mut title, mut lines) = (None, Vec::new());
    for paragraph in paragraphs {
        let line = words(paragraph);
        if line.is_empty() {
            continue;
        }
        let style =
            paragraph.at(&["pPr", "pStyle"]).and_then(|style| style.attribute("val")).unwrap_or_default();
        if title.is_none() && lines.is_empty() && is_title(style) {
            title = Some(line);
        } else {
            lines.push(line);
        }
    }
    if let Some(reason) = document.broken {
        return Err(Fault::of(reason));
    }
    let text = lines.join("\n");
    let (headline, text) = match title {
        Some(title) => (title, text),
        None => match text::article(&text) {
            Some(read) => (read.title, read.text),
            None => (String::new(), text),
        },
    };
    Draft {
        title: headline,
        text,
        // when it was made is often when its template was
        published: said("modified").and_then(|date| date::parse(&date)),
        language: said("language"),
        authors: said("creator").map(|name| byline(&name)).unwrap_or_default(),
        ..Draft::default()
    }
    .finish()
}

fn is_title(style: &str) -> bool {
    let style = style.to_ascii_lowercase();
    ["title", "heading1", "titel", "titre", "titolo", "berschrift1", "rubrik1", "overskrift1"]
        .iter()
        .any(|name| style.ends_with(name))
}

/// A paragraph's words: tabs and breaks are blanks, what was deleted or stands in a text box of its own is not among them.
fn words(paragraph: &Element) -> String {
    let line = paragraph.paragraphs(&|element| match element.name.as_str() {
        "tab" | "br" | "cr" | "noBreakHyphen" => Flow::Block,
        "del" | "delText" | "instrText" | "pPr" | "rPr" | "txbxContent" | "drawing" | "pict" => Flow::Skip,
        _ => Flow::Inline,
    });
    line.lines().collect::<Vec<_>>().join(" ")
}

fn part<R: Read + Seek>(archive: &mut ZipArchive<R>, name: &str) -> Result<xml::Document, String> {
    let broken = |error: &dyn std::fmt::Display| format!("could not unpack the document: {error}");
    let file = archive.by_name(name).map_err(|error| broken(&error))?;
    let mut text = String::new();
    file.take(PART_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| broken(&error))?;
    if text.len() as u64 > PART_BYTES_MAX {
        return Err(format!("the document has more than the {PART_BYTES_MAX} bytes that are read"));
    }
    xml::parse(&text)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn read(body: &str) -> Piece {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in [
            ("word/document.xml", format!("<w:document xmlns:w='w'><w:body>{body}</w:body></w:document>")),
            ("docProps/core.xml", "<c><dc:creator>Ann Lee</dc:creator><dcterms:modified>2024-05-06T07:08:09Z</dcterms:modified></c>".to_owned()),
        ] {
            writer.start_file(name, SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        let mut archive = ZipArchive::new(writer.finish().unwrap()).unwrap();
        assert!(is(&archive));
        article(&mut archive)
    }

    #[test]
    fn a_document() {
        let article = read(
            "<w:p><w:pPr><w:pStyle w:val='Title'/></w:pPr><w:r><w:t>Crane </w:t></w:r><w:r><w:t>falls</w:t></w:r></w:p>\
             <w:p/><w:p><w:r><w:t>The harbour</w:t><w:tab/><w:t>is closed.</w:t></w:r><w:del><w:r><w:delText>x</w:delText></w:r></w:del></w:p>",
        )
        .unwrap();
        assert_eq!(
            (article.title.as_str(), article.text.as_str()),
            ("Crane falls", "The harbour is closed.")
        );
        assert_eq!(article.authors, ["Ann Lee"]);
        assert_eq!(article.published, "2024-05-06T07:08:09Z".parse().ok());
    }

    #[test]
    fn nothing_in_it() {
        assert!(read("<w:p/>").is_err());
    }
}
