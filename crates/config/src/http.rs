//! Options of HTTP clients: authentication, TLS, proxy, headers. Shared by scraping, discovery, remote
//! storage and notifications.

use std::collections::BTreeMap;

use diag::{Diagnostics, Source};
use yaml::{MapReader, Reading};

use crate::files::{LoadError, join_path};
use crate::quote::quote;
use crate::section::{Section, read_section};
use crate::text::FilePath;
use crate::{Secret, Url};

section! {
    /// What a client does besides its URL. After reading, a bearer token is an [`Authorization`].
    pub struct HttpClient: "config.plain", checked {
        ["basic_auth", some] pub basic_auth: Option<BasicAuth>,
        ["authorization", some] pub authorization: Option<Authorization>,
        ["oauth2", some] pub oauth2: Option<OAuth2>,
        ["bearer_token", omit] pub bearer_token: Secret,
        ["bearer_token_file", omit] pub bearer_token_file: FilePath,
        ["tls_config", unless_default] pub tls: Tls,
        ["follow_redirects"] pub follow_redirects: bool = true,
        ["enable_http2"] pub enable_http2: bool = true,
        [inline] pub proxy: Proxy,
        ["http_headers", omit] pub headers: BTreeMap<String, Header>,
    }
}

section! {
    /// A user and a password, each inline, in a file, or by reference to a secret store.
    pub struct BasicAuth: "config.plain" {
        ["username", omit] pub username: String,
        ["username_file", omit] pub username_file: FilePath,
        ["username_ref", omit] pub username_ref: String,
        ["password", omit] pub password: Secret,
        ["password_file", omit] pub password_file: FilePath,
        ["password_ref", omit] pub password_ref: String,
    }
}

section! {
    /// The `Authorization` header: `type credentials`.
    pub struct Authorization: "config.Authorization" {
        ["type", omit] pub kind: String,
        ["credentials", omit] pub credentials: Secret,
        ["credentials_file", omit] pub credentials_file: FilePath,
        ["credentials_ref", omit] pub credentials_ref: String,
    }
}

section! {
    /// Tokens by OAuth 2.0, from a client secret or a signed assertion.
    pub struct OAuth2: "config.plain" {
        ["client_id"] pub client_id: String,
        ["client_secret", omit] pub client_secret: Secret,
        ["client_secret_file", omit] pub client_secret_file: FilePath,
        ["client_secret_ref", omit] pub client_secret_ref: String,
        ["client_certificate_key_id", omit] pub client_certificate_key_id: String,
        ["client_certificate_key", omit] pub client_certificate_key: Secret,
        ["client_certificate_key_file", omit] pub client_certificate_key_file: FilePath,
        ["client_certificate_key_ref", omit] pub client_certificate_key_ref: String,
        ["grant_type", omit] pub grant_type: String,
        ["signature_algorithm", omit] pub signature_algorithm: String,
        ["iss", omit] pub iss: String,
        ["audience", omit] pub audience: String,
        ["claims", omit] pub claims: BTreeMap<String, yaml::Value>,
        ["scopes", omit] pub scopes: Vec<String>,
        ["token_url"] pub token_url: String,
        ["endpoint_params", omit] pub endpoint_params: BTreeMap<String, String>,
        ["tls_config", unless_default] pub tls: Tls,
        [inline] pub proxy: Proxy,
    }
}

section! {
    /// Certificates and what to accept from the server.
    pub struct Tls: "config.plain", checked {
        ["ca", omit] pub ca: String,
        ["cert", omit] pub cert: String,
        ["key", omit] pub key: Secret,
        ["ca_file", omit] pub ca_file: FilePath,
        ["cert_file", omit] pub cert_file: FilePath,
        ["key_file", omit] pub key_file: FilePath,
        ["ca_ref", omit] pub ca_ref: String,
        ["cert_ref", omit] pub cert_ref: String,
        ["key_ref", omit] pub key_ref: String,
        ["server_name", omit] pub server_name: String,
        ["insecure_skip_verify"] pub insecure_skip_verify: bool,
        ["min_version", some] pub min_version: Option<TlsVersion>,
        ["max_version", some] pub max_version: Option<TlsVersion>,
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    Tls10,
    Tls11,
    #[default]
    Tls12,
    Tls13,
}

words!(TlsVersion, "unknown-tls-version", |word| format!("unknown TLS version: {word}"), {
    Tls10 = "TLS10",
    Tls11 = "TLS11",
    Tls12 = "TLS12",
    Tls13 = "TLS13",
});

section! {
    /// Which proxy to go through.
    pub struct Proxy: "config.ProxyConfig" {
        ["proxy_url", omit] pub url: Url,
        ["no_proxy", omit] pub no_proxy: String,
        ["proxy_from_environment", omit] pub from_environment: bool,
        ["proxy_connect_header", omit] pub connect_header: BTreeMap<String, Vec<Secret>>,
    }
}

section! {
    /// Values of one header that is sent with every request.
    pub struct Header: "config.Header" {
        ["values", omit] pub values: Vec<String>,
        ["secrets", omit] pub secrets: Vec<Secret>,
        ["files", omit] pub files: Vec<FilePath>,
    }
}

/// Headers that clients set themselves.
const RESERVED_HEADERS: [&str; 18] = [
    "Accept-Encoding",
    "Authorization",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Host",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "User-Agent",
    "Www-Authenticate",
    "X-Amz-Content-Sha256",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Prometheus-Remote-Read-Version",
    "X-Prometheus-Remote-Write-Version",
    "X-Prometheus-Scrape-Timeout-Seconds",
];

const CODE: &str = "http-client-conflict";

section! {
    /// The options as a file of their own.
    struct ClientFile: "config.HTTPClientConfig", checked {
        [inline] http: HttpClient,
    }
}

impl ClientFile {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        self.http.validate(map);
    }
}

/// Reads a file with nothing but the options of a client; relative paths in it start from its folder.
pub fn load(source: &Source, folder: &str) -> Result<HttpClient, LoadError> {
    let mut diagnostics = Diagnostics::new();
    let node = yaml::parse(source, &mut diagnostics);
    let mut reading = Reading::new(source);
    let file: Option<ClientFile> = match &node {
        None => None,
        Some(node) if node.is_null() => Some(ClientFile::default()),
        Some(node) => read_section(node, &mut reading),
    };
    diagnostics.extend(reading.finish());
    match file {
        Some(mut file) if !diagnostics.has_errors() => {
            file.visit_section_paths(&mut |path| *path = join_path(folder, path));
            Ok(file.http)
        }
        _ => Err(LoadError { diagnostics }),
    }
}

impl HttpClient {
    /// For clients that are better off with a connection per stream.
    pub fn without_http2() -> Self {
        Self {
            enable_http2: false,
            ..Self::default()
        }
    }

    /// Whether nothing was configured.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses options that exclude each other and turns a bearer token into an authorization.
    pub(crate) fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let has_bearer = !self.bearer_token.is_empty() || !self.bearer_token_file.is_empty();
        let hint = "keep one of them";
        let mut refuse = |key: &str, message: &str| map.refuse_with_hint(key, CODE, message, hint);
        if !self.bearer_token.is_empty() && !self.bearer_token_file.is_empty() {
            refuse(
                "bearer_token_file",
                "at most one of bearer_token & bearer_token_file must be configured",
            );
        }
        if (self.basic_auth.is_some() || self.oauth2.is_some()) && has_bearer {
            let key = if self.bearer_token.is_empty() {
                "bearer_token_file"
            } else {
                "bearer_token"
            };
            refuse(
                key,
                "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
            );
        }
        if let Some(auth) = &self.basic_auth {
            auth.validate(map);
        }
        self.validate_authorization(map, has_bearer);
        if let Some(oauth2) = &self.oauth2 {
            if self.basic_auth.is_some() {
                let message =
                    "at most one of basic_auth, oauth2 & authorization must be configured";
                map.refuse_with_hint("oauth2", CODE, message, hint);
            }
            oauth2.validate(map);
        }
        self.proxy.validate(map);
        for name in self.headers.keys() {
            let canonical = canonical_header(name);
            if RESERVED_HEADERS.contains(&canonical.as_str()) {
                let message = format!("setting header {} is not allowed", quote(&canonical));
                map.refuse_with_hint("http_headers", CODE, message, "remove the header");
            }
        }
    }

    fn validate_authorization(&mut self, map: &mut MapReader<'_, '_>, has_bearer: bool) {
        let Some(authorization) = &mut self.authorization else {
            if has_bearer {
                self.authorization = Some(Authorization {
                    kind: "Bearer".to_owned(),
                    credentials: std::mem::take(&mut self.bearer_token),
                    credentials_file: std::mem::take(&mut self.bearer_token_file),
                    ..Authorization::default()
                });
            }
            return;
        };
        let mut refuse = |message: &str, hint: &str| {
            map.refuse_with_hint("authorization", CODE, message, hint);
        };
        if has_bearer {
            let message = "authorization is not compatible with bearer_token & bearer_token_file";
            refuse(message, "put the token under `authorization.credentials`");
        }
        let given = [
            !authorization.credentials.is_empty(),
            !authorization.credentials_file.is_empty(),
            !authorization.credentials_ref.is_empty(),
        ];
        if count(given) > 1 {
            let message =
                "at most one of authorization credentials & credentials_file must be configured";
            refuse(message, "keep one of them");
        }
        authorization.kind = authorization.kind.trim().to_owned();
        if authorization.kind.is_empty() {
            authorization.kind = "Bearer".to_owned();
        }
        if authorization.kind.eq_ignore_ascii_case("basic") {
            let message =
                r#"authorization type cannot be set to "basic", use "basic_auth" instead"#;
            refuse(message, "move user and password to `basic_auth`");
        }
        if self.basic_auth.is_some() || self.oauth2.is_some() {
            let message = "at most one of basic_auth, oauth2 & authorization must be configured";
            refuse(message, "keep one of them");
        }
    }
}

impl BasicAuth {
    fn validate(&self, map: &mut MapReader<'_, '_>) {
        let users = [
            !self.username.is_empty(),
            !self.username_file.is_empty(),
            !self.username_ref.is_empty(),
        ];
        let passwords = [
            !self.password.is_empty(),
            !self.password_file.is_empty(),
            !self.password_ref.is_empty(),
        ];
        if count(users) > 1 {
            let message = "at most one of basic_auth username, username_file & username_ref must be configured";
            map.refuse_with_hint("basic_auth", CODE, message, "keep one of them");
        }
        if count(passwords) > 1 {
            let message = "at most one of basic_auth password, password_file & password_ref must be configured";
            map.refuse_with_hint("basic_auth", CODE, message, "keep one of them");
        }
    }
}

impl OAuth2 {
    fn validate(&self, map: &mut MapReader<'_, '_>) {
        let mut refuse =
            |message: &str, hint: &str| map.refuse_with_hint("oauth2", CODE, message, hint);
        if self.client_id.is_empty() {
            refuse("oauth2 client_id must be configured", "add `client_id`");
        }
        if self.token_url.is_empty() {
            refuse("oauth2 token_url must be configured", "add `token_url`");
        }
        let secrets = [
            !self.client_secret.is_empty(),
            !self.client_secret_file.is_empty(),
            !self.client_secret_ref.is_empty(),
        ];
        if count(secrets) > 1 {
            let message = "at most one of oauth2 client_secret, client_secret_file & client_secret_ref \
                           must be configured using grant-type=client_credentials";
            refuse(message, "keep one of them");
        }
        let keys = [
            !self.client_certificate_key.is_empty(),
            !self.client_certificate_key_file.is_empty(),
            !self.client_certificate_key_ref.is_empty(),
        ];
        if count(keys) > 1 {
            let message = "at most one of oauth2 client_certificate_key, \
                           client_certificate_key_file & client_certificate_key_ref must be configured";
            refuse(message, "keep one of them");
        }
        const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        if !["", "client_credentials", JWT_BEARER].contains(&self.grant_type.as_str()) {
            let message = format!("unsupported OAuth2 grant type {}", quote(&self.grant_type));
            refuse(&message, "use `client_credentials` or the JWT bearer grant");
        }
        if self.grant_type == JWT_BEARER && count(keys) == 0 {
            let message = "one of oauth2 client_certificate_key, client_certificate_key_file or \
                           client_certificate_key_ref must be configured using grant type \
                           urn:ietf:params:oauth:grant-type:jwt-bearer";
            refuse(message, "add the key that signs the assertion");
        }
    }
}

impl Tls {
    pub(crate) fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let ca = [
            !self.ca.is_empty(),
            !self.ca_file.is_empty(),
            !self.ca_ref.is_empty(),
        ];
        let cert = [
            !self.cert.is_empty(),
            !self.cert_file.is_empty(),
            !self.cert_ref.is_empty(),
        ];
        let key = [
            !self.key.is_empty(),
            !self.key_file.is_empty(),
            !self.key_ref.is_empty(),
        ];
        for (name, given) in [("ca", ca), ("cert", cert), ("key", key)] {
            if count(given) > 1 {
                // The peer's text of a key is of before there were references.
                let message = match name {
                    "key" => "at most one of key and key_file must be configured".to_owned(),
                    _ => format!(
                        "at most one of {name}, {name}_file & {name}_ref must be configured"
                    ),
                };
                map.refuse_with_hint(name, CODE, message, "keep one of them");
            }
        }
        match (count(cert) > 0, count(key) > 0) {
            (true, false) => map.refuse_with_hint(
                "cert_file",
                CODE,
                "exactly one of key or key_file must be configured when a client certificate is \
                 configured",
                "add `key_file`",
            ),
            (false, true) => map.refuse_with_hint(
                "key_file",
                CODE,
                "exactly one of cert or cert_file must be configured when a client key is configured",
                "add `cert_file`",
            ),
            _ => {}
        }
    }
}

impl Proxy {
    pub(crate) fn validate(&self, map: &mut MapReader<'_, '_>) {
        let has_url = !self.url.is_empty();
        let mut refuse =
            |key: &str, message: &str, hint: &str| map.refuse_with_hint(key, CODE, message, hint);
        if !self.connect_header.is_empty() && !self.from_environment && !has_url {
            refuse(
                "proxy_connect_header",
                "if proxy_connect_header is configured, proxy_url or proxy_from_environment must \
                 also be configured",
                "add `proxy_url`",
            );
        }
        if self.from_environment && has_url {
            refuse(
                "proxy_url",
                "if proxy_from_environment is configured, proxy_url must not be configured",
                "keep one of them",
            );
        }
        if self.from_environment && !self.no_proxy.is_empty() {
            refuse(
                "no_proxy",
                "if proxy_from_environment is configured, no_proxy must not be configured",
                "set NO_PROXY in the environment instead",
            );
        }
        if !has_url && !self.no_proxy.is_empty() {
            refuse(
                "no_proxy",
                "if no_proxy is configured, proxy_url must also be configured",
                "add `proxy_url`",
            );
        }
    }
}

fn count(given: [bool; 3]) -> usize {
    given.into_iter().filter(|is_given| *is_given).count()
}

/// `content-type` as `Content-Type`.
pub(crate) fn canonical_header(name: &str) -> String {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !name.chars().all(is_token) {
        return name.to_owned();
    }
    let mut upper = true;
    name.chars()
        .map(|c| {
            let c = if upper {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            };
            upper = c == '-';
            c
        })
        .collect()
}
