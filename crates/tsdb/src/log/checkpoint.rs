//! Checkpoints: what still matters of the oldest segments, so that these can go.
//!
//! `checkpoint.N` is a folder of segments, written beside the log under a temporary name and renamed
//! when it is complete; then everything up to segment `N` is removed. A crash at any point leaves
//! either the old files or the new ones in effect.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use model::disk::Disk;

use super::reader::{SegmentError, SegmentReader};
use super::record::{self, HistogramForm, MetadataEntry, Record};
use super::segment::{LastCheckpoint, checkpoint_dir, checkpoints, list_segments, segment_path};
use super::{Corruption, LogOptions, LogWriter};

/// What a checkpoint keeps.
pub struct Keep<'a> {
    /// Whether the series record is still needed.
    pub series: &'a dyn Fn(u64) -> bool,
    /// Samples before this time are dropped.
    pub time_min: i64,
}

impl std::fmt::Debug for Keep<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keep(from {})", self.time_min)
    }
}

#[derive(Debug)]
pub enum CheckpointError {
    Io(io::Error),
    Corrupt(Corruption),
}

impl From<io::Error> for CheckpointError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Bytes of records after which they are written out.
const FLUSH_BYTES: usize = 1 << 20;

/// Writes `checkpoint.{last}` from the newest checkpoint and the segments up to `last`, then removes
/// what it replaces. `last` must not be the segment that is being written to.
pub fn write_checkpoint(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    options: LogOptions,
    last: u64,
    keep: &Keep<'_>,
) -> Result<(), CheckpointError> {
    super::segment::remove_unfinished_checkpoints(disk.as_ref(), dir)?;
    let previous = checkpoints(disk.as_ref(), dir)?.pop();
    let done = checkpoint_dir(dir, last);
    let unfinished = done.with_extension(format!("{last:08}.tmp"));
    if let Err(error) = fill(disk, dir, options, (&unfinished, last), &previous, keep) {
        // The disk may be full: give back what this attempt took.
        let _ = disk.remove_dir_all(&unfinished);
        return Err(error);
    }
    disk.rename(&unfinished, &done)?;
    disk.sync_dir(dir)?;
    remove_replaced(disk.as_ref(), dir, last)?;
    Ok(())
}

/// Writes what is kept of the previous checkpoint and the segments up to `last`.
fn fill(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    options: LogOptions,
    (unfinished, last): (&Path, u64),
    previous: &Option<LastCheckpoint>,
    keep: &Keep<'_>,
) -> Result<(), CheckpointError> {
    let mut filter = Filter {
        keep,
        writer: LogWriter::open(disk.clone(), unfinished, options)?,
        pending: Vec::new(),
        pending_bytes: 0,
        metadata: HashMap::new(),
    };
    if let Some(previous) = previous {
        for number in list_segments(disk.as_ref(), &previous.dir)? {
            filter.add_segment(disk.as_ref(), &segment_path(&previous.dir, number))?;
        }
    }
    let after = previous.as_ref().map(|previous| previous.number);
    for number in list_segments(disk.as_ref(), dir)? {
        if number <= last && after.is_none_or(|after| number > after) {
            filter.add_segment(disk.as_ref(), &segment_path(dir, number))?;
        }
    }
    filter.finish()?;
    Ok(())
}

/// Removes segments and checkpoints that the checkpoint `last` stands for.
pub(crate) fn remove_replaced(disk: &dyn Disk, dir: &Path, last: u64) -> io::Result<()> {
    for number in list_segments(disk, dir)? {
        if number <= last {
            disk.remove_file(&segment_path(dir, number))?;
        }
    }
    for checkpoint in checkpoints(disk, dir)? {
        if checkpoint.number < last {
            disk.remove_dir_all(&checkpoint.dir)?;
        }
    }
    Ok(())
}

struct Filter<'a> {
    keep: &'a Keep<'a>,
    writer: LogWriter,
    pending: Vec<Vec<u8>>,
    pending_bytes: usize,
    /// The newest entry of each series, written at the end.
    metadata: HashMap<u64, MetadataEntry<'static>>,
}

impl Filter<'_> {
    fn add_segment(&mut self, disk: &dyn Disk, path: &Path) -> Result<(), CheckpointError> {
        let mut reader = SegmentReader::open(disk, path)?;
        loop {
            let end = reader.record_end();
            match reader.next_record() {
                Ok(Some(bytes)) => {
                    let record = record::decode(bytes).map_err(|error| {
                        CheckpointError::Corrupt(Corruption {
                            path: path.to_path_buf(),
                            offset: end,
                            reason: error.to_string(),
                        })
                    })?;
                    self.add(record)?;
                }
                Ok(None) => return Ok(()),
                Err(SegmentError::Io(error)) => return Err(error.into()),
                Err(SegmentError::Corrupt(corruption)) => {
                    return Err(CheckpointError::Corrupt(corruption));
                }
            }
        }
    }

    fn add(&mut self, record: Record<'_>) -> io::Result<()> {
        let time_min = self.keep.time_min;
        let mut out = Vec::new();
        match record {
            Record::Series(entries) => {
                for entry in entries
                    .iter()
                    .filter(|entry| (self.keep.series)(entry.series))
                {
                    let labels = entry.labels.iter();
                    let labels = labels.map(|(name, value)| (&**name, &**value));
                    record::encode_series(&mut out, entry.series, labels);
                }
            }
            Record::Samples(mut samples) => {
                let has_starts = samples.start_times.iter().any(|start| *start != 0);
                let kept: Vec<usize> = (0..samples.len())
                    .filter(|row| samples.times[*row] >= time_min)
                    .collect();
                if kept.is_empty() {
                    return Ok(());
                }
                pick(&mut samples.series, &kept);
                pick(&mut samples.times, &kept);
                pick(&mut samples.values, &kept);
                if has_starts {
                    pick(&mut samples.start_times, &kept);
                    record::encode_samples_v2(&mut out, &samples);
                } else {
                    record::encode_samples(&mut out, &samples);
                }
            }
            Record::Histograms(mut entries) => {
                entries.retain(|entry| entry.time >= time_min);
                let has_starts = entries.iter().any(|entry| entry.start_time != 0);
                let form = if has_starts {
                    HistogramForm::V2
                } else {
                    HistogramForm::V1
                };
                for record in record::encode_histograms(&entries, form) {
                    self.push(record)?;
                }
                return Ok(());
            }
            Record::Exemplars(mut entries) => {
                entries.retain(|entry| entry.time >= time_min);
                if !entries.is_empty() {
                    record::encode_exemplars(&mut out, &entries);
                }
            }
            Record::Tombstones(mut entries) => {
                entries.retain(|entry| entry.end >= time_min && (self.keep.series)(entry.series));
                if !entries.is_empty() {
                    record::encode_tombstones(&mut out, &entries);
                }
            }
            Record::Metadata(entries) => {
                for entry in entries {
                    if (self.keep.series)(entry.series) {
                        self.metadata.insert(entry.series, entry.into_owned());
                    }
                }
            }
            // Groups are complete here: the log was read to its end when it was opened.
            Record::MmapMarkers(_)
            | Record::InBlocks(_)
            | Record::Group(_)
            | Record::Across(_)
            | Record::Unknown(_) => {}
        }
        self.push(out)
    }

    fn push(&mut self, record: Vec<u8>) -> io::Result<()> {
        if record.is_empty() {
            return Ok(());
        }
        self.pending_bytes += record.len();
        self.pending.push(record);
        if self.pending_bytes >= FLUSH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        // One by one: they need not share a segment.
        for record in self.pending.drain(..) {
            self.writer.append(&[&record])?;
        }
        self.pending_bytes = 0;
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        let mut entries: Vec<_> = self.metadata.drain().map(|(_, entry)| entry).collect();
        entries.sort_by_key(|entry| entry.series);
        if !entries.is_empty() {
            let mut out = Vec::new();
            record::encode_metadata(&mut out, &entries);
            self.push(out)?;
        }
        self.flush()?;
        self.writer.close()
    }
}

fn pick<T: Copy>(column: &mut Vec<T>, rows: &[usize]) {
    // Rows ascend, so what is read has not been overwritten yet.
    for (to, from) in rows.iter().enumerate() {
        column[to] = column[*from];
    }
    column.truncate(rows.len());
}
