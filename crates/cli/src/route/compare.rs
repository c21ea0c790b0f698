//! `route compare`: reads the files, asks a server or answers without one.

use std::path::Path;

use ::amtool::Failure;
use ::amtool::format::Output;
use ::promtool::Console;
use ::promtool::console::read_text;
use ::promtool::http::success;
use serde_json::{Value, json};
use server::OfflineTrials;

use super::{ask, candidates, print};
use crate::amtool::given::Given;
use crate::amtool::{output, reader};
use crate::{query, serve, times};

const PATH: &str = "/api/keepwatch/v1/route/compare";

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Same,
    Changed,
}

pub(super) fn run(given: Given<'_>, console: &mut Console<'_>) -> Result<Outcome, Failure> {
    let mode = reader(given, console)?.mode;
    let files = given.texts("files");
    let (old, new) = match files.as_slice() {
        [new] => (None, new),
        [old, new] => (Some(old), new),
        _ => return Err("which configurations? give NEW, or OLD and NEW".into()),
    };
    if !given.text("config.file").is_empty() {
        let problem = "--config.file is not for this command: give the files as OLD and NEW";
        return Err(problem.into());
    }
    let (storage, alerts) = (given.text("storage.path"), given.text("alerts"));
    // Without alerts of its own, a server is asked.
    let is_offline = !storage.is_empty()
        || (old.is_some() && !alerts.is_empty() && given.is_default("alertmanager.url"));
    if is_offline && old.is_none() {
        let problem = "without a server two configurations are needed: OLD and NEW";
        return Err(problem.into());
    }
    let folder = Some(Path::new(storage)).filter(|_| !storage.is_empty());
    let offline = OfflineTrials::open(folder, mode);
    let offline = offline.map_err(|error| Failure::Problem(error.to_string()))?;
    let mut question = json!({ "config": config(&offline, new)?, "limit": limit(given)? });
    if let Some(old) = old {
        question["old"] = config(&offline, old)?;
    }
    for name in ["since", "at"] {
        let text = given.text(name);
        if !text.is_empty() {
            let at = times::time(&format!("--{name}"), text)?;
            question[name] = query::seconds(at).into();
        }
    }
    if !alerts.is_empty() {
        question["labels"] = candidates::read(alerts)?;
    } else if is_offline {
        // Nobody has alerts now, and all of the journal is from before.
        question["labels"] = json!([]);
    }
    if !storage.is_empty() && given.text("since").is_empty() {
        question["since"] = "0".into();
    }
    let answer = match is_offline {
        true => compare_here(&offline, question.to_string())?,
        false => ask(given, PATH, question.to_string())?,
    };
    let comparison = &answer["data"];
    for warning in comparison["warnings"].as_array().into_iter().flatten() {
        let warning = warning.as_str().unwrap_or_default();
        console.problem(format_args!("warning: {warning}"));
    }
    match output(given) {
        Output::Json => console.line(comparison),
        Output::Simple => console.print(print::simple(comparison)),
        Output::Extended => console.print(print::extended(comparison)),
    }
    Ok(match comparison["changed"].as_u64() {
        Some(0) => Outcome::Same,
        _ => Outcome::Changed,
    })
}

/// The text of a file that could be loaded.
fn config(offline: &OfflineTrials, file: &str) -> Result<Value, Failure> {
    let text = read_text(file)?;
    offline.check(file, &text)?;
    Ok(text.into())
}

fn limit(given: Given<'_>) -> Result<usize, Failure> {
    let text = given.text("limit");
    text.parse()
        .map_err(|_| format!("--limit {text}: no number").into())
}

fn compare_here(offline: &OfflineTrials, question: String) -> Result<Value, Failure> {
    let runtime = serve::runtime().map_err(|error| Failure::Problem(error.to_string()))?;
    let answer = runtime.block_on(offline.compare(question))?;
    Ok(success(&answer, "no JSON")?)
}
