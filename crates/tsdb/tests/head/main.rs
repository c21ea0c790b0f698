//! The head from outside: what is committed can be read, after any kind of end, and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "all of this file is test code, also what is not itself a test function"
)]

mod basics;
mod crash;
mod disk_trouble;
mod isolation;
mod late;
mod left;
mod matching;
mod peer;
mod peer_folder;
mod reading;
mod snapshot;
mod support;
mod truncation;
