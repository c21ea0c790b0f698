//! The operator's conformance cases, if the folder with them lies beside the workspace.

use std::path::{Path, PathBuf};

mod cases;

#[test]
fn operator_cases() {
    let root = std::env::var_os("KEEPWATCH_CONFORMANCE_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    let folder = root.join("operator/cases");
    if !folder.is_dir() {
        println!("no conformance cases in {}", folder.display());
        return;
    }
    let filter = std::env::var("KEEPWATCH_CASE").unwrap_or_default();
    let mut failures = Vec::new();
    for group in cases::GROUPS {
        let (mut passed, mut failed) = (0, 0);
        for (id, input) in cases::load(&folder, group.name) {
            if !id.contains(&filter) {
                continue;
            }
            match (group.run)(&input) {
                Ok(()) => passed += 1,
                Err(why) => {
                    failed += 1;
                    failures.push(format!("{id}: {why}"));
                }
            }
        }
        println!("{}: {passed} passed, {failed} failed", group.name);
    }
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
