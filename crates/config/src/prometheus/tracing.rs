//! `tracing`: where this server sends traces of itself.

use std::collections::BTreeMap;

use model::Duration;
use yaml::MapReader;

use crate::http::Tls;

section! {
    pub struct Tracing: "config.plain", checked {
        ["client_type", omit] pub client_type: String = "grpc".to_owned(),
        ["endpoint", omit] pub endpoint: String,
        ["sampling_fraction", omit] pub sampling_fraction: f64,
        ["insecure", omit] pub insecure: bool,
        ["tls_config", unless_default] pub tls: Tls,
        ["headers", omit] pub headers: BTreeMap<String, String>,
        ["compression", omit] pub compression: String,
        ["timeout", unless_default] pub timeout: Duration,
    }
}

impl Tracing {
    /// What an absent section means.
    pub fn off() -> Self {
        Self {
            client_type: String::new(),
            ..Self::default()
        }
    }

    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let mut refuse = |key: &str, message: String, hint: &str| {
            map.refuse_with_hint(key, "bad-tracing", message, hint);
        };
        for name in self.headers.keys() {
            let lower = name.to_ascii_lowercase();
            if lower == "authorization" {
                let message = "custom authorization header configuration is not yet supported";
                refuse("headers", message.to_owned(), "remove the header");
            } else if super::remote_write::RESERVED_HEADERS.contains(&lower.as_str()) {
                let message = format!("{name} is a reserved header. It must not be changed");
                refuse("headers", message, "remove the header");
            }
        }
        if !["http", "grpc"].contains(&self.client_type.as_str()) {
            let message = format!(
                "expected tracing client type to be to be http or grpc, but got {}",
                self.client_type
            );
            refuse("client_type", message, "`grpc` is the default");
        }
        if self.endpoint.is_empty() {
            refuse(
                "endpoint",
                "tracing endpoint must be set".to_owned(),
                "add `endpoint`",
            );
        }
        if !["", "gzip"].contains(&self.compression.as_str()) {
            let message = format!(
                "invalid compression type {} provided, valid options: gzip",
                self.compression
            );
            refuse("compression", message, "use `gzip` or remove `compression`");
        }
    }
}
