//! An output to a topic of Kafka. A task takes events from a bounded queue and hands them to the broker in batches, one
//! after the other, so that their order is kept; what may go well later is tried again until the output is closed.

use std::sync::Arc;
use std::time::Duration;

use config::alertmanager::KafkaOutput;
use net::kafka::{Acks, Compression, ProduceError, Producer, ProducerOptions};
use net::{Bytes, Overrides};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::Surroundings;
use super::queued::{Open, Queued};
use super::reason::OutputRefusal;
use crate::http_client::tls_options;

/// Events that wait by default; so many more may wait for the broker, as the peer's library has it.
const QUEUE_MAX: usize = 1024;
const WAITING_MAX: usize = 10_000;
/// More than that is not asked for by anybody who wants a bound.
const QUEUE_LIMIT: usize = 1 << 20;
/// How long the first event of a batch waits for others.
const LINGER: Duration = Duration::from_millis(5);
/// A batch is below what brokers take by default, 1 MiB.
const BATCH_BYTES_MAX: usize = 900_000;
const BATCH_EVENTS_MAX: usize = 1000;
const BACKOFF_MIN: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_millis(2500);
/// A topic may be about to be made.
const UNKNOWN_TOPIC_ATTEMPTS: usize = 5;

/// How events are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Protobuf,
}

/// Where to, and how.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    /// As metrics have it.
    pub(super) name: Arc<str>,
    /// Without the key.
    options: ProducerOptions,
    events_max: usize,
    pub(super) format: Format,
}

/// Brokers in order, and the topic.
pub(super) fn name(output: &KafkaOutput) -> String {
    let mut brokers = output.brokers.clone();
    brokers.sort();
    format!("kafka:{}/{}", brokers.join(","), output.topic)
}

impl Topic {
    /// Fails if the TLS options cannot be used.
    pub(super) fn new(output: &KafkaOutput, overrides: &Overrides) -> Result<Self, String> {
        let options = ProducerOptions {
            brokers: output.brokers.clone(),
            client_id: match output.client_id.as_str() {
                "" => "alertmanager".to_owned(),
                client_id => client_id.to_owned(),
            },
            topic: output.topic.clone(),
            key: String::new(),
            // Loading has refused any other words.
            acks: match output.acks.as_str() {
                "none" => Acks::None,
                "all" => Acks::All,
                _ => Acks::Leader,
            },
            compression: match output.compression.as_str() {
                "gzip" => Compression::Gzip,
                "snappy" => Compression::Snappy,
                "lz4" => Compression::Lz4,
                "zstd" => Compression::Zstd,
                _ => Compression::None,
            },
            tls: output.tls.as_ref().map(tls_options).transpose()?,
            overrides: overrides.clone(),
        };
        Producer::new(options.clone()).map_err(|error| error.to_string())?;
        Ok(Self {
            name: name(output).into(),
            options,
            events_max: match usize::try_from(output.buffer_size) {
                Ok(0) | Err(_) => QUEUE_MAX,
                Ok(events) => events.min(QUEUE_LIMIT),
            } + WAITING_MAX,
            format: match output.format.as_str() {
                "protobuf" => Format::Protobuf,
                _ => Format::Json,
            },
        })
    }
}

/// Starts the task that sends. The instance is the key of all events, which keeps them in one partition. Fails if files
/// of certificates have changed since the plan.
pub(super) fn start(
    topic: &Topic,
    (instance, surroundings): (&Arc<str>, &Surroundings),
    runtime: &Handle,
) -> Result<Queued, String> {
    let options = ProducerOptions {
        key: instance.to_string(),
        ..topic.options.clone()
    };
    let producer = Producer::new(options).map_err(|error| error.to_string())?;
    let sender = |open| Sender {
        name: Arc::clone(&topic.name),
        producer,
        open,
        surroundings: surroundings.clone(),
    };
    let task = |events, open| sender(open).run(events);
    let queue = (Arc::clone(&topic.name), topic.events_max);
    Ok(Queued::start(queue, surroundings, runtime, task))
}

struct Sender {
    name: Arc<str>,
    producer: Producer,
    open: Open,
    surroundings: Surroundings,
}

impl Sender {
    /// Until the queue is closed and everything in it is sent or given up.
    async fn run(mut self, mut queue: mpsc::Receiver<Bytes>) {
        let mut held = None;
        loop {
            let first = match held.take() {
                Some(event) => event,
                None => match queue.recv().await {
                    Some(event) => event,
                    None => return,
                },
            };
            let until = Instant::now() + LINGER;
            let mut bytes = first.len();
            let mut batch = vec![first];
            while batch.len() < BATCH_EVENTS_MAX {
                let Ok(Some(event)) = timeout_at(until, queue.recv()).await else {
                    break;
                };
                bytes += event.len();
                // A larger one goes alone.
                if bytes > BATCH_BYTES_MAX {
                    held = Some(event);
                    break;
                }
                batch.push(event);
            }
            self.deliver(&batch).await;
            let bytes = batch.iter().map(Bytes::len).sum();
            self.open.close(batch.len(), bytes);
        }
    }

    async fn deliver(&mut self, batch: &[Bytes]) {
        let values: Vec<&[u8]> = batch.iter().map(|event| &event[..]).collect();
        let output = Arc::clone(&self.name);
        let mut pause = BACKOFF_MIN;
        let mut attempt = 1;
        loop {
            let now = self.surroundings.clock.now().millis();
            let Err(error) = self.producer.send(&values, now).await else {
                return;
            };
            let problem = error.to_string();
            let is_over = !error.is_retriable()
                || error.is_unknown_topic() && attempt >= UNKNOWN_TOPIC_ATTEMPTS;
            if is_over {
                let events = batch.len();
                tracing::warn!(output = &*output, events, problem, "events are given up");
                let errors = &self.surroundings.counters.kafka_errors;
                errors.with(&[&output, kind(&error)]).add_count(events);
                let refusal = OutputRefusal::GivenUp {
                    events,
                    attempts: attempt,
                    problem,
                };
                return self.surroundings.reasons.record(now, &output, &refusal);
            }
            // Once is enough: it may go on for hours.
            if attempt == 1 {
                tracing::warn!(
                    output = &*output,
                    problem,
                    "an event output took nothing; it is tried again"
                );
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(BACKOFF_MAX);
            attempt += 1;
        }
    }
}

/// The peer's kinds of errors.
fn kind(error: &ProduceError) -> &'static str {
    match error {
        ProduceError::Timeout { .. } => "timeout",
        ProduceError::Network { .. } => "network",
        ProduceError::Broker { .. } | ProduceError::Topic { .. } => "broker",
        ProduceError::Protocol { .. } => "unknown",
    }
}
