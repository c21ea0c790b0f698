//! The webhook: the notification as JSON, or a payload of one's own.

use std::sync::Arc;
use std::time::Duration;

use gotemplate::data::alertmanager::Data;
use serde_json::Value;

use crate::answer::{Failure, check_status};
use crate::go_json;
use crate::http::{BoxFuture, HttpRequest, HttpSend};
use crate::integration::{Integration, Sent};
use crate::notification::Notification;
use crate::payload::render_payload;

/// The most bytes of a payload.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Where a webhook posts to. Both are secrets, and both are templates.
#[derive(Clone, PartialEq, Eq)]
pub enum UrlSource {
    Text(String),
    /// Read for each notification, so that rotation needs no reload.
    File(String),
}

impl std::fmt::Debug for UrlSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("UrlSource(<secret>)"),
            Self::File(file) => write!(f, "UrlSource(file {file})"),
        }
    }
}

/// The options of one webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookOptions {
    pub url: UrlSource,
    /// The most alerts in one notification; 0 is no limit.
    pub alerts_max: usize,
    pub timeout: Option<Duration>,
    /// Sent instead of the usual JSON; its texts are templates.
    pub payload: Option<yaml::Value>,
}

/// Posts JSON of version 4, in the byte order of the peer.
#[derive(Debug)]
pub struct Webhook {
    options: WebhookOptions,
    http: Arc<dyn HttpSend>,
}

impl Webhook {
    pub fn new(options: WebhookOptions, http: Arc<dyn HttpSend>) -> Self {
        Self { options, http }
    }

    /// The request of a notification.
    pub fn request(&self, notification: Notification<'_>) -> Result<HttpRequest, Failure> {
        let all = &notification.delivery.alerts;
        let shown = match self.options.alerts_max {
            0 => all.len(),
            max => max.min(all.len()),
        };
        let data = notification.data_of(&all[..shown]);
        let body = match &self.options.payload {
            None => {
                let group_key = &notification.delivery.group_key;
                message(&data, group_key, all.len() - shown)?
            }
            Some(payload) => custom(payload, notification, &data)?,
        };
        let url = self.url(notification, &data)?;
        let timeout = notification.timeout(self.options.timeout);
        let mut request = HttpRequest::post_json(url, body, timeout);
        let user_agent = notification.user_agent.to_owned();
        request.headers.push(("User-Agent", user_agent));
        Ok(request)
    }

    fn url(&self, notification: Notification<'_>, data: &Data) -> Result<String, Failure> {
        let template = match &self.options.url {
            UrlSource::Text(template) => template.clone(),
            UrlSource::File(file) => std::fs::read_to_string(file)
                .map_err(|error| Failure::permanent(format!("read url_file {file}: {error}")))?
                .trim()
                .to_owned(),
        };
        let url = notification.text("webhook URL", &template, data)?;
        if url.is_empty() {
            return Err(Failure::permanent("webhook URL is empty after templating"));
        }
        Ok(url)
    }
}

impl Integration for Webhook {
    fn notify<'a>(
        &'a self,
        notification: Notification<'a>,
    ) -> BoxFuture<'a, Result<Sent, Failure>> {
        Box::pin(async move {
            let response = self.http.send(self.request(notification)?).await?;
            check_status(&response, &[])?;
            Ok(Sent::default())
        })
    }
}

/// The data's own JSON with three more fields.
fn message(data: &Data, group_key: &str, truncated: usize) -> Result<String, Failure> {
    let core = gotemplate::to_json(&data.to_value(), BODY_BYTES_MAX).map_err(Failure::permanent)?;
    let group_key = go_json::compact(&group_key)?;
    let open = core.strip_suffix('}').unwrap_or(&core);
    Ok(format!(
        "{open},\"version\":\"4\",\"groupKey\":{group_key},\"truncatedAlerts\":{truncated}}}\n"
    ))
}

fn custom(
    payload: &yaml::Value,
    notification: Notification<'_>,
    data: &Data,
) -> Result<String, Failure> {
    let mut render = |template: &str| notification.text("custom payload", template, data);
    let value: Value = render_payload(payload, &mut render)?;
    go_json::body(&value)
}

#[cfg(test)]
mod tests;
