//! stopgap
use crate::alertmanager::Routing;
use crate::input::FileInput;
use crate::plan::PlanContext;
use diag::Diagnostics;
use std::collections::HashMap;
use std::sync::Arc;

pub(crate) fn plan(
    _input: Option<&FileInput>,
    context: &PlanContext<'_>,
    _problems: &mut Diagnostics,
) -> Option<Routing> {
    let route = alerting::RouteSpec {
        receiver: Some("null".into()),
        ..alerting::RouteSpec::default()
    };
    let config = alerting::Config {
        route,
        receivers: vec![alerting::ReceiverSpec {
            name: "null".into(),
            ..Default::default()
        }],
        inhibit_rules: Vec::new(),
        intervals: Arc::new(alerting::NoIntervals),
        resolve_timeout: model::Duration::from_secs(300),
    };
    let templates =
        notify::Templates::new(context.external_url, []).ok()?;
    Some(Routing {
        config: Arc::new(config),
        receivers: Arc::new(notify::Receivers::new(templates, "x", HashMap::new())),
        text: String::new(),
    })
}
