//! Telegram bots.

use yaml::MapReader;

use super::{Completion, both, refuse};
use crate::Secret;
use crate::alertmanager::urls::ApiUrl;
use crate::http::HttpClient;
use crate::place::Place;

section! {
    pub struct Telegram: "telegram.plain" as "*telegram.TelegramConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = true,
        ["http_config", some] pub http: Option<HttpClient>,
        ["api_url", omit] pub api_url: ApiUrl,
        ["bot_token", omit] pub bot_token: Secret,
        ["bot_token_file", omit] pub bot_token_file: String,
        ["chat_id", omit] pub chat_id: i64,
        ["chat_id_file", omit] pub chat_id_file: String,
        ["message_thread_id", omit] pub message_thread_id: isize,
        ["message", omit] pub message: String = r#"{{ template "telegram.default.message" . }}"#.to_owned(),
        ["disable_notifications", omit] pub disable_notifications: bool,
        ["parse_mode", omit] pub parse_mode: String = "HTML".to_owned(),
    }
}

impl Telegram {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        both(
            map,
            "bot_token",
            [self.bot_token.is_empty(), self.bot_token_file.is_empty()],
        );
        match (self.chat_id == 0, self.chat_id_file.is_empty()) {
            (true, true) => {
                let message = "missing chat_id or chat_id_file on telegram_config";
                refuse(map, "chat_id", message, "add `chat_id`");
            }
            (false, false) => both(map, "chat_id", [false, false]),
            _ => {}
        }
        if !["", "Markdown", "MarkdownV2", "HTML"].contains(&self.parse_mode.as_str()) {
            let message = "unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string";
            refuse(map, "parse_mode", message, "`HTML` is the default");
        }
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
        if self.api_url.is_empty() {
            self.api_url = global.telegram_api_url.clone();
        }
        if self.bot_token.is_empty() && self.bot_token_file.is_empty() {
            self.bot_token = global.telegram_bot_token.clone();
            self.bot_token_file = global.telegram_bot_token_file.clone();
            if self.bot_token.is_empty() && self.bot_token_file.is_empty() {
                let message = "missing bot_token or bot_token_file on telegram_config";
                completion.refuse(self.place, message, "add `bot_token` or `bot_token_file`");
            }
        }
    }
}
