//! The web configuration: who may connect to a server, and how. The file of `--web.config.file`.

use std::collections::BTreeMap;

use diag::Source;
use yaml::{MapReader, Reading};

use crate::Secret;
use crate::files::{LoadError, join_path};
use crate::go_duration::GoDuration;
use crate::http::TlsVersion;
use crate::quote::quote;
use crate::section::{Section, read_section};
use crate::text::FilePath;

section! {
    pub struct WebConfig: "web.Config", checked {
        ["tls_server_config", unless_default] pub tls: ServerTls,
        ["http_server_config", unless_default] pub http: HttpServer,
        ["rate_limit", unless_default] pub rate_limit: RateLimit,
        /// Hashes of passwords by user, as bcrypt makes them.
        ["basic_auth_users", omit] pub users: BTreeMap<String, Secret>,
    }
}

section! {
    pub struct ServerTls: "web.TLSConfig", checked {
        ["cert", omit] pub cert: String,
        ["key", omit] pub key: Secret,
        ["client_ca", omit] pub client_ca: String,
        ["cert_file", omit] pub cert_file: FilePath,
        ["key_file", omit] pub key_file: FilePath,
        ["client_auth_type", omit] pub client_auth: String,
        ["client_ca_file", omit] pub client_ca_file: FilePath,
        ["cipher_suites", omit] pub cipher_suites: Vec<String>,
        ["curve_preferences", omit] pub curve_preferences: Vec<String>,
        ["min_version", some] pub min_version: Option<TlsVersion>,
        ["max_version", some] pub max_version: Option<TlsVersion>,
        ["prefer_server_cipher_suites", omit] pub prefer_server_cipher_suites: bool = true,
        ["client_allowed_sans", some_items] pub client_allowed_sans: Option<Vec<String>>,
    }
}

section! {
    pub struct HttpServer: "web.HTTPConfig", checked {
        ["http2", omit] pub http2: bool = true,
        ["headers", omit] pub headers: BTreeMap<String, String>,
    }
}

section! {
    pub struct RateLimit: "web.RateLimiterConfig" {
        ["burst", omit] pub burst: isize,
        ["interval", unless_default] pub interval: GoDuration,
    }
}

const CODE: &str = "bad-web-config";

/// Names of headers that can be set, with the values they can have; none for any.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

impl HttpServer {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        for (name, value) in &self.headers {
            let known = HEADERS.iter().find(|(known, _)| known == name);
            let (message, hint) = match known {
                None => {
                    let names: Vec<&str> = HEADERS.iter().map(|(name, _)| *name).collect();
                    let message = format!("HTTP header {} can not be configured", quote(name));
                    (message, format!("one of {}", names.join(", ")))
                }
                Some((_, values))
                    if !values.is_empty() && !values.contains(&value.to_lowercase().as_str()) =>
                {
                    let values = values.join(" ");
                    let message = format!(
                        "invalid value for {name}. Expected one of: [{values}], but got: {value}"
                    );
                    (message, "use one of these values".to_owned())
                }
                Some(_) => continue,
            };
            map.refuse_with_hint("headers", CODE, message, hint);
        }
    }
}

impl ServerTls {
    /// Whether anything of it asks for TLS.
    pub fn is_enabled(&self) -> bool {
        let texts = [
            self.cert.as_str(),
            self.key.expose(),
            &self.client_ca,
            &self.cert_file,
            &self.key_file,
            &self.client_ca_file,
            &self.client_auth,
        ];
        texts.iter().any(|text| !text.is_empty())
    }

    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if !self.is_enabled() {
            return;
        }
        let mut refuse =
            |key: &str, message: &str, hint: &str| map.refuse_with_hint(key, CODE, message, hint);
        if self.cert.is_empty() && self.cert_file.is_empty() {
            refuse(
                "cert_file",
                "missing one of cert or cert_file",
                "add `cert_file`",
            );
        }
        if self.key.expose().is_empty() && self.key_file.is_empty() {
            refuse(
                "key_file",
                "missing one of key or key_file",
                "add `key_file`",
            );
        }
        let key = "client_auth_type";
        let asks_always = match self.client_auth.as_str() {
            "RequireAnyClientCert" | "RequireClientCert" | "RequireAndVerifyClientCert" => true,
            "" | "NoClientCert" | "RequestClientCert" | "VerifyClientCertIfGiven" => false,
            other => {
                let hint = "NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert";
                refuse(key, &format!("invalid ClientAuth: {other}"), hint);
                true
            }
        };
        let has_ca = !self.client_ca.is_empty() || !self.client_ca_file.is_empty();
        if has_ca && matches!(self.client_auth.as_str(), "" | "NoClientCert") {
            let message = "client CA's have been configured without a Client Auth Policy";
            refuse(
                key,
                message,
                "add `client_auth_type: RequireAndVerifyClientCert`",
            );
        }
        if self.client_allowed_sans.is_some() && !asks_always {
            let message = "client_allowed_sans requires client_auth_type to be one of RequireAnyClientCert or RequireAndVerifyClientCert";
            refuse("client_allowed_sans", message, "use one of these");
        }
    }
}

impl WebConfig {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        for (user, hash) in &self.users {
            if let Err(problem) = check_hash(hash.expose()) {
                let hint = format!(
                    "the value for {} is what `htpasswd -nBC 10 \"\"` prints after the colon",
                    quote(user)
                );
                map.refuse_with_hint("basic_auth_users", CODE, problem, hint);
            }
        }
    }
}

/// Whether a text has the form of a bcrypt hash.
fn check_hash(hash: &str) -> Result<(), &'static str> {
    const LENGTH_MIN: usize = 59;
    if hash.len() < LENGTH_MIN {
        return Err("crypto/bcrypt: hashedSecret too short to be a bcrypted password");
    }
    let mut parts = hash.split('$').skip(1);
    let version = parts.next().unwrap_or_default();
    if !hash.starts_with('$') || !version.starts_with('2') {
        return Err("crypto/bcrypt: bcrypt hashes must start with '$2'");
    }
    let cost: Option<u8> = parts.next().and_then(|cost| cost.parse().ok());
    match cost {
        Some(4..=31) => Ok(()),
        _ => Err("crypto/bcrypt: the cost is outside of the allowed range (4,31)"),
    }
}

/// Reads a web configuration; relative paths in it start from its folder.
pub fn load(source: &Source, folder: &str) -> Result<WebConfig, LoadError> {
    let mut diagnostics = diag::Diagnostics::new();
    let node = yaml::parse(source, &mut diagnostics);
    let mut reading = Reading::new(source);
    let config = match &node {
        None => None,
        Some(node) if node.is_null() => Some(WebConfig::default()),
        Some(node) => read_section(node, &mut reading),
    };
    diagnostics.extend(reading.finish());
    match config {
        Some(mut config) if !diagnostics.has_errors() => {
            config.visit_section_paths(&mut |path| *path = join_path(folder, path));
            Ok(config)
        }
        _ => Err(LoadError { diagnostics }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        match load(&Source::new("web.yml", text), "conf") {
            Ok(_) => String::new(),
            Err(error) => error.peer_text(),
        }
    }

    #[test]
    fn paths_start_at_the_folder() {
        let text = "tls_server_config: {cert_file: a.pem, key_file: /b.pem}\n";
        let config = load(&Source::new("web.yml", text), "conf").unwrap();
        assert_eq!(&*config.tls.cert_file, "conf/a.pem");
        assert_eq!(&*config.tls.key_file, "/b.pem");
        assert!(!WebConfig::default().tls.is_enabled());
    }

    #[test]
    fn problems_are_the_peers() {
        let hash = "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay";
        assert_eq!(problem(&format!("basic_auth_users: {{a: {hash}}}\n")), "");
        for (text, expected) in [
            (
                "tls_server_config: {key: x}\n",
                "missing one of cert or cert_file",
            ),
            (
                "tls_server_config: {cert: x}\n",
                "missing one of key or key_file",
            ),
            (
                "tls_server_config: {cert: x, key: x, client_auth_type: No}\n",
                "invalid ClientAuth: No",
            ),
            (
                "tls_server_config: {cert: x, key: x, client_ca: x}\n",
                "client CA's have been configured without a Client Auth Policy",
            ),
            (
                "http_server_config: {headers: {Server: x}}\n",
                "HTTP header \"Server\" can not be configured",
            ),
            (
                "http_server_config: {headers: {X-Frame-Options: x}}\n",
                "invalid value for X-Frame-Options. Expected one of: [deny sameorigin], but got: x",
            ),
            (
                "basic_auth_users: {a: b}\n",
                "crypto/bcrypt: hashedSecret too short to be a bcrypted password",
            ),
            (
                "tls: {}\n",
                "yaml: unmarshal errors:\n  line 1: field tls not found in type web.Config",
            ),
        ] {
            assert_eq!(problem(text), expected, "{text}");
        }
    }
}
