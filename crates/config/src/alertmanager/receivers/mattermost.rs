//! Mattermost webhooks.

use yaml::MapReader;

use super::{Completion, both, need};
use crate::alertmanager::urls::SecretUrl;
use crate::http::HttpClient;
use crate::place::Place;

section! {
    pub struct Mattermost: "mattermost.plain" as "*mattermost.MattermostConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = true,
        ["http_config", some] pub http: Option<HttpClient>,
        ["webhook_url", omit] pub webhook_url: SecretUrl,
        ["webhook_url_file", omit] pub webhook_url_file: String,
        ["channel", omit] pub channel: String,
        ["username", omit] pub username: String = r#"{{ template "mattermost.default.username" . }}"#.to_owned(),
        ["text", omit] pub text: String = r#"{{ template "mattermost.default.text" . }}"#.to_owned(),
        ["fallback", omit] pub fallback: String = r#"{{ template "mattermost.default.fallback" . }}"#.to_owned(),
        ["color", omit] pub color: String = r#"{{ template "mattermost.default.color" . }}"#.to_owned(),
        ["pretext", omit] pub pretext: String,
        ["author_name", omit] pub author_name: String,
        ["author_link", omit] pub author_link: String,
        ["author_icon", omit] pub author_icon: String,
        ["title", omit] pub title: String = r#"{{ template "mattermost.default.title" . }}"#.to_owned(),
        ["title_link", omit] pub title_link: String = r#"{{ template "mattermost.default.titlelink" . }}"#.to_owned(),
        ["fields", omit] pub fields: Vec<MattermostField>,
        ["thumb_url", omit] pub thumb_url: String,
        ["footer", omit] pub footer: String,
        ["footer_icon", omit] pub footer_icon: String,
        ["image_url", omit] pub image_url: String,
        ["icon_url", omit] pub icon_url: String,
        ["icon_emoji", omit] pub icon_emoji: String,
        ["attachments", omit] pub attachments: Vec<MattermostAttachment>,
        ["type", omit] pub kind: String,
        ["props", some] pub props: Option<MattermostProps>,
        ["priority", some] pub priority: Option<MattermostPriority>,
    }
}

section! {
    pub struct MattermostField: "mattermost.plain" as "*mattermost.MattermostField", checked {
        ["title", omit] pub title: String,
        ["value", omit] pub value: String,
        ["short", some] pub short: Option<bool>,
    }
}

impl MattermostField {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        need(
            map,
            "title",
            &self.title,
            "missing title in Mattermost field configuration",
        );
        need(
            map,
            "value",
            &self.value,
            "missing value in Mattermost field configuration",
        );
    }
}

section! {
    pub struct MattermostAttachment: "mattermost.MattermostAttachment" as "*mattermost.MattermostAttachment" {
        ["fallback", omit] pub fallback: String,
        ["color", omit] pub color: String,
        ["pretext", omit] pub pretext: String,
        ["text", omit] pub text: String,
        ["author_name", omit] pub author_name: String,
        ["author_link", omit] pub author_link: String,
        ["author_icon", omit] pub author_icon: String,
        ["title", omit] pub title: String,
        ["title_link", omit] pub title_link: String,
        ["fields", omit] pub fields: Vec<MattermostField>,
        ["thumb_url", omit] pub thumb_url: String,
        ["footer", omit] pub footer: String,
        ["footer_icon", omit] pub footer_icon: String,
        ["image_url", omit] pub image_url: String,
    }
}

section! {
    pub struct MattermostProps: "mattermost.MattermostProps" {
        ["card", omit] pub card: String,
    }
}

section! {
    pub struct MattermostPriority: "mattermost.MattermostPriority" {
        ["priority", omit] pub priority: String,
        ["requested_ack", omit] pub requested_ack: bool,
        ["persistent_notifications", omit] pub persistent_notifications: bool,
    }
}

impl Mattermost {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        both(
            map,
            "webhook_url",
            [
                self.webhook_url.is_empty(),
                self.webhook_url_file.is_empty(),
            ],
        );
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
        if self.webhook_url.is_empty() && self.webhook_url_file.is_empty() {
            self.webhook_url = global.mattermost_webhook_url.clone();
            self.webhook_url_file = global.mattermost_webhook_url_file.clone();
            if self.webhook_url.is_empty() && self.webhook_url_file.is_empty() {
                let message = "missing webhook_url or webhook_url_file on mattermost_config";
                completion.refuse(
                    self.place,
                    message,
                    "add `webhook_url` or `webhook_url_file`",
                );
            }
        }
    }
}
