//! Very many feeds are read in pieces: the parser's tables take ten times what is kept of them, and would all stand in
//! memory at once.

use std::ops::Range;

/// Texts below this size are read as one.
const WHOLE_BYTES_MAX: usize = 256 << 10;

/// About so many bytes of feeds make a piece.
const PIECE_BYTES: usize = 64 << 10;

const HEADINGS: [&str; 2] = ["[[feed]]", "[[sitemap]]"];

/// A text without its tables of feeds, and those in pieces, each a document of its own. `None` where the text is small,
/// or where a line that looks like a heading may be none.
pub(super) fn split(text: &str) -> Option<(String, Vec<&str>)> {
    if text.len() < WHOLE_BYTES_MAX || text.contains("\"\"\"") || text.contains("'''") {
        return None;
    }
    let (mut rest, mut pieces) = (String::new(), Vec::new());
    let mut piece: Range<usize> = 0..0;
    let mut of_feed = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begin = line.trim_start();
        let is_feed = HEADINGS.iter().any(|heading| begin.starts_with(heading));
        if begin.starts_with('[') {
            of_feed = is_feed;
        }
        let end = at + line.len();
        let full = is_feed && piece.len() >= PIECE_BYTES;
        if full || !of_feed || piece.end != at {
            pieces.extend(text.get(piece.clone()).filter(|piece| !piece.is_empty()));
            piece = end..end;
        }
        if of_feed {
            piece = if piece.is_empty() { at..end } else { piece.start..end };
        } else {
            rest.push_str(line);
        }
        at = end;
    }
    pieces.extend(text.get(piece).filter(|piece| !piece.is_empty()));
    Some((rest, pieces))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feeds_are_taken_out_whole_and_in_their_order() {
        let feed = |number: usize| format!("[[feed]]\nurl = \"https://a.example/{number}\"\n\n");
        let mut text = String::from("state_dir = \"/s\"\n");
        for number in 0..9_000 {
            text.push_str(&feed(number));
            if number == 4_321 {
                text.push_str("[[topic]]\nname = \"t\"\n  [topic.names]\nx = []\n");
            }
        }
        let (rest, pieces) = split(&text).unwrap();
        assert_eq!(rest, "state_dir = \"/s\"\n[[topic]]\nname = \"t\"\n  [topic.names]\nx = []\n");
        assert!(pieces.len() > 2 && pieces.iter().all(|piece| piece.starts_with("[[feed]]")));
        assert!(pieces.iter().all(|piece| piece.len() < PIECE_BYTES + 100));
        assert_eq!(pieces.concat(), (0..9_000).map(feed).collect::<String>());
    }

    #[test]
    fn what_may_be_split_wrongly_is_read_whole() {
        assert_eq!(split("[[feed]]\nurl = \"https://a.example/\""), None);
        let long = format!("x = '''\n[[feed]]\n'''\n{}", " ".repeat(WHOLE_BYTES_MAX));
        assert_eq!(split(&long), None);
    }
}
