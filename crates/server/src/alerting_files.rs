//! What alerting remembers over a restart: silences and the notification log, in the files of Alertmanager.
//!
//! The folder can be handed to an Alertmanager (`--storage.path`), and one of an Alertmanager is read. A file is
//! replaced as a whole: written under another name, synced, renamed. So a crash leaves the old or the new one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alerting::codec::{self, CodecError};
use alerting::nflog::StoredEntry;
use alerting::silences::StoredSilence;
use model::disk::Disk;

/// Names are those of the peer.
const SILENCES: &str = "silences";
const LOG: &str = "nflog";

#[derive(Clone, Debug)]
pub(crate) struct AlertingFiles {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    pub(crate) silences: Vec<StoredSilence>,
    pub(crate) log: Vec<StoredEntry>,
    pub(crate) damage: Vec<Damage>,
}

/// A file that could not be read to its end. What was read of it is in force; the file was set aside.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}; {kept} entries before that are kept, the file is now {aside}")]
pub(crate) struct Damage {
    path: String,
    problem: CodecError,
    kept: usize,
    aside: String,
}

/// What can be read, and what ended it.
type Decode<T> = fn(&[u8]) -> (Vec<T>, Option<CodecError>);

impl AlertingFiles {
    /// Makes the folder if it is not there, and reads what is in it.
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: PathBuf) -> io::Result<(Self, Remembered)> {
        disk.create_dir_all(&dir)?;
        let files = Self { disk, dir };
        let mut remembered = Remembered::default();
        let damage = &mut remembered.damage;
        remembered.silences = files.read(SILENCES, codec::silence::decode_prefix, damage)?;
        remembered.log = files.read(LOG, codec::nflog::decode_prefix, damage)?;
        Ok((files, remembered))
    }

    fn read<T>(
        &self,
        name: &str,
        decode: Decode<T>,
        damage: &mut Vec<Damage>,
    ) -> io::Result<Vec<T>> {
        let path = self.dir.join(name);
        let bytes = match self.disk.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let (entries, problem) = decode(&bytes);
        if let Some(problem) = problem {
            let aside = self.dir.join(format!("{name}.damaged"));
            self.disk.rename(&path, &aside)?;
            damage.push(Damage {
                path: path.display().to_string(),
                problem,
                kept: entries.len(),
                aside: aside.display().to_string(),
            });
        }
        Ok(entries)
    }

    pub(crate) fn write_silences(&self, bytes: &[u8]) -> io::Result<()> {
        self.write(SILENCES, bytes)
    }

    pub(crate) fn write_log(&self, bytes: &[u8]) -> io::Result<()> {
        self.write(LOG, bytes)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = self.dir.join(format!("{name}.new"));
        let mut file = self.disk.create(&new)?;
        file.append(bytes)?;
        file.sync()?;
        self.disk.rename(&new, &self.dir.join(name))?;
        self.disk.sync_dir(&self.dir)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}
