//! The logs of a data folder, read record by record: the write-ahead log with its checkpoint, the out-of-order log,
//! and chunk snapshots, which have the same form.

use std::io;
use std::path::{Path, PathBuf};

use model::disk::Disk;
use tsdb::log::reader::SegmentError;
use tsdb::log::record::decode;
use tsdb::log::{Corruption, SegmentReader, list_segments, segment_path};

/// A folder with segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogFolder {
    pub(crate) dir: PathBuf,
    pub(crate) kind: LogKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogKind {
    Main,
    Checkpoint,
    OutOfOrder,
    /// Its records are of kinds of their own.
    Snapshot,
}

impl LogKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Main => "the log",
            Self::Checkpoint => "the checkpoint of the log",
            Self::OutOfOrder => "the out-of-order log",
            Self::Snapshot => "the chunk snapshot",
        }
    }
}

/// The logs that there are.
pub(crate) fn log_folders(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<LogFolder>> {
    let mut folders = Vec::new();
    let wal = dir.join("wal");
    if disk.exists(&wal) {
        for name in disk.list(&wal)? {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("checkpoint.") && !name.ends_with(".tmp") {
                folders.push(LogFolder {
                    dir: wal.join(name),
                    kind: LogKind::Checkpoint,
                });
            }
        }
        folders.push(LogFolder {
            dir: wal,
            kind: LogKind::Main,
        });
    }
    let wbl = dir.join("wbl");
    if disk.exists(&wbl) {
        folders.push(LogFolder {
            dir: wbl,
            kind: LogKind::OutOfOrder,
        });
    }
    for name in disk.list(dir)? {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("chunk_snapshot.") && !name.ends_with(".tmp") {
            folders.push(LogFolder {
                dir: dir.join(name),
                kind: LogKind::Snapshot,
            });
        }
    }
    Ok(folders)
}

/// What reading a segment found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SegmentCheck {
    pub(crate) records: u64,
    pub(crate) corruption: Option<Corruption>,
}

/// Reads a segment up to the first place that is wrong.
pub(crate) fn check_segment(
    disk: &dyn Disk,
    folder: &LogFolder,
    number: u64,
) -> io::Result<SegmentCheck> {
    let path = segment_path(&folder.dir, number);
    let mut reader = SegmentReader::open(disk, &path)?;
    let mut check = SegmentCheck::default();
    loop {
        let end = reader.record_end();
        match reader.next_record() {
            Ok(None) => return Ok(check),
            Ok(Some(record)) => {
                if folder.kind != LogKind::Snapshot
                    && let Err(error) = decode(record)
                {
                    check.corruption = Some(Corruption {
                        path,
                        offset: end,
                        reason: error.to_string(),
                    });
                    return Ok(check);
                }
                check.records += 1;
            }
            Err(SegmentError::Corrupt(corruption)) => {
                check.corruption = Some(corruption);
                return Ok(check);
            }
            Err(SegmentError::Io(error)) => return Err(error),
        }
    }
}

/// The numbers of a log's segments, and the first one that is missing between them.
pub(crate) fn segments(disk: &dyn Disk, dir: &Path) -> io::Result<(Vec<u64>, Option<u64>)> {
    let numbers = list_segments(disk, dir)?;
    let gap = numbers.windows(2).find_map(|pair| match pair {
        [a, b] if a + 1 < *b => Some(a + 1),
        _ => None,
    });
    Ok((numbers, gap))
}
