//! Relabelling rules as they stand in configurations.

use diag::Span;
use model::name::NameScheme;
use model::pattern::Pattern;
use model::relabel::{
    Action, DEFAULT_REGEX, DEFAULT_REPLACEMENT, DEFAULT_SEPARATOR, RelabelConfig,
};
use yaml::{MapReader, Mapping, Node, Reading, Value};

use crate::place::Place;
use crate::prometheus::Refusals;
use crate::quote::quote;
use crate::section::Field;

/// A list of rules, with what printing and late validation need to know about each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RelabelRules {
    pub rules: Vec<RelabelConfig>,
    written: Vec<Written>,
    nulls: Vec<Place>,
}

#[derive(Clone, Debug, PartialEq)]
struct Written {
    place: Place,
    /// The rule has a regular expression of its own, even if it is the default one.
    has_regex: bool,
    has_source_labels: bool,
    has_action: bool,
}

impl RelabelRules {
    /// Checks every rule against the naming scheme in force and gives it the scheme. `what` ends the
    /// sentence "empty or null …".
    pub(crate) fn validate(&mut self, scheme: NameScheme, what: &str, refusals: &mut Refusals<'_>) {
        for place in &self.nulls {
            let message = format!("empty or null {what}");
            refusals.refuse(
                place.0,
                "relabel-rule-empty",
                message,
                "write the rule or remove the dash",
            );
        }
        for (rule, written) in self.rules.iter_mut().zip(&self.written) {
            rule.name_scheme = scheme;
            if let Some((message, hint)) = problem(rule, written) {
                refusals.refuse(written.place.0, "bad-relabel-rule", message, hint);
            }
        }
    }

    /// One rule as a configuration has it, in YAML.
    pub fn rule_text(rule: &RelabelConfig) -> String {
        yaml::to_text(&rule_value(rule, false))
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.nulls.is_empty()
    }
}

/// What is wrong with a rule, and what to do.
fn problem(rule: &RelabelConfig, written: &Written) -> Option<(String, &'static str)> {
    let action = rule.action.as_str();
    let target = &rule.target_label;
    let has_default_replacement = rule.replacement == DEFAULT_REPLACEMENT;
    let has_defaults =
        rule.modulus == 0 && rule.separator == DEFAULT_SEPARATOR && has_default_replacement;
    let needs_target = matches!(
        rule.action,
        Action::Replace
            | Action::KeepEqual
            | Action::DropEqual
            | Action::HashMod
            | Action::Lowercase
            | Action::Uppercase
    );
    if !written.has_action {
        return Some((
            "relabel action cannot be empty".into(),
            "remove `action` for `replace`",
        ));
    }
    if rule.modulus == 0 && rule.action == Action::HashMod {
        let message = "relabel configuration for hashmod requires non-zero modulus";
        return Some((message.into(), "add `modulus`, the number of shards"));
    }
    if needs_target && target.is_empty() {
        let message =
            format!("relabel configuration for {action} action requires 'target_label' value");
        return Some((message, "add `target_label`"));
    }
    let is_template = rule.action == Action::Replace && target.contains('$');
    let target_is_valid = if is_template {
        rule.name_scheme == NameScheme::Utf8 || is_legacy_template(target)
    } else {
        rule.name_scheme.allows_label(target)
    };
    if needs_target && !target_is_valid {
        let message = format!(
            "{} is invalid 'target_label' for {action} action",
            quote(target)
        );
        return Some((message, "use letters, digits and underscores"));
    }
    if matches!(
        rule.action,
        Action::Lowercase | Action::Uppercase | Action::KeepEqual | Action::DropEqual
    ) && !has_default_replacement
    {
        let message = format!("'replacement' can not be set for {action} action");
        return Some((message, "remove `replacement`"));
    }
    let map_is_valid = match rule.name_scheme {
        NameScheme::Utf8 => !rule.replacement.is_empty(),
        NameScheme::Legacy => is_legacy_template(&rule.replacement),
    };
    if rule.action == Action::LabelMap && !map_is_valid {
        let message = format!(
            "{} is invalid 'replacement' for {action} action",
            quote(&rule.replacement)
        );
        return Some((message, "use letters, digits, underscores and `$1`"));
    }
    let compares = matches!(rule.action, Action::DropEqual | Action::KeepEqual);
    if compares && (written.has_regex || !has_defaults) {
        let message = format!(
            "{action} action requires only 'source_labels' and `target_label`, and no other fields"
        );
        return Some((message, "remove the other fields"));
    }
    let selects_names = matches!(rule.action, Action::LabelDrop | Action::LabelKeep);
    if selects_names && (written.has_source_labels || !target.is_empty() || !has_defaults) {
        let message = format!("{action} action requires only 'regex', and no other fields");
        return Some((message, "remove the other fields"));
    }
    None
}

/// `^(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+$`
fn is_legacy_template(text: &str) -> bool {
    let mut rest = text;
    if rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    while let Some(c) = rest.chars().next() {
        if is_word(c) {
            rest = &rest[1..];
            continue;
        }
        let Some(tail) = rest.strip_prefix('$') else {
            return false;
        };
        let (name, after) = match tail.strip_prefix('{') {
            Some(braced) => match braced.split_once('}') {
                Some(parts) => parts,
                None => return false,
            },
            None => tail.split_at(tail.find(|c: char| !is_word(c)).unwrap_or(tail.len())),
        };
        if name.is_empty() || !name.chars().all(is_word) {
            return false;
        }
        rest = after;
    }
    true
}

fn read_rule(node: &Node, reading: &mut Reading) -> Option<(RelabelConfig, Written)> {
    let mut rule = RelabelConfig::new(Action::Replace);
    let mut map = MapReader::new(node, "relabel.plain", reading)?;
    let mut source_labels: Option<Vec<String>> = None;
    map.field("source_labels", &mut source_labels);
    let has_source_labels = source_labels.is_some();
    rule.source_labels = source_labels.unwrap_or_default();
    map.field("separator", &mut rule.separator);
    let mut has_regex = false;
    if let Some(node) = map.take("regex") {
        has_regex = true;
        rule.regex = read_pattern(node, map.reading())?;
    }
    map.field("modulus", &mut rule.modulus);
    map.field("target_label", &mut rule.target_label);
    map.field("replacement", &mut rule.replacement);
    let mut has_action = true;
    if let Some(node) = map.take("action") {
        has_action = !node.is_null();
        if let Some(action) = read_action(node, map.reading()) {
            rule.action = action;
        }
    }
    map.finish();
    let place = Place(node.span);
    Some((
        rule,
        Written {
            place,
            has_regex,
            has_source_labels,
            has_action,
        },
    ))
}

/// Null is the expression that matches only the empty text.
fn read_pattern(node: &Node, reading: &mut Reading) -> Option<Pattern> {
    let text = String::read_or_null(node, reading)?;
    match Pattern::new(&text) {
        Ok(pattern) => Some(pattern),
        Err(problem) => {
            // The peers name the expression with the anchors that they put around it.
            let message = problem
                .to_string()
                .replace(&format!("`{text}`"), &format!("`^(?s:{text})$`"));
            let hint =
                "RE2 syntax, anchored at both ends; escape literal brackets with a backslash";
            reading.refuse_with_hint(node.span, "bad-regex", message, hint);
            None
        }
    }
}

fn read_action(node: &Node, reading: &mut Reading) -> Option<Action> {
    if node.is_null() {
        return None;
    }
    let text = <String as Field>::read(node, reading)?;
    let action = Action::parse(&text);
    if action.is_none() {
        let words = Action::ALL.map(Action::as_str);
        let hint = match diag::did_you_mean(&text, words) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("one of {}", words.join(", ")),
        };
        let message = format!("unknown relabel action {}", quote(&text));
        reading.refuse_with_hint(node.span, "unknown-relabel-action", message, hint);
    }
    action
}

impl Field for RelabelRules {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let mut rules = Self::default();
        yaml::read_list(node, &Self::go_type(), reading, |node, reading| {
            if node.is_null() {
                rules
                    .nulls
                    .push(Place(Span::new(node.span.start, node.span.end)));
            } else if let Some((rule, written)) = read_rule(node, reading) {
                rules.rules.push(rule);
                rules.written.push(written);
            }
            Some(())
        })?;
        Some(rules)
    }

    fn go_type() -> String {
        "[]*relabel.Config".to_owned()
    }

    fn to_value(&self) -> Value {
        let written = self.written.iter().map(|written| written.has_regex);
        let written = written.chain(std::iter::repeat(false));
        Value::list(
            self.rules
                .iter()
                .zip(written)
                .map(|(rule, has_regex)| rule_value(rule, has_regex)),
        )
    }
}

fn rule_value(rule: &RelabelConfig, has_regex: bool) -> Value {
    let mut out = Mapping::new();
    if !rule.source_labels.is_empty() {
        let labels = rule.source_labels.iter().map(Value::from).collect();
        out.put("source_labels", Value::FlowSequence(labels));
    }
    out.put_unless_empty("separator", &rule.separator);
    if has_regex || rule.regex.as_str() != DEFAULT_REGEX {
        out.put("regex", rule.regex.as_str());
    }
    out.put_unless_empty("modulus", rule.modulus);
    out.put_unless_empty("target_label", &rule.target_label);
    out.put_unless_empty("replacement", &rule.replacement);
    out.put("action", rule.action.as_str());
    out.into()
}

impl From<Vec<RelabelConfig>> for RelabelRules {
    /// Rules that were made by a program; they are not validated again.
    fn from(rules: Vec<RelabelConfig>) -> Self {
        let written = rules
            .iter()
            .map(|rule| Written {
                place: Place::default(),
                has_regex: rule.regex.as_str() != DEFAULT_REGEX,
                has_source_labels: !rule.source_labels.is_empty(),
                has_action: true,
            })
            .collect();
        Self {
            rules,
            written,
            nulls: Vec::new(),
        }
    }
}
