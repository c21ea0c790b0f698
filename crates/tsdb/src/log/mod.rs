//! The write-ahead log: numbered segments of 32 KiB pages, records in fragments with checksums.
//!
//! Format: Prometheus, `tsdb/docs/format/wal.md`; pinned by the `wal` conformance suite. A fragment is
//! `type and compression (1 byte), length (2), CRC-32C (4), bytes`; a record that crosses a page is a
//! first, middle and last fragment; a zero type byte means that the rest of the page is empty. Records
//! do not cross segments.
//!
//! What is promised. A commit is handed to the operating system in one write before it is
//! acknowledged, so it survives the end of the process however that comes. It survives a power cut
//! once the file was synced: at the end of each segment and whenever [`LogWriter::sync`] runs (on an
//! interval, and at shutdown).
//!
//! What a failed write leaves is cut off again before the next one, so a full disk costs the commits
//! that were refused and nothing else. At open, [`repair`] drops what cannot be read: usually the torn
//! end of a write that was never acknowledged.
//!
//! Cost: one write per commit, about 11 bytes per float sample before compression; one buffer per
//! writer, reused.

pub mod checkpoint;
mod compression;
mod follow;
mod frame;
pub mod reader;
pub mod record;
mod repair;
mod segment;
#[cfg(test)]
mod tests;
mod writer;

pub use compression::Compression;
pub use follow::{Follower, Place, Step};
pub use reader::{Corruption, SegmentReader};
pub use repair::Repair;
pub use segment::{LastCheckpoint, last_checkpoint, list_segments, segment_path};
pub use writer::{LogOptions, LogWriter};

pub(crate) use checkpoint::remove_replaced;
pub(crate) use repair::cut;
pub(crate) use segment::remove_unfinished_checkpoints;
pub(crate) use writer::Ending;

/// Bytes of a page.
pub const PAGE: usize = 32 * 1024;
/// Bytes before each fragment.
pub(crate) const FRAGMENT_HEADER: usize = 7;
/// Length of a segment where the options say nothing.
pub const SEGMENT_BYTES: u64 = 128 * 1024 * 1024;
