//! The bytes of chunk files.
//!
//! File: magic `0130BC91` (4 bytes), version 1 (1), zeros (3), chunks. Chunk: series (8), time of the
//! first sample (8), of the last (8), encoding (1; bit `0x80`: its samples came out of order), length of
//! the data (uvarint), data, CRC-32C of all of that (4). All big-endian. Zeros where a chunk would start
//! end the file: the peer makes room in advance.

use crate::bytes::{Bytes, checksum, put_u64, put_uvarint};
use crate::chunk::{Encoding, samples_in};

use super::ChunkHead;

pub(in crate::head) const MAGIC: [u8; 4] = [0x01, 0x30, 0xbc, 0x91];
pub(in crate::head) const VERSION: u8 = 1;
pub(in crate::head) const FILE_HEADER: usize = 8;
/// Length at which the peer starts a new file.
pub(in crate::head) const FILE_BYTES_MAX: u32 = 128 * 1024 * 1024;
/// Series, times, encoding.
pub(in crate::head) const CHUNK_HEADER: usize = 25;
const CRC: usize = 4;
/// Length field and checksum.
pub(in crate::head) const CHUNK_REST_MAX: usize = 5 + CRC;
/// No writer makes chunks of more than some KiB.
pub(in crate::head) const DATA_BYTES_MAX: usize = 16 * 1024 * 1024;
const OUT_OF_ORDER: u8 = 0x80;

pub(in crate::head) fn file_header() -> [u8; FILE_HEADER] {
    let [a, b, c, d] = MAGIC;
    [a, b, c, d, VERSION, 0, 0, 0]
}

/// A chunk to write.
#[derive(Clone, Copy, Debug)]
pub(in crate::head) struct NewChunk<'a> {
    pub(in crate::head) series: u64,
    pub(in crate::head) head: ChunkHead,
    pub(in crate::head) is_out_of_order: bool,
    pub(in crate::head) data: &'a [u8],
}

pub(in crate::head) fn encode(out: &mut Vec<u8>, chunk: &NewChunk<'_>) {
    let start = out.len();
    put_u64(out, chunk.series);
    put_u64(out, chunk.head.start as u64);
    put_u64(out, chunk.head.end as u64);
    let mark = if chunk.is_out_of_order {
        OUT_OF_ORDER
    } else {
        0
    };
    out.push(chunk.head.encoding as u8 | mark);
    put_uvarint(out, chunk.data.len() as u64);
    out.extend_from_slice(chunk.data);
    let crc = checksum(&out[start..]);
    out.extend_from_slice(&crc.to_be_bytes());
}

/// A chunk that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::head) struct ReadChunk<'a> {
    pub(in crate::head) series: u64,
    /// `None` for a chunk of an encoding that a newer program writes.
    pub(in crate::head) head: Option<ChunkHead>,
    pub(in crate::head) is_out_of_order: bool,
    pub(in crate::head) data: &'a [u8],
    /// Where the data starts, counted from the chunk.
    pub(in crate::head) data_at: usize,
    /// Bytes that the chunk takes in the file.
    pub(in crate::head) length: usize,
}

/// What stands at a place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::head) enum Found<'a> {
    Chunk(ReadChunk<'a>),
    /// Nothing but room made in advance.
    End,
    /// So many bytes are needed to tell.
    More(usize),
    Corrupt(String),
}

/// Reads the chunk at the start of `bytes`.
pub(in crate::head) fn parse(bytes: &[u8]) -> Found<'_> {
    let mut rest = Bytes(bytes);
    let (Ok(series), Ok(start), Ok(end), Ok(encoding)) =
        (rest.u64(), rest.i64(), rest.i64(), rest.u8())
    else {
        return Found::More(CHUNK_HEADER + CHUNK_REST_MAX);
    };
    if series == 0 && start == 0 && end == 0 {
        return Found::End;
    }
    let Ok(length) = rest.uvarint() else {
        if rest.left() < CHUNK_REST_MAX && bytes.len() < CHUNK_HEADER + CHUNK_REST_MAX {
            return Found::More(CHUNK_HEADER + CHUNK_REST_MAX);
        }
        return Found::Corrupt("the length of a chunk is malformed".to_owned());
    };
    let Some(length) = usize::try_from(length)
        .ok()
        .filter(|l| *l <= DATA_BYTES_MAX)
    else {
        return Found::Corrupt(format!("a chunk claims to have {length} bytes"));
    };
    let data_at = bytes.len() - rest.left();
    let whole = data_at + length + CRC;
    let Some(chunk) = bytes.get(..whole) else {
        return Found::More(whole);
    };
    let (checked, crc) = chunk.split_at(whole - CRC);
    let found = checksum(checked).to_be_bytes();
    if found != crc {
        return Found::Corrupt(format!(
            "unexpected checksum {found:02x?}, expected {crc:02x?}"
        ));
    }
    let data = &checked[data_at..];
    let head = Encoding::from_byte(encoding & !OUT_OF_ORDER).map(|encoding| ChunkHead {
        start,
        end,
        // Sixteen bits at most, whatever the encoding.
        samples: samples_in(encoding, data) as u16,
        encoding,
    });
    Found::Chunk(ReadChunk {
        series,
        head,
        is_out_of_order: encoding & OUT_OF_ORDER != 0,
        data,
        data_at,
        length: whole,
    })
}
