//! Relabelling rules: those of objects, and those that the generation adds.

use yaml::{Mapping, Value};

use crate::enforcement::Enforcement;
use crate::object::Object;
use crate::tree::Tree;

/// A rule as the custom resources write it.
pub(super) fn rule(tree: Tree<'_>) -> Mapping {
    let mut out = Mapping::new();
    let sources = tree.at("sourceLabels").texts();
    if !sources.is_empty() {
        out.put("source_labels", sources);
    }
    if let Some(separator) = tree.at("separator").text() {
        out.put("separator", separator);
    }
    out.put_unless_empty("target_label", tree.at("targetLabel").str());
    out.put_unless_empty("regex", tree.at("regex").str());
    out.put_unless_empty("modulus", tree.at("modulus").int().unwrap_or(0));
    if let Some(replacement) = tree.at("replacement").text() {
        out.put("replacement", replacement);
    }
    out.put_unless_empty("action", tree.at("action").str().to_lowercase());
    out
}

pub(super) fn rules(list: Tree<'_>) -> impl Iterator<Item = Mapping> {
    list.items().map(rule)
}

/// The rules of an object, closed by the one that enforces the namespace label.
pub(super) fn enforced_rules(
    list: Tree<'_>,
    enforcement: &Enforcement,
    object: &Object,
) -> Vec<Mapping> {
    let mut all: Vec<Mapping> = rules(list).collect();
    if let Some(label) = enforcement.label_for(object) {
        let mut out = Mapping::new();
        out.put("target_label", label);
        out.put("replacement", object.namespace());
        all.push(out);
    }
    all
}

/// Keeps the job's name before a rule can overwrite it.
pub(super) fn keep_job_name() -> Mapping {
    copy("job", "__tmp_prometheus_job_name")
}

/// Copies one label to another.
pub(super) fn copy(source: &str, target: &str) -> Mapping {
    let mut out = Mapping::new();
    out.put("source_labels", vec![source]);
    out.put("target_label", target);
    out
}

/// Copies one label to another unless it is empty.
pub(super) fn copy_filled(source: &str, target: &str) -> Mapping {
    let mut out = copy(source, target);
    out.put("regex", "(.+)");
    out.put("replacement", "${1}");
    out
}

pub(super) fn set(target: &str, value: &str) -> Mapping {
    let mut out = Mapping::new();
    out.put("target_label", target);
    out.put("replacement", value);
    out
}

pub(super) fn keep(sources: &[&str], regex: impl Into<Value>) -> Mapping {
    filter("keep", sources, regex)
}

pub(super) fn drop(sources: &[&str], regex: impl Into<Value>) -> Mapping {
    filter("drop", sources, regex)
}

fn filter(action: &str, sources: &[&str], regex: impl Into<Value>) -> Mapping {
    let mut out = Mapping::new();
    out.put("action", action);
    out.put("source_labels", sources.to_vec());
    out.put("regex", regex);
    out
}

/// Drops pods that have ended.
pub(super) fn drop_ended_pods() -> Mapping {
    drop(&["__meta_kubernetes_pod_phase"], "(Failed|Succeeded)")
}

/// A label selector as rules on the labels that discovery attaches: `object` is `service`, `pod` or
/// `ingress`.
pub(super) fn selector_rules(selector: Tree<'_>, object: &str) -> Vec<Mapping> {
    let value_label = |key: &str| format!("__meta_kubernetes_{object}_label_{}", label_name(key));
    let present_label = |key: &str| {
        format!(
            "__meta_kubernetes_{object}_labelpresent_{}",
            label_name(key)
        )
    };
    let mut rules = Vec::new();
    for (key, value) in selector.at("matchLabels").sorted_entries() {
        let sources = [value_label(key), present_label(key)];
        rules.push(keep(
            &[&sources[0], &sources[1]],
            format!("({});true", value.str()),
        ));
    }
    for expression in selector.at("matchExpressions").items() {
        let key = expression.at("key").str();
        let (value, present) = (value_label(key), present_label(key));
        let alternatives = format!("({});true", expression.at("values").texts().join("|"));
        rules.push(match expression.at("operator").str() {
            "In" => keep(&[&value, &present], alternatives),
            "NotIn" => drop(&[&value, &present], alternatives),
            "Exists" => keep(&[&present], "true"),
            "DoesNotExist" => drop(&[&present], "true"),
            _ => continue,
        });
    }
    rules
}

/// A Kubernetes label as part of a Prometheus label name. Different labels may become equal.
pub(super) fn label_name(key: &str) -> String {
    key.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect()
}
