//! One page into one batch.
//!
//! The loop below is the hot path: in the steady state a line costs one comparison, one number and three
//! pushes. Labels are read, changed and checked only for lines that were not on the last page.

use model::storage::{HistogramSample, SampleBatch, SampleWriter, SeriesRef};
use model::{Exemplar, Timestamp};
use wire::{Entry, Exposition, Format, Options, Step};

use crate::cache::{SeriesCache, SlotId, SlotSeries, Tracking};
use crate::config::PoolConfig;
use crate::histogram_limit::BucketLimits;
use crate::labels;
use crate::metadata::MetadataStore;
use crate::refusal::ScrapeRefusal;
use crate::target::Target;

/// Samples may be this far ahead of us.
const AHEAD_MAX_MS: i64 = 10 * 60 * 1000;

/// What a page is read for.
#[derive(Clone, Copy)]
pub(crate) struct PageContext<'a> {
    pub(crate) config: &'a PoolConfig,
    pub(crate) target: &'a Target,
    /// Timestamp of samples that bring none.
    pub(crate) time: Timestamp,
    pub(crate) writer: &'a dyn SampleWriter,
}

/// Counts of one page, also of one that was refused in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PageCounts {
    /// Samples on the page.
    pub(crate) scraped: usize,
    /// Those that metric relabelling left.
    pub(crate) post_relabelling: usize,
    pub(crate) series_added: usize,
    pub(crate) duplicates: usize,
    pub(crate) too_far_ahead: usize,
    /// New series that storage has no room for.
    pub(crate) series_refused: usize,
}

/// Memory of a scrape that is used again.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) batch: SampleBatch,
    /// The slots of the first rows of the batch; rows after them are markers and reports.
    pub(crate) rows: Vec<SlotId>,
    exemplars: Vec<Exemplar>,
}

impl Workspace {
    pub(crate) fn clear(&mut self) {
        self.batch.clear();
        self.rows.clear();
    }
}

/// Which samples to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    All,
    /// Only of series that the cache does not know: the others are stored already.
    New,
}

struct Reader<'a> {
    context: PageContext<'a>,
    cache: &'a mut SeriesCache,
    workspace: &'a mut Workspace,
    counts: PageCounts,
    take: Take,
    limits: BucketLimits,
    over_sample_limit: bool,
    over_bucket_limit: bool,
}

/// What reading a page works with.
pub(crate) struct PageRead<'a> {
    pub(crate) context: PageContext<'a>,
    pub(crate) cache: &'a mut SeriesCache,
    pub(crate) workspace: &'a mut Workspace,
    pub(crate) take: Take,
}

/// Reads a page into the workspace. Whatever the result, the caller must end the page in the cache, by
/// taking or refusing it.
pub(crate) fn read_page(
    body: &[u8],
    format: Format,
    read: PageRead<'_>,
    metadata: &mut MetadataStore,
) -> (PageCounts, Result<(), ScrapeRefusal>) {
    let limits = &read.context.config.limits;
    let mut reader = Reader {
        counts: PageCounts::default(),
        limits: BucketLimits::new(limits.histogram_buckets, limits.histogram_min_bucket_factor),
        over_sample_limit: false,
        over_bucket_limit: false,
        context: read.context,
        cache: read.cache,
        workspace: read.workspace,
        take: read.take,
    };
    reader.workspace.clear();
    reader.cache.begin();
    let result = reader.read(body, format, metadata);
    (reader.counts, result)
}

impl Reader<'_> {
    fn read(
        &mut self,
        body: &[u8],
        format: Format,
        metadata: &mut MetadataStore,
    ) -> Result<(), ScrapeRefusal> {
        let switches = self.context.target.histograms();
        let options = Options {
            type_and_unit_labels: self.context.config.type_and_unit_labels,
            skip_created_series: self.context.config.take_start_times,
            ignore_native_histograms: !switches.scrape_native,
            convert_classic_to_nhcb: switches.convert_to_nhcb,
            keep_classic: switches.always_classic,
        };
        let mut scan = Exposition::new(body, format, &options);
        loop {
            let step = scan
                .advance(self.cache.expected())
                .map_err(ScrapeRefusal::Parse)?;
            if step == Step::End {
                break;
            }
            match scan.entry() {
                Entry::Series(series) => {
                    let slot = if step == Step::Expected {
                        self.cache.take_expected()
                    } else {
                        self.cache.find(series.raw)
                    };
                    let line = Line {
                        raw: series.raw,
                        time: series.time,
                        value: LineValue::Float(series.value),
                    };
                    let rows = self.workspace.rows.len();
                    self.sample(&scan, slot, line)?;
                    self.start_time(rows, &mut scan);
                }
                Entry::Histogram(histogram) => {
                    let slot = self.cache.find(histogram.raw);
                    let line = Line {
                        raw: histogram.raw,
                        time: histogram.time,
                        value: LineValue::Histogram(histogram.histogram),
                    };
                    let rows = self.workspace.rows.len();
                    self.sample(&scan, slot, line)?;
                    self.start_time(rows, &mut scan);
                }
                Entry::Type { name, metric_type } => metadata.set_type(&name, metric_type),
                Entry::Help { name, help } => metadata.set_help(&name, &help),
                Entry::Unit { name, unit } => metadata.set_unit(&name, &unit),
                Entry::Comment(_) => {}
            }
        }
        if self.over_sample_limit {
            return Err(ScrapeRefusal::SampleLimit);
        }
        if self.over_bucket_limit {
            return Err(ScrapeRefusal::BucketLimit);
        }
        Ok(())
    }

    #[inline]
    fn sample(
        &mut self,
        scan: &Exposition<'_>,
        known: Option<SlotId>,
        line: Line<'_>,
    ) -> Result<(), ScrapeRefusal> {
        self.counts.scraped += 1;
        let config = self.context.config;
        let own_time = line.time.filter(|_| config.honor_timestamps);
        let slot = match known {
            Some(slot) => slot,
            None => match self.new_slot(scan, line.raw)? {
                Some(slot) => slot,
                None => {
                    self.counts.post_relabelling += 1;
                    return Ok(());
                }
            },
        };
        let tracking = if own_time.is_none() || config.track_timestamps_staleness {
            Tracking::Tracked
        } else {
            Tracking::Untracked
        };
        let is_first = self.cache.visit(slot, line.raw, tracking);
        let SlotSeries::Stored(series) = self.cache.series(slot) else {
            return Ok(());
        };
        self.counts.post_relabelling += 1;
        if !is_first && own_time.is_none() {
            self.counts.duplicates += 1;
            return Ok(());
        }
        let time = own_time.unwrap_or(self.context.time);
        if time.0 > self.context.time.0.saturating_add(AHEAD_MAX_MS) {
            self.counts.too_far_ahead += 1;
            return Ok(());
        }
        if self.take == Take::New && known.is_some() {
            return Ok(());
        }
        if self.is_full() {
            self.over_sample_limit = true;
            return Ok(());
        }
        match line.value {
            LineValue::Float(value) => self.workspace.batch.push(series, time, value),
            LineValue::Histogram(histogram) => {
                let mut histogram = histogram.clone();
                if self.limits.apply(&mut histogram).is_err() {
                    self.over_bucket_limit = true;
                    return Ok(());
                }
                self.workspace.batch.push_histogram(series, time, histogram);
            }
        }
        self.workspace.rows.push(slot);
        if scan.has_exemplars() {
            self.exemplars(scan, series, time, line.value);
        }
        Ok(())
    }

    /// Gives the sample that was taken since there were so many rows its start time.
    #[inline]
    fn start_time(&mut self, rows: usize, scan: &mut Exposition<'_>) {
        if self.context.config.take_start_times
            && self.workspace.rows.len() > rows
            && let Some(start) = scan.start_time()
        {
            self.workspace.batch.set_start(start);
        }
    }

    fn is_full(&self) -> bool {
        let limit = self.context.config.limits.samples;
        limit > 0 && self.workspace.rows.len() >= limit
    }

    /// A line that was not on the last page. `None` if its sample is not taken.
    #[cold]
    fn new_slot(
        &mut self,
        scan: &Exposition<'_>,
        raw: &[u8],
    ) -> Result<Option<SlotId>, ScrapeRefusal> {
        let config = self.context.config;
        let exposed = scan
            .labels()
            .map_err(|error| ScrapeRefusal::InvalidLabels(error.to_string()))?;
        let target = self.context.target.labels();
        let Some(labels) = labels::series_labels(&exposed, target, config) else {
            return Ok(Some(self.cache.insert(raw, SlotSeries::Dropped)));
        };
        labels::check(&labels, config)?;
        if self.is_full() {
            self.over_sample_limit = true;
            return Ok(None);
        }
        match self.context.writer.resolve(&labels) {
            Ok(series) => {
                self.counts.series_added += 1;
                Ok(Some(self.cache.insert(raw, SlotSeries::Stored(series))))
            }
            Err(_) => {
                self.counts.series_refused += 1;
                Ok(None)
            }
        }
    }

    fn exemplars(
        &mut self,
        scan: &Exposition<'_>,
        series: SeriesRef,
        time: Timestamp,
        value: LineValue<'_>,
    ) {
        let found = &mut self.workspace.exemplars;
        found.clear();
        scan.exemplars(found);
        // Those of native histograms must have their own time, or repeated ones could not be told.
        if matches!(value, LineValue::Histogram(_)) {
            found.retain(|exemplar| exemplar.time.is_some());
        }
        for exemplar in found.iter_mut() {
            exemplar.time.get_or_insert(time);
        }
        found.sort_by_key(|exemplar| exemplar.time);
        let owned = found.drain(..).map(|exemplar| (series, exemplar));
        self.workspace.batch.exemplars.extend(owned);
    }
}

/// A sample as it stands on the page.
#[derive(Clone, Copy)]
struct Line<'a> {
    raw: &'a [u8],
    time: Option<Timestamp>,
    value: LineValue<'a>,
}

#[derive(Clone, Copy)]
enum LineValue<'a> {
    Float(f64),
    Histogram(&'a HistogramSample),
}
