//! Remote read: `prometheus.ReadRequest` and the sampled `prometheus.ReadResponse`.

use model::storage::TimeRange;
use model::{Duration, Labels, MatchOp, Timestamp};

use crate::error::LabelsError;
use crate::proto::reader::{Fields, ProtoError};
use crate::proto::writer::Message;
use crate::remote::message::{WrittenHistogram, WrittenSample};
use crate::remote::write1::{Series, SeriesContent, encode_series};

/// How results are wanted, in the sender's order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseType {
    Samples,
    StreamedXorChunks,
}

/// What of the query is useful to know; all may be unset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    pub step: Duration,
    pub function: String,
    pub start: Timestamp,
    pub end: Timestamp,
    pub grouping: Vec<String>,
    pub is_by: bool,
    pub range: Duration,
}

/// A matcher whose expression was not compiled yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawMatcher {
    pub name: String,
    pub op: MatchOp,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub range: TimeRange,
    pub matchers: Vec<RawMatcher>,
    pub hints: Option<Hints>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    pub queries: Vec<Query>,
    /// Empty means samples.
    pub accepted: Vec<ResponseType>,
}

/// The operators by their numbers in the format.
const OPS: [MatchOp; 4] = [
    MatchOp::Equal,
    MatchOp::NotEqual,
    MatchOp::Regex,
    MatchOp::NotRegex,
];

impl Request {
    /// `request`: decompressed. Response types that we do not know are left out.
    pub fn decode(request: &[u8]) -> Result<Self, ProtoError> {
        let mut decoded = Self::default();
        let mut fields = Fields::new(request);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => decoded.queries.push(decode_query(field.bytes()?)?),
                2 => field.each_varint(|number| {
                    decoded.accepted.extend(match number {
                        0 => Some(ResponseType::Samples),
                        1 => Some(ResponseType::StreamedXorChunks),
                        _ => None,
                    });
                })?,
                _ => {}
            }
        }
        Ok(decoded)
    }

    /// The request, not compressed.
    pub fn encode(&self) -> Vec<u8> {
        let mut request = Message::new();
        for query in &self.queries {
            request.message(1, &encode_query(query));
        }
        let accepted = self.accepted.iter().map(|wanted| match wanted {
            ResponseType::Samples => 0,
            ResponseType::StreamedXorChunks => 1,
        });
        request.packed_varints(2, accepted);
        request.into_bytes()
    }
}

fn decode_query(message: &[u8]) -> Result<Query, ProtoError> {
    let mut query = Query {
        range: TimeRange::new(Timestamp(0), Timestamp(0)),
        matchers: Vec::new(),
        hints: None,
    };
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => query.range.start = Timestamp(field.signed()?),
            2 => query.range.end = Timestamp(field.signed()?),
            3 => query.matchers.push(decode_matcher(field.bytes()?)?),
            4 => query.hints = Some(decode_hints(field.bytes()?)?),
            _ => {}
        }
    }
    Ok(query)
}

fn decode_matcher(message: &[u8]) -> Result<RawMatcher, ProtoError> {
    let (mut op, mut name, mut value) = (0, "", "");
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => op = field.unsigned()?,
            2 => name = field.text()?,
            3 => value = field.text()?,
            _ => {}
        }
    }
    let op = usize::try_from(op)
        .ok()
        .and_then(|number| OPS.get(number).copied())
        .ok_or(ProtoError::UnknownValue(1))?;
    Ok(RawMatcher {
        name: name.to_owned(),
        op,
        value: value.to_owned(),
    })
}

fn decode_hints(message: &[u8]) -> Result<Hints, ProtoError> {
    let mut hints = Hints::default();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => hints.step = Duration(field.signed()?),
            2 => field.text()?.clone_into(&mut hints.function),
            3 => hints.start = Timestamp(field.signed()?),
            4 => hints.end = Timestamp(field.signed()?),
            5 => hints.grouping.push(field.text()?.to_owned()),
            6 => hints.is_by = field.unsigned()? != 0,
            7 => hints.range = Duration(field.signed()?),
            _ => {}
        }
    }
    Ok(hints)
}

fn encode_query(query: &Query) -> Message {
    let mut message = Message::new();
    message.signed(1, query.range.start.0);
    message.signed(2, query.range.end.0);
    for matcher in &query.matchers {
        let mut inner = Message::new();
        let number = OPS.iter().position(|op| *op == matcher.op).unwrap_or(0);
        inner.unsigned(1, number as u64);
        inner.text(2, &matcher.name);
        inner.text(3, &matcher.value);
        message.message(3, &inner);
    }
    if let Some(hints) = &query.hints {
        let mut inner = Message::new();
        inner.signed(1, hints.step.0);
        inner.text(2, &hints.function);
        inner.signed(3, hints.start.0);
        inner.signed(4, hints.end.0);
        for label in &hints.grouping {
            inner.present_bytes(5, label.as_bytes());
        }
        inner.unsigned(6, u64::from(hints.is_by));
        inner.signed(7, hints.range.0);
        message.message(4, &inner);
    }
    message
}

/// Builds a sampled response: results in the order of the queries.
#[derive(Clone, Debug, Default)]
pub struct ResponseWriter {
    response: Message,
    result: Message,
}

impl ResponseWriter {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a series to the current result.
    pub fn series(&mut self, content: &SeriesContent<'_>) {
        self.result.message(1, &encode_series(content));
    }

    /// Ends the result of a query.
    pub fn end_result(&mut self) {
        let result = std::mem::take(&mut self.result);
        self.response.message(1, &result);
    }

    /// The response, not compressed.
    pub fn finish(self) -> Vec<u8> {
        self.response.into_bytes()
    }
}

/// One series of a response.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadSeries {
    pub labels: Labels,
    pub samples: Vec<WrittenSample>,
    pub histograms: Vec<WrittenHistogram>,
}

/// Why a response cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    #[error(transparent)]
    Proto(#[from] ProtoError),
    #[error(transparent)]
    Labels(#[from] LabelsError),
}

/// The series of each result. `response`: decompressed.
pub fn decode_response(response: &[u8]) -> Result<Vec<Vec<ReadSeries>>, ResponseError> {
    let mut results = Vec::new();
    let mut fields = Fields::new(response);
    while let Some(field) = fields.next()? {
        if field.number != 1 {
            continue;
        }
        let mut result = Vec::new();
        let mut parts = Fields::new(field.bytes()?);
        while let Some(part) = parts.next()? {
            if part.number == 1 {
                let mut series = Series::default();
                series.decode(part.bytes()?)?;
                result.push(ReadSeries {
                    labels: series.labels()??,
                    histograms: series.histograms().collect::<Result<_, _>>()?,
                    samples: series.samples,
                });
            }
        }
        results.push(result);
    }
    Ok(results)
}
