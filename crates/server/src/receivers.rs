//! Receivers of notifications: integrations from the configuration, with clients of `net` behind them.

use std::sync::Arc;
use std::time::Duration;

use alerting::ReceiverSpec;
use config::SigV4;
use config::alertmanager::Receiver;
use config::alertmanager::receivers::Email;
use diag::{Diagnostic, Diagnostics};
use net::axum::http::header::AUTHORIZATION;
use net::axum::http::{HeaderName, HeaderValue, Method};
use net::written_url::WrittenUrl;
use net::{HttpClient, Overrides, Request, SendError};
use notify::{
    AwsClient, BoxFuture, Clients, HttpFailure, HttpRequest, HttpResponse, HttpSend, Integration,
    MailSend, Wanted,
};

use crate::mail::MailSender;
use crate::{aws, http_client};

/// No receiver's answer needs more.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// The receiver as the machine knows it, and its integrations in the same order.
pub(crate) fn parts(
    receiver: &Receiver,
    overrides: &Overrides,
    problems: &mut Diagnostics,
) -> (ReceiverSpec, Vec<Box<dyn Integration>>) {
    let mut specs = Vec::new();
    let mut integrations = Vec::new();
    for built in notify::integration::build(receiver, &NetClients { overrides }) {
        match built.integration {
            Ok(integration) => {
                specs.push(alerting::Integration {
                    name: built.name.into(),
                    index: built.index,
                    sends_resolved: built.sends_resolved,
                    settings: built.settings,
                });
                integrations.push(integration);
            }
            Err(problem) => {
                let message = format!(
                    "receiver {}: {} {}: {problem}",
                    receiver.name,
                    built.name,
                    built.index + 1
                );
                problems.push(Diagnostic::error("receiver-client", message));
            }
        }
    }
    if specs.is_empty() && receiver.name != "null" {
        let message = format!(
            "receiver {} has no integration: its alerts are grouped and shown, nothing is sent",
            receiver.name
        );
        problems.push(Diagnostic::note("receiver-without-integration", message));
    }
    let spec = ReceiverSpec {
        name: receiver.name.as_str().into(),
        labels: receiver.labels.clone(),
        integrations: specs,
    };
    (spec, integrations)
}

/// Makes clients of `net`.
struct NetClients<'a> {
    overrides: &'a Overrides,
}

impl Clients for NetClients<'_> {
    fn http(&self, options: &config::http::HttpClient) -> Result<Arc<dyn HttpSend>, String> {
        let client = http_client::build(options, self.overrides)?;
        Ok(Arc::new(NotificationSender(client)))
    }

    fn aws(
        &self,
        service: &'static str,
        signing: &SigV4,
        options: &config::http::HttpClient,
    ) -> Result<AwsClient, String> {
        let (client, region) = aws::client(service, signing, options, self.overrides)?;
        Ok(AwsClient {
            http: Arc::new(NotificationSender(client)),
            region,
        })
    }

    fn mail(&self, options: &Email) -> Result<Arc<dyn MailSend>, String> {
        Ok(Arc::new(MailSender::new(options, self.overrides)?))
    }
}

/// Sends notifications for one integration.
#[derive(Debug)]
pub(crate) struct NotificationSender(pub(crate) HttpClient);

impl HttpSend for NotificationSender {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpFailure>> {
        Box::pin(async move {
            // The URL may be a secret, so no failure names it.
            let failed = |problem: &str| HttpFailure(problem.to_owned());
            let place = authority(&request.url).to_owned();
            let written = WrittenUrl::new(&request.url);
            let mut message = Request::get(written.url);
            message.method = Method::from_bytes(request.method.as_bytes())
                .map_err(|_| failed("invalid method"))?;
            message.body = request.body.into();
            message.timeout = request.timeout.max(Duration::from_millis(1));
            message.body_bytes_max = ANSWER_BYTES_MAX;
            for (name, value) in request.headers {
                let name = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| failed("invalid header name"))?;
                let value =
                    HeaderValue::from_str(&value).map_err(|_| failed("invalid header value"))?;
                message.headers.push((name, value));
            }
            if let Some(value) = written.authorization
                && !message
                    .headers
                    .iter()
                    .any(|(name, _)| name == AUTHORIZATION)
            {
                let mut value = HeaderValue::from_str(&value)
                    .map_err(|_| failed("invalid user or password in the URL"))?;
                value.set_sensitive(true);
                message.headers.push((AUTHORIZATION, value));
            }
            let answer = match request.wanted {
                Wanted::Status => self.0.send_for_status(message).await,
                Wanted::Body => self.0.send(message).await,
            };
            match answer {
                Ok(response) => Ok(HttpResponse {
                    status: response.status.as_u16(),
                    headers: response
                        .headers
                        .iter()
                        .map(|(name, value)| {
                            (
                                name.to_string(),
                                String::from_utf8_lossy(value.as_bytes()).into_owned(),
                            )
                        })
                        .collect(),
                    body: response.body.to_vec(),
                }),
                Err(SendError::Url { problem, .. }) => {
                    Err(failed(&format!("invalid URL: {problem}")))
                }
                Err(
                    error
                    @ (SendError::Connect(_) | SendError::Exchange(_) | SendError::Timeout(_)),
                ) => {
                    let hint = match error.to_string() {
                        problem if problem.contains(NOT_TLS) => {
                            ": it does not speak TLS; should the URL begin with http://?"
                        }
                        _ => "",
                    };
                    Err(HttpFailure(format!("{place}: {error}{hint}")))
                }
                Err(error) => Err(HttpFailure(error.to_string())),
            }
        })
    }
}

/// What the TLS library says of an answer that is not TLS at all.
const NOT_TLS: &str = "InvalidContentType";

/// Host and port, which are no secret, without what may stand before them.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
