//! `event_recorder`: where events about alerts and notifications are written.
//!
//! What is left open stays open here, as the peer prints it; the event recorder fills in its defaults.

use model::Duration;
use yaml::MapReader;

use super::urls::SecretUrl;
use crate::http::{HttpClient, Tls};
use crate::quote::quote;
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
    pub struct FileOutput: "eventrecorder.plain", checked {
        ["path"] pub path: FilePath,
    }
}

section! {
    pub struct StdoutOutput: "eventrecorder.StdoutOutputConfig" {}
}

section! {
    /// Zero everywhere means "the default".
    pub struct WebhookOutput: "eventrecorder.plain", checked {
        ["url"] pub url: SecretUrl,
        ["http_config", some] pub http: Option<HttpClient>,
        ["timeout", unless_default] pub timeout: Duration,
        ["workers", unless_default] pub workers: isize,
        ["max_retries", unless_default] pub max_retries: isize,
        ["retry_backoff", unless_default] pub retry_backoff: Duration,
        ["batch", omit] pub batch: bool,
        ["batch_max_events", unless_default] pub batch_max_events: isize,
        ["batch_max_bytes", unless_default] pub batch_max_bytes: isize,
        ["batch_flush_interval", unless_default] pub batch_flush_interval: Duration,
    }
}

section! {
    pub struct KafkaOutput: "eventrecorder.plain", checked {
        ["brokers"] pub brokers: Vec<String>,
        ["topic"] pub topic: String,
        ["client_id", omit] pub client_id: String,
        /// `json` or `protobuf`.
        ["format", omit] pub format: String,
        /// Empty, `none`, `leader` or `all`.
        ["acks", omit] pub acks: String,
        /// Empty, `none`, `gzip`, `snappy`, `lz4` or `zstd`.
        ["compression", omit] pub compression: String,
        ["buffer_size", unless_default] pub buffer_size: isize,
        ["tls_config", some] pub tls: Option<Tls>,
    }
}

impl EventRecorder {
    /// How many outputs there are.
    pub fn len(&self) -> usize {
        self.file_outputs.len()
            + self.webhook_outputs.len()
            + self.kafka_outputs.len()
            + self.stdout_outputs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn refuse(map: &mut MapReader<'_, '_>, key: &str, message: impl Into<String>, hint: &str) {
    map.refuse_with_hint(key, "bad-event-output", message, hint);
}

impl FileOutput {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.path.is_empty() {
            let message = "event_recorder file output requires a path";
            refuse(map, "path", message, "add `path`");
        }
    }
}

impl WebhookOutput {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.url.is_empty() {
            let message = "event_recorder webhook output requires a url";
            refuse(map, "url", message, "add `url`");
        } else if self.url.expose() == crate::secret::HIDDEN {
            let message = "event_recorder webhook output requires an absolute http(s) url";
            refuse(map, "url", message, "write it as in `https://host/path`");
        }
        if self.batch_max_events < 0 || self.batch_max_bytes < 0 {
            let message = "event_recorder webhook batch settings cannot be negative";
            refuse(map, "batch", message, "leave out what shall be the default");
        }
        let is_set = self.batch_max_events != 0
            || self.batch_max_bytes != 0
            || self.batch_flush_interval != Duration::ZERO;
        if is_set && !self.batch {
            let message = "event_recorder webhook batch settings require batch: true";
            refuse(map, "batch", message, "add `batch: true`");
        }
    }
}

impl KafkaOutput {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.brokers.is_empty() {
            let message = "event_recorder kafka: at least one broker is required";
            refuse(map, "brokers", message, "add `brokers: ['host:9092']`");
        }
        if self.brokers.iter().any(String::is_empty) {
            let message = "event_recorder kafka: broker entries must be non-empty";
            refuse(map, "brokers", message, "write each as `host:port`");
        }
        if !["", "none", "leader", "all"].contains(&self.acks.as_str()) {
            let acks = quote(&self.acks);
            let message = format!(
                r#"event_recorder kafka: unknown acks {acks}, must be "none", "leader", or "all""#
            );
            refuse(map, "acks", message, "choose one of them");
        }
        let codecs = ["", "none", "gzip", "snappy", "lz4", "zstd"];
        if !codecs.contains(&self.compression.as_str()) {
            let codec = quote(&self.compression);
            let message = format!("event_recorder kafka: unknown compression {codec}");
            let hint = "choose none, gzip, snappy, lz4 or zstd";
            refuse(map, "compression", message, hint);
        }
        if self.topic.is_empty() {
            let message = "event_recorder kafka output requires a topic";
            refuse(map, "topic", message, "add `topic`");
        }
        if self.format.is_empty() {
            "json".clone_into(&mut self.format);
        }
        if !["json", "protobuf"].contains(&self.format.as_str()) {
            let format = quote(&self.format);
            let message = format!(
                r#"event_recorder kafka: unknown format {format}, must be "json" or "protobuf""#
            );
            refuse(map, "format", message, "choose one of them");
        }
    }
}

#[cfg(test)]
mod tests {
    use diag::{Source, render_line};

    use super::super::matchers::MatcherMode;
    use super::super::{Config, LoadOptions, load};

    fn read(event_recorder: &str) -> Result<Config, Vec<String>> {
        let text = format!(
            "route: {{receiver: r}}\nreceivers: [{{name: r}}]\nevent_recorder: {event_recorder}\n"
        );
        let options = LoadOptions {
            base_dir: "/conf",
            matchers: MatcherMode::Fallback,
            template: &|_| None,
        };
        match load(&Source::new("am.yml", &text), &options) {
            Ok((config, _)) => Ok(config),
            Err(error) => Err(error.diagnostics.iter().map(render_line).collect()),
        }
    }

    fn printed(event_recorder: &str) -> String {
        let text = read(event_recorder).unwrap().to_text();
        let section = text.split_once("event_recorder:\n");
        section.map_or_else(String::new, |(_, section)| section.to_owned())
    }

    #[test]
    fn only_what_was_written_is_printed() {
        assert_eq!(printed("{}"), "");
        assert_eq!(
            printed(
                "{file_outputs: [{path: e.jsonl}], stdout_outputs: [{}], webhook_outputs: [{url: 'https://u:p@h/x?t=1', workers: 1, timeout: 3s, batch: true, batch_max_events: 7}]}"
            ),
            "  file_outputs:\n  - path: /conf/e.jsonl\n  webhook_outputs:\n  - url: <secret>\n    timeout: 3s\n    workers: 1\n    batch: true\n    batch_max_events: 7\n  stdout_outputs:\n  - {}\n"
        );
        assert_eq!(
            printed(
                "{kafka_outputs: [{brokers: ['a:1'], topic: t, tls_config: {ca_file: ca.pem}}]}"
            ),
            "  kafka_outputs:\n  - brokers:\n    - a:1\n    topic: t\n    format: json\n    tls_config:\n      ca_file: /conf/ca.pem\n      insecure_skip_verify: false\n"
        );
    }

    #[test]
    fn every_problem_of_an_output_is_told() {
        for (text, expected) in [
            ("{file_outputs: [{}]}", &["file output requires a path"][..]),
            ("{file_outputs: [null]}", &["file output requires a path"]),
            (
                "{webhook_outputs: [{}]}",
                &["webhook output requires a url"],
            ),
            (
                "{webhook_outputs: [{url: <secret>}]}",
                &["requires an absolute http(s) url"],
            ),
            (
                "{webhook_outputs: [{url: 'ftp://x'}]}",
                &["unsupported scheme \"ftp\""],
            ),
            (
                "{webhook_outputs: [{url: 'http://x', batch_max_bytes: -1}]}",
                &["cannot be negative", "require batch: true"],
            ),
            (
                "{webhook_outputs: [{url: 'http://x', batch_flush_interval: 1s}]}",
                &["require batch: true"],
            ),
            (
                "{kafka_outputs: [{acks: some, compression: rar, format: xml}]}",
                &[
                    "at least one broker",
                    "unknown acks \"some\"",
                    "unknown compression \"rar\"",
                    "requires a topic",
                    "unknown format \"xml\", must be \"json\" or \"protobuf\"",
                ],
            ),
            (
                "{kafka_outputs: [{brokers: [''], topic: t}]}",
                &["broker entries must be non-empty"],
            ),
            (
                "{stdout_outputs: [{path: x}]}",
                &["field path not found in type eventrecorder.StdoutOutputConfig"],
            ),
        ] {
            let mut lines = read(text).unwrap_err();
            assert_eq!(lines.len(), expected.len(), "{text}: {lines:?}");
            for part in expected {
                let place = lines.iter().position(|line| line.contains(part));
                lines.remove(place.unwrap_or_else(|| panic!("{text}: {part}: {lines:?}")));
            }
        }
    }
}
