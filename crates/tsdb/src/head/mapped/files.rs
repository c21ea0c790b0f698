//! The files themselves: appending to the newest, reading all, removing the oldest.

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::{Disk, DiskFile, DiskReader, SyncHandle};
use parking_lot::{Mutex, RwLock};

use super::Position;
use super::format::{FILE_BYTES_MAX, NewChunk, encode, file_header};

pub(in crate::head) fn file_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:06}"))
}

/// Chunk files of one head. Chunks of one series must be written in the order of their times.
#[derive(Debug)]
pub(in crate::head) struct ChunkFiles {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    pub(super) file_bytes_max: u32,
    tail: Mutex<Tail>,
    files: RwLock<BTreeMap<u32, Entry>>,
}

/// The end of the newest file.
#[derive(Debug, Default)]
struct Tail {
    /// `None` until the first chunk of this process.
    file: Option<Box<dyn DiskFile>>,
    /// Number of the newest file; 0 before the first.
    number: u32,
    /// Bytes of `file`, if all is well.
    length: u64,
    /// How much of it is known to be durable.
    synced: u64,
    /// It may hold more, left by a write that failed.
    has_torn_end: bool,
    /// The next chunk starts a new file.
    is_finished: bool,
    /// Chunks to be written, kept for its memory.
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    reader: Arc<dyn DiskReader>,
    /// Time of the newest sample in the file.
    end: i64,
}

/// What a write did: where the chunks went that arrived, and why there are no more of them.
#[derive(Debug)]
pub(in crate::head) struct Written {
    pub(in crate::head) positions: Vec<Position>,
    pub(in crate::head) error: Option<io::Error>,
}

/// Making so many bytes durable takes no longer than making one.
const UNSYNCED_BYTES: u64 = 1024 * 1024;

impl ChunkFiles {
    pub(in crate::head) fn new(disk: Arc<dyn Disk>, dir: PathBuf) -> Self {
        Self {
            disk,
            dir,
            file_bytes_max: FILE_BYTES_MAX,
            tail: Mutex::default(),
            files: RwLock::default(),
        }
    }

    /// Enters a file that is there already; new chunks go to a new one.
    pub(in crate::head) fn enter(&self, number: u32, reader: Arc<dyn DiskReader>, end: i64) {
        self.files.write().insert(number, Entry { reader, end });
        let mut tail = self.tail.lock();
        tail.number = tail.number.max(number);
    }

    /// Takes a file out that is not to be there.
    pub(in crate::head) fn remove(&self, number: u32) -> io::Result<()> {
        self.disk.remove_file(&self.path(number))?;
        self.forget(number);
        Ok(())
    }

    /// The file was removed: its number is free again, if it was the last.
    pub(in crate::head) fn forget(&self, number: u32) {
        let mut tail = self.tail.lock();
        let mut files = self.files.write();
        files.remove(&number);
        let last = files.last_key_value().map_or(0, |(number, _)| *number);
        if tail.file.is_none() {
            tail.number = last;
        }
    }

    pub(in crate::head) fn reader(&self, file: u32) -> Option<Arc<dyn DiskReader>> {
        Some(self.files.read().get(&file)?.reader.clone())
    }

    pub(in crate::head) fn path(&self, file: u32) -> PathBuf {
        file_path(&self.dir, file)
    }

    /// Appends chunks in one write for each file. If that fails, chunks that arrived before count, and
    /// what is left of the others is cut off.
    pub(in crate::head) fn write<'c>(&self, chunks: impl Iterator<Item = NewChunk<'c>>) -> Written {
        let mut positions = Vec::new();
        let mut tail = self.tail.lock();
        let error = self.append(&mut tail, chunks, &mut positions).err();
        tail.buffer.clear();
        Written { positions, error }
    }

    fn append<'c>(
        &self,
        tail: &mut Tail,
        chunks: impl Iterator<Item = NewChunk<'c>>,
        positions: &mut Vec<Position>,
    ) -> io::Result<()> {
        let mut waiting = Vec::new();
        let mut end = i64::MIN;
        let mut encoded = Vec::new();
        for chunk in chunks {
            encoded.clear();
            encode(&mut encoded, &chunk);
            let length = tail.length + (tail.buffer.len() + encoded.len()) as u64;
            if tail.file.is_none() || self.is_to_end(tail, length) {
                self.flush(tail, mem::replace(&mut end, i64::MIN))?;
                positions.append(&mut waiting);
                self.next_file(tail)?;
            }
            if tail.length == 0 && tail.buffer.is_empty() {
                tail.buffer.extend_from_slice(&file_header());
            }
            waiting.push(Position {
                file: tail.number,
                // Files stay far below 4 GiB: the limit, and one chunk of 16 MiB at most.
                offset: (tail.length + tail.buffer.len() as u64) as u32,
            });
            tail.buffer.extend_from_slice(&encoded);
            end = end.max(chunk.head.end);
        }
        self.flush(tail, end)?;
        positions.append(&mut waiting);
        Ok(())
    }

    /// Whether a file that would grow to `length` is ended before: soon after a sync, as making it durable
    /// takes long else and commits would wait; at twice the length at the latest.
    fn is_to_end(&self, tail: &Tail, length: u64) -> bool {
        let limit = u64::from(self.file_bytes_max);
        let is_quick = tail.length.saturating_sub(tail.synced) <= UNSYNCED_BYTES;
        (tail.is_finished || length > limit) && (is_quick || length > 2 * limit)
    }

    /// Writes what is in the buffer.
    fn flush(&self, tail: &mut Tail, end: i64) -> io::Result<()> {
        let (Some(file), false) = (&mut tail.file, tail.buffer.is_empty()) else {
            return Ok(());
        };
        if tail.has_torn_end {
            file.truncate(tail.length)?;
            tail.has_torn_end = false;
        }
        // Before the write: the file may then be kept for too long, but never removed too early.
        if let Some(entry) = self.files.write().get_mut(&tail.number) {
            entry.end = entry.end.max(end);
        }
        if let Err(error) = file.append(&tail.buffer) {
            // If cutting fails too, the next write tries again first.
            tail.has_torn_end = file.truncate(tail.length).is_err();
            return Err(error);
        }
        tail.length += tail.buffer.len() as u64;
        tail.buffer.clear();
        Ok(())
    }

    /// The file before is made durable first: a gap in the middle of the files would not be noticed.
    fn next_file(&self, tail: &mut Tail) -> io::Result<()> {
        if let Some(file) = &mut tail.file {
            if tail.has_torn_end {
                file.truncate(tail.length)?;
                tail.has_torn_end = false;
            }
            file.sync()?;
        }
        let number = tail.number.saturating_add(1);
        let path = self.path(number);
        self.disk.create_dir_all(&self.dir)?;
        let file = self.disk.create(&path)?;
        let reader = self.disk.open_reader(&path)?.into();
        self.disk.sync_dir(&self.dir)?;
        let entry = Entry {
            reader,
            end: i64::MIN,
        };
        self.files.write().insert(number, entry);
        tail.file = Some(file);
        tail.number = number;
        tail.length = 0;
        tail.synced = 0;
        tail.is_finished = false;
        Ok(())
    }

    /// Where the next chunk would go, and what makes durable all that is before it.
    pub(in crate::head) fn sync_point(
        &self,
    ) -> io::Result<(Position, Option<Box<dyn SyncHandle>>)> {
        let mut tail = self.tail.lock();
        let end = Position {
            file: tail.number,
            // As above.
            offset: tail.length as u32,
        };
        let Some(file) = &mut tail.file else {
            return Ok((end, None));
        };
        let handle = file.sync_handle()?;
        if handle.is_none() {
            file.sync()?;
        }
        Ok((end, handle))
    }

    /// Makes everything durable that was written so far. Nobody else waits meanwhile.
    pub(in crate::head) fn sync(&self) -> io::Result<()> {
        let (end, handle) = self.sync_point()?;
        if let Some(handle) = handle {
            handle.sync()?;
        }
        let mut tail = self.tail.lock();
        if tail.number == end.file {
            tail.synced = tail.synced.max(u64::from(end.offset).min(tail.length));
        }
        Ok(())
    }

    /// The same, if the newest file is long enough to be ended.
    pub(in crate::head) fn sync_if_full(&self) -> io::Result<()> {
        let is_full = {
            let tail = self.tail.lock();
            tail.is_finished || tail.length > u64::from(self.file_bytes_max)
        };
        if is_full { self.sync() } else { Ok(()) }
    }

    /// Removes the oldest files, as long as all their samples are before `time` and their numbers before
    /// `keep_from`. The newest one is ended, so that it can go next time.
    pub(in crate::head) fn remove_before(&self, time: i64, keep_from: u32) -> io::Result<usize> {
        let newest = {
            let mut tail = self.tail.lock();
            tail.is_finished = tail.length > 0;
            tail.number
        };
        let mut removed = 0;
        loop {
            let oldest = self
                .files
                .read()
                .first_key_value()
                .map(|(number, entry)| (*number, entry.end));
            let Some((number, end)) = oldest else {
                break;
            };
            let is_open = number == newest && self.tail.lock().file.is_some();
            if end >= time || number >= keep_from || is_open {
                break;
            }
            self.disk.remove_file(&self.path(number))?;
            self.files.write().remove(&number);
            removed += 1;
        }
        Ok(removed)
    }
}
