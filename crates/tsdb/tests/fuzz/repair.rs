//! Right checksums over whatever was changed, as only malice makes them. What is not well formed is left as
//! it is.

use std::path::Path;
use std::sync::Arc;

use model::disk::Disk;
use testkit::disk::FaultDisk;
use tsdb::log::{Compression, LogOptions, LogWriter, SegmentReader, segment_path};

fn checksum(bytes: &[u8]) -> [u8; 4] {
    // The algorithm has 32 bits.
    (crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32).to_be_bytes()
}

/// Writes the checksum of `start..end` behind it; gives the place after that.
fn seal(bytes: &mut [u8], start: usize, end: usize) -> Option<usize> {
    let sum = checksum(bytes.get(start..end)?);
    bytes
        .get_mut(end..end.checked_add(4)?)?
        .copy_from_slice(&sum);
    Some(end + 4)
}

/// A number of at most five bytes, and the place after it.
fn uvarint(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let mut number = 0;
    for at in 0..5 {
        let byte = *bytes.get(start + at)?;
        number |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((number, start + at + 1));
        }
    }
    None
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(bytes)).ok()
}

pub fn tombstones(bytes: &mut [u8]) {
    if let Some(end) = bytes.len().checked_sub(4).filter(|end| *end >= 5) {
        seal(bytes, 5, end);
    }
}

/// Chunks, one after the other.
pub fn segment(bytes: &mut [u8]) {
    let mut at = 8;
    while let Some((length, data)) = uvarint(bytes, at) {
        match seal(bytes, data, data.saturating_add(length).saturating_add(1)) {
            Some(next) => at = next,
            None => return,
        }
    }
}

/// Series, times, and chunks as in a segment.
pub fn head_chunks(bytes: &mut [u8]) {
    const BEFORE_LENGTH: usize = 25;
    let mut at = 8;
    while let Some((length, data)) = uvarint(bytes, at + BEFORE_LENGTH) {
        match seal(bytes, at, data.saturating_add(length)) {
            Some(next) => at = next,
            None => return,
        }
    }
}

/// All sections that the table of contents names, and that.
pub fn index(bytes: &mut [u8]) {
    const CONTENTS: usize = 52;
    let Some(contents) = bytes.len().checked_sub(CONTENTS) else {
        return;
    };
    seal(bytes, contents, bytes.len() - 4);
    let mut places: Vec<usize> = (0..6)
        .filter_map(|n| u32_at(bytes, contents + n * 8 + 4))
        .collect();
    let series = places.get(1).copied().unwrap_or(0);
    places.sort_unstable();
    let series_end = places.iter().find(|place| **place > series).copied();
    for place in places.into_iter().filter(|place| *place != series) {
        let mut at = place;
        // Several sections of postings may follow each other.
        while let Some(length) = u32_at(bytes, at) {
            let Some(next) = seal(bytes, at + 4, (at + 4).saturating_add(length)) else {
                break;
            };
            at = next.next_multiple_of(4);
            if at >= contents {
                break;
            }
        }
    }
    let mut at = series.next_multiple_of(16);
    while at < series_end.unwrap_or(0) {
        let Some((length, body)) = uvarint(bytes, at) else {
            return;
        };
        match seal(bytes, body, body.saturating_add(length)) {
            Some(next) => at = next.next_multiple_of(16),
            None => return,
        }
    }
}

/// The records of a segment of a log, as far as they can be read.
pub fn records(disk: &FaultDisk, path: &Path) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    if let Ok(mut reader) = SegmentReader::open(disk, path) {
        while let Ok(Some(record)) = reader.next_record() {
            records.push(record.to_vec());
        }
    }
    records
}

/// A segment with these records.
pub fn log_of(records: &[Vec<u8>]) -> Vec<u8> {
    let disk = FaultDisk::new(1);
    let dir = Path::new("log");
    let options = LogOptions {
        segment_bytes: 1 << 30,
        compression: Compression::None,
    };
    let mut log = LogWriter::open(Arc::new(disk.clone()), dir, options).unwrap();
    for record in records.iter().filter(|record| !record.is_empty()) {
        log.append(&[record]).unwrap();
    }
    log.close().unwrap();
    disk.read(&segment_path(dir, 0)).unwrap()
}
