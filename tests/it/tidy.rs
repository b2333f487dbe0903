//! The rules of the house: which room may use which crate, and import from where.

use std::{fs, path::Path};

use crate::world::files;

/// Each of these crates has one room; the room is where its name may stand.
const ROOMS: &[(&str, &[&str])] = &[
    ("clap", &["src/cli.rs", "src/cli/"]),
    ("toml", &["src/config.rs", "src/config/"]),
    ("sled", &["src/store.rs", "src/store/"]),
    ("reqwest", &["src/source/fetch"]),
    ("hyper", &["src/serve/websub", "src/serve/page"]),
    ("maud", &["src/serve/page"]),
    ("feed_rs", &["src/source/parse"]),
    ("notify", &["src/source/drop"]),
    ("robotxt", &["src/source/fulltext"]),
    ("dom_smoothie", &["src/source/page"]),
    ("dom_query", &["src/source/page"]),
    ("mail_parser", &["src/source/format/mail.rs"]),
    ("quick_xml", &["src/source/format/xml.rs", "src/alert/sink/atom.rs"]),
    ("lettre", &["src/alert/sink/mail.rs"]),
    ("pulldown_cmark", &["src/source/format/markdown.rs"]),
    ("brotli_decompressor", &["src/source/format/warc.rs"]),
    ("httparse", &["src/source/format/warc.rs"]),
    ("lopdf", &["src/source/format/pdf.rs"]),
    ("zip", &["src/source/format"]),
    ("sd_notify", &["src/systemd.rs"]),
    ("indicatif", &["src/daemon"]),
    ("tantivy", &["src/search"]),
];

/// What the rooms may not know.
const WALLS: &[(&str, &[&str])] = &[
    ("src/article.rs", &["crate::"]),
    (
        "src/source",
        &[
            "crate::pipeline",
            "crate::store",
            "crate::journal",
            "crate::alert",
            "crate::config",
            "crate::daemon",
        ],
    ),
    ("src/alert", &["crate::pipeline", "crate::store", "crate::source", "crate::config", "crate::daemon"]),
    ("src/search", &["crate::source", "crate::alert", "crate::config", "crate::daemon", "crate::store"]),
    ("src/reading", &["crate::source", "crate::alert", "crate::config", "crate::daemon", "crate::store"]),
    ("src/store", &["crate::source", "crate::alert", "crate::config", "crate::daemon"]),
    ("src/journal", &["crate::source", "crate::alert", "crate::config", "crate::daemon", "crate::store"]),
];

/// Rooms of the pipeline that are pure: no IO, no clock, no async.
const PURE: &[&str] = &[
    "decide.rs",
    "apply.rs",
    "identity.rs",
    "kept.rs",
    "rekeyed.rs",
    "bearers.rs",
    "roll.rs",
    "drawers.rs",
    "adopt.rs",
    "kin.rs",
    "dedupe",
    "entity",
    "story",
    "topic",
    "novel",
    "quote",
    "text.rs",
    "fingerprint.rs",
    "address.rs",
    "view.rs",
    "withdraw.rs",
    "desk",
    "pace.rs",
    "notice.rs",
];

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    files(&root.join("src"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            (
                name,
                code.lines()
                    .filter(|line| !line.trim_start().starts_with("//"))
                    .collect::<Vec<_>>()
                    .join("\n"),
            )
        })
        .collect()
}

/// Whether `word` stands in the code as a path's first part.
fn uses(code: &str, word: &str) -> bool {
    code.match_indices(&format!("{word}::")).any(|(at, _)| {
        !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':')
    }) || code.contains(&format!("use {word};"))
}

#[test]
fn each_crate_has_one_room() {
    for (name, code) in sources() {
        for (word, rooms) in ROOMS {
            let at_home = rooms.iter().any(|room| name.starts_with(room));
            assert!(at_home || !uses(&code, word), "{name} uses {word}, which lives in {rooms:?}");
        }
    }
}

#[test]
fn imports_point_one_way() {
    for (name, code) in sources() {
        for (room, unknown) in WALLS.iter().filter(|(room, _)| name.starts_with(room)) {
            for word in *unknown {
                assert!(!code.contains(word), "{name} in {room} knows {word}");
            }
        }
    }
}

#[test]
fn the_pipelines_stages_are_pure() {
    for (name, code) in sources() {
        let Some(stage) = name.strip_prefix("src/pipeline/") else { continue };
        if PURE.iter().any(|pure| stage.starts_with(pure)) {
            for word in [
                "std::fs",
                "TcpStream",
                "UdpSocket",
                "SystemTime",
                "Instant::now",
                "Timestamp::now",
                "tokio::",
                "tracing::",
                ".await",
            ] {
                assert!(!code.contains(word), "{name} is to be pure, but has {word}");
            }
        }
    }
}
