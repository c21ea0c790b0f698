//! Webex rooms.

use yaml::MapReader;

use super::{Completion, need, refuse};
use crate::alertmanager::urls::ApiUrl;
use crate::http::HttpClient;
use crate::place::Place;

section! {
    pub struct Webex: "config.plain" as "*config.WebexConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = true,
        ["http_config", some] pub http: Option<HttpClient>,
        ["api_url", omit] pub api_url: ApiUrl,
        ["message", omit] pub message: String = r#"{{ template "webex.default.message" . }}"#.to_owned(),
        ["room_id", omit] pub room_id: String,
    }
}

impl Webex {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        need(
            map,
            "room_id",
            &self.room_id,
            "missing room_id on webex_config",
        );
        if self
            .http
            .as_ref()
            .is_none_or(|http| http.authorization.is_none())
        {
            let message = "missing webex_configs.http_config.authorization";
            refuse(
                map,
                "http_config",
                message,
                "add the bot's token under `credentials`",
            );
        }
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
        if self.api_url.is_empty() {
            self.api_url = global.webex_api_url.clone();
        }
    }
}
