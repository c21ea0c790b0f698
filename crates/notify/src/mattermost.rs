//! Mattermost webhooks.

use std::sync::Arc;

use config::alertmanager::receivers::{
    Mattermost as Options, MattermostAttachment as AttachmentOptions,
    MattermostField as FieldOptions,
};
use model::format::go_quote;
use serde::Serialize;

use crate::answer::{Failure, check_status};
use crate::clients::{self, Clients};
use crate::http::{BoxFuture, HttpSend, Wanted};
use crate::integration::{Integration, Sent};
use crate::notification::Notification;
use crate::rendering::Rendering;
use crate::secret;
use crate::truncate::in_runes;

/// Mattermost's limit, in characters.
const TEXT_MAX: usize = 16383;

/// Posts one message: with the attachments that are configured, or with one made of the other options.
#[derive(Debug)]
pub(crate) struct Mattermost {
    options: Options,
    http: Arc<dyn HttpSend>,
}

#[derive(Serialize)]
struct Message {
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_emoji: String,
    attachments: Vec<Attachment>,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    props: Option<Props>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
}

#[derive(Serialize)]
struct Props {
    card: String,
}

#[derive(Serialize)]
struct Priority {
    priority: &'static str,
    #[serde(skip_serializing_if = "is_false")]
    requested_ack: bool,
    #[serde(skip_serializing_if = "is_false")]
    persistent_notifications: bool,
}

#[derive(Serialize)]
struct Attachment {
    #[serde(skip_serializing_if = "String::is_empty")]
    fallback: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    color: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pretext: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    author_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    author_link: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    author_icon: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title_link: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "String::is_empty")]
    thumb_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    footer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    footer_icon: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    image_url: String,
}

#[derive(Serialize)]
struct Field {
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    short: Option<bool>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Mattermost {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self { options, http })
    }

    fn url(&self) -> Result<String, Failure> {
        let options = &self.options;
        let url = secret::text_or_file(
            "webhook_url",
            options.webhook_url.expose(),
            &options.webhook_url_file,
        )?;
        if url.is_empty() {
            return Err(Failure::retriable("webhook_url_file is empty"));
        }
        Ok(url)
    }

    fn message(&self, rendering: &Rendering<'_>) -> Result<Message, Failure> {
        let options = &self.options;
        let text = rendering.text("text", &options.text)?;
        let (text, attachments) = if options.attachments.is_empty() {
            let mut attachment = render_attachment(rendering, &self.flat())?;
            attachment.text = text;
            (String::new(), vec![attachment])
        } else {
            let attachments = options.attachments.iter();
            let attachments = attachments.map(|one| render_attachment(rendering, one));
            (text, attachments.collect::<Result<_, _>>()?)
        };
        let props = options
            .props
            .as_ref()
            .filter(|props| !props.card.is_empty());
        Ok(Message {
            text: in_runes(&text, TEXT_MAX).into_owned(),
            channel: rendering.text("channel", &options.channel)?,
            username: rendering.text("username", &options.username)?,
            icon_url: rendering.text("icon_url", &options.icon_url)?,
            icon_emoji: rendering.text("icon_emoji", &options.icon_emoji)?,
            attachments,
            kind: rendering.text("type", &options.kind)?,
            props: props
                .map(|props| {
                    let card = rendering.text("props", &props.card)?;
                    Ok::<_, Failure>(Props { card })
                })
                .transpose()?,
            priority: self.priority(rendering)?,
        })
    }

    /// The attachment that the options beside `attachments` describe.
    fn flat(&self) -> AttachmentOptions {
        let options = self.options.clone();
        AttachmentOptions {
            fallback: options.fallback,
            color: options.color,
            pretext: options.pretext,
            text: String::new(),
            author_name: options.author_name,
            author_link: options.author_link,
            author_icon: options.author_icon,
            title: options.title,
            title_link: options.title_link,
            fields: options.fields,
            thumb_url: options.thumb_url,
            footer: options.footer,
            footer_icon: options.footer_icon,
            image_url: options.image_url,
        }
    }

    /// What Mattermost would refuse is left out: it asks for acknowledgement only of what is more than
    /// standard, and repeats only what is urgent.
    fn priority(&self, rendering: &Rendering<'_>) -> Result<Option<Priority>, Failure> {
        let Some(options) = &self.options.priority else {
            return Ok(None);
        };
        if options.priority.is_empty() {
            return Ok(None);
        }
        let asked = rendering
            .text("priority", &options.priority)?
            .to_lowercase();
        let priority = match asked.as_str() {
            "urgent" => "urgent",
            "important" => "important",
            _ => "standard",
        };
        Ok(Some(Priority {
            priority,
            requested_ack: options.requested_ack && priority != "standard",
            persistent_notifications: options.persistent_notifications && priority == "urgent",
        }))
    }
}

fn render_attachment(
    rendering: &Rendering<'_>,
    options: &AttachmentOptions,
) -> Result<Attachment, Failure> {
    let text = |template: &str| rendering.text("attachment", template);
    let field = |field: &FieldOptions| {
        Ok(Field {
            title: text(&field.title)?,
            value: text(&field.value)?,
            short: field.short,
        })
    };
    Ok(Attachment {
        fallback: text(&options.fallback)?,
        color: text(&options.color)?,
        pretext: text(&options.pretext)?,
        text: text(&options.text)?,
        author_name: text(&options.author_name)?,
        author_link: text(&options.author_link)?,
        author_icon: text(&options.author_icon)?,
        title: text(&options.title)?,
        title_link: text(&options.title_link)?,
        fields: options
            .fields
            .iter()
            .map(field)
            .collect::<Result<_, Failure>>()?,
        thumb_url: text(&options.thumb_url)?,
        footer: text(&options.footer)?,
        footer_icon: text(&options.footer_icon)?,
        image_url: text(&options.image_url)?,
    })
}

impl Integration for Mattermost {
    fn notify<'a>(
        &'a self,
        notification: Notification<'a>,
    ) -> BoxFuture<'a, Result<Sent, Failure>> {
        Box::pin(async move {
            let message = self.message(&Rendering::new(notification))?;
            let request = notification.post_json(self.url()?, &message)?;
            let request = request.wanting(Wanted::Status);
            let response = self.http.send(request).await?;
            check_status(&response, &[]).map_err(|failure| {
                failure.while_doing(&format!("channel {}", go_quote(&message.channel)))
            })?;
            Ok(Sent::answered(&response))
        })
    }
}
