//! The journal of a folder without a server, and without changing it.

use std::path::Path;
use std::sync::Arc;

use ::api::JournalApi;
use config::alertmanager::matchers::MatcherMode;
use net::Bytes;
use tsdb::ReadOnlyDisk;

use super::read::Reader;
use crate::StartError;
use crate::clock::SystemClock;

/// A journal as it was when it was opened.
#[derive(Debug)]
pub struct OfflineJournal(JournalApi);

impl OfflineJournal {
    /// Opens the data folder of `serve`, the storage of an Alertmanager, or a journal itself; also while it is in use.
    pub fn open(storage: &Path) -> Result<Self, StartError> {
        let reader = Reader::of_folder(Arc::new(ReadOnlyDisk::default()), storage);
        let reader = reader.map_err(|error| StartError::Storage {
            dir: storage.display().to_string(),
            problem: error.to_string(),
        })?;
        Ok(Self(JournalApi {
            clock: Arc::new(SystemClock),
            journal: Arc::new(reader),
            matcher_mode: MatcherMode::default(),
        }))
    }

    /// What a server with this folder would answer to a GET of the path and its parameters.
    pub async fn ask(&self, path: &str) -> Result<Bytes, String> {
        ::api::ask_journal(self.0.clone(), path).await
    }
}
