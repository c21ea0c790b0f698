//! Prometheus' own scripts, where they are at hand, and ours.

use std::path::{Path, PathBuf};

use promql::testing::script::{CommandKind, parse_script};
use promql::testing::session::Session;

/// Runs one script; returns the number of checked queries and what failed.
fn run_script(path: &Path) -> (usize, Vec<String>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let text = std::fs::read_to_string(path).unwrap();
    let commands = match parse_script(&text) {
        Ok(commands) => commands,
        Err(error) => return (1, vec![format!("{name}: {error}")]),
    };
    let mut session = Session::default();
    let mut checked = 0;
    let mut failed = Vec::new();
    for command in &commands {
        checked += usize::from(matches!(command.kind, CommandKind::Eval(_)));
        if let Err(error) = session.run(command) {
            failed.push(format!("{name}:{}: {error}", command.line));
        }
    }
    (checked, failed)
}

fn run_folder(folder: &Path) -> (usize, Vec<String>) {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "test"))
        .collect();
    paths.sort();
    let mut checked = 0;
    let mut failed = Vec::new();
    for path in paths {
        let (more, errors) = run_script(&path);
        checked += more;
        failed.extend(errors);
    }
    (checked, failed)
}

#[test]
fn own_scripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let (checked, failed) = run_folder(&folder);
    assert!(checked > 0);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn peers_scripts() {
    let folder = match std::env::var_os("KEEPWATCH_CONFORMANCE_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
    }
    .join("promql");
    if !folder.exists() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let (checked, failed) = run_folder(&folder);
    println!("{} of {checked} passed", checked - failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
