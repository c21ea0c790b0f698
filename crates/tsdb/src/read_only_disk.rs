//! The files of the machine, without changing them: what is written, renamed or removed is so in memory only.
//!
//! So a data folder can be opened, repaired and read beside a server that uses it, or where nothing may be
//! written. Files that are appended to are copied into memory first; storage does that with one segment of its
//! log at most.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::{Disk, DiskFile, DiskReader, FileBytes};
use parking_lot::Mutex;

use crate::RealDisk;

/// A view of the machine's files with changes of its own. Clones share the changes.
#[derive(Clone, Debug, Default)]
pub struct ReadOnlyDisk(Arc<Mutex<Changes>>);

type Content = Arc<Mutex<Vec<u8>>>;

#[derive(Debug, Default)]
struct Changes {
    files: BTreeMap<PathBuf, Content>,
    /// Made here; those of the machine are not listed.
    dirs: BTreeSet<PathBuf>,
    /// With all that the machine has below.
    removed: BTreeSet<PathBuf>,
    /// New names of files and folders of the machine, with their real ones.
    moved: BTreeMap<PathBuf, PathBuf>,
}

enum Place {
    Here(Content),
    /// The path on the machine, where the file may or may not be.
    Machine(PathBuf),
    Nowhere,
}

impl Changes {
    fn place(&self, path: &Path) -> Place {
        if let Some(content) = self.files.get(path) {
            return Place::Here(Arc::clone(content));
        }
        // The nearest change above decides: a folder may have been removed, and another moved to its place.
        for above in path.ancestors() {
            if let Some(real) = self.moved.get(above) {
                let rest = path.strip_prefix(above).unwrap_or(Path::new(""));
                return Place::Machine(if rest.as_os_str().is_empty() {
                    real.clone()
                } else {
                    real.join(rest)
                });
            }
            if self.removed.contains(above) {
                return Place::Nowhere;
            }
        }
        Place::Machine(path.to_owned())
    }

    /// The content of a file that is about to change.
    fn own(&mut self, path: &Path) -> io::Result<Content> {
        let content = match self.place(path) {
            Place::Here(content) => return Ok(content),
            Place::Machine(real) if real.exists() => RealDisk.read(&real)?,
            Place::Machine(_) | Place::Nowhere => Vec::new(),
        };
        Ok(self.put(path, content))
    }

    fn put(&mut self, path: &Path, content: Vec<u8>) -> Content {
        let content = Arc::new(Mutex::new(content));
        self.files.insert(path.to_owned(), Arc::clone(&content));
        content
    }

    /// Forgets everything at and below the path.
    fn remove(&mut self, path: &Path) {
        self.files.retain(|known, _| !known.starts_with(path));
        self.dirs.retain(|known| !known.starts_with(path));
        self.moved.retain(|known, _| !known.starts_with(path));
        self.removed.insert(path.to_owned());
    }

    fn has_dir(&self, dir: &Path) -> bool {
        self.dirs.contains(dir)
            || self.files.keys().any(|known| known.parent() == Some(dir))
            || matches!(self.place(dir), Place::Machine(real) if real.is_dir())
    }

    fn exists(&self, path: &Path) -> bool {
        match self.place(path) {
            Place::Here(_) => true,
            Place::Machine(real) if real.exists() => true,
            Place::Machine(_) | Place::Nowhere => self.has_dir(path),
        }
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        if !self.exists(from) {
            return Err(not_found(from));
        }
        let renamed = |known: &Path| {
            let rest = known.strip_prefix(from).ok()?;
            Some(if rest.as_os_str().is_empty() {
                to.to_owned()
            } else {
                to.join(rest)
            })
        };
        let real = match self.place(from) {
            Place::Machine(real) if real.exists() => Some(real),
            _ => None,
        };
        let files: Vec<_> = self
            .files
            .iter()
            .filter_map(|(known, content)| Some((renamed(known)?, Arc::clone(content))))
            .collect();
        let dirs: Vec<_> = self.dirs.iter().filter_map(|d| renamed(d)).collect();
        let moved: Vec<_> = self
            .moved
            .iter()
            .filter_map(|(known, real)| Some((renamed(known)?, real.clone())))
            .collect();
        self.remove(from);
        self.remove(to);
        self.files.extend(files);
        self.dirs.extend(dirs);
        self.moved.extend(moved);
        if let Some(real) = real {
            self.moved.insert(to.to_owned(), real);
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        if !self.has_dir(dir) {
            return Err(not_found(dir));
        }
        let mut names = BTreeSet::new();
        if let Place::Machine(real) = self.place(dir)
            && real.is_dir()
        {
            let there = RealDisk.list(&real)?.into_iter();
            names.extend(there.filter(|name| self.exists(&dir.join(name))));
        }
        let ours = self.files.keys().chain(&self.dirs).chain(self.moved.keys());
        for path in ours {
            let first = path.strip_prefix(dir).ok().and_then(|p| p.iter().next());
            names.extend(first.map(PathBuf::from));
        }
        Ok(names.into_iter().collect())
    }
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(
        ErrorKind::NotFound,
        format!("{} is not there", path.display()),
    )
}

impl Disk for ReadOnlyDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut changes = self.0.lock();
        let missing = |dir: &&Path| !changes.has_dir(dir);
        let made: Vec<PathBuf> = dir
            .ancestors()
            .take_while(missing)
            .map(Path::to_owned)
            .collect();
        changes.dirs.extend(made);
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.0.lock().list(dir)
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.lock().exists(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let place = self.0.lock().place(path);
        match place {
            Place::Here(content) => Ok(content.lock().clone()),
            Place::Machine(real) => RealDisk.read(&real),
            Place::Nowhere => Err(not_found(path)),
        }
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        let place = self.0.lock().place(path);
        match place {
            Place::Here(content) => Ok(Box::new(io::Cursor::new(content.lock().clone()))),
            Place::Machine(real) => RealDisk.open_read(&real),
            Place::Nowhere => Err(not_found(path)),
        }
    }

    fn open_reader(&self, path: &Path) -> io::Result<Box<dyn DiskReader>> {
        let place = self.0.lock().place(path);
        match place {
            Place::Here(content) => Ok(Box::new(MemoryReader(content))),
            Place::Machine(real) => RealDisk.open_reader(&real),
            Place::Nowhere => Err(not_found(path)),
        }
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        let place = self.0.lock().place(path);
        match place {
            Place::Here(content) => Ok(content.lock().len() as u64),
            Place::Machine(real) => RealDisk.length(&real),
            Place::Nowhere => Err(not_found(path)),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut changes = self.0.lock();
        match path.parent() {
            Some(dir) if changes.has_dir(dir) => {
                Ok(Box::new(MemoryFile(changes.put(path, Vec::new()))))
            }
            _ => Err(not_found(path.parent().unwrap_or(path))),
        }
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(MemoryFile(self.0.lock().own(path)?)))
    }

    /// Nothing here outlives the process.
    fn sync_file(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.lock().rename(from, to)
    }

    fn map(&self, path: &Path) -> io::Result<Arc<dyn FileBytes>> {
        let place = self.0.lock().place(path);
        match place {
            Place::Here(content) => Ok(Arc::new(content.lock().clone())),
            Place::Machine(real) => RealDisk.map(&real),
            Place::Nowhere => Err(not_found(path)),
        }
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut changes = self.0.lock();
        if !changes.exists(path) {
            return Err(not_found(path));
        }
        changes.remove(path);
        Ok(())
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.remove_file(dir)
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// Length in bytes is that of the content, which others may share.
#[derive(Debug)]
struct MemoryFile(Content);

impl DiskFile for MemoryFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.0.lock().truncate(length);
        Ok(())
    }

    fn length(&self) -> u64 {
        self.0.lock().len() as u64
    }
}

#[derive(Debug)]
struct MemoryReader(Content);

impl DiskReader for MemoryReader {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().read_at(offset, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(disk: &ReadOnlyDisk, dir: &Path) -> Vec<String> {
        let names = disk.list(dir).unwrap().into_iter();
        names.map(|name| name.display().to_string()).collect()
    }

    #[test]
    fn the_machine_does_not_change() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("block")).unwrap();
        std::fs::write(at("block/index"), "i").unwrap();
        std::fs::write(at("log"), "12345").unwrap();
        let disk = ReadOnlyDisk::default();
        let mut log = disk.open_append(&at("log")).unwrap();
        log.truncate(2).unwrap();
        log.append(b"x").unwrap();
        assert_eq!(disk.read(&at("log")).unwrap(), b"12x");
        assert_eq!(disk.length(&at("log")).unwrap(), 3);
        // A new folder under a temporary name, then under its own, as checkpoints are made.
        disk.create_dir_all(&at("new.tmp/deep")).unwrap();
        let mut file = disk.create(&at("new.tmp/deep/f")).unwrap();
        disk.rename(&at("new.tmp"), &at("new")).unwrap();
        file.append(b"later").unwrap();
        assert_eq!(disk.read(&at("new/deep/f")).unwrap(), b"later");
        assert!(disk.create(&at("nowhere/f")).is_err());
        // A folder of the machine moves, and another comes to its place.
        disk.rename(&at("block"), &at("old")).unwrap();
        assert_eq!(disk.read(&at("old/index")).unwrap(), b"i");
        assert!(!disk.exists(&at("block/index")));
        disk.create_dir_all(&at("block")).unwrap();
        assert_eq!(names(&disk, &at("block")), [""; 0]);
        assert_eq!(names(&disk, dir.path()), ["block", "log", "new", "old"]);
        disk.remove_file(&at("old/index")).unwrap();
        assert_eq!(names(&disk, &at("old")), [""; 0]);
        disk.remove_dir_all(&at("old")).unwrap();
        disk.remove_file(&at("log")).unwrap();
        assert!(disk.remove_file(&at("log")).is_err());
        assert_eq!(names(&disk, dir.path()), ["block", "new"]);
        drop(disk);
        assert_eq!(std::fs::read(at("log")).unwrap(), b"12345");
        assert_eq!(std::fs::read(at("block/index")).unwrap(), b"i");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
