//! Kafka's protocol as far as a producer needs it: where a topic's partitions are ([`metadata_request`]), who it is
//! itself ([`identity_request`]), and records for a partition ([`produce_request`], [`Records`]). Requests are whole frames with their length; answers
//! are read without it.
//!
//! Spoken by Kafka 2.1 and later: Metadata in version 4, InitProducerId in version 0, Produce in version 7. Source: "Kafka protocol guide" of
//! Apache Kafka, and its "Record Batch" format, version 2.

mod batch;
mod read;
#[cfg(test)]
mod tests;

pub use batch::{Compression, Records, Sequence};
use read::Reader;

const PRODUCE: (i16, i16) = (0, 7);
const METADATA: (i16, i16) = (3, 4);
const INIT_PRODUCER_ID: (i16, i16) = (22, 0);
/// Much more than any topic has; an answer that claims more is broken.
const ITEMS_MAX: usize = 100_000;

/// An answer that is not as the protocol has it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KafkaError {
    #[error("the broker's answer ends too early")]
    Truncated,
    #[error("the broker's answer claims {0} items")]
    TooMany(i64),
    #[error("the broker's answer is not UTF-8")]
    Utf8,
    #[error("the broker answered request {got} and not {wanted}")]
    Correlation { wanted: i32, got: i32 },
    #[error("the broker's answer is about another topic or partition")]
    OtherTopic,
    #[error("packing the records: {0}")]
    Compression(String),
}

/// How a broker acknowledges records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acks {
    /// It does not answer.
    None,
    #[default]
    Leader,
    /// Once all replicas that are in sync have them.
    All,
}

/// What every request begins with.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The answer has it too.
    pub correlation: i32,
    pub client_id: &'a str,
}

/// What a broker says about a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    pub brokers: Vec<Broker>,
    /// Of the topic; 0 is none.
    pub error: ErrorCode,
    pub partitions: Vec<Partition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    pub id: i32,
    pub host: String,
    pub port: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    pub error: ErrorCode,
    pub index: i32,
    /// A broker's id; -1 for none.
    pub leader: i32,
}

/// What a broker has against a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorCode(pub i16);

impl ErrorCode {
    pub const NONE: Self = Self(0);
    pub const UNKNOWN_TOPIC: Self = Self(3);
    /// The records are there already.
    pub const DUPLICATE: Self = Self(46);

    /// Whether it may be over soon, or with another broker, or another identity.
    pub fn is_retriable(self) -> bool {
        self.wants_identity()
            || matches!(
                self.0,
                2 | 3 | 5 | 6 | 7 | 8 | 9 | 13 | 14 | 15 | 16 | 19 | 20 | 56 | 74 | 75 | 78 | 100
            )
    }

    /// Whether the broker has lost track of the producer, which must begin anew.
    pub fn wants_identity(self) -> bool {
        matches!(self.0, 45 | 47 | 59)
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.0 {
            0 => "NONE",
            2 => "CORRUPT_MESSAGE",
            3 => "UNKNOWN_TOPIC_OR_PARTITION",
            5 => "LEADER_NOT_AVAILABLE",
            6 => "NOT_LEADER_OR_FOLLOWER",
            7 => "REQUEST_TIMED_OUT",
            10 => "MESSAGE_TOO_LARGE",
            13 => "NETWORK_EXCEPTION",
            17 => "INVALID_TOPIC_EXCEPTION",
            18 => "RECORD_LIST_TOO_LARGE",
            19 => "NOT_ENOUGH_REPLICAS",
            20 => "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
            29 => "TOPIC_AUTHORIZATION_FAILED",
            31 => "CLUSTER_AUTHORIZATION_FAILED",
            35 => "UNSUPPORTED_VERSION",
            43 => "UNSUPPORTED_FOR_MESSAGE_FORMAT",
            44 => "POLICY_VIOLATION",
            45 => "OUT_OF_ORDER_SEQUENCE_NUMBER",
            47 => "INVALID_PRODUCER_EPOCH",
            56 => "KAFKA_STORAGE_ERROR",
            59 => "UNKNOWN_PRODUCER_ID",
            76 => "UNSUPPORTED_COMPRESSION_TYPE",
            87 => "INVALID_RECORD",
            other => return write!(f, "error {other}"),
        };
        f.write_str(name)
    }
}

/// Asks where the partitions of a topic are. A topic that is not there is not made.
pub fn metadata_request(head: RequestHead<'_>, topic: &str) -> Vec<u8> {
    let mut frame = Frame::new(METADATA, head);
    frame.count(1);
    frame.text(topic);
    frame.0.push(0);
    frame.finish()
}

/// Reads the answer to [`metadata_request`] about one topic.
pub fn read_metadata(head: RequestHead<'_>, answer: &[u8]) -> Result<Metadata, KafkaError> {
    let mut reader = Reader::answer(answer, head.correlation)?;
    let _throttle_ms = reader.i32()?;
    let mut brokers = Vec::new();
    for _ in 0..reader.count(ITEMS_MAX)? {
        let (id, host, port) = (reader.i32()?, reader.text()?, reader.i32()?);
        let _rack = reader.text_or_null()?;
        brokers.push(Broker { id, host, port });
    }
    let _cluster = reader.text_or_null()?;
    let _controller = reader.i32()?;
    if reader.count(ITEMS_MAX)? != 1 {
        return Err(KafkaError::OtherTopic);
    }
    let error = ErrorCode(reader.i16()?);
    let _name = reader.text()?;
    let _is_internal = reader.take(1)?;
    let mut partitions = Vec::new();
    for _ in 0..reader.count(ITEMS_MAX)? {
        let partition = Partition {
            error: ErrorCode(reader.i16()?),
            index: reader.i32()?,
            leader: reader.i32()?,
        };
        // Replicas, and those in sync.
        for _ in 0..2 {
            let replicas = reader.count(ITEMS_MAX)?;
            reader.take(replicas * 4)?;
        }
        partitions.push(partition);
    }
    Ok(Metadata {
        brokers,
        error,
        partitions,
    })
}

/// Asks for an identity, by which brokers know records that they have already.
pub fn identity_request(head: RequestHead<'_>) -> Vec<u8> {
    let mut frame = Frame::new(INIT_PRODUCER_ID, head);
    // No transaction; how long one may take.
    frame.i16(-1);
    frame.i32(60_000);
    frame.finish()
}

/// Reads the answer to [`identity_request`]: an identity at its beginning, or what is against it.
pub fn read_identity(
    head: RequestHead<'_>,
    answer: &[u8],
) -> Result<Result<Sequence, ErrorCode>, KafkaError> {
    let mut reader = Reader::answer(answer, head.correlation)?;
    let _throttle_ms = reader.i32()?;
    match ErrorCode(reader.i16()?) {
        ErrorCode::NONE => Ok(Ok(Sequence {
            producer: reader.i64()?,
            epoch: reader.i16()?,
            next: 0,
        })),
        code => Ok(Err(code)),
    }
}

/// Where records go, and how long the broker may take.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub acks: Acks,
    pub timeout_ms: i32,
}

/// Hands records to the leader of a partition. With [`Acks::None`] there is no answer.
pub fn produce_request(
    head: RequestHead<'_>,
    to: Destination<'_>,
    records: &Records<'_>,
) -> Result<Vec<u8>, KafkaError> {
    let batch = records.encode()?;
    let mut frame = Frame::new(PRODUCE, head);
    // No transaction.
    frame.i16(-1);
    frame.i16(match to.acks {
        Acks::None => 0,
        Acks::Leader => 1,
        Acks::All => -1,
    });
    frame.i32(to.timeout_ms);
    frame.count(1);
    frame.text(to.topic);
    frame.count(1);
    frame.i32(to.partition);
    frame.count(batch.len());
    frame.0.extend_from_slice(&batch);
    Ok(frame.finish())
}

/// Reads the answer to [`produce_request`].
pub fn read_produced(
    head: RequestHead<'_>,
    to: Destination<'_>,
    answer: &[u8],
) -> Result<ErrorCode, KafkaError> {
    let mut reader = Reader::answer(answer, head.correlation)?;
    let is_one = reader.count(ITEMS_MAX)? == 1
        && reader.text()? == to.topic
        && reader.count(ITEMS_MAX)? == 1
        && reader.i32()? == to.partition;
    if is_one {
        reader.i16().map(ErrorCode)
    } else {
        Err(KafkaError::OtherTopic)
    }
}

/// Which of `count` partitions has the records with this key: murmur2, as Kafka's own clients choose.
pub fn partition_of(key: &[u8], count: usize) -> usize {
    let positive = murmur2(key) & 0x7fff_ffff;
    usize::try_from(positive).unwrap_or(0) % count.max(1)
}

/// Austin Appleby's MurmurHash2 with the seed that Kafka has.
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = 0x9747_b28c ^ length;
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let chunk: [u8; 4] = chunk.try_into().unwrap_or_default();
        let mut k = u32::from_le_bytes(chunk).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        for (index, byte) in (0u32..).zip(rest) {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}

/// A request that grows; the length comes first.
struct Frame(Vec<u8>);

impl Frame {
    fn new((api, version): (i16, i16), head: RequestHead<'_>) -> Self {
        let mut frame = Self(vec![0; 4]);
        frame.i16(api);
        frame.i16(version);
        frame.i32(head.correlation);
        frame.text(head.client_id);
        frame
    }

    fn i16(&mut self, number: i16) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    fn i32(&mut self, number: i32) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    fn count(&mut self, count: usize) {
        self.i32(i32::try_from(count).unwrap_or(i32::MAX));
    }

    /// No name is longer than its length can tell: it is cut.
    fn text(&mut self, text: &str) {
        let length = i16::try_from(text.len()).unwrap_or(i16::MAX);
        let bytes = usize::try_from(length).unwrap_or(0);
        self.i16(length);
        self.0
            .extend_from_slice(text.as_bytes().get(..bytes).unwrap_or_default());
    }

    fn finish(mut self) -> Vec<u8> {
        let length = i32::try_from(self.0.len() - 4).unwrap_or(i32::MAX);
        if let Some(head) = self.0.get_mut(..4) {
            head.copy_from_slice(&length.to_be_bytes());
        }
        self.0
    }
}
