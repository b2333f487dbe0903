//! What is in memory of stories ends with the window.

use super::{super::held, *};

#[test]
fn what_is_remembered_of_stories_goes_with_the_window() {
    const WINDOW: u32 = 12;
    let mut world = World::new();
    let like = TopicRule { name: "like".to_owned(), examples: vec![item(1)], ..TopicRule::default() };
    let mut rules = world.pipeline().rules().clone();
    rules.window_articles_max = WINDOW;
    rules.topics.push(like);
    world.pipeline().set_rules(rules).unwrap();
    let mut take = |numbers: std::ops::Range<u32>| {
        for number in numbers {
            let report = item(number);
            world.give(&[elsewhere(&report, "mole.example"), report]);
        }
        let state = &world.pipeline().state;
        let (articles, stories) = state.stories.size();
        assert!(articles == WINDOW as usize && stories <= articles, "{articles} in {stories}");
        let open = |story| state.stories.summary(story).reports > 0;
        assert!(!state.follows.is_empty() && state.follows.keys().all(|(story, _)| open(*story)));
        held::remembered_bytes(state)
    };
    let (few, many) = (take(0..20), take(20..60));
    assert!(few > 0 && many <= few, "{few} {many}");
    world.verify();
}
