//! The data folder: locked, opened, synced, and saved in snapshots.

use std::fs::{File, OpenOptions as FileOptions};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use model::Clock;
use model::storage::{SampleWriter, SeriesGate};
use rustix::fs::{FlockOperation, flock};
use tsdb::agent::AgentOpening;
use tsdb::block::UlidSource;
use tsdb::log::PAGE;
use tsdb::{Agent, Db, DbOptions, OpenOptions, RealDisk};

use crate::StartError;
use crate::features::Features;
use crate::opened::Opened;
use crate::options::StorageOptions;
use crate::pending_uploads::PendingUploads;
use crate::retention::{Limits, block_range_max};
use crate::samples::SampleSettings;

/// How often the log is made to survive a power cut. A crash of the process loses nothing in any case.
const SYNC_INTERVAL: Duration = Duration::from_secs(5);
/// How often it is seen whether a chunk snapshot is due, which it is every few minutes.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(5);

/// A locked data folder. The lock is held as long as this lives.
#[derive(Debug)]
pub(crate) struct Storage {
    /// Waits for [`Opening`] to be done. That of an agent is closed from the start.
    pub(crate) db: Db,
    /// Where samples go instead; waits too.
    pub(crate) agent: Option<Agent>,
    pub(crate) dir: PathBuf,
    _lock: Option<File>,
}

impl Storage {
    /// Where samples go.
    pub(crate) fn writer(&self) -> Arc<dyn SampleWriter> {
        match &self.agent {
            Some(agent) => Arc::new(agent.clone()),
            None => Arc::new(self.db.clone()),
        }
    }

    /// Makes everything durable; nothing is written from then on.
    pub(crate) fn close(db: &Db, agent: Option<&Agent>) -> Result<(), model::storage::WriteError> {
        match agent {
            Some(agent) => agent.close(),
            None => db.close(),
        }
    }
}

/// What a data folder is opened with.
pub(crate) struct Settings {
    pub(crate) dir: PathBuf,
    pub(crate) options: StorageOptions,
    pub(crate) is_agent: bool,
    pub(crate) limits: Limits,
    pub(crate) samples: SampleSettings,
    pub(crate) features: Features,
    pub(crate) clock: Arc<dyn Clock>,
    /// Asked before new series are made.
    pub(crate) gate: Arc<dyn SeriesGate>,
}

/// Reading what is in the folder, which may take a while.
#[derive(Debug)]
pub(crate) struct Opening {
    work: Work,
    dir: String,
}

#[derive(Debug)]
enum Work {
    Db(tsdb::db::Opening),
    Agent(AgentOpening),
}

impl Opening {
    /// Reads the folder.
    pub(crate) fn finish(self) -> Result<Opened, StartError> {
        let done = match self.work {
            Work::Db(work) => work
                .finish()
                .map(|found| Opened {
                    report: format!("{found:?}"),
                    repairs: found.replay.repairs,
                })
                .map_err(|error| error.to_string()),
            Work::Agent(work) => work
                .finish()
                .map(|found| Opened {
                    report: format!("{found:?}"),
                    repairs: found.repair.into_iter().collect(),
                })
                .map_err(|error| error.to_string()),
        };
        done.map_err(|problem| StartError::Storage {
            dir: self.dir,
            problem,
        })
    }
}

/// Locks the folder; makes it if it is not there.
pub(crate) fn lock(settings: Settings) -> Result<(Storage, Opening), StartError> {
    let dir = settings.dir;
    let shown = dir.display().to_string();
    let lock = match settings.options.is_locked {
        true => Some(lock_folder(&dir)?),
        false => None,
    };
    let mut head = OpenOptions::new(&dir, Arc::new(RealDisk));
    head.block_range = settings.options.block_range;
    head.gate = Some(Arc::clone(&settings.gate));
    head.log.compression = settings.options.log_compression;
    if settings.options.log_segment_bytes > 0 {
        let pages = settings.options.log_segment_bytes / PAGE as u64;
        head.log.segment_bytes = pages.max(1) * PAGE as u64;
    }
    settings.samples.apply(settings.features, &mut head);
    let mut options = DbOptions::new(head, UlidSource::new(settings.clock, random()));
    options.block_range_max = block_range_max(&settings.options, settings.limits);
    options.retention_rules = settings.options.retention_rules.0;
    options.retention = settings.limits.of_folder(&dir);
    if let Some(file) = settings.options.uploads_file {
        tracing::info!(file = %file.display(), "blocks are merged once this file names them as uploaded");
        options.held = Some(Arc::new(PendingUploads::new(file)));
    }
    let log = options.head.log;
    let starts = (options.head.start_times, options.head.zeros);
    let window = options.head.out_of_order.clone();
    let (db, work) = Db::prepare(options);
    settings.samples.put_in_place(&db);
    let (agent, work) = match settings.is_agent {
        false => (None, Work::Db(work)),
        true => {
            drop(work);
            let mut options = tsdb::agent::AgentOptions::new(&dir, Arc::new(RealDisk));
            options.log = log;
            (options.start_times, options.zeros) = starts;
            // The window that a reload sets.
            options.out_of_order = window;
            options.gate = Some(settings.gate);
            let (agent, work) = Agent::prepare(options);
            (Some(agent), Work::Agent(work))
        }
    };
    let opening = Opening { work, dir: shown };
    let storage = Storage {
        db,
        agent,
        dir,
        _lock: lock,
    };
    Ok((storage, opening))
}

/// Makes the folder if it is not there, and takes its lock, which is held as long as the file is open.
pub fn lock_folder(dir: &Path) -> Result<File, StartError> {
    let shown = dir.display().to_string();
    let fail = |problem: String| StartError::Storage {
        dir: shown.clone(),
        problem,
    };
    std::fs::create_dir_all(dir).map_err(|error| fail(format!("making the folder: {error}")))?;
    let lock = FileOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("lock"))
        .map_err(|error| {
            fail(format!(
                "making the file `lock`: {error}; check who owns the folder"
            ))
        })?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| StartError::Locked {
        dir: shown.clone(),
        problem: error.to_string(),
    })?;
    Ok(lock)
}

/// Whether somebody holds the folder's lock.
pub fn is_in_use(dir: &Path) -> bool {
    let Ok(lock) = File::open(dir.join("lock")) else {
        return false;
    };
    // It is given back when the file is closed.
    flock(&lock, FlockOperation::NonBlockingLockShared).is_err()
}

/// A number that nobody else has: the standard library's hasher is seeded by the system, and differently
/// every time.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// Syncs the log, and takes chunk snapshots so that a start has little of it to read, until the task is
/// dropped.
pub(crate) async fn keep_synced(db: Db) {
    let sync = every(SYNC_INTERVAL, db.clone(), |db| {
        if let Err(error) = db.head().sync() {
            tracing::error!(%error, "syncing the log failed; samples since the last sync would be lost in a power cut");
        }
    });
    // A snapshot may have to wait for a truncation of the head; syncing must not.
    let snapshots = every(SNAPSHOT_INTERVAL, db, |db| {
        match db.head().snapshot_if_due() {
            Ok(Some(snapshot)) => tracing::debug!(?snapshot, "chunk snapshot taken"),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "no chunk snapshot; nothing is lost, but the next start would take longer");
            }
        }
    });
    tokio::join!(sync, snapshots);
}

/// Does work that may block, again and again.
async fn every(interval: Duration, db: Db, work: fn(&Db)) {
    let mut interval = tokio::time::interval(interval);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let db = db.clone();
        let done = tokio::task::spawn_blocking(move || work(&db));
        // A panic in there is logged by the runtime and must not end the round.
        let _ = done.await;
    }
}
