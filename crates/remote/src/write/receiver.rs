//! One request from body to answer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diag::{Reason, ReasonBook};
use metrics::{Counter, Registry};
use model::storage::{SampleRefusal, SampleWriter, SeriesReader};
use model::{Clock, Duration, Labels, Timestamp};
use parking_lot::{Mutex, RwLock};
use wire::remote::decompress_into;

use super::BODY_BYTES_MAX;
use super::cache::{Cursor, Limits, SeriesCache};
use super::intake::{Findings, Intake, Scratch, sample_text};
use super::protocol::{MessageType, MessageTypes};
use super::refusal::RequestRefusal;
use super::request::Request;
use super::store::{Existing, commit, existing};

/// Samples may be this far ahead of our clock: the peer's limit.
const AHEAD_MAX: Duration = Duration(10 * 60 * 1000);
/// Working memory that is kept between requests: this many pieces of at most this size.
const SCRATCHES_KEPT_MAX: usize = 4;
const SCRATCH_BYTES_KEPT_MAX: usize = 64 << 20;

/// What the receiver works with.
#[derive(Clone)]
pub struct Collaborators {
    pub writer: Arc<dyn SampleWriter>,
    /// For texts that name the sample that is there already.
    pub reader: Arc<dyn SeriesReader>,
    pub clock: Arc<dyn Clock>,
    pub reasons: Arc<ReasonBook>,
}

impl fmt::Debug for Collaborators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collaborators")
    }
}

/// The headers of a request that matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestHead<'h> {
    pub content_type: Option<&'h str>,
    pub content_encoding: Option<&'h str>,
}

/// What the sender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: Status,
    /// Empty if all is well.
    pub text: String,
    /// For remote write 2.0, once the message was recognised.
    pub written: Option<Written>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Stored,
    BadRequest,
    TooLarge,
    UnsupportedMediaType,
    /// Our failure: the sender is to try again.
    Internal,
}

/// How much was stored, for the headers of remote write 2.0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub samples: usize,
    pub histograms: usize,
    pub exemplars: usize,
}

/// Takes remote write requests. Shared by all connections.
#[derive(Debug)]
pub struct Receiver {
    collaborators: Collaborators,
    accepted: MessageTypes,
    cache: RwLock<SeriesCache>,
    scratches: Mutex<Vec<Scratch>>,
    samples_appended: AtomicU64,
    invalid_labels: Counter,
}

impl Receiver {
    pub fn new(collaborators: Collaborators, accepted: MessageTypes, registry: &Registry) -> Self {
        // Always 0, as in a Prometheus that is not told to write metadata to its log: dashboards ask for it.
        registry.counter(
            "prometheus_api_remote_write_without_metadata_appended_samples_total",
            "The total number of received remote write samples (and histogram samples) which were ingested without corresponding metadata.",
        );
        Self {
            cache: RwLock::new(SeriesCache::new(
                Limits::default(),
                collaborators.clock.now(),
            )),
            collaborators,
            accepted,
            scratches: Mutex::default(),
            samples_appended: AtomicU64::new(0),
            invalid_labels: registry.counter(
                "prometheus_api_remote_write_invalid_labels_samples_total",
                "The total number of received remote write samples and histogram samples which were rejected due to invalid labels.",
            ),
        }
    }

    /// Samples and histograms stored since the start.
    pub fn samples_appended(&self) -> u64 {
        self.samples_appended.load(Ordering::Relaxed)
    }

    /// An estimate of the memory that the cache of series uses.
    pub fn cache_bytes(&self) -> usize {
        self.cache.read().bytes()
    }

    /// Gives back memory that only makes the next requests faster.
    pub fn shed(&self) {
        let now = self.collaborators.clock.now();
        *self.cache.write() = SeriesCache::new(Limits::default(), now);
        self.scratches.lock().clear();
    }

    /// What can be said before the body is read: the answer, if the request is refused.
    pub fn refuse_by_head(&self, head: &RequestHead<'_>) -> Option<Answer> {
        let encoding = head.content_encoding.unwrap_or_default();
        if encoding.is_empty() || encoding == "snappy" {
            return None;
        }
        Some(self.refused(RequestRefusal::Encoding(encoding.to_owned()), None))
    }

    /// The answer to a request whose body did not end within [`BODY_BYTES_MAX`].
    pub fn refuse_by_size(&self) -> Answer {
        self.refused(RequestRefusal::BodySize, None)
    }

    /// Stores what a request holds. Takes a few hundred nanoseconds per sample, and writes to the log: not
    /// for async threads.
    pub fn receive(&self, head: &RequestHead<'_>, body: &[u8]) -> Answer {
        let mut scratch = self.scratches.lock().pop().unwrap_or_default();
        let mut content = std::mem::take(&mut scratch.content);
        let answer = match decompress_into(body, BODY_BYTES_MAX, &mut content) {
            Err(error) => self.refused(error.into(), None),
            Ok(content) => match self.accepted.of_content_type(head.content_type) {
                Err(refusal) => self.refused(refusal, None),
                Ok(message) => self
                    .store(message, content, &mut scratch)
                    .unwrap_or_else(|refusal| self.refused(refusal, Some(message))),
            },
        };
        scratch.content = content;
        self.keep(scratch);
        answer
    }

    /// Stores what another receiver made a request of: version 1, not compressed.
    pub(crate) fn receive_translated(&self, content: &[u8]) -> Answer {
        let mut scratch = self.scratches.lock().pop().unwrap_or_default();
        let answer = self
            .store(MessageType::V1, content, &mut scratch)
            .unwrap_or_else(|refusal| self.refused(refusal, Some(MessageType::V1)));
        self.keep(scratch);
        answer
    }

    fn keep(&self, scratch: Scratch) {
        if scratch.bytes() <= SCRATCH_BYTES_KEPT_MAX {
            let mut scratches = self.scratches.lock();
            if scratches.len() < SCRATCHES_KEPT_MAX {
                scratches.push(scratch);
            }
        }
    }

    fn refused(&self, refusal: RequestRefusal, message: Option<MessageType>) -> Answer {
        let status = match &refusal {
            RequestRefusal::Encoding(_) | RequestRefusal::Type(_) => Status::UnsupportedMediaType,
            RequestRefusal::BodySize => Status::TooLarge,
            RequestRefusal::Storage(_) => Status::Internal,
            RequestRefusal::DecodedSize
            | RequestRefusal::Snappy
            | RequestRefusal::Message(_)
            | RequestRefusal::Parts(_)
            | RequestRefusal::LabelsSize(_) => Status::BadRequest,
        };
        let text = refusal.to_string();
        tracing::debug!(code = refusal.code(), text, "remote write request refused");
        let now = self.collaborators.clock.now();
        self.collaborators
            .reasons
            .record(now.millis(), "remote write", &refusal);
        let is_v2 = message == Some(MessageType::V2);
        Answer {
            status,
            text,
            written: is_v2.then(Written::default),
        }
    }

    fn store(
        &self,
        message: MessageType,
        content: &[u8],
        scratch: &mut Scratch,
    ) -> Result<Answer, RequestRefusal> {
        let writer = &*self.collaborators.writer;
        let now = self.collaborators.clock.now();
        scratch.clear();
        let request = Request::decode(message, content)?;
        let mut findings = {
            let cache = self.cache.read();
            let mut intake = Intake {
                writer,
                cache: &cache,
                time_max: now + AHEAD_MAX,
                message,
                scratch,
                findings: Findings::default(),
                cursor: Cursor::default(),
            };
            intake.read(&request)?;
            intake.findings
        };
        let refused = commit(writer, &request, scratch)
            .map_err(|error| RequestRefusal::Storage(error.to_string()))?;
        self.remember(scratch, now);
        let written = written(scratch, &refused);
        self.samples_appended.fetch_add(
            (written.samples + written.histograms) as u64,
            Ordering::Relaxed,
        );
        self.invalid_labels
            .add_count(findings.samples_with_invalid_labels);
        if !refused.is_empty() {
            self.tell_refused(&request, scratch, &refused, &mut findings);
        }
        self.record(&findings, now);
        let is_forgotten =
            |(_, refusal): &(usize, SampleRefusal)| *refusal == SampleRefusal::UnknownSeries;
        let text = findings.problems.into_text(message);
        let status = match &text {
            None => Status::Stored,
            Some(_) if refused.iter().any(is_forgotten) => Status::Internal,
            Some(_) => Status::BadRequest,
        };
        Ok(Answer {
            status,
            text: text.unwrap_or_default(),
            written: (message == MessageType::V2).then_some(written),
        })
    }

    /// Puts into the cache what was new in a request.
    fn remember(&self, scratch: &Scratch, now: Timestamp) {
        if scratch.fresh.is_empty() && !self.cache.read().is_due(now) {
            return;
        }
        let mut cache = self.cache.write();
        if cache.is_due(now) {
            cache.turn(now);
        }
        for (label_bytes, series) in scratch.fresh.iter() {
            cache.insert(label_bytes, series, now);
        }
    }

    /// Texts and reasons for rows that storage refused.
    #[cold]
    fn tell_refused(
        &self,
        request: &Request<'_>,
        scratch: &Scratch,
        refused: &[(usize, SampleRefusal)],
        findings: &mut Findings,
    ) {
        findings.problems.next_pass();
        // Labels are only needed for texts, of which there are few.
        let numbers = |(row, _): &(usize, SampleRefusal)| scratch.series_of_row(*row);
        let mut wanted: Vec<u32> = refused.iter().filter_map(numbers).collect();
        wanted.dedup();
        wanted.truncate(super::problems::TOLD_MAX);
        let mut labels: Vec<(u32, Labels)> = Vec::new();
        request.each_of(&wanted, |number, _, found| labels.push((number, found)));
        for (row, refusal) in refused {
            let number = scratch.series_of_row(*row).unwrap_or_default();
            let known = labels
                .binary_search_by_key(&number, |(number, _)| *number)
                .ok()
                .and_then(|at| labels.get(at));
            let shown = || known.map_or(String::new(), |(_, labels)| labels.to_string());
            findings.problems.add(number, *row, || {
                let problem =
                    self.problem(scratch, *row, *refusal, known.map(|(_, labels)| labels));
                sample_text(request.message(), &problem, &shown())
            });
            findings.refuse_sample(*refusal, shown);
        }
    }

    /// The peer's text for a refused row.
    fn problem(
        &self,
        scratch: &Scratch,
        row: usize,
        refusal: SampleRefusal,
        labels: Option<&Labels>,
    ) -> String {
        let batch = &scratch.batch;
        let is_histogram = batch
            .histograms
            .binary_search_by_key(&row, |(at, _)| *at)
            .is_ok();
        let sample = batch.times.get(row).zip(batch.values.get(row));
        if let (SampleRefusal::DuplicateTimestamp, false, Some(labels), Some((time, value))) =
            (refusal, is_histogram, labels, sample)
            && let Some(existing) = existing(&*self.collaborators.reader, labels, Timestamp(*time))
        {
            let existing = match existing {
                Existing::Float(existing) => {
                    format!("existing {}", model::format::float_general(existing))
                }
                Existing::Histogram => "existing is a histogram".to_owned(),
            };
            return format!(
                "duplicate sample for timestamp {time}; overrides not allowed: {existing}, new value {}",
                model::format::float_general(*value)
            );
        }
        refusal.to_string()
    }

    fn record(&self, findings: &Findings, now: Timestamp) {
        let reasons = &self.collaborators.reasons;
        for (refusal, count) in &findings.series_refused {
            reasons.record(now.millis(), "remote write", refusal);
            reasons.count(refusal.code(), count - 1);
        }
        for (refusal, labels, count) in &findings.samples_refused {
            reasons.record(now.millis(), &format!("remote write: {labels}"), refusal);
            reasons.count(refusal.code(), count - 1);
        }
    }
}

fn written(scratch: &Scratch, refused: &[(usize, SampleRefusal)]) -> Written {
    let batch = &scratch.batch;
    let is_histogram = |row: usize| {
        batch
            .histograms
            .binary_search_by_key(&row, |(at, _)| *at)
            .is_ok()
    };
    let refused_histograms = refused.iter().filter(|(row, _)| is_histogram(*row)).count();
    let refused_samples = refused.len() - refused_histograms;
    let histograms = batch.histograms.len();
    Written {
        samples: (batch.len() - histograms).saturating_sub(refused_samples),
        histograms: histograms.saturating_sub(refused_histograms),
        exemplars: batch.exemplars.len(),
    }
}

#[cfg(test)]
mod tests;
