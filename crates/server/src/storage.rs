//! The data folder: locked, opened, synced and trimmed.

use std::fs::{File, OpenOptions as FileOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::Clock;
use rustix::fs::{FlockOperation, flock};
use tsdb::{Head, OpenOptions, RealDisk, ReplayReport};

use crate::StartError;

/// How often the log is made to survive a power cut. A crash of the process loses nothing in any case.
const SYNC_INTERVAL: Duration = Duration::from_secs(5);
/// How often samples beyond the retention are dropped.
const TRIM_INTERVAL: Duration = Duration::from_secs(15 * 60);

/// An open data folder. The lock is held as long as this lives.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) head: Head,
    pub(crate) replay: ReplayReport,
    _lock: File,
}

/// Makes the folder if it is not there.
pub(crate) fn open(dir: &Path) -> Result<Storage, StartError> {
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
    let options = OpenOptions::new(dir, Arc::new(RealDisk));
    let (head, replay) = Head::open(options).map_err(|error| fail(error.to_string()))?;
    Ok(Storage {
        head,
        replay,
        _lock: lock,
    })
}

/// Syncs and trims until the task is dropped.
pub(crate) async fn maintain(head: Head, clock: Arc<dyn Clock>, retention: model::Duration) {
    let mut sync = tokio::time::interval(SYNC_INTERVAL);
    let mut trim = tokio::time::interval(TRIM_INTERVAL);
    sync.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    trim.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let head = head.clone();
        let work = tokio::select! {
            _ = sync.tick() => tokio::task::spawn_blocking(move || {
                if let Err(error) = head.sync() {
                    tracing::error!(%error, "syncing the log failed; samples since the last sync would be lost in a power cut");
                }
            }),
            _ = trim.tick() => {
                let keep_from = clock.now() - retention;
                tokio::task::spawn_blocking(move || {
                    if let Err(error) = head.truncate(keep_from) {
                        tracing::error!(%error, "dropping old samples failed; the next attempt is in 15 minutes");
                    }
                })
            }
        };
        // A panic in there is logged by the runtime and must not end the maintenance.
        let _ = work.await;
    }
}
