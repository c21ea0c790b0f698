//! What alerting remembers over a restart: silences and the notification log, in the files of Alertmanager.
//!
//! The folder can be handed to an Alertmanager (`--storage.path`), and one of an Alertmanager is read. A file is
//! replaced as a whole: written under another name, synced, renamed. So a crash leaves the old or the new one.
//!
//! Changes are appended first, as thousands of them would take a write of all each; of several entries with one id the
//! last counts, for the peer too. A power cut in the middle of that leaves a torn last entry, of a change that was not
//! confirmed; the next start repairs the file.

mod log;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alerting::codec::{self, CodecError};
use alerting::nflog::StoredEntry;
use alerting::silences::StoredSilence;
use model::disk::{Disk, DiskFile};

pub(crate) use log::LogFile;

/// Names are those of the peer.
const SILENCES: &str = "silences";
const LOG: &str = "nflog";

/// So much may be appended at least before all silences are written anew.
const APPENDED_MIN: u64 = 64 << 10;

#[derive(Debug)]
pub(crate) struct AlertingFiles {
    folder: Folder,
    silences: Option<Open>,
}

/// Where the files are.
#[derive(Clone, Debug)]
struct Folder {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

/// A file, when all of it was written by us.
#[derive(Debug)]
struct Open {
    file: Box<dyn DiskFile>,
    /// Its length when it was written as a whole.
    whole: u64,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    pub(crate) silences: Vec<StoredSilence>,
    pub(crate) log: Vec<StoredEntry>,
    /// Sizes of the files.
    pub(crate) silence_bytes: usize,
    pub(crate) log_bytes: usize,
    pub(crate) damage: Vec<Damage>,
}

/// A file that could not be read to its end. What was read of it is in force, and is the file now, if it could be
/// written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}; {kept} entries before that are kept, {repair}")]
pub(crate) struct Damage {
    path: String,
    problem: CodecError,
    kept: usize,
    repair: String,
}

/// What can be read, and what ended it.
type Decode<T> = fn(&[u8]) -> (Vec<T>, Option<CodecError>);

impl AlertingFiles {
    /// Makes the folder if it is not there, and reads what is in it.
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: PathBuf) -> io::Result<(Self, Remembered)> {
        disk.create_dir_all(&dir)?;
        let folder = Folder { disk, dir };
        let mut remembered = Remembered::default();
        let damage = &mut remembered.damage;
        let decode = codec::silence::decode_prefix;
        let encode = |all: &[StoredSilence]| codec::silence::encode(all);
        (remembered.silences, remembered.silence_bytes) =
            folder.read(SILENCES, decode, encode, damage)?;
        let decode = codec::nflog::decode_prefix;
        let encode = |all: &[StoredEntry]| codec::nflog::encode(all);
        (remembered.log, remembered.log_bytes) = folder.read(LOG, decode, encode, damage)?;
        let files = Self {
            folder,
            silences: None,
        };
        Ok((files, remembered))
    }

    /// The file of the notification log, which is kept apart: nobody waits for it.
    pub(crate) fn log(&self) -> LogFile {
        LogFile::new(self.folder.clone())
    }

    /// Replaces all silences.
    pub(crate) fn write_silences(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.silences = None;
        self.silences = Some(self.folder.write_open(SILENCES, bytes)?);
        Ok(())
    }

    /// Adds silences that have changed; `all` is asked where all of them have to be written.
    pub(crate) fn add_silences(
        &mut self,
        changed: &[u8],
        all: impl FnOnce() -> Vec<u8>,
    ) -> io::Result<()> {
        // What a failure leaves behind is replaced with the rest.
        if let Some(open) = &mut self.silences
            && open.append(changed)
            && open.file.sync().is_ok()
        {
            return Ok(());
        }
        self.write_silences(&all())
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.folder.dir
    }
}

impl Open {
    /// Whether there was room for it, and it was written.
    fn append(&mut self, bytes: &[u8]) -> bool {
        let appended = self.file.length().saturating_sub(self.whole);
        let has_room = appended + bytes.len() as u64 <= self.whole.max(APPENDED_MIN);
        has_room && self.file.append(bytes).is_ok()
    }
}

impl Folder {
    /// Gives the size of the file too.
    fn read<T>(
        &self,
        name: &str,
        decode: Decode<T>,
        encode: impl Fn(&[T]) -> Vec<u8>,
        damage: &mut Vec<Damage>,
    ) -> io::Result<(Vec<T>, usize)> {
        let path = self.dir.join(name);
        let bytes = match self.disk.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
            Err(error) => {
                let problem = format!("{}: {error}", path.display());
                return Err(io::Error::new(error.kind(), problem));
            }
        };
        let (entries, problem) = decode(&bytes);
        let mut size = bytes.len();
        if let Some(problem) = problem {
            let aside = format!("{name}.damaged");
            // At once: nothing else keeps the good entries over a crash.
            let good = encode(&entries);
            size = good.len();
            let repaired = self
                .write(&aside, &bytes)
                .and_then(|()| self.write(name, &good));
            damage.push(Damage {
                path: path.display().to_string(),
                problem,
                kept: entries.len(),
                repair: match repaired {
                    Ok(()) => format!("all of it is in {}", self.dir.join(aside).display()),
                    Err(error) => format!("it could not be repaired: {error}"),
                },
            });
        }
        Ok((entries, size))
    }

    fn write_open(&self, name: &str, bytes: &[u8]) -> io::Result<Open> {
        self.write(name, bytes)?;
        Ok(Open {
            file: self.disk.open_append(&self.dir.join(name))?,
            whole: bytes.len() as u64,
        })
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = self.dir.join(format!("{name}.new"));
        let mut file = self.disk.create(&new)?;
        file.append(bytes)?;
        file.sync()?;
        self.disk.rename(&new, &self.dir.join(name))?;
        self.disk.sync_dir(&self.dir)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alerting::Silence;
    use alerting::time::Time;
    use testkit::disk::{Fault, FaultDisk};

    use super::*;

    /// By id: the comment, which has the number of the change.
    type Comments = BTreeMap<String, u32>;

    fn open(disk: &FaultDisk) -> io::Result<(AlertingFiles, Remembered)> {
        AlertingFiles::open(Arc::new(disk.clone()), PathBuf::from("alertmanager"))
    }

    fn comments(remembered: &Remembered) -> Comments {
        // The last of an id counts.
        let all = remembered.silences.iter();
        all.map(|stored| {
            let number = stored.silence.comment.trim().parse();
            (stored.silence.id.clone(), number.unwrap())
        })
        .collect()
    }

    fn stored(id: &str, number: u32) -> StoredSilence {
        StoredSilence {
            silence: Arc::new(Silence {
                id: id.to_owned(),
                comment: format!("{number}{}", " ".repeat(400)),
                ..Silence::default()
            }),
            expires_at: Time::new(1, 0),
        }
    }

    /// Makes changes, of which each silence has some, until the disk stops. Gives what was confirmed, and the change
    /// that was not.
    fn change_until_it_crashes(disk: &FaultDisk) -> (Comments, Option<(String, u32)>) {
        let mut confirmed = Comments::new();
        let Ok((mut files, remembered)) = open(disk) else {
            return (confirmed, None);
        };
        let mut state: BTreeMap<String, StoredSilence> = BTreeMap::new();
        for one in remembered.silences {
            state.insert(one.silence.id.clone(), one);
        }
        for number in 0..400 {
            let id = format!("silence-{}", number % 37);
            let one = stored(&id, number);
            state.insert(id.clone(), one.clone());
            let changed = codec::silence::encode([&one]);
            let all = || codec::silence::encode(state.values());
            if files.add_silences(&changed, all).is_err() {
                return (confirmed, Some((id, number)));
            }
            confirmed.insert(id, number);
        }
        (confirmed, None)
    }

    #[test]
    fn changes_are_appended() {
        let disk = FaultDisk::new(1);
        let (confirmed, _) = change_until_it_crashes(&disk);
        let (_, remembered) = open(&disk).unwrap();
        assert_eq!(comments(&remembered), confirmed);
        assert!(remembered.damage.is_empty());
        // Not each of them alone, and not all of them for ever.
        let kept = remembered.silences.len();
        assert!(kept > 37 && kept < 400, "{kept}");
    }

    #[test]
    fn what_was_confirmed_is_there_wherever_the_disk_stops() {
        let disk = FaultDisk::new(1);
        change_until_it_crashes(&disk);
        let writes = disk.writes();
        assert!(writes > 400, "{writes}");
        for at in 0..writes {
            let disk = FaultDisk::new(at);
            disk.plan(Some(Fault::CrashAtWrite(at)));
            let (confirmed, unconfirmed) = change_until_it_crashes(&disk);
            for (how, after) in [
                ("kill", disk.after_kill()),
                ("power cut", disk.after_power_cut()),
            ] {
                let (_, remembered) = open(&after).unwrap();
                let found = comments(&remembered);
                let mut with = confirmed.clone();
                with.extend(unconfirmed.clone());
                let is_right = found == confirmed || found == with;
                assert!(is_right, "{how} at {at}: {found:?}, {confirmed:?}");
                // What was damaged is repaired for whoever comes next.
                let (_, again) = open(&after).unwrap();
                assert!(again.damage.is_empty(), "{how} at {at}");
                assert_eq!(comments(&again), found, "{how} at {at}");
            }
        }
    }

    #[test]
    fn a_failed_append_is_made_up_for() {
        let disk = FaultDisk::new(5);
        change_until_it_crashes(&disk);
        for at in 3..disk.writes() {
            let disk = FaultDisk::new(at);
            disk.plan(Some(Fault::FailWrite(at)));
            let (confirmed, unconfirmed) = change_until_it_crashes(&disk);
            let (_, remembered) = open(&disk.after_power_cut()).unwrap();
            let mut found = comments(&remembered);
            if let Some((id, number)) = unconfirmed
                && found.get(&id) == Some(&number)
            {
                found.remove(&id);
                found.extend(confirmed.get(&id).map(|number| (id, *number)));
            }
            assert_eq!(found, confirmed, "{at}");
        }
    }
}
