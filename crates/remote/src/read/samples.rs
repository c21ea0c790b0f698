//! The answer with samples: one message, compressed while it is made.

use std::ops::ControlFlow;

use model::storage::{HistogramSample, SeriesBatch};
use model::{Labels, Timestamp};
use tsdb::Db;
use tsdb::chunk::histogram::{self, HistogramValue};
use tsdb::chunk::{self, Wanted};
use tsdb::db::StoredChunk;
use wire::remote::read::ResponseWriter;
use wire::remote::write1::SeriesContent;
use wire::remote::{WrittenHistogram, WrittenSample};

use super::Answer;
use super::query::{Query, with_external};
use super::refusal::ReadRefusal;

/// What is asked, and how much may be answered.
pub(super) struct Samples<'a> {
    pub(super) db: &'a Db,
    pub(super) queries: &'a [Query],
    pub(super) external: &'a Labels,
    /// Of each query; 0 for no limit.
    pub(super) samples_max: usize,
    pub(super) answer_bytes_max: usize,
    /// Asked before every series.
    pub(super) go_on: &'a dyn Fn() -> Result<(), ReadRefusal>,
}

impl Samples<'_> {
    /// The pieces of the body.
    pub(super) fn answer(&self) -> Result<Answer, ReadRefusal> {
        let mut writer = ResponseWriter::new();
        for query in self.queries {
            self.add(query, &mut writer)?;
            writer.end_result().map_err(ReadRefusal::Compression)?;
        }
        writer
            .finish()
            .map(Answer::Samples)
            .map_err(ReadRefusal::Compression)
    }

    fn add(&self, query: &Query, writer: &mut ResponseWriter) -> Result<(), ReadRefusal> {
        let mut content = Content::default();
        let mut count = 0;
        let mut refusal = None;
        let each = |labels: &Labels, chunks: &[StoredChunk]| {
            let added = (self.go_on)()
                .and_then(|()| self.add_series(labels, chunks, &mut count, &mut content, writer));
            match added {
                Ok(()) => ControlFlow::Continue(()),
                Err(problem) => {
                    refusal = Some(problem);
                    ControlFlow::Break(())
                }
            }
        };
        self.db
            .for_each_series(query.range, &query.matchers, each)?;
        refusal.map_or(Ok(()), Err)
    }

    fn add_series(
        &self,
        labels: &Labels,
        chunks: &[StoredChunk],
        count: &mut usize,
        content: &mut Content,
        writer: &mut ResponseWriter,
    ) -> Result<(), ReadRefusal> {
        // Before anything is decoded: a chunk says how many samples it has.
        let added = chunks
            .iter()
            .map(|stored| chunk::samples_in(stored.encoding, &stored.data));
        *count += added.sum::<usize>();
        if self.samples_max > 0 && *count > self.samples_max {
            return Err(ReadRefusal::SampleLimit(self.samples_max));
        }
        content.clear();
        for stored in chunks {
            content.decode(stored)?;
        }
        let labels = with_external(labels, self.external);
        writer
            .series(&SeriesContent {
                labels: &labels,
                samples: &content.samples,
                histograms: &content.histograms,
                exemplars: &[],
            })
            .map_err(ReadRefusal::Compression)?;
        if writer.size() > self.answer_bytes_max {
            return Err(ReadRefusal::AnswerSize(self.answer_bytes_max));
        }
        Ok(())
    }
}

/// The samples of one series.
#[derive(Default)]
struct Content {
    samples: Vec<WrittenSample>,
    histograms: Vec<WrittenHistogram>,
    batch: SeriesBatch,
}

impl Content {
    fn clear(&mut self) {
        self.samples.clear();
        self.histograms.clear();
    }

    fn decode(&mut self, stored: &StoredChunk) -> Result<(), ReadRefusal> {
        let corrupt = |error: chunk::ChunkError| {
            ReadRefusal::Storage(model::storage::ReadError::Corrupt(error.to_string()))
        };
        if stored.encoding.is_float() {
            self.batch.clear();
            chunk::decode(stored.encoding, &stored.data, Wanted::ALL, &mut self.batch)
                .map_err(corrupt)?;
            let floats = self.batch.times.iter().zip(&self.batch.values);
            self.samples
                .extend(floats.map(|(time, value)| WrittenSample {
                    time: Timestamp(*time),
                    value: *value,
                    start_time: None,
                }));
            return Ok(());
        }
        let histograms = &mut self.histograms;
        histogram::decode(stored.encoding, &stored.data, usize::MAX, |sample| {
            histograms.push(WrittenHistogram {
                time: Timestamp(sample.time),
                histogram: match sample.value {
                    HistogramValue::Integer(histogram) => HistogramSample::Integer(histogram),
                    HistogramValue::Float(histogram) => HistogramSample::Float(histogram),
                },
                start_time: None,
            });
            true
        })
        .map_err(corrupt)
    }
}
