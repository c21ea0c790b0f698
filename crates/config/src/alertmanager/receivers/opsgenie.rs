//! Opsgenie alerts.

use std::collections::BTreeMap;

use yaml::MapReader;

use super::{Completion, both, inherit_secret, inherit_text, refuse};
use crate::Secret;
use crate::alertmanager::urls::ApiUrl;
use crate::http::HttpClient;
use crate::place::Place;

section! {
    pub struct OpsGenie: "opsgenie.plain" as "*opsgenie.OpsGenieConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = true,
        ["http_config", some] pub http: Option<HttpClient>,
        ["api_key", omit] pub api_key: Secret,
        ["api_key_file", omit] pub api_key_file: String,
        ["api_url", omit] pub api_url: ApiUrl,
        ["message", omit] pub message: String = r#"{{ template "opsgenie.default.message" . }}"#.to_owned(),
        ["description", omit] pub description: String = r#"{{ template "opsgenie.default.description" . }}"#.to_owned(),
        ["source", omit] pub source: String = r#"{{ template "opsgenie.default.source" . }}"#.to_owned(),
        ["details", omit] pub details: BTreeMap<String, String>,
        ["entity", omit] pub entity: String,
        ["responders", omit] pub responders: Vec<Responder>,
        ["actions", omit] pub actions: String,
        ["tags", omit] pub tags: String,
        ["note", omit] pub note: String,
        ["priority", omit] pub priority: String,
        ["update_alerts", omit] pub update_alerts: bool,
    }
}

section! {
    /// Who is told; one of id, name and user name says who.
    pub struct Responder: "opsgenie.OpsGenieConfigResponder" {
        ["id", omit] pub id: String,
        ["name", omit] pub name: String,
        ["username", omit] pub username: String,
        ["type", omit] pub kind: String,
    }
}

const TYPES: [&str; 5] = ["team", "teams", "user", "escalation", "schedule"];

impl Responder {
    /// As the peers' messages show it.
    fn display(&self) -> String {
        format!(
            "{{{} {} {} {}}}",
            self.id, self.name, self.username, self.kind
        )
    }

    fn problem(&self) -> Option<String> {
        let name = self.display();
        if self.id.is_empty() && self.name.is_empty() && self.username.is_empty() {
            return Some(format!(
                "opsGenieConfig responder {name} has to have at least one of id, username or name specified"
            ));
        }
        let is_known = TYPES.contains(&self.kind.to_lowercase().as_str());
        (!is_known && !self.kind.contains("{{")).then(|| {
            format!(
                "opsGenieConfig responder {name} type does not match valid options ^({})$",
                TYPES.join("|")
            )
        })
    }
}

impl OpsGenie {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        both(
            map,
            "api_key",
            [self.api_key.is_empty(), self.api_key_file.is_empty()],
        );
        for responder in &self.responders {
            if let Some(message) = responder.problem() {
                refuse(
                    map,
                    "responders",
                    &message,
                    "types are team, teams, user, escalation, schedule",
                );
            }
        }
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
        let place = self.place;
        for responder in &self.responders {
            if responder.kind.contains("{{")
                && let Some(problem) = completion.template_problem(&responder.kind)
            {
                let name = responder.display();
                let message = format!(
                    "opsGenieConfig responder {name} type contains invalid template syntax: {problem}"
                );
                completion.refuse(place, &message, "correct the template in `type`");
            }
        }
        if self.api_url.is_empty() {
            self.api_url = global.opsgenie_api_url.clone();
            if self.api_url.is_empty() {
                completion.refuse(place, "no global OpsGenie URL set", "add `api_url`");
            }
        } else {
            self.api_url.add_trailing_slash();
        }
        // Each for itself, as the peer does it.
        inherit_secret(&mut self.api_key, &global.opsgenie_api_key);
        inherit_text(&mut self.api_key_file, &global.opsgenie_api_key_file);
        if self.api_key.is_empty() && self.api_key_file.is_empty() {
            let message = "no global OpsGenie API Key set either inline or in a file";
            completion.refuse(place, message, "add `api_key` or `api_key_file`");
        }
    }
}
