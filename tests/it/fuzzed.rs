//! What the fuzzers found, and what they begin with, as plain tests.

use std::{fs, path::Path};

#[path = "../../fuzz/targets.rs"]
mod targets;

#[test]
fn every_target_takes_its_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, _) in targets::TARGETS {
        let inputs: Vec<_> = fs::read_dir(corpus.join(name)).unwrap().collect();
        assert!(!inputs.is_empty(), "{name} begins with nothing");
        for input in inputs {
            targets::run(name, &fs::read(input.unwrap().path()).unwrap());
        }
    }
}
