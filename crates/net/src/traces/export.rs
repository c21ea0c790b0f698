//! Sends spans to a collector, by HTTP or by gRPC (one unary call each: a message with its length, and a status that
//! follows the answer).

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, TE};
use http::{HeaderName, HeaderValue, Method};
use model::Clock;
use tokio::sync::mpsc;
use tokio::time::Instant;
use wire::otlp::{Span, SpanValue, encode_spans};

use super::{Inner, QUEUE, Tracer};
use crate::client::Encoding;
use crate::{HttpClient, Request};

/// Spans of one request, and how long the first of them waits for others: as the peer's library has it.
const BATCH: usize = 512;
const BATCH_TIME: Duration = Duration::from_secs(5);
/// No collector's answer needs more.
const ANSWER_BYTES_MAX: usize = 64 << 10;
const SCOPE: &str = "keepwatch";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http,
    Grpc,
}

/// Where to, and how.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// For gRPC one that speaks HTTP/2 only.
    pub client: HttpClient,
    pub protocol: Protocol,
    /// With the path of the service.
    pub url: String,
    /// Whether requests are compressed with gzip.
    pub is_compressed: bool,
    /// Of one request.
    pub timeout: Duration,
    /// Of the traces that begin here.
    pub sampling_fraction: f64,
    /// What the collector is told about this process.
    pub resource: Vec<(&'static str, SpanValue)>,
}

/// What became of spans, of all exporters that share this.
#[derive(Clone, Debug, Default)]
pub struct ExportCounts {
    sent: Arc<AtomicU64>,
    dropped: Arc<AtomicU64>,
}

impl ExportCounts {
    /// Spans that a collector took.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Spans that found no place in the queue, or that the collector did not take.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Runs beside the tracer whose spans it sends.
#[derive(Debug)]
pub struct Exporter {
    options: ExportOptions,
    ended: mpsc::Receiver<Span>,
    counts: ExportCounts,
}

impl Exporter {
    pub fn new(
        options: ExportOptions,
        clock: Arc<dyn Clock>,
        counts: ExportCounts,
    ) -> (Tracer, Self) {
        let (queue, ended) = mpsc::channel(QUEUE);
        let tracer = Tracer(Arc::new(Inner {
            queue,
            sampling_fraction: options.sampling_fraction,
            clock,
            dropped: Arc::clone(&counts.dropped),
        }));
        let exporter = Self {
            options,
            ended,
            counts,
        };
        (tracer, exporter)
    }

    /// Until the tracer is gone with all its spans, and the last of them are sent.
    pub async fn run(mut self) {
        while let Some(first) = self.ended.recv().await {
            let mut batch = vec![first];
            let until = Instant::now() + BATCH_TIME;
            while batch.len() < BATCH {
                match tokio::time::timeout_at(until, self.ended.recv()).await {
                    Ok(Some(span)) => batch.push(span),
                    // Nothing more comes, or not in time.
                    Ok(None) | Err(_) => break,
                }
            }
            let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
            match self.send(&batch).await {
                Ok(()) => self.counts.sent.fetch_add(spans, Ordering::Relaxed),
                Err(problem) => {
                    tracing::warn!(
                        url = self.options.url,
                        spans,
                        problem,
                        "the collector took no spans"
                    );
                    self.counts.dropped.fetch_add(spans, Ordering::Relaxed)
                }
            };
        }
    }

    async fn send(&self, spans: &[Span]) -> Result<(), String> {
        let options = &self.options;
        let mut body = encode_spans(&options.resource, SCOPE, spans);
        if options.is_compressed {
            body = gzip(&body)?;
        }
        let mut headers = Vec::new();
        match options.protocol {
            Protocol::Http => {
                headers.push((
                    CONTENT_TYPE,
                    HeaderValue::from_static("application/x-protobuf"),
                ));
                if options.is_compressed {
                    headers.push((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
                }
            }
            Protocol::Grpc => {
                headers.push((CONTENT_TYPE, HeaderValue::from_static("application/grpc")));
                headers.push((TE, HeaderValue::from_static("trailers")));
                if options.is_compressed {
                    let name = HeaderName::from_static("grpc-encoding");
                    headers.push((name, HeaderValue::from_static("gzip")));
                }
                body = framed(&body, options.is_compressed)?;
            }
        }
        let request = Request {
            method: Method::POST,
            url: options.url.clone(),
            headers,
            body: Bytes::from(body),
            timeout: options.timeout,
            body_bytes_max: ANSWER_BYTES_MAX,
            encoding: Encoding::Identity,
        };
        let sent = options.client.send(request).await;
        let answer = sent.map_err(|error| error.to_string())?;
        if !answer.status.is_success() {
            return Err(format!("status {}", answer.status));
        }
        if options.protocol == Protocol::Grpc {
            let text = |name: &str| {
                let value = answer.headers.get(name);
                value
                    .and_then(|value| value.to_str().ok())
                    .unwrap_or_default()
            };
            match text("grpc-status") {
                "0" => {}
                "" => return Err("the answer has no grpc-status".to_owned()),
                status => return Err(format!("grpc-status {status}: {}", text("grpc-message"))),
            }
        }
        Ok(())
    }
}

fn gzip(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(body)
        .and_then(|()| gzip.finish())
        .map_err(|error| error.to_string())
}

/// A message of gRPC: whether it is compressed, its length, itself.
fn framed(body: &[u8], is_compressed: bool) -> Result<Vec<u8>, String> {
    let length = u32::try_from(body.len()).map_err(|error| error.to_string())?;
    let mut framed = Vec::with_capacity(body.len() + 5);
    framed.push(u8::from(is_compressed));
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(body);
    Ok(framed)
}
