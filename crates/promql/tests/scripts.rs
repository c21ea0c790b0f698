//! Our own scripts of loads and queries.

use std::error::Error;
use std::path::{Path, PathBuf};

use promql::testing::script::{CommandKind, parse_script};
use promql::testing::session::Session;

/// Runs one script; returns the number of checked queries and what failed.
fn run(path: &Path) -> Result<(usize, Vec<String>), Box<dyn Error>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let commands = parse_script(&std::fs::read_to_string(path)?)?;
    let mut session = Session::default();
    let mut checked = 0;
    let mut failed = Vec::new();
    for command in &commands {
        checked += usize::from(matches!(command.kind, CommandKind::Eval(_)));
        if let Err(error) = session.run(command) {
            failed.push(format!("{name}:{}: {error}", command.line));
        }
    }
    Ok((checked, failed))
}

#[test]
fn scripts_hold() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    let mut failures = Vec::new();
    for path in paths {
        let (checked, failed) = run(&path)?;
        assert!(checked > 0, "no query in {}", path.display());
        failures.extend(failed);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}
