//! One request: decoded, understood, answered.

use std::sync::Arc;

use diag::{Reason, ReasonBook};
use model::{Clock, Labels};
use parking_lot::RwLock;
use tsdb::Db;
use wire::remote::read::{Request, ResponseType};
use wire::remote::{SnappyError, decompress};

use super::BODY_BYTES_MAX;
use super::chunks::ChunkStream;
use super::query::Query;
use super::refusal::ReadRefusal;
use super::samples::Samples;

/// How much one answer may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Samples of one query in an answer with samples; 0 for no limit.
    pub samples_max: usize,
    /// Bytes of a frame of a streamed answer, but for its last chunk.
    pub frame_bytes_max: usize,
}

/// What is answered.
#[derive(Debug)]
pub enum Answer {
    /// One message, compressed; its pieces follow each other.
    Samples(Vec<Vec<u8>>),
    Chunks(ChunkStream),
}

/// Answers remote read requests. Shared by all connections.
pub struct Handler {
    db: Db,
    limits: Limits,
    external: RwLock<Labels>,
    reasons: Arc<ReasonBook>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handler")
    }
}

impl Handler {
    pub fn new(db: Db, limits: Limits, reasons: Arc<ReasonBook>, clock: Arc<dyn Clock>) -> Self {
        Self {
            db,
            limits,
            external: RwLock::default(),
            reasons,
            clock,
        }
    }

    /// Of the configuration in use.
    pub fn set_external_labels(&self, labels: Labels) {
        *self.external.write() = labels;
    }

    /// Understands a request; collects the samples, if that is what is asked for. Reads from disk: not for
    /// async threads. `go_on` is asked before every series; an answer with samples takes at most
    /// `answer_bytes_max` before it is compressed.
    pub fn answer(
        &self,
        body: &[u8],
        answer_bytes_max: usize,
        go_on: &dyn Fn() -> Result<(), ReadRefusal>,
    ) -> Result<Answer, ReadRefusal> {
        let request = decode(body)?;
        let external = self.external.read().clone();
        let response_type = response_type(&request.accepted)?;
        let queries: Vec<Query> = request
            .queries
            .iter()
            .map(|raw| Query::new(raw, &external))
            .collect::<Result<_, _>>()?;
        match response_type {
            ResponseType::StreamedXorChunks => Ok(Answer::Chunks(ChunkStream {
                db: self.db.clone(),
                queries,
                external,
                frame_bytes_max: self.limits.frame_bytes_max,
            })),
            _ => Samples {
                db: &self.db,
                queries: &queries,
                external: &external,
                samples_max: self.limits.samples_max,
                answer_bytes_max,
                go_on,
            }
            .answer(),
        }
    }

    /// Notes why a request was not answered, or not to its end.
    pub fn note(&self, refusal: &ReadRefusal) {
        tracing::debug!(code = refusal.code(), %refusal, "remote read request refused");
        self.reasons
            .record(self.clock.now().millis(), "remote read", refusal);
    }
}

fn decode(body: &[u8]) -> Result<Request, ReadRefusal> {
    let content = decompress(body, BODY_BYTES_MAX).map_err(|error| match error {
        SnappyError::Corrupt(_) => ReadRefusal::Snappy,
        SnappyError::TooLarge { size, .. } => ReadRefusal::DecodedSize(size),
    })?;
    Request::decode(&content).map_err(ReadRefusal::Message)
}

/// The first one that we know; samples if nothing is said.
fn response_type(accepted: &[ResponseType]) -> Result<ResponseType, ReadRefusal> {
    if accepted.is_empty() {
        return Ok(ResponseType::Samples);
    }
    let is_known = |wanted: &&ResponseType| !matches!(wanted, ResponseType::Unknown(_));
    accepted.iter().find(is_known).copied().ok_or_else(|| {
        let names: Vec<String> = accepted.iter().map(ResponseType::to_string).collect();
        ReadRefusal::ResponseTypes(names.join(" "))
    })
}
