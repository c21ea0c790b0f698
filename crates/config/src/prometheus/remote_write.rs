//! `remote_write`: samples sent to other systems.

use std::collections::BTreeMap;

use model::Duration;
use model::name::NameScheme;
use yaml::{MapReader, Node, Reading, Value};

use super::refusals::Refusals;
use crate::http::HttpClient;
use crate::place::Place;
use crate::relabel::RelabelRules;
use crate::section::Field;
use crate::{SigV4, Url};

section! {
    pub struct RemoteWrite: "config.plain" as "*config.RemoteWriteConfig", checked {
        [place] pub place: Place,
        ["url"] pub url: Url,
        ["remote_timeout", unless_default] pub remote_timeout: Duration = Duration::from_secs(30),
        ["headers", omit] pub headers: BTreeMap<String, String>,
        ["write_relabel_configs", unless_default] pub write_relabel_configs: RelabelRules,
        ["name", omit] pub name: String,
        ["send_exemplars", omit] pub send_exemplars: bool,
        ["send_native_histograms", omit] pub send_native_histograms: bool,
        ["round_robin_dns", omit] pub round_robin_dns: bool,
        ["failed_request_logging", omit] pub failed_request_logging: bool,
        ["protobuf_message", some] pub protobuf_message: Option<WriteMessage> = Some(WriteMessage::V1),
        [inline] pub http: HttpClient = HttpClient::without_http2(),
        ["queue_config"] pub queue: QueueOptions,
        ["metadata_config"] pub metadata: MetadataOptions,
        ["sigv4", some] pub sigv4: Option<SigV4>,
        ["azuread", some] pub azuread: Option<Value>,
        ["google_iam", some] pub google_iam: Option<Value>,
    }
}

section! {
    /// How many senders there are and how they batch.
    pub struct QueueOptions: "config.QueueConfig", checked {
        ["capacity", omit] pub capacity: isize = 10_000,
        ["max_shards", omit] pub max_shards: isize = 50,
        ["min_shards", omit] pub min_shards: isize = 1,
        ["max_samples_per_send", omit] pub max_samples_per_send: isize = 2000,
        ["batch_send_deadline", unless_default]
        pub batch_send_deadline: Duration = Duration::from_secs(5),
        ["min_backoff", unless_default] pub min_backoff: Duration = Duration::from_millis(30),
        ["max_backoff", unless_default] pub max_backoff: Duration = Duration::from_secs(5),
        ["retry_on_http_429", omit] pub retry_on_http_429: bool,
        ["sample_age_limit", unless_default] pub sample_age_limit: Duration,
    }
}

section! {
    /// How metadata is sent beside the samples (version 1 of the protocol only).
    pub struct MetadataOptions: "config.MetadataConfig" {
        ["send"] pub send: bool = true,
        ["send_interval"] pub send_interval: Duration = Duration::from_secs(60),
        ["max_samples_per_send", omit] pub max_samples_per_send: isize = 2000,
    }
}

/// Which version of the protocol is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteMessage {
    #[default]
    V1,
    V2,
}

impl WriteMessage {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "prometheus.WriteRequest",
            Self::V2 => "io.prometheus.write.v2.Request",
        }
    }
}

impl Field for WriteMessage {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let text = String::read(node, reading)?;
        let known = [Self::V1, Self::V2];
        let message = known.into_iter().find(|message| message.as_str() == text);
        if message.is_none() {
            let known = known.map(Self::as_str).join(", ");
            let message = format!(
                "invalid protobuf_message value: unknown type for remote write protobuf message \
                 {text}, supported: {known}"
            );
            reading.refuse_with_hint(
                node.span,
                "unknown-write-message",
                message,
                format!("one of {known}"),
            );
        }
        message
    }

    fn go_type() -> String {
        "remoteapi.WriteMessageType".to_owned()
    }

    fn to_value(&self) -> Value {
        self.as_str().into()
    }
}

/// Headers that senders set themselves, in lower case.
pub(super) const RESERVED_HEADERS: [&str; 9] = [
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
];

impl RemoteWrite {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.url.is_empty() {
            map.refuse_with_hint(
                "url",
                "url-missing",
                "url for remote_write is empty",
                "add `url`",
            );
        }
        validate_headers(&self.headers, map);
        self.http.validate(map);
        let http = &self.http;
        let given = [
            http.basic_auth.is_some(),
            http.authorization.is_some(),
            http.oauth2.is_some(),
            self.sigv4.is_some(),
            self.azuread.is_some(),
            self.google_iam.is_some(),
        ];
        if given.into_iter().filter(|is_given| *is_given).count() > 1 {
            let message = "at most one of basic_auth, authorization, oauth2, sigv4, azuread or \
                           google_iam must be configured";
            map.refuse_with_hint("url", "http-client-conflict", message, "keep one of them");
        }
    }

    pub(super) fn complete(&mut self, scheme: NameScheme, refusals: &mut Refusals<'_>) {
        let what = "relabeling rule in remote write config";
        self.write_relabel_configs.validate(scheme, what, refusals);
    }
}

impl QueueOptions {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let positive = [
            ("max_samples_per_send", self.max_samples_per_send),
            ("max_shards", self.max_shards),
            ("min_shards", self.min_shards),
            ("capacity", self.capacity),
        ];
        let code = "out-of-range";
        for (key, value) in positive {
            if value <= 0 {
                let message = format!("remote write queue {key} must be positive");
                map.refuse_with_hint(key, code, message, "remove it to get the default");
            }
        }
        if self.min_shards > self.max_shards {
            let message = "remote write queue min_shards must not be greater than max_shards";
            let hint = format!("at most {}", self.max_shards);
            map.refuse_with_hint("min_shards", code, message, hint);
        }
        if self.max_backoff < self.min_backoff {
            let message = "remote write queue max_backoff must not be less than min_backoff";
            let hint = format!("at least {}", self.min_backoff);
            map.refuse_with_hint("max_backoff", code, message, hint);
        }
    }
}

/// Refuses headers that the client sets itself.
pub(super) fn validate_headers(headers: &BTreeMap<String, String>, map: &mut MapReader<'_, '_>) {
    for name in headers.keys() {
        let lower = name.to_ascii_lowercase();
        if lower == "authorization" {
            let message = "authorization header must be changed via the basic_auth, authorization, \
                           oauth2, sigv4, azuread or google_iam parameter";
            map.refuse_with_hint("headers", "reserved-header", message, "remove the header");
        } else if RESERVED_HEADERS.contains(&lower.as_str()) {
            let message = format!("{name} is a reserved header. It must not be changed");
            map.refuse_with_hint("headers", "reserved-header", message, "remove the header");
        }
    }
}
