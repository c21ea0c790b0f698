//! The disk itself: the `Disk` trait over the tree, with the planned faults.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::{Disk, DiskFile, DiskReader, SyncHandle};
use parking_lot::Mutex;

use super::files::{SharedFile, Tree};
use super::random::Random;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The write with this number (from 0, counting all changes) is torn: a random part of it
    /// arrives. Nothing works from then on, as if the process were gone.
    CrashAtWrite(u64),
    /// The write with this number fails after a random part of it arrived; later ones work.
    FailWrite(u64),
    /// Files may hold this many bytes in all; what does not fit is cut off and reported.
    FullAt(u64),
    /// Folders cannot be made and files cannot be created.
    ReadOnly,
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct FaultDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    tree: Tree,
    fault: Option<Fault>,
    random: Random,
    writes: u64,
    has_crashed: bool,
}

impl FaultDisk {
    pub fn new(seed: u64) -> Self {
        Self::over(Tree::default(), Random::new(seed))
    }

    fn over(tree: Tree, random: Random) -> Self {
        Self(Arc::new(Mutex::new(State {
            tree,
            fault: None,
            random,
            writes: 0,
            has_crashed: false,
        })))
    }

    /// Plans a fault in place of the one planned before.
    pub fn plan(&self, fault: Option<Fault>) {
        self.0.lock().fault = fault;
    }

    /// Changes made so far: appends, truncations, creations, renames, removals.
    pub fn writes(&self) -> u64 {
        self.0.lock().writes
    }

    pub fn has_crashed(&self) -> bool {
        self.0.lock().has_crashed
    }

    pub fn bytes_in_all(&self) -> u64 {
        self.0.lock().tree.bytes_in_all()
    }

    /// The disk as the next process finds it after `kill -9`: all that was written is there.
    pub fn after_kill(&self) -> Self {
        let mut state = self.0.lock();
        let random = Random::new(state.random.draw());
        Self::over(state.tree.image(None), random)
    }

    /// The disk after a power cut: of each file the synced part and a random piece of the rest.
    pub fn after_power_cut(&self) -> Self {
        let mut state = self.0.lock();
        let mut random = Random::new(state.random.draw());
        let tree = state.tree.image(Some(&mut random));
        Self::over(tree, random)
    }

    /// Changes bytes of a file behind the back of the code under test.
    pub fn overwrite(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let file = self.0.lock().tree.file(path)?;
        change(&mut file.lock().bytes);
        Ok(())
    }
}

impl State {
    fn check_alive(&self) -> io::Result<()> {
        if self.has_crashed {
            return Err(io::Error::other("the disk has crashed"));
        }
        Ok(())
    }

    /// Counts one change, and says how many of its bytes arrive and with which result.
    fn admit(&mut self, length: u64) -> (u64, io::Result<()>) {
        if let Err(error) = self.check_alive() {
            return (0, Err(error));
        }
        let number = self.writes;
        self.writes += 1;
        match self.fault {
            Some(Fault::CrashAtWrite(at)) if number == at => {
                self.has_crashed = true;
                let arrived = self.random.below(length + 1);
                (
                    arrived,
                    Err(io::Error::other("the disk crashed in a write")),
                )
            }
            Some(Fault::FailWrite(at)) if number == at => {
                let arrived = self.random.below(length + 1);
                (arrived, Err(io::Error::other("injected write error")))
            }
            Some(Fault::FullAt(capacity)) => {
                let free = capacity.saturating_sub(self.tree.bytes_in_all());
                if length > free {
                    let error =
                        io::Error::new(io::ErrorKind::StorageFull, "no space left on device");
                    (free, Err(error))
                } else {
                    (length, Ok(()))
                }
            }
            _ => (length, Ok(())),
        }
    }

    fn admit_entry(&mut self, path: &Path) -> io::Result<()> {
        if self.fault == Some(Fault::ReadOnly) {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{}: permission denied", path.display()),
            ));
        }
        self.admit(0).1
    }
}

impl Disk for FaultDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.admit_entry(dir)?;
        state.tree.make_dirs(dir);
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let state = self.0.lock();
        state.check_alive()?;
        state.tree.list(dir)
    }

    fn exists(&self, path: &Path) -> bool {
        let state = self.0.lock();
        state.tree.files.contains_key(path) || state.tree.dirs.contains(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let state = self.0.lock();
        state.check_alive()?;
        let file = state.tree.file(path)?;
        let bytes = file.lock().bytes.clone();
        Ok(bytes)
    }

    fn open_reader(&self, path: &Path) -> io::Result<Box<dyn DiskReader>> {
        let state = self.0.lock();
        state.check_alive()?;
        let file = state.tree.file(path)?;
        Ok(Box::new(FaultReader {
            disk: self.clone(),
            file,
        }))
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        let state = self.0.lock();
        state.check_alive()?;
        let file = state.tree.file(path)?;
        let length = file.lock().bytes.len() as u64;
        Ok(length)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.admit_entry(path)?;
        let file = SharedFile::default();
        state.tree.files.insert(path.to_path_buf(), file.clone());
        Ok(Box::new(FaultFile {
            disk: self.clone(),
            file,
        }))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.check_alive()?;
        if !state.tree.files.contains_key(path) {
            state.admit_entry(path)?;
        }
        let file = state.tree.files.entry(path.to_path_buf()).or_default();
        Ok(Box::new(FaultFile {
            disk: self.clone(),
            file: file.clone(),
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.admit_entry(to)?;
        state.tree.rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.admit_entry(to)?;
        let file = state.tree.file(from)?;
        state.tree.files.insert(to.to_path_buf(), file);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.admit_entry(path)?;
        state.tree.file(path)?;
        state.tree.files.remove(path);
        Ok(())
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.admit_entry(dir)?;
        state.tree.remove_dir(dir)
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        self.0.lock().check_alive()
    }
}

#[derive(Debug)]
struct FaultFile {
    disk: FaultDisk,
    file: SharedFile,
}

impl DiskFile for FaultFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let (arrived, result) = state.admit(bytes.len() as u64);
        let arrived = usize::try_from(arrived).unwrap_or(usize::MAX);
        let arrived = bytes.get(..arrived).unwrap_or(bytes);
        self.file.lock().bytes.extend_from_slice(arrived);
        result
    }

    fn sync(&mut self) -> io::Result<()> {
        SyncHandle::sync(self)
    }

    fn sync_handle(&self) -> io::Result<Option<Box<dyn SyncHandle>>> {
        Ok(Some(Box::new(Self {
            disk: self.disk.clone(),
            file: self.file.clone(),
        })))
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.disk.0.lock().admit(0).1?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.file.lock().bytes.truncate(length);
        Ok(())
    }

    fn length(&self) -> u64 {
        self.file.lock().bytes.len() as u64
    }
}

#[derive(Debug)]
struct FaultReader {
    disk: FaultDisk,
    file: SharedFile,
}

impl DiskReader for FaultReader {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.0.lock().check_alive()?;
        self.file.lock().bytes.read_at(offset, buffer)
    }
}

impl SyncHandle for FaultFile {
    fn sync(&self) -> io::Result<()> {
        self.disk.0.lock().check_alive()?;
        let mut content = self.file.lock();
        content.synced = content.bytes.clone();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_write_leaves_a_prefix_and_ends_everything() {
        let disk = FaultDisk::new(7);
        let mut file = disk.create(Path::new("a")).unwrap();
        file.append(b"first").unwrap();
        disk.plan(Some(Fault::CrashAtWrite(disk.writes())));
        assert!(file.append(b"second").is_err());
        assert!(file.append(b"third").is_err());
        let next = disk.after_kill();
        let bytes = next.read(Path::new("a")).unwrap();
        assert!(b"firstsecond".starts_with(&bytes[..]) && bytes.starts_with(b"first"));
    }

    #[test]
    fn a_power_cut_keeps_what_was_synced() {
        let disk = FaultDisk::new(1);
        let mut file = disk.create(Path::new("a")).unwrap();
        file.append(b"kept").unwrap();
        file.sync().unwrap();
        file.append(b"maybe").unwrap();
        let bytes = disk.after_power_cut().read(Path::new("a")).unwrap();
        assert!(bytes.starts_with(b"kept") && bytes.len() <= 9);
    }

    #[test]
    fn a_full_disk_takes_what_fits() {
        let disk = FaultDisk::new(1);
        disk.plan(Some(Fault::FullAt(6)));
        let mut file = disk.create(Path::new("a")).unwrap();
        file.append(b"four").unwrap();
        let error = file.append(b"more").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(file.length(), 6);
    }

    #[test]
    fn folders_can_be_renamed_and_listed() {
        let disk = FaultDisk::new(1);
        disk.create_dir_all(Path::new("d/a.tmp")).unwrap();
        disk.create(Path::new("d/a.tmp/0")).unwrap();
        disk.rename(Path::new("d/a.tmp"), Path::new("d/a")).unwrap();
        assert_eq!(disk.list(Path::new("d")).unwrap(), [PathBuf::from("a")]);
        assert_eq!(disk.list(Path::new("d/a")).unwrap(), [PathBuf::from("0")]);
    }
}
