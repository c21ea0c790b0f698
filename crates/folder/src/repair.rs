//! Making a data folder usable again, without losing what can be read.
//!
//! A damaged block is replaced by a block of all its chunks that can be read. Of a damaged log, the samples behind the
//! damage go into a block before a start, which is what comes next, cuts them off. Every file that is replaced, cut or
//! removed is kept in the folder `set-aside` of the data folder, under its own name.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::Disk;
use model::{Labels, Timestamp};
use tsdb::block::{Block, BlockBuilder, Ulid, UlidSource, WriteBlockError, salvage};
use tsdb::log::record::{Record, decode};
use tsdb::log::{PAGE, SegmentReader, segment_path};
use tsdb::{Head, OpenError, OpenOptions, ReadOnlyDisk, RealDisk};

use crate::logs::{LogFolder, LogKind, check_segment, log_folders, segments};
use crate::progress::Progress;
use crate::verify::{Part, Report, is_leftover, verify};

/// Where files go that were replaced or cut.
pub const SET_ASIDE: &str = "set-aside";

/// Why a repair ended. What was done before stays done, and a further repair goes on.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    #[error("{doing} {}: {source}", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(transparent)]
    Write(#[from] WriteBlockError),
    #[error("opening the head: {0}")]
    Head(#[from] OpenError),
}

fn io_error<'p>(doing: &'static str, path: &'p Path) -> impl Fn(io::Error) -> RepairError + 'p {
    move |source| RepairError::Io {
        doing,
        path: path.to_path_buf(),
        source,
    }
}

/// What a repair found and did, a sentence each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    pub found: Report,
    pub done: Vec<String>,
}

/// Repairs the folder; the caller holds its lock.
pub fn repair(
    dir: &Path,
    ulids: &UlidSource,
    progress: &dyn Progress,
) -> Result<Repaired, RepairError> {
    let found = verify(dir, progress).map_err(io_error("reading", dir))?;
    let mut repair = Repair {
        dir,
        disk: Arc::new(RealDisk),
        ulids,
        done: Vec::new(),
    };
    repair.remove_leftovers()?;
    let mut blocks: Vec<Ulid> = found
        .problems
        .iter()
        .filter_map(|problem| match problem.part {
            Part::Block(ulid) => Some(ulid),
            Part::Head | Part::Leftover => None,
        })
        .collect();
    blocks.dedup();
    for ulid in blocks {
        repair.block(ulid)?;
    }
    if found
        .problems
        .iter()
        .any(|problem| problem.part == Part::Head)
    {
        repair.rescue_logs()?;
        repair.head()?;
    }
    Ok(Repaired {
        found,
        done: repair.done,
    })
}

struct Repair<'a> {
    dir: &'a Path,
    disk: Arc<dyn Disk>,
    ulids: &'a UlidSource,
    done: Vec<String>,
}

impl Repair<'_> {
    fn remove_leftovers(&mut self) -> Result<(), RepairError> {
        let names = self
            .disk
            .list(self.dir)
            .map_err(io_error("reading", self.dir))?;
        for name in names {
            let path = self.dir.join(&name);
            if is_leftover(&name.to_string_lossy()) {
                self.disk
                    .remove_dir_all(&path)
                    .map_err(io_error("removing", &path))?;
                self.done
                    .push(format!("removed the leftover {}", path.display()));
            }
        }
        Ok(())
    }

    /// A name below the folder for things that are set aside, which nothing has yet.
    fn aside(&self, path: &Path) -> Result<PathBuf, RepairError> {
        let relative = path.strip_prefix(self.dir).unwrap_or(path);
        let root = self.dir.join(SET_ASIDE);
        let mut place = root.join(relative);
        let mut number = 1;
        while self.disk.exists(&place) {
            number += 1;
            place = root.join(format!("{}.{number}", relative.display()));
        }
        if let Some(parent) = place.parent() {
            self.disk
                .create_dir_all(parent)
                .map_err(io_error("making", parent))?;
        }
        Ok(place)
    }

    fn block(&mut self, ulid: Ulid) -> Result<(), RepairError> {
        let dir = self.dir.join(ulid.to_string());
        let mut builder = BlockBuilder::new();
        let salvaged = salvage(&*self.disk, &dir, &mut builder);
        // The new block is there before the old one goes: a crash leaves both, which answers the same.
        let built = builder.write(&self.disk, self.dir, self.ulids.make())?;
        let aside = self.aside(&dir)?;
        self.disk
            .rename(&dir, &aside)
            .map_err(io_error("moving", &dir))?;
        self.disk
            .sync_dir(self.dir)
            .map_err(io_error("syncing", self.dir))?;
        let kept = format!("the old one is in {}", aside.display());
        self.done.push(match (salvaged, built) {
            (Ok(salvaged), Some(built)) => {
                let undeleted = if salvaged.is_undeleted {
                    "; what was deleted from it by name is there again"
                } else {
                    ""
                };
                format!(
                    "block {ulid}: {} samples are in the new block {}; {} chunks and {} series could not be read{undeleted}; {kept}",
                    salvaged.samples, built.meta.ulid, salvaged.chunks_lost, salvaged.series_lost
                )
            }
            (Ok(_), None) => format!("block {ulid}: no sample of it can be read; {kept}"),
            (Err(error), _) => format!("block {ulid}: nothing of it can be saved ({error}); {kept}"),
        });
        Ok(())
    }

    /// Puts the samples behind the first damage of each log into a block.
    fn rescue_logs(&mut self) -> Result<(), RepairError> {
        let folders = log_folders(&*self.disk, self.dir).map_err(io_error("reading", self.dir))?;
        let mut series: HashMap<u64, Labels> = HashMap::new();
        let mut builder = BlockBuilder::new();
        // Series are named in the checkpoint and in the log; the out-of-order log refers to them.
        for folder in folders
            .iter()
            .filter(|folder| folder.kind != LogKind::Snapshot)
        {
            self.rescue_log(folder, &mut series, &mut builder)
                .map_err(io_error("reading", &folder.dir))?;
        }
        let samples = builder.samples();
        if let Some(built) = builder.write(&self.disk, self.dir, self.ulids.make())? {
            self.done.push(format!(
                "the log: {samples} samples behind damaged places are in the new block {}",
                built.meta.ulid
            ));
        }
        Ok(())
    }

    fn rescue_log(
        &self,
        folder: &LogFolder,
        series: &mut HashMap<u64, Labels>,
        builder: &mut BlockBuilder,
    ) -> io::Result<()> {
        let (numbers, gap) = segments(&*self.disk, &folder.dir)?;
        let mut is_behind = false;
        for number in numbers {
            is_behind |= gap.is_some_and(|gap| gap <= number);
            let check = check_segment(&*self.disk, folder, number)?;
            let path = segment_path(&folder.dir, number);
            let damage = check.corruption.map(|corruption| corruption.offset);
            let length = self.disk.length(&path)?;
            let mut from = 0;
            while from < length {
                let mut reader = SegmentReader::open_at(&*self.disk, &path, from)?;
                loop {
                    let at = reader.record_end();
                    let Ok(Some(record)) = reader.next_record() else {
                        break;
                    };
                    let is_lost = is_behind || damage.is_some_and(|damage| at >= damage);
                    if let Ok(record) = decode(record) {
                        take(&record, series, is_lost.then_some(&mut *builder));
                    }
                }
                // Records begin anew somewhere in one of the pages that follow.
                let stopped = reader.record_end().max(from);
                from = (stopped / PAGE as u64 + 1) * PAGE as u64;
                if damage.is_none() {
                    break;
                }
            }
            is_behind |= damage.is_some();
        }
        Ok(())
    }

    /// Keeps copies of what a start would change, then lets it.
    fn head(&mut self) -> Result<(), RepairError> {
        let mut valid_from = Timestamp::MIN;
        for name in self
            .disk
            .list(self.dir)
            .map_err(io_error("reading", self.dir))?
        {
            if Ulid::parse(&name.to_string_lossy()).is_some()
                && let Ok(block) = Block::open(&*self.disk, &self.dir.join(name))
                && !block.meta().compaction.is_partial()
            {
                valid_from = valid_from.max(Timestamp(block.meta().max_time));
            }
        }
        let options = |disk: Arc<dyn Disk>| {
            let mut options = OpenOptions::new(self.dir, disk);
            options.valid_from = valid_from;
            options
        };
        let looked = match Head::open(options(Arc::new(ReadOnlyDisk::default()))) {
            Err(OpenError::Checkpoint(corruption)) => {
                let checkpoint = corruption
                    .path
                    .parent()
                    .unwrap_or(&corruption.path)
                    .to_owned();
                let aside = self.aside(&checkpoint)?;
                self.disk
                    .rename(&checkpoint, &aside)
                    .map_err(io_error("moving", &checkpoint))?;
                self.done.push(format!(
                    "the checkpoint cannot be read ({corruption}); it is in {}, and samples of series that only it names are lost",
                    aside.display()
                ));
                Head::open(options(Arc::new(ReadOnlyDisk::default())))
            }
            looked => looked,
        };
        let (_, replay) = looked?;
        let mut changed: Vec<PathBuf> = Vec::new();
        for repair in &replay.repairs {
            changed.push(repair.corruption.path.clone());
            changed.extend(repair.segments_removed.iter().cloned());
        }
        changed.sort();
        changed.dedup();
        for path in changed {
            if self.disk.exists(&path) {
                let aside = self.aside(&path)?;
                self.copy(&path, &aside)?;
                self.done.push(format!(
                    "kept a copy of {} in {}",
                    path.display(),
                    aside.display()
                ));
            }
        }
        let (head, replay) = Head::open(options(Arc::clone(&self.disk)))?;
        let closed = head.close();
        closed.map_err(|error| RepairError::Io {
            doing: "closing the log in",
            path: self.dir.to_path_buf(),
            source: io::Error::other(error),
        })?;
        let cut = replay.repairs.iter();
        self.done
            .extend(cut.map(|repair| format!("the log: {repair}")));
        Ok(())
    }

    fn copy(&self, from: &Path, to: &Path) -> Result<(), RepairError> {
        let copy_file = |from: &Path, to: &Path| -> io::Result<()> {
            std::fs::copy(from, to)?;
            std::fs::File::open(to)?.sync_all()
        };
        if !from.is_dir() {
            return copy_file(from, to).map_err(io_error("copying", from));
        }
        self.disk
            .create_dir_all(to)
            .map_err(io_error("making", to))?;
        for name in self.disk.list(from).map_err(io_error("reading", from))? {
            copy_file(&from.join(&name), &to.join(&name)).map_err(io_error("copying", from))?;
        }
        Ok(())
    }
}

/// Notes the series of a record, and its samples if there is somewhere to put them.
fn take(
    record: &Record<'_>,
    series: &mut HashMap<u64, Labels>,
    builder: Option<&mut BlockBuilder>,
) {
    if let Record::Series(entries) = record {
        for entry in entries {
            let labels =
                Labels::from_pairs(entry.labels.iter().map(|(name, value)| (&**name, &**value)));
            series.insert(entry.series, labels);
        }
    }
    let Some(builder) = builder else { return };
    match record {
        Record::Samples(samples) => {
            let rows = samples
                .series
                .iter()
                .zip(&samples.times)
                .zip(&samples.values);
            for ((reference, time), value) in rows {
                if let Some(labels) = series.get(reference) {
                    builder.add(labels, *time, *value);
                }
            }
        }
        Record::Histograms(entries) => {
            for entry in entries {
                if let Some(labels) = series.get(&entry.series) {
                    builder.add_histogram(labels, entry.time, &entry.value);
                }
            }
        }
        _ => {}
    }
}
