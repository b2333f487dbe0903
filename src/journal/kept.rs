//! Days whose texts have expired: one file in place of the day's, with what is left of each article.
//! Lines keep the places that they had, so that whoever remembers one finds it. The lines stand in blocks, each a zstd
//! frame of many lines that ends in a commit; an index of the blocks stands in a frame at the end that zstd skips.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::FileExt,
    path::Path,
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zstd::{bulk::Compressor, zstd_safe::CParameter};

use super::{
    Commit, Header, JournalError, Line, OwnLine, SCHEMA,
    day::{day_of_name, kept_path_of, path_of},
    frame::{Decoder, FrameFault, SCAN_READ_BYTES, Window},
    remains::KeptArticle,
    scan::behind_damage,
    state_dir::sync_dir,
};

/// A block is closed by the first commit behind so many bytes of lines.
const BLOCK_BYTES: usize = 256 << 10;

/// Nobody waits for it.
const LEVEL: i32 = 9;

/// A frame that every reader of zstd passes over.
const SKIPPABLE: u32 = 0x184D_2A5E;

/// The last bytes of a whole file.
const TAIL_MAGIC: [u8; 8] = *b"kept day";

const TAIL_BYTES: usize = 16;
const ENTRY_BYTES: usize = 24;

/// Most blocks of a file: a day of thousands of millions of bytes.
const BLOCKS_MAX: usize = 1 << 20;

/// A stretch of the day's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    /// Where its first line stood.
    first: u64,
    /// Where its last one ended.
    end: u64,
    /// Where its frame begins in this file.
    at: u64,
}

/// A line with its place.
#[derive(Deserialize)]
struct Placed<'a> {
    at: u64,
    #[serde(borrow)]
    line: &'a RawValue,
}

/// A day without texts, open for reading.
pub(super) struct KeptFile {
    file: File,
    blocks: Vec<Block>,
    /// Where the index of the blocks begins.
    index_at: u64,
}

impl KeptFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it has no index of its blocks");
        let mut tail = [0; TAIL_BYTES];
        let tail_at = bytes.checked_sub(TAIL_BYTES as u64).ok_or_else(damaged)?;
        file.read_exact_at(&mut tail, tail_at)?;
        let (count, rest) = tail.split_first_chunk().ok_or_else(damaged)?;
        let (sum, magic) = rest.split_first_chunk().ok_or_else(damaged)?;
        let count = u32::from_le_bytes(*count) as usize;
        if *magic != TAIL_MAGIC[..] || count > BLOCKS_MAX {
            return Err(damaged());
        }
        let mut entries = vec![0; count * ENTRY_BYTES];
        let index_at = tail_at.checked_sub(entries.len() as u64).ok_or_else(damaged)?;
        file.read_exact_at(&mut entries, index_at)?;
        if crc32fast::hash(&entries) != u32::from_le_bytes(*sum) {
            return Err(damaged());
        }
        let number = |entry: &[u8], at: usize| {
            entry.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
        };
        let blocks = entries
            .chunks_exact(ENTRY_BYTES)
            .map(|entry| Block { first: number(entry, 0), end: number(entry, 8), at: number(entry, 16) })
            .collect();
        // the head of the skippable frame
        Ok(Self { file, blocks, index_at: index_at.saturating_sub(8) })
    }

    /// The lines of a block, uncompressed.
    fn lines(&self, number: usize, decoder: &mut Decoder) -> Result<Vec<u8>, FrameFault> {
        let no_block = FrameFault::Damaged("its index leads to no block");
        let Some(block) = self.blocks.get(number) else { return Err(no_block) };
        let end = self.blocks.get(number + 1).map_or(self.index_at, |next| next.at);
        let bytes = end.checked_sub(block.at).and_then(|bytes| usize::try_from(bytes).ok());
        let Some(bytes) = bytes.filter(|bytes| *bytes <= super::frame::LINE_BYTES_MAX) else {
            return Err(no_block);
        };
        let mut frame = vec![0; bytes];
        self.file.read_exact_at(&mut frame, block.at)?;
        decoder.decode(&frame).map(|(lines, _)| lines.to_vec())
    }

    /// Calls `read` with the line that stood at a place of the day.
    pub(super) fn line<T>(
        &self,
        offset: u64,
        decoder: &mut Decoder,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, FrameFault> {
        let no_line = FrameFault::Damaged("no line is kept from there");
        let number = self.blocks.partition_point(|block| block.end <= offset);
        let lines = self.lines(number, decoder)?;
        for line in lines.split(|byte| *byte == b'\n') {
            if let Ok(placed) = serde_json::from_slice::<Placed<'_>>(line)
                && placed.at == offset
            {
                return Ok(read(placed.line.get().as_bytes()));
            }
        }
        Err(no_line)
    }
}

/// Reads a day without texts through.
pub(super) struct KeptScan {
    file: KeptFile,
    block: usize,
    lines: Vec<u8>,
    next: usize,
}

/// What comes next.
pub(super) enum KeptNext {
    /// A line, where it stood, and where the next one did.
    Line(Box<serde_json::Result<Line>>, u64, u64),
    /// A block that cannot be read: from where to where the lines stood that are lost.
    Lost(FrameFault, u64, u64),
    End,
}

impl KeptScan {
    /// The lines that stood at `from` or behind it.
    pub(super) fn new(file: KeptFile, from: u64) -> Self {
        let block = file.blocks.partition_point(|block| block.end <= from);
        Self { file, block, lines: Vec::new(), next: 0 }
    }

    pub(super) fn next(&mut self, from: u64, decoder: &mut Decoder) -> KeptNext {
        loop {
            let Some(block) = self.file.blocks.get(self.block).copied() else { return KeptNext::End };
            if self.lines.is_empty() {
                match self.file.lines(self.block, decoder) {
                    Ok(lines) => (self.lines, self.next) = (lines, 0),
                    Err(fault) => {
                        self.block += 1;
                        return KeptNext::Lost(fault, block.first, block.end);
                    }
                }
            }
            let Some(line) = next_line(&self.lines, &mut self.next) else {
                self.lines.clear();
                self.block += 1;
                continue;
            };
            let Ok(placed) = serde_json::from_slice::<Placed<'_>>(line) else { continue };
            if placed.at < from {
                continue;
            }
            let read = line_of(placed.line.get().as_bytes());
            let at = placed.at;
            let behind = self
                .lines
                .get(self.next..)
                .filter(|rest| !rest.is_empty())
                .and_then(|rest| rest.split(|byte| *byte == b'\n').next())
                .and_then(|line| serde_json::from_slice::<Placed<'_>>(line).ok())
                .map_or(block.end, |next| next.at);
            return KeptNext::Line(Box::new(read), at, behind);
        }
    }
}

fn next_line<'l>(lines: &'l [u8], next: &mut usize) -> Option<&'l [u8]> {
    let rest = lines.get(*next..).filter(|rest| !rest.is_empty())?;
    let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    *next += length + 1;
    rest.get(..length)
}

/// A line as it is read, whatever kind of file it stands in: of an article without its text, `Line::Article` says so.
pub(super) fn line_of(line: &[u8]) -> serde_json::Result<Line> {
    #[derive(Deserialize)]
    struct Kept {
        kept: Box<KeptArticle>,
    }
    if line.starts_with(br#"{"kept""#) {
        return serde_json::from_slice::<Kept>(line).map(|line| Line::from(line.kept));
    }
    serde_json::from_slice(line)
}

/// What giving up the texts of a day has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenUp {
    /// The day as a number yyyymmdd.
    pub day: u32,
    /// Articles whose texts are gone.
    pub articles: u64,
    /// Size of its file before,
    pub bytes_before: u64,
    /// and after.
    pub bytes_after: u64,
}

/// What is left of an article's line; none of what has no text to lose.
pub type Keep<'a> = &'a mut dyn FnMut(Line) -> Option<KeptArticle>;

/// Puts a file without texts in place of a finished day's. Whoever reads the day meanwhile finds the one or the other; a
/// crash leaves one of them whole.
pub(super) fn give_up(dir: &Path, day: u32, end: u64, keep: Keep<'_>) -> Result<GivenUp, JournalError> {
    let path = path_of(dir, day);
    let failed = |what| JournalError::io(what, &path);
    let aside = path.with_extension("new");
    let source = File::open(&path).map_err(failed("open"))?;
    let mut out = Writer::new(File::create(&aside).map_err(JournalError::io("make", &aside))?)
        .map_err(JournalError::io("write", &aside))?;
    let mut window = Window::new(source, end, SCAN_READ_BYTES);
    let mut decoder = Decoder::new().map_err(JournalError::Zstd)?;
    let mut at = 0;
    let wrote = JournalError::io("write", &aside);
    let mut write = || -> Result<u64, WriteFault> {
        while at < end {
            match window.line(at, &mut decoder) {
                Ok((line, next)) => {
                    out.take(line, at, keep)?;
                    at = next;
                }
                Err(FrameFault::Damaged(why)) => {
                    let next = behind_damage(&mut window, &mut decoder, at)?;
                    tracing::error!(file = %path.display(), at, bytes = next - at, why,
                        "damaged lines are not kept");
                    at = next;
                }
                Err(FrameFault::Io(fault)) => return Err(fault.into()),
            }
        }
        out.finish(end)
    };
    let articles = match write() {
        Ok(articles) => articles,
        Err(WriteFault::Line(offset, why)) => {
            fs::remove_file(&aside).ok();
            return Err(JournalError::Damaged { path, offset, bytes: 0, why });
        }
        Err(WriteFault::Io(fault)) => {
            fs::remove_file(&aside).ok();
            return Err(wrote(fault));
        }
    };
    let kept = kept_path_of(dir, day, end);
    check(&aside).map_err(JournalError::io("read back", &aside))?;
    fs::rename(&aside, &kept)
        .and_then(|()| sync_dir(dir))
        .map_err(JournalError::io("put in place", &kept))?;
    fs::remove_file(&path).and_then(|()| sync_dir(dir)).map_err(failed("remove"))?;
    let bytes_after = fs::metadata(&kept).map_err(JournalError::io("measure", &kept))?.len();
    Ok(GivenUp { day, articles, bytes_before: end, bytes_after })
}

/// Removes what a crash left of giving up a day: a file that was not finished, or the day's own beside its successor.
pub(super) fn clear_leftovers(dir: &Path) -> io::Result<()> {
    let mut removed = false;
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        let unfinished = name.ends_with(".jsonl.new");
        let succeeded = kept_day_of_name(name).map(|(day, _)| path_of(dir, day));
        let leftover = if unfinished { Some(dir.join(name)) } else { succeeded.filter(|path| path.exists()) };
        if let Some(path) = leftover {
            fs::remove_file(path)?;
            removed = true;
        }
    }
    if removed { sync_dir(dir) } else { Ok(()) }
}

/// Day and end of a file's name, where it is that of a day without texts.
pub(super) fn kept_day_of_name(name: &str) -> Option<(u32, u64)> {
    let (date, end) = name.strip_suffix(".jsonl.zst")?.split_once(".kept-")?;
    let day = day_of_name(&format!("{date}.jsonl.zst"))?;
    let end: u64 = end.parse().ok()?;
    (kept_path_of(Path::new(""), day, end).as_os_str() == name).then_some((day, end))
}

/// Every block is whole.
fn check(path: &Path) -> io::Result<()> {
    let file = KeptFile::open(path)?;
    let mut decoder = Decoder::new()?;
    for number in 0..file.blocks.len() {
        file.lines(number, &mut decoder).map_err(io::Error::other)?;
    }
    Ok(())
}

enum WriteFault {
    Io(io::Error),
    /// A line that is not understood, and where it stands.
    Line(u64, String),
}

impl From<io::Error> for WriteFault {
    fn from(fault: io::Error) -> Self {
        Self::Io(fault)
    }
}

struct Writer {
    out: File,
    context: Compressor<'static>,
    at: u64,
    blocks: Vec<Block>,
    lines: Vec<u8>,
    /// Where the first line of the block stood.
    first: u64,
    articles: u64,
    /// The last commit; of the sources' checkpoints the day's last words.
    commit: Option<(u64, Commit)>,
    checkpoints: BTreeMap<String, crate::article::Checkpoint>,
}

impl Writer {
    fn new(out: File) -> io::Result<Self> {
        let mut context = Compressor::new(LEVEL)?;
        context.set_parameter(CParameter::ChecksumFlag(true))?;
        let mut writer = Self {
            out,
            context,
            at: 0,
            blocks: Vec::new(),
            lines: Vec::new(),
            first: 0,
            articles: 0,
            commit: None,
            checkpoints: BTreeMap::new(),
        };
        let mut header = serde_json::to_vec(&OwnLine::Journal(Header { schema: SCHEMA }))?;
        header.push(b'\n');
        writer.frame(&header)?;
        Ok(writer)
    }

    /// Takes one line of the day.
    fn take(&mut self, line: &[u8], at: u64, keep: Keep<'_>) -> Result<(), WriteFault> {
        let understood = |fault: serde_json::Error| WriteFault::Line(at, fault.to_string());
        if line.starts_with(br#"{"journal""#) {
            return Ok(());
        }
        if line.starts_with(br#"{"commit""#) {
            let Line::Commit(commit) = line_of(line).map_err(understood)? else { return Ok(()) };
            self.commit(&commit, at);
            return Ok(());
        }
        if self.commit.is_some() && self.lines.len() >= BLOCK_BYTES {
            self.close_block(at)?;
        }
        if line.starts_with(br#"{"article""#) {
            #[derive(Serialize)]
            struct Kept {
                kept: KeptArticle,
            }
            if let Some(kept) = keep(line_of(line).map_err(understood)?) {
                self.articles += 1;
                let line = serde_json::to_vec(&Kept { kept }).map_err(understood)?;
                self.line(at, &line);
                return Ok(());
            }
        }
        self.line(at, line.trim_ascii_end());
        Ok(())
    }

    fn line(&mut self, at: u64, line: &[u8]) {
        self.lines.extend_from_slice(format!("{{\"at\":{at},\"line\":").as_bytes());
        self.lines.extend_from_slice(line);
        self.lines.extend_from_slice(b"}\n");
    }

    fn commit(&mut self, commit: &Commit, at: u64) {
        for checkpoint in &commit.checkpoints {
            self.checkpoints.insert(checkpoint.key.clone(), checkpoint.clone());
        }
        let before = self.commit.take().map_or(0, |(_, before)| before.articles);
        let articles = commit.articles.saturating_add(before);
        self.commit = Some((at, Commit { checkpoints: Vec::new(), articles, ..*commit }));
    }

    fn close_block(&mut self, end: u64) -> Result<(), WriteFault> {
        if let Some((at, commit)) = self.commit.take() {
            let line = serde_json::to_vec(&OwnLine::Commit(&commit)).map_err(io::Error::from)?;
            self.line(at, &line);
        }
        let lines = std::mem::take(&mut self.lines);
        self.blocks.push(Block { first: self.first, end, at: self.at });
        self.frame(&lines)?;
        self.first = end;
        Ok(())
    }

    fn finish(&mut self, end: u64) -> Result<u64, WriteFault> {
        if let Some((_, commit)) = &mut self.commit {
            commit.checkpoints = std::mem::take(&mut self.checkpoints).into_values().collect();
        }
        self.close_block(end)?;
        let mut entries = Vec::with_capacity(self.blocks.len() * ENTRY_BYTES);
        for block in &self.blocks {
            for number in [block.first, block.end, block.at] {
                entries.extend_from_slice(&number.to_le_bytes());
            }
        }
        let count = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        let length = u32::try_from(entries.len() + TAIL_BYTES).unwrap_or(u32::MAX);
        let mut index = Vec::with_capacity(8 + entries.len() + TAIL_BYTES);
        index.extend_from_slice(&SKIPPABLE.to_le_bytes());
        index.extend_from_slice(&length.to_le_bytes());
        index.extend_from_slice(&entries);
        index.extend_from_slice(&count.to_le_bytes());
        index.extend_from_slice(&crc32fast::hash(&entries).to_le_bytes());
        index.extend_from_slice(&TAIL_MAGIC);
        self.out.write_all(&index)?;
        self.out.sync_all()?;
        Ok(self.articles)
    }

    fn frame(&mut self, lines: &[u8]) -> io::Result<()> {
        let frame = self.context.compress(lines)?;
        self.out.write_all(&frame)?;
        self.at += frame.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Journal, LineRef, Position, reader::Reader, state_dir::StateDir},
        *,
    };
    use crate::{
        article::{Article, ArticleHead, ArticleId, Decision, Id, Rejected, Verdict},
        journal::remains::Marks,
    };

    const DAYS: [&str; 3] = ["2031-03-02T08:00:00Z", "2031-03-03T08:00:00Z", "2031-03-04T08:00:00Z"];

    fn decision(seq: u64) -> Decision {
        let article = ArticleHead {
            id: ArticleId { report: Id(seq), revision: 1 },
            input_id: None,
            source: "gull.example".to_owned(),
            url: Some(format!("https://gull.example/{seq}")),
            title: format!("Ferry letter {seq}"),
            published: None,
            seen_at: DAYS[0].parse().unwrap(),
            language: None,
            lead: "The ferry".to_owned(),
        };
        Decision { story: Some(Id(seq)), ..Decision::of(article, Verdict::New) }
    }

    /// Three days of as many articles, in batches of four, and a rejection a day.
    fn journal(dir: &Path, articles: u64) -> Journal {
        let (mut journal, _) = Journal::open(&StateDir::lock_with_floor(dir, 0).unwrap()).unwrap();
        let mut seq = 0;
        for at in DAYS.map(|day| day.parse().unwrap()) {
            for number in 0..articles {
                seq += 1;
                let text = format!("The ferry of day {at} leaves {seq} times. ").repeat(40);
                let title = format!("Ferry letter {seq}");
                let article = Article { title, text, seen_at: at, ..Article::default() };
                let json = serde_json::value::to_raw_value(&decision(seq)).unwrap();
                let (alerts, traces) = (&[][..], &[][..]);
                let line =
                    LineRef::Article { seq, article: &article, decision: &json, alerts, traces, weights: "" };
                journal.append(at, &line).unwrap();
                if number % 4 == 3 {
                    journal.commit(at, &Commit { batch: seq, seq, ..Commit::default() }).unwrap();
                }
            }
            let rejected = Rejected {
                origin: "drop".to_owned(),
                place: format!("file {seq}"),
                reason: "it is empty".to_owned(),
                input_id: None,
                seen_at: at,
            };
            let json = serde_json::value::to_raw_value(&decision(seq)).unwrap();
            journal.append(at, &LineRef::Rejected { seq, rejected: &rejected, decision: &json }).unwrap();
            let checkpoints =
                vec![crate::article::Checkpoint { key: "feed a".to_owned(), state: seq.into() }];
            journal.commit(at, &Commit { batch: seq + 1, seq, checkpoints, ..Commit::default() }).unwrap();
        }
        journal
    }

    fn keep(line: Line) -> Option<KeptArticle> {
        let Line::Article { seq, article, decision, alerts, traces, .. } = line else { return None };
        Some(KeptArticle::of(seq, &article, &decision, alerts, traces, Marks::default()))
    }

    /// Articles with a text and without, rejections, what the last commit of each day says; and the damage.
    fn read(dir: &Path) -> ([usize; 3], Vec<(u64, usize)>, usize) {
        let reader = Reader::open(dir).unwrap();
        let (mut counted, mut commits, mut damage) = ([0; 3], BTreeMap::new(), 0);
        for line in reader.scan(Position::default()).unwrap() {
            match line {
                Ok((_, Line::Article { article, marks, .. })) => {
                    assert_eq!(article.text.is_empty(), marks.is_some());
                    counted[usize::from(marks.is_some())] += 1;
                }
                Ok((_, Line::Rejected { .. })) => counted[2] += 1,
                Ok((at, Line::Commit(commit))) => {
                    commits.insert(at.day, (commit.seq, commit.checkpoints.len()));
                }
                Ok(_) => {}
                Err(JournalError::Damaged { .. }) => damage += 1,
                Err(fault) => panic!("{fault}"),
            }
        }
        (counted, commits.into_values().collect(), damage)
    }

    #[test]
    fn a_day_gives_up_its_texts_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        drop(journal(dir.path(), 600));
        let whole = read(dir.path());
        assert_eq!(whole, ([1800, 0, 3], vec![(600, 1), (1200, 1), (1800, 1)], 0));
        let reader = Reader::open(dir.path()).unwrap();
        let given_up = reader.give_up(20_310_302, &mut keep).unwrap();
        assert_eq!((given_up.day, given_up.articles), (20_310_302, 600));
        assert!(given_up.bytes_after * 5 < given_up.bytes_before, "{given_up:?}");
        assert_eq!(read(dir.path()), ([1200, 600, 3], whole.1, 0));
        assert_eq!(Reader::open(dir.path()).unwrap().end(), reader.end());
    }

    #[test]
    fn a_crash_leaves_one_of_two_files_whole() {
        let dir = tempfile::tempdir().unwrap();
        drop(journal(dir.path(), 8));
        let of_day = path_of(&dir.path().join("journal"), 20_310_302);
        let bytes = fs::read(&of_day).unwrap();
        Reader::open(dir.path()).unwrap().give_up(20_310_302, &mut keep).unwrap();
        // before the day's own file is removed
        fs::write(&of_day, bytes).unwrap();
        assert_eq!(read(dir.path()).0, [24, 0, 3]);
        // while the next day's successor is written
        let unfinished = of_day.with_file_name("2031-03-03.jsonl.new");
        fs::write(&unfinished, "half").unwrap();
        drop(Journal::open(&StateDir::lock_with_floor(dir.path(), 0).unwrap()).unwrap());
        assert_eq!(read(dir.path()).0, [16, 8, 3]);
        assert!(!unfinished.exists() && !of_day.exists());
    }

    #[test]
    fn damage_costs_a_block_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        drop(journal(dir.path(), 2000));
        let reader = Reader::open(dir.path()).unwrap();
        reader.give_up(20_310_302, &mut keep).unwrap();
        let end = reader.days().next().unwrap().1;
        let path = kept_path_of(&dir.path().join("journal"), 20_310_302, end);
        let mut bytes = fs::read(&path).unwrap();
        bytes[60] ^= 1;
        fs::write(&path, bytes).unwrap();
        let ([whole, kept, _], commits, damage) = read(dir.path());
        assert_eq!((whole, commits.len(), damage), (4000, 3, 1));
        assert!(kept > 500 && kept < 2000, "{kept}");
    }

    #[test]
    fn names_of_days_without_texts() {
        assert_eq!(kept_day_of_name("2031-03-02.kept-17.jsonl.zst"), Some((20_310_302, 17)));
        for other in ["2031-03-02.jsonl.zst", "2031-3-2.kept-17.jsonl.zst", "2031-03-02.kept-017.jsonl.zst"] {
            assert_eq!(kept_day_of_name(other), None, "{other}");
        }
    }
}
