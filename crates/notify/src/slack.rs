//! Slack, by webhook or as an app.

use std::collections::BTreeMap;
use std::sync::Arc;

use alerting::Retry;
use alerting::nflog::{ReceiverData, ReceiverValue};
use config::alertmanager::receivers::{Slack as Options, SlackAction as ActionOptions};
use model::format::go_quote;
use serde::{Deserialize, Serialize};

use crate::answer::{Failure, check_status, shortened};
use crate::clients::{self, Clients};
use crate::http::{BoxFuture, HttpResponse, HttpSend};
use crate::integration::{Integration, Sent};
use crate::notification::Notification;
use crate::rendering::Rendering;
use crate::secret;
use crate::truncate::in_runes;

/// Slack's limit, in characters.
const TITLE_MAX: usize = 1024;
/// Where formatting is looked for, unless the options say otherwise.
const FORMATTED: [&str; 3] = ["fallback", "pretext", "text"];
/// What is kept of the first message, so that it can be changed: as the peer names it in its log.
const THREAD_KEY: &str = "threadTs";
const CHANNEL_KEY: &str = "channelId";

/// Posts one message with one attachment, or changes the one that it posted before.
#[derive(Debug)]
pub(crate) struct Slack {
    options: Options,
    http: Arc<dyn HttpSend>,
}

#[derive(Serialize)]
struct Message {
    #[serde(skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(rename = "ts", skip_serializing_if = "String::is_empty")]
    timestamp: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_emoji: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    link_names: Option<bool>,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    attachments: [Attachment; 1],
}

#[derive(Serialize)]
struct Attachment {
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title_link: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pretext: String,
    text: String,
    fallback: String,
    callback_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<Action>,
    #[serde(skip_serializing_if = "String::is_empty")]
    image_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    thumb_url: String,
    footer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    color: String,
    mrkdwn_in: Vec<String>,
}

#[derive(Serialize)]
struct Field {
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
    short: bool,
}

#[derive(Serialize)]
struct Action {
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    style: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<Confirmation>,
}

#[derive(Serialize)]
struct Confirmation {
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    ok_text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    dismiss_text: String,
}

impl Slack {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self { options, http })
    }

    fn message(&self, rendering: &Rendering<'_>) -> Result<Message, Failure> {
        let options = &self.options;
        Ok(Message {
            channel: rendering.text("channel", &options.channel)?,
            timestamp: String::new(),
            username: rendering.text("username", &options.username)?,
            icon_emoji: rendering.text("icon_emoji", &options.icon_emoji)?,
            icon_url: rendering.text("icon_url", &options.icon_url)?,
            link_names: options.link_names.then_some(true),
            text: rendering.text("message_text", &options.message_text)?,
            attachments: [self.attachment(rendering)?],
        })
    }

    fn attachment(&self, rendering: &Rendering<'_>) -> Result<Attachment, Failure> {
        let options = &self.options;
        let title = rendering.text("title", &options.title)?;
        let fields = options.fields.iter().map(|field| {
            Ok(Field {
                title: rendering.text("fields", &field.title)?,
                value: rendering.text("fields", &field.value)?,
                short: field.short.unwrap_or(options.short_fields),
            })
        });
        let actions = options.actions.iter();
        let actions = actions.map(|action| render_action(rendering, action));
        Ok(Attachment {
            title: in_runes(&title, TITLE_MAX).into_owned(),
            title_link: rendering.text("title_link", &options.title_link)?,
            pretext: rendering.text("pretext", &options.pretext)?,
            text: rendering.text("text", &options.text)?,
            fallback: rendering.text("fallback", &options.fallback)?,
            callback_id: rendering.text("callback_id", &options.callback_id)?,
            fields: fields.collect::<Result<_, Failure>>()?,
            actions: actions.collect::<Result<_, Failure>>()?,
            image_url: rendering.text("image_url", &options.image_url)?,
            thumb_url: rendering.text("thumb_url", &options.thumb_url)?,
            footer: rendering.text("footer", &options.footer)?,
            color: rendering.text("color", &options.color)?,
            mrkdwn_in: if options.mrkdwn_in.is_empty() {
                FORMATTED.map(str::to_owned).to_vec()
            } else {
                options.mrkdwn_in.clone()
            },
        })
    }

    fn url(&self) -> Result<String, Failure> {
        let options = &self.options;
        secret::text_or_file("api_url", options.api_url.expose(), &options.api_url_file)
    }

    /// Says of a success what to keep of it.
    fn check(&self, response: &HttpResponse) -> Result<Option<ReceiverData>, Failure> {
        check_status(response, &[])?;
        let is_json = response
            .header("Content-Type")
            .is_some_and(|kind| kind.starts_with("application/json"));
        if !is_json {
            return check_text(&response.text()).map(|()| None);
        }
        let answer: Answer = serde_json::from_slice(&response.body).map_err(|error| {
            let text = response.text();
            let message = format!("unreadable answer {}: {error}", go_quote(shortened(&text)));
            Failure::refused(Retry::Later, message)
        })?;
        if !answer.ok {
            let message = format!("error response from Slack: {}", shortened(&answer.error));
            return Err(Failure::refused(Retry::Never, message));
        }
        if !self.options.update_message || answer.ts.is_empty() || answer.channel.is_empty() {
            return Ok(None);
        }
        let kept = [(THREAD_KEY, answer.ts), (CHANNEL_KEY, answer.channel)];
        let kept = kept.map(|(key, text)| (key.to_owned(), ReceiverValue::Text(text)));
        Ok(Some(Arc::new(BTreeMap::from(kept))))
    }
}

/// An incoming webhook says `ok` and nothing else.
fn check_text(text: &str) -> Result<(), Failure> {
    if text == "ok" {
        return Ok(());
    }
    let message = format!("received an error response from Slack: {}", shortened(text));
    Err(Failure::refused(Retry::Never, message))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    ok: bool,
    error: String,
    channel: String,
    ts: String,
}

fn render_action(rendering: &Rendering<'_>, options: &ActionOptions) -> Result<Action, Failure> {
    let text = |template: &str| rendering.text("actions", template);
    let confirm = options.confirm.as_ref().map(|confirm| {
        Ok::<_, Failure>(Confirmation {
            text: text(&confirm.text)?,
            title: text(&confirm.title)?,
            ok_text: text(&confirm.ok_text)?,
            dismiss_text: text(&confirm.dismiss_text)?,
        })
    });
    Ok(Action {
        kind: text(&options.kind)?,
        text: text(&options.text)?,
        url: text(&options.url)?,
        style: text(&options.style)?,
        name: text(&options.name)?,
        value: text(&options.value)?,
        confirm: confirm.transpose()?,
    })
}

/// The message that the group's last notification left, as its time and channel.
fn earlier(notification: Notification<'_>) -> Option<(String, String)> {
    let text = |key: &str| match notification.delivery.receiver_data.get(key) {
        Some(ReceiverValue::Text(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    Some((text(THREAD_KEY)?, text(CHANNEL_KEY)?))
}

impl Integration for Slack {
    fn notify<'a>(
        &'a self,
        notification: Notification<'a>,
    ) -> BoxFuture<'a, Result<Sent, Failure>> {
        Box::pin(async move {
            let mut message = self.message(&Rendering::new(notification))?;
            let mut url = self.url()?;
            if self.options.update_message
                && let Some((timestamp, channel)) = earlier(notification)
            {
                // The peer goes to slack.com here; who uses another host's interface means that one.
                if let Some(base) = url.strip_suffix("chat.postMessage") {
                    url = format!("{base}chat.update");
                }
                message.timestamp = timestamp;
                message.channel = channel;
            }
            let request = notification.post_json(url, &message)?;
            let request = request.within(self.options.timeout.to_std());
            let response = self.http.send(request).await?;
            let receiver_data = self.check(&response).map_err(|failure| {
                failure.while_doing(&format!("channel {}", go_quote(&message.channel)))
            })?;
            Ok(Sent {
                receiver_data,
                ..Sent::answered(&response)
            })
        })
    }
}
