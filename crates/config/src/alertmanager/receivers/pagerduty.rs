//! PagerDuty, by either version of its events interface.

use std::collections::BTreeMap;

use yaml::MapReader;

use super::{Completion, both, refuse};
use crate::alertmanager::loosely_typed::Free;
use crate::alertmanager::urls::ApiUrl;
use crate::http::HttpClient;
use crate::place::Place;
use crate::{GoDuration, Secret};

section! {
    pub struct PagerDuty: "pagerduty.plain" as "*pagerduty.PagerdutyConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = true,
        ["http_config", some] pub http: Option<HttpClient>,
        ["service_key", omit] pub service_key: Secret,
        ["service_key_file", omit] pub service_key_file: String,
        ["routing_key", omit] pub routing_key: Secret,
        ["routing_key_file", omit] pub routing_key_file: String,
        ["url", omit] pub url: ApiUrl,
        ["client", omit] pub client: String = r#"{{ template "pagerduty.default.client" . }}"#.to_owned(),
        ["client_url", omit] pub client_url: String = r#"{{ template "pagerduty.default.clientURL" . }}"#.to_owned(),
        ["description", omit]
        pub description: String = r#"{{ template "pagerduty.default.description" .}}"#.to_owned(),
        ["details", omit] pub details: BTreeMap<String, Free>,
        ["images", omit] pub images: Vec<PagerDutyImage>,
        ["links", omit] pub links: Vec<PagerDutyLink>,
        ["source", omit] pub source: String,
        ["severity", omit] pub severity: String,
        ["class", omit] pub class: String,
        ["component", omit] pub component: String,
        ["group", omit] pub group: String,
        ["timeout"] pub timeout: GoDuration,
    }
}

section! {
    pub struct PagerDutyImage: "pagerduty.PagerdutyImage" {
        ["src", omit] pub src: String,
        ["alt", omit] pub alt: String,
        ["href", omit] pub href: String,
    }
}

section! {
    pub struct PagerDutyLink: "pagerduty.PagerdutyLink" {
        ["href", omit] pub href: String,
        ["text", omit] pub text: String,
    }
}

/// What is sent unless the user gives these details another text.
const DETAILS: [(&str, &str); 4] = [
    ("firing", "{{ .Alerts.Firing | toJson }}"),
    ("resolved", "{{ .Alerts.Resolved | toJson }}"),
    ("num_firing", "{{ .Alerts.Firing | len }}"),
    ("num_resolved", "{{ .Alerts.Resolved | len }}"),
];

impl PagerDuty {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let service = [
            self.service_key.is_empty(),
            self.service_key_file.is_empty(),
        ];
        let routing = [
            self.routing_key.is_empty(),
            self.routing_key_file.is_empty(),
        ];
        if service == [true, true] && routing == [true, true] {
            let message = "missing service or routing key in PagerDuty config";
            refuse(
                map,
                "routing_key",
                message,
                "add `routing_key` or `routing_key_file`",
            );
        }
        both(map, "routing_key", routing);
        both(map, "service_key", service);
        if self.source.is_empty() {
            self.source = self.client.clone();
        }
        for (name, text) in DETAILS {
            self.details
                .entry(name.to_owned())
                .or_insert_with(|| Free(text.into()));
        }
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
        if self.url.is_empty() {
            self.url = global.pagerduty_url.clone();
            if self.url.is_empty() {
                completion.refuse(self.place, "no global PagerDuty URL set", "add `url`");
            }
        }
    }
}
