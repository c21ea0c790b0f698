//! Alertmanager configurations: what loads, how it prints, what is refused; and durations.

use std::path::Path;

use config::alertmanager::matchers::MatcherMode;
use config::alertmanager::{LoadOptions, load as load_config};
use diag::Source;
use serde_json::Value;

use super::config::difference;
use crate::suite::{Case, json_line_cases, json_lines};

pub(super) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let folder = dir.join("alertmanager/config");
    let mut cases = json_line_cases(&folder.join("durations.jsonl"), check_duration)?;
    for (_, case) in json_lines(&folder.join("load.jsonl"))? {
        let folder = folder.join("files");
        let id = format!("load/{}", case["id"].as_str().unwrap_or("?"));
        cases.push(Case::new(id, move || check(&folder, &case)));
    }
    Ok(cases)
}

pub(super) fn mode(name: &str) -> MatcherMode {
    match name {
        "classic" => MatcherMode::Classic,
        "utf8-strict" => MatcherMode::Utf8Strict,
        _ => MatcherMode::Fallback,
    }
}

fn check(folder: &Path, case: &Value) -> Result<(), String> {
    let text = match (case["file"].as_str(), case["config"].as_str()) {
        (Some(file), _) => {
            std::fs::read_to_string(folder.join(file)).map_err(|error| error.to_string())?
        }
        (_, text) => text.unwrap_or("").to_owned(),
    };
    let options = LoadOptions {
        base_dir: "",
        matchers: mode(case["mode"].as_str().unwrap_or("")),
        template: &template_problem,
    };
    let result = load_config(&Source::new("alertmanager.yml", text), &options);
    let error = match (case["canonical"].as_str(), result) {
        (Some(wanted), Ok((config, _))) => {
            let printed = config.to_text();
            return if printed == wanted {
                Ok(())
            } else {
                Err(difference(wanted, &printed))
            };
        }
        (Some(_), Err(error)) => return Err(error.to_string()),
        (None, Ok(_)) => return Err(format!("loads, want {}", case["error"])),
        (None, Err(error)) => error,
    };
    for diagnostic in error.diagnostics.errors() {
        if diagnostic.position().is_none() {
            return Err(format!("no place: {diagnostic:?}"));
        }
    }
    let Some(wanted) = case["error"].as_str() else {
        return Ok(());
    };
    let got = error.peer_text();
    let is_same = match wanted.split_once(':').map(|(head, _)| head) {
        // The wording of syntax errors is the library's.
        Some("yaml") if !wanted.contains("unmarshal errors") => got.starts_with("yaml: line"),
        Some("error parsing regexp") => got.starts_with("error parsing regexp"),
        _ => got == wanted,
    };
    if is_same {
        Ok(())
    } else {
        Err(format!("want {wanted:?}, got {got:?}"))
    }
}

fn template_problem(text: &str) -> Option<String> {
    let functions = gotemplate::FunctionTable::new();
    let mut set = gotemplate::TemplateSet::new(
        gotemplate::Flavour::Text,
        functions,
        gotemplate::Options::default(),
    );
    set.parse("", text).err().map(|problem| problem.to_string())
}

fn check_duration(case: &Value) -> Result<(), String> {
    let result = model::Duration::parse(case["input"].as_str().unwrap_or(""));
    match (case["error"].as_str(), result) {
        (Some(wanted), Err(error)) if error.to_string() == wanted => Ok(()),
        (None, Ok(duration)) => {
            let is_same = Some(duration.millis()) == case["ms"].as_i64()
                && Some(duration.to_string().as_str()) == case["canonical"].as_str();
            if is_same {
                Ok(())
            } else {
                Err(format!("got {duration}"))
            }
        }
        (wanted, result) => Err(format!("want {wanted:?}, got {result:?}")),
    }
}
