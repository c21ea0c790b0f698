//! The storage of an agent from outside: what is acknowledged is in its log until it was sent or is too old.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "all of this file is test code, also what is not itself a test function"
)]

mod basics;
mod crash;
mod follow;
mod peer;
mod support;
mod truncation;
