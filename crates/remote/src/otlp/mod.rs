//! The receiver of OpenTelemetry metrics: what they are in Prometheus' words, handed to the receiver of
//! remote write.
//!
//! In reading order: `receiver` (one request), `translate` (metrics to samples), `names`, `labels`,
//! `histogram` (one part of it each). Everything after the translation, from the cache of series to the
//! reasons for refused samples, is that of remote write.
//!
//! What cannot be translated is told, and costs nothing but itself. (Prometheus stores nothing of a request
//! with such a metric.) Not here: turning deltas into totals.

mod histogram;
mod labels;
mod names;
mod receiver;
#[cfg(test)]
mod tests;
mod translate;

use model::Duration;

pub use labels::Promotion;
pub use names::Naming;
pub use receiver::{OtlpAnswer, OtlpReceiver, OtlpRefusal};

/// The most bytes of a request, compressed or not: the peer's limit.
pub const BODY_BYTES_MAX: usize = 32 << 20;

/// How requests are translated: the `otlp` section of the configuration, and what the command line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub naming: Naming,
    pub promotion: Promotion,
    /// `target_info` has the attributes that `job` and `instance` are made of too.
    pub keeps_identity: bool,
    /// Histograms with explicit bounds become native ones.
    pub converts_to_custom_buckets: bool,
    /// Labels say which library a metric is of.
    pub promotes_scope: bool,
    /// Deltas are stored as they are.
    pub takes_delta: bool,
    /// Labels `__type__` and `__unit__`.
    pub adds_type_and_unit: bool,
    /// Of queries: how often `target_info` has to be told.
    pub lookback: Duration,
}
