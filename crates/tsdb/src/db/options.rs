//! What a database is opened with.

use std::sync::Arc;

use model::time::Duration;

use super::rules::RetentionRule;
use crate::block::{BlockMeta, SEGMENT_BYTES, UlidSource};
use crate::head::OpenOptions;

/// Blocks that are to stay as they are for now.
pub trait HeldBlocks: std::fmt::Debug + Send + Sync {
    /// Asked of each block before some are merged, the oldest first. Those made after one that is held stay too, as
    /// merging leaves no gaps.
    fn is_held(&self, meta: &BlockMeta) -> bool;
}

#[derive(Clone, Debug)]
pub struct DbOptions {
    /// Folder, disk and log; `block_range` is the length of the shortest blocks.
    pub head: OpenOptions,
    /// Names for new blocks.
    pub ulids: UlidSource,
    /// Blocks are not merged into longer ones than this.
    pub block_range_max: Duration,
    pub segment_bytes: u64,
    pub retention: Retention,
    pub retention_rules: Vec<RetentionRule>,
    /// `None`: all blocks are merged when their time has come.
    pub held: Option<Arc<dyn HeldBlocks>>,
}

impl DbOptions {
    /// The peers' defaults, without a retention.
    pub fn new(head: OpenOptions, ulids: UlidSource) -> Self {
        Self {
            head,
            ulids,
            block_range_max: Duration(31 * 24 * 60 * 60 * 1000),
            segment_bytes: SEGMENT_BYTES,
            retention: Retention::default(),
            retention_rules: Vec::new(),
            held: None,
        }
    }

    /// Lengths of blocks: each three times the one before.
    pub(crate) fn block_ranges(&self) -> Vec<i64> {
        const STEPS: usize = 10;
        let shortest = self.head.block_range.0.max(1);
        let mut ranges: Vec<i64> =
            std::iter::successors(Some(shortest), |range| range.checked_mul(3))
                .take(STEPS)
                .take_while(|range| *range <= self.block_range_max.0)
                .collect();
        if ranges.is_empty() {
            ranges.push(shortest);
        }
        ranges
    }
}

/// Which blocks are dropped. `None`: that reason does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Blocks that end so long before the newest one.
    pub time: Option<Duration>,
    /// The oldest blocks, as long as blocks and log together are longer than this.
    pub bytes: Option<u64>,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::Timestamp;
    use model::clock::ManualClock;
    use testkit::disk::FaultDisk;

    use super::*;

    #[test]
    fn ranges_triple_up_to_the_longest() {
        let head = OpenOptions::new("d", Arc::new(FaultDisk::new(1)));
        let clock = Arc::new(ManualClock::new(Timestamp(0)));
        let mut options = DbOptions::new(head, UlidSource::new(clock, 1));
        let hours = |options: &DbOptions| -> Vec<i64> {
            let ranges = options.block_ranges();
            ranges.iter().map(|range| range / 3_600_000).collect()
        };
        assert_eq!(hours(&options), [2, 6, 18, 54, 162, 486]);
        options.block_range_max = Duration(36 * 3_600_000);
        assert_eq!(hours(&options), [2, 6, 18]);
        options.block_range_max = Duration(1);
        assert_eq!(hours(&options), [2]);
    }
}
