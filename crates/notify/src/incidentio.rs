//! incident.io alert sources: the whole notification as JSON.

use std::sync::Arc;

use config::alertmanager::receivers::IncidentIo as Options;
use config::http::Authorization;
use serde::Deserialize;

use crate::answer::{Failure, check_status_with};
use crate::clients::{self, Clients};
use crate::http::{HttpRequest, HttpResponse, HttpSend};
use crate::integration::SingleRequest;
use crate::message::{self, Envelope};
use crate::notification::Notification;
use crate::secret;

/// What incident.io takes, in bytes.
const BODY_BYTES_MAX: usize = 512 * 1024;
/// Also tried again: the rate limit.
const RETRIED: [u16; 1] = [429];

/// Posts to an alert source.
#[derive(Debug)]
pub(crate) struct IncidentIo {
    options: Options,
    http: Arc<dyn HttpSend>,
}

impl IncidentIo {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let mut http = options.http.clone().unwrap_or_default();
        if !options.alert_source_token.is_empty() || !options.alert_source_token_file.is_empty() {
            http.authorization = Some(Authorization {
                kind: "Bearer".to_owned(),
                credentials: options.alert_source_token.clone(),
                credentials_file: config::FilePath(options.alert_source_token_file.clone()),
                ..Authorization::default()
            });
        }
        let http = clients::http(clients, Some(&http))?;
        Ok(Self { options, http })
    }
}

/// What the answer to a failure holds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    message: String,
    errors: Vec<String>,
    error: String,
}

fn details(response: &HttpResponse) -> String {
    let refusal: Refusal = serde_json::from_slice(&response.body).unwrap_or_default();
    let parts = [refusal.message, refusal.error, refusal.errors.join(", ")];
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(": ")
}

impl SingleRequest for IncidentIo {
    fn http(&self) -> &dyn HttpSend {
        &*self.http
    }

    fn request(&self, notification: Notification<'_>) -> Result<HttpRequest, Failure> {
        let options = &self.options;
        let (shown, truncated) = message::at_most(options.max_alerts, notification);
        let mut data = notification.data_of(shown);
        let envelope = Envelope {
            version: "1",
            group_key: &notification.delivery.group_key,
            truncated,
        };
        let mut body = envelope.around(&data)?;
        if body.len() > BODY_BYTES_MAX {
            // One incident is opened for the group, so one alert is enough for it. Common labels stay.
            if let Some(alerts) = &mut data.alerts {
                alerts.truncate(1);
            }
            body = envelope.around(&data)?;
        }
        let url = secret::text_or_file("url", options.url.as_str(), &options.url_file)?;
        Ok(notification
            .request("POST", url)
            .with_json(body)
            .within(options.timeout.to_std()))
    }

    fn check(&self, response: &HttpResponse) -> Result<(), Failure> {
        check_status_with(response, &RETRIED, details)
    }
}
