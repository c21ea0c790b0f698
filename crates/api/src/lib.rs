//! HTTP: what users, Grafana, promtool and amtool ask.
//!
//! [`router`] builds the whole tree of paths over an [`Api`], which holds what handlers read. Only this
//! crate turns inner types into JSON: each answer is a twin type beside its handler. In reading order:
//! `respond` (envelopes and errors), `params` (query and form parameters), `caller` (who asks), `json` (the
//! writer for query results), `routes`, then one folder per API: `prometheus`, `alertmanager`, `keepwatch`;
//! `lifecycle` for `/-/…`; [`openapi`] describes it all; [`ui`] serves the web UI; `read_only` refuses
//! changes, `starting` whatever comes too early, `agent_mode` what an agent has no samples for, `limits` whatever
//! is too much for an Alertmanager alone, whose `requests` are counted; `request_id` names each request; `in_process` answers questions about stored data without a server.
//!
//! Not here: evaluating, storing, deciding. Handlers translate.

mod agent_mode;
mod alertmanager;
mod caller;
mod cors;
mod debug;
mod in_process;
mod json;
mod keepwatch;
mod lifecycle;
mod limits;
pub mod openapi;
mod params;
mod prometheus;
mod read_only;
mod request_id;
mod requests;
mod respond;
mod routes;
mod sources;
mod starting;
mod time;
pub mod ui;

use std::sync::Arc;

use net::axum::Router;
use net::axum::extract::FromRef;
use net::axum::http::{HeaderMap, Method, StatusCode, Uri};
use net::axum::middleware::{from_fn, from_fn_with_state};
use net::axum::response::{Redirect, Response};
use net::axum::routing::get;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

pub use cors::CorsOrigin;
pub use in_process::{ask, ask_journal, compare_routes, explain_route};
pub use keepwatch::drill::{
    Drill, DrillEnd, DrillOutcome, DrillRefusal, DrillReport, DrillRequest, DrillTarget,
};
pub use keepwatch::events::Events;
pub use keepwatch::rule_backfill::{BackfillSource, BackfillState, BackfillView};
pub use limits::Limits;
pub use prometheus::notifications::{Notice, Notifications};
pub use prometheus::otlp::OtlpService;
pub use prometheus::read::ReadService;
pub use prometheus::search::SearchLimits;
pub use prometheus::write::WriteService;
pub use requests::Requests;
pub use sources::{
    Access, ActiveTargetView, AdminSource, AlertingApi, AlertmanagerSource, AlertmanagersView, Api,
    ClusterView, ConfigSource, DecisionView, DroppedTargetView, FeatureList, FilesView, HeadPart,
    HeadStatsView, Import, ImportFailure, ImportKind, ImportSource, ImportView, ImportedBlockView,
    JournalApi, JournalSource, Lifecycle, LifecycleRequest, Mode, PlaceView, ProblemView, QueryApi,
    Readiness, ReasonSource, ReceiverView, RelabelStepView, ReplayProgressView, RoutingView,
    SilenceRefusal, TargetSource, TargetsView, TrialApi, TrialConfig, TrialSource, TsdbCount,
    TsdbSource, TsdbStatusView,
};
pub use time::rfc3339;
use ui::Ui;

/// All paths. `prefix` is the route prefix without a trailing slash ("" for none).
pub fn router(api: Arc<Api>, prefix: &str, ui: Ui) -> Router {
    let alerting = AlertingApi::from_ref(&api);
    let version_2 = alertmanager::routes().into_router();
    let below_alertmanager = Router::new()
        .merge(alertmanager::router().with_state(alerting.clone()))
        .nest(
            "/api/keepwatch/v1",
            keepwatch::routes_below_alertmanager().into_router(),
        );
    let apis = Router::new()
        .nest("/api/v1", prometheus::routes().into_router())
        .route("/version", get(prometheus::status::version))
        .nest("/api/v2", version_2.with_state(alerting.clone()))
        .nest("/api/keepwatch/v1", keepwatch::routes().into_router())
        .merge(lifecycle::router())
        .merge(debug::router())
        .route("/federate", get(prometheus::federate::federate))
        .route("/metrics", get(lifecycle::metrics));
    let cors = Arc::new(api.cors.clone());
    let readiness = api.lifecycle.readiness.clone();
    let apis = apis
        .layer(from_fn_with_state(api.mode, agent_mode::guard))
        .layer(from_fn_with_state(readiness, starting::guard));
    let inner = Router::new()
        // Two external URLs can lead to one process: Prometheus', and Alertmanager's below this path.
        .nest("/alertmanager", below_alertmanager)
        .merge(apis)
        .with_state(api);
    let inner = with_ui(inner, ui, &alerting).layer(from_fn_with_state(cors, cors::guard));
    below(prefix, inner, ui, alerting)
}

/// The paths of an Alertmanager alone, and ours about alerts. `prefix` as above.
pub fn alertmanager_router(
    api: AlertingApi,
    (limits, requests): (Limits, Requests),
    prefix: &str,
    ui: Ui,
) -> Router {
    let inner = alertmanager::router().nest(
        "/api/keepwatch/v1",
        keepwatch::routes_of_alerting().into_router(),
    );
    let inner = with_ui(inner.with_state(api.clone()), ui, &api);
    let limited = inner.layer(from_fn_with_state(limits, limits::guard));
    let requests = requests.below(prefix);
    below(prefix, limited, ui, api).layer(from_fn_with_state(requests, requests::count))
}

fn with_ui(apis: Router, ui: Ui, api: &AlertingApi) -> Router {
    apis.merge(ui.router().with_state(api.clone())).fallback(
        move |method: Method, uri: Uri, headers: HeaderMap| async move {
            ui.fallback(&method, &uri, &headers)
        },
    )
}

/// Everything below the prefix, and the ways there.
fn below(prefix: &str, inner: Router, ui: Ui, api: AlertingApi) -> Router {
    let inner = inner
        .layer(from_fn_with_state(api.access, read_only::guard))
        .layer(compression())
        .layer(from_fn(request_id::mark));
    let to_home = ui.to_home().with_state(api);
    if prefix.is_empty() {
        return inner.route("/", to_home);
    }
    let home = format!("{prefix}/");
    let to_prefix = {
        let home = home.clone();
        get(move || async move { Redirect::temporary(&home) })
    };
    Router::new()
        .nest(prefix, inner)
        .route("/", to_prefix.clone())
        .route(prefix, to_prefix)
        .route(&home, to_home)
}

/// What is stored compressed is not compressed again.
fn compression() -> CompressionLayer<impl Predicate> {
    let streamed = NotForContentType::const_new("application/x-streamed-protobuf");
    let predicate = DefaultPredicate::new().and(streamed);
    CompressionLayer::new().gzip(true).compress_when(predicate)
}

fn not_found() -> Response {
    respond::plain_error(StatusCode::NOT_FOUND, "404 page not found")
}
