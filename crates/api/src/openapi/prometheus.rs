//! The table of `/api/v1`.

use super::answers::{ExemplarsOfSeries, Labels, QueryData};
use super::operation::{Form, Operation, Param, in_path, many, may, must, schema};
use crate::prometheus::admin::SnapshotTwin;
use crate::prometheus::alerts::{AlertmanagersTwin, AlertsTwin};
use crate::prometheus::metadata::MetadataTwin;
use crate::prometheus::rules::RulesTwin;
use crate::prometheus::status::{BlocksTwin, BuildTwin, ConfigTwin, ReplayTwin, RuntimeTwin};
use crate::prometheus::targets::{PoolsTwin, TargetsTwin};
use crate::sources::TsdbStatusView;

const QUERY: Param = must("query", "the expression");
const TIMEOUT: Param = may("timeout", "gives up after this time");
const LIMIT: Param = may("limit", "at most so many; 0 for all");
const LOOKBACK: Param = may("lookback_delta", "how far a selector looks back");
const STATS: Param = may("stats", "adds statistics");
const START: Param = may("start", "of the time that counts");
const END: Param = may("end", "of the time that counts");
const MATCH: Param = many("match[]", "a selector of series");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::form(
        "/query",
        "Evaluates an expression at one time",
        &[
            QUERY,
            may("time", "now if left out"),
            TIMEOUT,
            LIMIT,
            LOOKBACK,
            STATS,
        ],
        schema::<QueryData>,
    ),
    Operation::form(
        "/query_range",
        "Evaluates an expression at many times",
        &[
            QUERY,
            must("start", "the first time"),
            must("end", "the last time"),
            must("step", "between two times"),
            TIMEOUT,
            LIMIT,
            LOOKBACK,
            STATS,
        ],
        schema::<QueryData>,
    ),
    Operation::form(
        "/query_exemplars",
        "Exemplars of the series that an expression selects",
        &[QUERY, START, END],
        schema::<Vec<ExemplarsOfSeries>>,
    ),
    Operation::form(
        "/format_query",
        "Formats an expression",
        &[QUERY],
        schema::<String>,
    ),
    Operation::form(
        "/parse_query",
        "The syntax tree of an expression",
        &[QUERY],
        schema::<serde_json::Value>,
    ),
    Operation::form(
        "/labels",
        "Names of labels",
        &[MATCH, START, END, LIMIT],
        schema::<Vec<String>>,
    ),
    Operation::get(
        "/label/{name}/values",
        "Values of a label",
        &[in_path("name", "of the label"), MATCH, START, END, LIMIT],
        schema::<Vec<String>>,
    ),
    Operation::form(
        "/series",
        "Labels of series",
        &[MATCH, START, END, LIMIT],
        schema::<Vec<Labels>>,
    ),
    Operation::get(
        "/metadata",
        "Type, help and unit of metrics, as targets tell them",
        &[
            may("limit", "at most so many metrics"),
            may("limit_per_metric", "at most so many texts of each metric"),
            may("metric", "only this one"),
        ],
        schema::<MetadataTwin>,
    ),
    Operation::get(
        "/targets",
        "Targets that are scraped, and discovered ones that are not",
        &[
            may("state", "active, dropped or any"),
            may("scrapePool", "only this job"),
        ],
        schema::<TargetsTwin>,
    ),
    Operation::get(
        "/scrape_pools",
        "Names of the jobs",
        &[],
        schema::<PoolsTwin>,
    ),
    Operation::get(
        "/rules",
        "Rule groups and what became of their rules",
        &[
            may("type", "alert or record"),
            many("rule_name[]", "only rules of this name"),
            many("rule_group[]", "only groups of this name"),
            many("file[]", "only groups of this file"),
            may("exclude_alerts", "true leaves alerts out"),
        ],
        schema::<RulesTwin>,
    ),
    Operation::get(
        "/alerts",
        "Pending and firing alerts of rules",
        &[],
        schema::<AlertsTwin>,
    ),
    Operation::get(
        "/alertmanagers",
        "Where alerts are sent",
        &[],
        schema::<AlertmanagersTwin>,
    ),
    Operation::get(
        "/status/config",
        "The configuration in use",
        &[],
        schema::<ConfigTwin>,
    ),
    Operation::get("/status/flags", "Flags", &[], schema::<Labels>),
    Operation::get(
        "/status/runtimeinfo",
        "The process",
        &[],
        schema::<RuntimeTwin>,
    ),
    Operation::get("/status/buildinfo", "The program", &[], schema::<BuildTwin>),
    Operation::get(
        "/status/tsdb",
        "Statistics of storage",
        &[may("limit", "length of each list")],
        schema::<TsdbStatusView>,
    ),
    Operation::get(
        "/status/tsdb/blocks",
        "Blocks on disk",
        &[],
        schema::<BlocksTwin>,
    ),
    Operation::get(
        "/status/walreplay",
        "How far the replay of the log is",
        &[],
        schema::<ReplayTwin>,
    ),
    Operation::write("/read", "Answers remote read").within(Form::Text("application/x-protobuf")),
    Operation::write("/write", "Takes remote write"),
    Operation::action(
        "/admin/tsdb/delete_series",
        "Deletes samples of series; needs --web.enable-admin-api",
        &[MATCH, START, END],
        schema::<()>,
    )
    .within(Form::Empty),
    Operation::action(
        "/admin/tsdb/clean_tombstones",
        "Writes blocks with deletions anew; needs --web.enable-admin-api",
        &[],
        schema::<()>,
    )
    .within(Form::Empty),
    Operation::action(
        "/admin/tsdb/snapshot",
        "Copies the data; needs --web.enable-admin-api",
        &[may("skip_head", "true leaves out what is in memory")],
        schema::<SnapshotTwin>,
    ),
    Operation::get("/openapi.yaml", "This document", &[], schema::<()>)
        .within(Form::Text("application/yaml")),
];
