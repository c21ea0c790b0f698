//! memberlist's messages as bytes, as Alertmanager sends them (memberlist 0.5, no encryption).
//!
//! A packet is `[label] [checksum] message`, where a message is a type byte and a body: a struct, several
//! messages (compound), a compressed message, or bytes of the user. A stream starts with the same label and
//! carries one message each way; state and user messages have a struct before their bytes.
//!
//! [`message`] has the structs, [`packet`] and [`stream`] what is around them, `msgpack` and `lzw` the encodings
//! beneath. All of it bounds what hostile bytes can cost.

pub(crate) mod lzw;
pub mod message;
pub(crate) mod msgpack;
pub mod packet;
pub mod stream;
#[cfg(test)]
mod tests;

pub use message::{Dead, IndirectPing, MemberState, Message, NodeState, Ping, StateKind, Suspect};
pub use packet::{open_packet, seal_packet};
pub use stream::{StreamDecoder, StreamMessage};

/// Why bytes are not what a member of our mesh sends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("the message ends too early")]
    Truncated,
    #[error("there is {1:#04x} where {0} is expected")]
    Unexpected(&'static str, u8),
    #[error("a number is negative or too large")]
    Range,
    #[error("a text is not UTF-8")]
    Utf8,
    #[error("the message is nested too deeply")]
    Depth,
    #[error("an address has {0} bytes; only 4 and 16 can be")]
    Address(usize),
    #[error("the compressed data is damaged")]
    Compression,
    #[error("the compression {0} is not known")]
    Algorithm(u8),
    #[error("there are more than {0} bytes or parts")]
    TooLong(usize),
    #[error("the checksum is wrong")]
    Checksum,
    #[error("the message is empty")]
    Empty,
    #[error("the message type {0} is not known here")]
    Type(u8),
    #[error("messages are encrypted, which no Alertmanager does")]
    Encrypted,
    #[error("the label is {0:?}, and it is another one here (--cluster.label)")]
    Label(String),
    #[error("the state of a member is {0}, which is none")]
    State(u8),
}
