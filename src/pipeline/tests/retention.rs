//! Texts expire, what was seen stays known, and what nobody sees any more is forgotten.

use super::*;
use crate::{
    journal::{Line, Position},
    pipeline::{kept::keep, view::Rows},
};

const DAY: SignedDuration = SignedDuration::from_hours(24);

impl World {
    /// Time goes on.
    fn pass(&mut self, days: i32) {
        self.now += DAY * days;
    }

    /// Gives up the texts of all days that are not needed any more.
    fn give_up(&mut self) -> usize {
        let needed = self.pipeline().oldest_day().get();
        let reader = Reader::open(self.dir.path()).unwrap();
        let days: Vec<_> =
            reader.whole_days().unwrap().into_iter().filter(|(day, _)| *day < needed).collect();
        for (day, _) in &days {
            reader.give_up(*day, &mut keep).unwrap();
        }
        days.len()
    }

    fn rows(&mut self) -> Vec<(Tree, Rows)> {
        let store = &self.pipeline().store;
        Tree::ALL.into_iter().map(|tree| (tree, store.scan(tree, b"", usize::MAX).unwrap())).collect()
    }

    fn rebuild(&mut self) {
        self.pipeline.take().unwrap().close().unwrap();
        crate::store::remove(&StateDir::lock_with_floor(self.dir.path(), 0).unwrap()).unwrap();
        self.pipeline = Some(open(self.dir.path(), self.now));
    }

    /// Forty-five days with news of their own each.
    fn of_many_days() -> Self {
        let mut world = Self::new();
        for day in 0..45 {
            let news: Vec<_> = (day * 2..day * 2 + 2).map(item).collect();
            world.give(&news);
            let copied = elsewhere(&news[0], &format!("tern{}.example", day % 3));
            assert_eq!(world.give(&[copied]), ["copy"]);
            world.pass(1);
        }
        world
    }
}

#[test]
fn what_is_known_survives_its_text() {
    let mut world = World::of_many_days();
    assert!(world.give_up() >= 10);
    world.restart();
    assert_eq!(world.give(&[item(0), item(2)]), ["seen", "seen"]);
    let changed = Article { text: sentences(7000..7020), ..item(1) };
    assert_eq!(world.give(std::slice::from_ref(&changed)), ["update"]);
    let (old, mut moved) = (item(3), item(3));
    moved.url = None;
    assert_eq!(world.give(&[Article { guid: Some("http://gull.example/x".to_owned()), ..moved }]), ["seen"]);
    assert_eq!(world.give(&[elsewhere(&old, "auk.example")]), ["copy"]);
    // an address that leads to something else altogether is no reason to hide it
    let other = Article { url: item(5).url, guid: None, ..item(900) };
    assert_eq!(world.give(&[other]), ["new!"]);
    world.verify();
}

#[test]
fn an_index_is_built_from_days_without_texts_as_it_was() {
    let mut world = World::of_many_days();
    let before = world.rows();
    assert!(world.give_up() >= 10);
    world.rebuild();
    for ((tree, before), (_, after)) in before.into_iter().zip(world.rows()) {
        assert_eq!(before, after, "{tree:?}");
    }
    assert_eq!(world.give(&[item(0)]), ["seen"]);
    world.verify();
}

#[test]
fn days_whose_look_back_is_whole_are_decided_again() {
    let mut world = World::of_many_days();
    world.pipeline.take().unwrap().close().unwrap();
    let again =
        |world: &World| decide_again(&Reader::open(world.dir.path()).unwrap(), &mut |_, _| {}).unwrap();
    let whole = again(&world);
    assert_eq!((whole.left_out, whole.differ, whole.whole_from), (0, 0, Some(20_310_302)));
    world.pipeline = Some(open(world.dir.path(), world.now));
    world.give_up();
    let part = again(&world);
    assert_eq!((part.articles + part.left_out, part.differ), (whole.articles, 0));
    assert!(part.articles > 0 && part.whole_from > Some(20_310_302), "{part:?}");
}

#[test]
fn places_in_the_journal_stay_what_they_are() {
    let mut world = World::of_many_days();
    let read = |world: &World| {
        let reader = Reader::open(world.dir.path()).unwrap();
        let scan = reader.scan(Position::default()).unwrap();
        let lines = scan.map(Result::unwrap).filter_map(|(at, line)| match line {
            Line::Article { seq, article, decision, alerts, .. } => {
                assert_eq!(reader.read_article(at).unwrap(), article);
                let names: Vec<_> = decision.entities.iter().map(|entity| entity.name.clone()).collect();
                let told: Vec<_> = alerts.iter().map(|alert| (alert.seq, alert.novel.clone())).collect();
                let id = decision.article.id;
                Some((at, seq, id, article.title, article.url, decision.story, decision.of_id, names, told))
            }
            _ => None,
        });
        (lines.collect::<Vec<_>>(), reader.end())
    };
    let before = read(&world);
    world.give_up();
    assert_eq!(read(&world), before);
    // and from any place between
    let reader = Reader::open(world.dir.path()).unwrap();
    for (place, (at, ..)) in before.0.iter().enumerate().step_by(7) {
        let scan = reader.scan(Position { day: at.day, offset: at.offset }).unwrap();
        let left = scan.filter(|line| matches!(line, Ok((_, Line::Article { .. })))).count();
        assert_eq!(left, before.0.len() - place);
    }
}

#[test]
fn what_is_still_shown_outlives_its_day() {
    let mut world = World::new();
    world.pipeline().forget_after(1);
    assert_eq!(world.give(&[item(1), item(2)]), ["new!", "new!"]);
    // one of them stands in the feed for two years
    for month in 0..24 {
        world.pass(31);
        assert_eq!(world.give(&[item(1), item(100 + month), item(1)]), ["seen", "new!", "seen"]);
        let now = world.now;
        world.pipeline().tick(now).unwrap();
        world.give_up();
        world.pipeline().tick(now).unwrap();
    }
    let rules = world.pipeline().rules().clone();
    let days = Reader::open(world.dir.path()).unwrap().days().count();
    assert!((10..16).contains(&days), "{days} days are left");
    world.rebuild();
    assert_eq!(*world.pipeline().rules(), rules);
    assert_eq!(world.give(&[item(1), item(2)]), ["seen", "new!"]);
    let reworded = Article { text: sentences(8000..8020), ..item(1) };
    assert!(world.give(&[reworded])[0].starts_with("update"));
    world.verify();
}

/// What a kill leaves at each step of giving up a day: its own file, how much of the one without texts is written, and
/// whether that is in place.
#[test]
fn a_kill_while_a_day_gives_up_its_texts_loses_nothing() {
    let mut world = World::of_many_days();
    world.restart();
    let before = world.rows();
    world.pipeline.take().unwrap().close().unwrap();
    let dir = world.dir.path().to_owned();
    let own = dir.join("journal/2031-03-02.jsonl.zst");
    let whole = std::fs::read(&own).unwrap();
    Reader::open(&dir).unwrap().give_up(20_310_302, &mut keep).unwrap();
    let mut files = std::fs::read_dir(dir.join("journal")).unwrap().map(|file| file.unwrap().path());
    let in_place = files.find(|path| path.to_string_lossy().contains(".kept-")).unwrap();
    let without = std::fs::read(&in_place).unwrap();
    let aside = own.with_extension("new");
    let half = without.len() / 2;
    for (has_own, written, is_in_place) in [
        (true, Some(0), false),
        (true, Some(half), false),
        (true, Some(without.len()), false),
        (true, None, true),
        (false, None, true),
    ] {
        std::fs::remove_file(&in_place).ok();
        std::fs::remove_file(&own).ok();
        if has_own {
            std::fs::write(&own, &whole).unwrap();
        }
        if let Some(bytes) = written {
            std::fs::write(&aside, &without[..bytes]).unwrap();
        }
        if is_in_place {
            std::fs::write(&in_place, &without).unwrap();
        }
        world.pipeline = Some(open(&dir, world.now));
        assert_eq!(world.rows(), before, "{written:?} {is_in_place}");
        assert!(!aside.exists() && own.exists() != in_place.exists());
        world.rebuild();
        assert_eq!(world.rows(), before, "{written:?} {is_in_place}: built again");
        world.pipeline.take().unwrap().close().unwrap();
    }
    world.pipeline = Some(open(&dir, world.now));
    assert_eq!(world.give(&[item(0), item(2)]), ["seen", "seen"]);
    world.verify();
}
