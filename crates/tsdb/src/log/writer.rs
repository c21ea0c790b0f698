//! Appending to the log.

use std::borrow::Cow;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::{Disk, DiskFile, SyncHandle};

use super::compression::{self, Compression};
use super::segment::{list_segments, segment_path};
use super::{FRAGMENT_HEADER, PAGE, SEGMENT_BYTES, frame};

#[derive(Clone, Copy, Debug)]
pub struct LogOptions {
    /// Bytes after which a new segment is started; a multiple of the page size.
    pub segment_bytes: u64,
    pub compression: Compression,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: SEGMENT_BYTES,
            compression: Compression::default(),
        }
    }
}

/// The end of the log. All records of one call to [`LogWriter::append`] are in one segment, handed over
/// in one write; if that fails, none of them is in the log.
#[derive(Debug)]
pub struct LogWriter {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    options: LogOptions,
    segment: u64,
    file: Box<dyn DiskFile>,
    /// What the file holds, if all is well.
    length: u64,
    /// The file may hold more than `length`, left by a write that failed.
    has_torn_end: bool,
    /// Where what was appended last begins.
    last_start: u64,
    /// How much of it is known to be durable.
    synced: u64,
    ending: Ending,
    encoder: snap::raw::Encoder,
    buffer: Vec<u8>,
}

/// When a segment that is long enough is ended, which makes it durable and so may take a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    AtOnce,
    /// Soon after a sync, so that nobody waits for it; at twice the length at the latest.
    WhenSynced,
}

/// Making so many bytes durable takes no longer than making one.
const UNSYNCED_BYTES: u64 = 1024 * 1024;

impl LogWriter {
    /// Starts a new segment after the newest one in `dir`.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, options: LogOptions) -> io::Result<Self> {
        disk.create_dir_all(dir)?;
        let last = list_segments(disk.as_ref(), dir)?.pop();
        // An empty segment is as good as a new one; restarts do not pile them up.
        let segment = match last {
            Some(last) if disk.length(&segment_path(dir, last))? == 0 => last,
            Some(last) => last + 1,
            None => 0,
        };
        Self::at_segment(disk, dir, options, segment)
    }

    pub(crate) fn at_segment(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: LogOptions,
        segment: u64,
    ) -> io::Result<Self> {
        let file = disk.create(&segment_path(dir, segment))?;
        disk.sync_dir(dir)?;
        Ok(Self {
            disk,
            dir: dir.to_path_buf(),
            options,
            segment,
            file,
            length: 0,
            has_torn_end: false,
            last_start: 0,
            synced: 0,
            ending: Ending::AtOnce,
            encoder: snap::raw::Encoder::new(),
            buffer: Vec::new(),
        })
    }

    pub(crate) fn set_ending(&mut self, ending: Ending) {
        self.ending = ending;
    }

    /// The number of the segment that is written to.
    pub fn segment(&self) -> u64 {
        self.segment
    }

    /// Bytes in the current segment.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Writes the records, all or none.
    pub fn append(&mut self, records: &[&[u8]]) -> io::Result<()> {
        self.mend()?;
        let packed: Vec<_> = records
            .iter()
            .map(|record| compression::pack(self.options.compression, record, &mut self.encoder))
            .collect();
        let mut buffer = mem::take(&mut self.buffer);
        let result = self.append_packed(&packed, &mut buffer);
        self.buffer = buffer;
        result
    }

    fn append_packed(
        &mut self,
        packed: &[(u8, Cow<'_, [u8]>)],
        buffer: &mut Vec<u8>,
    ) -> io::Result<()> {
        let frame = |buffer: &mut Vec<u8>, start: u64| {
            buffer.clear();
            for (flags, record) in packed {
                frame::write(buffer, start, *flags, record);
            }
        };
        frame(buffer, self.length);
        let end = self.length + buffer.len() as u64;
        if self.length > 0 && self.is_to_end(end) {
            self.next_segment()?;
            frame(buffer, 0);
        }
        self.last_start = self.length;
        self.write(buffer)
    }

    /// Ends the segment now if so many records with so many bytes in all would end it. Until something is
    /// appended, the place where they will go is the end of the log then.
    pub(crate) fn make_room(&mut self, records: usize, bytes: usize) -> io::Result<()> {
        self.mend()?;
        // A header for each part of a record, and the rest of each page that takes no further one.
        let framed = bytes + (2 * records + bytes / (PAGE / 4)) * 2 * FRAGMENT_HEADER;
        if self.length > 0 && self.is_to_end(self.length + framed as u64) {
            self.next_segment()?;
        }
        Ok(())
    }

    /// Takes back what was appended last. If that fails, [`LogWriter::mend`] tries again.
    pub(crate) fn undo(&mut self) {
        self.length = self.last_start;
        self.synced = self.synced.min(self.length);
        self.has_torn_end = true;
        let _ = self.mend();
    }

    /// Whether a segment that would grow to `end` is ended before.
    fn is_to_end(&self, end: u64) -> bool {
        let limit = self.options.segment_bytes;
        let is_quick = match self.ending {
            Ending::AtOnce => true,
            Ending::WhenSynced => self.length - self.synced <= UNSYNCED_BYTES,
        };
        end > limit && (is_quick || end > limit.saturating_mul(2))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.file.append(bytes) {
            Ok(()) => {
                self.length += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.has_torn_end = true;
                // If this fails too, the next append tries again before it writes.
                let _ = self.mend();
                Err(error)
            }
        }
    }

    /// Cuts off what a failed write left: a reader would take it for the end of the log.
    pub(crate) fn mend(&mut self) -> io::Result<()> {
        if self.has_torn_end {
            self.file.truncate(self.length)?;
            self.has_torn_end = false;
        }
        Ok(())
    }

    /// Ends the current segment, makes it durable and starts the next one, if anything is in the
    /// current one. Later records are of no use without earlier ones, so the next segment must not
    /// outlive the end of this one in a power cut.
    pub fn next_segment(&mut self) -> io::Result<()> {
        if self.length == 0 {
            return Ok(());
        }
        self.mend()?;
        self.fill_page()?;
        self.file.sync()?;
        let next = self.segment + 1;
        self.file = self.disk.create(&segment_path(&self.dir, next))?;
        self.segment = next;
        self.length = 0;
        self.synced = 0;
        self.disk.sync_dir(&self.dir)
    }

    /// Starts a new page, so that a reader may begin here; gives the place.
    pub(crate) fn next_page(&mut self) -> io::Result<(u64, u64)> {
        self.mend()?;
        self.fill_page()?;
        Ok((self.segment, self.length))
    }

    /// Pads the last page, as the peer does with segments that are finished.
    fn fill_page(&mut self) -> io::Result<()> {
        // The remainder fits: pages are 32 KiB.
        let used = (self.length % PAGE as u64) as usize;
        if used == 0 {
            return Ok(());
        }
        self.write(&vec![0; PAGE - used])
    }

    /// A handle that makes durable all that was appended so far, to be used outside of any lock. `None`:
    /// it was done on the spot.
    pub fn sync_handle(&mut self) -> io::Result<Option<Box<dyn SyncHandle>>> {
        let handle = self.file.sync_handle()?;
        if handle.is_none() {
            self.file.sync()?;
        }
        Ok(handle)
    }

    /// Everything up to a place is durable: what `segment` and `length` were when the handle was made.
    pub(crate) fn note_synced(&mut self, segment: u64, length: u64) {
        if segment == self.segment {
            // What was cut off since is not there any more.
            self.synced = self.synced.max(length.min(self.length));
        }
    }

    /// Makes everything durable, here and now.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync()?;
        self.disk.sync_dir(&self.dir)
    }

    /// Pads the last page and makes everything durable.
    pub fn close(&mut self) -> io::Result<()> {
        self.mend()?;
        self.fill_page()?;
        self.sync()
    }
}
