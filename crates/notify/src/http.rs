//! HTTP as integrations see it. A crate with a client implements [`HttpSend`]; tests answer from a list.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A future that can be kept behind a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One request. Credentials, proxy and TLS belong to the client, not to the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// For the whole exchange.
    pub timeout: Duration,
    pub wanted: Wanted,
}

/// What of an answer decides whether a notification arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The status. A body that is too long, or breaks off, or never ends is no failure: who took the notification
    /// would be told once more.
    Status,
    /// What the body says, too.
    Body,
}

impl HttpRequest {
    #[must_use]
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub(crate) fn with_json(mut self, body: String) -> Self {
        self.body = body.into_bytes();
        self.with_header("Content-Type", "application/json")
    }

    #[must_use]
    pub(crate) fn wanting(mut self, wanted: Wanted) -> Self {
        self.wanted = wanted;
        self
    }

    /// With a limit of its own, where the integration has one.
    #[must_use]
    pub(crate) fn within(mut self, limit: Duration) -> Self {
        if !limit.is_zero() {
            self.timeout = self.timeout.min(limit);
        }
        self
    }
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// May be cut off by the client at a size that no receiver needs.
    pub body: Vec<u8>,
}

impl HttpResponse {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer. The text must not hold the URL: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HttpFailure(pub String);

/// Sends requests with the options of one integration.
pub trait HttpSend: fmt::Debug + Send + Sync {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpFailure>>;
}
