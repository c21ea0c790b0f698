//! `chunks/`: the samples of a block, in segments.
//!
//! Format: Prometheus, `tsdb/docs/format/chunks.md`. A segment starts with 8 bytes (magic, version,
//! zeros); a chunk is `length of the data, encoding, data, CRC-32C of encoding and data`. A reference is
//! the number of the segment, from 0, in the upper 32 bits, and the offset in it in the lower.

pub(crate) mod reader;
pub(crate) mod writer;

pub(crate) use reader::{ChunkFiles, ChunkWindow, RawChunk};
pub(crate) use writer::ChunkWriter;

pub(crate) const CHUNKS_DIR: &str = "chunks";
const MAGIC: [u8; 4] = [0x85, 0xbd, 0x40, 0xdd];
const VERSION: u8 = 1;
const HEADER: usize = 8;
const CHECKSUM: usize = 4;
/// Length of a segment where the options say nothing.
pub const SEGMENT_BYTES: u64 = 512 << 20;
