//! `read`: remote read requests, handed to the handler. Answers with chunks are sent while they are read.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics::{Gauge, Registry};
use net::Bytes;
use net::axum::body::{Body, to_bytes};
use net::axum::extract::{Request, State};
use net::axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use net::axum::http::{HeaderValue, StatusCode};
use net::axum::response::Response;
use net::parts::{BodyParts, body_in_parts};
use queries::Room;
use remote::read::{ANSWER_BYTES_MAX, Answer, BODY_BYTES_MAX, Handler, ReadRefusal};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::respond::plain_error;
use crate::sources::Api;

/// To receive a request, which is small, once it has its place.
const RECEIVE_TIME_MAX: Duration = Duration::from_secs(60);
/// Frames that wait for a slow reader.
const FRAMES_WAITING_MAX: usize = 4;
/// Answers that are sent as one piece, with their length before them.
const JOINED_BYTES_MAX: usize = 1 << 20;

const SAMPLES_TYPE: &str = "application/x-protobuf";
const CHUNKS_TYPE: &str = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";

/// The handler, with as many requests at once as the flag says, and while there is room for them.
#[derive(Debug)]
pub struct ReadService {
    handler: Arc<Handler>,
    room: Arc<dyn Room>,
    places: Arc<Semaphore>,
    running: Gauge,
}

impl ReadService {
    /// `concurrent_max`: 0 for no limit.
    pub fn new(
        handler: Arc<Handler>,
        concurrent_max: usize,
        room: Arc<dyn Room>,
        registry: &Registry,
    ) -> Self {
        let places = if concurrent_max == 0 {
            Semaphore::MAX_PERMITS
        } else {
            concurrent_max.min(Semaphore::MAX_PERMITS)
        };
        Self {
            handler,
            room,
            places: Arc::new(Semaphore::new(places)),
            running: registry.gauge(
                "prometheus_remote_read_handler_queries",
                "The current number of remote read queries that are either in execution or queued on the handler.",
            ),
        }
    }

    async fn enter(&self) -> Place {
        self.running.add(1.0);
        let mut place = Place {
            running: self.running.clone(),
            _permit: None,
        };
        // The semaphore is never closed.
        place._permit = Arc::clone(&self.places).acquire_owned().await.ok();
        place
    }
}

/// A request that waits or runs; given back when dropped.
struct Place {
    running: Gauge,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.add(-1.0);
    }
}

/// Says, once dropped, that nobody waits any more.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(crate) async fn read(State(api): State<Arc<Api>>, request: Request) -> Response {
    let service = &api.remote_read;
    let place = service.enter().await;
    let received = to_bytes(request.into_body(), BODY_BYTES_MAX);
    let body = match tokio::time::timeout(RECEIVE_TIME_MAX, received).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            service.handler.note(&ReadRefusal::BodySize);
            let text = ReadRefusal::BodySize.to_string();
            return plain_error(StatusCode::PAYLOAD_TOO_LARGE, &text);
        }
        Err(_) => {
            let text = "the request did not arrive within a minute";
            return plain_error(StatusCode::REQUEST_TIMEOUT, text);
        }
    };
    let answer_bytes_max = match service.room.for_query() {
        Ok(bytes) => bytes.min(ANSWER_BYTES_MAX),
        Err(no_room) => {
            let refusal = ReadRefusal::NoRoom(no_room.to_string());
            service.handler.note(&refusal);
            return plain_error(StatusCode::SERVICE_UNAVAILABLE, &refusal.to_string());
        }
    };
    let is_abandoned = Arc::new(AtomicBool::new(false));
    let waiting = Waiting(Arc::clone(&is_abandoned));
    let work = Work {
        handler: Arc::clone(&service.handler),
        room: Arc::clone(&service.room),
        answer_bytes_max,
        is_abandoned,
        _place: place,
    };
    let (answer, answered) = oneshot::channel();
    let runtime = Handle::current();
    let working = tokio::task::spawn_blocking(move || work.run(&body, answer, &runtime));
    let response = match answered.await {
        Ok(response) => response,
        // It panicked before it could answer.
        Err(_) => {
            let why = match working.await {
                Err(error) => error.to_string(),
                Ok(()) => "no answer was made".to_owned(),
            };
            plain_error(StatusCode::INTERNAL_SERVER_ERROR, &why)
        }
    };
    drop(waiting);
    response
}

/// What a blocking thread does for one request, from its body to the last byte of a stream.
struct Work {
    handler: Arc<Handler>,
    room: Arc<dyn Room>,
    answer_bytes_max: usize,
    is_abandoned: Arc<AtomicBool>,
    _place: Place,
}

impl Work {
    fn run(self, body: &[u8], answer: oneshot::Sender<Response>, runtime: &Handle) {
        let go_on = || {
            if self.is_abandoned.load(Ordering::Relaxed) {
                return Err(ReadRefusal::Abandoned);
            }
            if self.room.is_exhausted() {
                return Err(ReadRefusal::OutOfRoom);
            }
            Ok(())
        };
        let answer_bytes_max = self.answer_bytes_max;
        let stream = match self.handler.answer(body, answer_bytes_max, &go_on) {
            // The client may have gone; then nobody is told.
            Ok(Answer::Samples(pieces)) => {
                let _ = answer.send(samples(pieces, runtime));
                return;
            }
            Err(refusal) => {
                let _ = answer.send(self.refused(&refusal));
                return;
            }
            Ok(Answer::Chunks(stream)) => stream,
        };
        let (parts, body) = body_in_parts(FRAMES_WAITING_MAX);
        // The status waits for the first frame: what fails before is told with a status of its own.
        let mut first = Some((answer, body));
        let sent = stream.send(&mut |frame| {
            if let Some((answer, body)) = first.take()
                && answer.send(chunks(body)).is_err()
            {
                return ControlFlow::Break(());
            }
            match parts.send_blocking(runtime, frame) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        match (sent, first) {
            (Ok(()), first) => {
                if let Some((answer, body)) = first {
                    let _ = answer.send(chunks(body));
                }
                parts.finish_blocking(runtime);
            }
            (Err(refusal), Some((answer, _))) => {
                let _ = answer.send(self.refused(&refusal));
            }
            (Err(refusal), None) => {
                // The stream breaks off, as it is not finished.
                self.handler.note(&refusal);
            }
        }
    }

    fn refused(&self, refusal: &ReadRefusal) -> Response {
        self.handler.note(refusal);
        let status = match refusal {
            ReadRefusal::OutOfRoom => StatusCode::SERVICE_UNAVAILABLE,
            _ if refusal.is_of_request() => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        plain_error(status, &refusal.to_string())
    }
}

fn samples(pieces: Vec<Vec<u8>>, runtime: &Handle) -> Response {
    let size: usize = pieces.iter().map(Vec::len).sum();
    let body = if size <= JOINED_BYTES_MAX {
        Body::from(pieces.concat())
    } else {
        let (parts, body) = body_in_parts(FRAMES_WAITING_MAX);
        runtime.spawn(send_pieces(parts, pieces));
        body
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(SAMPLES_TYPE));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
    response
}

async fn send_pieces(parts: BodyParts, pieces: Vec<Vec<u8>>) {
    for piece in pieces {
        if parts.send(Bytes::from(piece)).await.is_err() {
            return;
        }
    }
    parts.finish().await;
}

fn chunks(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(CHUNKS_TYPE));
    response
}
