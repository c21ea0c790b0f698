//! `relabel/cases.jsonl`: relabelling rules on label sets.

use std::path::Path;

use model::Labels;
use model::name::NameScheme;
use model::pattern::Pattern;
use model::relabel::{self, Action, RelabelConfig};
use serde_json::Value;

use crate::suite::{Case, json_line_cases};

pub(crate) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    json_line_cases(&dir.join("relabel/cases.jsonl"), run)
}

fn run(case: &Value) -> Result<(), String> {
    let configs = case["configs"].as_array().ok_or("no configs")?;
    let configs = configs
        .iter()
        .map(rule)
        .collect::<Result<Vec<_>, String>>()?;
    let output = relabel::apply(&configs, &labels(&case["input"]));
    let keep = case["keep"].as_bool().ok_or("no keep")?;
    match output {
        None if keep => Err("dropped".to_owned()),
        None => Ok(()),
        Some(actual) if !keep => Err(format!("kept as {actual}")),
        Some(actual) if actual == labels(&case["output"]) => Ok(()),
        Some(actual) => Err(format!(
            "expected {}, got {actual}",
            labels(&case["output"])
        )),
    }
}

fn labels(value: &Value) -> Labels {
    let pairs = value.as_object().into_iter().flatten();
    Labels::from_pairs(
        pairs.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())),
    )
}

fn rule(value: &Value) -> Result<RelabelConfig, String> {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let sources = value["source_labels"].as_array().into_iter().flatten();
    let legacy = value["name_validation_scheme"].as_str() == Some("legacy");
    Ok(RelabelConfig {
        source_labels: sources
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        separator: text("separator"),
        regex: Pattern::new(&text("regex")).map_err(|error| error.to_string())?,
        modulus: value["modulus"].as_u64().unwrap_or_default(),
        target_label: text("target_label"),
        replacement: text("replacement"),
        action: Action::parse(&text("action")).ok_or("unknown action")?,
        name_scheme: if legacy {
            NameScheme::Legacy
        } else {
            NameScheme::Utf8
        },
    })
}
