//! Blocks of Prometheus 2.1, whose index has version 2 but says 1, and whose `meta.json` says 2.

use std::io;
use std::path::Path;

use model::disk::Disk;

use super::index::INDEX_FILE;
use super::meta::{BlockMeta, replace_file, write_meta};

/// Where the index says its version.
const VERSION_AT: usize = 4;

/// Puts the right version into both files, as the peer does when it starts.
pub(crate) fn repair_index_version(
    disk: &dyn Disk,
    dir: &Path,
    meta: &BlockMeta,
) -> io::Result<()> {
    let path = dir.join(INDEX_FILE);
    let mut bytes = disk.read(&path)?;
    if let Some(version) = bytes.get_mut(VERSION_AT) {
        *version = 2;
    }
    replace_file(disk, &path, &bytes)?;
    let meta = BlockMeta {
        version: 1,
        ..meta.clone()
    };
    write_meta(disk, dir, &meta)?;
    Ok(())
}
