//! `X-Request-Id`: a name for each request, on its answer and in the log where the server failed, so that one can be
//! found by the other. The web UI shows it with every error. A proxy in front may name requests itself.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use net::axum::extract::Request;
use net::axum::http::{HeaderMap, HeaderName, HeaderValue};
use net::axum::middleware::Next;
use net::axum::response::Response;

const NAME: HeaderName = HeaderName::from_static("x-request-id");
const GIVEN_BYTES_MAX: usize = 128;

/// Differs between runs, so that names in a log of several are unique.
static RUN: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0) >> 32);
static LAST: AtomicU64 = AtomicU64::new(0);

pub(crate) async fn mark(request: Request, next: Next) -> Response {
    let id = given(request.headers()).unwrap_or_else(own);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    let status = response.status();
    if status.is_server_error() {
        let request_id = id.to_str().unwrap_or_default();
        // Too early, too busy and too slow are no defects.
        tracing::info!(request_id, %method, path, status = status.as_u16(), "a request failed");
    }
    response.headers_mut().insert(NAME, id);
    response
}

/// That of a proxy, if it can stand in a log.
fn given(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(NAME)?;
    let text = value.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
    let is_fit = (1..=GIVEN_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_plain);
    is_fit.then(|| value.clone())
}

fn own() -> HeaderValue {
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    let text = format!("{:08x}-{number}", *RUN);
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_proxies_are_kept_if_they_are_plain() {
        let long = "a".repeat(GIVEN_BYTES_MAX + 1);
        for (value, is_kept) in [
            ("4bf92f3577b34da6-7", true),
            ("Root=1-67891233", true),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            (long.as_str(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(NAME, HeaderValue::from_str(value).unwrap());
            assert_eq!(given(&headers).is_some(), is_kept, "{value:?}");
        }
        assert_eq!(given(&HeaderMap::new()), None);
    }

    #[test]
    fn own_names_are_unique() {
        assert_ne!(own(), own());
    }
}
