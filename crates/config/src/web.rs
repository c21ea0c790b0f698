//! The web configuration: who may connect to a server, and how. The file of `--web.config.file`.

use std::collections::BTreeMap;

use diag::{Diagnostic, Diagnostics, Source};
use yaml::{MapReader, Reading};

use crate::Secret;
use crate::files::{LoadError, join_path};
use crate::go_duration::GoDuration;
use crate::http::TlsVersion;
use crate::mesh_tls::ClientAuth;
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
                Some((_, values)) if !values.is_empty() && !values.contains(&value.as_str()) => {
                    let values: Vec<String> = values.iter().map(|value| quote(value)).collect();
                    let message = format!(
                        "invalid value for {name}. Expected one of: [{}], but got: {}",
                        values.join(" "),
                        quote(value)
                    );
                    (message, "use one of these values".to_owned())
                }
                // The peers send a space in place of the line break.
                Some(_) if value.contains(|c: char| c.is_ascii_control() && c != '\t') => {
                    let message = format!(
                        "the value of {name} has a line break or a control character in it"
                    );
                    (message, "write it in one line".to_owned())
                }
                Some(_) => continue,
            };
            map.refuse_with_hint("headers", CODE, message, hint);
        }
    }
}

/// Names of suites that the peers know; some of them are spoken nowhere any more.
const SUITES: [&str; 22] = [
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    // The newest ones do not take these any more.
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
];
const CURVES: [&str; 4] = ["CurveP256", "CurveP384", "CurveP521", "X25519"];

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

    /// `None` if the word is not known, which loading refuses.
    pub fn client_auth(&self) -> Option<ClientAuth> {
        ClientAuth::parse(&self.client_auth)
    }

    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let lists = [
            ("cipher_suites", "cipher", &self.cipher_suites, &SUITES[..]),
            (
                "curve_preferences",
                "curve",
                &self.curve_preferences,
                &CURVES[..],
            ),
        ];
        for (key, what, given, known) in lists {
            for name in given.iter().filter(|name| !known.contains(&name.as_str())) {
                let hint = match diag::did_you_mean(name, known.iter().copied()) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => format!("one of {}", known.join(", ")),
                };
                map.refuse_with_hint(key, CODE, format!("unknown {what}: {name}"), hint);
            }
        }
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
        if self.client_auth().is_none() {
            let hint = "NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert";
            let message = format!("invalid ClientAuth: {}", self.client_auth);
            refuse(key, &message, hint);
        }
        let is_asked = self.client_auth() != Some(ClientAuth::None);
        let has_ca = !self.client_ca.is_empty() || !self.client_ca_file.is_empty();
        if has_ca && !is_asked {
            let message = "client CA's have been configured without a Client Auth Policy";
            refuse(
                key,
                message,
                "add `client_auth_type: RequireAndVerifyClientCert`",
            );
        }
        // The peers take it, and let everybody in.
        if self.client_allowed_sans.is_some() && !is_asked {
            let message = "client_allowed_sans is without effect, because clients are not asked for certificates";
            refuse(
                "client_allowed_sans",
                message,
                "add `client_auth_type: RequireAndVerifyClientCert`",
            );
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

/// A problem with what a loaded configuration says, at the value of `keys` in its text, or what is there of them.
pub fn problem_at(source: &Source, keys: &[&str], message: String, hint: &str) -> Diagnostic {
    let problem = Diagnostic::error(CODE, message).hint(hint);
    let Some(mut node) = yaml::parse(source, &mut Diagnostics::new()) else {
        return problem;
    };
    for key in keys {
        match node.get(key).cloned() {
            Some(found) => node = found,
            None => break,
        }
    }
    problem.at(source, node.span)
}

/// Reads a web configuration; relative paths in it start from its folder.
pub fn load(source: &Source, folder: &str) -> Result<WebConfig, LoadError> {
    let mut diagnostics = Diagnostics::new();
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
                "invalid value for X-Frame-Options. Expected one of: [\"deny\" \"sameorigin\"], but got: \"x\"",
            ),
            (
                "http_server_config: {headers: {X-Frame-Options: DENY}}\n",
                "invalid value for X-Frame-Options. Expected one of: [\"deny\" \"sameorigin\"], but got: \"DENY\"",
            ),
            (
                "http_server_config: {headers: {X-XSS-Protection: \"1\\nSet-Cookie: a\"}}\n",
                "the value of X-XSS-Protection has a line break or a control character in it",
            ),
            (
                "tls_server_config: {cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA, TLS_RSA_WITH_RC4_128_SHA]}\n",
                "unknown cipher: TLS_RSA_WITH_RC4_128_SHA",
            ),
            (
                "tls_server_config: {curve_preferences: [X25519, P256]}\n",
                "unknown curve: P256",
            ),
            (
                "tls_server_config: {cert: x, key: x, client_allowed_sans: [a]}\n",
                "client_allowed_sans is without effect, because clients are not asked for certificates",
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
