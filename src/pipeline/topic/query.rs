//! The query language of topics: `"Jeff Sessions" AND (Russia* OR Kislyak) NOT sport`. Words that stand side by side
//! must all occur; `A NOT b` is `A AND NOT b`; NOT binds before AND, AND before OR.

mod parse;
mod text;

use std::{cell::OnceCell, fmt};

pub use self::{
    parse::{Fault, parse},
    text::Text,
};
use super::Doc;

/// What an article must contain.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// All of these, at least two.
    And(Vec<Query>),
    /// One of these, at least two.
    Or(Vec<Query>),
    /// Not this.
    Not(Box<Query>),
    /// These within so many words of each other, in any order.
    Near(u16, Box<[Words; 2]>),
    /// Words in a place.
    Words(Place, Words),
    /// Some entity has this name, or these words in its name.
    Entity(Words),
    /// The outlet, or the host of the address, is this or a subdomain of it.
    Source(String),
    /// The language, as a BCP 47 primary subtag.
    Lang(String),
    /// Title or text match this expression.
    Regex(Pattern),
}

/// Where words are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Title and text.
    Anywhere,
    /// The title alone.
    Title,
}

/// A word or a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// As written, split as texts are.
    list: Vec<String>,
    /// Between spaces; in lower case unless exact.
    needle: String,
    exact: bool,
    prefix: bool,
}

/// A compiled regular expression.
#[derive(Clone, Debug)]
pub struct Pattern(regex::Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

/// What a query is asked about; what queries need of it is made when the first one asks.
#[derive(Debug)]
pub struct Subject<'a> {
    doc: Doc<'a>,
    title: OnceCell<Text>,
    text: OnceCell<Text>,
    host: OnceCell<String>,
    entities: OnceCell<Vec<Text>>,
}

impl<'a> Subject<'a> {
    /// Of an article.
    pub fn new(doc: Doc<'a>) -> Self {
        let (title, text) = (OnceCell::new(), OnceCell::new());
        Self { doc, title, text, host: OnceCell::new(), entities: OnceCell::new() }
    }

    /// The title's words.
    pub fn title(&self) -> &Text {
        self.title.get_or_init(|| Text::new(self.doc.title))
    }

    /// The body's words.
    pub fn text(&self) -> &Text {
        self.text.get_or_init(|| Text::new(self.doc.text))
    }

    /// Host of the address, or empty.
    fn host(&self) -> &str {
        self.host.get_or_init(|| {
            let url = self.doc.url.and_then(|url| url::Url::parse(url).ok());
            url.as_ref().and_then(url::Url::host_str).unwrap_or_default().to_owned()
        })
    }

    /// Words of each entity's name.
    fn entities(&self) -> &[Text] {
        let entities = self.doc.entities;
        self.entities.get_or_init(|| entities.iter().map(|entity| Text::new(&entity.name)).collect())
    }
}

impl Query {
    /// Whether it holds; what was found is added to the evidence.
    pub fn holds(&self, subject: &Subject<'_>, evidence: &mut Vec<String>) -> bool {
        match self {
            Self::And(parts) => {
                let before = evidence.len();
                let all = parts.iter().all(|part| part.holds(subject, evidence));
                if !all {
                    evidence.truncate(before);
                }
                all
            }
            Self::Or(parts) => parts.iter().any(|part| part.holds(subject, evidence)),
            Self::Not(part) => !part.holds(subject, &mut Vec::new()),
            leaf => {
                let holds = leaf.leaf_holds(subject);
                if holds {
                    evidence.push(leaf.to_string());
                }
                holds
            }
        }
    }

    fn leaf_holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Words(Place::Title, words) => subject.title().has(words),
            Self::Words(Place::Anywhere, words) => subject.title().has(words) || subject.text().has(words),
            Self::Near(distance, pair) => {
                let [a, b] = pair.as_ref();
                [subject.title(), subject.text()].iter().any(|text| text.near(a, b, usize::from(*distance)))
            }
            Self::Entity(words) => subject.entities().iter().any(|name| name.has(words)),
            Self::Source(source) => {
                is_source(source, subject.doc.outlet) || is_source(source, subject.host())
            }
            Self::Lang(language) => {
                subject.doc.language.is_some_and(|other| other.eq_ignore_ascii_case(language))
            }
            Self::Regex(pattern) => {
                pattern.0.is_match(subject.doc.title) || pattern.0.is_match(subject.doc.text)
            }
            Self::And(_) | Self::Or(_) | Self::Not(_) => false,
        }
    }

    /// The parts that must hold of every article of the topic, also of one that belongs to it by its story: the
    /// negations, outlets and languages that stand at the top. The first that does not hold.
    pub fn veto(&self, subject: &Subject<'_>) -> Option<String> {
        let parts = match self {
            Self::And(parts) => parts.as_slice(),
            other => std::slice::from_ref(other),
        };
        let binding = |part: &&Self| matches!(part, Self::Not(_) | Self::Source(_) | Self::Lang(_));
        parts
            .iter()
            .filter(binding)
            .find(|part| !part.holds(subject, &mut Vec::new()))
            .map(ToString::to_string)
    }

    /// What keeps it from holding: the first part at the top that does not.
    pub fn missing(&self, subject: &Subject<'_>) -> Option<String> {
        match self {
            Self::And(parts) => parts.iter().find(|part| !part.holds(subject, &mut Vec::new())),
            other => Some(other).filter(|part| !part.holds(subject, &mut Vec::new())),
        }
        .map(ToString::to_string)
    }

    /// Words of which some occur in the text, whatever their case, wherever the query holds: of all such lists the one
    /// whose words are the longest. None if it can hold without any.
    pub(super) fn anchors(&self) -> Option<Vec<&Words>> {
        match self {
            Self::Words(_, words) => Some(vec![words]),
            Self::Near(_, pair) => pair.first().map(|words| vec![words]),
            Self::And(parts) => parts
                .iter()
                .filter_map(Self::anchors)
                .max_by_key(|list| list.iter().map(|words| words.needle.len()).min()),
            Self::Or(parts) => {
                parts.iter().map(Self::anchors).collect::<Option<Vec<_>>>().map(|lists| lists.concat())
            }
            Self::Not(_) | Self::Entity(_) | Self::Source(_) | Self::Lang(_) | Self::Regex(_) => None,
        }
    }
}

/// An outlet's name, or a host, as it is compared.
pub fn bare_source(name: &str) -> String {
    let name = name.trim().to_lowercase();
    name.strip_prefix("www.").map(ToOwned::to_owned).unwrap_or(name)
}

fn is_source(source: &str, outlet: &str) -> bool {
    let (source, outlet) = (bare_source(source), bare_source(outlet));
    !outlet.is_empty()
        && (source == outlet || outlet.strip_suffix(&source).is_some_and(|rest| rest.ends_with('.')))
}

impl Words {
    /// Splits words as texts are split; none if there is no word in them.
    pub fn new(written: &str, exact: bool, prefix: bool) -> Option<Self> {
        let text = Text::new(written);
        let (plain, lower) = text.padded();
        let mut needle = if exact { plain } else { lower }.to_owned();
        if prefix {
            needle.pop();
        }
        let list: Vec<String> =
            plain.split(' ').filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect();
        (!list.is_empty()).then_some(Self { list, needle, exact, prefix })
    }

    /// The words in lower case, in their order.
    pub fn lower(&self) -> impl Iterator<Item = String> {
        self.list.iter().map(|word| word.to_lowercase())
    }

    /// The words as written, in their order.
    pub(super) fn list(&self) -> &[String] {
        &self.list
    }

    /// Whether their case counts.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Whether the last one may go on.
    pub fn is_prefix(&self) -> bool {
        self.prefix
    }

    fn is_operator(&self) -> bool {
        matches!(self.list.as_slice(), [word] if parse::is_operator(word))
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = self.list.join(" ");
        f.write_str(if self.exact { "=" } else { "" })?;
        if self.list.len() > 1 || self.is_operator() {
            write!(f, "\"{written}\"")?;
        } else {
            f.write_str(&written)?;
        }
        f.write_str(if self.prefix { "*" } else { "" })
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str| {
            for (place, part) in parts.iter().enumerate() {
                f.write_str(if place == 0 { "" } else { word })?;
                match part {
                    Self::And(_) | Self::Or(_) => write!(f, "({part})")?,
                    _ => write!(f, "{part}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::And(parts) => list(f, parts, " AND "),
            Self::Or(parts) => list(f, parts, " OR "),
            Self::Not(part) if matches!(**part, Self::And(_) | Self::Or(_)) => write!(f, "NOT ({part})"),
            Self::Not(part) => write!(f, "NOT {part}"),
            Self::Near(distance, pair) => {
                let [a, b] = pair.as_ref();
                write!(f, "{a} NEAR/{distance} {b}")
            }
            Self::Words(Place::Anywhere, words) => write!(f, "{words}"),
            Self::Words(Place::Title, words) => write!(f, "title:{words}"),
            Self::Entity(words) => write!(f, "entity:{words}"),
            Self::Source(source) => write!(f, "source:\"{source}\""),
            Self::Lang(language) => write!(f, "lang:{language}"),
            Self::Regex(pattern) => write!(f, "/{}/", parse::escape_slashes(pattern.0.as_str())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::article::{Entity, EntityKind};

    fn holds(query: &str, title: &str, text: &str) -> bool {
        let entities = [Entity {
            name: "Anna Berg".to_owned(),
            kind: EntityKind::Person,
            role: None,
            mentions: Vec::new(),
            tracked: false,
        }];
        let subject = Subject::new(Doc {
            title,
            text,
            outlet: "The Daily Fjord",
            url: Some("https://news.fjord.example/a"),
            language: Some("en"),
            entities: &entities,
            time: 0,
            dated: true,
        });
        parse(query).unwrap().holds(&subject, &mut Vec::new())
    }

    #[track_caller]
    fn check(query: &str, expected: bool) {
        let text = "The harbour of Øst was closed on Monday. Anna Berg’s boats stayed out; 东京 sent help. NATO did not.";
        assert_eq!(holds(query, "Harbour closed after storm", text), expected, "{query}");
    }

    #[test]
    fn words_and_phrases() {
        check("harbour", true);
        check("HARBOUR", true);
        check("harbor", false);
        check("harb", false);
        check("harb*", true);
        check("\"harbour of Øst\"", true);
        check("\"harbour øst\"", false);
        check("\"anna berg\"", true);
        check("\"anna ber\"*", true);
        check("东京", true);
    }

    #[test]
    fn exact_case() {
        check("=NATO", true);
        check("=Nato", false);
        check("=\"Anna Berg\"", true);
    }

    #[test]
    fn operators() {
        check("harbour storm", true);
        check("harbour AND sunshine", false);
        check("sunshine OR storm", true);
        check("harbour NOT storm", false);
        check("harbour NOT sunshine", true);
        check("sunshine OR harbour storm", true);
        check("(sunshine OR harbour) AND (rain OR closed)", true);
        check("NOT sunshine", true);
    }

    #[test]
    fn fields() {
        check("title:storm", true);
        check("title:boats", false);
        check("entity:\"Anna Berg\"", true);
        check("entity:berg", true);
        check("entity:storm", false);
        check("source:fjord.example", true);
        check("source:\"the daily fjord\"", true);
        check("source:ord.example", false);
        check("lang:en", true);
        check("lang:de", false);
    }

    #[test]
    fn near_and_regex() {
        check("harbour NEAR/3 closed", true);
        check("closed NEAR/3 harbour", true);
        check("harbour NEAR/2 monday", false);
        check("/bo[a-z]ts/", true);
        check("/^nowhere$/", false);
    }

    #[track_caller]
    fn fault(query: &str, expected: &str) {
        assert_eq!(parse(query).unwrap_err().to_string(), expected, "{query}");
    }

    #[test]
    fn faults_say_where_and_what_was_expected() {
        fault("", "1:1: the query ends here, expected a word, a phrase or (");
        fault("a AND", "1:6: the query ends here, expected a word, a phrase or (");
        fault("(a OR b", "1:8: the query ends here, expected )");
        fault("a)", "1:2: ) without (, expected AND, OR, NOT or the end");
        fault("a\nOR OR", "2:4: OR, expected a word, a phrase or (");
        fault("\"a", "1:1: a phrase without end, expected \"");
        fault("colour:red", "1:1: unknown field colour, expected title, entity, source or lang");
        fault("a NEAR/x b", "1:3: a distance that is no number, expected NEAR/1 to NEAR/100");
        fault("lang:english", "1:6: no language, expected two or three letters such as en");
    }

    #[test]
    fn depth_and_length_are_bounded() {
        assert!(parse(&"(".repeat(5_000)).is_err());
        assert!(parse(&"NOT ".repeat(5_000)).is_err());
        assert!(parse(&"a ".repeat(100_000)).is_err());
        assert!(parse("/(a{1000}){1000}/").is_err());
    }

    #[test]
    fn literals_never_hide_a_match() {
        let anchors = |query: &str| {
            let query = parse(query).unwrap();
            let anchors = query.anchors()?;
            Some(anchors.into_iter().map(|words| words.needle.clone()).collect::<Vec<_>>())
        };
        assert_eq!(anchors("a OR b").unwrap(), [" a ", " b "]);
        assert_eq!(anchors("a OR NOT b"), None);
        assert_eq!(anchors("lang:en AND Abc*").unwrap(), [" abc"]);
        assert_eq!(anchors("a AND (bcd OR efg)").unwrap(), [" bcd ", " efg "]);
    }

    fn words() -> impl Strategy<Value = Words> {
        (proptest::collection::vec("[A-Za-zäß0-9]{1,6}", 1..3), any::<bool>(), any::<bool>())
            .prop_map(|(words, exact, prefix)| Words::new(&words.join(" "), exact, prefix).unwrap())
    }

    fn query() -> impl Strategy<Value = Query> {
        let leaf = prop_oneof![
            words().prop_map(|words| Query::Words(Place::Anywhere, words)),
            words().prop_map(|words| Query::Words(Place::Title, words)),
            words().prop_map(Query::Entity),
            "[a-z]{1,5}\\.[a-z]{2}".prop_map(Query::Source),
            "[a-z]{2}".prop_map(Query::Lang),
            (1..=100_u16, words(), words()).prop_map(|(n, a, b)| Query::Near(n, Box::new([a, b]))),
            "[a-z/]{1,5}".prop_map(|text| Query::Regex(Pattern(regex::Regex::new(&text).unwrap()))),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Query::And),
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Query::Or),
                inner.prop_map(|part| Query::Not(Box::new(part))),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same(query in query()) {
            let printed = query.to_string();
            let again = parse(&printed).unwrap_or_else(|fault| panic!("{printed}: {fault}"));
            prop_assert_eq!(&again, &query, "{}", printed);
            prop_assert_eq!(again.to_string(), printed);
        }

        #[test]
        fn no_input_panics(text in "\\PC{0,80}|[()\"*/= ANDORTNE:a-c0-9]{0,60}") {
            if let Ok(query) = parse(&text) {
                let again = parse(&query.to_string());
                prop_assert_eq!(again.as_ref(), Ok(&query), "{} -> {}", text, query);
            }
        }
    }
}
