//! How pages come: a trait that the HTTP side implements.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use model::Duration;

/// One request for a page.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchRequest {
    pub url: String,
    /// To be added to what the client sends by itself.
    pub headers: Vec<(&'static str, String)>,
    pub timeout: Duration,
    /// Bytes after decompression; one byte more is enough to fail.
    pub body_limit: Option<u64>,
    /// Connect through this socket instead of the host in the URL.
    pub unix_socket: Option<String>,
}

/// What came, beside the body.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchAnswer {
    pub status: u16,
    /// Code and phrase as in the status line.
    pub status_text: String,
    /// The header, or "".
    pub content_type: String,
}

/// Why nothing came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    Timeout {
        url: String,
    },
    /// The text says what failed: resolving, connecting, TLS, reading.
    Failed {
        url: String,
        problem: String,
    },
    BodyTooLarge,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout { url } => write!(f, "Get {url:?}: context deadline exceeded"),
            Self::Failed { url, problem } => write!(f, "Get {url:?}: {problem}"),
            Self::BodyTooLarge => f.write_str("body size limit exceeded"),
        }
    }
}

pub type FetchFuture<'a> =
    Pin<Box<dyn Future<Output = Result<FetchAnswer, FetchError>> + Send + 'a>>;

/// Fetches pages. One implementation serves all targets of a pool, with its credentials and TLS settings.
pub trait Fetch: Send + Sync {
    /// Appends the decompressed body to `body`. A body need not be read if the status is not 200.
    fn fetch<'a>(&'a self, request: &'a FetchRequest, body: &'a mut Vec<u8>) -> FetchFuture<'a>;
}
