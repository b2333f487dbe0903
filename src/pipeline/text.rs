//! From a text as it was published to the words that dedupe compares: the same words in another dress (entities,
//! mojibake, typographic marks, capitals, invisible characters) come out the same. Knows nothing of articles.

/// Most words that are read of one text; what follows is left out.
pub const WORDS_MAX: usize = 65_536;

/// Letters kept of one word, in bytes. The hash covers the whole word.
const LETTERS_BYTES_MAX: usize = 64;

/// A quotation that has not ended after so many words has lost its closing mark.
const QUOTATION_WORDS_MAX: u32 = 400;

/// Longest tag and entity that are recognised, in bytes.
const TAG_BYTES_MAX: usize = 512;
const ENTITY_BYTES_MAX: usize = 12;

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
const WORD_FACTOR: u64 = 0xD6E8_FEB8_6659_FD93;

/// The words of one text, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    hashes: Vec<u32>,
    spans: Vec<(u32, u32)>,
    quoted: Vec<bool>,
    ends: Vec<u32>,
    letters: Vec<u8>,
}

impl Words {
    /// How many.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// A hash of each word's lower-case letters; the same in all versions and on all machines.
    pub fn hashes(&self) -> &[u32] {
        &self.hashes
    }

    /// The hashes as bytes, to be hashed together.
    pub(crate) fn hash_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.hashes.len() * size_of::<u32>());
        for hash in &self.hashes {
            bytes.extend_from_slice(&hash.to_le_bytes());
        }
        bytes
    }

    /// Where each word stands in the text as it was given, in bytes.
    pub fn spans(&self) -> &[(u32, u32)] {
        &self.spans
    }

    /// Whether each word stands between quotation marks.
    pub fn quoted(&self) -> &[bool] {
        &self.quoted
    }

    /// The lower-case letters of a word, cut after 64 bytes; nothing where there is no such word.
    pub fn letters(&self, word: usize) -> &[u8] {
        let end = self.ends.get(word).map_or(0, |&end| end as usize);
        let start =
            word.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |&end| end as usize);
        self.letters.get(start..end).unwrap_or_default()
    }
}

/// Reads the words of a text. Scripts written without spaces give a word for each character.
pub fn words(text: &str) -> Words {
    let bytes = text.as_bytes();
    let mut reader = Reader::with_room_for(text.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        if let Some(length) = reader.take_short(rest, at) {
            at += length + 1;
            if reader.found.len() >= WORDS_MAX {
                break;
            }
            continue;
        }
        if byte.is_ascii_alphanumeric() {
            let length = rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
            reader.open(at);
            // this bit makes ASCII capitals small and is set in digits and small letters
            reader.found.letters.extend(rest.iter().take(length).map(|b| b | 0x20));
            at += length;
            reader.last = at;
            continue;
        }
        let (sign, length) = if byte < 0x80 { ascii_sign(bytes, at, byte) } else { wide_sign(text, at) };
        reader.take(sign, at, at + length);
        if reader.found.len() >= WORDS_MAX {
            break;
        }
        at += length;
    }
    reader.close();
    reader.found
}

/// What a place in the text means for the words around it.
#[derive(Clone, Copy)]
enum Sign {
    Letter(char),
    /// A word of its own.
    Alone(char),
    /// Drops out of words.
    Nothing,
    Break,
    OpenQuotation,
    CloseQuotation,
    TurnQuotation,
}

struct Reader {
    found: Words,
    /// Start of the word that is being read, in the text and in the letters.
    word: Option<(usize, usize)>,
    /// End of its last letter in the text.
    last: usize,
    /// Words since the quotation was opened.
    quotation: Option<u32>,
}

impl Reader {
    fn with_room_for(bytes: usize) -> Self {
        let words = (bytes / 5).min(WORDS_MAX);
        let found = Words {
            hashes: Vec::with_capacity(words),
            spans: Vec::with_capacity(words),
            quoted: Vec::with_capacity(words),
            ends: Vec::with_capacity(words),
            letters: Vec::with_capacity(bytes.min(WORDS_MAX * 8)),
        };
        Self { found, word: None, last: 0, quotation: None }
    }

    fn take(&mut self, sign: Sign, start: usize, end: usize) {
        match sign {
            Sign::Nothing => {}
            Sign::Letter(letter) => {
                self.open(start);
                self.push(letter);
                self.last = end;
            }
            Sign::Alone(letter) => {
                self.close();
                self.open(start);
                self.push(letter);
                self.last = end;
                self.close();
            }
            Sign::Break => self.close(),
            Sign::OpenQuotation => {
                self.close();
                self.quotation = Some(0);
            }
            Sign::CloseQuotation => {
                self.close();
                self.quotation = None;
            }
            Sign::TurnQuotation => {
                self.close();
                self.quotation = if self.quotation.is_some() { None } else { Some(0) };
            }
        }
    }

    /// Takes a short word and the sign that ends it at once, and says how long the word is: nearly all words are such.
    fn take_short(&mut self, rest: &[u8], start: usize) -> Option<usize> {
        let (eight, _) = rest.split_first_chunk::<8>()?;
        let eight = u64::from_le_bytes(*eight);
        let length = letters_and_digits(eight);
        let ends =
            matches!(rest.get(length), Some(b' ' | b'\n' | b'.' | b',' | b'-' | b':' | b';' | b'?' | b')'));
        if !ends || length == 0 || self.word.is_some() {
            return None;
        }
        // bit 5 makes capitals small and is set in digits and small letters
        let letters = (eight | (EACH * 0x20)) & u64::MAX >> (64 - 8 * length);
        let before = self.found.letters.len();
        self.found.letters.extend_from_slice(&letters.to_le_bytes());
        self.found.letters.truncate(before + length);
        self.note(high(mix(SEED ^ length as u64 ^ letters, WORD_FACTOR)), start, start + length);
        Some(length)
    }

    fn open(&mut self, start: usize) {
        if self.word.is_none() {
            self.word = Some((start, self.found.letters.len()));
        }
    }

    fn push(&mut self, letter: char) {
        for small in letter.to_lowercase() {
            self.found.letters.extend_from_slice(small.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn close(&mut self) {
        let Some((start, first)) = self.word.take() else { return };
        let hash = hash(self.found.letters.get(first..).unwrap_or_default());
        self.found.letters.truncate(first + LETTERS_BYTES_MAX);
        self.note(hash, start, self.last);
    }

    /// A word whose letters are in.
    fn note(&mut self, hash: u32, start: usize, end: usize) {
        self.found.hashes.push(hash);
        self.found.spans.push((offset(start), offset(end)));
        self.found.ends.push(offset(self.found.letters.len()));
        self.found.quoted.push(self.quotation.is_some());
        self.quotation = self.quotation.map(|words| words + 1).filter(|&words| words < QUOTATION_WORDS_MAX);
    }
}

/// One in each of eight bytes.
const EACH: u64 = 0x0101_0101_0101_0101;

/// How many ASCII letters and digits eight bytes of a text begin with. All eight are looked at together: a branch for
/// each would be guessed wrong once a word.
fn letters_and_digits(eight: u64) -> usize {
    let top = EACH * 0x80;
    // no sum of these carries over into the next byte
    let low = eight & !top;
    let from = |bytes: u64, least: u8| bytes + EACH * u64::from(0x80 - least);
    let small = low | (EACH * 0x20);
    let letter = from(small, b'a') & !from(small, b'z' + 1);
    let digit = from(low, b'0') & !from(low, b'9' + 1);
    let other = !((letter | digit) & !eight) & top;
    other.trailing_zeros() as usize / 8
}

/// Texts of 4 GiB and more do not come this far.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Not secret and not strong, but the same for ever: sketches made of it are kept for years.
fn hash(letters: &[u8]) -> u32 {
    let mut state = SEED ^ letters.len() as u64;
    for eight in letters.chunks(8) {
        let value = eight.iter().rev().fold(0, |value, &letter| value << 8 | u64::from(letter));
        state = mix(state ^ value, WORD_FACTOR);
    }
    high(state)
}

/// Multiplies to 128 bits and folds: a mixer of one multiplication, as in wyhash.
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
    let halves = (product as u64, (product >> 64) as u64);
    halves.0 ^ halves.1
}

/// The better mixed half.
pub(super) fn high(state: u64) -> u32 {
    (state >> 32) as u32
}

fn ascii_sign(bytes: &[u8], at: usize, byte: u8) -> (Sign, usize) {
    match byte {
        b'\'' | b'`' => (Sign::Nothing, 1),
        b'"' => (Sign::TurnQuotation, 1),
        b'&' => entity(bytes, at).map_or((Sign::Break, 1), |(letter, length)| (sign(letter), length)),
        b'<' => (Sign::Break, tag(bytes, at).unwrap_or(1)),
        _ => (Sign::Break, 1),
    }
}

fn wide_sign(text: &str, at: usize) -> (Sign, usize) {
    let rest = text.get(at..).unwrap_or_default();
    // no character starts at `at`: never so, since every step is a whole character
    let Some(letter) = rest.chars().next() else { return (Sign::Break, 1) };
    let inside = at.checked_sub(1).and_then(|before| text.as_bytes().get(before));
    match mojibake(letter, rest, inside.is_some_and(u8::is_ascii_alphabetic)) {
        Some((repaired, length)) => (sign(repaired), length),
        None => (sign(letter), letter.len_utf8()),
    }
}

fn sign(letter: char) -> Sign {
    match letter {
        '\u{2018}'
        | '\u{2019}'
        | '\''
        | '`'
        | '\u{AD}'
        | '\u{200B}'..='\u{200F}'
        | '\u{2060}'
        | '\u{FEFF}' => Sign::Nothing,
        '\u{201C}' => Sign::OpenQuotation,
        '\u{201D}' => Sign::CloseQuotation,
        '"' => Sign::TurnQuotation,
        _ if !letter.is_alphanumeric() => Sign::Break,
        _ if is_unspaced(letter) => Sign::Alone(letter),
        _ => Sign::Letter(letter),
    }
}

/// Thai, Lao, Burmese, Khmer, Japanese and Chinese are written without spaces between words.
fn is_unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{E00}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{3040}'..='\u{30FF}'
        | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// UTF-8 that was read as Windows-1252: the character meant, and how many bytes its wrong reading takes.
fn mojibake(lead: char, rest: &str, inside_word: bool) -> Option<(char, usize)> {
    let follow = match lead {
        // of the two-byte leads those of scripts met in practice: É, Ê, Ç, Ü before » are French and German
        '\u{C2}'..='\u{C5}' | '\u{C8}' | '\u{CE}'..='\u{D1}' | '\u{D7}'..='\u{D9}' => 1,
        '\u{E2}' => 2,
        '\u{E0}'..='\u{EF}' if !inside_word => 2,
        '\u{F0}' => 3,
        _ => return None,
    };
    let mut meant = [0; 4];
    let mut length = 0;
    for (place, letter) in meant.iter_mut().zip(rest.chars().take(follow + 1)) {
        *place = windows_1252(letter)?;
        length += letter.len_utf8();
    }
    // "à »" and "é »" with their no-break space are French
    if matches!(lead, '\u{E0}'..='\u{E1}' | '\u{E3}'..='\u{EF}') && meant.get(1) == Some(&0xA0) {
        return None;
    }
    let repaired = std::str::from_utf8(meant.get(..=follow)?).ok()?;
    Some((repaired.chars().next()?, length))
}

/// The byte that Windows-1252 has for a character. U+FFFD stands for 0x9D, which has none and ends every closing
/// quotation mark.
fn windows_1252(letter: char) -> Option<u8> {
    const HIGH: &[(char, u8)] = &[
        ('\u{20AC}', 0x80),
        ('\u{201A}', 0x82),
        ('\u{192}', 0x83),
        ('\u{201E}', 0x84),
        ('\u{2026}', 0x85),
        ('\u{2020}', 0x86),
        ('\u{2021}', 0x87),
        ('\u{2C6}', 0x88),
        ('\u{2030}', 0x89),
        ('\u{160}', 0x8A),
        ('\u{2039}', 0x8B),
        ('\u{152}', 0x8C),
        ('\u{17D}', 0x8E),
        ('\u{2018}', 0x91),
        ('\u{2019}', 0x92),
        ('\u{201C}', 0x93),
        ('\u{201D}', 0x94),
        ('\u{2022}', 0x95),
        ('\u{2013}', 0x96),
        ('\u{2014}', 0x97),
        ('\u{2DC}', 0x98),
        ('\u{2122}', 0x99),
        ('\u{161}', 0x9A),
        ('\u{203A}', 0x9B),
        ('\u{153}', 0x9C),
        ('\u{FFFD}', 0x9D),
        ('\u{17E}', 0x9E),
        ('\u{178}', 0x9F),
    ];
    match u8::try_from(u32::from(letter)) {
        Ok(byte) if byte >= 0x80 => Some(byte),
        Ok(_) => None,
        Err(_) => HIGH.iter().find(|(high, _)| *high == letter).map(|&(_, byte)| byte),
    }
}

/// The character that an entity stands for, and how many bytes it takes.
fn entity(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let window = bytes.get(at + 1..bytes.len().min(at + 1 + ENTITY_BYTES_MAX))?;
    let length = window.iter().position(|&b| b == b';')?;
    let name = std::str::from_utf8(window.get(..length)?).ok()?;
    let letter = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            // pages that give Windows-1252 bytes as code points, as browsers read them
            let byte = u8::try_from(code).ok().filter(|byte| (0x80..0xA0).contains(byte));
            byte.and_then(from_windows_1252).or_else(|| char::from_u32(code))?
        }
        None => named(name)?,
    };
    Some((letter, length + 2))
}

fn from_windows_1252(byte: u8) -> Option<char> {
    "\u{20AC}\u{201A}\u{192}\u{201E}\u{2026}\u{2020}\u{2021}\u{2C6}\u{2030}\u{160}\u{2039}\u{152}\u{17D}\u{2018}\u{2019}\
     \u{201C}\u{201D}\u{2022}\u{2013}\u{2014}\u{2DC}\u{2122}\u{161}\u{203A}\u{153}\u{17E}\u{178}"
        .chars()
        .find(|&letter| windows_1252(letter) == Some(byte))
}

fn named(name: &str) -> Option<char> {
    const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 \
        sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml \
        Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml \
        times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil \
        egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash \
        ugrave uacute ucirc uuml yacute thorn yuml";
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "lsquo" => '\u{2018}',
        "rsquo" => '\u{2019}',
        "ldquo" => '\u{201C}',
        "rdquo" => '\u{201D}',
        "sbquo" | "bdquo" | "ndash" | "mdash" | "hellip" | "bull" | "ensp" | "emsp" | "thinsp" | "trade" => {
            ' '
        }
        "zwj" | "zwnj" => '\u{200B}',
        "OElig" => '\u{152}',
        "oelig" => '\u{153}',
        "Scaron" => '\u{160}',
        "scaron" => '\u{161}',
        _ => {
            let place = LATIN.split_ascii_whitespace().position(|latin| latin == name)?;
            char::from(0xA0_u8.checked_add(u8::try_from(place).ok()?)?)
        }
    })
}

/// How many bytes the tag takes that begins here, if one does.
fn tag(bytes: &[u8], at: usize) -> Option<usize> {
    let window = bytes.get(at + 1..bytes.len().min(at + TAG_BYTES_MAX))?;
    let first = window.first()?;
    if !first.is_ascii_alphabetic() && !matches!(first, b'/' | b'!') {
        return None;
    }
    memchr::memchr(b'>', window).map(|end| end + 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        let found = words(text);
        let letters: Vec<_> =
            (0..found.len()).map(|word| String::from_utf8_lossy(found.letters(word))).collect();
        assert_eq!(letters.join(" "), expected, "{text}");
        assert_eq!(found.hashes(), words(expected).hashes(), "{text}");
    }

    fn check_quoted(text: &str, expected: &[bool]) {
        assert_eq!(words(text).quoted(), expected, "{text}");
    }

    #[test]
    fn dress_makes_no_difference() {
        check("The DON’T-know: 3,5 % of_it", "the dont know 3 5 of it");
        check("so\u{AD}ft zero\u{200B}width\u{A0}space\u{FEFF}", "soft zerowidth space");
        check("Élan ÜBER Ёж", "élan über ёж");
    }

    #[test]
    fn entities_and_tags_are_read() {
        check("Tom &amp; Ann&#39;s &ldquo;caf&eacute;&rdquo;&nbsp;bar", "tom anns café bar");
        check("one<br/>two <p class=\"x\">three</p> 3 < 4 &bogus; R&D", "one two three 3 4 bogus r d");
        check("it&#x2019;s &#146;t", "its t");
    }

    #[test]
    fn short_and_long_ways_of_reading_a_word_agree() {
        // the last word has nothing behind it, a word before an apostrophe goes on
        for word in ["a", "Gate7", "eightlet", "ninelettr", "LONGERTHANEIGHT"] {
            let short = words(&format!("{word} and so on and on"));
            let long = words(&format!("'{word}' {word}’ x{word}"));
            let last = words(word);
            assert_eq!(short.hashes()[0], last.hashes()[0], "{word}");
            assert_eq!(&short.hashes()[..1], &long.hashes()[..1], "{word}");
            assert_eq!(short.hashes()[0], long.hashes()[1], "{word}");
            assert_ne!(short.hashes()[0], long.hashes()[2], "{word}");
            assert_eq!(short.letters(0), word.to_lowercase().as_bytes());
        }
    }

    #[test]
    fn mojibake_is_repaired() {
        check("itâ€™s a cafÃ© â€œopenâ€\u{FFFD} nowâ€”yes", "its a café open now yes");
        check("Ð¼Ð¾Ñ\u{81}Ñ‚", "мост");
    }

    #[test]
    fn good_text_is_not_repaired() {
        check("le «\u{A0}café\u{A0}» à\u{A0}» É» Ça", "le café à é ça");
        check("naïve Ångström São château", "naïve ångström são château");
    }

    #[test]
    fn scripts_without_spaces_give_a_word_a_character() {
        check("新しい橋 2号", "新 し い 橋 2 号");
        check("สวน", "ส ว น");
    }

    #[test]
    fn quotations_are_marked() {
        check_quoted("he said \"not now\" again", &[false, false, true, true, false]);
        check_quoted("“a” b &quot;c&quot; d", &[true, false, true, false]);
    }

    #[test]
    fn a_quotation_without_its_closing_mark_ends_by_itself() {
        let found = words(&format!("“{}", "word ".repeat(500)));
        assert_eq!(found.quoted().iter().filter(|&&quoted| quoted).count(), 400);
    }

    #[test]
    fn spans_are_of_the_text_as_it_was_given() {
        let text = "A caf&eacute; isn’t—open";
        let found: Vec<_> = words(text)
            .spans()
            .iter()
            .map(|&(start, end)| text.get(start as usize..end as usize).unwrap())
            .collect();
        assert_eq!(found, ["A", "caf&eacute;", "isn’t", "open"]);
    }

    #[test]
    fn long_texts_and_words_are_cut() {
        assert_eq!(words(&"a ".repeat(WORDS_MAX + 9)).len(), WORDS_MAX);
        let long = words(&"x".repeat(1000));
        assert_eq!((long.len(), long.letters(0).len()), (1, 64));
        assert_ne!(long.hashes(), words(&"x".repeat(999)).hashes());
    }

    proptest! {
        #[test]
        fn eight_bytes_are_looked_at_together(bytes: [u8; 8], letters in "[a-zA-Z0-9]{0,8}") {
            let mut eight = bytes;
            eight.iter_mut().zip(letters.bytes()).for_each(|(byte, letter)| *byte = letter);
            let expected = eight.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            prop_assert_eq!(letters_and_digits(u64::from_le_bytes(eight)), expected);
        }

        #[test]
        fn any_text_has_words_in_order(text in "(\\PC|[&#;<>/\"“”â€™Ã©éa-c \u{A0}]){0,80}") {
            let found = words(&text);
            prop_assert_eq!(found.spans().len(), found.len());
            let mut last = 0;
            for (word, &(start, end)) in found.spans().iter().enumerate() {
                prop_assert!(last <= start && start < end, "{:?}", found.spans());
                prop_assert!(text.get(start as usize..end as usize).is_some());
                prop_assert!(!found.letters(word).is_empty());
                last = end;
            }
        }
    }
}
