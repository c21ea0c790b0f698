//! `rules`: groups with their rules and what became of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Labels, Matcher, Pairs};
use net::axum::extract::State;
use net::axum::response::Response;
use rules::{GroupView, RuleSpec, RuleView};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::alerts::AlertTwin;
use super::matchers;
use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::Api;
use crate::time::rfc3339;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Rules")]
#[serde(rename_all = "camelCase")]
pub(crate) struct RulesTwin {
    groups: Vec<GroupTwin>,
    /// `group_next_token` of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_next_token: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RuleGroup")]
pub(crate) struct GroupTwin {
    name: String,
    file: String,
    rules: Vec<RuleTwin>,
    /// Seconds.
    interval: f64,
    limit: usize,
    evaluation_time: f64,
    last_evaluation: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Rule")]
pub(crate) enum RuleTwin {
    Recording(Box<RecordingTwin>),
    Alerting(Box<AlertingTwin>),
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RecordingRule")]
pub(crate) struct RecordingTwin {
    name: String,
    query: String,
    labels: BTreeMap<String, String>,
    #[serde(flatten)]
    outcome: OutcomeTwin,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AlertingRule")]
pub(crate) struct AlertingTwin {
    state: &'static str,
    name: String,
    query: String,
    duration: f64,
    keep_firing_for: f64,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    alerts: Vec<AlertTwin>,
    #[serde(flatten)]
    outcome: OutcomeTwin,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RuleOutcome")]
pub(crate) struct OutcomeTwin {
    health: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    evaluation_time: f64,
    last_evaluation: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// What to show, from the parameters.
struct Filter<'a> {
    kind: Option<&'static str>,
    names: Vec<&'a str>,
    groups: Vec<&'a str>,
    files: Vec<&'a str>,
    /// Labels of rules; any of the lists.
    selectors: Vec<Vec<Matcher>>,
    excludes_alerts: bool,
}

impl<'a> Filter<'a> {
    fn parse(params: &'a Params) -> Result<Self, ApiError> {
        let kind = match params.get("type").to_lowercase().as_str() {
            "" => None,
            "alert" => Some("alerting"),
            "record" => Some("recording"),
            other => {
                return Err(ApiError::parameter(
                    "type",
                    format!("not supported value \"{other}\""),
                ));
            }
        };
        let excludes_alerts = match params.get("exclude_alerts") {
            "" => false,
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            other => {
                return Err(ApiError::parameter(
                    "exclude_alerts",
                    format!("not a boolean: \"{other}\""),
                ));
            }
        };
        Ok(Self {
            kind,
            names: params.all("rule_name[]").collect(),
            groups: params.all("rule_group[]").collect(),
            files: params.all("file[]").collect(),
            selectors: matchers::parse(params)?,
            excludes_alerts,
        })
    }

    fn wants_group(&self, group: &GroupView) -> bool {
        let among = |wanted: &[&str], name: &str| wanted.is_empty() || wanted.contains(&name);
        among(&self.groups, &group.spec.name) && among(&self.files, &group.spec.file)
    }

    fn wants_rule(&self, rule: &RuleView) -> bool {
        let kind = match rule.spec {
            RuleSpec::Recording(_) => "recording",
            RuleSpec::Alerting(_) => "alerting",
        };
        let labels = match &rule.spec {
            RuleSpec::Recording(spec) => &spec.labels,
            RuleSpec::Alerting(spec) => &spec.labels,
        };
        self.kind.is_none_or(|wanted| wanted == kind)
            && (self.names.is_empty() || self.names.contains(&rule.spec.name()))
            && self.selects(labels)
    }

    /// What a template will give is not known here: it counts as absent, as in the peer.
    fn selects(&self, labels: &Pairs) -> bool {
        if self.selectors.is_empty() {
            return true;
        }
        let plain = labels.iter().filter(|(_, value)| !value.contains("{{"));
        let plain = Labels::from_pairs(plain);
        let all = |matchers: &Vec<Matcher>| {
            let mut matchers = matchers.iter();
            matchers.all(|matcher| matcher.matches_labels(&plain))
        };
        self.selectors.iter().any(all)
    }
}

pub(crate) async fn rules(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let filter = Filter::parse(&params)?;
    let mut page = Page::parse(&params)?;
    let groups_max = page.groups_max;
    let mut groups = Vec::new();
    let mut group_next_token = None;
    for group in api
        .rules
        .all()
        .iter()
        .skip_while(|group| !page.has_begun(group))
        .filter(|group| filter.wants_group(group))
    {
        let rules = group.rules.iter().filter(|rule| filter.wants_rule(rule));
        let rules: Vec<RuleTwin> = rules.map(|rule| rule_twin(rule, &filter)).collect();
        if rules.is_empty() {
            continue;
        }
        if groups.len() >= groups_max {
            group_next_token = Some(token(&group.spec.file, &group.spec.name));
            break;
        }
        groups.push(GroupTwin {
            name: group.spec.name.clone(),
            file: group.spec.file.clone(),
            rules,
            interval: group.spec.interval.seconds(),
            limit: group.spec.limit,
            evaluation_time: group.evaluation_seconds,
            last_evaluation: rfc3339(group.last_evaluation),
        });
    }
    page.check()?;
    Ok(success(&RulesTwin {
        groups,
        group_next_token,
    }))
}

/// Which part of the groups is asked for.
struct Page<'a> {
    groups_max: usize,
    /// Of the first group; where it is not found, groups have changed since.
    token: Option<&'a str>,
}

impl<'a> Page<'a> {
    fn parse(params: &'a Params) -> Result<Self, ApiError> {
        let token = params.some("group_next_token");
        let Some(text) = params.some("group_limit") else {
            if token.is_some() {
                let problem =
                    "group_limit needs to be present in order to paginate over the groups";
                return Err(ApiError::parameter("group_next_token", problem));
            }
            return Ok(Self {
                groups_max: usize::MAX,
                token: None,
            });
        };
        let limit: i32 = text.parse().map_err(|_| {
            let problem = format!(
                "group_limit needs to be a valid number: strconv.ParseInt: parsing {}: invalid syntax",
                model::format::go_quote(text)
            );
            ApiError::parameter("group_limit", problem)
        })?;
        match usize::try_from(limit) {
            Ok(groups_max) if groups_max > 0 => Ok(Self { groups_max, token }),
            _ => {
                let problem = "group_limit needs to be greater than 0";
                Err(ApiError::parameter("group_limit", problem))
            }
        }
    }

    fn has_begun(&mut self, group: &GroupView) -> bool {
        if self
            .token
            .is_some_and(|wanted| wanted != token(&group.spec.file, &group.spec.name))
        {
            return false;
        }
        self.token = None;
        true
    }

    fn check(&self) -> Result<(), ApiError> {
        let Some(token) = self.token else {
            return Ok(());
        };
        let problem = format!("invalid group_next_token '{token}'. were rule groups changed?");
        Err(ApiError::parameter("group_next_token", problem))
    }
}

/// Names a group, as the peer does.
fn token(file: &str, group: &str) -> String {
    let digest = Sha256::digest(format!("{file};{group}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn rule_twin(rule: &RuleView, filter: &Filter<'_>) -> RuleTwin {
    let outcome = |kind| OutcomeTwin {
        health: rule.health.as_str(),
        last_error: rule.refusal.as_ref().map(ToString::to_string),
        evaluation_time: rule.evaluation_seconds,
        last_evaluation: rfc3339(rule.last_evaluation),
        kind,
    };
    match &rule.spec {
        RuleSpec::Recording(spec) => RuleTwin::Recording(Box::new(RecordingTwin {
            name: spec.record.clone(),
            query: spec.expr.clone(),
            labels: spec.labels.to_map(),
            outcome: outcome("recording"),
        })),
        RuleSpec::Alerting(spec) => RuleTwin::Alerting(Box::new(AlertingTwin {
            state: rule.state.map_or("unknown", rules::AlertState::as_str),
            name: spec.alert.clone(),
            query: spec.expr.clone(),
            duration: spec.hold.seconds(),
            keep_firing_for: spec.keep_firing_for.seconds(),
            labels: spec.labels.to_map(),
            annotations: spec.annotations.to_map(),
            alerts: if filter.excludes_alerts {
                Vec::new()
            } else {
                rule.alerts.iter().map(AlertTwin::of).collect()
            },
            outcome: outcome("alerting"),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_a_digest_of_file_and_name() {
        assert_eq!(
            token("/srv/rules.yml", "g2"),
            "cd212eadf7caef48cf0ce29b9bbc7554dd5c3c6d4b219b0fe7a4293fb58dbdb1"
        );
    }
}
