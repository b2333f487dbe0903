//! Articles from a seed: invented words in invented sentences, the same on each machine. Some are copies of earlier
//! ones and some go on with their story, as in real news.

use jiff::{SignedDuration, Timestamp};
use storywatch::article::Article;

const BODY_BYTES: usize = 5_000;
const OUTLETS: u64 = 40;
/// What stands everywhere comes first: a word's rank says how frequent it is, as Zipf found.
const SMALL_WORDS: [&str; 40] = [
    "the", "of", "to", "and", "in", "a", "that", "is", "for", "on", "it", "as", "was", "said", "he", "with",
    "by", "at", "be", "from", "his", "have", "has", "not", "are", "an", "but", "they", "this", "who", "had",
    "their", "will", "more", "were", "been", "about", "would", "which", "people",
];
const VOCABULARY: u64 = 300_000;
const PEOPLE: u64 = 20_000;
/// Who is in one article.
const CAST: usize = 6;

/// `SplitMix64` (Steele, Lea, Flood 2014): small, and the same for ever.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn of_hundred(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// Small numbers are frequent, large ones rare: each by the inverse of itself.
    #[expect(clippy::cast_precision_loss, reason = "ranks are small")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the bound")]
    pub(crate) fn rank(&mut self, bound: u64) -> u64 {
        let drawn = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((drawn * (bound as f64).ln()).exp() as u64).saturating_sub(1).min(bound - 1)
    }
}

/// So many articles of about 5 KB, a minute apart.
pub(crate) fn articles(seed: u64, count: usize) -> Vec<Article> {
    let mut random = Random(seed);
    let mut made: Vec<Article> = Vec::with_capacity(count);
    let begin = Timestamp::from_second(1_900_000_000).unwrap_or(Timestamp::UNIX_EPOCH);
    for number in 0..count {
        let seen_at = begin + SignedDuration::from_mins(i64::try_from(number).unwrap_or(i64::MAX));
        let outlet = format!("outlet{}.example", random.below(OUTLETS));
        let url = Some(format!("https://{outlet}/news/{number}"));
        let earlier = usize::try_from(random.below(200)).unwrap_or(0);
        let earlier = number.checked_sub(1 + earlier).and_then(|at| made.get(at));
        let (title, text) = match earlier {
            Some(article) if random.of_hundred(15) => (article.title.clone(), article.text.clone()),
            Some(article) if random.of_hundred(15) => (title(&mut random), body(&mut random, &article.text)),
            _ => (title(&mut random), body(&mut random, "")),
        };
        let published = Some(seen_at);
        made.push(Article { url, title, text, published, outlet, seen_at, ..Article::default() });
    }
    made
}

fn drawn(random: &mut Random) -> String {
    word(random.rank(VOCABULARY))
}

fn title(random: &mut Random) -> String {
    let mut title = person(random);
    for _ in 0..5 {
        title.push(' ');
        title.push_str(&drawn(random));
    }
    title
}

/// Begins with two paragraphs of `told`, where there are any.
fn body(random: &mut Random, told: &str) -> String {
    let mut body = String::with_capacity(BODY_BYTES + 200);
    let cast: Vec<String> = (0..CAST).map(|_| person(random)).collect();
    for paragraph in told.lines().take(2) {
        body.push_str(paragraph);
        body.push('\n');
    }
    while body.len() < BODY_BYTES {
        for _ in 0..4 {
            sentence(random, &cast, &mut body);
        }
        body.pop();
        body.push('\n');
    }
    body.pop();
    body
}

fn sentence(random: &mut Random, cast: &[String], body: &mut String) {
    if random.of_hundred(40) {
        let who = usize::try_from(random.below(CAST as u64)).unwrap_or(0);
        body.push_str(cast.get(who).map_or("", String::as_str));
    } else {
        body.push_str(&capital(&drawn(random)));
    }
    let quoted = random.of_hundred(20);
    body.push_str(if quoted { " said: “" } else { " " });
    for _ in 0..8 + random.below(12) {
        body.push_str(&drawn(random));
        body.push(' ');
    }
    body.pop();
    body.push_str(if quoted { ".” " } else { ". " });
}

fn person(random: &mut Random) -> String {
    named(random.rank(PEOPLE))
}

/// A name for each number; the smaller it is, the more articles have it.
pub(crate) fn named(number: u64) -> String {
    format!("{} {}", capital(&spelled(number * 7 + 3)), capital(&spelled(number * 31 + 11)))
}

/// A word that is as frequent as its rank says.
pub(crate) fn word(rank: u64) -> String {
    let small = usize::try_from(rank).ok().and_then(|rank| SMALL_WORDS.get(rank));
    small.map_or_else(|| spelled(rank), |word| (*word).to_owned())
}

pub(crate) fn spelled(number: u64) -> String {
    const SYLLABLES: [&str; 16] = [
        "ba", "ren", "to", "lis", "ma", "ko", "ver", "sin", "da", "pol", "ne", "gar", "ti", "hum", "ro",
        "fel",
    ];
    let mut spelled = String::new();
    let mut rest = number + 1;
    while rest > 0 {
        spelled.push_str(SYLLABLES.get(usize::try_from(rest % 16).unwrap_or(0)).copied().unwrap_or("ba"));
        rest /= 16;
    }
    spelled
}

pub(crate) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
