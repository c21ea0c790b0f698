//! What a web configuration says, ready for use.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use config::mesh_tls::ClientAuth;
use config::web::{ServerTls, WebConfig, load, problem_at};
use diag::{Diagnostic, Diagnostics, Source};
use net::axum::http::{HeaderName, HeaderValue};
use net::tls::{Pem, TlsError};
use net::tls_stream::{ClientCertificates, Protocol, TlsServer, TlsServerOptions, unspoken_suites};

use super::rate::Rate;
use crate::files::folder_of;
use crate::http_client::tls_versions;

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) tls: Option<TlsServer>,
    /// Hashes of passwords by user; everybody is let in if there are none.
    pub(super) users: BTreeMap<String, String>,
    /// For answers that do not have them.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) rate: Option<Arc<Rate>>,
    source: Source,
}

impl Settings {
    /// Whether they were made of this text.
    pub(super) fn is_of(&self, text: &str) -> bool {
        self.source.text() == text
    }

    /// Of the text of a file. What is as it was is taken from those `before`.
    pub(super) fn read(
        source: &Source,
        path: &Path,
        before: Option<&Self>,
    ) -> Result<Self, Diagnostics> {
        let config = load(source, &folder_of(path)).map_err(|error| error.diagnostics)?;
        Self::new(source, &config, before).map_err(|problem| {
            let mut problems = Diagnostics::new();
            problems.push(problem);
            problems
        })
    }

    fn new(source: &Source, config: &WebConfig, before: Option<&Self>) -> Result<Self, Diagnostic> {
        let tls = if config.tls.is_enabled() {
            Some(tls(
                source,
                config,
                before.and_then(|one| one.tls.as_ref()),
            )?)
        } else {
            None
        };
        let users = config.users.iter();
        let users = users.map(|(user, hash)| (user.clone(), hash.expose().to_owned()));
        let headers = config.http.headers.iter().map(|(name, value)| {
            let header = HeaderName::try_from(name).ok();
            let value_of = HeaderValue::try_from(value).ok();
            header.zip(value_of).ok_or_else(|| {
                let keys = ["http_server_config", "headers", name.as_str()];
                let problem = format!("the header {name} cannot be sent with this value");
                problem_at(
                    source,
                    &keys,
                    problem,
                    "use letters, digits and signs in one line",
                )
            })
        });
        let kept = before.and_then(|one| one.rate.clone());
        let kept = kept.filter(|rate| *rate.limit() == config.rate_limit);
        Ok(Self {
            tls,
            users: users.collect(),
            headers: headers.collect::<Result<_, _>>()?,
            rate: kept.or_else(|| Rate::new(&config.rate_limit, Instant::now()).map(Arc::new)),
            source: source.clone(),
        })
    }
}

/// Reads the files, unless the options are those of before, whose files are looked at anyway.
fn tls(
    source: &Source,
    config: &WebConfig,
    before: Option<&TlsServer>,
) -> Result<TlsServer, Diagnostic> {
    const SECTION: &str = "tls_server_config";
    let options = options(config).map_err(|problem| {
        let problem = problem.replace("tls_config: ", "");
        let hint = "raise `max_version` to TLS12 or TLS13, and `min_version` not above it";
        problem_at(source, &[SECTION, "max_version"], problem, hint)
    })?;
    if let Some(before) = before.filter(|before| *before.options() == options) {
        return Ok(before.clone());
    }
    let unspoken = unspoken_suites(&options);
    if !unspoken.is_empty() {
        tracing::warn!(
            file = source.name(),
            "cipher suites that are too weak to be spoken here are left out: {}",
            unspoken.join(", ")
        );
    }
    TlsServer::new(options).map_err(|error| {
        let key = key_of(&config.tls, &error);
        let keys = [SECTION, key.unwrap_or_default()];
        let hint = match &error {
            TlsError::Unreadable { .. } => "the process must be able to read this file",
            TlsError::Invalid { .. } => {
                "certificates and keys are PEM, the certificate that belongs to the key first"
            }
        };
        problem_at(source, &keys, error.to_string(), hint)
    })
}

/// The key of the section that a problem is about, if it is about one.
fn key_of(tls: &ServerTls, error: &TlsError) -> Option<&'static str> {
    let either = |text: &str, in_text: &'static str, in_file: &'static str| {
        if text.is_empty() { in_file } else { in_text }
    };
    match error {
        TlsError::Unreadable { file, .. } => [
            ("cert_file", &tls.cert_file),
            ("key_file", &tls.key_file),
            ("client_ca_file", &tls.client_ca_file),
        ]
        .into_iter()
        .find_map(|(key, path)| (**path == *file).then_some(key)),
        TlsError::Invalid { what, .. } => match *what {
            "server certificate" | "server certificate and key" => {
                Some(either(&tls.cert, "cert", "cert_file"))
            }
            "server key" => Some(either(tls.key.expose(), "key", "key_file")),
            "certificate authorities" | "authorities of clients" => {
                Some(either(&tls.client_ca, "client_ca", "client_ca_file"))
            }
            "cipher_suites" => Some("cipher_suites"),
            "curve_preferences" => Some("curve_preferences"),
            _ => None,
        },
    }
}

fn options(config: &WebConfig) -> Result<TlsServerOptions, String> {
    let tls = &config.tls;
    // The file goes before the text, as with the peers. One of them is there, or loading refuses it.
    let pem = |text: &str, file: &str| match file {
        "" => Pem::Text(text.to_owned()),
        file => Pem::File(file.to_owned()),
    };
    let ca = Some(pem(&tls.client_ca, &tls.client_ca_file));
    let ca = ca.filter(|ca| *ca != Pem::Text(String::new()));
    let clients = match tls.client_auth() {
        None | Some(ClientAuth::None) => ClientCertificates::NotAsked,
        Some(ClientAuth::Request) => ClientCertificates::Asked,
        Some(ClientAuth::RequireAny) => ClientCertificates::AnyRequired,
        Some(ClientAuth::VerifyIfGiven) => ClientCertificates::CheckedIfGiven(ca),
        Some(ClientAuth::RequireAndVerify) => ClientCertificates::Required(ca),
    };
    Ok(TlsServerOptions {
        cert: pem(&tls.cert, &tls.cert_file),
        key: pem(tls.key.expose(), &tls.key_file),
        clients,
        client_names: tls.client_allowed_sans.clone(),
        versions: tls_versions(tls.min_version, tls.max_version)?,
        cipher_suites: tls.cipher_suites.clone(),
        curves: tls.curve_preferences.clone(),
        protocols: match config.http.http2 {
            true => vec![Protocol::Http2, Protocol::Http1],
            false => vec![Protocol::Http1],
        },
    })
}
