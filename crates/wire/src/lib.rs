//! Bytes to model and back: what targets expose, what senders push, what we print. Pure.
//!
//! In reading order: [`negotiate`] (Accept and Content-Type), [`Exposition`] (one cursor over a scraped
//! page in any format), `text` and `proto` behind it, `nhcb` (classic histograms turned native),
//! [`encode`] (our own pages; [`encode_proto`] in protobuf), [`remote`] (remote write and read), [`otlp`] (metrics of OpenTelemetry),
//! [`kafka`] (records for Kafka).
//!
//! Not here: fetching, storing, relabelling (`scrape`), and the storage formats (`tsdb`).

pub mod encode;
pub mod encode_proto;
mod error;
mod exposition;
mod float;
mod histogram;
pub mod kafka;
pub mod negotiate;
mod nhcb;
pub mod otlp;
mod proto;
mod quote;
pub mod remote;
mod text;

pub use error::{LabelsError, ParseError};
pub use exposition::{Entry, Expected, Exposition, HistogramEntry, Options, SeriesEntry, Step};
pub use float::{FloatError, format_float_openmetrics, parse_float};
pub use negotiate::{Format, Protocol};
pub use quote::quote_bytes;
