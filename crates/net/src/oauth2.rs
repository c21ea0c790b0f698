//! Tokens by OAuth 2.0's client credentials (RFC 6749, section 4.4) or by signed assertions (RFC 7523), fetched when they
//! are needed and kept until they expire.

mod assertion;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use tokio::sync::Mutex;
use tokio::time::Instant;

pub use self::assertion::{Algorithm, Assertion};

use crate::client::{
    BuildError, ClientOptions, HttpClient, Request, Secret, SendError, read_secret, secret_header,
};
use crate::proxy::ProxyOptions;
use crate::resolve::Overrides;
use crate::tls::TlsOptions;

/// A token is fetched anew so long before it expires, as Go's client does.
const EXPIRY_MARGIN: Duration = Duration::from_secs(10);
/// No answer with a token needs more.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Even a token without end is fetched anew after that time.
const AGE_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// The name of the grant for assertions.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Where tokens come from.
#[derive(Clone, Debug)]
pub struct OAuth2 {
    pub client_id: String,
    pub grant: Grant,
    pub token_url: String,
    pub scopes: Vec<String>,
    /// More parameters of the request; not with assertions, as the peers have it.
    pub parameters: Vec<(String, String)>,
    pub tls: TlsOptions,
    pub proxy: ProxyOptions,
}

/// What a token is given for.
#[derive(Clone, Debug)]
pub enum Grant {
    ClientSecret(Secret),
    Assertion(Box<Assertion>),
}

/// How the client says who it is. Servers know one of them, and nothing tells which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Header,
    Body,
    /// Nothing but the assertion says it.
    Assertion,
}

#[derive(Debug)]
pub(crate) struct TokenSource {
    options: OAuth2,
    client: HttpClient,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The value of the header, and when it is too old.
    token: Option<(HeaderValue, Instant)>,
    /// The style that was right the last time.
    style: Option<Style>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("style", &self.style).finish()
    }
}

impl TokenSource {
    pub(crate) fn new(options: OAuth2, overrides: Overrides) -> Result<Self, BuildError> {
        let client = HttpClient::new(ClientOptions {
            tls: options.tls.clone(),
            proxy: options.proxy.clone(),
            overrides,
            ..ClientOptions::default()
        })?;
        Ok(Self {
            options,
            client,
            state: Mutex::default(),
        })
    }

    /// The value of the `Authorization` header. Who asks while a token is being fetched waits for that one.
    pub(crate) async fn header(&self, timeout: Duration) -> Result<HeaderValue, SendError> {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some((header, too_old_at)) = &state.token
            && now < *too_old_at
        {
            return Ok(header.clone());
        }
        let styles = match (&self.options.grant, state.style) {
            (Grant::Assertion(_), _) => vec![Style::Assertion],
            (_, Some(style)) => vec![style],
            (_, None) => vec![Style::Header, Style::Body],
        };
        let mut problem = String::new();
        for style in styles {
            match self.fetch(style, timeout).await? {
                Ok((header, lifetime)) => {
                    state.style = Some(style);
                    state.token = Some((header.clone(), now + lifetime));
                    return Ok(header);
                }
                Err(refusal) => problem = refusal,
            }
        }
        state.token = None;
        Err(SendError::Token(problem))
    }

    /// A token and how long it lasts, or what the server said instead.
    async fn fetch(
        &self,
        style: Style,
        timeout: Duration,
    ) -> Result<Result<(HeaderValue, Duration), String>, SendError> {
        let options = &self.options;
        let scopes = options.scopes.join(" ");
        // The secret, or what is signed instead of showing it.
        let proof = match &options.grant {
            Grant::ClientSecret(secret) => read_secret("client_secret", secret)?,
            Grant::Assertion(assertion) => assertion.sign(&scopes)?,
        };
        let mut form = Vec::new();
        if style != Style::Assertion {
            form.push(("grant_type", "client_credentials"));
            if !scopes.is_empty() {
                form.push(("scope", &scopes));
            }
            for (name, value) in &options.parameters {
                form.push((name, value));
            }
        }
        let mut request = Request::get(&options.token_url);
        request.method = Method::POST;
        request.timeout = timeout;
        request.body_bytes_max = ANSWER_BYTES_MAX;
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers.push((CONTENT_TYPE, kind));
        match style {
            Style::Assertion => {
                form.push(("grant_type", JWT_BEARER));
                form.push(("assertion", &proof));
            }
            Style::Body => {
                form.push(("client_id", &options.client_id));
                form.push(("client_secret", &proof));
            }
            Style::Header => {
                let pair = format!("{}:{}", escaped(&options.client_id), escaped(&proof));
                let value = format!("Basic {}", STANDARD.encode(pair));
                request
                    .headers
                    .push((AUTHORIZATION, secret_header(&value)?));
            }
        }
        // In the order in which Go writes a form.
        form.sort_unstable();
        request.body = Bytes::from(encoded(&form));
        // The client of tokens has no tokens of its own, so this ends.
        let response = Box::pin(self.client.send(request)).await?;
        Ok(read_token(response.status, &response.body))
    }
}

#[derive(serde::Deserialize)]
struct Answer {
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    token_type: String,
    /// Seconds; some servers write a text.
    #[serde(default)]
    expires_in: serde_json::Value,
}

fn read_token(status: StatusCode, body: &[u8]) -> Result<(HeaderValue, Duration), String> {
    if !status.is_success() {
        let words: String = String::from_utf8_lossy(body).chars().take(300).collect();
        return Err(format!("{status}: {words}"));
    }
    // What is wrong with it is not shown: the answer may hold the token.
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| "the answer is not readable".to_owned())?;
    if answer.access_token.is_empty() {
        return Err("the answer holds no access_token".to_owned());
    }
    let kind = match answer.token_type.to_lowercase().as_str() {
        "" | "bearer" => "Bearer".to_owned(),
        "mac" => "MAC".to_owned(),
        "basic" => "Basic".to_owned(),
        _ => answer.token_type,
    };
    let seconds = match &answer.expires_in {
        serde_json::Value::Number(number) => number.as_u64(),
        serde_json::Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let lifetime = match seconds {
        Some(seconds) if seconds > 0 => Duration::from_secs(seconds).min(AGE_MAX),
        _ => AGE_MAX,
    };
    let header = secret_header(&format!("{kind} {}", answer.access_token))
        .map_err(|error| error.to_string())?;
    Ok((header, lifetime.saturating_sub(EXPIRY_MARGIN)))
}

pub(crate) fn encoded(form: &[(&str, &str)]) -> String {
    let pairs = form
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
