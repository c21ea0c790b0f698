//! The remote write receiver: a body in, samples in storage, an answer out.
//!
//! In reading order: `protocol` (which message is it, is it accepted), `receiver` (one request from body
//! to answer), `request` (both versions behind one interface), `intake` (series by series into one batch),
//! `cache` (label bytes to references), `store` (the commit, and what storage refused), `histogram`
//! (checks), `problems` (what the sender is told), `refusal` (reasons).
//!
//! Cost of a series that was here before, with one sample: its label bytes are compared with those that
//! followed its neighbour last time, and a row is pushed; nothing is decoded, hashed or allocated.
//! Memory: below 200 bytes per remembered series, limited (`cache`), and the decoded body while it is read.
//!
//! What a request with bad samples does: the good ones are stored, and the sender is told of the others
//! with 400: one bad sample costs nothing but itself. (Prometheus stores nothing of a 1.0 request that
//! has a bad sample; and it drops samples that are out of order within one request without a word.)

mod cache;
mod histogram;
mod intake;
mod problems;
mod protocol;
mod receiver;
mod refusal;
mod request;
mod store;

pub use protocol::{MessageType, MessageTypes, UnknownMessageType};
pub use receiver::{Answer, Collaborators, Receiver, RequestHead, Status, Written};
pub use refusal::RequestRefusal;

/// The most bytes of a request, compressed or not: the peer's limit.
pub const BODY_BYTES_MAX: usize = 32 << 20;
