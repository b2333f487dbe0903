//! What reading and asking for feeds costs, in CPU time: `cargo bench --bench feeds -- parse [FILE...]`, `-- polls`
//! (5,000 TLS hosts on loopback, some two minutes), `-- world` (the daemon with 180,000 feeds, 12 minutes). Servers run
//! in a process of their own, so that what they cost does not count.
#![expect(clippy::expect_used, reason = "a bench that cannot run has nothing to say")]

use std::{
    hint::black_box,
    io::{self, Write as _},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use storywatch::{article::Article, source::parse};

mod corpus;
mod polls;
mod servers;
mod world;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SEED: u64 = 20_310_302;
/// The best of so many rounds counts: all that disturbs a measurement makes it longer.
const ROUNDS: usize = 5;
const PUBLISHED: &str = "Thu, 02 Mar 2017 15:04:05 GMT";
const BASE: &str = "https://wire.example/rss";
const FEEDS: usize = 60;
const ENTRIES: usize = 40;

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve-tls", hosts, ca] => servers::tls(hosts.parse().unwrap_or(1), ca),
        ["serve-world"] => servers::world(),
        ["ask", hosts, port] => polls::ask(hosts.parse().unwrap_or(1), port.parse().unwrap_or(1)),
        ["polls"] => polls::run(polls::HOSTS),
        ["polls", hosts] => polls::run(hosts.parse().unwrap_or(polls::HOSTS)),
        ["world"] => world::run(world::FEEDS, world::SECS),
        ["world", feeds, secs] => {
            world::run(feeds.parse().unwrap_or(world::FEEDS), secs.parse().unwrap_or(world::SECS))
        }
        [] | ["parse"] => parsing(&invented()),
        ["parse", files @ ..] => parsing(&saved(files)?),
        _ => Err(io::Error::other("expected parse, polls or world")),
    }
}

/// CPU time of this process so far.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// A feed as publishers write them: escaped HTML, dates, authors, categories.
fn feed(articles: &[Article]) -> String {
    let mut feed = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"><channel><title>Wire</title>\
         <link>https://wire.example/</link><description>All of it</description><language>en</language>",
    );
    for article in articles {
        let url = article.url.as_deref().unwrap_or_default();
        for part in ["<item><title>", &article.title, "</title><link>", url, "</link><guid>", url, "</guid>"]
        {
            feed.push_str(part);
        }
        for part in ["<pubDate>", PUBLISHED, "</pubDate><dc:creator>Ada Quill</dc:creator>"] {
            feed.push_str(part);
        }
        feed.push_str("<category>World</category><description>");
        let lead = article.text.lines().next().unwrap_or_default();
        feed.push_str(lead);
        feed.push_str("</description><content:encoded><![CDATA[");
        for line in article.text.lines() {
            for part in ["<p class=\"text\">", line, " <a href=\"https://wire.example/x\">more</a></p>\n"] {
                feed.push_str(part);
            }
        }
        feed.push_str("]]></content:encoded></item>");
    }
    feed.push_str("</channel></rss>");
    feed
}

fn invented() -> Vec<String> {
    corpus::articles(SEED, FEEDS * ENTRIES).chunks(ENTRIES).map(feed).collect()
}

/// Those of the files that the parser alone can read.
fn saved(files: &[&str]) -> io::Result<Vec<String>> {
    let mut feeds = Vec::new();
    for file in files {
        let text = String::from_utf8_lossy(&std::fs::read(file)?).into_owned();
        if feed_rs::parser::parse(text.as_bytes()).is_ok_and(|feed| !feed.entries.is_empty()) {
            feeds.push(text);
        }
    }
    Ok(feeds)
}

/// Repair and parser together, and all that is made of it, against the parser alone, which makes no text of HTML.
fn parsing(feeds: &[String]) -> io::Result<()> {
    let bytes: usize = feeds.iter().map(String::len).sum();
    let mut best = [Duration::MAX; 4];
    for _ in 0..ROUNDS {
        let stages: [&dyn Fn(&str); 4] = [
            &|feed| {
                black_box(feed_rs::parser::parse(feed.as_bytes()).expect("a sound feed"));
            },
            &|feed| {
                black_box(parse::repaired(feed.as_bytes(), None, Some(BASE)).expect("a feed"));
            },
            &|feed| {
                black_box(parse::parsed(feed.as_bytes(), None, Some(BASE)).expect("a feed"));
            },
            &|feed| {
                black_box(parse::parse(feed.as_bytes(), None, Some(BASE)).expect("a feed"));
            },
        ];
        for (best, stage) in best.iter_mut().zip(stages) {
            let begun = cpu();
            for feed in feeds {
                stage(feed);
            }
            *best = (*best).min(cpu().saturating_sub(begun));
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{} feeds, {} kB; best of {ROUNDS} rounds", feeds.len(), bytes / 1000)?;
    let [alone, repaired, parsed, whole] = best.map(|best| best.as_secs_f64());
    let rate = |secs: f64| f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 1e6 / secs;
    writeln!(out, "feed-rs alone            {:>7.1} MB a CPU-second", rate(alone))?;
    writeln!(out, "repair alone             {:>7.1}", rate(repaired))?;
    writeln!(out, "repair and feed-rs       {:>7.1}", rate(parsed))?;
    writeln!(out, "and HTML to text, dates… {:>7.1}", rate(whole))?;
    writeln!(
        out,
        "speed against feed-rs alone: repair and feed-rs {:.0} %, all of it {:.0} %",
        100.0 * alone / parsed,
        100.0 * alone / whole
    )
}
