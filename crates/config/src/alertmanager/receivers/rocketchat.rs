//! Rocket.Chat messages.

use yaml::MapReader;

use super::{Completion, both, inherit_secret, inherit_text};
use crate::Secret;
use crate::alertmanager::urls::ApiUrl;
use crate::http::HttpClient;
use crate::place::Place;

section! {
    pub struct RocketChat: "rocketchat.plain" as "*rocketchat.RocketchatConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = false,
        ["http_config", some] pub http: Option<HttpClient>,
        ["api_url", omit] pub api_url: ApiUrl,
        ["token_id", omit] pub token_id: Secret,
        ["token_id_file", omit] pub token_id_file: String,
        ["token", omit] pub token: Secret,
        ["token_file", omit] pub token_file: String,
        ["channel", omit] pub channel: String,
        ["color", omit] pub color: String =
            r#"{{ if eq .Status "firing" }}red{{ else }}green{{ end }}"#.to_owned(),
        ["title", omit] pub title: String = r#"{{ template "rocketchat.default.title" . }}"#.to_owned(),
        ["title_link", omit] pub title_link: String = r#"{{ template "rocketchat.default.titlelink" . }}"#.to_owned(),
        ["text", omit] pub text: String = r#"{{ template "rocketchat.default.text" . }}"#.to_owned(),
        ["fields", omit] pub fields: Vec<RocketChatField>,
        ["short_fields"] pub short_fields: bool,
        ["emoji", omit] pub emoji: String = r#"{{ template "rocketchat.default.emoji" . }}"#.to_owned(),
        ["icon_url", omit] pub icon_url: String = r#"{{ template "rocketchat.default.iconurl" . }}"#.to_owned(),
        ["image_url", omit] pub image_url: String,
        ["thumb_url", omit] pub thumb_url: String,
        ["link_names"] pub link_names: bool,
        ["actions", omit] pub actions: Vec<RocketChatAction>,
    }
}

section! {
    pub struct RocketChatField: "rocketchat.RocketchatAttachmentField" as "*rocketchat.RocketchatAttachmentField" {
        ["short"] pub short: Option<bool>,
        ["title"] pub title: String,
        ["value"] pub value: String,
    }
}

section! {
    /// The peer takes and prints the last five keys, but sends none of them.
    pub struct RocketChatAction: "rocketchat.RocketchatAttachmentAction" as "*rocketchat.RocketchatAttachmentAction" {
        ["type"] pub kind: String,
        ["text"] pub text: String,
        ["url"] pub url: String,
        ["imageurl"] pub image_url: String,
        ["iswebview"] pub is_webview: bool,
        ["webviewheightratio"] pub webview_height_ratio: String,
        ["msg"] pub msg: String,
        ["msginchatwindow"] pub msg_in_chat_window: bool,
        ["msgprocessingtype"] pub msg_processing_type: String,
    }
}

impl RocketChat {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        both(
            map,
            "token",
            [self.token.is_empty(), self.token_file.is_empty()],
        );
        both(
            map,
            "token_id",
            [self.token_id.is_empty(), self.token_id_file.is_empty()],
        );
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
        let place = self.place;
        if self.api_url.is_empty() {
            self.api_url = global.rocketchat_api_url.clone();
        }
        // Each of the two is taken from `global` for itself, as the peer does it; a file then wins.
        inherit_secret(&mut self.token_id, &global.rocketchat_token_id);
        inherit_text(&mut self.token_id_file, &global.rocketchat_token_id_file);
        if self.token_id.is_empty() && self.token_id_file.is_empty() {
            let message = "no global Rocketchat TokenID set either inline or in a file";
            completion.refuse(place, message, "add `token_id` or `token_id_file`");
        }
        inherit_secret(&mut self.token, &global.rocketchat_token);
        inherit_text(&mut self.token_file, &global.rocketchat_token_file);
        if self.token.is_empty() && self.token_file.is_empty() {
            let message = "no global Rocketchat Token set either inline or in a file";
            completion.refuse(place, message, "add `token` or `token_file`");
        }
    }
}
