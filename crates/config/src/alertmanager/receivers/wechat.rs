//! WeChat Work.

use yaml::MapReader;

use super::{Completion, both, refuse};
use crate::Secret;
use crate::alertmanager::urls::ApiUrl;
use crate::http::HttpClient;
use crate::place::Place;

section! {
    pub struct WeChat: "config.plain" as "*config.WechatConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = false,
        ["http_config", some] pub http: Option<HttpClient>,
        ["api_secret", omit] pub api_secret: Secret,
        ["api_secret_file", omit] pub api_secret_file: String,
        ["corp_id", omit] pub corp_id: String,
        ["message", omit] pub message: String = r#"{{ template "wechat.default.message" . }}"#.to_owned(),
        ["api_url", omit] pub api_url: ApiUrl,
        ["to_user", omit] pub to_user: String = r#"{{ template "wechat.default.to_user" . }}"#.to_owned(),
        ["to_party", omit] pub to_party: String = r#"{{ template "wechat.default.to_party" . }}"#.to_owned(),
        ["to_tag", omit] pub to_tag: String = r#"{{ template "wechat.default.to_tag" . }}"#.to_owned(),
        ["agent_id", omit] pub agent_id: String = r#"{{ template "wechat.default.agent_id" . }}"#.to_owned(),
        ["message_type", omit] pub message_type: String = "text".to_owned(),
    }
}

impl WeChat {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.message_type.is_empty() {
            self.message_type = "text".to_owned();
        }
        if !["text", "markdown"].contains(&self.message_type.as_str()) {
            let message = format!(
                "weChat message type {} does not match valid options ^(text|markdown)$",
                crate::quote::quote(&self.message_type)
            );
            refuse(map, "message_type", &message, "use `text` or `markdown`");
        }
        both(
            map,
            "api_secret",
            [self.api_secret.is_empty(), self.api_secret_file.is_empty()],
        );
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
        let place = self.place;
        if self.api_url.is_empty() {
            self.api_url = global.wechat_api_url.clone();
        } else {
            self.api_url.add_trailing_slash();
        }
        if self.api_secret.is_empty() && self.api_secret_file.is_empty() {
            self.api_secret = global.wechat_api_secret.clone();
            self.api_secret_file = global.wechat_api_secret_file.clone();
            if self.api_secret.is_empty() && self.api_secret_file.is_empty() {
                let message = "no global Wechat Api Secret set either inline or in a file";
                completion.refuse(place, message, "add `api_secret` or `api_secret_file`");
            }
        }
        if self.corp_id.is_empty() {
            self.corp_id = global.wechat_api_corp_id.clone();
            if self.corp_id.is_empty() {
                completion.refuse(place, "no global Wechat CorpID set", "add `corp_id`");
            }
        }
    }
}
