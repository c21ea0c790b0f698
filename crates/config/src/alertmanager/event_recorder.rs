//! `event_recorder`: where events about alerts and notifications are written.

use model::Duration;

use super::urls::ApiUrl;
use crate::GoDuration;
use crate::http::{HttpClient, Tls};
use crate::text::FilePath;

section! {
    pub struct EventRecorder: "eventrecorder.Config" {
        ["file_outputs", omit] pub file_outputs: Vec<FileOutput>,
        ["webhook_outputs", omit] pub webhook_outputs: Vec<WebhookOutput>,
        ["kafka_outputs", omit] pub kafka_outputs: Vec<KafkaOutput>,
        ["stdout_outputs", omit] pub stdout_outputs: Vec<StdoutOutput>,
    }
}

section! {
    pub struct FileOutput: "eventrecorder.FileOutput" {
        ["path"] pub path: FilePath,
    }
}

section! {
    pub struct StdoutOutput: "eventrecorder.StdoutOutput" {}
}

section! {
    pub struct WebhookOutput: "eventrecorder.plain" {
        ["url"] pub url: ApiUrl,
        ["http_config", some] pub http: Option<HttpClient>,
        ["timeout"] pub timeout: Duration = Duration::from_secs(10),
        ["workers"] pub workers: isize = 4,
        ["max_retries"] pub max_retries: isize = 3,
        ["retry_backoff"] pub retry_backoff: Duration = Duration::from_millis(500),
        ["batch", omit] pub batch: bool,
        ["batch_max_events", omit] pub batch_max_events: isize,
        ["batch_max_bytes", omit] pub batch_max_bytes: isize,
        ["batch_flush_interval", some] pub batch_flush_interval: Option<Duration>,
    }
}

section! {
    pub struct KafkaOutput: "eventrecorder.plain" {
        ["brokers"] pub brokers: Vec<String>,
        ["topic"] pub topic: String,
        ["client_id", omit] pub client_id: String,
        ["format", omit] pub format: String,
        ["acks", omit] pub acks: String,
        ["compression", omit] pub compression: String,
        ["buffer_size", omit] pub buffer_size: isize,
        ["tls_config", unless_default] pub tls: Tls,
        ["timeout", some] pub timeout: Option<GoDuration>,
    }
}
