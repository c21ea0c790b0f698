//! Rocket.Chat messages.

use std::sync::Arc;

use alerting::Retry;
use config::alertmanager::receivers::RocketChat as Options;
use model::format::go_quote;
use serde::{Deserialize, Serialize};

use crate::answer::{Failure, check_status, shortened};
use crate::clients::{self, Clients};
use crate::http::{BoxFuture, HttpRequest, HttpResponse, HttpSend};
use crate::integration::{Integration, Sent};
use crate::notification::Notification;
use crate::rendering::Rendering;
use crate::truncate::in_runes;
use crate::{secret, url};

/// In characters.
const TITLE_MAX: usize = 1024;

/// Posts one message with one attachment, as a user with a token.
#[derive(Debug)]
pub(crate) struct RocketChat {
    options: Options,
    http: Arc<dyn HttpSend>,
}

#[derive(Serialize)]
struct Message {
    #[serde(skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    emoji: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    avatar: String,
    attachments: [Attachment; 1],
}

#[derive(Serialize)]
struct Attachment {
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title_link: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    image_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    thumb_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    color: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<Action>,
}

#[derive(Serialize)]
struct Field {
    short: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
}

#[derive(Serialize)]
struct Action {
    /// There are only buttons.
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
    is_webview: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    msg: String,
    msg_in_chat_window: bool,
}

impl RocketChat {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self { options, http })
    }

    fn request(
        &self,
        notification: Notification<'_>,
        message: &Message,
    ) -> Result<HttpRequest, Failure> {
        let options = &self.options;
        let token = secret::text_or_file("token", options.token.expose(), &options.token_file)?;
        let id = secret::text_or_file(
            "token_id",
            options.token_id.expose(),
            &options.token_id_file,
        )?;
        let url = url::joined(options.api_url.as_str(), "api/v1/chat.postMessage");
        let request = notification.post_json(url, message)?;
        Ok(request
            .with_header("X-Auth-Token", token)
            .with_header("X-User-Id", id))
    }

    fn message(&self, rendering: &Rendering<'_>) -> Result<Message, Failure> {
        let options = &self.options;
        Ok(Message {
            channel: rendering.text("channel", &options.channel)?,
            emoji: rendering.text("emoji", &options.emoji)?,
            avatar: rendering.text("icon_url", &options.icon_url)?,
            attachments: [self.attachment(rendering)?],
        })
    }

    fn attachment(&self, rendering: &Rendering<'_>) -> Result<Attachment, Failure> {
        let options = &self.options;
        let title = rendering.text("title", &options.title)?;
        let fields = options.fields.iter().map(|field| {
            Ok(Field {
                short: field.short.unwrap_or(options.short_fields),
                title: rendering.text("fields", &field.title)?,
                value: rendering.text("fields", &field.value)?,
            })
        });
        let actions = options.actions.iter().map(|action| {
            Ok(Action {
                kind: "button",
                text: rendering.text("actions", &action.text)?,
                url: rendering.text("actions", &action.url)?,
                is_webview: false,
                msg: rendering.text("actions", &action.msg)?,
                msg_in_chat_window: false,
            })
        });
        Ok(Attachment {
            title: in_runes(&title, TITLE_MAX).into_owned(),
            title_link: rendering.text("title_link", &options.title_link)?,
            text: rendering.text("text", &options.text)?,
            image_url: rendering.text("image_url", &options.image_url)?,
            thumb_url: rendering.text("thumb_url", &options.thumb_url)?,
            color: rendering.text("color", &options.color)?,
            fields: fields.collect::<Result<_, Failure>>()?,
            actions: actions.collect::<Result<_, Failure>>()?,
        })
    }
}

/// Errors come with status 200 too.
fn check(response: &HttpResponse) -> Result<(), Failure> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Answer {
        success: bool,
        error: String,
    }
    check_status(response, &[])?;
    match serde_json::from_slice::<Answer>(&response.body) {
        Ok(answer) if answer.success => Ok(()),
        Ok(answer) => {
            let message = format!(
                "error response from Rocketchat: {}",
                shortened(&answer.error)
            );
            Err(Failure::refused(Retry::Never, message))
        }
        Err(error) => {
            let text = response.text();
            let message = format!("unreadable answer {}: {error}", go_quote(shortened(&text)));
            Err(Failure::refused(Retry::Later, message))
        }
    }
}

impl Integration for RocketChat {
    fn notify<'a>(
        &'a self,
        notification: Notification<'a>,
    ) -> BoxFuture<'a, Result<Sent, Failure>> {
        Box::pin(async move {
            let message = self.message(&Rendering::new(notification))?;
            let request = self.request(notification, &message)?;
            let response = self.http.send(request).await?;
            check(&response).map_err(|failure| {
                failure.while_doing(&format!("channel {}", go_quote(&message.channel)))
            })?;
            Ok(Sent::answered(&response))
        })
    }
}
