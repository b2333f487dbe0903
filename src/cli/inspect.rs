//! `inspect`: what the daemon reads in something; nothing is stored.

mod text;

use std::{fs, io::Write, path::PathBuf};

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Failure;
use crate::{
    daemon,
    source::{FetchLimits, page, parse},
};

/// Show what the daemon reads in a feed, a page or a text; nothing is stored.
///
/// Prints JSON, a line a file; `text` does so where its output is no terminal.
#[derive(Args, Debug)]
pub(super) struct Flags {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The entries of a feed (RSS, Atom, RDF, JSON Feed).
    Feed(Inputs),
    /// The article in a web page.
    Page(Inputs),
    /// Names and quotes in articles: JSON Lines, text, any drop format. In colour on a terminal, else as JSON.
    Text(text::Flags),
}

#[derive(Args, Debug)]
struct Inputs {
    /// Files or http(s) addresses.
    #[arg(value_name = "FILE|URL", required_unless_present = "files_from")]
    named: Vec<String>,

    /// Read a list of files: JSON Lines `{"file", "url"?, "content_type"?}`. Each gets a line `{"file", ...}`, or
    /// `{"file", "error"}`.
    #[arg(long, value_name = "LIST", conflicts_with = "named")]
    files_from: Option<PathBuf>,

    /// What the server said of a file's content, such as `text/html; charset=iso-8859-1`.
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,

    /// Where a file was got: relative links begin there.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
}

/// One line of a `--files-from` list.
#[derive(Debug, Deserialize)]
struct Listed {
    file: String,
    url: Option<String>,
    content_type: Option<String>,
}

/// Something with its bytes.
struct Got {
    bytes: Vec<u8>,
    content_type: Option<String>,
    url: Option<String>,
}

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    super::log_for_people();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let good = match &flags.what {
        What::Feed(inputs) => each(inputs, &mut out, |got| {
            parse::parse(&got.bytes, got.content_type.as_deref(), got.url.as_deref())
                .map_err(anyhow::Error::from)
        })?,
        What::Page(inputs) => each(inputs, &mut out, |got| {
            page::read(&got.bytes, got.content_type.as_deref(), got.url.as_deref())
                .map_err(anyhow::Error::from)
        })?,
        What::Text(flags) => text::run(flags, &mut out)?,
    };
    out.flush()?;
    if good { Ok(()) } else { Err(Failure::Told) }
}

/// Whether all could be read.
fn each<T: Serialize>(
    inputs: &Inputs,
    out: &mut impl Write,
    read: impl Fn(&Got) -> anyhow::Result<T>,
) -> Result<bool, Failure> {
    let mut good = true;
    if let Some(list) = &inputs.files_from {
        for line in fs::read_to_string(list)?.lines().filter(|line| !line.trim().is_empty()) {
            let listed: Listed = serde_json::from_str(line)?;
            let Listed { file, url, content_type } = listed;
            let done = fs::read(&file)
                .map_err(anyhow::Error::from)
                .and_then(|bytes| read(&Got { bytes, content_type, url }));
            match done {
                Ok(done) => {
                    let mut line = serde_json::to_value(done)?;
                    if let Some(fields) = line.as_object_mut() {
                        fields.insert("file".to_owned(), json!(file));
                    }
                    writeln!(out, "{line}")?;
                }
                Err(fault) => {
                    good = false;
                    writeln!(out, "{}", json!({ "file": file, "error": format!("{fault:#}") }))?;
                }
            }
        }
        return Ok(good);
    }
    for input in &inputs.named {
        match get(input, inputs).and_then(|got| read(&got)) {
            Ok(done) => {
                serde_json::to_writer(&mut *out, &done)?;
                writeln!(out)?;
            }
            Err(fault) => {
                good = false;
                super::complain(&format!("storywatch: {input}: {fault:#}"));
            }
        }
    }
    Ok(good)
}

/// A file, or what an address answers.
fn get(input: &str, inputs: &Inputs) -> anyhow::Result<Got> {
    let (content_type, base) = (inputs.content_type.clone(), inputs.base_url.clone());
    if input.starts_with("http://") || input.starts_with("https://") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let fetched = runtime.block_on(daemon::fetch_once(input, &FetchLimits::default()))?;
        let url = base.or(Some(fetched.url));
        return Ok(Got { bytes: fetched.body, content_type: content_type.or(fetched.content_type), url });
    }
    Ok(Got { bytes: fs::read(input)?, content_type, url: base })
}
