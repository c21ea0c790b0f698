//! Slack, by webhook or as an app.

use yaml::MapReader;

use super::{Completion, both, need, refuse};
use crate::alertmanager::urls::{ApiUrl, SecretUrl};
use crate::http::{Authorization, HttpClient};
use crate::place::Place;
use crate::text::FilePath;
use crate::{GoDuration, Secret};

section! {
    pub struct Slack: "config.plain" as "*config.SlackConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = false,
        ["http_config", some] pub http: Option<HttpClient>,
        ["api_url", omit] pub api_url: SecretUrl,
        ["api_url_file", omit] pub api_url_file: String,
        ["app_token", omit] pub app_token: Secret,
        ["app_token_file", omit] pub app_token_file: String,
        ["app_url", omit] pub app_url: ApiUrl,
        ["channel", omit] pub channel: String,
        ["username", omit] pub username: String = r#"{{ template "slack.default.username" . }}"#.to_owned(),
        ["color", omit] pub color: String = r#"{{ template "slack.default.color" . }}"#.to_owned(),
        ["title", omit] pub title: String = r#"{{ template "slack.default.title" . }}"#.to_owned(),
        ["title_link", omit] pub title_link: String = r#"{{ template "slack.default.titlelink" . }}"#.to_owned(),
        ["pretext", omit] pub pretext: String = r#"{{ template "slack.default.pretext" . }}"#.to_owned(),
        ["text", omit] pub text: String = r#"{{ template "slack.default.text" . }}"#.to_owned(),
        ["message_text", omit] pub message_text: String,
        ["fields", omit] pub fields: Vec<SlackField>,
        ["short_fields"] pub short_fields: bool,
        ["footer", omit] pub footer: String = r#"{{ template "slack.default.footer" . }}"#.to_owned(),
        ["fallback", omit] pub fallback: String = r#"{{ template "slack.default.fallback" . }}"#.to_owned(),
        ["callback_id", omit] pub callback_id: String = r#"{{ template "slack.default.callbackid" . }}"#.to_owned(),
        ["icon_emoji", omit] pub icon_emoji: String = r#"{{ template "slack.default.iconemoji" . }}"#.to_owned(),
        ["icon_url", omit] pub icon_url: String = r#"{{ template "slack.default.iconurl" . }}"#.to_owned(),
        ["image_url", omit] pub image_url: String,
        ["thumb_url", omit] pub thumb_url: String,
        ["link_names"] pub link_names: bool,
        ["mrkdwn_in", omit] pub mrkdwn_in: Vec<String>,
        ["actions", omit] pub actions: Vec<SlackAction>,
        ["update_message"] pub update_message: bool,
        ["timeout"] pub timeout: GoDuration,
    }
}

impl Slack {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let url = [self.api_url.is_empty(), self.api_url_file.is_empty()];
        let token = [self.app_token.is_empty(), self.app_token_file.is_empty()];
        both(map, "api_url", url);
        both(map, "app_token", token);
        if url != [true, true] && token != [true, true] {
            let message =
                "at most one of api_url/api_url_file & app_token/app_token_file must be configured";
            refuse(map, "app_token", message, "keep one of them");
        }
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
        let place = self.place;
        if self.app_url.is_empty() {
            self.app_url = global.slack_app_url.clone();
        }
        let has_url = !self.api_url.is_empty() || !self.api_url_file.is_empty();
        let has_token =
            |slack: &Self| !slack.app_token.is_empty() || !slack.app_token_file.is_empty();
        let has_own_authorization = self
            .http
            .as_ref()
            .is_some_and(|http| http.authorization.is_some());
        if !has_url && !has_token(self) {
            // Before there were app tokens, they were given as an authorization of the HTTP client.
            if global.has_slack_token() && !has_own_authorization {
                self.app_token = global.slack_app_token.clone();
                self.app_token_file = global.slack_app_token_file.clone();
            } else if global.slack_api_url.is_empty() && global.slack_api_url_file.is_empty() {
                let message = "no Slack API URL nor App token set either inline or in a file";
                completion.refuse(place, message, "add `api_url` or `app_token`");
            } else {
                self.api_url = global.slack_api_url.clone();
                self.api_url_file = global.slack_api_url_file.clone();
            }
        }
        if has_token(self) {
            self.use_token(completion);
        }
        if self.update_message && self.api_url.expose() != self.app_url.as_str() {
            let message = "update_message can only be used with bot tokens. api_url must be set to \
                           https://slack.com/api/chat.postMessage";
            completion.refuse(place, message, "use `app_token` instead of a webhook");
        }
    }
}

impl Slack {
    /// An app posts to one URL for all channels, with its token in a header.
    fn use_token(&mut self, completion: &mut Completion<'_, '_>) {
        let http = self.http.get_or_insert_default();
        if http.authorization.is_some() {
            let message = "http authorization can't be set when using Slack App tokens";
            completion.refuse(self.place, message, "remove `http_config.authorization`");
        }
        http.authorization = Some(Authorization {
            kind: "Bearer".to_owned(),
            credentials: self.app_token.clone(),
            credentials_file: FilePath(self.app_token_file.clone()),
            ..Authorization::default()
        });
        self.api_url = SecretUrl(Secret::new(self.app_url.as_str()));
    }
}

section! {
    /// A field of a message.
    pub struct SlackField: "config.plain" as "*config.SlackField", checked {
        ["title", omit] pub title: String,
        ["value", omit] pub value: String,
        ["short", some] pub short: Option<bool>,
    }
}

section! {
    /// A button or a menu of a message.
    pub struct SlackAction: "config.plain" as "*config.SlackAction", checked {
        ["type", omit] pub kind: String,
        ["text", omit] pub text: String,
        ["url", omit] pub url: String,
        ["style", omit] pub style: String,
        ["name", omit] pub name: String,
        ["value", omit] pub value: String,
        ["confirm", some] pub confirm: Option<SlackConfirmation>,
    }
}

section! {
    /// A question that is asked before an action.
    pub struct SlackConfirmation: "config.plain", checked {
        ["text", omit] pub text: String,
        ["title", omit] pub title: String,
        ["ok_text", omit] pub ok_text: String,
        ["dismiss_text", omit] pub dismiss_text: String,
    }
}

impl SlackField {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        need(
            map,
            "title",
            &self.title,
            "missing title in Slack field configuration",
        );
        need(
            map,
            "value",
            &self.value,
            "missing value in Slack field configuration",
        );
    }
}

impl SlackAction {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        need(
            map,
            "type",
            &self.kind,
            "missing type in Slack action configuration",
        );
        need(
            map,
            "text",
            &self.text,
            "missing text in Slack action configuration",
        );
        if !self.url.is_empty() {
            // A link button has nothing to send back.
            self.name.clear();
            self.value.clear();
            self.confirm = None;
        } else if self.name.is_empty() {
            let message = "missing name or url in Slack action configuration";
            refuse(
                map,
                "name",
                message,
                "add `url` for a link or `name` for an action",
            );
        }
    }
}

impl SlackConfirmation {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        need(
            map,
            "text",
            &self.text,
            "missing text in Slack confirmation configuration",
        );
    }
}
