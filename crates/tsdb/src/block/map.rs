//! Files mapped into memory; the one place of this crate with unsafe code.
//!
//! Called by [`RealDisk::map`](crate::RealDisk) for the index files of blocks, and for nothing else. An
//! index is read at random and in small pieces; mapped, a lookup costs no system call and no copy, and
//! what is not looked at takes no memory.
//!
//! Why this is sound. A mapping is shared, read-only memory of the file's length at the time. Its bytes
//! are handed out as `&[u8]`, so nobody may change them while the mapping lives:
//! - An index file is complete before its folder is renamed to a block's name, and nothing opens it
//!   before that. After that no code of ours writes to it; blocks are replaced by new blocks.
//! - Deleting a block unlinks its files; the pages of a mapped file stay valid until it is unmapped.
//! - Another process that takes the lock of the data folder into account does not write to blocks.
//!
//! If somebody shortens a mapped file all the same, or the disk cannot read a page, the kernel ends the
//! process with SIGBUS: no wrong memory is read. Whatever the bytes are, the readers treat them as
//! hostile, and never as anything but bytes.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::sync::Arc;

use memmap2::{Mmap, UncheckedAdvice};
use model::disk::FileBytes;

#[derive(Debug)]
struct Mapped(Mmap);

/// The content of a file that nobody changes while this is in use.
pub(crate) fn map(file: &File) -> io::Result<Arc<dyn FileBytes>> {
    if file.metadata()?.len() == 0 {
        // There is nothing to map, which the system refuses.
        return Ok(Arc::new(Vec::new()));
    }
    // SAFETY: the file is not changed while it is mapped, see the head of this file.
    let map = unsafe { Mmap::map(file)? };
    Ok(Arc::new(Mapped(map)))
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl FileBytes for Mapped {
    fn release(&self) {
        // SAFETY: this is a shared mapping of a file without private changes: pages that are dropped
        // come back from the file with the same bytes.
        let result = unsafe { self.0.unchecked_advise(UncheckedAdvice::DontNeed) };
        // It is a hint; where the system does not take it, memory is given back later.
        drop(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_file_also_after_release_and_removal() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let content: Vec<u8> = (0..100_000u32).map(|at| (at % 251) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let mapped = map(&File::open(&path).unwrap()).unwrap();
        let bytes: &[u8] = (*mapped).as_ref();
        assert_eq!(bytes, content);
        mapped.release();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(bytes, content);
    }

    #[test]
    fn an_empty_file_has_no_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "").unwrap();
        let mapped = map(&File::open(&path).unwrap()).unwrap();
        assert!((*mapped).as_ref().is_empty());
    }
}
