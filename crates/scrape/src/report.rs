//! The series about scrapes themselves: `up` and its companions.

use model::labels::METRIC_NAME;
use model::sample::STALE_NAN;
use model::storage::{SampleBatch, SampleRefusal, SampleWriter, SeriesRef};
use model::{Labels, Timestamp};

/// Names, in the order in which they are written; the last three only on request.
const NAMES: [&str; 8] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
];
const STANDARD: usize = 5;

/// What is reported of one scrape.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Report {
    pub(crate) is_up: bool,
    pub(crate) duration: f64,
    pub(crate) samples_scraped: usize,
    pub(crate) samples_post_relabelling: usize,
    pub(crate) series_added: usize,
    pub(crate) extra: Option<ExtraReport>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExtraReport {
    pub(crate) timeout: f64,
    pub(crate) sample_limit: usize,
    /// -1 if the limit was exceeded.
    pub(crate) body_size: f64,
}

impl Report {
    #[expect(clippy::cast_precision_loss, reason = "counts become sample values")]
    fn values(&self) -> [Option<f64>; 8] {
        [
            Some(f64::from(u8::from(self.is_up))),
            Some(self.duration),
            Some(self.samples_scraped as f64),
            Some(self.samples_post_relabelling as f64),
            Some(self.series_added as f64),
            self.extra.map(|extra| extra.timeout),
            self.extra.map(|extra| extra.sample_limit as f64),
            self.extra.map(|extra| extra.body_size),
        ]
    }
}

/// The report series of one target, with their references in storage.
#[derive(Debug, Default)]
pub(crate) struct ReportSeries {
    refs: [Option<SeriesRef>; 8],
}

impl ReportSeries {
    /// References must be found again.
    pub(crate) fn forget(&mut self) {
        self.refs = [None; 8];
    }

    fn resolve(
        &mut self,
        at: usize,
        target: &Labels,
        writer: &dyn SampleWriter,
    ) -> Result<SeriesRef, SampleRefusal> {
        if let Some(series) = self.refs[at] {
            return Ok(series);
        }
        let mut labels = target.to_builder();
        labels.set(METRIC_NAME, NAMES[at]);
        let series = writer.resolve(&labels.build())?;
        self.refs[at] = Some(series);
        Ok(series)
    }

    /// Appends the report. A series that storage has no room for is left out.
    pub(crate) fn push(
        &mut self,
        report: &Report,
        time: Timestamp,
        target: &Labels,
        writer: &dyn SampleWriter,
        batch: &mut SampleBatch,
    ) {
        for (at, value) in report.values().into_iter().enumerate() {
            if let Some(value) = value
                && let Ok(series) = self.resolve(at, target, writer)
            {
                batch.push(series, time, value);
            }
        }
    }

    /// Marks the ends of the series that were written.
    pub(crate) fn push_stale(&self, time: Timestamp, batch: &mut SampleBatch) {
        for series in self.refs.iter().flatten() {
            batch.push(*series, time, STALE_NAN);
        }
    }

    /// Marks the ends of the series that are written only on request.
    pub(crate) fn drop_extra(&mut self, time: Timestamp, batch: &mut SampleBatch) {
        for series in self.refs.iter_mut().skip(STANDARD).filter_map(Option::take) {
            batch.push(series, time, STALE_NAN);
        }
    }
}
