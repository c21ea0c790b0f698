//! An output to a webhook: a POST for each event, or for several as a JSON array. A task takes them from a bounded
//! queue; so many requests as there are workers are under way at once, and a failed one is repeated.

use std::sync::Arc;
use std::time::Duration;

use diag::ReasonBook;
use model::Clock;
use net::axum::http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use net::axum::http::{HeaderValue, Method};
use net::{Bytes, HttpClient, Request, SendError};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::Surroundings;
use super::queued::{Open, Queued};
use super::reason::OutputRefusal;

/// Events that wait, as the peer has it.
const QUEUE_MAX: usize = 1024;
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// No answer needs more.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Where to, and how.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) client: HttpClient,
    /// For logs and metrics: without secrets.
    pub(super) name: Arc<str>,
    pub(super) url: String,
    /// Of the user in the URL, who wins over the client's, as in Go.
    pub(super) authorization: Option<HeaderValue>,
    /// Of one request.
    pub(super) timeout: Duration,
    pub(super) workers: usize,
    pub(super) attempts: usize,
    /// After the first attempt; doubled after each other one.
    pub(super) backoff: Duration,
    pub(super) batching: Option<Batching>,
}

/// How events are put together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batching {
    pub(super) events_max: usize,
    /// A larger event goes alone.
    pub(super) bytes_max: usize,
    /// How long the first event waits for others.
    pub(super) wait_max: Duration,
}

/// One request.
struct Batch {
    body: Bytes,
    events: usize,
    /// Of the events.
    bytes: usize,
}

/// Starts the task that sends.
pub(super) fn start(target: Target, surroundings: &Surroundings, runtime: &Handle) -> Queued {
    let name = Arc::clone(&target.name);
    let poster = |open| Poster {
        target,
        open,
        clock: Arc::clone(&surroundings.clock),
        reasons: Arc::clone(&surroundings.reasons),
    };
    let task = |events, open| Arc::new(poster(open)).run(events);
    Queued::start((name, QUEUE_MAX), surroundings, runtime, task)
}

/// Sends the events of one output.
struct Poster {
    target: Target,
    open: Open,
    clock: Arc<dyn Clock>,
    reasons: Arc<ReasonBook>,
}

impl Poster {
    /// Until the queue is closed and everything in it is sent or given up.
    async fn run(self: Arc<Self>, mut queue: mpsc::Receiver<Bytes>) {
        let workers = Arc::new(Semaphore::new(self.target.workers));
        let mut posts = JoinSet::new();
        let mut held = None;
        while let Some(batch) = self.next(&mut queue, &mut held).await {
            // It is never closed.
            let worker = Arc::clone(&workers).acquire_owned().await;
            while posts.try_join_next().is_some() {}
            let poster = Arc::clone(&self);
            posts.spawn(async move {
                poster.deliver(batch.body, batch.events).await;
                poster.open.close(batch.events, batch.bytes);
                drop(worker);
            });
        }
        while posts.join_next().await.is_some() {}
    }

    /// The next body. `held` is an event that had no room in the last one.
    async fn next(
        &self,
        queue: &mut mpsc::Receiver<Bytes>,
        held: &mut Option<Bytes>,
    ) -> Option<Batch> {
        let first = match held.take() {
            Some(event) => event,
            None => queue.recv().await?,
        };
        let Some(batching) = self.target.batching else {
            return Some(Batch {
                events: 1,
                bytes: first.len(),
                body: first,
            });
        };
        let until = Instant::now() + batching.wait_max;
        let mut body = Vec::with_capacity(first.len() + 2);
        body.push(b'[');
        body.extend_from_slice(&first);
        let mut events = 1;
        // One more byte closes the list.
        while events < batching.events_max && body.len() + 1 < batching.bytes_max {
            let Ok(Some(event)) = timeout_at(until, queue.recv()).await else {
                break;
            };
            if body.len() + event.len() + 2 > batching.bytes_max {
                *held = Some(event);
                break;
            }
            body.push(b',');
            body.extend_from_slice(&event);
            events += 1;
        }
        body.push(b']');
        // Without brackets and commas.
        let bytes = body.len() - events - 1;
        Some(Batch {
            body: body.into(),
            events,
            bytes,
        })
    }

    async fn deliver(&self, body: Bytes, events: usize) {
        let target = &self.target;
        let output = &*target.name;
        let mut pause = target.backoff.min(BACKOFF_MAX);
        let mut attempt = 1;
        loop {
            let Err(problem) = self.post(body.clone()).await else {
                return;
            };
            tracing::warn!(output, attempt, problem, "an event output took nothing");
            if attempt >= target.attempts {
                tracing::error!(output, events, problem, "events are given up");
                let refusal = OutputRefusal::GivenUp {
                    events,
                    attempts: attempt,
                    problem,
                };
                let now = self.clock.now().millis();
                return self.reasons.record(now, output, &refusal);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(BACKOFF_MAX);
            attempt += 1;
        }
    }

    async fn post(&self, body: Bytes) -> Result<(), String> {
        let agent = concat!("Alertmanager/", env!("CARGO_PKG_VERSION"));
        let mut request = Request::get(&self.target.url);
        request.method = Method::POST;
        request.headers = vec![
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (USER_AGENT, HeaderValue::from_static(agent)),
        ];
        let authorization = self.target.authorization.clone();
        request
            .headers
            .extend(authorization.map(|value| (AUTHORIZATION, value)));
        request.body = body;
        request.timeout = self.target.timeout;
        request.body_bytes_max = ANSWER_BYTES_MAX;
        match self.target.client.send(request).await {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(format!("status {}", answer.status)),
            // The URL may be a secret.
            Err(SendError::Url { problem, .. }) => Err(format!("invalid URL: {problem}")),
            Err(error) => Err(error.to_string()),
        }
    }
}
