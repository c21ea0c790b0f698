//! Files, as a parameter: the real disk in production, a faulty one in crash tests.

use std::fmt::Debug;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A second handle on a file that only makes it durable, so that appending need not wait for it.
pub trait SyncHandle: Send + Debug {
    /// Returns once everything appended before the call survives a power cut.
    fn sync(&self) -> io::Result<()>;
}

/// An open file that is read at any place. It stays readable after the file was removed.
pub trait DiskReader: Send + Sync + Debug {
    /// Reads what there is from `offset` on, `buffer` at most; less than that only at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// The content of a file that was read as a whole.
impl DiskReader for Vec<u8> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.get(offset..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

/// An open file that is appended to.
pub trait DiskFile: Send + Debug {
    /// Appends all bytes or fails; after a failure the file may hold a part of them.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns once everything appended so far survives a power cut.
    fn sync(&mut self) -> io::Result<()>;

    /// A handle to sync this file with from elsewhere; `None` where the disk has no such thing.
    fn sync_handle(&self) -> io::Result<Option<Box<dyn SyncHandle>>> {
        Ok(None)
    }

    /// Cuts the file to `length` bytes.
    fn truncate(&mut self, length: u64) -> io::Result<()>;

    /// The length in bytes, counting what was appended.
    fn length(&self) -> u64;
}

/// The whole content of a file that is not changed any more, as if it were in memory.
pub trait FileBytes: AsRef<[u8]> + Send + Sync + Debug {
    /// Says that nothing of it is needed soon, so that memory that it takes can be given back.
    fn release(&self) {}
}

impl FileBytes for Vec<u8> {}

/// What storage needs of a file system. Paths are relative to the working directory or absolute.
pub trait Disk: Send + Sync + Debug {
    /// Makes the folder and its parents.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Names of the entries in a folder, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;

    fn exists(&self, path: &Path) -> bool;

    /// The whole content.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// A stream of the content, for files that should not be held in memory whole.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.read(path)?)))
    }

    /// The file, to be read at any place; sees what is appended to it later.
    fn open_reader(&self, path: &Path) -> io::Result<Box<dyn DiskReader>>;

    /// Length in bytes.
    fn length(&self, path: &Path) -> io::Result<u64>;

    /// A new file to append to; replaces one that is there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// An existing file to append to at its end; made if it is not there.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Makes an existing file durable, whoever wrote it.
    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.open_append(path)?.sync()
    }

    /// Atomically replaces `to`. Also moves folders, where `to` must not exist.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// The content of a file that nobody changes while this is in use.
    fn map(&self, path: &Path) -> io::Result<Arc<dyn FileBytes>> {
        Ok(Arc::new(self.read(path)?))
    }

    /// Gives a file a second name; `to` must not exist. Where the disk cannot, it makes a copy.
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut copy = self.create(to)?;
        copy.append(&self.read(from)?)?;
        copy.sync()
    }

    fn remove_file(&self, path: &Path) -> io::Result<()>;

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Returns once created, renamed and removed entries of the folder survive a power cut.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}
