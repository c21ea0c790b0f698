//! `otlp/v1/metrics`: metrics of OpenTelemetry, handed to their receiver.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use net::axum::body::to_bytes;
use net::axum::extract::{Request, State};
use net::axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use net::axum::http::{HeaderMap, StatusCode};
use net::axum::response::{IntoResponse, Response};
use remote::otlp::{BODY_BYTES_MAX, OtlpAnswer, OtlpReceiver, OtlpRefusal};
use tokio::sync::Semaphore;

use crate::respond::plain_error;
use crate::sources::Api;

/// Requests received and read at once; each may hold a decompressed body.
const CONCURRENT_MAX: usize = 4;
/// To receive a request, once it has its place.
const RECEIVE_TIME_MAX: Duration = Duration::from_secs(60);

/// The receiver, within limits for all connections together.
#[derive(Debug)]
pub struct OtlpService {
    receiver: Arc<OtlpReceiver>,
    places: Arc<Semaphore>,
}

impl OtlpService {
    pub fn new(receiver: Arc<OtlpReceiver>) -> Self {
        Self {
            receiver,
            places: Arc::new(Semaphore::new(CONCURRENT_MAX)),
        }
    }
}

#[derive(Clone, Copy)]
enum Encoding {
    Plain,
    Gzip,
}

pub(crate) async fn metrics(State(api): State<Arc<Api>>, request: Request) -> Response {
    let Some(service) = &api.otlp else {
        let text = "otlp write receiver needs to be enabled with --web.enable-otlp-receiver";
        return plain_error(StatusCode::NOT_FOUND, text);
    };
    let receiver = Arc::clone(&service.receiver);
    let (parts, body) = request.into_parts();
    let content_type = text_of(&parts.headers, CONTENT_TYPE);
    let encoding = match text_of(&parts.headers, CONTENT_ENCODING).as_str() {
        "" => Encoding::Plain,
        "gzip" => Encoding::Gzip,
        other => return response(receiver.refuse(&OtlpRefusal::Encoding(other.to_owned()))),
    };
    // The semaphore is never closed.
    let place = Arc::clone(&service.places).acquire_owned().await.ok();
    let received = to_bytes(body, BODY_BYTES_MAX);
    let body = match tokio::time::timeout(RECEIVE_TIME_MAX, received).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return response(receiver.refuse(&OtlpRefusal::BodySize)),
        Err(_) => {
            let text = "the request did not arrive within a minute";
            return plain_error(StatusCode::REQUEST_TIMEOUT, text);
        }
    };
    let stored = tokio::task::spawn_blocking(move || {
        let answer = match encoding {
            Encoding::Plain => receiver.receive(&content_type, &body),
            Encoding::Gzip => match decompressed(&body) {
                Ok(body) => receiver.receive(&content_type, &body),
                Err(refusal) => receiver.refuse(&refusal),
            },
        };
        drop(place);
        answer
    });
    match stored.await {
        Ok(answer) => response(answer),
        Err(error) => {
            let text = format!("storing the request failed: {error}");
            plain_error(StatusCode::INTERNAL_SERVER_ERROR, &text)
        }
    }
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn decompressed(body: &[u8]) -> Result<Vec<u8>, OtlpRefusal> {
    let mut content = Vec::new();
    let limit = BODY_BYTES_MAX as u64 + 1;
    let read = MultiGzDecoder::new(body)
        .take(limit)
        .read_to_end(&mut content);
    read.map_err(|error| OtlpRefusal::Compression(format!("gzip: {error}")))?;
    if content.len() > BODY_BYTES_MAX {
        return Err(OtlpRefusal::BodySize);
    }
    Ok(content)
}

fn response(answer: OtlpAnswer) -> Response {
    match answer {
        OtlpAnswer::Stored => StatusCode::OK.into_response(),
        OtlpAnswer::Bad(text) => plain_error(StatusCode::BAD_REQUEST, &text),
        OtlpAnswer::TooLarge(text) => plain_error(StatusCode::PAYLOAD_TOO_LARGE, &text),
        OtlpAnswer::Failed(text) => plain_error(StatusCode::INTERNAL_SERVER_ERROR, &text),
    }
}
