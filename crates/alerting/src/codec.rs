//! Silences and log entries as bytes: the snapshot files of the peer, and the payload of its gossip messages.
//!
//! Both are a sequence of protobuf messages, each after its length as a varint: `MeshSilence` in the file
//! `silences`, `MeshEntry` in the file `nflog`. The modules list the fields.

pub mod nflog;
mod proto;
pub mod silence;

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
