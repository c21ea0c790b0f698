//! Relabelling: rewriting and selecting label sets, with a trace of every step.
//!
//! Semantics of Prometheus' `relabel_config`; used for targets, metrics, remote write and alerts.

use md5::{Digest, Md5};

use crate::labels::{Labels, LabelsBuilder};
use crate::name::NameScheme;
use crate::pattern::Pattern;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Action {
    #[default]
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}

impl Action {
    pub const ALL: [Self; 11] = [
        Self::Replace,
        Self::Keep,
        Self::Drop,
        Self::KeepEqual,
        Self::DropEqual,
        Self::HashMod,
        Self::LabelMap,
        Self::LabelDrop,
        Self::LabelKeep,
        Self::Lowercase,
        Self::Uppercase,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::KeepEqual => "keepequal",
            Self::DropEqual => "dropequal",
            Self::HashMod => "hashmod",
            Self::LabelMap => "labelmap",
            Self::LabelDrop => "labeldrop",
            Self::LabelKeep => "labelkeep",
            Self::Lowercase => "lowercase",
            Self::Uppercase => "uppercase",
        }
    }

    /// Case does not matter, as in the peer.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|action| action.as_str().eq_ignore_ascii_case(text))
    }
}

/// One rule, with defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelabelConfig {
    pub source_labels: Vec<String>,
    pub separator: String,
    pub regex: Pattern,
    pub modulus: u64,
    pub target_label: String,
    pub replacement: String,
    pub action: Action,
    pub name_scheme: NameScheme,
}

/// The regular expression that a rule has unless it names another.
pub const DEFAULT_REGEX: &str = "(.*)";
pub const DEFAULT_REPLACEMENT: &str = "$1";
pub const DEFAULT_SEPARATOR: &str = ";";

impl RelabelConfig {
    /// A rule with all defaults.
    pub fn new(action: Action) -> Self {
        #[expect(clippy::expect_used, reason = "a constant that the tests compile")]
        let regex = Pattern::new(DEFAULT_REGEX).expect("the default expression compiles");
        Self {
            source_labels: Vec::new(),
            separator: DEFAULT_SEPARATOR.to_owned(),
            regex,
            modulus: 0,
            target_label: String::new(),
            replacement: DEFAULT_REPLACEMENT.to_owned(),
            action,
            name_scheme: NameScheme::Utf8,
        }
    }

    fn source_value(&self, labels: &LabelsBuilder) -> String {
        let values: Vec<&str> = self
            .source_labels
            .iter()
            .map(|name| labels.get(name))
            .collect();
        values.join(&self.separator)
    }
}

/// What one rule did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Index of the rule.
    pub rule: usize,
    pub kept: bool,
    /// The labels after the rule.
    pub labels: Labels,
}

/// Applies the rules in order. `None` if a rule dropped the label set.
pub fn apply(configs: &[RelabelConfig], labels: &Labels) -> Option<Labels> {
    if configs.is_empty() {
        return Some(labels.clone());
    }
    let mut builder = labels.to_builder();
    apply_to_builder(configs, &mut builder)
        .is_ok()
        .then(|| builder.build())
}

/// Applies the rules in place. `Err` holds the index of the rule that dropped the label set.
pub fn apply_to_builder(
    configs: &[RelabelConfig],
    labels: &mut LabelsBuilder,
) -> Result<(), usize> {
    configs
        .iter()
        .enumerate()
        .try_for_each(|(index, config)| step(config, labels).then_some(()).ok_or(index))
}

/// The labels after every rule, up to and including the one that dropped the set.
pub fn trace(configs: &[RelabelConfig], labels: &Labels) -> Vec<Step> {
    let mut builder = labels.to_builder();
    let mut steps = Vec::with_capacity(configs.len());
    for (rule, config) in configs.iter().enumerate() {
        let kept = step(config, &mut builder);
        steps.push(Step {
            rule,
            kept,
            labels: builder.build(),
        });
        if !kept {
            break;
        }
    }
    steps
}

/// Applies one rule; false means that the label set is dropped.
fn step(config: &RelabelConfig, labels: &mut LabelsBuilder) -> bool {
    let value = config.source_value(labels);
    match config.action {
        Action::Drop => return !config.regex.is_match(&value),
        Action::Keep => return config.regex.is_match(&value),
        Action::DropEqual => return labels.get(&config.target_label) != value,
        Action::KeepEqual => return labels.get(&config.target_label) == value,
        Action::Replace => replace(config, labels, &value),
        Action::Lowercase => {
            labels.set(config.target_label.as_str(), value.to_lowercase());
        }
        Action::Uppercase => {
            labels.set(config.target_label.as_str(), value.to_uppercase());
        }
        Action::HashMod => hash_mod(config, labels, &value),
        Action::LabelMap => label_map(config, labels),
        Action::LabelDrop => labels.retain(|name| !config.regex.is_match(name)),
        Action::LabelKeep => labels.retain(|name| config.regex.is_match(name)),
    }
    true
}

fn replace(config: &RelabelConfig, labels: &mut LabelsBuilder, value: &str) {
    let Some(captures) = config.regex.captures(value) else {
        return;
    };
    let target = expand(&config.target_label, &captures);
    if !config.name_scheme.allows_label(&target) {
        return;
    }
    labels.set(target, expand(&config.replacement, &captures));
}

fn hash_mod(config: &RelabelConfig, labels: &mut LabelsBuilder, value: &str) {
    let digest = Md5::digest(value.as_bytes());
    // The last eight bytes of the digest as a big-endian number, as the peer does since 2.x.
    let hash = digest
        .iter()
        .skip(8)
        .fold(0u64, |hash, byte| (hash << 8) | u64::from(*byte));
    if let Some(shard) = hash.checked_rem(config.modulus) {
        labels.set(config.target_label.as_str(), shard.to_string());
    }
}

fn label_map(config: &RelabelConfig, labels: &mut LabelsBuilder) {
    let mapped: Vec<(String, String)> = labels
        .iter()
        .filter_map(|(name, value)| {
            let captures = config.regex.captures(name)?;
            Some((expand(&config.replacement, &captures), value.to_owned()))
        })
        .collect();
    for (name, value) in mapped {
        labels.set(name, value);
    }
}

/// Go's `Regexp.Expand`: `$name`, `${name}`, `$1`, `$$`; unknown groups are empty; a `$` that starts no
/// reference stays.
fn expand(template: &str, captures: &regex::Captures<'_>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('$') {
            out.push('$');
            rest = tail;
            continue;
        }
        let (name, tail) = match rest.strip_prefix('{') {
            Some(braced) => match braced.split_once('}') {
                Some((name, tail)) if is_group_name(name) => (name, tail),
                _ => {
                    out.push('$');
                    continue;
                }
            },
            None => {
                let end = rest
                    .find(|character: char| !(character.is_alphanumeric() || character == '_'))
                    .unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        if name.is_empty() {
            out.push('$');
            continue;
        }
        let group = match name.parse::<usize>() {
            Ok(index) => captures.get(index),
            Err(_) => captures.name(name),
        };
        out.push_str(group.map_or("", |group| group.as_str()));
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn is_group_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|character| character.is_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels {
        Labels::from_pairs([("__meta_pod", "web-0"), ("a", "foo"), ("b", "bar")])
    }

    fn rule(action: Action, change: impl FnOnce(&mut RelabelConfig)) -> RelabelConfig {
        let mut config = RelabelConfig::new(action);
        change(&mut config);
        config
    }

    #[test]
    fn replace_with_groups_and_templates() {
        let config = rule(Action::Replace, |config| {
            config.source_labels = vec!["a".into(), "b".into()];
            config.regex = Pattern::new("(f)oo;(?P<rest>.*)").unwrap();
            config.target_label = "new_${1}".into();
            config.replacement = "$rest-$1$$${2}".into();
        });
        let out = apply(&[config], &labels()).unwrap();
        assert_eq!(out.get("new_f"), Some("bar-f$bar"));
    }

    #[test]
    fn trace_ends_at_the_rule_that_drops() {
        let keep = |regex: &str| {
            rule(Action::Keep, |config| {
                config.source_labels = vec!["a".into()];
                config.regex = Pattern::new(regex).unwrap();
            })
        };
        let steps = trace(&[keep("foo"), keep("nope"), keep("foo")], &labels());
        assert_eq!(
            steps.iter().map(|step| step.kept).collect::<Vec<_>>(),
            [true, false]
        );
    }

    #[test]
    fn label_map_and_drop() {
        let map = rule(Action::LabelMap, |config| {
            config.regex = Pattern::new("__meta_(.+)").unwrap()
        });
        let drop = rule(Action::LabelDrop, |config| {
            config.regex = Pattern::new("a|__.*").unwrap()
        });
        let out = apply(&[map, drop], &labels()).unwrap();
        assert_eq!(out.to_string(), r#"{b="bar", pod="web-0"}"#);
    }

    #[test]
    fn hash_is_the_peers() {
        let config = rule(Action::HashMod, |config| {
            config.source_labels = vec!["c".into()];
            config.target_label = "d".into();
            config.modulus = 1000;
        });
        let out = apply(&[config], &Labels::from_pairs([("c", "baz")])).unwrap();
        assert_eq!(out.get("d"), Some("976"));
    }
}
