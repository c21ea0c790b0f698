//! `http_sd_configs`: a list of target groups from an HTTP endpoint.

use std::time::Duration;

use net::client::Encoding;
use net::{HttpClient, Request};
use regex::Regex;
use tokio::sync::watch;

use crate::group::{TargetGroup, parse_json_groups};
use crate::provider::{Snapshot, publish};
use crate::refusal::DiscoveryRefusal;

#[derive(Clone, Debug)]
pub struct HttpConfig {
    pub url: String,
    pub refresh_interval: Duration,
    pub client: HttpClient,
    /// `User-Agent` to send.
    pub user_agent: String,
}

/// An answer may not be larger.
const ANSWER_BYTES_MAX: usize = 256 << 20;

pub(crate) async fn run(config: HttpConfig, publisher: watch::Sender<Snapshot>) {
    let mut ticks = tokio::time::interval(config.refresh_interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        publish(&publisher, refresh(&config).await);
    }
}

async fn refresh(config: &HttpConfig) -> Result<Vec<TargetGroup>, DiscoveryRefusal> {
    let from = config.url.clone();
    let mut request = Request::get(&config.url);
    request.timeout = config.refresh_interval.max(Duration::from_secs(1));
    request.body_bytes_max = ANSWER_BYTES_MAX;
    request.encoding = Encoding::Gzip;
    let interval = format!("{}", config.refresh_interval.as_secs_f64());
    for (name, value) in [
        ("user-agent", config.user_agent.as_str()),
        ("accept", "application/json"),
        ("x-prometheus-refresh-interval-seconds", interval.as_str()),
    ] {
        if let Ok(value) = value.parse() {
            request
                .headers
                .push((net::axum::http::HeaderName::from_static(name), value));
        }
    }
    let response =
        config
            .client
            .send(request)
            .await
            .map_err(|error| DiscoveryRefusal::Unreachable {
                from: from.clone(),
                problem: error.to_string(),
            })?;
    if response.status.as_u16() != 200 {
        return Err(DiscoveryRefusal::Status {
            from,
            status: response.status.to_string(),
        });
    }
    let content_type = response
        .headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    if !is_json(content_type) {
        return Err(DiscoveryRefusal::ContentType {
            from,
            content_type: content_type.to_owned(),
        });
    }
    let malformed = |problem: String| DiscoveryRefusal::Malformed {
        from: from.clone(),
        problem,
    };
    let text = std::str::from_utf8(&response.body)
        .map_err(|error| malformed(format!("not UTF-8: {error}")))?;
    // Strictly JSON: the YAML reader behind it would take more.
    serde_json::from_str::<serde::de::IgnoredAny>(text)
        .map_err(|error| malformed(error.to_string()))?;
    let source = diag::Source::new(config.url.as_str(), text);
    parse_json_groups(&source, &[("__meta_url", &config.url)])
        .map_err(|error| malformed(error.to_string()))
}

/// `application/json`, with no charset or that of UTF-8.
fn is_json(content_type: &str) -> bool {
    static PATTERN: std::sync::LazyLock<Option<Regex>> = std::sync::LazyLock::new(|| {
        Regex::new(r#"^(?i:application/json(;\s*charset=("utf-8"|utf-8))?)$"#).ok()
    });
    PATTERN
        .as_ref()
        .is_some_and(|pattern| pattern.is_match(content_type))
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn content_types() {
        assert!(is_json("application/json") && is_json("application/json; charset=\"utf-8\""));
        assert!(is_json("application/JSON; charset=UTF-8"));
        assert!(
            !is_json("text/json") && !is_json("") && !is_json("application/json; charset=latin1")
        );
    }
}
