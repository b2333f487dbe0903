//! Articles through the whole pipeline: a real journal, a real index, a real log.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::*;
use crate::{
    alert::{Format, log::AlertLog},
    article::{Occasion, TextFrom},
    event::{Question, TopicRule},
    journal::{reader::Reader, state_dir::StateDir},
    store::Options,
};

mod adoption;
mod bounds;
mod noise;
mod retention;

const FEED: &str = "https://feeds.gull.example/all";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A state directory, its pipeline, and a clock.
struct World {
    dir: TempDir,
    pipeline: Option<Pipeline>,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = "2031-03-02T08:00:00Z".parse().unwrap();
        let mut world = Self { pipeline: Some(open(dir.path(), now)), dir, now };
        let topic =
            TopicRule { name: "all".to_owned(), query: Some("harbour".to_owned()), ..TopicRule::default() };
        let rules = Rules {
            topics: vec![topic],
            max_age_secs: 3 * 86_400,
            first_fetch_secs: 86_400,
            window_days: 30,
            names: Vec::new(),
            window_articles_max: 1000,
            feeds: Vec::new(),
        };
        world.pipeline().set_rules(rules).unwrap();
        world
    }

    fn pipeline(&mut self) -> &mut Pipeline {
        self.pipeline.as_mut().unwrap()
    }

    /// One answer of a source; verdicts and outcomes in order, `new` and `update!` where it was told.
    fn give(&mut self, articles: &[Article]) -> Vec<String> {
        self.decide(articles)
            .iter()
            .map(|decision| {
                let told = decision["matches"][0]["outcome"] == "alerted";
                format!("{}{}", decision["verdict"].as_str().unwrap(), if told { "!" } else { "" })
            })
            .collect()
    }

    fn decide(&mut self, articles: &[Article]) -> Vec<Value> {
        self.now += HOUR;
        let (receipt, mut received) = oneshot::channel();
        let at = self.now;
        let found = articles
            .iter()
            .map(|article| Found::Article(Article { seen_at: at, published: Some(at), ..article.clone() }))
            .collect();
        self.pipeline()
            .take(vec![Delivery { at, found, checkpoints: Vec::new(), receipt: Some(receipt) }])
            .unwrap();
        received.try_recv().unwrap().iter().map(|json| serde_json::from_str(json).unwrap()).collect()
    }

    fn restart(&mut self) {
        self.pipeline.take().unwrap().close().unwrap();
        self.pipeline = Some(open(self.dir.path(), self.now));
    }

    /// Every decision comes out the same when it is made again.
    fn verify(mut self) {
        self.pipeline.take().unwrap().close().unwrap();
        let reader = Reader::open(self.dir.path()).unwrap();
        let again = decide_again(&reader, &mut |_, _| {}).unwrap();
        assert_eq!((again.differ, again.articles > 0), (0, true), "{:?}", again.different);
    }
}

fn open(dir: &Path, now: Timestamp) -> Pipeline {
    let state = StateDir::lock_with_floor(dir, 0).unwrap();
    let (journal, _) = Journal::open(&state).unwrap();
    let options = Options { analysis: ANALYSIS, journal_end: journal.end() };
    let opened = Store::open(&state, &options).unwrap();
    let log = AlertLog::open(&dir.join("alerts.log"), Format::Json).unwrap();
    Pipeline::open(journal, opened, log, now, &mut |_, _| {}).unwrap()
}

/// Sentences of made words, each number its own.
fn sentences(numbers: std::ops::Range<u32>) -> String {
    const PARTS: [&str; 16] = [
        "ba", "ren", "to", "lis", "ma", "ko", "ver", "sin", "da", "pol", "ne", "gar", "ti", "hum", "ro",
        "fel",
    ];
    let word = |n: u32| {
        let mixed = text::mix(u64::from(n) ^ 0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93).to_le_bytes();
        mixed[..3].iter().map(|byte| PARTS[usize::from(byte % 16)]).collect::<String>()
    };
    let sentence = |n: u32| {
        let words: Vec<_> = (0..12).map(|place| word(n * 12 + place)).collect();
        format!("{} harbour {}.", words[..5].join(" "), words[5..].join(" "))
    };
    numbers.map(sentence).collect::<Vec<_>>().join(" ")
}

/// Article `number` of the feed, with an address and an id of its own.
fn item(number: u32) -> Article {
    Article {
        url: Some(format!("https://gull.example/news/{number}")),
        guid: Some(format!("gull-{number}")),
        title: format!("Harbour letter no. {number}: {}", sentences(number..number + 1)),
        text: sentences(number * 100..number * 100 + 20),
        outlet: "gull.example".to_owned(),
        origin: FEED.to_owned(),
        ..Article::default()
    }
}

/// The same as another outlet's.
fn elsewhere(article: &Article, outlet: &str) -> Article {
    Article {
        url: Some(format!("https://{outlet}/{}", article.url.as_deref().unwrap().len())),
        guid: None,
        outlet: outlet.to_owned(),
        origin: format!("https://{outlet}/feed"),
        ..article.clone()
    }
}

#[test]
fn an_id_may_flip_between_http_and_https() {
    let mut world = World::new();
    let with = |guid: &str| Article { url: None, guid: Some(guid.to_owned()), ..item(1) };
    assert_eq!(world.give(&[with("http://gull.example/?p=1")]), ["new!"]);
    assert_eq!(world.give(&[with("https://gull.example/?p=1")]), ["seen"]);
    let changed = Article { text: sentences(100..125), ..with("https://gull.example/?p=1") };
    assert_eq!(world.give(&[changed]), ["update!"]);
    assert_eq!(world.give(&[with("https://gull.example/?p=2")])[0], "seen");
    world.verify();
}

#[test]
fn ids_that_change_at_every_fetch_make_no_news() {
    let mut world = World::new();
    let fetched = |fetch: u32| -> Vec<_> {
        let item = |n| Article { guid: Some(format!("{fetch}/{n}")), ..item(n) };
        (1..=8).map(item).collect()
    };
    assert_eq!(world.give(&fetched(1)), ["new!"; 8]);
    for fetch in 2..5 {
        assert_eq!(world.give(&fetched(fetch)), ["seen"; 8]);
    }
    let mut last = fetched(5);
    last[3].text = sentences(400..426);
    let verdicts = world.give(&last);
    assert_eq!((verdicts[3].as_str(), verdicts.iter().filter(|v| *v == "seen").count()), ("update!", 7));
    world.verify();
}

#[test]
fn items_that_vanish_come_back_as_what_they_were() {
    let mut world = World::new();
    assert_eq!(world.give(&[item(1), item(2)]), ["new!", "new!"]);
    assert_eq!(world.give(&[item(3)]), ["new!"]);
    world.restart();
    assert_eq!(world.give(&[item(2), item(1)]), ["seen", "seen"]);
    world.verify();
}

#[test]
fn items_that_share_one_address_are_items_of_their_own() {
    let mut world = World::new();
    let shared = |n| Article { url: Some("https://gull.example/".to_owned()), ..item(n) };
    assert_eq!(world.give(&[shared(1), shared(2), shared(3)]), ["new!"; 3]);
    assert_eq!(world.give(&[shared(1), shared(2), shared(3)]), ["seen"; 3]);
    assert_eq!(world.give(&[shared(4), shared(2)]), ["new!", "seen"]);
    let without_id = |n| Article { guid: None, ..shared(n) };
    assert_eq!(world.give(&[without_id(5), without_id(6)]), ["new!"; 2]);
    assert_eq!(world.give(&[without_id(5), without_id(6)]), ["seen"; 2]);
    // one title for all, as shows and newsletters have it
    let show = |n| Article { title: "The harbour hour".to_owned(), ..shared(n) };
    assert_eq!(world.give(&[show(7), show(8)]), ["new!"; 2]);
    world.verify();
}

#[test]
fn one_id_for_all_items_does_not_merge_them() {
    let mut world = World::new();
    let same = |n| Article { guid: Some(FEED.to_owned()), ..item(n) };
    assert_eq!(world.give(&[same(1), same(2), same(3)]), ["new!"; 3]);
    assert_eq!(world.give(&[same(1), same(2), same(3)]), ["seen"; 3]);
    world.verify();
}

#[test]
fn a_feed_that_was_given_other_ids_and_fuller_texts_is_taken_over_quietly() {
    let mut world = World::new();
    let teaser = |n| Article { text: sentences(n * 100..n * 100 + 4), ..item(n) };
    let before: Vec<_> = (1..=10).map(teaser).collect();
    assert_eq!(world.give(&before), ["new!"; 10]);
    let rekeyed = |n| Article { guid: Some(format!("cms2:{n}")), ..item(n) };
    let mut after: Vec<_> = (1..=10).map(rekeyed).collect();
    after.push(rekeyed(11));
    let verdicts = world.give(&after);
    assert_eq!(verdicts[..10], ["update"; 10]);
    assert_eq!(verdicts[10], "new!");
    assert_eq!(world.give(&after), ["seen"; 11]);
    // from then on it is a feed like any other
    after[0].text = sentences(100..126);
    assert_eq!(world.give(&after)[0], "update!");
    world.verify();
}

#[test]
fn a_feed_whose_ids_and_addresses_are_all_new_is_known_by_its_texts_and_told_of_once() {
    let mut world = World::new();
    let before: Vec<_> = (1..=10).map(item).collect();
    let moved = |n: u32| Article {
        guid: Some(format!("cms3:{n}")),
        url: Some(format!("https://gull.example/2031/{n}")),
        ..item(n)
    };
    let after: Vec<_> = (1..=11).map(moved).collect();
    assert_eq!(world.give(&before), ["new!"; 10]);
    assert_eq!(world.pipeline().rekeyed.len(), 0);
    let verdicts = world.give(&after);
    assert_eq!(verdicts[..10], ["seen"; 10]);
    assert_eq!(verdicts[10], "new!");
    assert_eq!(world.pipeline().rekeyed.len(), 1);
    world.verify();
}

#[test]
fn a_new_feed_is_not_taken_for_one_whose_ids_are_new() {
    let mut world = World::new();
    world.give(&(1..=10).map(item).collect::<Vec<_>>());
    let other = |n: u32| Article {
        guid: Some(format!("other:{n}")),
        url: Some(format!("https://gull.example/other/{n}")),
        ..item(n)
    };
    world.give(&(8..=20).map(other).collect::<Vec<_>>());
    assert!(world.pipeline().rekeyed.is_empty());
}

#[test]
fn a_few_changed_items_are_told() {
    let mut world = World::new();
    let first: Vec<_> = (1..=8).map(item).collect();
    world.give(&first);
    let mut second = first;
    for (number, article) in (1..=4).zip(&mut second) {
        article.text = sentences(number * 100..number * 100 + 27);
    }
    assert_eq!(
        world.give(&second),
        ["update!", "update!", "update!", "update!", "seen", "seen", "seen", "seen"]
    );
    world.verify();
}

#[test]
fn a_teaser_and_its_article_are_told_once_whichever_comes_first() {
    let teaser_of =
        |article: &Article| Article { text: article.text.chars().take(330).collect(), ..article.clone() };
    let mut world = World::new();
    assert_eq!(world.give(&[teaser_of(&item(1))]), ["new!"]);
    assert_eq!(world.give(&[elsewhere(&item(1), "tern.example")]), ["copy"]);
    assert_eq!(world.give(&[elsewhere(&item(2), "tern.example")]), ["new!"]);
    assert_eq!(world.give(&[teaser_of(&item(2))]), ["copy"]);
    // by another way of the same outlet, under another address
    let by_drop =
        |n: u32| Article { guid: None, url: Some(format!("https://gull.example/full/{n}")), ..item(n) };
    assert_eq!(world.give(&[teaser_of(&item(3))]), ["new!"]);
    assert_eq!(world.give(&[by_drop(3)])[0].trim_end_matches('!'), "update");
    assert_eq!(world.give(&[by_drop(4)]), ["new!"]);
    assert_eq!(world.give(&[teaser_of(&item(4))]), ["update"]);
    world.verify();
}

#[test]
fn headlines_match_only_to_the_word() {
    let mut world = World::new();
    let short = |outlet: &str, text: &str| Article {
        title: "Harbour shut".to_owned(),
        text: text.to_owned(),
        ..elsewhere(&item(1), outlet)
    };
    let text = "The harbour is shut until Friday because of the storm, the port office says.";
    assert_eq!(world.give(&[short("gull.example", text)]), ["new!"]);
    assert_eq!(world.give(&[short("tern.example", &text.to_uppercase())]), ["copy"]);
    assert_eq!(world.give(&[short("auk.example", &text.replace("Friday", "Sunday"))]), ["new!"]);
    world.verify();
}

#[test]
fn languages_without_spaces_are_compared_by_characters() {
    const TEXT: [&str; 3] = [
        "港の桟橋は月曜日の朝から閉鎖されている。市の担当者によると、修理には少なくとも三週間かかる見込みだ。",
        "漁師たちは隣町の小さな港を使うよう求められたが、燃料代がかさむとして補償を求めている。",
        "市長は水曜日に現場を訪れ、工事を急ぐと約束した。予算は来週の議会で審議される予定である。",
    ];
    let mut world = World::new();
    let article = |outlet: &str, parts: &[usize]| Article {
        title: "港の桟橋が閉鎖".to_owned(),
        text: parts.iter().map(|part| TEXT[*part]).collect(),
        ..elsewhere(&item(1), outlet)
    };
    assert_eq!(world.give(&[article("gull.example", &[0, 1, 2])]), ["new"]);
    assert_eq!(world.give(&[article("tern.example", &[0, 1])]), ["copy"]);
    let other = Article {
        text: "来月の花火大会は例年どおり川沿いの公園で開かれる。主催者は約四万人の人出を見込んでおり、臨時の電車も運行される。"
            .to_owned(),
        title: "花火大会の日程".to_owned(),
        ..elsewhere(&item(1), "auk.example")
    };
    assert_eq!(world.give(&[other]), ["new"]);
    world.verify();
}

#[test]
fn an_update_says_what_changed() {
    let mut world = World::new();
    world.give(&[item(1)]);
    let text = format!("{} The ferry sank in the outer harbour at dawn.", item(1).text);
    let decided = world.decide(&[Article { text, ..item(1) }]);
    assert_eq!(decided[0]["change"]["added"], "The ferry sank in the outer harbour at dawn");
    assert_eq!(decided[0]["change"]["words_removed"], 0);
    world.verify();
}

#[test]
fn explain_shows_the_candidate_also_of_what_is_recorded() {
    let mut world = World::new();
    world.give(&[item(1)]);
    let mut copy = elsewhere(&item(1), "tern.example");
    copy.text.push_str(" Printed with leave of the Gull.");
    let decided = world.decide(&[copy.clone()]);
    assert_eq!(decided[0]["verdict"], "copy");
    let recorded = decided[0]["article"]["id"].as_str().unwrap().to_owned();
    let again = Article {
        url: Some("https://auk.example/1".to_owned()),
        seen_at: world.now,
        text: format!("{} Taken from the Gull.", item(1).text),
        ..copy
    };
    for (question, only_here) in [
        (Question::ExplainKnown(recorded), "Printed with leave of the Gull"),
        (Question::ExplainArticle(Box::new(again)), "Taken from the Gull"),
    ] {
        let answer = world.pipeline().answer(question);
        let compared = &answer["why"]["compared"][0];
        assert_eq!(compared["source"], "gull.example", "{answer}");
        assert_eq!(compared["shared"], 1.0);
        assert_eq!(compared["only_here"], only_here);
    }
}

#[test]
fn copies_count_for_their_group_not_as_independent_reports() {
    let mut world = World::new();
    assert_eq!(world.give(&[item(1)]), ["new!"]);
    let mut of = Vec::new();
    for outlet in ["tern.example", "auk.example", "skua.example"] {
        let mut copy = elsewhere(&item(1), outlet);
        copy.text = format!("({outlet}) {}", copy.text);
        of.push(world.decide(&[copy])[0]["of"].clone());
    }
    assert!(of.iter().all(|original| *original == of[0] && !original.is_null()), "{of:?}");
    let own = Article { occasion: Occasion::Live, ..item(1) };
    assert_eq!(world.give(&[Article { text: sentences(100..126), ..own }]), ["update!"]);
    let log = std::fs::read_to_string(world.dir.path().join("alerts.log")).unwrap();
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    let told = ["outlets", "independent", "reports", "copies"].map(|count| last[count].as_u64().unwrap());
    assert_eq!(told, [4, 1, 4, 3]);
    world.verify();
}

#[test]
fn a_teaser_whose_text_proves_to_be_another_outlets_counts_as_a_copy() {
    let mut world = World::new();
    assert_eq!(world.give(&[item(1)]), ["new!"]);
    let teaser = Article { text: sentences(500..502), ..elsewhere(&item(1), "tern.example") };
    let first = &world.decide(std::slice::from_ref(&teaser))[0];
    assert_eq!((&first["verdict"], &first["copy_of"]), (&"new".into(), &Value::Null));
    let whole = Article { text: item(1).text, text_from: TextFrom::Page, ..teaser };
    let grown = &world.decide(&[whole])[0];
    assert_eq!((&grown["verdict"], grown["copy_of"].is_string()), (&"update".into(), true), "{grown}");
    assert_eq!(grown["matches"][0]["outcome"], "suppressed:copy");
    world.restart();
    let other = Article { text: sentences(600..626), ..elsewhere(&item(1), "skua.example") };
    assert_eq!(world.give(&[other]), ["new!"]);
    let log = std::fs::read_to_string(world.dir.path().join("alerts.log")).unwrap();
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    let told = ["outlets", "independent", "reports", "copies"].map(|count| last[count].as_u64().unwrap());
    assert_eq!(told, [3, 2, 3, 1], "{last}");
    world.verify();
}

#[test]
fn a_page_that_joins_its_teaser_is_told_to_nobody_twice() {
    let mut world = World::new();
    let teaser = Article { text: sentences(0..1), ..item(1) };
    let whole = Article { text: sentences(20..40), text_from: TextFrom::Page, ..item(1) };
    assert_eq!(world.give(std::slice::from_ref(&teaser)), ["new!"]);
    let joined = &world.decide(std::slice::from_ref(&whole))[0];
    assert_eq!(
        (&joined["verdict"], &joined["reason"], &joined["matches"][0]["outcome"]),
        (&"update".into(), &"full text".into(), &"suppressed:full-text".into())
    );
    assert_eq!(world.give(&[teaser, whole.clone()]), ["seen", "seen"]);
    // from then on what changes is news
    let changed = Article { text: format!("{} {}", sentences(20..40), sentences(50..54)), ..whole };
    assert_eq!(world.give(&[changed]), ["update!"]);
    world.verify();
}

#[test]
fn what_only_the_page_says_is_told() {
    let mut world = World::new();
    let short = Article { title: "Notes of the day".to_owned(), ..item(1) };
    let teaser = Article { text: "Nothing of it is said here.".to_owned(), ..short.clone() };
    let whole = Article { text: sentences(20..40), text_from: TextFrom::Page, ..short };
    assert_eq!(world.give(&[teaser]), ["new"]);
    assert_eq!(world.give(&[whole]), ["update!"]);
    world.verify();
}
