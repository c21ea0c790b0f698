//! Why a request is not answered. `Display` is the text for the reader, in the peer's words where it has any.

use diag::Reason;
use model::pattern::PatternError;
use model::storage::ReadError;
use wire::remote::{ProtoError, SnappyError};

use super::BODY_BYTES_MAX;

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReadRefusal {
    #[error("request body exceeds the {BODY_BYTES_MAX} bytes limit")]
    BodySize,
    #[error("snappy: corrupt input")]
    Snappy,
    #[error("snappy: decoded length {0} exceeds limit {BODY_BYTES_MAX}")]
    DecodedSize(usize),
    #[error(transparent)]
    Message(ProtoError),
    /// What was asked for, in the peer's notation of lists.
    #[error(
        "server does not support any of the requested response types: [{0}]; supported: map[SAMPLES:{{}} STREAMED_XOR_CHUNKS:{{}}]"
    )]
    ResponseTypes(String),
    #[error("invalid matcher type")]
    MatcherType,
    #[error(transparent)]
    Pattern(#[from] PatternError),
    #[error("exceeded sample limit ({0})")]
    SampleLimit(usize),
    #[error(
        "the answer takes more than {0} bytes; ask for less time or fewer series, or for STREAMED_XOR_CHUNKS"
    )]
    AnswerSize(usize),
    /// Too much memory is in use to begin with an answer; the text says how much.
    #[error("{0}; try again later")]
    NoRoom(String),
    #[error("--memory.budget is used up; the answer was ended")]
    OutOfRoom,
    #[error("the reader is gone")]
    Abandoned,
    #[error(transparent)]
    Storage(#[from] ReadError),
    #[error("compressing the answer: {0}")]
    Compression(SnappyError),
}

impl ReadRefusal {
    /// Whether it is the request that is wrong. As the peer has it, matchers that cannot be used are found
    /// so late that they count as a failure of the server.
    pub fn is_of_request(&self) -> bool {
        !matches!(
            self,
            Self::MatcherType | Self::Pattern(_) | Self::Storage(_) | Self::Compression(_)
        )
    }
}

impl Reason for ReadRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::BodySize | Self::DecodedSize(_) => "remote-read-too-large",
            Self::Snappy | Self::Message(_) => "remote-read-corrupt",
            Self::ResponseTypes(_) => "remote-read-response-type",
            Self::MatcherType | Self::Pattern(_) => "remote-read-matcher",
            Self::SampleLimit(_) | Self::AnswerSize(_) => "remote-read-limit",
            Self::NoRoom(_) | Self::OutOfRoom => "remote-read-memory",
            Self::Abandoned => "remote-read-abandoned",
            Self::Storage(_) | Self::Compression(_) => "remote-read-failed",
        }
    }

    fn hint(&self) -> Option<String> {
        matches!(self, Self::SampleLimit(_)).then(|| {
            "ask for less time or fewer series, or raise --storage.remote.read-sample-limit"
                .to_owned()
        })
    }
}
