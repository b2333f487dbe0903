//! Text to words: runs of letters and digits, joined by inner apostrophes; a character each where a script has no spaces.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use super::{FixedState, Fnv, hash, hash_of};

/// What stands between a word and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Nothing that separates: a space or a hyphen.
    Space,
    /// A comma, a bracket and the like.
    Break,
    /// The start of a text, sentence, quotation or line.
    Sentence,
}

/// A word in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// As written.
    pub word: &'a str,
    /// What stands before it.
    pub gap: Gap,
}

/// The words of a text's first characters.
pub fn tokens(text: &str, chars_max: usize) -> Vec<Token<'_>> {
    let text = head(text, chars_max);
    let mut tokens = Vec::with_capacity(text.len() / 5);
    let mut gap = Gap::Sentence;
    let mut start = None::<usize>;
    let mut at = 0;
    let mut push = |start: usize, end: usize, gap: &mut Gap| {
        if let Some(word) = text.get(start..end) {
            tokens.push(Token { word, gap: *gap });
        }
        *gap = Gap::Space;
    };
    while let Some((class, width)) = class_at(text, at) {
        let mut next = at + width;
        let inner = match class {
            Class::Letter => true,
            Class::Mark => start.is_some(),
            Class::Apostrophe => {
                start.is_some() && class_at(text, next).is_some_and(|(class, _)| class == Class::Letter)
            }
            Class::Alone | Class::Gap(_) => false,
        };
        if inner {
            start.get_or_insert(at);
            next += plain_letters(text, next).len();
        } else {
            if let Some(start) = start.take() {
                push(start, at, &mut gap);
            }
            match class {
                Class::Alone => push(at, next, &mut gap),
                Class::Gap(here) => gap = gap.max(here),
                Class::Apostrophe => gap = Gap::Sentence,
                Class::Mark | Class::Letter => gap = gap.max(Gap::Break),
            }
        }
        at = next;
    }
    if let Some(start) = start {
        push(start, text.len(), &mut gap);
    }
    tokens
}

/// Characters whose lower case is another one beside others than alone, or two.
const FOLDED: [char; 2] = ['\u{130}', '\u{3a3}'];

/// Runs of letters and digits in lower case, without making them: words are made of them, and no run of a text goes beyond
/// a word. `each` hears the hash of what a run is so far, and its bytes, after each character, and once more at its end.
/// False where there are letters that may be others in lower case.
pub fn runs(text: &str, mut each: impl FnMut(u64, usize, bool)) -> bool {
    let (mut sum, mut length) = (Fnv::new(0), 0);
    let mut plain = true;
    let mut at = 0;
    while let Some((class, width)) = class_at(text, at) {
        let alone = class == Class::Alone;
        if length > 0 && (alone || class != Class::Letter) {
            each(sum.0, length, true);
            (sum, length) = (Fnv::new(0), 0);
        }
        let mut next = at + width;
        if alone || class == Class::Letter {
            match text.get(at..next).and_then(|char| char.chars().next()) {
                Some(char) if !char.is_ascii() => {
                    plain &= !FOLDED.contains(&char);
                    for lower in char.to_lowercase() {
                        let bytes = &mut [0; 4];
                        let bytes = lower.encode_utf8(bytes).as_bytes();
                        length += bytes.len();
                        sum.take(bytes);
                    }
                    each(sum.0, length, false);
                }
                _ => {
                    let letters = plain_letters(text, at);
                    for byte in letters {
                        sum.take(&[byte.to_ascii_lowercase()]);
                        length += 1;
                        each(sum.0, length, false);
                    }
                    next = at + letters.len();
                }
            }
        }
        if alone {
            each(sum.0, length, true);
            (sum, length) = (Fnv::new(0), 0);
        }
        at = next;
    }
    if length > 0 {
        each(sum.0, length, true);
    }
    plain
}

/// A text's first characters, found by counting the bytes that begin none.
pub fn head(text: &str, chars_max: usize) -> &str {
    let continues = |byte: &u8| byte & 0xc0 == 0x80;
    let bytes = text.as_bytes();
    let (mut start, mut end) = (0, chars_max);
    while let Some(part) = bytes.get(start..end) {
        let more = part.iter().filter(|byte| continues(byte)).count();
        if more == 0 {
            break;
        }
        (start, end) = (end, end.saturating_add(more));
    }
    while bytes.get(end).is_some_and(continues) {
        end += 1;
    }
    text.get(..end).unwrap_or(text)
}

/// What a character is to the words around it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    /// A letter of a script without spaces.
    Alone,
    Apostrophe,
    /// A combining mark.
    Mark,
    Gap(Gap),
}

const ASCII: [Class; 128] = {
    let mut classes = [Class::Gap(Gap::Break); 128];
    let mut at = 0_u8;
    while at < 128 {
        let class = match at {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Class::Letter,
            b'\'' => Class::Apostrophe,
            b' ' | b'-' | b'&' => Class::Gap(Gap::Space),
            b'.' | b'!' | b'?' | b':' | b'\n' | b'"' => Class::Gap(Gap::Sentence),
            _ => Class::Gap(Gap::Break),
        };
        #[expect(clippy::indexing_slicing, reason = "at compile time, below the length")]
        {
            classes[at as usize] = class;
        }
        at += 1;
    }
    classes
};

/// The ASCII letters and digits from a place on: nearly all that most texts consist of, and read without asking each for
/// its class.
fn plain_letters(text: &str, at: usize) -> &[u8] {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let length = rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
    rest.get(..length).unwrap_or_default()
}

/// The class and the length in bytes of the character at a place.
fn class_at(text: &str, at: usize) -> Option<(Class, usize)> {
    let byte = *text.as_bytes().get(at)?;
    if let Some(class) = ASCII.get(usize::from(byte)) {
        return Some((*class, 1));
    }
    let char = text.get(at..)?.chars().next()?;
    Some((class_of(char), char.len_utf8()))
}

fn class_of(char: char) -> Class {
    if char.is_alphanumeric() {
        if stands_alone(char) { Class::Alone } else { Class::Letter }
    } else if is_apostrophe(char) {
        Class::Apostrophe
    } else if is_mark(char) {
        Class::Mark
    } else {
        Class::Gap(match char {
            '\u{a0}' => Gap::Space,
            '“' | '”' | '„' | '«' | '»' | '‘' | '…' | '。' | '•' => Gap::Sentence,
            _ => Gap::Break,
        })
    }
}

fn is_apostrophe(char: char) -> bool {
    matches!(char, '\'' | '’' | 'ʼ')
}

/// Combining marks, which belong to the letter before them.
fn is_mark(char: char) -> bool {
    matches!(u32::from(char), 0x300..=0x36f | 0x900..=0x903 | 0x93a..=0x94f | 0x591..=0x5c7 | 0x610..=0x65f)
}

/// Scripts without spaces between words.
fn stands_alone(char: char) -> bool {
    matches!(u32::from(char), 0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

/// Reads words of one language as they are counted; one buffer serves all of them.
pub struct Reader {
    bare: String,
    stop: Option<&'static HashSet<u64, FixedState>>,
    english: bool,
}

impl Reader {
    /// The language is a BCP 47 primary subtag.
    pub fn new(language: &str) -> Self {
        Self { bare: String::with_capacity(64), stop: STOP.get(language), english: language == "en" }
    }

    /// In lower case with plain apostrophes, without a possessive.
    pub fn bare(&mut self, word: &str) -> &str {
        self.bare.clear();
        if word.is_ascii() {
            self.bare.push_str(word);
            self.bare.make_ascii_lowercase();
        } else {
            for char in word.chars() {
                if is_apostrophe(char) {
                    self.bare.push('\'');
                } else {
                    self.bare.extend(char.to_lowercase());
                }
            }
        }
        let end = match self.bare.as_bytes() {
            [.., b'\'', b's'] => 2,
            [.., b'\''] => 1,
            _ => 0,
        };
        self.bare.truncate(self.bare.len() - end);
        &self.bare
    }

    /// Hash of a word without its ending; none for a stop word.
    pub fn stemmed(&mut self, word: &str, seed: u64) -> Option<u64> {
        self.bare(word);
        let stop = self.bare.len() <= STOP_BYTES_MAX
            && self.stop.is_some_and(|stop| stop.contains(&hash(&self.bare, 0)));
        if stop || self.bare.is_empty() {
            return None;
        }
        let (stem, end) = if self.english { stem(&self.bare) } else { (self.bare.as_str(), "") };
        Some(hash_of([stem, end], seed))
    }
}

/// Takes plural and participle endings off, and says what to put in their place; light, so that names stay apart.
fn stem(word: &str) -> (&str, &'static str) {
    if !word.is_ascii() || word.len() < 4 {
        return (word, "");
    }
    let plain = match word.as_bytes() {
        [.., _, _, b'i', b'e', b's'] => return (word.strip_suffix("ies").unwrap_or(word), "y"),
        [.., b's', b's', b'e', b's'] | [.., b'x', b'e', b's'] | [.., b'c' | b's', b'h', b'e', b's'] => {
            word.strip_suffix("es").unwrap_or(word)
        }
        [.., b's' | b'u' | b'i', b's'] => word,
        [.., b's'] => word.strip_suffix('s').unwrap_or(word),
        _ => word,
    };
    let Some(stem) = plain.strip_suffix("ing").or_else(|| plain.strip_suffix("ed")) else {
        return (plain, "");
    };
    let vowel = |byte: u8| matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
    if stem.len() < 3 || !stem.bytes().any(vowel) {
        return (plain, "");
    }
    let doubled = match stem.as_bytes() {
        [.., one, other] => one == other && !matches!(other, b'l' | b's' | b'z' | b'e' | b'o'),
        _ => false,
    };
    (if doubled { stem.strip_suffix(|_: char| true).unwrap_or(stem) } else { stem }, "")
}

/// No stop word is longer, in bytes.
const STOP_BYTES_MAX: usize = 12;

static STOP: LazyLock<HashMap<&'static str, HashSet<u64, FixedState>>> = LazyLock::new(|| {
    let hashes = |list: &'static str| list.split_whitespace().map(|word| hash(word, 0)).collect();
    LISTS.iter().map(|(language, list)| (*language, hashes(list))).collect()
});

/// Words without a meaning of their own, by language.
const LISTS: [(&str, &str); 7] = [
    (
        "en",
        "a about above after again against all also am an and another any are aren't around as at be because been \
         before being below between both but by can can't cannot could couldn't d did didn't do does doesn't doing \
         don't down during each even ever every few for from further get go going got had hadn't has hasn't have \
         haven't having he he'd he'll her here hers herself him himself his how however i i'd i'll i'm i've if in \
         into is isn't it it'd it'll itself just know let ll like made make many may me might more most much must my \
         myself no nor not now of off on once one only or other our ours ourselves out over own re s said same say \
         says see shall she she'd she'll should shouldn't since so some still such t than that the their theirs them \
         themselves then there these they they'd they'll they're they've this those though through to told too two \
         under until up upon us ve very was wasn't way we we'd we'll we're we've well were weren't what when where \
         whether which while who whom whose why will with within without won't would wouldn't yet you you'd you'll \
         you're you've your yours yourself yourselves mr mrs ms",
    ),
    (
        "de",
        "aber alle als also am an auch auf aus bei beim bis bin da damit dann das dass dem den der des die dies diese \
         diesem diesen dieser dieses doch dort durch ein eine einem einen einer eines er es für gegen hat hatte haben \
         ich ihm ihn ihr ihre ihren im in ins ist ja kann kein keine können man mehr mit nach nicht noch nun nur ob \
         oder sei sein seine seit sich sie sind so soll über um und uns unter vom von vor war waren was wegen weil wenn \
         wer werden wie wieder will wir wird worden wurde wurden zu zum zur zwischen",
    ),
    (
        "fr",
        "à après au aussi autre aux avant avec avoir c'est ce ces cette comme contre d'un d'une dans de depuis des du \
         elle elles en entre est et été être eu fait il ils je l la le les leur leurs lors lui mais me même mes moi mon \
         ne nos notre nous on ont ou où par pas plus pour qu'il que qui sa sans se selon ses si son sont sous sur tout \
         très un une vers vos votre vous y",
    ),
    (
        "es",
        "a al algo ante antes así aunque cada como con contra cual cuando de del desde después donde dos e el él ella \
         ellos en entre era es esa ese eso esta está estado este esto fue fueron ha había han hasta hay la las le les \
         lo los más me mi mientras muy ni no nos o otra otro para pero poco por porque que qué quien se según ser si \
         sí sido sin sino sobre son su sus también tan tanto te tiene todo tras tu un una uno unos y ya yo",
    ),
    (
        "it",
        "a ad agli ai al alla alle anche ancora che chi ci come con contro cui da dagli dai dal dalla dalle dei del \
         della delle dello di dopo e è ed era fra gli ha hanno i il in io la le lo loro lui ma mi nei nel nella nelle non \
         o ogni per perché più poi prima quale quando questa questo qui se senza si sia sono sua sue sul sulla suo tra \
         tutti tutto un una uno",
    ),
    (
        "pt",
        "a ao aos após as até com como contra da das de do dos e é ela ele em entre era essa esse esta este foi foram \
         há isso já mais mas mesmo na nas não nem no nos o os ou para pela pelo por porque quando que quem se segundo \
         sem ser seu seus sobre são sua suas também tem ter um uma",
    ),
    (
        "nl",
        "aan al als bij daar dan dat de deze die dit door een en er haar had heb heeft hem het hij hoe hun ik in is je \
         kan maar meer met mijn na naar niet nog nu of om ook op over tegen te tot uit van veel voor wat we werd wie \
         wij wil worden wordt ze zei zich zij zijn zo zou",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let words: Vec<&str> = tokens(text, 40).into_iter().map(|token| token.word).collect();
        assert_eq!(words, expected);
    }

    #[test]
    fn words_end_where_letters_end() {
        check("The pilot's log, 1999-style.", &["The", "pilot's", "log", "1999", "style"]);
        check("l’été d'Øst ’tis dogs' day", &["l’été", "d'Øst", "tis", "dogs", "day"]);
        check("他来 now", &["他", "来", "now"]);
        check(&format!("{}ende", "ä".repeat(38)), &[&format!("{}en", "ä".repeat(38))]);
    }

    #[test]
    fn gaps_tell_sentences() {
        let gaps: Vec<Gap> = tokens("One two, three. Four (five", 40).iter().map(|token| token.gap).collect();
        assert_eq!(gaps, [Gap::Sentence, Gap::Space, Gap::Break, Gap::Sentence, Gap::Break]);
    }

    #[track_caller]
    fn same(one: &str, other: &str, expected: bool) {
        let mut reader = Reader::new("en");
        assert_eq!(reader.stemmed(one, 0) == reader.stemmed(other, 0), expected, "{one} {other}");
    }

    #[test]
    fn endings_make_no_difference() {
        for (one, other) in [("city", "Cities"), ("boxes", "box"), ("stopped", "stop"), ("Øst’s", "øst")]
        {
            same(one, other, true);
        }
        for (one, other) in [("class", "clas"), ("bus", "bu"), ("sing", "s"), ("called", "cal")] {
            same(one, other, false);
        }
    }

    #[test]
    fn stop_words_count_for_nothing() {
        assert_eq!(Reader::new("en").stemmed("Themselves", 0), None);
        assert_eq!(Reader::new("en").stemmed("'", 0), None);
        assert!(Reader::new("de").stemmed("themselves", 0).is_some());
    }
}
