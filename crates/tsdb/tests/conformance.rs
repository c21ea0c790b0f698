//! Runs the peers' storage cases, where the folder that holds them is at hand.
//!
//! The folder is `../shared/conformance` beside the workspace, or what `KEEPWATCH_CONFORMANCE_DIR`
//! names. `KEEPWATCH_CASE` (a part of an id) narrows the run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "all of this file is test code, also what is not itself a test function"
)]

mod suites;

use std::path::{Path, PathBuf};

use suites::Case;

fn conformance_dir() -> Option<PathBuf> {
    let dir = std::env::var_os("KEEPWATCH_CONFORMANCE_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    dir.is_dir().then_some(dir)
}

/// Runs all cases of a suite; panics if other cases fail than those of `known`.
fn run(suite: &str, load: fn(&Path) -> Result<Vec<Case>, String>, known: &[&str]) {
    let Some(dir) = conformance_dir() else {
        println!("{suite}: no conformance data here, nothing run");
        return;
    };
    let wanted = std::env::var("KEEPWATCH_CASE").unwrap_or_default();
    let cases = load(&dir.join(suite)).unwrap();
    let (mut passed, mut failed) = (0, Vec::new());
    for case in cases.into_iter().filter(|case| case.id.contains(&wanted)) {
        match (case.run)() {
            Ok(()) => passed += 1,
            Err(error) => failed.push((case.id, error)),
        }
    }
    println!("{suite}: {passed} passed, {} failed", failed.len());
    for (id, error) in &failed {
        println!("  {id}: {error}");
    }
    let unexpected: Vec<_> = failed
        .iter()
        .filter(|(id, _)| !known.contains(&id.as_str()))
        .collect();
    assert!(
        unexpected.is_empty(),
        "{suite}: {} failed",
        unexpected.len()
    );
}

#[test]
fn chunks() {
    run("chunks", suites::chunks::load, &[]);
}

#[test]
fn wal() {
    run("wal", suites::wal::load, &[]);
}

/// What needs blocks, mapped chunks, snapshots or the out-of-order log.
const TSDB_NOT_YET: &[&str] = &[
    "basic/blocks",
    "basic/exemplars",
    "basic/series",
    "index_v1_block",
    "repair_index_version",
    "snappy_snapshot/blocks",
    "snappy_snapshot/exemplars",
    "snappy_snapshot/series",
    "start_timestamps/blocks",
    "start_timestamps/exemplars",
    "start_timestamps/series",
];

#[test]
fn tsdb() {
    run("tsdb", suites::tsdb::load, TSDB_NOT_YET);
}
