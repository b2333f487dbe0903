//! Invented articles from a seed.

/// A small generator of numbers (SplitMix64): the same seed gives the same articles everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((word ^ (word >> 31)) >> 33).unwrap() % sides
    }

    pub fn roll32(&mut self, sides: u32) -> u32 {
        u32::try_from(self.roll(sides as usize)).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

const WHO: &[&str] = &[
    "Mara Dellwin",
    "the harbour board",
    "Minister Osk Tarrow",
    "a spokesman",
    "Judge Pell",
    "the union",
    "Ines Corrado",
    "two witnesses",
    "the city council",
    "engineers from Vantor Works",
];
const DID: &[&str] = &[
    "rejected",
    "announced",
    "questioned",
    "delayed",
    "defended",
    "leaked",
    "approved",
    "postponed",
    "investigated",
    "praised",
];
const WHAT: &[&str] = &[
    "the ferry contract",
    "a second audit",
    "the bridge toll",
    "new rules for tenants",
    "the school budget",
    "an inquiry into the fire",
    "the flood barrier",
    "plans for the old mill",
    "a strike ballot",
    "the hospital merger",
];
const WHERE: &[&str] = &[
    "in Port Hallow",
    "at a hearing in Estermont",
    "on Tuesday evening",
    "after weeks of protest",
    "despite the mayor's warning",
    "before a packed hall",
    "in a letter to residents",
    "during a stormy session",
    "without giving reasons",
    "for the third time this year",
];

/// A sentence.
pub fn sentence(dice: &mut Dice) -> String {
    format!(
        "{} {} {} {}, and {} {} {}.",
        capital(dice.pick(WHO)),
        dice.pick(DID),
        dice.pick(WHAT),
        dice.pick(WHERE),
        dice.pick(WHO),
        dice.pick(DID),
        dice.pick(WHAT)
    )
}

fn capital(text: &str) -> String {
    let (head, tail) = text.split_at(1);
    format!("{}{tail}", head.to_uppercase())
}

/// A text of so many sentences, a paragraph each three.
pub fn text(dice: &mut Dice, sentences: usize) -> String {
    let sentences: Vec<String> = (0..sentences).map(|_| sentence(dice)).collect();
    sentences.chunks(3).map(|some| some.join(" ")).collect::<Vec<_>>().join("\n")
}

/// JSON Lines of `count` articles by several outlets: mostly new ones, some copies and updates.
pub fn json_lines(seed: u64, count: usize) -> String {
    let mut dice = Dice(seed);
    let mut made: Vec<serde_json::Value> = Vec::new();
    let mut lines = String::new();
    for number in 0..count {
        let kind = dice.roll(10);
        let minute = number;
        let published =
            format!("2026-03-{:02}T{:02}:{:02}:00Z", 1 + minute / 1440, minute / 60 % 24, minute % 60);
        let mut article = if kind < 2 && !made.is_empty() {
            made[dice.roll(made.len())].clone()
        } else {
            let title = sentence(&mut dice);
            let body = text(&mut dice, 12);
            serde_json::json!({"title": title, "text": body})
        };
        let host = format!("outlet{}.example", dice.roll(5));
        if kind == 0 && !made.is_empty() {
            let more = sentence(&mut dice);
            let text = format!("{}\n{more}", article["text"].as_str().unwrap());
            article["text"] = text.into();
        } else {
            article["id"] = format!("a{number}").into();
            article["url"] = format!("https://{host}/{number}").into();
            article["source"] = host.into();
        }
        article["published"] = published.into();
        lines.push_str(&article.to_string());
        lines.push('\n');
        made.push(article);
    }
    lines
}
