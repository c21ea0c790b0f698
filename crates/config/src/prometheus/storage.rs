//! `storage`: what the database keeps and how.

use model::Duration;
use yaml::MapReader;

use crate::ByteSize;
use crate::quote::quote;

section! {
    pub struct Storage: "config.StorageConfig" {
        ["tsdb", some] pub tsdb: Option<Tsdb>,
        ["exemplars", some] pub exemplars: Option<Exemplars>,
    }
}

section! {
    /// Zero or absent retention means: what the command line says.
    pub struct Tsdb: "config.plain", checked {
        ["out_of_order_time_window", unless_default] pub out_of_order_time_window: Duration,
        [skip] pub out_of_order_time_window_ms: i64,
        ["stale_series_compaction_threshold", omit]
        pub stale_series_compaction_threshold: f64,
        ["chunk_encoding", some] pub chunk_encoding: Option<ChunkEncoding>,
        ["retention", some] pub retention: Option<Retention>,
    }
}

section! {
    pub struct ChunkEncoding: "config.plain", checked {
        ["floats", omit] pub floats: String,
    }
}

section! {
    /// The oldest data goes when any of the limits is exceeded.
    pub struct Retention: "config.plain", checked {
        ["time", unless_default] pub time: Duration,
        ["size", omit] pub size: ByteSize,
        ["percentage", omit] pub percentage: f64,
    }
}

section! {
    pub struct Exemplars: "config.ExemplarsConfig" {
        ["max_exemplars", omit] pub max_exemplars: i64,
    }
}

impl Storage {
    pub(super) fn prometheus_default() -> Self {
        let tsdb = Tsdb {
            retention: Some(Retention::default()),
            ..Tsdb::default()
        };
        Self {
            tsdb: Some(tsdb),
            exemplars: None,
        }
    }
}

impl Tsdb {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        self.out_of_order_time_window_ms = self.out_of_order_time_window.millis();
        self.retention.get_or_insert_default();
        if !(0.0..=1.0).contains(&self.stale_series_compaction_threshold) {
            map.refuse_with_hint(
                "stale_series_compaction_threshold",
                "out-of-range",
                format!(
                    "'storage.tsdb.stale_series_compaction_threshold' must be in the range [0, 1], got {}",
                    self.stale_series_compaction_threshold
                ),
                "a share of the series, such as 0.5",
            );
        }
    }
}

impl ChunkEncoding {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if !["xor", "xor2"].contains(&self.floats.as_str()) {
            let message = format!(
                "'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2', or the field must be \
                 omitted entirely, got {}",
                quote(&self.floats)
            );
            map.refuse_with_hint(
                "floats",
                "unknown-encoding",
                message,
                "`xor` is the default",
            );
        }
    }
}

impl Retention {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.size < ByteSize(0) {
            let message = format!(
                "'storage.tsdb.retention.size' must be greater than or equal to 0, got {}",
                self.size
            );
            map.refuse_with_hint("size", "out-of-range", message, "as in `50GB`");
        }
        if !(0.0..=100.0).contains(&self.percentage) {
            let message = format!(
                "'storage.tsdb.retention.percentage' must be in the range [0, 100], got {}",
                self.percentage
            );
            map.refuse_with_hint("percentage", "out-of-range", message, "as in `80`");
        }
    }
}
