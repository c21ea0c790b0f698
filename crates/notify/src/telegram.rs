//! Telegram bots.

use std::collections::BTreeMap;
use std::sync::Arc;

use alerting::Retry;
use config::alertmanager::receivers::Telegram as Options;
use serde::Deserialize;

use crate::answer::{Failure, check_status, reason_of, seconds_up, shortened};
use crate::clients::{self, Clients};
use crate::http::{HttpRequest, HttpResponse, HttpSend, Wanted};
use crate::integration::SingleRequest;
use crate::notification::Notification;
use crate::rendering::Rendering;
use crate::truncate::in_runes;
use crate::{secret, url};

/// Telegram's limit, in characters.
const MESSAGE_MAX: usize = 4096;
/// HTML cannot be cut anywhere, so this is sent in its place.
const TOO_LONG: &str = "This notification is longer than Telegram takes, so it is not shown. Please shorten \
                        the template of the message.";

/// Sends one message to a chat.
#[derive(Debug)]
pub(crate) struct Telegram {
    options: Options,
    http: Arc<dyn HttpSend>,
}

impl Telegram {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self { options, http })
    }

    fn message(&self, rendering: &Rendering<'_>) -> Result<String, Failure> {
        let template = &self.options.message;
        if self.options.parse_mode != "HTML" {
            let text = rendering.text("message", template)?;
            return Ok(in_runes(&text, MESSAGE_MAX).into_owned());
        }
        let html = rendering.html("message", template)?;
        Ok(if html.chars().count() > MESSAGE_MAX {
            TOO_LONG.to_owned()
        } else {
            html
        })
    }

    fn chat_id(&self) -> Result<String, Failure> {
        let options = &self.options;
        let inline = options.chat_id.to_string();
        let id = secret::text_or_file("chat_id", &inline, &options.chat_id_file)?;
        if id.parse::<i64>().is_err() {
            // The file may be in the middle of being replaced.
            let file = &options.chat_id_file;
            return Err(Failure::retriable(format!(
                "chat_id_file {file} does not hold a number"
            )));
        }
        Ok(id)
    }
}

/// The answer of a bot.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    ok: bool,
    error_code: u16,
    description: String,
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    /// Seconds.
    retry_after: f64,
}

impl SingleRequest for Telegram {
    fn http(&self) -> &dyn HttpSend {
        &*self.http
    }

    fn request(&self, notification: Notification<'_>) -> Result<HttpRequest, Failure> {
        let options = &self.options;
        let rendering = Rendering::new(notification);
        // The interface takes texts for everything.
        let mut parameters = BTreeMap::from([
            ("chat_id", self.chat_id()?),
            ("disable_web_page_preview", "true".to_owned()),
            ("text", self.message(&rendering)?),
        ]);
        if options.disable_notifications {
            parameters.insert("disable_notification", "true".to_owned());
        }
        if options.message_thread_id != 0 {
            parameters.insert("message_thread_id", options.message_thread_id.to_string());
        }
        if !options.parse_mode.is_empty() {
            parameters.insert("parse_mode", options.parse_mode.clone());
        }
        let token = secret::text_or_file(
            "bot_token",
            options.bot_token.expose(),
            &options.bot_token_file,
        )?;
        let url = url::joined(options.api_url.as_str(), &format!("bot{token}/sendMessage"));
        notification.post_json(url, &parameters)
    }

    /// The peer tries again whatever the bot says, and so does this.
    fn wanted(&self) -> Wanted {
        Wanted::Body
    }

    fn check(&self, response: &HttpResponse) -> Result<(), Failure> {
        let is_success = (200..=299).contains(&response.status);
        let Ok(answer) = serde_json::from_slice::<Answer>(&response.body) else {
            if is_success {
                let text = response.text();
                let message = format!("unreadable answer from Telegram: {}", shortened(&text));
                return Err(Failure::retriable(message));
            }
            return check_status(response, &[response.status]);
        };
        if answer.ok {
            return Ok(());
        }
        let code = match answer.error_code {
            0 => response.status,
            code => code,
        };
        let retry = if answer.parameters.retry_after > 0.0 {
            Retry::After(seconds_up(answer.parameters.retry_after))
        } else {
            Retry::Later
        };
        Err(Failure {
            retry,
            reason: reason_of(code),
            message: format!("telegram: {} ({code})", shortened(&answer.description)),
        })
    }
}
