//! Objects against the schemas of CustomResourceDefinitions, as an API server would check them before it
//! stores them.

use std::collections::{HashMap, HashSet};

use diag::{Diagnostic, did_you_mean};
use regex::{Regex, RegexBuilder};
use yaml::{Resolved, Value};

use crate::cel;
use crate::object::Object;
use crate::problem::Problem;
use crate::tree::Tree;

/// What a schema says about one object.
#[derive(Clone, Debug, Default)]
pub struct SchemaReport {
    /// Why an API server would refuse the object.
    pub problems: Vec<Problem>,
    /// Fields that it would drop silently, as diagnostics.
    pub unknown: Vec<Diagnostic>,
}

/// Checks an object against the schema of its version in a CustomResourceDefinition; `None` if the
/// definition is not about the object's kind and version.
pub fn check_schema(object: &Object, definition: Tree<'_>) -> Option<SchemaReport> {
    let spec = definition.at("spec");
    if spec.at("group").str() != object.group()
        || spec.path(&["names", "kind"]).str() != object.id.kind
    {
        return None;
    }
    let version = object
        .api_version
        .rsplit_once('/')
        .map_or("", |(_, version)| version);
    let found = spec
        .at("versions")
        .items()
        .find(|it| it.at("name").str() == version)?;
    let mut check = Check {
        object,
        patterns: HashMap::new(),
        out: SchemaReport::default(),
    };
    let schema = found.path(&["schema", "openAPIV3Schema"]);
    // The server itself looks after the metadata.
    for (name, part) in schema.at("properties").entries() {
        if name != "metadata" {
            check.field(object.root().at(name), part, name);
        }
    }
    check.required(object.root(), schema, "");
    check.rules(object.root(), schema, "");
    Some(check.out)
}

/// A pattern that needs more than this is not looked at.
const PATTERN_BYTES_MAX: usize = 1 << 20;

struct Check<'a> {
    object: &'a Object,
    /// Patterns that cannot be compiled are `None`.
    patterns: HashMap<String, Option<Regex>>,
    out: SchemaReport,
}

impl Check<'_> {
    fn refuse(&mut self, tree: Tree<'_>, path: &str, why: &str) {
        self.out
            .problems
            .push(Problem::at(tree, format!("{path}: {why}")));
    }

    fn field(&mut self, tree: Tree<'_>, schema: Tree<'_>, path: &str) {
        if !tree.is_set() {
            return;
        }
        if !has_type(tree, schema) {
            let wanted = match schema.at("type").str() {
                "" => "a number or a text",
                other => other,
            };
            self.refuse(tree, path, &format!("must be of type {wanted}"));
            return;
        }
        self.scalar(tree, schema, path);
        if tree.is_sequence() {
            self.list(tree, schema, path);
        } else if tree.is_mapping() {
            self.map(tree, schema, path);
        }
        self.rules(tree, schema, path);
    }

    fn scalar(&mut self, tree: Tree<'_>, schema: Tree<'_>, path: &str) {
        let allowed = schema.at("enum");
        if allowed.is_set() && !allowed.items().any(|item| item.text() == tree.text()) {
            let names = allowed.texts().join(", ");
            self.refuse(tree, path, &format!("{:?} is none of {names}", tree.str()));
        }
        if schema.at("type").str() == "string" {
            let length = i64::try_from(tree.str().chars().count()).unwrap_or(i64::MAX);
            if schema.at("minLength").int().is_some_and(|min| length < min) {
                self.refuse(tree, path, "should be at least of the wanted length");
            }
            if schema.at("maxLength").int().is_some_and(|max| length > max) {
                self.refuse(tree, path, "is too long");
            }
            if let Some(pattern) = schema.at("pattern").text()
                && !self.matches(pattern, tree.str())
            {
                self.refuse(
                    tree,
                    path,
                    &format!("{:?} does not match {pattern}", tree.str()),
                );
            }
        }
        if let Some(number) = number(tree) {
            if number_of(schema, "minimum").is_some_and(|min| number < min) {
                self.refuse(tree, path, &format!("{number} is too small"));
            }
            if number_of(schema, "maximum").is_some_and(|max| number > max) {
                self.refuse(tree, path, &format!("{number} is too great"));
            }
        }
    }

    fn matches(&mut self, pattern: &str, text: &str) -> bool {
        if !self.patterns.contains_key(pattern) {
            let regex = RegexBuilder::new(pattern)
                .size_limit(PATTERN_BYTES_MAX)
                .build()
                .ok();
            self.patterns.insert(pattern.to_owned(), regex);
        }
        let regex = self.patterns.get(pattern).and_then(Option::as_ref);
        regex.is_none_or(|regex| regex.is_match(text))
    }

    fn list(&mut self, tree: Tree<'_>, schema: Tree<'_>, path: &str) {
        let count = i64::try_from(tree.items().len()).unwrap_or(i64::MAX);
        if schema.at("minItems").int().is_some_and(|min| count < min) {
            self.refuse(tree, path, "has too few items");
        }
        if schema.at("maxItems").int().is_some_and(|max| count > max) {
            self.refuse(tree, path, "has too many items");
        }
        let keys = schema.at("x-kubernetes-list-map-keys").texts();
        let is_unique = matches!(schema.at("x-kubernetes-list-type").str(), "set" | "map");
        let mut seen = HashSet::new();
        for (at, item) in tree.items().enumerate() {
            let identity: String = if keys.is_empty() {
                yaml::to_text(&item.value())
            } else {
                keys.iter()
                    .map(|key| format!("{:?} ", item.at(key).text()))
                    .collect()
            };
            if is_unique && !seen.insert(identity) {
                self.refuse(item, &format!("{path}[{at}]"), "is given twice");
            }
            self.field(item, schema.at("items"), &format!("{path}[{at}]"));
        }
    }

    fn map(&mut self, tree: Tree<'_>, schema: Tree<'_>, path: &str) {
        let properties = schema.at("properties");
        let others = schema.at("additionalProperties");
        let keeps_others = schema.at("x-kubernetes-preserve-unknown-fields").flag() == Some(true)
            || schema.at("x-kubernetes-embedded-resource").flag() == Some(true);
        for (key, value) in tree.entries() {
            let inner = format!("{path}.{key}");
            if properties.at(key).is_set() {
                self.field(value, properties.at(key), &inner);
            } else if others.is_mapping() {
                self.field(value, others, &inner);
            } else if properties.is_set() && !keeps_others && value.is_set() {
                self.unknown(value, properties, key, &inner);
            }
        }
        self.required(tree, schema, path);
    }

    fn unknown(&mut self, value: Tree<'_>, properties: Tree<'_>, key: &str, path: &str) {
        let known: Vec<&str> = properties
            .entries()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let message = format!(
            "{}: unknown field {path}, an API server drops it",
            self.object.id
        );
        let span = value.span().unwrap_or_else(|| self.object.place());
        let diagnostic =
            Diagnostic::warning("manifest-unknown-field", message).at(&self.object.source, span);
        self.out.unknown.push(match did_you_mean(key, known) {
            Some(similar) => diagnostic.hint(format!("did you mean `{similar}`?")),
            None => diagnostic,
        });
    }

    fn required(&mut self, tree: Tree<'_>, schema: Tree<'_>, path: &str) {
        for name in schema.at("required").texts() {
            let has_default = schema.at("properties").at(name).at("default").is_set();
            if !tree.at(name).is_set() && !has_default {
                self.refuse(tree, path, &format!("{name} is required"));
            }
        }
    }

    fn rules(&mut self, tree: Tree<'_>, schema: Tree<'_>, path: &str) {
        for rule in schema.at("x-kubernetes-validations").items() {
            if cel::holds(rule.at("rule").str(), tree) == Some(false) {
                let message = rule.at("message").filled().unwrap_or(rule.at("rule").str());
                self.refuse(tree, path, message);
            }
        }
    }
}

fn number(tree: Tree<'_>) -> Option<f64> {
    match tree.value() {
        #[expect(clippy::cast_precision_loss, reason = "limits are small")]
        Value::Int(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        _ => None,
    }
}

fn number_of(schema: Tree<'_>, key: &str) -> Option<f64> {
    number(schema.at(key))
}

fn has_type(tree: Tree<'_>, schema: Tree<'_>) -> bool {
    let resolved = tree
        .node()
        .and_then(yaml::Node::as_scalar)
        .map(yaml::Scalar::resolve);
    let is_text = matches!(
        resolved,
        Some(Ok(Resolved::String
            | Resolved::Timestamp
            | Resolved::Merge
            | Resolved::Binary(_)))
    );
    let is_integer = matches!(resolved, Some(Ok(Resolved::Int(_) | Resolved::Uint(_))));
    if schema.at("x-kubernetes-int-or-string").flag() == Some(true) {
        return is_text || is_integer;
    }
    match schema.at("type").str() {
        "object" => tree.is_mapping(),
        "array" => tree.is_sequence(),
        "string" => is_text,
        "boolean" => tree.flag().is_some(),
        "integer" => is_integer,
        "number" => is_integer || matches!(resolved, Some(Ok(Resolved::Float(_)))),
        _ => true,
    }
}
