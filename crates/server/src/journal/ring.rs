//! The segments of a journal on disk: the newest is appended to, the oldest go when there are too many.
//!
//! Each start begins a segment of its own, so nothing is ever written behind a torn end.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alerting::journal::decode::HEADER_BYTES;
use alerting::journal::{Damage, Draft, Header, Segment, SegmentInfo, SegmentWriter};
use model::disk::{Disk, DiskFile};
use model::{Duration, Timestamp};
use parking_lot::RwLock;

/// The folder below the one of alerting.
pub(crate) const FOLDER: &str = "journal";
/// A segment ends when its records have this much, or all of it that much more. What its records refer to is named
/// again in each segment.
const RECORD_BYTES_MAX: u64 = 4 << 20;
const SEGMENT_BYTES_MAX: u64 = 48 << 20;
/// So much is encoded before it is written.
const WRITE_BYTES: usize = 256 << 10;
/// So many segments wait to be synced at most, where syncing fails for long.
const UNSYNCED_MAX: usize = 16;
/// Of a file that is no larger segment than we write; more is not read.
const READ_BYTES_MAX: u64 = 256 << 20;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLimits {
    pub age: Duration,
    pub bytes: u64,
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self {
            age: Duration::from_secs(30 * 24 * 3600),
            bytes: 1_000_000_000,
        }
    }
}

/// The segments that can be read, in the order of their numbers. Shared with readers.
pub(crate) type Catalog = Arc<RwLock<VecDeque<SegmentInfo>>>;

#[derive(Debug)]
pub(crate) struct Ring {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    limits: JournalLimits,
    catalog: Catalog,
    open: Option<Open>,
    /// Segments that have ended, and do not survive a power cut yet.
    unsynced: Vec<Box<dyn DiskFile>>,
    next_number: u64,
    /// Whether files were made or removed since the folder was last synced.
    has_new_entries: bool,
}

/// The segment that is written.
#[derive(Debug)]
struct Open {
    file: Box<dyn DiskFile>,
    writer: SegmentWriter,
    /// Without what they refer to.
    record_bytes: u64,
    is_dirty: bool,
}

/// Some drafts could not be written.
#[derive(Debug)]
pub(crate) struct NotWritten {
    /// How many were written before.
    pub(crate) written: usize,
    pub(crate) error: io::Error,
}

impl Ring {
    /// Makes the folder if it is not there. Says in words what of it cannot be read.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        limits: JournalLimits,
    ) -> io::Result<(Self, Vec<String>)> {
        disk.create_dir_all(&dir)?;
        let (segments, problems) = look(&*disk, &dir)?;
        let ring = Self {
            next_number: segments.back().map_or(1, |last| last.number + 1),
            catalog: Arc::new(RwLock::new(segments)),
            disk,
            dir,
            limits,
            open: None,
            unsynced: Vec::new(),
            has_new_entries: false,
        };
        Ok((ring, problems))
    }

    pub(crate) fn reader(&self) -> super::read::Reader {
        super::read::Reader {
            disk: Arc::clone(&self.disk),
            dir: self.dir.clone(),
            catalog: Arc::clone(&self.catalog),
        }
    }

    /// Writes them in their order. After a failure the next call begins a new segment.
    pub(crate) fn append(&mut self, drafts: &[Draft]) -> Result<(), NotWritten> {
        let mut written = 0;
        while written < drafts.len() {
            match self.append_some(&drafts[written..]) {
                Ok(count) => written += count,
                Err(error) => return Err(NotWritten { written, error }),
            }
        }
        Ok(())
    }

    /// One write. Returns how many it holds. If it fails, the segment has ended.
    fn append_some(&mut self, drafts: &[Draft]) -> io::Result<usize> {
        let Some(first) = drafts.first() else {
            return Ok(0);
        };
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin(first.at)?,
        };
        let record_bytes_max = RECORD_BYTES_MAX.min(self.limits.bytes / 16).max(4096);
        let segment_bytes_max = SEGMENT_BYTES_MAX.min(self.limits.bytes / 4).max(16384);
        let mut bytes = Vec::with_capacity(WRITE_BYTES);
        let (mut count, mut earliest, mut latest) = (0, first.at, first.at);
        let length = open.file.length();
        let mut is_full = false;
        for draft in drafts {
            open.record_bytes += open.writer.append(draft, &mut bytes) as u64;
            count += 1;
            earliest = earliest.min(draft.at);
            latest = latest.max(draft.at);
            is_full = open.record_bytes >= record_bytes_max
                || length + bytes.len() as u64 >= segment_bytes_max;
            if is_full || bytes.len() >= WRITE_BYTES {
                break;
            }
        }
        if let Err(error) = open.file.append(&bytes) {
            // Half of it may be there. If it cannot be cut off, readers do not look that far.
            let _ = open.file.truncate(length);
            self.abandon(open.file, length);
            return Err(error);
        }
        open.is_dirty = true;
        if let Some(info) = self.catalog.write().back_mut() {
            info.bytes = open.file.length();
            info.earliest = info.earliest.min(earliest);
            info.latest = info.latest.max(latest);
        }
        if is_full {
            self.end(open.file);
        } else {
            self.open = Some(open);
        }
        Ok(count)
    }

    /// A segment takes no more, and is synced with the next.
    fn end(&mut self, file: Box<dyn DiskFile>) {
        if self.unsynced.len() < UNSYNCED_MAX {
            self.unsynced.push(file);
        }
    }

    /// A segment took no more. One without records must not stay: on a full disk there would soon be many.
    fn abandon(&mut self, file: Box<dyn DiskFile>, length: u64) {
        if length > HEADER_BYTES as u64 {
            return self.end(file);
        }
        drop(file);
        if let Some(empty) = self.catalog.write().pop_back() {
            let _ = self.disk.remove_file(&self::file(&self.dir, empty.number));
        }
    }

    fn begin(&mut self, first: Timestamp) -> io::Result<Open> {
        let number = self.next_number;
        // A number is used once, even if making its file fails in the middle.
        self.next_number += 1;
        let before = self.catalog.read().back().copied();
        let before = before.map(|before| (before.earliest, before.latest));
        let header = SegmentWriter::header(&Header { first, before });
        let path = file(&self.dir, number);
        self.has_new_entries = true;
        let mut file = self.disk.create(&path)?;
        if let Err(error) = file.append(&header) {
            // Nothing is lost with it; if it stays, it is a segment that cannot be read.
            let _ = self.disk.remove_file(&path);
            return Err(error);
        }
        self.catalog.write().push_back(SegmentInfo {
            number,
            bytes: file.length(),
            earliest: first,
            latest: first,
        });
        Ok(Open {
            file,
            writer: SegmentWriter::default(),
            record_bytes: 0,
            is_dirty: true,
        })
    }

    /// After it everything written so far survives a power cut.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if let Some(open) = self.open.as_mut().filter(|open| open.is_dirty) {
            open.file.sync()?;
            open.is_dirty = false;
        }
        while let Some(ended) = self.unsynced.last_mut() {
            ended.sync()?;
            self.unsynced.pop();
        }
        if self.has_new_entries {
            self.disk.sync_dir(&self.dir)?;
            self.has_new_entries = false;
        }
        Ok(())
    }

    /// Removes the oldest segments that are too old or too much; never the one that is written.
    pub(crate) fn expire(&mut self, now: Timestamp) -> io::Result<()> {
        let oldest = now - self.limits.age;
        loop {
            let gone = {
                let catalog = self.catalog.read();
                let total: u64 = catalog.iter().map(|segment| segment.bytes).sum();
                let kept_at_least = usize::from(self.open.is_some());
                let candidate = catalog.front().filter(|_| catalog.len() > kept_at_least);
                let candidate =
                    candidate.filter(|first| total > self.limits.bytes || first.latest < oldest);
                candidate.map(|first| first.number)
            };
            let Some(number) = gone else {
                return Ok(());
            };
            match self.disk.remove_file(&file(&self.dir, number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            self.has_new_entries = true;
            self.catalog.write().pop_front();
        }
    }

    pub(crate) fn bytes(catalog: &Catalog) -> u64 {
        catalog.read().iter().map(|segment| segment.bytes).sum()
    }
}

pub(crate) fn file(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:08}"))
}

/// What is in a folder, and in words what cannot be read.
pub(crate) fn look(
    disk: &dyn Disk,
    dir: &Path,
) -> io::Result<(VecDeque<SegmentInfo>, Vec<String>)> {
    let mut numbers: Vec<u64> = Vec::new();
    for path in disk.list(dir)? {
        let name = path.file_name().and_then(|name| name.to_str());
        let digits =
            name.filter(|name| name.len() >= 8 && name.bytes().all(|b| b.is_ascii_digit()));
        numbers.extend(digits.and_then(|name| name.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    let mut problems = Vec::new();
    let mut segments: VecDeque<SegmentInfo> = VecDeque::new();
    // From the newest on: each tells the times of the one before it.
    let mut told: Option<(Timestamp, Timestamp)> = None;
    for number in numbers.into_iter().rev() {
        let path = file(dir, number);
        let bytes = disk.length(&path)?;
        let header = header(disk, &path);
        let times = match told.filter(|_| header.is_ok()) {
            Some(times) => times,
            None => {
                let (times, problem) = times(disk, &path, bytes);
                problems.extend(problem.map(|problem| format!("{}: {problem}", path.display())));
                times
            }
        };
        told = header.ok().and_then(|header| header.before);
        segments.push_front(SegmentInfo {
            number,
            bytes,
            earliest: times.0,
            latest: times.1,
        });
    }
    Ok((segments, problems))
}

fn header(disk: &dyn Disk, path: &Path) -> Result<Header, Damage> {
    let mut bytes = [0; HEADER_BYTES];
    let reader = disk.open_reader(path).map_err(|_| Damage::NoHeader)?;
    match reader.read_at(0, &mut bytes) {
        Ok(length) if length == bytes.len() => Header::read(&bytes),
        _ => Err(Damage::NoHeader),
    }
}

/// The earliest and the latest time of a segment, found by reading it; and what ended the reading.
fn times(disk: &dyn Disk, path: &Path, length: u64) -> ((Timestamp, Timestamp), Option<String>) {
    // A segment without any record has no time that somebody could ask for, and is gone at the first expiry.
    let mut times = (Timestamp::MAX, Timestamp::MIN);
    let bytes = match load(disk, path, length) {
        Ok(bytes) => bytes,
        Err(problem) => return (times, Some(problem)),
    };
    let mut segment = match Segment::new(&bytes) {
        Ok(segment) => segment,
        Err(damage) => return (times, Some(damage.to_string())),
    };
    loop {
        match segment.next_entry() {
            Ok(Some(entry)) => times = (times.0.min(entry.at), times.1.max(entry.at)),
            Ok(None) => return (times, None),
            Err(damage) => return (times, Some(damage.to_string())),
        }
    }
}

/// The first `length` bytes of a file.
pub(crate) fn load(disk: &dyn Disk, path: &Path, length: u64) -> Result<Vec<u8>, String> {
    let fail = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
    let length = usize::try_from(length.min(READ_BYTES_MAX)).unwrap_or(usize::MAX);
    let reader = disk.open_reader(path).map_err(|error| fail(&error))?;
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match reader.read_at(filled as u64, &mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) => return Err(fail(&error)),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
