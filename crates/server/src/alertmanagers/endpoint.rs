//! One Alertmanager: its queue, and the task that sends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diag::Reason;
use net::axum::http::{HeaderName, HeaderValue, Method};
use net::{HttpClient, Request};
use rules::SentAlert;
use tokio::task::JoinHandle;

use super::Shared;
use super::message::message;
use super::queue::Queue;

/// Of an answer, which only matters where it says what is wrong.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Of its text, what the log and the reasons show.
const SHOWN_CHARS_MAX: usize = 200;

/// How an Alertmanager is reached.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) client: HttpClient,
    pub(super) timeout: Duration,
}

/// Alerts that did not reach an Alertmanager.
#[derive(Clone, Debug, PartialEq, Eq)]
enum NotSent {
    Failed { problem: String },
    QueueFull { count: usize },
}

impl std::fmt::Display for NotSent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed { problem } => write!(f, "alerts could not be sent: {problem}"),
            Self::QueueFull { count } => {
                write!(
                    f,
                    "the queue is full; the oldest {count} alerts were given up"
                )
            }
        }
    }
}

impl Reason for NotSent {
    fn code(&self) -> &'static str {
        match self {
            Self::Failed { .. } => "alertmanager-not-sent",
            Self::QueueFull { .. } => "alertmanager-queue-full",
        }
    }

    fn hint(&self) -> Option<String> {
        matches!(self, Self::QueueFull { .. })
            .then(|| "raise --alertmanager.notification-queue-capacity".to_owned())
    }
}

/// Stops sending when dropped.
pub(super) struct Endpoint {
    url: String,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    sending: JoinHandle<()>,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.sending.abort();
        self.shared.counters.forget(&self.url);
    }
}

impl Endpoint {
    pub(super) fn start(url: &str, way: Way, shared: Arc<Shared>) -> Self {
        let queue = Arc::new(Queue::new(shared.options.queue_max));
        let sender = Sender {
            url: url.to_owned(),
            way,
            queue: Arc::clone(&queue),
            shared: Arc::clone(&shared),
        };
        // So that they are there before the first alert is.
        sender.count(0, 0);
        Self {
            url: url.to_owned(),
            queue,
            shared,
            sending: tokio::spawn(sender.run()),
        }
    }

    pub(super) fn send(&self, alerts: &[SentAlert]) {
        let count = self.queue.push(alerts.iter().cloned());
        if count > 0 {
            let counters = &self.shared.counters;
            counters.dropped.with(&[&self.url]).add_count(count);
            note(&self.shared, &self.url, &NotSent::QueueFull { count });
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    pub(super) async fn drained(&self) {
        self.queue.drained().await;
    }
}

fn note(shared: &Shared, url: &str, reason: &NotSent) {
    tracing::warn!(url, %reason, "alerting");
    let subject = format!("Alertmanager {url}");
    shared
        .reasons
        .record(shared.clock.now().millis(), &subject, reason);
}

struct Sender {
    url: String,
    way: Way,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
}

impl Sender {
    async fn run(self) {
        loop {
            let alerts = self.queue.take(self.shared.options.batch_max).await;
            let began = Instant::now();
            let outcome = self.post(&alerts).await;
            let latency = self.shared.counters.latency.with(&[&self.url]);
            latency.observe(began.elapsed().as_secs_f64());
            match outcome {
                Ok(()) => self.count(alerts.len(), 0),
                Err(problem) => {
                    self.count(alerts.len(), alerts.len());
                    note(&self.shared, &self.url, &NotSent::Failed { problem });
                }
            }
            self.queue.settle();
        }
    }

    /// As the peer counts: what failed was sent too.
    fn count(&self, sent: usize, failed: usize) {
        let counters = &self.shared.counters;
        counters.sent.with(&[&self.url]).add_count(sent);
        counters.errors.with(&[&self.url]).add_count(failed);
        counters.dropped.with(&[&self.url]).add_count(failed);
    }

    async fn post(&self, alerts: &[SentAlert]) -> Result<(), String> {
        let request = Request {
            method: Method::POST,
            headers: vec![(
                HeaderName::from_static("content-type"),
                HeaderValue::from_static("application/json"),
            )],
            body: message(alerts).into(),
            timeout: self.way.timeout,
            body_bytes_max: ANSWER_BYTES_MAX,
            ..Request::get(&self.url)
        };
        let answer = self.way.client.send(request).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status.is_success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&answer.body);
        let text: String = text.trim().chars().take(SHOWN_CHARS_MAX).collect();
        Err(format!("bad response status {}: {text}", answer.status))
    }
}
