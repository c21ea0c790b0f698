//! `index`: which series a block has, where their chunks are, and which series have which label.
//!
//! Format: Prometheus, `tsdb/docs/format/index.md`; version 2 is read and written, version 1 is read.
//! Sections, each but the series `length, body, CRC-32C`: symbols (all label texts, sorted), series
//! (16-byte aligned; a series is named by its offset divided by 16), postings (sorted lists of series),
//! the table of where each label's list is, and at the very end the table of contents.
//!
//! [`reader`] opens a file, [`symbols`] and [`table`] are what it keeps of it in memory: of both tables
//! the place of every 8th entry, 4 bytes each. Postings and series are looked at in the mapped file
//! when they are asked for. [`writer`] writes a file in one go, front to back.

pub(crate) mod postings;
pub(crate) mod reader;
pub(crate) mod series;
pub(crate) mod symbols;
mod table;
mod toc;
pub(crate) mod writer;

pub(crate) use reader::IndexReader;
pub(crate) use series::{ChunkPlace, SeriesEntry};
pub(crate) use symbols::SymbolList;

pub(crate) const INDEX_FILE: &str = "index";
const MAGIC: [u8; 4] = [0xba, 0xaa, 0xd7, 0x00];
/// Bytes before the first section.
const HEADER: usize = 5;
const CHECKSUM: usize = 4;
/// Series begin at multiples of this.
const SERIES_ALIGN: u64 = 16;
/// One of so many entries of a table is remembered. The peer takes 32; with 8 a lookup walks past four
/// entries instead of sixteen, for half a byte per entry.
const SAMPLE_STEP: u32 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}
