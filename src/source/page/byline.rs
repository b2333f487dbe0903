//! From a line of a page to the names in it. Pure.

use super::published;

/// Longest byline, in characters.
const LINE_CHARS_MAX: usize = 200;

/// Longest name, in characters and words.
const NAME_CHARS_MAX: usize = 50;
const NAME_WORDS_MAX: usize = 5;

/// Longest line that says when and who, and no more, in characters.
const DATED_CHARS_MAX: usize = 80;

/// What stands before a name.
const STARTS: [&str; 46] = [
    "by:",
    "by ",
    "von:",
    "von ",
    "vom ",
    "par ",
    "por ",
    "di ",
    "door ",
    "av ",
    "af ",
    "written by ",
    "posted by ",
    "published by ",
    "author:",
    "author ",
    "autor:",
    "autor ",
    "autorin:",
    "autorin ",
    "autoren:",
    "autoren ",
    "auteur:",
    "auteur :",
    "auteur ",
    "autore:",
    "text:",
    "text ",
    "geschrieben von ",
    "gespeichert von ",
    "veröffentlicht von ",
    "erstellt von ",
    "eingestellt von ",
    "ein beitrag von ",
    "beitrag von ",
    "artikel von:",
    "artikel von ",
    "alle artikel von ",
    "written by:",
    "posted by:",
    "mehr von ",
    "more from ",
    "more by ",
    "über ",
    "about ",
    "zeige alle beiträge von ",
];

/// What ends a name.
const ENDS: [&str; 36] = [
    " | ",
    " • ",
    " · ",
    " – ",
    " — ",
    " - ",
    " am ",
    " on ",
    "(",
    "[at]",
    "@",
    "http",
    " updated",
    " published",
    " posted",
    " veröffentlicht",
    " aktualisiert",
    " date",
    " tags",
    " quelle",
    " sagt",
    " says",
    " is a ",
    " ist ",
    ", staff",
    ", editor",
    ", reporter",
    " im gespräch",
    " im interview",
    " for the ",
    " stand:",
    " alle artikel",
    " alle beiträge",
    " all posts",
    ")",
    "→",
];

/// What stands between two names.
const BETWEEN: [&str; 12] =
    [",", ";", "&", " and ", " And ", " AND ", " und ", " et ", " y ", " og ", " och ", " mit "];

/// What buttons and headings beside a name begin with.
const ASKING: [&str; 18] = [
    "all",
    "alle",
    "alles",
    "more",
    "mehr",
    "view",
    "show",
    "zeige",
    "follow",
    "read",
    "zuletzt",
    "last",
    "published",
    "veröffentlicht",
    "updated",
    "posted",
    "a",
    "the",
];

/// Small words that names begin with.
const PARTICLES: [&str; 19] = [
    "von", "van", "de", "del", "della", "di", "da", "dos", "du", "la", "le", "al", "el", "ter", "zu", "vom",
    "der", "den", "ten",
];

/// Words before a byline in a running text, as it stands there.
const LABELS: [&str; 21] = [
    "By ",
    "BY ",
    "Von ",
    "VON ",
    "Von: ",
    "Text: ",
    "Autor: ",
    "Autor ",
    "Autorin: ",
    "Autoren: ",
    "Autoren ",
    "Author: ",
    "Authors: ",
    "Auteur : ",
    "Auteur: ",
    "Autore: ",
    "Written by ",
    "Geschrieben von ",
    "Ein Beitrag von ",
    "Por ",
    "Posted by ",
];

/// Labels that a name follows wherever they stand in a line.
const SURE_LABELS: [&str; 7] =
    ["Autor: ", "Autorin: ", "Autoren: ", "Author: ", "Auteur : ", "Auteur: ", "Autore: "];

/// The names in a byline.
pub(super) fn split(line: &str) -> Vec<String> {
    if line.chars().count() > LINE_CHARS_MAX {
        return Vec::new();
    }
    let mut line = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    loop {
        let head: String = line.chars().take(24).collect();
        let Some(start) = STARTS.iter().find(|start| begins(&head, start)) else { break };
        line = line.get(start.len()..).unwrap_or_default().trim_start_matches(|c: char| !c.is_alphanumeric());
    }
    let lower = line.to_lowercase();
    // lower case of another length would shift the places
    let end = ENDS.iter().filter_map(|end| lower.find(end)).chain(number(line)).min();
    let line = match end {
        Some(end) if lower.len() == line.len() => line.get(..end).unwrap_or(line),
        _ => line,
    };
    let mut parts = vec![line.to_owned()];
    for mark in BETWEEN {
        parts = parts.iter().flat_map(|part| part.split(mark)).map(str::to_owned).collect();
    }
    parts.iter().filter_map(|part| name(part)).collect()
}

/// Where a word begins that is a number.
fn number(line: &str) -> Option<usize> {
    let starts = line.char_indices().scan(' ', |before, (at, c)| Some((at, c, std::mem::replace(before, c))));
    starts.filter(|(_, c, before)| c.is_ascii_digit() && !before.is_alphanumeric()).map(|(at, ..)| at).next()
}

fn begins(head: &str, start: &str) -> bool {
    head.get(..start.len()).is_some_and(|head| head.to_lowercase() == *start)
}

fn name(part: &str) -> Option<String> {
    let trimmed = part.trim_matches(|c: char| c.is_whitespace() || ":,-–—|·•\"'*".contains(c));
    // a picture beside it often says the name again
    let trimmed = match trimmed.split_at_checked(trimmed.len() / 2) {
        Some((first, second)) if first.trim() == second.trim() && first.contains(' ') => first.trim(),
        _ => trimmed,
    };
    let words: Vec<&str> = trimmed.split_whitespace().collect();
    let length = trimmed.chars().count();
    let initials = length == 2 && trimmed.chars().all(char::is_uppercase);
    let sound = (1..=NAME_WORDS_MAX).contains(&words.len())
        && ((3..=NAME_CHARS_MAX).contains(&length) || initials)
        && trimmed.chars().any(char::is_alphabetic)
        && !trimmed.contains("www.")
        && !trimmed.contains(['©', '«', '»', '“', '”', '„', '?', '!', '{', '<', '='])
        && !is_of_sentence(&words);
    sound.then(|| words.join(" "))
}

/// Whether words are a piece of a sentence: they begin small, or end with a stop that no abbreviation has.
fn is_of_sentence(words: &[&str]) -> bool {
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return true };
    let small = first.starts_with(char::is_lowercase) && !PARTICLES.contains(first);
    let stop = last.strip_suffix('.').is_some_and(|word| word.chars().count() > 3 && !word.contains('.'));
    let asks = ASKING.contains(&first.to_lowercase().as_str());
    words.len() > 1 && (small || stop || asks)
}

/// Whether words look like a person's full name.
pub(super) fn is_full_name(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let sound = |word: &&&str| {
        word.starts_with(char::is_uppercase)
            && word.chars().all(|c| c.is_alphabetic() || "-'’.".contains(c))
            && word.chars().filter(|c| c.is_uppercase()).count() <= 3
    };
    let named = words.iter().filter(sound).count();
    (2..=4).contains(&words.len())
        && named >= 2
        && words.iter().all(|word| sound(&word) || PARTICLES.contains(word))
}

/// A short line that begins as a byline does, with two names in capitals; or one in which a label says who follows.
pub(super) fn byline(line: &str) -> Option<String> {
    const BYLINE_CHARS_MAX: usize = 90;
    let capital = |word: &&str| word.starts_with(char::is_uppercase);
    let is_named = |rest: &str| rest.split_whitespace().take(2).filter(capital).count() == 2;
    let started = LABELS.iter().find_map(|start| line.strip_prefix(start));
    if let Some(rest) = started
        && line.chars().count() <= BYLINE_CHARS_MAX
    {
        return is_named(rest).then(|| rest.to_owned());
    }
    let (_, rest) = SURE_LABELS.iter().find_map(|label| line.split_once(label))?;
    let names = rest.split([',', '.', '|', '·', '(']).next().unwrap_or_default();
    let words: Vec<&str> = names.split_whitespace().take_while(|word| capital(&word)).take(3).collect();
    is_named(rest).then(|| words.join(" ")).filter(|names| is_full_name(names))
}

/// A label that stands alone before its name.
pub(super) fn is_label(line: &str) -> bool {
    const ALONE: [&str; 12] = [
        "by",
        "von",
        "autor",
        "autorin",
        "autoren",
        "author",
        "authors",
        "auteur",
        "auteur(s)",
        "written by",
        "autore",
        "text",
    ];
    let line = line.trim_end_matches(|c: char| c.is_whitespace() || c == ':').to_lowercase();
    ALONE.contains(&line.as_str())
}

/// The names of a line that follows a label.
pub(super) fn labelled(line: &str) -> Option<String> {
    let names = split(line);
    (line.chars().count() <= DATED_CHARS_MAX
        && !names.is_empty()
        && names.iter().all(|name| is_full_name(name)))
    .then(|| line.to_owned())
}

/// A line that says when and who, and no more: `6 May 2024 by Ann Lee`, `06.05.2024 | 13:10 | Ann Lee`.
pub(super) fn dated_byline(line: &str) -> Option<String> {
    if line.chars().count() > DATED_CHARS_MAX {
        return None;
    }
    let mark = [" by ", " von ", " par ", " por ", " di "].iter().find(|mark| line.contains(**mark));
    if let Some((before, after)) = mark.and_then(|mark| line.split_once(*mark)) {
        let words: Vec<&str> = after.split_whitespace().collect();
        let named =
            (1..=3).contains(&words.len()) && words.iter().all(|word| word.starts_with(char::is_uppercase));
        return (named && published::holds_date(before)).then(|| after.to_owned());
    }
    let parts: Vec<&str> = [" | ", " · ", " • ", " - ", " – ", " — "]
        .iter()
        .find(|mark| line.contains(**mark))
        .map(|mark| line.split(*mark).collect())?;
    let (first, last) = (parts.first()?, parts.last()?);
    let ends = if published::holds_date(first) { last } else { first };
    let dated = published::holds_date(first) || published::holds_date(last);
    (dated && !published::holds_date(ends) && is_full_name(ends)).then(|| (*ends).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bylines_are_split() {
        assert_eq!(split("By Ann Lee, Bo Ek and Cy Dee"), ["Ann Lee", "Bo Ek", "Cy Dee"]);
        assert_eq!(split("Written by: Ann Lee | 6 May 2024"), ["Ann Lee"]);
        assert_eq!(split("Erstellt von Ann Lee am Montag"), ["Ann Lee"]);
        assert_eq!(split("wire/al"), ["wire/al"]);
        assert_eq!(split("Author: Bo2man am 29.12.2010, 13:36"), ["Bo2man"]);
        assert_eq!(split("by AL"), ["AL"]);
        assert_eq!(split("Ann Lee And Bo Ek"), ["Ann Lee", "Bo Ek"]);
    }

    #[test]
    fn pieces_of_sentences_are_no_names() {
        for line in
            ["kept by the harbour", "Tricks for the house.", "«plain words»", "your own hosts written."]
        {
            assert_eq!(split(line), [""; 0], "{line}");
        }
        assert_eq!(split("von der Heide, de la Cruz, Bo Ek Jr."), ["der Heide", "de la Cruz", "Bo Ek Jr."]);
    }

    #[test]
    fn a_byline_may_stand_further_on() {
        let check =
            |line: &str, expected: Option<&str>| assert_eq!(byline(line).as_deref(), expected, "{line}");
        check("By Ann Lee and Bo Ek", Some("Ann Lee and Bo Ek"));
        check("By then it was over", None);
        check("Date: 6 May 2024 Author: Ann Lee Source: Wire", Some("Ann Lee Source"));
        check(
            "Autorin: Ann Lee, head of the office that looks after the harbour and all of its cranes, and much else.",
            Some("Ann Lee"),
        );
    }

    #[test]
    fn a_dated_line_has_a_name() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(dated_byline(line).as_deref(), expected, "{line}")
        };
        check("06.05.2024 | 13:10 | Ann Lee", Some("Ann Lee"));
        check("06.05.2024 - Ann de la Lee", Some("Ann de la Lee"));
        check("Ann Lee | 6 May 2024", Some("Ann Lee"));
        check("6 May 2024 by Ann", Some("Ann"));
        check("06.05.2024 - News", None);
        check("Sports - Ann Lee", None);
    }

    #[test]
    fn a_label_may_stand_alone() {
        assert!(is_label("Autor:") && is_label("By") && !is_label("By the sea"));
        assert_eq!(labelled("Ann Lee and Bo Ek").as_deref(), Some("Ann Lee and Bo Ek"));
        assert_eq!(labelled("all of it in the end"), None);
    }
}
