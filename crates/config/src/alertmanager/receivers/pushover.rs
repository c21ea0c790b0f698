//! Pushover messages.

use yaml::MapReader;

use super::{Completion, both, one_of, refuse};
use crate::go_duration::TextDuration;
use crate::http::HttpClient;
use crate::place::Place;
use crate::{GoDuration, Secret};

section! {
    pub struct Pushover: "pushover.plain" as "*pushover.PushoverConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = true,
        ["http_config", some] pub http: Option<HttpClient>,
        ["user_key", omit] pub user_key: Secret,
        ["user_key_file", omit] pub user_key_file: String,
        ["token", omit] pub token: Secret,
        ["token_file", omit] pub token_file: String,
        ["title", omit] pub title: String = r#"{{ template "pushover.default.title" . }}"#.to_owned(),
        ["message", omit] pub message: String = r#"{{ template "pushover.default.message" . }}"#.to_owned(),
        ["url", omit] pub url: String = r#"{{ template "pushover.default.url" . }}"#.to_owned(),
        ["url_title", omit] pub url_title: String,
        ["device", omit] pub device: String,
        ["sound", omit] pub sound: String,
        ["priority", omit] pub priority: String =
            r#"{{ if eq .Status "firing" }}2{{ else }}0{{ end }}"#.to_owned(),
        ["retry", unless_default] pub retry: TextDuration = TextDuration(GoDuration::from_secs(60)),
        ["expire", unless_default] pub expire: TextDuration = TextDuration(GoDuration::from_secs(3600)),
        ["ttl", unless_default] pub ttl: TextDuration,
        ["html", omit] pub html: bool,
        ["monospace", omit] pub monospace: bool,
    }
}

impl Pushover {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let user = [self.user_key.is_empty(), self.user_key_file.is_empty()];
        let token = [self.token.is_empty(), self.token_file.is_empty()];
        one_of(map, "user_key", user);
        both(map, "user_key", user);
        one_of(map, "token", token);
        both(map, "token", token);
        if self.html && self.monospace {
            let message = "at most one of monospace & html must be configured";
            refuse(map, "monospace", message, "keep one of them");
        }
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
    }
}
