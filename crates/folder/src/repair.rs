//! Making a data folder usable again, without losing what can be read.
//!
//! A damaged block is replaced by a block of all its chunks that can be read. Of a damaged log, the samples behind the
//! damage go into a block before a start, which is what comes next, cuts them off. Every file that is replaced, cut or
//! removed is kept in the folder `set-aside` of the data folder, under its own name.

use std::collections::{HashMap, HashSet};
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
use crate::saved::{Saved, named};
use crate::verify::{Part, Report, is_leftover, verify};

/// Where files go that were replaced or cut.
pub const SET_ASIDE: &str = "set-aside";
/// So many missing segments are made; more are no accident.
const GAP_MAX: usize = 1000;

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
        let cuts = repair.cuts()?;
        repair.rescue_logs(&cuts)?;
        repair.fill_gaps()?;
        repair.head()?;
    }
    Ok(Repaired {
        found,
        done: repair.done,
    })
}

/// What a start would drop of the logs.
#[derive(Debug, Default)]
struct Cuts {
    /// From where on, by segment.
    ends: HashMap<PathBuf, u64>,
    removed: HashSet<PathBuf>,
    /// The checkpoint cannot be read. Without it most of the log has no meaning.
    has_no_checkpoint: bool,
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
        let mut saved = Saved::new(&self.disk, self.dir, self.ulids);
        let salvaged = salvage(&*self.disk, &dir, &mut builder, &mut |builder| {
            saved.step(builder);
        });
        // The new block is there before the old one goes: a crash leaves both, which answers the same.
        let (_, blocks) = saved.finish(builder)?;
        let aside = self.aside(&dir)?;
        self.disk
            .rename(&dir, &aside)
            .map_err(io_error("moving", &dir))?;
        self.disk
            .sync_dir(self.dir)
            .map_err(io_error("syncing", self.dir))?;
        let kept = format!("the old one is in {}", aside.display());
        self.done.push(match salvaged {
            Ok(_) if blocks.is_empty() => format!("block {ulid}: no sample of it can be read; {kept}"),
            Ok(salvaged) => {
                let undeleted = if salvaged.is_undeleted {
                    "; what was deleted from it by name is there again"
                } else {
                    ""
                };
                format!(
                    "block {ulid}: {} samples are in {}; {} chunks and {} series could not be read{undeleted}; {kept}",
                    salvaged.samples, named(&blocks), salvaged.chunks_lost, salvaged.series_lost
                )
            }
            Err(error) => format!("block {ulid}: nothing of it can be saved ({error}); {kept}"),
        });
        Ok(())
    }

    /// Looks at the logs as a start does. It may cut one log because of a damage in another: commits to both count
    /// only where both have them.
    fn cuts(&self) -> Result<Cuts, RepairError> {
        let mut cuts = Cuts::default();
        let options = self.head_options(Arc::new(ReadOnlyDisk::default()))?;
        match Head::open(options) {
            Ok((_, replay)) => {
                for repair in replay.repairs {
                    let corruption = repair.corruption;
                    cuts.ends.insert(corruption.path, corruption.offset);
                    cuts.removed.extend(repair.segments_removed);
                }
            }
            Err(OpenError::Checkpoint(_)) => cuts.has_no_checkpoint = true,
            Err(error) => return Err(error.into()),
        }
        Ok(cuts)
    }

    /// Puts the samples of the logs that a start would drop into a block, and those behind a damage, which it drops
    /// when there is no snapshot any more.
    fn rescue_logs(&mut self, cuts: &Cuts) -> Result<(), RepairError> {
        let folders = log_folders(&*self.disk, self.dir).map_err(io_error("reading", self.dir))?;
        let mut series: HashMap<u64, Labels> = HashMap::new();
        let mut builder = BlockBuilder::new();
        let mut saved = Saved::new(&self.disk, self.dir, self.ulids);
        // Series are named in the checkpoint and in the log; the out-of-order log refers to them.
        for folder in folders
            .iter()
            .filter(|folder| folder.kind != LogKind::Snapshot)
        {
            self.rescue_log(folder, cuts, &mut series, (&mut builder, &mut saved))
                .map_err(io_error("reading", &folder.dir))?;
        }
        let (samples, blocks) = saved.finish(builder)?;
        if !blocks.is_empty() {
            self.done.push(format!(
                "the log: {samples} samples behind damaged places are in {}",
                named(&blocks)
            ));
        }
        Ok(())
    }

    fn rescue_log(
        &self,
        folder: &LogFolder,
        cuts: &Cuts,
        series: &mut HashMap<u64, Labels>,
        (builder, saved): (&mut BlockBuilder, &mut Saved<'_>),
    ) -> io::Result<()> {
        let (numbers, _) = segments(&*self.disk, &folder.dir)?;
        let mut is_behind = cuts.has_no_checkpoint;
        for number in numbers {
            let check = check_segment(&*self.disk, folder, number)?;
            let path = segment_path(&folder.dir, number);
            let damage = check.corruption.map(|corruption| corruption.offset);
            is_behind |= cuts.removed.contains(&path);
            let end = cuts.ends.get(&path).copied();
            let end = end.into_iter().chain(damage).min();
            let length = self.disk.length(&path)?;
            let mut from = 0;
            while from < length {
                let mut reader = SegmentReader::open_at(&*self.disk, &path, from)?;
                loop {
                    let at = reader.record_end();
                    let Ok(Some(record)) = reader.next_record() else {
                        break;
                    };
                    let is_lost = is_behind || end.is_some_and(|end| at >= end);
                    if let Ok(record) = decode(record) {
                        take(&record, series, is_lost.then_some(&mut *builder));
                        saved.step(builder);
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

    /// Puts empty segments where some are missing; Prometheus does not start without.
    fn fill_gaps(&mut self) -> Result<(), RepairError> {
        let folders = log_folders(&*self.disk, self.dir).map_err(io_error("reading", self.dir))?;
        for LogFolder { dir, kind } in folders {
            if !matches!(kind, LogKind::Main | LogKind::OutOfOrder) {
                continue;
            }
            for _ in 0..GAP_MAX {
                let (_, gap) = segments(&*self.disk, &dir).map_err(io_error("reading", &dir))?;
                let Some(gap) = gap else { break };
                let path = segment_path(&dir, gap);
                let made = self.disk.create(&path).and_then(|mut file| file.sync());
                made.map_err(io_error("making", &path))?;
                self.done.push(format!(
                    "{} was missing; an empty one is there now, and what it had is lost",
                    path.display()
                ));
            }
            self.disk
                .sync_dir(&dir)
                .map_err(io_error("syncing", &dir))?;
        }
        Ok(())
    }

    /// How a server would open the head.
    fn head_options(&self, disk: Arc<dyn Disk>) -> Result<OpenOptions, RepairError> {
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
        let mut options = OpenOptions::new(self.dir, disk);
        options.valid_from = valid_from;
        Ok(options)
    }

    /// Keeps copies of what a start would change, then lets it.
    fn head(&mut self) -> Result<(), RepairError> {
        let look = |repair: &Self| -> Result<_, RepairError> {
            let options = repair.head_options(Arc::new(ReadOnlyDisk::default()))?;
            Ok(Head::open(options))
        };
        let looked = match look(self)? {
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
                    "the checkpoint cannot be read ({corruption}); it is in {}, and samples that only it has are in a new block as far as they can be read",
                    aside.display()
                ));
                look(self)?
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
        let (head, replay) = Head::open(self.head_options(Arc::clone(&self.disk))?)?;
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

    /// Copies a file, or a folder with all that is in it.
    fn copy(&self, from: &Path, to: &Path) -> Result<(), RepairError> {
        if !from.is_dir() {
            let copied = std::fs::copy(from, to).and_then(|_| std::fs::File::open(to)?.sync_all());
            return copied.map_err(io_error("copying", from));
        }
        self.disk
            .create_dir_all(to)
            .map_err(io_error("making", to))?;
        for name in self.disk.list(from).map_err(io_error("reading", from))? {
            self.copy(&from.join(&name), &to.join(&name))?;
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
    if let Some(builder) = builder {
        builder.add_logged(record, |reference| series.get(&reference));
    }
}
