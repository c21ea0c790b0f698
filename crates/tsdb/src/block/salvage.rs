//! What can still be read of a damaged block.

use std::path::Path;

use model::disk::Disk;

use super::builder::BlockBuilder;
use super::chunks::{CHUNKS_DIR, ChunkFiles, ChunkWindow};
use super::damage::BlockError;
use super::index::reader::VersionByte;
use super::index::{INDEX_FILE, IndexReader, SeriesEntry};
use super::meta::read_meta;
use super::tombstones::Tombstones;
use crate::compact::{Sample, decode_whole};

/// How much was saved and how much is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    pub samples: u64,
    pub chunks: u64,
    pub chunks_lost: u64,
    pub series_lost: u64,
    /// What was deleted and not removed yet is there again: the file of tombstones cannot be read.
    pub is_undeleted: bool,
}

/// Adds all samples of the block in `dir` that can be read to `builder`, which is shown to `step` after each series:
/// it may be taken away there when it is large. An error if its index cannot be read: the
/// labels of the samples are not known then.
pub fn salvage(
    disk: &dyn Disk,
    dir: &Path,
    builder: &mut BlockBuilder,
    step: &mut dyn FnMut(&mut BlockBuilder),
) -> Result<Salvaged, BlockError> {
    let is_version_2 = read_meta(disk, dir).is_ok_and(|(meta, _)| meta.version == 2);
    let version_byte = if is_version_2 {
        VersionByte::Wrong
    } else {
        VersionByte::Right
    };
    let index = IndexReader::open(disk, &dir.join(INDEX_FILE), version_byte)?;
    let (chunks, _) = ChunkFiles::open_readable(disk, &dir.join(CHUNKS_DIR))?;
    let mut salvaged = Salvaged::default();
    let tombstones = match Tombstones::read(disk, dir) {
        Ok((tombstones, _)) => tombstones,
        Err(_) => {
            salvaged.is_undeleted = true;
            Tombstones::default()
        }
    };
    let mut window = ChunkWindow::new(&chunks);
    let mut entry = SeriesEntry::default();
    let mut samples: Vec<Sample> = Vec::new();
    for series in index.all_series()?.into_iter().flat_map(|all| all.iter()) {
        let labels = index
            .series(series, &mut entry)
            .and_then(|()| index.labels(&entry));
        let Ok(labels) = labels else {
            salvaged.series_lost += 1;
            continue;
        };
        let last = entry.chunks.last().map_or(0, |place| place.reference);
        samples.clear();
        for place in &entry.chunks {
            let from = samples.len();
            let raw = window.read(place.reference, last);
            let is_read =
                raw.is_ok_and(|raw| decode_whole(raw.encoding, raw.data, &mut samples).is_ok());
            if is_read {
                salvaged.chunks += 1;
            } else {
                // What came before the damage of a chunk may be wrong, too.
                samples.truncate(from);
                salvaged.chunks_lost += 1;
            }
        }
        let deleted = tombstones.of(u64::from(series));
        samples.retain(|sample| {
            let time = model::Timestamp(sample.time);
            !deleted.iter().any(|range| range.contains(time))
        });
        salvaged.samples += samples.len() as u64;
        builder.add_samples(&labels, &mut samples);
        step(builder);
    }
    index.release();
    Ok(salvaged)
}
