//! The content of the disk: what was written, and what of it would survive a power cut.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::random::Random;

/// One file. Handles share it, so a rename does not disturb an open handle.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    /// What the last sync made durable.
    pub(super) synced: Vec<u8>,
}

pub(super) type SharedFile = Arc<Mutex<Content>>;

/// Files and folders by path.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    pub(super) files: BTreeMap<PathBuf, SharedFile>,
    pub(super) dirs: BTreeSet<PathBuf>,
}

impl Tree {
    pub(super) fn file(&self, path: &Path) -> io::Result<SharedFile> {
        self.files.get(path).cloned().ok_or_else(|| not_found(path))
    }

    pub(super) fn bytes_in_all(&self) -> u64 {
        let length = |file: &SharedFile| file.lock().bytes.len() as u64;
        self.files.values().map(length).sum()
    }

    pub(super) fn make_dirs(&mut self, dir: &Path) {
        for ancestor in dir.ancestors() {
            self.dirs.insert(ancestor.to_path_buf());
        }
    }

    pub(super) fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        if !self.dirs.contains(dir) {
            return Err(not_found(dir));
        }
        let mut names: Vec<PathBuf> = self
            .files
            .keys()
            .chain(self.dirs.iter())
            .filter(|path| path.parent() == Some(dir))
            .filter_map(|path| path.file_name().map(PathBuf::from))
            .collect();
        names.sort();
        Ok(names)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        if let Some(file) = self.files.remove(from) {
            self.files.insert(to.to_path_buf(), file);
            return Ok(());
        }
        if !self.dirs.contains(from) {
            return Err(not_found(from));
        }
        if self.dirs.contains(to) {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("{} exists", to.display()),
            ));
        }
        let moved = |path: &Path| {
            path.strip_prefix(from)
                .map_or_else(|_| path.to_path_buf(), |rest| to.join(rest))
        };
        self.files = std::mem::take(&mut self.files)
            .into_iter()
            .map(|(path, file)| (moved(&path), file))
            .collect();
        self.dirs = self.dirs.iter().map(|path| moved(path)).collect();
        // Joining an empty rest leaves a trailing separator behind.
        self.dirs.insert(to.to_path_buf());
        Ok(())
    }

    pub(super) fn remove_dir(&mut self, dir: &Path) -> io::Result<()> {
        if !self.dirs.contains(dir) {
            return Err(not_found(dir));
        }
        self.files.retain(|path, _| !path.starts_with(dir));
        self.dirs.retain(|path| !path.starts_with(dir));
        Ok(())
    }

    /// The tree as another process finds it: same bytes, no shared handles. With a generator, each
    /// file keeps its synced bytes and a random part of what came after.
    pub(super) fn image(&self, mut power_cut: Option<&mut Random>) -> Self {
        let mut image = Self {
            files: BTreeMap::new(),
            dirs: self.dirs.clone(),
        };
        for (path, file) in &self.files {
            let content = file.lock();
            let mut bytes = content.bytes.clone();
            if let Some(random) = power_cut.as_deref_mut() {
                if bytes.starts_with(&content.synced) {
                    let unsynced = (bytes.len() - content.synced.len()) as u64;
                    let kept = content.synced.len() as u64 + random.below(unsynced + 1);
                    bytes.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
                } else {
                    bytes.clone_from(&content.synced);
                }
            }
            let content = Content {
                synced: bytes.clone(),
                bytes,
            };
            image
                .files
                .insert(path.clone(), Arc::new(Mutex::new(content)));
        }
        image
    }
}

pub(super) fn not_found(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        format!("{}: no such file or directory", path.display()),
    )
}
