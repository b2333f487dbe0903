//! The log of a service, in the native form of systemd's journal: the line that people read, and beside it each field, so
//! that `journalctl -u storywatch STORYWATCH_FEED=…` finds what is meant.

use std::{env, fmt, io::Write as _, os::unix::net::UnixDatagram, path::Path};

use tracing::{Event, Level, Subscriber, field::Field, field::Visit};
use tracing_subscriber::{Layer, layer::Context};

/// Where the journal listens.
const SOCKET: &str = "/run/systemd/journal/socket";

/// Bytes of one value; what is longer is cut, so that an entry always fits into a datagram.
const VALUE_BYTES_MAX: usize = 8 << 10;

/// Before the names of fields, which are one space for all programs.
const PREFIX: &str = "STORYWATCH_";

/// Writes to the journal.
pub struct Journald(UnixDatagram);

impl Journald {
    /// Where this process is a service whose standard error goes to the journal, and the journal can be had.
    pub fn of_service() -> Option<Self> {
        let stream = env::var("JOURNAL_STREAM").ok()?;
        let stderr = rustix::fs::fstat(std::io::stderr()).ok()?;
        (stream == format!("{}:{}", stderr.st_dev, stderr.st_ino)).then_some(())?;
        Self::at(Path::new(SOCKET))
    }

    fn at(path: &Path) -> Option<Self> {
        let socket = UnixDatagram::unbound().ok()?;
        socket.connect(path).ok()?;
        Some(Self(socket))
    }
}

impl<S: Subscriber> Layer<S> for Journald {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut entry = Entry::default();
        event.record(&mut entry);
        let bytes = entry.finish(*event.metadata().level());
        // A journal that does not listen must not hold anybody up.
        self.0.send(&bytes).ok();
    }
}

/// One entry as it is gathered.
#[derive(Default)]
struct Entry {
    message: String,
    /// As people read them.
    shown: String,
    fields: Vec<u8>,
}

impl Entry {
    fn add(&mut self, name: &str, value: String) {
        if name == "message" {
            self.message = value;
            return;
        }
        // Writing to a String cannot fail.
        fmt::Write::write_fmt(&mut self.shown, format_args!(" {name}={value}")).ok();
        let name: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .collect();
        field(&mut self.fields, &format!("{PREFIX}{name}"), &value);
    }

    fn finish(mut self, level: Level) -> Vec<u8> {
        let priority = match level {
            Level::ERROR => "3",
            Level::WARN => "4",
            Level::INFO => "6",
            _ => "7",
        };
        let mut entry = Vec::new();
        field(&mut entry, "PRIORITY", priority);
        field(&mut entry, "SYSLOG_IDENTIFIER", "storywatch");
        field(&mut entry, "MESSAGE", &format!("{}{}", self.message, self.shown));
        entry.append(&mut self.fields);
        entry
    }
}

impl Visit for Entry {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field.name(), format!("{value:?}"));
    }
}

/// A value with line feeds comes with its length, as the journal's protocol has it: no value can begin another field.
fn field(entry: &mut Vec<u8>, name: &str, value: &str) {
    let mut end = value.len().min(VALUE_BYTES_MAX);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    let value = value.get(..end).unwrap_or(value);
    entry.extend(name.as_bytes());
    // Writing to a Vec cannot fail.
    if value.contains('\n') {
        entry.push(b'\n');
        entry.extend((value.len() as u64).to_le_bytes());
        entry.extend(value.as_bytes());
        entry.push(b'\n');
    } else {
        writeln!(entry, "={value}").ok();
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn said(log: impl FnOnce()) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let journal = UnixDatagram::bind(&path).unwrap();
        let subscriber = tracing_subscriber::registry().with(Journald::at(&path).unwrap());
        tracing::subscriber::with_default(subscriber, log);
        let mut entry = vec![0; 65536];
        let length = journal.recv(&mut entry).unwrap();
        String::from_utf8_lossy(&entry[..length]).into_owned()
    }

    #[test]
    fn fields_beside_the_line_for_people() {
        let entry =
            said(|| tracing::warn!(feed = "https://a.example/", errors = 3, "could not read the feed"));
        assert_eq!(
            entry,
            "PRIORITY=4\nSYSLOG_IDENTIFIER=storywatch\n\
             MESSAGE=could not read the feed feed=https://a.example/ errors=3\n\
             STORYWATCH_FEED=https://a.example/\nSTORYWATCH_ERRORS=3\n"
        );
    }

    #[test]
    fn no_value_begins_another_field() {
        let entry = said(|| tracing::info!(title = "a\nPRIORITY=0", "one"));
        assert!(entry.contains("STORYWATCH_TITLE\n\u{c}\0\0\0\0\0\0\0a\nPRIORITY=0\n"), "{entry:?}");
        assert!(entry.starts_with("PRIORITY=6\n"));
        let long = said(|| tracing::info!(title = "é".repeat(100_000), "one"));
        assert!(long.len() < 3 * VALUE_BYTES_MAX);
    }
}
