//! Finds the sentence of an article that says most that earlier coverage did not. Pure; bounded by characters read.

use std::collections::{HashMap, HashSet};

use super::story::terms::{
    FixedState, hash, term,
    words::{Reader, head, tokens},
};

/// Characters of a text that are read.
const TEXT_CHARS: usize = 40_000;
/// Weight of unseen words below which a sentence is no news. Fitted, with `PLAIN`, on 34 labelled reports: those that
/// only tell a story in other words reach 15, all but two of those with something new 20 and more.
const NOVEL_MIN: f64 = 17.0;
/// Of a word in small letters, as a share of its inverse document frequency: whoever tells the same again uses other
/// words, but the same names and numbers.
const PLAIN: f64 = 0.2;
/// Of a word in a script without capitals.
const CASELESS: f64 = 0.35;
/// Of an unseen word that made it into the headline, once the sentence is news without it.
const HEADLINE: f64 = 0.5;
/// Of a revision no retelling is to be feared: every word counts in full, and a sentence is news from here on.
const REVISED_MIN: f64 = 50.0;
/// A sentence is cut here, in characters.
const SENTENCE_CHARS_MAX: usize = 400;
/// A longer sentence gains no more by further words.
const WORDS_MAX: usize = 40;

/// Words of the coverage so far.
#[derive(Clone, Debug, Default)]
pub struct Known {
    terms: HashSet<u32, FixedState>,
    /// Hashes of words as they were written, which are known, or mean nothing: most words of a long story were met before,
    /// and need not be read again.
    written: HashSet<u64, FixedState>,
    reports: usize,
    /// It is an earlier revision of the article itself.
    revised: bool,
}

impl Known {
    /// For the earlier revision of an article.
    pub fn revision() -> Self {
        Self { revised: true, ..Self::default() }
    }

    /// Takes in what an earlier report said.
    pub fn add(&mut self, title: &str, text: &str, language: Option<&str>) {
        let mut ear = Ear::new(self, language);
        ear.hear(title);
        ear.hear(text);
        let heard = ear.heard;
        self.take(heard);
    }

    /// Takes in what a report says, and tells the sentence with the greatest weight of unseen words, in the report's own
    /// words. None below the threshold; of the first report of a story, none only if there is no sentence. `idf` is
    /// natural, ln((N + 1) / (df + 0.5)).
    pub fn tell(
        &mut self,
        title: &str,
        text: &str,
        language: Option<&str>,
        idf: &dyn Fn(u32) -> f64,
    ) -> Option<String> {
        let mut ear = Ear::new(self, language);
        let told = if self.reports == 0 { ear.first(title, text) } else { ear.newest(title, text, idf) };
        let (told, heard) = (told.map(cut), ear.heard);
        self.take(heard);
        told
    }

    fn take(&mut self, heard: Heard) {
        self.terms.extend(heard.values().flatten());
        self.written.extend(heard.into_keys());
        self.reports += 1;
    }
}

/// By the hashes of words as they are written: the terms of those that are new.
type Heard = HashMap<u64, Option<u32>, FixedState>;

/// Reads one report in front of what is known.
struct Ear<'k> {
    known: &'k Known,
    reader: Reader,
    /// One word can mean something in one language and nothing in the other.
    seed: u64,
    heard: Heard,
}

impl<'k> Ear<'k> {
    fn new(known: &'k Known, language: Option<&str>) -> Self {
        let language = language.unwrap_or("en");
        let (reader, seed) = (Reader::new(language), hash(language, 0));
        Self { known, reader, seed, heard: Heard::default() }
    }

    /// The term of a word, if the coverage does not have it.
    fn unseen(&mut self, word: &str) -> Option<u32> {
        let Self { known, reader, seed, heard } = self;
        let written = hash(word, *seed);
        if known.written.contains(&written) {
            return None;
        }
        let read = || term(word, reader).filter(|term| !known.terms.contains(term));
        *heard.entry(written).or_insert_with(read)
    }

    fn hear(&mut self, text: &str) {
        for token in tokens(text, TEXT_CHARS) {
            self.unseen(token.word);
        }
    }

    fn all(&mut self, text: &str) -> HashSet<u32, FixedState> {
        tokens(text, TEXT_CHARS).iter().filter_map(|token| self.unseen(token.word)).collect()
    }

    /// Of a report after others.
    fn newest<'t>(&mut self, title: &str, text: &'t str, idf: &dyn Fn(u32) -> f64) -> Option<&'t str> {
        let headline = self.all(title);
        let revised = self.known.revised;
        let least = if revised { REVISED_MIN } else { NOVEL_MIN };
        let mut best = None::<(f64, &str)>;
        let mut told = Vec::new();
        split(text, |sentence| {
            told.clear();
            let (mut weight, mut in_headline) = (0.0, 0.0);
            for token in tokens(sentence, TEXT_CHARS) {
                let Some(term) = self.unseen(token.word) else { continue };
                if told.len() == WORDS_MAX || told.contains(&term) {
                    continue;
                }
                told.push(term);
                let idf = idf(term);
                weight += idf * if revised { 1.0 } else { share(token.word) };
                if headline.contains(&term) {
                    in_headline += idf;
                }
            }
            let rank = weight + HEADLINE * in_headline;
            if weight >= least && best.is_none_or(|(most, _)| rank > most) && !is_apparatus(sentence) {
                best = Some((rank, sentence));
            }
        });
        best.map(|(_, sentence)| sentence)
    }

    /// Of a first report: the early sentence that shares most with the headline; the first one if there is none.
    fn first<'t>(&mut self, title: &str, text: &'t str) -> Option<&'t str> {
        const EARLY: usize = 5;
        const WORDS_MIN: usize = 6;
        let title = self.all(title);
        self.hear(text);
        let mut best = None::<(usize, &str)>;
        let sentences = sentences(text);
        let long = sentences.iter().filter(|sentence| tokens(sentence, TEXT_CHARS).len() >= WORDS_MIN);
        for sentence in long.take(EARLY) {
            let shared = self.all(sentence).intersection(&title).count();
            if best.is_none_or(|(most, _)| shared > most) {
                best = Some((shared, sentence));
            }
        }
        best.map(|(_, sentence)| sentence).or_else(|| sentences.first().copied())
    }
}

/// Whether a line belongs to the page rather than to its report: embedded posts, who took the picture, and who else
/// worked on it.
fn is_apparatus(sentence: &str) -> bool {
    const CREDITS: [&str; 6] = ["Picture:", "Photo:", "Photograph:", "Image:", "Credit:", "Contributing:"];
    CREDITS.iter().any(|mark| sentence.starts_with(mark))
        || ["://", "pic.twitter.com", "contributed to this"].iter().any(|mark| sentence.contains(mark))
}

/// How much of a word's weight counts.
fn share(word: &str) -> f64 {
    match word.chars().next() {
        Some(first) if first.is_lowercase() => PLAIN,
        Some(first) if first.is_alphabetic() && !first.is_uppercase() => CASELESS,
        _ => 1.0,
    }
}

fn cut(sentence: &str) -> String {
    match sentence.char_indices().nth(SENTENCE_CHARS_MAX) {
        None => sentence.to_owned(),
        Some((end, _)) => {
            let head = sentence.get(..end).unwrap_or(sentence);
            let end = head.rfind(' ').unwrap_or(head.len());
            format!("{}…", head.get(..end).unwrap_or(head))
        }
    }
}

/// The sentences of a text, trimmed: they end at a line's end, or at a mark that a capital follows and no
/// abbreviation precedes.
pub fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    split(text, |sentence| sentences.push(sentence));
    sentences.retain(|sentence| !tokens(sentence, TEXT_CHARS).is_empty());
    sentences
}

/// The same, and what stands between sentences without a word.
fn split<'t>(text: &'t str, mut take: impl FnMut(&'t str)) {
    for line in head(text, TEXT_CHARS).lines() {
        let mut start = 0;
        let mut next = 0;
        while let Some((at, char)) = mark(line, next) {
            let mut end = at + char.len_utf8();
            let rest = line.get(end..).unwrap_or_default();
            end += rest.len() - rest.trim_start_matches(is_closing).len();
            next = end;
            let rest = line.get(end..).unwrap_or_default();
            let wide = matches!(char, '。' | '！' | '？');
            let opens = wide || (rest.starts_with(char::is_whitespace) && opens_sentence(rest.trim_start()));
            if opens && !(char == '.' && ends_in_abbreviation(line.get(start..at).unwrap_or_default())) {
                take(line.get(start..end).unwrap_or_default().trim());
                start = end;
            }
        }
        take(line.get(start..).unwrap_or_default().trim());
    }
}

/// The next mark that may end a sentence, and where it stands.
fn mark(line: &str, from: usize) -> Option<(usize, char)> {
    let rest = line.get(from..)?;
    let mut chars = rest.char_indices();
    let found = chars.find(|(_, char)| matches!(char, '.' | '!' | '?' | '…' | '。' | '！' | '？'));
    found.map(|(at, char)| (from + at, char))
}

fn is_closing(char: char) -> bool {
    matches!(char, '"' | '”' | '’' | '\'' | '»' | ')' | ']' | '.' | '!' | '?')
}

fn opens_sentence(rest: &str) -> bool {
    let first = rest.chars().find(|char| !matches!(char, '"' | '“' | '‘' | '\'' | '«' | '„' | '(' | '['));
    first.is_none_or(|char| !char.is_lowercase())
}

fn ends_in_abbreviation(before: &str) -> bool {
    const SHORT: [&str; 48] = [
        "adm", "apr", "aug", "ave", "bros", "capt", "ca", "cf", "cmdr", "co", "col", "corp", "dec", "dept",
        "dr", "est", "etc", "feb", "gen", "gov", "hon", "inc", "jan", "jr", "lt", "ltd", "maj", "mr", "mrs",
        "ms", "mt", "no", "nov", "oct", "ph", "pres", "prof", "rep", "reps", "rev", "sec", "sen", "sens",
        "sept", "sgt", "sr", "st", "vs",
    ];
    let word = before.rsplit(|char: char| char.is_whitespace() || matches!(char, '(' | '"' | '“')).next();
    let word = word.unwrap_or_default();
    let last = word.rsplit('.').next().unwrap_or_default();
    // An initial, or the end of "U.S.": a sentence may end there, but a name goes on more often.
    let initial = last.chars().count() == 1 && last.chars().all(char::is_uppercase);
    initial || SHORT.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(sentences(text), expected);
    }

    #[test]
    fn sentences_end_where_they_end() {
        check("One came. Two went! Did a third?", &["One came.", "Two went!", "Did a third?"]);
        check("Gov. Ann B. Lind spoke. She left.", &["Gov. Ann B. Lind spoke.", "She left."]);
        check(
            "It cost 3.5 million. “We pay.” They did.",
            &["It cost 3.5 million.", "“We pay.”", "They did."],
        );
        check("A line\nanother line", &["A line", "another line"]);
        check("Er kam. 他来了。她走了。", &["Er kam.", "他来了。", "她走了。"]);
        check("", &[]);
        check("... !!", &[]);
    }

    fn told(earlier: &[&str], text: &str) -> Option<String> {
        let mut known = Known::default();
        for text in earlier {
            known.add("", text, None);
        }
        known.tell("Ferry aground near Holm", text, None, &|_| 6.0)
    }

    #[test]
    fn who_took_the_picture_is_no_news() {
        let earlier = ["The ferry ran aground."];
        assert_eq!(told(&earlier, "The ferry ran aground. Picture: Ada Quill, Bo Marsh, Holm Gazette"), None);
        assert!(told(&earlier, "The ferry ran aground. Ada Quill, Bo Marsh and Eve Orr drowned.").is_some());
    }

    #[test]
    fn the_unseen_sentence_is_told() {
        let earlier = "The ferry ran aground near Holm on Monday with ninety passengers aboard.";
        let news = "Inspectors of Holm Shipyard found that rudder bolts, replaced in April, had cracked.";
        let text = format!("{earlier} {news}");
        assert_eq!(told(&[earlier], &text).as_deref(), Some(news));
        assert_eq!(told(&[earlier, news], &text), None);
    }

    #[test]
    fn other_words_for_the_same_are_no_news() {
        let earlier = "The ferry ran aground near Holm on Monday with ninety passengers aboard.";
        let again = "A vessel struck bottom close to Holm, carrying ninety travellers, early this week.";
        assert_eq!(told(&[earlier], again), None);
        let more = "The vessel, carrying ninety travellers, belongs to Gull Line of Port Maren.";
        assert_eq!(told(&[earlier], &format!("{again} {more}")).as_deref(), Some(more));
    }

    #[test]
    fn in_a_revision_every_word_counts() {
        let (before, after) = (
            "The ferry ran aground near Holm.",
            "Divers found serious cracks below both engines, inspectors admitted three weeks later.",
        );
        let mut known = Known::revision();
        known.add("", before, None);
        assert_eq!(known.tell("Ferry aground", after, None, &|_| 6.0).as_deref(), Some(after));
        assert_eq!(told(&[before], after), None);
    }

    #[test]
    fn what_belongs_to_the_page_is_no_news() {
        let line = "Anna Berg of Gull Radio in Port Maren contributed to this report.";
        assert_eq!(told(&["The ferry ran aground."], line), None);
        let line = "Contributing: Anna Berg, Ole Brandt and Eve Orr of Gull Radio in Port Maren";
        assert_eq!(told(&["The ferry ran aground."], line), None);
    }

    #[test]
    fn a_first_report_always_has_a_sentence() {
        let text = "Holm, Monday. A ferry ran aground near Holm with ninety people aboard. It rained.";
        let expected = "A ferry ran aground near Holm with ninety people aboard.";
        assert_eq!(told(&[], text).as_deref(), Some(expected));
        assert_eq!(told(&[], "Short."), Some("Short.".to_owned()));
        assert_eq!(told(&[], ""), None);
    }

    #[test]
    fn long_sentences_are_cut_at_a_word() {
        let told = told(&[], &"winding ".repeat(500)).unwrap();
        assert!(told.ends_with("winding…") && told.chars().count() <= SENTENCE_CHARS_MAX + 1, "{told}");
    }
}
