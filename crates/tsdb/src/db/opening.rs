//! Opening: the blocks first, because they say which part of the log is still needed, then the head.

use super::set::{self, BlockSet, OpenDbError};
use super::{Db, OpenDbReport};
use crate::head::Head;

/// The work that is left of opening a database. Dropping it unfinished closes the database: whoever waits
/// is told so.
#[derive(Debug)]
pub struct Opening(Db);

impl Opening {
    pub(super) fn new(db: Db) -> Self {
        Self(db)
    }

    /// Reads everything. After an error the database is closed.
    pub fn finish(self) -> Result<OpenDbReport, OpenDbError> {
        let inner = &self.0.0;
        let disk = inner.options.head.disk.as_ref();
        let dir = &inner.options.head.dir;
        let folder_error = |source| OpenDbError::Folder {
            dir: dir.clone(),
            source,
        };
        disk.create_dir_all(dir).map_err(folder_error)?;
        let leftovers = set::remove_leftovers(disk, dir);
        let set = BlockSet::read(disk, dir, &BlockSet::default()).map_err(folder_error)?;
        let mut options = inner.options.head.clone();
        if let Some(end) = set.head_start {
            options.valid_from = options.valid_from.max(end);
        }
        let (head, replay) = Head::open(options)?;
        let report = OpenDbReport {
            replay,
            blocks: set.blocks.len(),
            rejected: set.rejected.clone(),
            leftovers,
        };
        // Before the head, for which readers wait.
        *inner.blocks.write() = set.into();
        let is_first = inner.head.set(head).is_ok();
        debug_assert!(is_first, "a database is opened once");
        Ok(report)
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        let inner = &self.0.0;
        // Does nothing if the head is there.
        inner
            .head
            .get_or_init(|| Head::closed(inner.options.head.clone()));
    }
}
