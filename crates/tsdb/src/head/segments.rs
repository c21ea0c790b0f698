//! Reading a segment of a log at a start: commits of several records as a whole or not at all.

use std::path::Path;

use model::disk::Disk;

use super::snapshot::LogPosition;
use crate::error::OpenError;
use crate::log::reader::SegmentError;
use crate::log::record::{Across, Record, decode};
use crate::log::{Corruption, SegmentReader};

/// What becomes of the records.
pub(super) trait Sink {
    fn apply(&mut self, record: Record<'_>) -> Result<(), OpenError>;

    /// Whether the other log has its part of a commit.
    fn has_other(&self, across: &Across) -> bool;

    fn count_record(&mut self);
}

/// A commit of several records, of which some are still to come.
struct Group {
    /// Where it starts in the segment.
    start: u64,
    missing: u64,
    records: Vec<Vec<u8>>,
}

/// Reads one segment from a place on; gives the place from which on it is unusable, if there is one.
pub(super) fn read_segment(
    disk: &dyn Disk,
    path: &Path,
    from: u64,
    sink: &mut impl Sink,
) -> Result<Option<Corruption>, OpenError> {
    let read_error = |source| OpenError::Read {
        path: path.to_path_buf(),
        source,
    };
    let mut reader = SegmentReader::open_at(disk, path, from).map_err(read_error)?;
    let mut group: Option<Group> = None;
    let corrupt = |offset: u64, reason: String| Corruption {
        path: path.to_path_buf(),
        offset,
        reason,
    };
    loop {
        let start = reader.record_end();
        let bytes = match reader.next_record() {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let reason = "the last commit is incomplete";
                return Ok(group.map(|group| corrupt(group.start, reason.to_owned())));
            }
            Err(SegmentError::Io(error)) => return Err(read_error(error)),
            Err(SegmentError::Corrupt(corruption)) => {
                let offset = group.map_or(corruption.offset, |group| group.start);
                return Ok(Some(Corruption {
                    offset,
                    ..corruption
                }));
            }
        };
        sink.count_record();
        let record = match decode(bytes) {
            Ok(record) => record,
            Err(error) => {
                let start = group.map_or(start, |group| group.start);
                return Ok(Some(corrupt(start, error.to_string())));
            }
        };
        if let Some(mut open) = group.take() {
            open.records.push(bytes.to_vec());
            open.missing -= 1;
            if open.missing > 0 {
                group = Some(open);
                continue;
            }
            for bytes in &open.records {
                // Decoded above once already.
                if let Ok(record) = decode(bytes) {
                    sink.apply(record)?;
                }
            }
            continue;
        }
        let missing = match record {
            Record::Group(missing) => missing,
            Record::Across(across) => {
                if !sink.has_other(&across) {
                    let reason = "the other log does not have its part of this commit";
                    return Ok(Some(corrupt(start, reason.to_owned())));
                }
                across.records
            }
            record => {
                sink.apply(record)?;
                continue;
            }
        };
        if missing > 0 {
            group = Some(Group {
                start,
                missing,
                records: Vec::new(),
            });
        }
    }
}

/// The end of a log: its newest segment and how long that is; `None` without any.
pub(super) fn log_end(disk: &dyn Disk, dir: &Path) -> std::io::Result<Option<LogPosition>> {
    if !disk.exists(dir) {
        return Ok(None);
    }
    let Some(segment) = crate::log::list_segments(disk, dir)?.pop() else {
        return Ok(None);
    };
    let offset = disk.length(&crate::log::segment_path(dir, segment))?;
    Ok(Some(LogPosition { segment, offset }))
}
