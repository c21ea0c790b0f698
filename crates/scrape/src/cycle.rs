//! What happens once a page came or did not come: read, commit, report. Runs off the async threads.

use std::sync::Arc;

use diag::{Reason, ReasonBook};
use model::sample::STALE_NAN;
use model::storage::{SampleBatch, SampleRefusal, SampleWriter};
use model::{Labels, Timestamp};
use parking_lot::Mutex;
use std::sync::atomic::AtomicU64;
use tokio::time::Instant;
use wire::{Format, negotiate};

use crate::cache::SeriesCache;
use crate::config::PoolConfig;
use crate::metadata::MetadataStore;
use crate::page::{PageContext, PageCounts, PageRead, Take, Workspace, read_page};
use crate::refusal::{Leftover, ScrapeRefusal};
use crate::report::{ExtraReport, Report, ReportSeries};
use crate::stats::Stats;
use crate::status::{Health, LastScrape};
use crate::target::Target;

/// What the API may look at while the target is scraped.
#[derive(Debug)]
pub(crate) struct TargetState {
    pub(crate) target: Target,
    pub(crate) discovered: Mutex<Labels>,
    pub(crate) last: Mutex<LastScrape>,
    pub(crate) metadata: Mutex<MetadataStore>,
    pub(crate) intervals_missed: AtomicU64,
}

/// What is remembered from scrape to scrape.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    cache: SeriesCache,
    report: ReportSeries,
    /// The configuration of the last scrape.
    config: Option<Arc<PoolConfig>>,
}

/// What the fetch brought.
#[derive(Debug)]
pub(crate) enum Fetched {
    Page { content_type: String },
    Failed(ScrapeRefusal),
}

/// One scrape.
pub(crate) struct Cycle<'a> {
    pub(crate) state: &'a TargetState,
    pub(crate) config: &'a Arc<PoolConfig>,
    pub(crate) writer: &'a dyn SampleWriter,
    pub(crate) reasons: &'a ReasonBook,
    pub(crate) stats: &'a Stats,
    /// Timestamp of the samples.
    pub(crate) time: Timestamp,
    pub(crate) started: Instant,
}

/// A page that can be read.
#[derive(Clone, Copy)]
struct Page<'a> {
    format: Format,
    body: &'a [u8],
}

/// What storage no longer knew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Forgotten {
    lines: bool,
    report: bool,
}

impl Cycle<'_> {
    /// Stores the page, or the fact that there is none.
    pub(crate) fn run(
        &self,
        memory: &mut Memory,
        workspace: &mut Workspace,
        fetched: Fetched,
        body: &[u8],
    ) {
        self.notice_new_config(memory);
        workspace.clear();
        let (page, mut result) = match self.open(fetched, body) {
            Ok(page) => (page, Ok(())),
            Err(refusal) => (None, Err(refusal)),
        };
        let mut counts = PageCounts::default();
        let mut taken = None;
        if let Some(page) = page {
            (counts, result) = self.read(memory, workspace, page, Take::All);
            taken = result.is_ok().then_some(page);
        }
        self.mark_ended(memory, workspace, taken);
        let report = self.report(&counts, &result, body.len());
        self.push_report(memory, &report, &mut workspace.batch);
        let stored = self.commit(memory, workspace, &report, taken);
        self.count(&counts);
        self.finish(&counts, &report, result.and(stored));
    }

    /// The page, if there is anything on it.
    fn open<'a>(
        &self,
        fetched: Fetched,
        body: &'a [u8],
    ) -> Result<Option<Page<'a>>, ScrapeRefusal> {
        match fetched {
            Fetched::Failed(refusal) => Err(refusal),
            // A target with nothing to say is up; its series end.
            Fetched::Page { .. } if body.is_empty() => Ok(None),
            Fetched::Page { content_type } => {
                let answer = negotiate::content_type(&content_type, self.config.fallback_protocol)
                    .map_err(ScrapeRefusal::ContentType)?;
                let format = answer.format;
                Ok(Some(Page { format, body }))
            }
        }
    }

    fn notice_new_config(&self, memory: &mut Memory) {
        let is_known = memory
            .config
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, self.config));
        if is_known {
            return;
        }
        if let Some(known) = memory.config.replace(Arc::clone(self.config))
            && !known.gives_same_series_as(self.config)
        {
            memory.cache.orphan_all();
        }
    }

    fn read(
        &self,
        memory: &mut Memory,
        workspace: &mut Workspace,
        page: Page<'_>,
        take: Take,
    ) -> (PageCounts, Result<(), ScrapeRefusal>) {
        let context = PageContext {
            config: self.config,
            target: &self.state.target,
            time: self.time,
            writer: self.writer,
        };
        let mut metadata = self.state.metadata.lock();
        metadata.begin();
        let read = PageRead {
            context,
            cache: &mut memory.cache,
            workspace,
            take,
        };
        let (counts, result) = read_page(page.body, page.format, read, &mut metadata);
        if result.is_ok() {
            metadata.end();
        }
        (counts, result)
    }

    /// Ends the page in the cache, and marks the series that ended.
    fn mark_ended(&self, memory: &mut Memory, workspace: &mut Workspace, taken: Option<Page<'_>>) {
        if taken.is_none() {
            workspace.clear();
        }
        let batch = &mut workspace.batch;
        let mark = |series| batch.push(series, self.time, STALE_NAN);
        match taken {
            Some(_) => memory.cache.take_page(mark),
            None => memory.cache.refuse_page(mark),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a size becomes a sample value")]
    fn report(
        &self,
        counts: &PageCounts,
        result: &Result<(), ScrapeRefusal>,
        body_size: usize,
    ) -> Report {
        let extra = self.config.extra_metrics.then(|| ExtraReport {
            timeout: self.state.target.timeout().seconds(),
            sample_limit: self.config.limits.samples,
            body_size: match result {
                Err(ScrapeRefusal::BodySizeLimit) => -1.0,
                _ => body_size as f64,
            },
        });
        Report {
            is_up: result.is_ok(),
            duration: self.started.elapsed().as_secs_f64(),
            samples_scraped: counts.scraped,
            samples_post_relabelling: counts.post_relabelling,
            series_added: counts.series_added,
            extra,
        }
    }

    fn push_report(&self, memory: &mut Memory, report: &Report, batch: &mut SampleBatch) {
        if report.extra.is_none() {
            memory.report.drop_extra(self.time, batch);
        }
        let target = self.state.target.labels();
        memory
            .report
            .push(report, self.time, target, self.writer, batch);
    }

    /// Commits the batch. Series that storage has dropped in the meantime are made again, once.
    fn commit(
        &self,
        memory: &mut Memory,
        workspace: &mut Workspace,
        report: &Report,
        taken: Option<Page<'_>>,
    ) -> Result<(), ScrapeRefusal> {
        let forgotten = self.commit_once(memory, workspace)?;
        if forgotten == Forgotten::default() {
            return Ok(());
        }
        workspace.clear();
        if forgotten.lines
            && let Some(page) = taken
        {
            let (_, result) = self.read(memory, workspace, page, Take::New);
            match result {
                Ok(()) => memory.cache.take_page(|_| {}),
                Err(_) => memory.cache.refuse_page(|_| {}),
            }
        }
        if forgotten.report {
            self.push_report(memory, report, &mut workspace.batch);
        }
        self.commit_once(memory, workspace).map(|_| ())
    }

    fn commit_once(
        &self,
        memory: &mut Memory,
        workspace: &Workspace,
    ) -> Result<Forgotten, ScrapeRefusal> {
        let outcome = self
            .writer
            .commit(&workspace.batch)
            .map_err(|error| ScrapeRefusal::NotStored(error.to_string()))?;
        self.stats.samples_appended.add(outcome.appended as u64);
        let mut forgotten = Forgotten::default();
        let mut evidence: Option<SampleRefusal> = None;
        for (row, refusal) in outcome.refused {
            let Some(slot) = workspace.rows.get(row).copied() else {
                if refusal == SampleRefusal::UnknownSeries {
                    memory.report.forget();
                    forgotten.report = true;
                }
                // A marker or report that is out of order is expected where a target came back.
                continue;
            };
            if refusal == SampleRefusal::UnknownSeries {
                memory.cache.forget(slot);
                forgotten.lines = true;
                continue;
            }
            memory.cache.untrack(slot);
            self.count_refused(refusal);
            if evidence.is_none() {
                evidence = Some(refusal);
            } else {
                self.reasons.count(refusal.code(), 1);
            }
        }
        if let Some(refusal) = evidence {
            self.reasons.record(self.time.0, &self.subject(), &refusal);
        }
        Ok(forgotten)
    }

    fn count_refused(&self, refusal: SampleRefusal) {
        let counter = match refusal {
            SampleRefusal::OutOfOrder | SampleRefusal::TooOld => &self.stats.samples_out_of_order,
            SampleRefusal::DuplicateTimestamp => &self.stats.samples_duplicate,
            SampleRefusal::OutOfBounds => &self.stats.samples_out_of_bounds,
            _ => return,
        };
        counter.add(1);
    }

    /// What reasons are recorded about.
    fn subject(&self) -> String {
        format!("{} {}", self.config.job_name, self.state.target.url())
    }

    fn count(&self, counts: &PageCounts) {
        self.stats.samples_duplicate.add(counts.duplicates as u64);
        self.stats
            .samples_out_of_bounds
            .add(counts.too_far_ahead as u64);
        let leftovers: [(usize, &dyn Reason); 3] = [
            (counts.duplicates, &Leftover::DuplicateSeries),
            (counts.too_far_ahead, &Leftover::TooFarAhead),
            (counts.series_refused, &SampleRefusal::SeriesLimit),
        ];
        for (count, reason) in leftovers {
            if count > 0 {
                self.reasons.record(self.time.0, &self.subject(), reason);
                self.reasons.count(reason.code(), count as u64 - 1);
            }
        }
    }

    fn finish(&self, counts: &PageCounts, report: &Report, result: Result<(), ScrapeRefusal>) {
        self.stats.scrapes.add(1);
        let refusal = result.err();
        if let Some(refusal) = &refusal {
            self.stats.scrapes_failed.add(1);
            let limit = match refusal {
                ScrapeRefusal::BodySizeLimit => Some(&self.stats.body_size_limit_exceeded),
                ScrapeRefusal::SampleLimit => Some(&self.stats.sample_limit_exceeded),
                ScrapeRefusal::LabelLimit(_) => Some(&self.stats.label_limit_exceeded),
                ScrapeRefusal::BucketLimit => Some(&self.stats.bucket_limit_exceeded),
                _ => None,
            };
            if let Some(counter) = limit {
                counter.add(1);
            }
            self.reasons.record(self.time.0, &self.subject(), refusal);
            tracing::debug!(job = self.config.job_name, target = self.state.target.url(), error = %refusal, "scrape failed");
        }
        *self.state.last.lock() = LastScrape {
            health: if report.is_up {
                Health::Up
            } else {
                Health::Down
            },
            time: Some(self.time),
            duration: report.duration,
            error: refusal
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            error_code: refusal.as_ref().map(Reason::code),
            samples_scraped: counts.scraped,
        };
    }
}

/// Marks the ends of all series of a target that is no longer scraped.
pub(crate) fn end_of_run(
    memory: &mut Memory,
    writer: &dyn SampleWriter,
    time: Timestamp,
) -> Result<(), ScrapeRefusal> {
    let mut batch = SampleBatch::new();
    memory
        .cache
        .refuse_page(|series| batch.push(series, time, STALE_NAN));
    memory.report.push_stale(time, &mut batch);
    // What is refused is out of order: the series go on elsewhere.
    writer
        .commit(&batch)
        .map_err(|error| ScrapeRefusal::NotStored(error.to_string()))?;
    Ok(())
}
