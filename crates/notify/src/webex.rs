//! Webex rooms.

use std::sync::Arc;

use config::alertmanager::receivers::Webex as Options;
use serde::Serialize;

use crate::answer::Failure;
use crate::clients::{self, Clients};
use crate::http::{HttpRequest, HttpSend};
use crate::integration::SingleRequest;
use crate::notification::Notification;
use crate::rendering::Rendering;
use crate::truncate::in_bytes;

/// What Webex takes, in bytes.
const MESSAGE_BYTES_MAX: usize = 7439;

/// Posts to a room; the bot's token is an authorization of the HTTP client.
#[derive(Debug)]
pub(crate) struct Webex {
    options: Options,
    http: Arc<dyn HttpSend>,
}

#[derive(Serialize)]
struct Message<'a> {
    markdown: &'a str,
    #[serde(rename = "roomId", skip_serializing_if = "str::is_empty")]
    room_id: &'a str,
}

impl Webex {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self { options, http })
    }
}

impl SingleRequest for Webex {
    fn http(&self) -> &dyn HttpSend {
        &*self.http
    }

    fn request(&self, notification: Notification<'_>) -> Result<HttpRequest, Failure> {
        let rendering = Rendering::new(notification);
        let text = rendering.text("message", &self.options.message)?;
        let room_id = rendering.text("room_id", &self.options.room_id)?;
        let message = Message {
            markdown: &in_bytes(&text, MESSAGE_BYTES_MAX),
            room_id: &room_id,
        };
        notification.post_json(self.options.api_url.as_str().to_owned(), &message)
    }
}
