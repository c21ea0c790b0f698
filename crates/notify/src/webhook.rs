//! The webhook: the notification as JSON, or a payload of one's own.

use std::sync::Arc;

use config::alertmanager::receivers::Webhook as Options;
use gotemplate::data::alertmanager::Data;

use crate::answer::Failure;
use crate::clients::{self, Clients};
use crate::go_json;
use crate::http::{HttpRequest, HttpSend};
use crate::integration::SingleRequest;
use crate::message::{self, Envelope};
use crate::notification::Notification;
use crate::payload::render_payload;
use crate::secret;

/// Posts JSON of version 4, in the byte order of the peer.
#[derive(Debug)]
pub struct Webhook {
    options: Options,
    http: Arc<dyn HttpSend>,
}

impl Webhook {
    pub fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self { options, http })
    }

    fn url(&self, notification: Notification<'_>, data: &Data) -> Result<String, Failure> {
        let options = &self.options;
        let template = secret::text_or_file("url", options.url.expose(), &options.url_file)?;
        let url = notification.text("webhook URL", &template, data)?;
        if url.is_empty() {
            return Err(Failure::permanent("webhook URL is empty after templating"));
        }
        Ok(url)
    }
}

impl SingleRequest for Webhook {
    fn http(&self) -> &dyn HttpSend {
        &*self.http
    }

    fn request(&self, notification: Notification<'_>) -> Result<HttpRequest, Failure> {
        let (shown, truncated) = message::at_most(self.options.max_alerts, notification);
        let data = notification.data_of(shown);
        let body = if self.options.payload.0 == yaml::Value::Null {
            let envelope = Envelope {
                version: "4",
                group_key: &notification.delivery.group_key,
                truncated,
            };
            envelope.around(&data)?
        } else {
            custom(&self.options.payload.0, notification, &data)?
        };
        let url = self.url(notification, &data)?;
        Ok(notification
            .request("POST", url)
            .with_json(body)
            .within(self.options.timeout.to_std()))
    }
}

fn custom(
    payload: &yaml::Value,
    notification: Notification<'_>,
    data: &Data,
) -> Result<String, Failure> {
    let mut render = |template: &str| notification.text("custom payload", template, data);
    go_json::body(&render_payload(payload, &mut render)?)
}

#[cfg(test)]
mod tests;
