//! Files for real, through `std::fs`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::{Disk, DiskFile, DiskReader, FileBytes, SyncHandle};

use crate::block::map;

/// The file system of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let mut names = fs::read_dir(dir)?
            .map(|entry| Ok(PathBuf::from(entry?.file_name())))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(path)?))
    }

    fn open_reader(&self, path: &Path) -> io::Result<Box<dyn DiskReader>> {
        Ok(Box::new(RealReader(File::open(path)?)))
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.len())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        // Appending, so that writing goes on at the right place after a truncation.
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(0)?;
        Ok(Box::new(RealFile { file, length: 0 }))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let length = file.metadata()?.len();
        Ok(Box::new(RealFile { file, length }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn map(&self, path: &Path) -> io::Result<Arc<dyn FileBytes>> {
        map::map(&File::open(path)?)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

#[derive(Debug)]
struct RealFile {
    file: File,
    length: u64,
}

impl DiskFile for RealFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let result = self.file.write_all(bytes);
        self.length = match result {
            Ok(()) => self.length + bytes.len() as u64,
            // A part of it may have arrived.
            Err(_) => self.file.metadata().map_or(self.length, |meta| meta.len()),
        };
        result
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_handle(&self) -> io::Result<Option<Box<dyn SyncHandle>>> {
        Ok(Some(Box::new(RealSync(self.file.try_clone()?))))
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.length = length;
        Ok(())
    }

    fn length(&self) -> u64 {
        self.length
    }
}

#[derive(Debug)]
struct RealReader(File);

impl DiskReader for RealReader {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self
                .0
                .read_at(&mut buffer[filled..], offset + filled as u64)
            {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

#[derive(Debug)]
struct RealSync(File);

impl SyncHandle for RealSync {
    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_grow_and_shrink_at_their_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        RealDisk.create_dir_all(&path).unwrap();
        let path = path.join("file");
        let mut file = RealDisk.create(&path).unwrap();
        file.append(b"12345").unwrap();
        file.truncate(2).unwrap();
        let reader = RealDisk.open_reader(&path).unwrap();
        file.append(b"67").unwrap();
        assert_eq!(file.length(), 4);
        let mut read = [0; 8];
        assert_eq!(reader.read_at(1, &mut read).unwrap(), 3);
        assert_eq!(&read[..3], b"267");
        assert_eq!(reader.read_at(9, &mut read).unwrap(), 0);
        file.sync_handle().unwrap().unwrap().sync().unwrap();
        let mut again = RealDisk.open_append(&path).unwrap();
        again.append(b"8").unwrap();
        assert_eq!(RealDisk.read(&path).unwrap(), b"12678");
        assert_eq!(RealDisk.create(&path).unwrap().length(), 0);
        assert_eq!(RealDisk.length(&path).unwrap(), 0);
        let moved = dir.path().join("c");
        RealDisk.rename(&dir.path().join("a"), &moved).unwrap();
        RealDisk.sync_dir(dir.path()).unwrap();
        assert_eq!(RealDisk.list(&moved).unwrap(), [PathBuf::from("b")]);
    }
}
