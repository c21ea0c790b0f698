//! Remote read: stored samples for other servers.
//!
//! In reading order: `handler` (one request: what is asked, in which form it is wanted), `query` (matchers,
//! and what external labels do to them), `samples` (one message with all samples), `chunks` (a stream of
//! frames with chunks as they are stored), `refusal` (why a request is not answered).
//!
//! External labels are those of this server, which no stored series has: a matcher that asks for one of them
//! is taken as fulfilled, and answers carry them. So whoever sees several servers as one can tell them apart.
//!
//! Memory: of streamed answers one series and one frame at a time. Answers with samples are held whole, but
//! compressed, and are limited twice: by `--storage.remote.read-sample-limit` and by
//! [`ANSWER_BYTES_MAX`], or less where memory is short.

mod chunks;
mod handler;
mod query;
mod refusal;
mod samples;
#[cfg(test)]
mod tests;

pub use handler::{Answer, Handler, Limits};
pub use refusal::ReadRefusal;

/// The most bytes of a request, compressed or not: the peer's limit.
pub const BODY_BYTES_MAX: usize = 32 << 20;

/// The most bytes of an answer with samples before it is compressed. The form allows four times as much,
/// which no reader can be expected to hold.
pub const ANSWER_BYTES_MAX: usize = 1 << 30;
