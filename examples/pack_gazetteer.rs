//! Packs the lists of places and personal names: `pack_gazetteer LIST WOMEN MEN` writes `models/gazetteer.zst`, the same
//! bytes from the same lists. Run it in the project's directory.
//!
//! A list is a file of lines, gzipped or plain: a lower-case name, a tab, its classes parted by commas. CITY has 200,000
//! people or more, TOWN fewer, CTRY is a country, STATE a state and COUNTY a county of the US, all as `GeoNames` has them;
//! FIRST and SUR are given names and surnames of the US census of 1990, FIRSTT and SURT the most frequent of them.
//!
//! WOMEN and MEN are the census's own lists of given names: lines that begin with a name and how frequent it is, in percent.
//! Names that are much more frequent on one of them are marked.

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

/// The bit of given names.
const GIVEN: u32 = 1 << 5;

/// A name that is so many times as frequent with one sex tells it.
const MUCH_MORE: f64 = 4.0;

/// The smallest file.
const LEVEL: i32 = 22;

const PACKED: &str = "models/gazetteer.zst";

fn main() -> Result<()> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [path, women, men] = paths.as_slice() else { bail!("usage: pack_gazetteer LIST WOMEN MEN") };
    let list = read(path).with_context(|| format!("could not read {path}"))?;
    let (women, men) = (frequencies(women)?, frequencies(men)?);
    let sex = |name: &str| {
        let [woman, man] = [&women, &men].map(|names| names.get(name).copied().unwrap_or(0.0));
        match (woman > man * MUCH_MORE, man > woman * MUCH_MORE) {
            (true, _) => "f",
            (_, true) => "m",
            _ => "",
        }
    };
    let names = by_class(&list, sex).with_context(|| format!("could not use {path}"))?;
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

/// How frequent each given name is, in lower case.
fn frequencies(path: &str) -> Result<BTreeMap<String, f64>> {
    let list = read(path).with_context(|| format!("could not read {path}"))?;
    let mut names = BTreeMap::new();
    for (line, number) in list.lines().zip(1..) {
        let mut columns = line.split_ascii_whitespace();
        let (Some(name), Some(percent)) = (columns.next(), columns.next()) else {
            bail!("{path}:{number}: expected a name and how frequent it is")
        };
        names.insert(name.to_lowercase(), percent.parse().with_context(|| format!("{path}:{number}"))?);
    }
    Ok(names)
}

/// Names by their class and whose given names they are: women's, men's or nobody's more than anybody's.
type Classes<'a> = BTreeMap<(u32, &'static str), BTreeSet<&'a str>>;

fn by_class(list: &str, sex: impl Fn(&str) -> &'static str) -> Result<Classes<'_>> {
    let mut names = Classes::new();
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
        let sex = if class & GIVEN == 0 { "" } else { sex(name) };
        names.entry((class, sex)).or_default().insert(name);
    }
    Ok(names)
}

/// A line `=BITS` for each class, with an f or m behind for given names of women or men, then its names.
fn pack(names: &Classes<'_>) -> Result<Vec<u8>> {
    let mut text = String::new();
    for ((class, sex), names) in names {
        writeln!(text, "={class}{sex}")?;
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
