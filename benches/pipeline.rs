//! The pipeline's stages over a corpus, each by itself.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hint::black_box,
    sync::{LazyLock, OnceLock},
};

use storywatch::{
    article::{Article, Id},
    event::{Rules, TopicRule, TrackedName},
    pipeline::{
        address,
        dedupe::{self, Entry, Index, Probe, Relation},
        entity::{self, Names},
        fingerprint, quote,
        story::{Assignment, Member, Stories, terms},
        text::{self, Words},
        topic::{Doc, Learned, Memory, Scope, Topics, Trace},
    },
};

use crate::{
    Corpus,
    corpus::{self, Random},
    full,
};

pub(crate) fn addresses(corpus: &Corpus) {
    for article in &corpus.articles {
        black_box(article.url.as_deref().and_then(address::canonical));
    }
}

pub(crate) fn words(corpus: &Corpus) {
    for article in &corpus.articles {
        black_box(text::words(&article.text));
    }
}

/// The first round also reads the words.
pub(crate) fn sketch(corpus: &Corpus) {
    static WORDS: OnceLock<Vec<Words>> = OnceLock::new();
    let all = corpus.articles.iter();
    let words = WORDS.get_or_init(|| all.map(|article| text::words(&article.text)).collect());
    for words in words {
        black_box(fingerprint::fingerprint(words));
    }
}

/// Words, sketch, comparison with all before, and taking in.
pub(crate) fn dedupe(corpus: &Corpus) {
    let mut index = Index::default();
    for (article, seq) in corpus.articles.iter().zip(1_u64..) {
        let words = text::words(&article.text);
        let fingerprint = fingerprint::fingerprint(&words);
        let site = dedupe::site_hash(&article.outlet);
        let time = article.seen_at.as_second();
        let probe = Probe { site, time, fingerprint: &fingerprint, words: &words, besides: None };
        let of = |seq: u64| corpus.articles.get(usize::try_from(seq - 1).ok()?);
        let judged =
            dedupe::judge(&index, &probe, &mut |seq| of(seq).map(|article| text::words(&article.text)));
        let (root, family) = match judged.relation {
            Relation::Copy { root, family, .. } => (root, family),
            Relation::Update { family, .. } => (Id(seq), family),
            Relation::None => (Id(seq), Id(seq)),
        };
        index.insert(&Entry {
            seq,
            report: Id(seq),
            root,
            family,
            site,
            time,
            words: fingerprint.words,
            sketch: fingerprint.sketch.into(),
            indexed: root == Id(seq),
        });
    }
    black_box(index.len());
}

/// What a start does with each article's record: decode and take in, into a window that grows to the corpus' size.
pub(crate) fn window_at_start(corpus: &Corpus) {
    let mut random = Random(2);
    let mut index = Index::default();
    let records: Vec<_> =
        corpus.articles.iter().zip(1..).map(|(_, seq)| full::entry(seq, &mut random).encode()).collect();
    let entries: Vec<_> = records.iter().filter_map(|record| Entry::decode(record)).collect();
    index.insert_all(&entries);
    black_box(index.memory_bytes());
}

pub(crate) fn names_and_quotes(corpus: &Corpus) {
    each_read(corpus, &Names::default());
}

/// The same with ten thousand tracked names; the first round compiles them.
pub(crate) fn names_tracked(corpus: &Corpus) {
    const TRACKED: u64 = 10_000;
    static NAMES: LazyLock<Names> = LazyLock::new(|| {
        let tracked = |number| TrackedName { name: corpus::named(number), aliases: Vec::new() };
        Names::compile(&(0..TRACKED).map(tracked).collect::<Vec<_>>())
    });
    each_read(corpus, &NAMES);
}

fn each_read(corpus: &Corpus, names: &Names) {
    for article in &corpus.articles {
        let language = entity::language(&article.title, &article.text, None);
        black_box(quote::read(&article.title, &article.text, language.as_deref(), names));
    }
}

pub(crate) fn story_features(corpus: &Corpus) {
    for Article { title, text, .. } in &corpus.articles {
        black_box(terms::features(title, text, Some("en")));
    }
}

/// Features, weights, the story that fits, and taking in.
pub(crate) fn stories(corpus: &Corpus) {
    each_in_its_story(corpus, |_, _, _, _| {});
}

/// The same, and a thousand topics that are asked: each has a query and a sample, a report of the corpus. The first round
/// compiles them.
pub(crate) fn topics(corpus: &Corpus) {
    static TOPICS: OnceLock<Topics> = OnceLock::new();
    let topics = TOPICS.get_or_init(|| thousand_topics(corpus));
    let learned = Learned::default();
    let mut traces: HashMap<Id, BTreeMap<usize, Trace>> = HashMap::new();
    each_in_its_story(corpus, |article, assignment, stories, story| {
        let doc = Doc {
            title: &article.title,
            text: &article.text,
            outlet: &article.outlet,
            url: article.url.as_deref(),
            language: Some("en"),
            entities: &[],
            time: article.seen_at.as_second(),
            dated: true,
        };
        let of_story = traces.entry(story).or_default();
        let memory = Memory {
            story: assignment.story,
            traces: of_story.clone(),
            learned: &learned,
            besides: None,
            followed_beside: BTreeSet::new(),
        };
        let verdicts = topics.judge(&doc, assignment, stories, &memory, Scope::Matches);
        of_story.extend(verdicts.traces.into_iter().map(|(topic, trace, _)| (topic, trace)));
    });
}

fn thousand_topics(corpus: &Corpus) -> Topics {
    const TOPICS: usize = 1_000;
    let sampled = corpus.articles.iter().step_by((corpus.articles.len() / TOPICS).max(1)).take(TOPICS);
    let rules = sampled.zip(0..).map(|(article, number): (&Article, u64)| TopicRule {
        name: number.to_string(),
        query: Some(format!("\"{}\" AND {}*", corpus::named(number), corpus::spelled(number))),
        examples: vec![article.clone()],
        ..TopicRule::default()
    });
    Topics::compile(&Rules { topics: rules.collect(), ..Rules::default() }).0
}

#[expect(clippy::expect_used, reason = "what is read stands in memory")]
fn each_in_its_story(corpus: &Corpus, mut judged: impl FnMut(&Article, &Assignment, &Stories, Id)) {
    let mut stories = Stories::new();
    let mut members: HashMap<u64, Member> = HashMap::new();
    for (article, seq) in corpus.articles.iter().zip(1_u64..) {
        let vector = stories.weigh(&terms::features(&article.title, &article.text, Some("en")));
        let time = article.seen_at.as_second();
        let recall = |seq: u64| Ok(members.get(&seq).cloned().expect("each article was kept"));
        let assignment = stories.assign(&vector, time, true, &recall).expect("nothing is read");
        let story = assignment.story.unwrap_or(Id(seq));
        judged(article, &assignment, &stories, story);
        let outlet = dedupe::site_hash(&article.outlet);
        let (report, dated, copy, entities) = (Id(seq), true, false, Vec::new());
        let member = Member { seq, report, story, time, dated, outlet, copy, vector, entities };
        stories.insert(member.clone(), &recall).expect("nothing is read");
        members.insert(seq, member);
    }
    black_box(stories.size());
}
