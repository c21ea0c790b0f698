//! Imports over HTTP: what comes is written to a file below the data folder, then to blocks beside it, which move into
//! the data folder together when all is well. They are visible when the answer is given.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use api::{Import, ImportFailure, ImportKind, ImportSource, ImportView, ImportedBlockView};
use folder::import::openmetrics::{BlockLength, Imported, MEMORY_MAX, OpenMetricsImport};
use folder::import::{ImportError, archive, openmetrics};
use folder::progress::Silent;
use model::disk::Disk;
use model::{Duration, Timestamp};
use tsdb::block::BlockMeta;
use tsdb::db::AdoptError;
use tsdb::{Db, RealDisk};

use crate::budget::{MemoryBudget, Step};
use crate::pieces::ulids;

/// Samples may be so far ahead of the clock. Later ones would make everything else look old to the retention.
pub(crate) const AHEAD_MAX: Duration = Duration::from_secs(3600);

/// What came, and what was made of it, in the folder of an import.
const BODY: &str = "body";
const BLOCKS: &str = "blocks";
/// A merge of blocks is waited for so long.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
/// An import may take this part of the memory budget.
const MEMORY_SHARE: u64 = 8;

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

/// What an import works with.
#[derive(Clone)]
pub(crate) struct Destination {
    pub(crate) db: Db,
    /// The data folder.
    pub(crate) dir: PathBuf,
    pub(crate) budget: Arc<MemoryBudget>,
    pub(crate) now: Timestamp,
}

/// An import under way.
pub(crate) struct RunningImport {
    source: ImportSource,
    into: Destination,
    /// A folder of an unfinished block, which a start would remove.
    spool: PathBuf,
    file: File,
    _place: Taken,
}

impl Drop for RunningImport {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = std::fs::remove_dir_all(&self.spool);
    }
}

/// Begins an import.
pub(crate) fn begin(
    place: &ImportPlace,
    source: ImportSource,
    into: Destination,
) -> Result<RunningImport, ImportFailure> {
    if into.budget.step() >= Step::RefuseQueries {
        let scarce = "the memory of the server is nearly used up; try again later";
        return Err(ImportFailure::Busy(scarce.to_owned()));
    }
    if place.0.swap(true, Ordering::Acquire) {
        let other = "another import is running; try again when it is done";
        return Err(ImportFailure::Busy(other.to_owned()));
    }
    let place = Taken(place.clone());
    let spool = into
        .dir
        .join(format!("{}.tmp-for-creation", ulids().make()));
    let fail = |error: std::io::Error| {
        ImportFailure::Failed(format!("writing to {}: {error}", spool.display()))
    };
    std::fs::create_dir_all(spool.join(BLOCKS)).map_err(fail)?;
    let file = File::create(spool.join(BODY)).map_err(fail)?;
    Ok(RunningImport {
        source,
        into,
        spool,
        file,
        _place: place,
    })
}

impl RunningImport {
    fn blocks(&self) -> Result<Imported, ImportError> {
        let (body, staged) = (self.spool.join(BODY), self.spool.join(BLOCKS));
        let io = |source| ImportError::Io {
            doing: "reading",
            path: body.clone(),
            source,
        };
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let time_max = Some(self.into.now + AHEAD_MAX);
        match self.source.kind {
            ImportKind::OpenMetrics => {
                let page = disk.map(&body).map_err(io)?;
                openmetrics::import(
                    (*page).as_ref(),
                    &OpenMetricsImport {
                        disk: &disk,
                        dir: &staged,
                        ulids: &ulids(),
                        labels: &self.source.labels,
                        length: BlockLength::Fitting(self.into.db.block_range_max()),
                        time_max,
                        memory_max: memory_max(&self.into.budget),
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
                let blocks = archive::import(&disk, &staged, archive, time_max)?;
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
        let Destination { db, now, .. } = &self.into;
        let adopted = db.adopt(&self.spool.join(BLOCKS), *now, PATIENCE);
        let blocks = adopted.map_err(|error| match error {
            AdoptError::Busy => ImportFailure::Busy(error.to_string()),
            error if error.is_of_input() => ImportFailure::Input(error.to_string()),
            error => ImportFailure::Failed(error.to_string()),
        })?;
        tracing::info!(
            blocks = blocks.len(),
            samples = imported.samples,
            "imported over HTTP"
        );
        Ok(ImportView {
            blocks: blocks.iter().map(view).collect(),
            samples: imported.samples,
            duplicates: imported.duplicates,
        })
    }
}

fn view(meta: &BlockMeta) -> ImportedBlockView {
    ImportedBlockView {
        ulid: meta.ulid.to_string(),
        min_time: meta.min_time,
        max_time: meta.max_time,
        series: meta.stats.num_series,
        samples: meta.stats.num_samples,
    }
}

fn memory_max(budget: &MemoryBudget) -> usize {
    let share = usize::try_from(budget.limit().bytes / MEMORY_SHARE);
    share.map_or(MEMORY_MAX, |share| share.min(MEMORY_MAX))
}
