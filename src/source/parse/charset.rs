//! Bytes to text: byte order mark, then the HTTP header, then the document's own word, then UTF-8, then windows-1252.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How much of a document is searched for its declaration, in bytes.
const HEAD_BYTES: usize = 1024;

/// Decodes a feed, a page or a text. Never fails: what no charset explains becomes replacement characters.
pub fn decode(bytes: &[u8], content_type: Option<&str>) -> String {
    decode_noting(bytes, content_type).0.into_owned()
}

/// The same, and whether the bytes were not in the charset that they were said to be in.
pub(super) fn decode_noting<'a>(bytes: &'a [u8], content_type: Option<&str>) -> (Cow<'a, str>, bool) {
    if let Some(text) = utf32(bytes) {
        return (Cow::Owned(text), false);
    }
    let encoding = Encoding::for_bom(bytes)
        .map(|(encoding, _)| encoding)
        .or_else(|| from_header(content_type?))
        .or_else(|| unmarked_utf16(bytes))
        .or_else(|| declared(bytes));
    let encoding = match encoding {
        Some(encoding) => encoding,
        None if std::str::from_utf8(bytes).is_ok() => UTF_8,
        None => WINDOWS_1252,
    };
    let (text, _, damaged) = encoding.decode(bytes);
    if damaged && encoding == UTF_8 && Encoding::for_bom(bytes).is_none() && !mostly_utf8(&text) {
        return (WINDOWS_1252.decode(bytes).0, true);
    }
    (text, damaged)
}

/// Browsers have given it up; some servers have not.
fn utf32(bytes: &[u8]) -> Option<String> {
    let read: fn([u8; 4]) -> u32 = match bytes.first_chunk()? {
        [0, 0, 0xfe, 0xff] | [0, 0, 0, b'<' | b'{'] => u32::from_be_bytes,
        [0xff, 0xfe, 0, 0] | [b'<' | b'{', 0, 0, 0] => u32::from_le_bytes,
        _ => return None,
    };
    let letters =
        bytes.as_chunks().0.iter().map(|letter| char::from_u32(read(*letter)).unwrap_or('\u{fffd}'));
    Some(letters.skip_while(|c| *c == '\u{feff}').collect())
}

/// Whether some damage in UTF-8 is just that: more multi-byte letters than faults.
fn mostly_utf8(text: &str) -> bool {
    let faults = text.chars().filter(|c| *c == '\u{fffd}').count();
    text.chars().filter(|c| !c.is_ascii() && *c != '\u{fffd}').count() > faults
}

fn from_header(content_type: &str) -> Option<&'static Encoding> {
    let at = content_type.to_ascii_lowercase().find("charset=")?;
    let label = content_type.get(at + "charset=".len()..)?;
    let label = label.trim_start_matches(['"', '\'']);
    let end = label.find(['"', '\'', ';', ' ']).unwrap_or(label.len());
    Encoding::for_label(label.get(..end)?.as_bytes())
}

fn unmarked_utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [0, b'<' | b'{', ..] => Some(UTF_16BE),
        [b'<' | b'{', 0, ..] => Some(UTF_16LE),
        _ => None,
    }
}

/// What an XML declaration or an HTML `meta` says.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..bytes.len().min(HEAD_BYTES))?.to_ascii_lowercase();
    let after = |mark: &[u8]| {
        let at = head.windows(mark.len()).position(|window| window == mark)?;
        head.get(at + mark.len()..)
    };
    let xml = after(b"<?xml").and_then(|_| after(b"encoding"));
    let label = xml.or_else(|| after(b"charset"))?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let label = label.strip_prefix(b"\"").or_else(|| label.strip_prefix(b"'")).unwrap_or(label);
    let end =
        label.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.')));
    let encoding = Encoding::for_label(label.get(..end.unwrap_or(label.len()))?)?;
    // a declaration that could be read byte by byte is not in UTF-16, whatever it says
    Some(if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], content_type: Option<&str>, expected: &str) {
        assert_eq!(decode(bytes, content_type), expected);
    }

    #[test]
    fn a_byte_order_mark_wins() {
        check(b"\xef\xbb\xbf\xc3\xa9", Some("text/xml; charset=latin1"), "é");
        check(b"\xfe\xff\0<\0\xe9", None, "<é");
    }

    #[test]
    fn utf32_is_known_by_its_noughts() {
        check(b"\0\0\xfe\xff\0\0\0<\0\0\0\xe9", None, "<é");
        check(b"<\0\0\0\xe9\0\0\0", Some("text/xml; charset=utf-32"), "<é");
    }

    #[test]
    fn then_the_header() {
        check(
            b"<?xml encoding='utf-8'?>\xe9",
            Some("text/xml; charset=\"ISO-8859-1\""),
            "<?xml encoding='utf-8'?>é",
        );
    }

    #[test]
    fn then_the_declaration() {
        check(b"<?xml encoding='koi8-r'?>\xc1", None, "<?xml encoding='koi8-r'?>а");
        check(b"<meta charset=windows-1251>\xe0", None, "<meta charset=windows-1251>а");
    }

    #[test]
    fn else_it_is_utf8_or_windows_1252() {
        check("é".as_bytes(), None, "é");
        check(b"\x93x\x94", None, "“x”");
        check(b"\0<\0a", None, "<a");
    }

    #[test]
    fn a_wrong_declaration_is_not_believed() {
        check(b"<?xml encoding='utf-16'?>a", None, "<?xml encoding='utf-16'?>a");
        check(b"<?xml encoding='utf-8'?>caf\xe9", None, "<?xml encoding='utf-8'?>café");
    }
}
