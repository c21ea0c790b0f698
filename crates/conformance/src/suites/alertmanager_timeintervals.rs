//! Time intervals: reading, printing, and whether they contain an instant.

use std::path::Path;

use config::alertmanager::time_interval::{intervals_to_value, read_intervals};
use diag::{Diagnostics, Source};
use jiff::Timestamp;
use serde_json::Value;

use crate::suite::{Case, json_line_cases};

pub(super) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    json_line_cases(
        &dir.join("alertmanager/timeintervals/time-intervals.jsonl"),
        check,
    )
}

fn check(case: &Value) -> Result<(), String> {
    let source = Source::new("spec", case["spec"].as_str().unwrap_or(""));
    let mut diagnostics = Diagnostics::new();
    let Some(node) = yaml::parse(&source, &mut diagnostics) else {
        return Err(format!("{diagnostics:?}"));
    };
    let mut reading = yaml::Reading::new(&source);
    let intervals = read_intervals(&node, &mut reading).unwrap_or_default();
    let diagnostics = reading.finish();
    match (case["error"].as_str(), yaml::peer_text(&diagnostics)) {
        (Some(wanted), Some(got)) if wanted == got => return Ok(()),
        (None, None) => {}
        (wanted, got) => return Err(format!("want {wanted:?}, got {got:?}")),
    }
    let printed = yaml::to_text(&intervals_to_value(&intervals));
    if let Some(wanted) = case["canonical"].as_str()
        && wanted != printed
    {
        return Err(format!("want {wanted:?}, got {printed:?}"));
    }
    for expect in case["expect"].as_array().into_iter().flatten() {
        let at: Timestamp = expect["at"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| format!("bad instant {}", expect["at"]))?;
        let is_active = intervals.iter().any(|interval| interval.contains(at));
        if Some(is_active) != expect["active"].as_bool() {
            return Err(format!("at {at}: want {}", expect["active"]));
        }
    }
    Ok(())
}
