//! `overview`: the state of everything in numbers, and what needs attention.

use std::collections::BTreeMap;
use std::sync::Arc;

use alerting::view::{AlertFilter, AlertState};
use model::Timestamp;
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::respond::success;
use crate::sources::{Api, TargetsView};
use crate::time::rfc3339;

/// Items that are shown; more than that is a flood in which nobody reads.
const ATTENTION_MAX: usize = 50;
/// A reason that occurred within this time needs attention.
const RECENT_MS: i64 = 15 * 60 * 1000;
/// Reasons whose occurrence is somebody's task. Others are decisions that may be wanted: a dropped target,
/// a silenced alert.
const URGENT: &[&str] = &[
    "config-",
    "discovery-",
    "job-",
    "alert-delivery-failed",
    "alert-without-route",
    "alert-receiver-without-integration",
    "alert-default-without-integration",
    "scrape-sample-limit",
    "scrape-target-limit",
    "scrape-not-stored",
    "scrape-internal-error",
    "sample-",
    "rule-write-failed",
];

#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "OverviewAlerts")]
pub(crate) struct AlertsTwin {
    firing: usize,
    pending: usize,
    silenced: usize,
    inhibited: usize,
    muted: usize,
}

#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "OverviewTargets")]
pub(crate) struct TargetsTwin {
    up: usize,
    down: usize,
    unknown: usize,
    dropped: usize,
}

#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "OverviewRules")]
pub(crate) struct RulesTwin {
    ok: usize,
    failed: usize,
    unknown: usize,
    groups: usize,
}

/// Something that somebody should look at.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Attention")]
pub(crate) struct AttentionTwin {
    code: String,
    subject: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// The page that shows more, with its query string.
    page: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Overview")]
pub(crate) struct OverviewTwin {
    /// RFC 3339.
    now: String,
    started_at: String,
    alerts: AlertsTwin,
    targets: TargetsTwin,
    rules: RulesTwin,
    series: u64,
    /// Since the start; the difference of two answers gives the rate.
    samples_appended: u64,
    queries_running: usize,
    is_config_ok: bool,
    config_loaded_at: String,
    cluster_status: String,
    attention: Vec<AttentionTwin>,
    /// How many items there are, shown or not.
    attention_total: usize,
}

pub(crate) async fn overview(State(api): State<Arc<Api>>) -> Response {
    let targets = api.targets.targets();
    let (is_config_ok, loaded_at) = api.config.last_reload();
    let mut attention = Vec::new();
    if !is_config_ok {
        attention.push(AttentionTwin {
            code: "config-reload-refused".to_owned(),
            subject: "configuration".to_owned(),
            message: "the newest reload was refused; the configuration from before is in use"
                .to_owned(),
            hint: Some("compare the files with what runs".to_owned()),
            since: None,
            page: "/config?view=diff".to_owned(),
        });
    }
    let rules = look_at_rules(&api, &mut attention);
    look_at_targets(&targets, &mut attention);
    look_at_reasons(&api, &mut attention);
    let attention_total = attention.len();
    attention.truncate(ATTENTION_MAX);
    success(&OverviewTwin {
        now: rfc3339(Some(api.clock.now())),
        started_at: rfc3339(Some(api.started_at)),
        alerts: count_alerts(&api),
        targets: count_targets(&targets),
        rules,
        series: api.tsdb.status(1).head_stats.num_series,
        samples_appended: api.targets.samples_appended(),
        queries_running: api.queries.active().len(),
        is_config_ok,
        config_loaded_at: rfc3339(Some(loaded_at)),
        cluster_status: api.alertmanager.cluster().status().to_owned(),
        attention,
        attention_total,
    })
}

fn count_alerts(api: &Api) -> AlertsTwin {
    let mut counts = AlertsTwin::default();
    for view in api.alertmanager.alerts(&AlertFilter::default()) {
        if !view.silenced_by.is_empty() {
            counts.silenced += 1;
        } else if !view.inhibited_by.is_empty() {
            counts.inhibited += 1;
        } else if view.state == AlertState::Suppressed {
            counts.muted += 1;
        } else {
            counts.firing += 1;
        }
    }
    for group in api.rules.all() {
        let alerts = group.rules.iter().flat_map(|rule| &rule.alerts);
        counts.pending += alerts
            .filter(|alert| alert.state == rules::AlertState::Pending)
            .count();
    }
    counts
}

fn count_targets(view: &TargetsView) -> TargetsTwin {
    let mut counts = TargetsTwin {
        dropped: view.dropped_counts.values().sum(),
        ..TargetsTwin::default()
    };
    for target in &view.active {
        match target.health.as_str() {
            "up" => counts.up += 1,
            "down" => counts.down += 1,
            _ => counts.unknown += 1,
        }
    }
    counts
}

fn look_at_rules(api: &Api, attention: &mut Vec<AttentionTwin>) -> RulesTwin {
    let mut counts = RulesTwin::default();
    for group in api.rules.all() {
        counts.groups += 1;
        for rule in &group.rules {
            match rule.health.as_str() {
                "ok" => counts.ok += 1,
                "err" => counts.failed += 1,
                _ => counts.unknown += 1,
            }
            if let Some(refusal) = &rule.refusal {
                attention.push(AttentionTwin {
                    code: diag::Reason::code(refusal).to_owned(),
                    subject: format!("rule {} of group {}", rule.spec.name(), group.spec.name),
                    message: refusal.to_string(),
                    hint: diag::Reason::hint(refusal),
                    since: rule.last_evaluation.map(|at| rfc3339(Some(at))),
                    page: "/rules?health=err".to_owned(),
                });
            }
        }
    }
    counts
}

fn look_at_targets(view: &TargetsView, attention: &mut Vec<AttentionTwin>) {
    let mut pools: BTreeMap<&str, (usize, Vec<&str>)> = BTreeMap::new();
    for target in &view.active {
        let (count, down) = pools.entry(&target.scrape_pool).or_default();
        *count += 1;
        if target.health == "down" {
            down.push(&target.last_error);
        }
    }
    for (pool, (count, down)) in &pools {
        if let Some(first) = down.first() {
            attention.push(AttentionTwin {
                code: "targets-down".to_owned(),
                subject: format!("job {pool}"),
                message: format!("{} of {count} targets are down: {first}", down.len()),
                hint: None,
                since: None,
                page: "/targets?health=down".to_owned(),
            });
        }
    }
    for (pool, dropped) in &view.dropped_counts {
        if *dropped > 0 && !pools.contains_key(pool.as_str()) {
            attention.push(AttentionTwin {
                code: "targets-all-dropped".to_owned(),
                subject: format!("job {pool}"),
                message: format!("{dropped} targets were discovered and none is kept"),
                hint: Some("look which relabelling rule drops them".to_owned()),
                since: None,
                page: "/discovery?q=@outcome:dropped".to_owned(),
            });
        }
    }
}

fn look_at_reasons(api: &Api, attention: &mut Vec<AttentionTwin>) {
    let since = api.clock.now().millis() - RECENT_MS;
    let urgent = api.reasons.entries(None).into_iter().filter(|entry| {
        let is_start = entry.time_ms <= api.started_at.millis() + 60_000;
        URGENT.iter().any(|prefix| entry.code.starts_with(prefix))
            // What a start or reload found stays true until the next one.
            && (entry.time_ms >= since || is_start || entry.code.starts_with("job-") || entry.code.starts_with("config-"))
    });
    for entry in urgent {
        attention.push(AttentionTwin {
            code: entry.code.to_owned(),
            subject: entry.subject,
            message: entry.message,
            hint: entry.hint,
            since: Some(rfc3339(Some(Timestamp(entry.time_ms)))),
            page: format!("/why?q={}", entry.code),
        });
    }
}
