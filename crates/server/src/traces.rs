//! `tracing` of the Alertmanager configuration: spans of requests and of notifications, sent to a collector of
//! OpenTelemetry. Made when a configuration is planned, put in place with it.

use std::sync::Arc;
use std::time::Duration;

use config::prometheus::Tracing as TracingConfig;
use diag::{Diagnostic, Diagnostics};
use metrics::{Kind, Page};
use model::Clock;
use net::axum::http::uri::Authority;
use net::client::{Http2, Secret};
use net::traces::{ExportCounts, ExportOptions, Exporter, Protocol, SpanValue, Traces};
use net::{ClientOptions, HttpClient, Overrides};
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::http_client::tls_options;
use crate::self_metrics::float;

/// As the peer's library has it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// For the last spans, at a stop.
const STOP_MAX: Duration = Duration::from_secs(5);
const HTTP_PATH: &str = "/v1/traces";
const GRPC_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Where spans go.
#[derive(Clone, Debug)]
pub(crate) struct Collector {
    config: TracingConfig,
    options: ExportOptions,
}

/// What the configuration asks for; what cannot be done of it is among `problems`.
pub(crate) fn collector(
    config: Option<&TracingConfig>,
    overrides: &Overrides,
    problems: &mut Diagnostics,
) -> Option<Arc<Collector>> {
    let config = config?;
    match options(config, overrides) {
        Ok(options) => Some(Arc::new(Collector {
            config: config.clone(),
            options,
        })),
        Err(problem) => {
            let message = format!("tracing: {problem}");
            problems.push(Diagnostic::error("tracing-client", message));
            None
        }
    }
}

fn options(config: &TracingConfig, overrides: &Overrides) -> Result<ExportOptions, String> {
    let endpoint = &config.endpoint;
    if endpoint.parse::<Authority>().is_err() {
        return Err(format!("endpoint {endpoint:?} is not HOST:PORT"));
    }
    let (protocol, path, http2) = match config.client_type.as_str() {
        "grpc" => (Protocol::Grpc, GRPC_PATH, Http2::Only),
        _ => (Protocol::Http, HTTP_PATH, Http2::Negotiated),
    };
    let scheme = if config.insecure { "http" } else { "https" };
    let headers = config.headers.iter();
    let headers = headers.map(|(name, text)| (name.clone(), Secret::Text(text.clone())));
    let client = ClientOptions {
        tls: tls_options(&config.tls)?,
        http2,
        headers: headers.collect(),
        overrides: overrides.clone(),
        ..ClientOptions::default()
    };
    let text = |text: &str| SpanValue::Text(text.to_owned());
    Ok(ExportOptions {
        client: HttpClient::new(client).map_err(|error| error.to_string())?,
        protocol,
        url: format!("{scheme}://{endpoint}{path}"),
        is_compressed: config.compression == "gzip",
        timeout: match config.timeout {
            model::Duration::ZERO => TIMEOUT,
            timeout => timeout.to_std(),
        },
        sampling_fraction: config.sampling_fraction,
        resource: vec![
            ("service.name", text("alertmanager")),
            ("service.version", text(crate::VERSION)),
        ],
    })
}

/// The collector that is in use, and the tasks that send to it.
#[derive(Debug, Default)]
pub(crate) struct Tracing {
    traces: Traces,
    counts: ExportCounts,
    collector: Mutex<Option<Arc<Collector>>>,
    /// Those of former collectors end once they have sent what is left.
    exporters: Mutex<JoinSet<()>>,
}

impl Tracing {
    pub(crate) fn traces(&self) -> &Traces {
        &self.traces
    }

    /// Sends to this collector from now on.
    pub(crate) fn follow(&self, collector: Option<Arc<Collector>>, clock: &Arc<dyn Clock>) {
        let mut current = self.collector.lock();
        let config = |collector: &Option<Arc<Collector>>| {
            let collector = collector.as_ref();
            collector.map(|collector| collector.config.clone())
        };
        // Files of certificates may have changed where the configuration has not.
        let is_same = config(&current) == config(&collector)
            && config(&collector).is_none_or(|config| config.tls == config::http::Tls::default());
        if is_same {
            return;
        }
        let tracer = collector.as_ref().map(|collector| {
            let (options, clock) = (collector.options.clone(), Arc::clone(clock));
            let (tracer, exporter) = Exporter::new(options, clock, self.counts.clone());
            let mut exporters = self.exporters.lock();
            while exporters.try_join_next().is_some() {}
            exporters.spawn(exporter.run());
            tracer
        });
        self.traces.set(tracer);
        *current = collector;
    }

    /// No more spans are made, and the last are sent.
    pub(crate) async fn stop(&self) {
        self.traces.set(None);
        let mut exporters = std::mem::take(&mut *self.exporters.lock());
        let all = async { while exporters.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_MAX, all).await.is_err() {
            tracing::warn!("the collector of spans is too slow; the last spans are lost");
        }
    }

    /// Only where spans are collected.
    pub(crate) fn show(&self, page: &mut Page) {
        if self.collector.lock().is_none() {
            return;
        }
        for (name, help, count) in [
            (
                "keepwatch_trace_spans_sent_total",
                "Spans that the collector took.",
                self.counts.sent(),
            ),
            (
                "keepwatch_trace_spans_dropped_total",
                "Spans that found no place in the queue, or that the collector did not take.",
                self.counts.dropped(),
            ),
        ] {
            page.sample(Kind::Counter, name, help, &[], float(count));
        }
    }
}
