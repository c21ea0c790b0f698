//! Requests to an Alertmanager alone, counted and measured under the peer's names, and as spans.
//!
//! The label `handler` is the path as the router knows it, below the prefix: paths that nobody answers are not counted,
//! so that clients cannot make up series. (The peer counts each such path below `/api/v2/` on its own.)

use std::sync::Arc;
use std::time::Instant;

use metrics::{Counter, Gauge, Histogram, Registry, Vector};
use net::axum::extract::{MatchedPath, Request, State};
use net::axum::http::{Method, Uri};
use net::axum::middleware::Next;
use net::axum::response::Response;
use net::traces::{LiveSpan, SpanKind, TraceContext, Traces};

/// Upper bounds in seconds: the default ones of the peer's metrics library.
const SECONDS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Upper bounds in bytes.
const BYTES: [f64; 7] = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
const METRICS: &str = "/metrics";

/// Shared by all requests.
#[derive(Clone, Debug)]
pub struct Requests {
    seconds: Vector<Histogram>,
    bytes: Vector<Histogram>,
    scrapes: Vector<Counter>,
    scrapes_in_flight: Gauge,
    prefix: Arc<str>,
    traces: Traces,
}

impl Requests {
    /// Those that `traces` chooses are spans too.
    pub fn new(registry: &Registry, traces: Traces) -> Self {
        let scrapes = registry.counters(
            "promhttp_metric_handler_requests_total",
            "Total number of scrapes by HTTP status code.",
            &["code"],
        );
        for code in ["200", "500", "503"] {
            scrapes.with(&[code]);
        }
        Self {
            seconds: registry.histograms(
                "alertmanager_http_request_duration_seconds",
                "Histogram of latencies for HTTP requests.",
                &["code", "handler", "method"],
                &SECONDS,
            ),
            bytes: registry.histograms(
                "alertmanager_http_response_size_bytes",
                "Histogram of response size for HTTP requests.",
                &["handler", "method"],
                &BYTES,
            ),
            scrapes,
            scrapes_in_flight: registry.gauge(
                "promhttp_metric_handler_requests_in_flight",
                "Current number of scrapes being served.",
            ),
            prefix: Arc::from(""),
            traces,
        }
    }

    /// For a router below `prefix`.
    pub(crate) fn below(self, prefix: &str) -> Self {
        Self {
            prefix: Arc::from(prefix),
            ..self
        }
    }

    /// The name of what answers, if anything does.
    fn handler(&self, matched: Option<&MatchedPath>, uri: &Uri) -> Option<String> {
        let Some(matched) = matched else {
            // Files of the web UI have no paths of their own.
            let is_file = uri.path().contains("/assets/");
            return is_file.then(|| "/assets/*path".to_owned());
        };
        let path = matched.as_str();
        let path = path.strip_prefix(&*self.prefix).unwrap_or(path);
        Some(match path {
            "" => "/".to_owned(),
            "/api/v2/silence/{id}" => "/api/v2/silence/{silenceID}".to_owned(),
            path => match path.split_once("{*") {
                Some((before, name)) => format!("{before}*{}", name.trim_end_matches('}')),
                None => path.to_owned(),
            },
        })
    }
}

impl Requests {
    /// The attributes have the names of OpenTelemetry's conventions.
    fn span(&self, handler: &str, request: &Request) -> Option<LiveSpan> {
        let parent = request.headers().get("traceparent");
        let parent = parent.and_then(|parent| TraceContext::parse(parent.to_str().ok()?));
        let method = request.method().as_str();
        let name = || format!("{method} {handler}");
        let mut span = self.traces.start(SpanKind::Server, parent, name)?;
        span.set_text("http.request.method", method);
        span.set_text("http.route", handler);
        span.set_text("url.path", request.uri().path());
        Some(span)
    }
}

/// Methods outside of the usual ones are one.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "get",
        Method::POST => "post",
        Method::PUT => "put",
        Method::DELETE => "delete",
        Method::HEAD => "head",
        Method::OPTIONS => "options",
        Method::CONNECT => "connect",
        Method::PATCH => "patch",
        Method::TRACE => "trace",
        _ => "unknown",
    }
}

/// The time ends when the answer begins, its size is what is handed over of it, compressed if it is.
pub(crate) async fn count(
    State(requests): State<Requests>,
    matched: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let Some(handler) = requests.handler(matched.as_ref(), request.uri()) else {
        return next.run(request).await;
    };
    let method = method_label(request.method());
    let is_scrape = handler == METRICS;
    let in_flight = is_scrape.then(|| InFlight::new(requests.scrapes_in_flight.clone()));
    let mut span = requests.span(&handler, &request);
    let start = Instant::now();
    let response = next.run(request).await;
    let code = response.status().as_str().to_owned();
    if let Some(span) = &mut span {
        span.set_count(
            "http.response.status_code",
            response.status().as_u16().into(),
        );
        if response.status().is_server_error() {
            span.fail("");
        }
    }
    drop(span);
    let seconds = requests.seconds.with(&[&code, &handler, method]);
    seconds.observe(start.elapsed().as_secs_f64());
    if is_scrape {
        requests.scrapes.with(&[&code]).increment();
    }
    drop(in_flight);
    let sizes = requests.bytes.with(&[&handler, method]);
    response.map(|body| {
        net::counted(body, move |bytes| {
            #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
            sizes.observe(bytes as f64);
        })
    })
}

/// Counts one while it lives: a client that leaves ends its request anywhere.
struct InFlight(Gauge);

impl InFlight {
    fn new(gauge: Gauge) -> Self {
        gauge.add(1.0);
        Self(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.add(-1.0);
    }
}

#[cfg(test)]
mod tests {
    use net::axum::Router;
    use net::axum::body::{Body, to_bytes};
    use net::axum::http::StatusCode;
    use net::axum::middleware::from_fn_with_state;
    use net::axum::routing::{any, get};
    use tower::ServiceExt;

    use super::*;

    async fn ask(router: &Router, method: &str, path: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn requests_are_counted_by_the_path_of_the_router() {
        let registry = Registry::new();
        let requests = Requests::new(&registry, Traces::default()).below("/am");
        let page = registry.clone();
        let inner = Router::new()
            .route("/metrics", get(move || async move { page.render() }))
            .route("/api/v2/silence/{id}", any(|| async { "12345" }))
            .route("/api/v2/{*path}", any(|| async { StatusCode::NOT_FOUND }));
        let router = Router::new()
            .nest("/am", inner)
            .layer(from_fn_with_state(requests, count));
        for (method, path) in [
            ("GET", "/am/api/v2/silence/1"),
            ("GET", "/am/api/v2/silence/2"),
            ("BREW", "/am/api/v2/silence/2"),
            ("POST", "/am/api/v2/nothing/here"),
            ("GET", "/elsewhere"),
            ("GET", "/am/elsewhere"),
        ] {
            ask(&router, method, path).await;
        }
        let (status, page) = ask(&router, "GET", "/am/metrics").await;
        assert_eq!(status, StatusCode::OK);
        for line in [
            "alertmanager_http_request_duration_seconds_count{code=\"200\",handler=\"/api/v2/silence/{silenceID}\",method=\"get\"} 2",
            "alertmanager_http_request_duration_seconds_count{code=\"200\",handler=\"/api/v2/silence/{silenceID}\",method=\"unknown\"} 1",
            "alertmanager_http_request_duration_seconds_count{code=\"404\",handler=\"/api/v2/*path\",method=\"post\"} 1",
            "alertmanager_http_response_size_bytes_sum{handler=\"/api/v2/silence/{silenceID}\",method=\"get\"} 10",
            "promhttp_metric_handler_requests_in_flight 1",
            "promhttp_metric_handler_requests_total{code=\"200\"} 0",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
        assert!(!page.contains("elsewhere"), "{page}");
        let page = registry.render();
        let scrapes = "promhttp_metric_handler_requests_total{code=\"200\"} 1\n";
        assert!(page.contains(scrapes), "{page}");
        let in_flight = "promhttp_metric_handler_requests_in_flight 0\n";
        assert!(page.contains(in_flight), "{page}");
    }
}
