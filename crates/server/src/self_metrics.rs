//! Our own metrics, under the names that dashboards for the peers read.

use std::sync::Arc;

use diag::ReasonBook;
use metrics::{Kind, Page, Registry};
use model::Timestamp;
use parking_lot::RwLock;
use remote::write::Receiver;
use scrape::Pools;
use tsdb::db::COMPACTION_SECONDS;
use tsdb::head::KindCounts;
use tsdb::{Agent, Db};

use crate::alerting_metrics;
use crate::alertmanager::Alertmanager;
use crate::budget::MemoryBudget;
use crate::build_info::build_info;
use crate::process;
use crate::retention::Limits;
use crate::sources::Current;

/// What the page is rendered from.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) pools: Arc<Pools>,
    pub(crate) db: Db,
    pub(crate) agent: Option<Agent>,
    pub(crate) budget: Arc<MemoryBudget>,
    pub(crate) remote_write: Option<Arc<Receiver>>,
    pub(crate) alertmanager: Arc<Alertmanager>,
    pub(crate) current: Arc<RwLock<Current>>,
    pub(crate) limits: Arc<RwLock<Limits>>,
    pub(crate) reasons: Arc<ReasonBook>,
    pub(crate) started_at: Timestamp,
}

pub(crate) fn register(registry: &Registry, observed: Observed) {
    registry.on_render(move |page| {
        build_info(page, "prometheus");
        build_info(page, "alertmanager");
        configuration(page, &observed);
        scraping(page, &observed.pools);
        received(page, &observed);
        memory(page, &observed.budget);
        if let Some(agent) = &observed.agent {
            of_agent(page, agent);
        } else if observed.db.is_open() {
            samples(page, &observed.db);
            head(page, &observed.db);
            blocks(page, &observed.db, *observed.limits.read());
        }
        alerting_metrics::alerts(page, &observed.alertmanager);
        process::metrics(page, observed.started_at);
        refusals(page, &observed.reasons);
    });
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts are floats in the text format"
)]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

pub(crate) fn float_of(count: usize) -> f64 {
    float(u64::try_from(count).unwrap_or(u64::MAX))
}

pub(crate) fn refusals(page: &mut Page, reasons: &ReasonBook) {
    for (code, count) in reasons.counts() {
        let help = "How often something was refused, by reason; see /api/keepwatch/v1/reasons.";
        let labels = [("code", code)];
        page.sample(
            Kind::Counter,
            "keepwatch_refusals_total",
            help,
            &labels,
            float(count),
        );
    }
}

/// What became of the newest reload, and when one succeeded; under the name of the peer that `prefix` is.
pub(crate) fn reloads(page: &mut Page, prefix: &str, is_ok: bool, loaded_at: Timestamp) {
    let name = format!("{prefix}_config_last_reload_successful");
    page.sample(
        Kind::Gauge,
        &name,
        "Whether the last configuration reload attempt was successful.",
        &[],
        if is_ok { 1.0 } else { 0.0 },
    );
    let name = format!("{prefix}_config_last_reload_success_timestamp_seconds");
    let help = "Timestamp of the last successful configuration reload.";
    page.sample(Kind::Gauge, &name, help, &[], loaded_at.seconds());
}

fn configuration(page: &mut Page, observed: &Observed) {
    let current = observed.current.read();
    for prefix in ["prometheus", "alertmanager"] {
        reloads(page, prefix, current.is_reload_ok, current.loaded_at);
    }
    page.sample(
        Kind::Gauge,
        "prometheus_ready",
        "Whether startup was completed and queries are answered.",
        &[],
        if is_open(observed) { 1.0 } else { 0.0 },
    );
}

fn is_open(observed: &Observed) -> bool {
    match &observed.agent {
        Some(agent) => agent.is_open(),
        None => observed.db.is_open(),
    }
}

fn of_agent(page: &mut Page, agent: &Agent) {
    if !agent.is_open() {
        return;
    }
    let stats = agent.stats();
    for (name, help, value) in [
        (
            "prometheus_agent_active_series",
            "Number of active series being tracked by the WAL storage",
            stats.series,
        ),
        (
            "prometheus_agent_deleted_series",
            "Number of series pending deletion from the WAL",
            stats.series_deleted,
        ),
    ] {
        page.sample(Kind::Gauge, name, help, &[], float_of(value));
    }
    let name = "prometheus_agent_samples_appended_total";
    let help = "Total number of samples appended to the storage";
    for (kind, value) in [
        ("float", stats.floats_appended),
        ("histogram", stats.histograms_appended),
    ] {
        page.sample(Kind::Counter, name, help, &[("type", kind)], float(value));
    }
    for (name, help, value) in [
        (
            "prometheus_agent_exemplars_appended_total",
            "Total number of exemplars appended to the storage",
            stats.exemplars_appended,
        ),
        (
            "prometheus_agent_out_of_order_samples_total",
            "Total number of out of order samples ingestion failed attempts.",
            stats.out_of_order,
        ),
        (
            "prometheus_agent_corruptions_total",
            "Total number of WAL corruptions.",
            stats.corruptions,
        ),
        (
            "prometheus_agent_checkpoint_creations_total",
            "Total number of checkpoint creations attempted.",
            stats.checkpoints + stats.checkpoints_failed,
        ),
        (
            "prometheus_agent_checkpoint_creations_failed_total",
            "Total number of checkpoint creations that failed.",
            stats.checkpoints_failed,
        ),
    ] {
        page.sample(Kind::Counter, name, help, &[], float(value));
    }
}

fn scraping(page: &mut Page, pools: &Pools) {
    let stats = pools.stats();
    for (name, help, value) in [
        (
            "prometheus_target_scrapes_exceeded_body_size_limit_total",
            "Scrapes that exceeded the body size limit.",
            stats.body_size_limit_exceeded,
        ),
        (
            "prometheus_target_scrapes_exceeded_sample_limit_total",
            "Scrapes that exceeded the sample limit.",
            stats.sample_limit_exceeded,
        ),
        (
            "prometheus_target_scrapes_sample_out_of_order_total",
            "Samples refused as out of order.",
            stats.samples_out_of_order,
        ),
        (
            "prometheus_target_scrapes_sample_duplicate_timestamp_total",
            "Samples refused for a duplicate timestamp.",
            stats.samples_duplicate,
        ),
        (
            "prometheus_target_scrapes_sample_out_of_bounds_total",
            "Samples refused as out of bounds.",
            stats.samples_out_of_bounds,
        ),
        (
            "prometheus_target_scrape_pool_exceeded_target_limit_total",
            "Times that a pool exceeded its target limit.",
            stats.target_limit_exceeded,
        ),
        (
            "prometheus_target_scrape_pool_exceeded_label_limits_total",
            "Scrapes that exceeded a label limit.",
            stats.label_limit_exceeded,
        ),
        ("keepwatch_scrapes_total", "Scrapes done.", stats.scrapes),
        (
            "keepwatch_scrapes_failed_total",
            "Scrapes that failed.",
            stats.scrapes_failed,
        ),
        (
            "keepwatch_scrape_intervals_missed_total",
            "Intervals that passed without a scrape.",
            stats.intervals_missed,
        ),
    ] {
        page.sample(Kind::Counter, name, help, &[], float(value));
    }
    for (job, targets) in pools.active() {
        let help = "Current number of targets in this scrape pool.";
        page.sample(
            Kind::Gauge,
            "prometheus_target_scrape_pool_targets",
            help,
            &[("scrape_job", &job)],
            float_of(targets.len()),
        );
    }
}

fn samples(page: &mut Page, db: &Db) {
    let counts = db.head().sample_counts();
    let kinds = [("float", counts.floats), ("histogram", counts.histograms)];
    type Count = fn(&KindCounts) -> u64;
    let counters: [(&str, &str, Count); 5] = [
        (
            "prometheus_tsdb_head_samples_appended_total",
            "Total number of appended samples.",
            |counts| counts.appended,
        ),
        (
            "prometheus_tsdb_head_out_of_order_samples_appended_total",
            "Total number of appended out of order samples.",
            |counts| counts.out_of_order_appended,
        ),
        (
            "prometheus_tsdb_out_of_order_samples_total",
            "Total number of out of order samples ingestion failed attempts due to out of order being disabled.",
            |counts| counts.out_of_order,
        ),
        (
            "prometheus_tsdb_out_of_bound_samples_total",
            "Total number of out of bound samples ingestion failed attempts with out of order support disabled.",
            |counts| counts.out_of_bounds,
        ),
        (
            "prometheus_tsdb_too_old_samples_total",
            "Total number of out of order samples ingestion failed attempts with out of support enabled, but sample outside of time window.",
            |counts| counts.too_old,
        ),
    ];
    for (name, help, count) in counters {
        for (kind, counts) in &kinds {
            let value = float(count(counts));
            page.sample(Kind::Counter, name, help, &[("type", kind)], value);
        }
    }
}

fn received(page: &mut Page, observed: &Observed) {
    if let Some(receiver) = observed.remote_write.as_deref() {
        page.sample(
            Kind::Gauge,
            "keepwatch_remote_write_series_cache_bytes",
            "Memory in which the remote write receiver remembers series.",
            &[],
            float_of(receiver.cache_bytes()),
        );
    }
}

fn memory(page: &mut Page, budget: &MemoryBudget) {
    for (name, help, value) in [
        (
            "keepwatch_memory_budget_bytes",
            "Memory that the process may use before it gives things up.",
            float(budget.limit().bytes),
        ),
        (
            "keepwatch_memory_used_bytes",
            "Memory of its own that the process uses.",
            float(budget.used()),
        ),
        (
            "keepwatch_memory_step",
            "What is given up for lack of memory: 0 nothing, 1 caches, 2 queries, 3 early compaction, 4 new series of the target that asks for most, 5 of its namespace, 6 of all that rules do not read, 7 of that target whatever they are.",
            f64::from(budget.step().number()),
        ),
    ] {
        page.sample(Kind::Gauge, name, help, &[], value);
    }
    page.sample(
        Kind::Counter,
        "keepwatch_memory_series_refused_total",
        "Attempts to make a new series that were refused for lack of memory.",
        &[],
        float(budget.refused()),
    );
}

fn head(page: &mut Page, db: &Db) {
    let stats = db.head().stats(0);
    page.sample(
        Kind::Gauge,
        "prometheus_tsdb_head_series",
        "Total number of series in the head block.",
        &[],
        float(stats.series),
    );
    page.sample(
        Kind::Gauge,
        "prometheus_tsdb_head_stale_series",
        "Total number of stale series in the head block.",
        &[],
        float_of(stats.stale_series),
    );
    page.sample(
        Kind::Gauge,
        "prometheus_tsdb_head_chunks",
        "Total number of chunks in the head block.",
        &[],
        float_of(stats.chunks),
    );
    if let Some(range) = stats.range {
        page.sample(
            Kind::Gauge,
            "prometheus_tsdb_head_min_time",
            "Minimum time of the head block, in milliseconds.",
            &[],
            range.start.seconds() * 1000.0,
        );
        page.sample(
            Kind::Gauge,
            "prometheus_tsdb_head_max_time",
            "Maximum time of the head block, in milliseconds.",
            &[],
            range.end.seconds() * 1000.0,
        );
    }
}

fn blocks(page: &mut Page, db: &Db, limits: Limits) {
    let stats = db.stats();
    let retention = db.retention();
    let is_populating = if stats.is_populating { 1.0 } else { 0.0 };
    for (kind, name, help, value) in [
        (
            Kind::Gauge,
            "prometheus_tsdb_blocks_loaded",
            "Number of currently loaded data blocks",
            float(stats.blocks),
        ),
        (
            Kind::Gauge,
            "keepwatch_tsdb_blocks_rejected",
            "Blocks that cannot be read and are left out; see /api/keepwatch/v1/reasons.",
            float(stats.blocks_rejected),
        ),
        (
            Kind::Gauge,
            "prometheus_tsdb_storage_blocks_bytes",
            "The number of bytes that are currently used for local storage by all blocks.",
            float(stats.block_bytes),
        ),
        (
            Kind::Gauge,
            "prometheus_tsdb_symbol_table_size_bytes",
            "Size of symbol table in memory for loaded blocks",
            float(stats.symbol_bytes),
        ),
        (
            Kind::Counter,
            "prometheus_tsdb_compactions_total",
            "Total number of compactions that were executed for the partition.",
            float(stats.compactions.count),
        ),
        (
            Kind::Counter,
            "prometheus_tsdb_compactions_failed_total",
            "Total number of compactions that failed for the partition.",
            float(stats.compactions_failed),
        ),
        (
            Kind::Counter,
            "prometheus_tsdb_vertical_compactions_total",
            "Total number of compactions done on overlapping blocks.",
            float(stats.compactions_vertical),
        ),
        (
            Kind::Gauge,
            "prometheus_tsdb_compaction_populating_block",
            "Set to 1 when a block is currently being written to the disk.",
            is_populating,
        ),
        (
            Kind::Counter,
            "prometheus_tsdb_reloads_total",
            "Number of times the database reloaded block data from disk.",
            float(stats.reloads),
        ),
        (
            Kind::Counter,
            "prometheus_tsdb_reloads_failures_total",
            "Number of times the database failed to reload block data from disk.",
            float(stats.reloads_failed),
        ),
        (
            Kind::Counter,
            "prometheus_tsdb_time_retentions_total",
            "The number of times that blocks were deleted because the maximum time limit was exceeded.",
            float(stats.retentions_by_time),
        ),
        (
            Kind::Counter,
            "prometheus_tsdb_size_retentions_total",
            "The number of times that blocks were deleted because the maximum number of bytes was exceeded.",
            float(stats.retentions_by_size),
        ),
        (
            Kind::Gauge,
            "prometheus_tsdb_retention_limit_seconds",
            "How long to retain samples in storage.",
            limits.time.seconds(),
        ),
        (
            Kind::Gauge,
            "prometheus_tsdb_retention_limit_bytes",
            "Max number of bytes to be retained in the tsdb blocks, configured 0 means disabled",
            float(retention.bytes.unwrap_or(0)),
        ),
        (
            Kind::Gauge,
            "prometheus_tsdb_retention_limit_percentage",
            "Max percentage of total storage space to be retained in the tsdb blocks, configured 0 means disabled",
            limits.percentage,
        ),
        (
            Kind::Counter,
            "prometheus_tsdb_head_truncations_total",
            "Total number of head truncations attempted.",
            float(stats.head_truncations),
        ),
        (
            Kind::Counter,
            "prometheus_tsdb_head_truncations_failed_total",
            "Total number of head truncations that failed.",
            float(stats.head_truncations_failed),
        ),
        (
            Kind::Counter,
            "prometheus_tsdb_stale_series_compactions_triggered_total",
            "Total number of triggered stale series compactions.",
            float(stats.stale_compactions),
        ),
        (
            Kind::Counter,
            "prometheus_tsdb_stale_series_compactions_failed_total",
            "Total number of stale series compactions that failed.",
            float(stats.stale_compactions_failed),
        ),
    ] {
        page.sample(kind, name, help, &[], value);
    }
    for rule in db.retention_rules() {
        page.sample(
            Kind::Counter,
            "keepwatch_tsdb_retention_rule_samples_dropped_total",
            "Samples that were dropped from blocks by a rule of --storage.tsdb.retention.rule.",
            &[("rule", &rule.name)],
            float(rule.samples_dropped),
        );
    }
    if let Some(lowest) = stats.lowest_time {
        page.sample(
            Kind::Gauge,
            "prometheus_tsdb_lowest_timestamp",
            "Lowest timestamp value stored in the database, in milliseconds.",
            &[],
            lowest.seconds() * 1000.0,
        );
    }
    for (name, help, taken) in [
        (
            "prometheus_tsdb_compaction_duration_seconds",
            "Duration of compaction runs",
            stats.compactions,
        ),
        (
            "prometheus_tsdb_stale_series_compaction_duration_seconds",
            "Duration of stale series compaction runs.",
            stats.stale_compactions_taken,
        ),
    ] {
        let buckets: Vec<(f64, u64)> = COMPACTION_SECONDS
            .iter()
            .zip(taken.within)
            .map(|(bound, count)| (f64::from(*bound), count))
            .collect();
        page.buckets(name, help, &[], &buckets, (taken.count, taken.seconds));
    }
}
