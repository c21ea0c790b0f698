//! Who asks, for lists and logs of queries.

use std::convert::Infallible;
use std::net::SocketAddr;

use net::axum::extract::{ConnectInfo, FromRequestParts, OriginalUri};
use net::axum::http::request::Parts;
use queries::Origin;

/// The client's address, and what it asked for.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Empty if the server did not say.
    client: String,
    method: String,
    /// As the client wrote it, without the query string.
    path: String,
}

impl Caller {
    pub(crate) fn into_origin(self) -> Origin {
        Origin::Http {
            client: self.client,
            method: self.method,
            path: self.path,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let original = parts.extensions.get::<OriginalUri>();
        Ok(Self {
            client: address.map_or_else(String::new, |address| address.0.ip().to_string()),
            method: parts.method.to_string(),
            path: original
                .map_or(&parts.uri, |original| &original.0)
                .path()
                .to_owned(),
        })
    }
}
