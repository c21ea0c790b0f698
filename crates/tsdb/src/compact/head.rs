//! A block of a part of the head.

use model::storage::TimeRange;
use model::time::Timestamp;

use super::{Destination, MakeBlockError};
use crate::block::Ulid;
use crate::block::meta::{BlockMeta, BlockStats, Compaction, HINT_OUT_OF_ORDER, HINT_STALE_SERIES};
use crate::block::writer::BlockWriter;
use crate::head::{Growth, Head, HeadExport, LateCut, StaleSeries};

/// Writes the samples of the head in the range; `None` if there are none. Samples that are committed
/// meanwhile are not in it.
pub(crate) fn write_head(
    destination: &Destination<'_>,
    head: &Head,
    range: TimeRange,
    growth: Growth,
    ulid: Ulid,
) -> Result<Option<BlockMeta>, MakeBlockError> {
    write(destination, head.export(range, growth), meta(range, ulid))
}

/// Writes late samples of the head, a block for each multiple of `block_range` that has any. They may
/// overlap other blocks.
pub(crate) fn write_late(
    destination: &Destination<'_>,
    head: &Head,
    cut: &LateCut,
    block_range: i64,
    mut ulid: impl FnMut() -> Ulid,
) -> Result<(), MakeBlockError> {
    let mut start = cut.range.start.0;
    while start <= cut.range.end.0 {
        let first = start.div_euclid(block_range).saturating_mul(block_range);
        let end = first.saturating_add(block_range);
        let range = TimeRange::new(Timestamp(first), Timestamp(end - 1));
        let export = head.export_late(range, cut);
        if export.len() > 0 {
            let mut meta = meta(range, ulid());
            meta.compaction.set_hint(HINT_OUT_OF_ORDER);
            write(destination, export, meta)?;
        }
        // Long times may lie between them.
        match cut.next_time(end) {
            Some(next) => start = next,
            None => break,
        }
    }
    Ok(())
}

/// Writes what stale series have in the range, a block for each multiple of `block_range` that has any.
pub(crate) fn write_stale(
    destination: &Destination<'_>,
    head: &Head,
    (stale, range): (&StaleSeries, TimeRange),
    block_range: i64,
    mut ulid: impl FnMut() -> Ulid,
) -> Result<(), MakeBlockError> {
    let mut start = range.start.0;
    while start <= range.end.0 {
        let first = start.div_euclid(block_range).saturating_mul(block_range);
        let end = first.saturating_add(block_range);
        // What lies before is in a block already, or nowhere.
        let wanted = TimeRange::new(Timestamp(start), Timestamp(end - 1));
        let export = head.export_stale(wanted, stale);
        if export.len() > 0 {
            let mut meta = meta(TimeRange::new(Timestamp(first), wanted.end), ulid());
            meta.compaction.set_hint(HINT_STALE_SERIES);
            write(destination, export, meta)?;
        }
        if end <= start {
            // The end of all times.
            break;
        }
        start = end;
    }
    Ok(())
}

fn meta(range: TimeRange, ulid: Ulid) -> BlockMeta {
    BlockMeta {
        ulid,
        min_time: range.start.0,
        max_time: range.end.0.saturating_add(1),
        stats: BlockStats::default(),
        compaction: Compaction {
            level: 1,
            sources: vec![ulid],
            ..Compaction::default()
        },
        version: 1,
    }
}

fn write(
    destination: &Destination<'_>,
    mut export: HeadExport,
    meta: BlockMeta,
) -> Result<Option<BlockMeta>, MakeBlockError> {
    let mut writer = BlockWriter::create(
        destination.disk.clone(),
        destination.dir,
        meta,
        export.take_symbols(),
        destination.segment_bytes,
    )?;
    let (mut labels, mut chunks) = (Vec::new(), Vec::new());
    for row in 0..export.len() {
        export
            .read(row, &mut labels, &mut chunks)
            .map_err(|error| MakeBlockError::Head(error.to_string()))?;
        writer.add_series(&labels, &chunks)?;
        destination.check()?;
    }
    Ok(writer.finish()?)
}
