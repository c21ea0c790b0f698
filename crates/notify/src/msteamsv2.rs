//! Microsoft Teams by flows (Power Automate), which take adaptive cards.

use std::sync::Arc;

use config::alertmanager::receivers::MsTeamsV2 as Options;
use serde_json::json;

use crate::answer::Failure;
use crate::clients::{self, Clients};
use crate::http::{HttpRequest, HttpSend};
use crate::integration::SingleRequest;
use crate::notification::Notification;
use crate::rendering::Rendering;
use crate::secret;

/// Posts a message with one adaptive card.
#[derive(Debug)]
pub(crate) struct MsTeamsV2 {
    options: Options,
    http: Arc<dyn HttpSend>,
}

impl MsTeamsV2 {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self { options, http })
    }
}

impl SingleRequest for MsTeamsV2 {
    fn http(&self) -> &dyn HttpSend {
        &*self.http
    }

    fn request(&self, notification: Notification<'_>) -> Result<HttpRequest, Failure> {
        let options = &self.options;
        let rendering = Rendering::new(notification);
        let title = rendering.text("title", &options.title)?;
        let text = rendering.text("text", &options.text)?;
        let color = if rendering.is_firing() {
            "Attention"
        } else {
            "Good"
        };
        let message = json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.2",
                    "body": [
                        {
                            "type": "TextBlock",
                            "text": title,
                            "weight": "Bolder",
                            "size": "Medium",
                            "wrap": true,
                            "style": "heading",
                            "color": color,
                        },
                        { "type": "TextBlock", "text": text, "wrap": true },
                    ],
                    "msteams": { "width": "full" },
                },
            }],
        });
        let url = secret::text_or_file(
            "webhook_url",
            options.webhook_url.expose(),
            &options.webhook_url_file,
        )?;
        notification.post_json(url, &message)
    }
}
