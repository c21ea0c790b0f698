//! Rule files: which ones are accepted, and what is said about the others.

use std::path::Path;

use config::rules::{Finding, RuleChecks, UnknownFields, load as load_rules};
use diag::Source;
use model::name::NameScheme;
use serde_json::Value;

use crate::suite::{Case, json_lines};

pub(super) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let folder = dir.join("rules");
    let cases = json_lines(&folder.join("rulefmt_expect.jsonl"))?;
    Ok(cases
        .into_iter()
        .map(|(line, case)| {
            let id = format!("{line} {}", case["file"].as_str().unwrap_or("?"));
            let folder = folder.clone();
            Case::new(id, move || check(&folder, &case))
        })
        .collect())
}

fn check(folder: &Path, case: &Value) -> Result<(), String> {
    let file = case["file"].as_str().unwrap_or("");
    let text = std::fs::read_to_string(folder.join(file)).map_err(|error| error.to_string())?;
    let names = match case["validation"].as_str() {
        Some("legacy") => NameScheme::Legacy,
        _ => NameScheme::Utf8,
    };
    let checks = RuleChecks {
        names,
        unknown_fields: UnknownFields::Refused,
        expression: &expression_findings,
        template: &|_| Vec::new(),
    };
    let result = load_rules(&Source::new(file, text), &checks);
    match (case["ok"].as_bool().unwrap_or(false), result) {
        (true, Ok(_)) => Ok(()),
        (true, Err(error)) => Err(error.to_string()),
        (false, Ok(_)) => Err("is accepted".to_owned()),
        (false, Err(error)) => {
            let wanted = case["must_contain"].as_str().unwrap_or("");
            let text = error.to_string();
            if text.contains(wanted) {
                Ok(())
            } else {
                Err(format!("{text:?} lacks {wanted:?}"))
            }
        }
    }
}

fn expression_findings(text: &str) -> Vec<Finding> {
    match promql::parse(text, &promql::ParserOptions::ALL) {
        Ok(_) => Vec::new(),
        Err(errors) => vec![Finding {
            message: errors.to_string(),
            range: None,
            hints: Vec::new(),
            is_warning: false,
        }],
    }
}
