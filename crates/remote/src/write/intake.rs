//! The series of one request into one batch.

use model::labels::METRIC_NAME;
use model::storage::{SampleBatch, SampleRefusal, SampleWriter, SeriesRef};
use model::{Labels, Timestamp, exemplar};
use wire::remote::{ProtoError, collect_labels, label_pairs_of};
use wire::{LabelsError, quote_bytes};

use super::cache::{Cursor, Found, LABEL_BYTES_KEPT_MAX, SeriesCache};
use super::histogram::checked;
use super::problems::{Problems, TEXT_BYTES_MAX, cut};
use super::protocol::MessageType;
use super::refusal::{RequestRefusal, SeriesRefusal};
use super::request::{LABEL_BYTES_MAX, ReferenceProblem, Request, SeriesContent};

/// Beyond this, what a sender may cost in memory is out of proportion to what it sends.
const HISTOGRAMS_MAX: usize = 1 << 19;
const EXEMPLARS_MAX: usize = 1 << 18;
const ROWS_MAX: usize = 1 << 22;
/// Label bytes of new series that one request may add to the cache.
const FRESH_BYTES_MAX: usize = 32 << 20;

/// Where the rows of a series begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) series: u32,
    first_row: usize,
}

/// Memory that is used for one request after the other.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The decompressed body.
    pub(crate) content: Vec<u8>,
    pub(crate) batch: SampleBatch,
    /// By first row.
    pub(crate) spans: Vec<Span>,
    pub(crate) fresh: Fresh,
    before: Vec<u8>,
}

/// Series for the cache.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    label_bytes: Vec<u8>,
    series: Vec<(usize, SeriesRef)>,
}

impl Fresh {
    pub(crate) fn push(&mut self, label_bytes: &[u8], series: SeriesRef) {
        if label_bytes.len() <= LABEL_BYTES_KEPT_MAX && self.label_bytes.len() < FRESH_BYTES_MAX {
            self.label_bytes.extend_from_slice(label_bytes);
            self.series.push((self.label_bytes.len(), series));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], SeriesRef)> {
        let mut start = 0;
        self.series.iter().map(move |(end, series)| {
            let label_bytes = self.label_bytes.get(start..*end).unwrap_or_default();
            start = *end;
            (label_bytes, *series)
        })
    }
}

impl Scratch {
    pub(crate) fn clear(&mut self) {
        self.batch.clear();
        self.spans.clear();
        self.fresh.label_bytes.clear();
        self.fresh.series.clear();
        self.before.clear();
    }

    /// Memory that would be kept.
    pub(crate) fn bytes(&self) -> usize {
        let batch = &self.batch;
        self.content.capacity()
            + batch.series.capacity() * size_of::<(SeriesRef, i64, f64)>()
            + self.fresh.label_bytes.capacity()
            + self.before.capacity()
    }

    /// The series of the request that a row belongs to.
    pub(crate) fn series_of_row(&self, row: usize) -> Option<u32> {
        let after = self.spans.partition_point(|span| span.first_row <= row);
        let span = self.spans.get(after.checked_sub(1)?)?;
        Some(span.series)
    }
}

/// What reading a request found, beside the batch.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) problems: Problems,
    /// The first of each kind, for the book of reasons, and how many there were.
    pub(crate) series_refused: Vec<(SeriesRefusal, u64)>,
    pub(crate) samples_refused: Vec<(SampleRefusal, String, u64)>,
    /// Samples and histograms of series with invalid labels.
    pub(crate) samples_with_invalid_labels: usize,
}

impl Findings {
    fn refuse_series(&mut self, refusal: SeriesRefusal) {
        use std::mem::discriminant;
        let same =
            |(known, _): &&mut (SeriesRefusal, u64)| discriminant(known) == discriminant(&refusal);
        match self.series_refused.iter_mut().find(same) {
            Some((_, count)) => *count += 1,
            None => self.series_refused.push((refusal, 1)),
        }
    }

    pub(crate) fn refuse_sample(
        &mut self,
        refusal: SampleRefusal,
        labels: impl FnOnce() -> String,
    ) {
        let known = self.samples_refused.iter_mut();
        match known.into_iter().find(|(known, ..)| *known == refusal) {
            Some((_, _, count)) => *count += 1,
            None => self.samples_refused.push((refusal, cut(labels()), 1)),
        }
    }
}

/// Reads a request.
pub(crate) struct Intake<'a> {
    pub(crate) writer: &'a dyn SampleWriter,
    pub(crate) cache: &'a SeriesCache,
    /// Samples after this are refused.
    pub(crate) time_max: Timestamp,
    pub(crate) message: MessageType,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) findings: Findings,
    pub(crate) cursor: Cursor,
}

/// The peer's text for a sample that is too far ahead.
pub(crate) const TOO_FAR_AHEAD: &str = "out of bounds: timestamp is too far in the future";

impl From<ProtoError> for RequestRefusal {
    fn from(error: ProtoError) -> Self {
        match error {
            ProtoError::TooMany(_) => Self::Parts(error),
            other => Self::Message(other),
        }
    }
}

impl Intake<'_> {
    pub(crate) fn read(&mut self, request: &Request<'_>) -> Result<(), RequestRefusal> {
        request.each_series(|series| self.series(series))
    }

    fn series(&mut self, series: SeriesContent<'_>) -> Result<(), RequestRefusal> {
        let reference = match self.reference(&series)? {
            Reference::Known(reference) => reference,
            Reference::LeftOut(why) => {
                // Broken parts spoil the request, also in a series that is left out.
                let mut histograms = 0;
                for histogram in series.histograms {
                    histogram?;
                    histograms += 1;
                }
                if why == LeftOut::Labels {
                    self.findings.samples_with_invalid_labels += series.samples.len() + histograms;
                }
                return Ok(());
            }
        };
        let head = SeriesHead {
            number: series.number,
            label_bytes: series.label_bytes,
        };
        self.scratch.spans.push(Span {
            series: series.number,
            first_row: self.scratch.batch.len(),
        });
        for sample in series.samples {
            if sample.time > self.time_max {
                self.refuse_row(&head, SampleRefusal::OutOfBounds, TOO_FAR_AHEAD);
            } else {
                let batch = &mut self.scratch.batch;
                batch.push(reference, sample.time, sample.value);
                if let Some(start) = sample.start_time {
                    batch.set_start(start);
                }
            }
        }
        if self.scratch.batch.len() > ROWS_MAX {
            return Err(ProtoError::TooMany(ROWS_MAX).into());
        }
        let histograms = self.histograms(reference, &head, series.histograms)?;
        if series.samples.is_empty() && histograms == 0 && self.message == MessageType::V2 {
            let labels = shown(head.label_bytes);
            let text = format!(
                "TimeSeries must contain at least one sample or histogram for series {labels}"
            );
            self.refuse_series(head.number, SeriesRefusal::WithoutSamples(text));
            return Ok(());
        }
        self.exemplars(reference, &head, series.exemplars)
    }

    /// The reference of a series in storage.
    fn reference(&mut self, series: &SeriesContent<'_>) -> Result<Reference, RequestRefusal> {
        if let Some(problem) = &series.reference_problem {
            let (refusal, why) = match problem {
                ReferenceProblem::LabelsSize => {
                    return Err(RequestRefusal::LabelsSize(LABEL_BYTES_MAX));
                }
                ReferenceProblem::Labels(text) => {
                    (SeriesRefusal::Labels(cut(text.clone())), LeftOut::Labels)
                }
                ReferenceProblem::Metadata(text) => {
                    (SeriesRefusal::Metadata(cut(text.clone())), LeftOut::Other)
                }
            };
            self.refuse_series(series.number, refusal);
            return Ok(Reference::LeftOut(why));
        }
        let Scratch { fresh, before, .. } = &mut *self.scratch;
        let found = self
            .cache
            .find(&mut self.cursor, before, series.label_bytes);
        before.clear();
        before.extend_from_slice(series.label_bytes);
        match found {
            Found::Here(reference) => Ok(Reference::Known(reference)),
            Found::Fading(reference) => {
                fresh.push(series.label_bytes, reference);
                Ok(Reference::Known(reference))
            }
            Found::Not => self.resolve(series),
        }
    }

    #[cold]
    fn resolve(&mut self, series: &SeriesContent<'_>) -> Result<Reference, RequestRefusal> {
        let labels = match checked_labels(series.label_bytes)? {
            Ok(labels) => labels,
            Err(text) => {
                // Version 1 answers as if all were well, as the peer does; reason and metric tell.
                let refusal = SeriesRefusal::Labels(cut(text));
                match self.message {
                    MessageType::V1 => self.findings.refuse_series(refusal),
                    MessageType::V2 => self.refuse_series(series.number, refusal),
                }
                return Ok(Reference::LeftOut(LeftOut::Labels));
            }
        };
        match self.writer.resolve(&labels) {
            Ok(reference) => {
                self.scratch.fresh.push(series.label_bytes, reference);
                Ok(Reference::Known(reference))
            }
            Err(refusal) => {
                let labels = labels.to_string();
                let row = self.scratch.batch.len();
                let text = sample_text(self.message, &refusal.to_string(), &labels);
                self.findings.problems.add(series.number, row, || text);
                self.findings.refuse_sample(refusal, || labels);
                Ok(Reference::LeftOut(LeftOut::Other))
            }
        }
    }

    fn refuse_series(&mut self, number: u32, refusal: SeriesRefusal) {
        let row = self.scratch.batch.len();
        self.findings
            .problems
            .add(number, row, || refusal.to_string());
        self.findings.refuse_series(refusal);
    }

    fn refuse_row(&mut self, head: &SeriesHead<'_>, refusal: SampleRefusal, text: &str) {
        let (row, message) = (self.scratch.batch.len(), self.message);
        let labels = || shown(head.label_bytes);
        self.findings
            .problems
            .add(head.number, row, || sample_text(message, text, &labels()));
        self.findings.refuse_sample(refusal, labels);
    }

    /// The number of histograms that were there.
    fn histograms(
        &mut self,
        reference: SeriesRef,
        head: &SeriesHead<'_>,
        histograms: &mut dyn Iterator<Item = Result<wire::remote::WrittenHistogram, ProtoError>>,
    ) -> Result<usize, RequestRefusal> {
        let mut count = 0;
        for written in histograms {
            let written = written?;
            count += 1;
            if written.time > self.time_max {
                self.refuse_row(head, SampleRefusal::OutOfBounds, TOO_FAR_AHEAD);
                continue;
            }
            let batch = &mut self.scratch.batch;
            if batch.histograms.len() >= HISTOGRAMS_MAX {
                return Err(ProtoError::TooMany(HISTOGRAMS_MAX).into());
            }
            match checked(written.histogram) {
                Ok(histogram) => {
                    batch.push_histogram(reference, written.time, histogram);
                    if let Some(start) = written.start_time {
                        batch.set_start(start);
                    }
                }
                Err(text) => self.refuse_row(head, SampleRefusal::Malformed, &text),
            }
        }
        Ok(count)
    }

    fn exemplars(
        &mut self,
        reference: SeriesRef,
        head: &SeriesHead<'_>,
        exemplars: &mut dyn Iterator<Item = Result<Result<model::Exemplar, String>, ProtoError>>,
    ) -> Result<(), RequestRefusal> {
        for exemplar in exemplars {
            match exemplar? {
                Ok(exemplar) => {
                    let chars = exemplar
                        .labels
                        .iter()
                        .map(|(name, value)| name.chars().count() + value.chars().count());
                    // As in the peer, these never fail a request.
                    let is_good = chars.sum::<usize>() <= exemplar::LABELS_CHARS_MAX
                        && exemplar.time.is_none_or(|time| time <= self.time_max);
                    let kept = &mut self.scratch.batch.exemplars;
                    if is_good && kept.len() < EXEMPLARS_MAX {
                        kept.push((reference, exemplar));
                    }
                }
                Err(error) => {
                    let labels = shown(head.label_bytes);
                    let text = format!("parsing exemplar for series {labels}: {error}");
                    self.refuse_series(head.number, SeriesRefusal::Exemplar(text));
                }
            }
        }
        Ok(())
    }
}

/// What became of the labels of a series.
enum Reference {
    Known(SeriesRef),
    LeftOut(LeftOut),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LeftOut {
    /// Its labels are not valid.
    Labels,
    Other,
}

/// What names a series in texts.
#[derive(Clone, Copy)]
struct SeriesHead<'s> {
    number: u32,
    label_bytes: &'s [u8],
}

/// The text for a sample that was refused.
pub(crate) fn sample_text(message: MessageType, problem: &str, labels: &str) -> String {
    match message {
        MessageType::V1 => problem.to_owned(),
        MessageType::V2 => format!("{problem} for series {labels}"),
    }
}

/// The labels, or what is wrong with them in the peer's words.
fn checked_labels(label_bytes: &[u8]) -> Result<Result<Labels, String>, ProtoError> {
    let pairs: Vec<_> = label_pairs_of(label_bytes).collect::<Result<_, _>>()?;
    let name = METRIC_NAME.as_bytes();
    let is_named = pairs
        .iter()
        .any(|(label, value)| *label == name && !value.is_empty());
    let is_valid = is_named && pairs.iter().all(|(label, _)| !label.is_empty());
    Ok(match collect_labels(&pairs) {
        Ok(labels) if is_valid => Ok(labels),
        Err(LabelsError::Duplicate(label)) if is_valid => Err(format!(
            "invalid labels for series, labels {}, duplicated label {label}",
            shown(label_bytes)
        )),
        _ => Err(format!(
            "invalid metric name or labels, got {}",
            shown(label_bytes)
        )),
    })
}

/// Labels as Prometheus prints them, also if they are not valid.
fn shown(label_bytes: &[u8]) -> String {
    let mut pairs: Vec<_> = label_pairs_of(label_bytes).map_while(Result::ok).collect();
    pairs.sort_by_key(|(name, _)| *name);
    let mut text = String::from("{");
    for (index, (name, value)) in pairs.into_iter().enumerate() {
        if text.len() > TEXT_BYTES_MAX {
            break;
        }
        if index > 0 {
            text.push_str(", ");
        }
        match std::str::from_utf8(name) {
            Ok(name) if model::name::is_legacy_label_name(name) => text.push_str(name),
            _ => text.push_str(&quote_bytes(name)),
        }
        text.push('=');
        let shown = value.get(..TEXT_BYTES_MAX).unwrap_or(value);
        text.push_str(&quote_bytes(shown));
    }
    text.push('}');
    text
}
