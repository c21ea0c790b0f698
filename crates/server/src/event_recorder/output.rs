//! One place that events go to.

use std::io::Write;
use std::sync::Arc;

use alerting::recorder::{Envelope, Unserializable};
use net::Bytes;

use super::file::FileOutput;
use super::queued::Queued;

pub(super) enum Output {
    /// With its name.
    File(Arc<str>, FileOutput),
    Stdout,
    /// To a network: JSON, or protobuf.
    Json(Queued),
    Protobuf(Queued),
}

/// Why an output has no event.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutputError {
    #[error(transparent)]
    Unserializable(#[from] Unserializable),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// An event, and its form in JSON once an output has asked for it.
pub(super) struct Encoded<'a> {
    envelope: &'a Envelope,
    json: Option<Result<Bytes, Unserializable>>,
}

impl<'a> Encoded<'a> {
    pub(super) fn new(envelope: &'a Envelope) -> Self {
        Self {
            envelope,
            json: None,
        }
    }

    fn json(&mut self) -> Result<Bytes, Unserializable> {
        let encode = || self.envelope.to_json().map(Bytes::from);
        self.json.get_or_insert_with(encode).clone()
    }
}

impl Output {
    /// As metrics have it.
    pub(super) fn name(&self) -> Arc<str> {
        match self {
            Self::File(name, _) => Arc::clone(name),
            Self::Stdout => "stdout".into(),
            Self::Json(queued) | Self::Protobuf(queued) => Arc::clone(&queued.name),
        }
    }

    /// Returns the number of bytes. Those of a network are in the output's queue then.
    pub(super) fn write(&mut self, event: &mut Encoded<'_>) -> Result<usize, OutputError> {
        match self {
            Self::File(_, file) => Ok(file.write(&event.json()?)?),
            Self::Stdout => {
                let mut line = event.json()?.to_vec();
                line.push(b'\n');
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(&line)?;
                stdout.flush()?;
                Ok(line.len())
            }
            Self::Json(queued) => Ok(queued.put(event.json()?)),
            Self::Protobuf(queued) => Ok(queued.put(event.envelope.to_protobuf().into())),
        }
    }
}
