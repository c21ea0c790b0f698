//! Late samples on their way into blocks: closed and given out, and dropped when the blocks are there.
//!
//! Commits wait for one page at a time. What comes in between goes to a new segment of the log, and stays
//! open.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use model::storage::TimeRange;
use model::time::Timestamp;

use super::{closing, log_dir};
use crate::head::durable::sync_log;
use crate::head::mapped::{MappedChunk, Position};
use crate::head::pins::Pin;
use crate::head::series::LateSamples;
use crate::head::{Head, Inner};
use crate::log::record::{InBlocks, MmapMarker, encode_in_blocks, encode_mmap_markers};
use crate::log::{list_segments, segment_path};

/// All late samples of a moment. What it has stays in files as long as this lives.
#[derive(Debug)]
pub(crate) struct LateCut {
    /// Times of the oldest and the newest sample.
    pub(crate) range: TimeRange,
    pub(in crate::head) rows: Vec<(u32, Arc<LateSamples>)>,
    /// The newest of the chunks.
    last: InBlocks,
    /// Segments of the log before this have nothing else.
    segment: u64,
    _pin: Pin,
}

impl LateCut {
    /// A time at or after `time`, but not after the first sample from there on; `None` if there is none.
    pub(crate) fn next_time(&self, time: i64) -> Option<i64> {
        let chunks = self.rows.iter().flat_map(|(_, late)| late.closed());
        let later = chunks.filter(|chunk| chunk.end() >= time);
        later.map(|chunk| chunk.start.max(time)).min()
    }
}

impl Head {
    /// Closes all late samples and gives them out; `None` if there are none.
    pub(crate) fn cut_late(&self) -> io::Result<Option<LateCut>> {
        cut(&self.0)
    }

    /// Drops what was given out: it is in blocks now.
    pub(crate) fn drop_late(&self, cut: &LateCut) -> io::Result<()> {
        drop_cut(&self.0, cut)
    }
}

fn cut(inner: &Inner) -> io::Result<Option<LateCut>> {
    if inner.late.range().is_none() {
        return Ok(None);
    }
    let pin = inner.pins.pin();
    let (segment, durable) = {
        let mut writer = inner.writer.lock();
        let commit = writer.commit;
        if writer.log.is_none() {
            return Err(io::Error::other("the head is closed"));
        }
        let log = writer.late.open(inner)?;
        log.next_segment()?;
        (log.segment(), commit)
    };
    // The segments before are durable now; this is for the other halves of their commits.
    sync_log(inner).map_err(io::Error::other)?;
    let mut rows = Vec::new();
    let mut last: Option<(u32, MappedChunk)> = None;
    let mut times: Option<(i64, i64)> = None;
    for number in 0..inner.pages.count() {
        let Some(page) = inner.pages.get(number) else {
            continue;
        };
        let mut writer = inner.writer.lock();
        let open: Vec<u32> = {
            let page = page.read();
            let open = page
                .iter(number)
                .filter(|(_, view)| view.record.late_open() > 0);
            open.map(|(series, _)| series).collect()
        };
        if !open.is_empty() {
            closing::close(inner, &open, &mut writer.late.markers, durable)?;
        }
        for (series, view) in page.read().iter(number) {
            let Some(late) = view.record.late() else {
                continue;
            };
            for chunk in late.closed() {
                if last.is_none_or(|(_, last)| last.position < chunk.position) {
                    last = Some((series, *chunk));
                }
                let (start, end) = times.unwrap_or((i64::MAX, i64::MIN));
                times = Some((start.min(chunk.start), end.max(chunk.end())));
            }
            rows.push((series, late.clone()));
        }
    }
    Ok(times
        .zip(last)
        .map(|((start, end), (series, last))| LateCut {
            range: TimeRange::new(Timestamp(start), Timestamp(end)),
            rows,
            last: InBlocks {
                marker: MmapMarker {
                    series: inner.reference(series),
                    chunk: last.position.to_reference(),
                },
                start: last.start,
                end: last.end(),
            },
            segment,
            _pin: pin,
        }))
}

fn drop_cut(inner: &Inner, cut: &LateCut) -> io::Result<()> {
    log_written(inner, cut)?;
    drop_closed(inner, Position::of_reference(cut.last.marker.chunk));
    let disk = inner.options.disk.as_ref();
    let dir = log_dir(&inner.options.dir);
    for number in list_segments(disk, &dir)? {
        if number < cut.segment {
            disk.remove_file(&segment_path(&dir, number))?;
        }
    }
    Ok(())
}

/// The chunks stay in files that others are in too, and so would come back at the next start.
fn log_written(inner: &Inner, cut: &LateCut) -> io::Result<()> {
    // A mark must not outlive the chunk that it names.
    inner.chunks.sync()?;
    let mut guard = inner.writer.lock();
    let late = &mut guard.late;
    let mut markers = Vec::new();
    if !late.markers.is_empty() {
        encode_mmap_markers(&mut markers, &late.markers);
    }
    let mut last = Vec::new();
    encode_in_blocks(&mut last, &cut.last);
    let mut records: Vec<&[u8]> = vec![&markers, &last];
    records.retain(|record| !record.is_empty());
    let log = late.open(inner)?;
    log.append(&records)?;
    log.sync()?;
    late.markers.clear();
    Ok(())
}

/// Drops closed chunks up to a place in the files.
pub(super) fn drop_closed(inner: &Inner, last: Position) {
    inner.late.begin_count();
    let mut times: Option<(i64, i64)> = None;
    for number in 0..inner.pages.count() {
        let Some(page) = inner.pages.get(number) else {
            continue;
        };
        let _writer = inner.writer.lock();
        for (_, record) in page.write().iter_mut(number) {
            if record.late().is_none() {
                continue;
            }
            record.drop_late(last);
            match record.late().and_then(|late| late.times()) {
                Some((start, end)) => {
                    let (first, last) = times.unwrap_or((start, end));
                    times = Some((first.min(start), last.max(end)));
                }
                None if record.is_without_samples() => {
                    inner.without_samples.fetch_add(1, Ordering::Relaxed);
                }
                None => {}
            }
        }
    }
    let _writer = inner.writer.lock();
    inner.late.end_count(times);
}
