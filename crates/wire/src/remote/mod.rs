//! Remote write and remote read messages, decoded in place and encoded.
//!
//! - [`write1`]: `prometheus.WriteRequest`; [`write2`]: `io.prometheus.write.v2.Request`. Readers walk the
//!   bytes series by series; nothing is copied but what a sample is.
//! - [`read`]: `prometheus.ReadRequest` and `ReadResponse`; [`chunked`]: the frames of the streamed answer.
//! - [`labels_of`]: the labels of a series from its *label bytes*, the fields of version 1 that hold them:
//!   both versions give these, so that one cache serves all senders.
//! - [`compress`], [`decompress`]: Snappy's block format, with a limit on what comes out.
//!
//! Source: the field numbers of Prometheus' `prompb`.

pub mod chunked;
mod message;
pub mod read;
mod snappy;
pub mod write1;
pub mod write2;

pub use crate::proto::reader::ProtoError;
pub use message::{WrittenHistogram, WrittenSample, collect_labels, label_pairs_of, labels_of};
pub use snappy::{SnappyError, compress, decompress, decompress_into};
