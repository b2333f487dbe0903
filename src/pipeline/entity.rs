//! Who and what an article names, in which language it is written. Pure: lists and rules, no IO, no clock.

mod acronyms;
mod borne;
mod clues;
mod edges;
mod english;
mod filed;
mod full;
mod gate;
mod kinds;
pub mod learn;
mod lexicon;
mod listed;
mod lists;
pub mod model;
mod page;
mod pass;
mod span;
mod surnames;
mod tagger;
mod token;
mod tracked;

use crate::article::{Entity, Tagger};
pub(crate) use filed::{Offsets, Seen};
pub(crate) use lexicon::{DEMONYM, FEMALE, MALE, ROLE_NOUN, SAID, TITLE, TITLE_PART};
pub(crate) use page::Page;
pub(crate) use surnames::resolve;
pub(crate) use token::MARK;
pub use tracked::Names;

/// Characters of title and text from which the language is told.
const LANGUAGE_CHARS_MAX: usize = 400;

/// Bytes of a field that are read for names; what follows is not looked at.
const FIELD_BYTES_MAX: usize = 256 << 10;

/// The article's language as ISO 639-1 code: the stated one, else as detected from the first characters, if that is
/// reliable.
pub fn language(title: &str, text: &str, stated: Option<&str>) -> Option<String> {
    if let Some(stated) = stated {
        let primary = stated.split(['-', '_']).next().unwrap_or("").trim().to_ascii_lowercase();
        if (2..=3).contains(&primary.len()) && primary.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Some(primary);
        }
    }
    if english::is_english(front(text, LANGUAGE_CHARS_MAX))
        || english::is_english(front(title, LANGUAGE_CHARS_MAX))
    {
        return Some("en".to_owned());
    }
    let sample: String = text.chars().chain([' ']).chain(title.chars()).take(LANGUAGE_CHARS_MAX).collect();
    let info = whatlang::detect(&sample)?;
    let reliable = info.is_reliable() || sample.len() < LANGUAGE_CHARS_MAX && info.confidence() > 0.5;
    reliable.then(|| short_code(info.lang().code()).to_owned())
}

/// ISO 639-1 for the languages that have a code there.
fn short_code(code: &str) -> &str {
    match code {
        "eng" => "en",
        "rus" => "ru",
        "cmn" => "zh",
        "spa" => "es",
        "por" => "pt",
        "ita" => "it",
        "ben" => "bn",
        "fra" => "fr",
        "deu" => "de",
        "ukr" => "uk",
        "kat" => "ka",
        "ara" => "ar",
        "hin" => "hi",
        "jpn" => "ja",
        "heb" => "he",
        "yid" => "yi",
        "pol" => "pl",
        "amh" => "am",
        "jav" => "jv",
        "kor" => "ko",
        "nob" => "nb",
        "dan" => "da",
        "swe" => "sv",
        "fin" => "fi",
        "tur" => "tr",
        "nld" => "nl",
        "hun" => "hu",
        "ces" => "cs",
        "ell" => "el",
        "bul" => "bg",
        "bel" => "be",
        "mar" => "mr",
        "kan" => "kn",
        "ron" => "ro",
        "slv" => "sl",
        "hrv" => "hr",
        "srp" => "sr",
        "mkd" => "mk",
        "lit" => "lt",
        "lav" => "lv",
        "est" => "et",
        "tam" => "ta",
        "vie" => "vi",
        "urd" => "ur",
        "tha" => "th",
        "guj" => "gu",
        "uzb" => "uz",
        "pan" => "pa",
        "aze" => "az",
        "ind" => "id",
        "tel" => "te",
        "pes" => "fa",
        "mal" => "ml",
        "ori" => "or",
        "mya" => "my",
        "nep" => "ne",
        "sin" => "si",
        "khm" => "km",
        "tuk" => "tk",
        "aka" => "ak",
        "zul" => "zu",
        "sna" => "sn",
        "afr" => "af",
        "lat" => "la",
        "slk" => "sk",
        "cat" => "ca",
        "tgl" => "tl",
        "hye" => "hy",
        "epo" => "eo",
        other => other,
    }
}

/// An article's tokens, and what they name.
pub(crate) struct Tagged<'a> {
    pub(crate) page: Page<'a>,
    /// In the order of their first mention, with every mention.
    pub(crate) entities: Vec<Entity>,
    /// The mentions in order.
    pub(crate) seen: Vec<Seen>,
}

/// How names are found in a language; of one that is not known it is supposed that it is English.
pub fn tagger_of(language: Option<&str>) -> Tagger {
    if language.is_none_or(|language| language == "en") { Tagger::Model } else { Tagger::Lists }
}

/// The entities of an article. In another language than English only tracked names and names that hardly can be anything
/// else are found.
pub(crate) fn tag<'a>(title: &'a str, text: &'a str, language: Option<&str>, names: &Names) -> Tagged<'a> {
    let (title, text) = (bounded(title), bounded(text));
    let page = Page::new(title, text);
    let tracked = names.spans(&page, title, text);
    let english = tagger_of(language) == Tagger::Model;
    let spans = if english {
        pass::settle(&page, tagger::spans(&page, model::model()), tracked)
    } else {
        pass::settle_foreign(listed::spans(&page), tracked)
    };
    let (entities, seen) = filed::entities(&page, &spans, names, title, text);
    Tagged { page, entities, seen }
}

/// The front of a text that is not too long to be read.
fn bounded(text: &str) -> &str {
    front(text, FIELD_BYTES_MAX)
}

/// At most so many bytes from the front, whole characters.
pub(crate) fn front(text: &str, bytes_max: usize) -> &str {
    (0..4).find_map(|back| text.get(..bytes_max.saturating_sub(back))).unwrap_or(text)
}

/// Whether a given name is a woman's, where nearly all who bear it are of one sex.
pub(crate) fn is_womans(given: &str) -> Option<bool> {
    let lower = given.to_lowercase();
    match lower.split_once('-') {
        Some(("jean", _)) => Some(false),
        Some((first, _)) => lexicon::lexicon().woman(&lower).or_else(|| lexicon::lexicon().woman(first)),
        None => lexicon::lexicon().woman(&lower),
    }
}

/// What the lists say of a word, however it is capitalised.
pub(crate) fn lexicon_class(word: &str) -> u32 {
    lexicon::lexicon().word(&word.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::TrackedName;

    fn check(text: &str, expected: &str) {
        let found: Vec<String> = tag("", text, Some("en"), &Names::default())
            .entities
            .iter()
            .map(|entity| format!("{} ({:?}, {})", entity.name, entity.kind, entity.mentions.len()))
            .collect();
        assert_eq!(found.join("; "), expected);
    }

    #[test]
    fn surnames_and_possessives_are_filed_under_the_full_name() {
        check("Margaret Venn left. Venn's aide and Mrs Venn stayed.", "Margaret Venn (Person, 3)");
    }

    #[test]
    fn short_forms_are_filed_under_one_name() {
        check("In the U.S. and the United States", "United States (Place, 2)");
        check("The WSJ (Wall Street Journal) wrote it.", "The Wall Street Journal (Org, 2)");
    }

    #[test]
    fn shorter_forms_are_filed_under_the_full_one() {
        check(
            "Jonas van der Venn spoke. Mr van der Venn left, van der Venn’s aide said.",
            "Jonas van der Venn (Person, 3)",
        );
        check("Omar al-Fahd left. Al-Fahd has a plan.", "Omar al-Fahd (Person, 2)");
        check("Chen Weibo spoke. Mr. Chen left.", "Chen Weibo (Person, 2)");
        check(
            "The Tide Research Council (TRC) met. A lawyer of the T.R.C. left.",
            "Tide Research Council (Org, 3)",
        );
        check("Tarnhill Holdings Inc fell. A share in Tarnhill cost less.", "Tarnhill Holdings Inc (Org, 2)");
    }

    #[test]
    fn a_title_tells_husband_from_wife() {
        check(
            "Raymond Kestle was jailed. His wife, Jean Kestle, wept. Mrs Kestle left; Mr Kestle did not, and Kestle slept.",
            "Raymond Kestle (Person, 3); Jean Kestle (Person, 2)",
        );
    }

    #[test]
    fn a_son_is_not_who_was_named_before() {
        check(
            "They met Rackmere, who spoke. His son Eric Rackmere left. Then Rackmere went.",
            "Rackmere (Person, 2); Eric Rackmere (Person, 1)",
        );
    }

    #[test]
    fn given_names_tell_women_from_men() {
        for (name, woman) in [
            ("Sylvie", Some(true)),
            ("Marie-Laure", Some(true)),
            ("Jean-Pierre", Some(false)),
            ("Dmitri", Some(false)),
            ("Leslie", None),
            ("Xq", None),
        ] {
            assert_eq!(is_womans(name), woman, "{name}");
        }
    }

    #[test]
    fn tracked_names_win() {
        let names = Names::compile(&[TrackedName { name: "Orla Quill".into(), aliases: vec!["OQ".into()] }]);
        let found = tag("OQ resigns", "Orla Quill resigned. Quill is 50.", Some("en"), &names).entities;
        assert_eq!((found.len(), found[0].mentions.len(), found[0].tracked), (1, 3, true));
        assert_eq!(found[0].name, "Orla Quill");
    }

    #[test]
    fn offices_are_roles() {
        let found = tag("", "Foreign Minister Margaret Venn spoke.", Some("en"), &Names::default()).entities;
        assert_eq!(found[0].role.as_deref(), Some("Foreign Minister"));
    }

    #[test]
    fn offsets_are_characters() {
        let found = tag("", "“Né” said Margaret Venn.", Some("en"), &Names::default()).entities;
        assert_eq!((found[0].mentions[0].start, found[0].mentions[0].end), (10, 23));
    }

    #[test]
    fn languages_are_told() {
        assert_eq!(
            language("", "Der Rat hat gestern beschlossen, die Brücke über den Fluss zu schließen.", None)
                .as_deref(),
            Some("de")
        );
        assert_eq!(language("Mayor says the bridge is safe", "", None).as_deref(), Some("en"));
        assert_eq!(
            language(
                "",
                "„The Harbour“ heißt die Serie, in der so an das alte Rotterdam erinnert wird.",
                None
            )
            .as_deref(),
            Some("de")
        );
        assert_eq!(language("", "", Some("en-GB")).as_deref(), Some("en"));
        assert_eq!(language("", "", None), None);
    }

    #[test]
    fn hostile_text_is_read_in_time() {
        for unit in [
            "A ",
            "R-AL ",
            "Ann A. ",
            "'",
            "((",
            "Ann-",
            "House ",
            "A Inc. ",
            "Ann \"Al\" B ",
            "Mr Ann Jr. ",
            "A Ann (AA) ",
        ] {
            let text = unit.repeat(200_000 / unit.len());
            tag(&text, &text, Some("en"), &Names::default());
        }
    }
}
