//! Limits of an Alertmanager alone: how many GET requests are answered at once, and how long an answer may take.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Registry};
use net::axum::extract::{Request, State};
use net::axum::http::{Method, StatusCode};
use net::axum::middleware::Next;
use net::axum::response::Response;
use tokio::sync::Semaphore;

use crate::respond::plain_error;

/// As the peer has it where nothing is said.
const GETS_MIN: usize = 8;

/// Shared by all requests.
#[derive(Clone, Debug)]
pub struct Limits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    gets_max: usize,
    places: Semaphore,
    timeout: Option<Duration>,
    in_flight: Gauge,
    exceeded: Counter,
}

impl Limits {
    /// `gets_max` 0 stands for as many as there are cores, 8 at least; `timeout` zero for no limit.
    pub fn new(gets_max: usize, timeout: Duration, registry: &Registry) -> Self {
        let cores = || std::thread::available_parallelism().map_or(GETS_MIN, |cores| cores.get());
        let gets_max = match gets_max {
            0 => cores().max(GETS_MIN),
            given => given.min(Semaphore::MAX_PERMITS),
        };
        let in_flight = registry.gauges(
            "alertmanager_http_requests_in_flight",
            "Current number of HTTP requests being processed.",
            &["method"],
        );
        let exceeded = registry.counters(
            "alertmanager_http_concurrency_limit_exceeded_total",
            "Total number of times an HTTP request failed because the concurrency limit was reached.",
            &["method"],
        );
        Self(Arc::new(Inner {
            gets_max,
            places: Semaphore::new(gets_max),
            timeout: Some(timeout).filter(|timeout| !timeout.is_zero()),
            in_flight: in_flight.with(&["get"]),
            exceeded: exceeded.with(&["get"]),
        }))
    }
}

/// Counts one while it lives.
struct InFlight<'a>(&'a Gauge);

impl<'a> InFlight<'a> {
    fn new(gauge: &'a Gauge) -> Self {
        gauge.add(1.0);
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.add(-1.0);
    }
}

pub(crate) async fn guard(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let limits = &*limits.0;
    let answer = async {
        if request.method() != Method::GET {
            return next.run(request).await;
        }
        let Ok(_place) = limits.places.try_acquire() else {
            limits.exceeded.increment();
            let problem = format!(
                "Limit of concurrent GET requests reached ({}), try again later.\n",
                limits.gets_max
            );
            return plain_error(StatusCode::SERVICE_UNAVAILABLE, &problem);
        };
        let _counted = InFlight::new(&limits.in_flight);
        next.run(request).await
    };
    match limits.timeout {
        None => answer.await,
        Some(timeout) => match tokio::time::timeout(timeout, answer).await {
            Ok(answer) => answer,
            Err(_) => {
                let nanos = i64::try_from(timeout.as_nanos()).unwrap_or(i64::MAX);
                let timeout = config::GoDuration(nanos);
                let problem = format!("Exceeded configured timeout of {timeout}.");
                plain_error(StatusCode::SERVICE_UNAVAILABLE, &problem)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use net::axum::Router;
    use net::axum::body::{Body, to_bytes};
    use net::axum::middleware::from_fn_with_state;
    use net::axum::routing::get;
    use tokio::sync::Notify;
    use tower::ServiceExt;

    use super::*;

    /// Answers on `/` once it is told to.
    fn router(limits: Limits, told: &Arc<Notify>) -> Router {
        let told = Arc::clone(told);
        let wait = move || {
            let told = Arc::clone(&told);
            async move {
                told.notified().await;
                "done"
            }
        };
        Router::new()
            .route("/", get(wait.clone()).post(wait))
            .layer(from_fn_with_state(limits, guard))
    }

    async fn ask(router: Router, method: Method) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri("/");
        let answer = router.oneshot(request.body(Body::empty()).unwrap()).await;
        let answer = answer.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn one_get_too_many_is_refused_and_a_post_is_not() {
        let registry = Registry::new();
        let told = Arc::new(Notify::new());
        let router = router(Limits::new(1, Duration::ZERO, &registry), &told);
        let first = tokio::spawn(ask(router.clone(), Method::GET));
        let in_flight = "alertmanager_http_requests_in_flight{method=\"get\"} 1";
        while !registry.render().contains(in_flight) {
            tokio::task::yield_now().await;
        }
        let (status, body) = ask(router.clone(), Method::GET).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        let expected = "Limit of concurrent GET requests reached (1), try again later.";
        assert_eq!(body.trim_end(), expected);
        let page = registry.render();
        let refused = "alertmanager_http_concurrency_limit_exceeded_total{method=\"get\"} 1";
        assert!(page.contains(refused), "{page}");
        let posted = tokio::spawn(ask(router, Method::POST));
        while !(first.is_finished() && posted.is_finished()) {
            told.notify_waiters();
            tokio::task::yield_now().await;
        }
        for asked in [first, posted] {
            assert_eq!(asked.await.unwrap(), (StatusCode::OK, "done".to_owned()));
        }
        let page = registry.render();
        let none = "alertmanager_http_requests_in_flight{method=\"get\"} 0";
        assert!(page.contains(none), "{page}");
    }

    #[tokio::test]
    async fn an_answer_that_takes_too_long_is_given_up() {
        let told = Arc::new(Notify::new());
        let limits = Limits::new(0, Duration::from_millis(15), &Registry::new());
        let (status, body) = ask(router(limits, &told), Method::GET).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body.trim_end(), "Exceeded configured timeout of 15ms.");
    }
}
