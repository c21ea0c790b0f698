//! Prometheus configuration files: what loads, how it prints, what is refused and why.

use std::path::{Path, PathBuf};

use config::prometheus::{LoadOptions, Mode, load as load_config};
use config::{FileReader, LoadError};
use diag::Source;
use serde_json::Value;

use crate::suite::{Case, json_lines};

pub(super) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let folder = dir.join("config");
    let mut cases = Vec::new();
    for (list, check) in [
        (
            "bad_files",
            check_bad as fn(&Path, &Value) -> Result<(), String>,
        ),
        ("good_files", check_good),
    ] {
        for (line, case) in json_lines(&folder.join(format!("{list}.jsonl")))? {
            let file = case["file"].as_str().unwrap_or("?").to_owned();
            let folder = folder.clone();
            cases.push(Case::new(format!("{list}:{line} {file}"), move || {
                check(&folder, &case)
            }));
        }
    }
    Ok(cases)
}

struct Disk(PathBuf);

impl FileReader for Disk {
    fn read(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.0.join(path)).map_err(|error| error.to_string())
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        let (folder, name) = pattern.rsplit_once('/').unwrap_or((".", pattern));
        let Some((head, tail)) = name.split_once('*') else {
            return Ok(self
                .0
                .join(pattern)
                .exists()
                .then(|| pattern.to_owned())
                .into_iter()
                .collect());
        };
        let entries = std::fs::read_dir(self.0.join(folder)).map_err(|error| error.to_string())?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.starts_with(head) && name.ends_with(tail))
            .map(|name| format!("{folder}/{name}"))
            .collect();
        names.sort();
        Ok(names)
    }
}

/// The printed form, or the error in the peers' words.
fn run(folder: &Path, case: &Value) -> Result<String, String> {
    let file = format!("testdata/{}", case["file"].as_str().unwrap_or(""));
    let text = std::fs::read_to_string(folder.join(&file)).map_err(|error| error.to_string())?;
    let source = Source::new(file.clone(), text);
    let is_agent = case["agent_mode"].as_bool().unwrap_or(false);
    let options = LoadOptions {
        base_dir: "testdata",
        mode: if is_agent { Mode::Agent } else { Mode::Server },
        variable: &|_| None,
    };
    let explain = |error: LoadError| {
        for diagnostic in error.diagnostics.errors() {
            let has_place = diagnostic
                .position()
                .is_some_and(|(_, position)| position.line > 0);
            if !has_place || diagnostic.hints.is_empty() {
                return format!("no place or hint: {diagnostic:?}");
            }
        }
        error.peer_text()
    };
    let (config, _) = load_config(&source, &options).map_err(|error| {
        let text = explain(error);
        // Refusals that follow reading come without the file's name.
        let is_late = text.contains("is not allowed in agent mode");
        if is_late {
            text
        } else {
            format!("parsing YAML file {file}: {text}")
        }
    })?;
    config
        .all_scrape_configs(&Disk(folder.to_owned()))
        .map_err(explain)?;
    Ok(config.to_text())
}

fn check_bad(folder: &Path, case: &Value) -> Result<(), String> {
    let error = match run(folder, case) {
        Ok(_) => return Err("loads".to_owned()),
        Err(error) => error,
    };
    let must_contain = case["must_contain"].as_str().unwrap_or("");
    if !error.contains(must_contain) {
        return Err(format!("error is {error:?}, must contain {must_contain:?}"));
    }
    let full = case["full_error"]
        .as_str()
        .unwrap_or("")
        .replace("<CONFIGDIR>/", "");
    // The tails of texts about regular expressions are another library's.
    if !full.is_empty() && error != full && !full.contains("error parsing regexp") {
        return Err(format!("error is {error:?}, not {full:?}"));
    }
    Ok(())
}

fn check_good(folder: &Path, case: &Value) -> Result<(), String> {
    let printed = run(folder, case)?;
    match case["printed"].as_str() {
        Some(wanted) if wanted != printed => Err(difference(wanted, &printed)),
        _ => Ok(()),
    }
}

/// The first line that differs.
pub(super) fn difference(wanted: &str, got: &str) -> String {
    let mut wanted = wanted.lines();
    let mut got = got.lines();
    let mut line = 0;
    loop {
        line += 1;
        match (wanted.next(), got.next()) {
            (None, None) => return "differs in its last line break".to_owned(),
            (wanted, got) if wanted == got => {}
            (wanted, got) => {
                return format!(
                    "line {line}: want {:?}, got {:?}",
                    wanted.unwrap_or("<end>"),
                    got.unwrap_or("<end>")
                );
            }
        }
    }
}
