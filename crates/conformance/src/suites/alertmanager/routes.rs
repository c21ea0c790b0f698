//! `alertmanager/routes`: every route that an alert ends at, with its settings and keys.

use std::path::Path;

use alerting::RouteTree;
use serde_json::{Value, json};

use super::alerts::labels;
use super::config;
use crate::suite::{Case, json_line_cases};

pub(crate) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    json_line_cases(&dir.join("alertmanager/routes/routes.jsonl"), run)
}

fn run(case: &Value) -> Result<(), String> {
    let route = config::lone_route(case["route"].as_str().unwrap_or_default())?;
    let tree = RouteTree::new(&route);
    let labels = labels(&case["labels"]);
    let actual: Vec<Value> = tree
        .matching(&labels)
        .into_iter()
        .map(|route| {
            let options = &route.options;
            let group_labels = route.group_labels(&labels);
            let group_key = route.group_key(&group_labels);
            let group_label_map: serde_json::Map<String, Value> = group_labels
                .iter()
                .map(|(name, value)| (name.to_owned(), Value::from(value)))
                .collect();
            json!({
                "active_time_intervals": options.active_time_intervals,
                "group_by": options.group_by,
                "group_by_all": options.groups_by_all,
                "group_interval": options.group_interval.to_string(),
                "group_key_hash": notify::group_key_hash(&group_key),
                "group_key": group_key,
                "group_labels": group_label_map,
                "group_wait": options.group_wait.to_string(),
                "mute_time_intervals": options.mute_time_intervals,
                "receiver": &*options.receiver,
                "repeat_interval": options.repeat_interval.to_string(),
                "route_id": &*route.id,
                "route_key": &*route.key,
                "route_labels": &*options.labels,
            })
        })
        .collect();
    let actual = Value::Array(actual);
    if actual == case["expect"] {
        return Ok(());
    }
    Err(format!("expected {}, got {actual}", case["expect"]))
}
