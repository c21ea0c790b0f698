//! Runs the cases of the conformance data that concern bytes on the wire, where they are at hand.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "broken test data should stop the test; its output says what was checked"
)]

mod remote;
mod show;
mod textparse;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A folder of the conformance data; `None` if there is none on this machine.
fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("KEEPWATCH_CONFORMANCE_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    let dir = root.join(name);
    if dir.is_dir() {
        return Some(dir);
    }
    println!("no conformance data; nothing was checked");
    None
}

/// Runs all cases of the files and fails with the list of those that did.
fn run_files(dir: &Path, files: &[&str], run_case: impl Fn(&Value) -> Result<(), String>) {
    let mut failures = Vec::new();
    let mut passed = 0;
    for file in files {
        let text = std::fs::read_to_string(dir.join(file).with_extension("jsonl")).unwrap();
        for (index, line) in text.lines().enumerate() {
            let case: Value = serde_json::from_str(line).unwrap();
            match run_case(&case) {
                Ok(()) => passed += 1,
                Err(problem) => failures.push(format!("{file}:{}: {problem}", index + 1)),
            }
        }
    }
    println!("{passed} passed, {} failed", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
