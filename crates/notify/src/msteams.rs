//! Microsoft Teams by the old connectors.

use std::sync::Arc;

use config::alertmanager::receivers::MsTeams as Options;
use serde::Serialize;

use crate::answer::Failure;
use crate::clients::{self, Clients};
use crate::http::{HttpRequest, HttpSend};
use crate::integration::SingleRequest;
use crate::notification::Notification;
use crate::rendering::Rendering;
use crate::secret;

const RED: &str = "8C1A1A";
const GREEN: &str = "2DC72D";

/// Posts a message card.
#[derive(Debug)]
pub(crate) struct MsTeams {
    options: Options,
    http: Arc<dyn HttpSend>,
}

#[derive(Serialize)]
struct Card {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    summary: String,
    text: String,
    #[serde(rename = "themeColor")]
    theme_color: &'static str,
}

impl MsTeams {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self { options, http })
    }
}

impl SingleRequest for MsTeams {
    fn http(&self) -> &dyn HttpSend {
        &*self.http
    }

    fn request(&self, notification: Notification<'_>) -> Result<HttpRequest, Failure> {
        let options = &self.options;
        let rendering = Rendering::new(notification);
        let card = Card {
            context: "http://schema.org/extensions",
            kind: "MessageCard",
            title: rendering.text("title", &options.title)?,
            summary: rendering.text("summary", &options.summary)?,
            text: rendering.text("text", &options.text)?,
            theme_color: if rendering.is_firing() { RED } else { GREEN },
        };
        let url = secret::text_or_file(
            "webhook_url",
            options.webhook_url.expose(),
            &options.webhook_url_file,
        )?;
        notification.post_json(url, &card)
    }
}
