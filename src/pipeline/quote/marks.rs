//! Finds what stands in quotation marks, in all styles, also over several paragraphs.

/// Bytes between a pair of marks at most.
const QUOTE_BYTES_MAX: usize = 4_000;

/// Paragraphs of one quote at most.
const PARAGRAPHS_MAX: usize = 8;

/// Words of a line in quotation marks that is a heading, at most.
const HEADING_WORDS_MAX: usize = 12;

/// What stands between two marks, in bytes of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marked {
    /// Behind the opening mark.
    pub(crate) start: usize,
    /// Before the closing mark.
    pub(crate) end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// " and “ ”, which are mixed in practice.
    Double,
    /// ' and ‘ ’, which are apostrophes too.
    Single,
    /// « », in either direction.
    Angle,
    /// „ “.
    Low,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    at: usize,
    width: usize,
    style: Style,
    opens: bool,
    closes: bool,
    /// Closes for sure: no plural possessive looks like this.
    firm: bool,
    line: usize,
}

/// All quotes of a text, in order, without headings.
pub(crate) fn spans(text: &str) -> Vec<Marked> {
    let marks = marks(text);
    let mut spans = Vec::new();
    let mut at = 0;
    while let Some(mark) = marks.get(at) {
        let closing = if mark.opens { closing(text, &marks, at) } else { None };
        match closing.and_then(|index| Some((index, marks.get(index)?))) {
            Some((index, close)) => {
                let span = Marked { start: mark.at + mark.width, end: close.at };
                if !is_heading(text, mark.at, close.at + close.width) && has_words(text, span) {
                    spans.push(span);
                }
                at = index + 1;
            }
            None => at += 1,
        }
    }
    spans
}

fn marks(text: &str) -> Vec<Mark> {
    let bytes = text.as_bytes();
    let mut marks = Vec::new();
    let mut lines = memchr::memchr_iter(b'\n', bytes).peekable();
    let mut line = 0;
    let mut add = |at: usize| {
        if inside_a_word(bytes, at) {
            return;
        }
        while lines.next_if(|end| *end < at).is_some() {
            line += 1;
        }
        marks.extend(mark(text, at, line));
    };
    // All marks but the two of ASCII begin with one of two bytes, the second of which is rare.
    if memchr::memchr(0xc2, bytes).is_some() {
        let opening = |byte: &u8| matches!(byte, b'"' | b'\'' | 0xe2 | 0xc2);
        bytes.iter().enumerate().filter(|(_, byte)| opening(byte)).for_each(|(at, _)| add(at));
    } else {
        memchr::memchr3_iter(b'"', b'\'', 0xe2, bytes).for_each(add);
    }
    marks
}

/// Whether an apostrophe of ASCII stands between letters, as most do.
fn inside_a_word(bytes: &[u8], at: usize) -> bool {
    let letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
    bytes.get(at) == Some(&b'\'') && letter(at.wrapping_sub(1)) && letter(at + 1)
}

fn mark(text: &str, at: usize, line: usize) -> Option<Mark> {
    let rest = text.get(at..)?;
    let letter = rest.chars().next()?;
    let width = letter.len_utf8();
    let before = text.get(..at).and_then(|head| head.chars().next_back()).unwrap_or('\n');
    let mut following = rest.get(width..).unwrap_or("").chars();
    let after = following.next().unwrap_or('\n');
    let free_before = before.is_whitespace()
        || matches!(before, '(' | '[' | '—' | '–' | '-' | ':' | '/' | '"' | '“' | '\'' | '‘' | '>');
    let word_after = !after.is_whitespace() && !matches!(after, '.' | ',' | ';' | ')' | '!' | '?');
    let free_after = !after.is_alphanumeric();
    let mark = |style, opens, closes| Mark { at, width, style, opens, closes, firm: true, line };
    match letter {
        '"' => Some(mark(Style::Double, free_before && word_after, !before.is_whitespace() || !word_after)),
        '“' => Some(mark(Style::Double, true, !before.is_whitespace() && !after.is_alphanumeric())),
        '”' => Some(mark(Style::Double, free_before && after.is_alphanumeric(), true)),
        '„' => Some(mark(Style::Low, true, false)),
        '«' => Some(mark(Style::Angle, true, !before.is_whitespace() && free_after)),
        '»' => Some(mark(Style::Angle, before.is_whitespace() && word_after, true)),
        '\'' | '‘' | '’' | '`' => {
            let opens =
                letter != '’' && free_before && word_after && !elided(rest.get(width..).unwrap_or(""));
            let closes = letter != '‘' && !before.is_whitespace() && free_after;
            // "the boys' fault": an s before, a small word behind.
            let plural = matches!(before, 's' | 'S' | 'x' | 'z')
                && after == ' '
                && following.next().is_some_and(char::is_alphanumeric);
            (opens || closes).then(|| Mark { firm: !plural, ..mark(Style::Single, opens, closes) })
        }
        _ => None,
    }
}

/// Letters left out at the front of a word: '90s, 'em, 'til.
fn elided(rest: &str) -> bool {
    let word = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
    let lower = word.to_lowercase();
    let decade = word.len() >= 2 && word.starts_with(|c: char| c.is_ascii_digit()) && lower.ends_with('s');
    decade
        || matches!(
            lower.as_str(),
            "em" | "til" | "tis" | "twas" | "cause" | "cos" | "bout" | "round" | "s" | "n"
        )
}

/// The mark that closes the one at `open`.
fn closing(text: &str, marks: &[Mark], open: usize) -> Option<usize> {
    let opening = marks.get(open)?;
    let mut weak = None;
    let mut line = opening.line;
    let mut paragraphs = 1;
    for (index, mark) in marks.iter().enumerate().skip(open + 1) {
        if mark.at - opening.at > QUOTE_BYTES_MAX {
            break;
        }
        let matching = mark.style == opening.style
            || opening.style == Style::Low && mark.style == Style::Double
            || opening.style == Style::Single && mark.style == Style::Single;
        if mark.line != line {
            if weak.is_some() {
                break;
            }
            paragraphs += 1;
            let between = text.get(opening.at..mark.at).unwrap_or("");
            let first_of_line = between.rsplit('\n').next().is_some_and(|head| head.trim().is_empty());
            let reopened = first_of_line && matching && mark.opens;
            line = mark.line;
            if paragraphs > PARAGRAPHS_MAX {
                break;
            }
            if reopened {
                continue;
            }
            // Without a mark at its front a paragraph only goes on with the quote of the one right before it.
            if !runs_on(between) {
                break;
            }
        }
        if !matching {
            continue;
        }
        if mark.closes && (mark.firm || !mark.opens) {
            if mark.firm {
                return Some(index);
            }
            if line == opening.line {
                weak = weak.or(Some(index));
            }
        } else if mark.opens && (mark.style != Style::Single || weak.is_some()) {
            break;
        }
    }
    weak
}

/// Whether a quote that is open at a paragraph's end may go on without a new mark: one paragraph further, and the
/// first ended as a sentence does.
fn runs_on(between: &str) -> bool {
    let mut lines = between.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or("").trim_end();
    let further = lines.count();
    further <= 1 && first.ends_with(['.', '!', '?', ',', ':', ';']) && first.split_whitespace().count() >= 4
}

/// A line that is nothing but a short quote is a heading, unless it ends as a sentence does.
fn is_heading(text: &str, open: usize, close: usize) -> bool {
    let before = text.get(..open).and_then(|head| head.rsplit('\n').next()).unwrap_or("");
    let after = text.get(close..).and_then(|tail| tail.split('\n').next()).unwrap_or("");
    if !before.trim().is_empty() || !after.trim().is_empty() {
        return false;
    }
    let inside = text
        .get(open..close)
        .unwrap_or("")
        .trim_matches(|c: char| !c.is_alphanumeric() && !".!?…,".contains(c));
    !inside.ends_with(['.', '!', '?', '…', ',']) && inside.split_whitespace().count() <= HEADING_WORDS_MAX
}

fn has_words(text: &str, span: Marked) -> bool {
    text.get(span.start..span.end)
        .is_some_and(|inside| inside.chars().filter(|c| c.is_alphabetic()).count() >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> =
            spans(text).iter().map(|span| text.get(span.start..span.end).unwrap()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn all_styles_are_known() {
        check(
            "He “said so”, \"did so\", 'saw so', ‘ran so’, «went so» and „sat so“ then.",
            &["said so", "did so", "saw so", "ran so", "went so", "sat so"],
        );
    }

    #[test]
    fn apostrophes_open_nothing() {
        check("In the '90s the dogs' owner said it's 'em or us, 'cause it was theirs'.", &[]);
    }

    #[test]
    fn an_inner_quote_belongs_to_the_outer() {
        check("“He said ‘no way’ to me.”", &["He said ‘no way’ to me."]);
    }

    #[test]
    fn an_open_mark_swallows_nothing() {
        check("He “never closed it.\n\nAnother paragraph “here” follows.", &["here"]);
    }

    #[test]
    fn a_possessive_inside_does_not_close() {
        check("'The boys' fault is clear.' He left.", &["The boys' fault is clear."]);
    }
}
