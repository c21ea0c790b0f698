//! Silences and log entries as bytes: the snapshot files of the peer, and the payload of its gossip messages.
//!
//! Both are a sequence of protobuf messages, each after its length as a varint: `MeshSilence` in the file
//! `silences`, `MeshEntry` in the file `nflog`. The modules list the fields.

pub mod nflog;
pub mod proto;
pub mod silence;

use proto::Reader;

/// Why bytes are not a snapshot or message. Nothing of it is taken over then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("the data ends in the middle of a message")]
    Truncated,
    #[error("a number is longer than ten bytes")]
    Varint,
    #[error("field {field} has the wire type {wire_type}, which does not fit")]
    WireType { field: u64, wire_type: u8 },
    #[error("field {0} is not valid UTF-8")]
    Utf8(u64),
    #[error("a message lacks its {0}")]
    Missing(&'static str),
    #[error("{0} is no known kind of matcher")]
    MatcherKind(u64),
}

/// Messages one after another, each after its length, up to the first that cannot be read.
fn messages<T>(
    bytes: &[u8],
    read: fn(Reader<'_>) -> Result<T, CodecError>,
) -> (Vec<T>, Option<CodecError>) {
    let mut reader = Reader::new(bytes);
    let mut all = Vec::new();
    while !reader.is_empty() {
        let message = reader
            .delimited()
            .and_then(|bytes| read(Reader::new(bytes)));
        match message {
            Ok(message) => all.push(message),
            Err(error) => return (all, Some(error)),
        }
    }
    (all, None)
}

fn whole<T>((all, error): (Vec<T>, Option<CodecError>)) -> Result<Vec<T>, CodecError> {
    error.map_or(Ok(all), Err)
}
