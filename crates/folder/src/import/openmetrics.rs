//! An OpenMetrics page into aligned blocks.
//!
//! The page is read once to check it and to count the samples of each block, then once for each batch of blocks
//! that fits into memory. So memory is bounded whatever the page, and the time is linear in its length unless a
//! batch holds less than the page. One block with more samples than a batch becomes several that overlap, which
//! compaction merges.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use model::disk::Disk;
use model::time::{Duration, Timestamp};
use model::{Labels, LabelsBuilder};
use tsdb::block::{BlockBuilder, BlockMeta, UlidSource};
use wire::{Entry, Exposition, Format, Options, ParseError, SeriesEntry, Step};

use super::ImportError;
use crate::progress::Progress;

/// Length of blocks where nobody asks for longer ones: that of the head's.
const RANGE: Duration = Duration::from_secs(2 * 3600);
/// Longer blocks are three times as long each.
const RANGE_STEPS: usize = 10;
/// Memory for samples where there is no reason for less.
pub const MEMORY_MAX: usize = 512 << 20;
/// Compressed samples take about so many bytes; enough of them are counted to be sure.
const SAMPLE_BYTES: usize = 4;
/// Counting the memory of all blocks for every sample would take longer than the samples do.
const CHECK_SAMPLES: usize = 50_000;
/// A folder with more blocks is of no use. This is nine years of two hours.
const BLOCKS_MAX: usize = 40_000;
/// More than that are made only where that length is asked for: a server holds each open.
const BLOCKS_FITTING: usize = 500;
/// Progress is told after so many bytes of the page.
const PROGRESS_BYTES: usize = 1 << 20;

/// What becomes of the samples.
pub struct OpenMetricsImport<'a> {
    pub disk: &'a Arc<dyn Disk>,
    /// Where the blocks go.
    pub dir: &'a Path,
    pub ulids: &'a UlidSource,
    /// Added to every series; they win over labels of the page.
    pub labels: &'a [(String, String)],
    pub length: BlockLength,
    /// Later samples are an error: they would make everything else look old to the retention.
    pub time_max: Option<Timestamp>,
    /// Bytes that samples on their way into blocks may take, usually [`MEMORY_MAX`].
    pub memory_max: usize,
    pub progress: &'a dyn Progress,
}

/// How long blocks are: two hours, or three times as long each, as compaction makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockLength {
    /// The longest length that is not over this.
    Longest(Duration),
    /// The shortest one with which there are not very many, and not over this.
    Fitting(Duration),
}

impl BlockLength {
    fn range(self) -> Duration {
        match self {
            Self::Longest(longest) => block_range(longest),
            Self::Fitting(_) => RANGE,
        }
    }

    /// The length that comes after `range`, if it may be taken.
    fn longer(self, range: i64) -> Option<i64> {
        match self {
            Self::Longest(_) => None,
            Self::Fitting(longest) => {
                Some(range.checked_mul(3)?).filter(|range| *range <= longest.millis())
            }
        }
    }

    fn blocks_max(self) -> usize {
        match self {
            Self::Longest(_) => BLOCKS_MAX,
            Self::Fitting(_) => BLOCKS_FITTING,
        }
    }
}

impl std::fmt::Debug for OpenMetricsImport<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenMetricsImport")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

/// What an import wrote.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// By time.
    pub blocks: Vec<BlockMeta>,
    /// Samples of the page.
    pub samples: u64,
    /// Samples that were left out because their series has another one at the same time.
    pub duplicates: u64,
}

/// Imports a page. Nothing is written if the page is wrong anywhere; the error names the line.
pub fn import(page: &[u8], import: &OpenMetricsImport<'_>) -> Result<Imported, ImportError> {
    Run {
        import,
        range: import.length.range().millis(),
        imported: Imported::default(),
    }
    .run(page)
}

/// Two hours, or the longest of the lengths that compaction makes which is not over `range_max`.
fn block_range(range_max: Duration) -> Duration {
    let mut range = RANGE;
    for _ in 1..RANGE_STEPS {
        let longer = range * 3;
        if longer > range_max {
            break;
        }
        range = longer;
    }
    range
}

struct Run<'a> {
    import: &'a OpenMetricsImport<'a>,
    /// Milliseconds of a block.
    range: i64,
    imported: Imported,
}

impl Run<'_> {
    fn run(mut self, page: &[u8]) -> Result<Imported, ImportError> {
        let mut ranges = self.count(page)?.into_iter().peekable();
        while ranges.peek().is_some() {
            let mut batch: BTreeMap<i64, BlockBuilder> = BTreeMap::new();
            let mut bytes = 0;
            while let Some((range, count)) = ranges.next_if(|(_, count)| {
                batch.is_empty() || bytes + count * SAMPLE_BYTES <= self.import.memory_max
            }) {
                bytes += count * SAMPLE_BYTES;
                batch.insert(range, BlockBuilder::new());
            }
            self.fill(page, &mut batch)?;
            for builder in batch.into_values() {
                self.write(builder)?;
            }
        }
        let blocks = &mut self.imported.blocks;
        blocks.sort_by_key(|meta| (meta.min_time, meta.max_time));
        Ok(self.imported)
    }

    /// Samples of each range; finds everything that is wrong with the page.
    fn count(&mut self, page: &[u8]) -> Result<BTreeMap<i64, usize>, ImportError> {
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        let length = self.import.length;
        let mut range = self.range;
        let time_max = self.import.time_max.map_or(i64::MAX, Timestamp::millis);
        read(page, "checking", self.import.progress, |_, time, sample| {
            let line = || line_of(page, offset_in(page, sample.raw));
            if time > time_max {
                return Err(ImportError::Input(format!(
                    "line {}: the time {} is in the future; times are seconds since 1970",
                    line(),
                    time / 1000
                )));
            }
            *counts.entry(time.div_euclid(range)).or_default() += 1;
            while counts.len() > length.blocks_max() {
                let Some(longer) = length.longer(range) else {
                    return Err(ImportError::Input(format!(
                        "line {}: the samples are of so many days that they would make more than {} blocks; check the times, which are seconds since 1970, ask for longer blocks, or import them in parts",
                        line(),
                        length.blocks_max()
                    )));
                };
                range = longer;
                let mut merged: BTreeMap<i64, usize> = BTreeMap::new();
                for (number, count) in &counts {
                    *merged.entry(number.div_euclid(3)).or_default() += count;
                }
                counts = merged;
            }
            Ok(())
        })?;
        self.range = range;
        self.imported.samples = counts.values().map(|count| *count as u64).sum();
        Ok(counts)
    }

    /// Puts the samples of the ranges of a batch into their blocks.
    fn fill(
        &mut self,
        page: &[u8],
        batch: &mut BTreeMap<i64, BlockBuilder>,
    ) -> Result<(), ImportError> {
        let mut labels = SeriesLabels::new(self.import.labels);
        let mut since_check: usize = 0;
        read(
            page,
            "reading",
            self.import.progress,
            |scan, time, sample| {
                let Some(builder) = batch.get_mut(&time.div_euclid(self.range)) else {
                    return Ok(());
                };
                builder.add(labels.of(scan, sample.raw)?, time, sample.value);
                since_check += 1;
                if since_check < CHECK_SAMPLES {
                    return Ok(());
                }
                since_check = 0;
                let held: usize = batch.values().map(BlockBuilder::memory).sum();
                let largest = batch.values_mut().max_by_key(|builder| builder.memory());
                match largest.filter(|_| held > self.import.memory_max) {
                    Some(largest) => {
                        let full = std::mem::take(largest);
                        self.write(full)
                    }
                    None => Ok(()),
                }
            },
        )
    }

    fn write(&mut self, builder: BlockBuilder) -> Result<(), ImportError> {
        let OpenMetricsImport {
            disk, dir, ulids, ..
        } = self.import;
        if let Some(built) = builder.write(disk, dir, ulids.make())? {
            self.imported.blocks.push(built.meta);
            self.imported.duplicates += built.duplicates;
        }
        Ok(())
    }
}

/// Gives every sample with its time to `take`.
fn read(
    page: &[u8],
    doing: &str,
    progress: &dyn Progress,
    mut take: impl FnMut(&Exposition<'_>, i64, SeriesEntry<'_>) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    progress.begin(doing, page.len() as u64);
    let mut scan = Exposition::new(page, Format::OpenMetricsText, &Options::default());
    let mut told = 0;
    loop {
        let step = scan.advance(None);
        let step = step.map_err(|error| ImportError::Input(told_error(&error)))?;
        if step == Step::End {
            break;
        }
        let Entry::Series(sample) = scan.entry() else {
            continue;
        };
        let at = offset_in(page, sample.raw);
        let Some(time) = sample.time else {
            let labels = scan.labels();
            let labels = labels.map_or_else(|error| error.to_string(), |labels| labels.to_string());
            let problem = format!("expected timestamp for series {labels}, got none");
            return Err(ImportError::Input(format!(
                "line {}: {problem}",
                line_of(page, at)
            )));
        };
        take(&scan, time.millis(), sample)?;
        if at >= told + PROGRESS_BYTES {
            progress.advance((at - told) as u64);
            told = at;
        }
    }
    progress.end();
    Ok(())
}

fn told_error(error: &ParseError) -> String {
    format!("line {}: {}", error.line, error.message)
}

/// Where a part of the page is in it; its start if it is none.
fn offset_in(page: &[u8], part: &[u8]) -> usize {
    let offset = (part.as_ptr() as usize).checked_sub(page.as_ptr() as usize);
    offset.filter(|offset| *offset <= page.len()).unwrap_or(0)
}

fn line_of(page: &[u8], at: usize) -> usize {
    let before = page.get(..at).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// The labels of the series that samples belong to; samples of one series usually follow each other.
struct SeriesLabels<'a> {
    extra: &'a [(String, String)],
    raw: Vec<u8>,
    labels: Labels,
}

impl<'a> SeriesLabels<'a> {
    fn new(extra: &'a [(String, String)]) -> Self {
        Self {
            extra,
            raw: Vec::new(),
            labels: Labels::empty(),
        }
    }

    fn of(&mut self, scan: &Exposition<'_>, raw: &[u8]) -> Result<&Labels, ImportError> {
        if self.raw != raw {
            let labels = scan.labels();
            let labels = labels.map_err(|error| ImportError::Input(error.to_string()))?;
            self.labels = if self.extra.is_empty() {
                labels
            } else {
                let mut builder: LabelsBuilder = labels.to_builder();
                for (name, value) in self.extra {
                    builder.set(name.as_str(), value.as_str());
                }
                builder.build()
            };
            self.raw.clear();
            self.raw.extend_from_slice(raw);
        }
        Ok(&self.labels)
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;
    use model::clock::ManualClock;
    use model::storage::{Projection, SelectRequest, SeriesBatch, SeriesReader, TimeRange};
    use testkit::disk::FaultDisk;
    use tsdb::block::Block;

    use super::*;
    use crate::progress::Silent;

    struct Folder {
        disk: Arc<dyn Disk>,
        ulids: UlidSource,
    }

    impl Folder {
        fn new() -> Self {
            let disk: Arc<dyn Disk> = Arc::new(FaultDisk::new(1));
            disk.create_dir_all(Path::new("d")).unwrap();
            let clock = Arc::new(ManualClock::new(Timestamp(0)));
            Self {
                disk,
                ulids: UlidSource::new(clock, 1),
            }
        }

        fn import(&self, page: &str, memory_max: usize) -> Result<Imported, ImportError> {
            self.import_as(page, memory_max, BlockLength::Longest(Duration::ZERO))
        }

        fn import_as(
            &self,
            page: &str,
            memory_max: usize,
            length: BlockLength,
        ) -> Result<Imported, ImportError> {
            let import = OpenMetricsImport {
                disk: &self.disk,
                dir: Path::new("d"),
                ulids: &self.ulids,
                labels: &[("job".to_owned(), "import".to_owned())],
                length,
                time_max: Some(Timestamp(1_000_000_000_000)),
                memory_max,
                progress: &Silent,
            };
            super::import(page.as_bytes(), &import)
        }

        fn samples(&self, blocks: &[BlockMeta]) -> Vec<(String, i64, f64)> {
            let mut found = Vec::new();
            for meta in blocks {
                let dir = Path::new("d").join(meta.ulid.to_string());
                let block = Block::open(&*self.disk, &dir).unwrap();
                let list = block
                    .select(&SelectRequest {
                        range: TimeRange::ALL,
                        matchers: &[],
                        projection: Projection::All,
                    })
                    .unwrap();
                for row in 0..list.len() {
                    let mut batch = SeriesBatch::new();
                    list.read(row..row + 1, &mut batch).unwrap();
                    let (times, values) = batch.floats(0);
                    let name = list.labels(row).to_string();
                    let rows = times.iter().zip(values);
                    found.extend(rows.map(|(time, value)| (name.clone(), *time, *value)));
                }
            }
            found
        }
    }

    const PAGE: &str = "# HELP http_requests_total x\n# TYPE http_requests counter\n\
        http_requests_total{code=\"200\"} 1021 0.001\nhttp_requests_total{code=\"200\"} 1022 7199.999\n\
        http_requests_total{code=\"200\"} 1023 7200\nhttp_requests_total{code=\"400\"} 1 7201\n\
        http_requests_total{code=\"400\"} 2 100000\n# EOF\n";

    #[test]
    fn blocks_are_aligned_to_two_hours() {
        let folder = Folder::new();
        let imported = folder.import(PAGE, MEMORY_MAX).unwrap();
        let times: Vec<_> = imported
            .blocks
            .iter()
            .map(|meta| (meta.min_time, meta.max_time))
            .collect();
        assert_eq!(
            times,
            [
                (1, 7_200_000),
                (7_200_000, 7_201_001),
                (100_000_000, 100_000_001)
            ]
        );
        assert_eq!((imported.samples, imported.duplicates), (5, 0));
        let samples = folder.samples(&imported.blocks);
        let name = "{__name__=\"http_requests_total\", code=\"400\", job=\"import\"}";
        assert_eq!(samples[3], (name.to_owned(), 7_201_000, 1.0));
        assert_eq!(samples.len(), 5);
    }

    /// With almost no memory there are more passes and more blocks, and the same samples.
    #[test]
    fn memory_bounds_only_the_number_of_blocks() {
        let mut page = "# TYPE up gauge\n".to_owned();
        for series in 0..50 {
            for step in 0..5000 {
                page += &format!("up{{series=\"{series}\"}} {step} {}\n", step * 3);
            }
        }
        page += "# EOF\n";
        let (large, small) = (Folder::new(), Folder::new());
        let all = large.import(&page, MEMORY_MAX).unwrap();
        let parts = small.import(&page, 10_000).unwrap();
        assert_eq!(all.blocks.len(), 3);
        assert!(parts.blocks.len() > 3, "{}", parts.blocks.len());
        let (mut a, mut b) = (large.samples(&all.blocks), small.samples(&parts.blocks));
        a.sort_by(|a, b| a.partial_cmp(b).unwrap());
        b.sort_by(|a, b| a.partial_cmp(b).unwrap());
        assert_eq!(a.len(), 250_000);
        assert!(a == b);
    }

    #[test]
    fn a_wrong_page_writes_nothing_and_names_the_line() {
        let folder = Folder::new();
        for (page, expected) in [
            (
                "a 1 2\nb 1\n# EOF\n",
                "line 2: expected timestamp for series {__name__=\"b\"}, got none",
            ),
            ("a 1 2\nb{ 1 3\n# EOF\n", "line 2: "),
            (
                "a 1 1704067200000\n# EOF\n",
                "line 1: the time 1704067200000 is in the future",
            ),
            ("a 1 2\n", "line 2: data does not end with # EOF"),
        ] {
            let error = folder.import(page, MEMORY_MAX).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
            assert!(error.is_of_input());
        }
        assert_eq!(folder.disk.list(Path::new("d")).unwrap().len(), 0);
        assert_eq!(
            folder.import("# EOF\n", MEMORY_MAX).unwrap(),
            Imported::default()
        );
    }

    /// Each block takes a descriptor of a server that is limited in these.
    #[test]
    fn years_make_few_blocks() {
        let day = 24 * 3600;
        let page: String = (0..3000).map(|n| format!("a {n} {}\n", n * day)).collect();
        let page = page + "# EOF\n";
        let month = Duration::from_secs(31 * day);
        let folder = Folder::new();
        let imported = folder
            .import_as(&page, MEMORY_MAX, BlockLength::Fitting(month))
            .unwrap();
        assert_eq!(imported.blocks.len(), 2999 * 24 / 162 + 1);
        assert_eq!(folder.samples(&imported.blocks).len(), 3000);
        let error = folder.import_as(&page, MEMORY_MAX, BlockLength::Fitting(RANGE));
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("line 501: "), "{error}");
        assert!(error.contains("more than 500 blocks"), "{error}");
    }

    #[test]
    fn ranges_triple() {
        let hours =
            |hours: i64| block_range(Duration::from_secs(hours * 3600)).millis() / 3_600_000;
        assert_eq!([hours(0), hours(5), hours(6), hours(24)], [2, 2, 6, 18]);
        assert_eq!(block_range(Duration::MAX).millis() / 3_600_000, 39_366);
    }
}
