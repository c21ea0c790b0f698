//! How samples are stored, as the configuration and `--enable-feature` say.

use config::prometheus::Config;
use diag::{Diagnostic, Diagnostics};
use tsdb::Db;
use tsdb::chunk::StartTimes;
use tsdb::head::{FloatEncoding, OpenOptions, Zeros};

use crate::features::Features;
use crate::options::Switch;

/// Exemplars kept unless the configuration has a number.
const EXEMPLARS_MAX: usize = 100_000;

/// What a reload can change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SampleSettings {
    /// How far before the newest sample one may lie that comes out of order.
    out_of_order_window: model::Duration,
    floats: FloatEncoding,
    exemplars_max: usize,
    /// From which share of stale series in the head on they are written out before the others; 0: never.
    stale_share_max: f64,
}

impl SampleSettings {
    pub(crate) fn new(config: &Config, features: Features) -> Self {
        let tsdb = config.storage.tsdb.as_ref();
        let exemplars = config.storage.exemplars.as_ref();
        Self {
            out_of_order_window: tsdb
                .map_or(model::Duration::ZERO, |tsdb| tsdb.out_of_order_time_window),
            floats: floats(config, features),
            exemplars_max: exemplars.map_or(EXEMPLARS_MAX, |exemplars| {
                usize::try_from(exemplars.max_exemplars).unwrap_or(0)
            }),
            stale_share_max: tsdb.map_or(0.0, |tsdb| tsdb.stale_series_compaction_threshold),
        }
    }

    pub(crate) fn put_in_place(self, db: &Db) {
        db.set_out_of_order_window(self.out_of_order_window);
        db.set_float_encoding(self.floats);
        db.set_exemplars_max(self.exemplars_max);
        db.set_stale_share_max(self.stale_share_max);
    }

    /// Before the database is opened; what the switches say is for good.
    pub(crate) fn apply(self, features: Features, head: &mut OpenOptions) {
        head.out_of_order.set(self.out_of_order_window);
        head.floats.set(self.floats);
        head.exemplars_max.set(self.exemplars_max);
        let starts = |switch: Switch| match switch {
            Switch::On => StartTimes::With,
            Switch::Off => StartTimes::Without,
        };
        head.start_times = starts(features.start_time_storage);
        head.histogram_chunks = starts(features.histogram_start_times);
        head.zeros = match features.zeros_at_start {
            Switch::On => Zeros::Added,
            Switch::Off => Zeros::NotAdded,
        };
    }
}

fn floats(config: &Config, features: Features) -> FloatEncoding {
    let tsdb = config.storage.tsdb.as_ref();
    let named = tsdb.and_then(|tsdb| tsdb.chunk_encoding.as_ref());
    match named.map(|encoding| encoding.floats.as_str()) {
        Some("xor2") => FloatEncoding::Xor2,
        Some("xor") => FloatEncoding::Xor,
        _ if features.xor2_chunks.is_on() => FloatEncoding::Xor2,
        _ => FloatEncoding::Xor,
    }
}

/// As with the peer, start timestamps are not stored where they would be lost with the log.
pub(crate) fn check(config: &Config, features: Features, problems: &mut Diagnostics) {
    if features.start_time_storage.is_on() && floats(config, features) == FloatEncoding::Xor {
        let message = "float chunk encoding \"xor\" is incompatible with start-timestamp storage; XOR chunks do not store start timestamps, use \"xor2\"";
        problems.push(
            Diagnostic::error("start-times-not-storable", message).hint(
                "set storage.tsdb.chunk_encoding.floats to xor2, or leave --enable-feature=st-storage out",
            ),
        );
    }
}
