//! Answers to admission reviews: whether an object may be stored, and what is changed in it before.
//!
//! A review comes and goes as JSON, which is read and written as YAML trees here.

use diag::{Diagnostics, Source};
use yaml::{Mapping, Value};

use crate::alertmanager::validate_alertmanager_config;
use crate::enforcement::Enforcement;
use crate::object::{GROUP, Object};
use crate::rules::{RuleOptions, RuleProblem, rule_problems};
use crate::tree::Tree;

const RULES: &str = "prometheusrules";
const CONFIGS: &str = "alertmanagerconfigs";
const VALIDATED: &str = "prometheus-operator-validated";

/// The `response` for a PrometheusRule that is about to be stored.
pub fn answer_rule_validation(
    review: Tree<'_>,
    object: &Object,
    options: &RuleOptions<'_>,
) -> Value {
    if let Some(refusal) = wrong_resource(review, RULES) {
        return refusal;
    }
    let mistyped = mistyped_texts(object.spec());
    if let Some(message) = mistyped {
        return refuse(
            review,
            RULES,
            "Cannot unmarshal rules from spec",
            vec![message],
        );
    }
    let options = RuleOptions {
        enforcement: &Enforcement::default(),
        ..*options
    };
    let problems = rule_problems(object, &options);
    if problems.is_empty() {
        return allow(review);
    }
    let content = printed(object);
    let messages = problems
        .iter()
        .map(|problem| match position(&content, problem) {
            Some(place) => format!("{place}: {}", problem.problem.message),
            None => problem.problem.message.clone(),
        })
        .collect();
    refuse(review, RULES, "Rules are not valid", messages)
}

/// The `response` for an AlertmanagerConfig that is about to be stored.
pub fn answer_config_validation(review: Tree<'_>, object: &Object) -> Value {
    if let Some(refusal) = wrong_resource(review, CONFIGS) {
        return refusal;
    }
    match validate_alertmanager_config(object) {
        Ok(()) => allow(review),
        Err(problem) => refuse(
            review,
            CONFIGS,
            "AlertmanagerConfig is invalid",
            vec![problem.message],
        ),
    }
}

/// The JSON patch for a PrometheusRule: labels and annotations that are no texts become texts, and an
/// annotation says that the rule was looked at. The operations do not depend on each other.
pub fn rule_patch(object: &Object) -> Value {
    let mut operations: Vec<Value> = Vec::new();
    for (at, group) in object.spec().at("groups").items().enumerate() {
        for (index, rule) in group.at("rules").items().enumerate() {
            for field in ["annotations", "labels"] {
                for (key, value) in rule.at(field).entries() {
                    if !value.is_set() || is_text(value) {
                        continue;
                    }
                    let key = key.replace('~', "~0").replace('/', "~1");
                    let path = format!("/spec/groups/{at}/rules/{index}/{field}/{key}");
                    operations.push(operation("replace", &path, value.str().into()));
                }
            }
        }
    }
    if object.annotations.is_empty() {
        let mut annotations = Mapping::new();
        annotations.put(VALIDATED, "true");
        operations.push(operation(
            "add",
            "/metadata/annotations",
            annotations.into(),
        ));
    } else {
        let path = format!("/metadata/annotations/{VALIDATED}");
        operations.push(operation("add", &path, "true".into()));
    }
    Value::Sequence(operations)
}

/// The spec as the operator prints it before it looks at it: keys in alphabetical order.
fn printed(object: &Object) -> Source {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Mapping(map) => {
                let entries = map.0.into_iter().map(|(key, value)| (key, sorted(value)));
                let mut map = Mapping(entries.collect());
                map.sort();
                Value::Mapping(map)
            }
            Value::Sequence(items) => Value::Sequence(items.into_iter().map(sorted).collect()),
            other => other,
        }
    }
    Source::new("rules", yaml::to_text(&sorted(object.spec().value())))
}

/// Line and column in the printed spec, for problems that lie in one field.
fn position(content: &Source, problem: &RuleProblem) -> Option<String> {
    let (group, rule, field) = problem.field?;
    let node = yaml::parse(content, &mut Diagnostics::new())?;
    let groups = Tree::of(&node).at("groups");
    let rule = groups.items().nth(group)?.at("rules").items().nth(rule)?;
    let place = content.position(rule.at(field).span()?.start);
    Some(format!("{}:{}", place.line, place.column))
}

fn operation(op: &str, path: &str, value: Value) -> Value {
    let mut out = Mapping::new();
    out.put("op", op);
    out.put("path", path);
    out.put("value", value);
    out.into()
}

fn is_text(value: Tree<'_>) -> bool {
    matches!(value.value(), Value::String(_))
}

/// Labels and annotations must be texts.
fn mistyped_texts(spec: Tree<'_>) -> Option<String> {
    for group in spec.at("groups").items() {
        for rule in group.at("rules").items() {
            for field in ["labels", "annotations"] {
                for (_, value) in rule.at(field).entries() {
                    let kind = match value.value() {
                        Value::Bool(_) => "bool",
                        Value::Int(_) | Value::Uint(_) | Value::Float(_) => "number",
                        _ => continue,
                    };
                    return Some(format!(
                        "json: cannot unmarshal {kind} into Go struct field \
                         Rule.spec.groups.rules.{field} of type string"
                    ));
                }
            }
        }
    }
    None
}

fn wrong_resource(review: Tree<'_>, wanted: &str) -> Option<Value> {
    let resource = review.path(&["request", "resource"]);
    if resource.at("group").str() == GROUP && resource.at("resource").str() == wanted {
        return None;
    }
    let found = format!(
        "{}/{}",
        resource.at("group").str(),
        resource.at("resource").str()
    );
    let message = format!("expected resource to be {wanted}, but received {found}");
    Some(refuse(
        review,
        wanted,
        "Unexpected resource kind",
        vec![message],
    ))
}

fn allow(review: Tree<'_>) -> Value {
    let mut response = Mapping::new();
    response.put("allowed", true);
    respond(review, response)
}

fn refuse(review: Tree<'_>, resource: &str, message: &str, causes: Vec<String>) -> Value {
    let causes = causes.into_iter().map(|message| {
        let mut cause = Mapping::new();
        cause.put("message", message);
        cause
    });
    let mut details = Mapping::new();
    details.put("causes", causes.collect::<Vec<_>>());
    details.put("name", resource);
    let mut status = Mapping::new();
    status.put("code", 422_i64);
    status.put("details", details);
    status.put("message", message);
    status.put("metadata", Mapping::new());
    status.put("reason", "Invalid");
    status.put("status", "Failure");
    let mut response = Mapping::new();
    response.put("allowed", false);
    response.put("status", status);
    respond(review, response)
}

fn respond(review: Tree<'_>, mut response: Mapping) -> Value {
    response.put("uid", review.path(&["request", "uid"]).str());
    let mut out = Mapping::new();
    out.put("apiVersion", review.at("apiVersion").str());
    out.put("kind", review.at("kind").str());
    out.put("response", response);
    out.into()
}
