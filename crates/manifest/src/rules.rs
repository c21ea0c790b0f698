//! PrometheusRules to rule files.

use std::collections::HashSet;
use std::sync::Arc;

use gotemplate::functions::prometheus::{Context, Query, RULE_PREAMBLE, functions};
use gotemplate::{FunctionTable, Options, Template};
use model::Duration;
use model::name::is_legacy_label_name;
use promql::ParserOptions;
use yaml::{Mapping, Value};

use crate::enforcement::Enforcement;
use crate::expressions;
use crate::object::Object;
use crate::problem::{Checked, Problem};
use crate::tree::Tree;
use crate::version::{Numbers, Version};

/// Who evaluates the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleFormat {
    Prometheus,
    Thanos,
}

/// How rule files are made.
#[derive(Clone, Copy, Debug)]
pub struct RuleOptions<'a> {
    pub format: RuleFormat,
    pub version: &'a Version,
    /// Which experimental syntax expressions may use.
    pub parser: ParserOptions,
    pub enforcement: &'a Enforcement,
}

/// The largest rule file, and the largest folder of them: half of what a ConfigMap can hold.
pub const RULES_BYTES_MAX: usize = 512 * 1024;

/// The content of the rule file for one PrometheusRule; refused as a whole if one rule is bad.
pub fn rule_file(object: &Object, options: &RuleOptions<'_>) -> Result<Value, Problem> {
    let spec = object.spec();
    let problems = rule_problems(object, options);
    if let Some(first) = problems.first() {
        let others = match problems.len() - 1 {
            0 => String::new(),
            count => format!(" (and {count} more)"),
        };
        let message = format!("{}{others}", first.problem.message);
        return Err(Problem {
            message,
            span: first.problem.span,
        });
    }
    let groups: Checked<Vec<Mapping>> = spec
        .at("groups")
        .items()
        .map(|group| write_group(group, object, options))
        .collect();
    let groups = groups?;
    let mut out = Mapping::new();
    out.put_unless_empty("groups", groups);
    let content = Value::Mapping(out);
    let bytes = yaml::to_text(&content).len();
    if bytes > RULES_BYTES_MAX {
        let message = format!(
            "the length of rendered Prometheus Rule is {bytes} bytes which is above the maximum limit of \
             {RULES_BYTES_MAX} bytes"
        );
        return Err(Problem::at(spec, message));
    }
    Ok(content)
}

/// The PrometheusRule with the enforced label on every rule and in every expression, and nothing else
/// changed.
pub fn enforce_namespace(object: &Object, enforcement: &Enforcement) -> Result<Value, Problem> {
    let mut root = object.root().value();
    let Some(label) = enforcement.label_for(object) else {
        return Ok(root);
    };
    let namespace = object.namespace();
    for rule in rules_mut(&mut root) {
        let expression = rule.get("expr").map(text_of).unwrap_or_default();
        let enforced = expressions::enforce(&expression, label, namespace).map_err(Problem::new)?;
        set(rule, "expr", enforced.into());
        let mut labels = match rule.get("labels") {
            Some(Value::Mapping(labels)) => labels.clone(),
            _ => Mapping::new(),
        };
        set(&mut labels, label, namespace.into());
        labels.sort();
        set(rule, "labels", labels.into());
    }
    Ok(root)
}

fn rules_mut(root: &mut Value) -> Vec<&mut Mapping> {
    let mut rules = Vec::new();
    let Some(Value::Sequence(groups)) =
        get_mut(root, "spec").and_then(|spec| get_mut(spec, "groups"))
    else {
        return rules;
    };
    for group in groups {
        if let Some(Value::Sequence(items)) = get_mut(group, "rules") {
            rules.extend(items.iter_mut().filter_map(|item| match item {
                Value::Mapping(map) => Some(map),
                _ => None,
            }));
        }
    }
    rules
}

fn get_mut<'v>(value: &'v mut Value, key: &str) -> Option<&'v mut Value> {
    let Value::Mapping(map) = value else {
        return None;
    };
    map.0
        .iter_mut()
        .find(|(name, _)| name.as_str() == Some(key))
        .map(|(_, value)| value)
}

fn set(map: &mut Mapping, key: &str, value: Value) {
    match map
        .0
        .iter_mut()
        .find(|(name, _)| name.as_str() == Some(key))
    {
        Some((_, old)) => *old = value,
        None => map.put(key, value),
    }
}

/// Expressions may be numbers.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => yaml::to_text(other).trim_end().to_owned(),
    }
}

/// Fields with the version that brought them, for Prometheus and for Thanos.
fn since(options: &RuleOptions<'_>, prometheus: Numbers, thanos: Numbers) -> bool {
    let since = match options.format {
        RuleFormat::Prometheus => prometheus,
        RuleFormat::Thanos => thanos,
    };
    options.version.is_at_least(since)
}

fn write_group(group: Tree<'_>, object: &Object, options: &RuleOptions<'_>) -> Checked<Mapping> {
    let mut out = Mapping::new();
    out.put("name", group.at("name").str());
    if since(options, (3, 0, 0), (0, 39, 0)) {
        out.put_unless_empty("labels", texts(group.at("labels")));
    }
    out.put_unless_empty("interval", group.at("interval").str());
    if since(options, (2, 53, 0), (0, 38, 0)) && group.at("query_offset").is_set() {
        out.put("query_offset", group.at("query_offset").str());
    }
    let rules: Checked<Vec<Mapping>> = group
        .at("rules")
        .items()
        .map(|rule| write_rule(rule, object, options))
        .collect();
    out.put_unless_empty("rules", rules?);
    if options.format == RuleFormat::Thanos {
        out.put_unless_empty(
            "partial_response_strategy",
            group.at("partial_response_strategy").str(),
        );
    }
    if since(options, (2, 31, 0), (0, 24, 0)) && group.at("limit").is_set() {
        out.put("limit", group.at("limit").value());
    }
    Ok(out)
}

fn write_rule(rule: Tree<'_>, object: &Object, options: &RuleOptions<'_>) -> Checked<Mapping> {
    let label = options.enforcement.label_for(object);
    let mut out = Mapping::new();
    out.put_unless_empty("record", rule.at("record").str());
    out.put_unless_empty("alert", rule.at("alert").str());
    let expression = rule.at("expr");
    match label {
        Some(label) => {
            let enforced = expressions::enforce(expression.str(), label, object.namespace());
            out.put(
                "expr",
                enforced.map_err(|why| Problem::at(expression, why))?,
            );
        }
        None => out.put("expr", expression.value()),
    }
    out.put_unless_empty("for", rule.at("for").str());
    if since(options, (2, 42, 0), (0, 34, 0)) {
        out.put_unless_empty("keep_firing_for", rule.at("keep_firing_for").str());
    }
    let mut labels = texts(rule.at("labels"));
    if let Some(label) = label {
        set(&mut labels, label, object.namespace().into());
        labels.sort();
    }
    out.put_unless_empty("labels", labels);
    out.put_unless_empty("annotations", texts(rule.at("annotations")));
    Ok(out)
}

fn texts(map: Tree<'_>) -> Mapping {
    let entries = map
        .entries()
        .into_iter()
        .map(|(key, value)| (key.into(), value.str().into()));
    let mut out = Mapping(entries.collect());
    out.sort();
    out
}

/// One problem of a PrometheusRule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RuleProblem {
    pub(crate) problem: Problem,
    /// Group, rule and field, for problems that lie in one field of a rule.
    pub(crate) field: Option<(usize, usize, &'static str)>,
}

/// All problems of a PrometheusRule, in the order of its rules.
pub(crate) fn rule_problems(object: &Object, options: &RuleOptions<'_>) -> Vec<RuleProblem> {
    let mut out = Vec::new();
    let mut add = |problem| {
        out.push(RuleProblem {
            problem,
            field: None,
        })
    };
    let mut names = HashSet::new();
    let groups = object.spec().at("groups");
    for group in groups.items() {
        let name = group.at("name").str();
        if name.is_empty() {
            add(Problem::at(group, "Groupname must not be empty"));
        }
        if !names.insert(name) {
            let message = format!("groupname: \"{name}\" is repeated in the same file");
            add(Problem::at(group.at("name"), message));
        }
        let head = ["interval", "query_offset"]
            .iter()
            .filter_map(|field| check_duration(group, field).err());
        let labels = check_labels(group.at("labels"), options);
        for problem in head.chain(labels) {
            add(problem.within(format!("group {name:?}")).or_at(group));
        }
    }
    let functions = template_functions();
    for (at, group) in groups.items().enumerate() {
        for (index, rule) in group.at("rules").items().enumerate() {
            let alert = rule.at("alert").str();
            let name = if alert.is_empty() {
                rule.at("record").str()
            } else {
                alert
            };
            let place = format!(
                "group {:?}, rule {}, {name:?}",
                group.at("name").str(),
                index + 1
            );
            for (problem, field) in check_rule(rule, options, &functions) {
                let problem = problem.within(&place).or_at(rule);
                out.push(RuleProblem {
                    problem,
                    field: field.map(|field| (at, index, field)),
                });
            }
        }
    }
    out
}

fn check_duration(owner: Tree<'_>, field: &str) -> Checked {
    let Some(text) = owner.at(field).filled() else {
        return Ok(());
    };
    let parsed = Duration::parse(text).map(|_| ());
    parsed.map_err(|error| Problem::at(owner.at(field), format!("{field}: {error}")))
}

/// Problems of one rule, with the field in which the peers place them.
fn check_rule(
    rule: Tree<'_>,
    options: &RuleOptions<'_>,
    functions: &FunctionTable,
) -> Vec<(Problem, Option<&'static str>)> {
    let mut out = Vec::new();
    let has = |field: &str| rule.at(field).filled().is_some();
    let mut add = |field: &'static str, message: String| {
        let place = if rule.at(field).is_set() {
            rule.at(field)
        } else {
            rule
        };
        out.push((Problem::at(place, message), Some(field)));
    };
    match (has("record"), has("alert")) {
        (true, true) => add(
            "record",
            "only one of 'record' and 'alert' must be set".to_owned(),
        ),
        (false, false) => add(
            "record",
            "one of 'record' or 'alert' must be set".to_owned(),
        ),
        _ => {}
    }
    if !has("expr") {
        add("expr", "field 'expr' must be set in rule".to_owned());
    } else if let Err(why) = expressions::check(rule.at("expr").str(), &options.parser) {
        add("expr", format!("could not parse expression: {why}"));
    }
    let record = rule.at("record").str();
    if !record.is_empty() {
        if !rule.at("annotations").entries().is_empty() {
            add(
                "record",
                "invalid field 'annotations' in recording rule".to_owned(),
            );
        }
        for field in ["for", "keep_firing_for"] {
            if has(field) {
                add(
                    "record",
                    format!("invalid field '{field}' in recording rule"),
                );
            }
        }
        if !is_metric_name(record, options) {
            add("record", format!("invalid recording rule name: {record}"));
        }
    }
    let durations = ["for", "keep_firing_for"].map(|field| check_duration(rule, field));
    out.extend(
        durations
            .into_iter()
            .filter_map(Result::err)
            .map(|problem| (problem, None)),
    );
    out.extend(
        check_labels(rule.at("labels"), options)
            .into_iter()
            .map(|problem| (problem, None)),
    );
    for (name, value) in rule.at("annotations").entries() {
        if !is_label_name(name, options) {
            out.push((
                Problem::at(value, format!("invalid annotation name: {name}")),
                None,
            ));
        }
    }
    if record.is_empty() {
        let problems = template_problems(rule, functions);
        out.extend(problems.into_iter().map(|problem| (problem, None)));
    }
    out
}

/// Labels and annotations of alerts are templates.
fn template_problems(rule: Tree<'_>, functions: &FunctionTable) -> Vec<Problem> {
    let name = format!("__alert_{}", rule.at("alert").str());
    let mut out = Vec::new();
    for (field, word) in [("labels", "label"), ("annotations", "annotation")] {
        for (key, value) in rule.at(field).sorted_entries() {
            let text = format!("{RULE_PREAMBLE}{}", value.str());
            if let Err(error) = Template::parse(&name, &text, functions, Options::default()) {
                out.push(Problem::at(value, format!("{word} {key:?}: {error}")));
            }
        }
    }
    out
}

fn check_labels(labels: Tree<'_>, options: &RuleOptions<'_>) -> Vec<Problem> {
    let is_bad = |name: &str| !is_label_name(name, options) || name == "__name__";
    let bad = labels
        .sorted_entries()
        .into_iter()
        .filter(|(name, _)| is_bad(name));
    bad.map(|(name, value)| Problem::at(value, format!("invalid label name: {name}")))
        .collect()
}

fn allows_utf8(options: &RuleOptions<'_>) -> bool {
    since(options, (3, 0, 0), (0, 38, 0))
}

fn is_label_name(name: &str, options: &RuleOptions<'_>) -> bool {
    if allows_utf8(options) {
        !name.is_empty()
    } else {
        is_legacy_label_name(name)
    }
}

fn is_metric_name(name: &str, options: &RuleOptions<'_>) -> bool {
    allows_utf8(options) || model::name::is_legacy_metric_name(name)
}

/// Templates are only parsed here, so nothing is ever queried.
#[derive(Debug)]
struct NoQuery;

impl Query for NoQuery {
    fn query(&self, _: &str) -> Result<Vec<gotemplate::data::prometheus::Sample>, String> {
        Ok(Vec::new())
    }
}

fn template_functions() -> FunctionTable {
    functions(&Context {
        name: String::new(),
        time_ms: 0,
        external_url: Some(String::new()),
        query: Arc::new(NoQuery),
        options: Options::default(),
    })
}

/// One folder (a ConfigMap of the operator) with the names of its rule files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFolder {
    pub name: String,
    pub files: Vec<String>,
}

/// Spreads files over folders `<prefix>-rulefiles-<n>` in the order of their names; a folder is closed
/// when the next file would exceed `bytes_max`. There is always one folder.
pub fn pack_rules(sizes: &[(String, usize)], prefix: &str, bytes_max: usize) -> Vec<RuleFolder> {
    let folder = |at: usize| RuleFolder {
        name: format!("{prefix}-rulefiles-{at}"),
        files: Vec::new(),
    };
    let mut sorted: Vec<&(String, usize)> = sizes.iter().collect();
    sorted.sort();
    let mut folders = Vec::new();
    let mut open = folder(0);
    let mut bytes = 0;
    for (name, size) in sorted {
        if bytes + size > bytes_max {
            let next = folder(folders.len() + 1);
            folders.push(std::mem::replace(&mut open, next));
            bytes = 0;
        }
        open.files.push(name.clone());
        bytes += size;
    }
    folders.push(open);
    folders
}
