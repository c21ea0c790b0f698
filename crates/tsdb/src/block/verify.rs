//! Everything that a block holds, read and compared: what a check of a data folder does.
//!
//! Nothing that is found ends the check, as far as it is possible to go on; so one damaged chunk does not hide
//! another.

use std::path::Path;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use model::disk::Disk;

use super::chunks::{CHUNKS_DIR, ChunkFiles, ChunkWindow};
use super::damage::{BlockError, Damage};
use super::index::reader::VersionByte;
use super::index::{ChunkPlace, INDEX_FILE, IndexReader, SeriesEntry};
use super::meta::{BlockMeta, BlockStats, META_FILE, read_meta};
use super::tombstones::Tombstones;
use crate::compact::{Sample, decode_whole};

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    pub series: u64,
    pub chunks: u64,
    pub samples: u64,
}

/// Reads all of the block in `dir`. Each problem goes to `sink`; `step` is told the number of series at the start
/// and then of each one.
pub fn verify(
    disk: &dyn Disk,
    dir: &Path,
    sink: &mut dyn FnMut(BlockError),
    step: &mut dyn FnMut(VerifyStep),
) -> Verified {
    let meta = keep(read_meta(disk, dir), sink).map(|(meta, _)| meta);
    keep(Tombstones::read(disk, dir), sink);
    let version_byte = match &meta {
        Some(meta) if meta.version == 2 => VersionByte::Wrong,
        _ => VersionByte::Right,
    };
    let index = IndexReader::open(disk, &dir.join(INDEX_FILE), version_byte);
    let (chunks, problems) = match ChunkFiles::open_readable(disk, &dir.join(CHUNKS_DIR)) {
        Ok(opened) => opened,
        Err(error) => (ChunkFiles::default(), vec![error]),
    };
    problems.into_iter().for_each(&mut *sink);
    let Some(index) = keep(index, sink) else {
        return Verified::default();
    };
    let mut check = Check {
        dir,
        index: &index,
        window: ChunkWindow::new(&chunks),
        meta,
        verified: Verified::default(),
        pairs: HashMap::default(),
        samples: Vec::new(),
    };
    check.series(sink, step);
    check.postings(sink);
    check.stats(sink);
    index.release();
    check.verified
}

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyStep {
    /// So many series will come.
    Series(u64),
    /// One was checked.
    Done,
}

fn keep<T>(result: Result<T, BlockError>, sink: &mut dyn FnMut(BlockError)) -> Option<T> {
    result.map_err(sink).ok()
}

struct Check<'a> {
    dir: &'a Path,
    index: &'a IndexReader,
    window: ChunkWindow<'a>,
    meta: Option<BlockMeta>,
    verified: Verified,
    /// How many series have a label, by the symbols of name and value.
    pairs: HashMap<(u32, u32), u64, RandomState>,
    samples: Vec<Sample>,
}

impl Check<'_> {
    fn damage(&self, problem: String) -> BlockError {
        Damage::new(self.index.path(), 0, problem).into()
    }

    fn series(&mut self, sink: &mut dyn FnMut(BlockError), step: &mut dyn FnMut(VerifyStep)) {
        let all = match self.index.all_series() {
            Ok(all) => all,
            Err(damage) => return sink(damage.into()),
        };
        let Some(all) = all else {
            return sink(self.damage("the list of all series is missing".to_owned()));
        };
        step(VerifyStep::Series(all.len() as u64));
        let mut entry = SeriesEntry::default();
        let mut previous = None;
        for series in all.iter() {
            step(VerifyStep::Done);
            if let Err(damage) = self.index.series(series, &mut entry) {
                sink(damage.into());
                continue;
            }
            match self.index.labels(&entry) {
                Ok(labels) => {
                    if previous
                        .as_ref()
                        .is_some_and(|previous| *previous >= labels)
                    {
                        let problem =
                            format!("the series {labels} is not in the order of the labels");
                        sink(self.damage(problem));
                    }
                    previous = Some(labels);
                }
                Err(damage) => sink(damage.into()),
            }
            for pair in &entry.labels {
                *self.pairs.entry(*pair).or_default() += 1;
            }
            self.verified.series += 1;
            self.chunks(&entry.chunks, sink);
        }
    }

    fn chunks(&mut self, places: &[ChunkPlace], sink: &mut dyn FnMut(BlockError)) {
        let last = places.last().map_or(0, |place| place.reference);
        let mut end = None;
        for place in places {
            self.verified.chunks += 1;
            self.samples.clear();
            let read = match self.window.read(place.reference, last) {
                Ok(raw) => decode_whole(raw.encoding, raw.data, &mut self.samples),
                Err(error) => {
                    sink(error);
                    continue;
                }
            };
            self.verified.samples += self.samples.len() as u64;
            let problem = match read {
                Err(error) => Some(format!("the chunk does not decode: {error}")),
                Ok(()) => self.order_problem(place, end),
            };
            end = Some(place.end);
            if let Some(problem) = problem {
                sink(self.window.damage(place.reference, problem).into());
            }
        }
    }

    /// Whether times are as the index and the block say.
    fn order_problem(&self, place: &ChunkPlace, end_before: Option<i64>) -> Option<String> {
        let (first, last) = match (self.samples.first(), self.samples.last()) {
            (Some(first), Some(last)) => (first.time, last.time),
            _ => return Some("the chunk has no samples".to_owned()),
        };
        if !self.samples.is_sorted_by(|a, b| a.time < b.time) {
            return Some("the samples of the chunk are not in the order of time".to_owned());
        }
        if (first, last) != (place.start, place.end) {
            return Some(format!(
                "the index says that the chunk is from {} to {}, and it is from {first} to {last}",
                place.start, place.end
            ));
        }
        if end_before.is_some_and(|end| first <= end) {
            return Some("the chunk overlaps the one before it".to_owned());
        }
        let range = self.meta.as_ref().map(BlockMeta::range)?;
        if first < range.start.0 || last > range.end.0 {
            return Some(format!(
                "the chunk is from {first} to {last}, which is outside of the block's times"
            ));
        }
        None
    }

    /// Whether the lists by label name as many series as have the label.
    fn postings(&mut self, sink: &mut dyn FnMut(BlockError)) {
        let symbols: HashMap<&[u8], u32, RandomState> = self
            .index
            .symbols()
            .map(|(number, text)| (text, number))
            .collect();
        let mut listed: HashMap<(u32, u32), u64, RandomState> = HashMap::default();
        for name in self.index.label_names() {
            for (value, place) in self.index.values_from(name, b"") {
                match self.index.postings(place) {
                    Ok(list) => {
                        let number = |text: &[u8]| symbols.get(text).copied();
                        if let (Some(name), Some(value)) = (number(name.as_bytes()), number(value))
                        {
                            listed.insert((name, value), list.len() as u64);
                        }
                    }
                    Err(damage) => sink(damage.into()),
                }
            }
        }
        let names = listed.keys().chain(self.pairs.keys());
        let mut wrong: Vec<(u32, u32)> = names
            .filter(|pair| listed.get(*pair) != self.pairs.get(*pair))
            .copied()
            .collect();
        wrong.sort_unstable();
        wrong.dedup();
        for pair in wrong {
            let text = |symbol| {
                let text = self.index.symbol(symbol).unwrap_or_default();
                String::from_utf8_lossy(text).into_owned()
            };
            let count = |counts: &HashMap<(u32, u32), u64, RandomState>| {
                counts.get(&pair).copied().unwrap_or_default()
            };
            let problem = format!(
                "the list of the series with {}={:?} has {}, and {} have it",
                text(pair.0),
                text(pair.1),
                count(&listed),
                count(&self.pairs)
            );
            sink(self.damage(problem));
        }
    }

    fn stats(&self, sink: &mut dyn FnMut(BlockError)) {
        let Some(meta) = &self.meta else { return };
        let BlockStats {
            num_series,
            num_chunks,
            num_samples,
            ..
        } = meta.stats;
        let Verified {
            series,
            chunks,
            samples,
        } = self.verified;
        for (what, said, found) in [
            ("series", num_series, series),
            ("chunks", num_chunks, chunks),
            ("samples", num_samples, samples),
        ] {
            // Older blocks say nothing.
            if said != found && said != 0 {
                let problem =
                    format!("it says that there are {said} {what}, and {found} can be read");
                sink(Damage::new(&self.dir.join(META_FILE), 0, problem).into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::labels::Labels;
    use testkit::disk::FaultDisk;

    use super::*;
    use crate::block::{BlockBuilder, Salvaged, Ulid, salvage};

    const ULID: Ulid = Ulid(1);

    /// Two series of 300 samples.
    fn block() -> (Arc<dyn Disk>, std::path::PathBuf) {
        let disk: Arc<dyn Disk> = Arc::new(FaultDisk::new(1));
        disk.create_dir_all(Path::new("d")).unwrap();
        let mut builder = BlockBuilder::new();
        for name in ["a", "b"] {
            let labels = Labels::from_pairs([("__name__", name), ("job", "j")]);
            for step in 0..300 {
                builder.add(&labels, step * 1000, (step * 7 % 13) as f64);
            }
        }
        builder.write(&disk, Path::new("d"), ULID).unwrap().unwrap();
        (disk, Path::new("d").join(ULID.to_string()))
    }

    fn change(disk: &dyn Disk, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = disk.read(path).unwrap();
        change(&mut bytes);
        disk.create(path).unwrap().append(&bytes).unwrap();
    }

    fn problems(disk: &dyn Disk, dir: &Path) -> (Verified, Vec<String>) {
        let mut problems = Vec::new();
        let mut sink = |error: BlockError| problems.push(error.to_string());
        let verified = verify(disk, dir, &mut sink, &mut |_| {});
        (verified, problems)
    }

    #[test]
    fn a_good_block_has_no_problems() {
        let (disk, dir) = block();
        let mut steps = Vec::new();
        let verified = verify(&*disk, &dir, &mut |error| panic!("{error}"), &mut |step| {
            steps.push(step);
        });
        assert_eq!(
            (verified.series, verified.chunks, verified.samples),
            (2, 6, 600)
        );
        assert_eq!(
            steps,
            [VerifyStep::Series(2), VerifyStep::Done, VerifyStep::Done]
        );
    }

    #[test]
    fn every_file_is_looked_at() {
        for (file, expected) in [
            ("meta.json", "meta.json at byte"),
            ("tombstones", "tombstones at byte 0: "),
            ("index", "index at byte 0: this is not an index file"),
            (
                "chunks/000001",
                "000001 at byte 0: this is not a segment of chunks",
            ),
        ] {
            let (disk, dir) = block();
            change(&*disk, &dir.join(file), |bytes| bytes[0] ^= 1);
            let (_, problems) = problems(&*disk, &dir);
            assert!(
                problems.iter().any(|problem| problem.contains(expected)),
                "{file}: {problems:?}"
            );
        }
        let (disk, dir) = block();
        disk.remove_file(&dir.join("chunks/000001")).unwrap();
        let (verified, problems) = problems(&*disk, &dir);
        assert_eq!(verified.samples, 0);
        assert!(
            problems[0].contains("refers to segment 0, which is not there"),
            "{problems:?}"
        );
    }

    /// Whatever byte is wrong, something is found or nothing is lost, and what is saved is as it was.
    #[test]
    fn any_wrong_byte_is_survived() {
        for file in ["index", "chunks/000001", "meta.json", "tombstones"] {
            let length = {
                let (disk, dir) = block();
                disk.length(&dir.join(file)).unwrap() as usize
            };
            for at in (0..length).step_by(7) {
                let (disk, dir) = block();
                change(&*disk, &dir.join(file), |bytes| bytes[at] ^= 0x55);
                let (_, found) = problems(&*disk, &dir);
                // Zeros between parts of the index, and texts of meta.json, have no meaning.
                let may_be_silent = matches!(file, "index" | "meta.json") || (5..8).contains(&at);
                assert!(!found.is_empty() || may_be_silent, "{file} at {at}");
                let mut builder = BlockBuilder::new();
                let salvaged = salvage(&*disk, &dir, &mut builder, &mut |_| {});
                if file.starts_with("chunks") {
                    let salvaged = salvaged.unwrap();
                    assert_eq!(salvaged.chunks + salvaged.chunks_lost, 6, "at {at}");
                    assert!(
                        salvaged.chunks_lost <= 1 && salvaged.samples >= 480,
                        "{salvaged:?} at {at}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_saved_is_a_whole_block_again() {
        let (disk, dir) = block();
        change(&*disk, &dir.join("chunks/000001"), |bytes| bytes[20] ^= 1);
        change(&*disk, &dir.join("meta.json"), |bytes| bytes.truncate(10));
        let mut builder = BlockBuilder::new();
        let salvaged = salvage(&*disk, &dir, &mut builder, &mut |_| {}).unwrap();
        let expected = Salvaged {
            samples: 480,
            chunks: 5,
            chunks_lost: 1,
            ..Salvaged::default()
        };
        assert_eq!(salvaged, expected);
        let ulid = Ulid(2);
        builder.write(&disk, Path::new("d"), ulid).unwrap().unwrap();
        let (verified, problems) = problems(&*disk, &Path::new("d").join(ulid.to_string()));
        assert_eq!((verified.samples, problems.len()), (480, 0), "{problems:?}");
    }
}
