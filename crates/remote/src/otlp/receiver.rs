//! One request from body to answer.

use std::sync::Arc;

use diag::{Reason, ReasonBook};
use metrics::{Counter, Registry};
use model::Clock;
use parking_lot::RwLock;
use wire::otlp::{OtlpError, Request};

use super::translate::translate;
use super::{BODY_BYTES_MAX, Settings};
use crate::write::{Receiver, Status};

/// Nothing of the request was stored, or not all of it. `Display` is the text for the sender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtlpRefusal {
    #[error("unsupported content type: {0}, supported: [application/json, application/x-protobuf]")]
    ContentType(String),
    #[error("unsupported compression: {0}. Only \"gzip\" or no compression supported")]
    Encoding(String),
    #[error("request body exceeds the {BODY_BYTES_MAX} bytes limit")]
    BodySize,
    /// The body is not compressed as it says.
    #[error("{0}")]
    Compression(String),
    #[error(transparent)]
    Message(#[from] OtlpError),
    /// Metrics that have no form in Prometheus.
    #[error("{0}")]
    Untranslated(String),
}

impl Reason for OtlpRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::ContentType(_) | Self::Encoding(_) => "otlp-encoding",
            Self::BodySize | Self::Message(OtlpError::TooMuch) => "otlp-too-large",
            Self::Compression(_) | Self::Message(_) => "otlp-corrupt",
            Self::Untranslated(_) => "otlp-untranslated",
        }
    }
}

/// What the sender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OtlpAnswer {
    Stored,
    /// The request, or samples of it, are not good: sending it again would not help.
    Bad(String),
    TooLarge(String),
    Failed(String),
}

/// Takes OpenTelemetry metrics. Shared by all connections.
pub struct OtlpReceiver {
    receiver: Arc<Receiver>,
    settings: RwLock<Arc<Settings>>,
    reasons: Arc<ReasonBook>,
    clock: Arc<dyn Clock>,
    warnings: Counter,
}

impl std::fmt::Debug for OtlpReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OtlpReceiver")
    }
}

impl OtlpReceiver {
    pub fn new(
        receiver: Arc<Receiver>,
        reasons: Arc<ReasonBook>,
        clock: Arc<dyn Clock>,
        registry: &Registry,
    ) -> Self {
        Self {
            receiver,
            settings: RwLock::default(),
            reasons,
            clock,
            warnings: registry.counter(
                "prometheus_api_otlp_translation_warnings_total",
                "The total number of warnings produced while translating OTLP metrics to the Prometheus model.",
            ),
        }
    }

    /// Of the configuration in use.
    pub fn set_settings(&self, settings: Settings) {
        *self.settings.write() = Arc::new(settings);
    }

    /// Stores what a request holds; the body is not compressed any more. Writes to the log: not for async
    /// threads.
    pub fn receive(&self, content_type: &str, body: &[u8]) -> OtlpAnswer {
        let request = match content_type {
            "application/x-protobuf" => Request::from_protobuf(body),
            "application/json" => Request::from_json(body),
            other => return self.refuse(&OtlpRefusal::ContentType(other.to_owned())),
        };
        let request = match request {
            Ok(request) => request,
            Err(error) => return self.refuse(&error.into()),
        };
        let settings = Arc::clone(&self.settings.read());
        let translated = translate(&request, &settings);
        self.warnings.add_count(translated.warnings);
        let answer = self.receiver.receive_translated(&translated.content);
        match answer.status {
            Status::Stored if translated.problems.is_empty() => OtlpAnswer::Stored,
            Status::Stored => {
                self.refuse(&OtlpRefusal::Untranslated(translated.problems.join("\n")))
            }
            Status::BadRequest | Status::TooLarge | Status::UnsupportedMediaType => {
                OtlpAnswer::Bad(answer.text)
            }
            Status::Internal => OtlpAnswer::Failed(answer.text),
        }
    }

    /// Notes why a request, or a part of it, was not taken.
    pub fn refuse(&self, refusal: &OtlpRefusal) -> OtlpAnswer {
        self.reasons
            .record(self.clock.now().millis(), "otlp", refusal);
        let text = refusal.to_string();
        match refusal {
            OtlpRefusal::BodySize => OtlpAnswer::TooLarge(text),
            // The peer counts it as its own failure.
            OtlpRefusal::Untranslated(_) => OtlpAnswer::Failed(text),
            _ => OtlpAnswer::Bad(text),
        }
    }
}
