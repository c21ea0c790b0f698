//! `rule-backfill.json` in the data folder: which rules are filled how far. It is replaced as a whole; without it, or
//! where it cannot be read, all rules are looked at anew, which changes no sample.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::Disk;
use serde::{Deserialize, Serialize};
use tsdb::RealDisk;

use super::rule::Done;

const NAME: &str = "rule-backfill.json";
const VERSION: u32 = 1;

#[derive(Debug, Deserialize, Serialize)]
struct Written {
    version: u32,
    rules: Vec<Done>,
}

#[derive(Debug)]
pub(super) struct Memory {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

impl Memory {
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            disk: Arc::new(RealDisk),
            dir: dir.to_owned(),
        }
    }

    pub(super) fn read(&self) -> Vec<Done> {
        let path = self.dir.join(NAME);
        if !self.disk.exists(&path) {
            return Vec::new();
        }
        let read = self.disk.read(&path).map_err(|error| error.to_string());
        let written = read.and_then(|bytes| {
            serde_json::from_slice::<Written>(&bytes).map_err(|error| error.to_string())
        });
        match written {
            Ok(written) if written.version == VERSION => written.rules,
            Ok(written) => {
                let version = written.version;
                tracing::warn!(file = %path.display(), version, "which recording rules are filled backwards is not known: the file is of another version; all are looked at anew");
                Vec::new()
            }
            Err(problem) => {
                tracing::warn!(file = %path.display(), problem, "which recording rules are filled backwards cannot be read; all are looked at anew");
                Vec::new()
            }
        }
    }

    pub(super) fn write(&self, rules: Vec<Done>) -> io::Result<()> {
        let version = VERSION;
        let bytes = serde_json::to_vec_pretty(&Written { version, rules })?;
        let new = self.dir.join(format!("{NAME}.new"));
        let mut file = self.disk.create(&new)?;
        file.append(&bytes)?;
        file.sync()?;
        self.disk.rename(&new, &self.dir.join(NAME))?;
        self.disk.sync_dir(&self.dir)
    }
}
