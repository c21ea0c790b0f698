//! Real programs on free ports of this machine, for tests that start the product or a peer.
//!
//! [`Program`] (in `program`) starts one, reads its lines and kills it when dropped; [`until`] (in `wait`)
//! waits for a condition with a bound; [`get`], [`post`], [`post_bytes`] and others (in `exchange`) ask over HTTP; [`PageServer`]
//! (in `page_server`) answers over HTTP from a closure; [`is_installed`] says whether a peer is there, and
//! [`Peer`] (in `peer`) starts it.
//!
//! Everything here panics with a sentence when the outside does not do what the test needs: a test that
//! cannot go on has failed. Only threads and blocking sockets, so that tests stay plain functions.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "test support: what cannot be done fails the test"
)]

mod exchange;
mod installed;
mod page_server;
mod peer;
mod program;
mod wait;

pub use exchange::{
    Answer, RawAnswer, delete, get, get_for_bytes, percent_encoded, post, post_bytes,
    post_for_bytes, try_get, try_post_bytes,
};
pub use installed::is_installed;
pub use page_server::{Page, PageRequest, PageServer};
pub use peer::{Peer, listening_on};
pub use program::{Finished, Program, Signal, finish};
pub use wait::until;
