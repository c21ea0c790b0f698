//! The protobuf exposition format: delimited `io.prometheus.client.MetricFamily` messages.
//!
//! [`reader`] walks fields without copying, [`metrics`] knows the messages, [`scan`] gives them as
//! entries, [`writer`] writes fields. Source: the field numbers of `client_model`'s `metrics.proto`.

mod metrics;
pub(crate) mod reader;
mod scan;
pub(crate) mod writer;

pub(crate) use scan::ProtoScan;
