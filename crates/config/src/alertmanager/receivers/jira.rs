//! Jira issues.

use std::collections::BTreeMap;

use yaml::{MapReader, Node, Reading, Value};

use super::{Completion, need, refuse};
use crate::alertmanager::loosely_typed::Free;
use crate::alertmanager::urls::ApiUrl;
use crate::http::HttpClient;
use crate::place::Place;
use crate::section::Field;

section! {
    pub struct Jira: "jira.plain" as "*jira.JiraConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = true,
        ["http_config", some] pub http: Option<HttpClient>,
        ["api_url", omit] pub api_url: ApiUrl,
        ["api_type", omit] pub api_type: String = "auto".to_owned(),
        ["project", omit] pub project: String,
        ["summary", unless_default] pub summary: JiraText = JiraText::template("jira.default.summary"),
        ["description", unless_default]
        pub description: JiraText = JiraText::template("jira.default.description"),
        ["labels", omit] pub labels: Vec<String>,
        ["priority", omit] pub priority: String = r#"{{ template "jira.default.priority" . }}"#.to_owned(),
        ["issue_type", omit] pub issue_type: String,
        ["reopen_transition", omit] pub reopen_transition: String,
        ["resolve_transition", omit] pub resolve_transition: String,
        ["wont_fix_resolution", omit] pub wont_fix_resolution: String,
        ["reopen_duration", some] pub reopen_duration: Option<model::Duration>,
        ["fields", omit] pub fields: BTreeMap<String, Free>,
    }
}

impl Jira {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let defaults = Self::default();
        self.summary.inherit(&defaults.summary);
        self.description.inherit(&defaults.description);
        need(
            map,
            "project",
            &self.project,
            "missing project in jira_config",
        );
        need(
            map,
            "issue_type",
            &self.issue_type,
            "missing issue_type in jira_config",
        );
        if !["auto", "cloud", "datacenter"].contains(&self.api_type.as_str()) {
            let message = "unknown api_type on jira_config, must be auto, cloud or datacenter";
            refuse(map, "api_type", message, "`auto` is the default");
        }
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
        if self.api_url.is_empty() {
            self.api_url = global.jira_api_url.clone();
            if self.api_url.is_empty() {
                let hint = "add `api_url` here or `jira_api_url` under `global`";
                completion.refuse(self.place, "no global Jira Cloud URL set", hint);
            }
        }
    }
}

/// A template, and whether later notifications change the issue's text. It may be written as a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JiraText {
    pub template: String,
    pub enable_update: Option<bool>,
    /// A mapping without a template keeps the default one.
    has_no_template: bool,
}

impl JiraText {
    fn inherit(&mut self, default: &Self) {
        if std::mem::take(&mut self.has_no_template) {
            self.template.clone_from(&default.template);
        }
    }

    fn template(name: &str) -> Self {
        let template = format!("{{{{ template {name:?} . }}}}");
        Self {
            template,
            enable_update: None,
            has_no_template: false,
        }
    }
}

section! {
    struct WrittenJiraText: "jira.plain" {
        ["template", omit] template: String,
        ["enable_update", some] enable_update: Option<bool>,
    }
}

impl Field for JiraText {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        if node.as_scalar().is_some() {
            let template = <String as Field>::read(node, reading)?;
            return Some(Self {
                template,
                enable_update: None,
                has_no_template: false,
            });
        }
        let written = WrittenJiraText::read(node, reading)?;
        let has_template = |(key, _): &(Node, Node)| key.text() == Some("template");
        Some(Self {
            template: written.template,
            enable_update: written.enable_update,
            has_no_template: !node.as_mapping()?.iter().any(has_template),
        })
    }

    fn go_type() -> String {
        "jira.JiraFieldConfig".to_owned()
    }

    fn to_value(&self) -> Value {
        let written = WrittenJiraText {
            template: self.template.clone(),
            enable_update: self.enable_update,
        };
        written.to_value()
    }
}
