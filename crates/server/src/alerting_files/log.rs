//! The file of the notification log. An entry is with the system as soon as it is known, so that a process that is
//! killed repeats nothing; within a second it survives a power cut, too.

use std::io;
use std::mem;

use parking_lot::Mutex;

use super::{Folder, LOG, Open};

/// Entries that wait for the file do not wait for long, but a disk may hang.
const NEWS_MAX: usize = 16 << 20;

#[derive(Debug)]
pub(crate) struct LogFile {
    folder: Folder,
    news: Mutex<News>,
    /// None as long as the file has to be written anew.
    open: Mutex<Option<Open>>,
}

/// Entries that are not in the file yet.
#[derive(Debug, Default)]
struct News {
    encoded: Vec<u8>,
    /// Some had no room: the file has to be written anew.
    has_gap: bool,
}

impl LogFile {
    pub(super) fn new(folder: Folder) -> Self {
        Self {
            folder,
            news: Mutex::default(),
            open: Mutex::new(None),
        }
    }

    /// Appends encoded entries, which the caller has recorded before. Whoever writes already takes it along; what
    /// cannot be written waits for [`settle`](Self::settle).
    pub(crate) fn add(&self, entries: &[u8]) {
        {
            let mut news = self.news.lock();
            if news.encoded.len() + entries.len() <= NEWS_MAX {
                news.encoded.extend_from_slice(entries);
            } else {
                news.has_gap = true;
            }
        }
        // Another one may add between the last look and the end of the writing.
        while !self.news.lock().encoded.is_empty() {
            let Some(mut open) = self.open.try_lock() else {
                return;
            };
            let Some(file) = open.as_mut() else {
                return;
            };
            let encoded = mem::take(&mut self.news.lock().encoded);
            if !file.append(&encoded) {
                *open = None;
                return;
            }
        }
    }

    /// Makes everything that was added survive a power cut; `all` is asked where all of the log has to be written.
    /// Gives the size of the file.
    pub(crate) fn settle(&self, all: impl FnOnce() -> Vec<u8>) -> io::Result<usize> {
        let mut open = self.open.lock();
        let news = mem::take(&mut *self.news.lock());
        if let Some(file) = open.as_mut().filter(|_| !news.has_gap)
            && (news.encoded.is_empty() || file.append(&news.encoded))
            && file.file.sync().is_ok()
        {
            return Ok(usize::try_from(file.file.length()).unwrap_or(usize::MAX));
        }
        *open = None;
        // All has the news, which were recorded before they came here.
        let bytes = all();
        *open = Some(self.folder.write_open(LOG, &bytes)?);
        Ok(bytes.len())
    }

    /// Writes all of the log.
    pub(crate) fn replace(&self, all: impl FnOnce() -> Vec<u8>) -> io::Result<usize> {
        *self.open.lock() = None;
        self.settle(all)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;
    use std::sync::Arc;

    use alerting::codec::nflog::encode;
    use alerting::nflog::{LogEntry, LogReceiver, StoredEntry};
    use alerting::time::Time;
    use testkit::disk::{Fault, FaultDisk};

    use super::super::AlertingFiles;
    use super::*;

    fn entry(number: u32) -> StoredEntry {
        StoredEntry {
            entry: LogEntry {
                group_key: format!("{{}}:{{n={number}}}").into(),
                receiver: LogReceiver {
                    group_name: "team".into(),
                    integration: "webhook".into(),
                    index: 0,
                },
                timestamp: Time::new(i64::from(number), 0),
                firing: vec![u64::from(number); 100],
                resolved: Vec::new(),
                receiver_data: Arc::default(),
            },
            expires_at: Time::new(i64::MAX / 2, 0),
        }
    }

    fn open(disk: &FaultDisk) -> (LogFile, BTreeSet<String>, usize) {
        let (files, remembered) =
            AlertingFiles::open(Arc::new(disk.clone()), PathBuf::from("alertmanager")).unwrap();
        let keys = remembered.log.iter();
        let keys = keys.map(|stored| stored.entry.group_key.to_string());
        (files.log(), keys.collect(), remembered.damage.len())
    }

    /// Adds entries, of which each tenth is settled. Gives the number of those that were added, and of those of them
    /// that were settled, before the disk stopped.
    fn add_until_it_crashes(disk: &FaultDisk) -> (u32, u32) {
        let (log, _, _) = open(disk);
        let (mut all, mut settled) = (Vec::new(), 0);
        for number in 0..200 {
            let stored = entry(number);
            let bytes = encode([&stored]);
            all.push(stored);
            log.add(&bytes);
            let is_settled = number % 10 == 0 && log.settle(|| encode(&all)).is_ok();
            if is_settled {
                settled = number + 1;
            }
        }
        (200, settled)
    }

    #[test]
    fn a_kill_loses_no_entry_and_a_power_cut_only_what_was_not_settled() {
        let disk = FaultDisk::new(1);
        let (added, settled) = add_until_it_crashes(&disk);
        let (_, kept, damage) = open(&disk.after_kill());
        assert_eq!((kept.len(), damage), (added as usize, 0));
        let (_, kept, _) = open(&disk.after_power_cut());
        assert!(
            kept.len() >= settled as usize,
            "{} of {settled}",
            kept.len()
        );
    }

    #[test]
    fn what_was_settled_is_there_wherever_the_disk_stops() {
        let disk = FaultDisk::new(1);
        add_until_it_crashes(&disk);
        let writes = disk.writes();
        assert!(writes > 200, "{writes}");
        for at in 4..writes {
            for fault in [Fault::CrashAtWrite(at), Fault::FailWrite(at)] {
                let disk = FaultDisk::new(at);
                disk.plan(Some(fault));
                let (_, settled) = add_until_it_crashes(&disk);
                for after in [disk.after_kill(), disk.after_power_cut()] {
                    let (_, kept, _) = open(&after);
                    assert!(
                        kept.len() >= settled as usize,
                        "{at}: {} of {settled}",
                        kept.len()
                    );
                    // What was damaged is repaired for whoever comes next.
                    let (_, again, damage) = open(&after);
                    assert_eq!((again, damage), (kept, 0), "{at}");
                }
            }
        }
    }

    #[test]
    fn what_has_no_room_is_written_with_the_rest() {
        let disk = FaultDisk::new(1);
        let (log, _, _) = open(&disk);
        log.settle(Vec::new).unwrap();
        let held = log.open.lock();
        log.add(&vec![0; NEWS_MAX]);
        log.add(&[1]);
        drop(held);
        let all = encode([&entry(1)]);
        assert_eq!(log.settle(|| all.clone()).unwrap(), all.len());
        let (_, kept, damage) = open(&disk);
        assert_eq!((kept.len(), damage), (1, 0));
    }
}
