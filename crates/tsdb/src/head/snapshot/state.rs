//! What the peer's snapshots do not have: the next number of a series, up to where closed chunks were
//! synced, how much there is of everything, and the metadata of metrics. A segment of the log in the
//! snapshot's folder `keepwatch`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::Disk;

use super::load::LoadError;
use crate::bytes::{Bytes, Malformed, put_u64};
use crate::head::mapped::Position;
use crate::log::record::{self, MetadataEntry, Record};
use crate::log::{Corruption, LogOptions, LogWriter, SegmentReader, segment_path};

/// Type of the first record; not one of the log's.
const STATE: u8 = 0xe1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// The reference that the next new series gets.
    pub(super) next_reference: u64,
    /// Chunks before this are durable, and every chunk that was closed before its series was saved is
    /// before this.
    pub(super) chunks_end: Position,
    /// How many there are: files can be cut between two records, where nothing else would tell.
    pub(super) series: u64,
    pub(super) exemplars: u64,
    pub(super) metadata: u64,
}

/// All of it, as it was read.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) state: State,
    pub(super) metadata: Vec<MetadataEntry<'static>>,
}

fn folder(snapshot: &Path) -> PathBuf {
    snapshot.join("keepwatch")
}

pub(super) fn write(
    disk: &Arc<dyn Disk>,
    snapshot: &Path,
    options: LogOptions,
    state: State,
    metadata: &[MetadataEntry<'_>],
) -> std::io::Result<()> {
    let mut writer = LogWriter::open(disk.clone(), &folder(snapshot), options)?;
    let mut out = vec![STATE];
    put_u64(&mut out, state.next_reference);
    put_u64(&mut out, u64::from(state.chunks_end.file));
    put_u64(&mut out, u64::from(state.chunks_end.offset));
    for count in [state.series, state.exemplars, state.metadata] {
        put_u64(&mut out, count);
    }
    writer.append(&[&out])?;
    // A help text has some KiB at most; a record of a thousand stays far below a segment.
    for entries in metadata.chunks(1000) {
        let mut out = Vec::new();
        record::encode_metadata(&mut out, entries);
        writer.append(&[&out])?;
    }
    writer.close()
}

/// `None` if another program made the snapshot.
pub(super) fn read(disk: &dyn Disk, snapshot: &Path) -> Result<Option<Saved>, LoadError> {
    let dir = folder(snapshot);
    if !disk.exists(&dir) {
        return Ok(None);
    }
    let path = segment_path(&dir, 0);
    let mut reader = SegmentReader::open(disk, &path)?;
    let mut state = None;
    let mut metadata = Vec::new();
    loop {
        let offset = reader.record_end();
        let corrupt = |reason: &str| {
            LoadError::Corrupt(Corruption {
                path: path.clone(),
                offset,
                reason: reason.to_owned(),
            })
        };
        match reader.next_record() {
            Ok(Some(bytes)) => {
                if let Some((&STATE, rest)) = bytes.split_first() {
                    let read = decode(&mut Bytes(rest));
                    state = Some(read.map_err(|_| corrupt("the record of counts is malformed"))?);
                } else if let Ok(Record::Metadata(entries)) = record::decode(bytes) {
                    metadata.extend(entries.into_iter().map(MetadataEntry::into_owned));
                }
            }
            Ok(None) => {
                let state = state.filter(|state: &State| state.metadata == metadata.len() as u64);
                return match state {
                    Some(state) => Ok(Some(Saved { state, metadata })),
                    None => Err(corrupt("the file ends too early")),
                };
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn decode(rest: &mut Bytes<'_>) -> Result<State, Malformed> {
    let next_reference = rest.u64()?;
    let mut short = || u32::try_from(rest.u64()?).map_err(|_| Malformed);
    Ok(State {
        next_reference,
        chunks_end: Position {
            file: short()?,
            offset: short()?,
        },
        series: rest.u64()?,
        exemplars: rest.u64()?,
        metadata: rest.u64()?,
    })
}
