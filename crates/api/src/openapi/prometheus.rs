//! The table of `/api/v1`.

use super::answers::{ExemplarsOfSeries, Labels, QueryData};
use super::operation::{Form, Operation, Param, in_path, many, may, must, schema};
use crate::prometheus::admin::SnapshotTwin;
use crate::prometheus::alerts::{AlertmanagersTwin, AlertsTwin};
use crate::prometheus::metadata::MetadataTwin;
use crate::prometheus::notifications::NotificationTwin;
use crate::prometheus::relabel_steps::StepsTwin;
use crate::prometheus::rules::RulesTwin;
use crate::prometheus::status::{BlocksTwin, BuildTwin, ConfigTwin, ReplayTwin, RuntimeTwin};
use crate::prometheus::target_metadata::TargetMetadataTwin;
use crate::prometheus::targets::{PoolsTwin, TargetsTwin};
use crate::sources::{FeatureList, TsdbStatusView};

const QUERY: Param = must("query", "the expression");
const TIMEOUT: Param = may("timeout", "gives up after this time");
const LIMIT: Param = may("limit", "at most so many; 0 for all");
const LOOKBACK: Param = may("lookback_delta", "how far a selector looks back");
const STATS: Param = may("stats", "adds statistics");
const START: Param = may("start", "of the time that counts");
const END: Param = may("end", "of the time that counts");
const MATCH: Param = many("match[]", "a selector of series");

const TERM: Param = many("search[]", "what is searched for; any of them");
const THRESHOLD: Param = may("fuzz_threshold", "0 to 100: how well a name must fit");
const ALGORITHM: Param = may("fuzz_alg", "subsequence or jarowinkler");
const CASE: Param = may("case_sensitive", "false lets case differ");
const SORT_BY: Param = may("sort_by", "alpha or score");
const SORT_DIR: Param = may("sort_dir", "asc or dsc, with sort_by=alpha");
const SCORE: Param = may("include_score", "true adds how well each fits");
const BATCH: Param = may("batch_size", "results per line");

const SEARCH: &[Param] = &[
    TERM, THRESHOLD, ALGORITHM, CASE, SORT_BY, SORT_DIR, SCORE, BATCH, MATCH, START, END, LIMIT,
];
const SEARCH_METRICS: &[Param] = &[
    TERM,
    THRESHOLD,
    ALGORITHM,
    CASE,
    SORT_BY,
    SORT_DIR,
    SCORE,
    BATCH,
    MATCH,
    START,
    END,
    LIMIT,
    may("include_metadata", "true adds type, help and unit"),
];
const SEARCH_VALUES: &[Param] = &[
    must("label", "whose values"),
    TERM,
    THRESHOLD,
    ALGORITHM,
    CASE,
    SORT_BY,
    SORT_DIR,
    SCORE,
    BATCH,
    MATCH,
    START,
    END,
    LIMIT,
];

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
        "/targets/metadata",
        "What each target tells of its metrics",
        &[
            may("match_target", "a selector of the labels of targets"),
            may("metric", "only this one"),
            may("limit", "no further target after so many entries"),
        ],
        schema::<Vec<TargetMetadataTwin>>,
    ),
    Operation::get(
        "/targets/relabel_steps",
        "What each relabelling rule of a job does to a discovered target",
        &[
            must("scrapePool", "the job"),
            must("labels", "of the target, as a JSON object"),
        ],
        schema::<StepsTwin>,
    ),
    Operation::get(
        "/scrape_pools/config",
        "The configuration of a job",
        &[must("scrapePool", "the job")],
        schema::<ConfigTwin>,
    ),
    Operation::get(
        "/notifications",
        "What operators of this server should know",
        &[],
        schema::<Vec<NotificationTwin>>,
    ),
    Operation::get(
        "/notifications/live",
        "The same and every change of it, as server-sent events; 204 if too many listen",
        &[],
        schema::<()>,
    )
    .within(Form::Text("text/event-stream")),
    Operation::form(
        "/search/metric_names",
        "Names of metrics that fit; needs --enable-feature=search-api",
        SEARCH_METRICS,
        schema::<()>,
    )
    .within(Form::Text("application/x-ndjson")),
    Operation::form(
        "/search/label_names",
        "Names of labels that fit; needs --enable-feature=search-api",
        SEARCH,
        schema::<()>,
    )
    .within(Form::Text("application/x-ndjson")),
    Operation::form(
        "/search/label_values",
        "Values of a label that fit; needs --enable-feature=search-api",
        SEARCH_VALUES,
        schema::<()>,
    )
    .within(Form::Text("application/x-ndjson")),
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
            many("match[]", "only rules with such labels"),
            may("group_limit", "at most so many groups"),
            may("group_next_token", "goes on where the last page ended"),
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
    Operation::get(
        "/status/flags",
        "Flags",
        &[may("all", "true: also those that only Keepwatch has")],
        schema::<Labels>,
    ),
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
    Operation::get(
        "/features",
        "What the server can do",
        &[],
        schema::<FeatureList>,
    ),
    Operation::write("/read", "Answers remote read").within(Form::Text("application/x-protobuf")),
    Operation::write("/write", "Takes remote write"),
    Operation::write("/otlp/v1/metrics", "Takes OpenTelemetry metrics"),
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
