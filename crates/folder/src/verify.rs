//! What is wrong with a data folder: every file is read.
//!
//! Blocks series by series and chunk by chunk, the logs record by record, and then the head as a start would build
//! it, which reads the chunk files and the snapshot. Nothing is changed. Memory and time are those of a start, and
//! those of reading all blocks once.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Timestamp;
use model::disk::Disk;
use tsdb::block::{Block, BlockError, Ulid, Verified, VerifyStep, verify as verify_block};
use tsdb::{Head, OpenOptions, ReadOnlyDisk};

use crate::logs::{LogKind, check_segment, log_folders, segments};
use crate::progress::Progress;

/// So many problems of one block are told; more are counted.
const PROBLEMS_OF_BLOCK_MAX: usize = 20;
/// Ends of names of folders that are no blocks yet, or no more.
const UNFINISHED: [&str; 3] = [".tmp-for-creation", ".tmp-for-deletion", ".tmp"];

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub part: Part,
    /// What and where, with file and offset.
    pub text: String,
    pub advice: &'static str,
}

/// What a problem is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Block(Ulid),
    /// A log, a snapshot or the chunk files.
    Head,
    /// Left behind by a crash; nothing is lost by it.
    Leftover,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub problems: Vec<Problem>,
    pub blocks: usize,
    /// Over all blocks.
    pub read: Verified,
    pub segments: usize,
    pub records: u64,
    /// Series of the head, as a start would find it.
    pub head_series: usize,
}

impl Report {
    /// Whether anything is lost or will be.
    pub fn has_damage(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.part != Part::Leftover)
    }
}

/// Reads everything in the folder.
pub fn verify(dir: &Path, progress: &dyn Progress) -> io::Result<Report> {
    let disk = ReadOnlyDisk::default();
    let mut report = Report::default();
    let mut head_start = Timestamp::MIN;
    for name in disk.list(dir)? {
        let name = name.to_string_lossy().into_owned();
        if let Some(ulid) = Ulid::parse(&name) {
            report.blocks += 1;
            block(&disk, dir, ulid, progress, &mut report);
            if let Ok(block) = Block::open(&disk, &dir.join(&name))
                && !block.meta().compaction.is_partial()
            {
                head_start = head_start.max(Timestamp(block.meta().max_time));
            }
        } else if is_leftover(&name) {
            report.problems.push(Problem {
                part: Part::Leftover,
                text: format!(
                    "{}: left behind by an interrupted write or removal",
                    dir.join(&name).display()
                ),
                advice: "nothing: the next start removes it, and so does repair",
            });
        }
    }
    logs(&disk, dir, progress, &mut report)?;
    head(disk, dir, head_start, progress, &mut report);
    Ok(report)
}

pub(crate) fn is_leftover(name: &str) -> bool {
    let mut ends = UNFINISHED.iter();
    ends.any(|end| {
        name.strip_suffix(end)
            .is_some_and(|name| Ulid::parse(name).is_some())
    })
}

fn block(
    disk: &ReadOnlyDisk,
    dir: &Path,
    ulid: Ulid,
    progress: &dyn Progress,
    report: &mut Report,
) {
    let mut problems: Vec<BlockError> = Vec::new();
    let mut more = 0;
    let what = format!("block {ulid}");
    let read = verify_block(
        disk,
        &dir.join(ulid.to_string()),
        &mut |problem| {
            if problems.len() < PROBLEMS_OF_BLOCK_MAX {
                problems.push(problem);
            } else {
                more += 1;
            }
        },
        &mut |step| match step {
            VerifyStep::Series(count) => progress.begin(&what, count),
            VerifyStep::Done => progress.advance(1),
        },
    );
    progress.end();
    report.read.series += read.series;
    report.read.chunks += read.chunks;
    report.read.samples += read.samples;
    let advice = "a server leaves out the block or the part of it; restore the block's folder from a copy, or let repair write a block of what can be read";
    let mut texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    if more > 0 {
        texts.push(format!("block {ulid}: {more} problems more"));
    }
    report
        .problems
        .extend(texts.into_iter().map(|text| Problem {
            part: Part::Block(ulid),
            text,
            advice,
        }));
}

fn logs(
    disk: &ReadOnlyDisk,
    dir: &Path,
    progress: &dyn Progress,
    report: &mut Report,
) -> io::Result<()> {
    for folder in log_folders(disk, dir)? {
        let (numbers, gap) = segments(disk, &folder.dir)?;
        progress.begin(folder.kind.name(), numbers.len() as u64);
        let mut note = |text: String, advice| {
            report.problems.push(Problem {
                part: Part::Head,
                text,
                advice,
            });
        };
        if let Some(gap) = gap {
            let dir = folder.dir.display();
            note(
                format!("{dir}: the segment {gap:08} is missing between others"),
                "what it had is lost; Keepwatch reads on behind it, Prometheus does not start; repair puts an empty one there",
            );
        }
        for number in numbers {
            let check = check_segment(disk, &folder, number)?;
            report.segments += 1;
            report.records += check.records;
            if let Some(corruption) = check.corruption {
                note(corruption.to_string(), log_advice(folder.kind));
            }
            progress.advance(1);
        }
        progress.end();
    }
    Ok(())
}

fn log_advice(kind: LogKind) -> &'static str {
    match kind {
        LogKind::Snapshot => {
            "nothing: the next start reads the log instead, which takes longer; repair removes the snapshot"
        }
        LogKind::Checkpoint => {
            "a server does not start: restore the checkpoint from a copy, or let repair set it aside"
        }
        LogKind::Main | LogKind::OutOfOrder => {
            "the next start drops everything behind this place; repair first saves what can be read there as a block"
        }
    }
}

/// Builds the head as a start would; what it had to cut and is not known yet is a problem.
fn head(
    disk: ReadOnlyDisk,
    dir: &Path,
    start: Timestamp,
    progress: &dyn Progress,
    report: &mut Report,
) {
    progress.begin("the head", 0);
    let mut options = OpenOptions::new(dir, Arc::new(disk));
    options.valid_from = start;
    let opened = Head::open(options);
    progress.end();
    let known = |path: &PathBuf, report: &Report| {
        let path = path.display().to_string();
        report
            .problems
            .iter()
            .any(|problem| problem.text.contains(&path))
    };
    match opened {
        Ok((_, replay)) => {
            report.head_series = replay.series;
            for repair in replay.repairs {
                if known(&repair.corruption.path, report) {
                    continue;
                }
                report.problems.push(Problem {
                    part: Part::Head,
                    text: repair.corruption.to_string(),
                    advice: "the next start drops what is behind this place; repair keeps a copy of it",
                });
            }
        }
        Err(error) => report.problems.push(Problem {
            part: Part::Head,
            text: error.to_string(),
            advice: "a server does not start with it; repair sets aside what is in its way",
        }),
    }
}
