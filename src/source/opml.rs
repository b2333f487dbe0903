//! OPML, by which feed readers give each other their lists of feeds: folders in folders, and whatever readers get wrong
//! in it. Pure.

use url::Url;

use super::{
    clean,
    parse::{
        charset,
        entity::{self, Own},
        scan::{Scanner, Tag, Token},
    },
};

/// Feeds of one file.
const FEEDS_MAX: usize = 1_000_000;

/// Depth of folders that is kept.
const DEPTH_MAX: usize = 16;

/// A feed of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// http or https, without user and password.
    pub url: String,
    /// What the reader calls it.
    pub title: Option<String>,
    /// Its folders, the outermost first, with `/` between them; a `/` in a name is written twice.
    pub folder: Option<String>,
    /// Its address held a user or a password.
    pub secret: bool,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// In the order of the file; each address once.
    pub feeds: Vec<Listed>,
    /// Feeds whose address stood in the file before.
    pub repeated: usize,
    /// What cannot be asked for: its title or address.
    pub refused: Vec<String>,
    /// Pages that the other reader makes feeds of by rules of its own: the title or address.
    pub scraped: Vec<String>,
}

/// The bytes are no OPML.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("it is no OPML: no element `outline` in it; export the list of feeds from the reader as OPML")]
pub struct NotOpml;

/// Reads a list of feeds.
pub fn read(bytes: &[u8]) -> Result<List, NotOpml> {
    let text = charset::decode(bytes, None);
    let own = Own::read("");
    let mut list = List::default();
    let mut known = std::collections::HashSet::new();
    let mut folders: Vec<Option<String>> = Vec::new();
    let mut any = false;
    for token in Scanner::new(&text) {
        match token {
            Token::Start(tag) if tag.local().eq_ignore_ascii_case("outline") => {
                any = true;
                let value = |name: &str| {
                    let said = clean::line(&entity::plain(tag.attribute(name)?, &own));
                    Some(said).filter(|said| !said.is_empty())
                };
                let title = value("title").or_else(|| value("text")).map(|title| clean::html_line(&title));
                let is_feed = address_of(&tag).is_some();
                if let Some(address) = address_of(&tag).and_then(value) {
                    let folder = path(&folders).or_else(|| category(&value("category")?));
                    // such as `HTML+XPath`
                    if value("type").is_some_and(|kind| kind.contains('+')) {
                        list.scraped.push(title.clone().unwrap_or(address));
                    } else {
                        take(&mut list, &mut known, &address, title.clone(), folder);
                    }
                }
                if !tag.empty {
                    folders.push(title.filter(|_| !is_feed));
                }
            }
            Token::End(name)
                if name.rsplit(':').next().is_some_and(|name| name.eq_ignore_ascii_case("outline")) =>
            {
                folders.pop();
            }
            _ => {}
        }
        if list.feeds.len() >= FEEDS_MAX {
            break;
        }
    }
    if any { Ok(list) } else { Err(NotOpml) }
}

/// The name of the attribute that holds a feed's address.
fn address_of(tag: &Tag<'_>) -> Option<&'static str> {
    if tag.attribute("xmlUrl").is_some() {
        return Some("xmlUrl");
    }
    let kind = tag.attribute("type").unwrap_or_default().to_ascii_lowercase();
    (matches!(kind.as_str(), "rss" | "atom") && tag.attribute("url").is_some()).then_some("url")
}

fn take(
    list: &mut List,
    known: &mut std::collections::HashSet<String>,
    address: &str,
    title: Option<String>,
    folder: Option<String>,
) {
    // what readers register for is asked for like any other address
    let address = address.strip_prefix("feed:").map_or(address, |rest| rest.trim_start_matches("//"));
    let bare = !address.contains("://") && !address.contains('@') && address.contains('.');
    let whole = if bare { format!("https://{address}") } else { address.to_owned() };
    let url =
        Url::parse(&whole).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(mut url) = url else {
        list.refused.push(title.unwrap_or_else(|| address.to_owned()));
        return;
    };
    let secret = !url.username().is_empty() || url.password().is_some();
    // neither fails for an address with a host
    url.set_username("").ok();
    url.set_password(None).ok();
    let url = String::from(url);
    if known.insert(url.clone()) {
        list.feeds.push(Listed { url, title, folder, secret });
    } else {
        list.repeated += 1;
    }
}

fn path(folders: &[Option<String>]) -> Option<String> {
    let names: Vec<String> =
        folders.iter().flatten().take(DEPTH_MAX).map(|name| name.replace('/', "//")).collect();
    (!names.is_empty()).then(|| names.join("/"))
}

/// The first of OPML's own `category`, such as `/World/Europe,/Politics`; a list of words has none.
fn category(said: &str) -> Option<String> {
    let first = said.split(',').next()?.trim().strip_prefix('/')?;
    Some(first.trim_end_matches('/').to_owned()).filter(|first| !first.is_empty())
}

/// The names of a folder's path.
fn names(path: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut letters = path.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '/' if letters.peek() == Some(&'/') => {
                letters.next();
                names.last_mut().into_iter().for_each(|name| name.push('/'));
            }
            '/' => names.push(String::new()),
            other => names.last_mut().into_iter().for_each(|name| name.push(other)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Feeds and folders of one folder, each in the order of their coming.
#[derive(Default)]
struct Folder<'a> {
    feeds: Vec<&'a Listed>,
    below: Vec<(String, Folder<'a>)>,
}

impl<'a> Folder<'a> {
    fn put(&mut self, feed: &'a Listed, names: &[String]) {
        let Some((first, rest)) = names.split_first() else {
            self.feeds.push(feed);
            return;
        };
        if let Some((_, folder)) = self.below.iter_mut().find(|(name, _)| name == first) {
            return folder.put(feed, rest);
        }
        let mut folder = Folder::default();
        folder.put(feed, rest);
        self.below.push((first.clone(), folder));
    }

    fn write(&self, out: &mut String, depth: usize) {
        let margin = "  ".repeat(depth);
        for feed in &self.feeds {
            let title = feed.title.as_deref().unwrap_or(&feed.url);
            for part in [&margin, "<outline type=\"rss\" text=\""] {
                out.push_str(part);
            }
            entity::push_value(out, title);
            out.push_str("\" title=\"");
            entity::push_value(out, title);
            out.push_str("\" xmlUrl=\"");
            entity::push_value(out, &feed.url);
            out.push_str("\"/>\n");
        }
        for (name, folder) in &self.below {
            for part in [&margin, "<outline text=\""] {
                out.push_str(part);
            }
            entity::push_value(out, name);
            out.push_str("\" title=\"");
            entity::push_value(out, name);
            out.push_str("\">\n");
            folder.write(out, depth + 1);
            out.push_str(&margin);
            out.push_str("</outline>\n");
        }
    }
}

/// Writes a list as OPML 2.0.
pub fn write(title: &str, feeds: &[Listed]) -> String {
    let mut root = Folder::default();
    for feed in feeds {
        root.put(feed, &names(feed.folder.as_deref().unwrap_or_default()));
    }
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml version=\"2.0\">\n<head><title>");
    entity::push_literal(&mut out, title);
    out.push_str("</title></head>\n<body>\n");
    root.write(&mut out, 1);
    out.push_str("</body>\n</opml>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(opml: &str, expected: &[(&str, &str, &str)]) {
        let list = read(opml.as_bytes()).unwrap();
        let said: Vec<_> = list
            .feeds
            .iter()
            .map(|feed| {
                (&*feed.url, feed.title.as_deref().unwrap_or(""), feed.folder.as_deref().unwrap_or(""))
            })
            .collect();
        assert_eq!(said, expected, "{opml}");
    }

    #[test]
    fn folders_in_folders() {
        check(
            "<opml version='1.1'><body><outline text='World'><outline title='Europe &amp; sea'>\
             <outline type='rss' text='A' xmlUrl='http://a.example/f?x=1&amp;y=2'/></outline>\
             <outline text='B' XMLURL='https://b.example/'></outline></outline>\
             <outline text='C' xmlUrl='https://c.example/'/></body></opml>",
            &[
                ("http://a.example/f?x=1&y=2", "A", "World/Europe & sea"),
                ("https://b.example/", "B", "World"),
                ("https://c.example/", "C", ""),
            ],
        );
    }

    #[test]
    fn careless_files() {
        check(
            "<opml><outline text='Q & A' xmlUrl='https://a.example/?x=1&y=2'>\
             <outline type='rss' url='feed://b.example/f'/><outline xmlUrl='c.example/rss' category='/World/Asia,x'/>\
             <outline text='page' type='link' url='https://d.example/'/><outline xmlUrl='mailto:x@y'/>\
             <outline xmlUrl='https://b.example/f'/>",
            &[
                ("https://a.example/?x=1&y=2", "Q & A", ""),
                ("https://b.example/f", "", ""),
                ("https://c.example/rss", "", "World/Asia"),
            ],
        );
    }

    #[test]
    fn what_is_left_out_is_told() {
        let list = read(
            b"<opml><outline text='G' xmlUrl='gopher://a.example/'/><outline xmlUrl='https://u:p@a.example/'/>\
            <outline xmlUrl='https://a.example/'/></opml>",
        )
        .unwrap();
        assert_eq!((list.refused, list.repeated), (vec!["G".to_owned()], 1));
        assert_eq!((list.feeds[0].url.as_str(), list.feeds[0].secret), ("https://a.example/", true));
        assert_eq!(read(b"<rss/>"), Err(NotOpml));
    }

    #[test]
    fn what_another_reader_scrapes_is_no_feed() {
        let list = read(
            b"<opml><outline text='P' type='HTML+XPath' xmlUrl='https://a.example/'/>\
            <outline text='J' type='JSONFeed' xmlUrl='https://b.example/'/></opml>",
        )
        .unwrap();
        assert_eq!((list.scraped, list.feeds.len()), (vec!["P".to_owned()], 1));
    }

    #[test]
    fn written_and_read_it_is_the_same() {
        let feed = |url: &str, title: &str, folder: Option<&str>| Listed {
            url: url.to_owned(),
            title: Some(title.to_owned()),
            folder: folder.map(str::to_owned),
            secret: false,
        };
        let feeds = [
            feed("https://a.example/?x=1&y=\"2\"", "A < B & \"C\"", None),
            feed("https://b.example/", "b", Some("World/Europe")),
            feed("https://c.example/", "c", Some("AC//DC/Rock & Roll")),
            feed("https://d.example/", "d", Some("World")),
        ];
        let mut again = read(write("mine", &feeds).as_bytes()).unwrap().feeds;
        again.sort_by(|a, b| a.url.cmp(&b.url));
        let mut feeds: Vec<Listed> = feeds.to_vec();
        feeds[0].url = "https://a.example/?x=1&y=%222%22".to_owned();
        assert_eq!(again, feeds);
    }
}
