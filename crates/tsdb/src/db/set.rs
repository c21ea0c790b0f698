//! Which blocks there are in a data folder.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::Reason;
use model::disk::Disk;
use model::time::Timestamp;

use crate::block::meta::read_meta;
use crate::block::writer::{DELETED, UNFINISHED};
use crate::block::{Block, BlockError, Ulid, repair_index_version};
use crate::error::OpenError;

/// What older releases of the peer called folders that are no blocks yet.
const UNFINISHED_LEGACY: &str = ".tmp";

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenDbError {
    #[error("reading the data folder {}: {source}; check that it exists or can be made, and who owns it", dir.display())]
    Folder { dir: PathBuf, source: io::Error },
    #[error(transparent)]
    Head(#[from] OpenError),
}

/// A block that cannot be read. It stays where it is, and nothing else is affected.
#[derive(Clone, Debug)]
pub struct RejectedBlock {
    pub ulid: Ulid,
    pub error: Arc<BlockError>,
}

impl std::fmt::Display for RejectedBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the block is left out: {}", self.error)
    }
}

impl Reason for RejectedBlock {
    fn code(&self) -> &'static str {
        self.error.code()
    }

    fn hint(&self) -> Option<String> {
        self.error.hint()
    }
}

/// One state of the folder.
#[derive(Debug, Default)]
pub(super) struct BlockSet {
    /// By the start of their times.
    pub(super) blocks: Vec<Block>,
    pub(super) rejected: Vec<RejectedBlock>,
    /// Blocks that another one was made of, and that are still there.
    pub(super) replaced: Vec<Ulid>,
    /// From when on samples are the head's: blocks have everything before.
    pub(super) head_start: Option<Timestamp>,
}

impl BlockSet {
    /// Looks at the folder; blocks that are open already stay so.
    pub(super) fn read(disk: &dyn Disk, dir: &Path, open: &Self) -> io::Result<Self> {
        let mut blocks = Vec::new();
        let mut rejected = Vec::new();
        for name in disk.list(dir)? {
            let Some(ulid) = name.to_str().and_then(Ulid::parse) else {
                continue;
            };
            if let Some(block) = open.blocks.iter().find(|block| block.ulid() == ulid) {
                blocks.push(block.clone());
                continue;
            }
            match open_block(disk, &dir.join(name), ulid) {
                Ok(block) => blocks.push(block),
                Err(error) => rejected.push(RejectedBlock {
                    ulid,
                    error: Arc::new(error),
                }),
            }
        }
        let parents: HashSet<Ulid> = blocks
            .iter()
            .flat_map(|block| block.meta().compaction.parents)
            .map(|parent| parent.ulid)
            .collect();
        let is_replaced = |ulid: &Ulid| parents.contains(ulid);
        let present = blocks.iter().map(Block::ulid);
        let present = present.chain(rejected.iter().map(|rejected| rejected.ulid));
        let replaced = present.filter(is_replaced).collect();
        blocks.retain(|block| !is_replaced(&block.ulid()));
        rejected.retain(|rejected| !is_replaced(&rejected.ulid));
        blocks.sort_by_key(|block| {
            let meta = block.meta();
            (meta.min_time, meta.max_time, meta.ulid)
        });
        let metas = blocks.iter().map(Block::meta);
        let head_start = metas
            .filter(|meta| !meta.compaction.is_partial())
            .map(|meta| Timestamp(meta.max_time))
            .max();
        Ok(Self {
            blocks,
            rejected,
            replaced,
            head_start,
        })
    }
}

fn open_block(disk: &dyn Disk, dir: &Path, ulid: Ulid) -> Result<Block, BlockError> {
    let (meta, _) = read_meta(disk, dir)?;
    if meta.version == 2 {
        repair_index_version(disk, dir, &meta).map_err(|source| BlockError::Read {
            path: dir.to_path_buf(),
            source,
        })?;
    }
    let block = Block::open(disk, dir)?;
    if block.ulid() != ulid {
        let problem = format!("it says that it is the block {}", block.ulid());
        let path = dir.join(crate::block::meta::META_FILE);
        return Err(crate::block::Damage::new(&path, 0, problem).into());
    }
    Ok(block)
}

/// Removes what interrupted writes and removals left behind; gives the names. What cannot be removed is
/// in nobody's way.
pub(super) fn remove_leftovers(disk: &dyn Disk, dir: &Path) -> Vec<String> {
    let is_leftover = |name: &str| {
        [UNFINISHED, DELETED, UNFINISHED_LEGACY]
            .iter()
            .filter_map(|end| name.strip_suffix(end))
            .any(|ulid| Ulid::parse(ulid).is_some())
    };
    let names = disk.list(dir).unwrap_or_default();
    names
        .into_iter()
        .filter_map(|name| name.into_os_string().into_string().ok())
        .filter(|name| is_leftover(name) && disk.remove_dir_all(&dir.join(name)).is_ok())
        .collect()
}

/// Removes a block's folder: renamed first, so that a crash leaves no half of a block.
pub(super) fn remove_block(disk: &dyn Disk, dir: &Path, ulid: Ulid) -> io::Result<()> {
    let done = dir.join(format!("{ulid}{DELETED}"));
    if disk.exists(&done) {
        disk.remove_dir_all(&done)?;
    }
    disk.rename(&dir.join(ulid.to_string()), &done)?;
    disk.remove_dir_all(&done)
}
