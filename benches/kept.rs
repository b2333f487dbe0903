//! Journal, index, and the whole way of an article through a pipeline with both.

#![expect(clippy::expect_used, reason = "a bench that cannot write has nothing to say")]

use storywatch::{
    alert::{Format, log::AlertLog},
    article::{ArticleHead, ArticleId, Decision, Delivery, Found, Id, Verdict},
    event::{Rules, TopicRule},
    journal::{Commit, Journal, LineRef, state_dir::StateDir},
    pipeline::{
        self, Pipeline,
        view::{Changes, Tree},
    },
    store::{Options, Store},
};

use crate::{BATCH_ARTICLES, Corpus};

/// Appended and committed in batches; the decision is short.
pub(crate) fn journal(corpus: &Corpus) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = StateDir::lock(folder.path()).expect("its lock");
    let (mut journal, _) = Journal::open(&state).expect("a journal in it");
    let mut seq = 0;
    for batch in corpus.articles.chunks(BATCH_ARTICLES) {
        let at = batch.first().map(|article| article.seen_at).unwrap_or_default();
        for article in batch {
            seq += 1;
            let decision = serde_json::value::to_raw_value(&decision(article, seq)).expect("JSON");
            let line =
                LineRef::Article { seq, article, decision: &decision, alerts: &[], traces: &[], weights: "" };
            journal.append(at, &line).expect("a line");
        }
        journal.commit(at, &Commit::default()).expect("room on its disk");
    }
}

/// Six rows an article, written in batches, closed in the end.
pub(crate) fn index(corpus: &Corpus) {
    const ROW_BYTES: [usize; 6] = [8, 8, 8, 120, 900, 40];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = StateDir::lock(folder.path()).expect("its lock");
    let (journal, _) = Journal::open(&state).expect("a journal in it");
    let options = Options { analysis: pipeline::ANALYSIS, journal_end: journal.end() };
    let store = Store::open(&state, &options).expect("an index in it").store;
    let mut seq = 0_u64;
    for batch in corpus.articles.chunks(BATCH_ARTICLES) {
        let mut changes = Changes::default();
        for _ in batch {
            seq += 1;
            for (tree, bytes) in Tree::ALL.into_iter().zip(ROW_BYTES) {
                let key = Id::of(&[&seq.to_be_bytes()]).0.to_be_bytes();
                changes.put(tree, key, vec![7; bytes]);
            }
        }
        store.commit(&changes, journal.end()).expect("room on its disk");
    }
    store.close().expect("a synced index");
}

/// What `ingest` does between reading and printing.
pub(crate) fn whole(corpus: &Corpus) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = StateDir::lock(folder.path()).expect("its lock");
    let (journal, _) = Journal::open(&state).expect("a journal in it");
    let options = Options { analysis: pipeline::ANALYSIS, journal_end: journal.end() };
    let opened = Store::open(&state, &options).expect("an index in it");
    let log = AlertLog::open(&folder.path().join("alerts.log"), Format::Text).expect("a log in it");
    let now = corpus.articles.first().map(|article| article.seen_at).unwrap_or_default();
    let mut pipeline = Pipeline::open(journal, opened, log, now, &mut |_, _| {}).expect("an empty pipeline");
    let topic =
        TopicRule { name: "bench".to_owned(), query: Some("zephyrine".to_owned()), ..TopicRule::default() };
    let rules =
        Rules { topics: vec![topic], window_days: 30, window_articles_max: 300_000, ..Rules::default() };
    pipeline.set_rules(rules).expect("room on its disk");
    for batch in corpus.articles.chunks(BATCH_ARTICLES) {
        let found = batch.iter().cloned().map(Found::Article).collect();
        let delivery = Delivery { at: now, found, checkpoints: Vec::new(), receipt: None };
        pipeline.take(vec![delivery]).expect("room on its disk");
    }
    pipeline.close().expect("a synced index");
}

fn decision(article: &storywatch::article::Article, seq: u64) -> Decision {
    let id = ArticleId { report: Id(seq), revision: 1 };
    Decision {
        story: Some(Id(seq)),
        ..Decision::of(
            ArticleHead {
                id,
                input_id: None,
                source: article.outlet.clone(),
                url: article.url.clone(),
                title: article.title.clone(),
                published: article.published,
                seen_at: article.seen_at,
                language: None,
                lead: String::new(),
            },
            Verdict::New,
        )
    }
}
