//! Samples from and to other servers.
//!
//! [`write`]: the receiver of remote write 1.0 and 2.0. [`read`](mod@read): remote read. [`otlp`]: the
//! receiver of OpenTelemetry metrics. Nothing in this crate speaks HTTP itself: `api` hands it bodies and
//! headers, and makes answers of what it says.
//!
//! Not here yet: sending. Not here at all: the formats of messages (`wire::remote`, `wire::otlp`).

pub mod otlp;
pub mod read;
pub mod write;
