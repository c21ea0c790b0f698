//! The table of `/api/keepwatch/v1`.

use super::operation::{Form, Operation, Param, in_path, many, may, must, schema};
use crate::keepwatch::alerts::AlertsTwin;
use crate::keepwatch::boot::{BootTwin, MeTwin};
use crate::keepwatch::check::CheckTwin;
use crate::keepwatch::config::ComparisonTwin;
use crate::keepwatch::drill;
use crate::keepwatch::explain::NodeTwin;
use crate::keepwatch::import::ImportTwin;
use crate::keepwatch::journal::JournalTwin;
use crate::keepwatch::metrics::{CardinalityTwin, MetricsTwin};
use crate::keepwatch::overview::OverviewTwin;
use crate::keepwatch::queries::{KilledTwin, QueriesTwin, RecentQueriesTwin};
use crate::keepwatch::reasons::ReasonsTwin;
use crate::keepwatch::route::TreeTwin;
use crate::keepwatch::rule_backfill::BackfillTwin;
use crate::keepwatch::rules::RulesTwin;
use crate::keepwatch::silence_preview::PreviewTwin;
use crate::keepwatch::silences::SilencesTwin;
use crate::keepwatch::targets::{DiscoveryTwin, DroppedTwin, TargetsTwin, TraceTwin};
use crate::keepwatch::timeline::TimelineTwin;
use crate::keepwatch::why::WhyTwin;
use crate::keepwatch::{route_compare, route_explain};
use crate::sources::DecisionView;

const Q: Param = may("q", "the filter: words, label matchers and @key:value");
const SORT: Param = may("sort", "name of an order; a leading - turns it round");
const CURSOR: Param = may("cursor", "`next` of the answer before");
const LIMIT: Param = may("limit", "rows of one answer, at most 1000");
const FROM: Param = may("from", "RFC 3339 or seconds; the beginning if left out");
const TO: Param = may("to", "RFC 3339 or seconds; now if left out");
const HAVE: Param = may(
    "have",
    "`prints` of rows that are known, with commas between, or 0: rows come without those",
);
const LIST: &[Param] = &[Q, SORT, CURSOR, LIMIT, HAVE];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::get(
        "/boot",
        "What the web UI must know first",
        &[],
        schema::<BootTwin>,
    ),
    Operation::get(
        "/events",
        "What changes, as server-sent events",
        &[
            may("topics", "names with commas between; all if left out"),
            may(
                "after",
                "the last id that was heard, as the header Last-Event-ID",
            ),
        ],
        schema::<()>,
    )
    .within(Form::Text("text/event-stream")),
    Operation::get(
        "/me",
        "Who asks, and what they may do",
        &[],
        schema::<MeTwin>,
    ),
    Operation::get(
        "/overview",
        "Everything in numbers, and what needs attention",
        &[],
        schema::<OverviewTwin>,
    ),
    Operation::get(
        "/reasons",
        "Why things were refused, counted and with evidence",
        &[may("code", "only this one")],
        schema::<ReasonsTwin>,
    ),
    Operation::get(
        "/objects",
        "What became of each object of the manifests",
        &[],
        schema::<Vec<DecisionView>>,
    ),
    Operation::get(
        "/targets",
        "Targets that are scraped",
        LIST,
        schema::<TargetsTwin>,
    ),
    Operation::get(
        "/targets/dropped",
        "Discovered targets that are not scraped, with reasons",
        &[],
        schema::<Vec<DroppedTwin>>,
    ),
    Operation::get(
        "/targets/relabel",
        "What the relabelling rules of a job do to a target",
        &[
            must("pool", "the job"),
            must("labels", "discovered labels, as a JSON object"),
        ],
        schema::<TraceTwin>,
    ),
    Operation::get(
        "/discovery",
        "Discovered targets, kept and dropped",
        LIST,
        schema::<DiscoveryTwin>,
    ),
    Operation::get(
        "/why",
        "Why something is not scraped",
        &[Q],
        schema::<WhyTwin>,
    ),
    Operation::get("/rules", "Rules", LIST, schema::<RulesTwin>),
    Operation::get(
        "/rules/backfill",
        "How far the past of recording rules is filled",
        &[],
        schema::<BackfillTwin>,
    ),
    Operation::get(
        "/alerts",
        "Alerts of rules and of the alerting machine",
        &[
            Q,
            SORT,
            CURSOR,
            LIMIT,
            HAVE,
            may("by", "group: one row for each group that an alert is in"),
        ],
        schema::<AlertsTwin>,
    ),
    Operation::get(
        "/journal",
        "What happened to alerts, in events",
        &[
            FROM,
            TO,
            many(
                "filter",
                "a matcher; all must match one of the event's alerts",
            ),
            may("fingerprint", "of an alert, 16 hexadecimal digits"),
            may("receiver", "only events about telling this one"),
            many("code", "only events of these codes"),
            many(
                "kind",
                "only events of these kinds: alert, group, delivery, silence, config, rule",
            ),
            LIMIT,
            CURSOR,
            may("order", "desc, newest first, which is the default; or asc"),
        ],
        schema::<JournalTwin>,
    ),
    Operation::get(
        "/alerts/{fingerprint}/timeline",
        "The states of one alert, and what was said about it",
        &[
            in_path("fingerprint", "16 hexadecimal digits"),
            may(
                "from",
                "RFC 3339 or seconds; 24 hours before `to` if left out",
            ),
            TO,
        ],
        schema::<TimelineTwin>,
    ),
    Operation::post(
        "/alerts/drill",
        "Sends a marked alert on the real way to its receivers, ends it, and tells how that went",
        schema::<drill::QuestionTwin>,
        schema::<drill::DrillTwin>,
    ),
    Operation::get(
        "/silences",
        "Silences, with how many alerts each hides now",
        LIST,
        schema::<SilencesTwin>,
    ),
    Operation::form(
        "/silences/preview",
        "Which alerts a silence with these matchers would hide",
        &[
            must("filter", "matchers, as a list in braces"),
            may("limit", "alerts of the answer, at most 500"),
        ],
        schema::<PreviewTwin>,
    ),
    Operation::get(
        "/route/tree",
        "The routing tree and its receivers",
        &[],
        schema::<TreeTwin>,
    ),
    Operation::post(
        "/route/explain",
        "Where an alert with these labels goes, and why",
        schema::<route_explain::QuestionTwin>,
        schema::<route_explain::answer::AnswerTwin>,
    ),
    Operation::post(
        "/route/compare",
        "Which alerts would go elsewhere with another configuration, which is not loaded",
        schema::<route_compare::QuestionTwin>,
        schema::<route_compare::answer::ComparisonTwin>,
    ),
    Operation::get("/metrics", "Names of metrics", LIST, schema::<MetricsTwin>),
    Operation::get(
        "/metrics/cardinality",
        "Which labels make the series of a metric many",
        &[must("metric", "its name")],
        schema::<CardinalityTwin>,
    ),
    Operation::get(
        "/config",
        "What runs, and what the files would make now",
        &[],
        schema::<ComparisonTwin>,
    ),
    Operation::get(
        "/queries",
        "Queries that wait or run",
        &[],
        schema::<QueriesTwin>,
    ),
    Operation::get(
        "/queries/recent",
        "What clients have asked since the start, added up by query",
        LIST,
        schema::<RecentQueriesTwin>,
    ),
    Operation::action(
        "/import",
        "Takes samples (application/openmetrics-text) or blocks (application/x-tar); needs --web.enable-admin-api",
        &[many("label", "NAME=VALUE, for every series of samples")],
        schema::<ImportTwin>,
    ),
    Operation::delete(
        "/queries/{id}",
        "Ends a query",
        &[in_path("id", "its number")],
        schema::<KilledTwin>,
    ),
    Operation::form(
        "/query/check",
        "What is wrong with a query, all of it",
        &[must("query", "the expression")],
        schema::<CheckTwin>,
    ),
    Operation::form(
        "/query/explain",
        "The operators of a query with their costs",
        &[
            must("query", "the expression"),
            may("analyze", "true runs it and measures"),
            may("time", "of one time; now if left out"),
            may("start", "the first of many times"),
            may("end", "the last time"),
            may("step", "between two times"),
        ],
        schema::<NodeTwin>,
    ),
    Operation::get("/openapi.yaml", "This document", &[], schema::<()>)
        .within(Form::Text("application/yaml")),
];
