//! The fields of the index, and how a line of the journal becomes a document. Words are split as topics split them, so
//! that a query finds what a topic with that query matches.

use std::{
    collections::{BTreeSet, HashMap},
    ops::Bound,
    vec,
};

use jiff::Timestamp;
use tantivy::{
    TantivyDocument, Term,
    columnar::{Column, StrColumn},
    query::{Query, RangeQuery},
    schema::{
        FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
        Value,
    },
    tokenizer::{Token, TokenStream, Tokenizer},
};
use url::Url;

use super::{ANY_TOPIC, Hit};
use crate::{
    article::{Alert, Article, Decision, Id, Standing, Verdict},
    pipeline::{
        story::terms::FixedState,
        topic::query::{self, Text},
        view::Locator,
    },
};

/// Version of the fields; an index of another is built again.
pub(super) const FORM: u32 = 3;

/// The tokenizer's name in the index.
pub(super) const WORDS: &str = "words";

/// That of the body, which leaves out the words that stand everywhere.
pub(super) const BODY: &str = "body";

/// They are a quarter of all words, and where they are left out the index is a tenth smaller. A phrase with one of them
/// is found by its other words, and the text says whether it is the one.
const EVERYWHERE: [&str; 12] = ["a", "and", "as", "for", "in", "is", "it", "of", "on", "that", "the", "to"];

/// Whether the body is indexed without this word.
pub(super) fn is_everywhere(word: &str) -> bool {
    EVERYWHERE.contains(&word)
}

/// Bits of a place in the journal that say where in the day's file it is.
const OFFSET_BITS: u32 = 39;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A report with words of its own, in its first revision.
    New,
    /// A copy.
    Copy,
    /// A later revision.
    Later,
    /// A later revision by which its publisher takes the report back.
    Withdrawn,
    /// No report, but alerts that are about none.
    Notice,
}

impl Kind {
    const ALL: [Self; 5] = [Self::New, Self::Copy, Self::Later, Self::Withdrawn, Self::Notice];

    fn of(article: &Article, decision: &Decision) -> Self {
        if article.standing == Standing::Withdrawn {
            Self::Withdrawn
        } else if decision.article.id.revision > 1 || decision.verdict == Verdict::Update {
            Self::Later
        } else if decision.verdict == Verdict::Copy {
            Self::Copy
        } else {
            Self::New
        }
    }

    pub(super) fn number(self) -> u64 {
        Self::ALL.iter().position(|kind| *kind == self).unwrap_or(0) as u64
    }

    fn from_number(number: u64) -> Self {
        let place = usize::try_from(number).unwrap_or(0);
        Self::ALL.get(place).copied().unwrap_or(Self::New)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Fields {
    /// Where the line stands: documents sort by it as they came.
    pub(super) at: Field,
    pub(super) report: Field,
    pub(super) story: Field,
    pub(super) time: Field,
    pub(super) kind: Field,
    /// Topics that it belongs to.
    pub(super) topic: Field,
    /// Topics that were told of it.
    pub(super) told: Field,
    pub(super) outlet: Field,
    /// What `source:` may call its outlet.
    pub(super) source: Field,
    pub(super) language: Field,
    pub(super) entity: Field,
    pub(super) title: Field,
    /// Title and body.
    pub(super) words: Field,
    /// What a list of stories shows.
    pub(super) headline: Field,
    pub(super) input_id: Field,
}

pub(super) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let phrases = |tokenizer| {
        let record = IndexRecordOption::WithFreqsAndPositions;
        let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(record);
        TextOptions::default().set_indexing_options(indexing)
    };
    let fields = Fields {
        at: schema.add_u64_field("at", FAST),
        report: schema.add_u64_field("report", FAST),
        story: schema.add_u64_field("story", FAST | INDEXED),
        time: schema.add_i64_field("time", FAST),
        kind: schema.add_u64_field("kind", FAST | INDEXED),
        topic: schema.add_text_field("topic", STRING),
        told: schema.add_text_field("told", STRING),
        outlet: schema.add_text_field("outlet", TextOptions::default().set_fast("raw")),
        source: schema.add_text_field("source", STRING),
        language: schema.add_text_field("language", STRING),
        entity: schema.add_text_field("entity", phrases(WORDS)),
        title: schema.add_text_field("title", phrases(WORDS)),
        words: schema.add_text_field("words", phrases(BODY)),
        headline: schema.add_text_field("headline", STORED),
        input_id: schema.add_text_field("input_id", STORED),
    };
    (schema.build(), fields)
}

impl Fields {
    pub(super) fn document(
        &self,
        at: Locator,
        article: &Article,
        decision: &Decision,
        alerts: &[Alert],
    ) -> TantivyDocument {
        let head = &decision.article;
        let mut document = TantivyDocument::new();
        document.add_u64(self.at, packed(at));
        document.add_u64(self.report, head.id.report.0);
        document.add_u64(self.story, decision.story.unwrap_or(head.id.report).0);
        document.add_i64(self.time, article.seen_at.as_second());
        document.add_u64(self.kind, Kind::of(article, decision).number());
        for found in &decision.matches {
            document.add_text(self.topic, &found.topic);
        }
        self.tell(&mut document, alerts);
        document.add_text(self.outlet, &article.outlet);
        for name in sources(article) {
            document.add_text(self.source, &name);
        }
        if let Some(language) = &head.language {
            document.add_text(self.language, language.to_lowercase());
        }
        for entity in &decision.entities {
            document.add_text(self.entity, &entity.name);
        }
        // A notice that takes a report back may have no headline of its own; the decision has the report's.
        document.add_text(self.headline, &head.title);
        document.add_text(self.title, &article.title);
        document.add_text(self.words, &article.title);
        document.add_text(self.words, &article.text);
        if let Some(input_id) = &article.input_id {
            document.add_text(self.input_id, input_id);
        }
        document
    }

    fn tell(&self, document: &mut TantivyDocument, alerts: &[Alert]) {
        for alert in alerts {
            document.add_text(self.told, &alert.topic);
        }
        if !alerts.is_empty() {
            document.add_text(self.told, ANY_TOPIC);
        }
    }

    /// What the days before this one brought.
    pub(super) fn before(&self, day: u32) -> Box<dyn Query> {
        let first = Term::from_field_u64(self.at, packed(Locator { day, offset: 0 }));
        Box::new(RangeQuery::new(Bound::Unbounded, Bound::Excluded(first)))
    }

    /// Alerts that are about no article.
    pub(super) fn notice(&self, at: Locator, time: Timestamp, alerts: &[Alert]) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_u64(self.at, packed(at));
        document.add_i64(self.time, time.as_second());
        document.add_u64(self.kind, Kind::Notice.number());
        self.tell(&mut document, alerts);
        document
    }
}

/// Every name by which `source:` finds the article: its outlet and host, and what stands behind each point in them.
fn sources(article: &Article) -> BTreeSet<String> {
    let url = article.url.as_deref().and_then(|url| Url::parse(url).ok());
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let mut names = BTreeSet::new();
    for name in [&article.outlet, host] {
        let name = query::bare_source(name);
        let tails = name.match_indices('.').filter_map(|(point, _)| name.get(point + 1..));
        names.extend(tails.chain([name.as_str()]).filter(|tail| !tail.is_empty()).map(ToOwned::to_owned));
    }
    names
}

fn packed(at: Locator) -> u64 {
    (u64::from(at.day) << OFFSET_BITS) | at.offset
}

fn unpacked(packed: u64) -> Locator {
    let offset = packed & ((1 << OFFSET_BITS) - 1);
    Locator { day: u32::try_from(packed >> OFFSET_BITS).unwrap_or(0), offset }
}

/// The columns of one segment's documents.
pub(super) struct Columns {
    at: Column<u64>,
    report: Column<u64>,
    story: Column<u64>,
    time: Column<i64>,
    kind: Column<u64>,
    outlet: Option<StrColumn>,
}

impl Columns {
    pub(super) fn open(segment: &tantivy::SegmentReader) -> tantivy::Result<Self> {
        let fast = segment.fast_fields();
        Ok(Self {
            at: fast.u64("at")?,
            report: fast.u64("report")?,
            story: fast.u64("story")?,
            time: fast.i64("time")?,
            kind: fast.u64("kind")?,
            outlet: fast.str("outlet")?,
        })
    }

    pub(super) fn time(&self, doc: u32) -> i64 {
        self.time.first(doc).unwrap_or(0)
    }

    pub(super) fn story(&self, doc: u32) -> Id {
        Id(self.story.first(doc).unwrap_or(0))
    }

    pub(super) fn kind(&self, doc: u32) -> Kind {
        Kind::from_number(self.kind.first(doc).unwrap_or(0))
    }

    /// When the newest document arrived.
    pub(super) fn newest(&self) -> i64 {
        self.time.max_value()
    }

    /// Whether some document of the segment may have arrived between these times.
    pub(super) fn may_hold(&self, since: Option<i64>, until: Option<i64>) -> bool {
        since.is_none_or(|since| self.time.max_value() >= since)
            && until.is_none_or(|until| self.time.min_value() < until)
    }

    pub(super) fn hit(&self, doc: u32) -> Hit {
        let number = |column: &Column<u64>| column.first(doc).unwrap_or(0);
        Hit {
            at: unpacked(number(&self.at)),
            report: Id(number(&self.report)),
            story: self.story(doc),
            time: self.time(doc),
            kind: self.kind(doc),
        }
    }

    pub(super) fn outlet(&self, doc: u32) -> String {
        self.outlet_number(doc).map_or_else(String::new, |number| self.outlet_of(number))
    }

    /// The outlet's number in this segment.
    pub(super) fn outlet_number(&self, doc: u32) -> Option<u64> {
        self.outlet.as_ref().and_then(|column| column.term_ords(doc).next())
    }

    pub(super) fn outlet_of(&self, number: u64) -> String {
        let mut outlet = String::new();
        if let Some(column) = &self.outlet {
            // A dictionary that cannot be read names nobody; what reads on finds the damage.
            column.ord_to_str(number, &mut outlet).ok();
        }
        outlet
    }
}

/// A text that is stored with a document.
pub(super) fn stored(document: &TantivyDocument, field: Field) -> Option<String> {
    document.get_first(field).and_then(|value| value.as_str()).map(ToOwned::to_owned)
}

/// Splits as topics' queries split.
#[derive(Clone)]
pub(super) struct Splitter {
    /// Whether words that stand everywhere are left out; the others keep their places.
    pub(super) skips: bool,
}

impl Tokenizer for Splitter {
    type TokenStream<'a> = Words;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Words {
        let text = Text::new(text);
        let (_, lower) = text.padded();
        Words {
            ahead: words(lower, self.skips).into_iter(),
            lower: lower.to_owned(),
            token: Token::default(),
        }
    }
}

/// A word: where it stands in a text in bytes, and the how manieth it is.
struct Word {
    start: usize,
    end: usize,
    place: usize,
}

/// The words of a padded text, all places of one after each other, in the order of the first: whoever counts them meets
/// each once and not, somewhere else in memory each time, once a place.
fn words(padded: &str, skips: bool) -> Vec<Word> {
    let mut known: HashMap<&str, usize, FixedState> = HashMap::default();
    let mut found: Vec<(usize, Word)> = Vec::with_capacity(padded.len() / 5);
    let mut start = 1;
    for (place, end) in memchr::memchr_iter(b' ', padded.as_bytes()).skip(1).enumerate() {
        let word = padded.get(start..end).unwrap_or_default();
        if !skips || !is_everywhere(word) {
            let number = known.len();
            let number = *known.entry(word).or_insert(number);
            found.push((number, Word { start, end, place }));
        }
        start = end + 1;
    }
    // What is sorted by its number stays in the order of the text.
    found.sort_by_key(|(number, _)| *number);
    found.into_iter().map(|(_, word)| word).collect()
}

/// The words of a text, in lower case.
pub(super) struct Words {
    ahead: vec::IntoIter<Word>,
    lower: String,
    token: Token,
}

impl TokenStream for Words {
    fn advance(&mut self) -> bool {
        let Some(Word { start, end, place }) = self.ahead.next() else { return false };
        let word = self.lower.get(start..end).unwrap_or_default();
        if self.token.text != word {
            self.token.text.clear();
            self.token.text.push_str(word);
        }
        self.token.position = place;
        (self.token.offset_from, self.token.offset_to) = (start, end);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_journal_is_packed_in_order() {
        let at = |day, offset| Locator { day, offset };
        let places = [at(20_260_302, 0), at(20_260_302, 7_000_000_000), at(20_260_303, 12)];
        assert!(places.map(packed).is_sorted());
        assert_eq!(places.map(packed).map(unpacked), places);
    }

    #[test]
    fn words_are_split_as_queries_are() {
        let split = |skips, text: &str| {
            let mut splitter = Splitter { skips };
            let mut stream = splitter.token_stream(text);
            let mut words = Vec::new();
            while let Some(token) = stream.next() {
                words.push(format!("{} {}", token.position, token.text));
            }
            words
        };
        let expected = ["0 anna", "1 berg", "2 boats", "3 o'brien", "4 东", "5 京"];
        assert_eq!(split(false, "Anna Berg’s boats — O'Brien, 东京."), expected);
        assert_eq!(split(true, "Out of the blue"), ["0 out", "3 blue"]);
        assert_eq!(split(false, "of it"), ["0 of", "1 it"]);
        assert_eq!(split(true, "No boat is like the boat"), ["0 no", "1 boat", "5 boat", "3 like"]);
        assert!(split(true, "the").is_empty() && split(true, "").is_empty());
    }

    #[test]
    fn an_outlet_is_found_by_every_domain_above_it() {
        let article = Article {
            outlet: "The Daily Fjord".to_owned(),
            url: Some("https://www.news.fjord.example/a".to_owned()),
            ..Article::default()
        };
        let expected = ["example", "fjord.example", "news.fjord.example", "the daily fjord"];
        assert_eq!(sources(&article).into_iter().collect::<Vec<_>>(), expected);
    }
}
