//! From the log back to memory: which series there are, and when each had its newest sample.
//!
//! The newest checkpoint, then the segments after it. What cannot be read is cut off with everything behind
//! it, as the peer does; a damaged checkpoint is an error, because nothing could be sent without its series.

use std::path::Path;

use hashbrown::HashMap;
use model::disk::Disk;

use super::{AgentOptions, State};
use crate::error::OpenError;
use crate::log::reader::SegmentError;
use crate::log::record::{Record, decode};
use crate::log::{
    Corruption, Ending, LogWriter, Repair, SegmentReader, cut, last_checkpoint, list_segments,
    remove_replaced, remove_unfinished_checkpoints, segment_path,
};

/// What was found in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentReplayReport {
    /// The checkpoint that was read, by the last segment that it replaced.
    pub checkpoint: Option<u64>,
    pub segments: usize,
    pub records: usize,
    pub series: usize,
    pub samples: usize,
    /// Samples whose series is not in the log.
    pub samples_without_series: usize,
    /// Records of kinds that other programs write.
    pub records_unknown: usize,
    /// What had to be cut.
    pub repair: Option<Repair>,
}

pub(super) fn open(options: &AgentOptions) -> Result<(State, AgentReplayReport), OpenError> {
    let dir = options.dir.join("wal");
    let disk = options.disk.as_ref();
    let not_writable = |source| OpenError::NotWritable {
        dir: dir.clone(),
        source,
    };
    let read_error = |source| OpenError::Read {
        path: dir.clone(),
        source,
    };
    disk.create_dir_all(&dir).map_err(not_writable)?;
    remove_unfinished_checkpoints(disk, &dir).map_err(not_writable)?;
    let checkpoint = last_checkpoint(disk, &dir).map_err(read_error)?;
    if let Some(checkpoint) = &checkpoint {
        // The process may have ended between writing it and removing what it replaces.
        remove_replaced(disk, &dir, checkpoint.number).map_err(not_writable)?;
    }
    let segments = list_segments(disk, &dir).map_err(read_error)?;
    if let Some(last) = segments.last() {
        // After a kill the end may be on its way to the disk only; what follows must not outlive it.
        disk.sync_file(&segment_path(&dir, *last))
            .map_err(not_writable)?;
    }
    let mut replay = Replay::default();
    replay.report.checkpoint = checkpoint.as_ref().map(|checkpoint| checkpoint.number);
    if let Some(checkpoint) = &checkpoint {
        for number in list_segments(disk, &checkpoint.dir).map_err(read_error)? {
            let path = segment_path(&checkpoint.dir, number);
            if let Some(corruption) = replay.read(disk, &path, checkpoint.number)? {
                return Err(OpenError::Checkpoint(corruption));
            }
        }
    }
    for number in segments {
        replay.report.segments += 1;
        let path = segment_path(&dir, number);
        if let Some(corruption) = replay.read(disk, &path, number)? {
            let repair = cut(disk, &dir, number, corruption)
                .map_err(|source| OpenError::Repair { path, source })?;
            replay.report.repair = Some(repair);
            replay.state.stats.corruptions += 1;
            break;
        }
    }
    let Replay {
        mut state,
        mut report,
        ..
    } = replay;
    report.series = state.series.len();
    let mut log = LogWriter::open(options.disk.clone(), &dir, options.log).map_err(not_writable)?;
    log.set_ending(Ending::WhenSynced);
    state.log = Some(log);
    Ok((state, report))
}

#[derive(Default)]
struct Replay {
    state: State,
    report: AgentReplayReport,
    /// References of series that have another one in use.
    aliases: HashMap<u64, u64>,
}

impl Replay {
    /// Reads one segment; gives the place from which on it is unusable, if there is one.
    fn read(
        &mut self,
        disk: &dyn Disk,
        path: &Path,
        number: u64,
    ) -> Result<Option<Corruption>, OpenError> {
        let read_error = |source| OpenError::Read {
            path: path.to_path_buf(),
            source,
        };
        let mut reader = SegmentReader::open(disk, path).map_err(read_error)?;
        loop {
            let start = reader.record_end();
            let bytes = match reader.next_record() {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Ok(None),
                Err(SegmentError::Io(error)) => return Err(read_error(error)),
                Err(SegmentError::Corrupt(corruption)) => return Ok(Some(corruption)),
            };
            self.report.records += 1;
            match decode(bytes) {
                Ok(record) => self.apply(record, number),
                Err(error) => {
                    return Ok(Some(Corruption {
                        path: path.to_path_buf(),
                        offset: start,
                        reason: error.to_string(),
                    }));
                }
            }
        }
    }

    fn apply(&mut self, record: Record<'_>, segment: u64) {
        match record {
            Record::Series(entries) => {
                for entry in entries {
                    let known = self.state.series.enter(entry.series, &entry.to_labels());
                    if known != entry.series {
                        self.aliases.insert(entry.series, known);
                        self.state.series.note_deleted(entry.series, segment);
                    }
                }
            }
            Record::Samples(samples) => {
                for (series, time) in samples.series.iter().zip(&samples.times) {
                    self.note(*series, *time, segment);
                }
            }
            Record::Histograms(entries) => {
                for entry in entries {
                    self.note(entry.series, entry.time, segment);
                }
            }
            Record::Exemplars(_)
            | Record::Tombstones(_)
            | Record::Metadata(_)
            | Record::MmapMarkers(_)
            | Record::Group(_)
            | Record::Across(_)
            | Record::InBlocks(_) => {}
            Record::Unknown(_) => self.report.records_unknown += 1,
        }
    }

    fn note(&mut self, series: u64, time: i64, segment: u64) {
        self.report.samples += 1;
        let newest = self.state.newest.entry(segment).or_insert(time);
        *newest = time.max(*newest);
        let known = match self.aliases.get(&series) {
            Some(known) => {
                self.state.series.note_deleted(series, segment);
                *known
            }
            None => series,
        };
        if self.state.series.note(known, time).is_none() {
            self.report.samples_without_series += 1;
        }
    }
}
