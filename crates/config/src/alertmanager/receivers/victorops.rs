//! VictorOps (Splunk On-Call).

use std::collections::BTreeMap;

use yaml::MapReader;

use super::{Completion, both, inherit_secret, inherit_text, need, refuse};
use crate::Secret;
use crate::alertmanager::urls::ApiUrl;
use crate::http::HttpClient;
use crate::place::Place;

section! {
    pub struct VictorOps: "config.plain" as "*config.VictorOpsConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = true,
        ["http_config", some] pub http: Option<HttpClient>,
        ["api_key", omit] pub api_key: Secret,
        ["api_key_file", omit] pub api_key_file: String,
        ["api_url", omit] pub api_url: ApiUrl,
        ["routing_key", omit] pub routing_key: String,
        ["message_type"] pub message_type: String = "CRITICAL".to_owned(),
        ["state_message"] pub state_message: String = r#"{{ template "victorops.default.state_message" . }}"#.to_owned(),
        ["entity_display_name"] pub entity_display_name: String = r#"{{ template "victorops.default.entity_display_name" . }}"#.to_owned(),
        ["monitoring_tool"] pub monitoring_tool: String = r#"{{ template "victorops.default.monitoring_tool" . }}"#.to_owned(),
        ["custom_fields", omit] pub custom_fields: BTreeMap<String, String>,
    }
}

impl VictorOps {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        need(
            map,
            "routing_key",
            &self.routing_key,
            "missing Routing key in VictorOps config",
        );
        both(
            map,
            "api_key",
            [self.api_key.is_empty(), self.api_key_file.is_empty()],
        );
        for name in RESERVED_FIELDS {
            if self.custom_fields.contains_key(name) {
                let message = format!(
                    "victorOps config contains custom field {name} which cannot be used as it conflicts \
                     with the fixed/static fields"
                );
                refuse(map, "custom_fields", &message, "rename the field");
            }
        }
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
        if self.api_url.is_empty() {
            self.api_url = global.victorops_api_url.clone();
            if self.api_url.is_empty() {
                completion.refuse(self.place, "no global VictorOps URL set", "add `api_url`");
            }
        } else {
            self.api_url.add_trailing_slash();
        }
        // Each for itself, as the peer does it.
        inherit_secret(&mut self.api_key, &global.victorops_api_key);
        inherit_text(&mut self.api_key_file, &global.victorops_api_key_file);
        if self.api_key.is_empty() && self.api_key_file.is_empty() {
            let message = "no global VictorOps API Key set";
            completion.refuse(self.place, message, "add `api_key` or `api_key_file`");
        }
    }
}

/// Fields of the message that custom ones must not replace.
const RESERVED_FIELDS: [&str; 7] = [
    "routing_key",
    "message_type",
    "state_message",
    "entity_display_name",
    "monitoring_tool",
    "entity_id",
    "entity_state",
];
