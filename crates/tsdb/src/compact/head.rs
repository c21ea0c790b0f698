//! A block of a part of the head.

use model::storage::TimeRange;

use super::{Destination, MakeBlockError};
use crate::block::Ulid;
use crate::block::meta::{BlockMeta, BlockStats, Compaction};
use crate::block::writer::BlockWriter;
use crate::head::{Growth, Head};

/// Writes the samples of the head in the range; `None` if there are none. Samples that are committed
/// meanwhile are not in it.
pub(crate) fn write_head(
    destination: &Destination<'_>,
    head: &Head,
    range: TimeRange,
    growth: Growth,
    ulid: Ulid,
) -> Result<Option<BlockMeta>, MakeBlockError> {
    let meta = BlockMeta {
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
    };
    let mut export = head.export(range, growth);
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
