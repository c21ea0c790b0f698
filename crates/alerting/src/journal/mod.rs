//! The journal as bytes and words: what is written of every event, how it is found again, and how it is told.
//!
//! A journal is a sequence of segments, each a file that can be read without the others:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `KWJ` and the version, 1 |
//! | 8 | time of the first record, milliseconds since 1970, little endian like all numbers here |
//! | 8, 8 | earliest and latest time in the segment before; the latest is less than the earliest if there is none |
//! | 4 | CRC-32C of the 28 bytes before |
//! | … | frames: length (4), CRC-32C of the payload (4), payload |
//!
//! A payload is a protobuf message (`encode` lists the fields). It names the texts, label sets, groups and lists of
//! alerts that were not there yet, in the order of their numbers, and then at most one record, which refers to them by
//! number. So what is long stands once in a segment. A frame that is cut off or does not fit its checksum ends the
//! reading of its segment, and only of that one.
//!
//! In reading order: [`record`] (what is written and what is read), `draft` (an event in that form), `encode`,
//! [`decode`], [`query`] (which records are asked for), [`page`] (some of them, out of many segments),
//! [`sighted`] (the alerts that are mentioned), [`sentence`] (a record in words),
//! [`timeline`] (the states of one alert). Files, retention and the
//! thread that writes are in `server`.

pub mod decode;
mod draft;
pub mod encode;
mod numbers;
pub mod page;
pub mod query;
pub mod record;
pub mod sentence;
pub mod sighted;
#[cfg(test)]
mod tests;
pub mod timeline;

pub use decode::{Damage, Header, Segment};
pub use encode::SegmentWriter;
pub use page::{Id, Order, Page, Request, SegmentInfo};
pub use query::Query;
pub use record::{Detail, Draft, Kind, Mention, Record, Subject, detail};
pub use sighted::{Sighted, SightedRequest};
