//! Silences and the notification log: queries, garbage, and the files they are kept in.
//!
//! With the peer a maintenance is both, a round of garbage collection and the file written after it. Here the file is
//! written soon after each change, so each of the two counts as one.

use alerting::measure::{QUERY_MICROS, Queries, Taken};
use alerting::stats::{LogStats, SilenceStats};
use metrics::{Kind, Page};

use super::taken;
use crate::alertmanager::SnapshotCounts;
use crate::self_metrics::{float, float_of};

/// What the texts call the things.
struct Words {
    prefix: &'static str,
    garbage: &'static str,
    snapshot: &'static str,
    size: &'static str,
    maintenance: &'static str,
    maintenance_failed: &'static str,
    queries: &'static str,
    queries_failed: &'static str,
    query: &'static str,
}

const SILENCES: Words = Words {
    prefix: "alertmanager_silences",
    garbage: "Duration of the last silence garbage collection cycle.",
    snapshot: "Duration of the last silence snapshot.",
    size: "Size of the last silence snapshot in bytes.",
    maintenance: "How many maintenances were executed for silences.",
    maintenance_failed: "How many maintenances were executed for silences that failed.",
    queries: "How many silence queries were received.",
    queries_failed: "How many silence received queries did not succeed.",
    query: "Duration of silence query evaluation.",
};

const LOG: Words = Words {
    prefix: "alertmanager_nflog",
    garbage: "Duration of the last notification log garbage collection cycle.",
    snapshot: "Duration of the last notification log snapshot.",
    size: "Size of the last notification log snapshot in bytes.",
    maintenance: "How many maintenances were executed for the notification log.",
    maintenance_failed: "How many maintenances were executed for the notification log that failed.",
    queries: "Number of notification log queries were received.",
    queries_failed: "Number notification log received queries that failed.",
    query: "Duration of notification log query evaluation.",
};

pub(super) fn silences(page: &mut Page, stats: &SilenceStats, snapshots: SnapshotCounts) {
    both(page, &SILENCES, &stats.queries, stats.garbage, snapshots);
    for (name, help, count) in [
        (
            "alertmanager_silences_gc_errors_total",
            "How many silence GC errors were encountered.",
            stats.garbage_failed,
        ),
        (
            "alertmanager_silences_query_silences_scanned_total",
            "How many silences were scanned during query evaluation.",
            stats.queries.scanned,
        ),
        (
            "alertmanager_silences_query_silences_skipped_total",
            "How many silences were skipped during query evaluation because the index of labels told that they cannot match.",
            stats.queries.skipped,
        ),
    ] {
        page.sample(Kind::Counter, name, help, &[], float(count));
    }
    for (stage, count) in [
        ("index", stats.uncompiled),
        ("load_snapshot", stats.uncompiled_restored),
    ] {
        let name = "alertmanager_silences_matcher_compile_errors_total";
        let help = "How many silence matcher compilations failed.";
        let count = float(count);
        page.sample(Kind::Counter, name, help, &[("stage", stage)], count);
    }
    for (name, help, size) in [
        (
            "alertmanager_silences_state_size",
            "The number of silences in the state map.",
            stats.kept,
        ),
        (
            "alertmanager_silences_matcher_index_size",
            "The number of entries in the matcher cache index.",
            stats.compiled,
        ),
        (
            "alertmanager_silences_version_index_size",
            "The number of entries in the version index.",
            stats.kept,
        ),
    ] {
        page.sample(Kind::Gauge, name, help, &[], float_of(size));
    }
}

pub(super) fn log(page: &mut Page, stats: &LogStats, snapshots: SnapshotCounts) {
    both(page, &LOG, &stats.queries, stats.garbage, snapshots);
}

fn both(
    page: &mut Page,
    words: &Words,
    queries: &Queries,
    garbage: Taken,
    snapshots: SnapshotCounts,
) {
    let name = |end: &str| format!("{}_{end}", words.prefix);
    taken(page, &name("gc_duration_seconds"), words.garbage, garbage);
    let seconds = name("snapshot_duration_seconds");
    taken(page, &seconds, words.snapshot, snapshots.taken);
    let bytes = name("snapshot_size_bytes");
    page.sample(
        Kind::Gauge,
        &bytes,
        words.size,
        &[],
        float_of(snapshots.bytes),
    );
    for (end, help, count) in [
        (
            "maintenance_total",
            words.maintenance,
            garbage.count + snapshots.taken.count,
        ),
        (
            "maintenance_errors_total",
            words.maintenance_failed,
            snapshots.failed,
        ),
        ("queries_total", words.queries, queries.taken.count),
        ("query_errors_total", words.queries_failed, queries.failed),
    ] {
        page.sample(Kind::Counter, &name(end), help, &[], float(count));
    }
    let bounds = QUERY_MICROS.iter().map(|micros| f64::from(*micros) / 1e6);
    let buckets: Vec<(f64, u64)> = bounds.zip(queries.within).collect();
    let sums = (queries.taken.count, queries.taken.time.as_secs_f64());
    let seconds = name("query_duration_seconds");
    page.buckets(&seconds, words.query, &[], &buckets, sums);
}
