//! Retention rules: some series are kept for less time than the others.
//!
//! Every block that is made of others leaves out what the rules say is too old. Beside that a block is made
//! anew when all of it is too old for a rule that has series in it, or when it has samples twice as old as
//! the rule says. So a sample is kept at least as long as the rule says, and about twice as long at most; and
//! as blocks of longer times are older too, a block is rarely made anew more than once for a rule.
//!
//! Age counts from the newest sample, or from now where that is in the future: a clock or a sample that is
//! wrong makes nothing go too early. What the head has is not touched.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hashbrown::HashMap;
use model::matcher::Matcher;
use model::time::{Duration, Timestamp};
use parking_lot::Mutex;

use super::{CompactError, Db, Inner};
use crate::block::index::SeriesEntry;
use crate::block::{Block, Damage, Ulid};
use crate::compact::cut::Cut;
use crate::compact::merge::merged_meta;

/// Series with less retention than the others.
#[derive(Clone, Debug)]
pub struct RetentionRule {
    /// How it is called in logs and metrics.
    pub name: String,
    /// Its series satisfy all of them.
    pub matchers: Vec<Matcher>,
    /// Samples stay at least so long.
    pub keep: Duration,
}

/// What a rule has done since the database was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleStats {
    pub name: String,
    pub samples_dropped: u64,
}

/// What is remembered of the rules.
#[derive(Debug, Default)]
pub(super) struct RuleBook {
    /// By rule.
    samples_dropped: Vec<AtomicU64>,
    /// When a block has to be made anew for a rule; `None`: it has nothing of the rule. Only blocks that were
    /// looked at.
    due: Mutex<HashMap<(Ulid, usize), Option<i64>>>,
    /// A block was made anew, and others may wait.
    is_more_due: AtomicBool,
}

impl RuleBook {
    pub(super) fn new(rules: &[RetentionRule]) -> Self {
        Self {
            samples_dropped: rules.iter().map(|_| AtomicU64::new(0)).collect(),
            due: Mutex::default(),
            is_more_due: AtomicBool::new(false),
        }
    }

    pub(super) fn is_more_due(&self) -> bool {
        self.is_more_due.load(Ordering::Relaxed)
    }
}

impl Db {
    pub fn retention_rules(&self) -> Vec<RuleStats> {
        let rules = self.0.options.retention_rules.iter();
        let dropped = self.0.rules.samples_dropped.iter();
        rules
            .zip(dropped)
            .map(|(rule, dropped)| RuleStats {
                name: rule.name.clone(),
                samples_dropped: dropped.load(Ordering::Relaxed),
            })
            .collect()
    }
}

impl Inner {
    /// What blocks lose that are made now, by rule.
    pub(super) fn cuts(&self) -> Vec<Cut<'_>> {
        let Some(now) = self.age_start() else {
            return Vec::new();
        };
        let rules = self.options.retention_rules.iter();
        rules
            .map(|rule| Cut {
                matchers: &rule.matchers,
                before: now.saturating_sub(rule.keep.0),
            })
            .collect()
    }

    pub(super) fn note_cut(&self, samples: &[u64]) {
        for (dropped, samples) in self.rules.samples_dropped.iter().zip(samples) {
            dropped.fetch_add(*samples, Ordering::Relaxed);
        }
    }

    /// Makes one block anew that has too much of what a rule says, so that nothing else waits long.
    pub(super) fn apply_rules(&self) -> Result<(), CompactError> {
        let is_more_due = &self.rules.is_more_due;
        is_more_due.store(false, Ordering::Relaxed);
        let Some(now) = self.age_start() else {
            return Ok(());
        };
        let set = self.set();
        {
            let mut due = self.rules.due.lock();
            due.retain(|(ulid, _), _| set.blocks.iter().any(|block| block.ulid() == *ulid));
        }
        let is_due = |block: &&Block| !block.meta().compaction.failed && self.is_due(block, now);
        let Some(block) = set.blocks.iter().find(is_due) else {
            return Ok(());
        };
        let meta = merged_meta(self.options.ulids.make(), &[block.meta()]);
        self.merge(std::slice::from_ref(block), meta)?;
        is_more_due.store(true, Ordering::Relaxed);
        self.reload()
    }

    fn is_due(&self, block: &Block, now: i64) -> bool {
        let (start, end) = (block.meta().min_time, block.meta().max_time);
        let mut known = self.rules.due.lock();
        let rules = self.options.retention_rules.iter().enumerate();
        let mut is_due = false;
        for (number, rule) in rules {
            // As long as nothing in the block can be too old, it is not looked at.
            if start.saturating_add(rule.keep.0) > now {
                continue;
            }
            let due = known.entry((block.ulid(), number)).or_insert_with(|| {
                // A block that is damaged is told about, and left alone, by whoever reads it.
                let first = first_time(block, &rule.matchers).unwrap_or(None)?;
                let twice = first.saturating_add(rule.keep.0.saturating_mul(2));
                Some(twice.min(end.saturating_add(rule.keep.0)))
            });
            is_due |= due.is_some_and(|due| due <= now);
        }
        is_due
    }

    /// What age counts from.
    fn age_start(&self) -> Option<i64> {
        let of_head = self.head().time_range().map(|range| range.end);
        let newest = of_head.max(self.set().head_start)?;
        let now: Timestamp = self.options.ulids.now();
        Some(newest.min(now).0)
    }
}

/// The oldest sample of matching series, deleted ones included.
fn first_time(block: &Block, matchers: &[Matcher]) -> Result<Option<i64>, Damage> {
    let mut entry = SeriesEntry::default();
    let mut first: Option<i64> = None;
    for series in block.series(matchers)? {
        block.index().series(series, &mut entry)?;
        let own = entry.chunks.iter().map(|place| place.start).min();
        first = match (first, own) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    block.index().release();
    Ok(first)
}
