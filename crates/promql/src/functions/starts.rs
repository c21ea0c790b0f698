//! Start timestamps: when a counter began to count, as its source says.

use super::range::RangeContext;
use crate::eval::annotations::{Annotations, Note};

/// Whether the start timestamps of two neighbouring samples say that the counter began anew between
/// them. A start equal to the time of the sample before is one only if that sample had a sane start too
/// (a delta); cumulative series with an unknown start look the same otherwise.
pub(super) fn is_start_reset(previous_start: i64, previous: i64, start: i64, time: i64) -> bool {
    if start == 0 || start >= time || start < previous {
        return false;
    }
    if start > previous {
        return true;
    }
    previous_start <= previous && previous_start != 0 && previous_start != previous
}

fn overlaps(previous_start: i64, previous: i64, start: i64) -> bool {
    start != 0 && start < previous && start != previous_start
}

/// `(previous start, previous time, start, time)` of sample `at` and the one before, if starts are known.
fn start_pair(starts: &[i64], times: &[i64], at: usize) -> Option<(i64, i64, i64, i64)> {
    let before = at.checked_sub(1)?;
    Some((
        *starts.get(before)?,
        *times.get(before)?,
        *starts.get(at)?,
        *times.get(at)?,
    ))
}

pub(super) fn is_reset_at(starts: &[i64], times: &[i64], at: usize) -> bool {
    start_pair(starts, times, at).is_some_and(|(previous_start, previous, start, time)| {
        is_start_reset(previous_start, previous, start, time)
    })
}

pub(super) fn note_overlap(
    context: &RangeContext<'_>,
    starts: &[i64],
    times: &[i64],
    notes: &mut Annotations,
) {
    let has_overlap = (1..times.len()).any(|at| {
        start_pair(starts, times, at).is_some_and(|(previous_start, previous, start, _)| {
            overlaps(previous_start, previous, start)
        })
    });
    if has_overlap {
        context.note(
            notes,
            Note::StartTimeOverlap {
                name: context.name(),
            },
        );
    }
}

/// The start of the first sample, if the counter began within the range.
pub(super) fn known_start(context: &RangeContext<'_>, starts: &[i64], first: i64) -> Option<i64> {
    starts
        .first()
        .copied()
        .filter(|start| *start != 0 && *start > context.start && *start < first)
}
