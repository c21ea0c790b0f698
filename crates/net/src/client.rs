//! The HTTP client: one request, the whole answer, within limits.

use std::fs;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, HeaderName, HeaderValue, LOCATION,
    PROXY_AUTHORIZATION,
};
use http::{HeaderMap, Method, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::oauth2::{OAuth2, TokenSource};
use crate::proxy::{ProxyConnector, ProxyOptions, ProxyTls};
use crate::resolve::{Overrides, OverridingConnector};
use crate::sigv4::{SigV4, Signed};
use crate::sts::{Role, RoleSource};
use crate::tls::{TlsError, TlsOptions, client_config};
use crate::traces::TraceContext;

/// Go's client gives up after ten redirects; so do the peers.
const REDIRECTS_MAX: usize = 10;
/// Idle connections to one host that are kept, as many as the peers keep: when a thousand groups are due at once, a
/// connection for each costs more than all the rest.
const IDLE_PER_HOST_MAX: usize = 1000;
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Which span a request is part of.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A secret given directly or by a file that is read anew for each request, so that rotation needs no
/// reload.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    Text(String),
    File(String),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Secret(<secret>)"),
            Self::File(file) => write!(f, "Secret(file {file})"),
        }
    }
}

/// How requests identify themselves.
#[derive(Clone, Debug)]
pub enum Authorization {
    Basic {
        username: Secret,
        password: Secret,
    },
    /// `Authorization: SCHEME CREDENTIALS`.
    Scheme {
        scheme: String,
        credentials: Secret,
    },
    /// Each request is signed with what it holds and the time, in seconds since 1970.
    Aws {
        signer: SigV4,
        clock: fn() -> i64,
        /// Lends the credentials, instead of those of `signer`.
        role: Option<Box<Role>>,
    },
    OAuth2(Box<OAuth2>),
}

/// What all requests of one client share.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    pub authorization: Option<Authorization>,
    pub tls: TlsOptions,
    pub redirects: Redirects,
    pub http2: Http2,
    /// Added to each request.
    pub headers: Vec<(String, Secret)>,
    pub overrides: Overrides,
    pub proxy: ProxyOptions,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirects {
    #[default]
    Followed,
    Returned,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http2 {
    /// Where the server offers it in the TLS handshake.
    #[default]
    Negotiated,
    Off,
    /// Nothing else, also without TLS: as gRPC needs it.
    Only,
}

/// Why a client cannot be made from its options.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    #[error("TLS configuration: {0}")]
    Tls(#[from] TlsError),
}

#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
    /// For the whole exchange, redirects and body included.
    pub timeout: Duration,
    /// The most bytes of body, after unpacking, that are taken.
    pub body_bytes_max: usize,
    pub encoding: Encoding,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    #[default]
    Identity,
    /// Offers gzip and unpacks it.
    Gzip,
}

impl Request {
    /// A GET with a 10 s timeout and a limit of 64 MiB.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            url: url.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            timeout: Duration::from_secs(10),
            body_bytes_max: 64 << 20,
            encoding: Encoding::Identity,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Response {
    pub status: StatusCode,
    /// With what follows the body.
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Bytes of body as they came over the wire.
    pub wire_bytes: usize,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[error("invalid URL {url:?}: {problem}")]
    Url { url: String, problem: String },
    #[error("reading {what} for the request: {problem}")]
    Secret { what: String, problem: String },
    #[error("oauth2: cannot fetch token: {0}")]
    Token(String),
    #[error("assuming the role: {0}")]
    Role(String),
    #[error("{0}")]
    Connect(String),
    #[error("context deadline exceeded after {}", format_seconds(.0))]
    Timeout(Duration),
    #[error("{0}")]
    Exchange(String),
    #[error("body size limit exceeded ({0} bytes)")]
    BodyTooLarge(usize),
    #[error("stopped after {REDIRECTS_MAX} redirects")]
    Redirects,
    #[error("unpacking the gzip body: {0}")]
    Encoding(String),
}

fn format_seconds(timeout: &Duration) -> String {
    format!("{}s", timeout.as_secs_f64())
}

type Connector = HttpsConnector<ProxyConnector>;

/// A client with its connection pool. Cloning shares the pool.
#[derive(Clone, Debug)]
pub struct HttpClient {
    inner: Client<Connector, Full<Bytes>>,
    authorization: Option<Authorization>,
    redirects: Redirects,
    headers: Vec<(String, Secret)>,
    proxy: ProxyOptions,
    tokens: Option<Arc<TokenSource>>,
    role: Option<Arc<RoleSource>>,
}

impl HttpClient {
    pub fn new(options: ClientOptions) -> Result<Self, BuildError> {
        let tokens = match &options.authorization {
            Some(Authorization::OAuth2(source)) => {
                let source = TokenSource::new((**source).clone(), options.overrides.clone())?;
                Some(Arc::new(source))
            }
            _ => None,
        };
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let role = match &options.authorization {
            Some(Authorization::Aws {
                role: Some(role),
                clock,
                ..
            }) => {
                let source = RoleSource::new((**role).clone(), options.overrides.clone(), *clock)?;
                Some(Arc::new(source))
            }
            _ => None,
        };
        let tls = client_config(&options.tls)?;
        let server_name = options
            .tls
            .server_name
            .and_then(|name| rustls_pki_types::ServerName::try_from(name).ok());
        let tcp = ProxyConnector {
            inner: OverridingConnector {
                inner: tcp,
                overrides: options.overrides,
            },
            options: options.proxy.clone(),
            tls: ProxyTls {
                config: Arc::new(tls.clone()),
                server_name: server_name.clone(),
            },
        };
        let builder = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http();
        let builder = match server_name {
            Some(name) => {
                builder.with_server_name_resolver(hyper_rustls::FixedServerNameResolver::new(name))
            }
            None => builder,
        };
        let connector = match options.http2 {
            Http2::Negotiated => builder.enable_http1().enable_http2().wrap_connector(tcp),
            Http2::Off => builder.enable_http1().wrap_connector(tcp),
            Http2::Only => builder.enable_http2().wrap_connector(tcp),
        };
        let inner = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .http2_only(options.http2 == Http2::Only)
            .build(connector);
        Ok(Self {
            inner,
            authorization: options.authorization,
            redirects: options.redirects,
            headers: options.headers,
            proxy: options.proxy,
            tokens,
            role,
        })
    }

    /// Sends the request and reads the whole answer. Any status is an answer.
    pub async fn send(&self, request: Request) -> Result<Response, SendError> {
        let mut body = Vec::new();
        let mut response = self.send_into(request, &mut body).await?;
        response.body = body.into();
        Ok(response)
    }

    /// The same with the body appended to a buffer, which may be used again; that of the response is empty.
    pub async fn send_into(
        &self,
        request: Request,
        body: &mut Vec<u8>,
    ) -> Result<Response, SendError> {
        let timeout = request.timeout;
        tokio::time::timeout(timeout, self.send_following(request, body))
            .await
            .unwrap_or(Err(SendError::Timeout(timeout)))
    }

    /// The same for who only wants to know what the other side says: the status decides, and of the body there is what
    /// came in time, whole and within the limit. That the rest of it did not come is no error.
    pub async fn send_for_status(&self, request: Request) -> Result<Response, SendError> {
        let (timeout, bytes_max) = (request.timeout, request.body_bytes_max);
        let ends = tokio::time::Instant::now() + timeout;
        let answer = tokio::time::timeout_at(ends, self.answer(request)).await;
        let answer = answer.unwrap_or(Err(SendError::Timeout(timeout)))?;
        let (parts, mut incoming) = answer.into_parts();
        let mut body = Vec::new();
        while let Ok(Some(Ok(frame))) = tokio::time::timeout_at(ends, incoming.frame()).await {
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let room = bytes_max.saturating_sub(body.len());
            if data.len() > room {
                body.extend_from_slice(&data[..room]);
                break;
            }
            body.extend_from_slice(&data);
        }
        Ok(Response {
            status: parts.status,
            headers: parts.headers,
            wire_bytes: body.len(),
            body: body.into(),
        })
    }

    async fn send_following(
        &self,
        request: Request,
        body: &mut Vec<u8>,
    ) -> Result<Response, SendError> {
        let bytes_max = request.body_bytes_max;
        read_answer(self.answer(request).await?, bytes_max, body).await
    }

    /// The answer up to its headers, with redirects followed.
    async fn answer(
        &self,
        mut request: Request,
    ) -> Result<http::Response<hyper::body::Incoming>, SendError> {
        let mut uri = parse_url(&request.url)?;
        let first = uri.clone();
        for _ in 0..=REDIRECTS_MAX {
            // Credentials go only to the host that they were configured for.
            let same_host = uri.host() == first.host();
            let response = self.send_once(&request, &uri, same_host).await?;
            let target = self.redirect_target(&response, &uri)?;
            let Some(target) = target else {
                return Ok(response);
            };
            if matches!(response.status().as_u16(), 301..=303) && request.method != Method::HEAD {
                request.method = Method::GET;
                request.body = Bytes::new();
            }
            uri = target;
        }
        Err(SendError::Redirects)
    }

    async fn send_once(
        &self,
        request: &Request,
        uri: &Uri,
        with_credentials: bool,
    ) -> Result<http::Response<hyper::body::Incoming>, SendError> {
        let mut message = http::Request::new(Full::new(request.body.clone()));
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = uri.clone();
        let headers = message.headers_mut();
        for (name, value) in &request.headers {
            // Another host after a redirect gets no credentials, wherever they come from.
            if with_credentials || *name != AUTHORIZATION {
                headers.append(name, value.clone());
            }
        }
        if let Some(context) = TraceContext::current()
            && let Ok(value) = HeaderValue::from_str(&context.to_string())
        {
            headers.insert(TRACEPARENT, value);
        }
        // Who sends its own is not overridden, as in Go's clients.
        let is_authorized = headers.contains_key(AUTHORIZATION);
        if request.encoding == Encoding::Gzip {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(value) = self.proxy.authorization(uri) {
            headers.insert(PROXY_AUTHORIZATION, secret_header(value)?);
        }
        if with_credentials {
            for (name, secret) in &self.headers {
                let name =
                    HeaderName::from_bytes(name.as_bytes()).map_err(|error| SendError::Url {
                        url: name.clone(),
                        problem: error.to_string(),
                    })?;
                // One name may have several values.
                headers.append(name, secret_header(&read_secret("header", secret)?)?);
            }
            if !is_authorized && let Some(value) = self.authorization_header()? {
                headers.insert(AUTHORIZATION, value);
            }
            if !is_authorized && let Some(tokens) = &self.tokens {
                headers.insert(AUTHORIZATION, tokens.header(request.timeout).await?);
            }
            if let Some(Authorization::Aws { signer, clock, .. }) = &self.authorization {
                let signer = match &self.role {
                    Some(role) => &role.signer(signer, request.timeout).await?,
                    None => signer,
                };
                let signed = Signed {
                    method: &request.method,
                    uri,
                    headers,
                    body: &request.body,
                    at: clock(),
                };
                for (name, value) in signer.headers(signed) {
                    headers.insert(name, secret_header(&value)?);
                }
            }
        }
        self.inner
            .request(message)
            .await
            .map_err(|error| connect_error(&error))
    }

    fn authorization_header(&self) -> Result<Option<HeaderValue>, SendError> {
        let text = match &self.authorization {
            None | Some(Authorization::Aws { .. } | Authorization::OAuth2(_)) => return Ok(None),
            Some(Authorization::Basic { username, password }) => {
                let username = read_secret("the user name", username)?;
                let password = read_secret("the password", password)?;
                let pair = format!("{username}:{password}");
                format!(
                    "Basic {}",
                    base64::engine::general_purpose::STANDARD.encode(pair)
                )
            }
            Some(Authorization::Scheme {
                scheme,
                credentials,
            }) => {
                format!("{scheme} {}", read_secret("the credentials", credentials)?)
            }
        };
        secret_header(&text).map(Some)
    }

    fn redirect_target<B>(
        &self,
        response: &http::Response<B>,
        from: &Uri,
    ) -> Result<Option<Uri>, SendError> {
        if self.redirects == Redirects::Returned
            || !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
        {
            return Ok(None);
        }
        let Some(location) = response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
        else {
            return Ok(None);
        };
        let absolute = if location.contains("://") {
            location.to_owned()
        } else {
            let scheme = from.scheme_str().unwrap_or("http");
            let authority = from.authority().map_or("", |authority| authority.as_str());
            if location.starts_with('/') {
                format!("{scheme}://{authority}{location}")
            } else {
                let folder = from
                    .path()
                    .rsplit_once('/')
                    .map_or("", |(folder, _)| folder);
                format!("{scheme}://{authority}{folder}/{location}")
            }
        };
        parse_url(&absolute).map(Some)
    }
}

fn parse_url(url: &str) -> Result<Uri, SendError> {
    let fail = |problem: String| SendError::Url {
        url: url.to_owned(),
        problem,
    };
    let uri: Uri = url
        .parse()
        .map_err(|error: http::uri::InvalidUri| fail(error.to_string()))?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
        Some("http" | "https") => Err(fail("no host".to_owned())),
        _ => Err(fail("it must start with http:// or https://".to_owned())),
    }
}

pub(crate) fn read_secret(what: &str, secret: &Secret) -> Result<String, SendError> {
    match secret {
        Secret::Text(text) => Ok(text.clone()),
        Secret::File(file) => fs::read_to_string(file)
            .map(|text| text.trim().to_owned())
            .map_err(|error| SendError::Secret {
                what: format!("{what} from {file}"),
                problem: error.to_string(),
            }),
    }
}

pub(crate) fn secret_header(text: &str) -> Result<HeaderValue, SendError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| SendError::Secret {
        what: "a header".to_owned(),
        problem: "it holds characters that no header may have".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The innermost cause is what tells people something ("connection refused").
fn connect_error(error: &hyper_util::client::legacy::Error) -> SendError {
    let mut text = error.to_string();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    if error.is_connect() {
        SendError::Connect(text)
    } else {
        SendError::Exchange(text)
    }
}

async fn read_answer(
    response: http::Response<hyper::body::Incoming>,
    bytes_max: usize,
    body: &mut Vec<u8>,
) -> Result<Response, SendError> {
    let (mut parts, incoming) = response.into_parts();
    let is_gzip = parts
        .headers
        .get(CONTENT_ENCODING)
        .is_some_and(|value| value.as_bytes() == b"gzip");
    let wire_bytes = if is_gzip {
        let mut packed = Vec::new();
        read_body(incoming, bytes_max, &mut packed, &mut parts.headers).await?;
        unpack(&packed, bytes_max, body)?;
        packed.len()
    } else {
        read_body(incoming, bytes_max, body, &mut parts.headers).await?
    };
    Ok(Response {
        status: parts.status,
        headers: parts.headers,
        body: Bytes::new(),
        wire_bytes,
    })
}

/// So much is made room for because the other side says that it comes.
const EXPECTED_MAX: usize = 1 << 20;

/// Appends the body and what follows it; gives the body's length.
async fn read_body(
    mut incoming: hyper::body::Incoming,
    bytes_max: usize,
    out: &mut Vec<u8>,
    trailers: &mut HeaderMap,
) -> Result<usize, SendError> {
    let expected = usize::try_from(incoming.size_hint().lower()).unwrap_or(usize::MAX);
    if expected > bytes_max {
        return Err(SendError::BodyTooLarge(bytes_max));
    }
    out.reserve(expected.min(EXPECTED_MAX));
    let mut length = 0;
    while let Some(frame) = incoming.frame().await {
        let frame =
            frame.map_err(|error| SendError::Exchange(format!("reading the body: {error}")))?;
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => {
                trailers.extend(frame.into_trailers().unwrap_or_default());
                continue;
            }
        };
        length += data.len();
        if length > bytes_max {
            return Err(SendError::BodyTooLarge(bytes_max));
        }
        out.extend_from_slice(&data);
    }
    Ok(length)
}

fn unpack(packed: &[u8], bytes_max: usize, out: &mut Vec<u8>) -> Result<(), SendError> {
    let before = out.len();
    out.reserve(packed.len().saturating_mul(4).min(bytes_max));
    let limit = u64::try_from(bytes_max)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    flate2::read::MultiGzDecoder::new(packed)
        .take(limit)
        .read_to_end(out)
        .map_err(|error| SendError::Encoding(error.to_string()))?;
    if out.len() - before > bytes_max {
        return Err(SendError::BodyTooLarge(bytes_max));
    }
    Ok(())
}
