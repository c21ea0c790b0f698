//! Why a request, a series of it or an exemplar was not taken. Samples have `model`'s reasons.

use diag::Reason;
use wire::remote::{ProtoError, SnappyError};

use super::BODY_BYTES_MAX;

/// Nothing of the request was stored. `Display` is the text for the sender, in the peer's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestRefusal {
    #[error("{0} encoding (compression) is not accepted by this server; only snappy is acceptable")]
    Encoding(String),
    #[error("{0}")]
    Type(String),
    #[error("request body exceeds the {BODY_BYTES_MAX} bytes limit")]
    BodySize,
    #[error("decoded size exceeds the {BODY_BYTES_MAX} bytes limit")]
    DecodedSize,
    #[error("s2: corrupt input")]
    Snappy,
    #[error(transparent)]
    Message(ProtoError),
    #[error(transparent)]
    Parts(ProtoError),
    /// Symbols make it possible to say much with few bytes.
    #[error("the labels of the request take more than {0} bytes when written out")]
    LabelsSize(usize),
    #[error("{0}")]
    Storage(String),
}

impl From<SnappyError> for RequestRefusal {
    fn from(error: SnappyError) -> Self {
        match error {
            SnappyError::Corrupt(_) => Self::Snappy,
            SnappyError::TooLarge { .. } => Self::DecodedSize,
        }
    }
}

impl Reason for RequestRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Encoding(_) => "remote-write-encoding",
            Self::Type(_) => "remote-write-message-type",
            Self::BodySize | Self::DecodedSize | Self::LabelsSize(_) | Self::Parts(_) => {
                "remote-write-too-large"
            }
            Self::Snappy | Self::Message(_) => "remote-write-corrupt",
            Self::Storage(_) => "remote-write-not-stored",
        }
    }
}

/// A series, or a part of it, that was left out of an otherwise good request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SeriesRefusal {
    /// Without a name, with an invalid or repeated one, or with references to nothing.
    #[error("{0}")]
    Labels(String),
    #[error("{0}")]
    Metadata(String),
    #[error("{0}")]
    WithoutSamples(String),
    #[error("{0}")]
    Exemplar(String),
}

impl Reason for SeriesRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Labels(_) => "remote-write-invalid-labels",
            Self::Metadata(_) => "remote-write-invalid-metadata",
            Self::WithoutSamples(_) => "remote-write-series-without-samples",
            Self::Exemplar(_) => "remote-write-invalid-exemplar",
        }
    }
}
