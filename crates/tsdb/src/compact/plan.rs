//! Which blocks to make one of. The rules are those of the peer's LeveledCompactor.

use crate::block::meta::{HINT_SELECTED_SERIES, HINT_STALE_SERIES};
use crate::block::{BlockMeta, Ulid};

/// Share of series with deletions from which on a block is written again.
const DELETED_SHARE: f64 = 0.05;

/// The blocks to merge next, by the start of their times; none if everything is as it should be.
/// `ranges` are the lengths of blocks, shortest first.
pub(crate) fn plan(metas: &[BlockMeta], ranges: &[i64]) -> Vec<Ulid> {
    // Blocks of some series of the head are merged among themselves only, as they must keep their mark.
    let class = |meta: &BlockMeta| {
        if meta.compaction.has_hint(HINT_STALE_SERIES) {
            1
        } else if meta.compaction.has_hint(HINT_SELECTED_SERIES) {
            2
        } else {
            0
        }
    };
    for wanted in 0..3 {
        let mut metas: Vec<&BlockMeta> =
            metas.iter().filter(|meta| class(meta) == wanted).collect();
        metas.sort_by_key(|meta| meta.min_time);
        let found = plan_class(&metas, ranges);
        if !found.is_empty() {
            return found.iter().map(|meta| meta.ulid).collect();
        }
    }
    Vec::new()
}

fn plan_class<'a>(metas: &[&'a BlockMeta], ranges: &[i64]) -> Vec<&'a BlockMeta> {
    let overlapping = overlapping(metas);
    if !overlapping.is_empty() {
        return overlapping;
    }
    // The newest block waits for its successor, so that backups have time to take it as it is.
    let Some((_, metas)) = metas.split_last() else {
        return Vec::new();
    };
    let leveled = leveled(metas, ranges);
    if !leveled.is_empty() {
        return leveled;
    }
    let long = ranges.get(ranges.len() / 2).copied().unwrap_or(0);
    for meta in metas.iter().rev() {
        let (stones, series) = (meta.stats.num_tombstones, meta.stats.num_series);
        if meta.compaction.failed {
            continue;
        }
        if meta.max_time - meta.min_time < long {
            // Short blocks will be merged soon, unless all of it is deleted.
            if stones > 0 && stones >= series {
                return vec![meta];
            }
            break;
        }
        if stones as f64 / (series + 1) as f64 > DELETED_SHARE {
            return vec![meta];
        }
    }
    Vec::new()
}

/// The first blocks that overlap each other.
fn overlapping<'a>(metas: &[&'a BlockMeta]) -> Vec<&'a BlockMeta> {
    let Some((first, rest)) = metas.split_first() else {
        return Vec::new();
    };
    let mut end = first.max_time;
    let mut before = *first;
    let mut found: Vec<&BlockMeta> = Vec::new();
    for meta in rest {
        if meta.min_time < end {
            if found.is_empty() {
                found.push(before);
            }
            found.push(meta);
        } else if !found.is_empty() {
            break;
        }
        end = end.max(meta.max_time);
        before = meta;
    }
    // What failed once is left alone, else nothing after it would get its turn.
    if found.iter().any(|meta| meta.compaction.failed) {
        return Vec::new();
    }
    found
}

/// The first blocks that fill one of the longer ranges, or lie in one that is over.
fn leveled<'a>(metas: &[&'a BlockMeta], ranges: &[i64]) -> Vec<&'a BlockMeta> {
    let Some(newest) = metas.last() else {
        return Vec::new();
    };
    for range in ranges.get(1..).unwrap_or_default() {
        for part in split_by_range(metas, *range) {
            if part.iter().any(|meta| meta.compaction.failed) {
                continue;
            }
            let (Some(first), Some(last)) = (part.first(), part.last()) else {
                continue;
            };
            let is_full = last.max_time - first.min_time == *range;
            if (is_full || last.max_time <= newest.min_time) && part.len() > 1 {
                return part;
            }
        }
    }
    Vec::new()
}

/// Blocks that lie in the same multiple of the range; blocks that lie in none are left out.
fn split_by_range<'a>(metas: &[&'a BlockMeta], range: i64) -> Vec<Vec<&'a BlockMeta>> {
    let mut parts: Vec<(i64, Vec<&BlockMeta>)> = Vec::new();
    let mut rest = metas;
    while let Some((first, after)) = rest.split_first() {
        let start = first.min_time.div_euclid(range).saturating_mul(range);
        let end = start.saturating_add(range);
        if first.max_time > end {
            rest = after;
            continue;
        }
        let count = rest.iter().take_while(|meta| meta.max_time <= end).count();
        let (part, after) = rest.split_at(count);
        parts.push((start, part.to_vec()));
        rest = after;
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{BlockStats, Compaction};

    /// Blocks with times, named by their position.
    fn blocks(times: &[(i64, i64)]) -> Vec<BlockMeta> {
        times
            .iter()
            .enumerate()
            .map(|(at, (min_time, max_time))| BlockMeta {
                ulid: Ulid(at as u128),
                min_time: *min_time,
                max_time: *max_time,
                stats: BlockStats::default(),
                compaction: Compaction::default(),
                version: 1,
            })
            .collect()
    }

    fn planned(metas: &[BlockMeta]) -> Vec<u128> {
        let found = plan(metas, &[20, 60, 180, 540, 1620]);
        found.into_iter().map(|ulid| ulid.0).collect()
    }

    /// Times and expectations are those of the peer's `TestLeveledCompactor_plan`.
    #[test]
    fn plans_are_the_peers() {
        let plan = |times: &[(i64, i64)]| planned(&blocks(times));
        assert_eq!(plan(&[(0, 20)]), []);
        // The newest block is left out.
        assert_eq!(plan(&[(0, 20), (20, 40)]), []);
        assert_eq!(plan(&[(0, 20), (20, 40), (40, 60)]), []);
        assert_eq!(plan(&[(0, 20), (20, 40), (40, 60), (60, 80)]), [0, 1, 2]);
        // A gap: blocks in a range that is over.
        assert_eq!(plan(&[(0, 20), (20, 40), (60, 80), (80, 100)]), [0, 1]);
        // The next level.
        assert_eq!(
            plan(&[(0, 60), (60, 120), (120, 180), (180, 200), (200, 220)]),
            [0, 1, 2]
        );
        // Not yet full.
        assert_eq!(plan(&[(0, 60), (60, 120), (120, 140), (140, 160)]), []);
        // Overlaps go first.
        assert_eq!(plan(&[(0, 20), (19, 40), (40, 60)]), [0, 1]);
        assert_eq!(plan(&[(0, 20), (20, 40), (30, 50)]), [1, 2]);
        assert_eq!(plan(&[(0, 20), (10, 40), (30, 50), (60, 80)]), [0, 1, 2]);
        assert_eq!(
            plan(&[(0, 360), (340, 560), (360, 420), (420, 540)]),
            [0, 1, 2, 3]
        );
    }

    #[test]
    fn failed_blocks_are_left_alone() {
        let mut metas = blocks(&[(0, 20), (20, 40), (40, 60), (60, 80)]);
        metas[1].compaction.failed = true;
        assert_eq!(planned(&metas), []);
    }

    #[test]
    fn blocks_with_many_deletions_are_written_again() {
        let mut metas = blocks(&[(0, 540), (540, 560)]);
        metas[0].stats.num_series = 10;
        metas[0].stats.num_tombstones = 3;
        assert_eq!(planned(&metas), [0]);
        metas[0].stats.num_series = 1_000;
        assert_eq!(planned(&metas), []);
        // A short block, all of which is deleted.
        let mut metas = blocks(&[(0, 20), (20, 40)]);
        metas[0].stats.num_series = 3;
        metas[0].stats.num_tombstones = 3;
        assert_eq!(planned(&metas), [0]);
    }
}
