//! `write`: remote write requests, handed to the receiver.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt;
use net::axum::body::Body;
use net::axum::extract::{Request, State};
use net::axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use net::axum::response::{IntoResponse, Response};
use remote::write::{Answer, BODY_BYTES_MAX, Receiver, RequestHead, Status, Written};
use tokio::sync::Semaphore;

use crate::respond::plain_error;
use crate::sources::Api;

/// Bodies being received or waiting, all connections together.
const WAITING_BYTES_MAX: usize = 512 << 20;
/// Requests read at once; each may hold a decompressed body. Commits take turns anyway.
const CONCURRENT_MAX: usize = 4;

/// The receiver, within limits for all connections together.
#[derive(Debug)]
pub struct WriteService {
    receiver: Arc<Receiver>,
    places: Arc<Semaphore>,
    waiting_bytes: AtomicUsize,
}

impl WriteService {
    pub fn new(receiver: Arc<Receiver>) -> Self {
        Self {
            receiver,
            places: Arc::new(Semaphore::new(CONCURRENT_MAX)),
            waiting_bytes: AtomicUsize::new(0),
        }
    }
}

/// A body and its share of the limit.
struct HeldBody<'s> {
    bytes: Vec<u8>,
    held: &'s AtomicUsize,
}

impl Drop for HeldBody<'_> {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

/// Why a body was not received.
enum BodyProblem {
    TooLarge,
    /// All requests together.
    TooMuch,
    Broken(String),
}

impl HeldBody<'_> {
    async fn receive(&mut self, mut body: Body) -> Result<(), BodyProblem> {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| BodyProblem::Broken(error.to_string()))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if self.bytes.len() + data.len() > BODY_BYTES_MAX {
                return Err(BodyProblem::TooLarge);
            }
            let held = self.held.fetch_add(data.len(), Ordering::Relaxed);
            self.bytes.extend_from_slice(&data);
            if held + data.len() > WAITING_BYTES_MAX {
                return Err(BodyProblem::TooMuch);
            }
        }
        Ok(())
    }
}

pub(crate) async fn write(State(api): State<Arc<Api>>, request: Request) -> Response {
    let Some(service) = &api.remote_write else {
        let text =
            "remote write receiver needs to be enabled with --web.enable-remote-write-receiver";
        return plain_error(StatusCode::NOT_FOUND, text);
    };
    let (parts, body) = request.into_parts();
    if let Some(refused) = service.receiver.refuse_by_head(&head(&parts.headers)) {
        return response(refused);
    }
    let mut held = HeldBody {
        bytes: Vec::with_capacity(announced_size(&parts.headers)),
        held: &service.waiting_bytes,
    };
    match held.receive(body).await {
        Ok(()) => {}
        Err(BodyProblem::TooLarge) => return response(service.receiver.refuse_by_size()),
        Err(BodyProblem::TooMuch) => {
            let text = "too many bytes of remote write requests are being received; try again";
            return plain_error(StatusCode::SERVICE_UNAVAILABLE, text);
        }
        Err(BodyProblem::Broken(error)) => return plain_error(StatusCode::BAD_REQUEST, &error),
    }
    // The semaphore is never closed.
    let place = Arc::clone(&service.places).acquire_owned().await.ok();
    let receiver = Arc::clone(&service.receiver);
    // Out of the limit's sight from here on, but only as many at once as there are places.
    let bytes = std::mem::take(&mut held.bytes);
    held.held.fetch_sub(bytes.len(), Ordering::Relaxed);
    let received = tokio::task::spawn_blocking(move || {
        let answer = receiver.receive(&head(&parts.headers), &bytes);
        drop(place);
        answer
    });
    match received.await {
        Ok(answer) => response(answer),
        Err(error) => {
            let text = format!("storing the request failed: {error}");
            plain_error(StatusCode::INTERNAL_SERVER_ERROR, &text)
        }
    }
}

fn head(headers: &HeaderMap) -> RequestHead<'_> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    RequestHead {
        content_type: text(header::CONTENT_TYPE),
        content_encoding: text(header::CONTENT_ENCODING),
    }
}

/// What to have ready for the body. A sender may announce much and send little: the usual size at most.
fn announced_size(headers: &HeaderMap) -> usize {
    const READY_MAX: usize = 1 << 20;
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    length.unwrap_or_default().min(READY_MAX)
}

fn response(answer: Answer) -> Response {
    let status = match answer.status {
        Status::Stored => StatusCode::NO_CONTENT,
        Status::BadRequest => StatusCode::BAD_REQUEST,
        Status::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Status::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Status::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = if status == StatusCode::NO_CONTENT {
        status.into_response()
    } else {
        plain_error(status, &answer.text)
    };
    if let Some(Written {
        samples,
        histograms,
        exemplars,
    }) = answer.written
    {
        for (name, count) in [
            ("x-prometheus-remote-write-samples-written", samples),
            ("x-prometheus-remote-write-histograms-written", histograms),
            ("x-prometheus-remote-write-exemplars-written", exemplars),
        ] {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), HeaderValue::from(count));
        }
    }
    response
}
