//! Discord webhooks.

use std::sync::Arc;

use config::alertmanager::receivers::Discord as Options;
use serde::Serialize;

use crate::answer::Failure;
use crate::clients::{self, Clients};
use crate::http::{HttpRequest, HttpSend};
use crate::integration::SingleRequest;
use crate::notification::Notification;
use crate::rendering::Rendering;
use crate::secret;
use crate::truncate::in_runes;

/// Discord's limits, in characters.
const TITLE_MAX: usize = 256;
const DESCRIPTION_MAX: usize = 4096;
const CONTENT_MAX: usize = 2000;

const RED: u32 = 0x99_2D22;
const GREEN: u32 = 0x2E_CC71;

/// Posts one message with one embed.
#[derive(Debug)]
pub(crate) struct Discord {
    options: Options,
    http: Arc<dyn HttpSend>,
}

#[derive(Serialize)]
struct Message<'a> {
    content: &'a str,
    embeds: [Embed<'a>; 1],
    #[serde(skip_serializing_if = "str::is_empty")]
    username: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    avatar_url: &'a str,
}

#[derive(Serialize)]
struct Embed<'a> {
    title: &'a str,
    description: &'a str,
    color: u32,
}

impl Discord {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self { options, http })
    }
}

impl SingleRequest for Discord {
    fn http(&self) -> &dyn HttpSend {
        &*self.http
    }

    fn request(&self, notification: Notification<'_>) -> Result<HttpRequest, Failure> {
        let options = &self.options;
        let rendering = Rendering::new(notification);
        let title = rendering.text("title", &options.title)?;
        let description = rendering.text("message", &options.message)?;
        let content = rendering.text("content", &options.content)?;
        let url = secret::text_or_file(
            "webhook_url",
            options.webhook_url.expose(),
            &options.webhook_url_file,
        )?;
        let message = Message {
            content: &in_runes(&content, CONTENT_MAX),
            embeds: [Embed {
                title: &in_runes(&title, TITLE_MAX),
                description: &in_runes(&description, DESCRIPTION_MAX),
                color: if rendering.is_firing() { RED } else { GREEN },
            }],
            username: &options.username,
            avatar_url: &options.avatar_url,
        };
        notification.post_json(url, &message)
    }
}
