//! Imports over HTTP: what comes is written to a file below the data folder first, then to blocks, and is visible when
//! the answer is given.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use api::{Import, ImportFailure, ImportKind, ImportSource, ImportView, ImportedBlockView};
use folder::import::openmetrics::{Imported, OpenMetricsImport};
use folder::import::{ImportError, archive, openmetrics};
use folder::progress::Silent;
use model::disk::Disk;
use model::{Duration, Timestamp};
use tsdb::block::BlockMeta;
use tsdb::{Db, RealDisk};

use crate::pieces::ulids;

/// Samples may be so far ahead of the clock. Later ones would make everything else look old to the retention.
pub(crate) const AHEAD_MAX: Duration = Duration::from_secs(3600);

/// One import at a time: each may take memory of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImportPlace(Arc<AtomicBool>);

/// The place, taken.
struct Taken(ImportPlace);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Release);
    }
}

/// An import under way.
pub(crate) struct RunningImport {
    source: ImportSource,
    db: Db,
    /// The data folder.
    dir: PathBuf,
    /// A folder of an unfinished block, which a start would remove.
    spool: PathBuf,
    file: File,
    now: Timestamp,
    _place: Taken,
}

impl Drop for RunningImport {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = std::fs::remove_dir_all(&self.spool);
    }
}

/// Begins an import into the database.
pub(crate) fn begin(
    place: &ImportPlace,
    source: ImportSource,
    (db, dir): (&Db, &std::path::Path),
    now: Timestamp,
) -> Result<RunningImport, ImportFailure> {
    if place.0.swap(true, Ordering::Acquire) {
        return Err(ImportFailure::Busy);
    }
    let place = Taken(place.clone());
    let spool = dir.join(format!("{}.tmp-for-creation", ulids().make()));
    let fail = |error: std::io::Error| {
        ImportFailure::Failed(format!("writing to {}: {error}", spool.display()))
    };
    std::fs::create_dir_all(&spool).map_err(fail)?;
    let file = File::create(spool.join("body")).map_err(fail)?;
    Ok(RunningImport {
        source,
        db: db.clone(),
        dir: dir.to_path_buf(),
        spool,
        file,
        now,
        _place: place,
    })
}

impl RunningImport {
    fn blocks(&self) -> Result<Imported, ImportError> {
        let body = self.spool.join("body");
        let io = |source| ImportError::Io {
            doing: "reading",
            path: body.clone(),
            source,
        };
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let time_max = Some(self.now + AHEAD_MAX);
        match self.source.kind {
            ImportKind::OpenMetrics => {
                let page = disk.map(&body).map_err(io)?;
                openmetrics::import(
                    (*page).as_ref(),
                    &OpenMetricsImport {
                        disk: &disk,
                        dir: &self.dir,
                        ulids: &ulids(),
                        labels: &self.source.labels,
                        range_max: Duration::ZERO,
                        time_max,
                        progress: &Silent,
                    },
                )
            }
            ImportKind::Blocks => {
                if !self.source.labels.is_empty() {
                    let problem = "labels cannot be added to blocks";
                    return Err(ImportError::Input(problem.to_owned()));
                }
                let archive = File::open(&body).map_err(io)?;
                let blocks = archive::import(&disk, &self.dir, archive, time_max)?;
                Ok(Imported {
                    samples: blocks.iter().map(|meta| meta.stats.num_samples).sum(),
                    blocks,
                    duplicates: 0,
                })
            }
        }
    }
}

impl Import for RunningImport {
    fn write(&mut self, bytes: &[u8]) -> Result<(), ImportFailure> {
        self.file.write_all(bytes).map_err(|error| {
            ImportFailure::Failed(format!("writing to {}: {error}", self.spool.display()))
        })
    }

    fn finish(self: Box<Self>) -> Result<ImportView, ImportFailure> {
        let imported = self.blocks().map_err(|error| {
            if error.is_of_input() {
                ImportFailure::Input(error.to_string())
            } else {
                ImportFailure::Failed(error.to_string())
            }
        })?;
        let reloaded = self.db.reload();
        reloaded.map_err(|error| {
            ImportFailure::Failed(format!(
                "the blocks are in the data folder, and cannot be shown yet: {error}"
            ))
        })?;
        let visible: Vec<_> = self.db.blocks().iter().map(|block| block.meta()).collect();
        let is_there = |meta: &BlockMeta| {
            visible.iter().any(|own| {
                // A compaction may have been faster.
                own.ulid == meta.ulid
                    || own
                        .compaction
                        .parents
                        .iter()
                        .any(|parent| parent.ulid == meta.ulid)
                    || own.compaction.sources.contains(&meta.ulid)
            })
        };
        let view = |meta: &BlockMeta| ImportedBlockView {
            ulid: meta.ulid.to_string(),
            min_time: meta.min_time,
            max_time: meta.max_time,
            series: meta.stats.num_series,
            samples: meta.stats.num_samples,
            is_beyond_retention: !is_there(meta),
        };
        tracing::info!(
            blocks = imported.blocks.len(),
            samples = imported.samples,
            "imported over HTTP"
        );
        Ok(ImportView {
            blocks: imported.blocks.iter().map(view).collect(),
            samples: imported.samples,
            duplicates: imported.duplicates,
        })
    }
}
