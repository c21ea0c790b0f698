//! HTTP clients from the configuration, and the adapter to what `scrape` asks for.

use config::http::TlsVersion;
use model::Clock;
use net::axum::http::{HeaderName, HeaderValue};
use net::client::{Authorization, ClientOptions, Encoding, Http2, Redirects, Secret};
use net::oauth2::{Algorithm, Assertion, Grant, JWT_BEARER, OAuth2};
use net::tls::{Pem, TlsOptions, Verification, Versions};
use net::{HttpClient, Overrides, Request, SendError};

use crate::clock::SystemClock;
use crate::proxy;

/// The options of a client as the configuration describes it.
pub fn client_options(
    http: &config::http::HttpClient,
    overrides: &Overrides,
) -> Result<ClientOptions, String> {
    if let Some(basic) = &http.basic_auth {
        no_reference("username_ref", &basic.username_ref)?;
        no_reference("password_ref", &basic.password_ref)?;
    }
    if let Some(other) = &http.authorization {
        no_reference("credentials_ref", &other.credentials_ref)?;
    }
    let oauth2 = http.oauth2.as_ref().map(oauth2).transpose()?;
    let authorization = match (&http.basic_auth, &http.authorization) {
        (Some(basic), _) => Some(Authorization::Basic {
            username: secret(&basic.username, &basic.username_file),
            password: secret(basic.password.expose(), &basic.password_file),
        }),
        (None, Some(other)) => Some(Authorization::Scheme {
            scheme: if other.kind.is_empty() {
                "Bearer".to_owned()
            } else {
                other.kind.clone()
            },
            credentials: secret(other.credentials.expose(), &other.credentials_file),
        }),
        (None, None) => oauth2.map(|source| Authorization::OAuth2(Box::new(source))),
    };
    let mut headers = Vec::new();
    for (name, header) in &http.headers {
        let texts = header
            .values
            .iter()
            .cloned()
            .chain(header.secrets.iter().map(|text| text.expose().to_owned()));
        headers.extend(texts.map(|text| (name.clone(), Secret::Text(text))));
        headers.extend(
            header
                .files
                .iter()
                .map(|file| (name.clone(), Secret::File(file.to_string()))),
        );
    }
    Ok(ClientOptions {
        authorization,
        tls: tls_options(&http.tls)?,
        redirects: if http.follow_redirects {
            Redirects::Followed
        } else {
            Redirects::Returned
        },
        http2: if http.enable_http2 {
            Http2::Negotiated
        } else {
            Http2::Off
        },
        headers,
        overrides: overrides.clone(),
        proxy: proxy::options(&http.proxy, &|name| std::env::var(name).ok())?,
    })
}

fn oauth2(options: &config::http::OAuth2) -> Result<OAuth2, String> {
    let grant = match options.grant_type.as_str() {
        "" | "client_credentials" => {
            no_reference("client_secret_ref", &options.client_secret_ref)?;
            let text = options.client_secret.expose();
            Grant::ClientSecret(secret(text, &options.client_secret_file))
        }
        JWT_BEARER => Grant::Assertion(Box::new(assertion(options)?)),
        other => return Err(format!("oauth2: there is no grant type {other:?}")),
    };
    let parameters = options.endpoint_params.iter();
    Ok(OAuth2 {
        client_id: options.client_id.clone(),
        grant,
        token_url: options.token_url.clone(),
        scopes: options.scopes.clone(),
        parameters: parameters
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        tls: tls_options(&options.tls)?,
        proxy: proxy::options(&options.proxy, &|name| std::env::var(name).ok())?,
    })
}

/// What is left open is filled in as the peers do it.
fn assertion(options: &config::http::OAuth2) -> Result<Assertion, String> {
    let key = &options.client_certificate_key_ref;
    no_reference("client_certificate_key_ref", key)?;
    let or = |text: &str, default: &str| match text {
        "" => default.to_owned(),
        text => text.to_owned(),
    };
    let algorithm = Algorithm::parse(&options.signature_algorithm).ok_or_else(|| {
        format!(
            "oauth2: signature_algorithm {:?}: use RS256, RS384 or RS512",
            options.signature_algorithm
        )
    })?;
    let claims = options.claims.iter();
    Ok(Assertion {
        key: secret(
            options.client_certificate_key.expose(),
            &options.client_certificate_key_file,
        ),
        key_id: options.client_certificate_key_id.clone(),
        algorithm,
        issuer: or(&options.iss, &options.client_id),
        subject: options.client_id.clone(),
        audience: or(&options.audience, &options.token_url),
        claims: claims
            .map(|(name, value)| (name.clone(), json(value)))
            .collect(),
        clock: || SystemClock.now().millis() / 1000,
    })
}

/// As deep as the reader of the configuration allows.
fn json(value: &yaml::Value) -> serde_json::Value {
    use yaml::Value;
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Uint(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::String(value) => value.as_str().into(),
        Value::Sequence(values) | Value::FlowSequence(values) => values.iter().map(json).collect(),
        Value::Mapping(mapping) => {
            let pairs = mapping.0.iter().map(|(name, value)| match name {
                Value::String(name) => (name.clone(), json(value)),
                other => (json(other).to_string(), json(value)),
            });
            serde_json::Value::Object(pairs.collect())
        }
    }
}

fn secret(text: &str, file: &str) -> Secret {
    if file.is_empty() {
        Secret::Text(text.to_owned())
    } else {
        Secret::File(file.to_owned())
    }
}

pub(crate) fn tls_options(tls: &config::http::Tls) -> Result<TlsOptions, String> {
    for (key, reference) in [
        ("ca_ref", &tls.ca_ref),
        ("cert_ref", &tls.cert_ref),
        ("key_ref", &tls.key_ref),
    ] {
        no_reference(key, reference)?;
    }
    let pem = |text: &str, file: &str| {
        if !text.is_empty() {
            Some(Pem::Text(text.to_owned()))
        } else if !file.is_empty() {
            Some(Pem::File(file.to_owned()))
        } else {
            None
        }
    };
    Ok(TlsOptions {
        ca: pem(&tls.ca, &tls.ca_file),
        cert: pem(&tls.cert, &tls.cert_file),
        key: pem(tls.key.expose(), &tls.key_file),
        server_name: Some(tls.server_name.clone()).filter(|name| !name.is_empty()),
        verification: if tls.insecure_skip_verify {
            Verification::Skipped
        } else {
            Verification::Full
        },
        versions: tls_versions(tls.min_version, tls.max_version)?,
    })
}

/// The peers' oldest versions have been broken for long, and nothing here speaks them.
pub(crate) fn tls_versions(
    min: Option<TlsVersion>,
    max: Option<TlsVersion>,
) -> Result<Versions, String> {
    use TlsVersion::{Tls12, Tls13};
    let min = min.unwrap_or(Tls12).max(Tls12);
    let max = max.unwrap_or(Tls13);
    match (min, max) {
        (_, max) if max < Tls12 => Err(
            "tls_config: TLS before 1.2 is not spoken; raise or remove `max_version`".to_owned(),
        ),
        (Tls13, Tls12) => Err("tls_config: `min_version` is above `max_version`".to_owned()),
        (Tls13, _) => Ok(Versions::Only13),
        (_, Tls12) => Ok(Versions::Only12),
        _ => Ok(Versions::All),
    }
}

/// There is no store of secrets that a reference could lead to; nor has the peers' own program one.
fn no_reference(key: &str, reference: &str) -> Result<(), String> {
    if reference.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{key} {reference:?}: there is no secret store to look that up in; use a file or the value itself"
    ))
}

/// Builds a client; the error is for people.
pub(crate) fn build(
    http: &config::http::HttpClient,
    overrides: &Overrides,
) -> Result<HttpClient, String> {
    HttpClient::new(client_options(http, overrides)?).map_err(|error| error.to_string())
}

/// Brings pages for a scrape pool.
#[derive(Debug)]
pub(crate) struct PageFetcher {
    pub(crate) client: HttpClient,
    /// Bytes of a page for which no limit is configured.
    pub(crate) page_bytes_max: usize,
}

impl scrape::Fetch for PageFetcher {
    fn fetch<'a>(
        &'a self,
        request: &'a scrape::FetchRequest,
        body: &'a mut Vec<u8>,
    ) -> scrape::FetchFuture<'a> {
        Box::pin(async move {
            let failed = |problem: String| scrape::FetchError::Failed {
                url: request.url.clone(),
                problem,
            };
            let mut message = Request::get(&request.url);
            message.timeout = request.timeout.to_std();
            message.body_bytes_max = request.body_limit.map_or(self.page_bytes_max, |limit| {
                usize::try_from(limit).unwrap_or(usize::MAX)
            });
            for (name, value) in &request.headers {
                if name.eq_ignore_ascii_case("accept-encoding") {
                    // The client unpacks, so it is the client that offers.
                    message.encoding = if value.contains("gzip") {
                        Encoding::Gzip
                    } else {
                        Encoding::Identity
                    };
                    continue;
                }
                let name = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|error| failed(error.to_string()))?;
                let value =
                    HeaderValue::from_str(value).map_err(|error| failed(error.to_string()))?;
                message.headers.push((name, value));
            }
            match self.client.send_into(message, body).await {
                Ok(response) => {
                    let content_type = response
                        .headers
                        .get("content-type")
                        .and_then(|value| value.to_str().ok());
                    Ok(scrape::FetchAnswer {
                        status: response.status.as_u16(),
                        status_text: response.status.to_string(),
                        content_type: content_type.unwrap_or("").to_owned(),
                    })
                }
                Err(SendError::Timeout(_)) => Err(scrape::FetchError::Timeout {
                    url: request.url.clone(),
                }),
                Err(SendError::BodyTooLarge(_)) => Err(scrape::FetchError::BodyTooLarge),
                Err(error) => Err(failed(error.to_string())),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use diag::Source;

    use super::*;

    fn options(text: &str) -> Result<ClientOptions, String> {
        let http = config::http::load(&Source::new("f", text), ".").unwrap();
        client_options(&http, &Overrides::default())
    }

    const ASSERTION: &str = "\
proxy_url: socks5://u:p@proxy.example
oauth2:
  client_id: me
  grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer
  client_certificate_key_file: key.pem
  token_url: https://tokens.example
  claims: {list: [1, x], map: {deep: true}, none: null}
";

    #[test]
    fn assertions_are_filled_in_as_the_peers_do() {
        let made = options(ASSERTION).unwrap();
        let Some(Authorization::OAuth2(source)) = made.authorization else {
            panic!("{made:?}");
        };
        let Grant::Assertion(assertion) = &source.grant else {
            panic!("{source:?}");
        };
        assert_eq!(assertion.key, Secret::File("key.pem".to_owned()));
        assert_eq!(
            (assertion.issuer.as_str(), assertion.subject.as_str()),
            ("me", "me")
        );
        assert_eq!(assertion.audience, "https://tokens.example");
        assert_eq!(assertion.algorithm, Algorithm::Rs256);
        let claims = serde_json::Value::Object(assertion.claims.clone());
        let expected = serde_json::json!({"list": [1, "x"], "map": {"deep": true}, "none": null});
        assert_eq!(claims, expected);
        let more = "  iss: they\n  audience: all\n  signature_algorithm: RS512\n";
        let made = options(&format!("{ASSERTION}{more}")).unwrap();
        assert!(format!("{made:?}").contains("Assertion(RS512 of they)"));
    }

    #[test]
    fn what_nobody_can_do_is_said() {
        for (text, problem) in [
            (
                format!("{ASSERTION}  signature_algorithm: ES256\n"),
                "use RS256, RS384 or RS512",
            ),
            (
                ASSERTION.replace("key_file: key.pem", "key_ref: k"),
                "client_certificate_key_ref",
            ),
            (ASSERTION.replace("socks5:", "socks4:"), "socks5://"),
        ] {
            let found = options(&text).unwrap_err();
            assert!(found.contains(problem), "{found}");
            assert!(!found.contains("u:p@"), "{found}");
        }
    }
}
