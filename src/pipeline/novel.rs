//! Finds the sentence of an article that says most that earlier coverage did not. Pure; bounded by characters read.

use std::collections::HashSet;

use super::story::terms::{
    FixedState, term,
    words::{Gap, Reader, tokens},
};

/// Characters of a text that are read.
const TEXT_CHARS: usize = 40_000;
/// Sum of inverse document frequencies of the unseen words below which a sentence is no news.
pub const NOVEL_MIN: f64 = 50.0;
/// A sentence is cut here, in characters.
const SENTENCE_CHARS_MAX: usize = 400;
/// A longer sentence gains no more by further words.
const WORDS_MAX: usize = 40;

/// Words of the coverage so far.
#[derive(Clone, Debug, Default)]
pub struct Known {
    terms: HashSet<u32, FixedState>,
    reports: usize,
}

impl Known {
    /// Takes in what an earlier report said.
    pub fn add(&mut self, title: &str, text: &str, language: Option<&str>) {
        let reader = &mut Reader::new(language.unwrap_or("en"));
        for token in tokens(title, TEXT_CHARS).iter().chain(&tokens(text, TEXT_CHARS)) {
            self.terms.extend(term(token.word, reader));
        }
        self.reports += 1;
    }
}

/// The sentence with the greatest weight of unseen words, in the article's own words. None below the threshold; of
/// the first report of a story, none only if there is no sentence.
pub fn novel(
    title: &str,
    text: &str,
    language: Option<&str>,
    known: &Known,
    idf: &dyn Fn(u32) -> f64,
) -> Option<String> {
    let reader = &mut Reader::new(language.unwrap_or("en"));
    if known.reports == 0 {
        let own: HashSet<u32> =
            tokens(title, TEXT_CHARS).iter().filter_map(|token| term(token.word, reader)).collect();
        return first(text, reader, &own);
    }
    let mut best = None::<(f64, &str)>;
    for sentence in sentences(text) {
        let mut told = HashSet::new();
        let words = tokens(sentence, TEXT_CHARS);
        let unseen = words.iter().filter_map(|token| term(token.word, reader));
        let unseen = unseen.filter(|term| !known.terms.contains(term) && told.insert(*term));
        let weight: f64 = unseen.take(WORDS_MAX).map(idf).sum();
        if best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, sentence));
        }
    }
    let (_, sentence) = best.filter(|(weight, _)| *weight >= NOVEL_MIN)?;
    Some(cut(sentence))
}

/// Of a first report: the early sentence that shares most with the headline; the first one if there is none.
fn first(text: &str, reader: &mut Reader, title: &HashSet<u32>) -> Option<String> {
    const EARLY: usize = 5;
    const WORDS_MIN: usize = 6;
    let mut best = None::<(usize, &str)>;
    for sentence in
        sentences(text).into_iter().filter(|one| tokens(one, TEXT_CHARS).len() >= WORDS_MIN).take(EARLY)
    {
        let terms: HashSet<u32> =
            tokens(sentence, TEXT_CHARS).iter().filter_map(|token| term(token.word, reader)).collect();
        let shared = terms.intersection(title).count();
        if best.is_none_or(|(most, _)| shared > most) {
            best = Some((shared, sentence));
        }
    }
    best.map(|(_, sentence)| sentence).or_else(|| sentences(text).into_iter().next()).map(cut)
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
    let end = text.char_indices().nth(TEXT_CHARS).map_or(text.len(), |(end, _)| end);
    let mut sentences = Vec::new();
    for line in text.get(..end).unwrap_or(text).lines() {
        let mut start = 0;
        let mut chars = line.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            if !matches!(char, '.' | '!' | '?' | '…' | '。' | '！' | '？') {
                continue;
            }
            let mut end = at + char.len_utf8();
            while let Some((at, mark)) = chars.next_if(|(_, mark)| is_closing(*mark)) {
                end = at + mark.len_utf8();
            }
            let rest = line.get(end..).unwrap_or_default();
            let wide = matches!(char, '。' | '！' | '？');
            let opens = wide || (rest.starts_with(char::is_whitespace) && opens_sentence(rest.trim_start()));
            let sentence = line.get(start..end).unwrap_or_default();
            if opens && !(char == '.' && ends_in_abbreviation(line.get(start..at).unwrap_or_default())) {
                sentences.push(sentence.trim());
                start = end;
            }
        }
        sentences.push(line.get(start..).unwrap_or_default().trim());
    }
    sentences.retain(|sentence| tokens(sentence, 200).iter().any(|token| token.gap <= Gap::Sentence));
    sentences
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
        novel("Ferry aground near Holm", text, None, &known, &|_| 6.0)
    }

    #[test]
    fn the_unseen_sentence_is_told() {
        let earlier = "The ferry ran aground near Holm on Monday with ninety passengers aboard.";
        let news = "Inspectors discovered that rudder bolts, replaced twice since April, had cracked under heavy strain.";
        let text = format!("{earlier} {news}");
        assert_eq!(told(&[earlier], &text).as_deref(), Some(news));
        assert_eq!(told(&[earlier, news], &text), None);
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
