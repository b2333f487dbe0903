//! Packs the lists of places and personal names: `pack_gazetteer LIST` writes `models/gazetteer.zst`, the same bytes from
//! the same list. Run it in the project's directory.
//!
//! A list is a file of lines, gzipped or plain: a lower-case name, a tab, its classes parted by commas. CITY has 200,000
//! people or more, TOWN fewer, CTRY is a country, STATE a state and COUNTY a county of the US, all as `GeoNames` has them;
//! FIRST and SUR are given names and surnames of the US census of 1990, FIRSTT and SURT the most frequent of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    io::{Read as _, Write as _},
};

use anyhow::{Context as _, Result, bail};

/// The bits by which the tagger knows the classes.
const CLASSES: [(&str, u32); 9] = [
    ("CITY", 1),
    ("TOWN", 1 << 1),
    ("CTRY", 1 << 2),
    ("STATE", 1 << 3),
    ("COUNTY", 1 << 4),
    ("FIRST", 1 << 5),
    ("FIRSTT", 1 << 5 | 1 << 6),
    ("SUR", 1 << 7),
    ("SURT", 1 << 7 | 1 << 8),
];

/// The smallest file.
const LEVEL: i32 = 22;

const PACKED: &str = "models/gazetteer.zst";

fn main() -> Result<()> {
    let Some(path) = std::env::args().nth(1) else { bail!("usage: pack_gazetteer LIST") };
    let list = read(&path).with_context(|| format!("could not read {path}"))?;
    let names = by_class(&list).with_context(|| format!("could not use {path}"))?;
    let packed = pack(&names)?;
    fs::write(PACKED, packed).with_context(|| format!("could not write {PACKED}"))
}

fn read(path: &str) -> Result<String> {
    let bytes = fs::read(path)?;
    let mut list = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut list)?;
    } else {
        list = String::from_utf8(bytes)?;
    }
    Ok(list)
}

fn by_class(list: &str) -> Result<BTreeMap<u32, BTreeSet<&str>>> {
    let mut names: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
    for (line, number) in list.lines().zip(1..) {
        let Some((name, classes)) = line.split_once('\t') else {
            bail!("line {number}: no tab; expected a name, a tab and classes")
        };
        let mut class = 0;
        for code in classes.split(',') {
            let Some((_, bits)) = CLASSES.iter().find(|(known, _)| *known == code) else {
                bail!("line {number}: unknown class {code}")
            };
            class |= bits;
        }
        names.entry(class).or_default().insert(name);
    }
    Ok(names)
}

/// A line `=BITS` for each class, then its names.
fn pack(names: &BTreeMap<u32, BTreeSet<&str>>) -> Result<Vec<u8>> {
    let mut text = String::new();
    for (class, names) in names {
        writeln!(text, "={class}")?;
        for name in names {
            text.push_str(name);
            text.push('\n');
        }
    }
    let mut packer = zstd::Encoder::new(Vec::new(), LEVEL)?;
    packer.include_checksum(true)?;
    packer.set_pledged_src_size(Some(text.len() as u64))?;
    packer.write_all(text.as_bytes())?;
    Ok(packer.finish()?)
}
