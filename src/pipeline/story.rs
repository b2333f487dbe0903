//! Groups articles of several outlets about one event into stories, in one pass and without looking ahead.
//! The state is a fold over the window's members: inserting them again in order gives it back bit by bit.
//! Knows nothing of topics, and no clock: times are arguments.

mod counts;
mod index;
mod load;
mod member;
pub mod model;
mod open;
mod samples;
pub mod terms;
mod vector;
mod weight;
mod weights;
mod words;

use std::collections::{BTreeMap, HashMap};

use self::{
    counts::Counts,
    index::{Postings, Ring},
    open::Story,
    terms::FixedState,
    vector::{Sums, cosines},
    words::{Latest, Words},
};
pub use self::{
    index::Normal,
    load::Ready,
    member::Member,
    samples::{Compared, Rough, Samples},
    terms::{Features, features},
    vector::{Entry, Loaded, Probe, VIEWS, Vector, View},
    weight::Weights,
    words::Recall,
};
use super::{roll::Roll, view::ViewError};
use crate::article::Id;

/// A story takes articles for so long after its last one, by event time, in seconds.
pub const ACTIVE_SECS: i64 = 5 * DAY_SECS;
/// Stories that are looked at closely for one article.
const CANDIDATES_MAX: usize = 6;
/// The same for a headline alone: its few words say less of which stories are worth a look, and looks are cheap.
const CANDIDATES_OF_HEADLINE_MAX: usize = 10;
/// Further members of one candidate that are compared.
const CLOSE_MEMBERS_MAX: usize = 2;
/// Members found by the index that are sorted into stories.
const FOUND_MAX: usize = 160;
const DAY_SECS: i64 = 86_400;

/// Where an article belongs, and why.
#[derive(Clone, Debug, Default)]
pub struct Assignment {
    /// The story that it joins; none if it opens one.
    pub story: Option<Id>,
    /// Of the best candidate, in units of the model's log odds above its threshold; `f64::MIN` without any.
    pub score: f64,
    /// The candidates, best first.
    pub candidates: Vec<Candidate>,
    /// The article's words as compared, for the topics.
    pub loaded: Loaded,
    /// How like the latest articles it is in general.
    pub normal: Normal,
    /// How like the likest candidate it is.
    pub likest: f64,
    /// Members of the window that share most with it, best first.
    pub near: Vec<u64>,
}

/// A story that an article might belong to.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The story.
    pub story: Id,
    /// Log odds above the threshold: joined from 0 on.
    pub score: f64,
    /// What the score is made of, in the order of `model::Feature`.
    pub features: [f64; model::STORY_FEATURES],
    /// The most similar article of the story.
    pub nearest: Id,
}

/// What is told of a story.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Outlets that told it.
    pub outlets: u32,
    /// Outlets that told it in words of their own.
    pub independent: u32,
    /// Reports, copies too.
    pub reports: u32,
    /// Reports that are copies of another one's text.
    pub copies: u32,
    /// Event time of its first article, of the dated ones if there are any. Seconds since 1970.
    pub first: i64,
    /// Event time of its last one.
    pub last: i64,
}

/// What is in memory of every member.
#[derive(Clone, Copy, Debug)]
struct Held {
    story: Id,
    time: i64,
    outlet: u64,
    dated: bool,
    copy: bool,
}

impl Held {
    fn of(member: &Member) -> Self {
        let Member { story, time, outlet, dated, copy, .. } = *member;
        Self { story, time, outlet, dated, copy }
    }
}

/// The active window: word statistics, index and stories.
#[derive(Debug)]
pub struct Stories {
    counts: Counts,
    postings: Postings,
    ring: Ring,
    members: Roll<Held>,
    latest: Latest,
    /// Members whose words are always asked for.
    pinned: BTreeMap<u64, Loaded>,
    open: HashMap<Id, Story, FixedState>,
}

impl Default for Stories {
    fn default() -> Self {
        Self::new()
    }
}

/// Inverse document frequency of a term in news at large: natural, by the shipped table alone.
#[expect(clippy::cast_possible_truncation, reason = "a weight, not a count")]
pub fn common_idf(term: u32) -> f32 {
    Counts::shipped_ref().idf(term) as f32
}

impl Stories {
    /// An empty window with the shipped word statistics.
    pub fn new() -> Self {
        Self {
            counts: Counts::shipped(),
            postings: Postings::default(),
            ring: Ring::default(),
            members: Roll::default(),
            latest: Latest::default(),
            pinned: BTreeMap::new(),
            open: HashMap::default(),
        }
    }

    /// Weighs an article's words by what is known of them now.
    pub fn weigh(&self, features: &Features) -> Vector {
        Vector::of(features, self.counts.weights(features.terms()))
    }

    /// How an article's words weigh now.
    pub fn weights(&self, features: &Features) -> Weights {
        Weights::by(&self.counts, features)
    }

    /// Inverse document frequency of a term as of now.
    pub fn idf(&self, term: u32) -> f64 {
        self.counts.idf(term)
    }

    /// How like the latest articles something is in general.
    pub fn normal(&self, loaded: &Loaded) -> Normal {
        self.ring.normal(loaded)
    }

    /// Finds the story that an article belongs to. Changes nothing.
    ///
    /// # Errors
    /// When a member cannot be read.
    pub fn assign(
        &self,
        vector: &Vector,
        time: i64,
        dated: bool,
        recall: Recall<'_>,
    ) -> Result<Assignment, ViewError> {
        self.assign_besides(None, vector, time, dated, recall)
    }

    /// The same for a member of the window, as if it were not in: of its own story without it, and of others.
    ///
    /// # Errors
    /// When a member cannot be read.
    pub fn assign_besides(
        &self,
        member: Option<u64>,
        vector: &Vector,
        time: i64,
        dated: bool,
        recall: Recall<'_>,
    ) -> Result<Assignment, ViewError> {
        let loaded = vector.load();
        let [normal, by_story] = self.ring.normals(&loaded);
        let probe = Probe::new(&loaded);
        let mut near = self.postings.nearest(&loaded, self.members.last().unwrap_or(0), FOUND_MAX);
        near.retain(|seq| Some(*seq) != member);
        let (headline, _) = loaded.regime();
        let max = if headline { CANDIDATES_OF_HEADLINE_MAX } else { CANDIDATES_MAX };
        let (mut judged, mut features) = (Vec::with_capacity(max), Vec::with_capacity(max));
        for found in self.find(&near, time, dated, max) {
            if let Some((nearest, alone)) = self.judge(&probe, member, by_story, &found, recall)? {
                judged.push((found, nearest));
                features.push(alone);
            }
        }
        let likest = features.iter().map(model::like).fold(0.0, f64::max);
        let candidates =
            judged.into_iter().zip(model::ahead(&features)).map(|((found, nearest), features)| {
                let score = model::story_score(&features, loaded.regime(), found.gap.is_none());
                Candidate { story: found.id, score, features, nearest }
            });
        let mut candidates: Vec<Candidate> = candidates.collect();
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.story.cmp(&b.story)));
        let best = candidates.first();
        Ok(Assignment {
            story: best.filter(|best| best.score >= 0.0).map(|best| best.story),
            score: best.map_or(f64::MIN, |best| best.score),
            candidates,
            loaded,
            normal,
            likest,
            near,
        })
    }

    /// Active stories that share weighty words, at most so many, each with its most similar members.
    fn find(&self, near: &[u64], time: i64, dated: bool, max: usize) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::with_capacity(max);
        for &seq in near {
            let Some(id) = self.members.get(seq).map(|held| held.story) else { continue };
            if let Some(found) = found.iter_mut().find(|found| found.id == id) {
                if found.close.len() < CLOSE_MEMBERS_MAX {
                    found.close.push(seq);
                }
            } else if found.len() < max {
                let gap = self.open.get(&id).and_then(|story| story.gap(time, dated, &self.members));
                if gap.is_none_or(|gap| gap <= ACTIVE_SECS) {
                    found.push(Found { id, gap, close: vec![seq] });
                }
            }
        }
        found
    }

    /// The member of a story that is nearest to an article, and the features of the two.
    fn judge(
        &self,
        probe: &Probe<'_>,
        besides: Option<u64>,
        normal: Normal,
        Found { id, gap, close }: &Found,
        recall: Recall<'_>,
    ) -> Result<Option<(Id, [f64; model::FEATURES])>, ViewError> {
        let Some(story) = self.open.get(id) else { return Ok(None) };
        let loaded = probe.loaded();
        let mut core = story.core(&self.members);
        core.retain(|seq| Some(*seq) != besides);
        let further = close.iter().filter(|seq| !core.contains(seq));
        let compared = core.iter().chain(further).map(|seq| self.words(*seq, recall));
        let compared = compared.collect::<Result<Vec<_>, _>>()?;
        let of_core = compared.iter().take(core.len()).map(|words| &words.loaded);
        let squares = Sums::of(of_core).squares();
        let mut most = [0.0_f64; VIEWS];
        let mut nearest = None::<(f64, Id)>;
        let mut sums = [0_u64; VIEWS];
        for (place, words) in compared.iter().enumerate() {
            let dots = probe.dots(&words.loaded).map(u64::from);
            let cosines = cosines(dots, loaded.squares(), words.loaded.squares().map(u64::from));
            for (((most, cosine), sum), dot) in most.iter_mut().zip(cosines).zip(&mut sums).zip(dots) {
                *most = most.max(cosine);
                *sum += if place < core.len() { dot } else { 0 };
            }
            let [all, ..] = cosines;
            if nearest.is_none_or(|(best, _)| all > best) {
                nearest = Some((all, words.report));
            }
        }
        let Some((_, nearest)) = nearest else { return Ok(None) };
        let centroid = cosines(sums, loaded.squares(), squares);
        Ok(Some((nearest, model::features(&centroid, &most, normal, *gap))))
    }

    /// Takes an article into the window.
    ///
    /// # Errors
    /// When a member cannot be read.
    pub fn insert(&mut self, member: Member, recall: Recall<'_>) -> Result<(), ViewError> {
        let seq = member.seq;
        self.remove(seq, recall)?;
        let held = Held::of(&member);
        let words = Words::of(member);
        if !held.copy {
            self.counts.add(&words.loaded);
            self.postings.add(seq, &words.loaded);
            self.ring.add(seq, held.story, &words.loaded);
        }
        self.members.insert(seq, held);
        self.join(seq, held.story);
        let wants = self.open.get(&held.story).is_some_and(Story::wants_names);
        if wants {
            self.read_names(held.story, (seq, &words.entities), recall)?;
        } else if let Some(story) = self.open.get_mut(&held.story) {
            story.names_change(&words.entities, true);
        }
        self.keep(seq, words);
        if let Some(seq) = self.ring.overflow() {
            let words = self.words(seq, recall)?.into_owned();
            self.ring.remove(seq, &words.loaded);
        }
        Ok(())
    }

    fn join(&mut self, seq: u64, id: Id) {
        let Self { open, members, .. } = self;
        open.entry(id).and_modify(|story| story.join(seq, members)).or_insert_with(|| Story::of(seq));
    }

    /// Takes an article out: the oldest when it leaves the window, any when a revision replaces it.
    ///
    /// # Errors
    /// When a member cannot be read.
    pub fn remove(&mut self, seq: u64, recall: Recall<'_>) -> Result<(), ViewError> {
        let Some(held) = self.members.get(seq).copied() else { return Ok(()) };
        let words = self.words(seq, recall)?.into_owned();
        if let Some(story) = self.open.get_mut(&held.story) {
            story.names_change(&words.entities, false);
            if !story.leave(seq, &self.members) {
                self.open.remove(&held.story);
            }
        }
        self.members.remove(seq);
        self.latest.remove(seq);
        self.pinned.remove(&seq);
        if !held.copy {
            self.counts.subtract(&words.loaded);
            self.postings.remove(seq, &words.loaded);
            if self.ring.remove(seq, &words.loaded) {
                self.refill(recall)?;
            }
        }
        Ok(())
    }

    /// The ring always holds the latest members, whatever was taken out.
    fn refill(&mut self, recall: Recall<'_>) -> Result<(), ViewError> {
        let Some(front) = self.ring.front() else { return Ok(()) };
        let mut older = self.members.iter().rev().filter(|(seq, held)| *seq < front && !held.copy);
        if let Some((seq, held)) = older.next() {
            let story = held.story;
            let words = self.words(seq, recall)?.into_owned();
            self.ring.add(seq, story, &words.loaded);
        }
        Ok(())
    }

    /// What is told of a story; all zero if the window does not hold it.
    pub fn summary(&self, story: Id) -> Summary {
        self.open.get(&story).map_or_else(Summary::default, |story| story.summary(&self.members))
    }

    /// The same as it will be once a report of this outlet, in its own words, is in. A revision adds nothing.
    pub fn summary_with(&self, story: Id, outlet: u64, revision: bool) -> Summary {
        let summary = self.summary(story);
        if revision {
            return summary;
        }
        let told = self.open.get(&story).map(|story| story.told_by(outlet, &self.members));
        let (told, own) = told.unwrap_or_default();
        Summary {
            outlets: summary.outlets + u32::from(told == 0),
            independent: summary.independent + u32::from(own == 0),
            reports: summary.reports + 1,
            ..summary
        }
    }

    /// The story's members in the window, oldest first.
    pub fn members(&self, story: Id) -> impl Iterator<Item = u64> {
        self.open.get(&story).into_iter().flat_map(|story| story.members(&self.members))
    }

    /// The story of a member.
    pub fn story_of(&self, seq: u64) -> Option<Id> {
        Some(self.members.get(seq)?.story)
    }

    /// Number of articles and of stories in the window.
    pub fn size(&self) -> (usize, usize) {
        (self.members.len(), self.open.len())
    }

    /// A number that is the same for the same state and hardly ever for another; walks all of it, for tests.
    pub fn checksum(&self) -> u64 {
        let mut sum = self.counts.checksum() ^ self.postings.checksum().rotate_left(1);
        sum ^= self.ring.checksum().rotate_left(2);
        let open: BTreeMap<&Id, &Story> = self.open.iter().collect();
        for (id, story) in open {
            let told = format!("{id} {}", story.told(&self.members));
            sum = sum.rotate_left(5) ^ terms::hash(&told, 0);
        }
        sum
    }
}

/// An active story and its members that the index found.
struct Found {
    id: Id,
    /// Seconds between an article and the time that the story covers; none where either has no date.
    gap: Option<i64>,
    close: Vec<u64>,
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FERRY: &str = "The ferry Aurelia ran aground off Holm island on Monday morning with ninety passengers aboard. \
        Coast guard boats took everyone to Holm harbour, where Captain Ilse Varga told reporters that the rudder had \
        failed. Inspectors will examine the Aurelia's steering, and the shipping line Nordlinje apologised.";
    const FERRY_AGAIN: &str = "Ninety people were rescued on Monday when the Nordlinje ferry Aurelia hit rocks near Holm \
        island. The rudder failed, Captain Ilse Varga said in the harbour. The coast guard sent four boats and \
        inspectors are to look at the steering of the Aurelia, the shipping line said.";
    const BUDGET: &str = "Parliament in Tarnow passed the budget late on Tuesday after a long debate about pensions. \
        Finance minister Oskar Lund said that taxes on fuel would rise, while farmers protested outside with tractors. \
        The opposition leader Mira Sand called the vote a betrayal of retired workers.";

    fn article(seq: u64, text: &str, story: u64, day: i64) -> (Vector, Member) {
        let stories = Stories::new();
        let vector = stories.weigh(&features("", text, None));
        let member = Member {
            seq,
            report: Id(seq),
            story: Id(story),
            time: day * DAY_SECS,
            dated: true,
            outlet: seq,
            copy: false,
            vector: vector.clone(),
            entities: vec![seq, 77],
        };
        (vector, member)
    }

    /// The latest members are in memory.
    fn unread(seq: u64) -> Result<Member, ViewError> {
        panic!("{seq} is read")
    }

    fn of(members: impl IntoIterator<Item = Member>) -> Stories {
        let mut stories = Stories::new();
        for member in members {
            stories.insert(member, &unread).unwrap();
        }
        stories
    }

    fn joined(day: i64, dated: bool) -> Option<Id> {
        let stories = of([article(1, BUDGET, 1, 100).1, article(2, FERRY, 2, 100).1]);
        let (vector, _) = article(3, FERRY_AGAIN, 0, day);
        stories.assign(&vector, day * DAY_SECS, dated, &unread).unwrap().story
    }

    #[test]
    fn reports_of_one_event_join() {
        assert_eq!(joined(100, true), Some(Id(2)));
        assert_eq!(joined(99, true), Some(Id(2)));
        assert_eq!(joined(0, false), Some(Id(2)));
    }

    #[test]
    fn a_story_takes_no_article_from_another_time() {
        assert_eq!(joined(106, true), None);
        assert_eq!(joined(94, true), None);
    }

    #[test]
    fn another_event_opens_a_story() {
        let stories = of([article(2, FERRY, 2, 100).1]);
        let (vector, _) = article(3, BUDGET, 0, 100);
        assert_eq!(stories.assign(&vector, 100 * DAY_SECS, true, &unread).unwrap().story, None);
        assert_eq!(Stories::new().assign(&Vector::default(), 0, true, &unread).unwrap().story, None);
    }

    #[test]
    fn a_burst_of_one_story_is_not_its_own_background() {
        let normals = |own_story: bool| {
            let mut stories = Stories::new();
            for seq in 1..=40 {
                let (_, member) = article(seq, FERRY, if own_story { seq } else { 1 }, 100);
                stories.insert(member, &unread).unwrap();
            }
            stories.ring.normals(&stories.weigh(&features("", FERRY_AGAIN, None)).load())
        };
        let ([of_articles, of_stories], [_, apart]) = (normals(false), normals(true));
        assert!(of_stories.mean < of_articles.mean, "{of_stories:?} {of_articles:?}");
        assert_eq!(apart, of_articles);
    }

    #[test]
    fn copies_count_but_are_no_evidence() {
        let copy = Member { copy: true, ..article(3, FERRY, 2, 101).1 };
        let stories = of([article(2, FERRY, 2, 100).1, copy]);
        let expected = Summary {
            outlets: 2,
            independent: 1,
            reports: 2,
            copies: 1,
            first: 100 * DAY_SECS,
            last: 101 * DAY_SECS,
        };
        assert_eq!(stories.summary(Id(2)), expected);
        assert_eq!(&*stories.names(Id(2), &unread).unwrap(), [2, 3, 77]);
        assert_eq!(stories.summary(Id(9)), Summary::default());
    }

    #[test]
    fn a_pinned_member_is_there_until_it_leaves() {
        let mut stories = of([article(2, FERRY, 2, 100).1]);
        assert!(stories.member(2).is_none());
        stories.pin(2, &unread).unwrap();
        assert_eq!(stories.member(2).unwrap().1, Some(100 * DAY_SECS));
        stories.remove(2, &unread).unwrap();
        assert!(stories.member(2).is_none() && stories.pinned.is_empty());
    }

    #[test]
    fn a_full_text_fits_its_record() {
        let text: String =
            (0..400).fold(String::new(), |text, number| text + &format!("word{number} Name{number}, "));
        let (vector, member) = article(1, &text, 1, 1);
        assert!(vector.encode().len() <= 1_200, "{}", vector.encode().len());
        assert_eq!(Member::decode(&member.encode()), Some(member));
    }

    proptest! {
        #[test]
        fn the_window_alone_makes_the_state(steps in proptest::collection::vec((0..40_u8, 0..4_u64, any::<bool>()), 1..400)) {
            let mut stories = Stories::new();
            let mut window: BTreeMap<u64, Member> = BTreeMap::new();
            for (seq, (topic, story, copy)) in (1..).zip(steps) {
                let text = format!("{} theme{topic} Person{} {}", FERRY, topic % 7, topic / 3);
                let mut member = article(seq, &text, story, i64::from(topic)).1;
                member.vector = stories.weigh(&features(&text, "", None));
                member.copy = copy && topic > 20;
                window.insert(seq, member.clone());
                stories.insert(member, &|seq| Ok(window[&seq].clone())).unwrap();
                // Some leave as the oldest, some because a revision replaces them.
                let leaves = match topic % 3 {
                    0 => window.keys().next().copied(),
                    1 if copy => window.keys().nth(usize::from(topic)).copied(),
                    _ => None,
                };
                if let Some(leaves) = leaves {
                    stories.remove(leaves, &|seq| Ok(window[&seq].clone())).unwrap();
                    window.remove(&leaves);
                }
            }
            let recall = |seq: u64| Ok(Member::decode(&window[&seq].encode()).unwrap());
            let mut again = Stories::new();
            for seq in window.keys() {
                again.insert(recall(*seq).unwrap(), &recall).unwrap();
            }
            prop_assert_eq!(stories.checksum(), again.checksum());
            let mut at_once = Stories::new();
            let (first, rest): (Vec<_>, Vec<_>) = window.values().cloned().map(Ready::of).partition(|ready| ready.seq() < 30);
            at_once.insert_all(first);
            at_once.insert_all(rest);
            at_once.settle(&recall).unwrap();
            prop_assert_eq!(stories.checksum(), at_once.checksum());
            let (probe, _) = article(0, FERRY_AGAIN, 0, 20);
            let [one, other, third] =
                [&stories, &again, &at_once].map(|stories| format!("{:?}", stories.assign(&probe, 0, false, &recall).unwrap()));
            for story in 0..4 {
                let names = |stories: &Stories| stories.names(Id(story), &recall).unwrap().into_owned();
                prop_assert_eq!(names(&stories), names(&at_once));
                prop_assert_eq!(names(&stories), names(&again));
            }
            prop_assert_eq!(&one, &other);
            prop_assert_eq!(one, third);
        }

        #[test]
        fn no_text_and_no_bytes_panic(title in "\\PC{0,60}", text in "\\PC{0,300}", bytes: Vec<u8>) {
            let stories = Stories::new();
            let vector = stories.weigh(&features(&title, &text, Some("en")));
            prop_assert_eq!(Vector::decode(&vector.encode()), Some(vector));
            let _ = Member::decode(&bytes);
        }
    }
}
