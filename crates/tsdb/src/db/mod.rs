//! The database of one data folder: the head and the blocks, read and written as one.
//!
//! Writing goes to the [`Head`]; [`Db::compact`] moves what is old enough into blocks, merges blocks into
//! longer ones and drops those beyond the retention. [`merged`] answers queries from all of them, [`chunks`]
//! gives series with their chunks.
//! [`opening`]: from files to a database. [`set`]: which blocks there are. [`compaction`]: what is written and removed, and when.
//! [`rules`]: what is dropped of some series before the others.
//! [`stale`]: series that have ended are written out before. [`snapshot`]: a copy for backups. [`adopt`]: blocks
//! from elsewhere.
//!
//! Nothing here starts a thread: whoever opens the database calls [`Db::compact`] and [`Db::reload`]
//! every minute or so. Only one of the long operations runs at a time; reading and writing never wait
//! for them.
//!
//! A query takes its list of the head first and looks at the blocks afterwards. So, whenever a block is
//! made of a part of the head, the query has those samples from one of the two or from both, and equal
//! times are dropped.

mod adopt;
mod chunks;
mod compaction;
mod counters;
mod merged;
mod opening;
mod options;
mod rules;
mod set;
mod snapshot;
mod stale;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use model::labels::Labels;
use model::matcher::Matcher;
use model::storage::{
    CommitReport, ReadError, SampleBatch, SampleRefusal, SampleWriter, SelectRequest, SeriesList,
    SeriesReader, SeriesRef, TimeRange, WriteError,
};
use model::time::Duration;
use parking_lot::{Mutex, RwLock};

use crate::block::Block;
use crate::head::{FloatEncoding, Head, ReplayProgress, ReplayReport};

pub use adopt::AdoptError;
pub use chunks::StoredChunk;
pub use compaction::{CompactError, DbDeleteError};
pub use counters::{COMPACTION_SECONDS, DbStats, Durations};
pub use opening::Opening;
pub use options::{DbOptions, HeldBlocks, Retention};
pub use rules::{RetentionRule, RuleStats};
pub use set::{OpenDbError, RejectedBlock};
pub use snapshot::{HeadPart, SnapshotError};

use counters::Counters;
use rules::RuleBook;
use set::BlockSet;

/// An open data folder. Clones are the same database.
#[derive(Clone, Debug)]
pub struct Db(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: DbOptions,
    /// Not there before it is open.
    head: OnceLock<Head>,
    blocks: RwLock<Arc<BlockSet>>,
    retention: Mutex<Retention>,
    rules: RuleBook,
    /// Held by whatever writes or removes blocks.
    maintenance: Mutex<()>,
    /// The head has not dropped yet what is in blocks.
    is_truncation_due: AtomicBool,
    /// A part of the head was written out, and its late samples not yet.
    is_late_due: AtomicBool,
    is_closing: AtomicBool,
    /// Bits of a float: see [`stale`].
    stale_share_max: AtomicU64,
    counters: Counters,
}

/// What opening found.
#[derive(Debug)]
pub struct OpenDbReport {
    pub replay: ReplayReport,
    pub blocks: usize,
    /// Blocks that cannot be read. Everything else works.
    pub rejected: Vec<RejectedBlock>,
    /// Folders that an interrupted write or removal left behind, and that are gone now.
    pub leftovers: Vec<String>,
}

impl Db {
    /// Opens the blocks in the data folder, then the head. Locking the folder is the caller's.
    pub fn open(options: DbOptions) -> Result<(Self, OpenDbReport), OpenDbError> {
        let (db, opening) = Self::prepare(options);
        let report = opening.finish()?;
        Ok((db, report))
    }

    /// A database that is not open yet: whoever reads or writes waits until [`Opening::finish`] is done.
    /// So scraping can begin while the log is being read.
    pub fn prepare(options: DbOptions) -> (Self, Opening) {
        let db = Self(Arc::new(Inner {
            retention: Mutex::new(options.retention),
            rules: RuleBook::new(&options.retention_rules),
            options,
            head: OnceLock::new(),
            blocks: RwLock::default(),
            maintenance: Mutex::default(),
            is_truncation_due: AtomicBool::new(false),
            is_late_due: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            stale_share_max: AtomicU64::new(0.0f64.to_bits()),
            counters: Counters::default(),
        }));
        (db.clone(), Opening::new(db))
    }

    /// How far reading the log has come.
    pub fn replay_progress(&self) -> ReplayProgress {
        self.0.options.head.progress.get()
    }

    /// Whether reading and writing would not have to wait.
    pub fn is_open(&self) -> bool {
        self.0.head.get().is_some()
    }

    /// Waits until the database is open.
    pub fn head(&self) -> &Head {
        self.0.head()
    }

    /// By the start of their times.
    pub fn blocks(&self) -> Vec<Block> {
        self.0.set().blocks.clone()
    }

    /// Blocks that cannot be read.
    pub fn rejected(&self) -> Vec<RejectedBlock> {
        self.0.set().rejected.clone()
    }

    /// Times of the oldest and the newest sample, as far as blocks tell; `None` without any.
    pub fn time_range(&self) -> Option<TimeRange> {
        let of_blocks = self.blocks().into_iter().map(|block| block.range());
        let head = self.head();
        let of_head = head
            .time_range()
            .into_iter()
            .chain(head.out_of_order_range());
        let ranges = of_blocks.chain(of_head);
        ranges.reduce(|a, b| TimeRange::new(a.start.min(b.start), a.end.max(b.end)))
    }

    pub fn stats(&self) -> DbStats {
        counters::stats(&self.0)
    }

    /// The length of the longest blocks that merging makes.
    pub fn block_range_max(&self) -> Duration {
        self.0.options.block_range_max
    }

    pub fn retention(&self) -> Retention {
        *self.0.retention.lock()
    }

    /// In effect from the next [`Db::reload`] on.
    pub fn set_retention(&self, retention: Retention) {
        *self.0.retention.lock() = retention;
    }

    /// How far before the newest sample a sample may lie that comes out of order. Can be set before the
    /// database is open.
    pub fn set_out_of_order_window(&self, window: Duration) {
        self.0.options.head.out_of_order.set(window);
    }

    /// In effect for chunks that are begun from now on.
    pub fn set_float_encoding(&self, encoding: FloatEncoding) {
        self.0.options.head.floats.set(encoding);
    }

    /// How many exemplars are kept in all.
    pub fn set_exemplars_max(&self, max: usize) {
        self.0.options.head.exemplars_max.set(max);
    }

    /// Ends a compaction that is going on, unfinished, and lets none begin.
    pub fn cancel_compaction(&self) {
        self.0.is_closing.store(true, Ordering::Relaxed);
    }

    /// Makes the log durable and takes no more commits. Reading goes on.
    pub fn close(&self) -> Result<(), WriteError> {
        self.cancel_compaction();
        self.head().close()
    }
}

impl Inner {
    fn head(&self) -> &Head {
        self.head.wait()
    }

    fn set(&self) -> Arc<BlockSet> {
        Arc::clone(&self.blocks.read())
    }
}

impl SampleWriter for Db {
    fn resolve(&self, labels: &Labels) -> Result<SeriesRef, SampleRefusal> {
        self.head().resolve(labels)
    }

    fn commit(&self, batch: &SampleBatch) -> Result<CommitReport, WriteError> {
        self.head().commit(batch)
    }
}

impl SeriesReader for Db {
    fn select(&self, request: &SelectRequest<'_>) -> Result<Arc<dyn SeriesList>, ReadError> {
        merged::select(&self.0, request)
    }

    fn label_names(
        &self,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<Vec<String>, ReadError> {
        merged::texts(&self.0, range, |reader| reader.label_names(range, matchers))
    }

    fn label_values(
        &self,
        name: &str,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<Vec<String>, ReadError> {
        merged::texts(&self.0, range, |reader| {
            reader.label_values(name, range, matchers)
        })
    }
}
