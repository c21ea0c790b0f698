//! What the configuration asks for, made ready: clients are built while a reload can still tell of problems.

use std::sync::Arc;
use std::time::Duration;

use config::alertmanager::{EventRecorder as Config, WebhookOutput};
use config::http::Tls;
use diag::{Diagnostic, Diagnostics};
use net::axum::http::HeaderValue;
use net::written_url::WrittenUrl;
use net::{HttpClient, Overrides};

use super::kafka::{self, Topic};
use super::webhook::{Batching, Target};
use crate::http_client::client_options;
use crate::options::Switch;

/// The outputs of a configuration.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// What plans are compared by.
    pub(super) config: Config,
    pub(super) outputs: Vec<Planned>,
}

impl Plan {
    /// Whether files of certificates may have changed where the configuration has not.
    pub(super) fn has_certificates(&self) -> bool {
        let http = |output: &WebhookOutput| output.http.clone().unwrap_or_default();
        let mut webhooks = self.config.webhook_outputs.iter();
        let mut topics = self.config.kafka_outputs.iter();
        webhooks.any(|output| http(output).tls != Tls::default())
            || topics.any(|output| output.tls.is_some())
    }
}

/// One output.
#[derive(Debug)]
pub(super) enum Planned {
    File(String),
    Webhook(Box<Target>),
    Kafka(Box<Topic>),
    Stdout,
    /// It cannot be made; a diagnostic has said so.
    Broken,
}

/// What cannot be done is among `problems`, as warnings: it must not keep alerts from being told.
pub(crate) fn plan(
    config: &Config,
    (feature, overrides): (Switch, &Overrides),
    problems: &mut Diagnostics,
) -> Arc<Plan> {
    if config.is_empty() {
        return Arc::default();
    }
    if !feature.is_on() {
        let message = "event_recorder has no effect without --enable-feature=event-recorder";
        problems.push(Diagnostic::warning("event-recorder-off", message));
        return Arc::default();
    }
    let mut broken = |code: &'static str, what: &str, problem: &str| {
        let message = format!("event_recorder: {what}: {problem}");
        problems.push(Diagnostic::warning(code, message));
        Planned::Broken
    };
    let files = config.file_outputs.iter();
    let files = files.map(|output| Planned::File(output.path.to_string()));
    let mut outputs: Vec<Planned> = files.collect();
    for output in &config.webhook_outputs {
        outputs.push(match target(output, overrides) {
            Ok(target) => Planned::Webhook(Box::new(target)),
            Err(problem) => {
                let name = name(output.url.expose());
                broken("event-output-client", &name, &problem)
            }
        });
    }
    for output in &config.kafka_outputs {
        outputs.push(match Topic::new(output, overrides) {
            Ok(topic) => Planned::Kafka(Box::new(topic)),
            Err(problem) => broken("event-output-client", &kafka::name(output), &problem),
        });
    }
    outputs.extend(config.stdout_outputs.iter().map(|_| Planned::Stdout));
    Arc::new(Plan {
        config: config.clone(),
        outputs,
    })
}

fn target(output: &WebhookOutput, overrides: &Overrides) -> Result<Target, String> {
    let options = client_options(&output.http.clone().unwrap_or_default(), overrides)?;
    let written = WrittenUrl::new(output.url.expose());
    let authorization = written.authorization.map(|value| {
        let mut value = HeaderValue::from_str(&value).map_err(|error| error.to_string())?;
        value.set_sensitive(true);
        Ok::<_, String>(value)
    });
    // The peer takes anything below 1 for the default.
    let or = |given: isize, default: usize| match usize::try_from(given) {
        Ok(0) | Err(_) => default,
        Ok(given) => given,
    };
    let time = |given: model::Duration, default: Duration| match given {
        model::Duration::ZERO => default,
        given => given.to_std(),
    };
    Ok(Target {
        client: HttpClient::new(options).map_err(|error| error.to_string())?,
        name: name(output.url.expose()).into(),
        url: written.url,
        authorization: authorization.transpose()?,
        timeout: time(output.timeout, Duration::from_secs(10)),
        workers: or(output.workers, 4).min(WORKERS_MAX),
        attempts: or(output.max_retries, 3),
        backoff: time(output.retry_backoff, Duration::from_millis(500)),
        batching: output.batch.then(|| Batching {
            events_max: or(output.batch_max_events, 100),
            bytes_max: or(output.batch_max_bytes, 1 << 20),
            wait_max: time(output.batch_flush_interval, Duration::from_millis(100)),
        }),
    })
}

/// More requests at once than that are no help to anybody.
const WORKERS_MAX: usize = 1024;

/// `webhook:` and the URL without what may be secret: users, queries, fragments.
fn name(url: &str) -> String {
    let url = WrittenUrl::new(url).url;
    let end = url.find(['?', '#']).unwrap_or(url.len());
    format!("webhook:{}", url.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_secret_is_not_in_the_name() {
        for (url, expected) in [
            ("https://h:8/a/b?token=t#f", "webhook:https://h:8/a/b"),
            ("http://u:p@h", "webhook:http://h"),
            ("http://h?u@x", "webhook:http://h"),
        ] {
            assert_eq!(name(url), expected);
        }
    }
}
