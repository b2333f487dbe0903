//! The whole of dedupe with as much known as there will ever be: a full window in memory, and fingerprints of years in
//! the index.

#![expect(clippy::expect_used, reason = "a bench that cannot write has nothing to say")]

use std::{
    hint::black_box,
    sync::{Mutex, OnceLock, PoisonError},
};

use storywatch::{
    article::{Article, Id},
    journal::{Journal, Position, state_dir::StateDir},
    pipeline::{
        self, address,
        dedupe::{self, Entry, Index, Probe, Relation},
        fingerprint, text,
        view::{Changes, Tree},
    },
    store::{Options, Store},
};
use tempfile::TempDir;

use crate::{BATCH_ARTICLES, Corpus, corpus::Random};

/// As many as a full window holds.
const WINDOW_ARTICLES: u64 = 300_000;

/// Of years.
const FINGERPRINTS: u64 = 1_000_000;

/// What is kept of a report beside its keys, about.
const REPORT_BYTES: usize = 110;

/// Reports of one commit.
const ROWS_AT_ONCE: u64 = 1_000;

/// Reports between two openings.
const REPORTS_AT_ONCE: u64 = 50_000;

/// All that is known.
struct House {
    index: Index,
    store: Store,
    _folder: TempDir,
}

static HOUSES: [OnceLock<Mutex<House>>; 2] = [const { OnceLock::new() }; 2];

/// Keys, text, sketch, comparison, and what is written: with the fingerprints of the window alone.
pub(crate) fn dedupe_with_the_window(corpus: &Corpus) {
    in_house(0, WINDOW_ARTICLES, corpus);
}

/// The same with a million fingerprints.
pub(crate) fn dedupe_with_a_million(corpus: &Corpus) {
    in_house(1, FINGERPRINTS, corpus);
}

fn in_house(number: usize, stored: u64, corpus: &Corpus) {
    let Some(house) = HOUSES.get(number) else { return };
    let house = house.get_or_init(|| Mutex::new(built(stored)));
    let mut house = house.lock().unwrap_or_else(PoisonError::into_inner);
    for (batch, first) in corpus.articles.chunks(BATCH_ARTICLES).zip((0..).step_by(BATCH_ARTICLES)) {
        let mut changes = Changes::default();
        for (article, place) in batch.iter().zip(first..) {
            take(&mut house, corpus, article, place, &mut changes);
        }
        house.store.commit(&changes, Position::default()).expect("room on its disk");
    }
    // the next round finds what this one has found
    (0..corpus.articles.len()).for_each(|place| house.index.remove(seq_of(place)));
}

fn seq_of(place: usize) -> u64 {
    WINDOW_ARTICLES + 1 + place as u64
}

/// What the pipeline does to recognise an article, and to be able to recognise it later.
fn take(house: &mut House, corpus: &Corpus, article: &Article, place: usize, changes: &mut Changes) {
    let House { index, store, .. } = house;
    let words = text::words(&article.text);
    let fingerprint = fingerprint::fingerprint(&words);
    let url = article.url.as_deref().and_then(address::canonical).unwrap_or_default();
    let (outlet, seq) = (article.outlet.as_bytes(), seq_of(place));
    let keys = [
        Id::of(&[b"guid", outlet, url.as_bytes()]),
        Id::of(&[b"url", url.as_bytes()]),
        fingerprint.body.unwrap_or_default(),
    ];
    let report = Id::of(&[b"report", url.as_bytes()]);
    for key in keys {
        black_box(store.get(Tree::Identities, &key.0.to_be_bytes()).expect("a sound index"));
    }
    black_box(store.get(Tree::Reports, &report.0.to_be_bytes()).expect("a sound index"));
    let (site, time) = (dedupe::site_hash(&article.outlet), article.seen_at.as_second());
    let probe = Probe { site, time, fingerprint: &fingerprint, words: &words, besides: None };
    let known = |seq: u64| corpus.articles.get(usize::try_from(seq.checked_sub(seq_of(0))?).ok()?);
    let judged =
        dedupe::judge(index, &probe, &mut |seq| known(seq).map(|article| text::words(&article.text)));
    let (root, family) = match judged.relation {
        Relation::Copy { root, family, .. } => (root, family),
        Relation::Update { family, .. } => (report, family),
        Relation::None => (report, report),
    };
    let taken = Entry {
        seq,
        report,
        root,
        family,
        site,
        time,
        words: fingerprint.words,
        sketch: fingerprint.sketch.into(),
        indexed: root == report,
    };
    index.insert(&taken);
    for key in keys {
        changes.put(Tree::Identities, key.0.to_be_bytes(), report.0.to_le_bytes().to_vec());
    }
    changes.put(Tree::Reports, report.0.to_be_bytes(), vec![7; REPORT_BYTES]);
    changes.put(Tree::Window, seq.to_be_bytes(), taken.encode());
}

/// What the window keeps of an article of 5 KB that is like no other.
pub(crate) fn entry(seq: u64, random: &mut Random) -> Entry {
    Entry {
        seq,
        report: Id(seq),
        root: Id(seq),
        family: Id(seq),
        site: seq % 1000,
        time: 1_900_000_000,
        words: 800,
        sketch: (0..72).map(|_| u32::try_from(random.next() >> 32).unwrap_or_default()).collect(),
        indexed: true,
    }
}

fn built(stored: u64) -> House {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = StateDir::lock(folder.path()).expect("its lock");
    let (journal, _) = Journal::open(&state).expect("a journal in it");
    let options = Options { analysis: pipeline::ANALYSIS, journal_end: journal.end() };
    let store = Store::open(&state, &options).expect("an index in it").store;
    store.close().expect("a synced index");
    let mut random = Random(3);
    let mut left = stored;
    // sled gives memory back when it is closed: a million reports at once took more than a machine has
    while left > 0 {
        let store = Store::open(&state, &options).expect("the index again").store;
        let some = left.min(REPORTS_AT_ONCE);
        for _ in 0..some.div_ceil(ROWS_AT_ONCE) {
            let mut changes = Changes::default();
            for _ in 0..ROWS_AT_ONCE.min(left) {
                let report = random.next();
                changes.put(Tree::Reports, report.to_be_bytes(), vec![7; REPORT_BYTES]);
                for _ in 0..3 {
                    let key = random.next().to_be_bytes();
                    changes.put(Tree::Identities, key, report.to_le_bytes().to_vec());
                }
            }
            left -= ROWS_AT_ONCE.min(left);
            store.commit(&changes, Position::default()).expect("room on its disk");
        }
        store.close().expect("a synced index");
    }
    let store = Store::open(&state, &options).expect("the index again").store;
    let mut index = Index::default();
    let entries: Vec<Entry> = (1..=WINDOW_ARTICLES).map(|seq| entry(seq, &mut random)).collect();
    index.insert_all(&entries);
    House { index, store, _folder: folder }
}
