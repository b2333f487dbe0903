//! The files that an alert log became when it was rotated, compressed ones too.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{LogError, last_seq_of, read_error, seq_of};

/// A compressed sibling is read to this length at most.
const UNPACKED_BYTES_MAX: u64 = 4 << 30;
/// Of what is unpacked, the end that is kept to look for a line in.
const KEPT_BYTES: usize = 1 << 20;
/// Siblings without a line of ours, such as empty ones, are passed over; more of them than this are not normal.
const SIBLINGS_MAX: usize = 64;

/// Sequence number of the last alert in the newest rotated sibling that holds one.
pub(super) fn last_seq(log: &Path) -> Result<Option<u64>, LogError> {
    for sibling in siblings(log)?.into_iter().take(SIBLINGS_MAX) {
        let seq = last_seq_of_sibling(&sibling).map_err(|source| read_error(&sibling, source))?;
        if seq.is_some() {
            return Ok(seq);
        }
    }
    Ok(None)
}

/// Newest first, by the time of their last change.
fn siblings(log: &Path) -> Result<Vec<PathBuf>, LogError> {
    let folder = log.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = log.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let entries = fs::read_dir(folder).map_err(|source| read_error(folder, source))?;
    let mut found: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| read_error(folder, source))?;
        if !entry.file_name().to_str().is_some_and(|sibling| is_rotated(name, sibling)) {
            continue;
        }
        // One that goes away meanwhile is no sibling any more.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() && metadata.len() > 0 {
            found.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), entry.path()));
        }
    }
    // A file that is being compressed stands there twice, and the packed one is not whole yet.
    let packed_only = |path: &Path| !(is_packed(path) && path.with_extension("").is_file());
    found.retain(|(_, path)| packed_only(path));
    found.sort_unstable_by(|a, b| b.cmp(a));
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Whether `sibling` is a name that rotation gives to `name`: `alerts.log.1`, `alerts.log-20310102.gz`,
/// `alerts-20310102.log.zst`.
fn is_rotated(name: &str, sibling: &str) -> bool {
    let bare = sibling.strip_suffix(".gz").or_else(|| sibling.strip_suffix(".zst")).unwrap_or(sibling);
    let mark = match bare.strip_prefix(name) {
        Some(mark) => Some(mark),
        None => name
            .rsplit_once('.')
            .and_then(|(stem, ending)| bare.strip_prefix(stem)?.strip_suffix(ending)?.strip_suffix('.')),
    };
    let stamp = |mark: &str| mark.bytes().all(|byte| byte.is_ascii_digit() || b"-_.:T".contains(&byte));
    mark.and_then(|mark| mark.strip_prefix(['.', '-']))
        .is_some_and(|mark| mark == "old" || (mark.starts_with(|c: char| c.is_ascii_digit()) && stamp(mark)))
}

fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "gz" || ending == "zst")
}

fn last_seq_of_sibling(path: &Path) -> io::Result<Option<u64>> {
    let file = File::open(path)?;
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => last_seq_unpacked(flate2::read::MultiGzDecoder::new(file)),
        Some("zst") => last_seq_unpacked(zstd::stream::read::Decoder::new(file)?),
        _ => {
            let len = file.metadata()?.len();
            last_seq_of(&file, len)
        }
    }
}

fn last_seq_unpacked(unpacked: impl Read) -> io::Result<Option<u64>> {
    let mut unpacked = unpacked.take(UNPACKED_BYTES_MAX);
    let mut end = Vec::with_capacity(2 * KEPT_BYTES);
    let mut cut = false;
    while (&mut unpacked).take(KEPT_BYTES as u64).read_to_end(&mut end)? > 0 {
        if end.len() > KEPT_BYTES {
            end.drain(..end.len() - KEPT_BYTES);
            cut = true;
        }
    }
    if unpacked.limit() == 0 {
        let why = format!("it is longer than {UNPACKED_BYTES_MAX} bytes when unpacked");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    let first = if cut { memchr::memchr(b'\n', &end).map_or(0, |at| at + 1) } else { 0 };
    Ok(end.get(first..).unwrap_or_default().rsplit(|byte| *byte == b'\n').find_map(seq_of))
}
