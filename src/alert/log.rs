//! The alert log: one line an alert, written once, durable before it counts as written. What was written is read from
//! the log itself, so that no second record can disagree with it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{Format, back::lines_back, line};
use crate::{article::Alert, failpoint};

mod rotated;

/// Its readers are its group.
const MODE: u32 = 0o640;
/// Of notes that somebody wrote after the last alert, so much is stepped over.
const LOOK_BACK_BYTES_MAX: u64 = 8 << 20;

/// The alert log cannot be used. Nothing was written that stays, and trying again writes no line twice.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Its folder is missing and cannot be made.
    #[error(
        "could not make the folder {folder} of the alert log: make it and give it to the daemon's user, or set alerts.log to another file"
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be opened.
    #[error(
        "could not open the alert log {path}: let the daemon's user write it and its folder, or set alerts.log to another file"
    )]
    Open {
        /// The log.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a folder, a pipe or a device.
    #[error("could not use {path} as the alert log: it is not a regular file, set alerts.log to another")]
    NotAFile {
        /// The log.
        path: PathBuf,
    },
    /// A second process writes to it.
    #[error(
        "could not use the alert log {path}: another process writes to it, give each daemon an alerts.log of its own"
    )]
    Locked {
        /// The log.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error(
        "could not read in {path} which alerts were written: mend the file or move it out of the log's folder"
    )]
    Read {
        /// The log, or a rotated sibling.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written.
    #[error(
        "could not write to the alert log {path}: see to its disk and its rights, the alerts wait until then"
    )]
    Write {
        /// The log.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The open log, and what it holds.
#[derive(Debug)]
pub struct AlertLog {
    path: PathBuf,
    format: Format,
    file: File,
    /// Length up to which all is whole lines that count as written.
    good_bytes: u64,
    /// A write failed and what it left behind could not be cut off yet.
    cut_due: bool,
    last_seq: Option<u64>,
}

impl AlertLog {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the log, or makes it and its folder. A last line that a crash has torn is cut off, so that its alert is
    /// written again whole.
    pub fn open(path: &Path, format: Format) -> Result<Self, LogError> {
        let file = open_file(path)?;
        let good_bytes = mend_end(&file, 0).map_err(|source| write_error(path, source))?;
        let mut last_seq = last_seq_of(&file, good_bytes).map_err(|source| read_error(path, source))?;
        if last_seq.is_none() {
            last_seq = rotated::last_seq(path)?;
        }
        Ok(Self { path: path.to_owned(), format, file, good_bytes, cut_due: false, last_seq })
    }

    /// Sequence number of the last alert that was written: in this log, at open also in its newest rotated sibling.
    /// None where neither holds an alert.
    pub fn last_seq(&self) -> Option<u64> {
        self.last_seq
    }

    /// Appends the alerts, in order, and returns once they are on disk, with the last one's sequence number (0 where
    /// there never was one). After an error none of them counts as written.
    pub fn write(&mut self, alerts: &[&Alert]) -> Result<u64, LogError> {
        self.reopen()?;
        let mut lines = String::new();
        for alert in alerts {
            lines.push_str(&match self.format {
                Format::Text => line::text(alert),
                Format::Json => line::json(alert),
            });
            lines.push('\n');
        }
        if let Some(last) = alerts.last() {
            let written = self.file.write_all(lines.as_bytes());
            failpoint::pass("log-unsynced");
            let written = written.and_then(|()| self.file.sync_data());
            if let Err(source) = written {
                self.cut_due = self.file.set_len(self.good_bytes).is_err();
                return Err(write_error(&self.path, source));
            }
            self.good_bytes += lines.len() as u64;
            self.last_seq = Some(last.seq);
        }
        Ok(self.last_seq.unwrap_or(0))
    }

    /// Goes over to the file that now stands at the log's path, and makes it where there is none: the log was rotated,
    /// deleted or replaced. Each write looks for itself too.
    pub fn reopen(&mut self) -> Result<(), LogError> {
        if self.cut_due {
            self.file.set_len(self.good_bytes).map_err(|source| write_error(&self.path, source))?;
            self.cut_due = false;
        }
        let held = self.file.metadata().map_err(|source| read_error(&self.path, source))?;
        let found = fs::metadata(&self.path).ok();
        if found.is_none_or(|found| (found.dev(), found.ino()) != (held.dev(), held.ino())) {
            let file = open_file(&self.path)?;
            self.good_bytes = mend_end(&file, 0).map_err(|source| write_error(&self.path, source))?;
            self.file = file;
        } else if held.len() != self.good_bytes {
            // Emptied in place, or somebody has written a note into it.
            let known = self.good_bytes.min(held.len());
            self.good_bytes =
                mend_end(&self.file, known).map_err(|source| write_error(&self.path, source))?;
        }
        Ok(())
    }
}

/// Whether what stands there could be the log, without touching it.
///
/// # Errors
/// [`LogError::NotAFile`].
pub fn look(path: &Path) -> Result<(), LogError> {
    if path.exists() && !path.is_file() { Err(LogError::NotAFile { path: path.to_owned() }) } else { Ok(()) }
}

fn open_file(path: &Path) -> Result<File, LogError> {
    let open_error = |source| LogError::Open { path: path.to_owned(), source };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(|source| LogError::Folder { folder: folder.to_owned(), source })?;
    // Opened for reading and writing, a pipe without a reader does not block.
    let opened = OpenOptions::new().read(true).append(true).create(true).mode(MODE).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(source) => return Err(look(path).err().unwrap_or_else(|| open_error(source))),
    };
    if !file.metadata().map_err(open_error)?.is_file() {
        return Err(LogError::NotAFile { path: path.to_owned() });
    }
    match crate::lock::lock(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(LogError::Locked { path: path.to_owned() }),
        // Some network file systems have no locks; the log is of use there all the same.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
        Err(TryLockError::Error(source)) => return Err(open_error(source)),
    }
    // Without this a power cut may take the new name away with the lines that were synced under it.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(open_error)?;
    Ok(file)
}

/// Sees to it that the file ends with a whole line, and returns its length. What follows the last line feed goes where
/// it is a torn line of ours, and gets a line feed where it is another's words. The first `known` bytes are whole lines.
fn mend_end(file: &File, known: u64) -> io::Result<u64> {
    let len = file.metadata()?.len();
    let torn = lines_back(file, known, len).next().transpose()?;
    match torn.as_deref() {
        Some([]) => Ok(len),
        Some(torn) if line::begins_like_ours(torn) => {
            let good_bytes = len - torn.len() as u64;
            file.set_len(good_bytes)?;
            file.sync_data()?;
            Ok(good_bytes)
        }
        _ => {
            (&*file).write_all(b"\n")?;
            file.sync_data()?;
            Ok(len + 1)
        }
    }
}

/// Sequence number of the last line of ours near the end of the first `len` bytes.
fn last_seq_of(file: &File, len: u64) -> io::Result<Option<u64>> {
    let mut lines = lines_back(file, 0, len);
    while let Some(line) = lines.next().transpose()? {
        let seq = seq_of(&line);
        if seq.is_some() || len - lines.from() > LOOK_BACK_BYTES_MAX {
            return Ok(seq);
        }
    }
    Ok(None)
}

fn seq_of(line: &[u8]) -> Option<u64> {
    std::str::from_utf8(line).ok().and_then(line::seq_of)
}

fn read_error(path: &Path, source: io::Error) -> LogError {
    LogError::Read { path: path.to_owned(), source }
}

fn write_error(path: &Path, source: io::Error) -> LogError {
    LogError::Write { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Read as _,
        os::unix::fs::{FileExt as _, PermissionsExt as _},
    };

    use super::*;
    use crate::article::{AlertKind, Id};

    fn alert(seq: u64) -> Alert {
        Alert {
            seq,
            id: Id(seq),
            time: "2031-03-02T15:04:05Z".parse().unwrap(),
            kind: AlertKind::Test,
            topic: "tides".to_owned(),
            story: None,
            article: None,
            outlets: 0,
            new_outlet: true,
            independent: 0,
            reports: 0,
            copies: 0,
            new_entities: vec![],
            novel: None,
            score: 0.5,
            evidence: vec![],
            change: None,
            digest: None,
            feed: None,
        }
    }

    fn text(seq: u64) -> String {
        format!("2031-03-02T15:04:05Z [tides] TEST · #{seq:06}\n")
    }

    fn write(log: &mut AlertLog, seqs: impl IntoIterator<Item = u64>) -> u64 {
        let alerts: Vec<_> = seqs.into_iter().map(alert).collect();
        log.write(&alerts.iter().collect::<Vec<_>>()).unwrap()
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.log");
        (folder, path)
    }

    /// Opens a log that holds `found`: the last number read from it, and what it holds then.
    fn check(found: &[u8], last_seq: Option<u64>, kept: &[u8]) {
        let (_folder, path) = folder();
        fs::write(&path, found).unwrap();
        let log = AlertLog::open(&path, Format::Text).unwrap();
        assert_eq!(log.last_seq(), last_seq);
        assert_eq!(String::from_utf8_lossy(&fs::read(&path).unwrap()), String::from_utf8_lossy(kept));
    }

    fn check_text(found: &str, last_seq: Option<u64>, kept: &str) {
        check(found.as_bytes(), last_seq, kept.as_bytes());
    }

    #[test]
    fn new_log_is_empty_and_for_its_group() {
        let (_folder, path) = folder();
        let path = path.parent().unwrap().join("deep/down/alerts.log");
        let log = AlertLog::open(&path, Format::Text).unwrap();
        assert_eq!(log.last_seq(), None);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn what_is_written_is_there_and_its_number_is_found_again() {
        for format in [Format::Text, Format::Json] {
            let (_folder, path) = folder();
            let mut log = AlertLog::open(&path, format).unwrap();
            assert_eq!(write(&mut log, 1..=3), 3);
            assert_eq!(write(&mut log, []), 3);
            drop(log);
            assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
            assert_eq!(AlertLog::open(&path, format).unwrap().last_seq(), Some(3));
        }
    }

    #[test]
    fn torn_line_is_cut_off_at_each_byte() {
        let whole = text(1);
        let torn = text(2);
        for at in 1..torn.len() {
            let found = [whole.as_bytes(), &torn.as_bytes()[..at]].concat();
            check(&found, Some(1), whole.as_bytes());
        }
    }

    #[test]
    fn torn_json_line_is_cut_off_at_each_byte() {
        let (whole, torn) = (line::json(&alert(1)) + "\n", line::json(&alert(2)));
        for at in 1..=torn.len() {
            let found = [whole.as_bytes(), &torn.as_bytes()[..at]].concat();
            check(&found, Some(1), whole.as_bytes());
        }
    }

    #[test]
    fn only_line_torn() {
        check_text("2031-03-02T15:04:05Z [tid", None, "");
    }

    #[test]
    fn zeros_that_a_power_cut_left_are_cut_off() {
        check(&[text(4).as_bytes(), &[0; 3000]].concat(), Some(4), text(4).as_bytes());
    }

    #[test]
    fn torn_line_longer_than_what_is_read_at_once() {
        let torn = format!("{{\"seq\":8,\"evidence\":\"{}", "x".repeat(300_000));
        check_text(&(text(7) + &torn), Some(7), &text(7));
    }

    #[test]
    fn note_of_somebody_without_line_feed_stays() {
        check_text(&(text(7) + "seen until here"), Some(7), &(text(7) + "seen until here\n"));
    }

    #[test]
    fn notes_after_the_last_alert_are_stepped_over() {
        let notes = "a note\n".repeat(50_000);
        check_text(&(text(7) + &notes), Some(7), &(text(7) + &notes));
    }

    #[test]
    fn bytes_that_are_no_text() {
        check(b"\xff\xfe\n\xff", None, b"\xff\xfe\n\xff\n");
    }

    #[test]
    fn long_log_opens_without_being_read() {
        let (_folder, path) = folder();
        let file = File::create(&path).unwrap();
        file.set_len(64 << 30).unwrap();
        file.write_all_at(format!("\n{}", text(9)).as_bytes(), 64 << 30).unwrap();
        let begun = std::time::Instant::now();
        assert_eq!(AlertLog::open(&path, Format::Text).unwrap().last_seq(), Some(9));
        assert!(begun.elapsed().as_millis() < 500, "{:?}", begun.elapsed());
    }

    fn check_sibling(name: &str, pack: impl FnOnce(&[u8]) -> Vec<u8>, expected: Option<u64>) {
        let (folder, path) = folder();
        fs::write(folder.path().join(name), pack(&[text(40), text(41)].concat().into_bytes())).unwrap();
        assert_eq!(AlertLog::open(&path, Format::Text).unwrap().last_seq(), expected, "{name}");
    }

    fn gzip(lines: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(lines).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn rotated_siblings_tell_what_was_written() {
        for name in [
            "alerts.log.1",
            "alerts.log-20310302",
            "alerts.log-20310302-1898765432",
            "alerts-20310302.log",
            "alerts.log.old",
        ] {
            check_sibling(name, <[u8]>::to_vec, Some(41));
            check_sibling(&format!("{name}.gz"), gzip, Some(41));
            check_sibling(&format!("{name}.zst"), |lines| zstd::encode_all(lines, 3).unwrap(), Some(41));
        }
    }

    #[test]
    fn logs_of_others_tell_nothing() {
        for name in ["alerts-sport.log", "alerts.log.bak~", "alerts.logs", "alerts", "other.log.1"] {
            check_sibling(name, <[u8]>::to_vec, None);
        }
    }

    #[test]
    fn newest_sibling_counts_and_one_without_alerts_is_passed_over() {
        let (folder, path) = folder();
        let old = fs::FileTimes::new().set_modified(std::time::SystemTime::UNIX_EPOCH);
        for (name, lines, is_old) in [("alerts.log.3", text(50), true), ("alerts.log.2", text(60), false)] {
            let path = folder.path().join(name);
            fs::write(&path, lines).unwrap();
            if is_old {
                File::options().write(true).open(&path).unwrap().set_times(old).unwrap();
            }
        }
        fs::write(folder.path().join("alerts.log.1"), "a note\n").unwrap();
        assert_eq!(AlertLog::open(&path, Format::Text).unwrap().last_seq(), Some(60));
    }

    #[test]
    fn long_packed_sibling() {
        let lines: String = (1..=60_000).map(text).collect();
        let (folder, path) = folder();
        fs::write(folder.path().join("alerts.log.1.gz"), gzip(lines.as_bytes())).unwrap();
        assert_eq!(AlertLog::open(&path, Format::Text).unwrap().last_seq(), Some(60_000));
    }

    #[test]
    fn sibling_being_packed_is_read_where_it_is_whole() {
        let (folder, path) = folder();
        fs::write(folder.path().join("alerts.log.1"), text(41)).unwrap();
        fs::write(folder.path().join("alerts.log.1.gz"), &gzip(text(41).as_bytes())[..12]).unwrap();
        assert_eq!(AlertLog::open(&path, Format::Text).unwrap().last_seq(), Some(41));
    }

    #[test]
    fn damaged_sibling_is_named() {
        let (folder, path) = folder();
        fs::write(folder.path().join("alerts.log.1.gz"), &gzip(text(41).as_bytes())[..12]).unwrap();
        let error = AlertLog::open(&path, Format::Text).unwrap_err().to_string();
        assert!(error.contains("alerts.log.1.gz"), "{error}");
    }

    fn seqs(paths: &[&Path]) -> Vec<u64> {
        let lines = paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect::<String>();
        lines.lines().map(|line| line::seq_of(line).unwrap()).collect()
    }

    #[test]
    fn renamed_log_is_left_behind() {
        let (folder, path) = folder();
        let rotated = folder.path().join("alerts.log.1");
        let mut log = AlertLog::open(&path, Format::Text).unwrap();
        write(&mut log, 1..=2);
        fs::rename(&path, &rotated).unwrap();
        log.reopen().unwrap();
        assert!(path.exists());
        write(&mut log, 3..=3);
        assert_eq!((seqs(&[&rotated]), seqs(&[&path])), (vec![1, 2], vec![3]));
    }

    #[test]
    fn deleted_log_is_made_again_without_being_told() {
        let (_folder, path) = folder();
        let mut log = AlertLog::open(&path, Format::Text).unwrap();
        write(&mut log, 1..=2);
        fs::remove_file(&path).unwrap();
        write(&mut log, 3..=3);
        assert_eq!(seqs(&[&path]), [3]);
    }

    #[test]
    fn replaced_log_is_continued_after_a_line_feed() {
        let (folder, path) = folder();
        let mut log = AlertLog::open(&path, Format::Text).unwrap();
        write(&mut log, 1..=1);
        let other = folder.path().join("other");
        fs::write(&other, "a note").unwrap();
        fs::rename(&other, &path).unwrap();
        write(&mut log, 2..=2);
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("a note\n{}", text(2)));
    }

    #[test]
    fn log_emptied_in_place_starts_at_its_beginning() {
        let (_folder, path) = folder();
        let mut log = AlertLog::open(&path, Format::Text).unwrap();
        write(&mut log, 1..=2);
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        write(&mut log, 3..=3);
        assert_eq!(fs::read_to_string(&path).unwrap(), text(3));
    }

    #[test]
    fn note_written_meanwhile_gets_a_line_of_its_own() {
        let (_folder, path) = folder();
        let mut log = AlertLog::open(&path, Format::Text).unwrap();
        write(&mut log, 1..=1);
        File::options().append(true).open(&path).unwrap().write_all(b"seen").unwrap();
        write(&mut log, 2..=2);
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}seen\n{}", text(1), text(2)));
    }

    #[test]
    fn part_of_a_failed_write_is_cut_off_before_the_next() {
        let (_folder, path) = folder();
        let mut log = AlertLog::open(&path, Format::Text).unwrap();
        write(&mut log, 1..=1);
        File::options().append(true).open(&path).unwrap().write_all((text(2) + "2031-").as_bytes()).unwrap();
        log.cut_due = true;
        write(&mut log, 2..=3);
        assert_eq!(seqs(&[&path]), [1, 2, 3]);
    }

    #[test]
    fn second_writer_is_refused() {
        let (_folder, path) = folder();
        let _first = AlertLog::open(&path, Format::Text).unwrap();
        let second = AlertLog::open(&path, Format::Text);
        assert!(matches!(second, Err(LogError::Locked { .. })), "{second:?}");
    }

    #[test]
    fn what_is_no_file_is_refused_by_name() {
        let (folder, path) = folder();
        fs::create_dir(&path).unwrap();
        for other in [path.as_path(), Path::new("/dev/null")] {
            let refused = AlertLog::open(other, Format::Text);
            assert!(matches!(&refused, Err(LogError::NotAFile { path }) if path == other), "{refused:?}");
        }
        let under_a_file = folder.path().join("file/alerts.log");
        fs::write(folder.path().join("file"), "").unwrap();
        let refused = AlertLog::open(&under_a_file, Format::Text).unwrap_err();
        assert!(matches!(&refused, LogError::Folder { .. }), "{refused:?}");
        assert!(refused.to_string().contains("/file of"), "{refused}");
    }

    /// A file larger than its limit fails to be written half-way, as on a full disk.
    #[test]
    fn full_disk_leaves_no_line_and_a_retry_writes_none_twice() {
        // The signal that comes with the limit would end the process; a shell can have it ignored from the start.
        let mut child = std::process::Command::new("sh");
        child.args(["-c", "trap '' XFSZ; exec \"$0\" --exact alert::log::tests::write_under_a_limit"]);
        child.arg(std::env::current_exe().unwrap());
        let (_folder, path) = folder();
        let output = child.env("STORYWATCH_TEST_LIMITED_LOG", &path).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(seqs(&[&path]), (1..=5).collect::<Vec<_>>());
    }

    /// The part of the test above that must run in a process of its own, since the limit holds for all its threads.
    #[test]
    fn write_under_a_limit() {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Some(path) = std::env::var_os("STORYWATCH_TEST_LIMITED_LOG").map(PathBuf::from) else { return };
        let mut log = AlertLog::open(&path, Format::Text).unwrap();
        write(&mut log, 1..=2);
        let free = getrlimit(Resource::Fsize);
        let room = fs::metadata(&path).unwrap().len() + text(3).len() as u64 + 7;
        setrlimit(Resource::Fsize, Rlimit { current: Some(room), maximum: free.maximum }).unwrap();
        let alerts: Vec<_> = (3..=5).map(alert).collect();
        let failed = log.write(&alerts.iter().collect::<Vec<_>>());
        assert!(matches!(failed, Err(LogError::Write { .. })), "{failed:?}");
        assert_eq!((log.last_seq(), seqs(&[&path])), (Some(2), vec![1, 2]));
        setrlimit(Resource::Fsize, free).unwrap();
        assert_eq!(write(&mut log, 3..=5), 5);
    }

    #[test]
    fn real_logrotate_loses_and_doubles_no_line() {
        if std::env::var_os("STORYWATCH_SYSTEM_TESTS").is_none() {
            // Past the test harness, which shows nothing of a test that passes.
            let left_out = "not run without STORYWATCH_SYSTEM_TESTS: rotation by the real logrotate";
            writeln!(io::stderr(), "{left_out}").unwrap();
            return;
        }
        let (folder, path) = folder();
        let shipped = include_str!("../../systemd/logrotate.d/storywatch");
        let rules = shipped.replace("/var/log/storywatch/alerts.log", path.to_str().unwrap());
        // The daemon's user does not exist on each machine, and no service is there to be told.
        let rules =
            rules.replace("su storywatch storywatch", "").replace("systemctl kill", ": systemctl kill");
        let (config, state) = (folder.path().join("rules"), folder.path().join("state"));
        fs::write(&config, rules).unwrap();
        let mut log = AlertLog::open(&path, Format::Text).unwrap();
        for round in 0..4 {
            write(&mut log, round * 10 + 1..=round * 10 + 10);
            let mut logrotate = std::process::Command::new("/usr/sbin/logrotate");
            let output = logrotate.arg("--force").arg("--state").args([&state, &config]).output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        drop(log);
        assert!(!path.exists() && folder.path().join("alerts.log.2.gz").exists());
        let mut log = AlertLog::open(&path, Format::Text).unwrap();
        assert_eq!(log.last_seq(), Some(40));
        write(&mut log, 41..=41);
        let mut lines = String::new();
        for packed in ["alerts.log.4.gz", "alerts.log.3.gz", "alerts.log.2.gz"] {
            let packed = File::open(folder.path().join(packed)).unwrap();
            flate2::read::GzDecoder::new(packed).read_to_string(&mut lines).unwrap();
        }
        lines += &fs::read_to_string(folder.path().join("alerts.log.1")).unwrap();
        lines += &fs::read_to_string(&path).unwrap();
        assert_eq!(lines, (1..=41).map(text).collect::<String>());
    }

    #[test]
    fn killed_anywhere_and_started_again_each_alert_is_there_once() {
        let whole: String = (1..=4).map(text).collect();
        for at in 0..=whole.len() {
            let (_folder, path) = folder();
            fs::write(&path, &whole.as_bytes()[..at]).unwrap();
            let mut log = AlertLog::open(&path, Format::Text).unwrap();
            let next = log.last_seq().unwrap_or(0) + 1;
            write(&mut log, next..=4);
            assert_eq!(fs::read_to_string(&path).unwrap(), whole, "killed after {at} bytes");
        }
    }
}
