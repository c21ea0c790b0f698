//! A data folder that is read without a server, and without changing it.

use std::path::Path;
use std::sync::Arc;

use api::QueryApi;
use metrics::Registry;
use model::{Clock, Timestamp};
use net::Bytes;
use promql::ParserOptions;
use queries::QueryService;
use tsdb::{Db, DbOptions, OpenOptions, ReadOnlyDisk};

use crate::StartError;
use crate::clock::SystemClock;
use crate::features::Features;
use crate::options::QueryOptions;
use crate::storage::is_in_use;

/// An open folder, as it was when it was opened.
pub struct OfflineData {
    db: Db,
    api: QueryApi,
    /// What is not as it should be; queries are answered from the rest.
    pub notices: Vec<String>,
}

impl std::fmt::Debug for OfflineData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OfflineData")
            .field("db", &self.db)
            .field("notices", &self.notices)
            .finish_non_exhaustive()
    }
}

impl OfflineData {
    /// Opens a folder of ours or of Prometheus, also while a server uses it. The log is read into memory, as a
    /// server does when it starts. All of the language is switched on.
    pub fn open(dir: &Path, options: &QueryOptions) -> Result<Self, StartError> {
        let (db, mut notices) = open_read_only(dir)?;
        if db.time_range().is_none() {
            notices.push(format!("there are no samples in {}", dir.display()));
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut settings = crate::query_settings::query_settings(options, Features::default(), 0);
        settings.parser = ParserOptions::ALL;
        let reader = Arc::new(db.clone());
        let registry = Registry::new();
        let queries = QueryService::new(settings, reader, Arc::clone(&clock), &registry, None);
        let api = QueryApi { clock, queries };
        Ok(Self { db, api, notices })
    }

    /// Of the newest sample.
    pub fn newest(&self) -> Option<Timestamp> {
        self.db.time_range().map(|range| range.end)
    }

    /// What a server with this folder would answer to a GET of the path and its parameters.
    pub async fn ask(&self, path: &str) -> Result<Bytes, String> {
        api::ask(self.api.clone(), path).await
    }
}

/// Opens a folder without changing it, also while a server uses it; what is not as it should be comes with it.
pub fn open_read_only(dir: &Path) -> Result<(Db, Vec<String>), StartError> {
    let fail = |problem: String| StartError::Storage {
        dir: dir.display().to_string(),
        problem,
    };
    if !dir.is_dir() {
        return Err(fail("there is no such folder".to_owned()));
    }
    let head = OpenOptions::new(dir, Arc::new(ReadOnlyDisk::default()));
    let in_use = is_in_use(dir);
    let opened = Db::open(DbOptions::new(head, crate::pieces::ulids()));
    let (db, report) = opened.map_err(|error| fail(error.to_string()))?;
    let mut notices = Vec::new();
    if in_use {
        notices.push(
            "a server uses the folder: what it has stored since the folder was opened is missing"
                .to_owned(),
        );
    }
    notices.extend(report.rejected.iter().map(ToString::to_string));
    // A server that writes at this moment leaves a record half written.
    for repair in report.replay.repairs.iter().filter(|_| !in_use) {
        notices.push(format!("the log has a damaged place, and what follows it is missing (the file was not changed): {repair}"));
    }
    Ok((db, notices))
}
