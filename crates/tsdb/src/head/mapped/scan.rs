//! What is in the files at a start.
//!
//! Every chunk's checksum is looked at. From the first place on that cannot be read everything goes,
//! later files too: a series must not have a later chunk without the earlier ones, because the times
//! of its last chunk say up to where the log need not be read. The log has what is lost by that. The
//! peer does the same, but drops the damaged file as a whole.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use model::disk::{Disk, DiskReader};

use super::files::{ChunkFiles, file_path};
use super::format::{CHUNK_HEADER, CHUNK_REST_MAX, FILE_HEADER, Found, MAGIC, VERSION, parse};
use super::{MappedChunk, Position};
use crate::log::{Corruption, Repair, list_segments};

/// A chunk that was found.
#[derive(Clone, Copy, Debug)]
pub(in crate::head) struct FoundChunk {
    pub(in crate::head) series: u64,
    pub(in crate::head) chunk: MappedChunk,
    pub(in crate::head) is_out_of_order: bool,
}

/// One file's chunks, up to its end or to where it is damaged.
struct FileScan {
    number: u32,
    reader: Arc<dyn DiskReader>,
    chunks: Vec<FoundChunk>,
    /// Highest series, counting chunks of unknown encodings.
    series_max: u64,
    end: i64,
    length: u64,
    damage: Option<Damage>,
}

/// Where and why a file cannot be read.
#[derive(Clone, Debug)]
struct Damage {
    offset: u64,
    reason: String,
}

/// What was found in all files.
#[derive(Debug, Default)]
pub(in crate::head) struct ScanReport {
    pub(in crate::head) chunks: usize,
    /// Highest reference of a series; numbers up to it must not be given out again.
    pub(in crate::head) series_max: u64,
    pub(in crate::head) repair: Option<(Position, Repair)>,
}

/// Bytes that are read at a time.
const BLOCK: usize = 1 << 20;

/// Enters all files, gives their chunks to `visit` in the order in which they were written, and repairs
/// what is damaged. `visit` may say that a chunk makes no sense, which is damage too.
pub(in crate::head) fn scan(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    files: &ChunkFiles,
    mut visit: impl FnMut(FoundChunk) -> ControlFlow<String>,
) -> io::Result<ScanReport> {
    let mut report = ScanReport::default();
    let numbers = list(disk.as_ref(), dir)?;
    let Some(&first) = numbers.first() else {
        return Ok(report);
    };
    let mut damaged: Option<(u32, Damage)> = None;
    thread::scope(|scope| -> io::Result<()> {
        // One file is read while the one before is entered.
        let (sender, scans) = sync_channel(1);
        let (disk, numbers) = (disk.as_ref(), &numbers);
        let read_all = move || {
            for number in numbers {
                let scan = scan_file(disk, &file_path(dir, *number), *number);
                if sender.send(scan).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("chunk-files".to_owned())
            .spawn_scoped(scope, read_all)?;
        for (expected, scan) in (first..).zip(scans) {
            let scan = scan?;
            if scan.number != expected {
                let reason = format!("the file before, number {expected:06}, is missing");
                damaged = Some((scan.number, Damage { offset: 0, reason }));
                return Ok(());
            }
            let mut damage = scan.damage;
            files.enter(scan.number, scan.reader, scan.end);
            report.series_max = report.series_max.max(scan.series_max);
            for found in scan.chunks {
                if let ControlFlow::Break(reason) = visit(found) {
                    let offset = u64::from(found.chunk.position.offset);
                    damage = Some(Damage { offset, reason });
                    break;
                }
                report.chunks += 1;
            }
            if let Some(damage) = damage {
                // A file without anything in it was about to be written when the process ended.
                let is_new =
                    scan.length < FILE_HEADER as u64 && Some(&scan.number) == numbers.last();
                if is_new {
                    files.remove(scan.number)?;
                } else {
                    damaged = Some((scan.number, damage));
                }
                return Ok(());
            }
        }
        Ok(())
    })?;
    if let Some((number, damage)) = damaged {
        let repair = cut(disk.as_ref(), dir, files, number, damage.clone())?;
        let position = Position {
            file: number,
            // Files are shorter than 4 GiB, or were not read beyond.
            offset: damage.offset as u32,
        };
        report.repair = Some((position, repair));
    }
    Ok(report)
}

fn list(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<u32>> {
    if !disk.exists(dir) {
        return Ok(Vec::new());
    }
    // Named by their numbers, as segments of the log are.
    let numbers = list_segments(disk, dir)?.into_iter();
    Ok(numbers.filter_map(|n| u32::try_from(n).ok()).collect())
}

/// Cuts the damaged file, or removes it if nothing good is in it, and removes all later ones.
fn cut(
    disk: &dyn Disk,
    dir: &Path,
    files: &ChunkFiles,
    number: u32,
    damage: Damage,
) -> io::Result<Repair> {
    let path = file_path(dir, number);
    let bytes_cut = disk.length(&path)?.saturating_sub(damage.offset);
    let mut segments_removed = Vec::new();
    // Newest first: a crash in between leaves files that still end at the damage.
    for later in list(disk, dir)?.into_iter().rev() {
        let has_nothing_good = later == number && damage.offset <= FILE_HEADER as u64;
        if later > number || has_nothing_good {
            disk.remove_file(&file_path(dir, later))?;
            files.forget(later);
        }
        if later > number {
            segments_removed.push(file_path(dir, later));
        }
    }
    segments_removed.reverse();
    if damage.offset > FILE_HEADER as u64 {
        let mut file = disk.open_append(&path)?;
        file.truncate(damage.offset)?;
        file.sync()?;
    }
    disk.sync_dir(dir)?;
    Ok(Repair {
        corruption: Corruption {
            path,
            offset: damage.offset,
            reason: damage.reason,
        },
        bytes_cut,
        segments_removed,
    })
}

fn scan_file(disk: &dyn Disk, path: &Path, number: u32) -> io::Result<FileScan> {
    let reader: Arc<dyn DiskReader> = disk.open_reader(path)?.into();
    let mut scan = FileScan {
        number,
        reader: reader.clone(),
        chunks: Vec::new(),
        series_max: 0,
        end: i64::MIN,
        length: disk.length(path)?,
        damage: None,
    };
    let mut window = Window {
        reader,
        length: scan.length,
        start: 0,
        bytes: Vec::new(),
        is_last: false,
    };
    if let Err(damage) = scan_chunks(&mut window, &mut scan)? {
        scan.damage = Some(damage);
    }
    Ok(scan)
}

/// The outer error is the disk's, the inner one the file's.
fn scan_chunks(window: &mut Window, scan: &mut FileScan) -> io::Result<Result<(), Damage>> {
    let damage = |offset, reason: String| Ok(Err(Damage { offset, reason }));
    window.fill(0, FILE_HEADER)?;
    let Some(header) = window.from(0).first_chunk::<FILE_HEADER>() else {
        return damage(0, "the file ends in its header".to_owned());
    };
    let [a, b, c, d, version, ..] = *header;
    if [a, b, c, d] != MAGIC {
        return damage(0, format!("invalid magic number {:02x?}", [a, b, c, d]));
    }
    if version != VERSION {
        return damage(0, format!("invalid chunk format version {version}"));
    }
    let mut offset = FILE_HEADER as u64;
    let mut wanted = CHUNK_HEADER + CHUNK_REST_MAX;
    loop {
        let Ok(short_offset) = u32::try_from(offset) else {
            return damage(offset, "the file is longer than 4 GiB".to_owned());
        };
        window.fill(offset, wanted)?;
        let bytes = window.from(offset);
        if bytes.is_empty() {
            return Ok(Ok(()));
        }
        let available = bytes.len();
        match parse(bytes) {
            Found::Chunk(read) => {
                let length = read.length as u64;
                scan.series_max = scan.series_max.max(read.series);
                let position = Position {
                    file: scan.number,
                    offset: short_offset,
                };
                if let Some(head) = read.head {
                    let is_out_of_order = read.is_out_of_order;
                    let series = read.series;
                    let Some(chunk) = MappedChunk::new(position, &head) else {
                        let reason = format!("a chunk from {} to {}", head.start, head.end);
                        return damage(offset, reason);
                    };
                    scan.end = scan.end.max(head.end);
                    scan.chunks.push(FoundChunk {
                        series,
                        chunk,
                        is_out_of_order,
                    });
                }
                offset += length;
                wanted = CHUNK_HEADER + CHUNK_REST_MAX;
            }
            Found::More(more) if more > available && !window.is_last => wanted = more,
            Found::End => return window.rest_is_zero(offset),
            Found::More(_) => {
                // Too short for a chunk, but room made in advance may be that short.
                return match window.rest_is_zero(offset)? {
                    Ok(()) => Ok(Ok(())),
                    Err(_) => damage(offset, "the last chunk is cut off".to_owned()),
                };
            }
            Found::Corrupt(reason) => return damage(offset, reason),
        }
    }
}

/// A part of a file in memory, which moves on.
struct Window {
    reader: Arc<dyn DiskReader>,
    /// Of the file.
    length: u64,
    start: u64,
    bytes: Vec<u8>,
    is_last: bool,
}

impl Window {
    /// The bytes from `offset` on that are in the window.
    fn from(&self, offset: u64) -> &[u8] {
        let at = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        self.bytes.get(at..).unwrap_or_default()
    }

    /// Sees to it that at least `wanted` bytes from `offset` on are in the window, if the file has them.
    fn fill(&mut self, offset: u64, wanted: usize) -> io::Result<()> {
        let available = self.from(offset).len();
        if available < wanted && !self.is_last {
            let gone = self.bytes.len() - available;
            self.bytes.drain(..gone);
            self.start = offset;
            let filled = self.bytes.len();
            let left = self.length.saturating_sub(offset);
            let block = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
            let wanted = wanted.max(block);
            self.bytes.resize(wanted, 0);
            let read = self
                .reader
                .read_at(offset + filled as u64, &mut self.bytes[filled..])?;
            self.bytes.truncate(filled + read);
            self.is_last = self.bytes.len() < wanted;
        }
        Ok(())
    }

    fn rest_is_zero(&mut self, from: u64) -> io::Result<Result<(), Damage>> {
        let mut offset = from;
        loop {
            self.fill(offset, 1)?;
            let bytes = self.from(offset);
            if bytes.is_empty() {
                return Ok(Ok(()));
            }
            if bytes.iter().any(|byte| *byte != 0) {
                let reason = "bytes after the end of the chunks".to_owned();
                return Ok(Err(Damage {
                    offset: from,
                    reason,
                }));
            }
            offset += bytes.len() as u64;
        }
    }
}
