//! Remote read: `prometheus.ReadRequest` and the sampled `prometheus.ReadResponse`.

use model::storage::TimeRange;
use model::{Duration, Labels, MatchOp, Timestamp};

use crate::error::LabelsError;
use crate::proto::reader::{Fields, ProtoError};
use crate::proto::writer::{Message, push_varint};
use crate::remote::message::{WrittenHistogram, WrittenSample, push_up_to};
use crate::remote::snappy::{PiecewiseBlock, SnappyError};
use crate::remote::write1::{Series, SeriesContent, encode_series};

/// How results are wanted, in the sender's order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseType {
    Samples,
    StreamedXorChunks,
    /// Any other number.
    Unknown(u32),
}

/// The peer's names; numbers where there is none.
impl std::fmt::Display for ResponseType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Samples => f.write_str("SAMPLES"),
            Self::StreamedXorChunks => f.write_str("STREAMED_XOR_CHUNKS"),
            Self::Unknown(number) => write!(f, "{}", number.cast_signed()),
        }
    }
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
    /// `None` for a number that stands for no operator.
    pub op: Option<MatchOp>,
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

/// Queries of one request; the peers send one. An empty one takes two bytes there and many more here.
const QUERIES_MAX: usize = 1 << 10;
/// Matchers of one query, and labels of one grouping.
const NAMES_MAX: usize = 1 << 12;
/// The first ones count.
const ACCEPTED_MAX: usize = 16;

/// The operators by their numbers in the format.
const OPS: [MatchOp; 4] = [
    MatchOp::Equal,
    MatchOp::NotEqual,
    MatchOp::Regex,
    MatchOp::NotRegex,
];

impl Request {
    /// `request`: decompressed.
    pub fn decode(request: &[u8]) -> Result<Self, ProtoError> {
        let mut decoded = Self::default();
        let mut fields = Fields::new(request);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => {
                    let query = decode_query(field.bytes()?)?;
                    push_up_to(QUERIES_MAX, &mut decoded.queries, query)?;
                }
                2 => field.each_varint(|number| {
                    if decoded.accepted.len() < ACCEPTED_MAX {
                        decoded.accepted.push(response_type(number));
                    }
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
            ResponseType::Unknown(number) => u64::from(*number),
        });
        request.packed_varints(2, accepted);
        request.into_bytes()
    }
}

/// Enumerations have 32 bits, whatever number stands there.
#[expect(
    clippy::cast_possible_truncation,
    reason = "by the definition of the format"
)]
fn response_type(number: u64) -> ResponseType {
    match number as u32 {
        0 => ResponseType::Samples,
        1 => ResponseType::StreamedXorChunks,
        other => ResponseType::Unknown(other),
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
            3 => {
                let matcher = decode_matcher(field.bytes()?)?;
                push_up_to(NAMES_MAX, &mut query.matchers, matcher)?;
            }
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
    let op = usize::try_from(op).ok();
    Ok(RawMatcher {
        name: name.to_owned(),
        op: op.and_then(|number| OPS.get(number).copied()),
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
            5 => push_up_to(NAMES_MAX, &mut hints.grouping, field.text()?.to_owned())?,
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
        let number = OPS.iter().position(|op| Some(*op) == matcher.op);
        inner.unsigned(1, number.unwrap_or(OPS.len()) as u64);
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

/// Builds a sampled response, compressed: results in the order of the queries. Only what is compressed is
/// kept, so that a response may be larger than anybody would hold in memory.
#[derive(Debug, Default)]
pub struct ResponseWriter {
    block: PiecewiseBlock,
}

impl ResponseWriter {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a series to the current result.
    pub fn series(&mut self, content: &SeriesContent<'_>) -> Result<(), SnappyError> {
        let mut message = Message::new();
        message.message(1, &encode_series(content));
        self.block.push(&message.into_bytes())
    }

    /// Bytes so far, before compression.
    pub fn size(&self) -> usize {
        self.block.size()
    }

    /// Ends the result of a query.
    pub fn end_result(&mut self) -> Result<(), SnappyError> {
        let mut head = vec![RESULT];
        push_varint(&mut head, self.block.since_mark() as u64);
        self.block.prefix(&head)?;
        self.block.mark()
    }

    /// The response in pieces that follow each other, compressed as a block.
    pub fn finish(self) -> Result<Vec<Vec<u8>>, SnappyError> {
        self.block.finish()
    }
}

/// Field 1 of a response, with bytes: a result.
const RESULT: u8 = 1 << 3 | 2;

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
