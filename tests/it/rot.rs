//! Bytes of the state directory that rot: whatever file they are in, the program goes on or says what is damaged; nothing
//! is lost in silence, and nothing panics.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;

use crate::{
    corpus::{self, Dice},
    world::{World, files, rounds, wait_for},
};

const TOPIC: &str = "[[topic]]\nname = \"ferry\"\nquery = '\"ferry contract\"'\n";

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Flip,
    Truncate,
    Zeros,
    Empty,
}

fn harm(path: &Path, harm: Harm, dice: &mut Dice) {
    let mut bytes = fs::read(path).unwrap();
    let at = dice.roll(bytes.len().max(1));
    match harm {
        Harm::Flip => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.roll(8);
            }
        }
        Harm::Truncate => bytes.truncate(at),
        Harm::Zeros => {
            let length = 1 + dice.roll(4096);
            bytes.iter_mut().skip(at).take(length).for_each(|byte| *byte = 0);
        }
        Harm::Empty => bytes.clear(),
    }
    fs::write(path, bytes).unwrap();
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let place = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        // a socket is no file to be copied
        if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            fs::copy(&file, place).unwrap();
        }
    }
}

fn said(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{}: {out}{err}", output.status)
}

#[test]
fn whatever_rots_nothing_is_lost_in_silence() {
    let sound = World::new(TOPIC);
    sound.write("a.jsonl", &corpus::json_lines(5, 120));
    sound.ok(&["ingest", "--quiet", "a.jsonl"]);
    // a daemon leaves files behind that an ingest does not
    sound.start().stop();
    sound.ok(&["stories"]);
    let decisions = sound.decisions();
    let state = sound.path("state");
    let all: Vec<PathBuf> = files(&state)
        .into_iter()
        .filter(|file| file.metadata().is_ok_and(|metadata| metadata.len() > 0))
        .map(|file| file.strip_prefix(&state).unwrap().to_owned())
        .collect();
    assert!(all.len() > 8, "{all:?}");
    let more = corpus::json_lines(99, 1);
    let mut dice = Dice(31);
    let harms = [Harm::Flip, Harm::Flip, Harm::Truncate, Harm::Zeros, Harm::Empty];
    for round in 0..rounds(8, 24, 260) {
        // each file in its turn, so that the small ones are hit too
        let file = &all[round % all.len()];
        let kind = harms[dice.roll(harms.len())];
        let world = World::new(TOPIC);
        copy(&state, &world.path("state"));
        harm(&world.path("state").join(file), kind, &mut dice);
        world.write("more.jsonl", &more);
        let case = format!("round {round}: {kind:?} in {}", file.display());

        let ingest = said(&world.output(&["ingest", "more.jsonl"]));
        let stories = said(&world.output(&["stories", "--json"]));
        let verify = world.output(&["store", "verify", "--json"]);
        let figures: Value = serde_json::from_slice(&verify.stdout).unwrap_or_default();
        let verify = said(&verify);
        for said in [&ingest, &stories, &verify] {
            assert!(!said.contains("panicked"), "{case}: {said}");
        }
        let all_said = format!("{ingest}{stories}{verify}");
        let told = ["damaged", "cannot be used", "not committed", "cut", "newer", "is gone", "no longer"]
            .iter()
            .any(|word| all_said.contains(word));
        if !told {
            assert!(ingest.contains("exit status: 0"), "{case}: {ingest}");
            assert_eq!(figures["good"], true, "{case}: {verify}");
            let left = world.decisions();
            assert!(left.len() > decisions.len(), "{case}: {} of {} are left", left.len(), decisions.len());
            assert_eq!(left[..decisions.len()], decisions[..], "{case}");
        } else if file.starts_with("index") || file.starts_with("search") || file.starts_with("quarantine") {
            // what can be built again is built again
            assert!(ingest.contains("exit status: 0"), "{case}: {ingest}");
            assert_eq!(world.decisions()[..decisions.len()], decisions[..], "{case}");
        }
    }
}

#[test]
fn an_index_that_rots_at_work_ends_the_daemon_by_its_name_and_is_built_again() {
    let world = World::new(TOPIC);
    world.write("a.jsonl", &corpus::json_lines(5, 120));
    world.ok(&["ingest", "--quiet", "a.jsonl"]);
    let known = world.decisions();
    let daemon = world.start();
    let db = world.path("state/index/db");
    let bytes = fs::metadata(&db).unwrap().len();
    fs::OpenOptions::new()
        .write(true)
        .open(&db)
        .and_then(|mut file| file.write_all(&vec![0; bytes.try_into().unwrap()]))
        .unwrap();
    let (mut dice, more) = (Dice(99), 30);
    for number in 0..more {
        let (title, text) = (corpus::sentence(&mut dice), corpus::text(&mut dice, 12));
        world.drop_file(&format!("{number}.txt"), &format!("{title}\n\n{text}\n"));
    }
    wait_for("word of it", || daemon.said().contains("state/index is damaged").then_some(()));
    // what handed over to the pipeline ended too, and is not the reason
    assert!(!daemon.said().contains("stopped by itself"), "{}", daemon.said());
    assert_eq!(daemon.wait(), Some(1));
    let daemon = world.start();
    wait_for("all decisions", || (world.decisions().len() == known.len() + more).then_some(()));
    daemon.stop();
    assert_eq!(world.decisions()[..known.len()], known[..]);
}
