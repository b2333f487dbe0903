//! Which feeds a site has: what its page names, what lies where feeds usually lie, the news sitemaps of its robots.txt.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use tokio::task;
use url::Url;

use super::{
    FetchLimits, clean,
    fetch::{Fetched, Fetcher, Outcome, Request},
    net,
    parse::{
        self, charset,
        entity::{self, Own},
        scan::{Scanner, Tag, Token},
    },
    turns::Turns,
};

/// Addresses that are tried.
const FEEDS_MAX: usize = 12;

/// Sitemaps that are tried.
const SITEMAPS_MAX: usize = 6;

/// Between two requests: somebody waits for the answer.
const GAP: Duration = Duration::from_millis(500);

/// Where feeds lie on most sites.
const USUAL_PATHS: [&str; 8] = [
    "/feed",
    "/rss",
    "/rss.xml",
    "/feed.xml",
    "/atom.xml",
    "/index.xml",
    "/feed.json",
    "/feeds/posts/default",
];

/// A feed or a news sitemap that was found and read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Discovered {
    /// Where it answered at last.
    pub url: String,
    /// `feed` or `sitemap`: under which heading it belongs.
    pub kind: &'static str,
    /// As `inspect feed` says it.
    pub format: &'static str,
    /// Its name.
    pub title: Option<String>,
    /// How many it has, with titles.
    pub entries: usize,
    /// The newest of them.
    pub newest: Option<Timestamp>,
}

/// Looks for the feeds of a page, or of the site that it belongs to. `asking` hears each address before it is asked.
///
/// # Errors
/// Why the page itself cannot be read.
pub async fn discover(url: &str, asking: &dyn Fn(&str)) -> Result<Vec<Discovered>, String> {
    let page = Url::parse(url).map_err(|error| format!("{url} is no address: {error}"))?;
    let named = page.host_str().zip(page.port_or_known_default());
    // what the user names may be private
    let allow_private: Vec<net::Exemption> =
        named.and_then(|(host, port)| format!("{host}:{port}").parse().ok()).into_iter().collect();
    let fetcher = Fetcher::new(&FetchLimits { allow_private, ..FetchLimits::default() });
    let search = Search { fetcher, turns: Turns::new(GAP), page: url, asking };
    search.run(&page).await
}

struct Search<'a> {
    fetcher: Fetcher,
    turns: Turns,
    page: &'a str,
    asking: &'a dyn Fn(&str),
}

impl Search<'_> {
    async fn run(&self, page: &Url) -> Result<Vec<Discovered>, String> {
        let fetched = self.get(page.as_str()).await?;
        let (fetched, read) = parsed(fetched).await?;
        if let Ok(feed) = read {
            return Ok(vec![of_feed(&fetched.url, &feed)]);
        }
        let base = Url::parse(&fetched.url).unwrap_or_else(|_| page.clone());
        let html = charset::decode(&fetched.body, fetched.content_type.as_deref());
        let mut named = links(&html, &base);
        if named.is_empty() {
            named = USUAL_PATHS.iter().filter_map(|path| base.join(path).ok()).map(String::from).collect();
        }
        let mut found: Vec<Discovered> = Vec::new();
        for url in named.into_iter().take(FEEDS_MAX) {
            if let Some(feed) = self.feed(&url).await
                && !found.iter().any(|known| known.url == feed.url)
            {
                found.push(feed);
            }
        }
        found.extend(self.sitemaps(&base).await);
        Ok(found)
    }

    async fn get(&self, url: &str) -> Result<Fetched, String> {
        self.turns.wait(url).await;
        (self.asking)(url);
        let request = Request { url, configured: Some(self.page), ..Request::default() };
        match self.fetcher.get(request).await {
            Outcome::Fetched(fetched) => Ok(*fetched),
            Outcome::NotModified(_) => Err("the server says that nothing has changed".to_owned()),
            Outcome::Transient(failure) | Outcome::Permanent(failure) | Outcome::Gone(failure) => {
                Err(failure.reason)
            }
        }
    }

    async fn read(&self, url: &str) -> Option<(String, parse::Feed)> {
        let fetched = self.get(url).await.ok()?;
        let (fetched, read) = parsed(fetched).await.ok()?;
        Some((fetched.url, read.ok()?))
    }

    async fn feed(&self, url: &str) -> Option<Discovered> {
        let (url, feed) = self.read(url).await?;
        Some(of_feed(&url, &feed))
    }

    /// The sitemaps of the site's robots.txt that name reports with their titles, or an index of such.
    async fn sitemaps(&self, base: &Url) -> Vec<Discovered> {
        let Ok(robots) = base.join("/robots.txt") else { return Vec::new() };
        let Ok(robots) = self.get(robots.as_str()).await else { return Vec::new() };
        let mut found = Vec::new();
        for url in of_robots(&String::from_utf8_lossy(&robots.body), base).into_iter().take(SITEMAPS_MAX) {
            let Some((url, map)) = self.read(&url).await else { continue };
            let news = map.maps.iter().find(|map| map.url.to_ascii_lowercase().contains("news"));
            let titled = of_feed(&url, &map);
            if titled.entries > 0 {
                found.push(titled);
            } else if let Some(news) = news
                && let Some(below) = self.feed(&news.url).await
                && below.entries > 0
            {
                found.push(Discovered { url, ..below });
            }
        }
        found
    }
}

/// Reads a body away from the thread that waits.
async fn parsed(fetched: Fetched) -> Result<(Fetched, Result<parse::Feed, parse::ParseError>), String> {
    let reading = task::spawn_blocking(move || {
        let feed = parse::parse(&fetched.body, fetched.content_type.as_deref(), Some(&fetched.url));
        (fetched, feed)
    });
    reading.await.map_err(|error| error.to_string())
}

fn of_feed(url: &str, feed: &parse::Feed) -> Discovered {
    let titled = feed.entries.iter().filter(|entry| entry.title.is_some() || !entry.text.is_empty());
    Discovered {
        url: url.to_owned(),
        kind: if feed.format == "sitemap" { "sitemap" } else { "feed" },
        format: feed.format,
        title: feed.title.clone(),
        entries: titled.count(),
        newest: feed.entries.iter().filter_map(|entry| entry.published.or(entry.updated)).max(),
    }
}

/// The feeds that a page names: its alternate forms first, then what looks like one among its links on the same site.
fn links(html: &str, base: &Url) -> Vec<String> {
    let own = Own::read("");
    let mut base = base.clone();
    let (mut alternates, mut anchors) = (Vec::new(), Vec::new());
    for token in Scanner::new(html) {
        let Token::Start(tag) = token else { continue };
        let value = |name: &str| tag.attribute(name).map(|raw| clean::line(&entity::plain(raw, &own)));
        let Some(href) = value("href") else { continue };
        if tag.name.eq_ignore_ascii_case("base") {
            base = base.join(&href).unwrap_or(base);
            continue;
        }
        let Ok(url) = base.join(&href) else { continue };
        if !matches!(url.scheme(), "http" | "https") {
            continue;
        }
        if tag.name.eq_ignore_ascii_case("link") && is_alternate(&tag) {
            alternates.push(String::from(url));
        } else if tag.name.eq_ignore_ascii_case("a") && url.host() == base.host() && looks_like_a_feed(&url) {
            anchors.push(String::from(url));
        }
    }
    let mut known = BTreeSet::new();
    alternates.extend(anchors);
    alternates.retain(|url| known.insert(url.clone()));
    alternates
}

fn is_alternate(tag: &Tag<'_>) -> bool {
    let said = |name: &str| tag.attribute(name).unwrap_or_default().trim().to_ascii_lowercase();
    let (rel, kind) = (said("rel"), said("type"));
    let relations: Vec<&str> = rel.split_ascii_whitespace().collect();
    let is_feed = ["rss", "atom", "feed+json", "rdf+xml"].iter().any(|word| kind.contains(word))
        || kind == "application/json" && said("href").contains("feed");
    relations.contains(&"feed") || relations.contains(&"alternate") && is_feed
}

fn looks_like_a_feed(url: &Url) -> bool {
    let path = url.path().to_ascii_lowercase();
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    matches!(last, "rss" | "feed" | "atom" | "feeds.xml" | "index.xml" | "feed.json")
        || ["rss.xml", "atom.xml", "feed.xml", ".rss", ".rdf", ".atom"].iter().any(|end| last.ends_with(end))
}

fn of_robots(text: &str, base: &Url) -> Vec<String> {
    let mut known = BTreeSet::new();
    let named = text.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("sitemap").then(|| base.join(value.trim()).ok()).flatten()
    });
    let web = named.filter(|url| matches!(url.scheme(), "http" | "https")).map(String::from);
    let mut urls: Vec<String> = web.filter(|url| known.insert(url.clone())).collect();
    // the ones that hold news come first
    urls.sort_by_key(|url| !url.to_ascii_lowercase().contains("news"));
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &[&str]) {
        assert_eq!(links(html, &"https://a.example/x/".parse().unwrap()), expected, "{html}");
    }

    #[test]
    fn pages_name_their_feeds() {
        check(
            "<head><link rel=alternate type=application/rss+xml href=/rss?a=1&amp;b=2>\
             <LINK REL='Alternate' TYPE='application/atom+xml' HREF='atom'><link rel=alternate hreflang=de href=/de>\
             <link rel='alternate' type='application/feed+json' href='https://b.example/f.json'>",
            &["https://a.example/rss?a=1&b=2", "https://a.example/x/atom", "https://b.example/f.json"],
        );
        check("<base href='/y/'><link rel=feed href=f>", &["https://a.example/y/f"]);
    }

    #[test]
    fn links_that_look_like_feeds_come_last() {
        check(
            "<a href='/news/rss.xml'>RSS</a><a href='https://other.example/feed'>x</a><a href='/about'>y</a>\
             <link rel=alternate type=text/rss href=/f>",
            &["https://a.example/f", "https://a.example/news/rss.xml"],
        );
    }

    #[test]
    fn robots_name_sitemaps() {
        let robots = "User-agent: *\nSitemap: https://a.example/all.xml\nsitemap:/news.xml\nSitemap: https://a.example/all.xml";
        let base = "https://a.example/".parse().unwrap();
        assert_eq!(of_robots(robots, &base), ["https://a.example/news.xml", "https://a.example/all.xml"]);
    }
}
