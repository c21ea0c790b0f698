//! Groups of targets, and their JSON and YAML form that file and HTTP discovery share.

use std::collections::BTreeMap;

use diag::Source;
use model::Labels;
use model::labels::LabelsBuilder;
use serde::Deserialize;
use yaml::Node;

/// Targets that were found together and share labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    /// Says where the group comes from, unique within one provider.
    pub source: String,
    /// On every target of the group, unless the target has the label itself.
    pub labels: Labels,
    /// Each has at least `__address__`.
    pub targets: Vec<Labels>,
}

impl TargetGroup {
    /// A group of plain addresses.
    pub fn of_addresses<'a>(
        source: impl Into<String>,
        addresses: impl IntoIterator<Item = &'a str>,
        labels: Labels,
    ) -> Self {
        let targets = addresses
            .into_iter()
            .map(|address| Labels::from_pairs([("__address__", address)]))
            .collect();
        Self {
            source: source.into(),
            labels,
            targets,
        }
    }

    /// The labels of each target, those of the group included.
    pub fn merged(&self) -> impl Iterator<Item = Labels> + '_ {
        self.targets.iter().map(|target| {
            let mut labels = self.labels.to_builder();
            for (name, value) in target {
                labels.set(name, value);
            }
            labels.build()
        })
    }
}

/// What is wrong with a list of groups.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    #[error("{0}")]
    Syntax(String),
    #[error("group {index}: {problem}")]
    Group { index: usize, problem: String },
}

/// A group as both text forms spell it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupText {
    #[serde(default)]
    targets: Option<Vec<String>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

/// Reads `[{"targets": ["host:port"], "labels": {"name": "value"}}]` from JSON. `extra` is added to the
/// labels of each group; the source's name becomes part of each group's name.
pub fn parse_json_groups(
    source: &Source,
    extra: &[(&str, &str)],
) -> Result<Vec<TargetGroup>, GroupError> {
    let groups: Vec<Option<GroupText>> = serde_json::from_str(source.text())
        .map_err(|error| GroupError::Syntax(error.to_string()))?;
    collect(
        groups
            .into_iter()
            .map(|group| Ok(group.unwrap_or_default())),
        source,
        extra,
    )
}

/// The same from YAML, where unquoted numbers are texts too.
pub fn parse_yaml_groups(
    source: &Source,
    extra: &[(&str, &str)],
) -> Result<Vec<TargetGroup>, GroupError> {
    let mut diagnostics = diag::Diagnostics::new();
    let node = yaml::parse(source, &mut diagnostics);
    if let Some(problem) = diagnostics.errors().next() {
        return Err(GroupError::Syntax(diag::render_line(problem)));
    }
    let Some(node) = node else {
        return Ok(Vec::new());
    };
    let groups = node
        .as_sequence()
        .ok_or_else(|| GroupError::Syntax("expected a list of target groups".to_owned()))?;
    collect(groups.iter().map(from_yaml), source, extra)
}

fn collect(
    groups: impl Iterator<Item = Result<GroupText, String>>,
    source: &Source,
    extra: &[(&str, &str)],
) -> Result<Vec<TargetGroup>, GroupError> {
    let finish = |(index, group): (usize, Result<GroupText, String>)| {
        let group = group.map_err(|problem| GroupError::Group { index, problem })?;
        let mut labels = LabelsBuilder::new();
        for (name, value) in group.labels.unwrap_or_default() {
            if name.is_empty() {
                let problem = "\"\" is not a valid label name".to_owned();
                return Err(GroupError::Group { index, problem });
            }
            labels.set(name, value);
        }
        for (name, value) in extra {
            labels.set(*name, *value);
        }
        let targets = group.targets.unwrap_or_default();
        let targets = targets
            .iter()
            .map(|address| Labels::from_pairs([("__address__", address)]))
            .collect();
        Ok(TargetGroup {
            source: format!("{}:{index}", source.name()),
            labels: labels.build(),
            targets,
        })
    };
    groups.enumerate().map(finish).collect()
}

fn from_yaml(node: &Node) -> Result<GroupText, String> {
    let mut group = GroupText::default();
    let pairs = node
        .as_mapping()
        .ok_or("expected an object with `targets` and `labels`")?;
    let text = |node: &Node| node.text().map(str::to_owned).ok_or("expected a text");
    for (key, value) in pairs {
        match key.text() {
            Some("targets") => {
                let items = value.as_sequence().ok_or("`targets` must be a list")?;
                group.targets = Some(items.iter().map(text).collect::<Result<_, _>>()?);
            }
            Some("labels") => {
                let pairs = value
                    .as_mapping()
                    .ok_or("`labels` must map names to values")?;
                let pair = |(name, value): &(Node, Node)| Ok((text(name)?, text(value)?));
                group.labels = Some(pairs.iter().map(pair).collect::<Result<_, &str>>()?);
            }
            key => return Err(format!("unknown key {:?}", key.unwrap_or("(not a text)"))),
        }
    }
    Ok(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTRA: &[(&str, &str)] = &[("__meta_url", "http://sd/")];

    #[test]
    fn reads_json_and_yaml() {
        let json = r#"[{"targets": ["a:1", "b:2"], "labels": {"application": "k10", "__metrics_path__": "/m"}}]"#;
        let yaml =
            "- targets: [a:1, b:2]\n  labels:\n    application: k10\n    __metrics_path__: /m\n";
        let groups = parse_json_groups(&Source::new("sd", json), EXTRA).unwrap();
        assert_eq!(
            parse_yaml_groups(&Source::new("sd", yaml), EXTRA).unwrap(),
            groups
        );
        assert_eq!(groups[0].source, "sd:0");
        let merged: Vec<String> = groups[0]
            .merged()
            .map(|labels| labels.to_string())
            .collect();
        assert_eq!(
            merged[1],
            r#"{__address__="b:2", __meta_url="http://sd/", __metrics_path__="/m", application="k10"}"#
        );
        assert!(
            parse_json_groups(&Source::new("sd", "[]"), EXTRA)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn says_what_is_wrong() {
        for text in [
            "{",
            "{}",
            "[1]",
            r#"[{"targets": "a:1"}]"#,
            r#"[{"target": []}]"#,
            r#"[{"labels": {"": "x"}}]"#,
        ] {
            let source = Source::new("sd", text);
            let errors = [
                parse_json_groups(&source, EXTRA),
                parse_yaml_groups(&source, EXTRA),
            ];
            for error in errors {
                assert!(!error.unwrap_err().to_string().is_empty(), "{text}");
            }
        }
        let numbers = Source::new("sd", r#"[{"targets": [1]}]"#);
        assert!(
            parse_json_groups(&numbers, EXTRA)
                .unwrap_err()
                .to_string()
                .contains("invalid type")
        );
    }
}
