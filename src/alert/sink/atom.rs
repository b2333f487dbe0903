//! An Atom feed for each topic (RFC 4287): a file that any feed reader can subscribe to, where a web server or a shared
//! folder offers it. The newest alerts stand first; each change replaces the file as a whole.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use quick_xml::escape::escape;

use super::Failure;
use crate::{
    alert::line,
    article::{Alert, Id},
};

/// A longer file is no feed of ours.
const FILE_BYTES_MAX: u64 = 32 << 20;
/// Its readers are others, a web server for one.
const MODE: u32 = 0o644;
const ENTRY: &str = "<entry>";
const ENTRY_END: &str = "</entry>\n";

/// Where the files are.
#[derive(Clone, Debug)]
pub struct Atom {
    /// The directory; made where it is missing.
    pub path: PathBuf,
    /// Alerts in one feed.
    pub entries_max: usize,
}

impl Atom {
    pub(super) async fn deliver(&self, alerts: &[&Alert]) -> Result<(), Failure> {
        let mut by_topic: BTreeMap<String, Vec<Alert>> = BTreeMap::new();
        for alert in alerts {
            by_topic.entry(alert.topic.clone()).or_default().push(Alert::clone(alert));
        }
        let atom = self.clone();
        let written = tokio::task::spawn_blocking(move || {
            by_topic.iter().try_for_each(|(topic, alerts)| atom.write(topic, alerts))
        });
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(fault)) => {
                Err(Failure::later(format!("could not write a feed into {}: {fault}", self.path.display())))
            }
            Err(fault) => Err(Failure::later(format!("writing a feed failed: {fault}"))),
        }
    }

    /// Puts the alerts, oldest first, before what the topic's feed holds.
    fn write(&self, topic: &str, alerts: &[Alert]) -> io::Result<()> {
        fs::create_dir_all(&self.path)?;
        let path = self.path.join(file_name(topic));
        let before = read(&path)?;
        let new: Vec<String> = alerts.iter().rev().map(entry).collect();
        // After a kill the last ones come again.
        let id_of = |entry: &str| {
            entry.split_once("<id>").and_then(|(_, rest)| Some(rest.split_once("</id>")?.0.to_owned()))
        };
        let ids: Vec<_> = new.iter().filter_map(|entry| id_of(entry)).collect();
        let old = before.into_iter().filter(|entry| id_of(entry).is_none_or(|id| !ids.contains(&id)));
        let entries: Vec<String> = new.into_iter().chain(old).take(self.entries_max).collect();
        let updated = alerts.iter().map(|alert| alert.time).max().unwrap_or_default();
        let title = escaped(topic);
        let id = Id::of(&[b"atom", topic.as_bytes()]);
        let feed = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n\
             <id>urn:storywatch:topic:{id}</id>\n<title>{title}</title>\n<updated>{updated:.0}</updated>\n\
             <author><name>Storywatch</name></author>\n<generator>Storywatch</generator>\n{}</feed>\n",
            entries.concat()
        );
        replace(&path, feed.as_bytes())
    }
}

/// Letters and digits of the topic's name; where that is not all of it, a number that tells it from others.
fn file_name(topic: &str) -> String {
    let plain: String = topic
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' })
        .collect();
    if plain == topic {
        format!("{plain}.atom")
    } else {
        format!("{plain}-{}.atom", Id::of(&[b"atom", topic.as_bytes()]))
    }
}

/// The entries of a feed that was written here; none where there is no such file.
fn read(path: &Path) -> io::Result<Vec<String>> {
    let text = match fs::metadata(path) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => return Ok(Vec::new()),
        _ => fs::read(path)?,
    };
    let text = String::from_utf8_lossy(&text);
    let parts = text.split(ENTRY).skip(1).filter_map(|part| part.split_once(ENTRY_END));
    Ok(parts.map(|(entry, _)| format!("{ENTRY}{entry}{ENTRY_END}")).collect())
}

fn entry(alert: &Alert) -> String {
    let article = alert.article.as_ref();
    let caption = line::caption(alert.kind);
    let title = match article {
        Some(article) => format!("{caption}: {}", line::headline(article)),
        None => format!("{caption}: {}", line::harmless(&alert.topic)),
    };
    let outlet =
        article.map_or_else(|| "Storywatch".to_owned(), |article| line::outlet(article).into_owned());
    let url = line::plain_address(article.and_then(|article| article.url.as_deref()));
    let link =
        url.map(|url| format!("<link rel=\"alternate\" href=\"{}\"/>\n", escaped(&url))).unwrap_or_default();
    format!(
        "{ENTRY}\n<id>urn:storywatch:alert:{}</id>\n<title>{}</title>\n<updated>{:.0}</updated>\n\
         <author><name>{}</name></author>\n{link}<category term=\"{}\"/>\n<content type=\"text\">{}</content>\n{ENTRY_END}",
        alert.id,
        escaped(&title),
        alert.time,
        escaped(&outlet),
        alert.kind.word(),
        escaped(&line::body(alert)),
    )
}

/// As text of XML 1.0, which has no place for some characters at all.
fn escaped(text: &str) -> String {
    let text: String =
        text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect();
    escape(text.as_str()).into_owned()
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("atom.new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.set_permissions(fs::Permissions::from_mode(MODE))?;
    file.sync_data()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::article::AlertKind;

    fn alert(id: u64) -> Alert {
        let bare = Alert::bare(Id(id), Timestamp::UNIX_EPOCH, AlertKind::Test, "tides & <cranes>");
        Alert { evidence: vec![format!("no. {id} \u{1}\u{ffff}</entry> ]]>")], ..bare }
    }

    fn feed(world: &Path) -> String {
        let mut files = fs::read_dir(world).unwrap();
        let path = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none() && path.extension().is_some_and(|ending| ending == "atom"));
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn newest_first_each_once_and_not_too_many() {
        let dir = tempfile::tempdir().unwrap();
        let atom = Atom { path: dir.path().to_owned(), entries_max: 3 };
        atom.write("tides & <cranes>", &[alert(1), alert(2)]).unwrap();
        atom.write("tides & <cranes>", &[alert(2), alert(3), alert(4)]).unwrap();
        let feed = feed(dir.path());
        let ids: Vec<_> = feed
            .match_indices("urn:storywatch:alert:")
            .map(|(at, _)| feed.get(at + 36..at + 37).unwrap())
            .collect();
        assert_eq!(ids, ["4", "3", "2"]);
    }

    #[test]
    fn a_feed_is_read_as_it_was_meant() {
        let dir = tempfile::tempdir().unwrap();
        Atom { path: dir.path().to_owned(), entries_max: 9 }.write("tides & <cranes>", &[alert(1)]).unwrap();
        let parsed = feed_rs::parser::parse(feed(dir.path()).as_bytes()).unwrap();
        assert_eq!(parsed.title.unwrap().content, "tides & <cranes>");
        let entry = &parsed.entries[0];
        assert_eq!(entry.title.as_ref().unwrap().content, "TEST: tides & ‹cranes›");
        assert_eq!(entry.content.as_ref().unwrap().body.as_deref(), Some("no. 1 ‹/entry› ]]›"));
        assert_eq!(
            (entry.id.as_str(), entry.updated.is_some()),
            ("urn:storywatch:alert:0000000000000001", true)
        );
    }

    #[test]
    fn names_of_files_differ_where_topics_do() {
        assert_eq!(file_name("harbour-strike"), "harbour-strike.atom");
        assert_ne!(file_name("../a"), file_name("..?a"));
        assert!(!file_name("../a").contains('/'));
    }
}
