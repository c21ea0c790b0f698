//! `promtool`: recorded runs of the program: arguments in, output and exit code out.
//!
//! Every case is a process of its own, with its own working directory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;

use crate::role;
use crate::suite::{Case, json_lines};

const FILES: [&str; 4] = [
    "unit_tests",
    "check_rules",
    "check_config",
    "other_commands",
];

pub(super) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let folder = dir.join("promtool");
    let data = Arc::new(DataFolders {
        source: dir.join("tsdb"),
        copies: tempfile::tempdir().context("making a folder for copies of data folders")?,
    });
    let mut cases = Vec::new();
    for file in FILES {
        for (line, case) in json_lines(&folder.join(format!("{file}.jsonl")))? {
            let (testdata, data) = (folder.join("testdata"), Arc::clone(&data));
            cases.push(Case::new(format!("{file}:{line}"), move || {
                check(&testdata, &data, &case)
            }));
        }
    }
    Ok(cases)
}

/// Cases may change the folders that they look into, so they get copies.
struct DataFolders {
    source: PathBuf,
    copies: TempDir,
}

impl DataFolders {
    fn copy(&self, name: &str) -> Result<PathBuf, String> {
        let to = self.copies.path().join(name);
        if !to.exists() {
            let from = self.source.join(name).join("data");
            copy_dir(&from, &to).map_err(|error| format!("copying {}: {error}", from.display()))?;
        }
        Ok(to)
    }
}

fn copy_dir(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            fs::write(&target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

fn check(testdata: &Path, data: &DataFolders, case: &Value) -> Result<(), String> {
    let mut command = role::command("promtool")?;
    command.current_dir(testdata);
    for argument in case["args"].as_array().into_iter().flatten() {
        let argument = argument.as_str().unwrap_or_default();
        match (argument, case["db"].as_str()) {
            ("DATA", Some(db)) => command.arg(data.copy(db)?),
            _ => command.arg(argument),
        };
    }
    let input = match case["stdin_file"].as_str() {
        Some(file) => File::open(testdata.join(file))
            .map_err(|error| format!("{file}: {error}"))?
            .into(),
        None => Stdio::null(),
    };
    let output = command
        .stdin(input)
        .output()
        .map_err(|error| error.to_string())?;
    let code = output.status.code();
    let wanted = case["exit_code"].as_i64().map(|code| code as i32);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    same("standard output", &case["stdout"], &out)?;
    same("standard error", &case["stderr"], &err)?;
    if code != wanted {
        return Err(format!(
            "exit code {code:?}, wanted {wanted:?}; it said {err:?}"
        ));
    }
    Ok(())
}

fn same(what: &str, wanted: &Value, got: &str) -> Result<(), String> {
    let wanted = wanted.as_str().unwrap_or_default();
    if wanted == got {
        return Ok(());
    }
    Err(format!(
        "{what}: {}",
        super::config::difference(wanted, got)
    ))
}
